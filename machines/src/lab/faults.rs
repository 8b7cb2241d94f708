//! Faults: what a `[[fault]]` means, with its stations and machines found.

use std::collections::BTreeMap;

use clock::{Instant, Span};
use devices::TornSector;
use wire::{Chance, CheckSequence, Deed, Matcher, Place as FaultPlace, StationId, Turns};

use super::check::{chance_of, suggestion};
use super::code::Code;
use super::document::{Node, Table};
use super::fields::FAULT;
use super::mac;
use super::messages::{Place, Problem};
use super::model::{Fault, FaultKind, FrameFault, Lab};
use super::pattern;
use super::resolve::{check_stop, check_times, find, named_machines, quantity_of, text_of};
use super::units::{Dimension, show_length};

/// Fields of every fault, and of those that touch frames.
const COMMON: &[&str] = &["name", "kind", "from", "until"];
const OF_FRAMES: &[&str] = &[
    "segment",
    "sender",
    "receiver",
    "ethertype",
    "source",
    "destination",
    "nth",
    "every",
    "chance",
    "place",
    "seed",
];

/// The kinds: their word, whether they touch frames, and their own fields.
const KINDS: &[(&str, bool, &[&str])] = &[
    ("loss", true, &[]),
    ("duplication", true, &["copies", "apart"]),
    ("delay", true, &["least", "most"]),
    ("reordering", true, &["behind", "at_most"]),
    ("bit-errors", true, &["bits", "fcs"]),
    ("misalignment", true, &["dribble_bits"]),
    ("truncation", true, &["length"]),
    ("partition", false, &["segment", "at"]),
    ("unplug", false, &["segment", "station"]),
    ("power-off", false, &["machine", "sector"]),
    ("reset", false, &["machine"]),
];

/// Adds all faults to a lab whose machines and generators are known.
pub(super) fn faults(root: &Table, lab: &mut Lab, problems: &mut Vec<Problem>) {
    let mut names = BTreeMap::new();
    for (number, node) in root.get("fault").map_or(&[][..], Node::list).iter().enumerate() {
        let Some(table) = node.table() else { continue };
        let label = label(number, node.place, table);
        let name = label.name.clone();
        if let Some(first) = names.get(&name) {
            problems.push(two_faults(first, &label));
        } else {
            names.insert(name.clone(), label);
        }
        let word = text_of(table, &["kind"]);
        let Some((word, has_frames, own)) = KINDS.iter().find(|(known, ..)| *known == word) else {
            continue;
        };
        let reader = Reader {
            root,
            table,
            place: node.place,
            word,
        };
        reader.report_strangers(*has_frames, own, problems);
        check_times(table, &["least", "most", "apart", "at_most"], problems);
        let (from, until) = reader.window(lab, problems);
        let kind = reader.kind(lab, *has_frames, problems);
        lab.faults.push(Fault {
            name,
            from,
            until,
            kind,
        });
    }
}

/// What a fault is called, and where.
struct Label {
    name: String,
    place: Place,
    is_given: bool,
}

fn label(number: usize, place: Place, table: &Table) -> Label {
    let given = table
        .get("name")
        .filter(|_| !text_of(table, &["name"]).is_empty());
    Label {
        name: given
            .and_then(Node::text)
            .map_or_else(|| format!("fault{number}"), str::to_owned),
        place: given.map_or(place, |node| node.place),
        is_given: given.is_some(),
    }
}

fn two_faults(first: &Label, second: &Label) -> Problem {
    let how = |label: &Label, given: &'static str| {
        if label.is_given {
            given
        } else {
            "this has no `name`, and is called so"
        }
    };
    Problem::new(
        Code::DuplicateFault,
        format!("two faults are called `{}`", second.name),
    )
    .at(second.place, how(second, "here"))
    .at(first.place, how(first, "and here"))
    .help("give each fault its own name: events call it so")
}

