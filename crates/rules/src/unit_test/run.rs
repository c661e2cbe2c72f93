//! Playing a test: samples in, evaluations, and what is looked at on the way.

use std::collections::HashMap;

use skopos_core::{
    Error, Ingest, Labels, ManualClock, SampleValue, SeriesRef, Timestamp, duration,
};

use super::expect::{Failure, compare_alerts, compare_samples};
use super::{AlertTest, ExpressionTest, Laboratory, TestCase, TestFile};
use crate::error::LoadError;
use crate::evaluator::Evaluator;
use crate::group::{GroupDefaults, GroupState};
use crate::model::RuleFile;
use crate::run::append;

/// What came of one test.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct CaseReport {
    /// The test's name, `unnamed#3` if it has none and is the fourth.
    pub name: String,
    /// What did not come out as it should; nothing if the test passed.
    pub failures: Vec<Failure>,
}

impl TestFile {
    /// Plays the tests whose names are `selected`, in order.
    ///
    /// `rules` are the files that [`rule_files`](Self::rule_files) stand for, or why they cannot be
    /// loaded, which fails every test.
    pub fn run(
        &self,
        rules: Result<&[RuleFile], &[LoadError]>,
        laboratory: &dyn Laboratory,
        selected: &dyn Fn(&str) -> bool,
    ) -> Vec<CaseReport> {
        let tests = self.tests.iter().enumerate().filter(|(_, test)| selected(&test.name));
        tests
            .map(|(i, test)| {
                let failures = match rules {
                    Ok(rules) => {
                        let play = Play { file: self, test, laboratory };
                        play.run(rules).unwrap_or_else(|message| vec![Failure::new(message)])
                    }
                    Err(errors) => {
                        errors.iter().map(|error| Failure::new(error.to_string())).collect()
                    }
                };
                let name =
                    if test.name.is_empty() { format!("unnamed#{i}") } else { test.name.clone() };
                CaseReport { name, failures }
            })
            .collect()
    }

    /// Where in the order of evaluation a group stands.
    fn rank(&self, group: &str) -> usize {
        self.group_eval_order.iter().position(|name| name == group).unwrap_or(0)
    }
}

/// One test while it is played.
struct Play<'a> {
    file: &'a TestFile,
    test: &'a TestCase,
    laboratory: &'a dyn Laboratory,
}

impl Play<'_> {
    /// The failures; or what keeps the test from being played.
    fn run(&self, files: &[RuleFile]) -> Result<Vec<Failure>, String> {
        let mut feed = self.feed()?;
        let bench = self.laboratory.open(self.file.evaluation_interval);
        let clock = ManualClock::default();
        let evaluator =
            Evaluator::new(bench.engine(), self.laboratory.expander(), bench.sink(), &clock)
                .with_external(&self.test.external_labels, &self.test.external_url)
                .with_resend_delay(i64::MAX);
        let mut groups = self.groups(files, &evaluator).map_err(|error| error.to_string())?;
        let mut alert_tests = self.alert_tests()?;
        let mut keeps_firing = groups.iter().flat_map(|group| &group.group().rules);
        let keeps_firing = keeps_firing.any(|rule| rule.keep_firing_for != 0);
        let mut failures = Vec::new();
        let (start, interval) = (self.test.start, self.file.evaluation_interval);
        let end = start.saturating_add(self.test.end());
        let mut now = start;
        while now <= end {
            let t = Timestamp::from_millis(now);
            clock.set(t);
            feed.until(now, bench.sink()).map_err(|error| error.to_string())?;
            let next = now.saturating_add(interval);
            // Annotations of alerts that fire are of the last time that they were present.
            let is_looked_at = |test: &&AlertTest| start.saturating_add(test.eval_time) < next;
            let annotates = keeps_firing || alert_tests.peek().is_some_and(is_looked_at);
            let evaluator = evaluator.with_annotations(annotates);
            let errors = evaluate(&mut groups, t, &evaluator, now - start);
            if !errors.is_empty() {
                failures.extend(errors.into_iter().map(Failure::new));
                return Ok(failures);
            }
            while let Some(test) =
                alert_tests.next_if(|test| start.saturating_add(test.eval_time) < next)
            {
                failures.extend(compare_alerts(test, &self.test.name, &groups).err());
            }
            now = next;
        }
        for test in &self.test.promql_expr_tests {
            failures.extend(self.check_expression(test, &evaluator));
        }
        Ok(failures)
    }

    /// The input series, parsed.
    fn feed(&self) -> Result<Feed, String> {
        let mut feed = Feed::default();
        let mut by_labels: HashMap<Labels, usize> = HashMap::new();
        let mut line = 1;
        for input in &self.test.input_series {
            let text = format!("{} {}", input.series, input.values);
            for text in text.lines().map(str::trim) {
                // The line before the first is the one that says how far samples lie apart.
                line += 1;
                if text.is_empty() {
                    continue;
                }
                let parsed = self.laboratory.parse_series(text, line);
                let (labels, values) = parsed.map_err(|error| error.to_string())?;
                let at = *by_labels.entry(labels.clone()).or_insert(feed.series.len());
                let series = Fed { labels, values, next: 0, known: None };
                match feed.series.get_mut(at) {
                    Some(earlier) => *earlier = series,
                    None => feed.series.push(series),
                }
            }
        }
        feed.start = self.test.start;
        feed.interval = self.test.interval;
        Ok(feed)
    }

    /// The groups of all files in the order of their evaluation.
    fn groups(
        &self,
        files: &[RuleFile],
        evaluator: &Evaluator<'_>,
    ) -> Result<Vec<GroupState>, Error> {
        let defaults = GroupDefaults::default().with_interval(self.test.interval);
        let mut groups = Vec::new();
        for file in files {
            for group in &file.groups {
                let state = GroupState::new(group, &file.name, defaults, evaluator.engine, false)?;
                groups.push(state);
            }
        }
        groups.sort_by_key(|state| self.file.rank(&state.group().name));
        Ok(groups)
    }

    /// The tests of alerts in the order of their times.
    fn alert_tests(&self) -> Result<std::iter::Peekable<std::vec::IntoIter<&AlertTest>>, String> {
        let mut tests: Vec<&AlertTest> = self.test.alert_rule_tests.iter().collect();
        if let Some(nameless) = tests.iter().find(|test| test.alert_name.is_empty()) {
            let case = match self.test.name.as_str() {
                "" => String::new(),
                name => format!(" (in TestGroup {name})"),
            };
            let time = duration::format(nameless.eval_time);
            return Err(format!(
                "an item under alert_rule_test misses required attribute alertname at eval_time \
                 {time}{case}"
            ));
        }
        tests.sort_by_key(|test| test.eval_time);
        Ok(tests.into_iter().peekable())
    }

    fn check_expression(
        &self,
        test: &ExpressionTest,
        evaluator: &Evaluator<'_>,
    ) -> Option<Failure> {
        let t = Timestamp::from_millis(self.test.start.saturating_add(test.eval_time));
        compare_samples(test, t, evaluator.engine, self.laboratory, self.file.fuzzy_compare).err()
    }
}

