//! Prometheus text and OpenMetrics: a borrowing parser and an encoder
