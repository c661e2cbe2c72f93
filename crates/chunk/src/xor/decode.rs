//! Decoding XOR chunks, sample by sample and a chunk at a time.
//!
//! A sample needs one or two loads of eight bytes; whether the bytes were there is asked once a
//! sample. Times and values are what the bits say: whether times ascend is asked where a range of
//! them is read into columns.
#![deny(
    clippy::arithmetic_side_effects,
    clippy::cast_possible_truncation,
    clippy::indexing_slicing
)]

use skopos_core::{Columns, Sample, TimeRange, Timestamp};

use crate::bits::BitReader;
use crate::codec::level_starts;
use crate::encoding::SampleKind;
use crate::error::{Error, Problem};
use crate::xor::columns::{self, State};
use crate::xor::range::{self, BLOCK, Blocks};
use crate::xor::{DOD_WIDTHS, HEADER_LEN, LEADING_BITS, WIDTH_BITS};

/// Walks the samples of an XOR chunk.
///
/// Bytes after the last sample are ignored, as the format demands. A decoder borrows the bytes and
/// allocates nothing; each step takes constant time.
///
/// ```
/// use skopos_chunk::{XorDecoder, XorEncoder};
/// use skopos_core::Sample;
///
/// let mut encoder = XorEncoder::new();
/// for i in 0..5 {
///     encoder.push(i * 15_000, i as f64)?;
/// }
/// let mut decoder = XorDecoder::new(encoder.bytes())?;
/// assert_eq!(decoder.len(), 5);
/// assert_eq!(decoder.next(), Some(Ok(Sample::new(0, 0.0))));
/// assert_eq!(decoder.seek(20_000)?, Some(Sample::new(30_000, 2.0)));
/// assert_eq!(decoder.count(), 2);
/// # Ok::<(), skopos_chunk::Error>(())
/// ```
#[derive(Clone, Debug)]
pub struct XorDecoder<'a> {
    bits: BitReader<'a>,
    total: u16,
    read: u16,
    t: i64,
    /// The distance of the last two timestamps, modulo 2^64.
    delta: u64,
    /// The last value's bits.
    v: u64,
    window: Window,
    /// Whether the chunk said the window, and not the start of decoding.
    has_window: bool,
    failed: bool,
}

/// Which bits of an XOR are written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Window {
    /// How many bits: 1 to 64.
    pub(crate) width: u32,
    /// How many zeros follow them. 64 or more in corrupt chunks only, where nothing remains.
    pub(crate) trailing: u32,
}

impl Window {
    /// What a decoder starts with.
    const WHOLE: Self = Self { width: 64, trailing: 0 };
}

/// The state behind the samples that were decoded.
pub(crate) struct End {
    /// In bits, from the start of the chunk.
    pub(crate) position: usize,
    pub(crate) count: u16,
    pub(crate) t: i64,
    pub(crate) delta: u64,
    pub(crate) v: u64,
    pub(crate) window: Option<Window>,
}

impl<'a> XorDecoder<'a> {
    /// A decoder before the first sample of a chunk, given with its header.
    ///
    /// # Errors
    ///
    /// `Truncated` if there is no whole header.
    pub fn new(chunk: &'a [u8]) -> Result<Self, Error> {
        Ok(Self {
            bits: BitReader::new(chunk, HEADER_LEN),
            total: count(chunk)?,
            read: 0,
            t: i64::MIN,
            delta: 0,
            v: 0,
            window: Window::WHOLE,
            has_window: false,
            failed: false,
        })
    }

    /// Goes on to the first sample at or after `t`, in milliseconds, and returns it; the current
    /// one, if it is late enough already. `None` if there is none. Linear in the samples passed.
    ///
    /// # Errors
    ///
    /// Those of the iterator.
    pub fn seek(&mut self, t: i64) -> Result<Option<Sample>, Error> {
        while self.read == 0 || self.t < t {
            match self.next() {
                Some(step) => step?,
                None => return Ok(None),
            };
        }
        Ok((!self.failed).then(|| self.current()))
    }

