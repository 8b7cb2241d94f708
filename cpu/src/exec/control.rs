//! Jumps, calls, returns, loops, software interrupts. Far transfers only fetch their operands here.

use super::Done;
use super::data::far_pointer;
use super::operand::{General, Place};
use super::stack::check_pushes;
use crate::clocks;
use crate::core::Core;
use crate::flags::Condition;
use crate::interrupt::Source;
use crate::op::{Flow, Op};
use crate::transfer::FarTarget;
use crate::unit::Unit;
use crate::{Bus, Fault, Flags, Register, Segment, Vector};

/// Goes to an offset in CS, of which 16-bit operands leave the low half. An offset beyond the limit is the jump's own
/// fault.
#[inline(always)]
fn jump_to<T: Unit>(core: &mut Core, target: u32) -> Done {
    core.eip = checked::<T>(core, target)?;
    Ok(Flow::Jump)
}

#[inline(always)]
fn checked<T: Unit>(core: &Core, target: u32) -> Result<u32, Fault> {
    let target = T::from_u32(target).to_u32();
    if target > core.segment(Segment::Cs).limit {
        return Err(Fault::with_code(Vector::GeneralProtection, 0));
    }
    Ok(target)
}

/// JMP to a distance from here.
#[inline(always)]
pub(crate) fn jump<B: Bus, T: General>(core: &mut Core, _: &mut B, op: &Op) -> Done {
    jump_to::<T>(core, op.target(core))
}

/// Jcc.
#[inline(always)]
pub(crate) fn jump_if<B: Bus, C: Condition, T: General>(core: &mut Core, bus: &mut B, op: &Op) -> Done {
    if !C::holds(core.status) {
        return Ok(Flow::Next);
    }
    bus.charge(&mut core.cycles, clocks::TAKEN);
    jump_to::<T>(core, op.target(core))
}

/// JMP r/m.
#[inline(always)]
pub(crate) fn jump_indirect<B: Bus, P: Place, T: General>(core: &mut Core, bus: &mut B, op: &Op) -> Done {
    let target: T = P::get(core, bus, op)?;
    jump_to::<T>(core, target.to_u32())
}

/// CALL to a distance from here.
#[inline(always)]
pub(crate) fn call<B: Bus, T: General>(core: &mut Core, bus: &mut B, op: &Op) -> Done {
    call_to::<B, T>(core, bus, op, op.target(core))
}

/// CALL r/m.
#[inline(always)]
pub(crate) fn call_indirect<B: Bus, P: Place, T: General>(core: &mut Core, bus: &mut B, op: &Op) -> Done {
    let target: T = P::get(core, bus, op)?;
    call_to::<B, T>(core, bus, op, target.to_u32())
}

#[inline(always)]
fn call_to<B: Bus, T: General>(core: &mut Core, bus: &mut B, op: &Op, target: u32) -> Done {
    let target = match checked::<T>(core, target) {
        Ok(target) => target,
        Err(_) if B::IS_QUICK => return Err(Fault::NOT_AT_ONCE),
        Err(fault) => {
            return Err(fault_of_call::<B, T>(core, bus, fault));
        }
    };
    core.push(bus, T::from_u32(op.next_eip(core)))?;
    core.eip = target;
    Ok(Flow::Jump)
}

/// The push comes before the jump (PRM, page of CALL), and its fault before the jump's.
#[cold]
fn fault_of_call<B: Bus, T: General>(core: &mut Core, bus: &mut B, fault: Fault) -> Fault {
    check_pushes::<B, T>(core, bus, 1).err().unwrap_or(fault)
}

/// RET, releasing as many more bytes as the immediate says.
#[inline(always)]
pub(crate) fn near_return<B: Bus, T: General>(core: &mut Core, bus: &mut B, op: &Op) -> Done {
    let target: T = core.peek(bus, 0)?;
    core.eip = checked::<T>(core, target.to_u32())?;
    let top = core
        .stack_pointer::<B>()
        .wrapping_add(T::BYTES)
        .wrapping_add(op.immediate & 0xFFFF);
    core.set_stack_pointer::<B>(top);
    Ok(Flow::Jump)
}

