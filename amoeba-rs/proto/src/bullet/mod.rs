//! The Bullet file server: its commands, and how its files lie on a disk ([`disk`]).
//!
//! Where the arguments of commands stand ([`crate::message`] and [`crate::marshal`]):
//!
//! | command | request | reply |
//! |---|---|---|
//! | create | size and data: the contents; extra: [`Commit`] | port and private part: the file |
//! | modify, insert | offset, size and data; extra: [`Commit`] | port and private part: the file |
//! | delete | offset; data: how many bytes, an integer of four bytes; extra: [`Commit`] | port and private part: the file |
//! | read | offset; size: how much is wanted | data; size: how much there was |
//! | size | | offset: the size |
//! | check, compact, sync | | |

use crate::Error;
use crate::capability::Rights;
use crate::marshal::{Reader, Writer};

pub mod disk;
#[cfg(test)]
mod tests;

codes! {
    /// A command of the Bullet server.
    Command: u16 {
        /// Make a file. The capability is the server's, or that of a file: if the new contents are the same as that file's,
        /// the file itself is the answer.
        Create = 2001,
        /// Take bytes out.
        Delete = 2002,
        /// Check the file system.
        Check = 2003,
        /// Put bytes in between.
        Insert = 2004,
        /// Overwrite bytes, and write behind the end. Without bytes: only commit, or have the file live on.
        Modify = 2005,
        /// Read.
        Read = 2006,
        /// Tell the size of a file.
        Size = 2007,
        /// Join the free space on the disk.
        Compact = 2008,
        /// Write everything that is committed to the disk.
        Sync = 2009,
    }
}

bitflags::bitflags! {
    /// What becomes of a file after a command that has changed it.
    #[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
    pub struct Commit: u16 {
        /// It is finished and does not change any more.
        const COMMIT = 1;
        /// The reply comes when it is on the disk; without [`Commit::COMMIT`] it means nothing.
        const SAFETY = 2;
    }
}

/// Rights on files, and on the server itself.
pub mod right {
    use super::Rights;

    /// Make files.
    pub const CREATE: Rights = Rights(0x01);
    /// Read a file.
    pub const READ: Rights = Rights(0x02);
    /// Change a file, or make another one from it.
    pub const MODIFY: Rights = Rights(0x04);
    /// Destroy a file.
    pub const DESTROY: Rights = Rights(0x08);
    /// Age files, check, compact and synchronise the disk.
    pub const ADMIN: Rights = Rights(0x80);
}

/// The number of the server's own object.
pub const SERVER_OBJECT: u32 = 0;
/// The most bytes of a file in one request or reply of a client: what twenty packets of an Ethernet held in former protocols,
/// without the header.
pub const LARGEST_PIECE: usize = 1490 - 32 + 19 * 1490;
/// How many times [`age`](crate::standard::Command::Age) lets a file live that nobody touches.
pub const LIFETIME: u8 = 24;
/// Time between two sweeps, in milliseconds.
pub const SWEEP_MILLISECONDS: u32 = 60_000;
/// After how many sweeps a file disappears that was neither committed nor changed.
pub const DRAFT_SWEEPS: u8 = 10;

/// The data of a request to [`Command::Delete`]: how many bytes go.
pub fn emit_length(length: u32) -> Result<[u8; 4], Error> {
    let mut bytes = [0; 4];
    let length = i32::try_from(length).map_err(|_| Error::Length)?;
    Writer::new(&mut bytes).i32(length)?;
    Ok(bytes)
}

/// Reads the data of a request to [`Command::Delete`]; a negative number is [`Error::Length`].
pub fn parse_length(data: &[u8]) -> Result<u32, Error> {
    u32::try_from(Reader::new(data).i32()?).map_err(|_| Error::Length)
}
