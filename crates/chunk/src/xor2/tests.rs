//! Single steps of the encoding, and what is refused.

use alloc::vec;
use alloc::vec::Vec;

use skopos_core::{Columns, TimeRange, Timestamp, stale_nan};

use super::{Xor2Decoder, Xor2Encoder};
use crate::error::ErrorKind;
use crate::xor::MAX_SAMPLES;

/// Samples as start, time and value.
fn encode(samples: &[(i64, i64, f64)]) -> Vec<u8> {
    let mut encoder = Xor2Encoder::new();
    for (start, t, v) in samples {
        encoder.push_started(*start, *t, *v).unwrap();
    }
    encoder.finish()
}

/// Decodes in both ways, which must agree.
#[track_caller]
fn check(chunk: &[u8], expected: &[(i64, i64, f64)], error: Option<(ErrorKind, usize)>) {
    let bits = |(start, t, v): &(i64, i64, f64)| (*start, *t, v.to_bits());
    let expected: Vec<_> = expected.iter().map(bits).collect();
    let mut samples = Vec::new();
    let mut found = None;
    for step in Xor2Decoder::new(chunk).unwrap() {
        match step {
            Ok(s) => samples.push((s.start, s.sample.t.as_millis(), s.sample.v.to_bits())),
            Err(e) => found = Some((e.kind(), e.offset())),
        }
    }
    assert_eq!(samples, expected);
    assert_eq!(found, error);
    let mut columns = Columns::new();
    let result = Xor2Decoder::new(chunk).unwrap().read_all(&mut columns);
    assert_eq!(result.as_ref().err().map(|e| (e.kind(), e.offset())), error);
    if let Err(error) = result {
        assert_eq!(error.sound_samples(), expected.len());
    }
    let starts = if columns.start_timestamps.is_empty() {
        alloc::vec![0; columns.len()]
    } else {
        columns.start_timestamps
    };
    let pairs = columns.timestamps.into_iter().zip(columns.values);
    let found: Vec<_> =
        starts.into_iter().zip(pairs).map(|(s, (t, v))| (s, t, v.to_bits())).collect();
    assert_eq!(found, expected);
}

#[test]
fn an_empty_chunk_is_its_header() {
    assert_eq!(encode(&[]), [0, 0, 0]);
    check(&[0, 0, 0], &[], None);
    assert_eq!(Xor2Decoder::new(&[0, 0]).unwrap_err().kind(), ErrorKind::Truncated);
}

#[test]
fn a_missing_byte_is_told_with_the_place_of_its_sample() {
    let samples = [(0, 1_000, 1.5), (0, 2_000, 2.5), (0, 3_000, 3.25)];
    let chunk = encode(&samples);
    check(&chunk[..chunk.len() - 1], &samples[..2], Some((ErrorKind::Truncated, 18)));
    check(&chunk[..5], &[], Some((ErrorKind::Truncated, 3)));
    check(&[0xff, 0xff, 0], &[], Some((ErrorKind::Truncated, 3)));
}

#[test]
fn integers_of_more_than_64_bits_are_corrupt() {
    let mut chunk = alloc::vec![0, 1, 0];
    chunk.extend([0x80; 9]);
    chunk.extend([0x02; 20]);
    check(&chunk, &[], Some((ErrorKind::Corrupt, 13)));
    let mut chunk = encode(&[(7, 1_000, 1.5)]);
    chunk.pop();
    chunk.extend([0xff; 20]);
    check(&chunk, &[], Some((ErrorKind::Corrupt, 23)));
}

#[test]
fn a_stale_first_sample_leaves_zero_as_the_base() {
    let samples =
        [(0, 1_000, stale_nan()), (0, 2_000, 0.0), (0, 3_000, stale_nan()), (0, 4_000, 0.0)];
    let chunk = encode(&samples);
    // A first sample of 10 bytes, 2 bytes and a bit, 5 bits and one.
    assert_eq!(chunk.len(), 3 + 10 + 3);
    check(&chunk, &samples, None);
}

#[test]
fn a_full_chunk_takes_no_more() {
    let mut encoder = Xor2Encoder::new();
    for t in 0..MAX_SAMPLES as i64 {
        encoder.push(t, 0.0).unwrap();
    }
    let before = encoder.bytes().to_vec();
    assert_eq!(encoder.push(i64::MAX, 0.0).unwrap_err().kind(), ErrorKind::Full);
    assert_eq!(encoder.bytes(), before);
    let mut columns = Columns::new();
    Xor2Decoder::new(&before).unwrap().read_all(&mut columns).unwrap();
    assert_eq!(columns.len(), MAX_SAMPLES);
    assert!(columns.start_timestamps.is_empty());
}

