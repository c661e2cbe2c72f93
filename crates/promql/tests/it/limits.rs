//! What a query costs, what it may cost, and how it is stopped.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use skopos_core::{
    Cancellation, Columns, Error, ErrorKind, LabelSet, Labels, QueryEngine, QueryRequest,
    QueryStatistics, Sample, SampleCursor, Selection, Series, SeriesSet, SeriesSource, Timestamp,
};
use skopos_promql::{Engine, EngineOptions, ParseOptions, Table};

fn at(seconds: i64) -> Timestamp {
    Timestamp::from_millis(seconds * 1000)
}

/// 20 series of `x_total`, with 400 samples 15 seconds apart each.
fn table() -> Table {
    Table::from_iter((0..20).map(|i| {
        let job = format!("job-{}", i % 4);
        let labels = [("__name__", "x_total"), ("i", &i.to_string()), ("job", &job)];
        let samples = (0..400).map(|t| Sample::new(t * 15_000, (t * i) as f64)).collect();
        (Labels::from_pairs(labels), samples)
    }))
}

/// Everything of the language.
fn options() -> EngineOptions {
    EngineOptions::default().with_parse(ParseOptions::all())
}

/// An hour at 61 steps.
fn range(query: &str) -> QueryRequest<'_> {
    QueryRequest::range(query, at(2000), at(5600), 60_000)
}

fn statistics(query: &str) -> QueryStatistics {
    let request = range(query).with_step_statistics(true);
    Engine::new(table(), options()).query(&request).expect("it has a value").statistics
}

#[track_caller]
fn check_total(query: &str, each: u64) {
    let statistics = statistics(query);
    assert_eq!(statistics.samples_per_step, vec![each; 61], "{query}");
    assert_eq!(statistics.total_samples, 61 * each, "{query}");
}

#[test]
fn samples_count_at_every_step_that_sees_them() {
    check_total("x_total", 20);
    check_total("timestamp(x_total)", 20);
    check_total("sum(x_total) / count(x_total)", 40);
    check_total("x_total offset 5m and x_total{job=\"job-1\"}", 25);
    // Left-open windows hold four samples a minute.
    check_total("rate(x_total[1m])", 80);
    check_total("quantile_over_time(0.5, x_total[5m])", 400);
    check_total("absent_over_time(x_total[1m])", 80);
    check_total("topk(scalar(count(x_total)), x_total)", 40);
    // What is evaluated once counts as if it were not.
    check_total("x_total @ 3000", 20);
    check_total("sum(rate(x_total[1m] @ 3000))", 80);
    check_total("x_total + on (i) x_total @ end()", 40);
    check_total("predict_linear(x_total[2m] @ 3000, 60)", 160);
    // Of a subquery, what counts is what the function sees of it.
    check_total("max_over_time(rate(x_total[1m])[5m:1m])", 100);
    check_total("max_over_time((x_total @ 3000)[5m:1m])", 100);
    check_total("1 + 2 * time()", 0);
}

#[test]
fn a_range_as_the_result_counts_what_was_read() {
    for (query, total) in
        [("x_total[1m]", 80), ("x_total[1m:15s]", 80), ("rate(x_total[1m])[2m:1m]", 160)]
    {
        let request = QueryRequest::instant(query, at(3000)).with_step_statistics(true);
        let statistics = Engine::new(table(), options()).query(&request).unwrap().statistics;
        assert_eq!(statistics.total_samples, total, "{query}");
        assert_eq!(statistics.samples_per_step, [total], "{query}");
    }
}

#[test]
fn a_fused_aggregation_holds_groups_and_one_series() {
    let statistics = statistics("sum by (job) (rate(x_total[1m]))");
    // Four groups, one series of rates and its widest window.
    assert_eq!(statistics.peak_samples, 4 * 61 + 61 + 4);
    assert_eq!(statistics.series, 20);
    // Decoded are the samples of an hour and a minute, of one series at a time.
    assert!(statistics.peak_bytes < 16 * 245 + 5 * 61 * 40, "{statistics:?}");
    let plain = self::statistics("x_total").peak_samples;
    assert!(20 * 61 <= plain, "{plain}");
}

