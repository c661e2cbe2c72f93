//! Sums and means of many histograms, compensated as sums of floats are.

use std::sync::Arc;

use skopos_core::histogram::upper_bound;
use skopos_core::{FloatHistogram, ResetHint, Span};

use super::layout::{
    Side, bounds_match, coarser_index, common_bounds, expand, onto_bounds, pack, zero_count_at,
};
use super::{Incompatible, Outcome, combined_hint};
use crate::kahan::Sum;

type Sums = Vec<(i32, Sum)>;

/// A histogram with the rounding errors of each of its numbers.
#[derive(Clone, Debug)]
pub(crate) struct Accumulator {
    hint: ResetHint,
    schema: i32,
    zero_threshold: f64,
    zero: Sum,
    count: Sum,
    sum: Sum,
    positive: Sums,
    negative: Sums,
    custom_values: Arc<[f64]>,
}

impl Accumulator {
    /// The sum of one histogram.
    pub(crate) fn new(first: &FloatHistogram) -> Self {
        Self {
            hint: first.reset_hint,
            schema: first.schema,
            zero_threshold: first.zero_threshold,
            zero: Sum::new(first.zero_count),
            count: Sum::new(first.count),
            sum: Sum::new(first.sum),
            positive: sums(&first.positive_spans, &first.positive_buckets),
            negative: sums(&first.negative_spans, &first.negative_buckets),
            custom_values: Arc::clone(&first.custom_values),
        }
    }

    /// Adds another histogram.
    pub(crate) fn add(&mut self, other: &FloatHistogram) -> Result<Outcome, Incompatible> {
        if self.uses_custom_buckets() != other.uses_custom_buckets() {
            return Err(Incompatible);
        }
        let (hint, collision) = combined_hint(self.hint, other.reset_hint);
        self.hint = hint;
        if self.uses_custom_buckets() {
            self.count.add(other.count);
            self.sum.add(other.sum);
            let reconciled = self.add_custom(other);
            return Ok(Outcome { collision, reconciled });
        }
        let zero = self.reconcile_zero_buckets(other);
        self.zero.add(zero.sum);
        self.zero.add(zero.lost);
        self.count.add(other.count);
        self.sum.add(other.sum);
        let schema = self.schema.min(other.schema);
        self.reduce(schema);
        for negative in [false, true] {
            let (side, spans, buckets) = if negative {
                (&mut self.negative, &other.negative_spans, &other.negative_buckets)
            } else {
                (&mut self.positive, &other.positive_spans, &other.positive_buckets)
            };
            let theirs = reduced_sums(sums(spans, buckets), other.schema, schema);
            let within = theirs
                .iter()
                .take_while(|(i, _)| upper_bound(*i, schema, &[]) <= self.zero_threshold)
                .count();
            add_side(side, &theirs[within..]);
        }
        Ok(Outcome { collision, reconciled: false })
    }

    /// Multiplies everything by a positive factor.
    pub(crate) fn scale(&mut self, factor: f64) {
        self.map(|sum| sum.scaled(factor));
    }

    /// Divides everything by a positive divisor.
    pub(crate) fn divide(&mut self, divisor: f64) {
        self.map(|sum| sum.divided(divisor));
    }

    /// Whether some number of the histogram has become infinite.
    pub(crate) fn has_overflow(&self) -> bool {
        let buckets = self.positive.iter().chain(&self.negative).map(|(_, sum)| sum);
        [&self.zero, &self.count, &self.sum].into_iter().chain(buckets).any(|s| s.sum.is_infinite())
    }

    /// The histogram with its corrections.
    pub(crate) fn finish(&self) -> FloatHistogram {
        let totals = |side: &Sums| -> Side { side.iter().map(|(i, s)| (*i, s.total())).collect() };
        let (positive_spans, positive_buckets) = pack(&totals(&self.positive));
        let (negative_spans, negative_buckets) = pack(&totals(&self.negative));
        FloatHistogram {
            reset_hint: self.hint,
            schema: self.schema,
            zero_threshold: self.zero_threshold,
            zero_count: self.zero.total(),
            count: self.count.total(),
            sum: self.sum.total(),
            positive_spans,
            negative_spans,
            positive_buckets,
            negative_buckets,
            custom_values: Arc::clone(&self.custom_values),
        }
    }

    fn uses_custom_buckets(&self) -> bool {
        self.schema == skopos_core::histogram::CUSTOM_BUCKETS_SCHEMA
    }

    fn map(&mut self, f: impl Fn(Sum) -> Sum) {
        self.zero = f(self.zero);
        self.count = f(self.count);
        self.sum = f(self.sum);
        for (_, sum) in self.positive.iter_mut().chain(&mut self.negative) {
            *sum = f(*sum);
        }
    }

