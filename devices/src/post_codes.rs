//! The POST code port of an AT: a latch that a POST card shows, and here also a record of what was shown when.
//!
//! Source: IBM PC AT Technical Reference, "manufacturing port" 80h (the first byte of the DMA page register file that
//! no channel uses; it reads back).

use std::collections::VecDeque;

use clock::Instant;

use crate::Context;

/// The codes kept until somebody takes them; then the oldest go. Guests also write this port merely to pass the time.
const CODES_KEPT: usize = 4096;

/// The POST code latch.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct PostCodes {
    port: u16,
    latch: u8,
    last: Option<u8>,
    codes: VecDeque<(Instant, u8)>,
}

impl Default for PostCodes {
    fn default() -> Self {
        Self::new(Self::DEFAULT_PORT)
    }
}

impl PostCodes {
    /// Where an AT has it. Other boards use 84h, 300h or 680h.
    pub const DEFAULT_PORT: u16 = 0x80;

    /// A latch at I/O address `port`.
    #[must_use]
    pub fn new(port: u16) -> Self {
        Self {
            port,
            latch: 0,
            last: None,
            codes: VecDeque::new(),
        }
    }

    /// The I/O address at which the board has to place it.
    #[must_use]
    pub fn port(&self) -> u16 {
        self.port
    }

    /// The last value written.
    #[must_use]
    pub fn read(&self) -> u8 {
        self.latch
    }

    /// Shows and records `value`.
    pub fn write(&mut self, value: u8, cx: &Context<'_>) {
        self.latch = value;
        self.last = Some(value);
        if self.codes.len() == CODES_KEPT {
            self.codes.pop_front();
        }
        self.codes.push_back((cx.now(), value));
    }

    /// The codes since the last call, oldest first; of more than 4096 the last 4096.
    pub fn take(&mut self) -> Vec<(Instant, u8)> {
        self.codes.drain(..).collect()
    }

    /// The last code since power-on; a reset does not forget it.
    #[must_use]
    pub fn last(&self) -> Option<u8> {
        self.last
    }

    /// The reset line clears the latch; the record stays.
    pub fn reset(&mut self) {
        self.latch = 0;
    }
}

#[cfg(test)]
mod tests {
    use clock::Span;
    use proptest::prelude::{any, proptest};

    use super::*;
    use crate::bench::{Bench, Step, any_step};

    #[test]
    fn codes_are_recorded_with_their_time_and_taken_once() {
        let mut codes = PostCodes::default();
        let mut bench = Bench::new();
        bench.call(|cx| codes.write(0x11, cx));
        bench.now += Span::from_microseconds(3);
        bench.call(|cx| codes.write(0x22, cx));
        assert_eq!(codes.take(), [(Instant::START, 0x11), (bench.now, 0x22)]);
        assert_eq!(codes.take(), []);
        assert_eq!(codes.read(), 0x22);
        codes.reset();
        assert_eq!((codes.read(), codes.last()), (0, Some(0x22)));
    }

    proptest! {
        #[test]
        fn the_latch_reads_the_last_value_and_the_record_is_bounded(
            steps in proptest::collection::vec(any_step(0x80, 0x80), 0..200),
            repeats in 1..60usize,
            last in any::<u8>(),
        ) {
            let mut codes = PostCodes::default();
            let mut bench = Bench::new();
            for step in steps.iter().cycle().take(steps.len() * repeats) {
                match *step {
                    Step::Write(_, value) => bench.call(|cx| codes.write(value, cx)),
                    Step::Pass(span) | Step::Jump(span, _) => bench.now += span,
                    Step::Read(_) | Step::Poke(_) => assert!(codes.codes.len() <= CODES_KEPT),
                }
            }
            bench.call(|cx| codes.write(last, cx));
            assert_eq!(codes.read(), last);
            let taken = codes.take();
            assert!(taken.len() <= CODES_KEPT && taken.is_sorted_by_key(|(at, _)| *at));
        }
    }
}