    /// Appends the remaining samples to `columns`, whatever their times.
    ///
    /// ```
    /// use skopos_chunk::{XorDecoder, XorEncoder};
    /// use skopos_core::Columns;
    ///
    /// let mut encoder = XorEncoder::new();
    /// encoder.push(1_000, 0.5)?;
    /// encoder.push(2_000, 0.5)?;
    /// let mut columns = Columns::new();
    /// XorDecoder::new(encoder.bytes())?.read_all(&mut columns)?;
    /// assert_eq!(columns.timestamps, [1_000, 2_000]);
    /// # Ok::<(), skopos_chunk::Error>(())
    /// ```
    ///
    /// # Errors
    ///
    /// `Truncated` or `Corrupt`; the samples before are appended.
    pub fn read_all(&mut self, columns: &mut Columns) -> Result<(), Error> {
        let mut result = Ok(());
        while !self.is_over() && result.is_ok() {
            result = self.fill_block(columns);
        }
        level_starts(columns, SampleKind::Float);
        result
    }

    /// Appends the remaining samples with times in `range` to `columns`, and uses the decoder up.
    ///
    /// ```
    /// use skopos_chunk::{XorDecoder, XorEncoder};
    /// use skopos_core::{Columns, TimeRange, Timestamp};
    ///
    /// let mut encoder = XorEncoder::new();
    /// for t in [1_000, 2_000, 3_000] {
    ///     encoder.push(t, 0.5)?;
    /// }
    /// let range = TimeRange::new(Timestamp::from_millis(1_500), Timestamp::from_millis(2_500));
    /// let mut columns = Columns::new();
    /// XorDecoder::new(encoder.bytes())?.read_range(range, &mut columns)?;
    /// assert_eq!(columns.timestamps, [2_000]);
    /// # Ok::<(), skopos_chunk::Error>(())
    /// ```
    ///
    /// # Errors
    ///
    /// `Truncated` or `Corrupt`, also if the times that are read do not ascend; `columns` holds only
    /// ascending samples before the fault then.
    pub fn read_range(&mut self, range: TimeRange, columns: &mut Columns) -> Result<(), Error> {
        let result = range::read(self, range, columns);
        level_starts(columns, SampleKind::Float);
        result
    }

    /// How many samples the chunk has, by its header.
    #[must_use]
    pub fn len(&self) -> usize {
        usize::from(self.total)
    }

