//! PUSH and POP in all forms, stack frames.

use super::Done;
use super::data::{SegmentName, charge_descriptor};
use super::operand::{General, InRegister, Place, Source};
use crate::clocks;
use crate::core::Core;
use crate::op::{Flow, Op};
use crate::{Bus, Fault, Register, Segment};

const SP: u8 = Register::Esp as u8;
const BP: u8 = Register::Ebp as u8;

/// PUSH r/m. ESP is pushed as it was before.
#[inline(always)]
pub(crate) fn push<B: Bus, P: Place, T: General>(core: &mut Core, bus: &mut B, op: &Op) -> Done {
    let value: T = P::get(core, bus, op)?;
    core.push(bus, value)?;
    Ok(Flow::Next)
}

/// PUSH of the register in the opcode.
#[inline(always)]
pub(crate) fn push_register<B: Bus, T: General>(core: &mut Core, bus: &mut B, op: &Op) -> Done {
    push::<B, InRegister, T>(core, bus, op)
}

/// PUSH of the immediate.
#[inline(always)]
pub(crate) fn push_source<B: Bus, T: General, S: Source>(core: &mut Core, bus: &mut B, op: &Op) -> Done {
    core.push(bus, S::value::<T>(core, op))?;
    Ok(Flow::Next)
}

/// PUSH of a segment register. A 32-bit one moves the stack pointer by four and writes the lower two bytes only: what lay
/// in the upper two stays, as the authors of the test ROM test386.asm found on an 80386 and an 80486, and as processors
/// of today do. The manual does not say.
pub(crate) fn push_segment<B: Bus, S: SegmentName, T: General>(core: &mut Core, bus: &mut B, _: &Op) -> Done {
    let selector = core.segment(S::SEGMENT).selector;
    let top = core.stack_pointer::<B>().wrapping_sub(T::BYTES) & core.stack_mask;
    core.write(bus, Segment::Ss, top, selector)?;
    core.set_stack_pointer::<B>(top);
    Ok(Flow::Next)
}

/// POP r/m. The address of a destination in memory is worked out with ESP as it is afterwards.
#[inline(always)]
pub(crate) fn pop<B: Bus, P: Place, T: General>(core: &mut Core, bus: &mut B, op: &Op) -> Done {
    let before = core.general[usize::from(SP)];
    let value: T = core.pop(bus)?;
    P::set(core, bus, op, value).inspect_err(|_| core.general[usize::from(SP)] = before)?;
    Ok(Flow::Next)
}

/// POP of the register in the opcode.
#[inline(always)]
pub(crate) fn pop_register<B: Bus, T: General>(core: &mut Core, bus: &mut B, op: &Op) -> Done {
    pop::<B, InRegister, T>(core, bus, op)
}

/// POP of a segment register. After SS one instruction follows without interrupt.
pub(crate) fn pop_segment<B: Bus, S: SegmentName, T: General>(core: &mut Core, bus: &mut B, _: &Op) -> Done {
    let selector: T = core.peek(bus, 0)?;
    let mask = core.stack_mask;
    let top = core.stack_pointer::<B>().wrapping_add(T::BYTES);
    core.load_segment(bus, S::SEGMENT, selector.to_u32() as u16)?;
    charge_descriptor(core, clocks::DESCRIPTOR_BY_POP);
    // The stack that was popped from decides how wide its pointer is, even when SS has just changed.
    let esp = &mut core.general[usize::from(SP)];
    *esp = *esp & !mask | top & mask;
    if S::SEGMENT == Segment::Ss {
        core.begin_shadow();
    }
    Ok(Flow::Next)
}

/// PUSHA.
pub(crate) fn push_all<B: Bus, T: General>(core: &mut Core, bus: &mut B, _: &Op) -> Done {
    check_pushes::<B, T>(core, bus, 8)?;
    let before = T::register(core, SP);
    for number in 0..8 {
        let value = if number == SP {
            before
        } else {
            T::register(core, number)
        };
        core.push(bus, value)?;
    }
    Ok(Flow::Next)
}

/// Checks that `count` pushes will not fault.
pub(crate) fn check_pushes<B: Bus, T: General>(
    core: &mut Core,
    bus: &mut B,
    count: u32,
) -> Result<(), Fault> {
    (1..=count).try_for_each(|number| check_push::<B, T>(core, bus, number))
}

