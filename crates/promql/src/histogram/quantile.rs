//! Estimates from native histograms: quantiles, fractions, variance.

use skopos_core::{Bucket, FloatHistogram};

use crate::kahan::Sum;
use crate::math;

/// All buckets from the most negative to the most positive, empty ones too, cut at the zero bucket.
pub(crate) fn all_buckets(h: &FloatHistogram) -> Vec<Bucket> {
    let threshold = h.zero_threshold;
    let cut = |mut bucket: Bucket| {
        if bucket.upper < 0.0 && -threshold < bucket.upper {
            bucket.upper = -threshold;
        } else if 0.0 < bucket.lower && bucket.lower < threshold {
            bucket.lower = threshold;
        }
        bucket
    };
    let mut buckets: Vec<Bucket> = h.negative().map(cut).collect();
    buckets.reverse();
    if 0.0 < h.zero_count {
        buckets.push(h.zero());
    }
    buckets.extend(h.positive().map(cut));
    buckets
}

/// An estimate with what NaN observations did to it.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct Estimate {
    /// The value.
    pub(crate) value: f64,
    /// What NaN observations did.
    pub(crate) nan: NanEffect,
}

/// How NaN observations disturb an estimate.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum NanEffect {
    /// There are none.
    None,
    /// The result is NaN.
    Result,
    /// They are outside of every bucket, which moves or excludes something.
    Skew,
}

impl Estimate {
    fn plain(value: f64) -> Self {
        Self { value, nan: NanEffect::None }
    }
}

/// The `q`-quantile.
pub(crate) fn quantile(q: f64, h: &FloatHistogram) -> Estimate {
    if q < 0.0 {
        return Estimate::plain(f64::NEG_INFINITY);
    }
    if 1.0 < q {
        return Estimate::plain(f64::INFINITY);
    }
    if h.count == 0.0 || q.is_nan() {
        return Estimate::plain(f64::NAN);
    }
    let mut buckets = all_buckets(h);
    let ascending = h.sum.is_nan() || q < 0.5;
    let rank = if ascending { q * h.count } else { (1.0 - q) * h.count };
    if !ascending {
        buckets.reverse();
    }
    quantile_at(rank, ascending, h, &buckets)
}

fn quantile_at(mut rank: f64, ascending: bool, h: &FloatHistogram, buckets: &[Bucket]) -> Estimate {
    let mut count = 0.0;
    let mut at = None;
    for (i, bucket) in buckets.iter().enumerate() {
        at = Some(i);
        if bucket.count == 0.0 {
            continue;
        }
        count += bucket.count;
        if rank <= count {
            break;
        }
    }
    let empty = Bucket {
        lower: 0.0,
        upper: 0.0,
        lower_inclusive: false,
        upper_inclusive: false,
        count: 0.0,
        index: 0,
    };
    let mut bucket = at.map_or(empty, |i| buckets[i]);
    let custom = h.uses_custom_buckets();
    if custom {
        if bucket.lower == f64::NEG_INFINITY {
            if bucket.upper <= 0.0 {
                return Estimate::plain(bucket.upper);
            }
            bucket.lower = 0.0;
        } else if bucket.upper == f64::INFINITY {
            return Estimate::plain(bucket.lower);
        }
    } else if bucket.lower < 0.0 && 0.0 < bucket.upper {
        one_sided_zero(h, &mut bucket);
    }
    if h.count < count {
        count = h.count;
    }
    if count < rank {
        if h.sum.is_nan() {
            return Estimate { value: f64::NAN, nan: NanEffect::Result };
        }
        return Estimate::plain(bucket.upper);
    }
    rank = if ascending { rank - (count - bucket.count) } else { count - rank };
    let mut nan = NanEffect::None;
    if h.sum.is_nan() {
        let observed = buckets.iter().skip(at.map_or(0, |i| i + 1)).fold(count, |n, b| n + b.count);
        if observed < h.count {
            nan = NanEffect::Skew;
        }
    }
    let share = rank / bucket.count;
    Estimate { value: within(&bucket, share, custom), nan }
}

/// The zero bucket of a histogram that has buckets on one side only ends at zero on the other.
fn one_sided_zero(h: &FloatHistogram, bucket: &mut Bucket) {
    let (negative, positive) = (!h.negative_buckets.is_empty(), !h.positive_buckets.is_empty());
    if !negative && positive {
        bucket.lower = 0.0;
    } else if !positive && negative {
        bucket.upper = 0.0;
    }
}

