//! Exact frequencies: the n-th tick of an oscillator lies at a computed instant, so that nothing drifts.

use crate::{Instant, Span};

const PICOSECONDS_PER_SECOND: u128 = 1_000_000_000_000;

/// A frequency as the fraction `ticks / seconds`, in lowest terms.
///
/// Tick `n` of an oscillator that starts at the origin lies at `n * seconds / ticks`, rounded **up** to a whole
/// picosecond; [`Rate::ticks`] is the inverse: the number of ticks that lie at or before a given distance.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Rate {
    ticks: u64,
    seconds: u64,
    /// Picoseconds from tick to tick where that is a whole number (40 MHz, 8 MHz, 33 1/3 MHz), else zero. Those rates
    /// are computed in 64 bits, because every bus cycle needs them.
    whole_period: u64,
}

impl Rate {
    /// `hertz` ticks a second. Panics if `hertz` is zero or above 1 THz.
    #[must_use]
    pub const fn hertz(hertz: u64) -> Self {
        Self::fraction(hertz, 1)
    }

    /// `ticks` ticks in `seconds` seconds, for frequencies that are no whole number of hertz (33 1/3 MHz is
    /// 100 000 000 in 3). Panics if one of them is zero or the rate is above 1 THz.
    #[must_use]
    pub const fn fraction(ticks: u64, seconds: u64) -> Self {
        assert!(ticks > 0 && seconds > 0, "a rate is a positive fraction");
        assert!(
            ticks as u128 <= seconds as u128 * PICOSECONDS_PER_SECOND,
            "a rate is at most 1 THz"
        );
        let divisor = greatest_common_divisor(ticks, seconds);
        let (ticks, seconds) = (ticks / divisor, seconds / divisor);
        let scaled = seconds as u128 * PICOSECONDS_PER_SECOND;
        let is_whole = scaled.is_multiple_of(ticks as u128) && scaled / ticks as u128 <= u64::MAX as u128;
        let whole_period = if is_whole {
            (scaled / ticks as u128) as u64
        } else {
            0
        };
        Self {
            ticks,
            seconds,
            whole_period,
        }
    }

    /// This rate divided by `divisor`, as a counter chain does. Panics if `divisor` is zero.
    #[must_use]
    pub const fn divided_by(self, divisor: u64) -> Self {
        Self::fraction(self.ticks, self.seconds * divisor)
    }

    /// How many ticks of this rate there are in each tick of `slower`, if that is a whole number: then tick `n` of that one lies where
    /// tick `n` times as many of this one does.
    #[must_use]
    pub fn ticks_per_tick_of(self, slower: Self) -> Option<u64> {
        let ticks = u128::from(self.ticks) * u128::from(slower.seconds);
        let slower_ticks = u128::from(slower.ticks) * u128::from(self.seconds);
        let whole = ticks.is_multiple_of(slower_ticks).then(|| ticks / slower_ticks)?;
        u64::try_from(whole).ok()
    }

    /// The frequency in hertz, rounded down.
    #[must_use]
    pub const fn whole_hertz(self) -> u64 {
        self.ticks / self.seconds
    }

    /// How many ticks lie in `span`, when the first tick after the origin counts as tick 1.
    #[must_use]
    #[inline]
    pub fn ticks(self, span: Span) -> u64 {
        if let Some(ticks) = span.picoseconds().checked_div(self.whole_period) {
            return ticks;
        }
        let scaled = u128::from(span.picoseconds()) * u128::from(self.ticks);
        let ticks = scaled / (u128::from(self.seconds) * PICOSECONDS_PER_SECOND);
        u64::try_from(ticks).unwrap_or(u64::MAX)
    }

    /// The distance of tick `ticks` from the origin, rounded up to a picosecond: `self.ticks(self.span(n)) == n`.
    #[must_use]
    #[inline]
    pub fn span(self, ticks: u64) -> Span {
        if self.whole_period != 0 {
            return Span::from_picoseconds(ticks.saturating_mul(self.whole_period));
        }
        let scaled = u128::from(ticks) * u128::from(self.seconds) * PICOSECONDS_PER_SECOND;
        let picoseconds = scaled.div_ceil(u128::from(self.ticks));
        Span::from_picoseconds(u64::try_from(picoseconds).unwrap_or(u64::MAX))
    }

