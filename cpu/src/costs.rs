//! Tests of what instructions for systems cost on the whole processor, from the manual's own figures (PRM chapter 17). The
//! board has no wait states; `m` is one component where the target is NOP.

use crate::test_board::{Board, CODE_0, DATA_0, FREE, GDT, IDT, protected};
use crate::{Cpu, Flags, Register, SegmentRegister, State};

const CODE: u32 = 0x1_0000;
const OPERAND: u32 = 0x5000;
/// The dword of a table operand is aligned.
const TABLE_OPERAND: u32 = 0x5102;
const NOP: u8 = 0x90;

/// Clocks of the first instruction at [`CODE`].
fn clocks(board: &mut Board, mut state: State, code: &[u8]) -> u64 {
    board.set_bytes(CODE, code);
    state.eip = CODE;
    let mut cpu = Cpu::new();
    cpu.restore(&state);
    let before = cpu.cycles();
    board.pins.until = before + 1;
    cpu.run(board);
    assert_ne!(cpu.state().eip, CODE, "{code:02x?} has not been executed");
    cpu.cycles() - before
}

/// In protected mode at level 0, with EBX at [`OPERAND`], EDX at [`TABLE_OPERAND`] and CX a selector of data.
fn protected_clocks(code: &[u8]) -> u64 {
    let mut board = Board::new();
    let mut state = protected(&mut board).state();
    board.set_segment(FREE, 0x6000, 0x7F, 0x82);
    board.set_segment(FREE + 8, 0x6800, 0x67, 0x89);
    board.set_dword(OPERAND, u32::from(DATA_0));
    board.set_dword(OPERAND + 4, u32::from(DATA_0));
    board.set_dword(0x8000, u32::from(DATA_0));
    board.set_gate(IDT + 0x30 * 8, CODE_0, 0x2_0000, 0x8E, 0);
    board.set_gate(GDT + u32::from(FREE) + 16, CODE_0, 0x2_0000, 0x8C, 0);
    board.set_bytes(0x2_0000, &[NOP, NOP]);
    state.general[Register::Ebx as usize] = OPERAND;
    state.general[Register::Edx as usize] = TABLE_OPERAND;
    state.general[Register::Ecx as usize] = u32::from(DATA_0);
    state.general[Register::Esi as usize] = u32::from(FREE);
    state.general[Register::Edi as usize] = u32::from(FREE + 8);
    clocks(&mut board, state, code)
}

fn real_clocks(code: &[u8]) -> u64 {
    let mut board = Board::new();
    let reset = State::after_reset();
    let mut general = reset.general;
    general[Register::Ebx as usize] = OPERAND;
    general[Register::Esp as usize] = 0x8000;
    let mut segments = reset.segments;
    segments[1] = SegmentRegister {
        base: 0,
        limit: u32::MAX,
        ..SegmentRegister::real(0)
    };
    let state = State {
        general,
        segments,
        ..reset
    };
    clocks(&mut board, state, code)
}

