use proptest::prelude::*;
use skopos_core::histogram::CUSTOM_BUCKETS_SCHEMA;
use skopos_core::{FloatHistogram, ResetHint, Span};

use super::layout::{expand, pack, reduced};
use super::*;

/// A histogram of positive and negative buckets whose count and sum fit them.
fn exponential(
    schema: i32,
    positive: &[(i32, u32)],
    negative: &[(i32, u32)],
    zero: u32,
) -> FloatHistogram {
    let side = |side: &[(i32, u32)]| -> Vec<(i32, f64)> {
        side.iter().map(|(i, count)| (*i, f64::from(*count))).collect()
    };
    let (positive, negative) = (side(positive), side(negative));
    let count = positive.iter().chain(&negative).fold(0.0, |sum, (_, count)| sum + count);
    let (positive_spans, positive_buckets) = pack(&positive);
    let (negative_spans, negative_buckets) = pack(&negative);
    FloatHistogram {
        schema,
        zero_threshold: 1e-6,
        zero_count: f64::from(zero),
        count: count + f64::from(zero),
        sum: count,
        positive_spans,
        positive_buckets,
        negative_spans,
        negative_buckets,
        ..FloatHistogram::default()
    }
}

fn custom(bounds: &[f64], buckets: &[f64]) -> FloatHistogram {
    FloatHistogram {
        schema: CUSTOM_BUCKETS_SCHEMA,
        count: buckets.iter().sum(),
        sum: 1.0,
        positive_spans: vec![Span { offset: 0, length: buckets.len() as u32 }],
        positive_buckets: buckets.to_vec(),
        custom_values: bounds.into(),
        ..FloatHistogram::default()
    }
}

#[track_caller]
fn check_sum(a: &FloatHistogram, b: &FloatHistogram, expected: &str) {
    let mut sum = a.clone();
    add(&mut sum, b).unwrap();
    assert_eq!(sum.to_string(), expected);
    let mut accumulated = Accumulator::new(a);
    accumulated.add(b).unwrap();
    assert_eq!(accumulated.finish().to_string(), expected, "compensated");
}

#[test]
fn buckets_add_up_by_index_whatever_their_spans_are() {
    let a = exponential(0, &[(0, 1), (1, 2), (5, 3)], &[], 0);
    let b = exponential(0, &[(-1, 4), (1, 5), (2, 6)], &[(0, 7)], 1);
    let expected = "{count:29, sum:28, [-1,-0.5):7, [-1e-06,1e-06]:1, (0.25,0.5]:4, (0.5,1]:1, \
                    (1,2]:7, (2,4]:6, (16,32]:3}";
    check_sum(&a, &b, expected);
}

#[test]
fn the_coarser_schema_wins() {
    let fine = exponential(2, &[(1, 1), (2, 1), (3, 1), (4, 1), (5, 1)], &[], 0);
    let coarse = exponential(0, &[(1, 10)], &[], 0);
    check_sum(&fine, &coarse, "{count:15, sum:15, (1,2]:14, (2,4]:1}");
    check_sum(&coarse, &fine, "{count:15, sum:15, (1,2]:14, (2,4]:1}");
}

#[test]
fn a_larger_zero_bucket_swallows_what_it_covers() {
    let mut wide = exponential(0, &[(3, 1)], &[], 5);
    wide.zero_threshold = 0.75;
    let narrow = exponential(0, &[(-3, 1), (0, 2), (2, 4)], &[(-2, 8)], 16);
    // 0.75 falls into (0.5, 1], which has observations: the zero bucket grows to 1.
    check_sum(&wide, &narrow, "{count:37, sum:16, [-1,1]:32, (2,4]:4, (4,8]:1}");
    check_sum(&narrow, &wide, "{count:37, sum:16, [-1,1]:32, (2,4]:4, (4,8]:1}");
}

#[test]
fn thresholds_that_do_not_compare_end() {
    let mut odd = exponential(0, &[(0, 1)], &[], 1);
    odd.zero_threshold = f64::NAN;
    let plain = exponential(0, &[(0, 1)], &[], 1);
    let mut sum = odd.clone();
    add(&mut sum, &plain).unwrap();
    assert_eq!(sum.count, 4.0);
    Accumulator::new(&plain).add(&odd).unwrap();
}

#[test]
fn custom_bounds_that_both_have_are_kept() {
    let a = custom(&[1.0, 2.0, 4.0], &[1.0, 2.0, 3.0, 4.0]);
    let b = custom(&[2.0, 3.0, 4.0], &[10.0, 20.0, 30.0, 40.0]);
    check_sum(&a, &b, "{count:110, sum:2, [-Inf,2]:13, (2,4]:53, (4,+Inf]:44}");
    let mut sum = a.clone();
    assert!(add(&mut sum, &b).unwrap().reconciled);
    assert_eq!(add(&mut sum, &exponential(0, &[], &[], 1)), Err(Incompatible));
}

#[test]
fn hints_combine() {
    use ResetHint::{Gauge, NotReset, Reset, Unknown};
    for (a, b, expected, collides) in [
        (Gauge, Reset, Gauge, false),
        (NotReset, NotReset, NotReset, false),
        (NotReset, Unknown, Unknown, false),
        (Reset, NotReset, Unknown, true),
    ] {
        assert_eq!(combined_hint(a, b), (expected, collides));
        assert_eq!(combined_hint(b, a), (expected, collides));
    }
}

#[test]
fn a_negative_factor_makes_a_gauge_and_zero_leaves_no_buckets() {
    let mut h = exponential(0, &[(0, 1)], &[], 1);
    mul(&mut h, -2.0);
    assert_eq!((h.reset_hint, h.count, h.positive_buckets[0]), (ResetHint::Gauge, -4.0, -2.0));
    div(&mut h, 0.0);
    assert!(h.positive_buckets.is_empty() && h.count == f64::NEG_INFINITY);
}

