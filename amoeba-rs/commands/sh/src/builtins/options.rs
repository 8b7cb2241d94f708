//! `getopts`.

use crate::expansion::Context;
use crate::shell::Shell;
use crate::world::World;
use alloc::format;
use alloc::string::{String, ToString};

/// What a step of `getopts` finds.
enum Found {
    /// An option, and its argument if it takes one.
    Option(char, Option<String>),
    /// One that is not known.
    Unknown(char),
    /// One whose argument is missing.
    Missing(char),
}

/// How far `getopts` has come: the number of the next word, and the byte in it, 0 if it has not begun.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Position {
    word: usize,
    byte: usize,
}

impl Position {
    /// The next option of words, if there is one.
    fn next(&mut self, known: &str, words: &[String]) -> Option<Found> {
        let word = words.get(self.word - 1).map_or("", String::as_str);
        if self.byte == 0 {
            match word {
                "--" => {
                    self.word += 1;
                    return None;
                }
                _ if word.len() > 1 && word.starts_with('-') => self.byte = 1,
                _ => return None,
            }
        }
        let letter = word.get(self.byte..)?.chars().next()?;
        let rest = &word[self.byte + letter.len_utf8()..];
        if rest.is_empty() {
            *self = Position {
                word: self.word + 1,
                byte: 0,
            };
        } else {
            self.byte += letter.len_utf8();
        }
        let Some(place) = known.find(letter).filter(|_| letter != ':') else {
            return Some(Found::Unknown(letter));
        };
        if !known[place + letter.len_utf8()..].starts_with(':') {
            return Some(Found::Option(letter, None));
        }
        let value = if rest.is_empty() {
            words.get(self.word - 1).cloned()
        } else {
            Some(rest.to_string())
        };
        *self = Position {
            word: self.word + usize::from(value.is_some()),
            byte: 0,
        };
        Some(match value {
            Some(value) => Found::Option(letter, Some(value)),
            None => Found::Missing(letter),
        })
    }
}

impl<W: World> Shell<W> {
    /// `getopts LETTERS NAME [WORD]...`: the next option of the words, or of the shell's arguments.
    pub(super) fn next_option(&mut self, words: &[String]) -> i32 {
        let [known, name, words @ ..] = words else {
            return self.usage("getopts: letters or a name are missing");
        };
        let words = if words.is_empty() {
            self.arguments.clone()
        } else {
            words.to_vec()
        };
        let index = self.variables.get("OPTIND").and_then(|text| text.parse().ok());
        let index = index.unwrap_or(1).max(1);
        // Whoever changes it begins there.
        if self.position.word != index {
            self.position = Position { word: index, byte: 0 };
        }
        let found = self.position.next(known, &words);
        let is_over = found.is_none();
        let is_silent = known.starts_with(':');
        let (value, argument, complaint) = match found {
            None => ('?', None, None),
            Some(Found::Option(letter, value)) => (letter, value, None),
            Some(Found::Unknown(letter)) if is_silent => ('?', Some(letter.to_string()), None),
            Some(Found::Missing(letter)) if is_silent => (':', Some(letter.to_string()), None),
            Some(Found::Unknown(letter)) => ('?', None, Some(format!("-{letter}: no such option"))),
            Some(Found::Missing(letter)) => ('?', None, Some(format!("-{letter}: its argument is missing"))),
        };
        if let Some(complaint) = complaint {
            self.complain(&complaint);
        }
        let set = self.assign(name, &value.to_string());
        let set = set.and_then(|()| self.assign("OPTIND", &self.position.word.to_string()));
        let set = set.and_then(|()| match argument {
            Some(argument) => self.assign("OPTARG", &argument),
            None => self.variables.remove("OPTARG"),
        });
        match set {
            Ok(()) => i32::from(is_over),
            Err(what) => self.usage(&format!("getopts: {what}")),
        }
    }
}
