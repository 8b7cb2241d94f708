//! What the whole-system tests share: small guests made by hand, labs made of text, and an observer that remembers.
//!
//! The tests themselves are in `tests/tests`, the benches in `tests/benches`. The comparison of the processor with this machine's
//! own is in [`silicon`], the one place with unsafe code.
#![deny(unsafe_code)]

pub mod silicon;

use std::ops::ControlFlow;
use std::sync::Arc;

use clock::{Instant, Span};
use machines::lab::{self, Lab, LabSource};
use machines::runtime::{Happening, Observer, RunEnd, Runtime, What};
use wire::{Capture, CaptureEvents, CaptureInfo};

/// Where [`kernel`] puts its code.
pub const ENTRY: u32 = 0x10_0000;

/// A Multiboot kernel whose code is `code`, loaded and entered at [`ENTRY`].
#[must_use]
pub fn kernel(code: &[u8]) -> Arc<[u8]> {
    const HEADERS: u32 = 52 + 32 + 12;
    let mut image = Vec::new();
    image.extend_from_slice(b"\x7FELF\x01\x01\x01\0\0\0\0\0\0\0\0\0");
    let half = |image: &mut Vec<u8>, value: u16| image.extend_from_slice(&value.to_le_bytes());
    let word = |image: &mut Vec<u8>, value: u32| image.extend_from_slice(&value.to_le_bytes());
    half(&mut image, 2); // executable
    half(&mut image, 3); // 386
    for value in [1, ENTRY, 52, 0, 0] {
        word(&mut image, value);
    }
    for value in [52, 32, 1, 40, 0, 0] {
        half(&mut image, value);
    }
    let length = u32::try_from(code.len()).expect("a small guest");
    for value in [1, HEADERS, ENTRY, ENTRY, length, length + 0x1000, 7, 4] {
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
    Runtime::build(lab, kernels).expect("a lab that can be built")
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

/// A capture of the first segment of `lab`, with every kind of event, into memory. Every machine has one card.
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
        interfaces: lab
            .machines
            .iter()
            .map(|machine| machine.cards[0].interface.clone())
            .collect(),
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