    /// Whether the chunk has no sample, by its header.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.total == 0
    }

    /// What an encoder needs to go on where the decoder stands.
    pub(crate) fn end(&self) -> End {
        End {
            position: self.bits.position(),
            count: self.read,
            t: if self.read == 0 { 0 } else { self.t },
            delta: self.delta,
            v: self.v,
            window: self.has_window.then_some(self.window),
        }
    }

    fn current(&self) -> Sample {
        Sample { t: Timestamp::from_millis(self.t), v: f64::from_bits(self.v) }
    }

    /// Decodes into slices that are long enough; returns how many samples they got.
    fn fill_slices(&mut self, ts: &mut [i64], vs: &mut [f64]) -> (usize, Result<(), Error>) {
        let mut filled: usize = 0;
        while self.read < self.total {
            if 2 <= self.read {
                let (ts, vs) = (ts.get_mut(filled..), vs.get_mut(filled..));
                let (ts, vs) = (ts.unwrap_or_default(), vs.unwrap_or_default());
                filled = filled.wrapping_add(self.fill_fast(ts, vs));
            }
            // The slots are no more than the samples that the header promises.
            let (Some(t), Some(v)) = (ts.get_mut(filled), vs.get_mut(filled)) else { break };
            if let Err(error) = self.step() {
                self.failed = true;
                return (filled, Err(error));
            }
            (*t, *v) = (self.t, f64::from_bits(self.v));
            filled = filled.wrapping_add(1);
        }
        (filled, Ok(()))
    }

    /// Decodes what most samples are made of; returns how many samples the slices got.
    fn fill_fast(&mut self, ts: &mut [i64], vs: &mut [f64]) -> usize {
        let Self { t, delta, v, window, .. } = *self;
        let mut state = State { position: self.bits.position(), t, delta, v, window };
        let filled = columns::fill(self.bits.bytes(), &mut state, ts.iter_mut().zip(vs));
        // One that equals the first is not told from it; encoders reopen by single steps.
        self.has_window |= state.window != window;
        State { t: self.t, delta: self.delta, v: self.v, window: self.window, .. } = state;
        self.bits.go_to(state.position);
        // No more than the header counts.
        self.read = self.read.wrapping_add(u16::try_from(filled).unwrap_or_default());
        filled
    }

    /// How many samples may follow, by the header and by the bits: two bits is the least of one.
    fn at_most_left(&self) -> usize {
        let promised = usize::from(self.total.saturating_sub(self.read));
        let possible = self.bits.bits_left_or_none().unwrap_or(0) / 2;
        promised.min(possible.saturating_add(1))
    }

    /// Decodes one more sample, which the header promises.
    #[inline]
    fn step(&mut self) -> Result<(), Error> {
        let start = self.bits;
        match self.read {
            0 => self.first_sample()?,
            1 => self.second_sample()?,
            _ => self.later_sample(),
        }
        if self.bits.is_past_end() {
            return Err(self.truncated(start));
        }
        self.read = self.read.wrapping_add(1);
        Ok(())
    }

    #[cold]
    fn first_sample(&mut self) -> Result<(), Error> {
        let zigzag = self.varint()?;
        self.t = (zigzag >> 1).cast_signed() ^ (zigzag & 1).cast_signed().wrapping_neg();
        self.v = self.bits.take(64);
        Ok(())
    }

    #[cold]
    fn second_sample(&mut self) -> Result<(), Error> {
        self.delta = self.varint()?;
        self.t = self.t.wrapping_add_unsigned(self.delta);
        let word = self.bits.peek();
        self.value(word, 0);
        Ok(())
    }

    #[inline]
    fn later_sample(&mut self) {
        let word = self.bits.peek();
        let used = match (!word).leading_zeros() {
            0 => 1,
            1 => self.short_dod(word, 1),
            2 => self.short_dod(word, 2),
            3 => self.short_dod(word, 3),
            _ => return self.later_sample_far(),
        };
        self.t = self.t.wrapping_add_unsigned(self.delta);
        self.value(word << used, used);
    }

    /// Adds the delta of deltas behind a prefix of `ones` ones and a zero; returns the bits used.
    #[inline]
    fn short_dod(&mut self, word: u64, ones: u32) -> u32 {
        let prefix = ones.wrapping_add(1);
        let [a, b, c] = DOD_WIDTHS;
        let width = match ones {
            1 => a,
            2 => b,
            _ => c,
        };
        let bits = (word << prefix).wrapping_shr(64_u32.wrapping_sub(width));
        // The largest positive number has the bits of two's complement's smallest negative one.
        let dod =
            if 1 << width.wrapping_sub(1) < bits { bits.wrapping_sub(1 << width) } else { bits };
        self.delta = self.delta.wrapping_add(dod);
        prefix.wrapping_add(width)
    }

    #[cold]
    fn later_sample_far(&mut self) {
        self.bits.skip(4);
        let dod = self.bits.take(64);
        self.delta = self.delta.wrapping_add(dod);
        self.t = self.t.wrapping_add_unsigned(self.delta);
        let word = self.bits.peek();
        self.value(word, 0);
    }

    /// Decodes a value from `word`, which begins `used` bits after the reader's position.
    #[inline]
    fn value(&mut self, word: u64, used: u32) {
        if word >> 63 == 0 {
            return self.bits.skip(used.wrapping_add(1));
        }
        if word >> 62 == 0b10 {
            self.bits.skip(used.wrapping_add(2));
        } else {
            self.bits.skip(used.wrapping_add(2 + LEADING_BITS + WIDTH_BITS));
            self.window = new_window(word << 2);
            self.has_window = true;
        }
        let bits = self.bits.take(self.window.width);
        self.v ^= bits.checked_shl(self.window.trailing).unwrap_or(0);
    }

    /// Reads an integer of the two first samples; there the bits still fill whole bytes.
    fn varint(&mut self) -> Result<u64, Error> {
        let mut number: u64 = 0;
        for (byte, shift) in self.bits.rest().iter().zip((0_u32..).step_by(7)) {
            self.bits.skip(8);
            if shift == 63 && 1 < *byte {
                let number = usize::from(self.read).saturating_add(1);
                let problem = Problem::VarintTooLong { number };
                let error = Error::new(problem, self.bits.byte_offset());
                return Err(error.after(usize::from(self.read)));
            }
            number |= u64::from(byte & 0x7f).wrapping_shl(shift);
            if *byte < 0x80 {
                return Ok(number);
            }
        }
        Err(self.truncated(self.bits))
    }

    #[cold]
    fn truncated(&self, start: BitReader<'_>) -> Error {
        let number = usize::from(self.read).saturating_add(1);
        let promised = usize::from(self.total);
        let error = Error::new(Problem::EndInSample { number, promised }, start.byte_offset());
        error.after(usize::from(self.read))
    }
}

