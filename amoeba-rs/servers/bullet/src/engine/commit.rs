//! From the cache to the disk: contents first, then the inode.

use super::edit::Open;
use super::{Answer, Engine, Host};
use crate::cache::Shared;
use crate::disk::{bytes_of, sectors_of};
use crate::state::State;
use crate::table::{Pending, SectorWrite, sector_of};
use proto::capability::{Capability, Private};
use proto::standard::Status;

/// What is to be written of a file: the contents in that place, from that block on, so many bytes.
type Contents = (Option<Shared>, u32, u32);

impl<H: Host> Engine<'_, H> {
    /// Commits a draft. With `is_safe` it is on the disk afterwards.
    pub(super) fn commit(&self, mut open: Open, is_safe: bool) -> Result<Answer, Status> {
        if let Some(likeness) =
            self.with(|state| state.drafts.get(&open.object).and_then(|draft| draft.likeness))
        {
            if self.is_like(&mut open, &likeness) {
                self.change(|state| {
                    state.statistics.likenesses += 1;
                    state.close(open.object, open.place, open.size);
                    state.destroy(open.object);
                });
                let port = self.put_port;
                return Ok(Answer::capability(&Capability {
                    port,
                    private: likeness,
                }));
            }
        }
        self.clear_rest(&mut open);
        let (object, is_new) = (open.object, open.is_new);
        let (committed, capability) = self.change(|state| {
            let capability = state.owner(self.put_port, object);
            (commit(state, open, is_safe), capability)
        });
        let (place, address, size) = committed?;
        if is_safe {
            let written = self.write_contents(object, place, address, size);
            if let Err(status) = written.and_then(|()| self.settle(object)) {
                if is_new {
                    self.forget(&capability.private);
                }
                return Err(status);
            }
        }
        Ok(Answer::capability(&capability))
    }

    /// A file of which nobody has heard, since it could not be written, goes: if somebody tries to write it once more at this moment, by
    /// its age.
    fn forget(&self, private: &Private) {
        self.change(|state| {
            let file = state
                .prove(private)
                .and_then(|target| state.file(&target).map(|file| file.is_busy));
            if file == Ok(false) {
                state.destroy(private.object());
            }
        });
    }

    /// Zeros behind the end of a file, up to the end of its last sector; the rest of its place is given back.
    fn clear_rest(&self, open: &mut Open) {
        let units = sectors_of(open.size);
        if let Some(mut place) = open.place.take() {
            if units == 0 {
                self.change(|state| state.cache.discard(place));
                return;
            }
            self.change(|state| state.cache.trim(&mut place, units));
            self.memory.bytes_mut(&mut place)[open.size as usize..].fill(0);
            open.place = Some(place);
        }
    }

    /// Whether a draft has the contents of a committed file. One that cannot be read now counts as different.
    fn is_like(&self, open: &mut Open, likeness: &Private) -> bool {
        let same_size = self.with(|state| {
            let target = state.prove(likeness).ok()?;
            let size = state.committed(&target).ok()?.size;
            (size == open.size).then_some(target)
        });
        let Some(target) = same_size else {
            return false;
        };
        let mut is_like = true;
        let mut looked = Ok(());
        if let Some(place) = &mut open.place {
            let bytes = self.memory.bytes_mut(place);
            looked = self.look_at(&target, |start, piece| {
                is_like = bytes[start..start + piece.len()] == *piece;
                is_like
            });
        }
        looked.is_ok() && is_like
    }

    /// Writes the contents of a file on which this thread works.
    fn write_contents(
        &self,
        object: u32,
        place: Option<Shared>,
        address: u32,
        size: u32,
    ) -> Result<(), Status> {
        let sector = self.with(|state| state.table.geometry().sector(address));
        let written = match &place {
            Some(place) => self
                .host
                .write(sector, &self.memory.bytes(place)[..bytes_of(sectors_of(size))]),
            None => Ok(()),
        };
        self.change(|state| {
            state.end_flush(object, place, written.is_ok());
            state.statistics.disk_errors += u32::from(written.is_err());
        });
        written.map_err(|_| Status::SystemError)
    }

    /// Brings a committed file to the disk, unless it is there or somebody else does it.
    pub(super) fn flush(&self, object: u32) -> Result<(), Status> {
        let Some((place, address, size)) = self.with(|state| state.begin_flush(object)) else {
            return Ok(());
        };
        self.write_contents(object, place, address, size)?;
        self.settle(object)
    }

    /// Has the disk say what it should of an inode.
    pub(super) fn settle(&self, object: u32) -> Result<(), Status> {
        self.await_some(|state| {
            if state.table.is_settled(object) {
                return Some(Ok(()));
            }
            match state.table.begin_write(sector_of(object)) {
                Pending::Nothing => Some(Ok(())),
                Pending::Underway => None,
                Pending::Write(write) => Some(Err(write)),
            }
        })
        .or_else(|write| self.write_inodes(write))
    }

    /// Has the disk say what it should in a sector of inodes.
    pub(super) fn settle_sector(&self, sector: u32) -> Result<(), Status> {
        let pending = self.await_some(|state| match state.table.begin_write(sector) {
            Pending::Underway => None,
            pending => Some(pending),
        });
        match pending {
            Pending::Write(write) => self.write_inodes(write),
            _ => Ok(()),
        }
    }

    /// Writes a sector of inodes.
    pub(super) fn write_inodes(&self, write: SectorWrite) -> Result<(), Status> {
        let sector = self.with(|state| state.table.geometry().inode_sector(write.sector));
        let written = self.host.write(sector, &write.image);
        self.change(|state| {
            state.table.end_write(write, written.is_ok());
            state.statistics.disk_errors += u32::from(written.is_err());
        });
        written.map_err(|_| Status::SystemError)
    }
}

/// Commits a draft. If it is to be written now, this thread goes on working on it. If there is no room on the disk, a new draft
/// goes and another one is as it was.
fn commit(state: &mut State, open: Open, is_safe: bool) -> Result<Contents, Status> {
    let object = open.object;
    state.close(object, open.place, open.size);
    if let Err(status) = state.table.commit(object) {
        if open.is_new {
            state.destroy(object);
        }
        return Err(status);
    }
    state.drafts.remove(&object);
    let file = state.table.file(object);
    file.is_busy = is_safe;
    let (slot, address, size) = (file.slot, file.address, file.size);
    let place = if is_safe { state.share(slot) } else { None };
    Ok((place, address, size))
}
