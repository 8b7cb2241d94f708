//! Words: quotes, parameters, and what commands write.

use super::{Error, Parser, Token};
use crate::syntax::{Operation, Part, Replacement, Word};
use alloc::string::{String, ToString};
use alloc::vec::Vec;

/// Whether this may be the name of a variable.
pub(crate) fn is_name(text: &str) -> bool {
    let mut characters = text.chars();
    characters.next().is_some_and(begins_name) && characters.all(continues_name)
}

fn begins_name(character: char) -> bool {
    character == '_' || character.is_ascii_alphabetic()
}

fn continues_name(character: char) -> bool {
    character == '_' || character.is_ascii_alphanumeric()
}

fn is_special(character: char) -> bool {
    matches!(character, '@' | '*' | '#' | '?' | '$' | '!' | '-' | '0'..='9')
}

/// The name and the value if the word is an assignment.
pub(super) fn assignment(word: &Word) -> Option<(String, Word)> {
    let Some(Part::Text(text)) = word.0.first() else {
        return None;
    };
    let (name, rest) = text.split_once('=')?;
    if !is_name(name) {
        return None;
    }
    let mut value = Vec::new();
    if !rest.is_empty() {
        value.push(Part::Text(rest.to_string()));
    }
    value.extend_from_slice(&word.0[1..]);
    Some((name.to_string(), Word(value)))
}

/// Where a word stands, and so where it ends.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Place {
    /// In a command: at a blank or an operator.
    Command,
    /// Between double quotes.
    Quotes,
    /// In the braces of a parameter.
    Braces,
    /// In an expression: at two parentheses.
    Expression,
    /// The text of a redirection: at its end.
    Text,
}

/// Parts that grow: neighbours of the same sort are one.
#[derive(Default)]
struct Parts(Vec<Part>);

impl Parts {
    fn text(&mut self, character: char) {
        match self.0.last_mut() {
            Some(Part::Text(text)) => text.push(character),
            _ => self.0.push(Part::Text(character.to_string())),
        }
    }

    fn quoted(&mut self, text: &str) {
        match self.0.last_mut() {
            Some(Part::Quoted(before)) => before.push_str(text),
            _ => self.0.push(Part::Quoted(text.to_string())),
        }
    }
}

