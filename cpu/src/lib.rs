//! The Intel 80386DX, from its Programmer's Reference Manual (1986; "PRM" below).
//!
//! A tour, in the order in which an instruction meets it:
//!
//! * [`Bus`] is the only view of the world: memory, ports, interrupt acknowledge, pins. The crate knows cycles, not time.
//! * `decode` turns bytes (through iced-x86) into an `Op` once, and `cache` keeps the ops of a physical page.
//! * `forms` is the table of instruction forms: one row a form, with its handler and its clocks; `clocks` has those that one
//!   number cannot tell.
//! * `exec` holds the handlers: they compute, then commit. `alu` is the arithmetic, pure.
//! * `memory` goes from segment and offset to physical memory: limits, the fast path, which memory holds code; `paging` is
//!   the walk, the TLB and the page faults, `debug` the breakpoints.
//! * `descriptor`, `segment`, `transfer`, `interrupt`, `task` and `system` are protection: descriptor tables, segment
//!   loads, far transfers, gates, task switches, control registers. `passage`, `target` and `known` are the short way for most of that.
//! * `quick` and `pair` are short ways, too: operands that are at hand, comparisons with branches.
//! * [`Fault`] is an exception as a value; a handler that returns one has changed nothing.
#![forbid(unsafe_code)]
#![deny(clippy::float_arithmetic)]

mod alu;
mod bus;
mod cache;
mod clocks;
mod core;
#[cfg(test)]
mod costs;
mod cpu;
mod debug;
mod decode;
mod descriptor;
mod exec;
mod fault;
mod flags;
mod forms;
#[cfg(any(test, fuzzing))]
pub mod fuzz;
mod interrupt;
mod known;
mod memory;
mod op;
mod paging;
mod pair;
mod passage;
#[cfg(test)]
mod passages;
#[cfg(test)]
mod programs;
mod quick;
#[cfg(test)]
mod random;
mod registers;
mod segment;
mod system;
mod target;
mod task;
#[cfg(test)]
mod test_board;
mod trail;
mod transfer;
mod unit;
#[cfg(test)]
mod waits;

pub use bus::{Bus, Cycle, DeviceMoves, Moves, Page, Pins, Reply, Width};
pub use cpu::{Cpu, Stop};
pub use fault::{Fault, Vector};
pub use paging::{Translation, Translations};
pub use registers::{
    Control, ExecutedPage, Flags, Register, RepeatedInstruction, Segment, SegmentRegister, State,
    TableRegister,
};
pub use trail::{Stretch, disassemble};
