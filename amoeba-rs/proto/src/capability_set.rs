//! Sets of capabilities that stand for the same object: copies of a file, or servers of which each will do.
//!
//! | bytes | field |
//! |---|---|
//! | 2 | copies that are wanted |
//! | 2 | capabilities that follow, at most eight |
//! | 18 each | a capability, and whether it is current (2 bytes, zero or not) |

use crate::Error;
use crate::capability::Capability;
use crate::marshal::{Reader, Writer};

/// The most capabilities of a set.
pub const LARGEST: usize = 8;

/// A capability of a set.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Member {
    /// The capability.
    pub capability: Capability,
    /// Whether the copy has the newest contents.
    pub is_current: bool,
}

/// A set of capabilities.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct CapabilitySet {
    /// How many copies there shall be.
    pub wanted: u16,
    /// Those that there are, the first ones.
    members: [Option<Member>; LARGEST],
}

impl CapabilitySet {
    /// A set of one capability, of which one copy is wanted.
    pub fn single(capability: Capability) -> CapabilitySet {
        let mut set = CapabilitySet {
            wanted: 1,
            ..CapabilitySet::default()
        };
        set.members[0] = Some(Member {
            capability,
            is_current: true,
        });
        set
    }

    /// The capabilities.
    pub fn members(&self) -> impl Iterator<Item = &Member> {
        self.members.iter().flatten()
    }

    /// Adds a capability; [`Error::Length`] if the set has eight already.
    pub fn add(&mut self, member: Member) -> Result<(), Error> {
        let free = self.members.iter_mut().find(|place| place.is_none());
        *free.ok_or(Error::Length)? = Some(member);
        Ok(())
    }

    /// Reads a set; [`Error::Length`] if it has a negative number of capabilities or more than eight.
    pub fn parse(reader: &mut Reader<'_>) -> Result<CapabilitySet, Error> {
        let wanted = u16::try_from(reader.i16()?).map_err(|_| Error::Length)?;
        let count = usize::try_from(reader.i16()?).map_err(|_| Error::Length)?;
        let mut set = CapabilitySet {
            wanted,
            ..CapabilitySet::default()
        };
        for place in set.members.get_mut(..count).ok_or(Error::Length)? {
            *place = Some(Member {
                capability: reader.capability()?,
                is_current: reader.i16()? != 0,
            });
        }
        Ok(set)
    }

    /// Writes the set. [`Error::Length`] if more than 32767 copies are wanted.
    pub fn emit(&self, writer: &mut Writer<'_>) -> Result<(), Error> {
        let wanted = i16::try_from(self.wanted).map_err(|_| Error::Length)?;
        writer.i16(wanted)?;
        writer.i16(self.members().count() as i16)?;
        for member in self.members() {
            writer.capability(&member.capability)?;
            writer.i16(member.is_current.into())?;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::{CapabilitySet, LARGEST, Member};
    use crate::Error;
    use crate::capability::{Capability, Port, Private};
    use crate::marshal::{Reader, Writer};

    fn capability(number: u8) -> Capability {
        Capability {
            port: Port([number; 6]),
            private: Private::owner(number.into(), Port([0x55; 6])),
        }
    }

    #[test]
    fn a_set_of_one_has_these_bytes() {
        let mut buffer = [0; 22];
        CapabilitySet::single(capability(3))
            .emit(&mut Writer::new(&mut buffer))
            .unwrap();
        let expected = [
            1, 0, 1, 0, 3, 3, 3, 3, 3, 3, 3, 0, 0, 0xff, 0x55, 0x55, 0x55, 0x55, 0x55, 0x55, 1, 0,
        ];
        assert_eq!(buffer, expected);
    }

    #[test]
    fn eight_are_the_most() {
        let mut set = CapabilitySet::default();
        for number in 0..LARGEST as u8 {
            let member = Member {
                capability: capability(number),
                is_current: number % 2 == 0,
            };
            set.add(member).unwrap();
        }
        let member = Member {
            capability: capability(9),
            is_current: true,
        };
        assert_eq!(set.add(member), Err(Error::Length));
        let mut buffer = [0; 4 + 18 * LARGEST];
        set.emit(&mut Writer::new(&mut buffer)).unwrap();
        assert_eq!(CapabilitySet::parse(&mut Reader::new(&buffer)), Ok(set));
        buffer[2] = 9;
        assert_eq!(
            CapabilitySet::parse(&mut Reader::new(&buffer)),
            Err(Error::Length)
        );
        buffer[3] = 0xff;
        assert_eq!(
            CapabilitySet::parse(&mut Reader::new(&buffer)),
            Err(Error::Length)
        );
    }
}
