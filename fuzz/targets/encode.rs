#![no_main]

libfuzzer_sys::fuzz_target!(|life: fuzz::Life| fuzz::encode(&life));
