//! The Bullet file server: files that do not change once they are committed, each in one piece on the disk and in the cache.
//!
//! A tour. Values without I/O: [`extents`] maps free space, [`cache`] says which file lies where in memory, [`table`] what is on
//! the disk; [`state`] joins them with the files that still change. [`engine`] carries requests out: it changes the state under a
//! lock, and reads and writes the [`Disk`] without it. [`check`] is the check of a disk, [`make`] makes an empty one.
//!
//! Where what is known of Amoeba's server leaves a choice:
//!
//! * To edit a committed file takes the right to read as well, since the new file holds the old contents and all rights. So does
//!   creating a file by comparison.
//! * `delete` beyond the end of a file takes what there is up to the end.
//! * The reply to destroying, and to ageing, comes when the disk says it. Blocks are free no sooner.
//! * Files that overlap are both destroyed by the check.
//! * A commit that fails for want of space leaves a file that the client knows uncommitted; one that it does not know goes.

#![no_std]
#![deny(unsafe_code)]

extern crate alloc;
#[cfg(test)]
extern crate std;

mod cache;
pub mod check;
mod disk;
mod engine;
mod extents;
pub mod make;
mod memory;
mod state;
mod statistics;
mod table;
#[cfg(test)]
mod tests;

pub use disk::Disk;
pub use engine::{Engine, Host};
pub use state::State;
