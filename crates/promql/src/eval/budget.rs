//! What a query may use, what it uses now, and what it has used.
//!
//! Everything is counted before the memory for it is taken, as far as its size is known then. Counters
//! may be shared between threads.

use std::mem::size_of;
use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};

use skopos_core::{
    Cancellation, Clock, Columns, Error, ErrorKind, FloatHistogram, QueryStatistics, Timestamp,
};

use super::Result;
use super::column::Column;
use crate::plan::Weight;

/// What a query may use; `usize::MAX` where there is no limit.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Limits {
    /// Samples at the same time.
    pub(crate) samples: usize,
    /// Bytes of samples at the same time.
    pub(crate) bytes: usize,
    /// Series that are selected.
    pub(crate) series: usize,
    /// Points of each series, in the result and in subqueries.
    pub(crate) points: usize,
}

/// When a query shall stop.
#[derive(Clone, Copy)]
pub(crate) struct Interrupt<'a> {
    pub(crate) cancellation: Option<&'a Cancellation>,
    /// The clock that the deadline is told by.
    pub(crate) clock: Option<&'a dyn Clock>,
    /// When to give up.
    pub(crate) deadline: Timestamp,
}

impl Interrupt<'_> {
    /// An error if nobody waits for the answer, or if time is up.
    pub(crate) fn check(self) -> Result<()> {
        self.check_canceled()?;
        match self.clock {
            Some(clock) if self.deadline <= clock.now() => {
                Err(Error::new(ErrorKind::Timeout, "query timed out in expression evaluation"))
            }
            _ => Ok(()),
        }
    }

    /// An error if nobody waits for the answer: cheap enough for every step.
    #[inline]
    pub(crate) fn check_canceled(self) -> Result<()> {
        if self.is_canceled() { Err(canceled()) } else { Ok(()) }
    }

    /// Whether nobody waits for the answer.
    #[inline]
    pub(crate) fn is_canceled(self) -> bool {
        self.cancellation.is_some_and(Cancellation::is_cancelled)
    }
}

#[cold]
fn canceled() -> Error {
    Error::new(ErrorKind::Canceled, "query was canceled in expression evaluation")
}

#[cold]
fn too_many(what: &str) -> Error {
    Error::new(
        ErrorKind::Limit,
        format!("query processing would load too many {what} into memory in query execution"),
    )
}

/// The error of a query with more steps than a series may have points.
#[cold]
pub(crate) fn too_many_points(limit: usize) -> Error {
    Error::new(
        ErrorKind::Limit,
        format!("exceeded maximum resolution of {limit} points per timeseries in query execution"),
    )
}

/// How much something takes.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Size {
    /// In samples, a histogram counted by its buckets.
    pub(crate) samples: usize,
    pub(crate) bytes: usize,
}

impl Size {
    /// A column.
    pub(crate) fn of(column: &Column) -> Self {
        Self { samples: column.samples(), bytes: column.bytes() }
    }

    /// `count` floats.
    pub(crate) fn of_floats(count: usize) -> Self {
        Self { samples: count, bytes: count.saturating_mul(size_of::<f64>()) }
    }

    fn add(&mut self, other: Self) {
        self.samples = self.samples.saturating_add(other.samples);
        self.bytes = self.bytes.saturating_add(other.bytes);
    }
}

/// How many bytes a histogram takes.
pub(crate) fn histogram_bytes(h: &FloatHistogram) -> usize {
    let spans = h.positive_spans.len() + h.negative_spans.len();
    let buckets = h.positive_buckets.len() + h.negative_buckets.len() + h.custom_values.len();
    size_of::<FloatHistogram>() + 8 * (spans + buckets)
}

/// How many bytes decoded samples take.
pub(crate) fn columns_bytes(columns: &Columns) -> usize {
    let times = columns.timestamps.len()
        + columns.histogram_timestamps.len()
        + columns.start_timestamps.len()
        + columns.histogram_start_timestamps.len();
    let histograms: usize = columns.histograms.iter().map(histogram_bytes).sum();
    8 * (times + columns.values.len()) + histograms
}

/// The account of a query.
pub(crate) struct Budget {
    limits: Limits,
    samples: AtomicUsize,
    bytes: AtomicUsize,
    peak_samples: AtomicUsize,
    peak_bytes: AtomicUsize,
    series: AtomicUsize,
    total: AtomicU64,
    /// One for each step; empty where nobody asks.
    per_step: Vec<AtomicU64>,
}

impl Budget {
    /// An account that counts for each of `steps` steps, or for none.
    pub(crate) fn new(limits: Limits, steps: usize) -> Self {
        Self {
            limits,
            samples: AtomicUsize::new(0),
            bytes: AtomicUsize::new(0),
            peak_samples: AtomicUsize::new(0),
            peak_bytes: AtomicUsize::new(0),
            series: AtomicUsize::new(0),
            total: AtomicU64::new(0),
            per_step: (0..steps).map(|_| AtomicU64::new(0)).collect(),
        }
    }

