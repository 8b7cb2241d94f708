//! A station's random numbers for its back-off.
//!
//! SplitMix64: Steele, Lea, Flood, "Fast splittable pseudorandom number generators", OOPSLA 2014, with the constants
//! of Vigna's public-domain `splitmix64.c`. One word of state, so that it is saved with its station.

use crate::StationId;

use super::timing::BACKOFF_LIMIT;

/// One station's stream of random numbers.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Generator {
    state: u64,
}

impl Generator {
    /// The stream of `station` on a segment with this seed.
    pub(super) fn new(seed: u64, station: StationId) -> Self {
        let mut stations = Self {
            state: u64::from(station.0),
        };
        let mut generator = Self {
            state: seed ^ stations.next(),
        };
        // One step more keeps streams apart whose seeds differ in few bits.
        generator.state = generator.next();
        generator
    }

    fn next(&mut self) -> u64 {
        self.state = self.state.wrapping_add(0x9E37_79B9_7F4A_7C15);
        let mut z = self.state;
        z = (z ^ (z >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        z ^ (z >> 31)
    }

    /// Slot times to wait after collision number `collisions` (1 to 15) of a frame: uniform in
    /// 0 ..= 2^min(collisions, 10) - 1 (IEEE 802.3 4.2.3.2.5).
    pub(super) fn slots(&mut self, collisions: u8) -> u16 {
        let bits = collisions.clamp(1, BACKOFF_LIMIT);
        let slots = self.next() >> (64 - u32::from(bits));
        u16::try_from(slots).expect("at most ten bits are drawn")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_generator_is_splitmix64() {
        let mut generator = Generator { state: 1_234_567 };
        let drawn: Vec<_> = (0..3).map(|_| generator.next()).collect();
        assert_eq!(
            drawn,
            [
                6_457_827_717_110_365_317,
                3_203_168_211_198_807_973,
                9_817_491_932_198_370_423
            ]
        );
    }

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
}
