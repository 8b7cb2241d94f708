//! What goes onto one Ethernet: for each neighbour the packets for it, by the address they are for, and the
//! credits that both sides have with each other.
//!
//! * Fragments of UNIDATA messages that are longer than one fragment cost a credit. Nothing else does.
//! * Neighbours take turns, and for one neighbour the addresses take turns, a fragment at a time. Packets for one
//!   address go in order; urgent ones go to its head.
//! * A credit goes back when the receiver has done with the packet's buffer: along with data to the same
//!   neighbour, or alone once there are enough.
//! * A neighbour that gives no credits for 2 s is asked; after five questions without an answer the packets for it
//!   are given up, and the ways of theirs that lead there forgotten.
//!
//! An address whose queue is empty has no state, so its row is free at once. Neighbours are forgotten after 300 s.

mod frame;
mod neighbour;
mod withdraw;

use super::location::Location;
use super::packet::Packet;
use super::slab::{Linked, NONE, Queue, Slab};
use super::types::{Milliseconds, Priority};
use alloc::collections::VecDeque;
pub(super) use frame::{HeaderBytes, InCard};
pub(super) use neighbour::FlowControl;
use neighbour::{Neighbour, Neighbours};
use proto::ethernet;
use proto::flip::{Address, Counts, Header, Kind};
use proto::fragment_control::MulticastRequest;

/// The most data of a fragment on Ethernet, in bytes.
pub const FRAGMENT: u32 =
    (ethernet::LONGEST - ethernet::HEADER_LENGTH - proto::fragment_control::LENGTH - proto::flip::LENGTH)
        as u32;
/// Rows for addresses with packets.
const ADDRESSES: u16 = 400;
/// The most packets of others that wait, those made here about them included.
const OTHERS: usize = 50;
/// The most parts of own messages that wait.
const OWN: usize = 400;
/// The most multicast requests and answers that wait.
const REQUESTS: usize = 64;

/// What a packet consists of behind its header.
#[derive(Debug)]
pub(super) enum Load {
    /// Nothing.
    Nothing,
    /// The counts of a HEREIS.
    Counts(Counts),
    /// What came in a packet.
    Packet(Packet),
    /// The own message with this index; all of it, in as many fragments as needed.
    Message(u16),
}

/// A packet, or an own message.
#[derive(Debug)]
pub(super) struct Item {
    next: u16,
    pub(super) header: Header,
    pub(super) load: Load,
}

impl Linked for Item {
    fn next(&mut self) -> &mut u16 {
        &mut self.next
    }
}

/// The packets for one address at one neighbour.
#[derive(Debug)]
struct AddressRow {
    next: u16,
    address: Address,
    items: Queue,
    /// The address is busy: own messages to it wait. Packets go, among them those that it has turned back.
    held: bool,
}

impl AddressRow {
    /// The packet that is next to go, if one may.
    fn first<'a>(&self, items: &'a Slab<Item>) -> Option<&'a Item> {
        let item = &items[self.items.first()?];
        let must_wait = self.held && matches!(item.load, Load::Message(_));
        (!must_wait).then_some(item)
    }
}

impl Linked for AddressRow {
    fn next(&mut self) -> &mut u16 {
        &mut self.next
    }
}

/// A multicast request or its answer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Request {
    Listen(MulticastRequest),
    Listening(Address),
    Refused(Address),
}

/// One Ethernet.
#[derive(Debug)]
pub(super) struct Link {
    pub(super) station: ethernet::Address,
    neighbours: Neighbours,
    addresses: Slab<AddressRow>,
    items: Slab<Item>,
    /// Items that are no own messages.
    others: usize,
    /// Those of them that have a buffer.
    buffers: usize,
    /// Neighbours that have packets which may go.
    ready: Queue,
    requests: VecDeque<(Location, Request)>,
    /// Some neighbour keeps packets waiting for credits.
    is_starving: bool,
    /// What the card is sending.
    pub(super) in_card: Option<InCard>,
    pub(super) header_bytes: HeaderBytes,
}

/// Whether a packet costs a credit.
pub(super) fn costs_credit(header: &Header) -> bool {
    header.kind == Kind::Unidata && header.total > FRAGMENT
}

/// The address whose packets a packet queues with: where it goes.
fn goal(header: &Header) -> Address {
    match header.kind {
        Kind::Locate | Kind::Unidata | Kind::Multidata => header.destination,
        Kind::HereIs | Kind::NotHere | Kind::Untrusted | Kind::Busy => header.source,
    }
}

