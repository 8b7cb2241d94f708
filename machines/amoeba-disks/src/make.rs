//! Makes the disks of a description.
//!
//! `division` says which part of a disk is what, `contents` fills the name space, `servers` is what the directory server's library writes to.

mod contents;
mod division;
mod servers;

use std::borrow::Cow;
use std::collections::BTreeMap;
use std::io;

use proto::bullet::disk::Superblock;
use proto::capability::{Capability, Port};
use proto::capability_set::{CapabilitySet, Member};
use proto::one_way::one_way;
use soap::make::{Identity, Made as MadeSoap};
use thiserror::Error;

use self::division::{Parts, divide};
use self::servers::{Blocks, DirectoryFiles};
use crate::description::{Boot, Bullet, Description};
use crate::drawn::Drawn;
use crate::names::{Found, NameError, Names};
use crate::store::NewStore;
use crate::{SECTOR, boot, layout};

/// Where contents of files come from. Paths are as they stand in the description.
pub trait Sources {
    /// A program that needs no file.
    fn builtin(&self, name: &str) -> Option<Cow<'_, [u8]>>;

    /// All of those, in a fixed order.
    fn builtins(&self) -> Vec<String>;

    /// A file.
    ///
    /// # Errors
    /// What the host says.
    fn read(&self, path: &str) -> io::Result<Vec<u8>>;

    /// The names of a folder's files, in order.
    ///
    /// # Errors
    /// What the host says.
    fn list(&self, folder: &str) -> io::Result<Vec<String>>;
}

/// Why disks cannot be made.
#[derive(Debug, Error)]
pub enum MakeError {
    /// The host cannot read a file.
    #[error("cannot read {path}: {error}")]
    Unreadable {
        /// The file.
        path: String,
        /// Why.
        error: io::Error,
    },
    /// What the description wants cannot be.
    #[error("{0}")]
    Impossible(String),
    /// Something has no room on a disk.
    #[error("disk `{disk}` has no room for {what}")]
    NoRoom {
        /// The disk.
        disk: String,
        /// What finds none.
        what: String,
    },
}

impl From<NameError> for MakeError {
    fn from(error: NameError) -> Self {
        Self::Impossible(error.to_string())
    }
}

fn impossible(text: impl Into<String>) -> MakeError {
    MakeError::Impossible(text.into())
}

/// What was made, for those who use it without looking names up.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Made {
    /// The root directory, with all rights.
    pub root: Option<Capability>,
    /// The file servers, with all rights, by the number of their store.
    pub stores: Vec<Capability>,
    /// How many directories there are.
    pub directories: usize,
    /// How many files there are in each store, without directories.
    pub files: usize,
}

/// Makes all disks of a description in memory: the bytes of each, by its name.
///
/// # Errors
/// As [`make`].
pub fn make_in_memory(
    description: &Description,
    sources: &impl Sources,
) -> Result<(Made, BTreeMap<String, Vec<u8>>), MakeError> {
    let disks = description.disk.iter();
    let mut images: BTreeMap<String, Vec<u8>> = disks
        .map(|(name, disk)| (name.clone(), vec![0; disk.bytes() as usize]))
        .collect();
    let borrowed = images
        .iter_mut()
        .map(|(name, image)| (name.as_str(), image.as_mut_slice()));
    let made = make(description, sources, borrowed.collect())?;
    Ok((made, images))
}

/// Makes all disks of a description: `images` has one for each, by its name, with as many zeros as
/// [`Description::bytes`] says.
///
/// # Errors
/// What is wrong with the description, or cannot be read, or has no room.
///
/// # Panics
/// If an image is missing or has another length.
pub fn make(
    description: &Description,
    sources: &impl Sources,
    mut images: BTreeMap<&str, &mut [u8]>,
) -> Result<Made, MakeError> {
    let drawn = Drawn::new(description.seed);
    let mut maker = Maker {
        description,
        sources,
        stores: Stores::default(),
        drawn,
        names: Names::standard(),
        own: BTreeMap::new(),
        files: 0,
    };
    let mut pieces = Vec::new();
    for (name, disk) in &description.disk {
        let image = images.remove(name.as_str()).expect("an image of each disk");
        assert_eq!(image.len() as u64, disk.bytes(), "an image of the disk's size");
        let programs = maker.programs(name, disk.boot.as_ref())?;
        let disks = divide(name, disk, &programs, drawn)?;
        layout::write(disk, &disks.all(), image)
            .map_err(|why| impossible(format!("disk `{name}`: {why}")))?;
        pieces.push((name, disk, programs, Parts::of(image, &disks)));
    }
    for (name, disk, _, parts) in &mut pieces {
        if let (Some(bullet), Some(bytes)) = (&disk.bullet, parts.bullet.take()) {
            maker.add_store(name, bullet, bytes)?;
        }
    }
    maker.stores.check()?;
    maker.name()?;
    let made = maker.directories()?;
    for (name, disk, programs, parts) in &mut pieces {
        if let (Some(_), Some(bytes), Some((made, _))) = (&disk.soap, &mut parts.soap, &made) {
            made.write(&mut Blocks(bytes))
                .map_err(|status| impossible(format!("disk `{name}`: {status}")))?;
        }
        if let (Some(boot), Some(bytes)) = (&disk.boot, &mut parts.boot) {
            let own = disk.bullet.as_ref().map(|bullet| bullet.store);
            maker.boot((boot, own), bytes, made.as_ref(), programs)?;
        }
    }
    Ok(Made {
        root: made.as_ref().map(|(made, _)| made.directories[0]),
        stores: maker
            .stores
            .list
            .iter()
            .flatten()
            .map(|(_, store)| store.server())
            .collect(),
        directories: maker.names.directories.len(),
        files: maker.files,
    })
}

