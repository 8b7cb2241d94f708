//! One drive: its registers, its commands and the transfers between host, buffer and medium.
//!
//! A drive gets BSY within the access that starts a command, and its state while BSY is set is one of [`Then`]. Only the
//! data of a block and IDs move by program; when they do is up to the host.

use std::collections::BTreeSet;

use clock::{Instant, Span};

use super::TornSector;
use super::command::{Command, Feature};
use super::mechanism::{Mechanism, Passage, PendingWrite};
use super::model::DriveModel;
use super::registers::{DIAGNOSTIC_PASSED, DriveHead, Error, Geometry, Status, TaskFile};
use crate::medium::{Medium, SECTOR_BYTES, Sector};

/// From the command to the first thing that the drive does for it. Drives of the time take 0.3 to 1 ms.
pub(super) const COMMAND_OVERHEAD: Span = Span::from_microseconds(500);

/// From the last word of a block until the drive asks for, or offers, one that is ready: BSY is due within 5 us
/// (ATA-1, PIO protocol), and so is its end if nothing else has to be waited for.
const TURNAROUND: Span = Span::from_microseconds(5);

/// From standby or power-off to full speed; drives take up to 10 s.
pub(super) const SPIN_UP: Span = Span::from_seconds(10);

/// A unit of the standby timer.
const STANDBY_UNIT: Span = Span::from_seconds(5);

/// The most sectors in a block of READ MULTIPLE.
const LARGEST_MULTIPLE: u8 = 8;

/// What a drive is.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct AtaDriveSettings {
    /// Its timing and its name.
    pub model: DriveModel,
    /// Sectors of the medium: at most 2^28.
    pub sectors: u32,
    /// How it translates cylinders, heads and sectors until the host says otherwise.
    pub geometry: Geometry,
    /// Up to 20 characters of ASCII for IDENTIFY DRIVE.
    pub serial_number: String,
}

/// What the drive does after BSY.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
enum Then {
    /// The command is complete.
    Complete,
    /// It has failed.
    Fail(Error),
    /// A block of so many sectors is offered.
    Offer(u32),
    /// A block of so many sectors is asked for; not the first one, so with an interrupt.
    Ask(u32),
    /// A reset or diagnostic is over.
    Diagnosed { interrupts: bool },
    /// What was written behind a command's end is on the medium, and the next command begins.
    Begin(u8),
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
enum Activity {
    Idle,
    /// SRST is set.
    Held,
    Busy {
        until: Instant,
        then: Then,
    },
    /// DRQ: word `next` of the block goes to the host, or comes from it.
    Data {
        next: usize,
        is_to_host: bool,
    },
}

/// What the data in the buffer belong to.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
enum Transfer {
    /// IDENTIFY, READ BUFFER and WRITE BUFFER.
    Buffer,
    /// `left` sectors from `sector` on have still to be moved.
    Sectors {
        sector: u32,
        left: u32,
        block: u32,
        writes: bool,
    },
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
enum Power {
    Active,
    Standby,
    Sleep,
    Off,
}

/// One drive.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(super) struct Drive {
    pub(super) settings: AtaDriveSettings,
    pub(super) geometry: Geometry,
    /// Sectors in a block of READ MULTIPLE and WRITE MULTIPLE; 0 if they are disabled.
    pub(super) multiple: u8,
    keeps_over_reset: bool,
    pub(super) file: TaskFile,
    error: u8,
    status: Status,
    is_interrupting: bool,
    activity: Activity,
    transfer: Transfer,
    block: Vec<u8>,
    /// The sector buffer of READ BUFFER and WRITE BUFFER.
    buffer: Box<Sector>,
    mechanism: Mechanism,
    /// Writes end for the host when it has given their data: see [`super::AtaController::assist_firmware`].
    pub(super) ends_writes_early: bool,
    /// What is on its way to the medium is of a write that has ended so.
    is_written_behind: bool,
    /// Sectors that were torn when the power failed.
    unreadable: BTreeSet<u32>,
    power: Power,
    spun_up_at: Instant,
    standby_after: Option<Span>,
    last_command_at: Instant,
}

impl Drive {
    pub(super) fn new(settings: AtaDriveSettings) -> Self {
        Self {
            geometry: settings.geometry,
            multiple: 0,
            keeps_over_reset: false,
            file: TaskFile::SIGNATURE,
            error: DIAGNOSTIC_PASSED,
            status: Status::READY | Status::SEEK_COMPLETE,
            is_interrupting: false,
            activity: Activity::Idle,
            transfer: Transfer::Buffer,
            block: Vec::new(),
            buffer: Box::new([0; SECTOR_BYTES]),
            mechanism: Mechanism::new(settings.model, settings.sectors),
            ends_writes_early: false,
            is_written_behind: false,
            unreadable: BTreeSet::new(),
            power: Power::Active,
            spun_up_at: Instant::START,
            standby_after: None,
            last_command_at: Instant::START,
            settings,
        }
    }

