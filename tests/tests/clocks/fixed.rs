//! The forms with fixed figures (PRM chapter 17), group by group, written as rows of opcode, form, real mode, protected mode and
//! note.

use std::fmt::Write as _;

/// In the order of their opcodes' bits 5 to 3.
const ARITHMETIC: [&str; 8] = ["ADD", "OR", "ADC", "SBB", "AND", "SUB", "XOR", "CMP"];
const SHIFTS: [&str; 8] = ["ROL", "ROR", "RCL", "RCR", "SHL", "SHR", "SAL", "SAR"];
const STRINGS: [(&str, u8, u8); 5] = [
    ("MOVS", 0xA4, 7),
    ("CMPS", 0xA6, 10),
    ("STOS", 0xAA, 4),
    ("LODS", 0xAC, 5),
    ("SCAS", 0xAE, 7),
];

/// Opcode, form, figure of both modes.
const BOTH_MODES: [(&str, &str, &str); 78] = [
    ("37", "AAA", "4"),
    ("3F", "AAS", "4"),
    ("27", "DAA", "4"),
    ("2F", "DAS", "4"),
    ("D5 0A", "AAD", "19"),
    ("D4 0A", "AAM", "17"),
    ("98", "CBW", "3"),
    ("98", "CWDE", "3"),
    ("99", "CWD", "2"),
    ("99", "CDQ", "2"),
    ("F8", "CLC", "2"),
    ("F9", "STC", "2"),
    ("F5", "CMC", "2"),
    ("FC", "CLD", "2"),
    ("FD", "STD", "2"),
    ("FA", "CLI", "3"),
    ("FB", "STI", "3"),
    ("9F", "LAHF", "2"),
    ("9E", "SAHF", "3"),
    ("90", "NOP", "3"),
    ("D7", "XLAT", "5"),
    ("F4", "HLT", "5"),
    ("9B", "WAIT", "6"),
    ("0F 06", "CLTS", "5"),
    ("62 /r", "BOUND r16,m16&16", "10"),
    ("62 /r", "BOUND r32,m32&32", "10"),
    ("84 /r", "TEST r/m8,r8", "2/5"),
    ("85 /r", "TEST r/m16,r16", "2/5"),
    ("85 /r", "TEST r/m32,r32", "2/5"),
    ("A8 ib", "TEST AL,imm8", "2"),
    ("A9 iw", "TEST AX,imm16", "2"),
    ("A9 id", "TEST EAX,imm32", "2"),
    ("F6 /6", "DIV AL,r/m8", "14/17"),
    ("F7 /6", "DIV AX,r/m16", "22/25"),
    ("F7 /6", "DIV EAX,r/m32", "38/41"),
    ("F6 /7", "IDIV r/m8", "19/22"),
    ("F7 /7", "IDIV AX,r/m16", "27/30"),
    ("F7 /7", "IDIV EAX,r/m32", "43/46"),
    ("88 /r", "MOV r/m8,r8", "2/2"),
    ("89 /r", "MOV r/m16,r16", "2/2"),
    ("89 /r", "MOV r/m32,r32", "2/2"),
    ("8A /r", "MOV r8,r/m8", "2/4"),
    ("8B /r", "MOV r16,r/m16", "2/4"),
    ("8B /r", "MOV r32,r/m32", "2/4"),
    ("8C /r", "MOV r/m16,Sreg", "2/2"),
    ("A0", "MOV AL,moffs8", "4"),
    ("A1", "MOV EAX,moffs32", "4"),
    ("A2", "MOV moffs8,AL", "2"),
    ("A3", "MOV moffs32,EAX", "2"),
    ("C6", "MOV r/m8,imm8", "2/2"),
    ("C7", "MOV r/m32,imm32", "2/2"),
    ("8D /r", "LEA r16,m", "2"),
    ("8D /r", "LEA r32,m", "2"),
    ("86 /r", "XCHG r8,r/m8", "3/5"),
    ("87 /r", "XCHG r32,r/m32", "3/5"),
    ("8F /0", "POP m32", "5"),
    ("FF /6", "PUSH m32", "5"),
    ("68", "PUSH imm32", "2"),
    ("6A", "PUSH imm8", "2"),
    ("1E", "PUSH DS", "2"),
    ("0F A0", "PUSH FS", "2"),
    ("60", "PUSHA", "18"),
    ("60", "PUSHAD", "18"),
    ("61", "POPA", "24"),
    ("61", "POPAD", "24"),
    ("9C", "PUSHFD", "4"),
    ("9D", "POPFD", "5"),
    ("C9", "LEAVE", "4"),
    ("C8 iw 00", "ENTER imm16,0", "10"),
    ("C8 iw 01", "ENTER imm16,1", "12"),
    ("CE", "INTO (OF=0)", "3"),
    ("0F 01 /0", "SGDT m", "9"),
    ("0F 01 /1", "SIDT m", "9"),
    ("0F 01 /2", "LGDT m16&32", "11"),
    ("0F 01 /3", "LIDT m16&32", "11"),
    ("0F 01 /6", "LMSW r/m16", "10/13"),
    ("0F 24 /r", "MOV r32,TR6/TR7", "12"),
    ("0F 26 /r", "MOV TR6/TR7,r32", "12"),
];

