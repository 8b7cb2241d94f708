//! Hash chains over the slots of a table.

use alloc::vec::Vec;

const END: u16 = u16::MAX;
/// Chains of a table.
const BUCKETS: usize = 128;

/// Which slots have the same hash, those added last first.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Chains {
    first: [u16; BUCKETS],
    next: Vec<u16>,
}

/// The chain of a key. Keys are random numbers, so any of their bits will do.
pub(super) fn bucket(key: &[u8]) -> usize {
    key.iter()
        .fold(0_u8, |hash, byte| hash.rotate_left(1) ^ byte)
        .into()
}

impl Chains {
    pub(super) fn new() -> Chains {
        Chains {
            first: [END; BUCKETS],
            next: Vec::new(),
        }
    }

    /// Puts a slot at the beginning of a chain.
    pub(super) fn add(&mut self, bucket: usize, slot: usize) {
        if self.next.len() <= slot {
            self.next.resize(slot + 1, END);
        }
        let first = &mut self.first[bucket % BUCKETS];
        self.next[slot] = *first;
        *first = slot as u16;
    }

    /// Takes a slot out of the chain it is in.
    pub(super) fn remove(&mut self, bucket: usize, slot: usize) {
        let after = self.next[slot];
        let before = self
            .slots(bucket)
            .find(|&before| usize::from(self.next[before]) == slot);
        match before {
            Some(before) => self.next[before] = after,
            None => self.first[bucket % BUCKETS] = after,
        }
    }

    /// The slots of a chain.
    pub(super) fn slots(&self, bucket: usize) -> impl Iterator<Item = usize> {
        let mut at = self.first[bucket % BUCKETS];
        core::iter::from_fn(move || {
            let slot = usize::from(at);
            (at != END).then(|| {
                at = self.next[slot];
                slot
            })
        })
    }
}
