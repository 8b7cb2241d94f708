//! Packets that are in the queues of an Ethernet and do not go, for now or at all: their address is busy, their
//! neighbour does not answer, or their sender takes them back.

use super::{InCard, Item, Link, Load};
use crate::flip::location::Location;
use crate::flip::slab::Queue;
use crate::flip::types::Milliseconds;
use proto::flip::Address;

impl Link {
    /// Lets nothing go to a busy address, or lets it go again.
    pub(in crate::flip) fn hold(&mut self, address: Address, held: bool) {
        let mut has_changed = false;
        for (_, row) in self.addresses.iter_mut() {
            if row.address == address {
                has_changed |= row.held && !held;
                row.held = held;
            }
        }
        if has_changed {
            for neighbour in 0..self.neighbours.size() {
                if self.neighbours.has_packets(neighbour) {
                    self.make_ready(neighbour);
                }
            }
        }
    }

    /// Asks neighbours for credits, and hands the packets for those who do not answer to `give_up`, with their place.
    pub(in crate::flip) fn sweep(&mut self, now: Milliseconds, mut give_up: impl FnMut(Location, Item)) {
        while let Some(neighbour) = self.neighbours.next_silent(now) {
            let place = self.neighbours[neighbour].location;
            let mut queue = core::mem::replace(&mut self.neighbours[neighbour].addresses, Queue::EMPTY);
            while let Some(row) = queue.pop_front(&mut self.addresses) {
                let mut items = self.addresses.remove(row).items;
                while let Some(item) = items.pop_front(&mut self.items) {
                    give_up(place, self.remove_item(item));
                }
            }
        }
        self.is_starving = self.neighbours.is_starving();
    }

    /// Takes an own message out of all queues; says how often it stood there.
    pub(in crate::flip) fn cancel(&mut self, message: u16) -> u16 {
        let mut count = 0;
        for neighbour in 0..self.neighbours.size() {
            if !self.neighbours.has_packets(neighbour) {
                continue;
            }
            let mut queue = Queue::EMPTY;
            let mut before = self.neighbours[neighbour].addresses;
            while let Some(row) = before.pop_front(&mut self.addresses) {
                count += self.cancel_for_address(row, message);
                if self.addresses[row].items.is_empty() {
                    self.addresses.remove(row);
                } else {
                    queue.push_back(&mut self.addresses, row);
                }
            }
            self.neighbours[neighbour].addresses = queue;
        }
        if let Some(InCard { load, .. }) = &mut self.in_card
            && matches!(load, Load::Message(index) if *index == message)
        {
            count += u16::from(self.in_card.as_ref().is_some_and(|in_card| in_card.is_last));
            self.in_card = Some(InCard::NOTHING);
        }
        count
    }

    fn cancel_for_address(&mut self, row: u16, message: u16) -> u16 {
        let mut count = 0;
        let mut kept = Queue::EMPTY;
        let mut before = self.addresses[row].items;
        while let Some(item) = before.pop_front(&mut self.items) {
            if matches!(self.items[item].load, Load::Message(index) if index == message) {
                self.remove_item(item);
                count += 1;
            } else {
                kept.push_back(&mut self.items, item);
            }
        }
        self.addresses[row].items = kept;
        count
    }
}
