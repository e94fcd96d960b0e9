//! See `sexton_fuzz::redis`.
#![no_main]

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| sexton_fuzz::redis::check(bytes));
