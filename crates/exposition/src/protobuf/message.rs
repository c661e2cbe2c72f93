//! The messages of `io.prometheus.client`, decoded into buffers that are used again.
//!
//! As protobuf wants it, fields may come in any order and any number of times; of single ones the last
//! counts, and single messages are merged.
#![deny(clippy::indexing_slicing)]

use alloc::borrow::Cow;
use alloc::string::String;
use alloc::vec::Vec;
use core::ops::Range;

use skopos_core::{Exemplar, Labels, Span, Timestamp};

use super::wire::{BYTES, FIXED64, Key, VARINT, Wire, zigzag, zigzag32};
use crate::Error;

/// A label's fields.
const NAME: u8 = 1 << 3 | BYTES;
const VALUE: u8 = 2 << 3 | BYTES;

/// A metric family, without its metrics.
#[derive(Debug, Default)]
pub(super) struct FamilyMessage<'a> {
    pub(super) name: &'a [u8],
    pub(super) help: &'a [u8],
    pub(super) unit: &'a [u8],
    pub(super) metric_type: i32,
    /// Where `name` and `help` end, for errors.
    pub(super) name_end: usize,
    pub(super) help_end: usize,
    pub(super) unit_end: usize,
}

impl<'a> FamilyMessage<'a> {
    /// Reads a family; its metrics are left as they are, in `metrics`.
    pub(super) fn decode(mut wire: Wire<'a>, metrics: &mut Vec<Wire<'a>>) -> Result<Self, Error> {
        // What is not there is missed where the family begins.
        let start = wire.offset();
        let mut family =
            Self { name_end: start, help_end: start, unit_end: start, ..Self::default() };
        while let Some(key) = wire.key("MetricFamily")? {
            match key.field {
                1 => {
                    family.name = wire.bytes(key, "Name")?;
                    family.name_end = wire.offset();
                }
                2 => {
                    family.help = wire.bytes(key, "Help")?;
                    family.help_end = wire.offset();
                }
                3 => family.metric_type = wire.integer(key, "Type")? as i32,
                4 => metrics.push(wire.message(key, "Metric")?),
                5 => {
                    family.unit = wire.bytes(key, "Unit")?;
                    family.unit_end = wire.offset();
                }
                _ => wire.skip(key)?,
            }
        }
        Ok(family)
    }
}

/// A metric of any type: every type's fields are there, and empty where the metric has none.
#[derive(Debug, Default)]
pub(super) struct Metric<'a> {
    /// The fields of the labels that the metric begins with, as far as they are short.
    pub(super) short_labels: Wire<'a>,
    /// The messages of the other labels.
    pub(super) labels: Vec<Wire<'a>>,
    pub(super) timestamp_millis: i64,
    pub(super) counter: f64,
    pub(super) gauge: f64,
    pub(super) untyped: f64,
    pub(super) start: Option<Moment>,
    /// The counter's.
    pub(super) exemplar: Option<RawExemplar>,
    pub(super) summary: Summary,
    pub(super) histogram: RawHistogram,
    /// The labels of all exemplars.
    exemplar_labels: Vec<(Cow<'a, str>, Cow<'a, str>)>,
}

/// A summary's fields.
#[derive(Debug, Default)]
pub(super) struct Summary {
    pub(super) count: u64,
    pub(super) sum: f64,
    pub(super) start: Option<Moment>,
    /// Quantiles and their values.
    pub(super) quantiles: Vec<(f64, f64)>,
}

/// A histogram's fields, of both kinds.
#[derive(Debug, Default)]
pub(super) struct RawHistogram {
    pub(super) count: u64,
    pub(super) float_count: f64,
    pub(super) sum: f64,
    pub(super) start: Option<Moment>,
    pub(super) buckets: Vec<RawBucket>,
    pub(super) schema: i32,
    pub(super) zero_threshold: f64,
    pub(super) zero_count: u64,
    pub(super) float_zero_count: f64,
    pub(super) positive: Side,
    pub(super) negative: Side,
    pub(super) exemplars: Vec<RawExemplar>,
}

