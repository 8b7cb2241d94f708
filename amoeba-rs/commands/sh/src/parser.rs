//! From text to commands. Words and operators are told apart where the grammar needs them, for what a character means depends on where
//! it stands (POSIX 1003.2, sections 3.2, 3.3 and 3.9, without aliases).

mod compound;
mod words;

pub(crate) use words::is_name;

use crate::syntax::{Command, Condition, Direction, Item, Kind, List, Part, Pipeline, Redirection, Word};
use alloc::format;
use alloc::string::{String, ToString};
use alloc::vec;
use alloc::vec::Vec;
use core::fmt;

/// How deeply commands and words may lie in each other.
const DEEPEST: u32 = 40;

/// Why a text cannot be carried out.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Error {
    /// It goes on: there is an open quote, or a command that has not come to its end.
    Incomplete,
    /// It is wrong in the line of this number, counted from 1.
    Wrong(usize, String),
}

impl fmt::Display for Error {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Error::Incomplete => write!(formatter, "syntax error: unexpected end"),
            Error::Wrong(line, what) => write!(formatter, "syntax error in line {line}: {what}"),
        }
    }
}

/// What comes next in a text.
#[derive(Clone, Debug, PartialEq, Eq)]
enum Token {
    Word(Word),
    /// Digits in front of a redirection.
    Stream(u8),
    Operator(&'static str),
    LineFeed,
    End,
}

/// Longer ones first.
const OPERATORS: [&str; 16] = [
    "<<<", "<<-", "<<", "<&", "<", ">>", ">&", ">|", ">", ";;", ";", "&&", "&", "||", "|", "(",
];

/// Words that are something else where a command could begin.
const ENDS: [&str; 9] = ["then", "elif", "else", "fi", "do", "done", "esac", "}", "in"];

/// Reads a text as a list of commands.
///
/// # Errors
/// [`Error`].
pub fn parse(text: &str) -> Result<List, Error> {
    let characters: Vec<char> = text.chars().collect();
    let mut parser = Parser::new(&characters, 0, 0);
    let list = parser.list()?;
    match parser.next()? {
        Token::End => Ok(list),
        token => Err(parser.unexpected(&token)),
    }
}

/// A text, and how far it has been read.
pub(crate) struct Parser<'a> {
    text: &'a [char],
    place: usize,
    /// The next token, if it was looked at.
    peeked: Option<(Token, usize)>,
    /// Where a line feed is followed by the texts of redirections, and where these end.
    texts: Option<(usize, usize)>,
    depth: u32,
}