/// Checks push `number` of several, counted from 1.
fn check_push<B: Bus, T: General>(core: &mut Core, bus: &mut B, number: u32) -> Result<(), Fault> {
    let offset = core.stack_pointer::<B>().wrapping_sub(number * T::BYTES) & core.stack_mask;
    core.check_write(bus, Segment::Ss, offset, T::BYTES)
}

/// POPA: all but ESP.
pub(crate) fn pop_all<B: Bus, T: General>(core: &mut Core, bus: &mut B, _: &Op) -> Done {
    let mut values = [T::from_u32(0); 8];
    for (number, value) in values.iter_mut().enumerate() {
        *value = core.peek(bus, number as u32 * T::BYTES)?;
    }
    for (number, value) in (0..8).rev().zip(values) {
        if number != SP {
            value.set_register(core, number);
        }
    }
    let top = core.stack_pointer::<B>().wrapping_add(8 * T::BYTES);
    core.set_stack_pointer::<B>(top);
    Ok(Flow::Next)
}

/// PUSHF needs IOPL 3 in virtual 8086 mode; RF and VM are pushed as zero.
pub(crate) fn push_flags<B: Bus, T: General>(core: &mut Core, bus: &mut B, _: &Op) -> Done {
    let flags = core.eflags_to_push()?;
    core.push(bus, T::from_u32(flags))?;
    Ok(Flow::Next)
}

/// POPF needs IOPL 3 in virtual 8086 mode; what else it may change depends on the privilege level.
pub(crate) fn pop_flags<B: Bus, T: General>(core: &mut Core, bus: &mut B, _: &Op) -> Done {
    core.require_flags_privilege()?;
    let value: T = core.pop(bus)?;
    core.set_eflags_from_pop(value.to_u32(), T::WIDTH)?;
    Ok(Flow::Next)
}

/// ENTER. Size in the immediate, nesting level (modulo 32) in the displacement.
pub(crate) fn enter<B: Bus, T: General>(core: &mut Core, bus: &mut B, op: &Op) -> Done {
    let level = op.displacement & 31;
    let size = op.immediate & 0xFFFF;
    core.cycles += clocks::nesting(level);
    let mask = core.stack_mask;
    // Also with a 16-bit stack the frame pointer has 32 bits, as real processors have it.
    let frame = core.general[usize::from(SP)].wrapping_sub(T::BYTES);
    let top = frame.wrapping_sub(level * T::BYTES + size) & mask;
    check_enter::<B, T>(core, bus, level, top)?;
    let old_base = core.general[usize::from(BP)];
    core.push(bus, T::from_u32(old_base))?;
    for number in 1..level {
        let outer: T = core.read(bus, Segment::Ss, outer_frame::<T>(core, number))?;
        core.push(bus, outer)?;
    }
    if level > 0 {
        core.push(bus, T::from_u32(frame))?;
    }
    T::from_u32(frame).set_register(core, BP);
    core.set_stack_pointer::<B>(top);
    Ok(Flow::Next)
}

/// Everything in ENTER that can fault, in the order in which it happens: its pushes and the reads between them. The new top
/// must be writable, although nothing is stored there.
fn check_enter<B: Bus, T: General>(core: &mut Core, bus: &mut B, level: u32, top: u32) -> Result<(), Fault> {
    check_push::<B, T>(core, bus, 1)?;
    for number in 1..level {
        core.check_read(bus, Segment::Ss, outer_frame::<T>(core, number), T::BYTES)?;
        check_push::<B, T>(core, bus, number + 1)?;
    }
    if level > 0 {
        check_push::<B, T>(core, bus, level + 1)?;
    }
    core.check_write(bus, Segment::Ss, top, T::BYTES)
}

/// Where the pointer of outer frame `number` lies, below the one that EBP points to.
fn outer_frame<T: General>(core: &Core, number: u32) -> u32 {
    core.general[usize::from(BP)].wrapping_sub(number * T::BYTES) & core.stack_mask
}

/// LEAVE.
#[inline(always)]
pub(crate) fn leave<B: Bus, T: General>(core: &mut Core, bus: &mut B, _: &Op) -> Done {
    let base = core.general[usize::from(BP)] & core.stack_mask::<B>();
    let value: T = core.read(bus, Segment::Ss, base)?;
    core.set_stack_pointer::<B>(base.wrapping_add(T::BYTES));
    value.set_register(core, BP);
    Ok(Flow::Next)
}

