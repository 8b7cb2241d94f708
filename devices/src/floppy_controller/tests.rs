//! The section names are those of the Intel 82077AA data sheet (290166).

use clock::Span;
use proptest::prelude::{Just, Strategy, any, prop_oneof, proptest};

use super::*;
use crate::bench::{Bench, Step, any_step};
use crate::medium::tests::{Ram, numbered};

/// SRT 13 (3 ms at 500 kbit/s), HUT 15, HLT 1 (2 ms), DMA: what a BIOS specifies.
const SPECIFY: [u8; 3] = [0x03, 0xDF, 0x02];
const READ: u8 = 0x46;
const WRITE: u8 = 0x45;
const WRITE_DELETED: u8 = 0x49;
const READ_DELETED: u8 = 0x4C;
const READ_ID: u8 = 0x4A;
const FORMAT: u8 = 0x4D;
const SKIP: u8 = 0x20;
const MULTITRACK: u8 = 0x80;

/// The controller, a board that moves what it asks for by DMA, and disks.
struct Rig {
    floppy: FloppyController,
    bench: Bench,
    media: [Option<Ram>; 2],
    /// What DMA has read from the controller, when.
    received: Vec<(Instant, u8)>,
    /// What DMA is going to write.
    to_send: VecDeque<u8>,
    /// Units until TC; with 0 the channel is masked.
    units: usize,
}

impl Rig {
    /// A drive with a disk, its motor at speed and its head at track 0, at the disk's rate.
    fn with(kind: FloppyDriveKind, sectors: u32, rate: u8) -> Self {
        let mut rig = Self {
            floppy: FloppyController::new([Some(kind), None]),
            bench: Bench::new(),
            media: [Some(Ram::numbered(sectors)), None],
            received: Vec::new(),
            to_send: VecDeque::new(),
            units: 0,
        };
        rig.insert().expect("the disk belongs into the drive");
        rig.write(0x3F2, 0x1C);
        rig.pass(Span::from_milliseconds(600));
        for unit in 0..4 {
            assert_eq!(rig.command(&[0x08]), [0xC0 | unit, 0]);
        }
        rig.write(0x3F7, rate);
        rig.command(&SPECIFY);
        rig.command(&[0x07, 0x00]);
        rig.pass(Span::from_milliseconds(1));
        rig.command(&[0x08]);
        rig
    }

    /// A drive with a disk whose host does nothing but reset the controller and run the motor.
    fn assisted(kind: FloppyDriveKind, sectors: u32) -> Self {
        let mut rig = Self::with(kind, sectors, 0);
        rig.floppy = FloppyController::new([Some(kind), None]).assist_firmware();
        rig.insert().expect("the disk belongs into the drive");
        rig.start();
        rig
    }

    fn reset_line(&mut self) {
        let Self {
            floppy, bench, media, ..
        } = self;
        bench.call(|cx| floppy.reset(media, cx));
        self.start();
    }

    fn start(&mut self) {
        self.write(0x3F2, 0x1C);
        self.pass(Span::from_milliseconds(600));
        for unit in 0..4 {
            assert_eq!(self.command(&[0x08])[0], 0xC0 | unit);
        }
    }

    fn high_density() -> Self {
        Self::with(FloppyDriveKind::Inch3High, 2880, 0)
    }

    fn insert(&mut self) -> Result<(), InsertError> {
        let Self {
            floppy, bench, media, ..
        } = self;
        bench.call(|cx| floppy.insert(0, media, cx))
    }

    fn eject(&mut self) {
        let Self {
            floppy, bench, media, ..
        } = self;
        bench.call(|cx| floppy.eject(0, media, cx));
    }

    fn read(&mut self, port: u16) -> u8 {
        let Self {
            floppy, bench, media, ..
        } = self;
        bench.call(|cx| floppy.read(port, media, cx))
    }

    fn write(&mut self, port: u16, value: u8) {
        let Self {
            floppy, bench, media, ..
        } = self;
        bench.call(|cx| floppy.write(port, value, media, cx));
    }

    /// Sends a command and gives what it answers at once.
    fn command(&mut self, bytes: &[u8]) -> Vec<u8> {
        for &byte in bytes {
            assert_eq!(
                self.read(0x3F4) & 0xC0,
                0x80,
                "the controller takes a byte of a command"
            );
            self.write(0x3F5, byte);
        }
        self.result()
    }

    fn result(&mut self) -> Vec<u8> {
        let mut bytes = Vec::new();
        while self.read(0x3F4) & 0xD0 == 0xD0 {
            bytes.push(self.read(0x3F5));
        }
        bytes
    }

    fn transfer(&mut self) {
        while self.bench.requests[2] && self.units > 0 {
            self.units -= 1;
            let is_last = self.units == 0;
            let is_reading = matches!(&self.floppy.phase,
                Phase::Execution(execution) if execution.operation().gives_data());
            let Self {
                floppy, bench, media, ..
            } = self;
            if is_reading {
                let byte = bench.call(|cx| floppy.dma_read(is_last, media, cx));
                self.received.push((self.bench.now, byte));
            } else {
                let Some(byte) = self.to_send.pop_front() else {
                    break;
                };
                bench.call(|cx| floppy.dma_write(byte, is_last, media, cx));
            }
        }
    }

    fn pass(&mut self, span: Span) {
        self.pass_until(span, |_| false);
    }

