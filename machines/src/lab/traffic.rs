//! Traffic generators: what a `[traffic.NAME]` means, once for each of its `count`.

use clock::{Instant, Span};
use wire::{Length, Pace, TrafficSettings};

use super::cables::{Attachment, Who};
use super::code::Code;
use super::document::{Entry, Node, Table};
use super::fields::TRAFFIC;
use super::mac;
use super::machine::MachineBuilder;
use super::messages::Problem;
use super::model::{Generator, Lab};
use super::resolve::{check_times, find, quantity_of};
use super::units::Dimension;

/// The shortest frame, and the type for local experiments (IEEE 802).
const SHORTEST: u16 = 64;
const LOCAL_EXPERIMENT: u16 = 0x88B5;
const EVERYONE: [u8; 6] = [0xFF; 6];

/// Adds all traffic generators to the lab, and their taps to the attachments.
pub(super) fn generators(
    root: &Table,
    lab: &mut Lab,
    builder: &mut MachineBuilder<'_>,
    attachments: &mut Vec<Attachment>,
    problems: &mut Vec<Problem>,
) {
    for entry in root.children("traffic") {
        let Some(table) = entry.node.table() else {
            continue;
        };
        check_times(table, &["pause", "interval", "mean", "start"], problems);
        let first = generator(root, entry, table, problems);
        let count = TRAFFIC.number(table, "count").map(|(count, _)| count);
        for index in 0..count.unwrap_or(1) {
            if lab.generators.len() >= MOST_GENERATORS {
                problems.push(too_many(entry));
                return;
            }
            let name = match count {
                Some(_) => format!("{}{index}", entry.key),
                None => entry.key.clone(),
            };
            builder.take_name(&name, entry.key_place, problems);
            let mut generator = Generator {
                name,
                ..first.clone()
            };
            if let Some(node) = table.get("mac") {
                let own = first.settings.source;
                generator.settings.source =
                    builder.next_address(own, index, &generator.name, node.place, problems);
            }
            attachments.push(Attachment {
                segment: generator.segment,
                who: Who::Generator(lab.generators.len()),
                index: u64::from(index),
                tap: quantity_of(table, &["tap"], Dimension::Length).map(|(tap, place)| (tap.whole(), place)),
                place: entry.key_place,
            });
            lab.generators.push(generator);
        }
    }
}

/// Far more than a segment has room for.
const MOST_GENERATORS: usize = 1_000;

fn too_many(entry: &Entry) -> Problem {
    Problem::new(
        Code::TooManyMachines,
        format!("a lab has at most {MOST_GENERATORS} traffic generators"),
    )
    .at(entry.key_place, "this is where it has more")
    .help("use several labs")
}

/// What all generators of a `count` have in common, with the address of the first.
fn generator(root: &Table, entry: &Entry, table: &Table, problems: &mut Vec<Problem>) -> Generator {
    let segment = table
        .get("segment")
        .and_then(|name| find(root, "segment", Code::UnknownSegment, name, problems));
    let address = |field: &str| table.get(field).and_then(Node::text).and_then(mac::parse);
    let time = |field: &str| quantity_of(table, &[field], Dimension::Time).map(|(time, _)| time.span());
    let whole = |field: &str| table.get(field).and_then(Node::integer);
    let settings = TrafficSettings {
        source: address("mac").unwrap_or_default(),
        destination: address("destination").unwrap_or(EVERYONE),
        ethertype: short(whole("ethertype")).unwrap_or(LOCAL_EXPERIMENT),
        length: length(entry, table, problems),
        pace: pace(table, problems),
        start: Instant::START + time("start").unwrap_or_default(),
        count: whole("frames").and_then(|frames| u64::try_from(frames).ok()),
        seed: 0,
    };
    Generator {
        name: String::new(),
        segment: segment.unwrap_or(0),
        position_millimetres: 0,
        settings,
        seed: whole("seed").and_then(|seed| u64::try_from(seed).ok()),
    }
}

fn short(number: Option<i128>) -> Option<u16> {
    u16::try_from(number?).ok()
}

fn length(entry: &Entry, table: &Table, problems: &mut Vec<Problem>) -> Length {
    let number = |field: &str| short(table.get(field).and_then(Node::integer));
    if let Some(lengths) = table.entry("lengths") {
        if let Some(other) = table.entry("length").or_else(|| table.entry("longest")) {
            problems.push(
                Problem::new(Code::TwoPaces, "this generator has lengths of two kinds")
                    .at(lengths.key_place, "these in turn")
                    .at(other.key_place, "and another")
                    .help("take one of them out"),
            );
        }
        let list = lengths.node.list().iter();
        return Length::Cycle(list.filter_map(|node| short(node.integer())).collect());
    }
    let least = number("length").unwrap_or(SHORTEST);
    let Some(most) = number("longest") else {
        return Length::Fixed(least);
    };
    if most < least {
        let place = table.get("longest").map_or(entry.key_place, |node| node.place);
        problems.push(
            Problem::new(Code::OutOfRange, "the longest frame is shorter than the shortest")
                .at(place, format!("less than {least}"))
                .help("lengths lie between `length` and `longest`"),
        );
    }
    Length::Uniform(least, most)
}

fn pace(table: &Table, problems: &mut Vec<Problem>) -> Pace {
    let given: Vec<&Entry> = ["pause", "interval", "mean"]
        .iter()
        .filter_map(|field| table.entry(field))
        .collect();
    if let [first, second, ..] = given[..] {
        problems.push(
            Problem::new(Code::TwoPaces, "this generator has two paces")
                .at(first.key_place, "one")
                .at(second.key_place, "another")
                .help("take one of them out"),
        );
    }
    let Some(entry) = given.first() else {
        return Pace::Saturating { pause: Span::ZERO };
    };
    let quantity = quantity_of(table, &[&entry.key], Dimension::Time);
    let span = quantity.map_or(Span::ZERO, |(time, _)| time.span());
    if entry.key != "pause" && quantity.is_some() && span == Span::ZERO {
        problems.push(
            Problem::new(Code::OutOfRange, "frames without end come due at once")
                .at(entry.node.place, "no time at all")
                .help("a generator without `interval` and `mean` is always ready"),
        );
    }
    match entry.key.as_str() {
        "interval" => Pace::Interval(span),
        "mean" => Pace::Poisson { mean: span },
        _ => Pace::Saturating { pause: span },
    }
}

/// The field that says a pace, and its time.
pub(super) fn pace_words(pace: Pace) -> (&'static str, Span) {
    match pace {
        Pace::Saturating { pause } => ("pause", pause),
        Pace::Interval(span) => ("interval", span),
        Pace::Poisson { mean } => ("mean", mean),
    }
}
