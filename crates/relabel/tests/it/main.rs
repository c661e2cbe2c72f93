//! The published behavior: golden vectors of the Go implementation, and what files look like.

use std::path::PathBuf;

use serde_json::Value;
use skopos_core::Labels;
use skopos_relabel::{NameScheme, Rule, RuleConfig, explain, relabel};

fn load(name: &str) -> Option<Value> {
    #[expect(clippy::disallowed_methods, reason = "tests are told where the vectors are")]
    let Ok(root) = std::env::var("SKOPOS_CONFORMANCE") else {
        eprintln!("skipped: SKOPOS_CONFORMANCE is not set");
        return None;
    };
    let bytes = std::fs::read(PathBuf::from(root).join(name)).expect("the vectors are there");
    Some(serde_json::from_slice(&bytes).expect("vectors are JSON"))
}

fn labels(value: &Value) -> Labels {
    let text = |v: &Value| v.as_str().expect("a string").to_owned();
    value.as_array().into_iter().flatten().map(|pair| (text(&pair[0]), text(&pair[1]))).collect()
}

/// Reads and checks the rules of a case; the error is that of the step that failed.
fn rules(case: &Value) -> Result<Vec<Rule>, (&'static str, String)> {
    let scheme = match case["scheme"].as_str() {
        Some("legacy") => NameScheme::Legacy,
        _ => NameScheme::Utf8,
    };
    let text = case["config"].as_str().expect("a text");
    let configs: Vec<RuleConfig> =
        serde_saphyr::from_str(text).map_err(|e| ("yaml_error", e.to_string()))?;
    let build = |config: RuleConfig| {
        config.build(scheme).map_err(|e| match e.kind() {
            skopos_relabel::ErrorKind::InvalidRegex => ("yaml_error", e.to_string()),
            _ => ("validate_error", e.to_string()),
        })
    };
    configs.into_iter().map(build).collect()
}

fn check(case: &Value, failures: &mut Vec<String>) {
    let name = case["name"].as_str().unwrap_or_default();
    let rules = match rules(case) {
        Ok(rules) => rules,
        Err((step, message)) => {
            let expected = case[step].as_str();
            // The wording about the form of the file is the YAML parser's.
            let is_form = |text: &str| text.starts_with("yaml: ") || text.starts_with("(none");
            let is_right = expected.is_some_and(|text| is_form(text) || message.contains(text))
                || case["validate_error"].as_str().is_some_and(is_form);
            if !is_right {
                failures.push(format!("{name}: {step}: {message}, expected {expected:?}"));
            }
            return;
        }
    };
    if case["ok"].as_bool() != Some(true) {
        failures.push(format!("{name}: accepted, expected {case}"));
        return;
    }
    for result in case["results"].as_array().into_iter().flatten() {
        let expected = (result["keep"].as_bool() == Some(true)).then(|| labels(&result["out"]));
        let ours = relabel(&rules, &labels(&result["labels"]));
        if ours != expected {
            failures.push(format!("{name}: {ours:?}, expected {expected:?}"));
        }
        if let Err(failure) = check_explained(&rules, &labels(&result["labels"]), ours.as_ref()) {
            failures.push(format!("{name}: {failure}"));
        }
    }
}

/// The explained steps lead to the same labels, change by change.
fn check_explained(rules: &[Rule], from: &Labels, to: Option<&Labels>) -> Result<(), String> {
    let (steps, labels) = explain(rules, from);
    if labels.as_ref() != to {
        return Err(format!("explained {labels:?}"));
    }
    let mut replayed = from.to_builder();
    for change in steps.iter().flat_map(|step| &step.changes) {
        if replayed.get(&change.name).unwrap_or_default() != change.before {
            return Err(format!("{change} of {:?}", replayed.finish()));
        }
        replayed.set(&change.name, &change.after);
    }
    let kept = steps.iter().all(|step| step.kept);
    match kept.then(|| replayed.finish()) == labels {
        true => Ok(()),
        false => Err(format!("replayed {:?}", replayed.finish())),
    }
}

#[test]
fn rules_agree_with_prometheus() {
    let Some(file) = load("vectors/relabel/relabel.json") else { return };
    let cases = file["cases"].as_array().expect("cases");
    let mut failures = Vec::new();
    cases.iter().for_each(|case| check(case, &mut failures));
    println!("{} cases, {} differences", cases.len(), failures.len());
    assert!(failures.is_empty(), "{}", failures.join("\n"));
    assert!(280 < cases.len(), "the vectors shrank");
}

#[track_caller]
fn check_printed(text: &str, expected: &str) {
    let config: RuleConfig = serde_saphyr::from_str(text).expect("a rule");
    let printed = serde_json::to_string(&config).expect("JSON");
    assert_eq!(printed, expected);
    let again: RuleConfig = serde_json::from_str(&printed).expect("a rule");
    assert_eq!(again, config);
}

#[test]
fn rules_are_written_as_they_are_read() {
    check_printed("{}", r#"{"separator":";","replacement":"$1","action":"replace"}"#);
    check_printed(
        "{source_labels: [a, b], regex: x, modulus: 3, target_label: t, action: HashMod}",
        r#"{"source_labels":["a","b"],"separator":";","regex":"x","modulus":3,"target_label":"t","replacement":"$1","action":"hashmod"}"#,
    );
    check_printed(
        "{regex: '', action: keep}",
        r#"{"separator":";","regex":null,"replacement":"$1","action":"keep"}"#,
    );
}

#[test]
fn unknown_and_repeated_fields_are_refused() {
    for text in
        ["{foo: bar}", "action: keep\naction: drop\n", "[a]", "{modulus: -1}", "{source_labels: a}"]
    {
        assert!(serde_saphyr::from_str::<RuleConfig>(text).is_err(), "{text}");
    }
}
