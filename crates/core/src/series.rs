//! Reading series: what is asked, and the columns that the answer is decoded into.

use alloc::boxed::Box;
use alloc::collections::BTreeSet;
use alloc::string::String;
use alloc::sync::Arc;
use alloc::vec::Vec;

use crate::error::Error;
use crate::histogram::FloatHistogram;
use crate::labels::LabelSet;
use crate::matcher::Matcher;
use crate::sample::Timestamp;

/// A closed range of times.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[expect(clippy::exhaustive_structs, reason = "a range is its two ends")]
pub struct TimeRange {
    /// The first time that belongs to the range.
    pub start: Timestamp,
    /// The last time that belongs to the range.
    pub end: Timestamp,
}

impl TimeRange {
    /// All of time.
    pub const ALL: Self = Self { start: Timestamp::MIN, end: Timestamp::MAX };

    /// The times from `start` to `end`, both included.
    #[must_use]
    pub const fn new(start: Timestamp, end: Timestamp) -> Self {
        Self { start, end }
    }

    /// Whether `t` belongs to the range.
    #[must_use]
    pub fn contains(&self, t: Timestamp) -> bool {
        self.start <= t && t <= self.end
    }

    /// Whether some time belongs to both ranges.
    #[must_use]
    pub fn overlaps(&self, other: &Self) -> bool {
        self.start <= other.end && other.start <= self.end
    }
}

/// What the asker will do with the series: a source may use it or ignore it, never rely on it.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct SelectHints {
    /// The distance of evaluation steps in milliseconds; 0 for one step.
    pub step: i64,
    /// The length of a range selector in milliseconds; 0 for an instant selector.
    pub range: i64,
    /// The name of the function or aggregation around the selector; empty if there is none.
    pub function: String,
    /// The labels that the aggregation around the selector groups by or leaves out.
    pub grouping: Vec<String>,
    /// Whether `grouping` is kept (`by`) or dropped (`without`).
    pub by: bool,
    /// Whether of each series only the newest sample of the time range is looked at.
    pub newest: bool,
}

/// A question to a [`SeriesSource`]: which series, and which of their samples.
///
/// ```
/// use skopos_core::{Matcher, Selection, TimeRange, Timestamp};
///
/// let minute = TimeRange::new(Timestamp::from_millis(0), Timestamp::from_millis(60_000));
/// let selection = Selection::new([Matcher::equal("__name__", "up")], minute).sorted();
/// assert_eq!(selection.matchers().len(), 1);
/// assert!(selection.is_sorted());
/// ```
#[derive(Clone, Debug, PartialEq)]
pub struct Selection {
    matchers: Vec<Matcher>,
    range: TimeRange,
    sorted: bool,
    limit: usize,
    hints: SelectHints,
}

impl Selection {
    /// The series for which all `matchers` hold, with their samples in `range`. Without matchers,
    /// every series.
    pub fn new(matchers: impl IntoIterator<Item = Matcher>, range: TimeRange) -> Self {
        Self {
            matchers: matchers.into_iter().collect(),
            range,
            sorted: false,
            limit: 0,
            hints: SelectHints::default(),
        }
    }

    /// The same, the series in the order of their labels.
    #[must_use]
    pub fn sorted(mut self) -> Self {
        self.sorted = true;
        self
    }

    /// The same, at most `limit` series, names or values; 0 for all.
    #[must_use]
    pub fn with_limit(mut self, limit: usize) -> Self {
        self.limit = limit;
        self
    }

    /// The same with hints.
    #[must_use]
    pub fn with_hints(mut self, hints: SelectHints) -> Self {
        self.hints = hints;
        self
    }

    /// All of them must hold.
    #[must_use]
    pub fn matchers(&self) -> &[Matcher] {
        &self.matchers
    }

    /// The times that are asked for.
    #[must_use]
    pub fn range(&self) -> TimeRange {
        self.range
    }

