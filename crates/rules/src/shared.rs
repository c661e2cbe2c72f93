//! What several rules of a group select is read once for an evaluation.
//!
//! A [`SharedSource`] stands between the engine and its source while a group is evaluated. It knows
//! how often each selection will be asked, keeps the series of those that come again, decoded, and
//! lets go of them after the last time. What rules write goes through it as well, so that nothing
//! outdated is given.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use hashbrown::HashMap;

use skopos_core::labels::METRIC_NAME;
use skopos_core::{
    Appender, Columns, Error, Exemplar, HistogramSample, Ingest, LabelSet, Labels, Matcher,
    Metadata, PreparedQuery, Sample, SampleCursor, Selection, Series, SeriesRef, SeriesSet,
    SeriesSource, TimeRange, Timestamp,
};

use crate::dependency::NameTest;

/// More samples than this are not kept at the same time.
const MAX_SAMPLES: usize = 4 << 20;

/// How often each selection is asked by the rules of a group, where that is more than once.
#[derive(Clone, Debug, Default)]
pub(crate) struct Plan {
    uses: Arc<HashMap<Vec<Matcher>, u32>>,
}

impl Plan {
    pub(crate) fn new<'p>(queries: impl Iterator<Item = &'p PreparedQuery>) -> Self {
        let mut uses: HashMap<Vec<Matcher>, u32> = HashMap::new();
        for matchers in queries.filter_map(PreparedQuery::selectors).flatten() {
            *uses.entry_ref(matchers).or_default() += 1;
        }
        uses.retain(|_, count| 1 < *count);
        uses.shrink_to_fit();
        Self { uses: Arc::new(uses) }
    }
}

/// A source, and a sink, for one evaluation of a group: selections that several of its rules ask are
/// read once.
///
/// It answers as the source would, but for what others than the group's rules write meanwhile, which
/// may be seen or not. Give the engine this as its source and the [`Evaluator`](crate::Evaluator) this
/// as its sink, and make a new one for the next evaluation.
///
/// Memory: the decoded samples of selections that will be asked again, at most four million.
///
/// ```
/// # use skopos_core::{
/// #     Appender, Error, Ingest, LabelSet, Labels, Matcher, PreparedQuery, QueryEngine, QueryOutput,
/// #     QueryRequest, Sample, SampleCursor, Selection, Series, SeriesRef, SeriesSet, SeriesSource,
/// #     TimeRange,
/// # };
/// # use std::sync::atomic::{AtomicUsize, Ordering};
/// # struct Reader;
/// # impl QueryEngine for Reader {
/// #     fn query(&self, _: &QueryRequest<'_>) -> Result<QueryOutput, Error> { unreachable!() }
/// #     fn check(&self, _: &str) -> Result<(), Error> { Ok(()) }
/// #     fn canonical(&self, text: &str) -> Result<String, Error> { Ok(text.to_owned()) }
/// #     fn prepare(&self, _: &str) -> Result<PreparedQuery, Error> {
/// #         Ok(PreparedQuery::default().with_selectors(vec![vec![Matcher::equal("__name__", "up")]]))
/// #     }
/// # }
/// # #[derive(Default)]
/// # struct Counting(AtomicUsize);
/// # impl SeriesSource for Counting {
/// #     fn select<'a>(&'a self, _: &Selection) -> Result<Box<dyn SeriesSet<'a> + 'a>, Error> {
/// #         self.0.fetch_add(1, Ordering::Relaxed);
/// #         Ok(Box::new(Nothing))
/// #     }
/// # }
/// # struct Nothing;
/// # impl<'a> SeriesSet<'a> for Nothing {
/// #     fn advance(&mut self) -> Result<Option<Box<dyn Series + 'a>>, Error> { Ok(None) }
/// # }
/// # impl Ingest for Counting {
/// #     fn appender(&self) -> Box<dyn Appender + '_> { unreachable!() }
/// # }
/// # let (engine, store) = (Reader, Counting::default());
/// use skopos_rules::{Group, GroupDefaults, GroupState, Rule, SharedSource};
///
/// let mut group = Group::new("availability");
/// group.rules = vec![Rule::recording("up:sum", "sum(up)"), Rule::alerting("Down", "up == 0")];
/// let state = GroupState::new(&group, "rules.yml", GroupDefaults::default(), &engine, false)?;
///
/// let shared = SharedSource::new(&state, &store, &store);
/// let up = Selection::new([Matcher::equal("__name__", "up")], TimeRange::ALL);
/// shared.select(&up)?;
/// shared.select(&up)?;
/// assert_eq!(store.0.into_inner(), 1, "the second rule's selection was there already");
/// # Ok::<(), Error>(())
/// ```
pub struct SharedSource<'a> {
    source: &'a dyn SeriesSource,
    sink: &'a dyn Ingest,
    plan: Plan,
    kept: Mutex<Kept>,
}

