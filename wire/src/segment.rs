//! One 10 Mbit/s cable with its stations: carrier sense, deferral, collisions, back-off.
//!
//! From IEEE 802.3 clause 4 (half duplex, 10 Mb/s) with the constants of 4.4.2; section numbers below are that
//! standard's. Left out: repeaters, the turn-on delays of transceivers (a tap hears a signal the instant it arrives),
//! and what a receiver makes of fragments: of collisions, of frames that were broken off or cut through. On cables of
//! the standard's length those of collisions end before the eighth byte, which no DP8390 stores.
//!
//! # What happens on the cable
//!
//! A transmission is a signal with two ends that travels from its tap in both directions at the speed of
//! [`Kind::delay`]; that it ended early is heard as late as that it began. A station that has a frame
//!
//! * waits while it hears carrier, then for the gap of 96 bit times; carrier in the first 64 of them starts the gap
//!   anew, carrier in the last 32 is ignored (4.2.3.2.2). Carrier that arrives in the very instant of a start is not
//!   heard in time, so the result does not depend on the order in which simultaneous starts are looked at;
//! * sends 64 bits of preamble, then the frame. A signal that arrives at its tap before its last bit has left is a
//!   collision: it finishes the preamble if it is still in it, then jams for 32 bits, all on its own bit boundaries;
//! * after collision n (up to 15) waits r slot times of 512 bits from the end of its jam, r uniform in
//!   0 ..= 2^min(n, 10) - 1, while the gap runs beside it (4.2.3.2.5); after 16 it gives up. A collision 512 or more
//!   bit times after its first bit is late, which its station is told in the end; otherwise it is like any other.
//!
//! Who hears a whole frame that nothing overlapped at his tap receives it. Fragments are shorter than a frame and are
//! not received by anyone. What fault rules then do to a frame stands in `fault.rs`, and what happens to stations off
//! their cable, in the parts of a cut one, and to those that send for too long, in `segment/connection.rs`.
//!
//! A transceiver with its heartbeat enabled (7.2.2.2.4, the SQE test; DP8390 TSR.CDH stays clear) gives it after every
//! transmission that it takes: all but those that end with [`End::CarrierLost`]. So cards need no notice of it.
//!
//! [`Model::Fifo`] and [`Model::Ideal`] keep lengths, delays and a station's own gap, but let
//! frames wait in line or pass one another.
//!
//! # Windows
//!
//! Machines run alone for a window of time and hand over their requests at its end; [`Segment::settle`] then works
//! through the cable. It gives out every notice that lies in the *next* window, and every one of them is final. With
//!
//! * `end`, the instant to which it settles;
//! * `fill` = [`LEAST_FILL`], the least time from a program's deed to its first effect on the cable: a request that is
//!   unknown at `end` takes effect at `end + fill` or later, so the cable is certain up to there;
//! * `reach`, the delay between the outermost taps;
//! * the rule that **a station is told how an attempt ended no sooner than 576 bit times (the shortest frame and its
//!   preamble, 57.6 us) after the attempt's first bit**, and the other stations no sooner than their delay after that,
//!
//! the proof is short. Take a notice at `a < end + window` about an attempt that began at `s`. Then `s + 576 bits <=
//! a`, so with `window = 576 bits - max(0, reach - fill)`, which is [`Segment::window`], `s + reach < end + fill`:
//! before anything unknown happens every station hears the attempt. A station that hears it does not start, unless the
//! attempt came up in the last third of its gap; but then the attempt began in the gap after a signal that its sender
//! cannot have waited for, and so met it: it has collided already. Whoever started before he heard it is known.
//! Hence no unknown request alters the attempt, and its end is settled. All cadences of settling with steps of at most
//! [`Segment::window`] therefore give the same notices and the same records.
//!
//! The rule costs exactness in two places, at the sender and for frames that a receiver drops by default:
//! frames of less than 64 bytes with their check sequence, which the DP8390 does not pad, and the end of a sixteenth
//! collision are reported up to 48 us late. The cable itself is exact in both cases.
//!
//! On a cable with a round trip longer than a frame, which is several times the standard's length, a frame can be
//! spoilt at a tap without its sender's notice. Nobody there receives it, with one exception: a signal that begins
//! after every station hears the frame, in the last third of a gap, spoils nothing.
//!
//! By the same proof a frame that is longer than the shortest is certain 576 bits after its first bit, whatever its
//! length: stations that want to know ([`Segment::announce_frames`]) are told then that it is under way. A change of the
//! cable that comes after that does not alter what they are told, whether it is known by then or not.
//!
//! Fault rules only take away, alter and put off what receivers are told, so they change nothing here. Where one cuts a
//! frame off, its receivers are told when the last bit that they see has passed, by the same rule and with the same
//! proof as of a frame that ends there. They receive it whatever becomes of the rest. Changes of the
//! cable ([`Segment::changes_from`]) are known before anything that they can touch is settled: a frame is settled 576
//! bits before its end at the earliest, and arrives a crossing after its end. They also do not bring an unknown request
//! into the way of a settled frame: an attempt that could have heard it, had the cable been then as it is now, leaves it
//! alone and is left alone by it (`Segment::meet`).
//!
//! A reset ([`Request::Withdraw`]) acts on the cable `fill` after it is asked for. It takes back a frame that waits;
//! one that is being sent is broken off at the next bit, but not before all stations hear it; one that has met a
//! collision is not sent again. Only if all stations hear it already and fewer than 576 bits are left, or if it fails
//! for good, the attempt runs its course and its `Sent` is given, which may already lie in the machine's hands. It
//! lies less than `fill` + 576 bit times after the reset, and that of a later frame does not. Nobody receives what was
//! broken off, but for receivers who see no more of it than was past recall: with fewer than 576 bits to go to where a
//! fault rule cuts it off for them.
//!
//! What a program could see sooner than the notices is not told: that its frame is waiting, has met collisions so far
//! (TSR.COL and NCR before the end), or that carrier is on the cable. A controller's back-off offset
//! ([`Request::OffsetBackoff`]) holds for attempts that begin after it, as nothing later is known when one is decided;
//! so does what a card leads its controller to ([`Request::Connect`]).

