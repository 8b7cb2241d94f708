//! The second check of a lab file: what its values mean together, and the [`Lab`] that comes of it.
//!
//! The first check has reported every value that cannot be read, so that a value that is missing here is either not
//! given, and has a default, or reported already; then whatever stands in its place is never used, because a lab file
//! with errors gives no lab.

use std::path::Path;

use clock::{Rate, Span};

use super::START;
use super::cables::{Attachment, lay_cables};
use super::check::{speed_of, suggestion};
use super::code::Code;
use super::document::{Entry, Node, Table, Value};
use super::drives::check_shared;
use super::faults::faults;
use super::fields::EXPECT;
use super::images::image;
use super::inputs::inputs;
use super::machine::MachineBuilder;
use super::merge::templates;
use super::messages::{Place, Problem};
use super::model::{Capture, Expectation, Lab, Segment, Sign, Speed};
use super::traffic::generators;
use super::units::{Dimension, Quantity, show_bit_rate, show_length, show_time};
use super::{moment, pattern};

/// What a CMOS clock shows if the lab file does not say.
const DEFAULT_EPOCH: &str = "1995-05-30T09:00:00Z";
/// The bit rate of every 10BASE medium.
const TEN_MEGABITS: u64 = 10_000_000;
/// The slowest bit rate that makes sense on a cable.
const SLOWEST_BITS: u64 = 1_000_000;
/// A cable so long that a signal takes half a slot time from end to end has no CSMA/CD any more.
const LONGEST_CABLE: u64 = 4_990_000;

/// Reads text; what is not given is `""`.
pub(super) fn text_of<'a>(table: &'a Table, path: &[&str]) -> &'a str {
    table.at(path).and_then(Node::text).unwrap_or("")
}

/// Reads a quantity in its smallest unit.
pub(super) fn quantity_of(table: &Table, path: &[&str], dimension: Dimension) -> Option<(Quantity, Place)> {
    let node = table.at(path)?;
    Some((Quantity::parse(dimension, node.text()?).ok()?, node.place))
}

/// The longest time that something may be put off or left between two things.
const LONGEST_TIME: Span = Span::from_seconds(3_600);

/// Reports each of these times that is longer than an hour: virtual time would end before anything comes of it.
pub(super) fn check_times(table: &Table, fields: &[&str], problems: &mut Vec<Problem>) {
    for field in fields {
        if let Some((_, place)) =
            quantity_of(table, &[field], Dimension::Time).filter(|(time, _)| time.span() > LONGEST_TIME)
        {
            problems.push(
                Problem::new(Code::OutOfRange, format!("`{field}` cannot be so long"))
                    .at(place, "longer than an hour")
                    .help(format!("the most is {}", show_time(LONGEST_TIME))),
            );
        }
    }
}

/// Warns of something that comes only when the run is over.
pub(super) fn check_stop(
    code: Code,
    message: &str,
    (time, place): (Span, Place),
    lab: &Lab,
    problems: &mut Vec<Problem>,
) {
    if let Some(stop) = lab.stop.filter(|stop| time >= *stop) {
        problems.push(
            Problem::new(code, message)
                .at(place, format!("not before {}", show_time(stop)))
                .help("make `stop` in [time] longer, or this earlier"),
        );
    }
}

/// Finds `name` among the tables called `kind`.
pub(super) fn find(
    root: &Table,
    kind: &str,
    code: Code,
    name: &Node,
    problems: &mut Vec<Problem>,
) -> Option<usize> {
    let text = name.text()?;
    let names: Vec<&str> = root
        .children(kind)
        .iter()
        .map(|entry| entry.key.as_str())
        .collect();
    let index = names.iter().position(|known| *known == text);
    if index.is_none() {
        problems.push(
            Problem::new(code, format!("there is no {kind} `{text}`"))
                .at(name.place, format!("unknown {kind}"))
                .help(suggestion(text, &names)),
        );
    }
    index
}

