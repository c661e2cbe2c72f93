//! What several rules of a group select is read once for an evaluation.
//!
//! A [`SharedSource`] stands between the engine and its source while a group is evaluated. It knows
//! how often each selection will be asked, keeps the series of those that come again, decoded, and
//! lets go of them after the last time. What rules write goes through it as well, so that nothing
//! outdated is given.

use std::sync::atomic::{AtomicI64, Ordering};
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

/// The selections that the rules of a group ask more than once, and what evaluations have shown of them.
#[derive(Clone, Debug, Default)]
pub(crate) struct Plan(Arc<Selections>);

#[derive(Debug, Default)]
struct Selections {
    positions: HashMap<Vec<Matcher>, usize>,
    asked: Vec<Asked>,
    /// Which of the selections may have series of a metric that was written, by its name.
    written: Mutex<HashMap<String, Arc<[usize]>>>,
}

/// A selection that is asked more than once.
#[derive(Debug)]
struct Asked {
    /// How often an evaluation asks it.
    uses: u32,
    /// What holds for the names of its metrics; nothing where that cannot be told.
    names: Option<Vec<NameTest>>,
    /// How many milliseconds before and after the first range the others have reached.
    reach: [AtomicI64; 2],
}

impl Plan {
    pub(crate) fn new<'p>(queries: impl Iterator<Item = &'p PreparedQuery>) -> Self {
        let mut uses: HashMap<&Vec<Matcher>, u32> = HashMap::new();
        for matchers in queries.filter_map(PreparedQuery::selectors).flatten() {
            *uses.entry(matchers).or_default() += 1;
        }
        uses.retain(|_, count| 1 < *count);
        Self::of(uses.into_iter().map(|(matchers, uses)| (matchers.clone(), uses)))
    }

    /// A plan for selections and how often each is asked.
    fn of(uses: impl Iterator<Item = (Vec<Matcher>, u32)>) -> Self {
        let mut selections = Selections::default();
        for (at, (matchers, uses)) in uses.enumerate() {
            let names = matchers.iter().filter(|matcher| matcher.name() == METRIC_NAME);
            let names = names.map(NameTest::new).collect::<Result<_, _>>().ok();
            selections.asked.push(Asked { uses, names, reach: Default::default() });
            selections.positions.insert(matchers, at);
        }
        Self(Arc::new(selections))
    }

    fn is_empty(&self) -> bool {
        self.0.asked.is_empty()
    }

    fn position(&self, matchers: &[Matcher]) -> Option<usize> {
        self.0.positions.get(matchers).copied()
    }

    /// Whether a selection is asked again, once it was so often.
    fn comes_again(&self, at: usize, asked: u32) -> bool {
        asked < self.0.asked[at].uses
    }

    /// The selections that may have series of a metric.
    fn of_metric(&self, metric: &str) -> Arc<[usize]> {
        let mut written = self.0.written.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(known) = written.get(metric) {
            return Arc::clone(known);
        }
        let holds = |names: &Vec<NameTest>| names.iter().all(|test| test.holds(metric));
        let may_have = |asked: &Asked| asked.names.as_ref().is_none_or(holds);
        let selections = self.0.asked.iter().enumerate();
        let found: Arc<[usize]> =
            selections.filter(|(_, asked)| may_have(asked)).map(|(at, _)| at).collect();
        written.insert(metric.to_owned(), Arc::clone(&found));
        found
    }

    /// The range to read when a selection is asked for the first time, so that it has what was asked
    /// for later in evaluations before.
    fn widened(&self, at: usize, range: TimeRange) -> TimeRange {
        let [before, after] = &self.0.asked[at].reach;
        TimeRange::new(
            range.start.saturating_sub(before.load(Ordering::Relaxed)),
            range.end.saturating_add(after.load(Ordering::Relaxed)),
        )
    }

    /// Notes that a selection was asked for another range than the first time, next to that.
    fn reached(&self, at: usize, first: TimeRange, range: TimeRange) {
        let [before, after] = &self.0.asked[at].reach;
        before.fetch_max(first.start - range.start, Ordering::Relaxed);
        after.fetch_max(range.end - first.end, Ordering::Relaxed);
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
struct Kept {
    /// One for each selection of the plan.
    slots: Vec<Slot>,
    samples: usize,
}

/// What is known of a selection.
#[derive(Default)]
struct Slot {
    /// How often it was asked.
    asked: u32,
    /// Rises when something is written that it may have.
    writes: u32,
    /// The range that it was asked for first.
    first: Option<TimeRange>,
    entry: Option<Entry>,
}

/// The answer to a selection.
struct Entry {
    range: TimeRange,
    series: Arc<[KeptSeries]>,
    samples: usize,
}

impl Kept {
    /// Lets go of a selection's series.
    fn forget(&mut self, at: usize) {
        if let Some(entry) = self.slots[at].entry.take() {
            self.samples -= entry.samples;
        }
    }
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
        Self::with_plan(group.shared_selections(), source, sink)
    }

    fn with_plan(plan: Plan, source: &'a dyn SeriesSource, sink: &'a dyn Ingest) -> Self {
        let slots = plan.0.asked.iter().map(|_| Slot::default()).collect();
        Self { source, sink, plan, kept: Mutex::new(Kept { slots, samples: 0 }) }
    }

    /// A panic elsewhere leaves what is kept as good as it was.
    fn kept(&self) -> MutexGuard<'_, Kept> {
        self.kept.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Selects, decodes and keeps; nothing if there is too much to keep.
    fn fetch(
        &self,
        selection: &Selection,
        at: usize,
        range: TimeRange,
        writes: u32,
    ) -> Result<Option<Fetched>, Error> {
        let room = MAX_SAMPLES.saturating_sub(self.kept().samples);
        let mut hints = selection.hints().clone();
        // Others may look at more.
        hints.newest = false;
        let wide = Selection::new(selection.matchers().iter().cloned(), range).with_hints(hints);
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
        if warnings.is_empty() && kept.slots[at].writes == writes {
            kept.forget(at);
            kept.samples += samples;
            kept.slots[at].entry = Some(Entry { range, series: Arc::clone(&series), samples });
        }
        Ok(Some((series, warnings)))
    }

    /// Lets go of selections that may have what was written.
    fn wrote(&self, selections: &[usize]) {
        if selections.is_empty() {
            return;
        }
        let mut kept = self.kept();
        for at in selections {
            kept.slots[*at].writes += 1;
            kept.forget(*at);
        }
    }

    /// What is there of a selection, or what is to be read for it.
    fn ask(&self, at: usize, range: TimeRange) -> Known {
        let mut kept = self.kept();
        let slot = &mut kept.slots[at];
        slot.asked += 1;
        let comes_again = self.plan.comes_again(at, slot.asked);
        let first = *slot.first.get_or_insert(range);
        let (known, series) = match &slot.entry {
            Some(entry) if covers(entry.range, range) => (None, Some(Arc::clone(&entry.series))),
            Some(entry) => (Some(entry.range), None),
            None => (None, None),
        };
        let writes = slot.writes;
        if !comes_again {
            kept.forget(at);
        }
        if let Some(series) = series {
            return Known::Series(series);
        }
        if united(first, range).is_some() {
            self.plan.reached(at, first, range);
        }
        let wanted = match known {
            Some(known) => united(known, range),
            None => Some(self.plan.widened(at, range)),
        };
        match wanted.filter(|_| comes_again) {
            Some(range) => Known::Wanted { range, writes },
            None => Known::Nothing,
        }
    }
}