    /// The status register; reading it does not end an interrupt here.
    pub(super) fn status(&self) -> u8 {
        match self.activity {
            Activity::Held | Activity::Busy { .. } => Status::BUSY.bits(),
            Activity::Data { .. } => (self.status | Status::DATA_REQUEST).bits(),
            Activity::Idle => self.status.bits(),
        }
    }

    pub(super) fn error(&self) -> u8 {
        self.error
    }

    pub(super) fn is_busy(&self) -> bool {
        matches!(self.activity, Activity::Held | Activity::Busy { .. })
    }

    pub(super) fn is_interrupting(&self) -> bool {
        self.is_interrupting
    }

    pub(super) fn end_interrupt(&mut self) {
        self.is_interrupting = false;
    }

    pub(super) fn is_writing(&self, now: Instant) -> bool {
        self.mechanism.is_writing(now)
    }

    /// The sector that is or comes next under the writing head, and when it passes.
    pub(super) fn next_write(&self) -> Option<(u32, Passage)> {
        let write = self.mechanism.first_write()?;
        Some((write.sector, write.passage))
    }

    pub(super) fn largest_multiple(&self) -> u8 {
        LARGEST_MULTIPLE.min(self.mechanism.buffer_sectors() as u8)
    }

    pub(super) fn next_event(&self) -> Option<Instant> {
        let busy = match self.activity {
            Activity::Busy { until, .. } => Some(until),
            _ => None,
        };
        [busy, self.mechanism.next_write()].into_iter().flatten().min()
    }

    /// Lets everything happen that is due at or before `now`.
    pub(super) fn advance<M: Medium>(&mut self, now: Instant, medium: &mut Option<M>) {
        while let Some(at) = self.next_event()
            && at <= now
        {
            if let Some(write) = self.mechanism.written(at) {
                self.commit(&write, medium);
            } else if let Activity::Busy { then, .. } = self.activity {
                self.end_busy(then, at, medium);
            }
        }
    }

    /// A sector is on the medium.
    fn commit<M: Medium>(&mut self, write: &PendingWrite, medium: &mut Option<M>) {
        self.unreadable.remove(&write.sector);
        if let Some(medium) = medium {
            medium.write(write.sector, &write.data);
        }
    }

    fn end_busy<M: Medium>(&mut self, then: Then, at: Instant, medium: &Option<M>) {
        self.activity = Activity::Idle;
        self.last_command_at = at;
        match then {
            Then::Complete => self.is_interrupting = true,
            Then::Fail(error) => {
                self.report(error);
                self.is_interrupting = true;
            }
            Then::Offer(sectors) => self.offer(sectors, medium),
            Then::Ask(sectors) => {
                self.ask(sectors);
                self.is_interrupting = true;
            }
            Then::Diagnosed { interrupts } => {
                self.error = DIAGNOSTIC_PASSED;
                self.file = TaskFile {
                    drive_head: self.file.drive_head & DriveHead::DRIVE_1.bits() | DriveHead::ONES.bits(),
                    ..TaskFile::SIGNATURE
                };
                self.is_interrupting = interrupts;
            }
            Then::Begin(code) => self.command(code, at),
        }
    }

