//! What administrators ask for, and what happens as time passes.

use super::edit::{Change, Open};
use super::{Answer, Engine, Host};
use crate::state::{State, Target};
use crate::table::{Stage, sector_of};
use alloc::collections::BTreeSet;
use alloc::vec;
use libamoeba::classes::bullet;
use proto::bullet::disk::SECTOR;
use proto::bullet::{Commit, right};
use proto::capability::{CAPABILITY_LENGTH, Capability};
use proto::standard::Status;

/// Below so many requests in a sweep the server has time to compact its cache: one a second.
const IDLE_REQUESTS: u32 = 60;
/// Sectors that are copied at once when files move on the disk.
const SECTORS_AT_ONCE: u64 = 32;

/// A file that moves on the disk.
#[derive(Clone, Copy, Debug)]
struct Move {
    object: u32,
    from: u32,
    to: u32,
    blocks: u32,
}

/// The state of joining the disk's free space.
#[derive(Debug)]
struct Pass {
    /// All files that begin before this block are where they shall be.
    block: u32,
    /// Files that have made way once.
    moved_away: BTreeSet<u32>,
}

impl<H: Host> Engine<'_, H> {
    /// Destroys a file.
    pub(super) fn destroy(&self, target: &Target) -> Result<Answer, Status> {
        self.await_some(|state| {
            let file = match state.file(target) {
                Ok(file) => file,
                Err(status) => return Some(Err(status)),
            };
            if let Err(status) = target.need(right::DESTROY) {
                return Some(Err(status));
            }
            if file.is_busy {
                return None;
            }
            state.destroy(target.object);
            Some(Ok(()))
        })?;
        self.host.notify();
        self.settle(target.object)?;
        Ok(Answer::done())
    }

    /// All files get older.
    pub(super) fn age(&self, target: &Target) -> Result<Answer, Status> {
        self.need_server(target, right::ADMIN)?;
        for sector in self.change(State::age) {
            self.settle_sector(sector)?;
        }
        Ok(Answer::done())
    }

    /// A copy of a file, which may be another server's.
    pub(super) fn copy(&self, target: &Target, data: &[u8]) -> Result<Answer, Status> {
        self.need_server(target, right::CREATE)?;
        let bytes = data
            .first_chunk::<CAPABILITY_LENGTH>()
            .ok_or(Status::BadArgument)?;
        let original = Capability::from_bytes(bytes);
        if original.port == self.put_port {
            let original = self.with(|state| state.prove(&original.private))?;
            original.need(right::READ)?;
            // An empty change, which the right to change a file is not needed for.
            let rights = right::READ.0 | right::MODIFY.0;
            let rights = proto::capability::Rights(original.rights.0 | rights);
            self.with(|state| state.committed(&original).map(drop))?;
            let original = Target { rights, ..original };
            return self.edit(&original, &Change::Modify(0, &[]), Commit::all());
        }
        let mut client = self.host.client();
        let size = bullet::size(&mut client, &original)?;
        let mut open = self.begin(None)?;
        match self.fetch(&mut client, &original, &mut open, size) {
            Ok(()) => self.commit(open, true),
            Err(status) => {
                self.abandon(open);
                Err(status)
            }
        }
    }

    /// Reads another server's file into a draft.
    fn fetch(
        &self,
        client: &mut H::Client,
        original: &Capability,
        open: &mut Open,
        size: u32,
    ) -> Result<(), Status> {
        self.resize(open, size)?;
        if let Some(place) = &mut open.place {
            let bytes = &mut self.memory.bytes_mut(place)[..size as usize];
            let length = bullet::read(client, original, 0, bytes)?;
            if length != bytes.len() {
                return Err(Status::SystemError);
            }
        }
        open.size = size;
        Ok(())
    }

    /// Brings everything that is committed to the disk.
    pub(super) fn sync(&self, target: &Target) -> Result<Answer, Status> {
        self.need_server(target, right::ADMIN)?;
        self.flush_all()?;
        Ok(Answer::done())
    }

    fn flush_all(&self) -> Result<(), Status> {
        let mut result = Ok(());
        for object in self.with(|state| state.intents()) {
            // Who works on it writes it.
            self.await_some(|state| (!state.table.file(object).is_busy).then_some(()));
            result = result.and(self.flush(object));
        }
        for sector in self.with(|state| state.table.unsettled()) {
            result = result.and(self.settle_sector(sector));
        }
        result
    }

    /// Checks that the disk says what it should of every file; what it says wrongly is written anew, and then the status
    /// is [`Status::SystemError`].
    pub(super) fn check(&self, target: &Target) -> Result<Answer, Status> {
        self.need_server(target, right::ADMIN)?;
        self.flush_all()?;
        let sectors = self.with(|state| state.table.geometry().inode_sectors());
        let mut result = Ok(Answer::done());
        for sector in 0..sectors {
            self.settle_sector(sector)?;
            if !self.check_sector(sector)? {
                result = Err(Status::SystemError);
            }
        }
        result
    }

    /// Whether the disk says what it should in a sector of inodes; while it is read nobody writes it.
    fn check_sector(&self, sector: u32) -> Result<bool, Status> {
        let write = self.await_some(|state| state.table.take_sector(sector));
        let place = self.with(|state| state.table.geometry().inode_sector(sector));
        let mut there = [0; SECTOR];
        let read = self.host.read(place, &mut there);
        if read.is_err() {
            self.change(|state| state.table.end_write(write, false));
            return Err(Status::SystemError);
        }
        if there == write.image {
            self.change(|state| state.table.end_write(write, true));
            return Ok(true);
        }
        self.write_inodes(write)?;
        Ok(false)
    }

    /// Joins the free space on the disk: files move towards its beginning. A file's new blocks are never its old ones, so it
    /// is whole whenever the power fails.
    pub(super) fn compact(&self, target: &Target) -> Result<Answer, Status> {
        self.need_server(target, right::ADMIN)?;
        let is_alone = self.with(|state| !core::mem::replace(&mut state.is_compacting, true));
        if !is_alone {
            return Err(Status::NotNow);
        }
        let mut pass = Pass {
            block: 0,
            moved_away: BTreeSet::new(),
        };
        let mut result = self.flush_all().map(|()| Answer::done());
        while let Some(step) = self.with(|state| next_move(state, &mut pass)) {
            if let Err(status) = self.carry_move(&step) {
                result = Err(status);
                break;
            }
        }
        self.with(|state| state.is_compacting = false);
        result
    }

    /// Copies a file to its new blocks and has the disk say so.
    fn carry_move(&self, step: &Move) -> Result<(), Status> {
        let copied = self.copy_blocks(step);
        self.change(|state| {
            state.table.file(step.object).is_busy = false;
            if copied.is_ok() {
                state.table.relocate(step.object, step.to);
            } else {
                state.table.give_blocks(step.to, step.blocks);
                state.statistics.disk_errors += 1;
            }
        });
        copied.map_err(|_| Status::SystemError)?;
        self.settle(step.object)?;
        self.settle_sector(sector_of(step.object))
    }

    fn copy_blocks(&self, step: &Move) -> Result<(), Status> {
        let (from, to, end) = self.with(|state| {
            let geometry = state.table.geometry();
            (
                geometry.sector(step.from),
                geometry.sector(step.to),
                u64::from(step.blocks) * geometry.sectors_of_block(),
            )
        });
        let mut memory = vec![0; SECTORS_AT_ONCE.min(end) as usize * SECTOR];
        let mut done = 0;
        while done < end {
            let count = SECTORS_AT_ONCE.min(end - done);
            let memory = &mut memory[..count as usize * SECTOR];
            self.host.read(from + done, memory)?;
            self.host.write(to + done, memory)?;
            done += count;
        }
        Ok(())
    }

    /// What is to be done every [`SWEEP_MILLISECONDS`](proto::bullet::SWEEP_MILLISECONDS).
    pub fn sweep(&self) {
        self.change(State::sweep_drafts);
        // What cannot be written now is written at the next sweep.
        let _ = self.flush_all();
        self.change(|state| {
            if state.statistics.sweep() < IDLE_REQUESTS && state.cache.free().count() > 1 {
                state.statistics.cache_compactions += 1;
                state.cache.compact(&self.memory);
            }
        });
    }
}

