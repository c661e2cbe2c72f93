//! Benchmarks of the skopos crates: the data, the measuring, and the commands.
//!
//! The program `skopos-bench` has the commands of the Go benchmark that Prometheus' own libraries are
//! measured with, and prints lines of the same form, so that both can be set side by side. The
//! criterion benches in `criterion/` watch single functions on small built-in data; in test mode they
//! check the expected answers.

pub mod alloc;
pub mod block;
pub mod commands;
pub mod data;
pub mod measure;
pub mod report;

/// Counts what is allocated, when it is told to.
#[global_allocator]
static ALLOCATOR: alloc::Counting = alloc::Counting;
