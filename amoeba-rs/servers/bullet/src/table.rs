//! The table of inodes and the map of free blocks: what there is, and what of it is on the disk.
//!
//! A file's blocks are written before its inode is, and they are free again only when the disk does not say any more that they are
//! the file's. So whatever moment the power fails at, no two inodes on the disk have a block in common.

use crate::cache::Slot;
use crate::check::Checked;
use crate::extents::Extents;
use alloc::collections::BTreeMap;
use alloc::vec::Vec;
use proto::bullet::LIFETIME;
use proto::bullet::disk::{Geometry, INODE_LENGTH, INODES_OF_SECTOR, Inode, InodeFlags, SECTOR};
use proto::capability::Port;
use proto::standard::Status;

/// How far a file has come.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Stage {
    /// There is no file.
    Free,
    /// It may still change; nothing of it is on the disk.
    Draft,
    /// It is committed and has blocks on the disk, but is not written there.
    Intent,
    /// Its contents are on the disk, but not its inode as it is now.
    Written,
    /// It is on the disk.
    Stable,
    /// It is destroyed, which the disk does not say yet.
    Dying,
}

/// A file, or an inode without one.
#[derive(Clone, Debug)]
pub(crate) struct File {
    /// First block, 0 if there is none.
    pub(crate) address: u32,
    /// Bytes.
    pub(crate) size: u32,
    /// Protects it.
    pub(crate) random: Port,
    /// How often it will be aged before it goes.
    pub(crate) lifetime: u8,
    /// How far it has come.
    pub(crate) stage: Stage,
    /// Whether a thread works on it, so that others may at most read it.
    pub(crate) is_busy: bool,
    /// Where it lies in the cache.
    pub(crate) slot: Option<Slot>,
}

impl File {
    const FREE: File = File {
        address: 0,
        size: 0,
        random: Port::NULL,
        lifetime: 0,
        stage: Stage::Free,
        is_busy: false,
        slot: None,
    };

    /// Whether it does not change any more.
    pub(crate) fn is_committed(&self) -> bool {
        matches!(self.stage, Stage::Intent | Stage::Written | Stage::Stable)
    }

    /// What the disk should say of it.
    fn inode(&self) -> Inode {
        if !matches!(self.stage, Stage::Written | Stage::Stable) {
            return Inode::FREE;
        }
        Inode {
            address: self.address,
            size: self.size,
            random: self.random,
            // Ages are not kept over a restart, so they need not be written when they change.
            lifetime: LIFETIME,
            flags: InodeFlags::ALLOCATED,
        }
    }
}

/// Blocks of the disk.
pub(crate) type Blocks = (u32, u32);

/// A sector of inodes on its way to the disk.
#[derive(Debug)]
pub(crate) struct SectorWrite {
    /// Which sector of the table.
    pub(crate) sector: u32,
    /// What is written.
    pub(crate) image: [u8; SECTOR],
    /// Blocks that nobody has on the disk once it is written.
    retired: Vec<Blocks>,
}

/// What is to be done about a sector of inodes.
#[derive(Debug)]
pub(crate) enum Pending {
    /// Nothing: the disk says what it should.
    Nothing,
    /// Somebody writes it at this moment.
    Underway,
    /// It is to be written.
    Write(SectorWrite),
}

#[derive(Debug, Default)]
struct Sector {
    is_underway: bool,
    retired: Vec<Blocks>,
}

/// All inodes.
#[derive(Debug)]
pub(crate) struct Table {
    geometry: Geometry,
    files: Vec<File>,
    free_blocks: Extents,
    free_inodes: u32,
    /// Where the search for a free inode goes on.
    next: u32,
    /// Sectors that are being written, or with blocks that will be free.
    sectors: BTreeMap<u32, Sector>,
}

impl Table {
    /// What a disk says that has been checked.
    pub(crate) fn new(checked: &Checked) -> Table {
        let geometry = checked.superblock.geometry;
        let mut table = Table {
            geometry,
            files: checked.inodes.iter().map(from_disk).collect(),
            free_blocks: Extents::new(geometry.first_data()..geometry.blocks),
            free_inodes: 0,
            next: 1,
            sectors: BTreeMap::new(),
        };
        for file in &table.files {
            let is_free = table
                .free_blocks
                .take_at(file.address, geometry.blocks_of(file.size));
            assert!(is_free || file.size == 0, "checked files do not overlap");
        }
        let free = table.files[1..].iter().filter(|file| file.stage == Stage::Free);
        table.free_inodes = free.count() as u32;
        table
    }

