//! How much memory queries hold: what an aggregation reads is let go of series by series.
//!
//! Bytes are counted, not time, so that the bounds are the same on every machine. One test, since the
//! allocator's tally knows one at a time.

use skopos_bench::alloc::tally;
use skopos_core::{Labels, QueryEngine, QueryRequest, QueryValue, Sample, Timestamp};
use skopos_promql::{Engine, EngineOptions, Table};

/// As in a panel of an hour.
const STEPS: i64 = 241;
/// Of handles to the series that a selector found: their labels and where their samples are.
const BYTES_A_SERIES: i64 = 160;
/// One series' samples and columns, the plan, the groups.
const BYTES_AT_LEAST: i64 = 200_000;

/// So many counters, an hour of each.
fn counters(count: i64) -> Engine<Table> {
    let series = (0..count).map(|i| {
        let (instance, job) = (i.to_string(), (i % 10).to_string());
        let labels = [("__name__", "x"), ("instance", &instance), ("job", &job)];
        let samples = (0..300).map(|t| Sample::new(t * 15_000, (t * i) as f64)).collect();
        (Labels::from_pairs(labels), samples)
    });
    Engine::new(Table::from_iter(series), EngineOptions::default())
}

/// The most bytes that a query held at the same time.
fn peak(engine: &Engine<Table>, query: &str) -> i64 {
    let at = |step: i64| Timestamp::from_millis(600_000 + step * 15_000);
    let request = QueryRequest::range(query, at(0), at(STEPS - 1), 15_000);
    let counted = tally(|| {
        let value = engine.query(&request).expect(query).value;
        assert!(matches!(value, QueryValue::Matrix(matrix) if !matrix.is_empty()), "{query}");
    });
    counted.peak
}

#[test]
fn an_aggregation_holds_its_groups_and_one_series() {
    for count in [100, 1_000, 10_000] {
        let engine = counters(count);
        for (query, selections) in [
            ("sum(rate(x[1m]))", 1),
            ("sum by (job) (rate(x[1m]))", 1),
            ("max by (job) (x)", 1),
            ("topk(3, sum by (job) (rate(x[5m])))", 1),
            ("sum(rate(x[1m])) / count(x)", 2),
        ] {
            let peak = peak(&engine, query);
            let bound = BYTES_AT_LEAST + BYTES_A_SERIES * selections * count;
            println!("{query:40} {count:6} series: {peak:9} bytes held, {bound:9} allowed");
            assert!(peak <= bound, "{query} over {count} series held {peak} bytes, not {bound}");
        }
    }
}
