//! Loading a rule file: reading, decoding, checking, with every error there is.

use std::collections::HashSet;

use skopos_core::text::{Quoted, is_legacy_label_name, is_legacy_metric_name};
use skopos_core::{Expander, QueryEngine};

use crate::decode::{Leniency, RawGroup, RawRule, decode};
use crate::error::{LoadError, LoadErrorKind};
use crate::extension::plain_group;
use crate::model::{Group, Rule, RuleFile, RuleKind};
use crate::place::place;
use crate::yaml;

/// Who checks expressions and templates, and what is allowed.
#[derive(Clone, Copy)]
pub struct LoadOptions<'a> {
    pub(crate) engine: &'a dyn QueryEngine,
    expander: &'a dyn Expander,
    pub(crate) leniency: Leniency,
    legacy_names: bool,
    /// Milliseconds between evaluations of groups that do not say.
    pub(crate) default_interval: i64,
}

impl<'a> LoadOptions<'a> {
    /// Strict loading: unknown fields are errors, names may be any UTF-8.
    #[must_use]
    pub fn new(engine: &'a dyn QueryEngine, expander: &'a dyn Expander) -> Self {
        let leniency = Leniency::default();
        Self { engine, expander, leniency, legacy_names: false, default_interval: 60_000 }
    }

    /// The same, unknown fields passed over.
    #[must_use]
    pub fn ignore_unknown_fields(self) -> Self {
        Self { leniency: Leniency { ignore_unknown: true, ..self.leniency }, ..self }
    }

    /// The same, rules with the extension `x-skopos` made into plain ones: hysteresis and debouncing, as
    /// [`load`] shows. Groups with such rules that do not say how many milliseconds there are between
    /// their evaluations get `default_interval`, on which the plain rules depend.
    #[must_use]
    pub fn with_extensions(self, default_interval: i64) -> Self {
        let leniency = Leniency { extensions: true, ..self.leniency };
        Self { leniency, default_interval, ..self }
    }

    /// The same, names of metrics, labels and annotations held to `[a-zA-Z_][a-zA-Z0-9_]*`.
    #[must_use]
    pub fn legacy_names(self) -> Self {
        Self { legacy_names: true, ..self }
    }

    pub(crate) fn is_label_name(&self, name: &str) -> bool {
        if self.legacy_names { is_legacy_label_name(name) } else { !name.is_empty() }
    }

    fn is_metric_name(&self, name: &str) -> bool {
        if self.legacy_names { is_legacy_metric_name(name) } else { !name.is_empty() }
    }
}

