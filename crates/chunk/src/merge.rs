//! Merging the chunks of one series that several sources hold, as compaction does.
//!
//! Chunks that overlap no other are passed on as they are, so merging costs what overlaps. It does
//! not drop what was deleted, and it knows no files.
#![deny(
    clippy::arithmetic_side_effects,
    clippy::cast_possible_truncation,
    clippy::indexing_slicing
)]

use alloc::borrow::Cow;
use alloc::vec::Vec;

use skopos_core::{Columns, ResetHint, TimeRange, Timestamp};

use crate::codec::{codec, times};
use crate::cut::TARGET_SAMPLES;
use crate::encoding::{Encoding, SampleKind};
use crate::error::{Error, Problem};

#[cfg(test)]
mod tests;

/// A chunk with what an index tells of it.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Chunk<'a> {
    /// How the samples are encoded.
    pub encoding: Encoding,
    /// The times of the first and the last sample.
    pub range: TimeRange,
    /// The chunk with its header.
    pub bytes: Cow<'a, [u8]>,
}

impl<'a> Chunk<'a> {
    /// A chunk whose first and last sample's times are known.
    #[must_use]
    pub fn new(encoding: Encoding, range: TimeRange, bytes: impl Into<Cow<'a, [u8]>>) -> Self {
        Self { encoding, range, bytes: bytes.into() }
    }
}

/// The chunks of a series from any number of sources as one sequence, ascending and without overlap.
///
/// * A chunk that overlaps no other is passed on as it is.
/// * Of chunks that are the same to the byte, one remains.
/// * Chunks that overlap, directly or through others, are decoded and encoded again: each time has
///   one sample, that of the chunk given first, and a chunk ends after 120 samples, where the kind of
///   samples changes, and where histograms cannot follow each other.
///
/// What is encoded again has the encoding of Prometheus for its kind of samples, with start
/// timestamps where one of the overlapping chunks had such an encoding. Histograms are told to have
/// unknown resets where the next source takes over.
///
/// Time: O(n log n) in the samples that overlap; memory: in proportion to them.
///
/// ```
/// use skopos_chunk::merge::{Chunk, merge};
/// use skopos_chunk::{Encoding, XorDecoder, XorEncoder, codec};
///
/// fn chunk(samples: &[(i64, f64)]) -> Result<Chunk<'static>, skopos_chunk::Error> {
///     let mut encoder = XorEncoder::new();
///     for (t, v) in samples {
///         encoder.push(*t, *v)?;
///     }
///     let range = codec(Encoding::Xor)?.time_range(encoder.bytes())?.unwrap();
///     Ok(Chunk::new(Encoding::Xor, range, encoder.finish()))
/// }
///
/// let chunks = [
///     chunk(&[(1, 1.0), (3, 3.0)])?,
///     chunk(&[(2, 2.0), (3, 9.0)])?,
///     chunk(&[(4, 4.0)])?,
/// ];
/// let last = chunks[2].clone();
/// let merged = merge(chunks)?;
/// assert_eq!(merged.len(), 2);
/// let samples = XorDecoder::new(&merged[0].bytes)?.collect::<Result<Vec<_>, _>>()?;
/// assert_eq!(samples.iter().map(|sample| sample.v).collect::<Vec<_>>(), [1.0, 2.0, 3.0]);
/// assert_eq!(merged[1], last);
/// # Ok::<(), skopos_chunk::Error>(())
/// ```
///
/// # Errors
///
/// Of chunks that overlap: `Truncated` or `Corrupt` if one cannot be decoded, its times do not
/// ascend or lie outside of its range; `Unsupported` for encodings without a codec. The error tells
/// [which of the chunks](Error::chunk) it was.
pub fn merge<'a>(chunks: impl IntoIterator<Item = Chunk<'a>>) -> Result<Vec<Chunk<'a>>, Error> {
    let mut sources: Vec<Source<'a>> = chunks.into_iter().enumerate().collect();
    sources.sort_by(|(_, a), (_, b)| key(a).cmp(&key(b)));
    sources.dedup_by(|(_, later), (_, kept)| later == kept);
    let mut merged = Vec::with_capacity(sources.len());
    let mut overlapping: Vec<Source<'a>> = Vec::new();
    let mut end = None;
    for source in sources {
        let range = source.1.range;
        if end.is_some_and(|end| end < range.start) {
            flush(&mut overlapping, &mut merged)?;
        }
        end = end.max(Some(range.end));
        overlapping.push(source);
    }
    flush(&mut overlapping, &mut merged)?;
    Ok(merged)
}

/// A chunk and its place among those given.
type Source<'a> = (usize, Chunk<'a>);

/// Chunks by time; those that are the same stand together.
fn key<'k>(chunk: &'k Chunk<'_>) -> (Timestamp, Timestamp, u8, &'k [u8]) {
    (chunk.range.start, chunk.range.end, chunk.encoding.as_byte(), &chunk.bytes)
}

