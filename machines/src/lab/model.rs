//! What a lab file means once profiles, counts and defaults are filled in: plain values, all checked.

use std::path::PathBuf;

use clock::{Instant, Rate, Span};
use devices::{DriveModel, FloppyDriveKind, Geometry, TornSector};
use serde::{Deserialize, Serialize};

/// A whole lab, ready to be built.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Lab {
    /// Name, used for the run folder.
    pub name: String,
    /// One line for people.
    pub description: String,
    /// The seed of every random choice.
    pub seed: u64,
    /// The CMOS clock and the capture's epoch, in seconds since 1970-01-01T00:00:00Z.
    pub epoch_seconds: i64,
    /// Virtual time at which the run ends, if any.
    pub stop: Option<Span>,
    /// How fast virtual time may pass.
    pub speed: Speed,
    /// The segments, in the order of the file.
    pub segments: Vec<Segment>,
    /// The machines, counts unrolled, in the order of the file.
    pub machines: Vec<Machine>,
    /// The traffic generators, counts unrolled, in the order of the file.
    pub generators: Vec<Generator>,
    /// Faults, in the order of the file.
    pub faults: Vec<Fault>,
    /// What is typed, in the order of the file.
    pub inputs: Vec<Input>,
    /// What a good run looks like.
    pub expectations: Vec<Expectation>,
    /// What to record.
    pub captures: Vec<Capture>,
    /// Every file that the lab uses.
    pub images: Vec<Image>,
}

impl Lab {
    /// Whether the image of that index is in a drive.
    #[must_use]
    pub fn is_disk(&self, image: usize) -> bool {
        self.machines
            .iter()
            .flat_map(Machine::disk_images)
            .any(|used| used == image)
    }
}

/// How fast virtual time may pass, against the host's.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Speed {
    /// As fast as the host can.
    Max,
    /// At most so many thousandths of real time (1000 is real time).
    Thousandths(u64),
}

/// A cable.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Segment {
    /// Its name, such as `ether0`.
    pub name: String,
    /// How it behaves.
    pub settings: wire::Settings,
}

/// What a lab has in a drive, a socket or memory.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Image {
    /// Its name in the lab file.
    pub name: String,
    /// Where its bytes are.
    pub source: ImageSource,
    /// What may happen to it in a drive.
    pub access: Access,
}

/// What becomes of writes to an image in a drive.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Access {
    /// They are refused: the medium is write protected.
    ReadOnly,
    /// They go to the run folder.
    #[default]
    Overlay,
    /// They go to the image's file.
    Direct,
}

/// Where an image's bytes are.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum ImageSource {
    /// A file, relative paths resolved against the lab file's folder.
    File(PathBuf),
    /// An image that is part of this program: `path = "builtin:kernel"`.
    Builtin(String),
    /// A disk of Amoeba's, made when the lab starts: `make = "disk.toml"`.
    Made(MadeDisk),
    /// So many bytes of zeros, a whole number of sectors, as a drive comes from its maker: `blank = "100MB"`.
    Blank(u64),
}

/// A disk that is made from a description.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct MadeDisk {
    /// The description's file, relative paths resolved against the lab file's folder.
    pub description: PathBuf,
    /// Which of its disks.
    pub disk: String,
    /// Bytes of the disk, whole cylinders.
    pub bytes: u64,
}

/// A PC.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Machine {
    /// Its name, such as `pool0`.
    pub name: String,
    /// What it is for, in the words of the lab file; may be empty.
    pub role: String,
    /// Memory in bytes, a whole number of 4 KB pages.
    pub memory_bytes: u32,
    /// The processor's clock.
    pub cpu_clock: Rate,
    /// The ISA bus clock.
    pub isa_clock: Rate,
    /// The port whose writes are recorded as POST codes.
    pub post_port: u16,
    /// How it starts.
    pub boot: Boot,
    /// Every timing constant, each with its source.
    pub timing: Timing,
    /// Its Ethernet cards.
    pub cards: Vec<Card>,
    /// It has COM2 beside COM1.
    pub has_second_serial: bool,
    /// Its floppy controller seeks and sets the data rate for firmware that does not.
    pub assists_floppy_firmware: bool,
    /// Its disks end writes early for firmware that does not wait for them.
    pub assists_disk_firmware: bool,
    /// Floppy drives A and B.
    pub floppies: [Option<Floppy>; 2],
    /// Disks 0 and 1 of its ATA channel.
    pub disks: [Option<Disk>; 2],
    /// ROMs between the VGA's memory and the BIOS.
    pub option_roms: Vec<OptionRom>,
}

impl Machine {
    /// The images in its drives, as indices in [`Lab::images`].
    pub fn disk_images(&self) -> impl Iterator<Item = usize> {
        let floppies = self.floppies.iter().flatten().filter_map(|floppy| floppy.image);
        floppies.chain(self.disks.iter().flatten().map(|disk| disk.image))
    }
}

