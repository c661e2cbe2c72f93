//! Whole scrapes, over the loopback interface.
#![expect(
    clippy::panic,
    clippy::unwrap_used,
    reason = "a test's helpers fail by panicking, as tests do"
)]

mod manager;
mod server;
