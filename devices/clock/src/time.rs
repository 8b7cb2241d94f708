//! Points and distances of virtual time, in picoseconds.

use core::fmt;
use core::ops::{Add, AddAssign, Div, Mul, Sub};

/// A point of virtual time: picoseconds since the lab was switched on. Range 0 to 213 days.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Instant(u64);

/// A distance between two [`Instant`]s in picoseconds. Range 0 to 213 days.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Span(u64);

impl Instant {
    /// The moment at which the lab is switched on.
    pub const START: Self = Self(0);
    /// Later than everything that ever happens.
    pub const NEVER: Self = Self(u64::MAX);

    /// The instant `picoseconds` after the start.
    #[must_use]
    pub const fn from_picoseconds(picoseconds: u64) -> Self {
        Self(picoseconds)
    }

    /// Picoseconds since the start.
    #[must_use]
    pub const fn picoseconds(self) -> u64 {
        self.0
    }

    /// Whole nanoseconds since the start, rounded down.
    #[must_use]
    pub const fn nanoseconds(self) -> u64 {
        self.0 / 1_000
    }

    /// The distance from `earlier` to this instant; zero if `earlier` is in fact later.
    #[must_use]
    pub const fn since(self, earlier: Self) -> Span {
        Span(self.0.saturating_sub(earlier.0))
    }
}

impl Span {
    /// No time at all.
    pub const ZERO: Self = Self(0);

    /// A span of `n` picoseconds.
    #[must_use]
    pub const fn from_picoseconds(n: u64) -> Self {
        Self(n)
    }

    /// A span of `n` nanoseconds (at most 213 days).
    #[must_use]
    pub const fn from_nanoseconds(n: u64) -> Self {
        Self(n * 1_000)
    }

    /// A span of `n` microseconds (at most 213 days).
    #[must_use]
    pub const fn from_microseconds(n: u64) -> Self {
        Self(n * 1_000_000)
    }

    /// A span of `n` milliseconds (at most 213 days).
    #[must_use]
    pub const fn from_milliseconds(n: u64) -> Self {
        Self(n * 1_000_000_000)
    }

    /// A span of `n` seconds (at most 213 days).
    #[must_use]
    pub const fn from_seconds(n: u64) -> Self {
        Self(n * 1_000_000_000_000)
    }

    /// Its length in picoseconds.
    #[must_use]
    pub const fn picoseconds(self) -> u64 {
        self.0
    }

    /// Its length in whole nanoseconds, rounded down.
    #[must_use]
    pub const fn nanoseconds(self) -> u64 {
        self.0 / 1_000
    }

    /// This span less `other`, or zero if `other` is longer.
    #[must_use]
    pub const fn saturating_sub(self, other: Self) -> Self {
        Self(self.0.saturating_sub(other.0))
    }
}

impl Add<Span> for Instant {
    type Output = Self;

    /// Stops at [`Instant::NEVER`].
    fn add(self, span: Span) -> Self {
        Self(self.0.saturating_add(span.0))
    }
}

impl AddAssign<Span> for Instant {
    fn add_assign(&mut self, span: Span) {
        *self = *self + span;
    }
}

impl Sub<Span> for Instant {
    type Output = Self;

    /// Stops at [`Instant::START`].
    fn sub(self, span: Span) -> Self {
        Self(self.0.saturating_sub(span.0))
    }
}

impl Add for Span {
    type Output = Self;

    fn add(self, other: Self) -> Self {
        Self(self.0.saturating_add(other.0))
    }
}

impl Mul<u64> for Span {
    type Output = Self;

    fn mul(self, times: u64) -> Self {
        Self(self.0.saturating_mul(times))
    }
}

impl Div<Span> for Span {
    type Output = u64;

    /// How often `other` fits into this span. Panics if `other` is zero.
    fn div(self, other: Span) -> u64 {
        self.0 / other.0
    }
}

/// Seconds with nine decimals, rounded down: `12.003000512 s`.
impl fmt::Display for Instant {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let nanoseconds = self.nanoseconds();
        write!(
            f,
            "{}.{:09} s",
            nanoseconds / 1_000_000_000,
            nanoseconds % 1_000_000_000
        )
    }
}

/// The largest unit that leaves at least one whole: `57.600 us`.
impl fmt::Display for Span {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (unit, name) = match self.0 {
            0..1_000_000 => (1_000, "ns"),
            1_000_000..1_000_000_000 => (1_000_000, "us"),
            1_000_000_000..1_000_000_000_000 => (1_000_000_000, "ms"),
            _ => (1_000_000_000_000, "s"),
        };
        write!(
            f,
            "{}.{:03} {name}",
            self.0 / unit,
            self.0 % unit / (unit / 1_000)
        )
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_instant_prints_seconds_with_nine_decimals() {
        let at = Instant::START + Span::from_milliseconds(12_003) + Span::from_picoseconds(512_999);
        assert_eq!(at.to_string(), "12.003000512 s");
    }

    #[test]
    fn a_span_prints_in_the_unit_that_leaves_a_whole() {
        assert_eq!(Span::from_nanoseconds(57_600).to_string(), "57.600 us");
        assert_eq!(Span::from_picoseconds(999).to_string(), "0.999 ns");
        assert_eq!(Span::from_seconds(3).to_string(), "3.000 s");
    }

    #[test]
    fn time_stops_at_its_ends_instead_of_wrapping() {
        assert_eq!(Instant::NEVER + Span::from_seconds(1), Instant::NEVER);
        assert_eq!(Instant::START - Span::from_seconds(1), Instant::START);
        assert_eq!(Instant::START.since(Instant::NEVER), Span::ZERO);
    }
}
