//! The clauses are those of ATA-1 (X3.221-1994); the times follow from the drive models.

mod errors;
mod firmware;

use clock::{Rate, Span};
use proptest::prelude::{Just, Strategy, any, prop_oneof, proptest};

use super::drive::{COMMAND_OVERHEAD, SPIN_UP};
use super::*;
use crate::bench::{Bench, Step, any_step};
use crate::medium::Sector;
use crate::medium::tests::{Ram, numbered};

const READ: u8 = 0x20;
const WRITE: u8 = 0x30;
const VERIFY: u8 = 0x40;
const READY: u8 = 0x50;
const ASKING: u8 = 0x58;
const FAILED: u8 = 0x51;
/// ERR with DRQ.
const FLAWED: u8 = 0x59;
/// The property tests use a smaller medium.
const FEW_SECTORS: u32 = 400;
/// Ten thousand sectors are nine cylinders of 16 heads and 63 sectors, and a bit.
const SECTORS: u32 = 10_000;

struct Rig {
    ata: AtaController,
    bench: Bench,
    media: [Option<Ram>; 2],
}

fn settings(model: &str, sectors: u32) -> AtaDriveSettings {
    AtaDriveSettings {
        model: *DriveModel::find(model).expect("a model of the table"),
        sectors,
        geometry: Geometry::of(sectors),
        serial_number: "12345".to_owned(),
    }
}

impl Rig {
    fn of(model: &str, sectors: u32) -> Self {
        Self {
            ata: AtaController::new(AtaChannel::Primary, [Some(settings(model, sectors)), None]),
            bench: Bench::new(),
            media: [Some(Ram::numbered(sectors)), None],
        }
    }

    fn with(model: &str) -> Self {
        Self::of(model, SECTORS)
    }

    fn new() -> Self {
        Self::with("generic-1992")
    }

    fn read(&mut self, port: u16) -> u8 {
        let Self { ata, bench, media } = self;
        bench.call(|cx| ata.read(port, media, cx))
    }

    fn write(&mut self, port: u16, value: u8) {
        let Self { ata, bench, media } = self;
        bench.call(|cx| ata.write(port, value, media, cx));
    }

    fn pass(&mut self, span: Span) {
        let Self { ata, bench, media } = self;
        bench.pass(span, |cx| ata.wake(media, cx));
    }

    /// Lets time pass until the drive interrupts, and gives its status, which ends the interrupt.
    fn interrupt(&mut self) -> u8 {
        for _ in 0..1000 {
            if self.bench.lines[14] {
                return self.read(0x1F7);
            }
            assert_ne!(self.bench.alarm, Instant::NEVER, "an interrupt comes");
            self.pass(self.bench.alarm.since(self.bench.now));
        }
        panic!("no interrupt comes");
    }

    fn block(&mut self, bytes: usize) -> Vec<u8> {
        let Self { ata, bench, media } = self;
        (0..bytes / 2)
            .flat_map(|_| bench.call(|cx| ata.read_data(media, cx)).to_le_bytes())
            .collect()
    }

    fn send(&mut self, data: &[u8]) {
        let Self { ata, bench, media } = self;
        for word in data.chunks_exact(2) {
            let word = u16::from_le_bytes([word[0], word[1]]);
            bench.call(|cx| ata.write_data(word, media, cx));
        }
    }

    /// A command for `count` sectors from `sector` on, by LBA.
    fn lba(&mut self, command: u8, sector: u32, count: u8) {
        let [low, middle, high, top] = sector.to_le_bytes();
        for (port, value) in [
            (0x1F2, count),
            (0x1F3, low),
            (0x1F4, middle),
            (0x1F5, high),
            (0x1F6, 0xE0 | top),
            (0x1F7, command),
        ] {
            self.write(port, value);
        }
    }

    fn chs(&mut self, command: u8, [cylinder, head, sector]: [u16; 3], count: u8) {
        let [low, high] = cylinder.to_le_bytes();
        for (port, value) in [
            (0x1F2, count),
            (0x1F3, sector as u8),
            (0x1F4, low),
            (0x1F5, high),
            (0x1F6, 0xA0 | head as u8),
            (0x1F7, command),
        ] {
            self.write(port, value);
        }
    }

    /// Reads a sector and gives the time that the command took until its interrupt.
    fn timed_read(&mut self, sector: u32) -> Span {
        let start = self.bench.now;
        self.lba(READ, sector, 1);
        assert_eq!(self.interrupt(), ASKING);
        let time = self.bench.now.since(start);
        assert_eq!(self.block(512), numbered(sector));
        time
    }

