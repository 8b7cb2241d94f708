//! Tests of the whole processor: machine code on the test board, in every mode.

use iced_x86::IcedError;
use iced_x86::code_asm::{
    CodeAssembler, ah, al, ax, bp, bx, byte_ptr, cr0, cr2, cr3, cs, cx, di, dr0, dr6, dr7, ds, dword_ptr, dx,
    eax, ebx, ecx, edi, edx, es, esi, esp, si, sp, ss, word_ptr,
};
use proptest::prelude::{ProptestConfig, any, prop, prop_assert, prop_assert_eq, proptest};

use crate::test_board::{
    Board, CODE_0, CODE_3, DATA_0, DATA_3, DEVICE_PAGE, FREE, IDT, INTERRUPT_PORT, NMI_PORT, TASK, TASK_BASE,
    protected, user,
};
use crate::{Control, Cpu, Flags, Register, SegmentRegister, State, Stop, TableRegister};

const CODE: u32 = 0x1_0000;
const HANDLERS: u32 = 0x2_0000;
const RESULT: u32 = 0x5000;
const DIRECTORY: u32 = 0x4_0000;
const TABLE: u32 = 0x4_1000;
const PRESENT_FOR_ALL: u32 = 7;

/// Assembles 32-bit code and puts it at an address.
fn program(board: &mut Board, at: u32, write: impl FnOnce(&mut CodeAssembler) -> Result<(), IcedError>) {
    assemble(board, 32, at, at, write);
}

/// Assembles code for an instruction pointer and puts it at an address.
fn assemble(
    board: &mut Board,
    bits: u32,
    eip: u32,
    at: u32,
    write: impl FnOnce(&mut CodeAssembler) -> Result<(), IcedError>,
) {
    let mut assembler = CodeAssembler::new(bits).expect("a code size");
    write(&mut assembler).expect("instructions");
    let bytes = assembler.assemble(u64::from(eip)).expect("bytes");
    board.set_bytes(at, &bytes);
}

/// A handler at [`HANDLERS`] plus 256 times the vector.
fn handler(
    board: &mut Board,
    vector: u32,
    access: u8,
    write: impl FnOnce(&mut CodeAssembler) -> Result<(), IcedError>,
) {
    let at = HANDLERS + vector * 0x100;
    board.set_gate(IDT + vector * 8, CODE_0, at, access, 0);
    program(board, at, write);
}

const INTERRUPT_GATE: u8 = 0x8E;
const TRAP_GATE_FOR_USERS: u8 = 0xEF;

fn start(state: State) -> Cpu<Board> {
    let mut cpu = Cpu::new();
    cpu.restore(&State { eip: CODE, ..state });
    cpu
}

/// A processor at level 0 about to run what is at [`CODE`].
fn kernel(board: &mut Board) -> Cpu<Board> {
    let state = protected(board).state();
    start(state)
}

/// The same at level 3.
fn application(board: &mut Board) -> Cpu<Board> {
    let state = user(board).state();
    start(state)
}

/// Runs to the halt, which must come before a million cycles.
fn finish(cpu: &mut Cpu<Board>, board: &mut Board) {
    board.pins.until = cpu.cycles() + 1_000_000;
    assert_eq!(cpu.run(board), Stop::Halted, "{:#x?}", cpu.state());
}

fn register(cpu: &Cpu<Board>, register: Register) -> u32 {
    cpu.state().general[register as usize]
}

/// Maps the first megabyte to itself for everybody.
fn map_all(board: &mut Board) {
    board.set_dword(DIRECTORY, TABLE | PRESENT_FOR_ALL);
    for page in 0..256 {
        board.set_dword(TABLE + page * 4, page << 12 | PRESENT_FOR_ALL);
    }
}

