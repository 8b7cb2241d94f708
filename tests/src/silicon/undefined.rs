//! Flags that instructions leave undefined (PRM chapter 17, each instruction's page), and which flags they read and set.

use iced_x86::{
    Decoder, DecoderOptions, FlowControl, Instruction, InstructionInfoFactory, Mnemonic, OpKind, Register,
    RflagsBits,
};

pub(super) const CARRY: u32 = 1 << 0;
pub(super) const PARITY: u32 = 1 << 2;
pub(super) const ADJUST: u32 = 1 << 4;
pub(super) const ZERO: u32 = 1 << 6;
pub(super) const SIGN: u32 = 1 << 7;
pub(super) const OVERFLOW: u32 = 1 << 11;

/// Flags that some instructions leave undefined.
pub struct Undefined {
    /// Which instructions.
    pub mnemonics: &'static [Mnemonic],
    /// Which of their flags.
    pub flags: u32,
    /// When.
    pub when: When,
}

/// When flags are undefined.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum When {
    /// Always.
    Always,
    /// If the count, of which five bits are used, is not 0.
    Counted,
    /// If it is neither 0 nor 1.
    CountedBeyondOne,
    /// If it is at least the operand's size.
    CountedBeyondSize,
}

/// The flags that are not compared behind these instructions, and that nothing behind them reads.
pub const UNDEFINED: &[Undefined] = &[
    Undefined {
        mnemonics: &[Mnemonic::And, Mnemonic::Or, Mnemonic::Xor, Mnemonic::Test],
        flags: ADJUST,
        when: When::Always,
    },
    Undefined {
        mnemonics: &[Mnemonic::Mul, Mnemonic::Imul],
        flags: SIGN | ZERO | ADJUST | PARITY,
        when: When::Always,
    },
    Undefined {
        mnemonics: &[Mnemonic::Div, Mnemonic::Idiv],
        flags: OVERFLOW | SIGN | ZERO | ADJUST | PARITY | CARRY,
        when: When::Always,
    },
    Undefined {
        mnemonics: &[Mnemonic::Aaa, Mnemonic::Aas],
        flags: OVERFLOW | SIGN | ZERO | PARITY,
        when: When::Always,
    },
    Undefined {
        mnemonics: &[Mnemonic::Aam, Mnemonic::Aad],
        flags: OVERFLOW | ADJUST | CARRY,
        when: When::Always,
    },
    Undefined {
        mnemonics: &[Mnemonic::Daa, Mnemonic::Das],
        flags: OVERFLOW,
        when: When::Always,
    },
    Undefined {
        mnemonics: &[Mnemonic::Bt, Mnemonic::Bts, Mnemonic::Btr, Mnemonic::Btc],
        flags: OVERFLOW | SIGN | ZERO | ADJUST | PARITY,
        when: When::Always,
    },
    Undefined {
        mnemonics: &[Mnemonic::Bsf, Mnemonic::Bsr],
        flags: OVERFLOW | SIGN | ADJUST | PARITY | CARRY,
        when: When::Always,
    },
    Undefined {
        mnemonics: &[
            Mnemonic::Shl,
            Mnemonic::Sal,
            Mnemonic::Shr,
            Mnemonic::Sar,
            Mnemonic::Shld,
            Mnemonic::Shrd,
        ],
        flags: ADJUST,
        when: When::Counted,
    },
    Undefined {
        mnemonics: SHIFTS_AND_ROTATES,
        flags: OVERFLOW,
        when: When::CountedBeyondOne,
    },
    Undefined {
        mnemonics: &[Mnemonic::Shl, Mnemonic::Sal, Mnemonic::Shr],
        flags: CARRY,
        when: When::CountedBeyondSize,
    },
];

const SHIFTS_AND_ROTATES: &[Mnemonic] = &[
    Mnemonic::Shl,
    Mnemonic::Sal,
    Mnemonic::Shr,
    Mnemonic::Sar,
    Mnemonic::Shld,
    Mnemonic::Shrd,
    Mnemonic::Rol,
    Mnemonic::Ror,
    Mnemonic::Rcl,
    Mnemonic::Rcr,
];

/// Decodes one instruction.
#[must_use]
pub fn decode(bytes: &[u8], eip: u32, is_32_bit: bool) -> Instruction {
    let bitness = if is_32_bit { 32 } else { 16 };
    Decoder::with_ip(bitness, bytes, u64::from(eip), DecoderOptions::NONE).decode()
}

/// Which flags an instruction reads, as bits of EFLAGS.
pub(super) fn flags_read(instruction: &Instruction) -> u32 {
    flags_of(instruction.rflags_read())
}

