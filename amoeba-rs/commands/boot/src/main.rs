//! `boot STATION [PORT OBJECT CHECK [WORDS...]]`: has the machine boot whose first card has that station address: from a file, of which it is told
//! the get-port of its server, the number and the check field, with the words as the kernel's command line; or, without a file, as
//! after a reset. It waits until the machine is up again, which has other capabilities then.

#![no_std]
#![no_main]

extern crate alloc;

use alloc::string::String;
use libamoeba::classes::system;
use libamoeba::system::start::Arguments;
use libamoeba::system::{Kernel, calls};
use libamoeba::{host_lookup, named_port, println, put_port};
use proto::capability::{Capability, Private};
use proto::ethernet::Address;
use proto::standard::Status;

libamoeba::program!(main);

/// What the arguments ask for: where, and from which file with which command line.
struct Plan {
    station: Address,
    image: Option<(Capability, String)>,
}

fn plan<'a>(mut words: impl Iterator<Item = &'a str>) -> Option<Plan> {
    let station = words.next()?.parse().ok()?;
    let Some(port) = words.next() else {
        return Some(Plan { station, image: None });
    };
    let (object, check) = (words.next()?.parse().ok()?, named_port(words.next()?)?);
    let file = Capability {
        port: put_port(named_port(port)?),
        private: Private::owner(object, check),
    };
    let mut line = String::new();
    for word in words {
        if !line.is_empty() {
            line.push(' ');
        }
        line.push_str(word);
    }
    let image = Some((file, line));
    Some(Plan { station, image })
}

/// Pause between two looks, in milliseconds.
const PAUSE: u32 = 500;
/// Looks before it is given up.
const LOOKS: u32 = 40;

fn carry_out(plan: &Plan) -> Result<(), Status> {
    let server = host_lookup(&mut Kernel, plan.station, "sys")?;
    let image = plan.image.as_ref().map(|(file, line)| (file, line.as_str()));
    system::boot(&mut Kernel, &server, image)?;
    println!("boot: {} boots", plan.station);
    for _ in 0..LOOKS {
        calls::sleep(PAUSE);
        if host_lookup(&mut Kernel, plan.station, "sys").is_ok_and(|now| now != server) {
            println!("boot: {} is up", plan.station);
            return Ok(());
        }
    }
    Err(Status::NotNow)
}

fn main(arguments: &Arguments) -> i32 {
    let Some(plan) = plan(arguments.words().skip(1)) else {
        println!("usage: boot STATION [PORT OBJECT CHECK [WORDS...]]");
        return 2;
    };
    match carry_out(&plan) {
        Ok(()) => 0,
        Err(status) => {
            println!("boot: {}: {status}", plan.station);
            1
        }
    }
}
