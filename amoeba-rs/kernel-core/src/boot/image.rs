//! Kernel images: ELF files for the 386 (System V ABI, chapters 4 and 5) with a Multiboot header (Multiboot Specification 0.6.96,
//! section 3.1). Headers with addresses of their own, for files that are no ELF, are left out.

use alloc::vec::Vec;
use core::fmt;
use core::ops::Range;

/// The first bytes of a file, in which all headers must lie: as far as a Multiboot header may be from the beginning.
pub const HEAD: u32 = 8192;

const HEADER_MAGIC: u32 = 0x1bad_b002;
/// Features that a header may demand and that are there: modules on pages, and memory information.
const OFFERED: u32 = 0x3;
/// The features that must be there if they are demanded.
const DEMANDS: u32 = 0xffff;

/// "\x7fELF", 32 bits, least significant byte first, version 1.
const IDENTITY: [u8; 7] = *b"\x7fELF\x01\x01\x01";
const EXECUTABLE: u16 = 2;
const I386: u16 = 3;
const LOADED: u32 = 1;
const PROGRAM_HEADER: usize = 32;
/// The most parts of an image.
const MOST_PARTS: u16 = 16;

/// What is wrong with an image.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Unfit {
    /// It has no Multiboot header, or none whose checksum is right.
    NoHeader,
    /// Its Multiboot header demands something that is not there.
    Demands(u32),
    /// It is no ELF file for the 386 that can be executed.
    NotElf,
    /// Its headers do not lie in its first bytes, or contradict themselves.
    Headers,
    /// It does not lie in the machine's memory from 1 MB upwards.
    Room {
        /// Its first address.
        start: u32,
        /// The first one behind it.
        end: u32,
    },
    /// It begins outside itself.
    Entry(u32),
}

impl fmt::Display for Unfit {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Unfit::NoHeader => formatter.write_str("the file has no good Multiboot header"),
            Unfit::Demands(flags) => write!(
                formatter,
                "its Multiboot header demands {flags:x}h, which is not there"
            ),
            Unfit::NotElf => formatter.write_str("the file is no ELF executable for the 386"),
            Unfit::Headers => formatter.write_str("the file's ELF headers make no sense"),
            Unfit::Room { start, end } => {
                write!(
                    formatter,
                    "it wants {start:x}h to {end:x}h, which is not all memory"
                )
            }
            Unfit::Entry(entry) => write!(formatter, "it begins at {entry:x}h, outside itself"),
        }
    }
}

/// A part of the file and its place in memory.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Part {
    /// First byte in the file.
    pub offset: u32,
    /// Bytes in the file.
    pub length: u32,
    /// First address.
    pub address: u32,
    /// Bytes in memory; those that are not in the file are 0.
    pub size: u32,
}

impl Part {
    fn end(&self) -> Option<u32> {
        self.address.checked_add(self.size)
    }
}

/// An image.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Image {
    /// Its first instruction.
    pub entry: u32,
    /// Its parts, by their addresses.
    pub parts: Vec<Part>,
}

impl Image {
    /// Reads the headers in the first bytes of a file, of an image that is to lie in `room`.
    ///
    /// # Errors
    /// What is wrong with it.
    pub fn parse(head: &[u8], room: Range<u32>) -> Result<Image, Unfit> {
        let image = parse_elf(head)?;
        check_multiboot(head)?;
        let area = image.area();
        if area.start < room.start || area.end > room.end {
            return Err(Unfit::Room {
                start: area.start,
                end: area.end,
            });
        }
        let holds = |part: &Part| (part.address..part.address + part.size).contains(&image.entry);
        if !image.parts.iter().any(holds) {
            return Err(Unfit::Entry(image.entry));
        }
        Ok(image)
    }

    /// Where it lies.
    pub fn area(&self) -> Range<u32> {
        let first = self.parts.first().map_or(0, |part| part.address);
        let last = self.parts.last().and_then(Part::end).unwrap_or(first);
        first..last
    }
}

fn parse_elf(head: &[u8]) -> Result<Image, Unfit> {
    let is_elf =
        head.starts_with(&IDENTITY) && half(head, 16) == Some(EXECUTABLE) && half(head, 18) == Some(I386);
    if !is_elf {
        return Err(Unfit::NotElf);
    }
    let entry = word(head, 24).ok_or(Unfit::Headers)?;
    let table = word(head, 28).ok_or(Unfit::Headers)? as usize;
    let [size, count] = [42, 44].map(|offset| half(head, offset));
    let (Some(size), Some(count)) = (size, count) else {
        return Err(Unfit::Headers);
    };
    if usize::from(size) < PROGRAM_HEADER || count > MOST_PARTS {
        return Err(Unfit::Headers);
    }
    let mut parts = Vec::new();
    for number in 0..usize::from(count) {
        let at = table
            .checked_add(number * usize::from(size))
            .ok_or(Unfit::Headers)?;
        let header = head
            .get(at..)
            .and_then(|rest| rest.first_chunk::<PROGRAM_HEADER>());
        parts.extend(parse_part(header.ok_or(Unfit::Headers)?)?);
    }
    parts.sort_by_key(|part| part.address);
    let overlap = parts.windows(2).any(|pair| pair[0].end() > Some(pair[1].address));
    if parts.is_empty() || overlap {
        return Err(Unfit::Headers);
    }
    Ok(Image { entry, parts })
}

/// A program header: its part, if it has one that is loaded.
fn parse_part(header: &[u8; PROGRAM_HEADER]) -> Result<Option<Part>, Unfit> {
    let field = |offset| word(header, offset).ok_or(Unfit::Headers);
    let part = Part {
        offset: field(4)?,
        address: field(12)?,
        length: field(16)?,
        size: field(20)?,
    };
    if field(0)? != LOADED || part.size == 0 {
        return Ok(None);
    }
    let is_possible =
        part.length <= part.size && part.offset.checked_add(part.length).is_some() && part.end().is_some();
    if is_possible {
        Ok(Some(part))
    } else {
        Err(Unfit::Headers)
    }
}

/// Looks for a Multiboot header, on a 4-byte boundary, and whether what it demands is there.
fn check_multiboot(head: &[u8]) -> Result<(), Unfit> {
    let flags = (0..head.len()).step_by(4).find_map(|at| {
        let [magic, flags, checksum] = [0, 4, 8].map(|offset| word(head, at + offset));
        let sum = magic?.wrapping_add(flags?).wrapping_add(checksum?);
        (magic? == HEADER_MAGIC && sum == 0).then_some(flags?)
    });
    let demands = flags.ok_or(Unfit::NoHeader)? & DEMANDS & !OFFERED;
    if demands == 0 {
        Ok(())
    } else {
        Err(Unfit::Demands(demands))
    }
}

fn word(bytes: &[u8], offset: usize) -> Option<u32> {
    let chunk = bytes.get(offset..)?.first_chunk()?;
    Some(u32::from_le_bytes(*chunk))
}

fn half(bytes: &[u8], offset: usize) -> Option<u16> {
    let chunk = bytes.get(offset..)?.first_chunk()?;
    Some(u16::from_le_bytes(*chunk))
}
