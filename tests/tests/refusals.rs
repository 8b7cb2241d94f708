//! What file and directory servers refuse, on whole machines: requests that do not fit, make no sense or may not be, of a program
//! elsewhere; and disks that are damaged. Nothing that is stored is lost by it.

use std::collections::BTreeMap;
use std::path::Path;

use amoeba_disks::{Description, Made, SECTOR, Sources, check, make};
use clock::{Instant, Span};
use machines::image::builtin;
use machines::lab::{self, LabSource};
use machines::runtime::Runtime;
use proto::bullet::disk::Superblock;
use proto::soap::super_file::Commit;
use tests::Memory;

/// Files from memory, and the programs of amlab.
struct Texts;

/// What the boot server starts.
const CONFIGURATION: &str = r#"
cap ROOT = ${/};
cap BULLET0 = ${/super/cap/bulletsvr/bullet0};
bullet { pollcap = BULLET0; }
soap {
    after = bullet; bootrate = 3000; pollcap = ROOT;
    program ${/bin/soap} {
        argv { soap 0 }
        capv { SOAP_SUPER = vdisk:02; BULLET0; RANDOM; TOD; TTY; }
    }
}
"#;

impl Sources for Texts {
    fn builtin(&self, name: &str) -> Option<std::borrow::Cow<'_, [u8]>> {
        builtin(name).map(Into::into)
    }

    fn builtins(&self) -> Vec<String> {
        Vec::new()
    }

    fn read(&self, path: &str) -> std::io::Result<Vec<u8>> {
        assert_eq!(path, "configuration");
        Ok(CONFIGURATION.into())
    }

    fn list(&self, _folder: &str) -> std::io::Result<Vec<String>> {
        Ok(Vec::new())
    }
}

/// A small file system alone.
const FILES: &str = r#"
format = 1
seed = 1
[disk.a]
size = "504KB"
bullet = { vdisk = 1, size = "200KB", inodes = 32 }
"#;

/// A directory server as well, with room for few directories beside those that are made.
const DIRECTORIES: &str = r#"
format = 1
seed = 1
[disk.a]
size = "4MB"
boot = { vdisk = 3, configuration = "configuration" }
soap = { vdisk = 2, blocks = 5 }
bullet = { vdisk = 1 }
[[file]]
name = "/bin/soap"
from = "builtin:soap"
"#;

const HEAD: &str = r#"
format = 1
[lab]
name = "refusals"
seed = 1
[time]
rtc = "1995-05-30T09:00:00Z"
[image.kernel]
path = "builtin:kernel"
[image.bullet]
path = "builtin:bullet"
[image.boot]
path = "builtin:boot_server"
[image.refusals]
path = "builtin:refusals"
[image.a]
path = "a.img"
access = "direct"
[segment.ether0]
kind = "10base2"
length = "30m"
[profile.pc]
memory = "8MB"
cpu = { model = "386dx", clock = "40MHz", fpu = "none" }
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
[[machine.server.disk]]
image = "a"
"#;

const SERVER: usize = 0;
const CLIENT: usize = 1;
/// Kilobytes of the Bullet server's cache.
const CACHE: usize = 100;

/// A module of a machine.
fn module(machine: &str, image: &str, arguments: &str) -> String {
    format!("[[machine.{machine}.module]]\nimage = \"{image}\"\nargs = \"{arguments}\"\n")
}

fn bullet(cache: usize) -> String {
    module("server", "bullet", &format!("-c {cache} -t 6 vdisk:01"))
}

fn client(arguments: &str) -> String {
    let machine = "[machine.client]\nextends = \"pc\"\nnic = { mac = \"02:60:8c:00:00:02\" }\n";
    machine.to_owned() + &module("client", "refusals", arguments)
}

/// Makes the image of a disk, which `change` may spoil.
fn make_image(folder: &Path, description: &str, change: impl FnOnce(&mut Vec<u8>)) -> Made {
    let description = Description::parse(description).expect("a description");
    let mut image = vec![0; description.bytes("a").expect("a disk") as usize];
    let made = make(&description, &Texts, BTreeMap::from([("a", &mut image[..])])).expect("a good disk");
    change(&mut image);
    std::fs::write(folder.join("a.img"), image).expect("the folder can be written");
    made
}

