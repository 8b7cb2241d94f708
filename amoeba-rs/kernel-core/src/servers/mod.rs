//! The kernel's own servers. Processes of this machine and of others reach them by transactions, as any server.
//!
//! A tour: a [`Server`] says what its objects are and carries out its own commands; [`Servers`] finds the server of a
//! port, checks the capability of every request and answers the standard commands. [`process`] runs processes and
//! segments, [`terminal`] is the console, [`system`] tells how the kernel fares, [`time_of_day`] and [`random`] are what
//! they say.

pub mod process;
pub mod random;
pub mod system;
pub mod terminal;
#[cfg(test)]
mod tests;
pub mod time_of_day;

use crate::machine::{Machine, Milliseconds};
use crate::process::Processes;
use alloc::boxed::Box;
use alloc::string::String;
use alloc::vec::Vec;
use proto::capability::{Capability, Port, Private, Rights};
use proto::message::Header;
use proto::standard::{Command, Status};

/// What servers work on.
pub struct World<'a, M> {
    /// The machine.
    pub machine: &'a mut M,
    /// Its processes and segments.
    pub processes: &'a mut Processes,
    /// The time.
    pub now: Milliseconds,
    /// The console.
    pub console: &'a mut dyn Console,
}

/// The kernel's console.
pub trait Console {
    /// Prints.
    fn write(&mut self, bytes: &[u8]);

    /// What was printed last, as a ring of characters, and where in it the next one goes.
    fn printed(&self) -> (Vec<u8>, usize);
}

/// A request whose capability is good.
#[derive(Clone, Copy, Debug)]
pub struct Request<'a> {
    /// Its header.
    pub header: &'a Header,
    /// The object's number.
    pub object: u32,
    /// What the client may do with it.
    pub rights: Rights,
    /// What came with it.
    pub data: &'a [u8],
}

impl Request<'_> {
    /// Whether the client may do what takes these rights.
    ///
    /// # Errors
    /// [`Status::Denied`] if not.
    pub fn need(&self, rights: Rights) -> Result<(), Status> {
        if self.rights.include(rights) {
            Ok(())
        } else {
            Err(Status::Denied)
        }
    }
}

/// A reply.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Reply {
    /// Its header.
    pub header: Header,
    /// What goes with it.
    pub data: Vec<u8>,
}

impl Reply {
    /// Success, with a capability in the header.
    pub fn capability(capability: &Capability) -> Reply {
        Reply {
            header: Header {
                port: capability.port,
                private: capability.private.emit(),
                ..Header::default()
            },
            data: Vec::new(),
        }
    }

    /// Success, with data whose length stands in the header.
    pub fn data(data: Vec<u8>) -> Reply {
        let header = Header {
            size: data.len() as u16,
            ..Header::default()
        };
        Reply { header, data }
    }

    /// As much of a text as the client has room for, and its whole length in the header.
    pub fn text(text: &str, request: &Header) -> Reply {
        let length = text.len().min(usize::from(request.size));
        let header = Header {
            size: text.len() as u16,
            ..Header::default()
        };
        Reply {
            header,
            data: text.as_bytes()[..length].to_vec(),
        }
    }
}

/// A server of the kernel.
pub trait Server<M: Machine> {
    /// Its put-port.
    fn port(&self) -> Port;

    /// The number that protects an object; `None` if there is no such object.
    fn check(&self, world: &World<'_, M>, object: u32) -> Option<Port>;

    /// Another number that proves this capability, for a server whose object has more than one.
    fn other_check(&self, _private: &Private) -> Option<Port> {
        None
    }

    /// Describes an object in a line, whose first character tells its kind.
    fn info(&self, world: &World<'_, M>, object: u32) -> String;

    /// Carries out a command of the server's own, or says why not.
    ///
    /// # Errors
    /// What the client is told; [`Status::BadCommand`] for a command that the server does not know.
    fn command(&mut self, world: &mut World<'_, M>, request: &Request<'_>) -> Result<Reply, Status>;
}

/// All servers of this kernel.
pub struct Servers<M> {
    list: Vec<(Port, Box<dyn Server<M>>)>,
}

impl<M: Machine> Default for Servers<M> {
    fn default() -> Servers<M> {
        Servers { list: Vec::new() }
    }
}

impl<M: Machine> Servers<M> {
    /// Adds a server: its put-port.
    pub fn add(&mut self, server: impl Server<M> + 'static) -> Port {
        let port = server.port();
        self.list.push((port, Box::new(server)));
        port
    }

    /// The get-ports of all servers.
    pub fn get_ports(&self) -> impl Iterator<Item = Port> {
        self.list.iter().map(|(_, server)| server.port())
    }

    /// Whether a server of this kernel listens on a put-port.
    pub fn have(&self, port: Port) -> bool {
        self.list.iter().any(|(own, _)| *own == port)
    }

    /// The reply to a request; `None` if its port is none of this kernel's.
    pub fn answer(&mut self, world: &mut World<'_, M>, header: &Header, data: &[u8]) -> Option<Reply> {
        let (_, server) = self.list.iter_mut().find(|(port, _)| *port == header.port)?;
        Some(match dispatch(server.as_mut(), world, header, data) {
            Ok(mut reply) => {
                reply.header.set_status(Status::Ok);
                reply
            }
            Err(status) => {
                let mut reply = Reply::default();
                reply.header.set_status(status);
                reply
            }
        })
    }
}

fn dispatch<M: Machine>(
    server: &mut dyn Server<M>,
    world: &mut World<'_, M>,
    header: &Header,
    data: &[u8],
) -> Result<Reply, Status> {
    let private = Private::parse(&header.private).map_err(|_| Status::BadCapability)?;
    let object = private.object();
    let check = server.check(world, object).ok_or(Status::BadCapability)?;
    let check = if private.proven_rights(check).is_some() {
        check
    } else {
        server.other_check(&private).ok_or(Status::BadCapability)?
    };
    let rights = private.proven_rights(check).ok_or(Status::BadCapability)?;
    match header.standard_command() {
        Some(Command::Info) => Ok(Reply::text(&server.info(world, object), header)),
        Some(Command::Touch) => Ok(Reply::default()),
        Some(Command::Restrict) => {
            // The mask travels in the low byte of the offset.
            let private = private.restrict(Rights(header.offset as u8), check);
            let port = header.port;
            Ok(Reply::capability(&Capability { port, private }))
        }
        _ => server.command(
            world,
            &Request {
                header,
                object,
                rights,
                data,
            },
        ),
    }
}
