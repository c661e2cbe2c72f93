use std::sync::atomic::{AtomicUsize, Ordering};

use skopos_core::{MatchOp, QueryEngine, QueryOutput, QueryRequest};

use super::*;
use crate::{Group, GroupDefaults, GroupState, Rule};

/// Its expressions are the names of metrics.
struct Names;

impl QueryEngine for Names {
    fn query(&self, _: &QueryRequest<'_>) -> Result<QueryOutput, Error> {
        unreachable!("nothing is asked")
    }

    fn check(&self, _: &str) -> Result<(), Error> {
        Ok(())
    }

    fn canonical(&self, text: &str) -> Result<String, Error> {
        Ok(text.to_owned())
    }

    fn prepare(&self, text: &str) -> Result<PreparedQuery, Error> {
        Ok(PreparedQuery::default().with_selectors(vec![metric(text)]))
    }
}

fn metric(name: &str) -> Vec<Matcher> {
    vec![Matcher::equal(METRIC_NAME, name)]
}

/// One series with a sample each second; counts how often it is asked.
#[derive(Default)]
struct Ticks(AtomicUsize);

impl SeriesSource for Ticks {
    fn select<'a>(&'a self, selection: &Selection) -> Result<Box<dyn SeriesSet<'a> + 'a>, Error> {
        self.0.fetch_add(1, Ordering::Relaxed);
        let mut columns = Columns::new();
        for second in 0..100 {
            if selection.range().contains(Timestamp::from_millis(second * 1000)) {
                columns.push(second * 1000, second as f64);
            }
        }
        let labels = Labels::from_pairs([("a", "1")]);
        let series = [KeptSeries { labels, columns: Arc::new(columns) }];
        let range = TimeRange::ALL;
        Ok(Box::new(KeptSet { series: series.into(), range, at: 0, warnings: Vec::new() }))
    }
}

struct Anywhere;

impl Ingest for Anywhere {
    fn appender(&self) -> Box<dyn Appender + '_> {
        Box::new(Self)
    }
}

impl Appender for Anywhere {
    fn append(
        &mut self,
        _: Option<SeriesRef>,
        _: &dyn LabelSet,
        _: Sample,
    ) -> Result<SeriesRef, Error> {
        Ok(SeriesRef(std::num::NonZeroU64::MIN))
    }

    fn commit(self: Box<Self>) -> Result<(), Error> {
        Ok(())
    }

    fn rollback(self: Box<Self>) {}
}

/// What a selection from one second to another gives.
#[track_caller]
fn check(source: &dyn SeriesSource, matchers: Vec<Matcher>, from: i64, to: i64) {
    let [start, end] = [from, to].map(|second| Timestamp::from_millis(second * 1000));
    let selection = Selection::new(matchers, TimeRange::new(start, end));
    let mut set = source.select(&selection).unwrap();
    let series = set.advance().unwrap().unwrap();
    assert_eq!(series.labels().to_labels().to_string(), "{a=\"1\"}");
    let mut columns = Columns::new();
    series.read_all(&mut columns).unwrap();
    let expected: Vec<i64> = (from..=to).map(|second| second * 1000).collect();
    assert_eq!(columns.timestamps, expected);
    assert_eq!(columns.values.len(), expected.len());
    let mut again = Columns::new();
    assert!(!series.cursor().read(&mut again).unwrap());
    assert_eq!(again.timestamps, expected);
    assert!(set.advance().unwrap().is_none());
}

fn group(expressions: &[&str]) -> GroupState {
    let mut group = Group::new("g");
    group.rules = expressions.iter().map(|expr| Rule::recording("r", *expr)).collect();
    GroupState::new(&group, "f", GroupDefaults::default(), &Names, false).unwrap()
}

#[test]
fn what_is_asked_again_is_read_once() {
    let (ticks, group) = (Ticks::default(), group(&["up", "up", "up", "down"]));
    let shared = SharedSource::new(&group, &ticks, &Anywhere);
    let asked = || ticks.0.load(Ordering::Relaxed);
    check(&shared, metric("up"), 10, 20);
    check(&shared, metric("up"), 12, 15);
    assert_eq!(asked(), 1);
    check(&shared, metric("down"), 10, 20);
    assert_eq!(asked(), 2);
    // After the last time nothing is kept.
    check(&shared, metric("up"), 10, 20);
    assert_eq!(asked(), 2);
    assert!(shared.kept().slots.iter().all(|slot| slot.entry.is_none()));
    assert_eq!(shared.kept().samples, 0);
    check(&shared, metric("up"), 10, 20);
    assert_eq!(asked(), 3);
}

#[test]
fn a_wider_range_is_read_anew_and_serves_both() {
    let (ticks, group) = (Ticks::default(), group(&["up"; 5]));
    let shared = SharedSource::new(&group, &ticks, &Anywhere);
    check(&shared, metric("up"), 10, 20);
    check(&shared, metric("up"), 5, 18);
    check(&shared, metric("up"), 5, 20);
    assert_eq!(ticks.0.load(Ordering::Relaxed), 2);
    // What lies far apart is not made one.
    check(&shared, metric("up"), 50, 60);
    check(&shared, metric("up"), 6, 19);
    assert_eq!(ticks.0.load(Ordering::Relaxed), 3);
}

#[test]
fn the_next_evaluation_reads_at_once_what_this_one_read_bit_by_bit() {
    let (ticks, group) = (Ticks::default(), group(&["up"; 2]));
    for (since, reads) in [(0, 2), (30, 3), (60, 4)] {
        let shared = SharedSource::new(&group, &ticks, &Anywhere);
        check(&shared, metric("up"), since + 10, since + 20);
        check(&shared, metric("up"), since + 5, since + 20);
        assert_eq!(ticks.0.load(Ordering::Relaxed), reads);
        assert!(shared.kept().slots.iter().all(|slot| slot.entry.is_none()));
        assert_eq!(shared.kept().samples, 0);
    }
}

#[track_caller]
fn check_written(matchers: &[Matcher], written: &str, times: usize) {
    let ticks = Ticks::default();
    let plan = Plan::of([(matchers.to_vec(), 3)].into_iter());
    let shared = SharedSource::with_plan(plan, &ticks, &Anywhere);
    check(&shared, matchers.to_vec(), 10, 20);
    let mut batch = shared.appender();
    batch.append(None, &[(METRIC_NAME, written)], Sample::new(0, 1.0)).unwrap();
    batch.commit().unwrap();
    check(&shared, matchers.to_vec(), 10, 20);
    assert_eq!(ticks.0.load(Ordering::Relaxed), times, "{written}");
}

#[test]
fn what_was_written_is_read_anew() {
    check_written(&metric("up"), "up", 2);
    check_written(&metric("up"), "down", 1);
    let regex = |op| vec![Matcher::new(METRIC_NAME, op, "u.*")];
    check_written(&regex(MatchOp::Regex), "up", 2);
    check_written(&regex(MatchOp::Regex), "down", 1);
    check_written(&regex(MatchOp::NotRegex), "up", 1);
    check_written(&[Matcher::equal("job", "a")], "down", 2);
}
