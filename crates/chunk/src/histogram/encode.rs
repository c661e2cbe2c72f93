//! Encoding histogram chunks: an encoder that begins another chunk where a histogram needs one.

use alloc::vec::Vec;
use core::mem;

use skopos_core::{ResetHint, Span};

use crate::bits::BitWriter;
use crate::encoding::Encoding;
use crate::error::{Error, Problem};
use crate::histogram::decode::{Chain, HistogramDecoder, hint_bits};
use crate::histogram::fit::{Fit, Last};
use crate::histogram::flavor::{Counts, NativeHistogram, Shape, State};
use crate::histogram::layout::{self, Layout};
use crate::histogram::spans::Merged;
use crate::histogram::{HEADER_LEN, MAX_STARTED, THIRD};
use crate::st::Starts;
use crate::varbit::put_int;

/// What became of the chunk when a histogram was pushed.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Outcome {
    /// The histogram is behind the others.
    Appended,
    /// So it is, and the chunk was written again with the buckets that it lacked.
    Recoded,
    /// The histogram could not follow the others, and begins a chunk. This is the one before, whole.
    NewChunk(Vec<u8>),
}

/// Writes the samples of histogram chunks, one chunk after the other.
///
/// The bytes are those that Prometheus writes for the same samples, and a valid chunk after every
/// sample: a reader may copy them at any time. A sample takes time in proportion to its buckets;
/// where buckets appear, in proportion to the chunk.
///
/// ```
/// use skopos_chunk::{HistogramDecoder, HistogramEncoder, Outcome};
/// use skopos_core::{Histogram, Span};
///
/// let mut histogram = Histogram {
///     count: 2,
///     sum: 1.5,
///     positive_spans: vec![Span { offset: 0, length: 2 }],
///     positive_buckets: vec![1, 0],
///     ..Histogram::default()
/// };
/// let mut encoder = HistogramEncoder::new();
/// assert_eq!(encoder.push(1_000, &histogram)?, Outcome::Appended);
/// histogram.count = 3;
/// histogram.positive_spans[0].length = 3;
/// histogram.positive_buckets.push(0);
/// assert_eq!(encoder.push(2_000, &histogram)?, Outcome::Recoded);
///
/// let mut decoder = HistogramDecoder::<Histogram>::new(encoder.bytes())?;
/// assert_eq!(decoder.next_sample()?.unwrap().histogram().positive_buckets, [1, 0, -1]);
/// assert_eq!(decoder.next_sample()?.unwrap().histogram(), histogram);
///
/// histogram.count = 1;
/// histogram.positive_buckets = vec![1, -1, 0];
/// assert!(matches!(encoder.push(3_000, &histogram)?, Outcome::NewChunk(_)));
/// assert_eq!(encoder.len(), 1);
/// # Ok::<(), skopos_chunk::Error>(())
/// ```
#[derive(Clone, Debug)]
pub struct HistogramEncoder<H: NativeHistogram> {
    bits: BitWriter,
    started: bool,
    /// The counter-reset header; that of the chunk before while there is no sample.
    header: ResetHint,
    count: u16,
    /// Whether the state is that of a chunk, or none was written yet.
    has_last: bool,
    /// Behind the last sample; in the chunk before while there is no sample.
    chain: Chain<H>,
}

impl<H: NativeHistogram> HistogramEncoder<H> {
    /// An encoder of chunks without start timestamps, before the first sample of a series.
    #[must_use]
    pub fn new() -> Self {
        Self::of(false)
    }

    /// An encoder of chunks with start timestamps, before the first sample of a series.
    ///
    /// ```
    /// use skopos_chunk::{Encoding, HistogramEncoder};
    /// use skopos_core::FloatHistogram;
    ///
    /// let encoder = HistogramEncoder::<FloatHistogram>::with_starts();
    /// assert_eq!(encoder.encoding(), Encoding::FloatHistogramSt);
    /// ```
    #[must_use]
    pub fn with_starts() -> Self {
        Self::of(true)
    }

