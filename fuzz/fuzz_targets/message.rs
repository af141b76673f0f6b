#![no_main]

libfuzzer_sys::fuzz_target!(|octets: &[u8]| counterpoint_tests::fuzz::run("message", octets));
