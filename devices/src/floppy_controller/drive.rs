//! A floppy drive and the disk in it: motor, head position, rotation, and where on a track each sector passes.
//!
//! Sources: the drives' own figures (300 or 360 revolutions a minute, 80 cylinders, a track to track time that the
//! controller's step rate covers); IBM System 34 double density format for the fields of a track; IBM PC AT Technical
//! Reference, "Fixed Disk and Diskette Drive Adapter", for which drive takes which disk at which rate.
//!
//! An image holds sectors only. A track that is formatted otherwise than the disk's kind asks for keeps those of its
//! sectors that the image can hold, in the order in which they were formatted; the others are not there.

use std::collections::{BTreeMap, BTreeSet};

use clock::{Instant, Rate, Span};

use crate::medium::Medium;

/// From the motor bit to full speed; the drives' manuals give 400 to 500 ms.
const SPIN_UP: Span = Span::from_milliseconds(500);

/// From the last step pulse until the head has settled.
pub(super) const SETTLE: Span = Span::from_milliseconds(15);

/// The cylinders that a drive of 80 can reach; its stop lies a little beyond the last.
const LAST_CYLINDER_OF_80: u8 = 82;
const LAST_CYLINDER_OF_40: u8 = 41;

/// Bytes before the first sector: gap 4a, synchronisation, index mark and gap 1.
const PREAMBLE: u64 = 80 + 12 + 4 + 50;
/// From the beginning of a sector's synchronisation to the end of its ID field.
pub(super) const ID_END: u64 = 12 + 4 + 4 + 2;
/// From there to the first data byte: gap 2, synchronisation and data mark.
pub(super) const DATA_START: u64 = ID_END + 22 + 12 + 4;
/// The check bytes after the data.
pub(super) const CHECK_BYTES: u64 = 2;

/// A drive, by the disk it is made for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum FloppyDriveKind {
    /// 5.25 inch, 40 cylinders, 300 rpm: 360 KB.
    Inch5Double,
    /// 5.25 inch, 80 cylinders, 360 rpm: 1.2 MB, and 360 KB disks at every second cylinder.
    Inch5High,
    /// 3.5 inch, 80 cylinders, 300 rpm: 720 KB.
    Inch3Double,
    /// 3.5 inch, 80 cylinders, 300 rpm: 1.44 MB and 720 KB.
    Inch3High,
}

/// Why a medium is not in the drive.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum InsertError {
    /// No floppy disk has so many sectors.
    NoSuchFormat {
        /// Sectors of the medium.
        sectors: u32,
    },
    /// The disk does not belong into this drive: other size or higher density.
    WrongDrive(FloppyDriveKind),
    /// The controller has no such drive, or no medium is lent for it.
    NoDrive,
}

impl core::fmt::Display for InsertError {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        match self {
            Self::NoSuchFormat { sectors } => write!(f, "no floppy disk has {sectors} sectors"),
            Self::WrongDrive(kind) => write!(f, "the disk does not belong into a drive {kind:?}"),
            Self::NoDrive => write!(f, "there is no such floppy drive or no disk for it"),
        }
    }
}

impl core::error::Error for InsertError {}

/// How a disk of some kind is formatted.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(super) struct Format {
    sectors: u32,
    is_inch_5: bool,
    is_high_density: bool,
    pub(super) cylinders: u8,
    pub(super) heads: u8,
    pub(super) sectors_per_track: u8,
    /// Gap 3 when the disk was formatted.
    gap_3: u8,
}

const fn format(sectors: u32, is_inch_5: bool, is_high_density: bool, track: [u8; 4]) -> Format {
    let [cylinders, heads, sectors_per_track, gap_3] = track;
    Format {
        sectors,
        is_inch_5,
        is_high_density,
        cylinders,
        heads,
        sectors_per_track,
        gap_3,
    }
}

/// 1.44 MB, 1.2 MB, 720 KB and the disks of the first PC, with the gaps that a BIOS formats them with.
const FORMATS: [Format; 7] = [
    format(2880, false, true, [80, 2, 18, 108]),
    format(2400, true, true, [80, 2, 15, 84]),
    format(1440, false, false, [80, 2, 9, 80]),
    format(720, true, false, [40, 2, 9, 80]),
    format(640, true, false, [40, 2, 8, 80]),
    format(360, true, false, [40, 1, 9, 80]),
    format(320, true, false, [40, 1, 8, 80]),
];

/// A transfer rate of the controller.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(super) enum DataRate {
    Kilobits500,
    Kilobits300,
    Kilobits250,
    Megabit,
}

