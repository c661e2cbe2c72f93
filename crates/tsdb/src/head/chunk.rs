//! The chunks of one series: closed ones, the open one, and where one ends and the next begins.
//!
//! Chunks are cut where Prometheus' head cuts them, so that the bytes are the same as well.

use std::sync::Arc;

use skopos_chunk::XorEncoder;
use skopos_chunk::cut::{Fill, FloatCut};
use skopos_core::TimeRange;

/// What a chunk of well-behaved samples needs.
const TYPICAL_BYTES: usize = 64;

/// A chunk that takes no more samples.
#[derive(Clone, Debug)]
pub(super) struct ClosedChunk {
    pub(super) first: i64,
    pub(super) last: i64,
    pub(super) bytes: Arc<[u8]>,
}

/// The chunks of one series, ascending in time and without overlap.
#[derive(Debug, Default)]
pub(super) struct Chunks {
    closed: Vec<ClosedChunk>,
    open: Option<OpenChunk>,
}

/// A chunk in which samples were looked for.
#[derive(Clone, Copy, Debug)]
pub(super) enum Found<'c> {
    Closed(&'c ClosedChunk),
    Open(&'c OpenChunk),
}

/// The chunk that takes samples.
#[derive(Debug)]
pub(super) struct OpenChunk {
    encoder: XorEncoder,
    cut: FloatCut,
}

/// What an operation did to the numbers of a store.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Change {
    pub(super) chunks: usize,
    pub(super) closed_bytes: usize,
}

impl Chunks {
    /// Appends a sample that is later than the last one; returns what was added.
    pub(super) fn push(&mut self, t: i64, v: f64, range: i64) -> Change {
        let mut added = Change::default();
        if self.open.as_mut().is_some_and(|open| open.is_over(t)) {
            added.closed_bytes = self.close();
        }
        let open = self.open.get_or_insert_with(|| {
            added.chunks = 1;
            OpenChunk::new(t, range)
        });
        open.encoder.push(t, v).expect("a chunk is cut long before its count is full");
        added
    }

    /// Drops the chunks that end before `before`; returns what was dropped.
    pub(super) fn drop_before(&mut self, before: i64) -> Change {
        let count = self.closed.partition_point(|chunk| chunk.last < before);
        let dropped = self.closed.drain(..count).map(|chunk| chunk.bytes.len());
        let mut change = Change { chunks: count, closed_bytes: dropped.sum() };
        if 0 < count {
            self.closed.shrink_to_fit();
        }
        if self.open.as_ref().is_some_and(|open| open.last() < before) {
            self.open = None;
            change.chunks += 1;
        }
        change
    }

    /// The last sample's time and value.
    pub(super) fn last(&self) -> Option<(i64, f64)> {
        // Only the open chunk has it: a chunk is closed when the next one has a sample.
        let open = self.open.as_ref()?;
        open.encoder.last_time().zip(open.encoder.last_value())
    }

    /// The first sample's time.
    pub(super) fn first_time(&self) -> Option<i64> {
        let open = self.open.as_ref().map(OpenChunk::first);
        self.closed.first().map(|chunk| chunk.first).or(open)
    }

    pub(super) fn is_empty(&self) -> bool {
        self.closed.is_empty() && self.open.is_none()
    }

    /// The first chunk that may have samples in `range`.
    pub(super) fn first_in(&self, range: TimeRange) -> Option<Found<'_>> {
        let at = self.closed.partition_point(|chunk| chunk.last < range.start.as_millis());
        match self.closed.get(at) {
            Some(chunk) => overlap(chunk.first, chunk.last, range).then_some(Found::Closed(chunk)),
            None => {
                let open = self.open.as_ref();
                let open = open.filter(|open| overlap(open.first(), open.last(), range));
                open.map(Found::Open)
            }
        }
    }

    /// The chunks with samples in `range`; the open one is copied.
    #[cfg(test)]
    pub(super) fn snapshot(&self, range: TimeRange) -> Vec<ClosedChunk> {
        let closed = self.closed.iter().filter(|c| overlap(c.first, c.last, range)).cloned();
        let open = self.open.as_ref().filter(|open| overlap(open.first(), open.last(), range));
        closed.chain(open.map(OpenChunk::to_closed)).collect()
    }

    /// The heap memory behind the chunks.
    pub(super) fn heap_bytes(&self) -> usize {
        // The allocation of shared bytes holds two reference counts before them.
        let bytes = |chunk: &ClosedChunk| chunk.bytes.len() + 2 * size_of::<usize>();
        self.closed.capacity() * size_of::<ClosedChunk>()
            + self.closed.iter().map(bytes).sum::<usize>()
            + self.open.as_ref().map_or(0, |open| open.encoder.heap_bytes())
    }

    /// Closes the open chunk; returns its size.
    fn close(&mut self) -> usize {
        let Some(open) = self.open.take() else { return 0 };
        let chunk = open.to_closed();
        let size = chunk.bytes.len();
        if self.closed.len() == self.closed.capacity() {
            self.closed.reserve_exact(1 + self.closed.len() / 4);
        }
        self.closed.push(chunk);
        size
    }
}

impl OpenChunk {
    fn new(t: i64, range: i64) -> Self {
        let encoder = XorEncoder::with_capacity(TYPICAL_BYTES);
        Self { encoder, cut: FloatCut::new(t, range) }
    }

    /// Whether a sample at `t` belongs to the next chunk.
    fn is_over(&mut self, t: i64) -> bool {
        let bytes = self.encoder.bytes().len();
        self.cut.is_due(t, Fill { samples: self.encoder.len(), bytes, last: self.last() })
    }

    fn to_closed(&self) -> ClosedChunk {
        ClosedChunk { first: self.first(), last: self.last(), bytes: self.encoder.bytes().into() }
    }

    /// The chunk so far.
    pub(super) fn bytes(&self) -> &[u8] {
        self.encoder.bytes()
    }

    fn first(&self) -> i64 {
        self.cut.first()
    }

    /// The time of the last sample.
    pub(super) fn last(&self) -> i64 {
        self.encoder.last_time().unwrap_or(self.first())
    }
}

fn overlap(first: i64, last: i64, range: TimeRange) -> bool {
    first <= range.end.as_millis() && range.start.as_millis() <= last
}

#[cfg(test)]
mod tests;