/// One side's native buckets.
#[derive(Debug, Default)]
pub(super) struct Side {
    pub(super) spans: Vec<Span>,
    /// Of histograms that count in integers.
    pub(super) deltas: Vec<i64>,
    /// Of histograms that count in floats.
    pub(super) counts: Vec<f64>,
}

/// A classic bucket.
#[derive(Debug, Default)]
pub(super) struct RawBucket {
    pub(super) count: u64,
    pub(super) float_count: f64,
    pub(super) bound: f64,
    pub(super) exemplar: Option<RawExemplar>,
}

/// An exemplar; its labels are in [`Metric::exemplar_labels`].
#[derive(Clone, Debug, Default)]
pub(super) struct RawExemplar {
    labels: Range<usize>,
    pub(super) value: f64,
    pub(super) timestamp: Option<Moment>,
}

/// A point in time: `google.protobuf.Timestamp`.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Moment {
    seconds: i64,
    nanos: i32,
}

impl Moment {
    /// Cut off to milliseconds.
    pub(super) fn as_millis(self) -> i64 {
        self.seconds.wrapping_mul(1_000).wrapping_add(i64::from(self.nanos / 1_000_000))
    }

    fn decode(&mut self, mut wire: Wire<'_>) -> Result<(), Error> {
        while let Some(key) = wire.key("Timestamp")? {
            match key.field {
                1 => self.seconds = wire.integer(key, "Seconds")? as i64,
                2 => self.nanos = wire.integer(key, "Nanos")? as i32,
                _ => wire.skip(key)?,
            }
        }
        Ok(())
    }
}

impl RawHistogram {
    /// The number of observations, whichever field has it.
    pub(super) fn any_count(&self) -> f64 {
        if self.float_count == 0.0 { self.count as f64 } else { self.float_count }
    }

    /// Whether it has native buckets.
    pub(super) fn is_native(&self) -> bool {
        !self.positive.spans.is_empty()
            || !self.negative.spans.is_empty()
            || 0.0 < self.zero_threshold
            || 0 < self.zero_count
    }

    /// Whether its native buckets count in floats.
    pub(super) fn is_float(&self) -> bool {
        0.0 < self.float_count || 0.0 < self.float_zero_count
    }

    fn clear(&mut self) {
        self.count = 0;
        self.float_count = 0.0;
        self.sum = 0.0;
        self.start = None;
        self.buckets.clear();
        self.schema = 0;
        self.zero_threshold = 0.0;
        self.zero_count = 0;
        self.float_zero_count = 0.0;
        self.positive.clear();
        self.negative.clear();
        self.exemplars.clear();
    }
}

impl RawBucket {
    /// The cumulative count, whichever field has it.
    pub(super) fn any_count(&self) -> f64 {
        if self.float_count == 0.0 { self.count as f64 } else { self.float_count }
    }
}

impl Side {
    fn clear(&mut self) {
        self.spans.clear();
        self.deltas.clear();
        self.counts.clear();
    }
}

impl<'a> Metric<'a> {
    /// Reads a metric over the one before.
    #[inline]
    pub(super) fn decode(&mut self, mut wire: Wire<'a>) -> Result<(), Error> {
        self.clear();
        self.short_labels = wire.short_messages(1 << 3 | BYTES);
        while let Some(key) = wire.key("Metric")? {
            match key.field {
                1 => self.labels.push(wire.message(key, "Label")?),
                2 => self.gauge = value_of(wire.message(key, "Gauge")?, "Gauge", self.gauge)?,
                3 => self.counter(wire.message(key, "Counter")?)?,
                4 => self.summary.decode(wire.message(key, "Summary")?)?,
                5 => {
                    let untyped = wire.message(key, "Untyped")?;
                    self.untyped = value_of(untyped, "Untyped", self.untyped)?;
                }
                6 => self.timestamp_millis = wire.integer(key, "TimestampMs")? as i64,
                7 => self.histogram(wire.message(key, "Histogram")?)?,
                _ => wire.skip(key)?,
            }
        }
        Ok(())
    }

