//! What a text for the shell means. What is printed of a value is read back as the same value, so that another shell can be given a part
//! of a program.

use alloc::boxed::Box;
use alloc::string::String;
use alloc::vec::Vec;
use core::fmt::{self, Display, Formatter, Write};

/// Commands, one behind the other.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct List(pub Vec<Item>);

/// A command of a list.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Item {
    /// What is done first.
    pub first: Pipeline,
    /// What is done depending on how it went before.
    pub rest: Vec<(Condition, Pipeline)>,
    /// Nobody waits for it (`&`).
    pub is_background: bool,
}

/// When a pipeline is run.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Condition {
    /// If the one before went well (`&&`).
    Success,
    /// If it did not (`||`).
    Failure,
}

/// Commands of which each reads what the one before it writes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Pipeline {
    /// Whether good is bad (`!`).
    pub is_negated: bool,
    /// At least one.
    pub commands: Vec<Command>,
}

/// A command with its redirections.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Command {
    /// What it is.
    pub kind: Kind,
    /// In their order.
    pub redirections: Vec<Redirection>,
}

/// What a command is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Kind {
    /// Assignments, and behind them a program or builtin with its arguments.
    Simple {
        /// Variables and their values.
        assignments: Vec<(String, Word)>,
        /// Name and arguments.
        words: Vec<Word>,
    },
    /// `{ list }`
    Group(List),
    /// `( list )`: by another shell.
    Subshell(List),
    /// `if`: conditions and what is done for the first that is met, or otherwise.
    If(Vec<(List, List)>, Option<List>),
    /// `while`, or `until`.
    Loop {
        /// `until`.
        is_until: bool,
        /// When it goes on.
        condition: List,
        /// What is repeated.
        body: List,
    },
    /// `for`; without words over the arguments.
    For(String, Option<Vec<Word>>, List),
    /// `case`: what is done for the first pattern that fits.
    Case(Word, Vec<(Vec<Word>, List)>),
    /// A function.
    Function(String, Box<Command>),
}

/// A stream that a command gets.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Redirection {
    /// 0 is the input, 1 the output, 2 is for errors.
    pub stream: u8,
    /// From where or whereto.
    pub kind: Direction,
    /// Path, number of a stream, or text.
    pub target: Word,
}

/// From where or whereto a stream leads.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Direction {
    /// `<`
    Input,
    /// `>`
    Output,
    /// `>>`
    Append,
    /// `>&` and `<&`; `-` is a stream that is empty and takes everything.
    Duplicate,
    /// `<<`, and `<<<` for a text of one word. A line feed follows it.
    Text,
}

/// A word, as it is before expansion.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Word(pub Vec<Part>);

/// A part of a word.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Part {
    /// Text in which wildcards count.
    Text(String),
    /// Text that stands for itself.
    Quoted(String),
    /// A parameter.
    Parameter {
        /// Its name, number or character.
        name: String,
        /// What is done with its value.
        operation: Operation,
        /// Whether the value is one field as it is.
        is_quoted: bool,
    },
    /// What a list writes.
    Substitution {
        /// The list.
        list: List,
        /// As of a parameter.
        is_quoted: bool,
    },
    /// The value of an expression.
    Arithmetic {
        /// The expression.
        expression: Word,
        /// As of a parameter.
        is_quoted: bool,
    },
}

/// What is done with a parameter's value.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Operation {
    /// Nothing.
    Value,
    /// How many characters it has.
    Length,
    /// Without a value (or an empty one, if so said), something else is done with a word.
    Without {
        /// What.
        replacement: Replacement,
        /// Whether an empty value counts as none (`:`).
        or_empty: bool,
        /// The word.
        word: Word,
    },
    /// What a pattern fits is taken away.
    Remove {
        /// At the end, not at the beginning.
        is_end: bool,
        /// As much as possible.
        is_longest: bool,
        /// The pattern.
        pattern: Word,
    },
}

