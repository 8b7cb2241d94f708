//! Clocks that one number a form cannot tell: they depend on operands, mode, privilege or where a transfer leads. Together with
//! the rows of `forms` this is the processor's whole table of clocks, from chapter 17 of the Programmer's Reference Manual.
//!
//! Both assume, as the manual does, decoded code, aligned operands and no wait states. What comes on top is at the end, under
//! "Memory". What the manual calls m, the components of the instruction at a jump's target, is charged with that instruction.
//!
//! Figures that are printed doubtfully are taken as they are printed, except where a comment here or in `forms` says otherwise:
//!
//! * JMP to a far pointer in memory, 43+m in real mode against 31+m in protected mode.
//! * REP OUTS, 5+12n in real mode against 6+5n.
//! * STR, 23/27, the figures of LTR.
//! * Task switches by an interrupt in virtual 8086 mode: 314, 231 and 287.
//! * LOOP has one figure, which is charged whether it jumps or not; without a jump there is no m.
//!
//! Not printed at all, and taken from the nearest figure that is: REP LODS, XLAT, IDIV of memory (3 more than of a register, as
//! DIV), and a fault, which costs what its instruction has cost up to there and then what INT n costs.

use crate::Cycle;

// Jumps

/// What a taken Jcc, JCXZ or JECXZ adds to one that is not taken.
pub(crate) const TAKEN: Cycle = 4;

// Bits, products, frames

/// What each zero bit that BSF and BSR skip adds.
pub(crate) const SKIPPED_BIT: Cycle = 3;

/// MUL and IMUL: the whole figure with the early-out operand in the multiplier and the other in a register. `multiplier` is
/// its magnitude. Which operand that is, the manual told by an underline that is lost in all copies:
///
/// * One operand: the accumulator. The 386's microcode has it so (z386 project).
/// * Two operands: the destination, in the accumulator's place. No source tells.
/// * An immediate: that. The manual's range ends at 14 clocks for `imm8`, so nothing wider can be the multiplier.
pub(crate) fn multiplication(multiplier: u32) -> Cycle {
    let bits = match multiplier {
        0 => 0,
        _ => 32 - (multiplier - 1).leading_zeros(),
    };
    Cycle::from(bits.max(3) + 6)
}

/// What a nesting level adds to ENTER.
pub(crate) fn nesting(level: u32) -> Cycle {
    match level {
        0 => 0,
        1 => 2,
        _ => 5 + 4 * Cycle::from(level - 1),
    }
}

// Segment registers: what reading a descriptor adds in protected mode

/// MOV to a segment register from a general register.
pub(crate) const DESCRIPTOR_BY_REGISTER: Cycle = 16;
/// MOV to a segment register from memory.
pub(crate) const DESCRIPTOR_BY_MEMORY: Cycle = 14;
/// POP of a segment register.
pub(crate) const DESCRIPTOR_BY_POP: Cycle = 14;
/// LDS, LES and LSS.
pub(crate) const DESCRIPTOR_BY_POINTER: Cycle = 15;
/// LFS and LGS.
pub(crate) const DESCRIPTOR_BY_NEWER_POINTER: Cycle = 18;

// System instructions

/// What a limit that counts pages adds to LSL.
pub(crate) const PAGE_GRANULAR_LIMIT: Cycle = 5;
/// What real mode adds to SMSW into memory.
pub(crate) const REAL_SMSW_TO_MEMORY: Cycle = 1;

/// MOV to CR0, CR2 and CR3.
pub(crate) fn to_control_register(number: u8) -> Cycle {
    match number {
        0 => 10,
        2 => 4,
        _ => 5,
    }
}

/// MOV to a debug register: an address, or status and control.
pub(crate) fn to_debug_register(number: u8) -> Cycle {
    if number < 4 { 22 } else { 16 }
}

/// MOV from a debug register: an address, or status and control.
pub(crate) fn from_debug_register(number: u8) -> Cycle {
    if number < 4 { 22 } else { 14 }
}

// Strings and ports

/// A repeated string instruction: to start, and for each iteration.
pub(crate) type Repeated = (Cycle, Cycle);

