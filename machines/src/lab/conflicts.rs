//! Cards that meet one another, or the board, at an address or an interrupt.

use std::ops::Range;

use super::board::{EXTENDED_MEMORY, MEMORY, input_of, owner_of_interrupt, owner_of_ports};
use super::cards::io_ranges;
use super::code::Code;
use super::document::Table;
use super::fields::CARD;
use super::messages::{Place, Problem};
use super::model::Machine;

/// A card of a machine, with the places of its settings.
pub(super) struct CardInSlot<'a> {
    pub(super) settings: &'a ne2000::Settings,
    pub(super) table: &'a Table,
    pub(super) place: Place,
}

impl CardInSlot<'_> {
    /// Where the field was given; else where the card is.
    fn place_of(&self, field: &str) -> Place {
        self.table.get(field).map_or(self.place, |node| node.place)
    }

    /// True if the field was given and is in its range.
    fn has(&self, field: &str) -> bool {
        CARD.number(self.table, field).is_some()
    }

    fn word(&self) -> &'static str {
        self.settings.model.name()
    }

    fn ports(&self) -> Vec<Range<u64>> {
        if !self.has("io") {
            return Vec::new();
        }
        let base = u64::from(self.settings.io_base);
        io_ranges(self.settings.model)
            .iter()
            .map(|&(offset, length)| {
                let start = base + u64::from(offset);
                start..start + u64::from(length)
            })
            .collect()
    }

    fn window(&self) -> Option<Range<u64>> {
        let start = u64::from(self.settings.memory_base?);
        Some(start..start + u64::from(self.settings.model.memory_window_bytes()))
    }
}

/// Reports everything that two devices of a machine both claim.
pub(super) fn check_conflicts(
    machine: &Machine,
    settings: &Table,
    cards: &[CardInSlot<'_>],
    problems: &mut Vec<Problem>,
) {
    for (index, card) in cards.iter().enumerate() {
        for other in &cards[..index] {
            check_pair(card, other, problems);
        }
        check_against_board(card, machine, problems);
    }
    check_post_port(machine, settings, cards, problems);
}

fn overlap(a: &Range<u64>, b: &Range<u64>) -> bool {
    a.start < b.end && b.start < a.end
}

const IO_HELP: &str = "set another I/O base on one of them";
const MEMORY_HELP: &str = "set another memory window, or none";
const IRQ_HELP: &str = "ISA interrupts are edge triggered and cannot be shared; give one card another IRQ";

/// A message with both cards' places.
fn both(code: Code, what: String, field: &str, pair: [&CardInSlot<'_>; 2], help: &str) -> Problem {
    let mut problem = Problem::new(code, what).help(help);
    for card in pair {
        problem = problem.at(card.place_of(field), format!("{} here", card.word()));
    }
    problem
}

fn check_pair(card: &CardInSlot<'_>, other: &CardInSlot<'_>, problems: &mut Vec<Problem>) {
    let meets = |range: &Range<u64>| other.ports().iter().any(|ports| overlap(range, ports));
    if let Some(range) = card.ports().iter().find(|range| meets(range)) {
        let what = format!("two cards share the I/O ports from {:#x}", range.start);
        problems.push(both(Code::IoConflict, what, "io", [other, card], IO_HELP));
    }
    if let (Some(window), Some(others)) = (card.window(), other.window())
        && overlap(&window, &others)
    {
        let what = format!("two cards share the memory at {:#x}", window.start);
        problems.push(both(
            Code::MemoryConflict,
            what,
            "ram",
            [other, card],
            MEMORY_HELP,
        ));
    }
    let has_lines = card.has("irq") && other.has("irq");
    let line = card.settings.interrupt;
    if has_lines && input_of(line) == input_of(other.settings.interrupt) {
        let what = format!("two cards share IRQ {line}");
        problems.push(both(Code::IrqConflict, what, "irq", [other, card], IRQ_HELP));
    }
}

fn check_against_board(card: &CardInSlot<'_>, machine: &Machine, problems: &mut Vec<Problem>) {
    let word = card.word();
    for range in card.ports() {
        if let Some(owner) = owner_of_ports(&range, machine) {
            problems.push(
                Problem::new(
                    Code::IoConflict,
                    format!("a {word} and {owner} share I/O ports from {:#x}", range.start),
                )
                .at(card.place_of("io"), format!("{owner} is here"))
                .help(IO_HELP),
            );
        }
    }
    if let Some(window) = card.window() {
        let extended = EXTENDED_MEMORY..u64::from(machine.memory_bytes).max(EXTENDED_MEMORY);
        let roms = machine.option_roms.iter();
        let mut roms = roms.map(|rom| u64::from(rom.address)..u64::from(rom.address + rom.bytes));
        let area = MEMORY
            .iter()
            .find(|(area, _)| overlap(&window, area))
            .map(|(_, owner)| *owner)
            .or_else(|| roms.any(|rom| overlap(&window, &rom)).then_some("an option ROM"))
            .or_else(|| overlap(&window, &extended).then_some("extended memory"));
        if let Some(owner) = area {
            problems.push(
                Problem::new(
                    Code::MemoryConflict,
                    format!("a {word} and {owner} share the memory at {:#x}", window.start),
                )
                .at(card.place_of("ram"), format!("{owner} is here"))
                .help(MEMORY_HELP),
            );
        }
    }
    let line = card.settings.interrupt;
    let taken = owner_of_interrupt(input_of(line), machine);
    if let Some(owner) = taken.filter(|_| card.has("irq")) {
        problems.push(
            Problem::new(
                Code::IrqConflict,
                format!("a {word} and {owner} share IRQ {line}"),
            )
            .at(card.place_of("irq"), format!("{owner} has this IRQ"))
            .help(IRQ_HELP),
        );
    }
}

/// POST codes must go to a port that nothing else hears.
fn check_post_port(
    machine: &Machine,
    settings: &Table,
    cards: &[CardInSlot<'_>],
    problems: &mut Vec<Problem>,
) {
    let Some(node) = settings.get("post_port") else {
        return;
    };
    let port = u64::from(machine.post_port);
    let range = port..port + 1;
    let on_board = owner_of_ports(&range, machine).map(|owner| (owner, None));
    let on_card = cards
        .iter()
        .find(|card| card.ports().iter().any(|ports| overlap(&range, ports)))
        .map(|card| (card.word(), Some(card.place_of("io"))));
    if let Some((owner, place)) = on_board.or(on_card) {
        let mut problem = Problem::new(
            Code::IoConflict,
            format!("POST codes and {owner} share port {port:#x}"),
        )
        .at(node.place, "the port of POST codes")
        .help("POST codes go to port 0x80, or to 0x84, 0x190, 0x300 or 0x680 on other boards");
        if let Some(place) = place {
            problem = problem.at(place, format!("{owner} here"));
        }
        problems.push(problem);
    }
}
