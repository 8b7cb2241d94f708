//! `ballast KBYTES [TURNS]`: has so much memory, says its sum now and again, and ends after TURNS times. Whoever moves it to another
//! machine in the meantime must not change a byte.

#![no_std]
#![no_main]

extern crate alloc;

use alloc::vec::Vec;
use libamoeba::println;
use libamoeba::system::calls;
use libamoeba::system::start::Arguments;

libamoeba::program!(main);

const PAUSE: u32 = 500;

fn main(arguments: &Arguments) -> i32 {
    let mut words = arguments.words();
    let name = words.next().unwrap_or("ballast");
    let size = words.next().map(str::parse::<usize>);
    let turns = words.next().map_or(Ok(u32::MAX), str::parse::<u32>);
    let (Some(Ok(size)), Ok(turns)) = (size, turns) else {
        println!("usage: {name} kbytes [turns]");
        return 1;
    };
    let mut memory: Vec<u32> = (0..size as u32 * 256).map(word).collect();
    for turn in 0..turns {
        if let Some(place) = memory
            .iter()
            .zip(turn..)
            .position(|(word, place)| *word != self::word(place))
        {
            println!("{name}: word {place} has changed");
            return 1;
        }
        println!("{name}: turn {turn}, {size} Kbytes are as they were");
        // Every turn leaves its trace in all of them.
        for word in &mut memory {
            *word = unmix(*word).wrapping_add(1);
            *word = mix(*word);
        }
        calls::sleep(PAUSE);
    }
    0
}

/// What stands at a place in the first turn; a turn later it is what stood behind it.
fn word(place: u32) -> u32 {
    mix(place)
}

/// Numbers that do not look like neighbours.
fn mix(number: u32) -> u32 {
    number.wrapping_mul(0x9e37_79b1).rotate_left(7)
}

fn unmix(number: u32) -> u32 {
    number.rotate_right(7).wrapping_mul(0x0e8b_2f51)
}
