//! Firmware and boot loaders that nobody here wrote: the BIOS of Bochs (`bochsbios`), a VGA BIOS (`vgabios`), SYSLINUX and GRUB,
//! all from Debian, on our board. They test themselves, find what is fitted, and boot our kernel from a disk and from a
//! floppy. Programs in `programs`, assembled with nasm, ask what others of the time ask of a BIOS and of the chips.
//!
//! Without these packages the tests say so and pass; with `AMLAB_REQUIRE_FIRMWARE=1` they fail.

mod boot_media;
mod grub;
mod programs;

use std::path::Path;

use clock::{Instant, Span};
use iced_x86::IcedError;
use iced_x86::code_asm::{CodeAssembler, ah, al, ax, bx, ch, cl, dl, dx, si};
use machines::lab::Lab;
use machines::runtime::Runtime;
use tests::{Memory, build, lab_in, tell};

const BIOS: &str = "/usr/share/bochs/BIOS-bochs-legacy";
const VGA_BIOS: &str = "/usr/share/vgabios/vgabios.bin";

/// Where the BIOS does not write by itself.
const POST_PORT: u16 = 0x190;

/// Programs and files that the tests need, with the Debian package of each.
const NEEDED: [(&str, &str); 7] = [
    (BIOS, "bochsbios"),
    (VGA_BIOS, "vgabios"),
    ("/usr/bin/mformat", "mtools"),
    ("/usr/bin/mcopy", "mtools"),
    ("/usr/bin/syslinux", "syslinux"),
    ("/usr/lib/syslinux/mbr/mbr.bin", "syslinux-common"),
    ("/usr/lib/syslinux/modules/bios/mboot.c32", "syslinux-common"),
];

/// Whether everything is there; if not, says what to install.
fn is_firmware_there() -> bool {
    are_there(&[])
}

