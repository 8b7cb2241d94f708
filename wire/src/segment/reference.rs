//! A second, naive model of the same cable, for comparison: every station is the standard's processes (IEEE 802.3
//! 4.2.8: `Deference`, `BitTransmitter`, `TransmitLinkMgmt`, `BackOff`), driven by carrier edges that travel to every
//! tap as events of one global list. It knows the whole script beforehand and nothing of windows.

use std::collections::{BTreeSet, VecDeque};

use clock::{Instant, Span};

use super::backoff::Generator;
use super::timing::SHORTEST_BITS;
use crate::{CheckSequence, End, Frame, Notice, Outcome, Settings, StationId};

const BIT: Span = Span::from_nanoseconds(100);

/// One frame to send: how long after the last `Sent` it is ready, and how many bytes it has.
#[derive(Clone, Copy, Debug)]
pub(super) struct Task {
    pub(super) pause: Span,
    pub(super) bytes: usize,
}

impl Task {
    pub(super) fn frame(self) -> Frame {
        Frame::new(&vec![0; self.bytes], CheckSequence::Right)
    }
}

/// One station's part in a collision, as both models see it.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Clash {
    pub(super) station: StationId,
    pub(super) attempt: u8,
    pub(super) backoff_slots: Option<u16>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Event {
    Fall {
        tap: usize,
        transmission: usize,
    },
    Ready {
        station: usize,
    },
    GapFirstPartOver {
        station: usize,
        episode: u32,
    },
    GapOver {
        station: usize,
        episode: u32,
    },
    LastBit {
        station: usize,
        transmission: usize,
        is_jam: bool,
    },
    Rise {
        tap: usize,
        transmission: usize,
    },
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Deference {
    Clear,
    Carrier,
    GapFirstPart,
    GapSecondPart,
}

struct Station {
    position: u64,
    tasks: VecDeque<Task>,
    deference: Deference,
    episode: u32,
    is_frame_waiting: bool,
    sending: Option<usize>,
    attempts: u8,
    deferred: bool,
    late: bool,
    generator: Generator,
    /// Transmissions that pass the tap, and those of them that have met another.
    passing: BTreeSet<usize>,
    spoilt: BTreeSet<usize>,
}

struct Transmission {
    station: usize,
    start: Instant,
    has_collided: bool,
    is_late: bool,
}

pub(super) struct Reference {
    settings: Settings,
    events: BTreeSet<(Instant, Event)>,
    now: Instant,
    stations: Vec<Station>,
    transmissions: Vec<Transmission>,
    pub(super) notices: Vec<(StationId, Notice)>,
    pub(super) clashes: Vec<Clash>,
}

impl Reference {
    pub(super) fn new(settings: &Settings, seed: u64, stations: &[(u64, Vec<Task>)]) -> Self {
        let mut reference = Self {
            settings: settings.clone(),
            events: BTreeSet::new(),
            now: Instant::START,
            stations: Vec::new(),
            transmissions: Vec::new(),
            notices: Vec::new(),
            clashes: Vec::new(),
        };
        for (index, (position, tasks)) in stations.iter().enumerate() {
            let id = super::id(index);
            reference.stations.push(Station {
                position: *position,
                tasks: tasks.iter().copied().collect(),
                deference: Deference::Clear,
                episode: 0,
                is_frame_waiting: false,
                sending: None,
                attempts: 0,
                deferred: false,
                late: false,
                generator: Generator::new(seed, id),
                passing: BTreeSet::new(),
                spoilt: BTreeSet::new(),
            });
            reference.next_task(index, Instant::START);
        }
        reference
    }

    pub(super) fn run(&mut self, until: Instant) {
        while let Some((at, event)) = self.events.pop_first() {
            if at >= until {
                return;
            }
            self.now = at;
            self.happen(event);
        }
    }

    fn happen(&mut self, event: Event) {
        match event {
            Event::Fall { tap, transmission } => self.fall(tap, transmission),
            Event::Ready { station } => self.ready(station),
            Event::GapFirstPartOver { station, episode } if episode == self.stations[station].episode => {
                self.stations[station].deference = Deference::GapSecondPart;
                self.after(BIT * 32, Event::GapOver { station, episode });
            }
            Event::GapOver { station, episode } if episode == self.stations[station].episode => {
                self.gap_over(station);
            }
            Event::LastBit {
                station,
                transmission,
                is_jam,
            } => self.last_bit(station, transmission, is_jam),
            Event::Rise { tap, transmission } => self.rise(tap, transmission),
            Event::GapFirstPartOver { .. } | Event::GapOver { .. } => {}
        }
    }

    fn after(&mut self, span: Span, event: Event) {
        self.events.insert((self.now + span, event));
    }

    fn next_task(&mut self, station: usize, told: Instant) {
        if let Some(task) = self.stations[station].tasks.front() {
            self.events.insert((told + task.pause, Event::Ready { station }));
        }
    }

    fn ready(&mut self, index: usize) {
        let station = &mut self.stations[index];
        if station.attempts == 0 {
            station.deferred = !station.passing.is_empty();
        }
        station.is_frame_waiting = true;
        if station.deference == Deference::Clear {
            self.transmit(index);
        }
    }

    fn gap_over(&mut self, index: usize) {
        let station = &mut self.stations[index];
        station.deference = if station.passing.is_empty() {
            Deference::Clear
        } else {
            Deference::Carrier
        };
        if station.is_frame_waiting {
            self.transmit(index);
        }
    }

    fn transmit(&mut self, index: usize) {
        let transmission = self.transmissions.len();
        self.transmissions.push(Transmission {
            station: index,
            start: self.now,
            has_collided: false,
            is_late: false,
        });
        let station = &mut self.stations[index];
        station.is_frame_waiting = false;
        station.sending = Some(transmission);
        station.attempts += 1;
        let frame = station.tasks[0].frame();
        let end = Event::LastBit {
            station: index,
            transmission,
            is_jam: false,
        };
        self.after(BIT * (64 + 8 * frame.length()), end);
        self.tell_other_taps(index, |tap| Event::Rise { tap, transmission });
        self.stations[index].deference = Deference::Carrier;
        self.stations[index].episode += 1;
        let passing: Vec<_> = self.stations[index].passing.iter().copied().collect();
        self.stations[index].spoilt.extend(&passing);
        if !passing.is_empty() {
            self.collide(index);
        }
    }

    fn tell_other_taps(&mut self, from: usize, event: impl Fn(usize) -> Event) {
        for tap in (0..self.stations.len()).filter(|&tap| tap != from) {
            let distance = self.stations[from].position.abs_diff(self.stations[tap].position);
            self.after(self.settings.kind.delay(distance), event(tap));
        }
    }

    fn rise(&mut self, tap: usize, transmission: usize) {
        let station = &mut self.stations[tap];
        if !station.passing.is_empty() || station.sending.is_some() {
            station.spoilt.extend(station.passing.iter().copied());
            station.spoilt.insert(transmission);
        }
        station.passing.insert(transmission);
        if matches!(station.deference, Deference::Clear | Deference::GapFirstPart) {
            station.deference = Deference::Carrier;
            station.episode += 1;
        }
        if station.sending.is_some() {
            self.collide(tap);
        }
    }

    fn collide(&mut self, index: usize) {
        let transmission = self.stations[index].sending.expect("it sends");
        let attempt = &mut self.transmissions[transmission];
        if attempt.has_collided {
            return;
        }
        let elapsed = self.now.since(attempt.start);
        attempt.has_collided = true;
        attempt.is_late = elapsed >= BIT * 512;
        let bits_out = elapsed.picoseconds().div_ceil(BIT.picoseconds()).max(64);
        let end = attempt.start + BIT * (bits_out + 32);
        let event = Event::LastBit {
            station: index,
            transmission,
            is_jam: true,
        };
        self.events.insert((end, event));
    }

    fn last_bit(&mut self, index: usize, transmission: usize, is_jam: bool) {
        let attempt = &self.transmissions[transmission];
        if attempt.has_collided != is_jam {
            return;
        }
        let (start, is_late) = (attempt.start, attempt.is_late);
        self.stations[index].sending = None;
        self.tell_other_taps(index, |tap| Event::Fall { tap, transmission });
        self.carrier_may_be_gone(index);
        if !is_jam {
            self.report(index, start, End::Good);
            return;
        }
        let station = &mut self.stations[index];
        station.late |= is_late;
        let attempt = station.attempts;
        let backoff_slots = (attempt < 16).then(|| station.generator.slots(attempt));
        self.clashes.push(Clash {
            station: super::id(index),
            attempt,
            backoff_slots,
        });
        match backoff_slots {
            Some(slots) => self.after(BIT * 512 * u64::from(slots), Event::Ready { station: index }),
            None => self.report(index, start, End::TooManyCollisions),
        }
    }

    fn report(&mut self, index: usize, start: Instant, end: End) {
        let at = self.now.max(start + BIT * SHORTEST_BITS);
        let station = &mut self.stations[index];
        let outcome = Outcome {
            collisions: station.attempts - u8::from(end == End::Good),
            deferred: station.deferred,
            late: std::mem::take(&mut station.late),
            end,
        };
        station.attempts = 0;
        let frame = station.tasks.pop_front().expect("it was sent").frame();
        self.notices
            .push((super::id(index), Notice::Sent { at, outcome }));
        if end == End::Good {
            for tap in (0..self.stations.len()).filter(|&tap| tap != index) {
                let distance = self.stations[index]
                    .position
                    .abs_diff(self.stations[tap].position);
                let delay = self.settings.kind.delay(distance);
                let (at, begin) = (at + delay, start + BIT * 64 + delay);
                let frame = frame.clone();
                self.notices
                    .push((super::id(tap), Notice::Received { at, begin, frame }));
            }
        }
        self.next_task(index, at);
    }

    fn fall(&mut self, tap: usize, transmission: usize) {
        self.stations[tap].passing.remove(&transmission);
        if self.stations[tap].spoilt.remove(&transmission) {
            self.take_back_reception(tap, transmission);
        }
        self.carrier_may_be_gone(tap);
    }

    fn take_back_reception(&mut self, tap: usize, transmission: usize) {
        let Transmission {
            station,
            start,
            has_collided,
            ..
        } = self.transmissions[transmission];
        if has_collided {
            return;
        }
        let distance = self.stations[station]
            .position
            .abs_diff(self.stations[tap].position);
        let delay = self.settings.kind.delay(distance);
        let arrival = self.now.max(start + BIT * SHORTEST_BITS + delay);
        self.notices.retain(|(to, notice)| {
            *to != super::id(tap) || !matches!(notice, Notice::Received { at, .. } if *at == arrival)
        });
    }

    fn carrier_may_be_gone(&mut self, index: usize) {
        let station = &mut self.stations[index];
        if !station.passing.is_empty() || station.sending.is_some() {
            return;
        }
        if station.deference == Deference::Carrier {
            station.deference = Deference::GapFirstPart;
            station.episode += 1;
            let episode = station.episode;
            let event = Event::GapFirstPartOver {
                station: index,
                episode,
            };
            self.after(BIT * 64, event);
        }
    }
}
