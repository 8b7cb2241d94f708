//! A station that makes traffic, for experiments with the cable alone.
//!
//! It sits on its segment like a card: it asks with [`Request`]s and is answered with [`Notice`]s, and the segment's
//! rules are its rules. Frames come due as its pace says and are sent one after another; those that come due meanwhile
//! wait. Each carries its number in the first four bytes after the type, so that what is lost, repeated or overtaken
//! can be told at the receiver.

use std::collections::VecDeque;

use clock::{Instant, Span};

use crate::random::Random;
use crate::{CheckSequence, End, Frame, LEAST_ATTEMPT, LEAST_FILL, Notice, Request};

/// Two addresses and a type.
const HEADER_BYTES: usize = 14;

/// What a traffic generator sends.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TrafficSettings {
    /// Its own address.
    pub source: [u8; 6],
    /// To whom it sends.
    pub destination: [u8; 6],
    /// The type of its frames.
    pub ethertype: u16,
    /// Their lengths.
    pub length: Length,
    /// When they come due.
    pub pace: Pace,
    /// From when on.
    pub start: Instant,
    /// How many; `None` for no end.
    pub count: Option<u64>,
    /// From which its random lengths and pauses follow.
    pub seed: u64,
}

/// Lengths of frames in bytes, check sequence included; fewer than 18 count as 18 and more than 65535 as 65535.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Length {
    /// All alike.
    Fixed(u16),
    /// Equally likely, from the first to the second.
    Uniform(u16, u16),
    /// These in turn, over and over; an empty list counts as 64.
    Cycle(Vec<u16>),
}

/// When frames come due.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Pace {
    /// Each so long after the end of the one before: with [`Span::ZERO`] it is always ready, and otherwise it works
    /// for so long on each frame.
    Saturating {
        /// From the end of a frame to the next one's request.
        pause: Span,
    },
    /// At equal distances, whatever becomes of those before.
    Interval(Span),
    /// At random, independently of one another (a Poisson process), with this mean distance.
    Poisson {
        /// The mean distance.
        mean: Span,
    },
}

/// What a traffic generator has seen.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct TrafficCounts {
    /// Frames that left without a collision, at last.
    pub sent: u64,
    /// Their bytes, check sequence included.
    pub sent_bytes: u64,
    /// Frames that were given up after sixteen collisions.
    pub given_up: u64,
    /// Frames, sent or given up, that met a late collision.
    pub late: u64,
    /// Frames that left without a cable.
    pub without_carrier: u64,
    /// Collisions in all.
    pub collisions: u64,
    /// Intact frames to its address or to a group.
    pub received: u64,
    /// Their bytes, check sequence included.
    pub received_bytes: u64,
    /// Frames with a wrong check sequence that ended on a byte boundary.
    pub check_errors: u64,
    /// Frames with a wrong check sequence that did not.
    pub alignment_errors: u64,
}

/// A traffic generator.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TrafficGenerator {
    settings: TrafficSettings,
    random: Random,
    /// Frames that have come due so far, and when the next does, if that is known.
    made: u64,
    next_due: Instant,
    /// The frame that was asked for last: when it is ready at the transmitter, and its length.
    outstanding: Option<(Instant, u64)>,
    /// When it has been told how frames ended, in order.
    told: VecDeque<(Instant, crate::Outcome)>,
    /// From when on the next frame can be asked for.
    free_from: Instant,
    counts: TrafficCounts,
}

impl TrafficGenerator {
    /// A generator that has not begun.
    #[must_use]
    pub fn new(settings: TrafficSettings) -> Self {
        let mut random = Random::new(settings.seed, 0);
        let first = match settings.pace {
            Pace::Poisson { mean } => random.exponential(mean.picoseconds()),
            Pace::Saturating { .. } | Pace::Interval(_) => 0,
        };
        Self {
            next_due: settings.start + Span::from_picoseconds(first),
            settings,
            random,
            made: 0,
            outstanding: None,
            told: VecDeque::new(),
            free_from: Instant::START,
            counts: TrafficCounts::default(),
        }
    }

