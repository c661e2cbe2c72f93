//! Native histograms as they are stored: from a message's fields, without empty buckets.
#![deny(clippy::indexing_slicing)]

use alloc::format;
use alloc::vec::Vec;
use core::mem;

use skopos_core::text::Quoted;
use skopos_core::{FloatHistogram, Histogram, HistogramSample, ResetHint, Span};

use super::message::{RawHistogram, Side};
use crate::{Error, ErrorKind};

/// Moves a message's native buckets into `out`, whose own buffers the message gets in exchange.
pub(super) fn build(
    raw: &mut RawHistogram,
    is_gauge: bool,
    (family, at): (&str, usize),
    out: &mut HistogramSample,
) -> Result<(), Error> {
    let is_float = raw.is_float();
    for (name, side) in [("positive", &raw.positive), ("negative", &raw.negative)] {
        let buckets = if is_float { side.counts.len() } else { side.deltas.len() };
        check(name, &side.spans, buckets, family, at)?;
    }
    let reset_hint = if is_gauge { ResetHint::Gauge } else { ResetHint::Unknown };
    if is_float {
        let mut histogram = match take(out) {
            HistogramSample::Float(used) if used.custom_values.is_empty() => used,
            _ => FloatHistogram::default(),
        };
        histogram.reset_hint = reset_hint;
        histogram.schema = raw.schema;
        histogram.zero_threshold = raw.zero_threshold;
        histogram.zero_count = raw.float_zero_count;
        histogram.count = raw.float_count;
        histogram.sum = raw.sum;
        let Side { spans, counts, .. } = &mut raw.positive;
        compact_floats(spans, counts);
        mem::swap(&mut histogram.positive_spans, spans);
        mem::swap(&mut histogram.positive_buckets, counts);
        let Side { spans, counts, .. } = &mut raw.negative;
        compact_floats(spans, counts);
        mem::swap(&mut histogram.negative_spans, spans);
        mem::swap(&mut histogram.negative_buckets, counts);
        *out = HistogramSample::Float(histogram);
    } else {
        let mut histogram = match take(out) {
            HistogramSample::Integer(used) if used.custom_values.is_empty() => used,
            _ => Histogram::default(),
        };
        histogram.reset_hint = reset_hint;
        histogram.schema = raw.schema;
        histogram.zero_threshold = raw.zero_threshold;
        histogram.zero_count = raw.zero_count;
        histogram.count = raw.count;
        histogram.sum = raw.sum;
        let Side { spans, deltas, .. } = &mut raw.positive;
        compact_deltas(spans, deltas);
        mem::swap(&mut histogram.positive_spans, spans);
        mem::swap(&mut histogram.positive_buckets, deltas);
        let Side { spans, deltas, .. } = &mut raw.negative;
        compact_deltas(spans, deltas);
        mem::swap(&mut histogram.negative_spans, spans);
        mem::swap(&mut histogram.negative_buckets, deltas);
        *out = HistogramSample::Integer(histogram);
    }
    Ok(())
}

fn take(sample: &mut HistogramSample) -> HistogramSample {
    mem::replace(sample, HistogramSample::Integer(Histogram::default()))
}

fn check(side: &str, spans: &[Span], buckets: usize, family: &str, at: usize) -> Result<(), Error> {
    let spanned: u64 = spans.iter().map(|span| u64::from(span.length)).sum();
    if spanned == buckets as u64 {
        return Ok(());
    }
    let family = Quoted(family);
    let message =
        format!("histogram {family}: {side} side: spans require {spanned} buckets, have {buckets}");
    Err(Error::in_bytes(ErrorKind::Syntax, message, at))
}

/// Whether spans and buckets have nothing to leave out or to join.
fn is_compact(spans: &[Span], mut is_empty: impl FnMut(usize) -> bool, buckets: usize) -> bool {
    let touches = spans.iter().skip(1).any(|span| span.offset == 0);
    !touches && spans.iter().all(|span| span.length != 0) && !(0..buckets).any(&mut is_empty)
}

fn compact_floats(spans: &mut Vec<Span>, counts: &mut Vec<f64>) {
    let is_empty = |index: usize| counts.get(index) == Some(&0.0);
    if is_compact(spans, is_empty, counts.len()) {
        return;
    }
    let placed = place(spans, counts.iter().map(|&count| (count != 0.0, count)));
    *spans = spans_of(&placed);
    counts.clear();
    counts.extend(placed.iter().map(|&(_, count)| count));
}

pub(super) fn compact_deltas(spans: &mut Vec<Span>, deltas: &mut Vec<i64>) {
    let mut count = 0_i64;
    let is_empty = |index: usize| {
        count = count.wrapping_add(deltas.get(index).copied().unwrap_or_default());
        count == 0
    };
    if is_compact(spans, is_empty, deltas.len()) {
        return;
    }
    let mut count = 0_i64;
    let counts = deltas.iter().map(|&delta| {
        count = count.wrapping_add(delta);
        (count != 0, count)
    });
    let placed = place(spans, counts);
    *spans = spans_of(&placed);
    deltas.clear();
    let mut before = 0_i64;
    deltas.extend(
        placed.iter().map(|&(_, count)| count.wrapping_sub(mem::replace(&mut before, count))),
    );
}

/// The buckets that are not empty, with their indexes.
fn place<T>(spans: &[Span], buckets: impl Iterator<Item = (bool, T)>) -> Vec<(i64, T)> {
    let mut end = 0_i64;
    let indexes = spans.iter().flat_map(|span| {
        let start = end.wrapping_add(i64::from(span.offset));
        end = start.wrapping_add(i64::from(span.length));
        start..end
    });
    let placed = indexes.zip(buckets).filter(|(_, (is_filled, _))| *is_filled);
    placed.map(|(index, (_, bucket))| (index, bucket)).collect()
}

/// The spans of buckets with these indexes.
fn spans_of<T>(placed: &[(i64, T)]) -> Vec<Span> {
    let mut spans: Vec<Span> = Vec::new();
    let mut end = 0_i64;
    for &(index, _) in placed {
        let gap = index.wrapping_sub(end);
        match spans.last_mut() {
            Some(span) if gap == 0 => span.length += 1,
            _ => spans.push(Span { offset: gap as i32, length: 1 }),
        }
        end = index.wrapping_add(1);
    }
    spans
}