/// What LOOP wants of ZF, as a type.
pub(crate) trait Wish {
    /// Whether the loop goes on with this ZF.
    fn goes_on(zero: bool) -> bool;
}

/// LOOP.
pub(crate) struct Always;

/// LOOPE.
pub(crate) struct WhileEqual;

/// LOOPNE.
pub(crate) struct WhileNotEqual;

impl Wish for Always {
    #[inline(always)]
    fn goes_on(_: bool) -> bool {
        true
    }
}

impl Wish for WhileEqual {
    #[inline(always)]
    fn goes_on(zero: bool) -> bool {
        zero
    }
}

impl Wish for WhileNotEqual {
    #[inline(always)]
    fn goes_on(zero: bool) -> bool {
        !zero
    }
}

const CX: u8 = Register::Ecx as u8;

/// LOOP, LOOPE, LOOPNE: `A` is the counter's size, `T` the operand size.
#[inline(always)]
pub(crate) fn count_and_jump<B: Bus, W: Wish, A: General, T: General>(
    core: &mut Core,
    _: &mut B,
    op: &Op,
) -> Done {
    let left = A::from_u32(A::register(core, CX).to_u32().wrapping_sub(1));
    if left.to_u32() == 0 || !W::goes_on(core.status.zero()) {
        left.set_register(core, CX);
        return Ok(Flow::Next);
    }
    let target = checked::<T>(core, op.target(core))?;
    left.set_register(core, CX);
    core.eip = target;
    Ok(Flow::Jump)
}

/// JCXZ, JECXZ.
#[inline(always)]
pub(crate) fn jump_if_no_count<B: Bus, A: General, T: General>(
    core: &mut Core,
    bus: &mut B,
    op: &Op,
) -> Done {
    if A::register(core, CX).to_u32() != 0 {
        return Ok(Flow::Next);
    }
    bus.charge(&mut core.cycles, clocks::TAKEN);
    jump_to::<T>(core, op.target(core))
}

fn far_target<T: Unit>(selector: u16, offset: u32, is_in_memory: bool) -> FarTarget {
    FarTarget {
        selector,
        offset,
        size: T::WIDTH,
        is_in_memory,
    }
}

/// Does a far transfer. A switch to another task and a return to an outer level cost what the manual prints, without the
/// components of the instruction that they lead to.
#[inline]
fn transfer(core: &mut Core, op: &Op, far: impl FnOnce(&mut Core) -> Result<(), Fault>) -> Done {
    let (task, privilege) = (core.tr.selector, core.privilege());
    core.eip = op.next_eip(core);
    far(core)?;
    let is_plain = core.tr.selector == task && core.privilege() <= privilege;
    Ok(if is_plain { Flow::FarJump } else { Flow::Transfer })
}

/// JMP to a far pointer in the instruction.
pub(crate) fn far_jump<B: Bus, T: General>(core: &mut Core, bus: &mut B, op: &Op) -> Done {
    let target = far_target::<T>(op.displacement as u16, op.immediate, false);
    transfer(core, op, |core| core.far_jump(bus, target))
}

/// JMP to a far pointer in memory.
pub(crate) fn far_jump_indirect<B: Bus, T: General>(core: &mut Core, bus: &mut B, op: &Op) -> Done {
    let (offset, selector) = far_pointer::<B, T>(core, bus, op)?;
    let target = far_target::<T>(selector, offset.to_u32(), true);
    transfer(core, op, |core| core.far_jump(bus, target))
}

/// CALL to a far pointer in the instruction.
pub(crate) fn far_call<B: Bus, T: General>(core: &mut Core, bus: &mut B, op: &Op) -> Done {
    let target = far_target::<T>(op.displacement as u16, op.immediate, false);
    transfer(core, op, |core| core.far_call(bus, target))
}

/// CALL to a far pointer in memory.
pub(crate) fn far_call_indirect<B: Bus, T: General>(core: &mut Core, bus: &mut B, op: &Op) -> Done {
    let (offset, selector) = far_pointer::<B, T>(core, bus, op)?;
    let target = far_target::<T>(selector, offset.to_u32(), true);
    transfer(core, op, |core| core.far_call(bus, target))
}

