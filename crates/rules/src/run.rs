//! One evaluation of the rules of a group: in order, or those together that may be.
//!
//! Evaluating a rule has two halves. The first asks the query and moves the alerts on; it touches
//! nothing but the rule. The second writes. Together run only first halves of rules that read nothing
//! of each other, and the second halves follow in the order of the rules, so that the results are
//! those of running all rules in order.

use std::sync::{Mutex, PoisonError, TryLockError};

use hashbrown::HashSet;

use skopos_core::{
    Appender, Error, ErrorKind, HistogramSample, Ingest, Labels, Sample, SampleValue, SeriesRef,
    Timestamp, stale_nan,
};

use crate::evaluator::Evaluator;
use crate::execute::Executor;
use crate::group::Outcome;
use crate::model::RuleKind;
use crate::notification::{Notification, notifications};
use crate::rule_state::{Health, RuleSample, RuleState};

/// What holds for all rules of an evaluation.
#[derive(Clone, Copy)]
pub(crate) struct Run<'a> {
    pub(crate) evaluator: &'a Evaluator<'a>,
    pub(crate) t: Timestamp,
    /// How many milliseconds earlier queries are asked.
    pub(crate) offset: i64,
    pub(crate) interval: i64,
    pub(crate) limit: i64,
}

/// What the first half of a rule's evaluation gave.
struct Asked {
    /// Nothing after a failure.
    samples: Option<Vec<RuleSample>>,
    notifications: Vec<Notification>,
}

impl Run<'_> {
    /// Evaluates rules one after the other.
    pub(crate) fn in_order(&self, rules: &mut [RuleState], outcome: &mut Outcome) {
        for rule in rules {
            let asked = self.ask(rule);
            let sent = self.write(rule, asked, outcome);
            outcome.notifications.extend(sent);
        }
    }

    /// Evaluates batches of rules one after the other.
    pub(crate) fn in_batches(
        &self,
        rules: &mut [RuleState],
        batches: &[Vec<usize>],
        executor: &dyn Executor,
        outcome: &mut Outcome,
    ) {
        // By rule, since batches are not in their order.
        let mut sent: Vec<(usize, Vec<Notification>)> = Vec::new();
        for batch in batches {
            if let [at] = batch[..] {
                let Some(rule) = rules.get_mut(at) else { continue };
                let asked = self.ask(rule);
                sent.push((at, self.write(rule, asked, outcome)));
            } else {
                self.batch(
                    rules,
                    batch,
                    executor,
                    &mut Writer { next: 0, outcome, sent: &mut sent },
                );
            }
        }
        sent.sort_by_key(|(at, _)| *at);
        outcome.notifications = sent.into_iter().flat_map(|(_, sent)| sent).collect();
    }

    fn batch(
        &self,
        rules: &mut [RuleState],
        batch: &[usize],
        executor: &dyn Executor,
        writer: &mut Writer<'_>,
    ) {
        let mut rest = rules.iter_mut().enumerate();
        let taken = batch.iter().filter_map(|at| rest.find(|(i, _)| i == at));
        let slots: Vec<Mutex<Slot<'_>>> =
            taken.map(|(at, rule)| Mutex::new(Slot { at, rule, asked: None })).collect();
        let writer = Mutex::new(writer);
        executor.for_each(slots.len(), &|i| {
            if let Some(slot) = slots.get(i) {
                let mut slot = slot.lock().unwrap_or_else(PoisonError::into_inner);
                slot.asked = Some(self.ask(slot.rule));
            }
            // Whoever is there first writes what is due; the others go on asking.
            if let Ok(mut writer) = writer.try_lock() {
                self.write_due(&slots, &mut writer);
            }
        });
        let writer = writer.into_inner().unwrap_or_else(PoisonError::into_inner);
        self.write_due(&slots, writer);
    }

    /// Writes what rules gave, in their order, up to the first that is still being asked.
    fn write_due(&self, slots: &[Mutex<Slot<'_>>], writer: &mut Writer<'_>) {
        while let Some(slot) = slots.get(writer.next) {
            let mut slot = match slot.try_lock() {
                Ok(slot) => slot,
                Err(TryLockError::Poisoned(slot)) => slot.into_inner(),
                Err(TryLockError::WouldBlock) => return,
            };
            let Some(asked) = slot.asked.take() else { return };
            let sent = self.write(slot.rule, asked, writer.outcome);
            if !sent.is_empty() {
                writer.sent.push((slot.at, sent));
            }
            writer.next += 1;
        }
    }

    /// The first half: asks, and moves the alerts on.
    fn ask(&self, rule: &mut RuleState) -> Asked {
        let Self { evaluator, t, offset, interval, limit } = *self;
        let (start, nanos) = (evaluator.clock.now(), evaluator.clock.nanos());
        let asked = match rule.samples(t, offset, limit, evaluator) {
            Ok(samples) => {
                rule.succeed();
                let mut sent = Vec::new();
                if rule.rule.kind == RuleKind::Alerting {
                    let due = rule.instances.take_due(t, evaluator.resend_delay, interval);
                    sent.extend(notifications(due, &rule.query, evaluator.external_url));
                }
                Asked { samples: Some(samples), notifications: sent }
            }
            Err(error) => {
                rule.fail(error);
                Asked { samples: None, notifications: Vec::new() }
            }
        };
        rule.last_evaluation = Some(start);
        rule.evaluation_nanos = since(nanos, evaluator);
        asked
    }

    /// The second half: writes and counts; gives what is to be sent.
    fn write(
        &self,
        rule: &mut RuleState,
        asked: Asked,
        outcome: &mut Outcome,
    ) -> Vec<Notification> {
        let start = self.evaluator.clock.nanos();
        match asked.samples {
            Some(samples) => {
                outcome.samples += samples.len();
                let t = self.t.saturating_sub(self.offset);
                write(rule, samples, t, self.evaluator.sink, outcome);
            }
            None => outcome.failed_evaluations += 1,
        }
        outcome.failed_rules += usize::from(rule.health == Health::Bad);
        rule.evaluation_nanos = rule.evaluation_nanos.saturating_add(since(start, self.evaluator));
        asked.notifications
    }
}

