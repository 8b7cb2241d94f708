//! Intel 82077AA floppy disk controller (the successor of the uPD765) with two drives, as an AT has it: ports 3F0h to
//! 3F5h and 3F7h, interrupt on IRQ 6, DMA channel 2.
//!
//! Sources: Intel 82077AA data sheet (290166): registers, "Command Set", "Status Register Encoding", "Data Transfer
//! Commands", and the same tables in SMSC FDC37C78 for the skip bit, the ID of the result phase and the 80 steps of
//! RECALIBRATE; IBM PC AT Technical Reference for the digital output register: a drive is selected only while its motor
//! is on.
//!
//! The disk turns with the virtual time: a sector is found when it passes under the head, and its bytes come one per
//! byte time of the data rate, whether the host is there or not. A command on a drive that does not turn waits for an
//! index pulse for ever, as the chip does, until the host resets it.
//! Firmware exists that was only ever run on emulators and leaves to the controller what no controller does: the BIOS of
//! Bochs neither seeks nor sets the data rate nor the step time. [`FloppyController::assist_firmware`] says what is done for it. Whoever
//! seeks and sets the rate himself does not notice.
//! Left out: the PS/2 and Model 30 register sets (status registers A and B drive nothing on an AT), the 2.88 MB formats
//! that PERPENDICULAR MODE is for (it is stored), power down, precompensation, and the few microseconds that the chip
//! takes between two bytes of a command.

mod command;
mod drive;
mod registers;
mod transfer;

use std::collections::VecDeque;

use clock::{Instant, Span};

use crate::Context;
use crate::alarm::Alarm;
use crate::dma_request::DmaRequestLine;
use crate::interrupt_line::InterruptLine;
use crate::medium::Medium;
use command::Command;
use drive::{DataRate, Drive};
pub use drive::{FloppyDriveKind, InsertError};
use registers::{Configuration, DISK_CHANGED, DataRateSelect, DigitalOutput, MainStatus, Status0, Status3};
use transfer::Execution;

/// What is read where nothing answers.
const OPEN_BUS: u8 = 0xFF;

/// Drives on the cable.
const DRIVES: usize = 2;

/// Drives that the controller knows.
const UNITS: usize = 4;

/// From the end of a reset to the interrupt of the first poll of the drives.
const POLL: Span = Span::from_microseconds(250);

/// Step pulses of a RECALIBRATE before it gives up.
const RECALIBRATE_STEPS: u8 = 80;

/// What VERSION answers: an enhanced controller.
const VERSION: u8 = 0x90;

/// N of a sector of 512 bytes.
const SIZE_512: u8 = 2;

/// The effect of the FIFO is that of one byte when it is disabled.
const FIFO_BYTES: usize = 16;

/// The ID field of a sector: C, H, R and N.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
struct SectorId {
    cylinder: u8,
    head: u8,
    number: u8,
    size: u8,
}

/// What the controller is doing.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
enum Phase {
    /// The bytes of a command so far.
    Command(Vec<u8>),
    Execution(Box<Execution>),
    /// The bytes that the host has still to read.
    Result(VecDeque<u8>),
}

/// A drive's head is moving.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
struct Seek {
    /// The drive that heard the first step pulse.
    drive: Option<usize>,
    /// Inward if positive.
    steps: i32,
    end: Instant,
    /// The present cylinder number after it.
    cylinder: u8,
    /// ST0 for SENSE INTERRUPT STATUS.
    status: u8,
}

/// The times that SPECIFY sets, as it gives them.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
struct Specified {
    /// SRT and HUT.
    step_and_unload: u8,
    /// HLT and ND.
    load_and_mode: u8,
}

impl Specified {
    /// 3 ms a step, 240 ms until the head is unloaded, 2 ms to load it, DMA (IBM PC AT Technical Reference, BIOS listing,
    /// diskette parameter table).
    const OF_AN_AT: Self = Self {
        step_and_unload: 0xDF,
        load_and_mode: 0x02,
    };
}

