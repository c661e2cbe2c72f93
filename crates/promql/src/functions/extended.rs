//! Range selectors that know what lies around their ends: `anchored` and `smoothed`.
//!
//! Windows here hold samples beyond the range: before its start, and for `smoothed` after its end.

use std::sync::Arc;

use skopos_core::{FloatHistogram, ResetHint};

use super::rate::Slope;
use super::window::{Cell, Context, Window, float, histogram};
use crate::annotation::HistogramOp;
use crate::histogram::{self, Incompatible};

/// The indices of the first and last sample that matter, or `None` where nothing does.
fn ends(times: &[i64], window: &Window<'_>, smoothed: bool) -> Option<(usize, usize)> {
    let mut last = times.len().checked_sub(1)?;
    let first = times[..last].partition_point(|t| *t <= window.start).saturating_sub(1);
    if smoothed {
        last = times[..last].partition_point(|t| *t < window.end);
    }
    if times[last] <= window.start || window.end < times[0] {
        return None;
    }
    Some((first, last))
}

/// The value at `t` on the line between two samples; after a reset the counter started at zero.
pub(crate) fn between(before: (i64, f64), after: (i64, f64), t: i64, counter: bool) -> f64 {
    let y1 = if counter && after.1 < before.1 { 0.0 } else { before.1 };
    y1 + (after.1 - y1) * (t - before.0) as f64 / (after.0 - before.0) as f64
}

/// `rate`, `increase` or `delta` between the values at the ends of the range.
pub(crate) fn slope(window: &Window<'_>, slope: Slope, smoothed: bool, cx: &Context<'_>) -> Cell {
    match (window.values().is_empty(), window.histograms().is_empty()) {
        (false, false) => {
            cx.notes.mixed_floats_histograms(cx.name(), cx.span);
            None
        }
        (_, true) => of_floats(window, slope, smoothed),
        (true, false) => of_histograms(window, slope, smoothed, cx).and_then(histogram),
    }
}

fn of_floats(window: &Window<'_>, slope: Slope, smoothed: bool) -> Cell {
    let (times, values) = (window.times(), window.values());
    let (mut first, last) = ends(times, window, smoothed)?;
    let at = |i: usize| (times[i], values[i]);
    let left = if smoothed && times[first] < window.start {
        between(at(first), at(first + 1), window.start, slope.counter)
    } else {
        values[first]
    };
    let right = if smoothed && 0 < last && window.end < times[last] {
        between(at(last - 1), at(last), window.end, slope.counter)
    } else {
        values[last]
    };
    let mut result = right - left;
    if slope.counter {
        // The values at the ends have their resets in them already.
        first += usize::from(times[first] <= window.start);
        let inner = (last + 1).saturating_sub(usize::from(window.end <= times[last]));
        let mut correction = 0.0;
        let mut previous = left;
        for v in values.get(first..inner).unwrap_or_default().iter().chain([&right]) {
            if *v < previous {
                correction += previous;
            }
            previous = *v;
        }
        result += correction;
    }
    float(if slope.per_second { result / window.range_seconds() } else { result })
}

