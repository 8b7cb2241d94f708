//! Ports and capabilities: who serves an object, which object it is, and what the holder may do with it.

use crate::one_way::one_way;
use crate::{Error, array};

/// Bytes of a capability.
pub const CAPABILITY_LENGTH: usize = 16;
/// Bytes of its private part.
pub const PRIVATE_LENGTH: usize = 10;

/// 48 bits that name a service (a put-port), or the secret behind that name (a get-port).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Port(pub [u8; 6]);

impl Port {
    /// No port.
    pub const NULL: Port = Port([0; 6]);
}

/// What the holder of a capability may do: eight bits whose meaning the server chooses.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Rights(pub u8);

impl Rights {
    /// Everything.
    pub const ALL: Rights = Rights(0xff);

    /// Whether every right in `needed` is there.
    pub const fn include(self, needed: Rights) -> bool {
        self.0 & needed.0 == needed.0
    }
}

/// The part of a capability that only the server understands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Private {
    /// Number of the object, 24 bits.
    object: u32,
    /// What may be done with it.
    pub rights: Rights,
    /// Makes a forged capability fail.
    pub check: Port,
}

impl Private {
    /// The greatest object number.
    pub const LARGEST_OBJECT: u32 = 0xff_ffff;

    /// All rights on an object whose secret random number is `random`.
    ///
    /// # Panics
    /// If `object` is greater than [`Private::LARGEST_OBJECT`].
    pub fn owner(object: u32, random: Port) -> Private {
        assert!(object <= Private::LARGEST_OBJECT, "object numbers have 24 bits");
        Private {
            object,
            rights: Rights::ALL,
            check: random,
        }
    }

    /// Number of the object.
    pub const fn object(&self) -> u32 {
        self.object
    }

    /// No object: all bits zero.
    pub const NULL: Private = Private {
        object: 0,
        rights: Rights(0),
        check: Port::NULL,
    };

    /// The rights that the check field proves for the object with this random number; `None` for a forgery.
    pub fn proven_rights(&self, random: Port) -> Option<Rights> {
        self.proven_rights_by(random, one_way)
    }

    /// As [`Private::proven_rights`], with a one-way function that the caller supplies: it may remember results.
    pub fn proven_rights_by(&self, random: Port, one_way: impl FnOnce(Port) -> Port) -> Option<Rights> {
        let expected = if self.rights == Rights::ALL {
            random
        } else {
            one_way(mix(random, self.rights))
        };
        (self.check == expected).then_some(self.rights)
    }

    /// The same object with only the rights that `mask` keeps, made by someone who knows the random number.
    pub fn restrict(&self, mask: Rights, random: Port) -> Private {
        let rights = Rights(self.rights.0 & mask.0);
        let check = if rights == Rights::ALL {
            random
        } else {
            protect(random, rights)
        };
        Private {
            object: self.object,
            rights,
            check,
        }
    }

    /// Reads the ten bytes at the start of `bytes`.
    pub fn parse(bytes: &[u8]) -> Result<Private, Error> {
        let [low, middle, high, rights] = array(bytes, 0)?;
        Ok(Private {
            object: u32::from_le_bytes([low, middle, high, 0]),
            rights: Rights(rights),
            check: Port(array(bytes, 4)?),
        })
    }

    /// The ten bytes.
    pub fn emit(&self) -> [u8; PRIVATE_LENGTH] {
        let mut bytes = [0; PRIVATE_LENGTH];
        bytes[0..3].copy_from_slice(&self.object.to_le_bytes()[..3]);
        bytes[3] = self.rights.0;
        bytes[4..10].copy_from_slice(&self.check.0);
        bytes
    }
}

/// The check field of a capability that lacks some right.
fn protect(random: Port, rights: Rights) -> Port {
    one_way(mix(random, rights))
}

/// What the one-way function makes such a check field of.
fn mix(random: Port, rights: Rights) -> Port {
    let mut mixed = random;
    mixed.0[0] ^= rights.0;
    mixed
}

/// Names an object anywhere and says what its holder may do.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Capability {
    /// Put-port of the server.
    pub port: Port,
    /// What the server makes of it.
    pub private: Private,
}

impl Capability {
    /// No capability: all bits zero.
    pub const NULL: Capability = Capability {
        port: Port::NULL,
        private: Private::NULL,
    };

    /// Reads all sixteen bytes.
    pub fn from_bytes(bytes: &[u8; CAPABILITY_LENGTH]) -> Capability {
        let [
            p0,
            p1,
            p2,
            p3,
            p4,
            p5,
            low,
            middle,
            high,
            rights,
            c0,
            c1,
            c2,
            c3,
            c4,
            c5,
        ] = *bytes;
        Capability {
            port: Port([p0, p1, p2, p3, p4, p5]),
            private: Private {
                object: u32::from_le_bytes([low, middle, high, 0]),
                rights: Rights(rights),
                check: Port([c0, c1, c2, c3, c4, c5]),
            },
        }
    }

    /// Reads the sixteen bytes at the start of `bytes`.
    pub fn parse(bytes: &[u8]) -> Result<Capability, Error> {
        let private = bytes.get(6..).ok_or(Error::Truncated)?;
        Ok(Capability {
            port: Port(array(bytes, 0)?),
            private: Private::parse(private)?,
        })
    }

    /// The sixteen bytes.
    pub fn emit(&self) -> [u8; CAPABILITY_LENGTH] {
        let mut bytes = [0; CAPABILITY_LENGTH];
        bytes[0..6].copy_from_slice(&self.port.0);
        bytes[6..16].copy_from_slice(&self.private.emit());
        bytes
    }
}

#[cfg(test)]
mod tests {
    use super::{Capability, Port, Private, Rights};
    use proptest::prelude::{any, prop_assert_eq, proptest};

    const RANDOM: Port = Port([9, 8, 7, 6, 5, 4]);

    #[test]
    fn an_object_number_is_sent_least_significant_byte_first() {
        assert_eq!(Private::owner(0x03_0201, RANDOM).emit()[..3], [1, 2, 3]);
    }

    #[test]
    fn the_check_of_all_rights_is_the_random_number_itself() {
        assert_eq!(Private::owner(1, RANDOM).check, RANDOM);
    }

    #[test]
    fn rights_that_are_put_back_by_hand_are_a_forgery() {
        let mut private = Private::owner(1, RANDOM).restrict(Rights(0x01), RANDOM);
        assert_eq!(private.proven_rights(RANDOM), Some(Rights(0x01)));
        private.rights = Rights(0x03);
        assert_eq!(private.proven_rights(RANDOM), None);
        private.rights = Rights::ALL;
        assert_eq!(private.proven_rights(RANDOM), None);
    }

    proptest! {
        #[test]
        fn a_restricted_capability_proves_the_rights_that_are_left(first: u8, second: u8, random: [u8; 6]) {
            let random = Port(random);
            let private = Private::owner(1, random).restrict(Rights(first), random).restrict(Rights(second), random);
            prop_assert_eq!(private.proven_rights(random), Some(Rights(first & second)));
        }

        #[test]
        fn a_capability_reads_back(bytes in any::<[u8; 16]>()) {
            prop_assert_eq!(Capability::parse(&bytes).map(|capability| capability.emit()), Ok(bytes));
        }
    }
}
