//! Looks disks over: their labels, the file systems and super files on them, and whether names lead to what there is.

use std::fmt;

use proto::capability::Capability;
use proto::soap::super_file::BLOCK;
use proto::standard::Status;
use soap::directory::Directory;
use soap::sealed::is_sealed;
use soap::table::Table;

use crate::boot;
use crate::layout::{self, Fault, VirtualDisk};
use crate::store::Store;

/// What is wrong, and where.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Finding {
    /// The disk, and the virtual disk if it is one's.
    pub place: String,
    /// What is wrong.
    pub what: String,
}

impl fmt::Display for Finding {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "{}: {}", self.place, self.what)
    }
}

/// What was found.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Report {
    /// What there is, a line for each virtual disk.
    pub contents: Vec<String>,
    /// What is wrong.
    pub findings: Vec<Finding>,
}

impl Report {
    fn add(&mut self, place: &str, what: impl fmt::Display) {
        self.findings.push(Finding {
            place: place.to_owned(),
            what: what.to_string(),
        });
    }
}

/// A virtual disk by what is on it.
enum Contents<'a> {
    Bullet(Store<'a>),
    Soap(&'a [u8]),
    Boot(&'a [u8]),
}

/// Looks over disks that belong together, by their names; nothing is written. Directories and names are followed as far as the file
/// servers' disks are among them.
#[must_use]
pub fn check(disks: &[(&str, &[u8])]) -> Report {
    let mut report = Report::default();
    let mut all = Vec::new();
    for (name, image) in disks {
        let (virtual_disks, faults) = layout::read(image);
        for fault in faults {
            report.add(name, fault_text(fault));
        }
        for disk in virtual_disks {
            let place = format!("{name}, vdisk:{:02}", disk.object);
            if let Some(contents) = sort(image, &disk, &place, &mut report) {
                all.push((place, contents));
            }
        }
    }
    let stores = all.iter().filter_map(|(_, contents)| match contents {
        Contents::Bullet(store) => Some(store),
        _ => None,
    });
    let stores: Vec<&Store<'_>> = stores.collect();
    let mut supers = Vec::new();
    for (place, contents) in &all {
        match contents {
            Contents::Bullet(store) => check_store(place, store, &mut report),
            Contents::Soap(bytes) => {
                check_super(place, bytes, &stores, &mut report);
                supers.push((place, *bytes));
            }
            Contents::Boot(bytes) => check_boot(place, bytes, &stores, &mut report),
        }
    }
    if let [(place, one), (_, other)] = supers[..] {
        compare(place, one, other, &mut report);
    }
    report
}

fn fault_text(fault: Fault) -> String {
    match fault {
        Fault::Label(error) => format!("no label: {error}"),
        Fault::Beyond(object) => format!("vdisk:{object:02} goes beyond its partition"),
        Fault::Overlap(one, other) => format!("vdisk:{one:02} and vdisk:{other:02} lie over each other"),
    }
}

/// What is on a virtual disk, by its magic number.
fn sort<'a>(image: &'a [u8], disk: &VirtualDisk, place: &str, report: &mut Report) -> Option<Contents<'a>> {
    let Some(bytes) = image.get(disk.bytes()) else {
        report.add(place, "the image ends before it does");
        return None;
    };
    if boot::read(bytes) != Err(proto::Error::Magic) {
        return Some(Contents::Boot(bytes));
    }
    if Table::load(&mut ReadOnly(bytes)).err() != Some(soap::table::Unusable::Commit(proto::Error::Magic)) {
        return Some(Contents::Soap(bytes));
    }
    match Store::open(bytes) {
        Ok(store) => Some(Contents::Bullet(store)),
        Err(bullet::check::Error::Superblock(proto::Error::Magic)) => {
            let sectors = disk.sectors.end - disk.sectors.start;
            report
                .contents
                .push(format!("{place}: {sectors} sectors, nothing known"));
            None
        }
        Err(error) => {
            report.add(place, error);
            None
        }
    }
}

fn check_store(place: &str, store: &Store<'_>, report: &mut Report) {
    let checked = &store.checked;
    let geometry = &checked.superblock.geometry;
    let (files, inodes) = (checked.files(), geometry.inodes - 1);
    let (used, blocks) = (checked.used_blocks(), geometry.blocks - geometry.first_data());
    report.contents.push(format!(
        "{place}: Bullet, {files} files of {inodes}, {used} blocks of {blocks} used"
    ));
    for finding in &checked.findings {
        report.add(place, format!("inode {}: {}", finding.object, finding.problem));
    }
}

