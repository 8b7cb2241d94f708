//! Directories as a client calls them.
//!
//! A directory is named by a set of capabilities, one for each service that keeps it: the first that answers will do. All are
//! tried three times; what may not be done twice is tried again only when the server before surely has not done it.
//!
//! [`path`] finds objects by their paths, from the root or from the working directory.

pub mod path;
#[cfg(test)]
mod tests;

pub use path::Names;

use crate::Transactions;
use crate::standard::{self, request};
use alloc::vec;
use alloc::vec::Vec;
use proto::Error;
use proto::capability::{Capability, Private};
use proto::capability_set::CapabilitySet;
use proto::marshal::{Reader, Writer};
use proto::message::Header;
use proto::soap::directory::{emit_masks, parse_masks, parse_sequence};
use proto::soap::wire::{ENCRYPTED, Found, Installation, List};
use proto::soap::{Command, Failure, LARGEST_BUFFER, Masks, Status as Own, TRIES};
use proto::standard::Status;

/// A reply: its header, and what came with it.
type Reply = (Header, Vec<u8>);

/// The data of a request; [`Status::BadArgument`] for what cannot be written or is too long.
fn data(write: impl FnOnce(&mut Writer<'_>) -> Result<(), Error>) -> Result<Vec<u8>, Failure> {
    let mut buffer = vec![0; LARGEST_BUFFER];
    let mut writer = Writer::new(&mut buffer);
    write(&mut writer).map_err(|_| Status::BadArgument)?;
    let length = writer.length();
    buffer.truncate(length);
    Ok(buffer)
}

/// What a reply holds; one that cannot be read is a fault of the server.
fn whole<T>(value: Result<T, Error>) -> Result<T, Failure> {
    value.map_err(|_| Status::SystemError.into())
}

/// One transaction with a directory.
fn trans(
    transactions: &mut impl Transactions,
    directory: &Capability,
    (command, extra): (Command, u16),
    request_data: &[u8],
) -> Result<Reply, Failure> {
    let header = Header {
        extra,
        ..request(directory, command.code())
    };
    let mut buffer = vec![0; LARGEST_BUFFER];
    let (reply, length) = transactions.trans(&header, request_data, &mut buffer)?;
    Failure::check(reply.command.cast_signed())?;
    buffer.truncate(length);
    Ok((reply, buffer))
}

/// Whether a server that fails so has surely not done what it was asked for, and another one may. [`Status::RpcNotFound`] is not that
/// sure: it also ends a transaction whose server has taken the request and then cannot be reached any more.
fn was_refused(failure: Failure) -> bool {
    matches!(
        failure,
        Failure::Directory(Own::Unavailable) | Failure::Standard(Status::NotNow)
    )
}

/// Whether another try may go better: the transaction failed, or the server refused for now.
fn may_pass(failure: Failure) -> bool {
    was_refused(failure)
        || matches!(
            failure,
            Failure::Standard(
                Status::RpcNotFound | Status::RpcFailure | Status::RpcTryAgain | Status::RpcAborted
            )
        )
}

/// Has the first server that answers do something that may be done twice.
///
/// # Errors
/// What the last server said; [`Status::BadCapability`] for an empty set.
pub fn first_answer<T>(
    set: &CapabilitySet,
    mut action: impl FnMut(&Capability) -> Result<T, Failure>,
) -> Result<T, Failure> {
    let mut last = Status::BadCapability.into();
    for _ in 0..TRIES {
        for member in set.members() {
            match action(&member.capability) {
                Err(failure) if may_pass(failure) => last = failure,
                done => return done,
            }
        }
    }
    Err(last)
}

/// An object of a set, each member of which is as good as the others: the only one, or the first whose server knows it. If none does it is the
/// first, and whoever asks it for something is told why.
///
/// # Errors
/// [`Status::NotFound`] for an empty set.
pub fn object(transactions: &mut impl Transactions, set: &CapabilitySet) -> Result<Capability, Status> {
    let mut members = set.members().map(|member| member.capability);
    let first = members.next().ok_or(Status::NotFound)?;
    if members.next().is_none() {
        return Ok(first);
    }
    let mut is_there = |object: &Capability| {
        let answer = standard::info(transactions, object, &mut [0]);
        !matches!(
            answer,
            Err(Status::RpcNotFound | Status::RpcFailure | Status::RpcTryAgain | Status::BadCapability)
        )
    };
    let mut members = set.members().map(|member| member.capability);
    Ok(members.find(|object| is_there(object)).unwrap_or(first))
}

/// Does something with every copy of an object, once each, whatever becomes of the others. One that is gone already is no failure if
/// another one was there.
///
/// # Errors
/// The first failure; [`Status::BadCapability`] if all copies are gone, [`Status::NotFound`] for an empty set.
pub fn every_copy(
    set: &CapabilitySet,
    mut action: impl FnMut(&Capability) -> Result<(), Status>,
) -> Result<(), Status> {
    let (mut failure, mut is_done) = (None, false);
    let mut missing = Status::NotFound;
    for member in set.members() {
        match action(&member.capability) {
            Ok(()) => is_done = true,
            Err(Status::BadCapability) => missing = Status::BadCapability,
            Err(status) => _ = failure.get_or_insert(status),
        }
    }
    match failure {
        Some(status) => Err(status),
        None if is_done => Ok(()),
        None => Err(missing),
    }
}

fn read(
    transactions: &mut impl Transactions,
    directory: &CapabilitySet,
    command: (Command, u16),
    request_data: &[u8],
) -> Result<Reply, Failure> {
    first_answer(directory, |capability| {
        trans(transactions, capability, command, request_data)
    })
}

fn change(
    transactions: &mut impl Transactions,
    directory: &CapabilitySet,
    command: (Command, u16),
    request_data: &[u8],
) -> Result<Reply, Failure> {
    let mut last = Status::BadCapability.into();
    for _ in 0..TRIES {
        for member in directory.members() {
            match trans(transactions, &member.capability, command, request_data) {
                Err(failure) if was_refused(failure) => last = failure,
                done => return done,
            }
        }
    }
    Err(last)
}

/// Makes a directory with these columns where `server`, any directory, is kept: its capability with all rights. The file of an
/// encrypted one can be read by nobody without a capability of it.
///
/// # Errors
/// [`Status::BadArgument`] for no column or more than four, [`Status::NoSpace`] if there are too many directories.
pub fn create(
    transactions: &mut impl Transactions,
    server: &CapabilitySet,
    columns: &[&[u8]],
    is_encrypted: bool,
) -> Result<Capability, Failure> {
    let names = data(|writer| columns.iter().try_for_each(|name| writer.string(name)))?;
    let flags = if is_encrypted { ENCRYPTED } else { 0 };
    let (reply, _) = change(transactions, server, (Command::Create, flags), &names)?;
    Ok(Capability {
        port: reply.port,
        private: whole(Private::parse(&reply.private))?,
    })
}

/// Removes an empty directory.
///
/// # Errors
/// [`Own::NotEmpty`]; [`Status::Denied`] without the right to delete.
pub fn discard(transactions: &mut impl Transactions, directory: &CapabilitySet) -> Result<(), Failure> {
    change(transactions, directory, (Command::Discard, 0), &[]).map(drop)
}

/// What a directory shows.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Listing {
    /// Names of its columns.
    pub columns: Vec<Vec<u8>>,
    /// Its rows: names, and the masks of the columns that are held.
    pub rows: Vec<(Vec<u8>, Masks)>,
}

