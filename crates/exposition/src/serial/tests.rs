//! What the shapes are, what is read beside them, and what is refused.

use alloc::format;
use alloc::string::ToString as _;
use alloc::vec;

use core::fmt::Debug;
use proptest::prelude::*;
use serde::de::DeserializeOwned;

use super::*;
use crate::{
    ChosenFormat, EscapingScheme, Family, FamilyHistogram, FamilySample, OutputFormat, PageFormat,
    PageOutput, ScrapeProtocol, TextFormat, choose_format, choose_output, choose_page_output, lint,
};

/// The value has this JSON, and is read from it. `Debug` tells NaN from other values, but is equal.
#[track_caller]
fn check<T: Serialize + DeserializeOwned + Debug>(value: &T, json: &str) {
    assert_eq!(serde_json::to_string(value).unwrap(), json);
    let read: T = serde_json::from_str(json).unwrap();
    assert_eq!(format!("{read:?}"), format!("{value:?}"));
}

#[track_caller]
fn check_core<T: Shape + Debug>(value: &T, json: &str) {
    assert_eq!(serde_json::to_string(&Shaped(value)).unwrap(), json);
    let read: Shaped<T> = serde_json::from_str(json).unwrap();
    assert_eq!(format!("{:?}", read.0), format!("{value:?}"));
}

#[track_caller]
fn check_refused<T: DeserializeOwned>(json: &str, expected: &str) {
    let error = serde_json::from_str::<T>(json).err().unwrap().to_string();
    assert!(error.starts_with(expected), "{error}");
}

