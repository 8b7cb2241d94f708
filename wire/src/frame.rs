//! Frames as they lie on the cable: destination address to end of data, and the state of the check sequence.

use std::sync::Arc;

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
}

impl Frame {
    /// A frame of these bytes (destination address first) with the given check sequence.
    #[must_use]
    pub fn new(bytes: &[u8], check: CheckSequence) -> Self {
        Self {
            bytes: bytes.into(),
            check,
        }
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
}