/// Evaluates all groups; what failed.
fn evaluate(
    groups: &mut [GroupState],
    t: Timestamp,
    evaluator: &Evaluator<'_>,
    since_start: i64,
) -> Vec<String> {
    let mut errors = Vec::new();
    for group in groups {
        if group.evaluate(t, evaluator).failed_rules == 0 {
            continue;
        }
        for rule in &group.rules {
            if let Some(error) = &rule.last_error {
                let (name, time) = (&rule.rule.name, clock_time(since_start));
                errors.push(format!("    rule: {name}, time: {time}, err: {error}"));
            }
        }
    }
    errors
}

/// A duration as Go prints it: `1h0m30s`.
fn clock_time(millis: i64) -> String {
    let (hours, minutes) = (millis / 3_600_000, millis / 60_000 % 60);
    let seconds = (millis % 60_000) as f64 / 1000.0;
    match (hours, minutes) {
        (0, 0) if 0 < millis && millis < 1000 => format!("{millis}ms"),
        (0, 0) => format!("{seconds}s"),
        (0, _) => format!("{minutes}m{seconds}s"),
        _ => format!("{hours}h{minutes}m{seconds}s"),
    }
}

/// The input series, of which some samples were taken.
#[derive(Default)]
struct Feed {
    start: i64,
    interval: i64,
    series: Vec<Fed>,
}

struct Fed {
    labels: Labels,
    values: Vec<Option<SampleValue>>,
    /// The value that comes next.
    next: usize,
    known: Option<SeriesRef>,
}

impl Feed {
    /// Appends the samples up to `now` that were not yet.
    fn until(&mut self, now: i64, sink: &dyn Ingest) -> Result<(), Error> {
        let mut appender = sink.appender();
        for series in &mut self.series {
            while let Some(value) = series.values.get(series.next) {
                let since = self.interval.saturating_mul(series.next as i64);
                let t = self.start.saturating_add(since);
                if now < t {
                    break;
                }
                series.next += 1;
                if let Some(value) = value {
                    let t = Timestamp::from_millis(t);
                    let value = value.clone();
                    let known = append(&mut *appender, series.known, &series.labels, t, value)?;
                    series.known = Some(known);
                }
            }
        }
        appender.commit()
    }
}

#[cfg(test)]
mod tests {
    use super::clock_time;

    #[test]
    fn times_read_like_go_durations() {
        for (millis, text) in [
            (0, "0s"),
            (250, "250ms"),
            (1_500, "1.5s"),
            (60_000, "1m0s"),
            (3_600_000, "1h0m0s"),
            (90_061_000, "25h1m1s"),
        ] {
            assert_eq!(clock_time(millis), text);
        }
    }
}
