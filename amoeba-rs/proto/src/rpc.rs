//! The header by which kernels carry out a transaction: 24 bytes at the start of the FLIP data.
//! In broadcast packets the number of the protocol stands in front of it, always with its most significant byte
//! first; behind that of a FORWARD stands the address of the process that the request goes to, and behind those of
//! a REQUEST and a REPLY the [header that users see](crate::message) and their data.

use crate::capability::Port;
use crate::flip::Address;
use crate::{ByteOrder, Error, array};
use bitflags::bitflags;

/// Bytes of the header.
pub const LENGTH: usize = 24;
/// Bytes of the protocol number in front of it in broadcast packets.
pub const PROTOCOL_LENGTH: usize = 4;
/// Bytes of the address behind the header of a FORWARD.
pub const FORWARD_LENGTH: usize = 8;

codes! {
    /// Which protocol a broadcast packet belongs to.
    Protocol: u32 {
        /// Transactions.
        Rpc = 1,
        /// Group communication.
        Group = 2,
    }
}

impl Protocol {
    /// Reads the number at the start of `bytes`.
    pub fn parse(bytes: &[u8]) -> Result<Protocol, Error> {
        let number = u32::from_be_bytes(array(bytes, 0)?);
        Protocol::from_code(number).ok_or(Error::Protocol(number))
    }

    /// The bytes of the number.
    pub fn emit(self) -> [u8; PROTOCOL_LENGTH] {
        self.code().to_be_bytes()
    }
}

/// Reads where a FORWARD, whose bytes from its header on these are, sends the client.
pub fn parse_forward(bytes: &[u8]) -> Result<Address, Error> {
    array(bytes, LENGTH).map(Address)
}

codes! {
    /// What a packet of a transaction is.
    Kind: u8 {
        /// Who listens on this port?
        Locate = 1,
        /// I do.
        HereIs = 2,
        /// A request, with a user header.
        Request = 3,
        /// A reply, with a user header.
        Reply = 4,
        /// Arrived.
        Acknowledge = 5,
        /// Not wanted.
        Refuse = 6,
        /// Are you still working on it?
        Enquire = 7,
        /// I am.
        Alive = 8,
        /// Did you get my request, or my reply?
        Received = 9,
        /// Go there instead.
        Forward = 10,
        /// The transaction is aborted.
        Fail = 11,
    }
}

bitflags! {
    /// Flags of a packet.
    #[derive(Clone, Copy, Debug, PartialEq, Eq)]
    pub struct Flags: u8 {
        /// Integers have their most significant byte first.
        const BIG_ENDIAN = 0x01;
        /// This request was sent before.
        const RETRANSMISSION = 0x02;
        /// `Received` asks about a request.
        const REQUEST = 0x04;
        /// `Received` asks about a reply.
        const REPLY = 0x08;
        /// Pass a signal on to the server.
        const SIGNAL = 0x10;
        /// Bits without a meaning are kept.
        const _ = !0;
    }
}

/// The header of a packet of a transaction.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Header {
    /// Eight random bytes that the client's kernel chose when it started, or that go with a client from machine to machine: who
    /// counts the transactions.
    pub kernel: [u8; 8],
    /// The put-port of the service.
    pub port: Port,
    /// What the packet is.
    pub kind: Kind,
    /// Its flags, the order of its integers among them.
    pub flags: Flags,
    /// Number of the transaction.
    pub transaction: u32,
    /// Index of the receiving thread; in a request the client's round trip in milliseconds.
    pub destination: u16,
    /// Index of the sending thread.
    pub source: u16,
}

impl Flags {
    /// The order of the integers of a packet with these flags.
    pub fn byte_order(self) -> ByteOrder {
        if self.contains(Flags::BIG_ENDIAN) {
            ByteOrder::Big
        } else {
            ByteOrder::Little
        }
    }
}

