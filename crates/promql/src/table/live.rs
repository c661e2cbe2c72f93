//! A table that is written while it is read: for rehearsals and small embedded stores.
//!
//! Everything stays in memory and uncompressed; a selection with conditions on the metric's name looks at
//! the series of the names that fulfil them, any other at all series. Nothing is ever let go.

use std::num::NonZeroU64;
use std::sync::{Arc, Mutex, PoisonError, RwLock, RwLockReadGuard, RwLockWriteGuard};

use hashbrown::HashMap;
use skopos_core::ingest::HistogramSample;
use skopos_core::labels::METRIC_NAME;
use skopos_core::{
    Appender, Columns, Error, ErrorKind, FloatHistogram, Ingest, LabelSet, Labels, MatchOp,
    Matcher, ResetHint, Sample, SampleValue, Selection, SeriesRef, SeriesSet, SeriesSource,
    Timestamp, is_stale_nan,
};
use skopos_regex::LabelRegex;

use super::{Condition, Rows, Set, compile};
use crate::histogram::detect_reset;

/// Series that are appended to and queried at the same time.
///
/// Samples are taken in the order of their times, as Prometheus' store takes them: an earlier one is
/// `OutOfOrder`, another value at the same time a `Duplicate`, a staleness marker after a histogram is
/// a histogram's, and a histogram's reset hint becomes what the store knows of it.
///
/// ```
/// use skopos_core::{Ingest, Labels, QueryEngine, QueryRequest, QueryValue, Sample, Timestamp};
/// use skopos_promql::{Engine, EngineOptions, LiveTable};
///
/// let table = LiveTable::new();
/// let engine = Engine::new(&table, EngineOptions::default());
/// let up = Labels::from_pairs([("__name__", "up"), ("job", "api")]);
///
/// let mut batch = table.appender();
/// batch.append(None, &up, Sample::new(15_000, 1.0))?;
/// batch.commit()?;
///
/// let request = QueryRequest::instant("up", Timestamp::from_millis(20_000));
/// let QueryValue::Vector(vector) = engine.query(&request)?.value else { unreachable!() };
/// assert_eq!(vector[0].labels, up);
/// # Ok::<(), skopos_core::Error>(())
/// ```
#[derive(Debug, Default)]
pub struct LiveTable {
    state: RwLock<State>,
    /// Expressions of selections, compiled: the same queries come again and again.
    expressions: Mutex<HashMap<String, LabelRegex>>,
}

/// How many expressions are remembered; when there are more, all are compiled anew.
const MAX_EXPRESSIONS: usize = 1000;

#[derive(Debug, Default)]
struct State {
    series: Vec<Live>,
    by_labels: HashMap<Labels, usize>,
    /// Positions by metric name.
    by_name: HashMap<String, Vec<usize>>,
}

/// A series; readers hold its columns while others append.
#[derive(Debug)]
struct Live {
    labels: Labels,
    columns: Arc<Columns>,
    end: End,
}

/// The end of a series: what an append has to know.
#[derive(Clone, Debug, Default)]
struct End {
    newest: Option<(i64, Value)>,
}

/// A sample's value, as the table keeps it.
#[derive(Clone, Debug)]
enum Value {
    Float(f64),
    Histogram(FloatHistogram),
}

impl LiveTable {
    /// A table without series.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// How many series have samples. Linear in their number.
    #[must_use]
    pub fn len(&self) -> usize {
        self.read().series.iter().filter(|series| series.end.newest.is_some()).count()
    }

    /// Whether no series has samples.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// Appends one sample to a series, visible at once; `start` is the time since which a counter
    /// counts, where that is known.
    ///
    /// # Errors
    ///
    /// Those of [`Appender::append`].
    pub fn push(
        &self,
        labels: &Labels,
        t: Timestamp,
        start: Option<Timestamp>,
        value: &SampleValue,
    ) -> Result<(), Error> {
        check(labels)?;
        let value = match value {
            SampleValue::Float(v) => Value::Float(*v),
            SampleValue::Histogram(histogram) => Value::Histogram(histogram.as_ref().clone()),
        };
        let mut state = self.write();
        let at = state.position(labels);
        let series = &mut state.series[at];
        if let Some(value) = series.end.accept(t.as_millis(), value)? {
            series.push(t.as_millis(), start.map_or(0, Timestamp::as_millis), value);
        }
        Ok(())
    }

