//! What the server needs of others, by transactions: a virtual disk, file servers, the time, random numbers.

use super::needed;
use alloc::vec;
use alloc::vec::Vec;
use libamoeba::Transactions;
use libamoeba::classes::{bullet, random, time};
use libamoeba::standard::{self, request, succeed};
use libamoeba::system::Kernel;
use proto::bullet::Commit;
use proto::capability::{Capability, Port};
use proto::disk::server::{Command, LEAST_BLOCK};
use proto::message::Header;
use proto::soap::LARGEST_DIRECTORY;
use proto::soap::super_file::BLOCK;
use proto::standard::Status;
use soap::{Disk, Files, World};

/// The capabilities that the program was given.
pub(super) struct Machine {
    disk: Capability,
    stores: [Option<Capability>; 2],
    time: Capability,
    random: Capability,
}

impl Machine {
    /// From the program's environment of capabilities; the name of one that is missing.
    pub(super) fn new(capability: impl Fn(&str) -> Option<Capability>) -> Result<Machine, &'static str> {
        let stores = [capability("BULLET0"), capability("BULLET1")];
        if stores == [None; 2] {
            return Err("BULLET0 or BULLET1");
        }
        Ok(Machine {
            disk: needed(&capability, "SOAP_SUPER")?,
            stores,
            time: needed(&capability, "TOD")?,
            random: needed(&capability, "RANDOM")?,
        })
    }

    /// A request for one block of the disk.
    fn block(&self, command: Command, number: u32) -> Result<Header, Status> {
        Ok(Header {
            offset: i32::try_from(number).map_err(|_| Status::BadArgument)?,
            size: LEAST_BLOCK,
            extra: 1,
            ..request(&self.disk, command.code())
        })
    }
}

impl Disk for Machine {
    fn read_block(&mut self, number: u32, block: &mut [u8; BLOCK]) -> Result<(), Status> {
        let header = self.block(Command::Read, number)?;
        let (reply, length) = Kernel.trans(&header, &[], block)?;
        succeed(&reply)?;
        if length == BLOCK {
            Ok(())
        } else {
            Err(Status::SystemError)
        }
    }

    fn write_block(&mut self, number: u32, block: &[u8; BLOCK]) -> Result<(), Status> {
        let header = self.block(Command::Write, number)?;
        let (reply, _) = Kernel.trans(&header, block, &mut [])?;
        succeed(&reply)
    }
}

impl Files for Machine {
    fn create(&mut self, store: usize, contents: &[u8]) -> Result<Capability, Status> {
        let server = self.stores[store].ok_or(Status::RpcNotFound)?;
        bullet::create(&mut Kernel, &server, contents, Commit::all())
    }

    fn read(&mut self, file: &Capability) -> Result<Vec<u8>, Status> {
        let size = bullet::size(&mut Kernel, file)? as usize;
        if size > LARGEST_DIRECTORY {
            return Err(Status::SystemError);
        }
        let mut contents = vec![0; size];
        let length = bullet::read(&mut Kernel, file, 0, &mut contents)?;
        if length == size {
            Ok(contents)
        } else {
            Err(Status::SystemError)
        }
    }

    fn destroy(&mut self, file: &Capability) {
        // One that cannot be removed now grows too old.
        let _ = standard::destroy(&mut Kernel, file);
    }

    fn touch(&mut self, file: &Capability) -> Result<(), Status> {
        standard::touch(&mut Kernel, file)
    }

    fn set_store(&mut self, store: usize, server: &Capability) {
        self.stores[store] = Some(*server);
    }
}

impl World for Machine {
    fn seconds(&mut self) -> u32 {
        // Rows without a time are better than no rows.
        time::get(&mut Kernel, &self.time).map_or(0, |time| time.seconds)
    }

    fn random(&mut self) -> Result<Port, Status> {
        let mut port = Port::NULL;
        while port == Port::NULL {
            random::fill(&mut Kernel, &self.random, &mut port.0)?;
        }
        Ok(port)
    }
}
