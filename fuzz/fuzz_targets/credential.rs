#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| pollgate::fuzzing::run("credential", data));