    fn ram(&self) -> &[Sector] {
        &self.media[0].as_ref().expect("a medium").data
    }

    fn address(&mut self) -> [u8; 5] {
        [0x1F2, 0x1F3, 0x1F4, 0x1F5, 0x1F6].map(|port| self.read(port))
    }
}

fn words(data: &[u8]) -> Vec<u16> {
    data.chunks_exact(2)
        .map(|word| u16::from_le_bytes([word[0], word[1]]))
        .collect()
}

#[test]
fn a_drive_is_ready_with_the_diagnostic_code_and_the_signature() {
    let mut rig = Rig::new();
    assert_eq!(
        [rig.read(0x1F7), rig.read(0x3F6), rig.read(0x1F1)],
        [READY, READY, 0x01]
    );
    assert_eq!(rig.address(), [1, 1, 0, 0, 0xA0]);
}

/// Clause 9.9, IDENTIFY DRIVE.
#[test]
fn identify_gives_geometry_capacity_and_names() {
    let mut rig = Rig::new();
    rig.write(0x1F7, 0xEC);
    assert_eq!(rig.interrupt(), ASKING);
    let data = rig.block(512);
    let words = words(&data);
    assert_eq!([words[1], words[3], words[6]], [9, 16, 63]);
    assert_eq!([words[54], words[55], words[56]], [9, 16, 63]);
    assert_eq!([words[57], words[58]], [9 * 16 * 63, 0]);
    assert_eq!([words[60], words[61]], [10_000, 0]);
    assert_eq!([words[21], words[47], words[49]], [128, 8, 0x0200]);
    let text = |range: core::ops::Range<usize>| -> String {
        words[range]
            .iter()
            .flat_map(|word| word.to_be_bytes())
            .map(char::from)
            .collect()
    };
    assert_eq!(text(10..20), "               12345");
    assert_eq!(text(27..47).trim_end(), "GENERIC 1992");
    assert_eq!(rig.read(0x1F7), READY);
}

#[test]
fn each_sector_of_a_read_interrupts_and_shows_what_is_left() {
    let mut rig = Rig::new();
    rig.lba(READ, 1000, 3);
    assert_eq!(rig.read(0x1F7), 0x80);
    for n in 0..3 {
        assert_eq!(rig.interrupt(), ASKING);
        assert_eq!(rig.block(512), numbered(1000 + n));
    }
    assert_eq!(rig.read(0x1F7), READY);
    assert!(!rig.bench.lines[14]);
    assert_eq!(rig.address(), [0, 0xEA, 0x03, 0, 0xE0]);
}

#[test]
fn a_count_of_0_is_256_sectors() {
    let mut rig = Rig::new();
    rig.lba(READ, 0, 0);
    for n in 0..256 {
        assert_eq!(rig.interrupt(), ASKING);
        assert_eq!(rig.block(512), numbered(n));
    }
    assert_eq!(rig.read(0x1F7), READY);
}

/// Clause 9.12 and 9.20: READ MULTIPLE and SET MULTIPLE.
#[test]
fn read_multiple_interrupts_once_a_block_and_the_last_block_is_what_is_left() {
    let mut rig = Rig::new();
    rig.lba(0xC4, 0, 10);
    assert_eq!((rig.interrupt(), rig.read(0x1F1)), (FAILED, 0x04));
    rig.lba(0xC6, 0, 4);
    assert_eq!(rig.interrupt(), READY);
    rig.lba(0xC4, 0, 10);
    for (first, sectors) in [(0, 4), (4, 4), (8, 2)] {
        assert_eq!(rig.interrupt(), ASKING);
        let expected: Vec<u8> = (first..first + sectors).flat_map(numbered).collect();
        assert_eq!(rig.block(expected.len()), expected);
    }
    assert_eq!(rig.read(0x1F7), READY);
}

#[test]
fn set_multiple_takes_powers_of_two_up_to_the_largest_block() {
    let mut rig = Rig::new();
    for (count, status) in [(3, FAILED), (16, FAILED), (8, READY), (0, READY)] {
        rig.lba(0xC6, 0, count);
        assert_eq!(rig.interrupt(), status, "{count} sectors");
    }
}

