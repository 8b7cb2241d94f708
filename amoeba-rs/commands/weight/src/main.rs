//! `weight KBYTES`: a process of that size, neither more nor less, which does nothing. The size is the sum of all its
//! segments: code, data, stack, and one that makes up the rest.

#![no_std]
#![no_main]

use libamoeba::system::calls;
use libamoeba::system::start::Arguments;
use proto::capability::Capability;
use proto::process::{Descriptor, SegmentKind};

libamoeba::program!(main);

/// Where the rest lies, far from everything else.
const REST: u32 = 0x3000_0000;
/// Room for the process's own descriptor.
const ROOM: usize = 1024;
/// The longest sleep; another one follows it.
const LONG: u32 = 3_600_000;

/// Exit statuses.
const USAGE: i32 = 1;
const TOO_SMALL: i32 = 2;
const NO_MEMORY: i32 = 3;

fn main(arguments: &Arguments) -> i32 {
    let size = arguments.words().nth(1).map(str::parse::<u32>);
    let Some(size) = size.and_then(Result::ok).and_then(|size| size.checked_mul(1024)) else {
        return USAGE;
    };
    let Some(rest) = own_size().and_then(|own| size.checked_sub(own)) else {
        return TOO_SMALL;
    };
    if rest > 0 {
        let kind = SegmentKind::DATA | SegmentKind::READ_WRITE;
        // SAFETY: nothing of this program lies there.
        if unsafe { calls::map(&Capability::NULL, REST, rest, kind) } < 0 {
            return NO_MEMORY;
        }
    }
    loop {
        // Whoever takes the process elsewhere may end the sleep.
        calls::sleep(LONG);
    }
}

/// Bytes of the segments that the program has been started with.
fn own_size() -> Option<u32> {
    let mut bytes = [0; ROOM];
    let (_, length) = calls::info(&mut bytes);
    let descriptor = Descriptor::parse(bytes.get(..length?)?).ok()?;
    Some(descriptor.segments().map(|segment| segment.length).sum())
}
