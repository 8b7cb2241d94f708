//! The Bullet file server on whole machines: a program elsewhere uses it, its disk is good afterwards, and a disk that is none is refused.

use std::cell::RefCell;
use std::path::Path;

use bullet::Disk;
use bullet::check::check;
use bullet::make::{layout, make};
use clock::Span;
use machines::lab::{self, Lab, LabSource};
use machines::runtime::Runtime;
use proto::bullet::disk::Superblock;
use proto::capability::{Capability, Port, Private};
use proto::standard::Status;
use tests::labelled_disk::{PARTITION, image, part};
use tests::{Memory, run_for};

const SECTOR: usize = 512;
const SECTORS: u32 = 4000;
/// Where the virtual disk begins in the image: behind the partition's label.
const START: usize = (PARTITION as usize + 1) * SECTOR;
const LENGTH: usize = SECTORS as usize * SECTOR;

const HEAD: &str = r#"
format = 1
[lab]
name = "bullet"
seed = 1
[time]
rtc = "1995-05-30T09:00:00Z"
[image.kernel]
path = "builtin:kernel"
[image.bullet]
path = "builtin:bullet"
[image.bullet_test]
path = "builtin:bullet_test"
[image.disk]
path = "disk.img"
access = "direct"
[segment.ether0]
kind = "10base2"
length = "30m"
[profile.pc]
memory = "4MB"
cpu = { model = "386dx", clock = "40MHz", fpu = "none" }
boot = { from = "direct", image = "kernel", args = "peers=0" }
[machine.server]
extends = "pc"
memory = "8MB"
nic = { mac = "02:60:8c:00:00:01" }
[[machine.server.card]]
type = "3c503"
segment = "ether0"
io = 0x280
irq = 3
ram = 0xCC000
[[machine.server.disk]]
image = "disk"
[[machine.server.module]]
image = "bullet"
args = "vdisk:01"
"#;

const CLIENT: &str = r#"
[machine.client]
extends = "pc"
nic = { mac = "02:60:8c:00:00:02" }
[[machine.client.card]]
type = "3c503"
segment = "ether0"
io = 0x280
irq = 3
ram = 0xCC000
[[machine.client.module]]
image = "bullet_test"
args = "bullet secret"
"#;

/// A virtual disk as bytes.
struct Bytes(RefCell<Vec<u8>>);

impl Disk for Bytes {
    fn sectors(&self) -> Result<u64, Status> {
        Ok((self.0.borrow().len() / SECTOR) as u64)
    }

    fn read(&self, sector: u64, memory: &mut [u8]) -> Result<(), Status> {
        let start = sector as usize * SECTOR;
        memory.copy_from_slice(&self.0.borrow()[start..start + memory.len()]);
        Ok(())
    }

    fn write(&self, sector: u64, memory: &[u8]) -> Result<(), Status> {
        let start = sector as usize * SECTOR;
        self.0.borrow_mut()[start..start + memory.len()].copy_from_slice(memory);
        Ok(())
    }
}

/// Makes the image of the server's drive, with a file system that `change` may spoil.
fn make_image(folder: &Path, change: impl FnOnce(&mut [u8])) {
    let disk = Bytes(RefCell::new(vec![0; LENGTH]));
    let superblock = Superblock {
        geometry: layout(SECTORS.into(), 9, None).expect("a good layout"),
        capability: Capability {
            port: Port(*b"bullet"),
            private: Private::owner(0, Port(*b"secret")),
        },
    };
    make(&disk, &superblock).expect("a disk that is large enough");
    let mut bytes = image(10, &[part(1, 1, SECTORS, 0, 1)]);
    let place = &mut bytes[START..START + LENGTH];
    place.copy_from_slice(&disk.0.into_inner());
    change(place);
    std::fs::write(folder.join("disk.img"), bytes).expect("the folder can be written");
}

fn run(folder: &Path, parts: &[&str], seconds: u64) -> Memory {
    let source = LabSource::Text {
        name: "bullet.toml".into(),
        text: [&[HEAD], parts].concat().concat(),
        folder: folder.into(),
    };
    let lab: Lab = match lab::load(source, &[]) {
        Ok(loaded) => loaded.lab,
        Err(errors) => panic!("{}", errors.messages().render(false)),
    };
    let images = machines::image::load_all(&lab).expect("images that are there");
    let mut runtime = Runtime::build(&lab, &images).expect("a lab that can be built");
    run_for(&mut runtime, Span::from_seconds(seconds), 1).1
}

fn expect(console: &str, lines: &[&str]) {
    for line in lines {
        assert!(
            console.lines().any(|told| told.trim_end() == *line),
            "{line}: {console}"
        );
    }
    assert!(
        !console.contains("FAILED") && !console.contains("kernel stopped"),
        "{console}"
    );
}

#[test]
fn a_program_elsewhere_makes_reads_and_destroys_files() {
    let folder = tempfile::tempdir().expect("a folder");
    make_image(folder.path(), |_| {});
    let memory = run(folder.path(), &[CLIENT], 12);
    let server = [
        "bullet: inodes free 124",
        "bullet: inodes used 0",
        "bullet: blocks free 3995",
        "bullet: serving",
    ];
    expect(&memory.console(0), &server);
    expect(
        &memory.console(1),
        &["TEST OK", "bullet_test exited with status 0"],
    );
    let bytes = std::fs::read(folder.path().join("disk.img")).expect("an image");
    let disk = Bytes(RefCell::new(bytes[START..START + LENGTH].to_vec()));
    let checked = check(&disk, false).expect("a file system");
    assert_eq!((checked.findings.len(), checked.files()), (0, 0));
    // Contents have been written, though their files are destroyed.
    let data = &disk.0.into_inner()[5 * SECTOR..];
    assert!(data.iter().any(|byte| *byte != 0));
}

#[test]
fn a_disk_without_a_file_system_is_not_served() {
    let folder = tempfile::tempdir().expect("a folder");
    make_image(folder.path(), |bytes| bytes[0] ^= 1);
    let before = std::fs::read(folder.path().join("disk.img")).expect("an image");
    let console = run(folder.path(), &[], 3).console(0);
    let lines = [
        "bullet: no Bullet file system: wrong magic number",
        "bullet: not started",
        "bullet exited with status 1",
    ];
    expect(&console, &lines);
    let after = std::fs::read(folder.path().join("disk.img")).expect("an image");
    assert!(before == after);
}
