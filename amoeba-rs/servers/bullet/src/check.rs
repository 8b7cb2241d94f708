//! The check of a file system: at every start of the server, and by `bfsck`.
//!
//! A file whose contents are not certain is destroyed: nobody shall ever read what is not the file's. A power cut can leave one sector
//! that cannot be read. If it is one of inodes, what they say is lost; it is written anew, and the other files are served.

use crate::disk::Disk;
use alloc::vec;
use alloc::vec::Vec;
use core::fmt;
use proto::bullet::disk::{Geometry, INODE_LENGTH, INODES_OF_SECTOR, Inode, InodeFlags, SECTOR, Superblock};
use proto::capability::Port;
use proto::standard::Status;

/// Sectors of inodes that are read at once.
const SECTORS_AT_ONCE: u32 = 16;

/// Why a disk cannot be used as a file system.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Error {
    /// The disk fails.
    Disk(Status),
    /// It does not begin with a good superblock.
    Superblock(proto::Error),
    /// It has fewer sectors than its superblock says. Nothing is destroyed: the rest may be somewhere.
    Short {
        /// Sectors of the file system.
        needed: u64,
        /// Sectors of the disk.
        there: u64,
    },
}

impl fmt::Display for Error {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Error::Disk(status) => write!(formatter, "the disk fails: {status}"),
            Error::Superblock(error) => write!(formatter, "no Bullet file system: {error}"),
            Error::Short { needed, there } => {
                write!(
                    formatter,
                    "the file system has {needed} sectors and the disk only {there}"
                )
            }
        }
    }
}

impl core::error::Error for Error {}

impl From<Status> for Error {
    fn from(status: Status) -> Error {
        Error::Disk(status)
    }
}

/// What is wrong with an inode.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Problem {
    /// Its flags do not say that it is a file on the disk.
    Flags,
    /// Nothing protects it.
    Unprotected,
    /// Its contents lie outside of the part of the disk for contents.
    Address,
    /// It is empty and has an address.
    EmptyWithAddress,
    /// It has blocks in common with the file of that number.
    Overlap(u32),
    /// It is free, but not zero.
    Remains,
}

impl fmt::Display for Problem {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Problem::Flags => write!(formatter, "bad flags"),
            Problem::Unprotected => write!(formatter, "no random number"),
            Problem::Address => write!(formatter, "bad address"),
            Problem::EmptyWithAddress => write!(formatter, "empty, but with an address"),
            Problem::Overlap(other) => write!(formatter, "overlaps with {other}"),
            Problem::Remains => write!(formatter, "free, but not zero"),
        }
    }
}

/// A bad inode.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Finding {
    /// Its number.
    pub object: u32,
    /// What is wrong with it.
    pub problem: Problem,
}

/// A file system that has been checked.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Checked {
    /// How it is laid out, and whose it is.
    pub superblock: Superblock,
    /// All inodes from number 0 on; bad ones are free.
    pub inodes: Vec<Inode>,
    /// What was found, by number. An inode is named once.
    pub findings: Vec<Finding>,
    /// The sector of inodes, counted from the first one, that cannot be read: its inodes are free.
    pub unreadable: Option<u32>,
}

impl Checked {
    /// How many files there are.
    pub fn files(&self) -> usize {
        self.inodes.iter().filter(|inode| inode.lifetime != 0).count()
    }

    /// Blocks that hold contents.
    pub fn used_blocks(&self) -> u32 {
        let geometry = &self.superblock.geometry;
        self.inodes
            .iter()
            .map(|inode| geometry.blocks_of(inode.size))
            .sum()
    }
}

/// Reads a superblock and sees whether the disk is as large as it says.
///
/// # Errors
/// What keeps the disk from being used.
pub fn superblock(disk: &impl Disk) -> Result<Superblock, Error> {
    let mut sector = [0; SECTOR];
    disk.read(0, &mut sector)?;
    let superblock = Superblock::parse(&sector).map_err(Error::Superblock)?;
    let (needed, there) = (superblock.geometry.sectors(), disk.sectors()?);
    if there < needed {
        return Err(Error::Short { needed, there });
    }
    Ok(superblock)
}

/// Checks a file system that no server uses; with `repair` bad inodes are freed on the disk.
///
/// # Errors
/// What keeps the disk from being used. Two sectors of inodes that cannot be read are no power cut's doing: the disk fails.
pub fn check(disk: &impl Disk, repair: bool) -> Result<Checked, Error> {
    let superblock = superblock(disk)?;
    let geometry = superblock.geometry;
    let (mut inodes, unreadable) = read_inodes(disk, &geometry)?;
    let findings = judge(&geometry, &inodes);
    for finding in &findings {
        inodes[finding.object as usize] = Inode::FREE;
    }
    if repair {
        let mut sectors: Vec<u32> = findings
            .iter()
            .map(|finding| finding.object / INODES_OF_SECTOR)
            .collect();
        sectors.dedup();
        sectors.extend(unreadable);
        for sector in sectors {
            disk.write(geometry.inode_sector(sector), &image(&inodes, sector))?;
        }
    }
    Ok(Checked {
        superblock,
        inodes,
        findings,
        unreadable,
    })
}

