use super::{DATA, STACK, STACK_TOP, TEXT, World, id};
use crate::process::Event;
use proto::capability::Capability;
use proto::message::Header;
use proto::process::Frame;
use proto::process::server::Cause;
use proto::signal::{Exception, Handler};
use proto::standard::Status;
use proto::system_call::Call;

const VECTOR: u32 = DATA + 0x100;
const HANDLER: u32 = TEXT + 0x40;

/// A process whose thread handles signal 5 and bad accesses.
fn world() -> World {
    let mut world = World::new();
    world.exec(Capability::NULL, 1);
    for (place, signal) in [(0, 5), (16, Exception::Access.code())] {
        let handler = Handler {
            signal,
            counter: HANDLER,
            third: 33,
            fourth: 44,
        };
        world.poke(0, VECTOR + place, &handler.emit());
    }
    assert_eq!(world.result(id(0, 0), Call::SetVector, [VECTOR, 2, 0, 0]), 0);
    world
}

/// The arguments that the handler finds on its stack.
fn arguments(world: &World) -> [u32; 5] {
    let esp = world.processes.frame(id(0, 0)).esp;
    core::array::from_fn(|place| world.word(0, esp + 4 * place as u32))
}

#[test]
fn a_handler_gets_its_arguments_and_returns_to_where_the_thread_was() {
    let mut world = world();
    let before = Frame {
        eax: 0,
        ebx: 5,
        eip: TEXT + 7,
        // String instructions go downwards.
        eflags: 0x602,
        ..*world.processes.frame(id(0, 0))
    };
    world.processes.set_frame(id(0, 0), &before);
    world.call(id(0, 0), Call::Raise, [5, 0, 0, 0]);
    let inside = *world.processes.frame(id(0, 0));
    assert_eq!((inside.eip, inside.eflags), (HANDLER, 0x202));
    let [back, signal, frame, third, fourth] = arguments(&world);
    assert_eq!((back, signal, third, fourth), (0, 5, 33, 44));
    assert_eq!(frame, inside.esp + 20);
    assert_eq!(frame % 4, 0);
    world.call(id(0, 0), Call::SignalReturn, [frame, 0, 0, 0]);
    let after = *world.processes.frame(id(0, 0));
    assert_eq!(
        (after.eip, after.esp, after.eax, after.ebx, after.eflags),
        (TEXT + 7, STACK_TOP, 0, 5, 0x602)
    );
}

#[test]
fn a_returning_handler_cannot_make_its_thread_the_kernel() {
    let mut world = world();
    let forged = Frame {
        cs: 0x10,
        ds: 0x08,
        ss: 0x08,
        eflags: 0x0002_7000,
        eip: TEXT,
        ..Frame::default()
    };
    world.poke(0, DATA, &forged.emit());
    world.call(id(0, 0), Call::SignalReturn, [DATA, 0, 0, 0]);
    let frame = world.processes.frame(id(0, 0));
    assert_eq!(
        (frame.cs, frame.ds, frame.ss, frame.eflags),
        (0x2b, 0x23, 0x23, 0x202)
    );
}

#[test]
fn a_signal_without_handler_is_forgotten() {
    let mut world = world();
    assert_eq!(world.result(id(0, 0), Call::Raise, [6, 0, 0, 0]), 0);
    assert_eq!(world.processes.frame(id(0, 0)).eip, TEXT);
    assert_eq!(world.events(), []);
}

#[test]
fn an_exception_with_a_handler_is_delivered_like_a_signal() {
    let mut world = world();
    world.fault(id(0, 0), 14);
    assert_eq!(arguments(&world)[1], Exception::Access.code().cast_unsigned());
    assert_eq!(world.next(), Some((0, 0)));
}

#[test]
fn every_exception_without_handler_ends_a_process_that_nobody_owns() {
    for vector in [0, 1, 3, 4, 5, 6, 7, 10, 11, 12, 13, 14, 16, 17] {
        let mut world = World::new();
        world.exec(Capability::NULL, 2);
        world.fault(id(0, 1), vector);
        let detail = Exception::of_trap(vector).unwrap().code();
        let events = world.events();
        let [
            Event::Ended {
                cause,
                detail: told,
                place,
                ..
            },
        ] = &events[..]
        else {
            panic!("{events:?}")
        };
        assert_eq!(
            (*cause, *told, *place),
            (Cause::Exception, detail, Some((TEXT + 1, 0)))
        );
        super::assert_nothing_left(&world);
    }
}

#[test]
fn a_handler_without_a_stack_ends_the_process() {
    for esp in [0, STACK, STACK + 60, TEXT + 0x200, 0x40_0000, u32::MAX] {
        let mut world = world();
        let frame = Frame {
            esp,
            ..*world.processes.frame(id(0, 0))
        };
        world.processes.set_frame(id(0, 0), &frame);
        world.call(id(0, 0), Call::Raise, [5, 0, 0, 0]);
        assert_eq!(world.next(), None, "{esp:#x}");
        super::assert_nothing_left(&world);
    }
}

#[test]
fn a_signal_ends_a_sleep_and_a_wait_for_a_request() {
    let mut world = world();
    world.call(id(0, 0), Call::Await, [10_000, 0, 0, 0]);
    world.processes.raise(&mut world.machine, 0, 5);
    let interrupted = arguments(&world)[2];
    assert_eq!(
        world.word(0, interrupted + 48).cast_signed(),
        -1,
        "EAX of the interrupted call"
    );
    world.call(id(0, 0), Call::SignalReturn, [interrupted, 0, 0, 0]);
    world.call(id(0, 0), Call::GetRequest, [DATA, DATA + 64, 100, 0]);
    world.events();
    world.processes.raise(&mut world.machine, 0, 5);
    assert_eq!(world.events(), [Event::Abort(id(0, 0))]);
    let interrupted = arguments(&world)[2];
    assert_eq!(
        world.word(0, interrupted + 48).cast_signed(),
        i32::from(Status::RpcAborted.code())
    );
}

#[test]
fn a_signal_during_a_transaction_goes_to_the_server_and_is_delivered_after_the_reply() {
    let mut world = world();
    for (place, word) in [DATA + 64, DATA + 128, 100].into_iter().enumerate() {
        world.poke(0, DATA + 40 + 4 * place as u32, &word.to_le_bytes());
    }
    world.call(id(0, 0), Call::Trans, [DATA, DATA + 32, 0, DATA + 40]);
    world.events();
    world.processes.raise(&mut world.machine, 0, 5);
    assert_eq!(world.events(), [Event::Signal(id(0, 0))]);
    assert_eq!(world.next(), None);
    world
        .processes
        .complete(&mut world.machine, id(0, 0), Ok((Header::default(), 7)));
    assert_eq!(world.processes.frame(id(0, 0)).eip, HANDLER);
    let interrupted = arguments(&world)[2];
    assert_eq!(world.word(0, interrupted + 48), 7);
}

#[test]
fn an_exception_inside_a_handler_is_delivered_too() {
    let mut world = world();
    world.fault(id(0, 0), 14);
    let outer = world.processes.frame(id(0, 0)).esp;
    world.fault(id(0, 0), 14);
    assert!(world.processes.frame(id(0, 0)).esp < outer);
    assert_eq!(world.next(), Some((0, 0)));
}
