//! How files lie on a disk.
//!
//! Block 0 begins with the [`Superblock`]; inodes follow from block 1 on, then the files' contents, each in one piece. A block has
//! 512 bytes or a power of two times as many. All integers have their most significant byte first.
//!
//! | offset | superblock | bytes |
//! |---|---|---|
//! | 0 | magic number 70BDCE21h | 4 |
//! | 4 | bytes of a block, as a power of two | 4 |
//! | 8 | inodes, number 0 included | 4 |
//! | 12 | blocks | 4 |
//! | 16 | last block with inodes | 4 |
//! | 20 | the server's own capability; its port is the get-port | 16 |
//! | 36 | makes the exclusive or of all 16-bit words zero | 2 |
//! | 38 | zeros | 474 |
//!
//! | offset | inode | bytes |
//! |---|---|---|
//! | 0 | first block of the contents, 0 if there are none | 4 |
//! | 4 | size in bytes | 4 |
//! | 8 | random number that protects the file | 6 |
//! | 14 | lifetime, 0 if the inode is free | 1 |
//! | 15 | flags | 1 |

use crate::capability::{CAPABILITY_LENGTH, Capability, Port, Private};
use crate::{Error, array};

/// Bytes of a sector of a disk, and of the superblock.
pub const SECTOR: usize = 512;
/// Bytes of an inode.
pub const INODE_LENGTH: usize = 16;
/// Inodes in a sector.
pub const INODES_OF_SECTOR: u32 = (SECTOR / INODE_LENGTH) as u32;
/// The sizes that a block can have, as powers of two: those of virtual disks.
pub const BLOCK_SHIFTS: core::ops::RangeInclusive<u32> = 9..=31;

const MAGIC: u32 = 0x70bd_ce21;
const CHECK: usize = 36;

/// Which part of a disk holds what.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Geometry {
    /// Bytes of a block, as a power of two.
    pub block_shift: u32,
    /// Inodes, of which number 0 belongs to no file.
    pub inodes: u32,
    /// Blocks of the disk.
    pub blocks: u32,
}

impl Geometry {
    /// The last block with inodes.
    pub fn inode_top(&self) -> u32 {
        let bytes = u64::from(self.inodes) * INODE_LENGTH as u64;
        // A table of 2^24 inodes has less than 2^20 sectors.
        bytes.div_ceil(1 << self.block_shift) as u32
    }

    /// The first block for contents.
    pub fn first_data(&self) -> u32 {
        self.inode_top() + 1
    }

    /// Blocks that so many bytes take.
    pub fn blocks_of(&self, bytes: u32) -> u32 {
        u64::from(bytes).div_ceil(1 << self.block_shift) as u32
    }

    /// Sectors of a block.
    pub fn sectors_of_block(&self) -> u64 {
        1 << (self.block_shift - 9)
    }

    /// The first sector of a block.
    pub fn sector(&self, block: u32) -> u64 {
        u64::from(block) << (self.block_shift - 9)
    }

    /// Sectors of the whole file system.
    pub fn sectors(&self) -> u64 {
        self.sector(self.blocks)
    }

    /// Sectors with inodes.
    pub fn inode_sectors(&self) -> u32 {
        self.inodes.div_ceil(INODES_OF_SECTOR)
    }

    /// The disk's sector in which the sector `number` of the table of inodes lies.
    pub fn inode_sector(&self, number: u32) -> u64 {
        self.sector(1) + u64::from(number)
    }

    /// Whether a disk can be laid out so.
    ///
    /// # Errors
    /// [`Error::Length`] if not: a size of blocks that there is none, no inode for files or more than capabilities can name, or no room for them.
    pub fn check(&self) -> Result<(), Error> {
        let is_good = BLOCK_SHIFTS.contains(&self.block_shift)
            && (2..=Private::LARGEST_OBJECT + 1).contains(&self.inodes)
            && self.first_data() <= self.blocks;
        is_good.then_some(()).ok_or(Error::Length)
    }
}