/// A floppy drive.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Floppy {
    /// Which drive.
    pub kind: FloppyDriveKind,
    /// The disk in it: an index in [`Lab::images`].
    pub image: Option<usize>,
}

/// A fixed disk.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Disk {
    /// Its sectors: an index in [`Lab::images`].
    pub image: usize,
    /// Its timing and its name.
    pub model: DriveModel,
    /// How it translates cylinders, heads and sectors.
    pub geometry: Geometry,
}

/// A ROM on a card.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct OptionRom {
    /// Its bytes: an index in [`Lab::images`].
    pub image: usize,
    /// Where it begins.
    pub address: u32,
    /// Its length.
    pub bytes: u32,
}

impl OptionRom {
    pub(super) fn overlaps(&self, other: &Self) -> bool {
        self.address < other.address + other.bytes && other.address < self.address + self.bytes
    }
}

/// A program that a loader puts into memory beside the kernel.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Module {
    /// Index in [`Lab::images`].
    pub image: usize,
    /// Given to the program after its name, which is that of its image.
    pub arguments: String,
}

/// How a machine starts.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Boot {
    /// The loader puts a Multiboot kernel into memory.
    Direct {
        /// Index in [`Lab::images`].
        image: usize,
        /// Given to the kernel after its own name.
        command_line: String,
        /// Put into memory beside the kernel.
        modules: Vec<Module>,
    },
    /// The processor starts at its reset vector, in a ROM.
    Bios {
        /// Index in [`Lab::images`].
        image: usize,
        /// What a triple fault does.
        shutdown: Shutdown,
        /// What its setup says about where to boot from.
        order: BootOrder,
    },
}

/// Which drive a BIOS tries first.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum BootOrder {
    /// The first floppy drive, then the first disk.
    #[default]
    FloppyFirst,
    /// The first disk, then the first floppy drive.
    DiskFirst,
}

/// What a board does when its processor shuts down.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Shutdown {
    /// It resets the processor, as an AT does.
    Reset,
    /// Nothing: the machine has stopped.
    Stop,
}

/// An Ethernet card in a slot.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Card {
    /// Index in [`Lab::segments`].
    pub segment: usize,
    /// Distance of its tap from the cable's end.
    pub position_millimetres: u64,
    /// The name of its interface in captures, such as `pool0/el0`.
    pub interface: String,
    /// Jumpers and station address; the boot PROM's bytes are not here yet.
    pub settings: ne2000::Settings,
    /// What is in the boot PROM's socket: index in [`Lab::images`].
    pub prom: Option<usize>,
}

/// A station that makes traffic.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Generator {
    /// Its name, which is that of its interface in captures too.
    pub name: String,
    /// Index in [`Lab::segments`].
    pub segment: usize,
    /// Distance of its tap from the cable's end.
    pub position_millimetres: u64,
    /// What it sends; the seed is not here.
    pub settings: wire::TrafficSettings,
    /// Its own seed; `None` for one that follows from the lab's.
    pub seed: Option<u64>,
}

/// Something that goes wrong, on a cable or in a machine.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Fault {
    /// What events call it.
    pub name: String,
    /// When it begins.
    pub from: Instant,
    /// When it ends; [`Instant::NEVER`] for never.
    pub until: Instant,
    /// What happens.
    pub kind: FaultKind,
}

/// What goes wrong.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum FaultKind {
    /// A rule touches frames.
    Frames(Box<FrameFault>),
    /// A cable is cut in two, both parts with terminators.
    Partition {
        /// Index in [`Lab::segments`].
        segment: usize,
        /// Where, from the cable's end.
        position_millimetres: u64,
    },
    /// Stations are off their cables.
    Unplug {
        /// Each with the index of its segment.
        stations: Vec<(usize, wire::StationId)>,
    },
    /// Machines are without power. At the end they start cold.
    PowerOff {
        /// Indices in [`Lab::machines`].
        machines: Vec<usize>,
        /// What becomes of a sector that is being written; of several faults of a machine the first decides.
        torn: TornSector,
    },
    /// The reset buttons of machines are pressed.
    Reset {
        /// Indices in [`Lab::machines`].
        machines: Vec<usize>,
    },
}

/// A rule for frames on a segment.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FrameFault {
    /// Index in [`Lab::segments`].
    pub segment: usize,
    /// Which frames, and at whose taps.
    pub matcher: wire::Matcher,
    /// Which of them have their turn.
    pub turns: wire::Turns,
    /// How often it happens then.
    pub chance: wire::Chance,
    /// Whether receivers share a fate.
    pub place: wire::Place,
    /// What happens.
    pub deed: wire::Deed,
    /// Its own seed; `None` for one that follows from the lab's.
    pub seed: Option<u64>,
}

