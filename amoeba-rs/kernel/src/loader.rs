//! Memory and options, by what the Multiboot loader left.

use crate::cmos;
use kernel_core::command_line::Options;
use kernel_core::memory::{EXTENDED_START, Memory};
use kernel_core::multiboot::memory_end;
use platform::loader;

/// Memory and options, by the loader's information structure at `information`, if `magic` says that there is one.
pub(crate) fn read(magic: u32, information: u32) -> (Memory, Options) {
    let left = loader::information(magic, information);
    let map_end = loader::memory_map(&left).and_then(|map| memory_end(map, EXTENDED_START));
    let memory = Memory::size(map_end, left.upper_memory_kib, cmos::extended_memory_kib());
    (memory, Options::parse(loader::command_line(&left)))
}
