//! Lab description files, board assembly, the lab runtime and the `amlab` command.

pub mod command;
pub mod folder;
pub mod lab;
pub mod runtime;
