//! What requests and replies of the directory server hold beside their headers, written with [`crate::marshal`].
//!
//! | command | request | reply |
//! |---|---|---|
//! | create | names of the columns, to the end | |
//! | list | | [`List`], its columns' names, and for each row its name and its masks |
//! | append | name, set, a mask for each column | |
//! | change masks | name, masks | |
//! | delete | name | |
//! | lookup | path | the rest of the path, set |
//! | set lookup | pairs of set and name, to the end | a [`Found`] or a negative status of two bytes for each |
//! | install | [`Installation`]s, to the end | |
//! | put type | name, capability | |
//! | replace | name, set | |
//! | get masks | name | masks |
//! | get sequence | | [`super::directory::emit_sequence`] |

use crate::Error;
use crate::capability::Capability;
use crate::capability_set::CapabilitySet;
use crate::marshal::{Reader, Writer};

/// In the header's extra field of a request to create: the directory's file is to be encrypted.
pub const ENCRYPTED: u16 = 1;

/// What the answer to a list begins with.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct List {
    /// Columns of the directory.
    pub columns: u16,
    /// Rows that follow.
    pub rows: u16,
}

impl List {
    /// Reads it; [`Error::Length`] for more than four columns.
    pub fn parse(reader: &mut Reader<'_>) -> Result<List, Error> {
        let list = List {
            columns: reader.u16()?,
            rows: reader.u16()?,
        };
        if usize::from(list.columns) > super::MOST_COLUMNS {
            return Err(Error::Length);
        }
        Ok(list)
    }

    /// Writes it.
    pub fn emit(&self, writer: &mut Writer<'_>) -> Result<(), Error> {
        writer.u16(self.columns)?;
        writer.u16(self.rows)
    }
}

/// What a lookup of several names tells of one that was found.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Found {
    /// What kind of object it is.
    pub kind: Capability,
    /// When it was entered, in seconds since the beginning of 1970.
    pub time: u32,
    /// The object.
    pub set: CapabilitySet,
}

impl Found {
    /// Reads an entry: what was found, or the code that says why nothing was.
    pub fn parse(reader: &mut Reader<'_>) -> Result<Result<Found, i16>, Error> {
        let status = reader.i16()?;
        if status != 0 {
            return Ok(Err(status));
        }
        Ok(Ok(Found {
            kind: reader.capability()?,
            time: reader.u32()?,
            set: CapabilitySet::parse(reader)?,
        }))
    }

    /// Writes an entry.
    pub fn emit(entry: &Result<Found, i16>, writer: &mut Writer<'_>) -> Result<(), Error> {
        match entry {
            Ok(found) => {
                writer.i16(0)?;
                writer.capability(&found.kind)?;
                writer.u32(found.time)?;
                found.set.emit(writer)
            }
            Err(status) => writer.i16(*status),
        }
    }
}

/// What an installation does to one row.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Installation<'a> {
    /// The directory.
    pub directory: CapabilitySet,
    /// The row.
    pub name: &'a [u8],
    /// What it is to hold.
    pub set: CapabilitySet,
    /// A capability that it must hold now; null if it does not matter.
    pub old: Capability,
}

impl<'a> Installation<'a> {
    /// Reads one.
    pub fn parse(reader: &mut Reader<'a>) -> Result<Installation<'a>, Error> {
        Ok(Installation {
            directory: CapabilitySet::parse(reader)?,
            name: reader.string()?,
            set: CapabilitySet::parse(reader)?,
            old: reader.capability()?,
        })
    }

    /// Writes it.
    pub fn emit(&self, writer: &mut Writer<'_>) -> Result<(), Error> {
        self.directory.emit(writer)?;
        writer.string(self.name)?;
        self.set.emit(writer)?;
        writer.capability(&self.old)
    }
}

#[cfg(test)]
mod tests {
    use super::{Found, Installation, List};
    use crate::Error;
    use crate::capability::{Capability, Port, Private};
    use crate::capability_set::CapabilitySet;
    use crate::marshal::{Reader, Writer};

    fn capability(number: u8) -> Capability {
        Capability {
            port: Port([number; 6]),
            private: Private::owner(number.into(), Port([0x55; 6])),
        }
    }

    #[test]
    fn an_installation_reads_back() {
        let installation = Installation {
            directory: CapabilitySet::single(capability(1)),
            name: b"ls",
            set: CapabilitySet::single(capability(2)),
            old: capability(3),
        };
        let mut buffer = [0; 63];
        let mut writer = Writer::new(&mut buffer);
        installation.emit(&mut writer).unwrap();
        assert_eq!(writer.length(), 63);
        assert_eq!(buffer[22..25], *b"ls\0");
        assert_eq!(Installation::parse(&mut Reader::new(&buffer)), Ok(installation));
        assert_eq!(
            Installation::parse(&mut Reader::new(&buffer[..62])),
            Err(Error::Truncated)
        );
    }

    #[test]
    fn a_name_that_was_not_found_is_its_status_alone() {
        let found = Found {
            kind: Capability::NULL,
            time: 0x0102_0304,
            set: CapabilitySet::single(capability(9)),
        };
        let mut buffer = [0; 46];
        let mut writer = Writer::new(&mut buffer);
        Found::emit(&Err(-1008), &mut writer).unwrap();
        Found::emit(&Ok(found), &mut writer).unwrap();
        assert_eq!(buffer[..4], [0x10, 0xfc, 0, 0]);
        assert_eq!(buffer[20..24], [4, 3, 2, 1]);
        let mut reader = Reader::new(&buffer);
        assert_eq!(Found::parse(&mut reader), Ok(Err(-1008)));
        assert_eq!(Found::parse(&mut reader), Ok(Ok(found)));
    }

    #[test]
    fn a_list_of_five_columns_is_refused() {
        assert_eq!(List::parse(&mut Reader::new(&[5, 0, 0, 0])), Err(Error::Length));
        let list = List {
            columns: 4,
            rows: 513,
        };
        let mut buffer = [0; 4];
        list.emit(&mut Writer::new(&mut buffer)).unwrap();
        assert_eq!(buffer, [4, 0, 1, 2]);
        assert_eq!(List::parse(&mut Reader::new(&buffer)), Ok(list));
    }
}