mod backoff;
mod connection;
mod delivery;
mod pileup;
mod settlement;
mod station;
mod timing;
mod topology;

#[cfg(test)]
mod reference;
#[cfg(test)]
mod tests;

use clock::{Instant, Span};

use crate::fault::Fault;
use crate::{Connection, End, Kind, Model, Notice, Outcome, Party, Record, Request, Settings, StationId};
use backoff::Generator;
use connection::Interruption;
use pileup::Pileup;
use settlement::Outbox;
pub use settlement::Settlement;
use station::{Job, Phase, Station, Step};
use timing::{ATTEMPT_LIMIT, JAM_BITS, PREAMBLE_BITS, SLOT_BITS, Timing, UNJABBER};
use topology::Topology;

/// The least time from a register write to its first effect on the cable: before it looks for carrier, a DP8390 moves
/// at least one word into its FIFO (the lowest threshold) in one transfer of 200 ns (AN-475, 20 MHz bus clock). The
/// `ready` of a [`Request::Transmit`] includes it; to a [`Request::Withdraw`] the segment adds it.
pub const LEAST_FILL: Span = Span::from_nanoseconds(200);

/// No station is told sooner than this after an attempt's first bit how it ended: the shortest frame and its preamble
/// at 10 Mbit/s, 576 bit times. An answer that comes sooner after the `ready` of a frame belongs to an earlier one.
pub const LEAST_ATTEMPT: Span = Span::from_nanoseconds(57_600);

