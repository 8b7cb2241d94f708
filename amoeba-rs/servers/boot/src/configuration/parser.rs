//! Reads a configuration, token by token.

use super::{BOOT_RATE, Configuration, Error, LONGEST_RATE, POLL_RATE, Program, Reference, Service};
use crate::words::{Kind, Token};
use alloc::borrow::ToOwned;
use alloc::collections::BTreeSet;
use alloc::format;
use alloc::string::String;
use alloc::vec::Vec;
use core::fmt;

pub(super) struct Parser<'a> {
    pub(super) tokens: &'a [Token],
    pub(super) configuration: Configuration,
    /// Names behind `after` with their lines, for each service.
    pub(super) after: Vec<Vec<(usize, String)>>,
}

impl<'a> Parser<'a> {
    fn line(&self) -> usize {
        self.tokens.first().map_or(0, |token| token.line)
    }

    fn fail<T>(&self, what: impl fmt::Display) -> Result<T, Error> {
        let what = match self.tokens.first() {
            Some(token) => format!("{} where {what} should be", token.kind),
            None => format!("the end where {what} should be"),
        };
        let line = self.line();
        Err(Error { line, what })
    }

    fn word(&mut self, what: &str) -> Result<&'a str, Error> {
        match self.tokens {
            [
                Token {
                    kind: Kind::Word(word),
                    ..
                },
                rest @ ..,
            ] => {
                self.tokens = rest;
                Ok(word)
            }
            _ => self.fail(what),
        }
    }

    fn has_mark(&self, mark: char) -> bool {
        self.tokens
            .first()
            .is_some_and(|token| token.kind == Kind::Mark(mark))
    }

    /// Takes a mark if it is the next token.
    fn take_mark(&mut self, mark: char) -> bool {
        let is_there = self.has_mark(mark);
        if is_there {
            self.tokens = &self.tokens[1..];
        }
        is_there
    }

    fn mark(&mut self, mark: char) -> Result<(), Error> {
        if self.take_mark(mark) {
            Ok(())
        } else {
            self.fail(format_args!("`{mark}`"))
        }
    }

    fn reference(&mut self) -> Result<Reference, Error> {
        self.word("a reference").map(Reference::parse)
    }

    /// `= REFERENCE ;`
    fn assigned(&mut self) -> Result<Reference, Error> {
        self.mark('=')?;
        let reference = self.reference()?;
        self.mark(';')?;
        Ok(reference)
    }

    pub(super) fn statement(&mut self) -> Result<(), Error> {
        let line = self.line();
        let again = |what: &str| {
            Err(Error {
                line,
                what: format!("{what} is there twice"),
            })
        };
        match self.word("a statement")? {
            "cap" => {
                let name = self.word("a name")?;
                let reference = self.assigned()?;
                if self.configuration.capability(name).is_some() {
                    return again(name);
                }
                self.configuration.capabilities.push((name.to_owned(), reference));
            }
            "environ" => {
                let mut environment = self.environment()?;
                self.configuration.environment.append(&mut environment);
            }
            "CORE_DIR" => {
                let reference = self.assigned()?;
                if self.configuration.core_directory.replace(reference).is_some() {
                    return again("CORE_DIR");
                }
            }
            "publish" => {
                let path = self.word("a path")?;
                let reference = self.assigned()?;
                self.configuration.published.push((path.to_owned(), reference));
            }
            name => {
                if self
                    .configuration
                    .services
                    .iter()
                    .any(|service| service.name == name)
                {
                    return again(name);
                }
                self.service(name)?;
            }
        }
        Ok(())
    }

    fn service(&mut self, name: &str) -> Result<(), Error> {
        let mut service = Service {
            name: name.to_owned(),
            is_down: false,
            machine: None,
            process_server: None,
            after: Vec::new(),
            boot_rate: BOOT_RATE,
            poll_rate: POLL_RATE,
            poll: None,
            program: None,
        };
        let mut after = Vec::new();
        self.mark('{')?;
        while !self.take_mark('}') {
            let line = self.line();
            match self.word("a keyword or `}`")? {
                "down" => {
                    self.mark(';')?;
                    service.is_down = true;
                }
                "machine" => service.machine = Some(self.assigned()?),
                "procsvr" => service.process_server = Some(self.assigned()?),
                "pollcap" => service.poll = Some(self.assigned()?),
                "bootrate" => service.boot_rate = self.rate()?,
                "pollrate" => service.poll_rate = self.rate()?,
                "after" => {
                    self.mark('=')?;
                    loop {
                        let line = self.line();
                        after.push((line, self.word("a service")?.to_owned()));
                        if !self.take_mark(',') {
                            break;
                        }
                    }
                    self.mark(';')?;
                }
                "program" => service.program = Some(self.program(name)?),
                other => {
                    let what = format!("`{other}` is no keyword of a service");
                    return Err(Error { line, what });
                }
            }
        }
        self.configuration.services.push(service);
        self.after.push(after);
        Ok(())
    }

    fn rate(&mut self) -> Result<u32, Error> {
        self.mark('=')?;
        let line = self.line();
        let word = self.word("a number")?;
        let number: Option<u32> = word.parse().ok();
        let good = number.filter(|number| (1..=LONGEST_RATE).contains(number));
        let rate = good.ok_or_else(|| Error {
            line,
            what: format!("`{word}` is no number of milliseconds, at most a day"),
        })?;
        self.mark(';')?;
        Ok(rate)
    }

    fn program(&mut self, service: &str) -> Result<Program, Error> {
        let mut program = Program {
            file: self.reference()?,
            arguments: Vec::new(),
            environment: Vec::new(),
            capabilities: Vec::new(),
        };
        self.mark('{')?;
        while !self.take_mark('}') {
            let line = self.line();
            match self.word("a keyword or `}`")? {
                "argv" => {
                    self.mark('{')?;
                    while !self.take_mark('}') {
                        program
                            .arguments
                            .push(self.word("an argument or `}`")?.to_owned());
                    }
                }
                "environ" => {
                    let mut environment = self.environment()?;
                    program.environment.append(&mut environment);
                }
                "capv" => self.capabilities(&mut program.capabilities)?,
                other => {
                    let what = format!("`{other}` is no keyword of a program");
                    return Err(Error { line, what });
                }
            }
        }
        if program.arguments.is_empty() {
            program.arguments.push(service.to_owned());
        }
        Ok(program)
    }

    fn environment(&mut self) -> Result<Vec<String>, Error> {
        let mut environment = Vec::new();
        self.mark('{')?;
        while !self.take_mark('}') {
            let name = self.word("a name or `}`")?;
            self.mark('=')?;
            let value = self.word("a value")?;
            self.mark(';')?;
            environment.push(format!("{name}={value}"));
        }
        Ok(environment)
    }

    fn capabilities(&mut self, capabilities: &mut Vec<(String, Reference)>) -> Result<(), Error> {
        self.mark('{')?;
        while !self.take_mark('}') {
            let name = self.word("a name or `}`")?;
            let reference = if self.take_mark(';') {
                Reference::Named(name.to_owned(), String::new())
            } else {
                self.assigned()?
            };
            capabilities.push((name.to_owned(), reference));
        }
        Ok(())
    }

    /// Finds the services behind `after`, and sees that none waits for itself.
    pub(super) fn finish(mut self) -> Result<Configuration, Error> {
        for (place, names) in self.after.iter().enumerate() {
            for (line, name) in names {
                let services = &self.configuration.services;
                let found = services.iter().position(|service| service.name == *name);
                let found = found.ok_or_else(|| Error {
                    line: *line,
                    what: format!("there is no service `{name}`"),
                })?;
                self.configuration.services[place].after.push(found);
            }
        }
        self.check_circles()?;
        self.check_names()?;
        Ok(self.configuration)
    }

    fn check_circles(&self) -> Result<(), Error> {
        let services = &self.configuration.services;
        let mut started = BTreeSet::new();
        // Whoever can start does, until nobody can any more.
        loop {
            let can_start = |(place, service): &(usize, &Service)| {
                !started.contains(place) && service.after.iter().all(|before| started.contains(before))
            };
            let new: Vec<usize> = services
                .iter()
                .enumerate()
                .filter(can_start)
                .map(|(place, _)| place)
                .collect();
            if new.is_empty() {
                break;
            }
            started.extend(new);
        }
        let waiting = services
            .iter()
            .enumerate()
            .find(|(place, _)| !started.contains(place));
        match waiting {
            None => Ok(()),
            Some((_, service)) => Err(Error {
                line: 0,
                what: format!("service `{}` waits for itself, by way of `after`", service.name),
            }),
        }
    }

    /// A name of a capability that stands for itself would be followed for ever.
    fn check_names(&self) -> Result<(), Error> {
        let configuration = &self.configuration;
        for (name, first) in &configuration.capabilities {
            let (mut reference, mut steps) = (first, 0);
            while let Reference::Named(next, _) = reference {
                steps += 1;
                if steps > configuration.capabilities.len() {
                    return Err(Error {
                        line: 0,
                        what: format!("capability `{name}` stands for itself"),
                    });
                }
                match configuration.capability(next) {
                    // A name that stands for itself means the one of the server's own environment.
                    Some(found) if *found != Reference::Named(next.clone(), String::new()) => {
                        reference = found;
                    }
                    _ => break,
                }
            }
        }
        Ok(())
    }
}
