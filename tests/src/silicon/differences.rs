//! What may differ between a 386 and the processor under this program, each with its reason: [`DIFFERENCES`] and
//! [`UNDEFINED`]. And the comparison of two outcomes, which looks at everything else.

use iced_x86::{Decoder, DecoderOptions, Instruction, InstructionInfoFactory, Mnemonic, OpKind, RflagsBits};

use super::case::{GENERAL, SEGMENTS};
use super::{Case, Outcome};

const CARRY: u32 = 1 << 0;
const PARITY: u32 = 1 << 2;
const ADJUST: u32 = 1 << 4;
const ZERO: u32 = 1 << 6;
const SIGN: u32 = 1 << 7;
const NESTED: u32 = 1 << 14;
const RESUME: u32 = 1 << 16;
const OVERFLOW: u32 = 1 << 11;
/// AC and ID.
const LATER_FLAGS: u32 = 1 << 18 | 1 << 21;
const PAGE_FAULT: u32 = 14;

/// Flags that instructions leave undefined (PRM chapter 17, each instruction's page).
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

/// How a difference is kept out of the comparison.
pub enum How {
    /// No case has such an instruction.
    NotGenerated,
    /// That part is not compared.
    Masked,
    /// Cases in which this holds are counted and not compared.
    Skipped(fn(&Finding) -> bool),
}

/// A difference that is none of ours.
pub struct Difference {
    /// In a few words.
    pub name: &'static str,
    /// Why the two may differ.
    pub reason: &'static str,
    /// What is done about it.
    pub how: How,
}

/// One case with both outcomes.
pub struct Finding<'a> {
    /// What was run.
    pub case: &'a Case,
    /// On the processor under this program.
    pub silicon: &'a Outcome,
    /// On the crate `cpu`.
    pub model: &'a Outcome,
}

impl Finding<'_> {
    /// The instruction at which the silicon stopped, if it is one of the case.
    fn stopped_at(&self) -> Option<Instruction> {
        self.instruction_at(self.silicon.eip)
    }

    fn model_stopped_at(&self) -> Option<Instruction> {
        self.instruction_at(self.model.eip)
    }

    fn instruction_at(&self, eip: u32) -> Option<Instruction> {
        let bytes = self.bytes_at(eip)?;
        Some(decode(bytes, eip, self.case.is_32_bit()))
    }

    /// The bytes at an offset of CS, if an instruction of the case begins there.
    fn bytes_at(&self, eip: u32) -> Option<&[u8]> {
        let mut at = self.case.eip;
        self.case.instructions.iter().find_map(|bytes| {
            let here = at;
            at = at.wrapping_add(bytes.len() as u32);
            (here == eip).then_some(&bytes[..])
        })
    }

    fn model_stops_at_locked_bit_test(&self) -> bool {
        let bytes = self.bytes_at(self.silicon.eip).unwrap_or(&[]);
        let is_prefix =
            |byte: &u8| matches!(byte, 0x26 | 0x2E | 0x36 | 0x3E | 0x64..=0x67 | 0xF0 | 0xF2 | 0xF3);
        let count = bytes.iter().take_while(|byte| is_prefix(byte)).count();
        let (prefixes, rest) = bytes.split_at(count);
        let is_locked = prefixes.contains(&0xF0);
        let kept = prefixes.iter().filter(|byte| **byte != 0xF0);
        let without: Vec<u8> = kept.chain(rest).copied().collect();
        is_locked && decode(&without, 0, self.case.is_32_bit()).mnemonic() == Mnemonic::Bt
    }

    /// One of the two stops between the ends of an instruction of the case.
    fn stops_inside_an_instruction(&self) -> bool {
        let (start, length) = (self.case.eip, self.case.code().len() as u32);
        [self.silicon, self.model].iter().any(|outcome| {
            let stop = outcome.eip.wrapping_sub(u32::from(outcome.vector == 3));
            stop.wrapping_sub(start) < length
                && self.bytes_at(stop).is_none()
                && self.bytes_at(outcome.eip).is_none()
        })
    }

    /// The breakpoint that ended the case is not the one at its end but one of those behind it: an instruction that was
    /// entered by a jump to its middle has taken in the first of them.
    fn stops_behind_the_end(&self) -> bool {
        const LONGEST: u32 = 15;
        let end = self.case.eip.wrapping_add(self.case.code().len() as u32);
        let beyond = self.silicon.eip.wrapping_sub(1).wrapping_sub(end);
        self.silicon.vector == 3 && (1..LONGEST).contains(&beyond)
    }

    fn stopped_at_one_of(&self, mnemonics: &[Mnemonic]) -> bool {
        self.stopped_at()
            .is_some_and(|instruction| mnemonics.contains(&instruction.mnemonic()))
    }
}

