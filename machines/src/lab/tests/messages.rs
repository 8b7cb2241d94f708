//! One wrong lab for every message, and how all of them are printed.

use std::collections::BTreeSet;
use std::fmt::Write;

use super::super::code::Code;
use super::super::messages::Messages;
use super::super::{LabSource, Override, decode, load};
use super::{GOOD, edited, read, read_with};

/// What is wrong, how the good lab is edited to be so, and the codes of all messages that follow.
struct Case {
    fact: &'static str,
    edits: &'static [(&'static str, &'static str)],
    codes: &'static [&'static str],
}

const fn case(
    fact: &'static str,
    edits: &'static [(&'static str, &'static str)],
    codes: &'static [&'static str],
) -> Case {
    Case { fact, edits, codes }
}

/// A second card, for the end of the good lab's profile.
const SECOND_CARD: &str = "ram = 0xCC000

[[profile.at.card]]
type = \"3c503\"
segment = \"ether0\"
io = 0x300
irq = 5
ram = 0xD8000
mac = \"02:60:8c:00:01:00\"";

/// The good lab's machines, and traffic generators in their place.
const PCS: &str = "[machine.pc]\nextends = \"at\"\ncount = 2\nnic = { mac = \"02:60:8c:00:00:01\" }";
const GENERATORS: &str = "[traffic.gen]\nsegment = \"ether0\"\ncount = 2\nmac = \"02:60:8c:00:01:00\"";

