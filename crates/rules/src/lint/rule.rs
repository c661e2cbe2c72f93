//! Lints of one rule.

use skopos_core::duration;
use skopos_core::text::Quoted;

use super::advisor::Examined;
use super::template::{self, Uses};
use super::{Code, Linter};
use crate::model::{Group, Rule, RuleKind};

pub(super) fn lint(linter: &mut Linter<'_>, group: &Group, rule: &Rule, examined: &Examined) {
    match rule.kind {
        RuleKind::Alerting => {
            lint_times(linter, group, rule, examined);
            lint_templates(linter, group, rule, examined);
            lint_conventions(linter, group, rule);
        }
        RuleKind::Recording => {
            if rule.name.split(':').count() < 3 {
                linter.add(Code::RecordingRuleName, group, rule, || {
                    format!("{} does not say level, metric and operations", rule.name)
                });
            }
        }
    }
}

fn lint_times(linter: &mut Linter<'_>, group: &Group, rule: &Rule, examined: &Examined) {
    if rule.hold == 0 && examined.is_instantaneous {
        linter.add(Code::AlertWithoutFor, group, rule, || {
            "one scrape alone decides, and the alert fires at once".into()
        });
    }
    if rule.hold == 0 && rule.keep_firing_for != 0 {
        linter.add(Code::KeepFiringWithoutFor, group, rule, || {
            let keep = duration::format(rule.keep_firing_for);
            format!("one evaluation alone fires the alert for {keep}")
        });
    }
    let interval = group.interval.unwrap_or(linter.options.evaluation_interval);
    if rule.hold != 0 && rule.hold < interval {
        linter.add(Code::ForShorterThanInterval, group, rule, || {
            let (hold, interval) = (duration::format(rule.hold), duration::format(interval));
            format!("with evaluations every {interval}, `for: {hold}` is the next one")
        });
    }
}

fn lint_templates(linter: &mut Linter<'_>, group: &Group, rule: &Rule, examined: &Examined) {
    let annotations = rule.annotations.iter().map(|pair| ("annotation", pair));
    let own = rule.labels.iter().map(|pair| ("label", pair));
    let shared = group.labels.iter().map(|pair| ("label", pair));
    for (kind, (key, text)) in annotations.chain(own).chain(shared) {
        if !text.contains("{{") {
            continue;
        }
        let Uses { labels, shows_value } = template::scan(text);
        for name in labels.into_iter().filter(|name| examined.labels.lacks(name)) {
            linter.add(Code::LabelNotInResult, group, rule, || {
                format!(
                    "the {kind} {} uses {name}, which the expression's result lacks",
                    Quoted(key)
                )
            });
        }
        if kind == "label" && shows_value {
            linter.add(Code::ValueInLabel, group, rule, || {
                let key = Quoted(key);
                format!("the label {key} changes with the value, and each change is a new alert")
            });
        }
    }
}

fn lint_conventions(linter: &mut Linter<'_>, group: &Group, rule: &Rule) {
    if !rule.labels.contains_key("severity") && !group.labels.contains_key("severity") {
        linter.add(Code::MissingSeverity, group, rule, || {
            format!("{} says not how bad it is", rule.name)
        });
    }
    if !rule.annotations.contains_key("summary") {
        linter.add(Code::MissingSummary, group, rule, || {
            format!("{} says not what it is about", rule.name)
        });
    }
}
