//! A configuration's words: names, references, numbers and texts in quotes, and the marks between them.
//!
//! `#` begins a comment that ends with its line. A text in double quotes may hold anything; in it a backslash makes the next
//! character an ordinary one.

use alloc::string::String;
use alloc::vec::Vec;
use core::fmt;

/// A word or a mark, with the number of its line.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Token {
    /// Its line, counted from 1.
    pub line: usize,
    /// What it is.
    pub kind: Kind,
}

/// What a token is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Kind {
    /// A word, or a text in quotes.
    Word(String),
    /// One of `{ } = ; ,`.
    Mark(char),
}

impl fmt::Display for Kind {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Kind::Word(word) => write!(formatter, "`{word}`"),
            Kind::Mark(mark) => write!(formatter, "`{mark}`"),
        }
    }
}

/// The tokens of a text; for quotes that are not ended the line where they begin.
///
/// # Errors
/// That line.
pub fn tokens(text: &str) -> Result<Vec<Token>, usize> {
    let mut tokens = Vec::new();
    let mut characters = text.chars().peekable();
    let mut line = 1;
    while let Some(character) = characters.next() {
        let kind = match character {
            '\n' => {
                line += 1;
                continue;
            }
            '#' => {
                while characters.next_if(|next| *next != '\n').is_some() {}
                continue;
            }
            '{' | '}' | '=' | ';' | ',' => Kind::Mark(character),
            '"' => {
                let first = line;
                let word = quoted(&mut characters, &mut line).ok_or(first)?;
                tokens.push(Token {
                    line: first,
                    kind: Kind::Word(word),
                });
                continue;
            }
            blank if blank.is_whitespace() => continue,
            first => {
                let mut word = String::from(first);
                while let Some(next) = characters.next_if(|next| is_of_word(*next)) {
                    word.push(next);
                }
                Kind::Word(word)
            }
        };
        tokens.push(Token { line, kind });
    }
    Ok(tokens)
}

fn is_of_word(character: char) -> bool {
    !character.is_whitespace() && !matches!(character, '{' | '}' | '=' | ';' | ',' | '"' | '#')
}

/// The rest of a text in quotes; `None` if it has no end.
fn quoted(characters: &mut core::iter::Peekable<core::str::Chars<'_>>, line: &mut usize) -> Option<String> {
    let mut word = String::new();
    loop {
        let character = match characters.next()? {
            '"' => return Some(word),
            '\\' => characters.next()?,
            other => other,
        };
        if character == '\n' {
            *line += 1;
        }
        word.push(character);
    }
}
