//! Aggregations over many windows of the same floats, each of which overlaps the next.
//!
//! What can be carried from a window to the next is carried, where the result keeps its bits: extremes
//! and ranks always, sums only where no addition rounds. Sums that round start anew in every window,
//! as upstream's do, but several windows at a time.

use super::over_time::{
    Moments, max_of, mean_of, min_of, nan_first, quantile_by_rank, quantile_of, sum_of, variance_of,
};
use crate::kahan::Sum;

/// The floats that one step sees, as indices; start included, end excluded, at least one.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Span {
    pub(crate) step: usize,
    pub(crate) from: usize,
    pub(crate) to: usize,
}

impl Span {
    fn len(self) -> usize {
        self.to - self.from
    }

    fn of(self, values: &[f64]) -> &[f64] {
        &values[self.from..self.to]
    }
}

/// How many windows are summed at the same time: as many as keep a processor's adders busy.
const LANES: usize = 4;
/// Values up to this size have sums that stay finite, whatever is added on the way.
const NO_OVERFLOW: f64 = 1e290;
/// The same for sums of squares.
const NO_OVERFLOW_SQUARED: f64 = 1e140;
/// Windows shorter than this are sorted faster than kept in order.
const SHORT: usize = 24;

/// Whether windows overlap so much that values are seen `times` times over, on average.
fn overlap(values: &[f64], spans: &[Span], times: usize) -> bool {
    values.len().saturating_mul(times) <= spans.iter().map(|span| span.len()).sum()
}

/// How many of the first windows have so many samples that looking at all of them takes a few
/// milliseconds.
pub(crate) fn block(spans: &[Span]) -> usize {
    const SAMPLES: usize = 1 << 24;
    let mut seen = 0;
    let is_over = |span: &Span| {
        seen += span.len();
        SAMPLES <= seen
    };
    let count = spans.iter().position(is_over).map_or(spans.len(), |at| at + 1);
    // Whole rows of lanes.
    count.next_multiple_of(2 * LANES).min(spans.len())
}

fn are_within(values: &[f64], limit: f64) -> bool {
    values.iter().all(|v| v.abs() <= limit)
}

/// The greatest float of each window; NaN where all are.
pub(crate) fn max(values: &[f64], spans: &[Span], out: &mut impl FnMut(usize, f64)) {
    if overlap(values, spans, 2) {
        extremes(values, spans, |v, best| best < v, out);
    } else {
        spans.iter().for_each(|span| out(span.step, max_of(span.of(values))));
    }
}

/// The least float of each window; NaN where all are.
pub(crate) fn min(values: &[f64], spans: &[Span], out: &mut impl FnMut(usize, f64)) {
    if overlap(values, spans, 2) {
        extremes(values, spans, |v, best| v < best, out);
    } else {
        spans.iter().for_each(|span| out(span.step, min_of(span.of(values))));
    }
}

/// The first of the best floats of each window.
fn extremes(
    values: &[f64],
    spans: &[Span],
    beats: impl Fn(f64, f64) -> bool,
    out: &mut impl FnMut(usize, f64),
) {
    // Those that nothing after them beats, the best first; those before `head` have left.
    let mut kept: Vec<usize> = Vec::new();
    let (mut head, mut next) = (0, 0);
    for span in spans {
        for i in next.max(span.from)..span.to {
            if values[i].is_nan() {
                continue;
            }
            while head < kept.len() && beats(values[i], values[kept[kept.len() - 1]]) {
                kept.pop();
            }
            kept.push(i);
        }
        next = next.max(span.to);
        while kept.get(head).is_some_and(|i| *i < span.from) {
            head += 1;
        }
        // Of nothing but NaN it is the last.
        let best = kept.get(head).copied().unwrap_or(span.to - 1);
        out(span.step, values[best]);
    }
}

/// The sum of each window, compensated.
pub(crate) fn sum(values: &[f64], spans: &[Span], out: &mut impl FnMut(usize, f64)) {
    if let Some(sums) = exact_sums(values, spans) {
        spans.iter().for_each(|span| out(span.step, sums[span.to] - sums[span.from]));
    } else if are_within(values, NO_OVERFLOW) {
        each_sum(values, spans, |span, sum| out(span.step, sum.total()));
    } else {
        spans.iter().for_each(|span| out(span.step, sum_of(span.of(values))));
    }
}

