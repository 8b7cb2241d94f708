//! Where the decisions of a random case come from.

/// A stream of decisions: bytes that a fuzzer has chosen, then pseudo-random ones (SplitMix64; Steele, Lea, Flood 2014).
#[derive(Clone, Debug)]
pub(super) struct Choices<'a> {
    bytes: &'a [u8],
    seed: u64,
}

impl<'a> Choices<'a> {
    /// Nothing but the seed decides.
    #[cfg(test)]
    pub(super) fn of_seed(seed: u64) -> Self {
        Self { bytes: &[], seed }
    }

    /// The bytes decide as long as they last.
    pub(super) fn of_bytes(bytes: &'a [u8]) -> Self {
        let seed = bytes.len() as u64;
        Self { bytes, seed }
    }

    fn random(&mut self) -> u64 {
        self.seed = self.seed.wrapping_add(0x9E37_79B9_7F4A_7C15);
        let mut z = self.seed;
        z = (z ^ (z >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        z ^ (z >> 31)
    }

    pub(super) fn byte(&mut self) -> u8 {
        match self.bytes.split_first() {
            Some((first, rest)) => {
                self.bytes = rest;
                *first
            }
            None => (self.random() >> 32) as u8,
        }
    }

    pub(super) fn word(&mut self) -> u16 {
        u16::from_le_bytes([self.byte(), self.byte()])
    }

    pub(super) fn dword(&mut self) -> u32 {
        u32::from(self.word()) | u32::from(self.word()) << 16
    }

    /// 0 to `limit` - 1; `limit` is 1 to 65536.
    pub(super) fn below(&mut self, limit: u32) -> u32 {
        let choice = if limit <= 0x100 {
            u32::from(self.byte())
        } else {
            u32::from(self.word())
        };
        choice % limit
    }

    /// True once in `times`.
    pub(super) fn once_in(&mut self, times: u32) -> bool {
        self.below(times) == 0
    }

    pub(super) fn pick<T: Copy>(&mut self, values: &[T]) -> T {
        values[self.below(values.len() as u32) as usize]
    }
}
