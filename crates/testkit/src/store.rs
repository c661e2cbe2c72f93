//! The simplest store: a sorted map from labels to sorted samples, behind one lock.
//!
//! It keeps every law of [`SeriesSource`] and [`Ingest`] and nothing else: no limits, no retention,
//! a copy of everything selected.

use std::collections::BTreeMap;
use std::num::NonZeroU64;
use std::sync::{Mutex, PoisonError};

use skopos_core::ingest::HistogramSample;
use skopos_core::{
    Appender, Columns, Error, ErrorKind, FloatHistogram, Ingest, LabelSet, Labels, Metadata,
    Sample, SampleCursor, Selection, Series, SeriesRef, SeriesSet, SeriesSource, TimeRange,
    Timestamp,
};

use crate::matching::matches_all;

/// A value of either kind, as the store keeps it.
#[derive(Clone, Debug, PartialEq)]
enum Value {
    Float(u64),
    Histogram(FloatHistogram),
}

/// One series' samples, ascending and distinct in time.
type Samples = Vec<(i64, Value)>;

#[derive(Debug, Default)]
struct State {
    series: BTreeMap<Labels, Samples>,
    /// Labels by reference: the first has reference 1.
    refs: Vec<Labels>,
    metadata: BTreeMap<String, Metadata>,
}

/// A naive in-memory store for tests.
///
/// Samples of a batch are checked against what is committed and what stands before them in the
/// batch; a commit is atomic because readers copy under the same lock.
#[derive(Debug, Default)]
pub struct MemoryStore {
    state: Mutex<State>,
}

impl MemoryStore {
    /// An empty store.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// A store that holds float samples of some series.
    ///
    /// # Panics
    ///
    /// If a series' samples are not ascending in time.
    #[must_use]
    pub fn with_series<'a>(
        series: impl IntoIterator<Item = (&'a [(&'a str, &'a str)], Vec<(i64, f64)>)>,
    ) -> Self {
        let store = Self::new();
        let mut appender = store.appender();
        for (labels, samples) in series {
            let labels = Labels::from_pairs(labels.iter().copied());
            for (millis, v) in samples {
                appender
                    .append(None, &labels, Sample::new(millis, v))
                    .expect("samples of a fixture ascend in time");
            }
        }
        appender.commit().expect("a commit to memory cannot fail");
        store
    }

    /// The labels of all series, in order.
    #[must_use]
    pub fn series(&self) -> Vec<Labels> {
        self.with_state(|state| state.series.keys().cloned().collect())
    }

    /// The float samples of a series, markers included; empty if there is no such series.
    #[must_use]
    pub fn floats(&self, labels: &Labels) -> Vec<Sample> {
        self.with_state(|state| {
            let samples = state.series.get(labels).into_iter().flatten();
            samples
                .filter_map(|(t, value)| match value {
                    Value::Float(bits) => Some(Sample::new(*t, f64::from_bits(*bits))),
                    Value::Histogram(_) => None,
                })
                .collect()
        })
    }

    /// What was last said of a metric family through an appender.
    #[must_use]
    pub fn metadata(&self, metric: &str) -> Option<Metadata> {
        self.with_state(|state| state.metadata.get(metric).cloned())
    }

    fn with_state<T>(&self, f: impl FnOnce(&mut State) -> T) -> T {
        f(&mut self.state.lock().unwrap_or_else(PoisonError::into_inner))
    }
}

impl SeriesSource for MemoryStore {
    fn select<'a>(&'a self, selection: &Selection) -> Result<Box<dyn SeriesSet<'a> + 'a>, Error> {
        let mut found = self.with_state(|state| {
            let mut found = Vec::new();
            for (labels, samples) in &state.series {
                if !matches_all(selection.matchers(), labels)? {
                    continue;
                }
                let samples = in_range(samples, selection.range());
                if !samples.is_empty() {
                    found.push(CopiedSeries { labels: labels.clone(), samples });
                }
            }
            Ok::<_, Error>(found)
        })?;
        if selection.limit() != 0 {
            found.truncate(selection.limit());
        }
        Ok(Box::new(CopiedSet { series: found.into_iter() }))
    }
}

fn in_range(samples: &Samples, range: TimeRange) -> Samples {
    let inside = |t: i64| range.contains(Timestamp::from_millis(t));
    samples.iter().filter(|(t, _)| inside(*t)).cloned().collect()
}

struct CopiedSet {
    series: std::vec::IntoIter<CopiedSeries>,
}

impl<'a> SeriesSet<'a> for CopiedSet {
    fn advance(&mut self) -> Result<Option<Box<dyn Series + 'a>>, Error> {
        Ok(self.series.next().map(|series| Box::new(series) as Box<dyn Series>))
    }
}

struct CopiedSeries {
    labels: Labels,
    samples: Samples,
}

impl Series for CopiedSeries {
    fn labels(&self) -> &dyn LabelSet {
        &self.labels
    }

    fn cursor(&self) -> Box<dyn SampleCursor + '_> {
        Box::new(CopiedCursor { batches: self.samples.chunks(BATCH) })
    }
}

/// Small, so that every test of a consumer meets a border between batches.
const BATCH: usize = 7;

