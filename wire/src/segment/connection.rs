//! Stations that are taken off the cable and put back or led elsewhere by their cards, a cable in two parts, and
//! transceivers without a cable.
//!
//! * **A station off its cable** hears nobody. What its own transmissions meet depends on what was pulled out:
//!   * 10BASE2: the connector of the card, whose transceiver is left with an open end. It draws 37 to 45 mA from what
//!     it takes for a cable: 0.9 to 1.1 V on two terminators in parallel (25 ohms), beyond any level on an open end. Its
//!     collision threshold is 1.45 to 1.58 V (DP8392C data sheet, transmit output current and collision threshold; the
//!     same in the NE83Q93's), so every attempt collides in its preamble, and after sixteen of them the frame is given
//!     up. The cable stays whole behind the T-piece.
//!   * 10BASE5: the cable between card and transceiver. No carrier comes back and no collision: the frame leaves whole,
//!     into nothing ([`End::CarrierLost`]), without a heartbeat after it.
//! * **A card that leads its controller to another connector** than the one that the cable is on
//!   ([`Connection`](crate::Connection)): the same, by what is open, whatever the cable is. What the station has begun
//!   to send on the cable goes on. Its card does not receive what passes meanwhile; the cable does not ask.
//! * What begins off the cable does not come onto it half-way. A frame whose sender or receiver is taken off before its
//!   last bit is not received there.
//! * **A cut** at a place between taps, both ends terminated: nothing passes. A frame that is under way stays in the
//!   parts where it is whole; its sender does not notice. When the parts are joined again, frames under way still stay
//!   in theirs, but everyone hears them and waits.
//! * Who comes back onto the cable, or hears its other part again, knows at once what passes there, and in which gap it
//!   is, as if he had always listened.
//! * **Jabber** (8.2.1.5): a transceiver that is made to send for longer than 20 ms stops, tells of a collision as long
//!   as its station goes on, and does not send again before its station has been silent for half a second.
//!
//! With [`Model::Fifo`] and [`Model::Ideal`] there are no collisions: off the cable each frame is `CarrierLost`, and
//! nobody jabbers.

use clock::{Instant, Span};

use super::timing::JABBER;
use super::{Job, Segment, Signal, UNJABBER, id};
use crate::{CableChange, Connection, End, Kind, Model, Record, StationId};

/// What makes a transceiver tell of a collision although nobody else sends.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Interruption {
    pub(super) at: Instant,
    is_jabber: bool,
}

impl Segment {
    /// The earliest instant for which [`Segment::unplug`], [`Segment::plug`] and [`Segment::cut`] can still be asked:
    /// before the first settling any, later a window and two crossings of the cable after what is settled.
    #[must_use]
    pub fn changes_from(&self) -> Instant {
        if self.horizon == Instant::START {
            return Instant::START;
        }
        self.horizon + self.timing.shortest + self.reach + self.reach
    }

    /// Takes a station off its cable at `at`. All that happens then stands at the head of `segment/connection.rs`.
    ///
    /// # Panics
    ///
    /// If `at` lies before [`Segment::changes_from`].
    pub fn unplug(&mut self, station: StationId, at: Instant) {
        self.change(station, at, false);
    }

    /// Puts a station back onto its cable at `at`.
    ///
    /// # Panics
    ///
    /// If `at` lies before [`Segment::changes_from`].
    pub fn plug(&mut self, station: StationId, at: Instant) {
        self.change(station, at, true);
    }

    fn change(&mut self, station: StationId, at: Instant, is_plugged: bool) {
        self.assert_not_too_late(at);
        self.topology.plug(usize::from(station.0), at, is_plugged);
        let change = if is_plugged {
            CableChange::Plugged(station)
        } else {
            CableChange::Unplugged(station)
        };
        self.outbox.record(Record::Cable { at, change });
        self.look_anew();
    }

    /// Cuts the cable at a distance from its end, both parts with terminators, from `from` until before `until`, which
    /// may be [`Instant::NEVER`]. A tap at that very distance belongs to the far part.
    ///
    /// # Panics
    ///
    /// If `from` lies before [`Segment::changes_from`], or not before `until`.
    pub fn cut(&mut self, position_millimetres: u64, from: Instant, until: Instant) {
        self.assert_not_too_late(from);
        assert!(from < until, "a cut begins before it ends");
        self.topology.cut(position_millimetres, from, until);
        let change = CableChange::Cut(position_millimetres);
        self.outbox.record(Record::Cable { at: from, change });
        if until < Instant::NEVER {
            let change = CableChange::Joined(position_millimetres);
            self.outbox.record(Record::Cable { at: until, change });
        }
        self.look_anew();
    }

    /// Steps may come sooner now.
    fn look_anew(&mut self) {
        self.reconsider_all();
        let dues = self.stations.iter().map(|station| station.due);
        self.earliest = dues.fold(self.earliest, Instant::min);
    }

