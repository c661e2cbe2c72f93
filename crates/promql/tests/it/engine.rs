//! The engine's limits and options, and properties that hold whatever the data.

use proptest::prelude::*;
use serde_json::json;
use skopos_core::{
    Clock, Error, ErrorKind, ManualClock, QueryEngine, QueryOutput, QueryRequest, QueryValue,
    SampleValue, Timestamp,
};
use skopos_promql::{Engine, EngineOptions, ParseOptions};
use std::sync::Arc;

use crate::eval::Data;

fn data() -> Data {
    Data::new(&json!([
        r#"requests_total{job="a",instance="1"} 0+30x40"#,
        r#"requests_total{job="a",instance="2"} 0+15x40"#,
        r#"requests_total{job="b",instance="3"} 5+1x10 0+1x29"#,
        r#"other_total{job="a",instance="1"} 7x40"#,
    ]))
}

fn at(seconds: i64) -> Timestamp {
    Timestamp::from_millis(seconds * 1000)
}

fn instant(options: EngineOptions, query: &str) -> Result<QueryOutput, Error> {
    Engine::new(data(), options).query(&QueryRequest::instant(query, at(600)))
}

#[track_caller]
fn check_error(options: EngineOptions, query: &str, kind: ErrorKind, message: &str) {
    let error = instant(options, query).expect_err("it must fail");
    assert_eq!((error.kind(), error.to_string().as_str()), (kind, message));
}

#[test]
fn a_query_holds_no_more_samples_than_allowed() {
    let options = EngineOptions::default().with_max_samples(3);
    let message = "query processing would load too many samples into memory in query execution";
    check_error(options.clone(), "topk(5, {job=~\".+\"})", ErrorKind::Limit, message);
    check_error(options.clone(), "rate(requests_total[5m])", ErrorKind::Limit, message);
    assert!(instant(options, "sum(requests_total)").is_ok(), "what is folded is not held");
}

/// Time goes on whenever somebody looks.
pub(crate) struct Ticking(pub(crate) ManualClock);

impl Clock for Ticking {
    fn now(&self) -> Timestamp {
        let now = self.0.now();
        self.0.set(now + 1);
        now
    }
}

#[test]
fn a_query_ends_when_its_time_is_up() {
    let clock = || Arc::new(Ticking(ManualClock::new(at(0))));
    let options = EngineOptions::default().with_clock(clock()).with_timeout(3);
    let message = "query timed out in expression evaluation";
    check_error(options, "sum(requests_total) + sum(other_total)", ErrorKind::Timeout, message);
    let patient = EngineOptions::default().with_clock(clock()).with_timeout(1000);
    assert!(instant(patient, "sum(requests_total)").is_ok());
}

#[test]
fn modifiers_can_be_forbidden() {
    let no_at = EngineOptions::default().with_at_modifier(false);
    check_error(no_at.clone(), "sum(up @ 5)", ErrorKind::Invalid, "@ modifier is disabled");
    assert!(instant(no_at, "sum(up offset -5m)").is_ok());
    let no_future = EngineOptions::default().with_negative_offset(false);
    let message = "negative offset is disabled";
    check_error(no_future, "rate(up[5m] offset -5m)", ErrorKind::Invalid, message);
}

#[test]
fn errors_of_the_text_keep_their_place() {
    let error = instant(EngineOptions::default(), "sum(rate(up))").unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Invalid);
    let source = error.downcast_source::<skopos_promql::Error>().unwrap();
    assert_eq!(source.column(), Some(10));
}

#[test]
fn a_range_query_gives_no_range_vector() {
    let engine = Engine::new(data(), EngineOptions::default());
    let request = QueryRequest::range("up[5m]", at(0), at(60), 1000);
    let expected = "invalid expression type \"range vector\" for range query, must be Scalar or \
                    instant Vector";
    assert_eq!(engine.query(&request).unwrap_err().to_string(), expected);
}

