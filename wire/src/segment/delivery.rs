//! What becomes of a frame that has left its sender whole: who receives it, and what fault rules do to it.

use std::collections::BTreeMap;
use std::sync::Arc;

use clock::{Instant, Span};

use super::settlement::Delivery;
use super::timing::PREAMBLE_BITS;
use super::{Job, Segment, Signal, id};
use crate::fault::{Fault, Treatment};
use crate::{End, FaultRule, Frame, Notice, Record, StationId};

/// What is to become of a frame at one of its receivers.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Fate {
    receiver: usize,
    /// Which rule has its way with it, and what it wants.
    decision: Option<(usize, Treatment)>,
}

impl Fate {
    /// What its receiver gets at the time at which it passes, if it gets anything then.
    fn arriving<'a>(&'a self, sent: &'a Frame) -> Option<&'a Frame> {
        match &self.decision {
            None | Some((_, Treatment::Repeated { .. })) => Some(sent),
            Some((_, Treatment::Altered(frame) | Treatment::Cut(frame))) => Some(frame),
            Some((_, Treatment::Lost | Treatment::Delayed(_) | Treatment::Held { .. })) => None,
        }
    }

    /// All that is seen of the frame if a rule cuts it off.
    fn cut(&self) -> Option<&Frame> {
        match &self.decision {
            Some((_, Treatment::Cut(frame))) => Some(frame),
            _ => None,
        }
    }
}

impl Segment {
    /// Adds a rule by which frames are mistreated; it is asked after those that were added before. On a cable that has been in use it
    /// looks at frames that begin when it is there, and at one that not all stations hear yet.
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

    /// Asks the rules about a frame that will meet no collision any more.
    pub(super) fn fates(&mut self, index: usize, job: &Job, start: Instant) -> Vec<Fate> {
        if !job.reaches_cable {
            return Vec::new();
        }
        let others = (0..self.stations.len()).filter(|&other| other != index);
        let receivers: Vec<_> = others.clone().map(id).collect();
        let mut decided = vec![None; receivers.len()];
        for (rule, fault) in self.faults.iter_mut().enumerate() {
            let opinions = fault.judge(start, id(index), &job.frame, &receivers);
            for (decision, opinion) in decided.iter_mut().zip(opinions) {
                if decision.is_none() {
                    *decision = opinion.map(|opinion| (rule, opinion));
                }
            }
        }
        others
            .zip(decided)
            .map(|(receiver, decision)| Fate { receiver, decision })
            .collect()
    }

    /// The end of the last bit that a receiver sees, as it leaves the sender of a frame that ends at `end`.
    pub(super) fn last_bit(&self, fate: &Fate, start: Instant, end: Instant) -> Instant {
        fate.cut()
            .map_or(end, |frame| self.timing.end_of(frame, start).min(end))
    }

    /// Nothing on the cable will spoil this frame any more, but for changes of the cable that come later than what is told here: whoever
    /// is told knows nothing of those, and they may not have been asked for yet.
    pub(super) fn announce(&mut self, index: usize, job: &Job, start: Instant, end: Instant, fates: &[Fate]) {
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
        let first = self.timing.bit(start, PREAMBLE_BITS);
        for fate in fates {
            let other = fate.receiver;
            let signal = Signal {
                station: index,
                start,
                end: self.last_bit(fate, start, end),
            };
            let delay = self.delays[index][other];
            let is_joined = self
                .topology
                .joins_throughout(index, other, start, certain + delay);
            let is_certain = signal.end > certain && is_joined && !self.is_spoilt(signal, other);
            if let Some(frame) = fate.arriving(&job.frame).filter(|_| is_certain) {
                let notice = Notice::Arriving {
                    at: certain + delay,
                    begin: first + delay,
                    frame: frame.clone(),
                };
                self.outbox.notify(id(other), id(index), notice);
            }
        }
    }

    /// A frame leaves whole over the cable.
    pub(super) fn carry(&mut self, index: usize, job: Job, start: Instant, end: Instant, fates: Vec<Fate>) {
        self.statistics.frames += 1;
        self.statistics.bytes += job.frame.length();
        self.statistics.busy = self.statistics.busy + end.since(start);
        let outcome = job.outcome(End::Good);
        self.report(index, start, end, outcome);
        let signal = Signal {
            station: index,
            start,
            end,
        };
        self.deliver(signal, &job.frame, fates);
        self.outbox.record(Record::Frame {
            start,
            station: id(index),
            frame: job.frame,
            outcome,
        });
    }

    /// Those receivers will be told for whom a rule cuts the frame off, before `stop`, if what they see of it is past recall.
    pub(super) fn deliver_cut(&mut self, job: &Job, signal: Signal, fates: &mut Vec<Fate>) {
        let (start, stop) = (signal.start, signal.end);
        let is_certain = |fate: &mut Fate| {
            fate.cut().is_some_and(|frame| {
                let end = self.timing.end_of(frame, start);
                end <= stop && self.past_recall(start, end) <= self.now
            })
        };
        let cut: Vec<_> = fates.extract_if(.., is_certain).collect();
        self.deliver(signal, &job.frame, cut);
    }

    /// What leaves its sender as `signal` reaches these receivers, and a record says so for each rule that has its way.
    fn deliver(&mut self, signal: Signal, frame: &Frame, fates: Vec<Fate>) {
        let (index, start) = (signal.station, signal.start);
        let mut touched = BTreeMap::<usize, Vec<StationId>>::new();
        for fate in fates {
            let end = self.last_bit(&fate, start, signal.end);
            let Fate { receiver, decision } = fate;
            if !self.is_received(Signal { end, ..signal }, receiver) {
                continue;
            }
            let treatment = decision.map(|(rule, treatment)| {
                touched.entry(rule).or_default().push(id(receiver));
                treatment
            });
            let delay = self.delays[index][receiver];
            let told = end.max(start + self.timing.shortest);
            let delivery = Delivery {
                to: id(receiver),
                from: id(index),
                at: told + delay,
                begin: self.timing.bit(start, PREAMBLE_BITS) + delay,
                length: told.since(start),
                frame: frame.clone(),
                held_behind: 0,
            };
            self.treat(delivery, treatment);
        }
        for (rule, receivers) in touched {
            let rule = &self.faults[rule].rule;
            self.outbox.record(Record::Fault {
                start,
                station: id(index),
                frame: frame.clone(),
                rule: Arc::from(rule.name.as_str()),
                deed: rule.deed,
                receivers,
            });
        }
    }

    fn is_received(&self, signal: Signal, index: usize) -> bool {
        let (_, off) = self.at_tap(signal, index);
        !self.is_spoilt(signal, index)
            && self
                .topology
                .joins_throughout(signal.station, index, signal.start, off)
    }

    fn treat(&mut self, mut delivery: Delivery, treatment: Option<Treatment>) {
        match treatment {
            None => {}
            Some(Treatment::Lost) => return,
            Some(Treatment::Altered(frame) | Treatment::Cut(frame)) => delivery.frame = frame,
            Some(Treatment::Delayed(by)) => delivery.put_off(by),
            Some(Treatment::Held { behind, at_most }) => {
                delivery.put_off(at_most);
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
            let mut repeated = Delivery {
                frame: delivery.frame.clone(),
                ..*delivery
            };
            repeated.put_off(apart * copy);
            self.outbox.repeat(repeated);
        }
    }
}
