//! Own messages: from the call until their last fragment is in the card, or until they are given up.

use super::slab::Linked;
use super::types::{Body, Endpoint, Event, Interface, MessageId, Milliseconds, Priority, SendFlags};
use proto::flip::{Address, Flags, Header, Kind};

/// How many there are at most.
pub(super) const MESSAGES: u16 = 200;

/// A message.
#[derive(Clone, Debug)]
pub(super) struct Message<D> {
    /// The next one that waits for the same destination to be found.
    pub(super) next: u16,
    pub(super) interface: Interface,
    pub(super) endpoint: Endpoint,
    /// Whose it is; public.
    pub(super) source: Address,
    pub(super) to: Address,
    pub(super) id: MessageId,
    /// [`Kind::Unidata`] or [`Kind::Multidata`].
    pub(super) kind: Kind,
    pub(super) flags: SendFlags,
    pub(super) priority: Priority,
    /// The most hops it may make.
    pub(super) hops: u16,
    /// How many places must be known.
    pub(super) listeners: u32,
    /// Until when its destination is looked for.
    pub(super) deadline: Milliseconds,
    pub(super) data: D,
    pub(super) total: u32,
    /// In how many queues it stands.
    pub(super) queued: u16,
    /// A fragment was given up.
    pub(super) failed: bool,
}

impl<D> Linked for Message<D> {
    fn next(&mut self) -> &mut u16 {
        &mut self.next
    }
}

impl<D> Message<D> {
    pub(super) fn is_secure(&self) -> bool {
        self.flags.contains(SendFlags::SECURITY)
    }

    fn wire_flags(&self) -> Flags {
        if self.is_secure() {
            Flags::SECURITY
        } else {
            Flags::empty()
        }
    }

    /// What its sender is told when it has gone.
    pub(super) fn sent(&self) -> Event<D> {
        Event::Sent {
            interface: self.interface,
            message: self.id,
        }
    }

    /// What an interface of the same machine is told when it gets the message.
    pub(super) fn received(self, interface: Interface) -> Event<D> {
        Event::Received {
            interface,
            to: self.to,
            from: self.source,
            message: self.id.0,
            offset: 0,
            length: self.total,
            total: self.total,
            flags: self.wire_flags(),
            body: Body::Local(self.data),
        }
    }

    /// The header of its first fragment before it has left the machine.
    pub(super) fn header(&self) -> Header {
        Header {
            kind: self.kind,
            flags: self.wire_flags(),
            reserved: 0,
            actual_hops: 0,
            maximum_hops: self.hops,
            destination: self.to,
            source: self.source,
            message: self.id.0,
            length: self.total,
            offset: 0,
            total: self.total,
        }
    }
}
