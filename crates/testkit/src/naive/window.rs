//! Functions of range vectors.

use std::sync::Arc;

use skopos_core::{Labels, ResetHint};

use super::eval::{Element, Evaluator, Failure, Result, Value, Windowed, without_name};
use super::expr::Expr;
use super::function::absent_labels;
use super::histogram::{Histogram, Layout};
use super::statistics::{add, average, quantile, sum};

/// The vectors of a function whose argument at `at` is a range vector.
pub(crate) fn vectors(
    evaluator: &Evaluator<'_>,
    name: &str,
    args: &[Expr],
    at: usize,
    times: &[i64],
) -> Result<Vec<Vec<Element>>> {
    let ranges = evaluator.range(&args[at], times)?;
    let others: Vec<Vec<f64>> = args
        .iter()
        .enumerate()
        .filter(|(i, _)| *i != at)
        .map(|(_, arg)| evaluator.scalar(arg, times))
        .collect::<Result<_>>()?;
    let mut vectors = Vec::new();
    for (i, range) in ranges.iter().enumerate() {
        let params: Vec<f64> = others.iter().map(|values| values[i]).collect();
        let mut vector = Vec::new();
        if name == "absent_over_time" {
            if range.is_empty() {
                vector.push(Element::new(absent_labels(&args[at]), 1.0));
            }
        } else {
            for window in range {
                if let Some(v) = value(name, window, &params, times[i])? {
                    vector.push(Element::new(labels(name, &window.labels), v));
                }
            }
        }
        vectors.push(vector);
    }
    Ok(vectors)
}

fn labels(name: &str, labels: &Labels) -> Labels {
    match name {
        "first_over_time" | "last_over_time" => labels.clone(),
        _ => without_name(labels),
    }
}

/// The value of a function for a window, which has at least one sample.
fn value(name: &str, window: &Windowed, params: &[f64], t: i64) -> Result<Option<Value>> {
    let samples = window.samples.as_slice();
    let (first, last) = (&samples[0], &samples[samples.len() - 1]);
    let seconds = |millis: i64| millis as f64 / 1000.0;
    let histograms: Vec<(i64, &Arc<Histogram>)> =
        samples.iter().filter_map(|(t, v)| Some((*t, v.histogram()?))).collect();
    let is_mixed = !histograms.is_empty() && histograms.len() < samples.len();
    let float = match name {
        "changes" => pairs(samples, changed)?,
        "count_over_time" => samples.len() as f64,
        "first_over_time" => return Ok(Some(first.1.clone())),
        "last_over_time" => return Ok(Some(last.1.clone())),
        "present_over_time" => 1.0,
        "resets" => pairs(samples, reset)?,
        "ts_of_first_over_time" => seconds(first.0),
        "ts_of_last_over_time" => seconds(last.0),
        "idelta" | "irate" => return instant_change(samples, name == "irate"),
        "avg_over_time" | "delta" | "increase" | "rate" | "sum_over_time" if is_mixed => {
            return Ok(None);
        }
        "avg_over_time" if !histograms.is_empty() => {
            let all: Vec<&Arc<Histogram>> = histograms.iter().map(|(_, h)| *h).collect();
            return Ok(Histogram::mean(&all)?.map(Value::from));
        }
        "sum_over_time" if !histograms.is_empty() => {
            let total = Histogram::total(histograms.into_iter().map(|(_, h)| h))?;
            return Ok(total.map(Value::from));
        }
        "delta" | "increase" | "rate" if !histograms.is_empty() => {
            return Ok(histogram_change(window, &histograms, name)?.map(Value::from));
        }
        _ => {
            let floats: Vec<(i64, f64)> =
                samples.iter().filter_map(|(t, v)| Some((*t, v.float()?))).collect();
            if name == "double_exponential_smoothing" {
                // Wrong factors are errors without any float as well.
                let values: Vec<f64> = floats.iter().map(|(_, v)| *v).collect();
                return Ok(smooth(&values, params[0], params[1])?.map(Value::Float));
            }
            if floats.is_empty() {
                return Ok(None);
            }
            return Ok(of_floats(name, window, &floats, params, t)?.map(Value::Float));
        }
    };
    Ok(Some(Value::Float(float)))
}

/// How many neighbors differ.
fn pairs(
    samples: &[(i64, Value)],
    differs: impl Fn(&Value, &Value) -> Result<bool>,
) -> Result<f64> {
    let mut n = 0.0;
    for pair in samples.windows(2) {
        n += f64::from(u8::from(differs(&pair[0].1, &pair[1].1)?));
    }
    Ok(n)
}

