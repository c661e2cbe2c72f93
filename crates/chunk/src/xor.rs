//! The XOR encoding: timestamps as deltas of deltas, values as XORs with the value before.
//!
//! It is Facebook's Gorilla encoding with Prometheus' bit widths, as `docs/formats/chunk-xor.md`
//! describes it. Histograms have encodings of their own.

mod codec;
pub(crate) mod columns;
pub(crate) mod decode;
mod encode;
pub(crate) mod range;
#[cfg(test)]
mod tests;

pub use self::codec::XorCodec;
pub use self::decode::XorDecoder;
pub use self::encode::XorEncoder;

/// The bytes before the samples: their number, big-endian.
const HEADER_LEN: usize = 2;
/// The most samples that the header can count.
pub const MAX_SAMPLES: usize = 65_535;

/// The widths of the delta of deltas behind the prefixes `10`, `110` and `1110`.
const DOD_WIDTHS: [u32; 3] = [14, 17, 20];
/// The bits of a window's count of leading zeros, and of its width.
const LEADING_BITS: u32 = 5;
const WIDTH_BITS: u32 = 6;
