//! The kernel's directory: where others find this kernel's servers, by the commands of the SOAP directory server that
//! read. The machine's other servers may be listed too: by the commands that append, replace and delete rows, which leave the kernel's own
//! as they are. The commands that change anything else are unknown to it.
//!
//! Its get-port and its check field are the station address of the first card, so whoever knows that address can make its
//! capability: [`host`]. The second object is the directory of this machine's processes, whose names are their slots.

use super::{Answer, Ports, Reply, Request, Server, World};
use crate::machine::Machine;
use alloc::format;
use alloc::string::String;
use alloc::vec;
use alloc::vec::Vec;
use proto::Error;
use proto::capability::{Capability, Port, Private, Rights};
use proto::capability_set::CapabilitySet;
use proto::marshal::{Reader, Writer};
use proto::soap::directory::parse_masks;
use proto::soap::wire::{Found, List};
use proto::soap::{self, Command, LARGEST_BUFFER, LONGEST_PATH};
use proto::standard::Status;

/// The columns: each holds the rights that its users get on an object.
const COLUMNS: [&[u8]; 3] = soap::USUAL_COLUMNS;
/// What users of each column may do with the object of a row.
pub type Masks = [Rights; COLUMNS.len()];
/// Rows in a directory's order: what the object is and who may do what with it.
type Row = (String, Capability, Masks);

/// Masks of a server of which all but its owner use part.
pub const fn masks(others: Rights) -> Masks {
    [Rights::ALL, others, others]
}

/// The most rows of servers that are not the kernel's.
const MOST_GUESTS: usize = 16;
/// The most bytes of such a row's name.
const LONGEST_GUEST: usize = 32;

/// The number of the directory of the kernel's servers.
const HOST: u32 = 1;
/// The number of the directory of processes.
const PROCESSES: u32 = 2;
/// Group and others find processes, but may not stun them.
const PROCESS_MASKS: Masks = masks(Rights(0x0f));
/// Group and others may look up, each in their column.
const DIRECTORY_MASKS: Masks = [Rights::ALL, Rights(0x02), Rights(0x04)];

/// The capability with all rights on the directory of a kernel whose get-port and check field are `secret`.
pub fn host(secret: Port) -> Capability {
    Capability {
        port: Ports::of(secret).put,
        private: Private::owner(HOST, secret),
    }
}

/// The server.
#[derive(Clone, Debug)]
pub struct Directory {
    ports: Ports,
    check: Port,
    processes_check: Port,
    /// When the kernel started, in seconds since 1970.
    start: u32,
    rows: Vec<Row>,
    /// Rows of servers that are not the kernel's.
    guests: Vec<Row>,
}

impl Directory {
    /// The directory on the get-port `secret`, which is the check field as well; `processes_check` protects the directory
    /// of processes, and the kernel started at `start` (seconds since 1970).
    pub fn new(secret: Port, processes_check: Port, start: i64) -> Directory {
        let mut directory = Directory {
            ports: Ports::of(secret),
            check: secret,
            processes_check,
            start: u32::try_from(start).unwrap_or(0),
            rows: Vec::new(),
            guests: Vec::new(),
        };
        let processes = directory.of_processes();
        directory.add("ps", processes, DIRECTORY_MASKS);
        directory
    }

    /// The capability with all rights.
    pub fn capability(&self) -> Capability {
        host(self.check)
    }

    /// Lists an object under a name. Whoever finds it gets the rights that its masks give, so `capability` has them all.
    pub fn add(&mut self, name: &str, capability: Capability, masks: Masks) {
        debug_assert!(capability.private.rights == Rights::ALL);
        self.rows.push((String::from(name), capability, masks));
    }

    fn of_processes(&self) -> Capability {
        Capability {
            port: self.ports.put,
            private: Private::owner(PROCESSES, self.processes_check),
        }
    }

    fn check_of(&self, object: u32) -> Option<Port> {
        match object {
            HOST => Some(self.check),
            PROCESSES => Some(self.processes_check),
            _ => None,
        }
    }

    /// The rows of a directory, in their order.
    fn rows<M>(&self, world: &World<'_, M>, object: u32) -> Vec<Row> {
        if object == HOST {
            return [&self.rows[..], &self.guests].concat();
        }
        let processes = world.processes.list();
        let row = |(slot, _)| (format!("{slot}"), world.processes.capability(slot), PROCESS_MASKS);
        processes.map(row).collect()
    }

