//! Decoding histogram chunks, sample by sample and a chunk at a time.
//!
//! Whether the bytes were there is asked once a sample; memory is taken for buckets only after the
//! chunk was seen to be long enough for them.
#![deny(
    clippy::arithmetic_side_effects,
    clippy::cast_possible_truncation,
    clippy::indexing_slicing
)]

use skopos_core::{Columns, FloatHistogram, ResetHint, TimeRange};

use crate::bits::BitReader;
use crate::codec::{level_starts, start_times};
use crate::encoding::SampleKind;
use crate::error::{Error, Problem};
use crate::histogram::flavor::{Counts, NativeHistogram, Shape, State};
use crate::histogram::layout::Layout;
use crate::histogram::reduce::reduce;
use crate::histogram::{HEADER_LEN, MAX_STARTED};
use crate::st::Starts;
use crate::varbit::take_int;

/// Walks the samples of a histogram chunk.
///
/// Bytes after the last sample are ignored, as the format demands. A decoder borrows the bytes, and
/// has memory for one histogram; each step takes time in proportion to the buckets.
///
/// ```
/// use skopos_chunk::{HistogramDecoder, HistogramEncoder};
/// use skopos_core::Histogram;
///
/// let mut encoder = HistogramEncoder::new();
/// for i in 0..5 {
///     encoder.push(i * 15_000, &Histogram { count: 7, ..Histogram::default() })?;
/// }
/// let mut decoder = HistogramDecoder::new(encoder.bytes())?;
/// let mut histogram = Histogram::default();
/// while let Some(sample) = decoder.next_sample()? {
///     sample.write_to(&mut histogram);
///     assert_eq!(histogram.count, 7);
/// }
/// # Ok::<(), skopos_chunk::Error>(())
/// ```
#[derive(Clone, Debug)]
pub struct HistogramDecoder<'a, H: NativeHistogram> {
    bits: BitReader<'a>,
    total: u16,
    read: u16,
    header: ResetHint,
    chain: Chain<H>,
    failed: bool,
}

/// The state behind a sample.
#[derive(Clone, Debug)]
pub(super) struct Chain<H: NativeHistogram> {
    pub(super) layout: Layout,
    pub(super) t: i64,
    /// The distance of the last two timestamps, modulo 2^64.
    pub(super) delta: i64,
    pub(super) starts: Starts,
    pub(super) state: State<H>,
}

impl<'a, H: NativeHistogram> HistogramDecoder<'a, H> {
    /// A decoder before the first sample of a chunk without start timestamps, given with its header.
    ///
    /// # Errors
    ///
    /// `Truncated` if there is no whole header.
    pub fn new(chunk: &'a [u8]) -> Result<Self, Error> {
        let (count, third) = header(chunk)?;
        Ok(Self::of(chunk, count, third >> 6, Starts::default()))
    }

    /// A decoder before the first sample of a chunk with start timestamps, given with its header.
    ///
    /// ```
    /// use skopos_chunk::{HistogramDecoder, HistogramEncoder};
    /// use skopos_core::FloatHistogram;
    ///
    /// let mut encoder = HistogramEncoder::with_starts();
    /// encoder.push_started(500, 1_000, &FloatHistogram::default())?;
    /// let mut decoder = HistogramDecoder::<FloatHistogram>::with_starts(encoder.bytes())?;
    /// let sample = decoder.next_sample()?.unwrap();
    /// assert_eq!((sample.start(), sample.time()), (500, 1_000));
    /// # Ok::<(), skopos_chunk::Error>(())
    /// ```
    ///
    /// # Errors
    ///
    /// `Truncated` if there is no whole header.
    pub fn with_starts(chunk: &'a [u8]) -> Result<Self, Error> {
        let (count, third) = header(chunk)?;
        let [hint, _] = count.to_be_bytes();
        Ok(Self::of(chunk, count & MAX_STARTED, hint >> 6, Starts::new(third)))
    }

