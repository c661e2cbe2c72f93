//! Properties of the parser and the printer.

use proptest::prelude::*;
use skopos_promql::ast::Expr;
use skopos_promql::{
    MAX_DEPTH, MAX_NESTING, ParseOptions, parse, parse_metric, parse_selector,
    parse_series_description,
};

fn any_of(texts: &'static [&'static str]) -> impl Strategy<Value = String> + Clone {
    proptest::sample::select(texts).prop_map(str::to_owned)
}

fn selector() -> impl Strategy<Value = String> {
    let name = any_of(&["foo", "up", "sum", "by", "a:b", "start", "fill", ""]);
    let conditions = any_of(&[
        "{a=\"b\"}",
        "{a!=\"\", 'x.y'=~`c.*|d`}",
        "{\"u.v\", z=\"\\n\\\"é\"}",
        "{job!~\"x\",le=\"1\",}",
    ]);
    (name, conditions, any::<bool>()).prop_map(|(name, conditions, bare)| {
        match (name.as_str(), bare) {
            ("", _) => conditions,
            (_, false) if !conditions.contains("u.v") => format!("{name}{conditions}"),
            _ => name,
        }
    })
}

fn duration() -> impl Strategy<Value = String> {
    any_of(&[
        "5m",
        "1h30m",
        "300",
        "1.5",
        "step()",
        "(5m)",
        "2 * step()",
        "max_of(step(), 1m)",
        "range() / 2 ^ 2",
        "-(1m - 2h) + 1d",
        "1w % 4d",
    ])
}

fn modifiers() -> impl Strategy<Value = String> {
    let offset =
        any_of(&["", " offset 5m", " offset -1h", " offset (step() * 2)", " offset -step()"]);
    let at = any_of(&["", " @ 12.5", " @ -3", " @ start()", " @ end()"]);
    let extension = any_of(&["", "", " anchored", " smoothed"]);
    (offset, at, extension, any::<bool>()).prop_map(|(offset, at, extension, first)| {
        // Prometheus reads an operator after `offset (…)` as part of the duration, but prints the
        // offset last wherever it stood: such a text is not printed faithfully.
        if first && !offset.contains('(') {
            format!("{offset}{at}{extension}")
        } else {
            format!("{extension}{at}{offset}")
        }
    })
}

fn matching() -> impl Strategy<Value = String> {
    any_of(&[
        "",
        " on (a)",
        " ignoring (a, \"b.c\")",
        " on (a) group_left (c)",
        " ignoring () group_right",
        " fill(0)",
        " on (a) fill_left(1e9) fill_right(-1)",
    ])
}

/// Expressions that evaluate to an instant vector.
fn vector() -> impl Strategy<Value = String> {
    let leaf = (selector(), modifiers()).prop_map(|(s, m)| format!("{s}{m}"));
    leaf.prop_recursive(6, 48, 3, |inner| {
        let operator = any_of(&["+", "-", "*", "/", "%", "^", "atan2", "</", ">/"]);
        let comparison = any_of(&["==", "!=", "<", ">= bool", "> bool"]);
        let set = any_of(&["and", "or", "unless on (x)", "and ignoring (y)"]);
        let by = any_of(&["", " by (a, b)", " without ()", " by (\"c.d\")"]);
        let head =
            any_of(&["sum", "AVG", "topk by (z) (3, ", "quantile(0.9, ", "count_values(\"v\", "]);
        let scalar = any_of(&["1", "-2.5e3", "5m", "(Inf)", "-NaN", "time()", "0x1F", "--3", "-0"]);
        let suffix = any_of(&["", " offset 1d", " @ end()"]);
        prop_oneof![
            (inner.clone(), operator.clone(), matching(), inner.clone())
                .prop_map(|(a, op, m, b)| format!("{a} {op}{m} {b}")),
            (inner.clone(), comparison, inner.clone())
                .prop_map(|(a, op, b)| format!("{a}{op} {b}")),
            (inner.clone(), set, inner.clone()).prop_map(|(a, op, b)| format!("{a} {op} {b}")),
            (scalar, operator, inner.clone()).prop_map(|(a, op, b)| format!("{a} {op} {b}")),
            (head, by, inner.clone()).prop_map(|(head, by, e)| match head.ends_with(' ') {
                true => format!("{head}{e})"),
                false => format!("{head}({e}){by}"),
            }),
            inner.clone().prop_map(|e| format!("-{e}")),
            inner.clone().prop_map(|e| format!("( # inside\n{e})")),
            (inner.clone(), duration(), any_of(&["", "1m", "step()"]), suffix)
                .prop_map(|(e, range, step, m)| format!("rate(({e})[5m + {range}:{step}]{m})")),
            (selector(), duration(), modifiers())
                .prop_map(|(s, d, m)| format!("max_over_time({s}[{d}]{m})")),
            inner.prop_map(|e| format!("label_replace({e}, 'a', \"$1\", `b`, \"(.*)\")")),
        ]
    })
}

