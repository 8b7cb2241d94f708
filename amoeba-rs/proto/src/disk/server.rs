//! The server of virtual disks: its commands, and what stands where.
//!
//! A virtual disk is an array of virtual blocks. Each request says how long it takes a block to be: 2 to the power of the
//! header's size field, from [`LEAST_BLOCK`] to [`GREATEST_BLOCK`]. Numbers in replies are as in [`crate::marshal`].
//!
//! | command | request | reply |
//! |---|---|---|
//! | info | | size: bytes of data; data: three numbers of four bytes for each piece ([`Piece`]) |
//! | read | offset: first block; extra: blocks; size: block size | size: bytes of data; data |
//! | size | size: block size | offset: whole blocks of the disk |
//! | write | offset: first block; extra: blocks; size: block size; data | |
//! | geometry | | size: bytes of data; data: a [`Geometry`](super::Geometry) |
//! | control | extra: a [`Control`] | |

use crate::Error;
use crate::capability::Rights;
use crate::marshal::{Reader, Writer};

codes! {
    /// A command of the server.
    Command: u16 {
        /// Tell where the pieces of the disk are.
        Info = 2201,
        /// Read blocks.
        Read = 2202,
        /// Tell the size.
        Size = 2203,
        /// Write blocks.
        Write = 2204,
        /// Tell the shape of the disk.
        GetGeometry = 2205,
        /// Do something with the medium.
        Control = 2206,
    }
}

codes! {
    /// What to do with the medium.
    Control: u16 {
        /// Eject it.
        Eject = 1,
        /// Format it.
        Format = 2,
    }
}

/// The right to read.
pub const RIGHT_READ: Rights = Rights(0x02);
/// The right to write.
pub const RIGHT_WRITE: Rights = Rights(0x04);
/// The right to control the medium.
pub const RIGHT_CONTROL: Rights = Rights(0x08);

/// Logarithm of the least size of a block.
pub const LEAST_BLOCK: u16 = 9;
/// Logarithm of the greatest size of a block.
pub const GREATEST_BLOCK: u16 = 31;
/// The most bytes that a request reads or writes.
pub const LARGEST_TRANSFER: usize = 29 * 1024;

/// Where a piece of a virtual disk is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Piece {
    /// The drive.
    pub unit: u32,
    /// The first sector on it.
    pub first: u32,
    /// How many sectors.
    pub count: u32,
}

impl Piece {
    /// Bytes of a piece.
    pub const LENGTH: usize = 12;

    /// Reads a piece.
    ///
    /// # Errors
    /// [`Error::Truncated`].
    pub fn parse(reader: &mut Reader<'_>) -> Result<Piece, Error> {
        Ok(Piece {
            unit: reader.u32()?,
            first: reader.u32()?,
            count: reader.u32()?,
        })
    }

    /// Writes the piece.
    ///
    /// # Errors
    /// [`Error::Truncated`] if there is no room.
    pub fn emit(&self, writer: &mut Writer<'_>) -> Result<(), Error> {
        [self.unit, self.first, self.count]
            .into_iter()
            .try_for_each(|number| writer.u32(number))
    }
}

#[cfg(test)]
mod tests {
    use super::{Command, Piece};
    use crate::marshal::{Reader, Writer};

    #[test]
    fn commands_go_from_2201_to_2206() {
        let codes = Command::ALL.iter().map(|command| command.code());
        assert!(codes.eq(2201..=2206));
    }

    #[test]
    fn a_piece_is_three_numbers() {
        let piece = Piece {
            unit: 1,
            first: 0x0203,
            count: 0x0405_0607,
        };
        let mut bytes = [0; Piece::LENGTH];
        piece.emit(&mut Writer::new(&mut bytes)).unwrap();
        assert_eq!(bytes, [1, 0, 0, 0, 3, 2, 0, 0, 7, 6, 5, 4]);
        assert_eq!(Piece::parse(&mut Reader::new(&bytes)), Ok(piece));
        assert!(Piece::parse(&mut Reader::new(&bytes[1..])).is_err());
    }
}