/// The next file to move; its new blocks are taken, and it is worked on.
fn next_move(state: &mut State, pass: &mut Pass) -> Option<Move> {
    let geometry = *state.table.geometry();
    loop {
        let files = state.table.files();
        let behind =
            files.filter(|(_, file)| file.is_committed() && file.size > 0 && file.address >= pass.block);
        let (object, file) = behind.min_by_key(|(_, file)| file.address)?;
        let (from, blocks) = (file.address, geometry.blocks_of(file.size));
        let is_movable = file.stage == Stage::Stable && !file.is_busy;
        let gap = state.table.free_blocks().ending_at(from);
        let to = match gap {
            Some(gap) if is_movable && gap.end - gap.start >= blocks => {
                pass.block = gap.start + blocks;
                state.table.take_blocks(gap.start, blocks).then_some(gap.start)
            }
            Some(_) if is_movable && !pass.moved_away.contains(&object) => {
                pass.moved_away.insert(object);
                let to = state.table.take_any_blocks(blocks);
                if to.is_none() {
                    pass.block = from + blocks;
                }
                to
            }
            _ => {
                pass.block = from + blocks;
                None
            }
        };
        if let Some(to) = to {
            state.table.file(object).is_busy = true;
            return Some(Move {
                object,
                from,
                to,
                blocks,
            });
        }
    }
}
