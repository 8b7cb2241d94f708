//! A Bullet file system on bytes.

use std::cell::RefCell;

use bullet::check::{Checked, Error as BulletError};
use proto::bullet::LIFETIME;
use proto::bullet::disk::{INODE_LENGTH, Inode, InodeFlags, SECTOR, Superblock};
use proto::capability::{Capability, Port, Private, Rights};
use proto::one_way::one_way;
use proto::standard::Status;

/// A virtual disk's bytes, as the Bullet server's library sees them.
pub(crate) struct Bytes<'a>(RefCell<&'a mut [u8]>);

impl<'a> Bytes<'a> {
    pub(crate) fn new(bytes: &'a mut [u8]) -> Self {
        Self(RefCell::new(bytes))
    }
}

/// The bytes of so many sectors from number `sector` on.
fn range(sector: u64, length: usize) -> Result<std::ops::Range<usize>, Status> {
    let start = usize::try_from(sector)
        .ok()
        .and_then(|sector| sector.checked_mul(SECTOR))
        .ok_or(Status::BadArgument)?;
    Ok(start..start.checked_add(length).ok_or(Status::BadArgument)?)
}

impl bullet::Disk for Bytes<'_> {
    fn sectors(&self) -> Result<u64, Status> {
        Ok((self.0.borrow().len() / SECTOR) as u64)
    }

    fn read(&self, sector: u64, memory: &mut [u8]) -> Result<(), Status> {
        let bytes = self.0.borrow();
        let place = bytes.get(range(sector, memory.len())?);
        memory.copy_from_slice(place.ok_or(Status::BadArgument)?);
        Ok(())
    }

    fn write(&self, sector: u64, memory: &[u8]) -> Result<(), Status> {
        let mut bytes = self.0.borrow_mut();
        let place = bytes.get_mut(range(sector, memory.len())?);
        place.ok_or(Status::BadArgument)?.copy_from_slice(memory);
        Ok(())
    }
}

/// A Bullet file system on the bytes of a virtual disk, to which files are added, one behind the other.
#[derive(Debug)]
pub struct NewStore<'a> {
    bytes: &'a mut [u8],
    superblock: Superblock,
    /// The next inode, and the next block.
    inode: u32,
    block: u32,
}

impl<'a> NewStore<'a> {
    /// Makes an empty one.
    ///
    /// # Errors
    /// What the file server's library says.
    pub fn make(bytes: &'a mut [u8], superblock: Superblock) -> Result<Self, BulletError> {
        bullet::make::make(&Bytes::new(bytes), &superblock)?;
        Ok(Self {
            bytes,
            inode: 1,
            block: superblock.geometry.first_data(),
            superblock,
        })
    }

    /// The capability of the server, with all rights.
    #[must_use]
    pub fn server(&self) -> Capability {
        let own = self.superblock.capability;
        Capability {
            port: one_way(own.port),
            private: own.private,
        }
    }

    /// Adds a file that `random` protects.
    ///
    /// # Errors
    /// [`Status::NoSpace`] without an inode, or without blocks.
    pub fn create(&mut self, contents: &[u8], random: Port) -> Result<Capability, Status> {
        let geometry = self.superblock.geometry;
        let size = u32::try_from(contents.len()).map_err(|_| Status::NoSpace)?;
        let end = u64::from(self.block) + u64::from(geometry.blocks_of(size));
        if self.inode >= geometry.inodes || end > u64::from(geometry.blocks) {
            return Err(Status::NoSpace);
        }
        let inode = Inode {
            address: if size == 0 { 0 } else { self.block },
            size,
            random,
            lifetime: LIFETIME,
            flags: InodeFlags::ALLOCATED,
        };
        let table = geometry.sector(1) as usize * SECTOR;
        let place = table + self.inode as usize * INODE_LENGTH;
        self.bytes[place..place + INODE_LENGTH].copy_from_slice(&inode.emit());
        let place = geometry.sector(self.block) as usize * SECTOR;
        self.bytes[place..place + contents.len()].copy_from_slice(contents);
        let file = Capability {
            port: one_way(self.superblock.capability.port),
            private: Private::owner(self.inode, random),
        };
        self.inode += 1;
        self.block = end as u32;
        Ok(file)
    }
}

/// A file system that was checked.
pub(crate) struct Store<'a> {
    pub(crate) checked: Checked,
    bytes: &'a [u8],
    port: Port,
}

impl<'a> Store<'a> {
    /// Checks the file system on a virtual disk.
    ///
    /// # Errors
    /// Why it cannot be used.
    pub(crate) fn open(bytes: &'a [u8]) -> Result<Self, BulletError> {
        let checked = bullet::check::check(&ReadOnly(bytes), false)?;
        Ok(Self {
            port: one_way(checked.superblock.capability.port),
            checked,
            bytes,
        })
    }

    /// Whether a capability is this server's.
    pub(crate) fn owns(&self, capability: &Capability) -> bool {
        capability.port == self.port
    }

    /// What a capability of this server gives; [`Status::BadCapability`] for a file that there is not, or a forgery.
    pub(crate) fn prove(&self, capability: &Capability) -> Result<Rights, Status> {
        let private = capability.private;
        let random = if private.object() == proto::bullet::SERVER_OBJECT {
            Some(self.checked.superblock.capability.private.check)
        } else {
            self.inode(private.object()).map(|inode| inode.random)
        };
        let rights = random.and_then(|random| private.proven_rights(random));
        rights.ok_or(Status::BadCapability)
    }

    fn inode(&self, object: u32) -> Option<&Inode> {
        let inode = self.checked.inodes.get(object as usize)?;
        (inode.lifetime > 0).then_some(inode)
    }

    /// The contents of a file.
    ///
    /// # Errors
    /// As [`Store::prove`].
    pub(crate) fn read(&self, file: &Capability) -> Result<&'a [u8], Status> {
        self.prove(file)?;
        let inode = self.inode(file.private.object()).ok_or(Status::BadCapability)?;
        let start = self.checked.superblock.geometry.sector(inode.address);
        let place = range(start, inode.size as usize)?;
        self.bytes.get(place).ok_or(Status::SystemError)
    }
}

/// Bytes that are only read.
struct ReadOnly<'a>(&'a [u8]);

impl bullet::Disk for ReadOnly<'_> {
    fn sectors(&self) -> Result<u64, Status> {
        Ok((self.0.len() / SECTOR) as u64)
    }

    fn read(&self, sector: u64, memory: &mut [u8]) -> Result<(), Status> {
        let place = self.0.get(range(sector, memory.len())?);
        memory.copy_from_slice(place.ok_or(Status::BadArgument)?);
        Ok(())
    }

    fn write(&self, _sector: u64, _memory: &[u8]) -> Result<(), Status> {
        Err(Status::WriteProtected)
    }
}
