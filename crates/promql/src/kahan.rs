//! Compensated summation: Kahan's with Neumaier's improvement, step by step as Prometheus does it.
//!
//! The order of operations is part of the contract: a sum here has the same bits as upstream's. The
//! compiler does not contract `a * b + c` into a fused operation, so neither do we.

/// A running sum with the error that its rounding has lost so far.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Sum {
    /// The rounded sum.
    pub(crate) sum: f64,
    /// What has to be added to it.
    pub(crate) lost: f64,
}

impl Sum {
    /// A sum that starts with one value and no error.
    pub(crate) fn new(first: f64) -> Self {
        Self { sum: first, lost: 0.0 }
    }

    /// The sum after adding `v`.
    #[inline]
    #[must_use]
    pub(crate) fn plus(self, v: f64) -> Self {
        let t = self.sum + v;
        let lost = if t.is_infinite() {
            0.0
        } else if v.abs() <= self.sum.abs() {
            self.lost + ((self.sum - t) + v)
        } else {
            self.lost + ((v - t) + self.sum)
        };
        Self { sum: t, lost }
    }

    /// Adds `v`.
    #[inline]
    pub(crate) fn add(&mut self, v: f64) {
        *self = self.plus(v);
    }

    /// The sum with its correction.
    #[inline]
    pub(crate) fn total(self) -> f64 {
        self.sum + self.lost
    }

    /// Sum and correction multiplied by `factor`.
    pub(crate) fn scaled(self, factor: f64) -> Self {
        Self { sum: self.sum * factor, lost: self.lost * factor }
    }

    /// Sum and correction divided by `divisor`.
    pub(crate) fn divided(self, divisor: f64) -> Self {
        Self { sum: self.sum / divisor, lost: self.lost / divisor }
    }
}

/// The mean of values that are given one by one.
///
/// The sum is divided at the end, as long as it does not overflow; from there on the mean is
/// corrected with each value.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Mean {
    pub(crate) count: f64,
    /// The sum, or the mean once `incremental`.
    pub(crate) acc: Sum,
    pub(crate) incremental: bool,
}

impl Mean {
    /// The mean of one value.
    pub(crate) fn new(first: f64) -> Self {
        Self { count: 1.0, acc: Sum::new(first), incremental: false }
    }

    /// Takes another value in.
    #[inline]
    pub(crate) fn add(&mut self, v: f64) {
        self.count += 1.0;
        if !self.incremental {
            let next = self.acc.plus(v);
            if !next.sum.is_infinite() {
                self.acc = next;
                return;
            }
            self.incremental = true;
            self.acc = self.acc.divided(self.count - 1.0);
        }
        let q = (self.count - 1.0) / self.count;
        let shrunk = Sum { sum: q * self.acc.sum, lost: q * self.acc.lost };
        self.acc = shrunk.plus(v / self.count);
    }

    /// The mean so far.
    pub(crate) fn value(self) -> f64 {
        if self.incremental {
            self.acc.total()
        } else {
            self.acc.sum / self.count + self.acc.lost / self.count
        }
    }
}

#[cfg(test)]
mod tests {
    use super::{Mean, Sum};

    fn sum(values: &[f64]) -> f64 {
        let mut sum = Sum::default();
        for v in values {
            sum.add(*v);
        }
        sum.total()
    }

    #[test]
    fn small_terms_survive_between_large_ones() {
        assert_eq!(sum(&[1.0, 1e100, 1.0, -1e100]), 2.0);
        assert_eq!(sum(&[0.1; 10]), 1.0);
    }

    #[test]
    fn an_infinite_sum_stays_infinite() {
        assert_eq!(sum(&[f64::INFINITY, 1.0]), f64::INFINITY);
        assert!(sum(&[f64::INFINITY, f64::NEG_INFINITY]).is_nan());
    }

    #[test]
    fn the_mean_survives_an_overflow_of_the_sum() {
        let mut mean = Mean::new(f64::MAX);
        for _ in 0..3 {
            mean.add(f64::MAX);
        }
        assert!(0.999_999_999 < mean.value() / f64::MAX);
    }
}
