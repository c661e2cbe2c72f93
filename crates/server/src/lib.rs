//! The monitoring server: configuration, HTTP API and wiring
#![forbid(unsafe_code)]

mod api;
mod clock;
mod config;
mod error;
mod lifecycle;
mod listener;
mod meter;
mod options;
mod origin;
mod page;
mod place;
mod process;
mod view;
mod web;

pub use crate::clock::SystemClock;
pub use crate::config::Config;
pub use crate::error::{Error, ErrorKind};
pub use crate::options::Options;

/// The version of Prometheus whose API this is.
pub const COMPATIBLE_VERSION: &str = "3.5.3";
