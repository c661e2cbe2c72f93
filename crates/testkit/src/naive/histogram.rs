//! Native histograms in the plainest form: counts by the index of their bucket.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use skopos_core::histogram::{CUSTOM_BUCKETS_SCHEMA, upper_bound};
use skopos_core::{FloatHistogram, ResetHint, Span};

use super::eval::{Failure, Result};

/// Counts of buckets.
pub(crate) type Buckets = BTreeMap<i32, f64>;

/// What buckets a histogram has.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Layout {
    /// Their upper bounds, without the infinite one.
    Custom(Vec<f64>),
    /// A schema.
    Exponential(i32),
}

/// A native histogram. Buckets are there if a span covers them, empty or not.
#[derive(Clone, Debug)]
pub(crate) struct Histogram {
    pub(crate) hint: ResetHint,
    pub(crate) layout: Layout,
    pub(crate) zero_threshold: f64,
    pub(crate) zero_count: f64,
    pub(crate) count: f64,
    pub(crate) sum: f64,
    pub(crate) positive: Buckets,
    pub(crate) negative: Buckets,
}

/// A bucket with its bounds.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Bucket {
    pub(crate) lower: f64,
    pub(crate) upper: f64,
    pub(crate) count: f64,
}

impl Histogram {
    /// One without observations.
    pub(crate) fn empty(layout: Layout) -> Self {
        Self {
            hint: ResetHint::Unknown,
            layout,
            zero_threshold: 0.0,
            zero_count: 0.0,
            count: 0.0,
            sum: 0.0,
            positive: Buckets::new(),
            negative: Buckets::new(),
        }
    }

    fn schema(&self) -> i32 {
        match self.layout {
            Layout::Custom(_) => CUSTOM_BUCKETS_SCHEMA,
            Layout::Exponential(schema) => schema,
        }
    }

    pub(crate) fn is_custom(&self) -> bool {
        matches!(self.layout, Layout::Custom(_))
    }

    fn bounds(&self) -> &[f64] {
        match &self.layout {
            Layout::Custom(bounds) => bounds,
            Layout::Exponential(_) => &[],
        }
    }

    /// The bounds of a bucket by its distance from zero.
    fn between(&self, index: i32) -> (f64, f64) {
        let bound = |index| upper_bound(index, self.schema(), self.bounds());
        (bound(index - 1), bound(index))
    }

    /// All buckets in ascending order, the zero bucket if it holds something. A coarse bucket may reach
    /// into the zero bucket, and is cut.
    pub(crate) fn buckets(&self) -> Vec<Bucket> {
        let mut out = Vec::new();
        for (index, count) in self.negative.iter().rev() {
            let (lower, upper) = self.between(*index);
            let upper_bound =
                if self.is_custom() { -lower } else { -lower.max(self.zero_threshold) };
            out.push(Bucket { lower: -upper, upper: upper_bound, count: *count });
        }
        if self.zero_count > 0.0 {
            let (lower, upper) = (-self.zero_threshold, self.zero_threshold);
            out.push(Bucket { lower, upper, count: self.zero_count });
        }
        for (index, count) in &self.positive {
            let (lower, upper) = self.between(*index);
            let lower = if self.is_custom() { lower } else { lower.max(self.zero_threshold) };
            out.push(Bucket { lower, upper, count: *count });
        }
        out
    }

    /// The same with other counts.
    fn map(&self, change: impl Fn(f64) -> f64) -> Self {
        let side = |buckets: &Buckets| buckets.iter().map(|(i, v)| (*i, change(*v))).collect();
        Self {
            hint: self.hint,
            layout: self.layout.clone(),
            zero_threshold: self.zero_threshold,
            zero_count: change(self.zero_count),
            count: change(self.count),
            sum: change(self.sum),
            positive: side(&self.positive),
            negative: side(&self.negative),
        }
    }

    /// Each count times a factor.
    pub(crate) fn times(&self, factor: f64) -> Self {
        self.map(|v| v * factor)
    }

