//! All that the server knows: the table of inodes, what the cache holds, files that still change, figures. Plain values, changed
//! under one lock, without I/O.

use crate::cache::{Cache, Exclusive, Shared, Slot};
use crate::disk::sectors_of;
use crate::memory::Memory;
use crate::statistics::Statistics;
use crate::table::{File, Stage, Table, sector_of};
use alloc::collections::{BTreeMap, BTreeSet};
use alloc::vec::Vec;
use proto::bullet::{DRAFT_SWEEPS, LIFETIME, SERVER_OBJECT};
use proto::capability::{Capability, Port, Private, Rights};
use proto::one_way;
use proto::standard::Status;

/// An object and what the client may do with it, proven.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Target {
    /// Its number.
    pub(crate) object: u32,
    /// The random number by which it was known then: another file may have the number since.
    pub(crate) random: Port,
    /// What the client may do.
    pub(crate) rights: Rights,
}

impl Target {
    /// Whether the client may do what takes these rights.
    pub(crate) fn need(&self, rights: Rights) -> Result<(), Status> {
        if self.rights.include(rights) {
            Ok(())
        } else {
            Err(Status::Denied)
        }
    }

    /// Whether it is the server itself.
    pub(crate) fn is_server(&self) -> bool {
        self.object == SERVER_OBJECT
    }
}

/// A file that still changes.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Draft {
    /// Sweeps since it changed.
    idle: u8,
    /// The file that is the answer if it has the same contents, and by which capability it was named.
    pub(crate) likeness: Option<Private>,
}

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

/// What the contents of a file take.
#[derive(Debug)]
pub(crate) enum Contents {
    /// They are in the cache; `None` for an empty file.
    Here(Option<Shared>, u32),
    /// The caller reads them, from that block on, so many bytes.
    Load(Exclusive, u32, u32),
    /// There is no room for them yet.
    Short(Shortage),
    /// Somebody else works on the file.
    Wait,
}

/// Where the contents of a committed file are.
#[derive(Debug)]
pub(crate) enum Source {
    /// There are none.
    Empty,
    /// In the cache; so many bytes.
    Cached(Shared, u32),
    /// On the disk from that sector on, so many bytes. The caller works on the file.
    Disk(u64, u32),
}

/// All that the server knows.
#[derive(Debug)]
pub struct State {
    /// The server's own object.
    pub(crate) own: Port,
    /// What is on the disk.
    pub(crate) table: Table,
    /// What is in memory.
    pub(crate) cache: Cache,
    /// Files that still change.
    pub(crate) drafts: BTreeMap<u32, Draft>,
    /// Figures.
    pub(crate) statistics: Statistics,
    /// Whether the disk's free space is being joined.
    pub(crate) is_compacting: bool,
    /// How many files are being read from the disk.
    loads: u32,
    one_way: one_way::Cache,
}

impl State {
    /// A server whose own object `own` protects.
    pub(crate) fn new(own: Port, table: Table, cache: Cache) -> State {
        State {
            own,
            table,
            cache,
            drafts: BTreeMap::new(),
            statistics: Statistics::default(),
            is_compacting: false,
            loads: 0,
            one_way: one_way::Cache::new(),
        }
    }

    /// What a capability's private part proves.
    ///
    /// # Errors
    /// [`Status::BadCapability`] if there is no such object, or the part is forged.
    pub(crate) fn prove(&mut self, private: &Private) -> Result<Target, Status> {
        let object = private.object();
        let random = if object == SERVER_OBJECT {
            self.own
        } else {
            let file = self.table.get(object).ok_or(Status::BadCapability)?;
            if !file.is_committed() && file.stage != Stage::Draft {
                return Err(Status::BadCapability);
            }
            file.random
        };
        let rights = private.proven_rights_by(random, |port| self.one_way.put_port(port));
        let rights = rights.ok_or(Status::BadCapability)?;
        Ok(Target {
            object,
            random,
            rights,
        })
    }

