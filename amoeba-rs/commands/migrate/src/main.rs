//! `migrate [-u] [-n COUNT] [-s SEED] [-k] PROCESS[,PROCESS]... SOURCE DESTINATION`: takes the process with the comment PROCESS from the
//! machine whose first card has the station address SOURCE to the one of DESTINATION, and says how long it took; of several
//! processes one after the other. With `-u` this program sees to it as a migration server, otherwise the kernel's process
//! servers do. With `-n` a process goes to and fro that many times. With `-s` there is a random wait before each journey, which
//! follows from SEED; the time that is told begins behind it. With `-k` a process is destroyed where it has come to.

#![no_std]
#![no_main]

extern crate alloc;

mod phase;

use libamoeba::classes::process;
use libamoeba::system::start::Arguments;
use libamoeba::system::{Kernel, calls};
use libamoeba::{host, host_lookup, migration, println};
use phase::Phases;
use proto::capability::{Capability, Port};
use proto::ethernet;
use proto::standard::Status;

libamoeba::program!(main);

/// A negative code stops a process whatever it waits for.
const STUN_CODE: i32 = -1;

/// A machine: its station address and its process server.
struct Machine {
    station: ethernet::Address,
    server: Capability,
}

/// What the arguments ask for.
struct Plan<'a> {
    is_by_user: bool,
    count: u32,
    seed: Option<u64>,
    is_last: bool,
    /// With commas between them.
    processes: &'a str,
    stations: [&'a str; 2],
}

fn plan<'a>(mut words: impl Iterator<Item = &'a str>) -> Option<Plan<'a>> {
    let (mut is_by_user, mut is_last, mut count, mut seed) = (false, false, 1, None);
    let processes = loop {
        match words.next()? {
            "-u" => is_by_user = true,
            "-k" => is_last = true,
            "-n" => count = words.next()?.parse().ok().filter(|count| *count > 0)?,
            "-s" => seed = Some(words.next()?.parse().ok()?),
            word => break word,
        }
    };
    let stations = [words.next()?, words.next()?];
    words.next().is_none().then_some(Plan {
        is_by_user,
        count,
        seed,
        is_last,
        processes,
        stations,
    })
}

fn main(arguments: &Arguments) -> i32 {
    let mut words = arguments.words();
    let name = words.next().unwrap_or("migrate");
    let Some(plan) = plan(words) else {
        println!("usage: {name} [-u] [-n count] [-s seed] [-k] process[,process]... source destination");
        return 1;
    };
    match run(name, &plan) {
        Ok(()) => 0,
        Err(status) => {
            println!("{name}: {status}");
            1
        }
    }
}

fn run(name: &str, plan: &Plan<'_>) -> Result<(), Status> {
    let [source, destination] = plan.stations;
    let machines = [find(source)?, find(destination)?];
    let mut phases = plan.seed.map(Phases::new);
    for wanted in plan.processes.split(',') {
        let mut moved = host::find_process(&mut Kernel, machines[0].station, wanted)?;
        for to in machines.iter().cycle().skip(1).take(plan.count as usize) {
            if let Some(phases) = &mut phases {
                phases.wait();
            }
            let start = calls::milliseconds();
            moved = if plan.is_by_user {
                migration::by_user(&mut Kernel, secret(), &moved, &to.server)?
            } else {
                migration::by_kernel(&mut Kernel, &moved, &to.server)?
            };
            let time = calls::milliseconds().wrapping_sub(start);
            println!("{name}: {wanted} is on {} after {time} ms", to.station);
        }
        if plan.is_last {
            // Nobody owns it, so it is discarded when it has stopped.
            process::stun(&mut Kernel, &moved, STUN_CODE)?;
        }
    }
    Ok(())
}

fn find(station: &str) -> Result<Machine, Status> {
    let station = station.parse().map_err(|_| Status::BadArgument)?;
    let server = host_lookup(&mut Kernel, station, "proc")?;
    Ok(Machine { station, server })
}

/// A get-port that nobody else has.
fn secret() -> Port {
    let (own, _) = calls::info(&mut []);
    own.private.check
}
