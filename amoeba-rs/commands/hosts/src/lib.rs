//! Commands about hosts and processes, by several names: `aps`, `date`, `mkhost`, `ping`, `printbuf`, `reboot` and `stun`. This library is what
//! they do without asking anybody.

#![no_std]
#![forbid(unsafe_code)]

extern crate alloc;
#[cfg(test)]
extern crate std;

pub mod calendar;
pub mod ring;
