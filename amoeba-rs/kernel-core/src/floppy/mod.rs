//! The driver of floppies: the 765 and its successors at ports 3F2h to 3F7h with line 6 and DMA channel 2, up to two drives.
//!
//! The driver sees the machine through [`Ports`], which the kernel implements with instructions and the tests with a model of the
//! controller. Nothing waits here: [`Controller::work`] is called after interrupts and requests and when [`Controller::due`] says so,
//! and does whatever can be done; the only loops are those in which the controller takes the bytes of a command, some microseconds
//! each ([`wire`]). Both drives share the controller, so one of them is served at a time; they take turns, and the requests of each
//! have the order of [`crate::disk_requests`].
//!
//! A tour: [`formats`] knows drives and disks; [`steps`] decides what comes next, from motor and change line to the command that
//! moves data; [`transfer`] prepares memory and DMA for that and takes its result; [`errors`] says what happens otherwise; [`wire`] talks
//! to the controller.
//!
//! * The motor runs from a request until 2 s behind the last one. Commands wait until the disk turns, 0.5 s.
//! * A disk that was changed is looked at before anything else is done: how it is formatted, and its first sector. By that
//!   sector a disk is known again ([`Controller::remember`]), so nothing that was meant for one disk goes to another.
//! * A command moves up to a cylinder. What fails is tried again one sector to a command, five times, from the second failure on with the arm moved
//!   to cylinder 0 before.
//! * A disk that is taken out while a command is under way is missed at the next tick, by the change line, or, in a drive without one, when
//!   nothing has come for 2 s. The controller is reset then, as it waits for the disk to turn.
//!
//! Left out: single density, disks with one side or eight sectors to a track, data by program.

mod errors;
mod formats;
mod registers;
mod request;
mod steps;
#[cfg(test)]
pub(crate) mod tests;
mod transfer;
mod wire;

pub use crate::disk_requests::{Direction, Failure, RequestId, Statistics};
pub use formats::{Format, Kind};
pub use request::Wanted;

use crate::disk_requests::{Done, NOBODY, Queue};
use crate::machine::{Milliseconds, TICK};
use alloc::boxed::Box;
use alloc::collections::VecDeque;
use alloc::vec::Vec;
use proto::disk::SECTOR;
use registers::DigitalOutput;
use request::{Purpose, Request, Work};

/// Drives of the controller.
pub const DRIVES: usize = 2;
/// Bytes of the memory for DMA: the largest cylinder.
pub const BUFFER: usize = 36 * SECTOR;

/// The driver's own looks at drives.
const OWN: RequestId = RequestId(u32::MAX);
/// Finding out which disk there is.
const LOOK: Work = Work::new(Purpose::Look, Wanted::Any);

/// The machine, as far as the driver uses it.
pub trait Ports {
    /// Reads an I/O port.
    fn read(&mut self, port: u16) -> u8;
    /// Writes an I/O port.
    fn write(&mut self, port: u16, value: u8);
    /// Whether the controller has interrupted since this was asked last.
    fn take_interrupt(&mut self) -> bool;
    /// The physical address of the buffer: [`BUFFER`] bytes of memory below 16 MB that cross no multiple of 64 KB. The driver reads and
    /// writes them only while no transfer is under way.
    fn buffer_address(&self) -> u32;
    /// Writes to the beginning of the buffer.
    fn write_buffer(&mut self, data: &[u8]);
    /// Reads the beginning of the buffer.
    fn read_buffer(&mut self, data: &mut [u8]);
}

/// What is known of the disk in a drive.
#[derive(Clone, Debug)]
struct Disk {
    format: &'static Format,
    /// Its first sector, if that can be read.
    mark: Option<Box<[u8; SECTOR]>>,
}

/// How far the driver has got in finding out which disk there is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Inquiry {
    /// The format with this number is tried.
    Format(usize),
    /// The first sector of a disk of that format is read.
    Mark(&'static Format),
}

#[derive(Clone, Debug)]
struct Drive {
    kind: Kind,
    /// Where its arm is, in steps.
    position: Option<u8>,
    /// When its disk turns, if the motor is on.
    turns_from: Option<Milliseconds>,
    /// The arm has been moved since the change line was seen.
    has_stepped: bool,
    inquiry: Inquiry,
    disk: Option<Disk>,
    remembered: Option<Box<[u8; SECTOR]>>,
    /// The driver has had its first look.
    is_known: bool,
    /// The sector behind the last one that was moved.
    sector: u32,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum State {
    Idle,
    /// The controller is coming out of a reset.
    Resetting,
    /// Nothing happens until then: the motor gets up to speed, or the head settles.
    Waiting(Milliseconds),
    /// The arm of that drive is on its way.
    Seeking {
        drive: usize,
        target: u8,
    },
    /// A command is under way.
    Running(Running),
}

/// What a command does.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Running {
    Inquiry,
    /// Moves so many sectors.
    Move(u32),
    FormatTrack,
}

/// The controller and its drives.
pub struct Controller<P> {
    ports: P,
    drives: [Option<Drive>; DRIVES],
    output: DigitalOutput,
    /// The controller has answered.
    is_there: bool,
    /// Resets in a row of which nothing has come.
    vain_resets: u32,
    state: State,
    since: Milliseconds,
    now: Milliseconds,
    motors_until: Milliseconds,
    queue: Queue<Work>,
    current: Option<Request>,
    /// The drive that was served last.
    last: usize,
    last_id: u32,
    done: VecDeque<Done>,
    statistics: Statistics,
}

