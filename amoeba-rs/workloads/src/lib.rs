//! What the benchmark program runs: its workloads, how large a turn of each is, and what must come out.
//!
//! The program itself is in `benchmark`; here is what it shares with the hosts that time it. Results are calculated
//! from the definition of a workload ([`Workload::result`]), not by the code that is timed.

#![no_std]
#![forbid(unsafe_code)]

#[cfg(test)]
extern crate std;

mod definition;
mod plan;
mod results;

pub use definition::{Turn, Workload};
pub use plan::{LONGEST_PLAN, Plan, Refusal, Run};
pub use results::{
    COPIED_DWORDS, COPIED_PAGES, CRC_BYTES, FLAGS, PAGES, TABLE_WORDS, byte_of_message, copied_checksum,
    crc_table_entry, pages_checksum, word_of_page, word_of_table,
};
