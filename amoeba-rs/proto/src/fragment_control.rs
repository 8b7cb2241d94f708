//! The fragment-control header: two bytes between the Ethernet header and the FLIP header, with which
//! neighbours on one Ethernet grant each other credits for fragments of long messages.
//! The three types about multicast have a body ([`MulticastRequest`], or the FLIP address alone).

use crate::{Error, array, ethernet, flip};

/// Bytes of the header.
pub const LENGTH: usize = 2;

codes! {
    /// What a frame of this link is.
    Kind: u8 {
        /// A FLIP packet follows; the count holds credits that ride along.
        Data = 0,
        /// Asks for the credits that the receiver has granted.
        RequestCredit = 1,
        /// The count is added to the credits.
        Credit = 2,
        /// Asks the receiver to listen to an Ethernet multicast address for a FLIP address.
        MulticastRequest = 3,
        /// The sender listens now.
        MulticastAcknowledge = 4,
        /// The sender cannot listen.
        MulticastRefuse = 5,
        /// The count replaces the credits.
        AbsoluteCredit = 6,
        /// Experimental: a short way for UNIDATA.
        FastUnidata = 7,
        /// Experimental: a short way for MULTIDATA.
        FastMultidata = 8,
    }
}

/// The two bytes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Header {
    /// What follows.
    pub kind: Kind,
    /// Credits carried.
    pub count: u8,
}

impl Header {
    /// Reads the header at the start of `bytes`.
    pub fn parse(bytes: &[u8]) -> Result<Header, Error> {
        let [kind, count] = array(bytes, 0)?;
        Ok(Header {
            kind: Kind::from_code(kind).ok_or(Error::Kind(kind))?,
            count,
        })
    }

    /// The bytes of the header.
    pub fn emit(&self) -> [u8; LENGTH] {
        [self.kind.code(), self.count]
    }
}

/// What a [`Kind::MulticastRequest`] asks for: its body is the Ethernet address in a field of eight bytes, then the
/// FLIP address. The body of the answers is the FLIP address.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct MulticastRequest {
    /// The group of stations to join.
    pub group: ethernet::Address,
    /// For packets to this address.
    pub address: flip::Address,
}

impl MulticastRequest {
    /// Bytes of the body.
    pub const LENGTH: usize = 16;

    /// Reads the body at the start of `bytes`.
    pub fn parse(bytes: &[u8]) -> Result<MulticastRequest, Error> {
        Ok(MulticastRequest {
            group: ethernet::Address(array(bytes, 0)?),
            address: flip::Address(array(bytes, 8)?),
        })
    }

    /// The bytes of the body; the two that are not used are 0.
    pub fn emit(&self) -> [u8; MulticastRequest::LENGTH] {
        let mut bytes = [0; MulticastRequest::LENGTH];
        bytes[0..6].copy_from_slice(&self.group.0);
        bytes[8..16].copy_from_slice(&self.address.0);
        bytes
    }
}

/// Reads the body of an answer to a multicast request.
pub fn parse_answer(bytes: &[u8]) -> Result<flip::Address, Error> {
    Ok(flip::Address(array(bytes, 0)?))
}

#[cfg(test)]
mod tests {
    use super::{Header, Kind, MulticastRequest, parse_answer};
    use crate::{Error, ethernet, flip};

    #[test]
    fn a_multicast_request_has_the_station_group_then_the_flip_address() {
        let request = MulticastRequest {
            group: ethernet::Address([0x55, 0x55, 3, 4, 5, 6]),
            address: flip::Address([1, 2, 3, 4, 5, 6, 7, 8]),
        };
        let bytes = [0x55, 0x55, 3, 4, 5, 6, 0, 0, 1, 2, 3, 4, 5, 6, 7, 8];
        assert_eq!(request.emit(), bytes);
        assert_eq!(MulticastRequest::parse(&bytes), Ok(request));
        assert_eq!(MulticastRequest::parse(&bytes[..15]), Err(Error::Truncated));
        assert_eq!(parse_answer(&bytes[8..]), Ok(request.address));
        assert_eq!(parse_answer(&bytes[9..]), Err(Error::Truncated));
    }

    use proptest::prelude::{prop_assert_eq, proptest};

    #[test]
    fn type_nine_does_not_exist() {
        assert_eq!(Header::parse(&[9, 0]), Err(Error::Kind(9)));
    }

    #[test]
    fn every_type_has_the_code_of_its_place() {
        for (place, kind) in Kind::ALL.iter().enumerate() {
            assert_eq!(usize::from(kind.code()), place);
        }
    }

    proptest! {
        #[test]
        fn what_can_be_read_is_written_alike(bytes: [u8; 2]) {
            if let Ok(header) = Header::parse(&bytes) {
                prop_assert_eq!(header.emit(), bytes);
            }
        }
    }
}
