//! The driver of disks on the first ATA channel: ports 1F0h to 1F7h and 3F6h with line 14, up to two drives, data by program
//! (ATA-1, X3.221-1994).
//!
//! The driver sees the channel through [`Ports`], which the kernel implements with instructions and the tests with drives of their
//! own. An interrupt only says that it is worth having a look: [`Channel::work`] looks at the drive and does whatever its status
//! asks for, so a lost interrupt costs a tick of the clock and no more. [`Channel::submit`] takes requests,
//! [`Channel::next_done`] tells how they ended.
//!
//! Both drives share one set of registers, so one command runs at a time; drives that both have requests take turns, and
//! the requests of each have the order of [`queue`]. What fails is tried again from the sector that failed, one sector to a
//! command, after the second failure with the arm moved to cylinder 0 before; a drive that says nothing any more is reset.
//!
//! Left out: DMA, the second channel, drives without IDENTIFY DRIVE, whose shape only the CMOS memory tells.

mod errors;
mod identity;
mod queue;
mod registers;
#[cfg(test)]
pub(crate) mod tests;

pub use identity::{Addressing, Identity};

use crate::machine::Milliseconds;
use alloc::collections::VecDeque;
use alloc::vec;
use alloc::vec::Vec;
use proto::disk::SECTOR;
use queue::{Done, Queue, Request};
use registers::{Control, DriveHead, OPEN_BUS, Status, command, port};

/// Drives of a channel.
pub const DRIVES: usize = 2;
/// The most sectors of a command, and of a request.
pub const MOST_SECTORS: u32 = 256;

/// From power-on or reset until a drive must be ready (ATA-1, clause 9.1).
const SPIN_UP: Milliseconds = 31_000;
/// A drive at work that shows no progress for so long is reset: no drive takes a second to find and read a sector, and this leaves room for
/// tries of its own.
const PATIENCE: Milliseconds = 5_000;
/// The clock's ticks.
const TICK: Milliseconds = 10;
/// Looks at a register that take more than the 5 us in which a drive sets BSY after a command or a block: a cycle of the ISA bus takes
/// half a microsecond at least.
const SETTLING_LOOKS: u32 = 12;
/// Looks for which a drive may take to ask for the first block of a write, about a millisecond; later it is asked once a tick.
const FIRST_BLOCK_LOOKS: u32 = 1000;

/// The channel's registers.
pub trait Ports {
    /// Reads an I/O port.
    fn read(&mut self, port: u16) -> u8;
    /// Writes an I/O port.
    fn write(&mut self, port: u16, value: u8);
    /// Fills `to` with words of an I/O port.
    fn read_words(&mut self, port: u16, to: &mut [u8]);
    /// Writes words to an I/O port.
    fn write_words(&mut self, port: u16, from: &[u8]);
}

/// Names a request.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct RequestId(pub u32);

/// Where data goes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Direction {
    /// From the disk.
    Read,
    /// To the disk.
    Write,
}

/// Why a request was not carried out.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Failure {
    /// There is no such drive, or it answers no more.
    NoDrive,
    /// It goes beyond the end of the disk.
    Beyond,
    /// A sector cannot be read or written.
    BadSector,
    /// The drive reports a write fault.
    WriteProtected,
}

/// What the driver has seen.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Statistics {
    /// Commands that have moved data and gone well.
    pub commands: u32,
    /// Commands that have failed.
    pub errors: u32,
    /// Resets of the channel.
    pub resets: u32,
}

/// How far a drive has been made ready.
#[derive(Clone, Debug, PartialEq, Eq)]
enum Stage {
    /// Nobody has asked what it is.
    Unknown,
    /// It is told its shape.
    Parameters,
    /// It is told how many sectors it moves with one interrupt.
    Multiple,
    Ready,
    Absent,
}

#[derive(Clone, Debug)]
struct Drive {
    stage: Stage,
    identity: Option<Identity>,
    /// Sectors that it moves with one interrupt.
    block: u32,
    /// Where its arm is.
    position: u32,
}

/// What is done with a drive.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Step {
    Identify,
    Parameters,
    Multiple,
    Recalibrate,
    Transfer,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum State {
    Idle,
    /// The drive gets the step's command as soon as it is not busy.
    Selected(Step, usize),
    /// It has got it.
    Running(Step, usize),
}

/// How far a command that moves data has got.
#[derive(Clone, Copy, Debug, Default)]
struct Command {
    /// The first sector, counted from the beginning of the request.
    first: u32,
    /// Sectors that have still to be moved.
    left: u32,
    /// Sectors that are moved with one interrupt.
    block: u32,
}