/// What a directory shows, in as many requests as it takes.
///
/// # Errors
/// [`Status::Denied`] for who holds no column.
pub fn list(transactions: &mut impl Transactions, directory: &CapabilitySet) -> Result<Listing, Failure> {
    let mut listing = Listing::default();
    let mut first = 0;
    loop {
        let (reply, bytes) = read(transactions, directory, (Command::List, first), &[])?;
        whole(add(&mut listing, &bytes))?;
        // A server that goes back would never come to an end.
        if reply.extra <= first {
            return Ok(listing);
        }
        first = reply.extra;
    }
}

fn add(listing: &mut Listing, bytes: &[u8]) -> Result<(), Error> {
    let mut reader = Reader::new(bytes);
    let list = List::parse(&mut reader)?;
    listing.columns.clear();
    for _ in 0..list.columns {
        listing.columns.push(reader.string()?.to_vec());
    }
    for _ in 0..list.rows {
        let name = reader.string()?.to_vec();
        let masks = parse_masks(&mut reader, list.columns.into())?;
        listing.rows.push((name, masks));
    }
    Ok(())
}

/// Adds a row; of the masks as many count as the directory has columns.
///
/// # Errors
/// [`Status::Exists`]; [`Status::NoSpace`]; [`Status::Denied`] without the right to modify.
pub fn append(
    transactions: &mut impl Transactions,
    directory: &CapabilitySet,
    name: &[u8],
    set: &CapabilitySet,
    masks: &Masks,
) -> Result<(), Failure> {
    // Masks of columns that there are not would be left over, which does no harm.
    let row = data(|writer| {
        writer.string(name)?;
        set.emit(writer)?;
        emit_masks(masks, masks.len(), writer)
    })?;
    change(transactions, directory, (Command::Append, 0), &row).map(drop)
}

