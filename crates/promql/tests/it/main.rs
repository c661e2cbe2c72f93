//! Tests of the public interface, against vectors made by Prometheus where they are at hand.

mod conformance;
mod literal;
mod parse;
mod property;
mod series;
