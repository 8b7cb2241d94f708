//! Basic regular expressions (POSIX 1003.2, section 2.8.3) on bytes: characters, `.`, `[...]` with ranges and classes, `*`, `\{m,n\}`,
//! `\(...\)`, `^` and `$`, and `\|`, `\+` and `\?`, which many know. Back references are left out.
//!
//! An expression becomes a program of steps, all of whose threads go through a line together (Thompson 1968, "Regular expression search
//! algorithm"), so the time is bounded by the product of both lengths.

mod parser;

use alloc::vec;
use alloc::vec::Vec;

/// The most steps of a program.
const LARGEST: usize = 4000;

/// Bytes that fit.
pub(crate) type Set = [u64; 4];

/// A step of a program.
#[derive(Clone, Copy, Debug)]
enum Step {
    /// A byte of the set.
    Byte(Set),
    /// The beginning of the line.
    Begin,
    /// Its end.
    End,
    /// Either of two steps.
    Split(usize, usize),
    /// Another step.
    Jump(usize),
    /// It fits.
    Match,
}

/// Why an expression is none.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Error {
    /// A bracket has no end.
    Bracket,
    /// A parenthesis has no partner.
    Parenthesis,
    /// Bad numbers between braces.
    Repetition,
    /// A back reference, which is not known.
    Reference,
    /// A backslash at the end.
    Backslash,
    /// The expression is too long or too deep.
    TooLarge,
}

impl core::fmt::Display for Error {
    fn fmt(&self, formatter: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        formatter.write_str(match self {
            Error::Bracket => "`]' is missing",
            Error::Parenthesis => "a parenthesis has no partner",
            Error::Repetition => "bad repetition",
            Error::Reference => "back references are not known",
            Error::Backslash => "a backslash at the end",
            Error::TooLarge => "too large",
        })
    }
}

/// What an expression means.
#[derive(Clone, Debug)]
pub(crate) enum Node {
    Byte(Set),
    Begin,
    End,
    Sequence(Vec<Node>),
    Either(Vec<Node>),
    Repeat(alloc::boxed::Box<Node>, u32, Option<u32>),
}

/// An expression.
#[derive(Clone, Debug)]
pub struct Expression(Vec<Step>);

impl Expression {
    /// Reads an expression. With `folds` capital and small letters are the same.
    ///
    /// # Errors
    /// [`Error`].
    pub fn new(text: &[u8], folds: bool) -> Result<Expression, Error> {
        let node = parser::parse(text)?;
        Expression::of(&node, folds)
    }

    /// An expression that fits a text as it stands.
    ///
    /// # Errors
    /// [`Error::TooLarge`].
    pub fn literal(text: &[u8], folds: bool) -> Result<Expression, Error> {
        let bytes = text.iter().map(|byte| Node::Byte(single(*byte)));
        Expression::of(&Node::Sequence(bytes.collect()), folds)
    }

    fn of(node: &Node, folds: bool) -> Result<Expression, Error> {
        let mut steps = Vec::new();
        compile(node, folds, &mut steps)?;
        steps.push(Step::Match);
        Ok(Expression(steps))
    }

    /// Whether it fits some part of a line.
    pub fn fits(&self, line: &[u8]) -> bool {
        let mut now = Threads::new(self.0.len());
        let mut next = Threads::new(self.0.len());
        for place in 0..=line.len() {
            // It may begin anywhere.
            if self.follow(0, (place, line.len()), &mut now) {
                return true;
            }
            let Some(byte) = line.get(place) else {
                break;
            };
            for thread in &now.list {
                let Step::Byte(set) = &self.0[*thread] else {
                    continue;
                };
                if has(set, *byte) && self.follow(thread + 1, (place + 1, line.len()), &mut next) {
                    return true;
                }
            }
            core::mem::swap(&mut now, &mut next);
            next.clear();
        }
        false
    }

