//! The clocks of single instructions against the manual's figures (PRM chapter 17), in real mode and in protected mode at
//! level 0.
//!
//! Each row of `fixed` is encoded from its opcode and form, run, and measured on a board without wait states. Forms whose figures
//! depend on operands, mode or target are measured in all their cases by the other modules beside this one, which hold those
//! figures too.
#![forbid(unsafe_code)]

use cpu::{Control, Cpu, Cycle, Flags, Register, Segment, SegmentRegister, State, TableRegister};
use tests::{Board, tell};

use figures::{Letters, evaluate};
use form::Form;
use world::{CODE, GDT, Mode, OPERAND, STACK, Target, targets};

mod figures;
mod fixed;
mod form;
mod operands;
mod ports;
mod tasks;
mod transfers;
mod world;

/// Selectors: data with page granularity and with byte granularity, a local table, a task.
const DATA: u16 = 0x10;
const SMALL_DATA: u16 = 0x18;
const LOCAL: u16 = 0x20;
const TASK: u16 = 0x28;

/// Where an operand with ModRM byte is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Place {
    Register,
    Memory,
}

#[derive(Clone, Copy, Debug)]
struct Row<'a> {
    opcode: &'a str,
    form: &'a str,
    figures: [&'a str; 2],
    note: &'a str,
}

impl<'a> Row<'a> {
    /// A line of a table; none for a comment or the heading.
    fn parse(line: &'a str) -> Option<Self> {
        if line.starts_with('#') || line.starts_with("opcode") {
            return None;
        }
        let mut columns = line.split('\t');
        let mut next = || columns.next();
        Some(Self {
            opcode: next()?,
            form: next()?,
            figures: [next()?, next()?],
            note: next().unwrap_or(""),
        })
    }

    /// The figure of a mode; none where the form is undefined.
    fn figure(&self, mode: Mode) -> Option<&'a str> {
        let figure = self.figures[usize::from(mode != Mode::Real)];
        (figure != "-").then_some(figure)
    }

    fn has_modrm(&self) -> bool {
        let is_field = |token: &str| token.starts_with('/');
        !self.opcode.contains('+') && (self.opcode.split(' ').any(is_field) || self.form.contains("r/m"))
    }

    /// Where the operand of a row with one figure is.
    fn only_place(&self) -> Place {
        if self.form.contains(" m") || self.form.contains(",m") {
            Place::Memory
        } else {
            Place::Register
        }
    }

    fn is_32_bit(&self) -> bool {
        ["32", "EAX"].iter().any(|part| self.form.contains(part))
            || [
                "CWDE", "CDQ", "POPAD", "PUSHAD", "POPFD", "PUSHFD", "MOVSD", "STOSD", "LODSD", "CMPSD",
                "SCASD",
            ]
            .contains(&self.form)
    }

    /// The instruction, with its operand in a place.
    fn encode(&self, mode: Mode, place: Place) -> Vec<u8> {
        let mut code = Vec::new();
        let is_16_bit = self.form.contains("16") || self.form.contains(" AX");
        match mode {
            Mode::Real if self.is_32_bit() && !is_16_bit => code.push(0x66),
            Mode::Kernel if is_16_bit && !self.is_32_bit() => code.push(0x66),
            _ => {}
        }
        let native = if mode.is_32_bit() { 4 } else { 2 };
        let has_32 = mode.is_32_bit() != (code.first() == Some(&0x66));
        let mut has_constant = false;
        let mut register_offset = 0;
        let mut needs_modrm = self.has_modrm();
        for token in self.opcode.split(' ') {
            let token = token.split([',', '+']).next().unwrap_or(token);
            match token {
                "ib" => code.push(1),
                "cb" => code.push(2),
                "iw" => code.extend([1, 0]),
                "id" => code.extend([1, 0, 0, 0]),
                "cw/cd" => code.extend(&[2, 0, 0, 0][..native]),
                token if token.starts_with('/') => {
                    if needs_modrm {
                        code.push(self.modrm(mode, place, token));
                        needs_modrm = false;
                    }
                }
                token => code.extend(u8::from_str_radix(token, 16).ok()),
            }
            has_constant |= matches!(token, "ib" | "iw" | "id" | "cb" | "cw/cd");
        }
        if self.opcode.contains('+') {
            register_offset = 1;
        }
        if let Some(last) = code.last_mut() {
            *last += register_offset;
        }
        if needs_modrm {
            code.push(self.modrm(mode, place, "/r"));
        }
        if !has_constant {
            code.extend(self.constants(native, has_32));
        }
        code
    }

    /// Constants that the form names and the opcode does not.
    fn constants(&self, native: usize, has_32: bool) -> Vec<u8> {
        let parts = [
            ("imm8", 1),
            ("imm16", 2),
            ("imm32", 4),
            ("rel8", 1),
            ("rel16", native),
            ("ptr16", if has_32 { 6 } else { 4 }),
        ];
        if self.form.contains("moffs") {
            return OPERAND.to_le_bytes()[..native].to_vec();
        }
        let size = parts.iter().find(|(name, _)| self.form.contains(name));
        let mut bytes = vec![0; size.map_or(0, |(_, size)| *size)];
        if let Some(first) = bytes.first_mut() {
            *first = 1;
        }
        bytes
    }

    fn modrm(&self, mode: Mode, place: Place, field: &str) -> u8 {
        let reg = match field[1..].parse() {
            Ok(reg) => reg,
            Err(_) if self.form.contains("DR6") || self.form.contains("TR6") => 6,
            Err(_) if self.form.contains("Sreg") => Segment::Ds as u8,
            Err(_) => 0,
        };
        let operand = match place {
            Place::Register => 0xC0 | Register::Ecx as u8,
            Place::Memory if mode.is_32_bit() => Register::Ebx as u8,
            Place::Memory => 7,
        };
        reg << 3 | operand
    }

    /// The word that memory, stack and CX are full of: a selector that suits.
    fn operand(&self) -> u16 {
        match self.form.split(' ').next() {
            Some("LLDT") => LOCAL,
            Some("LTR") => TASK,
            Some("LSL") if self.note.starts_with("byte") => SMALL_DATA,
            _ => DATA,
        }
    }

    /// The 32-bit part of a table register's operand must be aligned, or it takes a cycle more.
    fn operand_address(&self) -> u32 {
        let is_table = ["LGDT", "LIDT", "SGDT", "SIDT"]
            .iter()
            .any(|name| self.form.starts_with(name));
        OPERAND + if is_table { 2 } else { 0 }
    }
}

