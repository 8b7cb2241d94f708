//! The packet switch, for packets that go forth: LOCATE, UNIDATA and MULTIDATA.

use super::link::Load;
use super::location::Location;
use super::packet::Packet;
use super::routes::{Membership, Route, Wanted, Way};
use super::types::{Body, Data, Event, Interface, Milliseconds, Priority};
use super::{Flip, From, LOCAL, MOST_HOPS};
use crate::flip::link::Request;
use proto::flip::{Counts, Flags, Header, Kind};
use proto::fragment_control::MulticastRequest;

impl<D: Data + Clone> Flip<D> {
    /// Does what a packet's type asks for. The table, the caches and the limits are the same for packets of this
    /// machine.
    pub(super) fn switch(&mut self, now: Milliseconds, from: From, header: Header, load: Load) {
        let is_too_far = header.actual_hops > header.maximum_hops
            || header.kind != Kind::Locate && header.maximum_hops > MOST_HOPS;
        if is_too_far {
            self.statistics.too_many_hops += 1;
            return self.discard(load);
        }
        let needs_destination = header.kind != Kind::Multidata;
        if header.source.is_null() || needs_destination && header.destination.is_null() {
            self.statistics.bad_address += 1;
            return self.discard(load);
        }
        let goes_forth = matches!(header.kind, Kind::Locate | Kind::Unidata | Kind::Multidata);
        if goes_forth && from.network != LOCAL && self.table.is_here(header.source) {
            // It has come round, or somebody lies.
            self.statistics.bad_address += 1;
            return self.discard(load);
        }
        match header.kind {
            Kind::Locate => self.locate(now, from, header),
            Kind::HereIs => self.here_is(now, from, header, load),
            Kind::Unidata => self.unidata(now, from, header, load),
            Kind::Multidata if header.destination.is_null() => self.broadcast_data(now, from, header, load),
            Kind::Multidata => self.multidata(now, from, header, load),
            Kind::NotHere => self.not_here(now, from, header, load),
            Kind::Untrusted => self.untrusted(now, from, header, load),
            Kind::Busy => self.return_to_source(now, from, header, load, false),
        }
    }

    /// Drops what a packet consists of.
    pub(super) fn discard(&mut self, load: Load) {
        if let Load::Packet(packet) = load {
            self.release_packet(packet);
        }
    }

    /// Whether all that a packet has crossed is trusted.
    fn has_trusted_past(&self, from: From, header: &Header) -> bool {
        self.networks[usize::from(from.network)].trusted && !header.flags.contains(Flags::UNSAFE)
    }

    /// Counts of a place at the end of the way that a packet has come.
    pub(super) fn counts(&self, from: From, header: &Header, counts: Counts) -> Counts {
        Counts {
            trusted: if self.has_trusted_past(from, header) {
                counts.trusted
            } else {
                0
            },
            ..counts
        }
    }

    /// Learns where the source of a packet is.
    fn learn_source(&mut self, from: From, header: &Header) {
        if from.network == LOCAL {
            return;
        }
        let one = Counts {
            locations: 1,
            trusted: 1,
        };
        let route = Route {
            network: from.network,
            location: from.location,
            hops: header.actual_hops,
            counts: self.counts(from, header, one),
            multicast: Membership::Unknown,
        };
        self.learn(header.source, route);
    }

    pub(super) fn learn(&mut self, address: proto::flip::Address, route: Route) {
        let has_room = self.table.install(address, route, false);
        self.statistics.no_route_room += u32::from(!has_room);
    }

    /// Whether a broadcast must be dropped because it was seen before or there are too many.
    fn is_unwanted_broadcast(&mut self, now: Milliseconds, from: From, header: &Header) -> bool {
        if self.networks[usize::from(from.network)].is_flooded(now) {
            self.statistics.flooded += 1;
            return true;
        }
        let is_known = self.loop_cache.is_known(header);
        self.statistics.seen_before += u32::from(is_known);
        is_known
    }

