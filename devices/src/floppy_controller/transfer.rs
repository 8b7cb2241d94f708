//! The execution phase: looking for a sector, moving its bytes as they pass, and the result phase after it.

use std::collections::VecDeque;

use clock::{Instant, Rate};

use super::command::{Comparison, DataCommand, Operation};
use super::drive::{
    CHECK_BYTES, DATA_START, DataRate, Drive, ID_END, SETTLE, Track, sector_bytes, sector_offset,
};
use super::registers::{Configuration, Status0, Status1, Status2};
use super::{DRIVES, FloppyController, Phase, SIZE_512, SectorId, Seek};
use crate::medium::{Medium, SECTOR_BYTES, Sector};

/// Where an execution phase has come to.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
enum Step {
    /// Until then the head loads or moves to its cylinder.
    Prepare { until: Instant },
    /// No index pulse comes: the drive does not turn.
    Stopped,
    /// The search ends at that instant: with a sector, an ID alone, or nothing.
    Search { at: Instant, found: Found },
    /// Byte `byte` of the data field is next; the first passes at `begin`.
    Data {
        begin: Instant,
        byte: u64,
        field: Box<Field>,
    },
    /// The last sector has passed, and the host has still to take its last bytes.
    Drain { since: Instant },
    /// The IDs of a track that is being formatted, which began at `index`.
    Format {
        index: Instant,
        end: Instant,
        ids: Vec<u8>,
    },
}

/// What a search ends with.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
enum Found {
    /// The data field after this ID, whose number on the medium is `sector`.
    Field {
        id: SectorId,
        sector: u32,
    },
    Id(SectorId),
    /// The index pulse from which a track is formatted or read.
    Index,
    Nothing {
        status_1: Status1,
        status_2: Status2,
    },
}

/// The data field under the head.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
struct Field {
    sector: u32,
    data: Sector,
    is_damaged: bool,
    has_control_mark: bool,
}

/// A data command in its execution phase.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(super) struct Execution {
    command: DataCommand,
    /// The drive that is selected.
    drive: Option<usize>,
    /// The drive that the command names.
    unit: u8,
    head: u8,
    id: SectorId,
    /// EOT, or SC of FORMAT TRACK.
    end_of_track: u8,
    gap: u8,
    /// DTL, SC, STP or, of FORMAT TRACK, the filler byte.
    option: u8,
    bytes: Rate,
    fifo: VecDeque<u8>,
    fifo_bytes: usize,
    is_requesting: bool,
    is_terminal: bool,
    /// FORMAT TRACK has moved the head for its first ID.
    has_moved: bool,
    /// Sectors that VERIFY or READ TRACK have still to read.
    sectors_left: u16,
    is_scan_equal: bool,
    is_scan_satisfied: bool,
    status_1: Status1,
    status_2: Status2,
    step: Step,
}

/// What comes after a sector.
enum Next {
    Search,
    End { is_normal: bool },
    Drain,
}

impl Execution {
    pub(super) fn operation(&self) -> Operation {
        self.command.operation
    }

    pub(super) fn is_requesting(&self) -> bool {
        self.is_requesting
    }

    /// A byte for the host.
    pub(super) fn give(&mut self) -> Option<u8> {
        if !self.operation().gives_data() {
            return None;
        }
        self.fifo.pop_front()
    }

    /// A byte of the host.
    pub(super) fn take(&mut self, byte: u8) {
        let is_wanted = self.operation().takes_data() && !self.is_terminal;
        if is_wanted && self.fifo.len() < self.fifo_bytes {
            self.fifo.push_back(byte);
        }
    }

    pub(super) fn terminal_count(&mut self, is_active: bool) {
        self.is_terminal |= is_active;
    }