/// A cable and its stations. The rules of the cable and of windows stand at the head of `segment.rs`.
///
/// Two stations that send short frames as fast as they can for ten virtual milliseconds:
///
/// ```
/// use clock::{Instant, Rate, Span};
/// use wire::{CheckSequence, Frame, Kind, LEAST_FILL, Model, Notice, Request, Segment, Settings, Settlement};
///
/// let settings = Settings {
///     kind: Kind::TenBase2,
///     model: Model::CsmaCd,
///     bit_rate: Rate::hertz(10_000_000),
///     length_millimetres: 185_000,
/// };
/// let mut segment = Segment::new(&settings, 1995);
/// let frame = Frame::new(&[0; 60], CheckSequence::Right);
/// for station in 0..2 {
///     let id = segment.attach(station * 185_000);
///     let ready = Instant::START + LEAST_FILL;
///     segment.request(id, Request::Transmit { ready, frame: frame.clone() });
/// }
/// let (mut now, mut settlement) = (Instant::START, Settlement::default());
/// while now < Instant::START + Span::from_milliseconds(10) {
///     now += segment.window();
///     segment.settle(now, &mut settlement);
///     for (id, notice) in &settlement.notices {
///         if let Notice::Sent { at, .. } = notice {
///             let ready = *at + LEAST_FILL;
///             segment.request(*id, Request::Transmit { ready, frame: frame.clone() });
///         }
///     }
/// }
/// assert!(segment.statistics().frames > 100);
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Segment {
    kind: Kind,
    model: Model,
    length_millimetres: u64,
    seed: u64,
    timing: Timing,
    stations: Vec<Station>,
    /// From each tap to each tap.
    delays: Vec<Vec<Span>>,
    /// Between the outermost taps.
    reach: Span,
    topology: Topology,
    faults: Vec<Fault>,
    /// What is on the cable, and what has left it so lately that it still matters.
    signals: Vec<Signal>,
    /// The instant of the last step.
    now: Instant,
    /// The earliest step, or an instant before it.
    earliest: Instant,
    /// Before this instant nothing unknown can happen.
    horizon: Instant,
    /// One at a time, and one in each part of a cut cable.
    pileups: Vec<Pileup>,
    outbox: Outbox,
    statistics: Statistics,
}

/// Counts over a segment's life.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Statistics {
    /// Frames that left their sender whole.
    pub frames: u64,
    /// Their bytes, destination address to check sequence.
    pub bytes: u64,
    /// Collisions, however many stations took part.
    pub collisions: u64,
    /// How long somebody was sending: preambles, frames, fragments and jams. Under [`Model::Ideal`] frames that pass
    /// one another count each.
    pub busy: Span,
}

/// A transmission, as it leaves its station.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Signal {
    station: usize,
    start: Instant,
    /// [`Instant::NEVER`] until it is decided.
    end: Instant,
}

impl Segment {
    /// A cable without stations. All its random choices follow from `seed`.
    ///
    /// # Panics
    ///
    /// If a signal takes a slot time or longer from end to end (over 10 km): no such Ethernet works.
    #[must_use]
    pub fn new(settings: &Settings, seed: u64) -> Self {
        let timing = Timing::new(settings.bit_rate);
        assert!(
            settings.kind.delay(settings.length_millimetres) < timing.slot,
            "a segment is shorter than a slot time"
        );
        Self {
            kind: settings.kind,
            model: settings.model,
            length_millimetres: settings.length_millimetres,
            seed,
            timing,
            stations: Vec::new(),
            delays: Vec::new(),
            reach: Span::ZERO,
            topology: Topology::default(),
            faults: Vec::new(),
            signals: Vec::new(),
            now: Instant::START,
            earliest: Instant::NEVER,
            horizon: Instant::START,
            pileups: Vec::new(),
            outbox: Outbox::default(),
            statistics: Statistics::default(),
        }
    }

