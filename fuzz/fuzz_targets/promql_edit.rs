//! Fuzzes the property in `properties/promql_edit.rs`.
#![no_main]

#[path = "../properties/promql_edit.rs"]
mod property;

libfuzzer_sys::fuzz_target!(|data: &[u8]| property::holds(data));
