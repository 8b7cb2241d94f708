//! Programs that were written for these tests in the way of the time, on floppies that the BIOS boots. What they print is the
//! name of each thing that they try, and what came of it in hexadecimal.

use std::path::Path;

use clock::Span;
use tests::build;

use super::{are_there, boot_media, pc, run_until, screen};

/// Where their sources are.
const SOURCES: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/firmware/programs/");

const FLOPPY_BYTES: u64 = 1440 << 10;

fn is_assembler_there() -> bool {
    are_there(&[("/usr/bin/nasm", "nasm")])
}

/// What the program of that name says on a PC with a floppy drive and a blank disk of 40 cylinders.
fn said_by(name: &str) -> String {
    let folder = tempfile::tempdir().expect("a folder");
    assemble(folder.path(), name);
    let images = "[image.floppy]\npath = \"floppy.img\"\n[image.disk]\nblank = \"19.6875MB\"\n";
    let settings = "[[machine.pc.floppy]]\nimage = \"floppy\"\n[[machine.pc.disk]]\nimage = \"disk\"\n";
    let mut runtime = build(&pc(folder.path(), images, settings));
    let end = format!("{name} end");
    let said = run_until(&mut runtime, &end, Span::from_seconds(60));
    assert!(said.contains(&end), "{said}\n{}", screen(&runtime));
    said
}

fn assemble(folder: &Path, name: &str) {
    let image = folder.join("floppy.img");
    let source = format!("{SOURCES}{name}.asm");
    let arguments = [
        "-f",
        "bin",
        "-i",
        SOURCES,
        "-o",
        boot_media::path_text(&image),
        &source,
    ];
    boot_media::run("nasm", &arguments);
    let file = std::fs::OpenOptions::new().write(true).open(&image);
    file.and_then(|file| file.set_len(FLOPPY_BYTES))
        .expect("a whole floppy");
}

/// The numbers behind `name` in what was said.
fn numbers(said: &str, name: &str) -> Vec<u32> {
    let line = said
        .lines()
        .find_map(|line| line.strip_prefix(name)?.strip_prefix(' '));
    let words = line.unwrap_or_else(|| panic!("nothing about {name} in\n{said}"));
    let number = |word| u32::from_str_radix(word, 16).unwrap_or_else(|_| panic!("{name} {words}"));
    words.split_whitespace().map(number).collect()
}

/// All of `expected` in what was said.
fn check(said: &str, expected: &[(&str, &[u32])]) {
    for (name, values) in expected {
        assert_eq!(
            numbers(said, name),
            *values,
            "{name}, in hexadecimal: {values:x?}"
        );
    }
}

/// A status of INT 13h is AH with the carry flag below it; the others are registers as the service leaves them.
#[test]
fn the_services_of_the_bios_do_what_programs_expect_of_them() {
    if !is_assembler_there() {
        return;
    }
    let said = said_by("services");
    check(
        &said,
        &[
            // A drive of 1.44 MB: 80 cylinders, 18 sectors, 2 heads.
            ("fd parameters", &[0x0000, 0x0004, 0x4F12, 0x0101]),
            // 18 sectors of 5Ah on cylinder 40, side 1.
            ("fd write", &[0]),
            ("fd read", &[0, 0xA800]),
            ("fd verify", &[0]),
            ("fd no such sector", &[0x2001]),
            // F6h in the track, 0 on its other side; the first sector still ends in AA55h.
            ("fd format", &[0, 0, 0x9800, 0, 0, 0, 0xAA55]),
            ("hd parameters", &[0x0000, 0x273F, 0x0F01]),
            ("hd type", &[0x0300, 0, 39 * 16 * 63]),
            ("hd write", &[0]),
            ("hd read", &[0, 0x3400]),
            ("hd seek", &[0]),
            ("hd ready", &[0]),
            ("hd recalibrate", &[0]),
            ("hd diagnose", &[0]),
            ("hd beyond", &[0x0101]),
            ("hd extensions", &[0xAA55]),
            ("hd blocks", &[0, 0x4A00]),
            ("date", &[0x1995, 0x0530]),
            ("alarm", &[0, 1]),
            ("extended", &[3 << 10]),
            ("block move", &[0, 0, 0xE000]),
            // FFFF:10h is 0:0 only while neither driver holds the gate open.
            ("a20", &[0x22, 0x11, 0x11, 0x11, 0x11, 0x11]),
            // Shift, then A, b and Esc, an empty buffer, and Q with the lock on.
            ("keys", &[2, 0x1E41, 0x1E41, 0x3062, 0x011B, 0, 0, 0x1051]),
            ("mode 3", &[0x5003]),
            ("font 8x8", &[8, 49]),
            ("cursor", &[0x1E42, 0x2A05, 42 * 80 + 5]),
            ("mode 13", &[0x2813, 0x2A, 0x2A]),
            ("mode 12", &[0x0D]),
            ("palette", &[0x2233, 0x1100]),
            ("mode 7", &[0x5007]),
            ("scroll", &[0x0720, 0x1720]),
        ],
    );
    // 18.2 ticks a second; 70 frames a second, in 549 ms.
    assert!((181..=183).contains(&numbers(&said, "ticks")[0]), "{said}");
    assert!((18..=19).contains(&numbers(&said, "wait")[0]), "{said}");
    assert!((38..=39).contains(&numbers(&said, "retrace")[0]), "{said}");
}

