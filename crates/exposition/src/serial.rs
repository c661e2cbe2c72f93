//! How values are serialized: the shapes in JSON, and functions for `#[serde(with = …)]` that give them
//! to the types of `skopos-core`, which knows no serde.
//!
//! | value | JSON |
//! |---|---|
//! | [`Labels`] | a map from names to values |
//! | `f64` | a number; `"NaN"`, `"+Inf"`, `"-Inf"` and, for the staleness marker, `"StaleNaN"` |
//! | [`Timestamp`] | whole milliseconds since the Unix epoch |
//! | [`MetricType`] | its name, such as `"counter"` |
//! | [`Exemplar`] | `{"labels": …, "value": …, "timestamp": …}` |
//! | [`Metadata`] | `{"type": …, "unit": …, "help": …}` |
//! | [`HistogramSample`] | `{"integer": …}` or `{"float": …}`, around one of the next two |
//! | [`Histogram`], [`FloatHistogram`] | a map with the fields by name |
//! | [`Span`] | `{"offset": …, "length": …}` |
//! | [`ResetHint`] | `"unknown"`, `"gauge"`, `"reset"` or `"not_reset"` |
//!
//! Fields that are empty, nothing or unknown are left out, and may be missing when read. Floats may also be
//! read from strings, as Prometheus' API writes them. The bits of other NaNs than the staleness
//! marker are not kept. What is read is not validated beyond its shape: see [`Histogram::validate`].
//!
//! The formats need to tell what comes next (JSON, YAML and CBOR do; bincode does not). `serde_json`
//! reads floats to the last bit with its feature `float_roundtrip` only.
//!
//! ```
//! use serde::{Deserialize, Serialize};
//! use skopos_core::Labels;
//!
//! #[derive(Serialize, Deserialize)]
//! struct Reading {
//!     #[serde(with = "skopos_exposition::serial")]
//!     labels: Labels,
//!     #[serde(with = "skopos_exposition::serial")]
//!     value: f64,
//! }
//!
//! let labels = Labels::from_pairs([("job", "api")]);
//! let text = serde_json::to_string(&Reading { labels, value: f64::INFINITY })?;
//! assert_eq!(text, r#"{"labels":{"job":"api"},"value":"+Inf"}"#);
//! let reading: Reading = serde_json::from_str(&text)?;
//! assert_eq!(reading.labels.get("job"), Some("api"));
//! # Ok::<(), serde_json::Error>(())
//! ```

use alloc::collections::BTreeMap;
use alloc::string::String;
use alloc::sync::Arc;
use alloc::vec::Vec;
use core::fmt;

use serde::de::{self, Deserializer, MapAccess, Visitor};
use serde::ser::Serializer;
use serde::{Deserialize, Serialize};
use skopos_core::{
    Exemplar, FloatHistogram, Histogram, HistogramSample, Labels, Metadata, MetricType, ResetHint,
    Span, Timestamp, is_stale_nan, stale_nan,
};

use self::sealed::Sealed;

mod formats;
#[cfg(test)]
mod tests;

/// A value that has a shape here: those of the table, and optional ones and lists of them.
///
/// The trait is sealed: [`serialize`] and [`deserialize`] are the way to use it.
pub trait Shape: Sealed {}

mod sealed {
    use serde::{Deserializer, Serializer};

    pub trait Sealed: Sized {
        fn write<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error>;
        fn read<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error>;
    }
}

impl<T: Sealed> Shape for T {}

/// Serializes a value in the shape that the module's table shows.
///
/// ```
/// let mut out = Vec::new();
/// skopos_exposition::serial::serialize(&Some(f64::NAN), &mut serde_json::Serializer::new(&mut out))?;
/// assert_eq!(out, br#""NaN""#);
/// # Ok::<(), serde_json::Error>(())
/// ```
///
/// # Errors
///
/// The serializer's.
pub fn serialize<T: Shape, S: Serializer>(value: &T, serializer: S) -> Result<S::Ok, S::Error> {
    value.write(serializer)
}

/// Reads a value in the shape that the module's table shows.
///
/// ```
/// use skopos_core::Timestamp;
///
/// let mut json = serde_json::Deserializer::from_str("1700000000000");
/// let t: Timestamp = skopos_exposition::serial::deserialize(&mut json)?;
/// assert_eq!(t.as_millis(), 1_700_000_000_000);
/// # Ok::<(), serde_json::Error>(())
/// ```
///
/// # Errors
///
/// The deserializer's, and where a value has another shape.
pub fn deserialize<'de, T: Shape, D: Deserializer<'de>>(deserializer: D) -> Result<T, D::Error> {
    T::read(deserializer)
}

/// A value that is serialized by its shape.
struct Shaped<T>(T);

