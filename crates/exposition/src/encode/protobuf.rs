//! The encoder of the delimited protobuf format.
//!
//! A metric is one message here where text has many lines. Samples that make no whole metric of their
//! family's type, such as a bucket without a count, go into families of unknown type of their own, so
//! that nothing is lost and nothing is made up.

use alloc::collections::BTreeMap;
use alloc::format;
use alloc::string::String;
use alloc::vec::Vec;

use skopos_core::histogram::CUSTOM_BUCKETS_SCHEMA;
use skopos_core::labels::{BUCKET_BOUND, METRIC_NAME, QUANTILE};
use skopos_core::{Exemplar, HistogramSample, Labels, MetricType, Span, Timestamp};

use self::group::{Group, classic_groups};
use super::classic;
use super::refuse;
use crate::{Error, EscapingScheme, Family, FamilyHistogram, FamilySample};

mod group;
mod wire;

use self::wire::Message;

const COUNTER: u64 = 0;
const GAUGE: u64 = 1;
const SUMMARY: u64 = 2;
const UNTYPED: u64 = 3;
const HISTOGRAM: u64 = 4;
const GAUGE_HISTOGRAM: u64 = 5;

/// Appends a page of delimited messages with `families` to `out`.
///
/// What is written reads back as it was, by [`protobuf_families`](crate::protobuf_families): samples,
/// labels, timestamps, native histograms, start times, and the exemplars of counters and histograms.
/// The format differs from text in this:
///
/// * Counters, summaries and histograms are messages; their samples are read back as `_count`, `_sum`,
///   and then the others. Gauge histograms' `_gcount` and `_gsum` are read back as `_count` and `_sum`.
/// * Samples that make no whole metric of their family's type are written as families of unknown type.
/// * Native histograms with custom buckets are written as the classic ones that they stand for.
/// * A time or a start time of exactly 0 is none; info metrics and state sets are gauges; an empty
///   native histogram of floats is read back as one of integers.
///
/// Linear in the output, but for a sort of the samples by their labels.
///
/// ```
/// use skopos_core::{Labels, MetricType};
/// use skopos_exposition::{EscapingScheme, Family, FamilySample, encode_protobuf, protobuf_families};
///
/// let mut up = Family::new("up", MetricType::Gauge);
/// up.samples.push(FamilySample::new(Labels::from_pairs([("__name__", "up"), ("job", "api")]), 1.0));
/// let mut page = Vec::new();
/// encode_protobuf(EscapingScheme::AllowUtf8, [&up], &mut page)?;
/// assert_eq!(protobuf_families(&page)?, [up]);
/// # Ok::<(), skopos_exposition::Error>(())
/// ```
///
/// # Errors
///
/// `Family` where a family has no name or no sample, a sample or a label has no name, or a native
/// histogram is not one of a histogram family's name or has custom buckets that are none; `out` then
/// holds what was written before.
pub fn encode_protobuf<'f>(
    escaping: EscapingScheme,
    families: impl IntoIterator<Item = &'f Family>,
    out: &mut Vec<u8>,
) -> Result<(), Error> {
    for family in families {
        Encoder { escaping, family, messages: Vec::new(), others: Vec::new() }.family(out)?;
    }
    Ok(())
}

struct Encoder<'f> {
    escaping: EscapingScheme,
    family: &'f Family,
    /// Names, types and metrics of what is to be written.
    messages: Vec<(String, u64, Message)>,
    /// Samples that make no metric of the family's type.
    others: Vec<&'f FamilySample>,
}