#[test]
fn a_program_goes_from_real_mode_to_paged_user_code_and_back_through_a_system_call() {
    let mut board = Board::new();
    let state = protected(&mut board).state();
    board.set_segment(TASK, TASK_BASE, 0x67, 0x89);
    map_all(&mut board);
    board.set_bytes(0x900, &[0xFF, 0, 0, 0x10, 0, 0, 0xFF, 0x07, 0, 0x20, 0, 0]);
    assemble(&mut board, 16, 0x1000, 0x8000, |a| {
        a.cli()?;
        a.db(&[0x66])?;
        a.lgdt(word_ptr(0x900))?;
        a.db(&[0x66])?;
        a.lidt(word_ptr(0x906))?;
        a.mov(eax, DIRECTORY)?;
        a.mov(cr3, eax)?;
        a.mov(eax, cr0)?;
        a.or(eax, 0x8000_0001_u32 as i32)?;
        a.mov(cr0, eax)?;
        a.db(&[0x66, 0xEA])?;
        a.dd(&[CODE])?;
        a.dw(&[CODE_0])
    });
    program(&mut board, CODE, |a| {
        a.mov(ax, i32::from(DATA_0))?;
        a.mov(ss, ax)?;
        a.mov(esp, 0x8000)?;
        a.mov(ax, i32::from(TASK))?;
        a.ltr(ax)?;
        a.mov(ax, i32::from(DATA_3))?;
        a.mov(ds, ax)?;
        a.push(i32::from(DATA_3))?;
        a.push(0x9000)?;
        a.push(0x202)?;
        a.push(i32::from(CODE_3))?;
        a.push(0x1_8000)?;
        a.iretd()
    });
    program(&mut board, 0x1_8000, |a| {
        a.mov(ebx, 41)?;
        a.int(0x80)?;
        a.mov(dword_ptr(RESULT), ebx)?;
        a.int(0x81)
    });
    handler(&mut board, 0x80, TRAP_GATE_FOR_USERS, |a| {
        a.inc(ebx)?;
        a.iretd()
    });
    handler(&mut board, 0x81, TRAP_GATE_FOR_USERS, |a| a.hlt());
    let mut cpu = Cpu::new();
    let reset = cpu.state();
    let mut segments = reset.segments;
    segments[1] = SegmentRegister {
        base: 0x7000,
        ..SegmentRegister::real(0x0700)
    };
    cpu.restore(&State {
        eip: 0x1000,
        segments,
        gdtr: TableRegister::default(),
        ..reset
    });
    finish(&mut cpu, &mut board);
    assert_eq!(board.dword(RESULT), 42);
    let after = cpu.state();
    assert_eq!(
        (after.segments[2].selector, after.general[4]),
        (DATA_0, 0x7000 - 20)
    );
    assert_eq!(after.segments[1].selector, state.segments[1].selector);
}

#[test]
fn a_page_that_its_fault_handler_maps_lets_the_instruction_go_on() {
    let mut board = Board::new();
    map_all(&mut board);
    board.set_dword(TABLE + 0x60 * 4, 0);
    let mut cpu = kernel(&mut board);
    program(&mut board, CODE, |a| {
        a.mov(eax, DIRECTORY)?;
        a.mov(cr3, eax)?;
        a.mov(eax, (Control::PAGING | Control::PROTECTION).bits())?;
        a.mov(cr0, eax)?;
        a.mov(esi, 0x1234_5678)?;
        a.xor(edx, edx)?;
        a.mov(dword_ptr(0x5_FFFE), esi)?;
        a.hlt()
    });
    handler(&mut board, 14, INTERRUPT_GATE, |a| {
        a.inc(edx)?;
        a.mov(ecx, cr2)?;
        a.pop(ebx)?;
        a.mov(dword_ptr(TABLE + 0x60 * 4), 0x6_0007)?;
        a.mov(eax, cr3)?;
        a.mov(cr3, eax)?;
        a.iretd()
    });
    finish(&mut cpu, &mut board);
    assert_eq!(board.dword(0x5_FFFE), 0x1234_5678);
    assert_eq!(register(&cpu, Register::Edx), 1);
    assert_eq!(register(&cpu, Register::Ecx), 0x6_0000);
    assert_eq!(register(&cpu, Register::Ebx), 2);
}