/// RETF, releasing as many more bytes as the immediate says.
pub(crate) fn far_return<B: Bus, T: General>(core: &mut Core, bus: &mut B, op: &Op) -> Done {
    let release = op.immediate & 0xFFFF;
    transfer(core, op, |core| core.far_return(bus, T::WIDTH, release))
}

/// IRET.
pub(crate) fn interrupt_return<B: Bus, T: General>(core: &mut Core, bus: &mut B, op: &Op) -> Done {
    core.eip = op.next_eip(core);
    core.interrupt_return(bus, T::WIDTH)?;
    Ok(Flow::Transfer)
}

/// INT n.
pub(crate) fn software_interrupt<B: Bus>(core: &mut Core, bus: &mut B, op: &Op) -> Done {
    core.eip = op.next_eip(core);
    core.interrupt(bus, op.immediate as u8, Source::Software)?;
    Ok(Flow::Transfer)
}

/// INT 3.
pub(crate) fn breakpoint<B: Bus>(core: &mut Core, bus: &mut B, op: &Op) -> Done {
    core.eip = op.next_eip(core);
    core.interrupt(bus, Vector::Breakpoint as u8, Source::Trap)?;
    Ok(Flow::Transfer)
}

/// INTO. With OF set, the interrupt's clocks are all.
pub(crate) fn interrupt_on_overflow<B: Bus>(core: &mut Core, bus: &mut B, op: &Op) -> Done {
    if !core.has(Flags::OVERFLOW) {
        bus.charge(&mut core.cycles, clocks::NO_OVERFLOW);
        return Ok(Flow::Next);
    }
    core.eip = op.next_eip(core);
    core.interrupt(bus, Vector::Overflow as u8, Source::Trap)?;
    Ok(Flow::Transfer)
}

/// ICEBP, undocumented: interrupt 1, not subject to the checks of a software interrupt.
pub(crate) fn ice_breakpoint<B: Bus>(core: &mut Core, bus: &mut B, op: &Op) -> Done {
    core.eip = op.next_eip(core);
    core.interrupt(bus, Vector::Debug as u8, Source::Exception)?;
    Ok(Flow::Transfer)
}

/// BOUND.
pub(crate) fn check_bounds<B: Bus, T: General>(core: &mut Core, bus: &mut B, op: &Op) -> Done {
    let at = op.offset(core);
    let lower: T = core.read(bus, op.segment, at)?;
    let upper: T = core.read(bus, op.segment, at.wrapping_add(T::BYTES) & op.address_mask())?;
    let index = T::register(core, op.reg).to_i32();
    if (lower.to_i32()..=upper.to_i32()).contains(&index) {
        Ok(Flow::Next)
    } else {
        Err(Fault::plain(Vector::BoundRange))
    }
}

#[cfg(test)]
mod tests {
    use super::super::operand::InRegister;
    use super::call_indirect;
    use crate::decode::decode;
    use crate::test_board::{Board, protected};
    use crate::{Fault, Register, Segment, SegmentRegister, Vector};

    #[test]
    fn a_near_call_without_room_is_a_stack_fault_even_if_its_target_is_beyond_the_limit() {
        let mut board = Board::new();
        let mut core = protected(&mut board);
        let op = decode(&[0xFF, 0xD0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0], true).expect("CALL EAX");
        core.general[Register::Eax as usize] = 0x1000;
        for segment in [Segment::Cs, Segment::Ss] {
            let short = SegmentRegister {
                limit: 0xFFF,
                ..*core.segment(segment)
            };
            core.set_segment(segment, short);
        }
        for (esp, vector) in [(0x1004, Vector::Stack), (0x1000, Vector::GeneralProtection)] {
            core.general[Register::Esp as usize] = esp;
            let outcome = call_indirect::<Board, InRegister, u32>(&mut core, &mut board, &op);
            assert_eq!(outcome, Err(Fault::with_code(vector, 0)), "ESP {esp:X}");
        }
    }
}