    /// Which part of the disk holds what.
    pub(crate) fn geometry(&self) -> &Geometry {
        &self.geometry
    }

    /// What is free on the disk.
    pub(crate) fn free_blocks(&self) -> &Extents {
        &self.free_blocks
    }

    /// Inodes without a file.
    pub(crate) fn free_inodes(&self) -> u32 {
        self.free_inodes
    }

    /// An inode.
    pub(crate) fn get(&self, object: u32) -> Option<&File> {
        self.files.get(object as usize)
    }

    /// A file.
    pub(crate) fn file(&mut self, object: u32) -> &mut File {
        &mut self.files[object as usize]
    }

    /// All inodes with their numbers; number 0 is always free.
    pub(crate) fn files(&self) -> impl Iterator<Item = (u32, &File)> {
        (0..).zip(&self.files)
    }

    /// All inodes with their numbers.
    pub(crate) fn files_mut(&mut self) -> impl Iterator<Item = (u32, &mut File)> {
        (0..).zip(&mut self.files)
    }

    /// A new file without contents, on which the caller works: its number.
    ///
    /// # Errors
    /// [`Status::NoSpace`] if every inode has a file.
    pub(crate) fn begin(&mut self, random: Port) -> Result<u32, Status> {
        let (before, behind) = self.files.split_at(self.next as usize);
        let mut numbers = (self.next..).zip(behind).chain((1..).zip(before.iter().skip(1)));
        let found = numbers.find(|(_, file)| file.stage == Stage::Free);
        let (object, _) = found.ok_or(Status::NoSpace)?;
        self.next = object;
        self.free_inodes -= 1;
        *self.file(object) = File {
            random,
            lifetime: LIFETIME,
            stage: Stage::Draft,
            is_busy: true,
            ..File::FREE
        };
        Ok(object)
    }

    /// Commits a file: it gets blocks for its contents.
    ///
    /// # Errors
    /// [`Status::NoSpace`] if there are not so many in one piece; the file is a draft still.
    pub(crate) fn commit(&mut self, object: u32) -> Result<(), Status> {
        let (_, blocks) = self.blocks(object);
        let address = if blocks == 0 {
            0
        } else {
            self.free_blocks.take(blocks).ok_or(Status::NoSpace)?
        };
        let file = self.file(object);
        file.address = address;
        file.stage = Stage::Intent;
        file.lifetime = LIFETIME;
        Ok(())
    }

    fn blocks(&self, object: u32) -> Blocks {
        let file = &self.files[object as usize];
        (file.address, self.geometry.blocks_of(file.size))
    }

    /// Destroys a file: whether the disk is to be told.
    pub(crate) fn destroy(&mut self, object: u32) -> bool {
        let blocks = self.blocks(object);
        let stage = self.file(object).stage;
        if matches!(stage, Stage::Written | Stage::Stable) {
            self.retire(object, blocks);
            *self.file(object) = File {
                stage: Stage::Dying,
                ..File::FREE
            };
            return true;
        }
        if stage == Stage::Intent {
            self.free_blocks.give(blocks.0, blocks.1);
        }
        self.set_free(object);
        false
    }

    fn set_free(&mut self, object: u32) {
        *self.file(object) = File::FREE;
        self.free_inodes += 1;
    }

    /// Has blocks become free when the disk says no more that they are the file's.
    fn retire(&mut self, object: u32, blocks: Blocks) {
        self.sectors
            .entry(sector_of(object))
            .or_default()
            .retired
            .push(blocks);
    }

    /// Takes blocks at a certain place; false if they are not free.
    pub(crate) fn take_blocks(&mut self, address: u32, count: u32) -> bool {
        self.free_blocks.take_at(address, count)
    }

    /// Takes blocks that lie in one piece.
    pub(crate) fn take_any_blocks(&mut self, count: u32) -> Option<u32> {
        self.free_blocks.take(count)
    }

