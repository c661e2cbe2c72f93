//! Slopes: `rate`, `increase`, `delta`, `irate`, `idelta`.

mod even;

use std::sync::Arc;

use skopos_core::{FloatHistogram, ResetHint};

pub(crate) use self::even::{Moves, of_even_floats};

use super::window::{Cell, Context, Window, float, histogram, start_reset};
use crate::annotation::HistogramOp;
use crate::histogram;

/// Which of the extrapolating functions.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Slope {
    /// Whether resets are counted in, and the value is never below zero.
    pub(crate) counter: bool,
    /// Whether the result is per second.
    pub(crate) per_second: bool,
}

impl Slope {
    pub(crate) const DELTA: Self = Self { counter: false, per_second: false };
    pub(crate) const INCREASE: Self = Self { counter: true, per_second: false };
    pub(crate) const RATE: Self = Self { counter: true, per_second: true };
}

/// What is extrapolated: the samples' extent and the raw difference.
struct Extent {
    first: i64,
    last: i64,
    /// How many intervals lie between the samples.
    intervals: usize,
    /// When the counter is known to have started within the range.
    started: Option<i64>,
}

/// The slope over the window, extrapolated to its ends where they are near enough.
pub(crate) fn extrapolated(window: &Window<'_>, slope: Slope, cx: &Context<'_>) -> Cell {
    if !window.values().is_empty() && !window.histograms().is_empty() {
        cx.notes.mixed_floats_histograms(cx.name(), cx.span);
        return None;
    }
    if window.histograms().is_empty() {
        of_floats(window, slope, cx, &mut Factors::default()).and_then(float)
    } else {
        of_histograms(window, slope, cx)
    }
}

/// The slope of a window of floats.
#[inline]
pub(crate) fn of_floats(
    window: &Window<'_>,
    slope: Slope,
    cx: &Context<'_>,
    factors: &mut Factors,
) -> Option<f64> {
    let (times, values, starts) = (window.times(), window.values(), window.starts());
    let extent = extent(window, times, starts, slope)?;
    let mut raw = values[values.len() - 1] - values[0];
    if slope.counter {
        for before in window.before_resets() {
            raw += before;
        }
        if extent.started.is_some() {
            raw += values[0];
        }
        warn_of_overlap(times, starts, cx);
    }
    if extent.started.is_some() {
        return Some(raw * factor(window, &extent, slope, None));
    }
    factors.prepare(window, &extent, slope);
    let factor = if slope.counter {
        factors.of_counter(window, slope, values[0], raw)
    } else {
        factors.factor
    };
    Some(raw * factor)
}

fn of_histograms(window: &Window<'_>, slope: Slope, cx: &Context<'_>) -> Cell {
    let (times, points) = (window.histogram_times(), window.histograms());
    let starts = window.histogram_starts();
    let extent = extent(window, times, starts, slope)?;
    let mut raw = raw_histogram(window, slope, extent.started.is_some(), cx)?;
    if slope.counter {
        warn_of_overlap(times, starts, cx);
    }
    let first = &points[0];
    let zero =
        (slope.counter && 0.0 < raw.count && 0.0 <= first.count).then(|| first.count / raw.count);
    histogram::mul(&mut raw, factor(window, &extent, slope, zero));
    raw.reset_hint = ResetHint::Gauge;
    histogram(raw)
}

/// The samples' extent, if there are enough of them.
fn extent(window: &Window<'_>, times: &[i64], starts: &[i64], slope: Slope) -> Option<Extent> {
    let (first, last) = (*times.first()?, *times.last()?);
    let started = starts
        .first()
        .copied()
        .filter(|start| slope.counter && *start != 0 && window.start < *start && *start < first);
    if times.len() < 2 && started.is_none() {
        return None;
    }
    Some(Extent { first, last, intervals: times.len() - 1, started })
}

/// Warns where a counter starts before the sample of another counter before it.
fn warn_of_overlap(times: &[i64], starts: &[i64], cx: &Context<'_>) {
    let overlaps =
        |i: usize| starts[i] != 0 && starts[i] < times[i - 1] && starts[i] != starts[i - 1];
    if (1..starts.len().min(times.len())).any(overlaps) {
        cx.notes.start_timestamp_overlap(cx.name(), cx.span);
    }
}

/// What the raw difference is multiplied by; `zero` is the first value in parts of the difference,
/// where the counter cannot have been below zero.
fn factor(window: &Window<'_>, extent: &Extent, slope: Slope, zero: Option<f64>) -> f64 {
    let mut reach = Reach::new(window, extent);
    if let (Some(zero), None) = (zero, extent.started) {
        reach.to_start = reach.start_above_zero(zero).unwrap_or(reach.to_start);
    }
    reach.factor(window, slope)
}

/// How far samples reach, and how far they are extrapolated; in seconds.
#[derive(Clone, Copy, Debug, Default)]
struct Reach {
    sampled: f64,
    to_start: f64,
    to_end: f64,
}

