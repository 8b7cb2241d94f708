//! The two Intel 8237A DMA controllers of an AT with their page registers: channels 0 to 3 move bytes (ports 00h to
//! 0Fh), channels 5 to 7 words (ports C0h to DFh, every second address), and channel 4 is the cascade.
//!
//! Sources: Intel 8237A data sheet (231466), "DMA Operation", "Transfer Modes", "Register Description"; IBM PC AT
//! Technical Reference, "DMA Controllers": ports, page registers, the addresses of the word channels, a DMA clock of half
//! the bus clock and five of those for a byte, one of them a wait state.
//!
//! Whoever has the bus asks for one unit after the other with [`DmaControllers::serve`]; this crate moves no data.
//! Left out: the level of the DACK pins (command bit 7), and what the upper address lines do in a memory-to-memory
//! transfer, where no DACK chooses a page register: each half uses the page of its channel.

mod controller;

use controller::{Controller, Direction, Service};

/// What is read where nothing answers.
const OPEN_BUS: u8 = 0xFF;

/// The channel through which the low controller asks for the bus, as the high controller counts.
const CASCADE: u8 = 0;

/// The page registers of the channels, as offsets from port 80h.
const PAGES: [u8; 8] = [0x7, 0x3, 0x1, 0x2, 0xF, 0xB, 0x9, 0xA];

/// A DMA clock is two bus clocks long.
const BUS_CLOCKS_PER_CLOCK: u32 = 2;

/// The board's wait state in each transfer, in DMA clocks.
const WAIT_STATES: u32 = 1;

/// What a [`Transfer`] moves.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum TransferKind {
    /// The device's data go to memory.
    DeviceToMemory,
    /// Memory goes to the device.
    MemoryToDevice,
    /// The device is acknowledged, and neither memory nor the device is read or written.
    Verify,
    /// A byte goes from the transfer's address to `destination`. The board hands it to
    /// [`DmaControllers::set_temporary`] as well.
    MemoryToMemory {
        /// Physical address, below 16 MiB.
        destination: u32,
    },
    /// The device is master of the bus for as long as it keeps its request up; the controller moves nothing.
    BusMaster,
}

/// One unit of a DMA service.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Transfer {
    /// The channel, 0 to 7 without 4.
    pub channel: u8,
    /// What is moved in which direction.
    pub kind: TransferKind,
    /// Physical address, below 16 MiB; even for a word.
    pub address: u32,
    /// A word (channels 5 to 7) rather than a byte.
    pub is_word: bool,
    /// TC: this was the last unit of the count.
    pub is_terminal_count: bool,
    /// How long the bus is busy, in bus clocks, without what the processor takes to give it away and take it back.
    pub bus_clocks: u32,
    /// The bus stays granted for the next unit (block mode, demand mode with the request still up).
    pub is_bus_kept: bool,
}

/// The 8237A pair and the page registers.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct DmaControllers {
    low: Controller,
    high: Controller,
    pages: [u8; 16],
}

impl Default for DmaControllers {
    fn default() -> Self {
        Self::new()
    }
}

impl DmaControllers {
    /// After the reset line: all channels masked. The page registers, which no reset clears, hold 0.
    #[must_use]
    pub const fn new() -> Self {
        Self {
            low: Controller::new(),
            high: Controller::new(),
            pages: [0; 16],
        }
    }

    /// Reads port 00h to 0Fh, 80h to 8Fh or C0h to DFh. Others, and registers that cannot be read, give FFh.
    pub fn read(&mut self, port: u16) -> u8 {
        let value = match port {
            0x00..=0x0F => self.low.read(port),
            0x80..=0x8F => Some(self.pages[usize::from(port & 0xF)]),
            0xC0..=0xDF => self.high.read((port & 0x1F) >> 1),
            _ => None,
        };
        value.unwrap_or_else(|| {
            log::debug!("the 8237A pair drives nothing at port {port:#x}");
            OPEN_BUS
        })
    }

    /// Writes port 00h to 0Fh, 80h to 8Fh or C0h to DFh.
    pub fn write(&mut self, port: u16, value: u8) {
        match port {
            0x00..=0x0F => self.low.write(port, value),
            0x80..=0x8F => self.pages[usize::from(port & 0xF)] = value,
            0xC0..=0xDF => self.high.write((port & 0x1F) >> 1, value),
            _ => log::debug!("the 8237A pair has no port {port:#x}"),
        }
        self.cascade();
    }

