//! From a classic histogram's counts to a native histogram with custom buckets (NHCB).
//!
//! Who collects the counts knows the format; what does not add up is told in Prometheus' words.

use alloc::format;
use alloc::string::String;
use alloc::vec::Vec;
use core::mem;

use skopos_core::histogram::CUSTOM_BUCKETS_SCHEMA;
use skopos_core::text::{FloatStyle, format_float};
use skopos_core::{FloatHistogram, Histogram, HistogramSample, Span};

/// Gaps of empty buckets that integer histograms keep, since a new span costs more.
const KEPT_EMPTY_BUCKETS: usize = 2;

/// What a classic histogram says.
#[derive(Debug, Default)]
pub(crate) struct ClassicHistogram {
    /// Bounds and cumulative counts, in the order of the page; no bound is NaN.
    buckets: Vec<(f64, f64)>,
    count: Option<f64>,
    sum: f64,
    /// The first count that is negative, as text.
    wrong: Option<String>,
}

impl ClassicHistogram {
    pub(crate) fn add_bucket(&mut self, bound: f64, count: f64) {
        if count < 0.0 && self.wrong.is_none() {
            self.wrong = Some(format!(
                "bucket count must be non-negative: le={}, count={}",
                shown(bound),
                shown(count)
            ));
        }
        self.buckets.push((bound, count));
    }

    pub(crate) fn set_count(&mut self, count: f64) {
        if count < 0.0 && self.wrong.is_none() {
            self.wrong = Some(format!("count must be non-negative: count={}", shown(count)));
        }
        self.count = Some(count);
    }

    pub(crate) fn set_sum(&mut self, sum: f64) {
        self.sum = sum;
    }

    /// Forgets all, but for the memory that it took.
    pub(crate) fn clear(&mut self) {
        self.buckets.clear();
        (self.count, self.sum, self.wrong) = (None, 0.0, None);
    }

    /// The native form: of integers where all counts are. What is left behind is not of use.
    ///
    /// # Errors
    ///
    /// What is wrong, where the counts contradict each other.
    pub(crate) fn convert(&mut self) -> Result<HistogramSample, String> {
        // Of equal bounds the first written counts, since the sort is stable.
        self.buckets
            .sort_by(|(a, _), (b, _)| a.partial_cmp(b).unwrap_or(core::cmp::Ordering::Equal));
        self.buckets.dedup_by(|(later, _), (first, _)| later == first);
        if let Some(wrong) = self.wrong.take() {
            return Err(wrong);
        }
        let mut pairs = self.buckets.iter().zip(self.buckets.iter().skip(1));
        if let Some(((_, before), (_, after))) = pairs.find(|((_, a), (_, b))| b < a) {
            let (before, after) = (shown(*before), shown(*after));
            return Err(format!("count is not cumulative: {after} < {before}"));
        }
        let last = self.buckets.last().copied();
        let count = self.count.or(last.map(|(_, count)| count)).unwrap_or_default();
        if last.is_none_or(|(bound, _)| bound != f64::INFINITY) {
            self.buckets.push((f64::INFINITY, count));
        }
        let last = self.buckets.last().map_or(count, |&(_, last)| last);
        // NaN is not equal to itself, and no histogram counts it.
        if last != count {
            let (count, last) = (shown(count), shown(last));
            return Err(format!("count mismatch: count={count} != le=+Inf count={last}"));
        }
        let finite = self.buckets.iter().map(|(bound, _)| *bound).filter(|b| *b != f64::INFINITY);
        let bounds: Vec<f64> = finite.collect();
        Ok(if self.buckets.iter().all(|(_, count)| is_integer(*count)) {
            HistogramSample::Integer(self.integers(bounds))
        } else {
            HistogramSample::Float(self.floats(count, bounds))
        })
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
        // A count of all that is less than the buckets makes one negative; deltas wrap as Prometheus' do.
        let mut previous = 0i64;
        let deltas =
            kept.into_iter().map(|count| count.wrapping_sub(mem::replace(&mut previous, count)));
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
) -> (Vec<Span>, Vec<T>) {
    let mut spans: Vec<Span> = Vec::new();
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
            _ => spans.push(Span { offset: empty as i32, length: 1 }),
        }
        out.push(bucket);
        empty = 0;
    }
    (spans, out)
}

fn shown(value: f64) -> String {
    format_float(value, FloatStyle::General)
}
