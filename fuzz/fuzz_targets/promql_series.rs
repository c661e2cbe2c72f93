//! Fuzzes the property in `properties/promql_series.rs`.
#![no_main]

#[path = "../properties/promql_series.rs"]
mod property;

libfuzzer_sys::fuzz_target!(|data: &[u8]| property::holds(data));
