//! The kernel's logic, without the machine: everything here runs in the tests of the host as it runs on a PC.
//!
//! A tour:
//!
//! * [`machine`]: what processes need of the machine below.
//! * [`frames`], [`address_space`] and [`segments`]: memory, from free pages to what a process sees.
//! * [`process`]: processes and threads, their system calls, signals and ends.
//! * [`programs`]: starting what the loader brought; [`boot_user`]: what the machine's own disk has, if the loader brought nothing.
//! * [`ring`]: queues that interrupt handlers use.
//! * [`secrets`]: numbers that nobody can guess.
//! * [`servers`]: the kernel's own servers, such as that of processes.
//! * [`multiboot`] and [`memory`]: what the loader left, and how much memory there is.
//! * [`boot`]: another kernel, from a file.
//! * [`command_line`]: the options given to the kernel.
//! * [`news`]: what interrupts leave for the main program.
//! * [`bswap`]: the one instruction that a 386 lacks and the compiler uses.
//! * [`print_buffer`]: what the kernel has printed; [`calendar`]: what its clock chip says.
//! * [`line_discipline`]: between a terminal and its users; [`keyboard`]: from scan codes to characters.
//! * [`screen`]: an 80 by 25 text screen as cells.
//! * [`ata`]: the driver of disks; [`floppy`]: that of floppies; [`disk_requests`]: the order in which both do what they are asked for.
//! * [`etherlink`]: the driver of the 3C503, on whatever registers and memory it is given.
//! * [`flip`]: the internet protocol, from the cards' frames to the messages of processes.
//! * [`rpc`]: remote procedure calls on it: `trans`, `getreq` and `putrep`.
//! * [`raw_flip`]: FLIP for programs.
//! * [`exchange`]: the trial of the network, in which kernels find each other and exchange numbered frames.

#![no_std]
#![forbid(unsafe_code)]

extern crate alloc;
#[cfg(test)]
extern crate std;

pub mod address_space;
pub mod ata;
pub mod boot;
pub mod boot_user;
pub mod bswap;
pub mod calendar;
pub mod command_line;
pub mod disk_requests;
pub mod etherlink;
pub mod exchange;
pub mod flip;
pub mod floppy;
pub mod frames;
pub mod keyboard;
pub mod line_discipline;
pub mod machine;
pub mod memory;
pub mod multiboot;
pub mod news;
pub mod print_buffer;
pub mod process;
pub mod programs;
pub mod raw_flip;
pub mod ring;
pub mod rpc;
pub mod screen;
pub mod secrets;
pub mod segments;
pub mod servers;
