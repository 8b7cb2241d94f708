//! Lines that are gathered to whole commands.

use crate::parser::{Error, parse};
use crate::syntax::List;
use alloc::string::String;

/// Lines that have come.
#[derive(Clone, Debug, Default)]
pub struct Text {
    lines: String,
    /// Lines before those.
    number: usize,
}

impl Text {
    /// Whether a command has begun that the next line goes on with.
    pub fn is_open(&self) -> bool {
        !self.lines.is_empty()
    }

    /// Forgets what has come.
    pub fn clear(&mut self) {
        self.lines.clear();
    }

    /// Adds a line: the commands that have come to their end, if they have.
    ///
    /// # Errors
    /// What is wrong with the text, which is forgotten. Lines are counted from the first that came.
    pub fn line(&mut self, line: &str) -> Result<Option<List>, Error> {
        self.lines.push_str(line);
        self.lines.push('\n');
        let result = match parse(&self.lines) {
            Err(Error::Incomplete) => return Ok(None),
            Err(Error::Wrong(line, what)) => Err(Error::Wrong(self.number + line, what)),
            Ok(list) => Ok(Some(list)),
        };
        self.number += self.lines.lines().count();
        self.lines.clear();
        result
    }
}
