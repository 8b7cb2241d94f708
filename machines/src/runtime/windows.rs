//! Where windows lie.
//!
//! Time is divided into windows once and for all, from the lab's start on: where one begins and ends follows from the cables' lengths
//! and from nothing that happens. A window in which nothing is due is passed over. So a machine comes back at the same instants, and has
//! the same trace, in every run in which it does the same, whatever is known of the future: changes of a cable that are made by hand in
//! one run are known from the beginning in its repetition, and make the cable look at itself at other instants.

use clock::{Instant, Span};
use wire::Segment;

use super::Cable;
use crate::machine::Stretch;

/// The windows of a lab.
#[derive(Clone, Copy, Debug)]
pub(super) struct Windows {
    /// From a window's beginning to the end of what is settled.
    settled_ahead: Span,
    /// From a window's beginning to that of the next.
    length: Span,
}

/// Machines without a cable between them need not meet at all; this is how often the observer is told.
const WITHOUT_CABLES: Span = Span::from_microseconds(100);

/// How much shorter than what is settled a window is, so that what an instruction does over its end is exact: a dword
/// access to an 8-bit card begins its last byte three cycles of at most 9 clocks after its first. Instructions that
/// make more accesses to cards than one see the rest of them at the end of what is settled, and so does one access that DMA
/// puts off by more than what is left, 1.5 us: a byte of DMA takes that long, so this needs a burst.
const OVERRUN: Span = Span::from_microseconds(5);

impl Windows {
    /// As long as every one of `cables` permits.
    pub(super) fn of(cables: &[Cable]) -> Self {
        let ahead = cables.iter().map(|cable| Segment::window(&cable.segment));
        Self::settled_ahead(ahead.min().unwrap_or(WITHOUT_CABLES))
    }

    /// Windows at whose beginning everything is settled for so long.
    pub(super) fn settled_ahead(settled_ahead: Span) -> Self {
        let overrun = OVERRUN.min(Span::from_picoseconds(settled_ahead.picoseconds() / 2));
        Self {
            settled_ahead,
            length: settled_ahead.saturating_sub(overrun),
        }
    }

    /// The window in which `at` lies.
    pub(super) fn around(&self, at: Instant) -> Stretch {
        let number = at.picoseconds() / self.length.picoseconds();
        let start = Instant::START + self.length * number;
        Stretch {
            start,
            end: start + self.length,
            settled: start + self.settled_ahead,
            ends_window: true,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn every_instant_lies_in_one_window_and_they_follow_one_another(
            ahead in 1_000_u64..100_000_000,
            at in 0_u64..1_000_000_000_000_000,
        ) {
            let windows = Windows::settled_ahead(Span::from_picoseconds(ahead));
            let at = Instant::from_picoseconds(at);
            let window = windows.around(at);
            prop_assert!((window.start..window.end).contains(&at));
            prop_assert!(window.end < window.settled);
            prop_assert_eq!(windows.around(window.start), window);
            prop_assert_eq!(windows.around(window.end).start, window.end);
        }
    }
}
