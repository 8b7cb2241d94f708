//! The first check of a lab file: every field exists and every value can be read by itself.
//!
//! What values mean together (names that must exist, addresses that must not meet) is checked when the lab is put
//! together, in [`resolve`](super::resolve).

use super::code::Code;
use super::document::{Entry, Node, Table, Value};
use super::fields::{CONSTANT, FORMAT, Field, Kind, Shape, Word, constant_names};
use super::messages::{Place, Problem};
use super::model::Source;
use super::timing::{CONSTANTS, Description};
use super::units::{Dimension, Quantity, parse_thousandths};
use super::{mac, moment, pattern};

/// Checks `table` and all below it; `place` is where the table is named.
pub(super) fn check_table(table: &Table, shape: &Shape, place: Place, problems: &mut Vec<Problem>) {
    let names: Vec<&str> = shape.fields().map(|field| field.name).collect();
    let mut misspelt: Vec<&str> = Vec::new();
    for entry in &table.entries {
        match shape.field(&entry.key) {
            Some(field) => check_value(&entry.node, entry.key_place, field, problems),
            None => {
                problems.push(unknown_field(entry, shape, &names));
                misspelt.extend(nearest(&entry.key, &names));
            }
        }
    }
    for field in shape.fields() {
        let is_missing = table.get(field.name).is_none() && !misspelt.contains(&field.name);
        if field.is_required && is_missing {
            let code = match field.name {
                "format" => Code::UnknownFormat,
                _ => Code::MissingField,
            };
            problems.push(
                Problem::new(code, format!("{} needs `{}`", shape.name, field.name))
                    .at(place, format!("`{}` is missing", field.name))
                    .help(format!("{}: {}", field.name, field.about)),
            );
        }
    }
}

fn unknown_field(entry: &Entry, shape: &Shape, names: &[&str]) -> Problem {
    Problem::new(
        Code::UnknownField,
        format!("{} has no field `{}`", shape.name, entry.key),
    )
    .at(entry.key_place, format!("unknown field `{}`", entry.key))
    .help(suggestion(&entry.key, names))
}

/// The name that was probably meant: no more than every third letter of it is wrong.
fn nearest<'a>(wrong: &str, names: &[&'a str]) -> Option<&'a str> {
    names
        .iter()
        .map(|name| (strsim::damerau_levenshtein(wrong, name), *name))
        .min()
        .filter(|(distance, name)| *distance <= name.len() / 3)
        .map(|(_, name)| name)
}

/// The name that was probably meant, or all of them.
pub(super) fn suggestion(wrong: &str, names: &[&str]) -> String {
    match nearest(wrong, names) {
        Some(name) => format!("did you mean `{name}`?"),
        None if names.is_empty() => "there is none".to_owned(),
        None => format!("there is {}", names.join(", ")),
    }
}

fn check_value(node: &Node, key_place: Place, field: &Field, problems: &mut Vec<Problem>) {
    match &field.kind {
        Kind::Table(shape) => match &node.value {
            Value::Table(table) => check_table(table, shape, key_place, problems),
            _ => problems.push(wrong_type(node, field, "a table")),
        },
        Kind::Named(shape) => match &node.value {
            Value::Table(tables) => check_named(tables, shape, field, problems),
            _ => problems.push(wrong_type(node, field, "named tables")),
        },
        Kind::List(shape) => check_list(node, shape, field, problems),
        Kind::Timing => match &node.value {
            Value::Table(constants) => check_timing(constants, problems),
            _ => problems.push(wrong_type(node, field, "a table")),
        },
        Kind::Words(words) => match &node.value {
            Value::List(list) => {
                for element in list {
                    problems.extend(check_scalar(element, field, &Kind::Word(words)).err());
                }
            }
            _ => problems.push(wrong_type(node, field, "a list of words")),
        },
        Kind::Integers { least, most } => match &node.value {
            Value::List(list) if !list.is_empty() => {
                for element in list {
                    problems.extend(check_integer(element, field, *least, *most).err());
                }
            }
            _ => problems.push(wrong_type(node, field, "a list of whole numbers")),
        },
        Kind::Machines => match &node.value {
            Value::List(list) if !list.is_empty() => {
                for element in list {
                    problems.extend(check_scalar(element, field, &Kind::Machines).err());
                }
            }
            _ => problems.extend(check_scalar(node, field, &field.kind).err()),
        },
        Kind::NotYet => problems.push(
            Problem::new(
                Code::NotYet,
                format!("this version does not have `{}` yet", field.name),
            )
            .at(key_place, "a later version reads this")
            .help("take it out; see the changelog for the version that has it"),
        ),
        kind => problems.extend(check_scalar(node, field, kind).err()),
    }
}

