//! A program that computes: for ever, or for as many milliseconds as its argument says. It then tells how many turns of
//! its loop it made.

#![no_std]
#![no_main]

use core::hint::black_box;
use libamoeba::println;
use libamoeba::system::calls;
use libamoeba::system::start::Arguments;

libamoeba::program!(main);

/// Turns of the loop between two looks at the clock.
const TURNS: u32 = 1000;

fn main(arguments: &Arguments) -> i32 {
    let name = arguments.words().next().unwrap_or("spin");
    let limit = arguments.words().nth(1).map(str::parse::<u32>);
    let limit = match limit.transpose() {
        Ok(limit) => limit,
        Err(_) => {
            println!("usage: {name} [milliseconds]");
            return 1;
        }
    };
    let start = calls::milliseconds();
    let mut rounds = 0_u32;
    while limit.is_none_or(|limit| calls::milliseconds().wrapping_sub(start) < limit) {
        for turn in 0..TURNS {
            black_box(turn);
        }
        rounds = rounds.wrapping_add(1);
    }
    println!(
        "{name}: {rounds} thousand turns in {} ms",
        calls::milliseconds().wrapping_sub(start)
    );
    0
}
