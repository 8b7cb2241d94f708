use super::{Cache, Exclusive, Shared, Slot};
use crate::disk::bytes_of;
use crate::memory::Memory;
use proptest::collection::vec;
use proptest::prelude::{ProptestConfig, any, proptest};
use std::vec;
use std::vec::Vec;

const UNITS: u32 = 24;

/// A file of the model: what its bytes are.
struct Known {
    slot: Slot,
    byte: u8,
    units: u32,
    is_disposable: bool,
    readers: Vec<Shared>,
}

struct Model<'m> {
    cache: Cache,
    memory: Memory<'m>,
    known: Vec<Known>,
    /// Places that are being filled, and with what.
    open: Vec<(Exclusive, u8)>,
    next: u8,
}

impl Model<'_> {
    fn fill(&mut self, mut place: Exclusive, byte: u8) -> Exclusive {
        self.memory.bytes_mut(&mut place).fill(byte);
        place
    }

    fn reserve(&mut self, units: u32) {
        let is_possible = self.cache.free().largest() >= units;
        let place = self.cache.reserve(u32::from(self.next), units);
        assert_eq!(place.is_some(), is_possible);
        if let Some(place) = place {
            let place = self.fill(place, self.next);
            self.open.push((place, self.next));
            self.next += 1;
        }
    }

    fn finish(&mut self, which: usize, is_disposable: bool) {
        if self.open.is_empty() {
            return;
        }
        let (place, byte) = self.open.swap_remove(which % self.open.len());
        let units = place.units();
        let slot = self.cache.finish(place);
        if is_disposable {
            self.cache.dispose(slot);
        }
        let readers = Vec::new();
        self.known.push(Known {
            slot,
            byte,
            units,
            is_disposable,
            readers,
        });
    }

    fn grow(&mut self, which: usize, units: u32) {
        if self.open.is_empty() {
            return;
        }
        let (mut place, byte) = self.open.swap_remove(which % self.open.len());
        if units >= place.units() {
            self.cache.extend(&mut place, units);
        } else {
            self.cache.trim(&mut place, units);
        }
        let place = self.fill(place, byte);
        self.open.push((place, byte));
    }

    fn read(&mut self, which: usize, is_begun: bool) {
        if self.known.is_empty() {
            return;
        }
        let place = which % self.known.len();
        let known = &mut self.known[place];
        if is_begun {
            known.readers.push(self.cache.share(known.slot));
        } else if let Some(reader) = known.readers.pop() {
            self.cache.unshare(reader);
        }
    }

    fn release(&mut self, which: usize) {
        if self.known.is_empty() {
            return;
        }
        let place = which % self.known.len();
        let known = self.known.swap_remove(place);
        self.cache.release(known.slot);
        for reader in known.readers {
            assert!(
                self.memory.bytes(&reader).iter().all(|byte| *byte == known.byte),
                "what is read stays"
            );
            self.cache.unshare(reader);
        }
    }

    fn evict(&mut self) {
        let is_possible = self
            .known
            .iter()
            .any(|known| known.is_disposable && known.readers.is_empty());
        let evicted = self.cache.evict();
        assert_eq!(evicted.is_some(), is_possible);
        if let Some(owner) = evicted {
            let place = self
                .known
                .iter()
                .position(|known| u32::from(known.byte) == owner)
                .expect("a known file");
            let known = self.known.swap_remove(place);
            assert!(known.is_disposable && known.readers.is_empty());
        }
    }

    /// Everything is where it belongs and as it was.
    fn check(&mut self) {
        for known in &self.known {
            let reader = self.cache.share(known.slot);
            let bytes = self.memory.bytes(&reader);
            assert_eq!(bytes.len(), bytes_of(known.units));
            assert!(bytes.iter().all(|byte| *byte == known.byte));
            self.cache.unshare(reader);
        }
        for (place, byte) in &mut self.open {
            assert!(self.memory.bytes_mut(place).iter().all(|there| there == byte));
        }
        let used: u32 = self.known.iter().map(|known| known.units).sum();
        let open: u32 = self.open.iter().map(|(place, _)| place.units()).sum();
        assert_eq!(self.cache.free().total() + used + open, UNITS);
        assert_eq!(self.cache.count(), self.known.len() + self.open.len());
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(300))]

    #[test]
    fn contents_stay_whatever_moves_round_them(steps in vec((0..9_u8, any::<usize>(), 1..9_u32), 1..120)) {
        let mut bytes = vec![0; bytes_of(UNITS)];
        let memory = Memory::new(&mut bytes);
        let (cache, known, open) = (Cache::new(UNITS), Vec::new(), Vec::new());
        let mut model = Model { cache, memory, known, open, next: 1 };
        for (kind, which, units) in steps {
            match kind {
                0 | 1 => model.reserve(units),
                2 => model.finish(which, true),
                3 => model.finish(which, which % 2 == 0),
                4 => model.grow(which, units),
                5 => model.read(which, true),
                6 => model.read(which, false),
                7 if which % 2 == 0 => model.release(which),
                7 => model.evict(),
                _ => {
                    model.cache.compact(&model.memory);
                    let is_free = model.open.is_empty() && model.known.iter().all(|known| known.readers.is_empty());
                    assert!(!is_free || model.cache.free().count() <= 1);
                }
            }
            model.check();
        }
    }
}

#[test]
fn the_file_that_was_used_longest_ago_goes_first() {
    let mut cache = Cache::new(8);
    let slots: Vec<Slot> = (0..4)
        .map(|owner| {
            let place = cache.reserve(owner, 2).expect("room");
            let slot = cache.finish(place);
            cache.dispose(slot);
            slot
        })
        .collect();
    let reader = cache.share(slots[0]);
    cache.unshare(reader);
    let reader = cache.share(slots[1]);
    assert_eq!(
        [cache.evict(), cache.evict(), cache.evict(), cache.evict()],
        [Some(2), Some(3), Some(0), None]
    );
    cache.unshare(reader);
    assert_eq!(cache.evict(), Some(1));
}