impl<'a> Parser<'a> {
    fn new(text: &'a [char], place: usize, depth: u32) -> Parser<'a> {
        Parser {
            text,
            place,
            peeked: None,
            texts: None,
            depth,
        }
    }

    fn wrong<T>(&self, what: String) -> Result<T, Error> {
        let before = &self.text[..self.place.min(self.text.len())];
        let line = 1 + before.iter().filter(|character| **character == '\n').count();
        Err(Error::Wrong(line, what))
    }

    fn unexpected(&self, token: &Token) -> Error {
        let what = match token {
            Token::End => return Error::Incomplete,
            Token::Word(word) => format!("unexpected `{word}'"),
            Token::Stream(number) => format!("unexpected `{number}'"),
            Token::Operator(operator) => format!("unexpected `{operator}'"),
            Token::LineFeed => "unexpected end of line".to_string(),
        };
        self.wrong::<()>(what).unwrap_err()
    }

    /// Commands in commands in commands have an end.
    fn deeper<T>(&mut self, action: impl FnOnce(&mut Self) -> Result<T, Error>) -> Result<T, Error> {
        if self.depth >= DEEPEST {
            return self.wrong("too deep".to_string());
        }
        self.depth += 1;
        let result = action(self);
        self.depth -= 1;
        result
    }

    fn character(&self, ahead: usize) -> Option<char> {
        self.text.get(self.place + ahead).copied()
    }

    fn peek(&mut self) -> Result<&Token, Error> {
        if self.peeked.is_none() {
            let token = self.token()?;
            self.peeked = Some((token, self.place));
        }
        match &self.peeked {
            Some((token, _)) => Ok(token),
            None => Err(Error::Incomplete),
        }
    }

    fn next(&mut self) -> Result<Token, Error> {
        match self.peeked.take() {
            Some((token, _)) => Ok(token),
            None => self.token(),
        }
    }

    fn token(&mut self) -> Result<Token, Error> {
        self.skip_blanks()?;
        let Some(character) = self.character(0) else {
            return Ok(Token::End);
        };
        if character == '\n' {
            self.place = match self.texts.take() {
                Some((_, end)) => end,
                None => self.place + 1,
            };
            return Ok(Token::LineFeed);
        }
        if character == ')' {
            self.place += 1;
            return Ok(Token::Operator(")"));
        }
        for operator in OPERATORS {
            let mut ahead = operator.chars().enumerate();
            if ahead.all(|(place, wanted)| self.character(place) == Some(wanted)) {
                self.place += operator.len();
                return Ok(Token::Operator(operator));
            }
        }
        let is_redirection = matches!(self.character(1), Some('<' | '>'));
        if let Some(digit) = character.to_digit(10).filter(|_| is_redirection) {
            self.place += 1;
            return Ok(Token::Stream(digit as u8));
        }
        Ok(Token::Word(self.word()?))
    }

    fn skip_blanks(&mut self) -> Result<(), Error> {
        loop {
            match (self.character(0), self.character(1)) {
                (Some(' ' | '\t' | '\r'), _) => self.place += 1,
                (Some('\\'), Some('\n')) if self.place + 2 == self.text.len() => {
                    return Err(Error::Incomplete);
                }
                (Some('\\'), Some('\n')) => self.place += 2,
                (Some('#'), _) => {
                    while self.character(0).is_some_and(|character| character != '\n') {
                        self.place += 1;
                    }
                }
                _ => return Ok(()),
            }
        }
    }

    fn takes(&mut self, operator: &str) -> Result<bool, Error> {
        let is_next = matches!(self.peek()?, Token::Operator(next) if *next == operator);
        if is_next {
            self.next()?;
        }
        Ok(is_next)
    }

    fn is_word(&mut self, word: &str) -> Result<bool, Error> {
        Ok(matches!(self.peek()?, Token::Word(next) if next.plain() == Some(word)))
    }

    fn takes_word(&mut self, word: &str) -> Result<bool, Error> {
        let is_next = self.is_word(word)?;
        if is_next {
            self.next()?;
        }
        Ok(is_next)
    }

    fn expect_word(&mut self, word: &str) -> Result<(), Error> {
        if self.takes_word(word)? {
            return Ok(());
        }
        let token = self.next()?;
        Err(self.unexpected(&token))
    }

    fn expect(&mut self, operator: &str) -> Result<(), Error> {
        if self.takes(operator)? {
            return Ok(());
        }
        let token = self.next()?;
        Err(self.unexpected(&token))
    }

    fn skip_line_feeds(&mut self) -> Result<(), Error> {
        while *self.peek()? == Token::LineFeed {
            self.next()?;
        }
        Ok(())
    }

    /// Commands up to something that cannot begin one.
    fn list(&mut self) -> Result<List, Error> {
        let mut items = Vec::new();
        loop {
            self.skip_line_feeds()?;
            if !self.can_begin()? {
                return Ok(List(items));
            }
            let mut item = self.item()?;
            let is_ended = if self.takes("&")? {
                item.is_background = true;
                true
            } else {
                self.takes(";")? || *self.peek()? == Token::LineFeed
            };
            items.push(item);
            if !is_ended {
                return Ok(List(items));
            }
        }
    }

    /// A list that is not empty.
    fn body(&mut self) -> Result<List, Error> {
        let list = self.list()?;
        if list.0.is_empty() {
            let token = self.next()?;
            return Err(self.unexpected(&token));
        }
        Ok(list)
    }

    fn can_begin(&mut self) -> Result<bool, Error> {
        Ok(match self.peek()? {
            Token::Word(word) => word
                .plain()
                .is_none_or(|word| !ENDS.contains(&word) || word == "in"),
            Token::Stream(_) => true,
            Token::Operator(operator) => matches!(operator.as_bytes()[0], b'<' | b'>' | b'('),
            Token::LineFeed | Token::End => false,
        })
    }

    fn item(&mut self) -> Result<Item, Error> {
        let first = self.pipeline()?;
        let mut rest = Vec::new();
        loop {
            let condition = if self.takes("&&")? {
                Condition::Success
            } else if self.takes("||")? {
                Condition::Failure
            } else {
                break;
            };
            self.skip_line_feeds()?;
            rest.push((condition, self.pipeline()?));
        }
        Ok(Item {
            first,
            rest,
            is_background: false,
        })
    }

    fn pipeline(&mut self) -> Result<Pipeline, Error> {
        let is_negated = self.takes_word("!")?;
        let mut commands = vec![self.command()?];
        while self.takes("|")? {
            self.skip_line_feeds()?;
            commands.push(self.command()?);
        }
        Ok(Pipeline { is_negated, commands })
    }

    fn command(&mut self) -> Result<Command, Error> {
        self.deeper(|parser| {
            let Some(kind) = parser.compound()? else {
                return parser.simple();
            };
            let mut redirections = Vec::new();
            while let Some(redirection) = parser.redirection()? {
                redirections.push(redirection);
            }
            Ok(Command { kind, redirections })
        })
    }

    fn simple(&mut self) -> Result<Command, Error> {
        let (mut assignments, mut words, mut redirections) = (Vec::new(), Vec::new(), Vec::new());
        loop {
            if let Some(redirection) = self.redirection()? {
                redirections.push(redirection);
                continue;
            }
            let Token::Word(word) = self.peek()? else {
                break;
            };
            let assignment = words.is_empty().then(|| words::assignment(word)).flatten();
            let is_function = words.is_empty() && assignments.is_empty() && redirections.is_empty();
            let word = word.clone();
            self.next()?;
            if let Some(assignment) = assignment {
                assignments.push(assignment);
            } else if is_function && *self.peek()? == Token::Operator("(") {
                return self.function(&word);
            } else {
                words.push(word);
            }
        }
        if assignments.is_empty() && words.is_empty() && redirections.is_empty() {
            let token = self.next()?;
            return Err(self.unexpected(&token));
        }
        let kind = Kind::Simple { assignments, words };
        Ok(Command { kind, redirections })
    }

    fn redirection(&mut self) -> Result<Option<Redirection>, Error> {
        let stream = match self.peek()? {
            Token::Stream(number) => Some(*number),
            Token::Operator(operator) if matches!(operator.as_bytes()[0], b'<' | b'>') => None,
            _ => return Ok(None),
        };
        if stream.is_some() {
            self.next()?;
        }
        let Token::Operator(operator) = self.next()? else {
            return Err(Error::Incomplete);
        };
        let mut kind = match operator {
            "<" => Direction::Input,
            ">" | ">|" => Direction::Output,
            ">>" => Direction::Append,
            "<&" | ">&" => Direction::Duplicate,
            _ => Direction::Text,
        };
        let usual = u8::from(operator.starts_with('>'));
        let target = match operator {
            "<<" | "<<-" => self.text_behind(operator == "<<-")?.unwrap_or_else(|| {
                kind = Direction::Duplicate;
                Word(vec![Part::Text("-".to_string())])
            }),
            _ => match self.next()? {
                Token::Word(word) => word,
                token => return Err(self.unexpected(&token)),
            },
        };
        Ok(Some(Redirection {
            stream: stream.unwrap_or(usual),
            kind,
            target,
        }))
    }
}
