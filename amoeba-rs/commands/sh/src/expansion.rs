//! From words to fields: parameters, what commands write, expressions, the division into fields, paths, and the removal of quotes
//! (POSIX 1003.2, section 3.6).

use crate::arithmetic;
use crate::pattern::{self, Character};
use crate::syntax::{List, Operation, Part, Replacement, Word};
use alloc::format;
use alloc::string::{String, ToString};
use alloc::vec;
use alloc::vec::Vec;

/// What words are expanded with.
pub trait Context {
    /// The value of a parameter, if it has one; `None`, too, for `@` and `*`.
    fn parameter(&self, name: &str) -> Option<String>;

    /// The arguments from the first on.
    fn arguments(&self) -> &[String];

    /// Gives a variable a value.
    ///
    /// # Errors
    /// Why it cannot have it.
    fn assign(&mut self, name: &str, value: &str) -> Result<(), String>;

    /// What a list writes.
    ///
    /// # Errors
    /// Why it could not be run.
    fn substitute(&mut self, list: &List) -> Result<String, String>;

    /// The names in a directory, empty for the working directory; nothing if it cannot be read.
    fn names(&mut self, directory: &str) -> Vec<String>;

    /// Whether there is something at a path.
    fn exists(&mut self, path: &str) -> bool;

    /// Whether a parameter without a value is an error.
    fn is_strict(&self) -> bool;
}

/// Fields that grow.
#[derive(Default)]
struct Fields {
    done: Vec<Vec<Character>>,
    /// The last one, if it has begun.
    current: Option<Vec<Character>>,
}

impl Fields {
    fn push(&mut self, text: &str, is_quoted: bool) {
        let field = self.current.get_or_insert_default();
        field.extend(text.chars().map(|character| (character, is_quoted)));
    }

    fn end(&mut self) {
        self.done.extend(self.current.take());
    }

    /// Adds what is divided at the characters of `separators`: blanks among them count as one, and not at the ends.
    fn split(&mut self, text: &str, separators: &str) {
        let is_blank = |character: char| separators.contains(character) && character.is_ascii_whitespace();
        let mut is_open = false;
        for character in text.chars() {
            if is_blank(character) {
                self.end();
                is_open = false;
            } else if separators.contains(character) {
                // It ends a field, and if there is none, an empty one.
                if !is_open {
                    self.current.get_or_insert_default();
                }
                self.end();
                is_open = false;
            } else {
                self.push(character.encode_utf8(&mut [0; 4]), false);
                is_open = true;
            }
        }
    }
}

fn unquoted(field: &[Character]) -> String {
    field.iter().map(|(character, _)| *character).collect()
}

/// The fields of words.
///
/// # Errors
/// What is wrong with one of them.
pub fn fields(context: &mut impl Context, words: &[Word]) -> Result<Vec<String>, String> {
    let mut all = Vec::new();
    for word in words {
        let mut fields = Fields::default();
        let separators = context.parameter("IFS").unwrap_or_else(|| " \t\n".to_string());
        expand(context, word, &mut fields, Some(&separators))?;
        fields.end();
        for field in &fields.done {
            let found = if pattern::has_wildcards(field) {
                paths(context, field)
            } else {
                Vec::new()
            };
            if found.is_empty() {
                all.push(unquoted(field));
            } else {
                all.extend(found);
            }
        }
    }
    Ok(all)
}

/// A word as one text.
///
/// # Errors
/// As [`fields`].
pub fn text(context: &mut impl Context, word: &Word) -> Result<String, String> {
    pattern(context, word).map(|field| unquoted(&field))
}

/// A word as a pattern.
///
/// # Errors
/// As [`fields`].
pub fn pattern(context: &mut impl Context, word: &Word) -> Result<Vec<Character>, String> {
    let mut fields = Fields::default();
    expand(context, word, &mut fields, None)?;
    fields.end();
    Ok(fields.done.join(&(' ', true)))
}

/// Adds what a word expands to. Without separators nothing is divided.
fn expand(
    context: &mut impl Context,
    word: &Word,
    fields: &mut Fields,
    separators: Option<&str>,
) -> Result<(), String> {
    for (place, part) in word.0.iter().enumerate() {
        match part {
            Part::Text(text) if place == 0 => {
                let (home, rest) = tilde(context, text);
                if let Some(home) = home {
                    fields.push(&home, true);
                }
                fields.push(rest, false);
            }
            Part::Text(text) => fields.push(text, false),
            Part::Quoted(text) => {
                // `"$@"` without arguments is no field, though it has quotes.
                let is_everything = matches!(word.0.get(place + 1), Some(Part::Parameter { name, is_quoted: true, .. }) if name == "@");
                if !(text.is_empty() && is_everything) {
                    fields.push(text, true);
                }
            }
            Part::Parameter {
                name,
                operation,
                is_quoted,
            } => {
                let separators = separators.filter(|_| !is_quoted);
                parameter(context, (name, operation, *is_quoted), fields, separators)?;
            }
            Part::Substitution { list, is_quoted } => {
                let output = context.substitute(list)?;
                value(fields, output.trim_end_matches('\n'), separators, *is_quoted);
            }
            Part::Arithmetic {
                expression,
                is_quoted,
            } => {
                let expression = text(context, expression)?;
                let number = arithmetic::evaluate(&expression, |name| context.parameter(name))?;
                value(fields, &number.to_string(), separators, *is_quoted);
            }
        }
    }
    Ok(())
}

