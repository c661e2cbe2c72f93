//! A plain table of series to query: for programs that already hold their samples, and for tests.
//!
//! Not a store: nothing is compressed or forgotten, and a selection looks at every series.

use std::borrow::Borrow;
use std::ops::Range;

use hashbrown::HashMap;
use skopos_core::{
    Columns, Error, ErrorKind, LabelSet, Labels, Matcher, Sample, SampleCursor, Selection, Series,
    SeriesSet, SeriesSource, TimeRange,
};
use skopos_regex::LabelRegex;

mod live;
mod overlay;

pub use self::live::LiveTable;
pub use self::overlay::Overlay;

/// Series with their samples, as an [`Engine`](crate::Engine) can read them.
///
/// ```
/// use skopos_core::{Labels, QueryEngine, QueryRequest, QueryValue, Sample, Timestamp};
/// use skopos_promql::{Engine, EngineOptions, Table};
///
/// let labels = Labels::from_pairs([("__name__", "temperature"), ("room", "attic")]);
/// let table = Table::from_iter([(labels, vec![Sample::new(0, 21.5), Sample::new(15_000, 22.5)])]);
///
/// let engine = Engine::new(table, EngineOptions::default());
/// let request = QueryRequest::instant("max_over_time(temperature[1m])", Timestamp::from_millis(15_000));
/// let QueryValue::Vector(vector) = engine.query(&request)?.value else { unreachable!() };
/// assert_eq!(vector[0].value, skopos_core::SampleValue::Float(22.5));
/// # Ok::<(), skopos_core::Error>(())
/// ```
#[derive(Clone, Debug, Default)]
pub struct Table {
    /// In the order in which they came.
    series: Vec<(Labels, Columns)>,
    /// Where in `series` a label set stands.
    by_labels: HashMap<Labels, usize>,
}

impl Table {
    /// A table without series.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// How many series there are.
    #[must_use]
    pub fn len(&self) -> usize {
        self.series.len()
    }

    /// Whether there is no series.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.series.is_empty()
    }

    /// The samples of a series, to which more may be pushed; an unknown series is added, empty.
    ///
    /// Times must ascend in each lane of the columns: the engine relies on it.
    pub fn columns_mut(&mut self, labels: &Labels) -> &mut Columns {
        let at = self.position(labels);
        &mut self.series[at].1
    }

    /// Where a series stands; an unknown one is added.
    fn position(&mut self, labels: &Labels) -> usize {
        *self.by_labels.entry(labels.clone()).or_insert_with(|| {
            self.series.push((labels.clone(), Columns::new()));
            self.series.len() - 1
        })
    }
}

/// The samples of each series must ascend in time; of a series that comes twice the second continues
/// the first.
impl FromIterator<(Labels, Vec<Sample>)> for Table {
    fn from_iter<I: IntoIterator<Item = (Labels, Vec<Sample>)>>(series: I) -> Self {
        let mut table = Self::new();
        for (labels, samples) in series {
            let columns = table.columns_mut(&labels);
            for sample in samples {
                columns.push(sample.t.as_millis(), sample.v);
            }
        }
        table
    }
}

/// The series come in the order of their labels, those without a sample in the range left out.
impl SeriesSource for Table {
    fn select<'a>(&'a self, selection: &Selection) -> Result<Box<dyn SeriesSet<'a> + 'a>, Error> {
        let conditions: Vec<Condition<'_>> =
            selection.matchers().iter().map(Condition::new).collect::<Result<_, _>>()?;
        let (range, newest) = (selection.range(), selection.hints().newest);
        let mut chosen: Vec<Rows<&'a Labels, &'a Columns>> = self
            .series
            .iter()
            .filter(|(labels, _)| conditions.iter().all(|c| c.holds(labels)))
            .map(|(labels, columns)| Rows { labels, columns, range, newest })
            .filter(|rows| !rows.is_empty())
            .collect();
        chosen.sort_by(|a, b| a.labels.cmp(b.labels));
        if selection.limit() != 0 {
            chosen.truncate(selection.limit());
        }
        Ok(Box::new(Set(chosen.into_iter())))
    }
}

/// A matcher with its regular expression compiled.
struct Condition<'m> {
    matcher: &'m Matcher,
    regex: Option<LabelRegex>,
}

impl<'m> Condition<'m> {
    fn new(matcher: &'m Matcher) -> Result<Self, Error> {
        Self::with(matcher, compile)
    }

    /// The same, the expression compiled by `compile`.
    fn with(
        matcher: &'m Matcher,
        compile: impl FnOnce(&str) -> Result<LabelRegex, Error>,
    ) -> Result<Self, Error> {
        let regex = matcher.op().is_regex().then(|| compile(matcher.value())).transpose()?;
        Ok(Self { matcher, regex })
    }

    fn holds(&self, labels: &Labels) -> bool {
        self.holds_for(labels.get(self.matcher.name()).unwrap_or_default())
    }