    /// Taps the cable at this distance from its end.
    ///
    /// # Panics
    ///
    /// If the cable is shorter than that, has 65535 stations, or has been settled already.
    pub fn attach(&mut self, position_millimetres: u64) -> StationId {
        assert!(
            position_millimetres <= self.length_millimetres,
            "a tap lies on its cable"
        );
        assert_eq!(self.horizon, Instant::START, "taps are made before the lab runs");
        let id = StationId(u16::try_from(self.stations.len()).expect("fewer than 65536 stations"));
        self.stations
            .push(Station::new(position_millimetres, Generator::new(self.seed, id)));
        self.topology.add_station(position_millimetres);
        let delay = |station: &Station| {
            let distance = station.position_millimetres.abs_diff(position_millimetres);
            self.kind.delay(distance)
        };
        let delays: Vec<Span> = self.stations.iter().map(delay).collect();
        for (others, delay) in self.delays.iter_mut().zip(&delays) {
            others.push(*delay);
        }
        self.reach = delays.iter().copied().fold(self.reach, Span::max);
        self.delays.push(delays);
        id
    }

    /// Hands over what a station asks. Requests of one station come in the order of their making; a station may ask
    /// for the next frame before the last one has left.
    ///
    /// # Panics
    ///
    /// If it would have taken effect in what is settled already, because it was made (or handed over) in the wrong
    /// window or allows less than [`LEAST_FILL`] for itself.
    pub fn request(&mut self, station: StationId, request: Request) {
        let effect = request.takes_effect();
        assert!(
            effect >= self.horizon,
            "{station:?} asks for the past: {request:?} {effect} is before {}",
            self.horizon
        );
        let index = usize::from(station.0);
        match request {
            Request::OffsetBackoff { is_enabled, .. } => {
                self.stations[index].offsets.push_back((effect, is_enabled));
                return;
            }
            Request::Connect { connection, .. } => {
                self.stations[index].connections.push_back((effect, connection));
            }
            Request::Transmit { .. } | Request::Withdraw { .. } => {
                self.stations[index].requests.push_back(request);
            }
        }
        self.reconsider(index);
        self.earliest = self.earliest.min(self.stations[index].due);
    }

    /// Works through everything that the cable does before `until`, given that every request made before `until` has
    /// been handed over, and puts what became certain in place of what `settlement` held: all notices of the window
    /// that begins at `until`.
    ///
    /// # Panics
    ///
    /// If it comes so late that a notice lies before `until`: settle in steps of at most [`Segment::window`], or up to
    /// [`Segment::next_event`] at once.
    pub fn settle(&mut self, until: Instant, settlement: &mut Settlement) {
        settlement.notices.clear();
        settlement.records.clear();
        self.horizon = self.horizon.max(until + LEAST_FILL);
        self.take_steps();
        let (reach, horizon) = (self.reach, self.horizon);
        let complete = self
            .pileups
            .extract_if(.., |pileup| pileup.is_complete_at(reach) < horizon);
        for pileup in complete.collect::<Vec<_>>() {
            self.finish(pileup);
        }
        let records_before = self.records_are_known_before();
        self.outbox
            .empty_into(settlement, until + self.window(), records_before);
        if let Some((_, first)) = settlement.notices.first() {
            assert!(first.at() >= until, "settled to {until}, past {first:?}");
        }
    }

    /// The earliest instant at which the cable itself does something, given what it knows: a start, an end, an
    /// arrival. [`Instant::NEVER`] when it is silent. Until then nothing needs to be settled if no station asks for
    /// anything.
    #[must_use]
    pub fn next_event(&self) -> Instant {
        let pileups = self
            .pileups
            .iter()
            .map(|pileup| pileup.is_complete_at(self.reach));
        pileups.fold(self.earliest.min(self.outbox.earliest()), Instant::min)
    }

    /// The counts so far.
    #[must_use]
    pub fn statistics(&self) -> Statistics {
        self.statistics
    }

    /// For how long machines may run between two settlings: 57.6 us at 10 Mbit/s, less by as much as a signal takes
    /// longer between the outermost taps than [`LEAST_FILL`].
    #[must_use]
    pub fn window(&self) -> Span {
        self.timing
            .shortest
            .saturating_sub(self.reach.saturating_sub(LEAST_FILL))
    }

