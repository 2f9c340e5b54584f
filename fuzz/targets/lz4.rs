#![no_main]

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| fuzz::decode("lz4", bytes));
