//! The newest samples, in memory: a bounded window behind the interfaces of reading and writing.
//!
//! # How a commit is seen whole
//!
//! Within a series samples ascend in time, so "everything up to now" is one number: the time of the
//! last committed sample. A query's snapshot is that number for each of its series, and later
//! decoding stops there. For all the numbers to be of the same moment there is a gate: commits pass
//! it together, and a query closes it while it takes the numbers down, which is a load and a
//! reference count a series. Finding the series in the index happens before the gate is closed; if a
//! commit added series in between, the query finds them again.
//!
//! # Locks
//!
//! In this order, and never backwards: gate, stripe, catalog, series. A stripe and the catalog are
//! never held together, the window's lock with none. No lock is held while something is sorted or decoded,
//! but that of a series while its open chunk is.

mod appender;
mod catalog;
mod chunk;
mod counters;
mod options;
mod reader;
mod retention;
mod series;
mod stripes;
#[cfg(test)]
mod tests;
mod window;

use std::sync::atomic::Ordering;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, RwLock, RwLockReadGuard, RwLockWriteGuard};

use skopos_core::{Appender, Ingest, Metadata, Timestamp};
use skopos_index::{Cardinality, FilterCache};

use self::appender::{Batch, HeadAppender};
use self::catalog::Catalog;
use self::counters::Counters;
pub use self::counters::{HeadMemory, HeadStats};
pub use self::options::HeadOptions;
pub use self::retention::Truncation;
use self::series::MemSeries;
use self::stripes::Stripes;
use self::window::Window;

/// How many compiled regular expressions are remembered.
const CACHED_EXPRESSIONS: usize = 512;

/// A store of the newest samples in memory.
///
/// Share it in an [`Arc`]: any number of threads may write and query at the same time. Writers to
/// different series do not wait for each other.
///
/// ```
/// use skopos_core::{Columns, Ingest, Labels, Matcher, Sample, Selection, SeriesSource, TimeRange};
/// use skopos_tsdb::{Head, HeadOptions};
///
/// let head = Head::new(HeadOptions::new());
/// let labels = Labels::from_pairs([("__name__", "up"), ("job", "api")]);
/// let mut batch = head.appender();
/// let series = batch.append(None, &labels, Sample::new(1_000, 1.0))?;
/// batch.append(Some(series), &labels, Sample::new(2_000, 0.0))?;
/// batch.commit()?;
///
/// let up = Selection::new([Matcher::equal("__name__", "up")], TimeRange::ALL);
/// let mut set = head.select(&up)?;
/// let series = set.advance()?.expect("a series");
/// let mut columns = Columns::new();
/// series.read_all(&mut columns)?;
/// assert_eq!(columns.timestamps, [1_000, 2_000]);
/// assert_eq!(columns.values, [1.0, 0.0]);
/// # Ok::<(), skopos_core::Error>(())
/// ```
#[derive(Debug)]
pub struct Head {
    options: HeadOptions,
    stripes: Stripes,
    catalog: RwLock<Catalog>,
    /// Commits hold it for reading, snapshots for writing.
    gate: RwLock<()>,
    filters: FilterCache,
    spare_batches: Mutex<Vec<Batch>>,
    counters: Counters,
    window: Window,
}

impl Head {
    /// An empty head.
    #[must_use]
    pub fn new(options: HeadOptions) -> Self {
        Self {
            stripes: Stripes::new(options.max_series()),
            options,
            catalog: RwLock::default(),
            gate: RwLock::default(),
            filters: FilterCache::new(CACHED_EXPRESSIONS),
            spare_batches: Mutex::default(),
            counters: Counters::new(),
            window: Window::new(),
        }
    }

    /// How much there is and has been. Cheap, whatever the number of series.
    ///
    /// ```
    /// use skopos_core::{Ingest, Labels, Sample, Timestamp};
    /// use skopos_tsdb::{Head, HeadOptions};
    ///
    /// let head = Head::new(HeadOptions::new());
    /// let mut batch = head.appender();
    /// batch.append(None, &Labels::from_pairs([("__name__", "up")]), Sample::new(5_000, 1.0))?;
    /// batch.commit()?;
    /// let stats = head.stats();
    /// assert_eq!((stats.series, stats.chunks, stats.samples_appended), (1, 1, 1));
    /// assert_eq!(stats.max_time, Some(Timestamp::from_millis(5_000)));
    /// # Ok::<(), skopos_core::Error>(())
    /// ```
    #[must_use]
    pub fn stats(&self) -> HeadStats {
        let counters = &self.counters;
        let (times, chunks) = (counters.times(), counters.chunks());
        HeadStats {
            series: self.stripes.len(),
            chunks: chunks.chunks,
            closed_chunk_bytes: chunks.closed_bytes,
            min_time: times.map(|(min, _)| Timestamp::from_millis(min)),
            max_time: times.map(|(_, max)| Timestamp::from_millis(max)),
            earliest_accepted: Timestamp::from_millis(self.earliest_accepted()),
            samples_appended: counters.appended.load(Ordering::Relaxed),
            samples_overtaken: counters.overtaken.load(Ordering::Relaxed),
            out_of_order: counters.out_of_order.load(Ordering::Relaxed),
            out_of_bounds: counters.out_of_bounds.load(Ordering::Relaxed),
            duplicates: counters.duplicates.load(Ordering::Relaxed),
            series_created: self.stripes.created(),
            series_removed: counters.removed.load(Ordering::Relaxed),
            truncations: counters.truncations.load(Ordering::Relaxed),
        }
    }

