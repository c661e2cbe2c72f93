//! Comparing what came out with what should, and showing both.

use std::cmp::Ordering;
use std::collections::BTreeMap;
use std::fmt;

use skopos_core::labels::ALERT_NAME;
use skopos_core::text::{FloatStyle, Quoted, format_float};
use skopos_core::{Error, Labels, QueryEngine, QueryRequest, QueryValue, SampleValue, Timestamp};
use skopos_core::{ErrorKind, duration};

use super::{AlertTest, ExpectedSample, ExpressionTest, Laboratory};
use crate::alert::AlertState;
use crate::group::GroupState;
use crate::model::RuleKind;

/// Something that did not come out as it should.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Failure {
    message: String,
    /// What was looked at, where something was expected.
    subject: String,
    /// What was expected, a line each.
    pub expected: Vec<String>,
    /// What came out, a line each.
    pub got: Vec<String>,
}

impl Failure {
    pub(super) fn new(message: impl Into<String>) -> Self {
        let (message, subject) = (message.into(), String::new());
        Self { message, subject, expected: Vec::new(), got: Vec::new() }
    }

    /// What is missing with a `-` in front, what is too much with a `+`, and between them what is as
    /// it should be; as the message where nothing was expected.
    #[must_use]
    pub fn diff(&self) -> String {
        if self.subject.is_empty() {
            return self.message.clone();
        }
        let mut counts: BTreeMap<&str, i64> = BTreeMap::new();
        for line in &self.expected {
            *counts.entry(line).or_default() += 1;
        }
        let mut lines = self.subject.clone();
        for line in &self.got {
            let left = counts.entry(line).or_default();
            let mark = if 0 < *left { ' ' } else { '+' };
            *left -= 1;
            lines.push_str(&format!("\n      {mark} {line}"));
        }
        for line in &self.expected {
            let left = counts.entry(line).or_default();
            if 0 < *left {
                *left -= 1;
                lines.push_str(&format!("\n      - {line}"));
            }
        }
        lines
    }
}

/// In the words of `promtool`.
impl fmt::Display for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.message)
    }
}

/// Compares the alerts that fire with those of a test.
pub(super) fn compare_alerts(
    test: &AlertTest,
    case: &str,
    groups: &[GroupState],
) -> Result<(), Failure> {
    let (expected, got) = (Alerts::expected(test), Alerts::firing(&test.alert_name, groups));
    if expected == got {
        return Ok(());
    }
    let case = if case.is_empty() { String::new() } else { format!("    name: {case},\n") };
    let (name, time) = (&test.alert_name, duration::format(test.eval_time));
    let subject = format!("{case}    alertname: {name}, time: {time}, ");
    let message = format!("{subject}\n        exp:{expected}, \n        got:{got}");
    Err(Failure { message, subject, expected: expected.lines(), got: got.lines() })
}

/// Alerts in the order of their labels.
#[derive(Debug, PartialEq, Eq)]
struct Alerts(Vec<Alert>);

#[derive(Debug, PartialEq, Eq, PartialOrd, Ord)]
struct Alert {
    labels: Vec<(String, String)>,
    annotations: Vec<(String, String)>,
}

impl Alerts {
    fn sorted(mut alerts: Vec<Alert>) -> Self {
        alerts.sort();
        Self(alerts)
    }

    /// What a test wants.
    fn expected(test: &AlertTest) -> Self {
        let alerts = test.expected.iter().map(|alert| {
            let mut labels = alert.labels.clone();
            labels.retain(|(name, _)| name != ALERT_NAME);
            labels.push((ALERT_NAME.to_owned(), test.alert_name.clone()));
            labels.sort();
            let mut annotations = alert.annotations.clone();
            annotations.sort();
            Alert { labels, annotations }
        });
        Self::sorted(alerts.collect())
    }

    /// What fires under a name.
    fn firing(name: &str, groups: &[GroupState]) -> Self {
        let rules = groups.iter().flat_map(|group| &group.rules);
        let alerting = rules
            .filter(|rule| rule.rule.kind == RuleKind::Alerting && rule.rule.name == name)
            .flat_map(|rule| rule.instances.iter())
            .filter(|alert| alert.state == AlertState::Firing);
        let alerts = alerting.map(|alert| Alert {
            labels: alert.labels.iter().map(|(n, v)| (n.to_owned(), v.to_owned())).collect(),
            annotations: alert.annotations.clone(),
        });
        Self::sorted(alerts.collect())
    }
}

impl Alerts {
    fn lines(&self) -> Vec<String> {
        let line =
            |alert: &Alert| format!("{} {}", shown(&alert.labels), shown(&alert.annotations));
        self.0.iter().map(line).collect()
    }
}