/// The 82077AA and its drives.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct FloppyController {
    interrupt: InterruptLine,
    request: DmaRequestLine,
    alarm: Alarm,
    drives: [Option<Drive>; DRIVES],
    output: DigitalOutput,
    tape: u8,
    rate: DataRate,
    /// The host has set the rate since the reset line.
    is_rate_set: bool,
    /// The host has moved a head with SEEK since the reset line: it needs no help with that.
    has_sought: bool,
    assists_firmware: bool,
    phase: Phase,
    specified: Specified,
    configuration: Configuration,
    precompensation_track: u8,
    is_locked: bool,
    perpendicular: u8,
    /// SC and EOT of the last data command, for DUMPREG.
    last_end: u8,
    /// PCN.
    present_cylinders: [u8; UNITS],
    seeks: [Option<Seek>; UNITS],
    /// ST0 of seeks that have ended and are not sensed yet.
    seek_ends: [Option<u8>; UNITS],
    /// When the drives are polled after a reset.
    poll_at: Option<Instant>,
    /// Interrupt statuses that the poll leaves, and whether their interrupt is up.
    poll_senses: u8,
    is_poll_interrupting: bool,
    is_result_interrupting: bool,
    /// Until when the head stays loaded after a command.
    head_loaded_until: Instant,
}

impl FloppyController {
    /// A controller with up to two drives, without disks, held in reset as the reset line leaves it.
    #[must_use]
    pub fn new(drives: [Option<FloppyDriveKind>; DRIVES]) -> Self {
        Self {
            interrupt: InterruptLine::new(6),
            request: DmaRequestLine::new(2),
            alarm: Alarm::none(),
            drives: drives.map(|kind| kind.map(Drive::new)),
            output: DigitalOutput::empty(),
            tape: 0,
            rate: DataRate::Kilobits250,
            is_rate_set: false,
            has_sought: false,
            assists_firmware: false,
            phase: Phase::Command(Vec::new()),
            specified: Specified::default(),
            configuration: Configuration::FIFO_DISABLED,
            precompensation_track: 0,
            is_locked: false,
            perpendicular: 0,
            last_end: 0,
            present_cylinders: [0; UNITS],
            seeks: [None; UNITS],
            seek_ends: [None; UNITS],
            poll_at: None,
            poll_senses: 0,
            is_poll_interrupting: false,
            is_result_interrupting: false,
            head_loaded_until: Instant::START,
        }
    }

    /// Lets a command that names a cylinder (all but READ ID) move the head if another cylinder of the disk is under it, as an
    /// implied seek does, until the host moves a head with SEEK for the first time; FORMAT TRACK names one in the first ID that
    /// the host gives. Takes the rate of the disk for as long as the host has set none; and begins with
    /// the step and head times that the table of an AT's BIOS has, until SPECIFY sets others.
    #[must_use]
    pub fn assist_firmware(self) -> Self {
        Self {
            assists_firmware: true,
            specified: Specified::OF_AN_AT,
            ..self
        }
    }

    /// The disk `media[drive]` has been put into drive `drive` (0 or 1). The board lends the same medium in every call
    /// until it is ejected. Fails, without effect, if the drive does not take such a disk.
    pub fn insert<M: Medium>(
        &mut self,
        drive: usize,
        media: &mut [Option<M>; DRIVES],
        cx: &mut Context<'_>,
    ) -> Result<(), InsertError> {
        self.advance(media, cx);
        let slot = self.drives.get_mut(drive).and_then(Option::as_mut);
        let medium = media.get(drive).and_then(Option::as_ref);
        let (Some(slot), Some(medium)) = (slot, medium) else {
            return Err(InsertError::NoDrive);
        };
        slot.insert(medium)?;
        self.look_again(cx.now());
        self.finish_call(media, cx);
        Ok(())
    }

    /// The disk `media[drive]` is going to be taken out of drive `drive` (0 or 1). A sector that is being written is
    /// not.
    pub fn eject<M: Medium>(&mut self, drive: usize, media: &mut [Option<M>; DRIVES], cx: &mut Context<'_>) {
        self.advance(media, cx);
        if let Some(drive) = self.drives.get_mut(drive).and_then(Option::as_mut) {
            drive.eject();
        }
        self.look_again(cx.now());
        self.finish_call(media, cx);
    }

