//! The clocks of single instructions against the rows of a table that was extracted from the manual (PRM chapter 17) apart
//! from the crate's own, in real mode and in protected mode at level 0.
//!
//! The table is not part of the project: `../shared/facts/386-clocks.tsv` beside the project's folder. Each row with
//! fixed figures is encoded from its opcode and form, run, and measured on a board without wait states. `m`, the components
//! of a jump's target, is charged when the target runs, so it counts as nothing here.
//!
//! Left out: rows whose figures depend on operands, and gates, other levels and task switches; the crate's own tests measure
//! those.
#![forbid(unsafe_code)]

use std::path::Path;

use cpu::{Control, Cpu, Cycle, Flags, Register, Segment, SegmentRegister, State, TableRegister};
use tests::{Board, tell};

const FILE: &str = "../../shared/facts/386-clocks.tsv";
const CODE: u32 = 0x4000;
const OPERAND: u32 = 0x5000;
const STACK: u32 = 0x6000;
const GDT: u32 = 0x1000;

/// Selectors: data with page granularity and with byte granularity, a local table, a task.
const DATA: u16 = 0x10;
const SMALL_DATA: u16 = 0x18;
const LOCAL: u16 = 0x20;
const TASK: u16 = 0x28;

/// The manual prints these with the figures of `r/m, r` and `r, r/m` exchanged against ADD, ADC and AND: a slip, of which the crate
/// takes nothing over.
const EXCHANGED: [&str; 4] = ["OR", "SBB", "SUB", "XOR"];

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Mode {
    Real,
    Protected,
}

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
    fn parse(line: &'a str) -> Option<Self> {
        let mut columns = line.split('\t');
        let mut next = || columns.next();
        Some(Self {
            opcode: next()?,
            form: next()?,
            figures: [next()?, next()?],
            note: next().unwrap_or(""),
        })
    }

    /// The figures of a mode if they are fixed and this test can bring them about.
    fn figures(&self, mode: Mode) -> Option<Vec<Cycle>> {
        let text = self.figures[mode as usize].replace("+m", "");
        let is_transfer = [
            "CALL ptr", "CALL m16", "JMP ptr", "JMP m16", "RETF", "IRET", "INT",
        ];
        let is_elsewhere = mode == Mode::Protected
            && is_transfer.iter().any(|start| self.form.starts_with(start))
            && !self.form.ends_with("(OF=0)");
        // The page of LLDT gives figures for real mode, where it is undefined.
        let is_undefined = mode == Mode::Real && self.form.starts_with("LLDT");
        if is_undefined || self.opcode == "F0" || self.form.starts_with("MOV CR0") || is_elsewhere {
            return None;
        }
        let figures = text.split(['/', '|']).map(|figure| figure.trim().parse().ok());
        let mut figures: Vec<Cycle> = figures.collect::<Option<_>>()?;
        if self.note.starts_with("pm = ") {
            figures.truncate(1);
        }
        let (mnemonic, operands) = self.form.split_once(' ').unwrap_or((self.form, ""));
        if EXCHANGED.contains(&mnemonic) && operands.contains("r/m") && !operands.contains("imm") {
            let to_register = !operands.starts_with("r/m");
            assert_eq!(figures, [2, if to_register { 7 } else { 6 }], "{self:?}");
            figures = vec![2, if to_register { 6 } else { 7 }];
        }
        Some(figures)
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
            Mode::Protected if is_16_bit && !self.is_32_bit() => code.push(0x66),
            _ => {}
        }
        let (native, has_32) = match mode {
            Mode::Real => (2, code.first() == Some(&0x66)),
            Mode::Protected => (4, code.first() != Some(&0x66)),
        };
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
        let operand = match (place, mode) {
            (Place::Register, _) => 0xC0 | Register::Ecx as u8,
            (Place::Memory, Mode::Real) => 7,
            (Place::Memory, Mode::Protected) => Register::Ebx as u8,
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
    let mut state = Cpu::new().state();
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
    if mode == Mode::Protected {
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

/// Clocks of a row's instruction, and whether it has jumped by two. In real mode a fault would show in the clocks; in protected
/// mode, without any gate, it shuts the processor down.
fn measure(row: &Row<'_>, mode: Mode, place: Place, flags: Flags, count: u32) -> (Cycle, bool) {
    let mut board = Board::new(vec![0; 0x10_0000], 1);
    let state = prepare(row, mode, &mut board, flags, count);
    let code = row.encode(mode, place);
    board.write_bytes(CODE, &code);
    let mut cpu = Cpu::new();
    cpu.restore(&state);
    cpu.run(&mut board);
    assert!(!cpu.state().is_shut_down, "{row:?} {code:02x?} faults");
    let behind = CODE + code.len() as u32;
    (cpu.cycles(), cpu.state().eip == behind + 2)
}

/// What a row costs, in the order of its figures.
fn measured(row: &Row<'_>, mode: Mode, figures: usize) -> Vec<Cycle> {
    let count = u32::from(row.operand());
    let flags = if row.form.contains("(OF=1)") {
        Flags::OVERFLOW
    } else {
        Flags::empty()
    };
    if row.figures[0].contains('|') {
        let conditions = [Flags::empty(), Flags::ARITHMETIC, Flags::SIGN].into_iter();
        let runs = conditions.flat_map(|flags| [0, count].map(|count| (flags, count)));
        let runs: Vec<_> = runs
            .map(|(flags, count)| measure(row, mode, Place::Register, flags, count))
            .collect();
        let first = |is_taken| runs.iter().find(|run| run.1 == is_taken).map_or(0, |run| run.0);
        return vec![first(true), first(false)];
    }
    let places = match figures {
        1 => vec![row.only_place()],
        _ => vec![Place::Register, Place::Memory],
    };
    places
        .into_iter()
        .map(|place| measure(row, mode, place, flags, count).0)
        .collect()
}

#[test]
fn instructions_cost_what_the_extracted_table_says() {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join(FILE);
    let Ok(text) = std::fs::read_to_string(&path) else {
        tell(&format!("{}: not there, nothing to compare\n", path.display()));
        return;
    };
    let lines = text.lines().filter(|line| !line.starts_with('#')).skip(1);
    let mut wrong = Vec::new();
    let (mut compared, mut left_out) = (0, 0);
    for row in lines.filter_map(Row::parse) {
        for mode in [Mode::Real, Mode::Protected] {
            let Some(figures) = row.figures(mode) else {
                left_out += 1;
                continue;
            };
            compared += 1;
            let is = measured(&row, mode, figures.len());
            if is != figures {
                let code = row.encode(mode, row.only_place());
                wrong.push(format!(
                    "{mode:?} {row:?} {code:02x?}: {is:?} instead of {figures:?}"
                ));
            }
        }
    }
    tell(&format!(
        "{compared} clock figures compared, {left_out} left out\n"
    ));
    assert!(compared > 0, "{}: no rows", path.display());
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}