impl DataRate {
    /// The two bits in CCR and DSR.
    pub(super) fn parse(bits: u8) -> Self {
        match bits & 3 {
            0 => Self::Kilobits500,
            1 => Self::Kilobits300,
            2 => Self::Kilobits250,
            _ => Self::Megabit,
        }
    }

    pub(super) fn kilobits(self) -> u64 {
        match self {
            Self::Kilobits500 => 500,
            Self::Kilobits300 => 300,
            Self::Kilobits250 => 250,
            Self::Megabit => 1000,
        }
    }

    /// Bytes of MFM; FM has half as many.
    pub(super) fn bytes(self) -> Rate {
        Rate::hertz(self.kilobits() * 125)
    }

    /// A time that the data sheet gives for 500 kbit/s; it scales with the rate.
    pub(super) fn scaled(self, milliseconds: u64) -> Span {
        Span::from_nanoseconds(milliseconds * 500_000_000 / self.kilobits())
    }
}

/// The disk in a drive.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
struct Disk {
    format: Format,
    is_write_protected: bool,
    /// Sectors with a deleted data mark.
    deleted: BTreeSet<u32>,
    /// Sectors whose writing was broken off: their check bytes are wrong.
    damaged: BTreeSet<u32>,
    /// The sector numbers in order, of the tracks where it is not 1, 2, 3, ...; by cylinder and head.
    formatted: BTreeMap<(u8, u8), Vec<u8>>,
}

/// A drive.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(super) struct Drive {
    kind: FloppyDriveKind,
    /// Where the head is.
    cylinder: u8,
    settled_at: Instant,
    /// When the motor is at full speed; the index hole passes at that instant.
    spins_from: Option<Instant>,
    is_changed: bool,
    disk: Option<Disk>,
}

/// A turning disk.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(super) struct Rotation {
    from: Instant,
    turns: Rate,
    bytes: Rate,
}

/// A track that can be read at the rate in use.
#[derive(Clone, Debug)]
pub(super) struct Track {
    pub(super) rotation: Rotation,
    /// As the sectors' IDs say.
    pub(super) cylinder: u8,
    pub(super) head: u8,
    /// Sector numbers in the order in which they pass.
    pub(super) order: Vec<u8>,
    sector_bytes: u64,
}

/// A sector that is going to pass under the head.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Passage {
    pub(super) number: u8,
    /// When its synchronisation begins.
    pub(super) begin: Instant,
}

impl Rotation {
    /// The first instant at or after `at` at which byte `byte` of the track passes.
    fn passage(self, at: Instant, byte: u64) -> Instant {
        let turn = self.turns.ticks(at.since(self.from));
        let offset = self.bytes.span(byte);
        let in_turn = |turn: u64| self.from + self.turns.span(turn) + offset;
        Some(in_turn(turn))
            .filter(|&passage| passage >= at)
            .unwrap_or_else(|| in_turn(turn + 1))
    }

    /// The index pulse number `n` (from 1) after `at`.
    pub(super) fn index(self, at: Instant, n: u64) -> Instant {
        let turn = self.turns.ticks(at.since(self.from));
        self.from + self.turns.span(turn + n)
    }

    /// `at` and the time in which `bytes` bytes pass.
    pub(super) fn after(self, at: Instant, bytes: u64) -> Instant {
        at + self.bytes.span(bytes)
    }
}

impl Track {
    /// The next sector whose beginning passes at or after `at`, of those that `is_wanted` accepts.
    pub(super) fn next(&self, at: Instant, is_wanted: impl Fn(u8) -> bool) -> Option<Passage> {
        self.order
            .iter()
            .zip(0..)
            .filter(|&(&number, _)| is_wanted(number))
            .map(|(&number, position)| Passage {
                number,
                begin: self
                    .rotation
                    .passage(at, sector_offset(position, self.sector_bytes)),
            })
            .min_by_key(|passage| passage.begin)
    }
}

/// Where sector `position` of a track begins, for sectors of `sector_bytes` with all their gaps.
pub(super) fn sector_offset(position: u64, sector_bytes: u64) -> u64 {
    PREAMBLE + position * sector_bytes
}

/// The length of a sector with its gaps.
pub(super) fn sector_bytes(data: u64, gap_3: u8) -> u64 {
    DATA_START + data + CHECK_BYTES + u64::from(gap_3)
}

