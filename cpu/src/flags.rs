//! The six arithmetic flags, kept as what they are worked out from. Most instructions that set flags are followed by
//! another that sets them again, so an instruction leaves its result and carries here and a reader works out the one flag
//! it wants (Programmer's Reference Manual, section 2.3.4.1, says what each flag means).

use crate::Flags;
use crate::unit::Unit;

/// The arithmetic flags, not yet worked out. The carry out of each bit of an operation follows from its operands and its result; a
/// subtraction is the addition of complements. So an operation of 32 bits leaves just those.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Status {
    /// The result, sign-extended: ZF is "zero", SF its top bit, PF the parity of its low byte.
    result: u32,
    /// The operands, or twice the same: the carries themselves ([`Status::carries`]).
    terms: [u32; 2],
    /// [`Status::SUM`] after an addition. Otherwise corrections for flags that were loaded rather than calculated: bit 0 inverts SF, bit 1 inverts PF.
    kind: u32,
}

impl Status {
    const SIGN_IS_INVERTED: u32 = 1;
    const PARITY_IS_INVERTED: u32 = 2;
    /// The result is the sum of the terms; without it, its complement is. No carry is looked for in the two lowest bits.
    const SUM: u32 = !3;

    /// After an addition: `left + right`, and perhaps a carry, is `result`.
    #[inline(always)]
    pub(crate) fn of_sum<T: Unit>(left: u32, right: u32, result: u32) -> Self {
        if T::BITS == 32 {
            return Self {
                result,
                terms: [left, right],
                kind: Self::SUM,
            };
        }
        Self::narrow::<T>(result, (left & right) | ((left | right) & !result))
    }

    /// After a subtraction: `left - right`, and perhaps less a borrow, is `result`.
    #[inline(always)]
    pub(crate) fn of_difference<T: Unit>(left: u32, right: u32, result: u32) -> Self {
        if T::BITS == 32 {
            return Self {
                result,
                terms: [!left, right],
                kind: 0,
            };
        }
        Self::narrow::<T>(result, (!left & right) | ((!left | right) & result))
    }

    /// After an operation of 8 or 16 bits with the carry (or borrow) out of each bit.
    #[inline(always)]
    pub(crate) fn narrow<T: Unit>(result: u32, carries: u32) -> Self {
        let carries = (carries << (32 - T::BITS)) | (carries & (1 << 3));
        Self {
            result: T::from_u32(result).to_i32() as u32,
            terms: [carries; 2],
            kind: 0,
        }
    }

    /// After a logical operation: CF, OF clear (and AF, which the manual leaves open).
    #[inline(always)]
    pub(crate) fn logical<T: Unit>(result: T) -> Self {
        Self {
            result: result.to_i32() as u32,
            terms: [0; 2],
            kind: 0,
        }
    }

    /// Bit 31: CF. Bit 30: CF exclusive-or OF. Bit 3: AF. The other bits mean nothing.
    #[inline(always)]
    fn carries(self) -> u32 {
        let [left, right] = self.terms;
        (left & right) | ((left | right) & (self.result ^ self.kind))
    }

    /// With CF and OF replaced.
    #[inline(always)]
    pub(crate) fn with_carry_and_overflow(self, carry: bool, overflow: bool) -> Self {
        let adjust = self.carries() & (1 << 3);
        Self {
            terms: [adjust | u32::from(carry) << 31 | u32::from(carry != overflow) << 30; 2],
            ..self
        }
    }

    /// With CF replaced.
    #[inline(always)]
    pub(crate) fn with_carry(self, carry: bool) -> Self {
        self.with_carry_and_overflow(carry, self.overflow())
    }

    /// With ZF replaced, the others kept.
    pub(crate) fn with_zero(self, zero: bool) -> Self {
        let mut flags = self.flags();
        flags.set(Flags::ZERO, zero);
        Self::from_flags(flags)
    }

    /// CF.
    #[inline(always)]
    pub(crate) fn carry(self) -> bool {
        self.carries() >> 31 != 0
    }

    /// PF.
    #[inline(always)]
    pub(crate) fn parity(self) -> bool {
        let odd = (self.result as u8).count_ones() & 1 != 0;
        odd == (self.kind & Self::PARITY_IS_INVERTED != 0)
    }

    /// AF.
    #[inline(always)]
    pub(crate) fn adjust(self) -> bool {
        self.carries() & (1 << 3) != 0
    }

    /// ZF.
    #[inline(always)]
    pub(crate) fn zero(self) -> bool {
        self.result == 0
    }

    /// SF.
    #[inline(always)]
    pub(crate) fn sign(self) -> bool {
        (self.result >> 31) ^ (self.kind & Self::SIGN_IS_INVERTED) != 0
    }

    /// OF.
    #[inline(always)]
    pub(crate) fn overflow(self) -> bool {
        let carries = self.carries();
        (carries ^ (carries << 1)) >> 31 != 0
    }

