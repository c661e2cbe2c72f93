//! The evaluator against answers worked out by hand.

use skopos_core::{Labels, Matcher, QueryValue, Sample, SampleValue, VectorSample, stale_nan};

use super::eval::Value;
use super::expr::{Binary, Matching, Selector, Shift};
use super::histogram::{Histogram, Layout};
use super::*;

/// Series `m{i="…"}` with samples at milliseconds.
fn case(series: &[(&str, &[(i64, f64)])], at: i64, expr: Expr) -> Case {
    let labels = |i: &str| Labels::from_pairs([("__name__", "m"), ("i", i)]);
    let values = |samples: &[(i64, f64)]| samples.iter().map(|(t, v)| (*t, (*v).into())).collect();
    let series = series.iter().map(|(i, samples)| (labels(i), values(samples))).collect();
    Case {
        data: Data { series },
        expr,
        start: at,
        end: at,
        step: 0,
        lookback: 300_000,
        subquery_step: Case::SUBQUERY_STEP,
    }
}

fn selector() -> Selector {
    Selector { matchers: vec![Matcher::equal("__name__", "m")], shift: Shift::default() }
}

fn call(name: &'static str, range: i64) -> Expr {
    Expr::Call(name, vec![Expr::Window(selector(), range)])
}

fn operator(op: &'static str, on: bool) -> Expr {
    let matching = Matching { on, ..Matching::default() };
    let (left, right) = (Expr::Select(selector()), Expr::Select(selector()));
    Expr::Binary(Box::new(Binary { op, returns_bool: false, matching, left, right }))
}

/// The answer of an engine that finds these values of `i`.
fn found(case: &Case, name: &str, values: &[(&str, f64)]) -> Result<QueryOutput, Error> {
    let samples = values.iter().map(|(i, v)| VectorSample {
        labels: Labels::from_pairs([("__name__", name), ("i", i)]),
        t: Timestamp::from_millis(case.start),
        value: SampleValue::Float(*v),
    });
    Ok(QueryOutput::new(QueryValue::Vector(samples.collect())))
}

#[track_caller]
fn check(case: &Case, name: &str, values: &[(&str, f64)]) {
    assert_eq!(case.judge(&found(case, name, values)), Verdict::Agreed, "{}", case.describe());
    let more: Vec<(&str, f64)> = values.iter().map(|(i, v)| (*i, v + 1.0)).collect();
    let other = case.judge(&found(case, name, &[&more[..], &[("more", 1.0)]].concat()));
    assert!(matches!(other, Verdict::Disagreed(_)), "{other:?}");
}

#[test]
fn every_seed_makes_a_case_that_can_be_evaluated() {
    let nothing = QueryOutput::new(QueryValue::Vector(Vec::new()));
    let verdicts: Vec<Verdict> =
        (0..50).map(|seed| Case::random(seed).judge(&Ok(nothing.clone()))).collect();
    let disagreed = verdicts.iter().filter(|v| matches!(v, Verdict::Disagreed(_))).count();
    assert!(25 < disagreed, "{verdicts:?}");
}

#[test]
fn a_selector_finds_the_newest_sample_that_is_not_too_old() {
    let series: [(&str, &[(i64, f64)]); 4] = [
        ("a", &[(1, 1.0), (300_000, 2.0), (300_001, 3.0)]),
        ("just", &[(1, 4.0)]),
        ("old", &[(0, 5.0)]),
        ("stale", &[(1, 6.0), (2, stale_nan())]),
    ];
    check(&case(&series, 300_000, Expr::Select(selector())), "m", &[("a", 2.0), ("just", 4.0)]);
}

#[test]
fn windows_are_open_to_the_left_and_skip_markers() {
    let samples = [(10_000, 1.0), (20_000, 2.0), (30_000, stale_nan()), (40_000, 4.0)];
    let count = case(&[("a", &samples)], 40_000, call("count_over_time", 30_000));
    check(&count, "", &[("a", 2.0)]);
}

#[test]
fn rates_are_drawn_out_to_the_ends_of_the_window() {
    // 10 in 20 s; half of the 10 s between samples before the first, since 25 s are too far, and all of
    // the 5 s after the last.
    let samples = [(35_000, 100.0), (45_000, 105.0), (55_000, 110.0)];
    let increase = case(&[("a", &samples)], 60_000, call("increase", 50_000));
    check(&increase, "", &[("a", 10.0 * 30.0 / 20.0)]);
    // After a reset it counts from 0, and going back from 0.25 the counter is 0 after 5 s.
    let samples = [(20_000, 0.25), (30_000, 0.0), (40_000, 1.0)];
    let increase = case(&[("a", &samples)], 40_000, call("increase", 30_000));
    check(&increase, "", &[("a", 25.0 / 20.0)]);
}

