//! The laws of [`SeriesSource`], [`SeriesSet`], [`Series`] and [`SampleCursor`].
//!
//! [`SeriesSet`]: skopos_core::SeriesSet

use std::collections::{BTreeMap, BTreeSet};

use skopos_core::{
    Columns, Error, ErrorKind, Ingest, Labels, MatchOp, Matcher, Sample, SampleCursor, Selection,
    Series, SeriesSource, TimeRange, Timestamp, stale_nan,
};

use crate::matching::matches_all;
use crate::random::Random;

/// What a source must hold to be judged: series with float samples.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct Fixture {
    /// Samples by series; a series' samples ascend in time.
    pub series: BTreeMap<Labels, Vec<Sample>>,
}

impl Fixture {
    /// The standard fixture: some hundred series of different density, with resets, gaps, NaN and
    /// staleness markers, missing labels, and label values that look alike.
    #[must_use]
    pub fn standard() -> Self {
        let mut random = Random::new(7);
        let mut series = BTreeMap::new();
        for i in 0..120_u64 {
            let mut labels =
                Labels::from_pairs([("__name__", METRICS[(i % 3) as usize])]).to_builder();
            labels.set("instance", &format!("host-{}:9100", i / 3));
            if i % 4 != 0 {
                labels.set("env", ["prod", "prod-eu", "dev"][(i % 3) as usize]);
            }
            if i % 5 == 0 {
                labels.set("설명", "값 \"q\"\n");
            }
            series.insert(labels.finish(), samples(&mut random, i));
        }
        Self { series }
    }

    /// Writes everything to a sink in one batch.
    ///
    /// # Panics
    ///
    /// If the sink refuses something.
    pub fn write_to(&self, sink: &dyn Ingest) {
        let mut appender = sink.appender();
        for (labels, samples) in &self.series {
            let mut known = None;
            for sample in samples {
                let appended = appender.append(known, labels, *sample);
                known = Some(appended.expect("the fixture's samples ascend in time"));
            }
        }
        appender.commit().expect("the fixture is committed");
    }

    /// What a selection must give: the oracle.
    fn select(&self, selection: &Selection) -> BTreeMap<Labels, Vec<Sample>> {
        let mut found = BTreeMap::new();
        for (labels, samples) in &self.series {
            if matches_all(selection.matchers(), labels).expect("the suite's matchers are valid") {
                let inside = samples.iter().filter(|s| selection.range().contains(s.t));
                found.insert(labels.clone(), inside.copied().collect());
            }
        }
        found.retain(|_, samples: &mut Vec<Sample>| !samples.is_empty());
        found
    }
}

const METRICS: [&str; 3] = ["cpu_seconds_total", "memory_bytes", "up"];
const STEP: i64 = 15_000;
const START: i64 = 1_700_000_000_000;

fn samples(random: &mut Random, series: u64) -> Vec<Sample> {
    let mut total = 0.0;
    let mut samples = Vec::new();
    for i in 0..400_i64 {
        if random.below(20) == 0 {
            continue;
        }
        total += random.fraction();
        let v = match (series % 3, random.below(60)) {
            (_, 0) => stale_nan(),
            (_, 1) => f64::NAN,
            (0, 2) => {
                total = 0.0;
                total
            }
            (0, _) => total,
            (1, _) => (random.below(1 << 30) * 4096) as f64,
            _ => 1.0,
        };
        let jitter = i64::try_from(random.below(3)).unwrap_or_default();
        samples.push(Sample::new(START + i * STEP + jitter, v));
    }
    samples
}

/// Reads a whole answer: labels and float samples, in the order given.
///
/// # Errors
///
/// Those of the source.
pub fn collect(
    source: &dyn SeriesSource,
    selection: &Selection,
) -> Result<Vec<(Labels, Vec<Sample>)>, Error> {
    let mut set = source.select(selection)?;
    let mut answer = Vec::new();
    while let Some(series) = set.advance()? {
        answer.push((series.labels().to_labels(), floats(&*series)?));
    }
    Ok(answer)
}

