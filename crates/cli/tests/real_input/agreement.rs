//! The real Prometheus beside ours on the same samples: every answer must be the same.
//!
//! The page gives its samples explicit timestamps on a fixed grid and values that depend on them
//! alone. However the two programs' scrapes fall, both end up with the same samples, and then the
//! answers at a fixed time must agree to the last digit, and so must the numbers of samples read.

use std::fmt::Write as _;
use std::fs;
use std::time::{SystemTime, UNIX_EPOCH};

use serde_json::Value;

use crate::http::{Server as Page, escape};
use crate::process::{Server, eventually, peer};

/// Seconds between two samples of a series.
const GRID: u64 = 2;

/// Queries over the page's metrics, as people write them.
const QUERIES: &[&str] = &[
    "http_requests_total",
    "http_requests_total{job=\"app\", status=\"200\"}",
    "http_requests_total{status=~\"2..\"}",
    "http_requests_total{status!~\"2..\"}",
    "http_requests_total{path=~\"/api/.*\"}",
    "http_requests_total[5m]",
    "rate(http_requests_total[5m])",
    "irate(http_requests_total[5m])",
    "increase(http_requests_total[1h])",
    "histogram_quantile(0.99, rate(http_request_duration_seconds_bucket[5m]))",
    "histogram_quantile(0.50, rate(http_request_duration_seconds_bucket[5m]))",
    "histogram_quantile(0.95, sum(rate(http_request_duration_seconds_bucket[5m])) by (le, job))",
    "sum(http_requests_total)",
    "sum(http_requests_total) by (job)",
    "sum(http_requests_total) without (instance)",
    "avg(node_cpu_seconds_total{mode=\"idle\"})",
    "max(node_memory_MemAvailable_bytes)",
    "min(node_filesystem_free_bytes{fstype=\"ext4\"})",
    "topk(5, rate(http_requests_total[5m]))",
    "bottomk(3, node_filesystem_free_bytes)",
    "100 - (avg(rate(node_cpu_seconds_total{mode=\"idle\"}[5m])) * 100)",
    "100 - (avg by (instance) (rate(node_cpu_seconds_total{mode=\"idle\"}[5m])) * 100)",
    "(1 - (node_memory_MemAvailable_bytes / node_memory_MemTotal_bytes)) * 100",
    "(1 - (node_filesystem_free_bytes / node_filesystem_size_bytes)) * 100",
    "sum(rate(http_requests_total{status=~\"5..\"}[5m])) / sum(rate(http_requests_total[5m]))",
    "predict_linear(node_filesystem_free_bytes[1h], 4 * 3600)",
    "rate(kube_pod_container_status_restarts_total[15m]) * 60 * 15 > 5",
    "kube_pod_container_status_waiting_reason{reason=\"CrashLoopBackOff\"} == 1",
    "quantile by (status) (0.3, http_requests_total)",
    "stddev(http_requests_total) / avg(http_requests_total)",
    "count_values(\"n\", node_filesystem_size_bytes)",
    "max_over_time(rate(http_requests_total[4s])[6s:2s])",
    "label_replace(up, \"short\", \"$1\", \"instance\", \"(.*):.*\") * 0 + 1",
    "http_requests_total offset 4s unless http_requests_total{status=\"500\"}",
    "absent(no_such_metric{job=\"x\"})",
    "deriv(node_filesystem_free_bytes[1m])",
    "node_filesystem_free_bytes / ignoring(fstype) group_left node_filesystem_size_bytes",
    "sort_desc(node_filesystem_free_bytes)",
    "sum(http_requests_total offset 2s) + sum(http_requests_total @ end())",
    "max_over_time(http_requests_total[6s] @ end()) - http_requests_total @ start()",
    "sum_over_time(sum(rate(http_requests_total[4s]))[8s:2s]) / count(http_requests_total)",
    "timestamp(http_requests_total) - timestamp(http_requests_total offset 2s)",
    "topk(scalar(count(node_cpu_seconds_total)) - 2, http_requests_total)",
    "http_requests_total and on (status) http_requests_total{path=\"/\"} or node_cpu_seconds_total",
    "absent_over_time(http_requests_total{path=\"/\"}[4s])",
    "predict_linear(http_requests_total[6s] @ start(), 60)",
    "1 / 0 - 3 ^ 2 ^ 0.5",
    "\"text\"",
];

fn page() -> (&'static str, String) {
    #[expect(clippy::disallowed_methods, reason = "the page shows the time on a grid")]
    let now = SystemTime::now().duration_since(UNIX_EPOCH).expect("after 1970").as_secs();
    let t = now / GRID * GRID;
    let step = (t / GRID) as f64;
    let mut page = String::new();
    let mut line = |series: &str, v: f64| {
        writeln!(page, "{series} {v} {}", t * 1000).expect("writing to a string cannot fail");
    };
    for (i, (path, status)) in
        [("/api/users", "200"), ("/api/orders", "201"), ("/api/users", "500"), ("/", "200")]
            .into_iter()
            .enumerate()
    {
        let v = (step * (i as f64 + 1.0) * 1.7).floor() % 10_000.0;
        line(&format!("http_requests_total{{path=\"{path}\",status=\"{status}\"}}"), v);
    }
    for (i, le) in ["0.1", "0.5", "1.0", "+Inf"].into_iter().enumerate() {
        let v = (step % 50_000.0) * (i as f64 + 1.0);
        line(&format!("http_request_duration_seconds_bucket{{le=\"{le}\"}}"), v);
    }
    for (cpu, mode) in [("0", "idle"), ("0", "user"), ("1", "idle"), ("1", "user")] {
        let share = if mode == "idle" { 0.813 } else { 0.187 };
        line(&format!("node_cpu_seconds_total{{cpu=\"{cpu}\",mode=\"{mode}\"}}"), t as f64 * share);
    }
    let free = 4e9 + (step * 0.37).sin() * 1e8;
    line("node_memory_MemAvailable_bytes", free.floor());
    line("node_memory_MemTotal_bytes", 8_589_934_592.0);
    for (device, fstype, size) in
        [("sda1", "ext4", 1e11), ("sdb1", "xfs", 3e11), ("sdc1", "ext4", 7e10)]
    {
        let labels = format!("{{device=\"{device}\",fstype=\"{fstype}\"}}");
        line(
            &format!("node_filesystem_free_bytes{labels}"),
            (size / 3.0 - step % 1e6 * 4096.0).floor(),
        );
        line(&format!("node_filesystem_size_bytes{labels}"), size);
    }
    line("kube_pod_container_status_restarts_total{pod=\"a\"}", (step / 2.0).floor());
    line("kube_pod_container_status_waiting_reason{reason=\"CrashLoopBackOff\"}", 1.0);
    ("text/plain; version=0.0.4; charset=utf-8", page)
}

