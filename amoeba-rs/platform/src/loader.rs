//! What the Multiboot loader left in memory, to be read before anything may overwrite it and before paging is on.

use kernel_core::multiboot::{INFORMATION_LENGTH, Information, LOADER_MAGIC, MODULE_LENGTH, Module};

/// The most bytes of a string that are looked at.
pub const LONGEST_STRING: u32 = 1024;

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

/// The entries of the modules.
pub fn modules(information: &Information) -> &'static [[u8; MODULE_LENGTH]] {
    match information.modules {
        // SAFETY: the loader says that its list is there; whoever uses memory keeps away from it.
        Some((address, count)) if address != 0 => unsafe {
            core::slice::from_raw_parts(address as *const [u8; MODULE_LENGTH], count as usize)
        },
        _ => &[],
    }
}

/// The bytes of a module.
pub fn module(module: &Module) -> &'static [u8] {
    if module.start == 0 {
        return &[];
    }
    // SAFETY: the loader says that the module is there; whoever uses memory keeps away from it.
    unsafe { core::slice::from_raw_parts(module.start as *const u8, (module.end - module.start) as usize) }
}

/// The command line; empty if there is none, or one that is no text.
pub fn command_line(information: &Information) -> &'static str {
    information.command_line.map_or("", string)
}

/// A string at `address`; empty if that is 0, or what is there is no text.
pub fn string(address: u32) -> &'static str {
    if address == 0 {
        return "";
    }
    // SAFETY: the loader put a string there; the bytes behind it are memory too, which all bits may be.
    let bytes = unsafe { core::slice::from_raw_parts(address as *const u8, LONGEST_STRING as usize) };
    let line = bytes.split(|byte| *byte == 0).next().unwrap_or_default();
    core::str::from_utf8(line).unwrap_or_default()
}
