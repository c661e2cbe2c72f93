//! Encoding XOR chunks: an encoder whose bytes are a valid chunk after every sample.

use alloc::vec::Vec;

use crate::bits::{BitEnd, BitTip, BitWriter, SHORT_BITS};
use crate::error::{Error, Problem};
use crate::xor::decode::{Window, XorDecoder};
use crate::xor::{DOD_WIDTHS, HEADER_LEN, LEADING_BITS, WIDTH_BITS};

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
    last: Last,
}

/// What the next sample is encoded against, small enough for registers.
#[derive(Clone, Copy, Debug)]
struct Last {
    t: i64,
    /// The distance of the last two timestamps, modulo 2^64.
    delta: u64,
    /// The last value's bits.
    v: u64,
    window: Window,
    /// The zeros before the window; more than there can be where no window was written yet.
    leading: u32,
}

/// What `leading` is without a window.
const NO_WINDOW: u32 = u32::MAX;

/// The bytes to reserve for a sample: 20 at most, and a word that may be touched behind them.
const ROOM: usize = 20 + 8;

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
        let bits = BitWriter::new(buffer, 0);
        let window = Window { width: 64, trailing: 0 };
        let last = Last { t: 0, delta: 0, v: 0, window, leading: NO_WINDOW };
        Self { bits, count: 0, last }
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
        let window = end.window.unwrap_or(Window { width: 64, trailing: 0 });
        let leading = end.window.map_or(NO_WINDOW, |w| 64 - w.width - w.trailing);
        let len = end.position.div_ceil(8);
        let padding = len * 8 - end.position;
        let mut buffer = Vec::with_capacity(len + 64);
        buffer.extend_from_slice(&chunk[..len]);
        let last = Last { t: end.t, delta: end.delta, v: end.v, window, leading };
        Ok(Self { bits: BitWriter::new(buffer, padding), count: end.count, last })
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
        if (2..u16::MAX).contains(&self.count) {
            if self.last.is_repeated(t, v) && self.bits.put_zeros(2) {
                self.last.t = t;
            } else {
                let mut tip = self.bits.tip(ROOM);
                self.last.put_later(&mut tip, t, v);
                let end = tip.end();
                self.bits.set_end(end);
            }
        } else if self.count < 2 {
            // By value, so that the encoder can live in registers.
            let (last, end) = self.last.put_early(self.count, self.bits.tip(ROOM), t, v);
            self.last = last;
            self.bits.set_end(end);
        } else {
            return Err(full(self.bits.byte_len()));
        }
        self.count += 1;
        self.bits.set_header(self.count);
        Ok(())
    }

    /// Appends samples column by column, as many as the shorter one has; faster than one by one.
    ///
    /// ```
    /// use skopos_chunk::XorEncoder;
    ///
    /// let mut encoder = XorEncoder::new();
    /// encoder.push_columns(&[1_000, 16_000], &[1.5, 1.5])?;
    /// assert_eq!(encoder.len(), 2);
    /// # Ok::<(), skopos_chunk::Error>(())
    /// ```
    ///
    /// # Errors
    ///
    /// `Full` if the chunk would have more than 65,535 samples; it stays as it was.
    pub fn push_columns(&mut self, ts: &[i64], vs: &[f64]) -> Result<(), Error> {
        let n = ts.len().min(vs.len());
        let Some(count) = u16::try_from(n).ok().and_then(|n| self.count.checked_add(n)) else {
            return Err(full(self.bits.byte_len()));
        };
        let mut samples = ts.iter().zip(vs);
        while self.count < count.min(2)
            && let Some((t, v)) = samples.next()
        {
            self.push(*t, *v)?;
        }
        while 0 < samples.len() {
            let mut last = self.last;
            // For some samples of middling size at least.
            let mut tip = self.bits.tip(16 * ROOM);
            while tip.has_room(ROOM)
                && let Some((t, v)) = samples.next()
            {
                if last.is_repeated(*t, v.to_bits()) {
                    tip.put_zeros(2);
                    last.t = *t;
                } else {
                    last.put_later(&mut tip, *t, v.to_bits());
                }
            }
            let end = tip.end();
            self.bits.set_end(end);
            self.last = last;
        }
        self.count = count;
        self.bits.set_header(count);
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
        (!self.is_empty()).then_some(self.last.t)
    }

    /// The value of the last sample, if there is one.
    #[must_use]
    pub fn last_value(&self) -> Option<f64> {
        (!self.is_empty()).then_some(f64::from_bits(self.last.v))
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
}

