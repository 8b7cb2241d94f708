//! Files and super file, as the directory server's library writes them.

use proto::capability::Capability;
use proto::soap::super_file::BLOCK;
use proto::standard::Status;

use super::Stores;
use crate::drawn::Drawn;

/// The files of directories.
pub(super) struct DirectoryFiles<'a, 'b> {
    pub(super) stores: &'a mut Stores<'b>,
    pub(super) drawn: Drawn,
    pub(super) number: u32,
}

impl soap::Files for DirectoryFiles<'_, '_> {
    fn create(&mut self, store: usize, contents: &[u8]) -> Result<Capability, Status> {
        self.number += 1;
        let random = self
            .drawn
            .port(&format!("check of file {} of directories", self.number));
        let (_, store) = self.stores.list[store].as_mut().ok_or(Status::NotFound)?;
        store.create(contents, random)
    }

    fn read(&mut self, _file: &Capability) -> Result<Vec<u8>, Status> {
        Err(Status::BadCommand)
    }

    fn destroy(&mut self, _file: &Capability) {}

    fn touch(&mut self, _file: &Capability) -> Result<(), Status> {
        Ok(())
    }

    fn set_store(&mut self, _store: usize, _server: &Capability) {}
}

/// The blocks of a virtual disk.
pub(super) struct Blocks<'a>(pub(super) &'a mut [u8]);

impl soap::Disk for Blocks<'_> {
    fn read_block(&mut self, number: u32, block: &mut [u8; BLOCK]) -> Result<(), Status> {
        let place = self
            .0
            .get(number as usize * BLOCK..)
            .and_then(|rest| rest.first_chunk());
        *block = *place.ok_or(Status::BadArgument)?;
        Ok(())
    }

    fn write_block(&mut self, number: u32, block: &[u8; BLOCK]) -> Result<(), Status> {
        let place = self
            .0
            .get_mut(number as usize * BLOCK..)
            .and_then(|rest| rest.first_chunk_mut());
        *place.ok_or(Status::BadArgument)? = *block;
        Ok(())
    }
}