const FORM: &[Case] = &[
    case(
        "a quantity without quotation marks",
        &[("\"4MB\"", "4MB")],
        &["lab::syntax"],
    ),
    case(
        "a name given twice",
        &[("seed = 7", "seed = 7\nseed = 8")],
        &["lab::syntax"],
    ),
    case(
        "a syntax error does not hide a wrong field elsewhere",
        &[("\"4MB\"", "4MB"), ("seed", "sead")],
        &["lab::unknown-field", "lab::syntax"],
    ),
    case(
        "a format of the future",
        &[("format = 1", "format = 2")],
        &["lab::unknown-format"],
    ),
    case("no format", &[("format = 1", "")], &["lab::unknown-format"]),
    case(
        "a field with a slip of the pen",
        &[("irq = 3", "irqq = 3")],
        &["lab::unknown-field"],
    ),
    case(
        "a field that means nothing",
        &[("seed = 7", "colour = 7")],
        &["lab::unknown-field"],
    ),
    case(
        "an unknown timing constant",
        &[("memory =", "timing = { isa_8bits = 8 }\nmemory =")],
        &["lab::unknown-field"],
    ),
    case(
        "a field of a later version",
        &[("[capture.wire]", "[bench.rpc]\nrepeat = 5\n[capture.wire]")],
        &["lab::not-yet"],
    ),
    case(
        "a word of a later version",
        &[("boot = { image", "boot = { from = \"net\", image")],
        &["lab::not-yet"],
    ),
    case(
        "a card of a later version",
        &[("\"3c503\"", "\"serial\"")],
        &["lab::not-yet"],
    ),
    case(
        "a chance without a percent sign",
        &[(
            "[[expect]]",
            "[[fault]]\nkind = \"loss\"\nchance = \"0.5\"\n[[expect]]",
        )],
        &["lab::out-of-range"],
    ),
    case(
        "a chance beyond certainty",
        &[(
            "[[expect]]",
            "[[fault]]\nkind = \"loss\"\nchance = \"100.001%\"\n[[expect]]",
        )],
        &["lab::out-of-range"],
    ),
    case(
        "an unknown kind of fault",
        &[("[[expect]]", "[[fault]]\nkind = \"lost\"\n[[expect]]")],
        &["lab::unknown-word"],
    ),
    case(
        "a fault with a field of another kind",
        &[("[[expect]]", "[[fault]]\nkind = \"loss\"\nbits = 3\n[[expect]]")],
        &["lab::fault-field"],
    ),
    case(
        "a reset button that is held",
        &[(
            "[[expect]]",
            "[[fault]]\nkind = \"reset\"\nmachine = \"pc0\"\nuntil = \"1s\"\n[[expect]]",
        )],
        &["lab::fault-field"],
    ),
    case(
        "a fault that counts in two ways",
        &[(
            "[[expect]]",
            "[[fault]]\nkind = \"loss\"\nnth = 3\nevery = 2\n[[expect]]",
        )],
        &["lab::fault-field"],
    ),
    case(
        "a fault that ends before it begins",
        &[(
            "[[expect]]",
            "[[fault]]\nkind = \"loss\"\nfrom = \"2s\"\nuntil = \"1s\"\n[[expect]]",
        )],
        &["lab::out-of-range"],
    ),
    case(
        "a delay of no length, a truncation to none, a partition nowhere, a plug of nobody and a machine without a name",
        &[(
            "[[expect]]",
            "[[fault]]\nkind = \"delay\"\n[[fault]]\nkind = \"truncation\"\n[[fault]]\nkind = \"partition\"\n\
             [[fault]]\nkind = \"unplug\"\n[[fault]]\nkind = \"power-off\"\n[[expect]]",
        )],
        &[
            "lab::missing-field",
            "lab::missing-field",
            "lab::missing-field",
            "lab::missing-field",
            "lab::missing-field",
        ],
    ),
    case(
        "a fault on one of two segments that does not say on which",
        &[
            (
                "[segment.",
                "[segment.ether1]\nkind = \"10base2\"\nlength = \"5m\"\n[segment.",
            ),
            ("[[expect]]", "[[fault]]\nkind = \"loss\"\n[[expect]]"),
        ],
        &["lab::missing-field"],
    ),
    case(
        "a fault at a station that is not there",
        &[(
            "[[expect]]",
            "[[fault]]\nkind = \"loss\"\nsender = [\"pc0/el1\"]\n[[expect]]",
        )],
        &["lab::unknown-station"],
    ),
    case(
        "a power failure of a machine that is not there",
        &[(
            "[[expect]]",
            "[[fault]]\nkind = \"power-off\"\nmachine = \"pc7\"\n[[expect]]",
        )],
        &["lab::unknown-machine"],
    ),
    case(
        "a power failure of a traffic generator",
        &[(
            "[[expect]]",
            "[traffic.gen]\nsegment = \"ether0\"\nmac = \"02:60:8c:00:01:01\"\n\
             [[fault]]\nkind = \"power-off\"\nmachine = \"gen\"\n[[expect]]",
        )],
        &["lab::unknown-machine"],
    ),
    case(
        "machines that are not there in a lab of traffic generators",
        &[
            (PCS, GENERATORS),
            (
                "[[expect]]",
                "[[fault]]\nkind = \"reset\"\nmachine = \"x\"\n\
                 [[fault]]\nkind = \"power-off\"\nmachine = [\"gen1\", \"*\"]\n\
                 [[input]]\nmachine = \"pc0\"\nat = \"1s\"\ntext = \"ls\"\n[[expect]]",
            ),
        ],
        &[
            "lab::unknown-machine",
            "lab::unknown-machine",
            "lab::unknown-machine",
            "lab::unknown-machine",
            "lab::unknown-machine",
        ],
    ),
    case(
        "a count of none beside a traffic generator",
        &[
            ("count = 2", "count = 0"),
            (
                "[[expect]]",
                "[traffic.gen]\nsegment = \"ether0\"\nmac = \"02:60:8c:00:01:01\"\n[[expect]]",
            ),
        ],
        &["lab::out-of-range"],
    ),
    case(
        "two faults of one name",
        &[(
            "[[expect]]",
            "[[fault]]\nname = \"noise\"\nkind = \"loss\"\n[[fault]]\nkind = \"delay\"\nleast = \"1ms\"\n\
             [[fault]]\nname = \"noise\"\nkind = \"duplication\"\n[[expect]]",
        )],
        &["lab::duplicate-fault"],
    ),
    case(
        "a fault with the name of one that has none",
        &[(
            "[[expect]]",
            "[[fault]]\nname = \"fault1\"\nkind = \"loss\"\n[[fault]]\nkind = \"duplication\"\n\
             [[fault]]\nkind = \"misalignment\"\n[[fault]]\nname = \"fault2\"\nkind = \"reordering\"\n[[expect]]",
        )],
        &["lab::duplicate-fault", "lab::duplicate-fault"],
    ),
    case(
        "a fault that begins after the end and one that begins with it",
        &[(
            "[[expect]]",
            "[[fault]]\nkind = \"loss\"\nfrom = \"11min\"\n\
             [[fault]]\nkind = \"reset\"\nmachine = \"pc0\"\nfrom = \"10min\"\n[[expect]]",
        )],
        &["lab::late-fault", "lab::late-fault"],
    ),
    case(
        "a cut at the end of the cable",
        &[(
            "[[expect]]",
            "[[fault]]\nkind = \"partition\"\nat = \"30m\"\n[[expect]]",
        )],
        &["lab::tap-beyond-end"],
    ),
    case(
        "a traffic generator with two paces and with a card's address",
        &[(
            "[[expect]]",
            "[traffic.gen]\nsegment = \"ether0\"\nmac = \"02:60:8c:00:00:01\"\npause = \"1us\"\nmean = \"1ms\"\n\
             [[expect]]",
        )],
        &["lab::duplicate-mac", "lab::two-paces"],
    ),
    case(
        "a traffic generator with two kinds of lengths",
        &[(
            "[[expect]]",
            "[traffic.gen]\nsegment = \"ether0\"\nmac = \"02:60:8c:00:01:01\"\nlength = 64\nlengths = [64, 1518]\n\
             [[expect]]",
        )],
        &["lab::two-paces"],
    ),
    case(
        "a delay until the end of days and a generator that begins then",
        &[(
            "[[expect]]",
            "[traffic.gen]\nsegment = \"ether0\"\nmac = \"02:60:8c:00:01:01\"\nstart = \"5000h\"\n\
             [[fault]]\nkind = \"delay\"\nleast = \"5000h\"\n[[expect]]",
        )],
        &["lab::out-of-range", "lab::out-of-range"],
    ),
    case(
        "a traffic generator with a machine's name",
        &[(
            "[[expect]]",
            "[traffic.pc1]\nsegment = \"ether0\"\nmac = \"02:60:8c:00:01:01\"\n[[expect]]",
        )],
        &["lab::duplicate-machine"],
    ),
    case(
        "a traffic generator without end at once",
        &[(
            "[[expect]]",
            "[traffic.gen]\nsegment = \"ether0\"\nmac = \"02:60:8c:00:01:01\"\nmean = \"0s\"\n[[expect]]",
        )],
        &["lab::out-of-range"],
    ),
    case(
        "text for a number",
        &[("irq = 3", "irq = \"three\"")],
        &["lab::wrong-type"],
    ),
    case(
        "a number for a table",
        &[("cpu = { clock = \"40MHz\" }", "cpu = 386")],
        &["lab::wrong-type"],
    ),
    case(
        "a bare timing constant",
        &[("memory =", "timing = { isa_8bit = 8 }\nmemory =")],
        &["lab::wrong-type"],
    ),
    case("no name", &[("name = \"small\"\n", "")], &["lab::missing-field"]),
    case(
        "a number without a unit",
        &[("\"5s\"", "5")],
        &["lab::missing-unit"],
    ),
    case(
        "text without a unit",
        &[("\"4MB\"", "\"4\"")],
        &["lab::missing-unit"],
    ),
    case(
        "a unit of something else",
        &[("\"4MB\"", "\"4MHz\"")],
        &["lab::wrong-unit"],
    ),
    case(
        "a unit in the wrong letters",
        &[("\"40MHz\"", "\"40mhz\"")],
        &["lab::wrong-unit"],
    ),
    case(
        "a timing constant in the wrong unit",
        &[(
            "memory =",
            "timing.isa_8bit = { value = 8, unit = \"ns\", source = \"measured: by hand\" }\nmemory =",
        )],
        &["lab::wrong-unit"],
    ),
    case("half a byte", &[("\"4MB\"", "\"0.5B\"")], &["lab::bad-quantity"]),
    case(
        "a time beyond all reach",
        &[("\"10min\"", "\"9999999h\"")],
        &["lab::bad-quantity"],
    ),
    case(
        "an impossible number",
        &[("irq = 3", "irq = 16")],
        &["lab::out-of-range"],
    ),
    case(
        "a count of none",
        &[("count = 2", "count = 0")],
        &["lab::out-of-range"],
    ),
    case(
        "a run of no time",
        &[("\"10min\"", "\"0s\"")],
        &["lab::out-of-range"],
    ),
    case(
        "an unknown word",
        &[("\"10base2\"", "\"10base-2\"")],
        &["lab::unknown-word"],
    ),
    case(
        "a speed in words",
        &[("[time]", "[time]\nspeed = \"fast\"")],
        &["lab::unknown-word"],
    ),
    case(
        "a name that cannot be a file's",
        &[("\"small\"", "\"a/b\"")],
        &["lab::bad-name"],
    ),
    case(
        "a capture outside the run folder",
        &[("\"wire.pcapng\"", "\"../wire.pcapng\"")],
        &["lab::bad-file-name"],
    ),
    case(
        "a capture over the run's own file",
        &[("\"wire.pcapng\"", "\"stats.json\"")],
        &["lab::bad-file-name"],
    ),
    case(
        "a date without a zone",
        &[("[time]", "[time]\nrtc = \"1995-05-30T09:00:00\"")],
        &["lab::bad-date"],
    ),
    case(
        "a negative seed",
        &[("seed = 7", "seed = -7")],
        &["lab::bad-seed"],
    ),
    case(
        "a group that is not closed",
        &[("'ready'", "'kernel (ready'")],
        &["lab::bad-pattern"],
    ),
    case(
        "a pattern that is too large",
        &[("'ready'", "'(\\w{1000}){1000}'")],
        &["lab::bad-pattern"],
    ),
    case(
        "a fitted timing constant",
        &[(
            "memory =",
            "timing.isa_8bit = { value = 8, unit = \"isa-cycle\", source = \"fitted: to Figure 1\" }\nmemory =",
        )],
        &["lab::unknown-source"],
    ),
    case(
        "a timing constant that no bus has",
        &[(
            "memory =",
            "timing.isa_8bit = { value = 5, unit = \"isa-cycle\", source = \"measured: by hand\" }\nmemory =",
        )],
        &["lab::timing-range"],
    ),
    case(
        "a cache of an odd size",
        &[(
            "memory =",
            "timing.cache_kilobytes = { value = 100, unit = \"KB\", source = \"measured: by hand\" }\nmemory =",
        )],
        &["lab::timing-range"],
    ),
];