/// The mean of each window, compensated.
pub(crate) fn mean(values: &[f64], spans: &[Span], out: &mut impl FnMut(usize, f64)) {
    let mut emit = |span: Span, sum: Sum| {
        let sum = sum.divided(span.len() as f64);
        out(span.step, sum.total());
    };
    if let Some(sums) = exact_sums(values, spans) {
        spans.iter().for_each(|span| emit(*span, Sum::new(sums[span.to] - sums[span.from])));
    } else if are_within(values, NO_OVERFLOW) {
        each_sum(values, spans, emit);
    } else {
        for span in spans {
            if let Some(mean) = mean_of(span.of(values)) {
                out(span.step, mean);
            }
        }
    }
}

/// The sums of the first `i` values, if none of them nor any of their differences is rounded.
///
/// Then sums of windows are differences, and their compensation is zero.
fn exact_sums(values: &[f64], spans: &[Span]) -> Option<Vec<f64>> {
    if !overlap(values, spans, 2) {
        return None;
    }
    // All values are multiples of `unit`, so all sums are; those below 2⁵³ units have no rounding.
    // Half of that leaves room for differences.
    let (mut unit, mut limit) = (f64::INFINITY, f64::INFINITY);
    // A later value may have a smaller unit, in which earlier sums are too large.
    let mut largest = 0.0_f64;
    let mut sums = Vec::with_capacity(values.len() + 1);
    let mut sum = 0.0;
    sums.push(sum);
    for v in values {
        // Most values are whole numbers, which need no look at their bits.
        if (*v as i64) as f64 != *v || unit == f64::INFINITY {
            unit = unit.min(last_bit(*v)?).min(1.0);
            limit = unit * 4_503_599_627_370_496.0;
        }
        sum += v;
        largest = largest.max(sum.abs());
        if limit < largest {
            return None;
        }
        sums.push(sum);
    }
    Some(sums)
}

/// The value of the lowest bit that is set; infinite for zero, none for what is not a normal number.
fn last_bit(v: f64) -> Option<f64> {
    if v == 0.0 {
        return Some(f64::INFINITY);
    }
    if !v.is_normal() {
        return None;
    }
    // Without the lowest bit of the fraction, or of the bit before it that is not written.
    let bits = v.abs().to_bits();
    let fraction = bits & ((1 << 52) - 1);
    let rest = if fraction == 0 { 0.0 } else { f64::from_bits(bits & (bits - 1)) };
    Some(v.abs() - rest)
}

/// Adds `v` to `sum`, and what rounding lost to `lost`.
///
/// The same bits as [`Sum::plus`], of sums that stay finite: both compute the error exactly. This way
/// takes more operations, but no branch.
#[inline(always)]
fn two_sum(sum: &mut f64, lost: &mut f64, v: f64) {
    let before = *sum;
    *sum = before + v;
    let added = *sum - before;
    *lost += (before - (*sum - added)) + (v - added);
}

/// The windows side by side, as long as the shortest one.
fn side_by_side<'v, const N: usize>(values: &'v [f64], spans: &[Span; N]) -> [&'v [f64]; N] {
    let shared = spans.iter().map(|span| span.len()).min().unwrap_or(0);
    spans.map(|span| &values[span.from..span.from + shared])
}

/// Calls `emit` with the sum of each window, all values being small enough for sums to stay finite.
fn each_sum(values: &[f64], spans: &[Span], mut emit: impl FnMut(Span, Sum)) {
    let (chunks, rest) = spans.as_chunks::<LANES>();
    for spans in chunks {
        let lanes = side_by_side(values, spans);
        let (mut sum, mut lost) = ([0.0; LANES], [0.0; LANES]);
        let shared = lanes[0].len();
        for k in 0..shared {
            for (lane, v) in lanes.map(|lane| lane[k]).into_iter().enumerate() {
                two_sum(&mut sum[lane], &mut lost[lane], v);
            }
        }
        for (lane, span) in spans.iter().enumerate() {
            let mut total = Sum { sum: sum[lane], lost: lost[lane] };
            span.of(values)[shared..].iter().for_each(|v| total.add(*v));
            emit(*span, total);
        }
    }
    for span in rest {
        let mut total = Sum::default();
        span.of(values).iter().for_each(|v| total.add(*v));
        emit(*span, total);
    }
}

