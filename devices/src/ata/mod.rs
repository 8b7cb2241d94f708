//! An ATA channel with up to two drives: ports 1F0h to 1F7h, 3F6h and 3F7h with IRQ 14, or the second channel at 170h to
//! 177h and 376h with IRQ 15.
//!
//! Sources: ATA-1 (X3.221-1994), clauses 7 "Register definitions", 8 "Command register definitions" and 9 "Commands",
//! and its PIO protocol; for the timing of each drive the presets of 86Box (see [`DriveModel`]).
//!
//! A drive is read and written through [`Medium`], which the board lends. There is no write cache: a drive takes the
//! next sectors of a write command into its buffer while it writes the first, but the command is complete only when the
//! last sector has passed under the head, and a sector is on the medium when its own passage ends. A power cut
//! ([`AtaController::power_cut`]) leaves every other sector as it is.
//!
//! A sector that cannot be read (it was torn by a power cut, or lies behind the end) comes with its block all the same: ERR
//! stands beside DRQ, the address registers show it, and the command ends with that block, which the host may read or leave.
//! A block of which no sector is there has no data. Writing ends at the sector that is not there, in the middle of a block
//! too; the sectors before it are written.
//!
//! The BIOS of Bochs was written for an emulator whose disks take no time: it waits before a block that it reads, but not
//! after one that it has written, and takes BSY there for a failure. [`AtaController::assist_firmware`] says what is done
//! for it; drivers that use the interrupt do not notice.
//!
//! Left out: DMA, READ and WRITE LONG and FORMAT TRACK (all aborted), the index and corrected-data bits, zones, and the
//! time to spin up when the lab begins: drives turn from its start.

mod command;
mod drive;
mod identify;
mod mechanism;
mod model;
mod registers;

use clock::Instant;

use crate::Context;
use crate::alarm::Alarm;
use crate::interrupt_line::InterruptLine;
use crate::medium::Medium;
pub use drive::AtaDriveSettings;
use drive::Drive;
pub use model::{DRIVE_MODELS, DriveModel};
pub use registers::Geometry;
use registers::{DeviceControl, DriveHead, Register};

/// What is read where nothing answers.
const OPEN_BUS: u8 = 0xFF;

/// Drives on a channel.
const DRIVES: usize = 2;

/// EXECUTE DEVICE DIAGNOSTIC, which both drives obey.
const EXECUTE_DIAGNOSTIC: u8 = 0x90;

/// Where a channel is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum AtaChannel {
    /// 1F0h to 1F7h, 3F6h, 3F7h; IRQ 14.
    Primary,
    /// 170h to 177h, 376h, 377h; IRQ 15.
    Secondary,
}

impl AtaChannel {
    /// The first port of the command block.
    #[must_use]
    pub fn base(self) -> u16 {
        match self {
            Self::Primary => 0x1F0,
            Self::Secondary => 0x170,
        }
    }

    /// The IRQ line.
    #[must_use]
    pub fn line(self) -> u8 {
        match self {
            Self::Primary => 14,
            Self::Secondary => 15,
        }
    }

    fn register(self, port: u16) -> Option<Register> {
        Some(match port.wrapping_sub(self.base()) {
            0 => Register::Data,
            1 => Register::Error,
            2 => Register::SectorCount,
            3 => Register::SectorNumber,
            4 => Register::CylinderLow,
            5 => Register::CylinderHigh,
            6 => Register::DriveHead,
            7 => Register::Status,
            0x206 => Register::AlternateStatus,
            0x207 => Register::DriveAddress,
            _ => return None,
        })
    }
}

/// What becomes of the sector under the writing head when the power fails.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum TornSector {
    /// It keeps what it held.
    Old,
    /// It holds what was being written.
    New,
    /// It cannot be read until it is written again.
    Unreadable,
}

/// A sector on its way to the medium.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct SectorWrite {
    /// The drive, 0 or 1.
    pub drive: usize,
    /// The sector's number.
    pub sector: u32,
    /// When its passage under the head begins.
    pub begin: Instant,
    /// When it is on the medium.
    pub end: Instant,
}

