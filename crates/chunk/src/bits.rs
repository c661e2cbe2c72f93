//! Streams of bits, most significant first, read and written 64 at a time.
//!
//! Reading never fails by itself: behind the end there are zeros, and the caller compares the
//! position with the end once a sample instead of once a bit. Positions are in bits from the start
//! of the chunk, so both ends agree on them.
#![deny(
    clippy::arithmetic_side_effects,
    clippy::cast_possible_truncation,
    clippy::indexing_slicing
)]

use alloc::vec::Vec;

#[cfg(test)]
mod tests;

/// How many bits [`BitReader::peek`] gives at least.
pub(crate) const PEEK_BITS: u32 = 57;

/// A position in a stream of bits.
#[derive(Clone, Copy, Debug)]
pub struct BitReader<'a> {
    bytes: &'a [u8],
    position: usize,
}

impl<'a> BitReader<'a> {
    /// A reader at the first bit of byte `at`. What lies beyond 2^61 bytes is not looked at.
    pub(crate) fn new(bytes: &'a [u8], at: usize) -> Self {
        let reachable = bytes.get(..usize::MAX >> 4).unwrap_or(bytes);
        Self { bytes: reachable, position: at.saturating_mul(8) }
    }

    /// The next bits at the top of a word; [`PEEK_BITS`] or more of them are real, or zeros behind
    /// the end.
    #[inline]
    pub(crate) fn peek(&self) -> u64 {
        let at = self.position >> 3;
        let word = match self.bytes.get(at..).and_then(<[u8]>::first_chunk) {
            Some(eight) => u64::from_be_bytes(*eight),
            None => self.last_word(at),
        };
        word << (self.position & 7)
    }

    /// Goes on by `n` bits.
    #[inline]
    pub(crate) fn skip(&mut self, n: u32) {
        self.position = self.position.wrapping_add(n as usize);
    }

    /// The next `n` bits, 1 to 64, as a number.
    #[inline]
    pub(crate) fn take(&mut self, n: u32) -> u64 {
        debug_assert!((1..=64).contains(&n));
        if n <= PEEK_BITS {
            let bits = self.peek().wrapping_shr(64_u32.wrapping_sub(n));
            self.skip(n);
            return bits;
        }
        let high = self.peek() >> 32;
        self.skip(32);
        let low_n = n.wrapping_sub(32);
        let low = self.peek().wrapping_shr(64_u32.wrapping_sub(low_n));
        self.skip(low_n);
        high.wrapping_shl(low_n) | low
    }

    /// Goes to a position in bits.
    #[inline]
    pub(crate) fn go_to(&mut self, position: usize) {
        self.position = position;
    }

    /// The bytes that the bits are in.
    pub(crate) fn bytes(&self) -> &'a [u8] {
        self.bytes
    }

    /// The position in bits.
    #[inline]
    pub(crate) fn position(&self) -> usize {
        self.position
    }

    /// The offset of the byte that the next bit is in.
    pub(crate) fn byte_offset(&self) -> usize {
        self.position >> 3
    }

    /// Whether more was read than there is.
    #[inline]
    pub(crate) fn is_past_end(&self) -> bool {
        self.bits_left_or_none().is_none()
    }

    /// How many bits follow, or `None` past the end.
    #[inline]
    pub(crate) fn bits_left_or_none(&self) -> Option<usize> {
        // The length is at most `usize::MAX >> 4`.
        self.bytes.len().wrapping_mul(8).checked_sub(self.position)
    }

    /// The bytes from the next whole byte on.
    pub(crate) fn rest(&self) -> &'a [u8] {
        self.bytes.get(self.position.div_ceil(8)..).unwrap_or_default()
    }

    #[inline(never)]
    fn last_word(&self, at: usize) -> u64 {
        let rest = self.bytes.get(at..).unwrap_or_default();
        let mut word = [0; 8];
        for (to, from) in word.iter_mut().zip(rest) {
            *to = *from;
        }
        u64::from_be_bytes(word)
    }
}