/// Puts the lab together. It is only of use if no error is among the problems.
pub(super) fn resolve(root: &Table, folder: &Path, problems: &mut Vec<Problem>) -> Lab {
    let segments: Vec<Segment> = root
        .children("segment")
        .iter()
        .map(|entry| segment(entry, problems))
        .collect();
    let mut lab = Lab {
        name: text_of(root, &["lab", "name"]).to_owned(),
        description: text_of(root, &["lab", "description"]).to_owned(),
        seed: root
            .at(&["lab", "seed"])
            .and_then(Node::integer)
            .and_then(|seed| u64::try_from(seed).ok())
            .unwrap_or(0),
        epoch_seconds: epoch(root),
        stop: stop(root, problems),
        speed: speed(root),
        segments,
        machines: Vec::new(),
        generators: Vec::new(),
        faults: Vec::new(),
        inputs: Vec::new(),
        expectations: Vec::new(),
        captures: Vec::new(),
        images: Vec::new(),
    };
    for entry in root.children("image") {
        lab.images.push(image(entry, folder, problems));
    }
    machines(root, &mut lab, problems);
    faults(root, &mut lab, problems);
    inputs(root, &mut lab, problems);
    for entry in root.get("expect").map_or(&[][..], Node::list) {
        expectation(root, entry, &mut lab, problems);
    }
    captures(root, &mut lab, problems);
    lab
}

fn epoch(root: &Table) -> i64 {
    let given = match root.at(&["time", "rtc"]).map(|node| &node.value) {
        Some(Value::Text(text) | Value::Date(text)) => moment::parse(text),
        _ => None,
    };
    given
        .or_else(|| moment::parse(DEFAULT_EPOCH))
        .expect("the default is a moment")
}

fn stop(root: &Table, problems: &mut Vec<Problem>) -> Option<Span> {
    let (quantity, place) = quantity_of(root, &["time", "stop"], Dimension::Time)?;
    let span = quantity.span();
    if span == Span::ZERO {
        problems.push(
            Problem::new(Code::OutOfRange, "a run cannot stop before it begins")
                .at(place, "no time at all")
                .help("leave `stop` out for a run without end"),
        );
        return None;
    }
    Some(span)
}

fn speed(root: &Table) -> Speed {
    match root.at(&["time", "speed"]).and_then(speed_of).flatten() {
        Some(thousandths) => Speed::Thousandths(thousandths),
        None => Speed::Max,
    }
}

fn segment(entry: &Entry, problems: &mut Vec<Problem>) -> Segment {
    let empty = Table::default();
    let table = entry.node.table().unwrap_or(&empty);
    let kind = match text_of(table, &["kind"]) {
        "10base5" => wire::Kind::TenBase5,
        _ => wire::Kind::TenBase2,
    };
    let model = match text_of(table, &["model"]) {
        "fifo" => wire::Model::Fifo,
        "ideal" => wire::Model::Ideal,
        _ => wire::Model::CsmaCd,
    };
    let settings = wire::Settings {
        kind,
        model,
        bit_rate: bit_rate(table, problems),
        length_millimetres: cable_length(table, kind, problems),
    };
    Segment {
        name: entry.key.clone(),
        settings,
    }
}

fn bit_rate(table: &Table, problems: &mut Vec<Problem>) -> Rate {
    let Some((quantity, place)) = quantity_of(table, &["rate"], Dimension::BitRate) else {
        return Rate::hertz(TEN_MEGABITS);
    };
    let rate = quantity.whole();
    if !(SLOWEST_BITS..=TEN_MEGABITS).contains(&rate) {
        let message = format!("a cable cannot carry {}", show_bit_rate(rate));
        problems.push(
            Problem::new(Code::OutOfRange, message)
                .at(place, "out of range")
                .help("the range is 1Mbit/s to 10Mbit/s"),
        );
        return Rate::hertz(TEN_MEGABITS);
    }
    if rate != TEN_MEGABITS {
        problems.push(
            Problem::new(Code::UnusualRate, "10BASE2 and 10BASE5 are 10 Mbit/s")
                .at(place, "another rate")
                .help("write \"10Mbit/s\", or leave `rate` out"),
        );
    }
    Rate::hertz(rate)
}