impl<'f> Encoder<'f> {
    fn family(mut self, out: &mut Vec<u8>) -> Result<(), Error> {
        let family = self.family;
        if family.name.is_empty() {
            return Err(refuse("metric family has no name".into()));
        }
        if family.samples.is_empty() && family.histograms.is_empty() {
            return Err(refuse(format!("metric family {:?} has no samples", family.name)));
        }
        let names = family.samples.iter().map(|sample| &sample.labels);
        let names = names.chain(family.histograms.iter().map(|histogram| &histogram.labels));
        if names.clone().any(|labels| labels.metric_name().is_none_or(str::is_empty)) {
            let name = &family.name;
            return Err(refuse(format!("sample of metric family {name:?} has no name")));
        }
        // Text can say that; readers of protobuf refuse the whole page.
        if names.clone().any(|labels| labels.get("").is_some()) {
            let name = &family.name;
            let message = format!("sample of metric family {name:?} has a label without a name");
            return Err(refuse(message));
        }
        let mut natives = family.histograms.iter().map(|histogram| histogram.labels.metric_name());
        let is_histogram =
            matches!(family.metric_type, MetricType::Histogram | MetricType::GaugeHistogram);
        if natives.any(|name| !is_histogram || name != Some(&*family.name)) {
            let message = format!(
                "metric family {:?} of type {} has a native histogram that is not its own",
                family.name, family.metric_type
            );
            return Err(refuse(message));
        }
        // Other custom buckets stand for no classic histogram.
        if let Some(error) = family.histograms.iter().find_map(|h| wrong_buckets(&h.histogram)) {
            return Err(refuse(format!("metric family {:?}: {error}", family.name)));
        }
        match family.metric_type {
            MetricType::Summary | MetricType::Histogram | MetricType::GaugeHistogram => {
                self.groups();
            }
            _ => self.others.extend(&family.samples),
        }
        self.simple();
        let mut has_metadata = true;
        for (name, metric_type, metrics) in self.messages {
            let mut message = Message::default();
            message.text(1, &self.escaping.escape(&name));
            if has_metadata && let Some(help) = &family.help {
                message.text(2, help);
            }
            message.varint(3, metric_type);
            message.append(metrics);
            if has_metadata && !family.unit.is_empty() {
                message.text(5, &family.unit);
            }
            message.write_delimited(out);
            has_metadata = false;
        }
        Ok(())
    }

    /// Writes the metrics of histograms and summaries.
    fn groups(&mut self) {
        let family = self.family;
        let mut metrics = Message::default();
        let mut natives: BTreeMap<&Labels, Vec<&FamilyHistogram>> = BTreeMap::new();
        for histogram in &family.histograms {
            if !uses_custom_buckets(&histogram.histogram) {
                natives.entry(&histogram.labels).or_default().push(histogram);
            }
        }
        let groups = classic_groups(family, &mut self.others);
        for group in &groups {
            let labels = group.labels.to_builder().set(METRIC_NAME, &family.name).finish();
            let pair = natives.get_mut(&labels).and_then(|own| {
                let at = own.iter().position(|native| group.belongs_to(native))?;
                Some(own.remove(at))
            });
            metrics.message(4, |metric| self.group(metric, group, pair));
        }
        for native in natives.into_values().flatten() {
            metrics.message(4, |metric| self.native(metric, native));
        }
        for histogram in &family.histograms {
            if uses_custom_buckets(&histogram.histogram) {
                metrics.message(4, |metric| self.custom(metric, histogram));
            }
        }
        let metric_type = match family.metric_type {
            MetricType::Summary => SUMMARY,
            MetricType::GaugeHistogram => GAUGE_HISTOGRAM,
            _ => HISTOGRAM,
        };
        if !metrics.is_empty() {
            self.messages.push((family.name.clone(), metric_type, metrics));
        }
    }

    fn group(&self, metric: &mut Message, group: &Group<'_>, native: Option<&FamilyHistogram>) {
        self.labels(metric, &group.labels);
        if self.family.metric_type == MetricType::Summary {
            metric.message(4, |summary| {
                summary.varint(1, group.count as u64);
                summary.double(2, group.sum);
                for (quantile, sample) in &group.items {
                    summary.message(3, |item| {
                        item.double(1, *quantile);
                        item.double(2, sample.value);
                    });
                }
                self.start(summary, 4, group.start);
            });
        } else {
            metric.message(7, |histogram| {
                if native.is_none() {
                    count(histogram, (1, 4), group.count);
                    histogram.double(2, group.sum);
                    self.start(histogram, 15, group.start);
                }
                for (bound, sample) in &group.items {
                    histogram.message(3, |bucket| {
                        count(bucket, (1, 4), sample.value);
                        bucket.double(2, *bound);
                        if let Some(exemplar) = &sample.exemplar {
                            self.exemplar(bucket, 3, exemplar);
                        }
                    });
                }
                if let Some(native) = native {
                    self.native_fields(histogram, native);
                }
            });
        }
        timestamp(metric, group.timestamp);
    }

