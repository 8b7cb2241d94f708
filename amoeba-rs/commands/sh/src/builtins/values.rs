//! Builtins that change variables, arguments and options.

use crate::expansion::Context;
use crate::parser::is_name;
use crate::shell::Shell;
use crate::syntax::{Part, Word};
use crate::world::World;
use alloc::format;
use alloc::string::{String, ToString};

impl<W: World> Shell<W> {
    /// `export` and `readonly`.
    pub(super) fn mark(&mut self, words: &[String], is_export: bool) -> i32 {
        if words.is_empty() {
            let exported = self.variables.environment();
            return self.say(&lines(exported.iter().filter_map(|text| text.split_once('='))));
        }
        let mut status = 0;
        for word in words {
            let (name, value) = match word.split_once('=') {
                Some((name, value)) => (name, Some(value)),
                None => (word.as_str(), None),
            };
            let result = value.map_or(Ok(()), |value| self.assign(name, value));
            let result = match is_name(name) {
                true => result,
                false => Err(format!("{name}: cannot have a value")),
            };
            match (result, is_export) {
                (Err(what), _) => status = self.usage(&what),
                (Ok(()), true) => self.variables.export(name),
                (Ok(()), false) => self.variables.fix(name),
            }
        }
        status
    }

    /// `read [-r] NAME...`: the fields of a line; what is left is the last one's.
    pub(super) fn read(&mut self, words: &[String]) -> i32 {
        let (is_raw, names) = match words.split_first() {
            Some((first, rest)) if first == "-r" => (true, rest),
            _ => (false, words),
        };
        let mut text = String::new();
        loop {
            match self.world.read_line(self.streams[0]) {
                Ok(Some(line)) => text += &line,
                Ok(None) if text.is_empty() => return 1,
                Ok(None) => break,
                Err(what) => {
                    self.complain(&format!("read: {what}"));
                    return 1;
                }
            }
            // An odd number of backslashes: the line goes on.
            let slashes = text
                .chars()
                .rev()
                .take_while(|character| *character == '\\')
                .count();
            if is_raw || slashes % 2 == 0 {
                break;
            }
            text.pop();
        }
        if !is_raw {
            text = without_backslashes(&text);
        }
        let separators = self.variables.get("IFS").unwrap_or(" \t\n").to_string();
        let is_separator = |character: char| separators.contains(character);
        let mut rest = text.trim_matches(is_separator);
        let usual = ["REPLY".to_string()];
        let names = if names.is_empty() { &usual } else { names };
        for (place, name) in names.iter().enumerate() {
            let is_last = place + 1 == names.len();
            let end = if is_last { None } else { rest.find(is_separator) };
            let (value, left) = rest.split_at(end.unwrap_or(rest.len()));
            if let Err(what) = self.assign(name, value) {
                return self.usage(&format!("read: {what}"));
            }
            rest = left.trim_start_matches(is_separator);
        }
        0
    }

    pub(super) fn set(&mut self, words: &[String]) -> i32 {
        if words.is_empty() {
            let text = lines(self.variables.all());
            return self.say(&text);
        }
        for (place, word) in words.iter().enumerate() {
            let is_on = word.starts_with('-');
            if word == "--" {
                self.arguments = words[place + 1..].to_vec();
                return 0;
            }
            if !is_on && !word.starts_with('+') || word.len() == 1 {
                self.arguments = words[place..].to_vec();
                return 0;
            }
            for letter in word[1..].chars() {
                if !self.options.switch(letter, is_on) {
                    return self.usage(&format!("set: {word}: no such option"));
                }
            }
        }
        0
    }

    pub(super) fn unset(&mut self, words: &[String]) -> i32 {
        let (is_function, names) = match words.split_first() {
            Some((first, rest)) if first == "-f" => (true, rest),
            Some((first, rest)) if first == "-v" => (false, rest),
            _ => (false, words),
        };
        for name in names {
            if is_function {
                self.functions.remove(name);
            } else if let Err(what) = self.variables.remove(name) {
                return self.usage(&what);
            }
        }
        0
    }
}

/// Variables as assignments that would give them the same values.
fn lines<'a>(variables: impl Iterator<Item = (&'a str, &'a str)>) -> String {
    let quoted = |value: &str| Word([Part::Quoted(value.to_string())].into()).to_string();
    variables
        .map(|(name, value)| format!("{name}={}\n", quoted(value)))
        .collect()
}

fn without_backslashes(text: &str) -> String {
    let mut plain = String::new();
    let mut characters = text.chars();
    while let Some(character) = characters.next() {
        match character {
            '\\' => plain.extend(characters.next()),
            _ => plain.push(character),
        }
    }
    plain
}
