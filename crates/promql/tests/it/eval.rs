//! The engine's results, bit for bit.

use serde_json::Value;
use skopos_core::{
    Columns, Error, FloatHistogram, LabelSet, Labels, MatchOp, Matcher, QueryEngine, QueryRequest,
    QueryValue, RangeSeries, ResetHint, SampleCursor, SampleValue, Selection, Series, SeriesSet,
    SeriesSource, Span, TimeRange, Timestamp,
};
use skopos_promql::series_desc::parse_series_description;
use skopos_promql::{Engine, EngineOptions, ParseOptions};
use skopos_regex::LabelRegex;

use crate::conformance::{report, vectors};

/// One series a line of the vectors' data, a sample every 30 seconds; in the order of the lines, as a
/// head gives them.
pub(crate) struct Data(pub(crate) Vec<(Labels, Columns)>);

impl Data {
    pub(crate) fn new(lines: &Value) -> Self {
        let mut series = Vec::new();
        for line in lines.as_array().expect("data is a list") {
            let description =
                parse_series_description(line.as_str().expect("a line")).expect("a series");
            let mut columns = Columns::new();
            description.push_to(&mut columns, 0, 30_000);
            for (i, h) in columns.histograms.iter_mut().enumerate() {
                if h.reset_hint != ResetHint::Gauge {
                    h.reset_hint = if i == 0 { ResetHint::Unknown } else { ResetHint::NotReset };
                }
            }
            series.push((description.labels, columns));
        }
        Self(series)
    }
}

fn holds(m: &Matcher, labels: &Labels) -> bool {
    let value = labels.get(m.name()).unwrap_or_default();
    let equal = match m.op() {
        MatchOp::Equal | MatchOp::NotEqual => value == m.value(),
        MatchOp::Regex | MatchOp::NotRegex => {
            LabelRegex::new(m.value()).expect("a regex").is_match(value)
        }
    };
    equal != m.op().is_negative()
}

impl SeriesSource for Data {
    fn select<'a>(&'a self, selection: &Selection) -> Result<Box<dyn SeriesSet<'a> + 'a>, Error> {
        let matchers = selection.matchers();
        let chosen: Vec<Selected<'a>> = self
            .0
            .iter()
            .filter(|(labels, _)| matchers.iter().all(|m| holds(m, labels)))
            .map(|(labels, columns)| Selected { labels, columns, range: selection.range() })
            .collect();
        Ok(Box::new(Set(chosen.into_iter())))
    }
}

struct Set<'a>(std::vec::IntoIter<Selected<'a>>);

impl<'a> SeriesSet<'a> for Set<'a> {
    fn advance(&mut self) -> Result<Option<Box<dyn Series + 'a>>, Error> {
        Ok(self.0.next().map(|series| Box::new(series) as Box<dyn Series + 'a>))
    }
}

struct Selected<'a> {
    labels: &'a Labels,
    columns: &'a Columns,
    range: TimeRange,
}

impl Series for Selected<'_> {
    fn labels(&self) -> &dyn LabelSet {
        self.labels
    }

    fn cursor(&self) -> Box<dyn SampleCursor + '_> {
        Box::new(Cursor(self))
    }
}

struct Cursor<'a>(&'a Selected<'a>);

impl SampleCursor for Cursor<'_> {
    fn read(&mut self, out: &mut Columns) -> Result<bool, Error> {
        let (from, range) = (self.0.columns, self.0.range);
        let within = |t: &i64| range.contains(Timestamp::from_millis(*t));
        for (t, v) in from.timestamps.iter().zip(&from.values).filter(|(t, _)| within(t)) {
            out.push(*t, *v);
        }
        let histograms = from.histogram_timestamps.iter().zip(&from.histograms);
        for (t, h) in histograms.filter(|(t, _)| within(t)) {
            out.push_histogram(*t, h.clone());
        }
        Ok(false)
    }
}

fn bits(v: &Value) -> f64 {
    f64::from_bits(u64::from_str_radix(v.as_str().expect("bits"), 16).expect("hex"))
}

