//! A board for random cases: little memory of which a page is ROM, devices behind it, an address line that can be switched
//! off, ports that pull every pin, wait states that differ from dword to dword.

use std::cell::Cell;

use crate::{Bus, Cycle, Page, Pins, Reply, Width};

/// Bytes of memory: addresses from here on are devices.
pub(super) const MEMORY_BYTES: usize = 0x4_0000;
/// A page that cannot be written.
const ROM_PAGE: u32 = 0x3F;
/// A page within memory that is a device.
pub(super) const DEVICE_PAGE: u32 = 0x3E;
/// The page bit that the address gate switches off.
const GATED_PAGE_BIT: u32 = 1 << 5;

/// What the processor has done to devices; enough to compare two runs.
#[derive(Clone, Debug, PartialEq, Eq)]
enum Access {
    Write(Cycle, u32, Width, u32),
    Output(Cycle, u16, Width, u32),
    Acknowledge(Cycle),
}

/// The board.
#[derive(Clone, Debug)]
pub(super) struct Field {
    pub(super) memory: Vec<u8>,
    pub(super) pins: Pins,
    is_gated: bool,
    accesses: Vec<Access>,
    /// Calls of the processor, a measure of the host's work.
    pub(super) calls: Cell<u64>,
}

impl PartialEq for Field {
    fn eq(&self, other: &Self) -> bool {
        self.memory == other.memory
            && self.is_gated == other.is_gated
            && self.accesses == other.accesses
            && (self.pins.interrupt, self.pins.nmi, self.pins.map_generation)
                == (other.pins.interrupt, other.pins.nmi, other.pins.map_generation)
    }
}

impl Field {
    pub(super) fn new() -> Self {
        Self {
            memory: vec![0; MEMORY_BYTES],
            pins: Pins {
                interrupt: false,
                nmi: false,
                until: 0,
                map_generation: 0,
            },
            is_gated: false,
            accesses: Vec::new(),
            calls: Cell::new(0),
        }
    }

    /// Writes bytes, as far as they lie in memory.
    pub(super) fn set_bytes(&mut self, address: u32, bytes: &[u8]) {
        for (at, byte) in (address as usize..).zip(bytes) {
            if let Some(place) = self.memory.get_mut(at) {
                *place = *byte;
            }
        }
    }

    pub(super) fn set_dword(&mut self, address: u32, value: u32) {
        self.set_bytes(address, &value.to_le_bytes());
    }

    /// Switches the address gate.
    pub(super) fn toggle_gate(&mut self) {
        self.is_gated = !self.is_gated;
        self.pins.map_generation = self.pins.map_generation.wrapping_add(1);
    }

    fn call(&self) {
        self.calls.set(self.calls.get() + 1);
    }
}

/// What a device or port answers: anything, but always the same.
fn answer(address: u32) -> u32 {
    address.wrapping_mul(0x9E37_79B1).rotate_left(13)
}

impl Bus for Field {
    fn memory(&mut self) -> &mut [u8] {
        &mut self.memory
    }

    fn page(&self, page: u32) -> Page {
        self.call();
        let page = if self.is_gated {
            page & !GATED_PAGE_BIT
        } else {
            page
        };
        match page {
            DEVICE_PAGE => Page::Device,
            page if (page as usize) < MEMORY_BYTES / 0x1000 => Page::Memory {
                frame: page,
                is_writable: page != ROM_PAGE,
            },
            _ => Page::Device,
        }
    }

    fn memory_wait(&mut self, address: u32, is_write: bool) -> u32 {
        self.call();
        (answer(address >> 2) & 3) * u32::from(!is_write)
    }

    /// Answers that change with time show when they are read. Bytes do not change and are no string instructions, for code
    /// is fetched as bytes, and a repeated instruction in a device page is fetched anew when it goes on.
    fn read(&mut self, at: Cycle, address: u32, width: Width) -> Reply {
        const CODE: [u8; 8] = [0x90, 0xF4, 0x40, 0x00, 0x8B, 0xC1, 0x75, 0x0F];
        self.call();
        let value = match width {
            Width::Byte => CODE[answer(address) as usize % CODE.len()].into(),
            _ => answer(address) ^ at as u32,
        };
        Reply {
            value,
            wait: address & 7,
        }
    }

    fn write(&mut self, at: Cycle, address: u32, width: Width, value: u32) -> u32 {
        self.call();
        self.accesses.push(Access::Write(at, address, width, value));
        address & 3
    }

    fn input(&mut self, at: Cycle, port: u16, _: Width) -> Reply {
        self.call();
        Reply {
            value: answer(port.into()) ^ at as u32,
            wait: u32::from(port) & 7,
        }
    }

    fn output(&mut self, at: Cycle, port: u16, width: Width, value: u32) -> u32 {
        self.call();
        self.accesses.push(Access::Output(at, port, width, value));
        match port & 0x0F {
            0 => self.pins.interrupt = true,
            1 => self.pins.interrupt = false,
            2 => self.pins.nmi = true,
            3 => self.toggle_gate(),
            _ => {}
        }
        u32::from(port) & 7
    }

    fn acknowledge(&mut self, at: Cycle) -> Reply {
        self.call();
        self.accesses.push(Access::Acknowledge(at));
        self.pins.interrupt = false;
        Reply {
            value: at as u32 & 0x3F,
            wait: 4,
        }
    }

    fn pins(&self) -> Pins {
        self.pins
    }

    fn nmi_taken(&mut self) {
        self.pins.nmi = false;
    }
}
