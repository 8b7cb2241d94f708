//! The standard commands as a client calls them.

use crate::Transactions;
use proto::capability::{Capability, PRIVATE_LENGTH, Private, Rights};
use proto::message::{Header, LARGEST_BUFFER};
use proto::standard::{Command, Status};

/// How many objects are touched with one request.
const MOST_TOUCHED: usize = 32;

/// A request to carry out `command` on the object of `capability`.
pub fn request(capability: &Capability, command: u16) -> Header {
    Header {
        port: capability.port,
        private: capability.private.emit(),
        command,
        ..Header::default()
    }
}

/// Reads what an object is into `buffer`: how many bytes. [`Status::Overflow`] if the buffer is too small, which
/// then holds the beginning.
pub fn info(
    transactions: &mut impl Transactions,
    capability: &Capability,
    buffer: &mut [u8],
) -> Result<usize, Status> {
    tell(transactions, capability, Command::Info, buffer)
}

/// Reads a text that a server answers to a command.
fn tell(
    transactions: &mut impl Transactions,
    capability: &Capability,
    command: Command,
    buffer: &mut [u8],
) -> Result<usize, Status> {
    let room = buffer.len().min(LARGEST_BUFFER);
    let header = Header {
        size: room as u16,
        ..request(capability, command.code())
    };
    let (reply, length) = transactions.trans(&header, &[], &mut buffer[..room])?;
    succeed(&reply)?;
    if usize::from(reply.size) > room {
        Err(Status::Overflow)
    } else {
        Ok(length)
    }
}

/// Tells the server that the object is still in use.
pub fn touch(transactions: &mut impl Transactions, capability: &Capability) -> Result<(), Status> {
    let (reply, _) = transactions.trans(&request(capability, Command::Touch.code()), &[], &mut [])?;
    succeed(&reply)
}

/// Has the server touch several objects of its own: how many there were of them.
pub fn touch_many(
    transactions: &mut impl Transactions,
    server: &Capability,
    objects: &[Private],
) -> Result<usize, Status> {
    let mut touched = 0;
    let mut data = [0; MOST_TOUCHED * PRIVATE_LENGTH];
    for objects in objects.chunks(MOST_TOUCHED) {
        for (place, object) in data.chunks_exact_mut(PRIVATE_LENGTH).zip(objects) {
            place.copy_from_slice(&object.emit());
        }
        let header = Header {
            size: objects.len() as u16,
            ..request(server, Command::TouchMany.code())
        };
        let data = &data[..objects.len() * PRIVATE_LENGTH];
        let (reply, _) = transactions.trans(&header, data, &mut [])?;
        succeed(&reply)?;
        touched += usize::from(reply.extra);
    }
    Ok(touched)
}

/// Has all objects of a server get older.
pub fn age(transactions: &mut impl Transactions, server: &Capability) -> Result<(), Status> {
    let (reply, _) = transactions.trans(&request(server, Command::Age.code()), &[], &mut [])?;
    succeed(&reply)
}

/// Destroys an object.
pub fn destroy(transactions: &mut impl Transactions, capability: &Capability) -> Result<(), Status> {
    let (reply, _) = transactions.trans(&request(capability, Command::Destroy.code()), &[], &mut [])?;
    succeed(&reply)
}

/// Has a server make a copy of an object, which may be another server's: the copy.
pub fn copy(
    transactions: &mut impl Transactions,
    server: &Capability,
    original: &Capability,
) -> Result<Capability, Status> {
    let header = request(server, Command::Copy.code());
    let (reply, _) = transactions.trans(&header, &original.emit(), &mut [])?;
    succeed(&reply)?;
    Ok(Capability {
        port: reply.port,
        private: Private::parse(&reply.private).map_err(|_| Status::SystemError)?,
    })
}

/// Reads a server's figures into `buffer`, as [`info`] does.
pub fn status(
    transactions: &mut impl Transactions,
    capability: &Capability,
    buffer: &mut [u8],
) -> Result<usize, Status> {
    tell(transactions, capability, Command::Status, buffer)
}

/// The same capability with only the rights that `mask` keeps. Whoever has all rights knows the random number
/// and asks nobody.
pub fn restrict(
    transactions: &mut impl Transactions,
    capability: &Capability,
    mask: Rights,
) -> Result<Capability, Status> {
    let private = capability.private;
    if private.rights == Rights::ALL {
        return Ok(Capability {
            private: private.restrict(mask, private.check),
            ..*capability
        });
    }
    let header = Header {
        offset: i32::from(mask.0),
        ..request(capability, Command::Restrict.code())
    };
    let (reply, _) = transactions.trans(&header, &[], &mut [])?;
    succeed(&reply)?;
    let private = Private::parse(&reply.private).map_err(|_| Status::SystemError)?;
    Ok(Capability {
        private,
        ..*capability
    })
}

/// What a reply's status means for the caller; a code that is not a standard one is a fault of the server.
pub fn succeed(reply: &Header) -> Result<(), Status> {
    match reply.status() {
        Some(Status::Ok) => Ok(()),
        Some(status) => Err(status),
        None => Err(Status::SystemError),
    }
}
