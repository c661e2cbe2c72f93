//! Cutting observations off a native histogram: the operators `</` and `>/`.

use skopos_core::{Bucket, FloatHistogram};

use super::layout::compact;
use super::quantile::{middle, share_below};

/// Which side is cut off.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Trim {
    /// `</`: what lies above goes.
    Upper,
    /// `>/`: what lies below goes.
    Lower,
}

/// What remains of one bucket.
struct Kept {
    count: f64,
    /// The value that stands for the remaining observations.
    middle: f64,
}

impl Kept {
    const NOTHING: Self = Self { count: 0.0, middle: 0.0 };
}

/// The histogram of the observations on one side of `at`, as far as buckets tell; count and sum are
/// estimated anew where something was cut off.
pub(crate) fn trim(h: &FloatHistogram, at: f64, side: Trim) -> FloatHistogram {
    let mut out = h.clone();
    let custom = h.uses_custom_buckets();
    let (mut count, mut sum, mut changed) = (0.0, 0.0, false);
    let mut cut = |bucket: &Bucket, linear: bool, slot: &mut f64| {
        if bucket.count == 0.0 {
            return;
        }
        let kept = keep(bucket, at, side, linear, custom);
        count += kept.count;
        sum += kept.middle * kept.count;
        if kept.count != bucket.count {
            *slot = kept.count;
            changed = true;
        }
    };
    for (bucket, slot) in h.positive().zip(&mut out.positive_buckets) {
        cut(&bucket, custom, slot);
    }
    for (bucket, slot) in h.negative().zip(&mut out.negative_buckets) {
        cut(&bucket, custom, slot);
    }
    if !custom && h.zero_count != 0.0 {
        let mut zero = h.zero();
        match (h.negative_buckets.is_empty(), h.positive_buckets.is_empty()) {
            (true, false) => zero.lower = 0.0,
            (false, true) => zero.upper = 0.0,
            _ => {}
        }
        cut(&zero, true, &mut out.zero_count);
    }
    if changed {
        out.count = count;
        out.sum = sum;
        compact(&mut out);
    }
    out
}

fn keep(bucket: &Bucket, at: f64, side: Trim, linear: bool, custom: bool) -> Kept {
    let whole = match side {
        Trim::Upper => bucket.upper <= at,
        Trim::Lower => at <= bucket.lower,
    };
    if whole {
        return Kept { count: bucket.count, middle: middle_of(bucket, linear, custom) };
    }
    if !(bucket.lower < at && at < bucket.upper) {
        return Kept::NOTHING;
    }
    let mut bucket = *bucket;
    if bucket.lower == f64::NEG_INFINITY {
        match side {
            _ if bucket.upper == f64::INFINITY => return Kept::NOTHING,
            Trim::Upper if bucket.upper <= 0.0 => return Kept { count: bucket.count, middle: at },
            Trim::Lower if bucket.upper <= 0.0 => return Kept::NOTHING,
            _ if at < 0.0 => return Kept::NOTHING,
            _ => bucket.lower = 0.0,
        }
    } else if bucket.upper == f64::INFINITY {
        return match side {
            Trim::Upper => Kept::NOTHING,
            Trim::Lower => Kept { count: bucket.count, middle: at },
        };
    }
    let below = share_below(&bucket, at, linear);
    let (share, rest) = match side {
        Trim::Upper => (below, Bucket { upper: at, ..bucket }),
        Trim::Lower => (1.0 - below, Bucket { lower: at, ..bucket }),
    };
    Kept { count: bucket.count * share, middle: middle_of(&rest, linear, custom) }
}

/// The value that stands for a bucket, whose ends may be infinite.
fn middle_of(bucket: &Bucket, linear: bool, custom: bool) -> f64 {
    if bucket.lower == f64::NEG_INFINITY {
        return match bucket.upper {
            f64::INFINITY => 0.0,
            upper if 0.0 < upper => upper / 2.0,
            upper => upper,
        };
    }
    if bucket.upper == f64::INFINITY {
        return bucket.lower;
    }
    if linear {
        return (bucket.lower + bucket.upper) / 2.0;
    }
    middle(bucket, custom)
}
