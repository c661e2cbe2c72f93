//! Metrics and series with values.

use serde_json::{Value, json};
use skopos_core::{FloatHistogram, Labels, ResetHint, Span};
use skopos_promql::series_desc::{SeriesDescription, SeriesValue, describe_histogram};
use skopos_promql::{parse_metric, parse_series_description};

use crate::conformance::{report, text_of, vectors};

/// Cases that differ on purpose: a label set holds no label twice and none without a value.
const REPEATED_OR_EMPTY: [&str; 5] = [
    r#"{a=""}"#,
    r#"foo{a="1",a="2"}"#,
    r#"{__name__=""}"#,
    r#"{__name__="a",__name__="b"}"#,
    r#"{"foo","bar"}"#,
];

fn labels_of(labels: &Labels) -> Value {
    labels.iter().map(|(name, value)| json!([name, value])).collect()
}

fn bits(v: f64) -> Value {
    json!(format!("{:016x}", v.to_bits()))
}

fn spans(spans: &[Span]) -> Value {
    spans.iter().map(|span| json!([span.offset, span.length])).collect()
}

fn histogram_of(h: &FloatHistogram) -> Value {
    let hint = match h.reset_hint {
        ResetHint::Gauge => "gauge",
        ResetHint::NotReset => "not_reset",
        ResetHint::Reset => "reset",
        ResetHint::Unknown => "unknown",
    };
    let buckets = |counts: &[f64]| counts.iter().map(|&v| bits(v)).collect::<Value>();
    let mut value = json!({
        "crh": hint, "schema": h.schema, "zt": bits(h.zero_threshold), "zc": bits(h.zero_count),
        "count": bits(h.count), "sum": bits(h.sum),
        "ps": spans(&h.positive_spans), "pb": buckets(&h.positive_buckets),
    });
    if !h.negative_spans.is_empty() {
        value["ns"] = spans(&h.negative_spans);
        value["nb"] = buckets(&h.negative_buckets);
    }
    if !h.custom_values.is_empty() {
        value["cv"] = buckets(&h.custom_values);
    }
    value
}

fn value_of(value: &SeriesValue) -> Value {
    match value {
        SeriesValue::Omitted => Value::Null,
        SeriesValue::Float(v) => bits(*v),
        SeriesValue::Histogram { histogram, hint_set } => {
            let string = histogram.to_string();
            let mut value = json!({"fh": histogram_of(histogram), "string": string});
            if *hint_set {
                value["hint_set"] = json!(true);
            }
            value
        }
    }
}

fn series_of(series: &SeriesDescription) -> Value {
    let values: Value = series.values.iter().map(value_of).collect();
    json!({"labels": labels_of(&series.labels), "values": values})
}

#[track_caller]
fn check_all(cases: &Value, run: impl Fn(&str) -> Result<Value, String>) {
    let cases = cases.as_array().expect("cases");
    let mut failures = Vec::new();
    for case in cases {
        let text = text_of(case);
        if REPEATED_OR_EMPTY.contains(&text.as_str()) {
            continue;
        }
        let got = run(&text).unwrap_or_else(Value::String);
        let want = match case.get("error") {
            Some(error) => error.clone(),
            None => case.get("values").map_or_else(
                || case["labels"].clone(),
                |values| json!({"labels": case["labels"], "values": values}),
            ),
        };
        if got != want {
            failures.push(format!("{text:?}\n     got {got}\n    want {want}"));
        }
    }
    report(cases.len(), &failures);
}

#[test]
fn metrics_agree_with_prometheus() {
    let Some(vectors) = vectors("promql/metric_selector.json") else { return };
    check_all(&vectors["parse_metric"], |text| {
        parse_metric(text).map(|labels| labels_of(&labels)).map_err(|e| e.to_string())
    });
}

#[test]
fn series_agree_with_prometheus() {
    let Some(vectors) = vectors("promql/series_desc.json") else { return };
    check_all(&vectors["cases"], |text| {
        parse_series_description(text).map(|s| series_of(&s)).map_err(|e| e.to_string())
    });
}

#[test]
fn a_repetition_is_not_a_way_to_fill_the_memory() {
    for text in ["x _x99999999999", "x 1x18446744073709551615", "x 1+1x5000000", "x {{}}x9999999"] {
        let error = parse_series_description(text).expect_err(text);
        assert_eq!(error.message(), "series has more than 4000000 values", "{text}");
    }
}

#[test]
fn described_histograms_read_back_as_they_are() {
    let Some(vectors) = vectors("promql/series_desc.json") else { return };
    let mut described = 0;
    for case in vectors["cases"].as_array().expect("cases") {
        let Some(text) = case["expr"].as_str() else { continue };
        let Ok(series) = parse_series_description(text) else { continue };
        for value in series.values {
            let SeriesValue::Histogram { histogram, .. } = value else { continue };
            let text = describe_histogram(&histogram);
            if text.contains("Inf") {
                // Prometheus writes the sign of an infinite bound and does not read it.
                continue;
            }
            let again = parse_series_description(&format!("{{}} {text}")).expect(&text).values;
            let [SeriesValue::Histogram { histogram: again, .. }] = &*again else {
                unreachable!("{text}")
            };
            assert_eq!(describe_histogram(again), text);
            assert_eq!(again.to_string(), histogram.to_string());
            described += 1;
        }
    }
    assert_ne!(described, 0);
}
