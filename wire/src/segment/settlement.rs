//! What a settling hands out, and what is kept until its time comes.

use clock::Instant;

use crate::{Notice, Record, StationId};

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
}

#[derive(Clone, Debug, PartialEq, Eq)]
struct Pending {
    to: StationId,
    /// Whose transmission it is about.
    from: StationId,
    notice: Notice,
}

impl Outbox {
    pub(super) fn notify(&mut self, to: StationId, from: StationId, notice: Notice) {
        self.notices.push(Pending { to, from, notice });
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
                .partition_point(|pending| pending.notice.at() < notices_before);
            let due = self.notices.drain(..due);
            settlement
                .notices
                .extend(due.map(|pending| (pending.to, pending.notice)));
        }
        if !self.records.is_empty() {
            self.records.sort_by_key(|record| (record.at(), subject(record)));
            let due = self
                .records
                .partition_point(|record| record.at() < records_before);
            settlement.records.extend(self.records.drain(..due));
        }
    }
}

/// Breaks ties between notices to one station at one instant.
fn rank(notice: &Notice) -> u8 {
    match notice {
        Notice::Sent { .. } => 0,
        Notice::Received { .. } => 1,
    }
}

/// Breaks ties between records of one instant: who waits, who sends, who collides.
fn subject(record: &Record) -> (u8, Option<StationId>) {
    match record {
        Record::Deferral { station, .. } => (0, Some(*station)),
        Record::Frame { station, .. } => (1, Some(*station)),
        Record::Collision { parties, .. } => (2, parties.first().map(|party| party.station)),
    }
}
