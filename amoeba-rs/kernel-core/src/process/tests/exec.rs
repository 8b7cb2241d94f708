use super::{
    DATA, FREE, PAGES, SERVER, STACK, TEXT, World, assert_nothing_left, descriptor, id, segment, segments,
};
use crate::machine::Machine;
use crate::memory::PAGE;
use crate::process::{Event, MOST_PROCESSES};
use proto::capability::{Capability, Port};
use proto::process::server::{Cause, right};
use proto::process::{Segment, SegmentKind, Thread};
use proto::standard::Status;
use proto::system_call::Call;

const START: Thread = Thread::start(TEXT, STACK);

#[test]
fn a_process_sees_its_segments_as_its_descriptor_says_and_nothing_else() {
    let mut world = World::new();
    let slot = world.exec(Capability::NULL, 1);
    assert_eq!(world.access(slot, TEXT), (true, false));
    assert_eq!(world.access(slot, DATA), (true, true));
    assert_eq!(world.access(slot, DATA + 2 * PAGE - 1), (true, true));
    for outside in [
        0,
        PAGE,
        TEXT - 1,
        TEXT + PAGE,
        DATA + 2 * PAGE,
        STACK - 1,
        0x7fff_ffff,
    ] {
        assert_eq!(world.access(slot, outside), (false, false), "{outside:#x}");
    }
}

#[test]
fn a_thread_begins_with_a_users_registers() {
    let mut world = World::new();
    let slot = world.exec(Capability::NULL, 2);
    let frame = world.processes.frame(id(slot, 1));
    assert_eq!((frame.eip, frame.esp), (TEXT + 1, super::STACK_TOP - 0x800));
    assert_eq!((frame.cs, frame.ss, frame.eflags), (0x2b, 0x23, 0x202));
}

#[test]
fn what_cannot_be_a_process_is_refused_and_takes_no_memory() {
    let bad = |segments: &[Segment], threads: &[Thread]| {
        let mut world = World::new();
        let result = world.try_exec(&descriptor(Capability::NULL, segments, threads));
        assert_nothing_left(&world);
        result.unwrap_err()
    };
    let text = SegmentKind::TEXT | SegmentKind::READ_ONLY;
    assert_eq!(bad(&segments(), &[]), Status::BadArgument);
    let stateless = Thread { idle: None, ..START };
    assert_eq!(bad(&segments(), &[stateless]), Status::BadArgument);
    let places = [0, PAGE, TEXT - PAGE, TEXT + 1, 0x7fff_f000 + PAGE, 0xffff_f000];
    for address in places {
        assert_eq!(
            bad(&[segment(address, PAGE, text)], &[START]),
            Status::BadArgument,
            "{address:#x}"
        );
    }
    assert_eq!(bad(&[segment(TEXT, 0, text)], &[START]), Status::BadArgument);
    assert_eq!(
        bad(&[segment(TEXT, PAGES * PAGE, text)], &[START]),
        Status::NoMemory
    );
    let overlapping = [segment(TEXT, PAGE + 1, text), segment(TEXT + PAGE, 1, text)];
    assert_eq!(bad(&overlapping, &[START]), Status::Exists);
    assert_eq!(
        bad(&[segment(TEXT, PAGE, SegmentKind::TEXT)], &[START]),
        Status::BadArgument
    );
    let unfinished = Segment {
        offset: 0x1000,
        ..segment(TEXT, PAGE, text)
    };
    assert_eq!(bad(&[unfinished], &[START]), Status::BadArgument);
}

#[test]
fn a_stack_without_length_has_16_kb() {
    let mut world = World::new();
    let kind = SegmentKind::SYSTEM | SegmentKind::DATA | SegmentKind::READ_WRITE;
    let slot = world
        .try_exec(&descriptor(
            Capability::NULL,
            &[segment(STACK, 0, kind)],
            &[START],
        ))
        .unwrap();
    assert_eq!(world.access(slot, STACK + 16 * 1024 - 1), (true, true));
    assert_eq!(world.access(slot, STACK + 16 * 1024), (false, false));
}