fn check_named(tables: &Table, shape: &Shape, field: &Field, problems: &mut Vec<Problem>) {
    for entry in &tables.entries {
        if !is_name(&entry.key) {
            problems.push(bad_name(&entry.key, entry.key_place));
        }
        match &entry.node.value {
            Value::Table(table) => check_table(table, shape, entry.key_place, problems),
            _ => problems.push(
                Problem::new(
                    Code::WrongType,
                    format!("`{}.{}` must be a table", field.name, entry.key),
                )
                .at(entry.node.place, format!("this is {}", entry.node.value.kind()))
                .help(format!("begin it with [{}.NAME]", field.name)),
            ),
        }
    }
}

fn check_list(node: &Node, shape: &Shape, field: &Field, problems: &mut Vec<Problem>) {
    let Value::List(list) = &node.value else {
        problems.push(wrong_type(node, field, &format!("a list: [[{}]]", field.name)));
        return;
    };
    for element in list {
        match &element.value {
            Value::Table(table) => check_table(table, shape, element.place, problems),
            _ => problems.push(wrong_type(element, field, "a list of tables")),
        }
    }
}

fn check_timing(constants: &Table, problems: &mut Vec<Problem>) {
    for entry in &constants.entries {
        let Some(constant) = CONSTANTS.iter().find(|constant| constant.name == entry.key) else {
            let names: Vec<&str> = constant_names().collect();
            problems.push(
                Problem::new(
                    Code::UnknownField,
                    format!("no timing constant is called `{}`", entry.key),
                )
                .at(entry.key_place, "unknown timing constant")
                .help(suggestion(&entry.key, &names)),
            );
            continue;
        };
        match &entry.node.value {
            Value::Table(table) => check_constant(table, entry, constant, problems),
            _ => problems.push(
                Problem::new(
                    Code::WrongType,
                    format!("`{}` needs its unit and source", entry.key),
                )
                .at(entry.node.place, format!("this is {}", entry.node.value.kind()))
                .help(format!(
                    "write {} = {{ value = {}, unit = \"{}\", source = \"measured: …\" }}",
                    constant.name, constant.value, constant.unit
                )),
            ),
        }
    }
}

fn check_constant(table: &Table, entry: &Entry, constant: &Description, problems: &mut Vec<Problem>) {
    check_table(table, &CONSTANT, entry.key_place, problems);
    if let Some((value, place)) = table
        .get("value")
        .and_then(|node| Some((node.integer()?, node.place)))
    {
        let is_in_range = (i128::from(constant.least)..=i128::from(constant.most)).contains(&value);
        let is_cache = constant.name == "cache_kilobytes";
        let is_size = !is_cache || value == 0 || u128::try_from(value).is_ok_and(u128::is_power_of_two);
        if !is_in_range || !is_size {
            let mut range = format!("{} to {} {}", constant.least, constant.most, constant.unit);
            if is_cache {
                range.push_str(", 0 or a power of two");
            }
            problems.push(
                Problem::new(
                    Code::TimingRange,
                    format!("`{}` cannot be {value}", constant.name),
                )
                .at(place, format!("the range is {range}"))
                .help(constant.about),
            );
        }
    }
    if let Some((unit, place)) = table
        .get("unit")
        .and_then(|node| Some((node.text()?, node.place)))
        && unit != constant.unit
    {
        problems.push(
            Problem::new(
                Code::WrongUnit,
                format!("`{}` is counted in {}", constant.name, constant.unit),
            )
            .at(place, format!("`{unit}` is not its unit"))
            .help(format!("write unit = \"{}\"", constant.unit)),
        );
    }
}

fn wrong_type(node: &Node, field: &Field, wanted: &str) -> Problem {
    Problem::new(Code::WrongType, format!("`{}` must be {wanted}", field.name))
        .at(node.place, format!("this is {}", node.value.kind()))
        .help(format!("{}: {}", field.name, field.about))
}