fn same(expected: f64, found: f64) -> bool {
    expected.to_bits() == found.to_bits() || (expected.is_nan() && found.is_nan())
}

fn labels(v: &Value) -> Labels {
    let pairs = v.as_array().expect("labels").iter();
    Labels::from_pairs(
        pairs.map(|pair| (pair[0].as_str().expect("a text"), pair[1].as_str().expect("a text"))),
    )
}

fn spans(v: &Value) -> Vec<Span> {
    let spans = v.as_array().map(Vec::as_slice).unwrap_or_default();
    spans
        .iter()
        .map(|s| Span {
            offset: s[0].as_i64().expect("a number") as i32,
            length: s[1].as_u64().expect("a number") as u32,
        })
        .collect()
}

fn histogram(v: &Value) -> FloatHistogram {
    let floats = |v: &Value| -> Vec<f64> {
        v.as_array().map(Vec::as_slice).unwrap_or_default().iter().map(bits).collect()
    };
    FloatHistogram {
        reset_hint: match v["crh"].as_str().expect("a text") {
            "gauge" => ResetHint::Gauge,
            "reset" => ResetHint::Reset,
            "not_reset" => ResetHint::NotReset,
            _ => ResetHint::Unknown,
        },
        schema: v["schema"].as_i64().expect("a number") as i32,
        zero_threshold: bits(&v["zt"]),
        zero_count: bits(&v["zc"]),
        count: bits(&v["count"]),
        sum: bits(&v["sum"]),
        positive_spans: spans(&v["ps"]),
        negative_spans: spans(&v["ns"]),
        positive_buckets: floats(&v["pb"]),
        negative_buckets: floats(&v["nb"]),
        custom_values: floats(&v["cv"]).into(),
    }
}

fn same_histogram(expected: &FloatHistogram, found: &FloatHistogram) -> bool {
    expected == found && expected.reset_hint == found.reset_hint
}

fn same_value(expected: &Value, found: &SampleValue) -> bool {
    match found {
        SampleValue::Float(v) => expected["v"].is_string() && same(bits(&expected["v"]), *v),
        SampleValue::Histogram(h) => {
            !expected["fh"].is_null() && same_histogram(&histogram(&expected["fh"]), h)
        }
    }
}

fn same_series(expected: &Value, found: &RangeSeries) -> bool {
    let list = |key: &str| expected[key].as_array().cloned().unwrap_or_default();
    let (floats, histograms) = (list("floats"), list("histograms"));
    labels(&expected["labels"]) == found.labels
        && floats.len() == found.floats.len()
        && histograms.len() == found.histograms.len()
        && floats
            .iter()
            .zip(&found.floats)
            .all(|(e, s)| e[0].as_i64() == Some(s.t.as_millis()) && same(bits(&e[1]), s.v))
        && histograms.iter().zip(&found.histograms).all(|(e, (t, h))| {
            e[0].as_i64() == Some(t.as_millis()) && same_histogram(&histogram(&e[1]), h)
        })
}

/// What differs, if anything does.
fn difference(
    expected: &Value,
    ordered: bool,
    found: &Result<skopos_core::QueryOutput, Error>,
) -> Option<String> {
    let found = match found {
        Err(error) => {
            let same = expected["error"].as_str() == Some(error.to_string().as_str());
            return (!same).then(|| format!("error {error}"));
        }
        Ok(_) if !expected["error"].is_null() => return Some("no error".to_owned()),
        Ok(output) => output,
    };
    for (key, list) in [("warnings", &found.warnings), ("infos", &found.infos)] {
        let mut wanted: Vec<String> = expected[key]
            .as_array()
            .map(|list| list.iter().map(|v| v.as_str().expect("a text").to_owned()).collect())
            .unwrap_or_default();
        let mut list = list.clone();
        wanted.sort();
        list.sort();
        if wanted != list {
            return Some(format!("{key} {list:?}"));
        }
    }
    let same = match &found.value {
        QueryValue::Scalar(s) => {
            let expected = &expected["scalar"];
            expected[0].as_i64() == Some(s.t.as_millis()) && same(bits(&expected[1]), s.v)
        }
        QueryValue::String(_, text) => expected["string"].as_str() == Some(text),
        QueryValue::Vector(samples) => {
            let mut samples = samples.clone();
            let wanted = expected["vector"].as_array().cloned().unwrap_or_default();
            if !ordered {
                samples.sort_by(|a, b| a.labels.cmp(&b.labels));
            }
            wanted.len() == samples.len()
                && wanted.iter().zip(&samples).all(|(e, s)| {
                    labels(&e["labels"]) == s.labels
                        && e["t"].as_i64() == Some(s.t.as_millis())
                        && same_value(e, &s.value)
                })
        }
        QueryValue::Matrix(series) => {
            let wanted = expected["matrix"].as_array().cloned().unwrap_or_default();
            wanted.len() == series.len()
                && wanted.iter().zip(series).all(|(e, s)| same_series(e, s))
        }
    };
    (!same).then(|| format!("{:?}", found.value))
}