    fn busy(&mut self, until: Instant, then: Then) {
        self.activity = Activity::Busy { until, then };
    }

    fn fail(&mut self, error: Error, now: Instant) {
        self.busy(now + TURNAROUND, Then::Fail(error));
    }

    /// The registers say what went wrong.
    fn report(&mut self, error: Error) {
        self.error = error.bits();
        self.status |= Status::ERROR;
    }

    /// Of `count` sectors from `sector` on so many are the drive's.
    fn existing(&self, sector: u32, count: u32) -> u32 {
        count.min(self.settings.sectors.saturating_sub(sector))
    }

    /// Why a sector cannot be read.
    fn flaw(&self, sector: u32) -> Option<Error> {
        if sector >= self.settings.sectors {
            Some(Error::ID_NOT_FOUND)
        } else if self.unreadable.contains(&sector) {
            Some(Error::UNCORRECTABLE)
        } else {
            None
        }
    }

    /// A block is in the buffer. One with a sector that cannot be read comes whole all the same, with ERR beside DRQ from
    /// its beginning, the address of the first such sector, and a count of what is left from there on; it is the last one
    /// (ATA-1, READ SECTORS and READ MULTIPLE). What is in such a sector's place is zeros.
    fn offer<M: Medium>(&mut self, sectors: u32, medium: &Option<M>) {
        self.is_interrupting = true;
        self.activity = Activity::Data {
            next: 0,
            is_to_host: true,
        };
        let Transfer::Sectors { sector: first, .. } = self.transfer else {
            return;
        };
        self.block.clear();
        let mut failure = None;
        for sector in first..first + sectors {
            let mut data = [0; SECTOR_BYTES];
            if let Some(error) = self.flaw(sector) {
                failure = failure.or(Some((sector, error)));
            } else if let Some(medium) = medium {
                medium.read(sector, &mut data);
            }
            self.block.extend(data);
        }
        if let Some((sector, error)) = failure {
            self.report(error);
            self.file.sector_count = self.file.sector_count.wrapping_sub((sector - first) as u8);
            self.point_at(sector);
        }
    }

    fn ask(&mut self, sectors: u32) {
        self.block.clear();
        self.block.resize(sectors as usize * SECTOR_BYTES, 0);
        self.activity = Activity::Data {
            next: 0,
            is_to_host: false,
        };
    }

    /// The host reads a word of the data register.
    pub(super) fn read_word(&mut self, now: Instant) -> Option<u16> {
        let Activity::Data {
            next,
            is_to_host: true,
        } = self.activity
        else {
            return None;
        };
        let word = u16::from_le_bytes([self.block[2 * next], self.block[2 * next + 1]]);
        self.activity = Activity::Data {
            next: next + 1,
            is_to_host: true,
        };
        if 2 * (next + 1) == self.block.len() {
            self.end_block_to_host(now);
        }
        Some(word)
    }

    /// The host writes a word of the data register.
    pub(super) fn write_word(&mut self, word: u16, now: Instant) {
        let Activity::Data {
            next,
            is_to_host: false,
        } = self.activity
        else {
            return;
        };
        self.block[2 * next..2 * next + 2].copy_from_slice(&word.to_le_bytes());
        self.activity = Activity::Data {
            next: next + 1,
            is_to_host: false,
        };
        if 2 * (next + 1) == self.block.len() {
            self.end_block_from_host(now);
        }
    }

    fn end_block_to_host(&mut self, now: Instant) {
        self.activity = Activity::Idle;
        let Transfer::Sectors {
            sector, left, block, ..
        } = self.transfer
        else {
            return;
        };
        let moved = (self.block.len() / SECTOR_BYTES) as u32;
        self.mechanism.take(self.existing(sector, moved), now);
        if self.status.contains(Status::ERROR) {
            return;
        }
        self.advance_file(sector, moved);
        let transfer = Transfer::Sectors {
            sector: sector + moved,
            left: left - moved,
            block,
            writes: false,
        };
        self.transfer = transfer;
        if left > moved {
            self.read_block(now + TURNAROUND);
        }
    }