    /// The conditions that a series must fulfil, those for the metric's name first.
    fn conditions<'m>(
        &self,
        matchers: &'m [Matcher],
    ) -> Result<(Vec<Condition<'m>>, Vec<Condition<'m>>), Error> {
        let condition = |m| Condition::with(m, |pattern| self.expression(pattern));
        let (names, rest): (Vec<_>, Vec<_>) =
            matchers.iter().partition(|matcher| matcher.name() == METRIC_NAME);
        let all = |matchers: Vec<&'m Matcher>| {
            matchers.into_iter().map(condition).collect::<Result<Vec<_>, _>>()
        };
        Ok((all(names)?, all(rest)?))
    }

    fn expression(&self, pattern: &str) -> Result<LabelRegex, Error> {
        let mut known = self.expressions.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(regex) = known.get(pattern) {
            return Ok(regex.clone());
        }
        let regex = compile(pattern)?;
        if known.len() == MAX_EXPRESSIONS {
            known.clear();
        }
        known.insert(pattern.to_owned(), regex.clone());
        Ok(regex)
    }

    fn read(&self) -> RwLockReadGuard<'_, State> {
        self.state.read().unwrap_or_else(PoisonError::into_inner)
    }

    fn write(&self) -> RwLockWriteGuard<'_, State> {
        self.state.write().unwrap_or_else(PoisonError::into_inner)
    }
}

impl State {
    /// Where a series stands; an unknown one is added, without samples.
    fn position(&mut self, labels: &Labels) -> usize {
        if let Some(at) = self.by_labels.get(labels) {
            return *at;
        }
        let (at, labels) = (self.series.len(), labels.clone());
        let name = labels.metric_name().unwrap_or_default();
        self.by_name.entry_ref(name).or_default().push(at);
        self.by_labels.insert(labels.clone(), at);
        self.series.push(Live { labels, columns: Arc::default(), end: End::default() });
        at
    }

