use super::{DATA, FREE, STACK, STACK_TOP, TEXT, World, id, owner};
use crate::machine::Machine;
use crate::memory::PAGE;
use crate::process::{Event, Receive, UserBuffer};
use proto::ByteOrder;
use proto::capability::{Capability, Port};
use proto::message::Header;
use proto::process::server::Cause;
use proto::process::{Descriptor, SegmentKind};
use proto::signal::Exception;
use proto::standard::Status;
use proto::system_call::{Call, MUTEX_AWAITED, MUTEX_FREE, MUTEX_LOCKED};

const DATA_KIND: u32 = SegmentKind::DATA.bits() | SegmentKind::READ_WRITE.bits();

fn code(status: Status) -> i32 {
    i32::from(status.code())
}

fn started() -> World {
    let mut world = World::new();
    world.exec(owner(), 1);
    world
}

/// Expects that the call makes an exception.
fn assert_exception(call: Call, arguments: [u32; 4], exception: Exception) {
    let mut world = started();
    world.call(id(0, 0), call, arguments);
    let events = world.events();
    let Some(Event::Checkpoint(checkpoint)) = events.last() else {
        panic!("{call:?} {arguments:x?}: {events:?}")
    };
    assert_eq!(
        (checkpoint.cause, checkpoint.detail),
        (Cause::Exception, exception.code()),
        "{call:?} {arguments:x?}"
    );
}

#[test]
fn bad_pointers_are_exceptions_in_every_call_and_every_argument() {
    // Null, the kernel, between segments, read-only, the last bytes of a segment, the end of the address space.
    for bad in [
        0,
        0x10_0000,
        FREE,
        TEXT,
        DATA + 2 * PAGE - 3,
        0x8000_0000,
        u32::MAX,
    ] {
        let argument = Exception::Argument;
        assert_exception(Call::GetRequest, [bad, DATA, 10, 0], argument);
        assert_exception(Call::GetRequest, [DATA, bad, 10, 0], argument);
        assert_exception(Call::LongGetRequest, [DATA, bad, 40_000, 0], argument);
        assert_exception(Call::MutexLock, [bad, u32::MAX, 0, 0], argument);
        assert_exception(Call::MutexUnlock, [bad, 0, 0, 0], argument);
        if bad != 0 {
            assert_exception(Call::SetPriority, [1, bad, 0, 0], argument);
            assert_exception(Call::GetInfo, [bad, 0, 0, 0], argument);
            assert_exception(Call::GetInfo, [0, bad, 8192, 0], argument);
        }
        if bad != TEXT {
            assert_exception(Call::Trans, [bad, 0, 0, DATA], argument);
            assert_exception(Call::Trans, [DATA, bad, 10, DATA], argument);
            assert_exception(Call::Trans, [DATA, 0, 0, bad], argument);
            assert_exception(Call::SegmentMap, [bad, FREE, PAGE, DATA_KIND], argument);
            assert_exception(Call::SetVector, [bad, 1, 0, 0], argument);
            assert_exception(Call::SignalReturn, [bad, 0, 0, 0], argument);
        }
    }
    assert_exception(Call::SetVector, [DATA, 65, 0, 0], Exception::Argument);
    assert_exception(Call::Raise, [0, 0, 0, 0], Exception::Argument);
    assert_exception(Call::Raise, [u32::MAX, 0, 0, 0], Exception::Argument);
}

#[test]
fn calls_that_are_not_there_or_not_now_are_another_exception() {
    let mut world = started();
    let mut frame = *world.processes.frame(id(0, 0));
    (frame.trap, frame.esi) = (57, 1000);
    world.processes.set_frame(id(0, 0), &frame);
    world.processes.trap(&mut world.machine, id(0, 0), 0);
    assert!(matches!(&world.events()[..], [Event::Checkpoint(checkpoint)] if checkpoint.detail == -10));
    assert_exception(Call::PutReply, [DATA, DATA, 0, 0], Exception::SystemCall);
    assert_exception(Call::GetRequest, [DATA, DATA, 30_001, 0], Exception::SystemCall);
}

#[test]
fn a_message_of_a_short_call_has_30000_bytes_at_most() {
    let mut world = started();
    let grown = world.result(id(0, 0), Call::SegmentGrow, [1, 10 * PAGE, 0, 0]);
    assert_eq!(grown, 0);
    world.call(id(0, 0), Call::GetRequest, [DATA, DATA + 32, 30_000, 0]);
    let receive = Receive {
        port: Port::NULL,
        header: DATA,
        data: UserBuffer {
            address: DATA + 32,
            length: 30_000,
        },
    };
    assert_eq!(world.events(), [Event::Request(id(0, 0), receive)]);
    assert_exception(Call::Trans, [DATA, STACK, 30_001, DATA], Exception::SystemCall);
}

