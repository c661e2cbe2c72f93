//! Rules replayed over the past: when would each alert have been pending, firing and resolved?
//!
//! The groups are evaluated at the slots that they would have had, by a clock that is set to each. What
//! the rules write goes to the evaluator's sink; for rules to see it, the engine must read from there.

use std::cmp::Reverse;
use std::collections::BinaryHeap;

use hashbrown::HashMap;
use skopos_core::{Labels, ManualClock, TimeRange, Timestamp};

use crate::alert::{Alert, AlertState};
use crate::evaluator::Evaluator;
use crate::group::GroupState;
use crate::model::RuleKind;

/// How many failures are told; those beyond are counted.
const MAX_FAILURES: usize = 100;

/// An alert from the time at which it became pending until it was resolved.
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub struct Incident {
    /// The group of the rule.
    pub group: String,
    /// The labels of the alert.
    pub labels: Labels,
    /// When its condition began to hold.
    pub pending_at: Timestamp,
    /// When it began to fire, if it did.
    pub firing_at: Option<Timestamp>,
    /// When it was over: resolved, or no longer pending; nothing if it was not at the end.
    pub over_at: Option<Timestamp>,
    /// The value of the expression when the condition began to hold.
    pub first_value: f64,
    /// The smallest value while the condition held.
    pub min_value: f64,
    /// The largest value while the condition held.
    pub max_value: f64,
}

impl Incident {
    /// The name of the alert.
    #[must_use]
    pub fn alert(&self) -> &str {
        self.labels.get(skopos_core::labels::ALERT_NAME).unwrap_or_default()
    }
}

/// What a replay gave.
#[derive(Clone, Debug, Default)]
#[non_exhaustive]
pub struct Backtest {
    /// The incidents in the order in which they began.
    pub incidents: Vec<Incident>,
    /// How many times groups were evaluated.
    pub evaluations: u64,
    /// The first evaluations of rules that failed: when, which rule, and why.
    pub failures: Vec<(Timestamp, String, String)>,
    /// How many evaluations of rules failed.
    pub failed: u64,
}