/// Opcode, form, figures of real and of protected mode, note.
const PER_MODE: [(&str, &str, &str, &str, &str); 31] = [
    ("0F 20 /r", "MOV r32,CR0/CR2/CR3", "6", "6", ""),
    ("0F 21 /r", "MOV r32,DR0", "22", "22", ""),
    ("0F 21 /r", "MOV r32,DR6", "14", "14", ""),
    ("0F 23 /r", "MOV DR0,r32", "22", "22", ""),
    ("0F 23 /r", "MOV DR6,r32", "16", "16", ""),
    ("8E /r", "MOV Sreg,r/m16", "2/5", "18/19", ""),
    ("07", "POP ES", "7", "21", ""),
    ("17", "POP SS", "7", "21", ""),
    ("1F", "POP DS", "7", "21", ""),
    ("0F A1", "POP FS", "7", "21", ""),
    ("0F A9", "POP GS", "7", "21", ""),
    ("C5 /r", "LDS r32,m16:32", "7", "22", ""),
    ("C4 /r", "LES r16,m16:16", "7", "22", ""),
    ("0F B2 /r", "LSS r32,m16:32", "7", "22", ""),
    ("0F B4 /r", "LFS r32,m16:32", "7", "25", ""),
    ("0F B5 /r", "LGS r16,m16:16", "7", "25", ""),
    ("63 /r", "ARPL r/m16,r16", "-", "20/21", ""),
    ("0F 02 /r", "LAR r32,r/m32", "-", "15/16", ""),
    ("0F 03 /r", "LSL r32,r/m32", "-", "20/21", "byte"),
    ("0F 03 /r", "LSL r32,r/m32", "-", "25/26", "page"),
    ("0F 00 /0", "SLDT r/m16", "-", "2/2", ""),
    ("0F 00 /1", "STR r/m16", "-", "23/27", ""),
    ("0F 00 /2", "LLDT r/m16", "-", "20/20", ""),
    ("0F 00 /3", "LTR r/m16", "-", "23/27", ""),
    ("0F 00 /4", "VERR r/m16", "-", "10/11", ""),
    ("0F 00 /5", "VERW r/m16", "-", "15/16", ""),
    ("0F 01 /4", "SMSW r/m16", "2/3", "2/2", ""),
    ("EB", "JMP rel8", "7+m", "7+m", ""),
    ("E9 cw/cd", "JMP rel16/32", "7+m", "7+m", ""),
    ("C3", "RET", "10+m", "10+m", ""),
    ("C2 iw", "RET imm16", "10+m", "10+m", ""),
];

/// All rows as text.
pub(crate) fn table() -> String {
    let mut table = String::new();
    let mut row = |opcode: String, form: String, figure: &str| {
        writeln!(table, "{opcode}\t{form}\t{figure}\t{figure}\t").expect("a string grows");
    };
    for (number, name) in ARITHMETIC.into_iter().enumerate() {
        arithmetic(number, name, &mut row);
    }
    for (number, name) in SHIFTS.into_iter().enumerate() {
        shifts(number, name, &mut row);
    }
    conditions(&mut row);
    unary_and_bits(&mut row);
    for (name, opcode, clocks) in STRINGS {
        for (wide, width) in [(0, "B"), (1, "W"), (1, "D")] {
            row(
                format!("{:02X}", opcode | wide),
                format!("{name}{width}"),
                &clocks.to_string(),
            );
        }
    }
    for (opcode, form, figure) in BOTH_MODES {
        row(opcode.into(), form.into(), figure);
    }
    for (opcode, form, real, protected, note) in PER_MODE {
        writeln!(table, "{opcode}\t{form}\t{real}\t{protected}\t{note}").expect("a string grows");
    }
    table
}