    /// Raises or drops the request for a byte: to the host when enough have come in and until the FIFO is empty, from
    /// it when few are left and until it is full.
    pub(super) fn decide_request(&mut self, depth: usize, threshold: usize) {
        self.fifo_bytes = depth;
        let length = self.fifo.len();
        let operation = self.operation();
        self.is_requesting = if self.is_terminal {
            false
        } else if operation.gives_data() {
            let is_complete = match &self.step {
                Step::Data { byte, .. } => *byte == SECTOR_BYTES as u64,
                _ => true,
            };
            let is_enough = length >= depth.saturating_sub(threshold).max(1) || is_complete;
            length > 0 && (self.is_requesting || is_enough)
        } else if operation.takes_data() {
            let is_enough = depth > 1 && length > threshold || length >= depth;
            length < depth && self.bytes_wanted() > length && (self.is_requesting || !is_enough)
        } else {
            false
        };
    }

    /// How many bytes more the sector or the track takes from the host.
    fn bytes_wanted(&self) -> usize {
        match &self.step {
            Step::Data { byte, .. } => SECTOR_BYTES - *byte as usize,
            Step::Format { ids, .. } => (4 * usize::from(self.end_of_track)).saturating_sub(ids.len()),
            Step::Drain { .. } => 0,
            _ => SECTOR_BYTES,
        }
    }

    pub(super) fn next_event(&self) -> Option<Instant> {
        match &self.step {
            Step::Prepare { until } => Some(*until),
            Step::Stopped => None,
            Step::Search { at, .. } => Some(*at),
            Step::Data { begin, byte, .. } => Some(*begin + self.bytes.span(self.event_byte(*byte))),
            Step::Drain { since } => (self.is_terminal || self.fifo.is_empty()).then_some(*since),
            Step::Format { index, end, ids } => {
                let is_complete = ids.len() >= 4 * usize::from(self.end_of_track);
                let at = *index + self.bytes.span(self.format_byte(ids.len()));
                Some(if is_complete { *end } else { at.min(*end) })
            }
        }
    }

    /// How many bytes of a data field have passed when the next thing happens: the byte after `byte` has been read, or
    /// `byte` is to be written; or the check bytes have passed too.
    fn event_byte(&self, byte: u64) -> u64 {
        let operation = self.operation();
        let is_silent = self.is_terminal || !operation.gives_data() && !operation.takes_data();
        if is_silent || byte == SECTOR_BYTES as u64 {
            SECTOR_BYTES as u64 + CHECK_BYTES
        } else if operation.writes() {
            byte
        } else {
            byte + 1
        }
    }

    /// Where on the track byte `count` of the IDs is written.
    fn format_byte(&self, count: usize) -> u64 {
        let data = SECTOR_BYTES as u64 >> 2 << self.id.size.min(7);
        let position = count as u64 / 4;
        sector_offset(position, sector_bytes(data, self.gap)) + ID_END - 6 + count as u64 % 4
    }

    /// Whether the execution still goes on where it is, on the drive that is selected.
    pub(super) fn is_on(&self, selected: Option<usize>, drives: &[Option<Drive>; DRIVES]) -> bool {
        let turns = selected
            .and_then(|drive| drives[drive].as_ref())
            .is_some_and(|drive| drive.rotation(DataRate::Kilobits500).is_some());
        match self.step {
            Step::Stopped => !turns,
            Step::Prepare { .. } | Step::Drain { .. } => true,
            _ => self.drive == selected && turns,
        }
    }

    pub(super) fn move_to(&mut self, drive: Option<usize>) {
        self.drive = drive;
    }

    /// The write gate closes now: what has been begun cannot be read.
    pub(super) fn abort(&self, drives: &mut [Option<Drive>; DRIVES]) {
        let Some(drive) = self.drive.and_then(|drive| drives[drive].as_mut()) else {
            return;
        };
        match &self.step {
            Step::Data { field, .. } if self.operation().writes() => drive.damage(field.sector),
            Step::Format { .. } => {
                drive.formatted(self.head, DataRate::Megabit, &[]);
            }
            _ => {}
        }
    }

    /// The ID of the result phase (data sheet, table of the result phase): the next sector after the last one that was
    /// transferred.
    fn increment(&mut self) {
        let is_last = self.id.number == self.end_of_track;
        if !is_last {
            self.id.number = self.id.number.wrapping_add(1);
            return;
        }
        self.id.number = 1;
        if !self.command.is_multitrack {
            self.id.cylinder = self.id.cylinder.wrapping_add(1);
        } else {
            if self.id.head & 1 != 0 {
                self.id.cylinder = self.id.cylinder.wrapping_add(1);
            }
            self.id.head ^= 1;
        }
    }
}