/// What an instruction that is executed makes of the flags that are undefined in front of it; `ecx` is ECX in front of it, none if
/// that is not known.
pub(super) fn undefined_behind(instruction: &Instruction, undefined: u32, ecx: Option<u32>) -> u32 {
    let count = shift_count(instruction, ecx);
    let sets_flags = if SHIFTS_AND_ROTATES.contains(&instruction.mnemonic()) {
        count.is_some_and(|count| count != 0)
    } else if is_repeated_string(instruction) {
        ecx.is_some_and(|ecx| ecx & counter_mask(instruction) != 0)
    } else {
        true
    };
    let kept = if sets_flags {
        undefined & !flags_of(instruction.rflags_modified())
    } else {
        undefined
    };
    kept | undefined_by(instruction, count)
}

fn is_repeated_string(instruction: &Instruction) -> bool {
    instruction.is_string_instruction() && (instruction.has_rep_prefix() || instruction.has_repne_prefix())
}

/// The bits of ECX that a string instruction counts with: all, or with 16-bit addresses CX.
fn counter_mask(instruction: &Instruction) -> u32 {
    let is_short = |kind| {
        matches!(
            kind,
            OpKind::MemorySegSI | OpKind::MemorySegDI | OpKind::MemoryESDI
        )
    };
    if instruction.op_kinds().any(is_short) {
        0xFFFF
    } else {
        u32::MAX
    }
}

/// The flags that an instruction leaves undefined; `count` is that of a shift, none if it is not known.
fn undefined_by(instruction: &Instruction, count: Option<u8>) -> u32 {
    let rows = UNDEFINED.iter().filter(|row| {
        row.mnemonics.contains(&instruction.mnemonic()) && is_when(instruction, row.when, count)
    });
    rows.fold(0, |flags, row| flags | row.flags)
}

/// The count of a shift, of which five bits are used, where it is known.
pub(super) fn shift_count(instruction: &Instruction, ecx: Option<u32>) -> Option<u8> {
    let last = instruction.op_count().saturating_sub(1);
    match instruction.op_kind(last) {
        OpKind::Immediate8 => Some(instruction.immediate8() & 31),
        OpKind::Register if instruction.op_register(last) == Register::CL => ecx.map(|ecx| ecx as u8 & 31),
        _ => None,
    }
}

fn is_when(instruction: &Instruction, when: When, count: Option<u8>) -> bool {
    match (when, count) {
        (When::Always, _) | (When::Counted | When::CountedBeyondOne, None) => true,
        (When::Counted, Some(count)) => count != 0,
        (When::CountedBeyondOne, Some(count)) => count > 1,
        (When::CountedBeyondSize, None) => operand_bytes(instruction) < 4,
        (When::CountedBeyondSize, Some(count)) => usize::from(count) >= operand_bytes(instruction) * 8,
    }
}

/// Bytes of the first operand.
fn operand_bytes(instruction: &Instruction) -> usize {
    if instruction.op0_kind() == OpKind::Register {
        return instruction.op0_register().size();
    }
    let mut factory = InstructionInfoFactory::new();
    let info = factory.info(instruction);
    let memory = info.used_memory().first();
    memory.map_or(0, |memory| memory.memory_size().size())
}

/// Which flags are undefined in front of the next instruction of a sequence, from its text alone.
#[derive(Clone, Debug)]
pub struct Taint {
    is_32_bit: bool,
    undefined: u32,
    /// From here on nothing is sure to have been executed.
    has_branched: bool,
}

impl Taint {
    /// In front of the first.
    #[must_use]
    pub fn new(is_32_bit: bool) -> Self {
        Self {
            is_32_bit,
            undefined: 0,
            has_branched: false,
        }
    }

    /// Goes over one instruction; false if it reads an undefined flag.
    pub fn follow(&mut self, bytes: &[u8], eip: u32) -> bool {
        let instruction = decode(bytes, eip, self.is_32_bit);
        if flags_read(&instruction) & self.undefined != 0 {
            return false;
        }
        let behind = undefined_behind(&instruction, self.undefined, None);
        let is_sure = !self.has_branched && !is_conditional(&instruction);
        let before = if is_sure { 0 } else { self.undefined };
        self.undefined = before | behind;
        self.has_branched |= instruction.flow_control() != FlowControl::Next;
        true
    }
}

/// Instructions that may leave the flags alone.
fn is_conditional(instruction: &Instruction) -> bool {
    SHIFTS_AND_ROTATES.contains(&instruction.mnemonic())
        || instruction.has_rep_prefix()
        || instruction.has_repne_prefix()
}

