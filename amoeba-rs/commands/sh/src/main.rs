//! `sh`: the shell as a program.

#![cfg_attr(target_os = "none", no_std, no_main)]

#[cfg(target_os = "none")]
extern crate alloc;
#[cfg(target_os = "none")]
mod program;

#[cfg(target_os = "none")]
libamoeba::program!(program::main);

/// There is nothing to run on a host, where only the library is of use.
#[cfg(not(target_os = "none"))]
fn main() {
    eprintln!("sh: a program of Amoeba");
    std::process::exit(1);
}
