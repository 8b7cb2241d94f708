//! `soap NUMBER [NAME=CAPABILITY]...`: directory server 0 or 1.
//!
//! Its environment, or else its command line in writing or by another name of the environment, holds these capabilities: `SOAP_SUPER`, the virtual disk of its super file; `BULLET0` and `BULLET1`, the file servers
//! that keep directories, of which one may be missing; `TOD` and `RANDOM`, the time and random numbers. What is printed on
//! its terminal says when it serves.

#![cfg_attr(target_os = "none", no_std)]
#![cfg_attr(target_os = "none", no_main)]

#[cfg(target_os = "none")]
extern crate alloc;
#[cfg(target_os = "none")]
mod program;

/// The server runs on a kernel of Amoeba alone; its parts are the library's.
#[cfg(not(target_os = "none"))]
fn main() {}