    /// The file of a target, if it is there still.
    pub(crate) fn file(&mut self, target: &Target) -> Result<&mut File, Status> {
        let file = self.table.get(target.object).ok_or(Status::BadCapability)?;
        let is_same = file.random == target.random && (file.is_committed() || file.stage == Stage::Draft);
        if target.is_server() || !is_same {
            return Err(Status::BadCapability);
        }
        Ok(self.table.file(target.object))
    }

    /// The committed file of a target. It has been used now, and will be aged from the beginning.
    pub(crate) fn committed(&mut self, target: &Target) -> Result<&mut File, Status> {
        let file = self.file(target)?;
        if !file.is_committed() {
            return Err(Status::BadCapability);
        }
        file.lifetime = LIFETIME;
        Ok(file)
    }

    /// What reading a committed file takes.
    pub(crate) fn contents(&mut self, target: &Target, memory: &Memory<'_>) -> Result<Contents, Status> {
        let file = self.committed(target)?;
        let (size, address, slot, is_busy) = (file.size, file.address, file.slot, file.is_busy);
        if size == 0 {
            return Ok(Contents::Here(None, 0));
        }
        if let Some(slot) = slot {
            self.statistics.hits += 1;
            return Ok(Contents::Here(Some(self.cache.share(slot)), size));
        }
        if is_busy {
            return Ok(Contents::Wait);
        }
        Ok(match self.reserve(target.object, sectors_of(size), memory) {
            Ok(place) => {
                self.statistics.misses += 1;
                self.loads += 1;
                self.table.file(target.object).is_busy = true;
                Contents::Load(place, address, size)
            }
            Err(shortage) => Contents::Short(shortage),
        })
    }

    /// Where the contents of a committed file are; `None` while somebody else works on it.
    pub(crate) fn source(&mut self, target: &Target) -> Option<Result<Source, Status>> {
        let file = match self.committed(target) {
            Ok(file) => file,
            Err(status) => return Some(Err(status)),
        };
        let (size, address) = (file.size, file.address);
        if size == 0 {
            return Some(Ok(Source::Empty));
        }
        if let Some(slot) = file.slot {
            return Some(Ok(Source::Cached(self.cache.share(slot), size)));
        }
        if file.is_busy {
            return None;
        }
        file.is_busy = true;
        Some(Ok(Source::Disk(self.table.geometry().sector(address), size)))
    }

