//! Batches of writes.
//!
//! An append checks a sample against what is committed and against the batch, and keeps it aside; a
//! commit pushes the samples into their chunks while the gate is half open, so that no query takes
//! its snapshot meanwhile.

use std::sync::Arc;
use std::sync::atomic::Ordering;

use hashbrown::HashMap;
use skopos_core::{
    Appender, Error, ErrorKind, HistogramSample, LabelSet, Metadata, Sample, SeriesRef, Timestamp,
};

use super::Head;
use super::counters::Outcome;
use super::series::{MemSeries, NEVER};

/// How many batches' memory is kept for later ones.
const SPARE_BATCHES: usize = 16;
/// A batch that had room for more samples than this gives its memory back.
const SPARE_SAMPLES: usize = 1 << 16;

/// An open batch.
pub(super) struct HeadAppender<'a> {
    head: &'a Head,
    /// Samples before this time are refused, for the whole batch.
    earliest: i64,
    batch: Batch,
}

/// What a batch holds. Its memory is used again by later ones.
#[derive(Debug, Default)]
pub(super) struct Batch {
    touched: Vec<Touched>,
    /// From references to positions in `touched`.
    positions: HashMap<SeriesRef, usize>,
    samples: Vec<Pending>,
    metadata: Vec<(String, Metadata)>,
}

/// A series that the batch has samples for.
#[derive(Debug)]
struct Touched {
    series: Arc<MemSeries>,
    /// Whether the catalog did not have it when it was touched.
    is_new: bool,
    /// The last sample, of the batch or else the committed one: its time and its value's bits.
    last: Option<(i64, u64)>,
}

#[derive(Debug)]
struct Pending {
    /// A position in `touched`.
    series: usize,
    t: i64,
    v: f64,
}

impl<'a> HeadAppender<'a> {
    pub(super) fn new(head: &'a Head) -> Self {
        Self {
            head,
            earliest: head.earliest_accepted(),
            batch: head.spare_batches().pop().unwrap_or_default(),
        }
    }

    /// The position in `touched` of the series that the reference or the labels name.
    fn touch(
        &mut self,
        reference: Option<SeriesRef>,
        labels: &dyn LabelSet,
    ) -> Result<usize, Error> {
        if let Some(reference) = reference {
            if let Some(at) = self.batch.positions.get(&reference) {
                return Ok(*at);
            }
            let known = self.head.stripes.by_reference(reference);
            if let Some(at) = known.and_then(|series| self.enter(series)) {
                return Ok(at);
            }
        }
        loop {
            let series = self.head.stripes.get_or_create(labels)?;
            if let Some(at) = self.batch.positions.get(&series.reference) {
                return Ok(*at);
            }
            // Between the two steps the series may be forgotten; then it is made anew.
            if let Some(at) = self.enter(series) {
                return Ok(at);
            }
        }
    }

    /// Makes a series part of the batch, unless the head forgot it.
    fn enter(&mut self, series: Arc<MemSeries>) -> Option<usize> {
        let state = series.lock();
        if state.forgotten {
            return None;
        }
        series.enter_batch();
        let last = state.chunks.last().map(|(t, v)| (t, v.to_bits()));
        let is_new = state.id.is_none();
        drop(state);
        let at = self.batch.touched.len();
        self.batch.positions.insert(series.reference, at);
        self.batch.touched.push(Touched { series, is_new, last });
        Some(at)
    }

    fn check_bounds(&self, t: Timestamp) -> Result<(), Error> {
        if t.as_millis() == NEVER || t.as_millis() < self.earliest {
            self.head.counters.out_of_bounds.fetch_add(1, Ordering::Relaxed);
            return Err(out_of_bounds(t));
        }
        Ok(())
    }

    /// Pushes all samples into their chunks.
    fn apply(&self) -> Outcome {
        let (range, earliest) = (self.head.options.chunk_range(), self.head.window.start());
        let mut outcome = Outcome::default();
        // Samples of one series often stand together; then its lock is taken once.
        for run in self.batch.samples.chunk_by(|a, b| a.series == b.series) {
            let series = &self.batch.touched[run[0].series].series;
            let mut state = series.lock();
            for sample in run {
                match state.chunks.last() {
                    Some((t, v)) if t == sample.t && v.to_bits() == sample.v.to_bits() => {}
                    Some((t, _)) if sample.t <= t => outcome.count_overtaken(),
                    _ if sample.t < earliest => outcome.count_overtaken(),
                    _ => {
                        let added = state.chunks.push(sample.t, sample.v, range);
                        outcome.count(sample.t, added);
                    }
                }
            }
            series.publish(&state);
        }
        if let Some((first, last)) = outcome.times() {
            self.head.counters.widen(first, last);
        }
        outcome
    }

