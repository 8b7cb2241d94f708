//! Lines in order, for `sort`.

use alloc::vec::Vec;
use core::cmp::Ordering;

/// What order is meant.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Order {
    /// Numbers at the beginning of lines count (`-n`).
    pub is_numeric: bool,
    /// The greatest first (`-r`).
    pub is_reverse: bool,
    /// Of equal lines one stays (`-u`).
    pub is_unique: bool,
    /// Capital letters are like small ones (`-f`).
    pub folds: bool,
    /// The number, from 1, of the field at which comparison begins (`-k`), if not the line.
    pub field: Option<usize>,
}

/// A decimal number at the beginning of a text: sign, digits before the point without zeros in front, digits behind it.
fn number(text: &[u8]) -> (bool, &[u8], &[u8]) {
    let blanks = text.iter().take_while(|byte| byte.is_ascii_whitespace()).count();
    let text = &text[blanks..];
    let (is_negative, text) = match text.strip_prefix(b"-") {
        Some(rest) => (true, rest),
        None => (false, text),
    };
    let digits = |text: &[u8]| text.iter().take_while(|byte| byte.is_ascii_digit()).count();
    let (whole, rest) = text.split_at(digits(text));
    let part = rest
        .strip_prefix(b".")
        .map_or(&[][..], |rest| &rest[..digits(rest)]);
    let zeros = whole.iter().take_while(|byte| **byte == b'0').count();
    let part_length = part
        .iter()
        .rposition(|byte| *byte != b'0')
        .map_or(0, |last| last + 1);
    let (whole, part) = (&whole[zeros..], &part[..part_length]);
    // There is one zero only.
    (is_negative && !(whole.is_empty() && part.is_empty()), whole, part)
}

fn compare_numbers(left: &[u8], right: &[u8]) -> Ordering {
    let (left, right) = (number(left), number(right));
    let size = |(_, whole, part): (bool, &[u8], &[u8]), (_, other, rest): (bool, &[u8], &[u8])| {
        whole
            .len()
            .cmp(&other.len())
            .then_with(|| whole.cmp(other))
            .then_with(|| part.cmp(rest))
    };
    match (left.0, right.0) {
        (false, true) => Ordering::Greater,
        (true, false) => Ordering::Less,
        (false, false) => size(left, right),
        (true, true) => size(right, left),
    }
}

/// What of a line is compared.
fn key(line: &[u8], order: Order) -> &[u8] {
    let Some(field) = order.field else {
        return line;
    };
    let mut rest = line;
    for _ in 1..field {
        let blanks = rest.iter().take_while(|byte| byte.is_ascii_whitespace()).count();
        rest = &rest[blanks..];
        let word = rest.iter().take_while(|byte| !byte.is_ascii_whitespace()).count();
        rest = &rest[word..];
    }
    let blanks = rest.iter().take_while(|byte| byte.is_ascii_whitespace()).count();
    &rest[blanks..]
}

fn compare(left: &[u8], right: &[u8], order: Order) -> Ordering {
    let (left, right) = (key(left, order), key(right, order));
    if order.is_numeric {
        return compare_numbers(left, right);
    }
    if order.folds {
        let lower = |text: &[u8]| text.to_ascii_lowercase();
        return lower(left).cmp(&lower(right));
    }
    left.cmp(right)
}

/// The lines of a text in order, without their line feeds. Lines that the order holds for equal are in that of their bytes, so that nothing
/// depends on where they came from.
pub fn sort(text: &[u8], order: Order) -> Vec<&[u8]> {
    let mut lines: Vec<&[u8]> = text.split(|byte| *byte == b'\n').collect();
    if lines.last().is_some_and(|line| line.is_empty()) {
        lines.pop();
    }
    let directed = |ordering: Ordering| {
        if order.is_reverse {
            ordering.reverse()
        } else {
            ordering
        }
    };
    lines.sort_by(|left, right| directed(compare(left, right, order).then_with(|| left.cmp(right))));
    if order.is_unique {
        lines.dedup_by(|left, right| compare(left, right, order) == Ordering::Equal);
    }
    lines
}
