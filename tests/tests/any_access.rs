//! No guest harms the host by what it reads and writes: any port, any memory address, any width, in any order, on a board
//! with every kind of card and drive, with traffic on its cables and with power cuts.

use std::path::Path;

use clock::{Instant, Span};
use machines::image::ImageBytes;
use machines::machine::{PowerEvent, TornSector};
use machines::runtime::Runtime;
use proptest::prelude::*;
use tests::{Memory, kernel, lab_in};

const LAB: &str = r#"
format = 1
[lab]
name = "any"
seed = 1
[image.kernel]
path = "builtin:kernel"
[image.prom]
path = "prom.rom"
[image.option]
path = "option.rom"
[image.floppy]
blank = "1440KB"
[image.disk]
blank = "2MB"
[image.protected]
blank = "2MB"
access = "readonly"
[segment.ether0]
kind = "10base2"
length = "185m"
[segment.ether1]
kind = "10base5"
length = "500m"
[traffic.gen0]
segment = "ether0"
mac = "02:60:8c:00:01:00"
length = 64
longest = 1518
mean = "2ms"
[traffic.gen1]
segment = "ether1"
mac = "02:60:8c:00:01:01"
lengths = [18, 64, 1518, 3000]
mean = "2ms"
[machine.pc]
memory = "2MB"
boot = { image = "kernel" }
[[machine.pc.rom]]
image = "option"
at = 0xC0000
[[machine.pc.card]]
type = "3c503"
segment = "ether0"
io = 0x280
irq = 3
ram = 0xCC000
mac = "02:60:8c:00:00:01"
prom = { image = "prom" }
[[machine.pc.card]]
type = "3c503-16"
segment = "ether1"
port = "aui"
io = 0x250
irq = 5
ram = 0xD8000
mac = "02:60:8c:00:00:02"
[[machine.pc.card]]
type = "ne2000"
segment = "ether1"
port = "aui"
io = 0x340
irq = 2
mac = "02:60:8c:00:00:04"
[[machine.pc.floppy]]
image = "floppy"
[[machine.pc.floppy]]
[[machine.pc.disk]]
image = "disk"
[[machine.pc.disk]]
image = "protected"
model = "cp3000"
"#;

/// Ports that are set before anything else, so that what follows comes to something: DMA cascade and masks, a motor, the
/// controllers of all cards receiving everything and sending a frame.
fn start(code: &mut Code) {
    for (port, value) in [
        (0xD6, 0xC0),
        (0xD4, 0),
        (0x0F, 0),
        (0x0B, 0x55),
        (0x3F2, 0x1C),
        (0x3F7, 0),
    ] {
        code.output(port, value);
    }
    for (base, pages) in [(0x280, 0x20), (0x250, 0x20), (0x340, 0x40)] {
        if base < 0x300 {
            for (register, value) in [
                // The second card's cable is on its AUI connector.
                (0x406, if base == 0x280 { 2 } else { 0 }),
                (0x405, 0x49),
                (0x400, 0x26),
                (0x401, 0x40),
                (0x402, 8),
                (0x408, 0x22),
            ] {
                code.output(base + register, value);
            }
        }
        let controller = [
            (0x0, 0x21),
            (0xE, 0x48),
            (0xC, 0x1F),
            (0xD, 0x00),
            (0x1, pages + 6),
            (0x2, pages + 0x20),
            (0x3, pages + 6),
            (0xF, 0x3F),
            (0x0, 0x61),
            (0x7, pages + 7),
            (0x0, 0x22),
            (0x4, pages),
            (0x5, 0x40),
            (0x0, 0x26),
        ];
        for (register, value) in controller {
            code.output(base + register, value);
        }
    }
}

/// Machine code, 32 bits.
#[derive(Default)]
struct Code(Vec<u8>);

impl Code {
    fn add(&mut self, bytes: &[u8]) {
        self.0.extend_from_slice(bytes);
    }

    /// An opcode byte with a double word behind it.
    fn add_with(&mut self, opcode: u8, value: u32) {
        self.0.push(opcode);
        self.add(&value.to_le_bytes());
    }

    fn output(&mut self, port: u16, value: u8) {
        self.access(&Access::Port {
            port,
            value: value.into(),
            kind: 1,
        });
    }

    fn access(&mut self, access: &Access) {
        match *access {
            Access::Port { port, value, kind } => {
                // IN and OUT of 8, 16 and 32 bits.
                const FORMS: [&[u8]; 6] = [&[0xEC], &[0xEE], &[0x66, 0xED], &[0x66, 0xEF], &[0xED], &[0xEF]];
                self.add_with(0xBA, port.into());
                self.add_with(0xB8, value);
                self.add(FORMS[kind]);
            }
            Access::Memory { address, value, kind } => {
                // MOV from and to memory of 8, 16 and 32 bits; and a read that is a write too.
                const FORMS: [&[u8]; 7] = [
                    &[0xA0],
                    &[0xA2],
                    &[0x66, 0xA1],
                    &[0x66, 0xA3],
                    &[0xA1],
                    &[0xA3],
                    &[0xFF, 0x05],
                ];
                self.add_with(0xB8, value);
                self.add(FORMS[kind]);
                self.add(&address.to_le_bytes());
            }
            Access::Strings {
                port,
                from,
                to,
                count,
                kind,
            } => {
                // REP INS, OUTS, MOVS, STOS and LODS of 8, 16 and 32 bits, up and down.
                const FORMS: [&[u8]; 9] = [
                    &[0x6C],
                    &[0x6E],
                    &[0xA4],
                    &[0x66, 0x6D],
                    &[0x66, 0x6F],
                    &[0x66, 0xA5],
                    &[0x6D],
                    &[0x6F],
                    &[0xA5],
                ];
                self.add(&[if kind % 2 == 0 { 0xFC } else { 0xFD }]);
                self.add_with(0xBA, port.into());
                self.add_with(0xBE, from);
                self.add_with(0xBF, to);
                self.add_with(0xB9, count);
                self.add(&[0xF3]);
                self.add(FORMS[kind / 2]);
            }
            Access::Wait { turns } => {
                self.add_with(0xB9, turns);
                self.add(&[0xE2, 0xFE]);
            }
        }
    }
}

