//! The crate from outside: against Prometheus' own results, and by its own round trips.
#![expect(clippy::unwrap_used, clippy::panic, reason = "helpers of tests fail by panicking")]

mod allocations;
mod conformance;
mod hostile;
mod laws;
mod lint;
mod negotiate;
#[cfg(feature = "protobuf")]
mod peer;
#[cfg(feature = "protobuf")]
mod protobuf;
mod round_trip;
