//! Single decisions of the encoder, and what is refused.

use alloc::sync::Arc;
use alloc::vec;
use alloc::vec::Vec;
use core::slice;

use skopos_core::{Columns, FloatHistogram, Histogram, ResetHint, Span, stale_nan};

use super::{HistogramDecoder, HistogramEncoder, Outcome};
use crate::bits::BitWriter;
use crate::codec::codec;
use crate::encoding::Encoding;
use crate::error::ErrorKind;
use crate::varbit::{put_int, put_uint, put_zero_threshold};

fn spans(pairs: &[(i32, u32)]) -> Vec<Span> {
    pairs.iter().map(|(offset, length)| Span { offset: *offset, length: *length }).collect()
}

/// A histogram with such positive buckets, whose counts are absolute.
fn histogram(count: u64, positive: &[(i32, u32)], counts: &[i64]) -> Histogram {
    let mut before = 0;
    let delta = |n: &i64| n - core::mem::replace(&mut before, *n);
    Histogram {
        count,
        sum: 0.5,
        positive_spans: spans(positive),
        positive_buckets: counts.iter().map(delta).collect(),
        ..Histogram::default()
    }
}

/// Pushes histograms, and checks what becomes of the chunk and what is in it then.
#[track_caller]
fn check(pushed: &[Histogram], outcome: Outcome, expected: &[Histogram]) {
    let mut encoder = HistogramEncoder::new();
    let mut last = None;
    for (t, histogram) in (0..).zip(pushed) {
        last = Some(encoder.push(t, histogram).unwrap());
    }
    assert_eq!(last, Some(outcome));
    assert_eq!(decode(encoder.bytes()), expected);
}

fn decode(chunk: &[u8]) -> Vec<Histogram> {
    let mut decoder = HistogramDecoder::new(chunk).unwrap();
    let mut found = Vec::new();
    while let Some(sample) = decoder.next_sample().unwrap() {
        found.push(sample.histogram());
    }
    found
}

#[test]
fn an_empty_chunk_is_its_header() {
    assert_eq!(HistogramEncoder::<Histogram>::new().finish(), [0, 0, 0]);
    assert_eq!(decode(&[0, 0, 0]), []);
    let error = HistogramDecoder::<Histogram>::new(&[0, 0]).unwrap_err();
    assert_eq!((error.kind(), error.offset()), (ErrorKind::Truncated, 2));
    let reopened = HistogramEncoder::<Histogram>::reopen(&[0, 0, 0]).unwrap();
    assert!(reopened.is_empty());
}

#[test]
fn a_new_bucket_widens_the_chunk_and_a_missing_one_ends_it() {
    let mut alone = HistogramEncoder::new();
    alone.push(0, &histogram(2, &[(0, 1)], &[2])).unwrap();
    check(
        &[histogram(2, &[(0, 1)], &[2]), histogram(4, &[(-1, 1), (1, 1)], &[1, 3])],
        Outcome::NewChunk(alone.finish()),
        &[histogram(4, &[(-1, 1), (1, 1)], &[1, 3])],
    );
    check(
        &[histogram(2, &[(0, 1)], &[2]), histogram(4, &[(-1, 2), (1, 1)], &[1, 2, 1])],
        Outcome::Recoded,
        &[
            histogram(2, &[(-1, 2), (1, 1)], &[0, 2, 0]),
            histogram(4, &[(-1, 2), (1, 1)], &[1, 2, 1]),
        ],
    );
}

#[test]
fn an_empty_bucket_may_go() {
    check(
        &[histogram(2, &[(0, 2)], &[2, 0]), histogram(4, &[(0, 1)], &[4])],
        Outcome::Appended,
        &[histogram(2, &[(0, 2)], &[2, 0]), histogram(4, &[(0, 2)], &[4, 0])],
    );
}

#[test]
fn both_may_lack_buckets_of_the_other() {
    let both = [(0, 5), (2, 1)];
    check(
        &[
            histogram(2, &[(0, 3), (4, 1)], &[2, 0, 0, 0]),
            histogram(4, &[(0, 1), (2, 2)], &[2, 1, 1]),
        ],
        Outcome::Recoded,
        &[histogram(2, &both, &[2, 0, 0, 0, 0, 0]), histogram(4, &both, &[2, 0, 0, 1, 1, 0])],
    );
}