    /// Lets time pass with exact wake-ups and DMA; stops early when `is_done` says so.
    fn pass_until(&mut self, span: Span, is_done: impl Fn(&Bench) -> bool) {
        let end = self.bench.now + span;
        loop {
            self.transfer();
            if is_done(&self.bench) || self.bench.alarm > end {
                break;
            }
            self.bench.now = self.bench.alarm;
            self.bench.alarm = Instant::NEVER;
            let Self {
                floppy, bench, media, ..
            } = self;
            bench.call(|cx| floppy.wake(media, cx));
        }
        if !is_done(&self.bench) {
            self.bench.now = end;
        }
    }

    /// Runs a data command with DMA for `units` bytes and gives its result.
    fn run(&mut self, command: &[u8], units: usize) -> Vec<u8> {
        self.received.clear();
        self.units = units;
        let answer = self.command(command);
        if !answer.is_empty() {
            return answer;
        }
        self.pass_until(Span::from_seconds(5), |bench| bench.lines[6]);
        self.result()
    }

    fn data(&self) -> Vec<u8> {
        self.received.iter().map(|(_, byte)| *byte).collect()
    }

    fn seek(&mut self, cylinder: u8) {
        self.command(&[0x0F, 0x00, cylinder]);
        self.pass(Span::from_milliseconds(600));
        assert_eq!(self.command(&[0x08]), [0x20, cylinder]);
    }
}

/// The parameters of a command on head 0 or 1 of drive 0, with 512 bytes a sector.
fn on(command: u8, [cylinder, head, number]: [u8; 3], end_of_track: u8) -> [u8; 9] {
    [
        command,
        head << 2,
        cylinder,
        head,
        number,
        2,
        end_of_track,
        0x1B,
        0xFF,
    ]
}

#[test]
fn a_reset_ends_with_an_interrupt_and_a_status_for_each_of_four_drives() {
    let mut rig = Rig::high_density();
    rig.write(0x3F2, 0x08);
    rig.write(0x3F2, 0x0C);
    assert!(!rig.bench.lines[6]);
    rig.pass(Span::from_milliseconds(1));
    assert!(rig.bench.lines[6]);
    for unit in 0..4 {
        assert_eq!(rig.command(&[0x08]), [0xC0 | unit, 0]);
        assert!(!rig.bench.lines[6]);
    }
    assert_eq!(rig.command(&[0x08]), [0x80]);
}

#[test]
fn without_polling_a_reset_leaves_no_interrupt() {
    let mut rig = Rig::high_density();
    rig.write(0x3F4, 0x80);
    rig.command(&[0x13, 0, 0x30, 0]);
    rig.pass(Span::from_milliseconds(1));
    assert!(!rig.bench.lines[6]);
}

#[test]
fn a_controller_in_reset_takes_no_command() {
    let mut rig = Rig::high_density();
    rig.write(0x3F2, 0x00);
    assert_eq!(rig.read(0x3F4), 0);
    rig.write(0x3F5, 0x10);
    rig.write(0x3F2, 0x0C);
    assert_eq!(rig.read(0x3F4), 0x80);
}

#[test]
fn an_unknown_command_is_answered_with_an_invalid_status() {
    let mut rig = Rig::high_density();
    for command in [0x00, 0x01, 0x0B, 0x15, 0x17, 0x18, 0x1F, 0x65, 0xA2, 0xCD] {
        assert_eq!(rig.command(&[command]), [0x80], "command {command:02x}");
    }
}

#[test]
fn version_says_that_the_controller_is_an_enhanced_one() {
    assert_eq!(Rig::high_density().command(&[0x10]), [0x90]);
}

#[test]
fn dumpreg_shows_what_specify_configure_and_perpendicular_mode_set() {
    let mut rig = Rig::high_density();
    rig.command(&[0x13, 0x00, 0x57, 0x12]);
    rig.command(&[0x12, 0x84]);
    rig.seek(3);
    let dump = rig.command(&[0x0E]);
    assert_eq!(dump, [3, 0, 0, 0, 0xDF, 0x02, 0, 0x04, 0x57, 0x12]);
}

#[test]
fn lock_keeps_the_fifo_settings_over_a_reset_by_program() {
    for (lock, expected) in [(0x94, [0x80, 0x07, 0x12]), (0x14, [0x00, 0x20, 0x00])] {
        let mut rig = Rig::high_density();
        rig.command(&[0x13, 0x00, 0x47, 0x12]);
        assert_eq!(rig.command(&[lock]), [(lock & 0x80) >> 3]);
        rig.write(0x3F4, 0x80);
        assert_eq!(rig.command(&[0x0E])[7..], expected);
    }
}

#[test]
fn a_seek_takes_a_step_time_for_each_cylinder_and_keeps_its_drive_busy_until_it_is_sensed() {
    let mut rig = Rig::high_density();
    let start = rig.bench.now;
    rig.command(&[0x0F, 0x00, 10]);
    assert_eq!(rig.read(0x3F4), 0x81);
    rig.pass_until(Span::from_seconds(1), |bench| bench.lines[6]);
    assert_eq!(rig.bench.now.since(start), Span::from_milliseconds(10 * 3));
    assert_eq!(rig.read(0x3F4), 0x81);
    assert_eq!(rig.command(&[0x08]), [0x20, 10]);
    assert_eq!(rig.read(0x3F4), 0x80);
    assert!(!rig.bench.lines[6]);
}