#[test]
fn a_transaction_carries_its_buffers_and_the_threads_timeout() {
    let mut world = started();
    assert_eq!(world.result(id(0, 0), Call::Timeout, [700, 0, 0, 0]), 5200);
    assert_eq!(world.result(id(0, 0), Call::Timeout, [800, 0, 0, 0]), 700);
    let header = Header {
        port: Port([9; 6]),
        command: 1004,
        size: 3,
        ..Header::default()
    };
    world.poke(0, DATA, &header.emit(ByteOrder::Little));
    world.poke(0, DATA + 32, b"abc");
    for (place, word) in [STACK, STACK + 32, 100_u32].into_iter().enumerate() {
        world.poke(0, DATA + 40 + 4 * place as u32, &word.to_le_bytes());
    }
    world.call(id(0, 0), Call::Trans, [DATA, DATA + 32, 3, DATA + 40]);
    let events = world.events();
    let [Event::Transaction(_, transaction)] = &events[..] else {
        panic!("{events:?}")
    };
    assert_eq!((transaction.header, transaction.timeout), (header, 800));
    assert_eq!(
        world
            .processes
            .bytes(&world.machine, 0, transaction.request)
            .unwrap(),
        b"abc"
    );
    world
        .processes
        .bytes_mut(&mut world.machine, 0, transaction.reply.part(0, 4))
        .unwrap()
        .copy_from_slice(b"defg");
    let reply = Header {
        command: 0,
        extra: 5,
        ..Header::default()
    };
    world
        .processes
        .complete(&mut world.machine, id(0, 0), Ok((reply, 4)));
    assert_eq!(world.value(id(0, 0)), 4);
    assert_eq!(world.peek(0, STACK, 32), reply.emit(ByteOrder::Little));
    assert_eq!(world.peek(0, STACK + 32, 4), b"defg");
    assert_eq!(world.next(), Some((0, 0)));
}

#[test]
fn a_failed_transaction_gives_its_error() {
    let mut world = started();
    for (place, word) in [STACK, STACK + 32, 100_u32].into_iter().enumerate() {
        world.poke(0, DATA + 40 + 4 * place as u32, &word.to_le_bytes());
    }
    world.call(id(0, 0), Call::Trans, [DATA, 0, 0, DATA + 40]);
    world
        .processes
        .complete(&mut world.machine, id(0, 0), Err(Status::RpcNotFound));
    assert_eq!(world.value(id(0, 0)), -2);
}

#[test]
fn a_server_gets_one_request_at_a_time() {
    let mut world = started();
    let port = Header {
        port: Port([5; 6]),
        ..Header::default()
    };
    world.poke(0, DATA, &port.emit(ByteOrder::Little));
    world.call(id(0, 0), Call::GetRequest, [DATA, DATA + 64, 100, 0]);
    assert!(matches!(&world.events()[..], [Event::Request(_, receive)] if receive.port == Port([5; 6])));
    world
        .processes
        .complete(&mut world.machine, id(0, 0), Ok((port, 10)));
    world.call(id(0, 0), Call::PutReply, [DATA, DATA + 64, 20, 0]);
    let events = world.events();
    let buffer = UserBuffer {
        address: DATA + 64,
        length: 20,
    };
    assert_eq!(events, [Event::Reply(id(0, 0), port, buffer)]);
    assert_eq!(world.next(), None, "putrep waits for the client's kernel");
    world
        .processes
        .complete(&mut world.machine, id(0, 0), Ok((port, 0)));
    world.call(id(0, 0), Call::GetRequest, [DATA, DATA + 64, 100, 0]);
    world
        .processes
        .complete(&mut world.machine, id(0, 0), Ok((port, 10)));
    world.events();
    assert_eq!(world.result(id(0, 0), Call::Cleanup, [0; 4]), 0);
    assert_eq!(world.events(), [Event::GiveUp(id(0, 0))]);
    world.call(id(0, 0), Call::GetRequest, [DATA, DATA + 64, 100, 0]);
    world
        .processes
        .complete(&mut world.machine, id(0, 0), Ok((port, 10)));
    world.call(id(0, 0), Call::GetRequest, [DATA, DATA + 64, 100, 0]);
    assert!(matches!(world.events().last(), Some(Event::Checkpoint(told)) if told.detail == -10));
}

