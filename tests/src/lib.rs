//! What the whole-system tests share: small guests made by hand, labs made of text, and an observer that remembers.
//!
//! The tests themselves are in `tests/tests`, the benches in `tests/benches`. The comparison of the processor with this machine's
//! own is in [`silicon`], the one place with unsafe code.
#![deny(unsafe_code)]

pub mod benchmark;
pub mod intruder;
pub mod labelled_disk;
pub mod moves;
pub mod overheard;
pub mod silicon;

mod board;

use std::io::Write as _;
use std::ops::ControlFlow;
use std::sync::Arc;

pub use board::Board;

use clock::{Instant, Span};
use iced_x86::IcedError;
use iced_x86::code_asm::{CodeAssembler, al, ax, dword_ptr, dx, eax, edx, esp, ptr, word_ptr};
use machines::image::ImageBytes;
use machines::lab::{self, Lab, LabSource};
use machines::runtime::{Happening, Observer, RunEnd, Runtime, What};
use wire::{Capture, CaptureEvents, CaptureInfo};

/// Writes to the standard output past the test harness, which hides what a passing test prints.
///
/// # Panics
/// If there is no standard output.
pub fn tell(text: &str) {
    std::io::stdout()
        .lock()
        .write_all(text.as_bytes())
        .expect("a standard output");
}

/// Where [`kernel`] puts its code.
pub const ENTRY: u32 = 0x10_0000;

/// A Multiboot kernel whose code is `code`, loaded and entered at [`ENTRY`].
#[must_use]
pub fn kernel(code: &[u8]) -> Arc<[u8]> {
    kernel_at(ENTRY, code)
}

/// A Multiboot kernel that `write` assembles, loaded and entered at [`ENTRY`].
///
/// # Panics
/// If it cannot be assembled.
#[must_use]
pub fn guest(write: impl FnOnce(&mut CodeAssembler) -> Result<(), IcedError>) -> Arc<[u8]> {
    guest_at(ENTRY, write)
}

/// As [`guest`], loaded and entered at `entry`.
///
/// # Panics
/// If it cannot be assembled.
#[must_use]
pub fn guest_at(entry: u32, write: impl FnOnce(&mut CodeAssembler) -> Result<(), IcedError>) -> Arc<[u8]> {
    let assemble = || {
        let mut assembler = CodeAssembler::new(32)?;
        write(&mut assembler)?;
        assembler.assemble(entry.into())
    };
    kernel_at(entry, &assemble().expect("a guest that can be assembled"))
}

/// A ROM of `kilobytes` that begins with the 16-bit code that `write` assembles for F000:0000, where its reset vector leads.
/// At offset 8000h lies `protected`, 32-bit code for FFFF8000h, and at [`ROM_TABLE`] a pointer to a table of flat segments
/// (8 for code, 10h for data) for LGDT.
///
/// # Panics
/// If it cannot be assembled.
#[must_use]
pub fn rom(
    kilobytes: usize,
    write: impl FnOnce(&mut CodeAssembler) -> Result<(), IcedError>,
    protected: impl FnOnce(&mut CodeAssembler) -> Result<(), IcedError>,
) -> Arc<[u8]> {
    let assemble = || {
        let (mut real, mut flat) = (CodeAssembler::new(16)?, CodeAssembler::new(32)?);
        write(&mut real)?;
        protected(&mut flat)?;
        Ok::<_, IcedError>((real.assemble(0)?, flat.assemble(0xFFFF_8000)?))
    };
    let (real, flat) = assemble().expect("a ROM that can be assembled");
    let mut top = vec![0xFF_u8; 0x1_0000];
    let mut put = |at: usize, bytes: &[u8]| top[at..at + bytes.len()].copy_from_slice(bytes);
    put(0, &real);
    put(0x8000, &flat);
    let table = 0xF_0000 + u32::from(ROM_TABLE) + 8;
    put(ROM_TABLE.into(), &[23, 0]);
    put(usize::from(ROM_TABLE) + 2, &table.to_le_bytes());
    for (number, descriptor) in [0, 0x00CF_9B00_0000_FFFF, 0x00CF_9300_0000_FFFF_u64]
        .into_iter()
        .enumerate()
    {
        put(usize::from(ROM_TABLE) + 8 + 8 * number, &descriptor.to_le_bytes());
    }
    put(0xFFF0, &[0xEA, 0x00, 0x00, 0x00, 0xF0]);
    let mut rom = vec![0xFF; kilobytes << 10];
    let begin = rom.len() - top.len().min(rom.len());
    let shown = rom.len() - begin;
    rom[begin..].copy_from_slice(&top[top.len() - shown..]);
    rom.into()
}

/// Where [`rom`] has its pointer to a table of segments.
pub const ROM_TABLE: u16 = 0xF000;

