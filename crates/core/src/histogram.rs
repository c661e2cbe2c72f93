//! Native histograms: sparse buckets of exponentially growing or custom width.
//!
//! The values only, with what everybody needs of them (buckets with bounds, conversion, printing).
//! Arithmetic on them belongs to a query engine.

use alloc::string::String;
use alloc::sync::Arc;
use alloc::vec::Vec;
use core::fmt;

use crate::error::{Error, ErrorKind};
use crate::text::{FloatStyle, write_float};

mod bounds;
mod bucket;
#[cfg(test)]
mod tests;

pub use self::bucket::{Bucket, Buckets, upper_bound};

/// The schema of histograms whose bounds are listed instead of computed.
pub const CUSTOM_BUCKETS_SCHEMA: i32 = -53;
/// The coarsest exponential schema: each bound is 2^16 times the one before.
pub const MIN_SCHEMA: i32 = -4;
/// The finest exponential schema: each bound is 2^(1/256) times the one before.
pub const MAX_SCHEMA: i32 = 8;

/// What is known of a counter reset between a histogram and the one before it in its series.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
#[expect(clippy::exhaustive_enums, reason = "two bits of the chunk format hold these four")]
pub enum ResetHint {
    /// It is a gauge: there are no resets.
    Gauge,
    /// No reset happened.
    NotReset,
    /// A reset happened.
    Reset,
    /// Somebody has to compare.
    #[default]
    Unknown,
}

/// A run of consecutive buckets.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
#[expect(clippy::exhaustive_structs, reason = "a span is these two, on the wire and on disk")]
pub struct Span {
    /// How many absent buckets lie before the run; for the first span, the index of its first bucket.
    pub offset: i32,
    /// How many buckets the run has.
    pub length: u32,
}

/// A native histogram that counts in integers, as exposers send it.
///
/// Buckets are deltas to the bucket before; see [`to_float`](Self::to_float).
#[derive(Clone, Debug, Default)]
#[expect(clippy::exhaustive_structs, reason = "the wire format fixes the fields")]
pub struct Histogram {
    /// What is known of a reset before this histogram.
    pub reset_hint: ResetHint,
    /// The resolution: [`MIN_SCHEMA`] to [`MAX_SCHEMA`], or [`CUSTOM_BUCKETS_SCHEMA`].
    pub schema: i32,
    /// Observations of at most this magnitude are in the zero bucket.
    pub zero_threshold: f64,
    /// The number of observations in the zero bucket.
    pub zero_count: u64,
    /// The number of observations.
    pub count: u64,
    /// The sum of observations; a staleness marker makes the whole histogram one.
    pub sum: f64,
    /// Where the positive buckets lie.
    pub positive_spans: Vec<Span>,
    /// Where the negative buckets lie.
    pub negative_spans: Vec<Span>,
    /// The positive buckets' counts, each as the difference to the one before.
    pub positive_buckets: Vec<i64>,
    /// The negative buckets' counts, each as the difference to the one before.
    pub negative_buckets: Vec<i64>,
    /// The upper bounds of custom buckets, without the infinite one; empty for exponential schemas.
    pub custom_values: Arc<[f64]>,
}

/// A native histogram that counts in floats, as queries compute with it.
///
/// ```
/// use skopos_core::{FloatHistogram, Span};
///
/// let histogram = FloatHistogram {
///     count: 3.0,
///     sum: 4.5,
///     positive_spans: vec![Span { offset: 0, length: 2 }],
///     positive_buckets: vec![1.0, 2.0],
///     ..FloatHistogram::default()
/// };
/// assert_eq!(histogram.to_string(), "{count:3, sum:4.5, (0.5,1]:1, (1,2]:2}");
/// ```
#[derive(Clone, Debug, Default)]
#[expect(clippy::exhaustive_structs, reason = "the wire format fixes the fields")]
pub struct FloatHistogram {
    /// What is known of a reset before this histogram.
    pub reset_hint: ResetHint,
    /// The resolution: [`MIN_SCHEMA`] to [`MAX_SCHEMA`], or [`CUSTOM_BUCKETS_SCHEMA`].
    pub schema: i32,
    /// Observations of at most this magnitude are in the zero bucket.
    pub zero_threshold: f64,
    /// The number of observations in the zero bucket.
    pub zero_count: f64,
    /// The number of observations.
    pub count: f64,
    /// The sum of observations; a staleness marker makes the whole histogram one.
    pub sum: f64,
    /// Where the positive buckets lie.
    pub positive_spans: Vec<Span>,
    /// Where the negative buckets lie.
    pub negative_spans: Vec<Span>,
    /// The positive buckets' counts.
    pub positive_buckets: Vec<f64>,
    /// The negative buckets' counts.
    pub negative_buckets: Vec<f64>,
    /// The upper bounds of custom buckets, without the infinite one; empty for exponential schemas.
    pub custom_values: Arc<[f64]>,
}

