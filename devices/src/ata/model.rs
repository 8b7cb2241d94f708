//! Drives of the time by name: what their timing follows from.
//!
//! Source: the presets of 86Box (`src/disk/hdd.c`), which collect the makers' figures. Where a drive records in zones the
//! average is used. The generic drive of 1993 is not in all versions of it; its heads and its buffer, which were not found,
//! are those of the one of 1992. No figure for a head switch was found; it takes a track to track time, as 86Box has it
//! too, and tracks are skewed so that a sequential transfer just makes the next one.

use clock::{Rate, Span};

/// What a drive's timing follows from.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct DriveModel {
    /// The name by which a lab file calls it.
    pub name: &'static str,
    /// What IDENTIFY DRIVE gives as the model number.
    pub identity: &'static str,
    /// Sectors on each track, on the average.
    pub sectors_per_track: u32,
    /// Surfaces.
    pub heads: u32,
    /// Revolutions a minute.
    pub rpm: u32,
    /// A seek over all cylinders.
    pub full_stroke: Span,
    /// A seek to the next cylinder, and a switch to the next head.
    pub track_to_track: Span,
    /// Sectors in the buffer.
    pub buffer_sectors: u32,
}

const fn model(
    name: &'static str,
    identity: &'static str,
    [sectors_per_track, heads, rpm]: [u32; 3],
    [full_stroke_us, track_to_track_us]: [u64; 2],
    buffer_kib: u32,
) -> DriveModel {
    DriveModel {
        name,
        identity,
        sectors_per_track,
        heads,
        rpm,
        full_stroke: Span::from_microseconds(full_stroke_us),
        track_to_track: Span::from_microseconds(track_to_track_us),
        buffer_sectors: buffer_kib * 2,
    }
}

/// All models, oldest generics first. Columns: sectors per track, heads, rpm; full stroke and track to track in
/// microseconds; buffer in KiB.
pub const DRIVE_MODELS: [DriveModel; 25] = [
    model("generic-1989", "GENERIC 1989", [35, 2, 3500], [40_000, 8_000], 16),
    model("generic-1992", "GENERIC 1992", [45, 2, 3600], [30_000, 6_000], 64),
    model("generic-1993", "GENERIC 1993", [45, 2, 4000], [30_000, 5_500], 64),
    model("cp2084", "CP2084", [19, 4, 3486], [34_000, 5_000], 32),
    model(
        "cp3000",
        "Conner Peripherals 42MB - CP3000",
        [28, 2, 3557],
        [40_000, 11_000],
        8,
    ),
    model(
        "cp3044",
        "Conner Peripherals 40MB - CP3044",
        [40, 2, 3500],
        [50_000, 8_000],
        8,
    ),
    model(
        "cp3104",
        "Conner Peripherals 104MB - CP3104",
        [33, 8, 3500],
        [45_000, 8_000],
        32,
    ),
    model(
        "cp30084",
        "Conner Peripherals 84MB - CP30084",
        [70, 2, 3595],
        [50_000, 3_000],
        32,
    ),
    model(
        "cp30174",
        "Conner Peripherals 170MB - CP30174",
        [70, 4, 3822],
        [42_000, 3_000],
        128,
    ),
    model(
        "cp30204",
        "Conner Peripherals 204MB - CP30204",
        [127, 4, 4498],
        [30_000, 7_000],
        256,
    ),
    model("7040at", "Maxtor 7040 AT", [72, 2, 3703], [40_000, 5_300], 32),
    model("7080at", "Maxtor 7080 AT", [72, 4, 3703], [40_000, 6_000], 32),
    model("7120at", "Maxtor 7120 AT", [54, 2, 3524], [27_000, 4_000], 64),
    model("7245at", "Maxtor 7245 AT", [149, 4, 3551], [27_000, 4_400], 256),
    model(
        "lps52at",
        "QUANTUM PRODRIVE 52AT",
        [70, 1, 3600],
        [45_000, 5_000],
        64,
    ),
    model(
        "lps105at",
        "QUANTUM PRODRIVE 105AT",
        [70, 2, 3662],
        [45_000, 5_000],
        64,
    ),
    model(
        "els170at",
        "QUANTUM PRODRIVE 170AT",
        [70, 4, 3663],
        [28_000, 5_500],
        32,
    ),
    model("st1102a", "ST1102A", [70, 1, 3528], [33_000, 2_600], 8),
    model("st1144a", "ST1144A", [70, 2, 3528], [33_000, 2_600], 8),
    model("st3096a", "ST3096A", [33, 1, 3211], [32_000, 3_300], 32),
    model("st3120a", "ST3120A", [33, 2, 3211], [32_000, 3_300], 32),
    model("st3145a", "ST3145A", [40, 2, 3811], [32_000, 4_300], 32),
    model("st3243a", "ST3243A", [40, 4, 3811], [32_000, 4_000], 128),
    model("ac140", "AC140", [70, 2, 3551], [28_000, 6_000], 64),
    model("ac2120", "WDC AC2120M", [40, 2, 3605], [28_000, 2_800], 256),
];

impl DriveModel {
    /// The model that a lab file calls `name`.
    #[must_use]
    pub fn find(name: &str) -> Option<&'static Self> {
        DRIVE_MODELS.iter().find(|model| model.name == name)
    }

    /// Sectors that pass under a head.
    pub(super) fn sector_rate(&self) -> Rate {
        Rate::fraction(u64::from(self.rpm) * u64::from(self.sectors_per_track), 60)
    }

    /// By how many sectors each track begins later than the one before it.
    pub(super) fn skew(&self) -> u64 {
        self.sector_rate().ticks_to_cover(self.track_to_track)
    }

    /// A seek over `distance` of `cylinders` cylinders: the track to track time for one, the full stroke for all, and
    /// between them the square root of an arm that accelerates all the way.
    pub(super) fn seek_time(&self, distance: u32, cylinders: u32) -> Span {
        match distance {
            0 => Span::ZERO,
            1 => self.track_to_track,
            _ => {
                const SCALE: u64 = 1 << 20;
                let furthest = u64::from(cylinders.saturating_sub(2)).max(1);
                let part = (u64::from(distance - 1).min(furthest) * SCALE * SCALE / furthest).isqrt();
                let range = self.full_stroke.saturating_sub(self.track_to_track);
                let nanoseconds = u128::from(range.nanoseconds()) * u128::from(part) / u128::from(SCALE);
                self.track_to_track + Span::from_nanoseconds(nanoseconds as u64)
            }
        }
    }
}
