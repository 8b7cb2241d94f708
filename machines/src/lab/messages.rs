//! What is wrong with a lab file: where, why, what to do, and how it is printed.
//!
//! Every problem keeps its places as bytes of the text that it was read from: the lab file, or the command line for
//! settings that `--set` overrides. Lines and columns are computed when a message is printed.

use std::fmt;

use miette::{
    Diagnostic, GraphicalReportHandler, GraphicalTheme, LabeledSpan, NamedSource, Severity, SourceCode,
};
use serde_json::{Value as Json, json};

use super::code::Code;

/// Columns of a printed message.
const WIDTH: usize = 110;

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
            message: message.into(),
            help: String::new(),
            labels: Vec::new(),
        }
    }

    pub(super) fn at(mut self, place: Place, text: impl Into<String>) -> Self {
        let text = text.into();
        self.labels.push(Label { place, text });
        self
    }

    pub(super) fn help(mut self, help: impl Into<String>) -> Self {
        self.help = help.into();
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
        for problem in &self.problems {
            let report = Report::new(problem, &self.texts);
            handler
                .render_report(&mut output, &report)
                .expect("a string takes every text");
            output.push('\n');
        }
        output
    }

    /// A list of `{code, severity, message, help, file, line, column, labels}` for programs. Lines and columns count
    /// from 1, columns in characters; each label is `{file, line, column, text}`, and the first one is the message's
    /// own place.
    #[must_use]
    pub fn to_json(&self) -> Json {
        self.problems
            .iter()
            .map(|problem| self.problem_to_json(problem))
            .collect()
    }

    fn problem_to_json(&self, problem: &Problem) -> Json {
        let labels: Vec<Json> = problem
            .labels
            .iter()
            .map(|label| {
                let (file, line, column) = self.position(label.place);
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

    /// File, line and column of the start of a place, counted from 1.
    fn position(&self, place: Place) -> (&str, usize, usize) {
        let text = &self.texts[place.text];
        let start = floor_to_character(&text.text, place.start);
        let before = &text.text[..start];
        let line_start = before.rfind('\n').map_or(0, |newline| newline + 1);
        let line = before.matches('\n').count() + 1;
        (&text.name, line, before[line_start..].chars().count() + 1)
    }
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
        for (index, problem) in self.0.problems.iter().enumerate() {
            if index > 0 {
                writeln!(f)?;
            }
            if let Some(label) = problem.labels.first() {
                let (file, line, column) = self.0.position(label.place);
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
    fn new(problem: &Problem, texts: &[Text]) -> Self {
        let severity = if problem.code.is_warning() {
            Severity::Warning
        } else {
            Severity::Error
        };
        let mut own = Self {
            code: Some(problem.code.name()),
            severity,
            message: problem.message.clone(),
            help: (!problem.help.is_empty()).then(|| problem.help.clone()),
            source: None,
            labels: Vec::new(),
            related: Vec::new(),
        };
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
        self.source = Some(NamedSource::new(&source.name, source.text.clone()));
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
