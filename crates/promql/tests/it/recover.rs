//! Several errors at once.

use std::fmt::Write as _;

use proptest::prelude::*;
use skopos_promql::recover::MAX_ERRORS;
use skopos_promql::{Error, ParseOptions, Recovered, parse, parse_recovering};

use crate::conformance::{report, text_of, vectors};

fn read(text: &str) -> Recovered {
    parse_recovering(text, &ParseOptions::all())
}

/// The errors as `column message`, and the tree.
#[track_caller]
fn check(text: &str, errors: &[&str], tree: &str) {
    let got = read(text);
    let messages: Vec<String> = got
        .errors
        .iter()
        .map(|e| format!("{} {}", e.column().unwrap_or_default(), e.message()))
        .collect();
    assert_eq!(messages, errors, "{text}");
    assert_eq!(got.expr.map(|e| e.to_string()).unwrap_or_default(), tree, "{text}");
    agrees_with_parse(text);
}

fn agrees_with_parse(text: &str) {
    for options in [ParseOptions::all(), ParseOptions::default()] {
        let Recovered { expr, errors, .. } = parse_recovering(text, &options);
        match parse(text, &options) {
            Ok(tree) => {
                assert_eq!(errors, [], "{text:?}");
                // NaN differs from itself.
                assert_eq!(format!("{expr:?}"), format!("{:?}", Some(tree)), "{text:?}");
            }
            Err(error) => {
                assert_eq!(errors.first(), Some(&error), "{text:?}");
                assert!(errors[1..].is_sorted_by_key(Error::span), "{text:?} {errors:?}");
            }
        }
        assert!(errors.iter().all(|e| e.span().end as usize <= text.len()), "{text:?}");
    }
}

#[test]
fn operands_fail_by_themselves() {
    check("foo + bar", &[], "foo + bar");
    check(
        "rate(a) + rate(b)",
        &[
            "6 expected type range vector in call to function \"rate\", got instant vector",
            "16 expected type range vector in call to function \"rate\", got instant vector",
        ],
        "rate(a) + rate(b)",
    );
    check(
        "foo bar + baz qux",
        &["5 unexpected identifier \"bar\"", "15 unexpected identifier \"qux\""],
        "foo + baz",
    );
    check(
        "foo + * bar + nope(1)",
        &["7 unexpected <op:*>", "15 unknown function with name \"nope\""],
        "foo + {} * bar + {}",
    );
    check(
        "a & b + c | d",
        &["3 unexpected character: '&'", "11 unexpected character: '|'"],
        "{} + {}",
    );
    check(
        "1 > 2 and \"x\" > 3",
        &[
            "3 comparisons between scalars must use BOOL modifier",
            "11 binary expression must contain only scalar and instant vector types",
        ],
        "1 > 2 and \"x\" > 3",
    );
}

#[test]
fn arguments_fail_by_themselves() {
    check(
        "label_replace(foo bar, 1, \"x\", , {)",
        &[
            "19 unexpected identifier \"bar\"",
            "24 expected type string in call to function \"label_replace\", got scalar",
            "30 trailing commas not allowed in function call args",
            "35 unexpected character inside braces: ')'",
        ],
        "label_replace(foo, 1, \"x\", {}, {})",
    );
    check(
        "abs(foo,) + ceil(bar,)",
        &[
            "8 trailing commas not allowed in function call args",
            "21 trailing commas not allowed in function call args",
        ],
        "abs(foo) + ceil(bar)",
    );
    check(
        "sum(foo) + topk(foo) + sum()",
        &[
            "12 wrong number of arguments for aggregate expression provided, expected 2, got 1",
            "24 no arguments for aggregate expression provided",
        ],
        "sum(foo) + {} + {}",
    );
}

