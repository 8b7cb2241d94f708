//! What is wrong with a lab file: where, why, what to do, and how it is printed.
//!
//! Every problem keeps its places as bytes of the text that it was read from: the lab file, or the command line for
//! settings that `--set` overrides. Lines and columns are computed when a message is printed.

use std::fmt::{self, Write as _};

use miette::{
    Diagnostic, GraphicalReportHandler, GraphicalTheme, LabeledSpan, NamedSource, Severity, SourceCode,
};
use serde_json::{Value as Json, json};

use super::code::Code;

/// Columns of a printed message.
const WIDTH: usize = 110;

/// So many messages are printed for people; a file that is no lab file at all may have hundreds of thousands.
const MOST_PRINTED: usize = 100;

/// Bytes of a message, a help or a label; names in a file may be of any length.
const LONGEST_PHRASE: usize = 400;

/// Bytes of a line that is printed with a message.
const LONGEST_LINE: usize = 400;

/// A stretch of bytes in one of the texts of a [`Messages`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Place {
    pub(super) text: usize,
    pub(super) start: usize,
    pub(super) end: usize,
}

impl Place {
    /// `length` bytes, `offset` bytes after the start of this place.
    pub(super) fn part(self, offset: usize, length: usize) -> Self {
        let start = (self.start + offset).min(self.end);
        Self {
            start,
            end: (start + length).min(self.end),
            ..self
        }
    }
}

/// A text that places point into.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Text {
    pub(super) name: String,
    pub(super) text: String,
}

/// A place and what is there.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Label {
    pub(super) place: Place,
    pub(super) text: String,
}

/// Something wrong, or at least odd.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Problem {
    pub(super) code: Code,
    pub(super) message: String,
    pub(super) help: String,
    pub(super) labels: Vec<Label>,
}

impl Problem {
    pub(super) fn new(code: Code, message: impl Into<String>) -> Self {
        Self {
            code,
            message: phrase(message.into()),
            help: String::new(),
            labels: Vec::new(),
        }
    }

    pub(super) fn at(mut self, place: Place, text: impl Into<String>) -> Self {
        let text = phrase(text.into());
        self.labels.push(Label { place, text });
        self
    }

    pub(super) fn help(mut self, help: impl Into<String>) -> Self {
        self.help = phrase(help.into());
        self
    }
}

/// Problems of one lab file, in the order of their places, with the texts that they point into.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Messages {
    texts: Vec<Text>,
    problems: Vec<Problem>,
}

impl Messages {
    pub(super) fn new(texts: Vec<Text>, mut problems: Vec<Problem>) -> Self {
        problems.sort_by_key(|problem| problem.labels.first().map(|label| label.place));
        problems.dedup();
        Self { texts, problems }
    }

