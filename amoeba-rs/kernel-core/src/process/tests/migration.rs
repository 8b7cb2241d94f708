//! Processes that go from one machine to another: what of them arrives, and what cannot go.

use super::{DATA, PAGES, STACK, TEXT, World, assert_nothing_left, descriptor, id, owner, segment, segments};
use crate::machine::Machine;
use crate::machine::testing::TestMachine;
use crate::memory::PAGE;
use crate::process::{Communication, DEFAULT_SLICE, Departed, Event, Processes};
use crate::rpc::Taken;
use proto::capability::{Capability, Port, Private};
use proto::flip::Address;
use proto::message::Header;
use proto::process::migration::{Counter, SIGNALS, Service};
use proto::process::{Segment, SegmentKind, Thread};
use proto::signal::Handler;
use proto::standard::Status;
use proto::system_call::Call;
use std::vec;
use std::vec::Vec;

const ABORTED: i32 = Status::RpcAborted.code() as i32;
const ADDRESS: Address = Address([7; 8]);
const COUNTER: Counter = Counter {
    name: [9; 8],
    last: 1000,
};
const SERVICE: Service = Service {
    port: Port([0x44; 6]),
    client: None,
};

/// The machine where processes go.
fn elsewhere(pages: u32) -> World {
    World {
        machine: TestMachine::new(pages),
        processes: Processes::new(Port([0x33; 6]), DEFAULT_SLICE),
        now: 0,
    }
}

fn departure() -> Capability {
    Capability {
        port: super::SERVER,
        private: Private::owner(0x4d_0001, Port([5; 6])),
    }
}

/// Process 0 is stopped, and its communication taken out: what has to be done outside before that.
fn leave(world: &mut World, calls_go_on: bool, threads: Vec<Taken>) -> Vec<Event> {
    world.processes.depart(0, calls_go_on, false).unwrap();
    let mut events = world.events();
    assert_eq!(events.pop(), Some(Event::Leave { process: 0 }));
    assert_eq!(world.processes.has_departed(0), Departed::NotYet);
    let communication = Communication {
        address: ADDRESS,
        counter: COUNTER,
        threads,
        windows: Vec::new(),
    };
    world.processes.departed(0, world.now, communication);
    assert_eq!(world.processes.has_departed(0), Departed::Ready);
    assert_eq!(world.next(), None, "it is still");
    events
}

fn message(world: &World) -> Vec<u8> {
    world.processes.departure_message(0, &departure()).unwrap()
}

/// Process 0 arrives, the contents of its segments come, and it is started: what has to be done outside.
fn arrive(source: &World, destination: &mut World) -> Vec<Event> {
    let arrived = destination
        .processes
        .arrive(&mut destination.machine, &message(source));
    assert_eq!(arrived, Ok((0, departure())));
    while let Some(event) = destination.processes.poll() {
        let Event::Fetch(fetch) = event else {
            panic!("{event:?}")
        };
        let segments = source.processes.segments();
        let (number, _) = segments.find(&fetch.from).unwrap().unwrap();
        let bytes = segments.read(&source.machine, number, fetch.offset, fetch.length);
        let (processes, machine) = (&mut destination.processes, &mut destination.machine);
        processes.fill(machine, &fetch, 0, bytes).unwrap();
        processes.fetched(machine, &fetch, Ok(()));
    }
    assert!(destination.processes.has_arrived(0));
    assert_eq!(destination.next(), None, "it waits to be started");
    assert!(
        destination
            .processes
            .start_arrived(&mut destination.machine, 0, destination.now)
    );
    let mut events = destination.events();
    let arrival = Event::Arrive {
        process: 0,
        address: ADDRESS,
        counter: COUNTER,
        windows: Vec::new(),
    };
    assert_eq!(events.remove(0), arrival);
    events
}

/// A thread makes a transaction.
fn trans(world: &mut World, thread: u16) {
    for (place, word) in [DATA + 64, DATA + 128, 100_u32].into_iter().enumerate() {
        world.poke(0, DATA + 40 + 4 * place as u32, &word.to_le_bytes());
    }
    world.call(id(0, thread), Call::Trans, [DATA, DATA + 32, 0, DATA + 40]);
}

/// A thread gets a request.
fn get_request(world: &mut World, thread: u16) {
    world.call(id(0, thread), Call::GetRequest, [DATA, DATA + 64, 10, 0]);
    world
        .processes
        .complete(&mut world.machine, id(0, thread), Ok((Header::default(), 3)));
}

