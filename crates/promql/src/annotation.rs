//! What a query's result should be read with: warnings and infos.
//!
//! They are collected while a query runs, each text once, and get their place in the query when
//! they are rendered. The texts are Prometheus'.

use std::fmt::Write as _;
use std::sync::{Mutex, MutexGuard, PoisonError};

use hashbrown::HashMap;
use skopos_core::text::{FloatStyle, Quoted, format_float};

use crate::ast::BinaryOp;
use crate::functions::date::rfc3339;
use crate::span::Span;

/// How serious an annotation is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Severity {
    Info,
    Warning,
}

/// Between which operations of histograms something was noticed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum HistogramOp {
    Addition,
    Aggregation,
    Subtraction,
}

impl HistogramOp {
    fn as_str(self) -> &'static str {
        match self {
            Self::Addition => "addition",
            Self::Aggregation => "aggregation",
            Self::Subtraction => "subtraction",
        }
    }
}

/// Buckets of a classic histogram that had to be raised.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Monotonicity {
    /// The lowest bound of a raised bucket.
    pub(crate) min_bucket: f64,
    /// The highest one.
    pub(crate) max_bucket: f64,
    /// By how much a bucket was raised at most.
    pub(crate) max_diff: f64,
}

impl Monotonicity {
    /// What holds of both together.
    pub(crate) fn merged(self, other: Self) -> Self {
        Self {
            min_bucket: self.min_bucket.min(other.min_bucket),
            max_bucket: self.max_bucket.max(other.max_bucket),
            max_diff: self.max_diff.max(other.max_diff),
        }
    }
}

#[derive(Clone, Copy, Debug)]
enum Detail {
    None,
    /// How often, between which times.
    Monotonicity {
        buckets: Monotonicity,
        count: i64,
        from: i64,
        to: i64,
    },
    Occurrences(usize),
}

#[cfg(feature = "parallel")]
impl Detail {
    fn absorb(&mut self, other: Self) {
        match (self, other) {
            (Self::Occurrences(count), Self::Occurrences(more)) => *count += more,
            (
                Self::Monotonicity { buckets, count, from, to },
                Self::Monotonicity { buckets: more, count: times, from: start, to: end },
            ) => {
                *buckets = buckets.merged(more);
                *count = count.wrapping_add(times);
                *from = start.min(*from);
                *to = end.max(*to);
            }
            _ => {}
        }
    }
}

#[derive(Debug)]
struct Entry {
    severity: Severity,
    text: String,
    detail: Detail,
    span: Span,
}

/// Collects annotations.
#[derive(Debug, Default)]
pub(crate) struct Annotations {
    entries: Mutex<Entries>,
}

#[derive(Debug, Default)]
struct Entries {
    list: Vec<Entry>,
    by_text: HashMap<String, usize>,
}

impl Annotations {
    fn add(&self, severity: Severity, text: String, span: Span) {
        self.merge(severity, text, span, Detail::None, |_| {});
    }

    /// Adds an entry or merges it into the one with the same text.
    fn merge(
        &self,
        severity: Severity,
        text: String,
        span: Span,
        detail: Detail,
        merge: impl FnOnce(&mut Detail),
    ) {
        let entries = &mut *self.entries();
        if let Some(at) = entries.by_text.get(&text) {
            merge(&mut entries.list[*at].detail);
            entries.list[*at].span = span;
            return;
        }
        entries.by_text.insert(text.clone(), entries.list.len());
        entries.list.push(Entry { severity, text, detail, span });
    }

    fn entries(&self) -> MutexGuard<'_, Entries> {
        self.entries.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Takes over what was noted apart, as if it had been noted here.
    #[cfg(feature = "parallel")]
    pub(crate) fn absorb(&self, other: Self) {
        let other = other.entries.into_inner().unwrap_or_else(PoisonError::into_inner);
        for Entry { severity, text, detail, span } in other.list {
            self.merge(severity, text, span, detail, |so_far| so_far.absorb(detail));
        }
    }

    fn warn(&self, text: impl Into<String>, span: Span) {
        self.add(Severity::Warning, text.into(), span);
    }

    fn info(&self, text: impl Into<String>, span: Span) {
        self.add(Severity::Info, text.into(), span);
    }

