//! What a station and the segment say to one another. A station speaks in exact instants and is answered in exact
//! instants; the machine that owns the card carries both across the window's end.

use clock::Instant;

use crate::Frame;

/// A station's place in the order of attachment to its segment; ties in time are broken by it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct StationId(pub u16);

/// What a station asks of the segment.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Request {
    /// The controller wants to send: its transmitter is ready (its FIFO is filled) at `ready`.
    Transmit {
        /// From when on the transmitter looks for a free cable, at least [`LEAST_FILL`](crate::LEAST_FILL) after the
        /// program asked for it.
        ready: Instant,
        /// What it sends.
        frame: Frame,
    },
    /// The controller is reset: whatever it was about to send is not sent. A frame already on the cable ends there,
    /// unless its end is near; then its [`Notice::Sent`] is given all the same. A `Sent` sooner than 576 bit times
    /// after a frame's `ready` belongs to a frame before it.
    Withdraw {
        /// The instant of the reset; it acts on the cable [`LEAST_FILL`](crate::LEAST_FILL) later.
        at: Instant,
    },
    /// The controller's back-off gets or loses its offset (DP8390, TCR.OFST): with it the first three collisions of a
    /// frame are followed by waits from a range eight times as wide. A reset of the controller does not change it.
    OffsetBackoff {
        /// The instant of the register write; it holds for attempts that begin [`LEAST_FILL`](crate::LEAST_FILL)
        /// later.
        at: Instant,
        /// Whether the offset is added from then on.
        is_enabled: bool,
    },
    /// The card leads its controller to another of its connectors. Every station begins on its cable.
    Connect {
        /// The instant of the register write; it holds for attempts that begin [`LEAST_FILL`](crate::LEAST_FILL)
        /// later, and for what such a station hears while it waits.
        at: Instant,
        /// What is at that connector.
        connection: Connection,
    },
}

/// What a card's controller is led to. Off the cable it hears nothing that passes there, though it is still told of it,
/// and what it sends does not reach the cable.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Connection {
    /// The cable.
    #[default]
    Cable,
    /// An AUI connector to which nothing is attached: neither carrier nor collision comes back.
    OpenAui,
    /// A transceiver for thin cable with an open connector, which tells of a collision at every attempt.
    OpenCoax,
}

/// What the segment tells a station.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Notice {
    /// The station's transmission has ended, one way or another.
    Sent {
        /// End of the last bit (or of the last jam), but not before 576 bit times after the attempt's first bit.
        at: Instant,
        /// How it ended.
        outcome: Outcome,
    },
    /// A frame has arrived whole at the station's tap.
    Received {
        /// End of its last bit at this station, but not before 576 bit times after its first.
        at: Instant,
        /// The end of its start frame delimiter at this station.
        begin: Instant,
        /// The frame.
        frame: Frame,
    },
    /// A frame longer than the shortest is on its way to the station and nothing on the cable will spoil it any more.
    /// Told only on request ([`Segment::announce_frames`](crate::Segment::announce_frames)), for controllers whose use
    /// of their memory meanwhile can be noticed. It is what fault rules leave of it, and not told of a frame that they
    /// take away or put off. Its sender may still break it off.
    Arriving {
        /// 576 bit times after its first bit at this station.
        at: Instant,
        /// The end of its start frame delimiter at this station.
        begin: Instant,
        /// The frame.
        frame: Frame,
    },
    /// The same for the station's own frame.
    Leaving {
        /// 576 bit times after its first bit.
        at: Instant,
        /// Its first bit.
        begin: Instant,
    },
}

/// How a transmission ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Outcome {
    /// Collisions that the frame met, 0 to 16.
    pub collisions: u8,
    /// Whether the first attempt had to wait for a busy cable.
    pub deferred: bool,
    /// Whether one of the collisions came after the slot time. At 10 Mb/s the frame is sent again after it as after any
    /// other (4.2.8, `TransmitLinkMgmt`; DP8390D data sheet, section 10, TSR.OWC).
    pub late: bool,
    /// Good, given up, or without a cable.
    pub end: End,
}

/// The end of a transmission.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum End {
    /// Every bit left without a collision.
    Good,
    /// Sixteen attempts collided; the frame is discarded.
    TooManyCollisions,
    /// Every bit left without a collision, but for some of them the station heard no carrier: its transceiver is not
    /// connected. Nobody received the frame, and there was no heartbeat after it.
    CarrierLost,
}

impl Notice {
    /// When the station learns of it.
    #[must_use]
    pub fn at(&self) -> Instant {
        match self {
            Self::Sent { at, .. }
            | Self::Received { at, .. }
            | Self::Arriving { at, .. }
            | Self::Leaving { at, .. } => *at,
        }
    }

    /// Whether it tells of a frame that is still under way, so that nothing comes of it by itself: it need not be
    /// looked at before the station does something else.
    #[must_use]
    pub fn is_announcement(&self) -> bool {
        matches!(self, Self::Arriving { .. } | Self::Leaving { .. })
    }
}
