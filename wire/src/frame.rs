//! Frames as they lie on the cable: destination address to end of data, and the state of the check sequence.

use std::sync::Arc;

/// Bytes of a check sequence.
const CHECK_BYTES: u64 = 4;

/// The state of a frame's check sequence, which is not stored: a right one can always be computed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum CheckSequence {
    /// The four bytes on the cable are the CRC-32 of the frame.
    Right,
    /// They are not.
    Wrong,
}

/// A frame without preamble and without the four bytes of its check sequence, cheap to share between receivers.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Frame {
    bytes: Arc<[u8]>,
    check: CheckSequence,
    dribble_bits: u8,
}

impl Frame {
    /// A frame of these bytes (destination address first) with the given check sequence.
    #[must_use]
    pub fn new(bytes: &[u8], check: CheckSequence) -> Self {
        Self {
            bytes: bytes.into(),
            check,
            dribble_bits: 0,
        }
    }

    /// The frame with so many bits (1 to 7, more count as 7) after its last whole byte.
    #[must_use]
    pub fn with_dribble_bits(mut self, bits: u8) -> Self {
        self.dribble_bits = bits.min(7);
        self
    }

    /// Destination address to end of data.
    #[must_use]
    pub fn bytes(&self) -> &[u8] {
        &self.bytes
    }

    /// Whether the check sequence on the cable is right.
    #[must_use]
    pub fn check(&self) -> CheckSequence {
        self.check
    }

    /// Bits after the last whole byte, 0 to 7. A receiver drops them and checks the sequence at the last byte
    /// boundary; only if that is wrong the frame has an alignment error (IEEE 802.3 4.2.4.1.2, `alignmentError`;
    /// DP8390D data sheet, section 10, RSR.FAE).
    #[must_use]
    pub fn dribble_bits(&self) -> u8 {
        self.dribble_bits
    }

    /// Whether a receiver finds an alignment error: dribble bits and a wrong check sequence.
    #[must_use]
    pub fn is_misaligned(&self) -> bool {
        self.dribble_bits > 0 && self.check == CheckSequence::Wrong
    }

    /// Bytes from destination address to the end of the check sequence.
    #[must_use]
    pub fn length(&self) -> u64 {
        self.bytes.len() as u64 + CHECK_BYTES
    }

    /// The two bytes after the addresses; `None` if the frame is too short for them.
    #[must_use]
    pub fn ethertype(&self) -> Option<u16> {
        let bytes = self.bytes.get(12..14)?;
        Some(u16::from_be_bytes([bytes[0], bytes[1]]))
    }

    /// The first six bytes; `None` if the frame is too short for them.
    #[must_use]
    pub fn destination(&self) -> Option<[u8; 6]> {
        self.bytes.first_chunk().copied()
    }

    /// The six bytes after the destination; `None` if the frame is too short for them.
    #[must_use]
    pub fn source(&self) -> Option<[u8; 6]> {
        self.bytes.get(6..12)?.first_chunk().copied()
    }
}