#[test]
fn queries_are_checked_and_printed() {
    let engine = Engine::new(data(), EngineOptions::default());
    assert!(engine.check("rate(up[5m])").is_ok());
    assert!(engine.check("rate(up)").is_err());
    assert_eq!(engine.canonical("SUM(up)   by(job)").unwrap(), "sum by (job) (up)");
}

#[test]
fn deep_queries_do_not_exhaust_the_stack() {
    let engine = Engine::new(data(), EngineOptions::default());
    let nested = |before: &str, after: &str, n: usize| {
        format!("{}requests_total{}", before.repeat(n), after.repeat(n))
    };
    for query in [
        nested("-", "", 120),
        nested("abs(", ")", 125),
        nested("sum(", ")", 125),
        nested("label_replace(", ", \"a\", \"$1\", \"b\", \"(.*)\")", 125),
        nested("histogram_quantile(0.5, ", ")", 125),
        nested("(", ")", 125),
        nested("(1 + ", ")", 60),
        nested("(requests_total / ", ")", 60),
        nested("(requests_total unless ", ")", 60),
        nested("max_over_time(", "[1m:30s])", 60),
        nested("2 ^ ", "", 60),
        nested("", " + 1", 490),
        nested("", " * requests_total", 490),
        nested("", " > bool 0", 490),
        nested("", " or requests_total", 490),
    ] {
        let outcome = engine.query(&QueryRequest::instant(&query, at(600)));
        assert!(outcome.is_ok(), "{:?}: {query}", outcome.err());
    }
}

#[test]
fn a_source_is_asked_for_the_times_that_matter() {
    let engine = Engine::new(data(), EngineOptions::default());
    let request =
        QueryRequest::instant("count_over_time(requests_total{instance=\"1\"}[1m])", at(600));
    let QueryValue::Vector(vector) = engine.query(&request).unwrap().value else { unreachable!() };
    // Left-open: the sample exactly one minute back does not belong to the window.
    assert_eq!(vector[0].value, SampleValue::Float(2.0));
}

/// What the rate of a counter is, written down as its definition says.
fn naive_increase(samples: &[(i64, f64)], start: i64, end: i64) -> Option<f64> {
    let inside: Vec<(i64, f64)> =
        samples.iter().copied().filter(|(t, _)| start < *t && *t <= end).collect();
    if inside.len() < 2 {
        return None;
    }
    let (first, last) = (inside[0], inside[inside.len() - 1]);
    let mut raw = last.1 - first.1;
    for pair in inside.windows(2) {
        if pair[1].1 < pair[0].1 {
            raw += pair[0].1;
        }
    }
    let seconds = |millis: i64| millis as f64 / 1000.0;
    let sampled = seconds(last.0 - first.0);
    let average = sampled / (inside.len() - 1) as f64;
    let mut to_start = seconds(first.0 - start);
    let mut to_end = seconds(end - last.0);
    if to_start >= average * 1.1 {
        to_start = average / 2.0;
    }
    if raw > 0.0 && first.1 >= 0.0 {
        to_start = to_start.min(sampled * (first.1 / raw));
    }
    if to_end >= average * 1.1 {
        to_end = average / 2.0;
    }
    Some(raw * ((sampled + to_start + to_end) / sampled))
}

fn value_at(engine: &Engine<Data>, query: &str, seconds: i64) -> Option<f64> {
    let output = engine.query(&QueryRequest::instant(query, at(seconds))).expect("it has a value");
    let QueryValue::Vector(vector) = output.value else { unreachable!("it is a vector") };
    vector.first().map(|sample| match sample.value {
        SampleValue::Float(v) => v,
        SampleValue::Histogram(_) => unreachable!("there are floats only"),
    })
}

