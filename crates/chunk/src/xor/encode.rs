//! Encoding XOR chunks: an encoder whose bytes are a valid chunk after every sample.

use alloc::vec::Vec;

use crate::bits::BitWriter;
use crate::error::{Error, Problem};
use crate::xor::decode::{Window, XorDecoder};
use crate::xor::{DOD_WIDTHS, HEADER_LEN, LEADING_BITS, MAX_SAMPLES, WIDTH_BITS};

/// Writes the samples of an XOR chunk.
///
/// The bytes are those that Prometheus writes for the same samples, and a valid chunk after every
/// sample: a reader may copy them at any time. A sample takes constant time and at most 19 bytes.
///
/// ```
/// use skopos_chunk::XorEncoder;
///
/// let mut encoder = XorEncoder::new();
/// encoder.push(1_000, 1.5)?;
/// encoder.push(16_000, 1.5)?;
/// assert_eq!(encoder.len(), 2);
/// assert_eq!(encoder.bytes(), b"\x00\x02\xd0\x0f\x3f\xf8\x00\x00\x00\x00\x00\x00\x98\x75\x00");
/// # Ok::<(), skopos_chunk::Error>(())
/// ```
#[derive(Clone, Debug)]
pub struct XorEncoder {
    bits: BitWriter,
    count: u16,
    t: i64,
    /// The distance of the last two timestamps, modulo 2^64.
    delta: u64,
    /// The last value's bits.
    v: u64,
    window: Option<Window>,
}

impl XorEncoder {
    /// An encoder of an empty chunk.
    #[must_use]
    pub fn new() -> Self {
        Self::with_capacity(0)
    }

    /// An encoder of an empty chunk with room for so many bytes.
    #[must_use]
    pub fn with_capacity(bytes: usize) -> Self {
        let mut buffer = Vec::with_capacity(bytes);
        buffer.resize(HEADER_LEN, 0);
        Self { bits: BitWriter::new(buffer, 0), count: 0, t: 0, delta: 0, v: 0, window: None }
    }

    /// An encoder that goes on behind the last sample of `chunk`, as if it had written the chunk;
    /// bytes behind the last sample are dropped. Linear in the chunk.
    ///
    /// ```
    /// use skopos_chunk::XorEncoder;
    ///
    /// let mut encoder = XorEncoder::new();
    /// encoder.push(1_000, 1.5)?;
    /// let mut reopened = XorEncoder::reopen(encoder.bytes())?;
    /// encoder.push(2_000, 2.5)?;
    /// reopened.push(2_000, 2.5)?;
    /// assert_eq!(reopened.bytes(), encoder.bytes());
    /// # Ok::<(), skopos_chunk::Error>(())
    /// ```
    ///
    /// # Errors
    ///
    /// `Truncated` or `Corrupt` if the chunk cannot be decoded to its end.
    pub fn reopen(chunk: &[u8]) -> Result<Self, Error> {
        let mut decoder = XorDecoder::new(chunk)?;
        for sample in decoder.by_ref() {
            sample?;
        }
        let end = decoder.end();
        if end.window.is_some_and(|window| 64 <= window.trailing) {
            return Err(Error::new(Problem::WindowTooWide, HEADER_LEN));
        }
        let len = end.position.div_ceil(8);
        let mut buffer = Vec::with_capacity(len + 64);
        buffer.extend_from_slice(&chunk[..len]);
        Ok(Self {
            bits: BitWriter::new(buffer, len * 8 - end.position),
            count: end.count,
            t: end.t,
            delta: end.delta,
            v: end.v,
            window: end.window,
        })
    }

    /// Appends a sample: a time in milliseconds, and a value, whose bits are kept as they are.
    ///
    /// The encoding takes times in any order; readers of series expect ascending ones.
    ///
    /// # Errors
    ///
    /// `Full` if the chunk has 65,535 samples; it stays as it was.
    #[inline]
    pub fn push(&mut self, t: i64, v: f64) -> Result<(), Error> {
        let v = v.to_bits();
        match self.count {
            0 => self.push_first(t, v),
            1 => self.push_second(t, v),
            u16::MAX => return Err(self.full()),
            _ => self.push_later(t, v),
        }
        self.t = t;
        self.v = v;
        self.count += 1;
        self.bits.set_header(self.count);
        Ok(())
    }

