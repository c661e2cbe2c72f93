//! The program as its user runs it: `skopos serve` as a process, scraping real exporters over the
//! loopback interface, asked through HTTP.
//!
//! What needs more than a Rust toolchain (node_exporter, the real Prometheus) is found in the folder
//! that `SKOPOS_PEERS` names, or says that it was skipped.
#![expect(
    clippy::panic,
    clippy::unwrap_used,
    reason = "a test ends where the other process does not do what it should"
)]

mod agreement;
mod alertmanager;
mod exporter;
mod http;
mod hysteresis;
mod instrumented;
mod node;
mod process;
