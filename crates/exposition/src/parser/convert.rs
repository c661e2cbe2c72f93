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

use skopos_core::labels::{BUCKET_BOUND, METRIC_NAME};
use skopos_core::text::{Quoted, is_legacy_label_name};
use skopos_core::{
    Exemplar, HistogramSample, LabelSet as _, Labels, LabelsBuilder, MetricType, Timestamp,
};

use super::failure::Failed;
use super::{ClassicHistograms, Parser, Span, Step, TextSample};
use crate::SeriesLabels;
use crate::nhcb::ClassicHistogram;
use crate::number::parse_label_float;

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
    /// Whether an error came in between, so that it is given up.
    is_lost: bool,
    /// What tells the metric from others: its base name and labels.
    key: Vec<u8>,
    current_key: Vec<u8>,
    labels: Labels,
    lines: ClassicHistogram,
    timestamp: Option<i64>,
    start: Option<Timestamp>,
    offset: usize,
    exemplars: Vec<Exemplar>,
    /// What was made, to be given now.
    made: Option<Box<Converted>>,
    /// What was read already and comes after it.
    pending: Option<Step>,
}

#[cfg(feature = "std")]
impl Collation {
    /// Goes on in a piece of the page that begins so many bytes earlier, where `other` is what the
    /// piece's parser knows.
    pub(super) fn resume(&mut self, other: &Self, earlier: usize) {
        self.type_name = other.type_name;
        self.offset = self.offset.wrapping_add(earlier);
        self.is_lost = false;
    }

    /// Whether something was read that is to be given yet.
    pub(super) fn has_pending(&self) -> bool {
        self.pending.is_some()
    }
}

#[derive(Clone, Copy, PartialEq)]
enum Part {
    Bucket,
    Sum,
    Count,
}

impl Parser<'_> {
    /// The next entry, with classic histograms converted.
    #[inline(never)]
    pub(super) fn converted_step(&mut self) -> Result<Step, Failed> {
        if mem::take(&mut self.collation.is_lost) {
            self.collation.collecting = false;
        }
        loop {
            let pending = self.collation.pending.take();
            let again = pending.is_some();
            let step = match pending {
                Some(step) => step,
                None => match self.plain_step() {
                    Ok(step) => step,
                    Err(failed) => {
                        // The scrape is lost, and with it what was collected of it.
                        self.collation.is_lost = true;
                        return Err(failed);
                    }
                },
            };
            if let Step::Series = step {
                if self.is_of_another_metric() && !again && self.make() {
                    self.collation.pending = Some(step);
                    return Ok(Step::Histogram);
                }
                if self.collect() && self.options.classic_histograms == ClassicHistograms::Native {
                    if self.is_paused() {
                        return Ok(Step::End);
                    }
                    continue;
                }
                return Ok(step);
            }
            if let Step::Type = step {
                self.collation.type_name = self.meta.name;
            }
            if step == Step::End && !self.done {
                return Ok(step);
            }
            if !again && self.make() {
                self.collation.pending = Some(step);
                return Ok(Step::Histogram);
            }
            return Ok(step);
        }
    }

    /// The histogram that [`Step::Histogram`] told of.
    #[inline]
    pub(super) fn histogram(&self) -> Option<&Converted> {
        self.collation.made.as_deref()
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
            collation.lines = ClassicHistogram::default();
            collation.exemplars.clear();
            collation.collecting = true;
            collation.offset = self.start;
        }
        match part {
            Part::Bucket => collation.lines.add_bucket(bound, value),
            Part::Count => collation.lines.set_count(value),
            Part::Sum => collation.lines.set_sum(value),
        }
        collation.timestamp = self.line.timestamp.get();
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
        let Ok(histogram) = mem::take(&mut collation.lines).convert() else { return false };
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
