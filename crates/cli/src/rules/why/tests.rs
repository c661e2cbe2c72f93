//! Each cause over a small world of samples, and the state beside that of a backtest.

use proptest::prelude::*;
use skopos_core::{Labels, ManualClock, Sample, TimeRange, Timestamp, stale_nan};
use skopos_promql::{Engine, EngineOptions, LiveTable, Overlay, Table};
use skopos_rules::why::{CauseKind, Question, Why, why};
use skopos_rules::{
    AlertState, Backtest, Evaluator, Group, GroupDefaults, GroupState, Incident, Rule, backtest,
};
use skopos_template::AlertExpander;

use super::reader::Reader;

/// The last second of the samples, at which is asked.
const END: i64 = 7_200;

/// A series with a value at each quarter of a minute where `value` gives one.
fn series(text: &str, value: impl Fn(i64) -> Option<f64>) -> (Labels, Vec<Sample>) {
    let (name, labels) = text.split_once('{').unwrap_or((text, "}"));
    let pairs = labels.trim_end_matches('}').split(',').filter_map(|pair| pair.split_once('='));
    let labels = Labels::from_pairs([("__name__", name)].into_iter().chain(pairs));
    let times = (0..=END).step_by(15);
    let samples = times.filter_map(|s| Some(Sample::new(s * 1000, value(s)?))).collect();
    (labels, samples)
}

fn world() -> Table {
    let always = |v: f64| move |_: i64| Some(v);
    Table::from_iter([
        series("cpu{instance=a,job=node}", always(42.0)),
        series("cpu{instance=b,job=node}", always(79.5)),
        series("cpu_limit{instance=a}", always(90.0)),
        series("cpu_limit{instance=c}", always(90.0)),
        series("size{instance=a,mount=/}", always(1.0)),
        series("once{instance=a}", |s| (s == END - 60).then_some(1.0)),
        series("aged{instance=a}", |s| (s <= 3_600).then_some(1.0)),
        series("marked{instance=a}", |s| match s {
            ..3_600 => Some(1.0),
            3_600 => Some(stale_nan()),
            _ => None,
        }),
        series("maintenance{instance=b}", always(1.0)),
        series("hot{instance=a}", |s| Some(if s < 6_900 { 10.0 } else { 95.0 })),
        series("cooled{instance=a}", |s| Some(if s < 6_900 { 95.0 } else { 10.0 })),
        series("flapping{instance=a}", |s| Some(if 420 <= s % 600 { 95.0 } else { 10.0 })),
        series("build{instance=a,version=1}", |s| (s < 6_840).then_some(95.0)),
        series("build{instance=a,version=2}", |s| (6_900 <= s).then_some(95.0)),
    ])
}

fn answer_of(rule: Rule, labels: &[(&str, &str)], end: i64) -> (Vec<Why>, Backtest) {
    let (world, written) = (world(), LiveTable::new());
    let engine = Engine::new(Overlay::new(&world, &written), EngineOptions::default());
    let mut group = Group::new("g");
    let name = rule.name.clone();
    group.rules.push(rule);
    let state = GroupState::new(&group, "f", GroupDefaults::default(), &engine, false);
    let mut groups = [state.expect("the rule is fine")];
    let range = TimeRange::new(Timestamp::from_millis(0), Timestamp::from_millis(end * 1000));
    let clock = ManualClock::new(range.start);
    let expander = AlertExpander::new();
    let evaluator = Evaluator::new(&engine, &expander, &written, &clock);
    let past = backtest(&mut groups, range, &evaluator, &clock, &mut |_| {});
    let labels = Labels::from_pairs(labels.iter().copied());
    let question = Question::new(name, range).with_labels(labels);
    (why(&question, &groups, &past, &engine, &Reader), past)
}

fn answer(rule: Rule, labels: &[(&str, &str)]) -> Why {
    let (mut answers, _) = answer_of(rule, labels, END);
    assert_eq!(answers.len(), 1);
    answers.remove(0)
}

