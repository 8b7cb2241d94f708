//! `utilities`: commands by several names. Called as `utilities` its first argument is the name.

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
    eprintln!("utilities: a program of Amoeba");
    std::process::exit(1);
}
