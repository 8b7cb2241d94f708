//! Own messages on their way: to an endpoint of the same machine as a whole, or into the queues of Ethernets.

use super::link::Load;
use super::messages::Message;
use super::routes::{Route, Wanted, Way};
use super::types::{Data, Event, Milliseconds, ReportFlags, SendFlags};
use super::{Flip, LOCAL, MOST_HOPS};
use crate::flip::location::Location;
use proto::flip::{Flags, Kind};

/// What became of an attempt to send a message.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Outcome {
    /// It is on its way.
    Gone,
    /// Its destination is not known, or not often enough.
    Unknown,
    /// Its destination is known over untrusted networks only.
    Untrusted,
    /// Its destination is in this machine and about to move.
    Busy,
    /// There is no room in the queues.
    NoRoom,
}

impl<D: Data + Clone> Flip<D> {
    /// Sends a message if its destination is known.
    pub(super) fn dispatch(&mut self, now: Milliseconds, index: u16) -> Outcome {
        let message = &self.messages[index];
        if message.kind == Kind::Multidata {
            return self.dispatch_multicast(now, index);
        }
        let wanted = Wanted {
            except: None,
            budget: message.hops,
            trusted: message.is_secure(),
        };
        match self.table.way(message.to, wanted) {
            Way::Found(way) if way.network == LOCAL => {
                let (interface, endpoint) = way.location.endpoint();
                if self.interfaces.is_busy(interface, endpoint) {
                    return Outcome::Busy;
                }
                let message = self.messages.remove(index);
                let sent = message.sent();
                self.events.push_back(message.received(interface));
                self.events.push_back(sent);
                Outcome::Gone
            }
            Way::Found(way) if self.enqueue_message(now, index, way) => Outcome::Gone,
            Way::Found(_) => Outcome::NoRoom,
            Way::Untrusted => Outcome::Untrusted,
            Way::None => Outcome::Unknown,
        }
    }

    fn dispatch_multicast(&mut self, now: Milliseconds, index: u16) -> Outcome {
        let message = &self.messages[index];
        let counts = self.table.found(message.to, None).map(|found| found.counts);
        let (known, trusted) = counts.map_or((0, 0), |counts| (counts.locations, counts.trusted));
        if u32::from(known) < message.listeners {
            return Outcome::Unknown;
        }
        if message.is_secure() && u32::from(trusted) < message.listeners {
            return Outcome::Untrusted;
        }
        let wanted = Wanted {
            except: None,
            budget: MOST_HOPS,
            trusted: message.is_secure(),
        };
        let to = message.to;
        let ways = self.ways(to, wanted);
        self.send_all_ways(now, index, ways);
        Outcome::Gone
    }

    /// Sends a message to everyone.
    pub(super) fn dispatch_broadcast(&mut self, now: Milliseconds, index: u16) {
        let mut ways = core::mem::take(&mut self.ways);
        ways.clear();
        let header = self.messages[index].header();
        let networks = (1..self.networks.len() as u8).filter(|network| self.fits(*network, &header));
        ways.extend(networks.map(|network| Route::to(network, Location::EVERYWHERE)));
        let listeners = self.interfaces.broadcast_listeners();
        ways.extend(
            listeners
                .map(|(interface, endpoint)| Route::to(LOCAL, Location::of_endpoint(interface, endpoint))),
        );
        self.send_all_ways(now, index, ways);
    }

    /// Sends a message all these ways. The list goes back into `self.ways`.
    fn send_all_ways(&mut self, now: Milliseconds, index: u16, mut ways: alloc::vec::Vec<Route>) {
        for way in &ways {
            if way.network == LOCAL {
                self.hand_over_copy(index, way.location);
            } else if !self.enqueue_message(now, index, *way) {
                self.statistics.no_room += 1;
            }
        }
        ways.clear();
        self.ways = ways;
        if self.messages[index].queued == 0 {
            let sent = self.messages.remove(index).sent();
            self.events.push_back(sent);
        }
    }

    /// Puts a message into the queue of an Ethernet, if the network is near enough and there is room.
    fn enqueue_message(&mut self, now: Milliseconds, index: u16, way: Route) -> bool {
        let message = &self.messages[index];
        let (priority, mut header) = (message.priority, message.header());
        if !self.fits(way.network, &header) {
            return false;
        }
        let row = &self.networks[usize::from(way.network)];
        header.actual_hops += row.weight;
        if !row.trusted {
            header.flags |= Flags::UNSAFE;
        }
        let held = header.kind == Kind::Unidata && self.busy.contains(header.destination);
        let Some(link) = self.link(way.network) else {
            return false;
        };
        let load = Load::Message(index);
        let is_queued = link
            .enqueue(now, way.location, priority, held, header, load)
            .is_ok();
        self.messages[index].queued += u16::from(is_queued);
        is_queued
    }

    fn hand_over_copy(&mut self, index: u16, to: Location) {
        let (interface, endpoint) = to.endpoint();
        let message = &self.messages[index];
        let is_sender = (interface, endpoint) == (message.interface, message.endpoint);
        if is_sender && message.flags.contains(SendFlags::SKIP_SOURCE)
            || self.interfaces.is_busy(interface, endpoint)
        {
            return;
        }
        let received = message.clone().received(interface);
        self.events.push_back(received);
    }

    /// Tells that a message is given up.
    pub(super) fn give_up(&mut self, message: Message<D>, flags: ReportFlags) {
        self.statistics.given_up += 1;
        self.events.push_back(Event::NotDelivered {
            interface: message.interface,
            to: message.to,
            message: message.id,
            flags,
            data: Some(message.data),
        });
    }
}