const REPEATED_START: Cycle = 5;
/// REP MOVS.
pub(crate) const REPEATED_MOVS: Repeated = (REPEATED_START, 4);
/// REP STOS.
pub(crate) const REPEATED_STOS: Repeated = (REPEATED_START, 5);
/// REP LODS: an iteration costs what the plain form does.
pub(crate) const REPEATED_LODS: Repeated = (REPEATED_START, 5);
/// REPE and REPNE CMPS.
pub(crate) const REPEATED_CMPS: Repeated = (REPEATED_START, 9);
/// REPE and REPNE SCAS.
pub(crate) const REPEATED_SCAS: Repeated = (REPEATED_START, 8);

/// An I/O instruction: in real mode; in protected mode where CPL <= IOPL; where the permission map is consulted.
pub(crate) type Port = [Cycle; 3];

/// IN from a port whose number is in the instruction.
pub(crate) const IN_FIXED: Port = [12, 6, 26];
/// IN from the port in DX.
pub(crate) const IN_DX: Port = [13, 7, 27];
/// OUT to a port whose number is in the instruction.
pub(crate) const OUT_FIXED: Port = [10, 4, 24];
/// OUT to the port in DX.
pub(crate) const OUT_DX: Port = [11, 5, 25];
/// INS.
pub(crate) const INS: Port = [15, 9, 29];
/// OUTS.
pub(crate) const OUTS: Port = [14, 8, 28];
/// The start of REP INS.
pub(crate) const REPEATED_INS: Port = [13, 7, 27];
/// The start of REP OUTS.
pub(crate) const REPEATED_OUTS: Port = [5, 6, 26];
/// An iteration of REP INS.
pub(crate) const REPEATED_INS_EACH: Port = [6, 6, 6];
/// An iteration of REP OUTS.
pub(crate) const REPEATED_OUTS_EACH: Port = [12, 5, 5];

// Far transfers, without m. Virtual 8086 mode costs what real mode does.

/// JMP and CALL to a far pointer: in the instruction, and what one in memory adds.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Far {
    /// In real mode.
    pub(crate) real: Cycle,
    /// To a code segment.
    pub(crate) direct: Cycle,
    /// Through a call gate to code of the same level.
    pub(crate) same_level: Cycle,
    /// What a pointer in memory adds in real mode.
    pub(crate) real_memory: Cycle,
}

/// JMP.
pub(crate) const FAR_JUMP: Far = Far {
    real: 12,
    direct: 27,
    same_level: 45,
    real_memory: 31,
};
/// CALL.
pub(crate) const FAR_CALL: Far = Far {
    real: 17,
    direct: 34,
    same_level: 52,
    real_memory: 5,
};
/// What a pointer in memory adds in protected mode.
pub(crate) const FAR_MEMORY: Cycle = 4;
/// What a pointer in memory adds to a task switch.
pub(crate) const TASK_MEMORY: Cycle = 5;

/// CALL through a gate to an inner level, with parameters to copy.
pub(crate) fn inner_call(parameters: u32) -> Cycle {
    match parameters {
        0 => 86,
        _ => 94 + 4 * Cycle::from(parameters),
    }
}

/// RETF in real mode.
pub(crate) const FAR_RETURN_REAL: Cycle = 18;
/// RETF to the same level.
pub(crate) const FAR_RETURN: Cycle = 32;
/// RETF to an outer level; no m.
pub(crate) const FAR_RETURN_OUTER: Cycle = 68;

// Interrupts and exceptions; no m

