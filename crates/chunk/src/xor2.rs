//! The XOR2 encoding: as [XOR](crate::xor), but one code tells of time and value together, staleness
//! markers take a few bits, and samples may have start timestamps.
//!
//! `docs/formats/chunk-xor2.md` describes it.

mod codec;
mod columns;
mod decode;
mod encode;
#[cfg(test)]
mod tests;

pub use self::codec::Xor2Codec;
pub use self::decode::{StartedSample, Xor2Decoder};
pub use self::encode::Xor2Encoder;

/// The bytes before the samples: their number, big-endian, and the header of start timestamps.
const HEADER_LEN: usize = 3;
/// Where in the header that of the start timestamps is.
const STARTS_AT: usize = 2;
/// The widths of the delta of deltas behind the prefixes `110` and `1110`.
const DOD_WIDTHS: [u32; 2] = [13, 20];