impl Histogram {
    /// The same histogram with float counts.
    #[must_use]
    pub fn to_float(&self) -> FloatHistogram {
        FloatHistogram {
            reset_hint: self.reset_hint,
            schema: self.schema,
            zero_threshold: self.zero_threshold,
            zero_count: self.zero_count as f64,
            count: self.count as f64,
            sum: self.sum,
            positive_spans: self.positive_spans.clone(),
            negative_spans: self.negative_spans.clone(),
            positive_buckets: absolute(&self.positive_buckets),
            negative_buckets: absolute(&self.negative_buckets),
            custom_values: Arc::clone(&self.custom_values),
        }
    }

    /// Checks what no histogram of an honest exposer violates.
    ///
    /// # Errors
    ///
    /// `Invalid` for an unknown schema, spans that do not fit the buckets, negative counts, or
    /// buckets that hold more than the count.
    pub fn validate(&self) -> Result<(), Error> {
        let layout = Layout {
            schema: self.schema,
            custom_values: &self.custom_values,
            zero_threshold: self.zero_threshold,
            has_zero_count: self.zero_count != 0,
            negative_spans: &self.negative_spans,
        };
        layout.validate()?;
        let positive = integer_total("positive", &self.positive_spans, &self.positive_buckets)?;
        let negative = integer_total("negative", &self.negative_spans, &self.negative_buckets)?;
        let observed = positive.checked_add(negative).and_then(|n| n.checked_add(self.zero_count));
        match observed {
            // NaN observations count, but are in no bucket.
            Some(n) if self.sum.is_nan() && n <= self.count => Ok(()),
            Some(n) if !self.sum.is_nan() && n == self.count => Ok(()),
            _ => Err(invalid(alloc::format!(
                "the buckets' observations do not match the histogram's count of {}",
                self.count
            ))),
        }
    }
}

impl FloatHistogram {
    /// Whether the buckets' bounds are listed instead of computed.
    #[must_use]
    pub fn uses_custom_buckets(&self) -> bool {
        self.schema == CUSTOM_BUCKETS_SCHEMA
    }

    /// The positive buckets in ascending order, empty ones within spans included.
    pub fn positive(&self) -> Buckets<'_> {
        Buckets::positive(self)
    }

    /// The negative buckets from zero downwards, empty ones within spans included.
    pub fn negative(&self) -> Buckets<'_> {
        Buckets::negative(self)
    }

    /// The zero bucket; without width for custom buckets, which have none.
    #[must_use]
    pub fn zero(&self) -> Bucket {
        Bucket {
            lower: -self.zero_threshold,
            upper: self.zero_threshold,
            lower_inclusive: true,
            upper_inclusive: true,
            count: self.zero_count,
            index: 0,
        }
    }

    /// All buckets that hold something, from the most negative to the most positive.
    #[must_use]
    pub fn filled(&self) -> Vec<Bucket> {
        let mut buckets: Vec<Bucket> = self.negative().filter(|b| b.count != 0.0).collect();
        buckets.reverse();
        buckets.extend(Some(self.zero()).filter(|b| b.count != 0.0));
        buckets.extend(self.positive().filter(|b| b.count != 0.0));
        buckets
    }

    /// Checks what no histogram of an honest exposer violates.
    ///
    /// # Errors
    ///
    /// `Invalid` for an unknown schema, spans that do not fit the buckets, or negative counts.
    pub fn validate(&self) -> Result<(), Error> {
        let layout = Layout {
            schema: self.schema,
            custom_values: &self.custom_values,
            zero_threshold: self.zero_threshold,
            has_zero_count: self.zero_count != 0.0,
            negative_spans: &self.negative_spans,
        };
        layout.validate()?;
        check_spans("positive", &self.positive_spans, self.positive_buckets.len())?;
        check_spans("negative", &self.negative_spans, self.negative_buckets.len())?;
        let counts = [self.count, self.zero_count];
        let mut all = counts.iter().chain(&self.positive_buckets).chain(&self.negative_buckets);
        match all.find(|count| **count < 0.0) {
            Some(count) => Err(invalid(alloc::format!("histogram has a negative count: {count}"))),
            None => Ok(()),
        }
    }
}

/// What both kinds of histograms share of validation.
struct Layout<'a> {
    schema: i32,
    custom_values: &'a [f64],
    zero_threshold: f64,
    has_zero_count: bool,
    negative_spans: &'a [Span],
}

