//! The stable codes of messages. A code that users have met keeps its name and its meaning.

/// Declares the codes, each with its name, and lists them all.
macro_rules! codes {
    ($($(#[$doc:meta])* $variant:ident = $name:literal,)*) => {
        /// What kind of problem a message is about.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
        pub(super) enum Code {
            $($(#[$doc])* $variant,)*
        }

        impl Code {
            /// All codes.
            #[cfg(test)]
            pub(super) const ALL: &'static [Self] = &[$(Self::$variant,)*];

            /// The name that is printed.
            pub(super) const fn name(self) -> &'static str {
                match self {
                    $(Self::$variant => concat!("lab::", $name),)*
                }
            }
        }
    };
}

codes! {
    /// The file cannot be read.
    Unreadable = "unreadable",
    /// The file is not UTF-8 text.
    Encoding = "encoding",
    /// The text is not TOML.
    Syntax = "syntax",
    /// A path of `--set` leads nowhere.
    Override = "override",
    /// `format` is not one that this version reads.
    UnknownFormat = "unknown-format",
    /// A field that does not exist.
    UnknownField = "unknown-field",
    /// A field or word that a later version will have.
    NotYet = "not-yet",
    /// Text where a number is needed, or the like.
    WrongType = "wrong-type",
    /// A field that must be there is not.
    MissingField = "missing-field",
    /// A quantity without a unit.
    MissingUnit = "missing-unit",
    /// A quantity with a unit of another kind.
    WrongUnit = "wrong-unit",
    /// A quantity whose number cannot be read or is not a whole number of the smallest unit.
    BadQuantity = "bad-quantity",
    /// A number outside its range.
    OutOfRange = "out-of-range",
    /// A word that is not one of a list.
    UnknownWord = "unknown-word",
    /// A name with characters that names cannot have.
    BadName = "bad-name",
    /// A file name that is not a plain, free name in the run folder.
    BadFileName = "bad-file-name",
    /// A date that cannot be read.
    BadDate = "bad-date",
    /// A seed that is not a whole number of 63 bits.
    BadSeed = "bad-seed",
    /// An expectation of two things at once.
    TwoSigns = "two-signs",
    /// A regular expression that cannot be read.
    BadPattern = "bad-pattern",
    /// A timing source that begins with none of the four words.
    UnknownSource = "unknown-source",
    /// A timing constant outside the range that hardware can have.
    TimingRange = "timing-range",
    /// `extends` names no profile.
    UnknownProfile = "unknown-profile",
    /// No such segment.
    UnknownSegment = "unknown-segment",
    /// No such image.
    UnknownImage = "unknown-image",
    /// No machine has a name that matches.
    UnknownMachine = "unknown-machine",
    /// No station has a name that matches.
    UnknownStation = "unknown-station",
    /// Profiles that extend one another in a circle.
    ExtendsCycle = "extends-cycle",
    /// Two machines of one name, through `count`.
    DuplicateMachine = "duplicate-machine",
    /// A lab without a machine.
    NoMachine = "no-machine",
    /// More machines than a lab may have.
    TooManyMachines = "too-many-machines",
    /// The image's file does not exist.
    MissingImage = "missing-image",
    /// A machine with nothing to start.
    NoBoot = "no-boot",
    /// A machine with both a ROM and a kernel to start.
    TwoStarts = "two-starts",
    /// A ROM image of a size that no socket takes, or in a place where none is looked for.
    BadRom = "bad-rom",
    /// A boot PROM that does not fit its socket, or that nothing can read.
    BadProm = "bad-prom",
    /// An image that is a file and blank at once, or a blank one to whose file writes shall go.
    TwoSources = "two-sources",
    /// The description of a disk that is to be made is none, or has no such disk.
    BadDescription = "bad-description",
    /// An image that the drive it is for cannot have.
    BadDisk = "bad-disk",
    /// No drive model of that name.
    UnknownModel = "unknown-model",
    /// Two drives in one place.
    DriveConflict = "drive-conflict",
    /// More drives than a controller has.
    TooManyDrives = "too-many-drives",
    /// An image that several drives would write.
    SharedDisk = "shared-disk",
    /// A clock that no 386DX had.
    ImpossibleClock = "impossible-clock",
    /// A clock that no 386DX was sold with.
    UnusualClock = "unusual-clock",
    /// A memory size that no board can have.
    ImpossibleMemory = "impossible-memory",
    /// A memory size that few boards had.
    UnusualMemory = "unusual-memory",
    /// A card's address that none of its jumpers sets.
    ImpossibleJumper = "impossible-jumper",
    /// An interrupt that the card has no line for.
    ImpossibleIrq = "impossible-irq",
    /// A connector that does not fit the cable.
    WrongPort = "wrong-port",
    /// Two devices at the same I/O ports.
    IoConflict = "io-conflict",
    /// Two devices at the same memory addresses.
    MemoryConflict = "memory-conflict",
    /// Two devices on the same interrupt.
    IrqConflict = "irq-conflict",
    /// Text that is not a station address.
    BadMac = "bad-mac",
    /// A station address that no station may have: zero, or a group's.
    GroupMac = "group-mac",
    /// `count` runs over the end of the maker's addresses.
    MacOverflow = "mac-overflow",
    /// A card without a station address.
    NoMac = "no-mac",
    /// A station address for a card that is not there.
    NoCard = "no-card",
    /// A card with two station addresses.
    TwoMacs = "two-macs",
    /// Two cards with the same station address.
    DuplicateMac = "duplicate-mac",
    /// A bit rate that the medium does not have.
    UnusualRate = "unusual-rate",
    /// A cable longer than its standard allows.
    CableTooLong = "cable-too-long",
    /// More stations than the standard allows on a cable.
    TooManyStations = "too-many-stations",
    /// A tap that is not on the cable.
    TapBeyondEnd = "tap-beyond-end",
    /// Taps closer than the standard allows.
    TapsTooClose = "taps-too-close",
    /// Two captures into one file.
    DuplicateCapture = "duplicate-capture",
    /// Two faults of one name.
    DuplicateFault = "duplicate-fault",
    /// A field of a fault that its kind does not have, or that goes not with another.
    FaultField = "fault-field",
    /// An input that types nothing or what no key types, or that has two times.
    Input = "input",
    /// Two ways of saying how long frames are or when they come.
    TwoPaces = "two-paces",
    /// An expectation that the run is too short for.
    LateExpectation = "late-expectation",
    /// A fault that begins when the run is over.
    LateFault = "late-fault",
    /// An input whose time comes when the run is over.
    LateInput = "late-input",
}

impl Code {
    /// True if a lab with this problem can run all the same.
    pub(super) const fn is_warning(self) -> bool {
        matches!(
            self,
            Self::UnusualClock
                | Self::UnusualMemory
                | Self::UnusualRate
                | Self::CableTooLong
                | Self::TooManyStations
                | Self::TapsTooClose
                | Self::LateExpectation
                | Self::LateFault
                | Self::LateInput
        )
    }
}