fn cable_length(table: &Table, kind: wire::Kind, problems: &mut Vec<Problem>) -> u64 {
    let Some((quantity, place)) = quantity_of(table, &["length"], Dimension::Length) else {
        return kind.longest_millimetres();
    };
    let length = quantity.whole();
    let longest = kind.longest_millimetres();
    if length > LONGEST_CABLE {
        problems.push(
            Problem::new(
                Code::OutOfRange,
                "collisions cannot be noticed in time on so long a cable",
            )
            .at(place, "half a slot time and more from end to end")
            .help(format!("the standard allows {}", show_length(longest))),
        );
        return longest;
    }
    if length > longest {
        problems.push(
            Problem::new(Code::CableTooLong, "the cable is longer than its standard allows")
                .at(place, format!("at most {}", show_length(longest)))
                .help("late collisions may follow; use a shorter cable or 10base5"),
        );
    }
    length
}

fn machines(root: &Table, lab: &mut Lab, problems: &mut Vec<Problem>) {
    let mut attachments: Vec<Attachment> = Vec::new();
    let templates = templates(root, problems);
    if templates.is_empty() && root.children("traffic").is_empty() {
        let table = root.entry("machine").or_else(|| root.entry("traffic"));
        let place = table.map_or(START, |table| table.key_place);
        problems.push(
            Problem::new(Code::NoMachine, "there is no machine in this lab")
                .at(place, "no machine")
                .help("begin one with [machine.NAME], or a traffic generator with [traffic.NAME]"),
        );
    }
    let mut builder = MachineBuilder::new(root);
    for template in &templates {
        builder.build(template, lab, &mut attachments, problems);
    }
    generators(root, lab, &mut builder, &mut attachments, problems);
    lay_cables(root, lab, &attachments, problems);
    check_shared(&lab.machines, &lab.images, root, problems);
}

fn expectation(root: &Table, node: &Node, lab: &mut Lab, problems: &mut Vec<Problem>) {
    let Some(table) = node.table() else {
        return;
    };
    let machines = named_machines(root, table, lab, problems);
    let sign = sign(table, node.place, problems);
    let within = quantity_of(table, &["within"], Dimension::Time);
    if within.is_none() && lab.stop.is_none() && table.get("within").is_none() {
        problems.push(
            Problem::new(Code::MissingField, "nothing says how long to wait")
                .at(node.place, "`within` is missing, and the lab has no `stop`")
                .help("give `within = \"60s\"`, or `stop` in [time]"),
        );
    }
    if let (Some((quantity, place)), Some(stop)) = (&within, lab.stop)
        && quantity.span() > stop
    {
        problems.push(
            Problem::new(Code::LateExpectation, "the run stops before this time is over")
                .at(*place, format!("later than {}", show_time(stop)))
                .help("make `stop` in [time] longer, or this shorter"),
        );
    }
    lab.expectations.push(Expectation {
        machines,
        sign,
        within: within
            .map(|(quantity, _)| quantity.span())
            .or(lab.stop)
            .unwrap_or(Span::ZERO),
        is_absent: table.get("absent").and_then(Node::boolean).unwrap_or(false),
    });
}

/// What an expectation is about: exactly one thing.
fn sign(table: &Table, place: Place, problems: &mut Vec<Problem>) -> Sign {
    let (console, post) = (table.entry("console"), table.entry("post"));
    match (console, post) {
        (None, None) => problems.push(
            Problem::new(Code::MissingField, "an expectation needs `console` or `post`")
                .at(place, "nothing is expected")
                .help("give `console = 'kernel ready'`, or `post = 0xFF`"),
        ),
        (Some(console), Some(post)) => problems.push(
            Problem::new(Code::TwoSigns, "this expectation is about two things")
                .at(console.key_place, "a line of the console")
                .at(post.key_place, "a POST code")
                .help("make two expectations of them, each with its own [[expect]]"),
        ),
        _ => {}
    }
    match EXPECT.number(table, "post") {
        Some((code, _)) => Sign::Post(u8::try_from(code).expect("the field's range is that of a byte")),
        None => Sign::Console(text_of(table, &["console"]).to_owned()),
    }
}

