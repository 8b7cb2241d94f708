//! One station's transmitter: what it was asked to do and how far it has come.

use std::collections::VecDeque;

use clock::Instant;

use crate::{Connection, End, Frame, Outcome, Request};

use super::LEAST_FILL;
use super::backoff::Generator;
use super::delivery::Fate;

/// A station on its tap.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Station {
    pub(super) position_millimetres: u64,
    /// What has been asked and has not taken effect yet, in order.
    pub(super) requests: VecDeque<Request>,
    pub(super) phase: Phase,
    /// When it does its next step, as far as is known.
    pub(super) due: Instant,
    pub(super) backoff: Generator,
    /// Whether TCR.OFST is set, from these instants on, in order.
    pub(super) offsets: VecDeque<(Instant, bool)>,
    pub(super) has_offset: bool,
    /// What its card leads it to, from these instants on, in order.
    pub(super) connections: VecDeque<(Instant, Connection)>,
    pub(super) connection: Connection,
    /// End of the last bit that it sent without the cable hearing it.
    pub(super) unheard_until: Instant,
    /// Its transceiver does not send before this instant: it has jabbered.
    pub(super) jabbered_until: Instant,
}

/// What a transmitter is doing.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Phase {
    /// Nothing.
    Idle,
    /// It looks for a free cable from `since` on.
    Waiting {
        /// What it will send.
        job: Job,
        /// When its FIFO was filled or its back-off ends.
        since: Instant,
    },
    /// It sends, and may still meet a collision.
    Trying {
        /// What it sends.
        job: Job,
        /// First bit of the preamble.
        start: Instant,
        /// Whether it was reset since.
        is_withdrawn: bool,
    },
    /// It sends, every other station hears it, and only a reset can break it off.
    Carrying {
        /// What it sends.
        job: Job,
        /// First bit of the preamble.
        start: Instant,
        /// End of the last bit.
        end: Instant,
        /// What becomes of it at the receivers that have not been told of it.
        fates: Vec<Fate>,
    },
}

/// A frame on its way out.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Job {
    pub(super) frame: Frame,
    pub(super) collisions: u8,
    pub(super) deferred: bool,
    /// One of the collisions was late.
    pub(super) late: bool,
    /// What its card led its station to when the attempt began.
    pub(super) connection: Connection,
    /// Whether that was the cable, its station was plugged in then, and its transceiver willing.
    pub(super) reaches_cable: bool,
}

/// A transmitter's next step. At one instant requests come first, so that a reset prevents a start; then every start,
/// so that whatever is settled at an instant knows all signals that were on the cable by then.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Step {
    /// A reset takes effect.
    Withdraw,
    /// The next frame is ready, and the station listens for the first time.
    Look,
    /// The first bit leaves.
    Start,
    /// Whether the attempt collides is certain.
    Decide,
    /// The frame is past recall, or what some of its receivers see of it.
    Seal,
}

impl Station {
    pub(super) fn new(position_millimetres: u64, backoff: Generator) -> Self {
        Self {
            position_millimetres,
            requests: VecDeque::new(),
            phase: Phase::Idle,
            due: Instant::NEVER,
            backoff,
            offsets: VecDeque::new(),
            has_offset: false,
            connections: VecDeque::new(),
            connection: Connection::Cable,
            unheard_until: Instant::START,
            jabbered_until: Instant::START,
        }
    }

    /// Slot times to wait after a collision of an attempt that began at `start`.
    pub(super) fn backoff_slots(&mut self, collisions: u8, start: Instant) -> u16 {
        while let Some((_, is_set)) = self.offsets.pop_front_if(|(from, _)| *from <= start) {
            self.has_offset = is_set;
        }
        if self.has_offset {
            self.backoff.slots_with_offset(collisions)
        } else {
            self.backoff.slots(collisions)
        }
    }

    /// What its card leads it to at an instant that is not before the last attempt.
    pub(super) fn connection_at(&self, at: Instant) -> Connection {
        let next = self.connections.partition_point(|(from, _)| *from <= at);
        match next.checked_sub(1) {
            Some(last) => self.connections[last].1,
            None => self.connection,
        }
    }

    /// When that changes next, or [`Instant::NEVER`].
    pub(super) fn next_connection(&self, at: Instant) -> Instant {
        let next = self.connections.partition_point(|(from, _)| *from <= at);
        self.connections
            .get(next)
            .map_or(Instant::NEVER, |(from, _)| *from)
    }

    /// What its card leads it to for an attempt that begins at `start`.
    pub(super) fn connect(&mut self, start: Instant) -> Connection {
        while let Some((_, connection)) = self.connections.pop_front_if(|(from, _)| *from <= start) {
            self.connection = connection;
        }
        self.connection
    }

    /// The step that it does when it is due.
    pub(super) fn step(&self) -> Step {
        if self.reset_at() <= self.due {
            return Step::Withdraw;
        }
        match self.phase {
            Phase::Idle => Step::Look,
            Phase::Waiting { .. } => Step::Start,
            Phase::Trying { .. } => Step::Decide,
            Phase::Carrying { .. } => Step::Seal,
        }
    }

    /// When the next reset takes effect.
    pub(super) fn reset_at(&self) -> Instant {
        self.requests
            .iter()
            .find(|request| matches!(request, Request::Withdraw { .. }))
            .map_or(Instant::NEVER, Request::takes_effect)
    }

    /// Takes the requests that a reset cancels, and the reset.
    pub(super) fn forget_until_reset(&mut self) {
        while let Some(request) = self.requests.pop_front() {
            if matches!(request, Request::Withdraw { .. }) {
                break;
            }
        }
    }

    /// First bit of what it is sending, if how that ends is open.
    pub(super) fn open_since(&self) -> Option<Instant> {
        match self.phase {
            Phase::Trying { start, .. } | Phase::Carrying { start, .. } => Some(start),
            Phase::Idle | Phase::Waiting { .. } => None,
        }
    }
}

impl Request {
    /// The earliest instant at which it can change what is on the cable.
    pub(super) fn takes_effect(&self) -> Instant {
        match self {
            Self::Transmit { ready, .. } => *ready,
            Self::Withdraw { at } | Self::OffsetBackoff { at, .. } | Self::Connect { at, .. } => {
                *at + LEAST_FILL
            }
        }
    }
}

impl Job {
    pub(super) fn outcome(&self, end: End) -> Outcome {
        Outcome {
            collisions: self.collisions,
            deferred: self.deferred,
            late: self.late,
            end,
        }
    }
}
