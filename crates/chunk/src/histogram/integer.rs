//! Histograms that count in integers: everything is a delta of deltas.
#![deny(
    clippy::arithmetic_side_effects,
    clippy::cast_possible_truncation,
    clippy::indexing_slicing
)]

use alloc::sync::Arc;
use alloc::vec::Vec;

use skopos_core::{FloatHistogram, Histogram, ResetHint, Span};

use crate::bits::{BitReader, BitWriter};
use crate::encoding::Encoding;
use crate::histogram::flavor::{Counts, Flavor, Shape, State};
use crate::varbit::{Batch, Feed, put_xor, take_uint};

impl Flavor for Histogram {
    type Bucket = i64;
    type Count = u64;
    /// How the count and the zero count changed last.
    type CountMemory = [i64; 2];
    /// How the bucket changed last.
    type Memory = i64;

    const AFTER_GAUGE: ResetHint = ResetHint::NotReset;
    const AFTER_UNKNOWN: ResetHint = ResetHint::Unknown;
    const ENCODINGS: [Encoding; 2] = [Encoding::Histogram, Encoding::HistogramSt];
    const FIRST_BITS: usize = 1;
    const FRESH: i64 = 0;
    const FRESH_COUNTS: [i64; 2] = [0, 0];
    const IS_FLOAT: bool = false;
    const READ: i64 = 0;
    const READ_COUNTS: [i64; 2] = [0, 0];