/// An ATA channel and its drives.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct AtaController {
    channel: AtaChannel,
    interrupt: InterruptLine,
    alarm: Alarm,
    drives: [Option<Drive>; DRIVES],
    is_drive_1_selected: bool,
    control: DeviceControl,
    assists_firmware: bool,
}

impl AtaController {
    /// A channel with up to two drives, ready.
    #[must_use]
    pub fn new(channel: AtaChannel, drives: [Option<AtaDriveSettings>; DRIVES]) -> Self {
        Self {
            channel,
            interrupt: InterruptLine::new(channel.line()),
            alarm: Alarm::none(),
            drives: drives.map(|settings| settings.map(Drive::new)),
            is_drive_1_selected: false,
            control: DeviceControl::empty(),
            assists_firmware: false,
        }
    }

    /// Ends a write for a host that has disabled the drives' interrupt (nIEN) when it has given the data: no BSY between two
    /// blocks and after the last. The sectors go to the medium behind that, in order and in their time; the next command
    /// and a reset wait for them. A power cut loses what has not passed under the head yet, and leaves each sector old, new
    /// or, the one under the head, as [`AtaController::power_cut`] says.
    #[must_use]
    pub fn assist_firmware(self) -> Self {
        Self {
            assists_firmware: true,
            ..self
        }
    }

    /// Reads a register; FFh where no drive answers. A byte access to the data port takes the low half of a word. The
    /// drive address register (3F7h) leaves bit 7 at 1 for the floppy controller to drive.
    pub fn read<M: Medium>(
        &mut self,
        port: u16,
        media: &mut [Option<M>; DRIVES],
        cx: &mut Context<'_>,
    ) -> u8 {
        self.advance(media, cx.now());
        let value = match self.channel.register(port) {
            Some(register) => self.read_register(register, cx.now()),
            None => OPEN_BUS,
        };
        self.finish_call(media, cx);
        value
    }

    /// Writes a register. A byte access to the data port writes the low half of a word whose high half is 0.
    pub fn write<M: Medium>(
        &mut self,
        port: u16,
        value: u8,
        media: &mut [Option<M>; DRIVES],
        cx: &mut Context<'_>,
    ) {
        self.advance(media, cx.now());
        match self.channel.register(port) {
            Some(register) => self.write_register(register, value, media, cx.now()),
            None => log::debug!("the ATA channel has no port {port:#x}"),
        }
        self.finish_call(media, cx);
    }

    /// Reads a word of the data port, in one 16-bit cycle. FFFFh if the drive offers none.
    pub fn read_data<M: Medium>(&mut self, media: &mut [Option<M>; DRIVES], cx: &mut Context<'_>) -> u16 {
        self.advance(media, cx.now());
        let now = cx.now();
        let word = self.selected_mut().and_then(|drive| drive.read_word(now));
        self.finish_call(media, cx);
        word.unwrap_or(u16::MAX)
    }

    /// Writes a word of the data port, in one 16-bit cycle.
    pub fn write_data<M: Medium>(
        &mut self,
        word: u16,
        media: &mut [Option<M>; DRIVES],
        cx: &mut Context<'_>,
    ) {
        self.advance(media, cx.now());
        let now = cx.now();
        if let Some(drive) = self.selected_mut() {
            drive.write_word(word, now);
        }
        self.finish_call(media, cx);
    }

    /// The alarm set with [`Effect::Wake`](crate::Effect::Wake) rings.
    pub fn wake<M: Medium>(&mut self, media: &mut [Option<M>; DRIVES], cx: &mut Context<'_>) {
        self.alarm.ring(cx.now());
        self.finish_call(media, cx);
    }

    /// The reset line.
    pub fn reset<M: Medium>(&mut self, media: &mut [Option<M>; DRIVES], cx: &mut Context<'_>) {
        self.advance(media, cx.now());
        self.set_control(DeviceControl::empty());
        self.is_drive_1_selected = false;
        for (drive, medium) in self.drives.iter_mut().zip(media.iter_mut()) {
            if let Some(drive) = drive {
                drive.reset(cx.now(), medium);
            }
        }
        self.finish_call(media, cx);
    }

