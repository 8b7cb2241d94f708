//! Integer arithmetic, pure: operands in, result and flags out. From the instruction pages of the Programmer's Reference
//! Manual (chapter 17). Where the manual leaves a flag undefined, this keeps to one choice, stated at the function.

use crate::flags::Status;
use crate::unit::Unit;

/// A result and the flags that it leaves.
pub(crate) type Outcome<T> = (T, Status);

/// The bits of `T` at the bottom of a `u32`.
#[inline(always)]
fn mask<T: Unit>() -> u32 {
    u32::MAX >> (32 - T::BITS)
}

/// The top bit of `value`.
#[inline(always)]
fn top<T: Unit>(value: u32) -> bool {
    value >> (T::BITS - 1) & 1 != 0
}

/// `left + right + carry`.
#[inline(always)]
fn sum<T: Unit>(left: T, right: T, carry: u32) -> Outcome<T> {
    let (a, b) = (left.to_u32(), right.to_u32());
    let result = a.wrapping_add(b).wrapping_add(carry);
    (T::from_u32(result), Status::of_sum::<T>(a, b, result))
}

/// `left - right - borrow`.
#[inline(always)]
fn difference<T: Unit>(left: T, right: T, borrow: u32) -> Outcome<T> {
    let (a, b) = (left.to_u32(), right.to_u32());
    let result = a.wrapping_sub(b).wrapping_sub(borrow);
    (T::from_u32(result), Status::of_difference::<T>(a, b, result))
}

/// ADD.
#[inline(always)]
pub(crate) fn add<T: Unit>(left: T, right: T, _: Status) -> Outcome<T> {
    sum(left, right, 0)
}

/// ADC.
#[inline(always)]
pub(crate) fn adc<T: Unit>(left: T, right: T, status: Status) -> Outcome<T> {
    sum(left, right, u32::from(status.carry()))
}

/// SUB and CMP.
#[inline(always)]
pub(crate) fn sub<T: Unit>(left: T, right: T, _: Status) -> Outcome<T> {
    difference(left, right, 0)
}

/// SBB.
#[inline(always)]
pub(crate) fn sbb<T: Unit>(left: T, right: T, status: Status) -> Outcome<T> {
    difference(left, right, u32::from(status.carry()))
}

#[inline(always)]
fn logical<T: Unit>(result: u32) -> Outcome<T> {
    let result = T::from_u32(result);
    (result, Status::logical(result))
}

/// AND and TEST. AF is cleared.
#[inline(always)]
pub(crate) fn and<T: Unit>(left: T, right: T, _: Status) -> Outcome<T> {
    logical(left.to_u32() & right.to_u32())
}

/// OR. AF is cleared.
#[inline(always)]
pub(crate) fn or<T: Unit>(left: T, right: T, _: Status) -> Outcome<T> {
    logical(left.to_u32() | right.to_u32())
}

/// XOR. AF is cleared.
#[inline(always)]
pub(crate) fn xor<T: Unit>(left: T, right: T, _: Status) -> Outcome<T> {
    logical(left.to_u32() ^ right.to_u32())
}

/// INC: as ADD 1, but CF stays.
#[inline(always)]
pub(crate) fn inc<T: Unit>(value: T, status: Status) -> Outcome<T> {
    let (result, new) = sum(value, T::from_u32(1), 0);
    (result, new.with_carry(status.carry()))
}

/// DEC: as SUB 1, but CF stays.
#[inline(always)]
pub(crate) fn dec<T: Unit>(value: T, status: Status) -> Outcome<T> {
    let (result, new) = difference(value, T::from_u32(1), 0);
    (result, new.with_carry(status.carry()))
}

/// NEG: 0 minus the value.
#[inline(always)]
pub(crate) fn neg<T: Unit>(value: T, _: Status) -> Outcome<T> {
    difference(T::from_u32(0), value, 0)
}

/// NOT: no flags.
#[inline(always)]
pub(crate) fn not<T: Unit>(value: T, status: Status) -> Outcome<T> {
    (T::from_u32(!value.to_u32()), status)
}

/// Status of a shift that moved at least one bit: SF, ZF and PF from the result, AF cleared.
fn shifted<T: Unit>(result: u32, carry: bool, overflow: bool) -> Outcome<T> {
    let result = T::from_u32(result);
    (
        result,
        Status::logical(result).with_carry_and_overflow(carry, overflow),
    )
}