    /// Reads a port from 3F0h to 3F5h or 3F7h; where an AT's controller drives nothing, FFh. Of port 3F7h only bit 7
    /// is this controller's; the others read 1 and are for the fixed disk's to drive.
    pub fn read<M: Medium>(
        &mut self,
        port: u16,
        media: &mut [Option<M>; DRIVES],
        cx: &mut Context<'_>,
    ) -> u8 {
        self.advance(media, cx);
        let value = match port {
            0x3F2 => self.output.bits(),
            0x3F3 => self.tape,
            0x3F4 => self.main_status(),
            0x3F5 => self.read_data(cx.now()),
            0x3F7 => {
                let is_changed = self.selected().is_some_and(Drive::shows_change);
                if is_changed {
                    OPEN_BUS
                } else {
                    OPEN_BUS & !DISK_CHANGED
                }
            }
            _ => OPEN_BUS,
        };
        self.finish_call(media, cx);
        value
    }

    /// Writes a port from 3F0h to 3F5h or 3F7h.
    pub fn write<M: Medium>(
        &mut self,
        port: u16,
        value: u8,
        media: &mut [Option<M>; DRIVES],
        cx: &mut Context<'_>,
    ) {
        self.advance(media, cx);
        match port {
            0x3F2 => self.write_output(DigitalOutput::from_bits_retain(value), cx.now()),
            0x3F3 => self.tape = value & 0x03,
            0x3F4 => self.write_rate_select(DataRateSelect::from_bits_retain(value), cx.now()),
            0x3F5 => self.write_data(value, cx.now()),
            0x3F7 => self.set_rate(DataRate::parse(value)),
            _ => log::debug!("the floppy controller has no port {port:#x}"),
        }
        self.finish_call(media, cx);
    }

    /// A DMA cycle reads a byte; `is_terminal_count` says that TC was active in it. FFh if there is none.
    pub fn dma_read<M: Medium>(
        &mut self,
        is_terminal_count: bool,
        media: &mut [Option<M>; DRIVES],
        cx: &mut Context<'_>,
    ) -> u8 {
        self.advance(media, cx);
        let mut byte = OPEN_BUS;
        if let Phase::Execution(execution) = &mut self.phase
            && self.output.contains(DigitalOutput::GATE)
        {
            byte = execution.give().unwrap_or(OPEN_BUS);
            execution.terminal_count(is_terminal_count);
        }
        self.finish_call(media, cx);
        byte
    }

    /// A DMA cycle writes a byte; `is_terminal_count` says that TC was active in it.
    pub fn dma_write<M: Medium>(
        &mut self,
        byte: u8,
        is_terminal_count: bool,
        media: &mut [Option<M>; DRIVES],
        cx: &mut Context<'_>,
    ) {
        self.advance(media, cx);
        if let Phase::Execution(execution) = &mut self.phase
            && self.output.contains(DigitalOutput::GATE)
        {
            execution.take(byte);
            execution.terminal_count(is_terminal_count);
        }
        self.finish_call(media, cx);
    }

    /// A DMA cycle of a verify transfer acknowledges a byte without moving it. A byte that should have come from the
    /// host is what an undriven bus holds.
    pub fn dma_verify<M: Medium>(
        &mut self,
        is_terminal_count: bool,
        media: &mut [Option<M>; DRIVES],
        cx: &mut Context<'_>,
    ) {
        let takes_data =
            matches!(&self.phase, Phase::Execution(execution) if execution.operation().takes_data());
        if takes_data {
            self.dma_write(OPEN_BUS, is_terminal_count, media, cx);
        } else {
            self.dma_read(is_terminal_count, media, cx);
        }
    }

    /// The alarm set with [`Effect::Wake`](crate::Effect::Wake) rings.
    pub fn wake<M: Medium>(&mut self, media: &mut [Option<M>; DRIVES], cx: &mut Context<'_>) {
        self.alarm.ring(cx.now());
        self.advance(media, cx);
        self.finish_call(media, cx);
    }