    /// Whether it holds where the label has this value.
    fn holds_for(&self, value: &str) -> bool {
        let equal = match &self.regex {
            Some(regex) => regex.is_match(value),
            None => self.matcher.value() == value,
        };
        equal != self.matcher.op().is_negative()
    }
}

fn compile(pattern: &str) -> Result<LabelRegex, Error> {
    LabelRegex::new(pattern).map_err(|error| Error::caused(ErrorKind::Invalid, error))
}

struct Set<L, C>(std::vec::IntoIter<Rows<L, C>>);

impl<'a, L, C> SeriesSet<'a> for Set<L, C>
where
    L: Borrow<Labels> + Send + Sync + 'a,
    C: Borrow<Columns> + Send + Sync + 'a,
{
    fn advance(&mut self) -> Result<Option<Box<dyn Series + 'a>>, Error> {
        Ok(self.0.next().map(|rows| Box::new(rows) as Box<dyn Series + 'a>))
    }
}

/// A series and the range that was asked for.
struct Rows<L, C> {
    labels: L,
    columns: C,
    range: TimeRange,
    /// Whether only the newest sample is looked at.
    newest: bool,
}

impl<L, C: Borrow<Columns>> Rows<L, C> {
    fn is_empty(&self) -> bool {
        self.floats().is_empty() && self.histograms().is_empty()
    }

    fn floats(&self) -> Range<usize> {
        self.within(&self.columns.borrow().timestamps)
    }

    fn histograms(&self) -> Range<usize> {
        self.within(&self.columns.borrow().histogram_timestamps)
    }

    fn within(&self, times: &[i64]) -> Range<usize> {
        // What is asked for is at the end of most tables.
        let end = match times.last() {
            Some(last) if *last <= self.range.end.as_millis() => times.len(),
            _ => times.partition_point(|t| *t <= self.range.end.as_millis()),
        };
        let start = self.range.start.as_millis();
        if self.newest {
            let is_within = end.checked_sub(1).is_some_and(|at| start <= times[at]);
            return end - usize::from(is_within)..end;
        }
        times[..end].partition_point(|t| *t < start)..end
    }

    fn copy_to(&self, columns: &mut Columns) {
        let (from, floats, histograms) = (self.columns.borrow(), self.floats(), self.histograms());
        let starts = from.start_timestamps.get(floats.clone()).unwrap_or_default();
        columns.start_timestamps.extend_from_slice(starts);
        columns.timestamps.extend_from_slice(&from.timestamps[floats.clone()]);
        columns.values.extend_from_slice(&from.values[floats]);
        let starts = from.histogram_start_timestamps.get(histograms.clone()).unwrap_or_default();
        columns.histogram_start_timestamps.extend_from_slice(starts);
        columns
            .histogram_timestamps
            .extend_from_slice(&from.histogram_timestamps[histograms.clone()]);
        columns.histograms.extend_from_slice(&from.histograms[histograms]);
    }
}

impl<L, C> Series for Rows<L, C>
where
    L: Borrow<Labels> + Send + Sync,
    C: Borrow<Columns> + Send + Sync,
{
    fn labels(&self) -> &dyn LabelSet {
        self.labels.borrow()
    }

    fn cursor(&self) -> Box<dyn SampleCursor + '_> {
        Box::new(Cursor(Some(self)))
    }
}

/// Copies everything at once.
struct Cursor<'a, L, C>(Option<&'a Rows<L, C>>);

impl<L, C> SampleCursor for Cursor<'_, L, C>
where
    L: Send + Sync,
    C: Borrow<Columns> + Send + Sync,
{
    fn read(&mut self, columns: &mut Columns) -> Result<bool, Error> {
        if let Some(rows) = self.0.take() {
            rows.copy_to(columns);
        }
        Ok(false)
    }
}

#[cfg(test)]
mod tests {
    use skopos_testkit::conformance;

    use super::*;

    #[test]
    fn a_table_keeps_the_laws_of_reading() {
        conformance::series_source(|fixture| {
            fixture.series.iter().map(|(labels, s)| (labels.clone(), s.clone())).collect::<Table>()
        });
    }

    #[cfg(feature = "engine")]
    #[test]
    fn an_engine_over_a_table_keeps_the_laws_of_engines() {
        let labels = Labels::from_pairs([("__name__", "up"), ("job", "a")]);
        let table = Table::from_iter([(labels, vec![Sample::new(1_000_000, 1.0)])]);
        let engine = crate::Engine::new(table, crate::EngineOptions::default());
        for valid in ["up", "sum by (job) (up)", "1 + 1", "up[5m]", "\"text\""] {
            conformance::query_engine(&engine, valid, "sum(up");
        }
    }

    #[test]
    fn a_series_that_comes_again_is_continued() {
        let labels = Labels::from_pairs([("a", "1")]);
        let parts = [1, 2].map(|t| (labels.clone(), vec![Sample::new(t, 0.0)]));
        let mut table = Table::from_iter(parts);
        assert_eq!(table.len(), 1);
        assert_eq!(table.columns_mut(&labels).timestamps, [1, 2]);
    }
}