#[test]
fn every_answer_is_that_of_the_real_prometheus() {
    let Some(program) = peer("prometheus") else { return };
    let exporter = Page::start(page);
    let config = format!(
        "global: {{scrape_interval: 500ms, scrape_timeout: 500ms}}\nscrape_configs:\n  \
         - job_name: app\n    static_configs:\n      - targets: ['{}']\n",
        exporter.address
    );
    let folders = [tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap()];
    let theirs = Server::prometheus(&program, folders[0].path(), &config);
    let ours = Server::skopos(folders[1].path(), &config);

    // A sample that both have from the beginning of the comparison on.
    let start = eventually("both to have samples", || {
        let newest =
            |server: &Server| server.values("timestamp(http_requests_total)").first().copied();
        let (a, b) = (newest(&theirs)?, newest(&ours)?);
        Some(a.max(b))
    });
    let end = start + 24.0;
    eventually("enough samples", || {
        let done = |server: &Server| {
            let newest = server.values("timestamp(http_requests_total)");
            newest.first().is_some_and(|t| end < *t)
        };
        (done(&theirs) && done(&ours)).then_some(())
    });

    let mut differences = Vec::new();
    for query in QUERIES {
        compare_instant(&theirs, &ours, query, start, end, &mut differences);
        compare_range(&theirs, &ours, query, start, end, &mut differences);
    }
    assert!(differences.is_empty(), "{}", differences.join("\n"));
    fs::metadata(folders[1].path()).expect("the folder outlives the server");
}

/// Compares an instant query whose windows are cut so that both servers have all of their samples.
fn compare_instant(
    theirs: &Server,
    ours: &Server,
    query: &str,
    start: f64,
    end: f64,
    differences: &mut Vec<String>,
) {
    let query = within(query, end - start);
    let path = format!("/api/v1/query?query={}&time={end}", escape(&query));
    compare(&path, &query, theirs, ours, differences);
}

fn compare_range(
    theirs: &Server,
    ours: &Server,
    query: &str,
    start: f64,
    end: f64,
    differences: &mut Vec<String>,
) {
    let query = within(query, 10.0);
    let path = format!(
        "/api/v1/query_range?query={}&start={}&end={end}&step=3",
        escape(&query),
        start + 12.0
    );
    compare(&path, &query, theirs, ours, differences);
}

/// The query with its long windows shortened to `seconds`, so that they end after the first sample
/// that both servers have.
fn within(query: &str, seconds: f64) -> String {
    let window = format!("[{seconds}s]");
    ["[5m]", "[15m]", "[1h]", "[1m]"].iter().fold(query.to_owned(), |q, w| q.replace(w, &window))
}

fn compare(path: &str, query: &str, theirs: &Server, ours: &Server, differences: &mut Vec<String>) {
    let path = &format!("{path}&stats=all");
    let (a, b) = (theirs.get(path), ours.get(path));
    let ordered =
        query.starts_with("sort") || query.starts_with("topk") || query.starts_with("bottomk");
    let (x, y) = (answer(&a.json(), ordered), answer(&b.json(), ordered));
    if a.status != b.status || x != y {
        differences.push(format!("{query}\n  theirs: {x}\n  ours:   {y}"));
    }
    let (x, y) = (counts(&a.json()), counts(&b.json()));
    if x != y || a.status == 200 && y[0].is_null() {
        differences.push(format!("{query}: counts\n  theirs: {x:?}\n  ours:   {y:?}"));
    }
}

/// What was read, in all and by step. How much is held at the same time is each program's own affair.
fn counts(json: &Value) -> [Value; 2] {
    let samples = &json["data"]["stats"]["samples"];
    ["totalQueryableSamples", "totalQueryableSamplesPerStep"].map(|name| samples[name].clone())
}

/// What must agree of an answer: everything but the order of vectors where Prometheus itself promises
/// none.
fn answer(json: &Value, ordered: bool) -> Value {
    let mut answer = json.clone();
    answer["data"].as_object_mut().map(|data| data.remove("stats"));
    // That sorting has no effect on ranges is a warning which came after the release that Debian has.
    if ordered {
        answer.as_object_mut().map(|object| object.remove("warnings"));
    }
    if let Some(result) = answer["data"]["result"].as_array_mut().filter(|_| !ordered) {
        result.sort_by_key(|series| series["metric"].to_string());
    }
    answer
}
