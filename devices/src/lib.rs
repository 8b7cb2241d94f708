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
//! | [`DmaControllers`] | 8237A pair and page registers | 00h to 0Fh, 80h to 8Fh, C0h to DFh | asks for the bus |
//! | [`FloppyController`] | 82077AA and two drives | 3F0h to 3F5h, 3F7h | IRQ 6, DRQ 2 |
//! | [`AtaController`] | an ATA channel and two drives | 1F0h to 1F7h, 3F6h, 3F7h (or 170h, 376h) | IRQ 14 (15) |
//!
//! What a board has to do: route each port to its chip; hand every [`Effect::InterruptRequest`] to
//! [`InterruptControllers::set_line`]; keep one alarm a chip for [`Effect::Wake`], take it off its agenda when it rings,
//! and call `wake` then; pass [`Effect::Timer2Gate`] to [`Timer::set_gate_2`] and [`Timer::output`] to
//! [`SystemControl::read`]; open A20 while either [`Effect::KeyboardA20`] or [`Effect::FastA20`] says so. All lines and
//! both A20 gates start low; NMI starts masked.
//!
//! # DMA
//!
//! Every [`Effect::DmaRequest`] goes to [`DmaControllers::set_request`]. While [`DmaControllers::is_requesting_bus`], the
//! board takes the bus from the processor between two of its cycles and calls [`DmaControllers::serve`], which chooses
//! the channel and steps its registers. What the [`Transfer`] says is then done: for
//! [`TransferKind::DeviceToMemory`] the device's `dma_read` and a write to memory, for
//! [`TransferKind::MemoryToDevice`] a read from memory and the device's `dma_write`, for [`TransferKind::Verify`] the
//! device's `dma_verify`; each is told of the terminal count and may drop its request by an effect. A channel without a
//! device reads FFh and its writes are lost. [`TransferKind::MemoryToMemory`] moves a byte and hands it to
//! [`DmaControllers::set_temporary`]. [`TransferKind::BusMaster`] lends the bus to the device until it drops its request.
//! The board charges [`Transfer::bus_clocks`], and once more what giving the bus away and taking it back cost unless
//! [`Transfer::is_bus_kept`]. Addresses do not pass through the A20 gate. Port 80h is a page register that nothing uses:
//! [`PostCodes`] listens in, and either of them may answer a read.
//!
//! # Disks
//!
//! A board owns what is in its drives as [`Medium`]s, an array of two for each controller, and lends the array in each
//! call. The medium of a fixed disk stays; a floppy's comes and goes with [`FloppyController::insert`] and
//! [`FloppyController::eject`]. Port 3F7h is shared: bit 7 is the floppy controller's, the others the drives'; the and of
//! both reads is what the bus shows, and a write is the floppy controller's. The data port of a drive is 16 bits wide
//! ([`AtaController::read_data`]), so it is not split into bytes; 32 bits are two accesses to it.
//!
//! A port that a chip does not have reads FFh, as a bus does that nothing drives. No access panics, and no call does
//! more work after days without one than after a moment; what nobody watched in between is summed up.
#![forbid(unsafe_code)]
#![deny(clippy::float_arithmetic)]

mod alarm;
mod ata;
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

pub use ata::{
    AtaChannel, AtaController, AtaDriveSettings, DRIVE_MODELS, DriveModel, Geometry, SectorWrite, TornSector,
};
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
