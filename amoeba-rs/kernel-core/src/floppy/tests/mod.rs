//! The driver on amlab's models of the chips.

pub(crate) mod model;
mod properties;

use super::{Controller, Direction, Failure, Kind, RequestId, Wanted};
use clock::{Instant, Span};
use devices::FloppyDriveKind;
use model::{Floppy, Model, Shared};
use proto::disk::SECTOR;
use std::vec;
use std::vec::Vec;

const TICK: Span = Span::from_milliseconds(10);
const HIGH: (FloppyDriveKind, Kind) = (FloppyDriveKind::Inch3High, Kind::Inch3High);

/// The controller and its driver.
struct Bench {
    shared: Shared,
    controller: Controller<Shared>,
    next_tick: Instant,
}

impl Bench {
    /// The driver has just been started.
    fn start(drives: [Option<(FloppyDriveKind, Kind)>; 2], disks: [Option<Floppy>; 2]) -> Bench {
        let shared = Shared::new(drives.map(|drive| drive.map(|(kind, _)| kind)));
        for (drive, disk) in disks.into_iter().enumerate() {
            if let Some(disk) = disk {
                shared.0.borrow_mut().insert(drive, disk);
            }
        }
        let kinds = drives.map(|drive| drive.map(|(_, kind)| kind));
        Bench {
            controller: Controller::start(shared.clone(), kinds, 0),
            shared,
            next_tick: Instant::START + TICK,
        }
    }

    /// It is known which disks there are.
    fn new(drives: [Option<(FloppyDriveKind, Kind)>; 2], disks: [Option<Floppy>; 2]) -> Bench {
        let mut bench = Bench::start(drives, disks);
        bench.run(Controller::is_ready);
        bench
    }

    /// A drive for 1.44 MB, and what is in it.
    fn one(disk: Option<Floppy>) -> Bench {
        Bench::new([Some(HIGH), None], [disk, None])
    }

    /// Milliseconds, as the kernel's clock shows them.
    fn now(&self) -> u64 {
        self.next_tick.nanoseconds() / 1_000_000 - 10
    }

    fn run(&mut self, is_over: impl Fn(&Controller<Shared>) -> bool) {
        for _ in 0..100_000 {
            if is_over(&self.controller) {
                return;
            }
            self.pass();
        }
        panic!("it takes too long");
    }

    /// Lets the time pass to the next interrupt or tick.
    fn pass(&mut self) {
        let has_risen = {
            let mut model = self.shared.0.borrow_mut();
            model.pass(self.next_tick);
            while model.now >= self.next_tick {
                self.next_tick += TICK;
            }
            model.has_risen()
        };
        let now = self.now();
        if has_risen || now >= self.controller.due() {
            self.controller.work(now);
        }
    }

    fn sleep(&mut self, milliseconds: u64) {
        let end = self.now() + milliseconds;
        while self.now() < end {
            self.pass();
        }
    }

    fn finish(&mut self, wanted: RequestId) -> Result<Vec<u8>, Failure> {
        let now = self.now();
        self.controller.work(now);
        for _ in 0..100_000 {
            if let Some((id, result)) = self.controller.next_done() {
                assert_eq!(id, wanted);
                return result;
            }
            self.pass();
        }
        panic!("it takes too long");
    }

    fn read(&mut self, drive: usize, sector: u32, count: u32) -> Result<Vec<u8>, Failure> {
        let id = self.controller.read(drive, sector, count, Wanted::Any)?;
        self.finish(id)
    }

    fn write(&mut self, drive: usize, sector: u32, data: &[u8]) -> Result<(), Failure> {
        let id = self.controller.write(drive, sector, data.to_vec(), Wanted::Any)?;
        self.finish(id).map(drop)
    }

    fn look(&mut self, drive: usize) -> Result<u32, Failure> {
        let id = self.controller.look(drive)?;
        self.finish(id)?;
        Ok(self.controller.disk(drive).expect("a disk").sectors())
    }

    fn format(&mut self, drive: usize) -> Result<(), Failure> {
        let id = self.controller.format(drive)?;
        self.finish(id).map(drop)
    }

