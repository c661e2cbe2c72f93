//! Queries made by code print to texts that parse to the same.

use std::time::Duration;

use skopos_core::{MatchOp, Timestamp};
use skopos_promql::build::{
    Arithmetic, Comparison, Grouping, Interval, Matching, Trim, Vector, end, number, selector,
    start, time,
};
use skopos_promql::{ErrorKind, MAX_NESTING, ParseOptions, parse};

#[track_caller]
fn check(built: Vector, expected: &str) {
    let expr = built.finish().expect("a query");
    assert_eq!(expr.to_string(), expected);
    assert_eq!(parse(expected, &ParseOptions::all()), Ok(expr), "with places in the text");
}

#[test]
fn operators_keep_their_operands_together() {
    let (a, b) = (|| selector("a").vector(), || selector("b").vector());
    check((a() + b()) * number(2.0), "(a + b) * 2");
    check(-(a() - number(-1.0)), "-(a - (-1))");
    check(number(f64::INFINITY) + a().pow(2.0), "(+Inf) + (a ^ 2)");
    check((a() / b()).unless(Matching::on(["x"]), b()), "(a / b) unless on (x) b");
    check(a().compare(Comparison::Less, Matching::ignoring(["x", ""]), b()), "a < ignoring (x) b");
    let grouped = Matching::on(["x"]).group_right(["x", "y.z"]);
    check(a().arithmetic(Arithmetic::Pow, grouped, b()), "a ^ on (x) group_right (\"y.z\") b");
    check(
        a().compare_with_bool(Comparison::Equal, time().compare(Comparison::Greater, 5.0)),
        "a == bool (time() > bool 5)",
    );
}

#[test]
fn selectors_and_functions() {
    let minute = Duration::from_secs(60);
    let foo = || selector("foo").label("a b", MatchOp::NotRegex, "x\"y");
    check(
        foo().offset(minute).range(Duration::ZERO).rate(),
        "rate(foo{\"a b\"!~\"x\\\"y\"}[1ms] offset 1m)",
    );
    check(foo().at(Timestamp::from_millis(1500)).vector(), "foo{\"a b\"!~\"x\\\"y\"} @ 1.500");
    check(
        selector("on").label("__name__", MatchOp::NotEqual, "x").into(),
        "{__name__!=\"x\",__name__=\"on\"}",
    );
    let sub = selector("foo").vector().sum(&Grouping::without([])).subquery(minute).step(minute);
    let text = "quantile_over_time(0.5, sum without () (foo)[1m:1m])";
    check(sub.clone().matrix().quantile_over_time(0.5), text);
    let text = "rate(sum without () (foo)[1m:1m] @ end() offset -1m)";
    check(sub.at_end().offset_ahead(minute).matrix().rate(), text);
    check(selector("foo").vector().topk(3.0, &Grouping::by(["a"])), "topk by (a) (3, foo)");
}

#[test]
fn durations_are_computed() {
    let minute = Duration::from_secs(60);
    let foo = || selector("foo");
    let four_steps = || Interval::step() * 4.0;
    check(foo().range(four_steps() + minute).rate(), "rate(foo[(step() * 4) + 1m])");
    check(foo().range(-(four_steps() - minute)).rate(), "rate(foo[-((step() * 4) - 1m)])");
    check(foo().range(Interval::seconds(-2.0).pow(2.0)).rate(), "rate(foo[(-2) ^ 2])");
    check(foo().offset(four_steps()).vector() + foo().vector(), "(foo offset (step() * 4)) + foo");
    check(foo().offset_ahead(Interval::range()).vector(), "foo offset -range()");
    check(foo().offset(Duration::from_millis(1001)).vector(), "foo offset 1s1ms");
    let odd = Interval::range() % Duration::from_millis(1001);
    check(foo().range(odd).rate(), "rate(foo[range() % 1.001])");
    let sub =
        foo().vector().subquery(Interval::range().min_of(minute)).step(Interval::step() / 2.0);
    check(sub.at_start().matrix().deriv(), "deriv(foo[min_of(range(), 1m):step() / 2] @ start())");
    for wrong in [Interval::step() / 0.0, Interval::seconds(f64::NAN), Interval::seconds(1e300)] {
        let error = foo().range(wrong).rate().finish().expect_err("it is no duration");
        assert_eq!(error.kind(), ErrorKind::Parse, "{error}");
    }
    let mut deep = Interval::step();
    for _ in 0..100_000 {
        deep = -deep.max_of(1.0) + Interval::step();
    }
    let error = foo().range(deep).rate().finish().expect_err("it is too deep");
    assert!(error.message().contains(&MAX_NESTING.to_string()), "{error}");
}

#[test]
fn what_is_missing_is_filled_in() {
    let (a, b) = (|| selector("a").vector(), || selector("b").vector());
    let all = || Matching::default().pairing();
    check(a().arithmetic(Arithmetic::Add, all().fill(0.0), b()), "a + fill (0) b");
    let sides = all().fill_left(-0.0).fill_right(f64::NEG_INFINITY);
    let text = "a > bool fill_left (0) fill_right (-Inf) b";
    check(a().compare_bool(Comparison::Greater, sides, b()), text);
    let grouped = Matching::on(["x"]).group_left(["y"]).fill_right(1.5);
    let text = "a </ on (x) group_left (y) fill_right (1.5) b";
    check(a().trim(Trim::Above, grouped, b()), text);
}

#[test]
fn experimental_parts_must_be_enabled() {
    let minute = Duration::from_secs(60);
    let check = |built: Vector, text: &str| {
        let refused = built.clone().finish_with(&ParseOptions::default());
        assert!(refused.is_err(), "{text}");
        assert_eq!(built.finish().expect("a query").to_string(), text);
    };
    let foo = || selector("foo");
    check(foo().smoothed_range(minute).rate(), "rate(foo[1m] smoothed)");
    check(foo().at_end().anchored_range(minute).resets(), "resets(foo[1m] anchored @ end())");
    check(foo().offset(minute).smoothed(), "foo smoothed offset 1m");
    check(foo().vector().limitk(3.0, &Grouping::by(["a"])), "limitk by (a) (3, foo)");
    check(foo().vector().sort_by_label(["a", "b"]), "sort_by_label(foo, \"a\", \"b\")");
    check(end().max_of(start()).vector(), "vector(max_of(end(), start()))");
    let quantiles = foo().vector().histogram_quantiles("q", [0.5, 0.9]);
    check(quantiles, "histogram_quantiles(foo, \"q\", 0.5, 0.9)");
}

#[test]
fn what_cannot_be_is_refused_in_the_end() {
    let wrong = selector("foo").label("a", MatchOp::Regex, "(").vector().finish();
    assert!(wrong.expect_err("it is no pattern").message().contains("missing closing )"));
    let mut deep = selector("foo").vector();
    for _ in 0..100_000 {
        deep = -deep.abs() + selector("bar").vector();
    }
    let error = deep.finish().expect_err("it is too deep");
    assert!(error.message().contains(&MAX_NESTING.to_string()), "{error}");
}

#[test]
fn labels_that_read_as_numbers_are_printed_quoted() {
    let text = "sum by (\"inf\", \"NaN\", infinite) (up)";
    let expr = parse(text, &ParseOptions::default()).expect("a query");
    assert_eq!(expr.to_string(), text);
}
