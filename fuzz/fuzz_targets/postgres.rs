//! See `sexton_fuzz::postgres`.
#![no_main]

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| sexton_fuzz::postgres::check(bytes));
