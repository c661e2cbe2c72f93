//! The value of a tree, one evaluation a step.

use std::collections::BTreeSet;
use std::sync::Arc;

use skopos_core::{Labels, ResetHint, is_stale_nan};

use super::expr::{At, Expr, Kind, Selector, Shift};
use super::histogram::Histogram;
use super::{Case, aggregate, function, operator, window};
use crate::matching::matches_all;

/// Why there is no value.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Failure {
    /// The query fails, as it must.
    Error(&'static str),
    /// The value depends on what is not laid down, such as the order of equal values.
    Unspecified(&'static str),
}

pub(crate) type Result<T> = std::result::Result<T, Failure>;

/// A value of a sample.
#[derive(Clone, Debug)]
pub(crate) enum Value {
    Float(f64),
    Histogram(Arc<Histogram>),
}

impl Value {
    pub(crate) fn float(&self) -> Option<f64> {
        match self {
            Self::Float(v) => Some(*v),
            Self::Histogram(_) => None,
        }
    }

    pub(crate) fn histogram(&self) -> Option<&Arc<Histogram>> {
        match self {
            Self::Float(_) => None,
            Self::Histogram(h) => Some(h),
        }
    }

    /// Whether it marks the end of a series.
    pub(crate) fn is_stale(&self) -> bool {
        match self {
            Self::Float(v) => is_stale_nan(*v),
            Self::Histogram(h) => is_stale_nan(h.sum),
        }
    }
}

impl From<f64> for Value {
    fn from(v: f64) -> Self {
        Self::Float(v)
    }
}

impl From<Histogram> for Value {
    fn from(h: Histogram) -> Self {
        Self::Histogram(Arc::new(h))
    }
}

/// One element of an instant vector.
#[derive(Clone, Debug)]
pub(crate) struct Element {
    pub(crate) labels: Labels,
    pub(crate) value: Value,
}

impl Element {
    pub(crate) fn new(labels: Labels, value: impl Into<Value>) -> Self {
        Self { labels, value: value.into() }
    }
}

/// The elements that are floats, with their values.
pub(crate) fn floats(vector: &[Element]) -> impl Iterator<Item = (&Element, f64)> {
    vector.iter().filter_map(|e| Some((e, e.value.float()?)))
}

/// One element of a range vector: the samples of a series within a window, which begins after `start`.
#[derive(Clone, Debug)]
pub(crate) struct Windowed {
    pub(crate) labels: Labels,
    pub(crate) start: i64,
    pub(crate) end: i64,
    pub(crate) samples: Vec<(i64, Value)>,
}

/// Series with samples at ascending times.
pub(crate) type SeriesList = Vec<(Labels, Vec<(i64, Value)>)>;

/// One of them, borrowed.
type SeriesRef<'a> = (&'a Labels, &'a [(i64, Value)]);

/// The values of an expression, one for each time.
pub(crate) enum Values {
    Range(Vec<Vec<Windowed>>),
    Scalar(Vec<f64>),
    Text(String),
    Vector(Vec<Vec<Element>>),
}

pub(crate) struct Evaluator<'a> {
    pub(crate) case: &'a Case,
    /// By which share the results of elementary functions are changed.
    pub(crate) nudge: f64,
}

