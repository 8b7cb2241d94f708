//! Every field of a lab file: its name, what it means and what its values are.
//!
//! This is the one description of the format. The reader checks a file against it ([`check`](super::check)), and the
//! JSON schema for editors is written from it ([`schema`](super::schema)).

use super::cards::CARD_TYPES;
use super::document::Table;
use super::messages::Place;
use super::timing::CONSTANTS;
use super::units::Dimension;

/// A table: its fields, in groups because machines share those of profiles.
pub(super) struct Shape {
    /// What such a table is called in messages, such as `a card`.
    pub(super) name: &'static str,
    pub(super) groups: &'static [&'static [Field]],
}

/// A field of a table.
pub(super) struct Field {
    pub(super) name: &'static str,
    pub(super) about: &'static str,
    pub(super) kind: Kind,
    pub(super) is_required: bool,
}

/// A word of a fixed list.
pub(super) struct Word {
    pub(super) word: &'static str,
    pub(super) about: &'static str,
    /// False for words whose meaning a later version will have.
    pub(super) is_due: bool,
}

/// What the value of a field is.
pub(super) enum Kind {
    /// Free text.
    Text,
    /// A name: letters, digits, `-` and `_`.
    Name,
    /// A whole number.
    Integer { least: i128, most: i128 },
    /// The lab's seed.
    Seed,
    /// The format number.
    Format,
    /// True or false.
    Boolean,
    /// One of a list of words.
    Word(&'static [Word]),
    /// Some of a list of words.
    Words(&'static [Word]),
    /// A number with its unit.
    Quantity(Dimension),
    /// A station address.
    Mac,
    /// An address that frames may carry: a station's or a group's.
    Address,
    /// A list of whole numbers.
    Integers { least: i128, most: i128 },
    /// A probability, in percent.
    Chance,
    /// A point of UTC time.
    Moment,
    /// `max`, `realtime` or a factor.
    Speed,
    /// A regular expression.
    Pattern,
    /// One or several names of machines, with `*` and `?`.
    Machines,
    /// A file name without a folder.
    FileName,
    /// The unit of a timing constant.
    ConstantUnit,
    /// The source of a timing constant.
    ConstantSource,
    /// A table.
    Table(&'static Shape),
    /// Named tables: `[segment.ether0]`.
    Named(&'static Shape),
    /// Tables without names: `[[expect]]`.
    List(&'static Shape),
    /// The timing constants of a board.
    Timing,
    /// Anything: a later version will have it.
    NotYet,
}

impl Shape {
    pub(super) fn fields(&self) -> impl Iterator<Item = &'static Field> {
        self.groups.iter().flat_map(|group| group.iter())
    }

    pub(super) fn field(&self, name: &str) -> Option<&'static Field> {
        self.fields().find(|field| field.name == name)
    }

    /// Reads the whole number `name` of a table of this shape, if it is given and in its range.
    pub(super) fn number(&self, table: &Table, name: &str) -> Option<(u32, Place)> {
        let node = table.get(name)?;
        let value = node.integer()?;
        let Kind::Integer { least, most } = self.field(name)?.kind else {
            return None;
        };
        let is_in_range = (least..=most).contains(&value);
        is_in_range.then(|| u32::try_from(value).ok().map(|value| (value, node.place)))?
    }
}

const fn field(name: &'static str, about: &'static str, kind: Kind) -> Field {
    Field {
        name,
        about,
        kind,
        is_required: false,
    }
}

const fn required(name: &'static str, about: &'static str, kind: Kind) -> Field {
    Field {
        name,
        about,
        kind,
        is_required: true,
    }
}

const fn word(word: &'static str, about: &'static str) -> Word {
    Word {
        word,
        about,
        is_due: true,
    }
}

const fn later(word: &'static str, about: &'static str) -> Word {
    Word {
        word,
        about,
        is_due: false,
    }
}

/// The format that this version reads.
pub(super) const FORMAT: i128 = 1;

/// A whole lab file.
pub(super) static LAB_FILE: Shape = Shape {
    name: "a lab file",
    groups: &[&[
        required("format", "The format of this file: 1.", Kind::Format),
        required("lab", "What the lab is.", Kind::Table(&LAB)),
        field(
            "time",
            "How virtual time begins, passes and ends.",
            Kind::Table(&TIME),
        ),
        field("image", "Files that the lab uses.", Kind::Named(&IMAGE)),
        field("segment", "Cables.", Kind::Named(&SEGMENT)),
        field(
            "profile",
            "Settings that machines share through `extends`.",
            Kind::Named(&PROFILE),
        ),
        field("machine", "The PCs.", Kind::Named(&MACHINE)),
        field(
            "traffic",
            "Stations that make traffic, for experiments with the cable alone.",
            Kind::Named(&TRAFFIC),
        ),
        field(
            "input",
            "What is typed on machines while the lab runs.",
            Kind::List(&INPUT),
        ),
        field(
            "expect",
            "What a good run shows on its consoles and POST cards.",
            Kind::List(&EXPECT),
        ),
        field("capture", "What to record.", Kind::Named(&CAPTURE)),
        field(
            "fault",
            "Faults of the wire and of machines. Of those that touch a frame the first in the file with an opinion \
             decides.",
            Kind::List(&FAULT),
        ),
        field("bench", "What to measure and compare.", Kind::NotYet),
    ]],
};

static LAB: Shape = Shape {
    name: "the lab",
    groups: &[&[
        required("name", "Name of the lab and of its run folders.", Kind::Name),
        field("description", "One line for people.", Kind::Text),
        field(
            "seed",
            "Seed of all randomness, such as the back-off after collisions; default 0.",
            Kind::Seed,
        ),
    ]],
};

static TIME: Shape = Shape {
    name: "the time table",
    groups: &[&[
        field(
            "rtc",
            "What the CMOS clocks show at the start, in UTC, and the epoch of captures; default 1995-05-30T09:00:00Z.",
            Kind::Moment,
        ),
        field(
            "stop",
            "Virtual time at which the run ends; default never.",
            Kind::Quantity(Dimension::Time),
        ),
        field(
            "speed",
            "How fast virtual time may pass: \"max\" (default), \"realtime\", or a factor of real time such as 0.5.",
            Kind::Speed,
        ),
    ]],
};

static IMAGE: Shape = Shape {
    name: "an image",
    groups: &[&[
        field(
            "path",
            "A file, relative to this file's folder; or `builtin:kernel`, the kernel that is part of this program.",
            Kind::Text,
        ),
        field(
            "blank",
            "In place of `path`: a disk of this size that nobody has written to yet, all zeros.",
            Kind::Quantity(Dimension::Memory),
        ),
        field(
            "make",
            "In place of `path`: a disk of Amoeba's that is made from this description when the lab starts.",
            Kind::Text,
        ),
        field(
            "disk",
            "Which of the description's disks is made; default its only one.",
            Kind::Text,
        ),
        field(
            "access",
            "What may happen to the file; default \"overlay\".",
            Kind::Word(&[
                word("readonly", "writes are refused"),
                word("overlay", "writes go to the run folder"),
                word("direct", "writes go to the file"),
            ]),
        ),
    ]],
};

static SEGMENT: Shape = Shape {
    name: "a segment",
    groups: &[&[
        required(
            "kind",
            "Kind of cable.",
            Kind::Word(&[
                word(
                    "10base2",
                    "thin coaxial cable, at most 185 m and 30 stations, taps 0.5 m apart",
                ),
                word(
                    "10base5",
                    "thick coaxial cable, at most 500 m and 100 stations, taps 2.5 m apart",
                ),
            ]),
        ),
        field(
            "model",
            "Rules of access; default \"csma-cd\".",
            Kind::Word(&[
                word(
                    "csma-cd",
                    "carrier sense, collisions and back-off: the real thing",
                ),
                word("fifo", "one frame after the other, no collisions"),
                word(
                    "ideal",
                    "each frame arrives after its own length, whatever else is sent",
                ),
            ]),
        ),
        field(
            "rate",
            "Bit rate; default \"10Mbit/s\".",
            Kind::Quantity(Dimension::BitRate),
        ),
        required(
            "length",
            "Length of the cable.",
            Kind::Quantity(Dimension::Length),
        ),
    ]],
};

/// What profiles and machines have in common.
const HARDWARE: &[Field] = &[
    field(
        "extends",
        "The profile whose settings these are added to: key by key; cards, drives and ROMs add up, and `card = []` \
         clears them.",
        Kind::Name,
    ),
    field("role", "What the machine is for, in your own words.", Kind::Text),
    field(
        "memory",
        "Memory, including the first megabyte; default \"4MB\".",
        Kind::Quantity(Dimension::Memory),
    ),
    field("boot", "How the machine starts.", Kind::Table(&BOOT)),
    field(
        "bios",
        "A ROM at the top of memory, in which the processor starts.",
        Kind::Table(&BIOS),
    ),
    field("cpu", "The processor.", Kind::Table(&CPU)),
    field("isa", "The expansion bus.", Kind::Table(&ISA)),
    field(
        "post_port",
        "The port whose writes are recorded as POST codes; default 0x80.",
        Kind::Integer {
            least: 0,
            most: 0xFFFF,
        },
    ),
    field(
        "serial_ports",
        "1 for COM1, the console; 2 for COM2 too, at 2F8h and IRQ 3, with nothing in its connector; default 1.",
        Kind::Integer { least: 1, most: 2 },
    ),
    field(
        "timing",
        "Timing constants of the board, each with its source.",
        Kind::Timing,
    ),
    field("nic", "The first card.", Kind::Table(&NIC)),
    field("card", "Cards in the slots.", Kind::List(&CARD)),
    field(
        "rom",
        "Option ROMs, such as a VGA's BIOS.",
        Kind::List(&OPTION_ROM),
    ),
    field(
        "module",
        "Programs that the loader puts into memory beside the kernel, which starts them.",
        Kind::List(&MODULE),
    ),
    field("disk", "Fixed disks.", Kind::List(&DISK)),
    field(
        "disk_controller",
        "What the disks do; default \"assisting\".",
        Kind::Word(&[
            word(
                "assisting",
                "as ata-1, but a write for firmware that has disabled their interrupt, such as the BIOS of Bochs, ends when \
                 they have its data",
            ),
            word("ata-1", "what the standard says, no more"),
        ]),
    ),
    field(
        "floppy_controller",
        "What the floppy controller does; default \"assisting\".",
        Kind::Word(&[
            word(
                "assisting",
                "as 82077aa, but it seeks and sets the data rate for firmware that does not, such as the BIOS of Bochs",
            ),
            word("82077aa", "what Intel's data sheet says, no more"),
        ]),
    ),
    field("floppy", "Floppy drives.", Kind::List(&FLOPPY)),
];

static PROFILE: Shape = Shape {
    name: "a profile",
    groups: &[HARDWARE],
};

/// The most machines that one table can stand for.
pub(super) const MOST_MACHINES: i128 = 1_000;

static MACHINE: Shape = Shape {
    name: "a machine",
    groups: &[
        HARDWARE,
        &[field(
            "count",
            "So many machines: name0, name1, and so on, with MAC + 0, + 1, and so on.",
            Kind::Integer {
                least: 1,
                most: MOST_MACHINES,
            },
        )],
    ],
};

/// A length of a frame, check sequence included.
const FRAME_LENGTH: Kind = Kind::Integer {
    least: 18,
    most: 65_535,
};
/// What two bytes can say.
const TYPE: Kind = Kind::Integer {
    least: 0,
    most: 0xFFFF,
};
/// A number of frames.
const FRAMES: Kind = Kind::Integer {
    least: 1,
    most: i64::MAX as i128,
};

pub(super) static TRAFFIC: Shape = Shape {
    name: "a traffic generator",
    groups: &[&[
        required("segment", "The cable, one of `[segment.*]`.", Kind::Name),
        required(
            "mac",
            "Station address; `count` adds 0, 1, 2, and so on.",
            Kind::Mac,
        ),
        field(
            "destination",
            "To whom it sends; default ff:ff:ff:ff:ff:ff, everyone.",
            Kind::Address,
        ),
        field("ethertype", "The type of its frames; default 0x88b5.", TYPE),
        field(
            "length",
            "Length of its frames in bytes, check sequence included; default 64.",
            FRAME_LENGTH,
        ),
        field(
            "longest",
            "If given, lengths are equally likely from `length` to this one.",
            FRAME_LENGTH,
        ),
        field(
            "lengths",
            "In place of `length`: these lengths in turn, over and over.",
            Kind::Integers {
                least: 18,
                most: 65_535,
            },
        ),
        field(
            "pause",
            "Time from the end of a frame to the next one's request; default none, so that it is always ready.",
            Kind::Quantity(Dimension::Time),
        ),
        field(
            "interval",
            "In place of `pause`: a frame comes due every so often, whatever becomes of those before.",
            Kind::Quantity(Dimension::Time),
        ),
        field(
            "mean",
            "In place of `pause`: frames come due at random, with this mean distance (a Poisson process).",
            Kind::Quantity(Dimension::Time),
        ),
        field(
            "start",
            "When it begins; default at once.",
            Kind::Quantity(Dimension::Time),
        ),
        field("frames", "How many frames it sends; default no end.", FRAMES),
        TAP,
        field(
            "count",
            "So many of them: name0, name1, and so on, with MAC + 0, + 1, and so on.",
            Kind::Integer {
                least: 1,
                most: MOST_MACHINES,
            },
        ),
        field(
            "seed",
            "Seed of its lengths and pauses; default from the lab's.",
            Kind::Seed,
        ),
    ]],
};

pub(super) static FAULT: Shape = Shape {
    name: "a fault",
    groups: &[
        &[
            field(
                "name",
                "What events call it, each fault by its own name; default fault0, fault1, and so on.",
                Kind::Name,
            ),
            required(
                "kind",
                "What happens.",
                Kind::Word(&[
                    word("loss", "frames are not received"),
                    word("duplication", "frames are received again"),
                    word("delay", "frames arrive later"),
                    word("reordering", "frames arrive behind later ones"),
                    word("bit-errors", "bits of frames are flipped"),
                    word("misalignment", "frames end within a byte"),
                    word("truncation", "frames break off"),
                    word("partition", "the cable is in two parts"),
                    word("unplug", "stations are off their cable"),
                    word("power-off", "machines are without power; then they start cold"),
                    word("reset", "the reset buttons of machines are pressed"),
                ]),
            ),
            field(
                "from",
                "When it begins; default at once.",
                Kind::Quantity(Dimension::Time),
            ),
            field(
                "until",
                "When it ends; default never.",
                Kind::Quantity(Dimension::Time),
            ),
        ],
        MATCHER,
        DEEDS,
    ],
};

/// Which frames a fault touches, and how often.
const MATCHER: &[Field] = &[
    field(
        "segment",
        "The cable, one of `[segment.*]`; needed if there are several.",
        Kind::Name,
    ),
    field(
        "sender",
        "Stations whose frames it touches: machines, cards such as pc0/el1, or traffic generators, with * and ?; \
         default all.",
        Kind::Machines,
    ),
    field(
        "receiver",
        "Stations at which it touches them; default all.",
        Kind::Machines,
    ),
    field("ethertype", "Only frames of this type.", TYPE),
    field("source", "Only frames with this source address.", Kind::Address),
    field(
        "destination",
        "Only frames with this destination address.",
        Kind::Address,
    ),
    field(
        "nth",
        "Only this one of the frames that fit; the first is 1.",
        FRAMES,
    ),
    field("every", "Only each so manieth of the frames that fit.", FRAMES),
    field(
        "chance",
        "How often it happens to a frame whose turn it is; default \"100%\".",
        Kind::Chance,
    ),
    field(
        "place",
        "Where it happens; default \"cable\".",
        Kind::Word(&[
            word("cable", "on the cable: all receivers meet the same fate"),
            word("receiver", "at each receiver's tap: each has its own luck"),
        ]),
    ),
    field(
        "seed",
        "Seed of its random choices; default from the lab's.",
        Kind::Seed,
    ),
];

/// What single kinds of faults need to know.
const DEEDS: &[Field] = &[
    field(
        "copies",
        "Duplication: how many times more; default 1.",
        Kind::Integer {
            least: 1,
            most: 1_000,
        },
    ),
    field(
        "apart",
        "Duplication: how long after one another; default \"100us\".",
        Kind::Quantity(Dimension::Time),
    ),
    field(
        "least",
        "Delay: at least so long.",
        Kind::Quantity(Dimension::Time),
    ),
    field(
        "most",
        "Delay: at most so long, equally likely between; default `least`.",
        Kind::Quantity(Dimension::Time),
    ),
    field(
        "behind",
        "Reordering: how many frames overtake it; default 1.",
        Kind::Integer {
            least: 1,
            most: 1_000,
        },
    ),
    field(
        "at_most",
        "Reordering: it comes after this time even if fewer have; default \"10ms\".",
        Kind::Quantity(Dimension::Time),
    ),
    field(
        "bits",
        "Bit errors: how many bits are flipped, no bit twice; default 1.",
        Kind::Integer {
            least: 1,
            most: 12_144,
        },
    ),
    field(
        "fcs",
        "Bit errors: what the check sequence is then; default \"wrong\".",
        Kind::Word(&[
            word("wrong", "wrong, as after noise on the cable"),
            word("right", "right, as after damage in the sender's memory"),
        ]),
    ),
    field(
        "dribble_bits",
        "Misalignment: bits after the last whole byte; default 4.",
        Kind::Integer { least: 1, most: 7 },
    ),
    field(
        "length",
        "Truncation: bytes that arrive, check sequence included.",
        Kind::Integer {
            least: 4,
            most: 65_535,
        },
    ),
    field(
        "at",
        "Partition: where the cable is cut, from its end; a tap at that very place belongs to the far part.",
        Kind::Quantity(Dimension::Length),
    ),
    field(
        "station",
        "Unplug: machines, cards such as pc0/el1, or traffic generators, with * and ?.",
        Kind::Machines,
    ),
    field(
        "machine",
        "Power-off and reset: machines, with * and ?.",
        Kind::Machines,
    ),
    field(
        "sector",
        "Power-off: what becomes of the sector under a disk's writing head; default \"unreadable\".",
        Kind::Word(&[
            word("old", "it keeps what it held"),
            word("new", "it holds what was being written"),
            word("unreadable", "it cannot be read until it is written again"),
        ]),
    ),
];

static BOOT: Shape = Shape {
    name: "boot",
    groups: &[&[
        field(
            "from",
            "Where the first program comes from.",
            Kind::Word(&[
                word(
                    "direct",
                    "the loader puts a Multiboot kernel into memory; boot time then means nothing",
                ),
                word("bios", "the processor starts in the ROM of `bios`, which decides"),
                later("net", "a boot ROM on the card"),
                word(
                    "disk",
                    "the ROM of `bios`, whose setup says the first disk, then a floppy",
                ),
                word(
                    "floppy",
                    "the ROM of `bios`, whose setup says a floppy, then the first disk",
                ),
            ]),
        ),
        field("image", "The kernel, one of `[image.*]`.", Kind::Name),
        field("args", "Arguments given to the kernel.", Kind::Text),
    ]],
};

static MODULE: Shape = Shape {
    name: "a module",
    groups: &[&[
        required(
            "image",
            "The program, one of `[image.*]`, such as `builtin:spin`; its name is the program's.",
            Kind::Name,
        ),
        field("args", "Arguments given to the program.", Kind::Text),
    ]],
};

pub(super) static BIOS: Shape = Shape {
    name: "bios",
    groups: &[&[
        required(
            "image",
            "The ROM, one of `[image.*]`: 4 KB to 256 KB, ending at 4 GB; its last 128 KB also end at 1 MB.",
            Kind::Name,
        ),
        field(
            "shutdown",
            "What a triple fault does; default \"reset\".",
            Kind::Word(&[
                word(
                    "reset",
                    "the board resets the processor, which starts in the ROM again, as on an AT",
                ),
                word(
                    "stop",
                    "the machine stops, and its registers go to the run folder",
                ),
            ]),
        ),
    ]],
};

pub(super) static OPTION_ROM: Shape = Shape {
    name: "an option ROM",
    groups: &[&[
        required("image", "The ROM, one of `[image.*]`.", Kind::Name),
        required(
            "at",
            "Where it begins, 0xC0000 to 0xDF800 in steps of 2 KB.",
            Kind::Integer {
                least: 0,
                most: 0xFFFF_FFFF,
            },
        ),
    ]],
};

const DRIVE: Field = field(
    "drive",
    "0 for the first drive, 1 for the second; default the first that is free.",
    Kind::Integer { least: 0, most: 1 },
);

pub(super) static FLOPPY: Shape = Shape {
    name: "a floppy drive",
    groups: &[&[
        field(
            "image",
            "The disk in it, one of `[image.*]`; without it the drive is empty.",
            Kind::Name,
        ),
        field(
            "kind",
            "The drive, by the largest disk that it takes; default \"1.44MB\".",
            Kind::Word(&[
                word("1.44MB", "3.5 inch, high density"),
                word("720KB", "3.5 inch, double density"),
                word("1.2MB", "5.25 inch, high density"),
                word("360KB", "5.25 inch, double density"),
            ]),
        ),
        DRIVE,
    ]],
};

pub(super) static DISK: Shape = Shape {
    name: "a disk",
    groups: &[&[
        required(
            "image",
            "Its sectors, one of `[image.*]`; the image's `access` says what becomes of writes.",
            Kind::Name,
        ),
        field(
            "controller",
            "What it is attached to; default \"ide\".",
            Kind::Word(&[word("ide", "the ATA channel at 1F0h, IRQ 14")]),
        ),
        DRIVE,
        field(
            "model",
            "The drive whose timing and name it has; default \"generic-1992\".",
            Kind::Text,
        ),
        field(
            "timing",
            "What differs from the model.",
            Kind::Table(&DISK_TIMING),
        ),
        field(
            "geometry",
            "Heads and sectors a track as programs see them; default 16 and 63.",
            Kind::Table(&GEOMETRY),
        ),
    ]],
};

pub(super) static DISK_TIMING: Shape = Shape {
    name: "a disk's timing",
    groups: &[&[
        field(
            "seek",
            "The average seek, over a third of the cylinders.",
            Kind::Quantity(Dimension::Time),
        ),
        field(
            "rpm",
            "Revolutions a minute.",
            Kind::Integer {
                least: 1_000,
                most: 15_000,
            },
        ),
    ]],
};

pub(super) static GEOMETRY: Shape = Shape {
    name: "a geometry",
    groups: &[&[
        required("heads", "Heads.", Kind::Integer { least: 1, most: 16 }),
        required(
            "sectors",
            "Sectors a track.",
            Kind::Integer { least: 1, most: 63 },
        ),
    ]],
};

static CPU: Shape = Shape {
    name: "cpu",
    groups: &[&[
        field(
            "model",
            "The processor; default \"386dx\".",
            Kind::Word(&[word("386dx", "Intel 80386DX")]),
        ),
        field(
            "clock",
            "Its clock; default \"40MHz\". \"33MHz\" is 33 1/3 MHz, as sold; everything else is exact.",
            Kind::Quantity(Dimension::Frequency),
        ),
        field(
            "fpu",
            "The floating point unit; default \"none\".",
            Kind::Word(&[word("none", "an empty socket"), later("387", "Intel 80387")]),
        ),
    ]],
};

static ISA: Shape = Shape {
    name: "isa",
    groups: &[&[field(
        "clock",
        "The bus clock; default \"8MHz\".",
        Kind::Quantity(Dimension::Frequency),
    )]],
};

static NIC: Shape = Shape {
    name: "nic",
    groups: &[&[field(
        "mac",
        "Station address of the first card; `count` adds 0, 1, 2, and so on.",
        Kind::Mac,
    )]],
};

const TAP: Field = field(
    "tap",
    "Distance from the cable's end; default the next place at the cable's least spacing. With `count`, the next ones \
     follow at that spacing.",
    Kind::Quantity(Dimension::Length),
);

pub(super) static CARD: Shape = Shape {
    name: "a card",
    groups: &[&[
        required("type", "Which card.", Kind::Word(CARD_TYPES)),
        required("segment", "The cable, one of `[segment.*]`.", Kind::Name),
        field(
            "port",
            "The connector that the cable is on; default the one that fits the cable. A 3C503 reaches it if its driver selects it.",
            Kind::Word(&[word("bnc", "thin cable"), word("aui", "thick cable")]),
        ),
        required(
            "io",
            "I/O base jumper.",
            Kind::Integer {
                least: 0,
                most: 0xFFFF,
            },
        ),
        required("irq", "Interrupt.", Kind::Integer { least: 0, most: 15 }),
        field(
            "ram",
            "Memory window jumper, a physical address; without it the card has no window. An NE1000 or NE2000 shows \
             only a boot PROM there.",
            Kind::Integer {
                least: 0,
                most: 0xFFFF_FFFF,
            },
        ),
        field(
            "mac",
            "Station address; `count` adds 0, 1, 2, and so on.",
            Kind::Mac,
        ),
        TAP,
        field("prom", "The boot PROM in the card's socket.", Kind::Table(&PROM)),
    ]],
};

static PROM: Shape = Shape {
    name: "prom",
    groups: &[&[required(
        "image",
        "The PROM, one of `[image.*]`: at most 8 KB on a 3C503, 16 KB on an NE1000 or NE2000.",
        Kind::Name,
    )]],
};

static INPUT: Shape = Shape {
    name: "an input",
    groups: &[&[
        required(
            "machine",
            "Machines on which it is typed: a name, in which * and ? stand for any letters or one, or a list.",
            Kind::Machines,
        ),
        field(
            "at",
            "Virtual time at which it is typed.",
            Kind::Quantity(Dimension::Time),
        ),
        field(
            "after",
            "In place of `at`: a regular expression; the text is typed when a line of the machine's own console matches. \
             The inputs of a machine that wait have their turns in the order of the file, and each looks only at what is \
             printed after the one before it was found.",
            Kind::Pattern,
        ),
        field(
            "delay",
            "Time from what `after` waits for to the first character; default 10ms, the least is 1ms.",
            Kind::Quantity(Dimension::Time),
        ),
        field(
            "device",
            "On what it is typed; default \"com1\".",
            Kind::Word(&[
                word("com1", "the terminal at COM1, as fast as the port's speed allows"),
                word(
                    "keyboard",
                    "the keyboard, American, a key each 20 ms; only what it has keys for",
                ),
            ]),
        ),
        required("text", "What is typed; \"\\n\" is the Enter key.", Kind::Text),
    ]],
};

pub(super) static EXPECT: Shape = Shape {
    name: "an expectation",
    groups: &[&[
        required(
            "machine",
            "Machines that must all show it: a name, in which * and ? stand for any letters or one, or a list.",
            Kind::Machines,
        ),
        field(
            "console",
            "A regular expression that a line of the console matches.",
            Kind::Pattern,
        ),
        field(
            "post",
            "A POST code, in place of `console`. A machine may halt for good once it has come.",
            Kind::Integer { least: 0, most: 0xFF },
        ),
        field(
            "within",
            "Virtual time within which it must appear; default the lab's `stop`.",
            Kind::Quantity(Dimension::Time),
        ),
        field(
            "absent",
            "True if it must not appear; default false.",
            Kind::Boolean,
        ),
    ]],
};

static CAPTURE: Shape = Shape {
    name: "a capture",
    groups: &[&[
        required("segment", "The cable, one of `[segment.*]`.", Kind::Name),
        required("file", "File name in the run folder.", Kind::FileName),
        field(
            "events",
            "What to record besides frames; default nothing.",
            Kind::Words(&[
                word("collision", "collisions, with their stations"),
                word("jam", "the jam after a collision"),
                word("deferral", "stations that wait for a busy cable"),
            ]),
        ),
    ]],
};

/// A timing constant.
pub(super) static CONSTANT: Shape = Shape {
    name: "a timing constant",
    groups: &[&[
        required(
            "value",
            "The value in its unit.",
            Kind::Integer {
                least: 0,
                most: 0xFFFF_FFFF,
            },
        ),
        required("unit", "The constant's unit, for the reader.", Kind::ConstantUnit),
        required(
            "source",
            "\"measured: …\", \"data sheet: …\", \"derived: …\" or \"placeholder: …\".",
            Kind::ConstantSource,
        ),
    ]],
};

/// Names of the timing constants, for suggestions.
pub(super) fn constant_names() -> impl Iterator<Item = &'static str> {
    CONSTANTS.iter().map(|constant| constant.name)
}
