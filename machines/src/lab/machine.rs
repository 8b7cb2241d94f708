//! Machines: what a `[machine.NAME]` with its profiles means, once for each of its `count`.

use std::collections::BTreeMap;

use clock::Rate;
use ne2000::{Connector, Model};

use super::cables::{Attachment, Who};
use super::cards::{model_of, prom};
use super::code::Code;
use super::conflicts::{CardInSlot, check_conflicts};
use super::document::{Node, Table};
use super::drives;
use super::fields::CARD;
use super::mac;
use super::merge::Template;
use super::messages::{Place, Problem};
use super::model::{Card, Image, Lab, Machine, Source, Timing};
use super::resolve::{find, quantity_of, text_of};
use super::start;
use super::timing::CONSTANTS;
use super::units::{Dimension, processor_clock, show_memory};

/// Memory of a machine if the lab file does not say.
const DEFAULT_MEMORY: u64 = 4 << 20;
/// The least memory with which a board has anything above 1 MB, where kernels are loaded.
const LEAST_MEMORY: u64 = 1 << 20;
/// The most memory that CMOS can tell of in one 16-bit count of KB, and more than boards had sockets for.
const USUAL_MEMORY: u64 = 64 << 20;
/// More than this the host should not be asked for.
const MOST_MEMORY: u64 = 1 << 30;
/// Memory comes in pages of the processor.
const PAGE: u64 = 4 << 10;

/// Clocks with which Intel and AMD sold the 386DX, in kilohertz from and to; 33 MHz was 33.3.
const SOLD_CLOCKS: [(u64, u64); 5] = [
    (16_000, 16_000),
    (20_000, 20_000),
    (25_000, 25_000),
    (33_000, 33_400),
    (40_000, 40_000),
];
/// The least clock of the 386DX's data sheet, and far more than it ever reached, in megahertz.
const POSSIBLE_CLOCKS: (u64, u64) = (4, 100);
/// Clocks of an ISA bus that boards could be set to, in megahertz.
const POSSIBLE_BUS_CLOCKS: (u64, u64) = (4, 16);
/// Clocks of an ISA bus that cards were made for, in kilohertz.
const USUAL_BUS_CLOCKS: (u64, u64) = (6_000, 8_340);

/// The port of POST codes if the lab file does not say.
pub(super) const DEFAULT_POST_PORT: u16 = 0x80;

/// Builds machines and remembers whose names and addresses are taken.
pub(super) struct MachineBuilder<'a> {
    root: &'a Table,
    names: BTreeMap<String, Place>,
    addresses: BTreeMap<[u8; 6], (String, Place)>,
    /// Pairs of places that have been reported for one address, so that a `count` of machines is one message.
    reported: Vec<(Place, Place)>,
}

/// A card of a template.
struct Slot<'a> {
    table: &'a Table,
    place: Place,
    card: Card,
    /// Its station address before `count` is added.
    address: Option<([u8; 6], Place)>,
}

impl<'a> MachineBuilder<'a> {
    pub(super) const fn new(root: &'a Table) -> Self {
        Self {
            root,
            names: BTreeMap::new(),
            addresses: BTreeMap::new(),
            reported: Vec::new(),
        }
    }

