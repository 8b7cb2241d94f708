//! The stations on an Ethernet with which fragments or credits are exchanged.

use crate::flip::location::Location;
use crate::flip::slab::{Linked, NONE, Queue, Slab};
use crate::flip::types::Milliseconds;
use bitflags::bitflags;
use core::ops::{Index, IndexMut};

/// The most credits that a station gives.
const MOST_CREDITS: u8 = 8;
/// How many neighbours are known at most.
const NEIGHBOURS: u16 = 200;
/// Chains of neighbours, by the last byte of the place.
const BUCKETS: usize = 64;
/// How long packets wait for credits before the neighbour is asked, and between questions.
const PATIENCE: Milliseconds = 2000;
/// Questions without an answer before the packets are given up.
const QUESTIONS: u8 = 5;
/// After this time without a packet a neighbour is forgotten.
const IDLE: Milliseconds = 300_000;

/// The credits that a station gives whose ring takes so many of the longest frames.
pub(super) fn most_credits(ring_packets: u16) -> u8 {
    match ring_packets {
        8.. => MOST_CREDITS,
        4..=7 => (ring_packets / 4) as u8,
        0..=3 => 1,
    }
}

bitflags! {
    /// Frames about credits that are due.
    #[derive(Clone, Copy, Debug, PartialEq, Eq)]
    pub(super) struct Due: u8 {
        const CREDIT = 1;
        const ABSOLUTE_CREDIT = 2;
        const CREDIT_REQUEST = 4;
    }
}

/// A neighbour.
#[derive(Clone, Debug)]
pub(super) struct Neighbour {
    pub(super) location: Location,
    /// Next of the same bucket.
    chain: u16,
    /// Next of those that are ready to send.
    next: u16,
    pub(super) is_ready: bool,
    /// Packets that may be sent to it.
    pub(super) credits: u8,
    /// What `credits` never exceeds: what this station began with, or what the neighbour named.
    limit: u8,
    /// Credits to be given back to it.
    owed: u8,
    /// Packets of it that have arrived and are not released.
    held: u16,
    due: Due,
    pub(super) starving_since: Option<Milliseconds>,
    questions: u8,
    pub(super) used: Milliseconds,
    /// Addresses there that have packets.
    pub(super) addresses: Queue,
}

impl Linked for Neighbour {
    fn next(&mut self) -> &mut u16 {
        &mut self.next
    }
}

impl Neighbour {
    fn is_idle(&self) -> bool {
        self.addresses.is_empty() && self.held == 0 && self.due.is_empty() && !self.is_ready
    }
}

/// The credits between this machine and a neighbour.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::flip) struct FlowControl {
    /// Packets that may be sent to it, and what they never exceed.
    pub(in crate::flip) credits: u8,
    pub(in crate::flip) limit: u8,
    /// Credits to be given back to it.
    pub(in crate::flip) owed: u8,
    /// Packets of it that have arrived and are not released.
    pub(in crate::flip) held: u16,
}

/// All neighbours on an Ethernet.
#[derive(Clone, Debug)]
pub(super) struct Neighbours {
    rows: Slab<Neighbour>,
    buckets: [u16; BUCKETS],
    /// Credits that a neighbour has to begin with, and at most.
    credits: u8,
    /// How many have frames about credits due.
    due: u16,
}

impl Neighbours {
    /// Shows how every neighbour stands, until one gives an error.
    pub(super) fn each<E>(
        &self,
        mut show: impl FnMut(Location, FlowControl) -> Result<(), E>,
    ) -> Result<(), E> {
        self.rows.iter().try_for_each(|(_, neighbour)| {
            let Neighbour {
                credits,
                limit,
                owed,
                held,
                ..
            } = *neighbour;
            let flow = FlowControl {
                credits,
                limit,
                owed,
                held,
            };
            show(neighbour.location, flow)
        })
    }
}

impl Index<u16> for Neighbours {
    type Output = Neighbour;

    fn index(&self, index: u16) -> &Neighbour {
        &self.rows[index]
    }
}