/// The tree without the places of its nodes, and with conditions in the printer's order.
fn shape(expr: &Expr) -> String {
    let mut expr = expr.clone();
    expr.walk_mut(&mut |e| match e {
        Expr::Vector(v) => v.matchers.sort(),
        Expr::Matrix(m) => m.selector.matchers.sort(),
        _ => {}
    });
    let debug = format!("{expr:?}");
    let mut parts = debug.split("span: ");
    let mut out = parts.next().unwrap_or_default().to_owned();
    for part in parts {
        let end = part.find(|c: char| !c.is_ascii_digit() && c != '.').unwrap_or(part.len());
        out.push_str(&part[end..]);
    }
    out
}

/// Every node lies within its parent.
fn check_spans(expr: &Expr) {
    let outer = expr.span();
    for child in expr.children() {
        let inner = child.span();
        assert!(outer.start <= inner.start && inner.end <= outer.end, "{outer:?} {inner:?}");
        check_spans(child);
    }
}

proptest! {
    #[test]
    fn what_is_printed_parses_to_the_same_tree(text in vector()) {
        let options = ParseOptions::all();
        // A few combinations are refused, as `anchored` before `smoothed` is.
        if let Ok(expr) = parse(&text, &options) {
            check_spans(&expr);
            let printed = expr.to_string();
            let again = parse(&printed, &options).expect("printed text parses");
            prop_assert_eq!(shape(&again), shape(&expr), "{}", &printed);
            prop_assert_eq!(again.to_string(), printed);
            let pretty = expr.pretty();
            let again = parse(&pretty, &options).expect("pretty text parses");
            prop_assert_eq!(shape(&again), shape(&expr), "{}", pretty);
        }
    }

    #[test]
    fn most_generated_texts_are_queries(texts in proptest::collection::vec(vector(), 40)) {
        let options = ParseOptions::all();
        let good = texts.iter().filter(|text| parse(text, &options).is_ok()).count();
        prop_assert!(5 < good, "{good} of 40");
    }

    #[test]
    fn no_text_is_too_strange(text in "[a-c0-9 \"'`\\\\{}()\\[\\]=!~<>@,.:+*/^#_éx\u{fffd}\n-]{0,40}") {
        check_any(&text);
    }

    #[test]
    fn no_row_of_tokens_is_too_strange(
        tokens in proptest::collection::vec(any_of(&[
            "sum", "by", "(", ")", "{", "}", "[", "]", ",", "foo", "a", "=", "=~", "\"x\"", "5m", "1",
            "offset", "@", "start", "end", "step", "max_of", "-", "+", "^", "*", "and", "on", "bool",
            "group_left", "fill", "anchored", ":", "rate", "info", "{{", "}}", "x", "_", "sum:", "stale",
            "buckets:[", "counter_reset_hint:", "\n", "#", "</", "0x", "topk", "==",
        ]), 0..24),
        spaced in any::<bool>(),
    ) {
        check_any(&tokens.join(if spaced { " " } else { "" }));
    }
}