/// Asks for an absent alert of an expression; the answer names `guilty` and says all of `fragments`.
#[track_caller]
fn check(expr: &str, labels: &[(&str, &str)], guilty: &str, fragments: &[&str]) {
    let why = answer(Rule::alerting("A", expr), labels);
    let text = why.to_string();
    assert_eq!(why.state, AlertState::Inactive, "{text}");
    assert_eq!(why.causes.len(), 1, "{text}");
    assert_eq!(&expr[why.causes[0].span.clone()], guilty, "{text}");
    for fragment in fragments {
        assert!(text.contains(fragment), "{fragment:?} is not in\n{text}");
    }
}

/// Asks for an alert that is there; the answer says all of `fragments`.
#[track_caller]
fn check_active(rule: Rule, labels: &[(&str, &str)], state: AlertState, fragments: &[&str]) {
    let why = answer(rule, labels);
    let text = why.to_string();
    assert_eq!(why.state, state, "{text}");
    assert_eq!(why.causes, [], "{text}");
    for fragment in fragments {
        assert!(text.contains(fragment), "{fragment:?} is not in\n{text}");
    }
}

fn alert(expr: &str, hold: i64) -> Rule {
    let mut rule = Rule::alerting("A", expr);
    rule.hold = hold * 1000;
    rule
}

#[test]
fn comparisons_tell_both_sides() {
    let b = [("instance", "b")];
    check("cpu > 80", &b, "> 80", &["79.5 > 80 does not hold for cpu{"]);
    check("cpu > 80", &[], "> 80", &["nearest are below", "79.5 > 80\n", "42 > 80\n"]);
    let fragments = ["42 > 90 does not hold for cpu{instance=\"a\""];
    check("cpu > on(instance) cpu_limit", &[], "> on(instance) cpu_limit", &fragments);
    let sum = "80 < (sum by (instance) (cpu))";
    check(sum, &[("instance", "a")], &sum[3..], &["80 < 42 does not hold for {instance=\"a\"}"]);
    let chain = "sum(rate(cpu[5m])) * 2 >= 1 + 0.5";
    check(chain, &[], ">= 1 + 0.5", &["0 >= 1.5 does not hold.\n"]);
    let both = "cpu > 80 and cpu < 90";
    check(both, &b, "> 80", &["79.5 > 80 does not hold"]);
}

#[test]
fn the_excerpt_marks_the_guilty_part() {
    let why = answer(Rule::alerting("A", "sum(\n  cpu{job=\"nodes\"}\n) > 1"), &[]);
    let text = why.to_string();
    let expected = "\n    | cpu{job=\"nodes\"}\n    | ^^^^^^^^^^^^^^^^\n";
    assert!(text.contains(expected), "{text}");
    let expr = format!("cpu{{job!=\"{}\"}} * 2\n  > 500", "가".repeat(99));
    let text = answer(Rule::alerting("A", expr), &[("instance", "a")]).to_string();
    assert!(text.contains("\n    | > 500\n    | ^^^^^\n"), "{text}");
    let expr = format!("cpu{{job!=\"{}\"}} > 500", "가".repeat(99));
    let text = answer(Rule::alerting("A", expr), &[("instance", "a")]).to_string();
    let blank = " ".repeat(92);
    assert!(text.contains(&format!("가\"}} > 500\n    | {blank}^^^^^\n")), "{text}");
    assert!(text.contains("\n    | …가"), "{text}");
}

#[test]
fn values_that_are_missing_are_explained() {
    let expr = "cpu > scalar(cpu_limits)";
    let fragments = ["79.5 > NaN", "A value is missing", "There is no metric cpu_limits"];
    check(expr, &[], "> scalar(cpu_limits)", &fragments);
}

#[test]
fn conditions_are_left_out_one_by_one() {
    let fragments = [
        "Without instance=\"c\" there are 2 series: instance is \"a\", \"b\".",
        "No series fits all",
    ];
    check("cpu{instance=\"c\"} > 80", &[], "cpu{instance=\"c\"}", &fragments);
    let two = "cpu{instance=\"c\",job=\"x\"}";
    check(two, &[], two, &["No series fits any of instance=\"c\", job=\"x\"."]);
    let asked = ["Without instance=\"zz\", which was asked for, there are 2 series"];
    check("cpu > 10", &[("instance", "zz")], "cpu", &asked);
    check("cpx > 1", &[], "cpx", &["There is no metric cpx."]);
    check("cpu_limmit > 1", &[], "cpu_limmit", &["no metric cpu_limmit; there are \"cpu_limit\""]);
}