/// SHL and SAL. The count is masked to 5 bits; counts beyond the size shift zeros. OF is top bit exclusive-or CF
/// for every count, although the manual defines it for 1 only.
pub(crate) fn shl<T: Unit>(value: T, count: u8, status: Status) -> Outcome<T> {
    let count = u32::from(count & 31);
    if count == 0 {
        return (value, status);
    }
    let wide = u64::from(value.to_u32()) << count;
    let result = wide as u32 & mask::<T>();
    let carry = wide >> T::BITS & 1 != 0;
    shifted(result, carry, top::<T>(result) != carry)
}

/// SHR. OF is the top bit of the value before the last step, which for a count of 1 is what the manual says.
pub(crate) fn shr<T: Unit>(value: T, count: u8, status: Status) -> Outcome<T> {
    let count = u32::from(count & 31);
    if count == 0 {
        return (value, status);
    }
    let before = value.to_u32() >> (count - 1);
    shifted(before >> 1, before & 1 != 0, top::<T>(before))
}

/// SAR. OF is cleared.
pub(crate) fn sar<T: Unit>(value: T, count: u8, status: Status) -> Outcome<T> {
    let count = u32::from(count & 31);
    if count == 0 {
        return (value, status);
    }
    let before = value.to_i32() >> (count - 1);
    shifted((before >> 1) as u32, before & 1 != 0, false)
}

/// ROL. With a count that is a multiple of the size but not 0, CF is still the bit rotated last.
pub(crate) fn rol<T: Unit>(value: T, count: u8, status: Status) -> Outcome<T> {
    if count & 31 == 0 {
        return (value, status);
    }
    let (value, count) = (value.to_u32(), u32::from(count & 31) % T::BITS);
    let result = if count == 0 {
        value
    } else {
        (value << count | value >> (T::BITS - count)) & mask::<T>()
    };
    let carry = result & 1 != 0;
    (
        T::from_u32(result),
        status.with_carry_and_overflow(carry, top::<T>(result) != carry),
    )
}

/// ROR. OF is the exclusive-or of the result's top two bits.
pub(crate) fn ror<T: Unit>(value: T, count: u8, status: Status) -> Outcome<T> {
    if count & 31 == 0 {
        return (value, status);
    }
    let (value, count) = (value.to_u32(), u32::from(count & 31) % T::BITS);
    let result = if count == 0 {
        value
    } else {
        (value >> count | value << (T::BITS - count)) & mask::<T>()
    };
    let carry = top::<T>(result);
    (
        T::from_u32(result),
        status.with_carry_and_overflow(carry, carry != top::<T>(result << 1)),
    )
}

/// RCL: rotates through CF, so over one bit more than the size.
pub(crate) fn rcl<T: Unit>(value: T, count: u8, status: Status) -> Outcome<T> {
    let size = T::BITS + 1;
    let count = u32::from(count & 31) % size;
    if count == 0 {
        return (value, status);
    }
    let ring = u64::from(value.to_u32()) | u64::from(status.carry()) << T::BITS;
    let ring = ring << count | ring >> (size - count);
    let (result, carry) = (ring as u32 & mask::<T>(), ring >> T::BITS & 1 != 0);
    (
        T::from_u32(result),
        status.with_carry_and_overflow(carry, top::<T>(result) != carry),
    )
}

/// RCR. OF is the exclusive-or of the result's top two bits.
pub(crate) fn rcr<T: Unit>(value: T, count: u8, status: Status) -> Outcome<T> {
    let size = T::BITS + 1;
    let count = u32::from(count & 31) % size;
    if count == 0 {
        return (value, status);
    }
    let ring = u64::from(value.to_u32()) | u64::from(status.carry()) << T::BITS;
    let ring = ring >> count | ring << (size - count);
    let (result, carry) = (ring as u32 & mask::<T>(), ring >> T::BITS & 1 != 0);
    (
        T::from_u32(result),
        status.with_carry_and_overflow(carry, top::<T>(result) != top::<T>(result << 1)),
    )
}