    /// The first tick at or beyond `span`: how many ticks it takes to cover it.
    #[must_use]
    #[inline]
    pub fn ticks_to_cover(self, span: Span) -> u64 {
        if self.whole_period != 0 {
            return span.picoseconds().div_ceil(self.whole_period);
        }
        let ticks = self.ticks(span);
        ticks + u64::from(self.span(ticks) < span)
    }

    /// The instant of tick `ticks` of an oscillator that starts with the lab.
    #[must_use]
    #[inline]
    pub fn instant(self, ticks: u64) -> Instant {
        Instant::START + self.span(ticks)
    }

    /// How many ticks of an oscillator that starts with the lab lie at or before `at`.
    #[must_use]
    #[inline]
    pub fn ticks_at(self, at: Instant) -> u64 {
        self.ticks(at.since(Instant::START))
    }
}

const fn greatest_common_divisor(mut a: u64, mut b: u64) -> u64 {
    while b != 0 {
        (a, b) = (b, a % b);
    }
    a
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ticks_of_a_multiple_lie_at_the_same_instants() {
        for (fast, slow, multiple) in [
            (Rate::hertz(40_000_000), Rate::hertz(8_000_000), Some(5)),
            (
                Rate::fraction(100_000_000, 3),
                Rate::fraction(25_000_000, 3),
                Some(4),
            ),
            (
                Rate::hertz(14_318_181),
                Rate::hertz(14_318_181).divided_by(12),
                Some(12),
            ),
            (Rate::hertz(33_000_000), Rate::hertz(8_000_000), None),
            (Rate::hertz(8_000_000), Rate::hertz(40_000_000), None),
        ] {
            assert_eq!(fast.ticks_per_tick_of(slow), multiple);
            for tick in [0, 1, 2, 3, 1000, 123_456_789_012] {
                if let Some(multiple) = multiple {
                    let instant = slow.instant(tick);
                    assert_eq!(fast.instant(tick * multiple), instant);
                    assert_eq!(
                        fast.ticks_to_cover(instant.since(Instant::START)),
                        tick * multiple
                    );
                }
            }
        }
    }

    #[test]
    fn a_tick_is_reached_exactly_at_its_instant() {
        for rate in [
            Rate::hertz(40_000_000),
            Rate::fraction(100_000_000, 3),
            Rate::hertz(1_193_182),
        ] {
            for n in [0, 1, 2, 3, 999, 1_193_182, 4_000_000_000_001] {
                let at = rate.span(n);
                assert_eq!(rate.ticks(at), n, "{rate:?} tick {n}");
                if n > 0 {
                    let before = at.saturating_sub(Span::from_picoseconds(1));
                    assert_eq!(rate.ticks(before), n - 1, "{rate:?} just before tick {n}");
                }
            }
        }
    }

    #[test]
    fn a_span_is_covered_by_the_first_tick_at_or_beyond_it() {
        for rate in [
            Rate::hertz(40_000_000),
            Rate::fraction(100_000_000, 3),
            Rate::hertz(1_193_182),
        ] {
            for n in [0, 1, 2, 999, 1_193_182] {
                let at = rate.span(n);
                assert_eq!(rate.ticks_to_cover(at), n);
                assert_eq!(rate.ticks_to_cover(at + Span::from_picoseconds(1)), n + 1);
            }
        }
    }

    #[test]
    fn a_period_of_whole_picoseconds_gives_what_the_fraction_gives() {
        let fast = Rate::hertz(40_000_000);
        let slow = Rate {
            whole_period: 0,
            ..fast
        };
        for picoseconds in [0, 1, 24_999, 25_000, 25_001, 1 << 40, u64::MAX] {
            let span = Span::from_picoseconds(picoseconds);
            assert_eq!(fast.ticks(span), slow.ticks(span));
            assert_eq!(fast.ticks_to_cover(span), slow.ticks_to_cover(span));
            assert_eq!(fast.span(picoseconds), slow.span(picoseconds));
        }
    }

    #[test]
    fn a_third_of_a_hundred_megahertz_does_not_drift() {
        let rate = Rate::fraction(100_000_000, 3);
        assert_eq!(rate.span(100_000_000), Span::from_seconds(3));
    }

    #[test]
    fn fractions_are_kept_in_lowest_terms() {
        assert_eq!(Rate::fraction(10, 4), Rate::fraction(5, 2));
        assert_eq!(Rate::hertz(1_843_200).divided_by(16), Rate::hertz(115_200));
    }

    #[test]
    fn times_beyond_the_range_stop_at_its_end() {
        assert_eq!(Rate::hertz(1).instant(u64::MAX), Instant::NEVER);
    }
}