#[test]
fn an_instruction_that_straddles_into_an_absent_page_faults_there_and_is_repeated() {
    let mut board = Board::new();
    map_all(&mut board);
    board.set_dword(TABLE + 0x31 * 4, 0);
    let mut cpu = kernel(&mut board);
    program(&mut board, CODE, |a| {
        a.mov(eax, DIRECTORY)?;
        a.mov(cr3, eax)?;
        a.mov(eax, (Control::PAGING | Control::PROTECTION).bits())?;
        a.mov(cr0, eax)?;
        a.jmp(0x3_0FFD)
    });
    program(&mut board, 0x3_0FFD, |a| {
        a.mov(edi, 0x0BAD_CAFE)?;
        a.hlt()
    });
    handler(&mut board, 14, INTERRUPT_GATE, |a| {
        a.mov(ecx, cr2)?;
        a.pop(ebx)?;
        a.mov(dword_ptr(TABLE + 0x31 * 4), 0x3_1007)?;
        a.iretd()
    });
    finish(&mut cpu, &mut board);
    assert_eq!(register(&cpu, Register::Edi), 0x0BAD_CAFE);
    assert_eq!(register(&cpu, Register::Ecx), 0x3_1000);
    assert_eq!(register(&cpu, Register::Ebx), 0);
}

#[test]
fn a_halted_processor_wakes_for_an_interrupt_and_goes_on_behind_the_halt() {
    let mut board = Board::new();
    let mut cpu = kernel(&mut board);
    program(&mut board, CODE, |a| {
        a.xor(ebx, ebx)?;
        a.sti()?;
        a.hlt()?;
        a.inc(ebx)?;
        a.cli()?;
        a.hlt()
    });
    handler(&mut board, 0x20, INTERRUPT_GATE, |a| {
        a.inc(ecx)?;
        a.iretd()
    });
    finish(&mut cpu, &mut board);
    assert_eq!(register(&cpu, Register::Ebx), 0);
    board.answer = 0x20;
    board.pins.interrupt = true;
    finish(&mut cpu, &mut board);
    assert_eq!(
        (register(&cpu, Register::Ebx), register(&cpu, Register::Ecx)),
        (1, 1)
    );
    board.pins.interrupt = true;
    finish(&mut cpu, &mut board);
    assert_eq!(register(&cpu, Register::Ecx), 1);
}

#[test]
fn an_interrupt_waits_for_one_instruction_after_sti_and_after_a_load_of_ss() {
    for loads_stack in [false, true] {
        let mut board = Board::new();
        let mut cpu = kernel(&mut board);
        program(&mut board, CODE, |a| {
            a.mov(eax, 0x20)?;
            a.mov(ecx, ss)?;
            a.xor(ebx, ebx)?;
            if loads_stack {
                a.sti()?;
                a.mov(dx, i32::from(INTERRUPT_PORT))?;
                a.mov(ss, cx)?;
            } else {
                a.out(i32::from(INTERRUPT_PORT), al)?;
                a.sti()?;
            }
            if loads_stack {
                a.out(dx, al)?;
            }
            a.inc(ebx)?;
            a.inc(ebx)?;
            a.cli()?;
            a.hlt()
        });
        handler(&mut board, 0x20, INTERRUPT_GATE, |a| {
            a.mov(edi, ebx)?;
            a.iretd()
        });
        finish(&mut cpu, &mut board);
        let expected = if loads_stack { 0 } else { 1 };
        assert_eq!(
            register(&cpu, Register::Edi),
            expected,
            "loads the stack: {loads_stack}"
        );
    }
}

