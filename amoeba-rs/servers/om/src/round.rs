//! A round: everything that can be reached is touched, then everything counts older.
//!
//! What lies below a directory that cannot be read was not touched, and would come nearer to its end with every such round. So if the walk
//! was not complete, nothing is counted older. An object whose server does not answer counts as such a directory if that server has shown
//! directories before; hosts that are switched off, which lie in directories too, do not stop everything from growing older.

use crate::copies::replicate;
use crate::world::{Kind, Row, World};
use alloc::collections::{BTreeMap, BTreeSet};
use alloc::vec::Vec;
use proto::capability::{Capability, Private};
use proto::capability_set::CapabilitySet;
use proto::standard::Status;

/// Objects that are touched with one request.
const AT_A_TIME: usize = 32;

/// What is to be done.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Plan {
    /// Directories where walks begin.
    pub roots: Vec<CapabilitySet>,
    /// Servers that are told to count older.
    pub aged: Vec<Capability>,
    /// File servers on each of which a file shall have a copy.
    pub replicas: Vec<Capability>,
}

/// What a round has done.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Report {
    /// Directories that were read.
    pub directories: u32,
    /// Objects that were touched.
    pub touched: u32,
    /// Copies of files that were made.
    pub copied: u32,
    /// Servers that were told to count older.
    pub aged: u32,
    /// Directories that could not be read, and why. If there are any, no server was told to count older.
    pub unread: Vec<(Vec<u8>, Status)>,
    /// Other things that went wrong: with what, and why.
    pub failures: Vec<(Vec<u8>, Status)>,
}

/// Where an object is: the bytes of its server's port, and its number.
type Place = ([u8; 6], u32);

fn place(object: &Capability) -> Place {
    (object.port.0, object.private.object())
}

/// The objects of a server that are to be touched: one of them, and the private parts of all.
type Batch = (Capability, Vec<Private>);

struct Walk<'a, W> {
    world: &'a mut W,
    plan: &'a Plan,
    seen: BTreeSet<Place>,
    batches: BTreeMap<[u8; 6], Batch>,
    /// Ports of servers that have directories.
    directory_servers: BTreeSet<[u8; 6]>,
    /// Directories that are to be read: how they were reached, and what they are.
    left: Vec<(Vec<u8>, CapabilitySet)>,
    report: Report,
}

/// Carries out a round.
pub fn round(world: &mut impl World, plan: &Plan) -> Report {
    let mut walk = Walk {
        world,
        plan,
        seen: BTreeSet::new(),
        batches: BTreeMap::new(),
        directory_servers: BTreeSet::new(),
        left: Vec::new(),
        report: Report::default(),
    };
    for root in &plan.roots {
        if walk.visit(root) {
            walk.left.push((Vec::new(), *root));
        }
    }
    while let Some((path, directory)) = walk.left.pop() {
        walk.read(&path, &directory);
    }
    walk.touch_all();
    walk.age();
    walk.report
}

impl<W: World> Walk<'_, W> {
    /// Has the members of a set touched that were not met before; whether any was not.
    fn visit(&mut self, set: &CapabilitySet) -> bool {
        let mut is_new = false;
        for member in set.members() {
            let object = member.capability;
            if object != Capability::NULL && self.seen.insert(place(&object)) {
                is_new = true;
                self.touch(&object);
            }
        }
        is_new
    }

    fn touch(&mut self, object: &Capability) {
        let batch = self.batches.entry(object.port.0);
        let (_, privates) = batch.or_insert_with(|| (*object, Vec::new()));
        privates.push(object.private);
        if privates.len() == AT_A_TIME {
            self.flush(object.port.0);
        }
    }

    fn flush(&mut self, port: [u8; 6]) {
        let Some((any, privates)) = self.batches.remove(&port) else {
            return;
        };
        match self.world.touch(&any, &privates) {
            Ok(()) => self.report.touched += privates.len() as u32,
            Err(why) => self.report.failures.push((b"touch".to_vec(), why)),
        }
    }

    fn touch_all(&mut self) {
        while let Some(port) = self.batches.keys().next().copied() {
            self.flush(port);
        }
    }

    fn read(&mut self, path: &[u8], directory: &CapabilitySet) {
        match self.world.rows(directory) {
            Ok(rows) => {
                self.report.directories += 1;
                let ports = directory.members().map(|member| member.capability.port.0);
                self.directory_servers.extend(ports);
                for row in rows {
                    self.row(path, directory, row);
                }
            }
            Err(why) => {
                let path = if path.is_empty() { b"/" } else { path };
                self.report.unread.push((path.to_vec(), why));
            }
        }
    }

    fn row(&mut self, path: &[u8], directory: &CapabilitySet, (name, set): Row) {
        if !self.visit(&set) {
            return;
        }
        let path = [path, b"/", &name].concat();
        match self.kind(&set) {
            Ok(Kind::Directory) => self.left.push((path, set)),
            Ok(Kind::File) => self.replicate(&path, directory, &name, &set),
            Ok(Kind::Other) => {}
            Err(why) if why != Status::BadCapability && self.may_be_directory(&set) => {
                self.report.unread.push((path, why));
            }
            Err(why) => self.report.failures.push((path, why)),
        }
    }

    fn may_be_directory(&self, set: &CapabilitySet) -> bool {
        let mut ports = set.members().map(|member| member.capability.port.0);
        ports.any(|port| self.directory_servers.contains(&port))
    }

    /// What the first member says that answers.
    fn kind(&mut self, set: &CapabilitySet) -> Result<Kind, Status> {
        let mut last = Status::BadCapability;
        for member in set.members() {
            match self.world.kind(&member.capability) {
                Ok(kind) => return Ok(kind),
                Err(Status::BadCapability) => {}
                Err(why) => last = why,
            }
        }
        Err(last)
    }

    fn replicate(&mut self, path: &[u8], directory: &CapabilitySet, name: &[u8], set: &CapabilitySet) {
        let made = replicate(self.world, &self.plan.replicas, (directory, name), set);
        match made {
            Ok(copied) => self.report.copied += copied,
            Err(why) => self.report.failures.push((path.to_vec(), why)),
        }
    }

    fn age(&mut self) {
        if !self.report.unread.is_empty() {
            return;
        }
        for server in &self.plan.aged {
            match self.world.age(server) {
                Ok(()) => self.report.aged += 1,
                Err(why) => self.report.failures.push((b"age".to_vec(), why)),
            }
        }
    }
}
