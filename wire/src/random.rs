//! Random numbers for whatever on a segment is left to chance.
//!
//! SplitMix64: Steele, Lea, Flood, "Fast splittable pseudorandom number generators", OOPSLA 2014, with the constants
//! of Vigna's public-domain `splitmix64.c`. One word of state, so that it is saved with its owner.

/// A stream of random numbers.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Random {
    state: u64,
}

impl Random {
    /// Stream number `stream` of this seed.
    pub(crate) fn new(seed: u64, stream: u64) -> Self {
        let mut streams = Self { state: stream };
        let mut random = Self {
            state: seed ^ streams.next(),
        };
        // One step more keeps streams apart whose seeds differ in few bits.
        random.state = random.next();
        random
    }

    pub(crate) fn next(&mut self) -> u64 {
        self.state = self.state.wrapping_add(0x9E37_79B9_7F4A_7C15);
        let mut z = self.state;
        z = (z ^ (z >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        z ^ (z >> 31)
    }

    /// A number below `limit`, or 0; its bias is under `limit` / 2^64.
    pub(crate) fn below(&mut self, limit: u64) -> u64 {
        let product = u128::from(self.next()) * u128::from(limit);
        (product >> 64) as u64
    }

    /// An exponentially distributed number with the given mean, by comparisons only (von Neumann, "Various techniques
    /// used in connection with random digits", 1951): a uniform number begins a falling run; one of odd length makes it
    /// the fraction of the result, and each one of even length before it adds a whole.
    pub(crate) fn exponential(&mut self, mean: u64) -> u64 {
        let mut wholes = 0_u64;
        loop {
            let fraction = self.next();
            let (mut last, mut length) = (fraction, 1);
            loop {
                let next = self.next();
                if next >= last {
                    break;
                }
                last = next;
                length += 1;
            }
            if length % 2 == 1 {
                let part = (u128::from(mean) * u128::from(fraction)) >> 64;
                return mean.saturating_mul(wholes).saturating_add(part as u64);
            }
            wholes += 1;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_generator_is_splitmix64() {
        let mut random = Random { state: 1_234_567 };
        let drawn: Vec<_> = (0..3).map(|_| random.next()).collect();
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
    fn numbers_below_a_limit_are_equally_likely() {
        let mut random = Random::new(1, 2);
        let mut counts = [0_u32; 10];
        for _ in 0..10_000 {
            counts[random.below(10) as usize] += 1;
        }
        // Five standard deviations of a count with mean 1000.
        assert!(
            counts.iter().all(|count| (850..=1150).contains(count)),
            "{counts:?}"
        );
        assert_eq!(random.below(0), 0);
    }

    #[test]
    fn exponential_numbers_have_their_mean_and_exceed_it_once_in_e() {
        let mut random = Random::new(3, 4);
        let (draws, mean) = (100_000, 1_000_000);
        let (mut sum, mut above) = (0, 0);
        for _ in 0..draws {
            let drawn = random.exponential(mean);
            sum += drawn;
            above += u32::from(drawn > mean);
        }
        // The standard deviation of the average is a three-hundredth of the mean; 1/e of 100000 is 36788 +- 153.
        assert!((984_000..1_016_000).contains(&(sum / draws)), "{}", sum / draws);
        assert!((36_020..37_560).contains(&above), "{above}");
    }
}
