//! Any machine with any code: `cpu::fuzz` says what may not happen.
#![no_main]

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| cpu::fuzz::machine_state(bytes));