impl Lab {
    /// The names of a segment's stations in the order of their attachment, which is that of their numbers: the cards
    /// of all machines, then the traffic generators.
    #[must_use]
    pub fn station_names(&self, segment: usize) -> Vec<&str> {
        let cards = self.machines.iter().flat_map(|machine| &machine.cards);
        let cards = cards.filter(|card| card.segment == segment);
        let generators = self.generators.iter();
        let generators = generators.filter(|generator| generator.segment == segment);
        cards
            .map(|card| card.interface.as_str())
            .chain(generators.map(|generator| generator.name.as_str()))
            .collect()
    }
}

/// A timing constant and where it comes from.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Constant {
    /// The value, in its unit.
    pub value: u32,
    /// How far it can be trusted.
    pub source: Source,
    /// The rest of the source text: document, page, reason.
    pub note: String,
}

/// Where a timing constant comes from.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Source {
    /// Measured on real hardware.
    Measured,
    /// From a data sheet.
    DataSheet,
    /// Computed from data-sheet values.
    Derived,
    /// Not known yet.
    Placeholder,
}

/// The timing constants of a board.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Timing {
    /// 8-bit ISA access from one start to the next, in ISA clocks, 6 to 9 (`isa_8bit`).
    pub isa_8bit: Constant,
    /// The same with 0WS (`isa_8bit_zero_wait`).
    pub isa_8bit_zero_wait: Constant,
    /// 16-bit ISA memory access from one start to the next, in ISA clocks (`isa_16bit`).
    pub isa_16bit: Constant,
    /// 16-bit memory access with 0WS (`isa_16bit_zero_wait`).
    pub isa_16bit_zero_wait: Constant,
    /// Recovery at the end of each ISA access during which the processor already runs on, in ISA clocks
    /// (`isa_recovery`).
    pub isa_recovery: Constant,
    /// Each of the two interrupt acknowledge cycles, in ISA clocks (`interrupt_acknowledge`).
    pub interrupt_acknowledge: Constant,
    /// Size of the external cache in KB, 0 for none (`cache_kilobytes`).
    pub cache_kilobytes: Constant,
    /// Wait states of a cache miss or of memory without a cache, in processor cycles (`dram_read_wait`).
    pub dram_read_wait: Constant,
    /// Wait states of a posted write, in processor cycles (`dram_write_wait`).
    pub dram_write_wait: Constant,
    /// A read of up to 32 bits from the BIOS ROM, in ISA clocks (`rom_read`).
    pub rom_read: Constant,
    /// 16-bit I/O access from one start to the next, in ISA clocks (`isa_16bit_io`).
    pub isa_16bit_io: Constant,
    /// Giving the bus to DMA and taking it back, in ISA clocks (`dma_handover`).
    pub dma_handover: Constant,
    /// What a refresh of memory takes of the bus every 15.09 us, in ISA clocks (`isa_refresh`).
    pub isa_refresh: Constant,
}

/// Something that the lab types.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Input {
    /// Indices of the machines on which it is typed.
    pub machines: Vec<usize>,
    /// When.
    pub time: InputTime,
    /// On what.
    pub device: InputDevice,
    /// What.
    pub text: String,
}

/// When something is typed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum InputTime {
    /// At an instant.
    At(Instant),
    /// After the machine has shown a text on its console since the text before it that was waited for: the inputs with
    /// such a time have their turns in the order of the file.
    After {
        /// The regular expression of the text, as written.
        pattern: String,
        /// From the last character of the text to the first that is typed: 1 ms or more.
        delay: Span,
    },
}

/// What is typed on.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum InputDevice {
    /// The terminal at COM1.
    #[default]
    Com1,
    /// The keyboard.
    Keyboard,
}

impl InputDevice {
    /// Its word in lab files and elsewhere.
    #[must_use]
    pub const fn word(self) -> &'static str {
        match self {
            Self::Com1 => "com1",
            Self::Keyboard => "keyboard",
        }
    }
}

/// What an expectation is about.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Sign {
    /// A line of the console that matches a regular expression, as written.
    Console(String),
    /// A POST code.
    Post(u8),
}

/// Something that a good run shows on a console or a POST card.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Expectation {
    /// Indices of the machines that must all show it.
    pub machines: Vec<usize>,
    /// What they show.
    pub sign: Sign,
    /// Virtual time within which it must appear.
    pub within: Span,
    /// True if it must not appear.
    pub is_absent: bool,
}

/// A capture that the lab file asks for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Capture {
    /// Its name in the lab file.
    pub name: String,
    /// Index in [`Lab::segments`].
    pub segment: usize,
    /// File name inside the run folder.
    pub file: String,
    /// Which wire events become records.
    pub events: wire::CaptureEvents,
}
