//! A disk label: the first sector of a partition of Amoeba's, or of a disk without partitions.
//!
//! | offset | bytes | what |
//! |---|---|---|
//! | 0 | 238 | not used |
//! | 238 | 30 | type of the disk, text |
//! | 268 | 12 | geometry: six numbers of two bytes |
//! | 280 | 224 | eight parts of 28 bytes: first block, blocks, piece, pieces in all, capability |
//! | 504 | 4 | magic number 0A30EBA0h |
//! | 508 | 2 | not used |
//! | 510 | 2 | makes the exclusive or of all words 0 |
//!
//! Numbers have the order of the machine that wrote the label; the magic number tells which. A block is a sector.

use super::SECTOR;
use crate::capability::{CAPABILITY_LENGTH, Capability};
use crate::{ByteOrder, Error, array};

/// Parts that a label describes, and so the most pieces of a virtual disk.
pub const PARTS: usize = 8;
/// Bytes of a geometry.
pub const GEOMETRY_LENGTH: usize = 12;

const MAGIC_NUMBER: u32 = 0x0a30_eba0;
const KIND: usize = 238;
const KIND_LENGTH: usize = 30;
const GEOMETRY: usize = 268;
const PART: usize = 280;
const PART_LENGTH: usize = 28;
const MAGIC: usize = 504;
const CHECKSUM: usize = 510;

/// The shape of a disk.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Geometry {
    /// Bytes of a track.
    pub track_bytes: u16,
    /// Bytes of a sector.
    pub sector_bytes: u16,
    /// Cylinders.
    pub cylinders: u16,
    /// Cylinders kept in reserve.
    pub alternate_cylinders: u16,
    /// Heads.
    pub heads: u16,
    /// Sectors of a track.
    pub sectors: u16,
}

impl Geometry {
    /// Reads a geometry at the start of `bytes`.
    ///
    /// # Errors
    /// [`Error::Truncated`] for less than [`GEOMETRY_LENGTH`] bytes.
    pub fn parse(bytes: &[u8], order: ByteOrder) -> Result<Geometry, Error> {
        let number = |place: usize| array(bytes, 2 * place).map(|pair| order.read_u16(pair));
        Ok(Geometry {
            track_bytes: number(0)?,
            sector_bytes: number(1)?,
            cylinders: number(2)?,
            alternate_cylinders: number(3)?,
            heads: number(4)?,
            sectors: number(5)?,
        })
    }

    /// The bytes of the geometry.
    pub fn emit(&self, order: ByteOrder) -> [u8; GEOMETRY_LENGTH] {
        let numbers = [
            self.track_bytes,
            self.sector_bytes,
            self.cylinders,
            self.alternate_cylinders,
            self.heads,
            self.sectors,
        ];
        let mut bytes = [0; GEOMETRY_LENGTH];
        for (place, number) in bytes.as_chunks_mut::<2>().0.iter_mut().zip(numbers) {
            *place = order.u16(number);
        }
        bytes
    }
}

/// A piece of a virtual disk.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Part {
    /// Its first block, counted from the label.
    pub first: u32,
    /// How many blocks it has; 0 if the label has no such part.
    pub blocks: u32,
    /// Which piece of the virtual disk it is, counted from 0.
    pub piece: u16,
    /// How many pieces the virtual disk has.
    pub pieces: u16,
    /// The virtual disk; pieces with the same capability belong together.
    pub capability: Capability,
}

impl Part {
    /// No part.
    pub const NONE: Part = Part {
        first: 0,
        blocks: 0,
        piece: 0,
        pieces: 0,
        capability: Capability::NULL,
    };

    fn parse(bytes: &[u8], order: ByteOrder) -> Result<Part, Error> {
        Ok(Part {
            first: order.read_u32(array(bytes, 0)?),
            blocks: order.read_u32(array(bytes, 4)?),
            piece: order.read_u16(array(bytes, 8)?),
            pieces: order.read_u16(array(bytes, 10)?),
            capability: Capability::from_bytes(&array::<CAPABILITY_LENGTH>(bytes, 12)?),
        })
    }