#[test]
fn a_reply_header_that_is_gone_is_an_exception_and_no_fault_of_the_kernel() {
    let mut world = World::new();
    world.exec(owner(), 2);
    for (place, word) in [STACK, 0, 0_u32].into_iter().enumerate() {
        world.poke(0, DATA + 40 + 4 * place as u32, &word.to_le_bytes());
    }
    world.call(id(0, 0), Call::Trans, [DATA, 0, 0, DATA + 40]);
    world.events();
    assert_eq!(world.result(id(0, 1), Call::SegmentUnmap, [2, 0, 0, 0]), 0);
    world
        .processes
        .complete(&mut world.machine, id(0, 0), Ok((Header::default(), 0)));
    assert!(matches!(&world.events()[..], [Event::Checkpoint(told)] if told.detail == -11));
}

#[test]
fn a_new_segment_is_mapped_grown_and_mapped_out() {
    let mut world = started();
    let free = world.machine.free_pages();
    let kind = DATA_KIND | SegmentKind::GROWS_UP.bits();
    // DATA holds zeros: the null capability.
    let number = world.result(id(0, 0), Call::SegmentMap, [DATA, FREE, 100, kind]);
    assert_eq!(number, 3);
    world.poke(0, FREE + 90, b"0123456789");
    assert_eq!(world.result(id(0, 0), Call::SegmentGrow, [3, 3 * PAGE, 0, 0]), 0);
    assert_eq!(world.peek(0, FREE + 90, 11), b"0123456789\0");
    assert_eq!(world.access(0, FREE + 3 * PAGE - 1), (true, true));
    assert_eq!(world.result(id(0, 0), Call::SegmentGrow, [3, 10, 0, 0]), 0);
    assert_eq!(world.access(0, FREE + PAGE), (false, false));
    assert_eq!(world.result(id(0, 0), Call::SegmentUnmap, [3, 0, 0, 0]), 0);
    assert_eq!(world.access(0, FREE), (false, false));
    assert_eq!(world.machine.free_pages(), free - 1, "the page table stays");
}

#[test]
fn a_segment_that_is_mapped_out_can_be_mapped_in_by_another_process() {
    let mut world = started();
    world.exec(owner(), 1);
    assert_eq!(
        world.result(id(0, 0), Call::SegmentMap, [DATA, FREE, PAGE, DATA_KIND]),
        3
    );
    world.poke(0, FREE, b"for you");
    assert_eq!(
        world.result(id(0, 0), Call::SegmentUnmap, [3, DATA + 100, 0, 0]),
        0
    );
    let capability = world.peek(0, DATA + 100, 16);
    world.poke(1, DATA, &capability);
    let in_place = DATA_KIND | SegmentKind::IN_PLACE.bits();
    assert_eq!(
        world.result(id(1, 0), Call::SegmentMap, [DATA, FREE, 0, in_place]),
        3
    );
    assert_eq!(world.peek(1, FREE, 7), b"for you");
}

#[test]
fn segment_calls_that_cannot_be_done_give_a_status() {
    let mut world = started();
    let mut map = |arguments| world.result(id(0, 0), Call::SegmentMap, arguments);
    assert_eq!(map([DATA, DATA, PAGE, DATA_KIND]), code(Status::Exists));
    assert_eq!(map([DATA, FREE + 1, PAGE, DATA_KIND]), code(Status::BadArgument));
    assert_eq!(map([DATA, 0x10_0000, PAGE, DATA_KIND]), code(Status::BadArgument));
    assert_eq!(map([DATA, FREE, 0, DATA_KIND]), code(Status::BadArgument));
    assert_eq!(map([DATA, FREE, 0x0800_0000, DATA_KIND]), code(Status::NoMemory));
    world.poke(0, DATA, &world.processes.capability(0).emit());
    let refused = world.result(id(0, 0), Call::SegmentMap, [DATA, FREE, PAGE, DATA_KIND]);
    assert_eq!(refused, code(Status::BadCapability), "a process is no segment");
    for number in [3, 70_000, u32::MAX] {
        assert_eq!(
            world.result(id(0, 0), Call::SegmentUnmap, [number, 0, 0, 0]),
            code(Status::NotFound)
        );
        assert_eq!(
            world.result(id(0, 0), Call::SegmentGrow, [number, PAGE, 0, 0]),
            code(Status::NotFound)
        );
    }
    let mut grow = |number, length| world.result(id(0, 0), Call::SegmentGrow, [number, length, 0, 0]);
    assert_eq!(grow(0, 2 * PAGE), code(Status::Denied), "text does not grow");
    assert_eq!(grow(1, STACK - DATA + 1), code(Status::Exists));
    assert_eq!(grow(2, 4 * PAGE + 1), code(Status::BadArgument));
    assert_eq!(grow(1, 0), code(Status::BadArgument));
}