#[test]
fn results_are_upstreams_bit_for_bit() {
    let Some(vectors) = vectors("promql/eval.json") else { return };
    let options = EngineOptions::default().with_parse(ParseOptions::all());
    let engine = Engine::new(Data::new(&vectors["data"]), options);
    let (mut checked, mut failures) = (0, Vec::new());
    for case in vectors["cases"].as_array().expect("cases") {
        let ordered = case["ordered"].as_bool() == Some(true);
        let query = case["query"].as_str().expect("a query");
        for (key, expected) in case.as_object().expect("a case") {
            let numbers: Vec<i64> = key.split('_').filter_map(|n| n.parse().ok()).collect();
            let at = |i: usize| Timestamp::from_millis(numbers[i] * 1000);
            let start = Timestamp::from_millis(0);
            let request = match (key.split('_').next(), numbers.len()) {
                (Some("instant"), 1) => QueryRequest::instant(query, at(0)),
                (Some("range"), 3) => QueryRequest::range(query, at(0), at(1), numbers[2] * 1000),
                (Some("parse"), 0) => QueryRequest::instant(query, start),
                (Some("range"), 0) => QueryRequest::range(query, start, start + 60_000, 60_000),
                _ => continue,
            };
            checked += 1;
            if let Some(message) = expected.as_str() {
                let found = engine.query(&request).map(|_| ()).map_err(|e| e.to_string());
                if found.as_ref().err().map(String::as_str) != Some(message) {
                    failures
                        .push(format!("{query} ({key}):\n  expected {message}\n  found {found:?}"));
                }
                continue;
            }
            if let Some(found) = difference(expected, ordered, &engine.query(&request)) {
                let (found, expected) = (&found[..found.len().min(700)], expected.to_string());
                let expected = &expected[..expected.len().min(700)];
                failures.push(format!("{query} ({key}):\n  expected {expected}\n  found {found}"));
            }
        }
    }
    report(checked, &failures);
}

/// Every query that parses has a result or an error, whatever the data.
#[test]
fn no_parsed_query_panics() {
    let Some(data) = vectors("promql/eval.json") else { return };
    let options =
        EngineOptions::default().with_parse(ParseOptions::all()).with_max_samples(100_000);
    let eager = Engine::new(Data::new(&data["data"]), options.clone());
    let delayed = Engine::new(Data::new(&data["data"]), options.with_delayed_name_removal(true));
    let (start, end) = (Timestamp::from_millis(300_000), Timestamp::from_millis(900_000));
    let mut answered = 0;
    for file in ["promql/parse.json", "promql/parse_random.json"] {
        let Some(vectors) = vectors(file) else { return };
        for case in vectors["cases"].as_array().expect("cases") {
            let text = crate::conformance::text_of(case);
            let instant = QueryRequest::instant(&text, end);
            let range = QueryRequest::range(&text, start, end, 60_000);
            for engine in [&eager, &delayed] {
                answered += usize::from(engine.query(&instant).is_ok());
                answered += usize::from(engine.query(&range).is_ok());
            }
        }
    }
    assert!(1000 < answered, "only {answered} answers");
}
