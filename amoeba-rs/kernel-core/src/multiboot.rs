//! What a Multiboot loader leaves behind (Multiboot Specification 0.6.96, section 3.3): of the information
//! structure, the fields that this kernel uses.

/// What the loader puts into EAX.
pub const LOADER_MAGIC: u32 = 0x2bad_b002;
/// Bytes of the information structure that are read.
pub const INFORMATION_LENGTH: usize = 52;
/// The most bytes of a memory map that are read.
pub const MEMORY_MAP_LIMIT: u32 = 4096;
/// The most modules that are looked at.
pub const MOST_MODULES: u32 = 32;
/// Bytes of a module's entry.
pub const MODULE_LENGTH: usize = 16;

const FLAG_MEMORY: u32 = 1 << 0;
const FLAG_COMMAND_LINE: u32 = 1 << 2;
const FLAG_MODULES: u32 = 1 << 3;
const FLAG_MEMORY_MAP: u32 = 1 << 6;
const TYPE_RAM: u32 = 1;
/// Memory below 640 KB but for the last KB, which belongs to the BIOS.
const LOWER_MEMORY_KIB: u32 = 639;

/// The information structure.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Information {
    /// Memory from 1 MB upwards, up to the first hole, in KB.
    pub upper_memory_kib: Option<u32>,
    /// Address of the command line, which ends with a zero byte.
    pub command_line: Option<u32>,
    /// Address and number of the entries for modules.
    pub modules: Option<(u32, u32)>,
    /// Address and length in bytes of the memory map.
    pub memory_map: Option<(u32, u32)>,
}

impl Information {
    /// Reads the structure; a field whose flag is clear is not there.
    pub fn parse(bytes: &[u8; INFORMATION_LENGTH]) -> Information {
        let word = |offset| u32_at(bytes, offset).unwrap_or(0);
        let flags = word(0);
        let present = |flag| flags & flag != 0;
        Information {
            upper_memory_kib: present(FLAG_MEMORY).then(|| word(8)),
            command_line: present(FLAG_COMMAND_LINE).then(|| word(16)),
            modules: present(FLAG_MODULES).then(|| (word(24), word(20).min(MOST_MODULES))),
            memory_map: present(FLAG_MEMORY_MAP).then(|| (word(48), word(44).min(MEMORY_MAP_LIMIT))),
        }
    }

    /// Writes the structure, with the flags of what is there.
    pub fn emit(&self) -> [u8; INFORMATION_LENGTH] {
        let mut bytes = [0; INFORMATION_LENGTH];
        let mut flags = 0;
        let mut put = |flag, fields: &[(usize, u32)]| {
            flags |= flag;
            for &(offset, value) in fields {
                bytes[offset..offset + 4].copy_from_slice(&value.to_le_bytes());
            }
        };
        if let Some(upper) = self.upper_memory_kib {
            put(FLAG_MEMORY, &[(4, LOWER_MEMORY_KIB), (8, upper)]);
        }
        if let Some(line) = self.command_line {
            put(FLAG_COMMAND_LINE, &[(16, line)]);
        }
        if let Some((address, count)) = self.modules {
            put(FLAG_MODULES, &[(20, count), (24, address)]);
        }
        if let Some((address, length)) = self.memory_map {
            put(FLAG_MEMORY_MAP, &[(44, length), (48, address)]);
        }
        bytes[..4].copy_from_slice(&flags.to_le_bytes());
        bytes
    }
}

/// A file that the loader has put into memory.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Module {
    /// First byte.
    pub start: u32,
    /// First byte behind it.
    pub end: u32,
    /// Address of its string, which ends with a zero byte; 0 for none.
    pub string: u32,
}

impl Module {
    /// Reads an entry; one that ends before it begins is empty.
    pub fn parse(bytes: &[u8; MODULE_LENGTH]) -> Module {
        let word = |offset| u32_at(bytes, offset).unwrap_or(0);
        Module {
            start: word(0),
            end: word(4).max(word(0)),
            string: word(8),
        }
    }
}

/// The end of the memory that begins at `start` or below and holds it, by the memory map; memory above 4 GB
/// does not count.
pub fn memory_end(map: &[u8], start: u32) -> Option<u32> {
    let mut at = 0;
    while let Some(size) = u32_at(map, at) {
        if let Some(end) = region_end(map.get(at + 4..)?, u64::from(start)) {
            return Some(u32::try_from(end).unwrap_or(u32::MAX));
        }
        at = at.checked_add(size as usize)?.checked_add(4)?;
    }
    None
}