const MEANING: &[Case] = &[
    case(
        "an unknown profile",
        &[("\"at\"", "\"att\"")],
        &["lab::unknown-profile"],
    ),
    case(
        "an unknown profile of a profile",
        &[("memory =", "extends = \"xt\"\nmemory =")],
        &["lab::unknown-profile"],
    ),
    case(
        "an unknown segment",
        &[("segment = \"ether0\"", "segment = \"ether1\"")],
        &["lab::unknown-segment"],
    ),
    case(
        "an unknown image",
        &[("image = \"kernel\"", "image = \"kernal\"")],
        &["lab::unknown-image"],
    ),
    case(
        "an expectation of nobody",
        &[("\"pc*\"", "\"server\"")],
        &["lab::unknown-machine"],
    ),
    case(
        "one of several patterns is nobody",
        &[("\"pc*\"", "[\"pc*\", \"x\"]")],
        &["lab::unknown-machine"],
    ),
    case(
        "profiles in a circle",
        &[
            ("memory =", "extends = \"b\"\nmemory ="),
            ("[machine.pc]", "[profile.b]\nextends = \"at\"\n[machine.pc]"),
        ],
        &["lab::extends-cycle"],
    ),
    case(
        "a profile that extends itself",
        &[("memory =", "extends = \"at\"\nmemory =")],
        &["lab::extends-cycle"],
    ),
    case(
        "a count that runs into another machine",
        &[(
            "[[expect]]",
            "[machine.pc1]\nboot = { image = \"kernel\" }\n[[expect]]",
        )],
        &["lab::duplicate-machine"],
    ),
    case(
        "no machine table",
        &[(
            "[machine.pc]\nextends = \"at\"\ncount = 2\nnic = { mac = \"02:60:8c:00:00:01\" }",
            "",
        )],
        &["lab::no-machine"],
    ),
    case(
        "no machine",
        &[(
            "[machine.pc]\nextends = \"at\"\ncount = 2\nnic = { mac = \"02:60:8c:00:00:01\" }",
            "[machine]",
        )],
        &["lab::no-machine"],
    ),
    case(
        "an image that is not there",
        &[("\"builtin:kernel\"", "\"no/such/kernel.elf\"")],
        &["lab::missing-image"],
    ),
    case(
        "an image that the program does not have",
        &[("\"builtin:kernel\"", "\"builtin:kernal\"")],
        &["lab::missing-image"],
    ),
    case(
        "a card on COM2's interrupt",
        &[("cpu = {", "serial_ports = 2\ncpu = {")],
        &["lab::irq-conflict"],
    ),
    case(
        "three serial ports",
        &[("cpu = {", "serial_ports = 3\ncpu = {")],
        &["lab::out-of-range"],
    ),
    case(
        "an image of nothing",
        &[("path = \"builtin:kernel\"\n", "")],
        &["lab::missing-field"],
    ),
    case(
        "an image that is a file and blank",
        &[(
            "path = \"builtin:kernel\"",
            "path = \"builtin:kernel\"\nblank = \"10MB\"",
        )],
        &["lab::two-sources"],
    ),
    case(
        "a blank disk that is written to its file",
        &[(
            "[segment",
            "[image.d]\nblank = \"10MB\"\naccess = \"direct\"\n\n[segment",
        )],
        &["lab::two-sources"],
    ),
    case(
        "a blank disk of a sector and a half",
        &[("[segment", "[image.d]\nblank = \"768B\"\n\n[segment")],
        &["lab::out-of-range"],
    ),
    case(
        "a blank disk without a unit",
        &[("[segment", "[image.d]\nblank = 40\n\n[segment")],
        &["lab::missing-unit"],
    ),
    case(
        "a disk that is made of nothing",
        &[("[segment", "[image.d]\nmake = \"/lab/nothing.toml\"\n\n[segment")],
        &["lab::bad-description"],
    ),
    case(
        "a disk of a file",
        &[(
            "path = \"builtin:kernel\"",
            "path = \"builtin:kernel\"\ndisk = \"a\"",
        )],
        &["lab::two-sources"],
    ),
    case(
        "an image that is made and blank",
        &[(
            "[segment",
            "[image.d]\nmake = \"/lab/nothing.toml\"\nblank = \"10MB\"\n\n[segment",
        )],
        &["lab::two-sources"],
    ),
    case(
        "a blank disk as a ROM",
        &[
            ("path = \"builtin:kernel\"", "blank = \"64KB\""),
            ("boot = { image = \"kernel\" }", "bios = { image = \"kernel\" }"),
        ],
        &["lab::bad-rom"],
    ),
    case(
        "nothing to boot",
        &[("boot = { image = \"kernel\" }\n", "")],
        &["lab::no-boot"],
    ),
    case(
        "a boot without a kernel",
        &[("{ image = \"kernel\" }", "{ from = \"direct\" }")],
        &["lab::no-boot"],
    ),
    case(
        "a ROM beside a kernel",
        &[("boot = {", "bios = { image = \"kernel\" }\nboot = {")],
        &["lab::bad-rom", "lab::two-starts"],
    ),
    case(
        "a kernel for a ROM",
        &[("boot = { image = \"kernel\" }", "bios = { image = \"kernel\" }")],
        &["lab::bad-rom"],
    ),
    case(
        "an unknown ROM",
        &[("boot = { image = \"kernel\" }", "bios = { image = \"kernal\" }")],
        &["lab::unknown-image"],
    ),
    case(
        "a ROM without an image",
        &[("boot = { image = \"kernel\" }", "bios = { shutdown = \"stop\" }")],
        &["lab::missing-field"],
    ),
    case(
        "a start in a ROM that is not there",
        &[("{ image = \"kernel\" }", "{ from = \"bios\" }")],
        &["lab::no-boot"],
    ),
    case(
        "a clock that no 386DX had",
        &[("\"40MHz\"", "\"400MHz\"")],
        &["lab::impossible-clock"],
    ),
    case(
        "no clock at all",
        &[("\"40MHz\"", "\"0MHz\"")],
        &["lab::impossible-clock"],
    ),
    case(
        "a bus clock that no board has",
        &[("memory =", "isa.clock = \"33MHz\"\nmemory =")],
        &["lab::impossible-clock"],
    ),
    case(
        "a clock that was not sold",
        &[("\"40MHz\"", "\"50MHz\"")],
        &["lab::unusual-clock"],
    ),
    case(
        "a fast bus",
        &[("memory =", "isa.clock = \"12MHz\"\nmemory =")],
        &["lab::unusual-clock"],
    ),
    case(
        "too little memory",
        &[("\"4MB\"", "\"640KB\"")],
        &["lab::impossible-memory"],
    ),
    case(
        "memory in odd pieces",
        &[("\"4MB\"", "\"4097KB\"")],
        &["lab::impossible-memory"],
    ),
    case(
        "too much memory",
        &[("\"4MB\"", "\"2GB\"")],
        &["lab::impossible-memory"],
    ),
    case(
        "much memory",
        &[("\"4MB\"", "\"128MB\"")],
        &["lab::unusual-memory"],
    ),
    case(
        "an I/O base without a jumper",
        &[("io = 0x280", "io = 0x290")],
        &["lab::impossible-jumper"],
    ),
    case(
        "a window without a jumper",
        &[("ram = 0xCC000", "ram = 0xD0000")],
        &["lab::impossible-jumper"],
    ),
    case(
        "an interrupt that the card has no line for",
        &[("irq = 3", "irq = 7")],
        &["lab::impossible-irq"],
    ),
    case(
        "thin cable in the thick connector",
        &[("irq = 3", "irq = 3\nport = \"aui\"")],
        &["lab::wrong-port"],
    ),
    case(
        "two cards at one I/O base",
        &[("ram = 0xCC000", SECOND_CARD), ("io = 0x300", "io = 0x280")],
        &["lab::io-conflict"],
    ),
    case(
        "a card over COM1",
        &[("io = 0x280", "io = 0x3F0")],
        &["lab::impossible-jumper", "lab::io-conflict"],
    ),
    case(
        "POST codes into a card",
        &[("memory =", "post_port = 0x284\nmemory =")],
        &["lab::io-conflict"],
    ),
    case(
        "POST codes into the timer",
        &[("memory =", "post_port = 0x40\nmemory =")],
        &["lab::io-conflict"],
    ),
    case(
        "two cards in one window",
        &[("ram = 0xCC000", SECOND_CARD), ("ram = 0xD8000", "ram = 0xCC000")],
        &["lab::memory-conflict"],
    ),
    case(
        "the boot PROM's window of an NE2000 over the window of a 3C503",
        &[
            ("ram = 0xCC000", SECOND_CARD),
            ("\"3c503\"", "\"ne2000\""),
            ("io = 0x280", "io = 0x340"),
            ("ram = 0xCC000", "ram = 0xC8000"),
            ("ram = 0xD8000", "ram = 0xC8000"),
        ],
        &["lab::memory-conflict"],
    ),
    case(
        "an NE2000 at a 3C503's I/O base",
        &[("\"3c503\"", "\"ne2000\"")],
        &["lab::impossible-jumper"],
    ),
    case(
        "an NE1000 within the ports of a 3C503",
        &[
            ("ram = 0xCC000", SECOND_CARD),
            ("\"3c503\"", "\"ne1000\""),
            ("io = 0x280", "io = 0x300"),
            ("io = 0x300\nirq = 5", "io = 0x310\nirq = 5"),
        ],
        &["lab::io-conflict"],
    ),
    case(
        "a kernel for a boot PROM",
        &[("irq = 3", "irq = 3\nprom = { image = \"kernel\" }")],
        &["lab::bad-prom"],
    ),
    case(
        "a boot PROM without a window",
        &[
            ("[segment.", "[image.prom]\npath = \"Cargo.toml\"\n[segment."),
            ("ram = 0xCC000", "prom = { image = \"prom\" }"),
        ],
        &["lab::bad-prom"],
    ),
    case(
        "a boot PROM of no image",
        &[("irq = 3", "irq = 3\nprom = { image = \"pron\" }")],
        &["lab::unknown-image"],
    ),
    case(
        "a window over the VGA",
        &[("ram = 0xCC000", "ram = 0xB8000")],
        &["lab::impossible-jumper", "lab::memory-conflict"],
    ),
    case(
        "a window over memory",
        &[("ram = 0xCC000", "ram = 0x200000")],
        &["lab::impossible-jumper", "lab::memory-conflict"],
    ),
    case(
        "two cards on one interrupt",
        &[("ram = 0xCC000", SECOND_CARD), ("irq = 5", "irq = 3")],
        &["lab::irq-conflict"],
    ),
    case(
        "a card on the serial port's interrupt",
        &[("irq = 3", "irq = 4")],
        &["lab::irq-conflict"],
    ),
    case(
        "a card on the keyboard's interrupt",
        &[("irq = 3", "irq = 1")],
        &["lab::impossible-irq", "lab::irq-conflict"],
    ),
    case(
        "half an address",
        &[("02:60:8c:00:00:01", "02:60:8c")],
        &["lab::bad-mac"],
    ),
    case(
        "a group's address",
        &[("02:60:8c:00:00:01", "03:60:8c:00:00:01")],
        &["lab::group-mac"],
    ),
    case(
        "no address",
        &[("02:60:8c:00:00:01", "00:00:00:00:00:00"), ("count = 2\n", "")],
        &["lab::group-mac"],
    ),
    case(
        "a count beyond the last address",
        &[("02:60:8c:00:00:01", "02:60:8c:ff:ff:ff")],
        &["lab::mac-overflow"],
    ),
    case(
        "a card without an address",
        &[("nic = { mac = \"02:60:8c:00:00:01\" }", "")],
        &["lab::no-mac"],
    ),
    case(
        "an address without a card",
        &[("count = 2", "count = 2\ncard = []")],
        &["lab::no-card"],
    ),
    case(
        "two addresses for a card",
        &[("irq = 3", "irq = 3\nmac = \"02:60:8c:00:00:09\"")],
        &["lab::two-macs"],
    ),
    case(
        "an address inside another machine's count",
        &[(
            "[[expect]]",
            "[machine.server]\nextends = \"at\"\nnic = { mac = \"02:60:8c:00:00:02\" }\n[[expect]]",
        )],
        &["lab::duplicate-mac"],
    ),
    case(
        "an address in the profile of several machines",
        &[
            ("memory =", "nic = { mac = \"02:60:8c:00:00:01\" }\nmemory ="),
            (
                "count = 2\nnic = { mac = \"02:60:8c:00:00:01\" }",
                "[machine.server]\nextends = \"at\"",
            ),
        ],
        &["lab::duplicate-mac"],
    ),
    case(
        "a faster cable",
        &[("length =", "rate = \"100Mbit/s\"\nlength =")],
        &["lab::out-of-range"],
    ),
    case(
        "a slower cable",
        &[("length =", "rate = \"1Mbit/s\"\nlength =")],
        &["lab::unusual-rate"],
    ),
    case(
        "a long cable",
        &[("\"30m\"", "\"200m\"")],
        &["lab::cable-too-long"],
    ),
    case(
        "an endless cable",
        &[("\"30m\"", "\"5000m\"")],
        &["lab::out-of-range"],
    ),
    case(
        "a crowd",
        &[("count = 2", "count = 31")],
        &["lab::too-many-stations"],
    ),
    case(
        "a crowd on a short cable",
        &[("count = 2", "count = 5"), ("\"30m\"", "\"1m\"")],
        &["lab::tap-beyond-end"],
    ),
    case(
        "a tap beyond the end",
        &[("irq = 3", "irq = 3\ntap = \"30m\"")],
        &["lab::tap-beyond-end"],
    ),
    case(
        "two taps side by side",
        &[
            ("ram = 0xCC000", SECOND_CARD),
            ("irq = 5", "irq = 5\ntap = \"20cm\""),
            ("count = 2\n", ""),
        ],
        &["lab::taps-too-close"],
    ),
    case(
        "two captures in one file",
        &[(
            "[capture.wire]",
            "[capture.other]\nsegment = \"ether0\"\nfile = \"wire.pcapng\"\n\n[capture.wire]",
        )],
        &["lab::duplicate-capture"],
    ),
    case(
        "an expectation after the end",
        &[("\"5s\"", "\"11min\"")],
        &["lab::late-expectation"],
    ),
    case(
        "an expectation of nothing",
        &[("console = 'ready'\n", "")],
        &["lab::missing-field"],
    ),
    case(
        "an input without a time",
        &[(
            "[[expect]]",
            "[[input]]\nmachine = \"pc0\"\ntext = \"ls\"\n[[expect]]",
        )],
        &["lab::missing-field"],
    ),
    case(
        "an input with two times",
        &[(
            "[[expect]]",
            "[[input]]\nmachine = \"pc0\"\ntext = \"ls\"\nat = \"1s\"\nafter = 'x'\n[[expect]]",
        )],
        &["lab::input"],
    ),
    case(
        "an input that types nothing",
        &[(
            "[[expect]]",
            "[[input]]\nmachine = \"pc0\"\ntext = \"\"\nat = \"1s\"\n[[expect]]",
        )],
        &["lab::input"],
    ),
    case(
        "an input that the keyboard has no key for",
        &[(
            "[[expect]]",
            "[[input]]\nmachine = \"pc0\"\ntext = \"ls ä\"\nat = \"1s\"\ndevice = \"keyboard\"\n[[expect]]",
        )],
        &["lab::input"],
    ),
    case(
        "an input that is typed as soon as its text is seen",
        &[(
            "[[expect]]",
            "[[input]]\nmachine = \"pc0\"\ntext = \"ls\"\nafter = 'x'\ndelay = \"999us\"\n[[expect]]",
        )],
        &["lab::out-of-range"],
    ),
    case(
        "an input that waits two hours",
        &[(
            "[[expect]]",
            "[[input]]\nmachine = \"pc0\"\ntext = \"ls\"\nafter = 'x'\ndelay = \"120min\"\n[[expect]]",
        )],
        &["lab::out-of-range"],
    ),
    case(
        "an input after the end and one at it",
        &[(
            "[[expect]]",
            "[[input]]\nmachine = \"pc0\"\ntext = \"ls\"\nat = \"11min\"\n\
             [[input]]\nmachine = \"pc0\"\ntext = \"ls\"\nat = \"10min\"\n[[expect]]",
        )],
        &["lab::late-input", "lab::late-input"],
    ),
    case(
        "an input with a time and a delay",
        &[(
            "[[expect]]",
            "[[input]]\nmachine = \"pc0\"\ntext = \"ls\"\nat = \"1s\"\ndelay = \"1s\"\n[[expect]]",
        )],
        &["lab::input"],
    ),
    case(
        "an input on a machine that is not there",
        &[(
            "[[expect]]",
            "[[input]]\nmachine = \"pd0\"\ntext = \"ls\"\nat = \"1s\"\n[[expect]]",
        )],
        &["lab::unknown-machine"],
    ),
    case(
        "an input on a device that is not there",
        &[(
            "[[expect]]",
            "[[input]]\nmachine = \"pc0\"\ntext = \"ls\"\nat = \"1s\"\ndevice = \"mouse\"\n[[expect]]",
        )],
        &["lab::unknown-word"],
    ),
    case(
        "an expectation of two things",
        &[("console = 'ready'", "console = 'ready'\npost = 0xFF")],
        &["lab::two-signs"],
    ),
    case(
        "a POST code of two bytes",
        &[("console = 'ready'", "post = 0x100")],
        &["lab::out-of-range"],
    ),
    case(
        "an expectation without end",
        &[("within = \"5s\"", ""), ("stop = \"10min\"", "")],
        &["lab::missing-field"],
    ),
];

