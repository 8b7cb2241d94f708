//! Booting another kernel from a file: its headers are read and checked, then its parts are read into memory that it does not
//! itself lie in, as they will lie there. What is left is to move them to their place and to begin there; the machine's part of the kernel
//! does that, as a Multiboot loader would (Multiboot Specification 0.6.96, section 3.2).
//!
//! Nothing of this kernel changes before that, so a file that is no good, or does not come, does no harm.

mod image;
#[cfg(test)]
mod tests;

pub use image::{HEAD, Image, Unfit};

use crate::machine::Machine;
use crate::memory::{EXTENDED_START, PAGE};
use crate::multiboot::Information;
use crate::process::Pinned;
use crate::segments::Segments;
use alloc::string::String;
use alloc::vec::Vec;
use core::fmt;
use core::ops::Range;
use proto::capability::Capability;
use proto::message::LARGEST_BUFFER;
use proto::standard::Status;

/// Why nothing comes of it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Failure {
    /// The file could not be read.
    Read(Status),
    /// The file ends before its image does.
    Short,
    /// The image is no good.
    Unfit(Unfit),
    /// There are not so many bytes free in one piece beside the image's place.
    Memory(u32),
}

impl fmt::Display for Failure {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Failure::Read(status) => write!(formatter, "the file cannot be read: {status}"),
            Failure::Short => formatter.write_str("the file ends too early"),
            Failure::Unfit(unfit) => unfit.fmt(formatter),
            Failure::Memory(bytes) => write!(formatter, "no {bytes} bytes of memory are free for it"),
        }
    }
}

/// What is to be read of the file.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Wanted {
    /// From there.
    pub offset: u32,
    /// So many bytes, or as many as there are.
    pub length: u32,
    /// To there; without a place they are handed to [`Boot::take_head`].
    pub place: Option<Pinned>,
}

/// An image that is in memory whole, and how to begin it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Start {
    /// Where it lies.
    pub source: u32,
    /// Where it is to be moved.
    pub destination: u32,
    /// Bytes, a whole number of pages.
    pub length: u32,
    /// Its first instruction.
    pub entry: u32,
    /// Room for instructions that move it, half a page, which it does not lie in.
    pub room: u32,
    /// The Multiboot information for it.
    pub information: u32,
}

/// Where in its page the information is, behind the room for instructions; and the command line.
const INFORMATION: u32 = PAGE / 2;
const LINE: u32 = INFORMATION + 0x100;

/// What has been read.
#[derive(Debug)]
struct Reading {
    image: Image,
    segment: u16,
    /// The part that is read, and how much of it is there.
    part: usize,
    done: u32,
}

/// A kernel that is being read.
#[derive(Debug)]
pub struct Boot {
    line: String,
    room: Range<u32>,
    reading: Option<Reading>,
    /// The file.
    pub file: Capability,
}

impl Boot {
    /// Begins to read a file. What is in it will lie in `room`, and gets the command line.
    pub fn new(file: Capability, line: String, room: Range<u32>) -> Boot {
        Boot {
            line,
            room,
            reading: None,
            file,
        }
    }

    /// What is to be read next; `None` if everything is there.
    pub fn wanted(&self, segments: &Segments) -> Option<Wanted> {
        let Some(reading) = &self.reading else {
            return Some(Wanted {
                offset: 0,
                length: HEAD,
                place: None,
            });
        };
        let part = reading.image.parts.get(reading.part)?;
        let length = (part.length - reading.done).min(LARGEST_BUFFER as u32);
        let place = part.address - page_start(reading.image.area().start) + reading.done;
        Some(Wanted {
            offset: part.offset + reading.done,
            length,
            place: Some(segments.pinned(reading.segment, place, length)),
        })
    }

    /// The first bytes of the file.
    ///
    /// # Errors
    /// [`Failure::Unfit`], [`Failure::Memory`].
    pub fn take_head(
        &mut self,
        machine: &mut impl Machine,
        segments: &mut Segments,
        head: &[u8],
    ) -> Result<(), Failure> {
        let image = Image::parse(head, self.room.clone()).map_err(Failure::Unfit)?;
        let area = pages(&image.area());
        let length = area.end - area.start + PAGE;
        let segment = create_outside(machine, segments, length, &area);
        let reading = Reading {
            segment: segment.ok_or(Failure::Memory(length))?,
            image,
            part: 0,
            done: 0,
        };
        self.reading = Some(reading);
        self.pass_empty_parts();
        Ok(())
    }

    /// So many bytes of what was wanted have come to their place.
    ///
    /// # Errors
    /// [`Failure::Short`] if it was none.
    pub fn took(&mut self, length: u32) -> Result<(), Failure> {
        let Some(reading) = &mut self.reading else {
            return Ok(());
        };
        if length == 0 {
            return Err(Failure::Short);
        }
        reading.done += length;
        self.pass_empty_parts();
        Ok(())
    }

    /// Goes on to the next part of which something is to be read.
    fn pass_empty_parts(&mut self) {
        if let Some(reading) = &mut self.reading {
            while let Some(part) = reading.image.parts.get(reading.part)
                && reading.done >= part.length
            {
                (reading.part, reading.done) = (reading.part + 1, 0);
            }
        }
    }

    /// Writes the information for the new kernel, now that everything is there: how to begin it.
    pub fn start(&self, machine: &mut impl Machine, segments: &Segments) -> Option<Start> {
        let reading = self.reading.as_ref()?;
        let area = pages(&reading.image.area());
        let source = segments.get(reading.segment).start();
        let length = area.end - area.start;
        let page = source + length;
        let information = Information {
            upper_memory_kib: Some((self.room.end - EXTENDED_START.min(self.room.end)) / 1024),
            command_line: Some(page + LINE),
            ..Information::default()
        };
        let bytes = machine.memory_mut(page, PAGE);
        bytes.fill(0);
        let emitted = information.emit();
        bytes[INFORMATION as usize..][..emitted.len()].copy_from_slice(&emitted);
        bytes[LINE as usize..][..self.line.len()].copy_from_slice(self.line.as_bytes());
        Some(Start {
            source,
            destination: area.start,
            length,
            entry: reading.image.entry,
            room: page,
            information: page + INFORMATION,
        })
    }

    /// Frees the memory of what has been read.
    pub fn give_up(self, machine: &mut impl Machine, segments: &mut Segments) {
        if let Some(reading) = self.reading {
            segments.destroy(machine, reading.segment);
        }
    }
}

fn page_start(address: u32) -> u32 {
    address / PAGE * PAGE
}

/// The pages of an area.
fn pages(area: &Range<u32>) -> Range<u32> {
    page_start(area.start)..area.end.next_multiple_of(PAGE)
}

/// Makes a segment that does not touch an area. Those that do are kept until one is found, so that the next is another.
fn create_outside(
    machine: &mut impl Machine,
    segments: &mut Segments,
    length: u32,
    area: &Range<u32>,
) -> Option<u16> {
    let mut others = Vec::new();
    let found = loop {
        let Ok(segment) = segments.create(machine, length) else {
            break None;
        };
        let start = segments.get(segment).start();
        if start >= area.end || start + length <= area.start {
            break Some(segment);
        }
        others.push(segment);
    };
    for segment in others {
        segments.destroy(machine, segment);
    }
    found
}
