//! `run_test PORT COUNT [PAUSE]`: has the run server at the port that the name stands for place a copy of this program COUNT times, one after
//! the other, with so many milliseconds between them, and says where each copy ran and how it ended. `run_test -c STATUS` is what such a
//! copy does: it ends with that status.

#![no_std]
#![no_main]

extern crate alloc;

use alloc::format;
use alloc::string::String;
use alloc::vec;
use libamoeba::classes::run;
use libamoeba::owner::Owner;
use libamoeba::program::{self, File, Start};
use libamoeba::system::start::Arguments;
use libamoeba::system::{Kernel, calls, identity, image};
use libamoeba::{named_port, println, put_port, standard};
use proto::capability::{Capability, Private};
use proto::process::Descriptor;
use proto::run::SERVER_OBJECT;

libamoeba::program!(main);

/// How long a server is looked for, in milliseconds.
const LOCATE: u32 = 4000;

/// What the tests need.
struct World {
    server: Capability,
    /// This program as others may run it.
    file: vec::Vec<u8>,
    owner: Owner,
}

fn main(arguments: &Arguments) -> i32 {
    let number = |place: usize| arguments.words().nth(place)?.parse::<u32>().ok();
    if arguments.words().nth(1) == Some("-c") {
        return number(2).map_or(1, u32::cast_signed);
    }
    // Before anything is on the heap, which a copy does not have.
    let beginning = image::copy_data();
    let Some(file) = beginning.and_then(image::file) else {
        println!("run_test: cannot copy itself");
        return 1;
    };
    let port = arguments.words().nth(1).and_then(named_port);
    let (Some(port), Some(count)) = (port, number(2)) else {
        println!("usage: run_test port count [pause]");
        return 2;
    };
    let random = arguments.capability("RANDOM").unwrap_or(Capability::NULL);
    let (Ok(secret), Ok(check)) = (identity::port(&random), identity::port(&random)) else {
        println!("run_test: needs RANDOM");
        return 1;
    };
    calls::timeout(LOCATE);
    let world = World {
        server: Capability {
            port: put_port(port),
            private: Private::owner(SERVER_OBJECT, port),
        },
        file,
        owner: Owner::new(secret, check),
    };
    for turn in 0..count {
        if turn > 0 {
            calls::sleep(number(3).unwrap_or(0));
        }
        match place(&world, turn) {
            Ok(told) => println!("{turn}: {told}"),
            Err(why) => println!("{turn}: not placed: {why}"),
        }
    }
    tell(&world.server);
    0
}

/// Has a copy placed, waits for its end, and tells both.
fn place(world: &World, turn: u32) -> Result<String, String> {
    let descriptor = Descriptor::parse(&world.file).map_err(|why| format!("{why}"))?;
    let descriptor = &world.file[..descriptor.length()];
    let choice = run::find_host(&mut Kernel, &world.server, &[descriptor]).map_err(|why| format!("{why}"))?;
    let status = format!("{}", 40 + turn);
    let start = Start {
        arguments: &["run_test", "-c", &status],
        environment: &[],
        capabilities: &[],
        owner: world.owner.capability(),
    };
    let process = program::exec(&mut Kernel, &choice.host, File::Here(&world.file), &start);
    let process = process.map_err(|why| format!("{why}"))?;
    let (ended, end) = world.owner.wait(&mut Kernel).map_err(|why| format!("{why}"))?;
    if ended.private.object() != process.private.object() {
        return Err(String::from("another process ended"));
    }
    Ok(format!("{} {end}", String::from_utf8_lossy(choice.name())))
}

/// The server's table of hosts.
fn tell(server: &Capability) {
    let mut table = vec![0; 4096];
    match standard::status(&mut Kernel, server, &mut table) {
        Ok(length) => String::from_utf8_lossy(&table[..length])
            .lines()
            .for_each(|line| println!("{line}")),
        Err(status) => println!("run_test: {status}"),
    }
}
