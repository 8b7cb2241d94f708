//! The kernel's own servers. Processes of this machine and of others reach them by transactions, as any server.
//!
//! A tour: a [`Server`] says what its objects are and carries out its own commands; [`Servers`] finds the server of a
//! port, checks the capability of every request and answers the standard commands. A server that has to wait for something
//! says [`Answer::Later`]; [`Clients`] remembers who waits. [`process`] runs processes and
//! segments, [`virtual_disk`] reads and writes disks, [`terminal`] is the console, [`system`] tells how the kernel fares,
//! [`reservation`] keeps a machine for one client; [`time_of_day`] and [`random`] are what they say. [`directory`] lists them
//! all, for those who know the machine's station address.

mod clients;
pub mod directory;
pub mod migration;
pub mod process;
pub mod random;
pub mod reservation;
pub mod system;
pub mod terminal;
#[cfg(test)]
mod tests;
pub mod time_of_day;
pub mod virtual_disk;

pub use clients::{Client, Clients};

use crate::flip::{Change, Conditions};
use crate::machine::{Machine, Milliseconds};
use crate::process::{Pinned, Processes};
use alloc::boxed::Box;
use alloc::string::String;
use alloc::vec::Vec;
use proto::capability::{Capability, Port, Private, Rights};
use proto::message::Header;
use proto::one_way::one_way;
use proto::process::server::LARGEST_REQUEST;
use proto::standard::{Command, Status};
use reservation::Reservation;

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
    /// The kernel itself.
    pub kernel: &'a mut dyn Kernel,
    /// Whether somebody has reserved the machine.
    pub reservation: &'a mut Reservation,
}

/// What of the kernel itself the system server tells and changes.
pub trait Kernel {
    /// Adds to `text` the figures that a letter of [`system::LETTERS`] stands for, as far as they are the network's.
    fn report(&self, now: Milliseconds, letter: char, text: &mut String);

    /// Changes how a network is: how it is then. `None`, and nothing changes, if that is impossible.
    fn change_network(&mut self, number: u16, change: Change) -> Option<Conditions>;

    /// Sends a request and does not wait for the answer. When too many are under way it is dropped.
    fn notify(&mut self, now: Milliseconds, header: &Header);

    /// Boots once the reply has gone: from this image with this command line, or without one as after a reset.
    ///
    /// # Errors
    /// What the client is told if that cannot begin.
    fn boot(&mut self, now: Milliseconds, image: Option<(Capability, String)>) -> Result<(), Status>;
}

/// The kernel's console.
pub trait Console {
    /// Prints a line of the kernel's own.
    fn tell(&mut self, line: &str);

    /// What was printed last, as a ring of characters, and where in it the next one goes.
    fn printed(&self) -> (Vec<u8>, usize);
}

/// Both ports of a server.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Ports {
    /// The secret one, on which it waits for requests.
    pub get: Port,
    /// The one that requests are sent to.
    pub put: Port,
}

impl Ports {
    /// The ports of the server on a get-port.
    pub fn of(get: Port) -> Ports {
        let put = one_way(get);
        Ports { get, put }
    }
}

/// Names a request while its client waits for the answer.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Ticket(pub u32);

/// A request whose capability is good.
#[derive(Clone, Copy, Debug)]
pub struct Request<'a> {
    /// Its name.
    pub ticket: Ticket,
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
    /// A part of a segment that goes with it instead, straight from the segment's memory.
    pub memory: Option<Pinned>,
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
            ..Reply::default()
        }
    }

    /// Success, with data whose length stands in the header.
    pub fn data(data: Vec<u8>) -> Reply {
        let header = Header {
            size: data.len() as u16,
            ..Header::default()
        };
        Reply {
            header,
            data,
            ..Reply::default()
        }
    }

    /// A command that was not carried out.
    pub fn failure(status: Status) -> Reply {
        let mut reply = Reply::default();
        reply.header.set_status(status);
        reply
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
            ..Reply::default()
        }
    }
}

/// What becomes of a request.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Answer {
    /// It is answered.
    Now(Reply),
    /// [`Server::next_answer`] tells the answer, once there is one.
    Later,
}

impl From<Reply> for Answer {
    fn from(reply: Reply) -> Answer {
        Answer::Now(reply)
    }
}

/// A transaction of a server's own.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Call {
    /// Names it among the server's.
    pub number: u32,
    /// How long to look for the one that is asked.
    pub timeout: Milliseconds,
    /// The request's header.
    pub header: Header,
    /// Its data.
    pub data: Vec<u8>,
    /// Room for the reply's data.
    pub room: usize,
}