    fn with<R>(&self, change: impl FnOnce(&mut Model) -> R) -> R {
        change(&mut self.shared.0.borrow_mut())
    }

    fn on_disk(&self, drive: usize, sector: u32, count: u32) -> Vec<u8> {
        self.with(|model| {
            let disk = model.media[drive].as_ref().expect("a disk");
            disk.data[sector as usize * SECTOR..][..count as usize * SECTOR].to_vec()
        })
    }
}

fn pattern(sectors: usize, seed: u8) -> Vec<u8> {
    (0..sectors * SECTOR)
        .map(|place| (place / 7 + place / SECTOR) as u8 ^ seed)
        .collect()
}

#[test]
fn disks_of_every_format_are_known_read_and_written() {
    use FloppyDriveKind as Model;
    for (drive, sectors) in [
        ((Model::Inch3High, Kind::Inch3High), 2880),
        ((Model::Inch3High, Kind::Inch3High), 1440),
        ((Model::Inch3Double, Kind::Inch3Double), 1440),
        ((Model::Inch5High, Kind::Inch5High), 2400),
        ((Model::Inch5High, Kind::Inch5High), 720),
        ((Model::Inch5Double, Kind::Inch5Double), 720),
    ] {
        let mut bench = Bench::new([None, Some(drive)], [None, Some(Floppy::new(sectors, 3))]);
        assert_eq!(
            bench.controller.disk(1).map(|format| format.sectors()),
            Some(sectors)
        );
        // Within a track, over heads and cylinders, and at both ends.
        for (first, count) in [
            (0, 1),
            (7, 1),
            (5, 40),
            (sectors / 2 - 29, 58),
            (sectors - 1, 1),
            (17, 20),
        ] {
            let expected = bench.on_disk(1, first, count);
            assert!(
                bench.read(1, first, count) == Ok(expected),
                "{drive:?} {sectors} {first} {count}"
            );
        }
        let before = bench.on_disk(1, 0, sectors);
        let data = pattern(58, 9);
        bench.write(1, 30, &data).unwrap();
        let mut after = before;
        after[30 * SECTOR..88 * SECTOR].copy_from_slice(&data);
        assert!(
            bench.on_disk(1, 0, sectors) == after,
            "{drive:?} {sectors}: these and no other"
        );
        assert_eq!(bench.read(1, sectors, 1), Err(Failure::Beyond));
        assert_eq!(bench.read(1, sectors - 1, 2), Err(Failure::Beyond));
        assert_eq!(bench.controller.statistics().resets, 0);
    }
}

#[test]
fn a_drive_without_a_disk_says_so_before_it_turns() {
    let mut bench = Bench::start([Some(HIGH), Some(HIGH)], [None, None]);
    bench.run(Controller::is_ready);
    assert!(bench.now() < 300, "{} ms", bench.now());
    let start = bench.now();
    assert_eq!(bench.read(0, 0, 1), Err(Failure::NoDrive));
    assert_eq!(bench.write(1, 0, &pattern(1, 0)), Err(Failure::NoDrive));
    assert_eq!(bench.look(1), Err(Failure::NoDrive));
    assert_eq!(bench.format(0), Err(Failure::NoDrive));
    assert!(bench.now() - start < 400, "{} ms", bench.now() - start);
    assert_eq!(bench.controller.statistics().resets, 0);
    bench.with(|model| model.insert(0, Floppy::new(2880, 1)));
    assert_eq!(bench.look(0), Ok(2880));
}

#[test]
fn a_drive_without_a_change_line_says_after_two_seconds_that_it_is_empty() {
    let drive = (FloppyDriveKind::Inch5Double, Kind::Inch5Double);
    let mut bench = Bench::new([Some(drive), None], [None, None]);
    assert!((2000..4000).contains(&bench.now()), "{} ms", bench.now());
    assert_eq!(bench.read(0, 0, 1), Err(Failure::NoDrive));
    bench.with(|model| model.insert(0, Floppy::new(720, 1)));
    assert_eq!(bench.read(0, 10, 2), Ok(bench.on_disk(0, 10, 2)));
    // Nobody tells of another disk; what was known is forgotten with the motor.
    bench.with(|model| {
        model.eject(0);
        model.insert(0, Floppy::new(720, 2));
    });
    bench.sleep(2500);
    assert_eq!(bench.controller.disk(0), None);
    assert_eq!(bench.read(0, 10, 2), Ok(bench.on_disk(0, 10, 2)));
}

