//! Disks with the file systems of Amoeba, as an installed machine has them: made from a description, and looked over.
//!
//! A tour, from the outside inwards: [`Description`] is what the TOML file says; [`make()`] makes the disks of it, [`check()`] looks
//! disks over. `layout` divides a disk into virtual disks, by a table of partitions and a label. [`NewStore`] is a Bullet file system on
//! bytes, `names` the tree of directories, `boot` the virtual disk of the boot server, `drawn` the numbers that nobody is to guess.
//!
//! The servers' own libraries make and check what is theirs; nothing here knows how an emulator works.
#![forbid(unsafe_code)]

mod boot;
mod check;
mod description;
mod drawn;
mod layout;
mod make;
mod names;
mod store;
#[cfg(test)]
mod tests;

pub use check::{Finding, Report, check};
pub use description::{Description, DescriptionError};
pub use make::{Made, MakeError, Sources, make};
pub use store::NewStore;

/// Bytes of a sector.
pub const SECTOR: usize = proto::disk::SECTOR;