impl fmt::Display for Alerts {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.0.is_empty() {
            return f.write_str("[]");
        }
        f.write_str("[")?;
        for (i, alert) in self.0.iter().enumerate() {
            let comma = if i == 0 { "" } else { "," };
            let (labels, annotations) = (shown(&alert.labels), shown(&alert.annotations));
            write!(
                f,
                "{comma}\n            {i}:\n              Labels:{labels}\n              \
                 Annotations:{annotations}"
            )?;
        }
        f.write_str("\n            ]")
    }
}

fn shown(pairs: &[(String, String)]) -> Labels {
    Labels::from_pairs(pairs.iter().map(|(name, value)| (name, value)))
}

/// A sample with its histogram in double braces; empty for a float.
struct Shown {
    labels: Labels,
    value: f64,
    histogram: String,
}

/// Asks an expression and compares the result; the failure otherwise.
pub(super) fn compare_samples(
    test: &ExpressionTest,
    t: Timestamp,
    engine: &dyn QueryEngine,
    laboratory: &dyn Laboratory,
    fuzzy: bool,
) -> Result<(), Failure> {
    let expr = Quoted(&test.expr);
    let time = duration::format(test.eval_time);
    let subject = format!("    expr: {expr}, time: {time},");
    let failed = |error: String| Failure::new(format!("{subject} err: {error}"));
    let got = ask(test, t, engine, laboratory).map_err(|error| failed(error.to_string()))?;
    let mut expected = Vec::with_capacity(test.expected.len());
    for sample in &test.expected {
        let shown = expectation(sample, laboratory);
        expected.push(
            shown.map_err(|error| failed(format!("labels {}: {error}", Quoted(&sample.labels))))?,
        );
    }
    let (expected, got) = (sorted(expected), sorted(got));
    let same = expected.len() == got.len()
        && expected.iter().zip(&got).all(|(want, have)| want.agrees(have, fuzzy));
    if same {
        return Ok(());
    }
    let lines = |samples: &[Shown]| samples.iter().map(ToString::to_string).collect();
    let (expected, got): (Vec<String>, Vec<String>) = (lines(&expected), lines(&got));
    let message =
        format!("{subject}\n        exp: {}\n        got: {}", list(&expected), list(&got));
    Err(Failure { message, subject, expected, got })
}

fn ask(
    test: &ExpressionTest,
    t: Timestamp,
    engine: &dyn QueryEngine,
    laboratory: &dyn Laboratory,
) -> Result<Vec<Shown>, Error> {
    let shown = |labels: Labels, value: &SampleValue| match value {
        SampleValue::Float(value) => Shown { labels, value: *value, histogram: String::new() },
        SampleValue::Histogram(histogram) => {
            let histogram = laboratory.describe_histogram(histogram);
            Shown { labels, value: 0.0, histogram }
        }
    };
    match engine.query(&QueryRequest::instant(&test.expr, t))?.value {
        QueryValue::Vector(vector) => {
            Ok(vector.into_iter().map(|sample| shown(sample.labels, &sample.value)).collect())
        }
        QueryValue::Scalar(sample) => {
            Ok(vec![shown(Labels::empty(), &SampleValue::Float(sample.v))])
        }
        QueryValue::Matrix(_) | QueryValue::String(..) => {
            Err(Error::new(ErrorKind::Execution, "rule result is not a vector or scalar"))
        }
    }
}

fn expectation(sample: &ExpectedSample, laboratory: &dyn Laboratory) -> Result<Shown, Error> {
    let labels = laboratory.parse_metric(&sample.labels)?;
    let histogram = match sample.histogram.as_str() {
        "" => String::new(),
        text => laboratory.describe_histogram(&*laboratory.parse_histogram(text)?),
    };
    Ok(Shown { labels, value: sample.value, histogram })
}

fn sorted(mut samples: Vec<Shown>) -> Vec<Shown> {
    samples.sort_by(|a, b| a.labels.cmp(&b.labels));
    samples
}

fn list(samples: &[String]) -> String {
    if samples.is_empty() { "nil".to_owned() } else { samples.join(", ") }
}

impl Shown {
    fn agrees(&self, other: &Self, fuzzy: bool) -> bool {
        let values = self.value.partial_cmp(&other.value) == Some(Ordering::Equal)
            || fuzzy
                && (self.value.next_down() == other.value || self.value.next_up() == other.value);
        values && self.labels == other.labels && self.histogram == other.histogram
    }
}

impl fmt::Display for Shown {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if !self.histogram.is_empty() {
            return write!(f, "{} {}", self.labels, self.histogram);
        }
        let value = match self.value {
            v if v.is_finite() => format_float(v, FloatStyle::Exponent).to_uppercase(),
            v => format_float(v, FloatStyle::Exponent),
        };
        write!(f, "{} {value}", self.labels)
    }
}