#[test]
fn contents_come_from_segments_of_the_machine() {
    let mut world = World::new();
    let number = world
        .processes
        .segments_mut()
        .create(&mut world.machine, 100)
        .unwrap();
    world
        .processes
        .segments()
        .write(&mut world.machine, number, 10, b"contents")
        .unwrap();
    let original = Segment {
        capability: world.processes.segments().capability(number),
        offset: 10,
        ..segment(DATA, PAGE, SegmentKind::DATA | SegmentKind::READ_WRITE)
    };
    let slot = world
        .try_exec(&descriptor(Capability::NULL, &[original], &[START]))
        .unwrap();
    assert_eq!(world.peek(slot, DATA, 9), b"contents\0");
    world.poke(slot, DATA, b"C");
    assert_eq!(
        world.processes.segments().read(&world.machine, number, 10, 1),
        b"c"
    );
}

#[test]
fn a_segment_mapped_in_place_is_shared_and_outlives_the_process() {
    let mut world = World::new();
    let number = world
        .processes
        .segments_mut()
        .create(&mut world.machine, PAGE)
        .unwrap();
    let shared = Segment {
        capability: world.processes.segments().capability(number),
        ..segment(
            DATA,
            0,
            SegmentKind::DATA | SegmentKind::READ_WRITE | SegmentKind::IN_PLACE,
        )
    };
    let slot = world
        .try_exec(&descriptor(Capability::NULL, &[shared], &[START]))
        .unwrap();
    world.poke(slot, DATA, b"seen");
    assert_eq!(
        world.processes.segments().read(&world.machine, number, 0, 4),
        b"seen"
    );
    world.call(id(slot, 0), Call::ExitProcess, [0; 4]);
    assert_eq!(
        world.processes.segments().numbers().collect::<std::vec::Vec<_>>(),
        [number]
    );
}

#[test]
fn the_original_goes_if_the_descriptor_says_so_and_the_capability_allows_it() {
    let mut world = World::new();
    let number = world
        .processes
        .segments_mut()
        .create(&mut world.machine, PAGE)
        .unwrap();
    let capability = world.processes.segments().capability(number);
    let check = capability.private.check;
    let weak = Capability {
        private: capability.private.restrict(right::READ, check),
        ..capability
    };
    let kind = SegmentKind::DATA | SegmentKind::READ_WRITE | SegmentKind::DESTROY_ORIGINAL;
    let mut moved = Segment {
        capability: weak,
        ..segment(DATA, PAGE, kind)
    };
    let refused = world.try_exec(&descriptor(Capability::NULL, &[moved], &[START]));
    assert_eq!(refused, Err(Status::Denied));
    moved.capability = capability;
    world
        .try_exec(&descriptor(Capability::NULL, &[moved], &[START]))
        .unwrap();
    assert_eq!(world.processes.segments().check(number), None);
}

#[test]
fn writing_to_a_segment_in_place_needs_the_right_to_write() {
    let mut world = World::new();
    let number = world
        .processes
        .segments_mut()
        .create(&mut world.machine, PAGE)
        .unwrap();
    let capability = world.processes.segments().capability(number);
    let check = capability.private.check;
    let weak = Capability {
        private: capability.private.restrict(right::READ, check),
        ..capability
    };
    let shared = |kind| Segment {
        capability: weak,
        ..segment(DATA, 0, kind | SegmentKind::IN_PLACE)
    };
    let refused = world.try_exec(&descriptor(
        Capability::NULL,
        &[shared(SegmentKind::READ_WRITE)],
        &[START],
    ));
    assert_eq!(refused, Err(Status::Denied));
    let slot = world.try_exec(&descriptor(
        Capability::NULL,
        &[shared(SegmentKind::READ_ONLY)],
        &[START],
    ));
    assert_eq!(world.access(slot.unwrap(), DATA), (true, false));
}

