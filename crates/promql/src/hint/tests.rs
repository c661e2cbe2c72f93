//! Mistakes and what is advised.

use crate::{ParseOptions, parse};

#[track_caller]
fn check(source: &str, hint: &str) {
    let error = parse(source, &ParseOptions::default()).expect_err("it is wrong");
    assert_eq!(error.hint().unwrap_or_default(), hint, "{source}: {error}");
    assert!(error.render(source).contains(hint));
    assert!(hint.is_empty() || !error.to_string().contains(hint));
}

#[test]
fn types_that_do_not_fit() {
    check("rate(foo{a=\"b\"})", "add a range: foo{a=\"b\"}[5m]");
    check("rate(sum(foo))", "make it a subquery, as in (…)[5m:]");
    check("abs(foo[5m])", "leave out the range, or apply a function like rate or avg_over_time");
    check("sum(1)", "make it a vector: vector(1)");
    check("topk(foo, bar)", "scalar(…) makes a number of a vector of one series");
    check("count_values(5, foo)", "write it in quotes");
    check("1 < 2", "write `bool` after the operator, as in 1 < bool 2");
    check("1 and foo", "vector(1) makes a vector of a number");
    check("clamp(foo, 1)", "its arguments are clamp(instant vector, scalar, scalar)");
    check(
        "sum(foo[5m]) + \"x\"",
        "leave out the range, or apply a function like rate or avg_over_time",
    );
}

#[test]
fn unknown_functions() {
    check("rte(foo[5m])", "did you mean `rate`?");
    check("Rate(foo[5m])", "did you mean `rate`?");
    check("histogram_quantlie(0.9, foo)", "did you mean `histogram_quantile`?");
    check("mean(foo)", "did you mean `avg`?");
    check("holt_winters(foo[5m], 1, 1)", "did you mean `double_exponential_smoothing`?");
    check("smu(foo)", "did you mean `sum`?");
    check("frobnicate(foo)", "");
    check(&format!("{}(foo)", "a".repeat(100)), "");
}

#[test]
fn words_in_the_wrong_place() {
    check("sum foo", "sum needs parentheses: sum(foo)");
    check("1 + abs foo", "abs needs parentheses: abs(foo)");
    check("sum by (job) foo", "what is aggregated stands in parentheses");
    check("sum by job (foo)", "labels stand in parentheses, as in by (job, instance)");
    check("foo = bar", "to compare write `==`");
    check("foo{a==\"b\"}", "conditions have one `=`");
    check("foo{a=b}", "values stand in quotes: \"b\"");
    check("foo{a=5}", "values stand in quotes, as in {code=\"200\"}");
    check("foo[5]m", "the unit stands inside of the brackets, as in [5m]");
    check("foo[5 m]", "a number and its unit are one word, as in [5m]");
    check("foo bar", "an operator is missing between two expressions");
    check("foo =~ \"x\"", "regular expressions stand in braces, as in {job=~\"api.*\"}");
    check("foo && bar", "write `and`");
    check("foo || bar", "write `or`");
    check("foo)", "");
}

#[test]
fn what_is_missing_or_too_much() {
    check(
        "{}",
        "name a metric, or add a condition that is not met by the empty text, as {job=~\".+\"}",
    );
    check("foo{a=\"b}", "the closing quote is missing");
    check("foo{a=\"b\"", "a `}` is missing");
    check("sum(foo", "a `)` is missing");
    check("foo offset 1h[5m]", "write the range first: foo[5m] offset 1h");
    check(
        "abs(foo)[5m]",
        "a range of an expression is a subquery: write a colon, as in [1h:] or [1h:5m]",
    );
    check(
        "foo[5min]",
        "the units of durations are ms, s, m, h, d, w and y, the longest first, as in 1h30m",
    );
    check("limitk(1, foo)", "Prometheus has it behind --enable-feature; see `ParseOptions`");
    check("abs(foo,)", "leave out the last comma");
    check("foo + bool bar", "leave out `bool`");
    check("", "");
}
