//! Whether an engine's answer is the naive one.

use std::cmp::Ordering;

use skopos_core::{
    FloatHistogram, Labels, QueryOutput, QueryValue, RangeSeries, SampleValue, is_stale_nan,
};

use super::eval::{Element, SeriesList, Value, Values, Windowed};
use super::expr::Expr;
use super::histogram::Histogram;

/// How far two numbers may lie apart, relative to their size.
const TOLERANCE: f64 = 1e-6;

/// Whether two floats are the same by the rule of Prometheus' test scripts.
pub(crate) fn almost_equal(a: f64, b: f64) -> bool {
    if is_stale_nan(a) || is_stale_nan(b) {
        return is_stale_nan(a) && is_stale_nan(b);
    }
    if a.is_nan() && b.is_nan() || a == b {
        return true;
    }
    let (sum, difference) = (a.abs() + b.abs(), (a - b).abs());
    if a == 0.0 || b == 0.0 || sum < f64::MIN_POSITIVE {
        return difference < TOLERANCE * f64::MIN_POSITIVE;
    }
    difference / sum.min(f64::MAX) < TOLERANCE
}

/// What differs, if anything does.
pub(crate) fn difference(
    expr: &Expr,
    times: &[i64],
    instant: bool,
    expected: &Values,
    found: &QueryOutput,
) -> Option<String> {
    match (expected, &found.value) {
        (Values::Text(text), QueryValue::String(_, found)) => {
            (text != found).then(|| format!("the text {text:?}"))
        }
        (Values::Scalar(values), QueryValue::Scalar(sample)) => {
            let same = almost_equal(values[0], sample.v) && sample.t.as_millis() == times[0];
            (!same).then(|| format!("the number {:?}", values[0]))
        }
        (Values::Scalar(values), QueryValue::Matrix(series)) if !instant => {
            series_difference(vec![(Labels::empty(), scalars(times, values))], series)
        }
        (Values::Vector(vectors), QueryValue::Matrix(series)) if !instant => {
            series_difference(by_labels(times, vectors), series)
        }
        (Values::Vector(vectors), QueryValue::Vector(samples)) if instant => {
            let mut found = Vec::new();
            for sample in samples {
                let value = match &sample.value {
                    SampleValue::Float(v) => Value::Float(*v),
                    SampleValue::Histogram(h) => found_histogram(h),
                };
                found.push(Element::new(sample.labels.clone(), value));
            }
            let as_series = |vector: &[Element]| by_labels(times, &[vector.to_vec()]);
            let difference = list_difference(as_series(&vectors[0]), as_series(&found));
            difference.or_else(|| disorder(expr, &found))
        }
        (Values::Range(ranges), QueryValue::Matrix(series)) if instant => {
            let expected = ranges[0]
                .iter()
                .map(|Windowed { labels, samples, .. }| (labels.clone(), samples.clone()));
            series_difference(expected.collect(), series)
        }
        _ => Some("a value of another type".to_owned()),
    }
}

/// Whether two answers are the same.
pub(crate) fn same(times: &[i64], a: &Values, b: &Values) -> bool {
    let series = |values: &Values| match values {
        Values::Range(_) | Values::Text(_) => SeriesList::new(),
        Values::Scalar(values) => {
            vec![(Labels::empty(), scalars(times, values))]
        }
        Values::Vector(vectors) => by_labels(times, vectors),
    };
    list_difference(series(a), series(b)).is_none()
}

fn scalars(times: &[i64], values: &[f64]) -> Vec<(i64, Value)> {
    times.iter().zip(values).map(|(t, v)| (*t, Value::Float(*v))).collect()
}

fn found_histogram(h: &FloatHistogram) -> Value {
    Value::from(Histogram::of(h))
}

/// Whether two values are the same, but for rounding.
fn same_value(a: &Value, b: &Value) -> bool {
    match (a, b) {
        (Value::Float(a), Value::Float(b)) => almost_equal(*a, *b),
        (Value::Histogram(a), Value::Histogram(b)) => a.almost_equals(b),
        _ => false,
    }
}

/// Vectors as series, in the order of their labels.
fn by_labels(times: &[i64], vectors: &[Vec<Element>]) -> SeriesList {
    let mut series: SeriesList = Vec::new();
    for (t, vector) in times.iter().zip(vectors) {
        for element in vector {
            match series.iter_mut().find(|(labels, _)| *labels == element.labels) {
                Some((_, samples)) => samples.push((*t, element.value.clone())),
                None => series.push((element.labels.clone(), vec![(*t, element.value.clone())])),
            }
        }
    }
    series.sort_by(|a, b| a.0.cmp(&b.0));
    series
}

fn series_difference(mut expected: SeriesList, found: &[RangeSeries]) -> Option<String> {
    expected.sort_by(|a, b| a.0.cmp(&b.0));
    let samples = |one: &RangeSeries| {
        let floats = one.floats.iter().map(|s| (s.t.as_millis(), Value::Float(s.v)));
        let histograms = one.histograms.iter().map(|(t, h)| (t.as_millis(), found_histogram(h)));
        let mut samples: Vec<(i64, Value)> = floats.chain(histograms).collect();
        samples.sort_by_key(|(t, _)| *t);
        samples
    };
    list_difference(expected, found.iter().map(|one| (one.labels.clone(), samples(one))).collect())
}

fn list_difference(expected: SeriesList, found: SeriesList) -> Option<String> {
    let same = expected.len() == found.len()
        && expected.iter().zip(&found).all(|((labels, samples), (other, others))| {
            labels == other
                && samples.len() == others.len()
                && samples.iter().zip(others).all(|(a, b)| a.0 == b.0 && same_value(&a.1, &b.1))
        });
    (!same).then(|| format!("{expected:?}"))
}

/// How two elements must stand.
type Order = Box<dyn Fn(&Element, &Element) -> Ordering>;

/// Whether the elements stand in another order than the query asks for.
fn disorder(expr: &Expr, found: &[Element]) -> Option<String> {
    let by_value = |a: &Element, b: &Element, descending: bool| {
        let (Some(a), Some(b)) = (a.value.float(), b.value.float()) else {
            return Ordering::Equal;
        };
        let order = a.partial_cmp(&b).unwrap_or(Ordering::Equal);
        let order = if descending { order.reverse() } else { order };
        a.is_nan().cmp(&b.is_nan()).then(order)
    };
    let order: Order = match expr {
        Expr::Call("sort", _) | Expr::Aggregate { op: "bottomk", grouping: None, .. } => {
            Box::new(move |a, b| by_value(a, b, false))
        }
        Expr::Call("sort_desc", _) | Expr::Aggregate { op: "topk", grouping: None, .. } => {
            Box::new(move |a, b| by_value(a, b, true))
        }
        Expr::Call(name @ ("sort_by_label" | "sort_by_label_desc"), args) => {
            let label = super::eval::text(&args[1]);
            let descending = *name == "sort_by_label_desc";
            Box::new(move |a, b| {
                let value = |e: &Element| e.labels.get(&label).unwrap_or_default().to_owned();
                let (x, y) = (value(a), value(b));
                let numbers = (x.parse::<u64>(), y.parse::<u64>());
                let order = match numbers {
                    (Ok(x), Ok(y)) => x.cmp(&y),
                    _ => x.cmp(&y),
                };
                let order = order.then_with(|| a.labels.cmp(&b.labels));
                if descending { order.reverse() } else { order }
            })
        }
        _ => return None,
    };
    let wrong = found.windows(2).find(|pair| order(&pair[0], &pair[1]) == Ordering::Greater)?;
    Some(format!("{} after {}", wrong[0].labels, wrong[1].labels))
}
