//! The monitoring server: configuration, HTTP API and wiring
