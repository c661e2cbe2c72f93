//! Why an alert is firing, pending or absent at an instant: what its expression lacked, and what became of
//! it before.
//!
//! The state is not computed here: it is what a [replay](crate::backtest()) has left in the groups, so that
//! both always agree. What is done here is asking: the expression's parts one by one, at the time of the
//! group's last evaluation.

mod asking;
mod cause;
mod explain;
mod history;
mod pairing;
mod part;
mod selection;
#[cfg(test)]
mod tests;
mod text;
#[cfg(feature = "serde")]
mod written;

use skopos_core::labels::ALERT_NAME;
use skopos_core::{Labels, QueryEngine, TimeRange, Timestamp};

use self::asking::{Asking, has_all};
pub use self::cause::{Cause, CauseKind, Compared, Ended, LabelChange, LeftOut};
use self::explain::{absence, condition};
use self::history::{History, Past};
pub use self::part::{
    Aggregation, Binary, ExpressionReader, Matching, Part, PartKind, Selector, Side,
};
use crate::alert::AlertState;
use crate::backtest::{Backtest, Incident};
use crate::group::GroupState;
use crate::model::RuleKind;
use crate::view::{AlertView, GroupView, RuleView};

/// How many alerts of a rule are explained; those beyond are counted.
const MAX_INSTANCES: usize = 20;

/// What is asked: an alert, the labels that it has among others, and when.
///
/// ```
/// use skopos_core::{Labels, TimeRange, Timestamp};
/// use skopos_rules::why::Question;
///
/// let day = TimeRange::new(Timestamp::from_seconds(0.0), Timestamp::from_seconds(86_400.0));
/// let question = Question::new("Down", day).with_labels(Labels::from_pairs([("instance", "db-1")]));
/// assert_eq!(question.at(), day.end);
/// ```
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub struct Question {
    alert: String,
    labels: Labels,
    replayed: TimeRange,
    lookback: i64,
    search: i64,
}

impl Question {
    /// A question about all alerts of a name at the end of a replay.
    #[must_use]
    pub fn new(alert: impl Into<String>, replayed: TimeRange) -> Self {
        let (lookback, search) = (5 * 60_000, 24 * 3_600_000);
        Self { alert: alert.into(), labels: Labels::empty(), replayed, lookback, search }
    }

    /// The same about alerts that have these labels.
    #[must_use]
    pub fn with_labels(self, labels: Labels) -> Self {
        Self { labels: labels.filtered(|name| name != ALERT_NAME), ..self }
    }

    /// The same of an engine whose instant selectors look back another number of milliseconds than five
    /// minutes.
    #[must_use]
    pub fn with_lookback(self, millis: i64) -> Self {
        Self { lookback: millis, ..self }
    }

    /// The same with how many milliseconds back series are looked for that are gone, for which a day
    /// is the default.
    #[must_use]
    pub fn with_search(self, millis: i64) -> Self {
        Self { search: millis, ..self }
    }

    /// The instant that is asked about.
    #[must_use]
    pub fn at(&self) -> Timestamp {
        self.replayed.end
    }
}