    /// Adds the template's machines to the lab, and their cards to the attachments.
    pub(super) fn build(
        &mut self,
        template: &Template<'_>,
        lab: &mut Lab,
        attachments: &mut Vec<Attachment>,
        problems: &mut Vec<Problem>,
    ) {
        let settings = &template.settings;
        let slots = self.slots(template, &lab.images, problems);
        let mut machine = self.machine(template, &lab.images, problems);
        drives::fit(self.root, template, &lab.images, &mut machine, problems);
        let cards: Vec<CardInSlot<'_>> = slots
            .iter()
            .map(|slot| CardInSlot {
                settings: &slot.card.settings,
                table: slot.table,
                place: slot.place,
            })
            .collect();
        check_conflicts(&machine, settings, &cards, problems);
        for index in 0..template.count.unwrap_or(1) {
            if lab.machines.len() >= MOST_MACHINES {
                problems.push(too_many(template.place));
                return;
            }
            let name = match template.count {
                Some(_) => format!("{}{index}", template.name),
                None => template.name.to_owned(),
            };
            self.take_name(&name, template.place, problems);
            let mut machine = Machine {
                name,
                ..machine.clone()
            };
            for (number, slot) in slots.iter().enumerate() {
                let card = self.card(slot, number, index, &machine.name, problems);
                attachments.push(Attachment {
                    segment: card.segment,
                    who: Who::Card {
                        machine: lab.machines.len(),
                        card: number,
                    },
                    index: u64::from(index),
                    tap: quantity_of(slot.table, &["tap"], Dimension::Length)
                        .map(|(tap, place)| (tap.whole(), place)),
                    place: slot.place,
                });
                machine.cards.push(card);
            }
            lab.machines.push(machine);
        }
    }

    /// What all machines of a template have in common, without name and cards.
    fn machine(&self, template: &Template<'_>, images: &[Image], problems: &mut Vec<Problem>) -> Machine {
        let settings = &template.settings;
        let post_port = settings.get("post_port").and_then(Node::integer);
        Machine {
            name: String::new(),
            role: text_of(settings, &["role"]).to_owned(),
            memory_bytes: memory(settings, problems),
            cpu_clock: cpu_clock(settings, problems),
            isa_clock: isa_clock(settings, problems),
            post_port: post_port
                .and_then(|port| u16::try_from(port).ok())
                .unwrap_or(DEFAULT_POST_PORT),
            boot: start::boot(self.root, template, images, problems),
            timing: timing(settings),
            cards: Vec::new(),
            has_second_serial: settings.get("serial_ports").and_then(Node::integer) == Some(2),
            assists_floppy_firmware: text_of(settings, &["floppy_controller"]) != "82077aa",
            assists_disk_firmware: text_of(settings, &["disk_controller"]) != "ata-1",
            floppies: [None; 2],
            disks: [None; 2],
            option_roms: Vec::new(),
        }
    }

