//! The kernel's server of virtual disks on whole machines: programs read and write disks of their own machine and of another one,
//! and the power fails while they do.

use clock::{Instant, Span};
use machines::machine::{PowerEvent, TornSector};
use tests::amoeba::{Laboratory, Pc};
use tests::labelled_disk::{PARTITION, image, part};
use tests::run_for;

const SECTOR: usize = 512;
/// Sectors of the two virtual disks, the second of which has a piece on each drive.
const ONE: u32 = 4000;
const PIECES: [u32; 2] = [1000, 700];

/// A machine with the two virtual disks on two drives.
fn server() -> Pc {
    let first = image(10, &[part(1, 1, ONE, 0, 1), part(2, 5000, PIECES[0], 0, 2)]);
    let second = image(5, &[part(2, 1, PIECES[1], 1, 2)]);
    Pc::new("server").disk("first", first).disk("second", second)
}

/// What `disk_test` leaves in the last 64 sectors of a disk, but for the one that it writes twice.
fn left_by_test() -> Vec<u8> {
    let pattern = |length: usize, seed: usize| {
        (0..length).map(move |place| (place / 3 + place / SECTOR * 7 + seed) as u8)
    };
    let mut bytes: Vec<u8> = pattern(64 * SECTOR, 1).collect();
    bytes.splice(21 * SECTOR..22 * SECTOR, pattern(SECTOR, 99));
    bytes
}

#[test]
fn programs_read_and_write_the_virtual_disks_of_their_machine() {
    let programs = [
        ("disk_test", "vdisk:01"),
        ("disk_test", "vdisk:02"),
        ("diskperf", "-w -k 32 -n 5 bootp:01"),
    ];
    let stage = Laboratory::new([server().programs(programs)]).stage();
    let memory = stage.run(Span::from_seconds(20));
    memory.assert_told(
        0,
        &[
            "disk 0: GENERIC 1992, 10080 sectors, LBA",
            "disk 1: GENERIC 1992, 5040 sectors, LBA",
            "vdisk:01: 4000 sectors in 1 piece",
            "vdisk:02: 1700 sectors in 2 pieces",
            "bootp:01: 5040 sectors",
            "diskperf exited with status 0",
        ],
    );
    let console = memory.console(0);
    for line in ["TEST OK", "disk_test exited with status 0"] {
        assert_eq!(
            console.lines().filter(|told| *told == line).count(),
            2,
            "{console}"
        );
    }
    let files = ["first", "second"].map(|name| stage.disk(name));
    let ends = [(0, 1 + ONE), (1, 1 + PIECES[1])];
    for (file, end) in ends {
        let end = (PARTITION + end) as usize * SECTOR;
        assert!(files[file][end - 64 * SECTOR..end] == left_by_test());
        assert!(files[file][end..end + SECTOR].iter().all(|byte| *byte == 0));
    }
}

#[test]
fn a_program_elsewhere_reads_and_writes_a_virtual_disk_by_transactions() {
    let server = server().program("disk_test", "-o disk vdisk:02");
    let client = Pc::new("client").program("disk_test", "-p disk");
    let stage = Laboratory::new([server, client]).stage();
    let memory = stage.run(Span::from_seconds(8));
    memory.assert_told(0, &["disk_test: offering a disk"]);
    memory.assert_told(1, &["TEST OK", "disk_test exited with status 0"]);
    let file = stage.disk("second");
    let end = (PARTITION + 1 + PIECES[1]) as usize * SECTOR;
    assert!(file[end - 64 * SECTOR..end] == left_by_test());
}

/// Has a program write the same 116 sectors over and over, cuts the power off for a while, and has the program look what there is.
/// How many sectors cannot be read.
fn cut(torn: TornSector, milliseconds: u64) -> u32 {
    let stage = Laboratory::new([server().program("disk_test", "-w vdisk:01")]).stage();
    let mut runtime = stage.start();
    let cut = Instant::START + Span::from_milliseconds(milliseconds);
    runtime.schedule_power(0, cut, PowerEvent::Off(torn));
    runtime.schedule_power(0, cut + Span::from_milliseconds(100), PowerEvent::On);
    let memory = run_for(&mut runtime, Span::from_seconds(15), 1).1;
    memory.assert_sound(0);
    memory.assert_told(
        0,
        &["disk_test: 116 sectors of round 0, 0 of round 0, 0 unreadable"],
    );
    let console = memory.console(0);
    let told: Vec<&str> = console
        .lines()
        .filter(|line| line.contains(" sectors of round "))
        .collect();
    let [_, after] = told[..] else {
        panic!("it is looked at before and after: {console}");
    };
    let numbers: Vec<u32> = after
        .split([' ', ','])
        .filter_map(|word| word.parse().ok())
        .collect();
    let [new, round, old, _, lost] = numbers[..] else {
        panic!("{after}");
    };
    assert!(round > 1, "it has been written more than once: {after}");
    assert_eq!(new + old + lost, 116, "{after}");
    lost
}

#[test]
fn a_power_cut_among_writes_leaves_each_sector_old_new_or_unreadable() {
    // A round takes about 200 ms, and for 40 ms of them a sector is under the head.
    let cuts = || (0..12).map(|number| 2000 + 17 * number);
    let lost: u32 = cuts().map(|at| cut(TornSector::Unreadable, at)).sum();
    assert!((1..=12).contains(&lost), "{lost} sectors were met");
    for torn in [TornSector::Old, TornSector::New] {
        let lost: u32 = cuts().skip(1).step_by(4).map(|at| cut(torn, at)).sum();
        assert_eq!(lost, 0, "{torn:?}");
    }
}