#[test]
fn system_instructions_cost_in_protected_mode_what_the_manual_says() {
    let cases: [(&str, &[u8], u64); 44] = [
        ("lgdt [edx]", &[0x0F, 0x01, 0x12], 11),
        ("lidt [edx]", &[0x0F, 0x01, 0x1A], 11),
        ("sgdt [edx]", &[0x0F, 0x01, 0x02], 9),
        ("sidt [edx]", &[0x0F, 0x01, 0x0A], 9),
        ("lldt si", &[0x0F, 0x00, 0xD6], 20),
        ("ltr di", &[0x0F, 0x00, 0xDF], 23),
        ("sldt ax", &[0x66, 0x0F, 0x00, 0xC0], 2),
        ("smsw ax", &[0x66, 0x0F, 0x01, 0xE0], 2),
        ("smsw [ebx]", &[0x0F, 0x01, 0x23], 2),
        ("lmsw cx", &[0x0F, 0x01, 0xF1], 10),
        ("lmsw [ebx]", &[0x0F, 0x01, 0x33], 13),
        ("clts", &[0x0F, 0x06], 5),
        ("lar eax, ecx", &[0x0F, 0x02, 0xC1], 15),
        ("lar eax, [ebx]", &[0x0F, 0x02, 0x03], 16),
        ("lsl eax, esi", &[0x0F, 0x03, 0xC6], 20),
        ("lsl eax, ecx", &[0x0F, 0x03, 0xC1], 25),
        ("lsl eax, [ebx]", &[0x0F, 0x03, 0x03], 26),
        ("verr cx", &[0x0F, 0x00, 0xE1], 10),
        ("verr [ebx]", &[0x0F, 0x00, 0x23], 11),
        ("verw cx", &[0x0F, 0x00, 0xE9], 15),
        ("verw [ebx]", &[0x0F, 0x00, 0x2B], 16),
        ("arpl cx, ax", &[0x63, 0xC1], 20),
        ("arpl [ebx], ax", &[0x63, 0x03], 21),
        ("mov cr0, eax with PE", &[0x0F, 0x22, 0xC0], 10),
        ("mov cr2, eax", &[0x0F, 0x22, 0xD0], 4),
        ("mov cr3, eax", &[0x0F, 0x22, 0xD8], 5),
        ("mov eax, cr0", &[0x0F, 0x20, 0xC0], 6),
        ("mov dr0, eax", &[0x0F, 0x23, 0xC0], 22),
        ("mov dr7, eax", &[0x0F, 0x23, 0xF8], 16),
        ("mov eax, dr0", &[0x0F, 0x21, 0xC0], 22),
        ("mov eax, dr6", &[0x0F, 0x21, 0xF0], 14),
        ("mov tr7, eax", &[0x0F, 0x26, 0xF8], 12),
        ("mov eax, tr7", &[0x0F, 0x24, 0xF8], 12),
        ("mov ds, cx", &[0x8E, 0xD9], 18),
        ("mov ds, [ebx]", &[0x8E, 0x1B], 19),
        ("pop ds", &[0x1F], 21),
        ("push ds", &[0x1E], 2),
        ("lds eax, [ebx]", &[0xC5, 0x03], 22),
        ("lss eax, [ebx]", &[0x0F, 0xB2, 0x03], 22),
        ("lfs eax, [ebx]", &[0x0F, 0xB4, 0x03], 25),
        ("pushfd", &[0x9C], 4),
        ("popfd", &[0x9D], 5),
        ("cli", &[0xFA], 3),
        ("int 30h", &[0xCD, 0x30], 59),
    ];
    for (text, code, expected) in cases {
        assert_eq!(protected_clocks(code), expected, "{text}");
    }
}

#[test]
fn transfers_cost_in_real_mode_what_the_manual_says() {
    let cases: [(&str, &[u8], u64); 8] = [
        ("int 30h", &[0xCD, 0x30], 37),
        ("int3", &[0xCC], 33),
        ("jmp 0:0000", &[0xEA, 0, 0, 0, 0], 12),
        ("call 0:0000", &[0x9A, 0, 0, 0, 0], 17),
        ("retf", &[0xCB], 18),
        ("iret", &[0xCF], 22),
        ("mov ds, ax", &[0x8E, 0xD8], 2),
        ("pop ds", &[0x1F], 7),
    ];
    for (text, code, expected) in cases {
        assert_eq!(real_clocks(code), expected, "{text}");
    }
}

#[test]
fn the_components_of_the_target_count_when_it_is_entered() {
    // JMP 0008:00020000 to NOP NOP: 27 + m, where m is 1, then the 3 of NOP itself.
    let mut board = Board::new();
    let state = protected(&mut board).state();
    board.set_bytes(0x2_0000, &[NOP, NOP]);
    board.set_bytes(CODE, &[0xEA, 0, 0, 2, 0, CODE_0 as u8, 0]);
    let mut cpu = Cpu::new();
    cpu.restore(&State { eip: CODE, ..state });
    board.pins.until = 28;
    cpu.run(&mut board);
    assert_eq!((cpu.state().eip, cpu.cycles()), (0x2_0001, 27 + 1 + 3));
}

#[test]
fn interrupts_from_outside_cost_what_int_n_does_and_the_waits_of_the_acknowledgement() {
    const VECTOR: u32 = 0x30;
    for (is_maskable, wait) in [(true, 0), (true, 5), (false, 0)] {
        let mut board = Board::new();
        let mut state = protected(&mut board).state();
        board.set_gate(IDT + VECTOR * 8, CODE_0, 0x2_0000, 0x8E, 0);
        board.set_gate(IDT + 2 * 8, CODE_0, 0x2_0000, 0x8E, 0);
        board.answer = VECTOR;
        board.pins.interrupt = is_maskable;
        board.pins.nmi = !is_maskable;
        board.pins.until = 1;
        board.wait = wait;
        state.eip = CODE;
        state.eflags |= Flags::INTERRUPT.bits();
        let mut cpu = Cpu::new();
        cpu.restore(&state);
        cpu.run(&mut board);
        assert_eq!(cpu.state().eip, 0x2_0000);
        // The vector's gate and the segment's descriptor are read as two dwords each, and three items are pushed.
        let accesses = 1 + 2 + 2 + 3;
        assert_eq!(cpu.cycles(), 59 + accesses * u64::from(wait));
    }
}