fn cases() -> impl Iterator<Item = &'static Case> {
    FORM.iter().chain(MEANING)
}

fn messages_of(text: &str, overrides: &[&str]) -> Messages {
    match read_with(text, overrides) {
        Ok(loaded) => loaded.warnings,
        Err(errors) => errors.messages().clone(),
    }
}

/// Labs with images that are no ROMs.
fn wrong_roms() -> Vec<(&'static str, Messages)> {
    let folder = tempfile::tempdir().expect("a folder");
    let text = edited(&[
        ("\"builtin:kernel\"", "\"rom.bin\""),
        ("boot = { image = \"kernel\" }", "bios = { image = \"kernel\" }"),
    ]);
    let wrong = |bytes: usize| {
        std::fs::write(folder.path().join("rom.bin"), vec![0; bytes]).expect("a file");
        let source = LabSource::Text {
            name: "lab.toml".into(),
            text: text.clone(),
            folder: folder.path().into(),
        };
        load(source, &[]).expect_err("no ROM").messages().clone()
    };
    vec![
        ("an empty ROM", wrong(0)),
        ("a ROM of an odd size", wrong(0x1_0001)),
        ("a ROM that is too large", wrong(0x8_0000)),
    ]
}

/// Labs with drives that cannot be.
fn wrong_drives() -> Vec<(&'static str, Messages)> {
    let folder = tempfile::tempdir().expect("a folder");
    for (name, bytes) in [("disk.img", 516_096), ("small.img", 512), ("odd.img", 1000)] {
        std::fs::write(folder.path().join(name), vec![0; bytes]).expect("a file");
    }
    let wrong = |image: &str, drives: &str| {
        let text = format!("{GOOD}\n[image.d]\n{image}\n{drives}");
        let source = LabSource::Text {
            name: "lab.toml".into(),
            text,
            folder: folder.path().into(),
        };
        load(source, &[]).expect_err("wrong drives").messages().clone()
    };
    let disk = "path = \"disk.img\"";
    let drive = |settings: &str| format!("[[machine.pc.disk]]\nimage = \"d\"\n{settings}\n");
    let rom = |at: &str| format!("[[machine.pc.rom]]\nimage = \"d\"\nat = {at}\n");
    let small = "path = \"small.img\"";
    vec![
        (
            "a kernel as a disk",
            wrong("path = \"builtin:kernel\"", &drive("")),
        ),
        ("half a sector", wrong("path = \"odd.img\"", &drive(""))),
        ("a disk of less than a cylinder", wrong(small, &drive(""))),
        (
            "a floppy of no format",
            wrong(disk, "[[machine.pc.floppy]]\nimage = \"d\"\nkind = \"1.2MB\"\n"),
        ),
        (
            "an unknown drive model",
            wrong(disk, &drive("model = \"st3120\"")),
        ),
        (
            "a seek that no arm makes",
            wrong(disk, &drive("timing = { seek = \"2s\" }")),
        ),
        (
            "two disks in one place",
            wrong(disk, &(drive("drive = 0") + &drive("drive = 0"))),
        ),
        (
            "a blank disk of less than a cylinder",
            wrong("blank = \"1KB\"", &drive("")),
        ),
        ("three disks", wrong(disk, &drive("").repeat(3))),
        (
            "one image that two machines write",
            wrong("path = \"disk.img\"\naccess = \"direct\"", &drive("")),
        ),
        ("an option ROM between two steps", wrong(small, &rom("0xC8400"))),
        (
            "two ROMs in one place",
            wrong(small, &(rom("0xC8000") + &rom("0xC8000"))),
        ),
        ("a ROM under a card's window", wrong(small, &rom("0xCC000"))),
        (
            "a disk to boot from and no ROM",
            messages_of(
                &edited(&[("boot = { image", "boot = { from = \"disk\", image")]),
                &[],
            ),
        ),
    ]
}