    fn locate(&mut self, now: Milliseconds, from: From, header: Header) {
        if self.is_unwanted_broadcast(now, from, &header) {
            return;
        }
        self.table.forget(header.source);
        self.learn_source(from, &header);
        if header.actual_hops == header.maximum_hops {
            if let Some(found) = self.table.found(header.destination, Some(from.network)) {
                let furthest = header.actual_hops.saturating_add(found.furthest);
                return self.answer(now, from, header, found.counts, furthest);
            }
        } else {
            self.table.forget(header.destination);
        }
        for network in 0..self.networks.len() as u8 {
            if network == from.network || !self.fits(network, &header) {
            } else if network != LOCAL {
                self.forward(now, network, Location::EVERYWHERE, header, Load::Nothing);
            } else if let Some(found) = self.table.found(header.destination, None)
                && self.table.is_here(header.destination)
            {
                self.answer(now, from, header, found.counts, header.actual_hops);
            }
        }
    }

    /// Answers a LOCATE.
    fn answer(&mut self, now: Milliseconds, from: From, mut header: Header, counts: Counts, furthest: u16) {
        self.statistics.answered += 1;
        header.kind = Kind::HereIs;
        header.maximum_hops = furthest;
        header.offset = 0;
        header.length = Counts::LENGTH as u32;
        header.total = Counts::LENGTH as u32;
        self.turn_back(now, from, header, Load::Counts(counts));
    }

    fn unidata(&mut self, now: Milliseconds, from: From, mut header: Header, load: Load) {
        self.learn_source(from, &header);
        let wanted = Wanted {
            except: Some(from.network),
            budget: header.maximum_hops - header.actual_hops,
            trusted: header.flags.contains(Flags::SECURITY),
        };
        match self.table.way(header.destination, wanted) {
            Way::Found(route) if route.network == LOCAL => {
                let (interface, endpoint) = route.location.endpoint();
                if self.interfaces.is_busy(interface, endpoint) {
                    header.kind = Kind::Busy;
                    self.statistics.turned_back += 1;
                    self.turn_back(now, from, header, load);
                } else {
                    self.deliver(interface, header, load);
                }
            }
            Way::Found(route) => self.forward(now, route.network, route.location, header, load),
            Way::None => {
                header.kind = Kind::NotHere;
                self.statistics.turned_back += 1;
                self.turn_back(now, from, header, load);
            }
            Way::Untrusted => {
                header.kind = Kind::Untrusted;
                header.flags |= Flags::UNREACHABLE;
                self.statistics.turned_back += 1;
                self.turn_back(now, from, header, load);
            }
        }
    }

    fn broadcast_data(&mut self, now: Milliseconds, from: From, header: Header, load: Load) {
        if self.is_unwanted_broadcast(now, from, &header) {
            return self.discard(load);
        }
        if header.offset == 0 && from.network != LOCAL {
            self.table.forget(header.source);
            self.learn_source(from, &header);
        }
        let mut ways = core::mem::take(&mut self.ways);
        ways.clear();
        for network in 1..self.networks.len() as u8 {
            if network != from.network && self.fits(network, &header) {
                ways.push(Route::to(network, Location::EVERYWHERE));
            }
        }
        let listeners = self.interfaces.broadcast_listeners();
        ways.extend(
            listeners
                .map(|(interface, endpoint)| Route::to(LOCAL, Location::of_endpoint(interface, endpoint))),
        );
        self.fan_out(now, ways, header, load);
    }

    fn multidata(&mut self, now: Milliseconds, from: From, header: Header, load: Load) {
        if header.offset == 0 {
            self.learn_source(from, &header);
        }
        let wanted = Wanted {
            except: Some(from.network),
            budget: header.maximum_hops - header.actual_hops,
            trusted: header.flags.contains(Flags::SECURITY),
        };
        let ways = self.ways(header.destination, wanted);
        self.fan_out(now, ways, header, load);
    }

    /// Sends a packet all these ways, the last in the buffer it came in. The list goes back into `self.ways`.
    fn fan_out(&mut self, now: Milliseconds, mut ways: alloc::vec::Vec<Route>, header: Header, load: Load) {
        if let (Load::Packet(packet), Some(last)) = (&load, ways.pop()) {
            for way in &ways {
                if let Some(copy) = self.copy(packet) {
                    self.send_one_way(now, *way, header, Load::Packet(copy));
                }
            }
            self.send_one_way(now, last, header, load);
        } else {
            self.discard(load);
        }
        ways.clear();
        self.ways = ways;
    }

