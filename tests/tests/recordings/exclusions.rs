//! Where the recorded processors and an 80386 may differ: the one table of it.

use cpu::Flags;

use crate::moo::{Case, Name};

/// What is not compared.
#[derive(Clone, Copy)]
pub(crate) enum What {
    /// These flags, in FLAGS and in the word that an exception pushes.
    Flags(Flags),
    /// Writes to ports.
    PortWrites,
    /// The whole case, if this holds.
    Case(fn(&Case) -> bool),
}

/// A row of the table.
pub(crate) struct Exclusion {
    /// Names of files without their endings: opcode, and reg field of the ModRM byte where it counts. Nothing: all files.
    pub(crate) forms: &'static [&'static str],
    pub(crate) what: What,
    pub(crate) reason: &'static str,
}

impl Exclusion {
    /// Whether the row is about a form.
    pub(crate) fn names(&self, form: &str) -> bool {
        self.forms.is_empty() || self.forms.contains(&form)
    }
}

/// The table for recordings of an 80386.
pub(crate) const OF_A_386: &[Exclusion] = &[Exclusion {
    forms: &[],
    what: What::Flags(Flags::from_bits_retain(0xFFFC_0000)),
    reason: "EFLAGS bits 18 to 31 do not exist; they were recorded as ones",
}];

/// The table for recordings of an 80286.
pub(crate) const OF_A_286: &[Exclusion] = &[
    Exclusion {
        forms: &[],
        what: What::Flags(Flags::from_bits_retain(0xF000)),
        reason: "FLAGS bits 12 to 15: a 286 has no IOPL and NT in real mode",
    },
    Exclusion {
        forms: &[],
        what: What::Case(is_lock_refused),
        reason: "LOCK where the 386's manual refuses it: #UD; a 286 takes LOCK before anything",
    },
    Exclusion {
        forms: &[],
        what: What::Case(ends_at_the_top),
        reason: "HLT at offset FFFFh: the 386's EIP goes on to 10000h, the 286's IP to 0",
    },
    Exclusion {
        forms: &["8C", "8E"],
        what: What::Case(names_fs_or_gs),
        reason: "FS and GS: #UD on a 286",
    },
    Exclusion {
        forms: &[],
        what: What::Case(is_longer_than_ten),
        reason: "more than ten bytes: interrupt 13 on a 286, while a 386 takes up to 15",
    },
    Exclusion {
        forms: &["6D", "6F", "A5", "A7", "AB", "AD", "AF"],
        what: What::Case(has_segment_overrun),
        reason: "a string instruction at offset FFFFh: both fault, but a 286 has changed SI, DI and CX",
    },
    Exclusion {
        forms: &[],
        what: What::Case(has_stack_overrun),
        reason: "a word at offset FFFFh of the stack segment: interrupt 12 on a 386, 13 on a 286",
    },
    Exclusion {
        forms: &["8F"],
        what: What::Case(has_segment_overrun),
        reason: "POP to offset FFFFh: both fault, but a 286 has changed SP",
    },
    Exclusion {
        forms: &["E7"],
        what: What::Case(has_lost_its_write),
        reason: "the recording of OUT to port 2 lacks the write",
    },
    Exclusion {
        forms: &["D8"],
        what: What::PortWrites,
        reason: "a 286 hands an escape to a coprocessor through ports F8h and FCh, fitted or not",
    },
    Exclusion {
        forms: &["27", "2F"],
        what: What::Flags(Flags::OVERFLOW),
        reason: "DAA and DAS: OF undefined",
    },
    Exclusion {
        forms: &["37", "3F"],
        what: What::Flags(
            Flags::OVERFLOW
                .union(Flags::SIGN)
                .union(Flags::ZERO)
                .union(Flags::PARITY),
        ),
        reason: "AAA and AAS: OF, SF, ZF and PF undefined",
    },
    Exclusion {
        forms: &["D5"],
        what: What::Flags(Flags::OVERFLOW.union(Flags::ADJUST).union(Flags::CARRY)),
        reason: "AAD: OF, AF and CF undefined",
    },
    Exclusion {
        forms: &["69", "6B", "F6.4", "F6.5", "F7.4", "F7.5"],
        what: What::Flags(
            Flags::SIGN
                .union(Flags::ZERO)
                .union(Flags::ADJUST)
                .union(Flags::PARITY),
        ),
        reason: "MUL and IMUL: SF, ZF, AF and PF undefined",
    },
    Exclusion {
        forms: &["F6.6", "F6.7", "F7.6", "F7.7"],
        what: What::Flags(Flags::ARITHMETIC),
        reason: "DIV and IDIV: all six flags undefined",
    },
    Exclusion {
        forms: &[
            "C0.4", "C0.5", "C0.6", "C0.7", "C1.4", "C1.5", "C1.6", "C1.7", "D0.4", "D0.5", "D0.6", "D0.7",
            "D1.4", "D1.5", "D1.6", "D1.7", "D2.4", "D2.5", "D2.6", "D2.7", "D3.4", "D3.5", "D3.6", "D3.7",
        ],
        what: What::Flags(Flags::ADJUST),
        reason: "SHL, SHR and SAR: AF undefined",
    },
    Exclusion {
        forms: &["C0.2", "C0.3", "C1.2", "C1.3", "D2.2", "D2.3", "D3.2", "D3.3"],
        what: What::Flags(Flags::OVERFLOW),
        reason: "RCL and RCR by more than one: OF undefined",
    },
];

