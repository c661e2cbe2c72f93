//! What the HTTP API shows of groups, rules and alerts: plain values, ready to be written as JSON.

use std::collections::BTreeMap;
use std::time::Duration;

use skopos_core::{Labels, Timestamp};

use crate::alert::{Alert, AlertState};
use crate::group::GroupState;
use crate::model::RuleKind;
use crate::rule_state::{Health, RuleState};

/// A group as it is now.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct GroupView {
    /// The name.
    pub name: String,
    /// The file.
    pub file: String,
    /// Milliseconds between evaluations.
    pub interval: i64,
    /// The limit of series or alerts; 0 for none.
    pub limit: i64,
    /// How long the last evaluation took, by the clock.
    pub evaluation_time: Duration,
    /// When the last evaluation began, by the clock.
    pub last_evaluation: Option<Timestamp>,
    /// The slot of the last evaluation.
    pub last_slot: Option<Timestamp>,
    /// The rules in order.
    pub rules: Vec<RuleView>,
}

/// A rule as it is now.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct RuleView {
    /// What it does.
    pub kind: RuleKind,
    /// The name.
    pub name: String,
    /// The expression as Prometheus prints it.
    pub query: String,
    /// The labels, those of the group included, not expanded.
    pub labels: BTreeMap<String, String>,
    /// The annotations, not expanded.
    pub annotations: BTreeMap<String, String>,
    /// Milliseconds that the condition must hold.
    pub hold: i64,
    /// Milliseconds that an alert fires on.
    pub keep_firing_for: i64,
    /// The most important state of its alerts; nothing before the first evaluation (`unknown`) and
    /// for a rule that records.
    pub state: Option<AlertState>,
    /// The alerts that are pending or firing, in the order of their labels.
    pub alerts: Vec<AlertView>,
    /// Whether the last evaluation succeeded.
    pub health: Health,
    /// Why it did not.
    pub last_error: Option<String>,
    /// How long the last evaluation took, by the clock.
    pub evaluation_time: Duration,
    /// When the last evaluation began, by the clock.
    pub last_evaluation: Option<Timestamp>,
}

/// An alert that is pending or firing.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct AlertView {
    /// The labels.
    pub labels: Labels,
    /// The annotations, in the order of names.
    pub annotations: Vec<(String, String)>,
    /// Pending or firing.
    pub state: AlertState,
    /// Since when the condition holds.
    pub active_at: Timestamp,
    /// Since when it only fires because of `keep_firing_for`.
    pub keep_firing_since: Option<Timestamp>,
    /// The value when the expression last had a result.
    pub value: f64,
}

impl GroupState {
    /// What there is to see of the group. Linear in the number of rules and alerts.
    #[must_use]
    pub fn view(&self) -> GroupView {
        GroupView {
            name: self.group.name.clone(),
            file: self.file.clone(),
            interval: self.interval,
            limit: self.group.limit,
            evaluation_time: Duration::from_nanos(self.evaluation_nanos),
            last_evaluation: self.last_evaluation,
            last_slot: self.last_slot,
            rules: self.rules.iter().map(rule_view).collect(),
        }
    }
}

fn rule_view(state: &RuleState) -> RuleView {
    let alerts = state.rule.kind == RuleKind::Alerting && state.last_evaluation.is_some();
    RuleView {
        kind: state.rule.kind,
        name: state.rule.name.clone(),
        query: state.query.clone(),
        labels: state.pairs.clone(),
        annotations: state.rule.annotations.clone(),
        hold: state.rule.hold,
        keep_firing_for: state.rule.keep_firing_for,
        state: alerts.then(|| state.instances.state()),
        alerts: state
            .instances
            .iter()
            .filter(|a| a.resolved_at.is_none())
            .map(alert_view)
            .collect(),
        health: state.health,
        last_error: state.last_error.as_ref().map(ToString::to_string),
        evaluation_time: Duration::from_nanos(state.evaluation_nanos),
        last_evaluation: state.last_evaluation,
    }
}

fn alert_view(alert: &Alert) -> AlertView {
    AlertView {
        labels: alert.labels.clone(),
        annotations: alert.annotations.clone(),
        state: alert.state,
        active_at: alert.active_at,
        keep_firing_since: alert.keep_firing_since,
        value: alert.value,
    }
}
