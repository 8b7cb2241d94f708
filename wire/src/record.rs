//! What can be seen on a cable, for captures and traces.

use std::sync::Arc;

use clock::{Instant, Span};

use crate::{Deed, Frame, Outcome, StationId};

/// One thing seen on a cable.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Record {
    /// A frame left its sender whole (with [`End::CarrierLost`](crate::End::CarrierLost) not over the cable).
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
    /// Two or more stations sent at once, or one whose transceiver told it of a collision without another: its coaxial
    /// connector is open, or it has sent for too long.
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
    /// A fault rule had its way with a frame.
    Fault {
        /// First bit of the preamble leaving the sender.
        start: Instant,
        /// Who sent it.
        station: StationId,
        /// The frame as it was sent.
        frame: Frame,
        /// The rule's name.
        rule: Arc<str>,
        /// What it does.
        deed: Deed,
        /// At whose taps.
        receivers: Vec<StationId>,
    },
    /// A station received a frame. Recorded only on request
    /// ([`Segment::record_receptions`](crate::Segment::record_receptions)).
    Reception {
        /// First bit of the preamble at the receiver's tap.
        start: Instant,
        /// Who received it.
        station: StationId,
        /// Who sent it.
        from: StationId,
        /// The frame as it arrived.
        frame: Frame,
    },
    /// The cable itself changed.
    Cable {
        /// When.
        at: Instant,
        /// How.
        change: CableChange,
    },
}

/// A change of what a cable joins.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum CableChange {
    /// A station was taken off.
    Unplugged(StationId),
    /// A station was put back.
    Plugged(StationId),
    /// The cable was cut at so many millimetres, and both parts terminated.
    Cut(u64),
    /// The parts were joined again.
    Joined(u64),
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
    /// The instant at which it happened: for a frame, sent or received, the first bit of its preamble.
    #[must_use]
    pub fn at(&self) -> Instant {
        match self {
            Self::Frame { start, .. } | Self::Fault { start, .. } | Self::Reception { start, .. } => *start,
            Self::Collision { at, .. } | Self::Deferral { at, .. } | Self::Cable { at, .. } => *at,
        }
    }
}