    fn emit(&self, order: ByteOrder) -> [u8; PART_LENGTH] {
        let mut bytes = [0; PART_LENGTH];
        bytes[0..4].copy_from_slice(&order.u32(self.first));
        bytes[4..8].copy_from_slice(&order.u32(self.blocks));
        bytes[8..10].copy_from_slice(&order.u16(self.piece));
        bytes[10..12].copy_from_slice(&order.u16(self.pieces));
        bytes[12..].copy_from_slice(&self.capability.emit());
        bytes
    }
}

/// A disk label.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Label {
    /// The order of its numbers.
    pub order: ByteOrder,
    /// The type of the disk, ended by zeros if it is shorter.
    pub kind: [u8; KIND_LENGTH],
    /// The shape of the disk.
    pub geometry: Geometry,
    /// Its parts; unused ones have no blocks.
    pub parts: [Part; PARTS],
}

impl Label {
    /// A label without parts, in the order of an i386.
    pub const EMPTY: Label = Label {
        order: ByteOrder::Little,
        kind: [0; KIND_LENGTH],
        geometry: Geometry {
            track_bytes: 0,
            sector_bytes: 0,
            cylinders: 0,
            alternate_cylinders: 0,
            heads: 0,
            sectors: 0,
        },
        parts: [Part::NONE; PARTS],
    };

    /// Reads the label in a sector.
    ///
    /// # Errors
    /// [`Error::Truncated`] for less than a sector, [`Error::Magic`] if there is no label, [`Error::Check`] if its checksum is wrong.
    pub fn parse(sector: &[u8]) -> Result<Label, Error> {
        let sector = sector.get(..SECTOR).ok_or(Error::Truncated)?;
        let magic = array(sector, MAGIC)?;
        let order = [ByteOrder::Little, ByteOrder::Big]
            .into_iter()
            .find(|order| order.read_u32(magic) == MAGIC_NUMBER);
        let order = order.ok_or(Error::Magic)?;
        if fold(sector) != [0; 2] {
            return Err(Error::Check);
        }
        let mut parts = [Part::NONE; PARTS];
        for (part, start) in parts.iter_mut().zip((PART..).step_by(PART_LENGTH)) {
            *part = Part::parse(&sector[start..], order)?;
        }
        Ok(Label {
            order,
            kind: array(sector, KIND)?,
            geometry: Geometry::parse(&sector[GEOMETRY..], order)?,
            parts,
        })
    }

    /// Writes the label into a sector; what it does not use stays.
    pub fn emit(&self, sector: &mut [u8; SECTOR]) {
        sector[KIND..GEOMETRY].copy_from_slice(&self.kind);
        sector[GEOMETRY..PART].copy_from_slice(&self.geometry.emit(self.order));
        for (part, start) in self.parts.iter().zip((PART..).step_by(PART_LENGTH)) {
            sector[start..start + PART_LENGTH].copy_from_slice(&part.emit(self.order));
        }
        sector[MAGIC..MAGIC + 4].copy_from_slice(&self.order.u32(MAGIC_NUMBER));
        sector[CHECKSUM..].fill(0);
        let check = fold(sector);
        sector[CHECKSUM..].copy_from_slice(&check);
    }
}

/// The exclusive or of all words, which is the same in either order but for the order of its own bytes.
fn fold(sector: &[u8]) -> [u8; 2] {
    let words = sector.as_chunks::<2>().0.iter();
    words.fold([0; 2], |[low, high], word| [low ^ word[0], high ^ word[1]])
}

#[cfg(test)]
mod tests {
    use super::{Geometry, Label, Part};
    use crate::capability::{Capability, Port, Private};
    use crate::disk::SECTOR;
    use crate::{ByteOrder, Error};
    use proptest::prelude::{any, prop_assert, prop_assert_eq, proptest};

