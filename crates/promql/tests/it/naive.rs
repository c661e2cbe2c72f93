//! The engine beside the naive evaluator of `testkit`, over random queries and data, and range queries
//! beside their instant ones.
//!
//! `SKOPOS_NAIVE_CASES` says how many cases there are, `SKOPOS_NAIVE_SEED` with which seed they begin.

use std::sync::Arc;

use skopos_core::{
    Error, Labels, QueryEngine, QueryOutput, QueryRequest, QueryValue, RangeSeries, SampleValue,
    Selection, SeriesSource, TimeRange, Timestamp,
};
use skopos_promql::series_desc::parse_series_description;
use skopos_promql::{Engine, EngineOptions, ParseOptions, Table};
use skopos_testkit::naive::{Case, Verdict};

/// A few seconds without optimization.
const CASES: u64 = 1500;

#[expect(clippy::disallowed_methods, reason = "how long the test runs is asked from outside")]
pub(crate) fn number(name: &str, default: u64) -> u64 {
    std::env::var(name).map_or(default, |text| text.parse().expect("a number"))
}

fn answer(case: &Case) -> Result<QueryOutput, Error> {
    let options = EngineOptions::default()
        .with_parse(ParseOptions::all())
        .with_subquery_step(Case::SUBQUERY_STEP);
    let engine = Engine::new(case.store(), options);
    let text = case.text();
    engine.query(&case.request(&text))
}

fn judge(case: &Case) -> Verdict {
    case.judge(&answer(case))
}

fn has_histograms(output: &QueryOutput) -> bool {
    match &output.value {
        QueryValue::Matrix(series) => series.iter().any(|one| !one.histograms.is_empty()),
        QueryValue::Vector(samples) => {
            samples.iter().any(|one| matches!(one.value, SampleValue::Histogram(_)))
        }
        QueryValue::Scalar(_) | QueryValue::String(..) => false,
    }
}

#[test]
fn the_engine_agrees_with_the_naive_evaluator() {
    let (mut agreed, mut failed, mut unspecified, mut histograms) = (0, 0, 0, 0);
    let (first, cases) = (number("SKOPOS_NAIVE_SEED", 0), number("SKOPOS_NAIVE_CASES", CASES));
    let mut differences = Vec::new();
    for seed in first..first + cases {
        let case = Case::random(seed);
        let found = answer(&case);
        histograms += u64::from(found.as_ref().is_ok_and(has_histograms));
        match case.judge(&found) {
            Verdict::Agreed => agreed += 1,
            Verdict::BothFailed => failed += 1,
            Verdict::Disagreed(_) => {
                let small = case.shrink(|case| matches!(judge(case), Verdict::Disagreed(_)));
                let Verdict::Disagreed(how) = judge(&small) else { unreachable!("it disagreed") };
                differences.push(format!("seed {seed}: {}{how}", small.describe()));
                if 20 <= differences.len() {
                    break;
                }
            }
            _ => unspecified += 1,
        }
    }
    println!("{agreed} agreed, {failed} failed on both sides, {unspecified} are not laid down");
    assert!(differences.is_empty(), "{}", differences.join("\n\n"));
    assert!(cases < 100 || cases / 2 < agreed, "{agreed} of {cases} have values");
    println!("{histograms} answers have native histograms");
    assert!(cases < 100 || cases / 50 < histograms, "{histograms} of {cases} have histograms");
}

/// Native histograms under names that the random queries ask for.
const HISTOGRAMS: [&str; 6] = [
    "a_total{job=\"x\",instance=\"4\"} {{schema:0 sum:5 count:4 buckets:[1 2 1]}}+{{schema:0 sum:2 count:3 buckets:[1 1 1]}}x12 {{schema:0 sum:1 count:1 buckets:[1]}}+{{schema:0 sum:2 count:3 buckets:[1 1 1]}}x17",
    "a_total{job=\"y\",instance=\"4\"} {{schema:1 sum:5 count:5 z_bucket:1 z_bucket_w:0.01 buckets:[1 2 1]}}+{{schema:1 sum:2 count:4 z_bucket:1 z_bucket_w:0.01 buckets:[1 1 1]}}x9 _x5 stale _ {{schema:2 sum:9 count:7 offset:1 buckets:[1 2 4]}}x9",
    "b_total{job=\"x\",instance=\"4\"} {{schema:-53 sum:5 count:4 custom_values:[1 2 5] buckets:[1 2 1]}}+{{schema:-53 sum:1 count:2 custom_values:[1 2 5] buckets:[1 1 0]}}x29",
    "b_total{job=\"y\",instance=\"4\"} {{schema:-53 sum:5 count:4 custom_values:[1 3] buckets:[1 2 1]}}x15 {{schema:-53 sum:5 count:4 custom_values:[1 2 5] buckets:[1 2 1]}}x14",
    "gauge{job=\"x\",instance=\"4\"} {{schema:0 sum:5 count:4 buckets:[1 2 1] n_buckets:[0.5 0 1] counter_reset_hint:gauge}}x30",
    "odd{job=\"x\",instance=\"4\"} 1 {{schema:0 sum:NaN count:4 buckets:[1 2 1]}} 4 _x4 {{schema:0 sum:1 count:1 buckets:[1]}}x9 1x9",
];

