//! The rows of the routing table and what is done with them.

use super::{Found, Location, Membership, Route, Sizes, Wanted, Way};
use crate::flip::networks::LOCAL;
use crate::flip::slab::{NONE, Slab};
use proto::flip::{Address, Counts};

mod ageing;

/// Chains of addresses, by the lowest byte of the address.
const BUCKETS: usize = 256;

#[derive(Clone, Debug)]
struct AddressRow {
    address: Address,
    /// Next row of the same bucket.
    next: u16,
    /// First row of its networks.
    networks: u16,
    /// When it was last used, on the table's own clock.
    used: u32,
}

#[derive(Clone, Debug)]
struct NetworkRow {
    network: u8,
    next: u16,
    /// First row of its places.
    locations: u16,
}

#[derive(Clone, Debug)]
struct LocationRow {
    location: Location,
    next: u16,
    hops: u16,
    counts: Counts,
    /// Sweeps since it was used.
    idle: u16,
    /// It is in this machine.
    local: bool,
    multicast: Membership,
}

/// The table.
#[derive(Clone, Debug)]
pub(in crate::flip) struct Table {
    buckets: [u16; BUCKETS],
    addresses: Slab<AddressRow>,
    networks: Slab<NetworkRow>,
    locations: Slab<LocationRow>,
    /// Counts uses.
    clock: u32,
}

fn bucket(address: Address) -> usize {
    usize::from(address.0[0])
}

impl Table {
    pub(in crate::flip) fn new(sizes: Sizes) -> Table {
        Table {
            buckets: [NONE; BUCKETS],
            addresses: Slab::new(sizes.addresses),
            networks: Slab::new(sizes.networks),
            locations: Slab::new(sizes.locations),
            clock: 0,
        }
    }

    /// Rows in use, level by level.
    pub(in crate::flip) fn used(&self) -> [usize; 3] {
        [self.addresses.used(), self.networks.used(), self.locations.used()]
    }

    /// Learns a way to `address`, or that a known one still holds. Says whether there was room.
    pub(in crate::flip) fn install(&mut self, address: Address, route: Route, local: bool) -> bool {
        let Some(row) = self.find(address) else {
            return self.install_new(address, route, local);
        };
        self.touch(row);
        let Some(network) = self.network_row(row, route.network) else {
            return self.add_network(address, route, local);
        };
        let Some(location) = self.location_row(network, route.location) else {
            return self.add_location(address, route, local);
        };
        let known = &mut self.locations[location];
        known.hops = route.hops;
        known.counts = route.counts;
        known.idle = 0;
        true
    }

    /// The best way to `address`: the one with fewest hops, and of equals the one learnt last.
    pub(in crate::flip) fn way(&mut self, address: Address, wanted: Wanted) -> Way {
        let Some(row) = self.find(address) else {
            return Way::None;
        };
        let mut best: Option<(u16, Route)> = None;
        let mut has_untrusted = false;
        self.each(row, |index, route| {
            if wanted.except == Some(route.network) || route.hops > wanted.budget {
            } else if wanted.trusted && route.counts.trusted == 0 {
                has_untrusted = true;
            } else if best.is_none_or(|(_, best)| route.hops < best.hops) {
                best = Some((index, route));
            }
        });
        match best {
            Some((index, route)) => {
                self.locations[index].idle = 0;
                self.touch(row);
                Way::Found(route)
            }
            None if has_untrusted => Way::Untrusted,
            None => Way::None,
        }
    }

    /// Shows all ways to `address` that will do, and takes them for used.
    pub(in crate::flip) fn ways(&mut self, address: Address, wanted: Wanted, mut each: impl FnMut(Route)) {
        let Some(row) = self.find(address) else {
            return;
        };
        self.touch(row);
        let mut network = self.addresses[row].networks;
        while let Some(level) = self.networks.get(network) {
            let mut location = level.locations;
            while let Some(place) = self.locations.get_mut(location) {
                let is_trusted = !wanted.trusted || place.counts.trusted > 0;
                if wanted.except != Some(level.network) && place.hops <= wanted.budget && is_trusted {
                    place.idle = 0;
                    each(route(level.network, place));
                }
                location = place.next;
            }
            network = level.next;
        }
    }

    /// What is known of `address` beyond other networks than `except`; `None` if nothing.
    pub(in crate::flip) fn found(&self, address: Address, except: Option<u8>) -> Option<Found> {
        let mut found = Found {
            counts: Counts {
                locations: 0,
                trusted: 0,
            },
            furthest: 0,
        };
        self.each(self.find(address)?, |_, route| {
            if except != Some(route.network) {
                let counts = &mut found.counts;
                counts.locations = counts.locations.saturating_add(route.counts.locations);
                counts.trusted = counts.trusted.saturating_add(route.counts.trusted);
                found.furthest = found.furthest.max(route.hops);
            }
        });
        (found.counts.locations > 0).then_some(found)
    }

    /// One place of `address` can be reached over untrusted networks only.
    pub(in crate::flip) fn distrust(&mut self, address: Address, network: u8, location: Location) {
        if let Some(place) = self.place(address, network, location) {
            self.locations[place].counts.trusted = 0;
        }
    }

    /// Whether `address` is in this machine.
    pub(in crate::flip) fn is_here(&self, address: Address) -> bool {
        self.find(address).is_some_and(|row| self.is_local(row))
    }

    /// Forgets where `address` is, but for this machine.
    pub(in crate::flip) fn forget(&mut self, address: Address) {
        if let Some(row) = self.find(address) {
            self.retain(row, |_, place| place.local);
        }
    }