#[test]
fn series_that_ended_are_told() {
    let aged = "1970-01-01T01:00:00Z, which is longer ago than the 5m that count";
    check("aged == 1", &[], "aged", &["aged{instance=\"a\"} has no sample since", aged]);
    let marked =
        ["was marked as stale at 1970-01-01T01:00:00Z, after a sample at 1970-01-01T00:59:45Z"];
    check("marked == 1", &[], "marked", &marked);
    let range = "rate(aged[10m]) == 0";
    check(range, &[], "aged[10m]", &["longer ago than the 10m that count"]);
    check("once offset 10m > 0", &[], "once offset 10m", &["There is no metric once."]);
}

#[test]
fn ranges_with_a_single_sample_are_told() {
    let fragments = ["rate() needs two samples in its range", "a single sample"];
    check("rate(once[5m]) > 0", &[], "once[5m]", &fragments);
}

#[test]
fn operands_that_do_not_meet_are_told() {
    let expr = "cpu / size > 0";
    let fragments = ["job is \"node\" on the left and missing on the right", "mount is missing"];
    check(expr, &[], "/ size", &fragments);
    let both = "cpu and on(job) size";
    check(
        both,
        &[],
        "and on(job) size",
        &["No series on the left of `and` meets one on the right"],
    );
    check("cpu and sizes", &[], "sizes", &["There is no metric sizes"]);
    let one = ("instance", "b");
    let expr = "cpu > 50 unless on(instance) maintenance";
    check(expr, &[one], "unless on(instance) maintenance", &["`unless` takes cpu{instance=\"b\""]);
    check("nix + nox", &[], "nix + nox", &["Neither operand has a result"]);
    check("cpu > 99 or nox", &[], "cpu > 99 or nox", &["Neither side of `or`", "no metric nox"]);
}

#[test]
fn absence_is_explained_by_what_is_there() {
    let fragments = ["absent() has no result because there are series", "and 1 more"];
    check("absent(cpu)", &[], "cpu", &fragments);
    check("absent_over_time(once[5m])", &[], "once[5m]", &["once{"]);
}

#[test]
fn labels_that_are_lost_are_told() {
    let sum = ["the label instance is taken away here"];
    check("sum(cpu) > 100", &[("instance", "a")], "sum(cpu)", &sum);
    check("cpu > 1", &[("pod", "a")], "cpu > 1", &["none has the label pod"]);
    let expr = "label_replace(cpu, \"zone\", \"x\", \"\", \"\") > 1";
    let guilty = "label_replace(cpu, \"zone\", \"x\", \"\", \"\")";
    check(expr, &[("zone", "y")], guilty, &["none with zone=\"y\"; there are \"x\""]);
}

#[test]
fn labels_that_the_rule_gives_are_told() {
    let mut rule = Rule::alerting("A", "cpu > 1");
    rule.labels.insert("severity".into(), "page".into());
    let why = answer(rule.clone(), &[("severity", "warning")]);
    assert!(matches!(why.causes[0].kind, CauseKind::RuleLabel { .. }), "{why}");
    rule.labels.insert("severity".into(), "{{ if gt $value 1.0 }}high{{ end }}".into());
    let why = answer(rule.clone(), &[("severity", "low")]);
    assert!(why.to_string().contains("none with severity=\"low\"; there are \"high\""), "{why}");
    check_active(rule, &[("severity", "high")], AlertState::Firing, &["A{instance=\"a\"", "b"]);
}

#[test]
fn failures_are_told() {
    let expr = "cpu_limit * on() cpu";
    check(expr, &[], expr, &["The evaluation failed: ", "many-to-many matching not allowed"]);
    let why = answer(Rule::alerting("A", "cpu and on() (hot or on() once * on() cpu_limit)"), &[]);
    let text = why.to_string();
    assert_eq!((why.state, why.failure.is_some()), (AlertState::Firing, true), "{text}");
    assert!(
        text.contains("The last evaluation failed, so that all is as it was before: "),
        "{text}"
    );
    let (answers, _) = answer_of(Rule::alerting("A", "cpu"), &[], 0);
    assert!(matches!(answers[0].causes[0].kind, CauseKind::NotEvaluated), "{}", answers[0]);
}