/// A lab with one 386/40 PC without a card, `pc`, that starts in a ROM; `bios` and `settings` are more of its settings.
///
/// # Panics
/// If it has an error, or if the host has no room for a small file.
#[must_use]
pub fn rom_lab(bios: &str, settings: &str) -> Lab {
    let folder = tempfile::tempdir().expect("a folder");
    std::fs::write(folder.path().join("test.rom"), [0; 0x1000]).expect("a file");
    let text = format!(
        r#"
format = 1
[lab]
name = "test"
[image.rom]
path = "test.rom"
[machine.pc]
memory = "2MB"
bios = {{ image = "rom"{bios} }}
{settings}
"#
    );
    let source = LabSource::Text {
        name: "test.toml".into(),
        text,
        folder: folder.path().into(),
    };
    match lab::load(source, &[]) {
        Ok(loaded) => loaded.lab,
        Err(errors) => panic!("{}", errors.messages().render(false)),
    }
}

/// Writes `value` to `port`; changes EAX and EDX.
///
/// # Errors
/// The assembler's.
pub fn output(a: &mut CodeAssembler, port: u16, value: u8) -> Result<(), IcedError> {
    a.mov(edx, u32::from(port))?;
    a.mov(al, u32::from(value))?;
    a.out(dx, al)
}

/// Reads `port` into AL; changes EDX.
///
/// # Errors
/// The assembler's.
pub fn input(a: &mut CodeAssembler, port: u16) -> Result<(), IcedError> {
    a.mov(edx, u32::from(port))?;
    a.in_(al, dx)
}

/// Tells the test the byte in AL.
///
/// # Errors
/// The assembler's.
pub fn post(a: &mut CodeAssembler) -> Result<(), IcedError> {
    a.out(0x80, al)
}

/// Halts for ever, interrupts on.
///
/// # Errors
/// The assembler's.
pub fn sleep(a: &mut CodeAssembler) -> Result<(), IcedError> {
    let mut again = a.create_label();
    a.set_label(&mut again)?;
    a.sti()?;
    a.hlt()?;
    a.jmp(again)
}

/// Where guests have their stack, descriptor tables and interrupt vectors: the top of 2 MB.
const STACK: u32 = 0x1F_0000;
const TABLES: u32 = 0x1F_1000;
const VECTORS: u32 = 0x1F_2000;

/// Gives the guest a stack, the segments that the loader has set up as a table of its own, an empty interrupt table, and
/// masks all interrupt lines but those of `lines` (bit n for IRQ n) and the cascade.
///
/// # Errors
/// The assembler's.
pub fn prepare_interrupts(a: &mut CodeAssembler, lines: u16) -> Result<(), IcedError> {
    a.mov(esp, STACK)?;
    let segments = [0, 0, 0xFFFF, 0x00CF_9B00, 0xFFFF, 0x00CF_9300_u32];
    for (at, word) in (TABLES..).step_by(4).zip(segments) {
        a.mov(dword_ptr(at), word)?;
    }
    for (pointer, base, limit) in [(TABLES + 0x80, TABLES, 23_u32), (TABLES + 0x88, VECTORS, 0x7FF)] {
        a.mov(word_ptr(pointer), limit)?;
        a.mov(dword_ptr(pointer + 2), base)?;
    }
    a.lgdt(ptr(TABLES + 0x80))?;
    a.lidt(ptr(TABLES + 0x88))?;
    let [low, high] = (!(lines | 1 << 2)).to_le_bytes();
    output(a, 0x21, low)?;
    output(a, 0xA1, high)
}

/// Puts `handler` here, behind a jump, and leads interrupt `vector` to it; changes EAX.
///
/// # Errors
/// The assembler's.
pub fn handle(
    a: &mut CodeAssembler,
    vector: u8,
    handler: impl FnOnce(&mut CodeAssembler) -> Result<(), IcedError>,
) -> Result<(), IcedError> {
    let gate = VECTORS + 8 * u32::from(vector);
    let mut behind = a.create_label();
    // The return address is that of the handler.
    a.call(behind)?;
    handler(a)?;
    a.set_label(&mut behind)?;
    a.pop(eax)?;
    a.mov(word_ptr(gate), ax)?;
    a.shr(eax, 16)?;
    a.mov(word_ptr(gate + 6), ax)?;
    a.mov(word_ptr(gate + 2), 0x08)?;
    a.mov(word_ptr(gate + 4), 0x8E00)
}

/// Programs counter 0 as a rate generator (mode 2); changes EAX and EDX.
///
/// # Errors
/// The assembler's.
pub fn start_timer(a: &mut CodeAssembler, divisor: u16) -> Result<(), IcedError> {
    let [low, high] = divisor.to_le_bytes();
    output(a, 0x43, 0x34)?;
    output(a, 0x40, low)?;
    output(a, 0x40, high)
}

