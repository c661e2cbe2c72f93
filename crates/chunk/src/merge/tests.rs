//! Merging against a map from times to samples.
#![expect(
    clippy::arithmetic_side_effects,
    clippy::indexing_slicing,
    reason = "small numbers, and a test may fail"
)]

use alloc::collections::BTreeMap;
use alloc::vec;
use alloc::vec::Vec;

use proptest::prelude::*;
use skopos_core::{Columns, Histogram, ResetHint, Span};

use super::*;
use crate::codec::codec;
use crate::error::ErrorKind;
use crate::histogram::{HistogramDecoder, HistogramEncoder};

fn range(start: i64, end: i64) -> TimeRange {
    TimeRange::new(Timestamp::from_millis(start), Timestamp::from_millis(end))
}

fn xor(samples: &[(i64, f64)]) -> Chunk<'static> {
    let mut columns = Columns::new();
    for (t, v) in samples {
        columns.push(*t, *v);
    }
    let mut bytes = Vec::new();
    codec(Encoding::Xor).unwrap().encode(&columns, 0..samples.len(), &mut bytes).unwrap();
    Chunk::new(Encoding::Xor, range(samples[0].0, samples[samples.len() - 1].0), bytes)
}

/// The samples of chunks, which must not overlap and must keep to their ranges.
fn samples(chunks: &[Chunk<'_>]) -> Vec<(i64, u64)> {
    let mut columns = Columns::new();
    for chunk in chunks {
        let before = columns.len();
        codec(chunk.encoding).unwrap().read(&chunk.bytes, TimeRange::ALL, &mut columns).unwrap();
        let times = &columns.timestamps[before..];
        assert_eq!(chunk.range, range(times[0], times[times.len() - 1]));
    }
    assert!(columns.timestamps.is_sorted_by(|a, b| a < b));
    columns.timestamps.into_iter().zip(columns.values.iter().map(|v| v.to_bits())).collect()
}

#[test]
fn chunks_apart_are_passed_on_and_sorted() {
    let (a, b, c) = (xor(&[(1, 1.0), (2, 2.0)]), xor(&[(3, 3.0)]), xor(&[(9, 9.0), (20, 2.0)]));
    let merged = merge([c.clone(), a.clone(), b.clone()]).unwrap();
    assert_eq!(merged, [a, b, c]);
    assert_eq!(merge([]).unwrap(), []);
}

#[test]
fn bytes_of_chunks_apart_are_not_looked_at() {
    let odd = Chunk::new(Encoding::Xor, range(5, 6), vec![1]);
    assert_eq!(merge([odd.clone(), xor(&[(1, 1.0)])]).unwrap()[1], odd);
}

#[test]
fn the_same_chunk_twice_is_one() {
    let chunk = xor(&[(1, 1.0), (5, 2.0)]);
    assert_eq!(merge([chunk.clone(), chunk.clone(), chunk.clone()]).unwrap(), [chunk]);
}

#[test]
fn of_two_samples_the_one_given_first_remains() {
    let (early, late) = (xor(&[(1, 1.0), (5, 2.0)]), xor(&[(5, 7.0), (6, 8.0)]));
    let bits = |values: [(i64, f64); 3]| values.map(|(t, v)| (t, v.to_bits()));
    let merged = merge([early.clone(), late.clone()]).unwrap();
    assert_eq!(samples(&merged), bits([(1, 1.0), (5, 2.0), (6, 8.0)]));
    let merged = merge([late, early]).unwrap();
    assert_eq!(samples(&merged), bits([(1, 1.0), (5, 7.0), (6, 8.0)]));
}

#[test]
fn merged_chunks_have_120_samples() {
    let even: Vec<_> = (0..200).map(|i| (2 * i, 0.5)).collect();
    let odd: Vec<_> = (0..200).map(|i| (2 * i + 1, 0.5)).collect();
    let merged = merge([xor(&even), xor(&odd)]).unwrap();
    let counts: Vec<_> =
        merged.iter().map(|c| codec(c.encoding).unwrap().count(&c.bytes).unwrap()).collect();
    assert_eq!(counts, [120, 120, 120, 40]);
}

#[test]
fn damage_is_told_with_its_chunk() {
    let good = xor(&[(1, 1.0), (5, 2.0)]);
    let mut cut = xor(&[(2, 1.0), (4, 2.0)]);
    let len = cut.bytes.len();
    cut.bytes.to_mut().truncate(len - 1);
    let error = merge([good.clone(), cut]).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Truncated);
    assert_eq!((error.chunk(), error.sound_samples()), (Some(1), 1));

    let backwards = Chunk::new(Encoding::Xor, range(9, 8), vec![0, 0]);
    let error = merge([good.clone(), backwards]).unwrap_err();
    assert_eq!((error.kind(), error.chunk()), (ErrorKind::Corrupt, Some(1)));

    let mut lying = xor(&[(2, 1.0), (9, 2.0)]);
    lying.range = range(2, 8);
    let error = merge([lying, good]).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Corrupt);
    let text = "chunk 0 of those given: chunk has a sample at 9 ms, outside of its range";
    assert_eq!(error.to_string(), text);
}

