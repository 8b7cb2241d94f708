//! Ethernet frames as a card hands them over: without preamble and frame check sequence.

use crate::{Error, array};

/// Bytes of destination, source and type.
pub const HEADER_LENGTH: usize = 14;
/// The shortest frame without its frame check sequence; shorter ones are padded with zeros.
pub const SHORTEST: usize = 60;
/// The longest frame without its frame check sequence.
pub const LONGEST: usize = 1514;

/// Type field of a FLIP packet.
pub const ETHERTYPE_FLIP: u16 = 0x8146;
/// Type field for local experiments (IEEE 802, "Local Experimental Ethertype 1").
pub const ETHERTYPE_EXPERIMENT: u16 = 0x88b5;

/// A station address.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Address(pub [u8; 6]);

impl Address {
    /// Every station.
    pub const BROADCAST: Address = Address([0xff; 6]);

    /// Whether this names a group of stations (or all of them) and not one.
    pub const fn is_group(self) -> bool {
        self.0[0] & 1 != 0
    }
}

impl core::fmt::Display for Address {
    fn fmt(&self, formatter: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        let [a, b, c, d, e, f] = self.0;
        write!(formatter, "{a:02x}:{b:02x}:{c:02x}:{d:02x}:{e:02x}:{f:02x}")
    }
}

impl core::str::FromStr for Address {
    type Err = Error;

    /// Reads six pairs of hexadecimal digits with colons between them. [`Error::Length`] for anything else.
    fn from_str(text: &str) -> Result<Address, Error> {
        let mut address = Address::default();
        let mut pairs = text.split(':');
        for byte in &mut address.0 {
            let pair = pairs.next().filter(|pair| pair.len() == 2).ok_or(Error::Length)?;
            let digits = pair.bytes().all(|digit| digit.is_ascii_hexdigit());
            *byte = u8::from_str_radix(pair, 16)
                .ok()
                .filter(|_| digits)
                .ok_or(Error::Length)?;
        }
        pairs.next().map_or(Ok(address), |_| Err(Error::Length))
    }
}

/// The first 14 bytes of a frame.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Header {
    /// Who shall receive it.
    pub destination: Address,
    /// Who sent it.
    pub source: Address,
    /// What follows.
    pub ethertype: u16,
}

impl Header {
    /// Reads the header of `frame`.
    pub fn parse(frame: &[u8]) -> Result<Header, Error> {
        Ok(Header {
            destination: Address(array(frame, 0)?),
            source: Address(array(frame, 6)?),
            ethertype: u16::from_be_bytes(array(frame, 12)?),
        })
    }

    /// The bytes of the header.
    pub fn emit(&self) -> [u8; HEADER_LENGTH] {
        let mut bytes = [0; HEADER_LENGTH];
        bytes[0..6].copy_from_slice(&self.destination.0);
        bytes[6..12].copy_from_slice(&self.source.0);
        bytes[12..14].copy_from_slice(&self.ethertype.to_be_bytes());
        bytes
    }
}

#[cfg(test)]
mod tests {
    extern crate std;
    use super::{Address, ETHERTYPE_FLIP, Header};
    use crate::Error;
    use proptest::prelude::{any, prop_assert_eq, proptest};
    use std::string::ToString;

    #[test]
    fn the_type_is_sent_high_byte_first() {
        let header = Header {
            destination: Address::BROADCAST,
            source: Address([2; 6]),
            ethertype: ETHERTYPE_FLIP,
        };
        assert_eq!(header.emit()[12..], [0x81, 0x46]);
    }

    #[test]
    fn the_broadcast_address_is_a_group_and_a_vendor_address_is_not() {
        assert!(Address::BROADCAST.is_group());
        assert!(!Address([0x02, 0x60, 0x8c, 0, 0, 1]).is_group());
    }

    #[test]
    fn an_address_prints_as_six_pairs_of_digits() {
        assert_eq!(
            Address([2, 0x60, 0x8c, 0, 0xa, 1]).to_string(),
            "02:60:8c:00:0a:01"
        );
    }

    #[test]
    fn what_is_no_address_is_refused() {
        for text in [
            "",
            "02:60:8c:00:0a",
            "02:60:8c:00:0a:01:02",
            "2:60:8c:00:0a:01",
            "02:60:8c:00:0a:+1",
        ] {
            assert_eq!(text.parse::<Address>(), Err(Error::Length), "{text}");
        }
    }

    #[test]
    fn thirteen_bytes_are_no_header() {
        assert_eq!(Header::parse(&[0; 13]), Err(Error::Truncated));
    }

    proptest! {
        #[test]
        fn an_address_reads_back(address: [u8; 6]) {
            prop_assert_eq!(Address(address).to_string().parse(), Ok(Address(address)));
        }

        #[test]
        fn a_header_reads_back(destination: [u8; 6], source: [u8; 6], ethertype in any::<u16>()) {
            let header = Header { destination: Address(destination), source: Address(source), ethertype };
            prop_assert_eq!(Header::parse(&header.emit()), Ok(header));
        }
    }
}