#[test]
fn the_step_time_scales_with_the_data_rate() {
    for (rate, microseconds) in [(0, 3_000), (1, 5_000), (2, 6_000), (3, 1_500)] {
        let mut rig = Rig::high_density();
        rig.write(0x3F7, rate);
        let start = rig.bench.now;
        rig.command(&[0x0F, 0x00, 1]);
        rig.pass_until(Span::from_seconds(1), |bench| bench.lines[6]);
        assert_eq!(rig.bench.now.since(start), Span::from_microseconds(microseconds));
    }
}

#[test]
fn recalibrate_finds_track_0_from_wherever_the_head_is() {
    let mut rig = Rig::high_density();
    rig.seek(40);
    assert_eq!(rig.command(&[0x04, 0x00]), [0x28]);
    rig.command(&[0x07, 0x00]);
    rig.pass(Span::from_milliseconds(121));
    assert_eq!(rig.command(&[0x08]), [0x20, 0]);
    assert_eq!(rig.command(&[0x04, 0x04]), [0x3C]);
}

#[test]
fn recalibrate_of_a_drive_that_is_not_there_gives_up_after_80_steps() {
    let mut rig = Rig::high_density();
    rig.write(0x3F2, 0x2D);
    let start = rig.bench.now;
    rig.command(&[0x07, 0x01]);
    rig.pass_until(Span::from_seconds(1), |bench| bench.lines[6]);
    assert_eq!(rig.bench.now.since(start), Span::from_milliseconds(80 * 3));
    assert_eq!(rig.command(&[0x08]), [0x71, 0]);
}

#[test]
fn a_relative_seek_counts_from_the_present_cylinder_and_stops_at_track_0() {
    let mut rig = Rig::high_density();
    rig.seek(10);
    rig.command(&[0xCF, 0x00, 5]);
    rig.pass(Span::from_milliseconds(100));
    assert_eq!(rig.command(&[0x08]), [0x20, 15]);
    rig.command(&[0x8F, 0x00, 20]);
    rig.pass(Span::from_milliseconds(100));
    assert_eq!(rig.command(&[0x08]), [0x70, 0]);
}

#[test]
fn sense_drive_status_shows_write_protection() {
    let mut rig = Rig::high_density();
    rig.eject();
    rig.media[0].as_mut().expect("a medium").is_write_protected = true;
    rig.insert().expect("the same disk");
    assert_eq!(rig.command(&[0x04, 0x00]), [0x78]);
}

#[test]
fn the_disk_change_line_stays_until_a_step_pulse_with_a_disk_in() {
    let mut rig = Rig::high_density();
    rig.seek(1);
    assert_eq!(rig.read(0x3F7), 0x7F);
    rig.eject();
    assert_eq!(rig.read(0x3F7), 0xFF);
    rig.seek(2);
    assert_eq!(rig.read(0x3F7), 0xFF);
    rig.insert().expect("the same disk");
    assert_eq!(rig.read(0x3F7), 0xFF);
    rig.seek(1);
    assert_eq!(rig.read(0x3F7), 0x7F);
}

#[test]
fn a_disk_must_fit_the_drive() {
    let mut rig = Rig::high_density();
    rig.eject();
    rig.media[0] = Some(Ram::numbered(2400));
    assert_eq!(
        rig.insert(),
        Err(InsertError::WrongDrive(FloppyDriveKind::Inch3High))
    );
    rig.media[0] = Some(Ram::numbered(100));
    assert_eq!(rig.insert(), Err(InsertError::NoSuchFormat { sectors: 100 }));
}

#[test]
fn a_sector_comes_by_dma_and_the_result_names_the_next_one() {
    let mut rig = Rig::high_density();
    let result = rig.run(&on(READ, [0, 0, 5], 18), 512);
    assert_eq!(result, [0x00, 0, 0, 0, 0, 6, 2]);
    assert_eq!(rig.data(), numbered(4));
    assert!(!rig.bench.lines[6], "reading the result drops the interrupt");
}

#[test]
fn every_format_is_read_at_its_rate() {
    for (kind, sectors, rate, bytes_per_second) in [
        (FloppyDriveKind::Inch3High, 2880, 0, 62_500),
        (FloppyDriveKind::Inch3High, 1440, 2, 31_250),
        (FloppyDriveKind::Inch3Double, 1440, 2, 31_250),
        (FloppyDriveKind::Inch5High, 2400, 0, 62_500),
        (FloppyDriveKind::Inch5High, 720, 1, 37_500),
        (FloppyDriveKind::Inch5Double, 720, 2, 31_250),
        (FloppyDriveKind::Inch5Double, 640, 2, 31_250),
        (FloppyDriveKind::Inch5Double, 360, 2, 31_250),
        (FloppyDriveKind::Inch5Double, 320, 2, 31_250),
    ] {
        let mut rig = Rig::with(kind, sectors, rate);
        assert_eq!(rig.run(&on(READ, [0, 0, 2], 8), 512)[..3], [0, 0, 0]);
        assert_eq!(rig.data(), numbered(1));
        let first = rig.received[0].0;
        let last = rig.received[511].0;
        let expected = clock::Rate::hertz(bytes_per_second).span(511);
        let difference = last.since(first).picoseconds().abs_diff(expected.picoseconds());
        assert!(difference <= 1, "{kind:?} with {sectors} sectors");
    }
}