/// The table of differences other than [`UNDEFINED`] flags.
pub const DIFFERENCES: &[Difference] = &[
    Difference {
        name: "undefined flags",
        reason: "the manual leaves them undefined, and later processors chose otherwise (see UNDEFINED)",
        how: How::Masked,
    },
    Difference {
        name: "instructions that a 386 lacks",
        reason: "0Fxxh beyond the 386, 0FA6h/0FA7h, MOV of TR: the 386 raises #UD where later processors execute, or the reverse",
        how: How::NotGenerated,
    },
    Difference {
        name: "LES, LDS, BOUND with a register",
        reason: "became the VEX and EVEX prefixes; #UD on a 386",
        how: How::NotGenerated,
    },
    Difference {
        name: "REP BSF, REP BSR",
        reason: "became TZCNT and LZCNT; the prefix does nothing on a 386",
        how: How::NotGenerated,
    },
    Difference {
        name: "ESC, WAIT",
        reason: "the silicon has a floating-point unit, the machine has none",
        how: How::NotGenerated,
    },
    Difference {
        name: "SGDT, SIDT, SLDT, STR, SMSW",
        reason: "Linux forbids (UMIP) or emulates them at level 3",
        how: How::NotGenerated,
    },
    Difference {
        name: "INT 80h",
        reason: "a system call of Linux",
        how: How::NotGenerated,
    },
    Difference {
        name: "SHLD, SHRD of words by more than 16",
        reason: "the result is undefined",
        how: How::NotGenerated,
    },
    Difference {
        name: "bit 4 of a page fault's error code",
        reason: "tells of an instruction fetch where pages can be not executable; a 386 has three bits",
        how: How::Masked,
    },
    Difference {
        name: "RPL of null selectors",
        reason: "Linux's return to level 3 empties the registers that hold them before the state can be seen",
        how: How::Masked,
    },
    Difference {
        name: "CMPS with two bad operands",
        reason: "which of the two is looked at first is not documented",
        how: How::Skipped(|finding| {
            finding.stopped_at_one_of(COMPARISONS) && is_same_but(finding, forget_fault)
        }),
    },
    Difference {
        name: "BOUND across a limit",
        reason: "the silicon compares the lower bound before it reads the upper one",
        how: How::Skipped(|finding| {
            finding.stopped_at_one_of(&[Mnemonic::Bound])
                && finding.silicon.vector == 5
                && matches!(finding.model.vector, 12..=14)
        }),
    },
    Difference {
        name: "RETF and IRET from a stack with two bad items",
        reason: "which of them is read first is not documented",
        how: How::Skipped(|finding| {
            finding.stopped_at_one_of(&[Mnemonic::Retf, Mnemonic::Iret, Mnemonic::Iretd])
                && is_same_but(finding, forget_fault)
        }),
    },
    Difference {
        name: "LOCK BT",
        reason: "allowed by the 386's manual; #UD on later processors",
        how: How::Skipped(|finding| finding.silicon.vector == 6 && finding.model_stops_at_locked_bit_test()),
    },
    Difference {
        name: "undefined instructions that are cut or too long",
        reason: "how much of them is fetched, and how long they are, is not documented",
        how: How::Skipped(|finding| {
            let vectors = [finding.silicon.vector, finding.model.vector];
            let length = finding.bytes_at(finding.silicon.eip).map_or(0, <[u8]>::len);
            let is_at_limit = finding.silicon.eip & 0x7FF >= 0x7E0;
            vectors.contains(&6)
                && (vectors.contains(&13) || vectors.contains(&14))
                && finding.silicon.eip == finding.model.eip
                && (is_at_limit || length > 13)
        }),
    },
    Difference {
        name: "LAR, LSL, VERR, VERW of Linux's own selectors",
        reason: "Linux's global table is not the model's",
        how: How::Skipped(|finding| {
            const READERS: &[Mnemonic] = &[Mnemonic::Lar, Mnemonic::Lsl, Mnemonic::Verr, Mnemonic::Verw];
            instructions(finding.case)
                .iter()
                .any(|instruction| READERS.contains(&instruction.mnemonic()))
                && finding.silicon.flags & ZERO != 0
                && finding.model.flags & ZERO == 0
        }),
    },
    Difference {
        name: "POP of a segment register as a dword across a limit",
        reason: "the silicon reads the low word only",
        how: How::Skipped(|finding| {
            let pops = |instruction: Instruction| {
                instruction.mnemonic() == Mnemonic::Pop && instruction.op0_register().is_segment_register()
            };
            matches!(finding.model.vector, 12 | 14) && finding.model_stopped_at().is_some_and(pops)
        }),
    },
    Difference {
        name: "RF of a trap between two iterations",
        reason: "set by later processors; the 386's manual does not say so",
        how: How::Skipped(|finding| {
            finding.silicon.vector == 1 && is_same_but(finding, |outcome| outcome.flags &= !RESUME)
        }),
    },
    Difference {
        name: "jumps into an instruction",
        reason: "what its bytes mean from there may be anything that is not generated",
        how: How::Skipped(|finding| finding.stops_inside_an_instruction()),
    },
    Difference {
        name: "flags behind a jump into the last instruction",
        reason: "with the breakpoints behind it, it may be one that leaves them undefined",
        how: How::Skipped(|finding| {
            finding.stops_behind_the_end() && is_same_but(finding, |outcome| outcome.flags = 0)
        }),
    },
    Difference {
        name: "flags of a repeated comparison that faults",
        reason: "later manuals promise those in front of it, the 386's promises nothing",
        how: How::Skipped(|finding| {
            finding.stopped_at_one_of(COMPARISONS)
                && is_same_but(finding, |outcome| {
                    forget_fault(outcome);
                    outcome.flags = 0;
                })
        }),
    },
    Difference {
        name: "bytes below the stack that faulting CALL, ENTER or PUSHA has written",
        reason: "the silicon writes some before it faults; ESP is restored, so that they are free",
        how: How::Skipped(|finding| {
            finding.stopped_at_one_of(&[Mnemonic::Call, Mnemonic::Enter, Mnemonic::Pusha, Mnemonic::Pushad])
                && is_same_but(finding, forget_memory)
        }),
    },
    Difference {
        name: "registers of a faulting POPA",
        reason: "the silicon has loaded some of them when it faults",
        how: How::Skipped(|finding| {
            finding.stopped_at_one_of(&[Mnemonic::Popa, Mnemonic::Popad])
                && is_same_but(finding, |outcome| outcome.general = [0; 8])
        }),
    },
    Difference {
        name: "operands across the end of a limit of 4 GB",
        reason: "a fault of the segment on a 386; the silicon lets the address wrap",
        how: How::Skipped(|finding| {
            finding.silicon.vector == PAGE_FAULT
                && matches!(finding.model.vector, 12 | 13)
                && (finding.silicon.address >= 0xFFFF_FFF0 || finding.silicon.address < 0x10)
        }),
    },
    Difference {
        name: "code in pages of data",
        reason: "they are not executable on the silicon, so that nothing random is executed; a 386 has no such right",
        how: How::Skipped(|finding| {
            finding.silicon.vector == PAGE_FAULT && finding.silicon.error_code & 0x11 == 0x11
        }),
    },
    Difference {
        name: "AC and ID",
        reason: "flags of the 486 and later",
        how: How::Skipped(|finding| finding.silicon.flags & LATER_FLAGS != 0 || finding.silicon.vector == 17),
    },
    Difference {
        name: "selectors of Linux's own segments",
        reason: "Linux's global table is not the model's",
        how: How::Skipped(|finding| {
            let is_global = |selector: &u16| *selector > 3 && *selector & 4 == 0;
            finding.silicon.segments.iter().any(is_global) || finding.model.segments.iter().any(is_global)
        }),
    },
    Difference {
        name: "IRET with NT",
        reason: "#GP in compatibility mode, which has no task switches; a task switch on a 386",
        how: How::Skipped(|finding| {
            finding.silicon.flags & NESTED != 0
                && finding.stopped_at_one_of(&[Mnemonic::Iret, Mnemonic::Iretd])
        }),
    },
];