#[test]
fn a_protected_disk_is_read_and_never_written() {
    let mut disk = Floppy::new(2880, 7);
    disk.is_write_protected = true;
    let before = disk.data.clone();
    let mut bench = Bench::one(Some(disk));
    assert_eq!(bench.write(0, 100, &pattern(3, 1)), Err(Failure::WriteProtected));
    assert_eq!(bench.format(0), Err(Failure::WriteProtected));
    assert_eq!(bench.read(0, 100, 3), Ok(bench.on_disk(0, 100, 3)));
    assert!(bench.on_disk(0, 0, 2880) == before);
}

/// Lets a request get to its command that moves data.
fn into_the_transfer(bench: &mut Bench, id: RequestId) {
    let accesses =
        |bench: &Bench| bench.with(|model| *model.media[0].as_ref().expect("a disk").accesses.borrow());
    let before = accesses(bench);
    let now = bench.now();
    bench.controller.work(now);
    while accesses(bench) < before + 3 {
        bench.pass();
    }
    assert_eq!(bench.controller.next_done(), None, "{id:?} is under way");
}

#[test]
fn a_disk_that_is_taken_out_in_mid_transfer_is_missed_at_the_next_tick() {
    let mut bench = Bench::one(Some(Floppy::new(2880, 7)));
    for direction in [Direction::Read, Direction::Write] {
        let id = match direction {
            Direction::Read => bench.controller.read(0, 360, 58, Wanted::Any),
            Direction::Write => bench.controller.write(0, 360, pattern(58, 2), Wanted::Any),
        };
        let id = id.unwrap();
        into_the_transfer(&mut bench, id);
        let disk = bench.with(|model| model.eject(0)).unwrap();
        let start = bench.now();
        assert_eq!(bench.finish(id), Err(Failure::NoDrive));
        assert!(bench.now() - start <= 20, "{} ms", bench.now() - start);
        assert_eq!(bench.read(0, 360, 1), Err(Failure::NoDrive));
        bench.with(|model| model.insert(0, disk));
        assert_eq!(bench.read(0, 360, 58), Ok(bench.on_disk(0, 360, 58)));
    }
    assert_eq!(bench.controller.statistics().resets, 2);
}

#[test]
fn what_was_begun_on_one_disk_does_not_go_on_on_another() {
    let mut bench = Bench::one(Some(Floppy::new(2880, 7)));
    let other = Floppy::new(2880, 8);
    let before = other.data.clone();
    let id = bench.controller.write(0, 360, pattern(58, 2), Wanted::Any);
    let id = id.unwrap();
    into_the_transfer(&mut bench, id);
    bench.with(|model| {
        model.eject(0);
        model.insert(0, other);
    });
    assert_eq!(bench.finish(id), Err(Failure::NoDrive));
    assert!(bench.on_disk(0, 0, 2880) == before);
    assert_eq!(bench.read(0, 360, 2), Ok(bench.on_disk(0, 360, 2)));
}

#[test]
fn a_disk_is_known_again_by_its_first_sector() {
    let mut bench = Bench::one(Some(Floppy::new(2880, 7)));
    let read = |bench: &mut Bench| {
        let id = bench.controller.read(0, 50, 1, Wanted::Remembered).unwrap();
        bench.finish(id)
    };
    assert_eq!(read(&mut bench), Err(Failure::NoDrive), "none is remembered");
    bench.controller.remember(0);
    assert_eq!(read(&mut bench), Ok(bench.on_disk(0, 50, 1)));
    let first = bench.with(|model| model.eject(0)).unwrap();
    bench.with(|model| model.insert(0, Floppy::new(1440, 8)));
    assert_eq!(read(&mut bench), Err(Failure::NoDrive), "another one");
    assert_eq!(bench.look(0), Ok(1440));
    assert_eq!(bench.read(0, 50, 1), Ok(bench.on_disk(0, 50, 1)));
    bench.with(|model| {
        model.eject(0);
        model.insert(0, first);
    });
    assert_eq!(read(&mut bench), Ok(bench.on_disk(0, 50, 1)));
    // By whoever writes another first sector it becomes another disk.
    bench.write(0, 0, &pattern(2, 1)).unwrap();
    assert_eq!(read(&mut bench), Err(Failure::NoDrive));
}

