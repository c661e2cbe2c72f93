//! Why an alert is there or not, asked of a page.

use std::fmt::Write as _;
use std::io::{Read as _, Write as _};
use std::net::{TcpListener, TcpStream};

use serde_json::{Value, json};

use crate::run::{Run, folder, skopos};

const RULES: &str = r#"
groups:
  - name: node-alerts
    interval: 30s
    rules:
      - alert: HighCPUUsage
        expr: |
          100 - (avg by (instance) (
            rate(node_cpu_seconds_total{mode="idle"}[5m])
          ) * 100) > 80
        for: 5m
        labels:
          severity: warning
        annotations:
          summary: "CPU of {{ $labels.instance }} is at {{ printf \"%.1f\" $value }} %"
      - alert: DiskSpaceWarning
        expr: (1 - (node_filesystem_free_bytes / node_filesystem_size_bytes)) * 100 > 85
        for: 10m
        labels: {severity: warning}
      - alert: HighHTTPErrorRate
        expr: |
          sum(rate(http_requests_total{status=~"5.."}[5m]))
          /
          sum(rate(http_requests_total[5m])) > 0.05
        for: 2m
"#;

/// Half an hour of two machines. One idles until its last eight minutes, the other all the time.
fn page() -> String {
    let mut page = String::new();
    for step in 0..=120 {
        let t = 1_700_000_000_000_i64 + step * 15_000;
        let idle = [step.min(88) * 15, step * 15];
        for (instance, idle) in ["web-1", "web-2"].iter().zip(idle) {
            let labels = format!("instance=\"{instance}\"");
            let _ = writeln!(page, "node_cpu_seconds_total{{{labels},mode=\"idle\"}} {idle} {t}");
            let _ =
                writeln!(page, "node_filesystem_size_bytes{{{labels},mountpoint=\"/\"}} 100 {t}");
            let _ = writeln!(page, "node_filesystem_free_bytes{{{labels}}} 1 {t}");
        }
        let _ = writeln!(page, "http_requests_total{{status=\"200\"}} {} {t}", step * 10);
    }
    page
}

#[track_caller]
fn why(arguments: &[&str]) -> Run {
    let folder = folder(&[("alerts.yml", RULES), ("page.prom", &page())]);
    let all = [&["rules", "why", "--rules", "alerts.yml", "--file", "page.prom"], arguments];
    skopos(folder.path(), &all.concat(), "")
}

#[track_caller]
fn check(arguments: &[&str], fragments: &[&str]) {
    let run = why(arguments);
    assert_eq!((run.code, run.stderr.as_str()), (Some(0), ""), "{}", run.stdout);
    for fragment in fragments {
        assert!(run.stdout.contains(fragment), "{fragment:?} is not in\n{}", run.stdout);
    }
}

#[test]
fn alerts_are_explained_to_people() {
    let pending = [
        "HighCPUUsage{instance=\"web-1\", severity=\"warning\"} is pending at 2023-11-14T22:43:20Z.",
        "> 80 holds:",
        "It fires at 2023-11-14T22:",
        "At the evaluation before",
        "\n    | ) * 100) > 80\n    |          ^^^^\n",
    ];
    check(&["--alert", "HighCPUUsage", "--labels", "instance=web-1"], &pending);
    let absent = [
        "HighCPUUsage{instance=\"web-2\"} is absent",
        "> 80 does not hold for {instance=\"web-2\"}",
        "and did not come to fire",
    ];
    check(&["--alert", "HighCPUUsage", "--labels", "instance=web-2"], &absent);
    let sides = [
        "mountpoint is missing on the left and \"/\" on the right",
        "left:  node_filesystem_free_bytes{instance=",
    ];
    check(&["--alert", "DiskSpaceWarning"], &sides);
    let status = ["Without status=~\"5..\" there is 1 series: status is \"200\"."];
    check(&["--alert", "HighHTTPErrorRate", "--at", "2023-11-14T22:40:00Z"], &status);
}