    /// Drives DMA request line `channel` (0 to 7; 4 is not on the bus). See
    /// [`Effect::DmaRequest`](crate::Effect::DmaRequest).
    pub fn set_request(&mut self, channel: u8, is_high: bool) {
        match channel {
            0..=3 => self.low.set_line(channel, is_high),
            5..=7 => self.high.set_line(channel - 4, is_high),
            _ => panic!("an AT has DRQ 0 to 3 and 5 to 7"),
        }
        self.cascade();
    }

    /// The pair's HRQ pin: a channel waits for the bus.
    #[must_use]
    pub fn is_requesting_bus(&self) -> bool {
        match self.high.next_channel() {
            Some(CASCADE) => self.high.is_cascade(CASCADE) && self.low.next_channel().is_some(),
            channel => channel.is_some(),
        }
    }

    /// The processor has granted the bus: chooses the channel of highest priority, does one unit of its service and
    /// steps its address and count. `None` if no channel asks.
    pub fn serve(&mut self) -> Option<Transfer> {
        if !self.is_requesting_bus() {
            return None;
        }
        let transfer = match self.high.serve()? {
            Service::Cascade { channel: CASCADE } => {
                let service = self.low.serve();
                if !self.low.keeps_bus() {
                    self.high.end_cascade();
                }
                let mut transfer = self.transfer(service?, false);
                self.cascade();
                transfer.is_bus_kept = self.low.keeps_bus();
                transfer
            }
            service => {
                let mut transfer = self.transfer(service, true);
                transfer.is_bus_kept = self.high.keeps_bus();
                transfer
            }
        };
        Some(transfer)
    }

    /// The byte that the read half of a memory-to-memory transfer has brought.
    pub fn set_temporary(&mut self, value: u8) {
        self.low.set_temporary(value);
    }

    /// The reset line: as a master clear of both controllers. Addresses, counts, modes and pages stay.
    pub fn reset(&mut self) {
        self.low.clear();
        self.high.clear();
        self.cascade();
    }

    /// The low controller's HRQ pin is the high one's DREQ 0.
    fn cascade(&mut self) {
        self.high.set_line(CASCADE, self.low.next_channel().is_some());
    }

    fn transfer(&self, service: Service, is_word: bool) -> Transfer {
        let physical = |channel: u8, address: u16| self.physical(channel, address, is_word);
        let first = if is_word { 4 } else { 0 };
        match service {
            Service::Unit {
                channel,
                direction,
                address,
                is_terminal_count,
                states,
            } => Transfer {
                channel: first + channel,
                kind: match direction {
                    Direction::Verify => TransferKind::Verify,
                    Direction::DeviceToMemory => TransferKind::DeviceToMemory,
                    Direction::MemoryToDevice => TransferKind::MemoryToDevice,
                },
                address: physical(first + channel, address),
                is_word,
                is_terminal_count,
                bus_clocks: (states + WAIT_STATES) * BUS_CLOCKS_PER_CLOCK,
                is_bus_kept: false,
            },
            Service::Copy {
                source,
                destination,
                is_terminal_count,
                states,
            } => Transfer {
                channel: first,
                kind: TransferKind::MemoryToMemory {
                    destination: physical(first + 1, destination),
                },
                address: physical(first, source),
                is_word,
                is_terminal_count,
                bus_clocks: (states + 2 * WAIT_STATES) * BUS_CLOCKS_PER_CLOCK,
                is_bus_kept: false,
            },
            Service::Cascade { channel } => Transfer {
                channel: first + channel,
                kind: TransferKind::BusMaster,
                address: 0,
                is_word,
                is_terminal_count: false,
                bus_clocks: 0,
                is_bus_kept: false,
            },
        }
    }

    /// The page is no counter: an address wraps within 64 KiB, or within 128 KiB for words, whose address lines are
    /// one higher and whose page has no bit 0.
    fn physical(&self, channel: u8, address: u16, is_word: bool) -> u32 {
        let page = u32::from(self.pages[usize::from(PAGES[usize::from(channel & 7)])]);
        if is_word {
            (page & 0xFE) << 16 | u32::from(address) << 1
        } else {
            page << 16 | u32::from(address)
        }
    }
}

#[cfg(test)]
mod tests;
