//! Making and changing files, as long as they are not committed.

use super::{Answer, Engine, Host};
use crate::cache::Exclusive;
use crate::disk::{bytes_of, sectors_of};
use crate::state::{State, Target};
use proto::bullet::{Commit, right};
use proto::capability::Private;
use proto::standard::Status;

/// A change of a file.
#[derive(Clone, Copy, Debug)]
pub(super) enum Change<'a> {
    /// From that offset on these bytes, also behind the end.
    Modify(u32, &'a [u8]),
    /// At that offset these bytes come in between.
    Insert(u32, &'a [u8]),
    /// From that offset on so many bytes go.
    Delete(u32, u32),
}

impl Change<'_> {
    /// The size of the file after the change.
    ///
    /// # Errors
    /// [`Status::BadArgument`] if the change is behind the end, [`Status::NoMemory`] if there are no files as large as that.
    fn size(&self, size: u32) -> Result<u32, Status> {
        let (Change::Modify(offset, _) | Change::Insert(offset, _) | Change::Delete(offset, _)) = *self;
        if offset > size {
            return Err(Status::BadArgument);
        }
        let size = match *self {
            Change::Modify(_, data) => u64::from(size).max(u64::from(offset) + data.len() as u64),
            Change::Insert(_, data) => u64::from(size) + data.len() as u64,
            Change::Delete(_, length) => u64::from(size - length.min(size - offset)),
        };
        // Offsets are signed.
        let is_possible = size <= i32::MAX.cast_unsigned().into();
        is_possible.then_some(size as u32).ok_or(Status::NoMemory)
    }

    /// Changes contents of `size` bytes, with room behind them for what comes.
    fn apply(&self, bytes: &mut [u8], size: u32) {
        let size = size as usize;
        match *self {
            Change::Modify(offset, data) => bytes[offset as usize..][..data.len()].copy_from_slice(data),
            Change::Insert(offset, data) => {
                let offset = offset as usize;
                bytes.copy_within(offset..size, offset + data.len());
                bytes[offset..][..data.len()].copy_from_slice(data);
            }
            Change::Delete(offset, length) => {
                let offset = offset as usize;
                let length = (length as usize).min(size - offset);
                bytes.copy_within(offset + length..size, offset);
            }
        }
    }
}

/// A draft on which this thread works.
#[derive(Debug)]
pub(super) struct Open {
    /// Its number.
    pub(super) object: u32,
    /// Where it lies; nowhere if it never had contents.
    pub(super) place: Option<Exclusive>,
    /// Bytes.
    pub(super) size: u32,
    /// Whether no client knows it.
    pub(super) is_new: bool,
}