    fn end_block_from_host(&mut self, now: Instant) {
        let Transfer::Sectors {
            sector, left, block, ..
        } = self.transfer
        else {
            self.buffer.copy_from_slice(&self.block);
            self.activity = Activity::Idle;
            return self.busy(now + TURNAROUND, Then::Complete);
        };
        let mut data = [0; SECTOR_BYTES];
        let moved = self.existing(sector, (self.block.len() / SECTOR_BYTES) as u32);
        for (sector, bytes) in (sector..sector + moved).zip(self.block.chunks_exact(SECTOR_BYTES)) {
            data.copy_from_slice(bytes);
            self.mechanism.write(sector, &data, now);
        }
        self.advance_file(sector, moved);
        self.transfer = Transfer::Sectors {
            sector: sector + moved,
            left: left - moved,
            block,
            writes: true,
        };
        self.after_written_block(now);
    }

    /// Asks for the next block when the buffer has room for it; the command is complete when all is on the medium. One that
    /// goes on behind the drive's last sector ends there, be it in the middle of a block (ATA-1, WRITE MULTIPLE).
    fn after_written_block(&mut self, now: Instant) {
        let Transfer::Sectors {
            sector, left, block, ..
        } = self.transfer
        else {
            return;
        };
        self.is_written_behind = self.ends_writes_early;
        if self.is_written_behind {
            return self.end_write_early(sector, left, block, now);
        }
        let soon = now + TURNAROUND;
        let all_written = self.mechanism.last_write().unwrap_or(soon).max(soon);
        if left == 0 {
            return self.busy(all_written, Then::Complete);
        }
        if self.existing(sector, left) == 0 {
            self.point_at(sector);
            return self.busy(all_written, Then::Fail(Error::ID_NOT_FOUND));
        }
        let next = block.min(left);
        let room = self.mechanism.room_at(next).unwrap_or(soon);
        self.busy(room.max(soon), Then::Ask(next));
    }

    /// The host sees neither BSY nor how much the buffer holds: what comes next happens within its access.
    fn end_write_early(&mut self, sector: u32, left: u32, block: u32, now: Instant) {
        let then = if left == 0 {
            Then::Complete
        } else if self.existing(sector, left) == 0 {
            self.point_at(sector);
            Then::Fail(Error::ID_NOT_FOUND)
        } else {
            Then::Ask(block.min(left))
        };
        self.busy(now, then);
    }

    /// Reads the next block of a transfer into the buffer, beginning at `from`.
    fn read_block(&mut self, from: Instant) {
        let Transfer::Sectors {
            sector, left, block, ..
        } = self.transfer
        else {
            return;
        };
        let count = block.min(left);
        let there = self.existing(sector, count);
        if there == 0 {
            self.point_at(sector);
            return self.busy(from, Then::Fail(Error::ID_NOT_FOUND));
        }
        let end = sector + self.existing(sector, left);
        let arrival = self.mechanism.read(sector, sector + there - 1, end, from);
        self.busy(arrival.max(from), Then::Offer(count));
    }

    /// The address registers show `sector`.
    fn point_at(&mut self, sector: u32) {
        let file = &mut self.file;
        if file.is_lba() {
            let [low, middle, high, top] = sector.to_le_bytes();
            [file.sector_number, file.cylinder_low, file.cylinder_high] = [low, middle, high];
            file.drive_head = file.drive_head & !DriveHead::HEAD.bits() | top & DriveHead::HEAD.bits();
        } else {
            let Geometry {
                heads,
                sectors_per_track,
                ..
            } = self.geometry;
            let track = sector / sectors_per_track;
            file.sector_number = (sector % sectors_per_track + 1) as u8;
            let [low, high, ..] = (track / heads).to_le_bytes();
            [file.cylinder_low, file.cylinder_high] = [low, high];
            file.drive_head = file.drive_head & !DriveHead::HEAD.bits() | (track % heads) as u8;
        }
    }

