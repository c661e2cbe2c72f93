//! The server as its clients see it: started on loopback, asked over HTTP.
//!
//! Nothing sleeps for a fixed time: what needs time is asked for again until it is there.

#![expect(
    clippy::unwrap_used,
    clippy::panic,
    reason = "what helpers of tests find wrong fails the test"
)]

mod client;
mod lifecycle;
mod peer;
mod peer_block;
mod scenario;