#[test]
fn gauges_share_a_chunk_whatever_their_buckets_are() {
    let gauge = |h| Histogram { reset_hint: ResetHint::Gauge, ..h };
    check(
        &[gauge(histogram(5, &[(2, 1)], &[5])), gauge(histogram(1, &[(-3, 1)], &[1]))],
        Outcome::Recoded,
        &[histogram(5, &[(-3, 1), (4, 1)], &[0, 5]), histogram(1, &[(-3, 1), (4, 1)], &[1, 0])],
    );
}

#[test]
fn what_cannot_be_written_is_refused_and_changes_nothing() {
    let good = histogram(2, &[(0, 2)], &[2, 0]);
    let mut encoder = HistogramEncoder::new();
    encoder.push(0, &good).unwrap();
    let before = encoder.bytes().to_vec();
    for bad in [
        Histogram { positive_buckets: vec![1], ..good.clone() },
        Histogram { positive_spans: spans(&[(0, 2), (0, u32::MAX)]), ..good.clone() },
        Histogram { negative_spans: vec![Span::default(); 17], ..good.clone() },
        Histogram { schema: 53, ..good.clone() },
    ] {
        assert_eq!(encoder.push(1, &bad).unwrap_err().kind(), ErrorKind::Invalid);
    }
    // The buckets of both lie further from each other than a span can tell.
    let far = |offset| Histogram {
        reset_hint: ResetHint::Gauge,
        ..histogram(1, &[(i32::MIN, 1), (i32::MAX, 0), (offset, 1)], &[1, 0])
    };
    let mut gauges = HistogramEncoder::new();
    gauges.push(0, &far(i32::MAX)).unwrap();
    let near = Histogram { reset_hint: ResetHint::Gauge, ..histogram(1, &[(i32::MAX, 1)], &[1]) };
    let result = gauges.push(1, &near);
    assert!(result.is_ok() || result.is_err_and(|e| e.kind() == ErrorKind::Invalid));
    assert_eq!(encoder.bytes(), before);
}

#[test]
fn a_full_chunk_takes_no_more() {
    let mut encoder = HistogramEncoder::with_starts();
    for t in 0..16_383 {
        encoder.push(t, &Histogram::default()).unwrap();
    }
    let before = encoder.bytes().to_vec();
    let error = encoder.push(20_000, &Histogram::default()).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Full);
    assert_eq!(error.to_string(), "chunk is full: its header counts up to 16383 samples");
    assert_eq!(encoder.bytes(), before);
    let mut columns = Columns::new();
    HistogramDecoder::<Histogram>::with_starts(&before).unwrap().read_all(&mut columns).unwrap();
    assert_eq!(columns.len(), 16_383);
    assert!(columns.histogram_start_timestamps.is_empty());
}

/// A chunk with a layout of these span lengths on the positive side.
fn hostile(count: u64, lengths: &[u64], rest: usize) -> Vec<u8> {
    let mut out = BitWriter::new(vec![0xff, 0xff, 0], 0);
    put_zero_threshold(&mut out, 0.0);
    put_int(&mut out, 0);
    put_uint(&mut out, count);
    for length in lengths {
        put_uint(&mut out, *length);
        put_int(&mut out, 0);
    }
    let mut bytes = out.into_bytes();
    bytes.extend(core::iter::repeat_n(0, rest));
    bytes
}

#[test]
fn a_layout_may_not_promise_more_than_the_bytes_hold() {
    for (bytes, kind) in [
        (hostile(1, &[u64::from(u32::MAX)], 100), ErrorKind::Truncated),
        (hostile(1, &[u64::MAX], 100), ErrorKind::Corrupt),
        (hostile(u64::MAX, &[], 100_000), ErrorKind::Truncated),
        (hostile(17, &[0; 17], 100_000), ErrorKind::Corrupt),
        (hostile(2, &[0xffff, 0xffff], 0x2000), ErrorKind::Truncated),
    ] {
        for error in [
            HistogramDecoder::<Histogram>::new(&bytes).unwrap().next_sample().err(),
            HistogramDecoder::<FloatHistogram>::new(&bytes).unwrap().next_sample().err(),
        ] {
            let error = error.unwrap();
            assert_eq!((error.kind(), error.offset(), error.sound_samples()), (kind, 3, 0));
        }
    }
}

#[test]
fn finer_schemas_are_reduced() {
    let fine = Histogram { schema: 10, ..histogram(15, &[(1, 5), (3, 1)], &[1, 2, 3, 4, 5, 6]) };
    let mut encoder = HistogramEncoder::new();
    encoder.push(0, &fine).unwrap();
    let expected = Histogram { schema: 8, ..histogram(15, &[(1, 3)], &[10, 5, 6]) };
    assert_eq!(decode(encoder.bytes()), slice::from_ref(&expected));
    let mut decoder = HistogramDecoder::<Histogram>::new(encoder.bytes()).unwrap();
    let float = decoder.next_sample().unwrap().unwrap().float_histogram();
    assert_eq!(float, expected.to_float());
}

