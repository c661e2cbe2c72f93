//! Applying rules to labels.

use md5::{Digest, Md5};
use skopos_core::{Labels, LabelsBuilder};

use crate::config::{Action, DEFAULT_REPLACEMENT};
use crate::rule::{Pattern, Rule};

#[cfg(test)]
mod tests;

/// Applies the rules in order to the labels; returns whether what they belong to is kept.
///
/// Each rule sees what those before it did. Rules after one that drops are not applied, so that
/// the labels are of no use then. Linear in the rules and the labels, times the cost of a match.
///
/// ```
/// use skopos_core::Labels;
/// use skopos_relabel::{Action, NameScheme, RuleConfig, apply};
///
/// let rules = [
///     RuleConfig::new(Action::Drop).source_labels(["job"]).regex("test-.*"),
///     RuleConfig::new(Action::LabelMap).regex("__meta_(.+)"),
///     RuleConfig::new(Action::LabelDrop).regex("__.*"),
/// ]
/// .map(|config| config.build(NameScheme::Utf8).unwrap());
///
/// let mut labels = Labels::from_pairs([("job", "api"), ("__meta_zone", "a")]).to_builder();
/// assert!(apply(&rules, &mut labels));
/// assert_eq!(labels.finish().to_string(), r#"{job="api", zone="a"}"#);
/// ```
#[must_use]
pub fn apply(rules: &[Rule], labels: &mut LabelsBuilder) -> bool {
    let mut edit = Edit::new(rules, labels);
    rules.iter().all(|rule| rule.apply(&mut edit))
}

/// The labels that the rules make of `labels`, or `None` if they drop.
///
/// ```
/// use skopos_core::Labels;
/// use skopos_relabel::{Action, NameScheme, RuleConfig, relabel};
///
/// let rule = RuleConfig::new(Action::Keep).source_labels(["job"]).regex("api");
/// let rules = [rule.build(NameScheme::Utf8).unwrap()];
/// assert_eq!(relabel(&rules, &Labels::from_pairs([("job", "db")])), None);
/// ```
#[must_use]
pub fn relabel(rules: &[Rule], labels: &Labels) -> Option<Labels> {
    if rules.is_empty() {
        return Some(labels.clone());
    }
    let mut builder = labels.to_builder();
    apply(rules, &mut builder).then(|| builder.finish())
}

/// Labels while rules change them.
pub(crate) struct Edit<'l> {
    pub(crate) labels: &'l mut LabelsBuilder,
    /// The names that rules have set, in the order of their first setting: `labelmap` visits them
    /// after the others, which decides where two labels are mapped to one name.
    added: Vec<String>,
    /// Whether the order is needed.
    tracks: bool,
}

impl<'l> Edit<'l> {
    pub(crate) fn new(rules: &[Rule], labels: &'l mut LabelsBuilder) -> Self {
        let tracks = rules.iter().any(|rule| rule.action == Action::LabelMap);
        Self { labels, added: Vec::new(), tracks }
    }

    pub(crate) fn get(&self, name: &str) -> &str {
        self.labels.get(name).unwrap_or_default()
    }

    fn set(&mut self, name: &str, value: &str) {
        if self.tracks {
            let at = self.added.iter().position(|added| added == name);
            match at {
                Some(at) if value.is_empty() => drop(self.added.remove(at)),
                None if !value.is_empty() => self.added.push(name.into()),
                _ => {}
            }
        }
        self.labels.set(name, value);
    }

    fn retain(&mut self, mut keep: impl FnMut(&str) -> bool) {
        self.labels.retain(|name, _| keep(name));
        if self.tracks {
            self.added.retain(|name| keep(name));
        }
    }

    /// A copy of the labels in the order in which Prometheus visits them.
    fn snapshot(&self) -> Vec<(String, String)> {
        let own = |(name, value): (&str, &str)| (name.to_owned(), value.to_owned());
        let is_added = |name: &str| self.added.iter().any(|added| added == name);
        let mut labels: Vec<_> =
            self.labels.iter().filter(|(name, _)| !is_added(name)).map(own).collect();
        labels.extend(self.added.iter().map(|name| own((name, self.get(name)))));
        labels
    }
}