/// The 286 has taken interrupt 13.
fn has_segment_overrun(case: &Case) -> bool {
    case.exception == Some(13)
}

/// The same, and it was the stack segment that the instruction addressed.
fn has_stack_overrun(case: &Case) -> bool {
    has_segment_overrun(case) && addresses_the_stack(case)
}

/// Whether an instruction that was recorded with a segment overrun reads or writes the stack segment.
fn addresses_the_stack(case: &Case) -> bool {
    let code = without_prefixes(case);
    match code[0] {
        0x07 | 0x17 | 0x1F | 0x58..=0x5F | 0x61 | 0x9D | 0xC2 | 0xC3 | 0xC9..=0xCB | 0xCF => true,
        _ => segment_of_operand(case) == 0x36,
    }
}

/// The prefix that would name the segment of a memory operand with ModRM byte.
fn segment_of_operand(case: &Case) -> u8 {
    let code = without_prefixes(case);
    let prefixes = &case.bytes[..case.bytes.len() - code.len()];
    let is_override = |byte: &&u8| matches!(**byte, 0x26 | 0x2E | 0x36 | 0x3E);
    let modrm = code.get(1).copied().unwrap_or(0);
    let has_bp = matches!(modrm & 7, 2 | 3) || modrm & 7 == 6 && modrm >= 0x40;
    let usual = if has_bp { &0x36 } else { &0x3E };
    *prefixes.iter().rfind(is_override).unwrap_or(usual)
}

/// A segment register that only a 386 has.
fn names_fs_or_gs(case: &Case) -> bool {
    let code = without_prefixes(case);
    matches!(code[1] >> 3 & 7, 4 | 5)
}

/// The HLT behind the instruction does not count.
fn is_longer_than_ten(case: &Case) -> bool {
    case.bytes.len() - 1 > 10
}

/// OUT with an immediate port.
fn has_lost_its_write(case: &Case) -> bool {
    without_prefixes(case)[1] == 2 && case.port_writes.is_empty()
}

/// The HLT behind the instruction, or at its target, is the last byte of the segment.
fn ends_at_the_top(case: &Case) -> bool {
    case.after.registers.get(Name::Eip) == Some(0)
}

/// Opcode and what follows it, behind all prefixes.
fn without_prefixes(case: &Case) -> &[u8] {
    let is_prefix = |byte: &&u8| matches!(**byte, 0x26 | 0x2E | 0x36 | 0x3E | 0xF0 | 0xF2 | 0xF3);
    let prefixes = case.bytes.iter().take_while(is_prefix).count();
    &case.bytes[prefixes..]
}

/// LOCK before something that the 386's manual does not list for it.
fn is_lock_refused(case: &Case) -> bool {
    let code = without_prefixes(case);
    let prefixes = &case.bytes[..case.bytes.len() - code.len()];
    let (opcode, modrm) = (code[0], code.get(1).copied().unwrap_or(0));
    let reg = modrm >> 3 & 7;
    let is_listed = match opcode {
        0x00..=0x37 => opcode & 7 < 2,
        0x80..=0x83 => reg != 7,
        0x86 | 0x87 => true,
        0xF6 | 0xF7 => reg == 2 || reg == 3,
        0xFE | 0xFF => reg < 2,
        _ => false,
    };
    prefixes.contains(&0xF0) && !(is_listed && modrm < 0xC0)
}
