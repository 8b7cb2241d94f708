//! The file in which a directory is stored, least significant byte first:
//!
//! | bytes | field |
//! |---|---|
//! | 4 + 4 | the magic number, twice; older files lack it, and the sequence number too |
//! | 6 | check field of the directory's capability |
//! | 2 | columns, one to four |
//! | 2 | rows, at most 5000 |
//! | 4 + 4 | sequence number of the directory, its more significant half first |
//! | | names of the columns |
//! | | rows: name, type capability (16), time in seconds (4), set of capabilities, a mask for each column (4 each) |

use super::{MOST_COLUMNS, MOST_ROWS, Masks};
use crate::Error;
use crate::capability::{Capability, Port, Rights};
use crate::capability_set::CapabilitySet;
use crate::marshal::{Reader, Writer};

/// What the file begins with, twice.
pub const MAGIC: u32 = 0x0538_5218;

/// What comes before the names of the columns.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Header {
    /// The number that protects the directory's capability.
    pub check: Port,
    /// Columns.
    pub columns: u16,
    /// Rows.
    pub rows: u16,
    /// The directory's sequence number; zero in older files.
    pub sequence: u64,
}

impl Header {
    /// Bytes of the header.
    pub const LENGTH: usize = 26;

    /// Reads a header; [`Error::Length`] if it tells more than a directory may have, or no column.
    pub fn parse(reader: &mut Reader<'_>) -> Result<Header, Error> {
        let has_sequence = is_magic(reader.rest());
        if has_sequence {
            reader.bytes(8)?;
        }
        let check = reader.port()?;
        let columns = u16::try_from(reader.i16()?).map_err(|_| Error::Length)?;
        let rows = u16::try_from(reader.i16()?).map_err(|_| Error::Length)?;
        if columns == 0 || usize::from(columns) > MOST_COLUMNS || usize::from(rows) > MOST_ROWS {
            return Err(Error::Length);
        }
        let sequence = if has_sequence { parse_sequence(reader)? } else { 0 };
        Ok(Header {
            check,
            columns,
            rows,
            sequence,
        })
    }

    /// Writes the header.
    pub fn emit(&self, writer: &mut Writer<'_>) -> Result<(), Error> {
        writer.u32(MAGIC)?;
        writer.u32(MAGIC)?;
        writer.port(self.check)?;
        writer.u16(self.columns)?;
        writer.u16(self.rows)?;
        emit_sequence(self.sequence, writer)
    }
}

fn is_magic(bytes: &[u8]) -> bool {
    let mut reader = Reader::new(bytes);
    reader.u32() == Ok(MAGIC) && reader.u32() == Ok(MAGIC)
}

/// Reads a sequence number.
pub fn parse_sequence(reader: &mut Reader<'_>) -> Result<u64, Error> {
    let high = reader.u32()?;
    Ok(u64::from(high) << 32 | u64::from(reader.u32()?))
}

/// Writes a sequence number.
pub fn emit_sequence(sequence: u64, writer: &mut Writer<'_>) -> Result<(), Error> {
    writer.u32((sequence >> 32) as u32)?;
    writer.u32(sequence as u32)
}

/// A row.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Row<'a> {
    /// Its name.
    pub name: &'a [u8],
    /// What kind of object it is; mostly null.
    pub kind: Capability,
    /// When it was entered or replaced, in seconds since the beginning of 1970.
    pub time: u32,
    /// The object.
    pub set: CapabilitySet,
    /// A mask for each column; those that the directory does not have are zero.
    pub masks: Masks,
}

