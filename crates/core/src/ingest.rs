//! Writing samples: appenders whose commits readers see whole or not at all.

use alloc::boxed::Box;
use alloc::sync::Arc;
use core::num::NonZeroU64;

use crate::error::Error;
use crate::histogram::{FloatHistogram, Histogram};
use crate::labels::LabelSet;
use crate::metadata::{Exemplar, Metadata};
use crate::sample::{Sample, Timestamp};

/// A sink's own short name of a series: given by an append, and a shortcut for later ones.
///
/// It may go stale (the sink forgot the series); then the labels decide.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[repr(transparent)]
#[expect(clippy::exhaustive_structs, reason = "a reference is its number")]
pub struct SeriesRef(pub NonZeroU64);

/// A histogram sample of either kind, as sinks take it.
#[derive(Clone, Debug, PartialEq)]
#[expect(clippy::exhaustive_enums, reason = "histograms count in integers or in floats")]
pub enum HistogramSample {
    /// Float counts.
    Float(FloatHistogram),
    /// Integer counts.
    Integer(Histogram),
}

impl HistogramSample {
    /// The histogram with float counts, as queries compute with it.
    ///
    /// ```
    /// use skopos_core::{Histogram, HistogramSample};
    ///
    /// let sample = HistogramSample::Integer(Histogram { count: 3, ..Histogram::default() });
    /// assert_eq!(sample.to_float().count, 3.0);
    /// ```
    #[must_use]
    pub fn to_float(&self) -> FloatHistogram {
        match self {
            Self::Float(histogram) => histogram.clone(),
            Self::Integer(histogram) => histogram.to_float(),
        }
    }
}

/// Something that samples can be written to.
///
/// # Laws
///
/// Appenders of several threads may be open at the same time; each commit is atomic to readers.
pub trait Ingest: Send + Sync {
    /// A new appender, with nothing in it.
    fn appender(&self) -> Box<dyn Appender + '_>;
}

impl<I: Ingest + ?Sized> Ingest for &I {
    fn appender(&self) -> Box<dyn Appender + '_> {
        (**self).appender()
    }
}

impl<I: Ingest + ?Sized> Ingest for Arc<I> {
    fn appender(&self) -> Box<dyn Appender + '_> {
        (**self).appender()
    }
}

/// A batch of writes; dropping it without a commit rolls it back.
///
/// # Laws
///
/// * Before [`commit`](Self::commit) no reader sees anything of the batch; afterwards all of it.
/// * An append that fails leaves the batch as it was: the others can still be committed.
/// * The reference that an append returns names the same series in later batches until the sink
///   forgets it; with a stale or missing reference the labels decide.
/// * Labels that are empty or not in the order of names are the caller's error: `Invalid`.
pub trait Appender {
    /// Adds a float sample to the series with `labels`, of which `series` is a known reference.
    ///
    /// # Errors
    ///
    /// `OutOfOrder`, `OutOfBounds` or `Duplicate` (another value at the same time) for this sample
    /// alone; `Invalid` for labels that no series can have; `Limit` where the sink is full.
    fn append(
        &mut self,
        series: Option<SeriesRef>,
        labels: &dyn LabelSet,
        sample: Sample,
    ) -> Result<SeriesRef, Error>;

    /// Adds a histogram sample, as [`append`](Self::append) does a float one.
    ///
    /// # Errors
    ///
    /// Those of `append`, and `Unsupported` from a sink that stores floats only (the default).
    fn append_histogram(
        &mut self,
        series: Option<SeriesRef>,
        labels: &dyn LabelSet,
        t: Timestamp,
        histogram: &HistogramSample,
    ) -> Result<SeriesRef, Error> {
        let _ = (series, labels, t, histogram);
        Err(Error::new(crate::ErrorKind::Unsupported, "this sink stores no native histograms"))
    }

    /// Adds an exemplar to a series that has samples. A sink without room for exemplars drops it
    /// (the default).
    ///
    /// # Errors
    ///
    /// `OutOfOrder` or `Duplicate` for this exemplar alone.
    fn append_exemplar(&mut self, series: SeriesRef, exemplar: &Exemplar) -> Result<(), Error> {
        let _ = (series, exemplar);
        Ok(())
    }

    /// Remembers type, unit and help of a series' metric. A sink without room for it drops it (the
    /// default).
    ///
    /// # Errors
    ///
    /// The sink's own kinds.
    fn set_metadata(&mut self, series: SeriesRef, metadata: &Metadata) -> Result<(), Error> {
        let _ = (series, metadata);
        Ok(())
    }

    /// Makes the batch visible, and durable where the sink is.
    ///
    /// # Errors
    ///
    /// The sink's own kinds; nothing of the batch is visible then.
    fn commit(self: Box<Self>) -> Result<(), Error>;

    /// Gives the batch up, as dropping it does.
    fn rollback(self: Box<Self>);
}
