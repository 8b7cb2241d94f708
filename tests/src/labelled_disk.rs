//! Images of disks with a partition of Amoeba's and a label, as an installed machine has them.

use std::ops::Range;

use amoeba_disks::NewStore;
use bullet::make::layout;
use proto::bullet::disk::Superblock;
use proto::capability::{Capability, Port, Private};
use proto::disk::partition_table::{AMOEBA, Partition};
use proto::disk::{Geometry, Label, Part, PartitionTable, SECTOR};

/// Where the partition begins, behind the first track.
pub const PARTITION: u32 = 63;
/// Sectors of the virtual disk of [`file_server`].
const FILES: u32 = 4000;
/// Where it lies in the image: behind the partition's label.
pub const FILE_SYSTEM: Range<usize> = {
    let start = (PARTITION as usize + 1) * SECTOR;
    start..start + FILES as usize * SECTOR
};
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

/// The bytes of a disk whose virtual disk 1 has a Bullet file system with these files. The name `bullet` stands for the server's
/// get-port, and the check field of the server and of all files is `secret`; the first file is object 1.
///
/// # Panics
/// If there is no room for the files.
#[must_use]
pub fn file_server(files: &[&[u8]]) -> Vec<u8> {
    const SECRET: Port = Port(*b"secret");
    let mut bytes = image(10, &[part(1, 1, FILES, 0, 1)]);
    let superblock = Superblock {
        geometry: layout(FILES.into(), 9, None).expect("a good layout"),
        capability: Capability {
            port: Port(*b"bullet"),
            private: Private::owner(0, SECRET),
        },
    };
    let mut store = NewStore::make(&mut bytes[FILE_SYSTEM], superblock).expect("a disk that is large enough");
    for contents in files {
        store.create(contents, SECRET).expect("room for the file");
    }
    bytes
}
