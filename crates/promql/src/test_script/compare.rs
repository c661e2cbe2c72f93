//! Whether a result is what a script expects.

use std::fmt::Write as _;

use skopos_core::text::{FloatStyle, format_float};
use skopos_core::{FloatHistogram, Labels, QueryValue, ResetHint, SampleValue};

use super::command::{Eval, Notes, When};
use crate::functions::classic::almost_equal;
use crate::histogram::compact;
use crate::series_desc::{SeriesDescription, SeriesValue};

const EPSILON: f64 = 1e-6;

/// What is wrong, for people.
type Verdict = Result<(), String>;

/// Compares a result of any type.
pub(super) fn value(eval: &Eval, value: &QueryValue) -> Verdict {
    match value {
        QueryValue::Matrix(series) => match (eval.when, eval.range_vector) {
            (When::Range { start, step, .. }, _) => matrix(eval, series, start, step),
            (When::Instant(_), Some((start, step))) => matrix(eval, series, start, step),
            (When::Instant(_), None) => {
                Err("expected instant result, but query returned a matrix".to_owned())
            }
        },
        QueryValue::Scalar(sample) => scalar(eval, sample.v),
        QueryValue::String(_, text) => match &eval.string {
            Some(expected) if expected == text => Ok(()),
            Some(expected) => Err(format!("expected string {expected:?} but got {text:?}")),
            None => Err(format!("got a string, which was not expected: {text:?}")),
        },
        QueryValue::Vector(samples) => {
            let found: Vec<(&Labels, &SampleValue)> =
                samples.iter().map(|s| (&s.labels, &s.value)).collect();
            vector(eval, &found)
        }
    }
}

/// Compares a scalar.
pub(super) fn scalar(eval: &Eval, v: f64) -> Verdict {
    match eval.scalar {
        Some(expected) if almost_equal(expected, v, EPSILON) => Ok(()),
        Some(expected) => Err(format!("expected scalar {expected} but got {v}")),
        None => Err(format!("expected vector result, but got scalar {v}")),
    }
}

/// Compares an instant vector.
pub(super) fn vector(eval: &Eval, found: &[(&Labels, &SampleValue)]) -> Verdict {
    if let Some(expected) = eval.scalar {
        return Err(format!("expected scalar result {expected}, but got vector {}", show(found)));
    }
    if eval.string.is_some() {
        return Err(format!("expected string result, but got vector {}", show(found)));
    }
    for (at, (labels, value)) in found.iter().enumerate() {
        let position = eval.expected.iter().position(|e| e.labels == **labels);
        let Some(position) = position else {
            return Err(format!(
                "unexpected metric {labels} in result, has value {}",
                show_value(value)
            ));
        };
        if eval.ordered && position != at {
            return Err(format!("expected metric {labels} at position {position} but was at {at}"));
        }
        if found[..at].iter().any(|(other, _)| other == labels) {
            return Err(format!("metric {labels} comes twice"));
        }
        let expected = eval.expected[position].values.first().unwrap_or(&SeriesValue::Omitted);
        one(labels, expected, Some(value))?;
    }
    for expected in &eval.expected {
        if !found.iter().any(|(labels, _)| **labels == expected.labels) {
            return Err(format!("expected metric {} not found", expected.labels));
        }
    }
    Ok(())
}

/// Compares a matrix; expected values lie on a grid.
fn matrix(eval: &Eval, series: &[skopos_core::RangeSeries], start: i64, step: i64) -> Verdict {
    if eval.ordered {
        return Err("expected ordered result, but query returned a matrix".to_owned());
    }
    if series.windows(2).any(|pair| pair[1].labels < pair[0].labels) {
        return Err("matrix results should always be sorted by labels".to_owned());
    }
    for one_series in series {
        let expected = eval.expected.iter().find(|e| e.labels == one_series.labels);
        let Some(expected) = expected else {
            return Err(format!(
                "unexpected metric {} in result, has {} floats and {} histograms",
                one_series.labels,
                one_series.floats.len(),
                one_series.histograms.len()
            ));
        };
        points(expected, one_series, start, step)?;
    }
    for expected in &eval.expected {
        if !series.iter().any(|s| s.labels == expected.labels) {
            return Err(format!("expected metric {} not found", expected.labels));
        }
    }
    Ok(())
}

fn points(
    expected: &SeriesDescription,
    found: &skopos_core::RangeSeries,
    start: i64,
    step: i64,
) -> Verdict {
    let mut floats = found.floats.iter().peekable();
    let mut histograms = found.histograms.iter().peekable();
    for (i, value) in (0..).zip(&expected.values) {
        let t = start + step * i;
        let float = floats.next_if(|s| s.t.as_millis() == t).map(|s| SampleValue::Float(s.v));
        let histogram = histograms
            .next_if(|(at, _)| at.as_millis() == t)
            .map(|(_, h)| SampleValue::Histogram(std::sync::Arc::clone(h)));
        one(&found.labels, value, float.or(histogram).as_ref())
            .map_err(|message| format!("{message} (step {i}, at {t} ms)"))?;
    }
    let left = floats.next().map(|s| s.t).or(histograms.next().map(|(t, _)| *t));
    match left {
        Some(t) => Err(format!("{} has a value at {t} ms, where none is expected", found.labels)),
        None => Ok(()),
    }
}

