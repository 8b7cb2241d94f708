//! The first attempt at an instruction that accesses memory. It succeeds where the operand is found at once, as nearly always, and
//! otherwise is as if it had never been made: then the instruction executes in full. So the compiler finds no call in the
//! handler of the attempt, has nothing to save around one, and makes it a few dozen machine instructions.
//!
//! An attempt is the instruction's own handler on a [`Quick`] bus, where [`Bus::IS_QUICK`] has every access that is not found at once
//! return `Fault::NOT_AT_ONCE`; after any fault the instruction executes in full. A handler that changes nothing before its last access can fault is fit for it, the more so as reads
//! found at once do not change the board either.

use crate::{Bus, Cycle, DeviceMoves, Moves, Page, Pins, Reply, Width};

/// A bus that answers at once or not at all. With `FLAT` only for operands in segments that do not begin at zero and reach over all
/// addresses, where an offset is a linear address and there is no limit. It counts the cycles of the instruction, so that they need not
/// pass through memory.
pub(crate) struct Quick<'a, B, const FLAT: bool> {
    pub(crate) bus: &'a mut B,
    /// When the instruction ends, as far as it is known.
    pub(crate) cycles: Cycle,
}

impl<B: Bus, const FLAT: bool> Bus for Quick<'_, B, FLAT> {
    const IS_QUICK: bool = true;
    const IS_FLAT: bool = FLAT;

    #[inline(always)]
    fn charge(&mut self, _: &mut Cycle, cycles: Cycle) {
        self.cycles += cycles;
    }

    #[inline(always)]
    fn memory(&mut self) -> &mut [u8] {
        self.bus.memory()
    }

    fn page(&self, page: u32) -> Page {
        self.bus.page(page)
    }

    #[inline(always)]
    fn memory_wait(&mut self, address: u32, is_write: bool) -> u32 {
        self.bus.memory_wait(address, is_write)
    }

    #[inline(always)]
    fn is_ready(&self, address: u32) -> bool {
        self.bus.is_ready(address)
    }

    fn reads_wait(&mut self, address: u32, count: u32) -> u32 {
        self.bus.reads_wait(address, count)
    }

    fn moves(&mut self, moves: Moves) -> (u32, Cycle) {
        self.bus.moves(moves)
    }

    fn device_moves(&mut self, moves: DeviceMoves) -> (u32, Cycle) {
        self.bus.device_moves(moves)
    }

    fn read(&mut self, at: Cycle, address: u32, width: Width) -> Reply {
        self.bus.read(at, address, width)
    }

    fn write(&mut self, at: Cycle, address: u32, width: Width, value: u32) -> u32 {
        self.bus.write(at, address, width, value)
    }

    fn input(&mut self, at: Cycle, port: u16, width: Width) -> Reply {
        self.bus.input(at, port, width)
    }

    fn output(&mut self, at: Cycle, port: u16, width: Width, value: u32) -> u32 {
        self.bus.output(at, port, width, value)
    }

    fn acknowledge(&mut self, at: Cycle) -> Reply {
        self.bus.acknowledge(at)
    }

    fn pins(&self) -> Pins {
        self.bus.pins()
    }

    fn nmi_taken(&mut self) {
        self.bus.nmi_taken();
    }
}
