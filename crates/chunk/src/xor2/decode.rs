//! Decoding XOR2 chunks, sample by sample and a chunk at a time.
//!
//! A sample needs one or two loads of eight bytes; whether the bytes were there is asked once a
//! sample. Times and values are what the bits say.
#![deny(
    clippy::arithmetic_side_effects,
    clippy::cast_possible_truncation,
    clippy::indexing_slicing
)]

use skopos_core::{Columns, STALE_NAN_BITS, Sample, TimeRange, Timestamp};

use crate::bits::BitReader;
use crate::codec::{level_starts, start_times};
use crate::encoding::SampleKind;
use crate::error::{Error, Problem};
use crate::st::Starts;
use crate::varbit::{Window, take_uvarint, take_varint};
use crate::xor::columns::{self, State};
use crate::xor::decode as xor;
use crate::xor::range::{self, BLOCK, Blocks};
use crate::xor2::columns::{Plain, Started};
use crate::xor2::{DOD_WIDTHS, HEADER_LEN, STARTS_AT};

/// A float sample, and when its counter started.
#[derive(Clone, Copy, Debug, PartialEq)]
#[non_exhaustive]
pub struct StartedSample {
    /// The time and the value.
    pub sample: Sample,
    /// The start in milliseconds, 0 where it is not known.
    pub start: i64,
}

/// Walks the samples of an XOR2 chunk.
///
/// Bytes after the last sample are ignored, as the format demands. A decoder borrows the bytes and
/// allocates nothing; each step takes constant time.
///
/// ```
/// use skopos_chunk::{Xor2Decoder, Xor2Encoder};
/// use skopos_core::Sample;
///
/// let mut encoder = Xor2Encoder::new();
/// for i in 0..5 {
///     encoder.push_started(7, i * 15_000, i as f64)?;
/// }
/// let mut decoder = Xor2Decoder::new(encoder.bytes())?;
/// assert_eq!(decoder.len(), 5);
/// let first = decoder.next().unwrap()?;
/// assert_eq!((first.sample, first.start), (Sample::new(0, 0.0), 7));
/// assert_eq!(decoder.seek(20_000)?.unwrap().sample, Sample::new(30_000, 2.0));
/// assert_eq!(decoder.count(), 2);
/// # Ok::<(), skopos_chunk::Error>(())
/// ```
#[derive(Clone, Debug)]
pub struct Xor2Decoder<'a> {
    bits: BitReader<'a>,
    total: u16,
    pub(super) read: u16,
    pub(super) t: i64,
    /// The distance of the last two timestamps, modulo 2^64.
    pub(super) delta: u64,
    /// The last value's bits.
    pub(super) v: u64,
    /// The bits of the last value that was no staleness marker.
    pub(super) base: u64,
    pub(super) window: Window,
    pub(super) starts: Starts,
    failed: bool,
}

impl<'a> Xor2Decoder<'a> {
    /// A decoder before the first sample of a chunk, given with its header.
    ///
    /// # Errors
    ///
    /// `Truncated` if there is no whole header.
    pub fn new(chunk: &'a [u8]) -> Result<Self, Error> {
        let Some([a, b, starts]) = chunk.first_chunk::<HEADER_LEN>() else {
            return Err(Error::new(Problem::EndInHeader, chunk.len()));
        };
        debug_assert_eq!(STARTS_AT.wrapping_add(1), HEADER_LEN);
        Ok(Self {
            bits: BitReader::new(chunk, HEADER_LEN),
            total: u16::from_be_bytes([*a, *b]),
            read: 0,
            t: i64::MIN,
            delta: 0,
            v: 0,
            base: 0,
            window: Window::WHOLE,
            starts: Starts::new(*starts),
            failed: false,
        })
    }

    /// Goes on to the first sample at or after `t`, in milliseconds, and returns it; the current
    /// one, if it is late enough already. `None` if there is none. Linear in the samples passed.
    ///
    /// # Errors
    ///
    /// Those of the iterator.
    pub fn seek(&mut self, t: i64) -> Result<Option<StartedSample>, Error> {
        while self.read == 0 || self.t < t {
            match self.next() {
                Some(step) => step?,
                None => return Ok(None),
            };
        }
        Ok((!self.failed).then(|| self.current()))
    }