const COMPARISONS: &[Mnemonic] = &[
    Mnemonic::Cmpsb,
    Mnemonic::Cmpsw,
    Mnemonic::Cmpsd,
    Mnemonic::Scasb,
    Mnemonic::Scasw,
    Mnemonic::Scasd,
];

fn instructions(case: &Case) -> Vec<Instruction> {
    let is_32_bit = case.is_32_bit();
    case.instructions
        .iter()
        .map(|bytes| decode(bytes, 0, is_32_bit))
        .collect()
}

fn forget_memory(outcome: &mut Outcome) {
    outcome.changed = 0;
    outcome.changes_hash = 0;
}

/// Of the faults of an operand, segment and page faults, forgets which it is.
fn forget_fault(outcome: &mut Outcome) {
    if matches!(outcome.vector, 12..=14) {
        outcome.vector = PAGE_FAULT;
        outcome.error_code = 0;
        outcome.address = 0;
    }
}

/// Whether both outcomes are the same when some of them is forgotten.
fn is_same_but(finding: &Finding, forget: impl Fn(&mut Outcome)) -> bool {
    let (mut silicon, mut model) = (*finding.silicon, *finding.model);
    forget(&mut silicon);
    forget(&mut model);
    let forgotten = Finding {
        case: finding.case,
        silicon: &silicon,
        model: &model,
    };
    differing(&forgotten).is_empty()
}