/// SHLD. With 16-bit operands and a count above 16 the manual leaves the result open; here the pair is rotated on,
/// destination bits following the source's. AF is cleared; OF is set when the sign changed.
pub(crate) fn shld<T: Unit>(value: T, fill: T, count: u8, status: Status) -> Outcome<T> {
    let count = u32::from(count & 31);
    if count == 0 {
        return (value, status);
    }
    let (value, fill) = (u128::from(value.to_u32()), u128::from(fill.to_u32()));
    let train = value << (2 * T::BITS) | fill << T::BITS | value;
    let result = (train << count >> (2 * T::BITS)) as u32 & mask::<T>();
    let carry = train << count >> (3 * T::BITS) & 1 != 0;
    let before = (train << (count - 1) >> (2 * T::BITS)) as u32;
    shifted(result, carry, top::<T>(result) != top::<T>(before))
}

/// SHRD, the mirror of SHLD.
pub(crate) fn shrd<T: Unit>(value: T, fill: T, count: u8, status: Status) -> Outcome<T> {
    let count = u32::from(count & 31);
    if count == 0 {
        return (value, status);
    }
    let (value, fill) = (u128::from(value.to_u32()), u128::from(fill.to_u32()));
    let train = value << (2 * T::BITS) | fill << T::BITS | value;
    let before = (train >> (count - 1)) as u32;
    let result = (train >> count) as u32 & mask::<T>();
    shifted(result, before & 1 != 0, top::<T>(result) != top::<T>(before))
}

/// MUL: low half, high half, and whether the high half matters (which CF and OF say). SF, ZF, PF follow the low half.
pub(crate) fn mul<T: Unit>(left: T, right: T) -> (T, T, Status) {
    let product = u64::from(left.to_u32()) * u64::from(right.to_u32());
    let (low, high) = (
        T::from_u32(product as u32),
        T::from_u32((product >> T::BITS) as u32),
    );
    let is_wide = high.to_u32() != 0;
    (
        low,
        high,
        Status::logical(low).with_carry_and_overflow(is_wide, is_wide),
    )
}

/// IMUL: as MUL, signed.
pub(crate) fn imul<T: Unit>(left: T, right: T) -> (T, T, Status) {
    let product = i64::from(left.to_i32()) * i64::from(right.to_i32());
    let (low, high) = (
        T::from_u32(product as u32),
        T::from_u32((product >> T::BITS) as u32),
    );
    let is_wide = i64::from(low.to_i32()) != product;
    (
        low,
        high,
        Status::logical(low).with_carry_and_overflow(is_wide, is_wide),
    )
}

/// DIV of `high:low`: quotient and remainder, or nothing where the quotient does not fit or the divisor is 0.
pub(crate) fn div<T: Unit>(low: T, high: T, divisor: T) -> Option<(T, T)> {
    let dividend = u64::from(high.to_u32()) << T::BITS | u64::from(low.to_u32());
    let divisor = u64::from(divisor.to_u32());
    let quotient = dividend.checked_div(divisor)?;
    let remainder = dividend % divisor;
    (quotient <= u64::from(mask::<T>()))
        .then(|| (T::from_u32(quotient as u32), T::from_u32(remainder as u32)))
}

/// IDIV. The most negative quotient counts as fitting (the manual's range is that of the destination).
pub(crate) fn idiv<T: Unit>(low: T, high: T, divisor: T) -> Option<(T, T)> {
    let dividend = i64::from(high.to_i32()) << T::BITS | i64::from(low.to_u32());
    let divisor = i64::from(divisor.to_i32());
    let quotient = dividend.checked_div(divisor)?;
    let remainder = dividend.wrapping_rem(divisor);
    let fits = i64::from(T::from_u32(quotient as u32).to_i32()) == quotient;
    fits.then(|| (T::from_u32(quotient as u32), T::from_u32(remainder as u32)))
}

/// DAA on AL: the new AL. OF is cleared.
pub(crate) fn daa(al: u8, status: Status) -> Outcome<u8> {
    let low = al & 0xF > 9 || status.adjust();
    let high = al > 0x99 || status.carry();
    let result = al.wrapping_add(decimal_correction(low, high));
    (result, decimal_status(result, low, high))
}

/// DAS on AL. A borrow from the low digit's correction is a borrow as well.
pub(crate) fn das(al: u8, status: Status) -> Outcome<u8> {
    let low = al & 0xF > 9 || status.adjust();
    let high = al > 0x99 || status.carry();
    let result = al.wrapping_sub(decimal_correction(low, high));
    (result, decimal_status(result, low, high || low && al < 6))
}

fn decimal_correction(low: bool, high: bool) -> u8 {
    u8::from(low) * 6 + u8::from(high) * 0x60
}

