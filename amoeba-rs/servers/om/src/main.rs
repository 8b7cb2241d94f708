//! `om [-i MINUTES] [-n ROUNDS] [-a SERVER]... [-r SERVER]... [ROOT]...`: the object manager.
//!
//! Every 60 minutes, or as -i says, it walks the graph of directories from the ROOTs, or from `/`, and touches everything that it comes to. Then it
//! has each server of -a count its objects older. Files that have a copy on one of the servers of -r get one on each of them. With -n it
//! ends after so many rounds. SERVER and ROOT are paths, which are looked up from `ROOT` and `WORK` of its environment before each round.

#![cfg_attr(target_os = "none", no_std)]
#![cfg_attr(target_os = "none", no_main)]

#[cfg(target_os = "none")]
extern crate alloc;
#[cfg(target_os = "none")]
mod program;

/// The manager runs on a kernel of Amoeba alone; its parts are the library's.
#[cfg(not(target_os = "none"))]
fn main() {}