#[test]
fn all_sectors_of_a_track_pass_in_one_turn() {
    let mut rig = Rig::high_density();
    let result = rig.run(&on(READ, [0, 0, 1], 18), 18 * 512);
    assert_eq!(result, [0x00, 0, 0, 1, 0, 1, 2]);
    let expected: Vec<u8> = (0..18).flat_map(numbered).collect();
    assert_eq!(rig.data(), expected);
    let time = rig.received[18 * 512 - 1].0.since(rig.received[0].0);
    // 17 sectors of 682 bytes with their gaps, and 511 bytes of the last, 16 us each.
    assert_eq!(time, Span::from_microseconds((17 * 682 + 511) * 16));
}

#[test]
fn a_sector_passes_once_a_turn() {
    for (kind, sectors, turn) in [
        (FloppyDriveKind::Inch3High, 2880, Span::from_milliseconds(200)),
        (
            FloppyDriveKind::Inch5High,
            2400,
            Span::from_picoseconds(166_666_666_666),
        ),
    ] {
        let mut rig = Rig::with(kind, sectors, 0);
        rig.run(&on(READ, [0, 0, 3], 15), 512);
        let first = rig.received[0].0;
        rig.run(&on(READ, [0, 0, 3], 15), 512);
        let time = rig.received[0].0.since(first);
        assert!(time.picoseconds() - turn.picoseconds() <= 1, "{time}");
    }
}

#[test]
fn a_multitrack_read_goes_on_with_the_second_head() {
    let mut rig = Rig::high_density();
    let result = rig.run(&on(READ | MULTITRACK, [0, 0, 18], 18), 2 * 512);
    assert_eq!(result, [0x04, 0, 0, 0, 1, 2, 2]);
    let expected: Vec<u8> = (17..19).flat_map(numbered).collect();
    assert_eq!(rig.data(), expected);
    let result = rig.run(&on(READ | MULTITRACK, [0, 1, 18], 18), 512);
    assert_eq!(result, [0x04, 0, 0, 1, 0, 1, 2]);
}

#[test]
fn without_a_terminal_count_a_read_ends_at_the_end_of_the_track() {
    let mut rig = Rig::high_density();
    let result = rig.run(&on(READ, [0, 0, 17], 18), 5000);
    assert_eq!(result, [0x40, 0x80, 0, 1, 0, 1, 2]);
    assert_eq!(rig.received.len(), 1024);
}

#[test]
fn a_terminal_count_within_a_sector_ends_the_transfer_and_the_command_with_the_sector() {
    let mut rig = Rig::high_density();
    let result = rig.run(&on(READ, [0, 0, 5], 18), 10);
    assert_eq!(result, [0x00, 0, 0, 0, 0, 6, 2]);
    assert_eq!(rig.data(), numbered(4)[..10]);
    let time = rig.bench.now.since(rig.received[0].0);
    assert_eq!(time, Span::from_microseconds(513 * 16));
}

#[test]
fn a_host_that_does_not_take_a_byte_in_time_overruns() {
    let mut rig = Rig::high_density();
    let result = rig.run(&on(READ, [0, 0, 5], 18), 0);
    assert_eq!(result, [0x40, 0x10, 0, 0, 0, 5, 2]);
}

#[test]
fn a_sector_that_is_not_there_is_no_data_after_two_index_pulses() {
    let mut rig = Rig::high_density();
    let start = rig.bench.now;
    let result = rig.run(&on(READ, [0, 0, 19], 19), 512);
    assert_eq!(result, [0x40, 0x04, 0, 0, 0, 19, 2]);
    let turns = rig.bench.now.since(start);
    assert!(turns > Span::from_milliseconds(200) && turns <= Span::from_milliseconds(402));
}

#[test]
fn another_cylinder_than_the_head_is_on_is_a_wrong_cylinder() {
    let mut rig = Rig::high_density();
    rig.seek(4);
    assert_eq!(
        rig.run(&on(READ, [5, 0, 1], 18), 512),
        [0x40, 0x04, 0x10, 5, 0, 1, 2]
    );
}

#[test]
fn at_another_rate_or_in_fm_no_address_mark_is_found() {
    let mut rig = Rig::high_density();
    assert_eq!(rig.run(&[READ_ID & !0x40, 0x00], 0)[..3], [0x40, 0x01, 0]);
    rig.write(0x3F7, 2);
    assert_eq!(rig.run(&[READ_ID, 0x00], 0)[..3], [0x40, 0x01, 0]);
}

#[test]
fn read_id_gives_the_id_that_passes_next() {
    let mut rig = Rig::high_density();
    rig.seek(7);
    let first = rig.run(&[READ_ID, 0x04], 0);
    assert_eq!(first[..5], [0x04, 0, 0, 7, 1]);
    let second = rig.run(&[READ_ID, 0x04], 0);
    assert_eq!(second[5], first[5] % 18 + 1);
}

#[test]
fn a_written_sector_is_on_the_medium_when_its_check_bytes_are() {
    let mut rig = Rig::high_density();
    rig.seek(2);
    rig.to_send = (0..512).map(|n| n as u8 ^ 0x5A).collect();
    let result = rig.run(&on(WRITE, [2, 1, 3], 18), 512);
    assert_eq!(result, [0x04, 0, 0, 2, 1, 4, 2]);
    let written: Vec<u8> = (0..512).map(|n| n as u8 ^ 0x5A).collect();
    let sector = (2 * 2 + 1) * 18 + 2;
    let medium = rig.media[0].as_ref().expect("a medium");
    assert_eq!(medium.data[sector][..], written);
    assert_eq!(medium.data[sector + 1], numbered(sector as u32 + 1));
}

