//! Lists of buckets: those of histograms and those of none.

use std::sync::Arc;

use proptest::prelude::*;

use super::*;

/// What the API would tell of a histogram.
fn told(histogram: &FloatHistogram) -> Histogram {
    Arc::new(histogram.clone()).into()
}

fn list(buckets: &[(u8, &str, &str, &str)]) -> Histogram {
    let bucket = |&(boundaries, lower, upper, count): &(u8, &str, &str, &str)| answer::Bucket {
        boundaries,
        lower: lower.into(),
        upper: upper.into(),
        count: count.into(),
    };
    let buckets = buckets.iter().map(bucket).collect();
    Histogram { count: "3".into(), sum: "4.5".into(), buckets }
}

/// What is decoded of the list, which is told alike.
#[track_caller]
fn decoded(buckets: &[(u8, &str, &str, &str)]) -> FloatHistogram {
    let list = list(buckets);
    let decoded = decode(&list).expect("a histogram");
    assert_eq!(told(&decoded), list);
    decoded
}

#[track_caller]
fn check_refused(buckets: &[(u8, &str, &str, &str)], expected: &str) {
    let refusal = decode(&list(buckets)).expect_err("no histogram");
    assert_eq!(refusal.to_string(), format!("a native histogram of the answer has {expected}"));
}

#[test]
fn schemas_are_recognized_by_the_bounds() {
    let h = decoded(&[
        (1, "-4", "-2", "1"),
        (1, "-1", "-0.5", "2"),
        (3, "-0.001", "0.001", "3"),
        (0, "1", "2", "-4"),
        (0, "2", "4", "0.5"),
        (0, "16", "32", "1"),
    ]);
    assert_eq!(h.schema, 0);
    assert_eq!((h.zero_threshold, h.zero_count), (0.001, 3.0));
    let span = |offset, length| Span { offset, length };
    assert_eq!(h.positive_spans, [span(1, 2), span(2, 1)]);
    assert_eq!(h.positive_buckets, [-4.0, 0.5, 1.0]);
    assert_eq!(h.negative_spans, [span(0, 1), span(1, 1)]);
    assert_eq!(h.negative_buckets, [2.0, 1.0]);
    let schema = |lower, upper| decoded(&[(0, lower, upper, "1")]).schema;
    assert_eq!(schema("1", "1.0905077326652577"), 3);
    assert_eq!(schema("1", "65536"), -4);
    assert_eq!(schema("1.7976931348623157e+308", "+Inf"), 8);
    assert_eq!(schema("8.98846567431158e+307", "1.7976931348623157e+308"), 0);
    assert_eq!(schema("2.2250738585072014e-308", "4.450147717014403e-308"), 0);
}

#[test]
fn other_bounds_are_custom_buckets() {
    let h = decoded(&[(3, "-Inf", "0.1", "1"), (0, "0.25", "1", "2"), (0, "10", "+Inf", "3")]);
    assert_eq!(h.schema, CUSTOM_BUCKETS_SCHEMA);
    assert_eq!(*h.custom_values, [0.1, 0.25, 1.0, 10.0]);
    assert_eq!(h.positive_buckets, [1.0, 0.0, 2.0, 0.0, 3.0]);
    let h = decoded(&[(0, "1", "3", "1")]);
    assert_eq!((&*h.custom_values, &*h.positive_buckets), (&[1.0, 3.0][..], &[0.0, 1.0][..]));
    let h = decoded(&[(3, "-Inf", "+Inf", "1")]);
    assert_eq!((&*h.custom_values, &*h.positive_buckets), (&[][..], &[1.0][..]));
}

#[test]
fn a_histogram_may_have_no_buckets() {
    let h = decoded(&[]);
    assert_eq!((h.schema, h.count, h.sum), (MAX_SCHEMA, 3.0, 4.5));
    assert_eq!(decoded(&[(3, "-0", "0", "3")]).zero_count, 3.0);
}

