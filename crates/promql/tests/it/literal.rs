//! Durations and numbers.

use serde_json::Value;
use skopos_promql::ast::Expr;
use skopos_promql::{ParseOptions, format_duration, parse, parse_duration, parse_signed_duration};

use crate::conformance::{report, vectors};

#[test]
fn durations_agree_with_prometheus() {
    let Some(vectors) = vectors("promql/durations.json") else { return };
    let mut failures = Vec::new();
    let cases = vectors["parse"].as_array().expect("cases");
    for case in cases {
        let input = case["input"].as_str().expect("an input");
        let mut differ = |got: String, want: String| {
            if got != want {
                failures.push(format!("{input:?}: got {got} want {want}"));
            }
        };
        let show = |result: Result<i64, skopos_promql::Error>| {
            result.map_or_else(|e| e.to_string(), |millis| (millis * 1_000_000).to_string())
        };
        let want = |error: &str, nanos: &str| match case[error].as_str() {
            Some(error) => error.to_owned(),
            None => case[nanos].to_string(),
        };
        differ(show(parse_duration(input)), want("error", "ns"));
        let signed = want("allow_negative_error", "allow_negative_ns");
        // With a sign before it the message is about the rest, as upstream has it.
        differ(show(parse_signed_duration(input)), signed);
        if let (Ok(millis), Some(string)) = (parse_signed_duration(input), case["string"].as_str())
        {
            differ(format_duration(millis), string.to_owned());
        }
    }
    let formats = vectors["format"].as_array().expect("cases");
    for case in formats {
        let millis = case["ms"].as_i64().or(case["ns"].as_i64().map(|ns| ns / 1_000_000));
        let got = format_duration(millis.expect("a duration"));
        if case["string"] != got.as_str() {
            failures.push(format!("{case}: got {got}"));
        }
    }
    report(cases.len() + formats.len(), &failures);
}

fn number_of(text: &str) -> String {
    match parse(text, &ParseOptions::default()) {
        Ok(Expr::Number(number)) => format!("{:016x}", number.value.to_bits()),
        Ok(expr) => expr.to_string(),
        Err(error) => error.to_string(),
    }
}

#[test]
fn numbers_agree_with_prometheus() {
    let Some(vectors) = vectors("promql/numbers.json") else { return };
    let mut failures = Vec::new();
    let cases = vectors["parse"].as_array().expect("cases");
    for case in cases {
        let text = case["expr"].as_str().expect("a text");
        let keys = ["error", "v", "string"];
        let want = keys.iter().find_map(|key| case[*key].as_str()).unwrap_or_default();
        let got = number_of(text);
        if got != want {
            failures.push(format!("{text:?}: got {got} want {want}"));
        }
    }
    let formats = vectors["format"].as_array().expect("cases");
    for case in formats {
        check_format(case, &mut failures);
    }
    report(cases.len() + formats.len(), &failures);
}

/// Printing of literals: as numbers, and as durations.
fn check_format(case: &Value, failures: &mut Vec<String>) {
    let hex = case["v"].as_str().expect("bits");
    let v = f64::from_bits(u64::from_str_radix(hex, 16).expect("hex digits"));
    for (text, key) in [("1", "number_literal"), ("1s", "duration_literal")] {
        let mut expr = parse(text, &ParseOptions::default()).expect("a literal");
        if let Expr::Number(number) = &mut expr {
            number.value = v;
        }
        if let Some(want) = case[key].as_str()
            && expr.to_string() != want
        {
            failures.push(format!("{hex} {key}: got {expr} want {want}"));
        }
    }
}
