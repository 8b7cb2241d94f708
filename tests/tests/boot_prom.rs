//! The boot PROM of a 3C503 comes back when the address in its vector pointer is read: FFFF0h, which a warm boot jumps to,
//! and which the ROM of the board answers.

use std::sync::Arc;

use clock::Span;
use iced_x86::IcedError;
use iced_x86::code_asm::{CodeAssembler, al, ax, byte_ptr, ds, es};
use tests::{Memory, build, lab_in, output, post, rom, run_for};

/// A PC that starts in `bios`, with a card at 280h, its window at CC000h and a PROM of the bytes 55h, AAh.
fn run(bios: Arc<[u8]>) -> Memory {
    let folder = tempfile::tempdir().expect("a folder");
    std::fs::write(folder.path().join("bios.rom"), &bios).expect("a file");
    std::fs::write(folder.path().join("boot.rom"), [0x55, 0xAA]).expect("a file");
    let text = r#"
format = 1
[lab]
name = "prom"
[image.bios]
path = "bios.rom"
[image.prom]
path = "boot.rom"
[segment.ether0]
kind = "10base2"
length = "30m"
[machine.pc]
memory = "2MB"
bios = { image = "bios", shutdown = "stop" }
[[machine.pc.card]]
type = "3c503"
segment = "ether0"
io = 0x280
irq = 3
ram = 0xCC000
mac = "02:60:8c:00:00:01"
prom = { image = "prom" }
"#;
    let mut runtime = build(&lab_in(folder.path(), text));
    run_for(&mut runtime, Span::from_milliseconds(20), 1).1
}

/// The card out of reset, memory in its window, which begins with 77h, and the vector pointer at `address`.
fn show_memory(a: &mut CodeAssembler, address: u32) -> Result<(), IcedError> {
    let [low, middle, high, _] = (address << 4).to_le_bytes();
    for (register, value) in [(6, 0x02), (5, 0x49), (0xB, high), (0xC, middle), (0xD, low)] {
        output(a, 0x680 + register, value)?;
    }
    a.mov(ax, 0xCC00)?;
    a.mov(ds, ax)?;
    a.mov(ax, 0xF000)?;
    a.mov(es, ax)?;
    a.mov(byte_ptr(0), 0x77)
}

/// Tells the first byte of the window.
fn tell_window(a: &mut CodeAssembler) -> Result<(), IcedError> {
    a.mov(al, byte_ptr(0))?;
    post(a)
}

#[test]
fn a_read_of_the_vector_shows_the_prom_and_a_read_beside_it_does_not() {
    let bios = rom(
        64,
        |a| {
            show_memory(a, 0xF_FFF0)?;
            for offset in [0xFFEF, 0xFFF1, 0xFFF0] {
                a.mov(al, byte_ptr(offset).es())?;
                post(a)?;
                tell_window(a)?;
            }
            // The ROM is memory again; then the driver watches once more, elsewhere.
            show_memory(a, 0xF_8000)?;
            a.mov(al, byte_ptr(0xFFF0).es())?;
            tell_window(a)?;
            a.mov(al, byte_ptr(0x8000).es())?;
            tell_window(a)?;
            a.hlt()
        },
        |a| a.hlt(),
    );
    // The ROM holds a far jump at FFFF0h.
    assert_eq!(
        run(bios).codes(0),
        [0xFF, 0x77, 0x00, 0x77, 0xEA, 0x55, 0x77, 0x55]
    );
}

#[test]
fn a_warm_boot_begins_with_the_prom_in_its_window() {
    let bios = rom(
        64,
        |a| {
            let mut again = a.create_label();
            a.mov(ax, 0)?;
            a.mov(ds, ax)?;
            a.cmp(byte_ptr(0x500), 0)?;
            a.jne(again)?;
            a.mov(byte_ptr(0x500), 1)?;
            show_memory(a, 0xF_FFF0)?;
            tell_window(a)?;
            a.db(&[0xEA, 0x00, 0x00, 0xFF, 0xFF])?;
            a.set_label(&mut again)?;
            a.mov(ax, 0xCC00)?;
            a.mov(ds, ax)?;
            tell_window(a)?;
            a.hlt()
        },
        |a| a.hlt(),
    );
    assert_eq!(run(bios).codes(0), [0x77, 0x55]);
}
