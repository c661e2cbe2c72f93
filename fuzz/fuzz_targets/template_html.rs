//! Fuzzes the property in `properties/template_html.rs`.
#![no_main]

#[path = "../properties/template_html.rs"]
mod property;

libfuzzer_sys::fuzz_target!(|data: &[u8]| property::holds(data));
