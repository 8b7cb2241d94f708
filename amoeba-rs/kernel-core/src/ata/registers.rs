//! The registers of the first ATA channel, its commands, and the bits that the driver uses (ATA-1, X3.221-1994, clauses 7 and 9).

use bitflags::bitflags;

/// Ports of the channel.
pub(super) mod port {
    pub(crate) const DATA: u16 = 0x1f0;
    pub(crate) const ERROR: u16 = 0x1f1;
    pub(crate) const SECTOR_COUNT: u16 = 0x1f2;
    pub(crate) const SECTOR_NUMBER: u16 = 0x1f3;
    pub(crate) const CYLINDER_LOW: u16 = 0x1f4;
    pub(crate) const CYLINDER_HIGH: u16 = 0x1f5;
    pub(crate) const DRIVE_HEAD: u16 = 0x1f6;
    /// Reading it ends the interrupt.
    pub(crate) const STATUS: u16 = 0x1f7;
    pub(crate) const COMMAND: u16 = 0x1f7;
    pub(crate) const ALTERNATE_STATUS: u16 = 0x3f6;
    pub(crate) const CONTROL: u16 = 0x3f6;
}

/// Commands.
pub(super) mod command {
    pub(crate) const RECALIBRATE: u8 = 0x10;
    pub(crate) const READ: u8 = 0x20;
    pub(crate) const WRITE: u8 = 0x30;
    pub(crate) const SET_PARAMETERS: u8 = 0x91;
    pub(crate) const READ_MULTIPLE: u8 = 0xc4;
    pub(crate) const WRITE_MULTIPLE: u8 = 0xc5;
    pub(crate) const SET_MULTIPLE: u8 = 0xc6;
    pub(crate) const IDENTIFY: u8 = 0xec;
}

bitflags! {
    /// Status.
    #[derive(Clone, Copy, Debug, PartialEq, Eq)]
    pub(super) struct Status: u8 {
        const ERROR = 0x01;
        /// DRQ.
        const DATA_REQUEST = 0x08;
        /// DWF.
        const WRITE_FAULT = 0x20;
        /// DRDY.
        const READY = 0x40;
        /// BSY: while it is set no other bit means anything.
        const BUSY = 0x80;
    }

    /// Error, after a command that has failed.
    #[derive(Clone, Copy, Debug, PartialEq, Eq)]
    pub(super) struct Error: u8 {
        /// AMNF.
        const ADDRESS_MARK_NOT_FOUND = 0x01;
        /// TK0NF.
        const TRACK_0_NOT_FOUND = 0x02;
        /// ABRT.
        const ABORTED = 0x04;
        /// IDNF.
        const ID_NOT_FOUND = 0x10;
        /// UNC.
        const UNCORRECTABLE = 0x40;
        /// BBK.
        const BAD_BLOCK = 0x80;
    }

    /// Drive and head.
    #[derive(Clone, Copy, Debug, PartialEq, Eq)]
    pub(super) struct DriveHead: u8 {
        /// The head, or bits 24 to 27 of a sector's number.
        const HEAD = 0x0f;
        const DRIVE_1 = 0x10;
        const LBA = 0x40;
        /// Always set.
        const ONES = 0xa0;
    }

    /// Device control.
    #[derive(Clone, Copy, Debug, PartialEq, Eq)]
    pub(super) struct Control: u8 {
        /// SRST.
        const RESET = 0x04;
        /// Set in the controllers of the time, which otherwise have eight heads.
        const FOUR_HEAD_BITS = 0x08;
    }
}

/// What a data bus shows that nobody drives.
pub(super) const OPEN_BUS: u8 = 0xff;