impl FloppyDriveKind {
    /// Whether the drive takes a disk of so many sectors.
    ///
    /// # Errors
    /// Why not.
    pub fn check(self, sectors: u32) -> Result<(), InsertError> {
        self.format(sectors).map(drop)
    }

    fn format(self, sectors: u32) -> Result<Format, InsertError> {
        let format = FORMATS
            .into_iter()
            .find(|format| format.sectors == sectors)
            .ok_or(InsertError::NoSuchFormat { sectors })?;
        if self.takes(format) {
            Ok(format)
        } else {
            Err(InsertError::WrongDrive(self))
        }
    }

    fn turns(self) -> Rate {
        match self {
            Self::Inch5High => Rate::hertz(6),
            _ => Rate::hertz(5),
        }
    }

    fn last_cylinder(self) -> u8 {
        match self {
            Self::Inch5Double => LAST_CYLINDER_OF_40,
            _ => LAST_CYLINDER_OF_80,
        }
    }

    /// Drives for 360 KB have no disk change line.
    fn has_change_line(self) -> bool {
        self != Self::Inch5Double
    }

    fn takes(self, format: Format) -> bool {
        match self {
            Self::Inch5Double => format.is_inch_5 && !format.is_high_density,
            Self::Inch5High => format.is_inch_5,
            Self::Inch3Double => !format.is_inch_5 && !format.is_high_density,
            Self::Inch3High => !format.is_inch_5,
        }
    }

    /// The rate at which a disk must be read: a 360 KB disk turns faster in a 1.2 MB drive.
    fn rate(self, format: Format) -> DataRate {
        match (format.is_high_density, self) {
            (true, _) => DataRate::Kilobits500,
            (false, Self::Inch5High) => DataRate::Kilobits300,
            (false, _) => DataRate::Kilobits250,
        }
    }

    /// Steps from one cylinder of the disk to the next.
    fn steps(self, format: Format) -> u8 {
        if self == Self::Inch5High && !format.is_high_density {
            2
        } else {
            1
        }
    }
}

impl Drive {
    pub(super) fn new(kind: FloppyDriveKind) -> Self {
        Self {
            kind,
            cylinder: 0,
            settled_at: Instant::START,
            spins_from: None,
            is_changed: true,
            disk: None,
        }
    }

    pub(super) fn insert(&mut self, medium: &impl Medium) -> Result<(), InsertError> {
        let format = self.kind.format(medium.sectors())?;
        self.disk = Some(Disk {
            format,
            is_write_protected: medium.is_write_protected(),
            deleted: BTreeSet::new(),
            damaged: BTreeSet::new(),
            formatted: BTreeMap::new(),
        });
        self.is_changed = true;
        Ok(())
    }

    pub(super) fn eject(&mut self) {
        self.disk = None;
        self.is_changed = true;
    }

    pub(super) fn set_motor(&mut self, is_on: bool, now: Instant) {
        if !is_on {
            self.spins_from = None;
        } else if self.spins_from.is_none() {
            self.spins_from = Some(now + SPIN_UP);
        }
    }

    pub(super) fn is_at_track_0(&self) -> bool {
        self.cylinder == 0
    }

    pub(super) fn cylinder(&self) -> u8 {
        self.cylinder
    }

    pub(super) fn is_write_protected(&self) -> bool {
        self.disk.as_ref().is_some_and(|disk| disk.is_write_protected)
    }

    /// The disk change line: a disk has been put in or taken out, and no step pulse has come with a disk in since.
    pub(super) fn shows_change(&self) -> bool {
        self.is_changed && self.kind.has_change_line()
    }

    /// `steps` step pulses, inward if positive, the last of them at `at`.
    pub(super) fn step(&mut self, steps: i32, at: Instant) {
        if steps == 0 {
            return;
        }
        let last = i32::from(self.kind.last_cylinder());
        self.cylinder = (i32::from(self.cylinder) + steps).clamp(0, last) as u8;
        self.settled_at = at + SETTLE;
        if self.disk.is_some() {
            self.is_changed = false;
        }
    }

    /// When the head can read, at or after `at`.
    pub(super) fn ready_at(&self, at: Instant) -> Instant {
        at.max(self.settled_at).max(self.spins_from.unwrap_or(at))
    }

    /// `None` without a disk or with the motor off: no index pulses.
    pub(super) fn rotation(&self, rate: DataRate) -> Option<Rotation> {
        self.disk.as_ref()?;
        Some(Rotation {
            from: self.spins_from?,
            turns: self.kind.turns(),
            bytes: rate.bytes(),
        })
    }