    /// Whether the series must come in the order of their labels.
    #[must_use]
    pub fn is_sorted(&self) -> bool {
        self.sorted
    }

    /// How many results are wanted at most; 0 for all.
    #[must_use]
    pub fn limit(&self) -> usize {
        self.limit
    }

    /// What the asker will do with the series.
    #[must_use]
    pub fn hints(&self) -> &SelectHints {
        &self.hints
    }
}

/// Decoded samples, column by column; reused from series to series.
///
/// Floats and histograms lie apart, each ascending in time.
#[derive(Clone, Debug, Default)]
#[non_exhaustive]
pub struct Columns {
    /// Invariant: ascending, distinct; as long as `values`. Milliseconds.
    pub timestamps: Vec<i64>,
    /// The float samples' values, staleness markers among them.
    pub values: Vec<f64>,
    /// Invariant: ascending, distinct; as long as `histograms`. Milliseconds.
    pub histogram_timestamps: Vec<i64>,
    /// The histogram samples; a stale one has a staleness marker as its sum.
    pub histograms: Vec<FloatHistogram>,
    /// When the counter of each float sample started, 0 where that is not known. Milliseconds.
    ///
    /// Empty where the source keeps no such times, else as long as `timestamps`.
    pub start_timestamps: Vec<i64>,
    /// The same for histogram samples.
    pub histogram_start_timestamps: Vec<i64>,
}

impl Columns {
    /// Empty columns.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Appends a float sample.
    pub fn push(&mut self, millis: i64, v: f64) {
        self.timestamps.push(millis);
        self.values.push(v);
    }

    /// Appends a histogram sample.
    pub fn push_histogram(&mut self, millis: i64, histogram: FloatHistogram) {
        self.histogram_timestamps.push(millis);
        self.histograms.push(histogram);
    }

    /// Removes the samples and keeps the memory.
    pub fn clear(&mut self) {
        self.timestamps.clear();
        self.values.clear();
        self.histogram_timestamps.clear();
        self.histograms.clear();
        self.start_timestamps.clear();
        self.histogram_start_timestamps.clear();
    }

    /// How many samples there are, floats and histograms together.
    #[must_use]
    pub fn len(&self) -> usize {
        self.timestamps.len() + self.histogram_timestamps.len()
    }

    /// Whether there is no sample.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }
}

/// Decodes the samples of one series, a batch at a time.
///
/// # Laws
///
/// * Samples are ascending in time, across batches too, and lie in the selection's range.
/// * A call that returns `true` may be followed by more; after `false` nothing is appended again.
/// * After an error the columns hold only whole samples; the cursor is used up.
pub trait SampleCursor {
    /// Appends the next batch of samples to `columns`; returns whether there may be more.
    ///
    /// # Errors
    ///
    /// `Corrupt` where stored data cannot be decoded, or the source's own kinds.
    fn read(&mut self, columns: &mut Columns) -> Result<bool, Error>;
}

impl<C: SampleCursor + ?Sized> SampleCursor for Box<C> {
    fn read(&mut self, columns: &mut Columns) -> Result<bool, Error> {
        (**self).read(columns)
    }
}

/// One series of an answer.
///
/// # Laws
///
/// Each cursor starts from the beginning and gives the same samples; threads may share the series.
pub trait Series: Send + Sync {
    /// The series' labels.
    fn labels(&self) -> &dyn LabelSet;

    /// A cursor before the first sample of the selected range.
    fn cursor(&self) -> Box<dyn SampleCursor + '_>;

    /// Appends all samples of the selected range to `columns`.
    ///
    /// # Errors
    ///
    /// Those of [`SampleCursor::read`].
    fn read_all(&self, columns: &mut Columns) -> Result<(), Error> {
        let mut cursor = self.cursor();
        while cursor.read(columns)? {}
        Ok(())
    }
}

