//! What file and directory servers refuse, on whole machines: requests that do not fit, make no sense or may not be, of a program
//! elsewhere; and disks that are damaged. Nothing that is stored is lost by it.

use amoeba_disks::{Made, SECTOR, check};
use clock::{Instant, Span};
use proto::bullet::disk::Superblock;
use proto::soap::super_file::Commit;
use tests::amoeba::{Laboratory, Pc, Stage};
use tests::made_disks::made;
use tests::servers::ALONE;
use tests::{Memory, run_until};

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

const SERVER: usize = 0;
const CLIENT: usize = 1;
/// Kilobytes of the Bullet server's cache.
const CACHE: usize = 100;

/// Makes a disk, which `change` may spoil.
fn disk(description: &str, change: impl FnOnce(&mut Vec<u8>)) -> (Made, Vec<u8>) {
    let (made, mut disks) = made(description, &[("configuration", ALONE)]);
    let mut disk = disks.remove("a").expect("the disk of the description");
    change(&mut disk);
    (made, disk)
}

/// A machine with this disk and a Bullet server, whose cache has so many kilobytes.
fn server(disk: Vec<u8>, cache: usize) -> Pc {
    Pc::new("server")
        .memory(8)
        .disk("a", disk)
        .program("bullet", format!("-c {cache} -t 6 vdisk:01"))
}

/// The same with a boot server.
fn boot_server(disk: Vec<u8>) -> Pc {
    server(disk, 1024).program("boot_server", "")
}

fn client(arguments: String) -> Pc {
    Pc::new("client").memory(8).program("refusals", arguments)
}

/// Runs until a machine has printed this text, but no longer than so many seconds, and another second in which anybody may do harm.
fn run(stage: &Stage, (machine, text): (usize, &str), seconds: u64) -> Memory {
    let (mut runtime, mut memory) = (stage.start(), Memory::default());
    let limit = Instant::START + Span::from_seconds(seconds);
    run_until(&mut runtime, &mut memory, limit, 1, |memory| {
        memory.console(machine).contains(text)
    });
    runtime.run(runtime.now() + Span::from_seconds(1), 1, &mut memory);
    for machine in 0..runtime.machines().len() {
        memory.assert_sound(machine);
        let console = memory.console(machine);
        assert!(!console.contains("exception"), "{console}");
    }
    memory
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
    let (made, disk) = disk(FILES, |_| {});
    let arguments = format!("files {} {} 32", made.stores[0], CACHE << 10);
    let stage = Laboratory::new([server(disk, CACHE), client(arguments)]).stage();
    let memory = run(&stage, (CLIENT, "refusals exited"), 300);
    memory.assert_told(CLIENT, &["TEST OK", "refusals: 4 files are kept"]);
    let image = stage.disk("a");
    assert_eq!(check(&[("a", &image)]).findings, []);
    // The contents of those that are kept, as the program makes them.
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
    let (made, disk) = disk(DIRECTORIES, |_| {});
    let root = made.root.expect("a directory server");
    let client = client(format!("directories {root} 64"));
    let stage = Laboratory::new([boot_server(disk), client]).stage();
    let memory = run(&stage, (CLIENT, "refusals exited"), 600);
    memory.assert_told(CLIENT, &["TEST OK", "refusals: a directory is kept"]);
    assert_eq!(check(&[("a", &stage.disk("a"))]).findings, []);
}

/// Sectors of the virtual disk of the boot server.
const BOOT_SECTORS: usize = 169;

/// A damage to a disk, and what a server says of it.
type Damage = (fn(&mut Vec<u8>), &'static str);

/// Has the servers of a machine begin with a damaged disk: what they say, after which the disk is as it was.
fn assert_refused(description: &str, (change, line): Damage, server: impl FnOnce(Vec<u8>) -> Pc) {
    let before = disk(description, change).1;
    let stage = Laboratory::new([server(before.clone())]).stage();
    let memory = run(&stage, (SERVER, line), 60);
    memory.assert_told(SERVER, &[line]);
    // A boot server notes on its own virtual disk what it has started.
    let boot = before
        .chunks(SECTOR)
        .position(|sector| sector.starts_with(b"-boot-"));
    let after = stage.disk("a");
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
        assert_refused(FILES, damage, |disk| server(disk, CACHE));
    }
    let lines = [
        "vdisk:01 is not used: it goes beyond its partition",
        "bullet: there is no such disk",
    ];
    for line in lines {
        assert_refused(DIRECTORIES, (cut_off, line), |disk| server(disk, CACHE));
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
        assert_refused(DIRECTORIES, damage, boot_server);
    }
}