#[test]
fn a_write_that_ends_early_fills_its_sector_with_zeros() {
    for fifo in [0x20, 0x08] {
        let mut rig = Rig::high_density();
        rig.command(&[0x13, 0, fifo, 0]);
        rig.to_send = (1..=20).collect();
        assert_eq!(rig.run(&on(WRITE, [0, 0, 1], 18), 20)[0], 0);
        let data = rig.media[0].as_ref().expect("a medium").data[0];
        let expected: Vec<u8> = (1..=20).collect();
        assert_eq!(data[..20], expected);
        assert!(data[20..].iter().all(|&byte| byte == 0));
    }
}

#[test]
fn a_protected_disk_cannot_be_written_or_formatted() {
    let mut rig = Rig::high_density();
    rig.eject();
    rig.media[0].as_mut().expect("a medium").is_write_protected = true;
    rig.insert().expect("the same disk");
    assert_eq!(rig.run(&on(WRITE, [0, 0, 1], 18), 512)[..3], [0x40, 0x02, 0]);
    assert_eq!(rig.run(&[FORMAT, 0, 2, 18, 0x6C, 0xF6], 72)[..3], [0x40, 0x02, 0]);
}

#[test]
fn a_sector_whose_writing_is_broken_off_has_a_data_error_until_it_is_written_again() {
    let mut rig = Rig::high_density();
    rig.to_send = [0; 100].into();
    let result = rig.run(&on(WRITE, [0, 0, 1], 18), 100_000);
    assert_eq!(result[..3], [0x40, 0x10, 0]);
    assert_eq!(rig.run(&on(READ, [0, 0, 1], 18), 512)[..3], [0x40, 0x20, 0x20]);
    rig.to_send = [7; 512].into();
    rig.run(&on(WRITE, [0, 0, 1], 18), 512);
    assert_eq!(rig.run(&on(READ, [0, 0, 1], 18), 512)[..3], [0, 0, 0]);
    assert_eq!(rig.data(), [7; 512]);
}

/// Data sheet, tables of the skip bit for READ DATA and READ DELETED DATA.
#[test]
fn the_skip_bit_says_what_becomes_of_sectors_with_the_other_mark() {
    let mut rig = Rig::high_density();
    rig.to_send = [7; 512].into();
    rig.run(&on(WRITE_DELETED, [0, 0, 2], 18), 512);
    for (command, result, sectors) in [
        (READ, [0x00, 0, 0x40, 0, 0, 2, 2], vec![0, 1]),
        (READ | SKIP, [0x00, 0, 0x40, 0, 0, 4, 2], vec![0, 2]),
        (READ_DELETED, [0x00, 0, 0x40, 0, 0, 1, 2], vec![0]),
        (READ_DELETED | SKIP, [0x40, 0x80, 0x40, 1, 0, 1, 2], vec![1]),
    ] {
        let units = if command == READ_DELETED | SKIP {
            5000
        } else {
            1024
        };
        let got = rig.run(&on(command, [0, 0, 1], 18), units);
        let expected: Vec<u8> = sectors
            .iter()
            .flat_map(|&sector| if sector == 1 { [7; 512] } else { numbered(sector) })
            .collect();
        assert_eq!(rig.data(), expected, "command {command:02x}");
        assert_eq!(got, result, "command {command:02x}");
    }
}

fn ids(cylinder: u8, head: u8, numbers: &[u8]) -> VecDeque<u8> {
    numbers
        .iter()
        .flat_map(|&number| [cylinder, head, number, 2])
        .collect()
}

#[test]
fn format_track_takes_from_one_index_pulse_to_the_next_and_fills_the_sectors() {
    let mut rig = Rig::high_density();
    rig.seek(1);
    let numbers: Vec<u8> = (1..=18).collect();
    rig.to_send = ids(1, 0, &numbers);
    let result = rig.run(&[FORMAT, 0x00, 2, 18, 0x6C, 0xF6], 72);
    assert_eq!(result[..3], [0, 0, 0]);
    let medium = rig.media[0].as_ref().expect("a medium");
    for sector in 0..2880 {
        let is_formatted = (36..54).contains(&sector);
        let expected = if is_formatted {
            [0xF6; 512]
        } else {
            numbered(sector as u32)
        };
        assert_eq!(medium.data[sector], expected);
    }
    // The disk reached its speed at 500 ms, and every turn takes 200 ms.
    assert_eq!(rig.bench.now.nanoseconds() % 200_000_000, 100_000_000);
}

#[test]
fn sectors_pass_in_the_order_in_which_they_were_formatted() {
    let mut rig = Rig::high_density();
    rig.to_send = ids(
        0,
        0,
        &[1, 10, 2, 11, 3, 12, 4, 13, 5, 14, 6, 15, 7, 16, 8, 17, 9, 18],
    );
    rig.run(&[FORMAT, 0x00, 2, 18, 0x6C, 0xF6], 72);
    rig.run(&on(READ, [0, 0, 1], 18), 1024);
    let time = rig.received[512].0.since(rig.received[0].0);
    assert_eq!(time, Span::from_microseconds(2 * 682 * 16));
}

#[test]
fn sectors_that_are_not_formatted_are_not_there() {
    let mut rig = Rig::high_density();
    rig.to_send = ids(0, 0, &[1, 2, 3]);
    rig.run(&[FORMAT, 0x00, 2, 3, 0x6C, 0xF6], 12);
    assert_eq!(rig.run(&on(READ, [0, 0, 3], 18), 512)[..3], [0, 0, 0]);
    assert_eq!(rig.run(&on(READ, [0, 0, 4], 18), 512)[..3], [0x40, 0x04, 0]);
}