#[test]
fn a_bad_sector_is_told_after_five_tries_and_healed_by_writing() {
    let mut bench = Bench::one(Some(Floppy::new(2880, 7)));
    // A write that breaks off leaves a sector that cannot be read.
    bench.with(|model| model.stalls = u32::MAX);
    assert_eq!(bench.write(0, 45, &pattern(1, 1)), Err(Failure::BadSector));
    bench.with(|model| model.stalls = 0);
    let errors = bench.controller.statistics().errors;
    assert_eq!(bench.read(0, 45, 1), Err(Failure::BadSector));
    assert_eq!(bench.controller.statistics().errors - errors, 5);
    assert_eq!(bench.read(0, 30, 30), Err(Failure::BadSector));
    assert_eq!(bench.read(0, 46, 20), Ok(bench.on_disk(0, 46, 20)));
    assert_eq!(bench.read(0, 30, 15), Ok(bench.on_disk(0, 30, 15)));
    bench.write(0, 44, &pattern(3, 5)).unwrap();
    assert_eq!(bench.read(0, 44, 3), Ok(pattern(3, 5)));
}

#[test]
fn what_fails_for_once_is_tried_again() {
    for stalls in [1, 3, 4] {
        let mut bench = Bench::one(Some(Floppy::new(2880, 7)));
        bench.with(|model| model.stalls = stalls);
        assert!(bench.read(0, 20, 58) == Ok(bench.on_disk(0, 20, 58)));
        bench.with(|model| model.stalls = stalls);
        bench.write(0, 20, &pattern(58, 6)).unwrap();
        assert!(bench.on_disk(0, 20, 58) == pattern(58, 6));
        assert_eq!(bench.controller.statistics().errors, 2 * stalls);
    }
}

#[test]
fn lost_interrupts_cost_time_and_nothing_else() {
    let mut bench = Bench::start([Some(HIGH), None], [Some(Floppy::new(2880, 7)), None]);
    bench.with(|model| model.lost_interrupts = u32::MAX);
    bench.run(Controller::is_ready);
    assert_eq!(bench.read(0, 2000, 58), Ok(bench.on_disk(0, 2000, 58)));
    bench.write(0, 17, &pattern(20, 6)).unwrap();
    assert!(bench.on_disk(0, 17, 20) == pattern(20, 6));
    assert_eq!(bench.controller.statistics().resets, 0);
}

#[test]
fn without_a_controller_there_are_no_drives() {
    let shared = Shared::new([None, None]);
    shared.0.borrow_mut().is_gone = true;
    let kinds = [Some(Kind::Inch3High), None];
    let mut bench = Bench {
        controller: Controller::start(shared.clone(), kinds, 0),
        shared,
        next_tick: Instant::START + TICK,
    };
    bench.run(Controller::is_ready);
    assert!(bench.now() < 1000, "{} ms", bench.now());
    assert_eq!(bench.controller.kind(0), None);
    assert_eq!(bench.read(0, 0, 1), Err(Failure::NoDrive));
    assert_eq!(bench.controller.due(), u64::MAX);
}

#[test]
fn a_drive_that_is_not_there_has_no_disk() {
    let shared = Shared::new([None, None]);
    let kinds = [None, Some(Kind::Inch5Double)];
    let mut bench = Bench {
        controller: Controller::start(shared.clone(), kinds, 0),
        shared,
        next_tick: Instant::START + TICK,
    };
    bench.run(Controller::is_ready);
    assert_eq!(bench.read(1, 0, 1), Err(Failure::NoDrive));
}

