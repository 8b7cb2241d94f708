//! A collision while it is still growing: who has joined it so far.

use clock::{Instant, Span};

use crate::{Party, Record};

/// Transmissions that have met on the cable.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Pileup {
    detected: Instant,
    start: Instant,
    parties: Vec<Party>,
    /// The station of each party and the end of its jam.
    ends: Vec<(usize, Instant)>,
    last_end: Instant,
}

impl Pileup {
    pub(super) fn new() -> Self {
        Self {
            detected: Instant::NEVER,
            start: Instant::NEVER,
            parties: Vec::new(),
            ends: Vec::new(),
            last_end: Instant::START,
        }
    }

    /// Whether a transmission that began at `start` is part of it: it began before it had heard the end of some
    /// party that it can hear, with which it therefore shared the cable. A later one leaves a gap after each.
    pub(super) fn includes(&self, start: Instant, delay_from: impl Fn(usize) -> Option<Span>) -> bool {
        self.ends
            .iter()
            .any(|&(station, end)| delay_from(station).is_some_and(|delay| start < end + delay))
    }

    pub(super) fn add(&mut self, party: Party, start: Instant, detected: Instant, end: Instant) {
        self.ends.push((usize::from(party.station.0), end));
        self.parties.push(party);
        self.start = self.start.min(start);
        self.detected = self.detected.min(detected);
        self.last_end = self.last_end.max(end);
    }

    pub(super) fn detected(&self) -> Instant {
        self.detected
    }

    /// From the first bit of the first to the end of the last jam.
    pub(super) fn duration(&self) -> Span {
        self.last_end.since(self.start)
    }

    /// When everyone who could still join it has been seen to.
    pub(super) fn is_complete_at(&self, reach: Span) -> Instant {
        self.last_end + reach + reach
    }

    pub(super) fn into_record(mut self, jam: Span) -> Record {
        self.parties.sort_by_key(|party| party.station);
        Record::Collision {
            at: self.detected,
            start: self.start,
            parties: self.parties,
            jam,
        }
    }
}
