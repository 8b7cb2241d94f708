//! The server: requests of clients and of the other server, updates, and recovery.
//!
//! The engine never waits for the other server, nor for servers of objects that lie in directories. A request ends in an
//! [`Outcome`]; where others must be asked, the caller does so while the engine can be used, and comes back with the answer.
//! At most one update is under way.
//!
//! A tour: `commands` finds out what a request wants; `lookup` reads directories; `change` is what updates make of them; `update` carries
//! updates out with the other server; `peer` answers that server; `recovery` is how a server comes to serve; `upkeep` is done
//! now and then.

mod change;
mod commands;
pub mod lookup;
mod peer;
pub mod recovery;
mod update;
pub mod upkeep;

use crate::cache::{Cache, Contents};
use crate::directory::Directory;
use crate::message::Message;
use crate::sealed::{self, Seal};
use crate::table::{Table, Unusable};
use crate::world::World;
use alloc::collections::{BTreeMap, BTreeSet};
use alloc::vec::Vec;
pub use commands::is_update;
use lookup::Answer;
use proto::capability::{Capability, Port, Private, Rights};
use proto::one_way::one_way;
use proto::soap::peer::Activity;
use proto::soap::super_file::CopyMode;
use proto::soap::{Failure, LIFETIME, Status as Own};
use proto::standard::Status;
use recovery::Phase;
use update::Pending;

/// The other server did not answer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Unreachable;

/// What comes of a request.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Outcome {
    /// The reply.
    Reply(Message),
    /// What was found; [`Answer::reply`] makes the reply of it, and may have to ask servers of objects.
    Found(Answer),
    /// The other server must be asked; [`Engine::answered`] takes its answer.
    Ask(Message),
    /// The other server must be asked this, but not at once: it is busy with an update of its own.
    AskLater(Message),
}

/// A directory that a client's capability has opened.
enum Opened<'a> {
    AtHand(&'a Directory),
    Decrypted(Directory),
}

impl core::ops::Deref for Opened<'_> {
    type Target = Directory;

    fn deref(&self) -> &Directory {
        match self {
            Opened::AtHand(directory) => directory,
            Opened::Decrypted(directory) => directory,
        }
    }
}

impl Opened<'_> {
    fn into_owned(self) -> Directory {
        match self {
            Opened::AtHand(directory) => directory.clone(),
            Opened::Decrypted(directory) => directory,
        }
    }
}

/// The server.
#[derive(Debug)]
pub struct Engine<W> {
    world: W,
    number: usize,
    /// Put-port of the service.
    port: Port,
    table: Table,
    phase: Phase,
    cache: Cache,
    /// What is left of the life of directories that were not used since they were counted older.
    lives: BTreeMap<u32, u8>,
    pending: Option<Pending>,
    /// Files that no directory needs any more.
    retired: Vec<Capability>,
    /// Copies that their store has lost: directory and store.
    lost: BTreeSet<(u32, usize)>,
    /// Directories that the other server has changed, and that are not at hand yet.
    fetched: Vec<u32>,
    errands: upkeep::Errands,
}

impl<W: World> Engine<W> {
    /// Server `number`, 0 or 1, from its super file. It serves at once if it was the only one that kept directories;
    /// otherwise it must hear from the other one first ([`Engine::recovery_question`]).
    ///
    /// # Errors
    /// Why the super file cannot be used.
    ///
    /// # Panics
    /// If `number` is neither 0 nor 1.
    pub fn start(mut world: W, number: usize) -> Result<Engine<W>, Unusable> {
        assert!(number < 2, "there are two servers");
        let table = Table::read(&mut world)?;
        let serves = table.commit().mode == CopyMode::One && table.commit().sequence != 0;
        Ok(Engine {
            world,
            number,
            port: one_way(table.commit().public.port),
            table,
            phase: if serves { Phase::Serving } else { Phase::Ask },
            cache: Cache::default(),
            lives: BTreeMap::new(),
            pending: None,
            retired: Vec::new(),
            lost: BTreeSet::new(),
            fetched: Vec::new(),
            errands: upkeep::Errands::default(),
        })
    }

    /// The get-port on which clients are served.
    pub fn public_port(&self) -> Port {
        self.table.commit().public.port
    }