#[test]
fn a_disk_is_formatted_as_it_was_or_else_in_the_drives_own_way() {
    for sectors in [1440, 2880] {
        let mut bench = Bench::one(Some(Floppy::new(sectors, 7)));
        bench.format(0).unwrap();
        assert!(bench.on_disk(0, 0, sectors).iter().all(|byte| *byte == 0xf6));
        assert_eq!(bench.look(0), Ok(sectors));
    }
    let mut bench = Bench::one(Some(Floppy::new(2880, 7)));
    // A track whose formatting breaks off has no sectors.
    bench.with(|model| model.stalls = u32::MAX);
    assert_eq!(bench.format(0), Err(Failure::BadSector));
    bench.with(|model| model.stalls = 0);
    assert_eq!(bench.look(0), Err(Failure::BadSector));
    assert_eq!(bench.read(0, 0, 1), Err(Failure::BadSector));
    bench.format(0).unwrap();
    assert_eq!(bench.look(0), Ok(2880));
    assert_eq!(bench.read(0, 2870, 10), Ok(vec![0xf6; 10 * SECTOR]));
}

#[test]
fn a_cancelled_request_ends_with_its_command_and_is_not_told() {
    let mut bench = Bench::one(Some(Floppy::new(2880, 7)));
    let before = bench.on_disk(0, 0, 2880);
    let id = bench.controller.format(0).unwrap();
    let now = bench.now();
    bench.controller.work(now);
    bench.sleep(3000);
    bench.controller.cancel(id);
    bench.sleep(5000);
    assert_eq!(bench.controller.next_done(), None);
    let after = bench.on_disk(0, 0, 2880);
    let formatted = after
        .iter()
        .zip(&before)
        .filter(|(after, before)| after != before);
    let formatted = formatted.count() / (18 * SECTOR);
    assert!((1..20).contains(&formatted), "{formatted} tracks");
    let waiting = bench.controller.read(0, 9, 1, Wanted::Any).unwrap();
    bench.controller.cancel(waiting);
    assert_eq!(bench.read(0, 2000, 2), Ok(bench.on_disk(0, 2000, 2)));
}

#[test]
fn the_motor_runs_two_seconds_longer_than_it_is_needed() {
    let mut bench = Bench::one(Some(Floppy::new(2880, 7)));
    bench.sleep(3000);
    assert_eq!(
        (bench.with(|model| model.motors()), bench.controller.due()),
        (0, u64::MAX)
    );
    let start = bench.now();
    bench.read(0, 0, 1).unwrap();
    assert!(bench.now() - start >= 500, "it gets up to speed");
    assert_eq!(bench.with(|model| model.motors()), 1);
    bench.sleep(1900);
    assert_eq!(bench.with(|model| model.motors()), 1);
    let start = bench.now();
    bench.read(0, 5, 1).unwrap();
    assert!(bench.now() - start < 300, "it turns");
    bench.sleep(2100);
    assert_eq!(bench.with(|model| model.motors()), 0);
}

#[test]
fn drives_take_turns_and_each_has_its_own_disk() {
    let disks = [Some(Floppy::new(2880, 1)), Some(Floppy::new(1440, 2))];
    let mut bench = Bench::new([Some(HIGH), Some(HIGH)], disks);
    let wanted: Vec<(usize, u32)> = (0..12).map(|number| (number % 2, number as u32 * 97)).collect();
    let mut ids = Vec::new();
    for (drive, sector) in &wanted {
        ids.push(bench.controller.read(*drive, *sector, 3, Wanted::Any).unwrap());
    }
    let mut served = Vec::new();
    while served.len() < wanted.len() {
        let now = bench.now();
        bench.controller.work(now);
        while let Some((id, data)) = bench.controller.next_done() {
            let place = ids.iter().position(|other| *other == id).unwrap();
            let (drive, sector) = wanted[place];
            assert!(data == Ok(bench.on_disk(drive, sector, 3)), "{drive} {sector}");
            served.push(drive);
        }
        bench.pass();
    }
    assert!(served.windows(2).all(|pair| pair[0] != pair[1]), "{served:?}");
}
