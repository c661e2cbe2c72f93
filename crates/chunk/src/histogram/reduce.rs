//! Histograms of schemas finer than this version computes with, brought to the finest that it does.

use alloc::vec::Vec;

use skopos_core::Span;
use skopos_core::histogram::MAX_SCHEMA;

use crate::histogram::flavor::Flavor;
use crate::histogram::spans::indices;

/// Joins buckets until the schema is [`MAX_SCHEMA`], if it is finer.
pub(super) fn reduce<H: Flavor>(histogram: &mut H, schema: i32) {
    if schema <= MAX_SCHEMA {
        return;
    }
    let by = (schema - MAX_SCHEMA).cast_unsigned().min(63);
    for (spans, buckets) in histogram.sides() {
        reduce_side::<H>(spans, buckets, by);
    }
    histogram.set_schema(MAX_SCHEMA);
}

fn reduce_side<H: Flavor>(spans: &mut Vec<Span>, buckets: &mut Vec<H::Bucket>, by: u32) {
    let mut joined: Vec<(i64, H::Bucket)> = Vec::new();
    let mut absolute = H::Bucket::default();
    for (index, stored) in indices(spans).zip(&*buckets) {
        H::advance(&mut absolute, *stored);
        // Bucket n of a schema ends where bucket 2n of the next finer one does.
        let index = ((index - 1) >> by) + 1;
        match joined.last_mut() {
            Some((last, sum)) if *last == index => *sum = H::sum_of(*sum, absolute),
            _ => joined.push((index, absolute)),
        }
    }
    spans.clear();
    buckets.clear();
    let (mut next, mut before) = (0, H::Bucket::default());
    for (index, count) in joined {
        match spans.last_mut() {
            Some(span) if index == next => span.length += 1,
            _ => {
                // Distances shrink with the resolution, and were 32 bits wide before.
                let offset = i32::try_from(index - next).unwrap_or_default();
                spans.push(Span { offset, length: 1 });
            }
        }
        buckets.push(H::stored(before, count));
        (next, before) = (index + 1, count);
    }
}
