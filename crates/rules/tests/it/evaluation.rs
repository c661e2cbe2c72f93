//! Groups over time: what they write, what they send, what they show.

use std::collections::BTreeMap;

use skopos_core::{
    Error, ErrorKind, Labels, ManualClock, QueryValue, Sample, Timestamp, stale_nan,
};
use skopos_rules::{
    AlertState, Evaluator, Group, GroupDefaults, GroupState, Health, Outcome, RestoreOptions, Rule,
};

use crate::doubles::{Dollars, Past, Scripted, Store, Written, vector};

/// A group with everything around it.
struct World {
    engine: Scripted,
    store: Store,
    clock: ManualClock,
    state: GroupState,
}

impl World {
    fn new(group: &Group, engine: Scripted) -> Self {
        Self::restoring(group, engine, false)
    }

    fn restoring(group: &Group, engine: Scripted, restores: bool) -> Self {
        let state =
            GroupState::new(group, "rules.yml", GroupDefaults::default(), &engine, restores);
        Self {
            engine,
            store: Store::default(),
            clock: ManualClock::default(),
            state: state.unwrap(),
        }
    }

    /// Evaluates at a number of seconds.
    fn at(&mut self, seconds: i64) -> Outcome {
        self.clock.set(Timestamp::from_millis(seconds * 1000 + 5));
        let evaluator = Evaluator::new(&self.engine, &Dollars, &self.store, &self.clock);
        let labels = Labels::from_pairs([("cluster", "a")]);
        let evaluator = evaluator.with_external(&labels, "http://here");
        self.state.evaluate(Timestamp::from_millis(seconds * 1000), &evaluator)
    }

    /// What the evaluation at a number of seconds wrote, commits flattened.
    fn written(&mut self, seconds: i64) -> Vec<Written> {
        self.at(seconds);
        self.store.take().concat()
    }

    fn states(&self) -> Vec<AlertState> {
        self.state.view().rules[0].alerts.iter().map(|alert| alert.state).collect()
    }
}

fn group(rules: Vec<Rule>) -> Group {
    let mut group = Group::new("g");
    group.rules = rules;
    group
}

fn pairs(pairs: &[(&str, &str)]) -> BTreeMap<String, String> {
    pairs.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect()
}

fn sample(series: &str, seconds: i64, value: &str) -> Written {
    (series.to_owned(), seconds * 1000, value.to_owned())
}

/// Answers with one series while the time in seconds is in one of the ranges.
fn during(ranges: &'static [(i64, i64)]) -> Scripted {
    Scripted::new(move |_, t| {
        let seconds = t.as_millis() / 1000;
        let present = ranges.iter().any(|(from, to)| (*from..*to).contains(&seconds));
        let series: &[(&str, &str)] = &[("__name__", "up"), ("instance", "a")];
        Ok(if present { vector(&[(series, 0.5)]) } else { vector(&[]) })
    })
}

fn alerting(hold_seconds: i64) -> Rule {
    let mut rule = Rule::alerting("Down", "up == 0");
    rule.hold = hold_seconds * 1000;
    rule.labels = pairs(&[("severity", "page"), ("who", "$instance"), ("instance", "")]);
    rule.annotations = pairs(&[("summary", "$instance is at $value")]);
    rule
}

#[test]
fn recorded_series_take_name_and_labels_and_go_stale() {
    let engine = Scripted::new(|_, t| {
        let a: &[(&str, &str)] = &[("__name__", "x"), ("job", "a"), ("drop", "1")];
        let b: &[(&str, &str)] = &[("job", "b")];
        Ok(if t.as_millis() == 60_000 {
            vector(&[(a, 1.0), (b, 2.0)])
        } else {
            vector(&[(b, 3.0)])
        })
    });
    let mut rule = Rule::recording("r", " sum(x) ");
    rule.labels = pairs(&[("drop", ""), ("team", "infra")]);
    let mut group = group(vec![rule]);
    group.labels = pairs(&[("team", "group"), ("zone", "z")]);
    let mut world = World::new(&group, engine);
    let a = r#"{__name__="r", job="a", team="infra", zone="z"}"#;
    let b = r#"{__name__="r", job="b", team="infra", zone="z"}"#;
    assert_eq!(world.written(60), [sample(a, 60, "1"), sample(b, 60, "2")]);
    assert_eq!(world.written(120), [sample(b, 120, "3"), sample(a, 120, "stale")]);
    assert_eq!(world.written(180), [sample(b, 180, "3")]);
    assert_eq!(world.engine.asked.lock().unwrap()[0], ("sum(x)".to_owned(), 60_000));
}

