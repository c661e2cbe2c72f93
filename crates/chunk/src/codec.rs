//! One interface to the encodings, for stores that keep chunks of several.
//!
//! Sample by sample one uses an encoding's own types; here a call does a whole chunk.

use alloc::boxed::Box;

use skopos_core::{Columns, SampleCursor, TimeRange, Timestamp};

use crate::encoding::Encoding;
use crate::error::{Error, Problem};
use crate::xor::XorDecoder;

/// Reads the chunks of one encoding. Chunks are given with their header, without what a file puts
/// around them.
///
/// # Laws
///
/// * No bytes make a method panic, allocate more than in proportion to the chunk, or run longer.
/// * `cursor` gives what `read` appends, and fails where it fails.
pub trait Codec: Send + Sync {
    /// The encoding.
    fn encoding(&self) -> Encoding;

    /// The number of samples by the chunk's header, without decoding them.
    ///
    /// # Errors
    ///
    /// `Truncated` if there is no whole header.
    fn count(&self, chunk: &[u8]) -> Result<usize, Error>;

    /// The times of the first and the last sample, or `None` for an empty chunk. Decodes the chunk.
    ///
    /// # Errors
    ///
    /// `Truncated` or `Corrupt` if the chunk cannot be decoded to its end.
    fn time_range(&self, chunk: &[u8]) -> Result<Option<TimeRange>, Error>;

    /// Appends the samples with times in `range` to `columns`.
    ///
    /// # Errors
    ///
    /// `Truncated` or `Corrupt`, also where the times that are read do not ascend; whole ascending
    /// samples before the fault are appended.
    fn read(&self, chunk: &[u8], range: TimeRange, columns: &mut Columns) -> Result<(), Error>;

    /// A cursor over the samples with times in `range`: the whole chunk in one batch.
    fn cursor<'a>(&self, chunk: &'a [u8], range: TimeRange) -> Box<dyn SampleCursor + 'a>;
}

/// The codec of an encoding.
///
/// ```
/// use skopos_chunk::{Encoding, ErrorKind, XorEncoder, codec};
/// use skopos_core::{Columns, TimeRange};
///
/// let mut encoder = XorEncoder::new();
/// encoder.push(1_000, 0.5)?;
/// let xor = codec(Encoding::Xor)?;
/// assert_eq!(xor.count(encoder.bytes())?, 1);
/// let mut columns = Columns::new();
/// xor.read(encoder.bytes(), TimeRange::ALL, &mut columns)?;
/// assert_eq!((columns.timestamps, columns.values), (vec![1_000], vec![0.5]));
///
/// let error = codec(Encoding::Histogram).err().unwrap();
/// assert_eq!(error.kind(), ErrorKind::Unsupported);
/// # Ok::<(), skopos_chunk::Error>(())
/// ```
///
/// # Errors
///
/// `Unsupported` for every encoding but XOR.
pub fn codec(encoding: Encoding) -> Result<&'static dyn Codec, Error> {
    match encoding {
        Encoding::Xor => Ok(&XorCodec),
        other => Err(Error::new(Problem::UnsupportedEncoding(other.as_str()), 0)),
    }
}

/// The codec of XOR chunks.
#[derive(Clone, Copy, Debug, Default)]
#[non_exhaustive]
pub struct XorCodec;

impl Codec for XorCodec {
    fn encoding(&self) -> Encoding {
        Encoding::Xor
    }

    fn count(&self, chunk: &[u8]) -> Result<usize, Error> {
        Ok(XorDecoder::new(chunk)?.len())
    }

    fn time_range(&self, chunk: &[u8]) -> Result<Option<TimeRange>, Error> {
        let mut ends: Option<(Timestamp, Timestamp)> = None;
        for sample in XorDecoder::new(chunk)? {
            let t = sample?.t;
            ends = Some((ends.map_or(t, |(first, _)| first), t));
        }
        Ok(ends.map(|(first, last)| TimeRange::new(first, last)))
    }

    fn read(&self, chunk: &[u8], range: TimeRange, columns: &mut Columns) -> Result<(), Error> {
        XorDecoder::new(chunk)?.read_range(range, columns)
    }

    fn cursor<'a>(&self, chunk: &'a [u8], range: TimeRange) -> Box<dyn SampleCursor + 'a> {
        Box::new(XorCursor { chunk: Some(chunk), range })
    }
}

/// A chunk that was not read yet.
struct XorCursor<'a> {
    chunk: Option<&'a [u8]>,
    range: TimeRange,
}

impl SampleCursor for XorCursor<'_> {
    fn read(&mut self, columns: &mut Columns) -> Result<bool, skopos_core::Error> {
        if let Some(chunk) = self.chunk.take() {
            XorCodec.read(chunk, self.range, columns)?;
        }
        Ok(false)
    }
}
