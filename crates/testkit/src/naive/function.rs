//! Functions of instant vectors.

use regex_automata::meta::Regex;
use skopos_core::{Labels, MatchOp, Matcher};

use super::estimate;
use super::eval::{
    Element, Evaluator, Failure, Result, Value, floats, text, with, without, without_name,
};
use super::expr::{Expr, Kind};

/// The larger number; NaN unless one is positive infinity.
pub(crate) fn max(a: f64, b: f64) -> f64 {
    if a == f64::INFINITY || b == f64::INFINITY {
        f64::INFINITY
    } else if a.is_nan() || b.is_nan() {
        f64::NAN
    } else if a == b {
        // Of zeros the positive one.
        if a.is_sign_positive() { a } else { b }
    } else {
        a.max(b)
    }
}

/// The smaller number; NaN unless one is negative infinity.
pub(crate) fn min(a: f64, b: f64) -> f64 {
    -max(-a, -b)
}

/// The vectors of a function without a range vector.
pub(crate) fn vectors(
    evaluator: &Evaluator<'_>,
    name: &str,
    args: &[Expr],
    times: &[i64],
) -> Result<Vec<Vec<Element>>> {
    if let ("timestamp", [Expr::Select(selector)]) = (name, args) {
        let stamp = |(e, taken): (Element, i64)| {
            Element::new(without_name(&e.labels), taken as f64 / 1000.0)
        };
        let found = evaluator.select(selector, times)?.into_iter();
        return Ok(found.map(|vector| vector.into_iter().map(stamp).collect()).collect());
    }
    let mut inputs = vec![Vec::new(); times.len()];
    let mut params = vec![Vec::new(); times.len()];
    for arg in args {
        match arg.kind() {
            Kind::Vector => inputs = evaluator.vector(arg, times)?,
            Kind::Scalar => {
                for (params, v) in params.iter_mut().zip(evaluator.scalar(arg, times)?) {
                    params.push(v);
                }
            }
            Kind::Range | Kind::Text => {}
        }
    }
    let relabel = relabeling(name, args)?;
    let each = inputs.into_iter().zip(params).zip(times).map(|((input, params), t)| {
        Ok(match (name, args) {
            ("label_join" | "label_replace", _) => {
                let changed = |e: Element| Element::new(relabel(&e.labels), e.value);
                input.into_iter().map(changed).collect()
            }
            ("absent", _) if input.is_empty() => {
                vec![Element::new(absent_labels(&args[0]), 1.0)]
            }
            ("absent", _) => Vec::new(),
            ("vector", _) => vec![Element::new(Labels::empty(), params[0])],
            ("sort" | "sort_desc", _) => floats(&input).map(|(e, _)| e.clone()).collect(),
            ("sort_by_label" | "sort_by_label_desc", _) => input,
            ("histogram_quantile", _) => histogram_quantile(evaluator, params[0], &input)?,
            (name, _) if name.starts_with("histogram_") => {
                of_histograms(evaluator, name, &params, &input)?
            }
            ("clamp", _) if params[1] < params[0] => Vec::new(),
            ("timestamp", _) => input
                .iter()
                .map(|e| Element::new(without_name(&e.labels), *t as f64 / 1000.0))
                .collect(),
            (_, []) => {
                let now = (*t as f64 / 1000.0).trunc();
                vec![Element::new(Labels::empty(), value(name, now, &[])?)]
            }
            _ => each(&input, |v| Ok(evaluator.nudged(name, value(name, v, &params)?)))?,
        })
    });
    each.collect()
}

/// The vector with a function's values of the floats, without names.
fn each(input: &[Element], value: impl Fn(f64) -> Result<f64>) -> Result<Vec<Element>> {
    floats(input).map(|(e, v)| Ok(Element::new(without_name(&e.labels), value(v)?))).collect()
}

/// What native histograms tell; floats are left out.
fn of_histograms(
    evaluator: &Evaluator<'_>,
    name: &str,
    params: &[f64],
    input: &[Element],
) -> Result<Vec<Element>> {
    let mut out = Vec::new();
    for element in input {
        let Value::Histogram(h) = &element.value else {
            if name == "histogram_fraction" && element.labels.get("le").is_some() {
                return Err(Failure::Unspecified("shares of classic histograms"));
            }
            continue;
        };
        let v = match name {
            "histogram_avg" => h.sum / h.count,
            "histogram_count" => h.count,
            "histogram_fraction" => estimate::fraction(params[0], params[1], h),
            "histogram_stddev" => estimate::variance(h).sqrt(),
            "histogram_stdvar" => estimate::variance(h),
            _ => h.sum,
        };
        out.push(Element::new(without_name(&element.labels), evaluator.nudged(name, v)));
    }
    Ok(out)
}

