//! A board for tests of the processor alone.

use cpu::{Bus, Cycle, Page, Pins, Reply, Width};

/// Memory from address 0 on without wait states; all other addresses and all ports read as `answer`, and forget what is written.
#[derive(Clone, Debug)]
pub struct Board {
    /// A whole number of pages of 4 KB.
    pub memory: Vec<u8>,
    /// What ports and absent memory answer.
    pub answer: u32,
    /// No instruction begins at or after this cycle.
    pub until: Cycle,
}

impl Board {
    /// A board with `memory` that runs until a cycle and answers ones.
    #[must_use]
    pub fn new(memory: Vec<u8>, until: Cycle) -> Self {
        Self {
            memory,
            answer: u32::MAX,
            until,
        }
    }

    /// Writes bytes of memory.
    ///
    /// # Panics
    /// If they are not all there.
    pub fn write_bytes(&mut self, address: u32, bytes: &[u8]) {
        let at = address as usize;
        self.memory[at..at + bytes.len()].copy_from_slice(bytes);
    }

    fn reply(&self) -> Reply {
        Reply {
            value: self.answer,
            wait: 0,
        }
    }
}

impl Bus for Board {
    fn memory(&mut self) -> &mut [u8] {
        &mut self.memory
    }

    fn page(&self, page: u32) -> Page {
        if (page as usize) < self.memory.len() / 0x1000 {
            Page::Memory {
                frame: page,
                is_writable: true,
            }
        } else {
            Page::Device
        }
    }

    fn is_ready(&self, _: u32) -> bool {
        true
    }

    fn memory_wait(&mut self, _: u32, _: bool) -> u32 {
        0
    }

    fn read(&mut self, _: Cycle, _: u32, _: Width) -> Reply {
        self.reply()
    }

    fn write(&mut self, _: Cycle, _: u32, _: Width, _: u32) -> u32 {
        0
    }

    fn input(&mut self, _: Cycle, _: u16, _: Width) -> Reply {
        self.reply()
    }

    fn output(&mut self, _: Cycle, _: u16, _: Width, _: u32) -> u32 {
        0
    }

    fn acknowledge(&mut self, _: Cycle) -> Reply {
        self.reply()
    }

    fn pins(&self) -> Pins {
        Pins {
            interrupt: false,
            nmi: false,
            until: self.until,
            map_generation: 0,
        }
    }

    fn nmi_taken(&mut self) {}
}
