//! The archive encoding behind the interface of all encodings.

use alloc::vec::Vec;
use core::ops::Range;

use skopos_core::{Columns, TimeRange, Timestamp};

use super::{ArchiveDecoder, Tier, encode};
use crate::codec::Codec;
use crate::encoding::Encoding;
use crate::error::Error;

/// The codec of archive chunks. It reads those of both tiers, and writes those of one.
///
/// Among [`codecs()`](crate::codecs()) is the one that writes the hot tier.
///
/// ```
/// use skopos_chunk::Codec;
/// use skopos_chunk::archive::ArchiveCodec;
/// use skopos_core::Columns;
///
/// let mut columns = Columns::new();
/// columns.push(1_000, 0.5);
/// let mut chunk = Vec::new();
/// ArchiveCodec::COLD.encode(&columns, 0..1, &mut chunk)?;
/// let mut again = Columns::new();
/// ArchiveCodec::HOT.decode(&chunk, &mut again)?;
/// assert_eq!(again.values, [0.5]);
/// # Ok::<(), skopos_chunk::Error>(())
/// ```
#[derive(Clone, Copy, Debug, Default)]
pub struct ArchiveCodec {
    tier: Tier,
}

impl ArchiveCodec {
    /// Writes chunks that are read quickly.
    pub const HOT: Self = Self { tier: Tier::Hot };
    /// Writes the smallest chunks.
    pub const COLD: Self = Self { tier: Tier::Cold };
}

impl Codec for ArchiveCodec {
    fn encoding(&self) -> Encoding {
        Encoding::Archive
    }

    fn count(&self, chunk: &[u8]) -> Result<usize, Error> {
        Ok(ArchiveDecoder::new(chunk)?.len())
    }

    fn encode(
        &self,
        columns: &Columns,
        samples: Range<usize>,
        chunk: &mut Vec<u8>,
    ) -> Result<usize, Error> {
        encode(columns, samples, self.tier, chunk)
    }

    fn decode(&self, chunk: &[u8], columns: &mut Columns) -> Result<(), Error> {
        ArchiveDecoder::new(chunk)?.read_all(columns)
    }

    fn time_range(&self, chunk: &[u8]) -> Result<Option<TimeRange>, Error> {
        let mut times = Vec::new();
        ArchiveDecoder::new(chunk)?.read_times(&mut times)?;
        let ends = times.iter().min().zip(times.iter().max());
        Ok(ends.map(|(min, max)| {
            TimeRange::new(Timestamp::from_millis(*min), Timestamp::from_millis(*max))
        }))
    }
}
