//! What FLIP and the protocols above it say to each other: messages, calls, events.

use super::packet::Packet;
use bitflags::bitflags;
use proto::flip::{Address, Flags};

/// Time since the machine was started, or a span of it, in milliseconds.
pub type Milliseconds = u64;

/// What a message consists of. The network reads it when a fragment goes out, so user memory is copied only
/// once, into the card.
pub trait Data {
    /// Bytes in the message.
    fn length(&self) -> u32;

    /// Hands the bytes `offset .. offset + length` to `each`, in order, in as many slices as they lie in.
    fn parts(&self, offset: u32, length: u32, each: &mut dyn FnMut(&[u8]));
}

/// A protocol's connection with FLIP; at most 200 a kernel.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Interface(pub u16);

/// An address that an interface has registered; at most 100 an interface.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Endpoint(pub u16);

/// The number of a message, which an interface counts.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct MessageId(pub u32);

/// Where a message stands among those to the same address.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Priority {
    /// Behind those before it.
    Normal,
    /// At the head: what keeps a protocol going (acknowledgements, enquiries).
    Control,
}

bitflags! {
    /// How a message is to be sent.
    #[derive(Clone, Copy, Debug, PartialEq, Eq)]
    pub struct SendFlags: u32 {
        /// What is known of the destination's place is wrong: everybody shall forget it.
        const INVALIDATE = 1;
        /// The caller waits for the outcome. Whoever lets it wait hands it [`ReportFlags::error`] or success; to
        /// FLIP it is a message like any other.
        const SYNC = 2;
        /// Over trusted networks only.
        const SECURITY = 4;
        /// A multicast does not come back to the endpoint that sends it.
        const SKIP_SOURCE = 8;
    }
}

bitflags! {
    /// Why a message was not delivered; without any, the destination could not be found.
    #[derive(Clone, Copy, Debug, PartialEq, Eq)]
    pub struct ReportFlags: u32 {
        /// The destination is no longer where it was.
        const NOTHERE = 0x10;
        /// The destination can be reached over untrusted networks only.
        const UNTRUSTED = 0x20;
    }
}

impl ReportFlags {
    /// The result of a call whose caller waits for the outcome ([`SendFlags::SYNC`]).
    pub fn error(self) -> Error {
        if self.contains(ReportFlags::UNTRUSTED) {
            Error::Unsafe
        } else if self.contains(ReportFlags::NOTHERE) {
            Error::Unknown
        } else {
            Error::Timeout
        }
    }
}

/// Why a call failed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Error {
    /// A bad parameter, or a table is full (-1).
    Fail,
    /// The destination was not found in time (-2).
    Timeout,
    /// Too many messages are under way (-3).
    NoPacket,
    /// The destination is unknown (-4).
    Unknown,
    /// The destination can be reached over untrusted networks only (-5).
    Unsafe,
}

/// What protocols above FLIP call.
pub trait Below<D: Data> {
    /// Receives what is sent to the public address of `private`; the null address gets broadcasts.
    fn register(&mut self, interface: Interface, private: Address) -> Result<Endpoint, Error>;

    /// Ends what [`register`](Below::register) began.
    fn unregister(&mut self, interface: Interface, endpoint: Endpoint) -> Result<(), Error>;

    /// Sends `data` to the public address `to`, looking for it for `locate` milliseconds if need be.
    #[allow(clippy::too_many_arguments)]
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
    ) -> Result<MessageId, Error>;

    /// Sends `data` to all that have registered `to`, once `listeners` of them are known.
    #[allow(clippy::too_many_arguments)]
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
    ) -> Result<MessageId, Error>;

    /// Sends `data` to all that have registered the null address, as far as `hops` lead.
    fn broadcast(
        &mut self,
        now: Milliseconds,
        interface: Interface,
        endpoint: Endpoint,
        hops: u16,
        data: D,
    ) -> Result<MessageId, Error>;

    /// Takes a message back whose last fragment is not in the card yet. Its sender is told nothing more of it; what has
    /// gone has gone.
    fn cancel(&mut self, interface: Interface, message: MessageId) -> Option<D>;

    /// Gives back the buffer of an [`Event::Received`], with the credit that its sender lent.
    fn release(&mut self, packet: Packet);
}

/// What FLIP tells a protocol above.
#[derive(Debug)]
pub enum Event<D> {
    /// A fragment has arrived, or a whole message of the same machine.
    Received {
        /// Whose it is.
        interface: Interface,
        /// The address it was sent to; null for a broadcast.
        to: Address,
        /// The address it was sent from.
        from: Address,
        /// The sender's number of the message.
        message: u32,
        /// Place of the fragment in the message, in bytes.
        offset: u32,
        /// Bytes of the fragment.
        length: u32,
        /// Bytes of the message.
        total: u32,
        /// The flags of its header.
        flags: Flags,
        /// The bytes.
        body: Body<D>,
    },
    /// An own message did not reach its destination, or a fragment of it did not.
    NotDelivered {
        /// Whose it is.
        interface: Interface,
        /// The destination.
        to: Address,
        /// Which message.
        message: MessageId,
        /// Why.
        flags: ReportFlags,
        /// The message, of which nothing more goes out; `None` if all of it had gone and [`Event::Sent`] was told.
        data: Option<D>,
    },
    /// All fragments of an own message have gone to the card, or were handed over within the machine: its data
    /// may be reused.
    Sent {
        /// Whose it is.
        interface: Interface,
        /// Which message.
        message: MessageId,
    },
}

/// The bytes of a received fragment.
#[derive(Debug)]
pub enum Body<D> {
    /// In the buffer it arrived in, to be given back by [`Below::release`].
    Packet(Packet),
    /// A whole message of the same machine.
    Local(D),
}
