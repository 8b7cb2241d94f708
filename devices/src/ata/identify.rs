//! What IDENTIFY DRIVE answers (ATA-1, X3.221-1994, clause 9.9).

use super::drive::Drive;
use super::registers::Geometry;
use crate::medium::{SECTOR_BYTES, Sector};

/// Word 0: a fixed drive.
const FIXED_DRIVE: u16 = 0x0040;
/// Word 20: a buffer that takes sectors while the host takes others, and reads ahead.
const READ_CACHE: u16 = 3;
/// Word 22.
const LONG_BYTES: u16 = 4;
/// Word 49: LBA.
const LBA_SUPPORTED: u16 = 0x0200;
/// Word 51: PIO mode 2.
const PIO_MODE_2: u16 = 0x0200;
/// Word 53: words 54 to 58 are valid.
const TRANSLATION_VALID: u16 = 1;
/// Word 59: the number of sectors of READ MULTIPLE is valid.
const MULTIPLE_VALID: u16 = 0x0100;

const FIRMWARE: &str = "1.0";

impl Drive {
    pub(super) fn identity(&self) -> Sector {
        let default = self.settings.geometry;
        let model = &self.settings.model;
        let mut words = [0u16; SECTOR_BYTES / 2];
        words[0] = FIXED_DRIVE;
        [words[1], words[3], words[6]] = shape(default);
        words[4] = words[6].wrapping_mul(SECTOR_BYTES as u16);
        words[5] = SECTOR_BYTES as u16;
        put_text(
            &mut words[10..20],
            &format!("{:>20}", self.settings.serial_number),
        );
        words[20] = READ_CACHE;
        words[21] = model.buffer_sectors as u16;
        words[22] = LONG_BYTES;
        put_text(&mut words[23..27], FIRMWARE);
        put_text(&mut words[27..47], model.identity);
        words[47] = u16::from(self.largest_multiple());
        words[49] = LBA_SUPPORTED;
        words[51] = PIO_MODE_2;
        words[53] = TRANSLATION_VALID;
        [words[54], words[55], words[56]] = shape(self.geometry);
        [words[57], words[58]] = halves(self.geometry.sectors());
        if self.multiple != 0 {
            words[59] = MULTIPLE_VALID | u16::from(self.multiple);
        }
        [words[60], words[61]] = halves(self.settings.sectors);
        let mut data = [0; SECTOR_BYTES];
        for (bytes, word) in data.chunks_exact_mut(2).zip(words) {
            bytes.copy_from_slice(&word.to_le_bytes());
        }
        data
    }
}

fn shape(geometry: Geometry) -> [u16; 3] {
    [geometry.cylinders, geometry.heads, geometry.sectors_per_track].map(|number| number as u16)
}

fn halves(number: u32) -> [u16; 2] {
    [number as u16, (number >> 16) as u16]
}

/// Two characters a word, the first in the high byte, padded with blanks.
fn put_text(words: &mut [u16], text: &str) {
    let mut bytes = text.bytes().chain(core::iter::repeat(b' '));
    for word in words {
        *word = u16::from_be_bytes([bytes.next().unwrap_or(b' '), bytes.next().unwrap_or(b' ')]);
    }
}
