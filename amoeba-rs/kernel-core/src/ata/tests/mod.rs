//! The driver on drives that do what tests tell them.

pub(crate) mod drive;
mod properties;

use super::{Addressing, Channel, Failure, RequestId};
use drive::{Drive, Shared, WORK};
use proto::disk::SECTOR;
use std::vec;
use std::vec::Vec;

const TICK: u64 = 10_000;

/// A channel and its driver.
struct Bench {
    shared: Shared,
    channel: Channel<Shared>,
    /// Interrupts reach the driver.
    has_interrupts: bool,
    next_tick: u64,
}

impl Bench {
    /// The driver has just been started.
    fn start(drives: [Option<Drive>; 2]) -> Bench {
        let shared = Shared::default();
        shared.0.borrow_mut().drives = drives;
        Bench {
            channel: Channel::start(shared.clone(), 0),
            shared,
            has_interrupts: true,
            next_tick: TICK,
        }
    }

    /// All drives are ready.
    fn new(drives: [Option<Drive>; 2]) -> Bench {
        let mut bench = Bench::start(drives);
        bench.run(|channel| channel.is_ready());
        bench
    }

    fn now(&self) -> u64 {
        self.shared.0.borrow().now
    }

    /// Lets time pass until `is_over`.
    fn run(&mut self, is_over: impl Fn(&mut Channel<Shared>) -> bool) {
        for _ in 0..100_000 {
            if is_over(&mut self.channel) {
                return;
            }
            self.pass();
        }
        panic!("it takes too long");
    }

    /// Lets the time pass to the next interrupt or tick.
    fn pass(&mut self) {
        let is_call = {
            let mut wires = self.shared.0.borrow_mut();
            let has_risen = core::mem::take(&mut wires.has_risen) && self.has_interrupts;
            if !has_risen {
                let next = wires.next_event().unwrap_or(u64::MAX).min(self.next_tick);
                wires.now = wires.now.max(next);
                wires.settle();
            }
            has_risen
        };
        let is_tick = self.now() >= self.next_tick;
        while self.now() >= self.next_tick {
            self.next_tick += TICK;
        }
        if is_call || is_tick {
            // The kernel's clock shows whole ticks.
            self.channel.work((self.next_tick - TICK) / 1000);
        }
    }

    fn finish(&mut self, wanted: RequestId) -> Result<Vec<u8>, Failure> {
        self.channel.work((self.next_tick - TICK) / 1000);
        for _ in 0..100_000 {
            if let Some((id, result)) = self.channel.next_done() {
                assert_eq!(id, wanted);
                return result;
            }
            self.pass();
        }
        panic!("it takes too long");
    }

    fn read(&mut self, drive: usize, sector: u32, count: u32) -> Result<Vec<u8>, Failure> {
        let id = self.channel.read(drive, sector, count)?;
        self.finish(id)
    }

    fn write(&mut self, drive: usize, sector: u32, data: &[u8]) -> Result<(), Failure> {
        let id = self.channel.write(drive, sector, data.to_vec())?;
        self.finish(id).map(drop)
    }

    fn with<R>(&mut self, number: usize, change: impl FnOnce(&mut Drive) -> R) -> R {
        let mut wires = self.shared.0.borrow_mut();
        change(wires.drives[number].as_mut().expect("a drive"))
    }

    /// What a disk holds.
    fn on_disk(&mut self, drive: usize, sector: u32, count: u32) -> Vec<u8> {
        self.with(drive, |drive| {
            drive.disk[sector as usize * SECTOR..][..count as usize * SECTOR].to_vec()
        })
    }
}

fn small() -> Option<Drive> {
    Some(Drive::new(800))
}

fn with(change: impl FnOnce(&mut Drive)) -> Option<Drive> {
    let mut drive = Drive::new(800);
    change(&mut drive);
    Some(drive)
}

fn pattern(sectors: u32) -> Vec<u8> {
    (0..sectors * SECTOR as u32)
        .map(|place| (place / 3 ^ place >> 9) as u8)
        .collect()
}

#[test]
fn a_machine_without_drives_knows_so_within_a_hundred_looks() {
    let bench = Bench::start([None, None]);
    assert!(!bench.channel.has_drives() && bench.channel.is_ready());
    assert!(bench.now() < 100, "{} us", bench.now());
    assert_eq!(bench.channel.due(), u64::MAX);
}

#[test]
fn starting_does_not_wait_for_a_drive() {
    let bench = Bench::start([small(), None]);
    assert!(bench.channel.has_drives() && !bench.channel.is_ready());
    assert!(bench.now() < 200, "{} us", bench.now());
}

#[test]
fn drives_are_found_wherever_they_are() {
    for places in [[true, false], [false, true], [true, true]] {
        let mut bench = Bench::new(places.map(|is_there| is_there.then(|| Drive::new(800))));
        for (number, is_there) in places.into_iter().enumerate() {
            assert_eq!(
                bench.channel.drive(number).is_some(),
                is_there,
                "{places:?} {number}"
            );
            assert_eq!(bench.read(number, 3, 1).is_ok(), is_there);
        }
        assert_eq!(bench.channel.drive(2), None);
    }
}