fn of_histograms(
    window: &Window<'_>,
    slope: Slope,
    smoothed: bool,
    cx: &Context<'_>,
) -> Option<FloatHistogram> {
    let (times, points) = (window.histogram_times(), window.histograms());
    let (mut first, last) = ends(times, window, smoothed)?;
    warn_of_kind(&points[first..=last], slope, cx);
    let mixed = |Incompatible| cx.notes.mixed_exponential_custom(cx.name(), cx.span);
    let at = |i: usize| (times[i], &*points[i]);
    let left = if smoothed && times[first] < window.start {
        let reset = slope.counter;
        Arc::new(
            between_histograms(at(first), at(first + 1), window.start, reset)
                .map_err(mixed)
                .ok()?,
        )
    } else {
        Arc::clone(&points[first])
    };
    let right = if smoothed && 0 < last && window.end < times[last] {
        let reset = slope.counter;
        Arc::new(between_histograms(at(last - 1), at(last), window.end, reset).map_err(mixed).ok()?)
    } else {
        Arc::clone(&points[last])
    };
    let mut result = FloatHistogram::clone(&right);
    let outcome = histogram::sub(&mut result, &left).map_err(mixed).ok()?;
    if outcome.reconciled {
        cx.notes.reconciled_bounds(HistogramOp::Subtraction, cx.span);
    }
    if slope.counter {
        let interpolated = smoothed && times[first] < window.start;
        first += usize::from(times[first] <= window.start);
        let inner = (last + 1).saturating_sub(usize::from(window.end <= times[last]));
        let mut previous = &left;
        if interpolated {
            // The sample after an interpolated value is one with it as far as resets go.
            if inner <= first {
                return Some(finished(result, window, slope));
            }
            previous = &points[first];
        }
        for h in points.get(first..inner).unwrap_or_default().iter().chain([&right]) {
            if !Arc::ptr_eq(h, previous) && histogram::detect_reset(h, previous) {
                let outcome = histogram::add(&mut result, previous).map_err(mixed).ok()?;
                if outcome.reconciled {
                    cx.notes.reconciled_bounds(HistogramOp::Addition, cx.span);
                }
            }
            previous = h;
        }
    }
    Some(finished(result, window, slope))
}

fn finished(mut h: FloatHistogram, window: &Window<'_>, slope: Slope) -> FloatHistogram {
    if slope.per_second {
        histogram::div(&mut h, window.range_seconds());
    }
    h.reset_hint = ResetHint::Gauge;
    histogram::compact(&mut h);
    h
}

fn warn_of_kind(points: &[Arc<FloatHistogram>], slope: Slope, cx: &Context<'_>) {
    let gauges = points.iter().filter(|h| h.reset_hint == ResetHint::Gauge).count();
    if slope.counter && 0 < gauges {
        cx.notes.native_not_counter(cx.name(), cx.span);
    }
    if !slope.counter && gauges < points.len() {
        cx.notes.native_not_gauge(cx.name(), cx.span);
    }
}

/// The histogram at `t` between two samples.
pub(crate) fn between_histograms(
    before: (i64, &FloatHistogram),
    after: (i64, &FloatHistogram),
    t: i64,
    counter: bool,
) -> Result<FloatHistogram, Incompatible> {
    if before.1.uses_custom_buckets() != after.1.uses_custom_buckets() {
        return Err(Incompatible);
    }
    let share = (t - before.0) as f64 / (after.0 - before.0) as f64;
    let mut h = after.1.clone();
    if counter && histogram::detect_reset(after.1, before.1) {
        histogram::mul(&mut h, share);
        return Ok(h);
    }
    histogram::sub(&mut h, before.1)?;
    histogram::mul(&mut h, share);
    let mut sum = before.1.clone();
    histogram::add(&mut sum, &h)?;
    sum.reset_hint = after.1.reset_hint;
    Ok(sum)
}

/// The part of an anchored window that `changes` and `resets` look at: from the last sample at or
/// before the start of the range. `None` where the newest sample lies there.
pub(crate) fn anchor<'a>(window: &Window<'a>) -> Option<Window<'a>> {
    let newest = window.times().last().max(window.histogram_times().last())?;
    if *newest <= window.start {
        return None;
    }
    let cut = |times: &[i64]| times.partition_point(|t| *t <= window.start);
    let (floats, histograms) = (cut(window.times()), cut(window.histogram_times()));
    let last_float = floats.checked_sub(1).map(|i| window.times()[i]);
    let last_histogram = histograms.checked_sub(1).map(|i| window.histogram_times()[i]);
    // Of the samples before the range only the last one counts, be it a float or a histogram.
    let float_anchors = last_histogram < last_float;
    let histogram_anchors = last_float <= last_histogram && last_histogram.is_some();
    let mut anchored = *window;
    anchored.floats.0 += floats - usize::from(float_anchors);
    anchored.histograms.0 += histograms - usize::from(histogram_anchors);
    Some(anchored)
}
