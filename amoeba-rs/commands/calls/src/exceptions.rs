//! Signals and exceptions with handlers.

use alloc::boxed::Box;
use core::arch::{asm, global_asm};
use core::sync::atomic::{AtomicI32, AtomicU32, Ordering};
use libamoeba::system::calls;
use libamoeba::system::trial::equal;
use proto::process::Frame;
use proto::signal::{Exception, Handler, TRANSACTION};
use proto::system_call::Call;

/// A signal of this program's own.
const SIGNAL: i32 = 17;

/// The signal or exception that the handler saw last, and how many it saw.
static LAST: AtomicI32 = AtomicI32::new(0);
static COUNT: AtomicU32 = AtomicU32::new(0);
/// Signals that were ever seen, a bit for each.
static SIGNALS: AtomicU32 = AtomicU32::new(0);

// The handler, as the kernel calls it.
global_asm!(
    ".pushsection .text, \"ax\"",
    "handler:",
    "jmp {handle}",
    ".popsection",
    handle = sym handle,
    options(att_syntax),
);

unsafe extern "C" {
    static handler: u8;
}

/// Bytes of the instruction at which an exception was made, if the thread shall go on behind it.
fn length(signal: i32) -> u32 {
    match Exception::from_code(signal) {
        // `mov byte ptr [ebx], al`, `hlt` behind two bytes of `mov al, bl`, `div bl`.
        Some(Exception::Access | Exception::Division | Exception::Instruction) => 2,
        _ => 0,
    }
}

extern "C" fn handle(signal: i32, frame: *mut Frame, third: u32, fourth: u32) -> ! {
    if (third, fourth) != (0x33, 0x44) {
        calls::exit(2);
    }
    LAST.store(signal, Ordering::Relaxed);
    if signal > 0 {
        SIGNALS.store(SIGNALS.load(Ordering::Relaxed) | 1 << signal, Ordering::Relaxed);
    }
    COUNT.store(COUNT.load(Ordering::Relaxed) + 1, Ordering::Relaxed);
    // SAFETY: the frame is on this thread's stack; the thread goes on behind the instruction.
    unsafe {
        (*frame).eip += length(signal);
        calls::call(Call::SignalReturn, [frame.expose_provenance() as u32, 0, 0, 0]);
    }
    calls::exit(3)
}

/// Has this thread handle exceptions and [`SIGNAL`].
pub(crate) fn install() {
    let signals = [
        SIGNAL,
        TRANSACTION,
        Exception::Access.code(),
        Exception::Division.code(),
        Exception::Instruction.code(),
        Exception::Breakpoint.code(),
        Exception::Argument.code(),
        Exception::SystemCall.code(),
    ];
    let handlers = signals.map(|signal| {
        let entry = Handler {
            signal,
            counter: (&raw const handler).expose_provenance() as u32,
            third: 0x33,
            fourth: 0x44,
        };
        entry.emit()
    });
    // SAFETY: the handler ends as handlers do.
    unsafe { calls::set_vector(Box::leak(Box::new(handlers))) }
}

/// Whether the handler has ever seen this signal.
pub(crate) fn has_seen(signal: i32) -> bool {
    SIGNALS.load(Ordering::Relaxed) & 1 << signal != 0
}

/// The exception that `action` makes, if any.
pub(crate) fn seen(action: impl FnOnce()) -> i32 {
    LAST.store(0, Ordering::Relaxed);
    action();
    LAST.load(Ordering::Relaxed)
}

/// Writes where the program may not.
fn write(address: u32) -> i32 {
    seen(|| {
        // SAFETY: the handler goes on behind the instruction.
        unsafe { asm!("mov byte ptr [ebx], al", in("ebx") address, options(nostack)) }
    })
}

pub(crate) fn run() {
    install();
    let access = Exception::Access.code();
    equal(seen(|| calls::raise(SIGNAL)), SIGNAL, "sig_raise");
    equal(
        seen(|| calls::raise(SIGNAL + 1)),
        0,
        "sig_raise without a handler",
    );
    for address in [
        0,
        0x1000,
        0x10_0000,
        0xb_8000,
        0x03ff_f000,
        0x7fff_f000,
        0x8000_0000,
        0xffff_ffff,
    ] {
        equal(write(address), access, "writing to what is not the program's");
    }
    equal(write(run as *const () as u32), access, "writing to code");
    // SAFETY: the handler goes on behind each of the instructions.
    unsafe {
        equal(seen(|| asm!("cli", "nop")), access, "CLI");
        equal(seen(|| asm!("out 0x80, al")), access, "OUT");
        equal(
            seen(|| asm!("int 0x20")),
            access,
            "an interrupt that is none of a user's",
        );
        equal(
            seen(|| asm!("int 0xff")),
            access,
            "an interrupt that there is not",
        );
        equal(seen(|| asm!("int3")), Exception::Breakpoint.code(), "INT 3");
        equal(
            seen(|| asm!("div bl", in("eax") 1, in("bl") 0_u8, lateout("eax") _)),
            Exception::Division.code(),
            "DIV",
        );
        equal(seen(|| asm!("ud2")), Exception::Instruction.code(), "UD2");
        equal(
            seen(|| asm!(".byte 0xd9, 0xe8")),
            Exception::Instruction.code(),
            "FLD1",
        );
    }
    equal(COUNT.load(Ordering::Relaxed), 18, "signals and exceptions seen");
}