    fn assert_not_too_late(&self, at: Instant) {
        let earliest = self.changes_from();
        assert!(at >= earliest, "the cable changes at {at}, before {earliest}");
    }

    /// When a station hears a signal rise and fall, from what is joined at `at`: all of it, or as much as had passed
    /// before the way was cut off.
    pub(super) fn heard_at_tap(
        &self,
        signal: Signal,
        index: usize,
        at: Instant,
    ) -> Option<(Instant, Instant)> {
        let (on, off) = self.at_tap(signal, index);
        if signal.station == index || self.topology.joins(index, signal.station, at) {
            return Some((on, off));
        }
        let change = self.topology.last_change(at)?;
        let before = change - Span::from_picoseconds(1);
        let was_heard = on < change && self.topology.joins(index, signal.station, before);
        was_heard.then_some((on, off.min(change)))
    }

    /// Whether an attempt that began at `start` and a signal get in one another's way where they overlap. They do not
    /// if the cable changed between them and the first could be heard by then: what that does to a frame may have been
    /// told already.
    pub(super) fn meet(&self, index: usize, start: Instant, signal: Signal) -> bool {
        let is_joined = |at| self.topology.joins(index, signal.station, at);
        let (first, second) = (start.min(signal.start), start.max(signal.start));
        let delay = self.delays[index][signal.station];
        let is_regular = second <= first + delay || self.topology.next_change(first) > second;
        is_regular && is_joined(start) && is_joined(signal.start)
    }

    /// Whether an attempt that does not reach the cable collides with itself.
    pub(super) fn collides_alone(&self, index: usize, job: &Job, start: Instant) -> bool {
        match job.connection {
            Connection::Cable => self.kind == Kind::TenBase2 || self.topology.is_plugged(index, start),
            Connection::OpenAui => false,
            Connection::OpenCoax => true,
        }
    }

    /// When a station that sends until `end` will have sent for too long.
    pub(super) fn will_jabber(&self, job: &Job, start: Instant, end: Instant) -> Option<Instant> {
        let is_noticed = self.model == Model::CsmaCd && job.reaches_cable;
        Some(start + JABBER).filter(|at| is_noticed && *at < end)
    }

    /// What will break off a transmission that nobody else disturbs.
    pub(super) fn interruption(
        &self,
        index: usize,
        job: &Job,
        start: Instant,
        end: Instant,
    ) -> Option<Interruption> {
        if self.model != Model::CsmaCd || !job.reaches_cable {
            return None;
        }
        let jabber = self.will_jabber(job, start, end);
        let jabber = jabber.map(|at| Interruption { at, is_jabber: true });
        let unplugged = self.topology.unplugged_within(index, start, end);
        let unplugged = unplugged.filter(|_| self.kind == Kind::TenBase2);
        let open_end = unplugged.map(|at| Interruption { at, is_jabber: false });
        [jabber, open_end]
            .into_iter()
            .flatten()
            .min_by_key(|interruption| interruption.at)
    }

    /// Whether a collision that was detected at `detected` is the station's own.
    pub(super) fn is_alone(&self, index: usize, job: &Job, start: Instant, detected: Instant) -> bool {
        let end = self.timing.end_of(&job.frame, start);
        !job.reaches_cable
            || self
                .collision(index, job, start, end)
                .is_none_or(|met| met > detected)
    }

    /// A transmission leaves the cable at `at`, while its station jams on until `end`.
    pub(super) fn stop_unheard(
        &mut self,
        index: usize,
        job: &Job,
        start: Instant,
        at: Instant,
        end: Instant,
    ) {
        self.set_end(index, job, start, at);
        if job.reaches_cable {
            self.statistics.busy = self.statistics.busy + at.since(start);
        }
        let has_jabbered = at >= start + JABBER;
        let station = &mut self.stations[index];
        station.unheard_until = end;
        let goes_on = job.connection == Connection::Cable && start < station.jabbered_until;
        if has_jabbered || goes_on {
            station.jabbered_until = end + UNJABBER;
        }
    }

    /// Whether a station sends all or the rest of a frame without hearing it.
    pub(super) fn loses_carrier(&self, index: usize, job: &Job, start: Instant, end: Instant) -> bool {
        !job.reaches_cable || self.topology.unplugged_within(index, start, end).is_some()
    }

    /// A frame ends that nobody hears.
    pub(super) fn vanish(&mut self, index: usize, job: Job, start: Instant, end: Instant) {
        if job.reaches_cable {
            let cut_off = self.topology.unplugged_within(index, start, end);
            let heard = cut_off.unwrap_or(end);
            self.statistics.busy = self.statistics.busy + heard.since(start);
        }
        self.stations[index].unheard_until = end;
        let outcome = job.outcome(End::CarrierLost);
        self.report(index, start, end, outcome);
        self.outbox.record(Record::Frame {
            start,
            station: id(index),
            frame: job.frame,
            outcome,
        });
    }
}
