//! Updates and lookups, over and over, whatever becomes of the servers.

use crate::{LONG, MASKS, fail, good};
use alloc::format;
use libamoeba::directory::{self, Names};
use libamoeba::println;
use libamoeba::system::trial::equal;
use libamoeba::system::{Kernel, calls};
use proto::capability_set::CapabilitySet;
use proto::soap::{Failure, USUAL_COLUMNS};
use proto::standard::Status;

/// Milliseconds between two turns.
const PAUSE: u32 = 200;
/// How often an update is tried that nobody took, or of which nobody knows whether it has happened.
const TRIES: u32 = 40;

/// Adds names and looks them up for so many seconds.
pub(crate) fn run(root: &CapabilitySet, seconds: u32) {
    let made = directory::create(&mut Kernel, root, &USUAL_COLUMNS, false);
    let Some(new) = good(made, "a new directory").map(CapabilitySet::single) else {
        return;
    };
    let names = Names {
        root: *root,
        work: new,
    };
    good(names.append(&mut Kernel, b"/endurance", &new, &MASKS), "its name");
    let (begin, mut longest) = (calls::milliseconds(), [0; 2]);
    let mut turns = 0;
    while calls::milliseconds() - begin < 1000 * seconds {
        let name = format!("name{turns}");
        longest[0] = longest[0].max(timed("update", turns, || add(&new, &name)));
        longest[1] = longest[1].max(timed("lookup", turns, || {
            let found = names.lookup(&mut Kernel, format!("/endurance/{name}").as_bytes());
            equal(&found, &Ok(new), "what was entered");
        }));
        turns += 1;
        calls::sleep(PAUSE);
    }
    let [update, lookup] = longest;
    let listed = good(directory::list(&mut Kernel, &new), "a list").unwrap_or_default();
    equal(&listed.rows.len(), &turns, "the names");
    println!("{turns} names, the longest update {update} ms, the longest lookup {lookup} ms");
}

/// Enters a name that may be there already, if an earlier try was lost after it had succeeded.
fn add(directory: &CapabilitySet, name: &str) {
    let mut last = Status::RpcNotFound.into();
    for number in 0..TRIES {
        match directory::append(&mut Kernel, directory, name.as_bytes(), directory, &MASKS) {
            Ok(()) => return,
            Err(Failure::Standard(Status::Exists)) if number > 0 => return,
            Err(failure) => last = failure,
        }
        calls::sleep(PAUSE);
    }
    fail("an update", &last);
}

fn timed(what: &str, turn: usize, action: impl FnOnce()) -> u32 {
    let begin = calls::milliseconds();
    action();
    let took = calls::milliseconds() - begin;
    if took > LONG {
        println!("{what} {turn} took {took} ms");
    }
    took
}
