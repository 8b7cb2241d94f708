//! The object manager: what lies in directories lives on, what does not grows old and goes, and files are kept in as many copies as they
//! shall have.
//!
//! A round walks the graph of directories from its roots, comes to each object once, and touches it. Then the servers that are listed are
//! told to count everything older. A file that has a copy on one server of the replication set gets one on each of the others.
//!
//! A tour: [`world`] is what the manager needs of others; [`round`] is a round; [`copies`] keeps files in copies.

#![no_std]
#![forbid(unsafe_code)]

extern crate alloc;
#[cfg(test)]
extern crate std;

pub mod copies;
pub mod round;
#[cfg(test)]
mod tests;
pub mod world;

pub use round::{Plan, Report, round};
pub use world::World;
