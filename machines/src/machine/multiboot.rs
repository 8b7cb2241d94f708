//! Direct boot: puts a Multiboot kernel into memory and the processor at its entry.
//!
//! From the Multiboot Specification 0.6.96 (header: section 3.1, machine state: 3.2, information: 3.3). Kernels are
//! ELF32 files, or any file whose header says where its bytes go. Modules lie behind the
//! kernel, each on a page of its own, and their list behind them. Symbols and graphics modes are left out.

use std::ops::Range;

use cpu::{Control, Flags, Register, Segment, SegmentRegister, State};
use object::elf;
use object::read::elf::{FileHeader as _, ProgramHeader as _};
use thiserror::Error;

/// Why a kernel cannot be booted.
#[derive(Debug, Error, PartialEq, Eq)]
#[allow(missing_docs, reason = "the messages say it")]
pub enum LoadError {
    #[error("no Multiboot header in the first 8192 bytes; name a Multiboot 1 kernel")]
    NoHeader,
    #[error(
        "the Multiboot header's checksum is wrong: magic, flags and checksum must add up to zero, not {sum:#010x}"
    )]
    Checksum { sum: u32 },
    #[error(
        "the Multiboot header requires feature bit {bit}, which this loader does not offer (it offers bits 0, 1 and 2)"
    )]
    Feature { bit: u32 },
    #[error(
        "the Multiboot header asks for a graphics mode (mode type {mode}); these machines boot in 80x25 text"
    )]
    Graphics { mode: u32 },
    #[error("the Multiboot header's address fields make no sense: {reason}")]
    AddressFields { reason: &'static str },
    #[error("not an ELF32 file for the 386: {reason}")]
    NotElf { reason: String },
    #[error(
        "the kernel's segment at {start:#x} to {end:#x} does not lie in this machine's memory ({usable}); \
             give the machine more memory or link the kernel elsewhere"
    )]
    DoesNotFit { start: u64, end: u64, usable: String },
    #[error("the kernel's entry point {entry:#x} lies in none of its segments")]
    Entry { entry: u32 },
    #[error(
        "the modules need memory up to {end:#x}, and this machine has it up to {memory:#x}; give it more memory"
    )]
    Modules { end: u64, memory: u64 },
    #[error("the command line is {length} bytes long; at most {LONGEST_COMMAND_LINE} fit")]
    CommandLine { length: usize },
}

/// Where the loader has put things.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Start {
    entry: u32,
    information: u32,
}

const HEADER_MAGIC: u32 = 0x1BAD_B002;
const LOADER_MAGIC: u32 = 0x2BAD_B002;
/// The header lies within the first 8192 bytes of the image, on a 4-byte boundary.
const HEADER_REACH: usize = 8192;
/// Words of a header with every optional field (section 3.1.1).
const HEADER_WORDS: usize = 12;
/// Bits 0 (pages), 1 (memory information) and 2 (video mode) are requirements that this loader meets.
const OFFERED: u32 = 0b111;
const VIDEO_MODE: u32 = 1 << 2;
const ADDRESS_FIELDS: u32 = 1 << 16;

/// The information block lies here, under the kernel's usual place and over the BIOS data area.
const INFORMATION: u32 = 0x1000;
const MEMORY_MAP: u32 = INFORMATION + 0x80;
const LOADER_NAME: u32 = INFORMATION + 0xF0;
const COMMAND_LINE: u32 = INFORMATION + 0x100;
const INFORMATION_END: u32 = INFORMATION + 0x1000;
const LONGEST_COMMAND_LINE: usize = (INFORMATION_END - COMMAND_LINE) as usize - 1;
/// End of conventional memory; the last KB below 640 KB belongs to the extended BIOS data area.
const CONVENTIONAL_END: u32 = 0x9_FC00;
const EXTENDED_START: u32 = 0x10_0000;

/// Loads `image` into `memory` with its information block and `modules`, each with its string; returns where to start.
pub(super) fn load(
    memory: &mut [u8],
    image: &[u8],
    command_line: &str,
    modules: &[(&[u8], &str)],
) -> Result<Start, LoadError> {
    let header = Header::find(image)?;
    header.check_requirements()?;
    if command_line.len() > LONGEST_COMMAND_LINE {
        return Err(LoadError::CommandLine {
            length: command_line.len(),
        });
    }
    let (entry, end) = if header.flags() & ADDRESS_FIELDS == 0 {
        load_elf(memory, image)?
    } else {
        load_by_address_fields(memory, image, &header)?
    };
    let list = load_modules(memory, end, modules)?;
    write_information(memory, command_line, list, modules.len() as u32);
    Ok(Start {
        entry,
        information: INFORMATION,
    })
}

