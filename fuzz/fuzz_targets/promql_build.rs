//! Fuzzes the property in `properties/promql_build.rs`.
#![no_main]

#[path = "../properties/promql_build.rs"]
mod property;

libfuzzer_sys::fuzz_target!(|data: &[u8]| property::holds(data));