/// A process with threads that sleep, wait for a mutex, for a request, for a reply, until their reply has arrived; and one that serves.
fn in_all_calls() -> World {
    let mut world = World::new();
    world.exec(owner(), 6);
    assert_eq!(
        world.result(id(0, 0), Call::MutexLock, [STACK, u32::MAX, 0, 0]),
        0
    );
    world.call(id(0, 0), Call::Await, [60_000, 0, 0, 0]);
    world.call(id(0, 1), Call::MutexLock, [STACK, u32::MAX, 0, 0]);
    world.call(id(0, 2), Call::GetRequest, [DATA, DATA + 64, 10, 0]);
    trans(&mut world, 3);
    get_request(&mut world, 4);
    world.call(id(0, 4), Call::PutReply, [DATA, DATA + 64, 0, 0]);
    get_request(&mut world, 5);
    world.events();
    world
}

fn serving() -> Vec<Taken> {
    vec![Taken {
        thread: 5,
        service: Some(SERVICE),
        asked: None,
    }]
}

/// Steketee, Socko and Kiepuszewski 1996, section 5.1.
#[test]
fn a_call_in_which_a_thread_waits_has_ended_with_an_error_and_a_request_is_still_to_be_answered() {
    let mut source = in_all_calls();
    let aborted = [2, 3, 4].map(|thread| Event::Abort(id(0, thread)));
    assert_eq!(leave(&mut source, false, serving()), aborted);
    let mut destination = elsewhere(PAGES);
    let events = arrive(&source, &mut destination);
    assert_eq!(events, [Event::Serve(id(0, 5), SERVICE)]);
    let values = [0, 1, 2, 3, 4].map(|thread| destination.value(id(0, thread)));
    assert_eq!(values, [-1, -1, ABORTED, ABORTED, ABORTED]);
    // All can run; the mutex is still locked.
    assert_eq!(destination.word(0, STACK), source.word(0, STACK));
    for thread in 0..6 {
        assert_eq!(destination.next(), Some((0, thread)));
        if thread == 5 {
            destination.call(id(0, 5), Call::PutReply, [DATA, DATA + 64, 0, 0]);
            assert!(matches!(destination.events()[..], [Event::Reply(..)]));
        } else {
            destination.call(id(0, thread), Call::Await, [60_000, 0, 0, 0]);
        }
    }
}

#[test]
fn a_call_in_which_a_thread_waits_goes_on_elsewhere_if_it_is_to() {
    let mut source = in_all_calls();
    source.now = 50_000;
    assert_eq!(leave(&mut source, true, serving()), []);
    let mut destination = elsewhere(PAGES);
    let events = arrive(&source, &mut destination);
    let [
        Event::Request(request, _),
        Event::Transaction(transaction, _),
        Event::Reply(reply, ..),
        Event::Serve(..),
    ] = &events[..]
    else {
        panic!("{events:?}")
    };
    assert_eq!(
        [*request, *transaction, *reply],
        [2, 3, 4].map(|thread| id(0, thread))
    );
    assert_eq!(destination.next(), Some((0, 5)));
    // Who has the mutex sleeps for what was left of its time, and then unlocks it.
    destination.pass(9_900);
    assert_eq!(destination.next(), Some((0, 5)));
    destination.pass(200);
    destination.call(id(0, 5), Call::Await, [60_000, 0, 0, 0]);
    assert_eq!(destination.next(), Some((0, 0)));
    destination.call(id(0, 0), Call::MutexUnlock, [STACK, 0, 0, 0]);
    destination.call(id(0, 0), Call::Await, [60_000, 0, 0, 0]);
    assert_eq!(destination.next(), Some((0, 1)));
    assert_eq!(destination.value(id(0, 1)), 0);
}

#[test]
fn all_segments_lie_where_they_lay_with_what_they_held_and_allowed() {
    let mut source = World::new();
    source.exec(owner(), 1);
    for (address, data) in [(TEXT, b"text"), (DATA + 2 * PAGE - 4, b"data"), (STACK, b"stck")] {
        let (place, _) = source
            .machine
            .walk(source.processes.directory(id(0, 0)), address)
            .unwrap();
        source.machine.memory_mut(place, 4).copy_from_slice(data);
    }
    leave(&mut source, false, Vec::new());
    let mut destination = elsewhere(PAGES);
    assert_eq!(arrive(&source, &mut destination), []);
    for Segment {
        address,
        length,
        kind,
        ..
    } in segments()
    {
        let is_writable = kind.is_writable();
        assert_eq!(destination.access(0, address + length - 1), (true, is_writable));
        assert!(!destination.access(0, address + length).0);
        assert_eq!(
            destination.peek(0, address, length),
            source.peek(0, address, length)
        );
    }
    assert_eq!(destination.processes.owner(0), owner());
    // Nothing is left where it was.
    source.processes.gone(&mut source.machine, 0, 1);
    assert_nothing_left(&source);
}

