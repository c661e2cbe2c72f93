//! The monitoring server: configuration, HTTP API and wiring
#![forbid(unsafe_code)]

mod api;
mod clock;
mod config;
mod error;
mod groups;
mod lifecycle;
mod listener;
mod meter;
mod notify;
mod options;
mod origin;
mod page;
mod place;
mod process;
mod server;
mod view;
mod web;
mod wiring;

pub use crate::clock::SystemClock;
pub use crate::config::Config;
pub use crate::error::{Error, ErrorKind};
pub use crate::options::Options;
pub use crate::server::{Handle, start};

/// The version of Prometheus whose API this is.
pub const COMPATIBLE_VERSION: &str = "3.5.3";