fn floats(series: &dyn Series) -> Result<Vec<Sample>, Error> {
    let mut columns = Columns::new();
    series.read_all(&mut columns)?;
    assert_eq!(columns.timestamps.len(), columns.values.len(), "columns are of one length");
    Ok(samples_of(&columns))
}

fn samples_of(columns: &Columns) -> Vec<Sample> {
    columns.timestamps.iter().zip(&columns.values).map(|(t, v)| Sample::new(*t, *v)).collect()
}

/// Checks the laws of reading on a source that `open` fills with a fixture.
///
/// # Panics
///
/// If one of them is broken.
#[track_caller]
pub fn series_source<S: SeriesSource>(open: impl Fn(&Fixture) -> S) {
    let fixture = Fixture::standard();
    let source = open(&fixture);
    for matchers in matcher_lists() {
        for range in ranges() {
            let selection = Selection::new(matchers.clone(), range);
            check_selection(&source, &fixture, &selection);
            check_label_queries(&source, &fixture, &selection);
        }
    }
    check_cursors(&source);
    check_invalid(&source);
    assert_eq!(
        collect(&open(&Fixture { series: BTreeMap::new() }), &Selection::new([], TimeRange::ALL))
            .map_err(|e| e.kind()),
        Ok(Vec::new()),
        "an empty source answers with nothing"
    );
}

fn matcher_lists() -> Vec<Vec<Matcher>> {
    use MatchOp::{Equal, NotEqual, NotRegex, Regex};
    let one = |name: &str, op, value: &str| vec![Matcher::new(name, op, value)];
    let mut lists = vec![
        vec![],
        one("__name__", Equal, "up"),
        one("__name__", Equal, "nothing"),
        one("env", Equal, ""),
        one("env", NotEqual, ""),
        one("env", NotEqual, "prod"),
        one("env", Regex, "prod"),
        one("env", Regex, "prod.*"),
        one("env", Regex, "prod|dev"),
        one("env", Regex, ".*"),
        one("env", Regex, ".+"),
        one("env", Regex, "|dev"),
        one("env", Regex, ""),
        one("env", NotRegex, "prod"),
        one("env", NotRegex, ".+"),
        one("env", NotRegex, ".*"),
        one("env", NotRegex, "|dev"),
        one("instance", Regex, "host-1.:9100"),
        one("instance", Regex, ".*-3.*"),
        one("missing", Equal, ""),
        one("missing", Regex, ".+"),
        one("설명", NotEqual, ""),
    ];
    lists.push(vec![
        Matcher::equal("__name__", "up"),
        Matcher::new("env", NotEqual, "dev"),
        Matcher::new("instance", Regex, "host-[12].*"),
    ]);
    lists.push(vec![
        Matcher::new("env", Regex, "prod.*"),
        Matcher::new("env", NotEqual, "prod"),
        Matcher::new("missing", NotRegex, "x"),
    ]);
    lists
}

fn ranges() -> [TimeRange; 4] {
    let at = |steps: i64| Timestamp::from_millis(START + steps * STEP);
    [
        TimeRange::ALL,
        TimeRange::new(at(100), at(130)),
        TimeRange::new(at(399), at(10_000)),
        TimeRange::new(at(-10), at(-1)),
    ]
}

#[track_caller]
fn check_selection(source: &dyn SeriesSource, fixture: &Fixture, selection: &Selection) {
    let expected: Vec<_> = fixture.select(selection).into_iter().collect();
    let sorted = collect(source, &selection.clone().sorted()).expect("the selection is answered");
    let filled: Vec<_> = sorted.iter().filter(|(_, s)| !s.is_empty()).cloned().collect();
    assert_eq!(filled, expected, "the answer to {selection:?}");
    let names: Vec<&Labels> = sorted.iter().map(|(labels, _)| labels).collect();
    assert!(names.windows(2).all(|w| w[0] < w[1]), "sorted, each series once");

    let mut unsorted = collect(source, selection).expect("the selection is answered");
    unsorted.retain(|(_, samples)| !samples.is_empty());
    unsorted.sort_by(|a, b| a.0.cmp(&b.0));
    assert_eq!(unsorted, expected, "unsorted, the same series");
}