/// The data of a case, and native histograms beside them.
fn table(case: &Case) -> Table {
    let mut table = Table::new();
    let all = Selection::new([], TimeRange::ALL);
    let store = case.store();
    let mut set = store.select(&all).expect("a store can be read");
    while let Some(series) = set.advance().expect("a store can be read") {
        let columns = table.columns_mut(&series.labels().to_labels());
        series.read_all(columns).expect("a store can be read");
    }
    for line in HISTOGRAMS {
        let series = parse_series_description(line).expect("a series");
        series.push_to(table.columns_mut(&series.labels), 3_000_000, 30_000);
    }
    table
}

/// The bits of a value, all NaN being one.
fn bits(value: &SampleValue) -> String {
    let plain = |v: f64| if v.is_nan() { f64::NAN } else { v };
    match value {
        SampleValue::Float(v) => format!("{:x}", plain(*v).to_bits()),
        SampleValue::Histogram(h) => format!("{h:?}"),
    }
}

/// The elements of a vector or the one of a scalar, in the order of their labels.
fn elements(value: QueryValue) -> Vec<(Labels, String)> {
    let mut elements: Vec<(Labels, String)> = match value {
        QueryValue::Scalar(sample) => {
            vec![(Labels::empty(), bits(&SampleValue::Float(sample.v)))]
        }
        QueryValue::Vector(vector) => {
            vector.into_iter().map(|one| (one.labels, bits(&one.value))).collect()
        }
        QueryValue::Matrix(_) | QueryValue::String(..) => Vec::new(),
    };
    elements.sort();
    elements
}

/// The elements of a range query's answer at one of its steps.
fn at_step(series: &[RangeSeries], t: Timestamp) -> Vec<(Labels, String)> {
    let mut elements = Vec::new();
    for one in series {
        let floats = one.floats.iter().filter(|sample| sample.t == t);
        let floats = floats.map(|sample| SampleValue::Float(sample.v));
        let histograms = one.histograms.iter().filter(|(time, _)| *time == t);
        let histograms = histograms.map(|(_, h)| SampleValue::Histogram(Arc::clone(h)));
        elements.extend(floats.chain(histograms).map(|v| (one.labels.clone(), bits(&v))));
    }
    elements.sort();
    elements
}

#[test]
fn a_range_query_is_its_instant_queries_bit_for_bit() {
    let (first, cases) = (number("SKOPOS_NAIVE_SEED", 0), number("SKOPOS_NAIVE_CASES", CASES));
    let options = EngineOptions::default().with_parse(ParseOptions::all());
    let (mut compared, mut histograms) = (0, 0);
    for seed in first..first + cases {
        let case = Case::random(seed);
        let text = match seed % 8 {
            0 => format!("histogram_quantile(0.9, {})", case.text()),
            1 => format!("histogram_count({})", case.text()),
            2 => format!("histogram_stddev({})", case.text()),
            3 => format!("sum by (job) ({})", case.text()),
            _ => case.text(),
        };
        let request = case.request(&text);
        // These are other times in an instant query, or take what comes first of equal values.
        let other = ["start()", "end()", "range()", "step()", "topk", "bottomk", "limitk"];
        if request.is_instant() || other.iter().any(|word| text.contains(word)) {
            continue;
        }
        let engine = Engine::new(table(&case), options.clone());
        let Ok(output) = engine.query(&request) else { continue };
        let QueryValue::Matrix(series) = &output.value else { unreachable!("a matrix") };
        histograms += usize::from(series.iter().any(|one| !one.histograms.is_empty()));
        let lookback = request.lookback().unwrap_or_default();
        let mut t = request.start();
        while t <= request.end() {
            let instant = QueryRequest::instant(&text, t).with_lookback(lookback);
            let expected = elements(engine.query(&instant).expect("as the range query").value);
            let found = at_step(series, t);
            assert_eq!(found, expected, "seed {seed}, {text} at {t}\n{}", case.describe());
            compared += 1;
            t = t + request.step();
        }
    }
    println!("{compared} instants, histograms in {histograms} answers");
    assert!(cases < 100 || cases < compared, "{compared} instants of {cases} queries");
    assert!(cases < 100 || cases / 100 < histograms as u64, "{histograms} answers");
}