/// The Multiboot header of an image; words beyond the image's end read as zero.
struct Header {
    /// Where it lies in the image.
    offset: usize,
    words: [u32; HEADER_WORDS],
}

impl Header {
    /// The first header with a right checksum.
    fn find(image: &[u8]) -> Result<Self, LoadError> {
        let mut wrong_sum = None;
        for offset in (0..image.len().min(HEADER_REACH).saturating_sub(11)).step_by(4) {
            let mut words = [0; HEADER_WORDS];
            for (word, bytes) in words.iter_mut().zip(image[offset..].chunks_exact(4)) {
                *word = u32::from_le_bytes([bytes[0], bytes[1], bytes[2], bytes[3]]);
            }
            if words[0] != HEADER_MAGIC {
                continue;
            }
            let sum = words[0].wrapping_add(words[1]).wrapping_add(words[2]);
            if sum == 0 {
                return Ok(Self { offset, words });
            }
            wrong_sum.get_or_insert(sum);
        }
        Err(wrong_sum.map_or(LoadError::NoHeader, |sum| LoadError::Checksum { sum }))
    }

    fn flags(&self) -> u32 {
        self.words[1]
    }

    /// Bits 0 to 15 are requirements: a loader that does not know one must refuse.
    fn check_requirements(&self) -> Result<(), LoadError> {
        let unknown = self.flags() & 0xFFFF & !OFFERED;
        if unknown != 0 {
            return Err(LoadError::Feature {
                bit: unknown.trailing_zeros(),
            });
        }
        let mode = self.words[8];
        // Mode type 0 is a linear graphics mode, 1 is EGA text.
        if self.flags() & VIDEO_MODE != 0 && mode != 1 {
            return Err(LoadError::Graphics { mode });
        }
        Ok(())
    }
}

/// Flag bit 16: the header itself says where the file's bytes go, whatever format the file has.
fn load_by_address_fields(memory: &mut [u8], image: &[u8], header: &Header) -> Result<(u32, u64), LoadError> {
    let [_, _, _, header_address, load, load_end, bss_end, entry, ..] = header.words;
    let wrong = |reason| LoadError::AddressFields { reason };
    let before = header_address
        .checked_sub(load)
        .ok_or(wrong("the header lies below its own load address"))?;
    let first = header
        .offset
        .checked_sub(before as usize)
        .ok_or(wrong("the load address lies before the file"))?;
    let data = &image[first..];
    let data = match load_end.checked_sub(load) {
        _ if load_end == 0 => data,
        Some(length) => data
            .get(..length as usize)
            .ok_or(wrong("the file ends before the load end address"))?,
        None => return Err(wrong("the load end address lies below the load address")),
    };
    let start = u64::from(load);
    let end = (start + data.len() as u64).max(u64::from(bss_end));
    put(memory, start, end, data)?;
    if (start..end).contains(&u64::from(entry)) {
        Ok((entry, end))
    } else {
        Err(LoadError::Entry { entry })
    }
}

/// The entry, and where the kernel ends.
fn load_elf(memory: &mut [u8], image: &[u8]) -> Result<(u32, u64), LoadError> {
    let not_elf = |reason: object::Error| LoadError::NotElf {
        reason: reason.to_string(),
    };
    let header = elf::FileHeader32::<object::LittleEndian>::parse(image).map_err(not_elf)?;
    let endian = header.endian().map_err(not_elf)?;
    if header.e_machine(endian) != elf::EM_386 {
        return Err(LoadError::NotElf {
            reason: "it is made for another processor".into(),
        });
    }
    let entry = header.e_entry(endian);
    let mut entry_is_loaded = false;
    let mut last = 0;
    for segment in header.program_headers(endian, image).map_err(not_elf)? {
        if segment.p_type(endian) != elf::PT_LOAD || segment.p_memsz(endian) == 0 {
            continue;
        }
        let data = segment.data(endian, image).map_err(|()| LoadError::NotElf {
            reason: "a segment lies beyond the end of the file".into(),
        })?;
        let start = u64::from(segment.p_paddr(endian));
        let end = start + u64::from(segment.p_memsz(endian));
        put(memory, start, end, data)?;
        last = last.max(end);
        entry_is_loaded |= (start..end).contains(&u64::from(entry));
    }
    if entry_is_loaded {
        Ok((entry, last))
    } else {
        Err(LoadError::Entry { entry })
    }
}

/// Bytes of a page, on which modules begin.
const PAGE: u64 = 4096;
/// Bytes of a module's entry in the list (section 3.3).
const MODULE_ENTRY: u64 = 16;