#[test]
fn alerts_are_explained_to_programs() {
    let run = why(&["--alert", "HighCPUUsage", "--labels", "instance=web-2", "--output", "json"]);
    let answer: Value = serde_json::from_str(&run.stdout).expect("JSON");
    let why = &answer[0];
    assert_eq!((&why["state"], &why["group"]), (&"inactive".into(), &"node-alerts".into()));
    assert_eq!(why["labels"], serde_json::json!({"instance": "web-2"}));
    let cause = &why["causes"][0];
    assert_eq!((&cause["kind"], &cause["operator"]), (&"comparison".into(), &">".into()), "{why}");
    assert_ne!(cause["span"]["start"], 0);
    assert_eq!(cause["compared"][0]["right"], "80");
    let run = why_of_nobody();
    assert_eq!((run.code, run.stdout.as_str()), (Some(1), ""));
    assert!(run.stderr.contains("no alerting rule has the name Nobody"), "{}", run.stderr);
}

fn why_of_nobody() -> Run {
    why(&["--alert", "Nobody"])
}

#[test]
fn mistakes_are_named() {
    let run = why(&["--alert", "DiskSpaceWarning", "--at", "1"]);
    assert_eq!(run.code, Some(1));
    assert!(run.stderr.contains("is before --from"), "{}", run.stderr);
    let run = why(&["--alert", "DiskSpaceWarning", "--at", "8e15"]);
    assert_eq!(run.code, Some(1));
    assert!(run.stderr.contains("name a later time by --from"), "{}", run.stderr);
    let run = why(&["--alert", "DiskSpaceWarning", "--labels", "instance"]);
    assert_eq!(run.code, Some(1));
    assert!(run.stderr.contains("write NAME=VALUE"), "{}", run.stderr);
}

/// Answers a question as a server would over which `up` is 1.
fn answer(mut stream: TcpStream) {
    let (mut request, mut buffer) = (String::new(), [0; 4096]);
    while !request.contains("&timeout=") {
        let n = stream.read(&mut buffer).expect("a request");
        assert_ne!(n, 0, "the request broke off: {request}");
        request.push_str(&String::from_utf8_lossy(&buffer[..n]));
    }
    let body = request.split("\r\n\r\n").nth(1).expect("a body");
    let query = body.split('&').next().expect("a query");
    let is_range = request.starts_with("POST /api/v1/query_range ");
    let up = json!([{"metric": {"__name__": "up", "job": "node"}, "value": [0, "1"]}]);
    let (kind, result) = match query {
        _ if is_range => ("matrix", json!([])),
        "query=up" => ("vector", up),
        "query=0" => ("scalar", json!([0, "0"])),
        _ => ("vector", json!([])),
    };
    let answer = json!({"status": "success", "data": {"resultType": kind, "result": result}});
    let answer = answer.to_string();
    let head = "HTTP/1.1 200 OK\r\nConnection: close\r\nContent-Length";
    write!(stream, "{head}: {}\r\n\r\n{answer}", answer.len()).expect("an answer");
}

#[test]
fn a_server_can_be_asked() {
    let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
    let url = format!("http://{}", listener.local_addr().expect("an address"));
    std::thread::spawn(move || listener.incoming().flatten().for_each(answer));
    let rules = "groups: [{name: g, rules: [{alert: Down, expr: up == 0, for: 5m}]}]";
    let folder = folder(&[("r.yml", rules)]);
    let arguments =
        ["rules", "why", "--rules", "r.yml", "--alert", "Down", "--at", "1700000000", "--url"];
    let run = skopos(folder.path(), &[&arguments[..], &[&url]].concat(), "");
    assert_eq!((run.code, run.stderr.as_str()), (Some(0), ""), "{}", run.stdout);
    let expected = "Down is absent at 2023-11-14T22:13:20Z.\n  1 == 0 does not hold for \
        up{job=\"node\"}.\n    | up == 0\n    |    ^^^^\n  \
        It was neither pending nor firing since 2023-11-14T21:03:20Z.\n";
    assert_eq!(run.stdout, expected);
}
