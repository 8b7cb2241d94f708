//! Collision storms: tenths of a second in which a cable carries collisions and little else.

use clock::{Instant, Span};

/// The stretch of virtual time in which collisions are counted.
const STRETCH: Span = Span::from_milliseconds(100);
/// So many in one stretch are a storm: with a slot time of 51.2 us each, a twentieth of the time at the least.
pub(crate) const STORM: u32 = 100;

/// The collisions of one segment.
#[derive(Clone, Debug, Default)]
pub(crate) struct StormWatch {
    stretch: u64,
    collisions: u32,
    is_storm: bool,
}

impl StormWatch {
    /// A collision; true if a storm begins with it. A storm lasts until a stretch with fewer collisions.
    pub(crate) fn collision(&mut self, at: Instant) -> bool {
        let stretch = at.since(Instant::START) / STRETCH;
        if stretch != self.stretch {
            let goes_on = stretch == self.stretch + 1 && self.collisions >= STORM;
            self.is_storm = self.is_storm && goes_on;
            (self.stretch, self.collisions) = (stretch, 0);
        }
        self.collisions += 1;
        let begins = self.collisions == STORM && !self.is_storm;
        self.is_storm |= begins;
        begins
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_storm_is_told_once_until_it_has_passed() {
        let mut watch = StormWatch::default();
        let mut storms = |tenths: u64, collisions: u32| {
            let at = |n: u32| Instant::START + STRETCH * tenths + Span::from_microseconds(u64::from(n));
            (0..collisions).filter(|n| watch.collision(at(*n))).count()
        };
        assert_eq!(storms(0, STORM - 1), 0);
        assert_eq!(storms(1, 3 * STORM), 1);
        assert_eq!(storms(2, STORM), 0);
        assert_eq!(storms(3, 1), 0);
        assert_eq!(storms(4, STORM), 1);
    }
}
