//! Asks servers for what they must refuse, and sees that nothing of what they keep is lost by it:
//!
//! * `refusals files SERVER CACHE INODES` a Bullet server that has so many bytes for its cache and so many inodes;
//! * `refusals directories ROOT ENTRIES` the directory server that keeps the directory ROOT and whose super file has so many entries.
//!
//! SERVER and ROOT are capabilities in writing, with all rights. It says `TEST OK` or what went wrong. Four files, or a directory
//! `/refused` with two rows, are kept all the time, and stay; so does `/full`, a directory that takes no more rows.

#![no_std]
#![no_main]

extern crate alloc;

mod columns;
mod directories;
mod file_rights;
mod files;
mod tables;

use core::fmt::Debug;
use libamoeba::println;
use libamoeba::system::start::Arguments;
use libamoeba::system::trial;
use proto::capability_text;

libamoeba::program!(main);

/// Counts what went wrong, and says it.
pub(crate) fn fail(what: &dyn Debug, found: &dyn Debug) {
    trial::fail(format_args!("{what:?}: {found:x?}"));
}

/// Says what went wrong, unless both are equal.
pub(crate) fn equal<T: PartialEq + Debug>(what: impl Debug, found: T, expected: T) {
    if found != expected {
        fail(&what, &found);
    }
}

/// The value, or nothing after it was told what went wrong.
pub(crate) fn good<T, E: Debug>(what: impl Debug, result: Result<T, E>) -> Option<T> {
    result.map_err(|failure| fail(&what, &failure)).ok()
}

/// Numbers that look random, the same on every run: the generator MMIX of Knuth, The Art of Computer Programming, volume 2, 3.3.4.
pub(crate) struct Numbers(pub(crate) u64);

impl Numbers {
    /// Six bytes.
    pub(crate) fn next(&mut self) -> [u8; 6] {
        self.0 = self
            .0
            .wrapping_mul(6_364_136_223_846_793_005)
            .wrapping_add(1_442_695_040_888_963_407);
        let [_, _, bytes @ ..] = self.0.to_le_bytes();
        bytes
    }
}

fn run<'a>(words: &mut impl Iterator<Item = &'a str>) -> Option<()> {
    let what = words.next()?;
    let capability = capability_text::parse(words.next()?)?;
    let mut number = || words.next()?.parse().ok();
    match what {
        "files" => files::run(&capability, number()?, number()?),
        "directories" => directories::run(&capability, number()?),
        _ => return None,
    }
    Some(())
}

fn main(arguments: &Arguments) -> i32 {
    if run(&mut arguments.words().skip(1)).is_none() {
        println!("usage: refusals files server cache inodes | refusals directories root entries");
        return 1;
    }
    trial::verdict()
}
