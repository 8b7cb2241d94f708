//! Carries requests out. Any number of threads may serve at once; none of them holds the lock while it waits for the disk, for
//! another server or for a client.
//!
//! A tour: this file finds out what a request wants and whether it may; [`read`] brings files into the cache and replies out of
//! it; [`edit`] makes and changes files; [`commit`] brings them to the disk; [`admin`] is for administrators and for the time that
//! passes.

mod admin;
mod commit;
mod edit;
mod read;

use crate::cache::{Cache, Exclusive, Shared};
use crate::check::{Checked, Error, check};
use crate::disk::Disk;
use crate::memory::Memory;
use crate::state::{Shortage, State, Target};
use crate::statistics;
use crate::table::Table;
use alloc::format;
use alloc::string::String;
use edit::Change;
use libamoeba::Transactions;
use proto::bullet::disk::SECTOR;
use proto::bullet::{Command, Commit, SERVER_OBJECT, parse_length, right};
use proto::capability::{Capability, Port, Private, Rights};
use proto::message::Header;
use proto::one_way::one_way;
use proto::standard::{self, ObjectMark, Status};

/// What the engine runs on: a disk, and what threads need.
pub trait Host: Disk {
    /// The state behind a lock.
    type Lock;
    /// Transactions with other servers.
    type Client: Transactions;

    /// Puts the state behind a lock.
    fn lock(&self, state: State) -> Self::Lock;

    /// Carries `action` out while nobody else does so.
    fn with<R>(&self, lock: &Self::Lock, action: impl FnOnce(&mut State) -> R) -> R;

    /// How many events there have been.
    fn events(&self) -> u32;

    /// Waits until there have been other than `seen` events.
    fn wait(&self, seen: u32);

    /// There has been an event: those that wait go on.
    fn notify(&self);

    /// A random number, not null.
    fn random(&self) -> Port;

    /// Transactions with other servers.
    fn client(&self) -> Self::Client;
}

/// What a reply holds beside its header.
#[derive(Debug)]
enum Data {
    /// Nothing.
    Nothing,
    /// As much of a text as the client has room for.
    Text(String, usize),
    /// Part of a file in the cache.
    File(Shared, core::ops::Range<usize>),
}

/// A reply.
#[derive(Debug)]
struct Answer {
    header: Header,
    data: Data,
}

impl Answer {
    /// Nothing but success.
    fn done() -> Answer {
        Answer {
            header: Header::default(),
            data: Data::Nothing,
        }
    }

    /// Success, with a capability.
    fn capability(capability: &Capability) -> Answer {
        let header = Header {
            port: capability.port,
            private: capability.private.emit(),
            ..Header::default()
        };
        Answer {
            header,
            data: Data::Nothing,
        }
    }

    /// A text, and its whole length in the header.
    fn text(text: String, request: &Header) -> Answer {
        let header = Header {
            size: u16::try_from(text.len()).unwrap_or(u16::MAX),
            ..Header::default()
        };
        let length = text.len().min(request.size.into());
        Answer {
            header,
            data: Data::Text(text, length),
        }
    }
}

/// A Bullet server.
#[derive(Debug)]
pub struct Engine<'m, H: Host> {
    host: H,
    get_port: Port,
    put_port: Port,
    memory: Memory<'m>,
    state: H::Lock,
}

impl<'m, H: Host> Engine<'m, H> {
    /// A server of the file system on the host's disk, with that memory as its cache. The disk is checked, and bad inodes are
    /// freed: they are told beside the server.
    ///
    /// # Errors
    /// What keeps the disk from being used.
    pub fn start(host: H, memory: &'m mut [u8]) -> Result<(Engine<'m, H>, Checked), Error> {
        let checked = check(&host, true)?;
        let memory = Memory::new(memory);
        let units = u32::try_from(memory.length() / SECTOR).unwrap_or(u32::MAX);
        let capability = &checked.superblock.capability;
        let state = State::new(capability.private.check, Table::new(&checked), Cache::new(units));
        let engine = Engine {
            get_port: capability.port,
            put_port: one_way(capability.port),
            memory,
            state: host.lock(state),
            host,
        };
        Ok((engine, checked))
    }