    fn native(&self, metric: &mut Message, native: &FamilyHistogram) {
        self.labels(metric, &native.labels);
        metric.message(7, |histogram| self.native_fields(histogram, native));
        timestamp(metric, native.timestamp);
    }

    fn native_fields(&self, message: &mut Message, native: &FamilyHistogram) {
        let spans = match &native.histogram {
            HistogramSample::Integer(histogram) => {
                message.varint(1, histogram.count);
                message.double(2, histogram.sum);
                message.sint(5, i64::from(histogram.schema));
                message.double(6, histogram.zero_threshold);
                message.varint(7, histogram.zero_count);
                spans(message, 9, &histogram.negative_spans);
                histogram.negative_buckets.iter().for_each(|delta| message.sint(10, *delta));
                spans(message, 12, &histogram.positive_spans);
                histogram.positive_buckets.iter().for_each(|delta| message.sint(13, *delta));
                histogram.negative_spans.len() + histogram.positive_spans.len()
            }
            HistogramSample::Float(histogram) => {
                message.double(4, histogram.count);
                message.double(2, histogram.sum);
                message.sint(5, i64::from(histogram.schema));
                message.double(6, histogram.zero_threshold);
                message.double(8, histogram.zero_count);
                spans(message, 9, &histogram.negative_spans);
                histogram.negative_buckets.iter().for_each(|count| message.double(11, *count));
                spans(message, 12, &histogram.positive_spans);
                histogram.positive_buckets.iter().for_each(|count| message.double(14, *count));
                histogram.negative_spans.len() + histogram.positive_spans.len()
            }
        };
        if spans == 0 {
            // It tells readers that the histogram is native.
            message.message(12, |span| {
                span.sint(1, 0);
                span.varint(2, 0);
            });
        }
        self.start(message, 15, native.start_timestamp);
        for exemplar in &native.exemplars {
            self.exemplar(message, 16, exemplar);
        }
    }

    /// Writes a histogram with custom buckets as a classic one.
    fn custom(&self, metric: &mut Message, custom: &FamilyHistogram) {
        self.labels(metric, &custom.labels);
        let float = match &custom.histogram {
            HistogramSample::Float(float) => float,
            HistogramSample::Integer(integer) => &integer.to_float(),
        };
        metric.message(7, |histogram| {
            count(histogram, (1, 4), float.count);
            histogram.double(2, float.sum);
            for (bound, cumulative) in classic::buckets(float) {
                histogram.message(3, |bucket| {
                    count(bucket, (1, 4), cumulative);
                    bucket.double(2, bound);
                });
            }
            self.start(histogram, 15, custom.start_timestamp);
            for exemplar in &custom.exemplars {
                self.exemplar(histogram, 16, exemplar);
            }
        });
        timestamp(metric, custom.timestamp);
    }

