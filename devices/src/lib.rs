//! The chips of an ISA AT.
//!
//! A tour: every chip is plain data with `read`, `write`, `reset` and, where it keeps time, `wake`. A chip never holds
//! a reference to another one. What it does to the world leaves through the [`Context`] lent for the call, as an
//! [`Effect`]; the board (crate `machines`) carries the effects out, in order, when the call returns. Time comes in
//! through the same context, and a chip does nothing between two calls: it works out what has happened since.
//!
//! | chip | is | ports | line |
//! |---|---|---|---|
//! | [`InterruptControllers`] | 8259A pair | 20h, 21h, A0h, A1h | drives INTR |
//! | [`Timer`] | 8254 | 40h to 43h | IRQ 0 |
//! | [`KeyboardController`] | 8042 and a keyboard | 60h, 64h | IRQ 1 |
//! | [`SystemControl`] | system control ports A and B | 61h, 92h | |
//! | [`RealTimeClock`] | MC146818A and CMOS RAM | 70h, 71h | IRQ 8 |
//! | [`PostCodes`] | POST code latch | 80h, or where the board wants it | |
//! | [`SerialPort`] | 16550A | 3F8h, 2F8h | IRQ 4, 3 |
//! | [`Vga`] | VGA text | 3B0h to 3DFh, memory A0000h to BFFFFh | |
//!
//! What a board has to do: route each port to its chip; hand every [`Effect::InterruptRequest`] to
//! [`InterruptControllers::set_line`]; keep one alarm a chip for [`Effect::Wake`], take it off its agenda when it rings,
//! and call `wake` then; pass [`Effect::Timer2Gate`] to [`Timer::set_gate_2`] and [`Timer::output`] to
//! [`SystemControl::read`]; open A20 while either [`Effect::KeyboardA20`] or [`Effect::FastA20`] says so. All lines and
//! both A20 gates start low; NMI starts masked.
//!
//! A port that a chip does not have reads FFh, as a bus does that nothing drives. No access panics, and no call does
//! more work after days without one than after a moment; what nobody watched in between is summed up.
#![forbid(unsafe_code)]
#![deny(clippy::float_arithmetic)]

mod alarm;
#[cfg(test)]
mod bench;
mod context;
mod dma_controllers;
mod dma_request;
mod floppy_controller;
mod interrupt_controllers;
mod interrupt_line;
mod keyboard_controller;
mod medium;
mod post_codes;
mod real_time_clock;
mod serial_port;
mod system_control;
mod timer;
mod vga;

pub use context::{Context, Effect};
pub use dma_controllers::{DmaControllers, Transfer, TransferKind};
pub use floppy_controller::{FloppyController, FloppyDriveKind, InsertError};
pub use interrupt_controllers::InterruptControllers;
pub use keyboard_controller::KeyboardController;
pub use medium::{Medium, SECTOR_BYTES, Sector};
pub use post_codes::PostCodes;
pub use real_time_clock::RealTimeClock;
pub use serial_port::{LineError, ModemLine, SerialPort};
pub use system_control::SystemControl;
pub use timer::Timer;
pub use vga::Vga;