#[cold]
fn full(offset: usize) -> Error {
    Error::new(Problem::Full { most: u16::MAX }, offset)
}

impl Last {
    /// Appends the first or the second sample, behind none or one.
    #[cold]
    fn put_early(mut self, count: u16, mut to: BitTip<'_>, t: i64, v: u64) -> (Self, BitEnd) {
        if count == 0 {
            self.put_first(&mut to, t, v);
        } else {
            self.put_second(&mut to, t, v);
        }
        (self, to.end())
    }

    /// Whether a sample keeps the distance and the value.
    #[inline(always)]
    fn is_repeated(&self, t: i64, v: u64) -> bool {
        t.wrapping_sub(self.t).cast_unsigned() == self.delta && v == self.v
    }

    fn put_first(&mut self, to: &mut BitTip<'_>, t: i64, v: u64) {
        put_varint(to, ((t << 1) ^ (t >> 63)).cast_unsigned());
        to.put(v, 64);
        (self.t, self.v) = (t, v);
    }

    fn put_second(&mut self, to: &mut BitTip<'_>, t: i64, v: u64) {
        self.delta = t.wrapping_sub(self.t).cast_unsigned();
        put_varint(to, self.delta);
        self.put_value(to, 0, 0, v);
        (self.t, self.v) = (t, v);
    }

    #[inline(always)]
    fn put_later(&mut self, to: &mut BitTip<'_>, t: i64, v: u64) {
        let delta = t.wrapping_sub(self.t).cast_unsigned();
        let dod = delta.wrapping_sub(self.delta).cast_signed();
        let (head, n) = match dod {
            0 => (0, 1),
            // Asymmetric: the largest positive number takes the bits of the smallest negative one.
            -0x1fff..=0x2000 => distance(dod, 0b10, DOD_WIDTHS[0]),
            -0xffff..=0x1_0000 => distance(dod, 0b110, DOD_WIDTHS[1]),
            -0x7_ffff..=0x8_0000 => distance(dod, 0b1110, DOD_WIDTHS[2]),
            _ => {
                to.put_short(0b1111, 4);
                to.put(dod.cast_unsigned(), 64);
                (0, 0)
            }
        };
        self.put_value(to, head, n, v);
        (self.t, self.delta, self.v) = (t, delta, v);
    }

    /// Writes the low `n` bits (up to 24) of `head`, and a value.
    #[inline(always)]
    fn put_value(&mut self, to: &mut BitTip<'_>, head: u64, n: u32, v: u64) {
        let xor = v ^ self.v;
        if xor == 0 {
            return to.put_short(head << 1, n + 1);
        }
        // Five bits hold the count of leading zeros.
        let leading = xor.leading_zeros().min(31);
        let trailing = xor.trailing_zeros();
        if self.leading <= leading && self.window.trailing <= trailing {
            return self.put_xor(to, (head << 2) | 0b10, n + 2, xor);
        }
        let width = 64 - leading - trailing;
        self.window = Window { width, trailing };
        self.leading = leading;
        let control = (0b11 << LEADING_BITS | u64::from(leading)) << WIDTH_BITS;
        // A width of 64 is written as 0.
        let control = control | u64::from(width & 63);
        let control_bits = 2 + LEADING_BITS + WIDTH_BITS;
        self.put_xor(to, (head << control_bits) | control, n + control_bits, xor);
    }

    /// Writes the low `n` bits (up to 37) of `head`, and those of `xor` in the window.
    #[inline(always)]
    fn put_xor(&self, to: &mut BitTip<'_>, head: u64, n: u32, xor: u64) {
        let Window { width, trailing } = self.window;
        let bits = xor >> trailing;
        if n + width <= SHORT_BITS {
            return to.put_short(head << width | bits, n + width);
        }
        to.put_short(head, n);
        to.put(bits, width);
    }
}

/// The bits of a delta of deltas behind its prefix, and how many.
#[inline(always)]
fn distance(dod: i64, prefix: u64, width: u32) -> (u64, u32) {
    let bits = dod.cast_unsigned() & ((1 << width) - 1);
    (prefix << width | bits, prefix.count_ones() + 1 + width)
}

fn put_varint(to: &mut BitTip<'_>, mut number: u64) {
    while 0x80 <= number {
        to.put_short((number & 0x7f) | 0x80, 8);
        number >>= 7;
    }
    to.put_short(number, 8);
}

impl Default for XorEncoder {
    fn default() -> Self {
        Self::new()
    }
}
