//! The language by example: what is read, and what is refused in which words.

use skopos_promql::ast::{At, BinaryOp, DurationArg, Expr, VectorMatchCardinality};
use skopos_promql::{ParseOptions, ValueType, parse};

#[track_caller]
fn check(source: &str, value_type: ValueType, printed: &str) {
    let expr = parse(source, &ParseOptions::all()).expect("a query");
    assert_eq!((expr.value_type(), expr.to_string().as_str()), (value_type, printed));
}

#[test]
fn operators_bind_as_in_prometheus() {
    let height = |source| {
        fn height(expr: &Expr) -> usize {
            1 + expr.children().map(height).max().unwrap_or(0)
        }
        height(&parse(source, &ParseOptions::all()).expect("a query"))
    };
    assert_eq!(height("1 + 2 * 3"), height("1 * 2 + 3"));
    let Ok(Expr::Binary(power)) = parse("2 ^ 3 ^ 2", &ParseOptions::all()) else { unreachable!() };
    assert!(matches!(power.rhs, Expr::Binary(_)), "binds to the right");
    let Ok(Expr::Unary(_)) = parse("-2 ^ 2", &ParseOptions::all()) else {
        unreachable!("a power binds tighter than a sign")
    };
    let Ok(Expr::Binary(or)) = parse("a or b and c", &ParseOptions::all()) else { unreachable!() };
    assert_eq!(or.op, BinaryOp::Or);
}

#[test]
fn selectors_keep_their_conditions_in_order() {
    let source = "foo{b=\"1\", a!~\"x.*\"} @ end() offset -5m";
    let Ok(Expr::Vector(foo)) = parse(source, &ParseOptions::all()) else { unreachable!() };
    let matchers: Vec<String> = foo.matchers.iter().map(ToString::to_string).collect();
    assert_eq!(matchers, ["b=\"1\"", "a!~\"x.*\"", "__name__=\"foo\""]);
    assert_eq!(foo.at, Some(At::End));
    assert_eq!(foo.offset, DurationArg::Millis(-300_000));
    assert_eq!(foo.span.slice(source), source);
}

#[test]
fn set_operators_match_many_to_many_and_scalars_not_at_all() {
    let matching = |source| match parse(source, &ParseOptions::all()) {
        Ok(Expr::Binary(e)) => e.matching.map(|matching| matching.card),
        _ => None,
    };
    assert_eq!(matching("a and on (x) b"), Some(VectorMatchCardinality::ManyToMany));
    assert_eq!(matching("a / on (x) group_right b"), Some(VectorMatchCardinality::OneToMany));
    assert_eq!(matching("a / b"), Some(VectorMatchCardinality::OneToOne));
    assert_eq!(matching("a / 2"), None);
}

#[test]
fn every_kind_of_expression_has_its_type() {
    check("SUM(foo) By (\"a b\",c,)", ValueType::Vector, "sum by (\"a b\", c) (foo)");
    check("-1e3", ValueType::Scalar, "-1000");
    check("5m", ValueType::Scalar, "5m");
    check("\"\\u0041\"", ValueType::String, "\"A\"");
    check("foo[300] offset 1w1d", ValueType::Matrix, "foo[5m] offset 8d");
    check("(1 + 2) > bool 3", ValueType::Scalar, "(1 + 2) > bool 3");
    check("foo[1h:] @ 5", ValueType::Matrix, "foo[1h:] @ 5.000");
    check("info(foo, {a=\"b\"})", ValueType::Vector, "info(foo, {a=\"b\"})");
    check("{\"a.b\", c=''}", ValueType::Vector, "{__name__=\"a.b\",c=\"\"}");
    check("fill + fill(1) sum", ValueType::Vector, "fill + fill (1) sum");
}

#[track_caller]
fn check_error(source: &str, expected: &str) {
    let error = parse(source, &ParseOptions::default()).expect_err(source);
    assert_eq!(error.to_string(), expected, "{source}");
}

#[test]
fn errors_say_what_prometheus_says() {
    check_error("", "unknown position: parse error: no expression found in input");
    check_error("foo{a=~\"(\"}", "1:5: parse error: error parsing regexp: missing closing ): `(`");
    check_error("sum(foo", "1:8: parse error: unclosed left parenthesis");
    check_error(
        "rate(foo)",
        concat!(
            "1:6: parse error: expected type range vector in call to function \"rate\", ",
            "got instant vector",
        ),
    );
    check_error(
        "foo{a}",
        concat!(
            "1:6: parse error: unexpected \"}\" in label matching, ",
            "expected label matching operator",
        ),
    );
    check_error(
        "foo offset x",
        concat!(
            "1:12: parse error: unexpected identifier \"x\" in offset, ",
            "expected number, duration, step(), or range()",
        ),
    );
    check_error(
        "{a=~\".*\"}",
        "1:1: parse error: vector selector must contain at least one non-empty matcher",
    );
    check_error(
        "limitk(1, foo)",
        concat!(
            "1:1: parse error: limitk() is experimental and must be enabled with ",
            "--enable-feature=promql-experimental-functions",
        ),
    );
    check_error(
        "\"\\xff\"",
        "1:1: parse error: string escapes make invalid UTF-8, which is not supported",
    );
}
