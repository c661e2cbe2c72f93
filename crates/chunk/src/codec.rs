//! One interface to the encodings, for stores that keep chunks of several.
//!
//! Sample by sample one uses an encoding's own types, [`XorEncoder`](crate::XorEncoder) and its
//! like; here a call does a whole chunk, so that the price of not knowing the encoding is paid once
//! a chunk.

use alloc::boxed::Box;
use alloc::vec::Vec;
use core::ops::Range;

use skopos_core::{Columns, SampleCursor, TimeRange, Timestamp};

use crate::archive::ArchiveCodec;
use crate::encoding::{Encoding, SampleKind};
use crate::error::{Error, Problem};
use crate::histogram::{
    FloatHistogramCodec, FloatHistogramStCodec, HistogramCodec, HistogramStCodec,
};
use crate::xor::XorCodec;
use crate::xor2::Xor2Codec;

#[cfg(test)]
mod tests;

/// Reads and writes the chunks of one encoding. Chunks are given with their header, without what a
/// file puts around them.
///
/// An encoding holds samples of one [`kind`](Codec::kind), and its codec looks at their part of
/// [`Columns`] only: times and values of floats, or those of histograms. Where an encoding keeps
/// start timestamps, so do both directions; where it does not, they are dropped as they are written.
///
/// Implementers write the four methods without a body; the others are made of them, and worth
/// overriding where an encoding can do less work.
///
/// ```
/// use skopos_chunk::{Codec, Error, codecs};
/// use skopos_core::{Columns, TimeRange, Timestamp};
///
/// /// The smallest chunk of a series of floats.
/// fn smallest(columns: &Columns) -> Result<Vec<u8>, Error> {
///     let mut chunks = Vec::new();
///     for codec in codecs().iter().filter(|codec| codec.kind().is_float()) {
///         let mut chunk = Vec::new();
///         if codec.encode(columns, 0..columns.timestamps.len(), &mut chunk)? == columns.len() {
///             chunks.push(chunk);
///         }
///     }
///     Ok(chunks.into_iter().min_by_key(Vec::len).unwrap_or_default())
/// }
///
/// let mut columns = Columns::new();
/// for i in 0..100 {
///     columns.push(i * 15_000, 1.0);
/// }
/// assert!(smallest(&columns)?.len() < 50);
/// # Ok::<(), Error>(())
/// ```
///
/// # Laws
///
/// * No bytes make a method panic, allocate more than in proportion to the chunk, or run longer.
/// * `decode` gives the samples that `encode` took, to the bit; of histograms, those that share a
///   chunk get each other's buckets as empty ones, and stale ones keep nothing but that they are.
/// * `read` gives the samples of `decode` that lie in the range, as long as times ascend; `cursor`
///   gives what `read` appends, and fails where it fails.
/// * An error of a reading method tells how many [sound samples](Error::sound_samples) the chunk
///   begins with.
pub trait Codec: Send + Sync {
    /// The encoding.
    fn encoding(&self) -> Encoding;

    /// The number of samples by the chunk's header, without decoding them.
    ///
    /// # Errors
    ///
    /// `Truncated` if there is no whole header.
    fn count(&self, chunk: &[u8]) -> Result<usize, Error>;

    /// Writes samples as one chunk behind what `chunk` holds; returns how many of them.
    ///
    /// `samples` are places in the columns of the codec's [kind](Codec::kind). The chunk has all of
    /// them unless it may not: its header counts no more, or a histogram cannot follow the one
    /// before in one chunk. It has at least one unless none are given, so that calling again for the
    /// rest ends. Times need not ascend.
    ///
    /// # Errors
    ///
    /// `Invalid` if the columns do not have such samples, or the encoding cannot hold one of them,
    /// such as a fractional count in integers. `chunk` is as before then.
    fn encode(
        &self,
        columns: &Columns,
        samples: Range<usize>,
        chunk: &mut Vec<u8>,
    ) -> Result<usize, Error>;

