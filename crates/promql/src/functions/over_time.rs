//! Aggregations over time: `sum_over_time` and its relatives.

use std::cmp::Ordering;

use skopos_core::{FloatHistogram, ResetHint, SampleValue};

use super::window::{Cell, Context, Window, float, histogram, start_reset};
use crate::annotation::HistogramOp;
use crate::histogram::{self, Accumulator, HistogramMean, Incompatible, Outcome};
use crate::kahan::{Mean, Sum};

/// Notes that histograms among floats were ignored; whether there are floats at all.
fn floats_only(window: &Window<'_>, cx: &Context<'_>) -> bool {
    if window.values().is_empty() {
        return false;
    }
    if !window.histograms().is_empty() {
        cx.notes.histogram_ignored_in_mixed_range(cx.name(), cx.span);
    }
    true
}

/// Warns of floats and histograms in one window; whether there are both.
fn is_mixed(window: &Window<'_>, cx: &Context<'_>) -> bool {
    let mixed = !window.values().is_empty() && !window.histograms().is_empty();
    if mixed {
        cx.notes.mixed_floats_histograms(cx.name(), cx.span);
    }
    mixed
}

/// What folding histograms found out on the way.
#[derive(Default)]
struct Seen {
    reset: bool,
    not_reset: bool,
    reconciled: bool,
}

impl Seen {
    fn hint(&mut self, h: &FloatHistogram) {
        self.reset |= h.reset_hint == ResetHint::Reset;
        self.not_reset |= h.reset_hint == ResetHint::NotReset;
    }

    /// Folds all histograms but the first, and says what is to be said.
    fn fold(
        mut self,
        window: &Window<'_>,
        cx: &Context<'_>,
        mut add: impl FnMut(&FloatHistogram) -> Result<Outcome, Incompatible>,
    ) -> Option<()> {
        let (first, rest) = window.histograms().split_first()?;
        self.hint(first);
        for h in rest {
            self.hint(h);
            match add(h) {
                Ok(outcome) => self.reconciled |= outcome.reconciled,
                Err(Incompatible) => {
                    cx.notes.mixed_exponential_custom(cx.name(), cx.span);
                    return None;
                }
            }
        }
        if self.reset && self.not_reset {
            cx.notes.reset_collision(HistogramOp::Aggregation, cx.span);
        }
        if self.reconciled {
            cx.notes.reconciled_bounds(HistogramOp::Aggregation, cx.span);
        }
        Some(())
    }
}

pub(crate) fn sum(window: &Window<'_>, cx: &Context<'_>) -> Cell {
    if is_mixed(window, cx) {
        return None;
    }
    if let Some(first) = window.histograms().first() {
        let mut sum = Accumulator::new(first);
        Seen::default().fold(window, cx, |h| sum.add(h))?;
        return histogram(sum.finish());
    }
    float(sum_of(window.values()))
}

/// The sum of floats.
pub(crate) fn sum_of(values: &[f64]) -> f64 {
    let mut sum = Sum::default();
    for v in values {
        sum.add(*v);
    }
    if sum.sum.is_infinite() { sum.sum } else { sum.total() }
}

pub(crate) fn avg(window: &Window<'_>, cx: &Context<'_>) -> Cell {
    if is_mixed(window, cx) {
        return None;
    }
    if let Some(first) = window.histograms().first() {
        let mut mean = HistogramMean::new(first);
        Seen::default().fold(window, cx, |h| mean.add(h))?;
        return histogram(mean.value());
    }
    mean_of(window.values()).and_then(float)
}

/// The mean of floats, if there are any.
pub(crate) fn mean_of(values: &[f64]) -> Option<f64> {
    let (first, rest) = values.split_first()?;
    let mut mean = Mean::new(*first);
    for v in rest {
        mean.add(*v);
    }
    Some(mean.value())
}

/// The greatest float; NaN where all are.
pub(crate) fn max_of(values: &[f64]) -> f64 {
    extreme(values, |v, best| best < v).1
}

/// The least float; NaN where all are.
pub(crate) fn min_of(values: &[f64]) -> f64 {
    extreme(values, |v, best| v < best).1
}

