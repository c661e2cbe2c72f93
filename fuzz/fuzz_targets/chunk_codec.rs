//! Fuzzes the property in `properties/chunk_codec.rs`.
#![no_main]

#[path = "../properties/chunk_codec.rs"]
mod property;

libfuzzer_sys::fuzz_target!(|data: &[u8]| property::holds(data));
