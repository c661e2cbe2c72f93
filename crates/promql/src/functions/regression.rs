//! Trends: `deriv`, `predict_linear`, `double_exponential_smoothing`.

use super::window::{Cell, Context, Window, float};
use crate::kahan::Sum;

/// A straight line.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct Line {
    /// Per second.
    pub(crate) slope: f64,
    /// The value at the time that the regression was asked for.
    pub(crate) intercept: f64,
}

/// The line with the least squares through the samples, its intercept at `origin` milliseconds.
pub(crate) fn linear(times: &[i64], values: &[f64], origin: i64) -> Line {
    let (mut x_sum, mut y_sum) = (Sum::default(), Sum::default());
    let (mut xy_sum, mut xx_sum) = (Sum::default(), Sum::default());
    let first = values.first().copied().unwrap_or(f64::NAN);
    let mut constant = true;
    for (i, (t, y)) in times.iter().zip(values).enumerate() {
        if 0 < i && *y != first {
            constant = false;
        }
        let x = t.wrapping_sub(origin) as f64 / 1e3;
        x_sum.add(x);
        y_sum.add(*y);
        xy_sum.add(x * y);
        xx_sum.add(x * x);
    }
    if constant {
        if first.is_infinite() {
            return Line { slope: f64::NAN, intercept: f64::NAN };
        }
        return Line { slope: 0.0, intercept: first };
    }
    let n = values.len() as f64;
    let (x, y, xy, xx) = (x_sum.total(), y_sum.total(), xy_sum.total(), xx_sum.total());
    let covariance = xy - x * y / n;
    let variance = xx - x * x / n;
    let slope = covariance / variance;
    Line { slope, intercept: y / n - slope * x / n }
}

/// Whether there are floats enough for a trend; notes that histograms were ignored.
fn has_trend(window: &Window<'_>, cx: &Context<'_>) -> bool {
    let floats = window.values().len();
    if 0 < floats && !window.histograms().is_empty() {
        cx.notes.histogram_ignored_in_mixed_range(cx.name(), cx.span);
    }
    2 <= floats
}

/// The slope of the floats, per second.
pub(crate) fn deriv(window: &Window<'_>, cx: &Context<'_>) -> Cell {
    if !has_trend(window, cx) {
        return None;
    }
    // The origin is near the samples for the sake of accuracy.
    float(linear(window.times(), window.values(), window.times()[0]).slope)
}

/// The value to expect so many seconds after the evaluation.
pub(crate) fn predict_linear(window: &Window<'_>, seconds: f64, cx: &Context<'_>) -> Cell {
    if !has_trend(window, cx) {
        return None;
    }
    let line = linear(window.times(), window.values(), window.t);
    float(line.slope * seconds + line.intercept)
}

/// The smoothed last value; both factors lie strictly between 0 and 1.
pub(crate) fn double_exponential_smoothing(
    window: &Window<'_>,
    smoothing: f64,
    trend_factor: f64,
    cx: &Context<'_>,
) -> Cell {
    if !has_trend(window, cx) {
        return None;
    }
    let values = window.values();
    let (mut before, mut level) = (0.0, values[0]);
    let mut trend = values[1] - values[0];
    for (i, v) in values.iter().enumerate().skip(1) {
        let x = smoothing * v;
        if 1 < i {
            trend = trend_factor * (level - before) + (1.0 - trend_factor) * trend;
        }
        let y = (1.0 - smoothing) * (level + trend);
        before = level;
        level = x + y;
    }
    float(level)
}