    fn slots<'t>(
        &self,
        template: &'t Template<'_>,
        images: &[Image],
        problems: &mut Vec<Problem>,
    ) -> Vec<Slot<'t>> {
        let settings = &template.settings;
        let nic = settings.at(&["nic", "mac"]);
        let cards = settings.get("card").map_or(&[][..], Node::list);
        if let Some(nic) = nic
            && cards.is_empty()
            && template.is_complete
        {
            problems.push(
                Problem::new(Code::NoCard, "this station address has no card")
                    .at(nic.place, "for the first card")
                    .at(template.place, "this machine has none")
                    .help("add a [[machine.NAME.card]], or take the address out"),
            );
        }
        let mut slots = Vec::new();
        for (number, node) in cards.iter().enumerate() {
            if let Some(table) = node.table() {
                let nic = nic.filter(|_| number == 0);
                slots.push(self.slot((table, node.place), images, nic, problems));
            }
        }
        slots
    }

    fn slot<'t>(
        &self,
        (table, place): (&'t Table, Place),
        images: &[Image],
        nic: Option<&Node>,
        problems: &mut Vec<Problem>,
    ) -> Slot<'t> {
        let own = table.get("mac");
        if let (Some(own), Some(nic)) = (own, nic) {
            problems.push(
                Problem::new(Code::TwoMacs, "this card has two station addresses")
                    .at(own.place, "the card's")
                    .at(nic.place, "for the first card")
                    .help("`nic.mac` is short for the `mac` of the first card: take one of them out"),
            );
        }
        let mac = own.or(nic);
        if mac.is_none() {
            problems.push(
                Problem::new(Code::NoMac, "this card has no station address")
                    .at(place, "its PROM would be empty")
                    .help("give the machine nic = { mac = \"02:60:8c:00:00:01\" }, or the card a `mac`"),
            );
        }
        let segment = table
            .get("segment")
            .and_then(|name| find(self.root, "segment", Code::UnknownSegment, name, problems));
        if let Some(segment) = segment {
            self.check_port(table, segment, problems);
        }
        // The jumpers of a card that has been refused already are those of the one that there is.
        let model = model_of(text_of(table, &["type"])).unwrap_or(Model::EtherLinkII);
        let mut settings = card_settings(table, model);
        settings.connector = self.connector(segment);
        check_jumpers(table, model, problems);
        Slot {
            table,
            place,
            card: Card {
                segment: segment.unwrap_or(0),
                position_millimetres: 0,
                interface: String::new(),
                settings,
                prom: prom(self.root, images, (table, place), model, problems),
            },
            address: mac.and_then(|node| Some((mac::parse(node.text()?)?, node.place))),
        }
    }

    /// Where the cable of this segment comes to a card.
    fn connector(&self, segment: Option<usize>) -> Connector {
        let table = segment.and_then(|segment| self.root.children("segment")[segment].node.table());
        match port_of(table.map_or("", |table| text_of(table, &["kind"]))) {
            "aui" => Connector::Aui,
            _ => Connector::Bnc,
        }
    }

    /// A card's own transceiver is for thin cable; thick cable comes to the AUI connector.
    fn check_port(&self, table: &Table, segment: usize, problems: &mut Vec<Problem>) {
        let Some((port, place)) = table
            .get("port")
            .and_then(|node| Some((node.text()?, node.place)))
        else {
            return;
        };
        let kind = self.root.children("segment")[segment]
            .node
            .table()
            .map_or("", |segment| text_of(segment, &["kind"]));
        let fitting = port_of(kind);
        if matches!(kind, "10base2" | "10base5") && matches!(port, "bnc" | "aui") && port != fitting {
            problems.push(
                Problem::new(
                    Code::WrongPort,
                    format!("{kind} does not fit the connector `{port}`"),
                )
                .at(place, "wrong connector")
                .help(format!("write port = \"{fitting}\", or leave it out")),
            );
        }
    }

    /// The card in a slot of machine `index` of a template.
    fn card(
        &mut self,
        slot: &Slot<'_>,
        number: usize,
        index: u32,
        machine: &str,
        problems: &mut Vec<Problem>,
    ) -> Card {
        let mut card = slot.card.clone();
        card.interface = format!("{machine}/el{number}");
        if let Some((first, place)) = slot.address {
            let address = self.next_address(first, index, &card.interface, place, problems);
            card.settings.station_address = address;
        }
        card
    }

    /// The station address of number `index` of a `count`, which nobody else may have.
    pub(super) fn next_address(
        &mut self,
        first: [u8; 6],
        index: u32,
        station: &str,
        place: Place,
        problems: &mut Vec<Problem>,
    ) -> [u8; 6] {
        let Some(address) = mac::plus(first, index) else {
            problems.push(
                Problem::new(
                    Code::MacOverflow,
                    "`count` runs over the end of the maker's addresses",
                )
                .at(place, "the first address")
                .help("begin lower: the last three bytes count the machines"),
            );
            return first;
        };
        self.take_address(address, station, place, problems);
        address
    }

    /// Takes a name that nothing else in the lab may have.
    pub(super) fn take_name(&mut self, name: &str, place: Place, problems: &mut Vec<Problem>) {
        if let Some(first) = self.names.insert(name.to_owned(), place) {
            problems.push(
                Problem::new(
                    Code::DuplicateMachine,
                    format!("two machines are called `{name}`"),
                )
                .at(place, format!("`{name}` here"))
                .at(first, format!("`{name}` here too"))
                .help("`count` adds a number to a name: give one of them another name"),
            );
        }
    }

    fn take_address(&mut self, address: [u8; 6], card: &str, place: Place, problems: &mut Vec<Problem>) {
        let Some((other, first)) = self.addresses.get(&address) else {
            self.addresses.insert(address, (card.to_owned(), place));
            return;
        };
        if self.reported.contains(&(*first, place)) {
            return;
        }
        self.reported.push((*first, place));
        let shown = mac::show(address);
        let problem = Problem::new(Code::DuplicateMac, format!("two cards have the address {shown}"));
        let problem = if *first == place {
            problem.at(place, format!("{other} and {card}"))
        } else {
            problem
                .at(place, format!("{card} here"))
                .at(*first, format!("{other} here"))
        };
        problems.push(problem.help("give each machine its own; `count` adds 0, 1, 2, and so on"));
    }
}