/// The value that divides a bucket's observations so that `share` of them lie below.
fn within(bucket: &Bucket, share: f64, linear: bool) -> f64 {
    if linear || (bucket.lower <= 0.0 && 0.0 <= bucket.upper) {
        return bucket.lower + (bucket.upper - bucket.lower) * share;
    }
    let lower = math::log2(bucket.lower.abs());
    let upper = math::log2(bucket.upper.abs());
    if 0.0 < bucket.lower {
        math::exp2(lower + (upper - lower) * share)
    } else {
        -math::exp2(upper + (lower - upper) * (1.0 - share))
    }
}

/// Which part of `bucket` lies below `v`, by the interpolation that quantiles use.
pub(super) fn share_below(bucket: &Bucket, v: f64, linear: bool) -> f64 {
    if linear {
        return (v - bucket.lower) / (bucket.upper - bucket.lower);
    }
    let lower = math::log2(bucket.lower.abs());
    let upper = math::log2(bucket.upper.abs());
    let at = math::log2(v.abs());
    if 0.0 < v { (at - lower) / (upper - lower) } else { 1.0 - ((at - upper) / (lower - upper)) }
}

/// The fraction of observations between `lower` and `upper`.
pub(crate) fn fraction(lower: f64, upper: f64, h: &FloatHistogram) -> Estimate {
    if h.count == 0.0 || lower.is_nan() || upper.is_nan() {
        return Estimate::plain(f64::NAN);
    }
    if upper <= lower {
        return Estimate::plain(0.0);
    }
    let custom = h.uses_custom_buckets();
    let mut ranks = Ranks::new(lower, upper);
    let mut count = 0.0;
    for mut bucket in all_buckets(h) {
        count += bucket.count;
        if ranks.is_complete() {
            continue;
        }
        let zero = bucket.lower <= 0.0 && 0.0 <= bucket.upper;
        if zero {
            one_sided_zero(h, &mut bucket);
        }
        let linear = custom || zero;
        ranks.visit(bucket.lower, bucket.upper, |rank, v| {
            if bucket.lower == f64::NEG_INFINITY {
                // A bucket without a lower end lies below every value.
                bucket.count
            } else if linear {
                rank + bucket.count * (v - bucket.lower) / (bucket.upper - bucket.lower)
            } else {
                rank + bucket.count * share_below(&bucket, v, false)
            }
        });
        ranks.rank += bucket.count;
    }
    let mut nan = NanEffect::None;
    if !h.sum.is_nan() {
        count = h.count;
    } else if count < h.count {
        nan = NanEffect::Skew;
    }
    Estimate { value: ranks.difference(count) / h.count, nan }
}

/// How many observations lie below two values, found while walking the buckets upwards.
pub(crate) struct Ranks {
    ends: [(f64, Option<f64>); 2],
    /// The observations in the buckets so far.
    pub(crate) rank: f64,
}

impl Ranks {
    pub(crate) fn new(lower: f64, upper: f64) -> Self {
        Self { ends: [(lower, None), (upper, None)], rank: 0.0 }
    }

    pub(crate) fn is_complete(&self) -> bool {
        self.ends.iter().all(|(_, rank)| rank.is_some())
    }

    /// Looks at the next bucket; `interpolate` gives the rank of a value within it.
    pub(crate) fn visit(&mut self, lower: f64, upper: f64, interpolate: impl Fn(f64, f64) -> f64) {
        for (v, rank) in self.ends.iter_mut().filter(|(_, rank)| rank.is_none()) {
            if *v <= lower {
                *rank = Some(self.rank);
            } else if lower < *v && *v < upper {
                *rank = Some(interpolate(self.rank, *v));
            }
        }
    }

    /// The observations between the two values, of `count` in all.
    pub(crate) fn difference(&self, count: f64) -> f64 {
        let [lower, upper] = self.ends.map(|(_, rank)| match rank {
            Some(rank) if rank <= count || rank.is_nan() => rank,
            _ => count,
        });
        upper - lower
    }
}

/// The variance of the observations, each taken as the middle of its bucket.
pub(crate) fn variance(h: &FloatHistogram) -> f64 {
    let mean = h.sum / h.count;
    let mut variance = Sum::default();
    for bucket in all_buckets(h).iter().filter(|b| b.count != 0.0) {
        let delta = middle(bucket, h.uses_custom_buckets()) - mean;
        variance.add(bucket.count * delta * delta);
    }
    variance.total() / h.count
}

/// The value that stands for a bucket's observations.
pub(super) fn middle(bucket: &Bucket, custom: bool) -> f64 {
    if custom {
        return (bucket.upper + bucket.lower) / 2.0;
    }
    if bucket.lower <= 0.0 && 0.0 <= bucket.upper {
        return 0.0;
    }
    let mean = (bucket.upper * bucket.lower).sqrt();
    if bucket.upper < 0.0 { -mean } else { mean }
}