impl Layout<'_> {
    fn validate(&self) -> Result<(), Error> {
        match self.schema {
            CUSTOM_BUCKETS_SCHEMA => self.validate_custom(),
            MIN_SCHEMA..=MAX_SCHEMA if self.custom_values.is_empty() => Ok(()),
            MIN_SCHEMA..=MAX_SCHEMA => {
                Err(invalid("histogram with an exponential schema must not have custom bounds"))
            }
            schema => Err(invalid(alloc::format!(
                "histogram schema {schema} is neither {CUSTOM_BUCKETS_SCHEMA} \
                 nor within {MIN_SCHEMA} to {MAX_SCHEMA}"
            ))),
        }
    }

    fn validate_custom(&self) -> Result<(), Error> {
        if self.has_zero_count || self.zero_threshold != 0.0 {
            return Err(invalid("histogram with custom buckets must not have a zero bucket"));
        }
        if !self.negative_spans.is_empty() {
            return Err(invalid("histogram with custom buckets must not have negative buckets"));
        }
        let ascending = self.custom_values.windows(2).all(|pair| pair[0] < pair[1]);
        if !ascending
            || self.custom_values.iter().any(|bound| bound.is_nan() || *bound == f64::INFINITY)
        {
            return Err(invalid("custom bucket bounds must be finite and strictly ascending"));
        }
        Ok(())
    }
}

fn check_spans(side: &str, spans: &[Span], buckets: usize) -> Result<(), Error> {
    if spans.iter().skip(1).any(|span| span.offset < 0) {
        return Err(invalid(alloc::format!("histogram has a {side} span with a negative offset")));
    }
    let spanned: u64 = spans.iter().map(|span| u64::from(span.length)).sum();
    if usize::try_from(spanned) != Ok(buckets) {
        return Err(invalid(alloc::format!(
            "{side} spans cover {spanned} buckets, but the histogram has {buckets}"
        )));
    }
    Ok(())
}

fn integer_total(side: &str, spans: &[Span], deltas: &[i64]) -> Result<u64, Error> {
    check_spans(side, spans, deltas.len())?;
    let (mut count, mut total) = (0_i64, 0_u64);
    for delta in deltas {
        count = count
            .checked_add(*delta)
            .filter(|n| 0 <= *n)
            .ok_or_else(|| invalid(alloc::format!("histogram has a negative {side} bucket")))?;
        total = total
            .checked_add(count.unsigned_abs())
            .ok_or_else(|| invalid(alloc::format!("histogram's {side} buckets overflow")))?;
    }
    Ok(total)
}

#[cold]
fn invalid(message: impl Into<String>) -> Error {
    Error::new(ErrorKind::Invalid, message)
}

fn absolute(deltas: &[i64]) -> Vec<f64> {
    let mut count = 0_i64;
    deltas
        .iter()
        .map(|delta| {
            count = count.wrapping_add(*delta);
            count as f64
        })
        .collect()
}

/// Equality of bits (markers and NaN payloads are told apart), the reset hint left aside; buckets
/// and spans must have the same layout.
impl PartialEq for FloatHistogram {
    fn eq(&self, other: &Self) -> bool {
        self.schema == other.schema
            && same_bits(
                &[self.zero_threshold, self.zero_count, self.count, self.sum],
                &[other.zero_threshold, other.zero_count, other.count, other.sum],
            )
            && self.positive_spans == other.positive_spans
            && self.negative_spans == other.negative_spans
            && same_bits(&self.positive_buckets, &other.positive_buckets)
            && same_bits(&self.negative_buckets, &other.negative_buckets)
            && same_bits(&self.custom_values, &other.custom_values)
    }
}

/// As for [`FloatHistogram`].
impl PartialEq for Histogram {
    fn eq(&self, other: &Self) -> bool {
        self.schema == other.schema
            && same_bits(&[self.zero_threshold, self.sum], &[other.zero_threshold, other.sum])
            && self.zero_count == other.zero_count
            && self.count == other.count
            && self.positive_spans == other.positive_spans
            && self.negative_spans == other.negative_spans
            && self.positive_buckets == other.positive_buckets
            && self.negative_buckets == other.negative_buckets
            && same_bits(&self.custom_values, &other.custom_values)
    }
}

fn same_bits(a: &[f64], b: &[f64]) -> bool {
    a.len() == b.len() && a.iter().zip(b).all(|(x, y)| x.to_bits() == y.to_bits())
}

/// `{count:C, sum:S, [l,u]:c, …}` with the filled buckets in ascending order, as Prometheus prints.
impl fmt::Display for FloatHistogram {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut out = String::from("{count:");
        write_float(&mut out, self.count, FloatStyle::General);
        out.push_str(", sum:");
        write_float(&mut out, self.sum, FloatStyle::General);
        for bucket in self.filled() {
            out.push_str(", ");
            bucket.write(&mut out);
        }
        out.push('}');
        f.write_str(&out)
    }
}