    /// The get-port on which the other server is answered.
    pub fn private_port(&self) -> Port {
        self.table.commit().private[self.number].port
    }

    /// The server's own capability, with all rights.
    pub fn public_capability(&self) -> Capability {
        Capability {
            port: self.port,
            private: self.table.commit().public.private,
        }
    }

    /// The world that the server works in.
    pub fn world(&mut self) -> &mut W {
        &mut self.world
    }

    /// The super file.
    pub fn table(&self) -> &Table {
        &self.table
    }

    /// Whether requests of clients are served.
    pub fn activity(&self) -> Activity {
        match self.phase {
            Phase::Serving => Activity::Serving,
            _ => Activity::Recovering,
        }
    }

    /// Whether an update is under way.
    pub fn is_busy(&self) -> bool {
        self.pending.is_some()
    }

    /// Whether there is another server to ask.
    fn has_peer(&self) -> bool {
        self.table.commit().private[1 - self.number] != Capability::NULL
    }

    /// The disk of the super file has failed: what is on it is not known, so the server stops.
    fn fail(&mut self) -> Failure {
        self.phase = Phase::Failed;
        self.pending = None;
        Own::Unavailable.into()
    }

    /// The rights that a capability of the server itself proves.
    ///
    /// # Errors
    /// [`Status::BadCapability`] for a forgery.
    fn super_rights(&self, private: &Private) -> Result<Rights, Failure> {
        let public = &self.table.commit().public.private;
        if private.object() != public.object() {
            return Err(Status::BadCapability.into());
        }
        private
            .proven_rights(public.check)
            .ok_or(Status::BadCapability.into())
    }

    /// The bytes of a directory's file: from the store of this server's number, or else from the other one.
    fn read_file(&mut self, object: u32) -> Result<Vec<u8>, Failure> {
        let pair = self.table.pair(object).ok_or(Status::BadCapability)?;
        for store in [self.number, 1 - self.number] {
            let file = pair.0[store];
            if file == Capability::NULL || self.lost.contains(&(object, store)) {
                continue;
            }
            match self.world.read(&file) {
                Ok(bytes) => return Ok(bytes),
                Err(Status::BadCapability | Status::NotFound) => drop(self.lost.insert((object, store))),
                Err(_) => {}
            }
        }
        Err(Own::Unavailable.into())
    }

    /// Reads a directory's file, unless the directory is at hand.
    fn have_at_hand(&mut self, object: u32) -> Result<(), Failure> {
        if self.cache.get(object).is_none() {
            let bytes = self.read_file(object)?;
            let contents = if sealed::is_sealed(&bytes) {
                Contents::Sealed(bytes)
            } else {
                Contents::Plain(Directory::parse(&bytes).map_err(|_| Status::SystemError)?)
            };
            self.cache.put(object, contents);
        }
        Ok(())
    }

    /// What a directory's file holds, though no store can be read any more: if it is at hand.
    fn file_at_hand(&mut self, object: u32) -> Option<Vec<u8>> {
        match self.cache.get(object)? {
            Contents::Plain(directory) => directory.emit().ok(),
            Contents::Sealed(file) => Some(file.clone()),
        }
    }

    /// Opens a directory with a capability: the directory, the rights that were proven, and the seal of an encrypted one.
    ///
    /// # Errors
    /// [`Status::BadCapability`] for a forgery; [`Own::Unavailable`] if no store has its file.
    fn open(&mut self, private: &Private) -> Result<(Opened<'_>, Rights, Option<Seal>), Failure> {
        let object = private.object();
        self.have_at_hand(object)?;
        let (opened, seal) = match self.cache.get(object) {
            Some(Contents::Plain(directory)) => (Opened::AtHand(directory), None),
            Some(Contents::Sealed(file)) => {
                let (directory, seal) = Seal::open(file, private)?;
                (Opened::Decrypted(directory), Some(seal))
            }
            None => return Err(Status::SystemError.into()),
        };
        let rights = private.proven_rights(opened.check).ok_or(Status::BadCapability)?;
        self.lives.insert(object, LIFETIME);
        Ok((opened, rights, seal))
    }
}
