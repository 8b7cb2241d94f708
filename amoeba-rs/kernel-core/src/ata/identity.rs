//! What a drive says of itself: the words of IDENTIFY DRIVE (ATA-1, X3.221-1994, clause 9.9).

use alloc::string::String;
use proto::disk::{Geometry, SECTOR};

/// Word 0, bit 15: no ATA drive.
const IS_PACKET_DEVICE: u16 = 0x8000;
/// Word 49, bit 9.
const HAS_LBA: u16 = 0x0200;
/// The most sectors that 28 bits number.
const MOST_SECTORS: u32 = 1 << 28;

/// How a drive's sectors are addressed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Addressing {
    /// By cylinder, head and sector.
    Chs,
    /// By number.
    Lba,
}

/// A drive.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Identity {
    /// Its model.
    pub model: String,
    /// How its sectors are addressed.
    pub addressing: Addressing,
    /// Its sectors, at most 2^28.
    pub sectors: u32,
    /// Cylinders of its default translation.
    pub cylinders: u16,
    /// Heads of its default translation, 1 to 16.
    pub heads: u16,
    /// Sectors of a track in its default translation, 1 to 255.
    pub track_sectors: u16,
    /// The most sectors that it moves with one interrupt; 0 or 1 if it always moves one.
    pub multiple: u8,
}

impl Identity {
    /// Reads the sector that the drive gives; `None` if this driver cannot use such a drive.
    pub fn parse(sector: &[u8; SECTOR]) -> Option<Identity> {
        let word = |place: usize| u16::from_le_bytes([sector[2 * place], sector[2 * place + 1]]);
        let [cylinders, heads, track_sectors] = [word(1), word(3), word(6)];
        let is_shape = cylinders > 0 && (1..=16).contains(&heads) && (1..=255).contains(&track_sectors);
        if word(0) & IS_PACKET_DEVICE != 0 || !is_shape {
            return None;
        }
        let by_shape = u32::from(cylinders) * u32::from(heads) * u32::from(track_sectors);
        let by_number = u32::from(word(60)) | u32::from(word(61)) << 16;
        let (addressing, sectors) = if word(49) & HAS_LBA != 0 && by_number > 0 {
            (Addressing::Lba, by_number)
        } else {
            (Addressing::Chs, by_shape)
        };
        let text = (27..47).flat_map(|place| word(place).to_be_bytes());
        let model: String = text
            .map(|byte| char::from(if byte.is_ascii_graphic() { byte } else { b' ' }))
            .collect();
        Some(Identity {
            model: String::from(model.trim()),
            addressing,
            sectors: sectors.min(MOST_SECTORS),
            cylinders,
            heads,
            track_sectors,
            multiple: word(47) as u8,
        })
    }

    /// The shape as a disk label and the server of virtual disks tell it.
    pub fn geometry(&self) -> Geometry {
        Geometry {
            track_bytes: (u32::from(self.track_sectors) * SECTOR as u32).min(u16::MAX.into()) as u16,
            sector_bytes: SECTOR as u16,
            cylinders: self.cylinders,
            alternate_cylinders: 0,
            heads: self.heads,
            sectors: self.track_sectors,
        }
    }

    /// Cylinder, head and sector of a sector by its number.
    pub(super) fn shape_of(&self, sector: u32) -> (u16, u8, u8) {
        let track_sectors = u32::from(self.track_sectors);
        let heads = u32::from(self.heads);
        let track = sector / track_sectors;
        (
            (track / heads) as u16,
            (track % heads) as u8,
            (sector % track_sectors + 1) as u8,
        )
    }

    /// The other way; `None` for what is no address of the drive.
    pub(super) fn number_of(&self, cylinder: u16, head: u8, sector: u8) -> Option<u32> {
        let heads = u32::from(self.heads);
        let sector = u32::from(sector).checked_sub(1)?;
        let track = u32::from(cylinder) * heads + u32::from(head);
        let is_there = u32::from(head) < heads && sector < u32::from(self.track_sectors);
        is_there.then(|| track * u32::from(self.track_sectors) + sector)
    }
}

#[cfg(test)]
mod tests {
    use super::{Addressing, Identity};
    use proptest::prelude::{any, prop_assert, prop_assert_eq, proptest};
    use proto::disk::SECTOR;

    fn sector(words: &[(usize, u16)]) -> [u8; SECTOR] {
        let mut sector = [0; SECTOR];
        for (place, word) in words {
            sector[2 * place..2 * place + 2].copy_from_slice(&word.to_le_bytes());
        }
        sector
    }

    #[test]
    fn a_drive_of_1990_has_cylinders_heads_and_sectors_only() {
        let words = [
            (0, 0x0040),
            (1, 980),
            (3, 10),
            (6, 17),
            (27, 0x4350),
            (28, 0x3330),
        ];
        let identity = Identity::parse(&sector(&words)).unwrap();
        assert_eq!(identity.model, "CP30");
        assert_eq!(identity.addressing, Addressing::Chs);
        assert_eq!(identity.sectors, 980 * 10 * 17);
        assert_eq!(identity.multiple, 0);
        assert_eq!(identity.geometry().track_bytes, 17 * 512);
    }

    #[test]
    fn a_drive_with_lba_is_as_large_as_words_60_and_61_say() {
        let words = [
            (1, 100),
            (3, 16),
            (6, 63),
            (47, 0x8008),
            (49, 0x0200),
            (60, 0x8f00),
            (61, 1),
        ];
        let identity = Identity::parse(&sector(&words)).unwrap();
        assert_eq!(
            (identity.addressing, identity.sectors),
            (Addressing::Lba, 0x1_8f00)
        );
        assert_eq!(identity.multiple, 8);
    }

    #[test]
    fn what_is_no_disk_is_not_used() {
        let shape = [(1, 100), (3, 16), (6, 63)];
        assert!(Identity::parse(&sector(&shape)).is_some());
        for wrong in [(0, 0x8580), (1, 0), (3, 0), (3, 17), (6, 0), (6, 256)] {
            let words = [shape[0], shape[1], shape[2], wrong];
            assert_eq!(Identity::parse(&sector(&words)), None, "{wrong:?}");
        }
    }

    proptest! {
        #[test]
        fn any_answer_is_a_drive_or_not(bytes in proptest::collection::vec(any::<u8>(), SECTOR), number: u32) {
            let sector = <[u8; SECTOR]>::try_from(&bytes[..]).unwrap();
            if let Some(identity) = Identity::parse(&sector) {
                prop_assert!((1..=1 << 28).contains(&identity.sectors));
                let shape = u32::from(identity.cylinders) * u32::from(identity.heads) * u32::from(identity.track_sectors);
                let number = number % shape;
                let (cylinder, head, sector) = identity.shape_of(number);
                prop_assert_eq!(identity.number_of(cylinder, head, sector), Some(number));
                prop_assert!(cylinder < identity.cylinders && u16::from(head) < identity.heads);
            }
        }
    }
}
