//! Prometheus alerting and recording rules: types, loading, linting, evaluation
