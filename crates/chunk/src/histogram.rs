//! The encodings of native histograms: integer and float counts, with and without start timestamps.
//!
//! A chunk begins with the layout of the buckets, which all its samples share. A histogram with other
//! buckets makes the encoder write the chunk again with the buckets of both, or begin a new one;
//! the rules are Prometheus', and so are the bytes. `docs/formats/chunk-histogram.md` describes both.
//!
//! Histograms are taken as they are: whether their counts fit each other is not asked here, see
//! [`Histogram::validate`](skopos_core::Histogram::validate).

mod codec;
mod decode;
mod encode;
mod fit;
mod flavor;
mod float;
mod integer;
mod layout;
mod reduce;
mod spans;
#[cfg(test)]
mod tests;

pub use self::codec::{
    FloatHistogramCodec, FloatHistogramStCodec, HistogramCodec, HistogramStCodec,
};
pub use self::decode::{HistogramDecoder, HistogramView};
pub use self::encode::{HistogramEncoder, Outcome};
pub use self::flavor::NativeHistogram;

/// The bytes before the layout.
const HEADER_LEN: usize = 3;
/// The header's third byte: the counter-reset header, or that of the start timestamps.
const THIRD: usize = 2;
/// The most samples that the header of a chunk with start timestamps can count.
const MAX_STARTED: u16 = 0x3fff;
