//! What a replay tells of an alert's past: when it ended, and what began as it ended.

use skopos_core::labels::ALERT_NAME;
use skopos_core::{Labels, Timestamp};

use super::asking::has_all;
use super::cause::{LabelChange, changes};
use crate::backtest::{Backtest, Incident};
use crate::view::RuleView;

/// The incidents of one rule.
pub(super) struct History<'a> {
    incidents: Vec<&'a Incident>,
}

/// One of two incidents of which one began about when the other ended.
pub(super) struct Past<'a> {
    /// The one that ended.
    pub(super) incident: &'a Incident,
    /// When the other began.
    pub(super) at: Timestamp,
    /// How the labels of the other differ.
    pub(super) changes: Vec<LabelChange>,
}

impl<'a> History<'a> {
    pub(super) fn new(past: &'a Backtest, group: &str, rule: &RuleView) -> Self {
        let fixed = |(name, value): (&'a str, &'a str)| match rule.labels.get(name) {
            Some(given) => given == value || given.contains("{{"),
            None => true,
        };
        let incidents = past.incidents.iter().filter(|incident| {
            let name = incident.labels.get(ALERT_NAME);
            incident.group == group
                && name == Some(&*rule.name)
                && incident.labels.iter().all(fixed)
        });
        Self { incidents: incidents.collect() }
    }

    /// The incident of an alert that is not over.
    pub(super) fn open(&self, labels: &Labels) -> Option<&'a Incident> {
        let mut open = self.incidents.iter().rev().filter(|incident| incident.over_at.is_none());
        open.find(|incident| incident.labels == *labels).copied()
    }

    /// The last incident that is over, of alerts with these labels.
    pub(super) fn last(&self, labels: &Labels) -> Option<&'a Incident> {
        let over = self.incidents.iter().filter(|incident| incident.over_at.is_some());
        let fitting = over.filter(|incident| has_all(&incident.labels, labels));
        fitting.max_by_key(|incident| incident.over_at).copied()
    }

    /// How often an alert was pending and over before it fired.
    pub(super) fn false_starts(&self, labels: &Labels) -> usize {
        let never_fired = |i: &&&Incident| i.firing_at.is_none() && i.over_at.is_some();
        self.incidents.iter().filter(never_fired).filter(|i| i.labels == *labels).count()
    }

    /// The incident that ended about when the alert of these labels began, and is the most similar.
    ///
    /// Without a marker a series outlives its successor's beginning by the lookback, and a program that is
    /// replaced leaves a gap: `slack` is how many milliseconds the two may lie apart.
    pub(super) fn predecessor(
        &self,
        labels: &Labels,
        at: Timestamp,
        slack: i64,
    ) -> Option<Past<'a>> {
        let near = |incident: &&&Incident| {
            let apart = incident.over_at.map(|over| (over - at).abs());
            incident.pending_at < at && apart.is_some_and(|apart| apart <= slack)
        };
        let ended = self.incidents.iter().filter(near);
        let past = ended.filter(|incident| incident.labels != *labels).map(|incident| Past {
            incident,
            at,
            changes: changes(&incident.labels, labels, |_| true),
        });
        past.min_by_key(|past| (past.changes.len(), past.apart()))
    }

    /// What an alert that ended went on as: the most similar one of those that began about when it ended,
    /// if the two differ in less than half of their labels.
    pub(super) fn successor(&self, gone: &'a Incident, slack: i64) -> Option<Past<'a>> {
        let over = gone.over_at?;
        let near = |incident: &&&Incident| {
            let apart = (incident.pending_at - over).abs();
            gone.pending_at < incident.pending_at && apart <= slack
        };
        let began = self.incidents.iter().filter(near);
        let past = began.filter(|incident| incident.labels != gone.labels).map(|incident| Past {
            incident: gone,
            at: incident.pending_at,
            changes: changes(&gone.labels, &incident.labels, |_| true),
        });
        let past = past.min_by_key(|past| (past.changes.len(), past.apart()))?;
        (past.changes.len() * 2 < gone.labels.len()).then_some(past)
    }
}

impl Past<'_> {
    /// Milliseconds between the end of the one and the beginning of the other.
    pub(super) fn apart(&self) -> i64 {
        self.incident.over_at.map_or(i64::MAX, |over| (over - self.at).abs())
    }
}
