//! `tats [-i] [-m STATION] [MULTIPLIER]`: measures system calls, threads and transactions. For each item it prints how many calls
//! there were, the seconds that they took, and milliseconds per call. With `-i` it measures only transactions between processes.
//! The other process is a copy of this one, which it starts on this machine or, with `-m`, on that whose first card has the station
//! address. The multiplier, 1 by default, makes all counts larger. `tats -s PORT` is what the copy does.

#![no_std]
#![no_main]

extern crate alloc;

mod items;
mod transactions;

use libamoeba::system::start::Arguments;
use libamoeba::system::{Kernel, calls, image};
use libamoeba::{host_lookup, println};
use proto::ethernet::Address;
use proto::standard::Status;

libamoeba::program!(main);

/// What the arguments ask for.
struct Plan {
    only_between: bool,
    /// The machine of the other process, if it is not this one.
    machine: Option<Address>,
    multiplier: u32,
}

fn plan<'a>(mut words: impl Iterator<Item = &'a str>) -> Option<Plan> {
    let mut plan = Plan {
        only_between: false,
        machine: None,
        multiplier: 1,
    };
    while let Some(word) = words.next() {
        match word {
            "-i" => plan.only_between = true,
            "-m" => plan.machine = Some(words.next()?.parse().ok()?),
            word => {
                plan.multiplier = word.parse().ok().filter(|number| *number > 0)?;
                return words.next().is_none().then_some(plan);
            }
        }
    }
    Some(plan)
}

/// Prints how long an action takes that is carried out so many times.
pub(crate) fn measure(name: &str, count: u32, mut action: impl FnMut() -> bool) -> bool {
    let start = calls::milliseconds();
    for _ in 0..count {
        if !action() {
            println!("{name:34} failed");
            return false;
        }
    }
    tell(name, count, calls::milliseconds().wrapping_sub(start));
    true
}

/// Prints how long so many calls took, in milliseconds.
fn tell(name: &str, count: u32, time: u32) {
    // Thousandths of a millisecond per call.
    let each = u64::from(time) * 1000 / u64::from(count.max(1));
    println!(
        "{name:34} {count:7} calls {:4}.{:03} sec {:5}.{:03} msec/call",
        time / 1000,
        time % 1000,
        each / 1000,
        each % 1000
    );
}

fn main(arguments: &Arguments) -> i32 {
    if arguments.words().nth(1) == Some("-s") {
        return transactions::serve(arguments.words().nth(2).unwrap_or_default());
    }
    // Before anything is on the heap.
    let beginning = image::copy_data();
    let mut words = arguments.words();
    let name = words.next().unwrap_or("tats");
    let Some(plan) = plan(words) else {
        println!("usage: {name} [-i] [-m station] [multiplier]");
        return 1;
    };
    let server = match plan.machine {
        Some(station) => host_lookup(&mut Kernel, station, "proc"),
        None => arguments.capability("PROC").ok_or(Status::NotFound),
    };
    let (Some(file), Ok(server)) = (beginning.and_then(image::file), server) else {
        println!("{name}: no process server, or no memory");
        return 1;
    };
    let is_good = (plan.only_between || items::run(plan.multiplier) & transactions::within(&plan))
        & transactions::between(&plan, &server, &file);
    i32::from(!is_good)
}