    /// What a name stands for, for a client with these rights on the directory.
    fn find<M>(
        &self,
        world: &World<'_, M>,
        object: u32,
        rights: Rights,
        name: &[u8],
    ) -> Result<(Capability, Masks), Status> {
        if columns(rights).next().is_none() {
            return Err(Status::Denied);
        }
        let mut rows = self.rows(world, object).into_iter();
        let (_, capability, masks) = rows
            .find(|(own, ..)| own.as_bytes() == name)
            .ok_or(Status::NotFound)?;
        let granted = columns(rights).fold(0, |sum, column| sum | masks[column].0);
        let Capability { port, private } = capability;
        let reserved = world.reservation.check(port, private.object());
        let check = reserved.unwrap_or(private.check);
        let private = Private::owner(private.object(), check).restrict(Rights(granted), check);
        Ok((
            Capability {
                private,
                ..capability
            },
            masks,
        ))
    }

    /// Lists a server that is not the kernel's, lists another one in its place, or lists it no more.
    fn change(&mut self, command: Command, request: &Request<'_>) -> Result<Reply, Status> {
        if request.object != HOST {
            return Err(Status::BadCommand);
        }
        request.need(soap::MODIFY)?;
        let bad = |_| Status::BadArgument;
        let mut reader = Reader::new(request.data);
        let name = core::str::from_utf8(reader.string().map_err(bad)?).map_err(|_| Status::BadArgument)?;
        let is_name = !name.is_empty() && name.len() <= LONGEST_GUEST && !name.contains('/');
        if !is_name || self.rows.iter().any(|(own, ..)| own == name) {
            return Err(if is_name {
                Status::Exists
            } else {
                Status::BadArgument
            });
        }
        let place = self.guests.iter().position(|(own, ..)| own == name);
        if command == Command::Delete {
            self.guests.remove(place.ok_or(Status::NotFound)?);
            return Ok(Reply::default());
        }
        let set = CapabilitySet::parse(&mut reader).map_err(bad)?;
        let capability = set.members().next().ok_or(Status::BadArgument)?.capability;
        // Without all rights nobody here could make the capabilities for groups.
        if capability.private.rights != Rights::ALL {
            return Err(Status::BadArgument);
        }
        match (command, place) {
            (Command::Replace, Some(place)) => self.guests[place].1 = capability,
            (Command::Replace, None) => return Err(Status::NotFound),
            (_, Some(_)) => return Err(Status::Exists),
            (_, None) if self.guests.len() == MOST_GUESTS => return Err(Status::NoSpace),
            (_, None) => {
                let [owner, group, others, _] = parse_masks(&mut reader, COLUMNS.len()).map_err(bad)?;
                self.guests
                    .push((String::from(name), capability, [owner, group, others]));
            }
        }
        Ok(Reply::default())
    }

    fn list<M>(&self, world: &World<'_, M>, request: &Request<'_>) -> Result<Reply, Status> {
        if columns(request.rights).next().is_none() {
            return Err(Status::Denied);
        }
        let rows = self.rows(world, request.object);
        let first = usize::from(request.header.extra);
        let wanted = rows.get(first..).ok_or(Status::BadArgument)?;
        let (mut listed, mut bytes) = (0, Vec::new());
        for (name, _, masks) in wanted {
            let length = name.len() + 1 + 4 * masks.len();
            if bytes.len() + length > LARGEST_BUFFER - LIST_HEAD {
                break;
            }
            bytes.extend_from_slice(name.as_bytes());
            bytes.push(0);
            masks
                .iter()
                .for_each(|mask| bytes.extend(u32::from(mask.0).to_le_bytes()));
            listed += 1;
        }
        let mut reply = reply(|writer| {
            let list = List {
                columns: COLUMNS.len() as u16,
                rows: listed,
            };
            list.emit(writer)?;
            COLUMNS.iter().try_for_each(|column| writer.string(column))?;
            writer.bytes(&bytes)
        })?;
        let next = first + usize::from(listed);
        reply.header.extra = if next < rows.len() { next as u16 } else { 0 };
        Ok(reply)
    }

    fn lookup<M>(&self, world: &World<'_, M>, request: &Request<'_>) -> Result<Reply, Status> {
        let path = Reader::new(request.data)
            .string()
            .map_err(|_| Status::BadArgument)?;
        if path.len() > LONGEST_PATH {
            return Err(Status::BadArgument);
        }
        let (name, rest) = split(path);
        let found = if name.is_empty() {
            let private = Private::parse(&request.header.private).map_err(|_| Status::BadCapability)?;
            let port = self.ports.put;
            Capability { port, private }
        } else {
            self.find(world, request.object, request.rights, name)?.0
        };
        reply(|writer| {
            writer.string(rest)?;
            CapabilitySet::single(found).emit(writer)
        })
    }

    fn masks<M>(&self, world: &World<'_, M>, request: &Request<'_>) -> Result<Reply, Status> {
        let name = Reader::new(request.data)
            .string()
            .map_err(|_| Status::BadArgument)?;
        let (_, masks) = self.find(world, request.object, request.rights, name)?;
        reply(|writer| masks.iter().try_for_each(|mask| writer.rights(*mask)))
    }

