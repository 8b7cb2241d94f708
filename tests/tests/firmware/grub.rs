//! GRUB 2 of Debian, which drives the processor in protected mode and all else through the BIOS: it tests itself, reads and
//! writes disk and floppy, and finds what is not there.

use std::path::Path;

use clock::{Instant, Span};
use tests::{Memory, build};

use super::boot_media::{SECOND_CYLINDER, partitioned, path_text, run};
use super::{are_there, pc, screen};

/// Where Debian has its images and modules.
const MODULES: &str = "/usr/lib/grub/i386-pc";

/// What it is told to do.
const SETTINGS: &str = "
serial --unit=0 --speed=115200
terminal_output serial
echo PCI
lspci
echo disks
ls
echo memory
lsmmap
echo files
cmp (hd0,msdos1)/data (fd0)/data
echo partition
hexdump -s 446 -n 16 (hd0)+1
parttool (hd0,msdos1) hidden+
hexdump -s 446 -n 16 (hd0)+1
echo clock
date
echo keyboard
terminal_input at_keyboard
terminal_input
echo tests
functional_test
echo halting
halt
";

/// The disk with GRUB before its partition, in which settings and `data` are.
fn disk(folder: &Path, data: &Path) {
    let core = folder.join("core.img");
    let modules = "biosdisk part_msdos fat normal serial terminal echo lspci ls lsmmap cmp hexdump parttool msdospart date at_keyboard \
                   functional_test halt";
    let mut arguments = vec![
        "-O",
        "i386-pc",
        "-d",
        MODULES,
        "-p",
        "(hd0,msdos1)/",
        "-o",
        path_text(&core),
    ];
    arguments.extend(modules.split_whitespace());
    run("grub-mkimage", &arguments);
    let mut code = std::fs::read(format!("{MODULES}/boot.img")).expect("the boot sector");
    code.extend(std::fs::read(&core).expect("what was made"));
    assert!(code.len() < SECOND_CYLINDER as usize * 512);
    let (_, volume) = partitioned(folder, &code, SECOND_CYLINDER);
    let settings = folder.join("grub.cfg");
    std::fs::write(&settings, SETTINGS).expect("a file");
    run(
        "mcopy",
        &["-i", &volume, path_text(&settings), path_text(data), "::"],
    );
}

#[test]
fn grub_passes_its_tests_and_reads_and_writes_disk_and_floppy() {
    let needed = [
        ("/usr/bin/grub-mkimage", "grub-common"),
        ("/usr/lib/grub/i386-pc/normal.mod", "grub-pc-bin"),
    ];
    if !are_there(&needed) {
        return;
    }
    let folder = tempfile::tempdir().expect("a folder");
    let data = folder.path().join("data");
    let bytes: Vec<u8> = (0..100_000_u32)
        .map(|index| (index / 7).wrapping_mul(index) as u8)
        .collect();
    std::fs::write(&data, bytes).expect("a file");
    disk(folder.path(), &data);
    let floppy = folder.path().join("floppy.img");
    run("mformat", &["-C", "-f", "1440", "-i", path_text(&floppy), "::"]);
    run("mcopy", &["-i", path_text(&floppy), path_text(&data), "::"]);

    let images = "[image.disk]\npath = \"disk.img\"\n[image.floppy]\npath = \"floppy.img\"\n";
    let settings = "boot = { from = \"disk\" }\n[[machine.pc.floppy]]\nimage = \"floppy\"\n\
                    [[machine.pc.disk]]\nimage = \"disk\"\n";
    let mut runtime = build(&pc(folder.path(), images, settings));
    let mut memory = Memory::default();
    runtime.run(Instant::START + Span::from_seconds(120), 1, &mut memory);
    let said = memory.console(0).replace('\r', "");
    let between = |from: &str, to: &str| {
        let text = said.split_once(&format!("{from}\n")).map(|(_, text)| text);
        let text = text.and_then(|text| text.split_once(to)).map(|(text, _)| text);
        text.unwrap_or_else(|| panic!("{said}\n{}", screen(&runtime)))
            .to_owned()
    };
    // No PCI bus answers, and nothing hangs.
    assert_eq!(between("PCI", "disks"), "");
    // It takes the boot sector of the floppy for one with a partition table.
    assert!(
        between("disks", "memory").starts_with("(hd0) (hd0,msdos1) (fd0)"),
        "{said}"
    );
    assert!(
        between("memory", "files").contains("base_addr = 0x100000, length = 0x300000, available RAM"),
        "{said}"
    );
    assert!(
        between("files", "partition").contains("The files are identical."),
        "{said}"
    );
    let partition = between("partition", "clock");
    assert!(partition.contains("80 00 01 01 06"), "{said}");
    assert!(partition.contains("80 00 01 01 16"), "{said}");
    assert!(between("clock", "keyboard").contains("1995-05-30 09:0"), "{said}");
    assert!(between("keyboard", "tests").contains("at_keyboard"), "{said}");
    assert!(between("tests", "halting").contains("ALL TESTS PASSED"), "{said}");
    assert_eq!(memory.stops(), 1, "{said}");
}
