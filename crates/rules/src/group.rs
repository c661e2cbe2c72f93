//! A group while it is evaluated: its slots, its rules one after the other, its stale series.

use std::collections::VecDeque;
use std::sync::Arc;

use skopos_core::{Error, ErrorKind, Ingest, Labels, QueryEngine, SeriesSource, Timestamp};
use xxhash_rust::xxh64::xxh64;

use crate::dependency::Dependencies;
use crate::evaluator::{CountedExpander, Evaluator};
use crate::model::{Group, RuleKind};
use crate::notification::Notification;
use crate::restore::{RestoreOptions, restore_rule};
use crate::rule_state::RuleState;
use crate::run::{Run, marker, since};
use crate::shared::Plan;

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
    /// How many rules failed, those among them of whose samples some were refused.
    pub failed_rules: usize,
    /// How many rules could not be asked, or wrote nothing.
    pub failed_evaluations: usize,
    /// How many samples were refused because the series has a newer one.
    pub out_of_order: usize,
    /// How many samples were refused because they are too old.
    pub too_old: usize,
    /// How many samples were refused because there is another value at the same time.
    pub duplicates: usize,
    /// How many templates of labels and annotations were expanded.
    pub expansions: u64,
    /// How many of them failed: the text is then that of the error, as Prometheus tells it.
    pub failed_expansions: u64,
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
    /// What several rules select.
    shared: Plan,
    /// The batches of rules that may run together, once somebody asked for them; none where rules
    /// have to run in order.
    batches: Option<Arc<[Vec<usize>]>>,
    /// Series of rules that are gone, to be marked as stale.
    stale: Vec<Labels>,
    /// How often it was evaluated.
    evaluations: u64,
    pub(crate) evaluation_nanos: u64,
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
        let rules = group.rules.iter().map(state).collect::<Result<Vec<RuleState>, _>>()?;
        Ok(Self {
            group: group.clone(),
            file: file.to_owned(),
            interval,
            query_offset: group.query_offset.unwrap_or(defaults.query_offset),
            shared: Plan::new(rules.iter().map(|rule| &rule.prepared)),
            rules,
            batches: None,
            stale: Vec::new(),
            evaluations: 0,
            evaluation_nanos: 0,
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
    /// so that groups do not run all at once. They are those of Prometheus for the same names. Evaluate at the slot's time even if you are late, and
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
        // The layout in memory of a label set of Prometheus, so that the slots are the same there.
        let mut bytes = Vec::new();
        for text in ["file", &self.file, "name", &self.group.name] {
            match u8::try_from(text.len()) {
                Ok(length) if length < u8::MAX => bytes.push(length),
                _ => {
                    bytes.push(u8::MAX);
                    bytes.extend(text.len().to_le_bytes().into_iter().take(3));
                }
            }
            bytes.extend_from_slice(text.as_bytes());
        }
        let interval_nanos = self.interval.unsigned_abs().saturating_mul(1_000_000);
        let nanos = xxh64(&bytes, 0) % interval_nanos;
        i64::try_from(nanos / 1_000_000).unwrap_or(0)
    }

    /// Evaluates all rules at the slot `t`, in order; each sees what those before it wrote.
    ///
    /// With an [executor](Evaluator::with_executor), rules that do not
    /// [depend](Self::dependencies) on each other are asked at the same time; what comes of it is the
    /// same, and what rules of a batch gave is held until those before them wrote. A rule that fails is noted (see [`view`](Self::view)) and does not keep the others from
    /// running. Costs one query and one commit a rule.
    pub fn evaluate(&mut self, t: Timestamp, evaluator: &Evaluator<'_>) -> Outcome {
        let (start, nanos) = (evaluator.clock.now(), evaluator.clock.nanos());
        let mut outcome = Outcome::default();
        let expander = CountedExpander::new(evaluator.expander);
        let evaluator = &Evaluator { expander: &expander, ..*evaluator };
        let (offset, interval, limit) = (self.query_offset, self.interval, self.group.limit);
        let run = Run { evaluator, t, offset, interval, limit };
        match evaluator.executor.map(|executor| (executor, self.batches())) {
            Some((executor, Some(batches))) => {
                run.in_batches(&mut self.rules, &batches, executor, &mut outcome);
            }
            _ => run.in_order(&mut self.rules, &mut outcome),
        }
        (outcome.expansions, outcome.failed_expansions) = expander.counts();
        self.mark_stale(t, evaluator.sink);
        self.evaluations += 1;
        self.last_slot = Some(t);
        self.last_evaluation = Some(start);
        self.evaluation_nanos = since(nanos, evaluator);
        outcome
    }

    /// How the rules depend on each other.
    ///
    /// # Errors
    ///
    /// `Invalid` for a regular expression that cannot be compiled.
    pub fn dependencies(&self) -> Result<Dependencies, Error> {
        Dependencies::new(self.rules.iter().map(|rule| (&rule.rule, &rule.prepared)))
    }

    /// The batches of rules that may run together; nothing where there are none.
    fn batches(&mut self) -> Option<Arc<[Vec<usize>]>> {
        let batches = self.batches.take().unwrap_or_else(|| match self.dependencies() {
            Ok(dependencies) if !dependencies.is_sequential() => dependencies.batches().into(),
            // A matcher that cannot be compiled fails in its query.
            _ => Arc::default(),
        });
        self.batches = Some(Arc::clone(&batches));
        (!batches.is_empty()).then_some(batches)
    }

    /// How often the rules ask each selection.
    pub(crate) fn shared_selections(&self) -> Plan {
        self.shared.clone()
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
            self.stale.extend(std::mem::take(&mut rule.written).into_iter().map(|(l, _)| l));
        }
        self.mark_stale(t, sink);
    }

    /// Takes over the state of the group that this one replaces: alerts and written series of rules
    /// with the same name and labels, the first from the first and so on.
    ///
    /// What the other rules wrote is marked as stale by the next evaluation.
    pub fn take_over(&mut self, mut from: Self) {
        self.evaluation_nanos = from.evaluation_nanos;
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
        let written = left.into_iter().flat_map(|rule| rule.written);
        self.stale.extend(written.map(|(labels, _)| labels));
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
