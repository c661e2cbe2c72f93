//! The same questions to the real Prometheus and to this server.
//!
//! `SKOPOS_PEERS` names the directory that the program is in; without it these tests are skipped and
//! say so.

use std::net::SocketAddr;
use std::path::PathBuf;
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use serde_json::Value;

use super::client::{Server, ask, exporter, get, wait_for};

const PAGE: &str = "# HELP hits_total Pages <served> & more.\n# TYPE hits_total counter\n\
                    hits_total{code=\"200\",path=\"/a<b\"} 1027\nhits_total{code=\"500\"} 3\n\
                    # TYPE ratio gauge\nratio 0.25\ntiny 1e-7\nhuge 1e21\nnan NaN\ninf +Inf\n";

const RULES: &str = "groups:\n- name: g\n  interval: 1s\n  rules:\n  \
                     - record: code:hits:sum\n    expr: sum by(code)(hits_total)\n  \
                     - alert: Errors\n    expr: hits_total{code=\"500\"}>1\n    for: 1h\n    \
                     labels: {severity: page}\n    annotations: {summary: '{{ $value }} <b>'}\n";

/// Questions whose answers hold no times of their own.
const QUESTIONS: &[&str] = &[
    "/api/v1/query?query=hits_total&time=TIME",
    "/api/v1/query?query=tiny%20or%20huge%20or%20nan%20or%20inf&time=TIME",
    "/api/v1/query?query=1%2B1&time=1.5",
    "/api/v1/query?query=1e21&time=1435781451.781",
    "/api/v1/query?query=%22a%3Cb%22&time=2015-07-01T20:10:51.781Z",
    "/api/v1/query?query=up[",
    "/api/v1/query?query=",
    "/api/v1/query?query=up&time=x",
    "/api/v1/query?query=up&timeout=x",
    "/api/v1/query?query=up&limit=-1",
    "/api/v1/query?query=up&limit=x",
    "/api/v1/query?query=up&lookback_delta=x",
    "/api/v1/query?query=hits_total&limit=1&time=TIME",
    "/api/v1/query?query=rate(up)&time=1",
    "/api/v1/query_range?query=vector(1)&start=1&end=3&step=1",
    "/api/v1/query_range?query=up&start=3&end=1&step=1",
    "/api/v1/query_range?query=up&start=1&end=3&step=0",
    "/api/v1/query_range?query=up&start=0&end=11001&step=1",
    "/api/v1/query_range?query=up&start=&end=1&step=1",
    "/api/v1/query_range?query=up[1m]&start=0&end=1&step=1",
    "/api/v1/format_query?query=sum(rate(foo{a=%22b%22}[5m]))by(x)",
    "/api/v1/series?match[]=hits_total&match[]=ratio",
    "/api/v1/series",
    "/api/v1/series?match[]={a=%22%22}",
    "/api/v1/series?match[]=up[1m]",
    "/api/v1/labels?match[]=hits_total",
    "/api/v1/labels?match[]={",
    "/api/v1/labels?start=x",
    "/api/v1/label/code/values",
    "/api/v1/label/U__co_64_e/values",
    "/api/v1/label/code/values?limit=1",
    "/api/v1/metadata",
    "/api/v1/metadata?limit=x",
    "/api/v1/targets/metadata?metric=hits_total",
    "/api/v1/scrape_pools",
    "/api/v1/alertmanagers",
    "/api/v1/rules?type=x",
    "/api/v1/rules?group_limit=x",
    "/api/v1/rules?group_limit=0",
    "/api/v1/rules?group_next_token=x",
    "/api/v1/rules?exclude_alerts=x",
    "/api/v1/rules?rule_name[]=none",
    "/api/v1/status/tsdb?limit=0",
    "/api/v1/status/walreplay",
    "/api/v1/notifications",
    "/-/healthy",
    "/-/ready",
];

/// The real Prometheus, ended when it is dropped.
pub(crate) struct Peer {
    process: Child,
    pub(crate) address: SocketAddr,
}

