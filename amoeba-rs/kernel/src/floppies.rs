//! The floppy drives on this machine's ports: the driver's instructions, its memory for DMA, and its interrupt.

use crate::{cmos, memory};
use kernel_core::floppy::{self, BUFFER, Controller, Kind};
use kernel_core::machine::Milliseconds;
use kernel_core::news::News;
use platform::interrupt_controller;
use platform::processor::{DmaPort, Port};

/// Line of the controller's interrupt.
pub(crate) const LINE: u8 = 6;

/// The controller has interrupted, and the kernel has not noticed.
static NEWS: News = News::none();
/// The controller has interrupted, and the driver has not noticed.
static INTERRUPT: News = News::none();

const DIGITAL_OUTPUT: u16 = 0x3f2;

/// The machine's I/O ports and the memory for DMA, as the driver uses them.
pub(crate) struct MachinePorts {
    /// Physical address, which is its virtual one too.
    buffer: u32,
}

impl floppy::Ports for MachinePorts {
    fn read(&mut self, port: u16) -> u8 {
        // SAFETY: the driver uses the ports of the floppy controller and of DMA channel 2; reading them touches no memory.
        unsafe { DmaPort::new(port) }.read()
    }

    fn write(&mut self, port: u16, value: u8) {
        // SAFETY: the driver has DMA reach the buffer alone, to which there are no references.
        unsafe { DmaPort::new(port) }.write(value);
    }

    fn take_interrupt(&mut self) -> bool {
        INTERRUPT.take()
    }

    fn buffer_address(&self) -> u32 {
        self.buffer
    }

    fn write_buffer(&mut self, data: &[u8]) {
        assert!(data.len() <= BUFFER, "more than the buffer takes");
        // SAFETY: the buffer is the driver's alone, so long, and no transfer is under way.
        unsafe { core::ptr::copy_nonoverlapping(data.as_ptr(), self.buffer as *mut u8, data.len()) }
    }

    fn read_buffer(&mut self, data: &mut [u8]) {
        assert!(data.len() <= BUFFER, "more than the buffer holds");
        // SAFETY: see `write_buffer`.
        unsafe { core::ptr::copy_nonoverlapping(self.buffer as *const u8, data.as_mut_ptr(), data.len()) }
    }
}

/// Begins to look which disks there are; `None` if the set-up says that there are no drives, or no memory is left that DMA reaches.
pub(crate) fn start(now: Milliseconds) -> Option<Controller<MachinePorts>> {
    let kinds = cmos::floppy_drives().map(Kind::from_setup);
    if kinds == [None; floppy::DRIVES] {
        return None;
    }
    let buffer = memory::for_dma(BUFFER as u32)?;
    interrupt_controller::unmask(LINE);
    Some(Controller::start(MachinePorts { buffer }, kinds, now))
}

/// Called by the interrupt handler, with interrupts off. The line is released when the main program asks the controller.
pub(crate) fn interrupt() {
    NEWS.bring();
    INTERRUPT.bring();
}

/// Whether the controller has interrupted since this was asked last.
pub(crate) fn take_news() -> bool {
    NEWS.take()
}

/// Has the controller stop whatever it does, so that no DMA reaches what comes after this kernel.
pub(crate) fn stop() {
    // SAFETY: held in reset, the controller does nothing.
    unsafe { Port::new(DIGITAL_OUTPUT) }.write(0);
}