fn check_super(place: &str, bytes: &[u8], stores: &[&Store<'_>], report: &mut Report) {
    let mut files = Readers(stores);
    let found = match soap::check::check(&mut ReadOnly(bytes), &mut files) {
        Ok(found) => found,
        Err(unusable) => return report.add(place, unusable),
    };
    let sequence = Table::load(&mut ReadOnly(bytes)).map_or(0, |table| table.commit().sequence);
    let (directories, encrypted, single) = (found.directories, found.encrypted, found.single);
    report.contents.push(format!(
        "{place}: Soap, {directories} directories, {encrypted} of them encrypted, {single} with one copy, update {sequence}"
    ));
    for problem in &found.problems {
        report.add(place, problem);
    }
    check_names(place, bytes, stores, report);
}

/// Every name's capabilities, as far as they are for files of these stores.
fn check_names(place: &str, bytes: &[u8], stores: &[&Store<'_>], report: &mut Report) {
    let Ok(table) = Table::load(&mut ReadOnly(bytes)) else {
        return;
    };
    for (object, pair) in table.directories() {
        let contents = pair.copies().find_map(|(_, file)| read(stores, file).ok());
        let directory = contents.filter(|bytes| !is_sealed(bytes));
        let Some(Ok(directory)) = directory.map(Directory::parse) else {
            continue;
        };
        for row in directory.rows() {
            for member in row.set.members() {
                let capability = &member.capability;
                let owner = stores.iter().find(|store| store.owns(capability));
                if let Some(Err(status)) = owner.map(|store| store.prove(capability)) {
                    let name = String::from_utf8_lossy(&row.name);
                    let file = capability.private.object();
                    report.add(
                        place,
                        format!("directory {object}: row `{name}` leads to file {file}: {status}"),
                    );
                }
            }
        }
    }
}

fn check_boot(place: &str, bytes: &[u8], stores: &[&Store<'_>], report: &mut Report) {
    let (header, text) = match boot::read(bytes) {
        Ok(found) => found,
        Err(error) => return report.add(place, format!("the boot server's header: {error}")),
    };
    let lines = text.lines().count();
    report
        .contents
        .push(format!("{place}: boot server, configuration of {lines} lines"));
    match boot::lines(&header, bytes) {
        Ok(lines) => report.contents.extend(
            lines
                .iter()
                .map(|line| format!("{place}: its kernel starts {line}")),
        ),
        Err(error) => report.add(place, format!("the programs that its kernel starts: {error}")),
    }
    let binary = &header.binary;
    let owner = stores.iter().find(|store| store.owns(binary));
    if let Some(Err(status)) = owner.map(|store| store.prove(binary)) {
        report.add(place, format!("the boot server's executable file: {status}"));
    }
}

/// Two servers that both serve with two copies agree about every directory.
fn compare(place: &str, one: &[u8], other: &[u8], report: &mut Report) {
    let mode = |bytes| Table::load(&mut ReadOnly(bytes)).map(|table| table.commit().mode);
    let two = Ok(proto::soap::super_file::CopyMode::Two);
    if mode(one) != two || mode(other) != two {
        report.contents.push(format!(
            "{place}: one directory server is alone, so the super files are not compared"
        ));
        return;
    }
    for problem in soap::check::compare(&mut ReadOnly(one), &mut ReadOnly(other)).unwrap_or_default() {
        report.add(place, problem);
    }
}

fn read<'a>(stores: &[&Store<'a>], file: &Capability) -> Result<&'a [u8], Status> {
    let store = stores
        .iter()
        .find(|store| store.owns(file))
        .ok_or(Status::NotFound)?;
    store.read(file)
}

/// The file servers whose disks are there.
struct Readers<'a, 'b>(&'a [&'a Store<'b>]);

impl soap::Files for Readers<'_, '_> {
    fn create(&mut self, _store: usize, _contents: &[u8]) -> Result<Capability, Status> {
        Err(Status::WriteProtected)
    }

    fn read(&mut self, file: &Capability) -> Result<Vec<u8>, Status> {
        read(self.0, file).map(<[u8]>::to_vec)
    }

    fn destroy(&mut self, _file: &Capability) {}

    fn touch(&mut self, _file: &Capability) -> Result<(), Status> {
        Ok(())
    }

    fn set_store(&mut self, _store: usize, _server: &Capability) {}
}

/// Blocks that are only read.
struct ReadOnly<'a>(&'a [u8]);

impl soap::Disk for ReadOnly<'_> {
    fn read_block(&mut self, number: u32, block: &mut [u8; BLOCK]) -> Result<(), Status> {
        let place = self
            .0
            .get(number as usize * BLOCK..)
            .and_then(|rest| rest.first_chunk());
        *block = *place.ok_or(Status::BadArgument)?;
        Ok(())
    }

    fn write_block(&mut self, _number: u32, _block: &[u8; BLOCK]) -> Result<(), Status> {
        Err(Status::WriteProtected)
    }
}
