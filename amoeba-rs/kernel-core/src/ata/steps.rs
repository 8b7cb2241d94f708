//! What is done with drives, step by step: they are asked what they are, told how they are used, and given commands.

use super::registers::{DriveHead, OPEN_BUS, Status, command, port};
use super::{Channel, DRIVES, Failure, Identity, PATIENCE, Ports, SECTOR, SPIN_UP, Stage, State, Step};

/// Looks at a register that take more than the 5 us in which a drive sets BSY after a command or a block: a cycle of the ISA bus takes
/// half a microsecond at least.
const SETTLING_LOOKS: u32 = 12;

impl<P: Ports> Channel<P> {
    /// Does one thing; false if there is nothing to do until the drive has done something.
    pub(super) fn advance(&mut self) -> bool {
        match self.state {
            State::Idle => self.begin(),
            State::Selected(step, drive) => self.give(step, drive),
            State::Running(step, drive) => self.look(step, drive),
        }
    }

    pub(super) fn enter(&mut self, state: State) {
        self.state = state;
        self.since = self.now;
    }

    /// Decides what is done next.
    fn begin(&mut self) -> bool {
        let mut steps = self.drives.iter().enumerate().filter_map(|(number, drive)| {
            let step = match drive.stage {
                Stage::Unknown => Step::Identify,
                Stage::Parameters => Step::Parameters,
                Stage::Multiple => Step::Multiple,
                Stage::Ready | Stage::Absent => return None,
            };
            Some((step, number))
        });
        if let Some((step, drive)) = steps.next() {
            self.enter(State::Selected(step, drive));
            return true;
        }
        if self.current.is_none() {
            let other = (self.last + 1) % DRIVES;
            let drive = if self.queue.has(other) { other } else { self.last };
            self.current = self.queue.next(drive, self.drives[drive].position);
        }
        let Some(request) = &self.current else {
            return false;
        };
        let step = if core::mem::take(&mut self.is_lost) {
            Step::Recalibrate
        } else {
            Step::Transfer
        };
        self.last = request.drive;
        self.enter(State::Selected(step, request.drive));
        true
    }

    pub(super) fn status(&mut self) -> Status {
        Status::from_bits_retain(self.ports.read(port::ALTERNATE_STATUS))
    }

    /// Gives the drive time to show what it makes of what it was told.
    pub(super) fn settle(&mut self) {
        for _ in 0..SETTLING_LOOKS {
            self.ports.read(port::ALTERNATE_STATUS);
        }
    }

    pub(super) fn select(&mut self, drive: usize, more: DriveHead) {
        let drive = if drive == 0 {
            DriveHead::empty()
        } else {
            DriveHead::DRIVE_1
        };
        let value = DriveHead::ONES | drive | more;
        self.ports.write(port::DRIVE_HEAD, value.bits());
    }

    /// Gives a selected drive its command, if it can take one.
    fn give(&mut self, step: Step, drive: usize) -> bool {
        self.select(drive, DriveHead::empty());
        self.settle();
        let status = self.status();
        let is_first = self.drives[drive].stage == Stage::Unknown;
        let nobody = [OPEN_BUS, 0].contains(&status.bits());
        if is_first && (nobody || !status.contains(Status::BUSY) && !self.has_registers()) {
            self.remove(drive);
            return true;
        }
        let is_able = step == Step::Identify || status.contains(Status::READY);
        if status.contains(Status::BUSY) || !is_able {
            let patience = if step == Step::Transfer { PATIENCE } else { SPIN_UP };
            return self.wait(step, drive, patience);
        }
        self.enter(State::Running(step, drive));
        match step {
            Step::Identify => self.order(command::IDENTIFY),
            Step::Recalibrate => self.order(command::RECALIBRATE),
            Step::Parameters => self.set_parameters(drive),
            Step::Multiple => {
                self.ports
                    .write(port::SECTOR_COUNT, self.drives[drive].block as u8);
                self.order(command::SET_MULTIPLE);
            }
            Step::Transfer => self.start_transfer(drive),
        }
        true
    }

    /// Whether registers keep what is written to them.
    fn has_registers(&mut self) -> bool {
        const PATTERNS: [(u16, u8); 2] = [(port::SECTOR_COUNT, 0x55), (port::SECTOR_NUMBER, 0xaa)];
        for (register, pattern) in PATTERNS {
            self.ports.write(register, pattern);
        }
        PATTERNS
            .iter()
            .all(|(register, pattern)| self.ports.read(*register) == *pattern)
    }

    pub(super) fn order(&mut self, command: u8) {
        self.ports.write(port::COMMAND, command);
        self.settle();
    }

    /// Has the drive use its default translation, whatever a BIOS made of it.
    fn set_parameters(&mut self, drive: usize) {
        let Some(identity) = &self.drives[drive].identity else {
            return;
        };
        let (heads, track_sectors) = (identity.heads, identity.track_sectors);
        self.select(drive, DriveHead::from_bits_truncate(heads as u8 - 1));
        self.ports.write(port::SECTOR_COUNT, track_sectors as u8);
        self.order(command::SET_PARAMETERS);
    }

    /// Looks how far the drive is.
    fn look(&mut self, step: Step, drive: usize) -> bool {
        let status = self.status();
        if status.contains(Status::BUSY) {
            return self.wait(step, drive, PATIENCE);
        }
        // This ends the interrupt.
        self.ports.read(port::STATUS);
        if status.intersects(Status::ERROR | Status::WRITE_FAULT) {
            self.failed(step, drive, status);
            return true;
        }
        let has_data = status.contains(Status::DATA_REQUEST);
        match step {
            Step::Identify if has_data => self.identify(drive),
            Step::Identify => return self.wait(step, drive, PATIENCE),
            Step::Parameters => self.advance_stage(drive, Stage::Multiple),
            Step::Multiple => self.advance_stage(drive, Stage::Ready),
            Step::Recalibrate => self.enter(State::Idle),
            Step::Transfer if has_data && self.command.left > 0 => self.move_block(),
            Step::Transfer if !has_data && self.command.left == 0 => self.finish_transfer(),
            Step::Transfer => return self.wait(step, drive, PATIENCE),
        }
        true
    }

    /// Reads what the drive says of itself.
    fn identify(&mut self, number: usize) {
        let mut sector = [0; SECTOR];
        self.ports.read_words(port::DATA, &mut sector);
        self.settle();
        let drive = &mut self.drives[number];
        drive.identity = Identity::parse(&sector);
        match &drive.identity {
            Some(identity) => {
                // A power of two, as the command wants it.
                drive.block = 1 << u32::from(identity.multiple).max(1).ilog2();
                self.advance_stage(number, Stage::Parameters);
            }
            None => self.remove(number),
        }
    }

    pub(super) fn advance_stage(&mut self, number: usize, stage: Stage) {
        let drive = &mut self.drives[number];
        drive.stage = match stage {
            Stage::Multiple if drive.block == 1 => Stage::Ready,
            stage => stage,
        };
        self.enter(State::Idle);
    }

    /// There is no such drive, or not any more.
    pub(super) fn remove(&mut self, number: usize) {
        self.drives[number].stage = Stage::Absent;
        if self
            .current
            .as_ref()
            .is_some_and(|request| request.drive == number)
        {
            self.end_request(Err(Failure::NoDrive));
        }
        while let Some(request) = self.queue.any(number) {
            self.report(request, Err(Failure::NoDrive));
        }
        self.enter(State::Idle);
    }
}
