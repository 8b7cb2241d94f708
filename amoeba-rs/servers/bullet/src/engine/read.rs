//! Reading: whole files into the cache, and from there what a client wants.

use super::{Answer, Data, Engine, Host};
use crate::cache::Shared;
use crate::disk::{bytes_of, sectors_of};
use crate::state::{Contents, Source, Target};
use alloc::vec;
use proto::bullet::disk::SECTOR;
use proto::bullet::right;
use proto::message::{Header, LARGEST_BUFFER};
use proto::standard::Status;

/// Bytes of a file that are looked at in one piece when they are not in the cache.
const PIECE: usize = 32 * SECTOR;

impl<H: Host> Engine<'_, H> {
    /// The contents of a committed file in the cache, `None` if it is empty, and its size.
    fn contents(&self, target: &Target) -> Result<(Option<Shared>, u32), Status> {
        loop {
            let seen = self.host.events();
            match self.with(|state| state.contents(target, &self.memory))? {
                Contents::Here(place, size) => return Ok((place, size)),
                Contents::Wait => self.host.wait(seen),
                Contents::Short(shortage) => self.relieve(shortage, seen)?,
                Contents::Load(mut place, address, size) => {
                    let sector = self.with(|state| state.table.geometry().sector(address));
                    let bytes = &mut self.memory.bytes_mut(&mut place)[..bytes_of(sectors_of(size))];
                    let read = self.host.read(sector, bytes);
                    self.change(|state| {
                        state.end_load(target.object, place, read.is_ok());
                        state.statistics.disk_errors += u32::from(read.is_err());
                    });
                    read.map_err(|_| Status::SystemError)?;
                }
            }
        }
    }

    /// Shows the contents of a committed file to `look`, piece by piece with their offsets, until it has seen enough. What is not in
    /// the cache does not come into it.
    pub(super) fn look_at(
        &self,
        target: &Target,
        mut look: impl FnMut(usize, &[u8]) -> bool,
    ) -> Result<(), Status> {
        match self.await_some(|state| state.source(target))? {
            Source::Empty => {}
            Source::Cached(place, size) => {
                look(0, &self.memory.bytes(&place)[..size as usize]);
                self.change(|state| state.cache.unshare(place));
            }
            Source::Disk(sector, size) => {
                let looked = self.look_at_disk(sector, size as usize, look);
                self.change(|state| {
                    state.table.file(target.object).is_busy = false;
                    state.statistics.disk_errors += u32::from(looked.is_err());
                });
                looked.map_err(|_| Status::SystemError)?;
            }
        }
        Ok(())
    }

    fn look_at_disk(
        &self,
        sector: u64,
        size: usize,
        mut look: impl FnMut(usize, &[u8]) -> bool,
    ) -> Result<(), Status> {
        let mut memory = vec![0; size.next_multiple_of(SECTOR).min(PIECE)];
        for (sector, start) in (sector..).step_by(PIECE / SECTOR).zip((0..size).step_by(PIECE)) {
            let length = PIECE.min(size - start);
            self.host
                .read(sector, &mut memory[..length.next_multiple_of(SECTOR)])?;
            if !look(start, &memory[..length]) {
                break;
            }
        }
        Ok(())
    }

    pub(super) fn read(&self, target: &Target, offset: i32, wanted: u16) -> Result<Answer, Status> {
        let file_size = self.with(|state| state.committed(target).map(|file| file.size))?;
        target.need(right::READ)?;
        let offset = u32::try_from(offset).map_err(|_| Status::BadArgument)?;
        if offset > file_size {
            return Err(Status::BadArgument);
        }
        let (place, size) = self.contents(target)?;
        let there = (size - offset) as usize;
        let length = there.min(wanted.into()).min(LARGEST_BUFFER);
        let header = Header {
            size: length as u16,
            ..Header::default()
        };
        let start = offset as usize;
        let data = place.map_or(Data::Nothing, |place| Data::File(place, start..start + length));
        Ok(Answer { header, data })
    }

    pub(super) fn size(&self, target: &Target) -> Result<Answer, Status> {
        let size = self.with(|state| state.committed(target).map(|file| file.size))?;
        target.need(right::READ)?;
        let mut answer = Answer::done();
        answer.header.offset = i32::try_from(size).map_err(|_| Status::SystemError)?;
        Ok(answer)
    }
}