#[test]
fn a_drive_that_spins_up_is_waited_for_and_one_that_never_does_is_not_used() {
    let mut bench = Bench::new([with(|drive| drive.busy_until = 12_000_000), small()]);
    assert!(bench.now() > 12_000_000);
    assert!(bench.channel.drive(0).is_some() && bench.channel.drive(1).is_some());
    assert_eq!(bench.read(0, 0, 1), Ok(bench.on_disk(0, 0, 1)));
    let mut bench = Bench::new([with(|drive| drive.busy_until = u64::MAX), small()]);
    assert!(bench.channel.drive(0).is_none() && bench.channel.drive(1).is_some());
    assert_eq!(bench.read(1, 0, 1), Ok(bench.on_disk(1, 0, 1)));
}

#[test]
fn drives_with_and_without_lba_and_multiple_give_and_take_what_they_are_asked() {
    for has_lba in [false, true] {
        for multiple in [0, 1, 6, 8, 16] {
            let drive = with(|drive| {
                drive.has_lba = has_lba;
                drive.multiple = multiple;
            });
            let mut bench = Bench::new([drive, None]);
            let addressing = if has_lba { Addressing::Lba } else { Addressing::Chs };
            assert_eq!(bench.channel.drive(0).unwrap().addressing, addressing);
            for (sector, count) in [(0, 1), (9, 3), (37, 58), (799, 1), (500, 256)] {
                assert_eq!(
                    bench.read(0, sector, count),
                    Ok(bench.on_disk(0, sector, count)),
                    "{has_lba} {multiple} {sector} {count}"
                );
                bench.write(0, sector, &pattern(count)).unwrap();
                assert_eq!(bench.on_disk(0, sector, count), pattern(count));
            }
            assert_eq!(bench.channel.statistics().errors, 0);
        }
    }
}

#[test]
fn a_request_with_multiple_takes_an_interrupt_for_eight_sectors() {
    let mut bench = Bench::new([small(), None]);
    let start = bench.now();
    bench.read(0, 100, 58).unwrap();
    let blocks = 58_u64.div_ceil(8);
    let time = bench.now() - start;
    assert!(
        (blocks * WORK..(blocks + 1) * WORK + 1000).contains(&time),
        "{time}"
    );
    assert_eq!(bench.with(0, |drive| drive.moved.clone()), [(0xc4, 100, 58)]);
}

#[test]
fn what_lies_beyond_the_end_is_refused_without_the_drive() {
    let mut bench = Bench::new([small(), None]);
    let requests = [
        (800, 1),
        (799, 2),
        (0, 0),
        (0, 257),
        (u32::MAX, 1),
        (u32::MAX, 256),
    ];
    for (sector, count) in requests {
        assert_eq!(
            bench.channel.read(0, sector, count),
            Err(Failure::Beyond),
            "{sector} {count}"
        );
    }
    assert_eq!(
        bench.channel.write(0, 799, vec![0; 2 * SECTOR]),
        Err(Failure::Beyond)
    );
    assert_eq!(bench.channel.read(1, 0, 1), Err(Failure::NoDrive));
    assert!(bench.with(0, |drive| drive.moved.is_empty()));
}

#[test]
fn a_sector_that_fails_at_first_is_read_in_the_end() {
    for ends_blocks_early in [false, true] {
        for has_lba in [false, true] {
            for (bad, times) in [(100, 1), (103, 2), (107, 4), (157, 3), (150, 1)] {
                let drive = with(|drive| {
                    drive.ends_blocks_early = ends_blocks_early;
                    drive.has_lba = has_lba;
                    drive.bad.insert(bad, times);
                });
                let mut bench = Bench::new([drive, None]);
                let expected = bench.on_disk(0, 100, 58);
                let found = bench.read(0, 100, 58);
                assert!(found == Ok(expected), "{ends_blocks_early} {bad} {times}");
                assert!(bench.channel.statistics().errors > 0);
            }
        }
    }
}

#[test]
fn a_sector_that_never_comes_is_told_and_its_neighbours_can_be_read() {
    for ends_blocks_early in [false, true] {
        let drive = with(|drive| {
            drive.ends_blocks_early = ends_blocks_early;
            drive.bad.insert(107, u32::MAX);
        });
        let mut bench = Bench::new([drive, None]);
        assert_eq!(bench.read(0, 100, 58), Err(Failure::BadSector));
        assert!(bench.channel.statistics().errors < 20);
        for sector in [106, 108] {
            assert_eq!(bench.read(0, sector, 1), Ok(bench.on_disk(0, sector, 1)));
        }
    }
}