#[test]
fn cylinder_head_and_sector_are_translated_and_initialize_parameters_changes_that() {
    let mut rig = Rig::new();
    rig.chs(READ, [2, 3, 4], 1);
    rig.interrupt();
    assert_eq!(rig.block(512), numbered((2 * 16 + 3) * 63 + 3));
    rig.chs(0x91, [0, 3, 0], 17);
    assert_eq!(rig.interrupt(), READY);
    rig.chs(READ, [2, 3, 4], 1);
    rig.interrupt();
    assert_eq!(rig.block(512), numbered((2 * 4 + 3) * 17 + 3));
    rig.chs(READ, [10_000 / 68, 0, 1], 1);
    assert_eq!((rig.interrupt(), rig.read(0x1F1)), (FAILED, 0x10));
}

#[test]
fn the_address_registers_count_over_heads_and_cylinders() {
    let mut rig = Rig::new();
    rig.chs(READ, [0, 15, 63], 2);
    for _ in 0..2 {
        rig.interrupt();
        rig.block(512);
    }
    assert_eq!(rig.address(), [0, 1, 1, 0, 0xA0]);
}

#[test]
fn commands_that_the_drive_does_not_have_are_aborted() {
    for command in [0x00, 0x01, 0x22, 0x32, 0x50, 0x80, 0xC8, 0xCA, 0xFF] {
        let mut rig = Rig::new();
        rig.write(0x1F7, command);
        assert_eq!(
            (rig.interrupt(), rig.read(0x1F1)),
            (FAILED, 0x04),
            "command {command:02x}"
        );
    }
}

/// Clause 10.3, PIO data out.
#[test]
fn a_write_asks_for_the_first_sector_without_an_interrupt_and_for_the_others_with_one() {
    let mut rig = Rig::new();
    rig.lba(WRITE, 500, 2);
    assert!(!rig.bench.lines[14]);
    assert_eq!(rig.read(0x3F6), ASKING);
    rig.send(&[1; 512]);
    assert_eq!(rig.read(0x3F6), 0x80);
    assert_eq!(rig.interrupt(), ASKING);
    rig.send(&[2; 512]);
    assert_eq!(rig.interrupt(), READY);
    assert_eq!(rig.ram()[500..502], [[1; 512], [2; 512]]);
    assert_eq!(rig.ram()[502], numbered(502));
}

#[test]
fn a_write_is_complete_when_its_sector_has_passed_under_the_head() {
    let mut rig = Rig::new();
    rig.lba(WRITE, 7, 1);
    rig.send(&[1; 512]);
    let end = rig.bench.alarm;
    rig.pass(end.since(rig.bench.now).saturating_sub(Span::from_picoseconds(1)));
    assert_eq!(rig.ram()[7], numbered(7));
    assert!(rig.ata.is_writing(rig.bench.now));
    assert!(!rig.bench.lines[14]);
    rig.pass(Span::from_picoseconds(1));
    assert_eq!(rig.ram()[7], [1; 512]);
    assert_eq!(rig.interrupt(), READY);
    // 3600 rpm and 45 sectors a track: 2700 sectors a second.
    let passages = Rate::hertz(2700);
    assert_eq!(passages.instant(passages.ticks_at(end)), end);
}

#[test]
fn sectors_of_one_write_command_follow_each_other_on_the_track() {
    let mut rig = Rig::new();
    rig.lba(WRITE, 0, 40);
    for n in 0..40 {
        if n > 0 {
            assert_eq!(rig.interrupt(), ASKING);
        }
        rig.send(&[n; 512]);
    }
    let start = rig.bench.now;
    assert_eq!(rig.interrupt(), READY);
    let turn = Span::from_picoseconds(16_666_666_667);
    assert!(rig.bench.now.since(start) < turn * 3);
    assert!((0..40).all(|n| rig.ram()[n] == [n as u8; 512]));
}

#[test]
fn the_seek_time_is_the_models_for_one_cylinder_and_for_all_and_grows_between() {
    for model in &DRIVE_MODELS {
        assert_eq!(model.seek_time(0, 1000), Span::ZERO);
        assert_eq!(model.seek_time(1, 1000), model.track_to_track);
        assert_eq!(model.seek_time(999, 1000), model.full_stroke);
        let times: Vec<_> = (0..1000)
            .map(|distance| model.seek_time(distance, 1000))
            .collect();
        assert!(times.is_sorted(), "{}", model.name);
    }
}

