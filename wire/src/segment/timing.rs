//! The constants of IEEE 802.3 clause 4.4.2 (10 Mb/s), in bit times, at one bit rate.

use clock::{Instant, Rate, Span};

use crate::Frame;

/// Preamble and start frame delimiter.
pub(super) const PREAMBLE_BITS: u64 = 64;
/// `jamSize`.
pub(super) const JAM_BITS: u64 = 32;
/// `slotTime`.
pub(super) const SLOT_BITS: u64 = 512;
/// `interFrameSpacing`.
pub(super) const GAP_BITS: u64 = 96;
/// `interFrameSpacingPart1`: carrier in this part of the gap starts it anew (at most two thirds, 4.2.3.2.2).
pub(super) const GAP_FIRST_PART_BITS: u64 = 64;
/// `minFrameSize` with its preamble.
pub(super) const SHORTEST_BITS: u64 = PREAMBLE_BITS + 512;
/// `attemptLimit`.
pub(super) const ATTEMPT_LIMIT: u8 = 16;
/// `backOffLimit`: from this collision on the range of the back-off does not grow.
pub(super) const BACKOFF_LIMIT: u8 = 10;
/// For how long a transceiver sends at most; 20 to 150 ms (8.2.1.5), here the 20 ms of a DP8392 (its data sheet,
/// Jabber Functions).
pub(super) const JABBER: Span = Span::from_milliseconds(20);
/// How long the transmitter must then be silent before the transceiver sends again; 0.25 to 0.75 s (8.2.1.5), about
/// 500 ms for a DP8392.
pub(super) const UNJABBER: Span = Span::from_milliseconds(500);

/// The constants as spans at a segment's bit rate.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Timing {
    bit_rate: Rate,
    pub(super) slot: Span,
    pub(super) gap: Span,
    pub(super) gap_first_part: Span,
    pub(super) jam: Span,
    /// The shortest frame with its preamble: 57.6 us at 10 Mb/s.
    pub(super) shortest: Span,
}

impl Timing {
    pub(super) fn new(bit_rate: Rate) -> Self {
        Self {
            bit_rate,
            slot: bit_rate.span(SLOT_BITS),
            gap: bit_rate.span(GAP_BITS),
            gap_first_part: bit_rate.span(GAP_FIRST_PART_BITS),
            jam: bit_rate.span(JAM_BITS),
            shortest: bit_rate.span(SHORTEST_BITS),
        }
    }

    /// The instant at which bit `bits` of a transmission that began at `start` begins.
    pub(super) fn bit(&self, start: Instant, bits: u64) -> Instant {
        start + self.bit_rate.span(bits)
    }

    /// How many bits a transmission that began at `start` has begun to send before `at`.
    pub(super) fn bits_begun(&self, start: Instant, at: Instant) -> u64 {
        let elapsed = at.since(start);
        let whole = self.bit_rate.ticks(elapsed);
        whole + u64::from(self.bit_rate.span(whole) < elapsed)
    }

    /// The end of the last bit of `frame`, its preamble beginning at `start`.
    pub(super) fn end_of(&self, frame: &Frame, start: Instant) -> Instant {
        self.bit(start, PREAMBLE_BITS + 8 * frame.length())
    }
}
