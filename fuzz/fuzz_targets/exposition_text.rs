//! Fuzzes the property in `properties/exposition_text.rs`.
#![no_main]

#[path = "../properties/exposition_text.rs"]
mod property;

libfuzzer_sys::fuzz_target!(|data: &[u8]| property::holds(data));
