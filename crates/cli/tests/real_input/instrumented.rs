//! Scraping an instrumented application: samples, labels, rules, alerts, failures, reload, end.

use std::fs;

use serde_json::{Value, json};

use crate::exporter::Application;
use crate::process::{Server, eventually};

const RULES: &str = r#"
groups:
  - name: http-alerts
    interval: 1s
    rules:
      - record: job:http_requests:rate1m
        expr: sum by (job) (rate(http_requests_total[1m]))
      - alert: HighHTTPErrorRate
        expr: |
          sum(rate(http_requests_total{status=~"5.."}[1m]))
          /
          sum(rate(http_requests_total[1m])) > 0.05
        for: 2s
        labels:
          severity: critical
        annotations:
          summary: "HTTP 에러율 높음"
          description: "에러율 {{ printf \"%.2f\" $value | humanizePercentage }}"
      - alert: NeverFires
        expr: http_active_connections > 1000
"#;

fn config(target: &str) -> String {
    format!(
        r#"
global:
  scrape_interval: 1s
  scrape_timeout: 1s
  evaluation_interval: 1s
  external_labels: {{cluster: test}}
rule_files: ['rules/*.yml']
scrape_configs:
  - job_name: app
    static_configs:
      - targets: ['{target}']
        labels: {{team: web}}
    relabel_configs:
      - source_labels: [__address__]
        regex: '(.+):\d+'
        target_label: host
    metric_relabel_configs:
      - source_labels: [__name__]
        regex: http_active_.*
        target_label: kind
        replacement: connections
"#
    )
}

#[test]
fn an_instrumented_application_is_watched_from_scrape_to_alert() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    fs::create_dir(folder.path().join("rules")).unwrap();
    fs::write(folder.path().join("rules/app.yml"), RULES).unwrap();
    let application = Application::start();
    let target = application.server.address.to_string();
    let server = Server::skopos(folder.path(), &config(&target));

    samples_carry_the_targets_labels(&server, &target);
    queries_compute(&server);
    recorded_series_appear(&server);
    the_alert_fires(&server);
    metadata_and_labels_are_listed(&server);
    a_broken_page_fails_that_scrape_only(&server, &application);
    a_broken_configuration_does_not_stop_the_server(&server, folder.path(), &target);

    let (status, log) = server.terminate();
    assert!(status.success(), "SIGTERM ends it cleanly: {status}\n{log}");
}

#[track_caller]
fn samples_carry_the_targets_labels(server: &Server, target: &str) {
    let up = eventually("the target to be up", || {
        let up = server.query("up", None);
        (up[0]["value"][1] == "1").then_some(up)
    });
    let labels = json!({
        "__name__": "up", "host": "127.0.0.1", "instance": target, "job": "app", "team": "web"
    });
    assert_eq!(up[0]["metric"], labels);
    let gauge = eventually("a sample of the page", || {
        let vector = server.query("http_active_connections", None);
        vector[0].is_object().then_some(vector)
    });
    assert_eq!(gauge[0]["value"][1], "7");
    assert_eq!(gauge[0]["metric"]["kind"], "connections");
    let targets = server.data("/api/v1/targets");
    let active = &targets["activeTargets"][0];
    assert_eq!(active["health"], "up", "{active}");
    assert_eq!(active["scrapeUrl"], format!("http://{target}/metrics"));
    assert_eq!(active["scrapeInterval"], "1s");
    assert_eq!(active["discoveredLabels"]["__address__"], target);
}

#[track_caller]
fn queries_compute(server: &Server) {
    let rate = "sum(rate(http_requests_total[1m]))";
    eventually("a rate", || server.values(rate).first().copied().filter(|v| 0.0 < *v));
    let ratio = server.values(
        "sum(rate(http_requests_total{status=~\"5..\"}[1m])) / sum(rate(http_requests_total[1m]))",
    );
    assert!((ratio[0] - 0.2).abs() < 1e-9, "two of ten requests fail: {ratio:?}");
    let quantile =
        server.values("histogram_quantile(0.5, rate(http_request_duration_seconds_bucket[1m]))");
    // Two of ten observations are at most 0.1 and six at most 0.5, so rank 5 lies in (0.1, 0.5].
    assert!((quantile[0] - 0.4).abs() < 1e-9, "{quantile:?}");
    let wrong = server.get("/api/v1/query?query=sum(");
    assert_eq!(wrong.status, 400);
    assert_eq!(
        wrong.json(),
        json!({
            "status": "error",
            "errorType": "bad_data",
            "error": "invalid parameter \"query\": 1:5: parse error: unclosed left parenthesis"
        })
    );
}

