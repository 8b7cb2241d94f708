//! Pipes, which a fifo server keeps.
//!
//! What joins two programs by a pipe makes one ([`pipe`]), gives its ends to the programs as their STDIN and STDOUT, and closes each end
//! when the program that has it has ended. The programs themselves do not close what they were given. An end that several programs have
//! is closed after the last one, or [`share`]d and closed after each. When all ends for writing are closed a reader comes to the end;
//! when all ends for reading are, a writer is told [`proto::fifo::Status::NoReader`].

use super::capability;
use crate::Transactions;
use crate::standard::{self, request};
use crate::terminal;
use proto::capability::Capability;
use proto::fifo::{Command, Failure, Make, Open};
use proto::message::{Header, LARGEST_BUFFER};
use proto::standard::Status;

pub use crate::terminal::Read;

fn ask(transactions: &mut impl Transactions, header: &Header, data: &[u8]) -> Result<Header, Failure> {
    let (reply, _) = transactions.trans(header, data, &mut [])?;
    Failure::check(reply.command.cast_signed())?;
    Ok(reply)
}

/// A pipe between two programs: its ends, for reading and for writing. It goes when both are closed.
///
/// # Errors
/// As [`create`] and [`open`]; then nothing is left of it.
pub fn pipe(transactions: &mut impl Transactions, server: &Capability) -> Result<[Capability; 2], Failure> {
    let fifo = create(transactions, server, 0, Make::TEMPORARY)?;
    let reader = open(transactions, &fifo, Open::READ | Open::NO_WAIT);
    let writer = open(transactions, &fifo, Open::WRITE | Open::NO_WAIT);
    match (reader, writer) {
        (Ok(reader), Ok(writer)) => Ok([reader, writer]),
        (reader, writer) => {
            // Its ends go with it.
            let _ = standard::destroy(transactions, &fifo);
            Err(reader.and(writer).err().unwrap_or(Status::SystemError.into()))
        }
    }
}

/// Makes a fifo that holds so many bytes, 0 for the usual: its capability.
///
/// # Errors
/// [`Status::BadArgument`] for one that is too large, [`Status::NoSpace`] if there are too many.
pub fn create(
    transactions: &mut impl Transactions,
    server: &Capability,
    bytes: u32,
    how: Make,
) -> Result<Capability, Failure> {
    let header = Header {
        offset: i32::try_from(bytes).map_err(|_| Status::BadArgument)?,
        extra: how.bits(),
        ..request(server, Command::Create.code())
    };
    Ok(capability(&ask(transactions, &header, &[])?)?)
}

/// Opens a fifo: the capability of the end. Without [`Open::NO_WAIT`] it waits until both sides have been opened.
///
/// # Errors
/// [`Status::Denied`] without the rights, [`Status::NoSpace`] if there are too many ends.
pub fn open(
    transactions: &mut impl Transactions,
    fifo: &Capability,
    how: Open,
) -> Result<Capability, Failure> {
    let header = Header {
        extra: how.bits(),
        ..request(fifo, Command::Open.code())
    };
    Ok(capability(&again(|| ask(transactions, &header, &[]))?)?)
}

/// Has so many more hold an end, each of whom closes it.
///
/// # Errors
/// [`Status::BadCapability`] if it is closed.
pub fn share(transactions: &mut impl Transactions, end: &Capability, holders: u16) -> Result<(), Failure> {
    let header = Header {
        extra: holders,
        ..request(end, Command::Share.code())
    };
    ask(transactions, &header, &[]).map(drop)
}

/// One holder of an end does not use it any more.
///
/// # Errors
/// [`Status::BadCapability`] if it is closed already.
pub fn close(transactions: &mut impl Transactions, end: &Capability) -> Result<(), Failure> {
    ask(transactions, &request(end, Command::Close.code()), &[]).map(drop)
}

/// How many bytes a fifo holds, by its capability or that of an end.
///
/// # Errors
/// What transaction and server may answer.
pub fn buffer_size(transactions: &mut impl Transactions, fifo: &Capability) -> Result<u32, Failure> {
    let reply = ask(transactions, &request(fifo, Command::BufferSize.code()), &[])?;
    u32::try_from(reply.offset).map_err(|_| Status::SystemError.into())
}

/// Reads what there is, at least a byte; at the end nothing.
///
/// # Errors
/// [`Status::BadCapability`] if the end is closed; [`Status::Interrupted`] if a signal came first.
pub fn read(
    transactions: &mut impl Transactions,
    end: &Capability,
    buffer: &mut [u8],
) -> Result<Read, Failure> {
    again(|| terminal::read(transactions, end, buffer).map_err(Failure::from))
}

/// Writes all of it.
///
/// # Errors
/// [`proto::fifo::Status::NoReader`] if nobody reads.
pub fn write(transactions: &mut impl Transactions, end: &Capability, bytes: &[u8]) -> Result<(), Failure> {
    let mut rest = bytes;
    while !rest.is_empty() {
        let chunk = &rest[..rest.len().min(LARGEST_BUFFER)];
        let header = Header {
            size: chunk.len() as u16,
            ..request(end, proto::terminal::Command::Write.code())
        };
        let reply = again(|| ask(transactions, &header, chunk))?;
        let written = usize::from(reply.size);
        if written == 0 || written > chunk.len() {
            return Err(Status::SystemError.into());
        }
        rest = &rest[written..];
    }
    Ok(())
}

/// Does something again that was told to wait longer.
fn again<T>(mut action: impl FnMut() -> Result<T, Failure>) -> Result<T, Failure> {
    loop {
        match action() {
            Err(Failure::Standard(Status::NotNow)) => {}
            done => return done,
        }
    }
}