    /// Goes on to the next sample; `None` behind the last one, and after an error.
    ///
    /// # Errors
    ///
    /// `Truncated` where the bytes end before the samples that the header promises, `Corrupt` for a
    /// layout that no writer writes, `Unsupported` for an unknown schema.
    pub fn next_sample(&mut self) -> Result<Option<HistogramView<'_, H>>, Error> {
        if self.failed || self.read == self.total {
            return Ok(None);
        }
        self.step()?;
        Ok(Some(self.view()))
    }

    /// Goes on to the first sample at or after `t`, in milliseconds, and returns it; the current
    /// one, if it is late enough already. `None` if there is none. Linear in the samples passed.
    ///
    /// ```
    /// use skopos_chunk::{HistogramDecoder, HistogramEncoder};
    /// use skopos_core::Histogram;
    ///
    /// let mut encoder = HistogramEncoder::new();
    /// encoder.push(1_000, &Histogram::default())?;
    /// encoder.push(2_000, &Histogram::default())?;
    /// let mut decoder = HistogramDecoder::<Histogram>::new(encoder.bytes())?;
    /// assert_eq!(decoder.seek(1_001)?.unwrap().time(), 2_000);
    /// assert!(decoder.seek(2_001)?.is_none());
    /// # Ok::<(), skopos_chunk::Error>(())
    /// ```
    ///
    /// # Errors
    ///
    /// Those of [`next_sample`](Self::next_sample).
    pub fn seek(&mut self, t: i64) -> Result<Option<HistogramView<'_, H>>, Error> {
        while self.read == 0 || self.chain.t < t {
            if self.next_sample()?.is_none() {
                return Ok(None);
            }
        }
        Ok((!self.failed).then(|| self.view()))
    }

    /// Appends the remaining samples to `columns`, whatever their times; also their starts, unless
    /// none is known there and here.
    ///
    /// ```
    /// use skopos_chunk::{HistogramDecoder, HistogramEncoder};
    /// use skopos_core::{Columns, Histogram};
    ///
    /// let mut encoder = HistogramEncoder::new();
    /// encoder.push(1_000, &Histogram { count: 7, ..Histogram::default() })?;
    /// let mut columns = Columns::new();
    /// HistogramDecoder::<Histogram>::new(encoder.bytes())?.read_all(&mut columns)?;
    /// assert_eq!(columns.histograms[0].count, 7.0);
    /// # Ok::<(), skopos_chunk::Error>(())
    /// ```
    ///
    /// # Errors
    ///
    /// Those of [`next_sample`](Self::next_sample); the samples before are appended.
    pub fn read_all(&mut self, columns: &mut Columns) -> Result<(), Error> {
        let left = usize::from(self.total.saturating_sub(self.read));
        columns.histograms.reserve(left.min(RESERVED));
        columns.histogram_timestamps.reserve(left.min(RESERVED));
        loop {
            match self.next_sample() {
                Ok(Some(sample)) => sample.append_to(columns),
                Ok(None) => break,
                Err(error) => {
                    level_starts(columns, SampleKind::Histogram);
                    return Err(error);
                }
            }
        }
        level_starts(columns, SampleKind::Histogram);
        Ok(())
    }

    /// Appends the remaining samples with times in `range` to `columns`, and uses the decoder up.
    ///
    /// ```
    /// use skopos_chunk::{HistogramDecoder, HistogramEncoder};
    /// use skopos_core::{Columns, Histogram, TimeRange, Timestamp};
    ///
    /// let mut encoder = HistogramEncoder::new();
    /// for t in [1_000, 2_000, 3_000] {
    ///     encoder.push(t, &Histogram::default())?;
    /// }
    /// let range = TimeRange::new(Timestamp::from_millis(1_500), Timestamp::from_millis(2_500));
    /// let mut columns = Columns::new();
    /// HistogramDecoder::<Histogram>::new(encoder.bytes())?.read_range(range, &mut columns)?;
    /// assert_eq!(columns.histogram_timestamps, [2_000]);
    /// # Ok::<(), skopos_chunk::Error>(())
    /// ```
    ///
    /// # Errors
    ///
    /// Those of [`next_sample`](Self::next_sample), and `Corrupt` if the times do not ascend;
    /// `columns` gets only ascending samples before the fault then.
    pub fn read_range(&mut self, range: TimeRange, columns: &mut Columns) -> Result<(), Error> {
        let result = self.read_ascending(range, columns);
        self.read = self.total;
        level_starts(columns, SampleKind::Histogram);
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

    /// What the header says of a counter reset between the chunk before this one and this one.
    #[must_use]
    pub fn reset_header(&self) -> ResetHint {
        self.header
    }

    /// How many samples the chunk has, by its header.
    pub(super) fn counted(&self) -> u16 {
        self.total
    }

    /// What an encoder needs to go on: the position in bits, and the state.
    pub(super) fn into_end(self) -> Result<(usize, Chain<H>), Error> {
        let state = &self.chain.state;
        if state.sum_window.is_too_wide() || H::have_too_wide(state) {
            let error = Error::new(Problem::WindowTooWide, HEADER_LEN);
            return Err(error.after(usize::from(self.read)));
        }
        Ok((self.bits.position(), self.chain))
    }

    fn of(chunk: &'a [u8], total: u16, hint: u8, starts: Starts) -> Self {
        let header = match hint & 0b11 {
            0b10 => ResetHint::Reset,
            0b01 => ResetHint::NotReset,
            0b11 => ResetHint::Gauge,
            _ => ResetHint::Unknown,
        };
        let state = State::read();
        let chain = Chain { layout: Layout::default(), t: i64::MIN, delta: 0, starts, state };
        let bits = BitReader::new(chunk, HEADER_LEN);
        Self { bits, total, read: 0, header, chain, failed: false }
    }

    fn view(&self) -> HistogramView<'_, H> {
        let hint = match self.header {
            ResetHint::Gauge => ResetHint::Gauge,
            // What the header says of the first sample is true of the chunk that was before it when
            // it was written, which may be gone.
            _ if self.read <= 1 => ResetHint::Unknown,
            _ => ResetHint::NotReset,
        };
        HistogramView { chain: &self.chain, hint }
    }

    fn read_ascending(&mut self, range: TimeRange, columns: &mut Columns) -> Result<(), Error> {
        let (start, end) = (range.start.as_millis(), range.end.as_millis());
        let mut last = None;
        while let Some(sample) = self.next_sample()? {
            let t = sample.time();
            if last.is_some_and(|last| t <= last) {
                let number = usize::from(self.read);
                let error = Error::new(Problem::NotAscending { number }, HEADER_LEN);
                return Err(error.after(number.saturating_sub(1)));
            }
            if end < t {
                break;
            }
            if start <= t {
                sample.append_to(columns);
            }
            last = Some(t);
        }
        Ok(())
    }

    /// Decodes one more sample, which the header promises.
    #[inline]
    fn step(&mut self) -> Result<(), Error> {
        let start = self.bits;
        let before = self.chain.t;
        if self.read == 0 {
            self.first_sample()?;
        } else {
            let chain = &mut self.chain;
            let dod = H::take_later(&mut self.bits, &mut chain.state);
            chain.delta = chain.delta.wrapping_add(dod);
            chain.t = chain.t.wrapping_add(chain.delta);
        }
        let chain = &mut self.chain;
        let whole = chain.starts.take(&mut self.bits, self.read, before, chain.t);
        if self.bits.is_past_end() {
            return Err(self.fail(None, start));
        }
        if !whole {
            let number = usize::from(self.read).saturating_add(1);
            return Err(self.fail(Some(Problem::VarintTooLong { number }), self.bits));
        }
        self.read = self.read.wrapping_add(1);
        Ok(())
    }

    #[cold]
    fn first_sample(&mut self) -> Result<(), Error> {
        let start = self.bits;
        let layout = Layout::take(&mut self.bits, H::FIRST_BITS);
        let layout = layout.map_err(|problem| self.fail(problem, start))?;
        let chain = &mut self.chain;
        let buckets = layout.n_positive.saturating_add(layout.n_negative);
        chain.layout = layout;
        chain.state.buckets.resize(buckets, H::Bucket::default());
        chain.state.memories.resize(buckets, H::READ);
        chain.t = take_int(&mut self.bits);
        H::take_first(&mut self.bits, &mut chain.state);
        Ok(())
    }

    /// The error for a problem, or for the end of the bytes, in the sample at `start`.
    #[cold]
    fn fail(&mut self, problem: Option<Problem>, start: BitReader<'_>) -> Error {
        self.failed = true;
        let number = usize::from(self.read).saturating_add(1);
        let promised = usize::from(self.total);
        let problem = problem.unwrap_or(Problem::EndInSample { number, promised });
        Error::new(problem, start.byte_offset()).after(usize::from(self.read))
    }
}

