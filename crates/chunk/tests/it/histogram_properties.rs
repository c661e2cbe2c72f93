//! Round trips of histograms, and bytes that nobody encoded.

use std::sync::Arc;

use proptest::prelude::*;
use skopos_chunk::{HistogramDecoder, HistogramEncoder, NativeHistogram, Outcome};
use skopos_core::{
    Columns, FloatHistogram, Histogram, ResetHint, STALE_NAN_BITS, Span, TimeRange, Timestamp,
};

/// Spans of such buckets, which ascend.
fn spans(indices: &[i32]) -> Vec<Span> {
    let mut spans: Vec<Span> = Vec::new();
    let mut next = 0;
    for index in indices {
        match spans.last_mut() {
            Some(last) if *index == next => last.length += 1,
            _ => spans.push(Span { offset: index - next, length: 1 }),
        }
        next = index + 1;
    }
    spans
}

/// Any integer, mostly a small one.
fn number() -> impl Strategy<Value = i64> {
    (any::<i64>(), prop_oneof![4 => 50_u32..64, 1 => 0_u32..64]).prop_map(|(v, by)| v >> by)
}

/// Buckets of one side.
fn side() -> impl Strategy<Value = Vec<(i32, i64)>> {
    prop::collection::btree_map(-20_i32..20, number(), 0..12).prop_map(|m| m.into_iter().collect())
}

fn hint() -> impl Strategy<Value = ResetHint> {
    prop_oneof![
        6 => Just(ResetHint::Unknown),
        2 => Just(ResetHint::NotReset),
        1 => Just(ResetHint::Reset),
        2 => Just(ResetHint::Gauge),
    ]
}

/// Any bits of a float, mostly of an ordinary one.
fn value() -> impl Strategy<Value = f64> {
    prop_oneof![
        4 => (any::<i32>(), 0_u8..4).prop_map(|(v, d)| f64::from(v) / 10_f64.powi(i32::from(d))),
        2 => any::<u64>().prop_map(f64::from_bits),
        1 => Just(f64::from_bits(STALE_NAN_BITS)),
    ]
}

fn histogram() -> impl Strategy<Value = Histogram> {
    let schema = prop_oneof![3 => Just(1), 1 => -4..9, 2 => Just(-53)];
    let bounds = prop_oneof![Just(vec![0.1, 0.25, 1.0]), prop::collection::vec(value(), 0..5),];
    let threshold = prop_oneof![Just(0.0), Just(0.001), value().prop_map(f64::abs)];
    (hint(), schema, threshold, number(), number(), value(), side(), side(), bounds).prop_map(
        |(reset_hint, schema, zero_threshold, zero, count, sum, positive, negative, bounds)| {
            let indices = |side: &[(i32, i64)]| side.iter().map(|b| b.0).collect::<Vec<_>>();
            let counts = |side: &[(i32, i64)]| side.iter().map(|b| b.1).collect::<Vec<_>>();
            Histogram {
                reset_hint,
                schema,
                zero_threshold,
                zero_count: zero.cast_unsigned(),
                count: count.cast_unsigned(),
                sum,
                positive_spans: spans(&indices(&positive)),
                negative_spans: spans(&indices(&negative)),
                positive_buckets: counts(&positive),
                negative_buckets: counts(&negative),
                custom_values: if schema == -53 { bounds.into() } else { Arc::from([]) },
            }
        },
    )
}

/// Start, time and histogram: any of them, or the same with other counts, or a counter that grows.
fn samples() -> impl Strategy<Value = Vec<(i64, i64, Histogram)>> {
    let change = prop_oneof![
        2 => histogram().prop_map(Some),
        5 => Just(None),
    ];
    let start = prop_oneof![4 => Just(0_i64), 2 => Just(7_000), 1 => any::<i64>()];
    let step = (change, start, number(), prop::collection::vec(0_i64..40, 24));
    (histogram(), any::<i64>(), prop::collection::vec(step, 1..25)).prop_map(
        |(mut last, mut t, steps)| {
            let next = |(change, start, step, more): (Option<Histogram>, i64, i64, Vec<i64>)| {
                t = t.wrapping_add(step);
                match change {
                    Some(changed) => last = changed,
                    None => grow(&mut last, &more),
                }
                (start, t, last.clone())
            };
            steps.into_iter().map(next).collect()
        },
    )
}

/// Adds observations to the buckets.
fn grow(histogram: &mut Histogram, more: &[i64]) {
    let mut before = 0;
    for (bucket, more) in histogram.positive_buckets.iter_mut().zip(more) {
        *bucket = bucket.wrapping_add(more.wrapping_sub(before));
        before = *more;
        histogram.count = histogram.count.wrapping_add_signed(*more);
    }
    histogram.sum += 0.25;
}

