//! `owner STATION...`: owns processes on its own machine and on those whose first cards have these station addresses. It starts
//! copies of itself there, is told when they stop, has them go on with other registers, kills them, and moves one from the first
//! to the second machine. It says `TEST OK` or what went wrong. `owner -c WHAT` is what such a copy does.
//!
//! `owner -o PROCESS STATION` owns the process with the comment PROCESS that runs on a machine, and tells all that it is told of it.

#![no_std]
#![no_main]

extern crate alloc;

mod adoption;
mod child;
mod ends;
mod keeper;
mod moves;
mod rights;
mod segments;
mod stuns;

use alloc::vec::Vec;
use keeper::Keeper;
use libamoeba::system::start::Arguments;
use libamoeba::system::{Kernel, image, trial};
use libamoeba::{host_lookup, println};
use proto::capability::Capability;
use proto::standard::Status;

libamoeba::program!(main);

/// What the tests need.
pub(crate) struct World {
    /// This program as others may run it.
    pub(crate) file: Vec<u8>,
    pub(crate) keeper: &'static Keeper,
    /// The terminal of this program, for its copies.
    pub(crate) terminal: Capability,
    /// The process server of this machine.
    pub(crate) here: Capability,
    /// Those of the machines of the command line.
    pub(crate) hosts: Vec<Capability>,
}

fn main(arguments: &Arguments) -> i32 {
    if arguments.words().nth(1) == Some("-o") {
        return adoption::run(arguments);
    }
    if arguments.words().nth(1) == Some("-c") {
        return child::run(arguments.words().nth(2).unwrap_or_default(), arguments);
    }
    // Before anything is on the heap, which a copy does not have.
    let beginning = image::copy_data();
    let Some(file) = beginning.and_then(image::file) else {
        println!("owner: cannot copy itself");
        return 1;
    };
    let hosts: Vec<_> = arguments.words().skip(1).map(find).collect();
    let Ok(hosts) = hosts.into_iter().collect::<Result<Vec<_>, _>>() else {
        println!("owner: a machine was not found");
        return 1;
    };
    let (Some(here), Some(terminal)) = (arguments.capability("PROC"), arguments.capability("TTY")) else {
        println!("owner: needs PROC and TTY");
        return 1;
    };
    let world = World {
        file,
        keeper: Keeper::start(),
        terminal,
        here,
        hosts,
    };
    test(&world);
    trial::verdict()
}

/// The process server of the kernel whose first card has this station address.
fn find(station: &str) -> Result<Capability, Status> {
    let station = station.parse().map_err(|_| Status::BadArgument)?;
    // The other machine may still be starting.
    let mut found = Err(Status::RpcNotFound);
    for _ in 0..5 {
        found = host_lookup(&mut Kernel, station, "proc");
        if found.is_ok() {
            break;
        }
    }
    found
}

fn test(world: &World) {
    for (place, host) in core::iter::once(&world.here).chain(&world.hosts).enumerate() {
        println!("owner: machine {place}");
        segments::run(host);
        rights::run(world, host);
        ends::run(world, host);
        stuns::run(world, host);
    }
    match world.hosts.as_slice() {
        [first, second, ..] => {
            println!("owner: from machine to machine");
            moves::run(world, first, second);
            moves::run(world, second, &world.here);
        }
        [first] => moves::run(world, &world.here, first),
        [] => moves::run(world, &world.here, &world.here),
    }
}
