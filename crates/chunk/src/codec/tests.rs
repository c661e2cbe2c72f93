//! The methods that every codec has for free, against those of XOR.

use alloc::vec;
use alloc::vec::Vec;

use skopos_core::{Columns, TimeRange, Timestamp};

use super::*;
use crate::error::ErrorKind;

/// XOR without its own `read`.
struct Plain;

impl Codec for Plain {
    fn encoding(&self) -> Encoding {
        Encoding::Xor
    }

    fn count(&self, chunk: &[u8]) -> Result<usize, Error> {
        XorCodec.count(chunk)
    }

    fn encode(&self, c: &Columns, at: Range<usize>, chunk: &mut Vec<u8>) -> Result<usize, Error> {
        XorCodec.encode(c, at, chunk)
    }

    fn decode(&self, chunk: &[u8], columns: &mut Columns) -> Result<(), Error> {
        XorCodec.decode(chunk, columns)
    }
}

fn chunk(times: &[i64]) -> Vec<u8> {
    let mut columns = Columns::new();
    for t in times {
        columns.push(*t, 0.5);
    }
    let mut chunk = Vec::new();
    assert_eq!(XorCodec.encode(&columns, 0..times.len(), &mut chunk), Ok(times.len()));
    chunk
}

#[track_caller]
fn check(chunk: &[u8], start: i64, end: i64, expected: &[i64], fault: Option<(ErrorKind, usize)>) {
    let range = TimeRange::new(Timestamp::from_millis(start), Timestamp::from_millis(end));
    for codec in [&Plain as &dyn Codec, &XorCodec] {
        let mut columns = Columns::new();
        columns.push(-1, 7.0);
        columns.start_timestamps.push(-5);
        let result = codec.read(chunk, range, &mut columns);
        assert_eq!(result.err().map(|e| (e.kind(), e.sound_samples())), fault);
        assert_eq!(columns.timestamps, [&[-1], expected].concat());
        assert_eq!(columns.values.len(), columns.timestamps.len());
        let starts: Vec<_> = [-5].into_iter().chain(expected.iter().map(|_| 0)).collect();
        assert_eq!(columns.start_timestamps, starts);
    }
}

#[test]
fn a_range_is_read_by_default_as_by_hand() {
    let whole = chunk(&[10, 20, 30, 40]);
    check(&whole, i64::MIN, i64::MAX, &[10, 20, 30, 40], None);
    check(&whole, 11, 30, &[20, 30], None);
    check(&whole, 30, 11, &[], None);
    check(&whole, 41, i64::MAX, &[], None);
    check(&whole[..whole.len() - 1], 5, 100, &[10], Some((ErrorKind::Truncated, 1)));
    check(&chunk(&[10, 20, 20, 40]), 0, 100, &[10, 20], Some((ErrorKind::Corrupt, 2)));
    check(&chunk(&[]), 0, 100, &[], None);
}

#[test]
fn the_time_range_is_that_of_all_samples() {
    let of = |times: &[i64]| {
        let range = Plain.time_range(&chunk(times)).unwrap();
        range.map(|range| (range.start.as_millis(), range.end.as_millis()))
    };
    assert_eq!(of(&[]), None);
    assert_eq!(of(&[5]), Some((5, 5)));
    assert_eq!(of(&[5, 9, -3]), Some((-3, 9)));
}

#[test]
fn samples_that_are_not_there_cannot_be_written() {
    let mut columns = Columns::new();
    columns.push(1, 1.0);
    let mut chunk = vec![9];
    let error = XorCodec.encode(&columns, 0..2, &mut chunk).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Invalid);
    assert_eq!(error.to_string(), "samples up to number 2 are to be written, but there are 1");
    assert_eq!(chunk, [9]);
}

#[test]
fn start_times_are_as_many_as_times() {
    let mut columns = Columns::new();
    columns.push(1, 1.0);
    assert_eq!(start_times(&mut columns, SampleKind::Float), &[0]);
    assert_eq!(start_times(&mut columns, SampleKind::Histogram), &[0; 0]);
}
