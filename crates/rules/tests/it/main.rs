//! Integration tests of the public interface.
#![expect(clippy::unwrap_used, reason = "a test fails where it unwraps")]

mod concurrent;
mod conformance;
mod doubles;
mod evaluation;
mod hostile;
mod idle;
mod model;
