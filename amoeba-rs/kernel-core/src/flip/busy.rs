//! Destinations that are busy: their process is about to move to another machine (Steketee, Socko and Kiepuszewski
//! 1996, section 5.2). The machine where they still are turns each packet back as BUSY, with its data. The sender
//! keeps these packets and tries again, so that protocols above notice nothing but the delay; meanwhile further
//! fragments for the destination wait in their queue.
//!
//! The paper leaves open how long to wait and how much to keep: here 100 ms, the period of the interface sweep, and
//! 16 packets, more than the credits for a long message let be under way. What finds no room is lost like a packet on the wire.

use super::link::Load;
use super::packet::Packet;
use super::routes::{Wanted, Way};
use super::types::{Data, Event, Interface, MessageId, Milliseconds, Priority, ReportFlags};
use super::{Flip, LOCAL, MOST_HOPS};
use alloc::vec::Vec;
use proto::flip::{Address, Flags, Header, Kind};

/// Time until a busy destination is tried again.
const INTERVAL: Milliseconds = 100;
/// How many destinations and how many packets are kept.
const MOST: usize = 16;

/// Busy destinations.
#[derive(Debug)]
pub(super) struct Busy {
    /// When each is tried again.
    addresses: Vec<(Address, Milliseconds)>,
    packets: Vec<(Interface, Header, Packet)>,
}

impl Busy {
    pub(super) fn new() -> Busy {
        Busy {
            addresses: Vec::with_capacity(MOST),
            packets: Vec::with_capacity(MOST),
        }
    }

    pub(super) fn is_empty(&self) -> bool {
        self.addresses.is_empty()
    }

    pub(super) fn contains(&self, address: Address) -> bool {
        self.addresses.iter().any(|(busy, _)| *busy == address)
    }
}

impl<D: Data + Clone> Flip<D> {
    /// A packet has come back as BUSY.
    pub(super) fn hold(&mut self, now: Milliseconds, interface: Interface, header: Header, load: Load) {
        let Load::Packet(packet) = load else {
            return;
        };
        let to = header.destination;
        let is_new = !self.busy.contains(to);
        if self.busy.packets.len() == MOST || is_new && self.busy.addresses.len() == MOST {
            self.statistics.no_room += 1;
            return self.release_packet(packet);
        }
        if is_new {
            self.busy.addresses.push((to, now + INTERVAL));
            self.links().for_each(|link| link.hold(to, true));
            self.timers.start_interface(now);
        }
        self.busy.packets.push((interface, header, packet));
    }

    /// Tries the destinations again whose time has come.
    pub(super) fn retry_busy(&mut self, now: Milliseconds) {
        let mut place = 0;
        while let Some((address, next)) = self.busy.addresses.get(place).copied() {
            if now < next {
                place += 1;
                continue;
            }
            self.busy.addresses.remove(place);
            self.links().for_each(|link| link.hold(address, false));
            // From the last on, as each goes to the head of its queue.
            for index in (0..self.busy.packets.len()).rev() {
                if self.busy.packets[index].1.destination == address {
                    let (interface, header, packet) = self.busy.packets.remove(index);
                    self.retry(now, interface, header, packet);
                }
            }
        }
    }

    fn retry(&mut self, now: Milliseconds, interface: Interface, mut header: Header, packet: Packet) {
        header.kind = Kind::Unidata;
        header.actual_hops = 0;
        header.maximum_hops = MOST_HOPS;
        header.flags.remove(Flags::UNSAFE | Flags::UNREACHABLE);
        let wanted = Wanted {
            except: None,
            budget: MOST_HOPS,
            trusted: header.flags.contains(Flags::SECURITY),
        };
        match self.table.way(header.destination, wanted) {
            Way::Found(way) if way.network != LOCAL && self.fits(way.network, &header) => {
                header.actual_hops = self.networks[usize::from(way.network)].weight;
                let load = Load::Packet(packet);
                self.enqueue_packet(now, way.network, way.location, Priority::Control, header, load);
            }
            Way::Found(way) if way.network == LOCAL => {
                let (receiver, endpoint) = way.location.endpoint();
                if self.interfaces.is_busy(receiver, endpoint) {
                    header.kind = Kind::Busy;
                    self.hold(now, interface, header, Load::Packet(packet));
                } else {
                    self.deliver(receiver, header, Load::Packet(packet));
                }
            }
            Way::Found(_) | Way::Untrusted | Way::None => {
                self.release_packet(packet);
                self.events.push_back(Event::NotDelivered {
                    interface,
                    to: header.destination,
                    message: MessageId(header.message),
                    flags: ReportFlags::NOTHERE,
                    data: None,
                });
            }
        }
    }
}