#[test]
fn a_selection_is_asked_for_once() {
    let source = Counting::over(table());
    let engine = Engine::new(&source, options());
    for (query, selections, series) in [
        ("x_total + x_total", 1, 20),
        ("sum(x_total{job=\"job-1\",i=\"1\"}) + x_total{i=\"1\",job=\"job-1\"}", 1, 1),
        ("rate(x_total[5m]) / increase(x_total[5m])", 1, 20),
        ("sum(rate(x_total{i=\"1\"}[5m])) / sum(rate(x_total[5m]))", 2, 21),
        ("x_total - x_total offset 1m", 2, 40),
        ("x_total @ 3000 + x_total @ 3000 * 2", 1, 20),
        ("max_over_time(x_total[5m:1m]) - min_over_time(x_total[5m:1m])", 1, 20),
        ("1 + 2 * 3", 0, 0),
    ] {
        source.selections.store(0, Ordering::Relaxed);
        let output = engine.query(&range(query)).expect("it has a value");
        assert_eq!(source.selections.load(Ordering::Relaxed), selections, "{query}");
        assert_eq!(output.statistics.series, series, "{query}");
        assert_eq!(engine.selections(&range(query)).unwrap().len(), selections, "{query}");
    }
}

#[test]
fn functions_that_share_a_selection_are_not_told() {
    let engine = Engine::new(table(), options());
    let hints = |query: &str| {
        let selections = engine.selections(&range(query)).unwrap();
        selections.iter().map(|s| s.hints().function.clone()).collect::<Vec<_>>()
    };
    assert_eq!(hints("rate(x_total[5m])"), ["rate"]);
    assert_eq!(hints("rate(x_total[5m]) + rate(x_total[5m])"), ["rate"]);
    assert_eq!(hints("rate(x_total[5m]) + increase(x_total[5m])"), [""]);
}

#[track_caller]
fn check_limit(options: EngineOptions, query: &str, message: Option<&str>) {
    let outcome = Engine::new(table(), options).query(&range(query));
    let found = outcome.err().map(|error| {
        assert_eq!(error.kind(), ErrorKind::Limit, "{query}: {error}");
        error.to_string()
    });
    assert_eq!(found.as_deref(), message, "{query}");
}

#[test]
fn budgets_hold() {
    let too_many = |what| {
        format!("query processing would load too many {what} into memory in query execution")
    };
    let series = |n| options().with_max_series(n);
    check_limit(series(20), "sum(x_total)", None);
    check_limit(series(19), "sum(x_total)", Some(&too_many("series")));
    check_limit(series(20), "x_total + x_total", None);
    check_limit(series(20), "x_total + x_total offset 1m", Some(&too_many("series")));
    let bytes = |n| options().with_max_bytes(n);
    check_limit(bytes(10_000), "sum(rate(x_total[1m]))", None);
    check_limit(bytes(3_000), "sum(rate(x_total[1m]))", Some(&too_many("bytes")));
    check_limit(bytes(11_000), "x_total", Some(&too_many("bytes")));
    check_limit(bytes(20_000), "x_total", None);
    check_limit(bytes(20_000), "x_total + x_total", Some(&too_many("bytes")));
    check_limit(bytes(20_000), "label_replace(x_total, \"a\", \"b\", \"\", \"\")", None);
    check_limit(bytes(100), "time()", Some(&too_many("bytes")));
    check_limit(bytes(500), "time()", None);
    let points = |n| options().with_max_points(n);
    let resolution =
        |n| format!("exceeded maximum resolution of {n} points per timeseries in query execution");
    check_limit(points(61), "x_total", None);
    check_limit(points(60), "x_total", Some(&resolution(60)));
    check_limit(points(400), "max_over_time(x_total[1m:1s])", Some(&resolution(400)));
    check_limit(points(4000), "max_over_time(x_total[1m:1s])", None);
    let samples = |n| options().with_max_samples(n);
    check_limit(samples(100), "vector(1)", None);
    check_limit(samples(60), "vector(1)", Some(&too_many("samples")));
    check_limit(samples(1219), "x_total", Some(&too_many("samples")));
    check_limit(samples(1220), "x_total", None);
}

#[test]
fn a_thousand_million_steps_are_refused_at_once() {
    let end = Timestamp::from_millis(1_000_000_000_000);
    for query in [
        "1",
        "time()",
        "vector(1)",
        "x_total",
        "sum(rate(x_total[5m]))",
        "x_total @ 5",
        "\"a\" == \"b\"",
    ] {
        let request = QueryRequest::range(query, at(0), end, 1000).with_step_statistics(true);
        let error = Engine::new(table(), options()).query(&request).expect_err("too many steps");
        assert!(matches!(error.kind(), ErrorKind::Limit | ErrorKind::Invalid), "{query}: {error}");
    }
    let wide = "max_over_time(vector(1)[1000000000s:1ms])";
    let request = QueryRequest::instant(wide, end);
    let error = Engine::new(table(), options()).query(&request).expect_err("too many steps");
    assert_eq!(error.kind(), ErrorKind::Limit);
}

