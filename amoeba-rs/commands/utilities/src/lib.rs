//! What the commands on texts do, as functions of bytes: [`expression`] for `grep`, [`sort`], [`count`] for `wc`, [`tail`]; and what commands
//! have in common: [`options`], [`masks`].
//!
//! The program has many names and looks at the one by which it is called: they share one file, which takes less of the disk, of the file
//! server's cache and of the time to build than one each would.

#![no_std]
#![forbid(unsafe_code)]

extern crate alloc;
#[cfg(test)]
extern crate std;

pub mod count;
pub mod expression;
pub mod masks;
pub mod options;
pub mod sort;
pub mod tail;
#[cfg(test)]
mod tests;

/// The names of the program, in order.
pub const NAMES: [&str; 23] = [
    "bfsck",
    "bsize",
    "cat",
    "chm",
    "cp",
    "del",
    "dir",
    "echo",
    "get",
    "grep",
    "mkd",
    "put",
    "sleep",
    "sort",
    "std_age",
    "std_copy",
    "std_destroy",
    "std_info",
    "std_restrict",
    "std_status",
    "std_touch",
    "tail",
    "wc",
];
