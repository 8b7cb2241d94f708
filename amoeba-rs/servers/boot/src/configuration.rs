//! What shall run, as a text says it.
//!
//! ```text
//! cap ROOT = 1:2:3:4:5:6/1(ff)/7:8:9:a:b:c;      # a name for a capability
//! environ { HOME = "/home"; }                    # given to all programs
//! CORE_DIR = /dev/dead;                          # where what is left of a program that failed is put
//! publish /profile/cap/todsvr/default = TOD;     # a name that shall lead to an object
//!
//! bullet {                                       # a service that somebody else runs is looked at only
//!     pollcap = BULLET; pollrate = 10000;
//! }
//! soap {
//!     after = bullet;                            # starts when these are up
//!     bootrate = 5000; pollrate = 10000;         # milliseconds
//!     pollcap = ROOT;
//!     machine = /profile/hosts/server;           # or procsvr = REFERENCE; or else the boot server's own machine
//!     program /bin/soap {
//!         argv { soap 0 }
//!         environ { TERM = vt100; }
//!         capv { RANDOM; TTY = HOST/tty:01; }    # a name alone means itself
//!     }
//! }
//! shell { down; program /bin/sh { } }            # runs when it is asked for
//! ```
//!
//! A reference is a capability in writing, a path from the root (the capability `ROOT`), or a name of a capability with a path behind it, if the
//! capability is a directory's. Names are those that `cap` says, and those of the boot server's own environment.

mod parser;

use crate::words::tokens;
use alloc::borrow::ToOwned;
use alloc::string::{String, ToString};
use alloc::vec::Vec;
use core::fmt;
use parser::Parser;
use proto::capability::Capability;
use proto::capability_text;

/// Milliseconds between two starts, if a service says nothing.
pub const BOOT_RATE: u32 = 10_000;
/// Milliseconds between two looks, if a service says nothing.
pub const POLL_RATE: u32 = 10_000;
/// The most milliseconds of either: a day.
const LONGEST_RATE: u32 = 86_400_000;

/// Something that a configuration names.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Reference {
    /// A capability in writing.
    Written(Capability),
    /// A path from the root.
    Path(String),
    /// A capability by its name, and a path from there, which may be empty.
    Named(String, String),
}

impl Reference {
    fn parse(word: &str) -> Reference {
        if let Some(capability) = capability_text::parse(word) {
            Reference::Written(capability)
        } else if word.starts_with('/') {
            Reference::Path(word.to_owned())
        } else {
            let (name, path) = word.split_once('/').unwrap_or((word, ""));
            Reference::Named(name.to_owned(), path.to_owned())
        }
    }
}

/// A program and what it is given.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Program {
    /// Its executable file.
    pub file: Reference,
    /// Its name and its arguments.
    pub arguments: Vec<String>,
    /// Its environment, `NAME=value`.
    pub environment: Vec<String>,
    /// Its environment of capabilities.
    pub capabilities: Vec<(String, Reference)>,
}

/// A service.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Service {
    /// Its name.
    pub name: String,
    /// It does not run until it is asked for.
    pub is_down: bool,
    /// The directory of the kernel on whose machine it runs.
    pub machine: Option<Reference>,
    /// The process server of that machine.
    pub process_server: Option<Reference>,
    /// Services that are up before it starts, by their places in the configuration.
    pub after: Vec<usize>,
    /// Milliseconds between two starts at least.
    pub boot_rate: u32,
    /// Milliseconds between two looks.
    pub poll_rate: u32,
    /// What is asked whether it answers; without it the process itself.
    pub poll: Option<Reference>,
    /// What is started; without it somebody else runs the service.
    pub program: Option<Program>,
}

/// All that a configuration says.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Configuration {
    /// Capabilities by their names.
    pub capabilities: Vec<(String, Reference)>,
    /// The environment of all programs, `NAME=value`.
    pub environment: Vec<String>,
    /// The directory for what is left of programs that failed.
    pub core_directory: Option<Reference>,
    /// Paths that shall lead to objects.
    pub published: Vec<(String, Reference)>,
    /// The services.
    pub services: Vec<Service>,
}

/// What is wrong with a configuration.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Error {
    /// Its line, counted from 1; 0 if it is no single line's.
    pub line: usize,
    /// What is wrong.
    pub what: String,
}

impl fmt::Display for Error {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.line {
            0 => write!(formatter, "{}", self.what),
            line => write!(formatter, "line {line}: {}", self.what),
        }
    }
}

impl core::error::Error for Error {}

impl Configuration {
    /// Reads a configuration.
    ///
    /// # Errors
    /// The first thing that is wrong.
    pub fn parse(text: &str) -> Result<Configuration, Error> {
        let tokens = tokens(text).map_err(|line| Error {
            line,
            what: "quotes that are not ended".to_owned(),
        })?;
        let mut parser = Parser {
            tokens: &tokens,
            configuration: Configuration::default(),
            after: Vec::new(),
        };
        while !parser.tokens.is_empty() {
            parser.statement()?;
        }
        parser.finish()
    }

    /// What a name of a capability stands for.
    pub fn capability(&self, name: &str) -> Option<&Reference> {
        let found = self.capabilities.iter().find(|(known, _)| known == name)?;
        Some(&found.1)
    }
}

impl fmt::Display for Reference {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Reference::Written(capability) => write!(formatter, "{capability}"),
            Reference::Path(path) => write!(formatter, "{path}"),
            Reference::Named(name, path) if path.is_empty() => write!(formatter, "{name}"),
            Reference::Named(name, path) => write!(formatter, "{}", [name.as_str(), path].join("/")),
        }
    }
}

impl Service {
    /// What it is started from, for messages.
    pub fn file(&self) -> String {
        self.program
            .as_ref()
            .map_or_else(String::new, |program| program.file.to_string())
    }
}
