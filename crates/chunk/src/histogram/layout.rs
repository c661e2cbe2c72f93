//! What all samples of a histogram chunk share, and where it stands in the chunk.
#![deny(
    clippy::arithmetic_side_effects,
    clippy::cast_possible_truncation,
    clippy::indexing_slicing
)]

use alloc::sync::Arc;
use alloc::vec::Vec;
use core::ops::RangeInclusive;

use skopos_core::Span;
use skopos_core::histogram::CUSTOM_BUCKETS_SCHEMA;

use crate::bits::{BitReader, BitWriter};
use crate::error::Problem;
use crate::histogram::flavor::Shape;
use crate::histogram::integer::{refill, share};
use crate::varbit::{
    put_custom_bound, put_int, put_uint, put_zero_threshold, take_custom_bound, take_int,
    take_uint, take_zero_threshold,
};

/// The exponential schemas that a reader takes; those it does not know are reserved.
const SCHEMAS: RangeInclusive<i32> = -9..=52;
/// How many more spans without buckets than with them a side may have. Every sample that is read has
/// a copy of the spans, so that there may not be many that take no bits in a sample.
const MAX_EMPTY_SPANS: usize = 16;

/// The layout in an encoder or decoder.
#[derive(Clone, Debug, Default)]
pub(super) struct Layout {
    pub(super) schema: i32,
    pub(super) zero_threshold: f64,
    pub(super) positive: Vec<Span>,
    pub(super) negative: Vec<Span>,
    pub(super) custom: Arc<[f64]>,
    /// How many buckets the positive spans have.
    pub(super) n_positive: usize,
    /// The same for the negative ones.
    pub(super) n_negative: usize,
}

impl Layout {
    /// Takes over the layout of a histogram that was [checked](check).
    pub(super) fn begin(&mut self, shape: &Shape<'_>) {
        self.schema = shape.schema;
        self.zero_threshold = shape.zero_threshold;
        refill(&mut self.positive, shape.positive);
        refill(&mut self.negative, shape.negative);
        share(&mut self.custom, shape.custom);
        self.n_positive = buckets(shape.positive).unwrap_or(0);
        self.n_negative = buckets(shape.negative).unwrap_or(0);
    }

    pub(super) fn put(&self, out: &mut BitWriter) {
        put_zero_threshold(out, self.zero_threshold);
        put_int(out, i64::from(self.schema));
        for spans in [&self.positive, &self.negative] {
            put_uint(out, spans.len() as u64);
            for span in spans {
                put_uint(out, u64::from(span.length));
                put_int(out, i64::from(span.offset));
            }
        }
        if self.schema == CUSTOM_BUCKETS_SCHEMA {
            put_uint(out, self.custom.len() as u64);
            for bound in &*self.custom {
                put_custom_bound(out, *bound);
            }
        }
    }

    /// Reads the layout of buckets that take at least `bucket_bits` each.
    ///
    /// # Errors
    ///
    /// `None` where the bytes end, or do not have the buckets that are promised.
    pub(super) fn take(
        bits: &mut BitReader<'_>,
        bucket_bits: usize,
    ) -> Result<Self, Option<Problem>> {
        let zero_threshold = take_zero_threshold(bits);
        let schema = take_int(bits);
        let known = i32::try_from(schema).ok().filter(|schema| is_known(*schema));
        let Some(schema) = known else {
            return Err((!bits.is_past_end()).then_some(Problem::UnknownSchema(schema)));
        };
        let mut layout = Self { schema, zero_threshold, ..Self::default() };
        layout.positive = take_spans(bits)?;
        layout.negative = take_spans(bits)?;
        if schema == CUSTOM_BUCKETS_SCHEMA {
            layout.custom = take_bounds(bits)?.into();
        }
        let left = bits.bits_left_or_none().unwrap_or(0);
        let (Some(positive), Some(negative)) =
            (buckets(&layout.positive), buckets(&layout.negative))
        else {
            return Err(None);
        };
        if left.checked_div(bucket_bits).unwrap_or(left) < positive.saturating_add(negative) {
            return Err(None);
        }
        (layout.n_positive, layout.n_negative) = (positive, negative);
        Ok(layout)
    }
}

/// Whether readers take histograms of this schema.
fn is_known(schema: i32) -> bool {
    schema == CUSTOM_BUCKETS_SCHEMA || SCHEMAS.contains(&schema)
}

fn take_spans(bits: &mut BitReader<'_>) -> Result<Vec<Span>, Option<Problem>> {
    let mut spans = Vec::new();
    for _ in 0..take_uint(bits) {
        let length = take_uint(bits);
        let offset = take_int(bits);
        if bits.is_past_end() {
            return Err(None);
        }
        let (Ok(length), Ok(offset)) = (u32::try_from(length), i32::try_from(offset)) else {
            return Err(Some(Problem::SpanTooLong));
        };
        spans.push(Span { offset, length });
    }
    if has_too_many_empty(&spans) {
        return Err(Some(Problem::TooManySpans));
    }
    Ok(spans)
}

fn take_bounds(bits: &mut BitReader<'_>) -> Result<Vec<f64>, Option<Problem>> {
    let mut bounds = Vec::new();
    for _ in 0..take_uint(bits) {
        bounds.push(take_custom_bound(bits));
        if bits.is_past_end() {
            return Err(None);
        }
    }
    Ok(bounds)
}

fn has_too_many_empty(spans: &[Span]) -> bool {
    let empty = spans.iter().filter(|span| span.length == 0).count();
    spans.len().saturating_sub(empty).saturating_add(MAX_EMPTY_SPANS) < empty
}

/// How many buckets spans have; `None` for more than memory can.
fn buckets(spans: &[Span]) -> Option<usize> {
    spans.iter().try_fold(0_usize, |sum, span| sum.checked_add(usize::try_from(span.length).ok()?))
}

/// Whether a histogram with so many buckets can be written.
pub(super) fn check(shape: &Shape<'_>, positive: usize, negative: usize) -> Result<(), Problem> {
    if !is_known(shape.schema) {
        return Err(Problem::SchemaToWrite(shape.schema));
    }
    for (spans, found) in [(shape.positive, positive), (shape.negative, negative)] {
        if has_too_many_empty(spans) {
            return Err(Problem::SpansToWrite);
        }
        if buckets(spans) != Some(found) {
            return Err(Problem::BucketsToWrite { found });
        }
    }
    Ok(())
}
