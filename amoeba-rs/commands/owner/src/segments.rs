//! Segments of another machine: made, written, read, cloned, mapped here and destroyed.

use alloc::vec;
use alloc::vec::Vec;
use libamoeba::classes::process;
use libamoeba::standard;
use libamoeba::system::trial::equal;
use libamoeba::system::{Kernel, calls};
use proto::capability::{Capability, Rights};
use proto::process::SegmentKind;
use proto::process::server::right;
use proto::standard::Status;

const PLACE: u32 = 0x6a00_0000;
const LENGTH: u32 = 45_000;
const DATA: SegmentKind = SegmentKind::DATA.union(SegmentKind::READ_WRITE);

fn pattern() -> Vec<u8> {
    (0..LENGTH).map(|place| (place * 3 + place / 256) as u8).collect()
}

/// Maps a segment, looks at it and maps it out: the status of the mapping.
fn map(capability: &Capability, kind: SegmentKind, expected: &[u8]) -> i32 {
    // SAFETY: nothing else of this program lies there.
    let number = unsafe { calls::map(capability, PLACE, LENGTH, kind) };
    if number >= 0 {
        // SAFETY: the segment is mapped there.
        let bytes = unsafe { core::slice::from_raw_parts(PLACE as *const u8, LENGTH as usize) };
        equal(bytes == expected, true, "what a segment of another machine holds");
        // SAFETY: nothing refers to the segment any more.
        let unmapped = unsafe { calls::unmap(number.cast_unsigned()) };
        let own = unmapped.unwrap_or(Capability::NULL);
        equal(
            standard::destroy(&mut Kernel, &own),
            Ok(()),
            "STD_DESTROY of the copy",
        );
    }
    number
}

pub(crate) fn run(host: &Capability) {
    let data = pattern();
    let kernel = &mut Kernel;
    let made = process::create_segment(kernel, host, LENGTH);
    let Ok(segment) = made else {
        equal(made.map(drop), Ok(()), "PS_SEG_CREATE");
        return;
    };
    equal(process::size(kernel, &segment), Ok(LENGTH), "BS_SIZE");
    let mut read = vec![0xff; 50_000];
    equal(
        process::read(kernel, &segment, 0, &mut read),
        Ok(45_000),
        "BS_READ",
    );
    equal(
        read[..45_000].iter().all(|byte| *byte == 0),
        true,
        "a new segment holds zeros",
    );
    equal(
        process::write_segment(kernel, &segment, 0, &data),
        Ok(()),
        "PS_SEG_WRITE in several pieces",
    );
    equal(
        process::read(kernel, &segment, 5, &mut read),
        Ok(44_995),
        "BS_READ from 5 on",
    );
    equal(read[..44_995] == data[5..], true, "what was written");
    equal(
        process::read(kernel, &segment, LENGTH, &mut read),
        Ok(0),
        "BS_READ at the end",
    );
    let beyond = process::write_segment(kernel, &segment, LENGTH - 2, b"end");
    equal(beyond, Err(Status::BadArgument), "PS_SEG_WRITE beyond the end");
    let mut line = [0; 40];
    let length = standard::info(kernel, &segment, &mut line);
    equal(
        length.map(|length| &line[..length]),
        Ok(&b"in-core segment"[..]),
        "STD_INFO of a segment",
    );
    clones(host, &segment, &data);
    mappings(&segment, &data);
}

/// A segment of another machine, mapped here.
fn mappings(segment: &Capability, data: &[u8]) {
    let kernel = &mut Kernel;
    equal(
        map(segment, DATA, data) >= 0,
        true,
        "seg_map of another machine's segment",
    );
    let read_only = standard::restrict(kernel, segment, right::READ).unwrap_or(Capability::NULL);
    equal(
        map(&read_only, DATA, data) >= 0,
        true,
        "seg_map with the right to read",
    );
    let nothing = standard::restrict(kernel, segment, Rights(0)).unwrap_or(Capability::NULL);
    let denied = i32::from(Status::Denied.code());
    equal(map(&nothing, DATA, data), denied, "seg_map without rights");
    let taken = map(segment, DATA | SegmentKind::DESTROY_ORIGINAL, data);
    equal(taken >= 0, true, "seg_map that destroys the original");
    // The other machine may still be told.
    calls::sleep(200);
    equal(
        process::size(kernel, segment),
        Err(Status::BadCapability),
        "a segment that was taken",
    );
    let bad = i32::from(Status::BadCapability.code());
    equal(
        map(segment, DATA, data),
        bad,
        "seg_map of a segment that was taken",
    );
}

fn clones(host: &Capability, segment: &Capability, data: &[u8]) {
    let kernel = &mut Kernel;
    let clone = process::clone_segment(kernel, host, LENGTH, segment).unwrap_or(Capability::NULL);
    let mut read = vec![0; data.len()];
    equal(
        process::read(kernel, &clone, 0, &mut read),
        Ok(data.len()),
        "BS_READ of a clone",
    );
    equal(read == data, true, "what a clone holds");
    equal(
        process::write_segment(kernel, &clone, 0, b"other"),
        Ok(()),
        "PS_SEG_WRITE of a clone",
    );
    equal(
        process::read(kernel, segment, 0, &mut read[..5]),
        Ok(5),
        "BS_READ of the original",
    );
    equal(
        read[..5] == data[..5],
        true,
        "the original of a clone that was written",
    );
    equal(standard::destroy(kernel, &clone), Ok(()), "STD_DESTROY");
    equal(
        standard::destroy(kernel, &clone),
        Err(Status::BadCapability),
        "STD_DESTROY twice",
    );
}
