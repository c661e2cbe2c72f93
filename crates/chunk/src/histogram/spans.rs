//! Which buckets two histograms have: one of them the last in a chunk, the other a new one.

use alloc::vec::Vec;

use skopos_core::Span;

use crate::histogram::flavor::Flavor;

/// One side's buckets of both histograms in order.
#[derive(Debug, Default)]
pub(super) struct Merged {
    places: Vec<Place>,
    /// Runs of buckets that the chunk lacks.
    pub(super) lacking_in_chunk: usize,
    /// Runs of buckets that the new histogram lacks.
    pub(super) lacking_in_new: usize,
}

#[derive(Clone, Copy, Debug)]
struct Place {
    index: i64,
    in_chunk: bool,
    in_new: bool,
}

/// That the new histogram has fewer observations in a bucket.
#[derive(Debug)]
pub(super) struct BucketReset;

impl Merged {
    /// Merges the buckets of two gauges.
    pub(super) fn gauges(chunk: &[Span], new: &[Span]) -> Self {
        let mut merged = Self::default();
        if chunk != new {
            let (mut a, mut b) = (indices(chunk).peekable(), indices(new).peekable());
            while let Some(place) = next_place(&mut a, &mut b) {
                merged.push(place);
            }
        }
        merged
    }

    /// Merges the buckets of two counters, and compares their observations.
    pub(super) fn counters<H: Flavor>(
        (chunk, last): (&[Span], &[H::Bucket]),
        (new, buckets): (&[Span], &[H::Bucket]),
    ) -> Result<Self, BucketReset> {
        let mut merged = Self::default();
        let (mut before, mut now) = (H::Bucket::default(), H::Bucket::default());
        if chunk == new {
            for (a, b) in last.iter().zip(buckets) {
                H::advance(&mut before, *a);
                H::advance(&mut now, *b);
                if now < before {
                    return Err(BucketReset);
                }
            }
            return Ok(merged);
        }
        let (mut a, mut b) = (indices(chunk).peekable(), indices(new).peekable());
        let (mut last, mut buckets) = (last.iter(), buckets.iter());
        while let Some(place) = next_place(&mut a, &mut b) {
            if let Some(stored) = last.next_if(place.in_chunk) {
                H::advance(&mut before, *stored);
            }
            if let Some(stored) = buckets.next_if(place.in_new) {
                H::advance(&mut now, *stored);
            }
            // A bucket that is gone may have had no observations.
            let reset = match (place.in_chunk, place.in_new) {
                (true, true) => now < before,
                (true, false) => before != H::Bucket::default(),
                _ => false,
            };
            if reset {
                return Err(BucketReset);
            }
            merged.push(place);
        }
        Ok(merged)
    }

    /// The buckets of the chunk's histograms with empty ones for those that the new one adds.
    pub(super) fn widen_chunk<H: Flavor>(&self, buckets: &[H::Bucket], out: &mut Vec<H::Bucket>) {
        self.widen::<H>(buckets, |place| place.in_chunk, self.lacking_in_chunk, out);
    }

    /// The new histogram's buckets with empty ones for those that only the chunk has.
    pub(super) fn widen_new<H: Flavor>(&self, buckets: &[H::Bucket], out: &mut Vec<H::Bucket>) {
        self.widen::<H>(buckets, |place| place.in_new, self.lacking_in_new, out);
    }

    /// The spans of all buckets; `None` if they lie too far from each other. Those of the new
    /// histogram, where the chunk has the same.
    pub(super) fn spans_or(&self, same: &[Span]) -> Option<Vec<Span>> {
        if self.places.is_empty() {
            return Some(same.to_vec());
        }
        let mut spans: Vec<Span> = Vec::new();
        let mut next = 0_i64;
        for place in &self.places {
            match spans.last_mut() {
                Some(last) if place.index == next => last.length = last.length.checked_add(1)?,
                _ => {
                    let offset = i32::try_from(place.index.checked_sub(next)?).ok()?;
                    spans.push(Span { offset, length: 1 });
                }
            }
            next = place.index.checked_add(1)?;
        }
        Some(spans)
    }

    fn widen<H: Flavor>(
        &self,
        buckets: &[H::Bucket],
        has: impl Fn(&Place) -> bool,
        lacking: usize,
        out: &mut Vec<H::Bucket>,
    ) {
        out.clear();
        if lacking == 0 {
            return out.extend_from_slice(buckets);
        }
        let mut buckets = buckets.iter();
        let (mut absolute, mut before) = (H::Bucket::default(), H::Bucket::default());
        for place in &self.places {
            let mut now = H::Bucket::default();
            if let Some(stored) = buckets.next_if(has(place)) {
                H::advance(&mut absolute, *stored);
                now = absolute;
            }
            out.push(H::stored(before, now));
            before = now;
        }
    }

    fn push(&mut self, place: Place) {
        let last = self.places.last();
        if !place.in_chunk && last.is_none_or(|last| last.in_chunk) {
            self.lacking_in_chunk += 1;
        }
        if !place.in_new && last.is_none_or(|last| last.in_new) {
            self.lacking_in_new += 1;
        }
        self.places.push(place);
    }
}

/// An iterator that is asked for an element only under a condition.
trait NextIf: Iterator {
    fn next_if(&mut self, condition: bool) -> Option<Self::Item>;
}

impl<I: Iterator> NextIf for I {
    fn next_if(&mut self, condition: bool) -> Option<Self::Item> {
        if condition { self.next() } else { None }
    }
}

/// The indices of buckets in the order of the spans.
pub(super) fn indices(spans: &[Span]) -> impl Iterator<Item = i64> {
    spans
        .iter()
        .scan(0_i64, |end, span| {
            let start = end.saturating_add(i64::from(span.offset));
            *end = start.saturating_add(i64::from(span.length));
            Some(start..*end)
        })
        .flatten()
}

/// The next bucket of one or both.
fn next_place(
    chunk: &mut core::iter::Peekable<impl Iterator<Item = i64>>,
    new: &mut core::iter::Peekable<impl Iterator<Item = i64>>,
) -> Option<Place> {
    let (in_chunk, in_new) = match (chunk.peek(), new.peek()) {
        (Some(a), Some(b)) => (a <= b, b <= a),
        (a, b) => (a.is_some(), b.is_some()),
    };
    let a = if in_chunk { chunk.next() } else { None };
    let b = if in_new { new.next() } else { None };
    a.or(b).map(|index| Place { index, in_chunk, in_new })
}
