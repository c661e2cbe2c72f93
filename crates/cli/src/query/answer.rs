//! The answer to a query, whoever gave it.

use std::sync::Arc;

use skopos_core::text::{FloatStyle, format_float};
use skopos_core::{FloatHistogram, Labels, QueryOutput, QueryValue, SampleValue, Timestamp};

/// An answer with what else there is to say.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Answer {
    pub(super) value: Value,
    pub(super) warnings: Vec<String>,
    pub(super) infos: Vec<String>,
}

#[derive(Clone, Debug, PartialEq)]
pub(super) enum Value {
    Matrix(Vec<Series>),
    Scalar(Point),
    Text(Timestamp, String),
    /// Each series has one point.
    Vector(Vec<Series>),
}

#[derive(Clone, Debug, PartialEq)]
pub(super) struct Series {
    pub(super) labels: Labels,
    /// Ascending in time.
    pub(super) points: Vec<Point>,
}

#[derive(Clone, Debug, PartialEq)]
pub(super) struct Point {
    pub(super) t: Timestamp,
    pub(super) value: Cell,
}

/// One value.
#[derive(Clone, Debug, PartialEq)]
pub(super) enum Cell {
    Float(f64),
    Histogram(Histogram),
}

/// A histogram as the HTTP API gives it: numbers stay texts.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Histogram {
    pub(super) count: String,
    pub(super) sum: String,
    pub(super) buckets: Vec<Bucket>,
}

#[derive(Clone, Debug, PartialEq)]
pub(super) struct Bucket {
    /// Which bounds belong to the bucket: 0 the upper, 1 the lower, 2 none, 3 both.
    pub(super) boundaries: u8,
    pub(super) lower: String,
    pub(super) upper: String,
    pub(super) count: String,
}

impl Cell {
    /// The value as the API and tables write it.
    pub(super) fn text(&self) -> String {
        match self {
            Self::Float(v) => number(*v),
            Self::Histogram(histogram) => histogram.text(),
        }
    }

    pub(super) fn float(&self) -> Option<f64> {
        match self {
            Self::Float(v) => Some(*v),
            Self::Histogram(_) => None,
        }
    }
}

impl Histogram {
    /// As Prometheus prints histograms: `{count:3, sum:4.5, (0.5,1]:1}`.
    pub(super) fn text(&self) -> String {
        let mut text = format!("{{count:{}, sum:{}", self.count, self.sum);
        for bucket in &self.buckets {
            text.push_str(", ");
            text.push_str(&bucket.text());
        }
        text + "}"
    }
}

impl Bucket {
    /// As Prometheus prints buckets: `(0.5,1]:1`.
    pub(super) fn text(&self) -> String {
        let Self { boundaries, lower, upper, count } = self;
        let open = if matches!(boundaries, 1 | 3) { '[' } else { '(' };
        let close = if matches!(boundaries, 0 | 3) { ']' } else { ')' };
        format!("{open}{lower},{upper}{close}:{count}")
    }
}

/// A number as the API writes it.
pub(super) fn number(v: f64) -> String {
    format_float(v, FloatStyle::Api)
}

impl From<QueryOutput> for Answer {
    fn from(output: QueryOutput) -> Self {
        let value = match output.value {
            QueryValue::Matrix(series) => Value::Matrix(series.into_iter().map(range).collect()),
            QueryValue::Scalar(sample) => {
                Value::Scalar(Point { t: sample.t, value: Cell::Float(sample.v) })
            }
            QueryValue::String(t, text) => Value::Text(t, text),
            QueryValue::Vector(samples) => Value::Vector(
                samples
                    .into_iter()
                    .map(|sample| Series {
                        labels: sample.labels,
                        points: vec![Point { t: sample.t, value: sample.value.into() }],
                    })
                    .collect(),
            ),
        };
        Self { value, warnings: output.warnings, infos: output.infos }
    }
}

fn range(series: skopos_core::RangeSeries) -> Series {
    let floats = series.floats.into_iter().map(|s| Point { t: s.t, value: Cell::Float(s.v) });
    let histograms = series
        .histograms
        .into_iter()
        .map(|(t, histogram)| Point { t, value: SampleValue::Histogram(histogram).into() });
    let mut points: Vec<Point> = floats.chain(histograms).collect();
    points.sort_by_key(|point| point.t);
    Series { labels: series.labels, points }
}

impl From<SampleValue> for Cell {
    fn from(value: SampleValue) -> Self {
        match value {
            SampleValue::Float(v) => Self::Float(v),
            SampleValue::Histogram(histogram) => Self::Histogram(histogram.into()),
        }
    }
}

impl From<Arc<FloatHistogram>> for Histogram {
    fn from(histogram: Arc<FloatHistogram>) -> Self {
        let bucket = |bucket: &skopos_core::Bucket| Bucket {
            boundaries: match (bucket.lower_inclusive, bucket.upper_inclusive) {
                (false, true) => 0,
                (true, false) => 1,
                (false, false) => 2,
                (true, true) => 3,
            },
            lower: number(bucket.lower),
            upper: number(bucket.upper),
            count: number(bucket.count),
        };
        Self {
            count: number(histogram.count),
            sum: number(histogram.sum),
            buckets: histogram.filled().iter().map(bucket).collect(),
        }
    }
}
