//! Floppies and disks as a guest meets them: data through DMA and through the 16-bit data port, the time that both take
//! from the processor, what becomes of writes, and a power cut.

use std::path::Path;

use clock::{Instant, Span};
use iced_x86::IcedError;
use iced_x86::code_asm::{CodeAssembler, al, byte_ptr, cl, dx, eax, ecx, edi, edx, esi, esp};
use machines::image::ImageBytes;
use machines::machine::{PowerEvent, TornSector};
use machines::runtime::{Runtime, What};
use proptest::prelude::*;
use tests::{Memory, guest, input, kernel, lab_in, output, post, run_for, sleep};

type Asm<'a> = &'a mut CodeAssembler;

/// Where the guest has what it reads and writes.
const BUFFER: u32 = 0x8000;
const STACK: u32 = 0x1F_0000;
/// Ten cylinders of 16 heads and 63 sectors.
const DISK_SECTORS: usize = 10 * 16 * 63;

/// Sector `number` of every image.
fn sector(number: usize) -> [u8; 512] {
    std::array::from_fn(|index| (number * 7 + index * 3 + index / 256) as u8)
}

fn image(sectors: usize) -> Vec<u8> {
    (0..sectors).flat_map(sector).collect()
}

/// One 386/40 with the floppy `floppy.img` and the disk `disk.img` of `folder`, both with this access, that runs `write`.
fn pc(folder: &Path, access: &str, write: impl FnOnce(Asm<'_>) -> Result<(), IcedError>) -> Runtime {
    let guest = guest(|a| {
        a.mov(esp, STACK)?;
        write(a)
    });
    pc_with_kernel(folder, access, guest.into())
}

fn pc_with_kernel(folder: &Path, access: &str, kernel: ImageBytes) -> Runtime {
    let files = [("floppy.img", 2880), ("disk.img", DISK_SECTORS)];
    for (name, sectors) in files {
        let path = folder.join(name);
        if !path.exists() {
            std::fs::write(path, image(sectors)).expect("a file");
        }
    }
    let [floppy, disk] = files.map(|(name, _)| format!("path = \"{name}\"\naccess = \"{access}\""));
    pc_with_images(folder, &floppy, &disk, kernel)
}

/// The same with these words about its images.
fn pc_with_images(folder: &Path, floppy: &str, disk: &str, kernel: ImageBytes) -> Runtime {
    let text = format!(
        r#"
format = 1
[lab]
name = "disks"
[image.kernel]
path = "builtin:kernel"
[image.floppy]
{floppy}
[image.disk]
{disk}
[machine.pc]
memory = "2MB"
boot = {{ image = "kernel" }}
disk_controller = "ata-1"
floppy_controller = "82077aa"
[[machine.pc.floppy]]
image = "floppy"
[[machine.pc.disk]]
image = "disk"
"#
    );
    let lab = lab_in(folder, &text);
    let mut images = machines::image::load_all(&lab).expect("images that are there");
    images[0] = kernel;
    Runtime::build(&lab, &images).expect("a lab that can be built")
}

fn run(runtime: &mut Runtime) -> Memory {
    run_for(runtime, Span::from_seconds(3), 1).1
}

/// Waits until `port` has all of `ones` set of the bits in `mask`.
fn wait_for(a: Asm<'_>, port: u16, mask: u32, ones: u32) -> Result<(), IcedError> {
    let mut again = a.create_label();
    a.set_label(&mut again)?;
    input(a, port)?;
    a.and(eax, mask)?;
    a.cmp(eax, ones)?;
    a.jne(again)
}

/// Channel 2 is going to write a sector of the floppy to `address`.
fn prepare_dma(a: Asm<'_>, address: u32) -> Result<(), IcedError> {
    prepare_dma_mode(a, address, 0x46)
}

/// Channel 2 is going to move a sector between the floppy and `address`, with this mode.
fn prepare_dma_mode(a: Asm<'_>, address: u32, mode: u8) -> Result<(), IcedError> {
    let [low, high, page, _] = address.to_le_bytes();
    let writes = [
        (0x0A, 0x06),
        (0x0C, 0),
        (0x04, low),
        (0x04, high),
        (0x05, 0xFF),
        (0x05, 0x01),
        (0x0B, mode),
        (0x81, page),
        (0x0A, 0x02),
    ];
    writes
        .into_iter()
        .try_for_each(|(port, value)| output(a, port, value))
}

/// Starts the motor, sets rate and step times, and reads sector `number` (from 1) of the first track.
fn start_floppy_read(a: Asm<'_>, number: u8) -> Result<(), IcedError> {
    start_floppy(a, 0x46, number)
}

fn start_floppy(a: Asm<'_>, command: u8, number: u8) -> Result<(), IcedError> {
    output(a, 0x3F2, 0x1C)?;
    output(a, 0x3F7, 0x00)?;
    for byte in [0x03, 0xDF, 0x02, command, 0, 0, 0, number, 2, 18, 0x1B, 0xFF] {
        wait_for(a, 0x3F4, 0xC0, 0x80)?;
        output(a, 0x3F5, byte)?;
    }
    Ok(())
}

fn end_floppy_read(a: Asm<'_>) -> Result<(), IcedError> {
    for _ in 0..7 {
        wait_for(a, 0x3F4, 0xD0, 0xD0)?;
        input(a, 0x3F5)?;
    }
    Ok(())
}

/// Tells the test `count` bytes of memory.
fn tell_bytes(a: Asm<'_>, address: u32, count: u32) -> Result<(), IcedError> {
    let mut again = a.create_label();
    a.mov(esi, address)?;
    a.mov(ecx, count)?;
    a.set_label(&mut again)?;
    a.mov(al, byte_ptr(esi))?;
    post(a)?;
    a.inc(esi)?;
    a.loop_(again)
}

/// Gives the disk a command for one sector, by its number from 0.
fn disk_command(a: Asm<'_>, sector: u32, command: u8) -> Result<(), IcedError> {
    let [low, middle, high, _] = sector.to_le_bytes();
    wait_for(a, 0x1F7, 0xC0, 0x40)?;
    let registers = [
        (0x3F6, 0x02),
        (0x1F6, 0xE0),
        (0x1F2, 1),
        (0x1F3, low),
        (0x1F4, middle),
        (0x1F5, high),
        (0x1F7, command),
    ];
    registers
        .into_iter()
        .try_for_each(|(port, value)| output(a, port, value))
}

/// Reads a sector to [`BUFFER`].
fn disk_read(a: Asm<'_>, sector: u32) -> Result<(), IcedError> {
    disk_command(a, sector, 0x20)?;
    wait_for(a, 0x1F7, 0x88, 0x08)?;
    a.mov(edi, BUFFER)?;
    a.mov(ecx, 256)?;
    a.mov(edx, 0x1F0)?;
    a.cld()?;
    a.rep().insw()
}

/// Writes a sector of bytes `value`; it is on the disk when the guest goes on.
fn disk_write(a: Asm<'_>, sector: u32, value: u8) -> Result<(), IcedError> {
    disk_command(a, sector, 0x30)?;
    wait_for(a, 0x1F7, 0x88, 0x08)?;
    a.mov(edi, BUFFER)?;
    a.mov(al, u32::from(value))?;
    a.mov(ecx, 512)?;
    a.cld()?;
    a.rep().stosb()?;
    a.mov(esi, BUFFER)?;
    a.mov(ecx, 256)?;
    a.mov(edx, 0x1F0)?;
    a.rep().outsw()?;
    wait_for(a, 0x1F7, 0x80, 0)
}

#[test]
fn dma_brings_a_sector_of_a_floppy_into_memory() {
    let folder = tempfile::tempdir().expect("a folder");
    let mut runtime = pc(folder.path(), "overlay", |a| {
        prepare_dma(a, BUFFER)?;
        start_floppy_read(a, 5)?;
        end_floppy_read(a)?;
        tell_bytes(a, BUFFER, 512)?;
        sleep(a)
    });
    assert_eq!(run(&mut runtime).codes(0), sector(4));
}

#[test]
fn dma_takes_a_sector_from_memory_to_a_floppy() {
    let folder = tempfile::tempdir().expect("a folder");
    let mut runtime = pc(folder.path(), "direct", |a| {
        a.mov(edi, BUFFER)?;
        a.mov(ecx, 128)?;
        a.mov(eax, 0xDDCC_BBAA_u32)?;
        a.cld()?;
        a.rep().stosd()?;
        prepare_dma_mode(a, BUFFER, 0x4A)?;
        start_floppy(a, 0x45, 9)?;
        end_floppy_read(a)?;
        sleep(a)
    });
    run(&mut runtime);
    let floppy = std::fs::read(folder.path().join("floppy.img")).expect("the floppy");
    assert_eq!(floppy[8 * 512..9 * 512], [0xAA, 0xBB, 0xCC, 0xDD].repeat(128));
    assert_eq!(floppy[9 * 512..10 * 512], sector(9));
}

/// How long the guest takes for a loop, in which DMA brings a sector or does not.
fn loop_time(with_dma: bool) -> Span {
    let folder = tempfile::tempdir().expect("a folder");
    let mut runtime = pc(folder.path(), "overlay", |a| {
        // Masked, the channel is not served, and everything else is the same.
        prepare_dma(a, BUFFER)?;
        output(a, 0x0A, if with_dma { 0x02 } else { 0x06 })?;
        start_floppy_read(a, 5)?;
        post(a)?;
        let mut again = a.create_label();
        a.mov(ecx, 4_000_000)?;
        a.set_label(&mut again)?;
        a.dec(ecx)?;
        a.jnz(again)?;
        post(a)?;
        sleep(a)
    });
    let posts = run(&mut runtime).posts(0);
    posts[1].0.since(posts[0].0)
}

#[test]
fn every_byte_of_dma_holds_the_processor_for_12_bus_clocks() {
    let difference = loop_time(true).saturating_sub(loop_time(false)).nanoseconds();
    // 512 times 1.5 us, each rounded up to a cycle of 25 ns.
    assert!(
        (768_000..=768_000 + 512 * 25).contains(&difference),
        "{difference} ns"
    );
}

#[test]
fn code_that_dma_has_written_is_executed() {
    let folder = tempfile::tempdir().expect("a folder");
    let mut floppy = image(2880);
    // MOV AL, 2; RET
    floppy[4 * 512..4 * 512 + 3].copy_from_slice(&[0xB0, 0x02, 0xC3]);
    std::fs::write(folder.path().join("floppy.img"), floppy).expect("a file");
    let mut runtime = pc(folder.path(), "overlay", |a| {
        for (offset, byte) in [(0, 0xB0), (1, 0x01), (2, 0xC3)] {
            a.mov(byte_ptr(BUFFER + offset), byte)?;
        }
        a.mov(edi, BUFFER)?;
        for _ in 0..2 {
            a.call(edi)?;
            post(a)?;
        }
        prepare_dma(a, BUFFER)?;
        start_floppy_read(a, 5)?;
        end_floppy_read(a)?;
        a.call(edi)?;
        post(a)?;
        sleep(a)
    });
    assert_eq!(run(&mut runtime).codes(0), [1, 1, 2]);
}

#[test]
fn a_sector_of_a_disk_comes_through_the_data_port_in_words_of_5_bus_clocks() {
    let folder = tempfile::tempdir().expect("a folder");
    let mut runtime = pc(folder.path(), "readonly", |a| {
        disk_command(a, 1000, 0x20)?;
        wait_for(a, 0x1F7, 0x88, 0x08)?;
        a.mov(edi, BUFFER)?;
        a.mov(ecx, 256)?;
        a.cld()?;
        post(a)?;
        a.mov(edx, 0x1F0)?;
        a.rep().insw()?;
        post(a)?;
        tell_bytes(a, BUFFER, 512)?;
        sleep(a)
    });
    let memory = run(&mut runtime);
    assert_eq!(memory.codes(0)[2..], sector(1000));
    let posts = memory.posts(0);
    let span = posts[1].0.since(posts[0].0).nanoseconds();
    // 256 words of 625 ns, and the cycle that tells their beginning, of 1 us.
    assert!((160_000..=162_000).contains(&span), "{span} ns");
}

#[test]
fn only_the_data_port_is_16_bits_wide_and_a_dword_reaches_the_registers_behind_it() {
    let folder = tempfile::tempdir().expect("a folder");
    let mut runtime = pc(folder.path(), "readonly", |a| {
        disk_command(a, 3, 0x20)?;
        wait_for(a, 0x1F7, 0x88, 0x08)?;
        a.mov(edi, BUFFER)?;
        a.mov(ecx, 256)?;
        a.mov(edx, 0x1F0)?;
        a.cld()?;
        a.rep().insd()?;
        tell_bytes(a, BUFFER, 1024)?;
        sleep(a)
    });
    let codes = run(&mut runtime).codes(0);
    let data: Vec<u8> = codes.chunks(4).flat_map(|dword| [dword[0], dword[1]]).collect();
    assert_eq!(data, sector(3));
    // Sector count and sector number; when the last word is gone the count is 0.
    let (last, others) = codes
        .chunks(4)
        .map(|dword| [dword[2], dword[3]])
        .rev()
        .collect::<Vec<_>>()
        .split_first()
        .map(|(last, others)| (*last, others.to_vec()))
        .expect("dwords");
    assert!(others.iter().all(|registers| *registers == [1, 3]), "{others:?}");
    assert_eq!(last, [0, 3]);
}

#[test]
fn a_byte_of_the_data_port_takes_the_low_half_of_a_word() {
    let folder = tempfile::tempdir().expect("a folder");
    let mut runtime = pc(folder.path(), "readonly", |a| {
        disk_command(a, 3, 0x20)?;
        wait_for(a, 0x1F7, 0x88, 0x08)?;
        for _ in 0..3 {
            input(a, 0x1F0)?;
            post(a)?;
        }
        sleep(a)
    });
    let expected = [sector(3)[0], sector(3)[2], sector(3)[4]];
    assert_eq!(run(&mut runtime).codes(0), expected);
}

#[test]
fn an_overlay_takes_writes_and_leaves_the_image_alone() {
    let folder = tempfile::tempdir().expect("a folder");
    let mut runtime = pc(folder.path(), "overlay", |a| {
        disk_write(a, 77, 0xAB)?;
        disk_read(a, 77)?;
        tell_bytes(a, BUFFER, 4)?;
        sleep(a)
    });
    let kept = tempfile::tempdir().expect("a folder");
    runtime.keep_overlays(kept.path()).expect("a file");
    assert_eq!(run(&mut runtime).codes(0), [0xAB; 4]);
    let original = std::fs::read(folder.path().join("disk.img")).expect("the image");
    assert!(original == image(DISK_SECTORS));
    let overlay = std::fs::read(kept.path().join("pc-disk0.overlay")).expect("the overlay");
    assert_eq!(overlay[77 * 512..78 * 512], [0xAB; 512]);
    assert_eq!(overlay[DISK_SECTORS * 512 + 77 / 8], 1 << (77 % 8));
}

#[test]
fn a_blank_disk_is_zeros_and_what_is_written_lies_in_the_run_folder_and_the_trace() {
    const SECTORS: usize = 40 << 11;
    let traces = [0xAB, 0xAC].map(|value| {
        let folder = tempfile::tempdir().expect("a folder");
        let guest = guest(|a| {
            a.mov(esp, STACK)?;
            disk_read(a, SECTORS as u32 - 1)?;
            tell_bytes(a, BUFFER, 2)?;
            disk_write(a, 77, value)?;
            disk_read(a, 77)?;
            tell_bytes(a, BUFFER, 2)?;
            sleep(a)
        });
        let disk = "blank = \"40MB\"";
        let mut runtime = pc_with_images(folder.path(), "blank = \"1440KB\"", disk, guest.into());
        runtime.keep_overlays(folder.path()).expect("a file");
        assert_eq!(run(&mut runtime).codes(0), [0, 0, value, value]);
        let overlay = std::fs::read(folder.path().join("pc-disk0.overlay")).expect("the overlay");
        assert_eq!(overlay.len(), SECTORS * 512 + SECTORS / 8);
        assert_eq!(overlay[77 * 512..78 * 512], [value; 512]);
        runtime.trace_hash()
    });
    assert_ne!(traces[0], traces[1]);
}

#[test]
fn a_direct_image_is_written_and_a_readonly_one_refuses() {
    for (access, status, expected) in [("direct", 0x50, [0xAB; 512]), ("readonly", 0x71, sector(77))] {
        let folder = tempfile::tempdir().expect("a folder");
        let mut runtime = pc(folder.path(), access, |a| {
            disk_command(a, 77, 0x30)?;
            let mut refused = a.create_label();
            let mut again = a.create_label();
            wait_for(a, 0x1F7, 0x80, 0)?;
            input(a, 0x1F7)?;
            a.test(al, 0x08)?;
            a.jz(refused)?;
            a.mov(ecx, 256)?;
            a.mov(edx, 0x1F0)?;
            a.mov(eax, 0xABAB)?;
            a.set_label(&mut again)?;
            a.out(dx, iced_x86::code_asm::ax)?;
            a.loop_(again)?;
            wait_for(a, 0x1F7, 0x80, 0)?;
            a.set_label(&mut refused)?;
            input(a, 0x1F7)?;
            post(a)?;
            sleep(a)
        });
        assert_eq!(run(&mut runtime).codes(0), [status], "{access}");
        let bytes = std::fs::read(folder.path().join("disk.img")).expect("the image");
        assert!(bytes[77 * 512..78 * 512] == expected, "{access}");
    }
}

/// Writes a sector and tells when it is on the disk; after the power has come back it is read instead.
fn writer(folder: &Path) -> Runtime {
    pc(folder, "direct", |a| {
        let mut again = a.create_label();
        let mut was_written = a.create_label();
        // The CMOS RAM, which has a battery, tells the second start from the first.
        output(a, 0x70, 0x70)?;
        input(a, 0x71)?;
        a.test(al, al)?;
        a.mov(cl, al)?;
        a.mov(al, 1)?;
        a.out(0x71, al)?;
        a.test(cl, cl)?;
        a.jnz(was_written)?;
        disk_write(a, 500, 0xCD)?;
        post(a)?;
        a.set_label(&mut again)?;
        a.hlt()?;
        a.jmp(again)?;
        a.set_label(&mut was_written)?;
        a.nop()?;
        disk_command(a, 500, 0x20)?;
        wait_for(a, 0x1F7, 0x80, 0)?;
        input(a, 0x1F7)?;
        post(a)?;
        sleep(a)
    })
}

#[test]
fn a_sector_that_a_power_cut_meets_is_old_or_new_or_unreadable() {
    let complete = {
        let folder = tempfile::tempdir().expect("a folder");
        run(&mut writer(folder.path())).posts(0)[0].0
    };
    // Well within the passage of the sector, 60 s / 3600 / 45 long; the guest learns of its end a little later.
    let cut = Instant::START
        + complete
            .since(Instant::START)
            .saturating_sub(Span::from_microseconds(150));
    let old = sector(500);
    for (torn, status, expected) in [
        (TornSector::Old, 0x58, old),
        (TornSector::New, 0x58, [0xCD; 512]),
        // ERR beside DRQ: the data come, such as they are (ATA-1, READ SECTORS).
        (TornSector::Unreadable, 0x59, old),
    ] {
        let folder = tempfile::tempdir().expect("a folder");
        let mut runtime = writer(folder.path());
        runtime.schedule_power(0, cut, PowerEvent::Off(torn));
        let back = cut + Span::from_seconds(1);
        runtime.schedule_power(0, back, PowerEvent::On);
        let (_, memory) = run_for(&mut runtime, Span::from_seconds(15), 1);
        let switched: Vec<_> = memory
            .happenings
            .iter()
            .filter_map(|happening| match happening.what {
                What::Power { machine: 0, is_on } => Some((happening.at, is_on)),
                _ => None,
            })
            .collect();
        let [(off_at, false), (on_at, true)] = switched[..] else {
            panic!("the observer hears of both: {switched:?}")
        };
        assert!(
            off_at >= cut && off_at.since(cut) < Span::from_microseconds(1),
            "{off_at}"
        );
        assert_eq!(on_at, back);
        let posts = memory.posts(0);
        assert_eq!(memory.codes(0), [status], "{torn:?}");
        assert!(
            posts[0].0 >= back + Span::from_seconds(10),
            "the disk gets to speed first"
        );
        let bytes = std::fs::read(folder.path().join("disk.img")).expect("the image");
        let place = 500 * 512;
        assert!(bytes[place..place + 512] == expected, "{torn:?}");
        let neighbours = [&bytes[place - 512..place], &bytes[place + 512..place + 1024]];
        assert!(neighbours == [sector(499), sector(501)], "{torn:?}");
    }
}

/// Ports of DMA, the floppy controller and the disks.
fn port() -> impl Strategy<Value = u16> {
    prop_oneof![
        0x00u16..0x10,
        0x80u16..0x90,
        0xC0u16..0xE0,
        0x3F0u16..0x3F8,
        0x1F0u16..0x1F8,
        Just(0x3F5),
        Just(0x1F0),
        Just(0x1F7),
    ]
}

/// `MOV DX, port; MOV EAX, value` and an access: a read or a write of 8, 16 or 32 bits.
fn access(code: &mut Vec<u8>, port: u16, value: u32, kind: usize) {
    const ACCESSES: [&[u8]; 6] = [&[0xEC], &[0xEE], &[0x66, 0xED], &[0x66, 0xEF], &[0xED], &[0xEF]];
    code.extend_from_slice(&[0x66, 0xBA]);
    code.extend_from_slice(&port.to_le_bytes());
    code.push(0xB8);
    code.extend_from_slice(&value.to_le_bytes());
    code.extend_from_slice(ACCESSES[kind]);
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 96, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn no_accesses_to_drives_and_dma_panic_or_hang_the_host(
        accesses in prop::collection::vec((port(), any::<u32>(), 0usize..6), 1..400),
    ) {
        let folder = tempfile::tempdir().expect("a folder");
        let mut code = Vec::new();
        // The cascade and the motor, so that what follows can come to something.
        for (port, value) in [(0xD6, 0xC0), (0xD4, 0), (0x0F, 0), (0x3F2, 0x1C), (0x3F7, 0)] {
            access(&mut code, port, value, 1);
        }
        for (port, value, kind) in accesses {
            access(&mut code, port, value, kind);
        }
        code.extend_from_slice(&[0xEB, 0xFE]);
        let mut runtime = pc_with_kernel(folder.path(), "overlay", kernel(&code).into());
        let (_, memory) = run_for(&mut runtime, Span::from_milliseconds(100), 1);
        prop_assert!(memory.stops() == 1 || runtime.now().nanoseconds() == 100_000_000);
    }
}