    /// `moved` sectors from `sector` on have been transferred: the registers show the last of them and what is left.
    fn advance_file(&mut self, sector: u32, moved: u32) {
        self.file.sector_count = self.file.sector_count.wrapping_sub(moved as u8);
        self.point_at(sector + moved - 1);
    }

    /// The sector that the registers address; `None` if the drive has none such.
    fn addressed(&self) -> Option<u32> {
        let file = &self.file;
        let sector = if file.is_lba() {
            u32::from_le_bytes([
                file.sector_number,
                file.cylinder_low,
                file.cylinder_high,
                file.head(),
            ])
        } else {
            let number = u32::from(file.sector_number);
            if !(1..=self.geometry.sectors_per_track).contains(&number) {
                return None;
            }
            self.addressed_track()? + number - 1
        };
        (sector < self.settings.sectors).then_some(sector)
    }

    /// The first sector of the track that the registers address by cylinder and head.
    fn addressed_track(&self) -> Option<u32> {
        let (file, geometry) = (&self.file, self.geometry);
        let cylinder = u32::from(u16::from_le_bytes([file.cylinder_low, file.cylinder_high]));
        let head = u32::from(file.head());
        if cylinder >= geometry.cylinders || head >= geometry.heads {
            return None;
        }
        let sector = (cylinder * geometry.heads + head) * geometry.sectors_per_track;
        (sector < self.settings.sectors).then_some(sector)
    }

    /// When the medium can be reached for a command that came at `now`: the spindle starts if it stands.
    fn at_speed(&mut self, now: Instant) -> Instant {
        if self.power == Power::Standby {
            self.power = Power::Active;
            self.spun_up_at = now + SPIN_UP;
        }
        (now + COMMAND_OVERHEAD).max(self.spun_up_at)
    }

    /// The standby timer has run out without anybody noticing.
    fn stand_by_in_time(&mut self, now: Instant) {
        if let Some(after) = self.standby_after
            && self.power == Power::Active
            && now.since(self.last_command_at) >= after
        {
            self.power = Power::Standby;
        }
    }

    /// The host writes the command register.
    pub(super) fn command(&mut self, code: u8, now: Instant) {
        if self.power == Power::Sleep || self.power == Power::Off {
            return;
        }
        if self.is_written_behind
            && let Some(written) = self.mechanism.last_write().filter(|&written| written > now)
        {
            return self.busy(written, Then::Begin(code));
        }
        self.stand_by_in_time(now);
        self.status = Status::READY | Status::SEEK_COMPLETE;
        self.error = 0;
        self.is_interrupting = false;
        self.transfer = Transfer::Buffer;
        match Command::parse(code) {
            Some(command) => self.execute(command, now),
            None => {
                log::debug!("the ATA drive aborts command {code:02x}");
                self.fail(Error::ABORTED, now);
            }
        }
    }

    fn execute(&mut self, command: Command, now: Instant) {
        match command {
            Command::ReadSectors => self.start_transfer(1, false, now),
            Command::WriteSectors => self.start_transfer(1, true, now),
            Command::ReadMultiple => self.start_transfer(u32::from(self.multiple), false, now),
            Command::WriteMultiple => self.start_transfer(u32::from(self.multiple), true, now),
            Command::ReadVerify => self.verify(now),
            Command::Seek => self.seek(now),
            Command::Recalibrate => {
                let from = self.at_speed(now);
                let until = self.mechanism.seek(0, from);
                self.busy(until, Then::Complete);
            }
            Command::ExecuteDiagnostic => self.diagnose(true, now),
            Command::InitializeParameters => self.initialize_parameters(now),
            Command::SetMultiple => self.set_multiple(now),
            Command::ReadBuffer => {
                self.block = self.buffer.to_vec();
                self.busy(now + COMMAND_OVERHEAD, Then::Offer(1));
            }
            Command::Identify => {
                self.block = self.identity().to_vec();
                self.busy(now + COMMAND_OVERHEAD, Then::Offer(1));
            }
            Command::WriteBuffer => self.ask(1),
            Command::SetFeatures => self.set_features(now),
            Command::StandbyImmediate
            | Command::IdleImmediate
            | Command::Standby
            | Command::Idle
            | Command::CheckPowerMode
            | Command::Sleep => self.set_power(command, now),
        }
    }