fn check_scalar(node: &Node, field: &Field, kind: &Kind) -> Result<(), Problem> {
    match kind {
        Kind::Boolean => node
            .boolean()
            .map(drop)
            .ok_or_else(|| wrong_type(node, field, "true or false")),
        Kind::Integer { least, most } => check_integer(node, field, *least, *most),
        Kind::Seed => check_seed(node),
        Kind::Format => check_format(node),
        Kind::Quantity(dimension) => check_quantity(node, field, *dimension),
        Kind::Speed => check_speed(node, field),
        Kind::Moment => check_moment(node),
        _ => {
            let text = node.text().ok_or_else(|| wrong_type(node, field, "text"))?;
            check_text(text, node.place, field, kind)
        }
    }
}

fn check_text(text: &str, place: Place, field: &Field, kind: &Kind) -> Result<(), Problem> {
    match kind {
        Kind::Name if !is_name(text) => Err(bad_name(text, place)),
        Kind::Word(words) => check_word(text, place, field, words),
        Kind::Mac => mac::check(text, place),
        Kind::Address if mac::parse(text).is_none() => mac::check(text, place),
        Kind::Chance if chance_of(text).is_none() => Err(bad_chance(text, place)),
        Kind::FileName => check_file_name(text, place),
        Kind::Pattern => pattern::check(text, place),
        Kind::ConstantSource if Source::parse(text).is_none() => Err(unknown_source(text, place)),
        _ => Ok(()),
    }
}

/// A probability such as `12.5%` in millionths.
pub(super) fn chance_of(text: &str) -> Option<u32> {
    let percent = text.strip_suffix('%')?.trim_end();
    let thousandths = parse_thousandths(percent)?;
    let millionths = thousandths.checked_mul(10)?;
    u32::try_from(millionths)
        .ok()
        .filter(|millionths| *millionths <= 1_000_000)
}

fn bad_chance(text: &str, place: Place) -> Problem {
    Problem::new(Code::OutOfRange, format!("`{text}` is not a chance"))
        .at(place, "not a chance")
        .help("write \"0%\" to \"100%\", with at most three decimals, such as \"0.5%\"")
}

/// True for a name of a lab, machine, segment and the like: it becomes part of file names.
fn is_name(text: &str) -> bool {
    text.starts_with(|c: char| c.is_ascii_alphanumeric())
        && text.len() <= 64
        && text
            .bytes()
            .all(|byte| byte.is_ascii_alphanumeric() || byte == b'-' || byte == b'_')
}

fn bad_name(name: &str, place: Place) -> Problem {
    Problem::new(Code::BadName, format!("`{name}` cannot be a name"))
        .at(place, "not a name")
        .help("a name has at most 64 letters A-Z and a-z, digits, `-` and `_`, and begins with a letter or a digit")
}

fn check_integer(node: &Node, field: &Field, least: i128, most: i128) -> Result<(), Problem> {
    let value = node
        .integer()
        .ok_or_else(|| wrong_type(node, field, "a whole number"))?;
    if (least..=most).contains(&value) {
        return Ok(());
    }
    Err(
        Problem::new(Code::OutOfRange, format!("`{}` cannot be {value}", field.name))
            .at(node.place, format!("the range is {least} to {most}"))
            .help(format!("{}: {}", field.name, field.about)),
    )
}

fn check_seed(node: &Node) -> Result<(), Problem> {
    if node
        .integer()
        .is_some_and(|seed| (0..=i128::from(i64::MAX)).contains(&seed))
    {
        return Ok(());
    }
    Err(Problem::new(Code::BadSeed, "the seed is a whole number")
        .at(node.place, "not a seed")
        .help(format!("any number from 0 to {}", i64::MAX)))
}

fn check_format(node: &Node) -> Result<(), Problem> {
    if node.integer() == Some(FORMAT) {
        return Ok(());
    }
    Err(
        Problem::new(Code::UnknownFormat, "this version does not read this format")
            .at(node.place, "unknown format")
            .help(format!("this version of amlab reads format = {FORMAT}")),
    )
}

fn check_quantity(node: &Node, field: &Field, dimension: Dimension) -> Result<(), Problem> {
    match &node.value {
        Value::Text(text) => match Quantity::parse(dimension, text) {
            Ok(_) => Ok(()),
            Err(error) => Err(Problem::new(error.code, error.message)
                .at(node.place, format!("`{}` is a {}", field.name, dimension.name()))
                .help(error.help)),
        },
        Value::Integer(_) | Value::Decimal(_) => Err(Problem::new(
            Code::MissingUnit,
            format!("`{}` has no unit", field.name),
        )
        .at(node.place, format!("`{}` is a {}", field.name, dimension.name()))
        .help(format!("write {}", dimension.example()))),
        _ => Err(wrong_type(
            node,
            field,
            &format!("a {} as text", dimension.name()),
        )),
    }
}