/// What there is to say of the alerts of one rule; `Display` says it in sentences.
#[derive(Clone, Debug, PartialEq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize), serde(rename_all = "camelCase"))]
#[non_exhaustive]
pub struct Why {
    /// The name of the alert.
    pub alert: String,
    /// The labels that were asked for.
    #[cfg_attr(feature = "serde", serde(serialize_with = "written::labels"))]
    pub labels: Labels,
    /// The group of the rule.
    pub group: String,
    /// The expression as it is written; places count its bytes.
    pub expr: String,
    /// The instant that was asked about.
    #[cfg_attr(feature = "serde", serde(serialize_with = "written::time"))]
    pub at: Timestamp,
    /// The group's last evaluation, from which the state is.
    #[cfg_attr(feature = "serde", serde(serialize_with = "written::optional_time"))]
    pub evaluated_at: Option<Timestamp>,
    /// Where the replay began: what was before is not known.
    #[cfg_attr(feature = "serde", serde(serialize_with = "written::time"))]
    pub replayed_from: Timestamp,
    /// The most important state of the alerts.
    #[cfg_attr(feature = "serde", serde(serialize_with = "written::state"))]
    pub state: AlertState,
    /// The alerts that are pending or firing.
    pub instances: Vec<Instance>,
    /// How many more there are.
    pub more_instances: usize,
    /// Why the group's last evaluation of the rule failed, if it did.
    pub failure: Option<String>,
    /// Why there is none, if there is none.
    pub causes: Vec<Cause>,
    /// What the alert went on as, if its labels changed.
    pub renamed: Option<Restart>,
    /// The last time there was one, if there is none.
    #[cfg_attr(feature = "serde", serde(serialize_with = "written::incident"))]
    pub last: Option<Incident>,
}

/// An alert that is pending or firing, and why.
#[derive(Clone, Debug, PartialEq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize), serde(rename_all = "camelCase"))]
#[non_exhaustive]
pub struct Instance {
    /// The labels.
    #[cfg_attr(feature = "serde", serde(serialize_with = "written::labels"))]
    pub labels: Labels,
    /// Pending or firing.
    #[cfg_attr(feature = "serde", serde(serialize_with = "written::state"))]
    pub state: AlertState,
    /// The value when the expression last had a result.
    #[cfg_attr(feature = "serde", serde(serialize_with = "written::float"))]
    pub value: f64,
    /// Since when the expression has had a result.
    #[cfg_attr(feature = "serde", serde(serialize_with = "written::time"))]
    pub active_since: Timestamp,
    /// Whether that is the first evaluation of the replay, so that it may be longer.
    pub perhaps_longer: bool,
    /// Since when it fires.
    #[cfg_attr(feature = "serde", serde(serialize_with = "written::optional_time"))]
    pub firing_since: Option<Timestamp>,
    /// When it will fire, if the expression goes on having a result.
    #[cfg_attr(feature = "serde", serde(serialize_with = "written::optional_time"))]
    pub fires_at: Option<Timestamp>,
    /// That only `keep_firing_for` holds it.
    pub kept: Option<Kept>,
    /// The comparison that holds.
    pub condition: Option<Cause>,
    /// That its time began anew because its labels changed.
    pub restart: Option<Restart>,
    /// Why the expression had no result at the evaluation before.
    pub before: Option<Cause>,
    /// How often it was pending and did not come to fire, since the replay began.
    pub false_starts: usize,
}

/// An alert that fires though its expression has no result.
#[derive(Clone, Debug, PartialEq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize))]
#[non_exhaustive]
pub struct Kept {
    /// Since when.
    #[cfg_attr(feature = "serde", serde(serialize_with = "written::time"))]
    pub since: Timestamp,
    /// The evaluation at which it will be resolved.
    #[cfg_attr(feature = "serde", serde(serialize_with = "written::time"))]
    pub until: Timestamp,
    /// Why the expression has no result.
    pub cause: Option<Cause>,
}

/// An alert that ended when another began, with labels that differ.
#[derive(Clone, Debug, PartialEq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize))]
#[non_exhaustive]
pub struct Restart {
    /// When.
    #[cfg_attr(feature = "serde", serde(serialize_with = "written::time"))]
    pub at: Timestamp,
    /// The labels that changed.
    pub changes: Vec<LabelChange>,
    /// When the alert that ended had begun.
    #[cfg_attr(feature = "serde", serde(serialize_with = "written::time"))]
    pub began: Timestamp,
}

