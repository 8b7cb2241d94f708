//! The disks on this machine's ports: the driver's instructions, and its interrupt.

use kernel_core::ata::{self, Channel};
use kernel_core::news::News;
use platform::interrupt_controller;
use platform::processor::Port;

/// Line of the channel's interrupt.
pub(crate) const LINE: u8 = 14;

/// A drive has interrupted, and nobody has looked at it.
static NEWS: News = News::none();

/// The machine's I/O ports, as the driver uses them.
pub(crate) struct MachinePorts;

impl ata::Ports for MachinePorts {
    fn read(&mut self, port: u16) -> u8 {
        // SAFETY: the driver uses the ports of the ATA channel; none of them touches memory.
        unsafe { Port::new(port) }.read()
    }

    fn write(&mut self, port: u16, value: u8) {
        // SAFETY: see `read`. Drives are never told to use DMA.
        unsafe { Port::new(port) }.write(value);
    }

    fn read_words(&mut self, port: u16, to: &mut [u8]) {
        // SAFETY: see `read`.
        unsafe { Port::new(port) }.read_words(to);
    }

    fn write_words(&mut self, port: u16, from: &[u8]) {
        // SAFETY: see `write`.
        unsafe { Port::new(port) }.write_words(from);
    }
}

/// Begins to look for drives; `None` if the machine has none. What they are they say while the kernel starts.
pub(crate) fn start(now: kernel_core::machine::Milliseconds) -> Option<Channel<MachinePorts>> {
    let channel = Channel::start(MachinePorts, now);
    if !channel.has_drives() {
        return None;
    }
    interrupt_controller::unmask(LINE);
    Some(channel)
}

/// Called by the interrupt handler, with interrupts off. The line is released when the main program looks at the drive.
pub(crate) fn interrupt() {
    NEWS.bring();
}

/// Whether a drive has interrupted since this was asked last.
pub(crate) fn take_news() -> bool {
    NEWS.take()
}