    /// Each count divided; nothing is left of buckets that are divided by zero.
    pub(crate) fn over(&self, divisor: f64) -> Self {
        let mut out = self.map(|v| v / divisor);
        if divisor == 0.0 {
            (out.positive, out.negative) = (Buckets::new(), Buckets::new());
        }
        out
    }

    /// Without empty buckets.
    pub(crate) fn compact(mut self) -> Self {
        self.positive.retain(|_, count| *count != 0.0);
        self.negative.retain(|_, count| *count != 0.0);
        self
    }

    /// The threshold, raised so that it lies in no bucket that holds something, and what is below it.
    fn below(&self, mut threshold: f64) -> (f64, f64) {
        if threshold == self.zero_threshold {
            return (threshold, self.zero_count);
        }
        let filled = || {
            let all = self.positive.iter().chain(&self.negative);
            all.filter(|(_, count)| **count != 0.0)
                .map(|(index, count)| (self.between(*index), *count))
        };
        while let Some(((_, upper), _)) =
            filled().find(|((lower, upper), _)| *lower < threshold && threshold < *upper)
        {
            threshold = upper;
        }
        let covered = filled().filter(|((lower, _), _)| *lower < threshold);
        (threshold, self.zero_count + covered.map(|(_, count)| count).sum::<f64>())
    }

    /// The same with a greater zero bucket, of which it is known what it holds.
    fn with_zero(&self, (threshold, count): (f64, f64)) -> Self {
        let mut out = self.clone();
        if threshold != self.zero_threshold {
            let keep = |index: &i32| threshold <= self.between(*index).0;
            out.positive.retain(|index, _| keep(index));
            out.negative.retain(|index, _| keep(index));
        }
        (out.zero_threshold, out.zero_count) = (threshold, count);
        out
    }

    /// The same with a coarser schema.
    pub(crate) fn coarser(&self, schema: i32) -> Self {
        if self.is_custom() || self.schema() <= schema {
            return self.clone();
        }
        let halvings = self.schema() - schema;
        let side = |buckets: &Buckets| {
            let mut out = Buckets::new();
            for (index, count) in buckets {
                *out.entry(((index - 1) >> halvings) + 1).or_insert(0.0) += count;
            }
            out
        };
        let (positive, negative) = (side(&self.positive), side(&self.negative));
        Self { layout: Layout::Exponential(schema), positive, negative, ..self.clone() }
    }

    /// The same with fewer bounds, all of which it has.
    fn with_bounds(&self, bounds: &[f64]) -> Self {
        let mut positive = Buckets::new();
        for (index, count) in &self.positive {
            let upper = self.between(*index).1;
            let at = bounds.iter().position(|bound| upper <= *bound).unwrap_or(bounds.len());
            *positive.entry(at as i32).or_insert(0.0) += count;
        }
        Self { layout: Layout::Custom(bounds.to_vec()), positive, ..self.clone() }
    }

    /// Both in a layout that suits both; nothing if none does.
    fn alike(&self, other: &Self) -> Result<Option<(Self, Self)>> {
        match (&self.layout, &other.layout) {
            (Layout::Custom(a), Layout::Custom(b)) if a == b => {}
            (Layout::Custom(a), Layout::Custom(b)) => {
                let common: Vec<f64> = a.iter().copied().filter(|v| b.contains(v)).collect();
                return Ok(Some((self.with_bounds(&common), other.with_bounds(&common))));
            }
            (Layout::Exponential(_), Layout::Exponential(_)) => {}
            _ => return Ok(None),
        }
        let schema = self.schema().min(other.schema());
        if self.zero_threshold != other.zero_threshold && self.schema() != other.schema() {
            return Err(Failure::Unspecified("a zero bucket between the buckets of two schemas"));
        }
        let (mut a, mut b) = (self.clone(), other.clone());
        while a.zero_threshold != b.zero_threshold {
            let threshold = a.zero_threshold.max(b.zero_threshold);
            (a, b) = (a.with_zero(a.below(threshold)), b.with_zero(b.below(threshold)));
        }
        Ok(Some((a.coarser(schema), b.coarser(schema))))
    }

