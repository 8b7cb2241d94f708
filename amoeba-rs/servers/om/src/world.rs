//! What the object manager needs of others.

use alloc::vec::Vec;
use proto::capability::{Capability, Private};
use proto::capability_set::CapabilitySet;
use proto::standard::Status;

/// What an object is, as far as it matters.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// A directory whose rows are objects that live by it.
    Directory,
    /// A file.
    File,
    /// Anything else.
    Other,
}

/// A row of a directory.
pub type Row = (Vec<u8>, CapabilitySet);

/// Directories, files, and servers of objects.
pub trait World {
    /// The rows of a directory that can be looked up.
    ///
    /// # Errors
    /// Why it cannot be read.
    fn rows(&mut self, directory: &CapabilitySet) -> Result<Vec<Row>, Status>;

    /// What an object is.
    ///
    /// # Errors
    /// Why its server does not tell; [`Status::BadCapability`] if there is no such object.
    fn kind(&mut self, object: &Capability) -> Result<Kind, Status>;

    /// Touches objects that the server of `any`, which is one of them, keeps.
    ///
    /// # Errors
    /// Why they were not touched.
    fn touch(&mut self, any: &Capability, objects: &[Private]) -> Result<(), Status>;

    /// Has a server count its objects older.
    ///
    /// # Errors
    /// Why it does not.
    fn age(&mut self, server: &Capability) -> Result<(), Status>;

    /// Has a file server make a copy of a file.
    ///
    /// # Errors
    /// Why it does not.
    fn copy(&mut self, server: &Capability, file: &Capability) -> Result<Capability, Status>;

    /// Destroys a copy that nobody knows.
    fn destroy(&mut self, file: &Capability);

    /// Has a row hold another set, if it still holds `old`.
    ///
    /// # Errors
    /// Why it does not.
    fn install(
        &mut self,
        directory: &CapabilitySet,
        name: &[u8],
        set: &CapabilitySet,
        old: &Capability,
    ) -> Result<(), Status>;
}
