//! Tries out the server of virtual disks, with good and with bad requests, and says on its terminal `TEST OK` or what went wrong.
//!
//! * `disk_test NAME` tries the virtual disk that the program was given under this name. What is on the disk's last
//!   sixty-four sectors is lost.
//! * `disk_test -o PORT NAME` offers its capability to programs elsewhere, and `disk_test -p PORT` tries the disk that is offered there.
//! * `disk_test -w NAME` looks at what an earlier run has written, up to a power cut, and then writes again and again.

#![no_std]
#![no_main]

extern crate alloc;

mod bad;
mod good;
mod offer;
mod rewrite;

use libamoeba::system::start::Arguments;
use libamoeba::system::trial;
use libamoeba::{named_port, println};
use proto::capability::Capability;

libamoeba::program!(main);

fn test(disk: &Capability) -> i32 {
    good::run(disk);
    bad::run(disk);
    trial::verdict()
}

/// What the arguments ask for; `None` if they are no good.
fn run(arguments: &Arguments) -> Option<i32> {
    let mut words = arguments.words().skip(1);
    let first = words.next()?;
    let rest = [words.next(), words.next()];
    match (first, rest) {
        ("-o", [Some(port), Some(name)]) => {
            let disk = arguments.capability(name)?;
            Some(offer::serve(named_port(port)?, &disk))
        }
        ("-p", [Some(port), None]) => {
            let Ok(disk) = offer::ask(named_port(port)?) else {
                println!("disk_test: nobody offers a disk at {port}");
                return Some(1);
            };
            Some(test(&disk))
        }
        ("-w", [Some(name), None]) => Some(rewrite::run(&arguments.capability(name)?)),
        (name, [None, None]) => Some(test(&arguments.capability(name)?)),
        _ => None,
    }
}

fn main(arguments: &Arguments) -> i32 {
    run(arguments).unwrap_or_else(|| {
        println!("usage: disk_test [-o port | -w] name-of-disk, or disk_test -p port");
        1
    })
}
