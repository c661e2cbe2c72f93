//! Arithmetic on native histograms: what PromQL's operators and functions do with them.
//!
//! The values themselves are `skopos_core`'s. Everything here gives the same bits as Prometheus, so
//! the order of additions is fixed. Histograms of any shape may come in, spans and buckets that do
//! not fit among them: what does not fit is ignored, never a panic.

mod accumulate;
mod layout;
mod quantile;
mod reset;
#[cfg(test)]
mod tests;
mod trim;

use skopos_core::{FloatHistogram, ResetHint};

pub(crate) use self::accumulate::{Accumulator, HistogramMean};
pub(crate) use self::layout::{compact, reduce};
pub(crate) use self::quantile::{NanEffect, Ranks, fraction, quantile, variance};
pub(crate) use self::reset::detect_reset;
pub(crate) use self::trim::{Trim, trim};

use self::layout::{
    Side, above_threshold, bounds_match, common_bounds, expand, onto_bounds, pack, reduced,
    same_layout, zero_count_at,
};

/// Exponential and custom buckets do not mix.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Incompatible;

/// What is to be said of an addition or subtraction that went well.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Outcome {
    /// One side said that a counter reset happened, the other that none did.
    pub(crate) collision: bool,
    /// The custom bounds differed; those that both have were kept.
    pub(crate) reconciled: bool,
}

/// `h + other`, into `h`.
pub(crate) fn add(h: &mut FloatHistogram, other: &FloatHistogram) -> Result<Outcome, Incompatible> {
    combine(h, other, false)
}

/// `h - other`, into `h`.
pub(crate) fn sub(h: &mut FloatHistogram, other: &FloatHistogram) -> Result<Outcome, Incompatible> {
    combine(h, other, true)
}

fn combine(
    h: &mut FloatHistogram,
    other: &FloatHistogram,
    negate: bool,
) -> Result<Outcome, Incompatible> {
    if h.uses_custom_buckets() != other.uses_custom_buckets() {
        return Err(Incompatible);
    }
    let sign = if negate { -1.0 } else { 1.0 };
    let (hint, collision) = combined_hint(h.reset_hint, other.reset_hint);
    h.reset_hint = hint;
    if h.uses_custom_buckets() {
        h.count += sign * other.count;
        h.sum += sign * other.sum;
        let reconciled = combine_custom(h, other, sign);
        return Ok(Outcome { collision, reconciled });
    }
    h.zero_count += sign * reconcile_zero_buckets(h, other);
    h.count += sign * other.count;
    h.sum += sign * other.sum;
    let schema = h.schema.min(other.schema);
    if schema < h.schema {
        reduce(h, schema);
    }
    if schema == other.schema && same_layout(h, other) && other.zero_threshold == h.zero_threshold {
        // The usual case: one series' histograms rarely change their layout.
        add_in_place(&mut h.positive_buckets, &other.positive_buckets, sign);
        add_in_place(&mut h.negative_buckets, &other.negative_buckets, sign);
        return Ok(Outcome { collision, reconciled: false });
    }
    let positive = reduced(&other.positive_spans, &other.positive_buckets, other.schema, schema);
    let negative = reduced(&other.negative_spans, &other.negative_buckets, other.schema, schema);
    let positive = above_threshold(&positive, schema, h.zero_threshold);
    let negative = above_threshold(&negative, schema, h.zero_threshold);
    let merged = merged(&expand(&h.positive_spans, &h.positive_buckets), positive, sign);
    (h.positive_spans, h.positive_buckets) = pack(&merged);
    let merged = self::merged(&expand(&h.negative_spans, &h.negative_buckets), negative, sign);
    (h.negative_spans, h.negative_buckets) = pack(&merged);
    Ok(Outcome { collision, reconciled: false })
}

fn combine_custom(h: &mut FloatHistogram, other: &FloatHistogram, sign: f64) -> bool {
    let ours = expand(&h.positive_spans, &h.positive_buckets);
    let theirs = expand(&other.positive_spans, &other.positive_buckets);
    let reconciled = !bounds_match(&h.custom_values, &other.custom_values);
    let merged = if reconciled {
        let bounds = common_bounds(&h.custom_values, &other.custom_values);
        let mut target = vec![0.0; bounds.len() + 1];
        onto_bounds(&ours, &h.custom_values, &bounds, |at, count| target[at] += count);
        onto_bounds(&theirs, &other.custom_values, &bounds, |at, count| target[at] += sign * count);
        h.custom_values = bounds.into();
        filled(&target)
    } else {
        merged(&ours, &theirs, sign)
    };
    (h.positive_spans, h.positive_buckets) = pack(&merged);
    reconciled
}