/// What is done for want of a value.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Replacement {
    /// `-`: the word is taken.
    Default,
    /// `=`: it also becomes the value.
    Assign,
    /// `?`: it is an error, which the word tells.
    Error,
    /// `+`: the word is taken if there *is* a value, else nothing.
    Alternative,
}

impl Word {
    /// The word's text if nothing in it is quoted or expanded.
    pub fn plain(&self) -> Option<&str> {
        match self.0.as_slice() {
            [Part::Text(text)] => Some(text),
            _ => None,
        }
    }
}

impl Replacement {
    /// Its character.
    pub const fn character(self) -> char {
        match self {
            Replacement::Default => '-',
            Replacement::Assign => '=',
            Replacement::Error => '?',
            Replacement::Alternative => '+',
        }
    }
}

/// Values with something between them.
fn separated<T: Display>(formatter: &mut Formatter<'_>, values: &[T], between: &str) -> fmt::Result {
    for (place, value) in values.iter().enumerate() {
        let before = if place == 0 { "" } else { between };
        write!(formatter, "{before}{value}")?;
    }
    Ok(())
}

impl Display for List {
    fn fmt(&self, formatter: &mut Formatter<'_>) -> fmt::Result {
        for (place, item) in self.0.iter().enumerate() {
            let is_last = place + 1 == self.0.len();
            write!(formatter, "{item}")?;
            match (item.is_background, is_last) {
                (true, _) => write!(formatter, "{}", if is_last { "" } else { " " })?,
                (false, false) => write!(formatter, "; ")?,
                (false, true) => {}
            }
        }
        Ok(())
    }
}

/// A list before a word or character that only counts where a command begins.
struct Ended<'a>(&'a List);

impl Display for Ended<'_> {
    fn fmt(&self, formatter: &mut Formatter<'_>) -> fmt::Result {
        let end = match self.0.0.last() {
            Some(last) if !last.is_background => ";",
            _ => "",
        };
        write!(formatter, " {}{end} ", self.0)
    }
}

impl Display for Item {
    fn fmt(&self, formatter: &mut Formatter<'_>) -> fmt::Result {
        write!(formatter, "{}", self.first)?;
        for (condition, pipeline) in &self.rest {
            let operator = match condition {
                Condition::Success => "&&",
                Condition::Failure => "||",
            };
            write!(formatter, " {operator} {pipeline}")?;
        }
        formatter.write_str(if self.is_background { " &" } else { "" })
    }
}

impl Display for Pipeline {
    fn fmt(&self, formatter: &mut Formatter<'_>) -> fmt::Result {
        formatter.write_str(if self.is_negated { "! " } else { "" })?;
        separated(formatter, &self.commands, " | ")
    }
}

impl Display for Command {
    fn fmt(&self, formatter: &mut Formatter<'_>) -> fmt::Result {
        // Behind a redirection no word is a reserved one, so those of a simple command come first.
        if let Kind::Simple { assignments, words } = &self.kind {
            separated(formatter, &self.redirections, " ")?;
            let is_all = self.redirections.is_empty() || assignments.is_empty() && words.is_empty();
            return write!(formatter, "{}{}", if is_all { "" } else { " " }, self.kind);
        }
        write!(formatter, "{}", self.kind)?;
        self.redirections
            .iter()
            .try_for_each(|redirection| write!(formatter, " {redirection}"))
    }
}