impl Link {
    /// The Ethernet of a card with this station address whose ring takes so many of the longest frames.
    pub(super) fn new(station: ethernet::Address, ring_packets: u16) -> Link {
        Link {
            station,
            neighbours: Neighbours::new(neighbour::most_credits(ring_packets)),
            addresses: Slab::new(ADDRESSES),
            items: Slab::new((OTHERS + OWN) as u16),
            others: 0,
            buffers: 0,
            ready: Queue::EMPTY,
            requests: VecDeque::with_capacity(REQUESTS),
            is_starving: false,
            in_card: None,
            header_bytes: HeaderBytes::new(),
        }
    }

    /// Whether nothing is in any queue, and the counts agree.
    #[cfg(test)]
    pub(super) fn is_empty(&self) -> bool {
        let rows = [
            self.items.used(),
            self.addresses.used(),
            self.others,
            self.buffers,
        ];
        rows == [0; 4] && self.requests.is_empty() && self.in_card.is_none()
    }

    /// Packet buffers that wait here.
    pub(super) fn buffers(&self) -> usize {
        self.buffers
    }

    /// Packets and parts of messages that wait.
    pub(super) fn queued(&self) -> usize {
        self.items.used()
    }

    /// Shows how every neighbour stands, until one gives an error.
    pub(super) fn each_neighbour<E>(
        &self,
        show: impl FnMut(Location, FlowControl) -> Result<(), E>,
    ) -> Result<(), E> {
        self.neighbours.each(show)
    }

    /// Puts a packet or a message into the queue of its goal at `to`. Without room it comes back.
    pub(super) fn enqueue(
        &mut self,
        now: Milliseconds,
        to: Location,
        priority: Priority,
        held: bool,
        header: Header,
        load: Load,
    ) -> Result<(), Load> {
        let is_own = matches!(load, Load::Message(_));
        let has_room = if is_own {
            self.items.used() - self.others < OWN
        } else {
            self.others < OTHERS
        };
        if !has_room {
            return Err(load);
        }
        let Some(neighbour) = self.neighbours.find_or_add(to, now) else {
            return Err(load);
        };
        let Some(row) = self.address_row(neighbour, goal(&header), held) else {
            return Err(load);
        };
        self.others += usize::from(!is_own);
        self.buffers += usize::from(matches!(load, Load::Packet(_)));
        let item = Item {
            next: NONE,
            header,
            load,
        };
        let item = self
            .items
            .insert(item)
            .expect("the numbers of items were checked");
        let items = &mut self.addresses[row].items;
        match priority {
            Priority::Normal => items.push_back(&mut self.items, item),
            Priority::Control => items.push_front(&mut self.items, item),
        }
        self.make_ready(neighbour);
        Ok(())
    }

    /// The row for an address at a neighbour, made if need be.
    fn address_row(&mut self, neighbour: u16, address: Address, held: bool) -> Option<u16> {
        let mut index = self.neighbours[neighbour].addresses.first();
        while let Some(row) = index {
            if self.addresses[row].address == address {
                return Some(row);
            }
            let next = self.addresses[row].next;
            index = (next != NONE).then_some(next);
        }
        let row = self.addresses.insert(AddressRow {
            next: NONE,
            address,
            items: Queue::EMPTY,
            held,
        });
        let row = row.ok()?;
        let mut queue = self.neighbours[neighbour].addresses;
        queue.push_back(&mut self.addresses, row);
        self.neighbours[neighbour].addresses = queue;
        Some(row)
    }

    fn make_ready(&mut self, neighbour: u16) {
        if !self.neighbours[neighbour].is_ready {
            self.neighbours[neighbour].is_ready = true;
            self.ready.push_back(self.neighbours.rows(), neighbour);
        }
    }

    /// Takes the next fragment in turn: its neighbour, and its item with what is left of it taken off.
    fn next_fragment(&mut self, now: Milliseconds) -> Option<Fragment> {
        while let Some(neighbour) = self.ready.pop_front(self.neighbours.rows()) {
            self.neighbours[neighbour].is_ready = false;
            if let Some(row) = self.next_address(neighbour) {
                let fragment = self.take_fragment(now, neighbour, row);
                self.make_ready(neighbour);
                return Some(fragment);
            }
            self.is_starving |=
                self.neighbours[neighbour].look_for_starvation(now, &self.addresses, &self.items);
        }
        None
    }