    /// Looks up one name after the other, each in a directory of its own; what fails does so alone.
    fn lookup_set<M>(&self, world: &World<'_, M>, request: &Request<'_>) -> Result<Reply, Status> {
        let check = &mut Reader::new(request.data);
        while !check.rest().is_empty() {
            entry(check).map_err(|_| Status::BadArgument)?;
        }
        let mut reader = Reader::new(request.data);
        reply(|writer| {
            while !reader.rest().is_empty() {
                let (directories, name) = entry(&mut reader)?;
                let found = self.lookup_in(world, &directories, name);
                let entry = found.map(|found| Found {
                    // A type that nobody has given.
                    kind: Capability::NULL,
                    time: self.start,
                    set: CapabilitySet::single(found),
                });
                Found::emit(&entry.map_err(Status::code), writer)?;
            }
            Ok(())
        })
    }

    /// What a name stands for in the first of these directories that is one of this server's.
    fn lookup_in<M>(
        &self,
        world: &World<'_, M>,
        directories: &CapabilitySet,
        name: &[u8],
    ) -> Result<Capability, Status> {
        let found = directories.members().find_map(|member| {
            let Capability { port, private } = member.capability;
            let object = private.object();
            let check = self.check_of(object).filter(|_| port == self.ports.put)?;
            let check = world.reservation.check(port, object).unwrap_or(check);
            Some((object, private.proven_rights(check)?))
        });
        let (object, rights) = found.ok_or(Status::BadCapability)?;
        Ok(self.find(world, object, rights, name)?.0)
    }
}

/// Bytes before the rows of a list.
const LIST_HEAD: usize = {
    let mut length = 4;
    let mut column = 0;
    while column < COLUMNS.len() {
        length += COLUMNS[column].len() + 1;
        column += 1;
    }
    length
};

/// Directories and a name to find in them, of a request for many.
fn entry<'a>(reader: &mut Reader<'a>) -> Result<(CapabilitySet, &'a [u8]), Error> {
    Ok((CapabilitySet::parse(reader)?, reader.string()?))
}

/// The columns that somebody with these rights on a directory may use.
fn columns(rights: Rights) -> impl Iterator<Item = usize> {
    (0..COLUMNS.len()).filter(move |column| rights.0 & 1 << column != 0)
}

/// A path's first name, and the rest behind the slashes that follow it.
fn split(path: &[u8]) -> (&[u8], &[u8]) {
    let skip = |path: &[u8]| path.iter().take_while(|byte| **byte == b'/').count();
    let path = &path[skip(path)..];
    let end = path.iter().position(|byte| *byte == b'/').unwrap_or(path.len());
    let (name, rest) = path.split_at(end);
    (name, &rest[skip(rest)..])
}

/// A reply with what `write` puts into it.
fn reply(write: impl FnOnce(&mut Writer<'_>) -> Result<(), Error>) -> Result<Reply, Status> {
    let mut bytes = vec![0; LARGEST_BUFFER];
    let mut writer = Writer::new(&mut bytes);
    write(&mut writer).map_err(|error| match error {
        Error::Truncated => Status::Overflow,
        _ => Status::BadArgument,
    })?;
    let length = writer.length();
    bytes.truncate(length);
    Ok(Reply::data(bytes))
}

impl<M: Machine> Server<M> for Directory {
    fn ports(&self) -> Ports {
        self.ports
    }

    fn room(&self) -> usize {
        LARGEST_BUFFER
    }

    /// Others may read it.
    fn publish(&mut self, name: &str, capability: &Capability) {
        self.add(name, *capability, masks(Rights(0x02)));
    }

    fn check(&self, _world: &World<'_, M>, object: u32) -> Option<Port> {
        self.check_of(object)
    }

    fn info(&self, _world: &World<'_, M>, object: u32) -> String {
        String::from(match object {
            HOST => "% kernel directory",
            _ => "% directory of processes",
        })
    }

    fn command(&mut self, world: &mut World<'_, M>, request: &Request<'_>) -> Result<Answer, Status> {
        let reply = match Command::from_code(request.header.command) {
            Some(Command::List) => self.list(world, request),
            Some(Command::Lookup) => self.lookup(world, request),
            Some(Command::SetLookup) => self.lookup_set(world, request),
            Some(Command::GetMasks) => self.masks(world, request),
            Some(command @ (Command::Append | Command::Delete | Command::Replace)) => {
                self.change(command, request)
            }
            _ => Err(Status::BadCommand),
        };
        reply.map(Answer::Now)
    }
}
