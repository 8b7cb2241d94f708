//! How the controller and DMA channel 2 are spoken to.

use super::registers::{
    DISK_CHANGED, DigitalOutput, ENHANCED, FIFO, MainStatus, Status0, command, dma, port,
};
use super::{Controller, Ports};

/// Looks at the main status in which the controller takes or gives a byte: it says so after some microseconds (82077AA) to 50
/// (765A), and a look takes half a microsecond at least, a cycle of the ISA bus.
const LOOKS: u32 = 400;
/// Looks at a register that take longer than a reset must last, 3.5 us.
const RESET_LOOKS: u32 = 16;
/// The parameters of SPECIFY: 3 ms a step, 240 ms until the head is unloaded, 2 ms to load it, DMA (IBM PC/AT Technical Reference,
/// diskette parameter table).
const SPECIFIED: [u8; 2] = [0xdf, 0x02];

/// A controller has four reasons to interrupt after a reset, and one for each arm that moves.
pub(super) const MOST_SENSES: u32 = 8;

/// The result phase of a command that moves data.
pub(super) type Outcome = [u8; 7];

impl<P: Ports> Controller<P> {
    fn main_status(&mut self) -> MainStatus {
        MainStatus::from_bits_retain(self.ports.read(port::MAIN_STATUS))
    }

    /// Waits until the controller takes a byte, or gives one; false if it does neither.
    fn await_turn(&mut self, wanted: MainStatus) -> bool {
        const BOTH: MainStatus = MainStatus::REQUEST.union(MainStatus::TO_HOST);
        (0..LOOKS).any(|_| self.main_status() & BOTH == wanted)
    }

    /// Gives a command; false if the controller does not take it.
    pub(super) fn put(&mut self, bytes: &[u8]) -> bool {
        bytes.iter().all(|byte| {
            let takes = self.await_turn(MainStatus::REQUEST);
            if takes {
                self.ports.write(port::DATA, *byte);
            }
            takes
        })
    }

    fn get(&mut self) -> Option<u8> {
        self.await_turn(MainStatus::REQUEST | MainStatus::TO_HOST)
            .then(|| self.ports.read(port::DATA))
    }

    /// Whether a command that moves data has come to its end.
    pub(super) fn has_outcome(&mut self) -> bool {
        let wanted = MainStatus::REQUEST | MainStatus::TO_HOST | MainStatus::BUSY;
        self.main_status().contains(wanted)
    }

    pub(super) fn outcome(&mut self) -> Option<Outcome> {
        let mut bytes = [0; 7];
        for byte in &mut bytes {
            *byte = self.get()?;
        }
        Some(bytes)
    }

    /// Why the controller has interrupted, and the cylinder; `None` if it has not.
    pub(super) fn sense(&mut self) -> Option<(Status0, u8)> {
        if !self.put(&[command::SENSE_INTERRUPT]) {
            return None;
        }
        let status = Status0::from_bits_retain(self.get()?);
        let is_invalid = status & (Status0::INVALID | Status0::ABNORMAL) == Status0::INVALID;
        if is_invalid {
            None
        } else {
            Some((status, self.get()?))
        }
    }

    /// Asks until the controller has no reason left.
    pub(super) fn sense_all(&mut self) {
        for _ in 0..MOST_SENSES {
            if self.sense().is_none() {
                return;
            }
        }
    }

    /// Tells the controller how drives are used; false if it does not answer.
    pub(super) fn set_up(&mut self) -> bool {
        let [step, load] = SPECIFIED;
        if !self.put(&[command::SPECIFY, step, load]) || !self.put(&[command::VERSION]) {
            return false;
        }
        match self.get() {
            // An overrun takes a while longer then.
            Some(ENHANCED) => self.put(&[command::CONFIGURE, 0, FIFO, 0]),
            version => version.is_some(),
        }
    }

    /// Lets the DMA controller of channels 0 to 3 get the bus, which firmware does if there is any.
    pub(super) fn join_dma(&mut self) {
        self.ports.write(port::HIGH_DMA_MODE, dma::CASCADE);
        self.ports.write(port::HIGH_DMA_MASK, dma::UNMASK_CASCADE);
    }

    /// Holds the controller in reset for long enough, and lets it begin. The motors stay as they are.
    pub(super) fn pulse_reset(&mut self) {
        self.ports.write(port::DMA_MASK, dma::MASK);
        let running = (self.output | DigitalOutput::GATE) - DigitalOutput::NOT_RESET;
        self.ports.write(port::DIGITAL_OUTPUT, running.bits());
        for _ in 0..RESET_LOOKS {
            self.ports.read(port::MAIN_STATUS);
        }
        // What has interrupted before does not count any more.
        self.ports.take_interrupt();
        self.output = running;
        self.set_output(running | DigitalOutput::NOT_RESET);
    }

    pub(super) fn set_output(&mut self, output: DigitalOutput) {
        if self.output != output {
            self.output = output;
            self.ports.write(port::DIGITAL_OUTPUT, output.bits());
        }
    }

    pub(super) fn set_rate(&mut self, rate: u8) {
        self.ports.write(port::RATE, rate);
    }

    /// Whether the selected drive's change line is up.
    pub(super) fn shows_change(&mut self) -> bool {
        self.ports.read(port::DIGITAL_INPUT) & DISK_CHANGED != 0
    }

    /// Makes DMA ready for so many bytes between the controller and the beginning of the buffer.
    pub(super) fn prepare_dma(&mut self, length: usize, is_read: bool) {
        let [low, high, page, _] = self.ports.buffer_address().to_le_bytes();
        let [count_low, count_high] = (length as u16 - 1).to_le_bytes();
        let mode = if is_read { dma::TO_MEMORY } else { dma::FROM_MEMORY };
        for (port, value) in [
            (port::DMA_MASK, dma::MASK),
            (port::DMA_MODE, mode),
            (port::DMA_CLEAR_FLIP_FLOP, 0),
            (port::DMA_ADDRESS, low),
            (port::DMA_ADDRESS, high),
            (port::DMA_PAGE, page),
            (port::DMA_COUNT, count_low),
            (port::DMA_COUNT, count_high),
            (port::DMA_MASK, dma::UNMASK),
        ] {
            self.ports.write(port, value);
        }
    }

    pub(super) fn end_dma(&mut self) {
        self.ports.write(port::DMA_MASK, dma::MASK);
    }
}