fn changed(before: &Value, now: &Value) -> Result<bool> {
    match (before, now) {
        (Value::Float(a), Value::Float(b)) => Ok(a != b && !(a.is_nan() && b.is_nan())),
        (Value::Histogram(a), Value::Histogram(b)) => Ok(!b.equals(a)?),
        _ => Ok(true),
    }
}

fn reset(before: &Value, now: &Value) -> Result<bool> {
    match (before, now) {
        (Value::Float(a), Value::Float(b)) => Ok(b < a),
        (Value::Histogram(a), Value::Histogram(b)) => b.was_reset(a),
        _ => Ok(true),
    }
}

/// The value of a function of floats.
fn of_floats(
    name: &str,
    window: &Windowed,
    samples: &[(i64, f64)],
    params: &[f64],
    t: i64,
) -> Result<Option<f64>> {
    let values: Vec<f64> = samples.iter().map(|(_, v)| *v).collect();
    let first = samples[0];
    let seconds = |millis: i64| millis as f64 / 1000.0;
    Ok(Some(match name {
        "avg_over_time" => average(&values),
        "mad_over_time" if values.iter().any(|v| v.is_nan()) => f64::NAN,
        "mad_over_time" => {
            let median = quantile(0.5, &values);
            let distances: Vec<f64> = values.iter().map(|v| (v - median).abs()).collect();
            quantile(0.5, &distances)
        }
        "max_over_time" => extreme(samples, |v, best| best < v).1,
        "min_over_time" => extreme(samples, |v, best| v < best).1,
        "quantile_over_time" => quantile(params[0], &values),
        "stddev_over_time" => variance(&values).sqrt(),
        "stdvar_over_time" => variance(&values),
        "sum_over_time" => sum(&values),
        "ts_of_max_over_time" => seconds(extreme(samples, |v, best| best <= v).0),
        "ts_of_min_over_time" => seconds(extreme(samples, |v, best| v <= best).0),
        "deriv" => return Ok(line(samples, first.0).map(|(slope, _)| slope)),
        "predict_linear" => {
            return Ok(line(samples, t).map(|(slope, start)| slope * params[0] + start));
        }
        _ => return Ok(change(window, samples, name)),
    }))
}

/// The first sample, or the last one after it that is better; anything is better than NaN.
fn extreme(samples: &[(i64, f64)], better: fn(f64, f64) -> bool) -> (i64, f64) {
    samples.iter().fold(samples[0], |best, sample| {
        if better(sample.1, best.1) || best.1.is_nan() { *sample } else { best }
    })
}

/// `delta`, `increase` and `rate`: the change within a window, drawn out to its ends.
fn change(window: &Windowed, samples: &[(i64, f64)], name: &str) -> Option<f64> {
    let [first, .., last] = samples else { return None };
    let counter = name != "delta";
    let mut raw = last.1 - first.1;
    if counter {
        for pair in samples.windows(2) {
            if pair[1].1 < pair[0].1 {
                raw += pair[0].1;
            }
        }
    }
    let times = (first.0, last.0, samples.len());
    Some(raw * factor(window, times, (first.1, raw), name))
}

/// By which factor the change between the first and the last of some samples is drawn out.
fn factor(
    window: &Windowed,
    (first, last, samples): (i64, i64, usize),
    (from, raw): (f64, f64),
    name: &str,
) -> f64 {
    let seconds = |millis: i64| millis as f64 / 1000.0;
    let sampled = seconds(last - first);
    let average = sampled / (samples - 1) as f64;
    let threshold = average * 1.1;
    let mut to_start = seconds(first - window.start);
    let mut to_end = seconds(window.end - last);
    if threshold <= to_start {
        to_start = average / 2.0;
    }
    if name != "delta" && raw > 0.0 && from >= 0.0 {
        let to_zero = sampled * (from / raw);
        if to_zero < to_start {
            to_start = to_zero;
        }
    }
    if threshold <= to_end {
        to_end = average / 2.0;
    }
    let mut factor = (sampled + to_start + to_end) / sampled;
    if name == "rate" {
        factor /= seconds(window.end - window.start);
    }
    factor
}

