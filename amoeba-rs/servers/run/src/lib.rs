//! The run server: it knows how the hosts of processor pools fare, and says on which of them a program is to run.
//!
//! A tour:
//!
//! * [`suitability`]: how well a host suits a program.
//! * [`host`]: what is known of a host, and when it is asked next.
//! * [`pool`]: a pool's directory, and how it is read.
//! * [`engine`]: requests. It does no I/O: what must be asked of hosts, the program asks ([`poll`]), and comes back with the answer.

#![no_std]
#![forbid(unsafe_code)]

extern crate alloc;
#[cfg(test)]
extern crate std;

pub mod engine;
pub mod host;
pub mod poll;
pub mod pool;
pub mod suitability;
#[cfg(test)]
mod tests;

pub use engine::{Engine, Outcome};
