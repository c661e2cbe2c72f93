//! The instances of an alerting rule: how they become pending, fire and resolve.
//!
//! Nothing here asks queries or writes samples.

use std::cmp::Ordering;

use skopos_core::labels::{ALERT_NAME, ALERT_STATE, METRIC_NAME};
use skopos_core::{Labels, LabelsBuilder, Timestamp};

/// How long, in milliseconds, a resolved alert is remembered and sent again.
pub(crate) const RESOLVED_RETENTION: i64 = 15 * 60_000;

/// What an alert is doing.
///
/// The order is that of importance.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[expect(clippy::exhaustive_enums, reason = "an alert is in one of three states")]
pub enum AlertState {
    /// The condition does not hold.
    Inactive,
    /// The condition holds, but not yet for long enough.
    Pending,
    /// The condition holds for long enough, or held until lately.
    Firing,
}

impl AlertState {
    /// The name in series and in the HTTP API.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Inactive => "inactive",
            Self::Pending => "pending",
            Self::Firing => "firing",
        }
    }
}

/// One instance of an alerting rule.
#[derive(Clone, Debug)]
pub(crate) struct Alert {
    /// What it is doing.
    pub(crate) state: AlertState,
    /// The labels that tell it from others, `alertname` among them.
    pub(crate) labels: Labels,
    /// The annotations, expanded; also those that are empty.
    pub(crate) annotations: Vec<(String, String)>,
    /// The value of the expression when it last had a result; 0 for a histogram.
    pub(crate) value: f64,
    /// Since when the condition holds.
    pub(crate) active_at: Timestamp,
    /// When it began to fire.
    pub(crate) fired_at: Option<Timestamp>,
    /// When it ceased to fire.
    pub(crate) resolved_at: Option<Timestamp>,
    /// When it was last given to the notifier.
    pub(crate) last_sent_at: Option<Timestamp>,
    /// Until when the receivers may take it for firing without hearing of it again.
    pub(crate) valid_until: Option<Timestamp>,
    /// Since when it only fires because of `keep_firing_for`.
    pub(crate) keep_firing_since: Option<Timestamp>,
    /// The series that tell its state.
    series: StateSeries,
}

/// The label sets of `ALERTS`, pending and firing, and of `ALERTS_FOR_STATE`.
#[derive(Clone, Debug)]
struct StateSeries {
    pending: Labels,
    firing: Labels,
    for_state: Labels,
}

impl StateSeries {
    /// The rule's labels, overridden by those of the alert.
    fn new(name: &str, rule_labels: &Labels, labels: &Labels) -> Self {
        let mut builder = rule_labels.to_builder();
        for (name, value) in labels {
            builder.set(name, value);
        }
        builder.set(METRIC_NAME, "ALERTS_FOR_STATE").set(ALERT_NAME, name);
        let for_state = builder.finish();
        builder.set(METRIC_NAME, "ALERTS");
        let mut with_state = |state: AlertState| -> Labels {
            builder.set(ALERT_STATE, state.as_str());
            builder.finish()
        };
        Self {
            pending: with_state(AlertState::Pending),
            firing: with_state(AlertState::Firing),
            for_state,
        }
    }
}

/// What one evaluation says of an instance.
#[derive(Debug)]
pub(crate) struct Present {
    /// The annotations, expanded; also those that are empty. Nothing if they are to stay as they are.
    pub(crate) annotations: Option<Vec<(String, String)>>,
    /// The value of the expression; 0 for a histogram.
    pub(crate) value: f64,
}

/// What the series of a rule's alerts are named after.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Naming<'a> {
    /// The rule's name.
    pub(crate) name: &'a str,
    /// The labels of rule and group, not expanded.
    pub(crate) rule_labels: &'a Labels,
}

impl Alert {
    /// A pending alert.
    fn pending(labels: Labels, series: StateSeries, present: Present, t: Timestamp) -> Self {
        Self {
            state: AlertState::Pending,
            series,
            labels,
            annotations: present.annotations.unwrap_or_default(),
            value: present.value,
            active_at: t,
            fired_at: None,
            resolved_at: None,
            last_sent_at: None,
            valid_until: None,
            keep_firing_since: None,
        }
    }

    /// The series `ALERTS` of the present state, and `ALERTS_FOR_STATE`.
    pub(crate) fn state_series(&self) -> [&Labels; 2] {
        let state = match self.state {
            AlertState::Firing => &self.series.firing,
            _ => &self.series.pending,
        };
        [state, &self.series.for_state]
    }

    fn needs_sending(&self, t: Timestamp, resend_delay: i64) -> bool {
        if self.state == AlertState::Pending {
            return false;
        }
        match (self.resolved_at, self.last_sent_at) {
            (_, None) => true,
            (Some(resolved), Some(sent)) if sent < resolved => true,
            (_, Some(sent)) => sent.saturating_add(resend_delay) < t,
        }
    }
}

/// What decides about the instances of a rule.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Holding {
    /// Milliseconds that the condition must hold.
    pub(crate) hold: i64,
    /// Milliseconds that an alert fires on.
    pub(crate) keep_firing_for: i64,
}