/// Statuses are those of the data sheets: ST0, ST1, ST2, C, H, R and N of the floppy controller, status and error of the disk.
#[test]
fn drivers_in_protected_mode_find_the_chips_of_an_at() {
    if !is_assembler_there() {
        return;
    }
    let said = said_by("drivers");
    check(
        &said,
        &[
            ("controllers", &[0xA9, 0xBE, 0]),
            // Self-test, interface test and command byte; reset and its test, echo, lamps, rate; set 2 and the keyboard's
            // name, both translated; off, on, no such command; a byte as if from it.
            (
                "keyboard",
                &[
                    0x55, 0x00, 0x61, 0xFA, 0xAA, 0xEE, 0xFA, 0xFA, 0xFA, 0xFA, 0xFA, 0xFA, 0x41, 0xFA, 0xAB,
                    0x41, 0xFA, 0xFA, 0xFE, 0x1E,
                ],
            ),
            ("serial", &[0xC1, 0x42, 1]),
            ("floppy reset", &[1, 0xC0, 0, 0xC1, 0, 0xC2, 0, 0xC3, 0, 0x80]),
            ("floppy recalibrate", &[1, 0x20, 0, 0x38]),
            ("floppy seek", &[0x81, 1, 0x20, 40]),
            ("floppy write", &[1, 0x04, 0, 0, 40, 1, 10, 2]),
            (
                "floppy read",
                &[1, 0x04, 0, 0, 40, 1, 10, 2, 0x1234_5678, 0x1234_5678],
            ),
            ("floppy no sector", &[1, 0x44, 0x04, 0, 40, 1, 19, 2]),
            // No interrupt, busy until a reset.
            ("floppy stands", &[0, 0x10, 1, 0xC0, 0]),
            ("floppy change", &[0]),
            ("disk identify", &[0x58, 0x0028_0040, 40 * 16 * 63, 16, 63]),
            ("disk parameters", &[0x50, 0x50]),
            ("disk write", &[0x58, 0x58, 0x50]),
            ("disk read", &[0x58, 0x58, 0x58, 1]),
            ("disk beyond", &[0x51, 0x10]),
            // Drive 1 is not there.
            ("disk other", &[0x00, 0x51]),
            ("disk reset", &[0x80, 0x50, 0x01, 1, 1, 0, 0, 0xA0, 0x50, 0x01]),
            ("fault", &[0x0040_0123, 0, 0x0040_0456, 2]),
        ],
    );
    let id = numbers(&said, "floppy id");
    assert_eq!(
        id[..6],
        [1, 0x04, 0, 0, 40, 1],
        "the sector is the one that passes"
    );
    // 663 refreshes in 10 ms; a turn of counter 0 less what the loop takes; mode 2, both bytes; 100 turns a second.
    let timer = numbers(&said, "timer");
    assert!((661..=664).contains(&timer[0]) && timer[1] < 100, "{timer:?}");
    assert_eq!(timer[2..], [0x34, 100]);
    // 24 hours; 1024 interrupts in a second; two updates with all three flags; nine o'clock in 12 hours too.
    let clock = numbers(&said, "clock");
    assert!((1023..=1025).contains(&clock[1]), "{clock:?}");
    assert_eq!([clock[0], clock[2], clock[3], clock[4]], [0x02, 2, 0xF0, 0x09]);
}
