//! An engine that knows what will be asked: a replay asks the same instant queries slot after slot, so
//! that one range query answers many of them.
//!
//! Only queries are foreseen whose answer no rule can change, and for which a range query gives the
//! same values as instant ones.

use std::collections::HashMap;
use std::sync::{Mutex, PoisonError};

use skopos_core::labels::METRIC_NAME;
use skopos_core::{
    Error, MatchOp, PreparedQuery, QueryEngine, QueryOutput, QueryRequest, QueryValue, RangeSeries,
    SampleValue, Timestamp, VectorSample,
};
use skopos_promql::ast::{At, Expr};
use skopos_promql::{ParseOptions, ValueType, parse};

/// How many values of a query are computed ahead, at most.
const VALUES_AHEAD: usize = 1_000_000;

/// How many slots are computed ahead: at first, and at most.
const SLOTS_AHEAD: (usize, usize) = (64, 4096);

/// When a query will be asked.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Schedule {
    pub(super) first: Timestamp,
    pub(super) last: Timestamp,
    /// Milliseconds between the times.
    pub(super) interval: i64,
}

/// An engine that foresees scheduled queries.
pub(super) struct Foresight<E> {
    engine: E,
    plans: HashMap<String, Mutex<Plan>>,
}

/// A query that is foreseen.
struct Plan {
    schedule: Schedule,
    /// Nothing once a range query has failed: then each time is asked for itself.
    slots: Option<usize>,
    window: Window,
}

/// The answers to a query at consecutive times.
#[derive(Default)]
struct Window {
    start: i64,
    /// The first time that is not answered.
    end: i64,
    series: Vec<Column>,
}

/// A series of the answers, read from front to back.
struct Column {
    series: RangeSeries,
    next_float: usize,
    next_histogram: usize,
}

impl<E: QueryEngine> Foresight<E> {
    /// Foresees the queries of `schedules` that do not depend on metrics which are `written`.
    pub(super) fn new(engine: E, schedules: &[(String, Schedule)], written: &[String]) -> Self {
        let mut plans: HashMap<String, Mutex<Plan>> = HashMap::new();
        for (text, schedule) in schedules {
            let plan = Plan {
                schedule: *schedule,
                slots: is_foreseeable(text, written).then_some(SLOTS_AHEAD.0),
                window: Window::default(),
            };
            let known = plans.entry(text.clone()).or_insert_with(|| Mutex::new(plan));
            let known = known.get_mut().unwrap_or_else(PoisonError::into_inner);
            if known.schedule != *schedule {
                known.slots = None;
            }
        }
        Self { engine, plans }
    }
}

impl<E: QueryEngine> QueryEngine for Foresight<E> {
    fn query(&self, request: &QueryRequest<'_>) -> Result<QueryOutput, Error> {
        let plan = self.plans.get(request.text()).filter(|_| request.is_instant());
        let Some(plan) = plan else { return self.engine.query(request) };
        let mut plan = plan.lock().unwrap_or_else(PoisonError::into_inner);
        match plan.answer(&self.engine, request.text(), request.start()) {
            Some(vector) => Ok(QueryOutput::new(QueryValue::Vector(vector))),
            None => self.engine.query(request),
        }
    }

    fn check(&self, text: &str) -> Result<(), Error> {
        self.engine.check(text)
    }

    fn canonical(&self, text: &str) -> Result<String, Error> {
        self.engine.canonical(text)
    }

    fn prepare(&self, text: &str) -> Result<PreparedQuery, Error> {
        self.engine.prepare(text)
    }
}

impl Plan {
    /// The answer at a time, if it is foreseen.
    fn answer(
        &mut self,
        engine: &dyn QueryEngine,
        text: &str,
        t: Timestamp,
    ) -> Option<Vec<VectorSample>> {
        let slots = self.slots?;
        let Schedule { first, last, interval } = self.schedule;
        let is_scheduled = first <= t && t <= last && (t - first) % interval == 0;
        if !is_scheduled {
            return None;
        }
        if !(self.window.start..self.window.end).contains(&t.as_millis()) {
            let steps = (slots as i64 - 1).saturating_mul(interval);
            let end = t.saturating_add(steps).min(last);
            let request = QueryRequest::range(text, t, end, interval);
            let Ok(QueryOutput { value: QueryValue::Matrix(matrix), .. }) = engine.query(&request)
            else {
                self.slots = None;
                return None;
            };
            let affordable = VALUES_AHEAD / matrix.len().max(1);
            self.slots = Some(affordable.clamp(1, SLOTS_AHEAD.1));
            self.window = Window::new(matrix, t, end);
        }
        Some(self.window.at(t))
    }
}

impl Window {
    fn new(matrix: Vec<RangeSeries>, start: Timestamp, last: Timestamp) -> Self {
        let column = |series| Column { series, next_float: 0, next_histogram: 0 };
        Self {
            start: start.as_millis(),
            end: last.as_millis().saturating_add(1),
            series: matrix.into_iter().map(column).collect(),
        }
    }