/// The file servers, with the names of their disks.
#[derive(Default)]
struct Stores<'a> {
    list: [Option<(String, NewStore<'a>)>; 2],
}

impl Stores<'_> {
    fn check(&self) -> Result<(), MakeError> {
        if self.list[0].is_none() && self.list[1].is_some() {
            return Err(impossible("there is a store 1 of files, but no store 0"));
        }
        Ok(())
    }

    fn count(&self) -> usize {
        self.list.iter().flatten().count()
    }
}

struct Maker<'a, S> {
    description: &'a Description,
    sources: &'a S,
    stores: Stores<'a>,
    drawn: Drawn,
    names: Names,
    /// Servers whose ports are drawn, by their path: their own capabilities.
    own: BTreeMap<String, Capability>,
    files: usize,
}

impl<'a, S: Sources> Maker<'a, S> {
    fn add_store(&mut self, disk: &str, bullet: &Bullet, bytes: &'a mut [u8]) -> Result<(), MakeError> {
        let sectors = (bytes.len() / SECTOR) as u64;
        let shift = bullet.block.trailing_zeros();
        let geometry = Some(bullet.block)
            .filter(|block| block.is_power_of_two())
            .and_then(|_| bullet::make::layout(sectors, shift, bullet.inodes).ok());
        let geometry = geometry.ok_or_else(|| {
            let (block, inodes) = (bullet.block, bullet.inodes);
            let inodes = inodes.map_or(String::new(), |inodes| format!(" and {inodes} inodes"));
            impossible(format!(
                "disk `{disk}`: {sectors} sectors cannot be a file system with blocks of {block} bytes{inodes}"
            ))
        })?;
        let superblock = Superblock {
            geometry,
            capability: self.drawn.server(&format!("bullet {}", bullet.store)),
        };
        let place = self.stores.list.get_mut(bullet.store);
        let place = place.ok_or_else(|| impossible(format!("disk `{disk}`: stores are 0 and 1")))?;
        if let Some((other, _)) = place {
            return Err(impossible(format!(
                "disks `{other}` and `{disk}` are both store {}",
                bullet.store
            )));
        }
        let store = NewStore::make(bytes, superblock)
            .map_err(|error| impossible(format!("disk `{disk}`: {error}")))?;
        *place = Some((disk.to_owned(), store));
        Ok(())
    }

    /// Puts a file into all stores.
    fn store(&mut self, name: &str, contents: &[u8]) -> Result<CapabilitySet, MakeError> {
        let mut set = CapabilitySet::default();
        for (number, entry) in (0_usize..).zip(&mut self.stores.list) {
            let Some((disk, store)) = entry else { continue };
            let random = self.drawn.port(&format!("check of {name} in store {number}"));
            let capability = store.create(contents, random).map_err(|_| MakeError::NoRoom {
                disk: disk.clone(),
                what: name.to_owned(),
            })?;
            set.wanted += 1;
            set.add(Member {
                capability,
                is_current: true,
            })
            .expect("there are fewer stores than members of a set");
        }
        if set.wanted == 0 {
            return Err(impossible(format!("no disk has a file system for {name}")));
        }
        self.files += 1;
        Ok(set)
    }

