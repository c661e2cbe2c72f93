//! The values of one series at all steps.

use std::mem::size_of;
use std::ops::Range;
use std::sync::Arc;

use skopos_core::{FloatHistogram, Labels, SampleValue, is_stale_nan};

use super::budget::histogram_bytes;
use super::few::Few;
use crate::histogram::sample_size;

/// Which steps have something; one bit a step.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Bits {
    words: Few<u64>,
}

impl Bits {
    pub(crate) fn new(steps: usize) -> Self {
        Self { words: Few::new(steps.div_ceil(64)) }
    }

    pub(crate) fn get(&self, i: usize) -> bool {
        self.words[i / 64] >> (i % 64) & 1 == 1
    }

    pub(crate) fn set(&mut self, i: usize) {
        self.words[i / 64] |= 1 << (i % 64);
    }

    /// Sets all steps of a range.
    pub(crate) fn set_all(&mut self, steps: Range<usize>) {
        let mut from = steps.start;
        while from < steps.end {
            let to = steps.end.min((from / 64 + 1) * 64);
            self.words[from / 64] |= u64::MAX >> (64 - (to - from)) << (from % 64);
            from = to;
        }
    }

    /// The steps in words of 64.
    pub(crate) fn words(&self) -> &[u64] {
        &self.words
    }

    pub(crate) fn words_mut(&mut self) -> &mut [u64] {
        &mut self.words
    }

    pub(crate) fn unset(&mut self, i: usize) {
        self.words[i / 64] &= !(1 << (i % 64));
    }

    pub(crate) fn count(&self) -> usize {
        self.words.iter().map(|word| word.count_ones() as usize).sum()
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.words.iter().all(|word| *word == 0)
    }

    /// The steps that are set, ascending.
    pub(crate) fn iter(&self) -> impl Iterator<Item = usize> + '_ {
        self.words.iter().enumerate().flat_map(|(at, word)| {
            let mut rest = *word;
            std::iter::from_fn(move || {
                let bit = rest.trailing_zeros() as usize;
                (bit < 64).then(|| {
                    rest &= rest - 1;
                    at * 64 + bit
                })
            })
        })
    }

    /// The steps that both have.
    pub(crate) fn intersection(&self, other: &Self) -> Self {
        Self { words: self.words.iter().zip(&*other.words).map(|(a, b)| a & b).collect() }
    }

    pub(crate) fn union(&mut self, other: &Self) {
        for (word, more) in self.words.iter_mut().zip(&*other.words) {
            *word |= more;
        }
    }

    pub(crate) fn overlaps(&self, other: &Self) -> bool {
        self.words.iter().zip(&*other.words).any(|(a, b)| a & b != 0)
    }
}

/// The value at one step, borrowed.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Point<'a> {
    Float(f64),
    Histogram(&'a Arc<FloatHistogram>),
}

impl Point<'_> {
    /// The owned value.
    pub(crate) fn to_value(self) -> SampleValue {
        match self {
            Self::Float(v) => SampleValue::Float(v),
            Self::Histogram(h) => SampleValue::Histogram(Arc::clone(h)),
        }
    }
}

/// The values of one series at all steps, floats in one lane and histograms in another.
#[derive(Clone, Debug, Default)]
pub(crate) struct Column {
    /// One for each step; what is absent has any value.
    values: Few<f64>,
    floats: Bits,
    /// One for each step, or none at all where the series has no histogram.
    histograms: Vec<Option<Arc<FloatHistogram>>>,
}

impl Column {
    /// A column without values.
    pub(crate) fn new(steps: usize) -> Self {
        Self { values: Few::new(steps), floats: Bits::new(steps), histograms: Vec::new() }
    }

    /// A column with the floats of which the bits are set.
    pub(crate) fn new_of(values: Few<f64>, floats: Bits) -> Self {
        Self { values, floats, histograms: Vec::new() }
    }

    /// A column with a float at every step.
    pub(crate) fn full(values: Vec<f64>) -> Self {
        let mut floats = Bits::new(values.len());
        floats.set_all(0..values.len());
        Self { values: values.into(), floats, histograms: Vec::new() }
    }