/// Says of each alerting rule of the name why its alerts are firing, pending or absent.
///
/// `groups` are as [`backtest`](crate::backtest()) left them at the end of the range of the
/// question, and `past` is its result. `engine` answers from what the rules were evaluated over, what they
/// wrote included. Without a rule of the name the answer is empty; rules that cannot give the labels that were
/// asked for are told of only if no rule can.
///
/// Asks for each part of an expression at most a few times, and for a selector without series at most
/// three times for each of its conditions, besides one search for where a series ended.
///
/// # Examples
///
/// ```
/// # use skopos_core::{
/// #     Appender, Error, Expander, Expansion, Ingest, LabelSet, QueryOutput, QueryRequest,
/// #     QueryValue, Sample, SampleValue, SeriesRef, VectorSample,
/// # };
/// # struct World;
/// # impl QueryEngine for World {
/// #     fn query(&self, request: &QueryRequest<'_>) -> Result<QueryOutput, Error> {
/// #         let t = request.start();
/// #         let value = match request.text() { "2" => 2.0, _ => 7.0 };
/// #         let vector = vec![VectorSample { labels: Labels::empty(), t, value: SampleValue::Float(value) }];
/// #         Ok(QueryOutput::new(QueryValue::Vector(match request.text() { "x < 2" => vec![], _ => vector })))
/// #     }
/// #     fn check(&self, _: &str) -> Result<(), Error> { Ok(()) }
/// #     fn canonical(&self, text: &str) -> Result<String, Error> { Ok(text.to_owned()) }
/// # }
/// # impl Expander for World {
/// #     fn check(&self, _: &str, _: &str) -> Result<(), Error> { Ok(()) }
/// #     fn expand(&self, text: &str, _: &Expansion<'_>) -> Result<String, Error> { Ok(text.to_owned()) }
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
/// # use skopos_core::{Labels, ManualClock, QueryEngine, TimeRange, Timestamp};
/// use skopos_rules::why::{Binary, CauseKind, Part, PartKind, Question, Selector, why};
/// use skopos_rules::{Evaluator, Group, GroupDefaults, GroupState, Rule, backtest};
///
/// let mut group = Group::new("g");
/// group.rules.push(Rule::alerting("Low", "x < 2")); // and `x` is 7
/// let mut groups = [GroupState::new(&group, "rules.yml", GroupDefaults::default(), &engine, false)?];
/// // What `skopos rules why` has skopos-promql for: here only one expression is known.
/// let reader = |_: &str| {
///     let left = Part::new(0..1, "x", PartKind::Selector(Selector::default()));
///     let right = Part::new(4..5, "2", PartKind::Number(2.0));
///     Some(Part::new(0..5, "x < 2", PartKind::Binary(Binary::new("<", left, right))))
/// };
///
/// let hour = TimeRange::new(Timestamp::from_millis(0), Timestamp::from_millis(3_600_000));
/// let clock = ManualClock::new(hour.start);
/// let evaluator = Evaluator::new(&engine, &expander, &sink, &clock);
/// let past = backtest(&mut groups, hour, &evaluator, &clock, &mut |_| {});
/// let answers = why(&Question::new("Low", hour), &groups, &past, &engine, &reader);
/// assert!(matches!(answers[0].causes[0].kind, CauseKind::Comparison { .. }));
/// assert!(answers[0].to_string().contains("7 < 2 does not hold"), "{}", answers[0]);
/// # Ok::<(), Error>(())
/// ```
#[must_use]
pub fn why(
    question: &Question,
    groups: &[GroupState],
    past: &Backtest,
    engine: &dyn QueryEngine,
    reader: &dyn ExpressionReader,
) -> Vec<Why> {
    let mut answers: Vec<(bool, Why)> = Vec::new();
    for group in groups {
        let view = group.view();
        for (at, rule) in view.rules.iter().enumerate() {
            if rule.kind == RuleKind::Alerting && rule.name == question.alert {
                let expr = group.group().rules.get(at).map_or("", |rule| &rule.expr);
                let about =
                    About { question, group, view: &view, rule, expr, past, engine, reader };
                let conflict = about.conflict();
                answers.push((conflict.is_some(), about.answer(conflict)));
            }
        }
    }
    let all_conflict = answers.iter().all(|(conflicts, _)| *conflicts);
    let kept = answers.into_iter().filter(|(conflicts, _)| all_conflict || !conflicts);
    kept.map(|(_, why)| why).collect()
}

