//! What every program on the bare machine needs, the kernel and others: start-up ([`entry`]), what the loader left
//! ([`loader`]), the processor's own instructions ([`processor`]), descriptor tables ([`descriptors`]), the interrupt
//! controllers ([`interrupt_controller`]), COM1 ([`serial`]) and the heap of programs without one ([`no_heap`]).
//!
//! Why `unsafe` holds here: there is one processor, and memory is mapped one to one.

#![no_std]

pub mod descriptors;
pub mod interrupt_controller;
pub mod loader;
pub mod no_heap;
pub mod processor;
pub mod serial;
pub mod shared;
mod start;