struct CopiedCursor<'a> {
    batches: std::slice::Chunks<'a, (i64, Value)>,
}

impl SampleCursor for CopiedCursor<'_> {
    fn read(&mut self, columns: &mut Columns) -> Result<bool, Error> {
        let Some(batch) = self.batches.next() else { return Ok(false) };
        for (t, value) in batch {
            match value {
                Value::Float(bits) => columns.push(*t, f64::from_bits(*bits)),
                Value::Histogram(histogram) => columns.push_histogram(*t, histogram.clone()),
            }
        }
        Ok(self.batches.len() != 0)
    }
}

impl Ingest for MemoryStore {
    fn appender(&self) -> Box<dyn Appender + '_> {
        Box::new(MemoryAppender {
            store: self,
            pending: BTreeMap::new(),
            metadata: BTreeMap::new(),
        })
    }
}

struct MemoryAppender<'a> {
    store: &'a MemoryStore,
    pending: BTreeMap<Labels, Samples>,
    metadata: BTreeMap<String, Metadata>,
}

impl MemoryAppender<'_> {
    fn push(
        &mut self,
        series: Option<SeriesRef>,
        labels: &dyn LabelSet,
        t: i64,
        value: Value,
    ) -> Result<SeriesRef, Error> {
        let given = labels.to_labels();
        if given.is_empty() {
            return Err(Error::new(ErrorKind::Invalid, "a series needs at least one label"));
        }
        let pending = &mut self.pending;
        self.store.with_state(|state| {
            let known = series.and_then(|r| state.labels_of(r)).cloned();
            let labels = known.unwrap_or(given);
            let before = pending.get(&labels).and_then(|samples| samples.last());
            let before = before.or_else(|| state.series.get(&labels)?.last());
            match before {
                Some((last, _)) if t < *last => {
                    return Err(Error::new(ErrorKind::OutOfOrder, "out of order sample"));
                }
                Some((last, old)) if t == *last && *old != value => {
                    return Err(Error::new(ErrorKind::Duplicate, "duplicate sample for timestamp"));
                }
                Some((last, _)) if t == *last => return Ok(state.intern(&labels)),
                _ => {}
            }
            let reference = state.intern(&labels);
            pending.entry(labels).or_default().push((t, value));
            Ok(reference)
        })
    }
}

impl State {
    fn labels_of(&self, series: SeriesRef) -> Option<&Labels> {
        let at = usize::try_from(series.0.get()).ok()?;
        self.refs.get(at.checked_sub(1)?)
    }

    fn intern(&mut self, labels: &Labels) -> SeriesRef {
        let at = self.refs.iter().position(|known| known == labels).unwrap_or_else(|| {
            self.refs.push(labels.clone());
            self.refs.len() - 1
        });
        SeriesRef(NonZeroU64::MIN.saturating_add(at as u64))
    }
}

impl Appender for MemoryAppender<'_> {
    fn append(
        &mut self,
        series: Option<SeriesRef>,
        labels: &dyn LabelSet,
        sample: Sample,
    ) -> Result<SeriesRef, Error> {
        self.push(series, labels, sample.t.as_millis(), Value::Float(sample.v.to_bits()))
    }

    fn append_histogram(
        &mut self,
        series: Option<SeriesRef>,
        labels: &dyn LabelSet,
        t: Timestamp,
        histogram: &HistogramSample,
    ) -> Result<SeriesRef, Error> {
        self.push(series, labels, t.as_millis(), Value::Histogram(histogram.to_float()))
    }

    fn set_metadata(&mut self, series: SeriesRef, metadata: &Metadata) -> Result<(), Error> {
        let labels = self.store.with_state(|state| state.labels_of(series).cloned());
        if let Some(name) = labels.as_ref().and_then(Labels::metric_name) {
            self.metadata.insert(name.to_owned(), metadata.clone());
        }
        Ok(())
    }

    fn commit(self: Box<Self>) -> Result<(), Error> {
        let Self { store, pending, metadata } = *self;
        store.with_state(|state| {
            for (labels, samples) in pending {
                state.series.entry(labels).or_default().extend(samples);
            }
            state.metadata.extend(metadata);
        });
        Ok(())
    }

    fn rollback(self: Box<Self>) {}
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::conformance;

    #[test]
    fn the_naive_store_keeps_the_laws_of_writing() {
        conformance::ingest(MemoryStore::new);
    }

    #[test]
    fn the_naive_store_keeps_the_laws_of_reading() {
        conformance::series_source(|fixture| {
            let store = MemoryStore::new();
            fixture.write_to(&store);
            store
        });
    }

    #[test]
    fn metadata_is_kept_by_metric_and_only_when_committed() {
        let store = MemoryStore::new();
        let labels = Labels::from_pairs([("__name__", "up"), ("job", "a")]);
        let help = Metadata { help: "Whether it is up.".into(), ..Metadata::default() };
        let mut appender = store.appender();
        let series = appender.append(None, &labels, Sample::new(0, 1.0)).unwrap();
        appender.set_metadata(series, &help).unwrap();
        assert_eq!(store.metadata("up"), None);
        appender.commit().unwrap();
        assert_eq!(store.metadata("up"), Some(help));
    }
}
