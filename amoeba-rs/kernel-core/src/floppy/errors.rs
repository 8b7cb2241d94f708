//! What is done when a command fails, the controller says nothing, or the disk is gone.

use super::{Controller, DRIVES, Failure, Milliseconds, Ports, Running, State};

/// Tries at one sector or track.
const TRIES: u32 = 5;
/// Failures of the arm on account of one request. A 765 gives up after 77 steps, so the first may be none.
const LOSSES: u32 = 3;
/// Resets on account of one request.
const RESETS: u32 = 2;
/// Resets in a row that show that there is no controller.
const VAIN_RESETS: u32 = 3;
/// From a reset to its interrupt, by far: 250 us.
const RESET_PATIENCE: Milliseconds = 100;
/// A cylinder passes within four turns of 200 ms, and whoever finds nothing says so after two.
const PATIENCE: Milliseconds = 2_000;

impl<P: Ports> Controller<P> {
    /// A command is under way: looks whether it can still end.
    pub(super) fn watch(&mut self, number: usize) -> bool {
        if self.has_changed(number) {
            // It would wait for an index hole for ever.
            self.forget(number);
            self.end_request(Err(Failure::NoDrive));
            self.reset();
            return true;
        }
        let is_overdue = self.now.saturating_sub(self.since) >= PATIENCE;
        if is_overdue {
            self.fail_silent();
        }
        is_overdue
    }

    /// The controller or the drive says nothing any more: there is no disk in a drive that does not tell so, or it is tried again after a reset.
    pub(super) fn fail_silent(&mut self) {
        if let Some(request) = &mut self.current {
            request.resets += 1;
            let (number, is_hopeless) = (request.drive, request.resets > RESETS);
            let is_inquiry = self.state == State::Running(Running::Inquiry);
            let is_blind = self.drives[number]
                .as_ref()
                .is_some_and(|drive| !drive.kind.has_change_line());
            if is_blind {
                self.forget(number);
            }
            if is_hopeless || is_inquiry || is_blind {
                self.end_request(Err(Failure::NoDrive));
            }
        }
        self.reset();
    }

    /// Resets the controller.
    pub(super) fn reset(&mut self) {
        if self.is_there {
            self.statistics.resets += 1;
        }
        self.pulse_reset();
        for drive in self.drives.iter_mut().flatten() {
            drive.position = None;
        }
        self.enter(State::Resetting);
    }

    /// Looks whether the controller has come out of a reset.
    pub(super) fn come_up(&mut self) -> bool {
        let is_overdue = self.now.saturating_sub(self.since) >= RESET_PATIENCE;
        if !self.ports.take_interrupt() && !is_overdue {
            return false;
        }
        // It tells of each drive that it could have.
        self.sense_all();
        if self.set_up() {
            (self.is_there, self.vain_resets) = (true, 0);
            self.enter(State::Idle);
            return true;
        }
        self.vain_resets += 1;
        if self.vain_resets < VAIN_RESETS {
            self.reset();
        } else {
            self.give_up();
        }
        true
    }

    /// There is no controller, or not any more.
    fn give_up(&mut self) {
        self.enter(State::Idle);
        self.drives = [const { None }; DRIVES];
        self.output = super::DigitalOutput::empty();
        if self.current.is_some() {
            self.end_request(Err(Failure::NoDrive));
        }
        for drive in 0..DRIVES {
            while let Some(request) = self.queue.any(drive) {
                self.report(request, Err(Failure::NoDrive));
            }
        }
    }

    /// The arm has not come to where it should.
    pub(super) fn seek_failed(&mut self) {
        self.statistics.errors += 1;
        self.enter(State::Idle);
        if let Some(request) = &mut self.current {
            request.work.lost += 1;
            if request.work.lost >= LOSSES {
                self.end_request(Err(Failure::NoDrive));
            }
        }
    }

    /// A command that moves data has failed.
    pub(super) fn failed(&mut self, number: usize, is_protected: bool) {
        self.statistics.errors += 1;
        let Some(request) = &mut self.current else {
            return;
        };
        request.tries += 1;
        let tries = request.tries;
        if is_protected {
            return self.end_request(Err(Failure::WriteProtected));
        }
        if tries >= TRIES {
            return self.end_request(Err(Failure::BadSector));
        }
        if tries >= 2
            && let Some(drive) = self.drive_mut(number)
        {
            drive.position = None;
        }
    }
}
