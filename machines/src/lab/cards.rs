//! What the lab file must know of a card: its name, its jumpers, its ranges and its boot PROM.

use ne2000::Model;

use super::code::Code;
use super::document::{Entry, Node, Table};
use super::fields::Word;
use super::messages::{Place, Problem};
use super::model::{Image, ImageSource};
use super::resolve::find;
use super::start::length;
use super::units::show_memory;

/// The words of a card's `type`.
pub(super) const CARD_TYPES: &[Word] = &[
    Word {
        word: "3c503",
        about: "3Com EtherLink II, 8 bit, 8 KB",
        is_due: true,
    },
    Word {
        word: "3c503-16",
        about: "3Com EtherLink II/16 (3C503/16), 16 bit, 16 KB",
        is_due: true,
    },
    Word {
        word: "ne1000",
        about: "Novell NE1000, 8 bit, 8 KB",
        is_due: true,
    },
    Word {
        word: "ne2000",
        about: "Novell NE2000, 16 bit, 16 KB",
        is_due: true,
    },
    Word {
        word: "serial",
        about: "a second serial port",
        is_due: false,
    },
];

/// The card of a word that this version has.
pub(super) fn model_of(word: &str) -> Option<Model> {
    let is_due = CARD_TYPES.iter().any(|card| card.is_due && card.word == word);
    let model = Model::ALL.iter().copied().find(|model| model.name() == word);
    model.filter(|_| is_due)
}

/// Offsets and lengths of the I/O ranges: the DP8390 and, on the 3C503, the gate array 400h above it.
pub(super) const fn io_ranges(model: Model) -> &'static [(u32, u32)] {
    match model {
        Model::EtherLinkII | Model::EtherLinkII16 => &[(0, 0x10), (0x400, 0x10)],
        Model::Ne1000 | Model::Ne2000 => &[(0, 0x20)],
    }
}

/// The image in the socket of a card's boot PROM: index in the lab's images. The lab file's `[image]` tables are in
/// `root`, the card's settings in `table`.
pub(super) fn prom(
    root: &Table,
    images: &[Image],
    (table, place): (&Table, Place),
    model: Model,
    problems: &mut Vec<Problem>,
) -> Option<usize> {
    let socket = table.entry("prom")?;
    let name = socket.node.table()?.get("image")?;
    let index = find(root, "image", Code::UnknownImage, name, problems)?;
    problems.extend(bad_prom(name, &images[index], model));
    if table.get("ram").is_none() {
        problems.push(no_window(socket, place, model));
    }
    Some(index)
}

fn no_window(socket: &Entry, place: Place, model: Model) -> Problem {
    Problem::new(Code::BadProm, "nothing can read this boot PROM")
        .at(socket.key_place, "a boot PROM")
        .at(place, format!("this {} has no memory window", model.name()))
        .help("jumper a window for it, such as ram = 0xC8000")
}

/// What is wrong with an image as a boot PROM. A file that is not there has been reported already.
fn bad_prom(node: &Node, image: &Image, model: Model) -> Option<Problem> {
    let most = u64::from(model.memory_window_bytes());
    let message = match &image.source {
        ImageSource::Builtin(builtin) => format!("`builtin:{builtin}` is a kernel, no boot PROM"),
        ImageSource::Made(_) => format!("the image `{}` is a disk, no boot PROM", image.name),
        ImageSource::Blank(_) => format!("the image `{}` is a blank disk, no boot PROM", image.name),
        ImageSource::File(path) => match length(path)? {
            0 => format!("the image `{}` is an empty file", image.name),
            bytes if bytes > most => format!(
                "the image `{}` has {}, too much for the boot PROM of a {}",
                image.name,
                show_memory(bytes),
                model.name()
            ),
            _ => return None,
        },
    };
    Some(
        Problem::new(Code::BadProm, message)
            .at(node.place, "not a boot PROM")
            .help(format!("a {} takes up to {}", model.name(), show_memory(most))),
    )
}