/// All inodes, and the sector that cannot be read, if there is one; its inodes are free.
fn read_inodes(disk: &impl Disk, geometry: &Geometry) -> Result<(Vec<Inode>, Option<u32>), Error> {
    let mut inodes = Vec::with_capacity(geometry.inodes as usize);
    let mut unreadable = None;
    let mut memory = vec![0; SECTORS_AT_ONCE as usize * SECTOR];
    for first in (0..geometry.inode_sectors()).step_by(SECTORS_AT_ONCE as usize) {
        let count = SECTORS_AT_ONCE.min(geometry.inode_sectors() - first);
        let memory = &mut memory[..count as usize * SECTOR];
        if disk.read(geometry.inode_sector(first), memory).is_err() {
            read_each(disk, geometry, first, memory, &mut unreadable)?;
        }
        let read = memory.chunks_exact(INODE_LENGTH).map(Inode::parse);
        let left = geometry.inodes as usize - inodes.len();
        for inode in read.take(left) {
            inodes.push(inode.map_err(Error::Superblock)?);
        }
    }
    Ok((inodes, unreadable))
}

/// Reads sectors of inodes one by one; the first one that cannot be read is filled with free inodes.
fn read_each(
    disk: &impl Disk,
    geometry: &Geometry,
    first: u32,
    memory: &mut [u8],
    unreadable: &mut Option<u32>,
) -> Result<(), Error> {
    for (sector, bytes) in (first..).zip(memory.chunks_exact_mut(SECTOR)) {
        if let Err(status) = disk.read(geometry.inode_sector(sector), bytes) {
            if unreadable.replace(sector).is_some() {
                return Err(status.into());
            }
            for inode in bytes.chunks_exact_mut(INODE_LENGTH) {
                inode.copy_from_slice(&Inode::FREE.emit());
            }
        }
    }
    Ok(())
}

/// The bytes of a sector of inodes.
fn image(inodes: &[Inode], sector: u32) -> [u8; SECTOR] {
    let mut image = [0; SECTOR];
    let first = (sector * INODES_OF_SECTOR) as usize;
    for (place, inode) in image.chunks_exact_mut(INODE_LENGTH).zip(&inodes[first..]) {
        place.copy_from_slice(&inode.emit());
    }
    image
}

/// What is wrong with an inode by itself.
fn judge_one(geometry: &Geometry, object: u32, inode: &Inode) -> Option<Problem> {
    let is_free = inode.lifetime == 0 || object == 0;
    let end = u64::from(inode.address) + u64::from(geometry.blocks_of(inode.size));
    let is_outside = inode.address < geometry.first_data() || end > u64::from(geometry.blocks);
    let problems = [
        (is_free && *inode != Inode::FREE, Problem::Remains),
        (!is_free && inode.flags != InodeFlags::ALLOCATED, Problem::Flags),
        (!is_free && inode.random == Port::NULL, Problem::Unprotected),
        (
            !is_free && inode.size == 0 && inode.address != 0,
            Problem::EmptyWithAddress,
        ),
        (!is_free && inode.size != 0 && is_outside, Problem::Address),
    ];
    let found = problems.into_iter().find(|(is_wrong, _)| *is_wrong);
    found.map(|(_, problem)| problem)
}

/// Everything that is wrong with inodes, by number.
fn judge(geometry: &Geometry, inodes: &[Inode]) -> Vec<Finding> {
    let mut findings = Vec::new();
    let mut extents = Vec::new();
    for (object, inode) in (0..).zip(inodes) {
        if let Some(problem) = judge_one(geometry, object, inode) {
            findings.push(Finding { object, problem });
        } else if inode.size > 0 {
            extents.push((
                inode.address,
                inode.address + geometry.blocks_of(inode.size),
                object,
            ));
        }
    }
    extents.sort_unstable();
    // The file whose contents reach furthest, of those that begin earlier.
    let mut furthest: Option<(u32, u32)> = None;
    let mut overlaps = Vec::new();
    for (start, end, object) in extents {
        if let Some((_, other)) = furthest.filter(|(reached, _)| start < *reached) {
            overlaps.extend([(object, other), (other, object)]);
        }
        if furthest.is_none_or(|(reached, _)| end > reached) {
            furthest = Some((end, object));
        }
    }
    overlaps.sort_unstable();
    overlaps.dedup_by_key(|(object, _)| *object);
    findings.extend(overlaps.into_iter().map(|(object, other)| Finding {
        object,
        problem: Problem::Overlap(other),
    }));
    findings.sort_unstable_by_key(|finding| finding.object);
    findings
}
