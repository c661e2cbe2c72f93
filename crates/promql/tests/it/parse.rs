//! Parsing and printing.

use serde_json::Value;
use skopos_promql::{ParseOptions, parse, parse_selector};

use crate::conformance::{report, text_of, vectors};

/// Cases that differ on purpose: strings whose escapes make invalid UTF-8 are refused.
fn is_invalid_utf8(text: &str) -> bool {
    text.contains(r"\xff")
}

fn check_case(case: &Value, failures: &mut Vec<String>) {
    let text = text_of(case);
    let text = text.as_str();
    let mut differ = |what: &str, got: &str, want: &str| {
        if got != want {
            failures.push(format!("{text:?}: {what}\n     got {got}\n    want {want}"));
        }
    };
    if is_invalid_utf8(text) {
        return differ(
            "error",
            if parse(text, &ParseOptions::all()).is_ok() { "ok" } else { "" },
            "",
        );
    }
    match parse(text, &ParseOptions::all()) {
        Err(error) => {
            differ("error", &error.to_string(), case["error"].as_str().unwrap_or("no error"));
        }
        Ok(expr) => {
            let string = case["string"].as_str().unwrap_or("");
            match case["error"].as_str() {
                Some(error) => differ("error", "none", error),
                None => {
                    differ("type", expr.value_type().name(), case["type"].as_str().unwrap_or(""));
                    let printed = expr.to_string();
                    // Prometheus prints an empty selector as nothing.
                    differ("string", &printed.replace("info(foo, {})", "info(foo, )"), string);
                    let pretty = case["pretty"].as_str().unwrap_or(string);
                    differ("pretty", &expr.pretty().replace("(foo, {})", "(foo, )"), pretty);
                    if case["reparse_error"].is_null() {
                        let again = parse(&printed, &ParseOptions::all());
                        let again = again.map_or_else(|e| e.to_string(), |e| e.to_string());
                        differ("printed again", &again, &printed);
                    }
                }
            }
        }
    }
    check_features(case, text, &mut differ);
}

fn check_features(case: &Value, text: &str, differ: &mut impl FnMut(&str, &str, &str)) {
    let all = ParseOptions::all();
    for (key, options) in [
        ("error_without_experimental_functions", all.with_experimental_functions(false)),
        ("error_without_duration_expr", all.with_duration_expr(false)),
        ("error_without_extended_range_selectors", all.with_extended_range_selectors(false)),
        ("error_without_binop_fill_modifiers", all.with_binop_fill_modifiers(false)),
        ("error_default_features", ParseOptions::default()),
    ] {
        if let Some(want) = case.get(key) {
            let got = parse(text, &options).map_or_else(|e| e.to_string(), |_| String::new());
            differ(key, &got, want.as_str().unwrap_or_default());
        }
    }
}

#[test]
fn expressions_agree_with_prometheus() {
    for file in ["promql/parse.json", "promql/parse_random.json"] {
        let Some(vectors) = vectors(file) else { return };
        let cases = vectors["cases"].as_array().expect("cases");
        let mut failures = Vec::new();
        for case in cases {
            check_case(case, &mut failures);
        }
        report(cases.len(), &failures);
    }
}

/// The places of errors: start and, where Prometheus' own is that of the text, end.
#[test]
fn first_errors_stand_where_prometheus_puts_them() {
    let Some(vectors) = vectors("promql/parse.json") else { return };
    let mut failures = Vec::new();
    let mut checked = 0;
    for case in vectors["cases"].as_array().expect("cases") {
        let text = text_of(case);
        let Some(first) = case["errors"].get(0) else { continue };
        // Our spans hold `anchored`, upstream's do not.
        let extended = text.contains("anchored smoothed") || text.contains("smoothed anchored");
        if extended || is_invalid_utf8(&text) || text.contains('\u{fffd}') {
            continue;
        }
        checked += 1;
        let span = parse(&text, &ParseOptions::all()).expect_err("it is wrong").span();
        let want = (first["start"].as_u64(), first["end"].as_u64());
        let (start, end) = (u64::from(span.start), u64::from(span.end));
        let got = (Some(start), Some(end));
        // Upstream ends the place of an operator before its last byte.
        if got != want && (Some(start), Some(end - 1)) != want {
            failures.push(format!("{text:?}: got {got:?} want {want:?} {}", first["msg"]));
        }
    }
    report(checked, &failures);
}

#[test]
fn selectors_agree_with_prometheus() {
    let Some(vectors) = vectors("promql/metric_selector.json") else { return };
    let cases = vectors["parse_metric_selector"].as_array().expect("cases");
    let mut failures = Vec::new();
    for case in cases {
        let text = text_of(case);
        let got = match parse_selector(&text) {
            Ok(matchers) => matchers.iter().map(ToString::to_string).collect::<Vec<_>>().join(","),
            Err(error) => error.to_string(),
        };
        let want = match case["matchers"].as_array() {
            Some(matchers) => {
                let strings = matchers.iter().map(|m| m["string"].as_str().unwrap_or_default());
                strings.collect::<Vec<_>>().join(",")
            }
            None => case["error"].as_str().unwrap_or_default().to_owned(),
        };
        if got != want {
            failures.push(format!("{text:?}\n  got {got}\n want {want}"));
        }
    }
    report(cases.len(), &failures);
}