#[cfg(test)]
mod tests {
    use super::{BP, SP, enter, push_segment};
    use crate::core::Core;
    use crate::decode::decode;
    use crate::exec::data::InDs;
    use crate::test_board::{Board, DATA_0, protected};
    use crate::{Fault, Segment, SegmentRegister, Vector};

    /// ENTER 32 bits wide on a stack of 64 KB with a stack pointer of 16 bits.
    fn enter_on_16_bit_stack(core: &mut Core, board: &mut Board, size: u8, level: u8) -> Result<(), Fault> {
        let stack = SegmentRegister {
            selector: DATA_0,
            base: 0,
            limit: 0xFFFF,
            access: 0x0093,
        };
        core.set_segment(Segment::Ss, stack);
        run_enter(core, board, size, level)
    }

    fn run_enter(core: &mut Core, board: &mut Board, size: u8, level: u8) -> Result<(), Fault> {
        let mut code = [0; 15];
        code[..4].copy_from_slice(&[0xC8, size, 0, level]);
        let op = decode(&code, true).expect("ENTER");
        enter::<Board, u32>(core, board, &op).map(|_| ())
    }

    #[test]
    fn the_frame_pointer_of_enter_has_32_bits_even_with_a_16_bit_stack() {
        let mut board = Board::new();
        let mut core = protected(&mut board);
        core.general[usize::from(SP)] = 0x1234_0000;
        core.general[usize::from(BP)] = 0x5678_9ABC;
        assert_eq!(enter_on_16_bit_stack(&mut core, &mut board, 4, 1), Ok(()));
        assert_eq!(core.general[usize::from(BP)], 0x1233_FFFC);
        assert_eq!(board.dword(0xFFFC), 0x5678_9ABC);
        assert_eq!(board.dword(0xFFF8), 0x1233_FFFC);
        assert_eq!(core.general[usize::from(SP)], 0x1234_FFF4);
    }

    #[test]
    fn a_push_of_a_segment_register_as_a_dword_leaves_the_upper_word_of_memory_alone() {
        let mut board = Board::new();
        let mut core = protected(&mut board);
        let before = core.general[usize::from(SP)];
        core.push(&mut board, 0xDEAD_BEEF_u32).expect("a stack");
        core.general[usize::from(SP)] = before;
        let op = decode(&[0x1E; 15], true).expect("PUSH DS");
        push_segment::<Board, InDs, u32>(&mut core, &mut board, &op).expect("a stack");
        let top = core.peek::<u32, _>(&mut board, 0);
        assert_eq!(
            top,
            Ok(0xDEAD_0000 | u32::from(core.segment(Segment::Ds).selector))
        );
        assert_eq!(core.general[usize::from(SP)], before - 4);
    }

    #[test]
    fn enter_reads_an_outer_frame_pointer_after_its_first_push() {
        let mut board = Board::new();
        let mut core = protected(&mut board);
        core.general[usize::from(BP)] = 0x8000;
        assert_eq!(run_enter(&mut core, &mut board, 0, 2), Ok(()));
        assert_eq!(board.dword(0x7FF8), 0x8000);
    }

    #[test]
    fn enter_faults_where_a_whole_operand_does_not_fit_at_its_new_top() {
        let mut board = Board::new();
        let mut core = protected(&mut board);
        core.general[usize::from(SP)] = 4;
        let fault = Fault::with_code(Vector::Stack, 0);
        assert_eq!(enter_on_16_bit_stack(&mut core, &mut board, 1, 0), Err(fault));
    }

    #[test]
    fn enter_meets_a_bad_outer_frame_before_its_second_push() {
        let mut board = Board::new();
        let mut core = protected(&mut board);
        let stack = SegmentRegister {
            limit: 0x0FFF,
            ..*core.segment(Segment::Ss)
        };
        core.set_segment(Segment::Ss, stack);
        core.general[usize::from(SP)] = 0x100;
        core.general[usize::from(BP)] = 0x2000;
        let fault = Fault::with_code(Vector::Stack, 0);
        assert_eq!(run_enter(&mut core, &mut board, 0, 2), Err(fault));
        assert_eq!(board.dword(0xFC), 0, "nothing is pushed");
    }
}
