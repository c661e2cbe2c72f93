//! Rules that run at the same time give what they give one after the other.

use std::collections::BTreeMap;
use std::num::NonZeroU64;
use std::sync::Mutex;

use proptest::prelude::*;
use skopos_core::{
    Appender, Error, ErrorKind, Ingest, LabelSet, Labels, ManualClock, Matcher, PreparedQuery,
    QueryEngine, QueryOutput, QueryRequest, QueryValue, Sample, SampleValue, SeriesRef, Timestamp,
    VectorSample, is_stale_nan,
};
use skopos_rules::{
    Evaluator, Executor, Group, GroupDefaults, GroupState, RestoreOptions, Rule, RuleKind,
};

use crate::doubles::{Dollars, Past};

/// Begins with the last.
struct Backwards;

impl Executor for Backwards {
    fn for_each(&self, count: usize, work: &(dyn Fn(usize) + Sync)) {
        (0..count).rev().for_each(work);
    }
}

/// The last value of each series, and everything that was written.
#[derive(Default)]
struct Shelf {
    last: Mutex<BTreeMap<Labels, (i64, f64)>>,
    log: Mutex<Vec<(i64, String, u64)>>,
}

struct ShelfBatch<'s>(&'s Shelf, Vec<(Labels, Sample)>);

impl Ingest for Shelf {
    fn appender(&self) -> Box<dyn Appender + '_> {
        Box::new(ShelfBatch(self, Vec::new()))
    }
}

impl Appender for ShelfBatch<'_> {
    fn append(
        &mut self,
        _: Option<SeriesRef>,
        labels: &dyn LabelSet,
        sample: Sample,
    ) -> Result<SeriesRef, Error> {
        let labels = labels.to_labels();
        let t = sample.t.as_millis();
        match self.0.last.lock().unwrap().get(&labels) {
            Some((last, v)) if *last == t && v.to_bits() != sample.v.to_bits() => {
                return Err(Error::new(ErrorKind::Duplicate, "duplicate"));
            }
            _ => self.1.push((labels, sample)),
        }
        Ok(SeriesRef(NonZeroU64::MIN))
    }

    fn commit(self: Box<Self>) -> Result<(), Error> {
        for (labels, Sample { t, v }) in self.1 {
            self.0.log.lock().unwrap().push((t.as_millis(), labels.to_string(), v.to_bits()));
            self.0.last.lock().unwrap().insert(labels, (t.as_millis(), v));
        }
        Ok(())
    }

    fn rollback(self: Box<Self>) {}
}

/// Expressions are names of metrics; the result is the sum of what they show, and the time.
impl QueryEngine for Shelf {
    fn query(&self, request: &QueryRequest<'_>) -> Result<QueryOutput, Error> {
        let names: Vec<&str> = request.text().split('+').collect();
        let seconds = request.start().as_millis() / 1000;
        if names.contains(&"fails") {
            return Err(Error::new(ErrorKind::Execution, "it fails"));
        }
        let last = self.last.lock().unwrap();
        let seen = last.iter().filter(|(labels, (_, v))| {
            !is_stale_nan(*v) && labels.metric_name().is_some_and(|name| names.contains(&name))
        });
        let v = seen.map(|(_, (_, v))| v).sum::<f64>() + seconds as f64;
        // Some results come and go, some have two series.
        let count = if names.contains(&"now_and_then") { seconds / 60 % 3 } else { 1 };
        let series = (0..count).map(|i| VectorSample {
            labels: Labels::from_pairs([("i", i.to_string())]),
            t: request.start(),
            value: SampleValue::Float(v),
        });
        Ok(QueryOutput::new(QueryValue::Vector(series.collect())))
    }

    fn check(&self, _: &str) -> Result<(), Error> {
        Ok(())
    }

    fn canonical(&self, text: &str) -> Result<String, Error> {
        Ok(text.to_owned())
    }

    fn prepare(&self, text: &str) -> Result<PreparedQuery, Error> {
        let selectors = text.split('+').map(|name| vec![Matcher::equal("__name__", name)]);
        Ok(PreparedQuery::default().with_selectors(selectors.collect()))
    }
}