impl Display for Kind {
    fn fmt(&self, formatter: &mut Formatter<'_>) -> fmt::Result {
        match self {
            Kind::Simple { assignments, words } => {
                for (place, (name, value)) in assignments.iter().enumerate() {
                    let before = if place == 0 { "" } else { " " };
                    write!(formatter, "{before}{name}={value}")?;
                }
                let between = !assignments.is_empty() && !words.is_empty();
                formatter.write_str(if between { " " } else { "" })?;
                separated(formatter, words, " ")
            }
            Kind::Group(list) => write!(formatter, "{{{}}}", Ended(list)),
            Kind::Subshell(list) => write!(formatter, "({list})"),
            Kind::If(branches, otherwise) => {
                for (place, (condition, body)) in branches.iter().enumerate() {
                    let word = if place == 0 { "if" } else { "elif" };
                    write!(formatter, "{word}{}then{}", Ended(condition), Ended(body))?;
                }
                if let Some(list) = otherwise {
                    write!(formatter, "else{}", Ended(list))?;
                }
                formatter.write_str("fi")
            }
            Kind::Loop {
                is_until,
                condition,
                body,
            } => {
                let word = if *is_until { "until" } else { "while" };
                write!(formatter, "{word}{}do{}done", Ended(condition), Ended(body))
            }
            Kind::For(name, words, body) => {
                write!(formatter, "for {name}")?;
                if let Some(words) = words {
                    formatter.write_str(" in ")?;
                    separated(formatter, words, " ")?;
                }
                write!(formatter, "; do{}done", Ended(body))
            }
            Kind::Case(word, arms) => {
                write!(formatter, "case {word} in ")?;
                for (patterns, list) in arms {
                    formatter.write_str("(")?;
                    separated(formatter, patterns, "|")?;
                    write!(formatter, ") {list} ;; ")?;
                }
                formatter.write_str("esac")
            }
            Kind::Function(name, body) => write!(formatter, "{name}() {body}"),
        }
    }
}

impl Display for Redirection {
    fn fmt(&self, formatter: &mut Formatter<'_>) -> fmt::Result {
        let operator = match self.kind {
            Direction::Input => "<",
            Direction::Output => ">",
            Direction::Append => ">>",
            Direction::Duplicate => ">&",
            Direction::Text => "<<<",
        };
        write!(formatter, "{}{operator}{}", self.stream, self.target)
    }
}

impl Display for Word {
    fn fmt(&self, formatter: &mut Formatter<'_>) -> fmt::Result {
        self.0.iter().try_for_each(|part| write!(formatter, "{part}"))
    }
}

impl Display for Part {
    fn fmt(&self, formatter: &mut Formatter<'_>) -> fmt::Result {
        let quote = |is_quoted: &bool| if *is_quoted { "\"" } else { "" };
        match self {
            Part::Text(text) => formatter.write_str(text),
            Part::Quoted(text) => quoted(formatter, text),
            Part::Parameter {
                name,
                operation,
                is_quoted,
            } => {
                let quote = quote(is_quoted);
                write!(formatter, "{quote}${{")?;
                operate(formatter, name, operation)?;
                write!(formatter, "}}{quote}")
            }
            Part::Substitution { list, is_quoted } => {
                let quote = quote(is_quoted);
                // A parenthesis behind the first would begin an expression.
                write!(formatter, "{quote}$( {list}){quote}")
            }
            Part::Arithmetic {
                expression,
                is_quoted,
            } => {
                let quote = quote(is_quoted);
                write!(formatter, "{quote}$(({expression})){quote}")
            }
        }
    }
}

fn operate(formatter: &mut Formatter<'_>, name: &str, operation: &Operation) -> fmt::Result {
    match operation {
        Operation::Value => write!(formatter, "{name}"),
        Operation::Length => write!(formatter, "#{name}"),
        Operation::Without {
            replacement,
            or_empty,
            word,
        } => {
            let colon = if *or_empty { ":" } else { "" };
            write!(formatter, "{name}{colon}{}{word}", replacement.character())
        }
        Operation::Remove {
            is_end,
            is_longest,
            pattern,
        } => {
            let operator = if *is_end { "%" } else { "#" };
            let more = if *is_longest { operator } else { "" };
            write!(formatter, "{name}{operator}{more}{pattern}")
        }
    }
}

/// Text between single quotes; one of these in it stands between quotes of the other kind.
fn quoted(formatter: &mut Formatter<'_>, text: &str) -> fmt::Result {
    formatter.write_char('\'')?;
    for character in text.chars() {
        match character {
            '\'' => formatter.write_str("'\"'\"'")?,
            _ => formatter.write_char(character)?,
        }
    }
    formatter.write_char('\'')
}
