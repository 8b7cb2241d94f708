//! What programs that try something out have in common: they count what is otherwise than it should be and say it, and in the end whether
//! there was anything.

use crate::println;
use core::fmt::{Debug, Display};
use core::sync::atomic::{AtomicU32, Ordering};

static FAILURES: AtomicU32 = AtomicU32::new(0);

/// Counts what went wrong, and says it.
pub fn fail(what: impl Display) {
    FAILURES.store(FAILURES.load(Ordering::Relaxed) + 1, Ordering::Relaxed);
    println!("TEST FAILED: {what}");
}

/// Says what went wrong, unless `holds`.
pub fn check(holds: bool, what: &str) {
    if !holds {
        fail(what);
    }
}

/// Says what went wrong, unless both are equal.
pub fn equal<T: PartialEq + Debug>(found: T, expected: T, what: &str) {
    if found != expected {
        fail(format_args!("{what}: {found:x?} instead of {expected:x?}"));
    }
}

/// Says `TEST OK`, or how much went wrong: the program's exit status.
pub fn verdict() -> i32 {
    match FAILURES.load(Ordering::Relaxed) {
        0 => println!("TEST OK"),
        failures => println!("{failures} TESTS FAILED"),
    }
    i32::from(FAILURES.load(Ordering::Relaxed) != 0)
}
