//! Servers of objects: those with even ports keep directories, the others files. Every object has lives.

use crate::world::{Kind, Row, World};
use proto::capability::{Capability, Port, Private};
use proto::capability_set::{CapabilitySet, Member};
use proto::standard::Status;
use std::collections::{BTreeMap, BTreeSet};
use std::string::String;
use std::vec::Vec;

/// How many times an object may grow older.
pub(super) const LIVES: u32 = 24;

/// An object: the number of its server and its own.
pub(super) type Id = (u8, u32);

#[derive(Default)]
pub(super) struct Servers {
    /// Directories: names and what they stand for.
    pub(super) directories: BTreeMap<Id, BTreeMap<String, Vec<Id>>>,
    /// Files: what is in them.
    pub(super) files: BTreeMap<Id, u32>,
    /// Lives of objects.
    pub(super) lives: BTreeMap<Id, u32>,
    /// Servers that do not answer.
    pub(super) off: BTreeSet<u8>,
    /// How often each object was touched.
    pub(super) touches: BTreeMap<Id, u32>,
    /// Somebody changes the row of this name before it is replaced.
    pub(super) changed: Option<&'static str>,
    next: u32,
}

pub(super) fn capability((server, object): Id) -> Capability {
    Capability {
        port: Port([server; 6]),
        private: Private::owner(object, Port([9; 6])),
    }
}

fn id(capability: &Capability) -> Id {
    (capability.port.0[0], capability.private.object())
}

pub(super) fn set(ids: &[Id]) -> CapabilitySet {
    let mut set = CapabilitySet::default();
    set.wanted = ids.len() as u16;
    for id in ids {
        set.add(Member {
            capability: capability(*id),
            is_current: true,
        })
        .unwrap();
    }
    set
}

impl Servers {
    pub(super) fn directory(&mut self, id: Id, rows: &[(&str, &[Id])]) {
        let rows = rows.iter().map(|(name, ids)| (String::from(*name), ids.to_vec()));
        self.directories.insert(id, rows.collect());
        self.lives.insert(id, LIVES);
    }

    pub(super) fn file(&mut self, id: Id, contents: u32) {
        self.files.insert(id, contents);
        self.lives.insert(id, LIVES);
    }

    pub(super) fn row(&self, directory: Id, name: &str) -> Vec<Id> {
        self.directories[&directory][name].clone()
    }

    /// The first member that is there, and whose server answers.
    fn reach(&self, set: &CapabilitySet) -> Result<Id, Status> {
        let mut members = set.members().map(|member| id(&member.capability));
        let up = members.find(|(server, _)| !self.off.contains(server));
        let id = up.ok_or(Status::RpcNotFound)?;
        if self.lives.contains_key(&id) {
            Ok(id)
        } else {
            Err(Status::BadCapability)
        }
    }

    fn answers(&self, object: &Capability) -> Result<(), Status> {
        let is_off = self.off.contains(&id(object).0);
        if is_off { Err(Status::RpcNotFound) } else { Ok(()) }
    }
}

impl World for Servers {
    fn rows(&mut self, directory: &CapabilitySet) -> Result<Vec<Row>, Status> {
        let id = self.reach(directory)?;
        let rows = self.directories.get(&id).ok_or(Status::BadCommand)?;
        let row = |(name, ids): (&String, &Vec<Id>)| (name.clone().into_bytes(), set(ids));
        Ok(rows.iter().map(row).collect())
    }

    fn kind(&mut self, object: &Capability) -> Result<Kind, Status> {
        let id = self.reach(&CapabilitySet::single(*object))?;
        Ok(
            match (self.directories.contains_key(&id), self.files.contains_key(&id)) {
                (true, _) => Kind::Directory,
                (_, true) => Kind::File,
                _ => Kind::Other,
            },
        )
    }

    fn touch(&mut self, any: &Capability, objects: &[Private]) -> Result<(), Status> {
        self.answers(any)?;
        for object in objects {
            let id = (any.port.0[0], object.object());
            *self.touches.entry(id).or_default() += 1;
            self.lives.entry(id).and_modify(|lives| *lives = LIVES);
        }
        Ok(())
    }

    fn age(&mut self, server: &Capability) -> Result<(), Status> {
        self.answers(server)?;
        let server = server.port.0[0];
        for (id, lives) in &mut self.lives {
            *lives -= u32::from(id.0 == server);
        }
        self.lives.retain(|_, lives| *lives > 0);
        let lives = &self.lives;
        self.files.retain(|id, _| lives.contains_key(id));
        self.directories.retain(|id, _| lives.contains_key(id));
        Ok(())
    }

    fn copy(&mut self, server: &Capability, file: &Capability) -> Result<Capability, Status> {
        self.answers(server)?;
        self.answers(file)?;
        let contents = *self.files.get(&id(file)).ok_or(Status::BadCapability)?;
        self.next += 1;
        let copy = (server.port.0[0], 1000 + self.next);
        self.file(copy, contents);
        Ok(capability(copy))
    }

    fn destroy(&mut self, file: &Capability) {
        self.files.remove(&id(file));
        self.lives.remove(&id(file));
    }

    fn install(
        &mut self,
        directory: &CapabilitySet,
        name: &[u8],
        set: &CapabilitySet,
        old: &Capability,
    ) -> Result<(), Status> {
        let directory = self.reach(directory)?;
        let name = String::from_utf8(name.to_vec()).unwrap();
        let row = self
            .directories
            .get_mut(&directory)
            .and_then(|rows| rows.get_mut(&name));
        let row = row.ok_or(Status::NotFound)?;
        if self.changed == Some(&*name) || !row.contains(&id(old)) {
            return Err(Status::NotNow);
        }
        *row = set.members().map(|member| id(&member.capability)).collect();
        Ok(())
    }
}