/// A float histogram with some of the bits of an integer one.
fn to_float(h: &Histogram) -> FloatHistogram {
    let bits = |v: &i64| f64::from_bits(v.cast_unsigned().rotate_right(12));
    FloatHistogram {
        positive_buckets: h.positive_buckets.iter().map(bits).collect(),
        ..h.to_float()
    }
}

/// What a histogram says, however its buckets are written: the empty ones are left out.
fn meaning(h: &FloatHistogram) -> String {
    if h.sum.to_bits() == STALE_NAN_BITS {
        return "stale".into();
    }
    let side = |spans: &[Span], buckets: &[f64]| {
        let indices = spans.iter().scan(0_i64, |end, span| {
            let start = *end + i64::from(span.offset);
            *end = start + i64::from(span.length);
            Some(start..*end)
        });
        let pairs = indices.flatten().zip(buckets).filter(|(_, count)| **count != 0.0);
        pairs.map(|(index, count)| (index, count.to_bits())).collect::<Vec<_>>()
    };
    let fields = [h.zero_threshold, h.zero_count, h.count, h.sum].map(f64::to_bits);
    let bounds: Vec<_> = h.custom_values.iter().map(|bound| bound.to_bits()).collect();
    format!(
        "{} {fields:?} {bounds:?} {:?} {:?}",
        h.schema,
        side(&h.positive_spans, &h.positive_buckets),
        side(&h.negative_spans, &h.negative_buckets),
    )
}

fn decoder<H: NativeHistogram>(chunk: &[u8], started: bool) -> HistogramDecoder<'_, H> {
    if started { HistogramDecoder::with_starts(chunk) } else { HistogramDecoder::new(chunk) }
        .unwrap()
}

/// The samples of a chunk in both ways, which must agree; and whether there was an error.
fn decode<H: NativeHistogram>(
    chunk: &[u8],
    started: bool,
) -> (Vec<(i64, i64, FloatHistogram)>, bool) {
    let mut singly = Vec::new();
    let mut walk = decoder::<H>(chunk, started);
    let error = loop {
        match walk.next_sample() {
            Ok(Some(s)) => singly.push((s.start(), s.time(), s.float_histogram())),
            Ok(None) => break None,
            Err(error) => break Some(error),
        }
    };
    let mut columns = Columns::new();
    let result = decoder::<H>(chunk, started).read_all(&mut columns);
    assert_eq!(result.err(), error);
    if let Some(error) = &error {
        assert_eq!(error.sound_samples(), singly.len());
    }
    assert_eq!(columns.histogram_timestamps.len(), singly.len());
    let starts = columns.histogram_start_timestamps;
    assert!(starts.is_empty() || starts.len() == singly.len());
    for (i, (start, t, histogram)) in singly.iter().enumerate() {
        assert_eq!(*start, starts.get(i).copied().unwrap_or(0));
        assert_eq!(*t, columns.histogram_timestamps[i]);
        assert_eq!(*histogram, columns.histograms[i]);
        assert_eq!(histogram.reset_hint, columns.histograms[i].reset_hint);
    }
    (singly, error.is_some())
}

/// Pushes samples and gives the chunks.
fn encode<H: NativeHistogram>(samples: &[(i64, i64, H)], started: bool) -> Vec<Vec<u8>> {
    let mut encoder =
        if started { HistogramEncoder::with_starts() } else { HistogramEncoder::new() };
    let mut chunks = Vec::new();
    for (start, t, histogram) in samples {
        if let Outcome::NewChunk(chunk) = encoder.push_started(*start, *t, histogram).unwrap() {
            chunks.push(chunk);
        }
    }
    chunks.extend(encoder.cut());
    chunks
}

