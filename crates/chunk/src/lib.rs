//! Gorilla (XOR) compressed sample chunks, byte-identical to Prometheus
