//! Fuzzes the property in `properties/index_select.rs`.
#![no_main]

#[path = "../properties/index_select.rs"]
mod property;

libfuzzer_sys::fuzz_target!(|data: &[u8]| property::holds(data));
