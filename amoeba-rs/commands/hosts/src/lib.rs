//! Commands about hosts, processes and services, by several names: `aps`, `boot_conf`, `date`, `ping` and others. This library is what
//! they do without asking anybody.

#![no_std]
#![forbid(unsafe_code)]

extern crate alloc;
#[cfg(test)]
extern crate std;

pub mod calendar;
pub mod ring;