#[track_caller]
fn check_reset(current: &FloatHistogram, previous: &FloatHistogram, expected: bool) {
    assert_eq!(detect_reset(current, previous), expected, "{current} after {previous}");
}

#[test]
fn resets_are_found_in_every_part() {
    let before = exponential(1, &[(0, 2), (3, 4)], &[(1, 1)], 1);
    check_reset(&before, &before, false);
    check_reset(&exponential(1, &[(0, 2), (3, 9)], &[(1, 1)], 1), &before, false);
    check_reset(&exponential(1, &[(0, 2), (3, 3)], &[(1, 9)], 1), &before, true);
    check_reset(&exponential(1, &[(0, 9), (3, 4)], &[], 1), &before, true);
    check_reset(&exponential(1, &[(0, 2), (3, 9)], &[(1, 1)], 0), &before, true);
    // A coarser schema is no reset, a finer one is.
    check_reset(&exponential(0, &[(0, 2), (2, 4)], &[(1, 1)], 1), &before, false);
    check_reset(&exponential(2, &[(0, 20), (5, 40)], &[(1, 10)], 1), &before, true);
    let mut hinted = exponential(1, &[], &[], 0);
    hinted.reset_hint = ResetHint::NotReset;
    check_reset(&hinted, &before, false);
}

#[test]
fn quantiles_of_the_ends_are_the_ends() {
    let h = exponential(0, &[(1, 4), (2, 4)], &[], 0);
    assert_eq!(quantile(0.0, &h).value, 1.0);
    assert_eq!(quantile(0.5, &h).value, 2.0);
    assert_eq!(quantile(1.0, &h).value, 4.0);
    assert!(quantile(0.5, &FloatHistogram::default()).value.is_nan());
    assert_eq!(fraction(1.0, 2.0, &h).value, 0.5);
    assert_eq!(fraction(f64::NEG_INFINITY, f64::INFINITY, &h).value, 1.0);
}

#[test]
fn the_mean_survives_an_overflow() {
    let mut huge = exponential(0, &[(0, 1)], &[], 0);
    huge.sum = f64::MAX;
    let mut mean = HistogramMean::new(&huge);
    for _ in 0..3 {
        mean.add(&huge).unwrap();
    }
    assert!(0.999_999_999 < mean.value().sum / f64::MAX);
    assert_eq!(mean.value().count, 1.0);
}

fn side() -> impl Strategy<Value = Vec<(i32, u32)>> {
    proptest::collection::btree_map(-20..20_i32, 0..100_u32, 0..12)
        .prop_map(|side| side.into_iter().collect())
}

fn any_histogram() -> impl Strategy<Value = FloatHistogram> {
    (-4..=8_i32, side(), side(), 0..50_u32).prop_map(|(schema, positive, negative, zero)| {
        FloatHistogram { zero_threshold: 0.0, ..exponential(schema, &positive, &negative, zero) }
    })
}

proptest! {
    #[test]
    fn spans_describe_their_buckets(h in any_histogram()) {
        let side = expand(&h.positive_spans, &h.positive_buckets);
        prop_assert_eq!(pack(&side), (h.positive_spans, h.positive_buckets));
    }

    #[test]
    fn what_was_added_can_be_subtracted(a in any_histogram(), b in any_histogram()) {
        let mut sum = a.clone();
        add(&mut sum, &b).unwrap();
        prop_assert_eq!(sum.count, a.count + b.count);
        sub(&mut sum, &b).unwrap();
        compact(&mut sum);
        let mut expected = a;
        reduce(&mut expected, sum.schema);
        compact(&mut expected);
        prop_assert_eq!(sum, expected);
    }

    #[test]
    fn a_compensated_sum_of_whole_counts_is_the_sum(a in any_histogram(), b in any_histogram()) {
        let mut sum = a.clone();
        add(&mut sum, &b).unwrap();
        let mut accumulated = Accumulator::new(&a);
        accumulated.add(&b).unwrap();
        let mut accumulated = accumulated.finish();
        compact(&mut sum);
        compact(&mut accumulated);
        prop_assert_eq!(accumulated, sum);
    }

    #[test]
    fn a_coarser_schema_loses_no_observation(h in any_histogram(), by in 1..4_i32) {
        let target = h.schema - by;
        let total = |side: &[(i32, f64)]| side.iter().map(|(_, count)| count).sum::<f64>();
        let side = reduced(&h.positive_spans, &h.positive_buckets, h.schema, target);
        prop_assert_eq!(total(&side), h.positive_buckets.iter().sum::<f64>());
        prop_assert!(side.windows(2).all(|pair| pair[0].0 < pair[1].0));
    }

    #[test]
    fn growing_is_no_reset(a in any_histogram(), b in any_histogram()) {
        let mut sum = a.clone();
        add(&mut sum, &b).unwrap();
        prop_assert!(!detect_reset(&sum, &a));
    }

    #[test]
    fn quantiles_ascend(h in any_histogram(), q in 0.0..1.0_f64, more in 0.0..1.0_f64) {
        let (low, high) = (quantile(q, &h).value, quantile(q + (1.0 - q) * more, &h).value);
        prop_assert!(low.is_nan() || low <= high * (1.0 + 1e-9 * high.signum()), "{} {}", low, high);
    }

    #[test]
    fn both_parts_of_a_trimmed_histogram_are_the_whole(h in any_histogram(), at in -10.0..10.0_f64) {
        let (below, above) = (trim(&h, at, Trim::Upper), trim(&h, at, Trim::Lower));
        prop_assert!((below.count + above.count - h.count).abs() < 1e-6 * h.count.max(1.0));
    }
}