#[test]
fn a_seek_command_takes_the_seek_time_and_the_arm_stays_there() {
    let mut rig = Rig::new();
    let model = *DriveModel::find("generic-1992").expect("a model of the table");
    // 45 sectors on each of 2 heads: sector 9000 is on cylinder 100 of 112.
    for (sector, distance) in [(9000, 100), (9001, 0), (0, 100), (90, 1)] {
        let start = rig.bench.now;
        rig.lba(0x70, sector, 1);
        assert_eq!(rig.interrupt(), READY);
        let expected = COMMAND_OVERHEAD + model.seek_time(distance, 112);
        assert_eq!(rig.bench.now.since(start), expected);
    }
    let start = rig.bench.now;
    rig.write(0x1F7, 0x10);
    rig.interrupt();
    assert_eq!(
        rig.bench.now.since(start),
        COMMAND_OVERHEAD + model.track_to_track
    );
}

/// IBM's manuals of drives, SEEK: the sector number register is a parameter with LBA only.
#[test]
fn a_seek_by_cylinder_and_head_needs_no_sector_number() {
    for number in [0, 1, 63, 64, 255] {
        let mut rig = Rig::new();
        let model = *DriveModel::find("generic-1992").expect("a model of the table");
        // The first sector of head 8 on cylinder 8 is number 8568: cylinder 95 of those that the drive has.
        let start = rig.bench.now;
        rig.chs(0x70, [8, 8, number], 1);
        assert_eq!(rig.interrupt(), READY, "sector number {number}");
        let expected = COMMAND_OVERHEAD + model.seek_time(95, 112);
        assert_eq!(rig.bench.now.since(start), expected, "sector number {number}");
    }
}

#[test]
fn a_seek_to_a_cylinder_or_head_that_the_drive_does_not_have_is_not_found() {
    let mut rig = Rig::new();
    for (heads, place) in [(16, [9, 0, 1]), (16, [0xFFFF, 15, 0]), (4, [0, 4, 1])] {
        rig.chs(0x91, [0, heads - 1, 0], 63);
        rig.interrupt();
        rig.chs(0x70, place, 1);
        assert_eq!((rig.interrupt(), rig.read(0x1F1)), (FAILED, 0x10), "{place:?}");
    }
    rig.lba(0x7F, SECTORS, 1);
    assert_eq!((rig.interrupt(), rig.read(0x1F1)), (FAILED, 0x10));
    // With LBA the number register is the lowest byte of an address, and may be 0.
    rig.lba(0x7F, 0x2700, 1);
    assert_eq!(rig.interrupt(), READY);
}

#[test]
fn a_sector_passes_once_a_turn() {
    let mut rig = Rig::new();
    rig.write(0x1F1, 0x55);
    rig.write(0x1F7, 0xEF);
    rig.interrupt();
    rig.timed_read(20);
    let first = rig.bench.now;
    rig.timed_read(20);
    let turn = rig.bench.now.since(first);
    assert!(turn.picoseconds().abs_diff(16_666_666_667) <= 1, "{turn}");
}

#[test]
fn a_track_is_read_at_the_media_rate_and_the_skew_saves_the_next_one() {
    let mut rig = Rig::new();
    rig.lba(READ, 0, 90);
    let mut arrivals = Vec::new();
    for _ in 0..90 {
        rig.interrupt();
        arrivals.push(rig.bench.now);
        rig.block(512);
    }
    let passages = Rate::hertz(2700);
    let slots: Vec<_> = arrivals.iter().map(|&at| passages.ticks_at(at)).collect();
    for n in 1..90 {
        // 6 ms of switching are 17 sectors.
        let expected = if n == 45 { 18 } else { 1 };
        assert_eq!(slots[n] - slots[n - 1], expected, "sector {n}");
    }
}

#[test]
fn what_was_read_ahead_is_there_at_once() {
    let mut rig = Rig::new();
    rig.timed_read(10);
    rig.pass(Span::from_milliseconds(100));
    for sector in 11..100 {
        assert_eq!(rig.timed_read(sector), COMMAND_OVERHEAD);
    }
    assert!(rig.timed_read(5) > COMMAND_OVERHEAD);
}

#[test]
fn without_look_ahead_the_next_sector_has_passed_when_it_is_asked_for() {
    let mut rig = Rig::new();
    rig.write(0x1F1, 0x55);
    rig.write(0x1F7, 0xEF);
    assert_eq!(rig.interrupt(), READY);
    rig.timed_read(10);
    let time = rig.timed_read(11);
    assert!(
        time > Span::from_milliseconds(16) && time < Span::from_milliseconds(18),
        "{time}"
    );
}

