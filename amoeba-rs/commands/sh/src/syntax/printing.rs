//! How values are printed, so that they are read back as the same.

use super::{Command, Condition, Direction, Item, Kind, List, Operation, Part, Pipeline, Redirection, Word};
use core::fmt::{self, Display, Formatter, Write};

/// Values with something between them.
fn separated<T: Display>(formatter: &mut Formatter<'_>, values: &[T], between: &str) -> fmt::Result {
    for (place, value) in values.iter().enumerate() {
        let before = if place == 0 { "" } else { between };
        write!(formatter, "{before}{value}")?;
    }
    Ok(())
}

impl Display for List {
    fn fmt(&self, formatter: &mut Formatter<'_>) -> fmt::Result {
        for (place, item) in self.0.iter().enumerate() {
            let is_last = place + 1 == self.0.len();
            write!(formatter, "{item}")?;
            match (item.is_background, is_last) {
                (true, _) => write!(formatter, "{}", if is_last { "" } else { " " })?,
                (false, false) => write!(formatter, "; ")?,
                (false, true) => {}
            }
        }
        Ok(())
    }
}

/// A list before a word or character that only counts where a command begins.
struct Ended<'a>(&'a List);

impl Display for Ended<'_> {
    fn fmt(&self, formatter: &mut Formatter<'_>) -> fmt::Result {
        let end = match self.0.0.last() {
            Some(last) if !last.is_background => ";",
            _ => "",
        };
        write!(formatter, " {}{end} ", self.0)
    }
}

impl Display for Item {
    fn fmt(&self, formatter: &mut Formatter<'_>) -> fmt::Result {
        write!(formatter, "{}", self.first)?;
        for (condition, pipeline) in &self.rest {
            let operator = match condition {
                Condition::Success => "&&",
                Condition::Failure => "||",
            };
            write!(formatter, " {operator} {pipeline}")?;
        }
        formatter.write_str(if self.is_background { " &" } else { "" })
    }
}

impl Display for Pipeline {
    fn fmt(&self, formatter: &mut Formatter<'_>) -> fmt::Result {
        formatter.write_str(if self.is_negated { "! " } else { "" })?;
        separated(formatter, &self.commands, " | ")
    }
}

impl Display for Command {
    fn fmt(&self, formatter: &mut Formatter<'_>) -> fmt::Result {
        // Behind a redirection no word is a reserved one, so those of a simple command come first.
        if let Kind::Simple { assignments, words } = &self.kind {
            separated(formatter, &self.redirections, " ")?;
            let is_all = self.redirections.is_empty() || assignments.is_empty() && words.is_empty();
            return write!(formatter, "{}{}", if is_all { "" } else { " " }, self.kind);
        }
        write!(formatter, "{}", self.kind)?;
        self.redirections
            .iter()
            .try_for_each(|redirection| write!(formatter, " {redirection}"))
    }
}

impl Display for Kind {
    fn fmt(&self, formatter: &mut Formatter<'_>) -> fmt::Result {
        match self {
            Kind::Simple { assignments, words } => {
                for (place, (name, value)) in assignments.iter().enumerate() {
                    let before = if place == 0 { "" } else { " " };
                    write!(formatter, "{before}{name}={value}")?;
                }
                let between = !assignments.is_empty() && !words.is_empty();
                formatter.write_str(if between { " " } else { "" })?;
                separated(formatter, words, " ")
            }
            Kind::Group(list) => write!(formatter, "{{{}}}", Ended(list)),
            Kind::Subshell(list) => write!(formatter, "({list})"),
            Kind::If(branches, otherwise) => {
                for (place, (condition, body)) in branches.iter().enumerate() {
                    let word = if place == 0 { "if" } else { "elif" };
                    write!(formatter, "{word}{}then{}", Ended(condition), Ended(body))?;
                }
                if let Some(list) = otherwise {
                    write!(formatter, "else{}", Ended(list))?;
                }
                formatter.write_str("fi")
            }
            Kind::Loop {
                is_until,
                condition,
                body,
            } => {
                let word = if *is_until { "until" } else { "while" };
                write!(formatter, "{word}{}do{}done", Ended(condition), Ended(body))
            }
            Kind::For(name, words, body) => {
                write!(formatter, "for {name}")?;
                if let Some(words) = words {
                    formatter.write_str(" in ")?;
                    separated(formatter, words, " ")?;
                }
                write!(formatter, "; do{}done", Ended(body))
            }
            Kind::Case(word, arms) => {
                write!(formatter, "case {word} in ")?;
                for (patterns, list) in arms {
                    formatter.write_str("(")?;
                    separated(formatter, patterns, "|")?;
                    write!(formatter, ") {list} ;; ")?;
                }
                formatter.write_str("esac")
            }
            Kind::Function(name, body) => write!(formatter, "{name}() {body}"),
        }
    }
}

impl Display for Redirection {
    fn fmt(&self, formatter: &mut Formatter<'_>) -> fmt::Result {
        let operator = match self.kind {
            Direction::Input => "<",
            Direction::Output => ">",
            Direction::Append => ">>",
            Direction::Duplicate => ">&",
            Direction::Text => "<<<",
        };
        write!(formatter, "{}{operator}{}", self.stream, self.target)
    }
}

impl Display for Word {
    fn fmt(&self, formatter: &mut Formatter<'_>) -> fmt::Result {
        self.0.iter().try_for_each(|part| write!(formatter, "{part}"))
    }
}

impl Display for Part {
    fn fmt(&self, formatter: &mut Formatter<'_>) -> fmt::Result {
        let quote = |is_quoted: &bool| if *is_quoted { "\"" } else { "" };
        match self {
            Part::Text(text) => formatter.write_str(text),
            Part::Quoted(text) => quoted(formatter, text),
            Part::Parameter {
                name,
                operation,
                is_quoted,
            } => {
                let quote = quote(is_quoted);
                write!(formatter, "{quote}${{")?;
                operate(formatter, name, operation)?;
                write!(formatter, "}}{quote}")
            }
            Part::Substitution { list, is_quoted } => {
                let quote = quote(is_quoted);
                // A parenthesis behind the first would begin an expression.
                write!(formatter, "{quote}$( {list}){quote}")
            }
            Part::Arithmetic {
                expression,
                is_quoted,
            } => {
                let quote = quote(is_quoted);
                write!(formatter, "{quote}$(({expression})){quote}")
            }
        }
    }
}

fn operate(formatter: &mut Formatter<'_>, name: &str, operation: &Operation) -> fmt::Result {
    match operation {
        Operation::Value => write!(formatter, "{name}"),
        Operation::Length => write!(formatter, "#{name}"),
        Operation::Without {
            replacement,
            or_empty,
            word,
        } => {
            let colon = if *or_empty { ":" } else { "" };
            write!(formatter, "{name}{colon}{}{word}", replacement.character())
        }
        Operation::Remove {
            is_end,
            is_longest,
            pattern,
        } => {
            let operator = if *is_end { "%" } else { "#" };
            let more = if *is_longest { operator } else { "" };
            write!(formatter, "{name}{operator}{more}{pattern}")
        }
    }
}

/// Text between single quotes; one of these in it stands between quotes of the other kind.
fn quoted(formatter: &mut Formatter<'_>, text: &str) -> fmt::Result {
    formatter.write_char('\'')?;
    for character in text.chars() {
        match character {
            '\'' => formatter.write_str("'\"'\"'")?,
            _ => formatter.write_char(character)?,
        }
    }
    formatter.write_char('\'')
}