    /// The power fails at the time of the call. Of each drive the sector that is under the writing head, if one is,
    /// becomes what `torn` says; sectors before it are written, sectors after it are not. The drives do nothing until
    /// [`AtaController::power_on`].
    pub fn power_cut<M: Medium>(
        &mut self,
        torn: TornSector,
        media: &mut [Option<M>; DRIVES],
        cx: &mut Context<'_>,
    ) {
        self.advance(media, cx.now());
        for (drive, medium) in self.drives.iter_mut().zip(media.iter_mut()) {
            if let Some(drive) = drive {
                drive.cut(cx.now(), torn, medium);
            }
        }
        self.finish_call(media, cx);
    }

    /// The power comes back after a cut; the drives are busy for 10 s until they are at speed.
    pub fn power_on<M: Medium>(&mut self, media: &mut [Option<M>; DRIVES], cx: &mut Context<'_>) {
        self.advance(media, cx.now());
        self.set_control(DeviceControl::empty());
        self.is_drive_1_selected = false;
        for drive in self.drives.iter_mut().flatten() {
            drive.power_on(cx.now());
        }
        self.finish_call(media, cx);
    }

    /// The sector that is under a writing head or comes under one next, of those whose data the drives have.
    #[must_use]
    pub fn next_write(&self) -> Option<SectorWrite> {
        let writes = (0..).zip(&self.drives).filter_map(|(number, drive)| {
            let (sector, passage) = drive.as_ref()?.next_write()?;
            Some(SectorWrite {
                drive: number,
                sector,
                begin: passage.begin,
                end: passage.end,
            })
        });
        writes.min_by_key(|write| write.end)
    }

    /// Whether a drive would lose a sector if the power failed at `now`: one is under its writing head.
    #[must_use]
    pub fn is_writing(&self, now: Instant) -> bool {
        self.drives.iter().flatten().any(|drive| drive.is_writing(now))
    }

    fn selected_mut(&mut self) -> Option<&mut Drive> {
        self.drives[usize::from(self.is_drive_1_selected)].as_mut()
    }

    fn read_register(&mut self, register: Register, now: Instant) -> u8 {
        if register == Register::DriveAddress {
            return self.drive_address(now);
        }
        let index = usize::from(self.is_drive_1_selected);
        // Drive 0 answers for a drive 1 that is not there: its status reads 0.
        let is_proxy = self.drives[index].is_none();
        let answering = if is_proxy && self.is_drive_1_selected {
            0
        } else {
            index
        };
        let Some(drive) = &mut self.drives[answering] else {
            return OPEN_BUS;
        };
        match register {
            Register::Status | Register::AlternateStatus if is_proxy => 0,
            Register::Data if is_proxy => OPEN_BUS,
            Register::Data => drive.read_word(now).map_or(OPEN_BUS, |word| word as u8),
            Register::Status => {
                drive.end_interrupt();
                drive.status()
            }
            Register::AlternateStatus => drive.status(),
            // While BSY is set every register reads as the status.
            _ if drive.is_busy() => drive.status(),
            Register::Error => drive.error(),
            Register::SectorCount => drive.file.sector_count,
            Register::SectorNumber => drive.file.sector_number,
            Register::CylinderLow => drive.file.cylinder_low,
            Register::CylinderHigh => drive.file.cylinder_high,
            Register::DriveHead | Register::DriveAddress => drive.file.drive_head,
        }
    }

    /// All bits are active low: write gate, head and drive select.
    fn drive_address(&self, now: Instant) -> u8 {
        let Some(drive) = &self.drives[usize::from(self.is_drive_1_selected)] else {
            return OPEN_BUS;
        };
        let gate = u8::from(drive.is_writing(now)) << 6;
        let select = if self.is_drive_1_selected { 0x02 } else { 0x01 };
        !(gate | drive.file.head() << 2 | select)
    }

    fn write_register<M: Medium>(
        &mut self,
        register: Register,
        value: u8,
        media: &mut [Option<M>; DRIVES],
        now: Instant,
    ) {
        match register {
            Register::Data => {
                if let Some(drive) = self.selected_mut() {
                    drive.write_word(u16::from(value), now);
                }
            }
            Register::Status => self.write_command(value, media, now),
            Register::AlternateStatus => self.write_control(value, media, now),
            Register::DriveAddress => log::debug!("the drive address register cannot be written"),
            _ => self.write_task_file(register, value),
        }
    }

