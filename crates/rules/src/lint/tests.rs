//! Lints by table, with an advisor that knows nothing but what a case says.

use super::template::{Uses, scan};
use super::*;

/// A file of one group.
fn file(rules: Vec<Rule>) -> RuleFile {
    let mut group = Group::new("g");
    group.rules = rules;
    let mut file = RuleFile::default();
    file.groups.push(group);
    file
}

/// Of an expression, the labels before a colon are those of the result, and the words after it metrics.
fn advisor(expr: &str, _: RuleKind) -> Option<Examined> {
    let (labels, metrics) = expr.split_once(':')?;
    let words = |text: &str| text.split_whitespace().map(ToOwned::to_owned).collect();
    let mut examined = Examined {
        labels: KnownLabels::new((labels != "*").then(|| words(labels)), Vec::new()),
        metrics: words(metrics),
        is_instantaneous: metrics.contains("=="),
        ..Examined::default()
    };
    if metrics.contains("bad") {
        let offset = expr.find("bad")?;
        examined.advice.push(ExpressionAdvice::new("bad", offset, "it is".into(), "leave it"));
    }
    Some(examined)
}

#[track_caller]
fn check(rules: Vec<Rule>, expected: &[&str]) {
    let found = lint_file(&file(rules), "", &advisor, &LintOptions::default());
    assert_eq!(found.iter().map(|finding| finding.code).collect::<Vec<_>>(), expected);
}

fn alert(expr: &str, change: impl FnOnce(&mut Rule)) -> Vec<Rule> {
    let mut rule = Rule::alerting("A", expr);
    rule.hold = 300_000;
    change(&mut rule);
    vec![rule]
}

fn annotated(expr: &str, text: &str) -> Vec<Rule> {
    alert(expr, |rule| drop(rule.annotations.insert("summary".into(), text.into())))
}

fn labelled(expr: &str, text: &str) -> Vec<Rule> {
    alert(expr, |rule| drop(rule.labels.insert("x".into(), text.into())))
}

#[test]
fn times_are_looked_at() {
    check(alert("*: up == 0", |rule| rule.hold = 0), &["alert-without-for"]);
    check(alert("*: up == 0", |_| {}), &[]);
    check(alert("*: up", |rule| rule.hold = 0), &[]);
    check(alert("*: up", |rule| rule.hold = 30_000), &["for-shorter-than-interval"]);
    check(alert("*: up", |rule| rule.hold = 60_000), &[]);
}

#[test]
fn labels_that_templates_use_are_there() {
    let lost = &["label-not-in-result"][..];
    check(annotated("job:", "{{ $labels.instance }} of {{ $labels.job }}"), lost);
    check(annotated("job:", "{{ .Labels.instance | toUpper }}"), lost);
    check(annotated("job:", "{{ $labels.job }} {{ .Labels.job }}"), &[]);
    check(annotated("*:", "{{ $labels.instance }}"), &[]);
    check(labelled("job:", "{{ $labels.instance }}"), lost);
    check(annotated("job:", "{{ if $labels.a }}{{ $labels.a }}{{ end }}"), &[]);
    check(annotated("job:", "{{ with query \"x\" }}{{ .Labels.a }}{{ end }}"), &[]);
    check(annotated("job:", "{{ range query \"x\" }}{{ $labels.a }}{{ end }}"), lost);
    check(annotated("job:", "$labels.instance"), &[]);
}

#[test]
fn values_in_labels_are_found() {
    check(labelled("*:", "{{ $value }}"), &["value-in-label"]);
    check(labelled("*:", "{{ printf \"%.1f\" .Value }}"), &["value-in-label"]);
    check(labelled("*:", "{{ if gt $value 90.0 }}high{{ else }}low{{ end }}"), &[]);
    check(annotated("*:", "{{ $value }}"), &[]);
}

