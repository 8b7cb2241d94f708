//! Random code in every mode. Nothing a guest does may panic or keep the host, and what is cached may not show.
//!
//! Cases are numbered; a number is the seed of its case, so that a failure can be repeated.

use crate::core::Core;
use crate::cpu::{Cpu, Stop};
use crate::test_board::{Board, CODE_0, GDT, IDT, TASK_BASE, protected, user};
use crate::{Control, Flags, Segment, SegmentRegister, State};

/// Where random code lies.
const CODE: u32 = 0x1_0000;
const CODE_BYTES: usize = 0x3000;
/// Where page tables lie in the paged modes.
const DIRECTORY: u32 = 0x6_0000;
const CASES: u64 = 1500;
/// A case that a longer run has found: REP MOVSB overwrites itself and is left between two iterations.
const FOUND: u64 = 2886;
const SLICES: u64 = 12;
const SLICE_CYCLES: u64 = 400;

/// SplitMix64 (Steele, Lea, Flood 2014).
struct Random(u64);

impl Random {
    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9E37_79B9_7F4A_7C15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        z ^ (z >> 31)
    }

    fn below(&mut self, limit: u64) -> u64 {
        self.next() % limit
    }

    /// A byte of code: opcodes of two bytes, prefixes and short jumps are more frequent than chance makes them.
    fn code_byte(&mut self) -> u8 {
        const FREQUENT: [u8; 12] = [
            0x0F, 0x66, 0x67, 0xF3, 0x75, 0xEB, 0xE2, 0x00, 0xC7, 0xA5, 0x8B, 0x89,
        ];
        match self.below(4) {
            0 => FREQUENT[self.below(12) as usize],
            _ => self.next() as u8,
        }
    }

    /// A register: mostly an address near the code or the stack.
    fn register(&mut self) -> u32 {
        match self.below(4) {
            0 => self.next() as u32,
            1 => self.below(0x100) as u32,
            _ => CODE + self.below(0x4000) as u32,
        }
    }
}

/// A processor in one of six modes in front of random code, with random registers, and with gates that lead back into the
/// code.
fn case(seed: u64) -> (Cpu<Board>, Board) {
    let random = &mut Random(seed);
    let mut board = Board::new();
    let mode = seed % 6;
    let mut core = match mode {
        0 => Core::new(),
        1 | 2 => user(&mut board),
        _ => protected(&mut board),
    };
    for vector in 0..48 {
        let offset = CODE + random.below(CODE_BYTES as u64) as u32;
        let access = [0x8E, 0x8F, 0xEE, 0x86, 0x85][random.below(5) as usize];
        board.set_gate(IDT + vector * 8, CODE_0, offset, access, 0);
        board.set_dword(vector * 4, offset & 0xFFFF | 0x1000 << 16);
    }
    board.set_dword(TASK_BASE + 0x64, 0x0068_0000);
    board.set_gate(GDT + 0x40, CODE_0, CODE + 0x100, 0xEC, 3);
    board.set_segment(0x48, CODE, 0x0FFF, 0x40F7);
    board.set_segment(0x50, CODE, 0x2FFF, 0x00FB);
    let code: Vec<u8> = (0..CODE_BYTES).map(|_| random.code_byte()).collect();
    board.set_bytes(CODE, &code);
    board.code_wait = random.below(8) as u32;
    for register in &mut core.general[..8] {
        *register = random.register();
    }
    core.general[4] = 0x8000;
    core.eip = CODE + random.below(0x2000) as u32;
    match mode {
        0 => enter_real(&mut core),
        2 => enter_virtual_8086(&mut core),
        3 => enter_16_bit(&mut core),
        4 => enable_paging(&mut core, &mut board, random),
        _ => {}
    }
    let flags = core.eflags() | Flags::from_bits_truncate(random.next() as u32 & 0x0CD5);
    core.set_eflags(flags);
    board.pins.interrupt = random.below(4) == 0;
    board.answer = 0x20;
    (Cpu::with_core(core), board)
}

