//! Fuzzes the property in `properties/promql_engine.rs`.
#![no_main]

#[path = "../properties/promql_engine.rs"]
mod property;

libfuzzer_sys::fuzz_target!(|data: &[u8]| property::holds(data));