    /// Adds a step and those to which it leads without a byte; whether one of them is the end.
    fn follow(&self, step: usize, (place, length): (usize, usize), threads: &mut Threads) -> bool {
        let mut waiting = vec![step];
        while let Some(step) = waiting.pop() {
            if !threads.add(step) {
                continue;
            }
            match self.0[step] {
                Step::Match => return true,
                Step::Begin if place == 0 => waiting.push(step + 1),
                Step::End if place == length => waiting.push(step + 1),
                Step::Split(first, second) => waiting.extend([second, first]),
                Step::Jump(target) => waiting.push(target),
                Step::Byte(_) | Step::Begin | Step::End => {}
            }
        }
        false
    }
}

/// Steps that are under way, each once.
struct Threads {
    list: Vec<usize>,
    is_in: Vec<bool>,
}

impl Threads {
    fn new(steps: usize) -> Threads {
        Threads {
            list: Vec::new(),
            is_in: vec![false; steps],
        }
    }

    fn add(&mut self, step: usize) -> bool {
        let is_new = !core::mem::replace(&mut self.is_in[step], true);
        if is_new {
            self.list.push(step);
        }
        is_new
    }

    fn clear(&mut self) {
        for step in self.list.drain(..) {
            self.is_in[step] = false;
        }
    }
}

/// The set of one byte.
pub(crate) fn single(byte: u8) -> Set {
    let mut set = [0; 4];
    insert(&mut set, byte);
    set
}

pub(crate) fn insert(set: &mut Set, byte: u8) {
    set[usize::from(byte >> 6)] |= 1 << (byte & 63);
}

pub(crate) fn has(set: &Set, byte: u8) -> bool {
    set[usize::from(byte >> 6)] >> (byte & 63) & 1 != 0
}

fn compile(node: &Node, folds: bool, steps: &mut Vec<Step>) -> Result<(), Error> {
    if steps.len() > LARGEST {
        return Err(Error::TooLarge);
    }
    match node {
        Node::Byte(set) => {
            let mut set = *set;
            for letter in b'a'..=b'z' {
                let capital = letter.to_ascii_uppercase();
                if folds && (has(&set, letter) || has(&set, capital)) {
                    insert(&mut set, letter);
                    insert(&mut set, capital);
                }
            }
            steps.push(Step::Byte(set));
        }
        Node::Begin => steps.push(Step::Begin),
        Node::End => steps.push(Step::End),
        Node::Sequence(nodes) => {
            nodes.iter().try_for_each(|node| compile(node, folds, steps))?;
        }
        Node::Either(nodes) => either(nodes, folds, steps)?,
        Node::Repeat(node, least, most) => {
            for _ in 0..*least {
                compile(node, folds, steps)?;
            }
            match most {
                None => {
                    let split = steps.len();
                    steps.push(Step::Match);
                    compile(node, folds, steps)?;
                    steps.push(Step::Jump(split));
                    steps[split] = Step::Split(split + 1, steps.len());
                }
                Some(most) => {
                    let mut splits = Vec::new();
                    for _ in *least..*most {
                        splits.push(steps.len());
                        steps.push(Step::Match);
                        compile(node, folds, steps)?;
                    }
                    for split in splits {
                        steps[split] = Step::Split(split + 1, steps.len());
                    }
                }
            }
        }
    }
    Ok(())
}

fn either(nodes: &[Node], folds: bool, steps: &mut Vec<Step>) -> Result<(), Error> {
    let mut ends = Vec::new();
    for (place, node) in nodes.iter().enumerate() {
        if place + 1 == nodes.len() {
            compile(node, folds, steps)?;
            continue;
        }
        let split = steps.len();
        steps.push(Step::Match);
        compile(node, folds, steps)?;
        ends.push(steps.len());
        steps.push(Step::Match);
        steps[split] = Step::Split(split + 1, steps.len());
    }
    for end in ends {
        steps[end] = Step::Jump(steps.len());
    }
    Ok(())
}
