//! What the server keeps its files on.

use proto::bullet::disk::SECTOR;
use proto::standard::Status;

/// A disk of sectors of 512 bytes. A sector is written as a whole or not at all; of several sectors that are written at once any
/// beginning may have reached the disk when its power fails.
pub trait Disk {
    /// How many sectors it has.
    ///
    /// # Errors
    /// What the disk says, or whoever is between it and here.
    fn sectors(&self) -> Result<u64, Status>;

    /// Reads sectors from number `sector` on: as many as `memory` holds, whose length is a multiple of [`SECTOR`].
    ///
    /// # Errors
    /// What the disk says, or whoever is between it and here.
    fn read(&self, sector: u64, memory: &mut [u8]) -> Result<(), Status>;

    /// Writes sectors from number `sector` on; they are on the disk when the call returns. The length of `memory` is a multiple
    /// of [`SECTOR`].
    ///
    /// # Errors
    /// What the disk says, or whoever is between it and here.
    fn write(&self, sector: u64, memory: &[u8]) -> Result<(), Status>;
}

/// Sectors that so many bytes take.
pub(crate) fn sectors_of(bytes: u32) -> u32 {
    bytes.div_ceil(SECTOR as u32)
}

/// Bytes of so many sectors.
pub(crate) fn bytes_of(sectors: u32) -> usize {
    sectors as usize * SECTOR
}
