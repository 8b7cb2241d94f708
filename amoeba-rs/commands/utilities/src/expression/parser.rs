//! From the text of an expression to what it means.

use super::{Error, Node, Set, insert, single};
use alloc::boxed::Box;
use alloc::vec::Vec;

/// How deeply parentheses may lie in each other, and the most repetitions (RE_DUP_MAX).
const DEEPEST: u32 = 30;
const MOST: u32 = 255;

/// A class of characters: its name with what ends it, and who belongs to it.
type Class = (&'static [u8], fn(&u8) -> bool);

struct Parser<'a> {
    rest: &'a [u8],
    depth: u32,
}

pub(super) fn parse(text: &[u8]) -> Result<Node, Error> {
    let mut parser = Parser { rest: text, depth: 0 };
    let node = parser.either()?;
    // Only a parenthesis ends it sooner.
    if parser.rest.is_empty() {
        Ok(node)
    } else {
        Err(Error::Parenthesis)
    }
}

impl Parser<'_> {
    fn takes(&mut self, what: &[u8]) -> bool {
        let rest = self.rest.strip_prefix(what);
        self.rest = rest.unwrap_or(self.rest);
        rest.is_some()
    }

    fn either(&mut self) -> Result<Node, Error> {
        let mut nodes = Vec::new();
        loop {
            nodes.push(self.sequence()?);
            if !self.takes(b"\\|") {
                return Ok(if nodes.len() == 1 {
                    nodes.remove(0)
                } else {
                    Node::Either(nodes)
                });
            }
        }
    }

    fn sequence(&mut self) -> Result<Node, Error> {
        let mut nodes = Vec::new();
        if self.takes(b"^") {
            nodes.push(Node::Begin);
        }
        let mut is_first = true;
        while !self.rest.is_empty() && !self.rest.starts_with(b"\\)") && !self.rest.starts_with(b"\\|") {
            let is_end = matches!(self.rest, [b'$'] | [b'$', b'\\', b')' | b'|', ..]);
            if is_end && self.takes(b"$") {
                nodes.push(Node::End);
                continue;
            }
            let mut node = self.single(is_first)?;
            is_first = false;
            while let Some((least, most)) = self.repetition()? {
                node = Node::Repeat(Box::new(node), least, most);
            }
            nodes.push(node);
        }
        Ok(Node::Sequence(nodes))
    }

    /// What one repetition would repeat.
    fn single(&mut self, is_first: bool) -> Result<Node, Error> {
        if self.takes(b"\\(") {
            self.depth += 1;
            if self.depth > DEEPEST {
                return Err(Error::TooLarge);
            }
            let node = self.either()?;
            if !self.takes(b"\\)") {
                return Err(Error::Parenthesis);
            }
            self.depth -= 1;
            return Ok(node);
        }
        let (byte, rest) = self.rest.split_first().ok_or(Error::Backslash)?;
        self.rest = rest;
        match byte {
            b'.' => Ok(Node::Byte([u64::MAX; 4])),
            b'[' => self.bracket().map(Node::Byte),
            b'\\' => {
                let (byte, rest) = self.rest.split_first().ok_or(Error::Backslash)?;
                self.rest = rest;
                match byte {
                    b'1'..=b'9' => Err(Error::Reference),
                    b'{' if !is_first => Err(Error::Repetition),
                    _ => Ok(Node::Byte(single(*byte))),
                }
            }
            // A star that has nothing to repeat is one.
            _ => Ok(Node::Byte(single(*byte))),
        }
    }

    fn repetition(&mut self) -> Result<Option<(u32, Option<u32>)>, Error> {
        if self.takes(b"*") {
            return Ok(Some((0, None)));
        }
        if self.takes(b"\\+") {
            return Ok(Some((1, None)));
        }
        if self.takes(b"\\?") {
            return Ok(Some((0, Some(1))));
        }
        if !self.takes(b"\\{") {
            return Ok(None);
        }
        let least = self.number().ok_or(Error::Repetition)?;
        let most = if self.takes(b",") {
            self.number()
        } else {
            Some(least)
        };
        let is_good =
            self.takes(b"\\}") && least <= MOST && most.is_none_or(|most| (least..=MOST).contains(&most));
        if is_good {
            Ok(Some((least, most)))
        } else {
            Err(Error::Repetition)
        }
    }

    fn number(&mut self) -> Option<u32> {
        let length = self.rest.iter().take_while(|byte| byte.is_ascii_digit()).count();
        let (digits, rest) = self.rest.split_at(length);
        self.rest = rest;
        core::str::from_utf8(digits).ok()?.parse().ok()
    }

    /// A bracket expression, the first character of which was taken.
    fn bracket(&mut self) -> Result<Set, Error> {
        let is_negated = self.takes(b"^");
        let mut set = [0; 4];
        let mut is_first = true;
        loop {
            if !is_first && self.takes(b"]") {
                break;
            }
            is_first = false;
            if self.takes(b"[:") {
                self.class(&mut set)?;
                continue;
            }
            let (low, rest) = self.rest.split_first().ok_or(Error::Bracket)?;
            self.rest = rest;
            let high = match self.rest {
                [b'-', high, rest @ ..] if *high != b']' => {
                    self.rest = rest;
                    *high
                }
                _ => *low,
            };
            (*low..=high).for_each(|byte| insert(&mut set, byte));
        }
        Ok(if is_negated { set.map(|word| !word) } else { set })
    }

    fn class(&mut self, set: &mut Set) -> Result<(), Error> {
        let classes: [Class; 9] = [
            (b"alnum:]", u8::is_ascii_alphanumeric),
            (b"alpha:]", u8::is_ascii_alphabetic),
            (b"blank:]", |byte| matches!(byte, b' ' | b'\t')),
            (b"cntrl:]", u8::is_ascii_control),
            (b"digit:]", u8::is_ascii_digit),
            (b"lower:]", u8::is_ascii_lowercase),
            (b"punct:]", u8::is_ascii_punctuation),
            (b"space:]", u8::is_ascii_whitespace),
            (b"upper:]", u8::is_ascii_uppercase),
        ];
        for (name, is_in) in classes {
            if self.takes(name) {
                (0..=255_u8).filter(is_in).for_each(|byte| insert(set, byte));
                return Ok(());
            }
        }
        Err(Error::Bracket)
    }
}