/// The series that answer a selection.
///
/// # Laws
///
/// Each label set comes once, in the order of labels where the selection asks for it. After `None`
/// or an error nothing follows.
pub trait SeriesSet<'a> {
    /// The next series, or `None` after the last.
    ///
    /// # Errors
    ///
    /// Those of the source.
    fn advance(&mut self) -> Result<Option<Box<dyn Series + 'a>>, Error>;

    /// What the asker should know of the answer, such as an unreachable part; after the last series.
    fn warnings(&mut self) -> Vec<String> {
        Vec::new()
    }
}

/// Something that series can be selected from: a store, a remote system, a program's own state.
///
/// # Laws
///
/// * `select` gives exactly the series for which all matchers hold (a missing label counts as
///   empty, regular expressions are anchored at both ends) and which have a sample in the range; a
///   source that cannot tell cheaply whether a series has one may give it without samples.
/// * What is read is a snapshot as of the call, or at least never half of a commit.
/// * `label_names` and `label_values` are sorted, without duplicates, and cut at the limit.
pub trait SeriesSource: Send + Sync {
    /// The series that answer `selection`.
    ///
    /// # Errors
    ///
    /// `Invalid` for a regular expression that cannot be compiled, or the source's own kinds.
    fn select<'a>(&'a self, selection: &Selection) -> Result<Box<dyn SeriesSet<'a> + 'a>, Error>;

    /// The names of the labels of the selected series. Walks the series unless overridden.
    ///
    /// # Errors
    ///
    /// Those of [`select`](Self::select).
    fn label_names(&self, selection: &Selection) -> Result<Vec<String>, Error> {
        let mut names = BTreeSet::new();
        for_each_series(self, selection, |labels| {
            labels.visit(&mut |name, _| {
                if !names.contains(name) {
                    names.insert(String::from(name));
                }
            });
        })?;
        Ok(limited(names, selection.limit()))
    }

    /// The values of the label `name` over the selected series. Walks the series unless overridden.
    ///
    /// # Errors
    ///
    /// Those of [`select`](Self::select).
    fn label_values(&self, name: &str, selection: &Selection) -> Result<Vec<String>, Error> {
        let mut values = BTreeSet::new();
        for_each_series(self, selection, |labels| {
            if let Some(value) = labels.value(name).filter(|v| !values.contains(*v)) {
                values.insert(String::from(value));
            }
        })?;
        Ok(limited(values, selection.limit()))
    }
}

fn for_each_series<S: SeriesSource + ?Sized>(
    source: &S,
    selection: &Selection,
    mut visit: impl FnMut(&dyn LabelSet),
) -> Result<(), Error> {
    let unlimited = selection.clone().with_limit(0);
    let mut set = source.select(&unlimited)?;
    while let Some(series) = set.advance()? {
        visit(series.labels());
    }
    Ok(())
}

fn limited(sorted: BTreeSet<String>, limit: usize) -> Vec<String> {
    let count = if limit == 0 { sorted.len() } else { limit };
    sorted.into_iter().take(count).collect()
}

impl<S: SeriesSource + ?Sized> SeriesSource for &S {
    fn select<'a>(&'a self, selection: &Selection) -> Result<Box<dyn SeriesSet<'a> + 'a>, Error> {
        (**self).select(selection)
    }

    fn label_names(&self, selection: &Selection) -> Result<Vec<String>, Error> {
        (**self).label_names(selection)
    }

    fn label_values(&self, name: &str, selection: &Selection) -> Result<Vec<String>, Error> {
        (**self).label_values(name, selection)
    }
}

impl<S: SeriesSource + ?Sized> SeriesSource for Arc<S> {
    fn select<'a>(&'a self, selection: &Selection) -> Result<Box<dyn SeriesSet<'a> + 'a>, Error> {
        (**self).select(selection)
    }

    fn label_names(&self, selection: &Selection) -> Result<Vec<String>, Error> {
        (**self).label_names(selection)
    }

    fn label_values(&self, name: &str, selection: &Selection) -> Result<Vec<String>, Error> {
        (**self).label_values(name, selection)
    }
}
