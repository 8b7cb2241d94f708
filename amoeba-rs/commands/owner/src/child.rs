//! What a copy of this program does; each of these ends with an exit status that tells how it went.

use alloc::vec::Vec;
use core::arch::asm;
use libamoeba::system::mutex::RawMutex;
use libamoeba::system::start::Arguments;
use libamoeba::system::{Kernel, calls, thread};
use libamoeba::{Transactions, print, println, put_port};
use proto::capability::Port;
use proto::message::Header;
use proto::standard::Status;

/// What the owner puts into EAX of a copy that waits for it.
pub(crate) const KEY: u32 = 0x1234_5678;
/// The port of a copy that serves.
pub(crate) const SERVICE: Port = Port(*b"child1");
/// The port of a server that takes its time.
pub(crate) const SLOW: Port = Port(*b"slow01");
/// Turns of a copy that computes.
const TURNS: u32 = 1_000_000;

pub(crate) fn run(what: &str, arguments: &Arguments) -> i32 {
    match what {
        "say" => say(arguments),
        "spin" => spin(),
        "fault" => fault(),
        "mutex" => mutex(),
        "getreq" => i32::from(Kernel.getreq(SERVICE, &mut []).err() == Some(Status::RpcAborted)) + 11,
        "await" => i32::from(!calls::sleep(1_000_000)) + 15,
        "trans" => transact(),
        "serve" => serve(),
        "threads" => threads(),
        "compute" => compute(),
        _ => 1,
    }
}

/// Says what it was given.
fn say(arguments: &Arguments) -> i32 {
    let words: Vec<&str> = arguments.words().skip(3).collect();
    let kind = arguments.variable("KIND");
    print!("copy: {words:?} ");
    println!("{kind:?} {:?}", arguments.variable("NOTHING"));
    words.len() as i32
}

/// Computes until the owner has changed a register.
fn spin() -> i32 {
    // SAFETY: it only waits for the register to change.
    unsafe { asm!("2:", "cmp eax, {key}", "jne 2b", key = const KEY, inout("eax") 0 => _) };
    7
}

/// Makes an exception, at an instruction of two bytes.
fn fault() -> i32 {
    // SAFETY: the owner has the thread go on behind it, if at all.
    unsafe { asm!("ud2") };
    9
}

/// Waits for a mutex that nobody unlocks.
fn mutex() -> i32 {
    i32::from(!RawMutex::new_locked().lock_within(-1)) + 9
}

/// A transaction with a server that takes its time.
fn transact() -> i32 {
    let header = Header {
        port: put_port(SLOW),
        ..Header::default()
    };
    match Kernel.trans(&header, b"patience", &mut []) {
        Ok(_) => 13,
        Err(Status::RpcAborted) => 14,
        Err(_) => 2,
    }
}

/// Serves one request, and computes before it answers until the owner has changed a register.
fn serve() -> i32 {
    let mut data = [0; 16];
    let Ok((_, length)) = Kernel.getreq(SERVICE, &mut data) else {
        return 2;
    };
    spin();
    let mut reply = Header::default();
    reply.set_status(Status::Ok);
    data[..length].reverse();
    Kernel.putrep(&reply, &data[..length]);
    17
}

/// Several threads in different calls; the first one waits for its register.
fn threads() -> i32 {
    for number in 0..4_u32 {
        thread::spawn(4096, move || {
            loop {
                match number % 2 {
                    0 => _ = calls::sleep(200),
                    _ => _ = Kernel.getreq(SERVICE, &mut []),
                }
            }
        });
    }
    calls::switch();
    calls::enable_preemption();
    spin() + 12
}

/// Computes with all that a process has: registers, stack, heap, data.
fn compute() -> i32 {
    let mut memory: Vec<u32> = (0..1000).collect();
    let mut value = 1_u32;
    for turn in 0..TURNS {
        let place = (turn % 1000) as usize;
        value = value.wrapping_mul(1_664_525).wrapping_add(memory[place]);
        memory[place] ^= value >> 7;
    }
    result(value)
}

/// The exit status of a copy that has computed.
fn result(value: u32) -> i32 {
    (value >> 17).cast_signed()
}

/// What the computation gives, found by another way of going through the memory.
pub(crate) fn expected() -> i32 {
    let mut memory: Vec<u32> = (0..1000).collect();
    let mut value = 1_u32;
    for _ in 0..TURNS / 1000 {
        for place in &mut memory {
            value = value.wrapping_mul(1_664_525).wrapping_add(*place);
            *place ^= value >> 7;
        }
    }
    result(value)
}