#[test]
fn floats_that_json_cannot_hold_are_strings() {
    check_core(&1.5, "1.5");
    check_core(&-0.0, "-0.0");
    check_core(&f64::MAX, "1.7976931348623157e+308");
    check_core(&f64::INFINITY, r#""+Inf""#);
    check_core(&f64::NEG_INFINITY, r#""-Inf""#);
    check_core(&f64::NAN, r#""NaN""#);
    let Shaped(marker) = serde_json::from_str(r#""StaleNaN""#).unwrap();
    assert!(is_stale_nan(marker));
    assert_eq!(serde_json::to_string(&Shaped(&marker)).unwrap(), r#""StaleNaN""#);
    let Shaped(written_by_an_api): Shaped<Vec<f64>> =
        serde_json::from_str(r#"["1e3", 7, -7, "Inf"]"#).unwrap();
    assert_eq!(written_by_an_api, [1000.0, 7.0, -7.0, f64::INFINITY]);
}

fn exemplar() -> Exemplar {
    Exemplar {
        labels: Labels::from_pairs([("trace_id", "abc")]),
        value: f64::INFINITY,
        timestamp: Some(Timestamp::from_millis(-5)),
    }
}

#[test]
fn values_of_the_core_have_shapes() {
    let labels = Labels::from_pairs([("b", "\""), ("__name__", "up")]);
    check_core(&labels, r#"{"__name__":"up","b":"\""}"#);
    check_core(&exemplar(), r#"{"labels":{"trace_id":"abc"},"value":"+Inf","timestamp":-5}"#);
    let metadata = Metadata { metric_type: MetricType::Info, unit: "s".into(), help: "\n".into() };
    check_core(&metadata, r#"{"type":"info","unit":"s","help":"\n"}"#);
    check_core(
        &METRIC_TYPES.to_vec(),
        r#"["counter","gauge","gaugehistogram","histogram","info","stateset","summary","unknown"]"#,
    );
    check_core(&vec![ResetHint::Reset, ResetHint::NotReset], r#"["reset","not_reset"]"#);
    let labels: Shaped<Labels> = serde_json::from_str(r#"{"z":"1","a":"2","empty":""}"#).unwrap();
    assert_eq!(labels.0.to_string(), r#"{a="2", z="1"}"#);
}

fn integer() -> FamilyHistogram {
    let histogram = Histogram {
        reset_hint: ResetHint::Gauge,
        schema: -53,
        count: u64::MAX,
        sum: f64::NAN,
        positive_spans: vec![Span { offset: -4, length: 2 }],
        positive_buckets: vec![3, -1],
        custom_values: [0.5, f64::INFINITY].into(),
        ..Histogram::default()
    };
    let labels = Labels::from_pairs([("__name__", "h")]);
    let mut family = FamilyHistogram::new(labels, HistogramSample::Integer(histogram));
    family.exemplars.push(exemplar());
    family.start_timestamp = Some(Timestamp::from_millis(7));
    family
}

#[test]
fn native_histograms_say_what_they_count_in() {
    check(
        &integer(),
        concat!(
            r#"{"labels":{"__name__":"h"},"histogram":{"integer":{"reset_hint":"gauge","#,
            r#""schema":-53,"count":18446744073709551615,"sum":"NaN","#,
            r#""positive_spans":[{"offset":-4,"length":2}],"positive_buckets":[3,-1],"#,
            r#""custom_values":[0.5,"+Inf"]}},"#,
            r#""exemplars":[{"labels":{"trace_id":"abc"},"value":"+Inf","timestamp":-5}],"#,
            r#""start_timestamp":7}"#,
        ),
    );
    let float = FloatHistogram {
        schema: 3,
        zero_threshold: 0.5,
        zero_count: -0.0,
        negative_spans: vec![Span { offset: 0, length: 1 }],
        negative_buckets: vec![0.25],
        ..FloatHistogram::default()
    };
    check_core(
        &HistogramSample::Float(float),
        concat!(
            r#"{"float":{"schema":3,"zero_threshold":0.5,"zero_count":-0.0,"count":0.0,"sum":0.0,"#,
            r#""negative_spans":[{"offset":0,"length":1}],"negative_buckets":[0.25]}}"#,
        ),
    );
}

#[test]
fn families_leave_out_what_is_not_there() {
    let mut family = Family::new("hits_total", MetricType::Counter);
    check(&family, r#"{"name":"hits_total","type":"counter"}"#);
    check::<Family>(&Family::new("a", MetricType::Unknown), r#"{"name":"a","type":"unknown"}"#);
    family = family.with_help("").with_unit("hits");
    let mut sample =
        FamilySample::new(Labels::from_pairs([("__name__", "hits_total")]), f64::NEG_INFINITY);
    family.samples.push(sample.clone());
    sample.timestamp = Some(Timestamp::from_millis(1_700_000_000_123));
    sample.start_timestamp = Some(Timestamp::from_millis(0));
    sample.exemplar = Some(exemplar());
    family.samples.push(sample);
    check(
        &family,
        concat!(
            r#"{"name":"hits_total","type":"counter","unit":"hits","help":"","samples":["#,
            r#"{"labels":{"__name__":"hits_total"},"value":"-Inf"},"#,
            r#"{"labels":{"__name__":"hits_total"},"value":"-Inf","timestamp":1700000000123,"#,
            r#""exemplar":{"labels":{"trace_id":"abc"},"value":"+Inf","timestamp":-5},"#,
            r#""start_timestamp":0}]}"#,
        ),
    );
    let read: Family = serde_json::from_str(r#"{"name":"a"}"#).unwrap();
    assert_eq!(read, Family::new("a", MetricType::Unknown));
}

#[test]
fn formats_and_schemes_have_their_names() {
    check(
        &ScrapeProtocol::ALL.to_vec(),
        concat!(
            r#"["PrometheusProto","PrometheusText0.0.4","PrometheusText1.0.0","#,
            r#""OpenMetricsText0.0.1","OpenMetricsText1.0.0"]"#
        ),
    );
    check(&[EscapingScheme::AllowUtf8, EscapingScheme::Values], r#"["allow-utf-8","values"]"#);
    check(&[TextFormat::Prometheus, TextFormat::OpenMetrics], r#"["prometheus","openmetrics"]"#);
    check(&PageFormat::Protobuf, r#""protobuf""#);
    check(
        &OutputFormat::new(TextFormat::Prometheus, EscapingScheme::Dots),
        r#"{"format":"prometheus","version":"0.0.4","escaping":"dots"}"#,
    );
    check(
        &choose_output("application/openmetrics-text;version=0.0.1"),
        r#"{"format":"openmetrics","version":"0.0.1","escaping":"underscores"}"#,
    );
    let accept = ScrapeProtocol::PrometheusProto.header_value();
    let protobuf = choose_page_output(accept);
    check(&protobuf, r#"{"format":"protobuf","escaping":"underscores"}"#);
    check(
        &choose_page_output("text/plain"),
        r#"{"format":"prometheus","version":"0.0.4","escaping":"underscores"}"#,
    );
    let chosen = choose_format("text/plain", None).unwrap();
    check::<ChosenFormat>(&chosen, r#"{"format":"prometheus"}"#);
    let newest: OutputFormat =
        serde_json::from_str(r#"{"format":"openmetrics","escaping":"dots"}"#).unwrap();
    assert_eq!(newest, OutputFormat::new(TextFormat::OpenMetrics, EscapingScheme::Dots));
}

#[test]
fn problems_are_serialized() {
    let problems = lint(b"# TYPE hits counter\nhits 3\n").unwrap();
    check(
        &problems,
        concat!(
            r#"[{"metric":"hits","text":"counter metrics should have \"_total\" suffix","line":1},"#,
            r#"{"metric":"hits","text":"no help text","line":1}]"#,
        ),
    );
}

#[test]
fn other_shapes_are_refused() {
    check_refused::<Shaped<f64>>(r#""one""#, "invalid value: string \"one\", expected a number");
    check_refused::<Shaped<Labels>>(r#"{"a":"1","a":"2"}"#, "label name \"a\" stands twice");
    check_refused::<Shaped<Labels>>("[]", "invalid type: sequence, expected a map");
    check_refused::<Shaped<MetricType>>(r#""Counter""#, "unknown metric type \"Counter\"");
    check_refused::<TextFormat>(r#""protobuf""#, "protobuf is not a text format");
    check_refused::<EscapingScheme>(r#""none""#, "unknown format scheme none");
    check_refused::<ScrapeProtocol>(r#""HTTP""#, "unknown scrape protocol HTTP, supported: ");
    let versions = [
        (
            r#"{"format":"prometheus","version":"9","escaping":"dots"}"#,
            "version \"9\" of text/plain",
        ),
        (r#"{"format":"protobuf","version":"1","escaping":"dots"}"#, "protobuf has no version"),
    ];
    for (json, expected) in versions {
        check_refused::<PageOutput>(json, expected);
    }
}

proptest! {
    #[test]
    fn floats_read_back_to_the_bit(bits in any::<u64>()) {
        let value = f64::from_bits(bits);
        let json = serde_json::to_string(&Shaped(&value)).unwrap();
        let Shaped(read): Shaped<f64> = serde_json::from_str(&json).unwrap();
        prop_assert!(read.to_bits() == bits || read.is_nan() && value.is_nan());
    }

    #[test]
    fn labels_read_back_the_same(pairs in proptest::collection::vec(("\\PC{1,3}", "\\PC{0,3}"), 0..6)) {
        let labels = Labels::from_pairs(pairs);
        let json = serde_json::to_string(&Shaped(&labels)).unwrap();
        let Shaped(read): Shaped<Labels> = serde_json::from_str(&json).unwrap();
        prop_assert_eq!(read, labels);
    }
}
