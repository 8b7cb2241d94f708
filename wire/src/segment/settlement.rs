//! What a settling hands out, and what is kept until its time comes.

use clock::{Instant, Span};

use crate::{Frame, Notice, Record, StationId};

/// What the cable did, in order: a buffer to be used again for every settling.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Settlement {
    /// What each station learns, ordered by instant, then station. All settlings of a segment together are in this
    /// order too.
    pub notices: Vec<(StationId, Notice)>,
    /// What was seen on the cable, ordered by [`Record::at`]. All settlings of a segment together are in this order
    /// too; a record may come some windows after its instant, when the frame before it has ended.
    pub records: Vec<Record>,
}

/// Notices and records that are certain but not yet due to be handed out.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Outbox {
    notices: Vec<Pending>,
    records: Vec<Record>,
    /// Whether each reception becomes a record.
    pub(super) records_receptions: bool,
    /// Whether stations are told of frames that are still under way.
    pub(super) announces_frames: bool,
}

#[derive(Clone, Debug, PartialEq, Eq)]
struct Pending {
    to: StationId,
    /// Whose transmission it is about.
    from: StationId,
    notice: Notice,
    /// From the first bit at the receiver to the notice.
    length: Span,
    /// How many receptions must still overtake it; 0 if none.
    held_behind: u32,
}

/// A frame on its way to a receiver.
pub(super) struct Delivery {
    pub(super) to: StationId,
    pub(super) from: StationId,
    /// When its receiver is told.
    pub(super) at: Instant,
    /// The end of its start frame delimiter.
    pub(super) begin: Instant,
    /// From its first bit to that instant.
    pub(super) length: Span,
    pub(super) frame: Frame,
    /// How many receptions it lets pass, if it does not wait longer than until `at` for them.
    pub(super) held_behind: u32,
}

impl Delivery {
    /// All of it comes later.
    pub(super) fn put_off(&mut self, by: Span) {
        self.at += by;
        self.begin += by;
    }
}

impl Outbox {
    /// How a transmission of the station ended, or what is under way from one station to another.
    pub(super) fn notify(&mut self, to: StationId, from: StationId, notice: Notice) {
        self.notices.push(Pending {
            to,
            from,
            notice,
            length: Span::ZERO,
            held_behind: 0,
        });
    }

    /// A reception. Those that are held for its sake follow it after `gap`, the last of them once they have let enough
    /// pass.
    pub(super) fn deliver(&mut self, delivery: Delivery, gap: Span) {
        if delivery.held_behind == 0 {
            let held = self.notices.iter_mut();
            for held in held.filter(|held| held.to == delivery.to && held.held_behind > 0) {
                held.held_behind -= 1;
                if held.held_behind == 0 {
                    held.hasten(delivery.at + gap + held.length);
                }
            }
        }
        self.repeat(delivery);
    }

    /// A reception that releases no other.
    pub(super) fn repeat(&mut self, delivery: Delivery) {
        let Delivery {
            to,
            from,
            at,
            begin,
            length,
            frame,
            held_behind,
        } = delivery;
        self.notices.push(Pending {
            to,
            from,
            notice: Notice::Received { at, begin, frame },
            length,
            held_behind,
        });
    }

    pub(super) fn record(&mut self, record: Record) {
        self.records.push(record);
    }

    /// The earliest notice's instant.
    pub(super) fn earliest(&self) -> Instant {
        self.notices
            .iter()
            .map(|pending| pending.notice.at())
            .min()
            .unwrap_or(Instant::NEVER)
    }

    /// Hands out the notices before `notices_before` and the records before `records_before`.
    pub(super) fn empty_into(
        &mut self,
        settlement: &mut Settlement,
        notices_before: Instant,
        records_before: Instant,
    ) {
        if !self.notices.is_empty() {
            self.hand_out_notices(settlement, notices_before);
        }
        if !self.records.is_empty() {
            let records_before = self.receptions_are_known_before(records_before);
            self.records.sort_by_key(|record| (record.at(), subject(record)));
            let due = self
                .records
                .partition_point(|record| record.at() < records_before);
            settlement.records.extend(self.records.drain(..due));
        }
    }

    fn hand_out_notices(&mut self, settlement: &mut Settlement, before: Instant) {
        self.notices.sort_by_key(|pending| {
            (
                pending.notice.at(),
                pending.to,
                rank(&pending.notice),
                pending.from,
            )
        });
        let due = self
            .notices
            .partition_point(|pending| pending.notice.at() < before);
        for pending in self.notices.drain(..due) {
            if let (true, Notice::Received { frame, .. }) = (self.records_receptions, &pending.notice) {
                self.records.push(Record::Reception {
                    start: pending.start(),
                    station: pending.to,
                    from: pending.from,
                    frame: frame.clone(),
                });
            }
            settlement.notices.push((pending.to, pending.notice));
        }
    }

    /// `before`, or the first bit of the earliest reception that has no record yet.
    fn receptions_are_known_before(&self, before: Instant) -> Instant {
        if !self.records_receptions {
            return before;
        }
        let is_reception = |pending: &&Pending| matches!(pending.notice, Notice::Received { .. });
        let receptions = self.notices.iter().filter(is_reception);
        receptions.map(Pending::start).fold(before, Instant::min)
    }
}

impl Pending {
    fn start(&self) -> Instant {
        self.notice.at() - self.length
    }

    /// It comes at `then`, if that is sooner.
    fn hasten(&mut self, then: Instant) {
        if let Notice::Received { at, begin, .. } = &mut self.notice
            && then < *at
        {
            *begin = then - at.since(*begin);
            *at = then;
        }
    }
}

/// Breaks ties between notices to one station at one instant.
fn rank(notice: &Notice) -> u8 {
    match notice {
        Notice::Sent { .. } => 0,
        Notice::Received { .. } => 1,
        Notice::Leaving { .. } => 2,
        Notice::Arriving { .. } => 3,
    }
}

/// Breaks ties between records of one instant: what changes, who waits, who sends and to what avail, who collides.
fn subject(record: &Record) -> (u8, Option<StationId>) {
    match record {
        Record::Cable { .. } => (0, None),
        Record::Deferral { station, .. } => (1, Some(*station)),
        Record::Frame { station, .. } => (2, Some(*station)),
        Record::Fault { station, .. } => (3, Some(*station)),
        Record::Reception { station, .. } => (4, Some(*station)),
        Record::Collision { parties, .. } => (5, parties.first().map(|party| party.station)),
    }
}
