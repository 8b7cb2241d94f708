//! `soap_test [-t SECONDS] ROOT`: tries out the directory server that keeps the directory ROOT, a capability in writing with all
//! rights, with good and with bad requests, and says `TEST OK` or what went wrong.
//!
//! With `-t` it adds a name to a directory and looks it up, over and over, for so many seconds; it says when one of both
//! took longer than [`LONG`], and in the end how many names there are and what took longest.

#![no_std]
#![no_main]

extern crate alloc;

mod changes;
mod endurance;

use core::fmt::Debug;
use libamoeba::println;
use libamoeba::system::calls;
use libamoeba::system::start::Arguments;
use libamoeba::system::trial;
use proto::capability::Rights;
use proto::capability_set::CapabilitySet;
use proto::capability_text;
use proto::soap::{Failure, Masks};

libamoeba::program!(main);

/// All rights for the owner, some for others.
const MASKS: Masks = [Rights::ALL, Rights(0x02), Rights(0x04), Rights(0)];
/// How long servers are looked for, in milliseconds.
const LOCATE: u32 = 2000;
/// Milliseconds; what takes longer is told.
const LONG: u32 = 1000;

/// Counts what went wrong, and says it.
fn fail(what: &str, found: &dyn Debug) {
    trial::fail(format_args!("{what}: {found:x?}"));
}

/// The value, or nothing after it was told what went wrong.
fn good<T>(result: Result<T, Failure>, what: &str) -> Option<T> {
    match result {
        Ok(value) => Some(value),
        Err(failure) => {
            fail(what, &failure);
            None
        }
    }
}

fn main(arguments: &Arguments) -> i32 {
    let mut words = arguments.words().skip(1).peekable();
    let mut seconds = None;
    if words.next_if(|word| *word == "-t").is_some() {
        seconds = words.next().and_then(|word| word.parse().ok());
        if seconds.is_none() {
            println!("usage: soap_test [-t seconds] root");
            return 1;
        }
    }
    let Some(root) = words.next().and_then(capability_text::parse) else {
        println!("usage: soap_test [-t seconds] root");
        return 1;
    };
    calls::timeout(LOCATE);
    let root = CapabilitySet::single(root);
    match seconds {
        Some(seconds) => endurance::run(&root, seconds),
        None => changes::run(&root),
    };
    trial::verdict()
}
