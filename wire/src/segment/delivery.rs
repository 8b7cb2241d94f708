//! What becomes of a frame that has left its sender whole: who receives it, and what fault rules do to it.

use std::sync::Arc;

use clock::{Instant, Span};

use super::settlement::Delivery;
use super::timing::PREAMBLE_BITS;
use super::{Job, Segment, Signal, id};
use crate::fault::{Fault, Treatment};
use crate::{End, FaultRule, Notice, Record, StationId};

impl Segment {
    /// Adds a rule by which frames are mistreated; it is asked after those that were added before. On a cable that has been in use it
    /// looks at frames that are not yet certain on the cable, the first 57.6 us of each included.
    pub fn add_fault(&mut self, rule: FaultRule) {
        self.faults.push(Fault::new(rule));
    }

    /// From now on each reception becomes a [`Record::Reception`]: what each receiver got, and when.
    pub fn record_receptions(&mut self) {
        self.outbox.records_receptions = true;
    }

    /// From now on stations are told of frames longer than the shortest while these are still under way:
    /// [`Notice::Arriving`], [`Notice::Leaving`].
    pub fn announce_frames(&mut self) {
        self.outbox.announces_frames = true;
    }

    /// Nothing on the cable will spoil this frame any more, but for changes of the cable that come later than what is told here: whoever
    /// is told knows nothing of those, and they may not have been asked for yet.
    pub(super) fn announce(&mut self, index: usize, job: &Job, start: Instant, end: Instant) {
        let certain = start + self.timing.shortest;
        if !self.outbox.announces_frames
            || end <= certain
            || self.will_jabber(job, start, end).is_some()
            || self.loses_carrier(index, job, start, certain)
        {
            return;
        }
        let (at, begin) = (certain, start);
        self.outbox
            .notify(id(index), id(index), Notice::Leaving { at, begin });
        let signal = Signal {
            station: index,
            start,
            end,
        };
        let first = self.timing.bit(start, PREAMBLE_BITS);
        for other in (0..self.stations.len()).filter(|&other| other != index) {
            let delay = self.delays[index][other];
            let is_joined = self
                .topology
                .joins_throughout(index, other, start, certain + delay);
            if is_joined && !self.is_spoilt(signal, other) {
                let notice = Notice::Arriving {
                    at: certain + delay,
                    begin: first + delay,
                    frame: job.frame.clone(),
                };
                self.outbox.notify(id(other), id(index), notice);
            }
        }
    }

    /// A frame leaves whole over the cable.
    pub(super) fn carry(&mut self, index: usize, job: Job, start: Instant, end: Instant) {
        self.statistics.frames += 1;
        self.statistics.bytes += job.frame.length();
        self.statistics.busy = self.statistics.busy + end.since(start);
        let outcome = job.outcome(End::Good);
        let told = self.report(index, start, end, outcome);
        let signal = Signal {
            station: index,
            start,
            end,
        };
        let others = (0..self.stations.len()).filter(|&other| other != index);
        let opinions = self.opinions(signal, &job, others.clone().map(id).collect());
        for (other, opinion) in others.zip(opinions) {
            if self.is_received(signal, other) {
                let delay = self.delays[index][other];
                let at = told + delay;
                let delivery = Delivery {
                    to: id(other),
                    from: id(index),
                    at,
                    length: told.since(start),
                    frame: job.frame.clone(),
                    held_behind: 0,
                };
                self.treat(delivery, opinion);
            }
        }
        self.outbox.record(Record::Frame {
            start,
            station: id(index),
            frame: job.frame,
            outcome,
        });
    }

    fn is_received(&self, signal: Signal, index: usize) -> bool {
        let (_, off) = self.at_tap(signal, index);
        !self.is_spoilt(signal, index)
            && self
                .topology
                .joins_throughout(signal.station, index, signal.start, off)
    }

    /// What the first rule with an opinion wants done with a frame at each of `receivers`; and a record for each rule
    /// that has its way.
    fn opinions(&mut self, signal: Signal, job: &Job, receivers: Vec<StationId>) -> Vec<Option<Treatment>> {
        let mut decided = vec![None; receivers.len()];
        let mut faults = std::mem::take(&mut self.faults);
        for fault in &mut faults {
            let opinions = fault.judge(signal.start, id(signal.station), &job.frame, &receivers);
            let mut touched = Vec::new();
            for ((receiver, decision), opinion) in receivers.iter().zip(&mut decided).zip(opinions) {
                if decision.is_none() && opinion.is_some() {
                    *decision = opinion;
                    if self.is_received(signal, usize::from(receiver.0)) {
                        touched.push(*receiver);
                    }
                }
            }
            if !touched.is_empty() {
                self.outbox.record(Record::Fault {
                    start: signal.start,
                    station: id(signal.station),
                    frame: job.frame.clone(),
                    rule: Arc::from(fault.rule.name.as_str()),
                    deed: fault.rule.deed,
                    receivers: touched,
                });
            }
        }
        self.faults = faults;
        decided
    }

    fn treat(&mut self, mut delivery: Delivery, treatment: Option<Treatment>) {
        match treatment {
            None => {}
            Some(Treatment::Lost) => return,
            Some(Treatment::Altered(frame)) => delivery.frame = frame,
            Some(Treatment::Delayed(by)) => delivery.at += by,
            Some(Treatment::Held { behind, at_most }) => {
                delivery.at += at_most;
                delivery.held_behind = behind;
            }
            Some(Treatment::Repeated { copies, apart }) => {
                self.repeat(&delivery, copies, apart);
            }
        }
        self.outbox.deliver(delivery, self.timing.gap);
    }

    /// Copies of a reception, which let nothing that is held pass it: they are no frames of their own.
    fn repeat(&mut self, delivery: &Delivery, copies: u32, apart: Span) {
        for copy in 1..=u64::from(copies) {
            let copy = Delivery {
                at: delivery.at + apart * copy,
                frame: delivery.frame.clone(),
                ..*delivery
            };
            self.outbox.repeat(copy);
        }
    }
}
