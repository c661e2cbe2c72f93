//! What native histograms tell of their observations: quantiles, shares, their spread.

use super::histogram::{Bucket, Histogram};
use super::statistics::sum;

/// The value below which the share `q` of the observations lies.
pub(crate) fn quantile(q: f64, h: &Histogram) -> f64 {
    if q < 0.0 {
        return f64::NEG_INFINITY;
    }
    if 1.0 < q {
        return f64::INFINITY;
    }
    if h.count == 0.0 || q.is_nan() {
        return f64::NAN;
    }
    let upwards = h.sum.is_nan() || q < 0.5;
    let mut buckets = h.buckets();
    if !upwards {
        buckets.reverse();
    }
    let mut rank = if upwards { q * h.count } else { (1.0 - q) * h.count };
    let mut bucket = Bucket { lower: 0.0, upper: 0.0, count: 0.0 };
    let mut seen = 0.0;
    for next in buckets {
        bucket = next;
        seen += next.count;
        if next.count != 0.0 && rank <= seen {
            break;
        }
    }
    if h.is_custom() {
        if bucket.lower == f64::NEG_INFINITY {
            if bucket.upper <= 0.0 {
                return bucket.upper;
            }
            bucket.lower = 0.0;
        } else if bucket.upper == f64::INFINITY {
            return bucket.lower;
        }
    } else if bucket.lower < 0.0 && 0.0 < bucket.upper {
        bucket = one_sided(bucket, h);
    }
    let seen = if h.count < seen { h.count } else { seen };
    if seen < rank {
        return if h.sum.is_nan() { f64::NAN } else { bucket.upper };
    }
    rank = if upwards { rank - (seen - bucket.count) } else { seen - rank };
    let share = rank / bucket.count;
    if h.is_custom() || (bucket.lower <= 0.0 && 0.0 <= bucket.upper) {
        return bucket.lower + (bucket.upper - bucket.lower) * share;
    }
    let (lower, upper) = (bucket.lower.abs().log2(), bucket.upper.abs().log2());
    if 0.0 < bucket.lower {
        (lower + (upper - lower) * share).exp2()
    } else {
        -(upper + (lower - upper) * (1.0 - share)).exp2()
    }
}

/// The zero bucket, cut at zero where all other buckets lie on one side.
fn one_sided(mut bucket: Bucket, h: &Histogram) -> Bucket {
    match (h.negative.is_empty(), h.positive.is_empty()) {
        (true, false) => bucket.lower = 0.0,
        (false, true) => bucket.upper = 0.0,
        _ => {}
    }
    bucket
}

/// The share of observations between two bounds.
pub(crate) fn fraction(lower: f64, upper: f64, h: &Histogram) -> f64 {
    if h.count == 0.0 || lower.is_nan() || upper.is_nan() {
        return f64::NAN;
    }
    if upper <= lower {
        return 0.0;
    }
    let counted: f64 = h.buckets().iter().map(|bucket| bucket.count).sum();
    let most = if h.sum.is_nan() { counted } else { h.count };
    let rank = |v| rank(v, h).filter(|rank| *rank <= most || rank.is_nan()).unwrap_or(most);
    (rank(upper) - rank(lower)) / h.count
}

/// How many observations lie below `v`; nothing where no bucket ends above it.
fn rank(v: f64, h: &Histogram) -> Option<f64> {
    let mut below = 0.0;
    for bucket in h.buckets() {
        let at_zero = bucket.lower <= 0.0 && 0.0 <= bucket.upper;
        let linear = h.is_custom() || at_zero;
        let bucket = if at_zero { one_sided(bucket, h) } else { bucket };
        if v <= bucket.lower {
            return Some(below);
        }
        if bucket.lower < v && v < bucket.upper {
            let log = |v: f64| v.abs().log2();
            return Some(if linear {
                below + bucket.count * (v - bucket.lower) / (bucket.upper - bucket.lower)
            } else {
                let width = log(bucket.upper) - log(bucket.lower);
                below + bucket.count * ((log(v) - log(bucket.lower)) / width)
            });
        }
        below += bucket.count;
    }
    None
}

/// The mean of the squared distances from the mean, observations being in the middle of their buckets.
pub(crate) fn variance(h: &Histogram) -> f64 {
    let mean = h.sum / h.count;
    let filled = h.buckets().into_iter().filter(|bucket| bucket.count != 0.0);
    let distances = filled.map(|Bucket { lower, upper, count }| {
        let middle = if h.is_custom() {
            (upper + lower) / 2.0
        } else if lower <= 0.0 && 0.0 <= upper {
            0.0
        } else if upper < 0.0 {
            -(upper * lower).sqrt()
        } else {
            (upper * lower).sqrt()
        };
        count * (middle - mean) * (middle - mean)
    });
    let distances: Vec<f64> = distances.collect();
    sum(&distances) / h.count
}
