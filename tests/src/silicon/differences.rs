//! What may differ between a 386 and the processor under this program, each with its reason: [`DIFFERENCES`] and
//! [`UNDEFINED`](super::undefined::UNDEFINED).

use iced_x86::{Instruction, Mnemonic};

use super::Outcome;
use super::course::Question;
use super::finding::Finding;
use super::habit::Habit;

const NESTED: u32 = 1 << 14;
const RESUME: u32 = 1 << 16;
/// AC and ID.
const LATER_FLAGS: u32 = 1 << 18 | 1 << 21;
const PAGE_FAULT: u32 = 14;

/// The name of the difference that explains a dead helper process, too.
pub(super) const FOREIGN: &str = "instructions that no case has";

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
            finding.stopped_at_one_of(COMPARISONS) && finding.is_same_but(forget_fault)
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
                && finding.is_same_but(forget_fault)
        }),
    },
    Difference {
        name: "LOCK BT",
        reason: "allowed by the 386's manual; #UD on later processors",
        how: How::Skipped(|finding| finding.silicon.vector == 6 && finding.stopped_at_locked_bit_test()),
    },
    Difference {
        name: "undefined instructions that are cut or too long",
        reason: "how much of them is fetched, and how long they are, is not documented",
        how: How::Skipped(|finding| finding.is_about_a_cut_undefined_instruction()),
    },
    Difference {
        name: "fetches behind an instruction that is too long",
        reason: "the silicon may fetch the next page, which is absent, before it counts 15 bytes; a 386 raises #GP for the length",
        how: How::Skipped(|finding| {
            finding.is_too_long_in_front_of_an_absent_page() && finding.is_same_but(forget_fault)
        }),
    },
    Difference {
        name: "LAR and LSL of the processor's number",
        reason: "Linux keeps it in the limit of a segment; every number is right, if all else is as with that number",
        how: How::Skipped(|finding| {
            finding.is_explained_by(&[Question::ProcessorSegment, Question::UndefinedFlags])
        }),
    },
    Difference {
        name: "POP of a segment register as a dword across a limit",
        reason: "the silicon reads the low word only",
        how: How::Skipped(|finding| {
            let pops = |instruction: Instruction| {
                instruction.mnemonic() == Mnemonic::Pop && instruction.op0_register().is_segment_register()
            };
            matches!(finding.model.vector, 12 | 14) && pops(finding.model_stopped_at())
        }),
    },
    Difference {
        name: "RF of a trap between two iterations",
        reason: "set by later processors; the 386's manual does not say so",
        how: How::Skipped(|finding| {
            finding.silicon.vector == 1 && finding.is_same_but(|outcome| outcome.flags &= !RESUME)
        }),
    },
    Difference {
        name: "undefined flags that are read",
        reason: "behind a jump into the middle of an instruction; every value is right, if all else is as with that value",
        how: How::Skipped(|finding| finding.is_explained_by(&[Question::UndefinedFlags])),
    },
    Difference {
        name: FOREIGN,
        reason: "one of those that are not generated lies in the middle of another instruction, to which a jump led, or a jump led over its preparation",
        how: How::Skipped(|finding| finding.executes_foreign_instructions()),
    },
    Difference {
        name: "flags of a repeated comparison that faults",
        reason: "later manuals promise those in front of it, the 386's promises nothing",
        how: How::Skipped(|finding| {
            finding.stopped_at_one_of(COMPARISONS)
                && finding.is_same_but(|outcome| {
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
                && finding.is_same_but(forget_memory)
        }),
    },
    Difference {
        name: "registers of a faulting POPA",
        reason: "the silicon has loaded some of them when it faults",
        how: How::Skipped(|finding| {
            finding.stopped_at_one_of(&[Mnemonic::Popa, Mnemonic::Popad])
                && finding.is_same_but(|outcome| outcome.general = [0; 8])
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
    Difference {
        name: "memory of the helper process",
        reason: "it has two pages of its own below 4 GB, one that can be written and one that cannot; they are absent in the model",
        how: How::Skipped(|finding| finding.is_about_memory_of_the_helper()),
    },
    Difference {
        name: "LOCK MOV of CR0",
        reason: "CR8 on AMD's processors, and #GP at level 3; #UD on a 386",
        how: How::Skipped(|finding| finding.is_locked_move_of_cr0()),
    },
    Difference {
        name: "undefined instructions that are too long with their operands",
        reason: "AMD's processors count all of MOV with an opcode in its operand, and of XOP, which POP with one became, first; #UD on a 386",
        how: How::Skipped(|finding| finding.is_undefined_and_too_long()),
    },
    Difference {
        name: "frame pointer of ENTER where SP wraps",
        reason: "Intel's processors borrow from the upper word of ESP, AMD's do not",
        how: How::Skipped(|finding| finding.is_explained_by_habit(Habit::FrameWithoutBorrow)),
    },
    Difference {
        name: "LOOP at the end of a code segment",
        reason: "AMD's processors raise #GP of the fetch behind it now and then although it jumps, not in every run",
        how: How::Skipped(|finding| {
            finding.is_explained_by(&[Question::LoopAtLimit, Question::UndefinedFlags])
        }),
    },
    Difference {
        name: "upper word of a segment register that is pushed as a dword",
        reason: "AMD's processors write zeros, Intel's access only the low word",
        how: How::Skipped(|finding| finding.is_explained_by_habit(Habit::WholeSegmentPush)),
    },
    Difference {
        name: "REPNE LOOPE, REPE LOOPNE",
        reason: "reserved; on AMD's processors the prefix decides which of the two it is, on a 386 it does nothing",
        how: How::Skipped(|finding| finding.is_explained_by_habit(Habit::LoopByPrefix)),
    },
    Difference {
        name: "EIP of INT1",
        reason: "a hypervisor on AMD's processors intercepts it and reports it as a fault; a trap on a 386",
        how: How::Skipped(|finding| finding.is_explained_by_habit(Habit::Int1AtItself)),
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