impl Drop for Peer {
    fn drop(&mut self) {
        // It may have ended by itself.
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}

#[expect(clippy::disallowed_methods, reason = "the environment says where the program is")]
pub(crate) fn program() -> Option<PathBuf> {
    let Ok(directory) = std::env::var("SKOPOS_PEERS") else {
        println!("skipped: SKOPOS_PEERS is not set");
        return None;
    };
    let found = ["prometheus", "bin/prometheus", "usr/bin/prometheus"]
        .iter()
        .map(|name| PathBuf::from(&directory).join(name))
        .find(|path| path.is_file());
    if found.is_none() {
        println!("skipped: there is no prometheus in {directory}");
    }
    found
}

pub(crate) async fn peer(program: PathBuf, directory: &std::path::Path) -> Peer {
    let free = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let address = free.local_addr().unwrap();
    drop(free);
    let process = Command::new(program)
        .arg(format!("--config.file={}", directory.join("prometheus.yml").display()))
        .arg(format!("--storage.tsdb.path={}", directory.join("data").display()))
        .arg(format!("--web.listen-address={address}"))
        .arg("--web.external-url=http://mon.example")
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .spawn()
        .unwrap();
    let peer = Peer { process, address };
    for _ in 0..600 {
        let ready = tokio::net::TcpStream::connect(address).await.is_ok()
            && get(address, "/-/ready").await.status == 200;
        if ready {
            return peer;
        }
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    panic!("prometheus did not become ready");
}

/// Removes what differs from one server, or moment, to the next.
fn without_times(value: &mut Value) {
    match value {
        Value::Array(items) => items.iter_mut().for_each(without_times),
        Value::Object(entries) => {
            for name in
                ["lastScrape", "lastScrapeDuration", "evaluationTime", "lastEvaluation", "activeAt"]
            {
                if let Some(entry) = entries.get_mut(name) {
                    *entry = Value::Null;
                }
            }
            // Later versions than the peer have these labels.
            entries
                .retain(|name, _| !name.ends_with("_histograms__") && !name.ends_with("_nhcb__"));
            entries.values_mut().for_each(without_times);
        }
        _ => {}
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn answers_are_those_of_the_real_prometheus() {
    let Some(program) = program() else { return };
    let target = exporter(PAGE).await;
    let config = format!(
        "global: {{scrape_interval: 1s, evaluation_interval: 1s}}\nrule_files: [rules.yml]\n\
         scrape_configs:\n- job_name: app\n  static_configs: [{{targets: ['{target}']}}]\n\
         - job_name: none\n  static_configs: [{{targets: ['h:1'], labels: {{a: b}}}}]\n  \
         relabel_configs: [{{action: drop, regex: ''}}, {{action: drop, source_labels: [a], regex: b}}]\n"
    );
    let server = Server::start(&config, RULES).await;
    let peer = peer(program, server.directory.path()).await;
    let both = [server.address, peer.address];
    for address in both {
        wait_for(address, "/api/v1/alerts", |v| v["data"]["alerts"][0]["state"] == "pending").await;
        wait_for(address, "/api/v1/query?query=count(%7Bjob%3D%22app%22%7D)", |v| {
            v["data"]["result"][0]["value"][1] == "14"
        })
        .await;
    }
    let now = get(peer.address, "/api/v1/query?query=time()").await.json();
    let now = now["data"]["result"][1].as_str().unwrap().to_owned();
    let mut differences = Vec::new();
    for question in QUESTIONS {
        let question = question.replace("TIME", &now);
        let [ours, theirs] = [get(both[0], &question).await, get(both[1], &question).await];
        let label = |answer: &super::client::Answer| format!("{} {}", answer.status, answer.body);
        // The order of series and of metadata is the storage's.
        if sorted(&label(&ours)) != sorted(&label(&theirs)) {
            differences.push(format!(
                "{question}\n  ours   {}\n  theirs {}",
                label(&ours),
                label(&theirs)
            ));
        }
    }
    for question in ["/api/v1/targets", "/api/v1/rules", "/api/v1/alerts"] {
        let mut answers =
            [get(both[0], question).await.json(), get(both[1], question).await.json()];
        answers.iter_mut().for_each(without_times);
        if answers[0] != answers[1] {
            differences
                .push(format!("{question}\n  ours   {}\n  theirs {}", answers[0], answers[1]));
        }
    }
    let [ours, theirs] = [
        ask(both[0], "OPTIONS", "/api/v1/query", "").await.status,
        ask(both[1], "OPTIONS", "/api/v1/query", "").await.status,
    ];
    assert_eq!(ours, theirs);
    assert!(
        differences.is_empty(),
        "{} differences:\n{}",
        differences.len(),
        differences.join("\n")
    );
    drop(peer);
    server.end().await;
}

/// The characters of a text in order: the same for any order of its parts.
fn sorted(text: &str) -> Vec<char> {
    let mut characters: Vec<char> = text.chars().collect();
    characters.sort_unstable();
    characters
}