    /// Appends all samples to `columns` in the chunk's order, whatever their times.
    ///
    /// # Errors
    ///
    /// `Truncated` or `Corrupt`; the [sound samples](Error::sound_samples) before are appended.
    fn decode(&self, chunk: &[u8], columns: &mut Columns) -> Result<(), Error>;

    /// What samples the encoding holds.
    fn kind(&self) -> SampleKind {
        self.encoding().kind()
    }

    /// The least and the greatest time of a sample, or `None` for an empty chunk. Decodes the chunk
    /// unless overridden.
    ///
    /// # Errors
    ///
    /// `Truncated` or `Corrupt` if the chunk cannot be decoded to its end; a codec that finds the
    /// times apart from the values does not look at these.
    fn time_range(&self, chunk: &[u8]) -> Result<Option<TimeRange>, Error> {
        let mut columns = Columns::new();
        self.decode(chunk, &mut columns)?;
        let times = times(&columns, self.kind());
        let ends = times.iter().min().zip(times.iter().max());
        Ok(ends.map(|(min, max)| {
            TimeRange::new(Timestamp::from_millis(*min), Timestamp::from_millis(*max))
        }))
    }

    /// Appends the samples with times in `range` to `columns`. Decodes the whole chunk unless
    /// overridden.
    ///
    /// # Errors
    ///
    /// `Truncated` or `Corrupt`, also where the times that are read do not ascend; whole ascending
    /// samples before the fault are appended.
    fn read(&self, chunk: &[u8], range: TimeRange, columns: &mut Columns) -> Result<(), Error> {
        let kind = self.kind();
        let before = times(columns, kind).len();
        let result = self.decode(chunk, columns);
        let new = times(columns, kind).get(before..).unwrap_or_default();
        let ascending = match new.windows(2).position(|pair| matches!(pair, [a, b] if b <= a)) {
            Some(at) => at.saturating_add(1),
            None => new.len(),
        };
        let result = if ascending < new.len() {
            let number = ascending.saturating_add(1);
            Err(Error::new(Problem::NotAscending { number }, 0).after(ascending))
        } else {
            result
        };
        let sound = new.get(..ascending).unwrap_or_default();
        let first = sound.partition_point(|t| *t < range.start.as_millis());
        let end = sound.partition_point(|t| *t <= range.end.as_millis()).max(first);
        keep(columns, kind, before, first..end);
        result
    }

    /// A cursor over the samples with times in `range`: the whole chunk in one batch.
    fn cursor<'a>(&'a self, chunk: &'a [u8], range: TimeRange) -> Box<dyn SampleCursor + 'a> {
        Box::new(ChunkCursor { codec: self, chunk: Some(chunk), range })
    }
}

/// The codecs of all encodings that this version reads and writes, in the order of their bytes.
///
/// ```
/// let names: Vec<_> = skopos_chunk::codecs().iter().map(|c| c.encoding().as_str()).collect();
/// assert!(names.contains(&"XOR"));
/// ```
#[must_use]
pub fn codecs() -> &'static [&'static dyn Codec] {
    &[
        &XorCodec,
        &HistogramCodec,
        &FloatHistogramCodec,
        &Xor2Codec,
        &HistogramStCodec,
        &FloatHistogramStCodec,
        &ArchiveCodec::HOT,
    ]
}

