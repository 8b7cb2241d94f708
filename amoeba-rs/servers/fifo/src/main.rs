//! `fifo [-p NAME] [-e PATH]...`: the fifo server.
//!
//! It is known by the capability `FIFO_SUPER` of its environment, whose port is its get-port; with `-p` by a port that a name stands
//! for, and otherwise by a random one. It enters its capability at each PATH, which is looked up from `ROOT` and `WORK` of its environment.
//! Names and check fields that nobody can guess come from `RANDOM`.

#![cfg_attr(target_os = "none", no_std)]
#![cfg_attr(target_os = "none", no_main)]

#[cfg(target_os = "none")]
extern crate alloc;
#[cfg(target_os = "none")]
mod program;

/// The server runs on a kernel of Amoeba alone; its parts are the library's.
#[cfg(not(target_os = "none"))]
fn main() {}
