//! `promql-table`: range queries of many series and of long windows, over plain tables in memory.
//!
//! The tables are made, not read, with the same numbers on every machine; the Go program makes the
//! same ones. Each line has a digest of the result's bits: both sides' must be equal.

use std::hint::black_box;

use anyhow::{Result, bail};
use serde_json::json;
use skopos_core::{Labels, QueryEngine, QueryRequest, QueryValue, Sample, Timestamp};
use skopos_promql::{Engine, EngineOptions, Table};

use crate::measure::{Plan, measure};
use crate::report::emit_time;

/// A query over one of the tables.
struct Row {
    name: &'static str,
    table: fn() -> Table,
    query: &'static str,
    /// In seconds.
    start: i64,
    step: i64,
    steps: i64,
}

const DAY: i64 = 86_400;

/// A query over a day, at a thousand steps.
const fn long(name: &'static str, query: &'static str) -> Row {
    Row { name, table: days, query, start: DAY, step: 60, steps: 1000 }
}

/// A query over many series.
const fn wide(name: &'static str, query: &'static str) -> Row {
    Row { name, table: hour, query, start: 600, step: 15, steps: 241 }
}

const ROWS: &[Row] = &[
    long("rate_1d", "rate(c[1d])"),
    long("increase_1d", "increase(c[1d])"),
    long("delta_1d", "delta(g[1d])"),
    long("changes_1d", "changes(g[1d])"),
    long("resets_1d", "resets(c[1d])"),
    long("count_1d", "count_over_time(g[1d])"),
    long("present_1d", "present_over_time(g[1d])"),
    long("last_1d", "last_over_time(g[1d])"),
    long("first_1d", "first_over_time(g[1d])"),
    long("min_1d", "min_over_time(g[1d])"),
    long("max_1d", "max_over_time(g[1d])"),
    long("sum_1d", "sum_over_time(g[1d])"),
    long("sum_whole_1d", "sum_over_time(n[1d])"),
    long("avg_1d", "avg_over_time(g[1d])"),
    long("avg_whole_1d", "avg_over_time(n[1d])"),
    long("stddev_1d", "stddev_over_time(g[1d])"),
    long("quantile_1d", "quantile_over_time(0.9, g[1d])"),
    wide("sum_rate", "sum(rate(x[1m]))"),
    wide("sum_by_rate", "sum by (job) (rate(x[5m]))"),
    wide("selector", "x"),
    wide("topk", "topk(5, x)"),
    wide("sum", "sum(x)"),
    wide("sum_by", "sum by (job) (x)"),
    wide("avg_by", "avg by (job) (x)"),
    wide("max_by", "max by (job) (x)"),
    wide("matching", "x - y"),
    wide("group_left", "x * on (instance) group_left (version) info"),
    Row {
        name: "histogram_quantile",
        table: buckets,
        query: "histogram_quantile(0.9, rate(h[5m]))",
        start: 600,
        step: 15,
        steps: 1000,
    },
];

/// The same numbers on every machine.
struct Random(u64);

impl Random {
    fn next(&mut self, below: u64) -> u64 {
        self.0 = self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1);
        (self.0 >> 33) % below
    }
}

fn series(
    labels: &[(&str, &str)],
    count: i64,
    mut value: impl FnMut() -> f64,
) -> (Labels, Vec<Sample>) {
    let samples = (0..count).map(|i| Sample::new(i * 15_000 + 1000, value())).collect();
    (Labels::from_pairs(labels.iter().copied()), samples)
}

/// Counters with a reset now and then, gauges, and whole numbers: more than a day of them.
fn days() -> Table {
    let mut random = Random(1);
    let mut all = Vec::new();
    for i in 0..100 {
        let instance = format!("host-{i}");
        let named = |name| [("__name__", name), ("instance", instance.as_str())];
        let mut counter = 0.0;
        all.push(series(&named("c"), 9760, || {
            counter = if random.next(2000) == 0 { 0.0 } else { counter + random.next(100) as f64 };
            counter
        }));
        all.push(series(&named("g"), 9760, || random.next(10_000) as f64 / 100.0));
        all.push(series(&named("n"), 9760, || random.next(100) as f64));
    }
    Table::from_iter(all)
}

/// Thousands of series, for an hour.
fn hour() -> Table {
    let mut random = Random(2);
    let mut all = Vec::new();
    for i in 0..300 {
        let instance = format!("host-{i}");
        let info = [("__name__", "info"), ("instance", &instance), ("version", "1.2.3")];
        all.push(series(&info, 300, || 1.0));
        for part in 0..10 {
            let (job, part) = (format!("job-{}", i % 10), part.to_string());
            for name in ["x", "y"] {
                let mut counter = 0.0;
                let labels =
                    [("__name__", name), ("instance", &instance), ("job", &job), ("part", &part)];
                all.push(series(&labels, 300, || {
                    counter += random.next(1000) as f64 / 8.0;
                    counter
                }));
            }
        }
    }
    Table::from_iter(all)
}

/// A hundred classic histograms.
fn buckets() -> Table {
    const BOUNDS: [&str; 11] =
        ["0.005", "0.01", "0.025", "0.05", "0.1", "0.25", "0.5", "1", "2.5", "5", "+Inf"];
    let mut random = Random(3);
    let mut all = Vec::new();
    for i in 0..100 {
        let instance = format!("host-{i}");
        for (at, bound) in BOUNDS.iter().enumerate() {
            let mut counter = 0.0;
            let labels = [("__name__", "h"), ("instance", &instance), ("le", bound)];
            all.push(series(&labels, 1060, || {
                counter += (10 * at as u64 + random.next(10)) as f64;
                counter
            }));
        }
    }
    Table::from_iter(all)
}

/// A sum over the bits of a result, to see that it stays the same.
fn digest(value: &QueryValue) -> u64 {
    let QueryValue::Matrix(matrix) = value else { return 0 };
    let floats = matrix.iter().flat_map(|series| &series.floats);
    floats.fold(0, |sum: u64, sample| sum.wrapping_mul(31).wrapping_add(sample.v.to_bits()))
}

/// Measures the queries of these names; all of them where none is given.
///
/// # Errors
///
/// Where there is no query of a name, or one fails.
pub fn run(plan: Plan, options: &EngineOptions, names: &[String]) -> Result<()> {
    if let Some(name) = names.iter().find(|name| ROWS.iter().all(|row| row.name != **name)) {
        bail!("there is no query {name}");
    }
    for row in ROWS.iter().filter(|row| names.is_empty() || names.iter().any(|n| n == row.name)) {
        let options = options.clone().with_max_samples(usize::MAX);
        let engine = Engine::new((row.table)(), options);
        let at = |step: i64| Timestamp::from_millis((row.start + step * row.step) * 1000);
        let request = QueryRequest::range(row.query, at(0), at(row.steps - 1), row.step * 1000);
        let bits = digest(&engine.query(&request)?.value);
        let measured = measure(plan, 1, || {
            black_box(engine.query(&request).expect("it was answered before"));
        });
        let fields = json!({
            "query": row.query, "digest": format!("{bits:016x}"),
            "alloc_bytes": measured.tally.bytes, "allocs": measured.tally.count,
            "peak_heap_bytes": measured.tally.peak,
        });
        emit_time(&measured, &format!("promql-table/{}", row.name), "ms", 1e6, fields);
    }
    Ok(())
}
