//! Floppy drives, fixed disks and option ROMs of a machine.

use clock::Span;
use devices::{DRIVE_MODELS, DriveModel, FloppyDriveKind, Geometry, SECTOR_BYTES};

use super::check::suggestion;
use super::code::Code;
use super::document::{Node, Table};
use super::fields::{DISK, FLOPPY, GEOMETRY, OPTION_ROM};
use super::merge::Template;
use super::messages::{Place, Problem};
use super::model::{Access, Disk, Floppy, Image, ImageSource, Machine, OptionRom};
use super::resolve::{find, quantity_of, text_of};
use super::units::{Dimension, show_memory};
use crate::rom;

/// The words of a floppy drive's `kind`, with their drives.
pub(super) const FLOPPY_KINDS: [(&str, FloppyDriveKind); 4] = [
    ("1.44MB", FloppyDriveKind::Inch3High),
    ("720KB", FloppyDriveKind::Inch3Double),
    ("1.2MB", FloppyDriveKind::Inch5High),
    ("360KB", FloppyDriveKind::Inch5Double),
];

/// The model of a disk about which the lab file says nothing.
const DEFAULT_MODEL: &str = "generic-1992";

/// The most sectors that 28 bits address.
pub(super) const MOST_SECTORS: u64 = 1 << 28;

/// The average seek is over a third of the cylinders, and a seek's time beyond the first cylinder goes with the square
/// root of its length: a full stroke has the square root of 3 of it, here in thousandths.
const FULL_STROKE_THOUSANDTHS: u64 = 1_732;

/// The word for a floppy drive.
pub(super) fn floppy_word(kind: FloppyDriveKind) -> &'static str {
    FLOPPY_KINDS
        .iter()
        .find(|(_, known)| *known == kind)
        .map_or("", |(word, _)| word)
}

/// The average seek that belongs to a model's full stroke, in whole microseconds.
pub(super) fn average_seek(model: &DriveModel) -> Span {
    let range = model
        .full_stroke
        .saturating_sub(model.track_to_track)
        .nanoseconds();
    let microseconds = range.div_ceil(FULL_STROKE_THOUSANDTHS);
    model.track_to_track + Span::from_microseconds(microseconds)
}

/// Adds the drives and option ROMs of a template to its machine.
pub(super) fn fit(
    root: &Table,
    template: &Template<'_>,
    images: &[Image],
    machine: &mut Machine,
    problems: &mut Vec<Problem>,
) {
    let mut fitter = Fitter {
        root,
        images,
        problems,
    };
    let mut places = [None; 2];
    for (table, place) in tables(&template.settings, "floppy") {
        if let Some(drive) = fitter.place(table, place, &mut places, "floppy drive") {
            machine.floppies[drive] = Some(fitter.floppy(table));
        }
    }
    let mut places = [None; 2];
    for (table, place) in tables(&template.settings, "disk") {
        if let Some(drive) = fitter.place(table, place, &mut places, "disk") {
            machine.disks[drive] = fitter.disk(table);
        }
    }
    for (table, place) in tables(&template.settings, "rom") {
        if let Some(rom) = fitter.option_rom(table, place, machine) {
            machine.option_roms.push(rom);
        }
    }
    check_boot_source(template, machine, fitter.problems);
}

fn tables<'t>(settings: &'t Table, name: &str) -> impl Iterator<Item = (&'t Table, Place)> {
    let list = settings.get(name).map_or(&[][..], Node::list);
    list.iter().filter_map(|node| Some((node.table()?, node.place)))
}

/// `boot = { from = "disk" }` needs a disk.
fn check_boot_source(template: &Template<'_>, machine: &Machine, problems: &mut Vec<Problem>) {
    let Some(node) = template.settings.at(&["boot", "from"]) else {
        return;
    };
    let (what, is_there) = match node.text() {
        Some("disk") => ("disk", machine.disks[0].is_some()),
        Some("floppy") => ("floppy", machine.floppies[0].is_some()),
        _ => return,
    };
    if !is_there && template.is_complete {
        problems.push(
            Problem::new(
                Code::NoBoot,
                format!("the machine `{}` has no {what} to boot from", template.name),
            )
            .at(node.place, "nothing is fitted there")
            .help(format!("add a [[machine.NAME.{what}]] with `drive = 0`")),
        );
    }
}

struct Fitter<'a> {
    root: &'a Table,
    images: &'a [Image],
    problems: &'a mut Vec<Problem>,
}