    fn add_custom(&mut self, other: &FloatHistogram) -> bool {
        let theirs = expand(&other.positive_spans, &other.positive_buckets);
        if bounds_match(&self.custom_values, &other.custom_values) {
            let theirs: Sums = theirs.into_iter().map(|(i, v)| (i, Sum::new(v))).collect();
            add_side(&mut self.positive, &theirs);
            return false;
        }
        let bounds = common_bounds(&self.custom_values, &other.custom_values);
        let mut target = vec![Sum::default(); bounds.len() + 1];
        let ours: Side = (0..).zip(&self.positive).map(|(n, (i, _))| (*i, f64::from(n))).collect();
        // The count stands for the position here, because two numbers move to the new bucket.
        onto_bounds(&ours, &self.custom_values, &bounds, |at, n| {
            let sum = self.positive[n as usize].1;
            target[at].add(sum.sum);
            target[at].add(sum.lost);
        });
        onto_bounds(&theirs, &other.custom_values, &bounds, |at, v| target[at].add(v));
        self.positive = (0..).zip(target).filter(|(_, sum)| sum.sum != 0.0).collect();
        self.custom_values = bounds.into();
        true
    }

    fn reduce(&mut self, schema: i32) {
        if schema < self.schema {
            self.positive = reduced_sums(std::mem::take(&mut self.positive), self.schema, schema);
            self.negative = reduced_sums(std::mem::take(&mut self.negative), self.schema, schema);
            self.schema = schema;
        }
    }

    fn reconcile_zero_buckets(&mut self, other: &FloatHistogram) -> Sum {
        let (mut count, mut threshold) = (Sum::new(other.zero_count), other.zero_threshold);
        while threshold < self.zero_threshold || self.zero_threshold < threshold {
            if threshold < self.zero_threshold {
                let raised;
                (raised, threshold) = zero_count_at(other, self.zero_threshold);
                count = Sum::new(raised);
            }
            if self.zero_threshold < threshold {
                self.raise_zero_threshold(threshold);
            }
        }
        count
    }

    fn raise_zero_threshold(&mut self, threshold: f64) {
        // The plain counts decide where the threshold ends up; the corrections follow.
        let mut plain = self.finish();
        let totals = |side: &Sums| side.iter().map(|(_, s)| s.sum).collect();
        (plain.positive_buckets, plain.negative_buckets) =
            (totals(&self.positive), totals(&self.negative));
        let (_, threshold) = zero_count_at(&plain, threshold);
        let schema = self.schema;
        let lower = |index: i32| upper_bound(index.wrapping_sub(1), schema, &[]);
        for side in [&mut self.positive, &mut self.negative] {
            let within = side.iter().take_while(|(i, _)| lower(*i) < threshold).count();
            for (_, sum) in side.drain(..within) {
                self.zero.add(sum.sum);
                self.zero.add(sum.lost);
            }
            side.retain(|(_, sum)| sum.sum != 0.0);
        }
        self.zero_threshold = threshold;
    }
}

fn sums(spans: &[Span], buckets: &[f64]) -> Sums {
    expand(spans, buckets).into_iter().map(|(i, count)| (i, Sum::new(count))).collect()
}

fn reduced_sums(side: Sums, from: i32, to: i32) -> Sums {
    if from == to {
        return side;
    }
    let mut out: Sums = Vec::with_capacity(side.len());
    for (index, sum) in side {
        let index = coarser_index(index, from, to);
        match out.last_mut() {
            Some((last, target)) if *last == index => {
                target.add(sum.sum);
                target.add(sum.lost);
            }
            _ => out.push((index, sum)),
        }
    }
    out
}

fn add_side(ours: &mut Sums, theirs: &[(i32, Sum)]) {
    let same = ours.len() == theirs.len() && ours.iter().zip(theirs).all(|(a, b)| a.0 == b.0);
    if same {
        for ((_, sum), (_, other)) in ours.iter_mut().zip(theirs) {
            sum.add(other.sum);
            if other.lost != 0.0 {
                sum.add(other.lost);
            }
        }
        return;
    }
    let mut at = 0;
    for (index, other) in theirs {
        while ours.get(at).is_some_and(|(i, _)| i < index) {
            at += 1;
        }
        match ours.get_mut(at) {
            Some((i, sum)) if i == index => {
                sum.add(other.sum);
                if other.lost != 0.0 {
                    sum.add(other.lost);
                }
            }
            _ => ours.insert(at, (*index, *other)),
        }
    }
}

/// The mean of histograms that are given one by one; see [`Mean`](crate::kahan::Mean).
#[derive(Clone, Debug)]
pub(crate) struct HistogramMean {
    count: f64,
    /// The sum, or the mean once `incremental`.
    acc: Accumulator,
    incremental: bool,
}

impl HistogramMean {
    /// The mean of one histogram.
    pub(crate) fn new(first: &FloatHistogram) -> Self {
        Self { count: 1.0, acc: Accumulator::new(first), incremental: false }
    }

    /// Takes another histogram in.
    pub(crate) fn add(&mut self, h: &FloatHistogram) -> Result<Outcome, Incompatible> {
        self.count += 1.0;
        if !self.incremental {
            let mut next = self.acc.clone();
            let outcome = next.add(h)?;
            if !next.has_overflow() {
                self.acc = next;
                return Ok(outcome);
            }
            self.incremental = true;
            self.acc.divide(self.count - 1.0);
        }
        self.acc.scale((self.count - 1.0) / self.count);
        let mut share = h.clone();
        super::div(&mut share, self.count);
        self.acc.add(&share)
    }

    /// The mean so far.
    pub(crate) fn value(&self) -> FloatHistogram {
        if self.incremental {
            return self.acc.finish();
        }
        let mut mean = self.acc.clone();
        mean.divide(self.count);
        mean.finish()
    }
}
