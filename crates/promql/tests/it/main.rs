//! Tests of the public interface, against vectors made by Prometheus where they are at hand.

mod build;
mod complete;
mod conformance;
mod depth;
#[cfg(feature = "engine")]
mod engine;
#[cfg(feature = "engine")]
mod eval;
#[cfg(feature = "engine")]
mod explain;
#[cfg(feature = "engine")]
mod hostile;
mod language;
#[cfg(feature = "engine")]
mod limits;
mod lint;
mod literal;
#[cfg(feature = "engine")]
mod naive;
#[cfg(feature = "parallel")]
mod parallel;
mod parse;
#[cfg(feature = "serde")]
mod peer;
#[cfg(feature = "engine")]
mod property;
mod recover;
#[cfg(feature = "test-script")]
mod script;
#[cfg(feature = "engine")]
mod series;
