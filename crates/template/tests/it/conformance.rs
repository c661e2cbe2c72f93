//! The template vectors of the Go implementation, every one that can be asked here.

use std::path::PathBuf;
use std::sync::Arc;

use serde_json::Value as Json;
use skopos_core::{
    Error, ErrorKind, Expander, Expansion, FloatHistogram, Labels, QueryEngine, QueryOutput,
    QueryRequest, QueryValue, SampleValue, Span, Timestamp, VectorSample,
};
use skopos_template::{AlertExpander, HtmlExpander};

/// The file of vectors; none, said aloud, where there is no folder of them.
#[expect(clippy::disallowed_methods, reason = "the folder of vectors is named by the environment")]
fn vectors(name: &str) -> Option<Json> {
    let Ok(folder) = std::env::var("SKOPOS_CONFORMANCE") else {
        eprintln!("skipped: SKOPOS_CONFORMANCE is not set");
        return None;
    };
    let path = PathBuf::from(folder).join("vectors/template").join(name);
    let text = std::fs::read_to_string(&path).expect("the vectors are there");
    Some(serde_json::from_str(&text).expect("the vectors are JSON"))
}

fn bits(json: &Json) -> f64 {
    f64::from_bits(u64::from_str_radix(json.as_str().unwrap(), 16).unwrap())
}

fn floats(json: &Json) -> Vec<f64> {
    json.as_array().map(|list| list.iter().map(bits).collect()).unwrap_or_default()
}

fn histogram(json: &Json) -> SampleValue {
    let spans = json["ps"].as_array().unwrap().iter().map(|span| Span {
        offset: span[0].as_i64().unwrap() as i32,
        length: span[1].as_u64().unwrap() as u32,
    });
    SampleValue::Histogram(Arc::new(FloatHistogram {
        schema: json["schema"].as_i64().unwrap() as i32,
        zero_threshold: bits(&json["zt"]),
        zero_count: bits(&json["zc"]),
        count: bits(&json["count"]),
        sum: bits(&json["sum"]),
        positive_spans: spans.collect(),
        positive_buckets: floats(&json["pb"]),
        ..FloatHistogram::default()
    }))
}

fn labels(json: &Json) -> Labels {
    let text = |json: &Json| json.as_str().unwrap().to_owned();
    match json {
        Json::Object(map) => {
            Labels::from_pairs(map.iter().map(|(name, v)| (name.clone(), text(v))))
        }
        _ => Labels::from_pairs(
            json.as_array().unwrap().iter().map(|pair| (text(&pair[0]), text(&pair[1]))),
        ),
    }
}

/// Answers from the file.
struct Answers<'a>(&'a Json);

impl QueryEngine for Answers<'_> {
    fn query(&self, request: &QueryRequest<'_>) -> Result<QueryOutput, Error> {
        let text = request.text();
        if let Some(error) = self.0["query_error"][text].as_str() {
            return Err(Error::new(ErrorKind::Invalid, error));
        }
        let Some(samples) = self.0["query_results"][text].as_array() else {
            return Err(Error::new(ErrorKind::Invalid, format!("no such query: {text}")));
        };
        let sample = |json: &Json| VectorSample {
            labels: labels(&json["labels"]),
            t: request.start(),
            value: match json.get("fh") {
                Some(json) => histogram(json),
                None => SampleValue::Float(bits(&json["v"])),
            },
        };
        Ok(QueryOutput::new(QueryValue::Vector(samples.iter().map(sample).collect())))
    }

    fn check(&self, _: &str) -> Result<(), Error> {
        Ok(())
    }

    fn canonical(&self, text: &str) -> Result<String, Error> {
        Ok(text.to_owned())
    }
}

/// The labels of the file have an empty one, which no label set of ours has; it shows where labels
/// are printed, and where they are counted or listed:
const EMPTY_LABEL: &str = " empty:";
const COUNTING: [&str; 3] =
    ["{{ len .Labels }}", "{{ .Labels | len }}", "{{ range $k, $_ := .Labels }}{{ $k }},{{ end }}"];

#[test]
fn templates_expand_as_in_go() {
    let Some(file) = vectors("template.json") else { return };
    let expander = AlertExpander::new();
    let all_labels = labels(&file["labels"]);
    let external_labels = labels(&file["external_labels"]);
    let engine = Answers(&file);
    let (mut agreed, mut left_out, mut failures) = (0, 0, Vec::new());
    for case in file["cases"].as_array().unwrap() {
        let value = match (case.get("value_fh"), case.get("value")) {
            (Some(json), _) => histogram(json),
            (None, Some(json)) => SampleValue::Float(bits(json)),
            (None, None) => SampleValue::Float(bits(&file["default_value"])),
        };
        // Not UTF-8, or dependent on an address.
        let Some(text) = case["template"].as_str() else {
            left_out += 1;
            continue;
        };
        if case.get("nondeterministic").is_some() || COUNTING.contains(&text) {
            left_out += 1;
            continue;
        }
        let expansion = Expansion {
            name: file["template_name"].as_str().unwrap(),
            labels: &all_labels,
            external_labels: &external_labels,
            external_url: file["external_url"].as_str().unwrap(),
            value: &value,
            t: Timestamp::from_millis(file["eval_time_ms"].as_i64().unwrap()),
            engine: &engine,
        };
        let (got, expected) = match expander.expand(text, &expansion) {
            Ok(got) => {
                (format!("ok {got}"), format!("ok {}", case["result"].as_str().unwrap_or("?")))
            }
            Err(error) => {
                let expected = case["error"].as_str().unwrap_or("?");
                (format!("error {error}"), format!("error {expected}"))
            }
        };
        let without_empty = |text: &str| text.replace(EMPTY_LABEL, "");
        if got == without_empty(&expected) {
            agreed += 1;
        } else {
            failures.push(format!("{text}\n   got {got}\n  want {expected}"));
        }
        let is_syntax = case.get("parse_error").is_some();
        assert_eq!(expander.check(expansion.name, text).is_err(), is_syntax, "{text}");
    }
    eprintln!("{agreed} agree, {left_out} left out, {} differ", failures.len());
    assert!(failures.is_empty(), "{}", failures.join("\n"));
    assert!(agreed >= 2300, "only {agreed} vectors were checked");
}

#[test]
fn pages_expand_as_in_go() {
    let (Some(file), Some(pages)) = (vectors("template.json"), vectors("html.json")) else {
        return;
    };
    let all_labels = labels(&file["labels"]);
    let external_labels = labels(&file["external_labels"]);
    let engine = Answers(&file);
    let value = SampleValue::Float(bits(&file["default_value"]));
    let expansion = Expansion {
        name: pages["template_name"].as_str().unwrap(),
        labels: &all_labels,
        external_labels: &external_labels,
        external_url: file["external_url"].as_str().unwrap(),
        value: &value,
        t: Timestamp::from_millis(file["eval_time_ms"].as_i64().unwrap()),
        engine: &engine,
    };
    let (cases, mut failures) = (pages["cases"].as_array().unwrap(), Vec::new());
    for case in cases {
        let text = case["template"].as_str().unwrap();
        let got = HtmlExpander::new().expand(text, &expansion).map_err(|error| error.to_string());
        let expected = match case["result"].as_str() {
            Some(result) => Ok(result.to_owned()),
            None => Err(case["error"].as_str().unwrap().to_owned()),
        };
        if got != expected {
            failures.push(format!("{text}\n   got {got:?}\n  want {expected:?}"));
        }
    }
    assert!(failures.is_empty(), "{}", failures.join("\n"));
    assert!(cases.len() >= 40, "only {} vectors were checked", cases.len());
}
