//! The board of the recordings: 16 MB of memory and nothing else. Ports read as ones, as the recorded ones did.

use std::cell::RefCell;
use std::collections::BTreeSet;

use cpu::{Bus, Cycle, Page, Pins, Reply, Width};

const PAGE_BYTES: usize = 4096;
const MEMORY_BYTES: usize = 16 << 20;
/// Longer than any recorded instruction with its HLT takes.
const DEADLINE: Cycle = 50_000;

/// The board.
pub(crate) struct Board {
    memory: Vec<u8>,
    /// Pages that the processor has asked for, or that were loaded: all others are zero.
    touched: RefCell<BTreeSet<u32>>,
    /// Port and byte of each write to a port, cut into the cycles of a bus of 16 bits.
    pub(crate) port_writes: Vec<Vec<(u16, u8)>>,
}

impl Board {
    /// All memory zero.
    pub(crate) fn new() -> Self {
        Self {
            memory: vec![0; MEMORY_BYTES],
            touched: RefCell::default(),
            port_writes: Vec::new(),
        }
    }

    /// Empties the memory and writes these bytes.
    pub(crate) fn load(&mut self, bytes: &[(u32, u8)]) {
        for page in self.touched.take() {
            self.memory[page_range(page)].fill(0);
        }
        self.port_writes.clear();
        for &(address, byte) in bytes {
            self.touched.borrow_mut().insert(address >> 12);
            self.memory[address as usize] = byte;
        }
    }

    /// Addresses whose contents differ from that of `expected`, with what is there and what should be. Of an address that
    /// is named twice the last counts; of one that is not named zero is expected.
    pub(crate) fn differences(&self, expected: &[(u32, u8)]) -> Vec<(u32, u8, u8)> {
        let mut pages = self.touched.borrow().clone();
        pages.extend(expected.iter().map(|(address, _)| address >> 12));
        let mut differences = Vec::new();
        for page in pages {
            let mut wanted = [0; PAGE_BYTES];
            for (address, byte) in expected.iter().filter(|(address, _)| address >> 12 == page) {
                wanted[*address as usize % PAGE_BYTES] = *byte;
            }
            let there = &self.memory[page_range(page)];
            if there != wanted {
                let pairs = there.iter().zip(wanted).zip(page << 12..);
                let different = pairs.filter(|((is, should), _)| *is != should);
                differences.extend(different.map(|((is, should), at)| (at, *is, should)));
            }
        }
        differences
    }
}

fn page_range(page: u32) -> std::ops::Range<usize> {
    let start = page as usize * PAGE_BYTES;
    start..start + PAGE_BYTES
}

impl Bus for Board {
    fn memory(&mut self) -> &mut [u8] {
        &mut self.memory
    }

    fn page(&self, page: u32) -> Page {
        let frame = page % (MEMORY_BYTES / PAGE_BYTES) as u32;
        self.touched.borrow_mut().insert(frame);
        Page::Memory {
            frame,
            is_writable: true,
        }
    }

    fn is_ready(&self, _: u32) -> bool {
        true
    }

    fn memory_wait(&mut self, _: u32, _: bool) -> u32 {
        0
    }

    fn read(&mut self, _: Cycle, address: u32, _: Width) -> Reply {
        unreachable!("a device at {address:#x}")
    }

    fn write(&mut self, _: Cycle, address: u32, _: Width, _: u32) -> u32 {
        unreachable!("a device at {address:#x}")
    }

    fn input(&mut self, _: Cycle, _: u16, _: Width) -> Reply {
        Reply {
            value: u32::MAX,
            wait: 0,
        }
    }

    fn output(&mut self, _: Cycle, port: u16, width: Width, value: u32) -> u32 {
        let bytes = value.to_le_bytes();
        let places = (0..width.bytes()).map(|at| (port.wrapping_add(at as u16), bytes[at as usize]));
        for (port, byte) in places {
            match self.port_writes.last_mut() {
                Some(cycle) if port & 1 != 0 && width != Width::Byte && cycle[0].0 == port - 1 => {
                    cycle.push((port, byte));
                }
                _ => self.port_writes.push(vec![(port, byte)]),
            }
        }
        0
    }

    fn acknowledge(&mut self, _: Cycle) -> Reply {
        unreachable!("no interrupt is requested")
    }

    fn pins(&self) -> Pins {
        Pins {
            interrupt: false,
            nmi: false,
            until: DEADLINE,
            map_generation: 0,
        }
    }

    fn nmi_taken(&mut self) {}
}
