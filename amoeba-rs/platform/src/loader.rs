//! What the Multiboot loader left in memory, to be read before anything may overwrite it and before paging is on.

use kernel_core::multiboot::{INFORMATION_LENGTH, Information, LOADER_MAGIC};

/// The most bytes of a command line that are looked at.
const LONGEST_COMMAND_LINE: usize = 1024;

/// The loader's information structure at `address`; an empty one if `magic` does not say that there is one.
pub fn information(magic: u32, address: u32) -> Information {
    if magic != LOADER_MAGIC {
        return Information::default();
    }
    // SAFETY: the loader put the structure there; paging is off and nobody writes to it.
    Information::parse(unsafe { &*(address as *const [u8; INFORMATION_LENGTH]) })
}

/// The memory map of the loader, if it left one.
pub fn memory_map(information: &Information) -> Option<&'static [u8]> {
    let (address, length) = information.memory_map?;
    // SAFETY: the loader says that its memory map is there; paging is off and nobody writes to it.
    Some(unsafe { core::slice::from_raw_parts(address as *const u8, length as usize) })
}

/// The command line; empty if there is none, or one that is no text.
pub fn command_line(information: &Information) -> &'static str {
    let Some(address) = information.command_line else {
        return "";
    };
    // SAFETY: the loader put a string there; the bytes behind it are memory too, which all bits may be.
    let bytes = unsafe { core::slice::from_raw_parts(address as *const u8, LONGEST_COMMAND_LINE) };
    let line = bytes.split(|byte| *byte == 0).next().unwrap_or_default();
    core::str::from_utf8(line).unwrap_or_default()
}
