//! Aggregations of vectors.

use skopos_core::Labels;
use skopos_core::text::{FloatStyle, format_float};

use super::eval::{Element, Evaluator, Failure, Result, Value, floats, text, with, without};
use super::expr::{Expr, Grouping};
use super::histogram::Histogram;
use super::statistics::{average, quantile, sum};

/// An operator, its grouping, its parameter and its input.
pub(crate) type Parts<'a> = (&'a str, Option<&'a Grouping>, Option<&'a Expr>, &'a Expr);

/// The vectors of an aggregation.
pub(crate) fn vectors(
    evaluator: &Evaluator<'_>,
    (op, grouping, param, input): Parts<'_>,
    times: &[i64],
) -> Result<Vec<Vec<Element>>> {
    let inputs = evaluator.vector(input, times)?;
    if op == "count_values" {
        let label = param.map(text).unwrap_or_default();
        return Ok(inputs.iter().map(|input| count_values(&label, grouping, input)).collect());
    }
    let params = match param {
        Some(param) => evaluator.scalar(param, times)?,
        None => vec![0.0; times.len()],
    };
    if matches!(op, "topk" | "bottomk" | "limitk") {
        for k in &params {
            if k.is_nan() || !(-9.2e18..9.2e18).contains(k) {
                return Err(Failure::Error("the parameter is no number of series"));
            }
        }
    }
    let ordered = matches!(input, Expr::Select(_));
    let each = inputs.iter().zip(params).map(|(input, param)| {
        let mut out = Vec::new();
        for (labels, members) in groups(grouping, input) {
            match op {
                "topk" | "bottomk" => out.extend(best(members, param, op == "topk")?),
                "limitk" => out.extend(first(members, param, ordered)?),
                _ => out.extend(folded(op, param, &members)?.map(|v| Element::new(labels, v))),
            }
        }
        Ok(out)
    });
    each.collect()
}

/// The groups in the order of their first members.
fn groups(grouping: Option<&Grouping>, input: &[Element]) -> Vec<(Labels, Vec<Element>)> {
    let mut groups: Vec<(Labels, Vec<Element>)> = Vec::new();
    for element in input {
        let labels = group_labels(grouping, &element.labels);
        match groups.iter_mut().find(|(known, _)| *known == labels) {
            Some((_, members)) => members.push(element.clone()),
            None => groups.push((labels, vec![element.clone()])),
        }
    }
    groups
}

fn group_labels(grouping: Option<&Grouping>, labels: &Labels) -> Labels {
    let Some(grouping) = grouping else { return Labels::empty() };
    let listed = |name: &str| grouping.labels.iter().any(|label| label == name);
    if grouping.without {
        without(labels, |name| name == "__name__" || listed(name))
    } else {
        without(labels, |name| !listed(name))
    }
}

/// One value of the members of a group, if it has one.
fn folded(op: &str, param: f64, members: &[Element]) -> Result<Option<Value>> {
    let values: Vec<f64> = floats(members).map(|(_, v)| v).collect();
    let histograms: Vec<_> = members.iter().filter_map(|e| e.value.histogram()).collect();
    Ok(match op {
        "count" => Some(Value::Float(members.len() as f64)),
        "group" => Some(Value::Float(1.0)),
        "avg" | "sum" if !histograms.is_empty() => {
            if !values.is_empty() {
                return Ok(None);
            }
            let folded = if op == "avg" {
                Histogram::mean(&histograms)?
            } else {
                Histogram::total(histograms.into_iter())?
            };
            folded.map(|h| Value::from(h.compact()))
        }
        _ if values.is_empty() => None,
        _ => Some(Value::Float(fold(op, param, &values)?)),
    })
}

/// One number of the numbers of a group, of which there is at least one.
fn fold(op: &str, param: f64, values: &[f64]) -> Result<f64> {
    let n = values.len() as f64;
    let largest = |larger: fn(&f64, &f64) -> bool| {
        values
            .iter()
            .skip(1)
            .fold(values[0], |best, v| if larger(v, &best) || best.is_nan() { *v } else { best })
    };
    Ok(match op {
        "avg" => average(values),
        "max" => largest(|v, best| best < v),
        "min" => largest(|v, best| v < best),
        "quantile" => quantile(param, values),
        "stddev" => (spread(values) / n).sqrt(),
        "stdvar" => spread(values) / n,
        _ => {
            let total = sum(values);
            if total.is_infinite() && values.iter().all(|v| v.is_finite()) {
                return Err(Failure::Unspecified("whether a sum overflows depends on its order"));
            }
            total
        }
    })
}

/// The sum of the squared distances from the mean, by Welford's method.
fn spread(values: &[f64]) -> f64 {
    let mut mean = values[0];
    let mut total = if mean.is_finite() { 0.0 } else { f64::NAN };
    for (i, v) in values.iter().enumerate().skip(1) {
        let delta = v - mean;
        mean += delta / (i + 1) as f64;
        total += delta * (v - mean);
    }
    total
}

/// The `k` best floats, the best first; NaN is worse than any number.
fn best(members: Vec<Element>, k: f64, largest: bool) -> Result<Vec<Element>> {
    if k < 1.0 {
        return Ok(Vec::new());
    }
    let mut members: Vec<(Element, f64)> = floats(&members).map(|(e, v)| (e.clone(), v)).collect();
    let rank = |v: f64| {
        if v.is_nan() {
            f64::INFINITY
        } else if largest {
            -v
        } else {
            v
        }
    };
    members.sort_by(|a, b| {
        let nan_last = a.1.is_nan().cmp(&b.1.is_nan());
        nan_last.then(rank(a.1).total_cmp(&rank(b.1)))
    });
    let k = (k as usize).min(members.len());
    if let [.., last] = &members[..k]
        && let Some(next) = members.get(k)
        && (last.1 == next.1 || last.1.is_nan() && next.1.is_nan())
    {
        return Err(Failure::Unspecified("which one of equal values is taken"));
    }
    members.truncate(k);
    Ok(members.into_iter().map(|(e, _)| e).collect())
}

/// The first `k` members.
fn first(mut members: Vec<Element>, k: f64, ordered: bool) -> Result<Vec<Element>> {
    let k = if k < 1.0 { 0 } else { (k as usize).min(members.len()) };
    if k != 0 && k < members.len() && !ordered {
        return Err(Failure::Unspecified("which series come first"));
    }
    members.truncate(k);
    Ok(members)
}

/// How often each value occurs, the value as a label.
fn count_values(label: &str, grouping: Option<&Grouping>, input: &[Element]) -> Vec<Element> {
    let mut grouping = grouping.cloned().unwrap_or(Grouping { without: false, labels: Vec::new() });
    if !grouping.without {
        grouping.labels.push(label.to_owned());
    }
    let valued: Vec<Element> = input
        .iter()
        .map(|element| {
            let value = match &element.value {
                Value::Float(f64::INFINITY) => "+Inf".to_owned(),
                Value::Float(f64::NEG_INFINITY) => "-Inf".to_owned(),
                // Of two texts that are equally near Go takes the even one, and `Display` does not.
                Value::Float(v) => format_float(*v, FloatStyle::Plain),
                Value::Histogram(h) => h.to_float().to_string(),
            };
            Element::new(with(&element.labels, label, &value), element.value.clone())
        })
        .collect();
    let groups = groups(Some(&grouping), &valued).into_iter();
    groups.map(|(labels, members)| Element::new(labels, members.len() as f64)).collect()
}
