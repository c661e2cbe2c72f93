//! Classic histograms made native while parsing: the lines of one become a histogram with custom
//! buckets (NHCB).
//!
//! Lines are collected as long as they belong to one metric. When another line comes, or the end, the
//! histogram is given first and that line afterwards. What does not add up (counts that fall from
//! bucket to bucket, a count that is not the last bucket's) is dropped without a word, as Prometheus
//! does.

use alloc::boxed::Box;
use alloc::string::String;
use alloc::vec::Vec;
use core::fmt::Write as _;
use core::mem;

use skopos_core::histogram::CUSTOM_BUCKETS_SCHEMA;
use skopos_core::labels::{BUCKET_BOUND, METRIC_NAME};
use skopos_core::text::{Quoted, is_legacy_label_name};
use skopos_core::{
    Exemplar, FloatHistogram, Histogram, HistogramSample, LabelSet as _, Labels, LabelsBuilder,
    MetricType, Span as BucketSpan, Timestamp,
};

use super::{ClassicHistograms, Parser, Span, Step, TextSample};
use crate::number::parse_label_float;
use crate::{Error, HistogramEntry, SeriesLabels};

/// Gaps of empty buckets that integer histograms keep, since a new span costs more.
const KEPT_EMPTY_BUCKETS: usize = 2;

/// A native histogram made of the lines of a classic one.
#[derive(Debug)]
pub(crate) struct Converted {
    /// A text that names the series; equal texts mean equal labels.
    pub(crate) series: String,
    /// The labels: the family's name, and no `le`.
    pub(crate) labels: Labels,
    /// When it was observed, by the last of its lines.
    pub(crate) timestamp: Option<Timestamp>,
    /// The histogram: of integers where all counts are.
    pub(crate) histogram: HistogramSample,
    /// The exemplars of all its lines.
    pub(crate) exemplars: Vec<Exemplar>,
    /// When it began to count, as far as the first of its lines tells.
    pub(crate) start_timestamp: Option<Timestamp>,
    /// Where its first line begins.
    pub(crate) offset: usize,
}

/// The classic histogram whose lines are being read.
#[derive(Debug, Default)]
pub(super) struct Collation {
    /// The name in the last TYPE line.
    type_name: Span,
    collecting: bool,
    /// What tells the metric from others: its base name and labels.
    key: Vec<u8>,
    current_key: Vec<u8>,
    labels: Labels,
    lines: Lines,
    timestamp: Option<i64>,
    start: Option<Timestamp>,
    offset: usize,
    exemplars: Vec<Exemplar>,
    /// What was made, to be given now.
    made: Option<Box<Converted>>,
    /// What was read already and comes after it.
    pending: Option<Step>,
}

/// What a classic histogram's lines say.
#[derive(Debug, Default)]
struct Lines {
    /// Bounds and cumulative counts, in the order of the page.
    buckets: Vec<(f64, f64)>,
    count: Option<f64>,
    sum: f64,
    /// Whether a count is negative.
    wrong: bool,
}

#[derive(Clone, Copy, PartialEq)]
enum Part {
    Bucket,
    Sum,
    Count,
}

impl<'a> Parser<'a> {
    /// The next entry, with classic histograms converted.
    #[inline(never)]
    pub(super) fn converted_step(&mut self) -> Result<Step, Error> {
        loop {
            let pending = self.collation.pending.take();
            let again = pending.is_some();
            let step = match pending {
                Some(step) => step,
                None => match self.plain_step() {
                    Ok(step) => step,
                    Err(error) => {
                        // The scrape is lost, and with it what was collected of it.
                        self.collation.collecting = false;
                        return Err(error);
                    }
                },
            };
            if let Step::Series = step {
                if self.is_of_another_metric() && !again && self.make() {
                    self.collation.pending = Some(step);
                    return Ok(Step::Histogram);
                }
                if self.collect() && self.options.classic_histograms == ClassicHistograms::Native {
                    continue;
                }
                return Ok(step);
            }
            if let Step::Type { name, .. } = step {
                self.collation.type_name = name;
            }
            if !again && self.make() {
                self.collation.pending = Some(step);
                return Ok(Step::Histogram);
            }
            return Ok(step);
        }
    }

    /// The histogram that [`Step::Histogram`] told of.
    #[inline(never)]
    pub(super) fn histogram(&self) -> Option<HistogramEntry<'_, 'a>> {
        self.collation.made.as_deref().map(HistogramEntry::converted)
    }

