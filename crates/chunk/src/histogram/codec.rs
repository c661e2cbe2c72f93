//! Histogram chunks behind the interface of all encodings.

use alloc::vec::Vec;
use core::ops::Range;

use skopos_core::{
    Columns, FloatHistogram, Histogram, STALE_NAN_BITS, TimeRange, Timestamp, stale_nan,
};

use crate::codec::Codec;
use crate::encoding::Encoding;
use crate::error::{Error, ErrorKind, Problem};
use crate::histogram::{HistogramDecoder, HistogramEncoder, NativeHistogram, Outcome};

macro_rules! codecs {
    ($($(#[$doc:meta])* $codec:ident: $encoding:ident of $histogram:ty,)*) => {$(
        $(#[$doc])*
        #[derive(Clone, Copy, Debug, Default)]
        #[non_exhaustive]
        pub struct $codec;

        impl $codec {
            fn decoder(chunk: &[u8]) -> Result<HistogramDecoder<'_, $histogram>, Error> {
                match Encoding::$encoding.has_start_times() {
                    true => HistogramDecoder::with_starts(chunk),
                    false => HistogramDecoder::new(chunk),
                }
            }
        }

        impl Codec for $codec {
            fn encoding(&self) -> Encoding {
                Encoding::$encoding
            }

            fn count(&self, chunk: &[u8]) -> Result<usize, Error> {
                Ok(Self::decoder(chunk)?.len())
            }

            fn encode(
                &self,
                columns: &Columns,
                samples: Range<usize>,
                chunk: &mut Vec<u8>,
            ) -> Result<usize, Error> {
                let encoder = match Encoding::$encoding.has_start_times() {
                    true => HistogramEncoder::with_starts(),
                    false => HistogramEncoder::new(),
                };
                encode::<$histogram>(encoder, columns, samples, chunk)
            }

            fn decode(&self, chunk: &[u8], columns: &mut Columns) -> Result<(), Error> {
                Self::decoder(chunk)?.read_all(columns)
            }

            fn time_range(&self, chunk: &[u8]) -> Result<Option<TimeRange>, Error> {
                time_range(Self::decoder(chunk)?)
            }

            fn read(
                &self,
                chunk: &[u8],
                range: TimeRange,
                columns: &mut Columns,
            ) -> Result<(), Error> {
                Self::decoder(chunk)?.read_range(range, columns)
            }
        }
    )*};
}

codecs! {
    /// The codec of chunks of histograms that count in integers.
    ///
    /// ```
    /// use skopos_chunk::{Codec as _, HistogramCodec};
    /// use skopos_core::{Columns, FloatHistogram};
    ///
    /// let mut columns = Columns::new();
    /// columns.push_histogram(1_000, FloatHistogram { count: 7.0, ..FloatHistogram::default() });
    /// let mut chunk = Vec::new();
    /// assert_eq!(HistogramCodec::default().encode(&columns, 0..1, &mut chunk)?, 1);
    /// columns.histograms[0].count = 7.5;
    /// assert!(HistogramCodec::default().encode(&columns, 0..1, &mut chunk).is_err());
    /// # Ok::<(), skopos_chunk::Error>(())
    /// ```
    HistogramCodec: Histogram of Histogram,
    /// The codec of chunks of histograms that count in floats.
    FloatHistogramCodec: FloatHistogram of FloatHistogram,
    /// The codec of chunks of histograms that count in integers, with start timestamps.
    HistogramStCodec: HistogramSt of Histogram,
    /// The codec of chunks of histograms that count in floats, with start timestamps.
    FloatHistogramStCodec: FloatHistogramSt of FloatHistogram,
}

/// A histogram that can be had from the float histograms of columns.
trait FromColumns: NativeHistogram {
    /// The histogram with these counts; `None` if it cannot count so.
    fn from_columns(histogram: &FloatHistogram) -> Option<Self>;
}

impl FromColumns for FloatHistogram {
    fn from_columns(histogram: &FloatHistogram) -> Option<Self> {
        Some(histogram.clone())
    }
}

impl FromColumns for Histogram {
    fn from_columns(histogram: &FloatHistogram) -> Option<Self> {
        if histogram.sum.to_bits() == STALE_NAN_BITS {
            return Some(Self { sum: stale_nan(), ..Self::default() });
        }
        Some(Self {
            reset_hint: histogram.reset_hint,
            schema: histogram.schema,
            zero_threshold: histogram.zero_threshold,
            zero_count: whole(histogram.zero_count)?,
            count: whole(histogram.count)?,
            sum: histogram.sum,
            positive_spans: histogram.positive_spans.clone(),
            negative_spans: histogram.negative_spans.clone(),
            positive_buckets: deltas(&histogram.positive_buckets)?,
            negative_buckets: deltas(&histogram.negative_buckets)?,
            custom_values: histogram.custom_values.clone(),
        })
    }
}

/// The number of observations that a float is exactly.
fn whole(count: f64) -> Option<u64> {
    let n = count as u64;
    (n as f64 == count && n < u64::MAX).then_some(n)
}

fn deltas(counts: &[f64]) -> Option<Vec<i64>> {
    let mut before = 0;
    let delta = |count: &f64| {
        let n = i64::try_from(whole(*count)?).ok()?;
        Some(n - core::mem::replace(&mut before, n))
    };
    counts.iter().map(delta).collect()
}

fn encode<H: FromColumns>(
    mut encoder: HistogramEncoder<H>,
    columns: &Columns,
    samples: Range<usize>,
    chunk: &mut Vec<u8>,
) -> Result<usize, Error> {
    let ts = columns.histogram_timestamps.get(samples.clone());
    let histograms = columns.histograms.get(samples.clone());
    let len = columns.histogram_timestamps.len();
    let missing = Error::new(Problem::NoSuchSamples { end: samples.end, len }, 0);
    let (ts, histograms) = ts.zip(histograms).ok_or(missing)?;
    let starts = columns.histogram_start_timestamps.get(samples).unwrap_or_default();
    let starts = starts.iter().copied().chain(core::iter::repeat(0));
    let mut taken = 0;
    for ((t, histogram), start) in ts.iter().zip(histograms).zip(starts) {
        let fractional = || Error::new(Problem::FractionToWrite { number: taken + 1 }, 0);
        let histogram = H::from_columns(histogram).ok_or_else(fractional)?;
        match encoder.push_started(start, *t, &histogram) {
            Ok(Outcome::NewChunk(whole)) => {
                chunk.extend_from_slice(&whole);
                return Ok(taken);
            }
            Ok(_) => taken += 1,
            Err(error) if error.kind() == ErrorKind::Full => break,
            Err(error) => return Err(error),
        }
    }
    chunk.extend_from_slice(encoder.bytes());
    Ok(taken)
}

fn time_range<H: NativeHistogram>(
    mut decoder: HistogramDecoder<'_, H>,
) -> Result<Option<TimeRange>, Error> {
    let mut ends: Option<(i64, i64)> = None;
    while let Some(sample) = decoder.next_sample()? {
        let t = sample.time();
        ends = Some(ends.map_or((t, t), |(min, max)| (min.min(t), max.max(t))));
    }
    Ok(ends
        .map(|(min, max)| TimeRange::new(Timestamp::from_millis(min), Timestamp::from_millis(max))))
}