#[test]
fn a_stack_grows_downwards_with_its_contents() {
    let mut world = started();
    world.poke(0, STACK, b"bottom");
    world.poke(0, STACK_TOP - 3, b"top");
    assert_eq!(world.result(id(0, 0), Call::SegmentGrow, [2, 6 * PAGE, 0, 0]), 0);
    assert_eq!(world.peek(0, STACK, 6), b"bottom");
    assert_eq!(world.peek(0, STACK_TOP - 3, 3), b"top");
    assert_eq!(world.word(0, STACK - 2 * PAGE), 0);
    assert_eq!(world.access(0, STACK - 2 * PAGE), (true, true));
    assert_eq!(world.access(0, STACK - 2 * PAGE - 1), (false, false));
}

#[test]
fn a_mutex_goes_to_those_who_wait_in_their_order() {
    let mut world = World::new();
    world.exec(Capability::NULL, 3);
    assert_eq!(world.result(id(0, 0), Call::MutexLock, [DATA, u32::MAX, 0, 0]), 0);
    assert_eq!(world.word(0, DATA), MUTEX_LOCKED);
    for thread in [1, 2] {
        world.call(id(0, thread), Call::MutexLock, [DATA, u32::MAX, 0, 0]);
        assert_eq!(world.word(0, DATA), MUTEX_AWAITED);
    }
    assert_eq!(world.next(), Some((0, 0)));
    world.call(id(0, 0), Call::MutexUnlock, [DATA, 0, 0, 0]);
    assert_eq!((world.value(id(0, 1)), world.word(0, DATA)), (0, MUTEX_AWAITED));
    world.call(id(0, 1), Call::MutexUnlock, [DATA, 0, 0, 0]);
    assert_eq!((world.value(id(0, 2)), world.word(0, DATA)), (0, MUTEX_LOCKED));
    world.call(id(0, 2), Call::MutexUnlock, [DATA, 0, 0, 0]);
    assert_eq!(world.word(0, DATA), MUTEX_FREE);
}

#[test]
fn waiting_for_a_mutex_ends_with_the_threads_patience() {
    let mut world = World::new();
    world.exec(Capability::NULL, 2);
    world.call(id(0, 0), Call::MutexLock, [DATA, 0, 0, 0]);
    assert_eq!(world.result(id(0, 1), Call::MutexLock, [DATA, 0, 0, 0]), -1);
    world.call(id(0, 1), Call::MutexLock, [DATA, 250, 0, 0]);
    world.call(id(0, 0), Call::Await, [10_000, 0, 0, 0]);
    world.pass(200);
    assert_eq!(world.next(), None);
    world.pass(100);
    assert_eq!(world.next(), Some((0, 1)));
    assert_eq!(world.value(id(0, 1)), -1);
}

#[test]
fn threads_are_made_with_a_word_of_their_own() {
    let mut world = started();
    assert_eq!(
        world.result(id(0, 0), Call::NewThread, [TEXT + 8, STACK + 64, 1234, 0]),
        0
    );
    let frame = world.processes.frame(id(0, 1));
    assert_eq!((frame.eip, frame.esp), (TEXT + 8, STACK + 64));
    assert_eq!(world.result(id(0, 1), Call::GetLocal, [0; 4]), 1234);
    assert_eq!(world.result(id(0, 0), Call::GetLocal, [0; 4]), 0);
    for _ in 2..256 {
        assert_eq!(world.result(id(0, 0), Call::NewThread, [TEXT, STACK, 0, 0]), 0);
    }
    assert_eq!(world.result(id(0, 0), Call::NewThread, [TEXT, STACK, 0, 0]), -1);
}

#[test]
fn a_process_is_told_its_capability_and_descriptor() {
    let mut world = started();
    let length = world.result(id(0, 0), Call::GetInfo, [0, 0, 0, 0]);
    assert_eq!(length, 44 + 3 * 32 + 112);
    assert_eq!(
        world.result(
            id(0, 0),
            Call::GetInfo,
            [DATA, DATA + 16, length.cast_unsigned() - 1, 0]
        ),
        -1
    );
    assert_eq!(
        world.result(
            id(0, 0),
            Call::GetInfo,
            [DATA, DATA + 16, length.cast_unsigned(), 0]
        ),
        length
    );
    assert_eq!(world.peek(0, DATA, 16), world.processes.capability(0).emit());
    let bytes = world.peek(0, DATA + 16, length.cast_unsigned());
    assert_eq!(Descriptor::parse(&bytes).unwrap().head.owner, owner());
}

#[test]
fn small_calls_give_what_they_say() {
    let mut world = started();
    world.now = 12_340;
    assert_eq!(world.result(id(0, 0), Call::Milliseconds, [0; 4]), 12_340);
    assert_eq!(world.result(id(0, 0), Call::Null, [0; 4]), 0);
    assert_eq!(world.result(id(0, 0), Call::ThreadSwitch, [0; 4]), 0);
}
