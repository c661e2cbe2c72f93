//! Where a histogram's buckets lie: spans as lists of indices and back, coarser schemas, compaction.

use skopos_core::histogram::upper_bound;
use skopos_core::{FloatHistogram, Span};

/// The buckets of one side, ascending, each with its index.
pub(super) type Side = Vec<(i32, f64)>;

/// The buckets that spans describe; what has no span or no bucket is left out.
pub(super) fn expand(spans: &[Span], buckets: &[f64]) -> Side {
    let mut side = Vec::with_capacity(buckets.len());
    let mut counts = buckets.iter();
    let mut index = 0_i32;
    for span in spans {
        index = index.wrapping_add(span.offset);
        for count in counts.by_ref().take(span.length as usize) {
            side.push((index, *count));
            index = index.wrapping_add(1);
        }
    }
    side
}

/// The spans and buckets of a side, with one span for each run of neighbours.
pub(super) fn pack(side: &[(i32, f64)]) -> (Vec<Span>, Vec<f64>) {
    let mut spans: Vec<Span> = Vec::new();
    let mut next = 0_i32;
    for (index, _) in side {
        match spans.last_mut() {
            Some(span) if next == *index => span.length += 1,
            _ => spans.push(Span { offset: index.wrapping_sub(next), length: 1 }),
        }
        next = index.wrapping_add(1);
    }
    (spans, side.iter().map(|(_, count)| *count).collect())
}

/// Removes empty buckets.
pub(crate) fn compact(h: &mut FloatHistogram) {
    if h.positive_buckets.contains(&0.0) {
        (h.positive_spans, h.positive_buckets) = compacted(&h.positive_spans, &h.positive_buckets);
    }
    if h.negative_buckets.contains(&0.0) {
        (h.negative_spans, h.negative_buckets) = compacted(&h.negative_spans, &h.negative_buckets);
    }
}

fn compacted(spans: &[Span], buckets: &[f64]) -> (Vec<Span>, Vec<f64>) {
    let mut side = expand(spans, buckets);
    side.retain(|(_, count)| *count != 0.0);
    pack(&side)
}

/// The index that holds bucket `index` of schema `from` in the coarser schema `to`.
fn coarser(index: i32, from: i32, to: i32) -> i32 {
    let shift = from.wrapping_sub(to).clamp(0, 31);
    (index.wrapping_sub(1) >> shift).wrapping_add(1)
}

/// The buckets in schema `to`, which is not finer than `from`.
pub(super) fn reduced(spans: &[Span], buckets: &[f64], from: i32, to: i32) -> Side {
    let side = expand(spans, buckets);
    if from == to {
        return side;
    }
    let mut out: Side = Vec::with_capacity(side.len());
    for (index, count) in side {
        let index = coarser(index, from, to);
        match out.last_mut() {
            Some((last, sum)) if *last == index => *sum += count,
            _ => out.push((index, count)),
        }
    }
    out
}

/// The index of a bucket in a coarser schema, for accumulators.
pub(super) fn coarser_index(index: i32, from: i32, to: i32) -> i32 {
    if from == to { index } else { coarser(index, from, to) }
}

/// Brings a histogram with exponential buckets to a coarser schema.
pub(crate) fn reduce(h: &mut FloatHistogram, schema: i32) {
    if h.uses_custom_buckets() || h.schema <= schema {
        return;
    }
    let positive = reduced(&h.positive_spans, &h.positive_buckets, h.schema, schema);
    let negative = reduced(&h.negative_spans, &h.negative_buckets, h.schema, schema);
    (h.positive_spans, h.positive_buckets) = pack(&positive);
    (h.negative_spans, h.negative_buckets) = pack(&negative);
    h.schema = schema;
}

/// Without the leading buckets that lie within the zero bucket.
pub(super) fn above_threshold(side: &[(i32, f64)], schema: i32, threshold: f64) -> &[(i32, f64)] {
    let within =
        side.iter().take_while(|(index, _)| upper_bound(*index, schema, &[]) <= threshold).count();
    &side[within..]
}

/// Whether both have the same buckets in the same spans.
pub(super) fn same_layout(a: &FloatHistogram, b: &FloatHistogram) -> bool {
    a.schema == b.schema
        && a.positive_spans == b.positive_spans
        && a.negative_spans == b.negative_spans
        && a.positive_buckets.len() == b.positive_buckets.len()
        && a.negative_buckets.len() == b.negative_buckets.len()
}

/// The zero count with a larger threshold, and that threshold, raised to the end of the populated
/// bucket that it would fall into.
pub(super) fn zero_count_at(h: &FloatHistogram, mut threshold: f64) -> (f64, f64) {
    if threshold <= h.zero_threshold {
        return (h.zero_count, threshold);
    }
    'raised: loop {
        let mut count = h.zero_count;
        for bucket in h.positive() {
            if threshold <= bucket.lower {
                break;
            }
            count += bucket.count;
            if threshold < bucket.upper {
                if bucket.count != 0.0 {
                    threshold = bucket.upper;
                }
                break;
            }
        }
        for bucket in h.negative() {
            if bucket.upper <= -threshold {
                break;
            }
            count += bucket.count;
            if bucket.lower < -threshold {
                if bucket.count != 0.0 {
                    threshold = -bucket.lower;
                    continue 'raised;
                }
                break;
            }
        }
        return (count, threshold);
    }
}

/// Removes the buckets that the zero bucket covers, and all empty ones.
pub(super) fn trim_into_zero_bucket(h: &mut FloatHistogram) {
    let threshold = h.zero_threshold;
    let positive = h.positive().take_while(|b| b.lower < threshold).count();
    let negative = h.negative().take_while(|b| -threshold < b.upper).count();
    for count in h.positive_buckets.iter_mut().take(positive) {
        *count = 0.0;
    }
    for count in h.negative_buckets.iter_mut().take(negative) {
        *count = 0.0;
    }
    compact(h);
}

/// Whether two lists of bounds are the same, bit for bit.
pub(super) fn bounds_match(a: &[f64], b: &[f64]) -> bool {
    a.len() == b.len() && a.iter().zip(b).all(|(x, y)| x.to_bits() == y.to_bits())
}

/// The bounds that both ascending lists have.
pub(super) fn common_bounds(a: &[f64], b: &[f64]) -> Vec<f64> {
    let mut rest = b.iter().peekable();
    let mut common = Vec::new();
    for bound in a {
        while rest.next_if(|other| **other < *bound).is_some() {}
        if rest.peek().is_some_and(|other| **other == *bound) {
            common.push(*bound);
        }
    }
    common
}

/// Gives each bucket's count to the bucket of `bounds` that covers it.
pub(super) fn onto_bounds(
    side: &[(i32, f64)],
    from: &[f64],
    bounds: &[f64],
    mut give: impl FnMut(usize, f64),
) {
    let mut at = 0;
    for (index, count) in side {
        let upper = usize::try_from(*index).ok().and_then(|i| from.get(i));
        match upper {
            Some(upper) => {
                while bounds.get(at).is_some_and(|bound| bound < upper) {
                    at += 1;
                }
            }
            None if 0 <= *index => at = bounds.len(),
            None => {}
        }
        give(at, *count);
    }
}