#[test]
fn an_nmi_is_taken_with_interrupts_off_and_a_second_one_after_iret() {
    let mut board = Board::new();
    let mut cpu = kernel(&mut board);
    program(&mut board, CODE, |a| {
        a.cli()?;
        a.xor(ebx, ebx)?;
        a.out(i32::from(NMI_PORT), al)?;
        a.hlt()
    });
    handler(&mut board, 2, INTERRUPT_GATE, |a| {
        let mut end = a.create_label();
        a.inc(ebx)?;
        a.cmp(ebx, 2)?;
        a.je(end)?;
        a.out(i32::from(NMI_PORT), al)?;
        a.nop()?;
        a.cmp(ebx, 1)?;
        a.je(end)?;
        a.ud2()?;
        a.set_label(&mut end)?;
        a.iretd()
    });
    finish(&mut cpu, &mut board);
    assert_eq!(register(&cpu, Register::Ebx), 2);
}

#[test]
fn the_trap_flag_traps_after_every_instruction_of_the_traced_program() {
    let mut board = Board::new();
    let mut cpu = kernel(&mut board);
    program(&mut board, CODE, |a| {
        a.xor(ebx, ebx)?;
        a.pushfd()?;
        a.or(dword_ptr(esp), 0x100)?;
        a.popfd()?;
        a.nop()?;
        a.nop()?;
        a.pushfd()?;
        a.and(dword_ptr(esp), 0xFEFF)?;
        a.popfd()?;
        a.nop()?;
        a.hlt()
    });
    handler(&mut board, 1, INTERRUPT_GATE, |a| {
        a.inc(ebx)?;
        a.mov(edx, dr6)?;
        a.iretd()
    });
    finish(&mut cpu, &mut board);
    // NOP, NOP, PUSHFD, AND, POPFD: a trap after each, POPFD's because TF was set when it began.
    assert_eq!(register(&cpu, Register::Ebx), 5);
    assert_ne!(register(&cpu, Register::Edx) & 1 << 14, 0);
}

#[test]
fn an_instruction_breakpoint_faults_before_and_rf_lets_the_instruction_pass() {
    let mut board = Board::new();
    let mut cpu = kernel(&mut board);
    program(&mut board, CODE, |a| {
        let mut here = a.create_label();
        a.xor(ebx, ebx)?;
        a.mov(ecx, 3)?;
        a.mov(eax, 0x1_8000)?;
        a.mov(dr0, eax)?;
        a.mov(eax, 2)?;
        a.mov(dr7, eax)?;
        a.set_label(&mut here)?;
        a.call(0x1_8000)?;
        a.loop_(here)?;
        a.hlt()
    });
    program(&mut board, 0x1_8000, |a| {
        a.inc(edx)?;
        a.ret()
    });
    handler(&mut board, 1, INTERRUPT_GATE, |a| {
        a.inc(ebx)?;
        a.or(dword_ptr(esp + 8), 0x1_0000)?;
        a.iretd()
    });
    let before = register(&cpu, Register::Edx);
    finish(&mut cpu, &mut board);
    assert_eq!(register(&cpu, Register::Ebx), 3);
    assert_eq!(register(&cpu, Register::Edx).wrapping_sub(before), 3);
}

#[test]
fn a_data_breakpoint_traps_behind_the_instruction_that_writes() {
    let mut board = Board::new();
    let mut cpu = kernel(&mut board);
    program(&mut board, CODE, |a| {
        a.mov(eax, RESULT)?;
        a.mov(dr0, eax)?;
        a.mov(eax, 0x000D_0002)?;
        a.mov(dr7, eax)?;
        a.mov(ebx, dword_ptr(RESULT))?;
        a.mov(byte_ptr(RESULT + 2), al)?;
        a.mov(ecx, 7)?;
        a.hlt()
    });
    handler(&mut board, 1, INTERRUPT_GATE, |a| {
        a.mov(esi, ecx)?;
        a.mov(edi, dword_ptr(esp))?;
        a.mov(edx, dr6)?;
        a.iretd()
    });
    finish(&mut cpu, &mut board);
    assert_eq!(register(&cpu, Register::Edx) & 0xF, 1);
    assert_eq!(register(&cpu, Register::Esi), 0);
    assert_eq!(register(&cpu, Register::Ecx), 7);
}