impl Parser<'_> {
    /// The word that begins here.
    pub(super) fn word(&mut self) -> Result<Word, Error> {
        let mut parts = Parts::default();
        self.deeper(|parser| parser.parts(Place::Command, &mut parts))?;
        Ok(Word(parts.0))
    }

    fn take(&mut self) -> Result<char, Error> {
        let character = self.character(0).ok_or(Error::Incomplete)?;
        self.place += 1;
        Ok(character)
    }

    /// Adds parts up to where the word ends; what ends it is taken only if it is a quote, a brace or two parentheses.
    fn parts(&mut self, place: Place, parts: &mut Parts) -> Result<(), Error> {
        let mut open = 0_u32;
        loop {
            let Some(character) = self.character(0) else {
                return match place {
                    Place::Command | Place::Text => Ok(()),
                    _ => Err(Error::Incomplete),
                };
            };
            if place == Place::Command
                && matches!(
                    character,
                    ' ' | '\t' | '\r' | '\n' | ';' | '&' | '|' | '<' | '>' | '(' | ')'
                )
            {
                return Ok(());
            }
            self.place += 1;
            match (character, place) {
                ('"', Place::Quotes) | ('}', Place::Braces) => return Ok(()),
                (')', Place::Expression) if open == 0 => {
                    return if self.take()? == ')' {
                        Ok(())
                    } else {
                        self.wrong("`))' is missing".to_string())
                    };
                }
                ('(', Place::Expression) => {
                    open += 1;
                    parts.text('(');
                }
                (')', Place::Expression) => {
                    open -= 1;
                    parts.text(')');
                }
                ('$', _) => self.dollar(place, parts)?,
                ('`', _) if place != Place::Expression => self.backquotes(place, parts)?,
                ('\\', _) if place != Place::Expression => self.backslash(place, parts)?,
                ('\'', Place::Command | Place::Braces) => self.single_quotes(parts)?,
                ('"', Place::Command | Place::Braces) => {
                    // Even with nothing between them the quotes make a word.
                    parts.quoted("");
                    self.deeper(|parser| parser.parts(Place::Quotes, parts))?;
                }
                (_, Place::Quotes | Place::Text) => parts.quoted(character.encode_utf8(&mut [0; 4])),
                _ => parts.text(character),
            }
        }
    }

    fn single_quotes(&mut self, parts: &mut Parts) -> Result<(), Error> {
        let mut text = String::new();
        loop {
            match self.take()? {
                '\'' => break,
                character => text.push(character),
            }
        }
        parts.quoted(&text);
        Ok(())
    }

    fn backslash(&mut self, place: Place, parts: &mut Parts) -> Result<(), Error> {
        let next = if place == Place::Text && self.character(0).is_none() {
            '\\'
        } else {
            self.take()?
        };
        let is_plain = matches!(place, Place::Quotes | Place::Text)
            && !matches!(next, '$' | '`' | '\\' | '\n')
            && !(next == '"' && place == Place::Quotes);
        if is_plain {
            parts.quoted("\\");
        }
        if next == '\n' && self.character(0).is_none() && place != Place::Text {
            return Err(Error::Incomplete);
        }
        if next != '\n' {
            parts.quoted(next.encode_utf8(&mut [0; 4]));
        }
        Ok(())
    }

    /// What follows a dollar sign.
    fn dollar(&mut self, place: Place, parts: &mut Parts) -> Result<(), Error> {
        let is_quoted = matches!(place, Place::Quotes | Place::Text);
        let simple = |name: String| Part::Parameter {
            name,
            operation: Operation::Value,
            is_quoted,
        };
        match (self.character(0), self.character(1)) {
            (Some('{'), _) => {
                self.place += 1;
                let part = self.deeper(|parser| parser.braces(is_quoted))?;
                parts.0.push(part);
            }
            (Some('('), Some('(')) => {
                self.place += 2;
                let mut expression = Parts::default();
                self.deeper(|parser| parser.parts(Place::Expression, &mut expression))?;
                parts.0.push(Part::Arithmetic {
                    expression: Word(expression.0),
                    is_quoted,
                });
            }
            (Some('('), _) => {
                self.place += 1;
                let mut inner = Parser::new(self.text, self.place, self.depth);
                let list = inner.list()?;
                inner.expect(")")?;
                self.place = inner.place;
                parts.0.push(Part::Substitution { list, is_quoted });
            }
            (Some(character), _) if begins_name(character) => {
                let mut name = String::new();
                while let Some(character) = self.character(0).filter(|next| continues_name(*next)) {
                    name.push(character);
                    self.place += 1;
                }
                parts.0.push(simple(name));
            }
            (Some(character), _) if is_special(character) => {
                self.place += 1;
                parts.0.push(simple(character.to_string()));
            }
            _ if is_quoted => parts.quoted("$"),
            _ => parts.text('$'),
        }
        Ok(())
    }

    fn parameter_name(&mut self) -> Result<String, Error> {
        let mut name = String::new();
        let first = self.take()?;
        name.push(first);
        let goes_on: fn(char) -> bool = match first {
            '0'..='9' => |character| character.is_ascii_digit(),
            _ if begins_name(first) => continues_name,
            _ if is_special(first) => |_| false,
            _ => return self.wrong(alloc::format!("bad parameter `${{{first}'")),
        };
        while let Some(character) = self.character(0).filter(|next| goes_on(*next)) {
            name.push(character);
            self.place += 1;
        }
        Ok(name)
    }

    /// A parameter in braces, the first of which was taken.
    fn braces(&mut self, is_quoted: bool) -> Result<Part, Error> {
        let is_length =
            self.character(0) == Some('#') && !matches!(self.character(1), Some('}' | ':' | '%' | '#'));
        if is_length {
            self.place += 1;
        }
        let name = self.parameter_name()?;
        let operation = if is_length {
            match self.take()? {
                '}' => Operation::Length,
                _ => return self.wrong(alloc::format!("bad parameter `${{#{name}'")),
            }
        } else {
            self.operation(&name)?
        };
        Ok(Part::Parameter {
            name,
            operation,
            is_quoted,
        })
    }

    fn operation(&mut self, name: &str) -> Result<Operation, Error> {
        let mut next = self.take()?;
        if next == '}' {
            return Ok(Operation::Value);
        }
        if matches!(next, '%' | '#') {
            let is_longest = self.character(0) == Some(next);
            self.place += usize::from(is_longest);
            return Ok(Operation::Remove {
                is_end: next == '%',
                is_longest,
                pattern: self.operand()?,
            });
        }
        let or_empty = next == ':';
        if or_empty {
            next = self.take()?;
        }
        let replacement = match next {
            '-' => Replacement::Default,
            '=' => Replacement::Assign,
            '?' => Replacement::Error,
            '+' => Replacement::Alternative,
            _ => return self.wrong(alloc::format!("bad parameter `${{{name}'")),
        };
        Ok(Operation::Without {
            replacement,
            or_empty,
            word: self.operand()?,
        })
    }

    fn operand(&mut self) -> Result<Word, Error> {
        let mut parts = Parts::default();
        self.parts(Place::Braces, &mut parts)?;
        Ok(Word(parts.0))
    }

    /// A list between back quotes, in which a backslash takes its meaning from these and from itself.
    fn backquotes(&mut self, place: Place, parts: &mut Parts) -> Result<(), Error> {
        let mut text = Vec::new();
        loop {
            match self.take()? {
                '`' => break,
                '\\' if matches!(self.character(0), Some('`' | '\\' | '$')) => text.push(self.take()?),
                character => text.push(character),
            }
        }
        let mut inner = Parser::new(&text, 0, self.depth);
        let list = self.deeper(|_| inner.list())?;
        match inner.next()? {
            Token::End => {}
            token => return Err(inner.unexpected(&token)),
        }
        parts.0.push(Part::Substitution {
            list,
            is_quoted: matches!(place, Place::Quotes | Place::Text),
        });
        Ok(())
    }

    /// The text behind this line that ends with a line like the word that comes next; `None` if it is empty. It is left out where this
    /// line comes to its end.
    pub(super) fn text_behind(&mut self, are_tabs_ignored: bool) -> Result<Option<Word>, Error> {
        let delimiter = match self.next()? {
            Token::Word(word) => word,
            token => return Err(self.unexpected(&token)),
        };
        let is_literal = !matches!(delimiter.0.as_slice(), [Part::Text(_)]);
        let mut wanted = String::new();
        for part in &delimiter.0 {
            match part {
                Part::Text(text) | Part::Quoted(text) => wanted.push_str(text),
                _ => return self.wrong("a text's end cannot be expanded".to_string()),
            }
        }
        let (line, mut start) = match self.texts {
            Some(texts) => texts,
            None => {
                let rest = self.text[self.place..].iter();
                let length = rest.take_while(|character| **character != '\n').count();
                (self.place + length, self.place + length + 1)
            }
        };
        let mut body: Vec<char> = Vec::new();
        loop {
            let rest = self.text.get(start..).ok_or(Error::Incomplete)?;
            if rest.is_empty() {
                return Err(Error::Incomplete);
            }
            let length = rest.iter().take_while(|character| **character != '\n').count();
            let tabs = rest.iter().take_while(|character| **character == '\t').count();
            let skipped = if are_tabs_ignored { tabs.min(length) } else { 0 };
            let text = &rest[skipped..length];
            start = (start + length + 1).min(self.text.len());
            if text.iter().collect::<String>() == wanted {
                break;
            }
            if start >= self.text.len() && length == rest.len() {
                return Err(Error::Incomplete);
            }
            body.extend_from_slice(text);
            body.push('\n');
        }
        self.texts = Some((line, start));
        // The line feed at the end is understood.
        if body.pop().is_none() {
            return Ok(None);
        }
        let mut parts = Parts::default();
        parts.quoted("");
        if is_literal {
            parts.quoted(&body.iter().collect::<String>());
        } else {
            let mut inner = Parser::new(&body, 0, self.depth);
            inner.deeper(|inner| inner.parts(Place::Text, &mut parts))?;
        }
        Ok(Some(Word(parts.0)))
    }
}
