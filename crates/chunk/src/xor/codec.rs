//! XOR chunks behind the interface of all encodings.

use alloc::vec::Vec;
use core::ops::Range;

use skopos_core::{Columns, TimeRange};

use crate::codec::{Codec, floats};
use crate::encoding::Encoding;
use crate::error::Error;
use crate::xor::{MAX_SAMPLES, XorDecoder, XorEncoder};

/// The codec of XOR chunks.
///
/// ```
/// use skopos_chunk::{Codec as _, XorCodec, XorDecoder};
/// use skopos_core::Columns;
///
/// let mut columns = Columns::new();
/// columns.push(1_000, 0.5);
/// let mut chunk = Vec::new();
/// assert_eq!(XorCodec::default().encode(&columns, 0..1, &mut chunk)?, 1);
/// assert_eq!(XorDecoder::new(&chunk)?.len(), 1);
/// # Ok::<(), skopos_chunk::Error>(())
/// ```
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

    fn encode(
        &self,
        columns: &Columns,
        samples: Range<usize>,
        chunk: &mut Vec<u8>,
    ) -> Result<usize, Error> {
        let (ts, vs) = floats(columns, samples)?;
        let taken = ts.len().min(MAX_SAMPLES);
        let mut encoder = XorEncoder::with_capacity(taken.saturating_mul(2));
        encoder.push_columns(ts.get(..taken).unwrap_or_default(), vs)?;
        chunk.extend_from_slice(encoder.bytes());
        Ok(taken)
    }

    fn decode(&self, chunk: &[u8], columns: &mut Columns) -> Result<(), Error> {
        XorDecoder::new(chunk)?.read_all(columns)
    }

    fn read(&self, chunk: &[u8], range: TimeRange, columns: &mut Columns) -> Result<(), Error> {
        XorDecoder::new(chunk)?.read_range(range, columns)
    }
}
