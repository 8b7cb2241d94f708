//! A lab file as a tree of values that remember where they were written.
//!
//! Values come from several texts: the lab file, and each `--set` of the command line. A profile's values keep their
//! places when machines inherit them, so that every message can point at what was typed.

use std::borrow::Cow;

use toml::Spanned;
use toml::de::{DeTable, DeValue};

use super::code::Code;
use super::messages::{Place, Problem};

/// A value and its place.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Node {
    pub(super) place: Place,
    pub(super) value: Value,
}

/// What TOML can say.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Value {
    /// A string.
    Text(String),
    /// A whole number; one beyond 127 bits is the largest or least of them, which is out of every range.
    Integer(i128),
    /// A number with a point or an exponent, as it was written.
    Decimal(String),
    /// True or false.
    Boolean(bool),
    /// A date, a time or both, as RFC 3339 writes them.
    Date(String),
    /// A list.
    List(Vec<Node>),
    /// A table.
    Table(Table),
}

/// Fields in the order of the file.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Table {
    pub(super) entries: Vec<Entry>,
}

/// A field of a table.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Entry {
    pub(super) key: String,
    pub(super) key_place: Place,
    pub(super) node: Node,
}

impl Value {
    /// The kind of value, for messages.
    pub(super) const fn kind(&self) -> &'static str {
        match self {
            Self::Text(_) => "text",
            Self::Integer(_) | Self::Decimal(_) => "a number",
            Self::Boolean(_) => "true or false",
            Self::Date(_) => "a date",
            Self::List(_) => "a list",
            Self::Table(_) => "a table",
        }
    }
}

impl Node {
    pub(super) const fn text(&self) -> Option<&str> {
        match &self.value {
            Value::Text(text) => Some(text.as_str()),
            _ => None,
        }
    }

    pub(super) const fn integer(&self) -> Option<i128> {
        match self.value {
            Value::Integer(integer) => Some(integer),
            _ => None,
        }
    }

    pub(super) const fn boolean(&self) -> Option<bool> {
        match self.value {
            Value::Boolean(boolean) => Some(boolean),
            _ => None,
        }
    }

    pub(super) const fn table(&self) -> Option<&Table> {
        match &self.value {
            Value::Table(table) => Some(table),
            _ => None,
        }
    }

    /// The elements of a list; none for everything else.
    pub(super) fn list(&self) -> &[Self] {
        match &self.value {
            Value::List(list) => list,
            _ => &[],
        }
    }
}

impl Table {
    pub(super) fn entry(&self, key: &str) -> Option<&Entry> {
        self.entries.iter().find(|entry| entry.key == key)
    }

    pub(super) fn get(&self, key: &str) -> Option<&Node> {
        self.entry(key).map(|entry| &entry.node)
    }

    /// The fields of the table `key`; none if there is no such table.
    pub(super) fn children(&self, key: &str) -> &[Entry] {
        self.get(key)
            .and_then(Node::table)
            .map_or(&[], |table| table.entries.as_slice())
    }

    /// The value at a path of tables.
    pub(super) fn at(&self, path: &[&str]) -> Option<&Node> {
        let (last, tables) = path.split_last()?;
        let mut table = self;
        for key in tables {
            table = table.get(key)?.table()?;
        }
        table.get(last)
    }
}

/// Places of the values of one text, which begins `offset` bytes into text number `text`.
#[derive(Clone, Copy)]
struct Origin {
    text: usize,
    offset: usize,
}

impl Origin {
    fn place(self, span: core::ops::Range<usize>) -> Place {
        Place {
            text: self.text,
            start: span.start + self.offset,
            end: span.end + self.offset,
        }
    }
}

/// Reads a whole lab file, as far as it can be read, and reports what cannot.
pub(super) fn parse_file(text: &str, index: usize, problems: &mut Vec<Problem>) -> Table {
    let (root, errors) = DeTable::parse_recoverable(text);
    let origin = Origin {
        text: index,
        offset: 0,
    };
    for error in errors {
        let span = error.span().unwrap_or(0..0);
        let place = origin.place(span);
        problems.push(
            Problem::new(Code::Syntax, "this is not TOML")
                .at(place, error.message().lines().collect::<Vec<_>>().join(", "))
                .help(syntax_help(text, place.start)),
        );
    }
    table(root.get_ref(), origin)
}

/// Reads the value of a `--set`, which begins `offset` bytes into its text. What is no TOML value is a bare word.
pub(super) fn parse_word(text: &str, index: usize, offset: usize) -> Result<Node, String> {
    let origin = Origin { text: index, offset };
    let word = &text[offset..];
    match DeValue::parse(word) {
        Ok(parsed) => Ok(node(&parsed, origin)),
        Err(error) if word.starts_with(['"', '\'', '[', '{']) => Err(error.message().to_owned()),
        Err(_) => Ok(Node {
            place: origin.place(0..word.len()),
            value: Value::Text(word.to_owned()),
        }),
    }
}

fn node(value: &Spanned<DeValue<'_>>, origin: Origin) -> Node {
    let kept = match value.get_ref() {
        DeValue::String(text) => Value::Text(text.clone().into_owned()),
        DeValue::Integer(integer) => Value::Integer(
            i128::from_str_radix(integer.as_str(), integer.radix()).unwrap_or_else(|_| {
                if integer.as_str().starts_with('-') {
                    i128::MIN
                } else {
                    i128::MAX
                }
            }),
        ),
        DeValue::Float(float) => Value::Decimal(float.as_str().to_owned()),
        DeValue::Boolean(boolean) => Value::Boolean(*boolean),
        DeValue::Datetime(date) => Value::Date(date.to_string()),
        DeValue::Array(list) => Value::List(list.iter().map(|value| node(value, origin)).collect()),
        DeValue::Table(inner) => Value::Table(table(inner, origin)),
    };
    Node {
        place: origin.place(value.span()),
        value: kept,
    }
}

fn table(fields: &DeTable<'_>, origin: Origin) -> Table {
    let mut entries: Vec<Entry> = fields
        .iter()
        .map(|(key, value): (&Spanned<Cow<'_, str>>, _)| Entry {
            key: key.get_ref().clone().into_owned(),
            key_place: origin.place(key.span()),
            node: node(value, origin),
        })
        .collect();
    entries.sort_by_key(|entry| entry.key_place);
    Table { entries }
}

/// What to do about a syntax error. The commonest one is a quantity without quotation marks.
fn syntax_help(text: &str, at: usize) -> String {
    let at = text.floor_char_boundary(at.min(text.len()));
    let line_start = text[..at].rfind('\n').map_or(0, |newline| newline + 1);
    let line = text[line_start..].lines().next().unwrap_or("");
    let value = line.split_once('=').map_or("", |(_, value)| value);
    let word = value.split(['#', ',', '}']).next().unwrap_or("").trim();
    let is_quantity = word.starts_with(|c: char| c.is_ascii_digit())
        && word.ends_with(|c: char| c.is_ascii_alphabetic())
        && word
            .chars()
            .all(|c| c.is_ascii_alphanumeric() || "./:- ".contains(c));
    if is_quantity {
        format!("quantities and addresses are texts: write \"{word}\"")
    } else {
        "see https://toml.io for the rules of TOML".to_owned()
    }
}
