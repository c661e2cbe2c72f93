//! Hysteresis and debouncing: an extension of rule files that becomes plain Prometheus rules.
//!
//! An alerting rule may say under the key `x-skopos` when a firing alert recovers, and how many of the
//! last evaluations must agree before the condition counts. Loading turns such a rule into recording
//! rules and an alerting rule that any Prometheus evaluates to the same alerts; nothing here evaluates.
//! `docs/formats/rule-extension.md` has the meaning as a table, and its limits.

use std::collections::{BTreeMap, HashSet};

use skopos_core::duration;
use skopos_core::labels::{ALERT_NAME, ALERT_STATE, METRIC_NAME};
use skopos_core::text::{Quoted, is_legacy_label_name};

use crate::decode::{RawGroup, RawRule};
use crate::error::{LoadError, LoadErrorKind};
use crate::load::{LoadOptions, invalid, rule};
use crate::model::{Group, Position, Rule};
use crate::shape::{Placed, Shape};
use crate::yaml::{Child, Value};

/// The key under which a rule has what Prometheus does not know.
pub(crate) const KEY: &str = "x-skopos";

/// How many evaluations may be looked at to debounce.
const MAX_EVALUATIONS: i64 = 1000;

/// How long Prometheus takes the last sample of a series for its value, in milliseconds.
const LOOKBACK: i64 = 5 * 60_000;

/// What a rule says beyond what Prometheus knows, as it is written.
#[derive(Debug, Default)]
pub(crate) struct Extension {
    at: Position,
    /// Empty if there is none.
    recover_if: Placed,
    recover_on: Option<Vec<Placed>>,
    debounce: Option<Debounce>,
}

/// How many of how many evaluations must agree.
#[derive(Debug, Default)]
struct Debounce {
    at: Position,
    matches: i64,
    of: i64,
}

impl Extension {
    /// Reads the value under [`KEY`].
    pub(crate) fn decode(shape: &mut Shape, value: &Child) -> Result<Self, LoadError> {
        const NAME: &str = "rules.Extension";
        let mut extension = Self { at: value.at, ..Self::default() };
        for (field, key, value) in shape.fields(&value.node, NAME)? {
            match field {
                "recover_if" => extension.recover_if = shape.text(value)?,
                "recover_on" => extension.recover_on = labels(shape, value)?,
                "debounce" => extension.debounce = Some(Debounce::decode(shape, value)?),
                _ => shape.unknown(key, field, NAME),
            }
        }
        Ok(extension)
    }

    /// What is wrong with it by itself.
    pub(crate) fn check(&self, rule: &RawRule, options: &LoadOptions<'_>) -> Vec<LoadError> {
        let mut wrong: Vec<(Position, String)> = Vec::new();
        if rule.alert.text.is_empty() {
            wrong.push((self.at, format!("invalid field '{KEY}' in recording rule")));
        }
        let recovers = !self.recover_if.text.is_empty();
        if !recovers && self.debounce.is_none() {
            wrong.push((self.at, format!("'{KEY}' must have 'recover_if' or 'debounce'")));
        }
        if let Some(labels) = &self.recover_on {
            if !recovers {
                wrong.push((self.at, "'recover_on' needs 'recover_if'".to_owned()));
            }
            let bad = labels.iter().filter(|label| !options.is_label_name(&label.text));
            wrong.extend(bad.map(|bad| (bad.at, format!("invalid label name: {}", bad.text))));
        }
        if let Some(debounce) = &self.debounce {
            let Debounce { at, matches, of } = *debounce;
            if !(1..=MAX_EVALUATIONS).contains(&of) || !(1..=of).contains(&matches) {
                let message = format!(
                    "'debounce' must have 1 <= matches <= of <= {MAX_EVALUATIONS}, \
                     got matches {matches} of {of}"
                );
                wrong.push((at, message));
            }
        }
        let mut errors: Vec<LoadError> =
            wrong.into_iter().map(|(at, message)| invalid(message).at([at])).collect();
        if recovers {
            errors.extend(not_a_vector(&self.recover_if, "'recover_if'", options));
        }
        if options.engine.check(&rule.expr.text).is_ok() {
            errors.extend(not_a_vector(&rule.expr, "the expression", options));
        }
        errors
    }
}

