//! `intruder STATION...`: tries to do what it may not, to the kernels whose first cards have these station addresses and to its own.
//!
//! It guesses capabilities of all their servers, of which it knows the ports; sends made-up transactions by FLIP, and those that it
//! has overheard, to everybody and to whoever it has heard of; and has copies of itself (`intruder -r SEED`) carry out any
//! system call with any argument. It counts whatever is not refused, and says so: `intruder: 0 breaches`.

#![no_std]
#![no_main]

extern crate alloc;

mod guesses;
mod made_up;
mod random_calls;

use core::sync::atomic::{AtomicU32, Ordering};
use libamoeba::println;
use libamoeba::system::image;
use libamoeba::system::start::Arguments;

libamoeba::program!(main);

static BREACHES: AtomicU32 = AtomicU32::new(0);

/// Counts what should have been refused.
pub(crate) fn breach(what: &str) {
    BREACHES.store(BREACHES.load(Ordering::Relaxed) + 1, Ordering::Relaxed);
    println!("intruder: BREACH: {what}");
}

/// Numbers that look random, the same on every run (xorshift, Marsaglia 2003).
pub(crate) struct Numbers(u32);

impl Numbers {
    /// Those that begin with a seed.
    pub(crate) fn new(seed: u32) -> Numbers {
        Numbers(seed.wrapping_mul(0x9e37_79b9) | 1)
    }

    /// The next one.
    pub(crate) fn next(&mut self) -> u32 {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 17;
        self.0 ^= self.0 << 5;
        self.0
    }

    /// The next one below a limit.
    pub(crate) fn below(&mut self, limit: u32) -> u32 {
        self.next() % limit
    }
}

fn main(arguments: &Arguments) -> i32 {
    if arguments.words().nth(1) == Some("-r") {
        let seed = arguments.words().nth(2).and_then(|seed| seed.parse().ok());
        return random_calls::run(seed.unwrap_or(1));
    }
    // Before anything is on the heap.
    let beginning = image::copy_data();
    let Some(file) = beginning.and_then(image::file) else {
        println!("intruder: no memory");
        return 1;
    };
    let heard = made_up::listen();
    println!("intruder: listening");
    let mut numbers = Numbers::new(1);
    match heard {
        Some(heard) => made_up::run(heard, &mut numbers),
        None => breach("no interface"),
    }
    for station in arguments.words().skip(1) {
        guesses::run(station, &mut numbers);
    }
    random_calls::run_copies(arguments, &file);
    let breaches = BREACHES.load(Ordering::Relaxed);
    println!("intruder: {breaches} breaches");
    i32::from(breaches != 0)
}