    /// No record of an earlier instant can still be added.
    fn records_are_known_before(&self) -> Instant {
        let open = self.stations.iter().filter_map(Station::open_since).min();
        let pileups = self.pileups.iter().map(Pileup::detected);
        let first = open.into_iter().chain(pileups).min();
        first.map_or(self.horizon, |first| first.min(self.horizon))
    }

    fn take_steps(&mut self) {
        while self.earliest < self.horizon {
            let next = (0..self.stations.len())
                .map(|index| (self.stations[index].due, self.stations[index].step(), index))
                .min();
            let Some((due, step, index)) = next else { return };
            self.earliest = due;
            if due >= self.horizon {
                return;
            }
            assert!(due >= self.now, "the cable's time goes forward");
            self.now = due;
            match step {
                Step::Withdraw => self.withdraw(index),
                Step::Look => self.look(index),
                Step::Start => self.start(index),
                Step::Decide => self.decide(index),
                Step::Seal => self.seal(index),
            }
        }
    }

    /// Finds out again when a station does its next step.
    fn reconsider(&mut self, index: usize) {
        let station = &self.stations[index];
        let step = match &station.phase {
            Phase::Idle => match station.requests.front() {
                Some(request @ Request::Transmit { .. }) => request.takes_effect().max(self.now),
                Some(_) | None => Instant::NEVER,
            },
            Phase::Waiting { since, .. } => self.first_chance(index, *since),
            Phase::Trying { job, start, .. } => {
                let end = self.timing.end_of(&job.frame, *start);
                let collision = self.collision(index, job, *start, end).unwrap_or(end);
                collision.min(*start + self.reach)
            }
            Phase::Carrying {
                job,
                start,
                end,
                fates,
            } => {
                let interruption = self.interruption(index, job, *start, *end);
                let end = interruption.map_or(*end, |interruption| interruption.at);
                let cuts = fates.iter().map(|fate| self.last_bit(fate, *start, end));
                self.past_recall(*start, cuts.fold(end, Instant::min))
            }
        };
        self.stations[index].due = step.min(station.reset_at());
    }

    /// Finds out again when all stations do their next steps, after a change of what is on the cable.
    fn reconsider_all(&mut self) {
        for index in 0..self.stations.len() {
            self.reconsider(index);
        }
    }

    /// When a station that looks for a free cable from `since` on starts: not before now, for it has not yet.
    fn first_chance(&self, index: usize, since: Instant) -> Instant {
        let unheard = self.stations[index].unheard_until;
        let is_silent = unheard == Instant::START;
        let own_gap = if is_silent {
            unheard
        } else {
            unheard + self.timing.gap
        };
        let from = since.max(self.now).max(own_gap);
        match self.model {
            Model::CsmaCd => self.end_of_deference(index, from),
            Model::Fifo if self.is_first_in_line(index, since) => self.gap_after(index, from, |_| true),
            Model::Fifo => Instant::NEVER,
            Model::Ideal => self.gap_after(index, from, |signal| signal.station == index),
        }
    }

    /// When a station at this tap starts that looks for a free cable from `since` on. It finds one at once where its
    /// card leads it elsewhere.
    fn end_of_deference(&self, index: usize, since: Instant) -> Instant {
        let station = &self.stations[index];
        let mut from = since;
        loop {
            let chance = match station.connection_at(from) {
                Connection::Cable => self.end_of_deference_while_unchanged(index, from),
                Connection::OpenAui | Connection::OpenCoax => from,
            };
            let change = self.topology.next_change(from).min(station.next_connection(from));
            if chance < change || change == Instant::NEVER {
                return chance;
            }
            from = change;
        }
    }