#[test]
fn the_query_offset_moves_samples_but_not_alerts() {
    let mut group = group(vec![alerting(0)]);
    group.query_offset = Some(30_000);
    let mut world = World::new(&group, during(&[(0, 100)]));
    let written = world.written(60);
    assert!(written.iter().all(|(_, t, _)| *t == 30_000), "{written:?}");
    assert_eq!(world.state.view().rules[0].alerts[0].active_at.as_millis(), 60_000);
    assert_eq!(world.engine.asked.lock().unwrap()[0].1, 30_000);
}

#[test]
fn rules_run_in_order_with_a_commit_each() {
    let engine = Scripted::new(|text, _| Ok(vector(&[(&[("from", text)], 1.0)])));
    let rules = vec![Rule::recording("a", "x"), Rule::recording("b", "a")];
    let mut world = World::new(&group(rules), engine);
    assert_eq!(world.at(60).samples, 2);
    let commits = world.store.take();
    assert_eq!(commits.len(), 2);
    assert_eq!(commits[1], [sample(r#"{__name__="b", from="a"}"#, 60, "1")]);
}

#[test]
fn an_alert_is_pending_then_fires_then_resolves() {
    let mut world = World::new(&group(vec![alerting(120)]), during(&[(60, 300)]));
    let alert = r#"alertname="Down", "#;
    let rest = r#"severity="page", who="a"}"#;
    let for_state = format!(r#"{{__name__="ALERTS_FOR_STATE", {alert}{rest}"#);
    let pending = format!(r#"{{__name__="ALERTS", {alert}alertstate="pending", {rest}"#);
    let firing = format!(r#"{{__name__="ALERTS", {alert}alertstate="firing", {rest}"#);
    assert_eq!(world.written(60), [sample(&pending, 60, "1"), sample(&for_state, 60, "60")]);
    assert_eq!(world.written(120), [sample(&pending, 120, "1"), sample(&for_state, 120, "60")]);
    assert_eq!(
        world.written(180),
        [sample(&firing, 180, "1"), sample(&for_state, 180, "60"), sample(&pending, 180, "stale"),]
    );
    world.written(240);
    let mut gone = vec![sample(&firing, 300, "stale"), sample(&for_state, 300, "stale")];
    gone.sort();
    let mut written = world.written(300);
    written.sort();
    assert_eq!(written, gone);
    assert_eq!(world.written(360), []);
}

#[test]
fn alerts_are_sent_when_they_fire_again_and_when_they_resolve() {
    let mut world = World::new(&group(vec![alerting(60)]), during(&[(60, 300)]));
    assert_eq!(world.at(60).notifications, []);
    let sent = world.at(120).notifications;
    assert_eq!(sent.len(), 1);
    assert_eq!(sent[0].labels.to_string(), r#"{alertname="Down", severity="page", who="a"}"#);
    assert_eq!(sent[0].annotations, [("summary".to_owned(), "a is at 0.5".to_owned())]);
    assert_eq!(sent[0].starts_at.as_millis(), 120_000);
    assert_eq!(sent[0].ends_at.as_millis(), 360_000);
    assert_eq!(sent[0].generator_url, "http://here/graph?g0.expr=up+%3D%3D+0&g0.tab=1");
    assert!(!sent[0].is_resolved);
    // Not more often than the delay.
    assert_eq!(world.at(180).notifications, []);
    assert_eq!(world.at(240).notifications.len(), 1);
    let resolved = world.at(300).notifications;
    assert!(resolved[0].is_resolved);
    assert_eq!(resolved[0].ends_at.as_millis(), 300_000);
    // Sent again for a quarter of an hour, then forgotten.
    assert_eq!(world.at(420).notifications.len(), 1);
    assert_eq!(world.at(1200).notifications.len(), 1);
    assert_eq!(world.at(1320).notifications, []);
}

#[test]
fn a_pending_alert_whose_condition_ends_is_forgotten_at_once() {
    let mut world = World::new(&group(vec![alerting(120)]), during(&[(60, 70), (180, 900)]));
    world.at(60);
    assert_eq!(world.states(), [AlertState::Pending]);
    world.at(120);
    assert_eq!(world.states(), []);
    world.at(180);
    world.at(240);
    assert_eq!(world.states(), [AlertState::Pending]);
    world.at(300);
    assert_eq!(world.states(), [AlertState::Firing]);
}

#[test]
fn a_resolved_alert_that_returns_begins_anew() {
    let mut world = World::new(&group(vec![alerting(0)]), during(&[(60, 70), (180, 190)]));
    world.at(60);
    world.at(120);
    world.at(180);
    let view = world.state.view();
    assert_eq!(view.rules[0].alerts[0].active_at.as_millis(), 180_000);
    assert_eq!(view.rules[0].state, Some(AlertState::Firing));
}

#[test]
fn an_alert_fires_on_for_as_long_as_it_should() {
    let mut rule = alerting(0);
    rule.keep_firing_for = 120_000;
    let mut world = World::new(&group(vec![rule]), during(&[(60, 70), (180, 190)]));
    world.at(60);
    world.at(120);
    let alert = &world.state.view().rules[0].alerts[0];
    assert_eq!(alert.state, AlertState::Firing);
    assert_eq!(alert.keep_firing_since.map(Timestamp::as_millis), Some(120_000));
    // It returned in time.
    world.at(180);
    assert_eq!(world.state.view().rules[0].alerts[0].keep_firing_since, None);
    world.at(240);
    world.at(300);
    assert_eq!(world.states(), [AlertState::Firing]);
    world.at(360);
    assert_eq!(world.states(), []);
}

#[test]
fn a_failure_writes_nothing_and_forgets_nothing() {
    let engine = Scripted::new(|_, t| match t.as_millis() {
        120_000 => Err(Error::new(ErrorKind::Timeout, "query timed out")),
        _ => Ok(vector(&[(&[("a", "1")], 1.0)])),
    });
    let mut world = World::new(&group(vec![Rule::recording("r", "x")]), engine);
    assert_eq!(world.state.view().rules[0].health, Health::Unknown);
    world.at(60);
    world.store.take();
    assert_eq!(world.at(120).failed_rules, 1);
    assert_eq!(world.store.take(), [] as [Vec<Written>; 0]);
    let rule = &world.state.view().rules[0];
    assert_eq!((rule.health, rule.last_error.as_deref()), (Health::Bad, Some("query timed out")));
    assert_eq!(world.written(180).len(), 1);
    assert_eq!(world.state.view().rules[0].health, Health::Good);
    assert_eq!(world.state.view().rules[0].last_error, None);
}

#[track_caller]
fn check_failure(
    group: &Group,
    value: impl Fn() -> QueryValue + Send + Sync + 'static,
    message: &str,
) {
    let mut world = World::new(group, Scripted::new(move |_, _| Ok(value())));
    assert_eq!(world.at(60).failed_rules, 1);
    assert_eq!(world.state.view().rules[0].last_error.as_deref(), Some(message));
    assert_eq!(world.store.take().concat(), []);
}

#[test]
fn results_that_cannot_be_used_are_failures() {
    let recording = || Rule::recording("r", "x");
    let two = || vector(&[(&[("a", "1")], 1.0), (&[("a", "2")], 1.0)]);
    let text = || QueryValue::String(Timestamp::default(), "s".into());
    check_failure(&group(vec![recording()]), text, "rule result is not a vector or scalar");
    let mut same = recording();
    same.labels = pairs(&[("a", "x")]);
    check_failure(
        &group(vec![same]),
        two,
        "vector contains metrics with the same labelset after applying rule labels",
    );
    let mut same = Rule::alerting("A", "x");
    same.labels = pairs(&[("a", "x")]);
    check_failure(
        &group(vec![same]),
        two,
        "vector contains metrics with the same labelset after applying alert labels",
    );
    let mut limited = group(vec![recording()]);
    limited.limit = 1;
    check_failure(&limited, two, "exceeded limit of 1 with 2 series");
    limited.rules = vec![Rule::alerting("A", "x")];
    check_failure(&limited, two, "exceeded limit of 1 with 2 alerts");
}

#[test]
fn a_scalar_is_a_series_without_labels() {
    let engine = Scripted::new(|_, _| Ok(QueryValue::Scalar(Sample::new(0, 7.0))));
    let mut world = World::new(&group(vec![Rule::recording("r", "7")]), engine);
    assert_eq!(world.written(60), [sample(r#"{__name__="r"}"#, 60, "7")]);
}

#[test]
fn refused_samples_are_counted_and_shown() {
    let engine = Scripted::new(|_, _| Ok(vector(&[(&[], 1.0)])));
    let mut world = World::new(&group(vec![Rule::recording("r", "x")]), engine);
    *world.store.refused.lock().unwrap() = Some(("r", ErrorKind::OutOfOrder));
    let outcome = world.at(60);
    assert_eq!((outcome.out_of_order, outcome.failed_rules), (1, 1));
    assert_eq!(world.state.view().rules[0].health, Health::Bad);
}

#[test]
fn a_template_that_fails_becomes_its_error() {
    let mut rule = alerting(0);
    rule.annotations = pairs(&[("summary", "oh!")]);
    let mut world = World::new(&group(vec![rule]), during(&[(0, 100)]));
    let outcome = world.at(60);
    assert_eq!((outcome.expansions, outcome.failed_expansions), (4, 1));
    assert_eq!(
        world.state.view().rules[0].alerts[0].annotations[0].1,
        "<error expanding template: __alert_Down: bang>"
    );
}

#[test]
fn slots_lie_an_interval_apart() {
    let world = World::new(&group(vec![]), during(&[]));
    let first = world.state.next_evaluation(Timestamp::from_millis(1_700_000_000_000));
    let second = world.state.next_evaluation(first);
    assert_eq!(second - first, 60_000);
    assert_eq!(world.state.next_evaluation(first - 1), first);
    assert!(first.as_millis() > 1_700_000_000_000 && first.as_millis() <= 1_700_000_060_000);
}

#[test]
fn slots_are_those_of_prometheus() {
    let defaults = GroupDefaults::default().with_interval(1_000);
    let state = GroupState::new(&Group::new("g"), "r.yml", defaults, &during(&[]), false).unwrap();
    let slot = state.next_evaluation(Timestamp::from_millis(1_700_000_000_000));
    // As the real one evaluated this group.
    assert_eq!(slot.as_millis(), 1_700_000_000_184);
}

#[test]
fn a_reload_keeps_alerts_and_marks_what_is_gone() {
    let both = group(vec![alerting(0), Rule::recording("r", "x")]);
    let mut world = World::new(&both, during(&[(0, 1000)]));
    world.at(60);
    world.store.take();
    assert!(world.state.is_same(&both, "rules.yml", GroupDefaults::default()));
    let alone = group(vec![alerting(30)]);
    assert!(!world.state.is_same(&alone, "rules.yml", GroupDefaults::default()));
    let defaults = GroupDefaults::default();
    let new = GroupState::new(&alone, "rules.yml", defaults, &world.engine, false).unwrap();
    let old = std::mem::replace(&mut world.state, new);
    world.state.take_over(old);
    assert_eq!(world.states(), [AlertState::Firing]);
    let written = world.written(120);
    assert!(
        written.contains(&sample(r#"{__name__="r", instance="a"}"#, 120, "stale")),
        "{written:?}"
    );
    assert_eq!(world.state.view().rules[0].alerts[0].active_at.as_millis(), 60_000);
}

#[test]
fn a_longer_wait_after_a_reload_makes_a_firing_alert_pending() {
    let mut world = World::new(&group(vec![alerting(0)]), during(&[(0, 1000)]));
    world.at(60);
    assert_eq!(world.states(), [AlertState::Firing]);
    let defaults = GroupDefaults::default();
    let longer = group(vec![alerting(300)]);
    let new = GroupState::new(&longer, "rules.yml", defaults, &world.engine, false).unwrap();
    let old = std::mem::replace(&mut world.state, new);
    world.state.take_over(old);
    world.at(120);
    assert_eq!(world.states(), [AlertState::Pending]);
}

#[test]
fn a_retired_group_marks_everything_as_stale() {
    let mut world = World::new(&group(vec![Rule::recording("r", "x")]), during(&[(0, 1000)]));
    world.at(60);
    world.store.take();
    world.state.retire(Timestamp::from_millis(180_000), &world.store);
    let marker = sample(r#"{__name__="r", instance="a"}"#, 180, "stale");
    assert_eq!(world.store.take().concat(), [marker]);
}

/// When an alert with a `for` of half an hour counts as active, restored at 1200 s.
#[track_caller]
fn check_restored(last: Sample, expected_seconds: i64) {
    let mut rule = alerting(1800);
    rule.labels = pairs(&[("severity", "page"), ("t", "{{ x }}")]);
    let mut world = World::restoring(&group(vec![rule]), during(&[(0, 10_000)]), true);
    assert_eq!(world.written(1080), [], "nothing is written before the state is restored");
    assert!(!world.state.wants_restore());
    world.at(1140);
    assert!(world.state.wants_restore());
    let labels = Labels::from_pairs([
        ("__name__", "ALERTS_FOR_STATE"),
        ("alertname", "Down"),
        ("instance", "a"),
        ("severity", "page"),
        ("t", "{{ x }}"),
    ]);
    let past = Past(vec![(labels, last)]);
    let now = Timestamp::from_millis(1_200_000);
    world.state.restore(now, &past, &RestoreOptions::default()).unwrap();
    assert!(!world.state.wants_restore());
    let alert = &world.state.view().rules[0].alerts[0];
    assert_eq!(alert.active_at.as_millis(), expected_seconds * 1000);
    assert_eq!(world.written(1260).len(), 2);
}

#[test]
fn the_wait_of_alerts_survives_a_restart() {
    // Pending for 300 s before an outage of 600 s, which does not count.
    check_restored(Sample::new(600_000, 300.0), 900);
    // Nearly due: it waits for the grace period of 600 s from now.
    check_restored(Sample::new(600_000, -900.0), 1200 + 600 - 1800);
    // It was firing.
    check_restored(Sample::new(600_000, -5000.0), -5000);
    // It was no longer active.
    check_restored(Sample::new(600_000, stale_nan()), 1080);
}

#[test]
fn an_interval_of_nothing_is_refused() {
    let mut group = group(vec![]);
    group.interval = Some(-1);
    let engine = during(&[]);
    let state = GroupState::new(&group, "f", GroupDefaults::default(), &engine, false);
    assert_eq!(state.unwrap_err().kind(), ErrorKind::Invalid);
}

#[test]
fn replays_may_leave_out_annotations_and_state_series() {
    let mut rule = Rule::alerting("Down", "up == 0");
    rule.annotations.insert("summary".into(), "$instance is down".into());
    let engine = Scripted::new(|_, _| Ok(vector(&[(&[("instance", "a")], 0.0)])));
    let defaults = GroupDefaults::default();
    let mut state =
        GroupState::new(&group(vec![rule]), "rules.yml", defaults, &engine, false).unwrap();
    let (store, clock) = (Store::default(), ManualClock::default());
    let evaluator = Evaluator::new(&engine, &Dollars, &store, &clock);
    let annotations = |state: &GroupState| state.view().rules[0].alerts[0].annotations.clone();

    let bare = evaluator.with_annotations(false).with_state_series(false);
    state.evaluate(Timestamp::from_millis(0), &bare);
    assert!(annotations(&state).is_empty());
    assert!(store.take().is_empty(), "nothing is written");
    state.evaluate(Timestamp::from_millis(60_000), &evaluator);
    let expected = [("summary".to_owned(), "a is down".to_owned())];
    assert_eq!(annotations(&state), expected);
    assert_eq!(store.take().concat().len(), 2);
    state.evaluate(Timestamp::from_millis(120_000), &bare);
    assert_eq!(annotations(&state), expected, "those of before stay");
}
