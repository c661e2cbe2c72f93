//! A group while it is evaluated: its slots, its rules one after the other, its stale series.

use std::collections::VecDeque;

use hashbrown::HashMap;

use skopos_core::{
    Appender, Error, ErrorKind, HistogramSample, Ingest, Labels, QueryEngine, Sample, SampleValue,
    SeriesRef, SeriesSource, Timestamp, stale_nan,
};
use xxhash_rust::xxh64::xxh64;

use crate::evaluator::Evaluator;
use crate::model::{Group, RuleKind};
use crate::notification::{Notification, notifications};
use crate::restore::{RestoreOptions, restore_rule};
use crate::rule_state::{RuleSample, RuleState};

/// What holds for all groups that do not say otherwise.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct GroupDefaults {
    /// Milliseconds between evaluations.
    pub interval: i64,
    /// How many milliseconds before the time of evaluation queries are asked.
    pub query_offset: i64,
}

/// A minute, and no offset.
impl Default for GroupDefaults {
    fn default() -> Self {
        Self { interval: 60_000, query_offset: 0 }
    }
}

impl GroupDefaults {
    /// The same with another interval, in milliseconds.
    #[must_use]
    pub fn with_interval(self, interval: i64) -> Self {
        Self { interval, ..self }
    }

    /// The same with another query offset, in milliseconds.
    #[must_use]
    pub fn with_query_offset(self, query_offset: i64) -> Self {
        Self { query_offset, ..self }
    }
}

/// What an evaluation of a group did.
#[derive(Clone, Debug, Default)]
#[non_exhaustive]
pub struct Outcome {
    /// How many samples the rules gave.
    pub samples: usize,
    /// How many rules failed.
    pub failed_rules: usize,
    /// How many samples were refused because the series has a newer one.
    pub out_of_order: usize,
    /// How many samples were refused because they are too old.
    pub too_old: usize,
    /// How many samples were refused because there is another value at the same time.
    pub duplicates: usize,
    /// The alerts to send, in the order of rules and labels.
    pub notifications: Vec<Notification>,
}

/// A group with everything that its next evaluation depends on.
#[derive(Debug)]
pub struct GroupState {
    pub(crate) group: Group,
    pub(crate) file: String,
    pub(crate) interval: i64,
    pub(crate) query_offset: i64,
    pub(crate) rules: Vec<RuleState>,
    /// Series of rules that are gone, to be marked as stale.
    stale: Vec<Labels>,
    /// How often it was evaluated.
    evaluations: u64,
    pub(crate) evaluation_millis: i64,
    pub(crate) last_evaluation: Option<Timestamp>,
    pub(crate) last_slot: Option<Timestamp>,
}

impl GroupState {
    /// The state of a group of `file` before its first evaluation.
    ///
    /// `restores` is whether the `for` state of alerts will be restored: at the start of the program,
    /// not after a reload.
    ///
    /// # Errors
    ///
    /// `Invalid` if an expression does not parse or an interval is not above 0.
    pub fn new(
        group: &Group,
        file: &str,
        defaults: GroupDefaults,
        engine: &dyn QueryEngine,
        restores: bool,
    ) -> Result<Self, Error> {
        let interval = group.interval.unwrap_or(defaults.interval);
        if interval <= 0 {
            let message = format!("group {}: interval must be above 0", group.name);
            return Err(Error::new(ErrorKind::Invalid, message));
        }
        let state = |rule| RuleState::new(group, rule, engine, !restores);
        let rules = group.rules.iter().map(state).collect::<Result<_, _>>()?;
        Ok(Self {
            group: group.clone(),
            file: file.to_owned(),
            interval,
            query_offset: group.query_offset.unwrap_or(defaults.query_offset),
            rules,
            stale: Vec::new(),
            evaluations: 0,
            evaluation_millis: 0,
            last_evaluation: None,
            last_slot: None,
        })
    }

    /// The key under which Prometheus knows the group: `file;name`.
    #[must_use]
    pub fn key(&self) -> String {
        format!("{};{}", self.file, self.group.name)
    }

    /// The group as it is written.
    #[must_use]
    pub fn group(&self) -> &Group {
        &self.group
    }

    /// The name of the group's file.
    #[must_use]
    pub fn file(&self) -> &str {
        &self.file
    }

    /// Milliseconds between evaluations.
    #[must_use]
    pub fn interval(&self) -> i64 {
        self.interval
    }

