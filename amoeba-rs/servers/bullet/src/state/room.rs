//! Room in the cache: what goes for a file that needs it, and what else must happen first.

use super::State;
use crate::cache::Exclusive;
use crate::disk::sectors_of;
use crate::memory::Memory;
use crate::table::{File, Stage};

/// Why there is no room in the cache.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Shortage {
    /// There will be when this file has been written to the disk.
    Write(u32),
    /// There may be when somebody has read or written what he reads or writes.
    Wait,
    /// The file is too large for what can go.
    Full,
}

impl State {
    /// A place in the cache. Files that are on the disk go for it, those that were used longest ago first.
    pub(crate) fn reserve(
        &mut self,
        owner: u32,
        units: u32,
        memory: &Memory<'_>,
    ) -> Result<Exclusive, Shortage> {
        if units > self.cache.units() {
            return Err(Shortage::Full);
        }
        if let Some(place) = self.cache.reserve(owner, units) {
            return Ok(place);
        }
        self.trim_drafts();
        if self.cache.available() < units {
            return Err(self.shortage());
        }
        loop {
            if self.cache.free().total() >= units {
                if self.cache.free().largest() < units {
                    self.statistics.cache_compactions += 1;
                    self.cache.compact(memory);
                }
                if let Some(place) = self.cache.reserve(owner, units) {
                    return Ok(place);
                }
            }
            self.evict()?;
        }
    }

    /// Makes a place longer, for which files may go and all may move.
    pub(crate) fn grow(
        &mut self,
        place: &mut Exclusive,
        units: u32,
        memory: &Memory<'_>,
    ) -> Result<(), Shortage> {
        if units > self.cache.units() {
            return Err(Shortage::Full);
        }
        self.trim_drafts();
        let wanted = units - place.units();
        if self.cache.available() < wanted {
            return Err(self.shortage());
        }
        loop {
            if self.cache.free().total() >= wanted {
                self.statistics.cache_compactions += 1;
                if self.cache.make_longer(place, units, memory) {
                    return Ok(());
                }
            }
            self.evict()?;
        }
    }

    /// The file that was used longest ago goes from the cache.
    fn evict(&mut self) -> Result<(), Shortage> {
        let evicted = self.cache.evict().ok_or_else(|| self.shortage())?;
        self.statistics.evictions += 1;
        self.table.file(evicted).slot = None;
        Ok(())
    }

    /// Why nothing more can go from the cache.
    fn shortage(&self) -> Shortage {
        let is_ready =
            |(_, file): &(u32, &File)| file.stage == Stage::Intent && file.slot.is_some() && !file.is_busy;
        if let Some((object, _)) = self.table.files().find(is_ready) {
            return Shortage::Write(object);
        }
        // Nobody who uses a committed file's place waits for room, so it will be given back.
        if self.cache.is_shared() || self.loads > 0 {
            return Shortage::Wait;
        }
        Shortage::Full
    }

    /// Takes back what drafts have in reserve.
    fn trim_drafts(&mut self) {
        for object in self.drafts.keys() {
            let file = self.table.file(*object);
            if let (false, Some(slot)) = (file.is_busy, file.slot) {
                let mut place = self.cache.change(slot);
                self.cache.trim(&mut place, sectors_of(file.size));
                self.cache.finish(place);
            }
        }
    }
}