#[test]
fn a_full_buffer_stops_the_reading_ahead_until_the_host_takes_sectors() {
    // 16 sectors of buffer, 28 sectors a track.
    let mut rig = Rig::with("cp3000");
    rig.timed_read(0);
    rig.pass(Span::from_milliseconds(100));
    let times: Vec<_> = (1..20).map(|sector| rig.timed_read(sector)).collect();
    assert!(times[..16].iter().all(|&time| time == COMMAND_OVERHEAD));
    assert!(times[16] > COMMAND_OVERHEAD);
}

#[test]
fn verify_passes_over_the_sectors_without_moving_data() {
    let mut rig = Rig::new();
    let start = rig.bench.now;
    rig.lba(VERIFY, 0, 45);
    assert_eq!(rig.interrupt(), READY);
    let time = rig.bench.now.since(start);
    let turn = Span::from_picoseconds(16_666_666_667);
    assert!(time >= turn && time <= turn * 2);
    assert_eq!(rig.address(), [0, 44, 0, 0, 0xE0]);
}

#[test]
fn a_power_cut_leaves_the_sector_under_the_head_old_new_or_unreadable() {
    for (torn, expected) in [
        (TornSector::Old, Some(numbered(501))),
        (TornSector::New, Some([2; 512])),
        (TornSector::Unreadable, None),
    ] {
        let mut rig = Rig::new();
        rig.lba(WRITE, 500, 3);
        for n in 1..=3 {
            if n > 1 {
                assert_eq!(rig.interrupt(), ASKING);
            }
            rig.send(&[n; 512]);
        }
        rig.pass(rig.bench.alarm.since(rig.bench.now) + Span::from_microseconds(100));
        assert!(rig.ata.is_writing(rig.bench.now));
        let under_the_head = rig.ata.next_write().expect("a sector under the head");
        assert_eq!((under_the_head.drive, under_the_head.sector), (0, 501));
        assert!((under_the_head.begin..under_the_head.end).contains(&rig.bench.now));
        let Rig { ata, bench, media } = &mut rig;
        bench.call(|cx| ata.power_cut(torn, media, cx));
        bench.pass(Span::from_seconds(1), |cx| ata.wake(media, cx));
        bench.call(|cx| ata.power_on(media, cx));
        rig.pass(SPIN_UP);
        assert_eq!(rig.ram()[500], [1; 512]);
        assert_eq!(rig.ram()[502], numbered(502));
        rig.lba(READ, 501, 1);
        match expected {
            Some(data) => {
                assert_eq!(rig.interrupt(), ASKING);
                assert_eq!(rig.block(512), data);
            }
            None => assert_eq!((rig.interrupt(), rig.read(0x1F1)), (FLAWED, 0x40)),
        }
    }
}

#[test]
fn the_drive_is_busy_after_power_on_until_it_is_at_speed() {
    let mut rig = Rig::new();
    let Rig { ata, bench, media } = &mut rig;
    bench.call(|cx| ata.power_cut(TornSector::Old, media, cx));
    bench.call(|cx| ata.power_on(media, cx));
    rig.pass(SPIN_UP.saturating_sub(Span::from_picoseconds(1)));
    assert_eq!(rig.read(0x1F7), 0x80);
    rig.pass(Span::from_picoseconds(1));
    assert_eq!(rig.read(0x1F7), READY);
}

#[test]
fn reading_the_status_ends_the_interrupt_and_the_alternate_status_does_not() {
    let mut rig = Rig::new();
    rig.write(0x1F7, 0xEC);
    rig.pass(Span::from_milliseconds(1));
    assert_eq!(rig.read(0x3F6), ASKING);
    assert!(rig.bench.lines[14]);
    assert_eq!(rig.read(0x1F7), ASKING);
    assert!(!rig.bench.lines[14]);
}

#[test]
fn nien_holds_the_interrupt_back() {
    let mut rig = Rig::new();
    rig.write(0x3F6, 0x02);
    rig.write(0x1F7, 0xEC);
    rig.pass(Span::from_milliseconds(1));
    assert!(!rig.bench.lines[14]);
    rig.write(0x3F6, 0x00);
    assert!(rig.bench.lines[14]);
}