#[test]
fn read_track_begins_at_the_index_pulse_and_tells_where_the_numbers_differ() {
    let mut rig = Rig::high_density();
    assert_eq!(rig.run(&on(0x42, [0, 0, 1], 3), 3 * 512)[..3], [0, 0, 0]);
    let expected: Vec<u8> = (0..3).flat_map(numbered).collect();
    assert_eq!(rig.data(), expected);
    rig.to_send = ids(0, 0, &[3, 2, 1]);
    rig.run(&[FORMAT, 0x00, 2, 3, 0x6C, 0xF6], 12);
    assert_eq!(rig.run(&on(0x42, [0, 0, 1], 3), 3 * 512)[..3], [0, 0x04, 0]);
}

#[test]
fn read_track_compares_cylinder_head_and_size_too() {
    let mut rig = Rig::high_density();
    let expected: Vec<u8> = (0..3).flat_map(numbered).collect();
    // C, H and N, each unlike what the track has.
    for (place, value) in [(2, 7), (3, 1), (5, 3)] {
        let mut command = on(0x42, [0, 0, 1], 3);
        command[place] = value;
        assert_eq!(rig.run(&command, 3 * 512)[..3], [0, 0x04, 0], "{command:?}");
        assert_eq!(rig.data(), expected);
    }
}

#[test]
fn verify_moves_nothing_and_ends_normally_at_the_end_of_the_track_or_of_its_count() {
    let mut rig = Rig::high_density();
    assert_eq!(rig.run(&on(0x56, [0, 0, 1], 18), 0), [0, 0, 0, 1, 0, 1, 2]);
    let result = rig.run(&[0x56, 0x80, 0, 0, 1, 2, 18, 0x1B, 3], 0);
    assert_eq!(result, [0, 0, 0, 0, 0, 4, 2]);
}

#[test]
fn a_scan_ends_at_the_sector_that_is_as_wanted_or_says_that_there_is_none() {
    let mut rig = Rig::high_density();
    rig.to_send = (0..3).flat_map(|_| numbered(2)).collect();
    let mut scan = on(0x51, [0, 0, 1], 18);
    scan[8] = 1;
    let result = rig.run(&scan, 100_000);
    assert_eq!(result, [0, 0, 0x08, 0, 0, 4, 2]);
    rig.to_send = (0..3).flat_map(|_| numbered(20)).collect();
    scan[6] = 3;
    assert_eq!(rig.run(&scan, 100_000)[..3], [0, 0, 0x04]);
}

#[test]
fn a_scan_whose_host_has_no_more_bytes_tells_how_the_comparison_came_out() {
    let mut rig = Rig::high_density();
    // SCAN EQUAL, LOW OR EQUAL, HIGH OR EQUAL of the first sector with a smaller and a larger one's bytes, and with its own.
    for (command, [smaller, larger, own]) in [
        (0x51, [0x04, 0x04, 0x08]),
        (0x59, [0x04, 0, 0x08]),
        (0x5D, [0, 0x04, 0x08]),
    ] {
        let mut scan = on(command, [0, 0, 3], 18);
        scan[8] = 1;
        for (byte, status_2) in [(0x10, smaller), (0xE0, larger)] {
            rig.media[0].as_mut().expect("a medium").data[2] = [0x80; 512];
            rig.to_send = [byte; 512].into();
            assert_eq!(
                rig.run(&scan, 512)[..3],
                [0, 0, status_2],
                "{command:02X} {byte:02X}"
            );
        }
        rig.to_send = [0x80; 512].into();
        assert_eq!(rig.run(&scan, 512)[..3], [0, 0, own], "{command:02X}");
    }
}

#[test]
fn without_dma_every_byte_interrupts_and_goes_through_the_data_register() {
    let mut rig = Rig::high_density();
    rig.command(&[0x03, 0xDF, 0x03]);
    rig.command(&on(READ, [0, 0, 2], 2));
    let mut data = Vec::new();
    for _ in 0..512 {
        rig.pass_until(Span::from_seconds(1), |bench| bench.lines[6]);
        assert_eq!(rig.read(0x3F4), 0xF0);
        data.push(rig.read(0x3F5));
        assert!(!rig.bench.lines[6]);
    }
    rig.pass_until(Span::from_seconds(1), |bench| bench.lines[6]);
    assert_eq!(rig.result(), [0x40, 0x80, 0, 1, 0, 1, 2]);
    assert_eq!(data, numbered(1));
}

#[test]
fn the_fifo_asks_when_it_holds_16_bytes_less_the_threshold() {
    let mut rig = Rig::high_density();
    rig.command(&[0x13, 0, 0x03, 0]);
    rig.command(&on(READ, [0, 0, 2], 18));
    rig.pass_until(Span::from_seconds(1), |bench| bench.requests[2]);
    let Phase::Execution(execution) = &rig.floppy.phase else {
        panic!("in the execution phase");
    };
    let begin = rig.bench.now - Span::from_microseconds(12 * 16);
    assert!(execution.is_requesting());
    rig.units = 512;
    rig.pass_until(Span::from_seconds(1), |bench| bench.lines[6]);
    assert_eq!(rig.data(), numbered(1));
    assert_eq!(rig.received[0].0, begin + Span::from_microseconds(12 * 16));
    assert_eq!(rig.received[11].0, rig.received[0].0);
    assert_ne!(rig.received[12].0, rig.received[0].0);
}