impl IndexMut<u16> for Neighbours {
    fn index_mut(&mut self, index: u16) -> &mut Neighbour {
        &mut self.rows[index]
    }
}

fn bucket(location: Location) -> usize {
    usize::from(location.0[5]) % BUCKETS
}

impl Neighbours {
    pub(super) fn new(credits: u8) -> Neighbours {
        Neighbours {
            rows: Slab::new(NEIGHBOURS),
            buckets: [NONE; BUCKETS],
            credits,
            due: 0,
        }
    }

    pub(super) fn rows(&mut self) -> &mut Slab<Neighbour> {
        &mut self.rows
    }

    /// All rows, empty ones too.
    pub(super) fn size(&self) -> u16 {
        NEIGHBOURS
    }

    pub(super) fn has_packets(&self, row: u16) -> bool {
        self.rows
            .get(row)
            .is_some_and(|neighbour| !neighbour.addresses.is_empty())
    }

    pub(super) fn find(&self, location: Location) -> Option<u16> {
        let mut index = self.buckets[bucket(location)];
        while let Some(row) = self.rows.get(index) {
            if row.location == location {
                return Some(index);
            }
            index = row.chain;
        }
        None
    }

    /// The row of a neighbour, a new one if need be, for which the one that was idle longest may have to go.
    pub(super) fn find_or_add(&mut self, location: Location, now: Milliseconds) -> Option<u16> {
        if let Some(row) = self.find(location) {
            self.rows[row].used = now;
            return Some(row);
        }
        if self.rows.is_full() {
            let idle = self.rows.iter().filter(|(_, row)| row.is_idle());
            let oldest = idle.min_by_key(|(_, row)| row.used).map(|(index, _)| index)?;
            self.remove(oldest);
        }
        let row = self.rows.insert(Neighbour {
            location,
            chain: self.buckets[bucket(location)],
            next: NONE,
            is_ready: false,
            credits: self.credits,
            limit: self.credits,
            owed: 0,
            held: 0,
            due: Due::empty(),
            starving_since: None,
            questions: 0,
            used: now,
            addresses: Queue::EMPTY,
        });
        let row = row.ok()?;
        self.buckets[bucket(location)] = row;
        Some(row)
    }

    fn remove(&mut self, row: u16) {
        let Neighbour { location, chain, .. } = self.rows.remove(row);
        let mut index = self.buckets[bucket(location)];
        if index == row {
            self.buckets[bucket(location)] = chain;
            return;
        }
        while self.rows[index].chain != row {
            index = self.rows[index].chain;
        }
        self.rows[index].chain = chain;
    }

    fn make_due(&mut self, row: u16, due: Due) {
        let neighbour = &mut self.rows[row];
        self.due += u16::from(neighbour.due.is_empty());
        neighbour.due |= due;
    }

    fn clear_due(&mut self, row: u16, due: Due) {
        let neighbour = &mut self.rows[row];
        let was_due = !neighbour.due.is_empty();
        neighbour.due.remove(due);
        self.due -= u16::from(was_due && neighbour.due.is_empty());
    }

    /// The credits that go along with a packet.
    pub(super) fn take_owed(&mut self, row: u16) -> u8 {
        if !self.rows[row].location.is_single() {
            return 0;
        }
        self.clear_due(row, Due::CREDIT);
        core::mem::take(&mut self.rows[row].owed)
    }

    /// The next frame about credits that is due: for whom, what, and how many credits it names.
    pub(super) fn take_due(&mut self) -> Option<(Location, Due, u8)> {
        if self.due == 0 {
            return None;
        }
        let most = self.credits;
        let due = self.rows.iter_mut().find(|(_, row)| !row.due.is_empty());
        let (_, row) = due?;
        let frame = if row.due.contains(Due::ABSOLUTE_CREDIT) {
            let unused = u16::from(most).saturating_sub(row.held) as u8;
            row.owed = 0;
            row.due.remove(Due::CREDIT | Due::ABSOLUTE_CREDIT);
            (row.location, Due::ABSOLUTE_CREDIT, unused)
        } else if row.due.contains(Due::CREDIT) {
            row.due.remove(Due::CREDIT);
            (row.location, Due::CREDIT, core::mem::take(&mut row.owed))
        } else {
            row.due.remove(Due::CREDIT_REQUEST);
            (row.location, Due::CREDIT_REQUEST, 0)
        };
        self.due -= u16::from(row.due.is_empty());
        Some(frame)
    }

