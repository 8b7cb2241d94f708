//! What is done next: the motor, the change line, the arm, and finding out which disk there is.

use super::registers::{DigitalOutput, Status0, command};
use super::request::{Purpose, Request};
use super::wire::MOST_SENSES;
use super::{
    Controller, DRIVES, Disk, Inquiry, LOOK, MOTORS, Milliseconds, NOBODY, OWN, Ports, Running, State, TICK,
};

/// From the motor bit until the disk turns at its speed: the drives' manuals give 400 to 500 ms.
const SPIN_UP: Milliseconds = 500;
/// How long the motor runs on (IBM PC/AT Technical Reference, diskette parameter table).
const MOTOR_OFF: Milliseconds = 2_000;
/// From the last step until the head is still (as there).
const SETTLE: Milliseconds = 15;
/// The 79 steps of RECALIBRATE take half a second at the slowest rate.
pub(super) const SEEK_PATIENCE: Milliseconds = 700;
/// How often all formats are tried.
const ROUNDS: usize = 2;

impl<P: Ports> Controller<P> {
    /// Does one thing; false if there is nothing to do until the controller has done something, or time has passed.
    pub(super) fn advance(&mut self) -> bool {
        match self.state {
            State::Idle => self.begin(),
            State::Waiting(until) if self.now < until => false,
            State::Waiting(_) => {
                self.enter(State::Idle);
                true
            }
            State::Resetting => self.come_up(),
            State::Seeking { drive, target } => self.follow(drive, target),
            State::Running(running) => self.look_at(running),
        }
    }

    pub(super) fn enter(&mut self, state: State) {
        self.state = state;
        self.since = self.now;
    }

    /// The time of the first tick at which so much has passed: the one that was seen last may be almost over.
    fn after(&self, time: Milliseconds) -> Milliseconds {
        self.now + TICK + time
    }

    /// Goes on with the request that is carried out, or with the next one.
    fn begin(&mut self) -> bool {
        if self.current.as_ref().is_some_and(|request| request.id == NOBODY) {
            self.end_request(Ok(()));
        }
        if self.current.is_none() {
            self.current = self.next_request();
        }
        let Some(request) = &self.current else {
            return self.rest();
        };
        let drive = request.drive;
        self.last = drive;
        self.select(drive);
        self.prepare(drive);
        true
    }

    /// The driver's own look at a drive, or the request whose turn it is.
    fn next_request(&mut self) -> Option<Request> {
        let is_new = |drive: &Option<super::Drive>| drive.as_ref().is_some_and(|drive| !drive.is_known);
        if let Some(drive) = self.drives.iter().position(is_new) {
            return Some(Request {
                id: OWN,
                ..Request::new(drive, LOOK)
            });
        }
        let other = (self.last + 1) % DRIVES;
        let drive = if self.queue.has(other) { other } else { self.last };
        let position = self.drives[drive].as_ref().map_or(0, |drive| drive.sector);
        self.queue.next(drive, position)
    }

    /// Stops the motors when nobody has wanted anything for a while.
    fn rest(&mut self) -> bool {
        if self.output.intersects(MOTORS) && self.now >= self.motors_until {
            self.set_output(DigitalOutput::NOT_RESET | DigitalOutput::GATE);
            for number in 0..DRIVES {
                let Some(drive) = self.drive_mut(number) else {
                    continue;
                };
                drive.turns_from = None;
                // Nobody would tell that it was changed.
                if !drive.kind.has_change_line() {
                    self.forget(number);
                }
            }
        }
        false
    }

    fn select(&mut self, number: usize) {
        let (drive, motor) = match number {
            0 => (DigitalOutput::empty(), DigitalOutput::MOTOR_0),
            _ => (DigitalOutput::DRIVE_1, DigitalOutput::MOTOR_1),
        };
        let motors = self.output & MOTORS | motor;
        let turns_from = self.after(SPIN_UP);
        if let Some(drive) = self.drive_mut(number) {
            drive.turns_from.get_or_insert(turns_from);
        }
        self.set_output(DigitalOutput::NOT_RESET | DigitalOutput::GATE | motors | drive);
        self.keep_turning();
    }

    pub(super) fn keep_turning(&mut self) {
        self.motors_until = self.after(MOTOR_OFF);
    }

    /// What is known of the disk in a drive is not true any more.
    pub(super) fn forget(&mut self, number: usize) {
        if let Some(drive) = self.drive_mut(number) {
            drive.disk = None;
            drive.inquiry = Inquiry::Format(0);
        }
    }

    /// Whether the selected drive says that its disk was changed, or that there is none.
    pub(super) fn has_changed(&mut self, number: usize) -> bool {
        let has_line = |drive: &super::Drive| drive.kind.has_change_line();
        self.drives[number].as_ref().is_some_and(has_line) && self.shows_change()
    }