impl Blocks for XorDecoder<'_> {
    fn is_over(&self) -> bool {
        self.failed || self.read == self.total
    }

    fn finish(&mut self) {
        self.read = self.total;
    }

    fn sound(&self) -> (usize, usize) {
        (usize::from(self.read), self.bits.byte_offset())
    }

    fn fill_block(&mut self, columns: &mut Columns) -> Result<(), Error> {
        let before = columns.timestamps.len();
        let room = before.saturating_add(self.at_most_left().min(BLOCK));
        columns.timestamps.resize(room, 0);
        columns.values.resize(room, 0.0);
        let (filled, result) = {
            let ts = columns.timestamps.get_mut(before..).unwrap_or_default();
            let vs = columns.values.get_mut(before..).unwrap_or_default();
            self.fill_slices(ts, vs)
        };
        let kept = before.saturating_add(filled);
        columns.timestamps.truncate(kept);
        columns.values.truncate(kept);
        result
    }
}

/// The window that a count of leading zeros and a width at the top say.
#[inline]
pub(crate) fn new_window(word: u64) -> Window {
    let leading = (word >> (64 - LEADING_BITS)) as u32;
    let width = match ((word << LEADING_BITS) >> (64 - WIDTH_BITS)) as u32 {
        0 => 64,
        width => width,
    };
    // Wraps where both say more than 64, which shifts all bits out.
    Window { width, trailing: 64_u32.wrapping_sub(leading).wrapping_sub(width) }
}

/// The number of samples in a chunk's header.
pub(crate) fn count(chunk: &[u8]) -> Result<u16, Error> {
    match chunk.first_chunk() {
        Some(header) => Ok(u16::from_be_bytes(*header)),
        None => Err(Error::new(Problem::EndInHeader, chunk.len())),
    }
}

/// The samples in order; after an error there are no more.
///
/// # Errors
///
/// `Truncated` where the bytes end before the samples that the header promises, `Corrupt` for an
/// integer of more than 64 bits.
impl Iterator for XorDecoder<'_> {
    type Item = Result<Sample, Error>;

    #[inline]
    fn next(&mut self) -> Option<Self::Item> {
        if self.failed || self.read == self.total {
            return None;
        }
        match self.step() {
            Ok(()) => Some(Ok(self.current())),
            Err(error) => {
                self.failed = true;
                Some(Err(error))
            }
        }
    }

    fn size_hint(&self) -> (usize, Option<usize>) {
        (0, Some(self.at_most_left()))
    }
}