#[test]
fn rules_of_a_group_are_looked_at_together() {
    let record = Rule::recording;
    check(vec![record("a", "*: b"), record("b", "*: c")], &["depends-on-later-rule"]);
    check(vec![record("b", "*: c"), record("a", "*: b")], &[]);
    check(vec![record("a", "*: a")], &[]);
    check(vec![record("a", "*: x"), record("a", "*: y")], &["duplicate-rules"]);
    check([alert("*: b", |_| {}), vec![record("b", "*:")]].concat(), &["depends-on-later-rule"]);
}

#[test]
fn conventions_are_off_until_asked_for() {
    let mut rule = Rule::alerting("A", "*:");
    rule.keep_firing_for = 1;
    let rules = file(vec![rule, Rule::recording("a:b", "*:")]);
    let all = Code::ALL.iter().fold(LintOptions::default(), |all, code| all.with(*code, true));
    let codes = |options: &LintOptions| -> Vec<&str> {
        lint_file(&rules, "", &advisor, options).iter().map(|found| found.code).collect()
    };
    assert_eq!(codes(&LintOptions::default()), [""; 0]);
    let expected =
        ["keep-firing-without-for", "missing-severity", "missing-summary", "recording-rule-name"];
    assert_eq!(codes(&all), expected);
    assert_eq!(codes(&all.with(Code::MissingSummary, false)).len(), 3);
    assert!(Code::ALL.is_sorted_by_key(|code| code.as_str()) && Code::ALL.is_sorted());
    for code in Code::ALL {
        assert_eq!(Code::find(code.as_str()), Some(*code));
        assert!(!code.summary().is_empty() && !code.remedy().is_empty());
    }
}

#[test]
fn templates_are_split_into_words() {
    let check = |text, labels: &[&str], shows_value| {
        assert_eq!(scan(text), Uses { labels: labels.to_vec(), shows_value }, "{text}");
    };
    check("{{$labels.b}}{{-$labels.a-}}{{ $labels.b }}", &["a", "b"], false);
    check("{{ \"$labels.a }}\" }} {{ `$value` }} {{ '}' }}", &[], false);
    check("{{/* $labels.a $value */}}{{ $value | humanize }}", &[], true);
    check("{{ $v := $value }}{{ $v }}", &[], false);
    check("{{ printf \"\\\"%s\" $labels.a }}", &["a"], false);
    check("{{ $labels }} {{ $labels. }} {{ index $labels \"a\" }} {{ .Labels }}", &[], false);
    check("{{ if eq $labels.a \"x\" }}{{ .Value }}{{ end }}{{ .Labels.b }}", &["b"], true);
    check("{{ $labels.", &[], false);
    check("{{ \"", &[], false);
    check("{{ ü💡$labels.a", &["a"], false);
}

#[test]
fn places_are_those_of_the_file() {
    let text = "groups:\n- rules:\n  - expr: '*: bad'\n  - expr: |\n\n      *:\n       ü bad\n  \
                - expr: >\n      *:\n      bad\n  - expr: \"*: \\u0062ad\"\n";
    let at = |line, column| Position { line, column };
    for (start, expr, expected, within) in [
        (at(3, 11), "*: bad", at(3, 15), None),
        (at(4, 11), "\n*:\n ü bad\n", at(7, 10), None),
        (at(8, 11), "*: bad\n", at(1, 1), Some(at(1, 4))),
        (at(11, 11), "*: bad", at(1, 1), Some(at(1, 4))),
        (at(0, 0), "*: bad", at(1, 1), Some(at(1, 4))),
        (at(99, 99), "*: bad", at(1, 1), Some(at(1, 4))),
    ] {
        let mut rule = Rule::recording("a", expr);
        (rule.position, rule.expr_position) = (at(1, 1), start);
        let found = lint_file(&file(vec![rule]), text, &advisor, &LintOptions::default());
        assert_eq!((found[0].position, found[0].within), (expected, within), "{start}");
    }
}
