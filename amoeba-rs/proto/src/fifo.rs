//! Pipes: queues of bytes between processes, which a server keeps.
//!
//! A fifo is an object that many may open. Who opens it gets an end, an object of its own, for reading, for writing or for both, which is
//! what a process is given as its input or output: it understands [`Read`](crate::terminal::Command::Read),
//! [`TimedRead`](crate::terminal::Command::TimedRead), [`Write`](crate::terminal::Command::Write),
//! [`Status`](crate::terminal::Command::Status) and [`Close`](crate::terminal::Command::Close) as terminals do.
//!
//! Where the arguments of commands stand ([`crate::message`]):
//!
//! | command | object | request | reply |
//! |---|---|---|---|
//! | create | server | offset: bytes that it is to hold, 0 for the usual; extra: [`Make`] | port and private part: the fifo |
//! | open | fifo | extra: [`Open`] | port and private part: the end |
//! | share | end | extra: how many more hold it, 0 counts as 1 | |
//! | close | end | | |
//! | buffer size | fifo, end | | offset: bytes that it holds |
//! | read, timed read | end | as for a terminal | data; size; extra: 1 at the end, when it is empty and nobody writes |
//! | write | end | size and data | size: how much was written |
//!
//! A read waits until there is something, a write until there is room for all of it if it is not longer than the fifo. What waits is told
//! [`NotNow`](standard::Status::NotNow) after [`LONGEST_WAIT`], and by a server whose threads all wait: then ask again.
//!
//! The codes are Amoeba's; what stands in requests and replies is chosen here.

use crate::capability::Rights;
use crate::standard;

codes! {
    /// A command of the fifo server.
    Command: u16 {
        /// Make a fifo.
        Create = 4200,
        /// Open it.
        Open = 4201,
        /// One holder more has this end, who will close it too.
        Share = 4202,
        /// A holder does not use the end any more; with the last one it is gone.
        Close = 4203,
        /// Tell how much a fifo holds.
        BufferSize = 4204,
    }
}

codes! {
    /// Why a command failed, where no standard code says it.
    Status: i16 {
        /// Nobody has the fifo open for reading (a broken pipe).
        NoReader = -4201,
    }
}

own_failure! {
    /// Why a request to the fifo server failed.
    Fifo
}

bitflags::bitflags! {
    /// How a fifo is made.
    #[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
    pub struct Make: u16 {
        /// It goes with the last of its ends. Another one is there until it is destroyed, or too old.
        const TEMPORARY = 1;
    }
}

bitflags::bitflags! {
    /// How a fifo is opened.
    #[derive(Clone, Copy, Debug, PartialEq, Eq)]
    pub struct Open: u16 {
        /// For reading.
        const READ = 1;
        /// For writing.
        const WRITE = 2;
        /// Without it, who opens only one side waits for the other one to be opened.
        const NO_WAIT = 4;
    }
}

/// Rights on fifos and their ends.
pub mod right {
    use super::Rights;

    /// Read, and open for reading.
    pub const READ: Rights = Rights(0x01);
    /// Write, and open for writing.
    pub const WRITE: Rights = Rights(0x02);
    /// Make fifos (on the server).
    pub const CREATE: Rights = Rights(0x04);
    /// Share and close an end, destroy a fifo.
    pub const CLOSE: Rights = Rights(0x08);
    /// Have everything get older.
    pub const ADMIN: Rights = Rights(0x80);
}

/// The number of the server's own object.
pub const SERVER_OBJECT: u32 = 0;
/// Bytes that a fifo holds if nothing else is said.
pub const USUAL_BUFFER: u32 = 8192;
/// The most bytes that a fifo can hold.
pub const LARGEST_BUFFER: u32 = 64 << 10;
/// How long a request waits until it is told to ask again, in milliseconds.
pub const LONGEST_WAIT: u32 = 60_000;
/// How many times [`age`](standard::Command::Age) lets a fifo or an end live of which nobody makes use.
pub const LIFETIME: u8 = 24;

#[cfg(test)]
mod tests {
    use super::{Command, Failure, Status};

    #[test]
    fn commands_begin_at_4200() {
        assert!(Command::ALL.iter().map(|command| command.code()).eq(4200..=4204));
    }

    #[test]
    fn a_broken_pipe_is_an_error_of_its_own() {
        assert_eq!(Failure::check(-4201), Err(Failure::Fifo(Status::NoReader)));
        assert_eq!(Failure::Fifo(Status::NoReader).code(), -4201);
    }
}
