//! Fuzzes the property in `properties/regex_parse.rs`.
#![no_main]

#[path = "../properties/regex_parse.rs"]
mod property;

libfuzzer_sys::fuzz_target!(|data: &[u8]| property::holds(data));
