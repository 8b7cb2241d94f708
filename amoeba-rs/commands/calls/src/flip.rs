//! FLIP by `rawflip`, and `profil`.

use crate::exceptions::{install, seen};
use alloc::boxed::Box;
use alloc::vec;
use alloc::vec::Vec;
use libamoeba::system::flip::{Destination, Event, Interface, flag, private_address};
use libamoeba::system::mutex::{Mutex, Semaphore};
use libamoeba::system::trial::{check, equal};
use libamoeba::system::{calls, thread};
use proto::flip::Address;
use proto::raw_flip::{Block, LARGEST_MESSAGE, Operation, Outcome, UPCALL_ROOM, UPCALL_STACK};
use proto::signal::Exception;
use proto::system_call::Call;

const PRIVATE: Address = private_address([0x22, 0x44, 0x66, 0x88, 1, 2, 3]);
const NOWHERE: Address = private_address([0x24, 0x44, 0x66, 0x88, 1, 2, 3]);

pub(crate) fn run() {
    let Ok(interface) = Interface::new(42) else {
        check(false, "flip_init");
        return;
    };
    let interface: &'static Interface = Box::leak(Box::new(interface));
    let endpoint = interface.register(PRIVATE).unwrap_or(u32::MAX);
    check(endpoint < 100, "flip_register");
    let to_all = interface.register(Address::NULL).unwrap_or(u32::MAX);
    check(to_all != endpoint, "flip_register of null");
    own_messages(interface, endpoint);
    nobody(interface, endpoint);
    refused(interface, endpoint);
    upcall_thread(interface, endpoint);
    profile();
}

/// What this program sends to itself.
fn own_messages(interface: &Interface, endpoint: u32) {
    let data: Vec<u8> = (0..5000_u32).map(|place| (place * 7) as u8).collect();
    let to = Destination::One(PRIVATE.public());
    let sent = interface.send(endpoint, to, 0, 1000, &data);
    check(sent.is_ok(), "flip_unicast");
    let mut room = [0; UPCALL_ROOM];
    let mut whole = Vec::new();
    while whole.len() < data.len() {
        let Ok((Event::Received(length), block)) = interface.wait(&mut room) else {
            check(false, "an upcall with a piece");
            return;
        };
        let told = (
            block.number,
            block.source,
            block.destination,
            block.total,
            block.offset,
        );
        let expected = (42, PRIVATE.public(), PRIVATE.public(), 5000, whole.len() as u32);
        equal(told, expected, "what an upcall tells");
        whole.extend_from_slice(&room[..length]);
    }
    check(whole == data, "a message comes as it went");
    let sent = interface.send(endpoint, Destination::All(1), 0, 0, b"all");
    check(sent.is_ok(), "flip_broadcast");
    let received = interface
        .wait(&mut room)
        .map(|(event, block)| (event, block.destination));
    equal(received, Ok((Event::Received(3), Address::NULL)), "a broadcast");
    let group = Destination::Group(PRIVATE.public(), 1);
    check(
        interface
            .send(endpoint, group, flag::SYNC, 1000, b"group")
            .is_ok(),
        "flip_multicast",
    );
    let received = interface.wait(&mut room).map(|(event, _)| event);
    equal(received, Ok(Event::Received(5)), "a multicast");
}

fn nobody(interface: &Interface, endpoint: u32) {
    let nowhere = Destination::One(NOWHERE.public());
    let sent = interface.send(endpoint, nowhere, flag::SYNC, 300, b"lost");
    equal(sent, Err(Outcome::Timeout), "flip_unicast to nobody, which waits");
    let sent = interface.send(endpoint, nowhere, 0, 300, b"lost");
    check(sent.is_ok(), "flip_unicast to nobody");
    let report = interface.wait(&mut [0; 10]);
    equal(
        report.map(|(event, block)| (event, block.destination, block.flags)),
        Ok((Event::NotDelivered, NOWHERE.public(), 0)),
        "what is told of a message to nobody",
    );
}

