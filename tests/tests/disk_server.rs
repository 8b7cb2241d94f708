//! The kernel's server of virtual disks on whole machines: programs read and write disks of their own machine and of another one,
//! and the power fails while they do.

use std::path::Path;

use clock::{Instant, Span};
use machines::lab::{self, Lab, LabSource};
use machines::machine::{PowerEvent, TornSector};
use machines::runtime::Runtime;
use tests::labelled_disk::{PARTITION, image, part};
use tests::{Memory, run_for};

const SECTOR: usize = 512;
/// Sectors of the two virtual disks, the second of which has a piece on each drive.
const ONE: u32 = 4000;
const PIECES: [u32; 2] = [1000, 700];

const HEAD: &str = r#"
format = 1
[lab]
name = "disk_server"
seed = 1
[time]
rtc = "1995-05-30T09:00:00Z"
[image.kernel]
path = "builtin:kernel"
[image.disk_test]
path = "builtin:disk_test"
[image.diskperf]
path = "builtin:diskperf"
[segment.ether0]
kind = "10base2"
length = "30m"
[profile.pc]
memory = "4MB"
cpu = { model = "386dx", clock = "40MHz", fpu = "none" }
boot = { from = "direct", image = "kernel", args = "peers=0" }
"#;

/// A machine with a 3C503 and these programs, after whatever `more` says.
fn machine(name: &str, number: u8, more: &str, programs: &[(&str, &str)]) -> String {
    let mut text = format!(
        r#"
[machine.{name}]
extends = "pc"
nic = {{ mac = "02:60:8c:00:00:0{number}" }}
[[machine.{name}.card]]
type = "3c503"
segment = "ether0"
io = 0x280
irq = 3
ram = 0xCC000
{more}
"#
    );
    for (image, arguments) in programs {
        text += &format!("[[machine.{name}.module]]\nimage = \"{image}\"\nargs = \"{arguments}\"\n");
    }
    text
}

/// The drives of machine `server`, whose images lie in `folder`.
fn drives(folder: &Path) -> String {
    let first = image(10, &[part(1, 1, ONE, 0, 1), part(2, 5000, PIECES[0], 0, 2)]);
    let second = image(5, &[part(2, 1, PIECES[1], 1, 2)]);
    let mut text = String::new();
    for (name, bytes) in [("first", first), ("second", second)] {
        let path = folder.join(format!("{name}.img"));
        std::fs::write(path, bytes).expect("the folder can be written");
        text += &format!("[image.{name}]\npath = \"{name}.img\"\naccess = \"direct\"\n");
        text += &format!("[[machine.server.disk]]\nimage = \"{name}\"\n");
    }
    text
}

fn load(folder: &Path, parts: &[&str]) -> Lab {
    let source = LabSource::Text {
        name: "disk_server.toml".into(),
        text: [&[HEAD], parts].concat().concat(),
        folder: folder.into(),
    };
    match lab::load(source, &[]) {
        Ok(loaded) => loaded.lab,
        Err(errors) => panic!("{}", errors.messages().render(false)),
    }
}

fn build(lab: &Lab) -> Runtime {
    let images = machines::image::load_all(lab).expect("images that are there");
    Runtime::build(lab, &images).expect("a lab that can be built")
}

fn run(lab: &Lab, seconds: u64) -> Memory {
    run_for(&mut build(lab), Span::from_seconds(seconds), 1).1
}

fn expect(console: &str, lines: &[&str]) {
    for line in lines {
        assert!(console.lines().any(|told| told == *line), "{line}: {console}");
    }
    for word in ["FAILED", "kernel stopped", "exception"] {
        assert!(!console.contains(word), "{console}");
    }
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
    let folder = tempfile::tempdir().expect("a folder");
    let programs = [
        ("disk_test", "vdisk:01"),
        ("disk_test", "vdisk:02"),
        ("diskperf", "-w -k 32 -n 5 bootp:01"),
    ];
    let server = machine("server", 1, &drives(folder.path()), &programs);
    let console = run(&load(folder.path(), &[&server]), 20).console(0);
    expect(
        &console,
        &[
            "disk 0: GENERIC 1992, 10080 sectors, LBA",
            "disk 1: GENERIC 1992, 5040 sectors, LBA",
            "vdisk:01: 4000 sectors in 1 pieces",
            "vdisk:02: 1700 sectors in 2 pieces",
            "bootp:01: 5040 sectors",
            "diskperf exited with status 0",
        ],
    );
    for line in ["TEST OK", "disk_test exited with status 0"] {
        assert_eq!(
            console.lines().filter(|told| *told == line).count(),
            2,
            "{console}"
        );
    }
    let files =
        ["first.img", "second.img"].map(|name| std::fs::read(folder.path().join(name)).expect("an image"));
    let ends = [(0, 1 + ONE), (1, 1 + PIECES[1])];
    for (file, end) in ends {
        let end = (PARTITION + end) as usize * SECTOR;
        assert!(files[file][end - 64 * SECTOR..end] == left_by_test());
        assert!(files[file][end..end + SECTOR].iter().all(|byte| *byte == 0));
    }
}

#[test]
fn a_program_elsewhere_reads_and_writes_a_virtual_disk_by_transactions() {
    let folder = tempfile::tempdir().expect("a folder");
    let server = machine(
        "server",
        1,
        &drives(folder.path()),
        &[("disk_test", "-o disk vdisk:02")],
    );
    let client = machine("client", 2, "", &[("disk_test", "-p disk")]);
    let memory = run(&load(folder.path(), &[&server, &client]), 8);
    expect(&memory.console(0), &["disk_test: offering a disk"]);
    expect(&memory.console(1), &["TEST OK", "disk_test exited with status 0"]);
    let file = std::fs::read(folder.path().join("second.img")).expect("an image");
    let end = (PARTITION + 1 + PIECES[1]) as usize * SECTOR;
    assert!(file[end - 64 * SECTOR..end] == left_by_test());
}

#[test]
fn a_power_cut_among_writes_leaves_each_sector_old_new_or_unreadable() {
    let mut unreadable = 0;
    for (torn, milliseconds) in [
        (TornSector::Old, 2100),
        (TornSector::New, 2233),
        (TornSector::Unreadable, 2307),
        (TornSector::Unreadable, 2341),
        (TornSector::Unreadable, 2379),
    ] {
        let folder = tempfile::tempdir().expect("a folder");
        let server = machine(
            "server",
            1,
            &drives(folder.path()),
            &[("disk_test", "-w vdisk:01")],
        );
        let lab = load(folder.path(), &[&server]);
        let mut runtime = build(&lab);
        let cut = Instant::START + Span::from_milliseconds(milliseconds);
        runtime.schedule_power(0, cut, PowerEvent::Off(torn));
        runtime.schedule_power(0, cut + Span::from_milliseconds(100), PowerEvent::On);
        let console = run_for(&mut runtime, Span::from_seconds(16), 1).1.console(0);
        expect(
            &console,
            &["disk_test: 116 sectors of round 0, 0 of round 0, 0 unreadable"],
        );
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
        assert!(lost <= u32::from(torn == TornSector::Unreadable), "{after}");
        unreadable += lost;
    }
    assert!(unreadable > 0, "no cut has met a sector");
}