/// Brings the 3C503 at `base` up as a driver does: 8 KB of its memory in its window, IRQ 3, transmit buffer in its first
/// page (20h), ring from page 26h, every frame received. Changes EAX and EDX.
///
/// # Errors
/// The assembler's.
pub fn start_card_at(a: &mut CodeAssembler, base: u16) -> Result<(), IcedError> {
    let gate_array = [
        (0x406, 0x03),
        (0x406, 0x02),
        (0x405, 0x49),
        (0x400, 0x26),
        (0x401, 0x40),
        (0x408, 0x20),
    ];
    let controller = [
        (0x00, 0x21), // stop
        (0x0E, 0x48),
        (0x0A, 0x00),
        (0x0B, 0x00),
        (0x0C, 0x1C),
        (0x0D, 0x00),
        (0x01, 0x26),
        (0x02, 0x40),
        (0x03, 0x26),
        (0x07, 0xFF),
        (0x0F, 0x3F),
        (0x00, 0x61), // page 1
        (0x07, 0x27),
        (0x00, 0x22), // start
    ];
    for (port, value) in gate_array.into_iter().chain(controller) {
        output(a, base + port, value)?;
    }
    Ok(())
}

/// As [`start_card_at`], for the card at 280h, whose window is at CC000h.
///
/// # Errors
/// The assembler's.
pub fn start_card(a: &mut CodeAssembler) -> Result<(), IcedError> {
    start_card_at(a, 0x280)
}

/// Sends the first `length` bytes of the transmit buffer of the card at 280h.
///
/// # Errors
/// The assembler's.
pub fn transmit(a: &mut CodeAssembler, length: u16) -> Result<(), IcedError> {
    transmit_at(a, 0x280, length)
}

/// As [`transmit`], for the card at `base`.
///
/// # Errors
/// The assembler's.
pub fn transmit_at(a: &mut CodeAssembler, base: u16, length: u16) -> Result<(), IcedError> {
    let [low, high] = length.to_le_bytes();
    for (port, value) in [(0x04, 0x20), (0x05, low), (0x06, high), (0x00, 0x26)] {
        output(a, base + port, value)?;
    }
    Ok(())
}

/// A Multiboot kernel whose code is `code`, loaded and entered at `entry`.
#[must_use]
pub fn kernel_at(entry: u32, code: &[u8]) -> Arc<[u8]> {
    const HEADERS: u32 = 52 + 32 + 12;
    let mut image = Vec::new();
    image.extend_from_slice(b"\x7FELF\x01\x01\x01\0\0\0\0\0\0\0\0\0");
    let half = |image: &mut Vec<u8>, value: u16| image.extend_from_slice(&value.to_le_bytes());
    let word = |image: &mut Vec<u8>, value: u32| image.extend_from_slice(&value.to_le_bytes());
    half(&mut image, 2); // executable
    half(&mut image, 3); // 386
    for value in [1, entry, 52, 0, 0] {
        word(&mut image, value);
    }
    for value in [52, 32, 1, 40, 0, 0] {
        half(&mut image, value);
    }
    let length = u32::try_from(code.len()).expect("a small guest");
    for value in [1, HEADERS, entry, entry, length, length + 0x1000, 7, 4] {
        word(&mut image, value);
    }
    for value in [0x1BAD_B002, 0, 0x1BAD_B002_u32.wrapping_neg()] {
        word(&mut image, value);
    }
    image.extend_from_slice(code);
    image.into()
}

/// The lab that `text` describes.
///
/// # Panics
/// If it has an error.
#[must_use]
pub fn lab(text: &str) -> Lab {
    match lab::load(
        LabSource::Text {
            name: "test.toml".into(),
            text: text.into(),
            folder: "".into(),
        },
        &[],
    ) {
        Ok(loaded) => loaded.lab,
        Err(errors) => panic!("{}", errors.messages().render(false)),
    }
}

/// `lab` with its images replaced by `kernels`, in order.
///
/// # Panics
/// If there are too few kernels or one cannot be loaded.
#[must_use]
pub fn runtime(lab: &Lab, kernels: &[Arc<[u8]>]) -> Runtime {
    let images: Vec<ImageBytes> = kernels.iter().map(|kernel| kernel.clone().into()).collect();
    Runtime::build(lab, &images).expect("a lab that can be built")
}

/// The text of a lab of `count` 386/40 PCs `pc0`, `pc1`, ... with a 3C503 at 280h, IRQ 3, CC000h, on one cable.
#[must_use]
pub fn pcs(count: usize, seed: u64) -> String {
    format!(
        r#"
format = 1
[lab]
name = "test"
seed = {seed}
[image.kernel]
path = "builtin:kernel"
[segment.ether0]
kind = "10base2"
length = "30m"
[machine.pc]
count = {count}
memory = "2MB"
cpu = {{ model = "386dx", clock = "40MHz" }}
boot = {{ from = "direct", image = "kernel" }}
nic = {{ mac = "02:60:8c:00:00:01" }}
[[machine.pc.card]]
type = "3c503"
segment = "ether0"
io = 0x280
irq = 3
ram = 0xCC000
"#
    )
}

