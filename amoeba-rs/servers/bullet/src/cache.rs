//! Which file lies where in the cache: each in one piece, the one that was used longest ago goes first.
//!
//! A place whose bytes somebody uses is covered by a token: [`Shared`] to read them, [`Exclusive`] to change them. Such a place
//! neither moves nor goes.

use crate::disk::bytes_of;
use crate::extents::Extents;
use crate::memory::Memory;
use alloc::collections::BTreeMap;
use alloc::vec::Vec;
use core::num::NonZeroU32;

/// Names the place of a file.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Slot(NonZeroU32);

impl Slot {
    fn new(index: usize) -> Slot {
        Slot(NonZeroU32::MIN.saturating_add(index as u32))
    }

    fn index(self) -> usize {
        self.0.get() as usize - 1
    }
}

/// Leave to read a place.
#[derive(Debug)]
pub(crate) struct Shared {
    slot: Slot,
    start: u32,
    units: u32,
}

impl Shared {
    /// First unit.
    pub(crate) fn start(&self) -> u32 {
        self.start
    }

    /// How many units.
    pub(crate) fn units(&self) -> u32 {
        self.units
    }
}

/// Leave to read and change a place.
#[derive(Debug)]
pub(crate) struct Exclusive {
    slot: Slot,
    start: u32,
    units: u32,
}

impl Exclusive {
    /// First unit.
    pub(crate) fn start(&self) -> u32 {
        self.start
    }

    /// How many units.
    pub(crate) fn units(&self) -> u32 {
        self.units
    }
}

#[derive(Debug)]
struct Place {
    /// Whose contents these are.
    owner: u32,
    start: u32,
    units: u32,
    /// How many read it.
    readers: u32,
    /// Whether somebody changes it.
    is_exclusive: bool,
    /// Whether it goes when its last reader has gone.
    is_released: bool,
    /// When it was used last, if the file can be had from the disk again.
    used: Option<u64>,
}

impl Place {
    fn is_in_use(&self) -> bool {
        self.readers > 0 || self.is_exclusive
    }
}

/// The map of the cache. Its unit is a sector.
#[derive(Debug)]
pub(crate) struct Cache {
    units: u32,
    free: Extents,
    places: Vec<Option<Place>>,
    /// Places whose contents are on the disk too, by when they were used.
    disposable: BTreeMap<u64, Slot>,
    clock: u64,
}

impl Cache {
    /// An empty cache of so many units.
    pub(crate) fn new(units: u32) -> Cache {
        Cache {
            units,
            free: Extents::new(0..units),
            places: Vec::new(),
            disposable: BTreeMap::new(),
            clock: 0,
        }
    }

    /// Its size.
    pub(crate) fn units(&self) -> u32 {
        self.units
    }

    /// What is free.
    pub(crate) fn free(&self) -> &Extents {
        &self.free
    }

    /// How many files it holds.
    pub(crate) fn count(&self) -> usize {
        self.places.iter().flatten().count()
    }

    fn place(&mut self, slot: Slot) -> &mut Place {
        self.places[slot.index()].as_mut().expect("a slot in use")
    }

    /// A new place, if there is one without any file having to go.
    pub(crate) fn reserve(&mut self, owner: u32, units: u32) -> Option<Exclusive> {
        let start = self.free.take(units)?;
        let index = self.places.iter().position(Option::is_none).unwrap_or_else(|| {
            self.places.push(None);
            self.places.len() - 1
        });
        self.places[index] = Some(Place {
            owner,
            start,
            units,
            readers: 0,
            is_exclusive: true,
            is_released: false,
            used: None,
        });
        Some(Exclusive {
            slot: Slot::new(index),
            start,
            units,
        })
    }

    /// Makes a place longer where it is; false if what lies behind it is not free.
    pub(crate) fn extend(&mut self, token: &mut Exclusive, units: u32) -> bool {
        let is_free = self.free.take_at(token.start + token.units, units - token.units);
        if is_free {
            token.units = units;
            self.place(token.slot).units = units;
        }
        is_free
    }

    /// Makes a place shorter.
    pub(crate) fn trim(&mut self, token: &mut Exclusive, units: u32) {
        self.free.give(token.start + units, token.units - units);
        token.units = units;
        self.place(token.slot).units = units;
    }

