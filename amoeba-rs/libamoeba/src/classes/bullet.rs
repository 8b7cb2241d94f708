//! Files of a Bullet server. Contents of any length go in as many requests as they take, and what is made from them is committed with
//! the last one.

use super::{ask, capability};
use crate::Transactions;
use crate::standard::request;
use proto::bullet::{Command, Commit, LARGEST_PIECE, emit_length};
use proto::capability::Capability;
use proto::message::Header;
use proto::standard::Status;

fn place(offset: u32) -> Result<i32, Status> {
    i32::try_from(offset).map_err(|_| Status::BadArgument)
}

/// A request that changes a file: the file that comes of it.
fn change(
    transactions: &mut impl Transactions,
    file: &Capability,
    command: Command,
    (offset, data): (u32, &[u8]),
    commit: Commit,
) -> Result<Capability, Status> {
    let header = Header {
        offset: place(offset)?,
        size: data.len() as u16,
        extra: commit.bits(),
        ..request(file, command.code())
    };
    let (reply, _) = ask(transactions, &header, data, &mut [])?;
    capability(&reply)
}

/// Sends contents in pieces: the first one with `first` to `origin`, the others with `rest` to the draft that has come of it. The last
/// piece commits. If one of them fails, a draft that nobody else knows goes.
fn send(
    transactions: &mut impl Transactions,
    origin: &Capability,
    [first, rest]: [Command; 2],
    (offset, data): (u32, &[u8]),
    commit: Commit,
) -> Result<Capability, Status> {
    let mut done = data.len().min(LARGEST_PIECE);
    let commit_after = |done| {
        if done == data.len() {
            commit
        } else {
            Commit::empty()
        }
    };
    let mut file = change(
        transactions,
        origin,
        first,
        (offset, &data[..done]),
        commit_after(done),
    )?;
    while done < data.len() {
        let end = data.len().min(done + LARGEST_PIECE);
        let start = u32::try_from(done).ok().and_then(|done| offset.checked_add(done));
        let sent = start.ok_or(Status::BadArgument).and_then(|start| {
            let piece = (start, &data[done..end]);
            change(transactions, &file, rest, piece, commit_after(end))
        });
        match sent {
            Ok(changed) => file = changed,
            Err(status) => {
                if file != *origin {
                    // It would disappear by itself, but until then it takes the server's memory.
                    let _ = crate::standard::destroy(transactions, &file);
                }
                return Err(status);
            }
        }
        done = end;
    }
    Ok(file)
}

/// Makes a file. `server` may be a file instead, which is the answer if it has the same contents.
///
/// # Errors
/// [`Status::NoSpace`] and [`Status::NoMemory`] if the server has no room; what else a transaction and a server may answer.
pub fn create(
    transactions: &mut impl Transactions,
    server: &Capability,
    data: &[u8],
    commit: Commit,
) -> Result<Capability, Status> {
    let commands = [Command::Create, Command::Modify];
    send(transactions, server, commands, (0, data), commit)
}

/// Overwrites a part of a file, or writes behind its end: the changed file. Without data: commits it.
///
/// # Errors
/// As [`create`]; [`Status::BadArgument`] if `offset` is behind the end.
pub fn modify(
    transactions: &mut impl Transactions,
    file: &Capability,
    offset: u32,
    data: &[u8],
    commit: Commit,
) -> Result<Capability, Status> {
    send(transactions, file, [Command::Modify; 2], (offset, data), commit)
}

/// Puts data in between: the changed file.
///
/// # Errors
/// As [`modify`].
pub fn insert(
    transactions: &mut impl Transactions,
    file: &Capability,
    offset: u32,
    data: &[u8],
    commit: Commit,
) -> Result<Capability, Status> {
    send(transactions, file, [Command::Insert; 2], (offset, data), commit)
}

/// Takes bytes out of a file: the changed file.
///
/// # Errors
/// As [`modify`].
pub fn delete(
    transactions: &mut impl Transactions,
    file: &Capability,
    offset: u32,
    length: u32,
    commit: Commit,
) -> Result<Capability, Status> {
    let header = Header {
        offset: place(offset)?,
        extra: commit.bits(),
        ..request(file, Command::Delete.code())
    };
    let data = emit_length(length).map_err(|_| Status::BadArgument)?;
    let (reply, _) = ask(transactions, &header, &data, &mut [])?;
    capability(&reply)
}

/// Commits a file as it is: the file.
///
/// # Errors
/// As [`modify`].
pub fn commit(
    transactions: &mut impl Transactions,
    file: &Capability,
    is_safe: bool,
) -> Result<Capability, Status> {
    let commit = if is_safe { Commit::all() } else { Commit::COMMIT };
    modify(transactions, file, 0, &[], commit)
}

/// Reads a file from `offset` on: how many bytes there were. A request that fails is repeated once.
///
/// # Errors
/// [`Status::BadArgument`] if `offset` is behind the end; what else a transaction and a server may answer.
pub fn read(
    transactions: &mut impl Transactions,
    file: &Capability,
    offset: u32,
    data: &mut [u8],
) -> Result<usize, Status> {
    let mut done = 0;
    while done < data.len() {
        let room = (data.len() - done).min(LARGEST_PIECE);
        let start = u32::try_from(done).ok().and_then(|done| offset.checked_add(done));
        let header = Header {
            offset: place(start.ok_or(Status::BadArgument)?)?,
            size: room as u16,
            ..request(file, Command::Read.code())
        };
        let piece = &mut data[done..done + room];
        let read = ask(transactions, &header, &[], piece);
        let (_, length) = match read {
            Ok(read) => read,
            Err(_) => ask(transactions, &header, &[], piece)?,
        };
        done += length;
        if length < room {
            break;
        }
    }
    Ok(done)
}

/// The size of a file, in bytes.
///
/// # Errors
/// What a transaction and a server may answer.
pub fn size(transactions: &mut impl Transactions, file: &Capability) -> Result<u32, Status> {
    let (reply, _) = ask(transactions, &request(file, Command::Size.code()), &[], &mut [])?;
    u32::try_from(reply.offset).map_err(|_| Status::SystemError)
}

fn administer(
    transactions: &mut impl Transactions,
    server: &Capability,
    command: Command,
) -> Result<(), Status> {
    ask(transactions, &request(server, command.code()), &[], &mut []).map(drop)
}

/// Has the server bring everything that is committed to its disk.
///
/// # Errors
/// What a transaction and a server may answer.
pub fn sync(transactions: &mut impl Transactions, server: &Capability) -> Result<(), Status> {
    administer(transactions, server, Command::Sync)
}

/// Has the server check its file system.
///
/// # Errors
/// [`Status::SystemError`] if something was wrong; what else a transaction and a server may answer.
pub fn check(transactions: &mut impl Transactions, server: &Capability) -> Result<(), Status> {
    administer(transactions, server, Command::Check)
}

/// Has the server join the free space of its disk.
///
/// # Errors
/// What a transaction and a server may answer.
pub fn compact(transactions: &mut impl Transactions, server: &Capability) -> Result<(), Status> {
    administer(transactions, server, Command::Compact)
}
