//! Fuzzes the property in `properties/chunk_archive.rs`.
#![no_main]

#[path = "../properties/chunk_archive.rs"]
mod property;

libfuzzer_sys::fuzz_target!(|data: &[u8]| property::holds(data));
