//! What clients ask for, and a simple model of what must come of it.

use super::lab::Lab;
use crate::Message;
use crate::message::written;
use alloc::collections::BTreeMap;
use alloc::vec::Vec;
use proto::capability::{Capability, Port, Private, Rights};
use proto::capability_set::CapabilitySet;
use proto::marshal::{Reader, Writer};
use proto::message::Header;
use proto::soap::directory::{emit_masks, parse_masks};
use proto::soap::wire::{Installation, List};
use proto::soap::{Command, Failure, Masks, Status as Own};
use proto::standard::Status;

/// The masks of most rows.
pub(super) const MASKS: Masks = [Rights(0xff), Rights(0x0f), Rights(0x02), Rights(0)];

/// A file that some file server has.
pub(super) fn file(number: u32) -> Capability {
    Capability {
        port: Port([0xf1; 6]),
        private: Private::owner(number, Port([9, 9, 9, 9, 9, number as u8])),
    }
}

/// A request on a directory.
pub(super) fn header(directory: &Capability, command: Command) -> Header {
    Header {
        port: directory.port,
        private: directory.private.emit(),
        command: command.code(),
        ..Header::default()
    }
}

pub(super) fn bytes(write: impl FnOnce(&mut Writer<'_>) -> Result<(), proto::Error>) -> Vec<u8> {
    written(write).expect("the request fits")
}

/// The data of a request to append.
pub(super) fn append(name: &[u8], capability: &Capability, masks: &Masks) -> Vec<u8> {
    bytes(|writer| {
        writer.string(name)?;
        CapabilitySet::single(*capability).emit(writer)?;
        emit_masks(masks, 3, writer)
    })
}

/// The data of a request with a name alone.
pub(super) fn name(name: &[u8]) -> Vec<u8> {
    bytes(|writer| writer.string(name))
}

/// Directories are called by their place; the first is the root.
#[derive(Clone, Debug)]
pub(super) enum Operation {
    Create,
    Discard(usize),
    Append(usize, &'static str, u32),
    Masks(usize, &'static str, u8),
    Delete(usize, &'static str),
    Replace(usize, &'static str, u32),
    Install(Vec<(usize, &'static str, u32, Option<u32>)>),
}

/// Rows by name: file and masks.
pub(super) type Rows = BTreeMap<Vec<u8>, (Capability, Masks)>;

/// What the directories hold; one that was removed is `None`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Model(pub(super) Vec<Option<Rows>>);

fn masks(low: u8) -> Masks {
    [Rights(0xff), Rights(low), Rights(low & 0x0f), Rights(0)]
}

impl Model {
    pub(super) fn new() -> Model {
        Model([Some(Rows::new())].into())
    }

    fn rows(&mut self, place: usize) -> Result<&mut Rows, Failure> {
        self.0[place].as_mut().ok_or(Status::BadCapability.into())
    }

    fn row(&mut self, place: usize, name: &str) -> Result<&mut (Capability, Masks), Failure> {
        let row = self.rows(place)?.get_mut(name.as_bytes());
        row.ok_or(Status::NotFound.into())
    }

    /// What an operation does.
    pub(super) fn apply(&mut self, operation: &Operation) -> Result<(), Failure> {
        match operation {
            Operation::Create => {
                // It takes a capability of some directory, here of the root.
                self.rows(0)?;
                self.0.push(Some(Rows::new()));
            }
            Operation::Discard(place) => {
                if !self.rows(*place)?.is_empty() {
                    return Err(Own::NotEmpty.into());
                }
                self.0[*place] = None;
            }
            Operation::Append(place, name, number) => {
                let rows = self.rows(*place)?;
                if rows.contains_key(name.as_bytes()) {
                    return Err(Status::Exists.into());
                }
                rows.insert(name.as_bytes().to_vec(), (file(*number), MASKS));
            }
            Operation::Masks(place, name, low) => self.row(*place, name)?.1 = masks(*low),
            Operation::Delete(place, name) => {
                self.row(*place, name)?;
                self.rows(*place)?.remove(name.as_bytes());
            }
            Operation::Replace(place, name, number) => self.row(*place, name)?.0 = file(*number),
            Operation::Install(list) => {
                let mut changed = self.clone();
                for (place, name, number, old) in list {
                    let row = changed.row(*place, name)?;
                    if old.is_some_and(|old| row.0 != file(old)) {
                        return Err(Own::Clash.into());
                    }
                    row.0 = file(*number);
                }
                *self = changed;
            }
        }
        Ok(())
    }
}

/// A client with the capabilities of the directories that it knows.
pub(super) struct Client(pub(super) Vec<Capability>);

impl Client {
    pub(super) fn request(&self, operation: &Operation) -> (Header, Vec<u8>) {
        let on = |place: usize, command| header(&self.0[place], command);
        match operation {
            Operation::Create => {
                let names = super::lab::COLUMNS;
                let data = bytes(|writer| names.iter().try_for_each(|name| writer.string(name)));
                (on(0, Command::Create), data)
            }
            Operation::Discard(place) => (on(*place, Command::Discard), Vec::new()),
            Operation::Append(place, name, number) => (
                on(*place, Command::Append),
                append(name.as_bytes(), &file(*number), &MASKS),
            ),
            Operation::Masks(place, name, low) => {
                let data = bytes(|writer| {
                    writer.string(name.as_bytes())?;
                    emit_masks(&masks(*low), 3, writer)
                });
                (on(*place, Command::ChangeMasks), data)
            }
            Operation::Delete(place, row) => (on(*place, Command::Delete), name(row.as_bytes())),
            Operation::Replace(place, row, number) => {
                let data = bytes(|writer| {
                    writer.string(row.as_bytes())?;
                    CapabilitySet::single(file(*number)).emit(writer)
                });
                (on(*place, Command::Replace), data)
            }
            Operation::Install(list) => {
                let data = bytes(|writer| {
                    list.iter().try_for_each(|(place, name, number, old)| {
                        let installation = Installation {
                            directory: CapabilitySet::single(self.0[*place]),
                            name: name.as_bytes(),
                            set: CapabilitySet::single(file(*number)),
                            old: old.map_or(Capability::NULL, file),
                        };
                        installation.emit(writer)
                    })
                });
                (on(0, Command::Install), data)
            }
        }
    }

    /// Has an operation done by a server: how it went, or `None` if the server did not reply. A new directory's
    /// capability is kept.
    pub(super) fn carry_out(
        &mut self,
        lab: &mut Lab,
        server: usize,
        operation: &Operation,
    ) -> Option<Result<(), Failure>> {
        let (header, data) = self.request(operation);
        let reply = lab.request(server, &header, &data)?;
        if matches!(operation, Operation::Create) && reply.result().is_ok() {
            self.0.push(capability(&reply));
        }
        Some(reply.result())
    }

    /// What a server tells of all directories.
    pub(super) fn read(&self, lab: &mut Lab, server: usize) -> Result<Model, Failure> {
        let mut all = Vec::new();
        for directory in &self.0 {
            all.push(match rows(lab, server, directory) {
                Ok(rows) => Some(rows),
                Err(Failure::Standard(Status::BadCapability)) => None,
                Err(failure) => return Err(failure),
            });
        }
        Ok(Model(all))
    }
}

/// The capability in a reply's header.
pub(super) fn capability(reply: &Message) -> Capability {
    Capability {
        port: reply.header.port,
        private: Private::parse(&reply.header.private).expect("ten bytes"),
    }
}

/// The capability that a server finds for a path.
pub(super) fn lookup(
    lab: &mut Lab,
    server: usize,
    directory: &Capability,
    path: &[u8],
) -> Result<Capability, Failure> {
    let reply = lab.request(server, &header(directory, Command::Lookup), &name(path));
    let reply = reply.ok_or(Own::Unavailable)?;
    reply.result()?;
    let mut reader = Reader::new(&reply.data);
    assert_eq!(reader.string(), Ok(&[][..]));
    let set = CapabilitySet::parse(&mut reader).expect("the reply is whole");
    Ok(set.members().next().expect("one capability").capability)
}

/// The rows that a capability shows: names and masks.
pub(super) fn list(
    lab: &mut Lab,
    server: usize,
    directory: &Capability,
) -> Result<Vec<(Vec<u8>, Masks)>, Failure> {
    let (mut rows, mut first) = (Vec::new(), 0);
    loop {
        let header = Header {
            extra: first,
            ..header(directory, Command::List)
        };
        let reply = lab.request(server, &header, &[]).ok_or(Own::Unavailable)?;
        reply.result()?;
        let mut reader = Reader::new(&reply.data);
        let list = List::parse(&mut reader).expect("the reply is whole");
        for _ in 0..list.columns {
            reader.string().expect("a column's name");
        }
        for _ in 0..list.rows {
            let name = reader.string().expect("a name").to_vec();
            let masks = parse_masks(&mut reader, list.columns.into()).expect("masks");
            rows.push((name, masks));
        }
        assert!(reader.rest().is_empty());
        first = reply.header.extra;
        if first == 0 {
            return Ok(rows);
        }
    }
}

fn rows(lab: &mut Lab, server: usize, directory: &Capability) -> Result<Rows, Failure> {
    let mut rows = Rows::new();
    for (name, masks) in list(lab, server, directory)? {
        let capability = lookup(lab, server, directory, &name)?;
        rows.insert(name, (capability, masks));
    }
    Ok(rows)
}