#[test]
fn a_drive_that_does_not_turn_leaves_the_command_waiting() {
    let mut rig = Rig::high_density();
    rig.write(0x3F2, 0x0C);
    rig.units = 512;
    rig.command(&on(READ, [0, 0, 2], 18));
    rig.pass(Span::from_seconds(10));
    assert_eq!(rig.read(0x3F4), 0x10);
    rig.write(0x3F2, 0x1C);
    let start = rig.bench.now;
    rig.pass_until(Span::from_seconds(2), |bench| bench.lines[6]);
    assert_eq!(rig.result()[0], 0);
    let spin_up = rig.received[0].0.since(start);
    assert!(spin_up > Span::from_milliseconds(500) && spin_up < Span::from_milliseconds(700));
}

#[test]
fn a_head_that_was_unloaded_is_loaded_first() {
    let mut rig = Rig::high_density();
    rig.run(&[READ_ID, 0], 0);
    for (pause, load) in [(0, 0), (250, 2)] {
        rig.pass(Span::from_milliseconds(pause));
        rig.command(&[READ_ID, 0]);
        let until = rig.bench.now + Span::from_milliseconds(load);
        assert!(rig.bench.alarm >= until);
        assert_eq!(rig.bench.alarm == until, load != 0);
        rig.pass_until(Span::from_seconds(1), |bench| bench.lines[6]);
        rig.result();
    }
}

#[test]
fn a_360_kb_disk_in_a_1_2_mb_drive_has_its_cylinders_two_steps_apart() {
    let mut rig = Rig::with(FloppyDriveKind::Inch5High, 720, 1);
    rig.seek(10);
    assert_eq!(rig.run(&[READ_ID, 0], 0)[3], 5);
    rig.seek(11);
    assert_eq!(rig.run(&[READ_ID, 0], 0)[..3], [0x40, 0x01, 0]);
}

#[test]
fn an_implied_seek_moves_the_head_first() {
    let mut rig = Rig::high_density();
    rig.command(&[0x13, 0, 0x60, 0]);
    assert_eq!(rig.run(&on(READ, [30, 0, 1], 18), 512)[..3], [0, 0, 0]);
    assert_eq!(rig.data(), numbered(30 * 36));
    assert_eq!(rig.command(&[0x0E])[0], 30);
}

#[test]
fn assisted_firmware_needs_neither_a_seek_nor_a_rate_and_a_reset_keeps_that() {
    let mut rig = Rig::assisted(FloppyDriveKind::Inch5High, 720);
    for cylinder in [0, 7, 3] {
        let expected = numbered(u32::from(cylinder) * 18);
        assert_eq!(rig.run(&on(READ, [cylinder, 0, 1], 9), 512)[..3], [0, 0, 0]);
        assert_eq!(rig.data(), expected);
    }
    rig.reset_line();
    assert_eq!(rig.run(&on(READ, [5, 0, 1], 9), 512)[..3], [0, 0, 0]);
}

#[test]
fn assisted_firmware_begins_with_the_step_and_head_times_of_an_at_and_may_set_others() {
    let mut rig = Rig::assisted(FloppyDriveKind::Inch3High, 2880);
    assert_eq!(rig.command(&[0x0E])[4..6], [0xDF, 0x02]);
    rig.command(&[0x03, 0xAF, 0x04]);
    assert_eq!(rig.command(&[0x0E])[4..6], [0xAF, 0x04]);
}

#[test]
fn assisted_firmware_formats_the_cylinder_of_its_first_id() {
    let numbers: Vec<u8> = (1..=18).collect();
    let mut rig = Rig::assisted(FloppyDriveKind::Inch3High, 2880);
    rig.to_send = ids(40, 1, &numbers);
    let result = rig.run(&[FORMAT, 0x04, 2, 18, 0, 0xF6], 72);
    assert_eq!(result[..3], [0x04, 0, 0]);
    let medium = rig.media[0].as_ref().expect("a medium");
    let formatted: Vec<usize> = (0..2880)
        .filter(|&sector| medium.data[sector] == [0xF6; 512])
        .collect();
    assert_eq!(formatted, (40 * 36 + 18..40 * 36 + 36).collect::<Vec<_>>());
    // Another side of the same cylinder, and an ID of a cylinder that no drive has, which ends too.
    rig.to_send = ids(40, 0, &numbers);
    assert_eq!(rig.run(&[FORMAT, 0x00, 2, 18, 0, 0xF6], 72)[..3], [0, 0, 0]);
    rig.to_send = ids(200, 0, &numbers);
    assert_eq!(rig.run(&[FORMAT, 0x00, 2, 18, 0, 0xF6], 72)[..3], [0, 0, 0]);
}

#[test]
fn a_host_that_seeks_formats_where_the_head_is_whatever_the_ids_say() {
    let numbers: Vec<u8> = (1..=18).collect();
    let mut rig = Rig::assisted(FloppyDriveKind::Inch3High, 2880);
    rig.seek(3);
    rig.to_send = ids(40, 0, &numbers);
    assert_eq!(rig.run(&[FORMAT, 0x00, 2, 18, 0x6C, 0xF6], 72)[..3], [0, 0, 0]);
    let medium = rig.media[0].as_ref().expect("a medium");
    assert_eq!(medium.data[40 * 36], numbered(40 * 36));
}