    /// The rendered warnings and infos, with their places in `query`.
    pub(crate) fn render(&self, query: &str) -> (Vec<String>, Vec<String>) {
        let (mut warnings, mut infos) = (Vec::new(), Vec::new());
        for entry in &self.entries().list {
            let (list, kind) = match entry.severity {
                Severity::Info => (&mut infos, "info"),
                Severity::Warning => (&mut warnings, "warning"),
            };
            let mut text = format!("PromQL {kind}: {}", entry.text);
            write_detail(&mut text, &entry.detail);
            let (line, column) = place(query, entry.span.start);
            // Writing into a string cannot fail.
            let _ = write!(text, " ({line}:{column})");
            list.push(text);
        }
        (warnings, infos)
    }
}

fn write_detail(text: &mut String, detail: &Detail) {
    // Writing into a string cannot fail.
    let _ = match detail {
        Detail::None | Detail::Occurrences(1) => Ok(()),
        Detail::Occurrences(count) => write!(text, " ({count} occurrences)"),
        Detail::Monotonicity { buckets, count, from, to } => write!(
            text,
            ", from buckets {} to {}, with a max diff of {}, over {count} samples from {} to {}",
            general(buckets.min_bucket),
            general(buckets.max_bucket),
            two_digits(buckets.max_diff),
            rfc3339(*from),
            rfc3339(*to),
        ),
    };
}

/// Line and column of a byte of `query`, both counted from 1.
fn place(query: &str, at: u32) -> (usize, usize) {
    let before = query.as_bytes().get(..at as usize).unwrap_or(query.as_bytes());
    let line_start = before.iter().rposition(|b| *b == b'\n').map_or(0, |i| i + 1);
    (1 + before.iter().filter(|b| **b == b'\n').count(), before.len() - line_start + 1)
}

/// Go's `%g`.
fn general(v: f64) -> String {
    format_float(v, FloatStyle::General)
}

/// Go's `%.2g`.
fn two_digits(v: f64) -> String {
    if !v.is_finite() || v == 0.0 {
        return general(v);
    }
    let scientific = format!("{v:.1e}");
    let Some((digits, exponent)) = scientific.split_once('e') else { return scientific };
    let exponent: i32 = exponent.parse().unwrap_or_default();
    if (-4..2).contains(&exponent) {
        return format_float(scientific.parse().unwrap_or(v), FloatStyle::Plain);
    }
    let digits = digits.strip_suffix(".0").unwrap_or(digits);
    let sign = if exponent < 0 { '-' } else { '+' };
    format!("{digits}e{sign}{:02}", exponent.abs())
}

/// ` for metric name "x"`, where there is a name.
fn for_metric(name: &str) -> String {
    if name.is_empty() { String::new() } else { format!(" for metric name {}", Quoted(name)) }
}

/// The warnings.
impl Annotations {
    pub(crate) fn invalid_ratio(&self, ratio: f64, capped: f64, span: Span) {
        let (ratio, capped) = (general(ratio), general(capped));
        self.warn(
            format!("ratio value should be between -1 and 1, got {ratio}, capping to {capped}"),
            span,
        );
    }

    pub(crate) fn invalid_quantile(&self, q: f64, span: Span) {
        self.warn(format!("quantile value should be between 0 and 1, got {}", general(q)), span);
    }

    pub(crate) fn bad_bucket_label(&self, name: &str, label: &str, span: Span) {
        let (label, metric) = (Quoted(label), for_metric(name));
        self.warn(
            format!("bucket label \"le\" is missing or has a malformed value of {label}{metric}"),
            span,
        );
    }

    pub(crate) fn mixed_floats_histograms(&self, name: &str, span: Span) {
        let name = Quoted(name);
        self.warn(
            format!("encountered a mix of histograms and floats for metric name {name}"),
            span,
        );
    }

    pub(crate) fn mixed_floats_histograms_aggregation(&self, span: Span) {
        self.warn("encountered a mix of histograms and floats for aggregation", span);
    }

    pub(crate) fn mixed_classic_native(&self, name: &str, span: Span) {
        let metric = for_metric(name);
        self.warn(format!("vector contains a mix of classic and native histograms{metric}"), span);
    }

    pub(crate) fn native_not_counter(&self, name: &str, span: Span) {
        let name = Quoted(name);
        self.warn(format!("this native histogram metric is not a counter: {name}"), span);
    }

    pub(crate) fn native_not_gauge(&self, name: &str, span: Span) {
        let name = Quoted(name);
        self.warn(format!("this native histogram metric is not a gauge: {name}"), span);
    }

