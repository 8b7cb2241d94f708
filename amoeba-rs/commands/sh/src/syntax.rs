//! What a text for the shell means. What is printed of a value is read back as the same value, so that another shell can be given a part
//! of a program.

mod printing;

use alloc::boxed::Box;
use alloc::string::String;
use alloc::vec::Vec;

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