/// Encodes, decodes and compares; then does so once more behind a reopened first chunk.
fn check<H: NativeHistogram>(
    samples: &[(i64, i64, H)],
    float: impl Fn(&H) -> FloatHistogram,
    started: bool,
) {
    let chunks = encode(samples, started);
    let decoded: Vec<_> = chunks.iter().flat_map(|chunk| decode::<H>(chunk, started).0).collect();
    assert_eq!(decoded.len(), samples.len());
    for ((start, t, histogram), found) in samples.iter().zip(&decoded) {
        assert_eq!((if started { *start } else { 0 }, *t), (found.0, found.1));
        assert_eq!(meaning(&float(histogram)), meaning(&found.2));
    }
    let n = decoder::<H>(&chunks[0], started).len();
    let mut reopened = if started {
        HistogramEncoder::<H>::reopen_with_starts(&chunks[0]).unwrap()
    } else {
        HistogramEncoder::<H>::reopen(&chunks[0]).unwrap()
    };
    assert_eq!(reopened.bytes(), chunks[0]);
    let mut parts = Vec::new();
    for (start, t, histogram) in &samples[n..] {
        if let Outcome::NewChunk(chunk) = reopened.push_started(*start, *t, histogram).unwrap() {
            parts.push(chunk);
        }
    }
    parts.extend(reopened.cut());
    assert_eq!(parts, chunks);
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(200))]

    #[test]
    fn integer_histograms_come_back(samples in samples(), started in any::<bool>()) {
        check(&samples, Histogram::to_float, started);
    }

    #[test]
    fn float_histograms_come_back(samples in samples(), started in any::<bool>()) {
        let samples: Vec<_> = samples.iter().map(|(s, t, h)| (*s, *t, to_float(h))).collect();
        check(&samples, FloatHistogram::clone, started);
    }

    /// Gauges of the same buckets share a chunk whatever their counts, and come back to the bit.
    #[test]
    fn gauges_of_one_layout_come_back_to_the_bit(
        layout in histogram(),
        counts in prop::collection::vec((any::<u64>(), any::<u64>(), prop::collection::vec(any::<u64>(), 24)), 1..20),
    ) {
        let samples: Vec<_> = counts.into_iter().enumerate().map(|(t, (count, sum, buckets))| {
            let (n, m) = (layout.positive_buckets.len(), layout.negative_buckets.len());
            let histogram = FloatHistogram {
                reset_hint: ResetHint::Gauge,
                count: f64::from_bits(count),
                zero_count: f64::from_bits(sum.rotate_left(7)),
                sum: f64::from_bits(sum),
                positive_buckets: buckets.iter().take(n).map(|b| f64::from_bits(*b)).collect(),
                negative_buckets: buckets.iter().skip(n).take(m).map(|b| f64::from_bits(*b)).collect(),
                ..layout.to_float()
            };
            (0, t as i64, histogram)
        }).collect();
        prop_assume!(samples.iter().all(|s| s.2.sum.to_bits() != STALE_NAN_BITS));
        let chunks = encode(&samples, false);
        if layout.zero_threshold.is_nan() {
            // A threshold that is no number is another one each time, as in Prometheus.
            prop_assert_eq!(chunks.len(), samples.len());
        } else {
            prop_assert_eq!(chunks.len(), 1);
            prop_assert_eq!(decode::<FloatHistogram>(&chunks[0], false).0, samples);
        }
    }

    #[test]
    fn damaged_bytes_decode_alike_in_every_way(
        samples in samples(),
        started in any::<bool>(),
        flips in prop::collection::vec((any::<prop::sample::Index>(), any::<u8>()), 0..6),
        cut in any::<prop::sample::Index>(),
    ) {
        let mut chunk = encode(&samples, started).swap_remove(0);
        for (at, mask) in flips {
            let at = at.index(chunk.len());
            chunk[at] ^= mask;
        }
        chunk.truncate(3 + cut.index(chunk.len() - 2));
        decode::<Histogram>(&chunk, started);
        decode::<FloatHistogram>(&chunk, started);
        if let Ok(mut encoder) = HistogramEncoder::<Histogram>::reopen(&chunk) {
            // Whatever was read can be gone on from.
            let _ = encoder.push(0, &samples[0].2);
            decode::<Histogram>(encoder.bytes(), false);
        }
    }

    #[test]
    fn a_range_gives_the_samples_in_it(
        steps in prop::collection::vec(1_i64..100, 1..40),
        ends in (0_i64..4_000, 0_i64..4_000),
    ) {
        let times: Vec<i64> = steps.iter().scan(0, |t, step| { *t += step; Some(*t) }).collect();
        let samples: Vec<_> = times.iter().map(|t| (5, *t, Histogram::default())).collect();
        let chunk = encode(&samples, true).swap_remove(0);
        let range = TimeRange::new(Timestamp::from_millis(ends.0), Timestamp::from_millis(ends.1));
        let mut columns = Columns::new();
        decoder::<Histogram>(&chunk, true).read_range(range, &mut columns).unwrap();
        let inside = |t: &i64| range.contains(Timestamp::from_millis(*t));
        let expected: Vec<_> = times.iter().copied().filter(inside).collect();
        prop_assert_eq!(columns.histogram_start_timestamps.len(), expected.len());
        prop_assert_eq!(columns.histogram_timestamps, expected);
        let mut decoder = decoder::<Histogram>(&chunk, true);
        let found = decoder.seek(ends.0).unwrap().map(|sample| sample.time());
        prop_assert_eq!(found, times.into_iter().find(|t| ends.0 <= *t));
    }
}
