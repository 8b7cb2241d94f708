//! Small calls: what the program is given, time, information.

use alloc::vec;
use alloc::vec::Vec;
use libamoeba::system::calls;
use libamoeba::system::start::Arguments;
use libamoeba::system::trial::{check, equal};
use proto::process::{Descriptor, I80386, SegmentKind};

pub(crate) fn run(arguments: &Arguments) {
    equal(arguments.words().next(), Some("calls"), "the program's name");
    equal(
        arguments.words().count(),
        arguments.count(),
        "the number of arguments",
    );
    equal(arguments.environment().count(), 0, "the environment");
    check(
        arguments.capability("TTY").is_some(),
        "a terminal is in the environment",
    );
    check(
        arguments.capability("NOTHING").is_none(),
        "nothing is not in the environment",
    );
    equal(calls::null(), 0, "null");
    equal(calls::local(), 0, "getlocal of the first thread");
    equal(calls::timeout(1234), 5200, "timeout at first");
    equal(calls::timeout(5200), 1234, "timeout as it was set");
    calls::cleanup();
    calls::switch();
    time();
    information();
    bytes_in_reverse();
}

fn time() {
    let start = calls::milliseconds();
    check(calls::sleep(250), "await is not interrupted");
    let slept = calls::milliseconds() - start;
    // Up to the next 100 ms, and then until those who compute have had their turns.
    check((250..=850).contains(&slept), "await takes its time");
    equal(slept % 10, 0, "the clock counts tens of milliseconds");
}

fn information() {
    let mut bytes = vec![0; 8192];
    let (capability, length) = calls::info(&mut bytes);
    let Some(descriptor) = length.and_then(|length| Descriptor::parse(&bytes[..length]).ok()) else {
        check(false, "getinfo gives a descriptor");
        return;
    };
    equal(descriptor.head.architecture, I80386, "the architecture");
    equal(
        descriptor.head.own,
        capability,
        "getinfo gives the same capability twice",
    );
    equal(descriptor.threads().count(), 1, "threads at first");
    let segments: Vec<_> = descriptor.segments().collect();
    let here = information as *const () as u32;
    let stack = (&raw const bytes).expose_provenance() as u32;
    let with = |address: u32| {
        let found = segments
            .iter()
            .find(|segment| address.wrapping_sub(segment.address) < segment.length);
        found.map_or(SegmentKind::empty(), |segment| {
            segment.kind & SegmentKind::PROTECTION
        })
    };
    equal(with(here), SegmentKind::READ_ONLY, "the protection of code");
    equal(
        with(stack),
        SegmentKind::READ_WRITE,
        "the protection of the stack",
    );
    equal(calls::info(&mut [0; 100]).1, None, "getinfo into too little room");
}

/// A 386 lacks `BSWAP`, and the compiler uses it; the kernel carries it out for programs too.
fn bytes_in_reverse() {
    let value = core::hint::black_box(0x1234_5678_u32);
    equal(value.swap_bytes(), 0x7856_3412, "bytes in reverse");
}
