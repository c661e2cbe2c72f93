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
use core::mem;

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
        self.word_at(self.position >> 3) << (self.position & 7)
    }

    /// The eight bytes at `at`, with zeros behind the end.
    #[inline]
    pub(crate) fn word_at(&self, at: usize) -> u64 {
        match self.bytes.get(at..).and_then(<[u8]>::first_chunk) {
            Some(eight) => u64::from_be_bytes(*eight),
            None => self.last_word(at),
        }
    }

    /// Goes to a position in bits from the start of the chunk.
    #[inline]
    pub(crate) fn set_position(&mut self, position: usize) {
        self.position = position;
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

/// The most bits that [`BitWriter::put_short`] takes: with those of a begun byte they fit in a word.
pub(crate) const SHORT_BITS: u32 = 56;

/// How many bytes behind a writer's end a field of [`SHORT_BITS`] touches.
const WORD_LEN: usize = 8;

/// How many bytes the buffer grows by at least, so that few appends need to grow it.
const GROWTH: usize = 64;

/// Bytes that bits are appended to.
#[derive(Clone, Debug)]
pub struct BitWriter {
    buffer: Vec<u8>,
    end: BitEnd,
}

/// Where a stream of bits ends.
///
/// Each time a whole word is stored, which begins with the bits of the byte that is begun; these are
/// kept here, so that nothing is read back from memory.
#[derive(Clone, Copy, Debug)]
pub(crate) struct BitEnd {
    /// The first byte that has free bits.
    at: usize,
    /// Its bits, at the top; zeros follow.
    begun: u64,
    /// How many they are: 0 to 7.
    begun_bits: u32,
}

impl BitEnd {
    /// Goes on by up to 8 zeros.
    #[inline(always)]
    fn pass_zeros(&mut self, n: u32) {
        debug_assert!(n <= 8);
        let filled = self.begun_bits.wrapping_add(n);
        // Seldom taken, and foretold: writing less is worth it.
        if 8 <= filled {
            self.at = self.at.wrapping_add(1);
            self.begun = 0;
        }
        self.begun_bits = filled & 7;
    }
}

/// A writer's end that lives in registers, with the room that was reserved for it.
#[derive(Debug)]
pub(crate) struct BitTip<'a> {
    room: &'a mut [u8],
    end: BitEnd,
}

impl BitTip<'_> {
    /// Appends the low `n` bits, 1 to [`SHORT_BITS`], of `bits`; the others must be zero. They are
    /// lost where no room was reserved.
    #[inline(always)]
    pub(crate) fn put_short(&mut self, bits: u64, n: u32) {
        debug_assert!((1..=SHORT_BITS).contains(&n) && bits >> n == 0);
        debug_assert!(self.has_room(WORD_LEN));
        let BitEnd { at, begun, begun_bits } = self.end;
        let word = begun | (bits.wrapping_shl(64_u32.wrapping_sub(n)) >> begun_bits);
        let filled = begun_bits.wrapping_add(n);
        self.end = BitEnd {
            at: at.wrapping_add((filled >> 3) as usize),
            begun: word.wrapping_shl(filled & !7),
            begun_bits: filled & 7,
        };
        if let Some(eight) = self.room.get_mut(at..).and_then(|room| room.first_chunk_mut()) {
            *eight = word.to_be_bytes();
        }
    }

    /// Appends up to 8 zeros, which are there already: zeros follow the end.
    #[inline(always)]
    pub(crate) fn put_zeros(&mut self, n: u32) {
        self.end.pass_zeros(n);
    }

    /// Appends the low `n` bits, 1 to 64, of `bits`; the others must be zero.
    #[inline(always)]
    pub(crate) fn put(&mut self, bits: u64, n: u32) {
        debug_assert!((1..=64).contains(&n) && (n == 64 || bits >> (n & 63) == 0));
        if n <= SHORT_BITS {
            return self.put_short(bits, n);
        }
        self.put_short(bits >> 32, n.wrapping_sub(32));
        self.put_short(bits & u64::from(u32::MAX), 32);
    }

    /// Whether so many bytes lie behind the end.
    #[inline(always)]
    pub(crate) fn has_room(&self, bytes: usize) -> bool {
        self.end.at.wrapping_add(bytes) <= self.room.len()
    }

    /// Where the stream ends now, to be given to [`BitWriter::set_end`].
    #[inline(always)]
    pub(crate) fn end(&self) -> BitEnd {
        self.end
    }
}