#[test]
fn code_that_rewrites_what_comes_next_runs_the_new_code() {
    let mut board = Board::new();
    let mut cpu = kernel(&mut board);
    program(&mut board, CODE, |a| {
        let mut again = a.create_label();
        a.xor(ebx, ebx)?;
        a.mov(ecx, 4)?;
        a.mov(esi, CODE + 0x100)?;
        a.set_label(&mut again)?;
        a.inc(dword_ptr(esi + 2))?;
        a.call(u64::from(CODE) + 0x100)?;
        a.loop_(again)?;
        a.hlt()
    });
    program(&mut board, CODE + 0x100, |a| {
        a.add(ebx, 0x100)?;
        a.ret()
    });
    finish(&mut cpu, &mut board);
    assert_eq!(register(&cpu, Register::Ebx), 0x400 + 1 + 2 + 3 + 4);
}

#[test]
fn code_runs_from_a_device_page() {
    let mut board = Board::new();
    let mut cpu = kernel(&mut board);
    // Every byte of the device reads as HLT.
    board.answer = 0xF4F4_F4F4;
    program(&mut board, CODE, |a| a.jmp(u64::from(DEVICE_PAGE << 12 | 0x80)));
    finish(&mut cpu, &mut board);
    assert_eq!(cpu.state().eip, DEVICE_PAGE << 12 | 0x81);
}

#[test]
fn a_monitor_emulates_int_for_a_program_in_virtual_8086_mode() {
    let mut board = Board::new();
    let mut cpu = kernel(&mut board);
    program(&mut board, CODE, |a| {
        for value in [0, 0, 0, 0, 0x0200, 0x0FFE, 0x2_0002, 0x0600, 0x0100] {
            a.push(value)?;
        }
        a.iretd()
    });
    assemble(&mut board, 16, 0x0100, 0x6100, |a| {
        a.mov(bx, 5)?;
        a.int(0x21)?;
        a.mov(word_ptr(0x300), bx)?;
        a.hlt()
    });
    handler(&mut board, 13, INTERRUPT_GATE, |a| {
        let mut is_halt = a.create_label();
        a.add(esp, 4)?;
        a.movzx(eax, word_ptr(esp + 4))?;
        a.shl(eax, 4)?;
        a.add(eax, dword_ptr(esp))?;
        a.db(&[0x36, 0x80, 0x38, 0xF4])?;
        a.je(is_halt)?;
        a.add(ebx, 37)?;
        a.add(dword_ptr(esp), 2)?;
        a.iretd()?;
        a.set_label(&mut is_halt)?;
        a.hlt()
    });
    finish(&mut cpu, &mut board);
    assert_eq!(board.word(0x300), 42);
    assert_eq!(register(&cpu, Register::Esp), 0x7000 - 36);
}

#[test]
fn a_task_called_by_a_far_call_comes_back_by_iret_and_goes_on_behind_it_next_time() {
    let mut board = Board::new();
    let mut cpu = kernel(&mut board);
    let other = 0x6000;
    board.set_segment(FREE, other, 0x67, 0x89);
    board.set_dword(other + 0x20, 0x1_8000);
    board.set_dword(other + 0x24, 2);
    board.set_dword(other + 0x38, 0x6800);
    for (number, selector) in [DATA_0, CODE_0, DATA_0, DATA_0, DATA_0, DATA_0]
        .into_iter()
        .enumerate()
    {
        board.set_dword(other + 0x48 + number as u32 * 4, u32::from(selector));
    }
    board.set_bytes(
        CODE,
        &[
            0x9A, 0, 0, 0, 0, FREE as u8, 0, 0x9A, 0, 0, 0, 0, FREE as u8, 0, 0xF4,
        ],
    );
    program(&mut board, 0x1_8000, |a| {
        let mut again = a.create_label();
        a.set_label(&mut again)?;
        a.inc(dword_ptr(RESULT))?;
        a.iretd()?;
        a.add(dword_ptr(RESULT), 0x100)?;
        a.jmp(again)
    });
    finish(&mut cpu, &mut board);
    assert_eq!(board.dword(RESULT), 0x102);
    assert!(!Flags::from_bits_truncate(cpu.state().eflags).contains(Flags::NESTED));
}

