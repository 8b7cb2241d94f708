//! The images of a lab: files, parts of this program and blank disks.

use std::path::Path;

use devices::SECTOR_BYTES;

use super::check::suggestion;
use super::code::Code;
use super::document::{Entry, Node, Table};
use super::drives::MOST_SECTORS;
use super::messages::{Place, Problem};
use super::model::{Access, Image, ImageSource};
use super::resolve::{quantity_of, text_of};
use super::units::{Dimension, show_memory};
use crate::image::builtin_names;

/// One `[image.NAME]`.
pub(super) fn image(entry: &Entry, folder: &Path, problems: &mut Vec<Problem>) -> Image {
    let empty = Table::default();
    let table = entry.node.table().unwrap_or(&empty);
    let name = entry.key.clone();
    let access = match text_of(table, &["access"]) {
        "readonly" => Access::ReadOnly,
        "direct" => Access::Direct,
        _ => Access::Overlay,
    };
    let source = match (table.entry("path"), table.entry("blank")) {
        (None, Some(_)) => blank(table, problems),
        (path, blank) => {
            problems.extend(wrong_sources(entry, path, blank));
            file(table, entry.key_place, folder, problems)
        }
    };
    Image { name, source, access }
}

/// What is wrong with an image that is not blank alone.
fn wrong_sources(image: &Entry, path: Option<&Entry>, blank: Option<&Entry>) -> Option<Problem> {
    match (path, blank) {
        (Some(path), Some(blank)) => Some(
            Problem::new(Code::TwoSources, "an image is a file or blank, not both")
                .at(path.key_place, "a file")
                .at(blank.key_place, "blank")
                .help("take one of them out"),
        ),
        (None, _) => Some(
            Problem::new(Code::MissingField, "an image needs `path` or `blank`")
                .at(image.key_place, "nothing says what is in it")
                .help("give `path = \"disk.img\"`, or `blank = \"100MB\"` for an empty disk"),
        ),
        (Some(_), None) => None,
    }
}

/// A disk without a file.
fn blank(table: &Table, problems: &mut Vec<Problem>) -> ImageSource {
    let Some((size, place)) = quantity_of(table, &["blank"], Dimension::Memory) else {
        return ImageSource::Blank(SECTOR_BYTES as u64);
    };
    let bytes = size.whole();
    let most = MOST_SECTORS * SECTOR_BYTES as u64;
    if bytes == 0 || bytes > most || !bytes.is_multiple_of(SECTOR_BYTES as u64) {
        problems.push(
            Problem::new(Code::OutOfRange, format!("no disk has {}", show_memory(bytes)))
                .at(place, "too small, too large or not whole sectors")
                .help("a blank disk has whole sectors of 512 bytes, at most 128GB"),
        );
    }
    if let Some(access) = table
        .get("access")
        .filter(|access| access.text() == Some("direct"))
    {
        problems.push(
            Problem::new(Code::TwoSources, "a blank image has no file to write to")
                .at(access.place, "writes to the image's file")
                .at(place, "no file")
                .help("say access = \"overlay\", or make a file of that size and name it with `path`"),
        );
    }
    ImageSource::Blank(bytes)
}

/// An image in a file or in this program.
fn file(table: &Table, place: Place, folder: &Path, problems: &mut Vec<Problem>) -> ImageSource {
    let path = text_of(table, &["path"]);
    let place = table.get("path").map_or(place, |node| node.place);
    if let Some(builtin) = path.strip_prefix("builtin:") {
        if !builtin_names().contains(&builtin) {
            problems.push(
                Problem::new(
                    Code::MissingImage,
                    format!("this program has no image `{builtin}`"),
                )
                .at(place, "no such image")
                .help(suggestion(builtin, &builtin_names())),
            );
        }
        return ImageSource::Builtin(builtin.to_owned());
    }
    let joined = folder.join(path);
    let file = std::path::absolute(&joined).unwrap_or(joined);
    if table.get("path").and_then(Node::text).is_some() && !file.is_file() {
        let what = if file.exists() {
            "is not a file"
        } else {
            "does not exist"
        };
        problems.push(
            Problem::new(Code::MissingImage, format!("`{path}` {what}"))
                .at(place, what)
                .help(format!(
                    "paths count from the lab file's folder; `builtin:{}` needs no file",
                    builtin_names()[0]
                )),
        );
    }
    ImageSource::File(file)
}