    /// True if there is nothing to say.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.problems.is_empty()
    }

    /// How many errors there are.
    #[must_use]
    pub fn errors(&self) -> usize {
        self.problems.len() - self.warnings()
    }

    /// How many warnings there are.
    #[must_use]
    pub fn warnings(&self) -> usize {
        self.problems
            .iter()
            .filter(|problem| problem.code.is_warning())
            .count()
    }

    /// The stable codes, such as `lab::unknown-field`, in the order of the messages.
    pub fn codes(&self) -> impl Iterator<Item = &'static str> {
        self.problems.iter().map(|problem| problem.code.name())
    }

    /// All messages as text for people, each with the lines that it is about; ANSI colours if `is_coloured`.
    #[must_use]
    pub fn render(&self, is_coloured: bool) -> String {
        let theme = if is_coloured {
            GraphicalTheme::unicode()
        } else {
            GraphicalTheme::unicode_nocolor()
        };
        let handler = GraphicalReportHandler::new_themed(theme)
            .with_width(WIDTH)
            .with_links(false);
        let mut output = String::new();
        for problem in self.problems.iter().take(MOST_PRINTED) {
            let report = if self.can_be_quoted(problem) {
                Report::new(problem, &self.texts)
            } else {
                Report::without_text(problem, self.places_in_words(problem))
            };
            handler
                .render_report(&mut output, &report)
                .expect("a string takes every text");
            output.push('\n');
        }
        if let Some(more @ 1..) = self.problems.len().checked_sub(MOST_PRINTED) {
            let _ = writeln!(output, "and {more} more like these; --format json prints all\n");
        }
        output
    }

    fn can_be_quoted(&self, problem: &Problem) -> bool {
        let mut places = problem.labels.iter().map(|label| label.place);
        places.all(|place| has_short_lines(&self.texts[place.text].text, place))
    }

    /// The places of a message whose lines are too long to be printed.
    fn places_in_words(&self, problem: &Problem) -> String {
        let in_words = |label: &Label| {
            let starts = line_starts(&self.texts[label.place.text].text);
            let (file, line, column) = self.position(label.place, &starts);
            format!("{file}:{line}:{column}: {}", label.text)
        };
        let places: Vec<String> = problem.labels.iter().map(in_words).collect();
        places.join("; ")
    }

    /// A list of `{code, severity, message, help, file, line, column, labels}` for programs. Lines and columns count
    /// from 1, columns in characters; each label is `{file, line, column, text}`, and the first one is the message's
    /// own place.
    #[must_use]
    pub fn to_json(&self) -> Json {
        let starts: Vec<Vec<usize>> = self.texts.iter().map(|text| line_starts(&text.text)).collect();
        self.problems
            .iter()
            .map(|problem| self.problem_to_json(problem, &starts))
            .collect()
    }

    fn problem_to_json(&self, problem: &Problem, starts: &[Vec<usize>]) -> Json {
        let labels: Vec<Json> = problem
            .labels
            .iter()
            .map(|label| {
                let (file, line, column) = self.position(label.place, &starts[label.place.text]);
                json!({ "file": file, "line": line, "column": column, "text": label.text })
            })
            .collect();
        let at = |field: &str| labels.first().map_or(Json::Null, |label| label[field].clone());
        json!({
            "code": problem.code.name(),
            "severity": if problem.code.is_warning() { "warning" } else { "error" },
            "message": problem.message,
            "help": problem.help,
            "file": at("file"),
            "line": at("line"),
            "column": at("column"),
            "labels": labels,
        })
    }

    /// File, line and column of the start of a place, counted from 1, in a text whose lines start there.
    fn position(&self, place: Place, line_starts: &[usize]) -> (&str, usize, usize) {
        let text = &self.texts[place.text];
        let start = floor_to_character(&text.text, place.start);
        let line = line_starts.partition_point(|line| *line <= start);
        let column = text.text[line_starts[line - 1]..start].chars().count() + 1;
        (&text.name, line, column)
    }
}

/// Where the lines of a text begin.
fn line_starts(text: &str) -> Vec<usize> {
    let after_newlines = text.match_indices('\n').map(|(newline, _)| newline + 1);
    std::iter::once(0).chain(after_newlines).collect()
}

/// A phrase that a terminal can show: what a lab file says may be long, and may try to steer the terminal.
fn phrase(text: String) -> String {
    let is_plain = text.len() <= LONGEST_PHRASE && !text.chars().any(char::is_control);
    if is_plain {
        return text;
    }
    let cut = text.floor_char_boundary(LONGEST_PHRASE);
    let kept = text[..cut].chars();
    let mut shown: String = kept
        .map(|c| {
            if c.is_control() {
                char::REPLACEMENT_CHARACTER
            } else {
                c
            }
        })
        .collect();
    if cut < text.len() {
        shown.push_str("...");
    }
    shown
}

/// A lab file's text with every byte where it was, but without what would steer the terminal.
fn shown_text(text: &str) -> String {
    let mut shown = String::with_capacity(text.len());
    let mut characters = text.chars().peekable();
    while let Some(character) = characters.next() {
        match character {
            '\n' | '\t' => shown.push(character),
            '\r' if characters.peek() == Some(&'\n') => shown.push('\r'),
            c if c.is_ascii_control() => shown.push('?'),
            // The other control characters have two bytes in UTF-8.
            c if c.is_control() => shown.push('\u{bf}'),
            c => shown.push(c),
        }
    }
    shown
}

/// Whether the lines around a place are short enough to be printed.
fn has_short_lines(text: &str, place: Place) -> bool {
    let start = floor_to_character(text, place.start);
    let end = floor_to_character(text, place.end).max(start);
    let line_start = |at: usize| text[..at].rfind('\n').map_or(0, |newline| newline + 1);
    let line_end = |at: usize| text[at..].find('\n').map_or(text.len(), |newline| at + newline);
    let first = line_start(line_start(start).saturating_sub(1));
    let last = line_end((line_end(end) + 1).min(text.len()));
    text[first..last]
        .split('\n')
        .all(|line| line.len() <= LONGEST_LINE)
}

/// The nearest character boundary at or before `at`.
fn floor_to_character(text: &str, at: usize) -> usize {
    text.floor_char_boundary(at.min(text.len()))
}

/// Why a lab file cannot be used: all its errors, and its warnings with them.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LabErrors(pub(super) Messages);

