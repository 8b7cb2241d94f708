//! A machine that boots another kernel from a file of the Bullet server, as its system server is asked to by a program elsewhere.

use std::path::Path;

use bullet::make::layout;
use clock::Span;
use machines::image::builtin;
use machines::lab::{self, LabSource};
use machines::runtime::Runtime;
use proto::bullet::disk::{Geometry, INODE_LENGTH, Inode, InodeFlags, Superblock};
use proto::capability::{Capability, Port, Private};
use tests::labelled_disk::{PARTITION, image, part};
use tests::run_for;

const SECTOR: usize = 512;
const SECTORS: u32 = 4000;
/// Where the virtual disk begins in the image: behind the partition's label.
const START: usize = (PARTITION as usize + 1) * SECTOR;
/// What protects all files.
const SECRET: Port = Port(*b"secret");
/// Objects of the files: a kernel, and what is none.
const KERNEL: u32 = 1;
const OTHER: u32 = 2;

/// Writes a file with this object number behind the `used` blocks; how many are used then.
fn put(disk: &mut [u8], geometry: &Geometry, number: u32, used: u32, contents: &[u8]) -> u32 {
    let inode = Inode {
        address: used,
        size: contents.len() as u32,
        random: SECRET,
        lifetime: 24,
        flags: InodeFlags::ALLOCATED,
    };
    let place = SECTOR + number as usize * INODE_LENGTH;
    disk[place..place + INODE_LENGTH].copy_from_slice(&inode.emit());
    let place = geometry.sector(used) as usize * SECTOR;
    disk[place..place + contents.len()].copy_from_slice(contents);
    used + geometry.blocks_of(inode.size)
}

/// Makes the image of the server's drive, with the two files.
fn make_image(folder: &Path) {
    let geometry = layout(SECTORS.into(), 9, None).expect("a good layout");
    let superblock = Superblock {
        geometry,
        capability: Capability {
            port: Port(*b"bullet"),
            private: Private::owner(0, SECRET),
        },
    };
    let mut bytes = image(10, &[part(1, 1, SECTORS, 0, 1)]);
    let disk = &mut bytes[START..];
    disk[..SECTOR].copy_from_slice(&superblock.emit());
    let kernel = builtin("kernel").expect("a kernel");
    let used = put(disk, &geometry, KERNEL, geometry.first_data(), kernel);
    put(disk, &geometry, OTHER, used, &[b'x'; 3000]);
    std::fs::write(folder.join("disk.img"), bytes).expect("the folder can be written");
}

const HEAD: &str = r#"
format = 1
[lab]
name = "boot-image"
seed = 1
[time]
rtc = "1995-05-30T09:00:00Z"
[image.kernel]
path = "builtin:kernel"
[image.bullet]
path = "builtin:bullet"
[image.boot]
path = "builtin:boot"
[image.disk]
path = "disk.img"
[segment.ether0]
kind = "10base2"
length = "30m"
[profile.pc]
memory = "4MB"
cpu = { model = "386dx", clock = "40MHz", fpu = "none" }
boot = { from = "direct", image = "kernel", args = "peers=0" }
"#;

const SERVER: &str = r#"
[[machine.server.disk]]
image = "disk"
[[machine.server.module]]
image = "bullet"
args = "vdisk:01"
"#;

/// What the target and the client tell when the client has the target boot, with these arguments of `boot`.
fn consoles(arguments: &str, seconds: u64) -> [String; 2] {
    let folder = tempfile::tempdir().expect("a folder");
    make_image(folder.path());
    let mut text = String::from(HEAD);
    let machines = [("server", "8MB"), ("target", "4MB"), ("client", "4MB")];
    for (number, (name, memory)) in (1..).zip(machines) {
        text += &format!(
            r#"
[machine.{name}]
extends = "pc"
memory = "{memory}"
nic = {{ mac = "02:60:8c:00:00:0{number}" }}
[[machine.{name}.card]]
type = "3c503"
segment = "ether0"
io = 0x280
irq = 3
ram = 0xCC000
"#
        );
    }
    text += SERVER;
    text +=
        &format!("[[machine.client.module]]\nimage = \"boot\"\nargs = \"02:60:8c:00:00:02 {arguments}\"\n");
    let source = LabSource::Text {
        name: "boot-image.toml".into(),
        text,
        folder: folder.path().into(),
    };
    let lab = match lab::load(source, &[]) {
        Ok(loaded) => loaded.lab,
        Err(errors) => panic!("{}", errors.messages().render(false)),
    };
    let images = machines::image::load_all(&lab).expect("images that are there");
    let mut runtime = Runtime::build(&lab, &images).expect("a lab that can be built");
    let memory = run_for(&mut runtime, Span::from_seconds(seconds), 1).1;
    [1, 2].map(|machine| {
        let console = memory.console(machine);
        assert!(!console.contains("kernel stopped"), "{console}");
        console
    })
}

#[test]
fn a_machine_boots_a_kernel_file_with_its_command_line_and_is_on_the_network_again() {
    let [target, client] = consoles("bullet 1 secret kernel peers=0 slice=50", 10);
    assert!(target.contains("KB from a file"), "{target}");
    assert_eq!(target.matches("kernel ready").count(), 2, "{target}");
    // The second kernel is told the size of memory, but has no map of it.
    let size = "memory 4096 KB by Multiboot";
    assert!(target.lines().any(|line| line.trim_end() == size), "{target}");
    for line in ["boot: 02:60:8c:00:00:02 is up", "boot exited with status 0"] {
        assert!(client.contains(line), "{line}: {client}");
    }
}

#[test]
fn a_command_line_changes_the_kernel_that_is_booted() {
    // A secure kernel is not found by its station address.
    let [target, client] = consoles("bullet 1 secret kernel peers=0 secure=1", 10);
    assert_eq!(target.matches("kernel ready").count(), 2, "{target}");
    assert!(!client.contains("is up"), "{client}");
}

#[test]
fn a_file_that_is_no_kernel_leaves_the_machine_as_it_is() {
    let [target, _] = consoles("bullet 2 secret", 6);
    let reason = "cannot boot: the file is no ELF executable for the 386";
    assert!(target.contains(reason), "{target}");
    assert_eq!(target.matches("kernel ready").count(), 1, "{target}");
}

#[test]
fn a_file_that_nobody_has_leaves_the_machine_as_it_is() {
    for (arguments, reason) in [
        (
            "bullet 3 secret",
            "cannot boot: the file cannot be read: BadCapability (-1000)",
        ),
        (
            "bullet 1 wrong",
            "cannot boot: the file cannot be read: BadCapability (-1000)",
        ),
        (
            "nobody 1 secret",
            "cannot boot: the file cannot be read: RpcNotFound (-2)",
        ),
    ] {
        let [target, _] = consoles(arguments, 8);
        assert!(target.contains(reason), "{arguments}: {target}");
        assert_eq!(target.matches("kernel ready").count(), 1, "{target}");
    }
}

#[test]
fn without_a_file_a_machine_boots_as_after_a_reset() {
    let [target, client] = consoles("", 6);
    assert_eq!(target.matches("kernel ready").count(), 2, "{target}");
    assert!(client.contains("boot: 02:60:8c:00:00:02 is up"), "{client}");
}
