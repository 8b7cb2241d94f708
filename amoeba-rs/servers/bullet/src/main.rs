//! `bullet [-c KILOBYTES] [-t THREADS] [DISK]`: the Bullet file server as a user's program, on the virtual disk that it was given by that
//! name, or else as `BULLET_VDISK`. Its cache takes KILOBYTES, or else what memory there is but for some that others may need.
//! It serves THREADS requests at a time; if it is not told, 30, or fewer with little memory.

#![cfg_attr(target_os = "none", no_std, no_main)]

#[cfg(target_os = "none")]
extern crate alloc;

#[cfg(target_os = "none")]
mod program;

#[cfg(target_os = "none")]
libamoeba::program!(program::main);

/// There is nothing to serve on a host, where only the library is of use.
#[cfg(not(target_os = "none"))]
fn main() {
    eprintln!("bullet: a program of Amoeba");
    std::process::exit(1);
}
