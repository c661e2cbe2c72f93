//! Single steps of the encoding, and what is refused.

use alloc::vec::Vec;

use skopos_core::{Columns, Sample, TimeRange, Timestamp};

use super::{MAX_SAMPLES, XorDecoder, XorEncoder};
use crate::error::ErrorKind;

fn encode(samples: &[(i64, f64)]) -> Vec<u8> {
    let mut encoder = XorEncoder::new();
    for (t, v) in samples {
        encoder.push(*t, *v).unwrap();
    }
    encoder.finish()
}

/// Decodes in both ways, which must agree; times must ascend.
#[track_caller]
fn check(chunk: &[u8], expected: &[(i64, f64)], error: Option<(ErrorKind, usize)>) {
    let mut samples = Vec::new();
    let mut found = None;
    for step in XorDecoder::new(chunk).unwrap() {
        match step {
            Ok(sample) => samples.push((sample.t.as_millis(), sample.v)),
            Err(e) => found = Some((e.kind(), e.offset())),
        }
    }
    assert_eq!(samples, expected);
    assert_eq!(found, error);
    let mut columns = Columns::new();
    let result = XorDecoder::new(chunk).unwrap().read_range(TimeRange::ALL, &mut columns);
    assert_eq!(result.err().map(|e| (e.kind(), e.offset())), error);
    let pairs: Vec<_> = columns.timestamps.into_iter().zip(columns.values).collect();
    assert_eq!(pairs, expected);
}

#[test]
fn an_empty_chunk_is_its_header() {
    assert_eq!(encode(&[]), [0, 0]);
    check(&[0, 0], &[], None);
}

#[test]
fn bytes_behind_the_last_sample_are_ignored() {
    let mut chunk = encode(&[(1_000, 1.5), (2_000, 2.5)]);
    chunk.extend([0xff; 20]);
    check(&chunk, &[(1_000, 1.5), (2_000, 2.5)], None);
}

#[test]
fn a_missing_byte_is_told_with_the_place_of_its_sample() {
    let chunk = encode(&[(1_000, 1.5), (2_000, 2.5), (3_000, 3.25)]);
    check(
        &chunk[..chunk.len() - 1],
        &[(1_000, 1.5), (2_000, 2.5)],
        Some((ErrorKind::Truncated, 17)),
    );
    check(&chunk[..5], &[], Some((ErrorKind::Truncated, 2)));
}

#[test]
fn a_header_that_promises_too_much_is_found_out() {
    check(&[0xff, 0xff], &[], Some((ErrorKind::Truncated, 2)));
}

#[test]
fn an_integer_of_more_than_64_bits_is_corrupt() {
    let mut chunk = alloc::vec![0, 1];
    chunk.extend([0x80; 9]);
    chunk.extend([0x02; 20]);
    check(&chunk, &[], Some((ErrorKind::Corrupt, 12)));
}

#[test]
fn times_that_do_not_ascend_are_corrupt_in_columns_only() {
    let chunk = encode(&[(1_000, 1.0), (2_000, 2.0), (2_000, 3.0), (4_000, 4.0)]);
    assert_eq!(XorDecoder::new(&chunk).unwrap().count(), 4);
    let mut columns = Columns::new();
    let error =
        XorDecoder::new(&chunk).unwrap().read_range(TimeRange::ALL, &mut columns).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Corrupt);
    assert_eq!(error.to_string(), "sample 3 of chunk is not later than the one before it");
    assert_eq!(columns.timestamps, [1_000, 2_000]);
    assert_eq!(columns.values, [1.0, 2.0]);
}

#[test]
fn a_full_chunk_takes_no_more() {
    let mut encoder = XorEncoder::new();
    for t in 0..MAX_SAMPLES as i64 {
        encoder.push(t, 0.0).unwrap();
    }
    let before = encoder.bytes().to_vec();
    assert_eq!(encoder.push(i64::MAX, 0.0).unwrap_err().kind(), ErrorKind::Full);
    assert_eq!(encoder.bytes(), before);
    let mut columns = Columns::new();
    XorDecoder::new(&before).unwrap().read_all(&mut columns).unwrap();
    assert_eq!(columns.len(), MAX_SAMPLES);
}

#[test]
fn a_chunk_whose_last_window_is_too_wide_cannot_be_reopened() {
    // 31 leading zeros and 63 significant bits.
    let mut chunk = encode(&[(0, 0.0), (1, 0.0)]);
    chunk.pop();
    chunk.extend([0b1111_1111, 0b1111_1000, 0, 0, 0, 0, 0, 0, 0, 0]);
    assert_eq!(XorDecoder::new(&chunk).unwrap().filter(Result::is_ok).count(), 2);
    assert_eq!(XorEncoder::reopen(&chunk).unwrap_err().kind(), ErrorKind::Corrupt);
}

#[test]
fn seeking_stays_at_a_sample_that_is_late_enough() {
    let chunk = encode(&[(1_000, 1.0), (2_000, 2.0)]);
    let mut decoder = XorDecoder::new(&chunk).unwrap();
    assert_eq!(decoder.seek(1_500), Ok(Some(Sample::new(2_000, 2.0))));
    assert_eq!(decoder.seek(0), Ok(Some(Sample::new(2_000, 2.0))));
    assert_eq!(decoder.seek(2_001), Ok(None));
    assert_eq!(decoder.next(), None);
}

#[test]
fn a_range_is_trimmed_at_both_ends() {
    let samples: Vec<_> = (0..10).map(|i| (i * 1_000, i as f64)).collect();
    let chunk = encode(&samples);
    for (start, end, times) in [
        (i64::MIN, i64::MAX, 0..10),
        (1_000, 3_000, 1..4),
        (1_001, 3_999, 2..4),
        (9_000, 9_000, 9..10),
        (9_001, i64::MAX, 0..0),
        (i64::MIN, -1, 0..0),
        (5_000, 4_000, 0..0),
    ] {
        let range = TimeRange::new(Timestamp::from_millis(start), Timestamp::from_millis(end));
        let mut columns = Columns::new();
        XorDecoder::new(&chunk).unwrap().read_range(range, &mut columns).unwrap();
        assert_eq!(columns.timestamps, times.map(|i| i * 1_000).collect::<Vec<_>>());
    }
}

/// The worked example of `docs/formats/chunk-xor.md`.
#[test]
fn the_described_example_is_right() {
    let chunk = encode(&[
        (1_000, 1.5),
        (16_000, 1.5),
        (31_000, 2.5),
        (46_010, 3.0),
        (61_010, 3.0),
        (200_000, -1.0),
    ]);
    let expected = b"\x00\x06\xd0\x0f\x3f\xf8\x00\x00\x00\x00\x00\x00\x98\x75\x30\x9b\xff\xf8\x00\
        \xa8\x00\x77\xfe\xce\x1e\x45\x6c\x06\xff\xfc";
    assert_eq!(chunk, expected);
}
