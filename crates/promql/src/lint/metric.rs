//! What the name of a metric says about it.

use skopos_core::labels::METRIC_NAME;
use skopos_core::{MatchOp, MetricType};

use super::LintOptions;
use crate::ast::VectorSelector;

/// Whether a metric only rises.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Trend {
    /// It rises until its process restarts.
    Counter,
    /// It rises and falls.
    Gauge,
    /// Nobody knows.
    Unknown,
}

/// The name that a selector asks for, wherever it stands.
pub(super) fn name(selector: &VectorSelector) -> Option<&str> {
    if let Some(name) = &selector.name {
        return Some(name);
    }
    let mut matchers = selector.matchers.iter();
    let named = matchers.find(|m| m.name() == METRIC_NAME && m.op() == MatchOp::Equal)?;
    Some(named.value())
}

/// What is known of the metric of a selector, by its type or else by its name.
pub(super) fn trend(selector: &VectorSelector, options: &LintOptions<'_>) -> Trend {
    let Some(name) = name(selector) else { return Trend::Unknown };
    match known_type(name, options) {
        Some(MetricType::Counter | MetricType::Histogram) => Trend::Counter,
        // Without a suffix these are quantiles.
        Some(MetricType::Summary) if is_part(name) => Trend::Counter,
        Some(MetricType::Unknown) | None => by_name(name),
        Some(_) => Trend::Gauge,
    }
}

fn known_type(name: &str, options: &LintOptions<'_>) -> Option<MetricType> {
    let types = options.metric_types?;
    types(name).or_else(|| types(family(name)?))
}

/// The family of a series of a histogram or summary.
fn family(name: &str) -> Option<&str> {
    ["_bucket", "_count", "_sum"].iter().find_map(|suffix| name.strip_suffix(suffix))
}

fn is_part(name: &str) -> bool {
    family(name).is_some()
}

/// What the conventions of naming say; whoever breaks them is given the benefit of the doubt.
fn by_name(name: &str) -> Trend {
    // Recorded series are named after what they were made of.
    if name.contains(':') {
        Trend::Unknown
    } else if name.ends_with("_total") {
        Trend::Counter
    } else if is_gauge_name(name) {
        Trend::Gauge
    } else {
        Trend::Unknown
    }
}

/// Ends that no counter has.
const GAUGE_SUFFIXES: [&str; 22] = [
    "_available_bytes",
    "_avail_bytes",
    "_celsius",
    "_files_free",
    "_free_bytes",
    "_in_flight",
    "_info",
    "_inprogress",
    "_limit_bytes",
    "_load1",
    "_load15",
    "_load5",
    "_max_bytes",
    "_open_fds",
    "_percent",
    "_ratio",
    "_resident_memory_bytes",
    "_size_bytes",
    "_timestamp_seconds",
    "_usage_bytes",
    "_used_bytes",
    "_working_set_bytes",
];

fn is_gauge_name(name: &str) -> bool {
    name == "up"
        || GAUGE_SUFFIXES.iter().any(|suffix| name.ends_with(suffix))
        || name.starts_with("node_memory_") && name.ends_with("_bytes")
}