    /// The process `Deference` of 4.2.8 at one tap, as far as it has become known what passes there, with the cable as
    /// it is at `since`. Signals that are forgotten have passed a gap before `since`.
    fn end_of_deference_while_unchanged(&self, index: usize, since: Instant) -> Instant {
        let mut fall = None;
        let mut free = Instant::START;
        loop {
            let passing = self
                .signals
                .iter()
                .filter_map(|signal| self.heard_at_tap(*signal, index, since));
            let next = passing
                .filter(|&(_, off)| fall.is_none_or(|fall| off > fall))
                .min();
            let Some((on, off)) = next else {
                return since.max(free);
            };
            let restarts_gap = fall.is_some_and(|fall| on < fall + self.timing.gap_first_part);
            if !restarts_gap && since <= free.max(on) {
                return since.max(free);
            }
            fall = Some(off);
            free = off + self.timing.gap;
        }
    }

    /// `since`, or a gap after the last of some signals has passed.
    fn gap_after(&self, index: usize, since: Instant, counts: impl Fn(&Signal) -> bool) -> Instant {
        let signals = self.signals.iter().filter(|signal| counts(signal));
        signals
            .map(|signal| self.at_tap(*signal, index).1 + self.timing.gap)
            .fold(since, Instant::max)
    }

    fn is_first_in_line(&self, index: usize, since: Instant) -> bool {
        self.stations
            .iter()
            .enumerate()
            .all(|(other, station)| match station.phase {
                Phase::Waiting { since: others, .. } => (since, index) <= (others, other),
                Phase::Idle | Phase::Trying { .. } | Phase::Carrying { .. } => true,
            })
    }

    /// When a signal comes up and falls at a station's tap.
    fn at_tap(&self, signal: Signal, index: usize) -> (Instant, Instant) {
        let delay = self.delays[signal.station][index];
        (signal.start + delay, signal.end + delay)
    }

    /// When a transmission that lasts from `start` to `end` first meets another at its own tap, or its transceiver
    /// tells of a collision because it is not connected or has jabbered.
    fn collision(&self, index: usize, job: &Job, start: Instant, end: Instant) -> Option<Instant> {
        if self.model != Model::CsmaCd {
            return None;
        }
        if !job.reaches_cable {
            return self.collides_alone(index, job, start).then_some(start);
        }
        let met = self
            .signals
            .iter()
            .filter(|signal| signal.station != index && self.meet(index, start, **signal))
            .map(|signal| self.at_tap(*signal, index));
        met.filter(|&(on, off)| on < end && off > start)
            .map(|(on, _)| on.max(start))
            .min()
    }

    /// Whether another transmission spoils this one on its way past a tap, unnoticed by the sender: the frame is
    /// shorter than the cable's round trip.
    fn is_spoilt(&self, signal: Signal, index: usize) -> bool {
        let (on, off) = self.at_tap(signal, index);
        let mut others = self.signals.iter().filter(|other| {
            other.station != signal.station && self.meet(signal.station, signal.start, **other)
        });
        self.model == Model::CsmaCd
            && others.any(|other| {
                let (other_on, other_off) = self.at_tap(*other, index);
                other_on < off && other_off > on
            })
    }

    fn withdraw(&mut self, index: usize) {
        let station = &mut self.stations[index];
        station.forget_until_reset();
        match std::mem::replace(&mut station.phase, Phase::Idle) {
            Phase::Idle | Phase::Waiting { .. } => {}
            Phase::Trying { job, start, .. } => {
                let is_withdrawn = true;
                station.phase = Phase::Trying {
                    job,
                    start,
                    is_withdrawn,
                };
            }
            Phase::Carrying { job, start, .. } => self.break_off(index, &job, start),
        }
        self.reconsider_all();
    }

