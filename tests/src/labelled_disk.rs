//! Images of disks with a partition of Amoeba's and a label, as an installed machine has them.

use proto::capability::{Capability, Port, Private};
use proto::disk::partition_table::{AMOEBA, Partition};
use proto::disk::{Geometry, Label, Part, PartitionTable, SECTOR};

/// Where the partition begins, behind the first track.
pub const PARTITION: u32 = 63;
/// Sectors of a cylinder: 16 heads with 63 sectors.
const CYLINDER: u32 = 16 * 63;

/// A part of a label: piece `piece` of `pieces` of virtual disk `object`.
#[must_use]
pub fn part(object: u32, first: u32, blocks: u32, piece: u16, pieces: u16) -> Part {
    Part {
        first,
        blocks,
        piece,
        pieces,
        capability: Capability {
            port: Port::NULL,
            private: Private::owner(object, Port(*b"secret")),
        },
    }
}

/// The bytes of a disk of so many cylinders, of which all but the first track is a partition with these parts.
///
/// # Panics
/// If there are more parts than a label has, or cylinders than it can tell.
#[must_use]
pub fn image(cylinders: u16, parts: &[Part]) -> Vec<u8> {
    let sectors = u32::from(cylinders) * CYLINDER;
    let mut bytes = vec![0; sectors as usize * SECTOR];
    let mut table = PartitionTable::default();
    table.0[0] = Partition {
        is_active: true,
        kind: AMOEBA,
        first: PARTITION,
        sectors: sectors - PARTITION,
    };
    let mut label = Label {
        geometry: Geometry {
            track_bytes: 63 * SECTOR as u16,
            sector_bytes: SECTOR as u16,
            cylinders,
            alternate_cylinders: 0,
            heads: 16,
            sectors: 63,
        },
        ..Label::EMPTY
    };
    label.parts[..parts.len()].copy_from_slice(parts);
    let first = bytes.first_chunk_mut().expect("a first sector");
    table.emit(first);
    let place = PARTITION as usize * SECTOR;
    label.emit(
        bytes[place..]
            .first_chunk_mut()
            .expect("a sector of the partition"),
    );
    bytes
}