    /// The series of the metrics for whose names all conditions hold.
    fn candidates(&self, names: &[Condition<'_>]) -> Box<dyn Iterator<Item = &Live> + '_> {
        let is_equality = |condition: &&Condition<'_>| condition.matcher.op() == MatchOp::Equal;
        let chosen: Vec<&Vec<usize>> = if names.is_empty() {
            return Box::new(self.series.iter());
        } else if let Some(condition) = names.iter().find(is_equality) {
            let name = condition.matcher.value();
            let found = self.by_name.get(name).into_iter();
            found.filter(|_| names.iter().all(|condition| condition.holds_for(name))).collect()
        } else {
            let holds = |name: &str| names.iter().all(|condition| condition.holds_for(name));
            self.by_name.iter().filter(|(name, _)| holds(name)).map(|(_, at)| at).collect()
        };
        Box::new(chosen.into_iter().flatten().map(|at| &self.series[*at]))
    }
}

impl End {
    /// Checks a sample against the end of its series, which it becomes. Gives what is to be stored:
    /// nothing for a sample that is there already.
    fn accept(&mut self, t: i64, value: Value) -> Result<Option<Value>, Error> {
        if let Some((newest, last)) = &self.newest {
            if t < *newest {
                return Err(Error::new(ErrorKind::OutOfOrder, "out of order sample"));
            }
            if t == *newest {
                let same = last.is_same(&value);
                let duplicate =
                    || Error::new(ErrorKind::Duplicate, "duplicate sample for timestamp");
                return if same { Ok(None) } else { Err(duplicate()) };
            }
        }
        let value = self.stored(value);
        self.newest = Some((t, value.clone()));
        Ok(Some(value))
    }

    /// What reads back of a value.
    fn stored(&self, value: Value) -> Value {
        let last = match &self.newest {
            Some((_, Value::Histogram(last))) => Some(last),
            _ => None,
        };
        match value {
            // Staleness after a histogram is a histogram's.
            Value::Float(sum) if is_stale_nan(sum) && last.is_some() => {
                Value::Histogram(FloatHistogram { sum, ..FloatHistogram::default() })
            }
            Value::Histogram(mut histogram) => {
                histogram.reset_hint = stored_hint(&histogram, last);
                Value::Histogram(histogram)
            }
            Value::Float(_) => value,
        }
    }
}

/// What a histogram's hint reads as: a chunk knows it of all but its first histogram.
fn stored_hint(histogram: &FloatHistogram, last: Option<&FloatHistogram>) -> ResetHint {
    if histogram.reset_hint == ResetHint::Gauge {
        return ResetHint::Gauge;
    }
    let Some(last) = last else { return ResetHint::Unknown };
    let mut plain = histogram.clone();
    plain.reset_hint = ResetHint::Unknown;
    let begins_chunk = histogram.reset_hint == ResetHint::Reset
        || last.reset_hint == ResetHint::Gauge
        || is_stale_nan(last.sum) != is_stale_nan(histogram.sum)
        || last.schema != histogram.schema
        || last.zero_threshold.to_bits() != histogram.zero_threshold.to_bits()
        || last.custom_values != histogram.custom_values
        || detect_reset(&plain, last);
    if begins_chunk { ResetHint::Unknown } else { ResetHint::NotReset }
}

impl Value {
    fn is_same(&self, other: &Self) -> bool {
        match (self, other) {
            (Self::Float(a), Self::Float(b)) => a.to_bits() == b.to_bits(),
            (Self::Histogram(a), Self::Histogram(b)) => a == b,
            // A marker that became a histogram's.
            (Self::Histogram(a), Self::Float(b)) => a.sum.to_bits() == b.to_bits(),
            (Self::Float(_), Self::Histogram(_)) => false,
        }
    }
}

impl Live {
    fn push(&mut self, t: i64, start: i64, value: Value) {
        // Copied only if somebody reads the series at this moment.
        let columns = Arc::make_mut(&mut self.columns);
        match value {
            Value::Float(v) => {
                columns.push(t, v);
                columns.start_timestamps.push(start);
            }
            Value::Histogram(histogram) => {
                columns.push_histogram(t, histogram);
                columns.histogram_start_timestamps.push(start);
            }
        }
    }
}

/// The series come in the order of their labels, those without a sample in the range left out.
impl SeriesSource for LiveTable {
    fn select<'a>(&'a self, selection: &Selection) -> Result<Box<dyn SeriesSet<'a> + 'a>, Error> {
        let matchers = selection.matchers();
        let (names, conditions) = self.conditions(matchers)?;
        let (range, newest) = (selection.range(), selection.hints().newest);
        let state = self.read();
        let mut chosen: Vec<Rows<Labels, Arc<Columns>>> = state
            .candidates(&names)
            .filter(|series| conditions.iter().all(|condition| condition.holds(&series.labels)))
            .filter(|series| {
                !Rows { labels: (), columns: &*series.columns, range, newest: true }.is_empty()
            })
            .map(|series| {
                let columns = Arc::clone(&series.columns);
                Rows { labels: series.labels.clone(), columns, range, newest }
            })
            .collect();
        drop(state);
        chosen.sort_by(|a, b| a.labels.cmp(&b.labels));
        if selection.limit() != 0 {
            chosen.truncate(selection.limit());
        }
        Ok(Box::new(Set(chosen.into_iter())))
    }
}

impl Ingest for LiveTable {
    fn appender(&self) -> Box<dyn Appender + '_> {
        Box::new(Batch { table: self, ends: HashMap::new(), samples: Vec::new() })
    }
}