/// What is kept for later.
#[derive(Default)]
struct Kept {
    entries: HashMap<Vec<Matcher>, Entry>,
    /// How often selections were asked that the plan knows.
    asked: HashMap<Vec<Matcher>, u32>,
    samples: usize,
    /// Rises when something is written.
    writes: u64,
}

/// The answer to a selection.
struct Entry {
    range: TimeRange,
    series: Arc<[KeptSeries]>,
    samples: usize,
}

/// Series, and what the source warns of.
type Fetched = (Arc<[KeptSeries]>, Vec<String>);

#[derive(Clone)]
struct KeptSeries {
    labels: Labels,
    columns: Arc<Columns>,
}

impl<'a> SharedSource<'a> {
    /// A source for the next evaluation of a group.
    #[must_use]
    pub fn new(
        group: &crate::GroupState,
        source: &'a dyn SeriesSource,
        sink: &'a dyn Ingest,
    ) -> Self {
        Self { source, sink, plan: group.shared_selections(), kept: Mutex::default() }
    }

    /// A panic elsewhere leaves what is kept as good as it was.
    fn kept(&self) -> MutexGuard<'_, Kept> {
        self.kept.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Selects, decodes and keeps; nothing if there is too much to keep.
    fn fetch(
        &self,
        selection: &Selection,
        range: TimeRange,
        writes: u64,
    ) -> Result<Option<Fetched>, Error> {
        let room = MAX_SAMPLES.saturating_sub(self.kept().samples);
        let wide = Selection::new(selection.matchers().iter().cloned(), range)
            .with_hints(selection.hints().clone());
        let mut set = self.source.select(&wide)?;
        let mut series = Vec::new();
        let mut samples = 0;
        while let Some(one) = set.advance()? {
            let mut columns = Columns::new();
            one.read_all(&mut columns)?;
            samples += columns.len();
            if room < samples {
                return Ok(None);
            }
            series
                .push(KeptSeries { labels: one.labels().to_labels(), columns: Arc::new(columns) });
        }
        let series: Arc<[KeptSeries]> = series.into();
        let warnings = set.warnings();
        let mut kept = self.kept();
        // Warnings are told each time, so that an answer with some is not kept.
        if warnings.is_empty() && kept.writes == writes {
            let entry = Entry { range, series: Arc::clone(&series), samples };
            kept.samples += samples;
            if let Some(before) = kept.entries.insert(selection.matchers().to_vec(), entry) {
                kept.samples -= before.samples;
            }
        }
        Ok(Some((series, warnings)))
    }

    /// Lets go of what the metrics that were written may belong to.
    fn wrote(&self, metrics: &[String]) {
        let mut kept = self.kept();
        kept.writes += 1;
        let Kept { entries, samples, .. } = &mut *kept;
        entries.retain(|matchers, entry| {
            let stays = !metrics.iter().any(|metric| may_select(matchers, metric));
            if !stays {
                *samples -= entry.samples;
            }
            stays
        });
    }
}

