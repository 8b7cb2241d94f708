//! Processes and segments.

use super::{ask, capability};
use crate::Transactions;
use crate::standard::request;
use alloc::string::String;
use alloc::vec;
use proto::capability::Capability;
use proto::message::{Header, LARGEST_BUFFER};
use proto::process::server::{Command, LARGEST_REQUEST, LONGEST_COMMENT, file};
use proto::standard::Status;

/// How a machine fares.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Load {
    /// Thousand turns of a loop a second.
    pub speed: u16,
    /// Threads that can run, times 1024.
    pub load: u16,
    /// Free memory, in bytes.
    pub free: u32,
}

/// Starts a process from a descriptor: its capability.
pub fn exec(
    transactions: &mut impl Transactions,
    server: &Capability,
    descriptor: &[u8],
) -> Result<Capability, Status> {
    let (reply, _) = ask(
        transactions,
        &request(server, Command::Exec.code()),
        descriptor,
        &mut [],
    )?;
    capability(&reply)
}

/// Stuns a process; a negative code is an emergency.
pub fn stun(transactions: &mut impl Transactions, process: &Capability, code: i32) -> Result<(), Status> {
    let header = Header {
        offset: code,
        ..request(process, Command::Stun.code())
    };
    ask(transactions, &header, &[], &mut []).map(drop)
}

/// Who is told when a process stops.
pub fn owner(transactions: &mut impl Transactions, process: &Capability) -> Result<Capability, Status> {
    let (reply, _) = ask(
        transactions,
        &request(process, Command::GetOwner.code()),
        &[],
        &mut [],
    )?;
    capability(&reply)
}

/// Changes who is told when a process stops.
pub fn set_owner(
    transactions: &mut impl Transactions,
    process: &Capability,
    owner: &Capability,
) -> Result<(), Status> {
    let header = request(process, Command::SetOwner.code());
    ask(transactions, &header, &owner.emit(), &mut []).map(drop)
}

/// How the machine of a process server fares.
pub fn load(transactions: &mut impl Transactions, server: &Capability) -> Result<Load, Status> {
    let (reply, _) = ask(
        transactions,
        &request(server, Command::GetLoad.code()),
        &[],
        &mut [],
    )?;
    Ok(load_of(&reply))
}

/// Makes a segment: its capability.
pub fn create_segment(
    transactions: &mut impl Transactions,
    server: &Capability,
    length: u32,
) -> Result<Capability, Status> {
    let header = Header {
        offset: i32::try_from(length).map_err(|_| Status::BadArgument)?,
        ..request(server, Command::SegmentCreate.code())
    };
    let (reply, _) = ask(transactions, &header, &[], &mut [])?;
    capability(&reply)
}

/// Writes to a segment, in as many requests as it takes.
pub fn write_segment(
    transactions: &mut impl Transactions,
    segment: &Capability,
    offset: u32,
    data: &[u8],
) -> Result<(), Status> {
    let starts = (offset..).step_by(LARGEST_REQUEST);
    for (start, chunk) in starts.zip(data.chunks(LARGEST_REQUEST)) {
        let header = Header {
            offset: i32::try_from(start).map_err(|_| Status::BadArgument)?,
            size: chunk.len() as u16,
            ..request(segment, Command::SegmentWrite.code())
        };
        ask(transactions, &header, chunk, &mut [])?;
    }
    Ok(())
}

/// Reads a segment or a file from `offset` on, in as many requests as it takes: how many bytes there were.
pub fn read(
    transactions: &mut impl Transactions,
    object: &Capability,
    offset: u32,
    data: &mut [u8],
) -> Result<usize, Status> {
    let mut done = 0;
    while done < data.len() {
        let room = (data.len() - done).min(LARGEST_BUFFER);
        let start = offset
            .checked_add(done as u32)
            .and_then(|start| i32::try_from(start).ok());
        let header = Header {
            offset: start.ok_or(Status::BadArgument)?,
            size: room as u16,
            ..request(object, file::READ)
        };
        let (_, length) = ask(transactions, &header, &[], &mut data[done..done + room])?;
        done += length;
        if length < room {
            break;
        }
    }
    Ok(done)
}

/// The size of a segment or a file.
pub fn size(transactions: &mut impl Transactions, object: &Capability) -> Result<u32, Status> {
    let (reply, _) = ask(transactions, &request(object, file::SIZE), &[], &mut [])?;
    u32::try_from(reply.offset).map_err(|_| Status::SystemError)
}

/// How a machine fares, and a capability that allows processes to be started there. It is good until two more were given out.
pub fn secure_load(
    transactions: &mut impl Transactions,
    server: &Capability,
) -> Result<(Load, Capability), Status> {
    let (reply, _) = ask(
        transactions,
        &request(server, Command::SecureGetLoad.code()),
        &[],
        &mut [],
    )?;
    Ok((load_of(&reply), capability(&reply)?))
}

fn load_of(reply: &Header) -> Load {
    Load {
        speed: reply.extra,
        load: reply.size,
        free: reply.offset.cast_unsigned(),
    }
}

/// The pages that users of a machine have, and bytes of a page.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Defaults {
    /// Number of the first page.
    pub first_page: u32,
    /// Number of the page behind the last.
    pub end: u32,
    /// Bytes.
    pub page: u32,
}

/// The pages that users of a machine have.
pub fn defaults(transactions: &mut impl Transactions, server: &Capability) -> Result<Defaults, Status> {
    let (reply, _) = ask(
        transactions,
        &request(server, Command::GetDefaults.code()),
        &[],
        &mut [],
    )?;
    Ok(Defaults {
        first_page: u32::from(reply.extra),
        end: reply.offset.cast_unsigned(),
        page: 1_u32
            .checked_shl(u32::from(reply.size))
            .ok_or(Status::SystemError)?,
    })
}

/// Gives a process a comment of 31 characters at most.
pub fn set_comment(
    transactions: &mut impl Transactions,
    process: &Capability,
    comment: &str,
) -> Result<(), Status> {
    let header = request(process, Command::SetComment.code());
    ask(transactions, &header, comment.as_bytes(), &mut []).map(drop)
}

/// The comment on a process.
pub fn comment(transactions: &mut impl Transactions, process: &Capability) -> Result<String, Status> {
    let mut room = vec![0; LONGEST_COMMENT + 1];
    let header = Header {
        size: room.len() as u16,
        ..request(process, Command::GetComment.code())
    };
    let (_, length) = ask(transactions, &header, &[], &mut room)?;
    let text = room[..length].split(|byte| *byte == 0).next().unwrap_or_default();
    Ok(String::from_utf8_lossy(text).into_owned())
}

/// Makes a segment that begins with what another one of the same machine holds: its capability.
pub fn clone_segment(
    transactions: &mut impl Transactions,
    server: &Capability,
    length: u32,
    original: &Capability,
) -> Result<Capability, Status> {
    let header = Header {
        offset: i32::try_from(length).map_err(|_| Status::BadArgument)?,
        ..request(server, Command::SegmentCreate.code())
    };
    let (reply, _) = ask(transactions, &header, &original.emit(), &mut [])?;
    capability(&reply)
}
