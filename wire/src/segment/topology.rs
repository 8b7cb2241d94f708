//! Which stations the cable joins, and when.
//!
//! All changes are known some time before they happen ([`Segment::changes_from`](super::Segment::changes_from)), so
//! what the cable does meanwhile can be computed as if they had always been known.

use clock::Instant;

/// Stations that are taken off the cable and put back, and cuts of the cable itself.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Topology {
    /// Where each station's tap is, in millimetres.
    positions: Vec<u64>,
    /// For each station, from when on it is plugged in or not, in order.
    plugs: Vec<Vec<(Instant, bool)>>,
    cuts: Vec<Cut>,
    /// Every instant at which something changes, in order.
    changes: Vec<Instant>,
}

#[derive(Clone, Debug, PartialEq, Eq)]
struct Cut {
    from: Instant,
    until: Instant,
    position_millimetres: u64,
}

impl Topology {
    pub(super) fn add_station(&mut self, position_millimetres: u64) {
        self.positions.push(position_millimetres);
        self.plugs.push(Vec::new());
    }

    pub(super) fn plug(&mut self, station: usize, at: Instant, is_plugged: bool) {
        let plugs = &mut self.plugs[station];
        let place = plugs.partition_point(|(other, _)| *other <= at);
        plugs.insert(place, (at, is_plugged));
        self.add_change(at);
    }

    pub(super) fn cut(&mut self, position_millimetres: u64, from: Instant, until: Instant) {
        self.cuts.push(Cut {
            from,
            until,
            position_millimetres,
        });
        self.add_change(from);
        self.add_change(until);
    }

    fn add_change(&mut self, at: Instant) {
        if let Err(place) = self.changes.binary_search(&at) {
            self.changes.insert(place, at);
        }
    }

    /// The first change after `at`, or [`Instant::NEVER`].
    pub(super) fn next_change(&self, at: Instant) -> Instant {
        let next = self.changes.partition_point(|change| *change <= at);
        self.changes.get(next).copied().unwrap_or(Instant::NEVER)
    }

    /// The last change at or before `at`.
    pub(super) fn last_change(&self, at: Instant) -> Option<Instant> {
        let next = self.changes.partition_point(|change| *change <= at);
        next.checked_sub(1).map(|last| self.changes[last])
    }

    pub(super) fn is_plugged(&self, station: usize, at: Instant) -> bool {
        let plugs = &self.plugs[station];
        let next = plugs.partition_point(|(change, _)| *change <= at);
        next == 0 || plugs[next - 1].1
    }

    /// Whether what one of them sends reaches the other.
    pub(super) fn joins(&self, one: usize, other: usize, at: Instant) -> bool {
        let is_left = |station: usize, cut: &Cut| self.positions[station] < cut.position_millimetres;
        self.changes.is_empty()
            || self.is_plugged(one, at)
                && self.is_plugged(other, at)
                && self.cuts.iter().all(|cut| {
                    !(cut.from..cut.until).contains(&at) || is_left(one, cut) == is_left(other, cut)
                })
    }

    /// Whether they are joined from `from` to `until` without a break.
    pub(super) fn joins_throughout(&self, one: usize, other: usize, from: Instant, until: Instant) -> bool {
        let first = self.changes.partition_point(|change| *change <= from);
        let changes = self.changes[first..].iter().take_while(|change| **change < until);
        self.joins(one, other, from) && changes.into_iter().all(|change| self.joins(one, other, *change))
    }

    /// When a station that is plugged in at `from` is first taken off before `until`.
    pub(super) fn unplugged_within(&self, station: usize, from: Instant, until: Instant) -> Option<Instant> {
        let mut plugs = self.plugs[station].iter();
        let off = plugs.find(|(at, is_plugged)| *at > from && *at < until && !is_plugged)?;
        Some(off.0)
    }
}