    /// Runs alone to `until`, and adds what it asks of its segment before then to `requests`.
    pub fn run(&mut self, until: Instant, requests: &mut Vec<Request>) {
        loop {
            while let Some((at, outcome)) = self.told.pop_front_if(|(at, _)| *at < until) {
                self.hear(at, outcome);
            }
            let at = self.next_request();
            if at >= until {
                return;
            }
            let frame = self.make_frame();
            let ready = at + LEAST_FILL;
            self.outstanding = Some((ready, frame.length()));
            self.made += 1;
            self.schedule();
            requests.push(Request::Transmit { ready, frame });
        }
    }

    /// When it asks for its next frame at the earliest, if nobody tells it anything more: [`Instant::NEVER`] while it
    /// waits for an answer that has not been handed over, and after its last frame.
    #[must_use]
    pub fn next_request(&self) -> Instant {
        if let Some((at, _)) = self.told.front() {
            return *at;
        }
        let is_over = self.settings.count.is_some_and(|count| self.made >= count);
        if is_over || self.outstanding.is_some() {
            return Instant::NEVER;
        }
        self.next_due.max(self.free_from)
    }

    /// Takes what the segment tells it.
    pub fn notice(&mut self, notice: &Notice) {
        match notice {
            Notice::Sent { at, outcome } => self.told.push_back((*at, *outcome)),
            Notice::Received { frame, .. } => self.receive(frame),
            Notice::Arriving { .. } | Notice::Leaving { .. } => {}
        }
    }

    /// What it has seen so far.
    #[must_use]
    pub fn counts(&self) -> TrafficCounts {
        self.counts
    }

    fn hear(&mut self, at: Instant, outcome: crate::Outcome) {
        let Some((_, length)) = self
            .outstanding
            .take_if(|(ready, _)| at >= *ready + LEAST_ATTEMPT)
        else {
            return;
        };
        self.counts.collisions += u64::from(outcome.collisions);
        self.counts.late += u64::from(outcome.late);
        match outcome.end {
            End::Good => {
                self.counts.sent += 1;
                self.counts.sent_bytes += length;
            }
            End::TooManyCollisions => self.counts.given_up += 1,
            End::CarrierLost => self.counts.without_carrier += 1,
        }
        self.free_from = at;
        if let Pace::Saturating { pause } = self.settings.pace {
            self.next_due = at + pause;
        }
    }

    fn receive(&mut self, frame: &Frame) {
        if frame.is_misaligned() {
            self.counts.alignment_errors += 1;
        } else if frame.check() == CheckSequence::Wrong {
            self.counts.check_errors += 1;
        } else if let Some(destination) = frame.destination()
            && (destination == self.settings.source || destination[0] & 1 == 1)
        {
            self.counts.received += 1;
            self.counts.received_bytes += frame.length();
        }
    }

    /// When the frame after the one just made comes due.
    fn schedule(&mut self) {
        let distance = match self.settings.pace {
            Pace::Saturating { .. } => Span::ZERO,
            Pace::Interval(span) => span,
            Pace::Poisson { mean } => Span::from_picoseconds(self.random.exponential(mean.picoseconds())),
        };
        self.next_due += distance;
    }

    fn make_frame(&mut self) -> Frame {
        let length = match &self.settings.length {
            Length::Fixed(length) => *length,
            Length::Uniform(least, most) => {
                let range = u64::from(most.saturating_sub(*least)) + 1;
                least.saturating_add(self.random.below(range) as u16)
            }
            Length::Cycle(lengths) if lengths.is_empty() => 64,
            Length::Cycle(lengths) => lengths[(self.made % lengths.len() as u64) as usize],
        };
        let mut bytes = vec![0; usize::from(length.max(18)) - 4];
        bytes[..6].copy_from_slice(&self.settings.destination);
        bytes[6..12].copy_from_slice(&self.settings.source);
        bytes[12..HEADER_BYTES].copy_from_slice(&self.settings.ethertype.to_be_bytes());
        for (place, byte) in bytes[HEADER_BYTES..]
            .iter_mut()
            .zip((self.made as u32).to_be_bytes())
        {
            *place = byte;
        }
        Frame::new(&bytes, CheckSequence::Right)
    }
}
