//! Letting go: chunks that are older than the window, and series that have none left.

use std::sync::Arc;
use std::sync::atomic::Ordering;

use skopos_core::Timestamp;

use super::Head;
use super::chunk::Change;
use super::series::MemSeries;

/// How many series are removed before waiting readers get their turn.
const SLICE: usize = 512;

/// What a truncation dropped.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct Truncation {
    /// Chunks, open and closed.
    pub chunks: usize,
    /// Series that had no samples left.
    pub series: usize,
}

impl Head {
    /// Truncates to the retention, counted from the newest sample. Call it every minute or so: it
    /// is what bounds the memory, since a head has no thread and no clock of its own.
    ///
    /// ```
    /// use std::time::Duration;
    ///
    /// use skopos_core::{Ingest, Labels, Sample};
    /// use skopos_tsdb::{Head, HeadOptions};
    ///
    /// let head = Head::new(HeadOptions::new().with_retention(Duration::from_secs(60)));
    /// for (name, millis) in [("old", 0), ("new", 60_001)] {
    ///     let mut batch = head.appender();
    ///     batch.append(None, &Labels::from_pairs([("__name__", name)]), Sample::new(millis, 1.0))?;
    ///     batch.commit()?;
    /// }
    /// assert_eq!(head.maintain().series, 1);
    /// assert_eq!(head.stats().series, 1);
    /// # Ok::<(), skopos_core::Error>(())
    /// ```
    pub fn maintain(&self) -> Truncation {
        match self.counters.times() {
            None => Truncation::default(),
            Some((_, newest)) => {
                let before = newest.saturating_sub(self.options.retention());
                self.truncate(Timestamp::from_millis(before))
            }
        }
    }

    /// Lets go of samples before `before`: queries see none of them from now on and appends of such
    /// are refused, chunks without later samples are dropped, and series without chunks are
    /// forgotten, with their labels and their index entries.
    ///
    /// The bound never moves back. Chunks of which an open query may still read samples stay until a
    /// later call. Walks all series; writers and queries go on meanwhile.
    ///
    /// Where series have neither come nor gone since the call before, but did so earlier, the label index
    /// gives back what it holds for growth.
    pub fn truncate(&self, before: Timestamp) -> Truncation {
        let before = before.as_millis();
        let step = self.window.move_to(before);
        if step.is_forward {
            self.counters.truncations.fetch_add(1, Ordering::Relaxed);
            self.counters.min_time.fetch_max(before, Ordering::AcqRel);
        }
        let dropped =
            step.drop_before.map_or_else(Truncation::default, |before| self.drop_before(before));
        self.seal_if_settled();
        dropped
    }

    /// Seals the index when nothing came or went between two truncations: series that come in numbers,
    /// as after a start, would undo it at once.
    fn seal_if_settled(&self) {
        let mut catalog = self.catalog_mut();
        if catalog.has_settled() {
            catalog.seal();
        }
    }

    /// Drops chunks that end before `before`, and series without others.
    fn drop_before(&self, before: i64) -> Truncation {
        let mut dropped = Change::default();
        let mut idle = Vec::new();
        self.stripes.for_each(|series| {
            let change = drop_chunks(series, before);
            dropped.chunks += change.chunks;
            dropped.closed_bytes += change.closed_bytes;
            if series.times().is_none() {
                idle.push(Arc::clone(series));
            }
        });
        self.counters.record_dropped(dropped);
        let series = idle.chunks(SLICE).map(|slice| self.forget(slice)).sum();
        if 0 < series {
            self.catalog_mut().shrink();
        }
        Truncation { chunks: dropped.chunks, series }
    }

    /// Forgets those of the series that are idle; returns how many they are.
    fn forget(&self, series: &[Arc<MemSeries>]) -> usize {
        let forgotten = series.iter().filter(|series| self.stripes.forget_if_idle(series));
        let forgotten: Vec<&Arc<MemSeries>> = forgotten.collect();
        let mut catalog = self.catalog_mut();
        forgotten.iter().for_each(|series| catalog.remove(series));
        self.counters.removed.fetch_add(forgotten.len() as u64, Ordering::Relaxed);
        forgotten.len()
    }
}

fn drop_chunks(series: &MemSeries, before: i64) -> Change {
    let mut state = series.lock();
    let change = state.chunks.drop_before(before);
    if change != Change::default() {
        series.publish(&state);
    }
    change
}
