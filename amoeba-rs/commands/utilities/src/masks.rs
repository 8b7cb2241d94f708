//! Masks of rights as people write them: hexadecimal numbers with colons between them, one for each column.

use alloc::format;
use alloc::string::String;
use alloc::vec::Vec;
use proto::capability::Rights;
use proto::soap::{MOST_COLUMNS, Masks};

/// A new directory: each column has its own right in it, and the owner all.
pub const DIRECTORY: Masks = [Rights(0xff), Rights(0x02), Rights(0x04), Rights(0x08)];
/// A file: all but the owner read.
pub const FILE: Masks = [Rights(0xff), Rights(0x02), Rights(0x02), Rights(0x02)];

/// Rights as a hexadecimal number.
pub fn rights(text: &str) -> Option<Rights> {
    let is_good = (1..=2).contains(&text.len()) && text.bytes().all(|byte| byte.is_ascii_hexdigit());
    is_good.then(|| u8::from_str_radix(text, 16).ok().map(Rights))?
}

/// Masks; those of columns that are not named are none.
pub fn parse(text: &str) -> Option<Masks> {
    let mut masks = [Rights(0); MOST_COLUMNS];
    let mut words = text.split(':');
    for (mask, word) in masks.iter_mut().zip(words.by_ref()) {
        *mask = rights(word)?;
    }
    words.next().is_none().then_some(masks)
}

/// The masks of so many columns.
pub fn print(masks: &Masks, columns: usize) -> String {
    let all: Vec<String> = masks
        .iter()
        .take(columns)
        .map(|mask| format!("{:x}", mask.0))
        .collect();
    all.join(":")
}
