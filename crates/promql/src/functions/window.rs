//! The samples of one series, and the part of them that a range function sees at one step.

use std::sync::Arc;

use skopos_core::{FloatHistogram, Labels, SampleValue};

use crate::annotation::Annotations;
use crate::eval::budget::histogram_bytes;
use crate::histogram::sample_size;
use crate::span::Span;

/// The samples of one series, floats and histograms apart, without staleness markers.
#[derive(Debug, Default)]
pub(crate) struct Samples {
    /// Invariant: ascending; as long as `values`.
    pub(crate) times: Vec<i64>,
    pub(crate) values: Vec<f64>,
    /// Invariant: ascending; as long as `histograms`.
    pub(crate) histogram_times: Vec<i64>,
    pub(crate) histograms: Vec<Arc<FloatHistogram>>,
    /// When each float's counter started, 0 for unknown; empty where nothing is known.
    pub(crate) starts: Vec<i64>,
    /// The same for histograms.
    pub(crate) histogram_starts: Vec<i64>,
    /// The indices of floats that are a counter reset away from the one before.
    pub(crate) resets: Vec<usize>,
    /// How many floats up to and including each one have been counted; empty where none were.
    counted: Vec<u32>,
}

impl Samples {
    /// Removes the samples and keeps the memory.
    pub(crate) fn clear(&mut self) {
        self.times.clear();
        self.values.clear();
        self.histogram_times.clear();
        self.histograms.clear();
        self.starts.clear();
        self.histogram_starts.clear();
        self.resets.clear();
        self.counted.clear();
    }

    /// For how many samples they count.
    pub(crate) fn size(&self) -> usize {
        self.values.len() + self.histograms.iter().map(|h| sample_size(h)).sum::<usize>()
    }

    /// How many bytes they take.
    pub(crate) fn bytes(&self) -> usize {
        let numbers = 2 * self.values.len()
            + self.histogram_times.len()
            + self.starts.len()
            + self.histogram_starts.len();
        8 * numbers + self.histograms.iter().map(|h| histogram_bytes(h)).sum::<usize>()
    }

    /// For how many samples the histograms before each one count; nothing where there is none.
    pub(crate) fn histogram_sizes(&self) -> Vec<usize> {
        if self.histograms.is_empty() {
            return Vec::new();
        }
        let mut sum = 0;
        let sizes = self.histograms.iter().map(|h| {
            sum += sample_size(h);
            sum
        });
        std::iter::once(0).chain(sizes).collect()
    }

    /// Counts the floats for whose index `counts` holds, for windows to ask.
    pub(crate) fn count_floats(&mut self, mut counts: impl FnMut(&Self, usize) -> bool) {
        let mut counted = std::mem::take(&mut self.counted);
        let mut count = 0;
        counted.clear();
        counted.extend((0..self.values.len()).map(|i| {
            count += u32::from(0 < i && counts(self, i));
            count
        }));
        self.counted = counted;
    }

    /// How many floats of a window but the first have been counted.
    #[inline]
    pub(crate) fn counted_in(&self, (from, to): (usize, usize)) -> f64 {
        f64::from(self.counted[to - 1] - self.counted[from])
    }

    /// Finds the counter resets between floats.
    pub(crate) fn find_resets(&mut self) {
        self.resets.clear();
        // Resets are rare, and so looked for in many samples at once.
        const BLOCK: usize = 32;
        for from in (1..self.values.len()).step_by(BLOCK) {
            let to = self.values.len().min(from + BLOCK);
            let pairs = self.values[from..to].iter().zip(&self.values[from - 1..to - 1]);
            let falls = pairs.fold(false, |falls, (v, before)| falls | (v < before));
            if falls || !self.starts.is_empty() {
                let (values, times, starts) = (&self.values, &self.times, &self.starts);
                let is_reset =
                    |i: &usize| values[*i] < values[*i - 1] || start_reset(times, starts, *i);
                self.resets.extend((from..to).filter(is_reset));
            }
        }
    }
}

