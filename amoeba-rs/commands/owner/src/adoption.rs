//! A process that runs already gets this program as its owner, which tells what it is told of it.

use libamoeba::classes::process;
use libamoeba::owner::{News, Owner};
use libamoeba::system::start::Arguments;
use libamoeba::system::{Kernel, calls, identity, ownership};
use libamoeba::{host, println};
use proto::capability::Capability;
use proto::ethernet;
use proto::standard::Status;

/// How often the process is looked for: its machine may still be starting. And milliseconds between two looks.
const TRIES: usize = 20;
const PAUSE: u32 = 100;

/// Tells for ever; the exit status if there is nothing to own.
pub(crate) fn run(arguments: &Arguments) -> i32 {
    let Err(status) = own(arguments);
    println!("owner: {status}");
    1
}

fn own(arguments: &Arguments) -> Result<core::convert::Infallible, Status> {
    let mut words = arguments.words().skip(2);
    let (Some(comment), Some(station)) = (words.next(), words.next()) else {
        return Err(Status::BadArgument);
    };
    let station = station.parse().map_err(|_| Status::BadArgument)?;
    let random = arguments.capability("RANDOM").ok_or(Status::NotFound)?;
    let owner = Owner::new(identity::port(&random)?, identity::port(&random)?);
    let process = find(station, comment)?;
    let inbox = ownership::listen(owner).ok_or(Status::NoMemory)?;
    process::set_owner(&mut Kernel, &process, &owner.capability())?;
    println!("owner: owns {comment}");
    loop {
        match inbox.next() {
            (_, News::Moved(_)) => println!("owner: {comment} has moved"),
            (_, News::Ended(_, end)) => println!("owner: {comment} {end}"),
            // It can be told of interrupts by whoever runs it, not here.
            (_, News::Listens(_)) => {}
        }
    }
}

fn find(station: ethernet::Address, comment: &str) -> Result<Capability, Status> {
    let mut found = Err(Status::NotFound);
    for _ in 0..TRIES {
        found = host::find_process(&mut Kernel, station, comment);
        if found.is_ok() {
            break;
        }
        calls::sleep(PAUSE);
    }
    found
}
