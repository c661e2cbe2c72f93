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

use skopos_core::{TimeRange, Timestamp};

use self::samples::Samples;
use crate::encoding::Encoding;
use crate::error::{Error, Problem};

mod samples;
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
/// timestamps where one of the overlapping chunks had such an encoding. Of histograms that come from
/// another chunk than the one before it is not known whether there was a reset: the header of a chunk
/// says so, or what comparing them shows.
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
/// `Corrupt` for a range that ends before it begins. Of chunks that overlap: `Truncated` or `Corrupt` if one cannot be decoded, its times do not
/// ascend or lie outside of its range; `Unsupported` for encodings without a codec. The error tells
/// [which of the chunks](Error::chunk) it was.
pub fn merge<'a>(chunks: impl IntoIterator<Item = Chunk<'a>>) -> Result<Vec<Chunk<'a>>, Error> {
    let mut sources: Vec<Source<'a>> = chunks.into_iter().enumerate().collect();
    if let Some((number, _)) = sources.iter().find(|(_, chunk)| chunk.range.end < chunk.range.start)
    {
        return Err(Error::new(Problem::EmptyRange, 0).in_chunk(*number));
    }
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