fn refused(interface: &Interface, endpoint: u32) {
    let failed = Err(Outcome::Fail);
    let to = Destination::One(PRIVATE.public());
    let mut kernels = PRIVATE;
    kernels.0[7] = 0;
    equal(
        interface.register(kernels),
        failed,
        "flip_register of a kernel's address",
    );
    equal(
        interface.unregister(99),
        Err(Outcome::Fail),
        "flip_unregister of nothing",
    );
    equal(
        interface.send(99, to, 0, 0, &[]),
        failed,
        "flip_unicast from no endpoint",
    );
    equal(
        interface.send(endpoint, to, 0x8000, 0, &[]),
        failed,
        "flip_unicast with a flag that there is not",
    );
    let long = vec![0; LARGEST_MESSAGE + 1];
    equal(
        interface.send(endpoint, to, 0, 0, &long),
        failed,
        "flip_unicast of too much",
    );
    let many: Vec<_> = (0..20).map_while(|_| Interface::new(0).ok()).collect();
    equal(many.len(), 7, "interfaces of a process");
    let stranger = Block {
        interface: 0,
        ..Block::default()
    };
    for operation in [Operation::End, Operation::Register, Operation::Upcall] {
        let mut room = [0; 8];
        let mut block = Block {
            buffer: room.as_mut_ptr().expose_provenance() as u32,
            length: 8,
            ..stranger
        };
        let value = libamoeba::system::flip::call(&mut block, operation);
        equal(value, Outcome::Fail.code(), "an interface of the kernel's");
    }
}

/// A thread takes upcalls until the interface ends.
fn upcall_thread(interface: &'static Interface, endpoint: u32) {
    let shared: &'static (Mutex<Vec<Event>>, Semaphore) =
        Box::leak(Box::new((Mutex::new(Vec::new()), Semaphore::new(0))));
    let made = thread::spawn(UPCALL_STACK, move || {
        let mut room = vec![0; UPCALL_ROOM];
        while let Ok((event, _)) = interface.wait(&mut room) {
            shared.0.lock().push(event);
            shared.1.up();
            if event == Event::Exit {
                break;
            }
        }
    });
    check(made, "a thread for upcalls");
    calls::switch();
    let to = Destination::One(PRIVATE.public());
    check(
        interface.send(endpoint, to, 0, 0, b"four").is_ok(),
        "flip_unicast",
    );
    shared.1.down();
    equal(interface.unregister(endpoint), Ok(()), "flip_unregister");
    check(interface.end(), "flip_end");
    shared.1.down();
    equal(
        shared.0.lock().as_slice(),
        &[Event::Received(4), Event::Exit],
        "upcalls of a thread",
    );
    check(!interface.end(), "flip_end twice");
}

/// Ticks are counted where the time goes.
fn profile() {
    let counters: &'static mut [u16] = Box::leak(Box::new([0_u16; 4096]));
    let start = 0x0400_0000;
    // A counter for each 64 bytes of code.
    // SAFETY: nothing else uses the counters until they count no more.
    unsafe { calls::profile(counters.as_mut_ptr(), counters.len(), start, 65_536 / 32) };
    let time = calls::milliseconds();
    while calls::milliseconds() - time < 300 {
        // The clock is to find this program, not the kernel.
        (0..5000).for_each(|turn| _ = core::hint::black_box(turn));
    }
    // SAFETY: it only ends.
    unsafe { calls::profile(core::ptr::null_mut(), 0, 0, 0) };
    let counters = core::hint::black_box(counters);
    let sum: u32 = counters.iter().map(|count| u32::from(*count)).sum();
    check((5..=40).contains(&sum), "profil counts ticks of this process");
    install();
    for bad in [0, 0x10_0000, run as *const () as u32, 0x6f00_0000, 0xffff_fffe] {
        // SAFETY: a bad buffer is an exception, and nothing is counted.
        let exception = seen(|| unsafe {
            calls::call(Call::Profile, [bad, 16, start, 65_536]);
        });
        equal(exception, Exception::Argument.code(), "profil into a bad buffer");
    }
}