#[test]
fn user_code_may_not_halt_or_touch_a_port_without_permission() {
    for is_port in [false, true] {
        let mut board = Board::new();
        let mut cpu = application(&mut board);
        board.set_dword(TASK_BASE + 0x64, 0xFFFF_0000);
        program(
            &mut board,
            CODE,
            |a| if is_port { a.out(0x80, al) } else { a.hlt() },
        );
        handler(&mut board, 13, INTERRUPT_GATE, |a| {
            a.pop(ebx)?;
            a.mov(edi, dword_ptr(esp))?;
            a.hlt()
        });
        finish(&mut cpu, &mut board);
        assert_eq!(
            (register(&cpu, Register::Ebx), register(&cpu, Register::Edi)),
            (0, CODE)
        );
    }
}

#[test]
fn a_processor_without_tables_shuts_down_at_its_first_fault() {
    let mut board = Board::new();
    let mut cpu = kernel(&mut board);
    program(&mut board, CODE, |a| a.ud2());
    board.pins.until = 100_000;
    assert_eq!(cpu.run(&mut board), Stop::ShutDown);
    assert_eq!(cpu.run(&mut board), Stop::ShutDown);
    cpu.reset();
    assert_eq!(cpu.state().eip, 0xFFF0);
}

#[test]
fn real_mode_strings_wrap_and_compare_as_in_an_8086() {
    let mut board = Board::new();
    let mut cpu = Cpu::new();
    let reset = cpu.state();
    let mut segments = reset.segments;
    segments[1] = SegmentRegister::real(0x1000);
    cpu.restore(&State {
        eip: 0,
        segments,
        ..reset
    });
    board.set_bytes(0x2_FFFE, b"abcd");
    board.set_bytes(0x2_0000, b"cd");
    assemble(&mut board, 16, 0, CODE, |a| {
        a.mov(ax, 0x2000)?;
        a.mov(ds, ax)?;
        a.mov(ax, 0x3000)?;
        a.mov(es, ax)?;
        a.mov(ss, ax)?;
        a.mov(sp, 0x100)?;
        a.mov(si, 0xFFFE)?;
        a.xor(di, di)?;
        a.mov(cx, 4)?;
        a.cld()?;
        a.rep().movsb()?;
        a.mov(bp, si)?;
        a.mov(ah, 0)?;
        a.push(cs)?;
        a.pop(ax)?;
        a.hlt()
    });
    finish(&mut cpu, &mut board);
    assert_eq!(board.dword(0x3_0000).to_le_bytes(), *b"abcd");
    assert_eq!(register(&cpu, Register::Ebp) & 0xFFFF, 2);
    assert_eq!(register(&cpu, Register::Eax) & 0xFFFF, 0x1000);
}