/// The most machines of a lab: far more than segments have room for.
const MOST_MACHINES: usize = 4_096;

fn too_many(place: Place) -> Problem {
    Problem::new(
        Code::TooManyMachines,
        format!("a lab has at most {MOST_MACHINES} machines"),
    )
    .at(place, "this is where it has more")
    .help("use several labs")
}

/// The connector for a kind of cable.
pub(super) fn port_of(kind: &str) -> &'static str {
    match kind {
        "10base5" => "aui",
        _ => "bnc",
    }
}

/// The card's settings but for its address. What has been refused or is not given becomes 0 and is not looked at.
fn card_settings(table: &Table, model: Model) -> ne2000::Settings {
    let number = |name: &str| CARD.number(table, name).map(|(number, _)| number);
    ne2000::Settings {
        model,
        io_base: number("io").and_then(|io| u16::try_from(io).ok()).unwrap_or(0),
        memory_base: number("ram"),
        interrupt: number("irq").and_then(|irq| u8::try_from(irq).ok()).unwrap_or(0),
        connector: Connector::Bnc,
        station_address: [0; 6],
        boot_prom: None,
    }
}

fn check_jumpers(table: &Table, model: Model, problems: &mut Vec<Problem>) {
    let card = model.name();
    let list = |values: &[u32]| {
        let mut sorted = values.to_vec();
        sorted.sort_unstable();
        let shown: Vec<String> = sorted.iter().map(|value| format!("{value:#x}")).collect();
        format!("the jumper has {}", shown.join(", "))
    };
    let io_bases: Vec<u32> = model.io_bases().iter().map(|&base| u32::from(base)).collect();
    if let Some((io, place)) = CARD.number(table, "io")
        && !io_bases.contains(&io)
    {
        problems.push(
            Problem::new(
                Code::ImpossibleJumper,
                format!("a {card} cannot lie at I/O {io:#x}"),
            )
            .at(place, "no such jumper")
            .help(list(&io_bases)),
        );
    }
    if let Some((ram, place)) = CARD.number(table, "ram")
        && !model.memory_bases().contains(&ram)
    {
        problems.push(
            Problem::new(
                Code::ImpossibleJumper,
                format!("a {card} has no memory at {ram:#x}"),
            )
            .at(place, "no such jumper")
            .help(list(model.memory_bases())),
        );
    }
    if let Some((irq, place)) = CARD.number(table, "irq")
        && !model.interrupts().iter().any(|&line| u32::from(line) == irq)
    {
        let lines: Vec<String> = model.interrupts().iter().map(u8::to_string).collect();
        problems.push(
            Problem::new(Code::ImpossibleIrq, format!("a {card} cannot drive IRQ {irq}"))
                .at(place, "no such line on the card")
                .help(format!("it has {}", lines.join(", "))),
        );
    }
}

fn memory(settings: &Table, problems: &mut Vec<Problem>) -> u32 {
    let Some((quantity, place)) = quantity_of(settings, &["memory"], Dimension::Memory) else {
        return DEFAULT_MEMORY as u32;
    };
    let bytes = quantity.whole();
    let size = show_memory(bytes);
    let wrong = if bytes < LEAST_MEMORY {
        Some((
            format!("{size} is too little memory"),
            "kernels are loaded above 1 MB; boards of the time had \"1MB\" to \"64MB\"",
        ))
    } else if bytes > MOST_MEMORY {
        Some((
            format!("{size} is too much memory"),
            "the most is \"1GB\"; boards of the time had up to \"64MB\"",
        ))
    } else if !bytes.is_multiple_of(PAGE) {
        Some((
            format!("no board has {size} of memory"),
            "memory comes in whole pages of 4 KB",
        ))
    } else {
        None
    };
    if let Some((message, help)) = wrong {
        problems.push(
            Problem::new(Code::ImpossibleMemory, message)
                .at(place, "impossible")
                .help(help),
        );
        return DEFAULT_MEMORY as u32;
    }
    if bytes > USUAL_MEMORY {
        problems.push(
            Problem::new(
                Code::UnusualMemory,
                "boards of the time had no more than 64 MB of memory",
            )
            .at(place, "unusual")
            .help("the CMOS can tell of 64 MB only; a kernel that asks it finds no more"),
        );
    }
    u32::try_from(bytes).expect("at most 1 GB")
}