fn read_image(folder: &Path) -> Vec<u8> {
    std::fs::read(folder.join("a.img")).expect("an image")
}

/// Runs until a machine has printed this text, but no longer than so many seconds.
fn run(folder: &Path, parts: &[String], (machine, text): (usize, &str), seconds: u64) -> Memory {
    let source = LabSource::Text {
        name: "refusals.toml".into(),
        text: HEAD.to_owned() + &parts.concat(),
        folder: folder.into(),
    };
    let lab = match lab::load(source, &[]) {
        Ok(loaded) => loaded.lab,
        Err(errors) => panic!("{}", errors.messages().render(false)),
    };
    let images = machines::image::load_all(&lab).expect("images that are there");
    let mut runtime = Runtime::build(&lab, &images).expect("a lab that can be built");
    let mut memory = Memory::default();
    let last = Instant::START + Span::from_seconds(seconds);
    while runtime.now() < last && !memory.console(machine).contains(text) {
        let next = (runtime.now() + Span::from_seconds(1)).min(last);
        runtime.run(next, 1, &mut memory);
    }
    for machine in 0..lab.machines.len() {
        let console = memory.console(machine);
        for word in ["kernel stopped", "panicked", "exception", "FAILED"] {
            assert!(!console.contains(word), "{console}");
        }
    }
    memory
}

fn expect(memory: &Memory, machine: usize, line: &str) {
    let console = memory.console(machine);
    assert!(
        console.lines().any(|told| told.trim_end() == line),
        "{line}: {console}"
    );
}

/// What is wrong with the disk.
fn findings(folder: &Path) -> Vec<String> {
    let report = check(&[("a", &read_image(folder))]);
    report.findings.iter().map(ToString::to_string).collect()
}

/// Where the superblock of the Bullet file system lies in an image.
fn superblock(image: &[u8]) -> (usize, Superblock) {
    let mut sectors = image.chunks_exact(SECTOR).enumerate();
    let found = sectors.find_map(|(number, bytes)| {
        let superblock = Superblock::parse(bytes.try_into().ok()?).ok()?;
        Some((number * SECTOR, superblock))
    });
    found.expect("a file system")
}

#[test]
fn a_file_server_refuses_what_does_not_fit_and_keeps_its_files() {
    let folder = tempfile::tempdir().expect("a folder");
    let made = make_image(folder.path(), FILES, |_| {});
    let server = made.stores[0];
    let arguments = format!("files {server} {} 32", CACHE << 10);
    let parts = [bullet(CACHE), client(&arguments)];
    let memory = run(folder.path(), &parts, (CLIENT, "refusals exited"), 300);
    expect(&memory, CLIENT, "TEST OK");
    expect(&memory, CLIENT, "refusals: 4 files are kept");
    assert_eq!(findings(folder.path()), [""; 0]);
    // The contents of those that are kept, as the program makes them.
    let image = read_image(folder.path());
    for (number, length) in [(1, 1), (2, 5000), (3, 29_769)] {
        let data: Vec<u8> = (0..length)
            .map(|place: usize| (place * 7 + number) as u8)
            .collect();
        let is_there = (0..image.len() - length)
            .step_by(SECTOR)
            .any(|place| image[place..place + length] == data);
        assert!(is_there, "{length} bytes");
    }
}

#[test]
fn a_directory_server_refuses_what_does_not_fit_and_shows_each_column_its_own() {
    let folder = tempfile::tempdir().expect("a folder");
    let made = make_image(folder.path(), DIRECTORIES, |_| {});
    let root = made.root.expect("a directory server");
    let parts = [
        bullet(1024),
        module("server", "boot", ""),
        client(&format!("directories {root} 64")),
    ];
    let memory = run(folder.path(), &parts, (CLIENT, "refusals exited"), 600);
    expect(&memory, CLIENT, "TEST OK");
    expect(&memory, CLIENT, "refusals: a directory is kept");
    assert_eq!(findings(folder.path()), [""; 0]);
}

