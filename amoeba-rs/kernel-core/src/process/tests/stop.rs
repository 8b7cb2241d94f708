use super::{DATA, STACK, TEXT, World, assert_nothing_left, id, owner};
use crate::process::{Checkpoint, DEFAULT_SLICE, Event};
use proto::capability::Capability;
use proto::message::Header;
use proto::process::server::Cause;
use proto::process::{Descriptor, ThreadState};
use proto::standard::Status;
use proto::system_call::Call;
use std::vec::Vec;

/// The checkpoint that is the only event.
fn checkpoint(world: &mut World) -> Checkpoint {
    let mut events = world.events();
    let Some(Event::Checkpoint(checkpoint)) = events.pop() else {
        panic!("{events:?}")
    };
    assert_eq!(events, []);
    checkpoint
}

fn trans(world: &mut World, thread: u16) {
    for (place, word) in [DATA + 64, DATA + 128, 100_u32].into_iter().enumerate() {
        world.poke(0, DATA + 40 + 4 * place as u32, &word.to_le_bytes());
    }
    world.call(id(0, thread), Call::Trans, [DATA, DATA + 32, 0, DATA + 40]);
    assert!(matches!(world.events()[..], [Event::Transaction(..)]));
}

#[test]
fn a_stunned_process_is_reported_with_all_of_its_state() {
    let mut world = World::new();
    world.exec(owner(), 2);
    world.processes.stun(&mut world.machine, 0, 9).unwrap();
    assert_eq!(world.next(), None);
    let checkpoint = checkpoint(&mut world);
    assert_eq!(
        (checkpoint.cause, checkpoint.detail, checkpoint.owner),
        (Cause::Stunned, 9, owner())
    );
    assert_eq!(checkpoint.descriptor.len(), 44 + 3 * 32 + 2 * 112);
    let descriptor = Descriptor::parse(&checkpoint.descriptor).unwrap();
    assert_eq!(descriptor.head.own, world.processes.capability(0));
    let threads: Vec<_> = descriptor.threads().collect();
    assert_eq!(threads[1].user.unwrap().eip, TEXT + 1);
    for segment in descriptor.segments() {
        let (number, _) = world
            .processes
            .segments()
            .find(&segment.capability)
            .unwrap()
            .unwrap();
        assert_eq!(world.processes.segments().get(number).length(), segment.length);
    }
}

#[test]
fn the_owners_answer_has_the_process_go_on_as_it_says() {
    let mut world = World::new();
    world.exec(owner(), 2);
    world.processes.stun(&mut world.machine, 0, 1).unwrap();
    let Checkpoint {
        number,
        mut descriptor,
        ..
    } = checkpoint(&mut world);
    // Thread 1 is to run first, with another EAX: state and frame of the second of two threads at the end.
    let second = descriptor.len() - 112;
    descriptor[second..second + 4]
        .copy_from_slice(&(ThreadState::RUN | ThreadState::FIRST).bits().to_le_bytes());
    descriptor[second + 32 + 48..][..4].copy_from_slice(&77_u32.to_le_bytes());
    // And the kernel's code segment.
    descriptor[second + 32 + 64..][..4].copy_from_slice(&0x10_u32.to_le_bytes());
    world.processes.answer_checkpoint(0, number, Ok(&descriptor));
    assert_eq!(world.next(), Some((0, 1)));
    let frame = world.processes.frame(id(0, 1));
    assert_eq!((frame.eax, frame.cs), (77, 0x2b));
    assert_eq!(world.processes.condition(0), "Run");
}

#[test]
fn an_error_or_another_length_ends_the_process() {
    for answer in [Err(Status::RpcNotFound), Ok(0), Ok(1)] {
        let mut world = World::new();
        world.exec(owner(), 1);
        world.processes.stun(&mut world.machine, 0, 1).unwrap();
        let Checkpoint {
            number, descriptor, ..
        } = checkpoint(&mut world);
        let bytes = answer.map(|cut| {
            if cut == 0 {
                &descriptor[..descriptor.len() - 112]
            } else {
                &[]
            }
        });
        world.processes.answer_checkpoint(0, number, bytes);
        assert!(matches!(
            world.events()[..],
            [Event::Ended {
                cause: Cause::Stunned,
                detail: 1,
                ..
            }]
        ));
        assert_nothing_left(&world);
    }
}