/// Samples that wait for their commit.
struct Batch<'a> {
    table: &'a LiveTable,
    /// The ends of the series that the batch appends to, as they will be.
    ends: HashMap<usize, End>,
    samples: Vec<(usize, i64, Value)>,
}

impl Batch<'_> {
    fn add(
        &mut self,
        series: Option<SeriesRef>,
        labels: &dyn LabelSet,
        t: Timestamp,
        value: Value,
    ) -> Result<SeriesRef, Error> {
        let at = self.position(series, &labels.to_labels())?;
        let end = self.ends.entry(at).or_insert_with(|| self.table.read().series[at].end.clone());
        if end.accept(t.as_millis(), value.clone())?.is_some() {
            self.samples.push((at, t.as_millis(), value));
        }
        Ok(reference(at))
    }

    fn position(&self, series: Option<SeriesRef>, labels: &Labels) -> Result<usize, Error> {
        if let Some(at) = series.and_then(position_of) {
            let state = self.table.read();
            if state.series.get(at).is_some_and(|series| series.labels == *labels) {
                return Ok(at);
            }
        }
        check(labels)?;
        Ok(self.table.write().position(labels))
    }
}

impl Appender for Batch<'_> {
    fn append(
        &mut self,
        series: Option<SeriesRef>,
        labels: &dyn LabelSet,
        sample: Sample,
    ) -> Result<SeriesRef, Error> {
        self.add(series, labels, sample.t, Value::Float(sample.v))
    }

    fn append_histogram(
        &mut self,
        series: Option<SeriesRef>,
        labels: &dyn LabelSet,
        t: Timestamp,
        histogram: &HistogramSample,
    ) -> Result<SeriesRef, Error> {
        self.add(series, labels, t, Value::Histogram(histogram.to_float()))
    }

    fn commit(self: Box<Self>) -> Result<(), Error> {
        let mut state = self.table.write();
        for (at, t, value) in self.samples {
            let series = &mut state.series[at];
            // Another batch may have been faster; what is earlier than its samples is dropped.
            if let Ok(Some(value)) = series.end.accept(t, value) {
                series.push(t, 0, value);
            }
        }
        Ok(())
    }

    fn rollback(self: Box<Self>) {}
}

fn reference(at: usize) -> SeriesRef {
    SeriesRef(NonZeroU64::MIN.saturating_add(at as u64))
}

fn position_of(series: SeriesRef) -> Option<usize> {
    usize::try_from(series.0.get() - 1).ok()
}

/// Refuses labels that no series can have.
fn check(labels: &Labels) -> Result<(), Error> {
    let mut last = "";
    let mut sound = !labels.is_empty();
    for (name, value) in labels {
        sound &= last < name && !value.is_empty();
        last = name;
    }
    let message = "labels of a series must not be empty and must be in the order of names";
    if sound { Ok(()) } else { Err(Error::new(ErrorKind::Invalid, message)) }
}

#[cfg(test)]
mod tests {
    use skopos_core::TimeRange;
    use skopos_testkit::conformance;

    use super::*;

    #[test]
    fn a_live_table_keeps_the_laws_of_writing() {
        conformance::ingest(LiveTable::new);
    }

    #[test]
    fn a_live_table_keeps_the_laws_of_reading() {
        conformance::series_source(|fixture| {
            let table = LiveTable::new();
            fixture.write_to(&table);
            table
        });
    }

    #[test]
    fn what_is_read_does_not_change_under_the_reader() {
        let table = LiveTable::new();
        let labels = Labels::from_pairs([("__name__", "a")]);
        let one = SampleValue::Float(1.0);
        table.push(&labels, Timestamp::from_millis(1), None, &one).unwrap();
        let mut set = table.select(&Selection::new([], TimeRange::ALL)).unwrap();
        table.push(&labels, Timestamp::from_millis(2), None, &one).unwrap();
        let series = set.advance().unwrap().unwrap();
        let mut columns = Columns::new();
        series.read_all(&mut columns).unwrap();
        assert_eq!(columns.timestamps, [1]);
        assert_eq!(table.len(), 1);
    }
}
