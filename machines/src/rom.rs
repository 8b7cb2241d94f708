//! ROM images: the BIOS and option ROMs: which sizes a board takes, and where it shows them.
//!
//! As on a 386 AT: the whole ROM ends at 4 GB, where the processor starts (FFFFFFF0h, Intel 386DX data sheet, "RESET"),
//! and what an AT decodes below 1 MB, E0000h to FFFFFh (IBM PC AT Technical Reference, system memory map), shows the last
//! 128 KB of it. Less than 128 KB ends at 1 MB; what lies under it stays free.
//!
//! The decoder below 4 GB leaves address bit 20 out, so that a processor that is reset while the A20 gate is closed
//! still finds its first instruction. Below 1 MB bit 20 is low in any case.
//!
//! An option ROM lies where its card has it, between the VGA's memory and the BIOS: a BIOS looks for its signature at
//! every 2 KB of C0000h to DFFFFh (IBM PC AT Technical Reference, "ROM scan"). What its last page has beyond it reads as
//! a bus does that nothing drives.

use std::ops::Range;

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

/// Where option ROMs are looked for.
const OPTION_AREA: Range<u32> = 0xC_0000..0xE_0000;
/// The steps in which a BIOS looks for them.
const OPTION_STEP: u32 = 2 << 10;
/// The unit of their lengths.
const OPTION_UNIT: u64 = 512;

/// Where an option ROM can lie, for messages.
pub(crate) const OPTION_PLACES: &str =
    "an option ROM has whole 512 bytes and lies in C0000h to DFFFFh, at a multiple of 2 KB";

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

/// Why an option ROM cannot lie somewhere.
#[derive(Debug, Error, PartialEq, Eq)]
pub(crate) enum OptionError {
    /// Its length.
    #[error("{0} bytes are not whole 512 bytes, or none")]
    Length(u64),
    /// Its beginning.
    #[error("nobody looks for one at {0:#x}")]
    Beginning(u32),
    /// Its end.
    #[error("it reaches over the end of their area")]
    End,
}

/// Whether an option ROM of that many bytes can lie at `address`.
///
/// # Errors
/// Why not.
pub(crate) fn check_option(address: u32, bytes: u64) -> Result<(), OptionError> {
    if bytes == 0 || !bytes.is_multiple_of(OPTION_UNIT) {
        return Err(OptionError::Length(bytes));
    }
    if !OPTION_AREA.contains(&address) || !address.is_multiple_of(OPTION_STEP) {
        return Err(OptionError::Beginning(address));
    }
    if u64::from(address) + bytes > u64::from(OPTION_AREA.end) {
        return Err(OptionError::End);
    }
    Ok(())
}

/// Pages of option ROMs in the order of their addresses, and what is in them.
#[derive(Clone, Debug, Default)]
pub(crate) struct OptionRoms {
    /// Addresses of the pages that have a byte of a ROM.
    pages: Vec<u32>,
}

impl OptionRoms {
    /// ROMs at their addresses, each of which [`check_option`] has found good; returns also the bytes of their pages.
    pub(crate) fn new<'a>(roms: impl Iterator<Item = (u32, &'a [u8])>) -> (Self, Vec<u8>) {
        let mut area = vec![0xFF; OPTION_AREA.len()];
        let mut pages = Vec::new();
        for (address, bytes) in roms {
            let begin = (address - OPTION_AREA.start) as usize;
            area[begin..begin + bytes.len()].copy_from_slice(bytes);
            let first = address & !(PAGE - 1);
            pages.extend((first..address + bytes.len() as u32).step_by(PAGE as usize));
        }
        pages.sort_unstable();
        pages.dedup();
        let page = |&address: &u32| {
            let begin = (address - OPTION_AREA.start) as usize;
            &area[begin..begin + PAGE as usize]
        };
        let bytes = pages.iter().flat_map(page).copied().collect();
        (Self { pages }, bytes)
    }

    /// The byte of the pages that answers at `address`.
    pub(crate) fn offset(&self, address: u32) -> Option<u32> {
        let page = self.pages.binary_search(&(address & !(PAGE - 1))).ok()?;
        Some(page as u32 * PAGE + address % PAGE)
    }
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
    fn option_roms_answer_in_their_pages_and_nowhere_else() {
        let (vga, disk) = ([0x11; 0x1800], [0x22; 0x200]);
        let roms = [(0xC_8800, &disk[..]), (0xC_0000, &vga[..])];
        let (roms, bytes) = OptionRoms::new(roms.into_iter());
        let byte = |address| roms.offset(address).map(|offset| bytes[offset as usize]);
        let within = [0xC_0000, 0xC_17FF, 0xC_8800, 0xC_89FF].map(byte);
        assert_eq!(within, [Some(0x11), Some(0x11), Some(0x22), Some(0x22)]);
        assert_eq!([0xC_1800, 0xC_8000, 0xC_8A00].map(byte), [Some(0xFF); 3]);
        assert_eq!([0xB_FFFF, 0xC_2000, 0xC_9000, 0x1C_0000].map(byte), [None; 4]);
    }

    #[test]
    fn an_option_rom_begins_at_2_kb_and_ends_below_the_bios() {
        assert_eq!(check_option(0xC_0000, 40 << 10), Ok(()));
        assert_eq!(check_option(0xD_F800, 2 << 10), Ok(()));
        assert_eq!(check_option(0xC_8400, 512), Err(OptionError::Beginning(0xC_8400)));
        assert_eq!(check_option(0xE_0000, 512), Err(OptionError::Beginning(0xE_0000)));
        assert_eq!(check_option(0xD_F800, 2560), Err(OptionError::End));
        assert_eq!(check_option(0xC_0000, 513), Err(OptionError::Length(513)));
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
