//! `run [-p NAME] [-e PATH]... [-d POOL] [HOST=STATION]...`: the run server.
//!
//! It is known by the capability `RUN_SUPER` of its environment, whose port is its get-port; with `-p` by a port that a name stands
//! for, and otherwise by a random one. It enters its capability at each PATH. The hosts of its first pool are those in the directory POOL
//! (`/profile/pool` if nothing is said), which it reads now and then, and those of the command line, by name and by the station address of
//! their first card. Names are looked up from `ROOT` and `WORK` of its environment; without `ROOT` there is no directory. It tells on its
//! terminal which hosts come up and go down.

#![cfg_attr(target_os = "none", no_std)]
#![cfg_attr(target_os = "none", no_main)]

#[cfg(target_os = "none")]
extern crate alloc;
#[cfg(target_os = "none")]
mod program;

/// The server runs on a kernel of Amoeba alone; its parts are the library's.
#[cfg(not(target_os = "none"))]
fn main() {}