    /// Whether the current line ends the metric that is being collected.
    fn is_of_another_metric(&mut self) -> bool {
        if !self.collation.collecting {
            return false;
        }
        let mut collation = mem::take(&mut self.collation);
        let labels = SeriesLabels::text(self.series_labels());
        let name = labels.value(METRIC_NAME).unwrap_or_default();
        let base = split_suffix(name).map_or(name, |(base, _)| base);
        write_key(base, &labels, &mut collation.current_key);
        let another = collation.current_key != collation.key;
        self.collation = collation;
        another || self.metric_type != MetricType::Histogram
    }

    /// Takes the current line if it is one of a classic histogram.
    fn collect(&mut self) -> bool {
        if self.metric_type != MetricType::Histogram {
            return false;
        }
        let mut collation = mem::take(&mut self.collation);
        let taken = self.collect_into(&mut collation);
        self.collation = collation;
        taken.is_some()
    }

    fn collect_into(&mut self, collation: &mut Collation) -> Option<()> {
        let value = self.line.value;
        let family = self.page.text(collation.type_name);
        let labels = SeriesLabels::text(self.series_labels());
        let (base, part) = split_suffix(labels.value(METRIC_NAME).unwrap_or_default())?;
        if base != family {
            return None;
        }
        let bound = match (part, labels.value(BUCKET_BOUND)) {
            (Part::Bucket, bound) => {
                let bound = parse_label_float(bound?.as_bytes()).ok()?;
                Some(bound).filter(|bound| !bound.is_nan())?
            }
            _ => 0.0,
        };
        let starts = !collation.collecting;
        if starts {
            write_key(base, &labels, &mut collation.key);
            let mut builder = LabelsBuilder::new();
            labels.visit(&mut |name, value| {
                builder.set(name, value);
            });
            builder.set(METRIC_NAME, base).remove(BUCKET_BOUND);
            collation.labels = builder.finish();
            collation.lines = Lines::default();
            collation.collecting = true;
            collation.offset = self.start;
        }
        collation.lines.add(part, bound, value);
        collation.timestamp = self.line.timestamp;
        let mut entry = TextSample { parser: self };
        collation.exemplars.extend(entry.exemplar());
        if starts {
            collation.start = entry.start_timestamp();
        }
        Some(())
    }

    /// Makes a histogram of what was collected; says whether there is one now.
    fn make(&mut self) -> bool {
        let collation = &mut self.collation;
        if !mem::take(&mut collation.collecting) {
            return false;
        }
        let exemplars = mem::take(&mut collation.exemplars);
        let Some(histogram) = mem::take(&mut collation.lines).convert() else { return false };
        let labels = mem::take(&mut collation.labels);
        collation.made = Some(Box::new(Converted {
            series: series_text(&labels),
            labels,
            timestamp: collation.timestamp.map(Timestamp::from_millis),
            histogram,
            exemplars,
            start_timestamp: collation.start,
            offset: collation.offset,
        }));
        true
    }
}

impl Lines {
    fn add(&mut self, part: Part, bound: f64, value: f64) {
        match part {
            Part::Bucket => self.buckets.push((bound, value)),
            Part::Count => self.count = Some(value),
            Part::Sum => self.sum = value,
        }
        self.wrong |= part != Part::Sum && value < 0.0;
    }

    /// The native form; nothing where the counts contradict each other.
    fn convert(mut self) -> Option<HistogramSample> {
        // Bounds are no NaN; of equal ones the first written counts, since the sort is stable.
        self.buckets
            .sort_by(|(a, _), (b, _)| a.partial_cmp(b).unwrap_or(core::cmp::Ordering::Equal));
        self.buckets.dedup_by(|(later, _), (first, _)| later == first);
        let falls = self.buckets.windows(2).any(|pair| pair[1].1 < pair[0].1);
        if self.wrong || falls {
            return None;
        }
        let last = self.buckets.last().copied();
        let count = self.count.or(last.map(|(_, count)| count)).unwrap_or_default();
        if last.is_none_or(|(bound, _)| bound != f64::INFINITY) {
            self.buckets.push((f64::INFINITY, count));
        }
        // NaN is not equal to itself, and no histogram counts it.
        if self.buckets.last().is_none_or(|&(_, last)| last != count) {
            return None;
        }
        let finite = self.buckets.iter().map(|(bound, _)| *bound).filter(|b| *b != f64::INFINITY);
        let bounds: Vec<f64> = finite.collect();
        if self.buckets.iter().all(|(_, count)| is_integer(*count)) {
            Some(HistogramSample::Integer(self.integers(bounds)))
        } else {
            Some(HistogramSample::Float(self.floats(count, bounds)))
        }
    }

