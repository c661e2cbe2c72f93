//! Encoding XOR2 chunks: an encoder whose bytes are a valid chunk after every sample.

use alloc::vec::Vec;

use skopos_core::STALE_NAN_BITS;

use crate::bits::BitWriter;
use crate::error::{Error, Problem};
use crate::st::Starts;
use crate::varbit::{Window, put_uvarint, put_varint};
use crate::xor2::decode::Xor2Decoder;
use crate::xor2::{DOD_WIDTHS, HEADER_LEN, STARTS_AT};

/// Writes the samples of an XOR2 chunk.
///
/// The bytes are those that Prometheus writes for the same samples, and a valid chunk after every
/// sample: a reader may copy them at any time. A sample takes constant time and at most 28 bytes.
///
/// ```
/// use skopos_chunk::Xor2Encoder;
///
/// let mut encoder = Xor2Encoder::new();
/// encoder.push(1_000, 1.5)?;
/// encoder.push(16_000, 1.5)?;
/// assert_eq!(encoder.len(), 2);
/// assert_eq!(encoder.bytes(), b"\x00\x02\x00\xd0\x0f\x3f\xf8\x00\x00\x00\x00\x00\x00\x98\x75\x00");
/// # Ok::<(), skopos_chunk::Error>(())
/// ```
#[derive(Clone, Debug)]
pub struct Xor2Encoder {
    bits: BitWriter,
    count: u16,
    t: i64,
    /// The distance of the last two timestamps, modulo 2^64.
    delta: u64,
    /// The last value's bits.
    v: u64,
    /// The bits of the last value that was no staleness marker.
    base: u64,
    window: Window,
    starts: Starts,
}

