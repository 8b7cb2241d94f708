//! What a request wants.

use super::change::Work;
use super::{Engine, Failure, Message, Outcome, Own, Private, Rights, Status, World};
use crate::directory::need;
use crate::message::written;
use alloc::format;
use alloc::string::String;
use proto::capability::{Capability, PRIVATE_LENGTH};
use proto::marshal::Reader;
use proto::message::Header;
use proto::soap::directory::{emit_masks, emit_sequence};
use proto::soap::peer::{self, Activity};
use proto::soap::super_file::CopyMode;
use proto::soap::{Command, DELETE, LARGEST_BUFFER, LIFETIME, MODIFY};
use proto::standard;

/// Whether a request changes directories: of these one at a time can be carried out.
pub fn is_update(header: &Header) -> bool {
    let reads = [
        Command::Lookup,
        Command::SetLookup,
        Command::List,
        Command::GetMasks,
        Command::GetSequence,
    ];
    let command = Command::from_code(header.command);
    command.is_some_and(|command| !reads.contains(&command))
        || header.standard_command() == Some(standard::Command::Destroy)
}

impl<W: World> Engine<W> {
    /// A client's request.
    pub fn request(&mut self, header: &Header, data: &[u8]) -> Outcome {
        self.dispatch(header, data)
            .unwrap_or_else(|failure| Outcome::Reply(Message::status(Err(failure))))
    }

    fn dispatch(&mut self, header: &Header, data: &[u8]) -> Result<Outcome, Failure> {
        if data.len() > LARGEST_BUFFER {
            return Err(Status::BadArgument.into());
        }
        let private = Message::private(header)?;
        if let Some(command) = header.standard_command() {
            return self.standard(command, &private, header, data);
        }
        if let Some(command) = peer::Command::from_code(header.command) {
            return self
                .administer(command, &private, header, data)
                .map(Outcome::Reply);
        }
        let command = Command::from_code(header.command).ok_or(Status::BadCommand)?;
        self.need_serving()?;
        if is_update(header) {
            return Ok(self.begin(Work::Request(*header, data.to_vec())));
        }
        match command {
            Command::Lookup => self.lookup(&private, data).map(Outcome::Found),
            Command::SetLookup => self.lookup_names(data).map(Outcome::Found),
            _ => self.read(command, &private, header, data).map(Outcome::Reply),
        }
    }

    /// Commands between servers that who runs this one may give as well.
    fn administer(
        &mut self,
        command: peer::Command,
        private: &Private,
        header: &Header,
        data: &[u8],
    ) -> Result<Message, Failure> {
        need(self.super_rights(private)?, Rights(MODIFY.0 | DELETE.0))?;
        match command {
            peer::Command::NewStore => self.new_store(header, data)?,
            peer::Command::ShutDown => self.errands.is_stopping = true,
            _ => return Err(Status::BadCommand.into()),
        }
        Ok(Message::status(Ok(())))
    }

    /// Another file server is to be a store from now on.
    pub(super) fn new_store(&mut self, header: &Header, data: &[u8]) -> Result<(), Failure> {
        let store = usize::from(header.extra);
        let server = Reader::new(data).capability().map_err(|_| Status::BadArgument)?;
        if store > 1 {
            return Err(Status::BadArgument.into());
        }
        self.world.set_store(store, &server);
        Ok(())
    }

    fn need_serving(&self) -> Result<(), Failure> {
        match self.activity() {
            Activity::Serving => Ok(()),
            Activity::Recovering => Err(Own::Unavailable.into()),
        }
    }