/// A rule that is asked about.
struct About<'a> {
    question: &'a Question,
    group: &'a GroupState,
    view: &'a GroupView,
    rule: &'a RuleView,
    /// The expression as it is written.
    expr: &'a str,
    past: &'a Backtest,
    engine: &'a dyn QueryEngine,
    reader: &'a dyn ExpressionReader,
}

impl About<'_> {
    /// A label without a template that is not what was asked for.
    fn conflict(&self) -> Option<CauseKind> {
        self.question.labels.iter().find_map(|(label, wanted)| {
            let given = self.rule.labels.get(label)?;
            (given != wanted && !given.contains("{{")).then(|| CauseKind::RuleLabel {
                label: label.to_owned(),
                wanted: wanted.to_owned(),
                given: given.clone(),
            })
        })
    }

    fn answer(&self, conflict: Option<CauseKind>) -> Why {
        let alerts: Vec<&AlertView> = self.active().collect();
        let past = History::new(self.past, &self.view.name, self.rule);
        let evaluated_at = self.view.last_slot;
        let part = self.reader.read(self.expr);
        let asking = evaluated_at.map(|slot| self.asking(slot));
        let instance = |alert: &&AlertView| self.instance(alert, part.as_ref(), &past);
        let instances: Vec<Instance> = alerts.iter().take(MAX_INSTANCES).map(instance).collect();
        let (mut causes, mut renamed, mut last) = (Vec::new(), None, None);
        if alerts.is_empty() {
            causes = self.causes(conflict, part.as_ref(), asking.as_ref());
            last = past.last(&self.question.labels).cloned();
            let gone = past.last(&self.question.labels);
            let next = gone.and_then(|gone| past.successor(gone, self.slack()));
            renamed =
                next.filter(|next| self.only_labels(next, part.as_ref())).as_ref().map(restart);
        }
        Why {
            alert: self.rule.name.clone(),
            labels: self.question.labels.clone(),
            group: self.view.name.clone(),
            expr: self.expr.to_owned(),
            at: self.question.at(),
            evaluated_at,
            replayed_from: self.question.replayed.start,
            state: alerts.iter().map(|alert| alert.state).max().unwrap_or(AlertState::Inactive),
            more_instances: alerts.len() - instances.len(),
            instances,
            failure: self.rule.last_error.clone(),
            causes,
            renamed,
            last,
        }
    }

    /// The alerts that are pending or firing and have the labels.
    fn active(&self) -> impl Iterator<Item = &AlertView> {
        let active = self.rule.alerts.iter().filter(|alert| alert.state != AlertState::Inactive);
        active.filter(|alert| has_all(&alert.labels, &self.question.labels))
    }

    /// The questions to ask about the evaluation at a slot.
    fn asking(&self, slot: Timestamp) -> Asking<'_> {
        Asking {
            engine: self.engine,
            expr: self.expr,
            t: slot.saturating_sub(self.group.query_offset()),
            lookback: self.question.lookback,
            search: self.question.search,
        }
    }

    /// The labels that series must have for an alert to have these.
    fn wanted(&self, labels: &Labels) -> Labels {
        labels.filtered(|name| name != ALERT_NAME && !self.rule.labels.contains_key(name))
    }

    fn causes(
        &self,
        conflict: Option<CauseKind>,
        part: Option<&Part>,
        asking: Option<&Asking<'_>>,
    ) -> Vec<Cause> {
        let whole = 0..self.expr.len();
        let kind = match (conflict, asking, &self.rule.last_error) {
            (_, None, _) => CauseKind::NotEvaluated,
            (_, _, Some(error)) => CauseKind::Failed { error: error.clone() },
            (Some(conflict), ..) => conflict,
            (None, Some(asking), None) => {
                let labels = &self.question.labels;
                let by_expression =
                    part.and_then(|part| absence(asking, part, &self.wanted(labels)));
                return by_expression.or_else(|| self.other_value()).into_iter().collect();
            }
        };
        vec![Cause::new(&whole, kind)]
    }

    /// Alerts that differ from what was asked for in a label that the rule gives.
    fn other_value(&self) -> Option<Cause> {
        let wanted = self.wanted(&self.question.labels);
        let others = || {
            let fitting = self.rule.alerts.iter().filter(|a| a.state != AlertState::Inactive);
            fitting.filter(|alert| has_all(&alert.labels, &wanted))
        };
        self.question.labels.iter().find_map(|(label, value)| {
            let found = || others().filter_map(|alert| alert.labels.get(label));
            let differs = found().next().is_some() && found().all(|has| has != value);
            differs.then(|| {
                let (found, _) = selection::nearest_values(found(), value);
                let (label, wanted) = (label.to_owned(), value.to_owned());
                let kind = CauseKind::LabelValue { label, wanted, found };
                Cause::new(&(0..self.expr.len()), kind)
            })
        })
    }

    fn instance(&self, alert: &AlertView, part: Option<&Part>, past: &History<'_>) -> Instance {
        let wanted = self.wanted(&alert.labels);
        let now = self.view.last_slot.map(|slot| self.asking(slot));
        let since = alert.active_at;
        let first = self.group.next_evaluation(self.question.replayed.start.saturating_sub(1));
        let perhaps_longer = since <= first;
        let kept = alert.keep_firing_since.map(|since| Kept {
            since,
            until: self.due(since, self.rule.keep_firing_for),
            cause: part.zip(now.as_ref()).and_then(|(part, now)| absence(now, part, &wanted)),
        });
        let holds = part.zip(now.as_ref()).filter(|_| kept.is_none());
        let restart = match perhaps_longer {
            true => None,
            false => {
                let before = past.predecessor(&alert.labels, since, self.slack());
                before.filter(|before| self.only_labels(before, part)).as_ref().map(restart)
            }
        };
        let before = self.asking(since.saturating_sub(self.group.interval()));
        let asks_before = !perhaps_longer && restart.is_none();
        Instance {
            labels: alert.labels.clone(),
            state: alert.state,
            value: alert.value,
            active_since: since,
            perhaps_longer,
            firing_since: past.open(&alert.labels).and_then(|incident| incident.firing_at),
            fires_at: (alert.state == AlertState::Pending).then(|| self.due(since, self.rule.hold)),
            condition: holds.and_then(|(part, now)| condition(now, part, &wanted)),
            kept,
            restart,
            before: part.filter(|_| asks_before).and_then(|part| absence(&before, part, &wanted)),
            false_starts: past.false_starts(&alert.labels),
        }
    }

    /// The first evaluation that is so many milliseconds after `since`.
    fn due(&self, since: Timestamp, millis: i64) -> Timestamp {
        self.group.next_evaluation(since.saturating_add(millis).saturating_sub(1))
    }

    /// How many milliseconds may lie between an alert's end and its going on with other labels.
    fn slack(&self) -> i64 {
        self.question.lookback.saturating_add(self.group.interval())
    }

    /// Whether of two alerts, one of which began about when the other ended, both are the same but for labels.
    fn only_labels(&self, past: &Past<'_>, part: Option<&Part>) -> bool {
        let by_rule = |change: &LabelChange| self.rule.labels.contains_key(&change.name);
        if past.changes.iter().all(by_rule) {
            return past.apart() == 0;
        }
        // An alert whose series are there and no longer fulfil the condition ended by itself.
        let wanted = self.wanted(&past.incident.labels);
        let over = past.incident.over_at.unwrap_or(past.at);
        let cause = part.and_then(|part| absence(&self.asking(over), part, &wanted));
        cause.is_some_and(|cause| !cause.is_verdict())
    }
}

fn restart(past: &Past<'_>) -> Restart {
    Restart { at: past.at, changes: past.changes.clone(), began: past.incident.pending_at }
}
