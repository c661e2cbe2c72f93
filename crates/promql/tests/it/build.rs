//! Queries made by code print to texts that parse to the same.

use std::time::Duration;

use proptest::prelude::*;
use skopos_core::{MatchOp, Timestamp};
use skopos_promql::build::{
    Arithmetic, Comparison, Grouping, Matching, Vector, number, selector, time,
};
use skopos_promql::{MAX_NESTING, ParseOptions, parse};

#[track_caller]
fn check(built: Vector, expected: &str) {
    let expr = built.finish().expect("a query");
    assert_eq!(expr.to_string(), expected);
    assert_eq!(parse(expected, &ParseOptions::default()), Ok(expr), "with places in the text");
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
    let sub = selector("foo").vector().sum(&Grouping::without([])).subquery(minute, Some(minute));
    check(sub.quantile_over_time(0.5), "quantile_over_time(0.5, sum without () (foo)[1m:1m])");
    check(selector("foo").vector().topk(3.0, &Grouping::by(["a"])), "topk by (a) (3, foo)");
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

fn text() -> impl Strategy<Value = String> {
    prop_oneof![
        proptest::sample::select(
            &["", "up", "sum", "by", "inf", "fill", "a:b", "__name__", "x.y", "on"][..]
        )
        .prop_map(str::to_owned),
        "[a-z\"\\\\\n é0-9]{0,6}",
    ]
}

fn op() -> impl Strategy<Value = MatchOp> {
    proptest::sample::select(&[MatchOp::Equal, MatchOp::NotEqual, MatchOp::NotRegex][..])
}

fn vectors() -> impl Strategy<Value = Vector> {
    let leaf = (text(), text(), op(), text(), any::<Option<i64>>(), any::<Duration>()).prop_map(
        |(name, label, op, value, at, offset)| {
            let value = if op.is_regex() { value.replace('\\', "") } else { value };
            let found = selector(&name).label(&label, op, &value);
            match at {
                Some(at) => found.at(Timestamp::from_millis(at)).offset_ahead(offset).vector(),
                None => found.offset(offset).vector(),
            }
        },
    );
    leaf.prop_recursive(5, 24, 2, |inner| {
        prop_oneof![
            (inner.clone(), inner.clone(), any::<bool>()).prop_map(|(a, b, sum)| if sum {
                a + b
            } else {
                a % b
            }),
            (inner.clone(), any::<f64>()).prop_map(|(a, n)| number(n) / a.pow(n)),
            (inner.clone(), inner.clone(), text(), text()).prop_map(|(a, b, l, m)| {
                let pairing = Matching::on([l.as_str()]).group_left([m.as_str()]);
                a.arithmetic(Arithmetic::Atan2, pairing, b)
            }),
            (inner.clone(), inner.clone(), text())
                .prop_map(|(a, b, l)| a.or(Matching::ignoring([l.as_str()]), b)),
            (inner.clone(), text())
                .prop_map(|(a, l)| -a.quantile(0.5, &Grouping::by([l.as_str()]))),
            (inner.clone(), text(), text()).prop_map(|(a, t, u)| a.label_replace(&t, &u, &t, &u)),
            (inner, any::<Duration>(), any::<Option<Duration>>())
                .prop_map(|(a, range, step)| a.subquery(range, step).max_over_time()),
        ]
    })
}

proptest! {
    #[test]
    fn what_is_built_prints_to_what_parses_to_it(built in vectors()) {
        let expr = match built.clone().finish() {
            Ok(expr) => expr,
            Err(error) => return Err(TestCaseError::fail(format!("{error}: {built}"))),
        };
        let again = parse(&expr.to_string(), &ParseOptions::default());
        prop_assert_eq!(format!("{again:?}"), format!("{:?}", Ok::<_, ()>(expr)));
    }
}
