//! Any accesses to a card while any frames come and go: `ne2000::fuzz` says what may not happen.
#![no_main]

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| ne2000::fuzz::card(bytes));