    /// How many milliseconds before the time of evaluation queries are asked.
    #[must_use]
    pub fn query_offset(&self) -> i64 {
        self.query_offset
    }

    /// Whether a reload with `group` changes nothing, so that this state may go on untouched.
    #[must_use]
    pub fn is_same(&self, group: &Group, file: &str, defaults: GroupDefaults) -> bool {
        self.file == file
            && self.group.name == group.name
            && self.group.limit == group.limit
            && self.interval == group.interval.unwrap_or(defaults.interval)
            && self.query_offset == group.query_offset.unwrap_or(defaults.query_offset)
            && self.group.labels == group.labels
            && self.group.rules == group.rules
    }

    /// The first slot after `after`: the time of the next evaluation.
    ///
    /// Slots lie an interval apart; where they begin depends on the names of the file and the group,
    /// so that groups do not run all at once. Evaluate at the slot's time even if you are late, and
    /// pass over slots that were missed.
    #[must_use]
    pub fn next_evaluation(&self, after: Timestamp) -> Timestamp {
        let offset = self.slot_offset();
        let since = after.as_millis().saturating_sub(offset);
        let slot = since.div_euclid(self.interval).saturating_add(1);
        Timestamp::from_millis(slot.saturating_mul(self.interval).saturating_add(offset))
    }

    /// Milliseconds from the multiples of the interval to the slots.
    fn slot_offset(&self) -> i64 {
        let mut bytes = Vec::new();
        for text in ["file", &self.file, "name", &self.group.name] {
            bytes.extend_from_slice(text.as_bytes());
            bytes.push(0xff);
        }
        let interval_nanos = self.interval.unsigned_abs().saturating_mul(1_000_000);
        let nanos = xxh64(&bytes, 0) % interval_nanos;
        i64::try_from(nanos / 1_000_000).unwrap_or(0)
    }

    /// Evaluates all rules at the slot `t`, in order; each sees what those before it wrote.
    ///
    /// A rule that fails is noted (see [`view`](Self::view)) and does not keep the others from
    /// running. Costs one query and one commit a rule.
    pub fn evaluate(&mut self, t: Timestamp, evaluator: &Evaluator<'_>) -> Outcome {
        let start = evaluator.clock.now();
        let mut outcome = Outcome::default();
        for index in 0..self.rules.len() {
            self.evaluate_rule(index, t, evaluator, &mut outcome);
        }
        self.mark_stale(t, evaluator.sink);
        self.evaluations += 1;
        self.last_slot = Some(t);
        self.last_evaluation = Some(start);
        self.evaluation_millis = (evaluator.clock.now() - start).max(0);
        outcome
    }

    fn evaluate_rule(
        &mut self,
        index: usize,
        t: Timestamp,
        evaluator: &Evaluator<'_>,
        outcome: &mut Outcome,
    ) {
        let (offset, interval, limit) = (self.query_offset, self.interval, self.group.limit);
        let Some(rule) = self.rules.get_mut(index) else { return };
        let start = evaluator.clock.now();
        match rule.samples(t, offset, limit, evaluator) {
            Ok(samples) => {
                rule.succeed();
                outcome.samples += samples.len();
                if rule.rule.kind == RuleKind::Alerting {
                    let due = rule.instances.take_due(t, evaluator.resend_delay, interval);
                    outcome.notifications.extend(notifications(
                        due,
                        &rule.query,
                        evaluator.external_url,
                    ));
                }
                write(rule, samples, t.saturating_sub(offset), evaluator.sink, outcome);
            }
            Err(error) => rule.fail(error),
        }
        if rule.health == crate::Health::Bad {
            outcome.failed_rules += 1;
        }
        rule.last_evaluation = Some(start);
        rule.evaluation_millis = (evaluator.clock.now() - start).max(0);
    }

    /// Marks the series of rules that are gone as stale.
    fn mark_stale(&mut self, t: Timestamp, sink: &dyn Ingest) {
        if self.stale.is_empty() {
            return;
        }
        let t = t.saturating_sub(self.query_offset);
        let mut appender = sink.appender();
        for labels in &self.stale {
            // Another rule may have taken the series over; then there is nothing to mark.
            let _ = appender.append(None, labels, marker(t));
        }
        if appender.commit().is_ok() {
            self.stale.clear();
        }
    }

    /// Marks everything that the group wrote as stale, for a group that is gone.
    ///
    /// Prometheus waits two intervals before, so that a renamed group can take the series over.
    pub fn retire(mut self, t: Timestamp, sink: &dyn Ingest) {
        for rule in &mut self.rules {
            self.stale.extend(std::mem::take(&mut rule.written).into_keys());
        }
        self.mark_stale(t, sink);
    }