#[test]
fn what_fails_to_be_written_is_written_again_from_the_beginning() {
    let drive = with(|drive| {
        drive.bad.insert(130, 2);
    });
    let mut bench = Bench::new([drive, None]);
    bench.write(0, 100, &pattern(58)).unwrap();
    assert_eq!(bench.on_disk(0, 100, 58), pattern(58));
    bench.with(0, |drive| drive.bad.insert(130, u32::MAX));
    assert_eq!(bench.write(0, 100, &pattern(58)), Err(Failure::BadSector));
}

#[test]
fn a_disk_that_cannot_be_written_says_so_soon() {
    let mut bench = Bench::new([with(|drive| drive.is_write_protected = true), None]);
    assert_eq!(bench.write(0, 5, &pattern(2)), Err(Failure::WriteProtected));
    assert_eq!(bench.with(0, |drive| drive.moved.len()), 2);
    assert_eq!(bench.read(0, 5, 2), Ok(bench.on_disk(0, 5, 2)));
}

#[test]
fn without_interrupts_everything_still_happens_at_the_ticks() {
    let mut bench = Bench::start([small(), small()]);
    bench.has_interrupts = false;
    bench.run(|channel| channel.is_ready());
    for drive in 0..2 {
        assert_eq!(bench.read(drive, 7, 30), Ok(bench.on_disk(drive, 7, 30)));
        bench.write(drive, 300, &pattern(30)).unwrap();
        assert_eq!(bench.on_disk(drive, 300, 30), pattern(30));
    }
    assert_eq!(bench.channel.statistics().resets, 0);
}

#[test]
fn a_drive_that_falls_silent_is_reset_and_asked_again() {
    let mut bench = Bench::new([small(), small()]);
    bench.with(0, |drive| drive.silences = 1);
    assert_eq!(bench.read(0, 7, 30), Ok(bench.on_disk(0, 7, 30)));
    bench.with(1, |drive| drive.silences = 2);
    bench.write(1, 7, &pattern(30)).unwrap();
    assert_eq!(bench.on_disk(1, 7, 30), pattern(30));
    assert_eq!(bench.channel.statistics().resets, 3);
    assert_eq!(bench.shared.0.borrow().resets, 3);
    // Blocks are as large as before the resets.
    bench.read(1, 7, 30).unwrap();
    assert_eq!(
        bench.with(1, |drive| drive.moved.last().copied()),
        Some((0xc4, 7, 30))
    );
}

#[test]
fn a_drive_that_stays_silent_is_given_up_and_the_other_one_goes_on() {
    let mut bench = Bench::new([small(), small()]);
    bench.with(0, |drive| drive.silences = u32::MAX);
    let start = bench.now();
    let dead = bench.channel.read(0, 0, 1).unwrap();
    let waiting = bench.channel.read(0, 9, 1).unwrap();
    let good = bench.channel.read(1, 5, 1).unwrap();
    let mut results = Vec::new();
    while results.len() < 3 {
        bench.pass();
        results.extend(bench.channel.next_done());
    }
    results.sort_by_key(|(id, _)| *id);
    let expected = bench.on_disk(1, 5, 1);
    assert_eq!(
        results,
        [
            (dead, Err(Failure::NoDrive)),
            (waiting, Err(Failure::NoDrive)),
            (good, Ok(expected))
        ]
    );
    assert!(bench.now() - start < 20_000_000);
    assert_eq!(bench.channel.read(0, 0, 1), Err(Failure::NoDrive));
}

#[test]
fn a_drive_that_is_pulled_out_ends_its_requests() {
    let mut bench = Bench::new([small(), None]);
    let id = bench.channel.read(0, 0, 9).unwrap();
    bench.channel.work(0);
    bench.shared.0.borrow_mut().drives = [None, None];
    assert_eq!(bench.finish(id), Err(Failure::NoDrive));
    assert!(!bench.channel.has_drives());
}

#[test]
fn two_drives_take_turns_and_each_has_the_order_of_its_sectors() {
    let mut bench = Bench::new([small(), small()]);
    for sector in [300, 100, 200] {
        for drive in 0..2 {
            bench.channel.read(drive, sector, 1).unwrap();
        }
    }
    let mut order = Vec::new();
    while order.len() < 6 {
        bench.pass();
        order.extend(bench.channel.next_done().map(|(id, _)| id.0));
    }
    // The names count up: the even ones are for drive 1.
    assert_eq!(order, [4, 3, 6, 5, 2, 1]);
}

#[test]
fn a_cancelled_request_is_never_told_of() {
    let mut bench = Bench::new([small(), None]);
    let first = bench.channel.read(0, 1, 1).unwrap();
    bench.channel.work(0);
    let second = bench.channel.read(0, 2, 1).unwrap();
    let third = bench.channel.read(0, 3, 1).unwrap();
    bench.channel.cancel(first);
    bench.channel.cancel(second);
    assert_eq!(bench.finish(third), Ok(bench.on_disk(0, 3, 1)));
}
