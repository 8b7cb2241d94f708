//! What is on disks, and the server that reads and writes them.
//!
//! A tour: [`partition_table`] is the table in the first sector of a PC's disk; [`label`] is the first sector of a
//! partition of Amoeba's, which divides it into pieces of virtual disks; [`server`] has the commands of the server of virtual disks.

pub mod label;
pub mod partition_table;
pub mod server;

pub use label::{Geometry, Label, Part};
pub use partition_table::PartitionTable;

/// Bytes of a sector.
pub const SECTOR: usize = 512;
