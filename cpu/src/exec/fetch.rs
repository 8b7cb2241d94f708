//! When code reaches the processor. The clocks of the manual hold for code that has been prefetched (PRM section 17.2.1);
//! what memory adds to them is worked out here, in blocks of 16 bytes: the size of the prefetch queue.
//!
//! * A change of flow empties the queue: the wait states of the dwords that hold the target instruction are charged in full.
//!   Those of the rest of its block come on top of the next block's.
//! * On a straight line every block is prefetched in one go while the block before it executes. The instruction that holds
//!   its first byte waits for the wait states that are left: those beyond the cycles since the block before was entered,
//!   less the bus cycles of the fetch itself.
//!
//! So memory without wait states costs nothing, and straight code in slow memory is bound by its fetches. Left out: bus cycles
//! of operands delay the prefetch, and an instruction can begin before its whole block is there.

use super::Done;
use crate::core::Core;
use crate::op::{Flow, Op};
use crate::paging::BUS_CYCLE_CLOCKS;
use crate::{Bus, Cycle};

/// Bytes in a block.
pub(crate) const BLOCK_BYTES: u32 = 16;
const BLOCK_DWORDS: u32 = BLOCK_BYTES / 4;

/// Offset of the block whose first byte lies among `length` bytes at `offset`.
pub(crate) fn block_within(offset: u32, length: u32) -> Option<u32> {
    let block = offset.next_multiple_of(BLOCK_BYTES);
    (block - offset < length).then_some(block)
}

/// The next instruction holds the first byte of the block at offset `immediate` of the page. It is no instruction itself.
pub(crate) fn enter_block<B: Bus>(core: &mut Core, bus: &mut B, op: &Op) -> Done {
    core.fetch_block(bus, core.code_base | op.immediate);
    Ok(if op.rm == 0 { Flow::Straight } else { Flow::Pause })
}

impl Core {
    /// Charges the fetch of the instruction at byte `address` of [`Bus::memory`] after a change of flow. Of one that lies in two
    /// frames, each part is charged by itself.
    #[inline(always)]
    pub(crate) fn fetch_target<B: Bus>(&mut self, bus: &mut B, address: u32, length: u32) {
        let mut wait = bus.reads_wait(address, dwords(address, length));
        let end = address + length;
        let second = (address | (BLOCK_BYTES - 1)) + 1;
        if end > second {
            wait += bus.reads_wait(second, dwords(second, end - second));
        }
        self.prefetch_begun = self.cycles;
        if wait | self.prefetch_owed != 0 {
            self.wait_for_target(bus, end, wait);
        }
    }

    /// The instruction ends at byte `end`.
    #[inline(never)]
    fn wait_for_target<B: Bus>(&mut self, bus: &mut B, end: u32, wait: u32) {
        let fetched = end.next_multiple_of(4);
        let rest = (fetched.next_multiple_of(BLOCK_BYTES) - fetched) / 4;
        self.prefetch_owed = if rest == 0 {
            0
        } else {
            bus.reads_wait(fetched, rest)
        };
        self.cycles += Cycle::from(wait);
        self.prefetch_begun = self.cycles;
        if self.prefetch_owed != 0 {
            self.prefetch_begun += BUS_CYCLE_CLOCKS * Cycle::from(rest);
        }
    }

    /// Charges the prefetch of the block at byte `address` of [`Bus::memory`], which the next instruction waits for.
    #[inline(always)]
    pub(crate) fn fetch_block<B: Bus>(&mut self, bus: &mut B, address: u32) {
        let wait = bus.reads_wait(address, BLOCK_DWORDS);
        if wait | self.prefetch_owed != 0 {
            self.wait_for_block(wait);
        }
        self.prefetch_begun = self.cycles;
    }

    #[inline(never)]
    fn wait_for_block(&mut self, wait: u32) {
        let waits = Cycle::from(wait + std::mem::take(&mut self.prefetch_owed));
        let fetch = BUS_CYCLE_CLOCKS * Cycle::from(BLOCK_DWORDS);
        let slack = self.cycles.saturating_sub(self.prefetch_begun + fetch);
        self.cycles += waits.saturating_sub(slack);
    }
}

/// How many dwords of its first block an instruction lies in.
#[inline(always)]
fn dwords(address: u32, length: u32) -> u32 {
    let in_block = (address % BLOCK_BYTES + length).min(BLOCK_BYTES);
    in_block.div_ceil(4) - address % BLOCK_BYTES / 4
}
