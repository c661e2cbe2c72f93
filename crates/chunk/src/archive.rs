//! The archive encoding: some thousand float samples of one series, column by column.
//!
//! It is for sealed data, which is read more often than written: a chunk is written at once, from
//! columns, and read into columns. `docs/formats/chunk-archive.md` describes it to the last bit. It is
//! no encoding of Prometheus', whose files have no byte for it; what holds XOR chunks can hold these
//! in their place and give the same XOR chunks back, since all bits come back.
//!
//! Histograms are not held.
//!
//! ```
//! use skopos_chunk::archive::{self, ArchiveDecoder, Tier};
//! use skopos_core::Columns;
//!
//! let mut columns = Columns::new();
//! for i in 0..4_096_i64 {
//!     columns.push(1_716_000_000_000 + i * 15_000, (i * i % 89) as f64);
//! }
//! let mut hot = Vec::new();
//! assert_eq!(archive::encode(&columns, 0..4_096, Tier::Hot, &mut hot)?, 4_096);
//! let mut cold = Vec::new();
//! archive::encode(&columns, 0..4_096, Tier::Cold, &mut cold)?;
//! assert!(cold.len() < hot.len() && hot.len() < 4_096);
//!
//! let mut again = Columns::new();
//! ArchiveDecoder::new(&cold)?.read_all(&mut again)?;
//! assert_eq!(again.values, columns.values);
//! # Ok::<(), skopos_chunk::Error>(())
//! ```

mod bitpack;
mod codec;
mod column;
mod decode;
mod encode;
mod entropy;
mod float;
mod input;
mod packed;
mod predict;
mod sparse;
#[cfg(test)]
mod tests;

pub use self::codec::ArchiveCodec;
pub use self::decode::ArchiveDecoder;
pub use self::encode::encode;

/// The most samples that a chunk counts.
pub const MAX_SAMPLES: usize = 65_535;

/// How many samples make a good chunk: more hardly pack better, fewer hardly read faster.
pub const GOOD_SAMPLES: usize = 4_096;

/// The first byte of a chunk of this version.
const VERSION: u8 = 0xa1;
/// The flag of chunks with start timestamps.
const STARTS: u8 = 1;
/// Version, flags, number of samples.
const HEADER_LEN: usize = 4;
/// How many integers are packed together.
const BLOCK: usize = 128;

type Block = [u64; BLOCK];

/// What a chunk is to be good at. A reader need not know.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Tier {
    /// Quick to write and to read: nothing is entropy-coded.
    #[default]
    Hot,
    /// As small as can be.
    Cold,
}
