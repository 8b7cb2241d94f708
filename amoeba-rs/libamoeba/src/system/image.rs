//! This program as an executable file, made from its own memory, so that it can be run again, also by other machines.

use super::calls;
use crate::program::Image;
use alloc::vec;
use alloc::vec::Vec;
use proto::capability::Capability;
use proto::process::{self, Segment, SegmentKind, Thread};

/// Where a copy of the data segment is mapped.
const COPY: u32 = 0x6800_0000;
/// The end of a stack, as the programs of this project have it.
const STACK_END: u32 = 0x7fff_c000;

unsafe extern "C" {
    /// The first instruction.
    static start: u8;
}

/// The data segment as the program begins, copied elsewhere.
#[derive(Debug)]
pub struct Beginning(Segment);

/// Copies the data segment as it is now; `None` if there is no room. The program has just begun: what it has on the heap a copy
/// of it would not have.
pub fn copy_data() -> Option<Beginning> {
    let mut bytes = [0; 2048];
    let (_, length) = calls::info(&mut bytes);
    let descriptor = process::Descriptor::parse(&bytes[..length?]).ok()?;
    let is_data = |segment: &Segment| segment.kind.is_writable() && segment.address < COPY;
    let data = descriptor.segments().find(is_data)?;
    let kind = SegmentKind::DATA | SegmentKind::READ_WRITE;
    // SAFETY: nothing else of this program lies there.
    let number = unsafe { calls::map(&data.capability, COPY, data.length, kind) };
    (number >= 0).then_some(Beginning(data))
}

/// A part of this program's memory, which nothing changes.
fn memory(address: u32, length: u32) -> &'static [u8] {
    // SAFETY: the program's text, or the copy of its data.
    unsafe { core::slice::from_raw_parts(address as *const u8, length as usize) }
}

/// This program as an executable file, which begins as it did; `None` without memory for it.
pub fn file(Beginning(data): Beginning) -> Option<Vec<u8>> {
    let mut bytes = vec![0; 4096];
    let (_, length) = calls::info(&mut bytes);
    let mapped = Image::parse(&bytes[..length?])?;
    let is_text = |segment: &&Segment| segment.kind.contains(SegmentKind::TEXT);
    let text = *mapped
        .segments
        .iter()
        .find(is_text)
        .expect("the program has code");
    let null = |segment: Segment| Segment {
        capability: Capability::NULL,
        ..segment
    };
    let stack = Segment {
        capability: Capability::NULL,
        offset: 0,
        address: STACK_END - process::segment::DEFAULT_STACK,
        length: 0,
        kind: SegmentKind::SYSTEM | SegmentKind::DATA | SegmentKind::READ_WRITE | SegmentKind::GROWS_DOWN,
    };
    let entry = (&raw const start).addr() as u32;
    let mut image = Image {
        head: process::Head {
            own: Capability::NULL,
            owner: Capability::NULL,
            ..mapped.head
        },
        segments: vec![null(text), null(data), stack],
        threads: vec![Thread::start(entry, STACK_END)],
    };
    let head = process::length(3, &image.threads) as u32;
    image.segments[0].offset = head;
    image.segments[1].offset = head + text.length;
    let mut file = image.emit()?;
    file.extend_from_slice(memory(text.address, text.length));
    file.extend_from_slice(memory(COPY, data.length));
    Some(file)
}
