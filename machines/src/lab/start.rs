//! How a machine starts: a kernel put into memory, or the ROM of its board.

use std::path::Path;

use super::code::Code;
use super::document::{Entry, Node, Table, Value};
use super::merge::Template;
use super::messages::Problem;
use super::model::{Boot, BootOrder, Image, ImageSource, Module, Shutdown};
use super::resolve::{find, text_of};
use super::units::show_memory;
use crate::rom;

/// What `boot` and `bios` of a template mean together.
pub(super) fn boot(
    root: &Table,
    template: &Template<'_>,
    images: &[Image],
    problems: &mut Vec<Problem>,
) -> Boot {
    let settings = &template.settings;
    match (settings.entry("bios"), text_of(settings, &["boot", "from"])) {
        (Some(bios), "bios" | "disk" | "floppy") => bios_boot(root, template, bios, images, problems),
        (Some(bios), _) => {
            if let Some(boot) = settings.entry("boot") {
                problems.push(two_starts(template, bios, boot));
            }
            bios_boot(root, template, bios, images, problems)
        }
        (None, from) => {
            if let Some(node) = settings
                .at(&["boot", "from"])
                .filter(|_| matches!(from, "bios" | "disk" | "floppy"))
                && template.is_complete
            {
                problems.push(
                    Problem::new(
                        Code::NoBoot,
                        format!("the machine `{}` has no ROM to start in", template.name),
                    )
                    .at(node.place, "no ROM is fitted")
                    .help("give it one: bios = { image = \"rom\" }"),
                );
            }
            direct_boot(root, template, from, problems)
        }
    }
}

fn two_starts(template: &Template<'_>, bios: &Entry, boot: &Entry) -> Problem {
    Problem::new(
        Code::TwoStarts,
        format!("the machine `{}` has a ROM and a kernel to start", template.name),
    )
    .at(boot.key_place, "puts a kernel into memory")
    .at(bios.key_place, "starts in the ROM")
    .help(
        "take one of them out, or say boot = { from = \"bios\" }: then the ROM starts and the kernel is not used",
    )
}

fn direct_boot(root: &Table, template: &Template<'_>, from: &str, problems: &mut Vec<Problem>) -> Boot {
    let settings = &template.settings;
    let image = settings.at(&["boot", "image"]);
    if matches!(from, "direct" | "") && image.is_none() && template.is_complete {
        let boot = settings.entry("boot");
        let place = boot.map_or(template.place, |entry| entry.key_place);
        problems.push(
            Problem::new(
                Code::NoBoot,
                format!("the machine `{}` has nothing to start", template.name),
            )
            .at(place, "no kernel is named")
            .help(
                "give it a kernel: boot = { from = \"direct\", image = \"kernel\" }; or a ROM: bios = { image = \"rom\" }",
            ),
        );
    }
    let index = image.and_then(|name| find(root, "image", Code::UnknownImage, name, problems));
    Boot::Direct {
        image: index.unwrap_or(0),
        command_line: text_of(settings, &["boot", "args"]).to_owned(),
        modules: modules(root, settings, problems),
    }
}

/// The modules that a template names.
fn modules(root: &Table, settings: &Table, problems: &mut Vec<Problem>) -> Vec<Module> {
    let Some(Value::List(list)) = settings.get("module").map(|node| &node.value) else {
        return Vec::new();
    };
    let tables = list.iter().filter_map(Node::table);
    tables
        .filter_map(|table| {
            let image = table.get("image")?;
            Some(Module {
                image: find(root, "image", Code::UnknownImage, image, problems)?,
                arguments: text_of(table, &["args"]).to_owned(),
            })
        })
        .collect()
}

fn bios_boot(
    root: &Table,
    template: &Template<'_>,
    bios: &Entry,
    images: &[Image],
    problems: &mut Vec<Problem>,
) -> Boot {
    let settings = &template.settings;
    let image = bios.node.table().and_then(|table| table.get("image"));
    let index = image.and_then(|name| find(root, "image", Code::UnknownImage, name, problems));
    if let (Some(node), Some(index)) = (image, index) {
        problems.extend(bad_rom(node, &images[index]));
    }
    Boot::Bios {
        image: index.unwrap_or(0),
        shutdown: match text_of(settings, &["bios", "shutdown"]) {
            "stop" => Shutdown::Stop,
            _ => Shutdown::Reset,
        },
        order: match text_of(settings, &["boot", "from"]) {
            "disk" => BootOrder::DiskFirst,
            _ => BootOrder::FloppyFirst,
        },
    }
}

/// What is wrong with an image as a ROM. A file that is not there has been reported already.
fn bad_rom(node: &Node, image: &Image) -> Option<Problem> {
    let name = &image.name;
    let bad = |message: String| {
        Problem::new(Code::BadRom, message)
            .at(node.place, "not a ROM")
            .help(rom::SIZES)
    };
    match &image.source {
        ImageSource::Builtin(builtin) => Some(bad(format!("`builtin:{builtin}` is a kernel, no ROM"))),
        ImageSource::Made(_) => Some(bad(format!("the image `{name}` is a disk, no ROM"))),
        ImageSource::Blank(_) => Some(bad(format!("the image `{name}` is a blank disk, no ROM"))),
        ImageSource::File(path) => {
            let bytes = length(path)?;
            let size = show_memory(bytes);
            let problem = match bytes {
                0 => format!("the image `{name}` is an empty file"),
                _ if bytes > u64::from(rom::MOST) => {
                    format!("the image `{name}` has {size}, too much for a ROM")
                }
                _ => format!("the image `{name}` has {size}, not whole 4 KB"),
            };
            (!rom::fits(bytes)).then(|| bad(problem))
        }
    }
}

pub(super) fn length(path: &Path) -> Option<u64> {
    let metadata = std::fs::metadata(path).ok()?;
    metadata.is_file().then_some(metadata.len())
}
