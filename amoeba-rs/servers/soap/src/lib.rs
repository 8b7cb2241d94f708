//! The directory server: names for capabilities, in tables whose columns give different rights, kept in two copies.
//!
//! Each of two servers has a super file on a disk of its own; the directories themselves are immutable files on two file
//! servers. An update writes new files, has the other server write down what is intended, and is done when the own commit
//! block holds the intentions as well.
//!
//! A tour:
//!
//! * [`directory`]: a directory as a table, and what may be done with it; [`sealed`]: the encrypted file of one.
//! * [`table`]: the super file; [`cache`]: directories at hand.
//! * [`world`]: what the server needs of others.
//! * [`engine`]: requests, updates by two servers, recovery, and what is done now and then.
//! * [`make`] and [`check`]: a super file is made with its first directories, and looked over.

#![no_std]
#![forbid(unsafe_code)]

extern crate alloc;
#[cfg(test)]
extern crate std;

pub mod cache;
pub mod check;
pub mod cipher;
pub mod directory;
pub mod engine;
pub mod make;
pub mod message;
pub mod sealed;
pub mod table;
#[cfg(test)]
mod tests;
pub mod world;

pub use engine::{Engine, Outcome};
pub use message::Message;
pub use world::{Disk, Files, World};