/// The codec of an encoding.
///
/// ```
/// use skopos_chunk::{Encoding, XorEncoder, codec};
/// use skopos_core::{Columns, TimeRange};
///
/// let mut encoder = XorEncoder::new();
/// encoder.push(1_000, 0.5)?;
/// let xor = codec(Encoding::Xor)?;
/// assert_eq!(xor.count(encoder.bytes())?, 1);
/// let mut columns = Columns::new();
/// xor.read(encoder.bytes(), TimeRange::ALL, &mut columns)?;
/// assert_eq!((&columns.timestamps, &columns.values), (&vec![1_000], &vec![0.5]));
///
/// let mut again = Vec::new();
/// assert_eq!(xor.encode(&columns, 0..1, &mut again)?, 1);
/// assert_eq!(again, encoder.bytes());
/// # Ok::<(), skopos_chunk::Error>(())
/// ```
///
/// # Errors
///
/// `Unsupported` for an encoding that has no codec in this version.
pub fn codec(encoding: Encoding) -> Result<&'static dyn Codec, Error> {
    let found = codecs().iter().find(|codec| codec.encoding() == encoding);
    found.copied().ok_or(Error::new(Problem::UnsupportedEncoding(encoding.as_str()), 0))
}

/// The start times in a lane of columns, made as many as its times; for writers of columns, which
/// call it after they appended samples that have start times.
pub(crate) fn start_times(columns: &mut Columns, kind: SampleKind) -> &mut Vec<i64> {
    let (times, starts) = match kind.is_float() {
        true => (&columns.timestamps, &mut columns.start_timestamps),
        false => (&columns.histogram_timestamps, &mut columns.histogram_start_timestamps),
    };
    starts.resize(times.len(), 0);
    starts
}

/// Gives samples without start times the unknown one where the columns have start times; for
/// writers of columns, after they appended such samples.
pub(crate) fn level_starts(columns: &mut Columns, kind: SampleKind) {
    let (times, starts) = match kind.is_float() {
        true => (&columns.timestamps, &mut columns.start_timestamps),
        false => (&columns.histogram_timestamps, &mut columns.histogram_start_timestamps),
    };
    if !starts.is_empty() {
        starts.resize(times.len(), 0);
    }
}

/// The times and values of float samples at these places of the columns.
///
/// # Errors
///
/// `Invalid` if there are no such places in both.
pub(crate) fn floats(columns: &Columns, samples: Range<usize>) -> Result<(&[i64], &[f64]), Error> {
    let ts = columns.timestamps.get(samples.clone());
    let vs = columns.values.get(samples.clone());
    let there = Problem::NoSuchSamples { end: samples.end, len: columns.timestamps.len() };
    ts.zip(vs).ok_or(Error::new(there, 0))
}

/// The times of a lane.
pub(crate) fn times(columns: &Columns, kind: SampleKind) -> &[i64] {
    if kind.is_float() { &columns.timestamps } else { &columns.histogram_timestamps }
}

/// Of the samples from the place `before` on, keeps those in `kept`.
pub(crate) fn keep(columns: &mut Columns, kind: SampleKind, before: usize, kept: Range<usize>) {
    let kept = before.saturating_add(kept.start)..before.saturating_add(kept.end);
    if kind.is_float() {
        keep_in(&mut columns.timestamps, before, &kept);
        keep_in(&mut columns.values, before, &kept);
        keep_in(&mut columns.start_timestamps, before, &kept);
    } else {
        keep_in(&mut columns.histogram_timestamps, before, &kept);
        keep_in(&mut columns.histograms, before, &kept);
        keep_in(&mut columns.histogram_start_timestamps, before, &kept);
    }
}

/// Drops the elements from `before` on that are not at the places `kept`.
fn keep_in<T>(column: &mut Vec<T>, before: usize, kept: &Range<usize>) {
    column.truncate(kept.end);
    let front = before.min(column.len())..kept.start.min(column.len());
    column.drain(front);
}

/// A chunk that was not read yet.
struct ChunkCursor<'a, C: ?Sized> {
    codec: &'a C,
    chunk: Option<&'a [u8]>,
    range: TimeRange,
}

impl<C: Codec + ?Sized> SampleCursor for ChunkCursor<'_, C> {
    fn read(&mut self, columns: &mut Columns) -> Result<bool, skopos_core::Error> {
        if let Some(chunk) = self.chunk.take() {
            self.codec.read(chunk, self.range, columns)?;
        }
        Ok(false)
    }
}
