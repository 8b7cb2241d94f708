//! The end of a text, for `tail`.

/// Where the end begins.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Start {
    /// So many before the last.
    FromEnd(usize),
    /// At the one of this number, counted from 1.
    FromStart(usize),
}

impl Start {
    /// Reads a number; with a plus sign it is counted from the start.
    pub fn parse(text: &str) -> Option<Start> {
        match text.strip_prefix('+') {
            Some(number) => number.parse().ok().map(Start::FromStart),
            None => text
                .strip_prefix('-')
                .unwrap_or(text)
                .parse()
                .ok()
                .map(Start::FromEnd),
        }
    }
}

/// The last bytes.
pub fn bytes(text: &[u8], start: Start) -> &[u8] {
    match start {
        Start::FromEnd(count) => &text[text.len().saturating_sub(count)..],
        Start::FromStart(number) => text.get(number.saturating_sub(1)..).unwrap_or_default(),
    }
}

/// The last lines. The last one counts even without a line feed.
pub fn lines(text: &[u8], start: Start) -> &[u8] {
    let count = text.split_inclusive(|byte| *byte == b'\n').count();
    let skipped = match start {
        Start::FromEnd(wanted) => count.saturating_sub(wanted),
        Start::FromStart(number) => number.saturating_sub(1),
    };
    let lines = text.split_inclusive(|byte| *byte == b'\n').take(skipped);
    &text[lines.map(<[u8]>::len).sum()..]
}
