//! Fixtures, oracles and conformance suites for the crates of skopos
