//! Estimates from classic histograms: buckets that count all observations up to a bound.

use crate::annotation::Monotonicity;
use crate::histogram::Ranks;

/// Differences of counts below this part are taken for noise of floats.
const TOLERANCE: f64 = 1e-12;
/// The least positive normal float.
const MIN_NORMAL: f64 = f64::MIN_POSITIVE;

/// One bucket.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct Bucket {
    pub(crate) upper: f64,
    /// The observations up to the bound.
    pub(crate) count: f64,
}

/// Sorts the buckets and merges those with the same bound; whether the last bound is infinite.
fn prepare(buckets: &mut Vec<Bucket>) -> bool {
    buckets.sort_by(|a, b| a.upper.partial_cmp(&b.upper).unwrap_or(std::cmp::Ordering::Equal));
    if buckets.last().is_none_or(|last| last.upper != f64::INFINITY) {
        return false;
    }
    buckets.dedup_by(|next, kept| {
        let same = next.upper == kept.upper;
        if same {
            kept.count += next.count;
        }
        same
    });
    true
}

/// Whether two floats differ by less than `eps` of their size.
pub(crate) fn almost_equal(a: f64, b: f64, eps: f64) -> bool {
    if skopos_core::is_stale_nan(a) || skopos_core::is_stale_nan(b) {
        return skopos_core::is_stale_nan(a) && skopos_core::is_stale_nan(b);
    }
    if a.is_nan() && b.is_nan() {
        return true;
    }
    if a == b {
        return true;
    }
    let size = a.abs() + b.abs();
    let difference = (a - b).abs();
    if a == 0.0 || b == 0.0 || size < MIN_NORMAL {
        return difference < eps * MIN_NORMAL;
    }
    difference / size.min(f64::MAX) < eps
}

/// Makes the counts ascend; what had to be changed, noise aside.
fn make_monotonic(buckets: &mut [Bucket]) -> Option<Monotonicity> {
    let mut forced: Option<Monotonicity> = None;
    let mut previous = buckets.first()?.count;
    for bucket in &mut buckets[1..] {
        if bucket.count == previous {
            continue;
        }
        if almost_equal(previous, bucket.count, TOLERANCE) {
            bucket.count = previous;
            continue;
        }
        if bucket.count < previous {
            let diff = previous - bucket.count;
            let found = forced.get_or_insert(Monotonicity {
                min_bucket: bucket.upper,
                max_bucket: bucket.upper,
                max_diff: diff,
            });
            found.min_bucket = found.min_bucket.min(bucket.upper);
            found.max_bucket = found.max_bucket.max(bucket.upper);
            found.max_diff = found.max_diff.max(diff);
            bucket.count = previous;
            continue;
        }
        previous = bucket.count;
    }
    forced
}

/// The `q`-quantile, and what was wrong with the buckets. The buckets are sorted and repaired.
pub(crate) fn quantile(q: f64, buckets: &mut Vec<Bucket>) -> (f64, Option<Monotonicity>) {
    if q.is_nan() {
        return (f64::NAN, None);
    }
    if q < 0.0 {
        return (f64::NEG_INFINITY, None);
    }
    if 1.0 < q {
        return (f64::INFINITY, None);
    }
    if !prepare(buckets) {
        return (f64::NAN, None);
    }
    let forced = make_monotonic(buckets);
    let Some(last) = buckets.len().checked_sub(1).filter(|last| 1 <= *last) else {
        return (f64::NAN, None);
    };
    let total = buckets[last].count;
    if total == 0.0 || total.is_nan() {
        return (f64::NAN, None);
    }
    (quantile_at(q * total, buckets, last), forced)
}

fn quantile_at(mut rank: f64, buckets: &[Bucket], last: usize) -> f64 {
    // Where counts are NaN nothing compares, and the last bucket it is.
    let reaches = |bucket: &Bucket| rank <= bucket.count;
    let at = buckets[..last].partition_point(|bucket| !reaches(bucket));
    if at == last {
        return buckets[last - 1].upper;
    }
    let Bucket { upper, mut count } = buckets[at];
    if at == 0 && upper <= 0.0 {
        return upper;
    }
    let mut lower = 0.0;
    if let Some(before) = at.checked_sub(1).map(|i| buckets[i]) {
        lower = before.upper;
        count -= before.count;
        rank -= before.count;
    }
    lower + (upper - lower) * (rank / count)
}

/// The fraction of observations between `lower` and `upper`.
pub(crate) fn fraction(lower: f64, upper: f64, buckets: &mut Vec<Bucket>) -> f64 {
    if !prepare(buckets) {
        return f64::NAN;
    }
    let count = buckets.last().map_or(f64::NAN, |last| last.count);
    if count == 0.0 || count.is_nan() || lower.is_nan() || upper.is_nan() {
        return f64::NAN;
    }
    if upper <= lower {
        return 0.0;
    }
    let mut ranks = Ranks::new(lower, upper);
    let mut below = f64::NEG_INFINITY;
    for (i, bucket) in buckets.iter().enumerate() {
        let start = if i == 0 && 0.0 < bucket.upper { 0.0 } else { below };
        ranks.visit(start, bucket.upper, |rank, v| match start {
            // A bucket without a lower end lies below every value.
            f64::NEG_INFINITY => bucket.count,
            _ => rank + (bucket.count - rank) * (v - start) / (bucket.upper - start),
        });
        ranks.rank = bucket.count;
        below = bucket.upper;
    }
    ranks.difference(count) / count
}