#[test]
fn conditions_and_labels_fail_by_themselves() {
    check(
        "foo{a=1,b=~\"(\",c,d=\"e\"} + bar{x==\"y\"}",
        &[
            "7 unexpected character inside braces: '1'",
            "9 error parsing regexp: missing closing ): `(`",
            "17 unexpected \",\" in label matching, expected label matching operator",
            "33 unexpected \"=\" in label matching, expected string",
        ],
        "foo{d=\"e\"} + bar",
    );
    check(
        "sum by (a, 1, b c) (foo) / on (2) group_left (=) bar",
        &[
            "12 unexpected number \"1\" in grouping opts, expected label",
            "17 unexpected identifier \"c\" in grouping opts, expected \",\" or \")\"",
            "32 unexpected number \"2\" in grouping opts, expected label",
            "47 unexpected \"=\" in grouping opts, expected label",
        ],
        "sum by (a, b) (foo) / on () group_left () bar",
    );
    check(
        "sum by job (foo[) + bar[1]",
        &[
            "8 unexpected identifier \"job\" in grouping opts, expected \"(\"",
            "17 unexpected \")\" in subquery or range selector, expected number, duration, step(), or range()",
            "21 binary expression must contain only scalar and instant vector types",
        ],
        "sum({}) + bar[1s]",
    );
}

#[test]
fn brackets_and_modifiers_fail_by_themselves() {
    check(
        "rate(foo[x]) + rate(bar[5m) + baz[0]",
        &[
            "10 unexpected character in duration expression: 'x'",
            "27 unexpected \")\" in subquery or range, expected \":\" or \"]\"",
            "35 duration must be greater than 0",
        ],
        "rate({}) + rate({}) + {}",
    );
    check(
        "foo offset bar + (baz @ qux)",
        &[
            "12 unexpected identifier \"bar\" in offset, expected number, duration, step(), or range()",
            "25 unexpected identifier \"qux\" in @, expected timestamp",
        ],
        "foo + (baz)",
    );
}

#[test]
fn what_is_open_at_the_end_is_told_once() {
    check("sum(rate(foo[5m]", &["17 unclosed left parenthesis"], "sum(rate(foo[5m]))");
    check("sum(foo{a=\"b", &["11 unterminated quoted string"], "sum(foo)");
    check("(foo,bar", &["5 unexpected \",\""], "(foo)");
    check("", &["0 no expression found in input"], "");
    check("foo +", &["6 unexpected end of input"], "foo + {}");
    check(")", &["2 unexpected right parenthesis ')'"], "");
}

#[test]
fn errors_are_limited_and_time_is_linear() {
    for part in ["a & ", "f(", "foo{", "x[", "(1,", "-", "[", "{a=)", "a[(", "\"", "by ", "x{}+"] {
        let text = part.repeat(20_000);
        let errors = read(&text).errors;
        assert!(!errors.is_empty() && errors.len() <= 2 * MAX_ERRORS + 1, "{part}");
        assert_eq!(errors.first(), parse(&text, &ParseOptions::all()).err().as_ref(), "{part}");
    }
}

#[test]
fn the_first_error_is_that_of_parse() {
    for file in ["promql/parse.json", "promql/parse_random.json"] {
        let Some(vectors) = vectors(file) else { return };
        let cases = vectors["cases"].as_array().expect("cases");
        cases.iter().for_each(|case| agrees_with_parse(&text_of(case)));
        report(cases.len(), &[]);
    }
}

fn tokens() -> impl Strategy<Value = Vec<&'static str>> {
    let all: &[&str] = &[
        "sum",
        "by",
        "(",
        ")",
        "{",
        "}",
        "[",
        "]",
        ",",
        "foo",
        "a",
        "=",
        "=~",
        "\"x\"",
        "5m",
        "1",
        "offset",
        "@",
        "start",
        "step",
        "max_of",
        "-",
        "+",
        "^",
        "and",
        "on",
        "bool",
        "group_left",
        "fill",
        "anchored",
        ":",
        "rate",
        "info",
        "\"",
        "&",
        "#",
        "\n",
        "topk",
        "==",
        "'",
        "é",
        "0x",
    ];
    proptest::collection::vec(proptest::sample::select(all), 0..32)
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(1000))]

    #[test]
    fn rows_of_tokens_are_read_as_parse_reads_them(tokens in tokens(), spaced in any::<bool>()) {
        agrees_with_parse(&tokens.join(if spaced { " " } else { "" }));
    }

    #[test]
    fn bytes_are_read_as_parse_reads_them(bytes in proptest::collection::vec(any::<u8>(), 0..64)) {
        agrees_with_parse(&String::from_utf8_lossy(&bytes));
    }
}

#[test]
fn every_error_of_many_is_told() {
    let mut text = String::new();
    for at in 0..20 {
        let _ = write!(text, "{}nope(foo{{a=1}})", if at == 0 { "" } else { " + " });
    }
    assert_eq!(read(&text).errors.len(), 40);
}