impl FloppyController {
    /// The command phase of a data command is over.
    pub(super) fn begin(&mut self, command: DataCommand, parameters: &[u8], now: Instant) {
        let parameter = |index: usize| parameters.get(index).copied().unwrap_or(0);
        let is_format = command.operation == Operation::FormatTrack;
        if self.assists_firmware
            && !self.is_rate_set
            && let Some(rate) = self.selected().and_then(Drive::disk_rate)
        {
            self.rate = rate;
        }
        let head = parameter(0) >> 2 & 1;
        let mut execution = Box::new(Execution {
            command,
            drive: self.selected_index(),
            unit: parameter(0) & 3,
            head,
            id: SectorId {
                cylinder: parameter(1),
                head: parameter(2),
                number: parameter(3),
                size: if is_format { parameter(1) } else { parameter(4) },
            },
            end_of_track: if is_format { parameter(2) } else { parameter(5) },
            gap: if is_format { parameter(3) } else { parameter(6) },
            option: if is_format { parameter(4) } else { parameter(7) },
            bytes: self.byte_rate(command),
            fifo: VecDeque::new(),
            fifo_bytes: self.fifo_bytes(),
            is_requesting: false,
            is_terminal: false,
            has_moved: false,
            sectors_left: 0,
            is_scan_equal: true,
            is_scan_satisfied: true,
            status_1: Status1::empty(),
            status_2: Status2::empty(),
            step: Step::Stopped,
        });
        if command.operation != Operation::ReadId {
            self.last_end = execution.end_of_track;
        }
        execution.sectors_left = match command.operation {
            Operation::ReadTrack => u16::from(execution.end_of_track).max(1),
            // EC: SC says how many; 0 stands for 256.
            Operation::Verify if parameter(0) & 0x80 != 0 => match execution.option {
                0 => 256,
                count => u16::from(count),
            },
            _ => u16::MAX,
        };
        if command.operation.writes() && self.selected().is_some_and(Drive::is_write_protected) {
            execution.status_1 |= Status1::NOT_WRITABLE;
            return self.finish(&execution, false, now);
        }
        let until = self.prepare(&execution, now);
        execution.step = Step::Prepare { until };
        self.phase = Phase::Execution(execution);
    }

    fn byte_rate(&self, command: DataCommand) -> Rate {
        let rate = self.rate.bytes();
        if command.is_mfm { rate } else { rate.divided_by(2) }
    }

    /// The steps with which a command moves the head before it begins, and the present cylinder number after them.
    fn implied_seek(&self, execution: &Execution) -> Option<(i32, u8)> {
        if matches!(execution.operation(), Operation::ReadId | Operation::FormatTrack) {
            return None;
        }
        let cylinder = execution.id.cylinder;
        if self.configuration.contains(Configuration::IMPLIED_SEEK) {
            let present = self.present_cylinders[usize::from(execution.unit)];
            return Some((i32::from(cylinder) - i32::from(present), cylinder));
        }
        self.assisted_seek(execution, cylinder)
    }

    /// The steps to `cylinder` of the disk for firmware that does not seek.
    fn assisted_seek(&self, execution: &Execution, cylinder: u8) -> Option<(i32, u8)> {
        let drive = execution.drive.and_then(|drive| self.drives[drive].as_ref())?;
        let is_helped = self.assists_firmware && !self.has_sought;
        let is_elsewhere = is_helped && drive.disk_cylinder() != Some(cylinder);
        is_elsewhere.then(|| {
            let target = cylinder.saturating_mul(drive.steps_per_cylinder());
            (i32::from(target) - i32::from(drive.cylinder()), target)
        })
    }