    /// Gives blocks back that no inode has named.
    pub(crate) fn give_blocks(&mut self, address: u32, count: u32) {
        self.free_blocks.give(address, count);
    }

    /// The contents of a file have been copied to other blocks, which are its own from now on.
    pub(crate) fn relocate(&mut self, object: u32, address: u32) {
        let blocks = self.blocks(object);
        self.retire(object, blocks);
        let file = self.file(object);
        file.address = address;
        file.stage = Stage::Written;
    }

    /// Whether the disk says what it should of this inode.
    pub(crate) fn is_settled(&self, object: u32) -> bool {
        !matches!(self.files[object as usize].stage, Stage::Written | Stage::Dying)
    }

    /// Sectors of inodes about which something is to be done.
    pub(crate) fn unsettled(&self) -> Vec<u32> {
        (0..self.geometry.inode_sectors())
            .filter(|sector| self.is_unsettled(*sector))
            .collect()
    }

    fn objects(&self, sector: u32) -> core::ops::Range<u32> {
        let first = sector * INODES_OF_SECTOR;
        first..self.geometry.inodes.min(first + INODES_OF_SECTOR)
    }

    fn is_unsettled(&self, sector: u32) -> bool {
        let retires = self
            .sectors
            .get(&sector)
            .is_some_and(|sector| !sector.retired.is_empty());
        retires || self.objects(sector).any(|object| !self.is_settled(object))
    }

    /// What the disk should say in a sector of inodes.
    pub(crate) fn image(&self, sector: u32) -> [u8; SECTOR] {
        let mut image = [0; SECTOR];
        for (place, object) in image.chunks_exact_mut(INODE_LENGTH).zip(self.objects(sector)) {
            place.copy_from_slice(&self.files[object as usize].inode().emit());
        }
        image
    }

    /// What is to be done about a sector; what must be written counts as underway from now on.
    pub(crate) fn begin_write(&mut self, sector: u32) -> Pending {
        if self.sectors.get(&sector).is_some_and(|sector| sector.is_underway) {
            return Pending::Underway;
        }
        if !self.is_unsettled(sector) {
            return Pending::Nothing;
        }
        Pending::Write(self.rewrite(sector))
    }

    /// A sector as it should be on the disk, which counts as underway from now on; `None` while somebody else writes it.
    pub(crate) fn take_sector(&mut self, sector: u32) -> Option<SectorWrite> {
        let is_underway = self.sectors.get(&sector).is_some_and(|sector| sector.is_underway);
        (!is_underway).then(|| self.rewrite(sector))
    }

    fn rewrite(&mut self, sector: u32) -> SectorWrite {
        let state = self.sectors.entry(sector).or_default();
        state.is_underway = true;
        let retired = core::mem::take(&mut state.retired);
        SectorWrite {
            sector,
            image: self.image(sector),
            retired,
        }
    }

    /// A sector has been written, or could not be.
    pub(crate) fn end_write(&mut self, write: SectorWrite, is_written: bool) {
        let state = self.sectors.entry(write.sector).or_default();
        state.is_underway = false;
        if !is_written {
            // Nobody knows what the disk says now, so what was to be free is not.
            state.retired.extend(write.retired);
            return;
        }
        if state.retired.is_empty() {
            self.sectors.remove(&write.sector);
        }
        for (address, count) in write.retired {
            self.free_blocks.give(address, count);
        }
        for (written, object) in write
            .image
            .chunks_exact(INODE_LENGTH)
            .zip(self.objects(write.sector))
        {
            let file = &self.files[object as usize];
            match file.stage {
                Stage::Written if file.inode().emit() == *written => self.file(object).stage = Stage::Stable,
                Stage::Dying if *written == Inode::FREE.emit() => self.set_free(object),
                _ => {}
            }
        }
    }
}

/// The sector of the table in which an inode lies.
pub(crate) fn sector_of(object: u32) -> u32 {
    object / INODES_OF_SECTOR
}

/// A file as it is after a restart.
fn from_disk(inode: &Inode) -> File {
    if inode.lifetime == 0 {
        return File::FREE;
    }
    File {
        address: inode.address,
        size: inode.size,
        random: inode.random,
        lifetime: LIFETIME,
        stage: Stage::Stable,
        ..File::FREE
    }
}