fn cpu_clock(settings: &Table, problems: &mut Vec<Problem>) -> Rate {
    let default = Rate::hertz(40_000_000);
    let Some(node) = settings.at(&["cpu", "clock"]) else {
        return default;
    };
    let Some((_, place)) = quantity_of(settings, &["cpu", "clock"], Dimension::Frequency) else {
        return default;
    };
    let clock = node.text().and_then(processor_clock);
    let hertz = clock.map_or(0, Rate::whole_hertz);
    let (least, most) = POSSIBLE_CLOCKS;
    let Some(clock) = clock.filter(|_| (least * 1_000_000..=most * 1_000_000).contains(&hertz)) else {
        problems.push(
            Problem::new(Code::ImpossibleClock, "no 386DX runs at this clock")
                .at(place, "impossible")
                .help(format!(
                    "it was sold with 16, 20, 25, 33 and 40 MHz; {least} to {most} MHz can be tried"
                )),
        );
        return default;
    };
    let is_sold = SOLD_CLOCKS
        .iter()
        .any(|&(from, to)| (from * 1_000..=to * 1_000).contains(&hertz));
    if !is_sold {
        problems.push(
            Problem::new(Code::UnusualClock, "the 386DX was never sold with this clock")
                .at(place, "unusual")
                .help("it was sold with 16, 20, 25, 33 and 40 MHz"),
        );
    }
    clock
}

fn isa_clock(settings: &Table, problems: &mut Vec<Problem>) -> Rate {
    let default = Rate::hertz(8_000_000);
    let Some((quantity, place)) = quantity_of(settings, &["isa", "clock"], Dimension::Frequency) else {
        return default;
    };
    let clock = quantity.rate();
    let hertz = clock.map_or(0, Rate::whole_hertz);
    let (least, most) = POSSIBLE_BUS_CLOCKS;
    let Some(clock) = clock.filter(|_| (least * 1_000_000..=most * 1_000_000).contains(&hertz)) else {
        problems.push(
            Problem::new(Code::ImpossibleClock, "no ISA bus runs at this clock")
                .at(place, "impossible")
                .help(format!("8 MHz is usual; {least} to {most} MHz can be tried")),
        );
        return default;
    };
    let (from, to) = USUAL_BUS_CLOCKS;
    if !(from * 1_000..=to * 1_000).contains(&hertz) {
        problems.push(
            Problem::new(
                Code::UnusualClock,
                "cards are made for an ISA bus of 6 to 8.33 MHz",
            )
            .at(place, "unusual")
            .help("a 40 MHz board has 8 MHz, a 33 MHz board 25/3 MHz"),
        );
    }
    clock
}

fn timing(settings: &Table) -> Timing {
    let mut timing = Timing::default();
    for description in &CONSTANTS {
        let value = settings
            .at(&["timing", description.name, "value"])
            .and_then(Node::integer)
            .and_then(|value| u32::try_from(value).ok());
        let source = Source::parse(text_of(settings, &["timing", description.name, "source"]));
        let constant = timing
            .constant_mut(description.name)
            .expect("every description has its field");
        if let (Some(value), Some((source, note))) = (value, source) {
            constant.value = value;
            constant.source = source;
            note.clone_into(&mut constant.note);
        }
    }
    timing
}
