//! Regular expressions for consoles, and the simpler patterns for names of machines.

use regex::Regex;
use regex_syntax::Parser;

use super::code::Code;
use super::messages::{Place, Problem};

/// Checks a regular expression; `place` is the TOML string that it was read from.
pub(super) fn check(text: &str, place: Place) -> Result<(), Problem> {
    let problem = |at: Place, what: String| {
        Problem::new(Code::BadPattern, "this is not a regular expression")
            .at(at, what)
            .help("see https://docs.rs/regex for the syntax; write it in single quotes, so that \\ stays as it is")
    };
    match Parser::new().parse(text) {
        Ok(_) => {}
        Err(regex_syntax::Error::Parse(error)) => {
            let span = error.span();
            let at = part_of_string(text, place, span.start.offset, span.end.offset);
            return Err(problem(at, error.kind().to_string()));
        }
        Err(regex_syntax::Error::Translate(error)) => {
            let span = error.span();
            let at = part_of_string(text, place, span.start.offset, span.end.offset);
            return Err(problem(at, error.kind().to_string()));
        }
        Err(error) => return Err(problem(place, error.to_string())),
    }
    Regex::new(text)
        .map(drop)
        .map_err(|_| problem(place, "it is too large when it is compiled".to_owned()))
}

/// The place of `start..end` of a TOML string's text, if the string says it without escapes; else all of the string.
fn part_of_string(text: &str, place: Place, start: usize, end: usize) -> Place {
    let quotes = (place.end - place.start).checked_sub(text.len());
    let opening = match quotes {
        Some(0) => 0,
        Some(2) => 1,
        _ => return place,
    };
    place.part(opening + start, (end - start).max(1))
}

/// True if `name` matches a pattern in which `*` stands for any characters and `?` for one.
pub(super) fn matches(pattern: &str, name: &str) -> bool {
    let (pattern, name) = (pattern.as_bytes(), name.as_bytes());
    let (mut p, mut n) = (0, 0);
    // Where to go on if what follows the last star does not match: just behind it, one character later.
    let mut retry: Option<(usize, usize)> = None;
    while n < name.len() {
        match pattern.get(p) {
            Some(b'*') => {
                p += 1;
                retry = Some((p, n));
            }
            Some(&byte) if byte == b'?' || byte == name[n] => {
                p += 1;
                n += 1;
            }
            _ => match retry {
                Some((after_star, from)) => {
                    p = after_star;
                    n = from + 1;
                    retry = Some((after_star, n));
                }
                None => return false,
            },
        }
    }
    pattern[p..].iter().all(|&byte| byte == b'*')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_star_stands_for_any_characters_and_a_question_mark_for_one() {
        for (pattern, name) in [
            ("pc*", "pc"),
            ("pc*", "pc12"),
            ("*", "x"),
            ("p?1", "pc1"),
            ("*c*1", "pcc01"),
            ("pc0", "pc0"),
        ] {
            assert!(matches(pattern, name), "{pattern} {name}");
        }
        for (pattern, name) in [
            ("pc?", "pc"),
            ("pc*", "p"),
            ("", "x"),
            ("*2", "pc1"),
            ("pc0", "pc00"),
        ] {
            assert!(!matches(pattern, name), "{pattern} {name}");
        }
    }
}