#[test]
fn a_stopped_process_cannot_be_stunned_but_in_an_emergency() {
    let mut world = World::new();
    world.exec(owner(), 1);
    world.processes.stun(&mut world.machine, 0, 1).unwrap();
    let first = checkpoint(&mut world);
    assert_eq!(
        world.processes.stun(&mut world.machine, 0, 2),
        Err(Status::NotNow)
    );
    assert_eq!(world.processes.stun(&mut world.machine, 0, -2), Ok(()));
    let second = checkpoint(&mut world);
    assert_eq!(second.detail, -2);
    // The answer to the first is no longer wanted.
    world
        .processes
        .answer_checkpoint(0, first.number, Err(Status::Denied));
    assert_eq!(world.processes.condition(0), "Stp");
    world
        .processes
        .answer_checkpoint(0, second.number, Ok(&second.descriptor));
    assert_eq!(world.next(), Some((0, 0)));
}

#[test]
fn a_stop_waits_for_a_transaction_and_passes_a_signal_to_its_server() {
    let mut world = World::new();
    world.exec(owner(), 2);
    trans(&mut world, 0);
    world.processes.stun(&mut world.machine, 0, 1).unwrap();
    assert_eq!(world.events(), [Event::Signal(id(0, 0))]);
    assert_eq!(world.next(), None);
    world
        .processes
        .complete(&mut world.machine, id(0, 0), Ok((Header::default(), 12)));
    let checkpoint = checkpoint(&mut world);
    let threads: Vec<_> = Descriptor::parse(&checkpoint.descriptor)
        .unwrap()
        .threads()
        .collect();
    assert_eq!(threads[0].user.unwrap().eax, 12);
}

#[test]
fn an_emergency_does_not_wait() {
    let mut world = World::new();
    world.exec(owner(), 1);
    trans(&mut world, 0);
    world.processes.stun(&mut world.machine, 0, -1).unwrap();
    let events = world.events();
    assert!(
        matches!(&events[..], [Event::Abort(aborted), Event::Checkpoint(_)] if *aborted == id(0, 0)),
        "{events:?}"
    );
    assert_eq!(world.value(id(0, 0)), i32::from(Status::RpcAborted.code()));
}

#[test]
fn calls_that_wait_end_with_the_stop_and_serving_goes_on_after_it() {
    let mut world = World::new();
    world.exec(owner(), 3);
    world.call(id(0, 0), Call::GetRequest, [DATA, DATA + 64, 10, 0]);
    world.call(id(0, 1), Call::GetRequest, [DATA, DATA + 64, 10, 0]);
    world
        .processes
        .complete(&mut world.machine, id(0, 1), Ok((Header::default(), 3)));
    world.call(id(0, 2), Call::Await, [60_000, 0, 0, 0]);
    world.events();
    world.processes.stun(&mut world.machine, 0, 1).unwrap();
    let events = world.events();
    let [Event::Abort(aborted), Event::Checkpoint(checkpoint)] = &events[..] else {
        panic!("{events:?}")
    };
    assert_eq!(*aborted, id(0, 0));
    world
        .processes
        .answer_checkpoint(0, checkpoint.number, Ok(&checkpoint.descriptor));
    assert_eq!(world.value(id(0, 0)), i32::from(Status::RpcAborted.code()));
    assert_eq!(world.value(id(0, 2)), -1);
    world.call(id(0, 1), Call::PutReply, [DATA, DATA + 64, 0, 0]);
    assert!(matches!(world.events()[..], [Event::Reply(..)]));
}

#[test]
fn a_process_that_exits_is_reported_without_threads() {
    let mut world = World::new();
    world.exec(owner(), 2);
    trans(&mut world, 1);
    world.call(id(0, 0), Call::ExitProcess, [3, 0, 0, 0]);
    let events = world.events();
    let [Event::Abort(_), Event::Checkpoint(checkpoint)] = &events[..] else {
        panic!("{events:?}")
    };
    assert_eq!((checkpoint.cause, checkpoint.detail), (Cause::Normal, 3));
    let descriptor = Descriptor::parse(&checkpoint.descriptor).unwrap();
    assert_eq!(
        (descriptor.segments().len(), descriptor.threads().count()),
        (3, 0)
    );
    // Its segments can be read until the owner has answered.
    assert!(world.processes.segments().numbers().count() == 3);
    world
        .processes
        .answer_checkpoint(0, checkpoint.number, Ok(&checkpoint.descriptor));
    world.run_errands();
    assert_nothing_left(&world);
}