/// A list of names of labels.
fn labels(shape: &mut Shape, value: &Child) -> Result<Option<Vec<Placed>>, LoadError> {
    match &value.node.value {
        Value::List(items) => {
            let names: Result<Vec<Placed>, LoadError> =
                items.iter().map(|item| shape.text(item)).collect();
            names.map(Some)
        }
        _ => {
            shape.mismatch(&value.node, "[]string");
            Ok(None)
        }
    }
}

impl Debounce {
    fn decode(shape: &mut Shape, value: &Child) -> Result<Self, LoadError> {
        const NAME: &str = "rules.Debounce";
        let mut debounce = Self { at: value.at, ..Self::default() };
        for (field, key, value) in shape.fields(&value.node, NAME)? {
            match field {
                "matches" => debounce.matches = shape.integer(value)?,
                "of" => debounce.of = shape.integer(value)?,
                _ => shape.unknown(key, field, NAME),
            }
        }
        Ok(debounce)
    }
}

/// The complaint about an expression that cannot stand beside a set operator.
fn not_a_vector(expr: &Placed, what: &str, options: &LoadOptions<'_>) -> Option<LoadError> {
    let fail =
        |message: String| Some(LoadError::new(LoadErrorKind::Expression, message).at([expr.at]));
    let canonical = match options.engine.canonical(&expr.text) {
        Ok(canonical) => canonical,
        Err(error) => return fail(format!("could not parse {what}: {error}")),
    };
    match options.engine.check(&format!("({canonical}) or ({canonical})")) {
        Ok(()) => None,
        Err(_) => fail(format!("{what} of a rule with '{KEY}' must be an instant vector")),
    }
}

/// The group as Prometheus knows it; `names` are those of the helping series of the file so far.
pub(crate) fn plain_group(
    mut raw: RawGroup,
    options: &LoadOptions<'_>,
    names: &mut HashSet<String>,
) -> Result<Group, Vec<LoadError>> {
    let raw_rules = std::mem::take(&mut raw.rules);
    let mut group = crate::load::group(raw);
    if raw_rules.iter().all(|rule| rule.extension.is_none()) {
        group.rules = raw_rules.into_iter().map(rule).collect();
        return Ok(group);
    }
    // The series that help must not get the labels of the group, so each other rule has them itself.
    let group_labels = std::mem::take(&mut group.labels);
    let interval = *group.interval.get_or_insert(options.default_interval);
    let mut errors = Vec::new();
    for (i, mut raw) in raw_rules.into_iter().enumerate() {
        let extension = raw.extension.take();
        let mut plain = rule(raw);
        for (name, value) in &group_labels {
            plain.labels.entry(name.clone()).or_insert_with(|| value.clone());
        }
        let Some(extension) = extension else {
            group.rules.push(plain);
            continue;
        };
        let writer = Writer { group: &group.name, alert: &plain.name, interval, options, names };
        match writer.rules(&extension, &plain) {
            Ok(rules) => group.rules.extend(rules),
            Err(error) => errors.push(error.in_rule(&group.name, i, &plain.name)),
        }
    }
    if errors.is_empty() { Ok(group) } else { Err(errors) }
}

/// Writes the plain rules of one alert.
struct Writer<'a> {
    group: &'a str,
    alert: &'a str,
    interval: i64,
    options: &'a LoadOptions<'a>,
    names: &'a mut HashSet<String>,
}

