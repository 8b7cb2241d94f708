//! Under which capability a server is known, and the paths at which it enters it.

use super::start::Arguments;
use super::{Kernel, calls};
use crate::classes::random;
use crate::directory::Names;
use crate::ports::named_port;
use crate::println;
use alloc::string::String;
use alloc::vec::Vec;
use proto::capability::{Capability, Port, Rights};
use proto::capability_set::CapabilitySet;
use proto::soap::{Failure, MOST_COLUMNS, Masks};
use proto::standard::Status;

/// Milliseconds between two tries to enter a capability: the directory server may still be starting.
const PAUSE: u32 = 5000;

/// What a server keeps to itself: where it listens, and what protects its own object.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Identity {
    /// The get-port.
    pub port: Port,
    /// The check field of the server's own object.
    pub check: Port,
}

impl Identity {
    /// The one that the program is to have: the port that `name` stands for, which is the check field too, so that everybody can find
    /// the server and has all rights; or that of the capability called `variable` in its environment, whose port is the get-port; or a
    /// random one, for which the environment holds `RANDOM`.
    ///
    /// # Errors
    /// [`Status::BadArgument`] for a name of more than six characters, [`Status::NotFound`] without `RANDOM`, and what its server says.
    pub fn find(arguments: &Arguments, variable: &str, name: Option<&str>) -> Result<Identity, Status> {
        if let Some(name) = name {
            let port = named_port(name).ok_or(Status::BadArgument)?;
            return Ok(Identity { port, check: port });
        }
        if let Some(own) = arguments.capability(variable) {
            return Ok(Identity {
                port: own.port,
                check: own.private.check,
            });
        }
        let server = arguments.capability("RANDOM").ok_or(Status::NotFound)?;
        Ok(Identity {
            port: port(&server)?,
            check: port(&server)?,
        })
    }
}

/// A random port.
///
/// # Errors
/// What the server of random bytes says.
pub fn port(random_server: &Capability) -> Result<Port, Status> {
    let mut port = Port::NULL;
    while port == Port::NULL {
        random::fill(&mut Kernel, random_server, &mut port.0)?;
    }
    Ok(port)
}

/// Enters a capability at these paths, where it replaces what is there; tries as long as the directory server does not answer, and
/// says on the program's terminal what did not go. All but the owner get the rights of `others`.
pub fn publish(program: &str, names: &Names, paths: &[String], own: &Capability, others: Rights) {
    let set = CapabilitySet::single(*own);
    let mut masks: Masks = [others; MOST_COLUMNS];
    masks[0] = Rights::ALL;
    let mut left: Vec<&String> = paths.iter().collect();
    while !left.is_empty() {
        left.retain(|path| match enter(names, path.as_bytes(), &set, &masks) {
            Ok(()) => false,
            Err(Failure::Standard(Status::RpcNotFound | Status::RpcFailure | Status::NotFound)) => true,
            Err(failure) => {
                println!("{program}: {path}: {failure}");
                false
            }
        });
        if !left.is_empty() {
            calls::sleep(PAUSE);
        }
    }
}

fn enter(names: &Names, path: &[u8], set: &CapabilitySet, masks: &Masks) -> Result<(), Failure> {
    match names.append(&mut Kernel, path, set, masks) {
        Err(Failure::Standard(Status::Exists)) => names.replace(&mut Kernel, path, set),
        done => done,
    }
}