/// Puts the modules behind the kernel, which ends at `kernel_end`, and their list and strings behind them; returns where
/// the list is.
fn load_modules(memory: &mut [u8], kernel_end: u64, modules: &[(&[u8], &str)]) -> Result<u32, LoadError> {
    let mut next = kernel_end.max(u64::from(EXTENDED_START)).next_multiple_of(PAGE);
    let starts: Vec<u64> = modules
        .iter()
        .map(|(bytes, _)| {
            let start = next;
            next = (start + bytes.len() as u64).next_multiple_of(PAGE);
            start
        })
        .collect();
    let list = next;
    let strings: u64 = modules.iter().map(|(_, line)| line.len() as u64 + 1).sum();
    let end = list + MODULE_ENTRY * modules.len() as u64 + strings;
    if end > memory.len() as u64 {
        return Err(LoadError::Modules {
            end,
            memory: memory.len() as u64,
        });
    }
    let mut put = |address: u64, bytes: &[u8]| {
        memory[address as usize..address as usize + bytes.len()].copy_from_slice(bytes);
    };
    let mut string = list + MODULE_ENTRY * modules.len() as u64;
    for (index, ((bytes, line), start)) in (0..).zip(modules.iter().zip(starts)) {
        put(start, bytes);
        put(string, line.as_bytes());
        put(string + line.len() as u64, &[0]);
        let entry = [start, start + bytes.len() as u64, string, 0];
        for (offset, word) in (0..).step_by(4).zip(entry) {
            put(list + MODULE_ENTRY * index + offset, &(word as u32).to_le_bytes());
        }
        string += line.len() as u64 + 1;
    }
    Ok(list as u32)
}

/// Puts `data` at `start` and zeros from its end to `end`.
fn put(memory: &mut [u8], start: u64, end: u64, data: &[u8]) -> Result<(), LoadError> {
    let place = place(memory.len(), start, end)?;
    let (filled, zeroed) = memory[place].split_at_mut(data.len().min((end - start) as usize));
    filled.copy_from_slice(&data[..filled.len()]);
    zeroed.fill(0);
    Ok(())
}

/// The place of a segment: between the information block and conventional memory's end, or above 1 MB.
fn place(memory: usize, start: u64, end: u64) -> Result<Range<usize>, LoadError> {
    let low = u64::from(INFORMATION_END)..=u64::from(CONVENTIONAL_END);
    let high = u64::from(EXTENDED_START)..=memory as u64;
    if [low, high]
        .iter()
        .any(|area| area.contains(&start) && area.contains(&end))
    {
        return Ok(start as usize..end as usize);
    }
    let usable =
        format!("{INFORMATION_END:#x} to {CONVENTIONAL_END:#x} and {EXTENDED_START:#x} to {memory:#x}");
    Err(LoadError::DoesNotFit { start, end, usable })
}

/// Flags of the information block (section 3.3): memory sizes, command line, modules, memory map, loader name, frame buffer.
const INFORMATION_FLAGS: u32 = 1 << 0 | 1 << 2 | 1 << 3 | 1 << 6 | 1 << 9 | 1 << 12;
/// What the loader calls itself.
const NAME: &[u8] = b"amlab\0";
const USABLE: u32 = 1;
const RESERVED: u32 = 2;

fn write_information(memory: &mut [u8], command_line: &str, list: u32, modules: u32) {
    let top = memory.len() as u32;
    let mut put = |address: u32, bytes: &[u8]| {
        memory[address as usize..address as usize + bytes.len()].copy_from_slice(bytes);
    };
    let areas = [
        (0, CONVENTIONAL_END, USABLE),
        (CONVENTIONAL_END, 0xA_0000, RESERVED),
        (0xF_0000, EXTENDED_START, RESERVED),
        (EXTENDED_START, top, USABLE),
    ];
    for (index, (start, end, kind)) in (0..).zip(areas) {
        let entry = MEMORY_MAP + index * 24;
        let words = [20, start, 0, end - start, 0, kind];
        for (offset, word) in (0..).step_by(4).zip(words) {
            put(entry + offset, &u32::to_le_bytes(word));
        }
    }
    let fields = [
        (0, INFORMATION_FLAGS),
        (4, CONVENTIONAL_END / 1024),
        (8, (top - EXTENDED_START) / 1024),
        (16, COMMAND_LINE),
        (20, modules),
        (24, list),
        (44, areas.len() as u32 * 24),
        (48, MEMORY_MAP),
        (64, LOADER_NAME),
        // The frame buffer: 80x25 characters of text at B8000h.
        (88, 0xB_8000),
        (96, 160),
        (100, 80),
        (104, 25),
        (108, u32::from_le_bytes([16, 2, 0, 0])),
    ];
    for (offset, word) in fields {
        put(INFORMATION + offset, &u32::to_le_bytes(word));
    }
    put(LOADER_NAME, NAME);
    put(COMMAND_LINE, command_line.as_bytes());
    put(COMMAND_LINE + command_line.len() as u32, &[0]);
}

