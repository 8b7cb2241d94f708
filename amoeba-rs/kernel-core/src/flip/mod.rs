//! FLIP, the fast local internet protocol (Kaashoek, van Renesse, van Staveren and Tanenbaum 1993, as Amoeba 5.3 has
//! it): messages between addresses that belong to processes, not machines.
//!
//! A kernel is a switch between networks. Network 0 lies within the machine and leads to the interfaces of
//! the protocols above; the others are Ethernets. What comes in is switched by its type and the routing table, so a
//! machine with two cards is a router.
//!
//! * [`types`]: what FLIP and the protocols above it say to each other; [`packet`]: the buffers.
//! * [`Flip`]: the calls of the protocols above (`calls`), the cards (`cards`) and time (`sweep`).
//! * `switch` and `back`: what happens to each type of packet, with `routes` (where addresses are) and
//!   `loop_cache` (what was broadcast lately).
//! * `send` and `locate`: own messages, and how destinations are found; `busy`: destinations that are about to move.
//! * `disturbance`: networks that lose and delay packets on purpose; [`report`]: tables and counts as text.
//! * `link`: what goes onto an Ethernet, in which order and with which credits; `multicast`: groups of stations.
//!
//! It is all plain state: frames, calls and the time come in, frames and [`Event`]s are asked for. All
//! tables have fixed sizes, and what finds no room is dropped and counted ([`Statistics`]).
//!
//! What a kernel does: after an interrupt it moves every received frame from the card into a buffer
//! ([`Flip::buffer`], [`packet::Packet::frame`], [`Flip::receive`]); it calls [`Flip::sweep`] when [`Flip::next_sweep`] has come; after either,
//! and after calls of the protocols above, it hands them their events ([`Flip::event`]) until there are none, and gives each card that
//! can send its next frame ([`Flip::next_frame`], [`Frame::parts`], [`Flip::transmitted`]). Packets in events go back by
//! [`types::Below::release`]: only then their sender may send more.
//!
//! Left out of the original: the short experimental packets of fragment control, which are ignored as there.

mod back;
mod busy;
mod calls;
mod cards;
mod disturbance;
mod interfaces;
mod link;
mod locate;
mod location;
mod loop_cache;
mod messages;
mod multicast;
mod networks;
pub mod packet;
pub mod report;
mod routes;
mod send;
mod slab;
mod sweep;
mod switch;
#[cfg(test)]
mod tests;
pub mod types;

use alloc::collections::VecDeque;
use alloc::vec::Vec;
use busy::Busy;
pub use cards::{Frame, Settings};
use disturbance::Disturbance;
pub use disturbance::{Change, Conditions, LONGEST_DELAY};
use interfaces::Interfaces;
pub use link::FRAGMENT;
use link::Link;
use locate::Search;
use location::Location;
use loop_cache::LoopCache;
use messages::{MESSAGES, Message};
use multicast::Listening;
pub use networks::Statistics;
use networks::{LOCAL, NetworkRow};
use packet::Pool;
pub use routes::Sizes;
use routes::{Route, Table};
use slab::Slab;
use sweep::Timers;
use types::Event;

/// Packet buffers of a kernel.
pub const PACKETS: usize = 80;
/// The most networks besides the one in the machine.
pub const NETWORKS: usize = 5;
/// Packet buffers that may wait for cards; the rest is for frames that come in.
const WAITING: usize = 50;
/// Events that may wait before no more messages are taken.
const EVENTS: usize = 512;
/// The most hops that a packet may make.
pub const MOST_HOPS: u16 = 25;

/// A network that a card leads to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Network(u8);

impl Network {
    /// Its number, from 1.
    pub fn number(self) -> usize {
        usize::from(self.0)
    }
}

/// The FLIP of one kernel; messages are of the type `D`.
#[derive(Debug)]
pub struct Flip<D> {
    /// The first one is the network within the machine.
    networks: Vec<NetworkRow>,
    table: Table,
    loop_cache: LoopCache,
    interfaces: Interfaces,
    messages: Slab<Message<D>>,
    searches: Vec<Search>,
    busy: Busy,
    disturbance: Disturbance,
    listening: Listening,
    pool: Pool,
    events: VecDeque<Event<D>>,
    timers: Timers,
    statistics: Statistics,
    /// Room for the ways of one multicast.
    ways: Vec<Route>,
}

/// Where a packet has come from.
#[derive(Clone, Copy, Debug)]
struct From {
    network: u8,
    location: Location,
}

impl<D> Flip<D> {
    /// A kernel's FLIP, at the time 0, without networks.
    pub fn new(sizes: Sizes) -> Flip<D> {
        Flip {
            networks: alloc::vec![NetworkRow::local()],
            table: Table::new(sizes),
            loop_cache: LoopCache::new(),
            interfaces: Interfaces::new(),
            messages: Slab::new(MESSAGES),
            searches: Vec::new(),
            busy: Busy::new(),
            disturbance: Disturbance::new(),
            listening: Listening::new(),
            pool: Pool::new(PACKETS),
            events: VecDeque::with_capacity(PACKETS),
            timers: Timers::new(),
            statistics: Statistics::default(),
            ways: Vec::new(),
        }
    }

    /// The next thing to tell a protocol above.
    pub fn event(&mut self) -> Option<Event<D>> {
        self.events.pop_front()
    }

    /// What was counted.
    pub fn statistics(&self) -> Statistics {
        self.statistics
    }

    /// Rows of the routing table in use: addresses, networks, places.
    pub fn routes(&self) -> [usize; 3] {
        self.table.used()
    }

    /// Buffers that nobody uses.
    pub fn free_packets(&self) -> usize {
        self.pool.free()
    }

    fn link(&mut self, network: u8) -> Option<&mut Link> {
        self.networks.get_mut(usize::from(network))?.link.as_mut()
    }

    fn links(&mut self) -> impl Iterator<Item = &mut Link> {
        self.networks.iter_mut().filter_map(|row| row.link.as_mut())
    }
}
