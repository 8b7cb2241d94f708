//! Labs from text and from files, and what is built of them.

use std::path::Path;
use std::sync::Arc;

use machines::image::ImageBytes;
use machines::lab::{self, Lab, LabSource};
use machines::runtime::Runtime;
use wire::{Capture, CaptureEvents, CaptureInfo};

/// The lab that `text` describes.
///
/// # Panics
/// If it has an error.
#[must_use]
pub fn lab(text: &str) -> Lab {
    lab_in(Path::new(""), text)
}

/// The lab that `text` describes, whose images lie in `folder`.
///
/// # Panics
/// If it has an error.
#[must_use]
pub fn lab_in(folder: &Path, text: &str) -> Lab {
    load(LabSource::Text {
        name: "test.toml".into(),
        text: text.into(),
        folder: folder.into(),
    })
}

fn load(source: LabSource) -> Lab {
    match lab::load(source, &[]) {
        Ok(loaded) => loaded.lab,
        Err(errors) => panic!("{}", errors.messages().render(false)),
    }
}

/// `lab` with the images that it names.
///
/// # Panics
/// If an image is not there, or the lab cannot be built.
#[must_use]
pub fn build(lab: &Lab) -> Runtime {
    let images = machines::image::load_all(lab).expect("images that are there");
    Runtime::build(lab, &images).expect("a lab that can be built")
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
    load(LabSource::File(path.into()))
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
    lab_in(folder.path(), &text)
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