/// The machine state of section 3.2: 32-bit flat segments, protection on, paging and interrupts off.
pub(super) fn enter(state: &mut State, start: Start) {
    /// 32-bit, page granular, present, ring 0: code readable and data writable, both accessed.
    const CODE: u16 = 0xC09B;
    const DATA: u16 = 0xC093;
    let flat = |selector, access| SegmentRegister {
        selector,
        base: 0,
        limit: u32::MAX,
        access,
    };
    state.general[Register::Eax as usize] = LOADER_MAGIC;
    state.general[Register::Ebx as usize] = start.information;
    state.eip = start.entry;
    state.eflags = Flags::ALWAYS.bits();
    state.segments = [flat(0x10, DATA); 6];
    state.segments[Segment::Cs as usize] = flat(0x08, CODE);
    state.cr0 |= Control::PROTECTION.bits();
    state.is_halted = false;
    state.is_shut_down = false;
}

#[cfg(test)]
mod tests {
    use super::*;

    const MEMORY: usize = 2 << 20;

    fn words(words: &[u32]) -> Vec<u8> {
        words.iter().flat_map(|word| word.to_le_bytes()).collect()
    }

    /// A header with these flags, a right checksum and the optional fields `more`.
    fn header(flags: u32, more: &[u32]) -> Vec<u8> {
        let mut image = words(&[
            HEADER_MAGIC,
            flags,
            0u32.wrapping_sub(HEADER_MAGIC).wrapping_sub(flags),
        ]);
        image.extend(words(more));
        image
    }

    /// An ELF32 file with one segment: its headers, then a Multiboot header, then `code`.
    fn elf(machine: u16, load: u32, entry: u32, memory_size: u32, code: &[u8]) -> Vec<u8> {
        let mut image = b"\x7FELF\x01\x01\x01\0\0\0\0\0\0\0\0\0".to_vec();
        image.extend([2, 0].into_iter().chain(machine.to_le_bytes()));
        image.extend(words(&[1, entry, 52, 0, 0]));
        image.extend([52u16, 32, 1, 40, 0, 0].into_iter().flat_map(u16::to_le_bytes));
        image.extend(words(&[
            elf::PT_LOAD.0,
            96,
            load,
            load,
            code.len() as u32,
            memory_size,
            7,
            4,
        ]));
        image.extend(header(0b11, &[]));
        image.extend(code);
        image
    }

    fn load_into(image: &[u8]) -> (Vec<u8>, Result<Start, LoadError>) {
        let mut memory = vec![0xAA; MEMORY];
        let start = load(&mut memory, image, "kernel irq=3", &[]);
        (memory, start)
    }

    #[test]
    fn an_elf_kernel_is_put_in_place_and_the_rest_of_its_segment_is_zeroed() {
        let (memory, start) = load_into(&elf(3, 0x10_0000, 0x10_0002, 6, &[1, 2, 3, 4]));
        assert_eq!(start.expect("a kernel").entry, 0x10_0002);
        assert_eq!(memory[0x10_0000..0x10_0007], [1, 2, 3, 4, 0, 0, 0xAA]);
    }

    #[test]
    fn the_information_block_tells_memory_and_command_line() {
        let (memory, start) = load_into(&elf(3, 0x10_0000, 0x10_0000, 4, &[0xF4]));
        let block = start.expect("a kernel").information;
        let word = |address: u32| {
            u32::from_le_bytes(memory[address as usize..][..4].try_into().expect("four bytes"))
        };
        assert_eq!(
            (word(block + 4), word(block + 8)),
            (639, 1024),
            "KB below and above 1 MB"
        );
        let line = word(block + 16) as usize;
        assert_eq!(&memory[line..line + 13], b"kernel irq=3\0");
        let (length, map) = (word(block + 44), word(block + 48));
        let usable: u32 = (0..length / 24)
            .map(|i| map + i * 24)
            .filter(|at| word(at + 20) == 1)
            .map(|at| word(at + 12))
            .sum();
        assert_eq!(usable, (639 + 1024) * 1024);
    }