    /// READ and WRITE SECTORS and MULTIPLE, with blocks of `block` sectors (0: not enabled).
    fn start_transfer(&mut self, block: u32, writes: bool, now: Instant) {
        if block == 0 {
            return self.fail(Error::ABORTED, now);
        }
        let Some(sector) = self.addressed() else {
            return self.busy(now + COMMAND_OVERHEAD, Then::Fail(Error::ID_NOT_FOUND));
        };
        let left = self.file.sectors();
        self.transfer = Transfer::Sectors {
            sector,
            left,
            block,
            writes,
        };
        let from = self.at_speed(now);
        if !writes {
            return self.read_block(from);
        }
        self.mechanism.begin_write(sector, from);
        self.ask(block.min(left));
    }

    /// A drive whose medium cannot be written reports a write fault.
    pub(super) fn refuse_to_write(&mut self, now: Instant) {
        if let Transfer::Sectors { writes: true, .. } = self.transfer {
            self.status |= Status::WRITE_FAULT;
            self.fail(Error::ABORTED, now);
        }
    }

    fn verify(&mut self, now: Instant) {
        let from = self.at_speed(now);
        let Some(sector) = self.addressed() else {
            return self.busy(from, Then::Fail(Error::ID_NOT_FOUND));
        };
        let wanted = self.file.sectors();
        let there = self.existing(sector, wanted);
        let bad = self.unreadable.range(sector..sector + there).next().copied();
        let count = bad.map_or(there, |bad| bad - sector + 1);
        let until = self.mechanism.pass(sector, count, from);
        let good = bad.map_or(there, |bad| bad - sector);
        if good > 0 {
            self.advance_file(sector, good);
        }
        let then = match bad {
            Some(bad) => {
                self.point_at(bad);
                Then::Fail(Error::UNCORRECTABLE)
            }
            None if there < wanted => {
                self.point_at(sector + there);
                Then::Fail(Error::ID_NOT_FOUND)
            }
            None => Then::Complete,
        };
        self.busy(until, then);
    }

    /// SEEK: without LBA to a track, of which the sector number is no part.
    fn seek(&mut self, now: Instant) {
        let from = self.at_speed(now);
        let addressed = if self.file.is_lba() {
            self.addressed()
        } else {
            self.addressed_track()
        };
        match addressed {
            Some(sector) => {
                let until = self.mechanism.seek(sector, from);
                self.busy(until, Then::Complete);
            }
            None => self.busy(from, Then::Fail(Error::ID_NOT_FOUND)),
        }
    }

    /// INITIALIZE DEVICE PARAMETERS: sectors a track in the count register, the last head in drive/head.
    fn initialize_parameters(&mut self, now: Instant) {
        let sectors_per_track = u32::from(self.file.sector_count);
        if sectors_per_track == 0 {
            return self.fail(Error::ABORTED, now);
        }
        let heads = u32::from(self.file.head()) + 1;
        self.geometry = Geometry::translated(self.settings.sectors, heads, sectors_per_track);
        self.busy(now + COMMAND_OVERHEAD, Then::Complete);
    }

    /// A power of two up to the largest block; 0 disables the commands.
    fn set_multiple(&mut self, now: Instant) {
        let count = self.file.sector_count;
        if count != 0 && !(count.is_power_of_two() && count <= self.largest_multiple()) {
            self.multiple = 0;
            return self.fail(Error::ABORTED, now);
        }
        self.multiple = count;
        self.busy(now + COMMAND_OVERHEAD, Then::Complete);
    }

