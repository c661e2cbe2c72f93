//! What the crate promises, seen from outside: Prometheus' bytes, and no surprises from others.
#![expect(
    clippy::panic,
    clippy::unwrap_used,
    reason = "a test's helpers fail by panicking, as tests do"
)]

mod archive;
mod codecs;
mod conformance;
mod histogram;
mod histogram_properties;
mod laws;
mod properties;
mod vectors;
mod xor2;