#[test]
fn columns_with_starts_keep_one_a_sample() {
    let mut columns = Columns::new();
    for chunk in
        [encode(&[(0, 1, 0.0)]), encode(&[(5, 10, 0.0), (5, 20, 0.0)]), encode(&[(0, 30, 0.0)])]
    {
        Xor2Decoder::new(&chunk).unwrap().read_all(&mut columns).unwrap();
    }
    assert_eq!(columns.timestamps, [1, 10, 20, 30]);
    assert_eq!(columns.start_timestamps, [0, 5, 5, 0]);
}

/// More samples than a block has, with starts from one in the middle on.
#[test]
fn a_range_is_trimmed_at_both_ends() {
    let mut samples: Vec<_> = (0..600_i64).map(|i| (0, i * 1_000, (i / 7) as f64)).collect();
    for started in [false, true] {
        for i in (40..600).filter(|_| started) {
            samples[i].0 = samples[i - 1].1;
        }
        let chunk = encode(&samples);
        check(&chunk, &samples, None);
        for (start, end, kept) in [
            (i64::MIN, i64::MAX, 0..600),
            (1_000, 3_000, 1..4),
            (30_001, 399_999, 31..400),
            (599_000, 599_000, 599..600),
            (599_001, i64::MAX, 0..0),
            (5_000, 4_000, 0..0),
        ] {
            let range = TimeRange::new(Timestamp::from_millis(start), Timestamp::from_millis(end));
            let mut columns = Columns::new();
            Xor2Decoder::new(&chunk).unwrap().read_range(range, &mut columns).unwrap();
            assert_eq!(columns.len(), kept.len());
            for (i, (start, t, v)) in samples[kept].iter().enumerate() {
                let found = columns.start_timestamps.get(i).copied().unwrap_or(0);
                assert_eq!((found, columns.timestamps[i], columns.values[i]), (*start, *t, *v));
            }
        }
    }
}

#[test]
fn times_that_do_not_ascend_are_corrupt_in_ranges_only() {
    let chunk = encode(&[(0, 1_000, 1.0), (5, 2_000, 2.0), (5, 2_000, 3.0), (5, 4_000, 4.0)]);
    assert_eq!(Xor2Decoder::new(&chunk).unwrap().count(), 4);
    let mut columns = Columns::new();
    let error =
        Xor2Decoder::new(&chunk).unwrap().read_range(TimeRange::ALL, &mut columns).unwrap_err();
    assert_eq!((error.kind(), error.sound_samples()), (ErrorKind::Corrupt, 2));
    assert_eq!((columns.timestamps, columns.start_timestamps), (vec![1_000, 2_000], vec![0, 5]));
}

#[test]
fn a_marker_at_the_end_of_a_column_stays_the_last_value() {
    let mut samples: Vec<_> = (0..256_i64).map(|i| (0, i, 1.0)).collect();
    samples[255].2 = stale_nan();
    samples.extend([(0, 256, 1.0), (0, 257, 1.0)]);
    check(&encode(&samples), &samples, None);
}

#[test]
fn a_chunk_whose_last_window_is_too_wide_cannot_be_reopened() {
    // 31 leading zeros and 63 significant bits.
    let mut chunk = encode(&[(0, 0, 0.0), (0, 1, 0.0)]);
    chunk.pop();
    chunk.extend([0b1101_1111, 0b1111_1100, 0, 0, 0, 0, 0, 0, 0, 0]);
    assert_eq!(Xor2Decoder::new(&chunk).unwrap().filter(Result::is_ok).count(), 2);
    assert_eq!(Xor2Encoder::reopen(&chunk).unwrap_err().kind(), ErrorKind::Corrupt);
}

/// The worked examples of `docs/formats/chunk-xor2.md`.
#[test]
fn the_described_examples_are_right() {
    let started = [
        (500, 1_000, 1.0),
        (500, 2_000, 2.0),
        (500, 3_000, 3.0),
        (2_500, 4_000, 1.0),
        (2_500, 5_000, 2.0),
    ];
    let expected =
        b"\x00\x05\x83\xd0\x0f\x3f\xf0\x00\x00\x00\x00\x00\x00\xe8\x07\xe8\x07\xc1\x2f\xff\
        \xd6\x03\xa1\x33\xff\xfc\x3e\x93\xff\xbc\x7d\x00";
    assert_eq!(encode(&started), expected);
    let stale = [(0, 1_000, 1.0), (0, 2_000, 1.0), (0, 3_000, stale_nan()), (0, 4_500, 1.0)];
    let expected = b"\x00\x04\x00\xd0\x0f\x3f\xf0\x00\x00\x00\x00\x00\x00\xe8\x07\x7f\x07\xd0";
    assert_eq!(encode(&stale), expected);
    check(expected, &stale, None);
}
