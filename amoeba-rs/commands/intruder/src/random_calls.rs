//! Any system call with any argument, by copies of this program: each goes on until something ends it.

use crate::{Numbers, breach};
use alloc::boxed::Box;
use alloc::string::ToString;
use core::arch::global_asm;
use libamoeba::classes::process;
use libamoeba::println;
use libamoeba::program::{self, File, Start};
use libamoeba::standard;
use libamoeba::system::start::Arguments;
use libamoeba::system::{Kernel, calls};
use proto::capability::Capability;
use proto::process::{Frame, SegmentKind};
use proto::signal::{Exception, Handler};
use proto::standard::Status;
use proto::system_call::Call;

/// Copies, and the calls of each.
const COPIES: u32 = 16;
const CALLS: u32 = 4000;
/// Milliseconds after which a copy that waits for something is ended.
const PATIENCE: u32 = 200;
/// Where copies have some memory of their own.
const MEMORY: u32 = 0x6c00_0000;

/// An argument: a bad address, an address of the copy's own, or some number.
fn argument(numbers: &mut Numbers) -> u32 {
    const BAD: [u32; 10] = [
        0,
        0x1000,
        0x10_0000,
        0xb_8000,
        0x03ff_ffff,
        0x0400_0000,
        0x6fff_f000,
        0x7fff_fff0,
        0x8000_0000,
        0xffff_fff0,
    ];
    match numbers.below(8) {
        0..3 => BAD[numbers.below(10) as usize] + numbers.below(16),
        3..5 => MEMORY + (numbers.below(8192) & !3),
        5 => numbers.below(64),
        6 => 1 << numbers.below(32),
        _ => numbers.next(),
    }
}

// What becomes of a refused call: nothing, and the next one follows.
global_asm!(
    ".pushsection .text, \"ax\"",
    "refused:",
    "jmp {go_on}",
    ".popsection",
    go_on = sym go_on,
    options(att_syntax),
);

unsafe extern "C" {
    static refused: u8;
}

extern "C" fn go_on(_exception: i32, frame: *mut Frame, _third: u32, _fourth: u32) -> ! {
    // SAFETY: the frame is on this thread's stack, and its thread is behind the call.
    unsafe { calls::call(Call::SignalReturn, [frame.expose_provenance() as u32, 0, 0, 0]) };
    calls::exit(3)
}

fn install() {
    let handlers = [Exception::Argument, Exception::SystemCall].map(|exception| {
        let entry = Handler {
            signal: exception.code(),
            counter: (&raw const refused).expose_provenance() as u32,
            third: 0,
            fourth: 0,
        };
        entry.emit()
    });
    // SAFETY: the handler ends as handlers do.
    unsafe { calls::set_vector(Box::leak(Box::new(handlers))) }
}

/// Carries out calls until one ends this process.
pub(crate) fn run(seed: u32) -> i32 {
    let mut numbers = Numbers::new(seed + 100);
    install();
    let kind = SegmentKind::DATA | SegmentKind::READ_WRITE | SegmentKind::GROWS_UP;
    // SAFETY: nothing else of this program lies there.
    unsafe { calls::map(&Capability::NULL, MEMORY, 8192, kind) };
    for _ in 0..CALLS {
        for _ in 0..4 {
            let place = MEMORY + (numbers.below(8192) & !3);
            // SAFETY: mapped above, unless it was unmapped by a call, which is an exception then.
            unsafe { (place as *mut u32).write_volatile(argument(&mut numbers)) };
        }
        // Most copies leave out what ends them at once: exits, sleeps, and handlers anywhere.
        let number = match numbers.below(61) {
            4 | 16 | 29 | 31 | 32 | 56 if !seed.is_multiple_of(4) => 44,
            number => number,
        };
        let arguments = [(); 4].map(|()| argument(&mut numbers));
        // SAFETY: whatever becomes of this process is what it is for.
        unsafe {
            match numbers.below(12) {
                0 => calls::trap::<50>(number, arguments),
                1 => calls::trap::<51>(number, arguments),
                2 => calls::trap::<52>(number, arguments),
                3 => calls::trap::<58>(number, arguments),
                4 => calls::trap::<59>(number, arguments),
                5 => calls::trap::<60>(number, arguments),
                _ => calls::trap::<57>(number, arguments),
            };
        }
    }
    0
}

/// Has copies do it, one after the other; each must end when it is told to, and leave nothing behind.
pub(crate) fn run_copies(arguments: &Arguments, file: &[u8]) {
    let Some(server) = arguments.capability("PROC") else {
        breach("no process server");
        return;
    };
    for seed in 0..COPIES {
        let text = seed.to_string();
        let start = Start {
            arguments: &["copy", "-r", &text],
            environment: &[],
            capabilities: &[],
            owner: Capability::NULL,
        };
        let copy = match program::exec(&mut Kernel, &server, File::Here(file), &start) {
            Ok(copy) => copy,
            Err(why) => {
                println!("intruder: copy {seed}: {why}");
                breach("a copy cannot be started any more");
                return;
            }
        };
        calls::sleep(PATIENCE);
        // Most have ended by themselves.
        let ended = process::stun(&mut Kernel, &copy, -1);
        let info = standard::info(&mut Kernel, &copy, &mut [0; 60]);
        if !matches!(ended, Ok(()) | Err(Status::BadCapability)) || info != Err(Status::BadCapability) {
            println!("intruder: copy {seed}: {ended:?} {info:?}");
            breach("a copy that does not end");
        }
    }
}