/// Bytes that bits are appended to.
#[derive(Clone, Debug)]
pub struct BitWriter {
    /// Invariant: bits from `position` on are zero, and 9 bytes from its byte on exist after
    /// `reserve`.
    buffer: Vec<u8>,
    position: usize,
}

/// How many bytes the buffer grows by at least, so that few appends need to grow it.
const GROWTH: usize = 64;

impl BitWriter {
    /// A writer behind `bytes`, whose last byte has `padding` (0 to 7) free bits.
    pub(crate) fn new(bytes: Vec<u8>, padding: usize) -> Self {
        let position = bytes.len().saturating_mul(8).saturating_sub(padding);
        let mut writer = Self { buffer: bytes, position };
        if let Some(last) = writer.buffer.last_mut() {
            *last &= u8::MAX << (padding & 7);
        }
        writer
    }

    /// Appends the low `n` bits, 1 to 64, of `bits`; the others must be zero.
    #[inline]
    pub(crate) fn put(&mut self, bits: u64, n: u32) {
        debug_assert!((1..=64).contains(&n) && (n == 64 || bits >> (n & 63) == 0));
        let at = self.position >> 3;
        let shift = self.position & 7;
        let top = bits.wrapping_shl(64_u32.wrapping_sub(n));
        self.position = self.position.wrapping_add(n as usize);
        let Some(nine) = self.buffer.get_mut(at..).and_then(|b| b.first_chunk_mut::<9>()) else {
            return self.put_growing(at, shift, top);
        };
        store(nine, shift, top);
    }

    /// Overwrites the byte at `at`.
    #[inline]
    pub(crate) fn set_byte(&mut self, at: usize, byte: u8) {
        if let Some(place) = self.buffer.get_mut(at) {
            *place = byte;
        }
    }

    /// Overwrites the first two bytes.
    #[inline]
    pub(crate) fn set_header(&mut self, header: u16) {
        if let Some(two) = self.buffer.first_chunk_mut() {
            *two = header.to_be_bytes();
        }
    }

    /// The bytes so far, the last one filled up with zeros.
    pub(crate) fn bytes(&self) -> &[u8] {
        self.buffer.get(..self.byte_len()).unwrap_or(&self.buffer)
    }

    /// The bytes so far, without spare memory.
    pub(crate) fn into_bytes(mut self) -> Vec<u8> {
        self.buffer.truncate(self.byte_len());
        self.buffer.shrink_to_fit();
        self.buffer
    }

    /// How many bytes there are so far.
    pub(crate) fn byte_len(&self) -> usize {
        self.position.div_ceil(8)
    }

    /// How many bits there are so far.
    #[cfg(test)]
    pub(crate) fn bit_len(&self) -> usize {
        self.position
    }

    /// Bytes of memory behind the writer.
    pub(crate) fn capacity(&self) -> usize {
        self.buffer.capacity()
    }

    #[cold]
    fn put_growing(&mut self, at: usize, shift: usize, top: u64) {
        // All of what the allocator gives is used before it is asked again.
        self.buffer.reserve(GROWTH);
        self.buffer.resize(self.buffer.capacity(), 0);
        if let Some(nine) = self.buffer.get_mut(at..).and_then(|b| b.first_chunk_mut::<9>()) {
            store(nine, shift, top);
        }
    }
}

/// Puts the bits of `top` behind the first `shift` bits of `nine`; what was behind them is zero.
#[inline]
fn store(nine: &mut [u8; 9], shift: usize, top: u64) {
    let [first, .., last] = nine;
    let begun = u64::from(*first) << 56;
    // The bits that do not fit into the word; none, where it begins at a byte.
    let [.., spilled] = ((top << 1) << (!shift & 7)).to_be_bytes();
    *last = spilled;
    let word = begun | (top >> (shift & 7));
    if let Some(eight) = nine.first_chunk_mut::<8>() {
        *eight = word.to_be_bytes();
    }
}