/// A server of the kernel.
pub trait Server<M: Machine> {
    /// Its ports.
    fn ports(&self) -> Ports;

    /// How many clients of other machines it serves at a time. One whose answer is put off counts, but for
    /// [`most_put_off`](Server::most_put_off).
    fn threads(&self) -> usize {
        2
    }

    /// How many clients, whose answers are put off and of whose requests nothing is kept, do not count among those of
    /// [`threads`](Server::threads): what their answers wait for may itself need a thread.
    fn most_put_off(&self) -> usize {
        0
    }

    /// Room for the data of a request of another machine: one that is too long is cut off.
    fn room(&self) -> usize {
        LARGEST_REQUEST + 1
    }

    /// The number that protects an object; `None` if there is no such object.
    fn check(&self, world: &World<'_, M>, object: u32) -> Option<Port>;

    /// Another number that proves this capability, for a server whose object has more than one.
    fn other_check(&self, _world: &World<'_, M>, _private: &Private) -> Option<Port> {
        None
    }

    /// Describes an object in a line, whose first character tells its kind.
    fn info(&self, world: &World<'_, M>, object: u32) -> String;

    /// Carries out a command of the server's own, or says why not.
    ///
    /// # Errors
    /// What the client is told; [`Status::BadCommand`] for a command that the server does not know.
    fn command(&mut self, world: &mut World<'_, M>, request: &Request<'_>) -> Result<Answer, Status>;

    /// When the server has something to do by itself: [`work`](Server::work) is called then, and after what the server may wait for,
    /// which is an interrupt of a device, the end of a process or of a transaction, or a request. A server with something to look
    /// at that tells nothing asks for the next tick of the clock.
    fn due(&self) -> Milliseconds {
        Milliseconds::MAX
    }

    /// Does what time and devices have brought. It is called before answers are asked for.
    fn work(&mut self, _world: &mut World<'_, M>) {}

    /// The next answer that was put off, or why there is none.
    fn next_answer(&mut self, _world: &mut World<'_, M>) -> Option<(Ticket, Result<Reply, Status>)> {
        None
    }

    /// A transaction that the server wants the kernel to carry out for it. It is asked after each call of the others.
    fn next_call(&mut self) -> Option<Call> {
        None
    }

    /// A transaction of the server's has ended: the reply's header and data, or why there is none.
    fn call_ended(&mut self, _world: &mut World<'_, M>, _number: u32, _outcome: Result<Reply, Status>) {}

    /// The client of a request that waits has got a signal and would like an answer soon.
    fn interrupt(&mut self, _ticket: Ticket) {}

    /// The client of a request that waits is gone: its answer is no longer wanted.
    fn abandon(&mut self, _ticket: Ticket) {}

    /// An object of another server is to be listed, by the server that lists them.
    fn publish(&mut self, _name: &str, _capability: &Capability) {}

    /// Objects that the machine's directory shows and its programs are given, by name, with all rights.
    fn published(&self) -> Vec<(String, Capability)> {
        Vec::new()
    }

    /// Whether the server knows its objects. Programs that the loader brought are started then.
    fn is_settled(&self) -> bool {
        true
    }
}

/// A place of a server where it waits for a request of another machine.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Listener {
    /// The get-port.
    pub port: Port,
    /// Room for the request's data.
    pub room: usize,
}

/// All servers of this kernel.
pub struct Servers<M> {
    list: Vec<(Port, Box<dyn Server<M>>)>,
    /// When one of them has something to do by itself; not known any more after they have been asked for something.
    due: Option<Milliseconds>,
}

impl<M: Machine> Default for Servers<M> {
    fn default() -> Servers<M> {
        Servers {
            list: Vec::new(),
            due: None,
        }
    }
}

impl<M: Machine> Servers<M> {
    /// Adds a server: its put-port.
    pub fn add(&mut self, server: impl Server<M> + 'static) -> Port {
        let port = server.ports().put;
        self.due = None;
        self.list.push((port, Box::new(server)));
        port
    }

    /// Where servers wait for requests of other machines.
    pub fn listeners(&self) -> impl Iterator<Item = Listener> {
        self.list.iter().flat_map(|(_, server)| {
            let (port, room) = (server.ports().get, server.room());
            (0..server.threads()).map(move |_| Listener { port, room })
        })
    }

    /// Whether a server of this kernel listens on a put-port.
    pub fn have(&self, port: Port) -> bool {
        self.list.iter().any(|(own, _)| *own == port)
    }

    /// The answer to a request; `None` if its port is none of this kernel's.
    pub fn answer(
        &mut self,
        world: &mut World<'_, M>,
        ticket: Ticket,
        header: &Header,
        data: &[u8],
    ) -> Option<Answer> {
        self.due = None;
        let (_, server) = self.list.iter_mut().find(|(port, _)| *port == header.port)?;
        world.reservation.expire(world.now);
        let answer = dispatch(server.as_mut(), world, ticket, header, data);
        Some(answer.unwrap_or_else(|status| Reply::failure(status).into()))
    }

    /// When a server has something to do by itself.
    pub fn due(&mut self) -> Milliseconds {
        *self.due.get_or_insert_with(|| {
            let times = self.list.iter().map(|(_, server)| server.due());
            times.min().unwrap_or(Milliseconds::MAX)
        })
    }

    /// Has the servers do what time and devices have brought.
    pub fn work(&mut self, world: &mut World<'_, M>) {
        self.due = None;
        for (_, server) in &mut self.list {
            server.work(world);
        }
    }

    /// How many clients of a server's port may wait for answers that are put off beside those that it serves.
    pub fn most_put_off(&self, port: Port) -> usize {
        let server = self.list.iter().find(|(own, _)| *own == port);
        server.map_or(0, |(_, server)| server.most_put_off())
    }

    /// The next answer that was put off.
    pub fn next_answer(&mut self, world: &mut World<'_, M>) -> Option<(Ticket, Reply)> {
        self.due = None;
        let mut servers = self.list.iter_mut();
        let (ticket, result) = servers.find_map(|(_, server)| server.next_answer(world))?;
        Some((ticket, result.unwrap_or_else(Reply::failure)))
    }

    /// The next transaction that a server wants, with that server's put-port.
    pub fn next_call(&mut self) -> Option<(Port, Call)> {
        self.due = None;
        let mut servers = self.list.iter_mut();
        servers.find_map(|(port, server)| Some((*port, server.next_call()?)))
    }

    /// The transaction of the server at this put-port has ended.
    pub fn call_ended(
        &mut self,
        world: &mut World<'_, M>,
        port: Port,
        number: u32,
        outcome: Result<Reply, Status>,
    ) {
        self.due = None;
        if let Some((_, server)) = self.list.iter_mut().find(|(own, _)| *own == port) {
            server.call_ended(world, number, outcome);
        }
    }

    /// Objects that the machine's directory shows and its programs are given, by name.
    pub fn published(&self) -> Vec<(String, Capability)> {
        self.list
            .iter()
            .flat_map(|(_, server)| server.published())
            .collect()
    }

    /// Has the machine's directory list an object.
    pub fn publish(&mut self, name: &str, capability: &Capability) {
        self.due = None;
        for (_, server) in &mut self.list {
            server.publish(name, capability);
        }
    }

    /// Whether all servers know their objects.
    pub fn are_settled(&self) -> bool {
        self.list.iter().all(|(_, server)| server.is_settled())
    }

    /// The client of a request that waits has got a signal.
    pub fn interrupt(&mut self, ticket: Ticket) {
        self.due = None;
        for (_, server) in &mut self.list {
            server.interrupt(ticket);
        }
    }

    /// The client of a request that waits is gone.
    pub fn abandon(&mut self, ticket: Ticket) {
        self.due = None;
        for (_, server) in &mut self.list {
            server.abandon(ticket);
        }
    }
}

fn dispatch<M: Machine>(
    server: &mut dyn Server<M>,
    world: &mut World<'_, M>,
    ticket: Ticket,
    header: &Header,
    data: &[u8],
) -> Result<Answer, Status> {
    let private = Private::parse(&header.private).map_err(|_| Status::BadCapability)?;
    let object = private.object();
    let check = match world.reservation.check(header.port, object) {
        Some(check) => check,
        None => server.check(world, object).ok_or(Status::BadCapability)?,
    };
    let check = if private.proven_rights(check).is_some() {
        check
    } else {
        server.other_check(world, &private).ok_or(Status::BadCapability)?
    };
    let rights = private.proven_rights(check).ok_or(Status::BadCapability)?;
    match header.standard_command() {
        Some(Command::Info) => Ok(Reply::text(&server.info(world, object), header).into()),
        Some(Command::Touch) => Ok(Reply::default().into()),
        Some(Command::Restrict) => {
            // The mask travels in the low byte of the offset.
            let private = private.restrict(Rights(header.offset as u8), check);
            let port = header.port;
            Ok(Reply::capability(&Capability { port, private }).into())
        }
        _ => server.command(
            world,
            &Request {
                ticket,
                header,
                object,
                rights,
                data,
            },
        ),
    }
}
