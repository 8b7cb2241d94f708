//! Patterns: `*`, `?` and `[...]` where they are not quoted (POSIX 1003.2, section 3.13).

use alloc::vec::Vec;

/// A character of a pattern, and whether it stands for itself.
pub type Character = (char, bool);

/// Whether there is anything that a text could fit in more than one way.
pub fn has_wildcards(pattern: &[Character]) -> bool {
    let is_wild = |(character, is_quoted): &Character| !is_quoted && matches!(character, '*' | '?' | '[');
    pattern.iter().any(is_wild)
}

/// What a bracket expression at the start of a pattern says about a character, and what of the pattern is behind it; `None` if the
/// bracket has no end and so is an ordinary character.
fn bracket(pattern: &[Character], character: char) -> Option<(bool, &[Character])> {
    let mut rest = pattern.get(1..)?;
    let is_negated = matches!(rest.first(), Some(('!' | '^', false)));
    if is_negated {
        rest = &rest[1..];
    }
    let (mut is_in, mut is_first) = (false, true);
    loop {
        let &(low, is_quoted) = rest.first()?;
        rest = &rest[1..];
        if low == ']' && !is_quoted && !is_first {
            return Some((is_in != is_negated, rest));
        }
        is_first = false;
        let high = match rest {
            [('-', false), (high, high_quoted), ..] if *high != ']' || *high_quoted => *high,
            _ => low,
        };
        if high != low || matches!(rest, [('-', false), (same, _), ..] if *same == low) {
            rest = &rest[2..];
        }
        is_in |= (low..=high).contains(&character);
    }
}

/// Whether a text fits a pattern. The work is bounded by the product of their lengths: after a mismatch only the last `*` is tried
/// anew.
pub fn fits(pattern: &[Character], text: &str) -> bool {
    let text: Vec<char> = text.chars().collect();
    let (mut left, mut place) = (pattern, 0);
    let mut star: Option<(&[Character], usize)> = None;
    loop {
        if let Some(('*', false)) = left.first() {
            left = &left[1..];
            star = Some((left, place));
            continue;
        }
        let next = text.get(place).copied();
        let step = match (left.first(), next) {
            (None, None) => return true,
            (Some(('?', false)), Some(_)) => Some(&left[1..]),
            (Some(('[', false)), Some(character)) => match bracket(left, character) {
                Some((is_in, rest)) => is_in.then_some(rest),
                None => (character == '[').then(|| &left[1..]),
            },
            (Some((wanted, _)), Some(character)) => (*wanted == character).then(|| &left[1..]),
            _ => None,
        };
        if let Some(rest) = step {
            (left, place) = (rest, place + 1);
            continue;
        }
        match star {
            Some((behind, from)) if from < text.len() => {
                star = Some((behind, from + 1));
                (left, place) = (behind, from + 1);
            }
            _ => return false,
        }
    }
}

/// What is left of a text when a pattern has taken away as little or as much as fits, at its end or at its beginning.
pub fn remove<'a>(text: &'a str, pattern: &[Character], is_end: bool, is_longest: bool) -> &'a str {
    let mut places: Vec<usize> = text.char_indices().map(|(place, _)| place).collect();
    places.push(text.len());
    if is_end != is_longest {
        places.reverse();
    }
    for place in places {
        let (before, behind) = text.split_at(place);
        let (taken, left) = if is_end {
            (behind, before)
        } else {
            (before, behind)
        };
        if fits(pattern, taken) {
            return left;
        }
    }
    text
}