/// The buckets of a dense list that hold something.
fn filled(counts: &[f64]) -> Side {
    (0..).zip(counts).filter(|(_, count)| **count != 0.0).map(|(i, count)| (i, *count)).collect()
}

fn add_in_place(ours: &mut [f64], theirs: &[f64], sign: f64) {
    for (a, b) in ours.iter_mut().zip(theirs) {
        *a += sign * b;
    }
}

/// The buckets of both, those that both have added up.
fn merged(ours: &[(i32, f64)], theirs: &[(i32, f64)], sign: f64) -> Side {
    let mut out = Vec::with_capacity(ours.len().max(theirs.len()));
    let (mut a, mut b) = (ours.iter().peekable(), theirs.iter().peekable());
    loop {
        match (a.peek(), b.peek()) {
            (Some(&&(i, x)), Some(&&(j, y))) if i == j => {
                out.push((i, x + sign * y));
                a.next();
                b.next();
            }
            (Some(&&(i, x)), next) if next.is_none_or(|(j, _)| i < *j) => {
                out.push((i, x));
                a.next();
            }
            (_, Some(&&(j, y))) => {
                out.push((j, sign * y));
                b.next();
            }
            (_, None) => return out,
        }
    }
}

/// The hint of a sum or difference, and whether the two contradict each other.
fn combined_hint(a: ResetHint, b: ResetHint) -> (ResetHint, bool) {
    match (a, b) {
        _ if a == b => (a, false),
        (ResetHint::Gauge, _) | (_, ResetHint::Gauge) => (ResetHint::Gauge, false),
        (ResetHint::Unknown, _) | (_, ResetHint::Unknown) => (ResetHint::Unknown, false),
        _ => (ResetHint::Unknown, true),
    }
}

/// Raises the smaller zero threshold to the larger; returns the zero count that `other` then has.
fn reconcile_zero_buckets(h: &mut FloatHistogram, other: &FloatHistogram) -> f64 {
    let (mut count, mut threshold) = (other.zero_count, other.zero_threshold);
    // No threshold is NaN in honest data; two that do not compare are left as they are.
    while threshold < h.zero_threshold || h.zero_threshold < threshold {
        if threshold < h.zero_threshold {
            (count, threshold) = zero_count_at(other, h.zero_threshold);
        }
        if h.zero_threshold < threshold {
            (h.zero_count, h.zero_threshold) = zero_count_at(h, threshold);
            layout::trim_into_zero_bucket(h);
        }
    }
    count
}

/// Multiplies every count and the sum.
pub(crate) fn mul(h: &mut FloatHistogram, factor: f64) {
    map_counts(h, |v| v * factor);
    if factor < 0.0 {
        h.reset_hint = ResetHint::Gauge;
    }
}

/// Divides every count and the sum; by zero, no buckets remain.
pub(crate) fn div(h: &mut FloatHistogram, divisor: f64) {
    map_counts(h, |v| v / divisor);
    if divisor < 0.0 {
        h.reset_hint = ResetHint::Gauge;
    }
    if divisor == 0.0 {
        h.positive_buckets.clear();
        h.negative_buckets.clear();
        h.positive_spans.clear();
        h.negative_spans.clear();
    }
}

fn map_counts(h: &mut FloatHistogram, f: impl Fn(f64) -> f64) {
    h.zero_count = f(h.zero_count);
    h.count = f(h.count);
    h.sum = f(h.sum);
    for count in h.positive_buckets.iter_mut().chain(&mut h.negative_buckets) {
        *count = f(*count);
    }
}

/// Whether two histograms are the same, their hints left aside.
pub(crate) fn equals(a: &FloatHistogram, b: &FloatHistogram) -> bool {
    if a == b {
        return true;
    }
    // The same buckets may be written with different spans.
    let normal = |h: &FloatHistogram| {
        let mut h = h.clone();
        (h.positive_spans, h.positive_buckets) =
            pack(&expand(&h.positive_spans, &h.positive_buckets));
        (h.negative_spans, h.negative_buckets) =
            pack(&expand(&h.negative_spans, &h.negative_buckets));
        if !h.uses_custom_buckets() {
            h.custom_values = [].into();
        }
        h
    };
    a.schema == b.schema && a.count.to_bits() == b.count.to_bits() && normal(a) == normal(b)
}

/// How many float samples a histogram counts as in the budget of a query.
pub(crate) fn sample_size(h: &FloatHistogram) -> usize {
    let parts = h.positive_spans.len()
        + h.negative_spans.len()
        + h.positive_buckets.len()
        + h.negative_buckets.len()
        + h.custom_values.len();
    (168 + 8 * parts + 8) / 16
}