/// Wrong labs that are more than an edit of the good one.
fn special_cases() -> Vec<(&'static str, Messages)> {
    let unreadable =
        load(LabSource::File("no/such/lab.toml".into()), &[]).expect_err("there is no such file");
    let encoding =
        decode("lab.toml", b"format = 1\nname = \"caf\xe9\"\n".to_vec()).expect_err("this is Latin-1");
    let crowd: String = ('a'..='e')
        .map(|name| format!("[machine.{name}]\nextends = \"at\"\ncard = []\ncount = 1000\n"))
        .collect();
    let nothing = edited(&[("count = 2\nnic = { mac = \"02:60:8c:00:00:01\" }", "card = []")]);
    let set = |setting: &str| messages_of(GOOD, &[setting]);
    let mut cases = vec![
        ("a file that is not there", unreadable.messages().clone()),
        ("bytes that are not UTF-8", encoding.messages().clone()),
        (
            "more machines than a lab can have",
            messages_of(&(nothing + &crowd), &[]),
        ),
        ("an override into a number", set("lab.seed.x=1")),
        (
            "an override of a card that is not there",
            set("profile.at.card.1.irq=5"),
        ),
        ("an override with a slip of the pen", set("lab.sede=7")),
        ("an override without a unit", set("profile.at.cpu.clock=33")),
        (
            "an override that conflicts with the file",
            set("machine.server={extends=\"at\",nic.mac=\"02:60:8c:00:00:02\"}"),
        ),
    ];
    cases.extend(wrong_roms());
    cases.extend(wrong_drives());
    cases
}