#[track_caller]
fn check_label_queries(source: &dyn SeriesSource, fixture: &Fixture, selection: &Selection) {
    // Without samples in the range a source may still know the label, so only all of time is exact.
    if selection.range() != TimeRange::ALL {
        return;
    }
    let series = fixture.select(selection);
    let names: BTreeSet<String> =
        series.keys().flat_map(|l| l.iter().map(|(name, _)| name.to_owned())).collect();
    let names: Vec<String> = names.into_iter().collect();
    assert_eq!(source.label_names(selection).map_err(|e| e.kind()), Ok(names.clone()));
    let first: Vec<String> = names.into_iter().take(2).collect();
    let limited = selection.clone().with_limit(2);
    assert_eq!(source.label_names(&limited).map_err(|e| e.kind()), Ok(first));
    for name in ["__name__", "env", "instance", "missing"] {
        let values: BTreeSet<String> =
            series.keys().filter_map(|l| l.get(name).map(str::to_owned)).collect();
        let values: Vec<String> = values.into_iter().collect();
        assert_eq!(
            source.label_values(name, selection).map_err(|e| e.kind()),
            Ok(values.clone()),
            "values of {name} for {selection:?}"
        );
        let first: Vec<String> = values.into_iter().take(2).collect();
        assert_eq!(source.label_values(name, &limited).map_err(|e| e.kind()), Ok(first));
    }
}

/// Checks that the cursors that `open` gives read exactly the float samples `expected`, and keep the
/// laws of [`SampleCursor`].
///
/// # Panics
///
/// If they do not.
#[track_caller]
pub fn sample_cursor<'a>(open: impl Fn() -> Box<dyn SampleCursor + 'a>, expected: &[Sample]) {
    for _ in 0..2 {
        let (mut cursor, mut columns) = (open(), Columns::new());
        while cursor.read(&mut columns).expect("decodes") {
            assert_eq!(columns.timestamps.len(), columns.values.len(), "columns are of one length");
        }
        assert_eq!(samples_of(&columns), expected, "each cursor reads all samples, from the first");
        let times = &columns.timestamps;
        assert!(times.windows(2).all(|w| w[0] < w[1]), "samples ascend across batches");
        assert!(!cursor.read(&mut columns).expect("decodes"), "after the end comes nothing");
        assert_eq!(samples_of(&columns), expected, "after the end comes nothing");
    }
}

#[track_caller]
fn check_cursors(source: &dyn SeriesSource) {
    let selection = Selection::new([Matcher::equal("__name__", "up")], TimeRange::ALL);
    let mut set = source.select(&selection).expect("the selection is answered");
    let series = set.advance().expect("a series").expect("there is one");
    let once = floats(&*series).expect("decodes");
    sample_cursor(|| series.cursor(), &once);
    while set.advance().expect("a series").is_some() {}
    assert!(set.advance().expect("nothing").is_none(), "after the last series comes nothing");
}

#[track_caller]
fn check_invalid(source: &dyn SeriesSource) {
    let broken = Matcher::new("env", MatchOp::Regex, "(");
    let Err(error) = collect(source, &Selection::new([broken], TimeRange::ALL)) else {
        unreachable_law("a broken regular expression is refused")
    };
    assert_eq!(error.kind(), ErrorKind::Invalid, "a broken regular expression is refused");
}

#[track_caller]
#[expect(clippy::panic, reason = "a broken law fails the test")]
fn unreachable_law(law: &str) -> ! {
    panic!("{law}");
}
