//! What an update makes of directories, before anything of it is written.

use super::{Engine, Failure, Message, Opened, Own, Private, Rights, Status, World};
use crate::cache::Contents;
use crate::directory::{Directory, Row, need};
use crate::sealed::Seal;
use alloc::vec::Vec;
use proto::capability::Capability;
use proto::capability_set::CapabilitySet;
use proto::marshal::Reader;
use proto::message::Header;
use proto::soap::directory::parse_masks;
use proto::soap::super_file::{MOST_INTENTIONS, Pair};
use proto::soap::wire::{ENCRYPTED, Installation};
use proto::soap::{Command, DELETE, MOST_COLUMNS};
use proto::standard;

/// What an update is for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Work {
    /// A client's request.
    Request(Header, Vec<u8>),
    /// Second copies of files that have one only.
    Copies,
    /// These directories have grown too old.
    Expire(Vec<u32>),
}

/// What becomes of a directory.
#[derive(Clone, Debug)]
pub(super) enum Change {
    /// A new file with these contents; what the cache is to hold.
    File(Vec<u8>, Contents),
    /// The same file, also on this store.
    Copy(usize),
    /// It goes.
    Gone,
}

/// What an update does.
#[derive(Clone, Debug)]
pub(super) struct Plan {
    /// Directories, and what becomes of them.
    pub(super) changes: Vec<(u32, Change)>,
    /// What the client is told when it is done.
    pub(super) reply: Message,
    /// The highest sequence number of a directory afterwards.
    pub(super) directory_sequence: u64,
}

fn read<T>(value: Result<T, proto::Error>) -> Result<T, Failure> {
    value.map_err(|_| Status::BadArgument.into())
}

impl<W: World> Engine<W> {
    /// What is to be done, as things stand now.
    pub(super) fn plan(&mut self, work: &Work) -> Result<Plan, Failure> {
        match work {
            Work::Request(header, data) => self.plan_request(header, data),
            Work::Copies => Ok(self.plan_of(self.missing_copies())),
            Work::Expire(objects) => {
                let present = objects
                    .iter()
                    .filter(|object| self.table.pair(**object).is_some());
                let gone = present
                    .take(MOST_INTENTIONS)
                    .map(|object| (*object, Change::Gone));
                Ok(self.plan_of(gone.collect()))
            }
        }
    }

    fn plan_of(&self, changes: Vec<(u32, Change)>) -> Plan {
        Plan {
            changes,
            reply: Message::status(Ok(())),
            directory_sequence: self.table.commit().directory_sequence,
        }
    }

    fn plan_request(&mut self, header: &Header, data: &[u8]) -> Result<Plan, Failure> {
        let private = Message::private(header)?;
        if header.standard_command() == Some(standard::Command::Destroy) {
            return self.plan_discard(&private);
        }
        let mut reader = Reader::new(data);
        let reader = &mut reader;
        let time = self.world.seconds();
        match Command::from_code(header.command) {
            Some(Command::Create) => self.plan_create(&private, header.extra, reader),
            Some(Command::Discard) => self.plan_discard(&private),
            Some(Command::Install) => self.plan_install(reader, time),
            Some(command) => {
                let (opened, rights, seal) = self.open(&private)?;
                let mut directory = opened.into_owned();
                modify(command, &mut directory, rights, time, reader)?;
                let mut plan = self.plan_of(Vec::new());
                self.add_file(&mut plan, private.object(), directory, seal)?;
                Ok(plan)
            }
            None => Err(Status::BadCommand.into()),
        }
    }

    /// Adds to a plan that a directory gets a new file.
    fn add_file(
        &mut self,
        plan: &mut Plan,
        object: u32,
        mut directory: Directory,
        seal: Option<Seal>,
    ) -> Result<(), Failure> {
        plan.directory_sequence += 1;
        directory.sequence = plan.directory_sequence;
        let change = match seal {
            None => Change::File(directory.emit()?, Contents::Plain(directory)),
            Some(seal) => {
                let file = seal.close(&directory, &mut self.world)?;
                Change::File(file.clone(), Contents::Sealed(file))
            }
        };
        plan.changes.push((object, change));
        Ok(())
    }

    fn plan_create(
        &mut self,
        private: &Private,
        flags: u16,
        reader: &mut Reader<'_>,
    ) -> Result<Plan, Failure> {
        if self.super_rights(private).is_err() {
            self.open(private)?;
        }
        let mut columns = Vec::new();
        while !reader.rest().is_empty() {
            columns.push(read(reader.string())?.to_vec());
            if columns.len() > MOST_COLUMNS {
                return Err(Status::BadArgument.into());
            }
        }
        let check = self.world.random()?;
        let directory = Directory::new(check, columns)?;
        let seal = if flags & ENCRYPTED == 0 {
            None
        } else {
            Some(Seal::new(self.world.random()?, check))
        };
        let object = self.table.free_object().ok_or(Status::NoSpace)?;
        let mut plan = self.plan_of(Vec::new());
        plan.reply = Message::capability(&Capability {
            port: self.port,
            private: Private::owner(object, check),
        });
        self.add_file(&mut plan, object, directory, seal)?;
        Ok(plan)
    }

    fn plan_discard(&mut self, private: &Private) -> Result<Plan, Failure> {
        let (directory, rights, _) = self.open(private)?;
        need(rights, DELETE)?;
        if !directory.rows().is_empty() {
            return Err(Own::NotEmpty.into());
        }
        let mut plan = self.plan_of(Vec::new());
        plan.changes.push((private.object(), Change::Gone));
        Ok(plan)
    }