    /// The contents of a file have been read, or could not be.
    pub(crate) fn end_load(&mut self, object: u32, place: Exclusive, is_read: bool) {
        self.loads -= 1;
        self.table.file(object).is_busy = false;
        if is_read {
            let slot = self.cache.finish(place);
            self.cache.dispose(slot);
            self.table.file(object).slot = Some(slot);
        } else {
            self.cache.discard(place);
        }
    }

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
            let Some(evicted) = self.cache.evict() else {
                return Err(self.shortage());
            };
            self.statistics.evictions += 1;
            self.table.file(evicted).slot = None;
        }
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

    /// A new draft without contents, on which the caller works.
    pub(crate) fn begin(&mut self, random: Port, likeness: Option<Private>) -> Result<u32, Status> {
        let object = self.table.begin(random)?;
        self.drafts.insert(object, Draft { idle: 0, likeness });
        Ok(object)
    }

    /// The place of a draft becomes the caller's, who works on it.
    pub(crate) fn open(&mut self, object: u32) -> Option<Exclusive> {
        let file = self.table.file(object);
        file.is_busy = true;
        file.slot.take().map(|slot| self.cache.change(slot))
    }

    /// A draft has changed, and others may work on it.
    pub(crate) fn close(&mut self, object: u32, place: Option<Exclusive>, size: u32) {
        let slot = place.map(|place| self.cache.finish(place));
        let file = self.table.file(object);
        (file.slot, file.size, file.is_busy) = (slot, size, false);
        if let Some(draft) = self.drafts.get_mut(&object) {
            draft.idle = 0;
        }
    }

    /// A file goes: whether the disk is to be told.
    pub(crate) fn destroy(&mut self, object: u32) -> bool {
        self.drafts.remove(&object);
        if let Some(slot) = self.table.file(object).slot.take() {
            self.cache.release(slot);
        }
        self.table.destroy(object)
    }

    /// The contents of a file that is to be written, on which the caller works from now on; `None` if there is nothing to write.
    pub(crate) fn begin_flush(&mut self, object: u32) -> Option<(Option<Shared>, u32, u32)> {
        let file = self.table.file(object);
        if file.stage != Stage::Intent || file.is_busy {
            return None;
        }
        file.is_busy = true;
        let (slot, address, size) = (file.slot, file.address, file.size);
        Some((self.share(slot), address, size))
    }

    /// Leave to read a place, if there is one.
    pub(crate) fn share(&mut self, slot: Option<Slot>) -> Option<Shared> {
        slot.map(|slot| self.cache.share(slot))
    }

    /// The contents of a file are on the disk, or could not be written.
    pub(crate) fn end_flush(&mut self, object: u32, place: Option<Shared>, is_written: bool) {
        if let Some(place) = place {
            self.cache.unshare(place);
        }
        let file = self.table.file(object);
        file.is_busy = false;
        if is_written {
            file.stage = Stage::Written;
            if let Some(slot) = file.slot {
                self.cache.dispose(slot);
            }
        }
    }

    /// Files that are committed and not on the disk.
    pub(crate) fn intents(&self) -> Vec<u32> {
        let intents = self.table.files().filter(|(_, file)| file.stage == Stage::Intent);
        intents.map(|(object, _)| object).collect()
    }

    /// All files are older by one age: sectors of inodes in which some are too old now.
    pub(crate) fn age(&mut self) -> BTreeSet<u32> {
        let mut dead = Vec::new();
        for (object, file) in self.table.files_mut() {
            if file.is_committed() && !(file.is_busy && file.lifetime == 1) {
                file.lifetime -= 1;
                if file.lifetime == 0 {
                    dead.push(object);
                }
            }
        }
        self.statistics.aged += dead.len() as u32;
        dead.retain(|object| self.destroy(*object));
        dead.iter().map(|object| sector_of(*object)).collect()
    }

    /// Drafts get older by one sweep; those that nobody has changed for long go.
    pub(crate) fn sweep_drafts(&mut self) {
        let mut dead = Vec::new();
        for (object, draft) in &mut self.drafts {
            if !self.table.file(*object).is_busy {
                draft.idle += 1;
                if draft.idle >= DRAFT_SWEEPS {
                    dead.push(*object);
                }
            }
        }
        self.statistics.timed_out += dead.len() as u32;
        for object in dead {
            self.destroy(object);
        }
    }

    /// The capability with all rights on a file.
    pub(crate) fn owner(&mut self, port: Port, object: u32) -> Capability {
        let random = self.table.file(object).random;
        Capability {
            port,
            private: Private::owner(object, random),
        }
    }
}

#[cfg(test)]
impl State {
    /// What must hold whenever nobody works on a file.
    pub(crate) fn assert_consistent(&self) {
        let geometry = *self.table.geometry();
        let mut blocks = crate::extents::Extents::new(geometry.first_data()..geometry.blocks);
        for (object, file) in self.table.files() {
            let count = geometry.blocks_of(file.size);
            if file.is_committed() && count > 0 {
                assert!(blocks.take_at(file.address, count), "files have their own blocks");
            }
            assert_eq!(file.stage == Stage::Draft, self.drafts.contains_key(&object));
            assert!(
                file.stage != Stage::Intent || file.size == 0 || file.slot.is_some(),
                "an intent is in the cache"
            );
        }
        // Blocks of files that are gone, but whose inodes could not be written, are not free yet.
        assert!(self.table.free_blocks().total() <= blocks.total());
        assert!(!self.table.unsettled().is_empty() || *self.table.free_blocks() == blocks);
        let free = self
            .table
            .files()
            .filter(|(object, file)| *object > 0 && file.stage == Stage::Free);
        assert_eq!(free.count() as u32, self.table.free_inodes());
        let cached = self.table.files().filter(|(_, file)| file.slot.is_some());
        assert_eq!(cached.count(), self.cache.count(), "every place has its file");
    }
}
