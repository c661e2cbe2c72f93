//! Rule files, groups and rules as they are written, checked but not evaluated.

use std::collections::BTreeMap;
use std::fmt;

use skopos_core::Labels;

/// A place in a file.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[expect(clippy::exhaustive_structs, reason = "a place is its line and its column")]
pub struct Position {
    /// The line, from 1; 0 for what is not in the file.
    pub line: usize,
    /// The column in characters, from 1; 0 for what is not in the file.
    pub column: usize,
}

impl fmt::Display for Position {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:{}", self.line, self.column)
    }
}

/// The groups of a file.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
#[cfg_attr(feature = "serde", derive(serde::Deserialize, serde::Serialize))]
#[cfg_attr(
    feature = "serde",
    serde(into = "crate::written::WrittenFile", from = "crate::written::WrittenFile")
)]
#[non_exhaustive]
pub struct RuleFile {
    /// The file's name.
    pub name: String,
    /// The groups in order.
    pub groups: Vec<Group>,
    /// Whether the file goes on after the first YAML document; the others are not read.
    pub has_more_documents: bool,
}

impl RuleFile {
    /// How many rules there are in all groups.
    #[must_use]
    pub fn rule_count(&self) -> usize {
        self.groups.iter().map(|group| group.rules.len()).sum()
    }
}

/// Rules that are evaluated together, one after the other.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
#[cfg_attr(feature = "serde", derive(serde::Deserialize, serde::Serialize))]
#[cfg_attr(
    feature = "serde",
    serde(into = "crate::written::WrittenGroup", try_from = "crate::written::WrittenGroup")
)]
#[non_exhaustive]
pub struct Group {
    /// The name, unique in the file.
    pub name: String,
    /// Milliseconds between evaluations, where it is not the global default.
    pub interval: Option<i64>,
    /// How many milliseconds before the time of evaluation queries are asked, where it is not the
    /// global default.
    pub query_offset: Option<i64>,
    /// How many series or alerts one rule may have; nothing to say if not above 0.
    pub limit: i64,
    /// Labels for all rules; a rule's own labels win.
    pub labels: BTreeMap<String, String>,
    /// The rules in order.
    pub rules: Vec<Rule>,
}

impl Group {
    /// A group without rules.
    #[must_use]
    pub fn new(name: impl Into<String>) -> Self {
        Self { name: name.into(), ..Self::default() }
    }

    /// The labels of `rule` together with those of the group. Templates are not expanded, and empty
    /// values, which remove a label, are still there.
    #[must_use]
    pub fn labels_of(&self, rule: &Rule) -> BTreeMap<String, String> {
        let mut labels = self.labels.clone();
        labels.extend(rule.labels.clone());
        labels
    }
}

/// What a rule does.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
#[expect(clippy::exhaustive_enums, reason = "a rule alerts or records")]
pub enum RuleKind {
    /// It watches a condition.
    Alerting,
    /// It writes series.
    #[default]
    Recording,
}

/// A rule.
#[derive(Clone, Debug, Default)]
#[cfg_attr(feature = "serde", derive(serde::Deserialize, serde::Serialize))]
#[cfg_attr(
    feature = "serde",
    serde(into = "crate::written::WrittenRule", try_from = "crate::written::WrittenRule")
)]
#[non_exhaustive]
pub struct Rule {
    /// What it does.
    pub kind: RuleKind,
    /// The name of the alert or of the metric.
    pub name: String,
    /// The expression, as it is written.
    pub expr: String,
    /// How many milliseconds the condition must hold before an alert fires.
    pub hold: i64,
    /// How many milliseconds an alert goes on firing after the condition ceased to hold.
    pub keep_firing_for: i64,
    /// The rule's own labels; templates in an alerting rule.
    pub labels: BTreeMap<String, String>,
    /// The annotations; templates.
    pub annotations: BTreeMap<String, String>,
    /// Where the name stands in the file.
    pub position: Position,
    /// Where the expression stands in the file: its first character, quote or mark of a block.
    pub expr_position: Position,
}

/// Equality of what the rule says, wherever it stands.
impl PartialEq for Rule {
    fn eq(&self, other: &Self) -> bool {
        self.kind == other.kind
            && self.name == other.name
            && self.expr == other.expr
            && self.hold == other.hold
            && self.keep_firing_for == other.keep_firing_for
            && self.labels == other.labels
            && self.annotations == other.annotations
    }
}

impl Eq for Rule {}

impl Rule {
    /// A rule that writes the series `name`.
    #[must_use]
    pub fn recording(name: impl Into<String>, expr: impl Into<String>) -> Self {
        Self { name: name.into(), expr: expr.into(), ..Self::default() }
    }

    /// A rule that alerts where `expr` has a result.
    #[must_use]
    pub fn alerting(name: impl Into<String>, expr: impl Into<String>) -> Self {
        Self { kind: RuleKind::Alerting, ..Self::recording(name, expr) }
    }
}

/// Two rules of a file that do the same under the same name.
///
/// ```
/// use skopos_rules::{Group, Rule, RuleFile, duplicates};
///
/// let mut file = RuleFile::default();
/// let mut group = Group::new("g");
/// group.rules = vec![Rule::recording("a:b", "sum(x)"), Rule::recording("a:b", "sum(y)")];
/// file.groups.push(group);
/// assert_eq!(duplicates(&file)[0].to_string(), "Metric: a:b\nLabel(s):\n");
/// ```
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
#[non_exhaustive]
pub struct Duplicate {
    /// The name of the alert or of the metric.
    pub name: String,
    /// The labels, those of the group included.
    pub labels: BTreeMap<String, String>,
}

/// As `promtool` lists it.
impl fmt::Display for Duplicate {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Metric: {}\nLabel(s):\n", self.name)?;
        self.labels.iter().try_for_each(|(name, value)| writeln!(f, "\t{name}: {value}"))
    }
}

/// The rules that have a name and labels in common, each once, in order of names and labels.
///
/// Such rules write the same series, or alerts that cannot be told apart.
#[must_use]
pub fn duplicates(file: &RuleFile) -> Vec<Duplicate> {
    let mut rules: Vec<Duplicate> = Vec::with_capacity(file.rule_count());
    for group in &file.groups {
        rules.extend(
            group
                .rules
                .iter()
                .map(|rule| Duplicate { name: rule.name.clone(), labels: group.labels_of(rule) }),
        );
    }
    rules.sort();
    let mut found: Vec<Duplicate> =
        rules.windows(2).filter(|pair| pair[0] == pair[1]).map(|pair| pair[0].clone()).collect();
    found.dedup();
    found
}

/// The message of `promtool check rules` about duplicates, if there are any.
///
/// ```
/// use skopos_rules::{RuleFile, lint};
///
/// assert_eq!(lint(&RuleFile::default()), None);
/// ```
#[must_use]
pub fn lint(file: &RuleFile) -> Option<String> {
    let found = duplicates(file);
    if found.is_empty() {
        return None;
    }
    let list: String = found.iter().map(ToString::to_string).collect();
    Some(format!(
        "lint error {} duplicate rule(s) found.\n{list}\
         Might cause inconsistency while recording expressions",
        found.len()
    ))
}

/// Pairs as a label set, without empty values.
pub(crate) fn to_labels(pairs: &BTreeMap<String, String>) -> Labels {
    Labels::from_pairs(pairs)
}
