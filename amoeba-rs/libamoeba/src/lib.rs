//! What programs of Amoeba are written with: transactions, servers, and the standard commands from both sides.
//!
//! A tour:
//!
//! * [`Transactions`]: what the kernel offers, `trans`, `getreq` and `putrep`. Tests bring a kernel of their own.
//! * [`Server`] and [`serve`]: a server says what its objects are; the loop checks capabilities and answers the
//!   standard commands.
//! * [`standard`]: the standard commands as a client calls them; [`classes`]: the commands of the kernel's servers;
//!   [`terminal`]: those of terminals; [`migration`]: moving processes.
//! * [`program`]: starting a program, here or on another machine; [`checkpoint`]: what the owner of a process is told and answers,
//!   and moving a process; [`owner`]: waiting for processes to end.
//! * [`ports`]: ports by name; [`host`]: kernels and their servers by station address.
//! * [`directory`]: directories, and objects by their paths.
//! * [`explain`]: errors in words.
//! * [`stream`]: terminals, files and fifos as what a program reads and writes.
//! * `system`, on the machine itself only: system calls, threads, heap, and what comes before `main`.

#![no_std]
#![deny(unsafe_code)]

extern crate alloc;

pub mod checkpoint;
pub mod classes;
pub mod directory;
pub mod explanation;
pub mod host;
pub mod migration;
pub mod owner;
pub mod ports;
pub mod program;
pub mod server;
pub mod standard;
pub mod stream;
#[cfg(target_os = "none")]
#[allow(unsafe_code)]
pub mod system;
pub mod terminal;
#[cfg(test)]
mod tests;

pub use explanation::explain;
pub use host::host_lookup;
pub use ports::{named_port, put_port};
pub use server::{Request, Server, serve};

use proto::capability::Port;
use proto::message::Header;
use proto::standard::Status;
use strings as _;

/// The three calls of a transaction. Buffers hold at most
/// [`LARGEST_BUFFER`](proto::message::LARGEST_BUFFER) bytes; what does not fit into the receiver's is cut off.
pub trait Transactions {
    /// Sends a request to the server that listens on `request.port` and waits for its reply: its header, and how
    /// many bytes of `reply_data` it filled. An error if it came to nothing.
    fn trans(
        &mut self,
        request: &Header,
        request_data: &[u8],
        reply_data: &mut [u8],
    ) -> Result<(Header, usize), Status>;

    /// Waits for a request on a get-port: its header, and how many bytes of `data` it filled. An error if the
    /// wait was aborted.
    fn getreq(&mut self, port: Port, data: &mut [u8]) -> Result<(Header, usize), Status>;

    /// Answers the request that the last `getreq` brought.
    fn putrep(&mut self, reply: &Header, data: &[u8]);
}
