//! Objects by their paths.
//!
//! A path that begins with a slash begins at the root, any other at the working directory. Directories do not know from where they
//! were reached, so `.` and `..` are worked out on the path itself, before anybody is asked.

use super::{Command, Failure, Own, Reader, Status, data, read, whole};
use crate::Transactions;
use alloc::vec::Vec;
use proto::capability::Capability;
use proto::capability_set::CapabilitySet;
use proto::soap::{LONGEST_NAME, LONGEST_PATH, Masks};

/// Where paths begin: the capabilities `ROOT` and `WORK` of a program's environment.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Names {
    /// The root.
    pub root: CapabilitySet,
    /// The working directory.
    pub work: CapabilitySet,
}

/// What names lead to, from the beginning: components without `.`, `..` and empty ones. `None` for a path that leads above
/// where it begins, which the root's own `..` does not.
pub fn components(path: &[u8]) -> Option<Vec<&[u8]>> {
    let is_absolute = path.first() == Some(&b'/');
    let mut names = Vec::new();
    for name in path.split(|byte| *byte == b'/') {
        match name {
            b"" | b"." => {}
            b".." => {
                if names.pop().is_none() && !is_absolute {
                    return None;
                }
            }
            _ => names.push(name),
        }
    }
    Some(names)
}

impl Names {
    /// From a program's environment of capabilities. Without a working directory it is the root; `None` without a root.
    pub fn from_environment(capability: impl Fn(&str) -> Option<Capability>) -> Option<Names> {
        let root = CapabilitySet::single(capability("ROOT")?);
        let work = capability("WORK").map_or(root, CapabilitySet::single);
        Some(Names { root, work })
    }

    fn beginning(&self, path: &[u8]) -> CapabilitySet {
        if path.first() == Some(&b'/') {
            self.root
        } else {
            self.work
        }
    }

    /// The object at a path, with the rights that the columns on the way give.
    ///
    /// # Errors
    /// [`Status::NotFound`]; [`Status::BadArgument`] for a name that is too long; [`Status::Denied`]; what transactions and
    /// servers may answer.
    pub fn lookup(
        &self,
        transactions: &mut impl Transactions,
        path: &[u8],
    ) -> Result<CapabilitySet, Failure> {
        let names = components(path).ok_or(Status::NotFound)?;
        follow(transactions, self.beginning(path), &names)
    }

    /// The directory in which a path ends, and the name that it has there.
    ///
    /// # Errors
    /// As [`Names::lookup`]; [`Status::BadArgument`] if the path is the beginning itself.
    pub fn parent<'a>(
        &self,
        transactions: &mut impl Transactions,
        path: &'a [u8],
    ) -> Result<(CapabilitySet, &'a [u8]), Failure> {
        let mut names = components(path).ok_or(Status::NotFound)?;
        let last = names.pop().ok_or(Status::BadArgument)?;
        let directory = follow(transactions, self.beginning(path), &names)?;
        Ok((directory, last))
    }

    /// Enters an object at a path.
    ///
    /// # Errors
    /// As [`Names::parent`] and [`super::append`].
    pub fn append(
        &self,
        transactions: &mut impl Transactions,
        path: &[u8],
        set: &CapabilitySet,
        masks: &Masks,
    ) -> Result<(), Failure> {
        let (directory, name) = self.parent(transactions, path)?;
        super::append(transactions, &directory, name, set, masks)
    }

    /// Removes the name at the end of a path.
    ///
    /// # Errors
    /// As [`Names::parent`] and [`super::delete`].
    pub fn delete(&self, transactions: &mut impl Transactions, path: &[u8]) -> Result<(), Failure> {
        let (directory, name) = self.parent(transactions, path)?;
        super::delete(transactions, &directory, name)
    }

    /// Has a path lead to something else.
    ///
    /// # Errors
    /// As [`Names::parent`] and [`super::replace`].
    pub fn replace(
        &self,
        transactions: &mut impl Transactions,
        path: &[u8],
        set: &CapabilitySet,
    ) -> Result<(), Failure> {
        let (directory, name) = self.parent(transactions, path)?;
        super::replace(transactions, &directory, name, set)
    }

    /// Changes the masks of the row at the end of a path.
    ///
    /// # Errors
    /// As [`Names::parent`] and [`super::change_masks`].
    pub fn change_masks(
        &self,
        transactions: &mut impl Transactions,
        path: &[u8],
        masks: &Masks,
    ) -> Result<(), Failure> {
        let (directory, name) = self.parent(transactions, path)?;
        super::change_masks(transactions, &directory, name, masks)
    }
}

/// Follows names from a directory, from server to server.
fn follow(
    transactions: &mut impl Transactions,
    beginning: CapabilitySet,
    names: &[&[u8]],
) -> Result<CapabilitySet, Failure> {
    if names.iter().any(|name| name.len() > LONGEST_NAME) {
        return Err(Status::BadArgument.into());
    }
    let (mut set, mut left) = (beginning, names);
    while !left.is_empty() {
        let mut asked = piece(left);
        let path = left[..asked].join(&b'/');
        let path = data(|writer| writer.string(&path))?;
        let (_, bytes) = read(transactions, &set, (Command::Lookup, 0), &path)?;
        let mut reader = Reader::new(&bytes);
        let rest = whole(reader.string())?;
        set = whole(CapabilitySet::parse(&mut reader))?;
        let unresolved = rest.split(|byte| *byte == b'/').filter(|name| !name.is_empty());
        // A server that resolves nothing would be asked for ever.
        asked = asked.checked_sub(unresolved.count()).ok_or(Status::SystemError)?;
        if asked == 0 {
            return Err(Status::SystemError.into());
        }
        left = &left[asked..];
        if set.members().next().is_none() && !left.is_empty() {
            return Err(Own::Unreachable.into());
        }
    }
    Ok(set)
}

/// How many of the names, at least one, fit into a request.
fn piece(names: &[&[u8]]) -> usize {
    let mut length = 0;
    let fit = names.iter().take_while(|name| {
        length += name.len() + 1;
        length <= LONGEST_PATH + 1
    });
    fit.count().max(1)
}
