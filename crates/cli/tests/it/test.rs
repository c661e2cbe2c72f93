//! Scripts and unit tests of rules, with expected results.

use std::path::Path;
use std::process::Command;

use serde_json::{Value, json};

use crate::run::{folder, skopos};

const SCRIPT: &str = "\
load 1m
  a{x=\"1\"} 0+1x10

eval instant at 5m sum(a)
  {} 5

eval instant at 5m a
  a{x=\"1\"} 6
";

#[test]
fn statements_are_counted_and_failures_have_their_place() {
    let folder = folder(&[("a.test", SCRIPT)]);
    let run = skopos(folder.path(), &["test", "promql", "a.test"], "");
    assert_eq!(
        (run.code, run.stdout.as_str(), run.stderr.as_str()),
        (
            Some(1),
            "a.test:7: a\n  expected 6 for {__name__=\"a\", x=\"1\"} but got 5\n\
             1 passed, 1 failed\n",
            ""
        )
    );
    let run = skopos(folder.path(), &["test", "promql", "--output", "json", "a.test"], "");
    let answer: Value = serde_json::from_str(&run.stdout).expect("JSON");
    assert_eq!((&answer["passed"], &answer["failed"]), (&json!(1), &json!(1)));
    assert_eq!(answer["failures"][0]["line"], 7);
}

#[test]
fn what_is_no_script_is_named_with_its_line() {
    let folder = folder(&[("a.test", "eval nonsense\n")]);
    let run = skopos(folder.path(), &["test", "promql", "a.test"], "");
    assert_eq!((run.code, run.stdout.as_str()), (Some(1), ""));
    assert!(run.stderr.starts_with("skopos: error: a.test: line 1:"), "{}", run.stderr);
}

#[test]
#[expect(clippy::disallowed_methods, reason = "tests learn from the environment where vectors are")]
fn upstreams_scripts_are_run_from_the_command_line() {
    let Ok(vectors) = std::env::var("SKOPOS_CONFORMANCE") else {
        eprintln!("skipped: SKOPOS_CONFORMANCE is not set");
        return;
    };
    let output = Command::new(env!("CARGO_BIN_EXE_skopos"))
        .args(["test", "promql"])
        .arg(format!("{vectors}/promqltest/selectors.test"))
        .output()
        .expect("the program runs");
    assert_eq!(String::from_utf8_lossy(&output.stdout), "31 passed, 0 failed\n");
}

const RULES: &str = "\
groups:
- name: g
  rules:
  - alert: Down
    expr: up == 0
    for: 1m
    annotations: {summary: '{{ $labels.instance }} is down'}
";

const UNIT_TEST: &str = "\
rule_files: [rules.yml]
tests:
- name: one is down
  input_series:
  - {series: 'up{instance=\"a\"}', values: 0x10}
  - {series: 'up{instance=\"b\"}', values: 0x10}
  alert_rule_test:
  - eval_time: 3m
    alertname: Down
    exp_alerts:
    - exp_labels: {instance: a}
      exp_annotations: {summary: a is down}
    - exp_labels: {instance: c}
";

#[test]
fn a_unit_test_that_fails_is_shown_as_a_difference() {
    let folder = folder(&[("rules.yml", RULES), ("a.yml", UNIT_TEST)]);
    let run = skopos(folder.path(), &["test", "rules", "--diff", "--junit", "j.xml", "a.yml"], "");
    assert_eq!(
        (run.code, run.stdout.as_str(), run.stderr.as_str()),
        (
            Some(1),
            "\n\n",
            "  FAILED:\n    name: one is down,\n    alertname: Down, time: 3m, \
             \n        {alertname=\"Down\", instance=\"a\"} {summary=\"a is down\"}\
             \n      + {alertname=\"Down\", instance=\"b\"} {summary=\"b is down\"}\
             \n      - {alertname=\"Down\", instance=\"c\"} {}\n"
        )
    );
    let junit = std::fs::read_to_string(folder.path().join("j.xml")).expect("a file");
    assert!(
        junit.starts_with(
            "<testsuites><testsuite name=\"a.yml\" tests=\"1\" failures=\"1\" errors=\"0\" \
             skipped=\"0\"><testcase name=\"one is down\"><failure>"
        ),
        "{junit}"
    );
    let run = skopos(folder.path(), &["test", "rules", "--output", "json", "a.yml"], "");
    let answer: Value = serde_json::from_str(&run.stdout).expect("JSON");
    let failure = &answer[0]["tests"][0]["failures"][0];
    assert_eq!(failure["expected"].as_array().map(Vec::len), Some(2));
    assert_eq!(failure["got"][0], "{alertname=\"Down\", instance=\"a\"} {summary=\"a is down\"}");
}

#[test]
fn a_rule_that_fails_ends_its_test() {
    let rules = "groups: [{name: g, rules: [{record: a, expr: 'up * on() up'}]}]";
    let test = "{rule_files: [rules.yml], tests: [{input_series: [{series: 'up{a=\"1\"}', \
                values: 1x9}, {series: 'up{a=\"2\"}', values: 1x9}], \
                promql_expr_test: [{expr: '1', eval_time: 2m}]}]}";
    let folder = folder(&[("rules.yml", rules), ("a.yml", test)]);
    let run = skopos(folder.path(), &["test", "rules", "a.yml"], "");
    assert_eq!(run.code, Some(1));
    assert!(
        run.stderr.starts_with("  FAILED:\n    rule: a, time: 0s, err: found duplicate series"),
        "{}",
        run.stderr
    );
}

#[test]
#[expect(clippy::disallowed_methods, reason = "tests learn from the environment where vectors are")]
fn unit_tests_of_rules_get_the_words_of_promtool() {
    let Ok(root) = std::env::var("SKOPOS_CONFORMANCE") else {
        eprintln!("skipped: SKOPOS_CONFORMANCE is not set");
        return;
    };
    let root = Path::new(&root).join("vectors/rules");
    let text = std::fs::read_to_string(root.join("unit.json")).expect("vectors");
    let vectors: Value = serde_json::from_str(&text).expect("JSON");
    let cases = vectors["cases"].as_array().expect("cases");
    assert!(!cases.is_empty());
    for case in cases {
        let flags = case["flags"].as_array().expect("flags").iter();
        let arguments = flags.chain([&case["test"]]).map(|word| word.as_str().expect("a word"));
        let arguments: Vec<&str> = ["test", "rules"].into_iter().chain(arguments).collect();
        let run = skopos(&root.join("unit"), &arguments, "");
        assert_eq!(run.stderr, case["stderr"].as_str().expect("a text"), "{arguments:?}");
        assert_eq!(run.stdout, case["stdout"].as_str().expect("a text"), "{arguments:?}");
        assert_eq!(run.code.map(Value::from), Some(case["exit"].clone()), "{arguments:?}");
    }
}

#[test]
#[expect(clippy::disallowed_methods, reason = "tests learn from the environment where vectors are")]
fn upstreams_unit_tests_get_the_verdicts_of_promtool() {
    let Ok(root) = std::env::var("SKOPOS_CONFORMANCE") else {
        eprintln!("skipped: SKOPOS_CONFORMANCE is not set");
        return;
    };
    let root = Path::new(&root).join("rules");
    let verdicts = std::fs::read_to_string(root.join("verdicts.txt")).expect("verdicts");
    assert!(!verdicts.is_empty());
    for line in verdicts.lines() {
        let mut words = line.split(' ');
        let verdict: i32 = words.next().and_then(|code| code.parse().ok()).expect("a code");
        let arguments: Vec<&str> = ["test", "rules"].into_iter().chain(words).collect();
        assert_eq!(skopos(&root, &arguments, "").code, Some(verdict), "{line}");
    }
}

#[test]
fn the_rules_to_copy_pass_their_tests() {
    let examples = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../docs/examples");
    let run = skopos(&examples, &["test", "rules", "tests/node.yml"], "");
    assert_eq!(
        (run.code, run.stdout.as_str(), run.stderr.as_str()),
        (Some(0), "  SUCCESS\n\n", "")
    );
}