impl<P: Ports> Controller<P> {
    /// Resets the controller, and begins to look which disks there are.
    pub fn start(ports: P, kinds: [Option<Kind>; DRIVES], now: Milliseconds) -> Controller<P> {
        let drive = |kind| Drive {
            kind,
            position: None,
            turns_from: None,
            has_stepped: false,
            inquiry: Inquiry::Format(0),
            disk: None,
            remembered: None,
            is_known: false,
            sector: 0,
        };
        let mut controller = Controller {
            ports,
            drives: kinds.map(|kind| kind.map(drive)),
            output: DigitalOutput::empty(),
            is_there: false,
            vain_resets: 0,
            state: State::Idle,
            since: now,
            now,
            motors_until: 0,
            queue: Queue::default(),
            current: None,
            last: 0,
            last_id: 0,
            done: VecDeque::new(),
            statistics: Statistics::default(),
        };
        controller.join_dma();
        controller.reset();
        controller.work(now);
        controller
    }

    /// Whether it is known which disks there are.
    pub fn is_ready(&self) -> bool {
        self.drives.iter().flatten().all(|drive| drive.is_known)
    }

    /// The kind of a drive; `None` if there is none, or the controller does not answer.
    pub fn kind(&self, drive: usize) -> Option<Kind> {
        Some(self.drives.get(drive)?.as_ref()?.kind)
    }

    /// The format of the disk that was last found in a drive.
    pub fn disk(&self, drive: usize) -> Option<&'static Format> {
        let disk = self.drives.get(drive)?.as_ref()?.disk.as_ref()?;
        Some(disk.format)
    }

    /// Has requests for [`Wanted::Remembered`] mean the disk that was last found in a drive; none if there was none or its first
    /// sector cannot be read.
    pub fn remember(&mut self, drive: usize) {
        if let Some(drive) = self.drives.get_mut(drive).and_then(Option::as_mut) {
            drive.remembered = drive.disk.as_ref().and_then(|disk| disk.mark.clone());
        }
    }

    /// What the driver has seen.
    pub fn statistics(&self) -> Statistics {
        self.statistics
    }

    /// When [`Controller::work`] has something to do, interrupt or not.
    pub fn due(&self) -> Milliseconds {
        match self.state {
            State::Idle if self.output.intersects(MOTORS) => self.motors_until,
            State::Idle => Milliseconds::MAX,
            State::Waiting(until) => until,
            State::Resetting | State::Seeking { .. } | State::Running(_) => self.now + TICK,
        }
    }

    /// Reads sectors into what [`Controller::next_done`] will give.
    ///
    /// # Errors
    /// [`Failure::NoDrive`] if there is no such drive, [`Failure::Beyond`] if no disk of the drive's has such sectors.
    pub fn read(
        &mut self,
        drive: usize,
        sector: u32,
        count: u32,
        wanted: Wanted,
    ) -> Result<RequestId, Failure> {
        self.submit(Request {
            sector,
            count,
            ..Request::new(drive, Work::new(Purpose::Move(Direction::Read), wanted))
        })
    }

    /// Writes whole sectors.
    ///
    /// # Errors
    /// Those of [`Controller::read`].
    pub fn write(
        &mut self,
        drive: usize,
        sector: u32,
        data: Vec<u8>,
        wanted: Wanted,
    ) -> Result<RequestId, Failure> {
        self.submit(Request {
            sector,
            count: (data.len() / SECTOR) as u32,
            data,
            ..Request::new(drive, Work::new(Purpose::Move(Direction::Write), wanted))
        })
    }

    /// Finds out which disk there is; [`Controller::disk`] tells it then. A disk without a format is [`Failure::BadSector`].
    ///
    /// # Errors
    /// [`Failure::NoDrive`] if there is no such drive.
    pub fn look(&mut self, drive: usize) -> Result<RequestId, Failure> {
        self.submit(Request::new(drive, LOOK))
    }

    /// Formats all tracks: as they are formatted, or else in the drive's own way. It takes half a minute and more.
    ///
    /// # Errors
    /// [`Failure::NoDrive`] if there is no such drive.
    pub fn format(&mut self, drive: usize) -> Result<RequestId, Failure> {
        self.submit(Request::new(drive, Work::new(Purpose::Format, Wanted::Any)))
    }

    fn submit(&mut self, request: Request) -> Result<RequestId, Failure> {
        let most = self.kind(request.drive).ok_or(Failure::NoDrive)?.most_sectors();
        let end = request.sector.checked_add(request.count);
        let is_move = matches!(request.work.purpose, Purpose::Move(_));
        if end.is_none_or(|end| end > most) || is_move && request.count == 0 {
            return Err(Failure::Beyond);
        }
        self.last_id = self.last_id.wrapping_add(1) % OWN.0;
        let id = RequestId(self.last_id.max(1));
        self.last_id = id.0;
        self.queue.add(Request { id, ..request });
        Ok(id)
    }

    /// Forgets a request. A command that is under way for it goes on to its end, but no other follows.
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

    /// Looks at the controller, and does what it asks for and what has been submitted, as far as that goes now. Called after interrupts,
    /// after requests and when it is due.
    pub fn work(&mut self, now: Milliseconds) {
        self.now = now;
        while self.advance() {}
    }

    fn drive_mut(&mut self, number: usize) -> Option<&mut Drive> {
        self.drives[number].as_mut()
    }
}

const MOTORS: DigitalOutput = DigitalOutput::MOTOR_0.union(DigitalOutput::MOTOR_1);