impl Writer<'_> {
    fn rules(mut self, extension: &Extension, alert: &Rule) -> Result<Vec<Rule>, LoadError> {
        let mut rules = Vec::new();
        let mut condition = self.canonical(&alert.expr, alert.expr_position)?;
        if let Some(debounce) = &extension.debounce {
            let matched = self.name("matched");
            let series = format!("{matched}[{}]", self.window(debounce.of));
            rules.push(self.helper(matched, condition, extension));
            condition = format!(
                "last_over_time({series}) and count_over_time({series}) >= {}",
                debounce.matches
            );
        }
        if !extension.recover_if.text.is_empty() {
            let held = self.name("held");
            let expr = self.held(&condition, &held, extension, &alert.labels)?;
            condition.clone_from(&held);
            rules.push(self.helper(held, expr, extension));
        }
        let place = Position::default();
        rules.push(Rule { expr: condition, expr_position: place, ..alert.clone() });
        for rule in &rules {
            self.options.engine.check(&rule.expr).map_err(|error| {
                invalid(format!("'{KEY}' makes no valid rules: {error}")).at([extension.at])
            })?;
        }
        Ok(rules)
    }

    /// A rule that records a helping series; its place is that of the extension that wants it.
    fn helper(&self, name: String, expr: String, extension: &Extension) -> Rule {
        Rule { position: extension.at, ..Rule::recording(name, expr) }
    }

    /// What is true, and what was true while the alert fires and has not recovered.
    fn held(
        &self,
        condition: &str,
        held: &str,
        extension: &Extension,
        labels: &BTreeMap<String, String>,
    ) -> Result<String, LoadError> {
        let recovered = &extension.recover_if;
        let recovered = self.canonical(&recovered.text, recovered.at)?;
        let on = match &extension.recover_on {
            Some(names) => {
                format!("on ({}) ", list(names.iter().map(|name| name.text.as_str())))
            }
            None => String::new(),
        };
        let own = labels.iter().filter(|(name, _)| !is_of_alerts(name));
        let ignored = [ALERT_NAME, ALERT_STATE].into_iter();
        let ignored = list(ignored.chain(own.clone().map(|(name, _)| name.as_str())));
        let mut matchers = format!("{ALERT_NAME}={}, {ALERT_STATE}=\"firing\"", Quoted(self.alert));
        for (name, value) in own.filter(|(_, value)| !value.contains("{{")) {
            matchers.push_str(&format!(", {}={}", label(name), Quoted(value)));
        }
        let before = self.latest(held);
        let firing = self.latest(&format!("ALERTS{{{matchers}}}"));
        Ok(format!(
            "({condition}) or ({before} and ignoring ({ignored}) {firing} unless {on}({recovered}))"
        ))
    }

    fn canonical(&self, expr: &str, at: Position) -> Result<String, LoadError> {
        self.options
            .engine
            .canonical(expr)
            .map_err(|error| LoadError::new(LoadErrorKind::Expression, error.to_string()).at([at]))
    }

    /// The series as they were at the last evaluation.
    fn latest(&self, selector: &str) -> String {
        if self.interval < LOOKBACK {
            return selector.to_owned();
        }
        format!("last_over_time({selector}[{}])", self.window(2))
    }

    /// A range that reaches over so many evaluations, the present one included, and no further.
    fn window(&self, evaluations: i64) -> String {
        let halves = evaluations.saturating_mul(2).saturating_sub(1);
        duration::format(self.interval.saturating_mul(halves) / 2)
    }

    /// A name for series that help, which no other rule of the file has.
    fn name(&mut self, what: &str) -> String {
        let word = |text: &str| -> String {
            let plain = |c: char| if c.is_ascii_alphanumeric() { c } else { '_' };
            text.chars().map(plain).collect()
        };
        let start = if self.group.starts_with(|c: char| c.is_ascii_digit()) { "_" } else { "" };
        let first = format!("{start}{}:{}:{what}", word(self.group), word(self.alert));
        let mut name = first.clone();
        let mut number = 2;
        while !self.names.insert(name.clone()) {
            name = format!("{first}_{number}");
            number += 1;
        }
        name
    }
}

/// Whether `ALERTS` gives the label another value than the rule does.
fn is_of_alerts(name: &str) -> bool {
    matches!(name, ALERT_NAME | ALERT_STATE | METRIC_NAME)
}

fn label(name: &str) -> String {
    if is_legacy_label_name(name) { name.to_owned() } else { Quoted(name).to_string() }
}

fn list<'a>(names: impl Iterator<Item = &'a str>) -> String {
    names.map(label).collect::<Vec<_>>().join(", ")
}