/// Loads the rule file `file` from its content: the first YAML document, checked whole.
///
/// Linear in the size of the file, aliases expanded; at most a million values.
///
/// ```
/// # use skopos_core::{Error, Expander, Expansion, QueryEngine, QueryOutput, QueryRequest};
/// # struct Anything;
/// # impl QueryEngine for Anything {
/// #     fn query(&self, _: &QueryRequest<'_>) -> Result<QueryOutput, Error> { unreachable!() }
/// #     fn check(&self, _: &str) -> Result<(), Error> { Ok(()) }
/// #     fn canonical(&self, text: &str) -> Result<String, Error> { Ok(text.into()) }
/// # }
/// # impl Expander for Anything {
/// #     fn check(&self, _: &str, _: &str) -> Result<(), Error> { Ok(()) }
/// #     fn expand(&self, text: &str, _: &Expansion<'_>) -> Result<String, Error> { Ok(text.into()) }
/// # }
/// # let (engine, expander) = (Anything, Anything);
/// use skopos_rules::{LoadOptions, load};
///
/// let text = b"groups:\n- name: g\n  rules:\n  - record: a:b\n    expr: sum(a)\n    for: 5m\n";
/// let errors = load(text, "a.yml", &LoadOptions::new(&engine, &expander)).unwrap_err();
/// assert_eq!(
///     errors[0].to_string(),
///     r#"a.yml: 4:13: group "g", rule 1, "a:b": invalid field 'for' in recording rule"#
/// );
/// ```
///
/// Hysteresis, if it is asked for: an alert that goes on firing until it has recovered.
///
/// ```
/// # use skopos_core::{Error, Expander, Expansion, QueryEngine, QueryOutput, QueryRequest};
/// # struct Anything;
/// # impl QueryEngine for Anything {
/// #     fn query(&self, _: &QueryRequest<'_>) -> Result<QueryOutput, Error> { unreachable!() }
/// #     fn check(&self, _: &str) -> Result<(), Error> { Ok(()) }
/// #     fn canonical(&self, text: &str) -> Result<String, Error> { Ok(text.into()) }
/// # }
/// # impl Expander for Anything {
/// #     fn check(&self, _: &str, _: &str) -> Result<(), Error> { Ok(()) }
/// #     fn expand(&self, text: &str, _: &Expansion<'_>) -> Result<String, Error> { Ok(text.into()) }
/// # }
/// # let (engine, expander) = (Anything, Anything);
/// use skopos_rules::{LoadOptions, load};
///
/// let text = b"
/// groups:
/// - name: cpu
///   rules:
///   - {alert: Busy, expr: cpu > 0.9, x-skopos: {recover_if: cpu < 0.7}}
/// ";
/// let strict = LoadOptions::new(&engine, &expander);
/// assert!(load(text, "a.yml", &strict).is_err());
/// let file = load(text, "a.yml", &strict.with_extensions(60_000)).unwrap();
/// let [held, busy] = &*file.groups[0].rules else { unreachable!() };
/// assert_eq!(
///     held.expr,
///     "(cpu > 0.9) or (cpu:Busy:held and ignoring (alertname, alertstate) \
///      ALERTS{alertname=\"Busy\", alertstate=\"firing\"} unless (cpu < 0.7))"
/// );
/// assert_eq!(busy.expr, "cpu:Busy:held");
/// ```
///
/// # Errors
///
/// Everything that is wrong, in the order of the file; of YAML that cannot be read, the first fault.
pub fn load(
    content: &[u8],
    file: &str,
    options: &LoadOptions<'_>,
) -> Result<RuleFile, Vec<LoadError>> {
    let in_file = |errors: Vec<LoadError>| -> Vec<LoadError> {
        errors.into_iter().map(|error| error.in_file(file)).collect()
    };
    // Prometheus reads the text twice and says so.
    let document = yaml::parse(content).map_err(|error| in_file(vec![error.clone(), error]))?;
    let in_tree = |mut errors: Vec<LoadError>| {
        if let Some(root) = &document.root {
            place(&mut errors, root);
        }
        in_file(errors)
    };
    let groups = decode(document.root.as_ref(), options.leniency).map_err(in_tree)?;
    let groups = checked(groups, options).map_err(in_tree)?;
    Ok(RuleFile { name: file.to_owned(), groups, has_more_documents: document.has_more })
}

/// The groups if nothing is wrong with them.
pub(crate) fn checked(
    groups: Vec<RawGroup>,
    options: &LoadOptions<'_>,
) -> Result<Vec<Group>, Vec<LoadError>> {
    let errors = check_groups(&groups, options);
    if !errors.is_empty() {
        return Err(errors);
    }
    let (mut plain, mut errors, mut names) = (Vec::new(), Vec::new(), recorded_names(&groups));
    for group in groups {
        match plain_group(group, options, &mut names) {
            Ok(group) => plain.push(group),
            Err(wrong) => errors.extend(wrong),
        }
    }
    if errors.is_empty() { Ok(plain) } else { Err(errors) }
}

/// The names of series that the rules record.
fn recorded_names(groups: &[RawGroup]) -> HashSet<String> {
    let rules = groups.iter().flat_map(|group| &group.rules);
    rules.map(|rule| rule.record.text.clone()).collect()
}

pub(crate) fn group(raw: RawGroup) -> Group {
    Group {
        name: raw.name,
        interval: Some(raw.interval).filter(|interval| *interval != 0),
        query_offset: raw.query_offset,
        limit: raw.limit,
        labels: raw.labels,
        rules: raw.rules.into_iter().map(rule).collect(),
    }
}

pub(crate) fn rule(raw: RawRule) -> Rule {
    let (kind, name) = match raw.alert.text.is_empty() {
        true => (RuleKind::Recording, raw.record),
        false => (RuleKind::Alerting, raw.alert),
    };
    Rule {
        kind,
        name: name.text,
        expr: raw.expr.text,
        expr_position: raw.expr.at,
        hold: raw.hold,
        keep_firing_for: raw.keep_firing_for,
        labels: raw.labels,
        annotations: raw.annotations,
        position: name.at,
    }
}

pub(crate) fn invalid(message: impl Into<String>) -> LoadError {
    LoadError::new(LoadErrorKind::Invalid, message)
}