/// One fault's table.
struct Reader<'a> {
    root: &'a Table,
    table: &'a Table,
    place: Place,
    word: &'a str,
}

impl Reader<'_> {
    fn report_strangers(&self, has_frames: bool, own: &[&str], problems: &mut Vec<Problem>) {
        let frames = if has_frames { OF_FRAMES } else { &[] };
        let known: Vec<&str> = [COMMON, own, frames].concat();
        for entry in &self.table.entries {
            // What no fault has is reported already.
            if FAULT.field(&entry.key).is_some() && !known.contains(&entry.key.as_str()) {
                problems.push(
                    Problem::new(
                        Code::FaultField,
                        format!("a fault of kind `{}` has no `{}`", self.word, entry.key),
                    )
                    .at(entry.key_place, "does not belong here")
                    .help(format!("it has {}", known.join(", "))),
                );
            }
        }
        if self.word == "reset"
            && let Some(until) = self.table.entry("until")
        {
            problems.push(
                Problem::new(Code::FaultField, "a reset button is pressed once")
                    .at(until.key_place, "it needs no end")
                    .help("take `until` out"),
            );
        }
    }

    fn window(&self, lab: &Lab, problems: &mut Vec<Problem>) -> (Instant, Instant) {
        let at = |field: &str| quantity_of(self.table, &[field], Dimension::Time);
        let from = at("from").map(|(time, place)| (time.span(), place));
        if let Some(from) = from {
            let message = "the run has stopped when this fault begins";
            check_stop(Code::LateFault, message, from, lab, problems);
        }
        let from = Instant::START + from.map_or(Span::ZERO, |(time, _)| time);
        let Some((time, place)) = at("until") else {
            return (from, Instant::NEVER);
        };
        let until = Instant::START + time.span();
        if until <= from {
            problems.push(
                Problem::new(Code::OutOfRange, "this fault ends before it begins")
                    .at(place, "not after `from`")
                    .help("leave `until` out for a fault without end"),
            );
        }
        (from, until)
    }

    fn kind(&self, lab: &Lab, has_frames: bool, problems: &mut Vec<Problem>) -> FaultKind {
        if has_frames {
            return FaultKind::Frames(Box::new(self.frames(lab, problems)));
        }
        match self.word {
            "partition" => self.partition(lab, problems),
            "unplug" => FaultKind::Unplug {
                stations: self.unplugged(lab, problems),
            },
            "reset" => FaultKind::Reset {
                machines: self.machines(lab, problems),
            },
            _ => FaultKind::PowerOff {
                machines: self.machines(lab, problems),
                torn: match text_of(self.table, &["sector"]) {
                    "old" => TornSector::Old,
                    "new" => TornSector::New,
                    _ => TornSector::Unreadable,
                },
            },
        }
    }

    fn frames(&self, lab: &Lab, problems: &mut Vec<Problem>) -> FrameFault {
        let segment = self.segment(lab, problems).unwrap_or(0);
        let address = |field: &str| self.text(field).and_then(mac::parse);
        let number = |field: &str| FAULT.number(self.table, field).map(|(number, _)| number);
        let matcher = Matcher {
            senders: self.stations("sender", lab, segment, problems),
            receivers: self.stations("receiver", lab, segment, problems),
            ethertype: number("ethertype").and_then(|number| u16::try_from(number).ok()),
            destination: address("destination"),
            source: address("source"),
            length: None,
        };
        let chance = self.text("chance").and_then(chance_of);
        FrameFault {
            segment,
            matcher,
            turns: self.turns(problems),
            chance: chance.map_or(Chance::CERTAIN, Chance::per_million),
            place: match text_of(self.table, &["place"]) {
                "receiver" => FaultPlace::Receiver,
                _ => FaultPlace::Cable,
            },
            deed: self.deed(problems),
            seed: self.whole("seed"),
        }
    }

    fn deed(&self, problems: &mut Vec<Problem>) -> Deed {
        let number = |field: &str, default: u32| {
            FAULT
                .number(self.table, field)
                .map_or(default, |(number, _)| number)
        };
        match self.word {
            "duplication" => Deed::Duplicate {
                copies: number("copies", 1),
                apart: self.time("apart").unwrap_or(Span::from_microseconds(100)),
            },
            "delay" => self.delay(problems),
            "reordering" => Deed::Reorder {
                behind: number("behind", 1),
                at_most: self.time("at_most").unwrap_or(Span::from_milliseconds(10)),
            },
            "bit-errors" => Deed::FlipBits {
                count: number("bits", 1),
                check: match text_of(self.table, &["fcs"]) {
                    "right" => CheckSequence::Right,
                    _ => CheckSequence::Wrong,
                },
            },
            "misalignment" => Deed::Misalign {
                dribble_bits: u8::try_from(number("dribble_bits", 4)).unwrap_or(4),
            },
            "truncation" => {
                self.require("length", problems);
                Deed::Truncate {
                    length: number("length", 4).into(),
                }
            }
            _ => Deed::Lose,
        }
    }

    fn delay(&self, problems: &mut Vec<Problem>) -> Deed {
        self.require("least", problems);
        let least = self.time("least").unwrap_or_default();
        let most = self.time("most").unwrap_or(least);
        if let Some((_, place)) = quantity_of(self.table, &["most"], Dimension::Time).filter(|_| most < least)
        {
            problems.push(
                Problem::new(Code::OutOfRange, "the longest delay is shorter than the shortest")
                    .at(place, "less than `least`")
                    .help("the delay lies between `least` and `most`"),
            );
        }
        Deed::Delay { least, most }
    }

    fn turns(&self, problems: &mut Vec<Problem>) -> Turns {
        match (self.table.entry("nth"), self.table.entry("every")) {
            (Some(nth), Some(every)) => {
                problems.push(
                    Problem::new(Code::FaultField, "this fault counts frames in two ways")
                        .at(nth.key_place, "one frame only")
                        .at(every.key_place, "and each so manieth")
                        .help("take one of them out, or make two faults of them"),
                );
                Turns::Every
            }
            (Some(_), None) => self.whole("nth").map_or(Turns::Every, Turns::Only),
            (None, Some(_)) => self.whole("every").map_or(Turns::Every, Turns::EachNth),
            (None, None) => Turns::Every,
        }
    }

    fn partition(&self, lab: &Lab, problems: &mut Vec<Problem>) -> FaultKind {
        self.require("at", problems);
        let segment = self.segment(lab, problems).unwrap_or(0);
        let at = quantity_of(self.table, &["at"], Dimension::Length);
        let length = lab
            .segments
            .get(segment)
            .map_or(u64::MAX, |segment| segment.settings.length_millimetres);
        if let Some((at, place)) = &at
            && !(1..length).contains(&at.whole())
        {
            problems.push(
                Problem::new(Code::TapBeyondEnd, "a cable is cut between its ends")
                    .at(*place, format!("the cable is {} long", show_length(length)))
                    .help("give a place on it, such as at = \"10m\""),
            );
        }
        FaultKind::Partition {
            segment,
            position_millimetres: at.map_or(0, |(at, _)| at.whole()),
        }
    }

    fn unplugged(&self, lab: &Lab, problems: &mut Vec<Problem>) -> Vec<(usize, StationId)> {
        self.require("station", problems);
        let segments: Vec<usize> = match self.table.get("segment") {
            Some(_) => self.segment(lab, problems).into_iter().collect(),
            None => (0..lab.segments.len()).collect(),
        };
        let mut found = Vec::new();
        for named in names(self.table.get("station")) {
            let before = found.len();
            for &segment in &segments {
                let stations = matching_stations(named, lab, segment).into_iter();
                found.extend(stations.map(|station| (segment, station)));
            }
            if found.len() == before {
                problems.push(unknown_station(named, lab, &segments));
            }
        }
        found.sort_unstable();
        found.dedup();
        found
    }

    fn machines(&self, lab: &Lab, problems: &mut Vec<Problem>) -> Vec<usize> {
        self.require("machine", problems);
        named_machines(self.root, self.table, lab, problems)
    }

    /// The segment that is named, or the only one.
    fn segment(&self, lab: &Lab, problems: &mut Vec<Problem>) -> Option<usize> {
        if let Some(name) = self.table.get("segment") {
            return find(self.root, "segment", Code::UnknownSegment, name, problems);
        }
        if lab.segments.len() != 1 {
            let names: Vec<&str> = lab.segments.iter().map(|segment| segment.name.as_str()).collect();
            problems.push(
                Problem::new(Code::MissingField, "this fault is on no segment")
                    .at(self.place, "`segment` is missing")
                    .help(format!("there is {}", names.join(", "))),
            );
            return None;
        }
        Some(0)
    }

    /// The stations of a segment that a field names; `None` if it is not given, for all of them.
    fn stations(
        &self,
        field: &str,
        lab: &Lab,
        segment: usize,
        problems: &mut Vec<Problem>,
    ) -> Option<Vec<StationId>> {
        let node = self.table.get(field)?;
        let mut stations = Vec::new();
        for named in names(Some(node)) {
            let matching = matching_stations(named, lab, segment);
            if matching.is_empty() && segment < lab.segments.len() {
                problems.push(unknown_station(named, lab, &[segment]));
            }
            stations.extend(matching);
        }
        stations.sort_unstable();
        stations.dedup();
        Some(stations)
    }

    fn require(&self, field: &str, problems: &mut Vec<Problem>) {
        if self.table.get(field).is_none() {
            let about = FAULT.field(field).map_or("", |field| field.about);
            problems.push(
                Problem::new(
                    Code::MissingField,
                    format!("a fault of kind `{}` needs `{field}`", self.word),
                )
                .at(self.place, format!("`{field}` is missing"))
                .help(format!("{field}: {about}")),
            );
        }
    }

    fn text(&self, field: &str) -> Option<&str> {
        self.table.get(field).and_then(Node::text)
    }

    fn time(&self, field: &str) -> Option<Span> {
        quantity_of(self.table, &[field], Dimension::Time).map(|(time, _)| time.span())
    }

    fn whole(&self, field: &str) -> Option<u64> {
        let number = self.table.get(field).and_then(Node::integer)?;
        u64::try_from(number).ok()
    }
}

