//! The shell, as a library that knows no machine: what the program does with the system it does by the trait [`World`].
//!
//! It is the shell of POSIX 1003.2 for a system without `fork`. What another process has to do, because commands run beside each other or
//! because it must not change this shell, is done by another shell: [`syntax`] can be printed, and that shell is given the text with the
//! variables and functions in front of it.
//!
//! A tour: [`parser`] makes [`syntax`] of text; [`expansion`] makes fields of words, with [`pattern`] and [`arithmetic`]; [`Shell`]
//! carries commands out, and [`Text`] gathers lines to whole commands.
//!
//! What it leaves out: aliases, `command`, `umask`, `ulimit`, job control beyond `jobs`, `wait` and `kill`, and descriptors other than 0, 1 and 2.
//! `read` takes a pipe by the block: what it has not used is lost for programs that go on reading there.

#![no_std]
#![forbid(unsafe_code)]

extern crate alloc;
#[cfg(test)]
extern crate std;

pub mod arithmetic;
mod builtins;
mod condition;
mod execution;
pub mod expansion;
mod jobs;
pub mod parser;
pub mod pattern;
mod pipelines;
mod shell;
pub mod syntax;
#[cfg(test)]
mod tests;
mod text;
mod traps;
mod variables;
pub mod world;

pub use shell::{Options, Shell};
pub use text::Text;
pub use world::World;