/// The machines that the field `machine` of a table names, one or several.
pub(super) fn named_machines(
    root: &Table,
    table: &Table,
    lab: &Lab,
    problems: &mut Vec<Problem>,
) -> Vec<usize> {
    let patterns = match table.get("machine") {
        Some(one) if one.text().is_some() => std::slice::from_ref(one),
        Some(several) => several.list(),
        None => &[],
    };
    let mut machines = Vec::new();
    for named in patterns {
        machines.extend(matching_machines(root, named, lab, problems));
    }
    machines.sort_unstable();
    machines.dedup();
    machines
}

fn matching_machines(root: &Table, named: &Node, lab: &Lab, problems: &mut Vec<Problem>) -> Vec<usize> {
    let Some(wanted) = named.text() else {
        return Vec::new();
    };
    let matching: Vec<usize> = (0..lab.machines.len())
        .filter(|&index| pattern::matches(wanted, &lab.machines[index].name))
        .collect();
    // Why there is no machine at all has been reported already, unless there are meant to be traffic generators only.
    let is_without_machines = root.children("machine").is_empty() && !root.children("traffic").is_empty();
    if matching.is_empty() && (is_without_machines || !lab.machines.is_empty()) {
        problems.push(unknown_machine(wanted, named.place, lab));
    }
    matching
}

fn unknown_machine(wanted: &str, place: Place, lab: &Lab) -> Problem {
    let problem = Problem::new(Code::UnknownMachine, format!("no machine is called `{wanted}`"));
    let mut generators = lab.generators.iter();
    if generators.any(|generator| pattern::matches(wanted, &generator.name)) {
        return problem.at(place, "matches only traffic generators").help(
            "they have no console and no power switch; a fault of kind `unplug` takes them off their cable",
        );
    }
    let problem = problem.at(place, "matches nothing");
    if lab.machines.is_empty() {
        return problem.help("there are only traffic generators; begin a machine with [machine.NAME]");
    }
    let names: Vec<&str> = lab.machines.iter().map(|machine| machine.name.as_str()).collect();
    let shown = &names[..names.len().min(12)];
    problem.help(suggestion(wanted, shown))
}

fn captures(root: &Table, lab: &mut Lab, problems: &mut Vec<Problem>) {
    let mut files: Vec<(&str, Place)> = Vec::new();
    for entry in root.children("capture") {
        let Some(table) = entry.node.table() else {
            continue;
        };
        let has_event = |event: &str| {
            let events = table.get("events").map_or(&[][..], Node::list);
            events.iter().any(|node| node.text() == Some(event))
        };
        if let Some(file) = table.get("file")
            && let Some(name) = file.text()
        {
            if let Some((_, first)) = files.iter().find(|(known, _)| *known == name) {
                problems.push(
                    Problem::new(Code::DuplicateCapture, format!("two captures write to `{name}`"))
                        .at(file.place, "here")
                        .at(*first, "and here")
                        .help("give each capture its own file"),
                );
            }
            files.push((name, file.place));
        }
        let segment = table
            .get("segment")
            .and_then(|name| find(root, "segment", Code::UnknownSegment, name, problems));
        lab.captures.push(Capture {
            name: entry.key.clone(),
            segment: segment.unwrap_or(0),
            file: text_of(table, &["file"]).to_owned(),
            events: wire::CaptureEvents {
                collisions: has_event("collision"),
                jams: has_event("jam"),
                deferrals: has_event("deferral"),
            },
        });
    }
}
