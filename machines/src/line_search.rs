//! Searching a console's text as it comes, byte by byte, in bounded memory.
//!
//! A pattern is searched in each line by itself. While a line is still growing, a match counts as soon as nothing that
//! may still come can undo it: so `ready` is found with its last letter, `\bready\b` too only once something follows,
//! and `ready$` when the line has ended. Because the decision falls after every single byte, it does not depend on how
//! the text is cut into pieces.

use regex_automata::meta::Regex;
use regex_automata::util::syntax;
use regex_automata::{Anchored, Input};

/// The longest stretch of a line in which a pattern is searched; of a longer line the older half is forgotten.
pub(crate) const LONGEST: usize = 4096;

/// A pattern as the consoles need it: on bytes, for guests print anything.
///
/// # Errors
/// If it is no regular expression.
pub(crate) fn compile(pattern: &str) -> Result<Regex, String> {
    Regex::builder()
        .syntax(syntax::Config::new().utf8(false))
        .configure(Regex::config().utf8_empty(false))
        .build(pattern)
        .map_err(|error| error.to_string())
}

/// The line that a console is at.
#[derive(Clone, Debug, Default)]
pub(crate) struct GrowingLine {
    text: Vec<u8>,
    /// Bytes before this one were searched already and only tell what stands before the rest.
    start: usize,
    is_complete: bool,
    last_was_return: bool,
}

impl GrowingLine {
    /// One byte more. False if it adds nothing that could be searched.
    pub(crate) fn push(&mut self, byte: u8) -> bool {
        if self.is_complete {
            self.text.clear();
            self.start = 0;
            self.is_complete = false;
        }
        let is_second_half_of_an_end = byte == b'\n' && self.last_was_return;
        self.last_was_return = byte == b'\r';
        if is_second_half_of_an_end {
            return false;
        }
        match byte {
            b'\n' | b'\r' => self.is_complete = true,
            _ => {
                self.forget_the_older_half();
                self.text.push(byte);
            }
        }
        true
    }

    /// Whether `pattern` is now found, whatever comes next.
    pub(crate) fn shows(&mut self, pattern: &Regex) -> bool {
        if self.is_complete {
            return Self::is_found(pattern, &self.text, self.start, self.text.len());
        }
        // A letter and a non-letter that are not part of the text: what holds before both holds before anything.
        let end = self.text.len();
        let holds_before = |text: &mut Vec<u8>, follower| {
            text.push(follower);
            let is_found = Self::is_found(pattern, text, self.start, end);
            text.pop();
            is_found
        };
        holds_before(&mut self.text, 0) && holds_before(&mut self.text, b'a')
    }

    fn is_found(pattern: &Regex, text: &[u8], start: usize, end: usize) -> bool {
        pattern.is_match(Input::new(text).range(start..end).anchored(Anchored::No))
    }

    fn forget_the_older_half(&mut self) {
        if self.text.len() - self.start >= LONGEST {
            self.text.drain(..self.start + LONGEST / 2 - 1);
            self.start = 1;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn found_after(pattern: &str, text: &[u8]) -> Option<usize> {
        let pattern = compile(pattern).unwrap();
        let mut line = GrowingLine::default();
        text.iter()
            .position(|byte| line.push(*byte) && line.shows(&pattern))
    }

    #[test]
    fn a_text_is_found_with_its_last_letter_even_if_the_line_never_ends() {
        assert_eq!(found_after("login: ", b"boot\r\nlogin: "), Some(12));
    }

    #[test]
    fn a_dollar_matches_only_where_the_line_ends() {
        assert_eq!(found_after("ready$", b"ready"), None);
        assert_eq!(found_after("ready$", b"ready now\n"), None);
        assert_eq!(found_after("ready$", b"ready\n"), Some(5));
        assert_eq!(found_after("ready$", b"ready\r\n"), Some(5));
    }

    #[test]
    fn a_caret_matches_only_where_the_line_begins() {
        assert_eq!(found_after("^b", b"ab\nb"), Some(3));
        let long = [vec![b'a'; LONGEST], vec![b'b'; LONGEST]].concat();
        assert_eq!(found_after("^b", &long), None);
    }

    #[test]
    fn a_word_ends_only_when_something_else_follows() {
        assert_eq!(found_after(r"\b10\b", b"100"), None);
        assert_eq!(found_after(r"\b10\b", b"10 "), Some(2));
        assert_eq!(found_after(r"\b10\b", b"10\n"), Some(2));
    }

    #[test]
    fn a_return_with_a_line_feed_is_one_line_end() {
        assert_eq!(found_after("^$", b"a\r\nb\r\n"), None);
        assert_eq!(found_after("^$", b"a\n\n"), Some(2));
    }

    #[test]
    fn lines_do_not_run_into_one_another() {
        assert_eq!(found_after("ab", b"a\nb\rb"), None);
    }

    #[test]
    fn a_line_without_end_takes_bounded_memory() {
        let mut line = GrowingLine::default();
        for _ in 0..10 * LONGEST {
            line.push(b'x');
        }
        assert!(line.text.len() <= LONGEST + 1);
    }

    #[test]
    fn bytes_that_are_no_text_are_searched_too() {
        assert_eq!(found_after("ready", b"\xff\xfeready"), Some(6));
    }
}
