//! How rows of the routing table go: by age, for want of room, or because they are known to be wrong.

use super::{LocationRow, Table};
use crate::flip::routes::Membership;
use crate::flip::slab::NONE;
use proto::flip::Address;

impl Table {
    /// Makes all places a step older, and a table that is three quarters full forgets the old ones.
    pub(in crate::flip) fn sweep(&mut self) {
        let (mut sum, mut count) = (0_u32, 0_u32);
        for (_, place) in self.locations.iter_mut() {
            place.idle = place.idle.saturating_add(1);
            if place.multicast != Membership::Listening {
                place.multicast = Membership::Unknown;
            }
            if !place.local {
                sum += u32::from(place.idle);
                count += 1;
            }
        }
        let is_crowded = |used: usize, size: usize| used * 4 >= size * 3;
        let must_shrink = is_crowded(self.addresses.used(), self.addresses.size())
            || is_crowded(self.networks.used(), self.networks.size())
            || is_crowded(self.locations.used(), self.locations.size());
        if !must_shrink || count == 0 {
            return;
        }
        let average = sum / count;
        self.retain_all(|_, place| place.local || u32::from(place.idle) < average);
    }

    /// Forgets the address that was not used for longest, if there is one that may go.
    pub(super) fn purge(&mut self, except: Option<Address>) -> bool {
        let clock = self.clock;
        let oldest = self
            .addresses
            .iter()
            .filter(|(index, row)| Some(row.address) != except && !self.is_local(*index))
            .max_by_key(|(_, row)| clock.wrapping_sub(row.used))
            .map(|(index, _)| index);
        match oldest {
            Some(row) => {
                self.retain(row, |_, _| false);
                true
            }
            None => false,
        }
    }

    /// [`retain`](Table::retain) for all addresses.
    pub(super) fn retain_all(&mut self, mut keep: impl FnMut(u8, &LocationRow) -> bool) {
        for row in 0..self.addresses.size() as u16 {
            if self.addresses.get(row).is_some() {
                self.retain(row, &mut keep);
            }
        }
    }

    /// Keeps the places that `keep` approves of, and drops rows that lead nowhere any more.
    pub(super) fn retain(&mut self, row: u16, mut keep: impl FnMut(u8, &LocationRow) -> bool) {
        let mut last = NONE;
        let mut network = core::mem::replace(&mut self.addresses[row].networks, NONE);
        while network != NONE {
            let next = core::mem::replace(&mut self.networks[network].next, NONE);
            if self.retain_locations(network, &mut keep) {
                match self.networks.get_mut(last) {
                    Some(last) => last.next = network,
                    None => self.addresses[row].networks = network,
                }
                last = network;
            } else {
                self.networks.remove(network);
            }
            network = next;
        }
        if last == NONE {
            self.remove_address(row);
        }
    }

    /// Keeps the places of one network that `keep` approves of, in their order, and says whether there are any.
    fn retain_locations(&mut self, network: u16, keep: &mut impl FnMut(u8, &LocationRow) -> bool) -> bool {
        let on = self.networks[network].network;
        let mut last = NONE;
        let mut location = core::mem::replace(&mut self.networks[network].locations, NONE);
        while location != NONE {
            let next = core::mem::replace(&mut self.locations[location].next, NONE);
            if keep(on, &self.locations[location]) {
                match self.locations.get_mut(last) {
                    Some(last) => last.next = location,
                    None => self.networks[network].locations = location,
                }
                last = location;
            } else {
                self.locations.remove(location);
            }
            location = next;
        }
        last != NONE
    }
}
