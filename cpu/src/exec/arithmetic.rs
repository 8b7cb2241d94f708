//! Addition, subtraction, comparison, logic, and the decimal adjustments.

use super::Done;
use super::operand::{General, InRegister, Place, Source};
use crate::alu::{self, Outcome};
use crate::core::Core;
use crate::flags::Status;
use crate::op::{Flow, Op};
use crate::unit::Unit;
use crate::{Bus, Fault, Vector};

/// An operation of two operands of the same size, as a type.
pub(crate) trait Binary {
    /// Calculates it.
    fn apply<T: Unit>(left: T, right: T, status: Status) -> Outcome<T>;
}

/// An operation of one operand, as a type.
pub(crate) trait Unary {
    /// Calculates it.
    fn apply<T: Unit>(value: T, status: Status) -> Outcome<T>;
}

macro_rules! binary_operations {
    ($($name:ident = $function:ident;)*) => {
        $(
            #[doc = concat!("`alu::", stringify!($function), "`.")]
            pub(crate) struct $name;

            impl Binary for $name {
                #[inline(always)]
                fn apply<T: Unit>(left: T, right: T, status: Status) -> Outcome<T> {
                    alu::$function(left, right, status)
                }
            }
        )*
    };
}

macro_rules! unary_operations {
    ($($name:ident = $function:ident;)*) => {
        $(
            #[doc = concat!("`alu::", stringify!($function), "`.")]
            pub(crate) struct $name;

            impl Unary for $name {
                #[inline(always)]
                fn apply<T: Unit>(value: T, status: Status) -> Outcome<T> {
                    alu::$function(value, status)
                }
            }
        )*
    };
}

binary_operations! {
    Add = add;
    Or = or;
    Adc = adc;
    Sbb = sbb;
    And = and;
    Sub = sub;
    Xor = xor;
}

unary_operations! {
    Inc = inc;
    Dec = dec;
    Neg = neg;
    Not = not;
}

/// `r/m = r/m op source`.
#[inline(always)]
pub(crate) fn binary<B: Bus, P: Place, F: Binary, T: General, S: Source>(
    core: &mut Core,
    bus: &mut B,
    op: &Op,
) -> Done {
    let right = S::value(core, op);
    P::update(core, bus, op, |left: T, status| F::apply(left, right, status))?;
    Ok(Flow::Next)
}

/// `reg = reg op r/m`.
#[inline(always)]
pub(crate) fn binary_to_register<B: Bus, P: Place, F: Binary, T: General>(
    core: &mut Core,
    bus: &mut B,
    op: &Op,
) -> Done {
    let right = P::get(core, bus, op)?;
    let (result, status) = F::apply(T::register(core, op.reg), right, core.status);
    result.set_register(core, op.reg);
    core.status = status;
    Ok(Flow::Next)
}

/// `accumulator = accumulator op source`.
#[inline(always)]
pub(crate) fn accumulate<B: Bus, F: Binary, T: General, S: Source>(
    core: &mut Core,
    bus: &mut B,
    op: &Op,
) -> Done {
    binary::<B, InRegister, F, T, S>(core, bus, op)
}

/// Flags of `r/m op source`: CMP and TEST.
#[inline(always)]
pub(crate) fn compare<B: Bus, P: Place, F: Binary, T: General, S: Source>(
    core: &mut Core,
    bus: &mut B,
    op: &Op,
) -> Done {
    let left: T = P::get(core, bus, op)?;
    core.status = F::apply(left, S::value(core, op), core.status).1;
    Ok(Flow::Next)
}

/// Flags of `reg op r/m`.
#[inline(always)]
pub(crate) fn compare_register<B: Bus, P: Place, F: Binary, T: General>(
    core: &mut Core,
    bus: &mut B,
    op: &Op,
) -> Done {
    let right: T = P::get(core, bus, op)?;
    core.status = F::apply(T::register(core, op.reg), right, core.status).1;
    Ok(Flow::Next)
}

/// Flags of `accumulator op source`.
#[inline(always)]
pub(crate) fn compare_accumulator<B: Bus, F: Binary, T: General, S: Source>(
    core: &mut Core,
    bus: &mut B,
    op: &Op,
) -> Done {
    compare::<B, InRegister, F, T, S>(core, bus, op)
}

/// `r/m = op r/m`.
#[inline(always)]
pub(crate) fn unary<B: Bus, P: Place, F: Unary, T: General>(core: &mut Core, bus: &mut B, op: &Op) -> Done {
    P::update(core, bus, op, |value: T, status| F::apply(value, status))?;
    Ok(Flow::Next)
}

/// `register = op register`, the register in the opcode.
#[inline(always)]
pub(crate) fn unary_register<B: Bus, F: Unary, T: General>(core: &mut Core, bus: &mut B, op: &Op) -> Done {
    unary::<B, InRegister, F, T>(core, bus, op)
}

/// DAA.
pub(crate) fn daa<B: Bus>(core: &mut Core, _: &mut B, _: &Op) -> Done {
    commit(core, alu::daa(u8::register(core, 0), core.status))
}

/// DAS.
pub(crate) fn das<B: Bus>(core: &mut Core, _: &mut B, _: &Op) -> Done {
    commit(core, alu::das(u8::register(core, 0), core.status))
}

/// AAA.
pub(crate) fn aaa<B: Bus>(core: &mut Core, _: &mut B, _: &Op) -> Done {
    commit(core, alu::aaa(u16::register(core, 0), core.status))
}

/// AAS.
pub(crate) fn aas<B: Bus>(core: &mut Core, _: &mut B, _: &Op) -> Done {
    commit(core, alu::aas(u16::register(core, 0), core.status))
}

/// AAM.
pub(crate) fn aam<B: Bus>(core: &mut Core, _: &mut B, op: &Op) -> Done {
    let outcome = alu::aam(u8::register(core, 0), op.immediate as u8);
    commit(core, outcome.ok_or(Fault::plain(Vector::DivideError))?)
}

/// AAD.
pub(crate) fn aad<B: Bus>(core: &mut Core, _: &mut B, op: &Op) -> Done {
    commit(core, alu::aad(u16::register(core, 0), op.immediate as u8))
}

fn commit<T: General>(core: &mut Core, (result, status): Outcome<T>) -> Done {
    result.set_register(core, 0);
    core.status = status;
    Ok(Flow::Next)
}