/// Whether a selection may have series of a metric.
fn may_select(matchers: &[Matcher], metric: &str) -> bool {
    let mut names = matchers.iter().filter(|matcher| matcher.name() == METRIC_NAME);
    names.all(|matcher| NameTest::new(matcher).map_or(true, |test| test.holds(metric)))
}

impl Kept {
    /// Counts that a selection is asked; whether it will be again, or nothing if the plan does not
    /// know it.
    fn ask(&mut self, plan: &Plan, matchers: &[Matcher]) -> Option<bool> {
        let uses = *plan.uses.get(matchers)?;
        let asked = self.asked.entry_ref(matchers).or_default();
        *asked += 1;
        Some(*asked < uses)
    }
}

impl SeriesSource for SharedSource<'_> {
    fn select<'s>(&'s self, selection: &Selection) -> Result<Box<dyn SeriesSet<'s> + 's>, Error> {
        let matchers = selection.matchers();
        if selection.is_sorted() || selection.limit() != 0 || !self.plan.uses.contains_key(matchers)
        {
            return self.source.select(selection);
        }
        let range = selection.range();
        let (wanted, writes) = {
            let mut kept = self.kept();
            let comes_again = kept.ask(&self.plan, matchers).unwrap_or(false);
            let (known, covering) = match kept.entries.get(matchers) {
                Some(entry) => (Some(entry.range), covers(entry.range, range)),
                None => (None, false),
            };
            if covering {
                let series = kept.entries.get(matchers).map(|entry| Arc::clone(&entry.series));
                if !comes_again && let Some(entry) = kept.entries.remove(matchers) {
                    kept.samples -= entry.samples;
                }
                let series = series.unwrap_or_default();
                return Ok(Box::new(KeptSet { series, range, at: 0, warnings: Vec::new() }));
            }
            let wanted = known.map_or(Some(range), |known| united(known, range));
            (wanted.filter(|_| comes_again), kept.writes)
        };
        let Some(wanted) = wanted else { return self.source.select(selection) };
        match self.fetch(selection, wanted, writes)? {
            Some((series, warnings)) => Ok(Box::new(KeptSet { series, range, at: 0, warnings })),
            None => self.source.select(selection),
        }
    }

    fn label_names(&self, selection: &Selection) -> Result<Vec<String>, Error> {
        self.source.label_names(selection)
    }

    fn label_values(&self, name: &str, selection: &Selection) -> Result<Vec<String>, Error> {
        self.source.label_values(name, selection)
    }
}

/// Both ranges as one, if nothing lies between them.
fn united(one: TimeRange, two: TimeRange) -> Option<TimeRange> {
    let range = TimeRange::new(one.start.min(two.start), one.end.max(two.end));
    one.overlaps(&two).then_some(range)
}

fn covers(outer: TimeRange, inner: TimeRange) -> bool {
    outer.start <= inner.start && inner.end <= outer.end
}

/// Gives kept series one after the other.
struct KeptSet {
    series: Arc<[KeptSeries]>,
    range: TimeRange,
    at: usize,
    warnings: Vec<String>,
}

impl<'s> SeriesSet<'s> for KeptSet {
    fn advance(&mut self) -> Result<Option<Box<dyn Series + 's>>, Error> {
        let Some(KeptSeries { labels, columns }) = self.series.get(self.at) else {
            return Ok(None);
        };
        self.at += 1;
        Ok(Some(Box::new(Given {
            labels: labels.clone(),
            columns: Arc::clone(columns),
            range: self.range,
        })))
    }

    fn warnings(&mut self) -> Vec<String> {
        std::mem::take(&mut self.warnings)
    }
}

/// A kept series, cut to a range.
struct Given {
    labels: Labels,
    columns: Arc<Columns>,
    range: TimeRange,
}

impl Series for Given {
    fn labels(&self) -> &dyn LabelSet {
        &self.labels
    }