    /// The port on which the server gets its requests.
    pub fn get_port(&self) -> Port {
        self.get_port
    }

    /// All rights on the server itself.
    pub fn capability(&self) -> Capability {
        let check = self.with(|state| state.own);
        Capability {
            port: self.put_port,
            private: Private::owner(SERVER_OBJECT, check),
        }
    }

    /// How the server is equipped, to be told when it starts.
    pub fn banner(&self) -> String {
        self.with(|state| statistics::banner(state))
    }

    /// Changes the state.
    fn with<R>(&self, action: impl FnOnce(&mut State) -> R) -> R {
        self.host.with(&self.state, action)
    }

    /// Changes the state, and wakes those who wait for that.
    fn change<R>(&self, action: impl FnOnce(&mut State) -> R) -> R {
        let result = self.with(action);
        self.host.notify();
        result
    }

    /// Asks the state until it gives something, each time after an event.
    fn await_some<R>(&self, mut action: impl FnMut(&mut State) -> Option<R>) -> R {
        loop {
            let seen = self.host.events();
            if let Some(result) = self.with(&mut action) {
                return result;
            }
            self.host.wait(seen);
        }
    }

    /// Makes room in the cache so far as one shortage goes; `seen` are the events before it was found.
    fn relieve(&self, shortage: Shortage, seen: u32) -> Result<(), Status> {
        match shortage {
            Shortage::Write(object) => self.flush(object),
            Shortage::Wait => {
                self.host.wait(seen);
                Ok(())
            }
            Shortage::Full => Err(Status::NoMemory),
        }
    }

    /// A place in the cache.
    fn reserve(&self, owner: u32, units: u32) -> Result<Exclusive, Status> {
        loop {
            let seen = self.host.events();
            match self.with(|state| state.reserve(owner, units, &self.memory)) {
                Ok(place) => return Ok(place),
                Err(shortage) => self.relieve(shortage, seen)?,
            }
        }
    }

    /// Serves a request: `reply` sends what is given to it. It may take as long as it likes; other requests are served meanwhile.
    pub fn serve<R>(&self, request: &Header, data: &[u8], reply: impl FnOnce(&Header, &[u8]) -> R) -> R {
        let answer = self.carry_out(request, data);
        match answer {
            Ok(Answer { mut header, data }) => {
                header.set_status(Status::Ok);
                match data {
                    Data::Nothing => reply(&header, &[]),
                    Data::Text(text, length) => reply(&header, &text.as_bytes()[..length]),
                    Data::File(place, range) => {
                        let result = reply(&header, &self.memory.bytes(&place)[range]);
                        self.change(|state| state.cache.unshare(place));
                        result
                    }
                }
            }
            Err(status) => {
                self.with(|state| state.statistics.failures += 1);
                let mut header = Header::default();
                header.set_status(status);
                reply(&header, &[])
            }
        }
    }

    fn carry_out(&self, request: &Header, data: &[u8]) -> Result<Answer, Status> {
        let private = Private::parse(&request.private).map_err(|_| Status::BadCapability)?;
        let target = self.with(|state| {
            state.statistics.count(request.command);
            state.prove(&private)
        })?;
        if let Some(command) = Command::from_code(request.command) {
            return self.own_command(command, &target, request, data);
        }
        let command = request.standard_command().ok_or(Status::BadCommand)?;
        self.standard_command(command, &target, request, data)
    }

