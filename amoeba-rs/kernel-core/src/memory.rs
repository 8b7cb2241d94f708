//! How much memory there is, by what the loader or the CMOS says.
//!
//! CMOS bytes 17h and 18h hold the memory above 1 MB in KB, as the set-up program of an AT stores it
//! (IBM PC/AT Technical Reference, section 5).

/// Where extended memory begins.
pub const EXTENDED_START: u32 = 0x10_0000;
/// The most memory that this kernel uses: what fits a 386 AT, and what its page tables cover.
pub const LARGEST: u32 = 64 << 20;
/// Bytes of a page.
pub const PAGE: u32 = 4096;

/// Who told the size of the memory.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Source {
    /// The loader's memory map.
    MemoryMap,
    /// The loader's figure for memory above 1 MB.
    UpperMemory,
    /// The CMOS.
    Cmos,
}

impl core::fmt::Display for Source {
    fn fmt(&self, formatter: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        formatter.write_str(match self {
            Source::MemoryMap => "Multiboot memory map",
            Source::UpperMemory => "Multiboot",
            Source::Cmos => "CMOS",
        })
    }
}

/// The memory of this machine.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Memory {
    /// First address behind it, a whole number of pages.
    pub end: u32,
    /// Who said so.
    pub source: Source,
}

impl Memory {
    /// The best of what is known: the memory map's end, else the loader's KB above 1 MB, else the CMOS's.
    pub fn size(map_end: Option<u32>, upper_kib: Option<u32>, cmos_kib: u16) -> Memory {
        let above = |kib: u32| EXTENDED_START.saturating_add(kib.saturating_mul(1024));
        let (end, source) = match (map_end, upper_kib) {
            (Some(end), _) => (end, Source::MemoryMap),
            (None, Some(kib)) => (above(kib), Source::UpperMemory),
            (None, None) => (above(u32::from(cmos_kib)), Source::Cmos),
        };
        Memory {
            end: end.min(LARGEST) / PAGE * PAGE,
            source,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::{LARGEST, Memory, Source};

    #[test]
    fn the_memory_map_is_believed_first() {
        assert_eq!(
            Memory::size(Some(0x80_0000), Some(1), 1),
            Memory {
                end: 0x80_0000,
                source: Source::MemoryMap
            }
        );
    }

    #[test]
    fn kilobytes_above_one_megabyte_count_from_there() {
        assert_eq!(
            Memory::size(None, Some(7168), 1),
            Memory {
                end: 0x80_0000,
                source: Source::UpperMemory
            }
        );
        assert_eq!(
            Memory::size(None, None, 3072),
            Memory {
                end: 0x40_0000,
                source: Source::Cmos
            }
        );
    }

    #[test]
    fn memory_is_whole_pages_and_at_most_64_mb() {
        assert_eq!(Memory::size(Some(0x80_0fff), None, 0).end, 0x80_0000);
        assert_eq!(Memory::size(None, Some(u32::MAX), 0).end, LARGEST);
    }
}