/// Sectors of the virtual disk of the boot server.
const BOOT_SECTORS: usize = 169;

/// A damage to a disk, and what a server says of it.
type Damage = (fn(&mut Vec<u8>), &'static str);

/// Has the servers of a machine begin with a damaged disk: what they say, after which the disk is as it was.
fn assert_refused(description: &str, (change, line): Damage, parts: &[String]) {
    let folder = tempfile::tempdir().expect("a folder");
    make_image(folder.path(), description, change);
    let before = read_image(folder.path());
    let memory = run(folder.path(), parts, (SERVER, line), 60);
    expect(&memory, SERVER, line);
    // A boot server notes on its own virtual disk what it has started.
    let boot = before
        .chunks(SECTOR)
        .position(|sector| sector.starts_with(b"-boot-"));
    let after = read_image(folder.path());
    let sectors = before.chunks(SECTOR).zip(after.chunks(SECTOR)).enumerate();
    for (number, (before, after)) in sectors {
        let is_boot = boot.is_some_and(|first| (first..first + BOOT_SECTORS).contains(&number));
        assert!(before == after || is_boot, "{line}: sector {number}");
    }
}

/// Writes another superblock.
fn change_superblock(image: &mut [u8], change: impl FnOnce(&mut Superblock)) {
    let (place, mut superblock) = superblock(image);
    change(&mut superblock);
    image[place..place + SECTOR].copy_from_slice(&superblock.emit());
}

/// A disk has lost its last cylinder.
fn cut_off(image: &mut Vec<u8>) {
    image.truncate(image.len() - 16 * 63 * SECTOR);
}

#[test]
fn a_damaged_file_system_is_not_served_and_stays_as_it_is() {
    let damages: [Damage; 5] = [
        (
            |image| {
                let (place, _) = superblock(image);
                image[place] ^= 1;
            },
            "bullet: no Bullet file system: wrong magic number",
        ),
        (
            |image| {
                let (place, _) = superblock(image);
                image[place + 21] ^= 1;
            },
            "bullet: no Bullet file system: check and payload disagree",
        ),
        (
            |image| change_superblock(image, |superblock| superblock.geometry.block_shift = 40),
            "bullet: no Bullet file system: length and bytes disagree",
        ),
        (
            |image| change_superblock(image, |superblock| superblock.geometry.inodes = 1 << 24),
            "bullet: no Bullet file system: length and bytes disagree",
        ),
        (
            |image| change_superblock(image, |superblock| superblock.geometry.blocks = 401),
            "bullet: the file system has 401 sectors and the disk only 400",
        ),
    ];
    for damage in damages {
        assert_refused(FILES, damage, &[bullet(CACHE)]);
    }
    let lines = [
        "vdisk:01 is not used: it goes beyond its partition",
        "bullet: there is no such disk",
    ];
    for line in lines {
        assert_refused(DIRECTORIES, (cut_off, line), &[bullet(CACHE)]);
    }
}

/// Writes another commit block.
fn change_commit(image: &mut [u8], change: impl FnOnce(&mut [u8])) {
    let mut sectors = image.chunks_exact_mut(SECTOR);
    let found = sectors.find(|bytes| {
        let block = bytes.first_chunk().expect("a block");
        Commit::parse(block).is_ok()
    });
    change(found.expect("a super file"));
}

/// Where the commit block tells how many blocks there are.
const BLOCKS: usize = 90;

#[test]
fn a_damaged_super_file_is_not_served_and_stays_as_it_is() {
    let damages: [Damage; 3] = [
        (
            |image| change_commit(image, |block| block[0] ^= 1),
            "soap: the commit block of the super file: wrong magic number",
        ),
        (
            |image| change_commit(image, |block| block[BLOCKS] = 1),
            "soap: the commit block of the super file: length and bytes disagree",
        ),
        (
            |image| change_commit(image, |block| block[BLOCKS] = 6),
            "soap: the disk of the super file: BadArgument (-1002)",
        ),
    ];
    for damage in damages {
        assert_refused(DIRECTORIES, damage, &[bullet(1024), module("server", "boot", "")]);
    }
}
