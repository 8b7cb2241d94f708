//! Tests of the whole way from a text to a lab.

mod good;
mod messages;
mod properties;

use std::path::PathBuf;

use super::{Lab, LabErrors, LabSource, Loaded, Override, load};

/// A small lab without mistakes, from which wrong ones are made.
const GOOD: &str = include_str!("good.toml");

fn read_with(text: &str, overrides: &[&str]) -> Result<Loaded, LabErrors> {
    let overrides: Vec<Override> = overrides
        .iter()
        .map(|argument| Override::parse(argument).expect("a test's overrides can be read"))
        .collect();
    let source = LabSource::Text {
        name: "lab.toml".to_owned(),
        text: text.to_owned(),
        folder: PathBuf::new(),
    };
    load(source, &overrides)
}

fn read(text: &str) -> Result<Loaded, LabErrors> {
    read_with(text, &[])
}

/// The lab of a text without mistakes.
fn lab_of(text: &str) -> Lab {
    read(text).unwrap_or_else(|errors| panic!("{errors}")).lab
}

/// The good lab with each of `edits` made once.
fn edited(edits: &[(&str, &str)]) -> String {
    let mut text = GOOD.to_owned();
    for (from, to) in edits {
        assert!(text.contains(from), "the good lab has no {from:?}");
        text = text.replacen(from, to, 1);
    }
    text
}
