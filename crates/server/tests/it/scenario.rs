//! From a target's page to answers, rules and alerts.

use serde_json::json;
use skopos_server::start;

use super::client::{Server, ask, exporter, get, options, wait_for};

const PAGE: &str = "# HELP hits_total Pages served.\n# TYPE hits_total counter\n\
                    hits_total{code=\"200\"} 1027\nhits_total{code=\"500\"} 3\n\
                    # TYPE ratio gauge\nratio 0.25\n";

const RULES: &str = "groups:\n- name: g\n  interval: 1s\n  rules:\n  \
                     - record: code:hits:sum\n    expr: sum by (code) (hits_total)\n  \
                     - alert: Errors\n    expr: code:hits:sum{code=\"500\"} > 1\n    \
                     labels: {severity: page}\n    annotations:\n      \
                     summary: '{{ $value }} of code {{ $labels.code }}'\n";

#[tokio::test(flavor = "multi_thread")]
async fn queries_may_be_bounded_in_bytes_series_and_points() {
    let target = exporter(PAGE).await;
    let directory = tempfile::tempdir().unwrap();
    let file = directory.path().join("prometheus.yml");
    let config = format!(
        "scrape_configs:\n- job_name: app\n  scrape_interval: 1s\n  \
         static_configs: [{{targets: ['{target}']}}]\n"
    );
    std::fs::write(&file, config).unwrap();
    let mut options = options(&file);
    options.query_max_bytes = 1 << 20;
    options.query_max_series = 1;
    options.query_max_points = 3;
    let handle = start(options).await.unwrap();
    let address = handle.addresses()[0];
    wait_for(address, "/api/v1/query?query=ratio", |v| {
        v["data"]["result"][0]["value"][1] == "0.25"
    })
    .await;
    for (query, limit) in [
        ("query?query=hits_total", "too many series"),
        ("query_range?query=ratio&start=0&end=3&step=1", "of 3 points per timeseries"),
        ("query?query=max_over_time(vector(1)[1h:10ms])", "of 3 points per timeseries"),
        ("query_range?query=ratio&start=0&end=2&step=1", ""),
    ] {
        let answer = get(address, &format!("/api/v1/{query}")).await.json();
        let error = answer["error"].as_str().unwrap_or_default();
        assert!(error.contains(limit) && error.is_empty() == limit.is_empty(), "{query}: {answer}");
    }
    let flags = get(address, "/api/v1/status/flags").await.json();
    for (name, value) in
        [("query.max-bytes", "1048576B"), ("query.max-series", "1"), ("query.max-points", "3")]
    {
        assert_eq!(flags["data"][name], value);
    }
    handle.stop().await;
    handle.wait().await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn scraped_samples_are_answered_recorded_and_alerted_on() {
    let target = exporter(PAGE).await;
    let config = format!(
        "global: {{scrape_interval: 1s, evaluation_interval: 1s}}\nrule_files: ['rules.yml']\n\
         scrape_configs:\n- job_name: app\n  static_configs: [{{targets: ['{target}']}}]\n"
    );
    let server = Server::start(&config, RULES).await;
    let address = server.address;

    let up =
        wait_for(address, "/api/v1/query?query=up", |v| v["data"]["result"][0]["value"][1] == "1")
            .await;
    let instance = target.to_string();
    assert_eq!(
        up["data"]["result"][0]["metric"],
        json!({"__name__": "up", "instance": instance, "job": "app"})
    );
    let sum = get(address, "/api/v1/query?query=sum(hits_total)%2Bscalar(ratio)").await;
    assert_eq!(sum.json()["data"]["result"][0]["value"][1], "1030.25");

    let posted =
        ask(address, "POST", "/api/v1/query", "query=hits_total%7Bcode%3D%22500%22%7D").await;
    assert_eq!(posted.json()["data"]["result"][0]["value"][1], "3");

    let recorded = wait_for(address, "/api/v1/query?query=code:hits:sum", |v| {
        v["data"]["result"].as_array().is_some_and(|r| r.len() == 2)
    })
    .await;
    assert_eq!(recorded["data"]["result"][0]["metric"]["__name__"], "code:hits:sum");

    let alerts =
        wait_for(address, "/api/v1/alerts", |v| v["data"]["alerts"][0]["state"] == "firing");
    let alerts = alerts.await;
    let alert = &alerts["data"]["alerts"][0];
    assert_eq!(alert["labels"], json!({"alertname": "Errors", "code": "500", "severity": "page"}));
    assert_eq!(alert["annotations"], json!({"summary": "3 of code 500"}));
    assert_eq!(alert["value"], "3e+00");
    wait_for(address, "/api/v1/query?query=ALERTS", |v| {
        v["data"]["result"][0]["metric"]["alertstate"] == "firing"
    })
    .await;

    let rules = get(address, "/api/v1/rules").await.json();
    let group = &rules["data"]["groups"][0];
    assert_eq!((&group["name"], &group["interval"]), (&json!("g"), &json!(1)));
    assert_eq!(group["rules"][0]["health"], "ok");
    assert_eq!(group["rules"][1]["query"], "code:hits:sum{code=\"500\"} > 1");

    let targets = get(address, "/api/v1/targets").await.json();
    let active = &targets["data"]["activeTargets"][0];
    assert_eq!((&active["health"], &active["scrapePool"]), (&json!("up"), &json!("app")));
    assert_eq!(active["scrapeUrl"], format!("http://{target}/metrics"));
    assert_eq!(active["globalUrl"], format!("http://mon.example:{}/metrics", target.port()));
    let metadata = get(address, "/api/v1/metadata?metric=hits_total").await.json();
    let expected =
        json!({"hits_total": [{"type": "counter", "unit": "", "help": "Pages served."}]});
    assert_eq!(metadata["data"], expected);
    let names =
        get(address, "/api/v1/label/__name__/values?match[]={job=%22app%22,code!=%22%22}").await;
    assert_eq!(names.json()["data"], json!(["hits_total"]));
    let head = get(address, "/api/v1/status/tsdb").await.json();
    assert!(10 <= head["data"]["headStats"]["numSeries"].as_u64().unwrap(), "{head}");
    server.end().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn the_own_page_can_be_scraped_and_is_well_formed() {
    let server = Server::start("", "").await;
    let address = server.address;
    get(address, "/api/v1/query?query=1").await;
    let page = get(address, "/metrics").await;
    assert!(page.head.contains("text/plain; version=0.0.4"), "{}", page.head);
    let families = skopos_exposition::families(
        skopos_exposition::TextFormat::Prometheus,
        page.body.as_bytes(),
    )
    .unwrap();
    let find = |name: &str| {
        families
            .iter()
            .find(|f| f.name == name)
            .unwrap_or_else(|| panic!("no {name}: {}", page.body))
    };
    for name in [
        "prometheus_build_info",
        "prometheus_config_last_reload_successful",
        "prometheus_engine_query_duration_seconds",
        "prometheus_http_request_duration_seconds",
        "prometheus_notifications_queue_capacity",
        "prometheus_tsdb_head_series",
        "prometheus_tsdb_head_samples_appended_total",
    ] {
        find(name);
    }
    let requests = find("prometheus_http_requests_total");
    let one = requests.samples.iter().find(|s| s.labels.get("handler") == Some("/api/v1/query"));
    assert_eq!(one.map(|s| s.value), Some(1.0));
    assert_eq!(skopos_exposition::lint(page.body.as_bytes()).unwrap(), []);
    server.end().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn without_a_file_the_server_watches_itself() {
    let mut options = skopos_server::Options::default();
    options.listen_addresses = vec!["127.0.0.1:0".into()];
    options.route_prefix = Some("/prom".into());
    let handle = start(options).await.unwrap();
    let address = handle.addresses()[0];
    let greeting = handle.greeting(false);
    assert!(greeting.contains(&format!("http://{address}")), "{greeting}");
    assert!(greeting.contains("in memory for 2h"), "{greeting}");
    assert!(!greeting.contains('\x1b'));
    let up = wait_for(address, "/prom/api/v1/query?query=up", |v| {
        v["data"]["result"][0]["value"][1] == "1"
    })
    .await;
    assert_eq!(up["data"]["result"][0]["metric"]["job"], "prometheus");
    let rules = get(address, "/prom/api/v1/rules").await.json();
    assert_eq!(rules["data"]["groups"][0]["rules"][0]["name"], "InstanceDown");
    assert!(get(address, "/prom").await.body.contains("/prom/api/v1/targets"));
    for path in ["/", "/prom/", "/prom/targets", "/prom/graph"] {
        let answer = get(address, path).await;
        assert_eq!(answer.status, 302, "{path}");
        assert!(answer.head.contains("location: /prom\r\n"), "{path}: {}", answer.head);
    }
    let page = get(address, "/prom/metrics").await.body;
    assert!(
        page.contains("prometheus_http_requests_total{code=\"200\",handler=\"/metrics\"}"),
        "{page}"
    );
    handle.stop().await;
    handle.wait().await.unwrap();
}