#[test]
fn a_soft_reset_keeps_the_drive_busy_while_it_is_set_and_leaves_the_signature() {
    let mut rig = Rig::new();
    rig.chs(0x91, [0, 3, 0], 17);
    rig.interrupt();
    rig.lba(READ, 1000, 3);
    rig.write(0x3F6, 0x04);
    rig.pass(Span::from_seconds(1));
    assert_eq!(rig.read(0x1F7), 0x80);
    rig.write(0x3F6, 0x00);
    assert_eq!(rig.read(0x1F7), 0x80);
    rig.pass(COMMAND_OVERHEAD);
    assert_eq!([rig.read(0x1F7), rig.read(0x1F1)], [READY, 0x01]);
    assert_eq!(rig.address(), [1, 1, 0, 0, 0xA0]);
    assert!(!rig.bench.lines[14]);
    rig.chs(READ, [0, 1, 1], 1);
    rig.interrupt();
    assert_eq!(rig.block(512), numbered(17), "the translation stays");
}

#[test]
fn drive_0_answers_for_a_drive_1_that_is_not_there_with_a_status_of_0() {
    let mut rig = Rig::new();
    rig.write(0x1F6, 0xB0);
    assert_eq!([rig.read(0x1F7), rig.read(0x3F6)], [0, 0]);
    rig.write(0x1F2, 0x55);
    rig.write(0x1F7, 0xEC);
    rig.pass(Span::from_seconds(1));
    assert_eq!([rig.read(0x1F7), rig.read(0x1F2)], [0, 0x55]);
    assert!(!rig.bench.lines[14]);
}

#[test]
fn a_channel_without_drives_drives_nothing() {
    let mut rig = Rig::new();
    rig.ata = AtaController::new(AtaChannel::Primary, [None, None]);
    for port in (0x1F0..0x1F8).chain([0x3F6, 0x3F7]) {
        assert_eq!(rig.read(port), 0xFF);
    }
}

#[test]
fn two_drives_keep_apart_and_the_diagnostic_is_done_by_both() {
    let mut rig = Rig::new();
    let drives = [Some(settings("cp3044", SECTORS)), Some(settings("ac2120", 2000))];
    rig.ata = AtaController::new(AtaChannel::Primary, drives);
    rig.media[1] = Some(Ram::numbered(2000));
    rig.write(0x1F6, 0xF0);
    for (port, value) in [(0x1F2, 1), (0x1F3, 5), (0x1F4, 0), (0x1F5, 0), (0x1F7, WRITE)] {
        rig.write(port, value);
    }
    rig.send(&[3; 512]);
    assert_eq!(rig.interrupt(), READY);
    assert_eq!(rig.media[1].as_ref().expect("a medium").data[5], [3; 512]);
    assert_eq!(rig.ram()[5], numbered(5));
    rig.write(0x1F7, 0x90);
    assert_eq!(rig.interrupt(), READY);
    assert_eq!(rig.read(0x1F1), 0x01);
    assert_eq!(rig.address(), [1, 1, 0, 0, 0xA0]);
}

#[test]
fn the_second_channel_has_its_own_ports_and_line() {
    let mut rig = Rig::new();
    rig.ata = AtaController::new(AtaChannel::Secondary, [Some(settings("cp3044", SECTORS)), None]);
    assert_eq!(
        [rig.read(0x1F7), rig.read(0x177), rig.read(0x376)],
        [0xFF, READY, READY]
    );
    rig.write(0x177, 0xEC);
    rig.pass(Span::from_milliseconds(1));
    assert!(rig.bench.lines[15]);
}

#[test]
fn the_sector_buffer_reads_back_what_was_written() {
    let mut rig = Rig::new();
    rig.write(0x1F7, 0xE8);
    assert_eq!(rig.read(0x3F6), ASKING);
    rig.send(&numbered(3));
    assert_eq!(rig.interrupt(), READY);
    rig.write(0x1F7, 0xE4);
    assert_eq!(rig.interrupt(), ASKING);
    assert_eq!(rig.block(512), numbered(3));
}

#[test]
fn set_features_refuses_a_write_cache() {
    let mut rig = Rig::new();
    for (feature, status) in [
        (0x02, FAILED),
        (0x82, READY),
        (0x55, READY),
        (0xAA, READY),
        (0x99, FAILED),
    ] {
        rig.write(0x1F1, feature);
        rig.write(0x1F7, 0xEF);
        assert_eq!(rig.interrupt(), status, "feature {feature:02x}");
    }
}