    fn integers(&self, bounds: Vec<f64>) -> Histogram {
        let mut before = 0;
        let counts: Vec<i64> = self
            .buckets
            .iter()
            .map(|&(_, cumulative)| {
                cumulative as i64 - mem::replace(&mut before, cumulative as i64)
            })
            .collect();
        let (positive_spans, kept) = compact(&counts, |count| count == 0, KEPT_EMPTY_BUCKETS);
        let mut previous = 0;
        let deltas = kept.into_iter().map(|count| count - mem::replace(&mut previous, count));
        Histogram {
            schema: CUSTOM_BUCKETS_SCHEMA,
            count: before.unsigned_abs(),
            sum: self.sum,
            positive_spans,
            positive_buckets: deltas.collect(),
            custom_values: bounds.into(),
            ..Histogram::default()
        }
    }

    fn floats(&self, count: f64, bounds: Vec<f64>) -> FloatHistogram {
        let mut before = 0.0;
        let counts: Vec<f64> = self
            .buckets
            .iter()
            .map(|&(_, cumulative)| cumulative - mem::replace(&mut before, cumulative))
            .collect();
        let (positive_spans, positive_buckets) = compact(&counts, |count| count == 0.0, 0);
        FloatHistogram {
            schema: CUSTOM_BUCKETS_SCHEMA,
            count,
            sum: self.sum,
            positive_spans,
            positive_buckets,
            custom_values: bounds.into(),
            ..FloatHistogram::default()
        }
    }
}

/// Whether a count is a whole number that fits.
fn is_integer(count: f64) -> bool {
    (0.0..9_223_372_036_854_775_808.0).contains(&count) && (count as i64) as f64 == count
}

/// The buckets without empty ones at the ends, and without inner runs of more than `kept` of them.
fn compact<T: Copy>(
    buckets: &[T],
    is_empty: impl Fn(T) -> bool,
    kept: usize,
) -> (Vec<BucketSpan>, Vec<T>) {
    let mut spans: Vec<BucketSpan> = Vec::new();
    let mut out = Vec::with_capacity(buckets.len());
    let mut empty = 0;
    for (at, &bucket) in buckets.iter().enumerate() {
        if is_empty(bucket) {
            empty += 1;
            continue;
        }
        match spans.last_mut() {
            Some(span) if empty <= kept => {
                out.extend_from_slice(&buckets[at - empty..at]);
                span.length += empty as u32 + 1;
            }
            _ => spans.push(BucketSpan { offset: empty as i32, length: 1 }),
        }
        out.push(bucket);
        empty = 0;
    }
    (spans, out)
}

fn split_suffix(name: &str) -> Option<(&str, Part)> {
    let parts = [("_bucket", Part::Bucket), ("_sum", Part::Sum), ("_count", Part::Count)];
    parts.into_iter().find_map(|(suffix, part)| Some((name.strip_suffix(suffix)?, part)))
}

/// The base name and the labels, but for the name and `le`; lengths keep them apart.
fn write_key(base: &str, labels: &SeriesLabels<'_>, key: &mut Vec<u8>) {
    let push = |key: &mut Vec<u8>, text: &str| {
        key.extend_from_slice(&text.len().to_le_bytes());
        key.extend_from_slice(text.as_bytes());
    };
    key.clear();
    push(key, base);
    labels.visit(&mut |name, value| {
        if name != METRIC_NAME && name != BUCKET_BOUND {
            push(key, name);
            push(key, value);
        }
    });
}

/// The name and the other labels, as a line would have them.
fn series_text(labels: &Labels) -> String {
    let mut text = String::from(labels.metric_name().unwrap_or_default());
    let mut separator = '{';
    for (name, value) in labels.iter().filter(|(name, _)| *name != METRIC_NAME) {
        // Writing into a `String` cannot fail.
        let _ = if is_legacy_label_name(name) {
            write!(text, "{separator}{name}={}", Quoted(value))
        } else {
            write!(text, "{separator}{}={}", Quoted(name), Quoted(value))
        };
        separator = ',';
    }
    if separator == ',' {
        text.push('}');
    }
    text
}