impl<T: Sealed> Serialize for Shaped<&T> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        self.0.write(serializer)
    }
}

impl<'de, T: Sealed> Deserialize<'de> for Shaped<T> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        T::read(deserializer).map(Self)
    }
}

impl<T: Sealed> Sealed for Option<T> {
    fn write<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        self.as_ref().map(Shaped).serialize(serializer)
    }

    fn read<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let value = Option::<Shaped<T>>::deserialize(deserializer)?;
        Ok(value.map(|Shaped(value)| value))
    }
}

impl<T: Sealed> Sealed for Vec<T> {
    fn write<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_seq(self.iter().map(Shaped))
    }

    fn read<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let values = Vec::<Shaped<T>>::deserialize(deserializer)?;
        Ok(values.into_iter().map(|Shaped(value)| value).collect())
    }
}

impl Sealed for Arc<[f64]> {
    fn write<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_seq(self.iter().map(Shaped))
    }

    fn read<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        Vec::<f64>::read(deserializer).map(Into::into)
    }
}

impl Sealed for f64 {
    fn write<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match *self {
            value if value.is_finite() => serializer.serialize_f64(value),
            value if is_stale_nan(value) => serializer.serialize_str("StaleNaN"),
            value if value.is_nan() => serializer.serialize_str("NaN"),
            value => serializer.serialize_str(if 0.0 < value { "+Inf" } else { "-Inf" }),
        }
    }

    fn read<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(FloatVisitor)
    }
}

struct FloatVisitor;

impl Visitor<'_> for FloatVisitor {
    type Value = f64;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a number, \"NaN\", \"+Inf\", \"-Inf\" or \"StaleNaN\"")
    }

    fn visit_f64<E: de::Error>(self, value: f64) -> Result<f64, E> {
        Ok(value)
    }

    fn visit_i64<E: de::Error>(self, value: i64) -> Result<f64, E> {
        Ok(value as f64)
    }

    fn visit_u64<E: de::Error>(self, value: u64) -> Result<f64, E> {
        Ok(value as f64)
    }

    fn visit_str<E: de::Error>(self, text: &str) -> Result<f64, E> {
        match text {
            "StaleNaN" => Ok(stale_nan()),
            "NaN" => Ok(f64::NAN),
            _ => text.parse().map_err(|_| E::invalid_value(de::Unexpected::Str(text), &self)),
        }
    }
}

impl Sealed for Timestamp {
    fn write<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_i64(self.as_millis())
    }

    fn read<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        i64::deserialize(deserializer).map(Self::from_millis)
    }
}

impl Sealed for Labels {
    fn write<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_map(self)
    }

    fn read<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_map(LabelsVisitor)
    }
}

struct LabelsVisitor;

impl<'de> Visitor<'de> for LabelsVisitor {
    type Value = Labels;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a map from label names to values")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Labels, A::Error> {
        let mut labels = BTreeMap::new();
        while let Some((name, value)) = map.next_entry::<String, String>()? {
            if labels.contains_key(&name) {
                return Err(de::Error::custom(format_args!("label name {name:?} stands twice")));
            }
            labels.insert(name, value);
        }
        Ok(Labels::from_sorted_pairs(labels.iter().map(|(n, v)| (n.as_str(), v.as_str()))))
    }
}

/// Reads one of the values that are written by name.
fn read_name<'de, T: Copy, D: Deserializer<'de>>(
    deserializer: D,
    what: &str,
    named: &[(&str, T)],
) -> Result<T, D::Error> {
    let text = String::deserialize(deserializer)?;
    let found = named.iter().find(|(name, _)| *name == text);
    found.map(|(_, value)| *value).ok_or_else(|| {
        let names: Vec<&str> = named.iter().map(|(name, _)| *name).collect();
        de::Error::custom(format_args!("unknown {what} {text:?}, expected one of {names:?}"))
    })
}

const METRIC_TYPES: [MetricType; 8] = [
    MetricType::Counter,
    MetricType::Gauge,
    MetricType::GaugeHistogram,
    MetricType::Histogram,
    MetricType::Info,
    MetricType::StateSet,
    MetricType::Summary,
    MetricType::Unknown,
];

impl Sealed for MetricType {
    fn write<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(self.as_str())
    }

    fn read<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let named = METRIC_TYPES.map(|metric_type| (metric_type.as_str(), metric_type));
        read_name(deserializer, "metric type", &named)
    }
}

const RESET_HINTS: [(&str, ResetHint); 4] = [
    ("unknown", ResetHint::Unknown),
    ("gauge", ResetHint::Gauge),
    ("reset", ResetHint::Reset),
    ("not_reset", ResetHint::NotReset),
];

