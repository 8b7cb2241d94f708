//! The header by which kernels carry out a transaction: 24 bytes at the start of the FLIP data.
//! The protocol number that broadcast packets carry in front of it, and the address behind a FORWARD,
//! are not part of it.

use crate::capability::Port;
use crate::{ByteOrder, Error, array};
use bitflags::bitflags;

/// Bytes of the header.
pub const LENGTH: usize = 24;

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
    /// Eight random bytes that the client's kernel chose when it started.
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
    use super::{Header, LENGTH};
    use crate::Error;
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

    proptest! {
        #[test]
        fn what_can_be_read_is_written_alike(mut bytes in any::<[u8; LENGTH]>(), kind in 1..=11_u8) {
            bytes[14] = kind;
            prop_assert_eq!(Header::parse(&bytes).map(|header| header.emit()), Ok(bytes));
        }
    }
}
