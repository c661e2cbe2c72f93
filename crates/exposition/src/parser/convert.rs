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
use skopos_core::{Exemplar, HistogramSample, LabelSet as _, Labels, MetricType, Timestamp};

use super::failure::Failed;
use super::{ClassicHistograms, Line, Parser, Span, Step, TextSample};
use crate::SeriesLabels;
use crate::nhcb::ClassicHistogram;
use crate::number::{self, parse_label_float};

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
    /// The line that the current key is of, by its first byte.
    current_line: Option<usize>,
    /// The key as bytes of the page; none where the metric's first line is not that plain.
    raw_key: Vec<u8>,
    current_raw_key: Vec<u8>,
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
        self.current_line = None;
    }

    /// Whether something was read that is to be given yet.
    pub(super) fn has_pending(&self) -> bool {
        self.pending.is_some()
    }
}

impl Collation {
    /// Takes over what a line of the metric says.
    fn take(&mut self, part: Part, bound: f64, line: &Line) {
        match part {
            Part::Bucket => self.lines.add_bucket(bound, line.value),
            Part::Count => self.lines.set_count(line.value),
            Part::Sum => self.lines.set_sum(line.value),
        }
        self.timestamp = line.timestamp.get();
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
                let known = self.collect_known();
                if known.is_none() && !again && self.is_of_another_metric() && self.make() {
                    self.collation.pending = Some(step);
                    return Ok(Step::Histogram);
                }
                let taken = known.unwrap_or_else(|| self.collect());
                if taken && self.options.classic_histograms == ClassicHistograms::Native {
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

    /// Takes the current line if its bytes say that it is one more of the metric that is being
    /// collected; says whether it was taken, or nothing where they do not tell.
    fn collect_known(&mut self) -> Option<bool> {
        if !self.collation.collecting
            || self.collation.raw_key.is_empty()
            || self.metric_type != MetricType::Histogram
            || !self.is_plain()
        {
            return None;
        }
        let (base, part) = split_suffix(self.page.text(self.line.name))?;
        let mut key = mem::take(&mut self.collation.current_raw_key);
        let bound = self.write_raw_key(base, &mut key);
        let is_same = key == self.collation.raw_key;
        self.collation.current_raw_key = key;
        let bound = bound.filter(|_| is_same)?;
        let bound = match part {
            Part::Bucket => bound.and_then(|bound| self.bound(bound)),
            Part::Sum | Part::Count => Some(0.0),
        };
        let Some(bound) = bound else { return Some(false) };
        self.collation.take(part, bound, &self.line);
        let exemplar = TextSample { parser: self }.exemplar();
        self.collation.exemplars.extend(exemplar);
        Some(true)
    }

    /// The key of a line without escapes, in the order of the page; gives where its bound is, or nothing
    /// where there are two.
    fn write_raw_key(&self, base: &str, key: &mut Vec<u8>) -> Option<Option<Span>> {
        // In no text there is such a byte.
        const END: u8 = 0xff;
        let mut bound = None;
        key.clear();
        key.extend_from_slice(base.as_bytes());
        key.push(END);
        for label in self.line.labels(self.page.bytes, &self.index) {
            let name = self.page.get(label.name);
            if name == BUCKET_BOUND.as_bytes() {
                if bound.replace(label.value).is_some() {
                    return None;
                }
                continue;
            }
            for text in [name, self.page.get(label.value)] {
                key.extend_from_slice(text);
                key.push(END);
            }
        }
        Some(bound)
    }

    /// Whether the current line ends the metric that is being collected.
    fn is_of_another_metric(&mut self) -> bool {
        if !self.collation.collecting {
            return false;
        }
        let mut key = mem::take(&mut self.collation.current_key);
        let labels = SeriesLabels::text(self.series_labels());
        let name = labels.value(METRIC_NAME).unwrap_or_default();
        let base = split_suffix(name).map_or(name, |(base, _)| base);
        write_key(base, &labels, &mut key);
        let another = key != self.collation.key;
        (self.collation.current_key, self.collation.current_line) = (key, Some(self.start));
        another || self.metric_type != MetricType::Histogram
    }

    /// Takes the current line if it is one of a classic histogram.
    fn collect(&mut self) -> bool {
        if self.metric_type != MetricType::Histogram || self.is_surely_none() {
            return false;
        }
        let mut collation = mem::take(&mut self.collation);
        let taken = self.collect_into(&mut collation);
        self.collation = collation;
        taken.is_some()
    }

    /// Whether the current line, as it stands there, is none of a classic histogram.
    fn is_surely_none(&self) -> bool {
        if !self.is_plain() {
            return false;
        }
        let Some((base, part)) = split_suffix(self.page.text(self.line.name)) else { return true };
        if base != self.page.text(self.collation.type_name) {
            return true;
        }
        let labels = self.line.labels(self.page.bytes, &self.index);
        let mut bounds =
            labels.filter(|label| self.page.get(label.name) == BUCKET_BOUND.as_bytes());
        match (part, bounds.next(), bounds.next()) {
            (Part::Bucket, Some(bound), None) => self.bound(bound.value).is_none(),
            (Part::Bucket, None, _) => true,
            _ => false,
        }
    }

    /// The bound in a label's value as it stands on the page, if it is a number.
    fn bound(&self, value: Span) -> Option<f64> {
        number::read_token(self.page.bytes, value.start, value.end)
            .or_else(|| parse_label_float(self.page.get(value)).ok())
            .filter(|bound| !bound.is_nan())
    }

    fn collect_into(&mut self, collation: &mut Collation) -> Option<()> {
        let family = self.page.text(collation.type_name);
        let start = self.start;
        let text = self.series_labels();
        let labels = SeriesLabels::text(text);
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
            if collation.current_line == Some(start) {
                mem::swap(&mut collation.key, &mut collation.current_key);
                collation.current_line = None;
            } else {
                write_key(base, &labels, &mut collation.key);
            }
            let pairs =
                text.iter().filter(|(name, _)| *name != BUCKET_BOUND).map(|pair| match pair {
                    (METRIC_NAME, _) => (METRIC_NAME, base),
                    pair => pair,
                });
            collation.labels = if text.is_distinct() {
                Labels::from_sorted_pairs(pairs)
            } else {
                Labels::from_pairs(pairs)
            };
            collation.lines.clear();
            collation.exemplars.clear();
            collation.collecting = true;
            collation.offset = start;
            collation.raw_key.clear();
            let is_known = self.is_plain()
                && split_suffix(self.page.text(self.line.name)).is_some_and(|(base, _)| {
                    self.write_raw_key(base, &mut collation.raw_key).is_some()
                });
            if !is_known {
                collation.raw_key.clear();
            }
        }
        collation.take(part, bound, &self.line);
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
        let Ok(histogram) = collation.lines.convert() else { return false };
        let labels = mem::take(&mut collation.labels);
        let converted = Converted {
            series: series_text(&labels),
            labels,
            timestamp: collation.timestamp.map(Timestamp::from_millis),
            histogram,
            exemplars,
            start_timestamp: collation.start,
            offset: collation.offset,
        };
        match &mut collation.made {
            Some(made) => **made = converted,
            None => collation.made = Some(Box::new(converted)),
        }
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
    let len = labels.iter().map(|(name, value)| name.len() + value.len() + 4).sum();
    let mut text = String::with_capacity(len);
    text.push_str(labels.metric_name().unwrap_or_default());
    let mut separator = '{';
    let is_plain = |byte: u8| matches!(byte, b' '..=b'~') && !matches!(byte, b'"' | b'\\');
    for (name, value) in labels.iter().filter(|(name, _)| *name != METRIC_NAME) {
        if is_legacy_label_name(name) && value.bytes().all(is_plain) {
            text.push(separator);
            for piece in [name, "=\"", value, "\""] {
                text.push_str(piece);
            }
            separator = ',';
            continue;
        }
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
