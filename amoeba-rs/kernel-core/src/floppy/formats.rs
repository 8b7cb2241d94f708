//! Which drives there are, and how the disks are formatted that go into them (IBM PC/AT Technical Reference, "Diskette Drive
//! Adapter" and the diskette parameter tables of its BIOS; Intel 82077AA data sheet, section 5, tables of gap lengths).

use proto::disk::{Geometry, SECTOR};

/// A drive, as the byte 10h of the CMOS memory tells it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// 5.25 inch, 360 KB.
    Inch5Double,
    /// 5.25 inch, 1.2 MB.
    Inch5High,
    /// 3.5 inch, 720 KB.
    Inch3Double,
    /// 3.5 inch, 1.44 MB.
    Inch3High,
}

/// How a disk is formatted, and how a drive has to treat it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Format {
    /// Cylinders.
    pub cylinders: u8,
    /// Heads.
    pub heads: u8,
    /// Sectors of a track.
    pub track_sectors: u8,
    /// Bits of the rate register: 0 for 500, 1 for 300, 2 for 250 kbit/s.
    pub(super) rate: u8,
    /// Steps from one cylinder to the next.
    pub(super) steps: u8,
    /// Gap 3 for READ and WRITE, and for FORMAT.
    pub(super) gap: u8,
    pub(super) format_gap: u8,
}

const fn format(shape: [u8; 3], rate: u8, steps: u8, gaps: [u8; 2]) -> Format {
    Format {
        cylinders: shape[0],
        heads: shape[1],
        track_sectors: shape[2],
        rate,
        steps,
        gap: gaps[0],
        format_gap: gaps[1],
    }
}

impl Format {
    /// Sectors of the disk.
    pub fn sectors(&self) -> u32 {
        u32::from(self.cylinders) * self.cylinder_sectors()
    }

    /// Sectors of a cylinder.
    pub(super) fn cylinder_sectors(&self) -> u32 {
        u32::from(self.heads) * u32::from(self.track_sectors)
    }

    /// Cylinder, head and number of a sector.
    pub(super) fn place(&self, sector: u32) -> (u8, u8, u8) {
        let (track, number) = (
            sector / u32::from(self.track_sectors),
            sector % u32::from(self.track_sectors),
        );
        let (cylinder, head) = (track / u32::from(self.heads), track % u32::from(self.heads));
        (cylinder as u8, head as u8, number as u8 + 1)
    }

    /// The shape, as a label tells it.
    pub fn geometry(&self) -> Geometry {
        Geometry {
            track_bytes: u16::from(self.track_sectors) * SECTOR as u16,
            sector_bytes: SECTOR as u16,
            cylinders: self.cylinders.into(),
            alternate_cylinders: 0,
            heads: self.heads.into(),
            sectors: self.track_sectors.into(),
        }
    }
}

impl Kind {
    /// The kind of a drive by the four bits of the CMOS memory; `None` if there is no drive or one that is not known.
    pub fn from_setup(bits: u8) -> Option<Kind> {
        match bits {
            1 => Some(Kind::Inch5Double),
            2 => Some(Kind::Inch5High),
            3 => Some(Kind::Inch3Double),
            4 => Some(Kind::Inch3High),
            _ => None,
        }
    }

    /// The formats of disks that the drive reads and writes; the first one is its own.
    pub fn formats(self) -> &'static [Format] {
        const HIGH_5: Format = format([80, 2, 15], 0, 1, [0x1b, 0x54]);
        const DOUBLE_5: Format = format([40, 2, 9], 2, 1, [0x2a, 0x50]);
        // In a drive that turns faster and has twice as many cylinders.
        const DOUBLE_IN_HIGH_5: Format = format([40, 2, 9], 1, 2, [0x23, 0x50]);
        const HIGH_3: Format = format([80, 2, 18], 0, 1, [0x1b, 0x6c]);
        const DOUBLE_3: Format = format([80, 2, 9], 2, 1, [0x2a, 0x50]);
        match self {
            Kind::Inch5Double => &[DOUBLE_5],
            Kind::Inch5High => &[HIGH_5, DOUBLE_IN_HIGH_5],
            Kind::Inch3Double => &[DOUBLE_3],
            Kind::Inch3High => &[HIGH_3, DOUBLE_3],
        }
    }

    /// Sectors of the largest disk that goes into the drive.
    pub fn most_sectors(self) -> u32 {
        self.formats()[0].sectors()
    }

    /// The drive's name: inches, and what goes into it.
    pub fn name(self) -> &'static str {
        match self {
            Kind::Inch5Double => "360 KB",
            Kind::Inch5High => "1.2 MB",
            Kind::Inch3Double => "720 KB",
            Kind::Inch3High => "1.44 MB",
        }
    }

    /// Whether the drive tells that its disk was changed. The first PC's do not.
    pub(super) fn has_change_line(self) -> bool {
        self != Kind::Inch5Double
    }
}

#[cfg(test)]
mod tests {
    use super::Kind;
    use std::vec::Vec;

    #[test]
    fn sectors_are_numbered_through_tracks_heads_and_cylinders() {
        let sizes = [(1, 720), (2, 2400), (3, 1440), (4, 2880)];
        for (bits, sectors) in sizes {
            let kind = Kind::from_setup(bits).unwrap();
            assert_eq!(kind.most_sectors(), sectors);
            for format in kind.formats() {
                let mut expected = Vec::new();
                for cylinder in 0..format.cylinders {
                    for head in 0..format.heads {
                        expected.extend((1..=format.track_sectors).map(|number| (cylinder, head, number)));
                    }
                }
                let found: Vec<_> = (0..format.sectors()).map(|sector| format.place(sector)).collect();
                assert_eq!(found, expected);
            }
        }
        assert_eq!([0, 5, 15].map(Kind::from_setup), [None; 3]);
    }
}