/// One name or several.
fn names(node: Option<&Node>) -> &[Node] {
    match node {
        Some(one) if one.text().is_some() => std::slice::from_ref(one),
        Some(several) => several.list(),
        None => &[],
    }
}

/// The stations of a segment whose name matches, or whose machine's.
fn matching_stations(named: &Node, lab: &Lab, segment: usize) -> Vec<StationId> {
    let Some(wanted) = named.text() else {
        return Vec::new();
    };
    let is_meant = |name: &str| {
        let machine = name.split('/').next().unwrap_or(name);
        pattern::matches(wanted, name) || pattern::matches(wanted, machine)
    };
    let names = lab.station_names(segment);
    let numbered = (0..).map(StationId).zip(names);
    numbered
        .filter(|(_, name)| is_meant(name))
        .map(|(station, _)| station)
        .collect()
}

fn unknown_station(named: &Node, lab: &Lab, segments: &[usize]) -> Problem {
    let wanted = named.text().unwrap_or("");
    let names: Vec<&str> = segments
        .iter()
        .flat_map(|&segment| lab.station_names(segment))
        .collect();
    let shown = &names[..names.len().min(12)];
    Problem::new(
        Code::UnknownStation,
        format!("no station is called `{wanted}` there"),
    )
    .at(named.place, "matches nothing")
    .help(suggestion(wanted, shown))
}