impl LabErrors {
    /// All messages, errors and warnings.
    #[must_use]
    pub fn messages(&self) -> &Messages {
        &self.0
    }
}

/// One line a message: `pair.toml:3:1: lab::unknown-field: unknown field `irqq``.
impl fmt::Display for LabErrors {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let starts: Vec<Vec<usize>> = self.0.texts.iter().map(|text| line_starts(&text.text)).collect();
        for (index, problem) in self.0.problems.iter().enumerate() {
            if index > 0 {
                writeln!(f)?;
            }
            if let Some(label) = problem.labels.first() {
                let (file, line, column) = self.0.position(label.place, &starts[label.place.text]);
                write!(f, "{file}:{line}:{column}: ")?;
            }
            write!(f, "{}: {}", problem.code.name(), problem.message)?;
        }
        Ok(())
    }
}

impl std::error::Error for LabErrors {}

/// A problem as miette prints it. Labels in a second text become a related report.
#[derive(Debug)]
struct Report {
    code: Option<&'static str>,
    severity: Severity,
    message: String,
    help: Option<String>,
    source: Option<NamedSource<String>>,
    labels: Vec<LabeledSpan>,
    related: Vec<Report>,
}

impl Report {
    /// A report that quotes nothing.
    fn bare(problem: &Problem) -> Self {
        let severity = if problem.code.is_warning() {
            Severity::Warning
        } else {
            Severity::Error
        };
        Self {
            code: Some(problem.code.name()),
            severity,
            message: problem.message.clone(),
            help: (!problem.help.is_empty()).then(|| problem.help.clone()),
            source: None,
            labels: Vec::new(),
            related: Vec::new(),
        }
    }

    /// A report that names its places in words.
    fn without_text(problem: &Problem, places: String) -> Self {
        let mut own = Self::bare(problem);
        own.message = format!("{} ({places})", own.message);
        own
    }

    fn new(problem: &Problem, texts: &[Text]) -> Self {
        let mut own = Self::bare(problem);
        let Some(first) = problem.labels.first() else {
            return own;
        };
        let mut others: Vec<usize> = problem.labels.iter().map(|label| label.place.text).collect();
        others.sort_unstable();
        others.dedup();
        others.retain(|&text| text != first.place.text);
        own.add_labels(problem, texts, first.place.text);
        for other in others {
            let mut related = Self {
                code: None,
                severity: Severity::Advice,
                message: format!("the other place is in {}", texts[other].name),
                help: None,
                source: None,
                labels: Vec::new(),
                related: Vec::new(),
            };
            related.add_labels(problem, texts, other);
            own.related.push(related);
        }
        own
    }

    fn add_labels(&mut self, problem: &Problem, texts: &[Text], text: usize) {
        let source = &texts[text];
        self.source = Some(NamedSource::new(&source.name, shown_text(&source.text)));
        self.labels = problem
            .labels
            .iter()
            .filter(|label| label.place.text == text)
            .map(|label| {
                let start = floor_to_character(&source.text, label.place.start);
                let end = floor_to_character(&source.text, label.place.end).max(start);
                // A label that spans lines is drawn as a bracket over all of them: point at the first one only.
                let line = source.text[start..end].split(['\r', '\n']).next().unwrap_or("");
                LabeledSpan::new(Some(label.text.clone()), start, line.len())
            })
            .collect();
    }
}

impl fmt::Display for Report {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.message)
    }
}

impl std::error::Error for Report {}

impl Diagnostic for Report {
    fn code<'a>(&'a self) -> Option<Box<dyn fmt::Display + 'a>> {
        self.code.map(|code| Box::new(code) as Box<dyn fmt::Display>)
    }

    fn severity(&self) -> Option<Severity> {
        Some(self.severity)
    }

    fn help<'a>(&'a self) -> Option<Box<dyn fmt::Display + 'a>> {
        self.help
            .as_ref()
            .map(|help| Box::new(help) as Box<dyn fmt::Display + 'a>)
    }

    fn source_code(&self) -> Option<&dyn SourceCode> {
        self.source.as_ref().map(|source| source as &dyn SourceCode)
    }

    fn labels(&self) -> Option<Box<dyn Iterator<Item = LabeledSpan> + '_>> {
        Some(Box::new(self.labels.iter().cloned()))
    }

    fn related<'a>(&'a self) -> Option<Box<dyn Iterator<Item = &'a dyn Diagnostic> + 'a>> {
        Some(Box::new(
            self.related.iter().map(|report| report as &dyn Diagnostic),
        ))
    }
}