    /// Moves the head within a data command; gives when it has settled.
    fn move_head(&mut self, execution: &Execution, (steps, cylinder): (i32, u8), now: Instant) -> Instant {
        let unit = usize::from(execution.unit);
        let end = now + self.step_time() * u64::from(steps.unsigned_abs());
        let seek = Seek {
            drive: execution.drive,
            steps,
            end,
            cylinder,
            status: 0,
        };
        self.end_seek(unit, seek);
        self.seek_ends[unit] = None;
        end + SETTLE
    }

    /// Loads the head, and moves it first if seeks are implied.
    fn prepare(&mut self, execution: &Execution, now: Instant) -> Instant {
        let mut until = now;
        if let Some(seek) = self.implied_seek(execution).filter(|(steps, _)| *steps != 0) {
            until = self.move_head(execution, seek, now);
        }
        if self.head_loaded_until <= now {
            until = until.max(now + self.head_load_time());
        }
        until
    }

    /// Begins to look for what comes next, at `now`.
    pub(super) fn search(&mut self, execution: &mut Execution, now: Instant) {
        execution.step = self.next_found(execution, now);
    }

    fn next_found(&self, execution: &Execution, now: Instant) -> Step {
        let Some(drive) = execution.drive.and_then(|drive| self.drives[drive].as_ref()) else {
            return Step::Stopped;
        };
        let Some(rotation) = drive.rotation(self.rate) else {
            return Step::Stopped;
        };
        let from = drive.ready_at(now);
        let is_track_start = match execution.operation() {
            Operation::FormatTrack => true,
            // Before the first sector only.
            Operation::ReadTrack => execution.step_is_preparation(),
            _ => false,
        };
        if is_track_start {
            return Step::Search {
                at: rotation.index(from, 1),
                found: Found::Index,
            };
        }
        let track = drive
            .track(execution.head, self.rate)
            .filter(|_| execution.command.is_mfm);
        let found = match &track {
            Some(track) => Self::look_on(track, drive, execution, from),
            None => Err((Status1::MISSING_ADDRESS_MARK, Status2::empty())),
        };
        match found {
            Ok((at, found)) => Step::Search { at, found },
            Err((status_1, status_2)) => Step::Search {
                at: rotation.index(from, 2),
                found: Found::Nothing { status_1, status_2 },
            },
        }
    }

    /// The next sector or ID on a track that can be read.
    fn look_on(
        track: &Track,
        drive: &Drive,
        execution: &Execution,
        from: Instant,
    ) -> Result<(Instant, Found), (Status1, Status2)> {
        let wanted = execution.id;
        let nothing = |status_2| (Status1::NO_DATA, status_2);
        let id = |number| SectorId {
            cylinder: track.cylinder,
            head: track.head,
            number,
            size: SIZE_512,
        };
        let field = |number: u8, begin: Instant| {
            let sector = drive
                .sector(track.cylinder, track.head, number)
                .ok_or(nothing(Status2::empty()))?;
            let at = track.rotation.after(begin, DATA_START);
            let id = id(number);
            Ok((at, Found::Field { id, sector }))
        };
        match execution.operation() {
            Operation::ReadId => {
                let passage = track.next(from, |_| true).ok_or(nothing(Status2::empty()))?;
                let at = track.rotation.after(passage.begin, ID_END);
                Ok((at, Found::Id(id(passage.number))))
            }
            Operation::ReadTrack => {
                let passage = track.next(from, |_| true).ok_or(nothing(Status2::empty()))?;
                field(passage.number, passage.begin)
            }
            _ if wanted.cylinder != track.cylinder => Err(nothing(Status2::WRONG_CYLINDER)),
            _ if wanted.head != track.head || wanted.size != SIZE_512 => Err(nothing(Status2::empty())),
            _ => {
                let passage = track
                    .next(from, |number| number == wanted.number)
                    .ok_or(nothing(Status2::empty()))?;
                field(passage.number, passage.begin)
            }
        }
    }