#[test]
fn every_wrong_lab_gives_the_codes_of_its_mistakes_and_no_others() {
    for case in cases() {
        let messages = messages_of(&edited(case.edits), &[]);
        let codes: Vec<&str> = messages.codes().collect();
        assert_eq!(codes, case.codes, "{}:\n{}", case.fact, messages.render(false));
    }
}

#[test]
fn every_code_has_a_wrong_lab() {
    let special = special_cases();
    let seen: BTreeSet<&str> = cases()
        .flat_map(|case| case.codes)
        .copied()
        .chain(special.iter().flat_map(|(_, messages)| messages.codes()))
        .collect();
    let all: BTreeSet<&str> = Code::ALL.iter().map(|code| code.name()).collect();
    assert_eq!(seen, all);
}

#[test]
fn messages_show_the_lines_and_say_what_to_do() {
    let mut printed = String::new();
    for case in cases() {
        let messages = messages_of(&edited(case.edits), &[]);
        write!(printed, "=== {}\n\n{}", case.fact, messages.render(false))
            .expect("a string takes every text");
    }
    for (fact, messages) in special_cases() {
        write!(printed, "=== {fact}\n\n{}", messages.render(false)).expect("a string takes every text");
    }
    insta::assert_snapshot!("messages", printed);
}

