//! The header of a FLIP packet, version 1: 40 bytes, integers in the sender's order, which a flag announces.
//! The counts that follow a HEREIS header are data to this module.

use crate::{ByteOrder, Error, array};
use bitflags::bitflags;

/// Bytes of the header.
pub const LENGTH: usize = 40;
/// The only version.
pub const VERSION: u8 = 1;

codes! {
    /// What a packet is.
    Kind: u8 {
        /// Where is this address?
        Locate = 1,
        /// It is here.
        HereIs = 2,
        /// Data for one destination.
        Unidata = 3,
        /// Data for several destinations.
        Multidata = 4,
        /// The destination is no longer there.
        NotHere = 5,
        /// The destination cannot be reached over trusted networks.
        Untrusted = 6,
    }
}

bitflags! {
    /// Flags of a packet.
    #[derive(Clone, Copy, Debug, PartialEq, Eq)]
    pub struct Flags: u8 {
        /// Integers have their most significant byte first.
        const BIG_ENDIAN = 0x01;
        /// A code field is present; never used.
        const CODE_FIELD = 0x02;
        /// May travel over trusted networks only.
        const SECURITY = 0x04;
        /// Could not be routed over trusted networks.
        const UNREACHABLE = 0x10;
        /// Has crossed an untrusted network.
        const UNSAFE = 0x20;
        /// Bits without a meaning are kept.
        const _ = !0;
    }
}

/// A FLIP address: seven bytes and a byte that tells its space apart. Never swapped.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Address(pub [u8; 8]);

impl Address {
    /// Stands for everyone as a destination.
    pub const NULL: Address = Address([0; 8]);
}

/// The header of a packet.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Header {
    /// What the packet is.
    pub kind: Kind,
    /// Its flags, the order of its integers among them.
    pub flags: Flags,
    /// Reserved byte, kept as it came.
    pub reserved: u8,
    /// Sum of the weights of the networks crossed so far.
    pub actual_hops: u16,
    /// The most that sum may become.
    pub maximum_hops: u16,
    /// Where it goes; null is everyone.
    pub destination: Address,
    /// Where it comes from.
    pub source: Address,
    /// Number of the message, counted by the sender.
    pub message: u32,
    /// Bytes of data in this packet.
    pub length: u32,
    /// Place of this packet's data in the message, in bytes.
    pub offset: u32,
    /// Bytes of data in the whole message.
    pub total: u32,
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
        let [version, kind, flags, reserved] = array(bytes, 0)?;
        if version != VERSION {
            return Err(Error::Version(version));
        }
        let flags = Flags::from_bits_retain(flags);
        let order = flags.byte_order();
        Ok(Header {
            kind: Kind::from_code(kind).ok_or(Error::Kind(kind))?,
            flags,
            reserved,
            actual_hops: order.read_u16(array(bytes, 4)?),
            maximum_hops: order.read_u16(array(bytes, 6)?),
            destination: Address(array(bytes, 8)?),
            source: Address(array(bytes, 16)?),
            message: order.read_u32(array(bytes, 24)?),
            length: order.read_u32(array(bytes, 28)?),
            offset: order.read_u32(array(bytes, 32)?),
            total: order.read_u32(array(bytes, 36)?),
        })
    }

    /// The bytes of the header, integers in the order that its flags announce.
    pub fn emit(&self) -> [u8; LENGTH] {
        let order = self.flags.byte_order();
        let mut bytes = [0; LENGTH];
        bytes[0..4].copy_from_slice(&[VERSION, self.kind.code(), self.flags.bits(), self.reserved]);
        bytes[4..6].copy_from_slice(&order.u16(self.actual_hops));
        bytes[6..8].copy_from_slice(&order.u16(self.maximum_hops));
        bytes[8..16].copy_from_slice(&self.destination.0);
        bytes[16..24].copy_from_slice(&self.source.0);
        bytes[24..28].copy_from_slice(&order.u32(self.message));
        bytes[28..32].copy_from_slice(&order.u32(self.length));
        bytes[32..36].copy_from_slice(&order.u32(self.offset));
        bytes[36..40].copy_from_slice(&order.u32(self.total));
        bytes
    }
}

#[cfg(test)]
mod tests {
    use super::{Flags, Header, Kind, LENGTH};
    use crate::Error;
    use proptest::prelude::{any, prop_assert_eq, proptest};

    fn packet(flags: Flags) -> [u8; LENGTH] {
        let mut bytes = [0; LENGTH];
        bytes[0] = 1;
        bytes[1] = Kind::Unidata.code();
        bytes[2] = flags.bits();
        bytes[24..28].copy_from_slice(&[1, 2, 3, 4]);
        bytes
    }

    #[test]
    fn integers_have_the_order_that_the_flag_announces() {
        assert_eq!(
            Header::parse(&packet(Flags::empty())).map(|header| header.message),
            Ok(0x0403_0201)
        );
        assert_eq!(
            Header::parse(&packet(Flags::BIG_ENDIAN)).map(|header| header.message),
            Ok(0x0102_0304)
        );
    }

    #[test]
    fn only_version_one_is_spoken() {
        let mut bytes = packet(Flags::empty());
        bytes[0] = 2;
        assert_eq!(Header::parse(&bytes), Err(Error::Version(2)));
    }

    #[test]
    fn thirty_nine_bytes_are_too_short() {
        assert_eq!(
            Header::parse(&packet(Flags::empty())[..39]),
            Err(Error::Truncated)
        );
    }

    proptest! {
        #[test]
        fn what_can_be_read_is_written_alike(kind in 1..=6_u8, rest in any::<[u8; 38]>()) {
            let mut bytes = [0; LENGTH];
            bytes[0] = 1;
            bytes[1] = kind;
            bytes[2..].copy_from_slice(&rest);
            prop_assert_eq!(Header::parse(&bytes).map(|header| header.emit()), Ok(bytes));
        }
    }
}
