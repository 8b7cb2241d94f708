//! The commands, and how many bytes of parameters each has (Intel 82077AA data sheet, section 5.0 "Command Set").

/// A command byte.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(super) enum Command {
    Data(DataCommand),
    Specify,
    SenseDriveStatus,
    Recalibrate,
    SenseInterruptStatus,
    DumpRegisters,
    Seek,
    /// Inward: to higher cylinders.
    RelativeSeek {
        is_inward: bool,
    },
    Version,
    PerpendicularMode,
    Configure,
    Lock(bool),
    Invalid,
}

/// A command with an execution phase on the disk.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(super) struct DataCommand {
    pub(super) operation: Operation,
    /// MT.
    pub(super) is_multitrack: bool,
    /// MFM rather than FM.
    pub(super) is_mfm: bool,
    /// SK.
    pub(super) skips: bool,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(super) enum Operation {
    Read { is_deleted: bool },
    Write { is_deleted: bool },
    ReadTrack,
    ReadId,
    FormatTrack,
    Verify,
    Scan(Comparison),
}

/// What a SCAN command wants of the disk's data, compared with the host's.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(super) enum Comparison {
    Equal,
    LowOrEqual,
    HighOrEqual,
}

/// The bits of a data command beside its five bits of code.
const MULTITRACK: u8 = 0x80;
const MFM: u8 = 0x40;
const SKIP: u8 = 0x20;

impl Command {
    pub(super) fn parse(byte: u8) -> Self {
        if let Some(command) = DataCommand::parse(byte) {
            return Self::Data(command);
        }
        match byte {
            0x03 => Self::Specify,
            0x04 => Self::SenseDriveStatus,
            0x07 => Self::Recalibrate,
            0x08 => Self::SenseInterruptStatus,
            0x0E => Self::DumpRegisters,
            0x0F => Self::Seek,
            0x10 => Self::Version,
            0x12 => Self::PerpendicularMode,
            0x13 => Self::Configure,
            0x14 => Self::Lock(false),
            0x94 => Self::Lock(true),
            0x8F => Self::RelativeSeek { is_inward: false },
            0xCF => Self::RelativeSeek { is_inward: true },
            _ => Self::Invalid,
        }
    }

    /// Bytes that follow the command byte.
    pub(super) fn parameters(self) -> usize {
        match self {
            Self::Data(DataCommand {
                operation: Operation::ReadId,
                ..
            }) => 1,
            Self::Data(DataCommand {
                operation: Operation::FormatTrack,
                ..
            }) => 5,
            Self::Data(_) => 8,
            Self::Configure => 3,
            Self::Specify | Self::Seek | Self::RelativeSeek { .. } => 2,
            Self::SenseDriveStatus | Self::Recalibrate | Self::PerpendicularMode => 1,
            Self::SenseInterruptStatus
            | Self::DumpRegisters
            | Self::Version
            | Self::Lock(_)
            | Self::Invalid => 0,
        }
    }
}

impl DataCommand {
    fn parse(byte: u8) -> Option<Self> {
        let (operation, options) = match byte & 0x1F {
            0x02 => (Operation::ReadTrack, MFM),
            0x05 => (Operation::Write { is_deleted: false }, MULTITRACK | MFM),
            0x06 => (Operation::Read { is_deleted: false }, MULTITRACK | MFM | SKIP),
            0x09 => (Operation::Write { is_deleted: true }, MULTITRACK | MFM),
            0x0A => (Operation::ReadId, MFM),
            0x0C => (Operation::Read { is_deleted: true }, MULTITRACK | MFM | SKIP),
            0x0D => (Operation::FormatTrack, MFM),
            0x11 => (Operation::Scan(Comparison::Equal), MULTITRACK | MFM | SKIP),
            0x16 => (Operation::Verify, MULTITRACK | MFM | SKIP),
            0x19 => (Operation::Scan(Comparison::LowOrEqual), MULTITRACK | MFM | SKIP),
            0x1D => (Operation::Scan(Comparison::HighOrEqual), MULTITRACK | MFM | SKIP),
            _ => return None,
        };
        let given = byte & 0xE0;
        (given & !options == 0).then_some(Self {
            operation,
            is_multitrack: given & MULTITRACK != 0,
            is_mfm: given & MFM != 0,
            skips: given & SKIP != 0,
        })
    }
}

impl Operation {
    /// It changes the disk.
    pub(super) fn writes(self) -> bool {
        matches!(self, Self::Write { .. } | Self::FormatTrack)
    }

    /// Its data come from the host.
    pub(super) fn takes_data(self) -> bool {
        self.writes() || matches!(self, Self::Scan(_))
    }

    /// Its data go to the host.
    pub(super) fn gives_data(self) -> bool {
        matches!(self, Self::Read { .. } | Self::ReadTrack)
    }
}

impl Comparison {
    /// Whether a byte of the disk is as wanted; FFh on either side stands for any byte.
    pub(super) fn holds(self, disk: u8, host: u8) -> bool {
        disk == 0xFF
            || host == 0xFF
            || match self {
                Self::Equal => disk == host,
                Self::LowOrEqual => disk <= host,
                Self::HighOrEqual => disk >= host,
            }
    }
}