/// What differs, in words.
pub type Mismatch = Vec<String>;

/// Compares what both made of a case.
///
/// # Errors
/// What differs, unless [`DIFFERENCES`] explain it.
pub fn compare(finding: &Finding) -> Result<Verdict, Mismatch> {
    let mismatch = differing(finding);
    if mismatch.is_empty() {
        return Ok(Verdict::Same);
    }
    let excuse = DIFFERENCES.iter().position(|difference| match difference.how {
        How::Skipped(applies) => applies(finding),
        How::NotGenerated | How::Masked => false,
    });
    match excuse {
        Some(number) => Ok(Verdict::Skipped(number)),
        None => Err(mismatch),
    }
}

/// Of a case that raises no question.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Verdict {
    /// Both are the same in all that is compared.
    Same,
    /// The entry of [`DIFFERENCES`] that keeps it out of the comparison.
    Skipped(usize),
}

/// All that differs and is compared.
fn differing(finding: &Finding) -> Mismatch {
    let Finding { silicon, model, .. } = finding;
    let mut found = Vec::new();
    let mut check = |name: &str, left: u32, right: u32| {
        if left != right {
            found.push(format!("{name}: silicon {left:08X}, model {right:08X}"));
        }
    };
    check("vector", silicon.vector, model.vector);
    let code_mask = if silicon.vector == PAGE_FAULT { 7 } else { u32::MAX };
    check(
        "error code",
        silicon.error_code & code_mask,
        model.error_code & code_mask,
    );
    check("address", silicon.address, model.address);
    check("eip", silicon.eip, model.eip);
    let mask = !undefined_at(finding.case, silicon.eip);
    check("flags", silicon.flags & mask, model.flags & mask);
    for (name, (left, right)) in GENERAL.iter().zip(silicon.general.iter().zip(model.general)) {
        check(name, *left, right);
    }
    let without_null_level = |selector: u16| u32::from(if selector < 4 { 0 } else { selector });
    for (name, (left, right)) in SEGMENTS.iter().zip(silicon.segments.iter().zip(model.segments)) {
        check(name, without_null_level(*left), without_null_level(right));
    }
    check("changed bytes", silicon.changed, model.changed);
    if silicon.changes_hash != model.changes_hash {
        found.push(format!(
            "memory: silicon {:X?}, model {:X?}",
            silicon.listed(),
            model.listed()
        ));
    }
    found
}