    fn identity(&self) -> Identity {
        let public = self.drawn.server("soap");
        let numbers = [0, 1].map(|number| {
            let is_there = self
                .description
                .disk
                .values()
                .any(|disk| disk.soap.as_ref().is_some_and(|soap| soap.number == number));
            let private = self.drawn.server(&format!("soap {number}"));
            is_there.then_some((private.port, private.private.check))
        });
        Identity {
            public: public.port,
            check: public.private.check,
            private: numbers,
        }
    }

    fn boot_server(&self) -> Capability {
        self.drawn.server("boot")
    }

    /// Makes the directories' files, if there is a directory server: the super files, and the directories' capabilities.
    fn directories(&mut self) -> Result<Option<(MadeSoap, Vec<Capability>)>, MakeError> {
        let soaps: Vec<_> = self
            .description
            .disk
            .values()
            .filter_map(|disk| disk.soap.as_ref())
            .collect();
        let Some(first) = soaps.first() else {
            return Ok(None);
        };
        let numbers: Vec<usize> = soaps.iter().map(|soap| soap.number).collect();
        if !matches!(numbers[..], [0] | [0, 1] | [1, 0]) {
            return Err(impossible("directory servers are number 0, or numbers 0 and 1"));
        }
        if soaps.iter().any(|soap| soap.blocks != first.blocks) {
            return Err(impossible(
                "the super files of two directory servers have the same number of blocks",
            ));
        }
        let stores = self.stores.count();
        if stores == 0 {
            return Err(impossible("a directory server needs a file system"));
        }
        let (identity, drawn) = (self.identity(), self.drawn);
        let mut number = 0;
        let random = || {
            number += 1;
            drawn.port(&format!("check of directory {number}"))
        };
        let mut files = DirectoryFiles {
            stores: &mut self.stores,
            drawn,
            number: 0,
        };
        let made = soap::make::make(
            &identity,
            first.blocks,
            &self.names.directories,
            (&mut files, stores),
            self.description.time,
            random,
        );
        let made = made.map_err(|failure| impossible(format!("directories cannot be made: {failure}")))?;
        let capabilities = made.directories.clone();
        Ok(Some((made, capabilities)))
    }

    /// The programs that lie on the boot server's disk, as a file.
    fn programs(&self, disk: &str, boot: Option<&Boot>) -> Result<Vec<u8>, MakeError> {
        let mut programs = Vec::new();
        for program in boot.into_iter().flat_map(|boot| &boot.programs) {
            programs.push((program.line.as_str(), self.contents(&program.from)?));
        }
        boot::programs(&programs).map_err(|why| impossible(format!("disk `{disk}`: the boot server: {why}")))
    }

    /// The boot server's disk. `own` is the store on the same disk: of files with copies its own is meant.
    fn boot(
        &self,
        (boot, own): (&Boot, Option<usize>),
        bytes: &mut [u8],
        made: Option<&(MadeSoap, Vec<Capability>)>,
        programs: &[u8],
    ) -> Result<(), MakeError> {
        let file = &boot.configuration;
        let text = self.sources.read(file).map_err(|error| MakeError::Unreadable {
            path: file.clone(),
            error,
        })?;
        let text = String::from_utf8(text).map_err(|_| impossible(format!("{file} is no text in UTF-8")))?;
        let own = own
            .and_then(|own| self.stores.list[own].as_ref())
            .map(|(_, store)| store.server().port);
        let find = |path: &str| self.find(path, own, made);
        let text = boot::substitute(&text, find).map_err(|why| impossible(format!("{file}: {why}")))?;
        let binary = match &boot.binary {
            Some(path) => find(path).ok_or_else(|| impossible(format!("`{path}` is not there")))?,
            None => Capability::NULL,
        };
        boot::write(bytes, (binary, self.boot_server()), &text, programs)
            .map_err(|bytes| impossible(format!("{file} is {bytes} bytes too long")))
    }

    /// The capability at a path, for a reference of a configuration: of several the one with the port `own`, or else the first.
    fn find(
        &self,
        path: &str,
        own: Option<Port>,
        made: Option<&(MadeSoap, Vec<Capability>)>,
    ) -> Option<Capability> {
        if let Some(server) = path.strip_prefix("get:") {
            return self.own.get(server).copied();
        }
        match self.names.find(path).ok()? {
            Found::Directory(place) => made?.1.get(place).copied(),
            Found::Object(set) => {
                let mut all = set.members().map(|member| member.capability);
                let first = set.members().next().map(|member| member.capability);
                all.find(|capability| Some(capability.port) == own).or(first)
            }
        }
    }
}

/// What clients of a server are given, by its own capability.
fn public(own: Capability) -> Capability {
    Capability {
        port: one_way(own.port),
        private: own.private,
    }
}
