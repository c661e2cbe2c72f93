//! What is known of a metric beside its samples: type, unit, help, exemplars.

use alloc::string::String;
use core::fmt;

use crate::labels::Labels;
use crate::sample::Timestamp;

/// The type that an exposer declared for a metric family.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[non_exhaustive]
pub enum MetricType {
    /// A value that only rises, but for resets.
    Counter,
    /// A value that rises and falls.
    Gauge,
    /// A histogram of current states.
    GaugeHistogram,
    /// Cumulative buckets of observations.
    Histogram,
    /// Labels that do not change during a process' life.
    Info,
    /// A set of states, each on or off.
    StateSet,
    /// Quantiles computed by the exposer.
    Summary,
    /// Nothing was declared, or it was not understood.
    #[default]
    Unknown,
}

impl MetricType {
    /// The type's name as the HTTP API and OpenMetrics write it.
    ///
    /// ```
    /// # use skopos_core::MetricType;
    /// assert_eq!(MetricType::GaugeHistogram.as_str(), "gaugehistogram");
    /// ```
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Counter => "counter",
            Self::Gauge => "gauge",
            Self::GaugeHistogram => "gaugehistogram",
            Self::Histogram => "histogram",
            Self::Info => "info",
            Self::StateSet => "stateset",
            Self::Summary => "summary",
            Self::Unknown => "unknown",
        }
    }
}

impl fmt::Display for MetricType {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// Type, unit and help of a metric family.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash)]
#[expect(clippy::exhaustive_structs, reason = "these three are what every exposition format has")]
pub struct Metadata {
    /// The declared type.
    pub metric_type: MetricType,
    /// The unit, such as `seconds`; empty where none was given.
    pub unit: String,
    /// The help text, unescaped; empty where none was given.
    pub help: String,
}

/// An example observation, usually with the identity of a trace.
#[derive(Clone, Debug, Default, PartialEq)]
#[expect(clippy::exhaustive_structs, reason = "the exposition formats fix these fields")]
pub struct Exemplar {
    /// The exemplar's own labels, such as `trace_id`.
    pub labels: Labels,
    /// The observed value.
    pub value: f64,
    /// When it was observed, where the exposer said so.
    pub timestamp: Option<Timestamp>,
}