    fn clear(&mut self) {
        self.labels.clear();
        self.timestamp_millis = 0;
        self.counter = 0.0;
        self.gauge = 0.0;
        self.untyped = 0.0;
        self.start = None;
        self.exemplar = None;
        self.summary.count = 0;
        self.summary.sum = 0.0;
        self.summary.start = None;
        self.summary.quantiles.clear();
        self.histogram.clear();
        self.exemplar_labels.clear();
    }

    fn counter(&mut self, mut wire: Wire<'a>) -> Result<(), Error> {
        while let Some(key) = wire.key("Counter")? {
            match key.field {
                1 => self.counter = wire.double(key, "Value")?,
                2 => {
                    let message = wire.message(key, "Exemplar")?;
                    exemplar(&mut self.exemplar, &mut self.exemplar_labels, message)?;
                }
                3 => {
                    let message = wire.message(key, "CreatedTimestamp")?;
                    self.start.get_or_insert_default().decode(message)?;
                }
                _ => wire.skip(key)?,
            }
        }
        Ok(())
    }

    fn histogram(&mut self, mut wire: Wire<'a>) -> Result<(), Error> {
        let histogram = &mut self.histogram;
        while let Some(key) = wire.key("Histogram")? {
            match key.field {
                1 => histogram.count = wire.integer(key, "SampleCount")?,
                2 => histogram.sum = wire.double(key, "SampleSum")?,
                3 => {
                    let message = wire.message(key, "Bucket")?;
                    histogram.buckets.push(bucket(&mut self.exemplar_labels, message)?);
                }
                4 => histogram.float_count = wire.double(key, "SampleCountFloat")?,
                5 => histogram.schema = zigzag32(wire.integer(key, "Schema")?),
                6 => histogram.zero_threshold = wire.double(key, "ZeroThreshold")?,
                7 => histogram.zero_count = wire.integer(key, "ZeroCount")?,
                8 => histogram.float_zero_count = wire.double(key, "ZeroCountFloat")?,
                9 => histogram.negative.spans.push(span(wire.message(key, "NegativeSpan")?)?),
                10 => deltas(&mut wire, key, "NegativeDelta", &mut histogram.negative.deltas)?,
                11 => doubles(&mut wire, key, "NegativeCount", &mut histogram.negative.counts)?,
                12 => histogram.positive.spans.push(span(wire.message(key, "PositiveSpan")?)?),
                13 => deltas(&mut wire, key, "PositiveDelta", &mut histogram.positive.deltas)?,
                14 => doubles(&mut wire, key, "PositiveCount", &mut histogram.positive.counts)?,
                15 => {
                    let message = wire.message(key, "CreatedTimestamp")?;
                    histogram.start.get_or_insert_default().decode(message)?;
                }
                16 => {
                    let message = wire.message(key, "Exemplars")?;
                    let mut read = None;
                    exemplar(&mut read, &mut self.exemplar_labels, message)?;
                    histogram.exemplars.extend(read);
                }
                _ => wire.skip(key)?,
            }
        }
        Ok(())
    }

    /// A label of an exemplar; what is not UTF-8 in it is replaced.
    pub(super) fn exemplar_label(
        &self,
        exemplar: &RawExemplar,
        index: usize,
    ) -> Option<(&str, &str)> {
        let labels = self.exemplar_labels.get(exemplar.labels.clone())?;
        let (name, value) = labels.get(index)?;
        Some((name, value))
    }

