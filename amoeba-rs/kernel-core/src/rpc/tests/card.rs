//! What a machine gives to the network of the tests, and the memory of its threads.

use crate::flip::packet::Packet;
use crate::flip::types::{
    Below, Data, Endpoint, Error, Interface, MessageId, Milliseconds, Priority, SendFlags,
};
use crate::rpc::{Buffer, Message, Notice, Rpc};
use proto::flip::Address;
use std::collections::BTreeMap;
use std::vec::Vec;

pub(super) const INTERFACE: Interface = Interface(3);

/// A thread's memory that holds its bytes.
#[derive(Clone, Default, PartialEq, Eq)]
pub(super) struct Memory(pub(super) Vec<u8>);

impl std::fmt::Debug for Memory {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(formatter, "{} bytes", self.0.len())
    }
}

impl Buffer for Memory {
    fn length(&self) -> u32 {
        self.0.len() as u32
    }

    fn read(&self, offset: u32, length: u32, each: &mut dyn FnMut(&[u8])) {
        // In two slices, as memory may lie.
        let bytes = &self.0[offset as usize..(offset + length) as usize];
        let (first, second) = bytes.split_at(bytes.len() / 3);
        each(first);
        each(second);
    }

    fn write(&mut self, offset: u32, bytes: &[u8]) {
        self.0[offset as usize..offset as usize + bytes.len()].copy_from_slice(bytes);
    }
}

pub(super) type Kernel = Rpc<Message<Memory>>;
pub(super) type Told = Notice<Memory>;

/// What a machine gives to the network.
#[derive(Debug)]
pub(super) enum Sent {
    Unicast(Outgoing, Address),
    Broadcast(Outgoing, u16),
}

#[derive(Debug)]
pub(super) struct Outgoing {
    pub(super) from: Address,
    pub(super) flags: SendFlags,
    pub(super) locate: Milliseconds,
    pub(super) priority: Option<Priority>,
    pub(super) message: MessageId,
    pub(super) data: Message<Memory>,
}

/// A machine's side of the network.
#[derive(Debug, Default)]
pub(super) struct Card {
    /// Public addresses by endpoint.
    pub(super) endpoints: Vec<Option<Address>>,
    messages: u32,
    pub(super) sent: Vec<Sent>,
    /// Addresses whose process is about to move.
    pub(super) busy: Vec<Address>,
    pub(super) released: u32,
    /// Messages to one machine that the network has not done with.
    pub(super) unsent: BTreeMap<u32, Message<Memory>>,
    /// Those of them that were taken back since the network looked.
    pub(super) cancelled: Vec<MessageId>,
    /// What every call answers, if not well.
    pub(super) failing: Option<Error>,
}

impl Card {
    fn outgoing(&mut self, endpoint: Endpoint, data: Message<Memory>) -> Result<Outgoing, Error> {
        if let Some(error) = self.failing {
            return Err(error);
        }
        self.messages += 1;
        let from = self.endpoints[usize::from(endpoint.0)].expect("a registered endpoint");
        Ok(Outgoing {
            from,
            flags: SendFlags::empty(),
            locate: 0,
            priority: None,
            message: MessageId(self.messages),
            data,
        })
    }
}

impl Below<Message<Memory>> for Card {
    fn register(&mut self, interface: Interface, private: Address) -> Result<Endpoint, Error> {
        assert_eq!(interface, INTERFACE);
        self.endpoints.push(Some(private.public()));
        Ok(Endpoint(self.endpoints.len() as u16 - 1))
    }

    fn unregister(&mut self, _: Interface, endpoint: Endpoint) -> Result<(), Error> {
        let place = &mut self.endpoints[usize::from(endpoint.0)];
        place.take().map(|_| ()).ok_or(Error::Fail)
    }

    fn unicast(
        &mut self,
        _: Milliseconds,
        interface: Interface,
        endpoint: Endpoint,
        flags: SendFlags,
        to: Address,
        locate: Milliseconds,
        priority: Priority,
        data: Message<Memory>,
    ) -> Result<MessageId, Error> {
        assert_eq!(interface, INTERFACE);
        let outgoing = Outgoing {
            flags,
            locate,
            priority: Some(priority),
            ..self.outgoing(endpoint, data)?
        };
        let message = outgoing.message;
        self.unsent.insert(message.0, outgoing.data.clone());
        self.sent.push(Sent::Unicast(outgoing, to));
        Ok(message)
    }

    fn multicast(
        &mut self,
        _: Milliseconds,
        _: Interface,
        _: Endpoint,
        _: SendFlags,
        _: Address,
        _: u32,
        _: Milliseconds,
        _: Message<Memory>,
    ) -> Result<MessageId, Error> {
        panic!("transactions do not use multicast");
    }

    fn broadcast(
        &mut self,
        _: Milliseconds,
        interface: Interface,
        endpoint: Endpoint,
        hops: u16,
        data: Message<Memory>,
    ) -> Result<MessageId, Error> {
        assert_eq!(interface, INTERFACE);
        let outgoing = self.outgoing(endpoint, data)?;
        let message = outgoing.message;
        self.sent.push(Sent::Broadcast(outgoing, hops));
        Ok(message)
    }

    fn set_busy(&mut self, _: Interface, endpoint: Endpoint, busy: bool) -> Result<(), Error> {
        let address = self.endpoints[usize::from(endpoint.0)].ok_or(Error::Fail)?;
        self.busy.retain(|known| *known != address);
        if busy {
            self.busy.push(address);
        }
        Ok(())
    }

    fn is_busy(&self, to: Address) -> bool {
        self.busy.contains(&to)
    }

    fn holds(&self, _: Address) -> bool {
        false
    }

    fn cancel(&mut self, interface: Interface, message: MessageId) -> Option<Message<Memory>> {
        assert_eq!(interface, INTERFACE);
        let data = self.unsent.remove(&message.0)?;
        self.cancelled.push(message);
        Some(data)
    }

    fn release(&mut self, _: Packet) {
        self.released += 1;
    }
}

/// All bytes of a message.
pub(super) fn bytes(data: &Message<Memory>) -> Vec<u8> {
    let mut bytes = Vec::new();
    data.parts(0, data.length(), &mut |part| bytes.extend_from_slice(part));
    bytes
}
