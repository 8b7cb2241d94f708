//! The first attempt at an instruction that accesses memory. It succeeds where the operand is found at once, as nearly always, and
//! otherwise is as if it had never been made: then the instruction executes in full. So the compiler finds no call in the
//! handler of the attempt, has nothing to save around one, and makes it a few dozen machine instructions.
//!
//! An attempt is the instruction's own handler on a [`Quick`] bus, where [`Bus::IS_QUICK`] has every access that is not found at once
//! return [`Fault::NOT_AT_ONCE`]; after any fault the instruction executes in full. A handler that changes nothing before its last access can fault is fit for it, the more so as reads
//! found at once do not change the board either.

use crate::{Bus, Cycle, Moves, Page, Pins, Reply, Width};

/// A bus that answers at once or not at all.
pub(crate) struct Quick<'a, B>(pub(crate) &'a mut B);

impl<B: Bus> Bus for Quick<'_, B> {
    const IS_QUICK: bool = true;

    #[inline(always)]
    fn memory(&mut self) -> &mut [u8] {
        self.0.memory()
    }

    fn page(&self, page: u32) -> Page {
        self.0.page(page)
    }

    #[inline(always)]
    fn memory_wait(&mut self, address: u32, is_write: bool) -> u32 {
        self.0.memory_wait(address, is_write)
    }

    #[inline(always)]
    fn is_ready(&self, address: u32) -> bool {
        self.0.is_ready(address)
    }

    fn reads_wait(&mut self, address: u32, count: u32) -> u32 {
        self.0.reads_wait(address, count)
    }

    fn moves(&mut self, moves: Moves) -> (u32, Cycle) {
        self.0.moves(moves)
    }

    fn read(&mut self, at: Cycle, address: u32, width: Width) -> Reply {
        self.0.read(at, address, width)
    }

    fn write(&mut self, at: Cycle, address: u32, width: Width, value: u32) -> u32 {
        self.0.write(at, address, width, value)
    }

    fn input(&mut self, at: Cycle, port: u16, width: Width) -> Reply {
        self.0.input(at, port, width)
    }

    fn output(&mut self, at: Cycle, port: u16, width: Width, value: u32) -> u32 {
        self.0.output(at, port, width, value)
    }

    fn acknowledge(&mut self, at: Cycle) -> Reply {
        self.0.acknowledge(at)
    }

    fn pins(&self) -> Pins {
        self.0.pins()
    }

    fn nmi_taken(&mut self) {
        self.0.nmi_taken();
    }
}