/// A channel and its drives.
pub struct Channel<P> {
    ports: P,
    drives: [Drive; DRIVES],
    state: State,
    /// When the state was entered, or the drive moved data last.
    since: Milliseconds,
    /// When [`Channel::work`] was called last.
    now: Milliseconds,
    queue: Queue,
    /// The request that is carried out.
    current: Option<Request>,
    command: Command,
    /// The arm is moved to cylinder 0 before the request is tried again.
    is_lost: bool,
    /// The drive that was served last.
    last: usize,
    last_id: u32,
    done: VecDeque<Done>,
    statistics: Statistics,
}

impl<P: Ports> Channel<P> {
    /// Begins to look for drives. Where none is this is known at once; others are asked what they are.
    pub fn start(ports: P, now: Milliseconds) -> Channel<P> {
        const UNKNOWN: Drive = Drive {
            stage: Stage::Unknown,
            identity: None,
            block: 1,
            position: 0,
        };
        let mut channel = Channel {
            ports,
            drives: [UNKNOWN; DRIVES],
            state: State::Idle,
            since: now,
            now,
            queue: Queue::default(),
            current: None,
            command: Command::default(),
            is_lost: false,
            last: 0,
            last_id: 0,
            done: VecDeque::new(),
            statistics: Statistics::default(),
        };
        channel.ports.write(port::CONTROL, Control::FOUR_HEAD_BITS.bits());
        channel.work(now);
        channel
    }

    /// Whether there is a drive, or may be one that has not said so yet.
    pub fn has_drives(&self) -> bool {
        self.drives.iter().any(|drive| drive.stage != Stage::Absent)
    }

    /// Whether it is known which drives there are.
    pub fn is_ready(&self) -> bool {
        let is_ready = |drive: &Drive| drive.identity.is_some() || drive.stage == Stage::Absent;
        self.drives.iter().all(is_ready)
    }

    /// A drive that has said what it is.
    pub fn drive(&self, number: usize) -> Option<&Identity> {
        let drive = self.drives.get(number)?;
        drive.identity.as_ref().filter(|_| drive.stage != Stage::Absent)
    }

    /// What the driver has seen.
    pub fn statistics(&self) -> Statistics {
        self.statistics
    }

    /// When [`Channel::work`] has something to do, interrupt or not.
    pub fn due(&self) -> Milliseconds {
        match self.state {
            State::Idle => Milliseconds::MAX,
            State::Selected(..) | State::Running(..) => self.now + TICK,
        }
    }

    /// Reads `count` sectors, 1 to [`MOST_SECTORS`], into what [`Channel::next_done`] will give.
    ///
    /// # Errors
    /// [`Failure::NoDrive`] and [`Failure::Beyond`].
    pub fn read(&mut self, drive: usize, sector: u32, count: u32) -> Result<RequestId, Failure> {
        // There is room for the data when its turn comes.
        self.submit(drive, sector, count, Direction::Read, Vec::new())
    }

    /// Writes whole sectors, 1 to [`MOST_SECTORS`].
    ///
    /// # Errors
    /// [`Failure::NoDrive`] and [`Failure::Beyond`].
    pub fn write(&mut self, drive: usize, sector: u32, data: Vec<u8>) -> Result<RequestId, Failure> {
        let count = (data.len() / SECTOR) as u32;
        self.submit(drive, sector, count, Direction::Write, data)
    }

    fn submit(
        &mut self,
        drive: usize,
        sector: u32,
        count: u32,
        direction: Direction,
        data: Vec<u8>,
    ) -> Result<RequestId, Failure> {
        let sectors = self.drive(drive).ok_or(Failure::NoDrive)?.sectors;
        let is_there = sector.checked_add(count).is_some_and(|end| end <= sectors);
        if !is_there || !(1..=MOST_SECTORS).contains(&count) {
            return Err(Failure::Beyond);
        }
        self.last_id = self.last_id.wrapping_add(1).max(1);
        let id = RequestId(self.last_id);
        self.queue.add(Request {
            id,
            drive,
            sector,
            count,
            direction,
            data,
            done: 0,
            furthest: 0,
            tries: 0,
            resets: 0,
        });
        Ok(id)
    }

    /// Forgets a request. One that a drive is at goes on to its end, but nobody is told.
    pub fn cancel(&mut self, id: RequestId) {
        self.queue.cancel(id);
        self.done.retain(|(done, _)| *done != id);
        if let Some(request) = self.current.as_mut().filter(|request| request.id == id) {
            // No other request has this name.
            request.id = RequestId(0);
        }
    }

    /// The next request that has ended: what was read, or why not.
    pub fn next_done(&mut self) -> Option<(RequestId, Result<Vec<u8>, Failure>)> {
        self.done.pop_front()
    }

    /// Looks at the drives, and does what they ask for and what has been submitted, as far as that goes now. Called after
    /// interrupts, after requests and once a tick.
    pub fn work(&mut self, now: Milliseconds) {
        self.now = now;
        while self.advance() {}
    }

