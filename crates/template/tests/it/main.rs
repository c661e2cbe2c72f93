//! Integration tests of the public interface.
#![expect(clippy::unwrap_used, reason = "a test fails where it unwraps")]

mod conformance;
mod hostile;
mod language;
mod laws;
mod peer;
