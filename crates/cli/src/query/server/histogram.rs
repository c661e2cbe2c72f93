//! Native histograms from what the HTTP API tells of them.
//!
//! The API lists the filled buckets with their bounds, and neither schema nor spans. A histogram that
//! gives the same list is found again: an exponential one where one schema has all the bounds, else
//! one of custom buckets. What the list does not tell stays at its default: empty buckets, the width
//! of an empty zero bucket, the reset hint.

use std::fmt;

use skopos_core::histogram::{CUSTOM_BUCKETS_SCHEMA, MAX_SCHEMA, MIN_SCHEMA, upper_bound};
use skopos_core::{FloatHistogram, Span};

use super::super::answer::{self, Histogram};

/// Why a list of buckets is no histogram's.
#[derive(Clone, Debug, PartialEq)]
pub(super) enum Refusal {
    /// This is no number.
    Number(String),
    /// The bucket does not lie above the one before, or not above itself.
    Order(String),
    /// No schema has this bucket beside the others.
    Schema(String),
}

impl fmt::Display for Refusal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a native histogram of the answer has ")?;
        match self {
            Self::Number(text) => write!(f, "{text:?} for a number"),
            Self::Order(bucket) => write!(f, "the bucket {bucket} out of order"),
            Self::Schema(bucket) => {
                write!(f, "the bucket {bucket}, which no schema has beside its other buckets")
            }
        }
    }
}

/// The histogram whose filled buckets are these.
pub(super) fn decode(histogram: &Histogram) -> Result<FloatHistogram, Refusal> {
    let buckets: Vec<Bucket> =
        histogram.buckets.iter().map(Bucket::read).collect::<Result<_, _>>()?;
    let decoded = exponential(&buckets).map_or_else(|| custom(&buckets), Ok)?;
    Ok(FloatHistogram { count: number(&histogram.count)?, sum: number(&histogram.sum)?, ..decoded })
}

/// A bucket of the list.
struct Bucket {
    bounds: Bounds,
    lower: f64,
    upper: f64,
    count: f64,
    /// As people write it.
    text: String,
}

/// Which bounds belong to a bucket.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Bounds {
    Both,
    Lower,
    None,
    Upper,
}

impl Bucket {
    fn read(bucket: &answer::Bucket) -> Result<Self, Refusal> {
        let bounds = match bucket.boundaries {
            0 => Bounds::Upper,
            1 => Bounds::Lower,
            2 => Bounds::None,
            3 => Bounds::Both,
            other => return Err(Refusal::Number(other.to_string())),
        };
        Ok(Self {
            bounds,
            lower: number(&bucket.lower)?,
            upper: number(&bucket.upper)?,
            count: number(&bucket.count)?,
            text: bucket.text(),
        })
    }

    /// Whether it can be a zero bucket: as wide on both sides, with both bounds.
    fn is_zero(&self) -> bool {
        self.bounds == Bounds::Both && self.lower == -self.upper && self.upper.is_finite()
    }

    /// The index of the bucket on its side under a schema, if the schema has it.
    fn index(&self, schema: i32) -> Option<i32> {
        let (inner, outer) = match self.bounds {
            Bounds::Lower => (-self.upper, -self.lower),
            Bounds::Upper => (self.lower, self.upper),
            Bounds::Both | Bounds::None => return None,
        };
        // Far below the least normal float bounds fall together: there is no telling which.
        if outer == 0.0 {
            return None;
        }
        // The one bucket beyond the greatest float counts as if it ended at the next power.
        let position = outer.log2().min(1024.0) * f64::from(schema).exp2();
        let near = position.round() as i32;
        let bound = |index| upper_bound(index, schema, &[]);
        (near - 1..=near + 1).find(|index| bound(*index) == outer && bound(index - 1) == inner)
    }
}

fn number(text: &str) -> Result<f64, Refusal> {
    text.parse().map_err(|_| Refusal::Number(text.to_owned()))
}

/// The histogram of the finest schema that has all the buckets, if one has.
///
/// More than one has them where there are but a zero bucket and those next to the ends of all floats.
fn exponential(buckets: &[Bucket]) -> Option<FloatHistogram> {
    (MIN_SCHEMA..=MAX_SCHEMA).rev().find_map(|schema| exponential_of(schema, buckets))
}

fn exponential_of(schema: i32, buckets: &[Bucket]) -> Option<FloatHistogram> {
    let negatives = buckets.iter().take_while(|bucket| bucket.bounds == Bounds::Lower).count();
    let (negative, rest) = buckets.split_at(negatives);
    let (zero, positive) = match rest.split_first() {
        Some((first, rest)) if first.is_zero() => (Some(first), rest),
        _ => (None, rest),
    };
    if positive.iter().any(|bucket| bucket.bounds != Bounds::Upper) {
        return None;
    }
    let (negative_spans, negative_buckets) = side(schema, negative.iter().rev())?;
    let (positive_spans, positive_buckets) = side(schema, positive.iter())?;
    Some(FloatHistogram {
        schema,
        zero_threshold: zero.map_or(0.0, |bucket| bucket.upper),
        zero_count: zero.map_or(0.0, |bucket| bucket.count),
        positive_spans,
        negative_spans,
        positive_buckets,
        negative_buckets,
        ..FloatHistogram::default()
    })
}

/// The spans and counts of one side's buckets, from zero outwards.
fn side<'a>(
    schema: i32,
    buckets: impl Iterator<Item = &'a Bucket>,
) -> Option<(Vec<Span>, Vec<f64>)> {
    let (mut spans, mut counts) = (Vec::<Span>::new(), Vec::new());
    let mut next = None;
    for bucket in buckets {
        let index = bucket.index(schema)?;
        let offset = index - next.unwrap_or(0);
        match spans.last_mut() {
            Some(_) if offset < 0 => return None,
            Some(span) if offset == 0 => span.length += 1,
            _ => spans.push(Span { offset, length: 1 }),
        }
        next = Some(index + 1);
        counts.push(bucket.count);
    }
    Some((spans, counts))
}

/// The histogram of custom buckets; where the list has a gap, it has an empty bucket.
fn custom(buckets: &[Bucket]) -> Result<FloatHistogram, Refusal> {
    let mut bounds: Vec<f64> = Vec::new();
    let mut counts = Vec::new();
    for bucket in buckets {
        let is_lowest = bucket.lower == f64::NEG_INFINITY && bucket.bounds == Bounds::Both;
        let fits = if is_lowest { counts.is_empty() } else { bucket.bounds == Bounds::Upper };
        if !fits {
            return Err(Refusal::Schema(bucket.text.clone()));
        }
        let last = bounds.last().copied();
        let above = last.is_none_or(|last| last <= bucket.lower) && last != Some(f64::INFINITY);
        let has_width = bucket.lower < bucket.upper || (is_lowest && bucket.upper == bucket.lower);
        if !(above && has_width) {
            return Err(Refusal::Order(bucket.text.clone()));
        }
        if !is_lowest && last != Some(bucket.lower) {
            bounds.push(bucket.lower);
            counts.push(0.0);
        }
        bounds.push(bucket.upper);
        counts.push(bucket.count);
    }
    // Beyond the last bound there is a bucket in any case.
    bounds.pop_if(|bound| *bound == f64::INFINITY);
    Ok(FloatHistogram {
        schema: CUSTOM_BUCKETS_SCHEMA,
        positive_spans: vec![Span { offset: 0, length: counts.len() as u32 }],
        positive_buckets: counts,
        custom_values: bounds.into(),
        ..FloatHistogram::default()
    })
}

#[cfg(test)]
mod tests;
