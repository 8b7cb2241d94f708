//! Counts how often a second this machine carries out a turn of Dhrystone: assignments, comparisons and calls on numbers,
//! characters, strings of 30, records and arrays, in the proportions that R. P. Weicker found in system programs
//! (Communications of the ACM 27(10), 1984, in the revision of 1988). Afterwards the values that a turn leaves are
//! compared with what they must be.

#![no_std]
#![no_main]

extern crate alloc;

mod work;

use libamoeba::println;
use libamoeba::system::calls;
use libamoeba::system::start::Arguments;
use work::Work;

libamoeba::program!(main);

const DEFAULT_TURNS: u32 = 10_000;

fn main(arguments: &Arguments) -> i32 {
    let name = arguments.words().next().unwrap_or("dhrystone");
    let turns = arguments
        .words()
        .nth(1)
        .map_or(Ok(DEFAULT_TURNS), str::parse::<u32>);
    let Some(turns) = turns.ok().filter(|turns| (1..=1_000_000).contains(turns)) else {
        println!("usage: {name} [turns, 1 to 1000000]");
        return 1;
    };
    let mut work = Work::new();
    let start = calls::milliseconds();
    for turn in 1..=turns {
        work.turn(turn.cast_signed());
    }
    let passed = calls::milliseconds().wrapping_sub(start).max(1);
    if let Some(wrong) = work.first_wrong(turns.cast_signed()) {
        println!("{name}: TEST FAILED: {wrong}");
        return 1;
    }
    let each_second = u64::from(turns) * 1000 / u64::from(passed);
    println!("{name}: {turns} turns in {passed} ms, {each_second} a second");
    0
}
