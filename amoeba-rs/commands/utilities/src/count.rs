//! Lines, words and bytes, for `wc`.

use core::ops::AddAssign;

/// What was counted.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Count {
    /// Line feeds.
    pub lines: u64,
    /// What stands between blanks.
    pub words: u64,
    /// Bytes.
    pub bytes: u64,
    /// Whether the last byte belonged to a word.
    in_word: bool,
}

impl Count {
    /// Counts more of the same text.
    pub fn add(&mut self, text: &[u8]) {
        for byte in text {
            self.lines += u64::from(*byte == b'\n');
            let in_word = !byte.is_ascii_whitespace() && *byte != 0x0b;
            self.words += u64::from(in_word && !self.in_word);
            self.in_word = in_word;
        }
        self.bytes += text.len() as u64;
    }
}

impl AddAssign for Count {
    fn add_assign(&mut self, other: Count) {
        self.lines += other.lines;
        self.words += other.words;
        self.bytes += other.bytes;
    }
}