    /// The reset line. The disks stay in their drives; a sector that is being written stays half written.
    pub fn reset<M: Medium>(&mut self, media: &mut [Option<M>; DRIVES], cx: &mut Context<'_>) {
        self.advance(media, cx);
        self.abort();
        for drive in self.drives.iter_mut().flatten() {
            drive.set_motor(false, cx.now());
        }
        let drives = core::mem::take(&mut self.drives);
        let fresh = Self::new([None; DRIVES]);
        let fresh = if self.assists_firmware {
            fresh.assist_firmware()
        } else {
            fresh
        };
        *self = Self {
            interrupt: self.interrupt.clone(),
            request: self.request.clone(),
            alarm: self.alarm.clone(),
            drives,
            ..fresh
        };
        self.settle(cx);
    }

    fn selected_index(&self) -> Option<usize> {
        let drive = self.output.selected()?;
        self.drives.get(drive)?.as_ref().map(|_| drive)
    }

    fn selected(&self) -> Option<&Drive> {
        self.selected_index()
            .and_then(|drive| self.drives[drive].as_ref())
    }

    fn is_in_reset(&self) -> bool {
        !self.output.contains(DigitalOutput::NOT_RESET)
    }

    fn is_dma(&self) -> bool {
        self.specified.load_and_mode & 1 == 0
    }

    fn fifo_bytes(&self) -> usize {
        if self.configuration.contains(Configuration::FIFO_DISABLED) {
            1
        } else {
            FIFO_BYTES
        }
    }

    fn write_output(&mut self, value: DigitalOutput, now: Instant) {
        let was_in_reset = self.is_in_reset();
        self.output = value;
        for (index, drive) in self.drives.iter_mut().enumerate() {
            if let Some(drive) = drive {
                drive.set_motor(value.runs_motor(index), now);
            }
        }
        if self.is_in_reset() {
            self.clear();
        } else if was_in_reset {
            self.poll_at = Some(now + POLL);
        }
        self.look_again(now);
    }

    fn set_rate(&mut self, rate: DataRate) {
        self.rate = rate;
        self.is_rate_set = true;
    }

    fn write_rate_select(&mut self, value: DataRateSelect, now: Instant) {
        self.set_rate(DataRate::parse((value & DataRateSelect::RATE).bits()));
        if value.contains(DataRateSelect::RESET) && !self.is_in_reset() {
            self.clear();
            self.poll_at = Some(now + POLL);
        }
    }

    /// A reset by program: all but what SPECIFY set, and what LOCK protects.
    fn clear(&mut self) {
        self.abort();
        self.phase = Phase::Command(Vec::new());
        let kept = if self.is_locked {
            Configuration::FIFO_DISABLED | Configuration::THRESHOLD
        } else {
            self.precompensation_track = 0;
            Configuration::empty()
        };
        let default = Configuration::FIFO_DISABLED;
        self.configuration = (self.configuration & kept) | (default - kept);
        self.present_cylinders = [0; UNITS];
        self.seeks = [None; UNITS];
        self.seek_ends = [None; UNITS];
        self.poll_at = None;
        self.poll_senses = 0;
        self.is_poll_interrupting = false;
        self.is_result_interrupting = false;
        self.perpendicular &= 0x3C;
    }

    /// Breaks a command off: the write gate closes at once.
    fn abort(&mut self) {
        if let Phase::Execution(execution) = &self.phase {
            execution.abort(&mut self.drives);
            self.phase = Phase::Command(Vec::new());
        }
    }

    /// The selected drive or its disk may have changed under a command.
    fn look_again(&mut self, now: Instant) {
        let selected = self.selected_index();
        if let Phase::Execution(mut execution) = self.take_phase() {
            if execution.is_on(selected, &self.drives) {
                self.phase = Phase::Execution(execution);
            } else {
                execution.abort(&mut self.drives);
                execution.move_to(selected);
                self.search(&mut execution, now);
                self.phase = Phase::Execution(execution);
            }
        }
    }