fn elsewhere() -> Segment {
    Segment {
        capability: Capability {
            port: Port([0x77; 6]),
            ..super::owner()
        },
        offset: 0x200,
        ..segment(DATA, 100, SegmentKind::DATA | SegmentKind::READ_WRITE)
    }
}

#[test]
fn a_process_waits_for_contents_from_another_machine() {
    let mut world = World::new();
    let slot = world
        .try_exec(&descriptor(Capability::NULL, &[elsewhere()], &[START]))
        .unwrap();
    assert_eq!(world.next(), None);
    let events = world.events();
    let [Event::Fetch(fetch)] = &events[..] else {
        panic!("{events:?}")
    };
    assert_eq!((fetch.offset, fetch.length), (0x200, 100));
    world
        .processes
        .fill(&mut world.machine, fetch, 0, b"far")
        .unwrap();
    let beyond = world.processes.fill(&mut world.machine, fetch, 98, b"far");
    assert_eq!(beyond, Err(Status::BadArgument));
    world.processes.fetched(&mut world.machine, fetch, Ok(()));
    assert_eq!(world.next(), Some((slot, 0)));
    assert_eq!(world.peek(slot, DATA, 3), b"far");
}

#[test]
fn a_process_whose_contents_do_not_come_never_was() {
    let mut world = World::new();
    world
        .try_exec(&descriptor(Capability::NULL, &[elsewhere()], &[START]))
        .unwrap();
    let events = world.events();
    let [Event::Fetch(fetch)] = &events[..] else {
        panic!("{events:?}")
    };
    world
        .processes
        .fetched(&mut world.machine, fetch, Err(Status::RpcNotFound));
    assert_nothing_left(&world);
}

#[test]
fn contents_that_come_too_late_go_nowhere() {
    let mut world = World::new();
    let bytes = descriptor(Capability::NULL, &[elsewhere()], &[START]);
    let slot = world.try_exec(&bytes).unwrap();
    let events = world.events();
    let [Event::Fetch(fetch)] = &events[..] else {
        panic!("{events:?}")
    };
    world
        .processes
        .fetched(&mut world.machine, fetch, Err(Status::RpcFailure));
    // Another process with the same numbers.
    assert_eq!(world.try_exec(&bytes), Ok(slot));
    let late = world.processes.fill(&mut world.machine, fetch, 0, b"far");
    assert_eq!(late, Err(Status::NotFound));
    world.processes.fetched(&mut world.machine, fetch, Ok(()));
    assert_eq!(world.next(), None);
}

#[test]
fn a_machine_has_32_processes_at_most() {
    let mut world = World::new();
    let small = descriptor(
        Capability::NULL,
        &[segment(FREE, PAGE, SegmentKind::READ_ONLY)],
        &[START],
    );
    for _ in 0..MOST_PROCESSES {
        world.try_exec(&small).unwrap();
    }
    assert_eq!(world.try_exec(&small), Err(Status::NoSpace));
    world.call(id(7, 0), Call::ExitProcess, [5, 0, 0, 0]);
    let ended = Event::Ended {
        process: 7,
        name: "".into(),
        cause: Cause::Normal,
        detail: 5,
        place: None,
        is_owned: false,
    };
    assert_eq!(world.events(), [ended]);
    assert_eq!(world.try_exec(&small), Ok(7));
}

#[test]
fn processes_are_named_by_the_server_of_this_machine() {
    let mut world = World::new();
    let slot = world.exec(Capability::NULL, 1);
    let capability = world.processes.capability(slot);
    assert_eq!(
        (capability.port, capability.private.object()),
        (SERVER, 0x50_0000 + u32::from(slot))
    );
    assert!(world.machine.free_pages() < PAGES);
}
