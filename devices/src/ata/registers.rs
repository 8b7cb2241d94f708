//! The registers of an ATA drive, bit by bit (ATA-1, X3.221-1994, clause 7).

use bitflags::bitflags;

bitflags! {
    /// Status, and alternate status. While BSY is set the other bits mean nothing.
    #[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
    pub(super) struct Status: u8 {
        const ERROR = 0x01;
        const DATA_REQUEST = 0x08;
        /// DSC.
        const SEEK_COMPLETE = 0x10;
        /// DWF.
        const WRITE_FAULT = 0x20;
        const READY = 0x40;
        const BUSY = 0x80;
    }
}

bitflags! {
    /// Error, after a command. After a diagnostic or a reset the register holds a code.
    #[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
    pub(super) struct Error: u8 {
        const ABORTED = 0x04;
        /// IDNF: the address is none of the drive's.
        const ID_NOT_FOUND = 0x10;
        /// UNC.
        const UNCORRECTABLE = 0x40;
    }
}

/// The diagnostic code of a drive without errors.
pub(super) const DIAGNOSTIC_PASSED: u8 = 0x01;

bitflags! {
    /// Drive/head.
    #[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
    pub(super) struct DriveHead: u8 {
        /// Head, or LBA bits 24 to 27.
        const HEAD = 0x0F;
        const DRIVE_1 = 0x10;
        const LBA = 0x40;
        /// Bits 7 and 5 read 1.
        const ONES = 0xA0;
    }
}

bitflags! {
    /// Device control.
    #[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
    pub(super) struct DeviceControl: u8 {
        /// nIEN.
        const INTERRUPT_DISABLED = 0x02;
        /// SRST.
        const RESET = 0x04;
    }
}

/// The register behind a port.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Register {
    Data,
    /// Read: error. Write: features.
    Error,
    SectorCount,
    SectorNumber,
    CylinderLow,
    CylinderHigh,
    DriveHead,
    /// Read: status. Write: command.
    Status,
    /// Read: alternate status. Write: device control.
    AlternateStatus,
    DriveAddress,
}

/// What the host writes before a command, and what a command leaves.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(super) struct TaskFile {
    pub(super) features: u8,
    pub(super) sector_count: u8,
    pub(super) sector_number: u8,
    pub(super) cylinder_low: u8,
    pub(super) cylinder_high: u8,
    pub(super) drive_head: u8,
}

impl TaskFile {
    /// What a reset or a diagnostic leaves.
    pub(super) const SIGNATURE: Self = Self {
        features: 0,
        sector_count: 1,
        sector_number: 1,
        cylinder_low: 0,
        cylinder_high: 0,
        drive_head: DriveHead::ONES.bits(),
    };

    pub(super) fn is_lba(&self) -> bool {
        self.drive_head & DriveHead::LBA.bits() != 0
    }

    pub(super) fn head(&self) -> u8 {
        self.drive_head & DriveHead::HEAD.bits()
    }

    /// 0 stands for 256.
    pub(super) fn sectors(&self) -> u32 {
        match self.sector_count {
            0 => 256,
            count => u32::from(count),
        }
    }
}

/// How a drive's sectors are addressed by cylinder, head and sector.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Geometry {
    /// 1 to 65535.
    pub cylinders: u32,
    /// 1 to 16.
    pub heads: u32,
    /// 1 to 255.
    pub sectors_per_track: u32,
}

impl Geometry {
    /// 16 heads and 63 sectors a track, as software expects of a drive of `sectors` sectors.
    #[must_use]
    pub fn of(sectors: u32) -> Self {
        Self::translated(sectors, 16, 63)
    }

    /// As many cylinders as `sectors` sectors fill with these heads (1 to 16) and sectors per track (1 to 255).
    #[must_use]
    pub fn translated(sectors: u32, heads: u32, sectors_per_track: u32) -> Self {
        let cylinders = sectors / (heads * sectors_per_track);
        Self {
            cylinders: cylinders.clamp(1, 0xFFFF),
            heads,
            sectors_per_track,
        }
    }

    /// The sectors that can be addressed.
    #[must_use]
    pub fn sectors(&self) -> u32 {
        self.cylinders * self.heads * self.sectors_per_track
    }
}
