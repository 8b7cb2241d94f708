//! A station's random numbers for its back-off.

use crate::StationId;
use crate::random::Random;

use super::timing::BACKOFF_LIMIT;

/// From this collision on a station with an offset backs off as the standard says.
const OFFSET_COLLISIONS: u8 = 3;

/// One station's stream of random numbers.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Generator {
    random: Random,
}

impl Generator {
    /// The stream of `station` on a segment with this seed.
    pub(super) fn new(seed: u64, station: StationId) -> Self {
        Self {
            random: Random::new(seed, u64::from(station.0)),
        }
    }

    /// Slot times to wait after collision number `collisions` (1 to 15) of a frame: uniform in
    /// 0 ..= 2^min(collisions, 10) - 1 (IEEE 802.3 4.2.3.2.5).
    pub(super) fn slots(&mut self, collisions: u8) -> u16 {
        self.draw(collisions)
    }

    /// The same for a DP8390 whose TCR.OFST is set: after the first three collisions it draws from
    /// 0 ..= 2^min(collisions + 3, 10) - 1, and so gives way to others (DP8390D data sheet, section 10, TCR).
    pub(super) fn slots_with_offset(&mut self, collisions: u8) -> u16 {
        let offset = if collisions <= OFFSET_COLLISIONS { 3 } else { 0 };
        self.draw(collisions + offset)
    }

    fn draw(&mut self, exponent: u8) -> u16 {
        let bits = exponent.clamp(1, BACKOFF_LIMIT);
        let slots = self.random.next() >> (64 - u32::from(bits));
        u16::try_from(slots).expect("at most ten bits are drawn")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_number_of_slots_is_drawn_equally_often() {
        for collisions in 1..16 {
            let range = 1_usize << collisions.min(10);
            let mut counts = vec![0_u32; range];
            let mut generator = Generator::new(7, StationId(3));
            let draws = 1000 * range;
            for _ in 0..draws {
                counts[usize::from(generator.slots(collisions))] += 1;
            }
            // Five standard deviations of a count with mean 1000.
            assert!(
                counts.iter().all(|count| (842..=1158).contains(count)),
                "{collisions}"
            );
        }
    }

    #[test]
    fn stations_of_one_segment_draw_different_slots() {
        let draws = |seed, station| {
            let mut generator = Generator::new(seed, StationId(station));
            (0..8).map(|_| generator.slots(10)).collect::<Vec<_>>()
        };
        assert_ne!(draws(1, 0), draws(1, 1));
        assert_ne!(draws(1, 0), draws(2, 0));
        assert_eq!(draws(1, 1), draws(1, 1));
    }

    #[test]
    fn an_offset_widens_the_range_of_the_first_three_collisions_eightfold() {
        let greatest = |collisions, is_offset| {
            let mut generator = Generator::new(7, StationId(3));
            let draws = (0..20_000).map(|_| match is_offset {
                true => generator.slots_with_offset(collisions),
                false => generator.slots(collisions),
            });
            draws.max().expect("it draws")
        };
        let with_offset: Vec<_> = (1..=5).map(|collisions| greatest(collisions, true)).collect();
        let without: Vec<_> = (1..=5).map(|collisions| greatest(collisions, false)).collect();
        assert_eq!(with_offset, [15, 31, 63, 15, 31]);
        assert_eq!(without, [1, 3, 7, 15, 31]);
    }
}