impl Reach {
    fn new(window: &Window<'_>, extent: &Extent) -> Self {
        let seconds = |from: i64, to: i64| (to - from) as f64 / 1000.0;
        let mut sampled = seconds(extent.first, extent.last);
        let average = if extent.intervals == 0 { 0.0 } else { sampled / extent.intervals as f64 };
        let threshold = average * 1.1;
        let mut to_start = seconds(window.start, extent.first);
        let mut to_end = seconds(extent.last, window.end);
        if let Some(started) = extent.started {
            to_start = 0.0;
            sampled = seconds(started, extent.last);
        } else if threshold <= to_start {
            to_start = average / 2.0;
        }
        if threshold <= to_end {
            to_end = average / 2.0;
        }
        Self { sampled, to_start, to_end }
    }

    /// How far it is to where the counter was zero, if that is nearer than the start.
    fn start_above_zero(&self, zero: f64) -> Option<f64> {
        let to_zero = self.sampled * zero;
        (to_zero < self.to_start).then_some(to_zero)
    }

    fn factor(&self, window: &Window<'_>, slope: Slope) -> f64 {
        let Self { sampled, to_start, to_end } = *self;
        let factor = if sampled == 0.0 { 1.0 } else { (sampled + to_start + to_end) / sampled };
        if slope.per_second { factor / window.range_seconds() } else { factor }
    }
}

/// The factor of the window before: where samples come at equal distances, it is the next one's too.
#[derive(Debug, Default)]
pub(crate) struct Factors {
    /// What the rest depends on: lengths in milliseconds, and how many samples there are. The first
    /// is never 0 in a window.
    key: [i64; 5],
    reach: Reach,
    factor: f64,
}

impl Factors {
    /// Finds the factor of a window, whose counter is not known to have started within it.
    #[inline]
    fn prepare(&mut self, window: &Window<'_>, extent: &Extent, slope: Slope) {
        let Extent { first, last, intervals, .. } = *extent;
        let to_end = window.end - last;
        let range = window.end - window.start;
        let key = [first - window.start, last - first, to_end, range, intervals as i64];
        // Not by the operator, which for arrays is a call.
        if self.key.iter().zip(&key).fold(0, |differs, (a, b)| differs | (a ^ b)) != 0 {
            self.key = key;
            self.reach = Reach::new(window, extent);
            self.factor = self.reach.factor(window, slope);
        }
    }

    /// The factor for a counter, which may have been zero between the window's start and `first`.
    fn of_counter(&self, window: &Window<'_>, slope: Slope, first: f64, raw: f64) -> f64 {
        let zero = (0.0 < raw && 0.0 <= first).then(|| first / raw);
        match zero.and_then(|zero| self.reach.start_above_zero(zero)) {
            Some(to_start) => Reach { to_start, ..self.reach }.factor(window, slope),
            None => self.factor,
        }
    }
}

/// The last histogram less the first, resets added; `None` after a warning.
fn raw_histogram(
    window: &Window<'_>,
    slope: Slope,
    started: bool,
    cx: &Context<'_>,
) -> Option<FloatHistogram> {
    let (times, starts) = (window.histogram_times(), window.histogram_starts());
    let points = window.histograms();
    let last = &points[points.len() - 1];
    let is_reset = |i: usize, previous: &FloatHistogram| {
        start_reset(times, starts, i) || histogram::detect_reset(&points[i], previous)
    };
    // Before a reset, nothing of the first histogram matters.
    let reset_at_once = slope.counter && 1 < points.len() && is_reset(1, &points[0]);
    let nulled = reset_at_once.then(|| empty_like(&points[1]));
    let first = nulled.as_ref().unwrap_or(&points[0]);
    warn_of_kind(points, slope, cx);
    let schema = common_schema(points, first, slope, cx)?;
    let mut h = FloatHistogram::clone(last);
    histogram::reduce(&mut h, schema);
    let outcome = histogram::sub(&mut h, first).map_err(|_| mixed_schemas(cx)).ok()?;
    if outcome.reconciled {
        cx.notes.reconciled_bounds(HistogramOp::Subtraction, cx.span);
    }
    let mut add = |other: &FloatHistogram| {
        let outcome = histogram::add(&mut h, other).map_err(|_| mixed_schemas(cx)).ok()?;
        if outcome.reconciled {
            cx.notes.reconciled_bounds(HistogramOp::Addition, cx.span);
        }
        Some(())
    };
    if slope.counter {
        for i in 1..points.len() {
            let previous = if i == 1 { first } else { &*points[i - 1] };
            if is_reset(i, previous) {
                add(previous)?;
            }
        }
        if started {
            add(&points[0])?;
        }
    }
    histogram::compact(&mut h);
    Some(h)
}

/// An empty histogram with the same layout.
fn empty_like(h: &FloatHistogram) -> FloatHistogram {
    FloatHistogram {
        schema: h.schema,
        custom_values: Arc::clone(&h.custom_values),
        ..FloatHistogram::default()
    }
}

