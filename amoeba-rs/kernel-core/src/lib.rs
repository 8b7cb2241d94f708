//! The kernel's logic, without the machine: everything here runs in the tests of the host as it runs on a PC.
//!
//! A tour:
//!
//! * [`multiboot`] and [`memory`]: what the loader left, and how much memory there is.
//! * [`command_line`]: the options given to the kernel.
//! * [`bswap`]: the one instruction that a 386 lacks and the compiler uses.
//! * [`screen`]: an 80 by 25 text screen as cells.
//! * [`etherlink`]: the driver of the 3C503, on whatever registers and memory it is given.
//! * [`flip`]: the internet protocol, from the cards' frames to the messages of processes.
//! * [`rpc`]: remote procedure calls on it: `trans`, `getreq` and `putrep`.
//! * [`exchange`]: the trial of the network, in which kernels find each other and exchange numbered frames.

#![no_std]
#![forbid(unsafe_code)]

extern crate alloc;
#[cfg(test)]
extern crate std;

pub mod bswap;
pub mod command_line;
pub mod etherlink;
pub mod exchange;
pub mod flip;
pub mod memory;
pub mod multiboot;
pub mod rpc;
pub mod screen;
