//! The table of partitions in the first sector of a PC's disk, the master boot record: four entries of 16 bytes at offset 446,
//! and the bytes 55h and AAh at the end (IBM PC/AT Technical Reference, fixed disk boot record).
//!
//! Left out: the addresses by cylinder, head and sector in an entry, which say the same as the numbers of sectors and
//! do not reach far; they are written as FFFFFFh, "too far". Extended partitions.

use super::SECTOR;
use crate::{Error, array};

/// Partitions in a table.
pub const ENTRIES: usize = 4;
/// A partition of Amoeba's.
pub const AMOEBA: u8 = 0x93;
/// Amoeba's table of bad blocks.
pub const AMOEBA_BAD_BLOCKS: u8 = 0x94;

const TABLE: usize = 446;
const ENTRY: usize = 16;
const SIGNATURE: usize = 510;
const SIGNATURE_BYTES: [u8; 2] = [0x55, 0xaa];
const ACTIVE: u8 = 0x80;
const TOO_FAR: [u8; 3] = [0xff; 3];

/// A partition.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Partition {
    /// Whether a PC boots from it.
    pub is_active: bool,
    /// What is in it; 0 if the entry is empty.
    pub kind: u8,
    /// Its first sector, counted from 0.
    pub first: u32,
    /// How many sectors it has.
    pub sectors: u32,
}

/// The table.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct PartitionTable(pub [Partition; ENTRIES]);

impl PartitionTable {
    /// Reads the table in a disk's first sector.
    ///
    /// # Errors
    /// [`Error::Magic`] without the two bytes at the end; [`Error::Length`] for a partition whose end cannot be numbered.
    pub fn parse(sector: &[u8]) -> Result<PartitionTable, Error> {
        if array(sector, SIGNATURE)? != SIGNATURE_BYTES {
            return Err(Error::Magic);
        }
        let mut table = PartitionTable::default();
        for (partition, start) in table.0.iter_mut().zip((TABLE..).step_by(ENTRY)) {
            let [flag] = array(sector, start)?;
            let [kind] = array(sector, start + 4)?;
            *partition = Partition {
                is_active: flag == ACTIVE,
                kind,
                first: u32::from_le_bytes(array(sector, start + 8)?),
                sectors: u32::from_le_bytes(array(sector, start + 12)?),
            };
            partition
                .first
                .checked_add(partition.sectors)
                .ok_or(Error::Length)?;
        }
        Ok(table)
    }

    /// Writes the table into a first sector, whose program stays.
    pub fn emit(&self, sector: &mut [u8; SECTOR]) {
        for (partition, start) in self.0.iter().zip((TABLE..).step_by(ENTRY)) {
            let entry = &mut sector[start..start + ENTRY];
            entry.fill(0);
            if partition.kind == 0 {
                continue;
            }
            entry[0] = if partition.is_active { ACTIVE } else { 0 };
            entry[1..4].copy_from_slice(&TOO_FAR);
            entry[4] = partition.kind;
            entry[5..8].copy_from_slice(&TOO_FAR);
            entry[8..12].copy_from_slice(&partition.first.to_le_bytes());
            entry[12..16].copy_from_slice(&partition.sectors.to_le_bytes());
        }
        sector[SIGNATURE..].copy_from_slice(&SIGNATURE_BYTES);
    }

    /// The partitions of Amoeba's.
    pub fn amoeba(&self) -> impl Iterator<Item = &Partition> {
        let is_amoeba = |partition: &&Partition| partition.kind == AMOEBA && partition.sectors > 0;
        self.0.iter().filter(is_amoeba)
    }
}

#[cfg(test)]
mod tests {
    use super::{AMOEBA, Partition, PartitionTable, SECTOR};
    use crate::Error;
    use proptest::prelude::{any, prop_assert_eq, proptest};

    fn table() -> PartitionTable {
        let mut table = PartitionTable::default();
        table.0[1] = Partition {
            is_active: true,
            kind: AMOEBA,
            first: 63,
            sectors: 0x0102_0304,
        };
        table
    }

    #[test]
    fn an_entry_has_these_bytes() {
        let mut sector = [0xcc; SECTOR];
        table().emit(&mut sector);
        assert_eq!(
            sector[446 + 16..446 + 32],
            [
                0x80, 0xff, 0xff, 0xff, 0x93, 0xff, 0xff, 0xff, 63, 0, 0, 0, 4, 3, 2, 1
            ]
        );
        assert_eq!(sector[510..], [0x55, 0xaa]);
        assert!(
            sector[..446].iter().all(|byte| *byte == 0xcc),
            "the program stays"
        );
        assert_eq!(PartitionTable::parse(&sector), Ok(table()));
        assert_eq!(table().amoeba().count(), 1);
    }

    #[test]
    fn what_has_no_signature_or_no_end_is_no_table() {
        let mut sector = [0; SECTOR];
        assert_eq!(PartitionTable::parse(&sector), Err(Error::Magic));
        assert_eq!(PartitionTable::parse(&sector[..511]), Err(Error::Truncated));
        table().emit(&mut sector);
        sector[446 + 16 + 8..446 + 16 + 16].fill(0xff);
        assert_eq!(PartitionTable::parse(&sector), Err(Error::Length));
    }

    proptest! {
        #[test]
        fn any_sector_is_a_table_or_not(bytes in proptest::collection::vec(any::<u8>(), 0..520)) {
            let mut sector = [0; SECTOR];
            if let Ok(table) = PartitionTable::parse(&bytes) {
                table.emit(&mut sector);
            }
            sector[SECTOR - 2..].copy_from_slice(&[0x55, 0xaa]);
            if let Ok(table) = PartitionTable::parse(&sector) {
                let mut again = [0; SECTOR];
                table.emit(&mut again);
                let kinds = PartitionTable::parse(&again).map(|table| table.0.map(|partition| partition.kind));
                prop_assert_eq!(kinds, Ok(table.0.map(|partition| partition.kind)));
            }
        }
    }
}