    /// The sum of both; nothing if they are of different kinds.
    pub(crate) fn plus(&self, other: &Self) -> Result<Option<Self>> {
        let Some((mut a, b)) = self.alike(other)? else { return Ok(None) };
        a.count += b.count;
        a.sum += b.sum;
        a.zero_count += b.zero_count;
        for (buckets, more) in [(&mut a.positive, b.positive), (&mut a.negative, b.negative)] {
            for (index, count) in more {
                *buckets.entry(index).or_insert(0.0) += count;
            }
        }
        Ok(Some(a))
    }

    /// The difference; nothing if they are of different kinds.
    pub(crate) fn minus(&self, other: &Self) -> Result<Option<Self>> {
        self.plus(&other.times(-1.0))
    }

    /// The sum of at least one; nothing if they are of different kinds.
    pub(crate) fn total<'a>(mut all: impl Iterator<Item = &'a Arc<Self>>) -> Result<Option<Self>> {
        let Some(first) = all.next() else { return Ok(None) };
        let mut total = Self::clone(first);
        for one in all {
            let Some(more) = total.plus(one)? else { return Ok(None) };
            total = more;
        }
        Ok(Some(total))
    }

    /// The mean of at least one; nothing if they are of different kinds.
    pub(crate) fn mean(all: &[&Arc<Self>]) -> Result<Option<Self>> {
        let Some(total) = Self::total(all.iter().copied())? else { return Ok(None) };
        let infinite = |h: &Self| h.values().iter().any(|v| v.is_infinite());
        if infinite(&total) && !all.iter().any(|h| infinite(h)) {
            return Err(Failure::Unspecified("a mean of histograms whose sum overflows"));
        }
        // One histogram is its own mean to the bit.
        Ok(Some(if all.len() == 1 { total } else { total.over(all.len() as f64) }))
    }

    /// All its numbers.
    pub(crate) fn values(&self) -> Vec<f64> {
        let buckets = self.positive.values().chain(self.negative.values());
        [self.count, self.sum, self.zero_count].iter().chain(buckets).copied().collect()
    }

    /// Whether it cannot have come from `before` by observing more.
    pub(crate) fn was_reset(&self, before: &Self) -> Result<bool> {
        match self.hint {
            ResetHint::NotReset => return Ok(false),
            ResetHint::Reset => return Ok(true),
            ResetHint::Gauge | ResetHint::Unknown => {}
        }
        if self.count < before.count || self.is_custom() != before.is_custom() {
            return Ok(true);
        }
        if let (Layout::Custom(a), Layout::Custom(b)) = (&self.layout, &before.layout) {
            if a == b {
                return Ok(fell(&self.positive, &before.positive));
            }
            let common: Vec<f64> = a.iter().copied().filter(|v| b.contains(v)).collect();
            let (now, then) = (self.with_bounds(&common), before.with_bounds(&common));
            // Sums up to each bound of both are compared: one that is not there is zero.
            let count = |of: &Self, at: i32| of.positive.get(&at).copied().unwrap_or(0.0);
            return Ok((0..=common.len() as i32).any(|at| count(&now, at) < count(&then, at)));
        }
        if before.schema() < self.schema() || self.zero_threshold < before.zero_threshold {
            return Ok(true);
        }
        let (threshold, zero_count) = before.below(self.zero_threshold);
        if threshold != self.zero_threshold || self.zero_count < zero_count {
            return Ok(true);
        }
        if self.zero_threshold != before.zero_threshold && self.schema() != before.schema() {
            return Err(Failure::Unspecified("a zero bucket between the buckets of two schemas"));
        }
        let then = before.with_zero((threshold, zero_count)).coarser(self.schema());
        Ok(fell(&self.positive, &then.positive) || fell(&self.negative, &then.negative))
    }

    /// Whether both are the same, which may hang on what does not show: empty buckets, last digits.
    pub(crate) fn equals(&self, other: &Self) -> Result<bool> {
        let bits = |h: &Self| {
            let side = |buckets: &Buckets| -> Vec<(i32, u64)> {
                buckets.iter().map(|(i, v)| (*i, v.to_bits())).collect()
            };
            let numbers = [h.count, h.sum, h.zero_count, h.zero_threshold].map(f64::to_bits);
            (numbers, side(&h.positive), side(&h.negative))
        };
        if self.layout != other.layout {
            return Ok(false);
        }
        if bits(self) == bits(other) {
            return Ok(true);
        }
        if self.almost_equals(other) {
            return Err(Failure::Unspecified("histograms that differ in what does not show"));
        }
        Ok(false)
    }

    /// Whether both are the same but for rounding and empty buckets.
    pub(crate) fn almost_equals(&self, other: &Self) -> bool {
        let close = super::compare::almost_equal;
        // Differences of large counts are rounded as those are.
        let size = |h: &Self| h.values().iter().map(|v| v.abs()).fold(0.0, f64::max);
        let noise = size(self).max(size(other)) * 1e-14;
        let close = |a: f64, b: f64| close(a, b) || (a - b).abs() <= noise;
        let side = |a: &Buckets, b: &Buckets| {
            let indices: BTreeSet<i32> = a.keys().chain(b.keys()).copied().collect();
            let count = |buckets: &Buckets, index| buckets.get(index).copied().unwrap_or(0.0);
            indices.iter().all(|index| close(count(a, index), count(b, index)))
        };
        self.layout == other.layout
            && self.zero_threshold == other.zero_threshold
            && close(self.zero_count, other.zero_count)
            && close(self.count, other.count)
            && close(self.sum, other.sum)
            && side(&self.positive, &other.positive)
            && side(&self.negative, &other.negative)
    }

    /// As stores and engines have it.
    pub(crate) fn to_float(&self) -> FloatHistogram {
        let (positive_spans, positive_buckets) = spans(&self.positive);
        let (negative_spans, negative_buckets) = spans(&self.negative);
        FloatHistogram {
            reset_hint: self.hint,
            schema: self.schema(),
            zero_threshold: self.zero_threshold,
            zero_count: self.zero_count,
            count: self.count,
            sum: self.sum,
            positive_spans,
            negative_spans,
            positive_buckets,
            negative_buckets,
            custom_values: self.bounds().into(),
        }
    }

    /// From what an engine found.
    pub(crate) fn of(h: &FloatHistogram) -> Self {
        let side = |spans: &[Span], counts: &[f64]| {
            let (mut out, mut index, mut counts) = (Buckets::new(), 0, counts.iter());
            for span in spans {
                index += span.offset;
                for count in counts.by_ref().take(span.length as usize) {
                    out.insert(index, *count);
                    index += 1;
                }
            }
            out
        };
        let layout = if h.schema == CUSTOM_BUCKETS_SCHEMA {
            Layout::Custom(h.custom_values.to_vec())
        } else {
            Layout::Exponential(h.schema)
        };
        Self {
            hint: h.reset_hint,
            layout,
            zero_threshold: h.zero_threshold,
            zero_count: h.zero_count,
            count: h.count,
            sum: h.sum,
            positive: side(&h.positive_spans, &h.positive_buckets),
            negative: side(&h.negative_spans, &h.negative_buckets),
        }
    }
}

/// Whether a bucket holds less now, or is gone.
fn fell(now: &Buckets, then: &Buckets) -> bool {
    then.iter().any(|(index, before)| match now.get(index) {
        Some(count) => count < before,
        None => *before != 0.0,
    })
}

fn spans(buckets: &Buckets) -> (Vec<Span>, Vec<f64>) {
    let (mut spans, mut next) = (Vec::<Span>::new(), 0);
    for index in buckets.keys() {
        match spans.last_mut().filter(|_| next == *index) {
            Some(span) => span.length += 1,
            None => spans.push(Span { offset: index - next, length: 1 }),
        }
        next = index + 1;
    }
    (spans, buckets.values().copied().collect())
}
