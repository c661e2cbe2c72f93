//! What a head can be told when it is made.

use std::time::Duration;

/// Two hours: the range of Prometheus' smallest block.
const CHUNK_RANGE: Duration = Duration::from_secs(2 * 60 * 60);
/// A day.
const RETENTION: Duration = Duration::from_secs(24 * 60 * 60);

/// The options of a [`Head`](crate::Head).
///
/// ```
/// use std::time::Duration;
///
/// use skopos_tsdb::{Head, HeadOptions};
///
/// let options = HeadOptions::new()
///     .with_retention(Duration::from_secs(6 * 60 * 60))
///     .with_max_series(1_000_000);
/// assert_eq!(Head::new(options).stats().series, 0);
/// ```
#[derive(Clone, Debug)]
pub struct HeadOptions {
    chunk_range: i64,
    retention: i64,
    max_series: usize,
}

impl HeadOptions {
    /// The defaults: a day of retention, chunk ranges of two hours, no limit of series.
    #[must_use]
    pub fn new() -> Self {
        Self { chunk_range: to_millis(CHUNK_RANGE), retention: to_millis(RETENTION), max_series: 0 }
    }

    /// How long a sample is kept, counted from the newest one; at least a millisecond.
    ///
    /// [`Head::maintain`](crate::Head::maintain) keeps to it, and samples that are older still are
    /// refused.
    #[must_use]
    pub fn with_retention(mut self, retention: Duration) -> Self {
        self.retention = to_millis(retention);
        self
    }

    /// The length of the aligned ranges of time at whose borders chunks are cut; at least a
    /// millisecond.
    ///
    /// As in Prometheus, a sample is refused if it lies more than half of this behind the newest.
    #[must_use]
    pub fn with_chunk_range(mut self, range: Duration) -> Self {
        self.chunk_range = to_millis(range);
        self
    }

    /// The number of series from which on new ones are refused; 0 for no limit of its own.
    #[must_use]
    pub fn with_max_series(mut self, series: usize) -> Self {
        self.max_series = series;
        self
    }

    /// In milliseconds.
    pub(super) fn chunk_range(&self) -> i64 {
        self.chunk_range
    }

    /// In milliseconds.
    pub(super) fn retention(&self) -> i64 {
        self.retention
    }

    /// How many series there may be, the index' own limit included.
    pub(super) fn max_series(&self) -> usize {
        // An index has 2^32 - 1 ids.
        const IDS: usize = u32::MAX as usize;
        if self.max_series == 0 { IDS } else { self.max_series.min(IDS) }
    }
}

impl Default for HeadOptions {
    fn default() -> Self {
        Self::new()
    }
}

fn to_millis(duration: Duration) -> i64 {
    i64::try_from(duration.as_millis()).unwrap_or(i64::MAX).max(1)
}