/// The processor and memory in front of a row.
fn prepare(row: &Row<'_>, mode: Mode, board: &mut Board, flags: Flags, count: u32) -> State {
    for address in (OPERAND..STACK + 0x100).step_by(2) {
        board.write_bytes(address, &row.operand().to_le_bytes());
    }
    let mut state = State::after_reset();
    let accumulator = if row.form.starts_with("BOUND") {
        0x10_0010
    } else {
        1
    };
    state.general = [
        accumulator,
        count,
        0,
        row.operand_address(),
        STACK,
        OPERAND,
        OPERAND,
        OPERAND,
    ];
    state.eip = CODE;
    state.eflags |= flags.bits();
    let register = |selector, access| SegmentRegister {
        selector,
        base: 0,
        limit: if mode == Mode::Real { 0xFFFF } else { u32::MAX },
        access,
    };
    state.segments = [register(0, if mode == Mode::Real { 0x93 } else { 0xC093 }); 6];
    if mode == Mode::Kernel {
        state.cr0 |= Control::PROTECTION.bits();
        state.segments[Segment::Cs as usize] = register(8, 0xC09B);
        state.gdtr = TableRegister {
            base: GDT,
            limit: 0x2F,
        };
        let descriptors: [(u16, u32, u32); 5] = [
            (8, 0xFFFF, 0x00CF_9B00),
            (DATA, 0xFFFF, 0x00CF_9300),
            (SMALL_DATA, 0xFFFF, 0x0040_9300),
            (LOCAL, 0x3000_0007, 0x0000_8200),
            (TASK, 0x3000_0067, 0x0000_8900),
        ];
        for (selector, low, high) in descriptors {
            let at = GDT + u32::from(selector);
            board.write_bytes(at, &low.to_le_bytes());
            board.write_bytes(at + 4, &high.to_le_bytes());
        }
    }
    state
}

/// How a row's instruction is run.
#[derive(Clone, Copy, Debug)]
struct Circumstances {
    place: Place,
    flags: Flags,
    count: u32,
}

/// One run: its clocks, whether it has jumped by two, and where it has led.
struct Run {
    clocks: Cycle,
    has_jumped: bool,
    landing: u32,
}