/// Changes the masks of a row.
///
/// # Errors
/// [`Status::NotFound`]; [`Status::Denied`] without the right to modify, or for rights that the client does not have.
pub fn change_masks(
    transactions: &mut impl Transactions,
    directory: &CapabilitySet,
    name: &[u8],
    masks: &Masks,
) -> Result<(), Failure> {
    let row = data(|writer| {
        writer.string(name)?;
        emit_masks(masks, masks.len(), writer)
    })?;
    read(transactions, directory, (Command::ChangeMasks, 0), &row).map(drop)
}

/// The masks of a row, and how many of them there are.
///
/// # Errors
/// [`Status::NotFound`]; [`Status::Denied`] for who holds no column.
pub fn masks(
    transactions: &mut impl Transactions,
    directory: &CapabilitySet,
    name: &[u8],
) -> Result<(Masks, usize), Failure> {
    let name = data(|writer| writer.string(name))?;
    let (_, bytes) = read(transactions, directory, (Command::GetMasks, 0), &name)?;
    let count = bytes.len() / 4;
    Ok((whole(parse_masks(&mut Reader::new(&bytes), count))?, count))
}

/// Removes a row.
///
/// # Errors
/// [`Status::NotFound`]; [`Status::Denied`] without the right to modify.
pub fn delete(
    transactions: &mut impl Transactions,
    directory: &CapabilitySet,
    name: &[u8],
) -> Result<(), Failure> {
    let name = data(|writer| writer.string(name))?;
    change(transactions, directory, (Command::Delete, 0), &name).map(drop)
}

/// Has a row lead to something else.
///
/// # Errors
/// As [`delete`].
pub fn replace(
    transactions: &mut impl Transactions,
    directory: &CapabilitySet,
    name: &[u8],
    set: &CapabilitySet,
) -> Result<(), Failure> {
    let row = data(|writer| {
        writer.string(name)?;
        set.emit(writer)
    })?;
    read(transactions, directory, (Command::Replace, 0), &row).map(drop)
}

/// Changes what kind of object a row leads to.
///
/// # Errors
/// As [`delete`].
pub fn put_type(
    transactions: &mut impl Transactions,
    directory: &CapabilitySet,
    name: &[u8],
    kind: &Capability,
) -> Result<(), Failure> {
    let row = data(|writer| {
        writer.string(name)?;
        writer.capability(kind)
    })?;
    read(transactions, directory, (Command::PutType, 0), &row).map(drop)
}

/// The sequence number of a directory, which rises with every change.
///
/// # Errors
/// What transaction and server may answer.
pub fn sequence(transactions: &mut impl Transactions, directory: &CapabilitySet) -> Result<u64, Failure> {
    let (_, bytes) = read(transactions, directory, (Command::GetSequence, 0), &[])?;
    whole(parse_sequence(&mut Reader::new(&bytes)))
}

/// Changes several rows of directories that the same servers keep, all or none.
///
/// # Errors
/// [`Own::Clash`] if a row does not hold what it is said to; [`Status::NotFound`]; [`Status::NoSpace`] for more than eleven
/// directories; [`Status::BadArgument`] for nothing at all, or more than a request holds.
pub fn install(
    transactions: &mut impl Transactions,
    installations: &[Installation<'_>],
) -> Result<(), Failure> {
    let first = installations.first().ok_or(Status::BadArgument)?;
    let all = data(|writer| installations.iter().try_for_each(|one| one.emit(writer)))?;
    change(transactions, &first.directory, (Command::Install, 0), &all).map(drop)
}

/// Looks up a name in each of several directories that the same servers keep.
///
/// # Errors
/// What transaction and server may answer for all of them; what is wrong with one stands in its place.
pub fn lookup_names(
    transactions: &mut impl Transactions,
    asked: &[(CapabilitySet, &[u8])],
) -> Result<Vec<Result<Found, Failure>>, Failure> {
    let Some((first, _)) = asked.first() else {
        return Ok(Vec::new());
    };
    let names = data(|writer| {
        asked.iter().try_for_each(|(directory, name)| {
            directory.emit(writer)?;
            writer.string(name)
        })
    })?;
    let (_, bytes) = read(transactions, first, (Command::SetLookup, 0), &names)?;
    let mut reader = Reader::new(&bytes);
    let mut found = Vec::new();
    for _ in asked {
        let entry = whole(Found::parse(&mut reader))?;
        found.push(entry.map_err(|code| match Failure::check(code) {
            Err(failure) => failure,
            Ok(()) => Status::SystemError.into(),
        }));
    }
    Ok(found)
}