    /// Takes an execution out of its phase; another phase stays and a copy of nothing is given.
    fn take_phase(&mut self) -> Phase {
        if matches!(self.phase, Phase::Execution(_)) {
            core::mem::replace(&mut self.phase, Phase::Command(Vec::new()))
        } else {
            Phase::Command(Vec::new())
        }
    }

    fn main_status(&self) -> u8 {
        if self.is_in_reset() {
            return 0;
        }
        let mut status = MainStatus::empty();
        match &self.phase {
            Phase::Command(bytes) => {
                status |= MainStatus::REQUEST;
                status.set(MainStatus::COMMAND_BUSY, !bytes.is_empty());
            }
            Phase::Execution(execution) => {
                status |= MainStatus::COMMAND_BUSY;
                if !self.is_dma() {
                    status |= MainStatus::NON_DMA;
                    status.set(MainStatus::REQUEST, execution.is_requesting());
                    status.set(MainStatus::DIRECTION_TO_HOST, execution.operation().gives_data());
                }
            }
            Phase::Result(_) => {
                status |= MainStatus::REQUEST | MainStatus::DIRECTION_TO_HOST | MainStatus::COMMAND_BUSY;
            }
        }
        let mut busy = 0;
        for unit in 0..UNITS {
            if self.seeks[unit].is_some() || self.seek_ends[unit].is_some() {
                busy |= 1 << unit;
            }
        }
        status.bits() | busy
    }

    fn read_data(&mut self, now: Instant) -> u8 {
        let is_dma = self.is_dma();
        let is_in_reset = self.is_in_reset();
        match &mut self.phase {
            Phase::Result(bytes) if !is_in_reset => {
                self.is_result_interrupting = false;
                let byte = bytes.pop_front().unwrap_or(OPEN_BUS);
                if bytes.is_empty() {
                    self.phase = Phase::Command(Vec::new());
                }
                byte
            }
            Phase::Execution(execution) if !is_dma => execution.give().unwrap_or(OPEN_BUS),
            _ => {
                log::debug!("the floppy controller has no byte to read at {now}");
                OPEN_BUS
            }
        }
    }

    fn write_data(&mut self, value: u8, now: Instant) {
        let is_dma = self.is_dma();
        let is_in_reset = self.is_in_reset();
        match &mut self.phase {
            Phase::Command(bytes) if !is_in_reset => {
                bytes.push(value);
                let command = Command::parse(bytes[0]);
                if bytes.len() > command.parameters() {
                    let bytes = core::mem::take(bytes);
                    self.execute(command, &bytes[1..], now);
                }
            }
            Phase::Execution(execution) if !is_dma => execution.take(value),
            _ => log::debug!("the floppy controller takes no byte now"),
        }
    }

    /// The command phase is complete.
    fn execute(&mut self, command: Command, parameters: &[u8], now: Instant) {
        let unit = usize::from(parameters.first().copied().unwrap_or(0) & 3);
        match command {
            Command::Data(command) => self.begin(command, parameters, now),
            Command::Specify => {
                self.specified = Specified {
                    step_and_unload: parameters[0],
                    load_and_mode: parameters[1],
                };
            }
            Command::SenseDriveStatus => self.answer(&[self.sense_drive(parameters[0])]),
            Command::Recalibrate => self.recalibrate(unit, now),
            Command::SenseInterruptStatus => self.sense_interrupt(),
            Command::DumpRegisters => self.answer(&self.dump_registers()),
            Command::Seek => self.seek(unit, parameters[1], now),
            Command::RelativeSeek { is_inward } => self.relative_seek(unit, is_inward, parameters[1], now),
            Command::Version => self.answer(&[VERSION]),
            Command::PerpendicularMode => self.set_perpendicular(parameters[0]),
            Command::Configure => {
                self.configuration = Configuration::from_bits_truncate(parameters[1]);
                self.precompensation_track = parameters[2];
                if self.configuration.contains(Configuration::POLLING_DISABLED) {
                    self.poll_at = None;
                }
            }
            Command::Lock(is_locked) => {
                self.is_locked = is_locked;
                self.answer(&[u8::from(is_locked) << 4]);
            }
            Command::Invalid => self.answer(&[Status0::INVALID.bits()]),
        }
    }