/// A function of one number and parameters.
fn value(name: &str, v: f64, params: &[f64]) -> Result<f64> {
    Ok(match name {
        "abs" => v.abs(),
        "acos" => v.acos(),
        // Squares of such numbers are too large.
        "acosh" if 1e150 < v => v.ln() + std::f64::consts::LN_2,
        "acosh" => v.acosh(),
        "asin" => v.asin(),
        "asinh" if 1e150 < v.abs() => (v.abs().ln() + std::f64::consts::LN_2).copysign(v),
        "asinh" => v.asinh(),
        "atan" => v.atan(),
        "atanh" => v.atanh(),
        "ceil" => v.ceil(),
        "clamp" => max(params[0], min(params[1], v)),
        "clamp_max" => min(params[0], v),
        "clamp_min" => max(params[0], v),
        "cos" => v.cos(),
        "cosh" => v.cosh(),
        "deg" => v * 180.0 / std::f64::consts::PI,
        "exp" => v.exp(),
        "floor" => v.floor(),
        "ln" => v.ln(),
        "log10" => v.log10(),
        "log2" => v.log2(),
        "rad" => v * std::f64::consts::PI / 180.0,
        "round" => {
            let inverse = 1.0 / params.first().copied().unwrap_or(1.0);
            (v * inverse + 0.5).floor() / inverse
        }
        "sgn" if v < 0.0 => -1.0,
        "sgn" if v > 0.0 => 1.0,
        "sgn" => v,
        "sin" => v.sin(),
        "sinh" => v.sinh(),
        "sqrt" => v.sqrt(),
        "tan" => v.tan(),
        "tanh" => v.tanh(),
        _ => return date(name, v),
    })
}

/// A part of a date, in UTC.
fn date(name: &str, seconds: f64) -> Result<f64> {
    if !(-1e11..1e11).contains(&seconds) {
        return Err(Failure::Unspecified("a date beyond thousands of years"));
    }
    let seconds = seconds as i64;
    let days = seconds.div_euclid(86_400);
    let (mut year, mut day_of_year) = (1970, days);
    while day_of_year < 0 {
        year -= 1;
        day_of_year += days_of(year);
    }
    while days_of(year) <= day_of_year {
        day_of_year -= days_of(year);
        year += 1;
    }
    let february = days_of(year) - 337;
    let months = [31, february, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31];
    let (mut month, mut day) = (0, day_of_year);
    while months[month] <= day {
        day -= months[month];
        month += 1;
    }
    Ok(match name {
        "day_of_month" => day + 1,
        "day_of_week" => (days + 4).rem_euclid(7),
        "day_of_year" => day_of_year + 1,
        "days_in_month" => months[month],
        "hour" => seconds.rem_euclid(86_400) / 3600,
        "minute" => seconds.rem_euclid(3600) / 60,
        "month" => month as i64 + 1,
        "year" => year,
        _ => return Err(Failure::Unspecified("an unknown function")),
    } as f64)
}

fn days_of(year: i64) -> i64 {
    let leap = year % 4 == 0 && (year % 100 != 0 || year % 400 == 0);
    if leap { 366 } else { 365 }
}

/// The labels of the element that stands for the absence of others.
pub(crate) fn absent_labels(expr: &Expr) -> Labels {
    let (Expr::Select(selector) | Expr::Window(selector, _)) = expr else {
        return Labels::empty();
    };
    let of = |name: &str| -> Vec<&Matcher> {
        selector.matchers.iter().filter(|m| m.name() == name).collect()
    };
    let certain = |m: &&Matcher| {
        m.name() != "__name__" && m.op() == MatchOp::Equal && of(m.name()).len() == 1
    };
    Labels::from_pairs(selector.matchers.iter().filter(certain).map(|m| (m.name(), m.value())))
}

/// A change of labels.
type Relabeling = Box<dyn Fn(&Labels) -> Labels>;

