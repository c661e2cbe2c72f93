//! Hysteresis in the running server: an alert with a recovery expression goes on firing between its two
//! thresholds, and what is evaluated are the plain rules that `skopos rules export` writes.

use std::fs;
use std::path::Path;
use std::process::Command;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use serde_json::{Value, json};

use crate::http::Server as Page;
use crate::process::{Server, eventually};

const RULES: &str = "\
groups:
- name: room
  rules:
  - alert: Hot
    expr: temperature > 30
    labels: {severity: page}
    x-skopos: {recover_if: temperature < 20}
";

/// The state and the value of the alert, if there is one.
#[track_caller]
fn alert(server: &Server) -> Option<(String, String)> {
    let alerts = server.data("/api/v1/alerts")["alerts"].take();
    let alert = alerts.as_array().expect("a list").first()?.clone();
    let labels = json!({"alertname": "Hot", "severity": "page", "instance": "room", "job": "page"});
    assert_eq!(alert["labels"], labels);
    let text = |key: &str| alert[key].as_str().expect("a text").to_owned();
    Some((text("state"), text("value")))
}

/// Waits until the group has been evaluated after the page's newest value came in.
#[track_caller]
fn settled(server: &Server, degrees: u64) {
    eventually("the new temperature", || {
        server.values("temperature").contains(&(degrees as f64)).then_some(())
    });
    let evaluated = || server.values("prometheus_rule_group_iterations_total");
    let before = evaluated();
    eventually("two more evaluations", || {
        let now = evaluated();
        let passed = now.first()? - before.first().copied().unwrap_or(0.0);
        (2.0 <= passed).then_some(())
    });
}

#[test]
fn an_alert_fires_until_it_has_recovered() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    fs::write(folder.path().join("rules.yml"), RULES).expect("a file");
    let degrees = Arc::new(AtomicU64::new(25));
    let shown = Arc::clone(&degrees);
    let page = Page::start(move || {
        ("text/plain; version=0.0.4", format!("temperature {}\n", shown.load(Ordering::Relaxed)))
    });
    let config = format!(
        "global: {{scrape_interval: 500ms, evaluation_interval: 500ms}}\nrule_files: [rules.yml]\n\
         scrape_configs:\n\
         - job_name: page\n  static_configs: [{{targets: ['{}'], labels: {{instance: room}}}}]\n\
         - job_name: own\n  static_configs: [{{targets: ['OWN']}}]\n",
        page.address
    );
    let server = start(folder.path(), &config);
    let set = |value: u64| {
        degrees.store(value, Ordering::Relaxed);
        settled(&server, value);
    };
    set(26);
    assert_eq!(alert(&server), None);
    set(35);
    assert_eq!(alert(&server), Some(("firing".into(), "3.5e+01".into())));
    set(27);
    assert_eq!(alert(&server), Some(("firing".into(), "3.5e+01".into())), "not yet recovered");
    set(15);
    assert_eq!(alert(&server), None);
    set(28);
    assert_eq!(alert(&server), None, "the threshold of the alert counts again");
    what_runs_is_what_is_exported(&server, folder.path());
}

/// Starts the server with itself as a target.
#[track_caller]
fn start(folder: &Path, config: &str) -> Server {
    let server = Server::skopos_with(folder, config, &["--rule-extensions"]);
    let config = config.replace("OWN", &server.address.to_string());
    fs::write(folder.join("prometheus.yml"), config).expect("a file");
    assert_eq!(server.request("POST", "/-/reload").status, 200);
    server
}

#[track_caller]
fn what_runs_is_what_is_exported(server: &Server, folder: &Path) {
    let output = Command::new(env!("CARGO_BIN_EXE_skopos"))
        .args(["rules", "export", "--evaluation-interval=500ms", "rules.yml"])
        .current_dir(folder)
        .output()
        .expect("the program runs");
    let plain = String::from_utf8(output.stdout).expect("text");
    let unfolded: String = plain.split_whitespace().collect::<Vec<_>>().join(" ");
    let groups = server.data("/api/v1/rules")["groups"].take();
    let rules = groups[0]["rules"].as_array().expect("a list").clone();
    let names: Vec<&Value> = rules.iter().map(|rule| &rule["name"]).collect();
    assert_eq!(names, ["room:Hot:held", "Hot"]);
    for rule in &rules {
        let query = rule["query"].as_str().expect("a text");
        // The server shows expressions without parentheses that change nothing.
        let bare = |text: &str| text.replace(['(', ')', ' '], "");
        assert!(bare(&unfolded).contains(&bare(query)), "{query}\n{plain}");
        assert_eq!(rule["health"], "ok", "{rule}");
    }
}