/// The end of a region of memory that holds `start`.
fn region_end(region: &[u8], start: u64) -> Option<u64> {
    let base = u64_at(region, 0)?;
    let end = base.saturating_add(u64_at(region, 8)?);
    let is_memory = u32_at(region, 16)? == TYPE_RAM;
    (is_memory && (base..end).contains(&start)).then_some(end)
}

fn u32_at(bytes: &[u8], offset: usize) -> Option<u32> {
    bytes
        .get(offset..)
        .and_then(|rest| rest.first_chunk())
        .map(|chunk| u32::from_le_bytes(*chunk))
}

fn u64_at(bytes: &[u8], offset: usize) -> Option<u64> {
    bytes
        .get(offset..)
        .and_then(|rest| rest.first_chunk())
        .map(|chunk| u64::from_le_bytes(*chunk))
}

#[cfg(test)]
mod tests {
    use super::{INFORMATION_LENGTH, Information, Module, memory_end};
    use proptest::prelude::{any, prop_assert, proptest};
    use std::vec::Vec;

    fn information(flags: u32) -> Information {
        let mut bytes = [0; INFORMATION_LENGTH];
        bytes[0..4].copy_from_slice(&flags.to_le_bytes());
        bytes[8..12].copy_from_slice(&7168_u32.to_le_bytes());
        bytes[16..20].copy_from_slice(&0x9000_u32.to_le_bytes());
        bytes[20..24].copy_from_slice(&2_u32.to_le_bytes());
        bytes[24..28].copy_from_slice(&0x9200_u32.to_le_bytes());
        bytes[44..48].copy_from_slice(&72_u32.to_le_bytes());
        bytes[48..52].copy_from_slice(&0x9100_u32.to_le_bytes());
        Information::parse(&bytes)
    }

    fn region(base: u64, length: u64, kind: u32) -> Vec<u8> {
        let parts = [
            &20_u32.to_le_bytes()[..],
            &base.to_le_bytes(),
            &length.to_le_bytes(),
            &kind.to_le_bytes(),
        ];
        parts.concat()
    }

    #[test]
    fn fields_without_their_flag_are_not_there() {
        assert_eq!(information(0), Information::default());
    }

    #[test]
    fn fields_with_their_flag_are_read() {
        let expected = Information {
            upper_memory_kib: Some(7168),
            command_line: Some(0x9000),
            modules: Some((0x9200, 2)),
            memory_map: Some((0x9100, 72)),
        };
        assert_eq!(information(0x4d), expected);
    }

    #[test]
    fn what_is_written_is_read_again() {
        for flags in [0, 0x1, 0x4, 0x8, 0x40, 0x4d] {
            let known = information(flags);
            assert_eq!(Information::parse(&known.emit()), known);
        }
    }

    #[test]
    fn a_module_that_ends_before_it_begins_is_empty() {
        let mut bytes = [0; 16];
        bytes[0..4].copy_from_slice(&0x5000_u32.to_le_bytes());
        bytes[4..8].copy_from_slice(&0x4000_u32.to_le_bytes());
        bytes[8..12].copy_from_slice(&0x9000_u32.to_le_bytes());
        let module = Module::parse(&bytes);
        assert_eq!(
            (module.start, module.end, module.string),
            (0x5000, 0x5000, 0x9000)
        );
    }

    #[test]
    fn the_region_that_holds_the_start_counts() {
        let map = [region(0, 0xa_0000, 1), region(0x10_0000, 0x70_0000, 1)].concat();
        assert_eq!(memory_end(&map, 0x10_0000), Some(0x80_0000));
        assert_eq!(memory_end(&map, 0x1000), Some(0xa_0000));
    }

    #[test]
    fn reserved_regions_are_not_memory() {
        assert_eq!(memory_end(&region(0x10_0000, 0x70_0000, 2), 0x10_0000), None);
    }

    proptest! {
        #[test]
        fn no_map_makes_reading_hang_or_panic(map in proptest::collection::vec(any::<u8>(), 0..200)) {
            prop_assert!(memory_end(&map, 0x10_0000).is_none_or(|end| end > 0x10_0000));
        }
    }
}
