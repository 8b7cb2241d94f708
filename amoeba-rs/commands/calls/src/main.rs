//! Tries out every system call, with good and with bad arguments, and says on its terminal `TEST OK` or what went wrong.
//!
//! A bad argument must be an exception, which a handler counts and returns from: so one run sees them all. Exceptions
//! without a handler are tried by programs of their own: `calls -x NAME` does one thing that must end it. `calls -s` serves one
//! request of `calls -c` on any machine, whose client gets a signal meanwhile.

#![no_std]
#![no_main]

extern crate alloc;

mod bad;
mod exceptions;
mod fatal;
mod flip;
mod good;
mod own_values;
mod segments;
mod servers;
mod threads;
mod transactions;

use libamoeba::println;
use libamoeba::system::start::Arguments;
use libamoeba::system::trial;

libamoeba::program!(main);

fn main(arguments: &Arguments) -> i32 {
    let mut words = arguments.words().skip(1);
    match (words.next(), words.next()) {
        (Some("-x"), Some(name)) => return fatal::run(name),
        (Some("-g"), None) => good(arguments),
        (Some("-b"), None) => bad(),
        (Some("-s"), None) => transactions::see_signal(),
        (Some("-c"), None) => transactions::ask_with_signal(),
        (None, None) => {
            good(arguments);
            bad();
        }
        _ => {
            println!("usage: calls [-g | -b | -s | -c | -x NAME]");
            return 1;
        }
    }
    trial::verdict()
}

/// Calls that do what they say.
fn good(arguments: &Arguments) {
    good::run(arguments);
    segments::run();
    exceptions::run();
    own_values::run();
    flip::run();
    servers::run(arguments);
    transactions::run();
    // Its threads take turns from then on.
    threads::run();
}

/// Calls with arguments that are exceptions.
fn bad() {
    bad::run();
}