/// The modes that random code is tried in.
fn mode(number: u8, board: &mut Board) -> State {
    map_all(board);
    for vector in 0..32 {
        board.set_gate(IDT + vector * 8, CODE_0, HANDLERS, 0x8E, 0);
    }
    board.set_bytes(HANDLERS, &[0xCF]);
    let state = match number {
        0 | 1 => protected(board).state(),
        2..=4 => user(board).state(),
        _ => State::after_reset(),
    };
    let mut segments = state.segments;
    let is_virtual = number == 4;
    if number >= 4 {
        for (at, segment) in segments.iter_mut().enumerate() {
            *segment = if is_virtual {
                SegmentRegister::virtual_8086(0x1000 * at as u16)
            } else {
                SegmentRegister::real(0x1000 * at as u16)
            };
        }
    }
    let is_paged = matches!(number, 1 | 3 | 4);
    State {
        eip: if number >= 4 { 0 } else { CODE },
        eflags: if is_virtual { 0x2_0002 } else { state.eflags },
        cr0: state.cr0 | if is_paged { Control::PAGING.bits() } else { 0 },
        cr3: DIRECTORY,
        segments,
        ..state
    }
}

fn load(number: u8, code: &[u8], general: [u32; 8]) -> (Cpu<Board>, Board) {
    let mut board = Board::new();
    let state = mode(number, &mut board);
    board.set_bytes(CODE, code);
    let mut cpu = Cpu::new();
    let stack = state.general[Register::Esp as usize];
    let mut general = general;
    general[Register::Esp as usize] = stack;
    cpu.restore(&State { general, ..state });
    (cpu, board)
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 400, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn random_code_never_panics_and_always_makes_progress(
        number in 0..6_u8,
        code in prop::collection::vec(any::<u8>(), 1..600),
        general in any::<[u32; 8]>(),
        tables in prop::collection::vec(any::<u8>(), 0..256),
        answer in any::<u32>(),
    ) {
        let (mut cpu, mut board) = load(number, &code, general);
        board.set_bytes(crate::test_board::GDT + 0x30, &tables[..tables.len().min(0xD0)]);
        board.answer = answer;
        for _ in 0..20 {
            let before = cpu.cycles();
            board.pins.until = before + 500;
            match cpu.run(&mut board) {
                Stop::Reached => prop_assert!(cpu.cycles() >= board.pins.until),
                Stop::Halted => {
                    board.pins.interrupt = true;
                    cpu.skip_to(before + 100);
                }
                Stop::ShutDown => cpu.reset(),
            }
        }
    }

    #[test]
    fn how_a_run_is_cut_into_deadlines_shows_nowhere(
        number in 0..6_u8,
        code in prop::collection::vec(any::<u8>(), 1..600),
        general in any::<[u32; 8]>(),
        step in 1..300_u64,
    ) {
        let (mut whole, mut whole_board) = load(number, &code, general);
        let (mut cut, mut cut_board) = load(number, &code, general);
        whole_board.pins.until = 4000;
        let stop = whole.run(&mut whole_board);
        let end = if stop == Stop::Reached { 4000 } else { whole.cycles() + 1 };
        let mut last = Stop::Reached;
        while last == Stop::Reached && cut.cycles() < end {
            cut_board.pins.until = (cut.cycles() + step).min(end);
            last = cut.run(&mut cut_board);
        }
        prop_assert_eq!(last, stop);
        prop_assert_eq!(cut.state(), whole.state());
        prop_assert!(cut_board.accesses == whole_board.accesses);
    }

    #[test]
    fn a_restored_processor_goes_on_as_the_one_it_was_taken_from(
        number in 0..6_u8,
        code in prop::collection::vec(any::<u8>(), 1..600),
        general in any::<[u32; 8]>(),
        at in 1..3000_u64,
    ) {
        let (mut cpu, mut board) = load(number, &code, general);
        board.pins.until = at;
        cpu.run(&mut board);
        let mut copy = Cpu::new();
        let mut copy_board = board.clone();
        copy.restore(&cpu.state());
        prop_assert_eq!(copy.state(), cpu.state());
        for machine in [(&mut cpu, &mut board), (&mut copy, &mut copy_board)] {
            machine.1.pins.until = 4000;
            machine.0.run(machine.1);
        }
        prop_assert_eq!(copy.state(), cpu.state());
        prop_assert!(copy_board.accesses == board.accesses);
    }
}
