//! Floppies on whole machines: the kernel drives a controller that helps nobody, and programs of another machine read and write
//! disks by transactions.

use std::path::Path;

use clock::Span;
use machines::lab::{self, LabSource};
use machines::runtime::Runtime;
use proto::disk::{Label, SECTOR};
use tests::labelled_disk::part;
use tests::run_for;

/// Sectors of a disk of 1.44 MB, and of the virtual disk that the label describes.
const SECTORS: usize = 2880;
const PART: usize = 2000;

const LAB: &str = r#"
format = 1
[lab]
name = "floppy_server"
seed = 1
[time]
rtc = "1995-05-30T09:00:00Z"
[image.kernel]
path = "builtin:kernel"
[image.disk_test]
path = "builtin:disk_test"
[segment.ether0]
kind = "10base2"
length = "30m"
[profile.pc]
memory = "4MB"
cpu = { model = "386dx", clock = "40MHz", fpu = "none" }
floppy_controller = "82077aa"
boot = { from = "direct", image = "kernel", args = "peers=0" }
[[profile.pc.card]]
type = "3c503"
segment = "ether0"
io = 0x280
irq = 3
ram = 0xCC000
[machine.server]
extends = "pc"
nic = { mac = "02:60:8c:00:00:01" }
[machine.client]
extends = "pc"
nic = { mac = "02:60:8c:00:00:02" }
[[machine.client.module]]
image = "disk_test"
args = "-p disk"
"#;

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

/// Runs a server that offers `offered`, with this disk in its first drive and none in the second, and a client that tries it: what both
/// have told.
fn run(folder: &Path, disk: &[u8], access: &str, offered: &str, seconds: u64) -> [String; 2] {
    std::fs::write(folder.join("floppy.img"), disk).expect("the folder can be written");
    let more = format!(
        r#"
[image.floppy]
path = "floppy.img"
access = "{access}"
[[machine.server.floppy]]
image = "floppy"
[[machine.server.floppy]]
[[machine.server.module]]
image = "disk_test"
args = "-o disk {offered}"
"#
    );
    let source = LabSource::Text {
        name: "floppy_server.toml".into(),
        text: format!("{LAB}{more}"),
        folder: folder.into(),
    };
    let lab = match lab::load(source, &[]) {
        Ok(loaded) => loaded.lab,
        Err(errors) => panic!("{}", errors.messages().render(false)),
    };
    let images = machines::image::load_all(&lab).expect("images that are there");
    let mut runtime = Runtime::build(&lab, &images).expect("a lab that can be built");
    let memory = run_for(&mut runtime, Span::from_seconds(seconds), 1).1;
    [memory.console(0), memory.console(1)]
}

fn expect(console: &str, line: &str) {
    assert!(console.lines().any(|told| told == line), "{line}: {console}");
}

#[test]
fn a_program_elsewhere_reads_and_writes_the_virtual_disk_of_a_labelled_floppy() {
    let folder = tempfile::tempdir().expect("a folder");
    let before = disk(true);
    let [server, client] = run(folder.path(), &before, "direct", "vdisk:07", 40);
    expect(&server, "floppy 0: 1.44 MB, a disk of 2880 sectors");
    expect(&server, "floppy 1: 1.44 MB, no disk that can be read");
    expect(&server, "vdisk:07: 2000 sectors in 1 piece");
    expect(&client, "TEST OK");
    // The last 64 sectors of the virtual disk are written, and nothing else.
    let after = std::fs::read(folder.path().join("floppy.img")).expect("the image");
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
    let folder = tempfile::tempdir().expect("a folder");
    let [server, client] = run(folder.path(), &disk(false), "direct", "floppy:00", 40);
    assert!(!server.contains("vdisk:"), "{server}");
    expect(&client, "TEST OK");
    let after = std::fs::read(folder.path().join("floppy.img")).expect("the image");
    let end = (SECTORS - 64) * SECTOR;
    assert!(after[..end].iter().all(|byte| *byte == 0));
    assert!(after[end..].iter().any(|byte| *byte != 0));
}

#[test]
fn an_empty_drive_and_a_protected_disk_are_told_to_a_program_elsewhere() {
    let folder = tempfile::tempdir().expect("a folder");
    let [_, client] = run(folder.path(), &disk(true), "readonly", "floppy:01", 20);
    assert!(client.contains("DS_SIZE"), "{client}");
    expect(&client, "disk_test exited with status 1");
    let [_, client] = run(folder.path(), &disk(true), "readonly", "vdisk:07", 40);
    assert!(client.contains("DS_WRITE: Err(WriteProtected)"), "{client}");
    assert!(
        std::fs::read(folder.path().join("floppy.img")).expect("the image") == disk(true),
        "nothing was written"
    );
}
