//! Where an address is on one network.

use super::types::{Endpoint, Interface};
use proto::{ethernet, flip};

/// A place on a network: a station of an Ethernet, or an endpoint of the network within the machine.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Location(pub(super) [u8; 6]);

impl Location {
    /// Every place on the network.
    pub(super) const EVERYWHERE: Location = Location(ethernet::Address::BROADCAST.0);

    /// The stations that listen for `address`.
    pub(super) fn group(address: flip::Address) -> Location {
        Location(address.ethernet_group().0)
    }

    pub(super) fn station(station: ethernet::Address) -> Location {
        Location(station.0)
    }

    /// Whether it is one place and not several.
    pub(super) fn is_single(self) -> bool {
        self.0[0] & 1 == 0
    }

    pub(super) fn of_endpoint(interface: Interface, endpoint: Endpoint) -> Location {
        let [a, b] = interface.0.to_be_bytes();
        let [c, d] = endpoint.0.to_be_bytes();
        Location([0, 0, a, b, c, d])
    }

    /// The endpoint that this is on the network within the machine.
    pub(super) fn endpoint(self) -> (Interface, Endpoint) {
        let [_, _, a, b, c, d] = self.0;
        (
            Interface(u16::from_be_bytes([a, b])),
            Endpoint(u16::from_be_bytes([c, d])),
        )
    }
}