/// Moves chunks that overlap, or one that overlaps none, to the merged ones.
fn flush<'a>(chunks: &mut Vec<Source<'a>>, merged: &mut Vec<Chunk<'a>>) -> Result<(), Error> {
    if chunks.len() < 2 {
        merged.extend(chunks.drain(..).map(|(_, chunk)| chunk));
        return Ok(());
    }
    // The order given decides which sample of a time remains.
    chunks.sort_unstable_by_key(|(number, _)| *number);
    let mut samples = Samples::default();
    for (number, chunk) in chunks.drain(..) {
        samples.add(number, &chunk).map_err(|error| error.in_chunk(number))?;
    }
    samples.write(merged)
}

/// The samples of overlapping chunks.
#[derive(Default)]
struct Samples {
    columns: Columns,
    entries: Vec<Entry>,
    has_start_times: bool,
}

/// Where a sample is.
#[derive(Clone, Copy)]
struct Entry {
    t: i64,
    /// Which chunk it came from.
    source: usize,
    kind: SampleKind,
    /// Its place in the columns of its kind.
    at: usize,
}

impl Samples {
    fn add(&mut self, source: usize, chunk: &Chunk<'_>) -> Result<(), Error> {
        let codec = codec(chunk.encoding)?;
        let kind = codec.kind();
        let before = times(&self.columns, kind).len();
        codec.read(&chunk.bytes, TimeRange::ALL, &mut self.columns)?;
        self.has_start_times |= chunk.encoding.has_start_times();
        let new = times(&self.columns, kind).get(before..).unwrap_or_default();
        for (t, at) in new.iter().copied().zip(before..) {
            if !chunk.range.contains(Timestamp::from_millis(t)) {
                let sound = at.saturating_sub(before);
                return Err(Error::new(Problem::OutsideRange { t }, 0).after(sound));
            }
            self.entries.push(Entry { t, source, kind, at });
        }
        Ok(())
    }

    /// Encodes the samples into chunks behind those that are there.
    fn write(mut self, merged: &mut Vec<Chunk<'_>>) -> Result<(), Error> {
        // Stable, so that of equal times the first chunk's stays first.
        self.entries.sort_by_key(|entry| entry.t);
        self.entries.dedup_by_key(|entry| entry.t);
        for run in self.entries.chunk_by(|a, b| a.kind == b.kind) {
            let Some(first) = run.first() else { continue };
            let encoding = encoding(first.kind, self.has_start_times);
            let columns = self.collect(run);
            write_run(encoding, &columns, merged)?;
        }
        Ok(())
    }

    /// The samples of a run, in its order.
    fn collect(&self, run: &[Entry]) -> Columns {
        let mut columns = Columns::new();
        let mut before: Option<&Entry> = None;
        for entry in run {
            let follows = before
                .is_some_and(|b| b.source == entry.source && b.at.checked_add(1) == Some(entry.at));
            self.copy(entry, follows, &mut columns);
            before = Some(entry);
        }
        columns
    }

    /// Appends a sample; `follows` where the one before it follows it in the same chunk.
    fn copy(&self, entry: &Entry, follows: bool, columns: &mut Columns) {
        let from = &self.columns;
        if entry.kind.is_float() {
            if let Some(v) = from.values.get(entry.at) {
                columns.push(entry.t, *v);
            }
            if self.has_start_times {
                let start = from.start_timestamps.get(entry.at).copied();
                columns.start_timestamps.push(start.unwrap_or(0));
            }
            return;
        }
        if let Some(histogram) = from.histograms.get(entry.at) {
            let mut histogram = histogram.clone();
            if !follows && histogram.reset_hint != ResetHint::Gauge {
                histogram.reset_hint = ResetHint::Unknown;
            }
            columns.push_histogram(entry.t, histogram);
        }
        if self.has_start_times {
            let start = from.histogram_start_timestamps.get(entry.at).copied();
            columns.histogram_start_timestamps.push(start.unwrap_or(0));
        }
    }
}

/// Encodes samples of one kind into chunks of at most 120.
fn write_run(
    encoding: Encoding,
    columns: &Columns,
    merged: &mut Vec<Chunk<'_>>,
) -> Result<(), Error> {
    let codec = codec(encoding)?;
    let times = times(columns, codec.kind());
    let mut from: usize = 0;
    while from < times.len() {
        let to = from.saturating_add(TARGET_SAMPLES).min(times.len());
        let mut bytes = Vec::new();
        let taken = codec.encode(columns, from..to, &mut bytes)?;
        let next = from.saturating_add(taken);
        if let Some([first, .., last] | [first @ last]) = times.get(from..next) {
            let range =
                TimeRange::new(Timestamp::from_millis(*first), Timestamp::from_millis(*last));
            merged.push(Chunk::new(encoding, range, bytes));
        }
        from = next;
    }
    Ok(())
}

/// What samples that overlapped are encoded as.
fn encoding(kind: SampleKind, has_start_times: bool) -> Encoding {
    match (kind, has_start_times) {
        (SampleKind::Float, false) => Encoding::Xor,
        (SampleKind::Float, true) => Encoding::Xor2,
        (SampleKind::Histogram, false) => Encoding::Histogram,
        (SampleKind::Histogram, true) => Encoding::HistogramSt,
        (SampleKind::FloatHistogram, false) => Encoding::FloatHistogram,
        (SampleKind::FloatHistogram, true) => Encoding::FloatHistogramSt,
    }
}
