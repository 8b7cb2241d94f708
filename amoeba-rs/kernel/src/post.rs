//! Start-up stages on port 80h, where diagnostic cards show them.

use platform::processor::Port;

// SAFETY: the port of diagnostic cards; nothing else listens.
const DIAGNOSTICS: Port = unsafe { Port::new(0x80) };

/// A stage of the start, shown when it is reached.
#[derive(Clone, Copy)]
#[repr(u8)]
pub(crate) enum Stage {
    /// The first line of Rust runs.
    Entered = 0x10,
    /// Segments, task state and interrupt table are the kernel's own.
    Descriptors = 0x11,
    /// Paging is on.
    Paging = 0x12,
    /// The interrupt controllers are programmed.
    Interrupts = 0x13,
    /// The clock ticks.
    Clock = 0x14,
    /// The processor carries out what the compiler emits.
    SelfTest = 0x15,
    /// The network card is running, or there is none.
    Network = 0x16,
    /// The kernel is ready.
    Ready = 0x20,
    /// The kernel has stopped for a fault of its own.
    Stopped = 0xee,
}

/// Shows that a stage is reached.
pub(crate) fn stage(stage: Stage) {
    DIAGNOSTICS.write(stage as u8);
}
