//! What integer and float histograms have in common, and what one has to know to encode either.

use alloc::sync::Arc;
use alloc::vec::Vec;
use core::fmt;

use skopos_core::{FloatHistogram, Histogram, ResetHint, STALE_NAN_BITS, Span};

use crate::bits::{BitReader, BitWriter};
use crate::encoding::Encoding;
use crate::varbit::Window;

/// A native histogram that chunks can hold: [`Histogram`], which counts in integers, or
/// [`FloatHistogram`], which counts in floats. Sealed.
pub trait NativeHistogram: Flavor {}

impl NativeHistogram for Histogram {}
impl NativeHistogram for FloatHistogram {}

/// How one of the two is taken apart and written.
pub trait Flavor: Clone + Default + Sized {
    /// The number of all observations, and of those in the zero bucket.
    type Count: Copy + Default + PartialOrd + fmt::Debug;
    /// A bucket as it stands in the histogram.
    type Bucket: Copy + Default + PartialOrd + fmt::Debug;
    /// What is kept of a bucket for the next sample, beside its value.
    type Memory: Copy + fmt::Debug;
    /// The same for the counts.
    type CountMemory: Copy + fmt::Debug;

    /// The least bits that a bucket takes in a chunk's first sample.
    const FIRST_BITS: usize;
    /// The header of a chunk that begins because the one before is a gauge's.
    const AFTER_GAUGE: ResetHint;
    /// The header of a chunk that follows another one, if nothing is known of a reset.
    const AFTER_UNKNOWN: ResetHint;
    /// What a fresh encoder remembers of a bucket.
    const FRESH: Self::Memory;
    /// The same for the counts.
    const FRESH_COUNTS: Self::CountMemory;
    /// What a decoder starts with.
    const READ: Self::Memory;
    /// The same for the counts.
    const READ_COUNTS: Self::CountMemory;
    /// How errors call the histogram.
    const IS_FLOAT: bool;
    /// The encodings without and with start timestamps.
    const ENCODINGS: [Encoding; 2];

    /// All but the counts.
    fn shape(&self) -> Shape<'_>;
    /// The counts.
    fn counts(&self) -> Counts<'_, Self>;
    /// Makes it a histogram of this shape with these counts; what it had is reused.
    fn assign(&mut self, shape: &Shape<'_>, counts: &Counts<'_, Self>);
    /// The same as a float histogram.
    fn assign_float(to: &mut FloatHistogram, shape: &Shape<'_>, counts: &Counts<'_, Self>);
    /// The buckets, to be changed together with the spans.
    fn sides(&mut self) -> [(&mut Vec<Span>, &mut Vec<Self::Bucket>); 2];
    /// Sets the schema.
    fn set_schema(&mut self, schema: i32);

    /// Goes on from the number of observations in a bucket to that in the next one.
    fn advance(absolute: &mut Self::Bucket, stored: Self::Bucket);
    /// What stands for a bucket of `now` observations behind one of `before`.
    fn stored(before: Self::Bucket, now: Self::Bucket) -> Self::Bucket;
    /// The observations of two buckets together.
    fn sum_of(a: Self::Bucket, b: Self::Bucket) -> Self::Bucket;

    /// Writes the counts of a chunk's first sample.
    fn put_first(out: &mut BitWriter, counts: &Counts<'_, Self>);
    /// Writes the time's delta of deltas and the counts of another sample, and remembers them.
    fn put_later(out: &mut BitWriter, dod: i64, state: &mut State<Self>, counts: &Counts<'_, Self>);
    /// Reads the counts of a chunk's first sample, of whose buckets there are places already.
    fn take_first(bits: &mut BitReader<'_>, state: &mut State<Self>);
    /// Whether the chunk that was read has a window that no writer writes.
    fn have_too_wide(state: &State<Self>) -> bool;
    /// Reads the counts of another sample; returns the time's delta of deltas.
    fn take_later(bits: &mut BitReader<'_>, state: &mut State<Self>) -> i64;
}

/// All of a histogram but its counts.
#[derive(Clone, Debug)]
pub struct Shape<'h> {
    pub(super) hint: ResetHint,
    pub(super) schema: i32,
    pub(super) zero_threshold: f64,
    pub(super) positive: &'h [Span],
    pub(super) negative: &'h [Span],
    pub(super) custom: &'h Arc<[f64]>,
}

/// The counts of a histogram.
#[derive(Debug)]
pub struct Counts<'h, H: Flavor> {
    pub(super) count: H::Count,
    pub(super) zero: H::Count,
    pub(super) sum: f64,
    pub(super) positive: &'h [H::Bucket],
    pub(super) negative: &'h [H::Bucket],
}

impl<H: Flavor> Counts<'_, H> {
    /// The counts of a staleness marker.
    pub(super) fn stale(sum: f64) -> Self {
        Self {
            count: H::Count::default(),
            zero: H::Count::default(),
            sum,
            positive: &[],
            negative: &[],
        }
    }

    #[inline]
    pub(super) fn is_stale(&self) -> bool {
        self.sum.to_bits() == STALE_NAN_BITS
    }
}

/// What is remembered of a sample's counts to write or read the next.
#[derive(Clone, Debug)]
pub struct State<H: Flavor> {
    pub(super) count: H::Count,
    pub(super) zero: H::Count,
    pub(super) memory: H::CountMemory,
    /// The bits of the sum.
    pub(super) sum: u64,
    pub(super) sum_window: Window,
    /// The positive buckets, then the negative ones; as they stood in the histogram.
    pub(super) buckets: Vec<H::Bucket>,
    /// Invariant: as long as `buckets`.
    pub(super) memories: Vec<H::Memory>,
}

impl<H: Flavor> State<H> {
    /// Before an encoder's first sample.
    pub(super) fn fresh() -> Self {
        Self::new(H::FRESH_COUNTS, Window::NONE)
    }

    /// Before a decoder's first sample.
    pub(super) fn read() -> Self {
        Self::new(H::READ_COUNTS, Window::WHOLE)
    }

    fn new(memory: H::CountMemory, sum_window: Window) -> Self {
        Self {
            count: H::Count::default(),
            zero: H::Count::default(),
            memory,
            sum: 0,
            sum_window,
            buckets: Vec::new(),
            memories: Vec::new(),
        }
    }

    /// Remembers a chunk's first sample.
    pub(super) fn begin(&mut self, counts: &Counts<'_, H>) {
        (self.count, self.zero, self.sum) = (counts.count, counts.zero, counts.sum.to_bits());
        self.memory = H::FRESH_COUNTS;
        self.sum_window = Window::NONE;
        self.buckets.clear();
        self.buckets.extend_from_slice(counts.positive);
        self.buckets.extend_from_slice(counts.negative);
        self.memories.clear();
        self.memories.resize(self.buckets.len(), H::FRESH);
    }

    #[inline]
    pub(super) fn is_stale(&self) -> bool {
        self.sum == STALE_NAN_BITS
    }

    /// The counts of the last sample, `positive` of whose buckets are positive.
    #[inline]
    pub(super) fn counts(&self, positive: usize) -> Counts<'_, H> {
        let (positive, negative) = self.buckets.split_at_checked(positive).unwrap_or_default();
        let (count, zero, sum) = (self.count, self.zero, f64::from_bits(self.sum));
        Counts { count, zero, sum, positive, negative }
    }
}