#[test]
fn a_host_that_seeks_finds_no_sector_of_a_cylinder_where_the_head_is_not() {
    let mut rig = Rig::assisted(FloppyDriveKind::Inch3High, 2880);
    rig.seek(3);
    assert_eq!(rig.run(&on(READ, [5, 0, 1], 18), 512)[..3], [0x40, 0x04, 0x10]);
    rig.to_send = [0xAA; 512].into();
    assert_eq!(rig.run(&on(0x45, [5, 0, 1], 18), 512)[..3], [0x40, 0x04, 0x10]);
    assert_eq!(rig.command(&[0x0E])[0], 3, "the head has not moved");
    let medium = rig.media[0].as_ref().expect("a medium");
    assert_eq!(medium.data[5 * 36], numbered(5 * 36));
}

#[test]
fn a_host_that_sets_the_wrong_rate_is_not_helped() {
    let mut rig = Rig::assisted(FloppyDriveKind::Inch3High, 2880);
    rig.write(0x3F7, 2);
    assert_eq!(rig.run(&on(READ, [0, 0, 1], 18), 512)[..2], [0x40, 0x01]);
}

#[test]
fn the_end_of_a_seek_is_told_before_what_is_left_of_a_poll() {
    let mut rig = Rig::high_density();
    rig.write(0x3F2, 0x18);
    rig.write(0x3F2, 0x1C);
    rig.pass(Span::from_milliseconds(1));
    assert_eq!(rig.command(&[0x08]), [0xC0, 0]);
    rig.command(&[0x07, 0]);
    rig.pass(Span::from_milliseconds(1));
    assert_eq!(rig.command(&[0x08]), [0x20, 0]);
    assert!(!rig.bench.lines[6], "the line is free for the next command");
    assert_eq!(rig.command(&[0x08]), [0xC1, 0]);
}

#[test]
fn the_gate_bit_of_the_output_register_holds_interrupt_and_request_back() {
    let mut rig = Rig::high_density();
    rig.command(&on(READ, [0, 0, 5], 18));
    rig.write(0x3F2, 0x14);
    rig.pass(Span::from_seconds(1));
    assert!(!rig.bench.lines[6] && !rig.bench.requests[2]);
    rig.write(0x3F2, 0x1C);
    assert!(rig.bench.lines[6]);
}

#[test]
fn status_registers_a_and_b_drive_nothing_on_an_at() {
    let mut rig = Rig::high_density();
    assert_eq!([rig.read(0x3F0), rig.read(0x3F1)], [0xFF, 0xFF]);
}

#[test]
fn a_dma_verify_takes_the_bytes_without_moving_them() {
    let mut rig = Rig::high_density();
    rig.command(&on(READ, [0, 0, 5], 18));
    for unit in 0..512 {
        rig.pass_until(Span::from_seconds(1), |bench| bench.requests[2]);
        let Rig {
            floppy, bench, media, ..
        } = &mut rig;
        bench.call(|cx| floppy.dma_verify(unit == 511, media, cx));
    }
    rig.pass_until(Span::from_seconds(1), |bench| bench.lines[6]);
    assert_eq!(rig.result(), [0, 0, 0, 0, 0, 6, 2]);
}

/// Commands that begin well, so that random bytes get into all phases.
fn any_start() -> impl Strategy<Value = Vec<u8>> {
    prop_oneof![
        Just(on(READ, [0, 0, 1], 18).to_vec()),
        Just(on(READ | MULTITRACK | SKIP, [0, 0, 17], 18).to_vec()),
        Just(on(WRITE, [0, 0, 1], 18).to_vec()),
        Just(on(0x51, [0, 0, 1], 18).to_vec()),
        Just(on(0x56, [0, 0, 1], 18).to_vec()),
        Just(vec![FORMAT, 0, 2, 18, 0x6C, 0xF6]),
        Just(vec![0x0F, 0, 40]),
        Just(vec![0x13, 0, 0x48, 0]),
        proptest::collection::vec(any::<u8>(), 0..10),
    ]
}

proptest! {
    #[test]
    fn any_accesses_in_any_order_do_a_bounded_amount_of_work(
        history in proptest::collection::vec((any_start(), proptest::collection::vec(any_step(0x3F0, 0x3F7), 0..12)), 0..12),
    ) {
        let mut rig = Rig::high_density();
        for (start, steps) in history {
            for byte in start {
                rig.write(0x3F5, byte);
            }
            for step in steps {
                let Rig { floppy, bench, media, .. } = &mut rig;
                match step {
                    Step::Read(port) => { bench.call(|cx| floppy.read(port, media, cx)); }
                    Step::Write(port, value) => bench.call(|cx| floppy.write(port, value, media, cx)),
                    Step::Poke(0) => bench.call(|cx| floppy.reset(media, cx)),
                    Step::Poke(1) => bench.call(|cx| floppy.eject(0, media, cx)),
                    Step::Poke(2) => { let _ = bench.call(|cx| floppy.insert(0, media, cx)); }
                    Step::Poke(value) if value % 2 == 0 => {
                        bench.call(|cx| floppy.dma_read(value >= 250, media, cx));
                    }
                    Step::Poke(value) => bench.call(|cx| floppy.dma_write(value, value >= 250, media, cx)),
                    Step::Pass(span) => bench.pass(span, |cx| floppy.wake(media, cx)),
                    Step::Jump(span, is_woken) => bench.jump(span, is_woken, |cx| floppy.wake(media, cx)),
                }
                assert_eq!(rig.floppy.next_event() == Instant::NEVER, rig.bench.alarm == Instant::NEVER);
            }
        }
    }
}