#[test]
fn a_drive_in_standby_spins_up_for_the_next_access() {
    let mut rig = Rig::new();
    for (command, mode) in [(0xE0, 0x00), (0xE1, 0xFF), (0x94, 0x00)] {
        rig.write(0x1F7, command);
        assert_eq!(rig.interrupt(), READY);
        rig.write(0x1F7, 0xE5);
        rig.interrupt();
        assert_eq!(rig.read(0x1F2), mode);
    }
    let time = rig.timed_read(0);
    assert!(time >= SPIN_UP && time < SPIN_UP + Span::from_milliseconds(60));
}

#[test]
fn the_standby_timer_counts_in_5_seconds() {
    let mut rig = Rig::new();
    rig.write(0x1F2, 2);
    rig.write(0x1F7, 0xE3);
    rig.interrupt();
    for (seconds, mode) in [(9, 0xFF), (11, 0x00)] {
        rig.pass(Span::from_seconds(seconds));
        rig.write(0x1F7, 0xE5);
        rig.interrupt();
        assert_eq!(rig.read(0x1F2), mode);
    }
}

#[test]
fn a_sleeping_drive_wakes_only_with_a_reset() {
    let mut rig = Rig::new();
    rig.write(0x1F7, 0xE6);
    rig.interrupt();
    rig.write(0x1F7, 0xEC);
    assert_eq!(rig.bench.alarm, Instant::NEVER);
    rig.write(0x3F6, 0x04);
    rig.write(0x3F6, 0x00);
    rig.pass(Span::from_milliseconds(1));
    rig.write(0x1F7, 0xEC);
    assert_eq!(rig.interrupt(), ASKING);
}

#[test]
fn a_medium_that_cannot_be_written_is_a_write_fault() {
    let mut rig = Rig::new();
    rig.media[0].as_mut().expect("a medium").is_write_protected = true;
    rig.lba(WRITE, 5, 1);
    assert_eq!((rig.interrupt(), rig.read(0x1F1)), (FAILED | 0x20, 0x04));
}

#[test]
fn a_byte_access_to_the_data_port_moves_the_low_half_of_a_word() {
    let mut rig = Rig::new();
    rig.lba(READ, 1, 1);
    rig.interrupt();
    assert_eq!(rig.read(0x1F0), numbered(1)[0]);
    assert_eq!(rig.read(0x1F0), numbered(1)[2]);
}

#[test]
fn a_busy_drive_takes_no_registers_and_no_command() {
    let mut rig = Rig::new();
    rig.lba(READ, 1, 1);
    rig.write(0x1F2, 0x55);
    rig.write(0x1F7, 0xEC);
    assert_eq!(rig.read(0x1F2), 0x80);
    assert_eq!(rig.interrupt(), ASKING);
    assert_eq!(rig.block(512), numbered(1));
}

#[test]
fn the_drive_address_register_is_active_low_and_leaves_bit_7_alone() {
    let mut rig = Rig::new();
    rig.write(0x1F6, 0xA5);
    assert_eq!(rig.read(0x3F7), !(0x05 << 2 | 0x01));
    rig.write(0x1F6, 0xB0);
    assert_eq!(rig.read(0x3F7), 0xFF);
}

/// 86Box, `src/disk/hdd.c`; the generic drive of 1993 is not in all of its versions.
#[test]
fn the_names_of_drives_stand_for_the_figures_of_the_presets() {
    // Sectors a track, turns a minute, full stroke and track to track in microseconds.
    for (name, identity, figures) in [
        ("generic-1989", "GENERIC 1989", [35, 3500, 40_000, 8_000]),
        ("generic-1992", "GENERIC 1992", [45, 3600, 30_000, 6_000]),
        ("generic-1993", "GENERIC 1993", [45, 4000, 30_000, 5_500]),
        ("st1102a", "ST1102A", [70, 3528, 33_000, 2_600]),
        ("st1144a", "ST1144A", [70, 3528, 33_000, 2_600]),
    ] {
        let model = DriveModel::find(name).expect(name);
        let [sectors, rpm, full_stroke, track_to_track] = figures;
        assert_eq!(model.identity, identity);
        assert_eq!(
            [u64::from(model.sectors_per_track), u64::from(model.rpm)],
            [sectors, rpm]
        );
        assert_eq!(
            [model.full_stroke, model.track_to_track],
            [full_stroke, track_to_track].map(Span::from_microseconds)
        );
    }
}

