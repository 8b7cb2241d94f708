//! Looks a super file and its directories over.
//!
//! Encrypted directories are seen from outside alone: that they are there, and that their copies are the same.

use crate::directory::{Directory, is_name};
use crate::sealed::is_sealed;
use crate::table::{Table, Unusable};
use crate::world::{Disk, Files};
use alloc::collections::{BTreeMap, BTreeSet};
use alloc::string::String;
use alloc::vec;
use alloc::vec::Vec;
use proto::one_way::one_way;
use proto::soap::super_file::Pair;
use proto::standard::Status;

/// The directory from which all others shall be found.
pub const ROOT: u32 = 1;

/// What is not as it should be.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Problem {
    /// The super file was being copied, and holds nothing whole.
    HalfCopied,
    /// A copy of a directory's file cannot be read.
    Unreadable {
        /// The directory.
        object: u32,
        /// Where the copy is.
        store: usize,
        /// What the store says.
        status: Status,
    },
    /// A file is no directory's.
    NoDirectory {
        /// The directory.
        object: u32,
        /// What is wrong with it.
        error: proto::Error,
    },
    /// The two copies differ.
    CopiesDiffer(u32),
    /// A directory's sequence number is higher than the highest one.
    Sequence(u32),
    /// A row has an impossible name, or the name of another one.
    Name {
        /// The directory.
        object: u32,
        /// The row's name.
        name: String,
    },
    /// A row leads to a directory that there is not, or with a capability that proves nothing.
    Dangling {
        /// The directory.
        object: u32,
        /// The row's name.
        name: String,
        /// Where it leads.
        target: u32,
    },
    /// A directory that no other one leads to.
    Unreached(u32),
    /// Two super files disagree about a directory.
    ServersDiffer(u32),
}

impl core::fmt::Display for Problem {
    fn fmt(&self, formatter: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        match self {
            Problem::HalfCopied => write!(formatter, "the super file was being copied and is not whole"),
            Problem::Unreadable {
                object,
                store,
                status,
            } => {
                write!(
                    formatter,
                    "directory {object}: its copy on store {store} cannot be read: {status}"
                )
            }
            Problem::NoDirectory { object, error } => {
                write!(
                    formatter,
                    "directory {object}: its file is no directory's: {error}"
                )
            }
            Problem::CopiesDiffer(object) => write!(formatter, "directory {object}: its two copies differ"),
            Problem::Sequence(object) => {
                write!(
                    formatter,
                    "directory {object}: its sequence number is higher than the highest one"
                )
            }
            Problem::Name { object, name } => {
                write!(
                    formatter,
                    "directory {object}: row `{name}` has an impossible name, or one that is there twice"
                )
            }
            Problem::Dangling { object, name, target } => write!(
                formatter,
                "directory {object}: row `{name}` leads to directory {target}, which there is not, or not with that capability"
            ),
            Problem::Unreached(object) => write!(formatter, "directory {object}: no row leads to it"),
            Problem::ServersDiffer(object) => {
                write!(
                    formatter,
                    "directory {object}: the two super files lead to different files"
                )
            }
        }
    }
}

/// What was found.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Report {
    /// Directories, with the encrypted ones.
    pub directories: usize,
    /// Those that are encrypted.
    pub encrypted: usize,
    /// Those with one copy only.
    pub single: usize,
    /// What is wrong.
    pub problems: Vec<Problem>,
}

/// Looks a super file over, and all directories; `files` reads them. Nothing is written.
///
/// # Errors
/// Why the super file cannot be used at all.
pub fn check(disk: &mut impl Disk, files: &mut impl Files) -> Result<Report, Unusable> {
    let table = Table::load(disk)?;
    let mut report = Report::default();
    if table.commit().sequence == 0 {
        report.problems.push(Problem::HalfCopied);
    }
    let mut plain = BTreeMap::new();
    for (object, pair) in table.directories() {
        report.directories += 1;
        report.single += usize::from(pair.copies().count() == 1);
        let Some(bytes) = read(object, pair, files, &mut report) else {
            continue;
        };
        if is_sealed(&bytes) {
            report.encrypted += 1;
            continue;
        }
        match Directory::parse(&bytes) {
            Ok(directory) => drop(plain.insert(object, directory)),
            Err(error) => report.problems.push(Problem::NoDirectory { object, error }),
        }
    }
    for (object, directory) in &plain {
        check_rows(&table, (*object, directory), &plain, &mut report);
    }
    check_reach(&table, &plain, &mut report);
    Ok(report)
}

