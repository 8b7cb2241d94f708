//! `migrate [-u] [-n COUNT] PROCESS SOURCE DESTINATION`: takes the process with the comment PROCESS from the machine whose first card has
//! the station address SOURCE to the one of DESTINATION, and says how long it took. With `-u` this program sees to it as a
//! migration server, otherwise the kernel's process servers do. With `-n` the process goes to and fro that many times.

#![no_std]
#![no_main]

extern crate alloc;

use alloc::vec;
use libamoeba::classes::process;
use libamoeba::system::start::Arguments;
use libamoeba::system::{Kernel, calls};
use libamoeba::{host, host_lookup, migration, println};
use proto::capability::{Capability, Port};
use proto::ethernet;
use proto::standard::Status;

libamoeba::program!(main);

/// A machine: its station address and its process server.
struct Machine {
    station: ethernet::Address,
    server: Capability,
}

fn main(arguments: &Arguments) -> i32 {
    let mut words = arguments.words();
    let name = words.next().unwrap_or("migrate");
    let (mut by_user, mut count) = (false, 1);
    let mut word = words.next();
    loop {
        match word {
            Some("-u") => by_user = true,
            Some("-n") => count = words.next().and_then(|count| count.parse().ok()).unwrap_or(0),
            _ => break,
        }
        word = words.next();
    }
    let (Some(wanted), Some(source), Some(destination), 1..) = (word, words.next(), words.next(), count)
    else {
        println!("usage: {name} [-u] [-n count] process source destination");
        return 1;
    };
    match run(name, by_user, count, wanted, [source, destination]) {
        Ok(()) => 0,
        Err(status) => {
            println!("{name}: {status}");
            1
        }
    }
}

fn run(name: &str, by_user: bool, count: u32, wanted: &str, stations: [&str; 2]) -> Result<(), Status> {
    let [mut from, mut to] = [find(stations[0])?, find(stations[1])?];
    let mut moved = find_process(&from, wanted)?;
    for _ in 0..count {
        let start = calls::milliseconds();
        moved = if by_user {
            migration::by_user(&mut Kernel, secret(), &moved, &to.server)?
        } else {
            migration::by_kernel(&mut Kernel, &moved, &to.server)?
        };
        let time = calls::milliseconds().wrapping_sub(start);
        println!("{name}: {wanted} is on {} after {time} ms", to.station);
        (from, to) = (to, from);
    }
    Ok(())
}

fn find(station: &str) -> Result<Machine, Status> {
    let station = station.parse().map_err(|_| Status::BadArgument)?;
    let server = host_lookup(&mut Kernel, station, "proc")?;
    Ok(Machine { station, server })
}

/// The process with this comment.
fn find_process(machine: &Machine, wanted: &str) -> Result<Capability, Status> {
    let list = host_lookup(&mut Kernel, machine.station, "ps")?;
    let (mut buffer, mut found) = (vec![0; 8192], None);
    let mut slots = vec![];
    host::list(&mut Kernel, &list, &mut buffer, |row| slots.push(row.to_vec()))?;
    for slot in &slots {
        let slot = core::str::from_utf8(slot).map_err(|_| Status::SystemError)?;
        let process = host_lookup(&mut Kernel, machine.station, &alloc::format!("ps/{slot}"))?;
        if process::comment(&mut Kernel, &process)? == wanted {
            found = Some(process);
        }
    }
    found.ok_or(Status::NotFound)
}

/// A get-port that nobody else has.
fn secret() -> Port {
    let (own, _) = calls::info(&mut []);
    own.private.check
}
