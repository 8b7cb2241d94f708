//! A pool of hosts and the directory that tells it: a directory for each architecture, and in it a row for each host, which is the
//! directory of its kernel.

use alloc::vec::Vec;
use libamoeba::Transactions;
use libamoeba::directory::{list, lookup_names};
use proto::capability::{Capability, Port};
use proto::capability_set::CapabilitySet;
use proto::run::LIFETIME;

/// Rows whose names begin with it are no architectures: the run server itself is `.run`.
const HIDDEN: u8 = b'.';
/// Names that are looked up at a time.
const AT_A_TIME: usize = 16;

/// A host as the pool's directory tells it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Member {
    /// Its name.
    pub name: Vec<u8>,
    /// Its architecture, padded with zero bytes.
    pub architecture: [u8; 8],
    /// The directory of its kernel.
    pub directory: Capability,
}

/// What is known of a pool's directory.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Reading {
    /// There is none.
    None,
    /// It could not be read yet.
    Bad,
    /// It has been read.
    Good,
}

/// A pool.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Pool {
    /// Its check field.
    pub check: Port,
    /// Its directory.
    pub directory: Option<Capability>,
    /// What is known of the directory.
    pub reading: Reading,
    /// Numbers of its hosts: those that it was given, and those of the directory.
    pub given: Vec<usize>,
    /// Numbers of the hosts of the directory.
    pub listed: Vec<usize>,
    /// How many times it may still grow older.
    pub lives: u8,
}

impl Pool {
    /// A pool without hosts.
    pub fn new(check: Port, directory: Option<Capability>) -> Pool {
        Pool {
            check,
            directory,
            reading: if directory.is_some() {
                Reading::Bad
            } else {
                Reading::None
            },
            given: Vec::new(),
            listed: Vec::new(),
            lives: LIFETIME,
        }
    }

    /// Numbers of its hosts, each once.
    pub fn hosts(&self) -> impl Iterator<Item = usize> {
        let is_new = |host: &&usize| !self.given.contains(host);
        let listed = self.listed.iter().filter(is_new);
        self.given.iter().chain(listed).copied()
    }
}

/// An architecture's name, padded with zero bytes; `None` if it is too long.
pub fn architecture(name: &[u8]) -> Option<[u8; 8]> {
    let mut padded = [0; 8];
    padded.get_mut(..name.len())?.copy_from_slice(name);
    Some(padded)
}

/// Reads a pool's directory; `None` if it cannot be read. What is in it but no directory is passed over.
pub fn read(transactions: &mut impl Transactions, directory: &Capability) -> Option<Vec<Member>> {
    let mut members = Vec::new();
    for (name, set) in rows(transactions, &CapabilitySet::single(*directory))? {
        let is_hidden = name.first() == Some(&HIDDEN);
        let Some(architecture) = architecture(&name).filter(|_| !is_hidden) else {
            continue;
        };
        let hosts = rows(transactions, &set).unwrap_or_default();
        members.extend(hosts.into_iter().filter_map(|(name, set)| {
            let directory = set.members().next()?.capability;
            Some(Member {
                name,
                architecture,
                directory,
            })
        }));
    }
    Some(members)
}

/// The rows of a directory: names and what they stand for.
fn rows(
    transactions: &mut impl Transactions,
    directory: &CapabilitySet,
) -> Option<Vec<(Vec<u8>, CapabilitySet)>> {
    let listing = list(transactions, directory).ok()?;
    let mut rows = Vec::new();
    for names in listing.rows.chunks(AT_A_TIME) {
        let asked: Vec<_> = names
            .iter()
            .map(|(name, _)| (*directory, name.as_slice()))
            .collect();
        let found = lookup_names(transactions, &asked).ok()?;
        let found = names
            .iter()
            .zip(found)
            .filter_map(|((name, _), found)| Some((name.clone(), found.ok()?.set)));
        rows.extend(found);
    }
    Some(rows)
}