/// Evaluates the groups at all their slots in `range`, each slot of all groups in the order of time.
///
/// `clock` is the evaluator's, and is set to each slot; `progress` is told of each. Costs what the
/// evaluations cost.
///
/// ```
/// # use skopos_core::{
/// #     Appender, Error, Expander, Expansion, Ingest, LabelSet, Labels, QueryEngine, QueryOutput,
/// #     QueryRequest, QueryValue, Sample, SampleValue, SeriesRef, VectorSample,
/// # };
/// # struct World;
/// # impl QueryEngine for World {
/// #     fn query(&self, request: &QueryRequest<'_>) -> Result<QueryOutput, Error> {
/// #         let t = request.start();
/// #         let down = (60_000..180_000).contains(&t.as_millis());
/// #         let sample = VectorSample { labels: Labels::empty(), t, value: SampleValue::Float(0.0) };
/// #         Ok(QueryOutput::new(QueryValue::Vector(vec![sample; usize::from(down)])))
/// #     }
/// #     fn check(&self, _: &str) -> Result<(), Error> { Ok(()) }
/// #     fn canonical(&self, text: &str) -> Result<String, Error> { Ok(text.to_owned()) }
/// # }
/// # impl Expander for World {
/// #     fn check(&self, _: &str, _: &str) -> Result<(), Error> { Ok(()) }
/// #     fn expand(&self, text: &str, _: &Expansion<'_>) -> Result<String, Error> {
/// #         Ok(text.to_owned())
/// #     }
/// # }
/// # impl Ingest for World {
/// #     fn appender(&self) -> Box<dyn Appender + '_> { Box::new(Nowhere) }
/// # }
/// # struct Nowhere;
/// # impl Appender for Nowhere {
/// #     fn append(
/// #         &mut self, _: Option<SeriesRef>, _: &dyn LabelSet, _: Sample,
/// #     ) -> Result<SeriesRef, Error> { Ok(SeriesRef(std::num::NonZeroU64::MIN)) }
/// #     fn commit(self: Box<Self>) -> Result<(), Error> { Ok(()) }
/// #     fn rollback(self: Box<Self>) {}
/// # }
/// # let (engine, expander, sink) = (World, World, World);
/// use skopos_core::{ManualClock, TimeRange, Timestamp};
/// use skopos_rules::{Evaluator, Group, GroupDefaults, GroupState, Rule, backtest};
///
/// let mut group = Group::new("availability");
/// group.rules.push(Rule::alerting("Down", "up == 0")); // for two of the five minutes
/// let state = GroupState::new(&group, "rules.yml", GroupDefaults::default(), &engine, false)?;
///
/// let clock = ManualClock::default();
/// let evaluator = Evaluator::new(&engine, &expander, &sink, &clock);
/// let range = TimeRange::new(Timestamp::from_millis(0), Timestamp::from_millis(300_000));
/// let result = backtest(&mut [state], range, &evaluator, &clock, &mut |_| {});
/// let [down] = &*result.incidents else { unreachable!("one incident") };
/// assert_eq!(down.over_at.unwrap() - down.firing_at.unwrap(), 120_000);
/// # Ok::<(), Error>(())
/// ```
pub fn backtest(
    groups: &mut [GroupState],
    range: TimeRange,
    evaluator: &Evaluator<'_>,
    clock: &ManualClock,
    progress: &mut dyn FnMut(Timestamp),
) -> Backtest {
    // Incidents have no annotations, and nobody is notified.
    let evaluator = evaluator.with_annotations(false).with_resend_delay(i64::MAX);
    let before = range.start.saturating_sub(1);
    let first = |(i, group): (usize, &GroupState)| Reverse((group.next_evaluation(before), i));
    let mut slots: BinaryHeap<_> = groups.iter().enumerate().map(first).collect();
    let mut watch = Watch::default();
    while let Some(Reverse((t, i))) = slots.pop().filter(|Reverse((t, _))| *t <= range.end) {
        clock.set(t);
        progress(t);
        let outcome = groups[i].evaluate(t, &evaluator);
        watch.look(i, &groups[i], t, outcome.failed_rules);
        let next = t.saturating_add(groups[i].interval());
        if t < next {
            slots.push(Reverse((next, i)));
        }
    }
    watch.finish()
}

/// Which rule of which group an open incident belongs to.
type Place = (usize, usize);

/// Notices what becomes of alerts.
#[derive(Default)]
struct Watch {
    result: Backtest,
    /// The open incidents in the order of their labels, with their positions in the result.
    open: HashMap<Place, Vec<(Labels, usize)>>,
}

impl Watch {
    /// Looks at a group that was evaluated at `t`.
    fn look(&mut self, at: usize, group: &GroupState, t: Timestamp, failed_rules: usize) {
        self.result.evaluations += 1;
        for (i, rule) in group.rules.iter().enumerate() {
            if rule.rule.kind == RuleKind::Alerting {
                let alerts = rule.instances.iter().filter(|a| a.state != AlertState::Inactive);
                self.follow((at, i), group, alerts, t);
            }
            if let Some(error) = rule.last_error.as_ref().filter(|_| failed_rules != 0) {
                self.result.failed += 1;
                if self.result.failures.len() < MAX_FAILURES {
                    let failure = (t, rule.rule.name.clone(), error.to_string());
                    self.result.failures.push(failure);
                }
            }
        }
    }