    fn send_one_way(&mut self, now: Milliseconds, way: Route, header: Header, load: Load) {
        if way.network != LOCAL {
            return self.forward(now, way.network, way.location, header, load);
        }
        let (interface, endpoint) = way.location.endpoint();
        if self.interfaces.is_busy(interface, endpoint) {
            self.discard(load);
        } else {
            self.deliver(interface, header, load);
        }
    }

    /// The ways of a multicast, one a place, or one for a network all of whose places listen to the group of
    /// stations. Those that do not yet are asked to. The list goes back into `self.ways`.
    pub(super) fn ways(&mut self, to: proto::flip::Address, wanted: Wanted) -> alloc::vec::Vec<Route> {
        let mut ways = core::mem::take(&mut self.ways);
        ways.clear();
        self.table.ways(to, wanted, |way| ways.push(way));
        for network in 1..self.networks.len() as u8 {
            let on_network = |way: &Route| way.network == network;
            let places = ways.iter().filter(|way| on_network(way)).count();
            if places < 2 {
                continue;
            }
            let is_group = ways
                .iter()
                .filter(|way| on_network(way))
                .all(|way| way.multicast == Membership::Listening);
            if is_group {
                let mut is_first = true;
                ways.retain(|way| !on_network(way) || core::mem::take(&mut is_first));
                if let Some(way) = ways.iter_mut().find(|way| on_network(way)) {
                    way.location = Location::group(to);
                }
            } else {
                for way in ways.iter().filter(|way| on_network(way)) {
                    self.ask_to_listen(to, way);
                }
            }
        }
        ways
    }

    fn ask_to_listen(&mut self, address: proto::flip::Address, way: &Route) {
        if way.multicast != Membership::Unknown {
            return;
        }
        let request = MulticastRequest {
            group: address.ethernet_group(),
            address,
        };
        let is_asked = self
            .link(way.network)
            .is_some_and(|link| link.request(way.location, Request::Listen(request)));
        if is_asked {
            self.table
                .set_multicast(address, way.network, way.location, Membership::Asked);
        }
    }

    /// Another buffer with the same data.
    fn copy(&mut self, packet: &Packet) -> Option<Packet> {
        let mut copy = self.buffer()?;
        copy.copy_data(packet);
        Some(copy)
    }

    /// Hands a packet to a protocol above.
    pub(super) fn deliver(&mut self, interface: Interface, header: Header, load: Load) {
        let Load::Packet(packet) = load else {
            return;
        };
        self.events.push_back(Event::Received {
            interface,
            to: header.destination,
            from: header.source,
            message: header.message,
            offset: header.offset,
            length: header.length,
            total: header.total,
            flags: header.flags,
            body: Body::Packet(packet),
        });
    }

    /// Whether a packet may cross a network: it is on, near enough, and trusted if that matters.
    pub(super) fn fits(&self, network: u8, header: &Header) -> bool {
        let row = &self.networks[usize::from(network)];
        row.enabled
            && header.actual_hops.saturating_add(row.weight) <= header.maximum_hops
            && (row.trusted || !header.flags.contains(Flags::SECURITY))
    }

    /// Sends a packet on over an Ethernet.
    pub(super) fn forward(
        &mut self,
        now: Milliseconds,
        network: u8,
        to: Location,
        mut header: Header,
        load: Load,
    ) {
        if !self.fits(network, &header) {
            self.statistics.too_many_hops += 1;
            return self.discard(load);
        }
        header.actual_hops += self.networks[usize::from(network)].weight;
        self.statistics.forwarded += 1;
        self.enqueue_packet(now, network, to, Priority::Normal, header, load);
    }

    /// Puts a packet into the queue of an Ethernet.
    pub(super) fn enqueue_packet(
        &mut self,
        now: Milliseconds,
        network: u8,
        to: Location,
        priority: Priority,
        mut header: Header,
        load: Load,
    ) {
        if !self.networks[usize::from(network)].trusted {
            header.flags |= Flags::UNSAFE;
        }
        let waiting: usize = self.links().map(|link| link.buffers()).sum();
        if matches!(load, Load::Packet(_)) && waiting >= super::WAITING {
            self.statistics.no_room += 1;
            return self.discard(load);
        }
        let held = self.busy.contains(header.destination) && header.kind == Kind::Unidata;
        let Some(link) = self.link(network) else {
            return self.discard(load);
        };
        if let Err(load) = link.enqueue(now, to, priority, held, header, load) {
            self.statistics.no_room += 1;
            self.discard(load);
        }
    }
}
