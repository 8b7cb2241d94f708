//! Placeholder.
pub(crate) fn interrupt(_line: u8) {}