/// The factors of real time that can be asked for, in thousandths.
const SPEEDS: core::ops::RangeInclusive<u64> = 1..=1_000_000;

/// Thousandths of real time; `None` if there is no limit.
pub(super) fn speed_of(node: &Node) -> Option<Option<u64>> {
    let thousandths = match &node.value {
        Value::Text(text) if text == "max" => return Some(None),
        Value::Text(text) if text == "realtime" => 1_000,
        Value::Integer(factor) => u64::try_from(*factor).ok()?.checked_mul(1_000)?,
        Value::Text(text) | Value::Decimal(text) => parse_thousandths(text)?,
        _ => return None,
    };
    SPEEDS.contains(&thousandths).then_some(Some(thousandths))
}

fn check_speed(node: &Node, field: &Field) -> Result<(), Problem> {
    if speed_of(node).is_some() {
        return Ok(());
    }
    let (code, message) = match &node.value {
        Value::Text(word) => (Code::UnknownWord, format!("`speed` cannot be `{word}`")),
        Value::Integer(_) | Value::Decimal(_) => (Code::OutOfRange, "`speed` is out of its range".to_owned()),
        _ => return Err(wrong_type(node, field, "a word or a factor")),
    };
    Err(Problem::new(code, message)
        .at(node.place, "not a speed")
        .help("\"max\", \"realtime\", or a factor from 0.001 to 1000 with at most three decimals"))
}

fn check_moment(node: &Node) -> Result<(), Problem> {
    let text = match &node.value {
        Value::Text(text) | Value::Date(text) => moment::parse(text),
        _ => None,
    };
    text.map(drop).ok_or_else(|| {
        Problem::new(Code::BadDate, "this is not a point of UTC time")
            .at(node.place, "cannot be read")
            .help("write \"1995-05-30T09:00:00Z\"; the CMOS clock shows the years 1980 to 2079")
    })
}

fn check_word(text: &str, place: Place, field: &Field, words: &[Word]) -> Result<(), Problem> {
    let names: Vec<&str> = words
        .iter()
        .filter(|word| word.is_due)
        .map(|word| word.word)
        .collect();
    match words.iter().find(|word| word.word == text) {
        Some(word) if word.is_due => Ok(()),
        Some(word) => Err(Problem::new(
            Code::NotYet,
            format!("this version does not have {} = \"{text}\" yet", field.name),
        )
        .at(place, word.about)
        .help(format!("this version has {}", names.join(", ")))),
        None => {
            let all: Vec<&str> = words.iter().map(|word| word.word).collect();
            Err(
                Problem::new(Code::UnknownWord, format!("`{}` cannot be `{text}`", field.name))
                    .at(place, "unknown word")
                    .help(suggestion(text, &all)),
            )
        }
    }
}

/// Names that the run folder itself uses.
const RUN_FOLDER: [&str; 6] = [
    "manifest.json",
    "lab.toml",
    "inputs.log",
    "events.jsonl",
    "stats.json",
    "expect.xml",
];

fn check_file_name(name: &str, place: Place) -> Result<(), Problem> {
    let is_plain = name.starts_with(|c: char| c.is_ascii_alphanumeric())
        && name.len() <= 128
        && name
            .bytes()
            .all(|byte| byte.is_ascii_alphanumeric() || b"-_.".contains(&byte));
    if is_plain && !RUN_FOLDER.contains(&name) {
        return Ok(());
    }
    let (message, help) = if is_plain {
        (
            format!("the run folder has its own `{name}`"),
            "choose another name, such as wire.pcapng",
        )
    } else {
        (
            format!("`{name}` is not a plain file name"),
            "captures lie in the run folder: give a name such as wire.pcapng, without a folder",
        )
    };
    Err(Problem::new(Code::BadFileName, message)
        .at(place, "cannot be used")
        .help(help))
}

fn unknown_source(text: &str, place: Place) -> Problem {
    let words: Vec<&str> = Source::ALL.iter().map(|source| source.word()).collect();
    let message = if text.contains(':') {
        format!("`{text}` does not say how far it can be trusted")
    } else {
        format!("`{text}` is not a source")
    };
    Problem::new(Code::UnknownSource, message)
        .at(place, "unknown source")
        .help(format!(
            "begin with one of: {}; then a colon and the document, the page or the reason",
            words.join(", ")
        ))
}