#[test]
fn the_last_thread_that_ends_ends_its_process() {
    let mut world = World::new();
    world.exec(Capability::NULL, 2);
    world.call(id(0, 0), Call::ExitThread, [0; 4]);
    assert_eq!(world.next(), Some((0, 1)));
    world.call(id(0, 1), Call::ExitThread, [0; 4]);
    assert!(matches!(
        world.events()[..],
        [Event::Ended {
            cause: Cause::Normal,
            detail: 0,
            ..
        }]
    ));
    assert_nothing_left(&world);
}

#[test]
fn a_server_that_ends_gives_its_request_up() {
    let mut world = World::new();
    world.exec(Capability::NULL, 1);
    world.call(id(0, 0), Call::GetRequest, [DATA, DATA + 64, 10, 0]);
    world
        .processes
        .complete(&mut world.machine, id(0, 0), Ok((Header::default(), 3)));
    world.events();
    world.fault(id(0, 0), 13);
    let events = world.events();
    assert!(
        matches!(&events[..], [Event::GiveUp(_), Event::Ended { .. }]),
        "{events:?}"
    );
}

#[test]
fn what_waits_for_a_mutex_can_be_stopped_and_the_others_get_it() {
    let mut world = World::new();
    world.exec(owner(), 1);
    world.exec(Capability::NULL, 1);
    assert_eq!(
        world.result(id(0, 0), Call::MutexLock, [STACK, u32::MAX, 0, 0]),
        0
    );
    world.call(id(0, 0), Call::NewThread, [TEXT, STACK + 100, 0, 0]);
    world.call(id(0, 1), Call::MutexLock, [STACK, u32::MAX, 0, 0]);
    world.processes.stun(&mut world.machine, 0, 1).unwrap();
    assert_eq!(world.value(id(0, 1)), -1);
    world.pass(DEFAULT_SLICE);
    let checkpoint = checkpoint(&mut world);
    world
        .processes
        .answer_checkpoint(0, checkpoint.number, Ok(&checkpoint.descriptor));
    world.pass(DEFAULT_SLICE);
    world.run_errands();
    assert_eq!(world.result(id(0, 0), Call::MutexUnlock, [STACK, 0, 0, 0]), 0);
    assert_eq!(world.word(0, STACK), 0);
}

#[test]
fn a_stopped_process_tells_and_obeys_its_owner_in_its_turn() {
    let mut world = World::new();
    world.exec(Capability::NULL, 1);
    world.exec(owner(), 1);
    // The first process computes and has the turn for 60 ms more.
    world.now = DEFAULT_SLICE - 60;
    assert_eq!(world.next(), Some((0, 0)));
    world.processes.stun(&mut world.machine, 1, 1).unwrap();
    for wait in [0, 50] {
        world.now += wait;
        assert_eq!(world.next(), Some((0, 0)));
        assert_eq!(world.events(), []);
    }
    world.now += 10;
    let checkpoint = checkpoint(&mut world);
    // What it does in the kernel takes none of its slice: the other one has a whole one again.
    assert_eq!(world.next(), Some((0, 0)));
    world
        .processes
        .answer_checkpoint(1, checkpoint.number, Ok(&checkpoint.descriptor));
    world.now += DEFAULT_SLICE - 1;
    assert_eq!(world.next(), Some((0, 0)));
    assert_eq!(world.processes.condition(1), "Stp");
    world.now += 1;
    assert_eq!(
        world.next(),
        Some((1, 0)),
        "it obeys, and goes on in the same turn"
    );
}

#[test]
fn a_process_without_an_owner_that_is_stunned_is_gone_at_once() {
    let mut world = World::new();
    world.exec(Capability::NULL, 1);
    world.exec(Capability::NULL, 1);
    assert_eq!(world.next(), Some((0, 0)));
    world.processes.stun(&mut world.machine, 1, 1).unwrap();
    assert!(matches!(world.events()[..], [Event::Ended { process: 1, .. }]));
}
