//! The fragment-control header: two bytes between the Ethernet header and the FLIP header, with which
//! neighbours on one Ethernet grant each other credits for fragments of long messages.
//! The bodies of the multicast requests are not part of this header.

use crate::{Error, array};

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

#[cfg(test)]
mod tests {
    use super::{Header, Kind};
    use crate::Error;
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