pub(crate) fn count(window: &Window<'_>) -> Cell {
    float(window.len() as f64)
}

/// The first sample, histograms before floats of the same time.
pub(crate) fn first(window: &Window<'_>) -> Cell {
    let float_first = match (window.times().first(), window.histogram_times().first()) {
        (Some(t), Some(h)) => t < h,
        (t, _) => t.is_some(),
    };
    if float_first {
        return float(window.values()[0]);
    }
    window.histograms().first().cloned().map(SampleValue::Histogram)
}

/// The last sample, histograms before floats of the same time.
pub(crate) fn last(window: &Window<'_>) -> Cell {
    let float_last = match (window.times().last(), window.histogram_times().last()) {
        (Some(t), Some(h)) => h < t,
        (t, _) => t.is_some(),
    };
    if float_last {
        return window.values().last().copied().and_then(float);
    }
    window.histograms().last().cloned().map(SampleValue::Histogram)
}

/// Seconds after the epoch of the first sample.
pub(crate) fn time_of_first(window: &Window<'_>) -> Cell {
    let t = window.times().first().into_iter().chain(window.histogram_times().first()).min()?;
    float(*t as f64 / 1000.0)
}

/// Seconds after the epoch of the last sample.
pub(crate) fn time_of_last(window: &Window<'_>) -> Cell {
    let t = window.times().last().into_iter().chain(window.histogram_times().last()).max()?;
    float(*t as f64 / 1000.0)
}

/// The extreme of the floats, by a comparison that says whether a value beats the one so far; NaN
/// only where all are NaN. With its index.
fn extreme(values: &[f64], beats: impl Fn(f64, f64) -> bool) -> (usize, f64) {
    let mut best = (0, values.first().copied().unwrap_or(f64::NAN));
    for (i, v) in values.iter().enumerate() {
        if beats(*v, best.1) || best.1.is_nan() {
            best = (i, *v);
        }
    }
    best
}

pub(crate) fn max(window: &Window<'_>, cx: &Context<'_>) -> Cell {
    floats_only(window, cx).then(|| SampleValue::Float(max_of(window.values())))
}

pub(crate) fn min(window: &Window<'_>, cx: &Context<'_>) -> Cell {
    floats_only(window, cx).then(|| SampleValue::Float(min_of(window.values())))
}

/// Seconds after the epoch of the last of the greatest floats.
pub(crate) fn time_of_max(window: &Window<'_>, cx: &Context<'_>) -> Cell {
    time_of(window, cx, |v, best| best <= v)
}

/// Seconds after the epoch of the last of the least floats.
pub(crate) fn time_of_min(window: &Window<'_>, cx: &Context<'_>) -> Cell {
    time_of(window, cx, |v, best| v <= best)
}

fn time_of(window: &Window<'_>, cx: &Context<'_>, beats: impl Fn(f64, f64) -> bool) -> Cell {
    if !floats_only(window, cx) {
        return None;
    }
    let (at, _) = extreme(window.values(), beats);
    float(window.times()[at] as f64 / 1000.0)
}

/// The population variance, compensated.
pub(crate) fn variance(window: &Window<'_>, cx: &Context<'_>) -> Option<f64> {
    floats_only(window, cx).then(|| variance_of(window.values(), Moments::default()))
}

/// Count, mean and sum of squared distances of the values so far, compensated.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Moments {
    pub(crate) count: usize,
    pub(crate) mean: Sum,
    pub(crate) aux: Sum,
}

/// The population variance of floats, the first of which have been taken in already.
pub(crate) fn variance_of(values: &[f64], so_far: Moments) -> f64 {
    let Moments { count, mut mean, mut aux } = so_far;
    let rest = &values[count..];
    let mut count = count as f64;
    for v in rest {
        count += 1.0;
        let delta = v - mean.total();
        mean.add(delta / count);
        aux.add(delta * (v - mean.total()));
    }
    aux.total() / count
}

