//! Commands that consist of others.

use super::{Error, Parser, Token, words};
use crate::syntax::{Command, Kind, List, Word};
use alloc::boxed::Box;
use alloc::string::{String, ToString};
use alloc::vec::Vec;

impl Parser<'_> {
    /// The compound command that comes next, if one does.
    pub(super) fn compound(&mut self) -> Result<Option<Kind>, Error> {
        if self.takes("(")? {
            let list = self.body()?;
            self.expect(")")?;
            return Ok(Some(Kind::Subshell(list)));
        }
        let Token::Word(word) = self.peek()? else {
            return Ok(None);
        };
        let Some(word) = word.plain().map(ToString::to_string) else {
            return Ok(None);
        };
        let parse: fn(&mut Self) -> Result<Kind, Error> = match word.as_str() {
            "{" => Parser::group,
            "if" => Parser::condition,
            "while" => |parser| parser.repetition(false),
            "until" => |parser| parser.repetition(true),
            "for" => Parser::each,
            "case" => Parser::choice,
            _ => return Ok(None),
        };
        self.next()?;
        parse(self).map(Some)
    }

    fn group(&mut self) -> Result<Kind, Error> {
        let list = self.body()?;
        self.expect_word("}")?;
        Ok(Kind::Group(list))
    }

    fn condition(&mut self) -> Result<Kind, Error> {
        let mut branches = Vec::new();
        loop {
            let condition = self.body()?;
            self.expect_word("then")?;
            branches.push((condition, self.body()?));
            if !self.takes_word("elif")? {
                break;
            }
        }
        let otherwise = if self.takes_word("else")? {
            Some(self.body()?)
        } else {
            None
        };
        self.expect_word("fi")?;
        Ok(Kind::If(branches, otherwise))
    }

    fn between_do_and_done(&mut self) -> Result<List, Error> {
        self.expect_word("do")?;
        let body = self.body()?;
        self.expect_word("done")?;
        Ok(body)
    }

    fn repetition(&mut self, is_until: bool) -> Result<Kind, Error> {
        let condition = self.body()?;
        Ok(Kind::Loop {
            is_until,
            condition,
            body: self.between_do_and_done()?,
        })
    }

    fn each(&mut self) -> Result<Kind, Error> {
        let name = self.name()?;
        self.skip_line_feeds()?;
        let mut words = None;
        if self.takes_word("in")? {
            let words = words.insert(Vec::new());
            while let Token::Word(word) = self.peek()? {
                words.push(word.clone());
                self.next()?;
            }
            let is_ended = self.takes(";")? || *self.peek()? == Token::LineFeed;
            if !is_ended {
                let token = self.next()?;
                return Err(self.unexpected(&token));
            }
        } else {
            self.takes(";")?;
        }
        self.skip_line_feeds()?;
        let body = self.between_do_and_done()?;
        Ok(Kind::For(name, words, body))
    }

    fn choice(&mut self) -> Result<Kind, Error> {
        let word = self.any_word()?;
        self.skip_line_feeds()?;
        self.expect_word("in")?;
        let mut arms = Vec::new();
        loop {
            self.skip_line_feeds()?;
            if self.takes_word("esac")? {
                return Ok(Kind::Case(word, arms));
            }
            self.takes("(")?;
            let mut patterns = Vec::new();
            patterns.push(self.any_word()?);
            while self.takes("|")? {
                patterns.push(self.any_word()?);
            }
            self.expect(")")?;
            let list = self.list()?;
            arms.push((patterns, list));
            if !self.takes(";;")? {
                self.skip_line_feeds()?;
                self.expect_word("esac")?;
                return Ok(Kind::Case(word, arms));
            }
        }
    }

    fn any_word(&mut self) -> Result<Word, Error> {
        match self.next()? {
            Token::Word(word) => Ok(word),
            token => Err(self.unexpected(&token)),
        }
    }

    fn name(&mut self) -> Result<String, Error> {
        let word = self.any_word()?;
        match word.plain() {
            Some(name) if words::is_name(name) => Ok(name.to_string()),
            _ => Err(self.unexpected(&Token::Word(word))),
        }
    }

    /// A function, whose name was taken. Redirections behind its body belong to that.
    pub(super) fn function(&mut self, name: &Word) -> Result<Command, Error> {
        self.expect("(")?;
        self.expect(")")?;
        self.skip_line_feeds()?;
        let Some(name) = name.plain().filter(|name| words::is_name(name)) else {
            return self.wrong(alloc::format!("`{name}' cannot be a function"));
        };
        let name = name.to_string();
        let body = self.command()?;
        if matches!(body.kind, Kind::Simple { .. }) {
            return self.wrong(alloc::format!("the function `{name}' needs a compound command"));
        }
        Ok(Command {
            kind: Kind::Function(name, Box::new(body)),
            redirections: Vec::new(),
        })
    }
}
