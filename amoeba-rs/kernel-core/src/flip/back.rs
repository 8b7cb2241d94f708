//! The packet switch, for packets that go back to the source of another: HEREIS, NOTHERE, UNTRUSTED and BUSY. Their
//! addresses are those of the packet that they answer, and they count its hops back down.

use super::link::Load;
use super::messages::Message;
use super::routes::{Membership, Route, Wanted, Way};
use super::types::{Data, Event, Interface, MessageId, Milliseconds, Priority, ReportFlags};
use super::{EVENTS, Flip, From, LOCAL};
use crate::flip::location::Location;
use proto::flip::{Counts, Flags, Header, Kind};

impl<D: Data + Clone> Flip<D> {
    pub(super) fn here_is(&mut self, now: Milliseconds, from: From, mut header: Header, load: Load) {
        let Load::Counts(counts) = load else {
            return self.discard(load);
        };
        if counts.locations == 0 || counts.locations < counts.trusted {
            self.statistics.malformed += 1;
            return;
        }
        let route = Route {
            network: from.network,
            location: from.location,
            hops: header.maximum_hops - header.actual_hops,
            counts: self.counts(from, &header, counts),
            multicast: Membership::Unknown,
        };
        self.learn(header.destination, route);
        match self.way_back(from, &header, false) {
            Way::Found(way) if way.network == LOCAL => self.found(now, header.destination),
            Way::Found(way) => {
                let Some(found) = self.table.found(header.destination, Some(way.network)) else {
                    return;
                };
                header.length = Counts::LENGTH as u32;
                header.total = Counts::LENGTH as u32;
                self.send_back(now, way.network, way.location, header, Load::Counts(found.counts));
            }
            Way::Untrusted | Way::None => self.statistics.no_way += 1,
        }
    }

    pub(super) fn not_here(&mut self, now: Milliseconds, from: From, mut header: Header, load: Load) {
        self.table.remove(header.destination, from.network, from.location);
        let wanted = self.another_way(from, &header);
        if let Way::Found(way) = self.table.way(header.destination, wanted) {
            header.kind = Kind::Unidata;
            return self.resend(now, from, way, header, load);
        }
        self.return_to_source(now, from, header, load, false);
    }

    pub(super) fn untrusted(&mut self, now: Milliseconds, from: From, mut header: Header, load: Load) {
        let wanted = Wanted {
            trusted: true,
            ..self.another_way(from, &header)
        };
        self.table
            .distrust(header.destination, from.network, from.location);
        if let Way::Found(way) = self.table.way(header.destination, wanted) {
            header.kind = Kind::Unidata;
            header.flags.remove(Flags::UNREACHABLE);
            return self.resend(now, from, way, header, load);
        }
        self.return_to_source(now, from, header, load, true);
    }

    /// Sends a packet that has come back another way.
    fn resend(&mut self, now: Milliseconds, from: From, way: Route, mut header: Header, load: Load) {
        if way.network != LOCAL {
            return self.forward(now, way.network, way.location, header, load);
        }
        let (interface, endpoint) = way.location.endpoint();
        if self.interfaces.is_busy(interface, endpoint) {
            header.kind = Kind::Busy;
            self.return_to_source(now, from, header, load, false);
        } else {
            self.deliver(interface, header, load);
        }
    }

    fn another_way(&self, from: From, header: &Header) -> Wanted {
        Wanted {
            except: Some(from.network),
            budget: header.maximum_hops - header.actual_hops,
            trusted: header.flags.contains(Flags::SECURITY),
        }
    }

    fn way_back(&mut self, from: From, header: &Header, trusted: bool) -> Way {
        let wanted = Wanted {
            except: Some(from.network),
            budget: u16::MAX,
            trusted,
        };
        self.table.way(header.source, wanted)
    }

    /// Sends a packet on to the source of what it answers.
    pub(super) fn return_to_source(
        &mut self,
        now: Milliseconds,
        from: From,
        header: Header,
        load: Load,
        trusted: bool,
    ) {
        match self.way_back(from, &header, trusted) {
            Way::Found(way) if way.network == LOCAL => {
                let (interface, _) = way.location.endpoint();
                self.returned(now, interface, header, load);
            }
            Way::Found(way) => self.send_back(now, way.network, way.location, header, load),
            Way::Untrusted | Way::None => {
                self.statistics.no_way += 1;
                self.discard(load);
            }
        }
    }

    /// Sends the answer to a packet where the packet came from.
    pub(super) fn turn_back(&mut self, now: Milliseconds, from: From, header: Header, load: Load) {
        if from.network == LOCAL {
            let (interface, _) = from.location.endpoint();
            self.returned(now, interface, header, load);
        } else {
            self.send_back(now, from.network, from.location, header, load);
        }
    }

    fn send_back(&mut self, now: Milliseconds, network: u8, to: Location, mut header: Header, load: Load) {
        let row = &self.networks[usize::from(network)];
        let (true, Some(hops)) = (row.enabled, header.actual_hops.checked_sub(row.weight)) else {
            self.statistics.too_many_hops += 1;
            return self.discard(load);
        };
        header.actual_hops = hops;
        // At the head: fragments for the same address may be waiting for credits.
        self.enqueue_packet(now, network, to, Priority::Control, header, load);
    }

    /// A packet of this machine has come back.
    fn returned(&mut self, now: Milliseconds, interface: Interface, header: Header, load: Load) {
        let flags = match header.kind {
            Kind::Busy => return self.hold(now, interface, header, load),
            Kind::NotHere => ReportFlags::NOTHERE,
            Kind::Untrusted => ReportFlags::UNTRUSTED,
            Kind::HereIs => return self.found(now, header.destination),
            Kind::Locate | Kind::Unidata | Kind::Multidata => return self.discard(load),
        };
        self.discard(load);
        self.came_back(interface, &header, flags);
    }

    /// Tells whose message a packet was that has come back for good. Of one that has not gone wholly what is left would come back
    /// too; until then its data is in use, so nothing is told of it that names it with other addresses.
    pub(super) fn came_back(&mut self, interface: Interface, header: &Header, flags: ReportFlags) {
        let has_its_number =
            |message: &Message<D>| message.interface == interface && message.id.0 == header.message;
        let unsent = self.messages.iter().find(|(_, message)| has_its_number(message));
        if let Some((index, message)) = unsent {
            let is_it = message.source == header.source
                && message.to == header.destination
                && message.kind == Kind::Unidata;
            if is_it {
                let message = self.take_back(index);
                self.give_up(message, flags);
            } else {
                self.statistics.bad_address += 1;
            }
            return;
        }
        if self.events.len() >= EVENTS {
            self.statistics.no_room += 1;
            return;
        }
        self.events.push_back(Event::NotDelivered {
            interface,
            to: header.destination,
            message: MessageId(header.message),
            flags,
            data: None,
        });
    }
}
