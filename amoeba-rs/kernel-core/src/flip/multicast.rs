//! The Ethernet groups that this machine listens to because a neighbour asked it to.

use alloc::vec::Vec;
use proto::{ethernet, flip};

/// How many there can be.
const MOST: usize = 256;

/// The groups, by network and FLIP address.
#[derive(Clone, Debug)]
pub(super) struct Listening {
    entries: Vec<(u8, flip::Address)>,
}

impl Listening {
    pub(super) fn new() -> Listening {
        Listening {
            entries: Vec::with_capacity(MOST),
        }
    }

    /// Listens to the group of `address`, if there is room.
    pub(super) fn add(&mut self, network: u8, address: flip::Address) -> bool {
        if self.entries.contains(&(network, address)) {
            return true;
        }
        let has_room = self.entries.len() < MOST;
        if has_room {
            self.entries.push((network, address));
        }
        has_room
    }

    /// Keeps the addresses that `keep` approves of.
    pub(super) fn retain(&mut self, mut keep: impl FnMut(u8, flip::Address) -> bool) {
        self.entries.retain(|(network, address)| keep(*network, *address));
    }

    /// The groups on a network.
    pub(super) fn groups(&self, network: u8) -> impl Iterator<Item = ethernet::Address> {
        self.entries
            .iter()
            .filter(move |(on, _)| *on == network)
            .map(|(_, address)| address.ethernet_group())
    }
}
