//! Lab description files, board assembly, the lab runtime and the `amlab` command.

pub mod lab;
pub mod runtime;

/// The build script's check of guest images, tested here.
#[cfg(test)]
#[path = "../build/instruction_set.rs"]
mod instruction_set;