impl Sealed for ResetHint {
    fn write<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let named = RESET_HINTS.iter().find(|(_, hint)| hint == self);
        serializer.serialize_str(named.map_or("unknown", |(name, _)| name))
    }

    fn read<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        read_name(deserializer, "reset hint", &RESET_HINTS)
    }
}

/// Whether a field is left out.
pub(crate) fn is_default<T: Default + PartialEq>(value: &T) -> bool {
    *value == T::default()
}

/// Whether a float is left out: the negative zero is another value.
fn is_zero(value: &f64) -> bool {
    value.to_bits() == 0
}

fn is_empty<T>(values: &Arc<[T]>) -> bool {
    values.is_empty()
}

/// Gives a type of `skopos-core` the shape of its mirror here.
macro_rules! mirrored {
    ($type:ty, $mirror:ty) => {
        impl Sealed for $type {
            fn write<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
                <$mirror>::serialize(self, serializer)
            }

            fn read<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
                <$mirror>::deserialize(deserializer)
            }
        }
    };
}

#[derive(Serialize, Deserialize)]
#[serde(remote = "Span")]
struct SpanShape {
    offset: i32,
    length: u32,
}
mirrored!(Span, SpanShape);

#[derive(Serialize, Deserialize)]
#[serde(remote = "Exemplar")]
struct ExemplarShape {
    #[serde(with = "crate::serial")]
    labels: Labels,
    #[serde(with = "crate::serial")]
    value: f64,
    #[serde(with = "crate::serial", default, skip_serializing_if = "Option::is_none")]
    timestamp: Option<Timestamp>,
}
mirrored!(Exemplar, ExemplarShape);

#[derive(Serialize, Deserialize)]
#[serde(remote = "Metadata")]
struct MetadataShape {
    #[serde(rename = "type", with = "self", default)]
    metric_type: MetricType,
    #[serde(default)]
    unit: String,
    #[serde(default)]
    help: String,
}
mirrored!(Metadata, MetadataShape);

#[derive(Serialize, Deserialize)]
#[serde(remote = "HistogramSample", rename_all = "snake_case")]
enum HistogramSampleShape {
    #[serde(with = "crate::serial")]
    Float(FloatHistogram),
    #[serde(with = "crate::serial")]
    Integer(Histogram),
}
mirrored!(HistogramSample, HistogramSampleShape);

#[derive(Serialize, Deserialize)]
#[serde(remote = "Histogram")]
struct HistogramShape {
    #[serde(with = "crate::serial", default, skip_serializing_if = "is_default")]
    reset_hint: ResetHint,
    schema: i32,
    #[serde(with = "crate::serial", default, skip_serializing_if = "is_zero")]
    zero_threshold: f64,
    #[serde(default, skip_serializing_if = "is_default")]
    zero_count: u64,
    count: u64,
    #[serde(with = "crate::serial")]
    sum: f64,
    #[serde(with = "crate::serial", default, skip_serializing_if = "Vec::is_empty")]
    positive_spans: Vec<Span>,
    #[serde(with = "crate::serial", default, skip_serializing_if = "Vec::is_empty")]
    negative_spans: Vec<Span>,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    positive_buckets: Vec<i64>,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    negative_buckets: Vec<i64>,
    #[serde(with = "crate::serial", default, skip_serializing_if = "is_empty")]
    custom_values: Arc<[f64]>,
}
mirrored!(Histogram, HistogramShape);

#[derive(Serialize, Deserialize)]
#[serde(remote = "FloatHistogram")]
struct FloatHistogramShape {
    #[serde(with = "crate::serial", default, skip_serializing_if = "is_default")]
    reset_hint: ResetHint,
    schema: i32,
    #[serde(with = "crate::serial", default, skip_serializing_if = "is_zero")]
    zero_threshold: f64,
    #[serde(with = "crate::serial", default, skip_serializing_if = "is_zero")]
    zero_count: f64,
    #[serde(with = "crate::serial")]
    count: f64,
    #[serde(with = "crate::serial")]
    sum: f64,
    #[serde(with = "crate::serial", default, skip_serializing_if = "Vec::is_empty")]
    positive_spans: Vec<Span>,
    #[serde(with = "crate::serial", default, skip_serializing_if = "Vec::is_empty")]
    negative_spans: Vec<Span>,
    #[serde(with = "crate::serial", default, skip_serializing_if = "Vec::is_empty")]
    positive_buckets: Vec<f64>,
    #[serde(with = "crate::serial", default, skip_serializing_if = "Vec::is_empty")]
    negative_buckets: Vec<f64>,
    #[serde(with = "crate::serial", default, skip_serializing_if = "is_empty")]
    custom_values: Arc<[f64]>,
}
mirrored!(FloatHistogram, FloatHistogramShape);