/// Nothing panics, and errors point into the text.
fn check_any(text: &str) {
    for options in [ParseOptions::all(), ParseOptions::default()] {
        if let Err(error) = parse(text, &options) {
            assert!(error.span().end as usize <= text.len(), "{error:?}");
            assert!(error.render(text).starts_with(&error.to_string()));
        }
    }
    let described = parse_series_description(text).map(|d| d.values.len());
    assert!(described.is_err() || described.is_ok_and(|n| n <= text.len() * 1_000_000));
    assert!(
        parse_metric(text).is_err()
            || parse_selector(text).is_ok()
            || text.trim().is_empty()
            || text.contains(['#', '{'])
    );
}

#[test]
fn depth_is_limited_wherever_it_comes_from() {
    let n = 100_000;
    for text in [
        "(".repeat(n),
        "-".repeat(n),
        "sum(".repeat(n),
        "abs(".repeat(n),
        format!("foo[{}", "(".repeat(n)),
        format!("foo[{}", "-".repeat(n)),
        format!("foo offset {}", "-".repeat(n)),
        format!("foo offset {}", "(".repeat(n)),
        format!("foo[{}1]", "max_of(".repeat(n)),
        format!("foo{}", "[5m:]".repeat(n)),
        format!("1{}", "+1".repeat(n)),
        format!("2{}", "^2".repeat(n)),
        format!("foo[1{}]", "+1".repeat(n)),
        format!("foo[2{}]", "^2".repeat(n)),
        format!("foo offset (1{})", "+1".repeat(n)),
        format!("{}1", "1-(".repeat(n)),
    ] {
        let error = parse(&text, &ParseOptions::all()).expect_err("it is too deep");
        let message = |limit| format!("expression is nested more than {limit} levels deep");
        let messages = [message(MAX_NESTING), message(MAX_DEPTH)];
        assert!(messages.contains(&error.message().to_owned()), "{} {error}", &text[..20]);
    }
}

#[test]
fn a_tree_of_the_greatest_height_can_be_walked() {
    let n = MAX_NESTING - 1;
    for text in [
        format!("{}foo{}", "(".repeat(n), ")".repeat(n)),
        format!("{}foo{}", "sum(".repeat(n), ")".repeat(n)),
        format!("{}foo", "-".repeat(n)),
        format!("foo{}", " + foo".repeat(MAX_DEPTH - 1)),
    ] {
        let expr = parse(&text, &ParseOptions::all()).expect("it is just not too deep");
        assert_eq!(expr.to_string().replace(' ', ""), text.replace(' ', ""));
        assert!(text.len() <= expr.pretty().len());
        let mut nodes = 0;
        expr.walk(&mut |_| {
            nodes += 1;
            true
        });
        assert!(n < nodes);
        assert_eq!(expr.clone(), expr);
    }
}

#[test]
fn long_lists_are_no_depth() {
    let labels = vec!["a=\"b\""; 10_000].join(",");
    assert!(parse(&format!("foo{{{labels}}}"), &ParseOptions::all()).is_ok());
    let names = vec!["a"; 10_000].join(",");
    assert!(parse(&format!("sum by ({names}) (foo)"), &ParseOptions::all()).is_ok());
    let args = vec!["\"a\""; 10_000].join(",");
    assert!(parse(&format!("label_join(foo, {args})"), &ParseOptions::all()).is_ok());
}

#[test]
fn long_texts_do_not_exhaust_the_stack() {
    let n = 300_000;
    let long = "long_".repeat(n);
    for text in [
        format!("{}foo", "# comment\n".repeat(n)),
        format!("{}foo", " \n".repeat(n)),
        format!("foo{{{}a=\"b\"}}", "# comment\n \t".repeat(n)),
        format!("foo[{}5m{}]", "\n ".repeat(n), " # comment\n".repeat(n)),
        long.clone(),
        format!("{{{long}=\"{long}\"}}"),
        format!("\"{}\"", "\\n\\x41".repeat(n)),
        format!("sum by ({long}) (a:{long})"),
        format!("0.{}", "1".repeat(n)),
    ] {
        let parsed = parse(&text, &ParseOptions::all());
        assert!(parsed.is_ok_and(|expr| !expr.to_string().is_empty()), "{}", &text[..20]);
    }
    let series = format!("{}{}{}", "x", " ".repeat(n), "1 _ ".repeat(n));
    assert_eq!(parse_series_description(&series).map(|s| s.values.len()), Ok(2 * n));
}
