//! Answers to the other server.

use super::{Engine, Failure, Message, Own, Phase, Rights, Status, World};
use crate::message::written;
use alloc::vec::Vec;
use proto::marshal::Reader;
use proto::message::Header;
use proto::soap::LIFETIME;
use proto::soap::peer::{Activity, Command, Condition, Copied, Proposal};
use proto::soap::super_file::{CopyMode, Pair};

impl<W: World> Engine<W> {
    /// A request of the other server.
    pub fn peer_request(&mut self, header: &Header, data: &[u8]) -> Message {
        let mut reply = match self.answer_peer(header, data) {
            Ok(data) => Message::data(data),
            Err(failure) => Message::status(Err(failure)),
        };
        self.condition().emit(&mut reply.header);
        reply
    }

    fn condition(&self) -> Condition {
        Condition {
            sequence: self.table.commit().sequence,
            activity: self.activity(),
            mode: self.table.commit().mode,
        }
    }

    fn answer_peer(&mut self, header: &Header, data: &[u8]) -> Result<Vec<u8>, Failure> {
        let private = Message::private(header)?;
        let own = &self.table.commit().private[self.number].private;
        if private.object() != own.object() || private.proven_rights(own.check) != Some(Rights::ALL) {
            return Err(Status::BadCapability.into());
        }
        let command = Command::from_code(header.command).ok_or(Status::BadCommand)?;
        match command {
            Command::Sequence | Command::Tick => Ok(Vec::new()),
            Command::Intentions => self.intended(data).map(|()| Vec::new()),
            Command::Copy => self.copy(header),
            Command::Copied => self.copied(header.offset.cast_unsigned()).map(|()| Vec::new()),
            Command::NewStore => self.new_store(header, data).map(|()| Vec::new()),
            Command::Age => {
                self.count_older();
                Ok(Vec::new())
            }
            Command::Expire => self.lives_of(data),
            Command::ShutDown => {
                // An update that is under way finds out by itself.
                if self.activity() == Activity::Serving && self.pending.is_none() {
                    let written = self.table.set_mode(&mut self.world, CopyMode::One);
                    written.map_err(|_| self.fail())?;
                }
                Ok(Vec::new())
            }
        }
    }

    /// What the other server intends.
    fn intended(&mut self, data: &[u8]) -> Result<(), Failure> {
        let mut reader = Reader::new(data);
        let proposal = Proposal::parse(&mut reader).map_err(|_| Status::BadArgument)?;
        let list = proposal.intentions.as_slice();
        let entries = self.table.commit().entries();
        if !list
            .iter()
            .all(|intention| (1..entries).contains(&intention.object))
        {
            return Err(Status::BadArgument.into());
        }
        let commit = self.table.commit();
        let (sequence, mode) = (commit.sequence, commit.mode);
        let is_next = proposal.sequence == sequence + 1;
        match self.phase {
            Phase::Serving if mode == CopyMode::One => return Err(Own::Clash.into()),
            Phase::Serving => {}
            // The other server's answer that this one may serve is on its way.
            Phase::Tell if is_next => {}
            _ => return Err(Status::NotNow.into()),
        }
        if proposal.sequence == sequence && proposal.intentions == *self.table.intentions() {
            return Ok(());
        }
        let gives_way = self.number == 1;
        match &mut self.pending {
            Some(pending) if is_next && gives_way => pending.is_overtaken = true,
            Some(_) => return Err(Status::NotNow.into()),
            None if is_next => {}
            None => return Err(Own::Clash.into()),
        }
        // The files that it replaces are the other server's to remove, when the update has happened there.
        let retired = core::mem::take(&mut self.retired);
        self.write(&proposal, CopyMode::Two)?;
        self.retired = retired;
        self.phase = Phase::Serving;
        // Their files are perhaps on the other server's machine alone, which may fail before there are copies.
        let list = proposal.intentions.as_slice().iter();
        let changed = list.filter(|intention| intention.pair != Pair::NULL);
        self.fetched = changed.map(|intention| intention.object).collect();
        Ok(())
    }

    fn copy(&mut self, header: &Header) -> Result<Vec<u8>, Failure> {
        if self.activity() != Activity::Serving {
            return Err(Status::NotNow.into());
        }
        let since = header.offset.cast_unsigned();
        let (blocks, next) = self.table.changed_since(since, header.extra, Copied::MOST);
        let commit = self.table.commit();
        let copied = Copied {
            directory_sequence: commit.directory_sequence,
            blocks: commit.blocks,
            next,
            count: blocks.len() as u16,
        };
        written(|writer| {
            copied.emit(writer)?;
            blocks.iter().try_for_each(|(number, block)| {
                writer.u16(*number)?;
                writer.bytes(block)
            })
        })
    }

    /// The other server has all updates up to this one.
    fn copied(&mut self, sequence: u32) -> Result<(), Failure> {
        if self.activity() != Activity::Serving || self.pending.is_some() {
            return Err(Status::NotNow.into());
        }
        if sequence != self.table.commit().sequence {
            return Err(Own::Clash.into());
        }
        let written = self.table.set_mode(&mut self.world, CopyMode::Two);
        written.map_err(|_| self.fail())?;
        Ok(())
    }

    /// What is left of the lives of these directories.
    fn lives_of(&mut self, data: &[u8]) -> Result<Vec<u8>, Failure> {
        if self.activity() != Activity::Serving {
            return Err(Status::NotNow.into());
        }
        let mut reader = Reader::new(data);
        let mut lives = Vec::new();
        while !reader.rest().is_empty() {
            let object = reader.object().map_err(|_| Status::BadArgument)?;
            lives.push(self.lives.get(&object).copied().unwrap_or(LIFETIME));
        }
        Ok(lives)
    }
}
