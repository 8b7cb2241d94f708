//! Lab description files: from TOML to a checked [`Lab`].
//!
//! A tour: [`load`] reads a file into a tree whose values remember where they were written (`document`), puts the
//! settings of the command line into it ([`Override`]), checks every field by itself against the one description of
//! the format (`fields`, `check`), adds up profiles (`merge`), and checks and builds the lab (`resolve`, `machine`,
//! `conflicts`, `traffic`, `cables`, `faults`, `inputs`). All that is wrong comes back at once, as [`LabErrors`]. [`show`] prints what a lab means as
//! a lab file again, [`show_timing`] its timing constants with their sources, and [`schema`] the format for editors.

mod board;
mod cables;
mod cards;
mod check;
mod code;
mod conflicts;
mod document;
mod drives;
mod faults;
mod fields;
mod images;
mod inputs;
mod mac;
mod machine;
mod merge;
mod messages;
mod model;
mod moment;
mod overrides;
mod pattern;
mod resolve;
mod schema;
mod show;
mod show_fault;
mod start;
mod timing;
mod traffic;
mod units;

#[cfg(test)]
mod tests;

pub use messages::{LabErrors, Messages};
pub use model::{
    Access, Boot, BootOrder, Capture, Card, Constant, Disk, Expectation, Fault, FaultKind, Floppy,
    FrameFault, Generator, Image, ImageSource, Input, InputDevice, InputTime, Lab, Machine, MadeDisk, Module,
    OptionRom, Segment, Shutdown, Sign, Source, Speed, Timing,
};
pub use overrides::{Override, OverrideError};
pub use schema::schema;
pub use show::{show, show_json, show_timing, show_timing_json};
pub use show_fault::deed_word;

use std::fs;
use std::path::PathBuf;

use self::code::Code;
use self::document::Table;
use self::messages::{Place, Problem, Text};

/// The lab that runs when no lab file is named: two PCs that exchange frames.
pub const DEFAULT_LAB: &str = include_str!("../../labs/pair.toml");

/// Where a lab file comes from.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum LabSource {
    /// A file; paths in it count from its folder.
    File(PathBuf),
    /// A text.
    Text {
        /// What it is called in messages.
        name: String,
        /// The lab file itself.
        text: String,
        /// The folder from which paths in it count; empty for the current one.
        folder: PathBuf,
    },
}

impl LabSource {
    /// The default lab, which is part of this program.
    #[must_use]
    pub fn builtin() -> Self {
        Self::Text {
            name: "pair.toml (built in)".to_owned(),
            text: DEFAULT_LAB.to_owned(),
            folder: PathBuf::new(),
        }
    }
}

/// A lab that can run.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Loaded {
    /// What it is.
    pub lab: Lab,
    /// What is odd about it, though it can run.
    pub warnings: Messages,
    /// The lab file as it was read, without overrides.
    pub text: String,
}

/// Reads and checks a lab file with the command line's settings in it.
///
/// # Errors
/// All that is wrong with the file and the settings, with warnings among it. Only a file that is not UTF-8 text or not
/// TOML hides what is wrong in the rest of it.
pub fn load(source: LabSource, overrides: &[Override]) -> Result<Loaded, LabErrors> {
    let (name, text, folder) = read(source)?;
    let mut texts = vec![Text {
        name,
        text: text.clone(),
    }];
    let mut problems = Vec::new();
    let mut root = document::parse_file(&text, 0, &mut problems);
    if !problems.is_empty() {
        add_sure_problems(&root, &text, &mut problems);
        return Err(LabErrors(Messages::new(texts, problems)));
    }
    for setting in overrides {
        texts.push(Text {
            name: "command line".to_owned(),
            text: setting.text().to_owned(),
        });
        setting.apply(&mut root, texts.len() - 1, &mut problems);
    }
    check::check_table(&root, &fields::LAB_FILE, START, &mut problems);
    let lab = resolve::resolve(&root, &folder, &mut problems);
    let is_good = problems.iter().all(|problem| problem.code.is_warning());
    let messages = Messages::new(texts, problems);
    if is_good {
        Ok(Loaded {
            lab,
            warnings: messages,
            text,
        })
    } else {
        Err(LabErrors(messages))
    }
}

/// The beginning of the lab file.
const START: Place = Place {
    text: 0,
    start: 0,
    end: 0,
};

/// Name, text and folder of a lab file.
fn read(source: LabSource) -> Result<(String, String, PathBuf), LabErrors> {
    let path = match source {
        LabSource::Text { name, text, folder } => return Ok((name, text, folder)),
        LabSource::File(path) => path,
    };
    let name = path.display().to_string();
    let bytes = fs::read(&path).map_err(|error| {
        let problem = Problem::new(Code::Unreadable, format!("cannot read {name}: {error}"))
            .help("name a lab file, such as machines/labs/pair.toml");
        LabErrors(Messages::new(Vec::new(), vec![problem]))
    })?;
    let text = decode(&name, bytes)?;
    let folder = path.parent().map(PathBuf::from).unwrap_or_default();
    Ok((name, text, folder))
}

fn decode(name: &str, bytes: Vec<u8>) -> Result<String, LabErrors> {
    String::from_utf8(bytes).map_err(|error| {
        let good = error.utf8_error().valid_up_to();
        let text = String::from_utf8_lossy(error.as_bytes()).into_owned();
        let place = Place {
            text: 0,
            start: good,
            end: good + char::REPLACEMENT_CHARACTER.len_utf8(),
        };
        let problem = Problem::new(Code::Encoding, "a lab file is UTF-8 text")
            .at(place, "these bytes are not")
            .help("save it as UTF-8");
        let name = name.to_owned();
        LabErrors(Messages::new(vec![Text { name, text }], vec![problem]))
    })
}

/// Adds what is wrong with single fields of a file that is not TOML, as far as that does not come from the syntax
/// errors themselves: nothing on their lines, nothing about what is missing, and nothing at all if a table's heading
/// cannot be read.
fn add_sure_problems(root: &Table, text: &str, problems: &mut Vec<Problem>) {
    let line_of = |at: usize| {
        let at = text.floor_char_boundary(at.min(text.len()));
        text[..at].matches('\n').count()
    };
    let bad_lines: Vec<usize> = problems
        .iter()
        .flat_map(|problem| &problem.labels)
        .flat_map(|label| line_of(label.place.start)..=line_of(label.place.end))
        .collect();
    let is_heading = |line: &usize| {
        let line = text.split('\n').nth(*line).unwrap_or("");
        line.trim_start().starts_with('[')
    };
    if bad_lines.iter().any(is_heading) {
        return;
    }
    let mut more = Vec::new();
    check::check_table(root, &fields::LAB_FILE, START, &mut more);
    more.retain(|problem| {
        let is_elsewhere = problem
            .labels
            .iter()
            .all(|label| !bad_lines.contains(&line_of(label.place.start)));
        let is_about_presence = matches!(
            problem.code,
            Code::MissingField | Code::NoMachine | Code::UnknownFormat
        );
        is_elsewhere && !is_about_presence
    });
    problems.append(&mut more);
}
