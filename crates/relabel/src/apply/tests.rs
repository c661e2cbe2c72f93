use super::*;
use crate::{NameScheme, RuleConfig};

#[track_caller]
fn check(configs: &[RuleConfig], labels: &[(&str, &str)], expected: Option<&str>) {
    let rules: Vec<Rule> = configs
        .iter()
        .map(|config| config.clone().build(NameScheme::Utf8).expect("a valid rule"))
        .collect();
    let labels = Labels::from_pairs(labels.iter().copied());
    let result = relabel(&rules, &labels).map(|labels| labels.to_string());
    assert_eq!(result.as_deref(), expected);
}

fn replace(source: &str, target: &str) -> RuleConfig {
    RuleConfig::new(Action::Replace).source_labels([source]).target_label(target)
}

#[test]
fn rules_see_what_those_before_them_did() {
    let rules = [replace("a", "b"), RuleConfig::new(Action::Drop).source_labels(["b"]).regex("x")];
    check(&rules, &[("a", "x")], None);
    check(&rules, &[("a", "y")], Some(r#"{a="y", b="y"}"#));
}

#[test]
fn labels_that_rules_added_are_mapped_last() {
    let rules =
        [replace("z", "a"), RuleConfig::new(Action::LabelMap).regex("a|m").replacement("one")];
    check(
        &rules,
        &[("m", "base"), ("z", "added")],
        Some(r#"{a="added", m="base", one="added", z="added"}"#),
    );
}

#[test]
fn quotations_without_end_swallow_the_parenthesis() {
    let config = RuleConfig::new(Action::Keep).regex(r"\Qa");
    let error = config.build(NameScheme::Utf8).expect_err("refused by Prometheus too");
    assert_eq!(error.to_string(), r"error parsing regexp: missing closing ): `^(?s:\Qa)$`");
}

#[test]
fn case_is_mapped_character_by_character() {
    let upper_lower = |text: &str| {
        (text.chars().map(upper).collect::<String>(), text.chars().map(lower).collect::<String>())
    };
    assert_eq!(upper_lower("ßﬁ"), ("ßﬁ".into(), "ßﬁ".into()));
    assert_eq!(upper_lower("ᾳᾀῳ"), ("ᾼᾈῼ".into(), "ᾳᾀῳ".into()));
    assert_eq!(upper_lower("İΣ"), ("İΣ".into(), "iσ".into()));
}

#[test]
fn hashes_are_prometheus() {
    let config =
        RuleConfig::new(Action::HashMod).source_labels(["a"]).modulus(1000).target_label("h");
    check(&[config], &[("a", "foo")], Some(r#"{a="foo", h="696"}"#));
}