    /// Does what comes before the command that the current request is about, or gives that.
    fn prepare(&mut self, number: usize) {
        if self.has_changed(number) {
            return self.find_disk(number);
        }
        let now = self.now;
        let is_look = |request: &Request| request.work.purpose == Purpose::Look;
        let is_look = self.current.as_ref().is_some_and(is_look);
        let Some(drive) = self.drive_mut(number) else {
            return;
        };
        drive.has_stepped = false;
        let turns_from = drive.turns_from.unwrap_or(now);
        let format = drive.disk.as_ref().map(|disk| disk.format);
        match (drive.position, format) {
            (None, _) => self.recalibrate(number),
            (Some(_), Some(_)) if is_look => self.end_request(Ok(())),
            _ if now < turns_from => self.enter(State::Waiting(turns_from)),
            (Some(position), None) => self.inquire(number, position),
            (Some(position), Some(format)) => self.go_on(number, position, format),
        }
    }

    /// The change line is up: it goes down with a step of the arm, if there is a disk.
    fn find_disk(&mut self, number: usize) {
        self.forget(number);
        let has_begun = self
            .current
            .as_ref()
            .is_some_and(|request| request.work.has_begun);
        let Some(drive) = self.drive_mut(number) else {
            return;
        };
        match drive.position {
            None => self.recalibrate(number),
            Some(_) if has_begun || drive.has_stepped => {
                drive.has_stepped = false;
                self.end_request(Err(super::Failure::NoDrive));
            }
            Some(position) => {
                drive.has_stepped = true;
                self.seek(number, u8::from(position == 0));
            }
        }
    }

    /// Finds out how the disk is formatted, and reads its first sector.
    fn inquire(&mut self, number: usize, position: u8) {
        let is_format = |request: &Request| request.work.purpose == Purpose::Format;
        let is_format = self.current.as_ref().is_some_and(is_format);
        let Some(drive) = self.drive_mut(number) else {
            return;
        };
        let formats = drive.kind.formats();
        match drive.inquiry {
            Inquiry::Format(tried) if tried == ROUNDS * formats.len() => {
                drive.inquiry = Inquiry::Format(0);
                if is_format {
                    let format = &formats[0];
                    drive.disk = Some(Disk { format, mark: None });
                } else {
                    self.end_request(Err(super::Failure::BadSector));
                }
            }
            _ if position != 0 => self.seek(number, 0),
            Inquiry::Format(tried) => {
                self.set_rate(formats[tried % formats.len()].rate);
                self.command(&[command::READ_ID, number as u8], Running::Inquiry);
            }
            Inquiry::Mark(format) => {
                self.start_read(number, format, 0, 1, Running::Inquiry);
            }
        }
    }

    /// Gives a command whose end is awaited.
    pub(super) fn command(&mut self, bytes: &[u8], running: Running) {
        if self.put(bytes) {
            self.enter(State::Running(running));
        } else {
            self.fail_silent();
        }
    }

    pub(super) fn seek(&mut self, drive: usize, target: u8) {
        self.move_arm(drive, target, &[command::SEEK, drive as u8, target]);
    }

    fn recalibrate(&mut self, drive: usize) {
        self.move_arm(drive, 0, &[command::RECALIBRATE, drive as u8]);
    }

    fn move_arm(&mut self, drive: usize, target: u8, command: &[u8]) {
        self.ports.take_interrupt();
        if let Some(drive) = self.drive_mut(drive) {
            drive.position = None;
        }
        if self.put(command) {
            self.enter(State::Seeking { drive, target });
        } else {
            self.fail_silent();
        }
    }

    /// Looks whether the arm has arrived. Without an interrupt the controller is asked only when the time for all steps is over: some do
    /// not like questions while they step.
    fn follow(&mut self, number: usize, target: u8) -> bool {
        let is_overdue = self.now.saturating_sub(self.since) >= SEEK_PATIENCE;
        if !self.ports.take_interrupt() && !is_overdue {
            return false;
        }
        // What is left of a reset comes before.
        for _ in 0..MOST_SENSES {
            let Some((status, cylinder)) = self.sense() else {
                break;
            };
            if !status.contains(Status0::SEEK_END) {
                continue;
            }
            let is_good =
                !status.intersects(Status0::ABNORMAL | Status0::EQUIPMENT_CHECK) && cylinder == target;
            if is_good {
                if let Some(drive) = self.drive_mut(number) {
                    drive.position = Some(target);
                }
                self.enter(State::Waiting(self.after(SETTLE)));
            } else {
                self.seek_failed();
            }
            return true;
        }
        if is_overdue {
            self.fail_silent();
        }
        is_overdue
    }
}