    fn set_features(&mut self, now: Instant) {
        match Feature::parse(self.file.features, self.file.sector_count) {
            Some(Feature::LookAhead(is_on)) => self.mechanism.reads_ahead = is_on,
            Some(Feature::KeepsOverReset(keeps)) => self.keeps_over_reset = keeps,
            Some(Feature::TransferMode | Feature::NoWriteCache) => {}
            None => return self.fail(Error::ABORTED, now),
        }
        self.busy(now + COMMAND_OVERHEAD, Then::Complete);
    }

    /// The power commands do not wait for the spindle.
    fn set_power(&mut self, command: Command, now: Instant) {
        if matches!(command, Command::Standby | Command::Idle) {
            let units = u64::from(self.file.sector_count);
            self.standby_after = (units != 0).then(|| STANDBY_UNIT * units);
        }
        match command {
            Command::StandbyImmediate | Command::Standby => self.power = Power::Standby,
            Command::Sleep => self.power = Power::Sleep,
            Command::CheckPowerMode => {
                self.file.sector_count = if self.power == Power::Active { 0xFF } else { 0 };
            }
            _ => {
                self.at_speed(now);
            }
        }
        self.busy(now + COMMAND_OVERHEAD, Then::Complete);
    }

    /// EXECUTE DEVICE DIAGNOSTIC, which both drives do.
    pub(super) fn diagnose(&mut self, interrupts: bool, now: Instant) {
        self.status = Status::READY | Status::SEEK_COMPLETE;
        self.transfer = Transfer::Buffer;
        self.is_interrupting = false;
        let soon = now + COMMAND_OVERHEAD;
        let until = self
            .mechanism
            .last_write()
            .map_or(soon, |written| written.max(soon));
        self.busy(until, Then::Diagnosed { interrupts });
    }

    /// SRST is set: the drive drops what it does. A sector under the writing head is finished, and so is what belongs to a
    /// write that has ended for the host.
    pub(super) fn hold<M: Medium>(&mut self, now: Instant, medium: &mut Option<M>) {
        if self.power == Power::Off {
            return;
        }
        if !self.is_written_behind
            && let Some(write) = self.mechanism.cut(now)
        {
            self.commit(&write, medium);
        }
        self.activity = Activity::Held;
        self.is_interrupting = false;
    }

    /// SRST is cleared.
    pub(super) fn release(&mut self, now: Instant) {
        if self.activity != Activity::Held {
            return;
        }
        if self.power == Power::Sleep {
            self.power = Power::Standby;
        }
        if !self.keeps_over_reset {
            self.multiple = 0;
            self.mechanism.reads_ahead = true;
        }
        self.file.drive_head &= !DriveHead::DRIVE_1.bits();
        self.diagnose(false, now);
    }

    /// The reset line: as SRST, and the translation is the default one again.
    pub(super) fn reset<M: Medium>(&mut self, now: Instant, medium: &mut Option<M>) {
        self.keeps_over_reset = false;
        self.geometry = self.settings.geometry;
        self.hold(now, medium);
        self.release(now);
    }

    /// The power fails.
    pub(super) fn cut<M: Medium>(&mut self, now: Instant, torn: TornSector, medium: &mut Option<M>) {
        if let Some(write) = self.mechanism.cut(now) {
            match torn {
                TornSector::Old => {}
                TornSector::New => self.commit(&write, medium),
                TornSector::Unreadable => {
                    self.unreadable.insert(write.sector);
                }
            }
        }
        self.activity = Activity::Held;
        self.is_interrupting = false;
        self.power = Power::Off;
    }

    /// The power comes back: BSY until the spindle is at speed.
    pub(super) fn power_on(&mut self, now: Instant) {
        if self.power != Power::Off {
            return;
        }
        let kept = core::mem::take(&mut self.unreadable);
        *self = Self::new(self.settings.clone());
        self.unreadable = kept;
        self.spun_up_at = now + SPIN_UP;
        self.busy(self.spun_up_at, Then::Diagnosed { interrupts: false });
    }
}
