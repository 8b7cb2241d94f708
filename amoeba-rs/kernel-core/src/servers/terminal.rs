//! The server of the console.

use super::{Answer, Ports, Reply, Request, Server, World};
use crate::machine::Machine;
use alloc::string::String;
use proto::capability::{Capability, Port, Private, Rights};
use proto::standard::Status;

/// The command: write what comes with the request; the header's size in the reply says how much was written.
pub const WRITE: u16 = 4053;
/// Needed to write.
pub const RIGHT_WRITE: Rights = Rights(0x02);

const OBJECT: u32 = 1;

/// The console.
#[derive(Clone, Debug)]
pub struct Terminal {
    ports: Ports,
    check: Port,
}

impl Terminal {
    /// The console on the get-port `port`, protected by `check`.
    pub fn new(port: Port, check: Port) -> Terminal {
        Terminal {
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

impl<M: Machine> Server<M> for Terminal {
    fn ports(&self) -> Ports {
        self.ports
    }

    fn check(&self, _world: &World<'_, M>, object: u32) -> Option<Port> {
        (object == OBJECT).then_some(self.check)
    }

    fn info(&self, _world: &World<'_, M>, _object: u32) -> String {
        String::from("+ console")
    }

    fn command(&mut self, world: &mut World<'_, M>, request: &Request<'_>) -> Result<Answer, Status> {
        if request.header.command != WRITE {
            return Err(Status::BadCommand);
        }
        request.need(RIGHT_WRITE)?;
        world.console.write(request.data);
        let mut reply = Reply::default();
        reply.header.size = request.data.len() as u16;
        Ok(reply.into())
    }
}