    /// The contents are complete.
    pub(crate) fn finish(&mut self, token: Exclusive) -> Slot {
        self.place(token.slot).is_exclusive = false;
        token.slot
    }

    /// The contents are not wanted any more.
    pub(crate) fn discard(&mut self, token: Exclusive) {
        let slot = self.finish(token);
        self.release(slot);
    }

    /// Leave to change a place that nobody uses.
    ///
    /// # Panics
    /// If somebody does.
    pub(crate) fn change(&mut self, slot: Slot) -> Exclusive {
        let place = self.place(slot);
        assert!(!place.is_in_use(), "nobody else uses a file that is changed");
        place.is_exclusive = true;
        Exclusive {
            slot,
            start: place.start,
            units: place.units,
        }
    }

    /// Leave to read a place that nobody changes; it has been used now.
    ///
    /// # Panics
    /// If somebody changes it.
    pub(crate) fn share(&mut self, slot: Slot) -> Shared {
        self.touch(slot);
        let place = self.place(slot);
        assert!(!place.is_exclusive, "nobody changes a file that is read");
        place.readers += 1;
        Shared {
            slot,
            start: place.start,
            units: place.units,
        }
    }

    /// The place is not read any more.
    pub(crate) fn unshare(&mut self, token: Shared) {
        let place = self.place(token.slot);
        place.readers -= 1;
        if place.is_released && place.readers == 0 {
            place.is_released = false;
            self.release(token.slot);
        }
    }

    fn touch(&mut self, slot: Slot) {
        if let Some(used) = self.place(slot).used {
            self.disposable.remove(&used);
            self.dispose(slot);
        }
    }

    /// The contents are on the disk too, so that the place may go when there is need.
    pub(crate) fn dispose(&mut self, slot: Slot) {
        self.clock += 1;
        let now = self.clock;
        self.place(slot).used = Some(now);
        self.disposable.insert(now, slot);
    }

    /// Nobody will ask for the contents again: they go as soon as nobody reads them.
    pub(crate) fn release(&mut self, slot: Slot) {
        let place = self.place(slot);
        let used = place.used.take();
        if place.readers > 0 {
            place.is_released = true;
        } else {
            let (start, units) = (place.start, place.units);
            self.places[slot.index()] = None;
            self.free.give(start, units);
        }
        if let Some(used) = used {
            self.disposable.remove(&used);
        }
    }

    /// Whether somebody reads a place.
    pub(crate) fn is_shared(&self) -> bool {
        self.places.iter().flatten().any(|place| place.readers > 0)
    }

    /// The file that was used longest ago goes, if any can: whose it was.
    pub(crate) fn evict(&mut self) -> Option<u32> {
        let places = &self.places;
        let is_unused = |slot: &&Slot| {
            places[slot.index()]
                .as_ref()
                .is_some_and(|place| !place.is_in_use())
        };
        let slot = *self.disposable.values().find(is_unused)?;
        let owner = self.place(slot).owner;
        self.release(slot);
        Some(owner)
    }

    /// Moves files together, towards the beginning.
    pub(crate) fn compact(&mut self, memory: &Memory<'_>) {
        let mut order: Vec<(u32, usize)> = (0..)
            .zip(&self.places)
            .filter_map(|(index, place)| place.as_ref().map(|place| (place.start, index)))
            .collect();
        order.sort_unstable();
        let mut end = 0;
        for (start, index) in order {
            let slot = Slot::new(index);
            let place = self.place(slot);
            let units = place.units;
            if !place.is_in_use() && start > end {
                place.start = end;
                // The place and the free space in front of it, which nobody uses.
                let mut whole = Exclusive {
                    slot,
                    start: end,
                    units: start + units - end,
                };
                let bytes = memory.bytes_mut(&mut whole);
                bytes.copy_within(bytes_of(start - end).., 0);
                self.free.give(start, units);
                let is_free = self.free.take_at(end, units);
                assert!(is_free, "the space in front of a place is free");
            }
            end = self.place(slot).start + units;
        }
    }
}

#[cfg(test)]
mod tests;