    /// Makes series that have their first samples now known to queries.
    fn add_to_catalog(&self) -> Result<(), Error> {
        let mut new = self.batch.touched.iter().filter(|touched| touched.is_new).peekable();
        if new.peek().is_none() && self.batch.metadata.is_empty() {
            return Ok(());
        }
        let mut catalog = self.head.catalog_mut();
        new.try_for_each(|touched| catalog.add(&touched.series))?;
        catalog.metadata.extend(self.batch.metadata.iter().cloned());
        Ok(())
    }

    /// Ends the batch: series that have no sample after all are forgotten.
    fn leave(&mut self) {
        for touched in self.batch.touched.drain(..) {
            touched.series.leave_batch();
            if touched.series.times().is_none() {
                self.head.forget_if_idle(&touched.series);
            }
        }
        self.batch.positions.clear();
        self.batch.samples.clear();
        self.batch.metadata.clear();
    }
}

impl Appender for HeadAppender<'_> {
    fn append(
        &mut self,
        series: Option<SeriesRef>,
        labels: &dyn LabelSet,
        sample: Sample,
    ) -> Result<SeriesRef, Error> {
        self.check_bounds(sample.t)?;
        let at = self.touch(series, labels)?;
        let touched = &mut self.batch.touched[at];
        let (t, bits) = (sample.t.as_millis(), sample.v.to_bits());
        match touched.last {
            Some((last, _)) if t < last => {
                self.head.counters.out_of_order.fetch_add(1, Ordering::Relaxed);
                return Err(out_of_order(sample.t, last));
            }
            Some((last, old)) if t == last && bits != old => {
                self.head.counters.duplicates.fetch_add(1, Ordering::Relaxed);
                return Err(duplicate(sample, f64::from_bits(old)));
            }
            Some((last, _)) if t == last => {}
            _ => {
                touched.last = Some((t, bits));
                self.batch.samples.push(Pending { series: at, t, v: sample.v });
            }
        }
        Ok(touched.series.reference)
    }

    fn append_histogram(
        &mut self,
        _series: Option<SeriesRef>,
        _labels: &dyn LabelSet,
        _t: Timestamp,
        histogram: &HistogramSample,
    ) -> Result<SeriesRef, Error> {
        let encoding = match histogram {
            HistogramSample::Float(_) => "float histogram",
            HistogramSample::Integer(_) => "histogram",
        };
        let message = format!(
            "native histograms are not stored by this version of skopos: it has no {encoding} chunks"
        );
        Err(Error::new(ErrorKind::Unsupported, message))
    }

    fn set_metadata(&mut self, series: SeriesRef, metadata: &Metadata) -> Result<(), Error> {
        let touched =
            self.batch.positions.get(&series).map(|at| Arc::clone(&self.batch.touched[*at].series));
        let known = touched.or_else(|| self.head.stripes.by_reference(series));
        let Some(series) = known else {
            let message = format!("metadata for series {}, which is not known", series.0);
            return Err(Error::new(ErrorKind::NotFound, message));
        };
        if let Some(metric) = series.labels.metric_name() {
            self.batch.metadata.push((metric.to_owned(), metadata.clone()));
        }
        Ok(())
    }

    fn commit(mut self: Box<Self>) -> Result<(), Error> {
        let result = {
            let _commit = self.head.begin_commit();
            self.add_to_catalog().map(|()| self.apply())
        };
        self.leave();
        self.head.counters.record(&result?);
        Ok(())
    }

    fn rollback(self: Box<Self>) {}
}

impl Drop for HeadAppender<'_> {
    fn drop(&mut self) {
        self.leave();
        let mut spare = self.head.spare_batches();
        if spare.len() < SPARE_BATCHES && self.batch.samples.capacity() <= SPARE_SAMPLES {
            spare.push(std::mem::take(&mut self.batch));
        }
    }
}

#[cold]
fn out_of_bounds(t: Timestamp) -> Error {
    let message = format!("out of bounds: the sample at {t} is older than the head accepts");
    Error::new(ErrorKind::OutOfBounds, message)
}

#[cold]
fn out_of_order(t: Timestamp, last: i64) -> Error {
    let message = format!("out of order sample: {t} is before {last}, the newest of the series");
    Error::new(ErrorKind::OutOfOrder, message)
}

#[cold]
fn duplicate(sample: Sample, old: f64) -> Error {
    let Sample { t, v } = sample;
    let message =
        format!("duplicate sample for timestamp {t}: existing value {old}, new value {v}");
    Error::new(ErrorKind::Duplicate, message)
}
