//! What a query costs, what it may cost, and how it is stopped.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use skopos_core::{
    Cancellation, Columns, Error, ErrorKind, LabelSet, Labels, QueryEngine, QueryRequest,
    QueryStatistics, Sample, SampleCursor, Selection, Series, SeriesSet, SeriesSource, Timestamp,
};
use skopos_promql::series_desc::parse_series_description;
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

/// The data of Prometheus' own test of its statistics, a sample every ten seconds.
fn upstreams_data() -> Table {
    let lines = [
        "one 1+1x100",
        r#"three{a="1",b="1"} 1+1x100"#,
        r#"three{a="2",b="2"} 1+1x100"#,
        r#"three{a="3",b="2"} 1+1x100"#,
        "h {{schema:1 count:5 sum:20 buckets:[1 2 1 1]}}+{{schema:1 count:10 sum:5 buckets:[1 2 3 4]}}x100",
    ];
    let mut table = Table::new();
    for line in lines {
        let description = parse_series_description(line).expect("a series");
        description.push_to(table.columns_mut(&description.labels), 0, 10_000);
    }
    table
}

/// Checks a query at one time, or over 20 seconds at four steps, against what Prometheus counts.
#[track_caller]
fn check_upstream(query: &str, start: i64, steps: &[u64], theirs: u64) {
    let request = match steps {
        [_] => QueryRequest::instant(query, at(start)),
        _ => {
            let step = if steps.len() == 4 { 5 } else { 10 };
            QueryRequest::range(
                query,
                at(start),
                at(start + step * (steps.len() as i64 - 1)),
                step * 1000,
            )
        }
    };
    let engine = Engine::new(upstreams_data(), options());
    let output = engine.query(&request.with_step_statistics(true)).expect("it has a value");
    let QueryStatistics { total_samples, samples_per_step, peak_samples, .. } = output.statistics;
    assert_eq!(samples_per_step, steps, "{query}");
    assert_eq!(total_samples, steps.iter().sum::<u64>(), "{query}");
    // The widest window, or what is evaluated once, stands beside all results here.
    assert!(peak_samples <= theirs + 1, "{query}: {peak_samples} and not {theirs}");
}

#[test]
fn counts_are_upstreams_and_peaks_no_higher() {
    for (query, start, total, peak) in [
        ("\"literal string\"", 21, 0, 1),
        ("1", 21, 0, 1),
        ("one", 21, 1, 1),
        ("h", 21, 13, 13),
        ("timestamp(one)", 21, 1, 2),
        ("timestamp(h)", 21, 1, 2),
        ("one", 22, 1, 1),
        ("one offset 10s", 21, 1, 1),
        ("one @ 15", 21, 1, 1),
        ("three{a=\"1\"}", 21, 1, 1),
        ("three{a=\"1\"} @ 19", 21, 1, 1),
        ("three{a=\"1\"}[20s] @ 19", 21, 2, 2),
        ("three", 21, 3, 3),
        ("one[60s]", 201, 6, 6),
        ("h[60s]", 201, 78, 78),
        ("max_over_time(one[60s])[20s:5s]", 201, 24, 10),
        ("max_over_time(one[61s])[20s:5s]", 201, 26, 11),
        ("max_over_time(h[60s])[20s:5s]", 201, 312, 78),
        ("one[60s] @ 30", 201, 4, 4),
        ("h[60s] @ 30", 201, 52, 52),
        ("sum(max_over_time(three[60s] @ 30))", 201, 12, 7),
        ("sum by (b) (max_over_time(three[60s] @ 30))", 201, 12, 7),
        ("one[60s] offset 10s", 201, 6, 6),
        ("three[60s]", 201, 18, 18),
        ("max_over_time(one[60s])", 201, 6, 7),
        ("absent_over_time(one[60s])", 201, 6, 7),
        ("max_over_time(three[60s])", 201, 18, 9),
        ("one[60s:5s]", 201, 12, 12),
        ("one[60s:5s] offset 10s", 201, 12, 12),
        ("max_over_time(three[60s:5s])", 201, 36, 51),
        ("sum(max_over_time(three[60s:5s])) + sum(max_over_time(three[60s:5s]))", 201, 72, 52),
    ] {
        check_upstream(query, start, &[total], peak);
    }
    for (query, start, each, peak) in [
        ("three{a=\"1\"}", 201, 1, 4),
        ("three{a=\"1\"}", 204, 1, 4),
        ("h", 204, 13, 52),
        ("timestamp(one)", 201, 1, 5),
        ("timestamp(h)", 201, 1, 5),
        ("three{a=\"1\"} offset 10s", 201, 1, 4),
        ("max_over_time(three[60s] @ 30)", 201, 12, 12),
        ("three", 201, 3, 12),
        ("max_over_time(three[60s])", 201, 18, 18),
        ("max_over_time(three[60s:5s])", 201, 36, 72),
        ("max_over_time(one[60s:5s])", 201, 12, 32),
        ("sum by (b) (max_over_time(one[60s:5s]))", 201, 12, 32),
        ("sum(max_over_time(three[60s:5s])) + sum(max_over_time(three[60s:5s]))", 201, 72, 76),
        ("sum(max_over_time(three[60s:5s])) + sum(max_over_time(one[60s:5s]))", 201, 48, 72),
    ] {
        check_upstream(query, start, &[each; 4], peak);
    }
    // The data ends on the way.
    check_upstream("max_over_time(three{a=\"1\"}[10s])", 991, &[1, 1, 0], 2);
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

/// Cancels a query of a single series when that has been read, from another thread.
///
/// Where nobody looked, the query would have a value in the end.
#[track_caller]
fn check_canceled_within(query: &str) {
    let labels = Labels::from_pairs([("__name__", "x")]);
    // With zeros of both signs, and sums that round.
    let value = |t: i64| match t % 7 {
        0 => 0.0,
        1 => -0.0,
        _ => 0.1 * t as f64,
    };
    let samples = (0..40_000).map(|t| Sample::new(t * 1000, value(t))).collect();
    let source = Counting::over(Table::from_iter([(labels, samples)]));
    let cancellation = Cancellation::new();
    let (reads, token) = (Arc::clone(&source.reads), cancellation.clone());
    let killer = std::thread::spawn(move || {
        while reads.load(Ordering::Relaxed) == 0 {
            std::thread::yield_now();
        }
        token.cancel();
    });
    let request = QueryRequest::range(query, at(20_000), at(39_999), 1000);
    let outcome = Engine::new(&source, options()).query(&request.with_cancellation(&cancellation));
    killer.join().expect("it only waits");
    assert_eq!(outcome.map(|_| ()).expect_err(query).kind(), ErrorKind::Canceled, "{query}");
}

#[test]
fn windows_of_a_single_series_are_given_up() {
    for function in [
        "quantile_over_time(0.3, x[20000s])",
        "sum_over_time(x[20000s])",
        "avg_over_time(x[20000s])",
        "stddev_over_time(x[20000s])",
        "mad_over_time(x[20000s])",
        "deriv(x[20000s])",
        "quantile_over_time(0.3, (x + 0)[20000s:1s])",
    ] {
        check_canceled_within(function);
    }
}