    /// Several rows of up to eleven directories.
    fn plan_install(&mut self, reader: &mut Reader<'_>, time: u32) -> Result<Plan, Failure> {
        let mut changed: Vec<(u32, Directory, Option<Seal>)> = Vec::new();
        while !reader.rest().is_empty() {
            let installation = read(Installation::parse(reader))?;
            let own = self.own_member(&installation.directory);
            let private = own.ok_or(Status::BadCapability)?.private;
            let object = private.object();
            // A directory that was named before already holds what was installed then.
            let (opened, rights, seal) = self.open(&private)?;
            let place = changed.iter().position(|(other, _, _)| *other == object);
            let place = match (place, opened) {
                (Some(place), _) => place,
                (None, _) if changed.len() == MOST_INTENTIONS => return Err(Status::NoSpace.into()),
                (None, opened) => {
                    changed.push((object, Opened::into_owned(opened), seal));
                    changed.len() - 1
                }
            };
            let directory = &mut changed[place].1;
            directory.replace(
                installation.name,
                installation.set,
                &installation.old,
                time,
                rights,
            )?;
        }
        let mut plan = self.plan_of(Vec::new());
        for (object, directory, seal) in changed {
            self.add_file(&mut plan, object, directory, seal)?;
        }
        Ok(plan)
    }
}

/// Commands that change one row.
fn modify(
    command: Command,
    directory: &mut Directory,
    rights: Rights,
    time: u32,
    reader: &mut Reader<'_>,
) -> Result<(), Failure> {
    let columns = directory.columns().len();
    let name = read(reader.string())?;
    match command {
        Command::Append => {
            let set = read(CapabilitySet::parse(reader))?;
            let masks = read(parse_masks(reader, columns))?;
            let row = Row {
                name: name.to_vec(),
                kind: Capability::NULL,
                time,
                set,
                masks,
            };
            directory.append(row, rights)
        }
        Command::ChangeMasks => {
            let masks = read(parse_masks(reader, columns))?;
            directory.change_masks(name, masks, rights)
        }
        Command::Delete => directory.delete(name, rights),
        Command::Replace => {
            let set = read(CapabilitySet::parse(reader))?;
            directory.replace(name, set, &Capability::NULL, time, rights)
        }
        Command::PutType => {
            let kind = read(reader.capability())?;
            directory.put_type(name, kind, rights)
        }
        _ => Err(Status::BadCommand.into()),
    }
}

impl<W: World> Engine<W> {
    /// Up to eleven directories that lack their copy on one store: on the store of this server's number, or else on the other one.
    /// One update makes copies on one store alone, so that the other one's absence does not undo it.
    fn missing_copies(&self) -> Vec<(u32, Change)> {
        let on = |store: usize| -> Vec<(u32, Change)> {
            if self.errands.stores_away[store] {
                return Vec::new();
            }
            let missing = self.table.directories().filter(|(object, pair)| {
                let is_missing =
                    |store: usize| pair.0[store] == Capability::NULL || self.lost.contains(&(*object, store));
                is_missing(store) && !is_missing(1 - store)
            });
            let copies = missing.map(|(object, _)| (object, Change::Copy(store)));
            copies.take(MOST_INTENTIONS).collect()
        };
        let own = on(self.number);
        if own.is_empty() { on(1 - self.number) } else { own }
    }

    /// The files that a plan's directories will have: they are made now.
    ///
    /// # Errors
    /// [`Own::Unavailable`] if no store takes them; then there is none of them.
    pub(super) fn make_files(&mut self, plan: &Plan) -> Result<Vec<(u32, Pair)>, Failure> {
        let mut pairs = Vec::new();
        for (object, change) in &plan.changes {
            match self.make_file(*object, change) {
                Ok(pair) => pairs.push((*object, pair)),
                Err(failure) => {
                    self.destroy_new(&pairs);
                    return Err(failure);
                }
            }
        }
        Ok(pairs)
    }

    fn make_file(&mut self, object: u32, change: &Change) -> Result<Pair, Failure> {
        let mut pair = Pair::NULL;
        match change {
            Change::Gone => {}
            Change::Copy(store) => {
                pair = self.table.pair(object).ok_or(Status::NotFound)?;
                let read = self.read_file(object);
                let bytes = read.or_else(|failure| self.file_at_hand(object).ok_or(failure))?;
                let made = self.world.create(*store, &bytes);
                self.errands.stores_away[*store] = made.is_err();
                pair.0[*store] = made.map_err(|_| Own::Unavailable)?;
            }
            Change::File(bytes, _) => {
                let stores = [self.number, 1 - self.number];
                let mut made = stores
                    .iter()
                    .map(|store| (*store, self.world.create(*store, bytes)));
                let (store, file) = made
                    .find_map(|(store, made)| Some((store, made.ok()?)))
                    .ok_or(Own::Unavailable)?;
                pair.0[store] = file;
            }
        }
        Ok(pair)
    }

    /// Removes files that were made for an update which does not happen.
    pub(super) fn destroy_new(&mut self, pairs: &[(u32, Pair)]) {
        for (object, pair) in pairs {
            let present = self.table.pair(*object).unwrap_or(Pair::NULL);
            for (_, file) in pair.copies().filter(|(_, file)| !present.0.contains(file)) {
                self.world.destroy(file);
            }
        }
    }
}