#[test]
fn every_message_says_what_to_do() {
    for case in cases() {
        for message in messages_of(&edited(case.edits), &[])
            .to_json()
            .as_array()
            .expect("a list")
        {
            assert_ne!(message["help"], "", "{}", case.fact);
            assert!(
                message["line"].is_u64() && message["column"].is_u64(),
                "{}",
                case.fact
            );
        }
    }
}

#[test]
fn all_mistakes_of_a_file_come_at_once() {
    let text = edited(&[
        ("seed = 7", "sead = 7"),
        ("\"4MB\"", "\"4MHz\""),
        ("irq = 3", "irq = 7"),
        ("\"pc*\"", "\"x\""),
    ]);
    let errors = read(&text).expect_err("four mistakes");
    let codes: Vec<&str> = errors.messages().codes().collect();
    assert_eq!(
        codes,
        [
            "lab::unknown-field",
            "lab::wrong-unit",
            "lab::impossible-irq",
            "lab::unknown-machine"
        ]
    );
    assert_eq!(
        errors.to_string().lines().next(),
        Some("lab.toml:5:1: lab::unknown-field: the lab has no field `sead`")
    );
}

#[test]
fn warnings_do_not_stop_a_lab_but_errors_do() {
    let loaded = read(&edited(&[("\"40MHz\"", "\"50MHz\"")])).expect("only a warning");
    assert_eq!((loaded.warnings.errors(), loaded.warnings.warnings()), (0, 1));
    let errors =
        read(&edited(&[("\"40MHz\"", "\"50MHz\""), ("irq = 3", "irq = 7")])).expect_err("an error too");
    assert_eq!((errors.messages().errors(), errors.messages().warnings()), (1, 1));
}