    /// The owned form of an exemplar.
    pub(super) fn owned(&self, exemplar: &RawExemplar) -> Exemplar {
        let labels = self.exemplar_labels.get(exemplar.labels.clone()).unwrap_or_default();
        let is_ascending = labels.is_sorted_by(|(a, _), (b, _)| a < b);
        let pairs = labels.iter().map(|(name, value)| (&**name, &**value));
        let millis = exemplar.timestamp.map(Moment::as_millis);
        Exemplar {
            labels: if is_ascending {
                Labels::from_sorted_pairs(pairs)
            } else {
                Labels::from_pairs(pairs)
            },
            value: exemplar.value,
            timestamp: millis.map(Timestamp::from_millis),
        }
    }
}

impl Summary {
    fn decode(&mut self, mut wire: Wire<'_>) -> Result<(), Error> {
        while let Some(key) = wire.key("Summary")? {
            match key.field {
                1 => self.count = wire.integer(key, "SampleCount")?,
                2 => self.sum = wire.double(key, "SampleSum")?,
                3 => self.quantiles.push(quantile(wire.message(key, "Quantile")?)?),
                4 => {
                    let message = wire.message(key, "CreatedTimestamp")?;
                    self.start.get_or_insert_default().decode(message)?;
                }
                _ => wire.skip(key)?,
            }
        }
        Ok(())
    }
}

/// Reads a message with nothing but a value.
fn value_of(mut wire: Wire<'_>, message: &str, mut value: f64) -> Result<f64, Error> {
    while let Some(key) = wire.key(message)? {
        match key.field {
            1 => value = wire.double(key, "Value")?,
            _ => wire.skip(key)?,
        }
    }
    Ok(value)
}

fn quantile(mut wire: Wire<'_>) -> Result<(f64, f64), Error> {
    let (mut quantile, mut value) = (0.0, 0.0);
    while let Some(key) = wire.key("Quantile")? {
        match key.field {
            1 => quantile = wire.double(key, "Quantile")?,
            2 => value = wire.double(key, "Value")?,
            _ => wire.skip(key)?,
        }
    }
    Ok((quantile, value))
}

#[inline]
fn bucket<'a>(
    labels: &mut Vec<(Cow<'a, str>, Cow<'a, str>)>,
    mut wire: Wire<'a>,
) -> Result<RawBucket, Error> {
    let mut bucket = RawBucket::default();
    if let Some((count, bound)) = usual_bucket(wire) {
        bucket.count = count;
        bucket.bound = bound;
        return Ok(bucket);
    }
    while let Some(key) = wire.key("Bucket")? {
        match key.field {
            1 => bucket.count = wire.integer(key, "CumulativeCount")?,
            2 => bucket.bound = wire.double(key, "UpperBound")?,
            3 => exemplar(&mut bucket.exemplar, labels, wire.message(key, "Exemplar")?)?,
            4 => bucket.float_count = wire.double(key, "CumulativeCountFloat")?,
            _ => wire.skip(key)?,
        }
    }
    Ok(bucket)
}

#[inline]
fn span(mut wire: Wire<'_>) -> Result<Span, Error> {
    let mut span = Span::default();
    while let Some(key) = wire.key("BucketSpan")? {
        match key.field {
            1 => span.offset = zigzag32(wire.integer(key, "Offset")?),
            2 => span.length = wire.integer(key, "Length")? as u32,
            _ => wire.skip(key)?,
        }
    }
    Ok(span)
}

/// Reads one of the repeated deltas, or many in one field.
#[inline]
fn deltas(wire: &mut Wire<'_>, key: Key, name: &str, out: &mut Vec<i64>) -> Result<(), Error> {
    if key.kind == VARINT {
        out.push(zigzag(wire.varint()?));
        return Ok(());
    }
    let mut packed = wire.message(key, name)?;
    while !packed.rest().is_empty() {
        out.push(zigzag(packed.varint()?));
    }
    Ok(())
}