    /// Commands that read a directory.
    fn read(
        &mut self,
        command: Command,
        private: &Private,
        header: &Header,
        data: &[u8],
    ) -> Result<Message, Failure> {
        let (directory, rights, _) = self.open(private)?;
        match command {
            Command::List => {
                let (bytes, next) = directory.list(header.extra.into(), rights)?;
                let mut reply = Message::data(bytes);
                reply.header.extra = next;
                Ok(reply)
            }
            Command::GetMasks => {
                let name = Reader::new(data).string().map_err(|_| Status::BadArgument)?;
                let masks = directory.masks(name, rights)?;
                let columns = directory.columns().len();
                written(|writer| emit_masks(&masks, columns, writer)).map(Message::data)
            }
            _ => written(|writer| emit_sequence(directory.sequence, writer)).map(Message::data),
        }
    }

    fn standard(
        &mut self,
        command: standard::Command,
        private: &Private,
        header: &Header,
        data: &[u8],
    ) -> Result<Outcome, Failure> {
        if let Ok(rights) = self.super_rights(private) {
            return self
                .standard_super(command, private, rights, header, data)
                .map(Outcome::Reply);
        }
        self.need_serving()?;
        let reply = match command {
            standard::Command::Info => {
                self.open(private)?;
                Message::text("/ directory", header)
            }
            standard::Command::Touch => {
                self.open(private)?;
                Message::status(Ok(()))
            }
            standard::Command::TouchMany => self.touch_many(header, data)?,
            standard::Command::Restrict => {
                let private = self.restrict(private, mask(header))?;
                let port = header.port;
                Message::capability(&Capability { port, private })
            }
            standard::Command::Destroy => {
                return Ok(self.begin(Work::Request(*header, data.to_vec())));
            }
            _ => return Err(Status::BadCommand.into()),
        };
        Ok(Outcome::Reply(reply))
    }

    /// Standard commands on the server itself.
    fn standard_super(
        &mut self,
        command: standard::Command,
        private: &Private,
        rights: Rights,
        header: &Header,
        data: &[u8],
    ) -> Result<Message, Failure> {
        match command {
            standard::Command::Info => Ok(Message::text("directory server", header)),
            standard::Command::Touch => Ok(Message::status(Ok(()))),
            standard::Command::Status => Ok(Message::text(&self.figures(), header)),
            standard::Command::Restrict => {
                let private = self.restrict(private, mask(header))?;
                let port = header.port;
                Ok(Message::capability(&Capability { port, private }))
            }
            standard::Command::TouchMany => {
                self.need_serving()?;
                self.touch_many(header, data)
            }
            standard::Command::Age => {
                need(rights, Rights(MODIFY.0 | DELETE.0))?;
                self.need_serving()?;
                self.count_older();
                self.errands.has_counted = true;
                Ok(Message::status(Ok(())))
            }
            _ => Err(Status::BadCommand.into()),
        }
    }

    /// Notes of several directories that they are in use, and tells how many of the capabilities are good.
    fn touch_many(&mut self, header: &Header, data: &[u8]) -> Result<Message, Failure> {
        let count = usize::from(header.size);
        if data.len() != count * PRIVATE_LENGTH {
            return Err(Status::BadArgument.into());
        }
        let mut touched = 0;
        for bytes in data.chunks(PRIVATE_LENGTH) {
            let private = Private::parse(bytes).map_err(|_| Status::BadArgument)?;
            touched += u16::from(self.open(&private).is_ok());
        }
        let mut reply = Message::status(Ok(()));
        reply.header.extra = touched;
        Ok(reply)
    }

    /// The server's figures, as text.
    fn figures(&self) -> String {
        let commit = self.table.commit();
        let mode = match (self.activity(), commit.mode) {
            (Activity::Recovering, _) => "recovering",
            (_, CopyMode::One) => "one copy",
            (_, CopyMode::Two) => "two copies",
        };
        format!(
            "server {}: {mode}, update {}\ndirectories {} of {}, {} bytes at hand, lifetime {LIFETIME}\n",
            self.number,
            commit.sequence,
            self.table.directories().count(),
            commit.entries() - 1,
            self.cache.length(),
        )
    }
}

/// The mask of a request to restrict: the low byte of its offset.
fn mask(header: &Header) -> Rights {
    Rights(header.offset as u8)
}
