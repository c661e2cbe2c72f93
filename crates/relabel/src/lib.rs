//! Prometheus relabeling: configuration and application
