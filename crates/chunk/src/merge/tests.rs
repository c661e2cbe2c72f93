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
use skopos_core::Columns;

use super::*;
use crate::error::ErrorKind;

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

    let mut lying = xor(&[(2, 1.0), (9, 2.0)]);
    lying.range = range(2, 8);
    let error = merge([lying, good]).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Corrupt);
    let text = "chunk 0 of those given: chunk has a sample at 9 ms, outside of its range";
    assert_eq!(error.to_string(), text);
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
