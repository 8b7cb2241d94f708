//! What is done when a drive reports an error, or nothing.

use super::registers::{Control, DriveHead, Error, Status, port};
use super::{
    Addressing, Channel, Direction, Failure, Milliseconds, Ports, Request, SECTOR, Stage, State, Step,
};

/// Tries at one sector.
const TRIES: u32 = 5;
/// Tries of what the drive refuses, which is no matter of chance.
const TRIES_OF_REFUSED: u32 = 2;
/// Resets on account of one request.
const RESETS: u32 = 2;

impl<P: Ports> Channel<P> {
    /// The drive has not come further; false unless it has been so for too long.
    pub(super) fn wait(&mut self, step: Step, drive: usize, patience: Milliseconds) -> bool {
        if self.now.saturating_sub(self.since) < patience {
            return false;
        }
        match step {
            // It has had the time that a drive may take after power-on and after a reset.
            Step::Identify | Step::Parameters | Step::Multiple => self.remove(drive),
            Step::Recalibrate | Step::Transfer => self.reset(drive),
        }
        true
    }

    /// Resets the channel because a drive says nothing; after some resets in vain for a request the drive counts as dead.
    fn reset(&mut self, drive: usize) {
        self.statistics.resets += 1;
        if let Some(request) = &mut self.current {
            request.done = request.done.min(self.command.first);
            request.resets += 1;
            if request.resets > RESETS {
                self.remove(drive);
            }
        }
        // At least 5 us.
        let control = Control::FOUR_HEAD_BITS | Control::RESET;
        self.ports.write(port::CONTROL, control.bits());
        self.settle();
        self.ports.write(port::CONTROL, Control::FOUR_HEAD_BITS.bits());
        self.settle();
        for drive in &mut self.drives {
            if drive.identity.is_some() && drive.stage != Stage::Absent {
                drive.stage = Stage::Parameters;
            }
        }
        self.is_lost = false;
        self.enter(State::Idle);
    }

    /// A command has failed.
    pub(super) fn failed(&mut self, step: Step, drive: usize, status: Status) {
        self.statistics.errors += 1;
        let error = Error::from_bits_retain(self.ports.read(port::ERROR));
        match step {
            Step::Identify => self.remove(drive),
            Step::Parameters => self.advance_stage(drive, Stage::Multiple),
            Step::Multiple => {
                self.drives[drive].block = 1;
                self.advance_stage(drive, Stage::Ready);
            }
            // The transfer will tell.
            Step::Recalibrate => self.enter(State::Idle),
            Step::Transfer => self.transfer_failed(drive, status, error),
        }
    }

    fn transfer_failed(&mut self, drive: usize, status: Status, error: Error) {
        let failing = self.failing_sector(drive);
        self.drain();
        let Some(request) = &mut self.current else {
            return self.enter(State::Idle);
        };
        // What the drive gave from the sector on that it now complains of, is not good.
        let place = failing
            .and_then(|sector| sector.checked_sub(request.sector))
            .filter(|place| (self.command.first..request.done).contains(place))
            .unwrap_or(request.done)
            .min(request.count - 1);
        note_failure(request, place);
        request.done = match request.work.direction {
            Direction::Read => place,
            // What was given to the drive may be anywhere.
            Direction::Write => self.command.first,
        };
        let is_refused = status.contains(Status::WRITE_FAULT) || error.contains(Error::ABORTED);
        let tries = if is_refused { TRIES_OF_REFUSED } else { TRIES };
        let why = if status.contains(Status::WRITE_FAULT) {
            Failure::WriteProtected
        } else {
            Failure::BadSector
        };
        if request.tries >= tries {
            return self.end_request(Err(why));
        }
        self.is_lost = request.tries >= 2;
        self.enter(State::Idle);
    }

    /// The sector at which a command has stopped, as the registers tell.
    fn failing_sector(&mut self, drive: usize) -> Option<u32> {
        let mut read = |port| self.ports.read(port);
        let (number, low) = (read(port::SECTOR_NUMBER), read(port::CYLINDER_LOW));
        let (high, head) = (read(port::CYLINDER_HIGH), read(port::DRIVE_HEAD));
        let head = head & DriveHead::HEAD.bits();
        let identity = self.drives[drive].identity.as_ref()?;
        match identity.addressing {
            Addressing::Lba => Some(u32::from_le_bytes([number, low, high, head])),
            Addressing::Chs => identity.number_of(u16::from_le_bytes([low, high]), head, number),
        }
    }

    /// Takes what a drive offers along with an error.
    fn drain(&mut self) {
        let mut sector = [0; SECTOR];
        for _ in 0..self.command.block {
            if !self.status().contains(Status::DATA_REQUEST) {
                return;
            }
            self.ports.read_words(port::DATA, &mut sector);
            self.settle();
        }
    }
}

/// Counts tries at a place; a request that has come further than before begins to count again.
fn note_failure(request: &mut Request, place: u32) {
    if place > request.work.furthest {
        request.work.furthest = place;
        request.tries = 0;
    }
    request.tries += 1;
}
