//! Disk and floppy images with Debian's SYSLINUX that boot our kernel, made in a folder of the test without any right.

use std::path::{Path, PathBuf};
use std::process::Command;

/// Where Debian has the modules of SYSLINUX.
const MODULES: &str = "/usr/lib/syslinux/modules/bios";
/// The code of a master boot record that starts the active partition.
const BOOT_RECORD: &str = "/usr/lib/syslinux/mbr/mbr.bin";

/// The shape of the fixed disk: 20 MB in 40 cylinders of 16 heads and 63 sectors.
const CYLINDERS: u32 = 40;
const HEADS: u32 = 16;
const SECTORS_PER_TRACK: u32 = 63;
/// The partition begins with the second track, as partitions of the time did.
const PARTITION_START: u32 = SECTORS_PER_TRACK;
/// The first sector that a partition can have behind a loader that is longer than a track.
pub(crate) const SECOND_CYLINDER: u32 = HEADS * SECTORS_PER_TRACK;

/// What the loader shows before it loads the kernel.
pub(crate) const LOADER_SAYS: &str = "loaded by SYSLINUX";

/// Runs a program of the host.
pub(crate) fn run(program: &str, arguments: &[&str]) {
    let output = Command::new(program)
        .args(arguments)
        .output()
        .unwrap_or_else(|error| panic!("{program}: {error}"));
    assert!(
        output.status.success(),
        "{program} {arguments:?}: {}",
        String::from_utf8_lossy(&output.stderr)
    );
}

pub(crate) fn path_text(path: &Path) -> &str {
    path.to_str().expect("a path of plain letters")
}

/// Puts the loader, its modules, its settings and the kernel on a FAT file system that mtools call `volume`.
fn fill(folder: &Path, volume: &str, kernel: &[u8]) {
    let file = |name: &str, bytes: &[u8]| {
        let path = folder.join(name);
        std::fs::write(&path, bytes).expect("a file");
        path
    };
    let settings = format!(
        "SAY {LOADER_SAYS}\nDEFAULT amoeba\nPROMPT 0\nLABEL amoeba\n  KERNEL mboot.c32\n  APPEND kernel.elf\n"
    );
    let own = [
        file("syslinux.cfg", settings.as_bytes()),
        file("kernel.elf", kernel),
    ];
    let modules = ["mboot.c32", "libcom32.c32"].map(|name| Path::new(MODULES).join(name));
    for path in own.iter().chain(&modules) {
        run("mcopy", &["-i", volume, path_text(path), "::"]);
    }
}

/// A floppy of so many KB: 1440, 1200 or 720.
pub(crate) fn floppy(folder: &Path, kilobytes: &str, kernel: &[u8]) -> PathBuf {
    let image = folder.join("floppy.img");
    let name = path_text(&image);
    run("mformat", &["-C", "-f", kilobytes, "-i", name, "::"]);
    run("syslinux", &["--install", name]);
    fill(folder, name, kernel);
    image
}

/// A disk with a master boot record and one active partition.
pub(crate) fn disk(folder: &Path, kernel: &[u8]) -> PathBuf {
    let code = std::fs::read(BOOT_RECORD).expect("the boot record of SYSLINUX");
    let (image, volume) = partitioned(folder, &code, PARTITION_START);
    let offset = (PARTITION_START * 512).to_string();
    run("syslinux", &["--install", "--offset", &offset, path_text(&image)]);
    fill(folder, &volume, kernel);
    image
}

/// A disk that begins with `code` and has one active FAT partition, from sector `start` to its end; gives also what mtools
/// call that volume.
pub(crate) fn partitioned(folder: &Path, code: &[u8], start: u32) -> (PathBuf, String) {
    let image = folder.join("disk.img");
    let sectors = CYLINDERS * HEADS * SECTORS_PER_TRACK;
    let mut bytes = vec![0; sectors as usize * 512];
    bytes[..code.len()].copy_from_slice(code);
    bytes[446..462].copy_from_slice(&partition(start, sectors - start));
    bytes[462..510].fill(0);
    bytes[510..512].copy_from_slice(&[0x55, 0xAA]);
    std::fs::write(&image, bytes).expect("a file");
    let volume = format!("{}@@{}", path_text(&image), start * 512);
    let [heads, track] = [HEADS, SECTORS_PER_TRACK].map(|number| number.to_string());
    let (total, hidden) = ((sectors - start).to_string(), start.to_string());
    let format = [
        "-i", &volume, "-h", &heads, "-s", &track, "-T", &total, "-H", &hidden, "::",
    ];
    run("mformat", &format);
    (image, volume)
}

/// The entry of the partition table: active, FAT16.
fn partition(start: u32, sectors: u32) -> [u8; 16] {
    let place = |sector: u32| {
        let (track, sector) = (sector / SECTORS_PER_TRACK, sector % SECTORS_PER_TRACK + 1);
        let (cylinder, head) = (track / HEADS, track % HEADS);
        [head as u8, (sector | (cylinder >> 8) << 6) as u8, cylinder as u8]
    };
    let mut entry = [0; 16];
    entry[0] = 0x80;
    entry[1..4].copy_from_slice(&place(start));
    entry[4] = 0x06;
    entry[5..8].copy_from_slice(&place(start + sectors - 1));
    entry[8..12].copy_from_slice(&start.to_le_bytes());
    entry[12..].copy_from_slice(&sectors.to_le_bytes());
    entry
}
