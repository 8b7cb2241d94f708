//! Shifts and rotates.

use super::Done;
use super::operand::{General, Place, Source};
use crate::Bus;
use crate::alu::{self, Outcome};
use crate::core::Core;
use crate::flags::Status;
use crate::op::{Flow, Op};
use crate::unit::Unit;

/// A shift or rotate, as a type.
pub(crate) trait Shift {
    /// Calculates it.
    fn apply<T: Unit>(value: T, count: u8, status: Status) -> Outcome<T>;
}

/// A shift that brings in another operand's bits, as a type.
pub(crate) trait DoubleShift {
    /// Calculates it.
    fn apply<T: Unit>(value: T, fill: T, count: u8, status: Status) -> Outcome<T>;
}

macro_rules! shifts {
    ($($name:ident = $function:ident;)*) => {
        $(
            #[doc = concat!("`alu::", stringify!($function), "`.")]
            pub(crate) struct $name;

            impl Shift for $name {
                #[inline(always)]
                fn apply<T: Unit>(value: T, count: u8, status: Status) -> Outcome<T> {
                    alu::$function(value, count, status)
                }
            }
        )*
    };
}

macro_rules! double_shifts {
    ($($name:ident = $function:ident;)*) => {
        $(
            #[doc = concat!("`alu::", stringify!($function), "`.")]
            pub(crate) struct $name;

            impl DoubleShift for $name {
                #[inline(always)]
                fn apply<T: Unit>(value: T, fill: T, count: u8, status: Status) -> Outcome<T> {
                    alu::$function(value, fill, count, status)
                }
            }
        )*
    };
}

shifts! {
    Rol = rol;
    Ror = ror;
    Rcl = rcl;
    Rcr = rcr;
    Shl = shl;
    Shr = shr;
    Sar = sar;
}

double_shifts! {
    Shld = shld;
    Shrd = shrd;
}

/// `r/m = r/m shifted by the count`.
#[inline(always)]
pub(crate) fn shift<B: Bus, P: Place, F: Shift, T: General, C: Source>(
    core: &mut Core,
    bus: &mut B,
    op: &Op,
) -> Done {
    let count = C::value::<u8>(core, op);
    P::update(core, bus, op, |value: T, status| F::apply(value, count, status))?;
    Ok(Flow::Next)
}

/// `r/m = r/m shifted by the count, filled from reg`.
#[inline(always)]
pub(crate) fn double_shift<B: Bus, P: Place, F: DoubleShift, T: General, C: Source>(
    core: &mut Core,
    bus: &mut B,
    op: &Op,
) -> Done {
    let count = C::value::<u8>(core, op);
    let fill = T::register(core, op.reg);
    P::update(core, bus, op, |value: T, status| {
        F::apply(value, fill, count, status)
    })?;
    Ok(Flow::Next)
}
