//! Kernels and their servers, found by the station address of their first card: the kernel directory answers there to the
//! read commands of a directory server.

use crate::Transactions;
use crate::classes::process;
use crate::directory::Names;
use crate::standard::{request, succeed};
use alloc::format;
use alloc::string::String;
use alloc::vec;
use proto::capability::{Capability, Port, Private};
use proto::capability_set::CapabilitySet;
use proto::ethernet;
use proto::marshal::{Reader, Writer};
use proto::message::Header;
use proto::soap::{Command, Failure, LONGEST_PATH, wire};
use proto::standard::Status;

/// The number of a kernel's directory.
const HOST: u32 = 1;

/// The capability with all rights on the directory of the kernel whose first card has this station address, unless that
/// kernel keeps it secret.
pub fn host(station: ethernet::Address) -> Capability {
    let secret = Port(station.0);
    Capability {
        port: crate::put_port(secret),
        private: Private::owner(HOST, secret),
    }
}

/// Where hosts are found by their names.
const HOSTS: &str = "/profile/hosts";

/// The directory of a kernel that a word stands for: the station address of its first card, a path (which has a slash), or a name in
/// `/profile/hosts`.
///
/// # Errors
/// [`Status::NotFound`] if there is no such name, or nowhere to look names up; what transactions and directory servers may answer.
pub fn named(
    transactions: &mut impl Transactions,
    names: Option<&Names>,
    word: &str,
) -> Result<Capability, Failure> {
    if let Ok(station) = word.parse() {
        return Ok(host(station));
    }
    let names = names.ok_or(Status::NotFound)?;
    let path = if word.contains('/') {
        String::from(word)
    } else {
        format!("{HOSTS}/{word}")
    };
    let set = names.lookup(transactions, path.as_bytes())?;
    let member = set.members().next().ok_or(Status::NotFound)?;
    Ok(member.capability)
}

/// The last process with this comment on the machine whose kernel has this station address.
///
/// # Errors
/// [`Status::NotFound`] if there is none, and what its servers say.
pub fn find_process(
    transactions: &mut impl Transactions,
    station: ethernet::Address,
    comment: &str,
) -> Result<Capability, Status> {
    let list = host_lookup(transactions, station, "ps")?;
    let (mut buffer, mut slots, mut found) = (vec![0; 8192], vec![], None);
    self::list(transactions, &list, &mut buffer, |row| slots.push(row.to_vec()))?;
    for slot in &slots {
        let slot = core::str::from_utf8(slot).map_err(|_| Status::SystemError)?;
        let process = host_lookup(transactions, station, &format!("ps/{slot}"))?;
        if process::comment(transactions, &process)? == comment {
            found = Some(process);
        }
    }
    found.ok_or(Status::NotFound)
}

/// The object at `path` (such as `proc` or `ps/3`) in the directory of the kernel with this station address.
/// [`Status::NotFound`] if there is none, [`Status::BadArgument`] for a path of more than 255 characters.
pub fn host_lookup(
    transactions: &mut impl Transactions,
    station: ethernet::Address,
    path: &str,
) -> Result<Capability, Status> {
    lookup(transactions, &host(station), path)
}

/// The object at `path` in the directory of a kernel, with the rights that the directory's capability gives. Errors as those of
/// [`host_lookup`].
pub fn lookup(
    transactions: &mut impl Transactions,
    directory: &Capability,
    path: &str,
) -> Result<Capability, Status> {
    let mut rest = [0; LONGEST_PATH + 1];
    let mut length = path.len();
    rest.get_mut(..length)
        .filter(|_| length <= LONGEST_PATH)
        .ok_or(Status::BadArgument)?
        .copy_from_slice(path.as_bytes());
    let mut found = *directory;
    while length > 0 {
        let (object, left) = step(transactions, &found, &mut rest, length)?;
        // A server that resolves nothing would be asked for ever.
        if left >= length {
            return Err(Status::SystemError);
        }
        (found, length) = (object, left);
    }
    Ok(found)
}

/// Has a directory resolve the first name of a path, of which the rest is left in `path`: the object, and how long the rest is.
fn step(
    transactions: &mut impl Transactions,
    directory: &Capability,
    path: &mut [u8; LONGEST_PATH + 1],
    length: usize,
) -> Result<(Capability, usize), Status> {
    let mut asked = [0; LONGEST_PATH + 1];
    let mut writer = Writer::new(&mut asked);
    writer.string(&path[..length]).map_err(|_| Status::BadArgument)?;
    let length = writer.length();
    let header = Header {
        size: length as u16,
        ..request(directory, Command::Lookup.code())
    };
    let mut answer = [0; 512];
    let (reply, length) = transactions.trans(&header, &asked[..length], &mut answer)?;
    succeed(&reply)?;
    let mut reader = Reader::new(&answer[..length]);
    let rest = reader.string().map_err(|_| Status::SystemError)?;
    let objects = CapabilitySet::parse(&mut reader).map_err(|_| Status::SystemError)?;
    let object = objects.members().next().ok_or(Status::NotFound)?.capability;
    path.get_mut(..rest.len())
        .ok_or(Status::SystemError)?
        .copy_from_slice(rest);
    Ok((object, rest.len()))
}

/// Calls `row` with the name of every row of a directory, in its order.
pub fn list(
    transactions: &mut impl Transactions,
    directory: &Capability,
    buffer: &mut [u8],
    mut row: impl FnMut(&[u8]),
) -> Result<(), Status> {
    let mut next = 0;
    loop {
        let header = Header {
            extra: next,
            ..request(directory, Command::List.code())
        };
        let (reply, length) = transactions.trans(&header, &[], buffer)?;
        succeed(&reply)?;
        rows(&buffer[..length], &mut row).map_err(|_| Status::SystemError)?;
        match reply.extra {
            0 => return Ok(()),
            more if more > next => next = more,
            _ => return Err(Status::SystemError),
        }
    }
}

/// Reads the rows of a list.
fn rows(list: &[u8], row: &mut impl FnMut(&[u8])) -> Result<(), proto::Error> {
    let mut reader = Reader::new(list);
    let wire::List { columns, rows } = wire::List::parse(&mut reader)?;
    for _ in 0..columns {
        reader.string()?;
    }
    for _ in 0..rows {
        row(reader.string()?);
        for _ in 0..columns {
            reader.rights()?;
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests;