#[test]
fn lists_of_no_histogram_are_refused() {
    check_refused(&[(0, "x", "1", "1")], "\"x\" for a number");
    check_refused(&[(7, "0", "1", "1")], "\"7\" for a number");
    check_refused(&[(0, "2", "4", "1"), (0, "1", "2", "1")], "the bucket (1,2]:1 out of order");
    check_refused(&[(0, "1", "1", "1")], "the bucket (1,1]:1 out of order");
    check_refused(&[(0, "NaN", "1", "1")], "the bucket (NaN,1]:1 out of order");
    check_refused(&[(0, "1", "NaN", "1")], "the bucket (1,NaN]:1 out of order");
    check_refused(
        &[(3, "-Inf", "+Inf", "1"), (0, "1", "3", "1")],
        "the bucket (1,3]:1 out of order",
    );
    let other = "which no schema has beside its other buckets";
    check_refused(&[(1, "-3", "-2", "1")], &format!("the bucket [-3,-2):1, {other}"));
    check_refused(&[(2, "1", "2", "1")], &format!("the bucket (1,2):1, {other}"));
    check_refused(
        &[(3, "-0.5", "0.5", "1"), (0, "1", "3", "1")],
        &format!("the bucket [-0.5,0.5]:1, {other}"),
    );
}

/// Runs of buckets, from the least normal float to the greatest.
fn runs(schema: i32) -> impl Strategy<Value = (Vec<Span>, Vec<f64>)> {
    let reach = (1022.0 * f64::from(schema).exp2()) as i32;
    // All of them together reach less than fourteen buckets far.
    let span = (0..3_i32, 1..3_u32).prop_map(|(offset, length)| Span { offset, length });
    (1 - reach..reach - 14, prop::collection::vec(span, 0..4)).prop_flat_map(
        |(first, mut spans)| {
            if let Some(span) = spans.first_mut() {
                span.offset = first;
            }
            let n = spans.iter().map(|span| span.length as usize).sum::<usize>();
            (Just(spans), prop::collection::vec(prop_oneof![Just(0.0), -4.0..9.0], n))
        },
    )
}

fn exponential_histograms() -> impl Strategy<Value = FloatHistogram> {
    let side = |schema| (Just(schema), runs(schema), runs(schema), 0.0..1.0, 0..3_u32);
    (MIN_SCHEMA..=MAX_SCHEMA).prop_flat_map(side).prop_map(
        |(schema, positive, negative, zero_threshold, zero_count)| FloatHistogram {
            schema,
            zero_threshold,
            zero_count: f64::from(zero_count),
            positive_spans: positive.0,
            positive_buckets: positive.1,
            negative_spans: negative.0,
            negative_buckets: negative.1,
            ..FloatHistogram::default()
        },
    )
}

fn custom_histograms() -> impl Strategy<Value = FloatHistogram> {
    let bounds = prop::collection::btree_set(-20..40_i32, 0..8);
    (bounds, prop::collection::vec(prop_oneof![Just(0.0), -4.0..9.0], 9)).prop_map(
        |(bounds, mut counts)| {
            counts.truncate(bounds.len() + 1);
            FloatHistogram {
                schema: CUSTOM_BUCKETS_SCHEMA,
                positive_spans: vec![Span { offset: 0, length: counts.len() as u32 }],
                positive_buckets: counts,
                custom_values: bounds.into_iter().map(|bound| f64::from(bound) * 0.75).collect(),
                ..FloatHistogram::default()
            }
        },
    )
}

proptest! {
    #[test]
    fn what_is_told_of_a_histogram_is_told_of_the_decoded_one(
        histogram in prop_oneof![exponential_histograms(), custom_histograms()],
    ) {
        let text = told(&histogram).text();
        let decoded = decode(&told(&histogram)).expect("a histogram");
        prop_assert_eq!(told(&decoded).text(), text);
        prop_assert_eq!(told(&decoded), told(&histogram));
    }

    #[test]
    fn any_list_has_an_answer(
        list in prop::collection::vec((0..5_u8, any::<f64>(), any::<f64>(), any::<f64>()), 0..6),
    ) {
        let text = |v: f64| answer::number(v);
        let buckets = list.into_iter().map(|(boundaries, lower, upper, count)| answer::Bucket {
            boundaries,
            lower: text(lower),
            upper: text(upper),
            // Empty buckets are not listed.
            count: text(if count == 0.0 { 1.0 } else { count }),
        });
        let list = Histogram { count: "1".into(), sum: "1".into(), buckets: buckets.collect() };
        if let Ok(decoded) = decode(&list) {
            prop_assert_eq!(told(&decoded), list);
        }
    }
}