impl Evaluator<'_> {
    /// A result whose last digits depend on who wrote the function is nudged.
    pub(crate) fn nudged(&self, name: &str, v: f64) -> f64 {
        if is_inexact(name) { v * (1.0 + self.nudge) } else { v }
    }

    /// The values of `expr` at `times`, which lie at equal distances.
    pub(crate) fn values(&self, expr: &Expr, times: &[i64]) -> Result<Values> {
        Ok(match expr.kind() {
            Kind::Range => Values::Range(self.range(expr, times)?),
            Kind::Scalar => Values::Scalar(self.scalar(expr, times)?),
            Kind::Text => Values::Text(text(expr)),
            Kind::Vector => Values::Vector(self.vector(expr, times)?),
        })
    }

    /// A number for each time.
    pub(crate) fn scalar(&self, expr: &Expr, times: &[i64]) -> Result<Vec<f64>> {
        match expr {
            Expr::Binary(binary) => {
                let left = self.scalar(&binary.left, times)?;
                let right = self.scalar(&binary.right, times)?;
                Ok(left
                    .iter()
                    .zip(right)
                    .map(|(a, b)| operator::scalars(self, binary.op, *a, b))
                    .collect())
            }
            Expr::Negate(inner) => Ok(self.scalar(inner, times)?.iter().map(|v| -v).collect()),
            Expr::Number(v) => Ok(vec![*v; times.len()]),
            Expr::Call("scalar", args) => {
                let vectors = self.vector(&args[0], times)?;
                let single = |vector: &Vec<Element>| {
                    let mut floats = floats(vector);
                    match (floats.next(), floats.next()) {
                        (Some((_, v)), None) => v,
                        _ => f64::NAN,
                    }
                };
                Ok(vectors.iter().map(single).collect())
            }
            Expr::Call(name, args) => {
                let args: Vec<Vec<f64>> =
                    args.iter().map(|arg| self.scalar(arg, times)).collect::<Result<_>>()?;
                let case = self.case;
                let seconds = |millis: i64| millis as f64 / 1000.0;
                let value = |i: usize| match *name {
                    "time" => seconds(times[i]),
                    "start" => seconds(case.start),
                    "end" => seconds(case.end),
                    "range" => seconds(case.end - case.start),
                    "step" => seconds(case.step),
                    "max_of" => function::max(args[0][i], args[1][i]),
                    "min_of" => function::min(args[0][i], args[1][i]),
                    _ => std::f64::consts::PI,
                };
                Ok((0..times.len()).map(value).collect())
            }
            _ => Err(Failure::Unspecified("not a scalar")),
        }
    }

    /// An instant vector for each time.
    pub(crate) fn vector(&self, expr: &Expr, times: &[i64]) -> Result<Vec<Vec<Element>>> {
        let vectors = match expr {
            Expr::Aggregate { op, grouping, param, input } => {
                aggregate::vectors(self, (op, grouping.as_ref(), param.as_deref(), input), times)?
            }
            Expr::Binary(binary) => operator::vectors(self, binary, times)?,
            Expr::Call(name, args) => match args.iter().position(|a| a.kind() == Kind::Range) {
                Some(at) => window::vectors(self, name, args, at, times)?,
                None => function::vectors(self, name, args, times)?,
            },
            Expr::Negate(inner) => {
                let mut vectors = self.vector(inner, times)?;
                for element in vectors.iter_mut().flatten() {
                    let value = match &element.value {
                        Value::Float(v) => Value::Float(-v),
                        Value::Histogram(h) => h.times(-1.0).into(),
                    };
                    *element = Element::new(without_name(&element.labels), value);
                }
                vectors
            }
            Expr::Select(selector) => {
                let newest = self.select(selector, times)?.into_iter();
                newest.map(|found| found.into_iter().map(|(e, _)| e).collect()).collect()
            }
            _ => return Err(Failure::Unspecified("not a vector")),
        };
        for vector in &vectors {
            let labels: BTreeSet<&Labels> = vector.iter().map(|element| &element.labels).collect();
            if labels.len() < vector.len() {
                return Err(Failure::Error("vector cannot contain metrics with the same labelset"));
            }
        }
        Ok(vectors)
    }

    /// The newest sample of each series that is not too old, and when it was taken.
    pub(crate) fn select(
        &self,
        selector: &Selector,
        times: &[i64],
    ) -> Result<Vec<Vec<(Element, i64)>>> {
        let series = self.matching(selector)?;
        let each = times.iter().map(|t| {
            let reference = self.reference(selector.shift, *t);
            let seen = |time: i64| reference - self.case.lookback < time && time <= reference;
            let mut found = Vec::new();
            for (labels, samples) in &series {
                let newest = samples.iter().rfind(|(time, _)| seen(*time));
                if let Some((time, v)) = newest.filter(|(_, v)| !v.is_stale()) {
                    found.push((Element::new((*labels).clone(), v.clone()), *time));
                }
            }
            found
        });
        Ok(each.collect())
    }

    /// The series for which all conditions hold.
    fn matching(&self, selector: &Selector) -> Result<Vec<SeriesRef<'_>>> {
        let mut found = Vec::new();
        for (labels, samples) in &self.case.data.series {
            let holds = matches_all(&selector.matchers, labels);
            if holds.map_err(|_| Failure::Unspecified("a bad pattern"))? {
                found.push((labels, samples.as_slice()));
            }
        }
        Ok(found)
    }

    /// A range vector for each time.
    pub(crate) fn range(&self, expr: &Expr, times: &[i64]) -> Result<Vec<Vec<Windowed>>> {
        match expr {
            Expr::Window(selector, range) => {
                let fresh = |samples: &[(i64, Value)]| {
                    samples.iter().filter(|(_, v)| !v.is_stale()).cloned().collect()
                };
                let series = self.matching(selector)?.into_iter();
                let series: SeriesList =
                    series.map(|(labels, samples)| (labels.clone(), fresh(samples))).collect();
                Ok(self.windows(&series, *range, selector.shift, times))
            }
            Expr::Subquery { inner, range, step, shift } => {
                let series = self.subquery(inner, *range, *step, *shift, times)?;
                Ok(self.windows(&series, *range, *shift, times))
            }
            _ => Err(Failure::Unspecified("not a range vector")),
        }
    }

    /// The series that a subquery makes: its expression at all multiples of its step that lie in the
    /// windows of `times` or between them.
    fn subquery(
        &self,
        inner: &Expr,
        range: i64,
        step: Option<i64>,
        shift: Shift,
        times: &[i64],
    ) -> Result<SeriesList> {
        let (Some(first), Some(last)) = (times.first(), times.last()) else {
            return Ok(Vec::new());
        };
        let step = step.unwrap_or(self.case.subquery_step);
        let after = self.reference(shift, *first) - range;
        let until = self.reference(shift, *last);
        let multiple = (after.div_euclid(step) + 1) * step;
        let inner_times: Vec<i64> = (multiple..=until).step_by(step as usize).collect();
        let mut series = SeriesList::new();
        for (time, vector) in inner_times.iter().zip(self.vector(inner, &inner_times)?) {
            for mut element in vector {
                // Between steps there may have been others.
                if let Value::Histogram(h) = &mut element.value
                    && h.hint != ResetHint::Gauge
                {
                    Arc::make_mut(h).hint = ResetHint::Unknown;
                }
                match series.iter_mut().find(|(labels, _)| *labels == element.labels) {
                    Some((_, samples)) => samples.push((*time, element.value)),
                    None => series.push((element.labels, vec![(*time, element.value)])),
                }
            }
        }
        Ok(series)
    }

    fn windows(
        &self,
        series: &[(Labels, Vec<(i64, Value)>)],
        range: i64,
        shift: Shift,
        times: &[i64],
    ) -> Vec<Vec<Windowed>> {
        let window = |t: &i64| {
            let end = self.reference(shift, *t);
            let start = end - range;
            series
                .iter()
                .map(|(labels, samples)| Windowed {
                    labels: labels.clone(),
                    start,
                    end,
                    samples: samples
                        .iter()
                        .filter(|(time, _)| start < *time && *time <= end)
                        .cloned()
                        .collect(),
                })
                .filter(|windowed| !windowed.samples.is_empty())
                .collect()
        };
        times.iter().map(window).collect()
    }

    /// When an expression looks that is evaluated at `t`.
    fn reference(&self, shift: Shift, t: i64) -> i64 {
        let t = match shift.at {
            None => t,
            Some(At::End) => self.case.end,
            Some(At::Millis(fixed)) => fixed,
            Some(At::Start) => self.case.start,
        };
        t - shift.offset
    }
}