fn enter_real(core: &mut Core) {
    for segment in Segment::ALL {
        core.set_segment(segment, SegmentRegister::real((CODE >> 4) as u16));
    }
    core.eip &= 0x1FFF;
}

fn enter_virtual_8086(core: &mut Core) {
    for segment in Segment::ALL {
        core.set_segment(segment, SegmentRegister::virtual_8086((CODE >> 4) as u16));
    }
    core.set_eflags(core.eflags() | Flags::VIRTUAL_8086);
    core.eip &= 0x1FFF;
}

fn enter_16_bit(core: &mut Core) {
    let code = SegmentRegister {
        selector: CODE_0,
        base: CODE - 0x123,
        limit: 0x2FFF,
        access: 0x009B,
    };
    core.set_segment(Segment::Cs, code);
    core.eip &= 0x1FFF;
}

/// One page table for the first 4 MB, some of its pages absent or read-only or the system's.
fn enable_paging(core: &mut Core, board: &mut Board, random: &mut Random) {
    let table = DIRECTORY + 0x1000;
    board.set_dword(DIRECTORY, table | 7);
    for page in 0..256 {
        let is_needed = page < 10 || page * 0x1000 == CODE;
        let attributes = if is_needed {
            7
        } else {
            [7, 7, 5, 3, 6][random.below(5) as usize]
        };
        board.set_dword(table + page * 4, (page * 0x1000) | attributes);
    }
    let control = core.cr0 | Control::PAGING;
    core.move_to_control(3, DIRECTORY).expect("level 0 may");
    core.move_to_control(0, control.bits()).expect("level 0 may");
}

/// Runs a case in slices; before each slice `between` may do something to the processor.
fn run(seed: u64, mut between: impl FnMut(&mut Cpu<Board>)) -> (Vec<(Stop, State)>, Board) {
    let (mut cpu, mut board) = case(seed);
    let mut history = Vec::new();
    for slice in 1..=SLICES {
        board.pins.until = slice * SLICE_CYCLES;
        between(&mut cpu);
        let stop = cpu.run(&mut board);
        if stop == Stop::Reached {
            assert!(cpu.cycles() >= board.pins.until, "seed {seed}: time has passed");
        }
        history.push((stop, cpu.state()));
        if stop != Stop::Reached {
            break;
        }
    }
    (history, board)
}

#[test]
fn random_code_neither_panics_nor_keeps_the_host_and_runs_the_same_without_cached_code() {
    let mut instructions = 0;
    for seed in (0..CASES).chain([FOUND]) {
        let (warm, warm_board) = run(seed, |_| {});
        let (cold, cold_board) = run(seed, |cpu| {
            let state = cpu.state();
            cpu.restore(&state);
        });
        assert_eq!(warm, cold, "seed {seed}");
        assert!(warm_board == cold_board, "seed {seed}: memory differs");
        instructions += warm.last().map_or(0, |(_, state)| state.instructions);
    }
    assert!(
        instructions > 10 * CASES,
        "the cases do run: {instructions} instructions"
    );
}

#[test]
fn random_code_runs_the_same_one_instruction_at_a_time() {
    for seed in 0..CASES {
        let (mut fast, mut fast_board) = case(seed);
        let (mut slow, mut slow_board) = case(seed);
        fast_board.pins.until = SLICE_CYCLES;
        slow_board.pins.until = SLICE_CYCLES;
        let stops = (fast.run(&mut fast_board), slow.run_singly(&mut slow_board));
        assert_eq!(stops.0, stops.1, "seed {seed}");
        let without_page = |cpu: &Cpu<Board>| State {
            executed_page: None,
            ..cpu.state()
        };
        assert_eq!(without_page(&fast), without_page(&slow), "seed {seed}");
        assert!(fast_board == slow_board, "seed {seed}: memory differs");
    }
}
