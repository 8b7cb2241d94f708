//! Tests of passages: programs that go from level to level all the time run the same with and without the short way, whatever their
//! descriptors, gates, task state and stacks are.

use iced_x86::IcedError;
use iced_x86::code_asm::{CodeAssembler, eax, ecx};
use proptest::prelude::{
    ProptestConfig, Strategy, any, prop, prop_assert, prop_assert_eq, prop_oneof, proptest,
};

use crate::descriptor::Selector;
use crate::test_board::{Board, CODE_0, DATA_0, DATA_3, FREE, GDT, IDT, TASK_BASE, protected, user};
use crate::{Control, Cpu, Flags, Register, Segment, SegmentRegister, State, Stop};

const CODE: u32 = 0x1_0000;
/// Handlers lie in the page of the program.
const ADD: u32 = CODE + 0x100;
const ADD_AND_RETURN: u32 = CODE + 0x140;
const NEST: u32 = CODE + 0x180;
const SUBROUTINE: u32 = CODE + 0x1C0;
const HALT: u32 = CODE + 0x1E0;
const TURNS: u32 = 40;
const DIRECTORY: u32 = 0x4_0000;
const TABLE: u32 = 0x4_1000;
/// Longer than all turns take.
const CYCLES: u64 = 60_000;

fn assemble(board: &mut Board, at: u32, write: impl FnOnce(&mut CodeAssembler) -> Result<(), IcedError>) {
    let mut assembler = CodeAssembler::new(32).expect("a code size");
    write(&mut assembler).expect("instructions");
    board.set_bytes(at, &assembler.assemble(u64::from(at)).expect("bytes"));
}

/// JMP or CALL to a far pointer.
fn far(assembler: &mut CodeAssembler, opcode: u8, selector: u16, offset: u32) -> Result<(), IcedError> {
    assembler.db(&[opcode])?;
    assembler.dd(&[offset])?;
    assembler.dw(&[selector])
}

const FAR_CALL: u8 = 0x9A;
const FAR_JUMP: u8 = 0xEA;

/// What goes in circles, for a level.
fn write_programs(board: &mut Board) {
    assemble(board, CODE, |a| {
        let mut again = a.create_label();
        a.set_label(&mut again)?;
        a.int(0x80)?;
        far(a, FAR_CALL, FREE | 3, 0)?;
        a.int(0x81)?;
        a.dec(ecx)?;
        a.jne(again)?;
        a.hlt()
    });
    assemble(board, ADD, |a| {
        a.add(eax, ecx)?;
        a.iretd()
    });
    assemble(board, ADD_AND_RETURN, |a| {
        a.add(eax, 3)?;
        a.retf()
    });
    assemble(board, NEST, |a| {
        a.int(0x80)?;
        a.push(eax)?;
        far(a, FAR_CALL, CODE_0, SUBROUTINE)?;
        far(a, FAR_CALL, FREE, 0)?;
        far(a, FAR_JUMP, CODE_0, NEST + 0x30)
    });
    assemble(board, NEST + 0x30, |a| {
        a.sub(eax, 1)?;
        a.iretd()
    });
    assemble(board, SUBROUTINE, |a| {
        a.xor(eax, ecx)?;
        a.retf_1(4)
    });
    assemble(board, HALT, |a| a.hlt());
    for vector in 0..32 {
        board.set_gate(IDT + vector * 8, CODE_0, HALT, 0x8E, 0);
    }
    board.set_gate(IDT + 0x80 * 8, CODE_0, ADD, 0xEE, 0);
    board.set_gate(IDT + 0x81 * 8, CODE_0, NEST, 0xEF, 0);
    board.set_gate(GDT + u32::from(FREE), CODE_0, ADD_AND_RETURN, 0xEC, 0);
}

/// How a case differs from the usual one.
#[derive(Clone, Debug)]
struct Case {
    is_user: bool,
    is_paged: bool,
    /// Wait states of writes, and of reads that miss.
    waits: u32,
    /// Those of reads in a line that has been read before are none.
    has_cache: bool,
    stack: u32,
    inner_stack: u32,
    flags: u32,
    /// FS describes data of level 0.
    has_inner_data: bool,
    /// Bits to change: of bytes of tables and the task state.
    changes: Vec<(u32, u8)>,
}

fn table_byte() -> impl Strategy<Value = u32> {
    prop_oneof![
        4 => (0u32..0x28).prop_map(|at| GDT + 8 + at),
        2 => (0u32..8).prop_map(|at| GDT + u32::from(FREE) + at),
        2 => (0u32..16).prop_map(|at| IDT + 0x80 * 8 + at),
        1 => (0u32..12).prop_map(|at| TASK_BASE + at),
    ]
}

