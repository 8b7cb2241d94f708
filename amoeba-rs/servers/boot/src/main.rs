//! `boot_server [-v] [DISK]`: the boot server, on the virtual disk that it was given by that name, or else on the first that begins as one of a boot server
//! does.
//!
//! Its environment holds `PROC`, `RANDOM` and `TTY`; configurations name these and all others that it was given. What it tells is on
//! its terminal: `amoeba ready` once all services that shall run do.

#![cfg_attr(target_os = "none", no_std)]
#![cfg_attr(target_os = "none", no_main)]

#[cfg(target_os = "none")]
extern crate alloc;
#[cfg(target_os = "none")]
mod program;

/// The server runs on a kernel of Amoeba alone; its parts are the library's.
#[cfg(not(target_os = "none"))]
fn main() {}