    /// What is due in the execution phase at `at` happens. Gives whether the phase goes on.
    pub(super) fn happen_in<M: Medium>(
        &mut self,
        execution: &mut Execution,
        at: Instant,
        media: &mut [Option<M>; DRIVES],
    ) -> bool {
        match core::mem::replace(&mut execution.step, Step::Stopped) {
            Step::Prepare { until } => {
                execution.step = Step::Prepare { until };
                execution.drive = self.selected_index();
                self.search(execution, at);
                true
            }
            Step::Stopped => true,
            Step::Search { found, .. } => self.found(execution, found, at, media),
            Step::Data { begin, byte, field } => self.pass_data(execution, (begin, byte, field), at, media),
            Step::Drain { .. } => {
                let is_normal = execution.is_terminal;
                self.end(execution, is_normal, at)
            }
            Step::Format { index, end, ids } => self.pass_format(execution, (index, end, ids), at, media),
        }
    }

    fn found<M: Medium>(
        &mut self,
        execution: &mut Execution,
        found: Found,
        at: Instant,
        media: &mut [Option<M>; DRIVES],
    ) -> bool {
        match found {
            Found::Nothing { status_1, status_2 } => {
                execution.status_1 |= status_1;
                execution.status_2 |= status_2;
                self.finish(execution, false, at);
                false
            }
            Found::Id(id) => {
                execution.id = id;
                self.finish(execution, true, at);
                false
            }
            Found::Index if execution.operation() == Operation::FormatTrack => {
                let end = self.rotation_end(execution, at);
                execution.step = Step::Format {
                    index: at,
                    end,
                    ids: Vec::new(),
                };
                true
            }
            Found::Index => {
                execution.step = Step::Stopped;
                self.search(execution, at);
                true
            }
            Found::Field { id, sector } => self.enter_field(execution, id, sector, at, media),
        }
    }

    fn rotation_end(&self, execution: &Execution, index: Instant) -> Instant {
        let drive = execution.drive.and_then(|drive| self.drives[drive].as_ref());
        let rotation = drive.and_then(|drive| drive.rotation(self.rate));
        rotation.map_or(Instant::NEVER, |rotation| rotation.index(index, 1))
    }

    /// The data mark of a sector has passed.
    fn enter_field<M: Medium>(
        &mut self,
        execution: &mut Execution,
        id: SectorId,
        sector: u32,
        at: Instant,
        media: &mut [Option<M>; DRIVES],
    ) -> bool {
        let Some(index) = execution.drive else { return true };
        let (is_deleted, is_damaged) = match &self.drives[index] {
            Some(drive) => (drive.is_deleted(sector), drive.is_damaged(sector)),
            None => (false, false),
        };
        let mut data = [0; SECTOR_BYTES];
        if let Some(medium) = &media[index] {
            medium.read(sector, &mut data);
        }
        let has_control_mark = match execution.operation() {
            Operation::Read { is_deleted: wanted } => is_deleted != wanted,
            Operation::Write { .. } => false,
            _ => is_deleted,
        };
        // Read all the same, and told in the end ("READ TRACK").
        if execution.operation() == Operation::ReadTrack && id != execution.id {
            execution.status_1 |= Status1::NO_DATA;
        }
        if has_control_mark {
            execution.status_2 |= Status2::CONTROL_MARK;
        }
        if has_control_mark && execution.command.skips {
            let next = execution.next_sector(false);
            return self.go_on(execution, next, at);
        }
        execution.step = Step::Data {
            begin: at,
            byte: 0,
            field: Box::new(Field {
                sector,
                data,
                is_damaged,
                has_control_mark,
            }),
        };
        true
    }

    /// The next byte of a data field, or its end.
    fn pass_data<M: Medium>(
        &mut self,
        execution: &mut Execution,
        (begin, mut byte, mut field): (Instant, u64, Box<Field>),
        at: Instant,
        media: &mut [Option<M>; DRIVES],
    ) -> bool {
        let operation = execution.operation();
        let end = begin + execution.bytes.span(SECTOR_BYTES as u64 + CHECK_BYTES);
        if at >= end {
            return self.end_field(execution, byte, *field, at, media);
        }
        let index = byte as usize;
        let is_overrun = if operation.gives_data() {
            let is_full = execution.fifo.len() >= execution.fifo_bytes;
            execution.fifo.push_back(field.data[index]);
            is_full
        } else {
            match execution.fifo.pop_front() {
                Some(host) if operation.writes() => {
                    field.data[index] = host;
                    false
                }
                Some(host) => {
                    execution.compare(field.data[index], host);
                    false
                }
                None => true,
            }
        };
        byte += 1;
        execution.step = Step::Data { begin, byte, field };
        if is_overrun {
            execution.status_1 |= Status1::OVERRUN;
            execution.abort(&mut self.drives);
            self.finish(execution, false, at);
        }
        !is_overrun
    }

