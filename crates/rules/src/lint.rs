//! Advice about rules that load and probably do not do what was meant.
//!
//! What expressions give away is asked of an [`ExpressionAdvisor`]; here is what can be seen of a rule, its
//! templates and its group. What sensible people write is left alone; what is a matter of taste is off
//! until asked for.

mod advisor;
mod catalog;
mod place;
mod rule;
mod template;
#[cfg(test)]
mod tests;

use std::collections::HashMap;
use std::fmt;

pub use self::advisor::{Examined, ExpressionAdvice, ExpressionAdvisor, KnownLabels};
pub use self::catalog::Code;
use self::place::Source;
use crate::model::{Group, Position, Rule, RuleFile, RuleKind};

/// What is advised against, where and why.
///
/// `Display` gives place, code, reason and remedy, and not the file.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Finding {
    /// The code, one of [`Code`] or of the advisor's.
    pub code: &'static str,
    /// The place in the file; of the rule's name, where the exact one is not known.
    pub position: Position,
    /// The place within the expression, if that is what is meant and `position` is only the rule's.
    pub within: Option<Position>,
    /// The name of the group.
    pub group: String,
    /// The name of the alert or of the recorded metric.
    pub rule: String,
    /// Why it is advised against: a sentence about this rule.
    pub reason: String,
    /// What to do instead.
    pub remedy: &'static str,
}

impl fmt::Display for Finding {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}: ", self.position, self.code)?;
        if let Some(at) = self.within {
            write!(f, "at {at} of the expression: ")?;
        }
        write!(f, "{}; {}", self.reason, self.remedy)
    }
}

/// What is advised against, and what is known beforehand.
#[derive(Clone, Copy, Debug)]
pub struct LintOptions {
    evaluation_interval: i64,
    enabled: u32,
}

impl Default for LintOptions {
    /// Evaluations every minute, as Prometheus without a configuration.
    fn default() -> Self {
        let defaults = Code::ALL.iter().filter(|code| code.is_default());
        let enabled = defaults.fold(0, |set, code| set | code.bit());
        Self { evaluation_interval: 60_000, enabled }
    }
}

impl LintOptions {
    /// The same, with the milliseconds between evaluations of groups that do not say.
    #[must_use]
    pub fn with_evaluation_interval(self, millis: i64) -> Self {
        Self { evaluation_interval: millis, ..self }
    }

    /// The same, with one lint on or off.
    #[must_use]
    pub fn with(self, code: Code, on: bool) -> Self {
        let without = self.enabled & !code.bit();
        Self { enabled: if on { without | code.bit() } else { without }, ..self }
    }

    /// Whether a lint is on.
    #[must_use]
    pub fn has(&self, code: Code) -> bool {
        self.enabled & code.bit() != 0
    }
}

/// What is advised against in a file, in the order of the file; `source` is the text that it was
/// loaded from, for the places of what is found in expressions, or nothing.
///
/// Takes time in proportion to the file, beside what the advisor takes.
///
/// ```
/// use skopos_rules::lint::{Examined, LintOptions, lint_file};
/// use skopos_rules::{Group, Rule, RuleFile, RuleKind};
///
/// let mut group = Group::new("g");
/// group.rules.push(Rule::alerting("Down", "up == 0"));
/// let mut file = RuleFile::default();
/// file.groups.push(group);
///
/// let advisor = |_: &str, _: RuleKind| {
///     let mut examined = Examined::default();
///     examined.is_instantaneous = true;
///     Some(examined)
/// };
/// let found = lint_file(&file, "", &advisor, &LintOptions::default());
/// assert_eq!(found[0].code, "alert-without-for");
/// assert_eq!(found[0].reason, "one scrape alone decides, and the alert fires at once");
/// ```
#[must_use]
pub fn lint_file(
    file: &RuleFile,
    source: &str,
    advisor: &dyn ExpressionAdvisor,
    options: &LintOptions,
) -> Vec<Finding> {
    let source = Source::new(source);
    let mut linter = Linter { options, found: Vec::new() };
    for group in &file.groups {
        let examined: Vec<Examined> = group
            .rules
            .iter()
            .map(|rule| advisor.examine(&rule.expr, rule.kind).unwrap_or_default())
            .collect();
        lint_order(&mut linter, group, &examined);
        for (rule, examined) in group.rules.iter().zip(examined) {
            rule::lint(&mut linter, group, rule, &examined);
            for advice in examined.advice {
                linter.found.push(placed(&source, group, rule, advice));
            }
        }
    }
    lint_duplicates(&mut linter, file);
    linter.found.sort_by_key(|finding| (finding.position, finding.within));
    linter.found
}

fn placed(source: &Source<'_>, group: &Group, rule: &Rule, advice: ExpressionAdvice) -> Finding {
    let exact = source.place(rule.expr_position, &rule.expr, advice.offset);
    let within = exact.is_none().then(|| place::within(&rule.expr, advice.offset));
    Finding {
        code: advice.code,
        position: exact.unwrap_or(rule.position),
        within,
        group: group.name.clone(),
        rule: rule.name.clone(),
        reason: advice.reason,
        remedy: advice.remedy,
    }
}

/// What all lints share.
struct Linter<'o> {
    options: &'o LintOptions,
    found: Vec<Finding>,
}

impl Linter<'_> {
    fn add(&mut self, code: Code, group: &Group, rule: &Rule, reason: impl FnOnce() -> String) {
        if self.options.has(code) {
            self.found.push(Finding {
                code: code.as_str(),
                position: rule.position,
                within: None,
                group: group.name.clone(),
                rule: rule.name.clone(),
                reason: reason(),
                remedy: code.remedy(),
            });
        }
    }
}

/// Rules that need what a later one writes: they see what it wrote last time.
fn lint_order(linter: &mut Linter<'_>, group: &Group, examined: &[Examined]) {
    // The first rule that writes a metric; who comes after it is served.
    let mut writers: HashMap<&str, usize> = HashMap::new();
    for (at, rule) in group.rules.iter().enumerate() {
        if rule.kind == RuleKind::Recording {
            writers.entry(&rule.name).or_insert(at);
        }
    }
    for (at, (rule, examined)) in group.rules.iter().zip(examined).enumerate() {
        let is_later = |name: &&String| writers.get(name.as_str()).is_some_and(|w| at < *w);
        if let Some(name) = examined.metrics.iter().find(is_later) {
            linter.add(Code::DependsOnLaterRule, group, rule, || {
                format!("{name} is recorded by a later rule of the group, so that it is seen late")
            });
        }
    }
}

/// Rules of a file that have a name and labels in common.
fn lint_duplicates(linter: &mut Linter<'_>, file: &RuleFile) {
    let mut by_name: HashMap<&str, Vec<(&Group, &Rule)>> = HashMap::new();
    for group in &file.groups {
        for rule in &group.rules {
            by_name.entry(&rule.name).or_default().push((group, rule));
        }
    }
    for rules in by_name.into_values().filter(|rules| 1 < rules.len()) {
        let labelled = rules.into_iter().map(|(group, rule)| (group.labels_of(rule), group, rule));
        let mut labelled: Vec<_> = labelled.collect();
        // Stable, so that equal ones stay in the order of the file.
        labelled.sort_by(|a, b| a.0.cmp(&b.0));
        for pair in labelled.windows(2).filter(|pair| pair[0].0 == pair[1].0) {
            let ((_, _, first), (_, group, rule)) = (&pair[0], &pair[1]);
            linter.add(Code::DuplicateRules, group, rule, || {
                format!("the rule at {} has the same name and labels", first.position)
            });
        }
    }
}