    fn label(order: ByteOrder) -> Label {
        let mut label = Label {
            order,
            geometry: Geometry {
                track_bytes: 0x7e00,
                sector_bytes: 512,
                cylinders: 203,
                alternate_cylinders: 2,
                heads: 16,
                sectors: 63,
            },
            ..Label::EMPTY
        };
        label.kind[..5].copy_from_slice(b"ST-42");
        label.parts[1] = Part {
            first: 0x0102_0304,
            blocks: 0x0506_0708,
            piece: 0x0a0b,
            pieces: 0x0c0d,
            capability: Capability {
                port: Port([0x11; 6]),
                private: Private::owner(2, Port([0x22; 6])),
            },
        };
        label
    }

    #[test]
    fn a_label_has_these_bytes() {
        let mut sector = [0; SECTOR];
        label(ByteOrder::Big).emit(&mut sector);
        assert!(sector[..238].iter().all(|byte| *byte == 0));
        assert_eq!(sector[238..245], *b"ST-42\0\0");
        assert_eq!(sector[268..280], [0x7e, 0, 2, 0, 0, 203, 0, 2, 0, 16, 0, 63]);
        assert_eq!(sector[280..308], [0; 28]);
        assert_eq!(
            sector[308..336],
            [
                1, 2, 3, 4, 5, 6, 7, 8, 0x0a, 0x0b, 0x0c, 0x0d, 0x11, 0x11, 0x11, 0x11, 0x11, 0x11, 2, 0, 0,
                0xff, 0x22, 0x22, 0x22, 0x22, 0x22, 0x22
            ]
        );
        assert_eq!(sector[336..504], [0; 168]);
        assert_eq!(sector[504..510], [0x0a, 0x30, 0xeb, 0xa0, 0, 0]);
        let (mut even, mut odd) = (0, 0);
        for pair in sector.chunks(2) {
            even ^= pair[0];
            odd ^= pair[1];
        }
        assert_eq!((even, odd), (0, 0));
        label(ByteOrder::Little).emit(&mut sector);
        assert_eq!(sector[504..508], [0xa0, 0xeb, 0x30, 0x0a]);
        assert_eq!(sector[308..312], [4, 3, 2, 1]);
    }

    #[test]
    fn a_label_of_either_order_reads_back() {
        for order in [ByteOrder::Little, ByteOrder::Big] {
            let mut sector = [0x5a; SECTOR];
            label(order).emit(&mut sector);
            assert_eq!(Label::parse(&sector), Ok(label(order)));
            assert!(sector[..238].iter().all(|byte| *byte == 0x5a));
        }
    }

    #[test]
    fn one_wrong_bit_anywhere_is_noticed() {
        let mut sector = [0; SECTOR];
        label(ByteOrder::Little).emit(&mut sector);
        for place in 0..SECTOR {
            for bit in 0..8 {
                sector[place] ^= 1 << bit;
                let expected = match place {
                    504..508 => Error::Magic,
                    _ => Error::Check,
                };
                assert_eq!(Label::parse(&sector), Err(expected), "byte {place}");
                sector[place] ^= 1 << bit;
            }
        }
        assert_eq!(Label::parse(&sector[..SECTOR - 1]), Err(Error::Truncated));
    }

    proptest! {
        #[test]
        fn any_sector_with_the_magic_number_is_a_label_or_not(mut bytes in proptest::collection::vec(any::<u8>(), SECTOR)) {
            bytes[504..508].copy_from_slice(&[0xa0, 0xeb, 0x30, 0x0a]);
            prop_assert!(Label::parse(&bytes).is_err() || super::fold(&bytes) == [0; 2]);
            let fold = super::fold(&bytes);
            bytes[510] ^= fold[0];
            bytes[511] ^= fold[1];
            let label = Label::parse(&bytes).unwrap();
            let mut again = [0; SECTOR];
            again.copy_from_slice(&bytes);
            label.emit(&mut again);
            prop_assert_eq!(&again[..], &bytes[..]);
        }
    }
}
