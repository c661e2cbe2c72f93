//! Fuzzes the property in `properties/exposition_protobuf.rs`.
#![no_main]

#[path = "../properties/owned_labels.rs"]
mod owned_labels;
#[path = "../properties/exposition_protobuf.rs"]
mod property;

libfuzzer_sys::fuzz_target!(|data: &[u8]| property::holds(data));