    fn cursor(&self) -> Box<dyn SampleCursor + '_> {
        Box::new(GivenCursor { series: self, is_done: false })
    }

    fn read_all(&self, columns: &mut Columns) -> Result<(), Error> {
        let from = &*self.columns;
        let floats = self.positions(&from.timestamps);
        columns.timestamps.extend_from_slice(&from.timestamps[floats.clone()]);
        columns.values.extend_from_slice(&from.values[floats.clone()]);
        if let Some(starts) = from.start_timestamps.get(floats) {
            columns.start_timestamps.extend_from_slice(starts);
        }
        let histograms = self.positions(&from.histogram_timestamps);
        columns
            .histogram_timestamps
            .extend_from_slice(&from.histogram_timestamps[histograms.clone()]);
        columns.histograms.extend_from_slice(&from.histograms[histograms.clone()]);
        if let Some(starts) = from.histogram_start_timestamps.get(histograms) {
            columns.histogram_start_timestamps.extend_from_slice(starts);
        }
        Ok(())
    }
}

impl Given {
    /// Where the times of the range lie.
    fn positions(&self, times: &[i64]) -> std::ops::Range<usize> {
        let TimeRange { start, end } = self.range;
        let first = times.partition_point(|t| Timestamp::from_millis(*t) < start);
        let behind = times.partition_point(|t| Timestamp::from_millis(*t) <= end);
        first..behind
    }
}

/// Reads a kept series in one go.
struct GivenCursor<'g> {
    series: &'g Given,
    is_done: bool,
}

impl SampleCursor for GivenCursor<'_> {
    fn read(&mut self, columns: &mut Columns) -> Result<bool, Error> {
        if !self.is_done {
            self.series.read_all(columns)?;
            self.is_done = true;
        }
        Ok(false)
    }
}

impl Ingest for SharedSource<'_> {
    fn appender(&self) -> Box<dyn Appender + '_> {
        if self.plan.uses.is_empty() {
            return self.sink.appender();
        }
        let metrics = Vec::new();
        Box::new(WatchedAppender { shared: self, inner: self.sink.appender(), metrics })
    }
}

/// Notes which metrics are written.
struct WatchedAppender<'s> {
    shared: &'s SharedSource<'s>,
    inner: Box<dyn Appender + 's>,
    metrics: Vec<String>,
}

impl WatchedAppender<'_> {
    fn note(&mut self, labels: &dyn LabelSet) {
        let metric = labels.value(METRIC_NAME).unwrap_or_default();
        // A rule writes few metrics, and the samples of one after the other.
        if !self.metrics.iter().rev().take(4).any(|known| known == metric) {
            self.metrics.push(metric.to_owned());
        }
    }
}

impl Appender for WatchedAppender<'_> {
    fn append(
        &mut self,
        series: Option<SeriesRef>,
        labels: &dyn LabelSet,
        sample: Sample,
    ) -> Result<SeriesRef, Error> {
        self.note(labels);
        self.inner.append(series, labels, sample)
    }

    fn append_histogram(
        &mut self,
        series: Option<SeriesRef>,
        labels: &dyn LabelSet,
        t: Timestamp,
        histogram: &HistogramSample,
    ) -> Result<SeriesRef, Error> {
        self.note(labels);
        self.inner.append_histogram(series, labels, t, histogram)
    }

    fn append_exemplar(&mut self, series: SeriesRef, exemplar: &Exemplar) -> Result<(), Error> {
        self.inner.append_exemplar(series, exemplar)
    }

    fn set_metadata(&mut self, series: SeriesRef, metadata: &Metadata) -> Result<(), Error> {
        self.inner.set_metadata(series, metadata)
    }

    fn commit(self: Box<Self>) -> Result<(), Error> {
        let Self { shared, inner, metrics } = *self;
        let result = inner.commit();
        // Also after a failure: a sink may have taken some.
        shared.wrote(&metrics);
        result
    }

    fn rollback(self: Box<Self>) {
        self.inner.rollback();
    }
}

#[cfg(test)]
mod tests;