fn decimal_status(result: u8, adjust: bool, carry: bool) -> Status {
    Status::narrow::<u8>(u32::from(result), u32::from(adjust) << 3).with_carry_and_overflow(carry, false)
}

/// AAA on AX. SF, ZF, PF follow AL; OF is cleared.
pub(crate) fn aaa(ax: u16, status: Status) -> Outcome<u16> {
    let adjusts = ax & 0xF > 9 || status.adjust();
    ascii_adjusted(if adjusts { ax.wrapping_add(0x106) } else { ax }, adjusts)
}

/// AAS on AX.
pub(crate) fn aas(ax: u16, status: Status) -> Outcome<u16> {
    let adjusts = ax & 0xF > 9 || status.adjust();
    ascii_adjusted(
        if adjusts {
            ax.wrapping_sub(6).wrapping_sub(0x100)
        } else {
            ax
        },
        adjusts,
    )
}

fn ascii_adjusted(ax: u16, adjusts: bool) -> Outcome<u16> {
    let ax = ax & 0xFF0F;
    let status = Status::narrow::<u8>(u32::from(ax) & 0xFF, u32::from(adjusts) << 3);
    (ax, status.with_carry_and_overflow(adjusts, false))
}

/// AAM: AX from AL and the divisor; nothing when the divisor is 0.
pub(crate) fn aam(al: u8, divisor: u8) -> Option<Outcome<u16>> {
    let high = al.checked_div(divisor)?;
    let low = al % divisor;
    Some((u16::from_be_bytes([high, low]), Status::logical(low)))
}