    /// Appends the remaining samples to `columns`, whatever their times; also their starts, unless
    /// none is known there and here.
    ///
    /// ```
    /// use skopos_chunk::{Xor2Decoder, Xor2Encoder};
    /// use skopos_core::Columns;
    ///
    /// let mut encoder = Xor2Encoder::new();
    /// encoder.push_started(900, 1_000, 0.5)?;
    /// encoder.push_started(900, 2_000, 0.5)?;
    /// let mut columns = Columns::new();
    /// Xor2Decoder::new(encoder.bytes())?.read_all(&mut columns)?;
    /// assert_eq!(columns.timestamps, [1_000, 2_000]);
    /// assert_eq!(columns.start_timestamps, [900, 900]);
    /// # Ok::<(), skopos_chunk::Error>(())
    /// ```
    ///
    /// # Errors
    ///
    /// `Truncated` or `Corrupt`; the samples before are appended.
    pub fn read_all(&mut self, columns: &mut Columns) -> Result<(), Error> {
        self.with_starts(columns, |decoder, columns| {
            let mut result = Ok(());
            while !decoder.is_over() && result.is_ok() {
                result = decoder.fill_block(columns);
            }
            result
        })
    }

    /// Appends the remaining samples with times in `range` to `columns`, as [`Self::read_all`] does,
    /// and uses the decoder up.
    ///
    /// ```
    /// use skopos_chunk::{Xor2Decoder, Xor2Encoder};
    /// use skopos_core::{Columns, TimeRange, Timestamp};
    ///
    /// let mut encoder = Xor2Encoder::new();
    /// for t in [1_000, 2_000, 3_000] {
    ///     encoder.push_started(900, t, 0.5)?;
    /// }
    /// let range = TimeRange::new(Timestamp::from_millis(1_500), Timestamp::from_millis(2_500));
    /// let mut columns = Columns::new();
    /// Xor2Decoder::new(encoder.bytes())?.read_range(range, &mut columns)?;
    /// assert_eq!((columns.timestamps, columns.start_timestamps), (vec![2_000], vec![900]));
    /// # Ok::<(), skopos_chunk::Error>(())
    /// ```
    ///
    /// # Errors
    ///
    /// `Truncated` or `Corrupt`, also if the times that are read do not ascend; `columns` holds only
    /// ascending samples before the fault then.
    pub fn read_range(&mut self, range: TimeRange, columns: &mut Columns) -> Result<(), Error> {
        self.with_starts(columns, |decoder, columns| range::read(decoder, range, columns))
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

    /// In bits, from the start of the chunk.
    pub(super) fn position(&self) -> usize {
        self.bits.position()
    }

    fn current(&self) -> StartedSample {
        let sample = Sample { t: Timestamp::from_millis(self.t), v: f64::from_bits(self.v) };
        StartedSample { sample, start: self.starts.last() }
    }

    /// Reads into columns of which the starts are as many as the times, or none.
    fn with_starts<R>(
        &mut self,
        columns: &mut Columns,
        read: impl FnOnce(&mut Self, &mut Columns) -> R,
    ) -> R {
        let none_yet = columns.start_timestamps.is_empty();
        if self.starts.are_absent() {
            let result = read(self, columns);
            level_starts(columns, SampleKind::Float);
            return result;
        }
        start_times(columns, SampleKind::Float);
        let result = read(self, columns);
        if none_yet && columns.start_timestamps.iter().all(|start| *start == 0) {
            columns.start_timestamps.clear();
        }
        result
    }

    /// Decodes into slices of one length, or without starts if no sample has one; returns how many
    /// samples they got.
    fn fill_slices(
        &mut self,
        ts: &mut [i64],
        vs: &mut [f64],
        starts: &mut [i64],
    ) -> (usize, Result<(), Error>) {
        let mut filled: usize = 0;
        while self.read < self.total {
            if 2 <= self.read {
                let (ts, vs) = (ts.get_mut(filled..), vs.get_mut(filled..));
                let (ts, vs) = (ts.unwrap_or_default(), vs.unwrap_or_default());
                let starts = starts.get_mut(filled..).unwrap_or_default();
                filled = filled.wrapping_add(self.fill_fast(ts, vs, starts));
            }
            // The slots are no more than the samples that the header promises.
            let (Some(t), Some(v)) = (ts.get_mut(filled), vs.get_mut(filled)) else { break };
            if let Err(error) = self.step() {
                self.failed = true;
                return (filled, Err(error));
            }
            (*t, *v) = (self.t, f64::from_bits(self.v));
            if let Some(start) = starts.get_mut(filled) {
                *start = self.starts.last();
            }
            filled = filled.wrapping_add(1);
        }
        (filled, Ok(()))
    }

    /// Decodes what most samples are made of; returns how many samples the slices got.
    fn fill_fast(&mut self, ts: &mut [i64], vs: &mut [f64], starts: &mut [i64]) -> usize {
        let (width, trailing) = self.window.parts();
        let (position, window) = (self.bits.position(), xor::Window { width, trailing });
        let state = State { position, t: self.t, delta: self.delta, v: self.base, window };
        let mut plain = Plain { state, v: self.v };
        let (bytes, from) = (self.bits.bytes(), self.starts.from());
        let filled = if from == 0 || self.read < from {
            // Up to the first sample with a field.
            let most = if from == 0 { u16::MAX } else { from.wrapping_sub(self.read) };
            let most = ts.len().min(usize::from(most));
            let ts = ts.get_mut(..most).unwrap_or_default();
            let filled = columns::fill(bytes, &mut plain, ts.iter_mut().zip(vs));
            starts.iter_mut().take(filled).for_each(|start| *start = self.starts.last());
            filled
        } else {
            let mut started = Started { plain, lag: self.starts.lag() };
            let slots = ts.iter_mut().zip(vs).zip(&mut *starts);
            let filled = columns::fill(bytes, &mut started, slots);
            if let Some(last) = filled.checked_sub(1).and_then(|last| starts.get(last)) {
                self.starts.pass(*last, started.lag);
            }
            plain = started.plain;
            filled
        };
        self.v = plain.v;
        State { t: self.t, delta: self.delta, v: self.base, .. } = plain.state;
        let xor::Window { width, trailing } = plain.state.window;
        self.window = Window::new(width, trailing);
        self.bits.go_to(plain.state.position);
        // No more than the header counts.
        self.read = self.read.wrapping_add(u16::try_from(filled).unwrap_or_default());
        filled
    }

    /// How many samples may follow, by the header and by the bits: a bit is the least of one.
    fn at_most_left(&self) -> usize {
        let promised = usize::from(self.total.saturating_sub(self.read));
        let possible = self.bits.bits_left_or_none().unwrap_or(0);
        promised.min(possible.saturating_add(1))
    }

    /// Decodes one more sample, which the header promises.
    #[inline]
    fn step(&mut self) -> Result<(), Error> {
        let start = self.bits;
        let before = self.t;
        let whole = match self.read {
            0 => self.first_sample(),
            1 => self.second_sample(),
            _ => {
                self.later_sample();
                true
            }
        };
        let whole = whole && self.starts.take(&mut self.bits, self.read, before, self.t);
        if self.bits.is_past_end() {
            return Err(self.truncated(start));
        }
        if !whole {
            return Err(self.too_long());
        }
        self.read = self.read.wrapping_add(1);
        Ok(())
    }

    #[cold]
    fn first_sample(&mut self) -> bool {
        let Some(t) = take_varint(&mut self.bits) else { return false };
        self.t = t;
        self.v = self.bits.take(64);
        if self.v != STALE_NAN_BITS {
            self.base = self.v;
        }
        true
    }

    #[cold]
    fn second_sample(&mut self) -> bool {
        let Some(delta) = take_uvarint(&mut self.bits) else { return false };
        self.delta = delta;
        self.t = self.t.wrapping_add_unsigned(delta);
        self.value();
        true
    }

    #[inline]
    fn later_sample(&mut self) {
        let word = self.bits.peek();
        match (!word).leading_zeros() {
            0 => {
                self.v = self.base;
                self.bits.skip(1);
            }
            1 => {
                self.bits.skip(3);
                let new = word << 2 >> 63 == 1;
                self.flip(new);
            }
            2 => self.short_dod(word, 2),
            3 => self.short_dod(word, 3),
            4 => self.long_dod(),
            _ => {
                self.v = STALE_NAN_BITS;
                self.bits.skip(5);
            }
        }
        // The distance is that of this sample by now.
        self.t = self.t.wrapping_add_unsigned(self.delta);
    }

    /// Adds the delta of deltas behind a prefix of `ones` ones and a zero, and reads a value.
    #[inline]
    fn short_dod(&mut self, word: u64, ones: u32) {
        let prefix = ones.wrapping_add(1);
        let [a, b] = DOD_WIDTHS;
        let width = if ones == 2 { a } else { b };
        let dod = (word << prefix).cast_signed().wrapping_shr(64_u32.wrapping_sub(width));
        self.delta = self.delta.wrapping_add_signed(dod);
        self.bits.skip(prefix.wrapping_add(width));
        self.value();
    }

    #[cold]
    fn long_dod(&mut self) {
        self.bits.skip(5);
        let dod = self.bits.take(64);
        self.delta = self.delta.wrapping_add(dod);
        self.value();
    }

    /// Decodes a value that time says nothing about.
    #[inline]
    fn value(&mut self) {
        match (!self.bits.peek()).leading_zeros() {
            0 => {
                self.v = self.base;
                self.bits.skip(1);
            }
            1 => {
                self.bits.skip(2);
                self.flip(false);
            }
            2 => {
                self.bits.skip(3);
                self.flip(true);
            }
            _ => {
                self.v = STALE_NAN_BITS;
                self.bits.skip(3);
            }
        }
    }

    /// Decodes a value that differs from the last one that was no marker.
    #[inline]
    fn flip(&mut self, new_window: bool) {
        let xor = if new_window {
            self.window.take_new(&mut self.bits)
        } else {
            self.window.take(&mut self.bits)
        };
        self.base ^= xor;
        self.v = self.base;
    }

    #[cold]
    fn truncated(&self, start: BitReader<'_>) -> Error {
        let number = usize::from(self.read).saturating_add(1);
        let promised = usize::from(self.total);
        let error = Error::new(Problem::EndInSample { number, promised }, start.byte_offset());
        error.after(usize::from(self.read))
    }

    #[cold]
    fn too_long(&self) -> Error {
        let number = usize::from(self.read).saturating_add(1);
        let error = Error::new(Problem::VarintTooLong { number }, self.bits.byte_offset());
        error.after(usize::from(self.read))
    }
}

impl Blocks for Xor2Decoder<'_> {
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
        if !self.starts.are_absent() {
            columns.start_timestamps.resize(room, 0);
        }
        let (filled, result) = {
            let ts = columns.timestamps.get_mut(before..).unwrap_or_default();
            let vs = columns.values.get_mut(before..).unwrap_or_default();
            let starts = columns.start_timestamps.get_mut(before..).unwrap_or_default();
            self.fill_slices(ts, vs, starts)
        };
        let kept = before.saturating_add(filled);
        columns.timestamps.truncate(kept);
        columns.values.truncate(kept);
        columns.start_timestamps.truncate(kept);
        result
    }
}

/// The samples in order; after an error there are no more.
///
/// # Errors
///
/// `Truncated` where the bytes end before the samples that the header promises, `Corrupt` for an
/// integer of more than 64 bits.
impl Iterator for Xor2Decoder<'_> {
    type Item = Result<StartedSample, Error>;

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