    /// Forgets one place of `address`, in this machine or not.
    pub(in crate::flip) fn remove(&mut self, address: Address, network: u8, location: Location) {
        if let Some(row) = self.find(address) {
            self.retain(row, |on, place| on != network || place.location != location);
        }
    }

    /// Forgets all that lies beyond a network.
    pub(in crate::flip) fn forget_network(&mut self, network: u8) {
        self.retain_all(|on, place| on != network || place.local);
    }

    /// Says whether the place listens to the address's Ethernet group.
    pub(in crate::flip) fn set_multicast(
        &mut self,
        address: Address,
        network: u8,
        location: Location,
        multicast: Membership,
    ) {
        if let Some(place) = self.place(address, network, location) {
            self.locations[place].multicast = multicast;
        }
    }

    fn find(&self, address: Address) -> Option<u16> {
        let mut index = self.buckets[bucket(address)];
        while let Some(row) = self.addresses.get(index) {
            if row.address == address {
                return Some(index);
            }
            index = row.next;
        }
        None
    }

    fn network_row(&self, row: u16, network: u8) -> Option<u16> {
        let mut index = self.addresses[row].networks;
        while let Some(level) = self.networks.get(index) {
            if level.network == network {
                return Some(index);
            }
            index = level.next;
        }
        None
    }

    fn location_row(&self, row: u16, location: Location) -> Option<u16> {
        let mut index = self.networks[row].locations;
        while let Some(place) = self.locations.get(index) {
            if place.location == location {
                return Some(index);
            }
            index = place.next;
        }
        None
    }

    fn place(&self, address: Address, network: u8, location: Location) -> Option<u16> {
        let row = self.network_row(self.find(address)?, network)?;
        self.location_row(row, location)
    }

    fn touch(&mut self, row: u16) {
        self.clock = self.clock.wrapping_add(1);
        self.addresses[row].used = self.clock;
    }

    /// Shows the places of an address with their rows.
    fn each(&self, row: u16, mut each: impl FnMut(u16, Route)) {
        let mut network = self.addresses[row].networks;
        while let Some(level) = self.networks.get(network) {
            let mut location = level.locations;
            while let Some(place) = self.locations.get(location) {
                each(location, route(level.network, place));
                location = place.next;
            }
            network = level.next;
        }
    }

    /// Shows every way to every address, and how many sweeps it was not used, until one gives an error.
    pub(in crate::flip) fn each_row<E>(
        &self,
        mut show: impl FnMut(Address, Route, u16) -> Result<(), E>,
    ) -> Result<(), E> {
        for (row, address) in self.addresses.iter() {
            let mut result = Ok(());
            self.each(row, |place, route| {
                if result.is_ok() {
                    result = show(address.address, route, self.locations[place].idle);
                }
            });
            result?;
        }
        Ok(())
    }

    fn install_new(&mut self, address: Address, route: Route, local: bool) -> bool {
        if self.addresses.is_full() && !self.purge(None) {
            return false;
        }
        self.clock = self.clock.wrapping_add(1);
        let inserted = self.addresses.insert(AddressRow {
            address,
            next: self.buckets[bucket(address)],
            networks: NONE,
            used: self.clock,
        });
        let Ok(row) = inserted else {
            return false;
        };
        self.buckets[bucket(address)] = row;
        let is_installed = self.add_network(address, route, local);
        if !is_installed {
            self.remove_address(row);
        }
        is_installed
    }

    fn add_network(&mut self, address: Address, route: Route, local: bool) -> bool {
        if self.networks.is_full() && !self.purge(Some(address)) {
            return false;
        }
        let Some(row) = self.find(address) else {
            return false;
        };
        let Ok(network) = self.networks.insert(NetworkRow {
            network: route.network,
            next: self.addresses[row].networks,
            locations: NONE,
        }) else {
            return false;
        };
        self.addresses[row].networks = network;
        let is_installed = self.add_location(address, route, local);
        if !is_installed {
            self.addresses[row].networks = self.networks.remove(network).next;
        }
        is_installed
    }

    fn add_location(&mut self, address: Address, route: Route, local: bool) -> bool {
        if self.locations.is_full() && !self.purge(Some(address)) {
            return false;
        }
        let network = self
            .find(address)
            .and_then(|row| self.network_row(row, route.network));
        let Some(network) = network else {
            return false;
        };
        let Ok(location) = self.locations.insert(LocationRow {
            location: route.location,
            next: self.networks[network].locations,
            hops: route.hops,
            counts: route.counts,
            idle: 0,
            local,
            multicast: route.multicast,
        }) else {
            return false;
        };
        self.networks[network].locations = location;
        true
    }

    /// The place of `address` in this machine.
    pub(in crate::flip) fn endpoint(&self, address: Address) -> Option<Location> {
        let row = self.find(address)?;
        let network = self.network_row(row, LOCAL)?;
        Some(self.locations[self.networks[network].locations].location)
    }

    fn is_local(&self, row: u16) -> bool {
        let mut network = self.addresses[row].networks;
        while let Some(level) = self.networks.get(network) {
            let mut location = level.locations;
            while let Some(place) = self.locations.get(location) {
                if place.local {
                    return true;
                }
                location = place.next;
            }
            network = level.next;
        }
        false
    }

    fn remove_address(&mut self, row: u16) {
        let AddressRow { address, next, .. } = self.addresses.remove(row);
        let mut index = self.buckets[bucket(address)];
        if index == row {
            self.buckets[bucket(address)] = next;
            return;
        }
        while self.addresses[index].next != row {
            index = self.addresses[index].next;
        }
        self.addresses[index].next = next;
    }
}

fn route(network: u8, place: &LocationRow) -> Route {
    Route {
        network,
        location: place.location,
        hops: place.hops,
        counts: place.counts,
        multicast: place.multicast,
    }
}