/// The instances of a rule that are remembered.
#[derive(Clone, Debug, Default)]
pub(crate) struct Instances {
    /// Invariant: in the order of labels, all different.
    alerts: Vec<Alert>,
}

impl Instances {
    pub(crate) fn iter(&self) -> impl Iterator<Item = &Alert> {
        self.alerts.iter()
    }

    pub(crate) fn iter_mut(&mut self) -> impl Iterator<Item = &mut Alert> {
        self.alerts.iter_mut()
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.alerts.is_empty()
    }

    pub(crate) fn clear(&mut self) {
        self.alerts.clear();
    }

    /// The most important state of an instance.
    pub(crate) fn state(&self) -> AlertState {
        self.iter().map(|alert| alert.state).max().unwrap_or(AlertState::Inactive)
    }

    /// Takes in the result of an evaluation at `t`, in the order of labels, all different; gives the
    /// number of pending and firing ones.
    pub(crate) fn update(
        &mut self,
        present: Vec<(Labels, Present)>,
        t: Timestamp,
        holding: Holding,
        naming: Naming<'_>,
    ) -> usize {
        let mut present = present.into_iter().peekable();
        let mut new = Vec::new();
        let begin = |(labels, present): (Labels, Present)| {
            let series = StateSeries::new(naming.name, naming.rule_labels, &labels);
            let mut alert = Alert::pending(labels, series, present, t);
            advance(&mut alert, t, holding.hold);
            alert
        };
        let mut active = 0;
        self.alerts.retain_mut(|alert| {
            let here = loop {
                match present.peek().map(|(labels, _)| labels.cmp(&alert.labels)) {
                    Some(Ordering::Less) => new.extend(present.next().map(begin)),
                    Some(Ordering::Equal) => break present.next(),
                    Some(Ordering::Greater) | None => break None,
                }
            };
            let stays = match here {
                Some((_, present)) => {
                    keep_present(alert, present, t);
                    true
                }
                None => keep_absent(alert, t, holding),
            };
            if stays && alert.state != AlertState::Inactive {
                advance(alert, t, holding.hold);
                active += 1;
            }
            stays
        });
        new.extend(present.map(begin));
        active += new.len();
        if !new.is_empty() {
            self.alerts.append(&mut new);
            self.alerts.sort_by(|a, b| a.labels.cmp(&b.labels));
        }
        active
    }

    /// The alerts that are to be sent at `t`, marked as sent.
    pub(crate) fn take_due(
        &mut self,
        t: Timestamp,
        resend_delay: i64,
        interval: i64,
    ) -> Vec<Alert> {
        let mut due = Vec::new();
        for alert in &mut self.alerts {
            if alert.needs_sending(t, resend_delay) {
                alert.last_sent_at = Some(t);
                // Two evaluations or deliveries may fail before the receivers take it for resolved.
                let span = interval.max(resend_delay).saturating_mul(4);
                alert.valid_until = Some(t.saturating_add(span));
                due.push(alert.clone());
            }
        }
        due
    }
}

/// Lets a pending alert fire when it is due, and a firing one wait if `for` was raised meanwhile.
fn advance(alert: &mut Alert, t: Timestamp, hold: i64) {
    let is_due = t - alert.active_at >= hold;
    match alert.state {
        AlertState::Pending if is_due => {
            alert.state = AlertState::Firing;
            alert.fired_at = Some(t);
        }
        AlertState::Firing if !is_due => {
            alert.state = AlertState::Pending;
            alert.fired_at = None;
            alert.last_sent_at = None;
            alert.keep_firing_since = None;
        }
        _ => {}
    }
}

/// What becomes of an alert whose condition holds.
fn keep_present(alert: &mut Alert, present: Present, t: Timestamp) {
    if alert.state == AlertState::Inactive {
        *alert = Alert::pending(alert.labels.clone(), alert.series.clone(), present, t);
        return;
    }
    alert.value = present.value;
    if let Some(annotations) = present.annotations {
        alert.annotations = annotations;
    }
    alert.keep_firing_since = None;
}

/// What becomes of an alert whose condition does not hold; whether it is remembered.
fn keep_absent(alert: &mut Alert, t: Timestamp, holding: Holding) -> bool {
    match alert.state {
        AlertState::Pending => false,
        AlertState::Firing => {
            if holding.keep_firing_for > 0 {
                let since = *alert.keep_firing_since.get_or_insert(t);
                if t - since < holding.keep_firing_for {
                    return true;
                }
            }
            alert.state = AlertState::Inactive;
            alert.resolved_at = Some(t);
            true
        }
        AlertState::Inactive => {
            alert.resolved_at.is_none_or(|resolved| t - resolved <= RESOLVED_RETENTION)
        }
    }
}

/// Labels for a sample of an alerting rule, before templates are expanded.
pub(crate) fn base_labels(sample: &Labels) -> LabelsBuilder {
    let mut builder = sample.to_builder();
    builder.remove(METRIC_NAME);
    builder
}
