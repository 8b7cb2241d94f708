//! The fifo server: queues of bytes between processes, which are their pipes.
//!
//! A tour:
//!
//! * [`fifo`]: one queue with who waits to read and to write.
//! * [`engine`]: fifos and their ends as objects, and requests to them. A request that has to wait ends in [`Outcome::Wait`]; the reply
//!   comes out of the engine after the request that makes it possible.
//!
//! Nothing stays for ever of clients that are gone. An end lives for 24 hours after the last request to it; a program that reads asks again
//! at least every minute, and who holds ends that are not used touches them. Fifos themselves lie in directories, and grow older by
//! [`age`](proto::standard::Command::Age) like everything there, unless they are open; temporary ones go with their last end.

#![no_std]
#![forbid(unsafe_code)]

extern crate alloc;
#[cfg(test)]
extern crate std;

pub mod engine;
pub mod fifo;
#[cfg(test)]
mod tests;

pub use engine::{Engine, Outcome};