/// A source that counts what is asked, and cancels a query at a certain read.
struct Counting {
    table: Table,
    selections: AtomicUsize,
    reads: Arc<AtomicUsize>,
    cancel: Option<(usize, Cancellation)>,
}

impl Counting {
    fn over(table: Table) -> Self {
        let (selections, reads) = (AtomicUsize::new(0), Arc::default());
        Self { table, selections, reads, cancel: None }
    }
}

impl SeriesSource for Counting {
    fn select<'a>(&'a self, selection: &Selection) -> Result<Box<dyn SeriesSet<'a> + 'a>, Error> {
        self.selections.fetch_add(1, Ordering::Relaxed);
        Ok(Box::new(CountingSet { source: self, inner: self.table.select(selection)? }))
    }
}

struct CountingSet<'a> {
    source: &'a Counting,
    inner: Box<dyn SeriesSet<'a> + 'a>,
}

impl<'a> SeriesSet<'a> for CountingSet<'a> {
    fn advance(&mut self) -> Result<Option<Box<dyn Series + 'a>>, Error> {
        let source = self.source;
        let wrap = |inner| Box::new(CountingSeries { source, inner }) as Box<dyn Series + 'a>;
        Ok(self.inner.advance()?.map(wrap))
    }
}

struct CountingSeries<'a> {
    source: &'a Counting,
    inner: Box<dyn Series + 'a>,
}

impl Series for CountingSeries<'_> {
    fn labels(&self) -> &dyn LabelSet {
        self.inner.labels()
    }

    fn cursor(&self) -> Box<dyn SampleCursor + '_> {
        let read = self.source.reads.fetch_add(1, Ordering::Relaxed) + 1;
        if let Some((when, cancellation)) = &self.source.cancel
            && *when == read
        {
            cancellation.cancel();
        }
        self.inner.cursor()
    }

    fn read_all(&self, columns: &mut Columns) -> Result<(), Error> {
        let mut cursor = self.cursor();
        while cursor.read(columns)? {}
        Ok(())
    }
}

/// A query that is canceled while the third series is read.
#[track_caller]
fn check_canceled(query: &str) {
    let cancellation = Cancellation::new();
    let mut source = Counting::over(table());
    source.cancel = Some((3, cancellation.clone()));
    let request = range(query).with_cancellation(&cancellation);
    let error = Engine::new(&source, options()).query(&request).expect_err("it was canceled");
    let expected = (ErrorKind::Canceled, "query was canceled in expression evaluation");
    assert_eq!((error.kind(), error.to_string().as_str()), expected, "{query}");
    assert_eq!(source.reads.load(Ordering::Relaxed), 3, "{query}");
}

#[test]
fn a_canceled_query_reads_no_further_series() {
    for query in [
        "x_total",
        "-x_total",
        "sum(x_total)",
        "quantile(0.5, x_total)",
        "topk(3, x_total)",
        "rate(x_total[5m])",
        "quantile_over_time(0.5, x_total[1h])",
        "stddev_over_time(x_total[1h])",
        "mad_over_time(x_total[1h])",
        "timestamp(x_total)",
        "x_total + x_total",
        "x_total unless x_total",
        "label_replace(x_total, \"a\", \"b\", \"\", \"\")",
        "max_over_time(x_total[10m:1m])",
        "scalar(x_total)",
        "absent(x_total)",
        "histogram_quantile(0.5, x_total)",
        "count_values(\"v\", x_total)",
        "sort(x_total)",
        "x_total @ 3000",
    ] {
        check_canceled(query);
    }
}

#[test]
fn a_query_that_is_canceled_before_it_starts_asks_for_nothing() {
    let cancellation = Cancellation::new();
    cancellation.cancel();
    let source = Counting::over(table());
    let request = range("sum(x_total)").with_cancellation(&cancellation);
    let error = Engine::new(&source, options()).query(&request).expect_err("it was canceled");
    assert_eq!(error.kind(), ErrorKind::Canceled);
    assert_eq!(source.selections.load(Ordering::Relaxed), 0);
}
