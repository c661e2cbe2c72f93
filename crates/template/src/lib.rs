//! Go's text/template language and Prometheus' alert-template functions
