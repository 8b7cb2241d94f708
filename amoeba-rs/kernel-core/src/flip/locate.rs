//! Looking for destinations: LOCATEs that reach further each time, until enough places are known or the callers'
//! time is up.
//!
//! The first LOCATE may make one hop, each following one, after 100 ms, one more. From 25 hops on the time between
//! them doubles. To invalidate what everybody knows, a LOCATE begins with 26 hops, which no way has: all it meets
//! forget the destination, and only its own machine answers.
//! Messages to the same destination wait for the same LOCATEs. Once a destination of secure messages was found over
//! untrusted networks, LOCATEs are secure too: otherwise the copy that takes the short way would make the longer
//! one's seem a duplicate.

use super::link::Load;
use super::send::Outcome;
use super::slab::Queue;
use super::types::{Data, Endpoint, Error, Interface, Milliseconds, ReportFlags};
use super::{Flip, From, LOCAL, MOST_HOPS};
use crate::flip::location::Location;
use proto::flip::{Address, Flags, Header, Kind};

/// How many destinations are looked for at the same time.
const SEARCHES: usize = 64;
/// Time for an answer.
const INTERVAL: Milliseconds = 100;
/// The most time for an answer of a large group while LOCATEs do not reach furthest.
const GROUP_INTERVAL: Milliseconds = 1000;
/// A group is large when more than these must be found.
const LARGE_GROUP: u32 = 16;
/// Hops up to which a large group is looked for like any other.
const NEAR: u16 = 2;
/// Hops of the LOCATE that invalidates.
const INVALIDATING: u16 = MOST_HOPS + 1;

/// A destination that is looked for.
#[derive(Debug)]
pub(super) struct Search {
    to: Address,
    /// Who asks.
    interface: Interface,
    endpoint: Endpoint,
    source: Address,
    /// Hops of the last LOCATE.
    hops: u16,
    interval: Milliseconds,
    /// When the next LOCATE goes.
    next: Milliseconds,
    /// The most places that a message asks for.
    listeners: u32,
    /// Messages for it.
    waiting: Queue,
    /// All of them may go over trusted networks only.
    is_secure: bool,
    /// Some way over untrusted networks was found.
    is_untrusted: bool,
}

impl Search {
    /// Sets the time of the next LOCATE after one with `self.hops`.
    fn wait(&mut self, now: Milliseconds) {
        self.next = now + self.interval;
        if self.hops >= MOST_HOPS {
            self.interval = self.interval.saturating_mul(2);
        } else if self.listeners > LARGE_GROUP && self.hops > NEAR {
            self.interval = (self.interval * 2).min(GROUP_INTERVAL);
        }
    }
}

impl<D: Data + Clone> Flip<D> {
    /// Lets a message wait until its destination is found.
    pub(super) fn look_for(&mut self, now: Milliseconds, index: u16, invalidate: bool) -> Result<(), Error> {
        let message = &self.messages[index];
        let to = message.to;
        let known = self.searches.iter().position(|search| search.to == to);
        let place = match known {
            Some(place) => place,
            None if self.searches.len() < SEARCHES => {
                self.searches.push(Search {
                    to,
                    interface: message.interface,
                    endpoint: message.endpoint,
                    source: message.source,
                    hops: 0,
                    interval: INTERVAL,
                    next: now,
                    listeners: 0,
                    waiting: Queue::EMPTY,
                    is_secure: true,
                    is_untrusted: false,
                });
                self.searches.len() - 1
            }
            None => return Err(Error::NoPacket),
        };
        let search = &mut self.searches[place];
        search.listeners = search.listeners.max(message.listeners);
        search.is_secure &= message.is_secure();
        search.waiting.push_back(&mut self.messages, index);
        self.timers.start_interface(now);
        let hops = search.hops;
        let is_busy = self.is_busy_here(to);
        let search = &mut self.searches[place];
        if invalidate && hops < INVALIDATING {
            search.hops = INVALIDATING;
            search.interval = INTERVAL;
            self.send_locate(now, place);
        } else if known.is_none() && !is_busy {
            search.hops = 1;
            self.send_locate(now, place);
        }
        Ok(())
    }

