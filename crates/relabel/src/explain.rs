//! What each rule did to a label set, for people who look for the rule that spoils it.

use std::fmt;

use skopos_core::text::Quoted;
use skopos_core::{Labels, LabelsBuilder};

use crate::apply::Edit;
use crate::config::Action;
use crate::rule::Rule;

/// What one rule did.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Step {
    /// Which rule it is, from 0.
    pub rule: usize,
    /// What the rule does.
    pub action: Action,
    /// The rule's expression, where its action has one.
    pub regex: Option<String>,
    /// The joined values of the source labels, where the action looks at them.
    pub looked_at: Option<String>,
    /// Whether that matched the expression, or equalled the target label's value.
    pub matched: Option<bool>,
    /// The labels that changed, in the order of their names.
    pub changes: Vec<Change>,
    /// Whether what the labels belong to is kept.
    pub kept: bool,
}

/// A label that a rule changed.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Change {
    /// The label's name.
    pub name: String,
    /// Its value before, empty if it was not there.
    pub before: String,
    /// Its value after, empty if it is gone.
    pub after: String,
}

/// What each rule does to `labels`, up to the one that drops them; and what they become.
///
/// The labels are those of [`relabel`](crate::relabel). Costs about three times as much.
///
/// ```
/// use skopos_core::Labels;
/// use skopos_relabel::{Action, NameScheme, RuleConfig, explain};
///
/// let rules = [
///     RuleConfig::new(Action::Replace)
///         .source_labels(["__address__"])
///         .regex("([^:]+):.*")
///         .target_label("host"),
///     RuleConfig::new(Action::Keep).source_labels(["env"]).regex("prod"),
/// ]
/// .map(|config| config.build(NameScheme::Utf8).unwrap());
///
/// let (steps, labels) = explain(&rules, &Labels::from_pairs([("__address__", "db-1:9100")]));
/// assert_eq!(labels, None);
/// assert_eq!(
///     steps[0].to_string(),
///     r#"1 replace: "db-1:9100" matches "([^:]+):.*"; host: none -> "db-1""#
/// );
/// assert_eq!(steps[1].to_string(), r#"2 keep: "" does not match "prod"; dropped"#);
/// ```
#[must_use]
pub fn explain(rules: &[Rule], labels: &Labels) -> (Vec<Step>, Option<Labels>) {
    let mut builder = labels.to_builder();
    let mut edit = Edit::new(rules, &mut builder);
    let mut steps = Vec::with_capacity(rules.len());
    for (i, rule) in rules.iter().enumerate() {
        let step = rule.explain(i, &mut edit);
        let kept = step.kept;
        steps.push(step);
        if !kept {
            return (steps, None);
        }
    }
    (steps, Some(builder.finish()))
}

impl Rule {
    fn explain(&self, i: usize, edit: &mut Edit<'_>) -> Step {
        let joins =
            !matches!(self.action, Action::LabelDrop | Action::LabelKeep | Action::LabelMap);
        let looked_at = joins.then(|| self.joined(edit));
        let matched = looked_at.as_deref().and_then(|value| match self.action {
            Action::Drop | Action::Keep | Action::Replace => Some(self.pattern.is_match(value)),
            Action::DropEqual | Action::KeepEqual => {
                Some(edit.get(&self.config.target_label) == value)
            }
            _ => None,
        });
        let has_regex = matches!(
            self.action,
            Action::Drop
                | Action::Keep
                | Action::LabelDrop
                | Action::LabelKeep
                | Action::LabelMap
                | Action::Replace
        );
        let regex = has_regex.then(|| self.config.regex_or_default().to_owned());
        let before = edit.labels.clone();
        let kept = self.apply(edit);
        let changes = changes(&before, edit.labels);
        Step { rule: i, action: self.action, regex, looked_at, matched, changes, kept }
    }
}

/// What differs between two label sets.
fn changes(before: &LabelsBuilder, after: &LabelsBuilder) -> Vec<Change> {
    let mut changes: Vec<Change> = Vec::new();
    let change = |name: &str| Change {
        name: name.to_owned(),
        before: before.get(name).unwrap_or_default().to_owned(),
        after: after.get(name).unwrap_or_default().to_owned(),
    };
    let added = after.iter().filter(|(name, _)| before.get(name).is_none());
    changes.extend(added.map(|(name, _)| change(name)));
    let changed = before.iter().filter(|(name, value)| after.get(name) != Some(value));
    changes.extend(changed.map(|(name, _)| change(name)));
    changes.sort_by(|a, b| a.name.cmp(&b.name));
    changes
}

impl fmt::Display for Step {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {}:", self.rule + 1, self.action)?;
        if let Some(value) = &self.looked_at {
            write!(f, " {}", Quoted(value))?;
        }
        match (&self.regex, self.matched) {
            (Some(regex), Some(true)) => write!(f, " matches {}", Quoted(regex))?,
            (Some(regex), Some(false)) => write!(f, " does not match {}", Quoted(regex))?,
            (Some(regex), None) => write!(f, " names matching {}", Quoted(regex))?,
            (None, Some(true)) => f.write_str(" equals the target label's value")?,
            (None, Some(false)) => f.write_str(" differs from the target label's value")?,
            (None, None) => {}
        }
        for change in &self.changes {
            write!(f, "; {change}")?;
        }
        match (self.kept, self.changes.is_empty()) {
            (false, _) => f.write_str("; dropped"),
            (true, true) => f.write_str("; nothing changes"),
            (true, false) => Ok(()),
        }
    }
}

impl fmt::Display for Change {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let side = |f: &mut fmt::Formatter<'_>, value: &str| match value {
            "" => f.write_str("none"),
            value => write!(f, "{}", Quoted(value)),
        };
        write!(f, "{}: ", self.name)?;
        side(f, &self.before)?;
        f.write_str(" -> ")?;
        side(f, &self.after)
    }
}
