//! Where chunks are cut. A store's own tests have the rules together with an encoder.
#![expect(
    clippy::arithmetic_side_effects,
    clippy::indexing_slicing,
    reason = "small numbers, and a test may fail"
)]

use alloc::vec::Vec;

use super::*;

const RANGE: i64 = 2 * 60 * 60 * 1_000;
/// Two minutes before a border between ranges.
const START: i64 = 1_700_000_000_000 / RANGE * RANGE + RANGE - 120_000;

/// The sample counts of chunks of floats whose samples take so many bytes.
fn floats(times: impl IntoIterator<Item = i64>, bytes: usize) -> Vec<usize> {
    let mut cuts = FloatCut::new(0, RANGE);
    chunks(times, bytes, |t, fill| {
        if fill.samples == 0 || cuts.is_due(t, fill) {
            cuts = FloatCut::new(t, RANGE);
            return true;
        }
        assert!(cuts.first() <= fill.last);
        false
    })
}

fn histograms(times: impl IntoIterator<Item = i64>, bytes: usize) -> Vec<usize> {
    let mut cuts = HistogramCut::new(0, RANGE);
    chunks(times, bytes, |t, fill| {
        if fill.samples == 0 || cuts.is_due(t, fill) {
            cuts = HistogramCut::new(t, RANGE);
            return true;
        }
        assert!(cuts.first() <= fill.last);
        false
    })
}

fn chunks(
    times: impl IntoIterator<Item = i64>,
    bytes: usize,
    mut is_new: impl FnMut(i64, Fill) -> bool,
) -> Vec<usize> {
    let mut counts = Vec::new();
    let mut fill = Fill::default();
    for t in times {
        if is_new(t, fill) {
            counts.push(0);
            fill = Fill { samples: 0, bytes: 3, last: t };
        }
        *counts.last_mut().unwrap() += 1;
        fill = Fill { samples: fill.samples + 1, bytes: fill.bytes + bytes, last: t };
    }
    counts
}

#[test]
fn floats_end_at_120_samples_and_with_the_range() {
    let times = || (0..500).map(|i| START + i * 15_000);
    assert_eq!(floats(times(), 2), [8, 120, 120, 120, 120, 12]);
    // A kibibyte is full before.
    assert_eq!(floats(times(), 16)[1..3], [63, 63]);
}

#[test]
fn a_rate_that_grows_ends_chunks_at_240_samples() {
    let slow = (0..31).map(|i| START + 120_000 + i * 60_000);
    let fast = (1..1_000).map(|i| START + 120_000 + 30 * 60_000 + i);
    assert_eq!(floats(slow.chain(fast), 1)[0], 240);
}

#[test]
fn histograms_end_at_a_kibibyte_and_with_the_range() {
    let times = || (0..500).map(|i| START + i * 15_000);
    assert_eq!(histograms(times(), 10)[..4], [8, 120, 120, 120]);
    // Ten of them are more than two kibibytes.
    assert_eq!(histograms(times(), 500)[..4], [8, 10, 10, 10]);
}

#[test]
fn ranges_are_aligned_towards_zero() {
    assert_eq!(range_end(0, 10), 10);
    assert_eq!(range_end(9, 10), 10);
    assert_eq!(range_end(10, 10), 20);
    assert_eq!(range_end(-1, 10), 10);
    assert_eq!(range_end(-11, 10), 0);
    assert_eq!(range_end(i64::MAX, 10), i64::MAX);
    assert_eq!(range_end(i64::MIN, i64::MAX), 0);
}

#[test]
fn nothing_overflows() {
    for first in [i64::MIN, -1, 0, i64::MAX] {
        for range in [i64::MIN, 0, 1, i64::MAX] {
            for last in [i64::MIN, first, i64::MAX] {
                let fill = Fill { samples: PREDICT_AT, bytes: 600, last };
                let (mut floats, mut histograms) =
                    (FloatCut::new(first, range), HistogramCut::new(first, range));
                let due = (floats.is_due(i64::MAX, fill), histograms.is_due(i64::MAX, fill));
                assert!(due == (true, true) || range == i64::MAX || first == i64::MAX, "{due:?}");
            }
        }
    }
    assert_eq!(predict_end(i64::MIN, i64::MAX, i64::MAX, 4.0), i64::MAX);
    assert_eq!(floor(2.75).to_bits(), 2.0_f64.to_bits());
    assert_eq!(floor(1e300).to_bits(), 1e300_f64.to_bits());
}
