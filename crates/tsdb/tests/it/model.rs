//! A head against a naive model: the same batches, truncations and questions.

use std::collections::BTreeMap;
use std::time::Duration;

use proptest::prelude::*;
use skopos_core::{
    ErrorKind, Ingest, Labels, MatchOp, Matcher, Sample, Selection, SeriesRef, SeriesSource,
    TimeRange, Timestamp, stale_nan,
};
use skopos_testkit::conformance::collect;
use skopos_testkit::matching::matches_all;
use skopos_tsdb::{Head, HeadOptions};

/// Small, so that chunks are cut often and the window is met.
const CHUNK_RANGE: i64 = 400;

#[derive(Clone, Debug)]
enum Step {
    /// Samples of some series, each so long after the newest time of the model; then whether they are
    /// committed, and whether known references are used.
    Batch(Vec<(u8, i64, u8)>, bool, bool),
    /// A truncation so long before the newest time.
    Truncate(i64),
    /// A selection: a matcher, a range before the newest time.
    Select(u8, i64, i64),
}

fn step() -> impl Strategy<Value = Step> {
    let sample = (0..6_u8, -250..60_i64, 0..4_u8);
    prop_oneof![
        6 => (proptest::collection::vec(sample, 1..40), any::<bool>(), any::<bool>())
            .prop_map(|(samples, commit, known)| Step::Batch(samples, commit, known)),
        1 => (-20..600_i64).prop_map(Step::Truncate),
        3 => (0..5_u8, 0..600_i64, 0..300_i64).prop_map(|(m, a, b)| Step::Select(m, a, b)),
    ]
}

fn labels(i: u8) -> Labels {
    let pairs = [("__name__", ["a", "b"][usize::from(i % 2)].to_owned()), ("i", i.to_string())];
    Labels::from_pairs(pairs)
}

fn value(choice: u8) -> f64 {
    [0.5, 1.5, f64::NAN, stale_nan()][usize::from(choice)]
}

fn matchers(choice: u8) -> Vec<Matcher> {
    match choice {
        0 => vec![],
        1 => vec![Matcher::equal("__name__", "a")],
        2 => vec![Matcher::new("i", MatchOp::Regex, "[1-3]")],
        3 => vec![Matcher::equal("__name__", "b"), Matcher::new("i", MatchOp::NotEqual, "1")],
        _ => vec![Matcher::new("missing", MatchOp::NotEqual, "")],
    }
}

#[derive(Default)]
struct Model {
    series: BTreeMap<Labels, Vec<Sample>>,
    newest: Option<i64>,
    kept: Option<i64>,
}

impl Model {
    fn earliest_accepted(&self) -> i64 {
        let window = self.newest.map_or(i64::MIN, |newest| newest - CHUNK_RANGE / 2);
        window.max(self.kept.unwrap_or(i64::MIN))
    }

    /// What an append must give, with what the batch holds of the series so far.
    fn check(
        &self,
        earliest: i64,
        batch: &[(Labels, Sample)],
        labels: &Labels,
        sample: Sample,
    ) -> Result<bool, ErrorKind> {
        if sample.t.as_millis() < earliest {
            return Err(ErrorKind::OutOfBounds);
        }
        let in_batch = batch.iter().rev().find(|(l, _)| l == labels).map(|(_, s)| *s);
        match in_batch.or_else(|| self.series.get(labels)?.last().copied()) {
            Some(last) if sample.t < last.t => Err(ErrorKind::OutOfOrder),
            Some(last) if sample.t == last.t && sample != last => Err(ErrorKind::Duplicate),
            Some(last) => Ok(last.t < sample.t),
            None => Ok(true),
        }
    }

    fn truncate(&mut self, before: i64) {
        if self.kept.is_none_or(|kept| kept < before) {
            self.kept = Some(before);
            for samples in self.series.values_mut() {
                samples.retain(|s| before <= s.t.as_millis());
            }
            self.series.retain(|_, samples| !samples.is_empty());
        }
    }