    /// Sends the LOCATE of a search.
    fn send_locate(&mut self, now: Milliseconds, place: usize) {
        let search = &mut self.searches[place];
        search.wait(now);
        let Ok(id) = self.interfaces.next_message(search.interface) else {
            return;
        };
        let flags = if search.is_secure && search.is_untrusted {
            Flags::SECURITY
        } else {
            Flags::empty()
        };
        let header = Header {
            kind: Kind::Locate,
            flags,
            reserved: 0,
            actual_hops: 0,
            maximum_hops: search.hops,
            destination: search.to,
            source: search.source,
            message: id.0,
            length: 0,
            offset: 0,
            total: 0,
        };
        let from = From {
            network: LOCAL,
            location: Location::of_endpoint(search.interface, search.endpoint),
        };
        self.statistics.located += 1;
        self.switch(now, from, header, Load::Nothing);
    }

    /// A HEREIS has come for a destination.
    pub(super) fn found(&mut self, now: Milliseconds, to: Address) {
        if let Some(place) = self.searches.iter().position(|search| search.to == to) {
            self.try_waiting(now, place);
        }
    }

    /// Sends the messages of a search that can be sent, gives up those whose time is up, and ends a search that has
    /// none left; says whether it goes on.
    fn try_waiting(&mut self, now: Milliseconds, place: usize) -> bool {
        let mut waiting = core::mem::replace(&mut self.searches[place].waiting, Queue::EMPTY);
        let mut kept = Queue::EMPTY;
        let mut is_secure = true;
        while let Some(index) = waiting.pop_front(&mut self.messages) {
            let outcome = self.dispatch(now, index);
            if outcome == Outcome::Gone {
                continue;
            }
            let message = &mut self.messages[index];
            if outcome == Outcome::Busy {
                // It is looked for only from when it has gone.
                message.deadline = message.deadline.max(now + 2 * INTERVAL);
            }
            let search = &mut self.searches[place];
            search.is_untrusted |= outcome == Outcome::Untrusted;
            let is_late = message.deadline <= now;
            if is_late || outcome == Outcome::NoRoom {
                let flags = if message.is_secure() && search.is_untrusted {
                    ReportFlags::UNTRUSTED
                } else {
                    ReportFlags::empty()
                };
                let message = self.messages.remove(index);
                self.give_up(message, flags);
            } else {
                is_secure &= message.is_secure();
                kept.push_back(&mut self.messages, index);
            }
        }
        self.searches[place].waiting = kept;
        self.searches[place].is_secure = is_secure;
        if kept.is_empty() {
            self.searches.remove(place);
        }
        !kept.is_empty()
    }

    /// The sweep of all searches.
    pub(super) fn sweep_searches(&mut self, now: Milliseconds) {
        let mut place = 0;
        while place < self.searches.len() {
            if !self.try_waiting(now, place) {
                continue;
            }
            let Search { to, next, .. } = self.searches[place];
            if now >= next && !self.is_busy_here(to) {
                let search = &mut self.searches[place];
                if search.hops < MOST_HOPS {
                    search.hops += 1;
                }
                self.send_locate(now, place);
            }
            place += 1;
        }
    }

    /// Takes a message out of the search in which it waits, if it does.
    pub(super) fn cancel_waiting(&mut self, index: u16) -> bool {
        let to = self.messages[index].to;
        let Some(place) = self.searches.iter().position(|search| search.to == to) else {
            return false;
        };
        let mut waiting = core::mem::replace(&mut self.searches[place].waiting, Queue::EMPTY);
        let mut kept = Queue::EMPTY;
        let mut is_found = false;
        while let Some(other) = waiting.pop_front(&mut self.messages) {
            if other == index {
                is_found = true;
            } else {
                kept.push_back(&mut self.messages, other);
            }
        }
        self.searches[place].waiting = kept;
        if kept.is_empty() {
            self.searches.remove(place);
        }
        is_found
    }

    /// Whether messages wait until a destination is found, or no longer busy.
    pub(super) fn is_looking_for(&self, to: Address) -> bool {
        self.searches.iter().any(|search| search.to == to)
    }

    pub(super) fn is_busy_here(&self, to: Address) -> bool {
        self.table.endpoint(to).is_some_and(|location| {
            let (interface, endpoint) = location.endpoint();
            self.interfaces.is_busy(interface, endpoint)
        })
    }
}