impl Header {
    /// Reads the header at the start of `bytes`.
    pub fn parse(bytes: &[u8]) -> Result<Header, Error> {
        let [kind, flags] = array(bytes, 14)?;
        let flags = Flags::from_bits_retain(flags);
        let order = flags.byte_order();
        Ok(Header {
            kernel: array(bytes, 0)?,
            port: Port(array(bytes, 8)?),
            kind: Kind::from_code(kind).ok_or(Error::Kind(kind))?,
            flags,
            transaction: order.read_u32(array(bytes, 16)?),
            destination: order.read_u16(array(bytes, 20)?),
            source: order.read_u16(array(bytes, 22)?),
        })
    }

    /// The bytes of the header, integers in the order that its flags announce.
    pub fn emit(&self) -> [u8; LENGTH] {
        let order = self.flags.byte_order();
        let mut bytes = [0; LENGTH];
        bytes[0..8].copy_from_slice(&self.kernel);
        bytes[8..14].copy_from_slice(&self.port.0);
        bytes[14] = self.kind.code();
        bytes[15] = self.flags.bits();
        bytes[16..20].copy_from_slice(&order.u32(self.transaction));
        bytes[20..22].copy_from_slice(&order.u16(self.destination));
        bytes[22..24].copy_from_slice(&order.u16(self.source));
        bytes
    }
}

#[cfg(test)]
mod tests {
    use super::{Flags, Header, Kind, LENGTH, Protocol, parse_forward};
    use crate::Error;
    use crate::capability::Port;
    use crate::flip::Address;
    use proptest::prelude::{any, prop_assert_eq, proptest};

    #[test]
    fn there_is_no_type_twelve() {
        let mut bytes = [0; LENGTH];
        bytes[14] = 12;
        assert_eq!(Header::parse(&bytes), Err(Error::Kind(12)));
    }

    #[test]
    fn the_transaction_number_follows_the_byte_order_flag() {
        let mut bytes = [0; LENGTH];
        bytes[14] = 3;
        bytes[16] = 1;
        assert_eq!(Header::parse(&bytes).map(|header| header.transaction), Ok(1));
        bytes[15] = 1;
        assert_eq!(
            Header::parse(&bytes).map(|header| header.transaction),
            Ok(0x0100_0000)
        );
    }

    #[test]
    fn every_field_has_its_place() {
        let header = Header {
            kernel: [1, 2, 3, 4, 5, 6, 7, 8],
            port: Port([9, 10, 11, 12, 13, 14]),
            kind: Kind::Received,
            flags: Flags::REPLY | Flags::RETRANSMISSION,
            transaction: 0x1413_1211,
            destination: 0x1615,
            source: 0x1817,
        };
        let expected = [
            1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 9, 0x0a, 0x11, 0x12, 0x13, 0x14, 0x15, 0x16, 0x17,
            0x18,
        ];
        assert_eq!(header.emit(), expected);
    }

    #[test]
    fn the_protocol_number_has_its_most_significant_byte_first() {
        assert_eq!(Protocol::Rpc.emit(), [0, 0, 0, 1]);
        assert_eq!(Protocol::parse(&[0, 0, 0, 2]), Ok(Protocol::Group));
        assert_eq!(Protocol::parse(&[1, 0, 0, 0]), Err(Error::Protocol(0x0100_0000)));
    }

    #[test]
    fn the_address_of_a_forward_stands_behind_the_header() {
        let mut bytes = [0; LENGTH + 8];
        bytes[LENGTH..].copy_from_slice(&[8, 7, 6, 5, 4, 3, 2, 1]);
        assert_eq!(parse_forward(&bytes), Ok(Address([8, 7, 6, 5, 4, 3, 2, 1])));
        assert_eq!(parse_forward(&bytes[..31]), Err(Error::Truncated));
    }

    proptest! {
        #[test]
        fn what_can_be_read_is_written_alike(mut bytes in any::<[u8; LENGTH]>(), kind in 1..=11_u8) {
            bytes[14] = kind;
            prop_assert_eq!(Header::parse(&bytes).map(|header| header.emit()), Ok(bytes));
        }
    }
}
