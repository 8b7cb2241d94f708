//! The making of an empty file system.

use crate::check::Error;
use crate::disk::Disk;
use alloc::vec;
use proto::bullet::disk::{Geometry, SECTOR, Superblock};

/// Bytes of a file, on average, by which the number of inodes is chosen.
pub const AVERAGE_FILE: u64 = 16 << 10;
/// Sectors that are written at once.
const SECTORS_AT_ONCE: u64 = 32;

/// How a disk of so many sectors is laid out with blocks of `1 << block_shift` bytes: with `inodes` inodes, or else one for every
/// [`AVERAGE_FILE`] bytes.
///
/// # Errors
/// [`proto::Error::Length`] if it cannot be.
pub fn layout(sectors: u64, block_shift: u32, inodes: Option<u32>) -> Result<Geometry, proto::Error> {
    let shift = block_shift.checked_sub(9).ok_or(proto::Error::Length)?;
    let blocks = sectors.checked_shr(shift).ok_or(proto::Error::Length)?;
    let usual = (sectors * SECTOR as u64 / AVERAGE_FILE).clamp(2, 1 << 24) as u32;
    let geometry = Geometry {
        block_shift,
        inodes: inodes.unwrap_or(usual),
        blocks: u32::try_from(blocks).unwrap_or(u32::MAX),
    };
    geometry.check()?;
    Ok(geometry)
}

/// Makes an empty file system. While it is made there is none: what was there before goes first.
///
/// # Errors
/// [`Error::Superblock`] if the disk cannot be laid out so, [`Error::Short`] if it is too small, [`Error::Disk`] if it fails.
pub fn make(disk: &impl Disk, superblock: &Superblock) -> Result<(), Error> {
    let geometry = superblock.geometry;
    geometry.check().map_err(Error::Superblock)?;
    let (needed, there) = (geometry.sectors(), disk.sectors()?);
    if there < needed {
        return Err(Error::Short { needed, there });
    }
    let zeros = vec![0; SECTORS_AT_ONCE as usize * SECTOR];
    let mut sector = 0;
    let end = geometry.sector(geometry.first_data());
    while sector < end {
        let count = SECTORS_AT_ONCE.min(end - sector);
        disk.write(sector, &zeros[..count as usize * SECTOR])?;
        sector += count;
    }
    disk.write(0, &superblock.emit())?;
    Ok(())
}