/// Something of each kind that comes at a time.
const TIMED: &str = "[[fault]]\nkind = \"loss\"\nfrom = \"9s\"\nuntil = \"1h\"\n\
                     [[input]]\nmachine = \"pc0\"\nat = \"9s\"\ntext = \"ls\"\n[[expect]]";

#[test]
fn what_comes_after_the_end_is_a_warning_and_an_override_moves_the_end() {
    let text = edited(&[("[[expect]]", TIMED)]);
    let warnings = |overrides: &[&str]| {
        let loaded = read_with(&text, overrides).expect("at most warnings");
        assert_eq!((loaded.lab.faults.len(), loaded.lab.inputs.len()), (1, 1));
        loaded.warnings.codes().collect::<Vec<_>>()
    };
    assert!(warnings(&[]).is_empty());
    assert!(warnings(&["time.stop=9001ms"]).is_empty());
    assert_eq!(
        warnings(&["time.stop=9s"]),
        ["lab::late-fault", "lab::late-input"]
    );
    assert_eq!(
        warnings(&["time.stop=4s"]),
        ["lab::late-fault", "lab::late-input", "lab::late-expectation"]
    );
}

#[test]
fn messages_about_overrides_point_at_the_command_line() {
    let errors = read_with(GOOD, &["profile.at.cpu.clock=33"]).expect_err("no unit");
    let messages = errors.messages().to_json();
    assert_eq!(messages[0]["file"], "command line");
    assert_eq!(messages[0]["column"], "--set profile.at.cpu.clock=".len() + 1);
    let seed = Override::option("--seed", "lab.seed", "x").expect("a path and a value");
    let source = LabSource::Text {
        name: "lab.toml".into(),
        text: GOOD.into(),
        folder: "".into(),
    };
    let errors = load(source, &[seed]).expect_err("no number");
    assert_eq!(
        errors.to_string(),
        "command line:1:8: lab::bad-seed: the seed is a whole number"
    );
}

#[test]
fn arguments_that_are_no_override_are_refused() {
    for argument in [
        "",
        "lab.seed",
        "=7",
        "lab.seed=",
        "lab seed=7",
        "lab.=7",
        "x=[1",
        "x=\"a",
        "a#b=1",
    ] {
        assert!(Override::parse(argument).is_err(), "{argument}");
    }
}

#[test]
fn a_file_with_endless_mistakes_gets_the_first_hundred_messages() {
    let mut text = GOOD.replace("format = 1", "");
    text = (0..1000).fold(String::from("format = 1\n"), |top, number| {
        top + &format!("x{number} = 1\n")
    }) + &text;
    let errors = read(&text).expect_err("a thousand unknown fields");
    let printed = errors.messages().render(false);
    assert_eq!(errors.messages().errors(), 1000);
    assert_eq!(printed.matches("lab::unknown-field").count(), 100);
    assert!(printed.contains("and 900 more like these"), "{printed}");
}

#[test]
fn endless_lines_and_names_are_not_printed() {
    let long = "y".repeat(100_000);
    let errors = read(&edited(&[(
        "segment = \"ether0\"",
        &format!("segment = \"{long}\""),
    )]))
    .expect_err("an unknown segment");
    let printed = errors.messages().render(false);
    assert!(printed.len() < 2000, "{}", printed.len());
    assert!(printed.contains("lab.toml:24:11: not a name"), "{printed}");
}

#[test]
fn a_lab_file_cannot_steer_the_terminal() {
    let errors = read(&edited(&[
        ("\"4MB\"", "\"4\\u001b[2JMB\""),
        ("seed = 7", "seed = \"\u{1b}[2J\""),
    ]))
    .expect_err("not TOML");
    assert!(!errors.messages().render(false).contains('\u{1b}'));
    let errors = read(&edited(&[("\"pc*\"", "\"\\u001b[2J\"")])).expect_err("no such machine");
    assert!(!errors.messages().render(false).contains('\u{1b}'));
}