/// Decodes one instruction.
#[must_use]
pub fn decode(bytes: &[u8], eip: u32, is_32_bit: bool) -> Instruction {
    let bitness = if is_32_bit { 32 } else { 16 };
    Decoder::with_ip(bitness, bytes, u64::from(eip), DecoderOptions::NONE).decode()
}

/// The flags that are undefined when a case stops at `eip`.
fn undefined_at(case: &Case, eip: u32) -> u32 {
    let mut taint = Taint::new(case.is_32_bit());
    let mut at = case.eip;
    for bytes in &case.instructions {
        if at == eip {
            break;
        }
        taint.follow(bytes, at);
        at = at.wrapping_add(bytes.len() as u32);
    }
    taint.undefined
}

/// Which flags are undefined in front of the next instruction of a sequence.
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
        if flags_of(instruction.rflags_read()) & self.undefined != 0 {
            return false;
        }
        let undefined = undefined_after(&instruction);
        let is_sure = !self.has_branched && !is_conditional(&instruction);
        if is_sure {
            self.undefined &= !flags_of(instruction.rflags_modified());
        }
        self.undefined |= undefined;
        self.has_branched |= instruction.flow_control() != iced_x86::FlowControl::Next;
        true
    }
}

/// Instructions that may leave the flags alone.
fn is_conditional(instruction: &Instruction) -> bool {
    SHIFTS_AND_ROTATES.contains(&instruction.mnemonic())
        || instruction.has_rep_prefix()
        || instruction.has_repne_prefix()
}

fn undefined_after(instruction: &Instruction) -> u32 {
    let rows = UNDEFINED
        .iter()
        .filter(|row| row.mnemonics.contains(&instruction.mnemonic()) && is_when(instruction, row.when));
    rows.fold(0, |flags, row| flags | row.flags)
}

fn is_when(instruction: &Instruction, when: When) -> bool {
    if when == When::Always {
        return true;
    }
    let last = instruction.op_count().saturating_sub(1);
    let count = match instruction.op_kind(last) {
        OpKind::Immediate8 => Some(instruction.immediate8() & 31),
        _ => None,
    };
    let mut factory = InstructionInfoFactory::new();
    let memory_bytes = factory
        .info(instruction)
        .used_memory()
        .first()
        .map_or(0, |memory| memory.memory_size().size());
    let bytes = match instruction.op0_kind() {
        OpKind::Register => instruction.op0_register().size(),
        _ => memory_bytes,
    };
    match (when, count) {
        (When::Always, _) | (When::Counted | When::CountedBeyondOne, None) => true,
        (When::Counted, Some(count)) => count != 0,
        (When::CountedBeyondOne, Some(count)) => count > 1,
        (When::CountedBeyondSize, None) => bytes < 4,
        (When::CountedBeyondSize, Some(count)) => usize::from(count) >= bytes * 8,
    }
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
}
