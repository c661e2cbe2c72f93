use skopos_core::MatchOp::{self, Equal, NotEqual, NotRegex, Regex};

use super::*;

/// A rule's name and the conditions on names in its selectors; no operator stands for a selector that
/// names no metric. Names that begin with a capital are those of alerts.
type Case<'c> = (&'c str, &'c [(Option<MatchOp>, &'c str)]);

fn rule(name: &str) -> Rule {
    if name.starts_with(char::is_uppercase) {
        Rule::alerting(name, "")
    } else {
        Rule::recording(name, "")
    }
}

fn prepared(selectors: &[(Option<MatchOp>, &str)]) -> PreparedQuery {
    let selector = |(op, name): &(Option<MatchOp>, &str)| {
        let name = op.map(|op| Matcher::new(METRIC_NAME, op, *name));
        name.into_iter().chain([Matcher::equal("job", "api")]).collect()
    };
    PreparedQuery::default().with_selectors(selectors.iter().map(selector).collect())
}

fn dependencies(cases: &[Case<'_>]) -> Dependencies {
    let rules: Vec<_> = cases.iter().map(|(name, reads)| (rule(name), prepared(reads))).collect();
    Dependencies::new(rules.iter().map(|(rule, prepared)| (rule, prepared))).unwrap()
}

/// Checks the batches, and that nobody is in a batch with, or ahead of, what it depends on.
#[track_caller]
fn check(cases: &[Case<'_>], is_determinate: bool, batches: &[&[usize]]) {
    let found = dependencies(cases);
    assert_eq!(found.is_determinate(), is_determinate);
    assert_eq!(found.batches(), batches);
    let batch_of = |rule| batches.iter().position(|batch| batch.contains(&rule)).unwrap();
    for rule in 0..cases.len() {
        for other in found.dependencies(rule) {
            assert!(batch_of(other) < batch_of(rule), "{rule} depends on {other}");
            assert!(found.dependents(other).contains(&rule));
        }
    }
}

fn eq(name: &str) -> (Option<MatchOp>, &str) {
    (Some(Equal), name)
}

#[test]
fn dependents_and_dependencies_are_known_by_the_names_of_metrics() {
    let found = dependencies(&[
        ("user:requests:rate1m", &[eq("requests")]),
        ("ZeroRequests", &[eq("user:requests:rate1m")]),
        ("user:requests:rate5m", &[eq("requests")]),
        ("user:requests:increase1h", &[eq("user:requests:rate1m")]),
        ("user:requests:sum5m", &[(Some(Regex), "user:requests.+5m")]),
    ]);
    let of_all = |f: &dyn Fn(usize) -> Vec<usize>| (0..5).map(f).collect::<Vec<_>>();
    assert_eq!(of_all(&|i| found.dependents(i)), [vec![1, 3], vec![], vec![4], vec![], vec![]]);
    assert_eq!(of_all(&|i| found.dependencies(i)), [vec![], vec![0], vec![], vec![0], vec![2]]);
    assert!((0..5).all(|i| !found.is_independent(i)));
    assert_eq!(found.batches(), [vec![0, 2], vec![1, 3, 4]]);
}

#[test]
fn rules_that_read_nothing_of_each_other_run_together() {
    check(&[], true, &[]);
    check(&[("one", &[eq("requests")])], true, &[&[0]]);
    check(&[("one", &[eq("a")]), ("two", &[eq("b")])], true, &[&[0, 1]]);
    // A rule by itself has nobody to depend on.
    check(&[("one", &[(None, "")])], true, &[&[0]]);
    check(&[("three", &[]), ("one", &[eq("three")])], true, &[&[0], &[1]]);
    let base = "job:requests:rate1m";
    check(
        &[
            (base, &[eq("requests")]),
            ("job1:requests", &[eq(base)]),
            ("job2:requests", &[eq(base)]),
            ("job:errors", &[eq("errors")]),
            ("job1:errors", &[eq("job:errors"), eq("errors")]),
        ],
        true,
        &[&[0, 3], &[1, 2, 4]],
    );
}

#[test]
fn a_chain_runs_link_by_link() {
    check(
        &[
            ("job:rate1m", &[eq("requests")]),
            ("job:rate5m", &[eq("requests")]),
            ("job1:rate1m", &[eq("job:rate1m")]),
            ("job1_cluster1:rate1m", &[eq("job1:rate1m")]),
            ("job1_cluster2:rate1m", &[eq("job1:rate1m")]),
            ("job1_cluster1_a:rate1m", &[eq("job1_cluster1:rate1m")]),
            ("job1_cluster1_b:rate1m", &[eq("job1_cluster1:rate1m")]),
        ],
        true,
        &[&[0, 1], &[2], &[3, 4], &[5, 6]],
    );
}

#[test]
fn what_may_be_anything_keeps_the_order() {
    fn with(second: Case<'_>) -> [Case<'_>; 2] {
        [("first", &[(Some(Equal), "requests")]), second]
    }
    for second in [
        ("second", &[(None, "")] as &[_]),
        ("second", &[(Some(Regex), ".+")]),
        ("second", &[(Some(NotEqual), "requests")]),
        ("second", &[(Some(NotRegex), "requests.+")]),
        ("second", &[eq("ALERTS")]),
        ("second", &[eq("ALERTS_FOR_STATE")]),
        ("second", &[(Some(Regex), "ALERTS.*")]),
    ] {
        check(&with(second), false, &[&[0], &[1]]);
        assert!(!dependencies(&with(second)).is_independent(0));
    }
    check(&with(("second", &[(Some(Regex), "req.+")])), true, &[&[0, 1]]);
    check(&with(("second", &[(Some(Regex), "fir.+")])), true, &[&[0], &[1]]);
    check(&with(("second", &[(Some(NotRegex), "ALERTS.*|first")])), true, &[&[0, 1]]);
}

#[test]
fn a_query_of_which_nothing_is_known_keeps_the_order() {
    let rules = [rule("a"), rule("b")];
    let unknown = PreparedQuery::default();
    let found = Dependencies::new(rules.iter().map(|rule| (rule, &unknown))).unwrap();
    assert!(!found.is_determinate());
    assert_eq!(found.batches(), [vec![0], vec![1]]);
    assert!(found.dependencies(1).is_empty());
}

#[test]
fn who_reads_what_a_later_rule_writes_is_not_behind_it() {
    // The first reads what the last wrote an evaluation ago.
    check(&[("a", &[eq("b")]), ("b", &[eq("requests")])], true, &[&[0, 1]]);
    check(
        &[("x", &[]), ("a", &[eq("x"), eq("b")]), ("b", &[eq("requests")])],
        true,
        &[&[0], &[1, 2]],
    );
}

#[test]
fn who_writes_the_same_metric_is_not_ahead() {
    check(&[("x", &[]), ("a", &[eq("x")]), ("a", &[eq("requests")])], true, &[&[0], &[1, 2]]);
    check(&[("x", &[]), ("A", &[eq("x")]), ("A", &[eq("requests")])], true, &[&[0], &[1, 2]]);
    check(&[("a", &[eq("one")]), ("a", &[eq("two")])], true, &[&[0, 1]]);
    // The result of a rule that reads its own metric is that of the time before.
    check(&[("a", &[eq("a")]), ("b", &[eq("a")])], true, &[&[0], &[1]]);
}

#[test]
fn templates_that_ask_wait_for_all_before_them() {
    let ask = |name: &str, text: &str| {
        let mut rule = rule(name);
        rule.annotations.insert("summary".into(), text.into());
        rule
    };
    let rules = [
        rule("a"),
        ask("Down", "{{ with query \"a\" }}{{ end }}"),
        rule("b"),
        ask("Calm", "no query"),
    ];
    let reads = prepared(&[eq("requests")]);
    let found = Dependencies::new(rules.iter().map(|rule| (rule, &reads))).unwrap();
    assert_eq!(found.batches(), [vec![0], vec![1, 2, 3]]);
}

#[test]
fn a_broken_regular_expression_is_an_error() {
    let rules = [rule("a"), rule("b")];
    let reads = prepared(&[(Some(Regex), "(")]);
    assert!(Dependencies::new(rules.iter().map(|rule| (rule, &reads))).is_err());
}

#[test]
fn a_hostile_group_is_not_looked_at_in_full() {
    let reads: Vec<(Option<MatchOp>, String)> =
        (0..3000).map(|i| (Some(Regex), format!("a{i}.*"))).collect();
    let reads: Vec<_> = reads.iter().map(|(op, name)| (*op, name.as_str())).collect();
    let reads = prepared(&reads);
    let rules: Vec<Rule> = (0..3000).map(|i| rule(&format!("a{i}"))).collect();
    let found = Dependencies::new(rules.iter().map(|rule| (rule, &reads))).unwrap();
    assert!(!found.is_determinate());
}
