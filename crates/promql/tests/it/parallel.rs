//! Any number of threads gives the same answers.

use skopos_core::{Labels, QueryEngine as _, QueryRequest, Sample, Timestamp};
use skopos_promql::{Engine, EngineOptions, ParseOptions, Table};

use crate::conformance::vectors;
use crate::eval::Data;

/// Everything that a query's answer tells.
fn answer(engine: &Engine<impl skopos_core::SeriesSource>, request: &QueryRequest<'_>) -> String {
    format!("{:?}", engine.query(request))
}

fn options(threads: usize) -> EngineOptions {
    let options = EngineOptions::default().with_parse(ParseOptions::all());
    options.with_threads(threads).with_threads_from(0)
}

#[test]
fn upstreams_queries_have_the_same_answers_on_any_number_of_threads() {
    let Some(vectors) = vectors("promql/eval.json") else { return };
    let data = || Data::new(&vectors["data"]);
    // A few queries hold too many samples for one of them.
    for limit in [usize::MAX, 300] {
        let engine = |threads| Engine::new(data(), options(threads).with_max_samples(limit));
        let one = engine(1);
        let many = [2, 3, 8].map(engine);
        for case in vectors["cases"].as_array().expect("cases") {
            let query = case["query"].as_str().expect("a query");
            let at = |seconds: i64| Timestamp::from_millis(seconds * 1000);
            for request in [
                QueryRequest::instant(query, at(1800)),
                QueryRequest::range(query, at(0), at(3600), 60_000).with_step_statistics(true),
            ] {
                let expected = answer(&one, &request);
                for engine in &many {
                    assert_eq!(answer(engine, &request), expected, "{query}");
                }
            }
        }
    }
}

/// Many series, so that threads take turns; a fifth of them have no sample for the query.
fn wide() -> Table {
    let series = (0..500).map(|i: i64| {
        let (instance, job) = (format!("host-{i}"), format!("job-{}", i % 7));
        let labels = [("__name__", "x"), ("instance", instance.as_str()), ("job", job.as_str())];
        let start = if i % 5 == 0 { 10_000_000 } else { i };
        let samples = (0..240).map(|k| {
            let t = start + k * 15_000;
            Sample::new(t, ((i * 31 + k * 17) % 101) as f64 / 7.0)
        });
        (Labels::from_pairs(labels), samples.collect::<Vec<_>>())
    });
    series.collect()
}

#[test]
fn many_series_are_folded_in_their_order() {
    let one = Engine::new(wide(), options(1));
    let many = [2, 3, 8].map(|threads| Engine::new(wide(), options(threads)));
    for query in [
        "x",
        "sum(x)",
        "sum by (job) (rate(x[5m]))",
        "topk(3, x)",
        "avg by (job) (x) / on (job) max by (job) (x)",
        "quantile_over_time(2, x[1m])",
        "double_exponential_smoothing(x[5m], 2, 0.5)",
        "max_over_time(sum(x)[10m:1m])",
    ] {
        let at = |seconds: i64| Timestamp::from_millis(seconds * 1000);
        let request = QueryRequest::range(query, at(0), at(3600), 15_000);
        let expected = answer(&one, &request);
        for engine in &many {
            assert_eq!(answer(engine, &request), expected, "{query}");
        }
    }
}