impl BitWriter {
    /// A writer behind `bytes`, whose last byte has `padding` (0 to 7) free bits.
    pub(crate) fn new(mut bytes: Vec<u8>, padding: usize) -> Self {
        let end = bytes.len();
        let begun_bits = u32::try_from(8_usize.wrapping_sub(padding & 7) & 7).unwrap_or(0);
        let end = match bytes.last_mut() {
            Some(last) if begun_bits != 0 => {
                *last &= u8::MAX << (padding & 7);
                BitEnd { at: end.wrapping_sub(1), begun: u64::from(*last) << 56, begun_bits }
            }
            _ => BitEnd { at: end, begun: 0, begun_bits: 0 },
        };
        Self { buffer: bytes, end }
    }

    /// Appends the low `n` bits, 1 to 64, of `bits`; the others must be zero.
    #[inline]
    pub(crate) fn put(&mut self, bits: u64, n: u32) {
        let mut tip = self.tip(2 * WORD_LEN);
        tip.put(bits, n);
        self.end = tip.end;
    }

    /// Appends up to 8 zeros, or nothing and is `false` where the buffer has to grow first.
    #[inline(always)]
    pub(crate) fn put_zeros(&mut self, n: u32) -> bool {
        // Zeros follow the end as far as the buffer goes.
        let fits = self.end.at.wrapping_add(1) < self.buffer.len();
        if fits {
            self.end.pass_zeros(n);
        }
        fits
    }

    /// The end, with room for so many bytes, [`WORD_LEN`] of them more than will be appended.
    #[inline]
    pub(crate) fn tip(&mut self, room: usize) -> BitTip<'_> {
        let wanted = self.end.at.wrapping_add(room);
        if self.buffer.len() < wanted {
            // By value, so that the writer can live in registers.
            self.buffer = grown(mem::take(&mut self.buffer), wanted);
        }
        BitTip { room: &mut self.buffer, end: self.end }
    }

    /// Goes on where a tip ended.
    #[inline]
    pub(crate) fn set_end(&mut self, end: BitEnd) {
        self.end = end;
    }

    /// Overwrites the byte at `at`, which is written already.
    #[inline]
    pub(crate) fn set_byte(&mut self, at: usize, byte: u8) {
        if let Some(place) = self.buffer.get_mut(at) {
            *place = byte;
        }
    }

    /// Overwrites the first two bytes, which are written already.
    #[inline]
    pub(crate) fn set_header(&mut self, header: u16) {
        if let Some(two) = self.buffer.first_chunk_mut() {
            *two = header.to_be_bytes();
        }
    }

    /// The bytes so far, the last one filled up with zeros.
    #[inline]
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
    #[inline]
    pub(crate) fn byte_len(&self) -> usize {
        self.end.at.wrapping_add(usize::from(self.end.begun_bits != 0))
    }

    /// How many bits there are so far.
    #[cfg(test)]
    pub(crate) fn bit_len(&self) -> usize {
        self.end.at.wrapping_mul(8).wrapping_add(self.end.begun_bits as usize)
    }

    /// Bytes of memory behind the writer.
    pub(crate) fn capacity(&self) -> usize {
        self.buffer.capacity()
    }
}

/// The bytes with zeros behind, as many as are wanted in all or more.
#[cold]
fn grown(mut buffer: Vec<u8>, wanted: usize) -> Vec<u8> {
    // All of what the allocator gives is used before it is asked again.
    buffer.reserve(GROWTH.max(wanted.saturating_sub(buffer.len())));
    buffer.resize(buffer.capacity(), 0);
    buffer
}
