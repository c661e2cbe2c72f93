//! Where a store that appends ends one chunk and begins the next, as Prometheus' head decides it.
//!
//! A store that cuts like this has the same chunks as Prometheus for the same samples. The rules
//! are plain values next to a chunk that is being written: they hold no chunk and encode nothing.
#![deny(
    clippy::arithmetic_side_effects,
    clippy::cast_possible_truncation,
    clippy::indexing_slicing
)]

#[cfg(test)]
mod tests;

/// How many float samples a chunk should have. Merging splits by it, too.
pub const TARGET_SAMPLES: usize = 120;
/// A chunk of a quarter of its samples tells when it should end.
const PREDICT_AT: usize = TARGET_SAMPLES / 4;
/// A chunk never has more samples than this, whatever was predicted.
const MOST_SAMPLES: usize = 2 * TARGET_SAMPLES;
/// A larger chunk of floats takes no further sample: 1024 bytes, less the 19 of the largest sample.
const MOST_BYTES: usize = 1024 - 19;

/// How many bytes a chunk of histograms should have.
const HISTOGRAM_TARGET_BYTES: usize = 1024;
/// A chunk of a quarter of its bytes tells when it should end.
const HISTOGRAM_PREDICT_AT: usize = HISTOGRAM_TARGET_BYTES / 4;
/// A chunk of so many bytes ends, whatever was predicted,
const HISTOGRAM_MOST_BYTES: usize = 2 * HISTOGRAM_TARGET_BYTES;
/// but not with fewer samples, unless its range of time ends.
const HISTOGRAM_LEAST_SAMPLES: usize = 10;

/// What is in a chunk before a sample is appended.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[expect(clippy::exhaustive_structs, reason = "the rules ask for these and will not change")]
pub struct Fill {
    /// How many samples.
    pub samples: usize,
    /// How many bytes, with the chunk's header.
    pub bytes: usize,
    /// The last sample's time in milliseconds.
    pub last: i64,
}

/// When a chunk of floats ends: at about 120 samples, a kibibyte, or a border between ranges of
/// time.
///
/// ```
/// use skopos_chunk::XorEncoder;
/// use skopos_chunk::cut::{Fill, FloatCut};
///
/// const TWO_HOURS: i64 = 2 * 60 * 60 * 1_000;
/// let mut sizes = vec![];
/// let mut encoder = XorEncoder::new();
/// let mut cut = FloatCut::new(0, TWO_HOURS);
/// for t in (0..300).map(|i| i * 15_000) {
///     let last = encoder.last_time().unwrap_or(t);
///     let fill = Fill { samples: encoder.len(), bytes: encoder.bytes().len(), last };
///     if cut.is_due(t, fill) {
///         sizes.push(encoder.len());
///         encoder = XorEncoder::new();
///         cut = FloatCut::new(t, TWO_HOURS);
///     }
///     encoder.push(t, 1.0)?;
/// }
/// assert_eq!(sizes, [120, 120]);
/// # Ok::<(), skopos_chunk::Error>(())
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct FloatCut {
    first: i64,
    /// A sample from this time on begins another chunk.
    end: i64,
}

impl FloatCut {
    /// The rule for a chunk whose first sample is at `first`; chunks end at multiples of
    /// `chunk_range`. Both in milliseconds, the range at least 1.
    #[must_use]
    pub fn new(first: i64, chunk_range: i64) -> Self {
        Self { first, end: range_end(first, chunk_range) }
    }

    /// The time of the chunk's first sample.
    #[must_use]
    pub fn first(&self) -> i64 {
        self.first
    }

    /// Whether a sample at `t` belongs to the next chunk; to be asked before each but the first.
    #[must_use]
    pub fn is_due(&mut self, t: i64, fill: Fill) -> bool {
        if MOST_BYTES < fill.bytes {
            return true;
        }
        if fill.samples == PREDICT_AT {
            self.end = predict_end(self.first, fill.last, self.end, 4.0);
        }
        self.end <= t || MOST_SAMPLES <= fill.samples
    }
}

/// When a chunk of histograms ends: at about a kibibyte, or a border between ranges of time.
///
/// Histograms that cannot follow each other in one chunk end it as well; their encoders tell.
///
/// ```
/// use skopos_chunk::cut::{Fill, HistogramCut};
///
/// let mut cut = HistogramCut::new(0, 7_200_000);
/// let fill = Fill { samples: 20, bytes: 300, last: 285_000 };
/// assert!(!cut.is_due(300_000, fill));
/// assert!(!cut.is_due(900_000, Fill { samples: 60, bytes: 900, last: 885_000 }));
/// assert!(cut.is_due(1_035_000, Fill { samples: 68, bytes: 1_020, last: 1_020_000 }));
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct HistogramCut {
    first: i64,
    /// A sample from this time on begins another chunk, if this one has samples enough.
    end: i64,
    /// A sample from this time on begins another chunk.
    range_end: i64,
    is_predicted: bool,
}

impl HistogramCut {
    /// The rule for a chunk whose first sample is at `first`; chunks end at multiples of
    /// `chunk_range`. Both in milliseconds, the range at least 1.
    #[must_use]
    pub fn new(first: i64, chunk_range: i64) -> Self {
        let end = range_end(first, chunk_range);
        Self { first, end, range_end: end, is_predicted: false }
    }

    /// The time of the chunk's first sample.
    #[must_use]
    pub fn first(&self) -> i64 {
        self.first
    }

    /// Whether a sample at `t` belongs to the next chunk; to be asked before each but the first.
    #[must_use]
    pub fn is_due(&mut self, t: i64, fill: Fill) -> bool {
        if !self.is_predicted && HISTOGRAM_PREDICT_AT <= fill.bytes {
            let filled = HISTOGRAM_TARGET_BYTES as f64 / fill.bytes as f64;
            self.end = predict_end(self.first, fill.last, self.end, filled);
            self.is_predicted = true;
        }
        (self.end <= t || HISTOGRAM_MOST_BYTES <= fill.bytes)
            && (HISTOGRAM_LEAST_SAMPLES <= fill.samples || self.range_end <= t)
    }
}

/// The end of the aligned range that `t` lies in; rounded towards zero, as Prometheus does.
fn range_end(t: i64, range: i64) -> i64 {
    let range = range.max(1);
    t.checked_div(range).unwrap_or(0).saturating_mul(range).saturating_add(range)
}

/// Where a chunk should end that filled one part of so many between `first` and `last`, so that the
/// chunks up to `end` are of about the same length.
fn predict_end(first: i64, last: i64, end: i64, parts: f64) -> i64 {
    let passed = last.wrapping_sub(first).wrapping_add(1) as f64;
    let span = end.wrapping_sub(first) as f64;
    let chunks = span / (passed * parts);
    if chunks <= 1.0 {
        return end;
    }
    #[expect(clippy::cast_possible_truncation, reason = "milliseconds are cut off on purpose")]
    let predicted = (first as f64 + span / floor(chunks)) as i64;
    predicted
}

/// `f64::floor` of a number from 1 on, which `core` does not have.
fn floor(number: f64) -> f64 {
    #[expect(clippy::cast_possible_truncation, reason = "saturates where floats have no fractions")]
    let whole = number as u64;
    if whole == u64::MAX { number } else { whole as f64 }
}