    /// The answer at a time; times must not descend.
    fn at(&mut self, t: Timestamp) -> Vec<VectorSample> {
        let values = self.series.iter_mut().filter_map(|column| {
            let value = column.at(t)?;
            Some(VectorSample { labels: column.series.labels.clone(), t, value })
        });
        values.collect()
    }
}

impl Column {
    fn at(&mut self, t: Timestamp) -> Option<SampleValue> {
        let RangeSeries { floats, histograms, .. } = &self.series;
        while floats.get(self.next_float).is_some_and(|sample| sample.t < t) {
            self.next_float += 1;
        }
        while histograms.get(self.next_histogram).is_some_and(|(at, _)| *at < t) {
            self.next_histogram += 1;
        }
        let float = floats.get(self.next_float).filter(|sample| sample.t == t);
        let histogram = histograms.get(self.next_histogram).filter(|(at, _)| *at == t);
        match (float, histogram) {
            (Some(sample), _) => Some(SampleValue::Float(sample.v)),
            (None, Some((_, histogram))) => Some(SampleValue::Histogram(histogram.clone())),
            (None, None) => None,
        }
    }
}

/// Whether a range query over the same times gives the same as instant queries, whatever is `written`
/// meanwhile.
fn is_foreseeable(text: &str, written: &[String]) -> bool {
    let Ok(expr) = parse(text, &ParseOptions::all()) else { return false };
    let mut foreseeable = expr.value_type() == ValueType::Vector && !may_read(&expr, written);
    // Durations that are computed may look at the step.
    let printed = expr.to_string();
    foreseeable &=
        !["start()", "end()", "step()", "range()"].iter().any(|word| printed.contains(word));
    expr.walk(&mut |node| {
        let at = match node {
            Expr::Vector(selector) => selector.at,
            Expr::Matrix(range) => range.selector.at,
            _ => return true,
        };
        foreseeable &= !matches!(at, Some(At::Start | At::End));
        true
    });
    foreseeable
}

/// Whether a query surely reads none of the metrics.
pub(super) fn reads_none_of(text: &str, metrics: &[impl AsRef<str>]) -> bool {
    parse(text, &ParseOptions::all()).is_ok_and(|expr| !may_read(&expr, metrics))
}

/// Whether an expression may read one of the metrics.
fn may_read(expr: &Expr, metrics: &[impl AsRef<str>]) -> bool {
    // `info` looks at metrics that it does not name.
    let mut may_read = expr.to_string().contains("info(");
    expr.walk(&mut |node| {
        let selector = match node {
            Expr::Vector(selector) => selector,
            Expr::Matrix(range) => &range.selector,
            _ => return true,
        };
        let named =
            selector.matchers.iter().find(|m| m.name() == METRIC_NAME && m.op() == MatchOp::Equal);
        may_read |= named.is_none_or(|m| metrics.iter().any(|name| name.as_ref() == m.value()));
        true
    });
    may_read
}

#[cfg(test)]
mod tests {
    use skopos_core::{Labels, Sample};
    use skopos_promql::{Engine, EngineOptions, Table};

    use super::*;

    #[test]
    fn only_what_no_rule_changes_is_foreseen() {
        let written = ["a:b".to_owned(), "ALERTS".to_owned()];
        for (text, expected) in [
            ("up == 0", true),
            ("sum by (job) (rate(x[5m])) > 1", true),
            ("a:b > 1", false),
            ("rate(a:b[5m]) > 1", false),
            ("max_over_time({job=\"a\"}[5m]) > 1", false),
            ("ALERTS", false),
            ("{job=\"a\"}", false),
            ("{__name__=~\"u.*\"}", false),
            ("up @ end()", false),
            ("1", false),
            ("vector(1)", true),
        ] {
            assert_eq!(is_foreseeable(text, &written), expected, "{text}");
        }
    }

    #[test]
    fn answers_are_those_of_instant_queries() {
        let labels = |i: i64| Labels::from_pairs([("__name__", "x"), ("i", &i.to_string())]);
        let series = (0..3).map(|i| {
            let samples = (0..200).filter(|n| n % (i + 2) != 0);
            (labels(i), samples.map(|n| Sample::new(n * 10_000, (n * i) as f64)).collect())
        });
        let engine = Engine::new(series.collect::<Table>(), EngineOptions::default());
        let schedule = Schedule {
            first: Timestamp::from_millis(5_000),
            last: Timestamp::from_millis(2_500_000),
            interval: 15_000,
        };
        let text = "x > 20 and on(i) rate(x[1m]) > 0";
        let ahead = Foresight::new(&engine, &[(text.to_owned(), schedule)], &[]);
        let mut seen = 0;
        for t in (5_000..=2_500_000).step_by(15_000) {
            let request = QueryRequest::instant(text, Timestamp::from_millis(t));
            let (plain, foreseen) = (engine.query(&request), ahead.query(&request));
            let (plain, foreseen) = (plain.unwrap().value, foreseen.unwrap().value);
            assert_eq!(plain, foreseen, "at {t}");
            let QueryValue::Vector(vector) = plain else { unreachable!() };
            seen += vector.len();
        }
        assert_ne!(seen, 0);
    }
}
