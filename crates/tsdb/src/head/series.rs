//! One series in memory.
//!
//! What a query needs for its snapshot can be read without the lock; samples are behind it. Writers
//! to different series share nothing here.

use std::num::NonZeroU64;
use std::sync::atomic::{AtomicI64, AtomicU32, Ordering};
use std::sync::{Mutex, MutexGuard, PoisonError};

use skopos_core::{Labels, SeriesId, SeriesRef};

use super::chunk::Chunks;

/// The time that stands for "no sample"; the head refuses samples at it.
pub(super) const NEVER: i64 = i64::MIN;

#[derive(Debug)]
pub(super) struct MemSeries {
    pub(super) reference: SeriesRef,
    /// Of the labels, by the stripes' hasher.
    pub(super) hash: u64,
    pub(super) labels: Labels,
    /// The time of the last committed sample. It changes under the state's lock and while a commit
    /// is open; queries read it while none is, and so see commits whole.
    last: AtomicI64,
    /// The time of the first sample, under the same rules.
    first: AtomicI64,
    /// How many open batches have touched the series. Rises only under the state's lock.
    batches: AtomicU32,
    state: Mutex<State>,
}

#[derive(Debug, Default)]
pub(super) struct State {
    pub(super) chunks: Chunks,
    /// The series' id, once it has a committed sample.
    pub(super) id: Option<SeriesId>,
    /// Whether the head forgot the series: who still holds it looks its labels up again.
    pub(super) forgotten: bool,
}

impl MemSeries {
    pub(super) fn new(reference: SeriesRef, hash: u64, labels: Labels) -> Self {
        Self {
            reference,
            hash,
            labels,
            last: AtomicI64::new(NEVER),
            first: AtomicI64::new(NEVER),
            batches: AtomicU32::new(0),
            state: Mutex::default(),
        }
    }

    pub(super) fn number(&self) -> NonZeroU64 {
        self.reference.0
    }

    pub(super) fn lock(&self) -> MutexGuard<'_, State> {
        // The only panic possible under the lock is a failed allocation, before anything changed.
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Notes that a batch touched the series; call it under the lock.
    pub(super) fn enter_batch(&self) {
        self.batches.fetch_add(1, Ordering::AcqRel);
    }

    /// Notes that a batch that touched the series is over.
    pub(super) fn leave_batch(&self) {
        self.batches.fetch_sub(1, Ordering::AcqRel);
    }

    /// Whether nobody would miss the series; only an answer under the lock lasts.
    pub(super) fn is_idle(&self, state: &State) -> bool {
        state.chunks.is_empty() && self.batches.load(Ordering::Acquire) == 0
    }

    /// Publishes the times of the first and the last sample; call it under the lock.
    pub(super) fn publish(&self, state: &State) {
        let last = state.chunks.last().map_or(NEVER, |(t, _)| t);
        self.last.store(last, Ordering::Release);
        self.first.store(state.chunks.first_time().unwrap_or(NEVER), Ordering::Release);
    }

    /// The times of the first and the last committed sample.
    pub(super) fn times(&self) -> Option<(i64, i64)> {
        let last = self.last.load(Ordering::Acquire);
        (last != NEVER).then(|| (self.first.load(Ordering::Acquire), last))
    }

    /// The memory of the series without its chunks and labels.
    pub(super) const fn own_bytes() -> usize {
        // Two reference counts stand before it.
        size_of::<Self>() + 2 * size_of::<usize>()
    }
}
