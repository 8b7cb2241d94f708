//! Makes Amoeba executables of linked programs: a process descriptor, and behind it the contents of the segments.
//!
//! From the ELF file are taken the segments that are loaded and the address of the first instruction. Symbols stay out.

use object::elf;
use object::read::elf::{FileHeader, ProgramHeader};
use proto::capability::Capability;
use proto::process::{self, Head, I80386, Segment, SegmentKind, Thread};

/// Contents of segments begin on a page of the file.
const PAGE: usize = 4096;
/// The stack's addresses end here, a little below 2 GB, where a user's addresses end.
const STACK_END: u32 = 0x7fff_c000;

/// The executable of a linked program.
pub(crate) fn executable(image: &[u8]) -> Result<Vec<u8>, String> {
    let header =
        elf::FileHeader32::<object::LittleEndian>::parse(image).map_err(|error| error.to_string())?;
    let endian = header.endian().map_err(|error| error.to_string())?;
    let programs = header
        .program_headers(endian, image)
        .map_err(|error| error.to_string())?;
    let mut segments = Vec::new();
    let mut contents = Vec::new();
    for program in programs {
        if program.p_type(endian) != elf::PT_LOAD || program.p_memsz(endian) == 0 {
            continue;
        }
        let mut bytes = program
            .data(endian, image)
            .map_err(|()| "a segment lies beyond the file")?
            .to_vec();
        bytes.resize(program.p_memsz(endian) as usize, 0);
        let is_writable = program.p_flags(endian).contains(elf::PF_W);
        segments.push(Segment {
            capability: Capability::NULL,
            offset: 0,
            address: program.p_vaddr(endian),
            length: program.p_memsz(endian),
            kind: if is_writable {
                SegmentKind::DATA | SegmentKind::READ_WRITE | SegmentKind::GROWS_UP
            } else {
                SegmentKind::TEXT | SegmentKind::READ_ONLY
            },
        });
        contents.push(bytes);
    }
    if segments.is_empty() {
        return Err("nothing of it is loaded".into());
    }
    segments.push(Segment {
        capability: Capability::NULL,
        offset: 0,
        address: STACK_END - process::segment::DEFAULT_STACK,
        length: 0,
        kind: SegmentKind::SYSTEM | SegmentKind::DATA | SegmentKind::READ_WRITE | SegmentKind::GROWS_DOWN,
    });
    let thread = Thread::start(header.e_entry(endian), STACK_END);
    put_together(&mut segments, &thread, &contents)
}

fn put_together(segments: &mut [Segment], thread: &Thread, contents: &[Vec<u8>]) -> Result<Vec<u8>, String> {
    let head = Head {
        architecture: I80386,
        own: Capability::NULL,
        owner: Capability::NULL,
    };
    let threads = [*thread];
    let mut file = vec![0; process::length(segments.len(), &threads).next_multiple_of(PAGE)];
    for (segment, bytes) in segments.iter_mut().zip(contents) {
        segment.offset = u32::try_from(file.len()).map_err(|_| "it is too large")?;
        file.extend(bytes);
        file.resize(file.len().next_multiple_of(PAGE), 0);
    }
    process::emit(&head, segments, &threads, &mut file).map_err(|error| error.to_string())?;
    Ok(file)
}
