//! The driver of disks on the first ATA channel: ports 1F0h to 1F7h and 3F6h with line 14, up to two drives, data by program
//! (ATA-1, X3.221-1994).
//!
//! The driver sees the channel through [`Ports`], which the kernel implements with instructions and the tests with drives of their
//! own. An interrupt only says that it is worth having a look: [`Channel::work`] looks at the drive and does whatever its status
//! asks for, so a lost interrupt costs a tick of the clock and no more. [`Channel::submit`] takes requests,
//! [`Channel::next_done`] tells how they ended.
//!
//! Both drives share one set of registers, so one command runs at a time; drives that both have requests take turns, and
//! the requests of each have the order of [`crate::disk_requests`]. What fails is tried again from the sector that failed, one sector to a
//! command, after the second failure with the arm moved to cylinder 0 before; a drive that says nothing any more is reset ([`errors`]).
//!
//! Left out: DMA, the second channel, drives without IDENTIFY DRIVE, whose shape only the CMOS memory tells.

mod errors;
mod identity;
mod registers;
mod request;
mod steps;
#[cfg(test)]
pub(crate) mod tests;
mod transfer;

pub use crate::disk_requests::{Direction, Failure, RequestId, Statistics};
pub use identity::{Addressing, Identity};

use crate::disk_requests::{Done, NOBODY, Queue};
use crate::machine::{Milliseconds, TICK};
use alloc::collections::VecDeque;
use alloc::vec::Vec;
use proto::disk::SECTOR;
use registers::{Control, port};
use request::{Move, Request};

/// Drives of a channel.
pub const DRIVES: usize = 2;
/// The most sectors of a command, and of a request.
pub const MOST_SECTORS: u32 = 256;

/// From power-on or reset until a drive must be ready (ATA-1, clause 9.1).
const SPIN_UP: Milliseconds = 31_000;
/// A drive at work that shows no progress for so long is reset: no drive takes a second to find and read a sector, and this leaves room for
/// tries of its own.
const PATIENCE: Milliseconds = 5_000;
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
    queue: Queue<Move>,
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
        let work = Move {
            direction,
            furthest: 0,
        };
        self.queue.add(Request {
            id,
            sector,
            count,
            data,
            ..Request::new(drive, work)
        });
        Ok(id)
    }

    /// Forgets a request. One that a drive is at goes on to its end, but nobody is told.
    pub fn cancel(&mut self, id: RequestId) {
        self.queue.cancel(id);
        self.done.retain(|(done, _)| *done != id);
        if let Some(request) = self.current.as_mut().filter(|request| request.id == id) {
            request.id = NOBODY;
        }
    }

    /// The next request that has ended: what was read, or why not.
    pub fn next_done(&mut self) -> Option<Done> {
        self.done.pop_front()
    }

    /// Looks at the drives, and does what they ask for and what has been submitted, as far as that goes now. Called after
    /// interrupts, after requests and once a tick.
    pub fn work(&mut self, now: Milliseconds) {
        self.now = now;
        while self.advance() {}
    }
}
