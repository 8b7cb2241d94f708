//! The calls of the protocols above.

use super::link::Link;
use super::location::Location;
use super::messages::Message;
use super::packet::Packet;
use super::routes::{Membership, Route};
use super::send::Outcome;
use super::slab::NONE;
use super::types::{Below, Data, Endpoint, Error, Interface, MessageId, Milliseconds, Priority, SendFlags};
use super::{EVENTS, Flip};
use super::{LOCAL, MOST_HOPS};
use proto::flip::{Address, Counts, Kind};

/// What a call to send says.
struct Call {
    interface: Interface,
    endpoint: Endpoint,
    flags: SendFlags,
    to: Address,
    kind: Kind,
    priority: Priority,
    hops: u16,
    listeners: u32,
    deadline: Milliseconds,
}

impl<D: Data + Clone> Flip<D> {
    /// A new interface, unless there are 200.
    pub fn open(&mut self) -> Result<Interface, Error> {
        self.interfaces.open()
    }

    /// Ends an interface with all its endpoints.
    pub fn close(&mut self, interface: Interface) -> Result<(), Error> {
        loop {
            let endpoint = self.interfaces.endpoints(interface).next();
            let Some(endpoint) = endpoint else { break };
            self.unregister(interface, endpoint)?;
        }
        self.interfaces.close(interface)
    }

    /// Says whether the process of an endpoint is about to move: a busy endpoint stays where it is for everybody
    /// else, but packets for it are turned back as BUSY, to be sent again later.
    pub fn set_busy(&mut self, interface: Interface, endpoint: Endpoint, busy: bool) -> Result<(), Error> {
        self.interfaces.set_busy(interface, endpoint, busy)
    }

    /// Takes a message out of wherever it waits.
    pub(super) fn take_back(&mut self, index: u16) -> Message<D> {
        if !self.cancel_waiting(index) {
            let count: u16 = self.links().map(|link: &mut Link| link.cancel(index)).sum();
            debug_assert_eq!(count, self.messages[index].queued, "it stood in these queues");
        }
        self.messages.remove(index)
    }

    fn send(&mut self, now: Milliseconds, call: Call, data: D) -> Result<(u16, MessageId), Error> {
        let source = self.interfaces.address(call.interface, call.endpoint)?;
        if source.is_null() {
            return Err(Error::Fail);
        }
        if self.events.len() >= EVENTS {
            return Err(Error::NoPacket);
        }
        let id = self.interfaces.next_message(call.interface)?;
        let message = Message {
            next: NONE,
            interface: call.interface,
            endpoint: call.endpoint,
            source,
            to: call.to,
            id,
            kind: call.kind,
            flags: call.flags,
            priority: call.priority,
            hops: call.hops,
            listeners: call.listeners,
            deadline: call.deadline.max(now),
            total: data.length(),
            data,
            queued: 0,
            failed: false,
        };
        let index = self.messages.insert(message).map_err(|_| Error::NoPacket)?;
        Ok((index, id))
    }

    /// Sends a message, or lets it wait until its destination is found.
    fn send_or_locate(&mut self, now: Milliseconds, call: Call, data: D) -> Result<MessageId, Error> {
        if call.to.is_null() {
            return Err(Error::Fail);
        }
        let to = call.to;
        let invalidate = call.flags.contains(SendFlags::INVALIDATE) && !self.table.is_here(to);
        let (index, id) = self.send(now, call, data)?;
        if invalidate {
            self.table.forget(to);
        }
        let outcome = self.dispatch(now, index);
        let result = match outcome {
            Outcome::Gone => Ok(()),
            Outcome::NoRoom => Err(Error::NoPacket),
            Outcome::Unknown | Outcome::Untrusted | Outcome::Busy => self.look_for(now, index, invalidate),
        };
        if let Err(error) = result {
            self.messages.remove(index);
            return Err(error);
        }
        Ok(id)
    }
}

impl<D: Data + Clone> Below<D> for Flip<D> {
    fn register(&mut self, interface: Interface, private: Address) -> Result<Endpoint, Error> {
        let address = private.public();
        let endpoint = self.interfaces.register(interface, address)?;
        if address.is_null() {
            return Ok(endpoint);
        }
        let route = Route {
            network: LOCAL,
            location: Location::of_endpoint(interface, endpoint),
            hops: 0,
            counts: Counts {
                locations: 1,
                trusted: 1,
            },
            multicast: Membership::Unknown,
        };
        if self.table.install(address, route, true) {
            return Ok(endpoint);
        }
        self.interfaces.unregister(interface, endpoint)?;
        Err(Error::Fail)
    }

    fn unregister(&mut self, interface: Interface, endpoint: Endpoint) -> Result<(), Error> {
        let address = self.interfaces.unregister(interface, endpoint)?;
        self.table
            .remove(address, LOCAL, Location::of_endpoint(interface, endpoint));
        if !self.table.is_here(address) {
            self.listening.retain(|_, other| other != address);
        }
        loop {
            let own = |row: &Message<D>| row.interface == interface && row.endpoint == endpoint;
            let Some((index, _)) = self.messages.iter().find(|(_, row)| own(row)) else {
                return Ok(());
            };
            self.take_back(index);
        }
    }

    fn unicast(
        &mut self,
        now: Milliseconds,
        interface: Interface,
        endpoint: Endpoint,
        flags: SendFlags,
        to: Address,
        locate: Milliseconds,
        priority: Priority,
        data: D,
    ) -> Result<MessageId, Error> {
        let call = Call {
            interface,
            endpoint,
            flags,
            to,
            kind: Kind::Unidata,
            priority,
            hops: MOST_HOPS,
            listeners: 1,
            deadline: now.saturating_add(locate),
        };
        self.send_or_locate(now, call, data)
    }

    fn multicast(
        &mut self,
        now: Milliseconds,
        interface: Interface,
        endpoint: Endpoint,
        flags: SendFlags,
        to: Address,
        listeners: u32,
        locate: Milliseconds,
        data: D,
    ) -> Result<MessageId, Error> {
        let call = Call {
            interface,
            endpoint,
            flags,
            to,
            kind: Kind::Multidata,
            priority: Priority::Normal,
            hops: MOST_HOPS,
            listeners,
            deadline: now.saturating_add(locate),
        };
        self.send_or_locate(now, call, data)
    }

    fn broadcast(
        &mut self,
        now: Milliseconds,
        interface: Interface,
        endpoint: Endpoint,
        hops: u16,
        data: D,
    ) -> Result<MessageId, Error> {
        let call = Call {
            interface,
            endpoint,
            flags: SendFlags::empty(),
            to: Address::NULL,
            kind: Kind::Multidata,
            priority: Priority::Normal,
            hops: hops.min(MOST_HOPS),
            listeners: 0,
            deadline: now,
        };
        let (index, id) = self.send(now, call, data)?;
        self.dispatch_broadcast(now, index);
        Ok(id)
    }

    fn cancel(&mut self, interface: Interface, message: MessageId) -> Option<D> {
        let found = self
            .messages
            .iter()
            .find(|(_, row)| row.interface == interface && row.id == message);
        let index = found.map(|(index, _)| index)?;
        Some(self.take_back(index).data)
    }

    fn release(&mut self, packet: Packet) {
        self.release_packet(packet);
    }
}
