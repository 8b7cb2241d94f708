//! Any code in an orderly machine: `cpu::fuzz` says what may not happen.
#![no_main]

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| cpu::fuzz::code(bytes));