impl Rule {
    /// Applies the rule; returns whether the labels are kept.
    pub(crate) fn apply(&self, edit: &mut Edit<'_>) -> bool {
        let target = self.config.target_label.as_str();
        match self.action {
            Action::Drop => return !self.pattern.is_match(&self.joined(edit)),
            Action::Keep => return self.pattern.is_match(&self.joined(edit)),
            Action::DropEqual => return edit.get(target) != self.joined(edit),
            Action::KeepEqual => return edit.get(target) == self.joined(edit),
            Action::HashMod => {
                let hash = hash(&self.joined(edit)) % self.config.modulus.max(1);
                edit.set(target, &hash.to_string());
            }
            Action::LabelDrop => edit.retain(|name| !self.pattern.is_match(name)),
            Action::LabelKeep => edit.retain(|name| self.pattern.is_match(name)),
            Action::LabelMap => self.map_names(edit),
            Action::Lowercase => {
                let value = self.joined(edit);
                edit.set(target, &value.chars().map(lower).collect::<String>());
            }
            Action::Replace => self.replace(edit),
            Action::Uppercase => {
                let value = self.joined(edit);
                edit.set(target, &value.chars().map(upper).collect::<String>());
            }
        }
        true
    }

    /// The values of the source labels with the separator between them.
    pub(crate) fn joined(&self, edit: &Edit<'_>) -> String {
        let mut joined = String::new();
        for (i, name) in self.config.source_labels.iter().flatten().enumerate() {
            if 0 < i {
                joined.push_str(&self.config.separator);
            }
            joined.push_str(edit.get(name));
        }
        joined
    }

    fn replace(&self, edit: &mut Edit<'_>) {
        let value = self.joined(edit);
        let (target, replacement) = (&self.config.target_label, &self.config.replacement);
        let expanded = match &self.pattern {
            Pattern::Match(regex) => {
                // Compiled without groups: neither text has a variable.
                regex.is_match(&value).then(|| (target.clone(), replacement.clone()))
            }
            Pattern::Everything => Some((target.clone(), whole(replacement, &value).into())),
            Pattern::Full(regex) => regex.captures(&value).map(|captures| {
                let expand = |template: &str| {
                    let mut out = String::new();
                    captures.expand(template, &mut out);
                    out
                };
                (expand(target), expand(replacement))
            }),
        };
        if let Some((name, value)) = expanded.filter(|(name, _)| self.scheme.allows(name)) {
            edit.set(&name, &value);
        }
    }

    fn map_names(&self, edit: &mut Edit<'_>) {
        let replacement = self.config.replacement.as_str();
        for (name, value) in edit.snapshot() {
            let mapped = match &self.pattern {
                Pattern::Everything => whole(replacement, &name).into(),
                Pattern::Full(regex) if regex.is_match(&name) => {
                    regex.replace_all(&name, replacement)
                }
                Pattern::Match(regex) if regex.is_match(&name) => replacement.into(),
                Pattern::Full(_) | Pattern::Match(_) => continue,
            };
            edit.set(&mapped, &value);
        }
    }
}

impl Pattern {
    pub(crate) fn is_match(&self, text: &str) -> bool {
        match self {
            Self::Everything => true,
            Self::Match(regex) => regex.is_match(text),
            Self::Full(regex) => regex.is_match(text),
        }
    }
}

/// A template that is plain or the first group, where that is the whole text.
fn whole<'t>(template: &'t str, text: &'t str) -> &'t str {
    if template == DEFAULT_REPLACEMENT { text } else { template }
}

/// The last eight bytes of the MD5 hash, most significant first.
fn hash(text: &str) -> u64 {
    let digest = Md5::digest(text.as_bytes());
    digest[8..].iter().fold(0, |hash, &byte| hash << 8 | u64::from(byte))
}

/// The character in lower case, if that is one character, as Go maps it.
fn lower(c: char) -> char {
    match c {
        // Of the two characters that the full mapping gives, the simple one has the first.
        'İ' => 'i',
        _ => only(c.to_lowercase()).unwrap_or(c),
    }
}

/// The character in upper case, if that is one character, as Go maps it.
fn upper(c: char) -> char {
    // Greek letters with a subscript iota have one capital letter, but two in the full mapping.
    let capital = match c {
        '\u{1f80}'..='\u{1f87}' | '\u{1f90}'..='\u{1f97}' | '\u{1fa0}'..='\u{1fa7}' => 8,
        '\u{1fb3}' | '\u{1fc3}' | '\u{1ff3}' => 9,
        _ => return only(c.to_uppercase()).unwrap_or(c),
    };
    char::from_u32(u32::from(c) + capital).unwrap_or(c)
}

fn only(mut chars: impl Iterator<Item = char>) -> Option<char> {
    let first = chars.next();
    first.filter(|_| chars.next().is_none())
}