    /// The flags, worked out: only those of [`Flags::ARITHMETIC`].
    #[inline(always)]
    pub(crate) fn flags(self) -> Flags {
        let carries = self.carries();
        let at = |is_set: u32, flag: Flags| is_set << flag.bits().trailing_zeros();
        Flags::from_bits_truncate(
            at(carries >> 31, Flags::CARRY)
                | at(u32::from(self.parity()), Flags::PARITY)
                | at(carries >> 3 & 1, Flags::ADJUST)
                | at(u32::from(self.zero()), Flags::ZERO)
                | at(u32::from(self.sign()), Flags::SIGN)
                | at((carries ^ (carries << 1)) >> 31, Flags::OVERFLOW),
        )
    }

    /// The status that stands for the arithmetic flags among `flags`.
    #[inline(always)]
    pub(crate) fn from_flags(flags: Flags) -> Self {
        let of = |flag: Flags| flags.bits() >> flag.bits().trailing_zeros() & 1;
        let (carry, zero) = (of(Flags::CARRY), of(Flags::ZERO));
        let carries = carry << 31 | (carry ^ of(Flags::OVERFLOW)) << 30 | of(Flags::ADJUST) << 3;
        Self {
            result: zero ^ 1,
            terms: [carries; 2],
            // The result has SF clear; zero has even parity and one odd parity.
            kind: of(Flags::SIGN) * Self::SIGN_IS_INVERTED
                + (of(Flags::PARITY) ^ zero) * Self::PARITY_IS_INVERTED,
        }
    }
}

/// A condition that Jcc and SETcc test: a type, so that each gets its own handler.
pub(crate) trait Condition {
    /// Whether it holds.
    fn holds(status: Status) -> bool;

    /// Whether it holds after `left - right`, which has left this status. Conditions that people compare numbers by need no flags.
    #[inline(always)]
    fn holds_after_difference<T: Unit>(left: T, right: T, status: Status) -> bool {
        let _ = (left, right);
        Self::holds(status)
    }
}

macro_rules! conditions {
    ($($(#[$doc:meta])* $name:ident($status:ident) = $holds:expr $(, $number:ident $relation:tt)?;)*) => {
        $(
            $(#[$doc])*
            pub(crate) struct $name;

            impl Condition for $name {
                #[inline(always)]
                fn holds($status: Status) -> bool {
                    $holds
                }

                $(
                    #[inline(always)]
                    fn holds_after_difference<T: Unit>(left: T, right: T, _: Status) -> bool {
                        left.$number() $relation right.$number()
                    }
                )?
            }
        )*
    };
}

// Each with what it says of two numbers that have been compared, where it says something.
conditions! {
    /// O.
    Overflow(s) = s.overflow();
    /// NO.
    NoOverflow(s) = !s.overflow();
    /// B, C, NAE.
    Below(s) = s.carry(), to_u32 <;
    /// AE, NB, NC.
    AboveOrEqual(s) = !s.carry(), to_u32 >=;
    /// E, Z.
    Equal(s) = s.zero(), to_u32 ==;
    /// NE, NZ.
    NotEqual(s) = !s.zero(), to_u32 !=;
    /// BE, NA.
    BelowOrEqual(s) = s.carry() | s.zero(), to_u32 <=;
    /// A, NBE.
    Above(s) = !(s.carry() | s.zero()), to_u32 >;
    /// S.
    Sign(s) = s.sign();
    /// NS.
    NoSign(s) = !s.sign();
    /// P, PE.
    Parity(s) = s.parity();
    /// NP, PO.
    NoParity(s) = !s.parity();
    /// L, NGE.
    Less(s) = s.sign() != s.overflow(), to_i32 <;
    /// GE, NL.
    GreaterOrEqual(s) = s.sign() == s.overflow(), to_i32 >=;
    /// LE, NG.
    LessOrEqual(s) = s.zero() | (s.sign() != s.overflow()), to_i32 <=;
    /// G, NLE.
    Greater(s) = !s.zero() & (s.sign() == s.overflow()), to_i32 >;
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn all_64_sets_of_arithmetic_flags_can_be_loaded_and_read_back() {
        for bits in 0..=Flags::ARITHMETIC.bits() {
            let flags = Flags::from_bits_truncate(bits) & Flags::ARITHMETIC;
            assert_eq!(Status::from_flags(flags).flags(), flags);
        }
    }

    #[test]
    fn replacing_the_carry_keeps_the_other_five() {
        for bits in 0..=Flags::ARITHMETIC.bits() {
            let flags = Flags::from_bits_truncate(bits) & Flags::ARITHMETIC;
            let carry = Status::from_flags(flags).with_carry(true).flags();
            assert_eq!(carry, flags | Flags::CARRY);
        }
    }
}