/// Whether the last digits of a function or an operator are not laid down.
pub(crate) fn is_inexact(name: &str) -> bool {
    matches!(
        name,
        "^" | "acos"
            | "acosh"
            | "asin"
            | "asinh"
            | "atan"
            | "atan2"
            | "atanh"
            | "cos"
            | "cosh"
            | "exp"
            | "histogram_fraction"
            | "histogram_quantile"
            | "ln"
            | "log10"
            | "log2"
            | "sin"
            | "sinh"
            | "tan"
            | "tanh"
    )
}

/// The text of a literal.
pub(crate) fn text(expr: &Expr) -> String {
    if let Expr::Text(text) = expr { text.clone() } else { String::new() }
}

/// The labels without those for which `gone` holds.
pub(crate) fn without(labels: &Labels, gone: impl Fn(&str) -> bool) -> Labels {
    Labels::from_pairs(labels.iter().filter(|(name, _)| !gone(name)))
}

/// The labels without those that belong to the metric as such.
pub(crate) fn without_name(labels: &Labels) -> Labels {
    without(labels, |name| matches!(name, "__name__" | "__type__" | "__unit__"))
}

/// The labels with one of them set, or removed if the value is empty.
pub(crate) fn with(labels: &Labels, name: &str, value: &str) -> Labels {
    Labels::from_pairs(labels.iter().chain([(name, value)]))
}
