//! XOR2 chunks behind the interface of all encodings.

use alloc::vec::Vec;
use core::ops::Range;

use skopos_core::{Columns, TimeRange};

use crate::codec::{Codec, floats};
use crate::encoding::Encoding;
use crate::error::Error;
use crate::xor::MAX_SAMPLES;
use crate::xor2::{Xor2Decoder, Xor2Encoder};

/// The codec of XOR2 chunks.
///
/// ```
/// use skopos_chunk::{Codec as _, Xor2Codec};
/// use skopos_core::Columns;
///
/// let mut columns = Columns::new();
/// columns.push(1_000, 0.5);
/// columns.start_timestamps.push(900);
/// let mut chunk = Vec::new();
/// assert_eq!(Xor2Codec::default().encode(&columns, 0..1, &mut chunk)?, 1);
/// let mut decoded = Columns::new();
/// Xor2Codec::default().decode(&chunk, &mut decoded)?;
/// assert_eq!(decoded.start_timestamps, [900]);
/// # Ok::<(), skopos_chunk::Error>(())
/// ```
#[derive(Clone, Copy, Debug, Default)]
#[non_exhaustive]
pub struct Xor2Codec;

impl Codec for Xor2Codec {
    fn encoding(&self) -> Encoding {
        Encoding::Xor2
    }

    fn count(&self, chunk: &[u8]) -> Result<usize, Error> {
        Ok(Xor2Decoder::new(chunk)?.len())
    }

    fn encode(
        &self,
        columns: &Columns,
        samples: Range<usize>,
        chunk: &mut Vec<u8>,
    ) -> Result<usize, Error> {
        let (ts, vs) = floats(columns, samples.clone())?;
        let starts = columns.start_timestamps.get(samples).unwrap_or_default();
        let starts = starts.iter().copied().chain(core::iter::repeat(0));
        let taken = ts.len().min(MAX_SAMPLES);
        let mut encoder = Xor2Encoder::with_capacity(taken.saturating_mul(2));
        for ((t, v), start) in ts.iter().zip(vs).zip(starts).take(taken) {
            encoder.push_started(start, *t, *v)?;
        }
        chunk.extend_from_slice(encoder.bytes());
        Ok(taken)
    }

    fn decode(&self, chunk: &[u8], columns: &mut Columns) -> Result<(), Error> {
        Xor2Decoder::new(chunk)?.read_all(columns)
    }

    fn read(&self, chunk: &[u8], range: TimeRange, columns: &mut Columns) -> Result<(), Error> {
        Xor2Decoder::new(chunk)?.read_range(range, columns)
    }
}