    #[test]
    fn the_address_fields_place_a_file_of_any_format() {
        let load = 0x10_0000;
        let mut image = vec![0x90; 8];
        image.extend(header(
            ADDRESS_FIELDS,
            &[load + 8, load, load + 48, load + 64, load + 40],
        ));
        image.resize(60, 0xCC);
        let (memory, start) = load_into(&image);
        assert_eq!(start.expect("a kernel").entry, load + 40);
        assert_eq!(memory[load as usize], 0x90);
        assert_eq!(
            (memory[load as usize + 47], memory[load as usize + 48]),
            (0xCC, 0)
        );
    }

    #[test]
    fn what_cannot_be_booted_is_refused_with_its_reason() {
        let refused = |image: &[u8]| load_into(image).1.expect_err("no kernel");
        assert_eq!(refused(b"MZ"), LoadError::NoHeader);
        assert_eq!(
            refused(&words(&[HEADER_MAGIC, 0, 0])),
            LoadError::Checksum { sum: HEADER_MAGIC }
        );
        assert_eq!(refused(&header(1 << 3, &[])), LoadError::Feature { bit: 3 });
        assert_eq!(
            refused(&header(VIDEO_MODE, &[0; 9])),
            LoadError::Graphics { mode: 0 }
        );
        assert!(matches!(refused(&header(0, &[])), LoadError::NotElf { .. }));
        assert!(matches!(
            refused(&elf(62, 0x10_0000, 0x10_0000, 1, &[0xF4])),
            LoadError::NotElf { .. }
        ));
        assert_eq!(
            refused(&elf(3, 0x10_0000, 5, 1, &[0xF4])),
            LoadError::Entry { entry: 5 }
        );
        for place in [0x0, 0x9_FFFF, 0xF_0000, 0x1F_FFFF, 0xFFFF_FFF0] {
            assert!(
                matches!(
                    refused(&elf(3, place, place, 0x20, &[0xF4])),
                    LoadError::DoesNotFit { .. }
                ),
                "{place:#x}"
            );
        }
    }

    #[test]
    fn a_command_line_that_does_not_fit_is_refused() {
        let mut memory = vec![0; MEMORY];
        let long = "x".repeat(LONGEST_COMMAND_LINE + 1);
        let kernel = elf(3, 0x10_0000, 0x10_0000, 1, &[0xF4]);
        let error = load(&mut memory, &kernel, &long, &[]).expect_err("too long");
        assert_eq!(
            error,
            LoadError::CommandLine {
                length: LONGEST_COMMAND_LINE + 1
            }
        );
    }

    #[test]
    fn modules_lie_on_pages_behind_the_kernel_with_their_strings() {
        let mut memory = vec![0xAA; MEMORY];
        let kernel = elf(3, 0x10_0000, 0x10_0000, 0x1001, &[0xF4]);
        let long = vec![7; 0x1001];
        let modules = [(&b"first"[..], "one -v"), (&long, "two")];
        let start = load(&mut memory, &kernel, "", &modules).expect("a kernel");
        let word = |address: u32| {
            u32::from_le_bytes(memory[address as usize..][..4].try_into().expect("four bytes"))
        };
        let list = word(start.information + 24);
        assert_eq!(word(start.information + 20), 2);
        assert_eq!((word(list), word(list + 4)), (0x10_2000, 0x10_2005));
        assert_eq!((word(list + 16), word(list + 20)), (0x10_3000, 0x10_4001));
        assert_eq!(memory[0x10_2000..0x10_2005], *b"first");
        assert_eq!(memory[word(list + 8) as usize..][..7], *b"one -v\0");
        assert_eq!(memory[word(list + 24) as usize..][..4], *b"two\0");
    }

    #[test]
    fn modules_that_do_not_fit_are_refused() {
        let mut memory = vec![0; MEMORY];
        let kernel = elf(3, 0x10_0000, 0x10_0000, 1, &[0xF4]);
        let large = vec![0; MEMORY - 0x10_0000];
        let error = load(&mut memory, &kernel, "", &[(&large, "large")]).expect_err("too large");
        assert!(matches!(error, LoadError::Modules { .. }));
    }

    #[test]
    fn the_processor_starts_flat_protected_with_the_magic_number() {
        let mut state = cpu::State::after_reset();
        enter(
            &mut state,
            Start {
                entry: 0x10_0000,
                information: INFORMATION,
            },
        );
        assert_eq!((state.general[0], state.general[3]), (LOADER_MAGIC, INFORMATION));
        assert!(
            state
                .segments
                .iter()
                .all(|segment| segment.base == 0 && segment.limit == u32::MAX)
        );
        assert_eq!(state.cr0 & 0x8000_0001, 1, "protection on, paging off");
    }
}