    /// Enters the result phase without an interrupt.
    fn answer(&mut self, bytes: &[u8]) {
        self.phase = Phase::Result(bytes.iter().copied().collect());
    }

    fn sense_drive(&self, parameter: u8) -> u8 {
        let mut status = Status3::TWO_SIDED | Status3::READY;
        status |= Status3::from_bits_truncate(parameter) & Status3::HEAD;
        if let Some(drive) = self.selected() {
            status.set(Status3::TRACK_0, drive.is_at_track_0());
            status.set(Status3::WRITE_PROTECTED, drive.is_write_protected());
        }
        status.bits() | parameter & 3
    }

    /// The end of a seek comes before what is left of a poll: a host that reads only one status after a reset and then
    /// recalibrates gets the answer that belongs to its command, as it does from the chip.
    fn sense_interrupt(&mut self) {
        let ended = (0..UNITS).find_map(|unit| self.seek_ends[unit].take().map(|status| (unit, status)));
        if let Some((unit, status)) = ended {
            return self.answer(&[status, self.present_cylinders[unit]]);
        }
        if self.poll_senses > 0 {
            let unit = UNITS as u8 - self.poll_senses;
            self.poll_senses -= 1;
            self.is_poll_interrupting = false;
            return self.answer(&[
                Status0::POLLED.bits() | unit,
                self.present_cylinders[usize::from(unit)],
            ]);
        }
        self.answer(&[Status0::INVALID.bits()]);
    }

    fn dump_registers(&self) -> [u8; 10] {
        let [pcn_0, pcn_1, pcn_2, pcn_3] = self.present_cylinders;
        [
            pcn_0,
            pcn_1,
            pcn_2,
            pcn_3,
            self.specified.step_and_unload,
            self.specified.load_and_mode,
            self.last_end,
            u8::from(self.is_locked) << 7 | self.perpendicular,
            self.configuration.bits(),
            self.precompensation_track,
        ]
    }

    /// Without OW only GAP and WGATE change.
    fn set_perpendicular(&mut self, parameter: u8) {
        let writable = if parameter & 0x80 != 0 { 0x3F } else { 0x03 };
        self.perpendicular = self.perpendicular & !writable | parameter & writable;
    }

    /// SRT: 16 ms less its value at 500 kbit/s.
    fn step_time(&self) -> Span {
        let value = u64::from(self.specified.step_and_unload >> 4);
        self.rate.scaled(16 - value)
    }

    /// HLT: 2 ms each at 500 kbit/s, 0 for 128 of them.
    fn head_load_time(&self) -> Span {
        match u64::from(self.specified.load_and_mode >> 1) {
            0 => self.rate.scaled(256),
            value => self.rate.scaled(2 * value),
        }
    }

    /// HUT: 16 ms each at 500 kbit/s, 0 for 16 of them.
    fn head_unload_time(&self) -> Span {
        match u64::from(self.specified.step_and_unload & 0x0F) {
            0 => self.rate.scaled(256),
            value => self.rate.scaled(16 * value),
        }
    }

    fn seek(&mut self, unit: usize, cylinder: u8, now: Instant) {
        self.has_sought = true;
        let steps = i32::from(cylinder) - i32::from(self.present_cylinders[unit]);
        self.start_seek(unit, steps, cylinder, Status0::SEEK_END, now);
    }

    fn relative_seek(&mut self, unit: usize, is_inward: bool, steps: u8, now: Instant) {
        let steps = if is_inward {
            i32::from(steps)
        } else {
            -i32::from(steps)
        };
        let cylinder = i32::from(self.present_cylinders[unit]) + steps;
        let room = self
            .selected()
            .map_or(i32::from(u8::MAX), |drive| i32::from(drive.cylinder()));
        // Stepping outward beyond track 0 stops there.
        if -steps > room {
            let status = Status0::SEEK_END | Status0::ABNORMAL | Status0::EQUIPMENT_CHECK;
            return self.start_seek(unit, -room, 0, status, now);
        }
        self.start_seek(unit, steps, cylinder as u8, Status0::SEEK_END, now);
    }

