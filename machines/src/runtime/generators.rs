//! The traffic generators of a lab: stations that run between the windows of the machines.

use clock::Instant;
use wire::{Notice, Request, Segment, StationId, TrafficGenerator, TrafficSettings};

use super::{GeneratorStatistics, seed_for};
use crate::lab::{self, Lab};

/// A generator on its cable.
#[derive(Clone, Debug)]
pub(super) struct Generator {
    name: String,
    /// Index of the cable.
    pub(super) cable: usize,
    station: StationId,
    traffic: TrafficGenerator,
}

/// Tells the seeds of traffic generators from those of fault rules.
const TRAFFIC: u64 = 0x7472_6166_6669_6300;

impl Generator {
    /// Generator `number` of the lab, at its tap.
    pub(super) fn new(lab: &Lab, number: u64, described: &lab::Generator, station: StationId) -> Self {
        let settings = TrafficSettings {
            seed: described
                .seed
                .unwrap_or_else(|| seed_for(lab.seed, TRAFFIC, number)),
            ..described.settings.clone()
        };
        Self {
            name: described.name.clone(),
            cable: described.segment,
            station,
            traffic: TrafficGenerator::new(settings),
        }
    }

    /// Runs to `until` and hands over what it asks for.
    pub(super) fn run(&mut self, until: Instant, segment: &mut Segment, requests: &mut Vec<Request>) {
        self.traffic.run(until, requests);
        for request in requests.drain(..) {
            segment.request(self.station, request);
        }
    }

    /// When it next asks for something, if nobody tells it anything before.
    pub(super) fn next_request(&self) -> Instant {
        self.traffic.next_request()
    }

    /// Takes what its segment tells it.
    pub(super) fn notice(&mut self, notice: &Notice) {
        self.traffic.notice(notice);
    }

    pub(super) fn statistics(&self) -> GeneratorStatistics {
        let counts = self.traffic.counts();
        GeneratorStatistics {
            name: self.name.clone(),
            sent: counts.sent,
            sent_bytes: counts.sent_bytes,
            given_up: counts.given_up,
            without_carrier: counts.without_carrier,
            collisions: counts.collisions,
            received: counts.received,
            received_bytes: counts.received_bytes,
            check_errors: counts.check_errors,
            alignment_errors: counts.alignment_errors,
        }
    }
}
