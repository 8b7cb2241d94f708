//! The standard commands as a client calls them.

use crate::Transactions;
use proto::capability::{Capability, Private, Rights};
use proto::message::{Header, LARGEST_BUFFER};
use proto::standard::{Command, Status};

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
    let room = buffer.len().min(LARGEST_BUFFER);
    let header = Header {
        size: room as u16,
        ..request(capability, Command::Info.code())
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

/// Destroys an object.
pub fn destroy(transactions: &mut impl Transactions, capability: &Capability) -> Result<(), Status> {
    let header = request(capability, Command::Destroy.code());
    let (reply, _) = transactions.trans(&header, &[], &mut [])?;
    succeed(&reply)
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