/// AAD: AX from AX and the factor. AF, CF and OF, open in the manual, follow the addition as on the silicon.
pub(crate) fn aad(ax: u16, factor: u8) -> Outcome<u16> {
    let [high, low] = ax.to_be_bytes();
    let (result, status) = sum(low, high.wrapping_mul(factor), 0);
    (u16::from(result), status)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Flags;
    use proptest::prelude::{ProptestConfig, any, prop_assert_eq, proptest};

    /// Flags of an 8-bit result, written down from the manual's definitions.
    fn expected(result: i32, carry: bool, adjust: bool, overflow: bool) -> Flags {
        let byte = result as u8;
        let mut flags = Flags::empty();
        flags.set(Flags::CARRY, carry);
        flags.set(Flags::ADJUST, adjust);
        flags.set(Flags::OVERFLOW, overflow);
        flags.set(Flags::ZERO, byte == 0);
        flags.set(Flags::SIGN, byte >= 0x80);
        flags.set(
            Flags::PARITY,
            (0..8).filter(|bit| byte >> bit & 1 != 0).count() % 2 == 0,
        );
        flags
    }

    fn for_all_bytes(mut check: impl FnMut(u8, u8, bool, Status)) {
        for a in 0..=255u8 {
            for b in 0..=255u8 {
                for carry in [false, true] {
                    check(a, b, carry, Status::default().with_carry(carry));
                }
            }
        }
    }

    #[test]
    fn byte_additions_agree_with_wider_arithmetic() {
        for_all_bytes(|a, b, carry, status| {
            for with_carry in [false, true] {
                let c = i32::from(carry && with_carry);
                let wide = i32::from(a) + i32::from(b) + c;
                let signed = i32::from(a as i8) + i32::from(b as i8) + c;
                let adjust = i32::from(a & 15) + i32::from(b & 15) + c > 15;
                let flags = expected(wide, wide > 255, adjust, i8::try_from(signed).is_err());
                let (result, status) = if with_carry {
                    adc(a, b, status)
                } else {
                    add(a, b, status)
                };
                assert_eq!((result, status.flags()), (wide as u8, flags), "{a} + {b} + {c}");
            }
        });
    }

    #[test]
    fn byte_subtractions_agree_with_wider_arithmetic() {
        for_all_bytes(|a, b, carry, status| {
            for with_carry in [false, true] {
                let c = i32::from(carry && with_carry);
                let wide = i32::from(a) - i32::from(b) - c;
                let signed = i32::from(a as i8) - i32::from(b as i8) - c;
                let adjust = i32::from(a & 15) - i32::from(b & 15) - c < 0;
                let flags = expected(wide, wide < 0, adjust, i8::try_from(signed).is_err());
                let (result, status) = if with_carry {
                    sbb(a, b, status)
                } else {
                    sub(a, b, status)
                };
                assert_eq!((result, status.flags()), (wide as u8, flags), "{a} - {b} - {c}");
            }
        });
    }

    #[test]
    fn byte_logic_clears_carry_and_overflow() {
        for_all_bytes(|a, b, _, status| {
            for (outcome, value) in [
                (and(a, b, status), a & b),
                (or(a, b, status), a | b),
                (xor(a, b, status), a ^ b),
            ] {
                let flags = expected(i32::from(value), false, false, false);
                assert_eq!((outcome.0, outcome.1.flags()), (value, flags));
            }
        });
    }

    #[test]
    fn inc_dec_and_neg_are_additions_of_one_and_subtraction_from_zero() {
        for_all_bytes(|a, _, carry, status| {
            let (up, up_status) = inc(a, status);
            let (sum, sum_status) = add(a, 1, status);
            assert_eq!(
                (up, up_status.flags()),
                (sum, sum_status.with_carry(carry).flags())
            );
            let (down, down_status) = dec(a, status);
            let (less, less_status) = sub(a, 1, status);
            assert_eq!(
                (down, down_status.flags()),
                (less, less_status.with_carry(carry).flags())
            );
            assert_eq!(neg(a, status).1.carry(), a != 0);
            assert_eq!(not(a, status), (255 - a, status));
        });
    }

    /// One step at a time, with nothing but bits: (value, carry) after one step.
    fn step(kind: usize, value: u32, carry: bool, bits: u32) -> (u32, bool) {
        let top = value >> (bits - 1) & 1;
        let bottom = value & 1;
        let mask = u32::MAX >> (32 - bits);
        let left = |new: u32| ((value << 1 | new) & mask, top != 0);
        let right = |new: u32| (value >> 1 | new << (bits - 1), bottom != 0);
        match kind {
            0 => left(top),
            1 => right(bottom),
            2 => left(u32::from(carry)),
            3 => right(u32::from(carry)),
            4 => left(0),
            5 => right(0),
            _ => right(top),
        }
    }

    type Shift<T> = fn(T, u8, Status) -> Outcome<T>;

    fn check_shifts<T: Unit>(value: T, count: u8, carry: bool, shifts: &[Shift<T>; 7]) {
        for (kind, shift) in shifts.iter().enumerate() {
            let before = Status::default().with_carry(carry);
            let (mut stepped, mut last) = (value.to_u32(), carry);
            for _ in 0..count & 31 {
                (stepped, last) = step(kind, stepped, last, T::BITS);
            }
            let (result, status) = shift(value, count, before);
            let context = format!("kind {kind} {value:?} by {count} carry {carry}");
            assert_eq!((result.to_u32(), status.carry()), (stepped, last), "{context}");
            if count & 31 == 1 {
                let overflow = (value.to_u32() ^ stepped) >> (T::BITS - 1) & 1 != 0;
                assert_eq!(status.overflow(), overflow, "{context}");
            }
            if count & 31 != 0 && kind >= 4 {
                assert_eq!(
                    (status.zero(), status.sign()),
                    (stepped == 0, result.to_i32() < 0),
                    "{context}"
                );
            }
            if count & 31 == 0 {
                assert_eq!(status, before, "{context}");
            }
        }
    }

    #[test]
    fn byte_shifts_and_rotates_agree_with_single_steps() {
        for_all_bytes(|value, count, carry, _| {
            check_shifts(value, count, carry, &[rol, ror, rcl, rcr, shl, shr, sar]);
        });
    }

    #[test]
    fn byte_multiplication_and_division_agree_with_wider_arithmetic() {
        for_all_bytes(|a, b, _, _| {
            let (low, high, status) = mul(a, b);
            assert_eq!(u16::from_be_bytes([high, low]), u16::from(a) * u16::from(b));
            assert_eq!((status.carry(), status.overflow()), (high != 0, high != 0));
            let (low, high, status) = imul(a, b);
            let product = i16::from(a as i8) * i16::from(b as i8);
            assert_eq!(i16::from_be_bytes([high, low]), product);
            assert_eq!(status.carry(), i8::try_from(product).is_err());
        });
        for dividend in 0..=u16::MAX {
            let [high, low] = dividend.to_be_bytes();
            for divisor in 0..=255u8 {
                let wide = i32::from(divisor);
                let fits = divisor != 0 && i32::from(dividend) / wide < 256;
                let quotient = fits.then(|| (i32::from(dividend) / wide) as u8);
                assert_eq!(div(low, high, divisor).map(|(quotient, _)| quotient), quotient);
                let (signed, wide) = (i32::from(dividend as i16), i32::from(divisor as i8));
                let quotient = signed
                    .checked_div(wide)
                    .and_then(|quotient| i8::try_from(quotient).ok());
                let remainder = quotient.map(|quotient| (quotient as u8, (signed % wide) as u8));
                assert_eq!(idiv(low, high, divisor), remainder);
            }
        }
    }

    #[test]
    fn daa_of_a_sum_of_two_packed_decimals_is_their_decimal_sum() {
        for a in 0..100u8 {
            for b in 0..100u8 {
                let packed = |n: u8| n / 10 * 16 + n % 10;
                let (sum, status) = add(packed(a), packed(b), Status::default());
                let (result, status) = daa(sum, status);
                assert_eq!((result, status.carry()), (packed((a + b) % 100), a + b >= 100));
                let (difference, status) = sub(packed(a), packed(b), Status::default());
                let (result, status) = das(difference, status);
                assert_eq!((result, status.carry()), (packed((100 + a - b) % 100), a < b));
            }
        }
    }

    #[test]
    fn aaa_of_a_sum_of_two_digits_carries_into_ah() {
        for a in 0..10u8 {
            for b in 0..10u8 {
                let (sum, status) = add(a, b, Status::default());
                let (ax, status) = aaa(u16::from(sum), status);
                assert_eq!(ax, u16::from_be_bytes([(a + b) / 10, (a + b) % 10]));
                assert_eq!((status.carry(), status.adjust()), (a + b > 9, a + b > 9));
            }
        }
    }

    #[test]
    fn aam_and_aad_undo_each_other() {
        for al in 0..100u8 {
            let (ax, _) = aam(al, 10).expect("the divisor is not zero");
            assert_eq!(aad(ax, 10).0, u16::from(al));
        }
        assert_eq!(aam(5, 0), None);
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(4096))]

        #[test]
        fn word_and_dword_sums_agree_with_wider_arithmetic(a: u32, b: u32, carry: bool) {
            let before = Status::default().with_carry(carry);
            let (result, status) = adc(a, b, before);
            let wide = u64::from(a) + u64::from(b) + u64::from(carry);
            let signed = i64::from(a as i32) + i64::from(b as i32) + i64::from(carry);
            prop_assert_eq!(result, wide as u32);
            prop_assert_eq!(status.carry(), wide >> 32 != 0);
            prop_assert_eq!(status.overflow(), i32::try_from(signed).is_err());
            let (a, b) = (a as u16, b as u16);
            let (result, status) = sbb(a, b, before);
            let wide = i64::from(a) - i64::from(b) - i64::from(carry);
            let signed = i64::from(a as i16) - i64::from(b as i16) - i64::from(carry);
            prop_assert_eq!(result, wide as u16);
            prop_assert_eq!(status.carry(), wide < 0);
            prop_assert_eq!(status.overflow(), i16::try_from(signed).is_err());
            prop_assert_eq!(status.adjust(), i64::from(a & 15) - i64::from(b & 15) - i64::from(carry) < 0);
        }

        #[test]
        fn word_and_dword_shifts_agree_with_single_steps(value: u32, count: u8, carry: bool) {
            check_shifts(value, count, carry, &[rol, ror, rcl, rcr, shl, shr, sar]);
            check_shifts(value as u16, count, carry, &[rol, ror, rcl, rcr, shl, shr, sar]);
        }

        #[test]
        fn double_shifts_bring_in_the_other_operand(value: u32, fill: u32, count in 1..32u8) {
            let pair = u64::from(value) << 32 | u64::from(fill);
            prop_assert_eq!(shld(value, fill, count, Status::default()).0, (pair << count >> 32) as u32);
            let pair = u64::from(fill) << 32 | u64::from(value);
            prop_assert_eq!(shrd(value, fill, count, Status::default()).0, (pair >> count) as u32);
        }

        #[test]
        fn dword_division_undoes_multiplication(quotient: u32, divisor in 1..=u32::MAX, part in any::<u32>()) {
            let remainder = part % divisor;
            let dividend = u64::from(quotient) * u64::from(divisor) + u64::from(remainder);
            let result = div(dividend as u32, (dividend >> 32) as u32, divisor);
            prop_assert_eq!(result, Some((quotient, remainder)));
        }
    }
}
