//! What the Multiboot loader left in memory, read before anything else may overwrite it.

use crate::cmos;
use kernel_core::command_line::Options;
use kernel_core::memory::{EXTENDED_START, Memory};
use kernel_core::multiboot::{INFORMATION_LENGTH, Information, LOADER_MAGIC, memory_end};

/// The most bytes of a command line that are looked at.
const LONGEST_COMMAND_LINE: usize = 512;

/// Memory and options, by the loader's information structure at `information`, if `magic` says that there is one.
pub(crate) fn read(magic: u32, information: u32) -> (Memory, Options) {
    let left = if magic == LOADER_MAGIC {
        information_at(information)
    } else {
        Information::default()
    };
    let map_end = left.memory_map.and_then(|(address, length)| {
        // SAFETY: the loader says that its memory map is there; paging is off and nobody writes to it.
        let map = unsafe { core::slice::from_raw_parts(address as *const u8, length as usize) };
        memory_end(map, EXTENDED_START)
    });
    let memory = Memory::size(map_end, left.upper_memory_kib, cmos::extended_memory_kib());
    (
        memory,
        left.command_line.map_or_else(Options::default, options_at),
    )
}

fn information_at(address: u32) -> Information {
    // SAFETY: the loader put the structure there; paging is off and nobody writes to it.
    Information::parse(unsafe { &*(address as *const [u8; INFORMATION_LENGTH]) })
}

fn options_at(address: u32) -> Options {
    // SAFETY: the loader put a string there; the bytes behind it are memory too, which all bits may be.
    let bytes = unsafe { core::slice::from_raw_parts(address as *const u8, LONGEST_COMMAND_LINE) };
    let line = bytes.split(|byte| *byte == 0).next().unwrap_or_default();
    Options::parse(core::str::from_utf8(line).unwrap_or_default())
}