/// A counter with all counts so large that floats would round them.
fn counter(n: u64) -> Histogram {
    Histogram {
        count: (1 << 60) + 2 * n,
        sum: n as f64,
        positive_spans: vec![Span { offset: 0, length: 2 }],
        positive_buckets: vec![(1 << 59) + n.cast_signed(), 0],
        ..Histogram::default()
    }
}

fn counters(times: &[i64], values: impl Fn(i64) -> u64) -> Chunk<'static> {
    let mut encoder = HistogramEncoder::new();
    for t in times {
        encoder.push(*t, &counter(values(*t))).unwrap();
    }
    assert_eq!(encoder.len(), times.len());
    let range = range(times[0], times[times.len() - 1]);
    Chunk::new(Encoding::Histogram, range, encoder.finish())
}

#[test]
fn histograms_are_merged_without_rounding() {
    let merged = merge([
        counters(&(0..100).map(|i| 2 * i).collect::<Vec<_>>(), i64::cast_unsigned),
        counters(&(0..100).map(|i| 2 * i + 1).collect::<Vec<_>>(), i64::cast_unsigned),
    ])
    .unwrap();
    let mut n = 0;
    for (chunk, count) in merged.iter().zip([120, 80]) {
        let mut decoder = HistogramDecoder::<Histogram>::new(&chunk.bytes).unwrap();
        assert_eq!((decoder.len(), decoder.reset_header()), (count, ResetHint::Unknown));
        while let Some(sample) = decoder.next_sample().unwrap() {
            let (found, expected) = (sample.histogram(), counter(n));
            assert_eq!(sample.time().cast_unsigned(), n);
            assert_eq!(
                (found.count, found.positive_buckets),
                (expected.count, expected.positive_buckets)
            );
            n += 1;
        }
    }
    assert_eq!((n, merged.len()), (200, 2));
}

#[test]
fn a_reset_between_sources_begins_a_chunk() {
    let merged = merge([counters(&[1, 3], |_| 50), counters(&[2, 4], |_| 7)]).unwrap();
    let header = |chunk: &Chunk<'_>| {
        HistogramDecoder::<Histogram>::new(&chunk.bytes).unwrap().reset_header()
    };
    let headers: Vec<_> = merged.iter().map(header).collect();
    assert_eq!(headers, [ResetHint::Unknown, ResetHint::Reset, ResetHint::Reset]);
}

#[test]
fn another_kind_of_sample_begins_a_chunk() {
    let floats = xor(&[(1, 1.0), (2, 1.0), (9, 1.0)]);
    let merged = merge([floats, counters(&[2, 3, 4], |_| 5)]).unwrap();
    let seen: Vec<_> = merged.iter().map(|c| (c.encoding, c.range)).collect();
    assert_eq!(
        seen,
        [
            (Encoding::Xor, range(1, 2)),
            (Encoding::Histogram, range(3, 4)),
            (Encoding::Xor, range(9, 9))
        ]
    );
}

#[test]
fn start_timestamps_survive() {
    let mut columns = Columns::new();
    for t in [10, 30] {
        columns.push(t, 0.5);
        columns.start_timestamps.push(t - 5);
    }
    let mut bytes = Vec::new();
    codec(Encoding::Xor2).unwrap().encode(&columns, 0..2, &mut bytes).unwrap();
    let started = Chunk::new(Encoding::Xor2, range(10, 30), bytes);
    let merged = merge([started, xor(&[(20, 1.0), (40, 1.0)])]).unwrap();
    assert_eq!(merged.len(), 1);
    assert_eq!(merged[0].encoding, Encoding::Xor2);
    let mut found = Columns::new();
    codec(Encoding::Xor2).unwrap().decode(&merged[0].bytes, &mut found).unwrap();
    assert_eq!(found.timestamps, [10, 20, 30, 40]);
    assert_eq!(found.start_timestamps, [5, 0, 25, 0]);
}

proptest! {
    #[test]
    fn merging_is_the_union_of_all_samples(
        sources in prop::collection::vec((-50_i64..50, prop::collection::vec((1_i64..20, any::<f64>()), 1..40)), 0..8)
    ) {
        let mut expected = BTreeMap::new();
        let mut chunks = Vec::new();
        for (mut t, steps) in sources {
            let next = |(step, v): (i64, f64)| { t += step; (t, v) };
            let source: Vec<_> = steps.into_iter().map(next).collect();
            for (t, v) in &source {
                expected.entry(*t).or_insert(v.to_bits());
            }
            chunks.push(xor(&source));
        }
        let merged = merge(chunks).unwrap();
        prop_assert_eq!(samples(&merged), expected.into_iter().collect::<Vec<_>>());
    }
}
