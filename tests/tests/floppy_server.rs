//! Floppies on whole machines: the kernel drives a controller that helps nobody, and programs of another machine read and write
//! disks by transactions.

use clock::Span;
use proto::disk::{Label, SECTOR};
use tests::amoeba::{Laboratory, Pc, Stage};
use tests::labelled_disk::part;
use tests::run_for;

/// Sectors of a disk of 1.44 MB, and of the virtual disk that the label describes.
const SECTORS: usize = 2880;
const PART: usize = 2000;

/// A disk whose label, if it has one, describes `vdisk:07`.
fn disk(is_labelled: bool) -> Vec<u8> {
    let mut bytes = vec![0; SECTORS * SECTOR];
    if is_labelled {
        let mut label = Label::EMPTY;
        label.parts[0] = part(7, 1, PART as u32, 0, 1);
        label.emit(bytes.first_chunk_mut().expect("a first sector"));
    }
    bytes
}

/// A server that offers `offered`, with this disk in its first drive and none in the second, and a client that tries it.
fn stage(disk: &[u8], access: &str, offered: &str) -> Stage {
    let pc = |name| Pc::new(name).setting("floppy_controller = \"82077aa\"");
    let server = pc("server")
        .floppy("floppy", disk.to_vec(), access)
        .empty_floppy_drive()
        .program("disk_test", format!("-o disk {offered}"));
    Laboratory::new([server, pc("client").program("disk_test", "-p disk")]).stage()
}

/// What server and client tell in so many seconds.
fn consoles(stage: &Stage, seconds: u64) -> [String; 2] {
    let memory = run_for(&mut stage.start(), Span::from_seconds(seconds), 1).1;
    [memory.console(0), memory.console(1)]
}

fn expect(console: &str, line: &str) {
    assert!(console.lines().any(|told| told == line), "{line}: {console}");
}

#[test]
fn a_program_elsewhere_reads_and_writes_the_virtual_disk_of_a_labelled_floppy() {
    let before = disk(true);
    let stage = stage(&before, "direct", "vdisk:07");
    let [server, client] = consoles(&stage, 40);
    expect(&server, "floppy 0: 1.44 MB, a disk of 2880 sectors");
    expect(&server, "floppy 1: 1.44 MB, no disk that can be read");
    expect(&server, "vdisk:07: 2000 sectors in 1 piece");
    expect(&client, "TEST OK");
    // The last 64 sectors of the virtual disk are written, and nothing else.
    let after = stage.disk("floppy");
    let written = (1 + PART - 64) * SECTOR..(1 + PART) * SECTOR;
    let is_written = |place: &usize| written.contains(place);
    let differing: Vec<usize> = (0..after.len())
        .filter(|place| after[*place] != before[*place])
        .collect();
    assert!(differing.iter().all(is_written));
    assert!(differing.len() > 60 * SECTOR, "{} bytes", differing.len());
}

#[test]
fn a_program_elsewhere_reads_and_writes_a_floppy_without_a_label() {
    let stage = stage(&disk(false), "direct", "floppy:00");
    let [server, client] = consoles(&stage, 40);
    assert!(!server.contains("vdisk:"), "{server}");
    expect(&client, "TEST OK");
    let after = stage.disk("floppy");
    let end = (SECTORS - 64) * SECTOR;
    assert!(after[..end].iter().all(|byte| *byte == 0));
    assert!(after[end..].iter().any(|byte| *byte != 0));
}

#[test]
fn an_empty_drive_and_a_protected_disk_are_told_to_a_program_elsewhere() {
    let [_, client] = consoles(&stage(&disk(true), "readonly", "floppy:01"), 20);
    assert!(client.contains("DS_SIZE"), "{client}");
    expect(&client, "disk_test exited with status 1");
    let protected = stage(&disk(true), "readonly", "vdisk:07");
    let [_, client] = consoles(&protected, 40);
    assert!(client.contains("DS_WRITE: Err(WriteProtected)"), "{client}");
    assert!(protected.disk("floppy") == disk(true), "nothing was written");
}
