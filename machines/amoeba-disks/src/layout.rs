//! A disk's partition and its virtual disks: where they are put, and where they are found.

use std::ops::Range;

use proto::ByteOrder;
use proto::capability::{Capability, Port, Private};
use proto::disk::label::PARTS;
use proto::disk::partition_table::{AMOEBA, Partition};
use proto::disk::{Geometry, Label, Part, PartitionTable};

use crate::SECTOR;
use crate::description::Disk;

/// A virtual disk of one piece: its number, its secret, and the sectors of the image that it has.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct VirtualDisk {
    pub(crate) object: u32,
    pub(crate) check: Port,
    pub(crate) sectors: Range<u64>,
}

impl VirtualDisk {
    /// Its bytes in an image.
    pub(crate) fn bytes(&self) -> Range<usize> {
        self.sectors.start as usize * SECTOR..self.sectors.end as usize * SECTOR
    }
}

/// The first sector of a disk's only partition, behind the first track.
pub(crate) fn partition(disk: &Disk) -> u64 {
    u64::from(disk.sectors)
}

/// Writes the table of partitions and the label of a disk with these virtual disks.
///
/// # Errors
/// What cannot be told in them.
pub(crate) fn write(
    disk: &Disk,
    virtual_disks: &[VirtualDisk],
    image: &mut [u8],
) -> Result<(), &'static str> {
    let start = partition(disk);
    let sectors = disk.cylinders() * disk.cylinder();
    let number = |value: u64| u32::try_from(value).map_err(|_| "the disk is too large");
    let mut table = PartitionTable::default();
    table.0[0] = Partition {
        is_active: true,
        kind: AMOEBA,
        first: number(start)?,
        sectors: number(sectors - start)?,
    };
    let mut label = Label {
        order: ByteOrder::Little,
        geometry: Geometry {
            track_bytes: disk.sectors * SECTOR as u16,
            sector_bytes: SECTOR as u16,
            cylinders: u16::try_from(disk.cylinders()).map_err(|_| "the disk has too many cylinders")?,
            alternate_cylinders: 0,
            heads: disk.heads,
            sectors: disk.sectors,
        },
        ..Label::EMPTY
    };
    label.kind[..5].copy_from_slice(b"amlab");
    if virtual_disks.len() > PARTS {
        return Err("a label has eight parts");
    }
    for (part, virtual_disk) in label.parts.iter_mut().zip(virtual_disks) {
        *part = Part {
            first: number(virtual_disk.sectors.start - start)?,
            blocks: number(virtual_disk.sectors.end - virtual_disk.sectors.start)?,
            piece: 0,
            pieces: 1,
            capability: Capability {
                port: Port::NULL,
                private: Private::owner(virtual_disk.object, virtual_disk.check),
            },
        };
    }
    table.emit(sector(image, 0)?);
    label.emit(sector(image, start)?);
    Ok(())
}

fn sector(image: &mut [u8], number: u64) -> Result<&mut [u8; SECTOR], &'static str> {
    let rest = image.get_mut(number as usize * SECTOR..);
    rest.and_then(|rest| rest.first_chunk_mut())
        .ok_or("the disk has no room for a partition")
}

/// What is wrong with a label.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Fault {
    /// There is no good label where one should be.
    Label(proto::Error),
    /// A part begins in the label, or goes beyond the partition.
    Beyond(u32),
    /// Two parts have sectors in common.
    Overlap(u32, u32),
}

/// The virtual disks of an image, and what is wrong with its labels. Those of several pieces are not put together here: each
/// piece stands for itself.
pub(crate) fn read(image: &[u8]) -> (Vec<VirtualDisk>, Vec<Fault>) {
    let all = (image.len() / SECTOR) as u64;
    let places: Vec<Range<u64>> = match PartitionTable::parse(image) {
        Ok(table) if table.amoeba().count() > 0 => table
            .amoeba()
            .map(|partition| {
                let start = u64::from(partition.first);
                start..(start + u64::from(partition.sectors)).min(all)
            })
            .collect(),
        _ => std::iter::once(0..all).collect(),
    };
    let (mut disks, mut faults) = (Vec::<VirtualDisk>::new(), Vec::new());
    for place in places {
        let sector = image.get(place.start as usize * SECTOR..).unwrap_or_default();
        let label = match Label::parse(sector) {
            Ok(label) => label,
            Err(error) => {
                faults.push(Fault::Label(error));
                continue;
            }
        };
        for part in label.parts.iter().filter(|part| part.blocks > 0) {
            let (object, check) = (part.capability.private.object(), part.capability.private.check);
            let start = place.start + u64::from(part.first);
            let sectors = start..start + u64::from(part.blocks);
            if part.first == 0 || sectors.end > place.end {
                faults.push(Fault::Beyond(object));
                continue;
            }
            let meets =
                |other: &&VirtualDisk| other.sectors.start < sectors.end && sectors.start < other.sectors.end;
            if let Some(other) = disks.iter().find(meets) {
                faults.push(Fault::Overlap(other.object, object));
            }
            disks.push(VirtualDisk {
                object,
                check,
                sectors,
            });
        }
    }
    (disks, faults)
}