    /// The station hears its cable for the first time with its next frame.
    fn look(&mut self, index: usize) {
        let passing = self
            .signals
            .iter()
            .filter(|signal| signal.station != index)
            .filter_map(|signal| self.heard_at_tap(*signal, index, self.now));
        let hears_cable = self.stations[index].connection_at(self.now) == Connection::Cable;
        let is_busy = self.model != Model::Ideal
            && hears_cable
            && passing
                .into_iter()
                .any(|(on, off)| on < self.now && off > self.now);
        let since = self.now;
        let station = &mut self.stations[index];
        let Some(Request::Transmit { frame, .. }) = station.requests.pop_front() else {
            unreachable!("an idle station is due when a frame is ready");
        };
        if is_busy {
            self.outbox.record(Record::Deferral {
                at: since,
                station: id(index),
                frame: frame.clone(),
            });
        }
        let job = Job {
            frame,
            collisions: 0,
            deferred: is_busy,
            late: false,
            connection: Connection::Cable,
            reaches_cable: true,
        };
        station.phase = Phase::Waiting { job, since };
        self.reconsider_all();
    }

    fn start(&mut self, index: usize) {
        let start = self.now;
        let is_plugged = self.topology.is_plugged(index, start);
        let station = &mut self.stations[index];
        let Phase::Waiting { mut job, .. } = std::mem::replace(&mut station.phase, Phase::Idle) else {
            unreachable!("only a waiting station starts");
        };
        job.connection = station.connect(start);
        let is_connected = job.connection == Connection::Cable && is_plugged;
        job.reaches_cable = is_connected && start >= station.jabbered_until;
        let reaches_cable = job.reaches_cable;
        station.phase = Phase::Trying {
            job,
            start,
            is_withdrawn: false,
        };
        // A gap after its end has passed every tap it can hold no one up, and what it met on its way is settled.
        let is_over = self.reach + self.reach + self.timing.gap;
        self.signals.retain(|signal| signal.end + is_over >= start);
        if reaches_cable {
            self.signals.push(Signal {
                station: index,
                start,
                end: Instant::NEVER,
            });
        }
        self.reconsider_all();
    }

    /// Every station that has started early enough to disturb the attempt, or to be the first to do so, is known.
    fn decide(&mut self, index: usize) {
        let phase = std::mem::replace(&mut self.stations[index].phase, Phase::Idle);
        let Phase::Trying {
            job,
            start,
            is_withdrawn,
        } = phase
        else {
            unreachable!("only an attempt is decided");
        };
        let end = self.timing.end_of(&job.frame, start);
        match self.collision(index, &job, start, end) {
            Some(detected) => self.collide(index, job, start, detected, is_withdrawn),
            None if is_withdrawn => self.break_off(index, &job, start),
            None => {
                self.set_end(index, &job, start, end);
                let fates = self.fates(index, &job, start);
                self.announce(index, &job, start, end, &fates);
                self.stations[index].phase = Phase::Carrying {
                    job,
                    start,
                    end,
                    fates,
                };
            }
        }
        self.reconsider_all();
    }

    fn collide(&mut self, index: usize, mut job: Job, start: Instant, detected: Instant, is_withdrawn: bool) {
        let bits_sent = self.timing.bits_begun(start, detected).max(PREAMBLE_BITS);
        let end = self.timing.bit(start, bits_sent + JAM_BITS);
        job.collisions += 1;
        job.late |= detected >= self.timing.bit(start, SLOT_BITS);
        let is_given_up = job.collisions == ATTEMPT_LIMIT;
        let tries_again = !is_given_up && !is_withdrawn;
        let backoff_slots = tries_again.then(|| self.stations[index].backoff_slots(job.collisions, start));
        let frame_bytes = job.frame.bytes().len() as u64;
        let party = Party {
            station: id(index),
            bytes_sent: u32::try_from(frame_bytes.min((bits_sent - PREAMBLE_BITS) / 8)).unwrap_or(u32::MAX),
            frame: job.frame.clone(),
            attempt: job.collisions,
            backoff_slots,
        };
        if self.is_alone(index, &job, start, detected) {
            self.stop_unheard(index, &job, start, detected, end);
            self.outbox.record(Record::Collision {
                at: detected,
                start,
                parties: vec![party],
                jam: self.timing.jam,
            });
        } else {
            self.set_end(index, &job, start, end);
            self.pile_up(index, party, start, detected, end);
        }
        if is_given_up {
            self.report(index, start, end, job.outcome(End::TooManyCollisions));
        }
        if let Some(slots) = backoff_slots {
            let since = end + self.timing.slot * u64::from(slots);
            self.stations[index].phase = Phase::Waiting { job, since };
        }
    }