    /// Sets the floats of `steps` to every `stride`th of `values`, the first among them.
    #[inline]
    pub(crate) fn copy(&mut self, steps: Range<usize>, values: &[f64], stride: usize) {
        let to = &mut self.values[steps.clone()];
        match stride {
            0 => to.fill(values[0]),
            1 => to.copy_from_slice(&values[..to.len()]),
            _ => to.iter_mut().zip(values.iter().step_by(stride)).for_each(|(to, v)| *to = *v),
        }
        self.floats.set_all(steps);
    }

    /// Where the floats of `steps` stand, which count once they are marked.
    pub(crate) fn slots(&mut self, steps: Range<usize>) -> &mut [f64] {
        &mut self.values[steps]
    }

    /// Makes the floats of `steps` count.
    pub(crate) fn mark(&mut self, steps: Range<usize>) {
        self.floats.set_all(steps);
    }

    /// Forgets staleness markers.
    pub(crate) fn remove_stale(&mut self) {
        if self.values.iter().fold(false, |any, v| any | is_stale_nan(*v)) {
            for i in 0..self.values.len() {
                if is_stale_nan(self.values[i]) {
                    self.floats.unset(i);
                }
            }
        }
    }

    /// The float lane, and which steps have one.
    pub(crate) fn lane_mut(&mut self) -> (&mut [f64], &mut Bits) {
        (&mut self.values, &mut self.floats)
    }

    /// The values of the float lane, also where there is none.
    pub(crate) fn values(&self) -> &[f64] {
        &self.values
    }

    /// A column with a function of the floats of two columns, where both have one.
    #[inline]
    pub(crate) fn zipped(&self, other: &Self, f: impl Fn(f64, f64) -> f64) -> Self {
        // What is absent is computed along, for the sake of a loop without branches.
        let values = self.values.iter().zip(&*other.values).map(|(a, b)| f(*a, *b)).collect();
        let floats = self.floats.intersection(&other.floats);
        Self { values, floats, histograms: Vec::new() }
    }

    /// Calls `f` with each float and its step.
    #[inline]
    pub(crate) fn each_float(&self, mut f: impl FnMut(usize, f64)) {
        for (word, (at, values)) in self.floats.words.iter().zip(self.values.chunks(64).enumerate())
        {
            let from = 64 * at;
            if *word == u64::MAX {
                values.iter().enumerate().for_each(|(i, v)| f(from + i, *v));
                continue;
            }
            let mut rest = *word;
            while rest != 0 {
                let bit = rest.trailing_zeros() as usize;
                f(from + bit, values[bit]);
                rest &= rest - 1;
            }
        }
    }

    pub(crate) fn steps(&self) -> usize {
        self.values.len()
    }

