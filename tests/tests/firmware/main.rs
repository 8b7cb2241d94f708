//! Firmware and boot loaders that nobody here wrote: the BIOS of Bochs (`bochsbios`), a VGA BIOS (`vgabios`) and SYSLINUX, all
//! from Debian, on our board. They test themselves, find what is fitted, and boot our kernel from a disk and from a floppy.
//!
//! Without these packages the tests say so and pass; with `AMLAB_REQUIRE_FIRMWARE=1` they fail.

mod boot_media;

use std::ops::ControlFlow;
use std::path::Path;

use clock::{Instant, Span};
use machines::lab::{self, Lab, LabSource};
use machines::runtime::{Happening, Observer, Runtime};
use tests::{Memory, tell};

const BIOS: &str = "/usr/share/bochs/BIOS-bochs-legacy";
const VGA_BIOS: &str = "/usr/share/vgabios/vgabios.bin";

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
    let mut missing: Vec<&str> = NEEDED
        .iter()
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
memory = "4MB"
bios = {{ image = "bios" }}
{settings}
[[machine.pc.rom]]
image = "vga-bios"
at = 0xC0000
"#
    );
    let source = LabSource::Text {
        name: "firmware.toml".into(),
        text,
        folder: folder.into(),
    };
    match lab::load(source, &[]) {
        Ok(loaded) => loaded.lab,
        Err(errors) => panic!("{}", errors.messages().render(false)),
    }
}

fn switch_on(lab: &Lab) -> Runtime {
    let images = machines::image::load_all(lab).expect("images that are there");
    Runtime::build(lab, &images).expect("a lab that can be built")
}

/// Remembers, and ends the run when the console has said what is waited for.
struct Until<'a> {
    words: &'a str,
    memory: Memory,
}

impl Observer for Until<'_> {
    fn window(&mut self, now: Instant, happenings: &[Happening]) -> ControlFlow<()> {
        let _ = self.memory.window(now, happenings);
        if !happenings.is_empty() && self.memory.console(0).contains(self.words) {
            return ControlFlow::Break(());
        }
        ControlFlow::Continue(())
    }
}

/// Runs until the console has said `words`, for `limit` at most; returns all that it said.
fn run_until(runtime: &mut Runtime, words: &str, limit: Span) -> String {
    let mut until = Until {
        words,
        memory: Memory::default(),
    };
    runtime.run(Instant::START + limit, 1, &mut until);
    until.memory.console(0)
}

fn screen(runtime: &Runtime) -> String {
    runtime.machines()[0].screen().join("\n")
}

#[test]
fn the_bios_of_bochs_passes_its_tests_and_finds_memory_floppy_and_disk() {
    if !is_firmware_there() {
        return;
    }
    let folder = tempfile::tempdir().expect("a folder");
    for (name, bytes) in [("floppy.img", 1440 << 10), ("disk.img", 40 * 16 * 63 * 512)] {
        std::fs::write(folder.path().join(name), vec![0; bytes]).expect("a file");
    }
    let images = "[image.floppy]\npath = \"floppy.img\"\n[image.disk]\npath = \"disk.img\"\n";
    let drives = "[[machine.pc.floppy]]\nimage = \"floppy\"\n[[machine.pc.disk]]\nimage = \"disk\"\n";
    let mut runtime = switch_on(&pc(folder.path(), images, drives));
    let mut memory = Memory::default();
    runtime.run(Instant::START + Span::from_seconds(10), 1, &mut memory);
    let screen = screen(&runtime);
    println!(
        "{screen}\ncodes {:x?}\nconsole {}",
        memory.codes(0),
        memory.console(0)
    );
    for words in ["GENERIC 1992", "( 19 MBytes)"] {
        assert!(screen.contains(words), "{words}:\n{screen}");
    }
}

#[test]
fn a_floppy_with_syslinux_boots_our_kernel() {
    if !is_firmware_there() {
        return;
    }
    let folder = tempfile::tempdir().expect("a folder");
    let kernel = machines::image::builtin("kernel").expect("the kernel");
    boot_media::floppy(folder.path(), kernel);
    let images = "[image.floppy]\npath = \"floppy.img\"\n";
    let mut runtime = switch_on(&pc(
        folder.path(),
        images,
        "[[machine.pc.floppy]]\nimage = \"floppy\"\n",
    ));
    let console = run_until(&mut runtime, "kernel ready", Span::from_seconds(90));
    assert!(
        console.contains("kernel ready"),
        "{console}\n{}",
        screen(&runtime)
    );
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
    let mut runtime = switch_on(&pc(
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
