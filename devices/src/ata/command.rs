//! The commands of ATA-1 (X3.221-1994, clause 9).

/// A command code.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(super) enum Command {
    Recalibrate,
    ReadSectors,
    WriteSectors,
    ReadVerify,
    Seek,
    ExecuteDiagnostic,
    InitializeParameters,
    ReadMultiple,
    WriteMultiple,
    SetMultiple,
    ReadBuffer,
    WriteBuffer,
    Identify,
    SetFeatures,
    StandbyImmediate,
    IdleImmediate,
    Standby,
    Idle,
    CheckPowerMode,
    Sleep,
}

impl Command {
    /// `None` for NOP, which always aborts, and for what the drive does not have: READ LONG, WRITE LONG, FORMAT TRACK
    /// and DMA.
    pub(super) fn parse(code: u8) -> Option<Self> {
        Some(match code {
            0x10..=0x1F => Self::Recalibrate,
            0x20 | 0x21 => Self::ReadSectors,
            0x30 | 0x31 => Self::WriteSectors,
            0x40 | 0x41 => Self::ReadVerify,
            0x70..=0x7F => Self::Seek,
            0x90 => Self::ExecuteDiagnostic,
            0x91 => Self::InitializeParameters,
            0xC4 => Self::ReadMultiple,
            0xC5 => Self::WriteMultiple,
            0xC6 => Self::SetMultiple,
            0xE4 => Self::ReadBuffer,
            0xE8 => Self::WriteBuffer,
            0xEC => Self::Identify,
            0xEF => Self::SetFeatures,
            0x94 | 0xE0 => Self::StandbyImmediate,
            0x95 | 0xE1 => Self::IdleImmediate,
            0x96 | 0xE2 => Self::Standby,
            0x97 | 0xE3 => Self::Idle,
            0x98 | 0xE5 => Self::CheckPowerMode,
            0x99 | 0xE6 => Self::Sleep,
            _ => return None,
        })
    }
}

/// What SET FEATURES sets, by the features register.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Feature {
    /// PIO modes, which the bus decides here.
    TransferMode,
    LookAhead(bool),
    /// Write caching can only be off.
    NoWriteCache,
    KeepsOverReset(bool),
}

impl Feature {
    pub(super) fn parse(features: u8, sector_count: u8) -> Option<Self> {
        Some(match features {
            // PIO default, PIO default without IORDY, and PIO flow control modes 0 to 2.
            0x03 if matches!(sector_count, 0x00 | 0x01 | 0x08..=0x0A) => Self::TransferMode,
            0x55 => Self::LookAhead(false),
            0xAA => Self::LookAhead(true),
            0x82 => Self::NoWriteCache,
            0x66 => Self::KeepsOverReset(true),
            0xCC => Self::KeepsOverReset(false),
            _ => return None,
        })
    }
}