    pub(crate) fn at(&self, i: usize) -> Option<Point<'_>> {
        if self.floats.get(i) {
            return Some(Point::Float(self.values[i]));
        }
        self.histograms.get(i)?.as_ref().map(Point::Histogram)
    }

    pub(crate) fn has(&self, i: usize) -> bool {
        self.floats.get(i) || self.histograms.get(i).is_some_and(Option::is_some)
    }

    pub(crate) fn set_float(&mut self, i: usize, v: f64) {
        self.values[i] = v;
        self.floats.set(i);
    }

    pub(crate) fn set_histogram(&mut self, i: usize, h: Arc<FloatHistogram>) {
        if self.histograms.is_empty() {
            self.histograms.resize(self.values.len(), None);
        }
        self.histograms[i] = Some(h);
    }

    pub(crate) fn set(&mut self, i: usize, value: SampleValue) {
        match value {
            SampleValue::Float(v) => self.set_float(i, v),
            SampleValue::Histogram(h) => self.set_histogram(i, h),
        }
    }

    pub(crate) fn remove(&mut self, i: usize) {
        self.floats.unset(i);
        if let Some(slot) = self.histograms.get_mut(i) {
            *slot = None;
        }
    }

    /// Which steps have a float.
    pub(crate) fn floats(&self) -> &Bits {
        &self.floats
    }

    /// The value of the float lane at a step that has one.
    pub(crate) fn float(&self, i: usize) -> f64 {
        self.values[i]
    }

    /// The histograms by step; empty where there is none.
    pub(crate) fn histograms(&self) -> &[Option<Arc<FloatHistogram>>] {
        &self.histograms
    }

    /// Which steps have a value of either kind.
    pub(crate) fn present(&self) -> Bits {
        let mut bits = self.floats.clone();
        for (i, h) in self.histograms.iter().enumerate() {
            if h.is_some() {
                bits.set(i);
            }
        }
        bits
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.floats.is_empty() && self.histograms.iter().all(Option::is_none)
    }

    /// The steps with their values, ascending.
    pub(crate) fn iter(&self) -> impl Iterator<Item = (usize, Point<'_>)> {
        (0..self.steps()).filter_map(|i| self.at(i).map(|point| (i, point)))
    }

    /// Replaces each float by a function of it.
    pub(crate) fn map_floats(&mut self, f: impl Fn(f64) -> f64) {
        // What is absent is computed along, for the sake of a loop without branches.
        for v in &mut *self.values {
            *v = f(*v);
        }
    }

    /// Replaces each float by a function of it and of its step.
    pub(crate) fn map_floats_at(&mut self, f: impl Fn(usize, f64) -> f64) {
        for (i, v) in self.values.iter_mut().enumerate() {
            *v = f(i, *v);
        }
    }

    /// Forgets the histograms.
    pub(crate) fn drop_histograms(&mut self) {
        self.histograms = Vec::new();
    }

    /// Replaces each histogram by a function of it.
    pub(crate) fn map_histograms(&mut self, f: impl Fn(&FloatHistogram) -> FloatHistogram) {
        for slot in self.histograms.iter_mut().flatten() {
            *slot = Arc::new(f(slot));
        }
    }

    /// Takes the values of a column that has none at the same steps; whether there was none.
    pub(crate) fn merge(&mut self, other: Self) -> bool {
        if self.present().overlaps(&other.present()) {
            return false;
        }
        for i in 0..other.steps() {
            if let Some(point) = other.at(i) {
                self.set(i, point.to_value());
            }
        }
        true
    }

    /// As many samples as the column counts for in the budget.
    pub(crate) fn samples(&self) -> usize {
        let histograms: usize = self.histograms.iter().flatten().map(|h| sample_size(h)).sum();
        self.floats.count() + histograms
    }

    /// How many bytes a column of floats takes.
    pub(crate) fn bytes_of(steps: usize) -> usize {
        steps.saturating_mul(size_of::<f64>()).saturating_add(steps / 8)
    }

    /// How many bytes the column takes, histograms included, though others may share them.
    pub(crate) fn bytes(&self) -> usize {
        let slots = self.histograms.len() * size_of::<Option<Arc<FloatHistogram>>>();
        let mut last: *const FloatHistogram = std::ptr::null();
        let mut histograms = 0;
        for h in self.histograms.iter().flatten() {
            // Neighbouring steps often have the same histogram.
            if !std::ptr::eq(last, &raw const **h) {
                histograms += histogram_bytes(h);
                last = &raw const **h;
            }
        }
        Self::bytes_of(self.steps()) + slots + histograms
    }

    /// Calls `f` with each step that has a value, and for how many samples that counts.
    pub(crate) fn each_size(&self, mut f: impl FnMut(usize, usize)) {
        self.each_float(|i, _| f(i, 1));
        for (i, h) in self.histograms.iter().enumerate() {
            if let Some(h) = h {
                f(i, sample_size(h));
            }
        }
    }

    /// The value of the first step at each of `steps`.
    pub(crate) fn repeated(&self, steps: usize) -> Self {
        let mut out = Self::new(steps);
        match self.at(0) {
            None => {}
            Some(Point::Float(v)) => out.copy(0..steps, &[v], 0),
            Some(Point::Histogram(h)) => out.histograms = vec![Some(Arc::clone(h)); steps],
        }
        out
    }
}

/// One series with its values at all steps.
#[derive(Clone, Debug)]
pub(crate) struct Series {
    pub(crate) labels: Labels,
    /// Whether the name shall go at the end of the query.
    pub(crate) drop_name: bool,
    pub(crate) column: Column,
}