fn check_groups(groups: &[RawGroup], options: &LoadOptions<'_>) -> Vec<LoadError> {
    let mut errors = Vec::new();
    let mut names = HashSet::new();
    for (g, group) in groups.iter().enumerate() {
        let about_name = |message: String| {
            // Prometheus does not know where the name stands, and says so.
            let nowhere = [Default::default()];
            invalid(message).at(nowhere).about("name", None).within(g, None)
        };
        let name = group.name.as_str();
        if name.is_empty() {
            errors.push(about_name("Groupname must not be empty".into()));
        }
        if !names.insert(name) {
            let message = format!("groupname: \"{name}\" is repeated in the same file");
            errors.push(about_name(message));
        }
        let labels = check_labels(group.labels.keys(), options);
        errors.extend(labels.into_iter().map(|error| error.within(g, None)));
        for (i, rule) in group.rules.iter().enumerate() {
            let rule_name =
                if rule.alert.text.is_empty() { &rule.record.text } else { &rule.alert.text };
            let wrong = check_rule(rule, options);
            let wrong = wrong.into_iter().map(|error| error.within(g, Some(i)));
            errors.extend(wrong.map(|error| error.in_rule(name, i, rule_name)));
        }
    }
    errors
}

fn check_labels<'a>(
    names: impl Iterator<Item = &'a String>,
    options: &LoadOptions<'_>,
) -> Vec<LoadError> {
    names
        .filter(|name| !options.is_label_name(name) || *name == skopos_core::labels::METRIC_NAME)
        .map(|name| invalid(format!("invalid label name: {name}")).about("labels", Some(name)))
        .collect()
}

fn check_rule(rule: &RawRule, options: &LoadOptions<'_>) -> Vec<LoadError> {
    let mut errors = Vec::new();
    let places = [rule.record.at, rule.alert.at];
    match (rule.record.text.is_empty(), rule.alert.text.is_empty()) {
        (false, false) => {
            errors.push(invalid("only one of 'record' and 'alert' must be set").at(places));
        }
        (true, true) => {
            errors.push(invalid("one of 'record' or 'alert' must be set").at(places));
        }
        _ => {}
    }
    errors.extend(check_expression(rule, options));
    if !rule.record.text.is_empty() {
        errors.extend(check_recording(rule, options));
    }
    errors.extend(check_labels(rule.labels.keys(), options));
    let names = rule.annotations.keys().filter(|name| !options.is_label_name(name));
    errors.extend(names.map(|name| {
        invalid(format!("invalid annotation name: {name}")).about("annotations", Some(name))
    }));
    if !rule.alert.text.is_empty() {
        errors.extend(check_templates(rule, options));
    }
    if let Some(extension) = &rule.extension {
        errors.extend(extension.check(rule, options));
    }
    errors
}

fn check_expression(rule: &RawRule, options: &LoadOptions<'_>) -> Option<LoadError> {
    let expr = &rule.expr;
    if expr.text.is_empty() {
        return Some(invalid("field 'expr' must be set in rule").at([expr.at]));
    }
    let error = options.engine.check(&expr.text).err()?;
    let message = format!("could not parse expression: {error}");
    Some(LoadError::new(LoadErrorKind::Expression, message).at([expr.at]))
}

fn check_recording(rule: &RawRule, options: &LoadOptions<'_>) -> Vec<LoadError> {
    let name = &rule.record.text;
    let wrong_fields = [
        ("annotations", !rule.annotations.is_empty()),
        ("for", rule.hold != 0),
        ("keep_firing_for", rule.keep_firing_for != 0),
    ];
    let mut messages: Vec<String> = wrong_fields
        .into_iter()
        .filter(|(_, is_set)| *is_set)
        .map(|(field, _)| format!("invalid field '{field}' in recording rule"))
        .collect();
    if !options.is_metric_name(name) {
        messages.push(format!("invalid recording rule name: {name}"));
    }
    if name.contains(['{', '}']) {
        messages.push(format!(
            "braces present in the recording rule name; should it be in expr?: {name}"
        ));
    }
    messages.into_iter().map(|message| invalid(message).at([rule.record.at])).collect()
}

fn check_templates(rule: &RawRule, options: &LoadOptions<'_>) -> Vec<LoadError> {
    let name = template_name(&rule.alert.text);
    let labels = rule.labels.iter().map(|pair| ("label", "labels", pair));
    let annotations = rule.annotations.iter().map(|pair| ("annotation", "annotations", pair));
    let mut errors = Vec::new();
    for (what, field, (key, text)) in labels.chain(annotations) {
        if let Err(error) = options.expander.check(&name, text) {
            let message = format!("{what} {}: {error}", Quoted(key));
            let error = LoadError::new(LoadErrorKind::Template, message);
            errors.push(error.about(field, Some(key)));
        }
    }
    errors
}

/// The name under which the templates of an alert are known.
pub(crate) fn template_name(alert: &str) -> String {
    format!("__alert_{alert}")
}