    /// The next address in turn that may send, first in the neighbour's queue afterwards.
    fn next_address(&mut self, neighbour: u16) -> Option<u16> {
        let mut queue = self.neighbours[neighbour].addresses;
        let has_credit = self.neighbours[neighbour].credits > 0;
        let start = queue.first();
        let mut found = None;
        while let Some(row) = queue.first() {
            let first = self.addresses[row].first(&self.items);
            if first.is_some_and(|item| has_credit || !costs_credit(&item.header)) {
                found = Some(row);
                break;
            }
            queue.pop_front(&mut self.addresses);
            queue.push_back(&mut self.addresses, row);
            if queue.first() == start {
                break;
            }
        }
        self.neighbours[neighbour].addresses = queue;
        found
    }

    /// Takes a fragment off the first item of an address, which stands first in the neighbour's queue.
    fn take_fragment(&mut self, now: Milliseconds, neighbour: u16, row: u16) -> Fragment {
        let first = self.addresses[row].items.first().expect("it was chosen for it");
        let item = &mut self.items[first];
        let mut header = item.header;
        let mut is_last = true;
        if matches!(item.load, Load::Message(_)) {
            header.length = FRAGMENT.min(header.total - header.offset);
            item.header.offset += header.length;
            is_last = item.header.offset == header.total;
        }
        let load = if is_last {
            self.addresses[row].items.pop_front(&mut self.items);
            self.remove_item(first).load
        } else {
            match item.load {
                Load::Message(message) => Load::Message(message),
                _ => unreachable!("only messages have several fragments"),
            }
        };
        let mut queue = self.neighbours[neighbour].addresses;
        queue.pop_front(&mut self.addresses);
        if self.addresses[row].items.is_empty() {
            self.addresses.remove(row);
        } else {
            queue.push_back(&mut self.addresses, row);
        }
        let at = &mut self.neighbours[neighbour];
        at.addresses = queue;
        at.used = now;
        at.credits -= u8::from(costs_credit(&header));
        Fragment {
            to: at.location,
            credits: self.neighbours.take_owed(neighbour),
            header,
            load,
            is_last,
        }
    }

    fn remove_item(&mut self, item: u16) -> Item {
        let item = self.items.remove(item);
        self.others -= usize::from(!matches!(item.load, Load::Message(_)));
        self.buffers -= usize::from(matches!(item.load, Load::Packet(_)));
        item
    }

    /// Queues a multicast request or an answer; without room it is dropped, for requests are repeated.
    pub(super) fn request(&mut self, to: Location, request: Request) -> bool {
        let has_room = self.requests.len() < REQUESTS;
        if has_room {
            self.requests.push_back((to, request));
        }
        has_room
    }

    /// A packet that cost a credit has come from `from`.
    pub(super) fn arrived(&mut self, now: Milliseconds, from: Location) {
        self.neighbours.arrived(now, from);
    }

    /// The buffer of such a packet is free again.
    pub(super) fn release(&mut self, from: Location) {
        self.neighbours.release(from);
    }

    /// `from` gives credits.
    pub(super) fn credit(&mut self, from: Location, count: u8) {
        if let Some(neighbour) = self.neighbours.credit(from, count) {
            self.make_ready(neighbour);
        }
    }

    /// `from` says how many credits there are.
    pub(super) fn absolute_credit(&mut self, from: Location, count: u8) {
        if let Some(neighbour) = self.neighbours.absolute_credit(from, count) {
            self.make_ready(neighbour);
        }
    }

    /// `from` asks how many credits it has.
    pub(super) fn credit_request(&mut self, now: Milliseconds, from: Location) {
        self.neighbours.credit_request(now, from);
    }

    /// Whether some neighbour keeps packets waiting for credits.
    pub(super) fn is_starving(&self) -> bool {
        self.is_starving
    }

    /// Forgets neighbours that were not heard of for long.
    pub(super) fn purge(&mut self, now: Milliseconds) {
        self.neighbours.purge(now);
    }
}

/// A fragment on its way to the card.
#[derive(Debug)]
struct Fragment {
    to: Location,
    /// Credits that go along.
    credits: u8,
    header: Header,
    load: Load,
    /// It is the last of its message.
    is_last: bool,
}

impl Neighbour {
    /// Notes since when packets wait for credits, and says whether any do.
    fn look_for_starvation(
        &mut self,
        now: Milliseconds,
        addresses: &Slab<AddressRow>,
        items: &Slab<Item>,
    ) -> bool {
        let mut index = self.addresses.first();
        while let Some(row) = index.and_then(|row| addresses.get(row)) {
            let is_waiting = row.first(items).is_some_and(|item| costs_credit(&item.header));
            if is_waiting {
                self.starving_since.get_or_insert(now);
                return true;
            }
            index = Some(row.next);
        }
        false
    }
}