/// The home directory, if the text begins with a `~` that means it, and the rest.
fn tilde<'a>(context: &impl Context, text: &'a str) -> (Option<String>, &'a str) {
    match text.strip_prefix('~') {
        Some(rest) if rest.is_empty() || rest.starts_with('/') => match context.parameter("HOME") {
            Some(home) => (Some(home), rest),
            None => (None, text),
        },
        _ => (None, text),
    }
}

/// Adds a value, in one piece if it is quoted.
fn value(fields: &mut Fields, text: &str, separators: Option<&str>, is_quoted: bool) {
    match separators {
        Some(separators) if !is_quoted => fields.split(text, separators),
        // Nothing unquoted is no field.
        _ if text.is_empty() && !is_quoted => {}
        _ => fields.push(text, is_quoted),
    }
}

fn parameter(
    context: &mut impl Context,
    (name, operation, is_quoted): (&str, &Operation, bool),
    fields: &mut Fields,
    separators: Option<&str>,
) -> Result<(), String> {
    if name == "@" && *operation == Operation::Value {
        let arguments = context.arguments().to_vec();
        for (place, argument) in arguments.iter().enumerate() {
            if place > 0 {
                fields.end();
            }
            value(fields, argument, separators, is_quoted);
        }
        return Ok(());
    }
    let found = match name {
        "@" | "*" => {
            let arguments = context.arguments();
            let between = context
                .parameter("IFS")
                .map_or(Some(' '), |separators| separators.chars().next());
            let between = between.map(String::from).unwrap_or_default();
            (!arguments.is_empty()).then(|| arguments.join(&between))
        }
        _ => context.parameter(name),
    };
    let is_missing = found.is_none() && !matches!(name, "@" | "*");
    match operation {
        Operation::Without {
            replacement,
            or_empty,
            word,
        } => {
            let found = found.filter(|text| !(*or_empty && text.is_empty()));
            without(
                context,
                name,
                (*replacement, word),
                found,
                fields,
                (separators, is_quoted),
            )
        }
        _ if is_missing && context.is_strict() => Err(format!("{name}: has no value")),
        Operation::Value => {
            value(fields, &found.unwrap_or_default(), separators, is_quoted);
            Ok(())
        }
        Operation::Length => {
            let length = match name {
                "@" | "*" => context.arguments().len(),
                _ => found.unwrap_or_default().chars().count(),
            };
            value(fields, &length.to_string(), separators, is_quoted);
            Ok(())
        }
        Operation::Remove {
            is_end,
            is_longest,
            pattern: word,
        } => {
            let taken = pattern(context, word)?;
            let text = found.unwrap_or_default();
            value(
                fields,
                pattern::remove(&text, &taken, *is_end, *is_longest),
                separators,
                is_quoted,
            );
            Ok(())
        }
    }
}

/// What is done for want of a value.
fn without(
    context: &mut impl Context,
    name: &str,
    (replacement, word): (Replacement, &Word),
    found: Option<String>,
    fields: &mut Fields,
    (separators, is_quoted): (Option<&str>, bool),
) -> Result<(), String> {
    match (found, replacement) {
        (Some(_), Replacement::Alternative) | (None, Replacement::Default) => {
            if is_quoted {
                let replaced = text(context, word)?;
                fields.push(&replaced, true);
                return Ok(());
            }
            replace(context, word, fields, separators)
        }
        (Some(text), _) => {
            value(fields, &text, separators, is_quoted);
            Ok(())
        }
        (None, Replacement::Alternative) => {
            value(fields, "", separators, is_quoted);
            Ok(())
        }
        (None, Replacement::Assign) => {
            let replaced = text(context, word)?;
            context.assign(name, &replaced)?;
            value(fields, &replaced, separators, is_quoted);
            Ok(())
        }
        (None, Replacement::Error) => {
            let told = text(context, word)?;
            let told = if told.is_empty() { "has no value" } else { &told };
            Err(format!("{name}: {told}"))
        }
    }
}

/// Adds a word that stands for a value: what of it is not quoted is divided, too.
fn replace(
    context: &mut impl Context,
    word: &Word,
    fields: &mut Fields,
    separators: Option<&str>,
) -> Result<(), String> {
    for part in &word.0 {
        match (part, separators) {
            (Part::Text(text), Some(separators)) => {
                let (home, rest) = tilde(context, text);
                if let Some(home) = home {
                    fields.push(&home, true);
                }
                fields.split(rest, separators);
            }
            _ => expand(context, &Word(vec![part.clone()]), fields, separators)?,
        }
    }
    Ok(())
}

/// The paths that fit a pattern, in order.
fn paths(context: &mut impl Context, field: &[Character]) -> Vec<String> {
    let mut found = vec![String::new()];
    for (place, component) in field.split(|(character, _)| *character == '/').enumerate() {
        let mut longer = Vec::new();
        for before in &found {
            let before = if place == 0 {
                before.clone()
            } else {
                format!("{before}/")
            };
            if !pattern::has_wildcards(component) {
                longer.push(format!("{before}{}", unquoted(component)));
                continue;
            }
            let directory = match before.trim_end_matches('/') {
                "" if !before.is_empty() => "/",
                directory => directory,
            };
            let mut names = context.names(directory);
            names.sort();
            // Names that begin with a dot are not meant unless it is there.
            let is_meant = |name: &String| !name.starts_with('.') || component[0].0 == '.';
            let names = names
                .into_iter()
                .filter(|name| is_meant(name) && pattern::fits(component, name));
            longer.extend(names.map(|name| format!("{before}{name}")));
        }
        found = longer;
    }
    // What stands behind the last wildcard was not looked up yet.
    let last = field
        .rsplit(|(character, _)| *character == '/')
        .next()
        .unwrap_or_default();
    if !pattern::has_wildcards(last) {
        found.retain(|path| context.exists(path));
    }
    found
}