#[derive(Clone, Debug)]
enum Access {
    Port {
        port: u16,
        value: u32,
        kind: usize,
    },
    Memory {
        address: u32,
        value: u32,
        kind: usize,
    },
    Strings {
        port: u16,
        from: u32,
        to: u32,
        count: u32,
        kind: usize,
    },
    Wait {
        turns: u32,
    },
}

fn port() -> impl Strategy<Value = u16> {
    prop_oneof![
        2 => prop_oneof![0x00u16..0x64, 0x70u16..0x94, 0xA0u16..0xA2, 0xC0u16..0xE0],
        2 => prop_oneof![0x1EEu16..0x1F9, 0x3EEu16..0x400, Just(0x3F5), Just(0x1F7), Just(0x1F0)],
        1 => 0x3B0u16..0x3E0,
        4 => prop_oneof![0x250u16..0x260, 0x650u16..0x660, 0x280u16..0x290, 0x680u16..0x690],
        3 => 0x340u16..0x360,
        1 => any::<u16>(),
    ]
}

fn address() -> impl Strategy<Value = u32> {
    prop_oneof![
        0x1F_0000u32..0x20_0010,
        0xA_0000u32..0xC_0000,
        0xB_FFF0u32..0xC_1010,
        prop_oneof![0xC_BFF8u32..0xC_E008, 0xD_7FF8u32..0xD_A008],
        0xF_FFE0u32..0x10_0020,
        0xFF_FFF0u32..0x100_0010,
        0xFFFF_FFE0u32..=0xFFFF_FFFF,
        any::<u32>(),
    ]
}

/// Where strings go: seldom where the code is.
fn place() -> impl Strategy<Value = u32> {
    prop_oneof![3 => 0x18_0000u32..0x1C_0000, 2 => address()]
}

fn access() -> impl Strategy<Value = Access> {
    let value = || prop_oneof![any::<u8>().prop_map(u32::from), any::<u32>()];
    prop_oneof![
        8 => (port(), value(), 0usize..6).prop_map(|(port, value, kind)| Access::Port { port, value, kind }),
        4 => (address(), value(), 0usize..7).prop_map(|(address, value, kind)| Access::Memory { address, value, kind }),
        2 => (port(), place(), place(), 0u32..600, 0usize..18)
            .prop_map(|(port, from, to, count, kind)| Access::Strings { port, from, to, count, kind }),
        1 => (1u32..20_000).prop_map(|turns| Access::Wait { turns }),
    ]
}

/// The board with that Novell card, running `code`.
fn board(folder: &Path, novell: &str, code: &[u8]) -> Runtime {
    std::fs::write(folder.join("prom.rom"), [0x55; 8192]).expect("a file");
    std::fs::write(folder.join("option.rom"), [0xAA; 6144]).expect("a file");
    let lab = lab_in(folder, &LAB.replace("ne2000", novell));
    let mut images = machines::image::load_all(&lab).expect("images that are there");
    images[0] = ImageBytes::from(kernel(code));
    Runtime::build(&lab, &images).expect("a lab that can be built")
}

const END: Instant = Instant::from_picoseconds(40_000_000_000);

proptest! {
    #![proptest_config(ProptestConfig { cases: 192, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn no_access_panics_or_hangs_the_host_and_a_run_in_parts_is_the_same(
        accesses in prop::collection::vec(access(), 1..250),
        cut in prop::option::of((1u64..39_000, 1u64..20_000)),
        part in 1u64..40_000,
        novell in prop_oneof![Just("ne1000"), Just("ne2000")],
    ) {
        let mut code = Code::default();
        start(&mut code);
        for access in &accesses {
            code.access(access);
        }
        code.add(&[0xEB, 0xFE]);
        let folder = tempfile::tempdir().expect("a folder");
        let ends = [None, Some(part)].map(|part| {
            let mut runtime = board(folder.path(), novell, &code.0);
            if let Some((off, on)) = cut {
                let off = Instant::START + Span::from_microseconds(off);
                runtime.schedule_power(0, off, PowerEvent::Off(TornSector::Unreadable));
                runtime.schedule_power(0, off + Span::from_microseconds(on), PowerEvent::On);
            }
            let mut memory = Memory::default();
            if let Some(part) = part {
                runtime.run(Instant::START + Span::from_microseconds(part), 1, &mut memory);
            }
            runtime.run(END, 2, &mut memory);
            (runtime, memory)
        });
        for (runtime, memory) in &ends {
            prop_assert!(memory.stops() > 0 || runtime.now() == END, "{}", runtime.now());
        }
        prop_assert_eq!(ends[0].0.trace_hash(), ends[1].0.trace_hash());
    }
}