    pub(super) fn arrived(&mut self, now: Milliseconds, from: Location) {
        if let Some(row) = self.find_or_add(from, now) {
            self.rows[row].held = self.rows[row].held.saturating_add(1);
        }
    }

    pub(super) fn release(&mut self, from: Location) {
        let Some(row) = self.find(from) else {
            return;
        };
        let threshold = if self.credits <= 2 { 1 } else { self.credits - 2 };
        let neighbour = &mut self.rows[row];
        neighbour.held = neighbour.held.saturating_sub(1);
        neighbour.owed = (neighbour.owed + 1).min(self.credits);
        if neighbour.owed >= threshold {
            self.make_due(row, Due::CREDIT);
        }
    }

    /// Adds credits; says whose packets may go now.
    pub(super) fn credit(&mut self, from: Location, count: u8) -> Option<u16> {
        let row = self.find(from)?;
        let neighbour = &mut self.rows[row];
        let credits = neighbour.credits.saturating_add(count).min(neighbour.limit);
        self.set_credits(row, credits)
    }

    /// Replaces the credits; says whose packets may go now.
    pub(super) fn absolute_credit(&mut self, from: Location, count: u8) -> Option<u16> {
        let row = self.find(from)?;
        let neighbour = &mut self.rows[row];
        let count = count.min(MOST_CREDITS);
        neighbour.limit = neighbour.limit.max(count);
        self.set_credits(row, count)
    }

    fn set_credits(&mut self, row: u16, credits: u8) -> Option<u16> {
        self.clear_due(row, Due::CREDIT_REQUEST);
        let neighbour = &mut self.rows[row];
        neighbour.credits = credits;
        neighbour.questions = 0;
        if credits > 0 {
            neighbour.starving_since = None;
        }
        (credits > 0 && !neighbour.addresses.is_empty()).then_some(row)
    }

    pub(super) fn credit_request(&mut self, now: Milliseconds, from: Location) {
        if let Some(row) = self.find_or_add(from, now) {
            self.make_due(row, Due::ABSOLUTE_CREDIT);
        }
    }

    /// Whether packets wait for credits of some neighbour.
    pub(super) fn is_starving(&self) -> bool {
        self.rows.iter().any(|(_, row)| row.starving_since.is_some())
    }

    /// The next neighbour that does not answer; those that were not asked often enough yet are asked on the way.
    pub(super) fn next_silent(&mut self, now: Milliseconds) -> Option<u16> {
        for row in 0..NEIGHBOURS {
            let Some(neighbour) = self.rows.get_mut(row) else {
                continue;
            };
            let Some(since) = neighbour.starving_since else {
                continue;
            };
            if neighbour.addresses.is_empty() {
                neighbour.starving_since = None;
            } else if now.saturating_sub(since) < PATIENCE {
            } else if neighbour.questions < QUESTIONS {
                neighbour.questions += 1;
                neighbour.starving_since = Some(now);
                self.make_due(row, Due::CREDIT_REQUEST);
            } else {
                neighbour.questions = 0;
                neighbour.starving_since = None;
                return Some(row);
            }
        }
        None
    }

    pub(super) fn purge(&mut self, now: Milliseconds) {
        for row in 0..NEIGHBOURS {
            let is_old =
                |neighbour: &Neighbour| neighbour.is_idle() && now.saturating_sub(neighbour.used) >= IDLE;
            if self.rows.get(row).is_some_and(is_old) {
                self.remove(row);
            }
        }
    }
}