/// The same with `more` programs and files.
fn are_there(more: &[(&str, &'static str)]) -> bool {
    let mut missing: Vec<&str> = NEEDED
        .iter()
        .chain(more)
        .filter(|(path, _)| !Path::new(path).exists())
        .map(|&(_, package)| package)
        .collect();
    missing.dedup();
    if missing.is_empty() {
        return true;
    }
    let advice = format!("apt-get install {}", missing.join(" "));
    assert!(
        std::env::var_os("AMLAB_REQUIRE_FIRMWARE").is_none(),
        "firmware is missing: {advice}"
    );
    tell(&format!(
        "skipped: firmware of Debian is not installed: {advice}\n"
    ));
    false
}

/// A 386/40 with both BIOSes; `settings` are more of its settings, `images` more images.
fn pc(folder: &Path, images: &str, settings: &str) -> Lab {
    pc_with("4MB", folder, images, settings)
}

/// What SYSLINUX needs to load our kernel: beside the kernel's file and its image its own modules have to have room.
const MEMORY_FOR_SYSLINUX: &str = "8MB";

/// The same with so much memory.
fn pc_with(memory: &str, folder: &Path, images: &str, settings: &str) -> Lab {
    let text = format!(
        r#"
format = 1
[lab]
name = "firmware"
[image.bios]
path = "{BIOS}"
[image.vga-bios]
path = "{VGA_BIOS}"
{images}
[machine.pc]
memory = "{memory}"
bios = {{ image = "bios" }}
post_port = {POST_PORT}
{settings}
[[machine.pc.rom]]
image = "vga-bios"
at = 0xC0000
"#
    );
    lab_in(folder, &text)
}

/// Runs until the console has said `words`, for `limit` at most; returns all that it said.
fn run_until(runtime: &mut Runtime, words: &str, limit: Span) -> String {
    let mut memory = Memory::default();
    tests::run_until(runtime, &mut memory, Instant::START + limit, 1, |memory| {
        memory.console(0).contains(words)
    });
    memory.console(0)
}

fn screen(runtime: &Runtime) -> String {
    runtime.machines()[0].screen().join("\n")
}

/// What a BIOS call answers, as the boot sector below tells it.
struct Found {
    /// INT 12h: KB of base memory, and INT 15h, AH = 88h: KB above 1 MB.
    base: u16,
    extended: u16,
    /// INT 11h.
    equipment: u16,
    /// INT 13h, AH = 8, DL = 0: BL, CH, CL, DH and DL.
    floppy: [u8; 5],
    /// The same for DL = 80h.
    disk: [u8; 5],
}

/// A boot sector that asks the BIOS for everything it has found, tells it byte for byte as POST codes, and halts.
fn asking_boot_sector() -> Vec<u8> {
    let assemble = || -> Result<Vec<u8>, IcedError> {
        let mut a = CodeAssembler::new(16)?;
        let tell_ax = |a: &mut CodeAssembler| {
            a.mov(dx, u32::from(POST_PORT))?;
            a.out(dx, al)?;
            a.mov(al, ah)?;
            a.out(dx, al)
        };
        a.int(0x12)?;
        tell_ax(&mut a)?;
        a.mov(ah, 0x88)?;
        a.int(0x15)?;
        tell_ax(&mut a)?;
        a.int(0x11)?;
        tell_ax(&mut a)?;
        for drive in [0x00, 0x80] {
            a.mov(ah, 0x08)?;
            a.mov(dl, drive)?;
            a.int(0x13)?;
            a.mov(ax, bx)?;
            a.mov(si, dx)?;
            a.mov(dx, u32::from(POST_PORT))?;
            a.out(dx, al)?;
            a.mov(al, ch)?;
            a.out(dx, al)?;
            a.mov(al, cl)?;
            a.out(dx, al)?;
            a.mov(ax, si)?;
            a.mov(al, ah)?;
            a.out(dx, al)?;
            a.mov(ax, si)?;
            a.out(dx, al)?;
        }
        a.cli()?;
        a.hlt()?;
        a.assemble(0x7C00)
    };
    let mut sector = assemble().expect("a boot sector that can be assembled");
    sector.resize(512, 0);
    sector[510..].copy_from_slice(&[0x55, 0xAA]);
    sector
}

/// Boots that sector from the disk, with an empty floppy drive beside it.
fn what_the_bios_has_found() -> (Found, String) {
    let folder = tempfile::tempdir().expect("a folder");
    let mut disk = asking_boot_sector();
    disk.resize(40 * 16 * 63 * 512, 0);
    std::fs::write(folder.path().join("disk.img"), disk).expect("a file");
    let images = "[image.disk]\npath = \"disk.img\"\n";
    let settings =
        "boot = { from = \"disk\" }\n[[machine.pc.floppy]]\n[[machine.pc.disk]]\nimage = \"disk\"\n";
    let mut runtime = build(&pc(folder.path(), images, settings));
    let mut memory = Memory::default();
    runtime.run(Instant::START + Span::from_seconds(60), 1, &mut memory);
    let screen = screen(&runtime);
    assert_eq!(memory.stops(), 1, "{screen}");
    let codes = memory.codes(0);
    let bytes = &codes[codes.len() - 16..];
    let word = |at: usize| u16::from_le_bytes([bytes[at], bytes[at + 1]]);
    let found = Found {
        base: word(0),
        extended: word(2),
        equipment: word(4),
        floppy: std::array::from_fn(|index| bytes[6 + index]),
        disk: std::array::from_fn(|index| bytes[11 + index]),
    };
    (found, screen)
}

#[test]
fn the_bios_of_bochs_passes_its_tests_and_finds_memory_floppy_and_disk() {
    if !is_firmware_there() {
        return;
    }
    let (found, screen) = what_the_bios_has_found();
    // It keeps 1 KB for itself.
    assert_eq!((found.base, found.extended), (639, 3 << 10));
    // A floppy drive, one of them, and a display with its own BIOS that starts in 80 columns, colour.
    assert_eq!(found.equipment & 0x00F1, 0x0021, "{:04x}", found.equipment);
    // A drive of 1.44 MB: 80 cylinders, 18 sectors, 2 heads; one drive.
    assert_eq!(found.floppy, [4, 79, 18, 1, 1]);
    // 40 cylinders of 16 heads and 63 sectors, by their last numbers; one disk.
    assert_eq!(found.disk[1..], [39, 63, 15, 1]);
    assert!(
        screen.contains("ata0 master: GENERIC 1992 ATA-0 Hard-Disk (  19 MBytes)"),
        "{screen}"
    );
    assert!(screen.contains("Booting from Hard Disk..."), "{screen}");
}

/// Boots our kernel from a floppy of so many KB, in the drive of that kind.
fn boots_from_floppy(kilobytes: &str, kind: &str) {
    if !is_firmware_there() {
        return;
    }
    let folder = tempfile::tempdir().expect("a folder");
    let kernel = machines::image::builtin("kernel").expect("the kernel");
    boot_media::floppy(folder.path(), kilobytes, kernel);
    let images = "[image.floppy]\npath = \"floppy.img\"\n";
    let drive = format!("[[machine.pc.floppy]]\nimage = \"floppy\"\nkind = \"{kind}\"\n");
    let mut runtime = build(&pc_with(MEMORY_FOR_SYSLINUX, folder.path(), images, &drive));
    let console = run_until(&mut runtime, "kernel ready", Span::from_seconds(300));
    assert!(
        console.contains("kernel ready"),
        "{console}\n{}",
        screen(&runtime)
    );
}

#[test]
fn a_floppy_with_syslinux_boots_our_kernel() {
    boots_from_floppy("1440", "1.44MB");
}

#[test]
fn a_floppy_of_1_2_mb_boots_our_kernel() {
    boots_from_floppy("1200", "1.2MB");
}

#[test]
fn a_disk_with_syslinux_boots_our_kernel() {
    if !is_firmware_there() {
        return;
    }
    let folder = tempfile::tempdir().expect("a folder");
    let kernel = machines::image::builtin("kernel").expect("the kernel");
    boot_media::disk(folder.path(), kernel);
    let images = "[image.disk]\npath = \"disk.img\"\n";
    let mut runtime = build(&pc_with(
        MEMORY_FOR_SYSLINUX,
        folder.path(),
        images,
        "[[machine.pc.disk]]\nimage = \"disk\"\n",
    ));
    let console = run_until(&mut runtime, "kernel ready", Span::from_seconds(60));
    assert!(
        console.contains("kernel ready"),
        "{console}\n{}",
        screen(&runtime)
    );
}

#[test]
fn two_machines_that_boot_from_disk_and_floppy_end_the_same_with_one_thread_and_with_two() {
    if !is_firmware_there() {
        return;
    }
    let folder = tempfile::tempdir().expect("a folder");
    let kernel = machines::image::builtin("kernel").expect("the kernel");
    boot_media::disk(folder.path(), kernel);
    boot_media::floppy(folder.path(), "1440", kernel);
    let images = "[image.disk]\npath = \"disk.img\"\n[image.floppy]\npath = \"floppy.img\"\n";
    let settings =
        "count = 2\n[[machine.pc.floppy]]\nimage = \"floppy\"\n[[machine.pc.disk]]\nimage = \"disk\"\n";
    let lab = pc(folder.path(), images, settings);
    let hash = |threads: usize| {
        let mut runtime = build(&lab);
        let mut memory = Memory::default();
        runtime.run(Instant::START + Span::from_seconds(8), threads, &mut memory);
        assert!(screen(&runtime).contains("SYSLINUX"), "{}", screen(&runtime));
        runtime.trace_hash()
    };
    assert_eq!(hash(1), hash(2));
}
