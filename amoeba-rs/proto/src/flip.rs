//! The header of a FLIP packet, version 1: 40 bytes, integers in the sender's order, which a flag announces.
//! Behind the header of a HEREIS stand two counts ([`Counts`]); the data of other packets means nothing here.

use crate::{ByteOrder, Error, array, ethernet, one_way};
use bitflags::bitflags;

/// Bytes of the header.
pub const LENGTH: usize = 40;
/// The only version.
pub const VERSION: u8 = 1;
/// Place of the space in an address.
const SPACE: usize = 7;

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
        /// The destination takes no data at present; its process is about to move (Steketee, Socko and
        /// Kiepuszewski 1996, section 5.2).
        Busy = 7,
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

    /// The byte that tells its space: 0 for addresses of kernels and their processes.
    pub const fn space(self) -> u8 {
        self.0[SPACE]
    }

    /// Whether it stands for everyone.
    pub fn is_null(self) -> bool {
        self == Address::NULL
    }

    /// The address that 56 of 64 random bits make; its space is 0.
    pub fn from_random(random: [u16; 4]) -> Address {
        let mut bytes = [0; 8];
        for (pair, word) in bytes.chunks_exact_mut(2).zip(random) {
            pair.copy_from_slice(&word.to_le_bytes());
        }
        bytes[SPACE] = 0;
        Address(bytes)
    }

    /// The public address of this private one: zeros enciphered with it by DES (FIPS 46-3), in its own space.
    /// The null address of a space is its own public address, and no other becomes null.
    pub fn public(self) -> Address {
        if self.is_null_in_its_space() {
            return self;
        }
        let mut public = self.encipher();
        if public.is_null_in_its_space() {
            public = public.encipher();
        }
        public.0[SPACE] = self.0[SPACE];
        public
    }

    fn encipher(self) -> Address {
        let mut bytes = one_way::encrypt(u64::from_be_bytes(self.0), 0).to_be_bytes();
        bytes[SPACE] = 0;
        Address(bytes)
    }

    fn is_null_in_its_space(self) -> bool {
        self.0[..SPACE].iter().all(|byte| *byte == 0)
    }

    /// The Ethernet address of the stations that listen for this group.
    pub fn ethernet_group(self) -> ethernet::Address {
        let [_, _, a, b, c, d, _, _] = self.0;
        ethernet::Address([0x55, 0x55, a, b, c, d])
    }
}

/// How often a destination was found, as a HEREIS says behind its header.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Counts {
    /// Places where the address is.
    pub locations: u16,
    /// Those of them that can be reached over trusted networks alone.
    pub trusted: u16,
}

impl Counts {
    /// Bytes of the counts.
    pub const LENGTH: usize = 4;

    /// Reads the counts at the start of `bytes`, in the order that the header's flags announce.
    pub fn parse(bytes: &[u8], order: ByteOrder) -> Result<Counts, Error> {
        Ok(Counts {
            locations: order.read_u16(array(bytes, 0)?),
            trusted: order.read_u16(array(bytes, 2)?),
        })
    }

    /// The bytes of the counts.
    pub fn emit(&self, order: ByteOrder) -> [u8; Counts::LENGTH] {
        let [a, b] = order.u16(self.locations);
        let [c, d] = order.u16(self.trusted);
        [a, b, c, d]
    }
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
    use super::{Address, Counts, Flags, Header, Kind, LENGTH};
    use crate::{ByteOrder, Error, ethernet, one_way};
    use proptest::prelude::{any, prop_assert_eq, prop_assert_ne, proptest};

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

    #[test]
    fn busy_is_type_seven_and_there_is_no_type_eight() {
        let mut bytes = packet(Flags::empty());
        bytes[1] = 7;
        assert_eq!(Header::parse(&bytes).map(|header| header.kind), Ok(Kind::Busy));
        bytes[1] = 8;
        assert_eq!(Header::parse(&bytes), Err(Error::Kind(8)));
    }

    #[test]
    fn the_counts_are_locations_then_trusted_ones() {
        let counts = Counts {
            locations: 0x0102,
            trusted: 0x0304,
        };
        assert_eq!(counts.emit(ByteOrder::Little), [2, 1, 4, 3]);
        assert_eq!(counts.emit(ByteOrder::Big), [1, 2, 3, 4]);
        assert_eq!(Counts::parse(&[1, 2, 3, 4], ByteOrder::Big), Ok(counts));
        assert_eq!(
            Counts::parse(&[2, 1, 4], ByteOrder::Little),
            Err(Error::Truncated)
        );
    }

    #[test]
    fn a_public_address_is_zeros_enciphered_with_the_private_one() {
        // The key and the space's byte of the ciphertext are those of the private address.
        let private = Address([0x13, 0x34, 0x57, 0x79, 0x9b, 0xbc, 0xdf, 0]);
        let mut expected = one_way::encrypt(0x1334_5779_9bbc_df00, 0).to_be_bytes();
        expected[7] = 0;
        assert_eq!(private.public(), Address(expected));
    }

    #[test]
    fn a_null_address_is_its_own_public_address_in_any_space() {
        assert_eq!(Address::NULL.public(), Address::NULL);
        let elsewhere = Address([0, 0, 0, 0, 0, 0, 0, 9]);
        assert_eq!(elsewhere.public(), elsewhere);
    }

    #[test]
    fn a_group_listens_to_55_55_and_four_bytes_of_its_address() {
        assert_eq!(
            Address([0, 1, 2, 3, 4, 5, 6, 7]).ethernet_group(),
            ethernet::Address([0x55, 0x55, 2, 3, 4, 5])
        );
    }

    #[test]
    fn a_random_address_has_space_zero() {
        assert_eq!(
            Address::from_random([0x0201, 0x0403, 0x0605, 0x0807]),
            Address([1, 2, 3, 4, 5, 6, 7, 0])
        );
    }

    proptest! {
        #[test]
        fn a_public_address_has_the_space_of_the_private_one_and_tells_it_apart(bytes: [u8; 8], bit in 0..56_usize) {
            let private = Address(bytes);
            let mut other = private;
            // The lowest bit of each byte is no part of a DES key.
            other.0[bit / 8] ^= 1 << (bit % 8).max(1);
            prop_assert_eq!(private.public().0[7], bytes[7]);
            prop_assert_ne!(private.public(), other.public());
        }

        #[test]
        fn what_can_be_read_is_written_alike(kind in 1..=7_u8, rest in any::<[u8; 38]>()) {
            let mut bytes = [0; LENGTH];
            bytes[0] = 1;
            bytes[1] = kind;
            bytes[2..].copy_from_slice(&rest);
            prop_assert_eq!(Header::parse(&bytes).map(|header| header.emit()), Ok(bytes));
        }
    }
}
