//! Multiplication and division.

use super::Done;
use super::operand::{General, Place};
use crate::alu;
use crate::clocks;
use crate::core::Core;
use crate::flags::Status;
use crate::op::{Flow, Op};
use crate::unit::Unit;
use crate::{Bus, Fault, Vector};

/// An operand size that has a pair of accumulators for products and dividends: AH:AL, DX:AX, EDX:EAX.
pub(crate) trait Pair: General {
    /// Number of the register of the high half.
    const HIGH: u8;
}

impl Pair for u8 {
    const HIGH: u8 = 4;
}

impl Pair for u16 {
    const HIGH: u8 = 2;
}

impl Pair for u32 {
    const HIGH: u8 = 2;
}

/// Signed or unsigned, as a type.
pub(crate) trait Kind {
    /// Whether operands are signed.
    const IS_SIGNED: bool;
}

/// MUL, DIV.
pub(crate) struct Unsigned;

/// IMUL, IDIV.
pub(crate) struct Signed;

impl Kind for Unsigned {
    const IS_SIGNED: bool = false;
}

impl Kind for Signed {
    const IS_SIGNED: bool = true;
}

fn product<T: Unit, K: Kind>(left: T, right: T) -> (T, T, Status) {
    if K::IS_SIGNED {
        alu::imul(left, right)
    } else {
        alu::mul(left, right)
    }
}

/// Charges the early-out multiplier. The table's figure includes the least case already. A negative multiplier counts by its
/// magnitude.
#[inline(always)]
fn charge<T: Unit, K: Kind, B: Bus>(core: &mut Core, bus: &mut B, multiplier: T) {
    let magnitude = if K::IS_SIGNED {
        multiplier.to_i32().unsigned_abs()
    } else {
        multiplier.to_u32()
    };
    bus.charge(
        &mut core.cycles,
        clocks::multiplication(magnitude) - clocks::multiplication(0),
    );
}

/// `high:low = accumulator * r/m`. The accumulator is the multiplier that ends early.
#[inline(always)]
pub(crate) fn multiply<B: Bus, P: Place, K: Kind, T: Pair>(core: &mut Core, bus: &mut B, op: &Op) -> Done {
    let right: T = P::get(core, bus, op)?;
    let left = T::register(core, 0);
    charge::<T, K, B>(core, bus, left);
    let (low, high, status) = product::<T, K>(left, right);
    low.set_register(core, 0);
    high.set_register(core, T::HIGH);
    core.status = status;
    Ok(Flow::Next)
}

/// `reg = reg * r/m`. The multiplier that ends early is taken to be the destination, as in the form with the accumulator.
#[inline(always)]
pub(crate) fn multiply_to_register<B: Bus, P: Place, T: General>(
    core: &mut Core,
    bus: &mut B,
    op: &Op,
) -> Done {
    let right: T = P::get(core, bus, op)?;
    let left = T::register(core, op.reg);
    charge::<T, Signed, B>(core, bus, left);
    let (low, _, status) = alu::imul(left, right);
    low.set_register(core, op.reg);
    core.status = status;
    Ok(Flow::Next)
}

/// `reg = r/m * immediate`. The multiplier that ends early is the immediate: the manual's range depends on its size.
#[inline(always)]
pub(crate) fn multiply_immediate<B: Bus, P: Place, T: General>(
    core: &mut Core,
    bus: &mut B,
    op: &Op,
) -> Done {
    let left: T = P::get(core, bus, op)?;
    let right = T::from_u32(op.immediate);
    charge::<T, Signed, B>(core, bus, right);
    let (low, _, status) = alu::imul(left, right);
    low.set_register(core, op.reg);
    core.status = status;
    Ok(Flow::Next)
}

/// `accumulator, high = quotient, remainder of high:accumulator / r/m`. The flags, which the manual leaves open, stay.
pub(crate) fn divide<B: Bus, P: Place, K: Kind, T: Pair>(core: &mut Core, bus: &mut B, op: &Op) -> Done {
    let divisor: T = P::get(core, bus, op)?;
    let (low, high) = (T::register(core, 0), T::register(core, T::HIGH));
    let result = if K::IS_SIGNED {
        alu::idiv(low, high, divisor)
    } else {
        alu::div(low, high, divisor)
    };
    let (quotient, remainder) = result.ok_or(Fault::plain(Vector::DivideError))?;
    quotient.set_register(core, 0);
    remainder.set_register(core, T::HIGH);
    Ok(Flow::Next)
}
