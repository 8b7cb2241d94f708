//! Bit tests, bit scans, SETcc.

use super::Done;
use super::operand::{General, Place};
use crate::clocks;
use crate::core::Core;
use crate::flags::Condition;
use crate::op::{Flow, Op};
use crate::unit::Unit;
use crate::{Bus, Cycle};

/// What happens to the bit after CF has taken it, as a type.
pub(crate) trait Change {
    /// The operand with the bits of `bit` changed.
    fn apply(value: u32, bit: u32) -> u32;
}

/// BTS.
pub(crate) struct Set;

/// BTR.
pub(crate) struct Clear;

/// BTC.
pub(crate) struct Flip;

impl Change for Set {
    #[inline(always)]
    fn apply(value: u32, bit: u32) -> u32 {
        value | bit
    }
}

impl Change for Clear {
    #[inline(always)]
    fn apply(value: u32, bit: u32) -> u32 {
        value & !bit
    }
}

impl Change for Flip {
    #[inline(always)]
    fn apply(value: u32, bit: u32) -> u32 {
        value ^ bit
    }
}

/// BT with the bit's number in the instruction.
#[inline(always)]
pub(crate) fn test_immediate<B: Bus, P: Place, T: General>(core: &mut Core, bus: &mut B, op: &Op) -> Done {
    let value: T = P::get(core, bus, op)?;
    test_bit(core, value, op.immediate);
    Ok(Flow::Next)
}

/// BTS, BTR, BTC with the bit's number in the instruction.
#[inline(always)]
pub(crate) fn change_immediate<B: Bus, P: Place, F: Change, T: General>(
    core: &mut Core,
    bus: &mut B,
    op: &Op,
) -> Done {
    change_bit::<B, P, F, T>(core, bus, op, op.immediate)
}

/// BT with the bit's number in a register.
#[inline(always)]
pub(crate) fn test<B: Bus, P: Place, T: General>(core: &mut Core, bus: &mut B, op: &Op) -> Done {
    let number = T::register(core, op.reg);
    let value: T = P::get(core, bus, &beside(op, number))?;
    test_bit(core, value, number.to_u32());
    Ok(Flow::Next)
}

/// BTS, BTR, BTC with the bit's number in a register.
#[inline(always)]
pub(crate) fn change<B: Bus, P: Place, F: Change, T: General>(core: &mut Core, bus: &mut B, op: &Op) -> Done {
    let number = T::register(core, op.reg);
    change_bit::<B, P, F, T>(core, bus, &beside(op, number), number.to_u32())
}

/// The operand in memory is a string of bits: a signed bit number reaches beyond the addressed unit. The upper bits move the
/// displacement (which a register operand has not).
fn beside<T: Unit>(op: &Op, number: T) -> Op {
    let units = number.to_i32() >> T::BITS.trailing_zeros();
    Op {
        displacement: op.displacement.wrapping_add((units * T::BYTES as i32) as u32),
        ..*op
    }
}

fn test_bit<T: Unit>(core: &mut Core, value: T, number: u32) {
    let carry = value.to_u32() >> (number % T::BITS) & 1 != 0;
    core.status = core.status.with_carry(carry);
}

fn change_bit<B: Bus, P: Place, F: Change, T: General>(
    core: &mut Core,
    bus: &mut B,
    op: &Op,
    number: u32,
) -> Done {
    let bit = 1 << (number % T::BITS);
    P::update(core, bus, op, |value: T, status| {
        let value = value.to_u32();
        (
            T::from_u32(F::apply(value, bit)),
            status.with_carry(value & bit != 0),
        )
    })?;
    Ok(Flow::Next)
}

/// BSF.
#[inline(always)]
pub(crate) fn scan_forward<B: Bus, P: Place, T: General>(core: &mut Core, bus: &mut B, op: &Op) -> Done {
    let value: T = P::get(core, bus, op)?;
    let found = value.to_u32().trailing_zeros().min(T::BITS);
    scanned::<T, B>(core, bus, op, found, found);
    Ok(Flow::Next)
}

/// BSR.
#[inline(always)]
pub(crate) fn scan_reverse<B: Bus, P: Place, T: General>(core: &mut Core, bus: &mut B, op: &Op) -> Done {
    let value: T = P::get(core, bus, op)?;
    let skipped = value.to_u32().leading_zeros() - (32 - T::BITS);
    scanned::<T, B>(core, bus, op, T::BITS.wrapping_sub(1 + skipped), skipped);
    Ok(Flow::Next)
}

/// Bit `found` was the first set one after `skipped` zeros; all skipped means that there was none, and then the
/// destination, undefined in the manual, stays.
#[inline(always)]
fn scanned<T: General, B: Bus>(core: &mut Core, bus: &mut B, op: &Op, found: u32, skipped: u32) {
    bus.charge(&mut core.cycles, clocks::SKIPPED_BIT * Cycle::from(skipped));
    let is_zero = skipped == T::BITS;
    core.status = core.status.with_zero(is_zero);
    if !is_zero {
        T::from_u32(found).set_register(core, op.reg);
    }
}

/// SETcc.
#[inline(always)]
pub(crate) fn set_if<B: Bus, P: Place, C: Condition>(core: &mut Core, bus: &mut B, op: &Op) -> Done {
    let value = u8::from(C::holds(core.status));
    P::set(core, bus, op, value)?;
    Ok(Flow::Next)
}