    /// The track under head `head`, if anything can be read there at `rate`.
    pub(super) fn track(&self, head: u8, rate: DataRate) -> Option<Track> {
        let rotation = self.rotation(rate)?;
        let disk = self.disk.as_ref()?;
        let format = disk.format;
        let cylinder = self.disk_cylinder()?;
        if rate != self.kind.rate(format) || head >= format.heads {
            return None;
        }
        let order = match disk.formatted.get(&(cylinder, head)) {
            Some(order) => order.clone(),
            None => (1..=format.sectors_per_track).collect(),
        };
        (!order.is_empty()).then_some(Track {
            rotation,
            cylinder,
            head,
            order,
            sector_bytes: sector_bytes(512, format.gap_3),
        })
    }

    /// Steps from one cylinder of the disk to the next; 1 without a disk.
    pub(super) fn steps_per_cylinder(&self) -> u8 {
        self.disk.as_ref().map_or(1, |disk| self.kind.steps(disk.format))
    }

    /// The rate at which the disk must be read.
    pub(super) fn disk_rate(&self) -> Option<DataRate> {
        self.disk.as_ref().map(|disk| self.kind.rate(disk.format))
    }

    /// The disk's cylinder under the head; `None` between two of them and beyond the last.
    pub(super) fn disk_cylinder(&self) -> Option<u8> {
        let format = self.disk.as_ref()?.format;
        let steps = self.kind.steps(format);
        let is_on_track = self.cylinder.is_multiple_of(steps) && self.cylinder / steps < format.cylinders;
        is_on_track.then_some(self.cylinder / steps)
    }

    /// The number on the medium of sector `number` of a track of this disk.
    pub(super) fn sector(&self, cylinder: u8, head: u8, number: u8) -> Option<u32> {
        let format = self.disk.as_ref()?.format;
        let track = u32::from(cylinder) * u32::from(format.heads) + u32::from(head);
        let sector = track * u32::from(format.sectors_per_track) + u32::from(number) - 1;
        (sector < format.sectors).then_some(sector)
    }

    pub(super) fn is_deleted(&self, sector: u32) -> bool {
        self.disk
            .as_ref()
            .is_some_and(|disk| disk.deleted.contains(&sector))
    }

    pub(super) fn is_damaged(&self, sector: u32) -> bool {
        self.disk
            .as_ref()
            .is_some_and(|disk| disk.damaged.contains(&sector))
    }

    /// A sector has been written to its end.
    pub(super) fn written(&mut self, sector: u32, is_deleted: bool) {
        let Some(disk) = &mut self.disk else { return };
        disk.damaged.remove(&sector);
        if is_deleted {
            disk.deleted.insert(sector);
        } else {
            disk.deleted.remove(&sector);
        }
    }

    /// The writing of a sector was broken off.
    pub(super) fn damage(&mut self, sector: u32) {
        if let Some(disk) = &mut self.disk {
            disk.damaged.insert(sector);
        }
    }

    /// The track under `head` has been formatted with these IDs at `rate`; gives the sectors of the medium that it now
    /// holds.
    pub(super) fn formatted(&mut self, head: u8, rate: DataRate, ids: &[super::SectorId]) -> Vec<u32> {
        let (Some(cylinder), Some(disk)) = (self.disk_cylinder(), self.disk.as_mut()) else {
            return Vec::new();
        };
        let format = disk.format;
        if head >= format.heads {
            return Vec::new();
        }
        let mut order = Vec::new();
        for id in ids {
            let is_regular = id.cylinder == cylinder && id.head == head && id.size == super::SIZE_512;
            let is_number = (1..=format.sectors_per_track).contains(&id.number);
            if rate == self.kind.rate(format) && is_regular && is_number && !order.contains(&id.number) {
                order.push(id.number);
            }
        }
        let sectors: Vec<_> = (1..=format.sectors_per_track)
            .filter_map(|number| self.sector(cylinder, head, number).map(|sector| (number, sector)))
            .collect();
        let Some(disk) = self.disk.as_mut() else {
            return Vec::new();
        };
        for (_, sector) in &sectors {
            disk.deleted.remove(sector);
            disk.damaged.remove(sector);
        }
        let held = sectors.into_iter().filter(|(number, _)| order.contains(number));
        let held = held.map(|(_, sector)| sector).collect();
        if order.iter().copied().eq(1..=format.sectors_per_track) {
            disk.formatted.remove(&(cylinder, head));
        } else {
            disk.formatted.insert((cylinder, head), order);
        }
        held
    }
}
