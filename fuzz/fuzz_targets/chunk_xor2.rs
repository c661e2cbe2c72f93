//! Fuzzes the property in `properties/chunk_xor2.rs`.
#![no_main]

#[path = "../properties/chunk_xor2.rs"]
mod property;

libfuzzer_sys::fuzz_target!(|data: &[u8]| property::holds(data));