#[test]
fn a_chunk_before_decides_the_header() {
    let mut encoder = HistogramEncoder::new();
    let headers = [5_u64, 6, 3, 4].map(|count| {
        encoder.push(0, &Histogram { count, ..Histogram::default() }).unwrap();
        let header = encoder.reset_header();
        encoder.cut();
        header
    });
    use ResetHint::{NotReset, Reset, Unknown};
    assert_eq!(headers, [Unknown, NotReset, Reset, NotReset]);
    assert_eq!(encoder.cut(), None);
}

#[test]
fn a_codec_ends_a_chunk_where_another_begins() {
    let mut columns = Columns::new();
    for (t, count) in [(1, 5.0), (2, 6.0), (3, 1.0)] {
        columns.push_histogram(t, FloatHistogram { count, ..FloatHistogram::default() });
    }
    columns.push_histogram(4, FloatHistogram { sum: stale_nan(), ..FloatHistogram::default() });
    for encoding in [
        Encoding::Histogram,
        Encoding::FloatHistogram,
        Encoding::HistogramSt,
        Encoding::FloatHistogramSt,
    ] {
        let codec = codec(encoding).unwrap();
        let (mut one, mut two) = (Vec::new(), Vec::new());
        assert_eq!(codec.encode(&columns, 0..4, &mut one), Ok(2));
        assert_eq!(codec.encode(&columns, 2..4, &mut two), Ok(2));
        let mut decoded = Columns::new();
        codec.decode(&one, &mut decoded).unwrap();
        codec.decode(&two, &mut decoded).unwrap();
        assert_eq!(decoded.histogram_timestamps, columns.histogram_timestamps);
        assert_eq!(decoded.histograms, columns.histograms);
        let range = codec.time_range(&two).unwrap().unwrap();
        assert_eq!((range.start.as_millis(), range.end.as_millis()), (3, 4));
        let error = codec.encode(&columns, 3..5, &mut one).unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Invalid);
    }
}

/// The worked examples of `docs/formats/chunk-histogram.md`.
#[test]
fn the_described_examples_are_right() {
    let sample = |count, zero_count, sum, buckets: [i64; 3]| Histogram {
        schema: 1,
        zero_threshold: f64::from_bits(0x37f0_0000_0000_0000),
        zero_count,
        count,
        sum,
        positive_spans: spans(&[(0, 2), (1, 1)]),
        positive_buckets: buckets.to_vec(),
        ..Histogram::default()
    };
    let samples = [
        (1_000, sample(5, 1, 18.4, [1, 1, -1])),
        (16_000, sample(7, 1, 20.5, [1, 2, -2])),
        (31_000, sample(10, 2, 25.25, [2, 2, -2])),
    ];
    let mut encoder = HistogramEncoder::new();
    for (t, histogram) in &samples {
        encoder.push(*t, histogram).unwrap();
    }
    let expected =
        b"\x00\x03\x00\x74\x8c\xa4\x8c\x5e\x3e\x8a\xc5\x00\xc9\x99\x99\x99\x99\x99\x9a\x31\
        \xbf\xc1\xd4\xc4\x9b\x72\xdc\xcc\xcc\xcc\xcc\xcc\xd1\xba\x31\xd8\x36\xf1\xbc\x40";
    assert_eq!(encoder.bytes(), expected);

    let custom = Histogram {
        reset_hint: ResetHint::NotReset,
        schema: -53,
        count: 6,
        sum: 3.5,
        positive_spans: spans(&[(0, 3)]),
        positive_buckets: vec![1, 1, 1],
        custom_values: Arc::from([0.1, 1.0]),
        ..Histogram::default()
    };
    let mut encoder = HistogramEncoder::new();
    encoder
        .push(
            0,
            &Histogram { count: 1, sum: 0.5, positive_buckets: vec![1, -1, 0], ..custom.clone() },
        )
        .unwrap();
    encoder.cut();
    encoder.push(1_000, &custom).unwrap();
    let expected =
        b"\x00\x01\x40\x00\xee\x5c\x66\x4b\x8c\xbe\x3e\x9f\x1f\x45\x88\x01\x80\x00\x00\x00\
        \x00\x00\x11\x8c\x40";
    assert_eq!(encoder.bytes(), expected);
}