fn one(labels: &Labels, expected: &SeriesValue, found: Option<&SampleValue>) -> Verdict {
    match (expected, found) {
        (SeriesValue::Omitted, None) => Ok(()),
        (SeriesValue::Float(e), Some(SampleValue::Float(v))) if almost_equal(*e, *v, EPSILON) => {
            Ok(())
        }
        (SeriesValue::Histogram { histogram, hint_set }, Some(SampleValue::Histogram(h)))
            if same_histogram(histogram, h, *hint_set) =>
        {
            Ok(())
        }
        (expected, found) => {
            let expected = match expected {
                SeriesValue::Omitted => "nothing".to_owned(),
                SeriesValue::Float(v) => v.to_string(),
                SeriesValue::Histogram { histogram, .. } => show_histogram(histogram),
            };
            let found = found.map_or_else(|| "nothing".to_owned(), show_value);
            Err(format!("expected {expected} for {labels} but got {found}"))
        }
    }
}

fn same_histogram(expected: &FloatHistogram, found: &FloatHistogram, with_hint: bool) -> bool {
    let (mut a, mut b) = (expected.clone(), found.clone());
    compact(&mut a);
    compact(&mut b);
    let close = |x: f64, y: f64| almost_equal(x, y, EPSILON);
    let all_close =
        |x: &[f64], y: &[f64]| x.len() == y.len() && x.iter().zip(y).all(|(x, y)| close(*x, *y));
    a.schema == b.schema
        && close(a.count, b.count)
        && close(a.sum, b.sum)
        && (!a.uses_custom_buckets() || same_bits(&a.custom_values, &b.custom_values))
        && a.zero_threshold == b.zero_threshold
        && close(a.zero_count, b.zero_count)
        && same_spans(&a.positive_spans, &b.positive_spans)
        && same_spans(&a.negative_spans, &b.negative_spans)
        && all_close(&a.positive_buckets, &b.positive_buckets)
        && all_close(&a.negative_buckets, &b.negative_buckets)
        && (!with_hint || a.reset_hint == b.reset_hint)
}

fn same_bits(a: &[f64], b: &[f64]) -> bool {
    a.len() == b.len() && a.iter().zip(b).all(|(x, y)| x.to_bits() == y.to_bits())
}

fn same_spans(a: &[skopos_core::Span], b: &[skopos_core::Span]) -> bool {
    let indices = |spans: &[skopos_core::Span]| -> Vec<i64> {
        let mut at = 0_i64;
        let mut out = Vec::new();
        for span in spans {
            at += i64::from(span.offset);
            for _ in 0..span.length {
                out.push(at);
                at += 1;
            }
        }
        out
    };
    indices(a) == indices(b)
}

/// Compares warnings or infos.
pub(super) fn notes(kind: &str, expected: &Notes, found: &[String]) -> Verdict {
    if expected.none && !found.is_empty() {
        return Err(format!("unexpected {kind} annotations: {found:?}"));
    }
    if expected.at_least_one && found.is_empty() {
        return Err(format!("expected {kind} annotations but got none"));
    }
    if expected.expected.is_empty() {
        return Ok(());
    }
    if found.is_empty() {
        return Err(format!("expected {kind} annotations but got none"));
    }
    for message in &expected.expected {
        if !found.iter().any(|text| message.fits(text)) {
            return Err(format!(
                "expected {kind} annotation {} but found {found:?}",
                message.describe()
            ));
        }
    }
    match found.iter().find(|text| !expected.expected.iter().any(|m| m.fits(text))) {
        Some(text) => Err(format!("unexpected {kind} annotation {text:?}")),
        None => Ok(()),
    }
}

fn show(found: &[(&Labels, &SampleValue)]) -> String {
    let mut out = String::new();
    for (labels, value) in found {
        // Writing into a string cannot fail.
        let _ = write!(out, "{labels} {}; ", show_value(value));
    }
    out
}

fn show_value(value: &SampleValue) -> String {
    match value {
        SampleValue::Float(v) => v.to_string(),
        SampleValue::Histogram(h) => show_histogram(h),
    }
}

/// A histogram in the notation of scripts, empty buckets left out.
fn show_histogram(h: &FloatHistogram) -> String {
    let g = |v: f64| format_float(v, FloatStyle::General);
    let mut out = format!("{{{{schema:{} count:{} sum:{}", h.schema, g(h.count), g(h.sum));
    if h.zero_count != 0.0 || h.zero_threshold != 0.0 {
        let _ = write!(out, " z_bucket:{} z_bucket_w:{}", g(h.zero_count), g(h.zero_threshold));
    }
    if h.uses_custom_buckets() {
        let _ = write!(out, " custom_values:{:?}", h.custom_values);
    }
    let hint = match h.reset_hint {
        ResetHint::Gauge => " counter_reset_hint:gauge",
        ResetHint::NotReset => " counter_reset_hint:not_reset",
        ResetHint::Reset => " counter_reset_hint:reset",
        ResetHint::Unknown => "",
    };
    out.push_str(hint);
    for (side, buckets) in [("", h.positive()), ("n_", h.negative())] {
        let buckets: Vec<String> = buckets.map(|b| format!("{}:{}", b.index, g(b.count))).collect();
        if !buckets.is_empty() {
            let _ = write!(out, " {side}buckets:[{}]", buckets.join(" "));
        }
    }
    out.push_str("}}");
    out
}