    /// The check bytes have passed.
    fn end_field<M: Medium>(
        &mut self,
        execution: &mut Execution,
        byte: u64,
        mut field: Field,
        at: Instant,
        media: &mut [Option<M>; DRIVES],
    ) -> bool {
        if let Operation::Write { is_deleted } = execution.operation() {
            // After TC the chip fills the sector with zeros.
            for index in byte as usize..SECTOR_BYTES {
                field.data[index] = execution.fifo.pop_front().unwrap_or(0);
            }
            if let Some(drive) = execution.drive {
                if let Some(medium) = &mut media[drive] {
                    medium.write(field.sector, &field.data);
                }
                if let Some(drive) = &mut self.drives[drive] {
                    drive.written(field.sector, is_deleted);
                }
            }
        } else if field.is_damaged {
            execution.status_1 |= Status1::DATA_ERROR;
            execution.status_2 |= Status2::DATA_ERROR_IN_DATA;
            if execution.operation() != Operation::ReadTrack {
                self.finish(execution, false, at);
                return false;
            }
        }
        if field.has_control_mark && execution.operation() != Operation::ReadTrack {
            // The ID stays that of the sector, and no other is looked for.
            self.finish(execution, true, at);
            return false;
        }
        let next = execution.next_sector(true);
        self.go_on(execution, next, at)
    }

    fn go_on(&mut self, execution: &mut Execution, next: Next, at: Instant) -> bool {
        match next {
            Next::Search => {
                execution.step = Step::Stopped;
                self.search(execution, at);
                true
            }
            Next::Drain => {
                execution.step = Step::Drain { since: at };
                true
            }
            Next::End { is_normal } => self.end(execution, is_normal, at),
        }
    }

    /// The last sector has been transferred.
    fn end(&mut self, execution: &mut Execution, is_normal: bool, at: Instant) -> bool {
        if !is_normal {
            execution.status_1 |= Status1::END_OF_CYLINDER;
        }
        execution.increment();
        self.finish(execution, is_normal, at);
        false
    }

    /// The next byte of an ID of FORMAT TRACK, or the index pulse at the track's end.
    fn pass_format<M: Medium>(
        &mut self,
        execution: &mut Execution,
        (index, end, mut ids): (Instant, Instant, Vec<u8>),
        at: Instant,
        media: &mut [Option<M>; DRIVES],
    ) -> bool {
        if at >= end {
            self.end_format(execution, &ids, media);
            self.finish(execution, true, at);
            return false;
        }
        let byte = execution.fifo.pop_front();
        let may_move = ids.is_empty() && !execution.has_moved;
        if let Some(cylinder) = byte.filter(|_| may_move)
            && let Some(seek) = self.assisted_seek(execution, cylinder)
        {
            // The track begins once more where the ID belongs.
            execution.has_moved = true;
            execution.fifo.push_front(cylinder);
            let until = self.move_head(execution, seek, at);
            execution.step = Step::Prepare { until };
            return true;
        }
        ids.extend(byte);
        execution.step = Step::Format { index, end, ids };
        if byte.is_none() && !execution.is_terminal {
            execution.status_1 |= Status1::OVERRUN;
            execution.abort(&mut self.drives);
            self.finish(execution, false, at);
            return false;
        }
        if byte.is_none() {
            // TC came early: nothing but gap up to the index pulse.
            execution.end_of_track = 0;
        }
        true
    }

