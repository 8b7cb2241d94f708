//! Counts transactions, to see that each one that succeeded was executed exactly once, and none twice.
//!
//! * `counting -s PORT CLIENTS CALLS` serves: it notes how often it executed each of the calls of each client.
//! * `counting PORT CLIENT CALLS` is one of the clients, from 0: it makes its calls, some with several fragments, and then
//!   asks the server how often each was executed. It ends well if that agrees with how its calls ended. With `-q` in front it quits when
//!   it finds no server any more, and tells how its calls have ended until then.

#![no_std]
#![no_main]

extern crate alloc;

mod client;
mod counts;
mod server;

use libamoeba::println;
use libamoeba::system::start::Arguments;
use libamoeba::{named_port, put_port};

libamoeba::program!(main);

/// Command: execute the call of the client in `extra` whose number is in `offset`.
const EXECUTE: u16 = 1;
/// Command: how often were the calls of the client in `extra`, from the number in `offset` on, executed? The reply has a byte
/// for each [`counts::CALLS`] of them.
const REPORT: u16 = 2;
/// Bytes of a request with several fragments.
const LONG: usize = 3000;
/// Calls of each client at most.
const MOST_CALLS: usize = 100_000;
/// Clients at most.
const MOST_CLIENTS: usize = 16;

fn run<'a>(words: &mut impl Iterator<Item = &'a str>) -> Option<i32> {
    let number = |most: usize, word: Option<&str>| {
        let number = word?.parse::<usize>().ok()?;
        (number <= most).then_some(number)
    };
    let first = words.next()?;
    let (is_server, quits) = (first == "-s", first == "-q");
    let port = named_port(if is_server || quits { words.next()? } else { first })?;
    let clients = number(MOST_CLIENTS, words.next())?;
    let calls = number(MOST_CALLS, words.next())?;
    if words.next().is_some() {
        return None;
    }
    if is_server {
        return Some(server::serve(port, clients, calls));
    }
    Some(client::call(put_port(port), clients as u16, calls, quits))
}

fn main(arguments: &Arguments) -> i32 {
    let mut words = arguments.words().skip(1);
    run(&mut words).unwrap_or_else(|| {
        println!("usage: counting -s port clients calls | counting [-q] port client calls");
        1
    })
}