fn line(values: &[Option<f64>]) -> String {
    let items: Vec<String> =
        values.iter().map(|v| v.map_or_else(|| "_".to_owned(), |v| format!("{v:?}"))).collect();
    format!("x_total {}", items.join(" "))
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn increase_is_what_its_definition_says(
        values in proptest::collection::vec(proptest::option::weighted(0.8, 0.0..50.0_f64), 1..40),
        range in 30_i64..600,
        end in 0_i64..1200,
    ) {
        let engine = Engine::new(Data::new(&json!([line(&values)])), EngineOptions::default());
        let samples: Vec<(i64, f64)> =
            (0..).zip(&values).filter_map(|(i, v)| v.map(|v| (i * 30_000, v))).collect();
        let expected = naive_increase(&samples, (end - range) * 1000, end * 1000);
        let found = value_at(&engine, &format!("increase(x_total[{range}s])"), end);
        prop_assert_eq!(found.map(f64::to_bits), expected.map(f64::to_bits));
    }

    #[test]
    fn a_range_query_is_its_instant_queries(
        values in proptest::collection::vec(proptest::option::weighted(0.7, -50.0..50.0_f64), 1..40),
        query in proptest::sample::select(vec![
            "x_total", "-x_total", "x_total > 0", "rate(x_total[2m])", "avg_over_time(x_total[3m])",
            "sum(x_total)", "topk(1, x_total)", "x_total / (x_total != 3)", "absent(x_total)",
            "quantile_over_time(0.3, x_total[5m])", "deriv(x_total[4m])", "changes(x_total[90s:10s])",
            "x_total offset 1m or vector(time())", "max_over_time(rate(x_total[1m])[3m:20s])",
            "stddev(x_total)", "count_values(\"v\", x_total)", "label_replace(x_total, \"a\", \"$1\", \"b\", \"(.*)\")",
        ]),
        start in 0_i64..300,
        step in 7_i64..100,
    ) {
        let engine = Engine::new(
            Data::new(&json!([line(&values)])),
            EngineOptions::default().with_parse(ParseOptions::all()),
        );
        let request = QueryRequest::range(query, at(start), at(start + 10 * step), step * 1000);
        let QueryValue::Matrix(series) = engine.query(&request).unwrap().value else {
            unreachable!("a range query gives a matrix")
        };
        for i in 0..=10 {
            let t = at(start + i * step);
            let output = engine.query(&QueryRequest::instant(query, t)).unwrap();
            let QueryValue::Vector(mut vector) = output.value else { unreachable!("a vector") };
            vector.sort_by(|a, b| a.labels.cmp(&b.labels));
            let expected: Vec<(String, u64)> = vector
                .iter()
                .map(|s| match s.value {
                    SampleValue::Float(v) => (s.labels.to_string(), v.to_bits()),
                    SampleValue::Histogram(_) => unreachable!("there are floats only"),
                })
                .collect();
            let found: Vec<(String, u64)> = series
                .iter()
                .filter_map(|s| {
                    let sample = s.floats.iter().find(|sample| sample.t == t)?;
                    Some((s.labels.to_string(), sample.v.to_bits()))
                })
                .collect();
            prop_assert_eq!(found, expected, "{} at {}", query, t);
        }
    }
}

#[test]
fn every_function_and_aggregation_is_evaluated() {
    let options = EngineOptions::default().with_parse(ParseOptions::all());
    for signature in skopos_promql::Signature::all() {
        let args: Vec<&str> = signature
            .arg_types
            .iter()
            .map(|arg| match arg {
                _ if signature.name == "info" => "{job=\"a\"}",
                skopos_promql::ValueType::Matrix => "requests_total[5m]",
                skopos_promql::ValueType::Scalar => "0.5",
                skopos_promql::ValueType::String => "\"a\"",
                skopos_promql::ValueType::Vector => "requests_total{instance=\"1\"}",
            })
            .collect();
        let query = format!("{}({})", signature.name, args.join(", "));
        let error = instant(options.clone(), &query).err();
        assert!(error.is_none(), "{query}: {error:?}");
    }
    let operators = ["avg", "count", "group", "max", "min", "stddev", "stdvar", "sum"];
    let with_number = ["bottomk", "limitk", "limit_ratio", "quantile", "topk"];
    let queries = operators.map(|op| format!("{op}(requests_total)"));
    let more = with_number.map(|op| format!("{op}(1, requests_total)"));
    for query in queries.iter().chain(&more) {
        assert!(instant(options.clone(), query).is_ok(), "{query}");
    }
}
