//! Segments: mapped, grown, mapped out and in again.

use alloc::vec::Vec;
use libamoeba::system::calls;
use libamoeba::system::trial::{check, equal};
use proto::capability::Capability;
use proto::process::SegmentKind;
use proto::standard::Status;
use proto::system_call::Call;

const PLACE: u32 = 0x6800_0000;
const OTHER: u32 = 0x6900_0000;
const PAGE: u32 = 4096;
const DATA: SegmentKind = SegmentKind::DATA.union(SegmentKind::READ_WRITE);

fn map(capability: &Capability, start: u32, length: u32, kind: SegmentKind) -> i32 {
    // SAFETY: nothing of this program lies there but what these tests map.
    unsafe { calls::map(capability, start, length, kind) }
}

fn grow(number: i32, length: u32) -> i32 {
    // SAFETY: nothing refers to the segment.
    unsafe { calls::grow(number.cast_unsigned(), length) }
}

fn unmap(number: i32) -> Result<Capability, i32> {
    // SAFETY: nothing refers to the segment.
    unsafe { calls::unmap(number.cast_unsigned()) }
}

fn write(address: u32, byte: u8) {
    // SAFETY: the test has mapped a segment there.
    unsafe { (address as *mut u8).write_volatile(byte) }
}

fn read(address: u32) -> u8 {
    // SAFETY: the test has mapped a segment there.
    unsafe { (address as *const u8).read_volatile() }
}

fn code(status: Status) -> i32 {
    i32::from(status.code())
}

pub(crate) fn run() {
    let number = map(&Capability::NULL, PLACE, 100, DATA | SegmentKind::GROWS_UP);
    check(number >= 0, "seg_map of a new segment");
    equal(read(PLACE + 99), 0, "a new segment holds zeros");
    write(PLACE + 99, 7);
    equal(grow(number, 5 * PAGE), 0, "seg_grow");
    equal(
        (read(PLACE + 99), read(PLACE + 5 * PAGE - 1)),
        (7, 0),
        "what a longer segment holds",
    );
    write(PLACE + 5 * PAGE - 1, 8);
    let Ok(capability) = unmap(number) else {
        check(false, "seg_unmap");
        return;
    };
    check(capability != Capability::NULL, "seg_unmap gives a capability");
    let copy = map(&capability, PLACE, 5 * PAGE, DATA);
    let same = map(&capability, OTHER, 0, DATA | SegmentKind::IN_PLACE);
    check(copy >= 0 && same >= 0, "seg_map of a segment");
    equal(
        (read(PLACE + 5 * PAGE - 1), read(OTHER + 5 * PAGE - 1)),
        (8, 8),
        "what a segment mapped in holds",
    );
    write(PLACE, 1);
    equal(read(OTHER), 0, "a copy is a copy");
    refused(&capability, same);
    exhaust();
    check(unmap(copy).is_ok() && unmap(same).is_ok(), "seg_unmap of both");
    equal(unmap(same), Err(code(Status::NotFound)), "seg_unmap twice");
}

/// A program that takes all memory is refused more, and the kernel goes on.
fn exhaust() {
    const PIECE: u32 = 64 << 10;
    let mut pieces = Vec::new();
    let refused = loop {
        let address = 0x4000_0000 + pieces.len() as u32 * PIECE;
        match map(&Capability::NULL, address, PIECE, DATA) {
            number if number >= 0 => pieces.push(number),
            status => break status,
        }
    };
    let no_room = [code(Status::NoMemory), code(Status::NoSpace)];
    check(no_room.contains(&refused), "seg_map of more than there is");
    check(pieces.len() > 8, "there is memory for several pieces");
    check(
        calls::info(&mut [0; 64]).1.is_none(),
        "getinfo while there is no memory",
    );
    for number in pieces {
        check(unmap_for_good(number) == 0, "seg_unmap of a piece");
    }
}

fn unmap_for_good(number: i32) -> i32 {
    // SAFETY: nothing refers to the segment.
    unsafe { calls::call(Call::SegmentUnmap, [number.cast_unsigned(), 0, 0, 0]) }
}

/// What cannot be done gives a status and changes nothing.
fn refused(capability: &Capability, same: i32) {
    let exists = code(Status::Exists);
    let bad = code(Status::BadArgument);
    equal(
        map(&Capability::NULL, PLACE, PAGE, DATA),
        exists,
        "seg_map over a segment",
    );
    equal(
        map(&Capability::NULL, PLACE - PAGE, PAGE + 1, DATA),
        exists,
        "seg_map into a segment",
    );
    for address in [0, 0x10_0000, 0x03ff_f000, PLACE - 100, 0x8000_0000, 0xffff_f000] {
        equal(
            map(&Capability::NULL, address, PAGE, DATA),
            bad,
            "seg_map at no user's address",
        );
    }
    equal(
        map(&Capability::NULL, 0x6a00_0000, 0, DATA),
        bad,
        "seg_map of nothing",
    );
    equal(
        map(&Capability::NULL, 0x7fff_f000, 2 * PAGE, DATA),
        bad,
        "seg_map beyond 2 GB",
    );
    equal(
        map(&Capability::NULL, 0x6a00_0000, 0x0400_0000, DATA),
        code(Status::NoMemory),
        "seg_map of 64 MB",
    );
    let mut forged = *capability;
    forged.private.check.0[3] ^= 1;
    equal(
        map(&forged, 0x6a00_0000, 0, DATA),
        code(Status::BadCapability),
        "seg_map of a forged capability",
    );
    equal(
        grow(same, PAGE),
        code(Status::Denied),
        "seg_grow of a segment that does not grow",
    );
    equal(grow(199, PAGE), code(Status::NotFound), "seg_grow of no segment");
    equal(grow(-1, PAGE), code(Status::NotFound), "seg_grow of segment -1");
}
