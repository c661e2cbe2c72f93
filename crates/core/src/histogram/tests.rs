use alloc::string::ToString;
use alloc::vec;

use super::bucket::upper_bound;
use super::*;

fn exponential() -> Histogram {
    Histogram {
        schema: 1,
        zero_threshold: 0.001,
        zero_count: 2,
        count: 14,
        sum: 18.4,
        positive_spans: vec![Span { offset: 0, length: 2 }, Span { offset: 1, length: 2 }],
        positive_buckets: vec![1, 1, -1, 0],
        negative_spans: vec![Span { offset: 1, length: 2 }],
        negative_buckets: vec![3, 1],
        ..Histogram::default()
    }
}

#[test]
fn prints_filled_buckets_in_ascending_order() {
    let histogram = exponential();
    histogram.validate().unwrap();
    assert_eq!(
        histogram.to_float().to_string(),
        "{count:14, sum:18.4, [-2,-1.414213562373095):4, [-1.414213562373095,-1):3, \
         [-0.001,0.001]:2, (0.7071067811865475,1]:1, (1,1.414213562373095]:2, \
         (2,2.82842712474619]:1, (2.82842712474619,4]:1}"
    );
}

#[test]
fn custom_buckets_reach_to_both_infinities() {
    let histogram = FloatHistogram {
        schema: CUSTOM_BUCKETS_SCHEMA,
        count: 6.0,
        sum: 1.5,
        positive_spans: vec![Span { offset: 0, length: 3 }],
        positive_buckets: vec![1.0, 2.0, 3.0],
        custom_values: [0.5, 1.0].into(),
        ..FloatHistogram::default()
    };
    histogram.validate().unwrap();
    assert_eq!(histogram.to_string(), "{count:6, sum:1.5, [-Inf,0.5]:1, (0.5,1]:2, (1,+Inf]:3}");
}

#[test]
fn bounds_are_exact_at_the_ends_of_the_floats() {
    assert_eq!(upper_bound(-1073, 0, &[]), f64::from_bits(2));
    assert_eq!(upper_bound(-1074, 0, &[]), f64::from_bits(1));
    assert_eq!(upper_bound(i32::MIN, 8, &[]), 0.0);
    assert_eq!(upper_bound(i32::MAX, -4, &[]), f64::INFINITY);
    assert_eq!(upper_bound(1023, 0, &[]), f64::from_bits(0x7fe0_0000_0000_0000));
    assert_eq!(upper_bound(64, -4, &[]), f64::MAX);
}

#[track_caller]
fn check_invalid(change: impl FnOnce(&mut Histogram), message: &str) {
    let mut histogram = exponential();
    change(&mut histogram);
    assert_eq!(histogram.validate().unwrap_err().to_string(), message);
}

#[test]
fn what_is_wrong_is_named() {
    check_invalid(|h| h.schema = 9, "histogram schema 9 is neither -53 nor within -4 to 8");
    check_invalid(
        |h| h.positive_spans[1].offset = -1,
        "histogram has a positive span with a negative offset",
    );
    check_invalid(
        |h| h.negative_spans[0].length = u32::MAX,
        "negative spans cover 4294967295 buckets, but the histogram has 2",
    );
    check_invalid(|h| h.positive_buckets[1] = -2, "histogram has a negative positive bucket");
    check_invalid(
        |h| h.count = 9,
        "the buckets' observations do not match the histogram's count of 9",
    );
}