impl Xor2Encoder {
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
        Self {
            bits: BitWriter::new(buffer, 0),
            count: 0,
            t: 0,
            delta: 0,
            v: 0,
            base: 0,
            window: Window::NONE,
            starts: Starts::default(),
        }
    }

    /// An encoder that goes on behind the last sample of `chunk`; bytes behind that are dropped.
    /// Linear in the chunk.
    ///
    /// As in Prometheus, a reopened chunk in which no XOR was written yet may get other bytes than
    /// one that stayed open. Both decode alike.
    ///
    /// ```
    /// use skopos_chunk::Xor2Encoder;
    ///
    /// let mut encoder = Xor2Encoder::new();
    /// encoder.push(1_000, 1.5)?;
    /// encoder.push(2_000, 2.5)?;
    /// let mut reopened = Xor2Encoder::reopen(encoder.bytes())?;
    /// encoder.push(3_000, 3.5)?;
    /// reopened.push(3_000, 3.5)?;
    /// assert_eq!(reopened.bytes(), encoder.bytes());
    /// # Ok::<(), skopos_chunk::Error>(())
    /// ```
    ///
    /// # Errors
    ///
    /// `Truncated` or `Corrupt` if the chunk cannot be decoded to its end.
    pub fn reopen(chunk: &[u8]) -> Result<Self, Error> {
        let mut decoder = Xor2Decoder::new(chunk)?;
        for sample in decoder.by_ref() {
            sample?;
        }
        if decoder.window.is_too_wide() {
            let error = Error::new(Problem::WindowTooWide, HEADER_LEN);
            return Err(error.after(decoder.len()));
        }
        let position = decoder.position();
        let len = position.div_ceil(8);
        let mut buffer = Vec::with_capacity(len + 64);
        buffer.extend_from_slice(&chunk[..len]);
        let fresh = decoder.is_empty();
        Ok(Self {
            bits: BitWriter::new(buffer, len * 8 - position),
            count: decoder.read,
            t: if fresh { 0 } else { decoder.t },
            delta: decoder.delta,
            v: decoder.v,
            base: decoder.base,
            window: if fresh { Window::NONE } else { decoder.window },
            starts: if fresh { Starts::default() } else { decoder.starts },
        })
    }

    /// Appends a sample whose start is not known: a time in milliseconds, and a value, whose bits are
    /// kept as they are.
    ///
    /// The encoding takes times in any order; readers of series expect ascending ones.
    ///
    /// # Errors
    ///
    /// `Full` if the chunk has 65,535 samples; it stays as it was.
    #[inline]
    pub fn push(&mut self, t: i64, v: f64) -> Result<(), Error> {
        self.push_started(0, t, v)
    }

    /// Appends a sample with its start timestamp, both in milliseconds; 0 for an unknown start.
    ///
    /// ```
    /// use skopos_chunk::{Xor2Decoder, Xor2Encoder};
    ///
    /// let mut encoder = Xor2Encoder::new();
    /// encoder.push_started(500, 1_000, 1.0)?;
    /// encoder.push_started(500, 2_000, 2.0)?;
    /// encoder.push_started(2_500, 3_000, 1.0)?;
    /// let starts: Vec<_> =
    ///     Xor2Decoder::new(encoder.bytes())?.map(|s| s.map(|s| s.start)).collect::<Result<_, _>>()?;
    /// assert_eq!(starts, [500, 500, 2_500]);
    /// # Ok::<(), skopos_chunk::Error>(())
    /// ```
    ///
    /// # Errors
    ///
    /// As for [`push`](Self::push).
    #[inline]
    pub fn push_started(&mut self, start: i64, t: i64, v: f64) -> Result<(), Error> {
        let v = v.to_bits();
        if self.is_repeated(start, t, v) && self.bits.put_zeros(1) {
            (self.t, self.v) = (t, v);
            self.count += 1;
            self.bits.set_header(self.count);
            return Ok(());
        }
        match self.count {
            0 => self.push_first(t, v),
            1 => self.push_second(t, v),
            u16::MAX => return Err(self.full()),
            _ => self.push_later(t, v),
        }
        let header = self.starts.header();
        self.starts.put(&mut self.bits, self.count, self.t, t, start);
        if header != self.starts.header() {
            self.bits.set_byte(STARTS_AT, self.starts.header());
        }
        if v != STALE_NAN_BITS {
            self.base = v;
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

    /// Whether a sample keeps the distance, the value and the start, and has no field.
    #[inline(always)]
    fn is_repeated(&self, start: i64, t: i64, v: u64) -> bool {
        t.wrapping_sub(self.t).cast_unsigned() == self.delta
            && v == self.base
            && (2..u16::MAX).contains(&self.count)
            && self.starts.need_no_field(self.count, start)
    }

    #[cold]
    fn push_first(&mut self, t: i64, v: u64) {
        put_varint(&mut self.bits, t);
        self.bits.put(v, 64);
    }

    #[cold]
    fn push_second(&mut self, t: i64, v: u64) {
        self.delta = t.wrapping_sub(self.t).cast_unsigned();
        put_uvarint(&mut self.bits, self.delta);
        self.put_value(0, 0, v);
    }

    #[inline]
    fn push_later(&mut self, t: i64, v: u64) {
        let delta = t.wrapping_sub(self.t).cast_unsigned();
        let dod = delta.wrapping_sub(self.delta).cast_signed();
        self.delta = delta;
        if dod != 0 {
            let (head, n) = self.put_dod(dod);
            return self.put_value(head, n, v);
        }
        let xor = v ^ self.base;
        if xor == 0 {
            self.bits.put(0, 1);
        } else if v == STALE_NAN_BITS {
            self.bits.put(0b11111, 5);
        } else {
            self.window.put(&mut self.bits, 0b10, 2, xor);
        }
    }

    /// The bits of a delta of deltas other than 0, and how many; none where they are written.
    fn put_dod(&mut self, dod: i64) -> (u64, u32) {
        for (width, ones) in DOD_WIDTHS.into_iter().zip(2..) {
            let half = 1_i64 << (width - 1);
            if -half <= dod && dod < half {
                let prefix = ((1_u64 << ones) - 1) << (width + 1);
                let bits = dod.cast_unsigned() & ((1 << width) - 1);
                return (prefix | bits, ones + 1 + width);
            }
        }
        self.bits.put(0b11110, 5);
        self.bits.put(dod.cast_unsigned(), 64);
        (0, 0)
    }

    /// Writes the low `n` bits (up to 24) of `head`, and a value that time says nothing about.
    #[inline]
    fn put_value(&mut self, head: u64, n: u32, v: u64) {
        let xor = v ^ self.base;
        if xor == 0 {
            self.bits.put(head << 1, n + 1);
        } else if v == STALE_NAN_BITS {
            self.bits.put(head << 3 | 0b111, n + 3);
        } else {
            self.put_xor(head, n, xor);
        }
    }

    #[inline]
    fn put_xor(&mut self, head: u64, n: u32, xor: u64) {
        if self.window.takes(xor) {
            self.bits.put(head << 2 | 0b10, n + 2);
            self.window.put_within(&mut self.bits, xor);
        } else {
            self.window.put_new(&mut self.bits, head << 3 | 0b110, n + 3, xor);
        }
    }

    #[cold]
    fn full(&self) -> Error {
        Error::new(Problem::Full { most: u16::MAX }, self.bits.byte_len())
    }
}

impl Default for Xor2Encoder {
    fn default() -> Self {
        Self::new()
    }
}
