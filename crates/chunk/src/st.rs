//! The start timestamps of samples: a byte in the chunk's header, and a field behind each sample
//! from the first one on whose start differs from the one before.
//!
//! XOR2 chunks and the histogram chunks with start timestamps share them.
#![deny(
    clippy::arithmetic_side_effects,
    clippy::cast_possible_truncation,
    clippy::indexing_slicing
)]

use crate::bits::{BitReader, BitWriter};
use crate::varbit::{put_int, put_varint, take_int, take_varint};

/// The bit of the header that tells that the first sample has a start.
const FIRST: u8 = 0x80;
/// The last sample at which the fields can begin, since the header has seven bits for it.
const LAST_FROM: u8 = 0x7f;

/// The state behind a sample.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Starts {
    /// The header.
    header: u8,
    /// The last sample's start, 0 where it is not known.
    st: i64,
    /// The time of the sample before the last one, less `st`.
    lag: i64,
}

impl Starts {
    /// Before the first sample of a chunk with this header.
    pub(crate) fn new(header: u8) -> Self {
        Self { header, st: 0, lag: 0 }
    }

    /// The header.
    #[inline]
    pub(crate) fn header(&self) -> u8 {
        self.header
    }

    /// The last sample's start, 0 where it is not known.
    #[inline]
    pub(crate) fn last(&self) -> i64 {
        self.st
    }

    /// Whether no sample has a start, and none has a field.
    #[inline]
    pub(crate) fn are_absent(&self) -> bool {
        self.header == 0
    }

    /// Whether nothing is to be written behind sample `n`, which is not the first.
    #[inline]
    pub(crate) fn need_no_field(&self, n: u16, st: i64) -> bool {
        self.from() == 0 && st == self.st && n != u16::from(LAST_FROM)
    }

    /// Appends the field behind sample `n`, which has the time `t` and follows one at `before`.
    #[inline]
    pub(crate) fn put(&mut self, out: &mut BitWriter, n: u16, before: i64, t: i64, st: i64) {
        if n == 0 {
            return self.put_first(out, t, st);
        }
        if self.need_no_field(n, st) {
            return;
        }
        if self.from() == 0 {
            // Fields begin at the last possible sample whether something changes or not.
            self.header |= n.to_be_bytes()[1] & LAST_FROM;
        }
        let lag = before.wrapping_sub(st);
        put_int(out, lag.wrapping_sub(self.lag));
        (self.st, self.lag) = (st, lag);
    }

    /// Reads the field behind sample `n`, if it has one; `false` if its integer is too long.
    #[inline]
    pub(crate) fn take(&mut self, bits: &mut BitReader<'_>, n: u16, before: i64, t: i64) -> bool {
        if self.are_absent() {
            return true;
        }
        if n == 0 {
            return self.take_first(bits, t);
        }
        if self.from() != 0 && self.from() <= n {
            self.lag = self.lag.wrapping_add(take_int(bits));
            self.st = before.wrapping_sub(self.lag);
        }
        true
    }

    #[cold]
    fn put_first(&mut self, out: &mut BitWriter, t: i64, st: i64) {
        if st != 0 {
            self.header |= FIRST;
            self.st = st;
            put_varint(out, t.wrapping_sub(st));
        }
    }

    #[cold]
    fn take_first(&mut self, bits: &mut BitReader<'_>, t: i64) -> bool {
        if self.header & FIRST == 0 {
            return true;
        }
        match take_varint(bits) {
            Some(distance) => self.st = t.wrapping_sub(distance),
            None => return false,
        }
        true
    }

    /// The time of the sample before the last one, less the last one's start; of use if the last
    /// sample has a field.
    #[inline]
    pub(crate) fn lag(&self) -> i64 {
        self.lag
    }

    /// Goes behind samples that were read otherwise, the last of which has this start and lag.
    #[inline]
    pub(crate) fn pass(&mut self, st: i64, lag: i64) {
        (self.st, self.lag) = (st, lag);
    }

    /// The first sample with a field, or 0.
    #[inline]
    pub(crate) fn from(&self) -> u16 {
        u16::from(self.header & LAST_FROM)
    }
}