/// `delta`, `increase` and `rate` of histograms.
fn histogram_change(
    window: &Windowed,
    samples: &[(i64, &Arc<Histogram>)],
    name: &str,
) -> Result<Option<Histogram>> {
    let [(from, first), (_, second), ..] = samples else { return Ok(None) };
    let (until, last) = samples[samples.len() - 1];
    let counter = name != "delta";
    let mut before = Histogram::clone(first);
    if counter && second.was_reset(first)? {
        before = Histogram::empty(second.layout.clone());
    }
    // A gauge's are of no interest in between.
    let relevant = if counter { &samples[1..] } else { &samples[samples.len() - 1..] };
    if relevant.iter().any(|(_, h)| h.is_custom() != before.is_custom()) {
        return Ok(None);
    }
    let Some(mut raw) = last.minus(&before)? else { return Ok(None) };
    if counter {
        for (_, h) in &samples[1..] {
            if h.was_reset(&before)? {
                let Some(more) = raw.plus(&before)? else { return Ok(None) };
                raw = more;
            }
            before = Histogram::clone(h);
        }
        let schema = |h: &Histogram| match h.layout {
            Layout::Custom(_) => i32::MAX,
            Layout::Exponential(schema) => schema,
        };
        let coarsest = relevant.iter().map(|(_, h)| schema(h)).min().unwrap_or(i32::MAX);
        raw = raw.coarser(coarsest);
    }
    raw.hint = ResetHint::Gauge;
    let raw = raw.compact();
    let ends = (*from, until, samples.len());
    Ok(Some(raw.times(factor(window, ends, (first.count, raw.count), name))))
}

/// `idelta` and `irate`: the change between the last two samples.
fn instant_change(samples: &[(i64, Value)], rate: bool) -> Result<Option<Value>> {
    let [.., before, last] = samples else { return Ok(None) };
    let seconds = (last.0 - before.0) as f64 / 1000.0;
    Ok(match (&before.1, &last.1) {
        (Value::Float(a), Value::Float(b)) => {
            let change = if rate && b < a { *b } else { b - a };
            Some(Value::Float(if rate { change / seconds } else { change }))
        }
        (Value::Histogram(a), Value::Histogram(b)) => {
            let alone = rate && b.was_reset(a)?;
            let change = if alone { Some(Histogram::clone(b)) } else { b.minus(a)? };
            change.map(|mut change| {
                change.hint = ResetHint::Gauge;
                let change = change.compact();
                Value::from(if rate { change.over(seconds) } else { change })
            })
        }
        _ => None,
    })
}

/// The slope of the line nearest to the samples, and its value at `origin`.
fn line(samples: &[(i64, f64)], origin: i64) -> Option<(f64, f64)> {
    let [first, _, ..] = samples else { return None };
    if samples.iter().all(|(_, v)| *v == first.1) {
        let flat = (0.0, first.1);
        return Some(if first.1.is_infinite() { (f64::NAN, f64::NAN) } else { flat });
    }
    let points: Vec<(f64, f64)> =
        samples.iter().map(|(t, v)| ((t - origin) as f64 / 1000.0, *v)).collect();
    let total = |of: fn(&(f64, f64)) -> f64| sum(&points.iter().map(of).collect::<Vec<f64>>());
    let n = points.len() as f64;
    let (x, y) = (total(|(x, _)| *x), total(|(_, y)| *y));
    let (xy, xx) = (total(|(x, y)| x * y), total(|(x, _)| x * x));
    let slope = (xy - x * y / n) / (xx - x * x / n);
    Some((slope, y / n - slope * x / n))
}

/// Holt's method: a level and a trend that follow the values.
fn smooth(values: &[f64], level_factor: f64, trend_factor: f64) -> Result<Option<f64>> {
    for factor in [level_factor, trend_factor] {
        if factor <= 0.0 || 1.0 <= factor {
            return Err(Failure::Error("a factor of smoothing does not lie between 0 and 1"));
        }
    }
    let [first, second, ..] = values else { return Ok(None) };
    let (mut before, mut level, mut trend) = (0.0, *first, second - first);
    for (i, v) in values.iter().enumerate().skip(1) {
        if i != 1 {
            trend = trend_factor * (level - before) + (1.0 - trend_factor) * trend;
        }
        let next = level_factor * v + (1.0 - level_factor) * (level + trend);
        before = level;
        level = next;
    }
    Ok(Some(level))
}

/// The mean of the squared distances from the mean, by Welford's method.
fn variance(values: &[f64]) -> f64 {
    let (mut mean, mut total) = ((0.0, 0.0), (0.0, 0.0));
    for (i, v) in values.iter().enumerate() {
        let delta = v - (mean.0 + mean.1);
        mean = add(mean, delta / (i + 1) as f64);
        total = add(total, delta * (v - (mean.0 + mean.1)));
    }
    (total.0 + total.1) / values.len() as f64
}