    fn own_command(
        &self,
        command: Command,
        target: &Target,
        request: &Header,
        data: &[u8],
    ) -> Result<Answer, Status> {
        let offset = || u32::try_from(request.offset).map_err(|_| Status::BadArgument);
        let bytes = || data.get(..request.size.into()).ok_or(Status::BadArgument);
        let commit = Commit::from_bits_truncate(request.extra);
        match command {
            Command::Create => self.create(target, bytes()?, commit),
            Command::Modify => self.edit(target, &Change::Modify(offset()?, bytes()?), commit),
            Command::Insert => self.edit(target, &Change::Insert(offset()?, bytes()?), commit),
            Command::Delete => {
                let length = parse_length(data).map_err(|_| Status::BadArgument)?;
                self.edit(target, &Change::Delete(offset()?, length), commit)
            }
            Command::Read => self.read(target, request.offset, request.size),
            Command::Size => self.size(target),
            Command::Check => self.check(target),
            Command::Compact => self.compact(target),
            Command::Sync => self.sync(target),
        }
    }

    fn standard_command(
        &self,
        command: standard::Command,
        target: &Target,
        request: &Header,
        data: &[u8],
    ) -> Result<Answer, Status> {
        match command {
            standard::Command::Age => self.age(target),
            standard::Command::Copy => self.copy(target, data),
            standard::Command::Destroy => self.destroy(target),
            standard::Command::Info => self.info(target, request),
            standard::Command::Restrict => self.restrict(target, request),
            standard::Command::Status => self.status(target, request),
            standard::Command::Touch => self.touch(target),
            standard::Command::TouchMany => self.touch_many(request.size, data),
            _ => Err(Status::BadCommand),
        }
    }

    /// The server's own object, with these rights.
    fn need_server(&self, target: &Target, rights: Rights) -> Result<(), Status> {
        if !target.is_server() {
            return Err(Status::BadCapability);
        }
        target.need(rights)
    }

    fn info(&self, target: &Target, request: &Header) -> Result<Answer, Status> {
        if target.is_server() {
            return Ok(Answer::text(String::from("bullet server"), request));
        }
        let size = self.with(|state| state.committed(target).map(|file| file.size))?;
        let mark = char::from(ObjectMark::File.code());
        Ok(Answer::text(format!("{mark} {size} bytes"), request))
    }

    fn restrict(&self, target: &Target, request: &Header) -> Result<Answer, Status> {
        if !target.is_server() {
            self.with(|state| state.committed(target).map(drop))?;
        }
        // The mask travels in the low byte of the offset.
        let rights = Rights(target.rights.0 & request.offset as u8);
        let private = Private::owner(target.object, target.random).restrict(rights, target.random);
        let port = request.port;
        Ok(Answer::capability(&Capability { port, private }))
    }

    fn touch(&self, target: &Target) -> Result<Answer, Status> {
        if !target.is_server() {
            self.with(|state| state.committed(target).map(drop))?;
        }
        Ok(Answer::done())
    }

    fn touch_many(&self, count: u16, data: &[u8]) -> Result<Answer, Status> {
        let length = usize::from(count) * proto::capability::PRIVATE_LENGTH;
        let privates = data.get(..length).ok_or(Status::BadArgument)?;
        let mut answer = Answer::done();
        for private in privates.chunks_exact(proto::capability::PRIVATE_LENGTH) {
            let private = Private::parse(private).map_err(|_| Status::BadArgument)?;
            let is_touched = self.with(|state| {
                let target = state.prove(&private)?;
                state.committed(&target).map(drop)
            });
            answer.header.extra += u16::from(is_touched.is_ok());
        }
        Ok(answer)
    }

    fn status(&self, target: &Target, request: &Header) -> Result<Answer, Status> {
        self.need_server(target, right::READ)?;
        let text = self.with(|state| statistics::status(state));
        Ok(Answer::text(text, request))
    }
}

#[cfg(test)]
impl<H: Host> Engine<'_, H> {
    /// What it runs on.
    pub(crate) fn host(&self) -> &H {
        &self.host
    }

    /// Between requests nobody works on a file or uses a place of the cache.
    pub(crate) fn assert_idle(&self) {
        self.with(|state| {
            assert!(state.table.files().all(|(_, file)| !file.is_busy));
            assert!(!state.cache.is_shared());
            state.assert_consistent();
        });
    }
}
