//! Numbers that change with every commit, and what a head says of itself.

use std::sync::atomic::{AtomicI64, AtomicIsize, AtomicU64, Ordering};

use skopos_core::Timestamp;

use super::chunk::Change;
use super::series::NEVER;

/// How much a head holds and has seen; the counts since it was made only rise.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct HeadStats {
    /// Series, those of open batches included.
    pub series: usize,
    /// Chunks, open and closed.
    pub chunks: usize,
    /// Bytes of closed chunks.
    pub closed_chunk_bytes: usize,
    /// The time of the oldest sample that may be there.
    pub min_time: Option<Timestamp>,
    /// The time of the newest sample that was ever there.
    pub max_time: Option<Timestamp>,
    /// Samples before this time are refused.
    pub earliest_accepted: Timestamp,
    /// Samples that were committed.
    pub samples_appended: u64,
    /// Samples of a commit that were dropped, since another batch had committed later ones of the
    /// same series in the meantime, or a truncation had passed them.
    pub samples_overtaken: u64,
    /// Samples refused with `OutOfOrder`.
    pub out_of_order: u64,
    /// Samples refused with `OutOfBounds`.
    pub out_of_bounds: u64,
    /// Samples refused with `Duplicate`.
    pub duplicates: u64,
    /// Series that were created.
    pub series_created: u64,
    /// Series that were forgotten.
    pub series_removed: u64,
    /// Truncations that moved the oldest accepted time.
    pub truncations: u64,
}

/// The memory that a head takes, estimated from the sizes of its parts.
///
/// What the allocator adds is not in it; expect a tenth more.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct HeadMemory {
    /// Series that were counted.
    pub series: usize,
    /// Samples behind chunks: compressed, with the spare room of open chunks.
    pub chunk_bytes: usize,
    /// The label index and the catalog of series.
    pub index_bytes: usize,
    /// The label sets.
    pub label_bytes: usize,
    /// The series themselves and the maps that lead to them.
    pub series_bytes: usize,
}

impl HeadMemory {
    /// All of it.
    #[must_use]
    pub fn total(&self) -> usize {
        self.chunk_bytes + self.index_bytes + self.label_bytes + self.series_bytes
    }

    /// All of it, shared out among the series; 0 without series.
    #[must_use]
    pub fn bytes_per_series(&self) -> usize {
        self.total().checked_div(self.series).unwrap_or(0)
    }
}

#[derive(Debug)]
pub(super) struct Counters {
    chunks: Balance,
    closed_bytes: Balance,
    pub(super) appended: AtomicU64,
    pub(super) overtaken: AtomicU64,
    pub(super) out_of_order: AtomicU64,
    pub(super) out_of_bounds: AtomicU64,
    pub(super) duplicates: AtomicU64,
    pub(super) removed: AtomicU64,
    pub(super) truncations: AtomicU64,
    /// Invariant: not after any sample; [`i64::MAX`] before the first one.
    pub(super) min_time: AtomicI64,
    /// [`NEVER`] before the first sample.
    pub(super) max_time: AtomicI64,
}

impl Counters {
    pub(super) fn new() -> Self {
        Self {
            chunks: Balance::default(),
            closed_bytes: Balance::default(),
            appended: AtomicU64::new(0),
            overtaken: AtomicU64::new(0),
            out_of_order: AtomicU64::new(0),
            out_of_bounds: AtomicU64::new(0),
            duplicates: AtomicU64::new(0),
            removed: AtomicU64::new(0),
            truncations: AtomicU64::new(0),
            min_time: AtomicI64::new(i64::MAX),
            max_time: AtomicI64::new(NEVER),
        }
    }

    pub(super) fn record(&self, outcome: &Outcome) {
        self.chunks.add(outcome.added.chunks);
        self.closed_bytes.add(outcome.added.closed_bytes);
        self.appended.fetch_add(outcome.appended, Ordering::Relaxed);
        self.overtaken.fetch_add(outcome.overtaken, Ordering::Relaxed);
    }

    /// Makes the range of times wide enough for samples between these two.
    pub(super) fn widen(&self, first: i64, last: i64) {
        self.min_time.fetch_min(first, Ordering::AcqRel);
        self.max_time.fetch_max(last, Ordering::AcqRel);
    }

    pub(super) fn record_dropped(&self, dropped: Change) {
        self.chunks.subtract(dropped.chunks);
        self.closed_bytes.subtract(dropped.closed_bytes);
    }

    /// How many chunks there are, and the bytes of the closed ones.
    pub(super) fn chunks(&self) -> Change {
        Change { chunks: self.chunks.get(), closed_bytes: self.closed_bytes.get() }
    }

    /// The times of the oldest sample that may be there and of the newest one.
    pub(super) fn times(&self) -> Option<(i64, i64)> {
        let max = self.max_time.load(Ordering::Acquire);
        (max != NEVER).then(|| (self.min_time.load(Ordering::Acquire).min(max), max))
    }
}

/// A sum whose parts may be taken away before they are added: a truncation can drop a chunk whose
/// commit is not counted yet.
#[derive(Debug, Default)]
struct Balance(AtomicIsize);

impl Balance {
    fn add(&self, n: usize) {
        self.0.fetch_add(n.cast_signed(), Ordering::Relaxed);
    }

    fn subtract(&self, n: usize) {
        self.0.fetch_sub(n.cast_signed(), Ordering::Relaxed);
    }

    fn get(&self) -> usize {
        usize::try_from(self.0.load(Ordering::Relaxed)).unwrap_or(0)
    }
}

/// What a commit did, summed up so that the shared counters are touched once.
#[derive(Debug, Default)]
pub(super) struct Outcome {
    appended: u64,
    overtaken: u64,
    added: Change,
    /// The first and the last time.
    times: Option<(i64, i64)>,
}

impl Outcome {
    pub(super) fn count(&mut self, t: i64, added: Change) {
        self.appended += 1;
        self.added.chunks += added.chunks;
        self.added.closed_bytes += added.closed_bytes;
        let (first, last) = self.times.unwrap_or((t, t));
        self.times = Some((first.min(t), last.max(t)));
    }

    pub(super) fn count_overtaken(&mut self) {
        self.overtaken += 1;
    }

    pub(super) fn times(&self) -> Option<(i64, i64)> {
        self.times
    }
}