/// What is known of a selection when it is asked.
enum Known {
    /// It will not be kept.
    Nothing,
    /// Its series.
    Series(Arc<[KeptSeries]>),
    /// What is to be read and kept.
    Wanted { range: TimeRange, writes: u32 },
}

impl SeriesSource for SharedSource<'_> {
    fn select<'s>(&'s self, selection: &Selection) -> Result<Box<dyn SeriesSet<'s> + 's>, Error> {
        if selection.is_sorted() || selection.limit() != 0 {
            return self.source.select(selection);
        }
        let Some(at) = self.plan.position(selection.matchers()) else {
            return self.source.select(selection);
        };
        let range = selection.range();
        let (series, warnings) = match self.ask(at, range) {
            Known::Series(series) => (series, Vec::new()),
            Known::Nothing => return self.source.select(selection),
            Known::Wanted { range: wanted, writes } => {
                match self.fetch(selection, at, wanted, writes)? {
                    Some(fetched) => fetched,
                    None => return self.source.select(selection),
                }
            }
        };
        Ok(Box::new(KeptSet { series, range, at: 0, warnings }))
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
        if self.plan.is_empty() {
            return self.sink.appender();
        }
        Box::new(WatchedAppender {
            shared: self,
            inner: self.sink.appender(),
            metrics: Vec::new(),
            selections: Vec::new(),
        })
    }
}

/// Notes what is written of the metrics that are selected.
struct WatchedAppender<'s> {
    shared: &'s SharedSource<'s>,
    inner: Box<dyn Appender + 's>,
    /// The metrics that were written.
    metrics: Vec<String>,
    /// The selections that may have what was written.
    selections: Vec<usize>,
}

impl WatchedAppender<'_> {
    fn note(&mut self, labels: &dyn LabelSet) {
        let metric = labels.value(METRIC_NAME).unwrap_or_default();
        // A rule writes few metrics, and the samples of one after the other.
        if self.metrics.iter().rev().take(4).any(|known| known == metric) {
            return;
        }
        self.metrics.push(metric.to_owned());
        for at in &*self.shared.plan.of_metric(metric) {
            if !self.selections.contains(at) {
                self.selections.push(*at);
            }
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
        let Self { shared, inner, selections, .. } = *self;
        let result = inner.commit();
        // Also after a failure: a sink may have taken some.
        shared.wrote(&selections);
        result
    }

    fn rollback(self: Box<Self>) {
        self.inner.rollback();
    }
}

#[cfg(test)]
mod tests;