fn arithmetic(number: usize, name: &str, row: &mut impl FnMut(String, String, &str)) {
    let base = number * 8;
    let to_memory = if name == "CMP" { "2/5" } else { "2/7" };
    for (wide, bits) in [(0, 8), (1, 16), (1, 32)] {
        let (accumulator, constant) = match bits {
            8 => ("AL", "ib"),
            16 => ("AX", "iw"),
            _ => ("EAX", "id"),
        };
        let opcode = |at: usize| format!("{:02X}", base + at + wide);
        row(opcode(0) + " /r", format!("{name} r/m{bits},r{bits}"), to_memory);
        row(opcode(2) + " /r", format!("{name} r{bits},r/m{bits}"), "2/6");
        row(
            format!("{} {constant}", opcode(4)),
            format!("{name} {accumulator},imm{bits}"),
            "2",
        );
        let group = |first: usize, constant: &str| format!("{first:02X} /{number} {constant}");
        row(
            group(0x80 + wide, constant),
            format!("{name} r/m{bits},imm{bits}"),
            to_memory,
        );
        row(
            group(0x82 + wide, "ib"),
            format!("{name} r/m{bits},imm8"),
            to_memory,
        );
    }
}

fn shifts(number: usize, name: &str, row: &mut impl FnMut(String, String, &str)) {
    let figure = if name.starts_with("RC") { "9/10" } else { "3/7" };
    for (wide, bits) in [(0, 8), (1, 16), (1, 32)] {
        for (opcode, count, constant) in [(0xD0, "1", ""), (0xD2, "CL", ""), (0xC0, "imm8", " ib")] {
            row(
                format!("{:02X} /{number}{constant}", opcode | wide),
                format!("{name} r/m{bits},{count}"),
                figure,
            );
        }
    }
}

/// Jcc, SETcc, LOOP and JCXZ, by the numbers of their conditions.
fn conditions(row: &mut impl FnMut(String, String, &str)) {
    for condition in 0..16 {
        row(
            format!("{:02X} cb", 0x70 | condition),
            "Jcc rel8".into(),
            "7+m | 3",
        );
        row(
            format!("0F {:02X} cw/cd", 0x80 | condition),
            "Jcc rel16/32".into(),
            "7+m | 3",
        );
        row(format!("0F {:02X}", 0x90 | condition), "SETcc r/m8".into(), "4/5");
    }
    for (opcode, name) in [("E0", "LOOPNE"), ("E1", "LOOPE"), ("E2", "LOOP")] {
        row(format!("{opcode} cb"), format!("{name} rel8"), "11+m");
    }
    row("E3 cb".into(), "JCXZ rel8".into(), "9+m | 5");
    row("E8".into(), "CALL rel16/rel32".into(), "7+m");
    row("FF /2".into(), "CALL r/m16, r/m32".into(), "7+m/10+m");
    row("FF /4".into(), "JMP r/m16, r/m32".into(), "7+m/10+m");
}

/// Forms with one operand, bit tests, extensions, double shifts, and registers in the opcode.
fn unary_and_bits(row: &mut impl FnMut(String, String, &str)) {
    for (wide, bits) in [(0, 8), (1, 16), (1, 32)] {
        for (group, number, name) in [
            (0xFE, 0, "INC"),
            (0xFE, 1, "DEC"),
            (0xF6, 2, "NOT"),
            (0xF6, 3, "NEG"),
        ] {
            row(
                format!("{:02X} /{number}", group | wide),
                format!("{name} r/m{bits}"),
                "2/6",
            );
        }
    }
    for bits in [16, 32] {
        for (opcode, number, name) in [(0xAB, 5, "BTS"), (0xB3, 6, "BTR"), (0xBB, 7, "BTC")] {
            row(
                format!("0F {opcode:02X}"),
                format!("{name} r/m{bits},r{bits}"),
                "6/13",
            );
            row(
                format!("0F BA /{number} ib"),
                format!("{name} r/m{bits},imm8"),
                "6/8",
            );
        }
        row("0F A3".into(), format!("BT r/m{bits},r{bits}"), "3/12");
        row("0F BA /4 ib".into(), format!("BT r/m{bits},imm8"), "3/6");
        for (opcode, name) in [(0xB6, "MOVZX"), (0xBE, "MOVSX")] {
            row(
                format!("0F {opcode:02X} /r"),
                format!("{name} r{bits},r/m8"),
                "3/6",
            );
        }
        for (opcode, name) in [(0xA4, "SHLD"), (0xAC, "SHRD")] {
            row(
                format!("0F {opcode:02X}"),
                format!("{name} r/m{bits},r{bits},imm8"),
                "3/7",
            );
            row(
                format!("0F {:02X}", opcode | 1),
                format!("{name} r/m{bits},r{bits},CL"),
                "3/7",
            );
        }
        for (opcode, name, figure) in [
            ("40", "INC", "2"),
            ("48", "DEC", "2"),
            ("50", "PUSH", "2"),
            ("58", "POP", "4"),
            ("90", "XCHG accumulator,", "3"),
        ] {
            row(format!("{opcode}+r"), format!("{name} r{bits}"), figure);
        }
    }
}