#[test]
fn pending_alerts_tell_since_when_and_until_when() {
    let fragments = [
        "A{instance=\"a\"} is pending",
        "95 > 80 holds:",
        "| hot > 80\n",
        "It fires at 1970-01-01T02:0",
        "At the evaluation before, the expression had no result:",
        "10 > 80 does not hold",
    ];
    check_active(alert("hot > 80", 600), &[], AlertState::Pending, &fragments);
    let longer = ["for 1h59m", "or longer: the replay began there", "It has been firing since"];
    check_active(alert("cpu > 50", 600), &[], AlertState::Firing, &longer);
    let often = ["Since 1970-01-01T00:00:00Z it was pending 11 times without coming to fire."];
    let flapping = alert("flapping > 80", 300);
    check_active(flapping, &[], AlertState::Pending, &often);
}

#[test]
fn alerts_that_are_held_tell_until_when() {
    let mut rule = alert("cooled > 80", 60);
    rule.keep_firing_for = 900_000;
    let fragments =
        ["keep_firing_for holds the alert until 1970-01-01T02:1", "10 > 80 does not hold"];
    check_active(rule, &[], AlertState::Firing, &fragments);
    let gone = ["It was last firing from 1970-01-01T00:0", "until 1970-01-01T01:5"];
    check("cooled > 80", &[], "> 80", &gone);
}

#[test]
fn labels_that_changed_are_told() {
    let fragments =
        ["The time of `for` began anew at", "version from \"1\" to \"2\"", "active since"];
    let rule = alert("build > 80", 600);
    check_active(rule, &[("version", "2")], AlertState::Pending, &fragments);
    let fragments =
        ["It went on with other labels at", "version from \"1\" to \"2\"", "has no sample since"];
    let (answers, _) =
        answer_of(alert("last_over_time(build[1m]) > 80", 0), &[("version", "1")], END);
    let text = answers[0].to_string();
    assert!(fragments.iter().all(|fragment| text.contains(fragment)), "{text}");
    // A template that looks at the value makes another alert of each.
    let mut rule = alert("hot > 5", 3_600);
    rule.labels
        .insert("severity".into(), "{{ if gt $value 50.0 }}high{{ else }}low{{ end }}".into());
    let fragments = ["began anew", "severity from \"low\" to \"high\""];
    check_active(rule, &[], AlertState::Pending, &fragments);
}

/// The state of an alert at the last evaluation until `t`, as a backtest of all the time tells it.
fn state_at(incidents: &[Incident], slot: Option<Timestamp>) -> AlertState {
    let Some(slot) = slot else { return AlertState::Inactive };
    let open =
        incidents.iter().filter(|i| i.pending_at <= slot && i.over_at.is_none_or(|o| slot < o));
    let states = open.map(|incident| match incident.firing_at {
        Some(firing) if firing <= slot => AlertState::Firing,
        _ => AlertState::Pending,
    });
    states.max().unwrap_or(AlertState::Inactive)
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(48))]

    #[test]
    fn the_state_is_that_of_the_backtest(
        expr in prop::sample::select(vec![
            "flapping > 80", "cooled > 80", "hot > 80", "build > 80", "aged == 1", "cpu > 50",
            "flapping > 80 or marked == 1", "rate(flapping[2m]) > 0",
        ]),
        hold in 0..900_i64,
        keep in 0..900_i64,
        end in 0..END,
    ) {
        let mut rule = alert(expr, hold);
        rule.keep_firing_for = keep * 1000;
        let (_, all) = answer_of(rule.clone(), &[], END);
        let (answers, _) = answer_of(rule, &[], end);
        let why = &answers[0];
        prop_assert_eq!(why.state, state_at(&all.incidents, why.evaluated_at), "{}", why);
        let said = why.causes.is_empty() == (why.state != AlertState::Inactive);
        prop_assert!(said, "{}", why);
    }
}
