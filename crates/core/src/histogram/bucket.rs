//! One bucket after the other, with its bounds.

use alloc::string::String;

use super::bounds::BOUNDS;
use super::{CUSTOM_BUCKETS_SCHEMA, FloatHistogram, MAX_SCHEMA, MIN_SCHEMA, Span};
use crate::text::{FloatStyle, write_float};

/// One bucket of a histogram.
#[derive(Clone, Copy, Debug, PartialEq)]
#[expect(clippy::exhaustive_structs, reason = "a bucket is its bounds and its count")]
pub struct Bucket {
    /// The lower bound.
    pub lower: f64,
    /// The upper bound.
    pub upper: f64,
    /// Whether the lower bound belongs to the bucket.
    pub lower_inclusive: bool,
    /// Whether the upper bound belongs to the bucket.
    pub upper_inclusive: bool,
    /// The number of observations in the bucket.
    pub count: f64,
    /// The bucket's index in its schema.
    pub index: i32,
}

impl Bucket {
    pub(super) fn write(&self, out: &mut String) {
        out.push(if self.lower_inclusive { '[' } else { '(' });
        write_float(out, self.lower, FloatStyle::General);
        out.push(',');
        write_float(out, self.upper, FloatStyle::General);
        out.push(if self.upper_inclusive { ']' } else { ')' });
        out.push(':');
        write_float(out, self.count, FloatStyle::General);
    }
}

/// The buckets of one side of a histogram, from zero outwards.
///
/// Buckets without a count (spans longer than the list) end the iteration.
#[derive(Clone, Debug)]
pub struct Buckets<'a> {
    histogram: &'a FloatHistogram,
    spans: &'a [Span],
    counts: core::slice::Iter<'a, f64>,
    negative: bool,
    /// The index of the next bucket, once its span is entered.
    index: i32,
    /// How many buckets are left in the current span.
    left: u32,
}

impl<'a> Buckets<'a> {
    pub(super) fn positive(histogram: &'a FloatHistogram) -> Self {
        Self {
            histogram,
            spans: &histogram.positive_spans,
            counts: histogram.positive_buckets.iter(),
            negative: false,
            index: 0,
            left: 0,
        }
    }

    pub(super) fn negative(histogram: &'a FloatHistogram) -> Self {
        Self {
            histogram,
            spans: &histogram.negative_spans,
            counts: histogram.negative_buckets.iter(),
            negative: true,
            index: 0,
            left: 0,
        }
    }

    fn bucket(&self, index: i32, count: f64) -> Bucket {
        let schema = self.histogram.schema;
        let custom = &self.histogram.custom_values;
        let upper = upper_bound(index, schema, custom);
        let lower = upper_bound(index.saturating_sub(1), schema, custom);
        if self.negative {
            return Bucket {
                lower: -upper,
                upper: -lower,
                lower_inclusive: true,
                upper_inclusive: false,
                count,
                index,
            };
        }
        // The first of custom buckets reaches down to minus infinity and includes it.
        let lower_inclusive = schema == CUSTOM_BUCKETS_SCHEMA && index == 0;
        Bucket { lower, upper, lower_inclusive, upper_inclusive: true, count, index }
    }
}

impl Iterator for Buckets<'_> {
    type Item = Bucket;

    fn next(&mut self) -> Option<Bucket> {
        let count = *self.counts.next()?;
        while self.left == 0 {
            let (span, rest) = self.spans.split_first()?;
            self.spans = rest;
            self.index = self.index.saturating_add(span.offset);
            self.left = span.length;
        }
        let bucket = self.bucket(self.index, count);
        self.index = self.index.saturating_add(1);
        self.left -= 1;
        Some(bucket)
    }
}

/// The upper bound of the bucket `index`.
///
/// Custom buckets beyond the listed bounds end at infinity, and those before them at minus infinity.
/// A schema out of range counts as the nearest one.
///
/// ```
/// use skopos_core::histogram::upper_bound;
///
/// assert_eq!(upper_bound(0, 0, &[]), 1.0);
/// assert_eq!(upper_bound(3, -1, &[]), 64.0);
/// assert_eq!(upper_bound(1024, 0, &[]), f64::MAX);
/// assert_eq!(upper_bound(1, -53, &[0.5]), f64::INFINITY);
/// ```
#[must_use]
pub fn upper_bound(index: i32, schema: i32, custom_values: &[f64]) -> f64 {
    if schema == CUSTOM_BUCKETS_SCHEMA {
        return match usize::try_from(index) {
            Ok(at) => custom_values.get(at).copied().unwrap_or(f64::INFINITY),
            Err(_) => f64::NEG_INFINITY,
        };
    }
    let schema = schema.clamp(MIN_SCHEMA, MAX_SCHEMA);
    let index = i64::from(index);
    let (fraction, exponent) = if schema < 0 {
        // 0.5 · 2^(n+1) is 2^n.
        (0.5, (index << schema.unsigned_abs()) + 1)
    } else {
        let within = index & ((1 << schema) - 1);
        // `within` is below 2^schema, so this is an index into the table of 2^8 bounds.
        let at = (within as usize) << (MAX_SCHEMA - schema);
        (f64::from_bits(BOUNDS[at]), (index >> schema) + 1)
    };
    if fraction == 0.5 && exponent == 1025 {
        // 2^1024 is no float; the last bucket before infinity ends at the greatest one.
        return f64::MAX;
    }
    scale(fraction, exponent)
}

/// `fraction · 2^exponent` for a fraction in [0.5, 1), rounded once.
fn scale(fraction: f64, exponent: i64) -> f64 {
    const BIAS: i64 = 1023;
    let power = |n: i64| f64::from_bits(((n + BIAS) as u64) << 52);
    match exponent {
        1025.. => f64::INFINITY,
        1024 => fraction * 2.0 * power(1023),
        -1021..=1023 => fraction * power(exponent),
        // The product of the first two factors is a normal float, so that only the last one rounds.
        -1100..=-1022 => fraction * power(exponent + 200) * power(-200),
        _ => 0.0,
    }
}
