//! Memory, options and programs, by what the Multiboot loader left.

use crate::cmos;
use kernel_core::command_line::Options;
use kernel_core::memory::{EXTENDED_START, Memory};
use kernel_core::multiboot::{Module, memory_end};
use platform::loader;

/// A program that the loader put into memory.
#[derive(Clone, Copy)]
pub(crate) struct Program {
    /// Its executable file.
    pub(crate) file: &'static [u8],
    /// Its name and arguments.
    pub(crate) line: &'static str,
}

/// What the loader left.
pub(crate) struct Loaded {
    /// The machine's memory.
    pub(crate) memory: Memory,
    /// What the command line says.
    pub(crate) options: Options,
    /// The entries of the modules.
    modules: &'static [[u8; 16]],
}

impl Loaded {
    /// The programs, in their order.
    pub(crate) fn programs(&self) -> impl Iterator<Item = Program> + use<> {
        self.modules.iter().map(|entry| {
            let module = Module::parse(entry);
            Program {
                file: loader::module(&module),
                line: loader::string(module.string),
            }
        })
    }

    /// Memory that must not be used for anything else while the programs are needed, as first and last address.
    pub(crate) fn kept(&self) -> impl Iterator<Item = (u32, u32)> {
        let entries = self.modules.as_ptr_range();
        let list = (entries.start.addr() as u32, entries.end.addr() as u32);
        let modules = self.modules.iter().flat_map(|entry| {
            let module = Module::parse(entry);
            let string_end = module.string.saturating_add(loader::LONGEST_STRING);
            [(module.start, module.end), (module.string, string_end)]
        });
        modules.chain([list])
    }
}

/// What the loader left, by its information structure at `information`, if `magic` says that there is one.
pub(crate) fn read(magic: u32, information: u32) -> Loaded {
    let left = loader::information(magic, information);
    let map_end = loader::memory_map(&left).and_then(|map| memory_end(map, EXTENDED_START));
    Loaded {
        memory: Memory::size(map_end, left.upper_memory_kib, cmos::extended_memory_kib()),
        options: Options::parse(loader::command_line(&left)),
        modules: loader::modules(&left),
    }
}
