//! The gate array of the 3Com EtherLink II (3C503, 8 bit) and what lies round it: station address PROM, jumpers,
//! 8 KB of shared memory, interrupt lines.
//!
//! 3Com's Technical Reference Manual (4185-01, January 1989) could not be had beyond its table of contents. The
//! registers are those on which the drivers for Linux, the BSDs, MINIX, Crynwr's and iPXE agree; they are cited as
//! "drivers". What none of them says is chosen here, and said at its place:
//!
//! * **Data FIFO.** Its depth and speed are unknown. It never makes the host wait: DPRDY is set as long as a
//!   transfer is started, and each access moves its byte at once. A read while no transfer to the host is started
//!   sets UFLW and gives FFh, a write while none to the card is sets OFLW and is lost.
//! * **Revision** in STREG is [`GATE_ARRAY_REVISION`]. CTRL is 0Ah after a reset of the bus, every other register 0.
//! * **PROM** bytes beyond the station address read FFh. With EALO and EAHI both set the lower half answers.
//! * Both transceivers lead to the same cable, whatever XSEL says.
//! * DBSEL, SHARE, OWS, TCM, TEST and DQTR are stored; nothing depends on them. The 8237's channels (DRQ1 to DRQ3)
//!   are not served, so a transfer by DMA never moves: DIP says that it is under way, DTC never comes.
//! * The boot PROM's socket is empty: with RSEL clear the window reads FFh, but for its last two bytes, which are
//!   BCFR and PCFR. A read of the address in VPTR clears RSEL if the window contains that address; the board shows the card no
//!   other reads.
//!
//! Not modelled: a window access is never stretched while local DMA owns the memory. At 10 Mbit/s it does so for a
//! quarter of a frame's time, in bursts of at most 2.4 us.

mod registers;
#[cfg(test)]
mod tests;

use std::ops::Range;

use clock::Instant;

use crate::dp8390::{Dp8390, LocalMemory, PAGE};
use crate::{Model, Settings};
use registers::{Configuration, Control, Selection, Status};

/// Where the gate array's ports lie above the controller's.
const GATE_ARRAY: u16 = 0x400;

/// Ports of the controller, and ports of the gate array.
const PORTS: u16 = 16;

/// What bits 2 to 0 of STREG say.
pub(crate) const GATE_ARRAY_REVISION: u8 = 1;

/// The first of the card's 32 memory pages, as the controller numbers them.
const FIRST_PAGE: u8 = 0x20;
const PAGES: usize = 32;

/// Size of a bank and of the window.
const WINDOW: u16 = 0x2000;

/// Which of the card's parts a port reaches.
enum Port {
    /// The controller, or the PROM in its place.
    Controller(u8),
    GateArray(u8),
    Nothing,
}

/// The gate array, the PROM and the jumpers.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct EtherLinkII {
    io_base: u16,
    memory_base: Option<u32>,
    io_jumper: u8,
    memory_jumper: u8,
    prom: [u8; 32],
    /// PSTR.
    page_start: u8,
    /// PSPR.
    page_stop: u8,
    /// DQTR.
    burst: u8,
    configuration: Configuration,
    control: Control,
    faults: Status,
    selection: Selection,
    /// DAMSB and DALSB, counting up.
    address: u16,
    /// VPTR2, VPTR1, VPTR0.
    vector: [u8; 3],
}

impl EtherLinkII {
    /// Panics if the settings name a jumper position that the card does not have.
    pub(crate) fn new(settings: &Settings) -> Self {
        let mut prom = [0xFF; 32];
        prom[..6].copy_from_slice(&settings.station_address);
        let memory_base = settings.memory_base;
        Self {
            io_base: settings.io_base,
            memory_base,
            io_jumper: one_hot(Model::EtherLinkII.io_bases(), settings.io_base),
            memory_jumper: memory_base.map_or(0, |base| one_hot(Model::EtherLinkII.memory_bases(), base)),
            prom,
            page_start: 0,
            page_stop: 0,
            burst: 0,
            configuration: Configuration::empty(),
            control: Control::INTERNAL_TRANSCEIVER | Control::PROM_HIGH,
            faults: Status::empty(),
            selection: Selection::empty(),
            address: 0,
            vector: [0; 3],
        }
    }