    /// An encoder that goes on behind the last sample of `chunk`, which has no start timestamps;
    /// bytes behind that are dropped. Linear in the chunk.
    ///
    /// As in Prometheus, a reopened chunk may get other bytes than one that stayed open, where no
    /// XOR of a field was written yet. Both decode alike.
    ///
    /// ```
    /// use skopos_chunk::HistogramEncoder;
    /// use skopos_core::Histogram;
    ///
    /// let mut encoder = HistogramEncoder::new();
    /// encoder.push(1_000, &Histogram::default())?;
    /// let mut reopened = HistogramEncoder::<Histogram>::reopen(encoder.bytes())?;
    /// reopened.push(2_000, &Histogram::default())?;
    /// assert_eq!(reopened.len(), 2);
    /// # Ok::<(), skopos_chunk::Error>(())
    /// ```
    ///
    /// # Errors
    ///
    /// `Truncated`, `Corrupt` or `Unsupported` if the chunk cannot be decoded to its end.
    pub fn reopen(chunk: &[u8]) -> Result<Self, Error> {
        Self::reopen_of(false, HistogramDecoder::new(chunk)?, chunk)
    }

    /// The same for a chunk with start timestamps.
    ///
    /// ```
    /// use skopos_chunk::HistogramEncoder;
    /// use skopos_core::Histogram;
    ///
    /// let mut encoder = HistogramEncoder::with_starts();
    /// encoder.push_started(500, 1_000, &Histogram::default())?;
    /// let reopened = HistogramEncoder::<Histogram>::reopen_with_starts(encoder.bytes())?;
    /// assert_eq!(reopened.last_time(), Some(1_000));
    /// # Ok::<(), skopos_chunk::Error>(())
    /// ```
    ///
    /// # Errors
    ///
    /// As for [`reopen`](Self::reopen).
    pub fn reopen_with_starts(chunk: &[u8]) -> Result<Self, Error> {
        Self::reopen_of(true, HistogramDecoder::with_starts(chunk)?, chunk)
    }

    /// Pushes a histogram whose start is not known, with its time in milliseconds.
    ///
    /// The encoding takes times in any order; readers of series expect ascending ones. Histograms
    /// that share a chunk get each other's buckets, as empty ones. A histogram with a staleness
    /// marker as its sum is nothing but that.
    ///
    /// # Errors
    ///
    /// `Full` if the histogram belongs into the chunk, which has 65,535 samples (16,383 with start
    /// timestamps); `Invalid` if its spans are not such as its buckets, or its schema is unknown.
    /// The chunk stays as it was.
    pub fn push(&mut self, t: i64, histogram: &H) -> Result<Outcome, Error> {
        self.push_started(0, t, histogram)
    }

    /// Pushes a histogram with its start timestamp, both times in milliseconds; 0 for an unknown
    /// start. Chunks without start timestamps drop it.
    ///
    /// ```
    /// use skopos_chunk::{HistogramDecoder, HistogramEncoder};
    /// use skopos_core::Histogram;
    ///
    /// let mut encoder = HistogramEncoder::with_starts();
    /// encoder.push_started(500, 1_000, &Histogram::default())?;
    /// let mut decoder = HistogramDecoder::<Histogram>::with_starts(encoder.bytes())?;
    /// assert_eq!(decoder.next_sample()?.unwrap().start(), 500);
    /// # Ok::<(), skopos_chunk::Error>(())
    /// ```
    ///
    /// # Errors
    ///
    /// As for [`push`](Self::push).
    pub fn push_started(&mut self, start: i64, t: i64, histogram: &H) -> Result<Outcome, Error> {
        self.push_under(start, t, histogram, false)
    }

    /// The same, but only if the histogram can be appended to the chunk as it is.
    ///
    /// ```
    /// use skopos_chunk::{ErrorKind, HistogramEncoder};
    /// use skopos_core::Histogram;
    ///
    /// let mut encoder = HistogramEncoder::new();
    /// encoder.push(1_000, &Histogram { count: 2, ..Histogram::default() })?;
    /// let less = Histogram { count: 1, ..Histogram::default() };
    /// let error = encoder.push_in_place(0, 2_000, &less).unwrap_err();
    /// assert_eq!(error.kind(), ErrorKind::NotAppendable);
    /// assert_eq!(error.to_string(), "histogram counter reset");
    /// # Ok::<(), skopos_chunk::Error>(())
    /// ```
    ///
    /// # Errors
    ///
    /// `NotAppendable` if the chunk would have to be written again, or another one begun; those of
    /// [`push`](Self::push) besides. The chunk stays as it was.
    pub fn push_in_place(&mut self, start: i64, t: i64, histogram: &H) -> Result<(), Error> {
        self.push_under(start, t, histogram, true).map(|_| ())
    }

