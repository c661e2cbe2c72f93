//! Chunks of compressed samples, byte-identical to Prometheus'.
//!
//! ```
//! use skopos_chunk::{XorDecoder, XorEncoder};
//! use skopos_core::Columns;
//!
//! let mut encoder = XorEncoder::new();
//! encoder.push(1_716_000_000_000, 0.25)?;
//! encoder.push(1_716_000_015_000, 0.50)?;
//! let chunk: Vec<u8> = encoder.finish();
//!
//! let mut columns = Columns::new();
//! XorDecoder::new(&chunk)?.read_all(&mut columns)?;
//! assert_eq!(columns.timestamps, [1_716_000_000_000, 1_716_000_015_000]);
//! assert_eq!(columns.values, [0.25, 0.50]);
//! # Ok::<(), skopos_chunk::Error>(())
//! ```
//!
//! # Should you use this crate?
//!
//! Yes, to read the chunks of Prometheus' blocks, head files and remote reads, to write ones that
//! Prometheus reads, or to keep regularly sampled floats in two to five bytes a sample. For files of
//! chunks take `skopos-tsdb`, which puts them into segments with checksums.
//!
//! # Concepts
//!
//! * A **chunk** here is a header and a stream of bits, without the length, the [`Encoding`] byte
//!   and the checksum that files put around it.
//! * [`XorEncoder`] appends samples; its bytes are a whole chunk after each of them, and it can be
//!   [reopened](XorEncoder::reopen) from those bytes.
//! * [`XorDecoder`] iterates, seeks forward, or fills [`Columns`](skopos_core::Columns) in one loop.
//! * [`Xor2Encoder`] and [`Xor2Decoder`] do the same for samples with start timestamps,
//!   [`HistogramEncoder`] and [`HistogramDecoder`] for native histograms of either kind.
//! * [`archive`] is an encoding of our own for sealed data: some thousand samples, column by
//!   column, which come back to the bit.
//! * [`Codec`] is one object-safe interface to encodings, for whole chunks both ways, found by
//!   [`codec()`] or listed by [`codecs()`].
//! * [`merge()`](merge::merge) makes one sequence of the chunks that several sources hold of a
//!   series; [`cut`] tells a store that appends where to end a chunk.
//!
//! # Limits
//!
//! * A chunk counts up to 65,535 samples, one of histograms with start timestamps up to 16,383.
//!   Everything is linear in the number of samples and buckets, and needs no memory but the result;
//!   a decoder of histograms has memory for one.
//! * Foreign bytes never panic. A chunk that ends inside a sample is [`ErrorKind::Truncated`];
//!   Prometheus' reader makes samples up from the bits that it has in some of these cases.
//! * The encoding itself takes any order of times. Where a range of times is read
//!   ([`XorDecoder::read_range`], [`Codec::read`], cursors), times that do not ascend are
//!   [`ErrorKind::Corrupt`], since readers of series rely on the order.
//!
//! # Crate features
//!
//! * `std` (default): nothing but the guarantee that the standard library is there. Without it the
//!   crate is `no_std` and needs `alloc`.
#![forbid(unsafe_code)]
#![cfg_attr(not(feature = "std"), no_std)]

extern crate alloc;

pub mod archive;
pub mod codec;
pub mod cut;
pub mod encoding;
pub mod error;
pub mod histogram;
pub mod merge;
pub mod xor;
pub mod xor2;

mod bits;
mod st;
mod varbit;

pub use crate::codec::{Codec, codec, codecs};
pub use crate::encoding::{Encoding, SampleKind};
pub use crate::error::{Error, ErrorKind};
pub use crate::histogram::{
    FloatHistogramCodec, FloatHistogramStCodec, HistogramCodec, HistogramDecoder, HistogramEncoder,
    HistogramStCodec, HistogramView, NativeHistogram, Outcome,
};
pub use crate::xor::{MAX_SAMPLES, XorCodec, XorDecoder, XorEncoder};
pub use crate::xor2::{StartedSample, Xor2Codec, Xor2Decoder, Xor2Encoder};

/// The example in the crate's README.
#[cfg(doctest)]
#[doc = include_str!("../README.md")]
struct Readme;