    fn end_format<M: Medium>(&mut self, execution: &Execution, ids: &[u8], media: &mut [Option<M>; DRIVES]) {
        let Some(index) = execution.drive else { return };
        let Some(drive) = &mut self.drives[index] else {
            return;
        };
        let ids: Vec<_> = ids
            .chunks_exact(4)
            .filter(|id| execution.command.is_mfm && execution.id.size == id[3])
            .map(|id| SectorId {
                cylinder: id[0],
                head: id[1],
                number: id[2],
                size: id[3],
            })
            .collect();
        let filler = [execution.option; SECTOR_BYTES];
        for sector in drive.formatted(execution.head, self.rate, &ids) {
            if let Some(medium) = &mut media[index] {
                medium.write(sector, &filler);
            }
        }
    }

    /// Enters the result phase with its interrupt.
    fn finish(&mut self, execution: &Execution, is_normal: bool, at: Instant) {
        let mut status_0 = Status0::empty();
        status_0.set(Status0::ABNORMAL, !is_normal);
        status_0.set(Status0::HEAD, execution.head != 0);
        let id = execution.id;
        self.answer(&[
            status_0.bits() | execution.unit,
            execution.status_1.bits(),
            execution.status_2.bits(),
            id.cylinder,
            id.head,
            id.number,
            id.size,
        ]);
        self.is_result_interrupting = true;
        self.head_loaded_until = at + self.head_unload_time();
    }
}

impl Execution {
    fn step_is_preparation(&self) -> bool {
        matches!(self.step, Step::Prepare { .. })
    }

    fn compare(&mut self, disk: u8, host: u8) {
        let Operation::Scan(comparison) = self.operation() else {
            return;
        };
        self.is_scan_satisfied &= comparison.holds(disk, host);
        self.is_scan_equal &= Comparison::Equal.holds(disk, host);
    }

    /// What comes after a sector that was transferred (or skipped). Steps the ID if another one is looked for.
    fn next_sector(&mut self, was_transferred: bool) -> Next {
        match self.operation() {
            Operation::Verify | Operation::ReadTrack => {
                self.sectors_left -= 1;
            }
            Operation::Scan(_) if was_transferred => {
                if self.is_scan_satisfied {
                    self.status_2.set(Status2::SCAN_EQUAL_HIT, self.is_scan_equal);
                    return Next::End { is_normal: true };
                }
                // TC leaves no other sector that might be as wanted.
                if self.is_terminal {
                    self.status_2 |= Status2::SCAN_NOT_SATISFIED;
                }
                (self.is_scan_satisfied, self.is_scan_equal) = (true, true);
            }
            _ => {}
        }
        // With a FIFO the host may already have sent bytes for one sector more.
        let has_bytes_to_write = self.operation().writes() && !self.fifo.is_empty();
        if self.is_terminal && !has_bytes_to_write {
            return Next::End { is_normal: true };
        }
        let goes_to_head_1 = self.command.is_multitrack && self.head == 0;
        let is_counted_out = self.sectors_left == 0;
        if is_counted_out || self.ends_track() && !goes_to_head_1 {
            return self.after_last_sector();
        }
        if self.ends_track() {
            self.id.number = 1;
            self.id.head ^= 1;
            self.head ^= 1;
        } else {
            self.id.number = self.id.number.wrapping_add(self.sector_step());
        }
        Next::Search
    }

    /// STP of a SCAN command.
    fn sector_step(&self) -> u8 {
        match self.operation() {
            Operation::Scan(_) => self.option.clamp(1, 2),
            _ => 1,
        }
    }

    /// The sector is the last of its track (EOT).
    fn ends_track(&self) -> bool {
        match self.operation() {
            Operation::ReadTrack => false,
            Operation::Scan(_) => self.id.number.saturating_add(self.sector_step()) > self.end_of_track,
            _ => self.id.number == self.end_of_track,
        }
    }

    fn after_last_sector(&mut self) -> Next {
        match self.operation() {
            Operation::Verify => Next::End { is_normal: true },
            Operation::Scan(_) => {
                self.status_2 |= Status2::SCAN_NOT_SATISFIED;
                Next::End { is_normal: true }
            }
            operation if operation.gives_data() => Next::Drain,
            _ => Next::End { is_normal: false },
        }
    }
}
