//! Checkpoints: what the owner of a process is told when it stops, and what it may answer. With the descriptor in it a process
//! can also go on elsewhere.

use crate::Transactions;
use crate::classes::process;
use crate::program::Image;
use crate::standard::{request, succeed};
use alloc::vec::Vec;
use proto::capability::{CAPABILITY_LENGTH, Capability};
use proto::message::Header;
use proto::process::server::{Cause, Command};
use proto::standard::Status;

/// What the owner of a process is told.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Report {
    /// Why the process has stopped.
    pub cause: Cause,
    /// Exit status, stun code or exception.
    pub detail: i32,
    /// The process. One that has ended by itself has segments, but no threads any more.
    pub image: Image,
}

impl Report {
    /// Reads a request to the owner; `None` if it is no checkpoint.
    pub fn parse(header: &Header, data: &[u8]) -> Option<Report> {
        if header.command != Command::Checkpoint.code() {
            return None;
        }
        Some(Report {
            cause: Cause::from_code(header.extra)?,
            detail: header.offset,
            image: Image::parse(data)?,
        })
    }
}

/// An owner is told that a process of its own goes on as another one.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Swap {
    /// The process as it was.
    pub old: Capability,
    /// The process as it is.
    pub new: Capability,
}

impl Swap {
    /// Reads a request to the owner; `None` if it is another one.
    pub fn parse(header: &Header, data: &[u8]) -> Option<Swap> {
        let (old, new) = data.split_at_checked(CAPABILITY_LENGTH)?;
        (header.command == Command::SwapProcess.code()).then_some(Swap {
            old: Capability::parse(old).ok()?,
            new: Capability::parse(new).ok()?,
        })
    }

    /// Tells the owner.
    ///
    /// # Errors
    /// What the owner says, or the network of it.
    pub fn tell(&self, transactions: &mut impl Transactions, owner: &Capability) -> Result<(), Status> {
        let data = [self.old.emit(), self.new.emit()].concat();
        let header = request(owner, Command::SwapProcess.code());
        let (reply, _) = transactions.trans(&header, &data, &mut [])?;
        succeed(&reply)
    }
}

/// What becomes of a process that has stopped.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Answer {
    /// It goes on as its descriptor says, which may differ in the threads' registers.
    Resume(Image),
    /// It ends.
    Kill,
}

impl Answer {
    /// The reply to the kernel.
    pub fn reply(&self) -> (Header, Vec<u8>) {
        let mut header = Header::default();
        let bytes = match self {
            Answer::Resume(image) => image.emit(),
            Answer::Kill => None,
        };
        header.set_status(if bytes.is_some() {
            Status::Ok
        } else {
            Status::Interrupted
        });
        let bytes = bytes.unwrap_or_default();
        header.size = bytes.len() as u16;
        (header, bytes)
    }
}

/// Has a process that has stopped go on on the machine of another process server, with another owner: its capability there.
/// The contents of its segments are there when this comes back, so the original may be killed.
///
/// # Errors
/// What the process server says; the original is as it was.
pub fn immigrate(
    transactions: &mut impl Transactions,
    server: &Capability,
    image: &Image,
    owner: &Capability,
) -> Result<Capability, Status> {
    let mut image = image.clone();
    image.head.own = Capability::NULL;
    image.head.owner = *owner;
    let descriptor = image.emit().ok_or(Status::BadArgument)?;
    process::exec(transactions, server, &descriptor)
}