    /// Follows the alerts of one rule.
    fn follow<'a>(
        &mut self,
        place: Place,
        group: &GroupState,
        alerts: impl Iterator<Item = &'a Alert>,
        t: Timestamp,
    ) {
        let mut alerts = alerts.peekable();
        if alerts.peek().is_none() && !self.open.contains_key(&place) {
            return;
        }
        let open = self.open.entry(place).or_default();
        let incidents = &mut self.result.incidents;
        let mut before = std::mem::take(open).into_iter().peekable();
        for alert in alerts {
            while let Some((_, i)) = before.next_if(|(labels, _)| *labels < alert.labels) {
                incidents[i].over_at = Some(t);
            }
            let known = before.next_if(|(labels, _)| *labels == alert.labels);
            let known =
                known.map(|(_, i)| i).filter(|i| incidents[*i].pending_at == alert.active_at);
            let i = known.unwrap_or_else(|| {
                incidents.push(begin(group, alert));
                incidents.len() - 1
            });
            incidents[i].take_in(alert);
            open.push((alert.labels.clone(), i));
        }
        for (_, i) in before {
            incidents[i].over_at = Some(t);
        }
        if open.is_empty() {
            self.open.remove(&place);
        }
    }

    fn finish(mut self) -> Backtest {
        self.result.incidents.sort_by(|a, b| {
            (a.pending_at, &a.group, &a.labels).cmp(&(b.pending_at, &b.group, &b.labels))
        });
        self.result
    }
}

fn begin(group: &GroupState, alert: &Alert) -> Incident {
    Incident {
        group: group.group().name.clone(),
        labels: alert.labels.clone(),
        pending_at: alert.active_at,
        firing_at: None,
        over_at: None,
        first_value: alert.value,
        min_value: alert.value,
        max_value: alert.value,
    }
}

impl Incident {
    fn take_in(&mut self, alert: &Alert) {
        if alert.keep_firing_since.is_none() {
            self.min_value = self.min_value.min(alert.value);
            self.max_value = self.max_value.max(alert.value);
        }
        self.firing_at = self.firing_at.or(alert.fired_at);
    }
}

/// How the incidents of two replays differ.
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub enum Difference {
    /// Only the first replay has it.
    Gone(Incident),
    /// Both have it, at other times.
    Moved(Incident, Incident),
    /// Only the second replay has it.
    New(Incident),
}

/// What differs between the incidents of two replays, in the order of time; values are not compared.
///
/// Incidents belong together if their alerts have the same labels and they overlap in time.
///
/// Linear in the number of incidents, but for those of one alert, which are compared pair by pair.
#[must_use]
pub fn differences(before: &[Incident], after: &[Incident]) -> Vec<Difference> {
    let mut by_labels: HashMap<&Labels, Vec<&Incident>> = HashMap::new();
    for incident in after {
        by_labels.entry(&incident.labels).or_default().push(incident);
    }
    let mut differences = Vec::new();
    for old in before {
        let same_alert = by_labels.entry(&old.labels).or_default();
        match same_alert.iter().position(|new| overlap(old, new)) {
            Some(i) => {
                let new = same_alert.remove(i);
                if times(old) != times(new) {
                    differences.push(Difference::Moved(old.clone(), new.clone()));
                }
            }
            None => differences.push(Difference::Gone(old.clone())),
        }
    }
    let new = by_labels.into_values().flatten().cloned();
    differences.extend(new.map(Difference::New));
    differences.sort_by(|a, b| {
        let (a, b) = (a.incident(), b.incident());
        (a.pending_at, &a.labels).cmp(&(b.pending_at, &b.labels))
    });
    differences
}

impl Difference {
    /// The incident, the earlier one of two.
    fn incident(&self) -> &Incident {
        match self {
            Self::Gone(incident) | Self::New(incident) | Self::Moved(incident, _) => incident,
        }
    }
}

fn overlap(a: &Incident, b: &Incident) -> bool {
    let ends_before = |a: &Incident, b: &Incident| a.over_at.is_some_and(|end| end < b.pending_at);
    !ends_before(a, b) && !ends_before(b, a)
}

fn times(incident: &Incident) -> (Timestamp, Option<Timestamp>, Option<Timestamp>) {
    (incident.pending_at, incident.firing_at, incident.over_at)
}
