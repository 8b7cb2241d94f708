//! The routing table: for each address the networks over which it can be reached, and for each of them the places
//! where it is. All three levels have fixed sizes.
//!
//! Every 25 s each place grows a step older; being used makes it young again. A table that is three quarters
//! full then forgets the places of average age and above. When a row is needed between sweeps, the address that
//! was not used for longest goes. Addresses of this machine never go by themselves.

mod table;
#[cfg(test)]
mod tests;

use super::location::Location;
use proto::flip::Counts;
pub(super) use table::Table;

/// How many rows a table has.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Sizes {
    /// Addresses.
    pub addresses: u16,
    /// Networks of all addresses.
    pub networks: u16,
    /// Places of all addresses.
    pub locations: u16,
}

impl Sizes {
    /// For a kernel that knows 200 others.
    pub const STANDARD: Sizes = Sizes {
        addresses: 400,
        networks: 400,
        locations: 600,
    };
}

/// A way to an address.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Route {
    /// Index of the network.
    pub(super) network: u8,
    /// Place on it.
    pub(super) location: Location,
    /// Weights of the networks on the way.
    pub(super) hops: u16,
    /// How many places lie behind this one.
    pub(super) counts: Counts,
    /// Whether the place listens to the address's Ethernet group.
    pub(super) multicast: Membership,
}

impl Route {
    /// A way that no address has; for broadcasts.
    pub(super) fn to(network: u8, location: Location) -> Route {
        Route {
            network,
            location,
            hops: 0,
            counts: Counts {
                locations: 0,
                trusted: 0,
            },
            multicast: Membership::Unknown,
        }
    }
}

/// Whether a place listens to the Ethernet group of an address.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Membership {
    /// It was not asked.
    Unknown,
    /// It was asked. At the next sweep that counts as not asked.
    Asked,
    /// It cannot. At the next sweep that counts as not asked.
    Refused,
    /// It does.
    Listening,
}

/// Which ways will do.
#[derive(Clone, Copy, Debug)]
pub(super) struct Wanted {
    /// Index of a network that the packet must not go to.
    pub(super) except: Option<u8>,
    /// The most hops.
    pub(super) budget: u16,
    /// Only ways over trusted networks.
    pub(super) trusted: bool,
}

/// The outcome of looking for a way.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Way {
    /// This one.
    Found(Route),
    /// There are only ways over untrusted networks.
    Untrusted,
    /// None, or none short enough.
    None,
}

/// The places of an address that lie beyond other networks than one.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Found {
    /// How many.
    pub(super) counts: Counts,
    /// Hops to the furthest one.
    pub(super) furthest: u16,
}
