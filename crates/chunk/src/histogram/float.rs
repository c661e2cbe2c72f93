//! Histograms that count in floats: every number is XORed with the one before, in a window of its own.
#![deny(
    clippy::arithmetic_side_effects,
    clippy::cast_possible_truncation,
    clippy::indexing_slicing
)]

use alloc::vec::Vec;

use skopos_core::{FloatHistogram, ResetHint, Span};

use crate::bits::{BitReader, BitWriter};
use crate::encoding::Encoding;
use crate::histogram::flavor::{Counts, Flavor, Shape, State};
use crate::histogram::integer::{refill, share};
use crate::varbit::{Feed, Window, put_int, put_xor};

impl Flavor for FloatHistogram {
    type Bucket = f64;
    type Count = f64;
    /// The windows of the count and the zero count.
    type CountMemory = [Window; 2];
    type Memory = Window;

    const AFTER_GAUGE: ResetHint = ResetHint::Unknown;
    const AFTER_UNKNOWN: ResetHint = ResetHint::NotReset;
    const ENCODINGS: [Encoding; 2] = [Encoding::FloatHistogram, Encoding::FloatHistogramSt];
    const FIRST_BITS: usize = 64;
    const FRESH: Window = Window::NONE;
    const FRESH_COUNTS: [Window; 2] = [Window::NONE; 2];
    const IS_FLOAT: bool = true;
    const READ: Window = Window::WHOLE;
    const READ_COUNTS: [Window; 2] = [Window::WHOLE; 2];

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
        to.assign(shape, counts);
    }

    fn sides(&mut self) -> [(&mut Vec<Span>, &mut Vec<f64>); 2] {
        [
            (&mut self.positive_spans, &mut self.positive_buckets),
            (&mut self.negative_spans, &mut self.negative_buckets),
        ]
    }

    fn set_schema(&mut self, schema: i32) {
        self.schema = schema;
    }

    #[inline]
    fn advance(absolute: &mut f64, stored: f64) {
        *absolute = stored;
    }

    fn stored(_before: f64, now: f64) -> f64 {
        now
    }

    fn sum_of(a: f64, b: f64) -> f64 {
        a + b
    }

    fn put_first(out: &mut BitWriter, counts: &Counts<'_, Self>) {
        for v in [counts.count, counts.zero, counts.sum] {
            out.put(v.to_bits(), 64);
        }
        for bucket in counts.positive.iter().chain(counts.negative) {
            out.put(bucket.to_bits(), 64);
        }
    }

    fn put_later(
        out: &mut BitWriter,
        dod: i64,
        state: &mut State<Self>,
        counts: &Counts<'_, Self>,
    ) {
        put_int(out, dod);
        let [count, zero] = &mut state.memory;
        put_xor(out, count, counts.count.to_bits() ^ state.count.to_bits());
        put_xor(out, zero, counts.zero.to_bits() ^ state.zero.to_bits());
        (state.count, state.zero) = (counts.count, counts.zero);
        let sum = counts.sum.to_bits();
        put_xor(out, &mut state.sum_window, sum ^ state.sum);
        state.sum = sum;
        let new = counts.positive.iter().chain(counts.negative);
        for ((new, last), window) in new.zip(&mut state.buckets).zip(&mut state.memories) {
            put_xor(out, window, new.to_bits() ^ last.to_bits());
            *last = *new;
        }
    }

    fn take_first(bits: &mut BitReader<'_>, state: &mut State<Self>) {
        state.count = f64::from_bits(bits.take(64));
        state.zero = f64::from_bits(bits.take(64));
        state.sum = bits.take(64);
        for bucket in &mut state.buckets {
            *bucket = f64::from_bits(bits.take(64));
        }
    }

    fn have_too_wide(state: &State<Self>) -> bool {
        state.memory.iter().chain(&state.memories).any(|window| window.is_too_wide())
    }

    #[inline]
    fn take_later(bits: &mut BitReader<'_>, state: &mut State<Self>) -> i64 {
        let mut feed = Feed::new(bits);
        let dod = feed.int();
        let [count, zero] = &mut state.memory;
        flip(&mut feed, &mut state.count, count);
        flip(&mut feed, &mut state.zero, zero);
        state.sum ^= feed.xor(&mut state.sum_window);
        if !state.is_stale() {
            let (buckets, windows) = (&mut state.buckets, &mut state.memories);
            if feed.rests() {
                feed = flip_few(feed, buckets, windows);
            } else {
                for (bucket, window) in buckets.iter_mut().zip(windows) {
                    flip(&mut feed, bucket, window);
                }
            }
        }
        feed.end(bits);
        dod
    }
}

/// Reads buckets of which few changed: the others are passed many at once.
#[inline(never)]
fn flip_few<'a>(mut feed: Feed<'a>, buckets: &mut [f64], windows: &mut [Window]) -> Feed<'a> {
    let mut at: usize = 0;
    while at < buckets.len() {
        at = at.wrapping_add(feed.pass_unchanged(buckets.len().wrapping_sub(at)));
        if let (Some(bucket), Some(window)) = (buckets.get_mut(at), windows.get_mut(at)) {
            flip(&mut feed, bucket, window);
        }
        at = at.wrapping_add(1);
    }
    feed
}

#[inline]
fn flip(feed: &mut Feed<'_>, v: &mut f64, window: &mut Window) {
    *v = f64::from_bits(v.to_bits() ^ feed.xor(window));
}