/// The lab file of that name in `machines/labs`.
///
/// # Panics
/// If it has an error.
#[must_use]
pub fn lab_file(name: &str) -> Lab {
    let path = format!("{}/../machines/labs/{name}.toml", env!("CARGO_MANIFEST_DIR"));
    match lab::load(LabSource::File(path.into()), &[]) {
        Ok(loaded) => loaded.lab,
        Err(errors) => panic!("{}", errors.messages().render(false)),
    }
}

/// A capture of the first segment of `lab`, with every kind of event, into memory.
///
/// # Panics
/// If the lab's clock starts before 1970.
#[must_use]
pub fn capture(lab: &Lab) -> Capture<Vec<u8>> {
    let info = CaptureInfo {
        program: "test".into(),
        lab: lab.name.clone(),
        seed: lab.seed,
        epoch_seconds: u64::try_from(lab.epoch_seconds).expect("a clock that starts after 1970"),
        interfaces: lab.station_names(0).into_iter().map(str::to_owned).collect(),
        segment: lab.segments[0].name.clone(),
        bit_rate: lab.segments[0].settings.bit_rate,
        events: CaptureEvents {
            collisions: true,
            jams: true,
            deferrals: true,
        },
    };
    Capture::new(Vec::new(), info).expect("writing to memory")
}

/// Remembers everything that happened.
#[derive(Debug, Default)]
pub struct Memory {
    /// In the order in which it was told.
    pub happenings: Vec<Happening>,
}

impl Observer for Memory {
    fn window(&mut self, _now: Instant, happenings: &[Happening]) -> ControlFlow<()> {
        self.happenings.extend_from_slice(happenings);
        ControlFlow::Continue(())
    }
}

impl Memory {
    /// How many machines stopped by themselves.
    #[must_use]
    pub fn stops(&self) -> usize {
        self.happenings
            .iter()
            .filter(|happening| matches!(happening.what, What::Stopped { .. }))
            .count()
    }

    /// The POST codes of `machine`, with their instants.
    #[must_use]
    pub fn posts(&self, machine: usize) -> Vec<(Instant, u8)> {
        self.happenings
            .iter()
            .filter_map(|happening| match happening.what {
                What::Post { machine: from, code } if from == machine => Some((happening.at, code)),
                _ => None,
            })
            .collect()
    }

    /// The POST codes of `machine`.
    #[must_use]
    pub fn codes(&self, machine: usize) -> Vec<u8> {
        self.posts(machine).into_iter().map(|(_, code)| code).collect()
    }

    /// What `machine` wrote to its console.
    #[must_use]
    pub fn console(&self, machine: usize) -> String {
        let bytes = self
            .happenings
            .iter()
            .filter_map(|happening| match happening.what {
                What::Console { machine: from, byte } if from == machine => Some(byte),
                _ => None,
            });
        String::from_utf8_lossy(&bytes.collect::<Vec<_>>()).into_owned()
    }
}

/// Runs `runtime` for `span` of virtual time and returns what happened.
#[must_use]
pub fn run_for(runtime: &mut Runtime, span: Span, threads: usize) -> (RunEnd, Memory) {
    let mut memory = Memory::default();
    let end = runtime.run(runtime.now() + span, threads, &mut memory);
    (end, memory)
}

/// Two PCs like those of [`pcs`], named a and b, that boot kernels of their own.
#[must_use]
pub fn two_kernels(first: Arc<[u8]>, second: Arc<[u8]>) -> Runtime {
    let text = pcs(2, 1)
        .replace("[image.kernel]\npath = \"builtin:kernel\"\n", "")
        .replace("[machine.pc]\ncount = 2", "[profile.pc]")
        .replace("[[machine.pc.card]]", "[[profile.pc.card]]")
        .replace("boot = { from = \"direct\", image = \"kernel\" }\n", "")
        .replace("nic = { mac = \"02:60:8c:00:00:01\" }\n", "");
    let machine = |name: &str, number: u8| {
        format!(
            "[image.{name}]\npath = \"builtin:kernel\"\n[machine.{name}]\nextends = \"pc\"\n\
             boot = {{ from = \"direct\", image = \"{name}\" }}\nnic = {{ mac = \"02:60:8c:00:00:0{number}\" }}\n"
        )
    };
    let lab = lab(&(text + &machine("a", 1) + &machine("b", 2)));
    let kernels: Vec<_> = lab
        .images
        .iter()
        .map(|image| if image.name == "a" { &first } else { &second }.clone())
        .collect();
    runtime(&lab, &kernels)
}
