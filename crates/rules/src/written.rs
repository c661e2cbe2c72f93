//! Rules in the shape of rule files, through `serde`: printing back, JSON both ways.
//!
//! Reading a rule file for use is [`load`](crate::load)'s, which checks expressions and templates and
//! tells places; here only the shape is checked.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use skopos_core::duration;

use crate::model::{Group, Rule, RuleFile, RuleKind};

/// The shape of a file.
#[derive(Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct WrittenFile {
    #[serde(default)]
    groups: Vec<Group>,
}

/// The shape of a group.
#[derive(Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct WrittenGroup {
    name: String,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    interval: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    query_offset: Option<String>,
    #[serde(default, skip_serializing_if = "is_zero")]
    limit: i64,
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    labels: BTreeMap<String, String>,
    #[serde(default)]
    rules: Vec<Rule>,
}

/// The shape of a rule.
#[derive(Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct WrittenRule {
    #[serde(default, skip_serializing_if = "Option::is_none")]
    record: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    alert: Option<String>,
    expr: String,
    #[serde(default, rename = "for", skip_serializing_if = "Option::is_none")]
    hold: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    keep_firing_for: Option<String>,
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    labels: BTreeMap<String, String>,
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    annotations: BTreeMap<String, String>,
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "serde hands a reference over")]
fn is_zero(n: &i64) -> bool {
    *n == 0
}

impl From<RuleFile> for WrittenFile {
    fn from(file: RuleFile) -> Self {
        Self { groups: file.groups }
    }
}

impl From<WrittenFile> for RuleFile {
    fn from(file: WrittenFile) -> Self {
        Self { groups: file.groups, ..Self::default() }
    }
}

impl From<Group> for WrittenGroup {
    fn from(group: Group) -> Self {
        Self {
            name: group.name,
            interval: group.interval.map(duration::format),
            query_offset: group.query_offset.map(duration::format),
            limit: group.limit,
            labels: group.labels,
            rules: group.rules,
        }
    }
}

impl TryFrom<WrittenGroup> for Group {
    type Error = skopos_core::Error;

    fn try_from(group: WrittenGroup) -> Result<Self, Self::Error> {
        Ok(Self {
            name: group.name,
            interval: parse(group.interval.as_deref())?.filter(|interval| *interval != 0),
            query_offset: parse(group.query_offset.as_deref())?,
            limit: group.limit,
            labels: group.labels,
            rules: group.rules,
        })
    }
}

impl From<Rule> for WrittenRule {
    fn from(rule: Rule) -> Self {
        let (record, alert) = match rule.kind {
            RuleKind::Alerting => (None, Some(rule.name)),
            RuleKind::Recording => (Some(rule.name), None),
        };
        let format = |millis: i64| (millis != 0).then(|| duration::format(millis));
        Self {
            record,
            alert,
            expr: rule.expr,
            hold: format(rule.hold),
            keep_firing_for: format(rule.keep_firing_for),
            labels: rule.labels,
            annotations: rule.annotations,
        }
    }
}

impl TryFrom<WrittenRule> for Rule {
    type Error = skopos_core::Error;

    fn try_from(rule: WrittenRule) -> Result<Self, Self::Error> {
        let (kind, name) = match (rule.record, rule.alert) {
            (Some(name), None) => (RuleKind::Recording, name),
            (None, Some(name)) => (RuleKind::Alerting, name),
            (Some(_), Some(_)) => {
                return Err(invalid("only one of 'record' and 'alert' must be set"));
            }
            (None, None) => return Err(invalid("one of 'record' or 'alert' must be set")),
        };
        Ok(Self {
            kind,
            name,
            expr: rule.expr,
            hold: parse(rule.hold.as_deref())?.unwrap_or(0),
            keep_firing_for: parse(rule.keep_firing_for.as_deref())?.unwrap_or(0),
            labels: rule.labels,
            annotations: rule.annotations,
            ..Self::default()
        })
    }
}

fn parse(text: Option<&str>) -> Result<Option<i64>, skopos_core::Error> {
    text.map(duration::parse).transpose()
}

fn invalid(message: &str) -> skopos_core::Error {
    skopos_core::Error::new(skopos_core::ErrorKind::Invalid, message)
}

impl RuleFile {
    /// The file as YAML, as it would be written by hand: what is not set is left out, expressions of
    /// several lines are blocks. Places and comments of the text that it was loaded from are lost.
    ///
    /// ```
    /// use skopos_rules::{Group, Rule, RuleFile};
    ///
    /// let mut group = Group::new("g");
    /// group.rules.push(Rule::recording("job:up:sum", "sum by (job) (up)"));
    /// let mut file = RuleFile::default();
    /// file.groups.push(group);
    /// let text = "groups:\n- name: g\n  rules:\n  - record: job:up:sum\n    expr: sum by (job) (up)\n";
    /// assert_eq!(file.to_yaml()?, text);
    /// # Ok::<(), skopos_core::Error>(())
    /// ```
    ///
    /// # Errors
    ///
    /// `Invalid` if a text cannot be written as YAML.
    pub fn to_yaml(&self) -> Result<String, skopos_core::Error> {
        serde_saphyr::to_string(self).map_err(|error| invalid(&error.to_string()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn file() -> RuleFile {
        let text = r#"{"groups":[{"name":"g","interval":"1m","query_offset":"5s","limit":3,
            "labels":{"team":"a"},"rules":[
            {"record":"a:b","expr":"sum(a)"},
            {"alert":"A","expr":"a >\n  1","for":"5m","keep_firing_for":"1h30m",
             "labels":{"severity":"1e3"},"annotations":{"summary":"{{ $value }}: yes #1","n":"null"}}
            ]}]}"#;
        serde_json::from_str(text).unwrap()
    }

    #[test]
    fn json_goes_both_ways() {
        let file = file();
        assert_eq!(file.groups[0].rules[1].hold, 300_000);
        let text = serde_json::to_string(&file).unwrap();
        assert!(text.starts_with(r#"{"groups":[{"name":"g","interval":"1m","query_offset":"5s""#));
        assert_eq!(serde_json::from_str::<RuleFile>(&text).unwrap(), file);
    }

    #[test]
    fn what_is_not_a_rule_is_refused() {
        for (text, message) in [
            (r#"{"expr":"a"}"#, "one of 'record' or 'alert' must be set"),
            (r#"{"record":"a","alert":"b","expr":"a"}"#, "only one of 'record' and 'alert'"),
            (r#"{"record":"a","expr":"a","for":"5"}"#, "not a valid duration string"),
            (r#"{"record":"a","expr":"a","fro":"5m"}"#, "unknown field `fro`"),
        ] {
            let error = serde_json::from_str::<Rule>(text).unwrap_err().to_string();
            assert!(error.contains(message), "{error}");
        }
    }

    #[cfg(feature = "yaml")]
    #[test]
    fn yaml_loads_as_what_it_was_made_of() {
        let file = file();
        let text = file.to_yaml().unwrap();
        assert!(text.contains("severity: \"1e3\""), "{text}");
        let document = crate::yaml::parse(text.as_bytes()).unwrap();
        let groups = crate::decode::decode(document.root.as_ref(), Default::default()).unwrap();
        let rule = &groups[0].rules[1];
        assert_eq!((rule.hold, rule.expr.text.as_str()), (300_000, "a >\n  1"));
        assert_eq!(rule.annotations, file.groups[0].rules[1].annotations);
    }
}