/// `quantile_over_time`; the warning for a bad `q` is the caller's.
pub(crate) fn quantile(
    q: f64,
    window: &Window<'_>,
    scratch: &mut Vec<f64>,
    cx: &Context<'_>,
) -> Cell {
    if !floats_only(window, cx) {
        return None;
    }
    scratch.clear();
    scratch.extend_from_slice(window.values());
    float(quantile_of(q, scratch))
}

/// The median of the distances from the median.
pub(crate) fn mad(window: &Window<'_>, scratch: &mut Vec<f64>, cx: &Context<'_>) -> Cell {
    if !floats_only(window, cx) {
        return None;
    }
    if window.values().iter().any(|v| v.is_nan()) {
        return float(f64::NAN);
    }
    scratch.clear();
    scratch.extend_from_slice(window.values());
    let median = quantile_of(0.5, scratch);
    scratch.clear();
    scratch.extend(window.values().iter().map(|v| (v - median).abs()));
    float(quantile_of(0.5, scratch))
}

/// The order in which quantiles see values: NaN first.
pub(crate) fn nan_first(a: &f64, b: &f64) -> Ordering {
    a.partial_cmp(b).unwrap_or_else(|| b.is_nan().cmp(&a.is_nan()))
}

/// The `q`-quantile of `values`, which are sorted on the way.
pub(crate) fn quantile_of(q: f64, values: &mut [f64]) -> f64 {
    if (0.0..=1.0).contains(&q) {
        values.sort_unstable_by(nan_first);
    }
    quantile_by_rank(q, values.len(), |rank| values[rank])
}

/// The `q`-quantile of as many values, which are told by their rank.
pub(crate) fn quantile_by_rank(q: f64, count: usize, ranked: impl Fn(usize) -> f64) -> f64 {
    if count == 0 || q.is_nan() {
        return f64::NAN;
    }
    if q < 0.0 {
        return f64::NEG_INFINITY;
    }
    if 1.0 < q {
        return f64::INFINITY;
    }
    let n = count as f64;
    let rank = q * (n - 1.0);
    let lower = rank.floor().max(0.0);
    let upper = (lower + 1.0).min(n - 1.0);
    let weight = rank - rank.floor();
    ranked(lower as usize) * (1.0 - weight) + ranked(upper as usize) * weight
}

/// How often a pair of neighbours, floats and histograms together, fulfills the condition.
fn count_pairs(
    window: &Window<'_>,
    floats: impl Fn(usize) -> bool,
    histograms: impl Fn(usize) -> bool,
) -> Cell {
    if window.histograms().is_empty() {
        return float((1..window.values().len()).filter(|i| floats(*i)).count() as f64);
    }
    let (times, histogram_times) = (window.times(), window.histogram_times());
    let (mut f, mut h, mut count) = (0, 0, 0);
    // Whether the sample before was a float.
    let mut previous = None;
    while f < times.len() || h < histogram_times.len() {
        let float_next =
            h == histogram_times.len() || (f < times.len() && times[f] < histogram_times[h]);
        let counts = match previous {
            None => false,
            Some(float_before) if float_before != float_next => true,
            Some(true) => floats(f),
            Some(false) => histograms(h),
        };
        count += usize::from(counts);
        if float_next {
            f += 1;
        } else {
            h += 1;
        }
        previous = Some(float_next);
    }
    float(count as f64)
}

/// Whether a float differs from the one before.
pub(crate) fn is_change(values: &[f64], i: usize) -> bool {
    values[i] != values[i - 1] && !(values[i].is_nan() && values[i - 1].is_nan())
}

pub(crate) fn changes(window: &Window<'_>) -> Cell {
    let (values, points) = (window.values(), window.histograms());
    count_pairs(
        window,
        |i| is_change(values, i),
        |i| !histogram::equals(&points[i], &points[i - 1]),
    )
}

pub(crate) fn resets(window: &Window<'_>) -> Cell {
    let (values, points) = (window.values(), window.histograms());
    count_pairs(
        window,
        |i| values[i] < values[i - 1] || start_reset(window.times(), window.starts(), i),
        |i| {
            start_reset(window.histogram_times(), window.histogram_starts(), i)
                || histogram::detect_reset(&points[i], &points[i - 1])
        },
    )
}