    /// Steps outward until the drive says that it is at track 0.
    fn recalibrate(&mut self, unit: usize, now: Instant) {
        let distance = self.selected().map_or(u8::MAX, Drive::cylinder);
        let mut status = Status0::SEEK_END;
        if distance > RECALIBRATE_STEPS {
            status |= Status0::ABNORMAL | Status0::EQUIPMENT_CHECK;
        }
        let steps = -i32::from(distance.min(RECALIBRATE_STEPS));
        self.start_seek(unit, steps, 0, status, now);
    }

    fn start_seek(&mut self, unit: usize, steps: i32, cylinder: u8, status: Status0, now: Instant) {
        let end = now + self.step_time() * u64::from(steps.unsigned_abs());
        self.seek_ends[unit] = None;
        self.seeks[unit] = Some(Seek {
            drive: self.selected_index(),
            steps,
            end,
            cylinder,
            status: status.bits() | unit as u8,
        });
    }

    fn end_seek(&mut self, unit: usize, seek: Seek) {
        self.seeks[unit] = None;
        self.seek_ends[unit] = Some(seek.status);
        self.present_cylinders[unit] = seek.cylinder;
        if let Some(drive) = seek.drive.and_then(|drive| self.drives[drive].as_mut()) {
            drive.step(seek.steps, seek.end);
        }
    }

    /// The instant of the next thing that happens by itself.
    fn next_event(&self) -> Instant {
        let seek = self.seeks.iter().flatten().map(|seek| seek.end).min();
        let execution = match &self.phase {
            Phase::Execution(execution) => execution.next_event(),
            _ => None,
        };
        [seek, execution, self.poll_at]
            .into_iter()
            .flatten()
            .min()
            .unwrap_or(Instant::NEVER)
    }

    fn advance<M: Medium>(&mut self, media: &mut [Option<M>; DRIVES], cx: &Context<'_>) {
        loop {
            let at = self.next_event();
            if at > cx.now() || at == Instant::NEVER {
                break;
            }
            self.happen(at, media);
        }
    }

    fn happen<M: Medium>(&mut self, at: Instant, media: &mut [Option<M>; DRIVES]) {
        if self.poll_at == Some(at) {
            self.poll_at = None;
            self.poll_senses = UNITS as u8;
            self.is_poll_interrupting = true;
        }
        for unit in 0..UNITS {
            if let Some(seek) = self.seeks[unit]
                && seek.end == at
            {
                self.end_seek(unit, seek);
            }
        }
        if let Phase::Execution(mut execution) = self.take_phase() {
            let is_due = execution.next_event() == Some(at);
            let goes_on = !is_due || self.happen_in(&mut execution, at, media);
            if goes_on {
                self.phase = Phase::Execution(execution);
            }
        }
    }

    /// Lets what the call has made due happen, and tells the board.
    fn finish_call<M: Medium>(&mut self, media: &mut [Option<M>; DRIVES], cx: &mut Context<'_>) {
        self.advance(media, cx);
        self.settle(cx);
    }

    fn settle(&mut self, cx: &mut Context<'_>) {
        let mut is_interrupting = self.is_poll_interrupting
            || self.is_result_interrupting
            || self.seek_ends.iter().any(Option::is_some);
        let mut is_requesting = false;
        let depth = self.fifo_bytes();
        let threshold = usize::from((self.configuration & Configuration::THRESHOLD).bits()) + 1;
        let is_dma = self.is_dma();
        if let Phase::Execution(execution) = &mut self.phase {
            execution.decide_request(depth, threshold);
            if is_dma {
                is_requesting = execution.is_requesting();
            } else {
                is_interrupting |= execution.is_requesting();
            }
        }
        let is_gated = self.output.contains(DigitalOutput::GATE);
        self.interrupt.drive(is_interrupting && is_gated, cx);
        self.request.drive(is_requesting && is_gated, cx);
        self.alarm.set(self.next_event(), cx);
    }
}

#[cfg(test)]
mod tests;
