//! Decoding XOR2 chunks, sample by sample and a chunk at a time.
//!
//! A sample needs one or two loads of eight bytes; whether the bytes were there is asked once a
//! sample. Times and values are what the bits say.
#![deny(
    clippy::arithmetic_side_effects,
    clippy::cast_possible_truncation,
    clippy::indexing_slicing
)]

use skopos_core::{Columns, STALE_NAN_BITS, Sample, Timestamp};

use crate::bits::{BitReader, PEEK_BITS};
use crate::codec::{level_starts, start_times};
use crate::encoding::SampleKind;
use crate::error::{Error, Problem};
use crate::st::Starts;
use crate::varbit::{Window, take_uvarint, take_varint};
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
        if self.failed {
            return Ok(());
        }
        let before = columns.timestamps.len();
        let room = before.saturating_add(self.at_most_left());
        columns.timestamps.resize(room, 0);
        columns.values.resize(room, 0.0);
        let result = if self.starts.are_absent() {
            let (filled, result) = {
                let ts = columns.timestamps.get_mut(before..).unwrap_or_default();
                let vs = columns.values.get_mut(before..).unwrap_or_default();
                self.fill(ts, vs)
            };
            keep(columns, before.saturating_add(filled));
            level_starts(columns, SampleKind::Float);
            result
        } else {
            self.fill_started(columns, before)
        };
        self.failed |= result.is_err();
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

    /// In bits, from the start of the chunk.
    pub(super) fn position(&self) -> usize {
        self.bits.position()
    }

    fn current(&self) -> StartedSample {
        let sample = Sample { t: Timestamp::from_millis(self.t), v: f64::from_bits(self.v) };
        StartedSample { sample, start: self.starts.last() }
    }

    /// Decodes into slices that are long enough for all; returns how many samples they got.
    fn fill(&mut self, ts: &mut [i64], vs: &mut [f64]) -> (usize, Result<(), Error>) {
        // A copy of our own, so that its fields can live in registers.
        let mut at = self.clone();
        let mut filled: usize = 0;
        let mut result = Ok(());
        while at.read < at.total {
            let position = at.bits.position();
            if let Err(error) = at.step::<false>() {
                result = Err(error);
                break;
            }
            // The slots are as many as the samples that the bits can hold.
            let (Some(t), Some(v)) = (ts.get_mut(filled), vs.get_mut(filled)) else { break };
            (*t, *v) = (at.t, f64::from_bits(at.v));
            filled = filled.wrapping_add(1);
            // A bit: the distance and the value were kept, and are likely to be kept again.
            if at.bits.position().wrapping_sub(position) == 1 {
                let (ts, vs) = (ts.get_mut(filled..), vs.get_mut(filled..));
                let run = at.run(ts.unwrap_or_default(), vs.unwrap_or_default());
                filled = filled.wrapping_add(run);
            }
        }
        *self = at;
        (filled, result)
    }

    /// Decodes a run of samples that keep the distance and the value: a zero bit each, many of which
    /// are seen at once. Returns how many; 0 where a sample alone has to look closer.
    fn run(&mut self, ts: &mut [i64], vs: &mut [f64]) -> usize {
        let zeros = self.bits.peek().leading_zeros().min(PEEK_BITS);
        let promised = usize::from(self.total.saturating_sub(self.read));
        let there = self.bits.bits_left_or_none().unwrap_or(0);
        let longest = promised.min(there).min(zeros as usize);
        let mut run: u16 = 0;
        for (t, v) in ts.iter_mut().zip(vs).take(longest) {
            self.t = self.t.wrapping_add_unsigned(self.delta);
            (*t, *v) = (self.t, f64::from_bits(self.base));
            run = run.wrapping_add(1);
        }
        self.read = self.read.wrapping_add(run);
        self.bits.skip(u32::from(run));
        usize::from(run)
    }

    /// Decodes samples with start timestamps into columns that are long enough for all.
    fn fill_started(&mut self, columns: &mut Columns, before: usize) -> Result<(), Error> {
        let none_yet = columns.start_timestamps.is_empty();
        start_times(columns, SampleKind::Float);
        let Columns { timestamps, values, start_timestamps, .. } = columns;
        let places = timestamps.iter_mut().zip(values).zip(start_timestamps).skip(before);
        let mut filled = before;
        let mut result = Ok(());
        let mut at = self.clone();
        for ((t, v), start) in places {
            if at.read == at.total {
                break;
            }
            result = at.step::<true>();
            if result.is_err() {
                break;
            }
            (*t, *v, *start) = (at.t, f64::from_bits(at.v), at.starts.last());
            filled = filled.wrapping_add(1);
        }
        *self = at;
        keep(columns, filled);
        if none_yet && columns.start_timestamps.iter().all(|start| *start == 0) {
            columns.start_timestamps.clear();
        }
        result
    }

    /// How many samples may follow, by the header and by the bits: a bit is the least of one.
    fn at_most_left(&self) -> usize {
        let promised = usize::from(self.total.saturating_sub(self.read));
        let possible = self.bits.bits_left_or_none().unwrap_or(0);
        promised.min(possible.saturating_add(1))
    }

    /// Decodes one more sample, which the header promises, and its start if samples are `STARTED`.
    #[inline]
    fn step<const STARTED: bool>(&mut self) -> Result<(), Error> {
        let start = self.bits;
        let before = self.t;
        let mut whole = match self.read {
            0 => self.first_sample(),
            1 => self.second_sample(),
            _ => {
                self.later_sample();
                true
            }
        };
        if STARTED {
            whole = whole && self.starts.take(&mut self.bits, self.read, before, self.t);
        }
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

fn keep(columns: &mut Columns, len: usize) {
    columns.timestamps.truncate(len);
    columns.values.truncate(len);
    columns.start_timestamps.truncate(len);
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
        match self.step::<true>() {
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
