//! Settings of the command line that replace those of the lab file: `--set profile.at386.cpu.clock=33MHz`.

use std::fmt;
use std::ops::Range;

use toml::de::DeTable;

use super::code::Code;
use super::document::{Entry, Node, Table, Value, parse_word};
use super::messages::{Place, Problem};

/// One setting of the command line. It replaces the value at its path, before the lab file is checked; tables on the
/// way are made if they are not there. A number in a path selects an element of a list: `machine.pc.card.0.irq=5`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Override {
    /// As it is quoted in messages: `--set profile.at386.cpu.clock=33MHz`.
    text: String,
    path: Vec<(String, Range<usize>)>,
    value_start: usize,
}

/// Why an argument is no override.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct OverrideError(String);

impl fmt::Display for OverrideError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl std::error::Error for OverrideError {}

impl Override {
    /// Reads the argument of `--set`, `PATH=VALUE`. The value is TOML; what is not TOML, such as `33MHz`, is a text.
    ///
    /// # Errors
    /// If there is no `=`, if the path is no dotted TOML key, or if the value begins like a TOML string, list or table
    /// and is none.
    pub fn parse(argument: &str) -> Result<Self, OverrideError> {
        let Some((path, value)) = argument.split_once('=') else {
            return Err(OverrideError(format!(
                "`{argument}` is not PATH=VALUE, such as profile.at386.cpu.clock=33MHz"
            )));
        };
        let prefix = "--set ";
        let keys = keys_of(path)?;
        let path = keys
            .into_iter()
            .map(|(key, span)| (key, span.start + prefix.len()..span.end + prefix.len()))
            .collect();
        let text = format!("{prefix}{argument}");
        let leading = value.len() - value.trim_start().len();
        let value_start = text.len() - value.len() + leading;
        Self::checked(text.trim_end().to_owned(), path, value_start)
    }

    /// An option of its own that stands for a setting: `option("--seed", "lab.seed", "7")` is quoted as `--seed 7`.
    ///
    /// # Errors
    /// As [`Override::parse`].
    pub fn option(option: &str, path: &str, value: &str) -> Result<Self, OverrideError> {
        let value = value.trim();
        let keys = keys_of(path)?;
        let path = keys.into_iter().map(|(key, _)| (key, 0..option.len())).collect();
        let text = format!("{option} {value}");
        let value_start = text.len() - value.len();
        Self::checked(text, path, value_start)
    }

    fn checked(
        text: String,
        path: Vec<(String, Range<usize>)>,
        value_start: usize,
    ) -> Result<Self, OverrideError> {
        let value_start = value_start.min(text.len());
        if text[value_start..].is_empty() {
            return Err(OverrideError(format!("`{text}` has no value")));
        }
        parse_word(&text, 0, value_start)
            .map_err(|error| OverrideError(format!("the value of `{text}` is not TOML: {error}")))?;
        Ok(Self {
            text,
            path,
            value_start,
        })
    }

    /// As it is quoted in messages.
    pub(super) fn text(&self) -> &str {
        &self.text
    }

    /// Puts the value into `root`; `index` is the number of this override's text.
    pub(super) fn apply(&self, root: &mut Table, index: usize, problems: &mut Vec<Problem>) {
        let node = parse_word(&self.text, index, self.value_start).expect("checked when it was made");
        let keys: Vec<(&str, Place)> = self
            .path
            .iter()
            .map(|(key, span)| {
                let place = Place {
                    text: index,
                    start: span.start,
                    end: span.end,
                };
                (key.as_str(), place)
            })
            .collect();
        if let Err(problem) = put(root, &keys, node) {
            problems.push(problem);
        }
    }
}

/// The keys of a dotted TOML key and their places.
fn keys_of(path: &str) -> Result<Vec<(String, Range<usize>)>, OverrideError> {
    let error = || OverrideError(format!("`{path}` is not a path such as profile.at386.cpu.clock"));
    let text = format!("{path}=0");
    let root = DeTable::parse(&text).map_err(|_| error())?;
    let mut keys = Vec::new();
    let mut table = root.get_ref();
    loop {
        let (key, value) = table.iter().next().ok_or_else(error)?;
        let is_one_line = table.len() == 1 && !path.contains(['\n', '#']);
        if !is_one_line {
            return Err(error());
        }
        keys.push((key.get_ref().clone().into_owned(), key.span()));
        match value.get_ref().as_table() {
            Some(inner) => table = inner,
            None => return Ok(keys),
        }
    }
}

fn put(table: &mut Table, path: &[(&str, Place)], node: Node) -> Result<(), Problem> {
    let Some((&(key, key_place), rest)) = path.split_first() else {
        return Ok(());
    };
    let index = match table.entries.iter().position(|entry| entry.key == key) {
        Some(index) => index,
        None => {
            table.entries.push(Entry {
                key: key.to_owned(),
                key_place,
                node: Node {
                    place: key_place,
                    value: Value::Table(Table::default()),
                },
            });
            table.entries.len() - 1
        }
    };
    put_into(&mut table.entries[index].node, (key, key_place), rest, node)
}

/// Puts `node` into `target`, which is the value of `key`, at the path `rest`.
fn put_into(
    target: &mut Node,
    key: (&str, Place),
    rest: &[(&str, Place)],
    node: Node,
) -> Result<(), Problem> {
    let Some((&(next, next_place), after)) = rest.split_first() else {
        *target = node;
        return Ok(());
    };
    match &mut target.value {
        Value::Table(table) => put(table, rest, node),
        Value::List(list) => {
            let length = list.len();
            let element = next.parse::<usize>().ok().and_then(|index| list.get_mut(index));
            match element {
                Some(element) => put_into(element, (next, next_place), after, node),
                None => Err(
                    Problem::new(Code::Override, format!("`{}` has no element `{next}`", key.0))
                        .at(next_place, format!("it has {length}, counted from 0"))
                        .help("name an element by its number, such as card.0.irq"),
                ),
            }
        }
        other => Err(Problem::new(
            Code::Override,
            format!("`{}` is {} and has no fields", key.0, other.kind()),
        )
        .at(next_place, format!("`{next}` cannot be set"))
        .help("`amlab show` prints the settings of a lab file")),
    }
}
