//! All drives of the machine under numbers of one row: those of the ATA channel, then those of the floppy controller.

use crate::ata::{self, Channel, Direction, Failure, Identity, RequestId, Statistics};
use crate::floppy::{self, Controller, Wanted};
use crate::machine::Milliseconds;
use alloc::vec::Vec;
use proto::disk::Geometry;

/// The number of the first floppy drive.
pub(super) const FIRST_FLOPPY: usize = ata::DRIVES;
/// Drives of the machine.
pub(super) const DRIVES: usize = FIRST_FLOPPY + floppy::DRIVES;

/// Names a request to one of the drivers.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Id {
    Disk(RequestId),
    Floppy(RequestId),
}

/// The number of a floppy drive among the floppies.
pub(super) fn floppy_number(drive: usize) -> Option<usize> {
    drive.checked_sub(FIRST_FLOPPY)
}

/// The drivers.
pub(super) struct Drives<P, F> {
    pub(super) channel: Option<Channel<P>>,
    pub(super) floppies: Option<Controller<F>>,
}

impl<P: ata::Ports, F: floppy::Ports> Drives<P, F> {
    /// Whether it is known which disks there are.
    pub(super) fn is_ready(&self) -> bool {
        self.channel.as_ref().is_none_or(Channel::is_ready)
            && self.floppies.as_ref().is_none_or(Controller::is_ready)
    }

    /// A disk that has said what it is.
    pub(super) fn identity(&self, drive: usize) -> Option<&Identity> {
        self.channel.as_ref()?.drive(drive)
    }

    /// The kind of a floppy drive.
    pub(super) fn floppy_kind(&self, drive: usize) -> Option<floppy::Kind> {
        self.floppies.as_ref()?.kind(floppy_number(drive)?)
    }

    /// Sectors of a disk, or of the floppy that was last found in a drive.
    pub(super) fn sectors(&self, drive: usize) -> Option<u32> {
        match floppy_number(drive) {
            Some(number) => Some(self.floppies.as_ref()?.disk(number)?.sectors()),
            None => Some(self.identity(drive)?.sectors),
        }
    }

    /// The shape of it.
    pub(super) fn geometry(&self, drive: usize) -> Option<Geometry> {
        match floppy_number(drive) {
            Some(number) => Some(self.floppies.as_ref()?.disk(number)?.geometry()),
            None => Some(self.identity(drive)?.geometry()),
        }
    }

    /// What the driver of a drive has seen.
    pub(super) fn statistics(&self, drive: usize) -> Statistics {
        let statistics = match floppy_number(drive) {
            Some(_) => self.floppies.as_ref().map(Controller::statistics),
            None => self.channel.as_ref().map(Channel::statistics),
        };
        statistics.unwrap_or_default()
    }

    /// Has requests for the floppy that is remembered mean the one that was last found in a drive.
    pub(super) fn remember(&mut self, drive: usize) {
        if let (Some(floppies), Some(number)) = (&mut self.floppies, floppy_number(drive)) {
            floppies.remember(number);
        }
    }

    /// Begins to read `count` sectors, or to write as many with `data`.
    pub(super) fn transfer(
        &mut self,
        direction: Direction,
        drive: usize,
        (sector, count): (u32, u32),
        data: &[u8],
        wanted: Wanted,
    ) -> Result<Id, Failure> {
        let Some(number) = floppy_number(drive) else {
            let channel = self.channel.as_mut().ok_or(Failure::NoDrive)?;
            let id = match direction {
                Direction::Read => channel.read(drive, sector, count),
                Direction::Write => channel.write(drive, sector, data.to_vec()),
            };
            return id.map(Id::Disk);
        };
        let floppies = self.floppies.as_mut().ok_or(Failure::NoDrive)?;
        let id = match direction {
            Direction::Read => floppies.read(number, sector, count, wanted),
            Direction::Write => floppies.write(number, sector, data.to_vec(), wanted),
        };
        id.map(Id::Floppy)
    }

    /// Begins to find out which floppy is in a drive.
    pub(super) fn look(&mut self, drive: usize) -> Result<Id, Failure> {
        let (floppies, number) = self.floppy(drive)?;
        floppies.look(number).map(Id::Floppy)
    }

    /// Begins to format the floppy in a drive.
    pub(super) fn format(&mut self, drive: usize) -> Result<Id, Failure> {
        let (floppies, number) = self.floppy(drive)?;
        floppies.format(number).map(Id::Floppy)
    }

    fn floppy(&mut self, drive: usize) -> Result<(&mut Controller<F>, usize), Failure> {
        let both = self.floppies.as_mut().zip(floppy_number(drive));
        both.ok_or(Failure::NoDrive)
    }

    pub(super) fn cancel(&mut self, id: Id) {
        match (id, &mut self.channel, &mut self.floppies) {
            (Id::Disk(id), Some(channel), _) => channel.cancel(id),
            (Id::Floppy(id), _, Some(floppies)) => floppies.cancel(id),
            _ => {}
        }
    }

    /// The next request that has ended: what was read, or why not.
    pub(super) fn next_done(&mut self) -> Option<(Id, Result<Vec<u8>, Failure>)> {
        let disk = self.channel.as_mut().and_then(Channel::next_done);
        if let Some((id, result)) = disk {
            return Some((Id::Disk(id), result));
        }
        let (id, result) = self.floppies.as_mut()?.next_done()?;
        Some((Id::Floppy(id), result))
    }

    pub(super) fn work(&mut self, now: Milliseconds) {
        if let Some(channel) = &mut self.channel {
            channel.work(now);
        }
        if let Some(floppies) = &mut self.floppies {
            floppies.work(now);
        }
    }

    pub(super) fn due(&self) -> Milliseconds {
        let disks = self.channel.as_ref().map_or(Milliseconds::MAX, Channel::due);
        let floppies = self.floppies.as_ref().map_or(Milliseconds::MAX, Controller::due);
        disks.min(floppies)
    }
}
