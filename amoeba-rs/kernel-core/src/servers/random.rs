//! The server of random bytes.

use super::{Answer, Ports, Reply, Request, Server, World};
use crate::machine::Machine;
use alloc::string::String;
use alloc::vec::Vec;
use proto::capability::{Capability, Port, Private, Rights};
use proto::standard::Status;

/// The command: give as many bytes as the header's size says.
pub const GET_RANDOM: u16 = 2600;
/// The same, as a file is read.
pub const READ: u16 = 4052;
/// The most bytes of one request.
pub const MOST_BYTES: u16 = 1024;
/// Needed to be given bytes.
pub const RIGHT_READ: Rights = Rights(0x01);

const OBJECT: u32 = 0;

/// The server.
#[derive(Clone, Debug)]
pub struct Random {
    ports: Ports,
    check: Port,
}

impl Random {
    /// The server on the get-port `port`, protected by `check`.
    pub fn new(port: Port, check: Port) -> Random {
        Random {
            ports: Ports::of(port),
            check,
        }
    }

    /// The capability with all rights.
    pub fn capability(&self) -> Capability {
        Capability {
            port: self.ports.put,
            private: Private::owner(OBJECT, self.check),
        }
    }
}

impl<M: Machine> Server<M> for Random {
    fn ports(&self) -> Ports {
        self.ports
    }

    fn threads(&self) -> usize {
        3
    }

    fn check(&self, _world: &World<'_, M>, object: u32) -> Option<Port> {
        (object == OBJECT).then_some(self.check)
    }

    fn info(&self, _world: &World<'_, M>, _object: u32) -> String {
        String::from("? random number server")
    }

    fn command(&mut self, world: &mut World<'_, M>, request: &Request<'_>) -> Result<Answer, Status> {
        if !matches!(request.header.command, GET_RANDOM | READ) {
            return Err(Status::BadCommand);
        }
        request.need(RIGHT_READ)?;
        let length = match request.header.command {
            // Whoever reads a file is given what there is.
            READ => request.header.size.min(MOST_BYTES),
            _ => request.header.size,
        };
        if length > MOST_BYTES {
            return Err(Status::BadArgument);
        }
        let mut bytes = Vec::new();
        while bytes.len() < usize::from(length) {
            bytes.extend(world.machine.random_port().0);
        }
        bytes.truncate(usize::from(length));
        Ok(Reply::data(bytes).into())
    }
}