/// Runs a row's instruction. In real mode a fault would show in the clocks; in protected mode, without any gate, it shuts the
/// processor down.
fn run(row: &Row<'_>, mode: Mode, circumstances: Circumstances, target: Option<(u32, &Target)>) -> Run {
    let mut board = Board::new(vec![0; 0x20_0000], 1);
    let state = prepare(row, mode, &mut board, circumstances.flags, circumstances.count);
    let code = row.encode(mode, circumstances.place);
    board.write_bytes(CODE, &code);
    if let Some((landing, target)) = target {
        board.write_bytes(landing, target.code);
    }
    let mut cpu = Cpu::new();
    cpu.restore(&state);
    cpu.run(&mut board);
    assert!(!cpu.state().is_shut_down, "{row:?} {code:02x?} faults");
    let landing = cpu.state().eip;
    let mut clocks = cpu.cycles();
    if let Some((_, target)) = target {
        board.until = clocks + 1;
        cpu.run(&mut board);
        clocks = cpu.cycles() - target.clocks;
        assert_eq!(cpu.state().eip, landing + target.code.len() as u32, "{row:?}");
    }
    Run {
        clocks,
        has_jumped: landing == CODE + code.len() as u32 + 2,
        landing,
    }
}

/// The circumstances in which a row's figure number `alternative` holds.
fn circumstances(row: &Row<'_>, mode: Mode, alternative: usize, alternatives: usize) -> Circumstances {
    let count = u32::from(row.operand());
    let flags = if row.form.contains("(OF=1)") {
        Flags::OVERFLOW
    } else {
        Flags::empty()
    };
    let place = match (alternatives, alternative) {
        (1, _) => row.only_place(),
        (_, 0) => Place::Register,
        _ => Place::Memory,
    };
    let is_conditional = row.figures[0].contains('|') || row.form.starts_with("LOOP");
    if !is_conditional {
        return Circumstances { place, flags, count };
    }
    let conditions = [Flags::empty(), Flags::ARITHMETIC, Flags::SIGN].into_iter();
    let mut all = conditions.flat_map(|flags| {
        [0, count].map(|count| Circumstances {
            place: Place::Register,
            flags,
            count,
        })
    });
    let found = all.find(|one| run(row, mode, *one, None).has_jumped == (alternative == 0));
    found.unwrap_or_else(|| panic!("{row:?} can jump and not"))
}

/// What is wrong with a row whose figures are fixed but for the target's components.
fn wrong(row: &Row<'_>, mode: Mode, figure: &str) -> (usize, Vec<String>) {
    let alternatives: Vec<&str> = figure.split(['/', '|']).collect();
    let mut measured = Vec::new();
    for (number, figure) in alternatives.iter().enumerate() {
        let circumstances = circumstances(row, mode, number, alternatives.len());
        let plain = run(row, mode, circumstances, None);
        if !figure.contains('m') {
            measured.push((*figure, 0, plain.clocks));
            continue;
        }
        for target in targets(mode.is_32_bit()) {
            let with_target = run(row, mode, circumstances, Some((plain.landing, target)));
            measured.push((*figure, target.components, with_target.clocks));
        }
    }
    let wrong = measured.iter().filter(|(figure, m, clocks)| {
        let letters = Letters {
            m: *m,
            ..Letters::default()
        };
        evaluate(figure, letters) != Some(*clocks)
    });
    let wrong = wrong
        .map(|wrong| format!("{mode:?} {row:?}: {wrong:?}"))
        .collect();
    (measured.len(), wrong)
}

fn forms() -> Vec<Form> {
    [
        operands::forms(),
        ports::forms(),
        transfers::forms(),
        tasks::forms(),
    ]
    .concat()
}

#[test]
fn forms_whose_clocks_depend_on_operands_mode_or_target_cost_what_the_manual_says() {
    let forms = forms();
    let wrong: Vec<String> = forms.iter().flat_map(|form| form.wrong()).collect();
    let cases: usize = forms.iter().map(|form| form.cases.len()).sum();
    tell(&format!("{} forms in {cases} cases measured\n", forms.len()));
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[test]
fn instructions_with_fixed_figures_cost_them() {
    let table = fixed::table();
    let mut wrong_rows = Vec::new();
    let (mut figures, mut undefined, mut measurements) = (0, 0, 0);
    for row in table.lines().filter_map(Row::parse) {
        for mode in [Mode::Real, Mode::Kernel] {
            let Some(figure) = row.figure(mode) else {
                undefined += 1;
                continue;
            };
            figures += 1;
            let (count, wrong) = wrong(&row, mode, figure);
            measurements += count;
            wrong_rows.extend(wrong);
        }
    }
    tell(&format!(
        "{figures} figures compared in {measurements} measurements, {undefined} undefined in their mode\n"
    ));
    assert!(figures > 0, "no rows");
    assert!(wrong_rows.is_empty(), "{}", wrong_rows.join("\n"));
}