    /// How much memory is taken, by its use. Visits every series.
    #[must_use]
    pub fn memory(&self) -> HeadMemory {
        let mut memory = HeadMemory {
            index_bytes: self.catalog().heap_bytes(),
            series_bytes: self.stripes.heap_bytes(),
            ..HeadMemory::default()
        };
        self.stripes.for_each(|series| {
            memory.series += 1;
            memory.series_bytes += MemSeries::own_bytes();
            memory.label_bytes += series.labels.heap_bytes();
            memory.chunk_bytes += series.lock().chunks.heap_bytes();
        });
        memory
    }

    /// Where the series come from: the first `limit` rows of each ranking (all for 0), with the
    /// values of `label` ranked by their series. Visits every label value.
    ///
    /// ```
    /// use skopos_core::{Ingest, Labels, Sample};
    /// use skopos_tsdb::{Head, HeadOptions};
    ///
    /// let head = Head::new(HeadOptions::new());
    /// let mut batch = head.appender();
    /// for job in ["a", "b"] {
    ///     let labels = Labels::from_pairs([("__name__", "up"), ("job", job)]);
    ///     batch.append(None, &labels, Sample::new(0, 1.0))?;
    /// }
    /// batch.commit()?;
    /// let cardinality = head.cardinality("__name__", 10);
    /// assert_eq!(cardinality.series_by_value[0].name, "up");
    /// assert_eq!(cardinality.series_by_value[0].count, 2);
    /// # Ok::<(), skopos_core::Error>(())
    /// ```
    #[must_use]
    pub fn cardinality(&self, label: &str, limit: usize) -> Cardinality {
        self.catalog().index.cardinality(label, limit)
    }

    /// What was last committed of a metric's type, unit and help. The name is the series' own, with
    /// suffixes such as `_bucket`. It is kept as long as the metric has series.
    #[must_use]
    pub fn metadata(&self, metric: &str) -> Option<Metadata> {
        self.catalog().metadata.get(metric).cloned()
    }

    /// The metadata of all metrics, in the order of their names.
    #[must_use]
    pub fn all_metadata(&self) -> Vec<(String, Metadata)> {
        let metadata = self.catalog().metadata.clone();
        let mut all: Vec<(String, Metadata)> = metadata.into_iter().collect();
        all.sort_unstable_by(|a, b| a.0.cmp(&b.0));
        all
    }

    /// Samples before this time are refused from now on.
    fn earliest_accepted(&self) -> i64 {
        let kept = self.window.start();
        let Some((_, newest)) = self.counters.times() else { return kept };
        let window = (self.options.chunk_range() / 2).min(self.options.retention());
        kept.max(newest.saturating_sub(window))
    }

    /// Half opens the gate: until the guard is dropped, no snapshot is taken.
    fn begin_commit(&self) -> RwLockReadGuard<'_, ()> {
        self.gate.read().unwrap_or_else(PoisonError::into_inner)
    }

    /// Closes the gate: until the guard is dropped, no commit is under way.
    fn begin_snapshot(&self) -> RwLockWriteGuard<'_, ()> {
        self.gate.write().unwrap_or_else(PoisonError::into_inner)
    }

    fn spare_batches(&self) -> MutexGuard<'_, Vec<Batch>> {
        self.spare_batches.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn catalog(&self) -> RwLockReadGuard<'_, Catalog> {
        self.catalog.read().unwrap_or_else(PoisonError::into_inner)
    }

    fn catalog_mut(&self) -> RwLockWriteGuard<'_, Catalog> {
        self.catalog.write().unwrap_or_else(PoisonError::into_inner)
    }

    /// Forgets a series without samples that no batch needs.
    fn forget_if_idle(&self, series: &Arc<MemSeries>) {
        if self.stripes.forget_if_idle(series) {
            self.counters.removed.fetch_add(1, Ordering::Relaxed);
            if series.lock().id.is_some() {
                self.catalog_mut().remove(series);
            }
        }
    }
}

impl Ingest for Head {
    fn appender(&self) -> Box<dyn Appender + '_> {
        Box::new(HeadAppender::new(self))
    }
}