impl Fitter<'_> {
    /// The number of the drive: the one that is given, or the first that is free.
    fn place(
        &mut self,
        table: &Table,
        place: Place,
        places: &mut [Option<Place>; 2],
        what: &str,
    ) -> Option<usize> {
        let shape = if what == "disk" { &DISK } else { &FLOPPY };
        let given = shape.number(table, "drive");
        if given.is_none() && table.get("drive").is_some() {
            return None;
        }
        let place = given.map_or(place, |(_, place)| place);
        let number = match given {
            Some((number, _)) => Some(number as usize),
            None => places.iter().position(Option::is_none),
        };
        let Some(number) = number else {
            self.problems.push(
                Problem::new(
                    Code::TooManyDrives,
                    format!("there is no place for a third {what}"),
                )
                .at(place, "one too many")
                .help("a machine has two floppy drives and two disks at most"),
            );
            return None;
        };
        if let Some(first) = places[number] {
            self.problems.push(
                Problem::new(Code::DriveConflict, format!("{what} {number} is there twice"))
                    .at(first, "here")
                    .at(place, "and here")
                    .help("give one of them another `drive`: 0 is the first, 1 the second"),
            );
            return None;
        }
        places[number] = Some(place);
        Some(number)
    }

    /// The image of a table with its length, `None` (and a message) if it cannot be a disk.
    fn image(&mut self, table: &Table) -> Option<(usize, u64, Place)> {
        let node = table.get("image")?;
        let index = find(self.root, "image", Code::UnknownImage, node, self.problems)?;
        let bad = |message: String, help: &str| {
            Problem::new(Code::BadDisk, message)
                .at(node.place, "cannot be in a drive")
                .help(help)
        };
        let image = &self.images[index];
        let name = &image.name;
        match &image.source {
            ImageSource::Builtin(builtin) => {
                self.problems.push(bad(
                    format!("`builtin:{builtin}` is a kernel, no disk"),
                    "name a file with a disk's sectors",
                ));
                None
            }
            ImageSource::File(path) => {
                // A file that is not there has been reported already.
                let bytes = std::fs::metadata(path)
                    .ok()
                    .filter(std::fs::Metadata::is_file)?
                    .len();
                if bytes == 0 || !bytes.is_multiple_of(SECTOR_BYTES as u64) {
                    self.problems.push(bad(
                        format!("the image `{name}` has {bytes} bytes, not whole sectors"),
                        "a disk image has a multiple of 512 bytes, and at least one cylinder",
                    ));
                    return None;
                }
                Some((index, bytes / SECTOR_BYTES as u64, node.place))
            }
            // A description that is none has been reported already.
            ImageSource::Made(made) => {
                (made.bytes > 0).then(|| (index, made.bytes / SECTOR_BYTES as u64, node.place))
            }
            ImageSource::Blank(bytes) => Some((index, bytes / SECTOR_BYTES as u64, node.place)),
        }
    }

    fn floppy(&mut self, table: &Table) -> Floppy {
        let word = text_of(table, &["kind"]);
        let kind = FLOPPY_KINDS
            .iter()
            .find(|(known, _)| *known == word)
            .map_or(FloppyDriveKind::Inch3High, |&(_, kind)| kind);
        let image = self.image(table);
        if let Some((index, sectors, place)) = image
            && let Err(error) = kind.check(u32::try_from(sectors).unwrap_or(u32::MAX))
        {
            let name = &self.images[index].name;
            self.problems.push(
                Problem::new(
                    Code::BadDisk,
                    format!("the image `{name}` is no disk for this drive: {error}"),
                )
                .at(place, format!("not for a drive of {}", floppy_word(kind)))
                .help(
                    "a floppy has exactly 1440, 1200, 720, 360, 320, 180 or 160 KB; set `kind` to the drive that takes it",
                ),
            );
        }
        Floppy {
            kind,
            image: image.map(|(index, ..)| index),
        }
    }

    fn disk(&mut self, table: &Table) -> Option<Disk> {
        let model = self.model(table);
        let (index, sectors, place) = self.image(table)?;
        let shape = self.geometry(table);
        let cylinder = u64::from(shape.heads * shape.sectors_per_track);
        if sectors < cylinder || sectors > MOST_SECTORS {
            let name = &self.images[index].name;
            let size = show_memory(sectors * SECTOR_BYTES as u64);
            let least = show_memory(cylinder * SECTOR_BYTES as u64);
            self.problems.push(
                Problem::new(
                    Code::BadDisk,
                    format!("the image `{name}` has {size}, which is no disk"),
                )
                .at(place, "too small or too large")
                .help(format!("a disk has one cylinder ({least} here) to 128 GB")),
            );
            return None;
        }
        Some(Disk {
            image: index,
            model: model?,
            geometry: Geometry::translated(sectors as u32, shape.heads, shape.sectors_per_track),
        })
    }

    /// Heads and sectors of a track as the host sees them; the cylinders follow from the image.
    fn geometry(&self, table: &Table) -> Geometry {
        let default = Geometry::of(0);
        let Some(given) = table.get("geometry").and_then(Node::table) else {
            return default;
        };
        let number = |name: &str| GEOMETRY.number(given, name).map(|(number, _)| number);
        Geometry {
            cylinders: 1,
            heads: number("heads").unwrap_or(default.heads),
            sectors_per_track: number("sectors").unwrap_or(default.sectors_per_track),
        }
    }

    fn model(&mut self, table: &Table) -> Option<DriveModel> {
        let node = table.get("model");
        let name = node.and_then(Node::text).unwrap_or(DEFAULT_MODEL);
        let Some(model) = DriveModel::find(name) else {
            let names: Vec<&str> = DRIVE_MODELS.iter().map(|model| model.name).collect();
            self.problems.push(
                Problem::new(Code::UnknownModel, format!("there is no drive model `{name}`"))
                    .at(node?.place, "unknown model")
                    .help(suggestion(name, &names)),
            );
            return None;
        };
        let mut model = *model;
        if let Some((rpm, _)) = table
            .get("timing")
            .and_then(Node::table)
            .and_then(|timing| super::fields::DISK_TIMING.number(timing, "rpm"))
        {
            model.rpm = rpm;
        }
        if let Some((seek, place)) = quantity_of(table, &["timing", "seek"], Dimension::Time) {
            model.full_stroke = self.full_stroke(seek.span(), &model, place)?;
        }
        Some(model)
    }

    /// The full stroke that belongs to an average seek.
    fn full_stroke(&mut self, seek: Span, model: &DriveModel, place: Place) -> Option<Span> {
        if !(model.track_to_track..=Span::from_seconds(1)).contains(&seek) {
            self.problems.push(
                Problem::new(Code::OutOfRange, "`seek` is out of its range")
                    .at(place, "no such drive")
                    .help(format!(
                        "`{}` takes {} us from track to track; the average seek is at least that and at most 1 s",
                        model.name,
                        model.track_to_track.nanoseconds() / 1_000
                    )),
            );
            return None;
        }
        // What the lab file gives for the model itself is what it is shown with.
        if seek == average_seek(model) {
            return Some(model.full_stroke);
        }
        let beyond = seek.saturating_sub(model.track_to_track).nanoseconds() / 1_000;
        let range = Span::from_microseconds(beyond * FULL_STROKE_THOUSANDTHS / 1_000);
        Some(model.track_to_track + range)
    }

    fn option_rom(&mut self, table: &Table, place: Place, machine: &Machine) -> Option<OptionRom> {
        let (address, address_place) = OPTION_ROM.number(table, "at")?;
        let node = table.get("image")?;
        let index = find(self.root, "image", Code::UnknownImage, node, self.problems)?;
        let image = &self.images[index];
        let bytes = match &image.source {
            ImageSource::Builtin(_) | ImageSource::Blank(_) | ImageSource::Made(_) => 0,
            ImageSource::File(path) => std::fs::metadata(path)
                .ok()
                .filter(std::fs::Metadata::is_file)?
                .len(),
        };
        if let Err(error) = rom::check_option(address, bytes) {
            self.problems.push(
                Problem::new(
                    Code::BadRom,
                    format!("the image `{}` is no option ROM: {error}", image.name),
                )
                .at(node.place, "the image")
                .at(address_place, "its place")
                .help(rom::OPTION_PLACES),
            );
            return None;
        }
        let rom = OptionRom {
            image: index,
            address,
            bytes: bytes as u32,
        };
        if let Some(other) = machine.option_roms.iter().find(|other| other.overlaps(&rom)) {
            self.problems.push(
                Problem::new(
                    Code::MemoryConflict,
                    format!(
                        "two ROMs share the memory at {:#x}",
                        rom.address.max(other.address)
                    ),
                )
                .at(place, format!("another one lies at {:#x}", other.address))
                .help("give one of them another place"),
            );
        }
        Some(rom)
    }
}

/// Every image that is written in its own file, in more than one drive: nobody could tell whose writes come first.
pub(super) fn check_shared(
    machines: &[Machine],
    images: &[Image],
    root: &Table,
    problems: &mut Vec<Problem>,
) {
    for (index, image) in images.iter().enumerate() {
        if image.access != Access::Direct {
            continue;
        }
        let drives = machines.iter().flat_map(Machine::disk_images);
        if drives.filter(|&used| used == index).count() > 1 {
            let entry = &root.children("image")[index];
            problems.push(
                Problem::new(
                    Code::SharedDisk,
                    format!(
                        "the image `{}` is written directly by more than one drive",
                        image.name
                    ),
                )
                .at(entry.key_place, "in several drives")
                .help("give each machine its own image, or say access = \"overlay\""),
            );
        }
    }
}