fn any_start() -> impl Strategy<Value = (u8, u32, u8)> {
    let command = prop_oneof![
        4 => proptest::sample::select(&[READ, WRITE, VERIFY, 0x70, 0x10, 0xC4, 0xC5, 0xEC, 0xE8, 0xC6, 0xE0, 0xE6][..]),
        1 => any::<u8>(),
    ];
    let sector = prop_oneof![0..FEW_SECTORS, FEW_SECTORS - 4..FEW_SECTORS + 4, any::<u32>()];
    (command, sector, prop_oneof![1..9u8, any::<u8>()])
}

proptest! {
    #[test]
    fn any_accesses_in_any_order_do_a_bounded_amount_of_work(
        history in proptest::collection::vec((any_start(), 0..600usize, proptest::collection::vec(any_step(0x1F0, 0x1F8), 0..8)), 0..12),
        assists in any::<bool>(),
    ) {
        let mut rig = Rig::of("cp3000", FEW_SECTORS);
        if assists {
            rig.ata = rig.ata.assist_firmware();
            rig.write(0x3F6, 0x02);
        }
        for ((command, sector, count), words, steps) in history {
            rig.lba(command, sector, count);
            rig.block(2 * words);
            rig.send(&vec![0x5A; 2 * words]);
            for step in steps {
                let Rig { ata, bench, media } = &mut rig;
                let port = |port: u16| if port == 0x1F8 { 0x3F6 } else { port };
                match step {
                    Step::Read(at) => { bench.call(|cx| ata.read(port(at), media, cx)); }
                    Step::Write(at, value) => bench.call(|cx| ata.write(port(at), value, media, cx)),
                    Step::Poke(0..10) => bench.call(|cx| ata.reset(media, cx)),
                    Step::Poke(10..20) => bench.call(|cx| ata.power_cut(TornSector::Unreadable, media, cx)),
                    Step::Poke(20..60) => bench.call(|cx| ata.power_on(media, cx)),
                    Step::Poke(_) => { bench.call(|cx| ata.read_data(media, cx)); }
                    Step::Pass(span) => bench.pass(span, |cx| ata.wake(media, cx)),
                    Step::Jump(span, is_woken) => bench.jump(span, is_woken, |cx| ata.wake(media, cx)),
                }
            }
        }
    }

    /// Whenever the power fails, every sector is old or new, in the order of writing, but for one that is torn.
    #[test]
    fn a_power_cut_at_any_instant_tears_at_most_the_sector_that_is_being_written(
        first in 0..FEW_SECTORS - 8,
        microseconds in 0..80_000u64,
        torn in prop_oneof![Just(TornSector::Old), Just(TornSector::New), Just(TornSector::Unreadable)],
        assists in any::<bool>(),
    ) {
        let mut rig = Rig::of("generic-1992", FEW_SECTORS);
        if assists {
            rig.ata = rig.ata.assist_firmware();
            rig.write(0x3F6, 0x02);
        }
        let cut_at = rig.bench.now + Span::from_microseconds(microseconds);
        rig.lba(WRITE, first, 8);
        let mut sent = 0;
        while rig.bench.now < cut_at && sent < 8 {
            if rig.read(0x3F6) == ASKING {
                rig.send(&[0xEE; 512]);
                sent += 1;
            } else {
                let step = rig.bench.alarm.min(cut_at);
                rig.pass(step.since(rig.bench.now));
            }
        }
        rig.pass(cut_at.since(rig.bench.now));
        let was_writing = rig.ata.is_writing(rig.bench.now);
        let before = rig.ram().to_vec();
        let Rig { ata, bench, media } = &mut rig;
        bench.call(|cx| ata.power_cut(torn, media, cx));
        bench.pass(Span::from_seconds(1), |cx| ata.wake(media, cx));
        let changed = (0..FEW_SECTORS as usize).filter(|&n| rig.ram()[n] != before[n]).count();
        assert!(changed <= usize::from(was_writing && torn == TornSector::New));
        let new = |n: u32| rig.ram()[n as usize] == [0xEE; 512];
        let written = (first..first + 8).take_while(|&n| new(n)).count() as u32;
        for n in 0..FEW_SECTORS {
            let is_new = (first..first + written).contains(&n);
            assert_eq!(rig.ram()[n as usize], if is_new { [0xEE; 512] } else { numbered(n) });
        }
    }
}