/// iced's flag bits as bits of EFLAGS.
fn flags_of(bits: u32) -> u32 {
    let pairs = [
        (RflagsBits::CF, CARRY),
        (RflagsBits::PF, PARITY),
        (RflagsBits::AF, ADJUST),
        (RflagsBits::ZF, ZERO),
        (RflagsBits::SF, SIGN),
        (RflagsBits::OF, OVERFLOW),
    ];
    pairs
        .iter()
        .filter(|(theirs, _)| bits & theirs != 0)
        .fold(0, |flags, (_, ours)| flags | ours)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn taint(code: &[&[u8]]) -> (u32, bool) {
        let mut taint = Taint::new(true);
        let is_good = code.iter().all(|bytes| taint.follow(bytes, 0));
        (taint.undefined, is_good)
    }

    #[test]
    fn a_product_leaves_four_flags_undefined_until_they_are_set() {
        let mul: &[u8] = &[0xF7, 0xE3];
        assert_eq!(taint(&[mul]).0, SIGN | ZERO | ADJUST | PARITY);
        assert_eq!(taint(&[mul, &[0x01, 0xC3]]).0, 0, "ADD");
        assert_eq!(taint(&[mul, &[0x31, 0xC3]]).0, ADJUST, "XOR");
    }

    #[test]
    fn an_undefined_flag_may_not_be_read() {
        let mul: &[u8] = &[0xF7, 0xE3];
        assert!(!taint(&[mul, &[0x0F, 0x94, 0xC0]]).1, "SETE");
        assert!(!taint(&[mul, &[0x9C]]).1, "PUSHF");
        assert!(taint(&[mul, &[0x0F, 0x92, 0xC0]]).1, "SETC");
    }

    #[test]
    fn what_may_not_be_executed_defines_nothing() {
        let mul: &[u8] = &[0xF7, 0xE3];
        let jump: &[u8] = &[0x72, 0x00];
        let add: &[u8] = &[0x01, 0xC3];
        assert_eq!(taint(&[mul, jump, add]).0, SIGN | ZERO | ADJUST | PARITY);
    }

    #[test]
    fn a_shift_by_one_defines_overflow() {
        assert_eq!(taint(&[&[0xC1, 0xE0, 1]]).0, ADJUST);
        assert_eq!(taint(&[&[0xC1, 0xE0, 2]]).0, ADJUST | OVERFLOW);
        assert_eq!(taint(&[&[0xC0, 0xE0, 8]]).0, ADJUST | OVERFLOW | CARRY);
        assert_eq!(taint(&[&[0xC1, 0xE0, 32]]).0, 0);
    }

    /// The flags that are undefined behind an instruction, of 32-bit code, in front of which all are.
    fn all_but_set_by(bytes: &[u8], ecx: u32) -> u32 {
        const ALL: u32 = CARRY | PARITY | ADJUST | ZERO | SIGN | OVERFLOW;
        undefined_behind(&decode(bytes, 0, true), ALL, Some(ecx))
    }

    #[test]
    fn a_shift_by_cl_that_is_executed_defines_what_its_count_says() {
        let all = all_but_set_by(&[0x90], 0);
        assert_eq!(all_but_set_by(&[0xD3, 0xE0], 0), all, "by 0");
        assert_eq!(all_but_set_by(&[0xD3, 0xE0], 0x120), all, "by 32, which is 0");
        assert_eq!(all_but_set_by(&[0xD3, 0xE0], 1), ADJUST);
        assert_eq!(all_but_set_by(&[0xD3, 0xE0], 2), ADJUST | OVERFLOW);
        assert_eq!(all_but_set_by(&[0x66, 0xD3, 0xE0], 16), ADJUST | OVERFLOW | CARRY);
        let others = SIGN | ZERO | ADJUST | PARITY;
        assert_eq!(all_but_set_by(&[0xD3, 0xD8], 1), others, "RCR");
        assert_eq!(all_but_set_by(&[0xD3, 0xD8], 27), others | OVERFLOW);
    }

    #[test]
    fn a_repeated_comparison_defines_the_flags_unless_it_compares_nothing() {
        let all = all_but_set_by(&[0x90], 0);
        assert_eq!(all_but_set_by(&[0xF3, 0xA6], 1), 0, "REPE CMPSB");
        assert_eq!(all_but_set_by(&[0xF3, 0xA6], 0), all);
        assert_eq!(all_but_set_by(&[0xF3, 0xA6], 0x1_0000), 0, "it counts with ECX");
        assert_eq!(
            all_but_set_by(&[0x67, 0xF3, 0xA6], 0x1_0000),
            all,
            "it counts with CX"
        );
        assert_eq!(all_but_set_by(&[0x67, 0xF2, 0xAE], 1), 0, "REPNE SCASB");
        assert_eq!(
            all_but_set_by(&[0xF3, 0x01, 0xC3], 0),
            0,
            "a prefix that means nothing"
        );
        assert_eq!(all_but_set_by(&[0xF3, 0xA4], 1), all, "REP MOVSB");
    }
}
