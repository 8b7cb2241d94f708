//! New super files: the directories that there are to be at the beginning are written as files, and the super files lead to
//! them.

use crate::directory::{Directory, Row};
use crate::world::{Disk, Files};
use alloc::vec;
use alloc::vec::Vec;
use proto::capability::{Capability, Port, Private, Rights};
use proto::capability_set::CapabilitySet;
use proto::one_way::one_way;
use proto::soap::super_file::{BLOCK_ENTRIES, Commit, CopyMode, Intentions, MOST_BLOCKS, Pair, emit_pairs};
use proto::soap::{Failure, Masks};
use proto::standard::Status;

/// Who the servers are. All ports are get-ports.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Identity {
    /// The port on which clients are served.
    pub public: Port,
    /// The number that protects the server's own capability.
    pub check: Port,
    /// For each server the port on which its partner reaches it, and the number that protects it; the second is `None` if there is
    /// one server alone.
    pub private: [Option<(Port, Port)>; 2],
}

/// What a row leads to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Target {
    /// A directory that is made as well, by its place in the list.
    Directory(usize),
    /// An object.
    Object(CapabilitySet),
}

/// A row of a new directory.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NewRow {
    /// Its name.
    pub name: Vec<u8>,
    /// What it leads to.
    pub target: Target,
    /// A mask for each column.
    pub masks: Masks,
}

/// A new directory.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NewDirectory {
    /// Names of its columns.
    pub columns: Vec<Vec<u8>>,
    /// Its rows.
    pub rows: Vec<NewRow>,
}

/// What was made.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Made {
    /// The server's own capability, with all rights.
    pub server: Capability,
    /// The directories' capabilities, with all rights, in the order of the list. The first is directory 1: the root.
    pub directories: Vec<Capability>,
    commit: Commit,
    pairs: Vec<Pair>,
}

/// Makes directories, each as a file on as many stores as there are. Super files of so many blocks will lead to them.
///
/// # Errors
/// [`Status::BadArgument`] for an impossible name, or a row that leads to a directory which is not in the list;
/// [`Status::Exists`] for two rows of one name; [`Status::NoSpace`] for more directories than find room, or one that is too large;
/// and what the stores say.
pub fn make(
    identity: &Identity,
    blocks: u16,
    directories: &[NewDirectory],
    (files, stores): (&mut impl Files, usize),
    time: u32,
    mut random: impl FnMut() -> Port,
) -> Result<Made, Failure> {
    let commit = Commit {
        directory_sequence: directories.len() as u64,
        private: identity.private.map(private_capability),
        public: Capability {
            port: identity.public,
            private: Private::owner(0, identity.check),
        },
        sequence: 1,
        mode: if identity.private[1].is_some() {
            CopyMode::Two
        } else {
            CopyMode::One
        },
        blocks,
    };
    if !(2..=MOST_BLOCKS).contains(&blocks) || directories.len() as u32 >= commit.entries() {
        return Err(Status::NoSpace.into());
    }
    let port = one_way(identity.public);
    let numbered = (1..).zip(directories);
    let capabilities: Vec<Capability> = numbered
        .map(|(object, _)| Capability {
            port,
            private: Private::owner(object, random()),
        })
        .collect();
    let mut pairs = vec![Pair::NULL; commit.entries() as usize];
    for (place, description) in directories.iter().enumerate() {
        let mut directory = describe(
            description,
            capabilities[place].private.check,
            &capabilities,
            time,
        )?;
        directory.sequence = place as u64 + 1;
        let bytes = directory.emit()?;
        for store in 0..stores.min(2) {
            pairs[place + 1].0[store] = files.create(store, &bytes)?;
        }
    }
    Ok(Made {
        server: Capability {
            port,
            private: commit.public.private,
        },
        directories: capabilities,
        commit,
        pairs,
    })
}

fn private_capability(private: Option<(Port, Port)>) -> Capability {
    private.map_or(Capability::NULL, |(port, check)| Capability {
        port,
        private: Private::owner(0, check),
    })
}

fn describe(
    description: &NewDirectory,
    check: Port,
    capabilities: &[Capability],
    time: u32,
) -> Result<Directory, Failure> {
    let mut directory = Directory::new(check, description.columns.clone())?;
    for row in &description.rows {
        let set = match &row.target {
            Target::Object(set) => *set,
            Target::Directory(place) => {
                CapabilitySet::single(*capabilities.get(*place).ok_or(Status::BadArgument)?)
            }
        };
        let row = Row {
            name: row.name.clone(),
            kind: Capability::NULL,
            time,
            set,
            masks: row.masks,
        };
        directory.append(row, Rights::ALL)?;
    }
    Ok(directory)
}

impl Made {
    /// Writes a super file; each server is given one.
    ///
    /// # Errors
    /// What the disk says.
    pub fn write(&self, disk: &mut impl Disk) -> Result<(), Status> {
        for (number, pairs) in (1..).zip(self.pairs.chunks(BLOCK_ENTRIES as usize)) {
            disk.write_block(number, &emit_pairs(pairs))?;
        }
        disk.write_block(0, &self.commit.emit(&Intentions::NONE))
    }
}