    /// Takes over the state of the group that this one replaces: alerts and written series of rules
    /// with the same name and labels, the first from the first and so on.
    ///
    /// What the other rules wrote is marked as stale by the next evaluation.
    pub fn take_over(&mut self, mut from: Self) {
        self.evaluation_millis = from.evaluation_millis;
        self.last_evaluation = from.last_evaluation;
        self.stale = std::mem::take(&mut from.stale);
        let mut left: VecDeque<RuleState> = from.rules.into();
        for rule in &mut self.rules {
            let Some(at) = left.iter().position(|old| rule.is_successor_of(old)) else { continue };
            let Some(old) = left.remove(at) else { continue };
            rule.written = old.written;
            if rule.rule.kind == RuleKind::Alerting && old.rule.kind == RuleKind::Alerting {
                rule.instances = old.instances;
            }
        }
        self.stale.extend(left.into_iter().flat_map(|rule| rule.written.into_keys()));
    }

    /// Whether the `for` state is to be restored now: after the second evaluation, once.
    #[must_use]
    pub fn wants_restore(&self) -> bool {
        self.evaluations >= 2 && self.rules.iter().any(needs_restore)
    }

    /// Restores since when alerts are active, from the series that were written before the program
    /// ended, and begins to write them.
    ///
    /// A rule whose series cannot be read goes on without: its alerts begin anew.
    ///
    /// # Errors
    ///
    /// The last failure to read; all rules are in order nevertheless.
    pub fn restore(
        &mut self,
        now: Timestamp,
        source: &dyn SeriesSource,
        options: &RestoreOptions,
    ) -> Result<(), Error> {
        let mut result = Ok(());
        for rule in self.rules.iter_mut().filter(|rule| needs_restore(rule)) {
            if let Err(error) = restore_rule(rule, now, source, options) {
                result = Err(error);
            }
            rule.restored = true;
        }
        result
    }
}

fn needs_restore(rule: &RuleState) -> bool {
    rule.rule.kind == RuleKind::Alerting && !rule.restored
}

fn marker(t: Timestamp) -> Sample {
    Sample { t, v: stale_nan() }
}

/// Writes what a rule gave, and markers for what it gave last time and does not now.
fn write(
    rule: &mut RuleState,
    samples: Vec<RuleSample>,
    t: Timestamp,
    sink: &dyn Ingest,
    outcome: &mut Outcome,
) {
    if samples.is_empty() && rule.written.is_empty() {
        return;
    }
    let mut appender = sink.appender();
    let mut written = HashMap::with_capacity(samples.len());
    let mut rewritten = 0;
    for RuleSample { labels, value } in samples {
        let known = rule.written.get(&labels).copied();
        match append(&mut *appender, known, &labels, t, value) {
            Ok(series) => {
                rewritten += usize::from(known.is_some());
                written.insert(labels, series);
            }
            Err(error) => {
                count_refusal(outcome, &error);
                rule.fail(error);
            }
        }
    }
    if rewritten < rule.written.len() {
        let gone = rule.written.iter().filter(|(labels, _)| !written.contains_key(*labels));
        for (labels, series) in gone {
            // Another rule may write the series by now; then there is nothing to mark.
            let _ = appender.append(Some(*series), labels, marker(t));
        }
    }
    match appender.commit() {
        Ok(()) => rule.written = written,
        Err(error) => rule.fail(error),
    }
}

pub(crate) fn append(
    appender: &mut dyn Appender,
    series: Option<SeriesRef>,
    labels: &Labels,
    t: Timestamp,
    value: SampleValue,
) -> Result<SeriesRef, Error> {
    match value {
        SampleValue::Float(v) => appender.append(series, labels, Sample { t, v }),
        SampleValue::Histogram(histogram) => {
            let histogram = std::sync::Arc::unwrap_or_clone(histogram);
            appender.append_histogram(series, labels, t, &HistogramSample::Float(histogram))
        }
    }
}

fn count_refusal(outcome: &mut Outcome, error: &Error) {
    match error.kind() {
        ErrorKind::OutOfOrder => outcome.out_of_order += 1,
        ErrorKind::OutOfBounds => outcome.too_old += 1,
        ErrorKind::Duplicate => outcome.duplicates += 1,
        _ => {}
    }
}