/// The first sector.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Superblock {
    /// Which part of the disk holds what.
    pub geometry: Geometry,
    /// The get-port of the server and all rights on its own object.
    pub capability: Capability,
}

impl Superblock {
    /// Reads a superblock.
    ///
    /// # Errors
    /// [`Error::Magic`] if it is none, [`Error::Check`] if it has changed since it was written, [`Error::Length`] if its numbers do
    /// not agree.
    pub fn parse(sector: &[u8; SECTOR]) -> Result<Superblock, Error> {
        let number = |offset| array(sector, offset).map(u32::from_be_bytes);
        if number(0)? != MAGIC {
            return Err(Error::Magic);
        }
        if exclusive_or(sector) != [0, 0] {
            return Err(Error::Check);
        }
        let geometry = Geometry {
            block_shift: number(4)?,
            inodes: number(8)?,
            blocks: number(12)?,
        };
        geometry.check()?;
        if number(16)? != geometry.inode_top() {
            return Err(Error::Length);
        }
        Ok(Superblock {
            geometry,
            capability: Capability::parse(&sector[20..])?,
        })
    }

    /// The bytes of the superblock.
    pub fn emit(&self) -> [u8; SECTOR] {
        let mut sector = [0; SECTOR];
        let geometry = &self.geometry;
        let numbers = [
            MAGIC,
            geometry.block_shift,
            geometry.inodes,
            geometry.blocks,
            geometry.inode_top(),
        ];
        for (place, number) in sector.chunks_exact_mut(4).zip(numbers) {
            place.copy_from_slice(&number.to_be_bytes());
        }
        sector[20..20 + CAPABILITY_LENGTH].copy_from_slice(&self.capability.emit());
        let check = exclusive_or(&sector);
        sector[CHECK..CHECK + 2].copy_from_slice(&check);
        sector
    }
}

/// The exclusive or of all 16-bit words. It does not depend on their order of bytes.
fn exclusive_or(sector: &[u8; SECTOR]) -> [u8; 2] {
    let (words, _) = sector.as_chunks::<2>();
    words
        .iter()
        .fold([0, 0], |[high, low], word| [high ^ word[0], low ^ word[1]])
}

bitflags::bitflags! {
    /// Flags of an inode.
    #[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
    pub struct InodeFlags: u8 {
        /// It belongs to a file.
        const ALLOCATED = 0x01;
        /// Somebody works on it; never on a disk.
        const LOCKED = 0x02;
        /// The contents will be written.
        const INTENT = 0x40;
        const _ = !0;
    }
}

/// What a disk says of a file.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Inode {
    /// First block of the contents, 0 if there are none.
    pub address: u32,
    /// Bytes of the contents.
    pub size: u32,
    /// Protects the file.
    pub random: Port,
    /// 0 if the inode is free.
    pub lifetime: u8,
    /// Flags.
    pub flags: InodeFlags,
}

impl Inode {
    /// An inode without a file: zeros.
    pub const FREE: Inode = Inode {
        address: 0,
        size: 0,
        random: Port::NULL,
        lifetime: 0,
        flags: InodeFlags::empty(),
    };

    /// Reads the inode at the start of `bytes`.
    pub fn parse(bytes: &[u8]) -> Result<Inode, Error> {
        let [lifetime, flags] = array(bytes, 14)?;
        Ok(Inode {
            address: array(bytes, 0).map(u32::from_be_bytes)?,
            size: array(bytes, 4).map(u32::from_be_bytes)?,
            random: Port(array(bytes, 8)?),
            lifetime,
            flags: InodeFlags::from_bits_retain(flags),
        })
    }

    /// The bytes of the inode.
    pub fn emit(&self) -> [u8; INODE_LENGTH] {
        let mut bytes = [0; INODE_LENGTH];
        bytes[0..4].copy_from_slice(&self.address.to_be_bytes());
        bytes[4..8].copy_from_slice(&self.size.to_be_bytes());
        bytes[8..14].copy_from_slice(&self.random.0);
        bytes[14] = self.lifetime;
        bytes[15] = self.flags.bits();
        bytes
    }
}