/// The population variance of each window, compensated.
pub(crate) fn variance(values: &[f64], spans: &[Span], out: &mut impl FnMut(usize, f64)) {
    // Divisions take long, but many can be under way.
    const WIDE: usize = 2 * LANES;
    let (chunks, rest) = if are_within(values, NO_OVERFLOW_SQUARED) {
        spans.as_chunks::<WIDE>()
    } else {
        (Default::default(), spans)
    };
    for spans in chunks {
        let lanes = side_by_side(values, spans);
        let shared = lanes[0].len();
        let (mut mean, mut mean_lost) = ([0.0; WIDE], [0.0; WIDE]);
        let (mut aux, mut aux_lost) = ([0.0; WIDE], [0.0; WIDE]);
        let mut count = 0.0;
        for k in 0..shared {
            count += 1.0;
            for (i, v) in lanes.map(|lane| lane[k]).into_iter().enumerate() {
                let delta = v - (mean[i] + mean_lost[i]);
                two_sum(&mut mean[i], &mut mean_lost[i], delta / count);
                let square = delta * (v - (mean[i] + mean_lost[i]));
                two_sum(&mut aux[i], &mut aux_lost[i], square);
            }
        }
        for (i, span) in spans.iter().enumerate() {
            let mean = Sum { sum: mean[i], lost: mean_lost[i] };
            let aux = Sum { sum: aux[i], lost: aux_lost[i] };
            let so_far = Moments { count: shared, mean, aux };
            out(span.step, variance_of(span.of(values), so_far));
        }
    }
    for span in rest {
        out(span.step, variance_of(span.of(values), Moments::default()));
    }
}

/// The quantile of each window that `q` tells for its step, until `stop` holds.
pub(crate) fn quantile(
    values: &[f64],
    spans: &[Span],
    q: impl Fn(usize) -> f64,
    stop: impl Fn() -> bool,
    out: &mut impl FnMut(usize, f64),
) {
    let spans_until_stop = || spans.iter().take_while(|_| !stop());
    let has_zero = |bits: u64| values.iter().any(|v| v.to_bits() == bits);
    // Which of two zeros comes first is the sort's own business.
    let two_zeros = has_zero(0) && has_zero((-0.0_f64).to_bits());
    let total: usize = spans.iter().map(|span| span.len()).sum();
    if two_zeros || !overlap(values, spans, 4) || total < SHORT.saturating_mul(spans.len()) {
        let mut scratch = Vec::new();
        for span in spans_until_stop() {
            scratch.clear();
            scratch.extend_from_slice(span.of(values));
            out(span.step, quantile_of(q(span.step), &mut scratch));
        }
        return;
    }
    let mut ranks = Ranks::new(values);
    for span in spans_until_stop() {
        ranks.slide(*span);
        let ranked = |rank| values[ranks.nth(rank)];
        out(span.step, quantile_by_rank(q(span.step), span.len(), ranked));
    }
}

/// A window whose values can be asked for by their rank.
struct Ranks {
    /// The indices of all values in the order of the values.
    order: Vec<u32>,
    /// Where in `order` each value stands.
    places: Vec<u32>,
    /// How many values of the window stand in the places that end at each one: a Fenwick tree.
    counts: Vec<u32>,
    from: usize,
    to: usize,
}

impl Ranks {
    fn new(values: &[f64]) -> Self {
        let mut order: Vec<u32> = (0..values.len() as u32).collect();
        order.sort_unstable_by(|a, b| nan_first(&values[*a as usize], &values[*b as usize]));
        let mut places = vec![0; values.len()];
        for (place, i) in order.iter().enumerate() {
            places[*i as usize] = place as u32;
        }
        Self { order, places, counts: vec![0; values.len() + 1], from: 0, to: 0 }
    }

    /// Moves the window on.
    fn slide(&mut self, span: Span) {
        for i in self.from..span.from.min(self.to) {
            self.count(i, u32::MAX);
        }
        for i in self.to.max(span.from)..span.to {
            self.count(i, 1);
        }
        (self.from, self.to) = (span.from, span.to);
    }

    fn count(&mut self, i: usize, more: u32) {
        let mut at = self.places[i] as usize + 1;
        while at < self.counts.len() {
            self.counts[at] = self.counts[at].wrapping_add(more);
            at += at & at.wrapping_neg();
        }
    }

    /// The index of the value with this rank in the window.
    fn nth(&self, mut rank: usize) -> usize {
        let mut place = 0;
        let mut width = self.counts.len().next_power_of_two() / 2;
        while width != 0 {
            if let Some(count) = self.counts.get(place + width).map(|count| *count as usize)
                && count <= rank
            {
                rank -= count;
                place += width;
            }
            width /= 2;
        }
        self.order[place] as usize
    }
}

#[cfg(test)]
mod tests;
