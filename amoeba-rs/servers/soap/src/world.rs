//! What the server needs of others: a disk for its super file, stores for the files of directories, time and chance.

use alloc::vec::Vec;
use proto::capability::{Capability, Port};
use proto::soap::super_file::BLOCK;
use proto::standard::Status;

/// The disk of the super file. A block that was written is on the medium when `write_block` ends well; one whose writing
/// failed holds the old or the new contents.
pub trait Disk {
    /// Reads a block.
    ///
    /// # Errors
    /// What the disk says.
    fn read_block(&mut self, number: u32, block: &mut [u8; BLOCK]) -> Result<(), Status>;

    /// Writes a block.
    ///
    /// # Errors
    /// What the disk says.
    fn write_block(&mut self, number: u32, block: &[u8; BLOCK]) -> Result<(), Status>;
}

/// The two file servers that keep directories, called stores 0 and 1.
pub trait Files {
    /// Makes a file, which is safe when this ends well.
    ///
    /// # Errors
    /// What the file server says.
    fn create(&mut self, store: usize, contents: &[u8]) -> Result<Capability, Status>;

    /// Reads a whole file.
    ///
    /// # Errors
    /// What the file server says: [`Status::BadCapability`] or [`Status::NotFound`] if the file is lost.
    fn read(&mut self, file: &Capability) -> Result<Vec<u8>, Status>;

    /// Removes a file. One whose server is away stays until it has grown too old.
    fn destroy(&mut self, file: &Capability);

    /// Tells the file's server that the file is in use.
    ///
    /// # Errors
    /// As [`Files::read`].
    fn touch(&mut self, file: &Capability) -> Result<(), Status>;

    /// Which file server is a store from now on.
    fn set_store(&mut self, store: usize, server: &Capability);
}

/// Everything the server needs.
pub trait World: Disk + Files {
    /// The time, in seconds since the beginning of 1970.
    fn seconds(&mut self) -> u32;

    /// A number that nobody can guess, and not null.
    ///
    /// # Errors
    /// What the server of random numbers says.
    fn random(&mut self) -> Result<Port, Status>;
}
