//! The command line.

use alloc::vec::Vec;
use libamoeba::system::start::Arguments;

/// What the command line says.
pub(crate) struct Options<'a> {
    /// Nobody waits for the program.
    pub(crate) is_left: bool,
    /// The path of the pool's run server.
    pub(crate) pool: Option<&'a str>,
    /// Names and paths of capabilities.
    pub(crate) capabilities: Vec<(&'a str, &'a str)>,
    /// Variables, as `NAME=value`.
    pub(crate) variables: Vec<&'a str>,
    /// The host.
    pub(crate) host: &'a str,
    /// The program.
    pub(crate) program: &'a str,
    /// The program and its arguments.
    pub(crate) words: Vec<&'a str>,
}

/// The name of a variable that is written `NAME=value`.
fn name(variable: &str) -> &str {
    variable.split('=').next().unwrap_or_default()
}

impl<'a> Options<'a> {
    /// Reads the words behind the command's name; `None` if they are wrong.
    pub(crate) fn parse(words: &[&'a str]) -> Option<Options<'a>> {
        let (mut is_left, mut pool) = (false, None);
        let (mut capabilities, mut variables) = (Vec::new(), Vec::new());
        let mut words = words.iter().copied();
        let host = loop {
            match words.next()? {
                "-n" => is_left = true,
                "-p" => pool = Some(words.next()?),
                "-c" => capabilities.push(words.next()?.split_once('=')?),
                "-e" => variables.push(words.next().filter(|word| word.contains('='))?),
                word if word.len() > 1 && word.starts_with('-') => return None,
                word => break word,
            }
        };
        let words: Vec<&str> = words.collect();
        Some(Options {
            is_left,
            pool,
            capabilities,
            variables,
            host,
            program: words.first()?,
            words,
        })
    }

    /// The environment that the program gets.
    pub(crate) fn environment(&self, arguments: &Arguments) -> Vec<&'a str> {
        let is_set = |text: &&str| self.variables.iter().any(|own| name(own) == name(text));
        let mut all: Vec<&'a str> = arguments.environment().filter(|text| !is_set(text)).collect();
        all.extend(&self.variables);
        all
    }
}