impl<H: Host> Engine<'_, H> {
    /// Makes a file. On a file's capability the file itself is the answer if the new one is the same when it is committed.
    pub(super) fn create(&self, target: &Target, data: &[u8], commit: Commit) -> Result<Answer, Status> {
        let likeness = if target.is_server() {
            target.need(right::CREATE)?;
            None
        } else {
            self.with(|state| state.committed(target).map(drop))?;
            target.need(right::CREATE)?;
            target.need(right::READ)?;
            let owner = Private::owner(target.object, target.random);
            Some(owner.restrict(target.rights, target.random))
        };
        let mut open = self.begin(likeness)?;
        self.change_open(&mut open, &Change::Modify(0, data))?;
        self.finish(open, commit)
    }

    /// Changes a draft, or a copy of a committed file.
    pub(super) fn edit(
        &self,
        target: &Target,
        change: &Change<'_>,
        commit: Commit,
    ) -> Result<Answer, Status> {
        let found = self.await_some(|state| open_draft(state, target));
        let mut open = match found? {
            Some(open) => open,
            None => self.clone_committed(target, change)?,
        };
        self.change_open(&mut open, change)?;
        self.finish(open, commit)
    }

    /// A new draft without contents.
    pub(super) fn begin(&self, likeness: Option<Private>) -> Result<Open, Status> {
        let random = self.host.random();
        let object = self.with(|state| state.begin(random, likeness))?;
        Ok(Open {
            object,
            place: None,
            size: 0,
            is_new: true,
        })
    }

    /// A draft with the contents of a committed file.
    fn clone_committed(&self, target: &Target, change: &Change<'_>) -> Result<Open, Status> {
        target.need(right::READ)?;
        let old = self.with(|state| state.committed(target).map(|file| file.size))?;
        let new = change.size(old)?;
        let mut open = self.begin(None)?;
        let copied = self
            .resize(&mut open, old.max(new))
            .and_then(|()| self.copy_contents(target, &mut open, old));
        match copied {
            Ok(()) => Ok(open),
            Err(status) => {
                self.abandon(open);
                Err(status)
            }
        }
    }

    /// Fills a draft that is large enough with the contents of a committed file.
    fn copy_contents(&self, target: &Target, open: &mut Open, size: u32) -> Result<(), Status> {
        if let Some(place) = &mut open.place {
            let bytes = self.memory.bytes_mut(place);
            self.look_at(target, |start, piece| {
                bytes[start..start + piece.len()].copy_from_slice(piece);
                true
            })?;
        }
        open.size = size;
        Ok(())
    }

    /// Changes a draft. If that fails, a new one is gone and another one as it was.
    fn change_open(&self, open: &mut Open, change: &Change<'_>) -> Result<(), Status> {
        let resized = change.size(open.size).and_then(|size| {
            self.resize(open, size)?;
            Ok(size)
        });
        match resized {
            Ok(size) => {
                if let Some(place) = &mut open.place {
                    change.apply(self.memory.bytes_mut(place), open.size);
                }
                open.size = size;
                Ok(())
            }
            Err(status) => {
                let place = open.place.take();
                self.abandon(Open { place, ..*open });
                Err(status)
            }
        }
    }

    /// Gives a draft a place of that many bytes at least.
    pub(super) fn resize(&self, open: &mut Open, bytes: u32) -> Result<(), Status> {
        let units = sectors_of(bytes);
        let Some(old) = &mut open.place else {
            if units > 0 {
                open.place = Some(self.reserve(open.object, units)?);
            }
            return Ok(());
        };
        if old.units() >= units || self.with(|state| state.cache.extend(old, units)) {
            return Ok(());
        }
        // Twice as much as it needs, so that a file that grows in many steps is not copied each time; but nothing goes for that.
        let ample = self.with(|state| state.cache.reserve(open.object, units.saturating_mul(2)));
        let mut new = match ample {
            Some(place) => place,
            None => self.reserve(open.object, units)?,
        };
        let length = bytes_of(sectors_of(open.size));
        self.memory.bytes_mut(&mut new)[..length].copy_from_slice(&self.memory.bytes_mut(old)[..length]);
        let old = open.place.replace(new);
        self.change(|state| old.map(|old| state.cache.discard(old)));
        Ok(())
    }

    /// Gives a draft up: a new one goes, another one is as it is now.
    pub(super) fn abandon(&self, open: Open) {
        self.change(|state| {
            state.close(open.object, open.place, open.size);
            if open.is_new {
                state.destroy(open.object);
            }
        });
    }

    /// The end of a change: the draft is committed if that is wanted.
    fn finish(&self, open: Open, commit: Commit) -> Result<Answer, Status> {
        if commit.contains(Commit::COMMIT) {
            return self.commit(open, commit.contains(Commit::SAFETY));
        }
        let capability = self.change(|state| {
            state.close(open.object, open.place, open.size);
            state.owner(self.put_port, open.object)
        });
        Ok(Answer::capability(&capability))
    }
}

/// A draft for this thread, or `None` in it for a committed file; `None` while somebody else works on it.
fn open_draft(state: &mut State, target: &Target) -> Option<Result<Option<Open>, Status>> {
    let file = match state.file(target) {
        Ok(file) => file,
        Err(status) => return Some(Err(status)),
    };
    if let Err(status) = target.need(right::MODIFY) {
        return Some(Err(status));
    }
    if file.is_committed() {
        return Some(Ok(None));
    }
    if file.is_busy {
        return None;
    }
    let size = file.size;
    let place = state.open(target.object);
    Some(Ok(Some(Open {
        object: target.object,
        place,
        size,
        is_new: false,
    })))
}