    fn shape(&self) -> Shape<'_> {
        Shape {
            hint: self.reset_hint,
            schema: self.schema,
            zero_threshold: self.zero_threshold,
            positive: &self.positive_spans,
            negative: &self.negative_spans,
            custom: &self.custom_values,
        }
    }

    fn counts(&self) -> Counts<'_, Self> {
        Counts {
            count: self.count,
            zero: self.zero_count,
            sum: self.sum,
            positive: &self.positive_buckets,
            negative: &self.negative_buckets,
        }
    }

    fn assign(&mut self, shape: &Shape<'_>, counts: &Counts<'_, Self>) {
        self.reset_hint = shape.hint;
        self.schema = shape.schema;
        self.zero_threshold = shape.zero_threshold;
        self.zero_count = counts.zero;
        self.count = counts.count;
        self.sum = counts.sum;
        refill(&mut self.positive_spans, shape.positive);
        refill(&mut self.negative_spans, shape.negative);
        refill(&mut self.positive_buckets, counts.positive);
        refill(&mut self.negative_buckets, counts.negative);
        share(&mut self.custom_values, shape.custom);
    }

    fn assign_float(to: &mut FloatHistogram, shape: &Shape<'_>, counts: &Counts<'_, Self>) {
        to.reset_hint = shape.hint;
        to.schema = shape.schema;
        to.zero_threshold = shape.zero_threshold;
        to.zero_count = counts.zero as f64;
        to.count = counts.count as f64;
        to.sum = counts.sum;
        refill(&mut to.positive_spans, shape.positive);
        refill(&mut to.negative_spans, shape.negative);
        refill_absolute(&mut to.positive_buckets, counts.positive);
        refill_absolute(&mut to.negative_buckets, counts.negative);
        share(&mut to.custom_values, shape.custom);
    }

    fn sides(&mut self) -> [(&mut Vec<Span>, &mut Vec<i64>); 2] {
        [
            (&mut self.positive_spans, &mut self.positive_buckets),
            (&mut self.negative_spans, &mut self.negative_buckets),
        ]
    }

    fn set_schema(&mut self, schema: i32) {
        self.schema = schema;
    }

    #[inline]
    fn advance(absolute: &mut i64, stored: i64) {
        *absolute = absolute.wrapping_add(stored);
    }

    fn stored(before: i64, now: i64) -> i64 {
        now.wrapping_sub(before)
    }

    fn sum_of(a: i64, b: i64) -> i64 {
        a.wrapping_add(b)
    }

    fn put_first(out: &mut BitWriter, counts: &Counts<'_, Self>) {
        let mut batch = Batch::new(out);
        batch.put_uint(counts.count);
        batch.put_uint(counts.zero);
        batch.put(counts.sum.to_bits(), 64);
        for bucket in counts.positive.iter().chain(counts.negative) {
            batch.put_int(*bucket);
        }
        batch.flush();
    }

    fn put_later(
        out: &mut BitWriter,
        dod: i64,
        state: &mut State<Self>,
        counts: &Counts<'_, Self>,
    ) {
        let stale = counts.is_stale();
        let deltas = [
            counts.count.wrapping_sub(state.count).cast_signed(),
            counts.zero.wrapping_sub(state.zero).cast_signed(),
        ];
        let mut batch = Batch::new(out);
        batch.put_int(dod);
        for (delta, before) in deltas.into_iter().zip(&mut state.memory) {
            batch.put_int(if stale { 0 } else { delta.wrapping_sub(*before) });
            *before = delta;
        }
        batch.flush();
        (state.count, state.zero) = (counts.count, counts.zero);
        let sum = counts.sum.to_bits();
        put_xor(out, &mut state.sum_window, sum ^ state.sum);
        state.sum = sum;
        let mut batch = Batch::new(out);
        let (positive, negative) =
            state.buckets.split_at_mut_checked(counts.positive.len()).unwrap_or_default();
        let (below, above) =
            state.memories.split_at_mut_checked(counts.positive.len()).unwrap_or_default();
        put_buckets(&mut batch, counts.positive, positive, below);
        put_buckets(&mut batch, counts.negative, negative, above);
        batch.flush();
    }

    fn take_first(bits: &mut BitReader<'_>, state: &mut State<Self>) {
        state.count = take_uint(bits);
        state.zero = take_uint(bits);
        state.sum = bits.take(64);
        let mut feed = Feed::new(bits);
        for bucket in &mut state.buckets {
            *bucket = feed.int();
        }
        feed.end(bits);
    }

    fn have_too_wide(_state: &State<Self>) -> bool {
        false
    }

    #[inline]
    fn take_later(bits: &mut BitReader<'_>, state: &mut State<Self>) -> i64 {
        let mut feed = Feed::new(bits);
        let dod = feed.int();
        let [count_delta, zero_delta] = &mut state.memory;
        *count_delta = count_delta.wrapping_add(feed.int());
        *zero_delta = zero_delta.wrapping_add(feed.int());
        state.count = state.count.wrapping_add_signed(*count_delta);
        state.zero = state.zero.wrapping_add_signed(*zero_delta);
        state.sum ^= feed.xor(&mut state.sum_window);
        if !state.is_stale() {
            for (bucket, delta) in state.buckets.iter_mut().zip(&mut state.memories) {
                *delta = delta.wrapping_add(feed.int());
                *bucket = bucket.wrapping_add(*delta);
            }
        }
        feed.end(bits);
        dod
    }
}

#[inline]
fn put_buckets(batch: &mut Batch<'_>, new: &[i64], last: &mut [i64], deltas: &mut [i64]) {
    for ((new, last), before) in new.iter().zip(last).zip(deltas) {
        let delta = new.wrapping_sub(*last);
        batch.put_int(delta.wrapping_sub(*before));
        (*last, *before) = (*new, delta);
    }
}

/// Makes `to` a copy of `from` in the memory that it has.
#[inline]
pub(super) fn refill<T: Copy>(to: &mut Vec<T>, from: &[T]) {
    to.clear();
    to.extend_from_slice(from);
}

/// Makes `to` the same bounds; nothing is counted where it has them already.
#[inline]
pub(super) fn share(to: &mut Arc<[f64]>, from: &Arc<[f64]>) {
    if !Arc::ptr_eq(to, from) {
        *to = Arc::clone(from);
    }
}

fn refill_absolute(to: &mut Vec<f64>, deltas: &[i64]) {
    let mut count = 0_i64;
    to.clear();
    to.extend(deltas.iter().map(|delta| {
        count = count.wrapping_add(*delta);
        count as f64
    }));
}