fn mixed_schemas(cx: &Context<'_>) {
    cx.notes.mixed_exponential_custom(cx.name(), cx.span);
}

/// Warns of gauges where counters are expected, and the reverse.
fn warn_of_kind(points: &[Arc<FloatHistogram>], slope: Slope, cx: &Context<'_>) {
    let is_gauge = |h: &Arc<FloatHistogram>| h.reset_hint == ResetHint::Gauge;
    if slope.counter {
        if points.iter().any(is_gauge) {
            cx.notes.native_not_counter(cx.name(), cx.span);
        }
    } else if !is_gauge(&points[0]) || !is_gauge(&points[points.len() - 1]) {
        cx.notes.native_not_gauge(cx.name(), cx.span);
    }
}

/// The coarsest schema of the histograms that matter; `None` where kinds of buckets mix.
fn common_schema(
    points: &[Arc<FloatHistogram>],
    first: &FloatHistogram,
    slope: Slope,
    cx: &Context<'_>,
) -> Option<i32> {
    let last = &points[points.len() - 1];
    let custom = first.uses_custom_buckets();
    let mut schema = first.schema.min(last.schema);
    let between =
        if slope.counter { points.get(1..points.len() - 1).unwrap_or_default() } else { &[] };
    for h in between {
        schema = schema.min(h.schema);
    }
    if last.uses_custom_buckets() != custom
        || between.iter().any(|h| h.uses_custom_buckets() != custom)
    {
        mixed_schemas(cx);
        return None;
    }
    Some(schema)
}

/// A float or histogram sample with its time and start timestamp.
#[derive(Clone, Copy)]
struct Point<'a> {
    t: i64,
    start: i64,
    v: Result<f64, &'a Arc<FloatHistogram>>,
}

/// The difference of the last two samples, per second for `irate`.
pub(crate) fn instant(window: &Window<'_>, is_rate: bool, cx: &Context<'_>) -> Cell {
    let [previous, last] = last_two(window)?;
    let interval = last.t - previous.t;
    if interval == 0 {
        return None;
    }
    let seconds = interval as f64 / 1000.0;
    let starts = [previous.start, last.start];
    let by_start = start_reset(&[previous.t, last.t], &starts, 1);
    match (previous.v, last.v) {
        (Ok(previous), Ok(v)) => {
            let reset = is_rate && (v < previous || by_start);
            let difference = if reset { v } else { v - previous };
            float(if is_rate { difference / seconds } else { difference })
        }
        (Err(previous), Err(h)) => {
            instant_histogram(previous, h, is_rate, by_start, cx).and_then(|mut h| {
                if is_rate {
                    histogram::div(&mut h, seconds);
                }
                histogram(h)
            })
        }
        _ => {
            cx.notes.mixed_floats_histograms(cx.name(), cx.span);
            None
        }
    }
}

fn instant_histogram(
    previous: &Arc<FloatHistogram>,
    last: &Arc<FloatHistogram>,
    is_rate: bool,
    by_start: bool,
    cx: &Context<'_>,
) -> Option<FloatHistogram> {
    let gauges = [previous, last].map(|h| h.reset_hint == ResetHint::Gauge);
    if is_rate && gauges.contains(&true) {
        cx.notes.native_not_counter(cx.name(), cx.span);
    }
    if !is_rate && gauges.contains(&false) {
        cx.notes.native_not_gauge(cx.name(), cx.span);
    }
    let mut h = FloatHistogram::clone(last);
    if !is_rate || !(by_start || histogram::detect_reset(last, previous)) {
        let outcome = histogram::sub(&mut h, previous).map_err(|_| mixed_schemas(cx)).ok()?;
        if outcome.reconciled {
            cx.notes.reconciled_bounds(HistogramOp::Subtraction, cx.span);
        }
    }
    h.reset_hint = ResetHint::Gauge;
    histogram::compact(&mut h);
    Some(h)
}

/// The last two samples, floats and histograms together, in order.
fn last_two<'a>(window: &Window<'a>) -> Option<[Point<'a>; 2]> {
    let (times, values, starts) = (window.times(), window.values(), window.starts());
    let mut found: Vec<Point<'a>> = (times.len().saturating_sub(2)..times.len())
        .map(|i| Point {
            t: times[i],
            start: starts.get(i).copied().unwrap_or(0),
            v: Ok(values[i]),
        })
        .collect();
    let (times, points) = (window.histogram_times(), window.histograms());
    let starts = window.histogram_starts();
    for i in times.len().saturating_sub(2)..times.len() {
        let start = starts.get(i).copied().unwrap_or(0);
        let point = Point { t: times[i], start, v: Err(&points[i]) };
        match found.as_mut_slice() {
            [] => found.push(point),
            [only] if point.t < only.t => found.insert(0, point),
            [_] => found.push(point),
            [older, _] if point.t < older.t => {}
            [older, newer] if newer.t < point.t => {
                *older = *newer;
                *newer = point;
            }
            [older, ..] => *older = point,
        }
    }
    <[Point<'a>; 2]>::try_from(found).ok()
}