/// The file of a directory, from the copies that can be read.
fn read(object: u32, pair: Pair, files: &mut impl Files, report: &mut Report) -> Option<Vec<u8>> {
    let mut contents: Option<Vec<u8>> = None;
    for (store, file) in pair.copies() {
        match (files.read(file), &contents) {
            (Err(status), _) => report.problems.push(Problem::Unreadable {
                object,
                store,
                status,
            }),
            (Ok(bytes), Some(other)) if bytes != *other => {
                report.problems.push(Problem::CopiesDiffer(object))
            }
            (Ok(bytes), _) => contents = Some(bytes),
        }
    }
    contents
}

fn check_rows(
    table: &Table,
    (object, directory): (u32, &Directory),
    plain: &BTreeMap<u32, Directory>,
    report: &mut Report,
) {
    if directory.sequence > table.commit().directory_sequence {
        report.problems.push(Problem::Sequence(object));
    }
    let mut names = BTreeSet::new();
    for row in directory.rows() {
        let name = || String::from_utf8_lossy(&row.name).into_owned();
        if !is_name(&row.name) || !names.insert(&row.name) {
            report.problems.push(Problem::Name { object, name: name() });
        }
        for target in own_targets(table, row) {
            let number = target.object();
            let is_proven = match plain.get(&number) {
                Some(directory) => target.proven_rights(directory.check).is_some(),
                None => table.pair(number).is_some() || number == table.commit().public.private.object(),
            };
            if !is_proven {
                let (name, target) = (name(), number);
                report.problems.push(Problem::Dangling { object, name, target });
            }
        }
    }
}

/// The private parts of a row's capabilities of this server.
fn own_targets(
    table: &Table,
    row: &crate::directory::Row,
) -> impl Iterator<Item = proto::capability::Private> {
    let port = one_way(table.commit().public.port);
    let own = row
        .set
        .members()
        .filter(move |member| member.capability.port == port);
    own.map(|member| member.capability.private)
        .collect::<Vec<_>>()
        .into_iter()
}

/// Directories that cannot be found from the root, if none that is encrypted or cannot be read may lead to them.
fn check_reach(table: &Table, plain: &BTreeMap<u32, Directory>, report: &mut Report) {
    if plain.len() < report.directories || table.pair(ROOT).is_none() {
        return;
    }
    let (mut reached, mut open) = (BTreeSet::from([ROOT]), vec![ROOT]);
    while let Some(object) = open.pop() {
        // A row may lead to the server itself, which is no directory.
        let Some(directory) = plain.get(&object) else {
            continue;
        };
        for target in directory.rows().iter().flat_map(|row| own_targets(table, row)) {
            if reached.insert(target.object()) {
                open.push(target.object());
            }
        }
    }
    let all = table.directories().map(|(object, _)| object);
    let unreached = all.filter(|object| !reached.contains(object));
    report.problems.extend(unreached.map(Problem::Unreached));
}

/// Where the super files of two servers disagree. One that is a copy mode or some updates behind is expected to, while the other one
/// serves alone.
///
/// # Errors
/// Why one of them cannot be used at all.
pub fn compare(one: &mut impl Disk, other: &mut impl Disk) -> Result<Vec<Problem>, Unusable> {
    let (one, other) = (Table::load(one)?, Table::load(other)?);
    let entries = one.commit().entries().max(other.commit().entries());
    let differ = (1..entries).filter(|object| one.pair(*object) != other.pair(*object));
    Ok(differ.map(Problem::ServersDiffer).collect())
}
