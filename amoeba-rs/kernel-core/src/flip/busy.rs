//! Destinations that are busy: their process is about to move to another machine (Steketee, Socko and Kiepuszewski
//! 1996, section 5.2). The machine where they still are turns each packet back as BUSY, with its data. The sender
//! keeps these packets and tries again, so that protocols above notice nothing but the delay; meanwhile further
//! fragments for the destination wait in their queue.
//!
//! At each sweep of 100 ms the packets that have come back go out again. If until the next sweep none comes back, the
//! destination is no longer busy, and its queue goes on.
//!
//! The paper leaves open how long to wait and how much to keep. 16 packets are more than the credits for a long message
//! let be under way; what finds no room is lost like a packet on the wire.

use super::link::Load;
use super::packet::Packet;
use super::routes::{Wanted, Way};
use super::types::{Data, Interface, Milliseconds, Priority, ReportFlags};
use super::{Flip, LOCAL, MOST_HOPS};
use alloc::vec::Vec;
use proto::flip::{Address, Flags, Header, Kind};

/// How many destinations and how many packets are kept.
const MOST: usize = 16;

/// What is known of a destination.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum State {
    /// A packet has come back since the last sweep.
    Busy,
    /// The packets went out at the last sweep, and none has come back yet.
    Tried,
}

/// Busy destinations.
#[derive(Debug)]
pub(super) struct Busy {
    addresses: Vec<(Address, State)>,
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
        let known = self.busy.addresses.iter_mut().find(|(busy, _)| *busy == to);
        let is_new = known.is_none();
        if let Some((_, state)) = known {
            *state = State::Busy;
        }
        if self.busy.packets.len() == MOST || is_new && self.busy.addresses.len() == MOST {
            self.statistics.no_room += 1;
            return self.release_packet(packet);
        }
        if is_new {
            self.busy.addresses.push((to, State::Busy));
            self.links().for_each(|link| link.hold(to, true));
            self.timers.start_interface(now);
        }
        self.busy.packets.push((interface, header, packet));
    }

    /// The sweep over busy destinations.
    pub(super) fn retry_busy(&mut self, now: Milliseconds) {
        let mut place = 0;
        while let Some((address, state)) = self.busy.addresses.get_mut(place) {
            let address = *address;
            if *state == State::Tried {
                self.busy.addresses.remove(place);
                self.links().for_each(|link| link.hold(address, false));
                continue;
            }
            *state = State::Tried;
            place += 1;
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
                self.came_back(interface, &header, ReportFlags::NOTHERE);
            }
        }
    }
}
