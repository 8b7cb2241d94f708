//! The images of a lab: files, parts of this program, blank disks and those that are made.

use std::path::Path;

use devices::SECTOR_BYTES;

use super::check::suggestion;
use super::code::Code;
use super::document::{Entry, Node, Table};
use super::drives::MOST_SECTORS;
use super::messages::{Place, Problem};
use super::model::{Access, Image, ImageSource, MadeDisk};
use super::resolve::{quantity_of, text_of};
use super::units::{Dimension, show_memory};
use crate::image::builtin_names;
use crate::made_disk;

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
    let sources = ["path", "blank", "make"].map(|field| table.entry(field));
    let source = match sources {
        [None, Some(_), None] => blank(table, problems),
        [None, None, Some(make)] => made(table, make, folder, problems),
        _ => {
            problems.extend(wrong_sources(entry, sources));
            file(table, entry.key_place, folder, problems)
        }
    };
    if let (Some(disk), None) = (table.entry("disk"), table.entry("make")) {
        problems.push(
            Problem::new(Code::TwoSources, "`disk` chooses one of the disks that are made")
                .at(disk.key_place, "nothing is made here")
                .help("say `make = \"disk.toml\"`, or take it out"),
        );
    }
    Image { name, source, access }
}

/// What is wrong with an image that has not exactly one source.
fn wrong_sources(image: &Entry, sources: [Option<&Entry>; 3]) -> Option<Problem> {
    let given: Vec<&Entry> = sources.into_iter().flatten().collect();
    match given[..] {
        [] => Some(
            Problem::new(Code::MissingField, "an image needs `path`, `blank` or `make`")
                .at(image.key_place, "nothing says what is in it")
                .help("give `path = \"disk.img\"`, or `blank = \"100MB\"` for an empty disk"),
        ),
        [_] => None,
        [first, second, ..] => Some(
            Problem::new(
                Code::TwoSources,
                "an image is a file, blank, or made, and not two of them",
            )
            .at(first.key_place, "one source")
            .at(second.key_place, "and another")
            .help("take one of them out"),
        ),
    }
}

/// A writable image without a file to write to.
fn no_direct(table: &Table, place: Place, what: &str, problems: &mut Vec<Problem>) {
    let access = table.get("access");
    if let Some(access) = access.filter(|access| access.text() == Some("direct")) {
        problems.push(
            Problem::new(Code::TwoSources, format!("{what} has no file to write to"))
                .at(access.place, "writes to the image's file")
                .at(place, "no file")
                .help("say access = \"overlay\", or make a file of it and name that with `path`"),
        );
    }
}

/// A disk that is made from a description.
fn made(table: &Table, make: &Entry, folder: &Path, problems: &mut Vec<Problem>) -> ImageSource {
    let path = text_of(table, &["make"]);
    let joined = folder.join(path);
    let description = std::path::absolute(&joined).unwrap_or(joined);
    let place = make.node.place;
    no_direct(table, place, "an image that is made", problems);
    let wanted = table.get("disk");
    let found = made_disk::find(&description, wanted.and_then(Node::text));
    let (disk, bytes) = found.unwrap_or_else(|error| {
        // What is no text has been reported already.
        if make.node.text().is_some() {
            problems.push(
                Problem::new(Code::BadDescription, error.to_string())
                    .at(place, "cannot be made")
                    .help("`amlab mkdisk` makes the same disk as a file; README.md has the keys of descriptions"),
            );
        }
        (String::new(), 0)
    });
    ImageSource::Made(MadeDisk {
        description,
        disk,
        bytes,
    })
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
    no_direct(table, place, "a blank image", problems);
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
