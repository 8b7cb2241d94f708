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

use crate::clocks;
use crate::core::Core;
use crate::{Bus, Cycle};

/// Bytes in a block.
const BLOCK_BYTES: u32 = 16;
const BLOCK_DWORDS: u32 = BLOCK_BYTES / 4;

/// Offset of the block whose first byte lies among `length` bytes at `offset`.
pub(crate) fn block_within(offset: u32, length: u32) -> Option<u32> {
    let block = offset.next_multiple_of(BLOCK_BYTES);
    (block - offset < length).then_some(block)
}

/// Whether `length` bytes at `offset` lie in two blocks.
pub(crate) fn is_in_two_blocks(offset: u32, length: u32) -> bool {
    offset % BLOCK_BYTES + length > BLOCK_BYTES
}

impl Core {
    /// Whether [`Core::fetch_target`] would charge nothing for what lies at an offset of the page and in the same block.
    #[inline(always)]
    pub(crate) fn has_target_at_once<B: Bus>(&self, bus: &B, offset: u32) -> bool {
        self.prefetch_owed == 0 && bus.is_ready(self.code_base | offset)
    }

    /// Charges the fetch of the instruction at byte `address` of [`Bus::memory`] after a change of flow. Of one that lies in two
    /// frames, each part is charged by itself.
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
            self.prefetch_begun += clocks::BUS_CYCLE * Cycle::from(rest);
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
        let fetch = clocks::BUS_CYCLE * Cycle::from(BLOCK_DWORDS);
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

#[cfg(test)]
mod tests {
    use crate::cpu::{Cpu, Stop};
    use crate::test_board::{Board, protected};
    use crate::{Cycle, Register};

    /// At the beginning of a block and of a page.
    const CODE: u32 = 0x1_0000;

    fn machine(code: &[u8], code_wait: u32, has_cache: bool) -> (Cpu<Board>, Board) {
        let mut board = Board::new();
        let mut core = protected(&mut board);
        board.set_bytes(CODE, code);
        board.code_wait = code_wait;
        board.cached_lines = has_cache.then(Vec::new);
        core.eip = CODE;
        (Cpu::with_core(core), board)
    }

    /// Cycles up to HLT, whose 5 are left out.
    fn cycles(code: &[u8], code_wait: u32, has_cache: bool) -> Cycle {
        let (mut cpu, mut board) = machine(&[code, &[0xF4]].concat(), code_wait, has_cache);
        assert_eq!(cpu.run(&mut board), Stop::Halted);
        cpu.cycles() - 5
    }

    #[test]
    fn a_jump_waits_for_the_dwords_of_its_target_and_once_for_a_cold_line() {
        // jmp +30h; there: mov eax,imm32 in two dwords, hlt
        let mut code = [0x90; 0x37];
        code[..2].copy_from_slice(&[0xEB, 0x30]);
        code[0x32] = 0xB8;
        let manual = 7 + 2 + 2;
        assert_eq!(cycles(&code, 0, false), manual);
        assert_eq!(cycles(&code, 3, false), manual + 3 + 2 * 3);
        assert_eq!(cycles(&code, 3, true), manual + 3 + 3);
    }

    #[test]
    fn code_in_the_cache_costs_nothing() {
        // mov ecx,n; l: dec ecx; jnz l
        let turns = |count| cycles(&[0xB9, count, 0, 0, 0, 0x49, 0x75, 0xFD], 9, true);
        assert_eq!(turns(9) - turns(4), 5 * (2 + 7 + 1));
    }

    #[test]
    fn the_prefetch_of_a_straight_line_hides_behind_slow_instructions() {
        // A block of NOPs takes 48 clocks, its fetch 8 and four wait states.
        let blocks = |count: usize, wait| cycles(&vec![0x90; 16 * count - 1], wait, false);
        for (wait, each) in [(0, 48), (10, 48), (11, 48 + 4), (13, 48 + 12)] {
            assert_eq!(blocks(7, wait) - blocks(3, wait), 4 * each, "{wait} wait states");
        }
    }

    #[test]
    fn a_straight_line_of_quick_long_instructions_is_bound_by_its_fetches() {
        // Sixteen times MOV EAX, imm32, of 2 clocks, in five blocks: each waits for all wait states of its fetch.
        let code = [0xB8, 1, 2, 3, 4].repeat(16);
        let (eighty, twice) = (cycles(&code, 2, false), cycles(&code.repeat(2), 2, false));
        assert_eq!(twice - eighty, 32 + 5 * 4 * 2);
        assert_eq!(cycles(&code.repeat(2), 0, false), 64);
    }

    #[test]
    fn cutting_a_run_anywhere_or_decoding_singly_changes_no_cycle() {
        // mov ecx,5; l: mov eax,imm32 x 7; call f; dec ecx; jnz l; jmp to the end; f: nop x 20; ret
        let mut code = vec![0xB9, 5, 0, 0, 0];
        code.extend([0xB8, 1, 2, 3, 4].repeat(7));
        code.extend([0xE8, 5, 0, 0, 0, 0x49, 0x75, 0xD5, 0xEB, 21]);
        code.extend([0x90; 20]);
        code.extend([0xC3, 0xF4]);
        for (wait, has_cache) in [(0, false), (3, false), (7, false), (5, true)] {
            let (mut whole, mut board) = machine(&code, wait, has_cache);
            assert_eq!(whole.run(&mut board), Stop::Halted);
            let (mut single, mut board) = machine(&code, wait, has_cache);
            assert_eq!(single.run_singly(&mut board), Stop::Halted);
            assert_eq!(single.state().cycles, whole.state().cycles);
            let (mut cut, mut board) = machine(&code, wait, has_cache);
            loop {
                board.pins.until = cut.cycles() + 1;
                if cut.run(&mut board) == Stop::Halted {
                    break;
                }
                let state = cut.state();
                cut.restore(&state);
            }
            assert_eq!(cut.state().cycles, whole.state().cycles);
            assert_eq!(cut.state().general[Register::Ecx as usize], 0);
        }
    }
}
