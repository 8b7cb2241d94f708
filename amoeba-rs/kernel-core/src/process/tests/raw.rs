use super::{DATA, FREE, STACK, TEXT, World, id, owner};
use crate::process::{Event, Wait};
use proto::capability::Capability;
use proto::flip::Address;
use proto::raw_flip::{Block, Operation, Outcome, Upcall};
use proto::signal::Exception;
use proto::standard::Status;
use proto::system_call::Call;

const PLACE: u32 = DATA + 0x100;
const ROOM: u32 = DATA + 0x800;

fn upcall() -> Block {
    Block {
        operation: Operation::Upcall.code(),
        interface: 3,
        buffer: ROOM,
        length: 100,
        ..Block::default()
    }
}

/// A process whose first thread has called with this block.
fn called(block: &Block) -> World {
    let mut world = World::new();
    let slot = world.exec(owner(), 1);
    world.poke(slot, PLACE, &block.emit());
    world.next();
    world.call(id(slot, 0), Call::RawFlip, [PLACE, 0, 0, 0]);
    world
}

#[test]
fn rawflip_leaves_the_process_and_comes_back_with_block_and_data() {
    let mut world = called(&upcall());
    assert_eq!(world.events(), [Event::RawFlip(id(0, 0), upcall())]);
    assert_eq!(world.next(), None);
    let brought = Block {
        source: Address([9; 8]),
        length: 5,
        buffer: 0,
        ..upcall()
    };
    world
        .processes
        .complete_raw_flip(&mut world.machine, id(0, 0), 1, Some(&brought), b"hello");
    assert_eq!(world.next(), Some((0, 0)));
    assert_eq!(world.value(id(0, 0)), Upcall::Received.code());
    assert_eq!(world.peek(0, ROOM, 5), b"hello");
    let block = Block::parse(&world.peek(0, PLACE, 60)).unwrap();
    assert_eq!(
        block,
        Block {
            buffer: ROOM,
            ..brought
        }
    );
}

#[test]
fn bad_addresses_of_rawflip_are_exceptions() {
    let send = Block {
        operation: Operation::Unicast.code(),
        ..upcall()
    };
    for (place, block, is_bad) in [
        (
            PLACE,
            Block {
                buffer: FREE,
                ..upcall()
            },
            true,
        ),
        (
            PLACE,
            Block {
                buffer: TEXT,
                ..upcall()
            },
            true,
        ),
        (
            PLACE,
            Block {
                buffer: 0x10_0000,
                ..upcall()
            },
            true,
        ),
        (
            PLACE,
            Block {
                length: u32::MAX,
                ..upcall()
            },
            true,
        ),
        (PLACE, Block { buffer: FREE, ..send }, true),
        // Constants may be sent, and what is not used may be anything.
        (PLACE, Block { buffer: TEXT, ..send }, false),
        (
            PLACE,
            Block {
                operation: 1,
                buffer: FREE,
                ..upcall()
            },
            false,
        ),
        (STACK - 0x1000, upcall(), true),
        (TEXT, upcall(), true),
        (0, upcall(), true),
        (u32::MAX - 3, upcall(), true),
    ] {
        let mut world = World::new();
        let slot = world.exec(owner(), 1);
        world.poke(slot, PLACE, &block.emit());
        world.next();
        world.call(id(slot, 0), Call::RawFlip, [place, 0, 0, 0]);
        let code = Exception::Argument.code();
        let is_exception = world
            .events()
            .iter()
            .any(|event| matches!(event, Event::Checkpoint(checkpoint) if checkpoint.detail == code));
        assert_eq!(is_exception, is_bad, "{place:x} {block:x?}");
    }
}

#[test]
fn a_stop_ends_the_wait_for_an_upcall() {
    let mut world = called(&upcall());
    world.events();
    world.processes.stun(&mut world.machine, 0, 7).unwrap();
    assert_eq!(world.events()[0], Event::Abort(id(0, 0)));
    assert_eq!(world.value(id(0, 0)), Upcall::Aborted.code());
    // What comes afterwards is for nobody.
    world
        .processes
        .complete_raw_flip(&mut world.machine, id(0, 0), 1, None, &[]);
    assert_eq!(world.value(id(0, 0)), Upcall::Aborted.code());
}

#[test]
fn a_stop_ends_a_call_that_waits_for_its_message() {
    let mut world = called(&Block {
        operation: Operation::Unicast.code(),
        ..upcall()
    });
    world.processes.stun(&mut world.machine, 0, -7).unwrap();
    assert!(world.events().contains(&Event::Abort(id(0, 0))));
    let aborted = i32::from(Status::RpcAborted.code());
    assert!([Outcome::Fail.code(), aborted].contains(&world.value(id(0, 0))));
}

#[test]
fn memory_that_was_unmapped_meanwhile_is_an_exception_and_not_written() {
    let mut world = World::new();
    let slot = world.exec(owner(), 2);
    world.next();
    let map = [DATA + 0x40, FREE, 4096, 0x320];
    assert!(world.result(id(slot, 0), Call::SegmentMap, map) >= 0);
    let block = Block {
        buffer: FREE,
        ..upcall()
    };
    world.poke(slot, PLACE, &block.emit());
    world.call(id(slot, 0), Call::RawFlip, [PLACE, 0, 0, 0]);
    assert!(matches!(
        world.processes.thread(id(slot, 0)).wait,
        Some(Wait::RawFlip { is_upcall: true, .. })
    ));
    world.next();
    assert_eq!(world.result(id(slot, 1), Call::SegmentUnmap, [3, 0, 0, 0]), 0);
    world.events();
    world
        .processes
        .complete_raw_flip(&mut world.machine, id(slot, 0), 1, Some(&block), b"late");
    assert!(
        world
            .events()
            .iter()
            .any(|event| matches!(event, Event::Checkpoint(_)))
    );
}

#[test]
fn profil_counts_ticks_by_the_instruction_that_they_interrupt() {
    let mut world = World::new();
    let slot = world.exec(Capability::NULL, 1);
    world.next();
    let thread = id(slot, 0);
    // A counter for 16 bytes of code: two bytes for sixteen.
    world.call(thread, Call::Profile, [ROOM, 8, TEXT, 65_536 / 8]);
    for counter in [
        TEXT,
        TEXT + 15,
        TEXT + 16,
        TEXT + 63,
        TEXT + 64,
        TEXT - 1,
        0,
        u32::MAX,
    ] {
        let mut frame = *world.processes.frame(thread);
        frame.eip = counter;
        world.processes.set_frame(thread, &frame);
        world.processes.tick(&mut world.machine, thread);
    }
    assert_eq!(world.peek(slot, ROOM, 10), [2, 0, 1, 0, 0, 0, 1, 0, 0, 0]);
    world.call(thread, Call::Profile, [0, 0, 0, 0]);
    world.processes.tick(&mut world.machine, thread);
    assert_eq!(world.peek(slot, ROOM, 2), [2, 0]);
}

#[test]
fn profil_needs_a_buffer_that_can_be_written() {
    for address in [TEXT, FREE, 0, 0x10_0000, u32::MAX] {
        let mut world = World::new();
        let slot = world.exec(owner(), 1);
        world.next();
        world.call(id(slot, 0), Call::Profile, [address, 8, TEXT, 65_536]);
        let events = world.events();
        assert!(
            matches!(events[..], [Event::Checkpoint(_)]),
            "{address:x}: {events:?}"
        );
    }
}
