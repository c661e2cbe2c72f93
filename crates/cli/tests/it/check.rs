//! Checks of files: `promtool`'s words, streams and exit codes.

use std::path::{Path, PathBuf};

use serde_json::{Value, json};

use crate::run::{folder, skopos};

const RULES: &str = "\
groups:
- name: g
  rules:
  - {record: a:b, expr: sum(up)}
  - {record: a:b, expr: sum(up)}
";
const DUPLICATES: &str = "  FAILED:
lint error 1 duplicate rule(s) found.
Metric: a:b
Label(s):
Might cause inconsistency while recording expressions
";
const BROKEN_RULES: &str = "\
groups:
- name: g
  rules:
  - record: a:b
    expr: sum(
";
const BROKEN: &str = "  FAILED:
bad.yml: 5:11: group \"g\", rule 1, \"a:b\": could not parse expression: 1:5: parse error: unclosed left parenthesis
";

/// Runs a check where there are some files, and compares everything.
#[track_caller]
fn check(arguments: &[&str], input: &str, code: i32, stdout: &str, stderr: &str) {
    let config = "rule_files: [rules.yml]\nscrape_configs: [{job_name: a, scrape_interval: 10m}]\n";
    let folder = folder(&[
        ("bad.yml", BROKEN_RULES),
        ("config.yml", config),
        ("missing.yml", "rule_files: [nowhere.yml]\n"),
        ("page.prom", "# HELP fooBar x\n# TYPE fooBar counter\nfooBar 1\n"),
        ("rules.yml", RULES),
        ("typo.yml", "global:\n  scrape_intervall: 5s\n"),
    ]);
    let arguments: Vec<&str> = ["check"].iter().chain(arguments).copied().collect();
    let run = skopos(folder.path(), &arguments, input);
    assert_eq!((run.stdout.as_str(), run.stderr.as_str()), (stdout, stderr));
    assert_eq!(run.code, Some(code));
}

#[test]
fn rules_are_checked_and_linted() {
    let checking = "Checking rules.yml\n\n";
    check(&["rules", "rules.yml"], "", 0, checking, DUPLICATES);
    check(&["rules", "--lint-fatal", "rules.yml"], "", 3, checking, DUPLICATES);
    let fine = "Checking rules.yml\n  SUCCESS: 2 rules found\n\n";
    check(&["rules", "--lint=none", "--lint-fatal", "rules.yml"], "", 0, fine, "");
    check(&["rules", "bad.yml"], "", 1, "Checking bad.yml\n", BROKEN);
    check(&["rules"], "groups: []", 0, "Checking standard input\n  SUCCESS: 0 rules found\n\n", "");
    let missing = "skopos: error: path 'nowhere.yml' does not exist\n";
    check(&["rules", "rules.yml", "nowhere.yml"], "", 1, "", missing);
}

#[test]
fn rules_are_reported_to_programs_too() {
    let folder = folder(&[("bad.yml", BROKEN_RULES)]);
    let run = skopos(folder.path(), &["check", "rules", "-o", "json", "bad.yml"], "");
    assert_eq!(run.code, Some(1));
    let report: Value = serde_json::from_str(&run.stdout).expect("JSON");
    assert_eq!(
        report,
        json!({"file": "bad.yml", "errors": [{
            "line": 5,
            "column": 11,
            "key": "groups[0].rules[0].expr",
            "group": "g",
            "rule": "a:b",
            "message": "could not parse expression: 1:5: parse error: unclosed left parenthesis",
        }]})
    );
}

/// What is said of each mistake of a file, below its name.
#[track_caller]
fn check_places(rules: &str, expected: &[&str]) {
    let folder = folder(&[("a.yml", &format!("groups:\n- name: g\n{rules}"))]);
    let run = skopos(folder.path(), &["check", "rules", "--lint=extended", "a.yml"], "");
    assert_eq!((run.code, run.stdout.as_str()), (Some(1), "Checking a.yml\n"), "{run:?}");
    let told: Vec<&str> = run.stderr.lines().skip(1).collect();
    assert_eq!(told, expected, "{rules}");
}

#[test]
fn every_mistake_has_a_place_and_a_key() {
    check_places(
        "  intervall: 5s\n  rules:\n  - {record: a, exprr: b, expr: c}\n",
        &[
            "a.yml:3:3: groups[0].intervall: field intervall not found in type rulefmt.RuleGroup",
            "a.yml:5:17: groups[0].rules[0].exprr: field exprr not found in type rulefmt.Rule",
        ],
    );
    check_places(
        "  rules:\n  - record: a\n    expr: b\n    expr: c\n",
        &["a.yml:6:5: groups[0].rules[0].expr: mapping key \"expr\" already defined at line 5"],
    );
    check_places(
        "  rules:\n  - {alert: a, expr: b}\n  - {alert: a, expr: b, for: 5x}\n",
        &["a.yml:5:30: groups[0].rules[1].for: unknown unit \"x\" in duration \"5x\""],
    );
    check_places(
        "  labels: {__name__: x}\n  rules:\n  - {alert: a, expr: b, labels: {ok: y, '': x}}\n",
        &[
            "a.yml:3:22: groups[0].labels.__name__: invalid label name: __name__",
            "a.yml:5:45: groups[0].rules[0].labels.: group \"g\", rule 1, \"a\": invalid label name: ",
        ],
    );
    check_places(
        "  rules:\n  - alert: a\n    expr: b\n    labels: &l\n      ok: fine\n      x: '{{ foo }}'\n  \
         - {alert: b, expr: 'b +', annotations: {<<: *l, y: '{{ $value '}}\n",
        &[
            "a.yml:8:10: groups[0].rules[0].labels.x: group \"g\", rule 1, \"a\": label \"x\": \
             template: __alert_a:1: function \"foo\" not defined",
            "a.yml:9:22: groups[0].rules[1].expr: group \"g\", rule 2, \"b\": could not parse \
             expression: 1:4: parse error: unexpected end of input",
            "a.yml:8:10: groups[0].rules[0].labels.x: group \"g\", rule 2, \"b\": annotation \"x\": \
             template: __alert_b:1: function \"foo\" not defined",
            "a.yml:9:54: groups[0].rules[1].annotations.y: group \"g\", rule 2, \"b\": \
             annotation \"y\": template: __alert_b:1: unclosed action",
        ],
    );
    check_places(
        "- name: ''\n- name: g\n",
        &[
            "a.yml:3:9: groups[1].name: Groupname must not be empty",
            "a.yml:4:9: groups[2].name: groupname: \"g\" is repeated in the same file",
        ],
    );
    check_places(
        "  rules:\n  - {alert: [a], expr: {}}\n  - 5\n",
        &[
            "a.yml:4:13: groups[0].rules[0].alert: cannot unmarshal !!seq into string",
            "a.yml:4:24: groups[0].rules[0].expr: cannot unmarshal !!map into string",
            "a.yml:5:5: groups[0].rules[1]: cannot unmarshal !!int `5` into rulefmt.Rule",
            "a.yml:5:5: groups[0].rules[1]: cannot unmarshal !!int `5` into rulefmt.RuleNode",
        ],
    );
    check_places("  rules: [\n", &["a.yml:3:10: yaml: line 3: did not find expected node content"]);
}

#[test]
fn configurations_are_checked_with_the_rules_that_they_name() {
    let fine = "Checking config.yml\n  SUCCESS: 1 rule files found\n \
                SUCCESS: config.yml is valid prometheus config file syntax\n\n";
    let with_rules = format!("{fine}Checking rules.yml\n\n");
    check(&["config", "config.yml"], "", 0, &with_rules, DUPLICATES);
    let long = "  FAILED: too long scrape interval found, data point will be marked as stale - \
                job: a, interval: 10m\n";
    let both = format!("{long}{DUPLICATES}");
    check(&["config", "--lint=all", "--lint-fatal", "config.yml"], "", 3, &with_rules, &both);
    let only =
        "Checking config.yml\n SUCCESS: config.yml is valid prometheus config file syntax\n\n";
    check(&["config", "--syntax-only", "config.yml"], "", 0, only, "");
}

#[test]
fn configurations_lint_their_rules() {
    let rules = "groups:\n- name: g\n  rules:\n  - {alert: A, expr: 'rate(x_total[20s]) > 1'}\n";
    let config = "rule_files: [r.yml]\n";
    let folder = folder(&[("r.yml", rules), ("c.yml", config)]);
    let run = |arguments: &[&str]| {
        skopos(folder.path(), &[&["check", "config", "--lint-fatal"], arguments].concat(), "")
    };
    assert_eq!(run(&["c.yml"]).code, Some(0));
    let extended = run(&["--lint=extended", "c.yml"]);
    assert_eq!(extended.code, Some(3), "{extended:?}");
    assert!(extended.stderr.contains("r.yml:4:"), "{extended:?}");
    assert_eq!(run(&["--lint=extended", "--scrape-interval=5s", "c.yml"]).code, Some(0));
    assert!(run(&["--lint-list"]).stdout.contains(" on "));
}

#[test]
fn configurations_that_cannot_be_used_say_where() {
    let missing = "  FAILED: \"nowhere.yml\" does not point to an existing file\n";
    check(&["config", "missing.yml"], "", 1, "Checking missing.yml\n\n", missing);
    let folder = folder(&[("typo.yml", "global:\n  scrape_intervall: 5s\n")]);
    let run = skopos(folder.path(), &["check", "config", "typo.yml"], "");
    assert_eq!((run.code, run.stdout.as_str()), (Some(1), "Checking typo.yml\n\n"));
    assert!(run.stderr.starts_with("  FAILED: typo.yml:2:3: "), "{run:?}");
    assert!(run.stderr.contains("scrape_intervall"), "{run:?}");
}

#[test]
fn pages_are_linted() {
    let advice = "fooBar counter metrics should have \"_total\" suffix\n\
                  fooBar metric names should be written in 'snake_case' not 'camelCase'\n";
    let page = "# HELP fooBar x\n# TYPE fooBar counter\nfooBar 1\n";
    check(&["metrics"], page, 3, "", advice);
    let in_file: String = advice.lines().map(|line| format!("page.prom:1: {line}\n")).collect();
    check(&["metrics", "page.prom"], "", 3, "", &in_file);
    let good = "# HELP a_total x\n# TYPE a_total counter\na_total{b=\"1\"} 1\na_total{b=\"2\"} 1\n";
    check(&["metrics"], good, 0, "", "");
    let counts = "Metric     Cardinality    Percentage    \n\
                  a_total    2              100.00%       \n\
                  total      2              100%          \n";
    check(&["metrics", "--extended"], good, 0, counts, "");
    let folder = folder(&[]);
    let run = skopos(folder.path(), &["check", "metrics"], "up{ 1\n");
    assert_eq!(run.code, Some(1));
    assert!(run.stderr.starts_with("error while linting: "), "{run:?}");
}

#[track_caller]
fn load(name: &str) -> Option<Value> {
    #[expect(clippy::disallowed_methods, reason = "tests are told where the vectors are")]
    let Ok(root) = std::env::var("SKOPOS_CONFORMANCE") else {
        eprintln!("skipped: SKOPOS_CONFORMANCE is not set");
        return None;
    };
    let bytes = std::fs::read(PathBuf::from(root).join(name)).expect("the vectors are there");
    Some(serde_json::from_slice(&bytes).expect("vectors are JSON"))
}

/// The same without lines of a log.
fn without_log(text: &str) -> String {
    let is_log = |line: &&str| {
        line.contains("level=WARN") || line.ends_with(": only the first YAML document is read")
    };
    text.lines().filter(|line| !is_log(line)).map(|line| format!("{line}\n")).collect()
}

/// Whether the program does with this content what `promtool` did.
fn agrees(folder: &Path, case: &Value, content: &str) -> bool {
    let name = case["file"].as_str().expect("a name");
    std::fs::write(folder.join(name), content).expect("a file");
    let flags = case["flags"].as_array().into_iter().flatten().filter_map(Value::as_str);
    let arguments: Vec<&str> = ["check", "rules"].into_iter().chain(flags).chain([name]).collect();
    let run = skopos(folder, &arguments, "");
    let stderr = case["stderr"].as_str().unwrap_or_default();
    run.code.map(i64::from) == case["exit"].as_i64()
        && Some(run.stdout.as_str()) == case["stdout"].as_str()
        && without_log(&run.stderr) == without_log(stderr)
}

#[test]
fn rules_are_checked_as_promtool_checks_them() {
    let Some(cases) = load("vectors/rules/check_rules.json") else { return };
    let Some(files) = load("vectors/rules/rulefmt.json") else { return };
    let cases = cases["cases"].as_array().expect("cases");
    let folder = folder(&[]);
    let mut failures = Vec::new();
    for case in cases {
        // Names can stand for several contents; the case is about one of them.
        let contents = files["cases"].as_array().into_iter().flatten();
        let contents = contents.filter(|file| file["name"] == case["name"]);
        let mut contents = contents.filter_map(|file| file["yaml"].as_str());
        if !contents.any(|content| agrees(folder.path(), case, content)) {
            failures.push(case["name"].as_str().unwrap_or_default());
        }
    }
    println!("{} cases, {} differences", cases.len(), failures.len());
    assert!(failures.is_empty(), "{failures:?}");
    assert!(120 < cases.len(), "the vectors shrank");
}

#[test]
fn kubernetes_objects_are_checked_too() {
    let object = |rule: &str| {
        format!(
            "apiVersion: v1\nkind: ServiceMonitor\n---\napiVersion: monitoring.coreos.com/v1\n\
             kind: PrometheusRule\nmetadata: {{name: r, namespace: n}}\nspec:\n  groups:\n  \
             - name: g\n    partial_response_strategy: warn\n    rules:\n    - {rule}\n"
        )
    };
    let good = object("{alert: A, expr: up == 0, for: 0m}");
    let bad = object("{alert: A, expr: up ==}");
    let folder = folder(&[("good.yml", &good), ("bad.yml", &bad)]);
    let run = skopos(folder.path(), &["check", "rules", "good.yml"], "");
    assert_eq!(
        (run.code, run.stdout.as_str(), run.stderr.as_str()),
        (Some(0), "Checking good.yml\n  SUCCESS: 1 rules found\n\n", "")
    );
    let run = skopos(folder.path(), &["check", "rules", "bad.yml"], "");
    assert_eq!(run.code, Some(1));
    assert!(
        run.stderr
            .contains("bad.yml: 12:24: group \"g\", rule 1, \"A\": could not parse expression"),
        "{}",
        run.stderr
    );
}

const ADVISED: &str = "\
groups:
- name: g
  rules:
  - alert: Slow
    expr: sum by (job) (rate(up[30s])) > 1
    for: 5m
    annotations: {summary: '{{ $labels.instance }}'}
  - alert: Down
    expr: |
      up{job=~\"api\"}
        == 0
  - alert: Few
    expr: >
      count(up)
      == 0
    for: 5m
";

/// What is said of the rules above: place, code and the start of the reason.
const ADVICE: &str = "  FAILED:
a.yml:4:12: label-not-in-result: the annotation \"summary\" uses instance, which the expression's \
result lacks; keep the label in the aggregation, or do not use it
a.yml:5:25: rate-over-gauge: up is a gauge, and rate takes every fall for a restart; use deriv() or \
delta(), or max_over_time() and the like
a.yml:5:30: range-too-short: 30s hold fewer than 4 scrapes of one in 15s; look back for at least four \
scrapes
a.yml:8:12: alert-without-for: one scrape alone decides, and the alert fires at once; set `for` to \
some evaluations
a.yml:10:7: regex-could-be-equality: job=~\"api\" has nothing of a regular expression and says \
job=\"api\"; compare with = or !=
a.yml:12:12: count-is-never-zero: at 1:1 of the expression: count of nothing is nothing and not 0, so \
that this never holds; ask absent(), or add `or vector(0)` to the count
";

#[test]
fn extended_lints_are_asked_for() {
    let folder = folder(&[("a.yml", ADVISED)]);
    let check = |flags: &[&str]| {
        let arguments = [&["check", "rules"], flags, &["a.yml"]].concat();
        skopos(folder.path(), &arguments, "")
    };
    let run = check(&[]);
    let fine = "Checking a.yml\n  SUCCESS: 3 rules found\n\n";
    assert_eq!((run.stdout.as_str(), run.stderr.as_str()), (fine, ""));
    assert_eq!(check(&["--lint=all"]).stdout, fine);

    let run = check(&["--lint=extended"]);
    assert_eq!((run.stderr.as_str(), run.stdout.as_str()), (ADVICE, "Checking a.yml\n\n"));
    assert_eq!(run.code, Some(0));
    assert_eq!(check(&["--lint=extended", "--lint-fatal"]).code, Some(3));
    let codes = |flags: &[&str]| {
        let run = check(&[&["--lint-fatal", "-o", "json"], flags].concat());
        let report: Value = serde_json::from_str(&run.stdout).expect("JSON");
        let findings = report["findings"].as_array().cloned().unwrap_or_default();
        findings.iter().map(|f| f["code"].as_str().unwrap_or("").to_owned()).collect::<Vec<_>>()
    };
    assert_eq!(codes(&["--lint=none", "--enable-lint=missing-severity"]), [""; 0]);
    assert_eq!(codes(&["--lint=extended"]).len(), 6);
    assert_eq!(codes(&["--enable-lint=missing-severity"]).len(), 9);
    assert_eq!(codes(&["--disable-lint=rate-over-gauge"]).len(), 5);
    assert_eq!(codes(&["--lint=extended", "--scrape-interval=5s"]).len(), 5);
    assert_eq!(codes(&["--lint=extended", "--evaluation-interval=10m"]).len(), 8);

    let run = check(&["--enable-lint=nonsense"]);
    assert_eq!((run.code, run.stdout.as_str()), (Some(1), ""));
    assert_eq!(run.stderr, "skopos: error: no lint 'nonsense', see --lint-list\n");
    let run = check(&["--lint-list"]);
    assert_eq!(run.code, Some(0));
    assert!(run.stdout.contains("missing-severity           off  an alert has no"), "{run:?}");
    assert!(run.stdout.contains("\nrate-over-gauge            on   a function for"), "{run:?}");
}

/// A rule that has one pitfall: the finding as it is told, which its switch takes away.
#[track_caller]
fn check_pitfall(rule: &str, code: &str, place: &str, reason: &str) {
    let folder = folder(&[("a.yml", &format!("groups:\n- name: g\n  rules:\n  - {rule}\n"))]);
    let run = |flags: &[&str]| {
        let all = [&["check", "rules", "--lint=extended", "--lint-fatal"], flags, &["a.yml"]];
        skopos(folder.path(), &all.concat(), "")
    };
    let found = run(&[]);
    let told: Vec<&str> = found.stderr.lines().skip(1).collect();
    assert_eq!((found.code, told.len()), (Some(3), 1), "{found:?}");
    let (at, text) = told[0].split_once(": ").expect("a place");
    assert_eq!(at, format!("a.yml:{place}"), "{found:?}");
    let text = text.strip_prefix(code).and_then(|text| text.strip_prefix(": "));
    assert!(text.is_some_and(|text| text.contains(reason)), "{found:?}");
    let off = run(&[&format!("--disable-lint={code}")]);
    assert_eq!((off.code, off.stderr.as_str()), (Some(0), ""), "{off:?}");
}

#[test]
fn what_operators_get_wrong_is_found_and_can_be_switched_off() {
    check_pitfall(
        "{alert: A, expr: 'rate(temperature_celsius[5m]) > 1', for: 5m}",
        "rate-over-gauge",
        "4:23",
        "temperature_celsius is a gauge, and rate takes every fall for a restart",
    );
    check_pitfall(
        "{alert: A, expr: up == 0}",
        "alert-without-for",
        "4:13",
        "one scrape alone decides, and the alert fires at once",
    );
    check_pitfall(
        "{alert: A, expr: sum by (job) (up) < 1, for: 5m, annotations: {s: '{{ $labels.instance }}'}}",
        "label-not-in-result",
        "4:13",
        "the annotation \"s\" uses instance, which the expression's result lacks",
    );
    check_pitfall(
        "{alert: A, expr: 'rate(x_total[30s]) > 1', for: 5m}",
        "range-too-short",
        "4:28",
        "30s hold fewer than 4 scrapes of one in 15s",
    );
    check_pitfall(
        "{alert: A, expr: 'rate(x_total{ok=\"1\"}[5m]) / rate(x_total[5m]) < 0.9', for: 5m}",
        "division-hides-absence",
        "4:23",
        "once no series of x_total matches the narrower selector there is no ratio to compare",
    );
}

#[test]
fn findings_are_reported_to_programs_too() {
    let folder = folder(&[("a.yml", ADVISED)]);
    let arguments = ["check", "rules", "-o", "json", "--lint=extended", "a.yml"];
    let run = skopos(folder.path(), &arguments, "");
    let report: Value = serde_json::from_str(&run.stdout).expect("JSON");
    assert_eq!(
        report["findings"][5],
        json!({
            "code": "count-is-never-zero",
            "group": "g",
            "rule": "Few",
            "line": 12,
            "column": 12,
            "expressionLine": 1,
            "expressionColumn": 1,
            "reason": "count of nothing is nothing and not 0, so that this never holds",
            "advice": "ask absent(), or add `or vector(0)` to the count",
        })
    );
}