    /// Does one thing; false if there is nothing to do until the drive has done something.
    fn advance(&mut self) -> bool {
        match self.state {
            State::Idle => self.begin(),
            State::Selected(step, drive) => self.give(step, drive),
            State::Running(step, drive) => self.look(step, drive),
        }
    }

    fn enter(&mut self, state: State) {
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

    fn status(&mut self) -> Status {
        Status::from_bits_retain(self.ports.read(port::ALTERNATE_STATUS))
    }

    /// Gives the drive time to show what it makes of what it was told.
    fn settle(&mut self) {
        for _ in 0..SETTLING_LOOKS {
            self.ports.read(port::ALTERNATE_STATUS);
        }
    }

    fn select(&mut self, drive: usize, more: DriveHead) {
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

    fn order(&mut self, command: u8) {
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

    /// Has the drive read or write what is left of the current request.
    fn start_transfer(&mut self, drive: usize) {
        let (Some(request), Some(identity)) = (&mut self.current, &self.drives[drive].identity) else {
            return;
        };
        if request.data.is_empty() {
            request.data = vec![0; request.count as usize * SECTOR];
        }
        let left = request.count - request.done;
        // After a failure one sector at a time: so it is plain which one it is, and those before it are good.
        let block = if request.tries > 0 {
            1
        } else {
            self.drives[drive].block
        };
        self.command = Command {
            first: request.done,
            left,
            block,
        };
        let code = match (request.direction, block) {
            (Direction::Read, 1) => command::READ,
            (Direction::Read, _) => command::READ_MULTIPLE,
            (Direction::Write, 1) => command::WRITE,
            (Direction::Write, _) => command::WRITE_MULTIPLE,
        };
        let direction = request.direction;
        let sector = request.sector + request.done;
        let (number, low, high, head) = match identity.addressing {
            Addressing::Lba => {
                let [number, low, high, top] = sector.to_le_bytes();
                let head = DriveHead::from_bits_retain(top) & DriveHead::HEAD | DriveHead::LBA;
                (number, low, high, head)
            }
            Addressing::Chs => {
                let (cylinder, head, number) = identity.shape_of(sector);
                let [low, high] = cylinder.to_le_bytes();
                (number, low, high, DriveHead::from_bits_retain(head))
            }
        };
        self.select(drive, head);
        // 256 is written as 0.
        self.ports.write(port::SECTOR_COUNT, left as u8);
        self.ports.write(port::SECTOR_NUMBER, number);
        self.ports.write(port::CYLINDER_LOW, low);
        self.ports.write(port::CYLINDER_HIGH, high);
        self.order(code);
        if direction == Direction::Write {
            // The first block has no interrupt.
            let asks = |status: Status| !status.contains(Status::BUSY) && status.intersects(FIRST_BLOCK);
            const FIRST_BLOCK: Status = Status::DATA_REQUEST.union(Status::ERROR);
            for _ in 0..FIRST_BLOCK_LOOKS {
                if asks(self.status()) {
                    return;
                }
            }
        }
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

    fn advance_stage(&mut self, number: usize, stage: Stage) {
        let drive = &mut self.drives[number];
        drive.stage = match stage {
            Stage::Multiple if drive.block == 1 => Stage::Ready,
            stage => stage,
        };
        self.enter(State::Idle);
    }

    /// Moves a block between the drive and the request.
    fn move_block(&mut self) {
        let Some(request) = &mut self.current else {
            return;
        };
        let count = self.command.block.min(self.command.left);
        let (first, direction) = (request.done, request.direction);
        let data = request.bytes(first, count);
        match direction {
            Direction::Read => self.ports.read_words(port::DATA, data),
            Direction::Write => self.ports.write_words(port::DATA, data),
        }
        request.done += count;
        self.command.left -= count;
        self.since = self.now;
        self.settle();
    }

    fn finish_transfer(&mut self) {
        self.statistics.commands += 1;
        self.end_request(Ok(()));
    }

    /// The current request has ended.
    fn end_request(&mut self, result: Result<(), Failure>) {
        if let Some(request) = self.current.take() {
            self.drives[request.drive].position = request.sector + request.count;
            self.report(request, result);
        }
        self.is_lost = false;
        self.enter(State::Idle);
    }

    fn report(&mut self, request: Request, result: Result<(), Failure>) {
        if request.id != RequestId(0) {
            let data = match request.direction {
                Direction::Read => request.data,
                Direction::Write => Vec::new(),
            };
            self.done.push_back((request.id, result.map(|()| data)));
        }
    }

    /// There is no such drive, or not any more.
    fn remove(&mut self, number: usize) {
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