impl<'a> Row<'a> {
    /// Reads a row of a directory with so many columns.
    pub fn parse(reader: &mut Reader<'a>, columns: usize) -> Result<Row<'a>, Error> {
        Ok(Row {
            name: reader.string()?,
            kind: reader.capability()?,
            time: reader.u32()?,
            set: CapabilitySet::parse(reader)?,
            masks: parse_masks(reader, columns)?,
        })
    }

    /// Writes the row of a directory with so many columns.
    pub fn emit(&self, writer: &mut Writer<'_>, columns: usize) -> Result<(), Error> {
        writer.string(self.name)?;
        writer.capability(&self.kind)?;
        writer.u32(self.time)?;
        self.set.emit(writer)?;
        emit_masks(&self.masks, columns, writer)
    }

    /// Bytes of the row in a directory with so many columns.
    pub fn length(&self, columns: usize) -> usize {
        self.name.len() + 1 + 16 + 4 + 4 + 18 * self.set.members().count() + 4 * columns
    }
}

/// Reads the masks of so many columns; [`Error::Length`] if there are more than four, or one is no eight bits.
pub fn parse_masks(reader: &mut Reader<'_>, columns: usize) -> Result<Masks, Error> {
    let mut masks = [Rights(0); MOST_COLUMNS];
    for mask in masks.get_mut(..columns).ok_or(Error::Length)? {
        *mask = reader.rights()?;
    }
    Ok(masks)
}

/// Writes the masks of so many columns.
pub fn emit_masks(masks: &Masks, columns: usize, writer: &mut Writer<'_>) -> Result<(), Error> {
    let masks = masks.get(..columns).ok_or(Error::Length)?;
    masks.iter().try_for_each(|mask| writer.rights(*mask))
}

#[cfg(test)]
mod tests {
    use super::{Header, Row};
    use crate::Error;
    use crate::capability::{Capability, Port, Private, Rights};
    use crate::capability_set::CapabilitySet;
    use crate::marshal::{Reader, Writer};
    use proptest::prelude::{prop_assert_eq, proptest};

    const HEADER: Header = Header {
        check: Port([1, 2, 3, 4, 5, 6]),
        columns: 3,
        rows: 2,
        sequence: 0x0000_0001_0203_0405,
    };

    #[test]
    fn a_header_has_these_bytes() {
        let mut buffer = [0; Header::LENGTH];
        HEADER.emit(&mut Writer::new(&mut buffer)).unwrap();
        let expected = [
            0x18, 0x52, 0x38, 0x05, 0x18, 0x52, 0x38, 0x05, 1, 2, 3, 4, 5, 6, 3, 0, 2, 0, 1, 0, 0, 0, 5, 4,
            3, 2,
        ];
        assert_eq!(buffer, expected);
        assert_eq!(Header::parse(&mut Reader::new(&buffer)), Ok(HEADER));
        let older = Header {
            sequence: 0,
            ..HEADER
        };
        assert_eq!(Header::parse(&mut Reader::new(&buffer[8..18])), Ok(older));
    }

    #[test]
    fn a_header_with_too_many_columns_or_rows_is_refused() {
        for (place, value) in [(14, 0), (14, 5), (15, 0x80), (17, 0x14)] {
            let mut buffer = [0; Header::LENGTH];
            HEADER.emit(&mut Writer::new(&mut buffer)).unwrap();
            buffer[place] = value;
            assert_eq!(Header::parse(&mut Reader::new(&buffer)), Err(Error::Length));
        }
    }

    proptest! {
        #[test]
        fn a_row_reads_back_and_is_as_long_as_it_says(
            name in "[a-z]{1,255}", time: u32, columns in 1..=4_usize, masks: [u8; 4], has_set: bool,
        ) {
            let capability = Capability { port: Port([7; 6]), private: Private::owner(3, Port([8; 6])) };
            let mut row = Row {
                name: name.as_bytes(),
                kind: Capability::NULL,
                time,
                set: if has_set { CapabilitySet::single(capability) } else { CapabilitySet::default() },
                masks: masks.map(Rights),
            };
            row.masks[columns..].fill(Rights(0));
            let mut buffer = [0; 400];
            let mut writer = Writer::new(&mut buffer);
            row.emit(&mut writer, columns).unwrap();
            let length = writer.length();
            prop_assert_eq!(length, row.length(columns));
            let mut reader = Reader::new(&buffer[..length]);
            prop_assert_eq!(Row::parse(&mut reader, columns), Ok(row));
            prop_assert_eq!(reader.rest().len(), 0);
        }

        #[test]
        fn any_bytes_are_a_directory_or_refused(bytes: Vec<u8>) {
            let mut reader = Reader::new(&bytes);
            if let Ok(header) = Header::parse(&mut reader) {
                while Row::parse(&mut reader, header.columns.into()).is_ok() {}
            }
        }
    }

    extern crate std;
    use std::vec::Vec;
}