    /// Both drives take what is written, unless they are busy.
    fn write_task_file(&mut self, register: Register, value: u8) {
        if self.selected_mut().is_some_and(|drive| drive.is_busy()) {
            log::debug!("an ATA register is written while the drive is busy");
            return;
        }
        if register == Register::DriveHead {
            self.is_drive_1_selected = value & DriveHead::DRIVE_1.bits() != 0;
        }
        for drive in self.drives.iter_mut().flatten().filter(|drive| !drive.is_busy()) {
            let file = &mut drive.file;
            match register {
                Register::Error => file.features = value,
                Register::SectorCount => file.sector_count = value,
                Register::SectorNumber => file.sector_number = value,
                Register::CylinderLow => file.cylinder_low = value,
                Register::CylinderHigh => file.cylinder_high = value,
                _ => file.drive_head = value | DriveHead::ONES.bits(),
            }
        }
    }

    fn write_command<M: Medium>(&mut self, code: u8, media: &[Option<M>; DRIVES], now: Instant) {
        if code == EXECUTE_DIAGNOSTIC {
            self.is_drive_1_selected = false;
            for (index, drive) in self.drives.iter_mut().enumerate() {
                if let Some(drive) = drive.as_mut().filter(|drive| !drive.is_busy()) {
                    drive.file.drive_head &= !DriveHead::DRIVE_1.bits();
                    drive.diagnose(index == 0, now);
                }
            }
            return;
        }
        let index = usize::from(self.is_drive_1_selected);
        let Some(drive) = self.drives[index].as_mut().filter(|drive| !drive.is_busy()) else {
            log::debug!("no ATA drive takes command {code:02x}");
            return;
        };
        drive.command(code, now);
        if media[index].as_ref().is_some_and(Medium::is_write_protected) {
            drive.refuse_to_write(now);
        }
    }

    fn write_control<M: Medium>(&mut self, value: u8, media: &mut [Option<M>; DRIVES], now: Instant) {
        let before = self.control;
        self.set_control(DeviceControl::from_bits_truncate(value));
        let is_reset = self.control.contains(DeviceControl::RESET);
        if is_reset == before.contains(DeviceControl::RESET) {
            return;
        }
        self.is_drive_1_selected = false;
        for (drive, medium) in self.drives.iter_mut().zip(media.iter_mut()) {
            match drive {
                Some(drive) if is_reset => drive.hold(now, medium),
                Some(drive) => drive.release(now),
                None => {}
            }
        }
    }

    fn set_control(&mut self, control: DeviceControl) {
        self.control = control;
        let is_polled = control.contains(DeviceControl::INTERRUPT_DISABLED);
        for drive in self.drives.iter_mut().flatten() {
            drive.ends_writes_early = self.assists_firmware && is_polled;
        }
    }

    fn advance<M: Medium>(&mut self, media: &mut [Option<M>; DRIVES], now: Instant) {
        for (drive, medium) in self.drives.iter_mut().zip(media.iter_mut()) {
            if let Some(drive) = drive {
                drive.advance(now, medium);
            }
        }
    }

    fn finish_call<M: Medium>(&mut self, media: &mut [Option<M>; DRIVES], cx: &mut Context<'_>) {
        self.advance(media, cx.now());
        self.settle(cx);
    }

    fn settle(&mut self, cx: &mut Context<'_>) {
        let selected = &self.drives[usize::from(self.is_drive_1_selected)];
        let is_enabled = !self.control.contains(DeviceControl::INTERRUPT_DISABLED);
        let is_interrupting = selected.as_ref().is_some_and(Drive::is_interrupting);
        self.interrupt.drive(is_enabled && is_interrupting, cx);
        let event = self.drives.iter().flatten().filter_map(Drive::next_event).min();
        self.alarm.set(event.unwrap_or(Instant::NEVER), cx);
    }
}

#[cfg(test)]
mod tests;