    /// The card's memory.
    pub(crate) fn memory() -> LocalMemory {
        LocalMemory::new(FIRST_PAGE, PAGES)
    }

    pub(crate) fn ports(&self) -> [Range<u16>; 2] {
        [self.io_base, self.io_base + GATE_ARRAY].map(|first| first..first + PORTS)
    }

    pub(crate) fn memory_window(&self) -> Option<Range<u32>> {
        self.memory_base.map(|base| base..base + u32::from(WINDOW))
    }

    /// Clears the registers, as a reset of the bus does.
    pub(crate) fn reset(&mut self) {
        self.page_start = 0;
        self.page_stop = 0;
        self.burst = 0;
        self.configuration = Configuration::empty();
        self.control = Control::INTERNAL_TRANSCEIVER | Control::PROM_HIGH;
        self.faults = Status::empty();
        self.selection = Selection::empty();
        self.address = 0;
        self.vector = [0; 3];
    }

    /// The interrupt lines of the AT that are high, a bit each.
    pub(crate) fn lines(&self, controller: &Dp8390) -> u16 {
        if controller.is_interrupting() && !self.configuration.contains(Configuration::MASK_INTERRUPT) {
            self.selection.lines()
        } else {
            0
        }
    }

    pub(crate) fn read(&mut self, port: u16, controller: &mut Dp8390, memory: &LocalMemory) -> u8 {
        match self.decode(port) {
            Port::Controller(offset) => match self.prom_half() {
                Some(half) => self.prom[half + usize::from(offset)],
                None => controller.read(offset),
            },
            Port::GateArray(offset) => self.read_gate_array(offset, memory),
            Port::Nothing => 0xFF,
        }
    }

    /// The PROM can only be read, and hides the controller; a controller that is held in reset takes no writes.
    pub(crate) fn write(
        &mut self,
        port: u16,
        value: u8,
        now: Instant,
        controller: &mut Dp8390,
        memory: &mut LocalMemory,
    ) {
        match self.decode(port) {
            Port::Controller(_) if self.prom_half().is_some() || self.control.contains(Control::RESET) => {
                log::debug!("3C503: write of {value:02X} to port {port:03X} under the PROM or in reset");
            }
            Port::Controller(offset) => controller.write(offset, value, now, memory),
            Port::GateArray(offset) => self.write_gate_array(offset, value, now, controller, memory),
            Port::Nothing => {}
        }
    }

    /// Reads `offset` of the window.
    pub(crate) fn memory_read(&mut self, offset: u32, memory: &LocalMemory) -> u8 {
        let offset = window_offset(offset);
        if self.vector_offset() == Some(offset) {
            self.configuration.remove(Configuration::RAM);
        }
        if self.configuration.contains(Configuration::RAM) {
            return memory.read(self.bank() + offset);
        }
        match WINDOW - offset {
            2 => self.io_jumper,
            1 => self.memory_jumper,
            _ => 0xFF,
        }
    }

    /// Writes `offset` of the window; a PROM takes no writes.
    pub(crate) fn memory_write(&self, offset: u32, value: u8, memory: &mut LocalMemory) {
        if self.configuration.contains(Configuration::RAM) {
            memory.write(self.bank() + window_offset(offset), value);
        }
    }

    fn decode(&self, port: u16) -> Port {
        let offset = |first: u16| port.checked_sub(first).filter(|offset| *offset < PORTS);
        if let Some(offset) = offset(self.io_base) {
            Port::Controller(offset as u8)
        } else if let Some(offset) = offset(self.io_base + GATE_ARRAY) {
            Port::GateArray(offset as u8)
        } else {
            Port::Nothing
        }
    }

    /// Where the half of the PROM begins that stands in the controller's place, if one does.
    fn prom_half(&self) -> Option<usize> {
        if self.control.contains(Control::PROM_LOW) {
            Some(0)
        } else if self.control.contains(Control::PROM_HIGH) {
            Some(16)
        } else {
            None
        }
    }

    /// The card address at which the selected bank begins: MBS counts 8 KB.
    fn bank(&self) -> u16 {
        u16::from((self.configuration & Configuration::BANK).bits()) * WINDOW
    }

