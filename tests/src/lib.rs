//! What the whole-system tests share: small guests made by hand, labs made of text, PCs that run `amoeba-rs`, and an observer that
//! remembers.
//!
//! The tests themselves are in `tests/tests`, the benches in `tests/benches`. The comparison of the processor with this machine's
//! own is in [`silicon`], the one place with unsafe code.
#![deny(unsafe_code)]

pub mod amoeba;
pub mod benchmark;
pub mod crowds;
pub mod intruder;
pub mod labelled_disk;
pub mod made_disks;
pub mod moves;
pub mod overheard;
pub mod safety;
pub mod servers;
pub mod silicon;
pub mod system;
pub mod untrusted;

mod board;
mod guests;
mod labs;
mod memory;

use std::io::Write as _;

pub use board::Board;
pub use guests::{
    ENTRY, ROM_TABLE, guest, guest_at, handle, input, kernel, kernel_at, output, post, prepare_interrupts,
    rom, sleep, start_card, start_card_at, start_timer, transmit, transmit_at,
};
pub use labs::{build, capture, lab, lab_file, lab_in, pcs, rom_lab, runtime, two_kernels};
pub use memory::{Memory, run_for, run_until};

/// Writes to the standard output past the test harness, which hides what a passing test prints.
///
/// # Panics
/// If there is no standard output.
pub fn tell(text: &str) {
    std::io::stdout()
        .lock()
        .write_all(text.as_bytes())
        .expect("a standard output");
}
