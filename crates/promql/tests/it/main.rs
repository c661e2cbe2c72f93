//! Tests of the public interface, against vectors made by Prometheus where they are at hand.

mod build;
mod complete;
mod conformance;
mod engine;
mod eval;
mod language;
mod literal;
mod parse;
mod property;
mod recover;
#[cfg(feature = "test-script")]
mod script;
mod series;