    /// How many samples the chunk has.
    #[must_use]
    pub fn len(&self) -> usize {
        usize::from(self.count)
    }

    /// Whether the chunk has no sample.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.count == 0
    }

    /// The time of the last sample in milliseconds, if there is one.
    #[must_use]
    pub fn last_time(&self) -> Option<i64> {
        (!self.is_empty()).then_some(self.t)
    }

    /// The value of the last sample, if there is one.
    #[must_use]
    pub fn last_value(&self) -> Option<f64> {
        (!self.is_empty()).then_some(f64::from_bits(self.v))
    }

    /// The chunk so far, with its header.
    #[must_use]
    pub fn bytes(&self) -> &[u8] {
        self.bits.bytes()
    }

    /// Bytes of heap memory behind the encoder.
    #[must_use]
    pub fn heap_bytes(&self) -> usize {
        self.bits.capacity()
    }

    /// The chunk, without spare memory.
    #[must_use]
    pub fn finish(self) -> Vec<u8> {
        self.bits.into_bytes()
    }

    #[cold]
    fn push_first(&mut self, t: i64, v: u64) {
        self.put_varint(((t << 1) ^ (t >> 63)).cast_unsigned());
        self.bits.put(v, 64);
    }

    #[cold]
    fn push_second(&mut self, t: i64, v: u64) {
        self.delta = t.wrapping_sub(self.t).cast_unsigned();
        self.put_varint(self.delta);
        self.put_value(0, 0, v);
    }

    #[inline]
    fn push_later(&mut self, t: i64, v: u64) {
        let delta = t.wrapping_sub(self.t).cast_unsigned();
        let dod = delta.wrapping_sub(self.delta).cast_signed();
        self.delta = delta;
        let (head, n) = if dod == 0 { (0, 1) } else { self.put_dod(dod) };
        self.put_value(head, n, v);
    }

    /// The bits of a delta of deltas other than 0, and how many; none where they are written.
    fn put_dod(&mut self, dod: i64) -> (u64, u32) {
        for (width, ones) in DOD_WIDTHS.into_iter().zip(1..) {
            let half = 1_i64 << (width - 1);
            // Asymmetric: the largest positive number takes the bits of the smallest negative one.
            if -half < dod && dod <= half {
                let prefix = ((1_u64 << ones) - 1) << (width + 1);
                let bits = dod.cast_unsigned() & ((1 << width) - 1);
                return (prefix | bits, ones + 1 + width);
            }
        }
        self.bits.put(0b1111, 4);
        self.bits.put(dod.cast_unsigned(), 64);
        (0, 0)
    }

    /// Writes the low `n` bits (up to 24) of `head`, and a value.
    #[inline]
    fn put_value(&mut self, head: u64, n: u32, v: u64) {
        let xor = v ^ self.v;
        if xor == 0 {
            return self.bits.put(head << 1, n + 1);
        }
        // Five bits hold the count of leading zeros.
        let leading = xor.leading_zeros().min(31);
        let trailing = xor.trailing_zeros();
        if let Some(window) = self.window
            && window.trailing <= trailing
            && 64 - window.trailing - window.width <= leading
        {
            self.bits.put((head << 2) | 0b10, n + 2);
            return self.bits.put(xor >> window.trailing, window.width);
        }
        let width = 64 - leading - trailing;
        self.window = Some(Window { width, trailing });
        let control = (0b11 << LEADING_BITS | u64::from(leading)) << WIDTH_BITS;
        // A width of 64 is written as 0.
        let control = control | u64::from(width & 63);
        let control_bits = 2 + LEADING_BITS + WIDTH_BITS;
        self.bits.put((head << control_bits) | control, n + control_bits);
        self.bits.put(xor >> trailing, width);
    }

    fn put_varint(&mut self, mut number: u64) {
        while 0x80 <= number {
            self.bits.put((number & 0x7f) | 0x80, 8);
            number >>= 7;
        }
        self.bits.put(number, 8);
    }

    #[cold]
    fn full(&self) -> Error {
        debug_assert_eq!(self.len(), MAX_SAMPLES);
        Error::new(Problem::Full { most: u16::MAX }, self.bits.byte_len())
    }
}

impl Default for XorEncoder {
    fn default() -> Self {
        Self::new()
    }
}
