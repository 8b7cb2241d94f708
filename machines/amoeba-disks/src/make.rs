//! Makes the disks of a description.

use std::borrow::Cow;
use std::collections::BTreeMap;
use std::io;

use proto::bullet::disk::Superblock;
use proto::capability::{Capability, Port, Private};
use proto::capability_set::{CapabilitySet, Member};
use proto::one_way::one_way;
use proto::process::Descriptor;
use proto::soap::super_file::BLOCK;
use proto::standard::Status;
use soap::make::{Identity, Made as MadeSoap};
use thiserror::Error;

use crate::description::{Boot, Bullet, Description, Disk, Host};
use crate::drawn::Drawn;
use crate::layout::{self, VirtualDisk};
use crate::names::{FILE, Found, NameError, Names, SERVER};
use crate::store::NewStore;
use crate::{SECTOR, boot};

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
        let disks = divide(name, disk, drawn)?;
        layout::write(disk, &disks.all(), image)
            .map_err(|why| impossible(format!("disk `{name}`: {why}")))?;
        pieces.push((name, disk, Parts::of(image, &disks)));
    }
    for (name, disk, parts) in &mut pieces {
        if let (Some(bullet), Some(bytes)) = (&disk.bullet, parts.bullet.take()) {
            maker.add_store(name, bullet, bytes)?;
        }
    }
    maker.stores.check()?;
    maker.name()?;
    let made = maker.directories()?;
    for (name, disk, parts) in &mut pieces {
        if let (Some(_), Some(bytes), Some((made, _))) = (&disk.soap, &mut parts.soap, &made) {
            made.write(&mut Blocks(bytes))
                .map_err(|status| impossible(format!("disk `{name}`: {status}")))?;
        }
        if let (Some(boot), Some(bytes)) = (&disk.boot, &mut parts.boot) {
            maker.boot(boot, bytes, made.as_ref())?;
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

/// The virtual disks of a disk.
struct Division {
    boot: Option<VirtualDisk>,
    soap: Option<VirtualDisk>,
    bullet: Option<VirtualDisk>,
}

impl Division {
    /// By their numbers.
    fn all(&self) -> Vec<VirtualDisk> {
        let mut all: Vec<VirtualDisk> = [&self.boot, &self.soap, &self.bullet]
            .into_iter()
            .flatten()
            .cloned()
            .collect();
        all.sort_by_key(|disk| disk.object);
        all
    }
}

/// Divides a disk: the label, then the boot server's part, the super file, and the files.
fn divide(name: &str, disk: &Disk, drawn: Drawn) -> Result<Division, MakeError> {
    if disk.cylinder() == 0 || disk.cylinders() == 0 {
        return Err(impossible(format!("disk `{name}` has not even one cylinder")));
    }
    let end = disk.cylinders() * disk.cylinder();
    let mut next = layout::partition(disk) + 1;
    let mut take = |object: u32, sectors: u64, what: &str| {
        if object == 0 || object > 99 {
            return Err(impossible(format!(
                "disk `{name}`: virtual disks have numbers from 1 to 99"
            )));
        }
        let start = next;
        next = start
            .checked_add(sectors)
            .filter(|next| sectors > 0 && *next <= end)
            .ok_or_else(|| MakeError::NoRoom {
                disk: name.to_owned(),
                what: what.to_owned(),
            })?;
        Ok(VirtualDisk {
            object,
            check: drawn.port(&format!("check of vdisk {object} of {name}")),
            sectors: start..next,
        })
    };
    let boot = disk
        .boot
        .as_ref()
        .map(|boot| take(boot.vdisk, boot::SECTORS, "the boot server"));
    let boot = boot.transpose()?;
    let soap = disk
        .soap
        .as_ref()
        .map(|soap| take(soap.vdisk, soap.blocks.into(), "the super file"));
    let soap = soap.transpose()?;
    let used = [&boot, &soap]
        .into_iter()
        .flatten()
        .map(|disk| disk.sectors.end)
        .max();
    let left = end.saturating_sub(used.unwrap_or(layout::partition(disk) + 1));
    let bullet = disk.bullet.as_ref().map(|bullet| {
        let sectors = bullet.size.map_or(left, |bytes| bytes / SECTOR as u64);
        take(bullet.vdisk, sectors, "the file system")
    });
    let division = Division {
        boot,
        soap,
        bullet: bullet.transpose()?,
    };
    let all = division.all();
    if all.windows(2).any(|pair| pair[0].object == pair[1].object) {
        return Err(impossible(format!(
            "disk `{name}`: two virtual disks have the same number"
        )));
    }
    Ok(division)
}

/// The bytes of a disk's virtual disks.
struct Parts<'a> {
    boot: Option<&'a mut [u8]>,
    soap: Option<&'a mut [u8]>,
    bullet: Option<&'a mut [u8]>,
}

impl<'a> Parts<'a> {
    /// They lie one behind the other, in this order.
    fn of(image: &'a mut [u8], division: &Division) -> Self {
        let (mut rest, mut start) = (image, 0);
        let mut cut = |disk: &Option<VirtualDisk>| {
            let place = disk.as_ref()?.bytes();
            let (_, behind) = std::mem::take(&mut rest).split_at_mut(place.start - start);
            let (part, behind) = behind.split_at_mut(place.len());
            (rest, start) = (behind, place.end);
            Some(part)
        };
        Self {
            boot: cut(&division.boot),
            soap: cut(&division.soap),
            bullet: cut(&division.bullet),
        }
    }
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

    /// The whole name space.
    fn name(&mut self) -> Result<(), MakeError> {
        let description = self.description;
        for (number, entry) in (0..).zip(&self.stores.list) {
            let Some((_, store)) = entry else { continue };
            let server = CapabilitySet::single(store.server());
            if number == 0 {
                self.names.enter("/super/cap/bulletsvr/default", server, SERVER)?;
            }
            self.names
                .enter(&format!("/super/cap/bulletsvr/bullet{number}"), server, SERVER)?;
        }
        for directory in &description.directory {
            self.names.directory(&directory.name)?;
        }
        for file in &description.file {
            let contents = self.contents(&file.from)?;
            let set = self.store(&file.name, &contents)?;
            self.names.enter(&file.name, set, FILE)?;
        }
        for folder in &description.folder {
            self.folder(&folder.name, &folder.from)?;
        }
        for server in &description.server {
            let own = self.drawn.server(&server.name);
            self.own.insert(server.name.clone(), own);
            let set = CapabilitySet::single(public(own));
            self.names
                .enter(&server.name, set, server.rights.unwrap_or(SERVER))?;
        }
        if description.disk.values().any(|disk| disk.boot.is_some()) {
            let own = CapabilitySet::single(public(self.boot_server()));
            self.names.enter("/super/cap/bootsvr/default", own, SERVER)?;
        }
        if description.disk.values().any(|disk| disk.soap.is_some()) {
            let identity = self.identity();
            let own = Capability {
                port: identity.public,
                private: Private::owner(0, identity.check),
            };
            let set = CapabilitySet::single(public(own));
            self.names.enter("/super/cap/soapsvr/default", set, SERVER)?;
        }
        self.hosts()?;
        for link in &description.link {
            match proto::capability_text::parse(&link.to) {
                Some(capability) => {
                    let set = CapabilitySet::single(capability);
                    self.names.enter(&link.name, set, link.rights.unwrap_or(SERVER))?;
                }
                None => self.names.link(&link.name, &link.to, link.rights)?,
            }
        }
        Ok(())
    }

    fn contents(&self, from: &str) -> Result<Cow<'a, [u8]>, MakeError> {
        match from.strip_prefix("builtin:") {
            Some(name) => {
                let contents = self.sources.builtin(name);
                contents.ok_or_else(|| impossible(format!("there is no program `builtin:{name}`")))
            }
            None => match self.sources.read(from) {
                Ok(contents) => Ok(contents.into()),
                Err(error) => Err(MakeError::Unreadable {
                    path: from.to_owned(),
                    error,
                }),
            },
        }
    }

    fn folder(&mut self, name: &str, from: &str) -> Result<(), MakeError> {
        self.names.directory(name)?;
        let is_builtin = from == "builtin";
        let list = if is_builtin {
            self.sources.builtins()
        } else {
            self.sources.list(from).map_err(|error| MakeError::Unreadable {
                path: from.to_owned(),
                error,
            })?
        };
        for entry in list {
            let place = if is_builtin {
                format!("builtin:{entry}")
            } else {
                format!("{from}/{entry}")
            };
            let contents = self.contents(&place)?;
            // Kernels are among the built-in images, but no programs.
            if is_builtin && Descriptor::parse(&contents).is_err() {
                continue;
            }
            let name = format!("{}/{entry}", name.trim_end_matches('/'));
            // A file that was named by itself stands in the place of the folder's.
            if matches!(self.names.find(&name), Ok(Found::Object(_))) {
                continue;
            }
            let set = self.store(&name, &contents)?;
            self.names.enter(&name, set, FILE)?;
        }
        Ok(())
    }

    fn hosts(&mut self) -> Result<(), MakeError> {
        for Host { name, count, .. } in &self.description.host {
            if count.is_some_and(|count| !(1..=1000).contains(&count)) {
                return Err(impossible(format!("host `{name}`: a count is 1 to 1000")));
            }
        }
        for (name, mac, pool) in self.description.hosts() {
            let secret = Port(mac);
            // The directory of a kernel is its object 1; get-port and check field are its first card's address.
            let kernel = CapabilitySet::single(Capability {
                port: one_way(secret),
                private: Private::owner(1, secret),
            });
            let path = format!("/super/hosts/{name}");
            self.names.enter(&path, kernel, crate::names::DIRECTORY)?;
            if let Some(pool) = pool {
                self.names
                    .link(&format!("/super/pools/default/{pool}/{name}"), &path, None)?;
            }
        }
        Ok(())
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

    fn boot(
        &self,
        boot: &Boot,
        bytes: &mut [u8],
        made: Option<&(MadeSoap, Vec<Capability>)>,
    ) -> Result<(), MakeError> {
        let file = &boot.configuration;
        let text = self.sources.read(file).map_err(|error| MakeError::Unreadable {
            path: file.clone(),
            error,
        })?;
        let text = String::from_utf8(text).map_err(|_| impossible(format!("{file} is no text in UTF-8")))?;
        let find = |path: &str| self.find(path, made);
        let text = boot::substitute(&text, find).map_err(|why| impossible(format!("{file}: {why}")))?;
        let binary = match &boot.binary {
            Some(path) => find(path).ok_or_else(|| impossible(format!("`{path}` is not there")))?,
            None => Capability::NULL,
        };
        boot::write(bytes, (binary, self.boot_server()), &text)
            .map_err(|bytes| impossible(format!("{file} is {bytes} bytes too long")))
    }

    /// The capability at a path, for a reference of a configuration.
    fn find(&self, path: &str, made: Option<&(MadeSoap, Vec<Capability>)>) -> Option<Capability> {
        if let Some(server) = path.strip_prefix("get:") {
            return self.own.get(server).copied();
        }
        match self.names.find(path).ok()? {
            Found::Directory(place) => made?.1.get(place).copied(),
            Found::Object(set) => set.members().next().map(|member| member.capability),
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

/// The files of directories.
struct DirectoryFiles<'a, 'b> {
    stores: &'a mut Stores<'b>,
    drawn: Drawn,
    number: u32,
}

impl soap::Files for DirectoryFiles<'_, '_> {
    fn create(&mut self, store: usize, contents: &[u8]) -> Result<Capability, Status> {
        self.number += 1;
        let random = self
            .drawn
            .port(&format!("check of file {} of directories", self.number));
        let (_, store) = self.stores.list[store].as_mut().ok_or(Status::NotFound)?;
        store.create(contents, random)
    }

    fn read(&mut self, _file: &Capability) -> Result<Vec<u8>, Status> {
        Err(Status::BadCommand)
    }

    fn destroy(&mut self, _file: &Capability) {}

    fn touch(&mut self, _file: &Capability) -> Result<(), Status> {
        Ok(())
    }

    fn set_store(&mut self, _store: usize, _server: &Capability) {}
}

/// The blocks of a virtual disk.
struct Blocks<'a>(&'a mut [u8]);

impl soap::Disk for Blocks<'_> {
    fn read_block(&mut self, number: u32, block: &mut [u8; BLOCK]) -> Result<(), Status> {
        let place = self
            .0
            .get(number as usize * BLOCK..)
            .and_then(|rest| rest.first_chunk());
        *block = *place.ok_or(Status::BadArgument)?;
        Ok(())
    }

    fn write_block(&mut self, number: u32, block: &[u8; BLOCK]) -> Result<(), Status> {
        let place = self
            .0
            .get_mut(number as usize * BLOCK..)
            .and_then(|rest| rest.first_chunk_mut());
        *place.ok_or(Status::BadArgument)? = *block;
        Ok(())
    }
}