/// All that can be seen of three evaluations, with what they wrote, series by series.
fn play(group: &Group, executor: Option<&dyn Executor>, restores: bool) -> String {
    let (shelf, clock) = (Shelf::default(), ManualClock::default());
    let defaults = GroupDefaults::default();
    let mut state = GroupState::new(group, "f", defaults, &shelf, restores).unwrap();
    let mut seen = String::new();
    for minute in 1..=5 {
        let t = Timestamp::from_millis(minute * 60_000);
        clock.set(t);
        let mut evaluator = Evaluator::new(&shelf, &Dollars, &shelf, &clock);
        if let Some(executor) = executor {
            evaluator = evaluator.with_executor(executor);
        }
        let outcome = state.evaluate(t, &evaluator);
        if state.wants_restore() {
            let labels = [("__name__", "ALERTS_FOR_STATE"), ("alertname", "Held"), ("i", "0")];
            let past = Past(vec![(Labels::from_pairs(labels), Sample::new(60_000, -60.0))]);
            state.restore(t, &past, &RestoreOptions::default()).unwrap();
        }
        seen += &format!("{outcome:?}\n{:?}\n", state.view());
    }
    let mut log = shelf.log.into_inner().unwrap();
    log.sort();
    format!("{seen}{log:#?}")
}

#[track_caller]
fn check(group: &Group, restores: bool) {
    let in_order = play(group, None, restores);
    assert_eq!(play(group, Some(&Backwards), restores), in_order);
    #[cfg(feature = "parallel")]
    for count in [0, 1, 3] {
        let threads = skopos_rules::Threads::new(count);
        assert_eq!(play(group, Some(&threads), restores), in_order);
    }
}

const NAMES: [&str; 7] = ["a", "b", "c", "d", "e", "fails", "now_and_then"];

fn rule() -> impl Strategy<Value = Rule> {
    let name = (0..5_usize, any::<bool>(), proptest::collection::vec(0..NAMES.len(), 1..3));
    (name, 0..3_i64, 0..3_i64).prop_map(|((name, alerts, reads), hold, keep)| {
        let expr: Vec<&str> = reads.into_iter().map(|i| NAMES[i]).collect();
        let mut rule = Rule::recording(NAMES[name], expr.join("+"));
        if alerts {
            rule.kind = RuleKind::Alerting;
            (rule.hold, rule.keep_firing_for) = (hold * 60_000, keep * 60_000);
            rule.annotations.insert("summary".into(), "$i is at $value".into());
        }
        rule
    })
}

proptest! {
    #[test]
    fn any_group_gives_the_same(
        rules in proptest::collection::vec(rule(), 1..9),
        limit in 0..2_i64,
        restores: bool,
    ) {
        let mut group = Group::new("g");
        (group.rules, group.limit) = (rules, limit);
        check(&group, restores);
    }
}

#[test]
fn a_rule_that_fails_spoils_only_itself() {
    let mut group = Group::new("g");
    group.rules =
        ["x", "fails", "x", "now_and_then"].map(|expr| Rule::recording(expr, expr)).into();
    group.rules[2].name = "y".into();
    check(&group, false);
    let seen = play(&group, Some(&Backwards), false);
    assert!(seen.contains("failed_rules: 1, failed_evaluations: 1"), "{seen}");
    assert!(seen.contains("it fails"), "{seen}");
}

#[test]
fn holding_limits_and_restored_waits_are_the_same() {
    let mut held = Rule::alerting("Held", "x");
    held.hold = 1_800_000;
    let mut kept = Rule::alerting("Kept", "now_and_then");
    kept.keep_firing_for = 60_000;
    let mut group = Group::new("g");
    group.limit = 1;
    group.rules = vec![held, kept, Rule::recording("two", "now_and_then")];
    check(&group, true);
    let seen = play(&group, Some(&Backwards), true);
    for expected in ["exceeded limit of 1 with 2 alerts", "exceeded limit of 1 with 2 series"] {
        assert!(seen.contains(expected), "{seen}");
    }
    // Active since -60 s: it was pending for 120 s at 60 s, and was away until 120 s.
    assert!(seen.contains("active_at: Timestamp(0)"), "{seen}");
    assert!(seen.contains(&format!("{}", f64::from_bits(0x7ff0_0000_0000_0002).to_bits())));
}