    pub(crate) fn mixed_exponential_custom(&self, name: &str, span: Span) {
        let name = Quoted(name);
        self.warn(
            format!(
                "vector contains a mix of histograms with exponential and custom buckets schemas \
                 for metric name {name}"
            ),
            span,
        );
    }

    pub(crate) fn incompatible_bucket_layout(&self, op: BinaryOp, span: Span) {
        self.warn(format!("incompatible bucket layout encountered for binary operator {op}"), span);
    }

    pub(crate) fn sort_in_range_query(&self, span: Span) {
        self.warn(
            "sort is ineffective for range queries since results are always ordered by labels",
            span,
        );
    }

    pub(crate) fn reset_collision(&self, op: HistogramOp, span: Span) {
        let op = op.as_str();
        self.warn(format!("conflicting counter resets during histogram {op}"), span);
    }

    pub(crate) fn start_timestamp_overlap(&self, name: &str, span: Span) {
        let name = Quoted(name);
        let text = format!(
            "sample has start time that overlaps with previous sample timestamp for metric {name}"
        );
        self.merge(Severity::Warning, text, span, Detail::Occurrences(1), |detail| {
            if let Detail::Occurrences(count) = detail {
                *count += 1;
            }
        });
    }

    /// A warning of the data's source.
    pub(crate) fn source(&self, text: String) {
        self.warn(text, Span::default());
    }
}

/// The infos.
impl Annotations {
    pub(crate) fn possible_non_counter(&self, name: &str, span: Span) {
        let name = Quoted(name);
        self.info(
            format!(
                "metric might not be a counter, name does not end in \
                 _total/_sum/_count/_bucket: {name}"
            ),
            span,
        );
    }

    pub(crate) fn possible_non_counter_label(&self, name: &str, kind: &str, span: Span) {
        let (kind, name) = (Quoted(kind), Quoted(name));
        self.info(
            format!(
                "metric might not be a counter, __type__ label is not set to \"counter\" or \
                 \"histogram\", got {kind}: {name}"
            ),
            span,
        );
    }

    pub(crate) fn forced_monotonicity(
        &self,
        name: &str,
        new: Monotonicity,
        times: i64,
        (start, end): (i64, i64),
        span: Span,
    ) {
        let text = format!(
            "input to histogram_quantile needed to be fixed for monotonicity (see \
             https://prometheus.io/docs/prometheus/latest/querying/functions/#histogram_quantile){}",
            for_metric(name)
        );
        let detail = Detail::Monotonicity { buckets: new, count: times, from: start, to: end };
        self.merge(Severity::Info, text, span, detail, |detail| {
            if let Detail::Monotonicity { buckets, count, from, to } = detail {
                *buckets = buckets.merged(new);
                *count = count.wrapping_add(times);
                *from = start.min(*from);
                *to = end.max(*to);
            }
        });
    }

    pub(crate) fn incompatible_types(&self, left: &str, op: BinaryOp, right: &str, span: Span) {
        self.info(
            format!(
                "incompatible sample types encountered for binary operator \"{op}\": \
                 {left} {op} {right}"
            ),
            span,
        );
    }

    pub(crate) fn histogram_ignored_in_aggregation(&self, op: &str, span: Span) {
        self.info(format!("ignored histogram in {op} aggregation"), span);
    }

    pub(crate) fn histogram_ignored_in_mixed_range(&self, name: &str, span: Span) {
        let name = Quoted(name);
        self.info(
            format!(
                "ignored histograms in a range containing both floats and histograms for metric \
                 name {name}"
            ),
            span,
        );
    }

    pub(crate) fn quantile_nan_result(&self, name: &str, span: Span) {
        let metric = for_metric(name);
        self.info(
            format!("input to histogram_quantile has NaN observations, result is NaN{metric}"),
            span,
        );
    }

    pub(crate) fn quantile_nan_skew(&self, name: &str, span: Span) {
        let metric = for_metric(name);
        self.info(
            format!(
                "input to histogram_quantile has NaN observations, result is skewed higher{metric}"
            ),
            span,
        );
    }

    pub(crate) fn fraction_nan(&self, name: &str, span: Span) {
        let metric = for_metric(name);
        self.info(
            format!(
                "input to histogram_fraction has NaN observations, which are excluded from all \
                 fractions{metric}"
            ),
            span,
        );
    }

    pub(crate) fn reconciled_bounds(&self, op: HistogramOp, span: Span) {
        let op = op.as_str();
        self.info(format!("mismatched custom buckets were reconciled during {op}"), span);
    }
}
