//! Since when alerts are active, read back from what was written before the program ended.

use std::collections::HashMap;

use skopos_core::labels::{ALERT_NAME, METRIC_NAME};
use skopos_core::{
    Columns, Error, Labels, Matcher, Sample, Selection, SeriesSource, TimeRange, Timestamp,
    is_stale_nan,
};

use crate::rule_state::RuleState;

/// How far back alerts are restored, and how.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct RestoreOptions {
    /// How many milliseconds the program may have been away.
    pub outage_tolerance: i64,
    /// How many milliseconds an alert waits at least before it fires after a restart; rules with a
    /// shorter `for` are not restored.
    pub grace_period: i64,
}

/// An hour, and ten minutes.
impl Default for RestoreOptions {
    fn default() -> Self {
        Self { outage_tolerance: 3_600_000, grace_period: 600_000 }
    }
}

impl RestoreOptions {
    /// The same with another outage tolerance, in milliseconds.
    #[must_use]
    pub fn with_outage_tolerance(self, outage_tolerance: i64) -> Self {
        Self { outage_tolerance, ..self }
    }

    /// The same with another grace period, in milliseconds.
    #[must_use]
    pub fn with_grace_period(self, grace_period: i64) -> Self {
        Self { grace_period, ..self }
    }
}

/// Restores the instances of a rule.
pub(crate) fn restore_rule(
    rule: &mut RuleState,
    now: Timestamp,
    source: &dyn SeriesSource,
    options: &RestoreOptions,
) -> Result<(), Error> {
    if rule.rule.hold < options.grace_period || rule.instances.is_empty() {
        return Ok(());
    }
    let last = last_samples(rule, now, source, options)?;
    let hold = rule.rule.hold;
    for alert in rule.instances.iter_mut() {
        let Some(sample) = last.get(&alert.labels) else { continue };
        if !is_stale_nan(sample.v) {
            alert.active_at = restored(*sample, now, hold, options.grace_period);
        }
    }
    Ok(())
}

/// The last sample of each `ALERTS_FOR_STATE` series of the rule, by the labels of its alert.
fn last_samples(
    rule: &RuleState,
    now: Timestamp,
    source: &dyn SeriesSource,
    options: &RestoreOptions,
) -> Result<HashMap<Labels, Sample>, Error> {
    let mut matchers = vec![
        Matcher::equal(METRIC_NAME, "ALERTS_FOR_STATE"),
        Matcher::equal(ALERT_NAME, rule.rule.name.as_str()),
    ];
    // What a template expands to is not known here; the labels decide below.
    let fixed = rule.labels.iter().filter(|(name, value)| {
        !value.contains("{{") && *name != ALERT_NAME && *name != METRIC_NAME
    });
    matchers.extend(fixed.map(|(name, value)| Matcher::equal(name, value)));
    let range = TimeRange::new(now.saturating_sub(options.outage_tolerance), now);
    let selection = Selection::new(matchers, range);
    let mut set = source.select(&selection)?;
    let mut last = HashMap::new();
    let mut columns = Columns::new();
    while let Some(series) = set.advance()? {
        columns.clear();
        series.read_all(&mut columns)?;
        if let (Some(millis), Some(v)) = (columns.timestamps.last(), columns.values.last()) {
            let labels = series.labels().to_labels().without_metric_name();
            last.insert(labels, Sample::new(*millis, *v));
        }
    }
    Ok(last)
}

/// Since when an alert is to count as active, given its last sample before the outage.
fn restored(last: Sample, now: Timestamp, hold: i64, grace_period: i64) -> Timestamp {
    let whole_second = |millis: i64| Timestamp::from_millis(millis.div_euclid(1000) * 1000);
    let down_at = whole_second(last.t.as_millis());
    let active_at = Timestamp::from_millis((last.v as i64).saturating_mul(1000));
    let pending_for = down_at.as_millis().saturating_sub(active_at.as_millis());
    match hold.saturating_sub(pending_for) {
        // It was firing, and will again at the next evaluation if the condition holds.
        remaining if remaining <= 0 => active_at,
        remaining if remaining < grace_period => {
            now.saturating_add(grace_period).saturating_sub(hold)
        }
        // The outage does not count as time in which the condition held.
        _ => active_at.saturating_add(now - down_at),
    }
}
