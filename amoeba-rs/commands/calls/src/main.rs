//! Tries out every system call, with good and with bad arguments, and says on its terminal `TEST OK` or what went wrong.
//!
//! A bad argument must be an exception, which a handler counts and returns from: so one run sees them all. Exceptions
//! without a handler are tried by programs of their own: `calls -x NAME` does one thing that must end it.

#![no_std]
#![no_main]

extern crate alloc;

mod bad;
mod exceptions;
mod fatal;
mod flip;
mod good;
mod own_values;
mod segments;
mod servers;
mod threads;
mod transactions;

use core::sync::atomic::{AtomicU32, Ordering};
use libamoeba::println;
use libamoeba::system::start::Arguments;

libamoeba::program!(main);

static FAILURES: AtomicU32 = AtomicU32::new(0);

/// Says what went wrong, unless `holds`.
pub(crate) fn check(holds: bool, what: &str) {
    if !holds {
        FAILURES.store(FAILURES.load(Ordering::Relaxed) + 1, Ordering::Relaxed);
        println!("TEST FAILED: {what}");
    }
}

/// Says what went wrong, unless both are equal.
pub(crate) fn equal<T: PartialEq + core::fmt::Debug>(found: T, expected: T, what: &str) {
    if found != expected {
        FAILURES.store(FAILURES.load(Ordering::Relaxed) + 1, Ordering::Relaxed);
        println!("TEST FAILED: {what}: {found:x?} instead of {expected:x?}");
    }
}

fn main(arguments: &Arguments) -> i32 {
    let mut words = arguments.words().skip(1);
    match (words.next(), words.next()) {
        (Some("-x"), Some(name)) => return fatal::run(name),
        (Some("-g"), None) => good(arguments),
        (Some("-b"), None) => bad(),
        (None, None) => {
            good(arguments);
            bad();
        }
        _ => {
            println!("usage: calls [-g | -b | -x NAME]");
            return 1;
        }
    }
    let failures = FAILURES.load(Ordering::Relaxed);
    if failures == 0 {
        println!("TEST OK");
    } else {
        println!("{failures} TESTS FAILED");
    }
    i32::from(failures != 0)
}

/// Calls that do what they say.
fn good(arguments: &Arguments) {
    good::run(arguments);
    segments::run();
    exceptions::run();
    own_values::run();
    flip::run();
    servers::run(arguments);
    transactions::run();
    // Its threads take turns from then on.
    threads::run();
}

/// Calls with arguments that are exceptions.
fn bad() {
    bad::run();
}