fn case() -> impl Strategy<Value = Case> {
    let stack = || prop_oneof![3 => 0x8000u32..0x8010, 2 => 0x7FF0u32..0x8000, 1 => 0u32..0x20];
    let changes = prop::collection::vec((table_byte(), 0u32..8), 0..3);
    (
        (any::<bool>(), any::<bool>(), 0u32..3, any::<bool>()),
        (stack(), stack(), any::<u32>(), any::<bool>()),
        changes,
    )
        .prop_map(
            |((is_user, is_paged, waits, has_cache), (stack, inner, flags, has_inner_data), changes)| {
                let often = Flags::ARITHMETIC | Flags::DIRECTION | Flags::INTERRUPT | Flags::IO_PRIVILEGE;
                let may_be_set = match flags >> 28 {
                    0 => often | Flags::NESTED | Flags::TRAP,
                    _ => often,
                };
                Case {
                    is_user,
                    is_paged,
                    waits,
                    has_cache,
                    stack: stack & !3 | if flags >> 24 & 7 == 0 { stack & 3 } else { 0 },
                    inner_stack: (inner & !3) - 0x1000 * u32::from(inner >= 0x1000),
                    flags: flags & may_be_set.bits(),
                    has_inner_data,
                    changes: changes.into_iter().map(|(at, bit)| (at, 1 << bit)).collect(),
                }
            },
        )
}

impl Case {
    fn usual(is_user: bool) -> Self {
        Self {
            is_user,
            is_paged: true,
            waits: 0,
            has_cache: false,
            stack: 0x8000,
            inner_stack: 0x7000,
            flags: 0,
            has_inner_data: false,
            changes: Vec::new(),
        }
    }

    fn prepare(&self) -> (Cpu<Board>, Board) {
        let mut board = Board::new();
        let mut core = if self.is_user {
            user(&mut board)
        } else {
            protected(&mut board)
        };
        write_programs(&mut board);
        board.set_dword(TASK_BASE + 4, self.inner_stack);
        board.code_wait = self.waits;
        board.cached_lines = (self.has_cache && self.waits > 0).then(Vec::new);
        for (at, bits) in &self.changes {
            let byte = board.dword(*at) as u8 ^ bits;
            board.set_bytes(*at, &[byte]);
        }
        if self.is_paged {
            board.set_dword(DIRECTORY, TABLE | 7);
            for page in 0..256 {
                let is_system = page == 6 || page == 1;
                board.set_dword(TABLE + page * 4, page << 12 | if is_system { 3 } else { 7 });
            }
            core.cr3 = DIRECTORY;
            core.cr0 |= Control::PAGING;
        }
        if self.has_inner_data {
            let register = SegmentRegister {
                selector: DATA_0,
                base: 0,
                limit: u32::MAX,
                access: 0xC093,
            };
            core.set_segment(Segment::Fs, register);
        }
        core.set_eflags(Flags::from_bits_truncate(self.flags));
        core.general[Register::Esp as usize] = self.stack;
        core.general[Register::Ecx as usize] = TURNS;
        core.eip = CODE;
        board.pins.until = CYCLES;
        (Cpu::with_core(core), board)
    }
}

fn outcome(cpu: &Cpu<Board>) -> State {
    State {
        executed_page: None,
        ..cpu.state()
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(1500))]

    #[test]
    fn programs_that_change_levels_run_the_same_one_instruction_at_a_time_and_in_slices(
        case in case(),
        slice in 50u64..2_000,
    ) {
        let (mut fast, mut fast_board) = case.prepare();
        let (mut slow, mut slow_board) = case.prepare();
        prop_assert_eq!(fast.run(&mut fast_board), slow.run_singly(&mut slow_board));
        prop_assert_eq!(outcome(&fast), outcome(&slow));
        prop_assert!(fast_board == slow_board);
        let (mut cut, mut cut_board) = case.prepare();
        for until in (1..).map(|number| (number * slice).min(CYCLES)) {
            cut_board.pins.until = until;
            if cut.run(&mut cut_board) != Stop::Reached || until == CYCLES {
                break;
            }
        }
        cut_board.pins.until = CYCLES;
        prop_assert_eq!(outcome(&cut), outcome(&slow));
        prop_assert!(cut_board == slow_board);
    }
}

#[test]
fn the_usual_programs_go_the_short_way_and_come_to_their_end() {
    for is_user in [true, false] {
        let (mut cpu, mut board) = Case::usual(is_user).prepare();
        assert_eq!(cpu.run(&mut board), Stop::Halted);
        let state = cpu.state();
        assert_eq!(state.general[Register::Ecx as usize], 0, "all turns");
        let known = &cpu.core_mut().known;
        assert_eq!(known.code(Selector(CODE_0)).register.selector, CODE_0);
        let stacks = [DATA_0, DATA_3].map(|selector| known.stack(Selector(selector)).register.selector);
        assert_eq!(stacks == [DATA_0, DATA_3], is_user);
    }
}

#[test]
fn a_descriptor_that_changes_between_two_passages_counts_at_the_next() {
    // The handler takes the right to run from the program's segment, which IRET meets.
    for (byte, bits, vector_pushes_code) in [(5, 0x80, true), (5, 0x20, true), (1, 0xFF, false)] {
        let (mut cpu, mut board) = Case::usual(true).prepare();
        let at = GDT + 0x18 + byte;
        assemble(&mut board, ADD, |a| {
            a.add(eax, ecx)?;
            // xor byte [at], bits
            a.db(&[0x80, 0x35])?;
            a.dd(&[at])?;
            a.db(&[bits])?;
            a.iretd()
        });
        let (mut slow, mut slow_board) = (Case::usual(true).prepare().0, board.clone());
        assert_eq!(cpu.run(&mut board), slow.run_singly(&mut slow_board));
        assert_eq!(outcome(&cpu), outcome(&slow));
        assert!(board == slow_board);
        assert_eq!(
            cpu.state().eip == HALT + 1 && cpu.state().general[1] == TURNS,
            vector_pushes_code
        );
    }
}