    /// Ends the chunk and returns it; the next histogram begins another one, whose header tells
    /// whether a counter was reset in between. `None` if the chunk has no sample.
    ///
    /// ```
    /// use skopos_chunk::HistogramEncoder;
    /// use skopos_core::{Histogram, ResetHint};
    ///
    /// let mut encoder = HistogramEncoder::new();
    /// encoder.push(1_000, &Histogram::default())?;
    /// assert_eq!(encoder.reset_header(), ResetHint::Unknown);
    /// let chunk = encoder.cut();
    /// assert!(chunk.is_some() && encoder.is_empty());
    /// encoder.push(2_000, &Histogram::default())?;
    /// assert_eq!(encoder.reset_header(), ResetHint::NotReset);
    /// # Ok::<(), skopos_chunk::Error>(())
    /// ```
    pub fn cut(&mut self) -> Option<Vec<u8>> {
        if self.is_empty() {
            return None;
        }
        self.count = 0;
        // The chunk that follows will be about as long.
        let fresh = empty(self.bits.byte_len());
        Some(mem::replace(&mut self.bits, fresh).into_bytes())
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

    /// The encoding of the chunks.
    #[must_use]
    pub fn encoding(&self) -> Encoding {
        let [plain, started] = H::ENCODINGS;
        if self.started { started } else { plain }
    }

    /// What the chunk's header says of a counter reset before it; unknown while it has no sample.
    #[must_use]
    pub fn reset_header(&self) -> ResetHint {
        if self.is_empty() { ResetHint::Unknown } else { self.header }
    }

    /// The time of the chunk's last sample in milliseconds, if there is one.
    #[must_use]
    pub fn last_time(&self) -> Option<i64> {
        (!self.is_empty()).then_some(self.chain.t)
    }

    /// The chunk so far, with its header.
    #[must_use]
    pub fn bytes(&self) -> &[u8] {
        self.bits.bytes()
    }

    /// Bytes of heap memory behind the encoder.
    #[must_use]
    pub fn heap_bytes(&self) -> usize {
        let (layout, state) = (&self.chain.layout, &self.chain.state);
        let spans = layout.positive.capacity() + layout.negative.capacity();
        self.bits.capacity()
            + spans * size_of::<Span>()
            + layout.custom.len() * size_of::<f64>()
            + state.buckets.capacity() * size_of::<H::Bucket>()
            + state.memories.capacity() * size_of::<H::Memory>()
    }

    /// The chunk, without spare memory.
    #[must_use]
    pub fn finish(self) -> Vec<u8> {
        self.bits.into_bytes()
    }

    fn of(started: bool) -> Self {
        Self {
            bits: empty(0),
            started,
            header: ResetHint::Unknown,
            count: 0,
            has_last: false,
            chain: Chain {
                layout: Layout::default(),
                t: 0,
                delta: 0,
                starts: Starts::default(),
                state: State::fresh(),
            },
        }
    }

    fn reopen_of(
        started: bool,
        mut decoder: HistogramDecoder<'_, H>,
        chunk: &[u8],
    ) -> Result<Self, Error> {
        while decoder.next_sample()?.is_some() {}
        if decoder.is_empty() {
            return Ok(Self::of(started));
        }
        let (count, header) = (decoder.counted(), decoder.reset_header());
        let (position, chain) = decoder.into_end()?;
        let len = position.div_ceil(8);
        let mut buffer = Vec::with_capacity(len + 64);
        buffer.extend_from_slice(&chunk[..len]);
        let bits = BitWriter::new(buffer, len * 8 - position);
        Ok(Self { bits, started, header, count, has_last: true, chain })
    }

    fn push_under(
        &mut self,
        start: i64,
        t: i64,
        histogram: &H,
        in_place: bool,
    ) -> Result<Outcome, Error> {
        let (shape, mut counts) = (histogram.shape(), histogram.counts());
        if counts.is_stale() {
            counts = Counts::stale(counts.sum);
        } else {
            let (positive, negative) = (counts.positive.len(), counts.negative.len());
            layout::check(&shape, positive, negative).map_err(|problem| Error::new(problem, 0))?;
        }
        if self.is_empty() {
            let header = self.first_header(&shape, &counts);
            self.begin(header, start, t, &shape, &counts);
            return Ok(Outcome::Appended);
        }
        let gauge = shape.hint == ResetHint::Gauge;
        let last =
            Last { header: self.header, layout: &self.chain.layout, state: &self.chain.state };
        let fit =
            if gauge { last.fit_gauge(&shape, &counts) } else { last.fit_counter(&shape, &counts) };
        match fit {
            Fit::Joins { positive, negative } => {
                if in_place {
                    self.refuse_recoding(gauge, &positive, &negative)?;
                }
                self.join(start, t, &shape, &counts, &positive, &negative)
            }
            Fit::Not(header) if in_place => {
                let reset = header == ResetHint::Reset;
                Err(self.refusal(Problem::NewChunkNeeded { float: H::IS_FLOAT, gauge, reset }))
            }
            Fit::Not(header) => {
                let finished = self.cut().unwrap_or_default();
                self.begin(header, start, t, &shape, &counts);
                Ok(Outcome::NewChunk(finished))
            }
        }
    }

    /// The header of a chunk that nothing but `push` began.
    fn first_header(&self, shape: &Shape<'_>, counts: &Counts<'_, H>) -> ResetHint {
        match shape.hint {
            ResetHint::Gauge | ResetHint::Reset => return shape.hint,
            _ if !self.has_last => return ResetHint::Unknown,
            _ => {}
        }
        let last =
            Last { header: self.header, layout: &self.chain.layout, state: &self.chain.state };
        match last.fit_counter(shape, counts) {
            Fit::Joins { .. } => ResetHint::NotReset,
            Fit::Not(ResetHint::Unknown) => H::AFTER_UNKNOWN,
            Fit::Not(header) => header,
        }
    }

    fn refuse_recoding(
        &self,
        gauge: bool,
        positive: &Merged,
        negative: &Merged,
    ) -> Result<(), Error> {
        let refuse = |backwards, positive, negative| {
            let problem = Problem::RecodingNeeded {
                float: H::IS_FLOAT,
                gauge,
                backwards,
                positive,
                negative,
            };
            Err(self.refusal(problem))
        };
        if gauge && 0 < positive.lacking_in_new + negative.lacking_in_new {
            return refuse(true, positive.lacking_in_new, negative.lacking_in_new);
        }
        if 0 < positive.lacking_in_chunk + negative.lacking_in_chunk {
            return refuse(false, positive.lacking_in_chunk, negative.lacking_in_chunk);
        }
        Ok(())
    }

    #[cold]
    fn refusal(&self, problem: Problem) -> Error {
        Error::new(problem, self.bits.byte_len())
    }

    /// Appends a histogram after the buckets of both were brought together.
    fn join(
        &mut self,
        start: i64,
        t: i64,
        shape: &Shape<'_>,
        counts: &Counts<'_, H>,
        positive: &Merged,
        negative: &Merged,
    ) -> Result<Outcome, Error> {
        let most = if self.started { MAX_STARTED } else { u16::MAX };
        if self.count == most {
            return Err(self.refusal(Problem::Full { most }));
        }
        let recodes = 0 < positive.lacking_in_chunk + negative.lacking_in_chunk;
        let (mut above, mut below) = (Vec::new(), Vec::new());
        let mut widened = Counts { ..*counts };
        let mut spans = None;
        if 0 < positive.lacking_in_new + negative.lacking_in_new {
            positive.widen_new::<H>(counts.positive, &mut above);
            negative.widen_new::<H>(counts.negative, &mut below);
            (widened.positive, widened.negative) = (&above, &below);
            if recodes {
                spans = Some(self.joint_spans(shape, positive, negative)?);
            }
        }
        if !recodes {
            self.append(start, t, &widened);
            return Ok(Outcome::Appended);
        }
        let shape = match &spans {
            Some((positive, negative)) => Shape { positive, negative, ..shape.clone() },
            None => shape.clone(),
        };
        self.recode(&shape, positive, negative)?;
        self.append(start, t, &widened);
        Ok(Outcome::Recoded)
    }

    /// The spans of the buckets of both, where both lack some.
    fn joint_spans(
        &self,
        shape: &Shape<'_>,
        positive: &Merged,
        negative: &Merged,
    ) -> Result<(Vec<Span>, Vec<Span>), Error> {
        // A counter's side that has all the chunk's buckets keeps its spans as they are written.
        let of = |merged: &Merged, spans: &[Span]| {
            if merged.lacking_in_new == 0 && shape.hint != ResetHint::Gauge {
                return Ok(spans.to_vec());
            }
            merged.spans_or(spans).ok_or_else(|| self.refusal(Problem::SpansToWrite))
        };
        Ok((of(positive, shape.positive)?, of(negative, shape.negative)?))
    }

    /// Writes the chunk again with the spans of `shape`, which are those of both together.
    fn recode(
        &mut self,
        shape: &Shape<'_>,
        positive: &Merged,
        negative: &Merged,
    ) -> Result<(), Error> {
        let mut wider = Self::of(self.started);
        let decoder = if self.started {
            HistogramDecoder::<H>::with_starts(self.bits.bytes())
        } else {
            HistogramDecoder::<H>::new(self.bits.bytes())
        };
        let mut decoder = decoder?;
        let (mut above, mut below) = (Vec::new(), Vec::new());
        while let Some(sample) = decoder.next_sample()? {
            let mut counts = sample.raw_counts();
            if counts.is_stale() {
                counts = Counts::stale(counts.sum);
            } else {
                positive.widen_chunk::<H>(counts.positive, &mut above);
                negative.widen_chunk::<H>(counts.negative, &mut below);
                (counts.positive, counts.negative) = (&above, &below);
            }
            if wider.is_empty() {
                wider.begin(self.header, sample.start(), sample.time(), shape, &counts);
            } else {
                wider.append(sample.start(), sample.time(), &counts);
            }
        }
        *self = wider;
        Ok(())
    }

    /// Writes the first sample of a chunk.
    fn begin(
        &mut self,
        header: ResetHint,
        start: i64,
        t: i64,
        shape: &Shape<'_>,
        counts: &Counts<'_, H>,
    ) {
        self.header = header;
        self.has_last = true;
        self.count = 0;
        let chain = &mut self.chain;
        if counts.is_stale() {
            chain.layout = Layout::default();
        } else {
            chain.layout.begin(shape);
        }
        chain.layout.put(&mut self.bits);
        put_int(&mut self.bits, t);
        H::put_first(&mut self.bits, counts);
        chain.state.begin(counts);
        chain.delta = 0;
        chain.starts = Starts::default();
        self.end_sample(start, t);
    }

    /// Writes another sample, whose buckets are those of the chunk.
    fn append(&mut self, start: i64, t: i64, counts: &Counts<'_, H>) {
        let chain = &mut self.chain;
        let delta = t.wrapping_sub(chain.t);
        let dod = delta.wrapping_sub(chain.delta);
        H::put_later(&mut self.bits, dod, &mut chain.state, counts);
        chain.delta = delta;
        self.end_sample(start, t);
    }

    fn end_sample(&mut self, start: i64, t: i64) {
        let chain = &mut self.chain;
        let hint = hint_bits(self.header);
        let n = self.count;
        self.count += 1;
        if self.started {
            chain.starts.put(&mut self.bits, n, chain.t, t, start);
            self.bits.set_header(u16::from(hint) << 14 | self.count);
            self.bits.set_byte(THIRD, chain.starts.header());
        } else {
            self.bits.set_header(self.count);
            self.bits.set_byte(THIRD, hint << 6);
        }
        chain.t = t;
    }
}

impl<H: NativeHistogram> Default for HistogramEncoder<H> {
    fn default() -> Self {
        Self::new()
    }
}

/// A chunk without samples, with room for so many bytes.
fn empty(bytes: usize) -> BitWriter {
    let mut buffer = Vec::with_capacity(bytes.max(HEADER_LEN));
    buffer.resize(HEADER_LEN, 0);
    BitWriter::new(buffer, 0)
}