    /// Writes the samples that are metrics of their own: a family for each name.
    fn simple(&mut self) {
        let family = self.family;
        let metric_type = match family.metric_type {
            MetricType::Counter => COUNTER,
            MetricType::Gauge | MetricType::Info | MetricType::StateSet => GAUGE,
            _ => UNTYPED,
        };
        let suffix = match family.metric_type {
            MetricType::Counter => "_total",
            MetricType::Info => "_info",
            _ => "",
        };
        let mut by_name: BTreeMap<&str, usize> = BTreeMap::new();
        for sample in core::mem::take(&mut self.others) {
            let name = sample.labels.metric_name().unwrap_or_default();
            let is_own = name
                .strip_prefix(&*family.name)
                .is_some_and(|rest| rest == suffix || rest.is_empty());
            let metric_type = if is_own { metric_type } else { UNTYPED };
            let at = *by_name.entry(name).or_insert_with(|| {
                self.messages.push((name.into(), metric_type, Message::default()));
                self.messages.len() - 1
            });
            let mut metrics = core::mem::take(&mut self.messages[at].2);
            metrics.message(4, |metric| {
                self.labels(metric, &sample.labels);
                let field = match metric_type {
                    COUNTER => 3,
                    GAUGE => 2,
                    _ => 5,
                };
                metric.message(field, |value| {
                    value.double(1, sample.value);
                    if metric_type == COUNTER {
                        if let Some(exemplar) = &sample.exemplar {
                            self.exemplar(value, 2, exemplar);
                        }
                        self.start(value, 3, sample.start_timestamp);
                    }
                });
                timestamp(metric, sample.timestamp);
            });
            self.messages[at].2 = metrics;
        }
    }

    fn labels(&self, metric: &mut Message, labels: &Labels) {
        for (name, value) in labels.iter().filter(|(name, _)| *name != METRIC_NAME) {
            metric.message(1, |pair| {
                pair.text(1, &self.escaping.escape(name));
                pair.text(2, value);
            });
        }
    }

    #[expect(clippy::unused_self, reason = "one of the writers of fields")]
    fn exemplar(&self, message: &mut Message, field: u32, exemplar: &Exemplar) {
        message.message(field, |message| {
            for (name, value) in &exemplar.labels {
                message.message(1, |pair| {
                    pair.text(1, name);
                    pair.text(2, value);
                });
            }
            message.double(2, exemplar.value);
            if let Some(t) = exemplar.timestamp {
                message.message(3, |message| moment(message, t));
            }
        });
    }

    #[expect(clippy::unused_self, reason = "one of the writers of fields")]
    fn start(&self, message: &mut Message, field: u32, start: Option<Timestamp>) {
        if let Some(start) = start {
            message.message(field, |message| moment(message, start));
        }
    }
}

fn wrong_buckets(histogram: &HistogramSample) -> Option<skopos_core::Error> {
    let validated = match histogram {
        _ if !uses_custom_buckets(histogram) => return None,
        HistogramSample::Integer(integer) => integer.validate(),
        HistogramSample::Float(float) => float.validate(),
    };
    validated.err()
}

fn uses_custom_buckets(histogram: &HistogramSample) -> bool {
    let schema = match histogram {
        HistogramSample::Float(histogram) => histogram.schema,
        HistogramSample::Integer(histogram) => histogram.schema,
    };
    schema == CUSTOM_BUCKETS_SCHEMA
}

/// Writes a count: as an integer where it is one, else as a float.
fn count(message: &mut Message, (integer, float): (u32, u32), value: f64) {
    let whole = value as u64;
    if (whole as f64).to_bits() == value.to_bits() {
        message.varint(integer, whole);
    } else {
        message.double(float, value);
    }
}

fn spans(message: &mut Message, field: u32, spans: &[Span]) {
    for span in spans {
        message.message(field, |message| {
            message.sint(1, i64::from(span.offset));
            message.varint(2, u64::from(span.length));
        });
    }
}

fn timestamp(metric: &mut Message, timestamp: Option<Timestamp>) {
    if let Some(t) = timestamp {
        metric.varint(6, t.as_millis().cast_unsigned());
    }
}

/// Writes seconds and nanoseconds.
fn moment(message: &mut Message, t: Timestamp) {
    let millis = t.as_millis();
    message.varint(1, millis.div_euclid(1000).cast_unsigned());
    message.varint(2, millis.rem_euclid(1000).cast_unsigned() * 1_000_000);
}

/// The label that tells a group's samples apart.
fn extra_label(metric_type: MetricType) -> &'static str {
    if metric_type == MetricType::Summary { QUANTILE } else { BUCKET_BOUND }
}