    /// Where in the window the address of VPTR lies.
    fn vector_offset(&self) -> Option<u16> {
        let [high, middle, low] = self.vector.map(u32::from);
        let address = high << 12 | middle << 4 | low >> 4;
        let offset = address.checked_sub(self.memory_base?)?;
        u16::try_from(offset).ok().filter(|offset| *offset < WINDOW)
    }

    fn read_gate_array(&mut self, offset: u8, memory: &LocalMemory) -> u8 {
        let [address_high, address_low] = self.address.to_be_bytes();
        match offset {
            0x0 => self.page_start,
            0x1 => self.page_stop,
            0x2 => self.burst,
            0x3 => self.io_jumper,
            0x4 => self.memory_jumper,
            0x5 => self.configuration.bits(),
            0x6 => self.control.bits(),
            0x7 => self.status().bits() | GATE_ARRAY_REVISION,
            0x8 => self.selection.bits(),
            0x9 => address_high,
            0xA => address_low,
            0xB..=0xD => self.vector[usize::from(offset - 0xB)],
            _ => self.read_fifo(memory),
        }
    }

    fn write_gate_array(
        &mut self,
        offset: u8,
        value: u8,
        now: Instant,
        controller: &mut Dp8390,
        memory: &mut LocalMemory,
    ) {
        let [address_high, address_low] = self.address.to_be_bytes();
        match offset {
            0x0 => self.page_start = value,
            0x1 => self.page_stop = value,
            0x2 => self.burst = value,
            0x5 => self.configuration = Configuration::from_bits_retain(value),
            0x6 => self.write_control(Control::from_bits_retain(value), now, controller),
            0x8 => self.selection = Selection::from_bits_retain(value),
            0x9 => self.address = u16::from_be_bytes([value, address_low]),
            0xA => self.address = u16::from_be_bytes([address_high, value]),
            0xB..=0xD => self.vector[usize::from(offset - 0xB)] = value,
            0xE | 0xF => self.write_fifo(value, memory),
            _ => log::debug!("3C503: write of {value:02X} to read-only register {offset:X}"),
        }
    }

    /// RST holds the board, the controller with it, in reset; memory keeps its contents.
    fn write_control(&mut self, value: Control, now: Instant, controller: &mut Dp8390) {
        if value.contains(Control::RESET) {
            self.reset();
            controller.reset(now);
            self.control = value - Control::START;
            return;
        }
        if value.contains(Control::START) && !self.control.contains(Control::START) {
            self.faults = Status::empty();
        }
        self.control = value;
    }

    fn status(&self) -> Status {
        let mut status = self.faults;
        if self.control.contains(Control::START) {
            let by_dma = self.selection.wants_dma();
            status |= if by_dma {
                Status::DMA_IN_PROGRESS
            } else {
                Status::DATA_READY
            };
        }
        status
    }

    /// Whether the FIFO moves data, and that way.
    fn moves(&self, to_card: bool) -> bool {
        self.status().contains(Status::DATA_READY) && self.control.contains(Control::TO_CARD) == to_card
    }

    fn read_fifo(&mut self, memory: &LocalMemory) -> u8 {
        if !self.moves(false) {
            self.faults |= Status::UNDERFLOW;
            return 0xFF;
        }
        let value = memory.read(self.address);
        self.step();
        value
    }

    fn write_fifo(&mut self, value: u8, memory: &mut LocalMemory) {
        if !self.moves(true) {
            self.faults |= Status::OVERFLOW;
            return;
        }
        memory.write(self.address, value);
        self.step();
    }

    /// The address goes round in the receive ring: at PSPR it returns to PSTR.
    fn step(&mut self) {
        self.address = self.address.wrapping_add(1);
        let [page, offset] = self.address.to_be_bytes();
        if offset == 0 && page == self.page_stop {
            self.address = u16::from(self.page_start) * PAGE as u16;
        }
    }
}

/// The jumper register's bit for `position`, the first position having the highest bit.
fn one_hot<T: PartialEq>(positions: &[T], position: T) -> u8 {
    let index = positions.iter().position(|known| *known == position);
    0x80 >> index.expect("the settings name a jumper position of the card")
}

/// The window decodes 13 address lines.
fn window_offset(offset: u32) -> u16 {
    (offset % u32::from(WINDOW)) as u16
}
