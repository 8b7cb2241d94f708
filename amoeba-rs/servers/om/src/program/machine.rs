//! The world of the manager: transactions with the servers of objects.

use alloc::vec::Vec;
use libamoeba::system::Kernel;
use libamoeba::{directory, standard};
use om::World;
use om::world::{Kind, Row};
use proto::capability::{Capability, Private};
use proto::capability_set::CapabilitySet;
use proto::soap::Failure;
use proto::soap::wire::Installation;
use proto::standard::{ObjectMark, Status};

/// Names that are looked up at a time.
const AT_A_TIME: usize = 16;

/// The machine under the program.
pub(super) struct Machine;

/// A failure as a standard code; those of the directory server alone mean that it is not ready, or that others are ahead.
fn plain(failure: Failure) -> Status {
    match failure {
        Failure::Standard(status) => status,
        Failure::Directory(_) => Status::NotNow,
    }
}

impl World for Machine {
    fn rows(&mut self, directory: &CapabilitySet) -> Result<Vec<Row>, Status> {
        let listing = directory::list(&mut Kernel, directory).map_err(plain)?;
        let mut rows = Vec::new();
        for names in listing.rows.chunks(AT_A_TIME) {
            let asked: Vec<_> = names
                .iter()
                .map(|(name, _)| (*directory, name.as_slice()))
                .collect();
            let found = directory::lookup_names(&mut Kernel, &asked).map_err(plain)?;
            for ((name, _), found) in names.iter().zip(found) {
                match found {
                    Ok(found) => rows.push((name.clone(), found.set)),
                    // Somebody has removed it.
                    Err(Failure::Standard(Status::NotFound)) => {}
                    Err(failure) => return Err(plain(failure)),
                }
            }
        }
        Ok(rows)
    }

    fn kind(&mut self, object: &Capability) -> Result<Kind, Status> {
        let mut mark = [0];
        match standard::info(&mut Kernel, object, &mut mark) {
            Ok(_) | Err(Status::Overflow) => {}
            // A server that does not say what its objects are has no directories.
            Err(Status::BadCommand) => return Ok(Kind::Other),
            Err(why) => return Err(why),
        }
        Ok(match ObjectMark::from_code(mark[0]) {
            Some(ObjectMark::Directory) => Kind::Directory,
            Some(ObjectMark::File) => Kind::File,
            _ => Kind::Other,
        })
    }

    fn touch(&mut self, any: &Capability, objects: &[Private]) -> Result<(), Status> {
        match standard::touch_many(&mut Kernel, any, objects) {
            Err(Status::BadCommand) => {}
            done => return done.map(drop),
        }
        for private in objects {
            let object = Capability {
                port: any.port,
                private: *private,
            };
            match standard::touch(&mut Kernel, &object) {
                // Objects of such a server do not grow old, and one that is gone needs nothing.
                Ok(()) | Err(Status::BadCommand | Status::BadCapability) => {}
                Err(why) => return Err(why),
            }
        }
        Ok(())
    }

    fn age(&mut self, server: &Capability) -> Result<(), Status> {
        standard::age(&mut Kernel, server)
    }

    fn copy(&mut self, server: &Capability, file: &Capability) -> Result<Capability, Status> {
        standard::copy(&mut Kernel, server, file)
    }

    fn destroy(&mut self, file: &Capability) {
        // One that cannot be destroyed now grows too old.
        let _ = standard::destroy(&mut Kernel, file);
    }

    fn install(
        &mut self,
        directory: &CapabilitySet,
        name: &[u8],
        set: &CapabilitySet,
        old: &Capability,
    ) -> Result<(), Status> {
        let installation = Installation {
            directory: *directory,
            name,
            set: *set,
            old: *old,
        };
        directory::install(&mut Kernel, &[installation]).map_err(plain)
    }
}