/// Nanoseconds that have passed by the evaluator's clock, which may have been set back.
pub(crate) fn since(nanos: i64, evaluator: &Evaluator<'_>) -> u64 {
    u64::try_from(evaluator.clock.nanos().saturating_sub(nanos)).unwrap_or(0)
}

/// A rule of a batch, and what it gave once it was asked.
struct Slot<'r> {
    at: usize,
    rule: &'r mut RuleState,
    asked: Option<Asked>,
}

/// Who writes: the position in the batch of the rule whose turn it is, the counts, and what is to be
/// sent, by the rule's position in the group.
struct Writer<'o> {
    next: usize,
    outcome: &'o mut Outcome,
    sent: &'o mut Vec<(usize, Vec<Notification>)>,
}

pub(crate) fn marker(t: Timestamp) -> Sample {
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
    // Nearly always the series are those of the last time, in the same order.
    let is_same = samples.len() == rule.written.len()
        && samples.iter().zip(&rule.written).all(|(sample, (labels, _))| sample.labels == *labels);
    let mut written = Vec::with_capacity(samples.len());
    let mut refused = false;
    let known = if is_same { None } else { Some(rule.written_by_labels()) };
    for (i, RuleSample { labels, value }) in samples.into_iter().enumerate() {
        let series = match &known {
            None => rule.written.get(i).map(|(_, series)| *series),
            Some(known) => known.get(&labels).copied(),
        };
        match append(&mut *appender, series, &labels, t, value) {
            Ok(series) => written.push((labels, series)),
            Err(error) => {
                refused = true;
                count_refusal(outcome, &error);
                rule.health = Health::Bad;
                rule.last_error = Some(error);
            }
        }
    }
    if !is_same || refused {
        let present: HashSet<&Labels> = written.iter().map(|(labels, _)| labels).collect();
        for (labels, series) in rule.written.iter().filter(|(l, _)| !present.contains(l)) {
            // Another rule may write the series by now; then there is nothing to mark.
            let _ = appender.append(Some(*series), labels, marker(t));
        }
    }
    match appender.commit() {
        Ok(()) => rule.written = written,
        Err(error) => {
            outcome.failed_evaluations += 1;
            rule.fail(error);
        }
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