    fn select(&self, selection: &Selection) -> Vec<(Labels, Vec<Sample>)> {
        let mut found = Vec::new();
        for (labels, samples) in &self.series {
            let inside = samples.iter().filter(|s| selection.range().contains(s.t));
            let inside: Vec<Sample> = inside.copied().collect();
            if !inside.is_empty() && matches_all(selection.matchers(), labels).unwrap_or(false) {
                found.push((labels.clone(), inside));
            }
        }
        found
    }
}

/// A head and its model, side by side.
struct Pair {
    head: Head,
    model: Model,
    references: BTreeMap<Labels, SeriesRef>,
}

impl Pair {
    fn batch(
        &mut self,
        samples: &[(u8, i64, u8)],
        commit: bool,
        known: bool,
    ) -> Result<(), TestCaseError> {
        let now = self.model.newest.unwrap_or(1_000_000);
        let earliest = self.model.earliest_accepted();
        let mut appender = self.head.appender();
        let mut batch: Vec<(Labels, Sample)> = Vec::new();
        let mut references = self.references.clone();
        for (i, offset, v) in samples {
            let (labels, sample) = (labels(*i), Sample::new(now + offset, value(*v)));
            let reference = references.get(&labels).copied().filter(|_| known);
            let result = appender.append(reference, &labels, sample).map_err(|e| e.kind());
            let expected = self.model.check(earliest, &batch, &labels, sample);
            prop_assert_eq!(result.map(|_| ()), expected.map(|_| ()), "{} at {}", labels, sample.t);
            if let Ok(reference) = result {
                references.insert(labels.clone(), reference);
            }
            if expected == Ok(true) {
                batch.push((labels, sample));
            }
        }
        if !commit {
            appender.rollback();
            return Ok(());
        }
        prop_assert!(appender.commit().is_ok());
        self.references = references;
        for (labels, sample) in batch {
            self.model.newest = self.model.newest.max(Some(sample.t.as_millis()));
            self.model.series.entry(labels).or_default().push(sample);
        }
        Ok(())
    }

    fn select(&self, selection: &Selection) -> Result<(), TestCaseError> {
        let found = collect(&self.head, &selection.clone().sorted());
        let mut found = found.map_err(|e| TestCaseError::fail(e.to_string()))?;
        found.retain(|(_, samples)| !samples.is_empty());
        prop_assert_eq!(found, self.model.select(selection));
        Ok(())
    }

    fn run(&mut self, step: &Step) -> Result<(), TestCaseError> {
        let now = self.model.newest.unwrap_or(1_000_000);
        match step {
            Step::Batch(samples, commit, known) => self.batch(samples, *commit, *known)?,
            Step::Truncate(back) => {
                self.head.truncate(Timestamp::from_millis(now - back));
                self.model.truncate(now - back);
            }
            Step::Select(choice, back, length) => {
                let start = Timestamp::from_millis(now - back);
                let range = TimeRange::new(start, start + *length);
                self.select(&Selection::new(matchers(*choice), range))?;
            }
        }
        let all = Selection::new([], TimeRange::ALL);
        self.select(&all)?;
        let values: Vec<String> =
            self.model.series.keys().filter_map(|l| l.get("i").map(str::to_owned)).collect();
        let mut expected = values;
        expected.sort_unstable();
        prop_assert_eq!(self.head.label_values("i", &all).ok(), Some(expected));
        let stats = self.head.stats();
        prop_assert_eq!(stats.series, self.model.series.len());
        prop_assert_eq!(stats.samples_overtaken, 0);
        prop_assert_eq!(stats.chunks == 0, self.model.series.is_empty());
        Ok(())
    }
}

proptest! {
    #[test]
    fn the_head_equals_a_naive_model(steps in proptest::collection::vec(step(), 1..40)) {
        let range = Duration::from_millis(CHUNK_RANGE.unsigned_abs());
        let mut pair = Pair {
            head: Head::new(HeadOptions::new().with_chunk_range(range)),
            model: Model::default(),
            references: BTreeMap::new(),
        };
        for step in &steps {
            pair.run(step)?;
        }
        pair.head.truncate(Timestamp::MAX);
        let stats = pair.head.stats();
        prop_assert_eq!((stats.series, stats.chunks, stats.closed_chunk_bytes), (0, 0, 0));
        prop_assert_eq!(stats.series_created, stats.series_removed);
    }
}
