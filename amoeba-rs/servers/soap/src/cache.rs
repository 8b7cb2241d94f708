//! Directories at hand: those used last, up to a number of bytes. Encrypted ones are kept as they are.

use crate::directory::Directory;
use alloc::collections::BTreeMap;
use alloc::vec::Vec;

/// The most bytes of directories' files.
pub const MOST_BYTES: usize = 400 << 10;

/// A directory's contents.
#[derive(Clone, Debug)]
pub enum Contents {
    /// A directory that anybody could read.
    Plain(Directory),
    /// An encrypted file.
    Sealed(Vec<u8>),
}

impl Contents {
    fn length(&self) -> usize {
        match self {
            Contents::Plain(directory) => directory.length(),
            Contents::Sealed(file) => file.len(),
        }
    }
}

#[derive(Clone, Debug)]
struct Entry {
    contents: Contents,
    length: usize,
    /// When it was used last.
    used: u64,
}

/// The directories that were used last.
#[derive(Clone, Debug, Default)]
pub struct Cache {
    entries: BTreeMap<u32, Entry>,
    length: usize,
    uses: u64,
}

impl Cache {
    /// A directory, if it is at hand.
    pub fn get(&mut self, object: u32) -> Option<&Contents> {
        self.uses += 1;
        let entry = self.entries.get_mut(&object)?;
        entry.used = self.uses;
        Some(&entry.contents)
    }

    /// Keeps a directory, and forgets others that were used longest ago to make room.
    pub fn put(&mut self, object: u32, contents: Contents) {
        self.remove(object);
        let length = contents.length();
        while self.length + length > MOST_BYTES {
            let oldest = self.entries.iter().min_by_key(|(_, entry)| entry.used);
            let Some(object) = oldest.map(|(object, _)| *object) else {
                break;
            };
            self.remove(object);
        }
        self.uses += 1;
        let entry = Entry {
            contents,
            length,
            used: self.uses,
        };
        self.entries.insert(object, entry);
        self.length += length;
    }

    /// Forgets a directory.
    pub fn remove(&mut self, object: u32) {
        if let Some(entry) = self.entries.remove(&object) {
            self.length -= entry.length;
        }
    }

    /// Forgets all.
    pub fn clear(&mut self) {
        *self = Cache::default();
    }

    /// Bytes of the files of all directories at hand.
    pub fn length(&self) -> usize {
        self.length
    }
}

#[cfg(test)]
mod tests {
    use super::{Cache, Contents, MOST_BYTES};
    use alloc::vec;

    #[test]
    fn what_was_used_longest_ago_goes_first() {
        let mut cache = Cache::default();
        for object in 1..=4 {
            cache.put(object, Contents::Sealed(vec![0; MOST_BYTES / 4]));
        }
        assert!(cache.get(1).is_some());
        cache.put(5, Contents::Sealed(vec![0; MOST_BYTES / 4]));
        assert!(cache.get(2).is_none());
        assert!([1, 3, 4, 5].iter().all(|object| cache.get(*object).is_some()));
        assert_eq!(cache.length(), MOST_BYTES / 4 * 4);
    }

    #[test]
    fn a_directory_that_is_put_again_counts_once() {
        let mut cache = Cache::default();
        cache.put(1, Contents::Sealed(vec![0; 100]));
        cache.put(1, Contents::Sealed(vec![0; 50]));
        assert_eq!(cache.length(), 50);
        cache.clear();
        assert!(cache.get(1).is_none());
        assert_eq!(cache.length(), 0);
    }
}