/// Reads one of the repeated counts, or many in one field.
#[inline]
fn doubles(wire: &mut Wire<'_>, key: Key, name: &str, out: &mut Vec<f64>) -> Result<(), Error> {
    if key.kind == FIXED64 {
        out.push(wire.fixed64()?);
        return Ok(());
    }
    let mut packed = wire.message(key, name)?;
    while !packed.rest().is_empty() {
        out.push(packed.fixed64()?);
    }
    Ok(())
}

/// Reads an exemplar, or more of it.
fn exemplar<'a>(
    exemplar: &mut Option<RawExemplar>,
    labels: &mut Vec<(Cow<'a, str>, Cow<'a, str>)>,
    mut wire: Wire<'a>,
) -> Result<(), Error> {
    let len = labels.len();
    let exemplar =
        exemplar.get_or_insert_with(|| RawExemplar { labels: len..len, ..RawExemplar::default() });
    while let Some(key) = wire.key("Exemplar")? {
        match key.field {
            1 => {
                let (name, value) = label(wire.message(key, "Label")?)?;
                labels.push((String::from_utf8_lossy(name), String::from_utf8_lossy(value)));
            }
            2 => exemplar.value = wire.double(key, "Value")?,
            3 => {
                let message = wire.message(key, "Timestamp")?;
                exemplar.timestamp.get_or_insert_default().decode(message)?;
            }
            _ => wire.skip(key)?,
        }
    }
    exemplar.labels.end = labels.len();
    Ok(())
}

/// The count and the bound, where there is nothing else.
#[inline]
fn usual_bucket(wire: Wire<'_>) -> Option<(u64, f64)> {
    const COUNT: u8 = 1 << 3 | VARINT;
    const BOUND: u8 = 2 << 3 | FIXED64;
    let (count, bound) = match wire.rest() {
        [COUNT, count @ 0..0x80, BOUND, bound @ ..] => (u64::from(*count), bound),
        [COUNT, low @ 0x80..=0xff, high @ 0..0x80, BOUND, bound @ ..] => {
            (u64::from(low & 0x7f) | u64::from(*high) << 7, bound)
        }
        _ => return None,
    };
    Some((count, f64::from_le_bytes(bound.try_into().ok()?)))
}

/// The name and the value of the label whose field comes first, written as everybody does, and the rest.
#[inline]
pub(super) fn split_label(text: &str) -> Option<(&str, &str, &str)> {
    const LABEL: u8 = 1 << 3 | BYTES;
    let [LABEL, len @ 0..0x80, NAME, name_len @ 0..0x80, ..] = text.as_bytes() else {
        return None;
    };
    let (name, rest) = text.get(4..)?.split_at_checked(usize::from(*name_len))?;
    let [VALUE, value_len @ 0..0x80, ..] = rest.as_bytes() else { return None };
    let (value, rest) = rest.get(2..)?.split_at_checked(usize::from(*value_len))?;
    (*len == name_len.checked_add(*value_len)?.checked_add(4)?).then_some((name, value, rest))
}

/// The name and the value of a label.
#[inline]
pub(super) fn label<'a>(mut wire: Wire<'a>) -> Result<(&'a [u8], &'a [u8]), Error> {
    if let Some(label) = usual_label(wire.rest()) {
        return Ok(label);
    }
    let (mut name, mut value): (&[u8], &[u8]) = (&[], &[]);
    while let Some(key) = wire.key("LabelPair")? {
        match key.field {
            1 => name = wire.bytes(key, "Name")?,
            2 => value = wire.bytes(key, "Value")?,
            _ => wire.skip(key)?,
        }
    }
    Ok((name, value))
}

/// The two fields as everybody writes them: in order, once, and shorter than 128 bytes.
#[inline]
fn usual_label(bytes: &[u8]) -> Option<(&[u8], &[u8])> {
    let [NAME, name_len @ 0..0x80, rest @ ..] = bytes else { return None };
    let (name, rest) = rest.split_at_checked(usize::from(*name_len))?;
    let [VALUE, value_len @ 0..0x80, value @ ..] = rest else { return None };
    (value.len() == usize::from(*value_len)).then_some((name, value))
}
