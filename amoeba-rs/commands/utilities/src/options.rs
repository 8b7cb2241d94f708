//! Options: letters behind a dash, some of which take a value, up to the first word that is none.

use alloc::vec::Vec;

/// What stood in front of the operands.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Options<'a> {
    letters: Vec<(char, Option<&'a str>)>,
    /// What followed.
    pub operands: Vec<&'a str>,
}

impl<'a> Options<'a> {
    /// Reads words. `known` lists the letters; one with a colon behind it takes a value, in the same word or the next.
    ///
    /// # Errors
    /// The letter that is not known or has no value.
    pub fn parse(words: &[&'a str], known: &str) -> Result<Options<'a>, char> {
        let mut options = Options::default();
        let mut words = words.iter();
        while let Some(word) = words.as_slice().first() {
            if *word == "--" {
                words.next();
                break;
            }
            let Some(letters) = word.strip_prefix('-').filter(|letters| !letters.is_empty()) else {
                break;
            };
            words.next();
            for (place, letter) in letters.char_indices() {
                let found = known.find(letter).filter(|_| letter != ':').ok_or(letter)?;
                if !known[found + letter.len_utf8()..].starts_with(':') {
                    options.letters.push((letter, None));
                    continue;
                }
                let rest = &letters[place + letter.len_utf8()..];
                let value = if rest.is_empty() {
                    *words.next().ok_or(letter)?
                } else {
                    rest
                };
                options.letters.push((letter, Some(value)));
                break;
            }
        }
        options.operands = words.copied().collect();
        Ok(options)
    }

    /// Whether a letter was there.
    pub fn has(&self, letter: char) -> bool {
        self.letters.iter().any(|(own, _)| *own == letter)
    }

    /// The last value of a letter.
    pub fn value(&self, letter: char) -> Option<&'a str> {
        self.values(letter).last()
    }

    /// The values of a letter.
    pub fn values(&self, letter: char) -> impl Iterator<Item = &'a str> {
        let own = self.letters.iter().filter(move |(own, _)| *own == letter);
        own.filter_map(|(_, value)| *value)
    }
}