    /// Whether so much more fits; it counts for the peak.
    pub(crate) fn check(&self, size: Size) -> Result<()> {
        let samples = self.samples.load(Ordering::Relaxed).saturating_add(size.samples);
        if self.limits.samples < samples {
            return Err(too_many("samples"));
        }
        let bytes = self.bytes.load(Ordering::Relaxed).saturating_add(size.bytes);
        if self.limits.bytes < bytes {
            return Err(too_many("bytes"));
        }
        raise(&self.peak_samples, samples);
        raise(&self.peak_bytes, bytes);
        Ok(())
    }

    /// Takes so much until the guard is dropped.
    pub(crate) fn hold(&self, size: Size) -> Result<Held<'_>> {
        let mut held = Held { budget: self, size: Size::default() };
        held.grow(size)?;
        Ok(held)
    }

    /// Takes a series that was selected.
    pub(crate) fn add_series(&self) -> Result<()> {
        if self.limits.series <= self.series.fetch_add(1, Ordering::Relaxed) {
            return Err(too_many("series"));
        }
        Ok(())
    }

    /// Whether memory is so short that decoding is watched.
    pub(crate) fn limits_bytes(&self) -> bool {
        self.limits.bytes != usize::MAX
    }

    /// Whether what each step reads is counted.
    pub(crate) fn counts_steps(&self) -> bool {
        !self.per_step.is_empty()
    }

    /// Counts the values that a selector gave.
    pub(crate) fn tally_column(&self, column: &Column, samples: usize, weight: Weight) {
        self.tally(samples, weight);
        if self.counts_steps() {
            column.each_size(|i, size| self.tally_step(i, size, weight));
        }
    }

    /// Counts samples that were read; what each step reads is told apart.
    pub(crate) fn tally(&self, samples: usize, weight: Weight) {
        self.total.fetch_add((samples as u64).saturating_mul(weight), Ordering::Relaxed);
    }

    /// Counts samples that were read at a step of an evaluation.
    pub(crate) fn tally_step(&self, step: usize, samples: usize, weight: Weight) {
        let samples = samples as u64;
        match (self.per_step.as_slice(), weight) {
            (_, 0) => {}
            // All that is read for the only step, a subquery's steps included.
            ([only], _) => {
                only.fetch_add(samples.saturating_mul(weight), Ordering::Relaxed);
            }
            (steps, 1) => {
                if let Some(of_step) = steps.get(step) {
                    of_step.fetch_add(samples, Ordering::Relaxed);
                }
            }
            // Evaluated once: every step would read as much.
            (steps, _) => {
                for of_step in steps {
                    of_step.fetch_add(samples, Ordering::Relaxed);
                }
            }
        }
    }

    /// What the query cost so far.
    pub(crate) fn statistics(&self) -> QueryStatistics {
        let mut statistics = QueryStatistics::default();
        statistics.total_samples = self.total.load(Ordering::Relaxed);
        statistics.samples_per_step =
            self.per_step.iter().map(|n| n.load(Ordering::Relaxed)).collect();
        statistics.peak_samples = self.peak_samples.load(Ordering::Relaxed) as u64;
        statistics.peak_bytes = self.peak_bytes.load(Ordering::Relaxed) as u64;
        statistics.series = self.series.load(Ordering::Relaxed) as u64;
        statistics
    }
}

fn raise(peak: &AtomicUsize, v: usize) {
    if peak.load(Ordering::Relaxed) < v {
        peak.fetch_max(v, Ordering::Relaxed);
    }
}

/// What stays in the account until this is dropped.
pub(crate) struct Held<'b> {
    budget: &'b Budget,
    size: Size,
}

impl Held<'_> {
    /// Takes more.
    pub(crate) fn grow(&mut self, size: Size) -> Result<()> {
        self.budget.check(size)?;
        self.budget.samples.fetch_add(size.samples, Ordering::Relaxed);
        self.budget.bytes.fetch_add(size.bytes, Ordering::Relaxed);
        self.size.add(size);
        Ok(())
    }

    /// Gives some of it back.
    pub(crate) fn shrink(&mut self, size: Size) {
        let samples = size.samples.min(self.size.samples);
        let bytes = size.bytes.min(self.size.bytes);
        self.budget.samples.fetch_sub(samples, Ordering::Relaxed);
        self.budget.bytes.fetch_sub(bytes, Ordering::Relaxed);
        self.size.samples -= samples;
        self.size.bytes -= bytes;
    }
}

impl Drop for Held<'_> {
    fn drop(&mut self) {
        self.shrink(self.size);
    }
}
