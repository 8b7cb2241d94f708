//! What can be seen on a cable, for captures and traces.

use clock::{Instant, Span};

use crate::{Frame, Outcome, StationId};

/// One thing seen on a cable.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Record {
    /// A frame left its sender whole.
    Frame {
        /// First bit of the preamble leaving the sender.
        start: Instant,
        /// Who sent it.
        station: StationId,
        /// The frame.
        frame: Frame,
        /// How its transmission went.
        outcome: Outcome,
    },
    /// Two or more stations sent at once.
    Collision {
        /// The instant at which the first of them noticed.
        at: Instant,
        /// When the first of the colliding transmissions began.
        start: Instant,
        /// Who took part, and what each will do.
        parties: Vec<Party>,
        /// How long each of them jams.
        jam: Span,
    },
    /// A station had something to send and found the cable busy.
    Deferral {
        /// When it looked.
        at: Instant,
        /// Who waits.
        station: StationId,
        /// What it will send.
        frame: Frame,
    },
}

/// One station's part in a collision.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Party {
    /// Who.
    pub station: StationId,
    /// How many bytes of its frame had left, preamble not counted.
    pub bytes_sent: u32,
    /// What it was sending.
    pub frame: Frame,
    /// Which attempt this was, 1 to 16.
    pub attempt: u8,
    /// How many slot times it will wait; `None` if it gives up.
    pub backoff_slots: Option<u16>,
}

impl Record {
    /// The instant at which it happened: for a frame, the first bit of its preamble.
    #[must_use]
    pub fn at(&self) -> Instant {
        match self {
            Self::Frame { start, .. } => *start,
            Self::Collision { at, .. } | Self::Deferral { at, .. } => *at,
        }
    }
}