    /// The transmission stops at the next bit, unless its end is near.
    fn break_off(&mut self, index: usize, job: &Job, start: Instant) {
        let bits = self.timing.bits_begun(start, self.now);
        let end = self.timing.bit(start, bits);
        self.set_end(index, job, start, end);
        if job.reaches_cable {
            self.statistics.busy = self.statistics.busy + end.since(start);
        }
    }

    fn pile_up(&mut self, index: usize, party: Party, start: Instant, detected: Instant, end: Instant) {
        let heard_from = |other: usize| {
            self.topology
                .joins(index, other, start)
                .then(|| self.delays[other][index])
        };
        let known = self
            .pileups
            .iter()
            .position(|pileup| pileup.includes(start, heard_from));
        let known = known.unwrap_or_else(|| {
            self.pileups.push(Pileup::new());
            self.pileups.len() - 1
        });
        self.pileups[known].add(party, start, detected, end);
    }

    fn finish(&mut self, pileup: Pileup) {
        self.statistics.collisions += 1;
        self.statistics.busy = self.statistics.busy + pileup.duration();
        self.outbox.record(pileup.into_record(self.timing.jam));
    }

    /// The frame will leave whole: its receivers and its sender will be told. Or it will be interrupted. Before that, it
    /// will leave at least as far as some of its receivers will see it.
    fn seal(&mut self, index: usize) {
        let phase = std::mem::replace(&mut self.stations[index].phase, Phase::Idle);
        let Phase::Carrying {
            job,
            start,
            end,
            mut fates,
        } = phase
        else {
            unreachable!("only a whole frame is sealed");
        };
        let interruption = self.interruption(index, &job, start, end);
        let stop = interruption.map_or(end, |interruption| interruption.at);
        let signal = Signal {
            station: index,
            start,
            end: stop,
        };
        self.deliver_cut(&job, signal, &mut fates);
        if self.now < self.past_recall(start, stop) {
            self.stations[index].phase = Phase::Carrying {
                job,
                start,
                end,
                fates,
            };
            return self.reconsider(index);
        }
        match interruption {
            Some(Interruption { at, .. }) => {
                self.collide(index, job, start, at, false);
                self.reconsider_all();
            }
            None if self.loses_carrier(index, &job, start, end) => self.vanish(index, job, start, end),
            None => self.carry(index, job, start, end, fates),
        }
        self.reconsider(index);
    }

    /// When a reset can no longer break off what its station sends from `start` to `end`, or to where a receiver sees
    /// the last of it.
    fn past_recall(&self, start: Instant, end: Instant) -> Instant {
        (end - self.timing.shortest).max(start + self.reach)
    }

    /// Tells a station how its last attempt ended, and returns when it learns of it.
    fn report(&mut self, index: usize, start: Instant, end: Instant, outcome: Outcome) -> Instant {
        let at = end.max(start + self.timing.shortest);
        self.outbox
            .notify(id(index), id(index), Notice::Sent { at, outcome });
        at
    }

    fn set_end(&mut self, index: usize, job: &Job, start: Instant, end: Instant) {
        if !job.reaches_cable {
            self.stations[index].unheard_until = end;
            return;
        }
        let mut signals = self.signals.iter_mut();
        let signal = signals.find(|signal| signal.station == index && signal.start == start);
        signal.expect("what is being sent is on the cable").end = end;
    }
}

fn id(index: usize) -> StationId {
    StationId(u16::try_from(index).expect("fewer than 65536 stations"))
}