#[test]
fn a_side_with_equal_labels_is_an_error() {
    let series: [(&str, &[(i64, f64)]); 2] = [("a", &[(1, 1.0)]), ("b", &[(1, 2.0)])];
    let by_labels = case(&series, 10, operator("+", false));
    check(&by_labels, "", &[("a", 2.0), ("b", 4.0)]);
    let by_nothing = case(&series, 10, operator("+", true));
    let error = Err(Error::new(ErrorKind::Execution, "found duplicate series"));
    assert_eq!(by_nothing.judge(&error), Verdict::BothFailed);
    let none = by_nothing.judge(&found(&by_nothing, "", &[]));
    assert!(matches!(none, Verdict::Disagreed(_)), "{none:?}");
}

#[test]
fn histograms_are_added_and_told_of() {
    let histogram = |schema, buckets: &[(i32, f64)]| {
        let mut h = Histogram::empty(Layout::Exponential(schema));
        h.positive = buckets.iter().copied().collect();
        h.count = buckets.iter().map(|(_, count)| count).sum();
        h.sum = h.count * 3.0;
        h
    };
    // (1, 2] twice and (2, 4] once; (2, 2.83] and (2.83, 4] once each, which are (2, 4].
    let (a, b) = (histogram(0, &[(1, 2.0), (2, 1.0)]), histogram(1, &[(3, 1.0), (4, 1.0)]));
    let total = a.plus(&b).expect("a sum").expect("a histogram");
    assert_eq!(total.to_float().to_string(), "{count:5, sum:15, (1,2]:2, (2,4]:3}");
    assert!(b.was_reset(&a).expect("known"), "fewer observations");
    let mut more = total.clone();
    more.count += 1.0;
    assert!(!more.was_reset(&total).expect("known"));
    // The second of three observations in (2, 4], in the middle by its logarithm.
    assert_eq!(estimate::quantile(0.7, &total), 2.0 * 2_f64.powf(0.5));
    assert_eq!(estimate::fraction(0.0, 2.0, &total), 0.4);
    let found = Histogram::of(&total.to_float());
    assert!(found.equals(&total).expect("known"));
    assert!(!found.almost_equals(&more));
}

#[test]
fn which_of_equal_values_is_best_is_not_laid_down() {
    let topk = |k| Expr::Aggregate {
        op: "topk",
        grouping: None,
        param: Some(Box::new(Expr::Number(k))),
        input: Box::new(Expr::Select(selector())),
    };
    let series: [(&str, &[(i64, f64)]); 3] =
        [("a", &[(1, 2.0)]), ("b", &[(1, 2.0)]), ("c", &[(1, 3.0)])];
    check(&case(&series, 10, topk(1.0)), "m", &[("c", 3.0)]);
    let two = case(&series, 10, topk(2.0));
    assert_eq!(two.judge(&found(&two, "m", &[])), Verdict::Unspecified);
}

#[test]
fn what_fails_is_made_small() {
    let series: [(&str, &[(i64, f64)]); 2] = [("a", &[(1, 1.0), (5, 7.0)]), ("b", &[(1, 2.0)])];
    let is_it = |(t, v): &(i64, Value)| (*t, v.float()) == (5, Some(7.0));
    let negated = Expr::Negate(Box::new(Expr::Select(selector())));
    let small = case(&series, 10, negated)
        .shrink(|case| case.data.series.iter().any(|(_, samples)| samples.iter().any(is_it)));
    assert_eq!(small.text(), "m");
    assert_eq!(small.data.series.len(), 1);
    let [sample] = small.data.series[0].1.as_slice() else { unreachable!("one is left") };
    assert!(is_it(sample));
}

#[test]
fn a_case_prints_a_query_and_its_store_holds_the_data() {
    let samples: &[(i64, f64)] = &[(1, 1.0)];
    let case = case(&[("a", samples)], 10, call("rate", 60_000));
    assert_eq!(case.text(), "rate(m[60000ms])");
    let labels = Labels::from_pairs([("__name__", "m"), ("i", "a")]);
    assert_eq!(case.store().floats(&labels), [Sample::new(1, 1.0)]);
}