/// How `label_replace` and `label_join` change labels; other functions do not.
fn relabeling(name: &str, args: &[Expr]) -> Result<Relabeling> {
    let texts: Vec<String> = args.iter().skip(1).map(text).collect();
    match (name, texts.as_slice()) {
        ("label_join", [to, separator, from @ ..]) => {
            let (to, separator, from) = (to.clone(), separator.clone(), from.to_vec());
            Ok(Box::new(move |labels| {
                let values: Vec<&str> =
                    from.iter().map(|name| labels.get(name).unwrap_or_default()).collect();
                with(labels, &to, &values.join(&separator))
            }))
        }
        ("label_replace", [to, template, from, pattern]) => {
            let (to, template, from) = (to.clone(), template.clone(), from.clone());
            let regex = Regex::new(&format!("^(?s:{pattern})$"))
                .map_err(|_| Failure::Error("a bad pattern"))?;
            Ok(Box::new(move |labels| {
                let value = labels.get(&from).unwrap_or_default();
                let mut captures = regex.create_captures();
                regex.captures(value, &mut captures);
                if !captures.is_match() {
                    return labels.clone();
                }
                with(labels, &to, &captures.interpolate_string(value, &template))
            }))
        }
        _ => Ok(Box::new(Labels::clone)),
    }
}

/// The quantile of each histogram, classic or native; where both have the same labels, of neither.
fn histogram_quantile(
    evaluator: &Evaluator<'_>,
    q: f64,
    input: &[Element],
) -> Result<Vec<Element>> {
    let mut histograms: Vec<(Labels, Vec<(f64, f64)>)> = Vec::new();
    let mut native: Vec<&Element> =
        input.iter().filter(|e| e.value.histogram().is_some()).collect();
    for (element, v) in floats(input) {
        let Some(Ok(bound)) = element.labels.get("le").map(str::parse::<f64>) else { continue };
        let labels = without(&element.labels, |name| name == "le");
        match histograms.iter_mut().find(|(known, _)| *known == labels) {
            Some((_, buckets)) => buckets.push((bound, v)),
            None => histograms.push((labels, vec![(bound, v)])),
        }
    }
    native.retain(|element| {
        let classic = histograms.iter().position(|(labels, _)| *labels == element.labels);
        classic.map(|at| histograms.remove(at)).is_none()
    });
    let native = native.into_iter().filter_map(|element| {
        let h = element.value.histogram()?;
        let v = evaluator.nudged("histogram_quantile", estimate::quantile(q, h));
        Some(Ok(Element::new(without_name(&element.labels), v)))
    });
    let classic = histograms.into_iter().map(|(labels, buckets)| {
        Ok(Element::new(without_name(&labels), quantile_of_buckets(q, buckets)?))
    });
    native.chain(classic).collect()
}

/// The quantile of observations of which it is known how many are at most a bound each.
fn quantile_of_buckets(q: f64, mut buckets: Vec<(f64, f64)>) -> Result<f64> {
    if q.is_nan() {
        return Ok(f64::NAN);
    }
    if q < 0.0 {
        return Ok(f64::NEG_INFINITY);
    }
    if q > 1.0 {
        return Ok(f64::INFINITY);
    }
    buckets.sort_by(|a, b| a.0.total_cmp(&b.0));
    if buckets.last().is_none_or(|last| last.0 != f64::INFINITY) {
        return Ok(f64::NAN);
    }
    if buckets.iter().any(|(_, count)| count.is_nan()) {
        return Err(Failure::Unspecified("a bucket that counts NaN"));
    }
    let mut merged: Vec<(f64, f64)> = Vec::new();
    for (bound, count) in buckets {
        match merged.last_mut().filter(|last| last.0 == bound) {
            Some(last) => last.1 += count,
            None => merged.push((bound, count)),
        }
    }
    for i in 1..merged.len() {
        let (before, count) = (merged[i - 1].1, merged[i].1);
        let sum = (count.abs() + before.abs()).min(f64::MAX);
        let difference = (count - before).abs() / sum;
        if count < before || difference < 1e-12 {
            merged[i].1 = before;
        }
    }
    let [.., before_last, last] = merged.as_slice() else { return Ok(f64::NAN) };
    if last.1 == 0.0 {
        return Ok(f64::NAN);
    }
    let rank = q * last.1;
    let inner = &merged[..merged.len() - 1];
    let Some(at) = inner.iter().position(|(_, count)| rank <= *count) else {
        return Ok(before_last.0);
    };
    let (bound, count) = inner[at];
    if at == 0 && bound <= 0.0 {
        return Ok(bound);
    }
    let (lower, below) = if at == 0 { (0.0, 0.0) } else { inner[at - 1] };
    Ok(lower + (bound - lower) * ((rank - below) / (count - below)))
}
