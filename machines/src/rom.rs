//! BIOS ROM images: which sizes a board takes, and where it shows them.
//!
//! As on a 386 AT: the whole ROM ends at 4 GB, where the processor starts (FFFFFFF0h, Intel 386DX data sheet, "RESET"),
//! and what an AT decodes below 1 MB, E0000h to FFFFFh (IBM PC AT Technical Reference, system memory map), shows the last
//! 128 KB of it. Less than 128 KB ends at 1 MB; what lies under it stays free.
//!
//! The decoder below 4 GB leaves address bit 20 out, so that a processor that is reset while the A20 gate is closed
//! still finds its first instruction. Below 1 MB bit 20 is low in any case.

use thiserror::Error;

/// The least ROM and the step of sizes: a page of the processor.
const PAGE: u32 = 4 << 10;
/// The largest ROM.
pub(crate) const MOST: u32 = 256 << 10;
/// So much of it is seen below 1 MB at most.
const LOW_MOST: u32 = 128 << 10;
const LOW_END: u32 = 1 << 20;
/// Address bit 20, which the decoder below 4 GB does not look at.
const BIT_20: u32 = 1 << 20;

/// What a ROM image must be, for messages.
pub(crate) const SIZES: &str =
    "a ROM has 4 KB to 256 KB, in whole 4 KB, the last bytes of which hold the reset vector";

/// An image that no socket of the board takes.
#[derive(Debug, Error, PartialEq, Eq)]
#[error("{bytes} bytes are no ROM: {SIZES}")]
pub struct RomError {
    /// Its length.
    pub bytes: u64,
}

/// Whether an image of that many bytes is a ROM.
pub(crate) fn fits(bytes: u64) -> bool {
    (1..=u64::from(MOST)).contains(&bytes) && bytes.is_multiple_of(u64::from(PAGE))
}

/// The place of a ROM in the address space.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct RomPlace {
    bytes: u32,
}

impl RomPlace {
    /// Where an image of that many bytes is seen.
    pub(crate) fn new(bytes: usize) -> Result<Self, RomError> {
        let bytes = bytes as u64;
        if !fits(bytes) {
            return Err(RomError { bytes });
        }
        Ok(Self { bytes: bytes as u32 })
    }

    /// The byte of the ROM that answers at `address`, as the processor sends it out.
    pub(crate) fn offset(self, address: u32) -> Option<u32> {
        let below_4_gb = !(address | BIT_20);
        let below_1_mb = (LOW_END - 1).checked_sub(address);
        let from_end = match below_1_mb.filter(|&distance| distance < LOW_MOST) {
            Some(distance) => distance,
            None => below_4_gb,
        };
        (from_end < self.bytes).then(|| self.bytes - 1 - from_end)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn offsets(kilobytes: usize, addresses: [u32; 4]) -> [Option<u32>; 4] {
        let place = RomPlace::new(kilobytes << 10).expect("a size that fits");
        addresses.map(|address| place.offset(address))
    }

    #[test]
    fn a_rom_of_64_kb_lies_at_f0000h_and_below_4_gb() {
        let ends = [0xF_0000, 0xF_FFFF, 0xFFFF_0000, 0xFFFF_FFFF];
        let bytes = [Some(0), Some(0xFFFF), Some(0), Some(0xFFFF)];
        assert_eq!(offsets(64, ends), bytes);
        let beside = [0xE_FFFF, 0x10_0000, 0xFFFE_FFFF, 0];
        assert_eq!(offsets(64, beside), [None; 4]);
    }

    #[test]
    fn a_rom_of_256_kb_shows_its_upper_half_below_1_mb() {
        let ends = [0xD_FFFF, 0xE_0000, 0xFFFC_0000, 0xFFFF_FFF0];
        let bytes = [None, Some(0x2_0000), Some(0), Some(0x3_FFF0)];
        assert_eq!(offsets(256, ends), bytes);
    }

    #[test]
    fn the_reset_vector_is_met_whatever_the_a20_gate() {
        let place = RomPlace::new(0x1000).expect("a size that fits");
        assert_eq!(place.offset(0xFFFF_FFF0 & !BIT_20), place.offset(0xFFFF_FFF0));
    }

    #[test]
    fn roms_are_whole_pages_up_to_256_kb() {
        for bytes in [0, 1, 0xFFF, 0x1001, 0x4_1000] {
            assert_eq!(RomPlace::new(bytes), Err(RomError { bytes: bytes as u64 }));
        }
        for bytes in [0x1000, 0x8000, 0x1_8000, 0x4_0000] {
            assert!(RomPlace::new(bytes).is_ok());
        }
    }
}
