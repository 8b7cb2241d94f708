//! Exceptions: none is expected, so each ends the program.

use crate::console::line;
use core::arch::global_asm;
use platform::{descriptors, processor};

const EXCEPTIONS: usize = 32;
const STUB_SPACING: u32 = 16;

global_asm!(
    ".pushsection .text.exceptions, \"ax\"",
    ".p2align 4",
    "exception_stubs:",
    ".set vector, 0",
    ".rept {exceptions}",
    ".p2align 4",
    "pushl $vector",
    "call {stop}",
    ".set vector, vector + 1",
    ".endr",
    ".popsection",
    exceptions = const EXCEPTIONS,
    stop = sym stop,
    options(att_syntax),
);

unsafe extern "C" {
    /// The first stub.
    static exception_stubs: u8;
}

/// Loads segments and an interrupt table whose exceptions lead here.
pub(crate) fn start() {
    descriptors::start(
        (&raw const exception_stubs).addr() as u32,
        EXCEPTIONS,
        STUB_SPACING,
    );
}

extern "C" fn stop(_return: u32, vector: u32, first: u32, second: u32) -> ! {
    line!(
        "benchmark stopped: exception {vector}, above it on the stack {first:08x} {second:08x}, cr2 {:08x}",
        processor::fault_address()
    );
    processor::halt()
}
