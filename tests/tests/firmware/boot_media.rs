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
const PARTITION_SECTORS: u32 = CYLINDERS * HEADS * SECTORS_PER_TRACK - PARTITION_START;

/// What the loader shows before it loads the kernel.
pub(crate) const LOADER_SAYS: &str = "loaded by SYSLINUX";

fn run(program: &str, arguments: &[&str]) {
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

fn path_text(path: &Path) -> &str {
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

/// A floppy of 1.44 MB.
pub(crate) fn floppy(folder: &Path, kernel: &[u8]) -> PathBuf {
    let image = folder.join("floppy.img");
    let name = path_text(&image);
    run("mformat", &["-C", "-f", "1440", "-i", name, "::"]);
    run("syslinux", &["--install", name]);
    fill(folder, name, kernel);
    image
}

/// A disk with a master boot record and one active partition.
pub(crate) fn disk(folder: &Path, kernel: &[u8]) -> PathBuf {
    let image = folder.join("disk.img");
    let mut bytes = vec![0; (CYLINDERS * HEADS * SECTORS_PER_TRACK) as usize * 512];
    let code = std::fs::read(BOOT_RECORD).expect("the boot record of SYSLINUX");
    bytes[..code.len()].copy_from_slice(&code);
    bytes[446..462].copy_from_slice(&partition());
    bytes[510..512].copy_from_slice(&[0x55, 0xAA]);
    std::fs::write(&image, bytes).expect("a file");
    let name = path_text(&image);
    let offset = (PARTITION_START * 512).to_string();
    let volume = format!("{name}@@{offset}");
    let [heads, sectors] = [HEADS, SECTORS_PER_TRACK].map(|number| number.to_string());
    let (total, hidden) = (PARTITION_SECTORS.to_string(), PARTITION_START.to_string());
    let format = [
        "-i", &volume, "-h", &heads, "-s", &sectors, "-T", &total, "-H", &hidden, "::",
    ];
    run("mformat", &format);
    run("syslinux", &["--install", "--offset", &offset, name]);
    fill(folder, &volume, kernel);
    image
}

/// The entry of the partition table: active, FAT16, from the second track to the end.
fn partition() -> [u8; 16] {
    let place = |sector: u32| {
        let (track, sector) = (sector / SECTORS_PER_TRACK, sector % SECTORS_PER_TRACK + 1);
        let (cylinder, head) = (track / HEADS, track % HEADS);
        [head as u8, (sector | (cylinder >> 8) << 6) as u8, cylinder as u8]
    };
    let mut entry = [0; 16];
    entry[0] = 0x80;
    entry[1..4].copy_from_slice(&place(PARTITION_START));
    entry[4] = 0x06;
    entry[5..8].copy_from_slice(&place(PARTITION_START + PARTITION_SECTORS - 1));
    entry[8..12].copy_from_slice(&PARTITION_START.to_le_bytes());
    entry[12..].copy_from_slice(&PARTITION_SECTORS.to_le_bytes());
    entry
}
