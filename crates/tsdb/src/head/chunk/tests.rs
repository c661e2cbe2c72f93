//! Tests of where chunks are cut.

use skopos_core::Timestamp;

use super::*;

const RANGE: i64 = 2 * 60 * 60 * 1_000;
/// Two minutes before a border between ranges.
const START: i64 = 1_700_000_000_000 / RANGE * RANGE + RANGE - 120_000;

fn all() -> TimeRange {
    TimeRange::ALL
}

fn count(chunk: &ClosedChunk) -> usize {
    usize::from(u16::from_be_bytes([chunk.bytes[0], chunk.bytes[1]]))
}

/// The sample counts of the chunks that samples at these times make.
fn cut(times: impl IntoIterator<Item = i64>, value: impl Fn(i64) -> f64) -> Vec<usize> {
    let mut chunks = Chunks::default();
    let mut added = Change::default();
    for t in times {
        let change = chunks.push(t, value(t), RANGE);
        added.chunks += change.chunks;
        added.closed_bytes += change.closed_bytes;
    }
    let snapshot = chunks.snapshot(all());
    assert_eq!(added.chunks, snapshot.len());
    let closed = &snapshot[..snapshot.len() - 1];
    assert_eq!(added.closed_bytes, closed.iter().map(|chunk| chunk.bytes.len()).sum::<usize>());
    snapshot.iter().map(count).collect()
}

#[test]
fn chunks_of_a_steady_series_have_120_samples_and_end_with_the_range() {
    let times = (0..500).map(|i| START + i * 15_000);
    assert_eq!(cut(times, |_| 1.0), [8, 120, 120, 120, 120, 12]);
}

#[test]
fn a_prediction_spreads_samples_evenly_over_the_range() {
    // Thirty samples lie 29 seconds apart, so four times that, 62 times over, is the range.
    let times = (0..1_000).map(|i| START + 120_000 + i * 1_000);
    assert_eq!(cut(times, |_| 1.0)[..3], [117, 117, 117]);
    // 144 samples a range: one chunk, for two would be small.
    let times = (0..200).map(|i| START + 120_000 + i * 50_000);
    assert_eq!(cut(times, |_| 1.0), [144, 56]);
}

#[test]
fn a_chunk_of_a_series_that_became_faster_ends_at_240_samples() {
    let slow = (0..31).map(|i| START + 120_000 + i * 60_000);
    let fast = (1..1_000).map(|i| START + 120_000 + 30 * 60_000 + i);
    assert_eq!(cut(slow.chain(fast), |_| 1.0)[..1], [240]);
}

#[test]
fn a_chunk_of_incompressible_values_ends_with_a_kibibyte() {
    let hash = |t: i64| t.cast_unsigned().wrapping_mul(0x9e37_79b9_7f4a_7c15);
    let noise = |t: i64| f64::from_bits(hash(t) >> 2);
    let times = (0..400).map(|i| START + 120_000 + i * 15_000 + (hash(i) >> 50).cast_signed());
    let counts = cut(times, noise);
    assert!(counts[..3].iter().all(|n| (95..105).contains(n)), "{counts:?}");
}

#[test]
fn times_far_apart_do_not_overflow() {
    let mut chunks = Chunks::default();
    for (i, t) in [i64::MIN + 1, -1, 0, 1, i64::MAX - 1, i64::MAX].into_iter().enumerate() {
        chunks.push(t, i as f64, RANGE);
    }
    assert_eq!(chunks.last().map(|(t, _)| t), Some(i64::MAX));
    assert_eq!(chunks.snapshot(all()).iter().map(count).sum::<usize>(), 6);
}

#[test]
fn a_snapshot_has_the_chunks_of_its_range() {
    let mut chunks = Chunks::default();
    for i in 0..500 {
        chunks.push(START + i * 15_000, 0.0, RANGE);
    }
    let find = |start: i64, end: i64| {
        let at = |i: i64| Timestamp::from_millis(START + i * 15_000);
        let found = chunks.snapshot(TimeRange::new(at(start), at(end)));
        found.iter().map(|chunk| (chunk.first - START) / 15_000).collect::<Vec<_>>()
    };
    assert_eq!(find(-9, -1), [0; 0]);
    assert_eq!(find(7, 8), [0, 8]);
    assert_eq!(find(200, 200), [128]);
    assert_eq!(find(487, 1_000), [368, 488]);
    assert_eq!(find(499, 499), [488]);
    assert_eq!(find(500, 900), [0; 0]);
}

#[test]
fn dropping_takes_whole_chunks_and_the_open_one_last() {
    let mut chunks = Chunks::default();
    for i in 0..500 {
        chunks.push(START + i * 15_000, 0.0, RANGE);
    }
    assert_eq!(chunks.drop_before(START), Change::default());
    assert_eq!(chunks.drop_before(START + 127 * 15_000).chunks, 1, "the second ends there");
    assert_eq!(chunks.first_time(), Some(START + 8 * 15_000));
    assert_eq!(chunks.drop_before(START + 128 * 15_000).chunks, 1);
    assert_eq!(chunks.drop_before(START + 499 * 15_000).chunks, 3);
    assert!(!chunks.is_empty());
    assert_eq!(chunks.drop_before(START + 500 * 15_000).chunks, 1);
    assert!(chunks.is_empty());
    assert_eq!((chunks.first_time(), chunks.last()), (None, None));
    assert_eq!(chunks.heap_bytes(), 0);
}

/// A block of Prometheus and its head file have the chunks that its head had cut.
#[test]
fn chunks_are_those_that_prometheus_cuts() {
    let mut compared = 0;
    for file in ["01M826FZQ7ADFDTRZD17064C1N", "01M826FZRM7KCDG97N5380J2J6"] {
        let path = format!("vectors/tsdb/main.block.{file}.json");
        let Some(text) = skopos_testkit::vectors::text(&path) else { return };
        let block: serde_json::Value = serde_json::from_str(&text).unwrap();
        for series in block["series"].as_array().unwrap() {
            compared += compare(series["chunks"].as_array().unwrap());
        }
    }
    let text = skopos_testkit::vectors::text("vectors/tsdb/main.chunks_head.json").unwrap();
    let head: serde_json::Value = serde_json::from_str(&text).unwrap();
    for chunk in head["chunks"].as_array().unwrap() {
        compared += compare(std::slice::from_ref(chunk));
    }
    assert_eq!(compared, 37);
}

/// Cuts the samples of these chunks anew; returns how many chunks there are, none if they are not
/// of floats.
fn compare(chunks: &[serde_json::Value]) -> usize {
    if chunks.iter().any(|chunk| chunk["encoding"] != "XOR") {
        return 0;
    }
    let expected: Vec<Vec<u8>> =
        chunks.iter().map(|chunk| from_hex(chunk["data"].as_str().unwrap())).collect();
    let mut anew = Chunks::default();
    for bytes in &expected {
        for sample in skopos_chunk::XorDecoder::new(bytes).unwrap() {
            let sample = sample.unwrap();
            anew.push(sample.t.as_millis(), sample.v, RANGE);
        }
    }
    let anew: Vec<Vec<u8>> = anew.snapshot(all()).iter().map(|c| c.bytes.to_vec()).collect();
    assert_eq!(anew, expected);
    expected.len()
}

fn from_hex(text: &str) -> Vec<u8> {
    let digits = (0..text.len()).step_by(2).map(|at| &text[at..at + 2]);
    digits.map(|digits| u8::from_str_radix(digits, 16).unwrap()).collect()
}