/// INT 3 in real mode.
pub(crate) const BREAKPOINT_REAL: Cycle = 33;
/// INTO in real mode, with OF set. The manual's copies leave the figure out; other tables of the 386 print it.
pub(crate) const OVERFLOW_REAL: Cycle = 35;
/// INTO with OF clear.
pub(crate) const NO_OVERFLOW: Cycle = 3;
/// INT n in real mode, and everything that is no instruction.
pub(crate) const INTERRUPT_REAL: Cycle = 37;
/// Through a gate, at the same level.
pub(crate) const INTERRUPT: Cycle = 59;
/// Through a gate to an inner level.
pub(crate) const INTERRUPT_INNER: Cycle = 99;
/// From virtual 8086 mode.
pub(crate) const INTERRUPT_FROM_8086: Cycle = 119;
/// IRET in real mode.
pub(crate) const INTERRUPT_RETURN_REAL: Cycle = 22;
/// IRET to the same level.
pub(crate) const INTERRUPT_RETURN: Cycle = 38;
/// IRET to an outer level.
pub(crate) const INTERRUPT_RETURN_OUTER: Cycle = 82;
/// IRET to virtual 8086 mode.
pub(crate) const INTERRUPT_RETURN_TO_8086: Cycle = 60;

// Task switches; no m

/// Why, and from what a task is left or to what it leads: the rows and columns of the manual's table of task switch times.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum TaskKind {
    /// A task state segment of the 386.
    Task32,
    /// The same with VM set.
    Virtual8086,
    /// A task state segment of the 286.
    Task16,
}

/// To a 386 task, to virtual 8086 mode, to a 286 task.
pub(crate) type Switch = [Cycle; 3];

/// From a 386 task, from virtual 8086 mode, from a 286 task. A CALL or JMP in virtual 8086 mode leads to no task, and IRET
/// there leaves none; those rows repeat the 386's.
pub(crate) type Switches = [Switch; 3];

/// CALL.
pub(crate) const SWITCH_BY_CALL: Switches = [[300, 217, 273], [300, 217, 273], [298, 217, 273]];
/// JMP.
pub(crate) const SWITCH_BY_JUMP: Switches = [[303, 220, 276], [303, 220, 276], [301, 218, 274]];
/// An interrupt or exception, without its gate: 309, 226 and 282 with it, and so on.
pub(crate) const SWITCH_BY_INTERRUPT: Switches = [[300, 217, 273], [305, 222, 278], [298, 215, 271]];
/// IRET with NT set.
pub(crate) const SWITCH_BY_RETURN: Switches = [[275, 224, 271], [275, 224, 271], [265, 214, 232]];
/// What a task gate adds.
pub(crate) const TASK_GATE: Cycle = 9;

/// The figure of a row and column, with its gate.
pub(crate) fn task_switch(table: &Switches, from: TaskKind, to: TaskKind, is_through_gate: bool) -> Cycle {
    table[from as usize][to as usize] + if is_through_gate { TASK_GATE } else { 0 }
}

// Memory

/// A bus cycle without wait states. The instruction's own are in its figure; this is charged for a second one where an operand
/// crosses a dword boundary, for those of a page walk, and for code that is not memory.
pub(crate) const BUS_CYCLE: Cycle = 2;
/// A page walk beside its bus cycles: about 20 clocks with the two reads (measured by others; Intel prints no figure).
pub(crate) const PAGE_WALK: Cycle = 16;
/// What base, index and displacement together add to an instruction.
pub(crate) const THREE_PART_ADDRESS: u8 = 1;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_multiplier_needs_a_clock_for_each_bit_but_at_least_three() {
        let clocks = [
            (0, 9),
            (1, 9),
            (8, 9),
            (9, 10),
            (255, 14),
            (65535, 22),
            (u32::MAX, 38),
            (1 << 31, 37),
        ];
        for (multiplier, expected) in clocks {
            assert_eq!(multiplication(multiplier), expected, "{multiplier}");
        }
    }

    #[test]
    fn each_level_of_enter_beyond_the_first_adds_a_pushed_pointer() {
        assert_eq!(
            [0, 1, 2, 3, 31].map(|level| 10 + nesting(level)),
            [10, 12, 19, 23, 135]
        );
    }

    #[test]
    fn a_task_gate_adds_9_clocks_to_every_switch() {
        let call = |is_through_gate| {
            task_switch(
                &SWITCH_BY_CALL,
                TaskKind::Task32,
                TaskKind::Task32,
                is_through_gate,
            )
        };
        assert_eq!((call(false), call(true)), (300, 309));
    }
}