#[track_caller]
fn recorded_series_appear(server: &Server) {
    let recorded = eventually("the recorded series", || {
        let vector = server.query("job:http_requests:rate1m", None);
        vector[0].is_object().then_some(vector)
    });
    assert_eq!(
        recorded[0]["metric"],
        json!({"__name__": "job:http_requests:rate1m", "job": "app"})
    );
}

#[track_caller]
fn the_alert_fires(server: &Server) {
    let alert = eventually("the alert to fire", || {
        let alerts = server.data("/api/v1/alerts");
        let alert = alerts["alerts"][0].clone();
        (alert["state"] == "firing").then_some(alert)
    });
    assert_eq!(alert["labels"], json!({"alertname": "HighHTTPErrorRate", "severity": "critical"}));
    assert_eq!(alert["annotations"]["summary"], "HTTP 에러율 높음");
    assert_eq!(alert["annotations"]["description"], "에러율 20%");
    let series = server.query("ALERTS{alertstate=\"firing\"}", None);
    assert_eq!(series[0]["metric"]["alertname"], "HighHTTPErrorRate");

    let groups = server.data("/api/v1/rules");
    let rules = groups["groups"][0]["rules"].as_array().expect("the rules of a group").clone();
    let states: Vec<(&Value, &Value, &Value)> =
        rules.iter().map(|r| (&r["name"], &r["state"], &r["health"])).collect();
    let expected = [
        (&json!("job:http_requests:rate1m"), &Value::Null, &json!("ok")),
        (&json!("HighHTTPErrorRate"), &json!("firing"), &json!("ok")),
        (&json!("NeverFires"), &json!("inactive"), &json!("ok")),
    ];
    assert_eq!(states, expected);
}

#[track_caller]
fn metadata_and_labels_are_listed(server: &Server) {
    let metadata = server.data("/api/v1/metadata?metric=http_requests");
    assert_eq!(
        metadata["http_requests"],
        json!([{"type": "counter", "unit": "", "help": "Requests served."}])
    );
    let values = server.data("/api/v1/label/status/values");
    assert_eq!(values, json!(["200", "500"]));
    let names = server.data("/api/v1/labels?match[]=http_requests_total");
    assert_eq!(
        names,
        json!(["__name__", "host", "instance", "job", "method", "path", "status", "team"])
    );
    let series = server.data("/api/v1/series?match[]=http_requests_total{status=%22500%22}");
    assert_eq!(series.as_array().map(Vec::len), Some(1), "{series}");
}

#[track_caller]
fn a_broken_page_fails_that_scrape_only(server: &Server, application: &Application) {
    application.set_broken(true);
    eventually("the target to be down", || (server.values("up") == [0.0]).then_some(()));
    let targets = server.data("/api/v1/targets");
    let active = &targets["activeTargets"][0];
    let error = active["lastError"].as_str().expect("an error");
    assert_eq!(active["health"], "down");
    assert!(error.contains('3'), "the error names line 3: {error}");
    eventually("stale series to vanish", || {
        server.values("http_active_connections").is_empty().then_some(())
    });
    application.set_broken(false);
    eventually("the target to be up again", || (server.values("up") == [1.0]).then_some(()));
}

#[track_caller]
fn a_broken_configuration_does_not_stop_the_server(
    server: &Server,
    folder: &std::path::Path,
    target: &str,
) {
    let file = folder.join("prometheus.yml");
    fs::write(&file, "global:\n  scrape_intervall: 5s\n").unwrap();
    let response = server.request("POST", "/-/reload");
    assert_eq!(response.status, 500, "{}", response.body);
    assert!(response.body.contains("scrape_intervall"), "the key is named: {}", response.body);
    assert_eq!(server.values("up"), [1.0], "the old configuration goes on");

    let renamed = config(target).replace("job_name: app", "job_name: renamed");
    fs::write(&file, renamed).unwrap();
    server.signal("HUP");
    eventually("the new job", || {
        server.query("up{job=\"renamed\"} == 1", None)[0].is_object().then_some(())
    });
}
