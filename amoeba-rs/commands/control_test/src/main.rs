//! `control_test STATION`: changes how the network of another machine is and sees what becomes of requests to it; then reserves that machine for
//! some seconds and sees which capabilities are good meanwhile and afterwards.

#![no_std]
#![no_main]

extern crate alloc;

use libamoeba::classes::system;
use libamoeba::standard::touch;
use libamoeba::system::start::Arguments;
use libamoeba::system::{Kernel, calls};
use libamoeba::{host_lookup, println};
use proto::capability::{Capability, Port, Private};
use proto::ethernet::Address;
use proto::standard::Status;

libamoeba::program!(main);

/// The network of the first card.
const NETWORK: u16 = 1;
/// Requests for one measurement.
const REQUESTS: u32 = 20;
/// How long packets are delayed, in milliseconds.
const DELAY: i16 = 50;
/// Milliseconds from tick to tick of a kernel's clock.
const TICK: u32 = 10;
/// How many of a hundred packets are lost.
const LOSS: i16 = 30;
/// How long the machine is reserved, in seconds.
const RESERVED: u32 = 3;

fn main(arguments: &Arguments) -> i32 {
    let Some(station) = arguments.words().nth(1).and_then(|word| word.parse().ok()) else {
        println!("usage: control_test STATION");
        return 2;
    };
    let tested = test_network(station).and_then(|()| test_reservation(station));
    match tested {
        Ok(()) => {
            println!("TEST OK");
            0
        }
        Err(why) => {
            println!("TEST FAILED: {why}");
            1
        }
    }
}

/// What was expected and is not so, or the error of a request that should have been answered.
enum Trouble {
    Not(&'static str),
    Failed(Status),
}

impl From<Status> for Trouble {
    fn from(status: Status) -> Trouble {
        Trouble::Failed(status)
    }
}

impl core::fmt::Display for Trouble {
    fn fmt(&self, formatter: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        match self {
            Trouble::Not(what) => write!(formatter, "not so: {what}"),
            Trouble::Failed(status) => status.fmt(formatter),
        }
    }
}

fn expect(is_so: bool, what: &'static str) -> Result<(), Trouble> {
    if is_so { Ok(()) } else { Err(Trouble::Not(what)) }
}

/// What some requests took, one after the other, in milliseconds of this kernel's clock: each figure is off by less than a [`TICK`].
struct Times {
    shortest: u32,
    all: u32,
}

fn measure(server: &Capability) -> Result<Times, Status> {
    let start = calls::milliseconds();
    let (mut last, mut shortest) = (start, u32::MAX);
    for _ in 0..REQUESTS {
        touch(&mut Kernel, server)?;
        let now = calls::milliseconds();
        shortest = shortest.min(now.wrapping_sub(last));
        last = now;
    }
    Ok(Times {
        shortest,
        all: last.wrapping_sub(start),
    })
}

fn change(server: &Capability, delay: Option<i16>, loss: Option<i16>) -> Result<system::Conditions, Status> {
    system::control_network(&mut Kernel, server, NETWORK, delay, loss, None, None)
}

fn test_network(station: Address) -> Result<(), Trouble> {
    let server = host_lookup(&mut Kernel, station, "sys")?;
    let usual = measure(&server)?;
    let now = change(&server, Some(DELAY), None)?;
    expect((now.delay, now.loss) == (DELAY as u16, 0), "the delay is told")?;
    expect(now.is_on && now.is_trusted, "the rest is as it was")?;
    let delayed = measure(&server)?;
    println!(
        "{REQUESTS} requests: {} ms, delayed {} ms; at least {} ms and {} ms each",
        usual.all, delayed.all, usual.shortest, delayed.shortest
    );
    // A packet goes on at a tick of its kernel's clock, and comes less than a tick after the one from which its delay counts. This clock tells
    // whole ticks, so what takes longer than that shows as no less.
    let (delay, least) = (DELAY as u32, DELAY as u32 - TICK);
    expect(usual.shortest < least, "no request is delayed")?;
    expect(delayed.shortest >= least, "every request is delayed")?;
    // The next request comes behind the tick at which the one before went on, so their ticks are a whole delay apart. What the requests themselves take, and
    // what others have these machines do, lies within it; so undelayed ones, which may take long for that, tell nothing of the sum.
    let sum = least + (REQUESTS - 1) * delay;
    expect(delayed.all >= sum, "one request comes after the other")?;
    // The reply is not delayed.
    expect(delayed.shortest < 2 * least, "one packet of each is delayed")?;
    change(&server, Some(0), Some(LOSS))?;
    let lossy = measure(&server)?;
    println!("with losses {} ms", lossy.all);
    // A lost request is asked for after a second.
    expect(lossy.all >= usual.all + 2000, "requests are lost")?;
    let now = change(&server, None, Some(0))?;
    expect((now.delay, now.loss) == (0, 0), "all is as it was")?;
    let last = measure(&server)?;
    println!("then {} ms", last.all);
    expect(last.all <= usual.all + 100, "requests are as quick as before")?;
    Ok(())
}

/// The same object with another check field.
fn with_check(capability: &Capability, check: Port) -> Capability {
    Capability {
        private: Private::owner(capability.private.object(), check),
        ..*capability
    }
}

fn test_reservation(station: Address) -> Result<(), Trouble> {
    let server = host_lookup(&mut Kernel, station, "sys")?;
    let checks = [*b"first.", *b"second", *b"third."].map(Port);
    system::reserve(&mut Kernel, &server, RESERVED, Some(checks))?;
    let own = with_check(&server, checks[1]);
    let refused = touch(&mut Kernel, &server) == Err(Status::BadCapability);
    expect(refused, "others' capabilities are void")?;
    touch(&mut Kernel, &own)?;
    let hidden = host_lookup(&mut Kernel, station, "proc").is_err();
    expect(hidden, "the directory is closed to others")?;
    calls::sleep(RESERVED * 1000 + 500);
    touch(&mut Kernel, &server)?;
    let over = touch(&mut Kernel, &own) == Err(Status::BadCapability);
    expect(over, "the reservation is over")?;
    system::reserve(&mut Kernel, &server, 100, Some(checks))?;
    system::reserve(&mut Kernel, &own, 0, None)?;
    touch(&mut Kernel, &server)?;
    Ok(())
}