/// Whether the start timestamps say that a counter was reset between sample `i` and the one before.
pub(crate) fn start_reset(times: &[i64], starts: &[i64], i: usize) -> bool {
    if i == 0 || starts.len() <= i {
        return false;
    }
    let (previous_start, previous) = (starts[i - 1], times[i - 1]);
    let (start, t) = (starts[i], times[i]);
    if start == 0 || t <= start || start < previous {
        return false;
    }
    // A counter that starts at the sample before is a delta, if that one's start is known.
    previous < start || (previous_start != 0 && previous_start < previous)
}

/// What a range function may say and needs to know besides the samples.
pub(crate) struct Context<'a> {
    pub(crate) notes: &'a Annotations,
    /// The series' labels, the name included.
    pub(crate) labels: &'a Labels,
    /// Where the range vector stands in the query.
    pub(crate) span: Span,
}

impl Context<'_> {
    /// The metric's name, or `""`.
    pub(crate) fn name(&self) -> &str {
        self.labels.metric_name().unwrap_or_default()
    }
}

/// The samples that a range function sees at one step.
#[derive(Clone, Copy)]
pub(crate) struct Window<'a> {
    pub(crate) samples: &'a Samples,
    /// The floats of the window, as indices; start included, end excluded.
    pub(crate) floats: (usize, usize),
    /// The histograms of the window.
    pub(crate) histograms: (usize, usize),
    /// The time of evaluation.
    pub(crate) t: i64,
    /// The start of the range, which does not belong to it.
    pub(crate) start: i64,
    /// The end of the range.
    pub(crate) end: i64,
}

impl<'a> Window<'a> {
    pub(crate) fn times(&self) -> &'a [i64] {
        &self.samples.times[self.floats.0..self.floats.1]
    }

    pub(crate) fn values(&self) -> &'a [f64] {
        &self.samples.values[self.floats.0..self.floats.1]
    }

    pub(crate) fn histogram_times(&self) -> &'a [i64] {
        &self.samples.histogram_times[self.histograms.0..self.histograms.1]
    }

    pub(crate) fn histograms(&self) -> &'a [Arc<FloatHistogram>] {
        &self.samples.histograms[self.histograms.0..self.histograms.1]
    }

    /// The floats' start timestamps, or nothing.
    pub(crate) fn starts(&self) -> &'a [i64] {
        self.samples.starts.get(self.floats.0..self.floats.1).unwrap_or_default()
    }

    /// The histograms' start timestamps, or nothing.
    pub(crate) fn histogram_starts(&self) -> &'a [i64] {
        self.samples.histogram_starts.get(self.histograms.0..self.histograms.1).unwrap_or_default()
    }

    /// How many samples there are.
    pub(crate) fn len(&self) -> usize {
        self.floats.1 - self.floats.0 + self.histograms.1 - self.histograms.0
    }

    /// For how many samples the window counts, by what all its series' histograms count for.
    pub(crate) fn size(&self, histogram_sizes: &[usize]) -> usize {
        let (from, to) = self.histograms;
        let floats = self.floats.1 - self.floats.0;
        if from == to { floats } else { floats + histogram_sizes[to] - histogram_sizes[from] }
    }

    /// The length of the range in seconds.
    pub(crate) fn range_seconds(&self) -> f64 {
        (self.end - self.start) as f64 / 1000.0
    }

    /// The values before each counter reset within the window, in order.
    pub(crate) fn before_resets(&self) -> impl Iterator<Item = f64> + 'a {
        let (from, to) = self.floats;
        let values = &self.samples.values;
        let first = self.samples.resets.partition_point(|i| *i <= from);
        self.samples.resets[first..].iter().take_while(move |i| **i < to).map(|i| values[*i - 1])
    }
}

/// A value, or none.
pub(crate) type Cell = Option<SampleValue>;

/// A float value.
pub(crate) fn float(v: f64) -> Cell {
    Some(SampleValue::Float(v))
}

/// A histogram value.
pub(crate) fn histogram(h: FloatHistogram) -> Cell {
    Some(SampleValue::Histogram(Arc::new(h)))
}