/// How many places are made in columns before samples are seen.
const RESERVED: usize = 128;

/// The count and the third byte of a chunk's header.
fn header(chunk: &[u8]) -> Result<(u16, u8), Error> {
    match chunk.first_chunk::<HEADER_LEN>() {
        Some([a, b, third]) => Ok((u16::from_be_bytes([*a, *b]), *third)),
        None => Err(Error::new(Problem::EndInHeader, chunk.len())),
    }
}

/// The two bits of a counter-reset header.
pub(super) fn hint_bits(hint: ResetHint) -> u8 {
    match hint {
        ResetHint::Reset => 0b10,
        ResetHint::NotReset => 0b01,
        ResetHint::Gauge => 0b11,
        ResetHint::Unknown => 0b00,
    }
}

/// The sample at which a decoder stands.
///
/// A stale sample is an empty histogram whose sum is the staleness marker.
#[derive(Clone, Copy, Debug)]
pub struct HistogramView<'d, H: NativeHistogram> {
    chain: &'d Chain<H>,
    hint: ResetHint,
}

impl<H: NativeHistogram> HistogramView<'_, H> {
    /// The time in milliseconds.
    #[must_use]
    pub fn time(&self) -> i64 {
        self.chain.t
    }

    /// The start timestamp in milliseconds, 0 where it is not known.
    #[must_use]
    pub fn start(&self) -> i64 {
        self.chain.starts.last()
    }

    /// Whether it is a staleness marker.
    #[must_use]
    pub fn is_stale(&self) -> bool {
        self.chain.state.is_stale()
    }

    /// The histogram.
    ///
    /// Its hint tells that a sample that follows another one in its chunk has no reset before it.
    #[must_use]
    pub fn histogram(&self) -> H {
        let mut histogram = H::default();
        self.write_to(&mut histogram);
        histogram
    }

    /// Makes `histogram` this one; its memory is used again.
    pub fn write_to(&self, histogram: &mut H) {
        if self.is_stale() {
            *histogram = H::default();
            histogram.assign(&H::default().shape(), &Counts::stale(self.raw_counts().sum));
            return;
        }
        histogram.assign(&self.shape(), &self.raw_counts());
        reduce(histogram, self.chain.layout.schema);
    }

    /// The histogram with counts as floats, as queries take it.
    ///
    /// ```
    /// use skopos_chunk::{HistogramDecoder, HistogramEncoder};
    /// use skopos_core::Histogram;
    ///
    /// let mut encoder = HistogramEncoder::new();
    /// encoder.push(1_000, &Histogram { count: 7, ..Histogram::default() })?;
    /// let mut decoder = HistogramDecoder::<Histogram>::new(encoder.bytes())?;
    /// assert_eq!(decoder.next_sample()?.unwrap().float_histogram().count, 7.0);
    /// # Ok::<(), skopos_chunk::Error>(())
    /// ```
    #[must_use]
    pub fn float_histogram(&self) -> FloatHistogram {
        let mut histogram = FloatHistogram::default();
        self.write_float_to(&mut histogram);
        histogram
    }

    /// Makes `histogram` this one with counts as floats; its memory is used again.
    pub fn write_float_to(&self, histogram: &mut FloatHistogram) {
        if self.is_stale() {
            *histogram = FloatHistogram { sum: self.raw_counts().sum, ..FloatHistogram::default() };
            return;
        }
        H::assign_float(histogram, &self.shape(), &self.raw_counts());
        reduce(histogram, self.chain.layout.schema);
    }

    /// The counts as they stand in the chunk.
    pub(super) fn raw_counts(&self) -> Counts<'_, H> {
        self.chain.state.counts(self.chain.layout.n_positive)
    }

    fn shape(&self) -> Shape<'_> {
        let layout = &self.chain.layout;
        Shape {
            hint: self.hint,
            schema: layout.schema,
            zero_threshold: layout.zero_threshold,
            positive: &layout.positive,
            negative: &layout.negative,
            custom: &layout.custom,
        }
    }

    fn append_to(&self, columns: &mut Columns) {
        columns.push_histogram(self.time(), self.float_histogram());
        let start = self.start();
        if start != 0
            && let Some(last) = start_times(columns, SampleKind::Histogram).last_mut()
        {
            *last = start;
        }
    }
}