#[test]
fn a_signal_that_waits_for_the_end_of_a_call_is_handled_where_the_process_goes_on() {
    let vector = DATA + 0x100;
    let handler = Handler {
        signal: 5,
        counter: TEXT + 0x40,
        third: 33,
        fourth: 44,
    };
    for goes in [true, false] {
        let mut source = World::new();
        source.exec(owner(), 1);
        source.poke(0, vector, &handler.emit());
        assert_eq!(source.result(id(0, 0), Call::SetVector, [vector, 1, 0, 0]), 0);
        trans(&mut source, 0);
        source.processes.raise(&mut source.machine, 0, 5);
        source.events();
        leave(&mut source, false, Vec::new());
        let mut place = elsewhere(PAGES);
        if goes {
            arrive(&source, &mut place);
        } else {
            source.processes.come_back(&mut source.machine, 0, source.now);
            place = source;
        }
        let frame = *place.processes.frame(id(0, 0));
        assert_eq!(frame.eip, handler.counter, "{goes}");
        let interrupted = place.word(0, frame.esp + 8);
        assert_eq!(place.word(0, interrupted + 48).cast_signed(), ABORTED, "{goes}");
    }
}

#[test]
fn a_process_that_has_stopped_or_is_leaving_or_shares_memory_stays() {
    let refused = |world: &mut World| {
        let phase = world.processes.condition(0);
        assert_eq!(
            world.processes.depart(0, false, false),
            Err(Status::NotNow),
            "{phase}"
        );
    };
    let mut world = World::new();
    world.exec(owner(), 1);
    trans(&mut world, 0);
    world.processes.stun(&mut world.machine, 0, 1).unwrap();
    // It waits for its transaction to end, and then for its owner.
    refused(&mut world);
    world.processes.stun(&mut world.machine, 0, -1).unwrap();
    world.events();
    refused(&mut world);

    let mut world = World::new();
    world.exec(owner(), 1);
    leave(&mut world, false, Vec::new());
    refused(&mut world);
    world.processes.come_back(&mut world.machine, 0, 0);
    world.events();
    leave(&mut world, false, Vec::new());

    let mut world = World::new();
    let number = world.processes.segments_mut().create(&mut world.machine, PAGE);
    let shared = Segment {
        capability: world.processes.segments().capability(number.unwrap()),
        ..segment(
            DATA,
            0,
            SegmentKind::DATA | SegmentKind::READ_WRITE | SegmentKind::IN_PLACE,
        )
    };
    let bytes = descriptor(owner(), &[shared], &[Thread::start(TEXT, 0)]);
    world.try_exec(&bytes).unwrap();
    refused(&mut world);
}

#[test]
fn a_process_with_more_signals_than_can_be_told_stays() {
    let mut world = World::new();
    world.exec(owner(), 1);
    let handler = Handler {
        signal: 5,
        counter: TEXT,
        third: 0,
        fourth: 0,
    };
    world.poke(0, DATA + 0x100, &handler.emit());
    world.result(id(0, 0), Call::SetVector, [DATA + 0x100, 1, 0, 0]);
    trans(&mut world, 0);
    for _ in 0..=SIGNALS {
        world.processes.raise(&mut world.machine, 0, 5);
    }
    assert_eq!(world.processes.depart(0, false, false), Err(Status::NotNow));
}

#[test]
fn what_a_machine_cannot_take_over_leaves_nothing_there_and_goes_on_where_it_was() {
    let mut source = World::new();
    source.exec(owner(), 1);
    leave(&mut source, false, Vec::new());
    let good = message(&source);
    // The first word of the descriptor, behind its length, is the architecture.
    let mut foreign = good.clone();
    foreign[4] ^= 1;
    for (pages, message, expected) in [
        (PAGES, &foreign, Status::BadArgument),
        (5, &good, Status::NoMemory),
        (8, &good, Status::NoMemory),
    ] {
        let mut destination = elsewhere(pages);
        let (processes, machine) = (&mut destination.processes, &mut destination.machine);
        assert_eq!(processes.arrive(machine, message), Err(expected), "{pages}");
        assert_eq!(processes.list().count(), 0);
        assert_eq!(machine.free_pages(), pages);
    }
    for end in 0..good.len() {
        let mut destination = elsewhere(PAGES);
        let (processes, machine) = (&mut destination.processes, &mut destination.machine);
        assert_eq!(processes.arrive(machine, &good[..end]), Err(Status::BadArgument));
    }
    let here = source.processes.arrive(&mut source.machine, &good);
    assert_eq!(here, Err(Status::BadArgument), "from a machine to itself");
    source.processes.come_back(&mut source.machine, 0, source.now);
    assert_eq!(source.events(), [Event::Return { process: 0 }]);
    assert_eq!(source.next(), Some((0, 0)));
}
